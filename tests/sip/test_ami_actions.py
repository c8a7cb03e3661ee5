"""The actions the gateway uses: what they send, what they make of the answer, and what nobody can know."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from gateway.domain.errors import GiveUp, Rejected, TryAgain
from sip.ami_answers import Endpoint
from sip.ami_connection import AmiConfig, AmiConnection, open_connection
from sip.ami_errors import ActionDenied, ActionFailed, ActionTimedOut, ConnectionLost, FieldRefused, NotConnected
from tests.sip.ami_server import AmiServer, event_list, response, running


@pytest.fixture
async def server() -> AsyncIterator[AmiServer]:
    async with running(AmiServer()) as server:
        yield server


@pytest.fixture
async def connection(server: AmiServer) -> AsyncIterator[AmiConnection]:
    config = AmiConfig(port=server.port, username="gateway", secret="right", action_seconds=0.2)
    async with open_connection(config) as connection:
        yield connection


async def test_what_could_not_be_sent_may_be_tried_again(server: AmiServer, connection: AmiConnection) -> None:
    server.drop()
    await connection.wait_lost(5)

    with pytest.raises(NotConnected) as refusal:
        await connection.hangup("PJSIP/101-1")
    assert isinstance(refusal.value, TryAgain)
    assert server.received("Hangup") == []


async def test_what_asterisk_refuses_is_an_error_with_its_words(server: AmiServer, connection: AmiConnection) -> None:
    server.answers["Hangup"] = lambda action_id: response("Error", action_id, Message="Missing something.")

    with pytest.raises(ActionFailed, match="Asterisk refused Hangup: Missing something") as refusal:
        await connection.hangup("PJSIP/101-1")
    assert isinstance(refusal.value, Rejected)


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
        await connection.hears_originate()
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
