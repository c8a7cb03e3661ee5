"""The AMI session against slow handlers, floods, garbage, forged headers and servers that go away."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sip.ami import AmiSession
from sip.ami_connection import open_connection
from sip.ami_errors import ConnectionLost, FieldRefused, NotConnected
from sip.ami_protocol import Message
from tests.sip.ami_server import BANNER, AmiServer, event, recorded, running
from tests.sip.ami_sessions import ROW, config_for, listen, remembers, session_with, until


@pytest.fixture
async def server() -> AsyncIterator[AmiServer]:
    async with running(AmiServer()) as server:
        yield server


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

    # So many events are more than a fifth of a second's work, in which a ping would want its answer.
    async with session_with(
        server, lambda session: session.on(["X"], remembers(heard)), ping_seconds=60.0, pong_seconds=60.0
    ) as session:
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
    assert f"{Path(__file__).name}:" in log
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
