"""What the gateway refuses stands at the field that it is about, in the gateway's own words."""

import json
import re
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.web.browser import Visit, axe, shot

pytestmark = pytest.mark.asyncio(loop_scope="session")


ROOT = Path(__file__).parents[2]


async def test_every_act_of_the_audit_log_has_words() -> None:
    code = "".join(file.read_text() for file in sorted((ROOT / "gateway").rglob("*.py")))
    acts = set(re.findall(r'\baction="([a-z_]+)\.([a-z_]+)"', code))
    words = json.loads((ROOT / "web/src/words/audit/en.json").read_text())
    known = (ROOT / "web/src/admin/audit/said.ts").read_text()

    assert len(acts) > 20
    for subject, act in acts:
        assert {f"subject.{subject}", f"act.{act}"} <= set(words), f"{subject}.{act}"
        assert known.count(f'"{subject}"') == 1, subject
        assert known.count(f'"{act}"') == 1, act


async def test_a_login_that_is_taken_is_told_at_the_login(visit: Visit) -> None:
    visit.expects("409 POST /api/v1/users")
    page = await visit("root", "/admin/users?user=new")
    await page.get_by_label("Name", exact=True).fill("Another Anna")
    await page.get_by_label("Login", exact=True).fill("anna")

    await page.get_by_role("button", name="Make the user").click()

    await expect(page.get_by_label("Login", exact=True)).to_have_accessible_description(
        re.compile("login", re.IGNORECASE)
    )
    await expect(page.get_by_label("Login", exact=True)).to_have_attribute("aria-invalid", "true")
    assert await axe(page) == []
    await shot(page, "form-user-taken")


async def test_a_webhook_to_a_private_address_is_told_at_the_address(visit: Visit) -> None:
    visit.expects("422 POST /api/v1/webhooks")
    page = await visit("root", "/admin/webhooks")
    await page.get_by_role("button", name="New receiver").first.click()
    await page.get_by_label("Address").fill("https://10.0.0.7/hook")

    await page.get_by_role("button", name="Subscribe").click()

    await expect(page.get_by_label("Address")).to_have_accessible_description(re.compile("private|network|address"))
    await expect(page.get_by_label("Address")).to_have_attribute("aria-invalid", "true")
    assert await axe(page) == []


async def test_a_goal_out_of_bounds_is_told_at_the_number(visit: Visit) -> None:
    visit.expects("422 POST /api/v1/goals")
    page = await visit("root", "/admin/goals?goal=new")
    await page.get_by_label("So many").fill("99999999")

    await page.get_by_role("button", name="Make it").click()

    await expect(page.get_by_label("So many")).to_have_attribute("aria-invalid", "true")
    await expect(page.get_by_label("So many")).to_have_accessible_description(re.compile(r"\d"))
    assert await axe(page) == []
