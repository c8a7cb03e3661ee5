"""The actions the gateway uses: what they send, what they make of the answer, and what nobody can know."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from gateway.domain.errors import GiveUp, Rejected, TryAgain
from sip.ami_answers import Endpoint, OriginateOutcome
from sip.ami_connection import AmiConfig, AmiConnection, open_connection
from sip.ami_errors import ActionDenied, ActionFailed, ActionTimedOut, ConnectionLost, FieldRefused, NotConnected
from tests.sip.ami_server import AmiServer, event_list, response, running

CALL = {"channel": "PJSIP/101", "exten": "79169998877", "context": "from-agents", "channel_id": "tl-1"}


@pytest.fixture
async def server() -> AsyncIterator[AmiServer]:
    async with running(AmiServer()) as server:
        yield server


@pytest.fixture
async def connection(server: AmiServer) -> AsyncIterator[AmiConnection]:
    config = AmiConfig(port=server.port, username="gateway", secret="right", action_seconds=0.2)
    async with open_connection(config) as connection:
        yield connection


async def originate(connection: AmiConnection, **more: object) -> OriginateOutcome:
    return (await connection.originate(**CALL | {"ring_seconds": -9.8} | more)).outcome  # type: ignore[arg-type]


async def test_a_click_to_call_is_sent_with_our_id_and_answered_by_its_own_response(
    server: AmiServer, connection: AmiConnection
) -> None:
    answer = await connection.originate(
        **CALL, caller_number="+79169998877", caller_name='Anna "A" <B>', variables={"TL_ID": "1"}, ring_seconds=25
    )

    assert (answer.outcome, answer.reason, answer.uniqueid) == (OriginateOutcome.ANSWERED, 4, "tl-1")
    (sent,) = server.received("Originate")
    assert sent.pop("ActionID")
    assert sent == {
        "Action": "Originate",
        "Channel": "PJSIP/101",
        "Exten": "79169998877",
        "Context": "from-agents",
        "Priority": "1",
        "Timeout": "25000",
        "CallerID": '"Anna \\"A\\" <B>" <+79169998877>',
        "Async": "true",
        "ChannelId": "tl-1",
        "Variable": "TL_ID=1",
    }


@pytest.mark.parametrize(
    ("reason", "outcome"), [("0", "failed"), ("1", "no_answer"), ("3", "no_answer"), ("5", "busy"), ("8", "congested")]
)
async def test_a_failed_originate_says_why(
    server: AmiServer, connection: AmiConnection, reason: str, outcome: str
) -> None:
    server.originate_end = {"Response": "Failure", "Reason": reason}

    assert await originate(connection, ring_seconds=1) == outcome


async def test_an_originate_without_an_answer_is_unknown_and_not_repeated(
    server: AmiServer, connection: AmiConnection
) -> None:
    server.originate_end = None

    assert await originate(connection) is OriginateOutcome.UNKNOWN
    assert len(server.received("Originate")) == 1


async def test_an_originate_whose_connection_is_lost_is_unknown(server: AmiServer, connection: AmiConnection) -> None:
    server.originate_end = None

    async with asyncio.TaskGroup() as group:
        call = group.create_task(originate(connection, ring_seconds=30))
        while not server.received("Originate"):
            await asyncio.sleep(0.001)
        server.drop()

    assert call.result() is OriginateOutcome.UNKNOWN


async def test_an_originate_that_could_not_be_sent_may_be_tried_again(
    server: AmiServer, connection: AmiConnection
) -> None:
    server.drop()
    await connection.wait_lost(5)

    with pytest.raises(NotConnected) as refusal:
        await originate(connection)
    assert isinstance(refusal.value, TryAgain)
    assert server.received("Originate") == []


async def test_an_originate_that_asterisk_refuses_at_once_is_an_error(
    server: AmiServer, connection: AmiConnection
) -> None:
    server.answers["Originate"] = lambda action_id: response("Error", action_id, Message="Extension does not exist.")

    with pytest.raises(ActionFailed, match="Asterisk refused Originate: Extension does not exist") as refusal:
        await originate(connection)
    assert isinstance(refusal.value, Rejected)


@pytest.mark.parametrize("channel_id", ["", "x" * 31, "a b", "a;2", "a\n"])
async def test_a_channel_id_that_does_not_fit_everywhere_is_refused(
    server: AmiServer, connection: AmiConnection, channel_id: str
) -> None:
    with pytest.raises(FieldRefused, match="ChannelId"):
        await originate(connection, channel_id=channel_id)
    assert server.received("Originate") == []


async def test_a_value_of_a_variable_cannot_become_a_second_variable(
    server: AmiServer, connection: AmiConnection
) -> None:
    await originate(connection, variables={"A": 'x,CRM_ID=stolen "q" (b) [c] \\', "CHANNEL(userfield)": "y"})

    (sent,) = (action for action in server.actions if ("Action", "Originate") in action)
    assert [value for key, value in sent if key == "Variable"] == [
        'A=x\\,CRM_ID=stolen \\"q\\" \\(b\\) \\[c\\] \\\\',
        "CHANNEL(userfield)=y",
    ]


@pytest.mark.parametrize("name", ["", "A,B", "A=B", "SHELL(rm -rf)", "1A"])
async def test_a_variable_needs_a_variables_name(connection: AmiConnection, name: str) -> None:
    with pytest.raises(FieldRefused, match="Variable"):
        await originate(connection, variables={name: "x"})


async def test_a_long_client_name_never_costs_the_number(server: AmiServer, connection: AmiConnection) -> None:
    await originate(connection, caller_name="Ж" * 500, caller_number="79169998877")
    with pytest.raises(FieldRefused, match="CallerID"):
        await originate(connection, caller_number="7> <8")

    (sent,) = server.received("Originate")
    assert sent["CallerID"].endswith("<79169998877>")
    assert len(sent["CallerID"].encode()) < 255


async def test_doctor_can_ask_whether_originate_answers_reach_us(server: AmiServer, connection: AmiConnection) -> None:
    assert await connection.hears_originate()

    server.originate_end = None
    assert not await connection.hears_originate(timeout=0.05)


async def test_a_hang_up_tells_whether_the_channel_was_there(server: AmiServer, connection: AmiConnection) -> None:
    server.channels = [{"Channel": "PJSIP/101-1"}]

    assert await connection.hangup("PJSIP/101-1", cause=16)
    assert not await connection.hangup("PJSIP/101-2")
    assert [sent.get("Cause") for sent in server.received("Hangup")] == ["16", None]


@pytest.mark.parametrize("channel", ["", "/.*/"])
async def test_nobody_hangs_up_by_pattern(server: AmiServer, connection: AmiConnection, channel: str) -> None:
    with pytest.raises(FieldRefused, match="other people's calls"):
        await connection.hangup(channel)
    assert server.received("Hangup") == []


async def test_a_missing_right_is_named_with_its_remedy(server: AmiServer, connection: AmiConnection) -> None:
    server.write = set()

    with pytest.raises(ActionDenied, match="may not use Originate; add 'originate' to its write classes") as denial:
        await originate(connection)
    assert isinstance(denial.value, GiveUp)


async def test_an_action_has_a_deadline_and_its_late_answer_harms_nobody(
    server: AmiServer, connection: AmiConnection
) -> None:
    server.deaf = {"Setvar"}
    with pytest.raises(ActionTimedOut, match=r"Setvar had no answer within 0\.05 s; its outcome is unknown"):
        await connection.action("Setvar", timeout=0.05)

    await server.send(response("Success", server.received("Setvar")[0]["ActionID"]))

    assert (await connection.core_status()).started == "2026-11-21 22:00:00"


async def test_actions_wait_side_by_side(server: AmiServer, connection: AmiConnection) -> None:
    answers = await asyncio.gather(*(connection.core_status() for _ in range(50)), connection.core_show_channels())

    assert len(answers) == 51
    assert len({sent["ActionID"] for sent in server.received("CoreStatus")}) == 50


async def test_everybody_who_waits_learns_of_a_lost_connection(server: AmiServer, connection: AmiConnection) -> None:
    server.deaf = {"Setvar"}
    waiting = asyncio.gather(*(connection.action("Setvar", timeout=5) for _ in range(3)), return_exceptions=True)
    while len(server.received("Setvar")) < 3:
        await asyncio.sleep(0.001)

    server.drop()

    assert [type(error) for error in await waiting] == [ConnectionLost] * 3


async def test_a_list_with_fewer_rows_than_counted_is_not_complete(
    server: AmiServer, connection: AmiConnection
) -> None:
    def cut(action_id: str) -> bytes:
        row = {"Event": "CoreShowChannel", "ActionID": action_id, "Channel": "PJSIP/1-1", "Uniqueid": "1"}
        return event_list(action_id, [dict(row)] * 2, "CoreShowChannelsComplete").replace(b"Items: 2", b"Items: 3")

    server.answers["CoreShowChannels"] = cut

    channels = await connection.core_show_channels()

    assert len(channels.rows) == 2
    assert not channels.complete


async def test_no_channel_at_all_is_a_complete_answer(connection: AmiConnection) -> None:
    channels = await connection.core_show_channels()

    assert channels.complete
    assert channels.rows == ()


async def test_endpoints_are_found_with_the_right_and_without_it(server: AmiServer, connection: AmiConnection) -> None:
    assert await connection.endpoints() == (Endpoint(name="PJSIP/101", state="NOT_INUSE"),)

    server.write.add("system")
    assert await connection.endpoints() == (Endpoint(name="PJSIP/101", state="Not in use"),)


async def test_an_asterisk_without_clock_in_its_answer_has_no_reading(
    server: AmiServer, connection: AmiConnection
) -> None:
    reading = await connection.read_clock()
    assert reading is not None
    assert reading.round_trip < timedelta(seconds=5)

    server.answers["Ping"] = lambda action_id: response("Success", action_id, Ping="Pong")
    assert await connection.read_clock() is None


async def test_the_rights_of_a_lean_user_are_enough_and_not_too_many(connection: AmiConnection) -> None:
    rights = await connection.rights()

    assert rights.missing == {}
    assert rights.dangerous == ()
    assert rights.actions["Originate"] == {"originate", "all"}


async def test_missing_and_dangerous_rights_are_named(server: AmiServer, connection: AmiConnection) -> None:
    server.write = {"call", "system", "command", "config"}

    rights = await connection.rights()

    assert rights.missing == {"Originate": "originate"}
    assert rights.dangerous == ("system", "command", "config")
