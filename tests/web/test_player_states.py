"""A call whose sound or text is not there says why, and is tried again by one key for who may."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from playwright.async_api import Page, expect

from tests.web.browser import Visit, axe, go
from tests.web.day import Day, record, told

pytestmark = pytest.mark.asyncio(loop_scope="session")

STATES = {
    "wanted": "The recording is on its way",
    "damaged": "Nothing can be heard",
    "failed": "The recording is not in the archive",
    "skipped": "Recorded elsewhere",
    "deleted": "The recording was removed",
}


async def recorded(day: Day, number: str) -> UUID:
    """A call of Anna's with its recording and text."""
    rows = told("in_answered", begin=datetime.now(UTC) - timedelta(minutes=25), number=number, name="Player")
    await day.api.site.take_all(rows)
    call: UUID = await day.api.site.pool.fetchval("select id from call where client_number = $1", f"+{number}")
    await record(day.api, call, day.folder)
    return call


async def becomes(day: Day, page: Page, call: UUID, **states: str) -> None:
    """Let the recording be in other states, and open the call anew."""
    for name, state in states.items():
        await day.api.site.pool.execute(f"update recording set {name} = $2 where call_id = $1", call, state)
    await page.goto(f"/calls/{call}")
    await go(page, f"/calls/{call}")


async def test_every_state_of_a_recording_is_told_and_its_text_stays(day: Day, visit: Visit) -> None:
    call = await recorded(day, "79165550801")
    page = await visit("anna", f"/calls/{call}")
    for state, title in STATES.items():
        await becomes(day, page, call, state=state)
        await expect(page.get_by_role("heading", name=title)).to_be_visible()
        # The text outlives its sound, and only who may hear everybody's calls has them tried again.
        await expect(page.get_by_role("region", name="Text")).to_contain_text("Оставайтесь на линии")
        await expect(page.get_by_role("button", name="Take the recording in again")).to_have_count(0)
        assert await axe(page) == []


async def test_a_recording_that_was_given_up_is_taken_in_again_by_one_key(day: Day, visit: Visit) -> None:
    call = await recorded(day, "79165550802")
    page = await visit("head", "/calls")
    await becomes(day, page, call, state="failed", transcript_state="none")
    await expect(page.get_by_role("button", name="Take the recording in again")).to_be_visible()

    await page.keyboard.press("r")

    await expect(page.get_by_role("heading", name="The recording is on its way")).to_be_visible()
    state = await day.api.site.pool.fetchval("select state from recording where call_id = $1", call)
    assert state == "wanted"
    # Its files are gone, and nobody else shall look for them.
    await day.api.site.pool.execute("update recording set state = 'stored' where call_id = $1", call)


async def test_a_text_is_written_anew_by_one_key_and_the_old_one_stays(day: Day, visit: Visit) -> None:
    call = await recorded(day, "79165550803")
    page = await visit("head", f"/calls/{call}")
    await expect(page.get_by_role("region", name="Text")).to_contain_text("Оставайтесь на линии")

    await page.keyboard.press("r")

    await expect(page.get_by_role("status").filter(has_text="It will be written anew")).to_be_visible()
    await expect(page.get_by_role("region", name="Text")).to_contain_text("Оставайтесь на линии")
    state = await day.api.site.pool.fetchval("select transcript_state from recording where call_id = $1", call)
    assert state == "wanted"
    await page.reload()
    await expect(page.get_by_role("region", name="Text")).to_contain_text("Оставайтесь на линии")
    await expect(page.get_by_role("status").filter(has_text="It will be written anew")).to_be_visible()
    await becomes(day, page, call, transcript_state="failed")
    await expect(page.get_by_role("region", name="Text")).to_contain_text("this is the one before")
    await expect(page.get_by_role("region", name="Text")).to_contain_text("Оставайтесь на линии")
    assert await axe(page) == []
