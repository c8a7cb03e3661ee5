"""After a call: the outcome by the keyboard alone, and nothing typed is ever lost."""

import asyncio
import re

import pytest
from playwright.async_api import expect

from tests.api.site import PASSWORD
from tests.web.browser import Visit, axe, go, settled
from tests.web.day import Day
from tests.web.phone import RunningCall, band, rule_after_call

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def card_of(day: Day, number: str) -> int:
    found = await day.api.site.pool.fetchval("select contact_id from contact_number where number = $1", f"+{number}")
    return int(found)


async def test_an_outcome_is_given_by_the_keyboard_alone(day: Day, visit: Visit) -> None:
    await rule_after_call(day, 600)
    call = RunningCall(day=day, number="79165550101", name="Keyboard")
    await call.ring()
    page = await visit("anna", f"/clients/{await card_of(day, call.number)}")
    await call.answer()
    await expect(band(page)).to_have_attribute("data-state", "talking")
    panel = page.get_by_role("region", name="After this call")
    await expect(panel.get_by_role("button", name="Save when the call ends")).to_be_disabled()

    await call.hang_up()

    await expect(band(page)).to_have_attribute("data-state", "after")
    await page.keyboard.press("4")  # a refusal, which asks why
    await expect(panel.get_by_role("radio", name="Refusal")).to_be_checked()
    await expect(panel).to_contain_text("Still to give: reason")
    await page.keyboard.press("1")
    await expect(panel.get_by_role("radio", name="Talked, goes on")).to_be_checked()
    await expect(panel.get_by_role("radio", name="Call", exact=True)).to_be_checked()
    assert await axe(page, without=["label-content-name-mismatch", "region"]) == []
    await page.keyboard.press("Control+Enter")
    await page.wait_for_url("**/today")

    row = await day.api.site.pool.fetchrow(
        "select d.key, o.next_step from outcome o join disposition d on d.id = o.disposition_id"
        " where o.call_id = $1::uuid",
        await call.id(),
    )
    assert row is not None
    assert (row["key"], row["next_step"]["kind"], row["next_step"]["task"]) == ("talked", "task", "call")
    await expect(band(page)).not_to_have_attribute("data-state", "after")


async def test_one_more_minute_and_later_leave_the_call_in_today(day: Day, visit: Visit) -> None:
    await rule_after_call(day, 60)
    call = RunningCall(day=day, number="79165550102", name="Later")
    await call.ring()
    page = await visit("anna", f"/clients/{await card_of(day, call.number)}")
    await call.answer()
    await call.hang_up()
    await expect(band(page)).to_have_attribute("data-state", "after")

    await band(page).get_by_role("button", name="One more minute").click()

    await expect(band(page)).to_contain_text(re.compile(r"Free again in 1:[3-5]\d"))
    panel = page.get_by_role("region", name="After this call")
    await panel.get_by_role("radio", name="Purchase").click()
    await panel.get_by_role("button", name="Later").click()
    await expect(band(page)).not_to_have_attribute("data-state", "after")
    anna = await day.api.signed_in("anna")
    missing = (await (await anna.get("outcomes/missing")).json())["items"]
    assert [entry["wants"] for entry in missing if entry["call"] == await call.id()] == [["reason"]]


async def test_a_reload_in_mid_call_keeps_what_is_half_typed_and_half_chosen(day: Day, visit: Visit) -> None:
    await rule_after_call(day, 600)
    call = RunningCall(day=day, number="79165550103", name="Reload")
    await call.ring()
    card = await card_of(day, call.number)
    page = await visit("anna", f"/clients/{card}")
    await call.answer()
    panel = page.get_by_role("region", name="After this call")
    await panel.get_by_label("Note").fill("second floor is rea")
    await panel.get_by_role("radio", name="Call later").click()

    await page.reload()
    await settled(page)

    await expect(band(page)).to_have_attribute("data-state", "talking")
    await expect(panel.get_by_label("Note")).to_have_value("second floor is rea")
    await expect(panel.get_by_role("radio", name="Call later")).to_be_checked()
    second = await visit.tab(page.context)
    await second.goto(f"/clients/{card}")
    await settled(second)
    other = second.get_by_role("region", name="After this call")
    await expect(other.get_by_label("Note")).to_have_value("second floor is rea")
    await other.get_by_label("Note").fill("second floor is ready")
    await expect(panel.get_by_label("Note")).to_have_value("second floor is ready")
    await call.hang_up()


async def test_a_session_that_ends_in_mid_typing_asks_again_and_loses_nothing(day: Day, visit: Visit) -> None:
    await rule_after_call(day, 600)
    visit.expects(r"^401 ", r"console: .*WebSocket", r"^403 ")
    call = RunningCall(day=day, number="79165550104", name="Session")
    await call.ring()
    page = await visit("anna", f"/clients/{await card_of(day, call.number)}")
    await call.answer()
    await call.hang_up()
    panel = page.get_by_role("region", name="After this call")
    await panel.get_by_role("radio", name="Talked, goes on").click()
    await panel.get_by_label("Note").fill("typed before the sess")

    await day.api.site.pool.execute("delete from session where user_id = $1", day.api.site.users["anna"])
    await panel.get_by_label("Note").press_sequentially("ion ended")
    await page.keyboard.press("Control+Enter")

    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    async with asyncio.timeout(20):
        while not (
            note := await day.api.site.pool.fetchval(
                "select note from outcome where call_id = $1::uuid", await call.id()
            )
        ):
            await asyncio.sleep(0.1)
    assert note == "typed before the session ended"


async def test_the_band_leads_to_the_card_where_another_page_is_open(day: Day, visit: Visit) -> None:
    await rule_after_call(day, 600)
    call = RunningCall(day=day, number="79165550105", name="Elsewhere")
    await call.ring()
    page = await visit("anna", "/calls")
    await call.answer()
    await call.hang_up()
    await expect(band(page)).to_have_attribute("data-state", "after")

    await page.keyboard.press("Control+Enter")

    await page.wait_for_url(f"**/clients/{await card_of(day, call.number)}")
    await expect(page.get_by_role("region", name="After this call")).to_be_visible()
    await page.keyboard.press("9")
    await page.keyboard.press("Control+Enter")
    await page.wait_for_url("**/today")
    await go(page, "/calls")
    await expect(band(page)).not_to_have_attribute("data-state", "after")
