"""The engine on the real Asterisk: click-to-call, hang-up, hold, and what becomes of calls when Asterisk dies."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from lab.chroot import AsteriskHome
from lab.phones import open_client_phone, open_manager_phone
from lab.server import AsteriskServer, open_asterisk
from tests.sip.asterisk_site import EngineSite, open_engine

pytestmark = [pytest.mark.asterisk]


@pytest_asyncio.fixture
async def site(asterisk: AsteriskServer, database: str) -> AsyncIterator[EngineSite]:
    """The engine on the module's Asterisk, with an empty database."""
    async with open_engine(asterisk, database) as opened:
        yield opened


async def test_a_click_to_call_rings_the_manager_and_then_the_client(
    asterisk: AsteriskServer, site: EngineSite
) -> None:
    async with open_manager_phone(asterisk, "101") as anna, open_client_phone(asterisk) as client:
        await anna.script(answer_after=0.2)
        await client.script(answer_after=0.2)
        ordered = await site.click_to_call("tl-answered")
        talk = await anna.next_call()
        await talk.connected()
        await (await client.next_call()).connected()
        await asyncio.sleep(1.0)
        await talk.hang_up()
        call = await site.call()

    assert ordered == "accepted:"
    assert (call["direction"], call["client_number"], call["result"]) == ("outbound", "+79161234567", "answered")
    assert (call["answered_by"], call["command_id"]) == (["101"], "tl-answered")
    assert 0.5 < call["talk_us"] / 1e6 < 3
    assert site.refused == []


async def test_a_manager_who_does_not_answer_is_told_after_the_ringing(
    asterisk: AsteriskServer, site: EngineSite
) -> None:
    async with open_manager_phone(asterisk, "101"):
        ordered = await site.click_to_call("tl-unanswered")
        call = await site.call()
        await site.until(lambda: _true(site.refused))

    assert ordered == "accepted:"
    assert site.refused == [("tl-unanswered", "no_answer")]
    assert (call["result"], call["client_number"], call["command_id"]) == ("no_answer", "+79161234567", "tl-unanswered")


@pytest.mark.parametrize(("code", "reason"), [(486, "busy"), (603, "refused"), (503, "failed")])
async def test_a_manager_who_refuses_is_told_so(
    asterisk: AsteriskServer, site: EngineSite, code: int, reason: str
) -> None:
    async with open_manager_phone(asterisk, "101") as anna:
        await anna.script(refuse_with=code)
        await site.click_to_call("tl-refused")
        await site.until(lambda: _true(site.refused))

    assert site.refused == [("tl-refused", reason)]


async def test_a_phone_that_is_not_there_makes_a_failed_call_of_the_order(site: EngineSite) -> None:
    ordered = await site.click_to_call("tl-nobody")
    await site.until(lambda: _true(site.refused))
    call = await site.call()

    assert ordered == "accepted:"
    assert site.refused == [("tl-nobody", "no_phone")]
    assert (call["result"], call["client_number"], call["command_id"]) == ("failed", "+79161234567", "tl-nobody")


async def test_a_number_the_dialplan_does_not_know_is_refused_at_once(site: EngineSite) -> None:
    assert await site.click_to_call("tl-short", "9") == "refused:no_such_number"


async def test_one_id_dials_once(asterisk: AsteriskServer, site: EngineSite) -> None:
    order = {"order_id": "tl-twice", "endpoint": "101", "extension": "101", "number": "79161234567", "caller_id": ""}
    async with open_manager_phone(asterisk, "101") as anna:
        await asyncio.gather(site.engine.originate(**order), site.engine.originate(**order))
        await site.until(lambda: _true(site.refused))

        assert len(anna.calls) == 1


async def test_a_leg_is_hung_up_by_its_id(asterisk: AsteriskServer, site: EngineSite) -> None:
    async with open_manager_phone(asterisk, "101") as anna, open_client_phone(asterisk) as client:
        await anna.script(answer_after=0.1)
        talk = await client.dial("4950001")
        await talk.connected()
        await site.call("talking")
        leg = next(id for id, first in site.pipeline.open_legs().items() if first.channel.startswith("PJSIP/trunk"))
        done = await site.engine.hang_up(leg)
        await talk.ended()
        await site.call()
        again = await site.engine.hang_up(leg)

    assert (done.reason, again.reason) == ("", "leg_gone")


async def test_hold_is_counted(asterisk: AsteriskServer, site: EngineSite) -> None:
    async with open_manager_phone(asterisk, "101") as anna, open_client_phone(asterisk) as client:
        await anna.script(answer_after=0.1)
        call = await client.dial("4950001")
        await call.connected()
        taken = await anna.next_call()
        await asyncio.sleep(0.5)
        await taken.hold()
        await asyncio.sleep(1.5)
        await taken.unhold()
        await asyncio.sleep(0.5)
        await call.hang_up()
        ended = await site.call()

    assert 1.2 < ended["hold_us"] / 1e6 < 2.2
    assert ended["talk_us"] > ended["hold_us"]


async def test_the_endpoints_are_proposed_with_their_extensions(asterisk: AsteriskServer, site: EngineSite) -> None:
    async with open_manager_phone(asterisk, "101"):
        seen = {e.name: e for e in await site.engine.endpoints()}

    assert {name: e.proposed_extension for name, e in seen.items()} == {
        "PJSIP/100": "100",
        "PJSIP/101": "101",
        "PJSIP/102": "102",
        "PJSIP/trunk": None,
    }
    assert (seen["PJSIP/101"].online, seen["PJSIP/102"].online) == (True, False)


async def test_asterisk_tells_its_start_and_its_clock(site: EngineSite) -> None:
    standing = await site.engine.standing()

    assert standing is not None
    assert standing.legs == frozenset()
    assert standing.started_at is not None
    assert 0 <= (standing.at - standing.started_at).total_seconds() < 600
    assert standing.clock_offset is not None
    assert abs(standing.clock_offset.total_seconds()) < 2


async def test_a_call_killed_with_asterisk_is_closed_at_its_last_row(
    asterisk_home: AsteriskHome, database: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with open_asterisk(tmp_path_factory.mktemp("killed"), home=asterisk_home) as server:
        async with open_engine(server, database) as site:
            async with open_manager_phone(server, "101") as anna, open_client_phone(server) as client:
                await anna.script(answer_after=0.1)
                talk = await client.dial("4950001")
                await talk.connected()
                await site.call("talking")
                await asyncio.sleep(1.0)
                server.kill()
            refused = await site.engine.originate(
                order_id="tl-away", endpoint="101", extension="101", number="79161234567", caller_id=""
            )
            await asyncio.to_thread(server.start)
            call = await site.call(seconds=40)
            family = await site.pool.fetchrow("select rows, last_at from family")
            left = site.pipeline.open_legs()

    assert refused.reason == "not_connected"
    assert (call["result"], call["complete"], call["ended_at"]) == ("answered", False, family["last_at"])
    assert left == {}


async def _true(value: object) -> bool:
    return bool(value)
