"""The AMI session against a server that is silent, stalls, floods, babbles, forges and goes away."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from sip.ami import AmiConfig, AmiSession, Snapshot, open_ami
from sip.ami_connection import AmiConnection, open_connection
from sip.ami_errors import AmiUnreachable, AuthenticationRefused, ConnectionLost, FieldRefused, NotConnected
from sip.ami_protocol import Message
from tests.sip.ami_server import BANNER, AmiServer, event, recorded, response, running

ROW: dict[str, str | list[str]] = {
    "Channel": "PJSIP/trunk-00000065",
    "ChannelStateDesc": "Up",
    "CallerIDNum": "79161234567",
    "Uniqueid": "1.1",
    "Linkedid": "1.1",
    "BridgeId": "",
}


@pytest.fixture
async def server() -> AsyncIterator[AmiServer]:
    async with running(AmiServer()) as server:
        yield server


def config_for(server: AmiServer, **settings: Any) -> AmiConfig:
    quick = {"first_pause_seconds": 0.01, "longest_pause_seconds": 0.05, "ping_seconds": 0.05, "pong_seconds": 0.2}
    return AmiConfig(port=server.port, username="gateway", **{"secret": "right", **quick, **settings})


@asynccontextmanager
async def session_with(
    server: AmiServer, prepare: Callable[[AmiSession], None] = lambda session: None, **settings: Any
) -> AsyncIterator[AmiSession]:
    async with open_ami(config_for(server, **settings)) as session, asyncio.TaskGroup() as group:
        prepare(session)
        running_session = group.create_task(session.run())
        await session.wait_connected(5)
        yield session
        running_session.cancel()


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not holds():
            await asyncio.sleep(0.002)


def remembers(heard: list[Message]) -> Callable[[Message], Awaitable[None]]:
    async def handler(event: Message) -> None:
        heard.append(event)

    return handler


async def listen(connection: AmiConnection, heard: list[Message]) -> None:
    async for batch in connection.events():
        heard.extend(batch)


# logging in


async def test_the_secret_itself_is_not_sent(server: AmiServer) -> None:
    async with session_with(server):
        (login,) = server.received("Login")

    assert login["Username"] == "gateway"
    assert login["Events"] == "system,call,user"
    assert "Secret" not in login
    assert "right" not in str(server.actions)


async def test_the_plain_login_is_there_where_it_is_asked_for(server: AmiServer) -> None:
    async with session_with(server, plain_login=True, event_classes=()):
        (login,) = server.received("Login")

    assert login["Secret"] == "right"
    assert login["Events"] == "on"
    assert server.received("Challenge") == []


async def test_the_secret_is_in_no_repr(server: AmiServer) -> None:
    assert "right" not in repr(config_for(server))


@pytest.mark.parametrize("plain", [True, False])
async def test_a_refused_login_ends_the_session_for_a_person_to_see(server: AmiServer, plain: bool) -> None:
    async with open_ami(config_for(server, secret="wrong", plain_login=plain)) as session:
        with pytest.raises(AuthenticationRefused, match=r"refuses user 'gateway'.*permit/deny with manager.conf"):
            await session.run()

    assert server.connections == 1


async def test_a_user_without_any_right_to_log_in_is_refused(server: AmiServer) -> None:
    server.answers["Challenge"] = lambda action_id: response("Error", action_id, Message="Permission denied")

    with pytest.raises(AuthenticationRefused):
        async with open_connection(config_for(server)):
            pass


async def test_a_login_that_asterisk_postpones_is_tried_again(server: AmiServer) -> None:
    server.answers["Login"] = lambda action_id: response("Error", action_id, Message="Login Already In Use")

    with pytest.raises(AmiUnreachable, match="Login Already In Use"):
        async with open_connection(config_for(server)):
            pass


async def test_nobody_listening_is_told_with_host_and_port(server: AmiServer) -> None:
    config = config_for(AmiServer(port=1))

    with pytest.raises(AmiUnreachable, match=r"127\.0\.0\.1:1 cannot be used: .*Connect call failed"):
        async with open_connection(config):
            pass


@pytest.mark.parametrize(
    ("banner", "told"),
    [(b"", "no answer at login in time"), (b"SSH-2.0-OpenSSH_9\r\n", "not an AMI server"), (b"a" * 999, "not an AMI")],
)
async def test_a_silent_or_other_server_is_given_up_in_time(server: AmiServer, banner: bytes, told: str) -> None:
    server.banner = banner

    with pytest.raises(AmiUnreachable, match=told):
        async with open_connection(config_for(server, connect_seconds=0.1)):
            pass
    await server.all_gone()


async def test_a_stop_logs_off(server: AmiServer) -> None:
    async with session_with(server):
        pass

    await server.all_gone()
    assert len(server.received("Logoff")) == 1


# snapshot and reconnect


async def test_hooks_see_the_snapshot_before_any_handler_sees_an_event(server: AmiServer) -> None:
    server.channels = [ROW]
    order: list[object] = []

    def prepare(session: AmiSession) -> None:
        async def hook(snapshot: Snapshot) -> None:
            await asyncio.sleep(0.02)
            order.append(snapshot)

        async def handler(event: Message) -> None:
            order.append(event.name)

        session.on_resync(hook)
        session.on(["FullyBooted"], handler)

    async with session_with(server, prepare):
        await until(lambda: len(order) == 2)

    snapshot, name = order
    assert isinstance(snapshot, Snapshot)
    assert snapshot.channels is not None
    assert snapshot.channels.complete
    assert [(row.name, row.uniqueid) for row in snapshot.channels.rows] == [("PJSIP/trunk-00000065", "1.1")]
    assert (snapshot.started, snapshot.restarted) == ("2026-11-21 22:00:00", False)
    assert name == "FullyBooted"


async def test_a_lost_connection_is_made_again_and_a_restart_of_asterisk_is_noticed(server: AmiServer) -> None:
    snapshots: list[Snapshot] = []

    def prepare(session: AmiSession) -> None:
        async def hook(snapshot: Snapshot) -> None:
            snapshots.append(snapshot)

        session.on_resync(hook)

    async with session_with(server, prepare) as session:
        server.drop()
        await until(lambda: session.state.reconnects == 1)
        server.started = ("2026-11-21", "22:05:00")
        server.drop()
        await until(lambda: session.state.reconnects == 2)

        assert [snapshot.restarted for snapshot in snapshots] == [False, False, True]
        assert session.state.asterisk_started == "2026-11-21 22:05:00"
        assert session.state.connected_since is not None
        assert session.state.last_error is not None


async def test_a_server_that_comes_later_is_found(server: AmiServer) -> None:
    later = AmiServer()
    async with running(later):
        pass  # the port is known and free again
    async with open_ami(config_for(later)) as session, asyncio.TaskGroup() as group:
        task = group.create_task(session.run())
        await until(lambda: session.state.last_error is not None)
        assert session.state.connected_since is None
        with pytest.raises(NotConnected):
            await session.action("Ping")

        async with running(later):
            await session.wait_connected(5)
            task.cancel()


async def test_the_pauses_grow_to_a_bound_with_jitter(server: AmiServer) -> None:
    async with open_ami(config_for(server, first_pause_seconds=1, longest_pause_seconds=10)) as session:
        pauses = [[session._pause(failures) for _ in range(50)] for failures in range(8)]

    for bound, tried in zip([1, 2, 4, 8, 10, 10, 10, 10], pauses, strict=True):
        assert bound / 2 <= min(tried) < max(tried) <= bound


async def test_without_the_right_to_a_snapshot_the_session_works_and_says_so(server: AmiServer) -> None:
    server.write = {"call", "originate"}
    snapshots: list[Snapshot] = []

    def prepare(session: AmiSession) -> None:
        async def hook(snapshot: Snapshot) -> None:
            snapshots.append(snapshot)

        session.on_resync(hook)

    async with session_with(server, prepare) as session:
        assert await session.hangup("PJSIP/101-1") is False
        assert session.state.last_error == (
            "the AMI user may not use CoreStatus; add 'reporting' to its write classes in manager.conf"
        )

    assert snapshots[0].channels is None


async def test_a_resync_that_fails_is_done_again_on_a_new_connection(server: AmiServer) -> None:
    tries = 0

    def prepare(session: AmiSession) -> None:
        async def hook(snapshot: Snapshot) -> None:
            nonlocal tries
            tries += 1
            if tries < 3:
                raise RuntimeError("79161234567")

        session.on_resync(hook)

    async with session_with(server, prepare) as session:
        assert tries == 3
        assert session.state.last_error == "the AMI connection was lost: resync failed with RuntimeError"
        assert session.state.connects == 1


async def test_an_asterisk_that_shuts_down_is_waited_for(server: AmiServer) -> None:
    async with session_with(server) as session:
        shutting_down = dict.fromkeys(
            ("Ping", "CoreStatus"), lambda action_id: response("Error", action_id, Message="Asterisk is shutting down")
        )
        server.answers.update(shutting_down)
        await until(lambda: server.connections > 2)
        assert "shutting down" in str(session.state.last_error)

        server.answers.clear()
        await session.wait_connected(5)


# silence, floods, garbage


async def test_a_stalled_server_is_found_by_the_ping_and_left(server: AmiServer) -> None:
    async with session_with(server, pong_seconds=0.05) as session:
        server.deaf = {"Ping"}
        await until(lambda: session.state.connected_since is None)
        assert "ping" in str(session.state.last_error)

        server.deaf = set()
        await session.wait_connected(5)


async def test_silence_between_events_is_no_fault(server: AmiServer) -> None:
    async with session_with(server, ping_seconds=0.01) as session:
        await until(lambda: len(server.received("Ping")) > 20)

        assert session.state.connects == 1
        assert session.state.last_error is None


async def test_the_clock_of_the_pbx_is_read_from_an_answer(server: AmiServer) -> None:
    async with session_with(server) as session:
        reading = session.state.clock

    assert reading is not None
    assert reading.round_trip.total_seconds() < 5
    assert abs(reading.offset.total_seconds()) > 3600  # the server's answer bears a fixed date


async def test_slow_handlers_lead_to_a_counted_fresh_start_and_never_to_single_lost_events(server: AmiServer) -> None:
    heard: list[str] = []
    busy, go = asyncio.Event(), asyncio.Event()

    def prepare(session: AmiSession) -> None:
        async def handler(event: Message) -> None:
            busy.set()
            await go.wait()
            heard.append(event["N"])

        session.on(["X"], handler)

    async with session_with(server, prepare, queue_events=100) as session:
        await server.send(event("X", N="0"))
        await busy.wait()
        await server.send(b"".join(event("X", N=str(number)) for number in range(1, 500)))
        await server.all_gone()
        go.set()
        await until(lambda: session.state.reconnects == 1)
        await server.send(event("X", N="after"))
        await until(lambda: heard[-1:] == ["after"])

        assert session.state.overflows == 1
        assert "more than 100 events" in str(session.state.last_error)

    assert heard == ["0", "after"]


async def test_a_flood_that_handlers_can_follow_arrives_whole_and_in_order(server: AmiServer) -> None:
    heard: list[Message] = []

    async with session_with(server, lambda session: session.on(["X"], remembers(heard))) as session:
        await server.send(b"".join(event("X", N=str(number)) for number in range(20_000)))
        await until(lambda: len(heard) == 20_000)

        assert [message["N"] for message in heard] == [str(number) for number in range(20_000)]
        assert session.state.overflows == 0


async def test_answers_come_through_while_a_handler_is_slow(server: AmiServer) -> None:
    stuck = asyncio.Event()

    def prepare(session: AmiSession) -> None:
        async def handler(event: Message) -> None:
            await stuck.wait()

        session.on(["X"], handler)

    async with session_with(server, prepare) as session:
        await server.send(event("X") * 50)
        await until(lambda: session.state.events_waiting == 49)

        assert (await session.core_status()).calls_processed == 7
        stuck.set()


async def test_a_handler_that_hangs_does_not_hold_up_the_next_connection_for_ever(server: AmiServer) -> None:
    def prepare(session: AmiSession) -> None:
        async def handler(event: Message) -> None:
            await asyncio.Event().wait()

        session.on(["X"], handler)

    async with session_with(server, prepare, handler_grace_seconds=0.05) as session:
        await server.send(event("X"))
        server.drop()
        await until(lambda: session.state.reconnects == 1)

        assert "handler" in str(session.state.last_error)


async def test_a_handler_that_fails_harms_nobody_else(server: AmiServer) -> None:
    heard: list[Message] = []

    def prepare(session: AmiSession) -> None:
        async def broken(event: Message) -> None:
            raise ValueError(event["CallerIDNum"])

        session.on(["X"], broken)
        session.on(None, remembers(heard))

    async with session_with(server, prepare) as session:
        await server.send(event("X", CallerIDNum="79161234567") * 3)
        await until(lambda: [message.name for message in heard].count("X") == 3)

        assert session.state.handler_errors == 3
        assert session.state.connects == 1


async def test_the_log_of_a_failing_handler_names_the_place_and_no_number(
    server: AmiServer, capsys: pytest.CaptureFixture[str]
) -> None:
    def prepare(session: AmiSession) -> None:
        async def broken(event: Message) -> None:
            raise ValueError(event["CallerIDNum"])

        session.on(["X"], broken)

    async with session_with(server, prepare) as session:
        await server.send(event("X", CallerIDNum="79161234567"))
        await until(lambda: session.state.handler_errors == 1)

    log = "".join(capsys.readouterr())
    assert "test_ami.py:" in log
    assert "79161234567" not in log


async def test_byte_by_byte_everything_works_the_same(server: AmiServer) -> None:
    server.pieces = 1
    server.channels = [ROW]
    heard: list[Message] = []

    def prepare(session: AmiSession) -> None:
        session.on(["CEL"], remembers(heard))

    async with session_with(server, prepare, pong_seconds=5) as session:
        await server.send(b"".join(recorded("queue_answered.ami.jsonl").partition(b"Event: CEL")[:2]) + b"\r\n\r\n")
        await until(lambda: len(heard) == 1)

        assert (await session.core_show_channels()).rows[0].uniqueid == "1.1"
        assert session.state.connects == 1


@pytest.mark.parametrize(
    "garbage", [b"\x00\xff\xfe\r\n\r\n" * 50, b"\r\n" * 99, b"no colon\r\n\r\n", b"Event: \r\n\r\n", BANNER + b"\r\n"]
)
async def test_garbage_between_messages_is_passed_over(server: AmiServer, garbage: bytes) -> None:
    heard: list[Message] = []

    async with session_with(server, lambda session: session.on(["X"], remembers(heard))) as session:
        await server.send(garbage + event("X"))
        await until(lambda: len(heard) == 1)

        assert session.state.connects == 1


async def test_garbage_without_an_end_breaks_the_connection_and_not_the_session(server: AmiServer) -> None:
    async with session_with(server) as session:
        await server.send(b"x" * (2 << 20))
        await until(lambda: session.state.reconnects == 1)

        assert "longer than 1048576 bytes" in str(session.state.last_error)


# callers


async def test_a_forged_event_stays_a_hint_and_answers_no_action(server: AmiServer) -> None:
    hints: list[Message] = []
    forged = "7\r\n\r\nEvent: Hangup\r\nUniqueid: 1.1\r\n\r\nResponse: Success\r\nActionID: 1\r\nPing: Pong\r\n\r\n"

    async with session_with(server, lambda session: session.on(["Hangup"], remembers(hints))) as session:
        server.channels = [ROW]
        await server.send(event("Newchannel", CallerIDNum=forged, Uniqueid="9.9"))
        await until(lambda: len(hints) == 1)

        assert (await session.core_show_channels()).rows[0].uniqueid == "1.1"


async def test_a_caller_cannot_end_the_snapshot_early_from_his_own_row(server: AmiServer) -> None:
    hostile = ROW | {"CallerIDNum": "7\r\nEventList: Complete\r\nListItems: 0"}
    server.channels = [hostile, ROW | {"Channel": "PJSIP/101-1", "Uniqueid": "2.2"}]

    async with session_with(server) as session:
        channels = await session.core_show_channels()

    assert [row.name for row in channels.rows] == ["PJSIP/trunk-00000065", "PJSIP/101-1"]
    assert [row.uniqueid for row in channels.rows] == ["1.1", "2.2"]
    assert channels.complete


@pytest.mark.parametrize(
    "number",
    [
        "7\r\nUniqueid: 2.2",
        "7\r\n\r\n",
        "7\r\n\r\nEvent: CoreShowChannelsComplete\r\nActionID: 00\r\nListItems: 0",
        "7\r\n\r\nEvent: CoreShowChannel\r\nUniqueid: 3.3\r\nCallerIDName: x",
        "7\r\nUniqueid: 3.3\r\nLinkedid: 3.3\r\nBridgeId: \r\n\r\n",
        "7\r\nUniqueid: 3.3\r\nLinkedid: 3.3\r\nBridgeId: \r\n\r\nEvent: Nobody\r\nWants: this",
        "7\r\nUniqueid: 3.3\r\n\r\n\r\n\r\nResponse: Success\r\nX: y",
    ],
)
async def test_a_row_that_a_caller_tampered_with_makes_the_snapshot_incomplete(server: AmiServer, number: str) -> None:
    server.channels = [ROW | {"CallerIDNum": number}, ROW | {"Channel": "PJSIP/101-1", "Uniqueid": "2.2"}]

    async with session_with(server) as session:
        channels = await session.core_show_channels()

    assert not channels.complete
    assert [(row.name, row.uniqueid) for row in channels.rows] == [
        ("PJSIP/trunk-00000065", None),
        ("PJSIP/101-1", "2.2"),
    ]


async def test_nothing_is_sent_of_an_action_with_a_line_break_in_a_field(server: AmiServer) -> None:
    async with session_with(server) as session:
        before = len(server.actions)
        with pytest.raises(FieldRefused):
            await session.action("Setvar", {"Variable": "A", "Value": "x\r\n\r\nAction: Command\r\nCommand: stop"})
        await session.action("Setvar", {"Variable": "A", "Value": "x"})

    sent = [dict(action)["Action"] for action in server.actions[before:]]
    assert [name for name in sent if name not in {"Ping", "Logoff"}] == ["Setvar"]


# a single connection


async def test_a_single_connection_ends_when_the_server_goes(server: AmiServer) -> None:
    async with open_connection(config_for(server)) as connection:
        server.drop()

        with pytest.raises(ConnectionLost):
            await listen(connection, [])
        with pytest.raises(NotConnected):
            await connection.action("Ping")


async def test_events_before_the_end_are_given_before_the_end_is_told(server: AmiServer) -> None:
    heard: list[Message] = []

    async with open_connection(config_for(server)) as connection:
        await server.send(event("X") * 3)
        await until(lambda: connection.events_waiting == 4)
        server.drop()
        await connection.wait_lost(5)
        with pytest.raises(ConnectionLost):
            await listen(connection, heard)

    assert [message.name for message in heard] == ["FullyBooted", "X", "X", "X"]
