"""What stays in the browser of a person who signs out: everything, unless he said that others use the computer too."""

import re
from uuid import uuid4

import pytest
from playwright.async_api import Locator, Page, expect

from tests.web.browser import Visit, axe, settled, too_wide
from tests.web.day import Day
from tests.web.test_frame import end_sessions, sign_in

pytestmark = pytest.mark.asyncio(loop_scope="session")

DRAFTS = "() => Object.keys(localStorage).filter((key) => key.startsWith('trunkline.draft.')).sort()"


async def card_of_maria(day: Day) -> int:
    """The client of whom both managers have something to write."""
    return int(await day.api.site.pool.fetchval("select contact_id from contact_number where number = '+79161234567'"))


async def sign_out(page: Page) -> None:
    """By the person's menu."""
    await page.get_by_role("button", name=re.compile("^Menu ")).click()
    await page.get_by_role("menuitem", name="Sign out").click()


async def note_of(page: Page, card: int) -> Locator:
    """The field for a new note on a card."""
    await page.goto(f"/clients/{card}")
    await settled(page)
    return page.get_by_role("textbox", name="Write a note")


async def test_a_shared_computer_forgets_unsent_texts_after_it_showed_them(day: Day, visit: Visit) -> None:
    card, text = await card_of_maria(day), f"half typed {uuid4()}"
    page = await visit(None, f"/clients/{card}")
    await expect(page.get_by_label("Login")).to_be_focused()
    await page.get_by_label("This is a shared computer").check()
    assert await axe(page) == []
    await sign_in(page, "boris")
    await settled(page)
    await (await note_of(page, card)).fill(text)

    await sign_out(page)
    panel = page.get_by_role("region", name="1 text is not sent yet")
    await expect(panel.get_by_role("button", name="Stay")).to_be_focused()
    assert await axe(page) == []
    await page.get_by_role("navigation", name="Main menu").get_by_role("link", name="Calls").click()
    await panel.get_by_role("link", name=f"Note: {text}").click()
    await expect(panel).to_be_hidden()
    await expect(page.get_by_role("textbox", name="Write a note")).to_have_value(text)

    await sign_out(page)
    await panel.get_by_role("button", name="Remove and sign out").click()
    await expect(page.get_by_label("Login")).to_be_visible()
    assert await page.evaluate(DRAFTS) == []
    assert page.url == f"{day.api.origin}/"
    await expect(page.get_by_label("This is a shared computer")).to_be_checked()
    await sign_in(page, "boris")
    await settled(page)
    await expect(await note_of(page, card)).to_have_value("")


async def test_what_a_session_that_ended_leaves_goes_when_another_person_comes(day: Day, visit: Visit) -> None:
    visit.expects(r"^401 ", r"console: WebSocket")
    card, text = await card_of_maria(day), f"left behind {uuid4()}"
    page = await visit(None, "/tasks")
    await page.get_by_label("This is a shared computer").check()
    await sign_in(page, "boris")
    await settled(page)
    await (await note_of(page, card)).fill(text)
    await end_sessions(day, "boris")
    await page.context.clear_cookies()
    await page.goto(f"/clients/{card}")
    await expect(page.get_by_label("Login")).to_be_visible()
    assert await page.evaluate(DRAFTS) != []

    await sign_in(page, "anna")
    await settled(page)

    await expect(await note_of(page, card)).to_have_value("")
    assert await page.evaluate(DRAFTS) == []


async def test_elsewhere_every_text_stays_and_is_shown_to_its_writer_only(day: Day, visit: Visit) -> None:
    card, text = await card_of_maria(day), f"mine alone {uuid4()}"
    page = await visit(None, "/tasks", narrow=True)
    assert await too_wide(page) == 0
    await sign_in(page, "boris")
    await settled(page)
    await (await note_of(page, card)).fill(text)
    await page.get_by_role("button", name="More", exact=True).last.click()
    await page.get_by_role("menuitem", name="Sign out").click()
    await expect(page.get_by_label("Login")).to_be_visible()

    await sign_in(page, "anna")
    await settled(page)
    await expect(await note_of(page, card)).to_have_value("")
    await page.get_by_role("button", name="More", exact=True).last.click()
    await page.get_by_role("menuitem", name="Sign out").click()
    await sign_in(page, "boris")
    await settled(page)

    await expect(await note_of(page, card)).to_have_value(text)
    await (await note_of(page, card)).fill("")
