"""A call outlives its page: loaded anew, closed, taken by another tab or browser. The gap is hold, the call stays one.

And what becomes of the client if nobody comes back.
"""

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from playwright.async_api import Page, expect

from gateway.domain.softphone import Away
from lab.phone_calls import PhoneCall
from lab.phones import open_client_phone, open_manager_phone
from lab.speech import Dialogue
from tests.softphone.office import DID, PATIENCE, Office, correlation, press, wait_call

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="module")]


_ANSWERED = (
    "select count(*) from leg join call on call.id = leg.call_id"
    " where call.started_at > $1 and role = 'manager' and leg.answered_at is not null"
)
"""How many legs of managers were answered in calls since then."""


async def answered(page: Page, call: PhoneCall) -> None:
    """The client is answered in the page."""
    await wait_call(page, "ringing")
    await press(page, "Answer")
    await wait_call(page, "talking")
    await call.connected(PATIENCE)


async def calls_since(office: Office, since: datetime) -> int:
    """How many calls began after a moment, those that were merged into others not counted."""
    query = "select count(*) from call where merged_into is null and started_at > $1"
    found: int = await office.gateway.pool.fetchval(query, since)
    return found


def one_call_with_a_gap(row: asyncpg.Record) -> None:
    """Answered once, by one, handed to nobody; the time without a page is hold."""
    assert (row["result"], row["answered_by"], row["transfers"]) == ("answered", ["101"], [])
    assert row["hold_us"] > 100_000
    assert row["talk_us"] > 1_000_000


async def test_a_reload_in_mid_call_brings_the_manager_back_into_it(office: Office, dialogue: Dialogue) -> None:
    since = datetime.now(UTC)
    anna = await office.person()
    page = await office.phone(anna)
    async with open_client_phone(office.server) as client:
        call = await client.dial(DID, play=dialogue.client)
        await answered(page, call)
        shown = await page.locator("#main li").get_attribute("data-call")
        await asyncio.sleep(1)
        await page.reload(wait_until="commit")
        await wait_call(page, "talking")
        assert await page.locator("#main li").get_attribute("data-call") == shown
        assert call.state == "connected"
        await asyncio.sleep(4)
        await press(page, "End")
        await call.ended(PATIENCE)
    row = await office.ended_call(since)
    await anna.close()

    one_call_with_a_gap(row)
    assert (row["hung_up_by"], await calls_since(office, since)) == ("manager", 1)
    said = office.server.recordings / f"{row['key']}-tx.wav"
    async with asyncio.timeout(PATIENCE):
        while not said.with_name(f"{row['key']}.done").exists():
            await asyncio.sleep(0.1)
    assert correlation(office.microphone, said) > 0.95
    length = said.stat().st_size / 16_000
    assert abs(length - (row["talk_us"] + row["hold_us"]) / 1e6) < 1.0


async def test_another_tab_shows_the_same_call_and_takes_it_when_the_first_is_closed(office: Office) -> None:
    since = datetime.now(UTC)
    anna = await office.person()
    first = await office.phone(anna)
    second = await office.phone(anna)
    async with open_client_phone(office.server) as client:
        call = await client.dial(DID)
        await wait_call(first, "ringing")
        await wait_call(second, "ringing")
        await press(second, "Answer")
        await wait_call(first, "talking")
        await call.connected(PATIENCE)
        await asyncio.sleep(1.5)
        await first.close()
        await wait_call(second, "talking")
        async with asyncio.timeout(PATIENCE):
            while await office.gateway.pool.fetchval(_ANSWERED, since) < 2:
                await asyncio.sleep(0.1)
        await wait_call(second, "talking")
        await asyncio.sleep(0.5)
        await call.hang_up()
        await expect(second.locator("#main li")).to_have_count(0, timeout=PATIENCE * 1000)
    row = await office.ended_call(since)
    await anna.close()
    one_call_with_a_gap(row)


async def test_another_browser_takes_the_phone_with_its_call_and_the_first_says_so(office: Office) -> None:
    since = datetime.now(UTC)
    at_work, at_home = await office.person(), await office.person()
    page = await office.phone(at_work)
    async with open_client_phone(office.server) as client:
        call = await client.dial(DID)
        await answered(page, call)
        await asyncio.sleep(1.5)
        other = await office.phone(at_home)
        await wait_call(other, "talking")
        await expect(page.locator("#main [data-line]")).to_have_attribute("data-line", "taken", timeout=PATIENCE * 1000)
        await asyncio.sleep(0.5)
        await press(other, "End")
        await call.ended(PATIENCE)
    await press(page, "Use the phone here")
    await expect(page.locator("#main [data-line]")).to_have_attribute("data-line", "ready", timeout=PATIENCE * 1000)
    row = await office.ended_call(since)
    await at_work.close()
    await at_home.close()
    one_call_with_a_gap(row)


async def test_a_client_for_whom_nobody_comes_back_is_lost_and_asks_to_be_called_back(office: Office) -> None:
    since = datetime.now(UTC)
    anna = await office.person()
    page = await office.phone(anna)
    softphones = office.gateway.lines["lab"].softphones
    assert softphones is not None
    async with open_client_phone(office.server) as client:
        call = await client.dial(DID)
        await answered(page, call)
        await asyncio.sleep(1)
        assert await softphones.part("101-web", Away(wait=timedelta(seconds=2))) == 1
        await call.ended(PATIENCE)
    row = await office.ended_call(since)
    await anna.close()
    assert (row["result"], row["hung_up_by"]) == ("lost_in_transfer", "pbx")
    assert [(t["kind"], t["by"], t["outcome"]) for t in row["transfers"]] == [("redirect", "101", "lost")]


async def test_a_client_for_whom_nobody_comes_back_goes_where_the_site_says(office: Office) -> None:
    since = datetime.now(UTC)
    anna = await office.person()
    page = await office.phone(anna)
    softphones = office.gateway.lines["lab"].softphones
    assert softphones is not None
    async with open_client_phone(office.server) as client:
        call = await client.dial(DID)
        await answered(page, call)
        await asyncio.sleep(1)
        async with open_manager_phone(office.server, "102") as desk:
            assert await softphones.part("101-web", Away(wait=timedelta(seconds=1), then="102")) == 1
            taken = await desk.next_call(PATIENCE)
            await taken.answer()
            await taken.connected(PATIENCE)
            await asyncio.sleep(1)
            await call.hang_up()
    row = await office.ended_call(since)
    await anna.close()
    assert (row["result"], row["answered_by"]) == ("answered", ["101", "102"])
    assert [(t["kind"], t["by"], t["taken_by"]) for t in row["transfers"]] == [("redirect", "101", "102")]
