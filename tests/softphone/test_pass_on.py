"""A client who rings in the page is passed on before anybody answered: the call stays one, and the page says what
became of it. What rings on the desk: tests/web/test_phone_real.py.
"""

import asyncio
from datetime import UTC, datetime

import asyncpg
import pytest
from playwright.async_api import Locator, Page, expect

from lab.phone_calls import PhoneCall
from lab.phones import Phone, open_client_phone, open_manager_phone
from tests.softphone.office import DID, DID_WITH_DESK, PATIENCE, Office, wait_call
from tests.web.phone import band

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="module")]

SOON = 500 * PATIENCE
"""Milliseconds; half of what a test may take at one place."""


async def pass_on(page: Page, to: str) -> None:
    """By the keys of the band."""
    phone = band(page)
    await expect(phone).to_have_attribute("data-state", "ringing", timeout=SOON)
    await expect(phone.get_by_role("button", name="Answer")).to_be_visible(timeout=SOON)  # this page rings
    await page.keyboard.press("Shift+F9")
    search = page.get_by_label("Colleague, extension or number")
    await expect(search).to_be_focused(timeout=SOON)
    await search.fill(to)
    await expect(page.get_by_role("list", name="Whom to").get_by_role("listitem")).to_have_count(1, timeout=SOON)
    await page.keyboard.press("Enter")


async def rings_no_more(page: Page) -> Locator:
    """The page has nothing of the call any more; its band."""
    phone = band(page)
    await expect(page.locator("#main li[data-state]")).to_have_count(0, timeout=SOON)
    await expect(phone).not_to_have_attribute("data-state", "ringing", timeout=SOON)
    return phone


async def parts_of(office: Office, call: asyncpg.Record) -> dict[str, tuple[bool, bool]]:
    """Who had a part in a call: whether it rang at his phone, and whether he answered."""
    rows = await office.gateway.pool.fetch(
        "select extension, rang, answered from call_manager where call_id = $1", call["id"]
    )
    return {row["extension"]: (row["rang"], row["answered"]) for row in rows}


async def begin(office: Office, did: str, client: Phone) -> tuple[Page, PhoneCall, str]:
    """A client rings at Anna's page, which is registered; the page, his call and its id."""
    page = await office.phone(await office.person())
    call = await client.dial(did)
    await wait_call(page, "ringing")
    return page, call, await page.locator("#main li").get_attribute("data-call") or ""


@pytest.mark.parametrize("did", [DID, DID_WITH_DESK], ids=["in_the_page", "in_the_page_and_on_the_desk"])
async def test_a_client_who_rings_is_passed_on_taken_by_the_colleague_and_stays_one_call(
    office: Office, did: str
) -> None:
    since = datetime.now(UTC)
    async with (
        open_client_phone(office.server) as client,
        open_manager_phone(office.server, "101") as desk,
        open_manager_phone(office.server, "102") as boris,
    ):
        page, call, shown = await begin(office, did, client)
        at_desk = await desk.next_call(PATIENCE) if did == DID_WITH_DESK else None

        await pass_on(page, "boris")

        ringing = await boris.next_call(PATIENCE)
        phone = await rings_no_more(page)
        await expect(phone).to_contain_text("Passed on to Boris", timeout=SOON)
        if at_desk is not None:
            await at_desk.ended(PATIENCE)
        assert call.state != "connected"
        await ringing.answer()
        await call.connected(PATIENCE)
        await expect(phone).to_contain_text("Boris has taken the call", timeout=SOON)
        await asyncio.sleep(1)  # that they talk
        await call.hang_up()
    row = await office.ended_call(since)

    assert str(row["id"]) == shown
    assert (row["result"], row["answered_by"], row["transfers"]) == ("answered", ["102"], [])
    assert (row["hung_up_by"], row["talk_us"] > 500_000) == ("client", True)
    assert await office.gateway.pool.fetchval("select count(*) from call where started_at > $1", since) == 1
    assert await parts_of(office, row) == {"101": (True, False), "102": (True, True)}
    order = await office.gateway.pool.fetchrow("select kind, state, target from command where call_id = $1", row["id"])
    assert order is not None
    assert tuple(order) == ("transfer", "done", "102")
    await page.goto(f"/calls/{shown}")
    for name in ("Anna", "Boris"):
        await expect(page.locator("main")).to_contain_text(name, timeout=SOON)
    await page.context.close()


async def test_a_client_whom_the_colleague_refuses_is_told_as_not_taken(office: Office) -> None:
    since = datetime.now(UTC)
    async with open_client_phone(office.server) as client, open_manager_phone(office.server, "102") as boris:
        await boris.script(refuse_with=486)
        page, call, shown = await begin(office, DID, client)

        await pass_on(page, "102")

        await call.ended(PATIENCE)
        await expect(await rings_no_more(page)).to_contain_text("Boris did not take the call", timeout=SOON)
    row = await office.ended_call(since)
    assert (str(row["id"]), row["result"], row["answered_by"]) == (shown, "missed", [])
    await page.context.close()
