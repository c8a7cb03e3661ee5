"""The supervisor's board follows a call by itself."""

from datetime import UTC, datetime

import pytest
from playwright.async_api import expect

from tests.web.browser import Visit
from tests.web.day import Day, told

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_call_is_on_the_board_while_it_goes_on(day: Day, visit: Visit) -> None:
    page = await visit("head", "/live")
    row = page.get_by_role("row").filter(has_text="Воздвиженский")
    await expect(page.get_by_role("table", name="Managers").get_by_role("row")).not_to_have_count(1)
    await expect(row).to_have_count(0)

    rows = told("in_answered", begin=datetime.now(UTC), number="79160001122", name="Воздвиженский")
    at = next(i for i, line in enumerate(rows) if b'"BRIDGE_EXIT"' in line)
    await day.api.site.take_all(rows[:at])
    await expect(row).to_contain_text("Talking")

    await day.api.site.take_all(rows[at:])
    await expect(row.filter(has_text="Talking")).to_have_count(0)
