"""The frame around every page: signing in and out, a session that ends in mid typing, keys, the palette, languages."""

import re

import pytest
from playwright.async_api import Page, expect

from tests.api.site import PASSWORD
from tests.web.browser import Visit, axe, settled
from tests.web.day import Day

pytestmark = pytest.mark.asyncio(loop_scope="session")

RUSSIAN_J = (
    "() => document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {code: 'KeyJ', key: 'о', bubbles: true}))"
)
POLISH_L = (
    "() => document.activeElement.dispatchEvent(new KeyboardEvent('keydown',"
    " {code: 'KeyK', key: 'ł', ctrlKey: true, altKey: true, bubbles: true}))"
)


async def sign_in(page: Page, login: str | None, password: str = PASSWORD) -> None:
    """Fill in what is asked for."""
    if login is not None:
        await page.get_by_label("Login").fill(login)
    await page.locator("input[type=password]").fill(password)
    await page.locator("input[type=password]").press("Enter")


async def end_sessions(day: Day, login: str) -> None:
    """End a person's sessions as an administrator would."""
    await day.api.site.pool.execute(
        "delete from session where user_id = (select id from users where login = $1)", login
    )


async def test_a_wrong_password_is_told_and_the_right_one_goes_on_where_one_wanted_to(visit: Visit) -> None:
    visit.expects(r"401 POST /api/v1/session")
    page = await visit(None, "/calls?direction=inbound")

    await sign_in(page, "boris", "wrong horse battery")
    await expect(page.get_by_role("alert")).to_contain_text("Login or password is wrong")
    assert await axe(page) == []
    await sign_in(page, "boris")

    await expect(page.get_by_role("heading", level=1)).to_have_text("Calls")
    assert page.url.endswith("/calls?direction=inbound")


async def test_who_signs_out_is_signed_out_in_every_tab(visit: Visit) -> None:
    visit.expects(r"401 GET /api/v1/")  # what the other tab asks before it hears of it
    page = await visit("boris", "/calls")
    other = await visit.tab(page.context)
    await other.goto("/tasks")
    await settled(other)

    await page.get_by_role("button", name=re.compile("^Menu ")).click()
    await page.get_by_role("menuitem", name="Sign out").click()

    for tab in (page, other):
        await expect(tab.locator("input[type=password]")).to_be_visible()


async def test_a_session_that_ends_in_mid_typing_keeps_the_text_and_repeats_the_request(day: Day, visit: Visit) -> None:
    visit.expects(r"401 \w+ /api/v1/", r"console: WebSocket", r"lost GET .*live")
    page = await visit("boris", "/calls")
    field = page.locator("input[data-filter]").first
    await field.click()
    await end_sessions(day, "boris")

    await field.press_sequentially("7916123")
    await field.press("Enter")

    panel = page.get_by_role("region", name="Sign in again")
    await expect(panel).to_be_visible()
    await expect(field).to_have_value("7916123")
    await expect(field).to_be_focused()
    assert await axe(page) == []

    async with page.expect_response(lambda answer: "7916123" in answer.url and answer.ok):
        await sign_in(page, None)
    await expect(panel).to_be_hidden()
    await expect(field).to_have_value("7916123")


async def test_a_closed_page_says_who_may_open_it(visit: Visit) -> None:
    page = await visit("boris", "/admin/users")

    await expect(page.locator("main")).to_contain_text("users.manage")
    await expect(page.locator("main")).to_contain_text("Root")


async def test_everything_is_found_from_the_palette(visit: Visit) -> None:
    page = await visit("anna", "/tasks")

    await page.keyboard.press("Control+k")
    field = page.get_by_role("combobox", name="Find, call, go to")
    await expect(field).to_be_focused()
    await field.press_sequentially("гончар")
    await expect(page.get_by_role("option").first).to_contain_text("Мария Гончарова")
    assert await axe(page) == []
    await field.press("Enter")

    await page.wait_for_url(re.compile(r"/clients/\d+$"))


async def test_the_palette_calls_any_number_and_goes_to_pages(visit: Visit) -> None:
    page = await visit("anna", "/tasks")

    await page.keyboard.press("Control+k")
    await page.get_by_role("combobox", name="Find, call, go to").fill("+44 (20) 7946-0961")
    await expect(page.get_by_role("option").first).to_contain_text("Call +44\u00a020\u00a07946\u00a00961")
    await page.get_by_role("combobox", name="Find, call, go to").fill("cal")
    await page.get_by_role("option", name=re.compile("^Calls")).click()

    await page.wait_for_url("**/calls")


async def test_rows_are_walked_by_keys_in_any_layout(visit: Visit) -> None:
    page = await visit("anna", "/calls")
    rows = page.locator("tbody tr")

    await page.keyboard.press("j")
    await expect(rows.nth(0)).to_be_focused()
    await page.evaluate(RUSSIAN_J)
    await expect(rows.nth(1)).to_be_focused()
    await page.evaluate(POLISH_L)
    await expect(rows.nth(1)).to_be_focused()
    await page.keyboard.press("k")
    await expect(rows.nth(0)).to_be_focused()
    await page.keyboard.press("Enter")

    await page.wait_for_url(re.compile(r"/calls/[0-9a-f-]{36}"))


async def test_g_and_a_letter_go_to_a_page_but_not_while_typing(visit: Visit) -> None:
    page = await visit("anna", "/calls")

    await page.keyboard.type("gt")
    await page.wait_for_url("**/tasks")
    await page.keyboard.type("gl")
    await page.wait_for_url("**/calls")
    # Before that the key is for the page that goes.
    await expect(page.get_by_role("heading", level=1, name="Calls")).to_be_visible()
    await page.keyboard.press("/")
    await page.keyboard.type("gt")

    await expect(page.locator("input[data-filter]").first).to_have_value("gt")


async def test_every_key_can_be_another_one_and_stays_so(visit: Visit) -> None:
    page = await visit("boris", "/calls")

    await page.keyboard.type("?")
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name="Change Next row").click()
    await page.keyboard.press("k")
    await expect(dialog.get_by_role("status")).to_have_text("Taken by: Row before")
    assert await axe(page) == []
    async with page.expect_response(re.compile("/api/v1/me/preferences/keys")):
        await page.keyboard.press("b")
    await page.keyboard.press("Escape")

    again = await visit("boris", "/calls")
    await again.keyboard.press("b")
    await expect(again.locator("tbody tr").nth(0)).to_be_focused()


async def test_language_and_colours_change_in_place(visit: Visit) -> None:
    page = await visit("boris", "/tasks")
    menu = page.get_by_role("button", name=re.compile("^Menu "))

    await menu.click()
    await page.get_by_role("menuitem", name="Polski").click()
    await expect(page.get_by_role("navigation")).to_contain_text("Klienci")
    assert await page.evaluate("() => document.documentElement.lang") == "pl"
    await page.get_by_role("button", name=re.compile("^Menu ")).click()
    await page.get_by_role("menuitem", name="Ciemne").click()

    assert await page.evaluate("() => document.documentElement.dataset.mantineColorScheme") == "dark"
    await expect(page.locator("body")).to_have_css("background-color", "rgb(15, 18, 24)")


async def test_the_focus_goes_to_the_page_at_once_and_then_through_band_rail_and_page(visit: Visit) -> None:
    page = await visit("anna", "/tasks")

    await page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="To the page")
    await expect(skip).to_be_focused()
    await page.keyboard.press("Tab")
    assert await page.evaluate("() => document.activeElement.closest('[aria-label=Phone]') !== null")
    await skip.focus()
    await page.keyboard.press("Enter")

    await expect(page.locator("main")).to_be_focused()
