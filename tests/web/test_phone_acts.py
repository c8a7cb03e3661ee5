"""What is done with the phone from the page: dialling, and orders to a running call, by mouse and keys."""

import asyncio
from collections.abc import Callable

import pytest
from playwright.async_api import expect

from tests.api.switchboard import accepted, refused
from tests.web.browser import Visit, axe, settled
from tests.web.day import Day
from tests.web.phone import RunningCall, band

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.03)


async def test_a_number_in_any_form_is_dialled_and_comes_back_after_a_reload(day: Day, visit: Visit) -> None:
    board = day.api.board
    board.outcome, before = accepted(), len(board.orders)
    page = await visit("anna", "/today")
    await page.keyboard.press("d")
    field = page.locator("input[data-dial]")
    await expect(field).to_be_focused()
    await field.fill("8 (916) 555-02-01")
    await expect(band(page)).to_contain_text(
        "Will be dialled: 8 916 555‑02‑01 (+7 916 555‑02‑01)".replace(" 916 ", "\u00a0916\u00a0")
    )

    await page.keyboard.press("Enter")

    await until(lambda: len(board.orders) == before + 1)
    assert board.orders[-1]["number"].endswith("9165550201")
    await expect(band(page)).to_have_attribute("data-state", "dialling")
    await expect(band(page)).to_contain_text("Your phone rings: take it")
    await page.reload()
    await settled(page)
    await expect(band(page)).to_have_attribute("data-state", "dialling")
    assert len(board.orders) == before + 1
    ended = len(board.hung_up)
    await page.keyboard.press("Shift+F8")
    await until(lambda: len(board.hung_up) == ended + 1)


async def test_a_country_that_is_closed_says_so_and_who_may_allow_it(day: Day, visit: Visit) -> None:
    before = len(day.api.board.orders)
    page = await visit("anna", "/today")
    field = page.locator("input[data-dial]")

    await field.fill("+371 2012 3456")

    await expect(band(page)).to_contain_text("Latvia is closed for you. Ask: Root")
    await page.keyboard.press("Enter")
    await field.fill("no such nam")
    await expect(band(page)).to_contain_text("Nobody found")
    await field.fill("8 916 555-02-09")
    await expect(band(page)).to_contain_text("Will be dialled")
    await page.keyboard.press("Enter")
    await until(lambda: len(day.api.board.orders) > before)
    placed = [order["number"][-10:] for order in day.api.board.orders[before:]]
    assert placed == ["9165550209"]  # the first Enter did nothing


async def test_a_call_is_held_taken_back_transferred_and_ended_by_keys(day: Day, visit: Visit) -> None:
    board = day.api.board
    board.outcome = accepted()
    call = RunningCall(day=day, number="79165550301", name="Orders")
    await call.ring()
    await call.answer()
    page = await visit("anna", "/today")
    phone = band(page)
    await expect(phone).to_have_attribute("data-state", "talking")

    await page.keyboard.press("F9")
    await expect(phone).to_have_attribute("data-state", "hold")
    assert board.told[-1][0] == "hold"
    await page.keyboard.press("F9")
    await expect(phone).to_have_attribute("data-state", "talking")
    assert board.told[-1][0] == "resume"

    await phone.get_by_role("button", name="Pause the recording").click()
    await expect(phone).to_contain_text("Recording paused")
    await phone.get_by_role("button", name="Digits for a menu").click()
    await page.get_by_role("button", name="5", exact=True).click()
    await until(lambda: board.told[-1][0] == "digits")
    await page.keyboard.press("Escape")

    await page.keyboard.press("Shift+F9")
    search = page.get_by_label("Colleague, extension or number")
    await expect(search).to_be_focused()
    await search.fill("boris")
    assert await axe(page, without=["label-content-name-mismatch", "region"]) == []
    await page.keyboard.press("Shift+Enter")
    await expect(phone.get_by_role("button", name="Join them")).to_be_visible()
    await phone.get_by_role("button", name="Back to the client").click()
    await expect(phone.get_by_role("button", name="Join them")).to_be_hidden()
    ended = len(board.hung_up)
    await page.keyboard.press("Shift+F8")
    await until(lambda: len(board.hung_up) == ended + 1)
    await call.hang_up()


async def test_the_band_says_what_is_known_of_the_recording_and_no_more(day: Day, visit: Visit) -> None:
    """Nothing where only the PBX knows; what its route says of a call that has one."""
    call = RunningCall(day=day, number="79165550307", name="Routed")
    await call.ring()
    await call.answer()
    page = await visit("anna", "/today")
    phone, pause = band(page), band(page).get_by_role("button", name="Pause the recording")
    await expect(phone).to_have_attribute("data-state", "talking")
    await expect(pause).to_be_visible()
    await expect(phone).not_to_contain_text("ecord")
    for n, (record, told) in enumerate([(False, "Not recorded"), (True, "Recording")]):
        await call.routed(n, record=record)
        await page.reload()
        await expect(phone.get_by_text(told, exact=True)).to_be_visible()
        await expect(pause).to_be_visible(visible=record)
    await call.hang_up()


async def test_an_order_that_was_not_done_says_why_in_the_band(day: Day, visit: Visit) -> None:
    board = day.api.board
    call = RunningCall(day=day, number="79165550302", name="Refused")
    await call.ring()
    await call.answer()
    page = await visit("anna", "/today")
    await expect(band(page)).to_have_attribute("data-state", "talking")
    board.outcome = refused("not_possible")

    await page.keyboard.press("F9")

    await expect(band(page)).to_contain_text("This cannot be done with the call as it stands.")
    await expect(band(page)).to_have_attribute("data-state", "talking")
    board.outcome = accepted()
    await call.hang_up()


async def test_help_is_asked_for_in_a_call_and_taken_back(day: Day, visit: Visit) -> None:
    call = RunningCall(day=day, number="79165550303", name="Help")
    await call.ring()
    await call.answer()
    page = await visit("anna", "/today")
    await band(page).get_by_role("button", name="Ask for help").click()
    await page.get_by_placeholder("What about? May stay empty").fill("May I give 15 % off?")

    await page.keyboard.press("Enter")

    await expect(band(page)).to_contain_text("your supervisor sees it")
    head = await day.api.signed_in("head")
    asks = (await (await head.get("help")).json())["items"]
    assert [ask["text"] for ask in asks] == ["May I give 15 % off?"]
    await call.hang_up()


async def test_a_break_is_chosen_in_the_band_with_its_reason(day: Day, visit: Visit) -> None:
    page = await visit("boris", "/today")
    await band(page).get_by_role("button", name="My state:").click()

    await page.get_by_role("menuitem", name="Lunch").click()

    await expect(band(page).get_by_role("button", name="My state:")).to_contain_text("Lunch")
    await band(page).get_by_role("button", name="My state:").click()
    await page.get_by_role("menuitem", name="Free").click()
    await expect(band(page).get_by_role("button", name="My state:")).to_contain_text("Free")


async def test_the_number_pad_of_a_small_screen_dials(day: Day, visit: Visit) -> None:
    board = day.api.board
    board.outcome, before = refused("no_phone"), len(board.orders)
    page = await visit("anna", "/today", narrow=True)
    await page.get_by_role("button", name="Dial").click()
    pad = page.get_by_role("region", name="Dial", exact=True)
    for digit in "89165550401":
        await pad.get_by_role("button", name=digit, exact=True).click()
    await pad.get_by_role("button", name="Call", exact=True).click()

    await until(lambda: len(board.orders) == before + 1)
    await expect(band(page)).to_contain_text("Your phone is not connected.")
    board.outcome = accepted()
