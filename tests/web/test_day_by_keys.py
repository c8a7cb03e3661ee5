"""The day's rows by the keyboard alone, as fast as one types."""

import asyncio
import re

import pytest
from playwright.async_api import expect

from tests.web.browser import Visit
from tests.web.day import Day

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_note_is_written_in_a_row_and_the_card_opened_without_a_pause(day: Day, visit: Visit) -> None:
    page = await visit("anna", "/today")

    for key in "jjn":
        await page.keyboard.press(key)
    await page.keyboard.type("Ring after lunch")

    note = page.get_by_label("Note")
    await expect(note).to_be_focused()
    await expect(note).to_have_value("Ring after lunch")
    await page.keyboard.press("Enter")
    async with asyncio.timeout(10):
        while not await day.api.site.pool.fetchval("select 1 from contact_note where text = 'Ring after lunch'"):
            await asyncio.sleep(0.05)
    await page.keyboard.press("Escape")
    await expect(page.locator("li[data-row]").nth(1)).to_be_focused()
    await page.keyboard.press("Enter")
    await page.wait_for_url(re.compile(r"/clients/\d+$"))
    await expect(page.get_by_text("Ring after lunch").first).to_be_visible()
