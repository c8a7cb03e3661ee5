"""What was promised in a call is offered in its wrap-up, and one click takes it for the next step."""

from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import expect

from tests.web.browser import Visit, axe, settled
from tests.web.day import Day, record, write_down
from tests.web.phone import RunningCall, band, rule_after_call

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_promise_of_the_call_becomes_its_next_step_by_one_click(day: Day, visit: Visit) -> None:
    await rule_after_call(day, 600)
    call = RunningCall(day=day, number="79165550701", name="Promise")
    await call.ring()
    card = await day.api.site.pool.fetchval(
        "select contact_id from contact_number where number = $1", f"+{call.number}"
    )
    zone = ZoneInfo("Asia/Yekaterinburg")
    await day.api.site.pool.execute("update contact set timezone = $2 where id = $1", card, zone.key)
    await call.answer()
    await call.hang_up()
    await record(day.api, UUID(await call.id()), day.folder)
    said = [
        {"speaker": "manager", "start": 1.0, "end": 3.0, "text": "Когда вам удобно поговорить?"},
        {"speaker": "client", "start": 4.0, "end": 7.0, "text": "Позвоните мне послезавтра в одиннадцать."},
    ]
    await write_down(day.api, UUID(await call.id()), said)
    page = await visit("anna", f"/clients/{card}")
    await expect(band(page)).to_have_attribute("data-state", "after")
    panel = page.get_by_role("region", name="After this call")
    await expect(panel).to_contain_text("Heard: “Позвоните мне послезавтра в одиннадцать.”")
    await expect(panel).to_contain_text("11:00 there")
    assert await axe(page, without=["label-content-name-mismatch", "region"]) == []

    await panel.get_by_role("button", name="Take: Call").click()

    await expect(panel.get_by_role("radio", name="Call", exact=True)).to_be_checked()
    await expect(panel.get_by_role("button", name="Take: Call")).to_be_hidden()
    await expect(panel.get_by_label("Their time, UTC+5")).to_have_value("11:00")
    await panel.get_by_role("radio", name="Talked, goes on").click()
    await panel.get_by_role("button", name="Save and next").click()
    await page.wait_for_url("**/today")
    await settled(page)
    due = await day.api.site.pool.fetchval(
        "select (next_step->>'due_at')::timestamptz from outcome where call_id = $1::uuid", await call.id()
    )
    promised = (datetime.now(UTC).astimezone(zone) + timedelta(days=2)).replace(hour=11, minute=0, second=0)
    assert due.astimezone(zone) == promised.replace(microsecond=0)
