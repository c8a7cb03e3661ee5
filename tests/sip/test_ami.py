"""The AMI session: login, snapshot, reconnection, the ping, against a server of our own."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from sip.ami import AmiSession, Snapshot, open_ami
from sip.ami_connection import open_connection
from sip.ami_errors import AmiUnreachable, AuthenticationRefused, NotConnected
from sip.ami_protocol import Message
from tests.sip.ami_server import AmiServer, response, running
from tests.sip.ami_sessions import ROW, config_for, session_with, until


@pytest.fixture
async def server() -> AsyncIterator[AmiServer]:
    async with running(AmiServer()) as server:
        yield server


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
