"""The administrator's pages of telephones: routes, numbers, hours, people, and the doctor."""

import itertools
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.async_api import expect

from gateway.domain.access import Role
from gateway.store.doctor_runs import DoctorRun, save_run
from tests.web.browser import Visit, axe
from tests.web.day import Day

pytestmark = pytest.mark.asyncio(loop_scope="session")

DID = "74955550177"
_keys = itertools.count(1)


async def enter(day: Day, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Enter something as the administrator."""
    client = await day.api.caller(Role.ADMIN, "head")
    headers = {"Idempotency-Key": f"telephones-{next(_keys)}"}
    async with client.post(path, json=body, headers=headers) as response:
        assert response.status == 201, await response.text()
        found: dict[str, Any] = await response.json()
        return found


async def test_a_route_is_changed_tried_and_taken_back(day: Day, visit: Visit) -> None:
    anna = day.api.site.users["anna"]
    group = await enter(day, "routing-groups", {"name": "Fair", "strategy": "all", "members": [anna]})
    steps = [{"kind": "group", "group": group["id"], "seconds": 20}, {"kind": "hang_up"}]
    await enter(day, "inbound-routes", {"name": "Trade fair", "did": DID, "steps": steps})
    page = await visit("root", f"/admin/routing/{DID}")
    opened = page.get_by_role("list", name="In working hours")
    await expect(opened.get_by_role("listitem")).to_have_count(2)

    await page.locator('input[aria-label="Add a step: In working hours"]').click()
    await page.get_by_role("option", name="The client’s own manager").click()
    await expect(opened.get_by_role("listitem")).to_have_count(3)
    await expect(opened.get_by_role("listitem").nth(2)).to_contain_text("Missed call")

    await page.get_by_label("Caller").fill("+79161234567")
    await page.get_by_role("button", name="Try", exact=True).click()
    await expect(page.get_by_role("list", name="What would happen")).to_contain_text("Missed call")
    assert await axe(page) == []

    await page.get_by_role("button", name=re.compile("^Undo")).click()
    await expect(opened.get_by_role("listitem")).to_have_count(2)
    await expect(page.get_by_role("button", name="Restore version 2")).to_be_visible()


OFF = {
    "area": "asterisk pbx1",
    "level": "fault",
    "code": "cel_off",
    "text": "The call journal (CEL) is switched off: no call would be seen.",
    "remedy": ["write in cel.conf:", "[general]", "enable = yes", "then: asterisk -rx 'module reload cel'"],
}
GOOD = {
    "area": "journal of pbx1",
    "level": "ok",
    "code": "",
    "text": "The journal is empty: no call yet.",
    "remedy": [],
}


async def note_findings(day: Day) -> None:
    """What the doctor found."""
    wrong, now = frozenset({"cel_off"}), datetime.now(UTC)
    findings = [GOOD, OFF]
    run = DoctorRun(pbx="pbx1", kind="freepbx", at=now, faults=1, advice=0, findings=findings, wrong=wrong)
    await save_run(day.api.site.pool, run)


async def test_the_doctor_shows_a_fault_with_its_cure(day: Day, visit: Visit) -> None:
    await note_findings(day)
    page = await visit("root", "/admin/doctor")

    row = page.get_by_role("listitem").filter(has_text="The call journal (CEL) is switched off")
    await expect(row).to_contain_text("Broken")
    cure = "write in cel.conf:\n[general]\nenable = yes\nthen: asterisk -rx 'module reload cel'"
    await expect(row.locator("pre")).to_have_text(cure)
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await row.get_by_role("button", name="Copy").click()
    await expect(page.get_by_text("Copied")).to_be_visible()
    assert await page.evaluate("() => navigator.clipboard.readText()") == cure
    await expect(page.get_by_role("heading", name="Demonstration call")).to_be_visible()


async def test_the_doctor_speaks_russian_to_who_reads_russian_and_commands_stay(day: Day, visit: Visit) -> None:
    await note_findings(day)
    page = await visit("root", "/admin/doctor", language="ru")

    row = page.get_by_role("listitem").filter(has_text="Журнал звонков (CEL) выключен: звонков не будет видно.")
    await expect(row).to_contain_text("Неисправно")
    cure = "напишите в cel.conf:\n[general]\nenable = yes\nзатем: asterisk -rx 'module reload cel'"
    await expect(row.locator("pre")).to_have_text(cure)
    await expect(page.get_by_role("heading", name="журнал звонков: pbx1")).to_be_visible()
    await expect(page.get_by_text("Журнал пуст: звонков ещё не было.")).to_be_visible()


async def test_a_new_user_gets_a_password_once_and_an_extension(visit: Visit) -> None:
    page = await visit("root", "/admin/users?user=new")

    await page.get_by_role("textbox", name="Name", exact=True).fill("Зоя Новая")
    await page.get_by_role("textbox", name="Login").fill("zoya")
    await page.get_by_role("button", name="Make the user").click()
    await expect(page.get_by_text(re.compile(r"^Password: \w{5}-\w{5}-\w{5}-\w{5}$"))).to_be_visible()
    await page.get_by_role("button", name="Extensions and teams").click()

    panel = page.get_by_role("complementary", name="Зоя Новая")
    await panel.get_by_role("textbox", name="Extension").fill("177")
    await panel.get_by_role("button", name="Give").click()
    await expect(panel.get_by_role("button", name="Take extension 177 away")).to_be_visible()
    await page.get_by_role("button", name=re.compile("^Undo")).click()
    await expect(panel.get_by_role("button", name="Take extension 177 away")).to_be_hidden()


async def test_where_an_extension_rings_and_what_clients_see_is_changed_and_taken_back(day: Day, visit: Visit) -> None:
    page = await visit("root", f"/admin/users?user={day.api.site.users['boris']}")
    panel = page.get_by_role("complementary")
    await panel.get_by_role("button", name="Change extension 102").click()
    ways = panel.get_by_role("combobox", name="Rings at")
    await ways.fill("PJSIP/boris-desk")
    await ways.press("Enter")
    await panel.get_by_role("button", name="Save").click()
    await expect(panel.get_by_text("102, PJSIP/boris-desk", exact=True)).to_be_visible()
    await page.get_by_role("button", name=re.compile("^Undo")).click()
    await expect(panel.get_by_text("102, PJSIP/boris-desk", exact=True)).to_be_hidden()
    await expect(panel.get_by_text("PJSIP/boris-desk")).to_be_hidden()

    visit.expects("422 PUT /api/v1/users")
    number = panel.get_by_role("textbox", name="Number that clients see")
    await number.fill("+48601000000")
    await number.press("Enter")
    await expect(number).to_have_accessible_description(re.compile("None of our own numbers"))
    assert await axe(page) == []


async def test_hours_of_the_company_are_set_and_taken_back(visit: Visit) -> None:
    page = await visit("root", "/admin/hours")

    await page.get_by_role("button", name="Set Monday to Friday").click()
    monday = page.get_by_label("Monday")
    await expect(monday).to_have_value("09:00-18:00")
    await monday.fill("8:30-17")
    await monday.press("Enter")
    await expect(monday).to_have_value("08:30-17:00")
    await page.get_by_role("button", name=re.compile("^Undo")).click()
    await expect(monday).to_have_value("09:00-18:00")
    visit.expects("422 PUT /api/v1/working-hours")
    await monday.fill("9-12, 11-13")
    await monday.press("Enter")
    await expect(monday).to_have_accessible_description(re.compile("Hours of one day overlap"))
    await expect(monday).to_have_value("9-12, 11-13")
    await monday.fill("22-6")
    await monday.press("Enter")
    await expect(monday).to_have_value("22:00-06:00")
    await page.get_by_role("button", name="Take these hours away").click()
    await expect(page.get_by_text("Without them it is always open.")).to_be_visible()
