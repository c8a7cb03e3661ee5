"""A real call over a real Asterisk on the manager's screen: it rings, he talks, and gives the outcome by keys."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from lab.phones import open_client_phone, open_manager_phone
from lab.server import AsteriskServer
from tests.web.phone import band
from tests.web.real import at_work

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="session")]


async def test_a_real_call_rings_on_the_screen_and_is_wrapped_up_by_keys(
    asterisk: AsteriskServer, database: str, browser: Browser, static: Path
) -> None:
    async with at_work(asterisk, database, browser) as anna:
        phone = band(anna.page)
        await anna.gateway.pool.execute("update manager_state_rule set after_call_seconds = 600")
        async with open_manager_phone(asterisk, "101") as desk, open_client_phone(asterisk) as client:
            await desk.script(answer_after=4.0)
            call = await client.dial("4950001")
            await expect(phone).to_have_attribute("data-state", "ringing")
            await expect(phone.get_by_role("alert")).to_contain_text("Answer on your phone")
            await phone.locator("a").first.click()
            await call.connected()
            await expect(phone).to_have_attribute("data-state", "talking")

            await anna.page.keyboard.press("F9")
            await expect(phone).to_have_attribute("data-state", "hold")
            await anna.page.keyboard.press("F9")
            await expect(phone).to_have_attribute("data-state", "talking")
            await anna.page.reload()
            await expect(phone).to_have_attribute("data-state", "talking")
            await anna.page.keyboard.press("Shift+F8")
            await call.ended()

        await expect(phone).to_have_attribute("data-state", "after")
        panel = anna.page.get_by_role("region", name="After this call")
        await expect(panel).to_be_visible()
        await anna.page.keyboard.press("1")
        await anna.page.keyboard.press("Control+Enter")
        await anna.page.wait_for_url("**/today")
        chosen = await anna.gateway.pool.fetch(
            "select d.key from outcome o join disposition d on d.id = o.disposition_id"
        )
        assert [row["key"] for row in chosen] == ["talked"]


async def test_a_click_rings_ones_own_phone_and_then_the_clients(
    asterisk: AsteriskServer, database: str, browser: Browser, static: Path
) -> None:
    async with at_work(asterisk, database, browser) as anna:
        phone = band(anna.page)
        async with open_manager_phone(asterisk, "101") as desk, open_client_phone(asterisk) as client:
            await client.script(answer_after=3.0)
            await anna.page.keyboard.press("d")
            await anna.page.locator("input[data-dial]").fill("8 916 999-88-77")
            await expect(phone).to_contain_text("Will be dialled")
            await anna.page.keyboard.press("Enter")
            await expect(phone).to_have_attribute("data-state", "dialling")
            ringing = await desk.next_call()
            await expect(phone).to_contain_text("Your phone rings: take it, then the client is called")
            await ringing.answer()
            await expect(phone).to_contain_text("The client’s phone rings")
            await expect(phone).to_have_attribute("data-state", "talking")
            await anna.page.keyboard.press("Shift+F8")
            await ringing.ended()
        await expect(phone).not_to_have_attribute("data-state", "talking")


_ENDED = "select * from call where state = 'ended' and kind = 'client' and started_at > $1"
"""Calls of this test: the module's Asterisk keeps one journal."""


async def test_a_call_that_rings_is_passed_on_by_keys_and_stays_one(
    asterisk: AsteriskServer, database: str, browser: Browser, static: Path
) -> None:
    since = datetime.now(UTC)
    async with at_work(asterisk, database, browser) as anna:
        phone, pool = band(anna.page), anna.gateway.pool
        async with (
            open_manager_phone(asterisk, "101") as desk,
            open_manager_phone(asterisk, "102") as boris,
            open_client_phone(asterisk) as client,
        ):
            await boris.script(answer_after=1.0)
            call = await client.dial("4950001")
            ringing = await desk.next_call()
            await expect(phone).to_have_attribute("data-state", "ringing")
            await expect(phone.get_by_role("button", name="Pass on")).to_be_visible()
            await anna.page.keyboard.press("Shift+F9")
            search = anna.page.get_by_label("Colleague, extension or number")
            await expect(search).to_be_focused()
            await search.fill("boris")
            await anna.page.keyboard.press("Enter")

            await ringing.ended()
            await expect(phone).to_contain_text("Passed on")
            await expect(phone).not_to_have_attribute("data-state", "ringing")
            await (await boris.next_call()).connected()
            await call.connected()
            await call.hang_up()

        async with asyncio.timeout(60):
            while not (rows := await pool.fetch(_ENDED, since)):
                await asyncio.sleep(0.05)
        (row,) = rows
        assert (row["result"], row["answered_by"], row["transfers"]) == ("answered", ["102"], [])
        kinds = await pool.fetch("select kind, state from command")
        assert [(one["kind"], one["state"]) for one in kinds] == [("transfer", "done")]
