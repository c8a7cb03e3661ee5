"""The AMI client against the real Asterisk of the lab, as the user a site would give it."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

import pytest

from lab.server import AsteriskServer
from sip.ami import AmiConfig, AmiSession, Snapshot, open_ami
from sip.ami_actions import AmiActions
from sip.ami_connection import open_connection
from sip.ami_errors import ActionDenied, AuthenticationRefused
from sip.ami_protocol import Message
from sip.asterisk_orders import DialTemplate, originate_fields

pytestmark = pytest.mark.asterisk

ECHO = DialTemplate(channel="Local/{ext}@from-trunk", context="from-trunk")


def config_for(asterisk: AsteriskServer, secret: str | None = None) -> AmiConfig:
    return AmiConfig(
        port=asterisk.ports.ami,
        username=asterisk.gateway.user,
        secret=secret or asterisk.gateway.secret,
        ping_seconds=0.2,
        pong_seconds=0.5,
        first_pause_seconds=0.1,
        longest_pause_seconds=0.5,
    )


@asynccontextmanager
async def session_with(
    asterisk: AsteriskServer, prepare: Callable[[AmiSession], None] = lambda session: None
) -> AsyncIterator[AmiSession]:
    async with open_ami(config_for(asterisk)) as session, asyncio.TaskGroup() as group:
        prepare(session)
        task = group.create_task(session.run())
        await session.wait_connected(10)
        yield session
        task.cancel()


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(60):
        while not await holds():
            await asyncio.sleep(0.02)


async def count(event: Message) -> None:
    assert event.name


async def order(actions: AmiActions, id: str) -> str:
    """Let the lab's echo call itself; the channel's name once it has answered."""
    echo = "4950009"
    fields = originate_fields(ECHO, order_id=id, endpoint=echo, extension=echo, number=echo, caller_id="")
    *_, end = await actions.exchange("Originate", fields, lambda message: message.name == "OriginateResponse", 10)
    assert (end.first("Response"), end.first("Uniqueid")) == ("Success", id)
    return end.first("Channel")


@contextlib.contextmanager
def hostile_call(asterisk: AsteriskServer, number: str) -> Iterator[None]:
    """A call from the trunk whose number is written into SIP as it stands, percent signs and all."""
    host = f"127.0.0.1:{asterisk.ports.trunk}"
    sound = f"c=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {asterisk.ports.trunk} RTP/AVP 8\r\n"
    body = f"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\n{sound}"
    head = (
        f"INVITE sip:4950009@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP {host};branch=z9hG4bKhostile\r\n"
        f"From: <sip:{number}@{host}>;tag=1\r\nTo: <sip:4950009@127.0.0.1>\r\nCall-ID: hostile\r\nCSeq: 1 INVITE\r\n"
        f"Contact: <sip:7@{host}>\r\nMax-Forwards: 70\r\nContent-Type: application/sdp\r\n"
    )
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as trunk:
        trunk.bind(("127.0.0.1", asterisk.ports.trunk))
        packet = f"{head}Content-Length: {len(body)}\r\n\r\n{body}"
        trunk.sendto(packet.encode(), ("127.0.0.1", asterisk.ports.sip))
        yield


async def test_the_gateways_user_has_the_rights_it_needs_and_no_dangerous_one(asterisk: AsteriskServer) -> None:
    async with open_connection(config_for(asterisk)) as connection:
        rights = await connection.rights()

        assert rights.missing == {}
        assert rights.dangerous == ()
        with pytest.raises(ActionDenied):
            await connection.action("Command", {"Command": "core show version"})


async def test_what_a_user_has_too_much_is_named(asterisk: AsteriskServer) -> None:
    observer = asterisk.observer
    everything = AmiConfig(port=asterisk.ports.ami, username=observer.user, secret=observer.secret)

    async with open_connection(everything) as connection:
        assert (await connection.rights()).dangerous == ("system", "command", "config")
        assert {one.name for one in await connection.endpoints()} >= {"PJSIP/101", "PJSIP/102", "PJSIP/trunk"}


async def test_a_wrong_secret_is_refused_for_good(asterisk: AsteriskServer) -> None:
    with pytest.raises(AuthenticationRefused):
        async with open_connection(config_for(asterisk, secret="wrong")):
            pass


async def test_status_clock_and_devices_are_there_for_a_lean_user(asterisk: AsteriskServer) -> None:
    async with open_connection(config_for(asterisk)) as connection:
        clock = await connection.read_clock()
        status = await connection.core_status()
        devices = await connection.endpoints()

    assert clock is not None
    assert abs(clock.offset.total_seconds()) < 0.5
    assert status.started.startswith("20")
    assert {device.name for device in devices} >= {"PJSIP/101", "PJSIP/102"}


async def test_originate_answers_reach_us_and_the_check_rings_nobody(asterisk: AsteriskServer) -> None:
    async with open_connection(config_for(asterisk)) as connection:
        before = (await connection.core_status()).calls_processed

        assert await connection.hears_originate()
        assert (await connection.core_status()).calls_processed == before


async def test_a_call_is_listed_under_our_id_and_hung_up_once(asterisk: AsteriskServer) -> None:
    async with open_connection(config_for(asterisk)) as connection:
        channel = await order(connection, "trunkline-test-1")
        channels = await connection.core_show_channels()
        assert channels.complete
        assert "trunkline-test-1" in {row.uniqueid for row in channels.rows}

        assert await connection.hangup(channel)

        async def gone() -> bool:
            return not (await connection.core_show_channels()).rows

        await until(gone)
        assert not await connection.hangup(channel)


async def test_events_of_honest_calls_never_break_into_a_list(asterisk: AsteriskServer) -> None:
    async with session_with(asterisk, lambda session: session.on(None, count)) as session:
        async with asyncio.TaskGroup() as group:
            calls = [group.create_task(order(session, f"tl-{number}")) for number in range(10)]
            snapshots = [await session.core_show_channels() for _ in range(100)]
        for call in calls:
            assert await session.hangup(call.result())

    assert all(snapshot.complete for snapshot in snapshots)
    assert max(len(snapshot.rows) for snapshot in snapshots) >= 10


async def test_a_caller_with_line_breaks_in_his_number_cannot_deceive_the_snapshot(asterisk: AsteriskServer) -> None:
    hints: list[Message] = []

    async def remember(event: Message) -> None:
        hints.append(event)

    forged = (
        "7%0D%0AEventList%3A%20Complete%0D%0AUniqueid%3A%20forged%0D%0A%0D%0AEvent%3A%20Hangup%0D%0AUniqueid%3A%20x"
    )
    async with session_with(asterisk, lambda session: session.on(["Hangup"], remember)) as session:
        with hostile_call(asterisk, forged):

            async def there() -> bool:
                return bool((await session.core_show_channels()).rows)

            await until(there)
            channels = await session.core_show_channels()

            assert [row.name.startswith("PJSIP/trunk-") for row in channels.rows] == [True]
            assert channels.rows[0].uniqueid is None
            assert not channels.complete
            assert await session.hangup(channels.rows[0].name)

            async def over() -> bool:
                return not (await session.core_show_channels()).rows

            await until(over)
        assert session.state.connects == 1


async def test_a_stalled_asterisk_is_left_and_found_again_and_a_restart_is_noticed(asterisk: AsteriskServer) -> None:
    snapshots: list[Snapshot] = []

    async def hook(snapshot: Snapshot) -> None:
        snapshots.append(snapshot)

    async with session_with(asterisk, lambda session: session.on_resync(hook)) as session:
        asterisk.freeze()

        async def noticed() -> bool:
            return session.state.connected_since is None

        await until(noticed)
        assert "ping" in str(session.state.last_error)
        asterisk.thaw()
        await session.wait_connected(10)

        await asyncio.to_thread(asterisk.kill)
        await until(noticed)
        await asyncio.sleep(1)  # Asterisk tells its start in whole seconds
        await asyncio.to_thread(asterisk.start)
        await session.wait_connected(20)

    assert [snapshot.restarted for snapshot in snapshots][-1] is True
    assert not any(snapshot.restarted for snapshot in snapshots[:-1])
