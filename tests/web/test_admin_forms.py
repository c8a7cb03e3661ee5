"""What the gateway refuses stands at the field that it is about, in the gateway's own words."""

import json
import re
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.web.browser import Visit, axe, shot
from tests.web.day import Day

pytestmark = pytest.mark.asyncio(loop_scope="session")


ROOT = Path(__file__).parents[2]


async def test_every_act_of_the_audit_log_has_words() -> None:
    code = "".join(file.read_text() for file in sorted((ROOT / "gateway").rglob("*.py")))
    acts = set(re.findall(r'\baction="([a-z_]+)\.([a-z_]+)"', code))
    acts |= set(re.findall(r'\b_?(?:note|audit|written)\([^()"]*"([a-z_]+)\.([a-z_]+)"', code))
    acts |= set(re.findall(r'"(call)\.(listened|whispered|barged)"', code))
    words = json.loads((ROOT / "web/src/words/audit/en.json").read_text())
    known = (ROOT / "web/src/admin/audit/said.ts").read_text()

    assert len(acts) > 40
    for subject, act in acts:
        assert {f"subject.{subject}", f"act.{act}"} <= set(words), f"{subject}.{act}"
        assert f'"{subject}"' in known, subject
        assert f'"{act}"' in known, act


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


async def test_a_team_is_made_changed_and_archived_and_the_days_before_stay(day: Day, visit: Visit) -> None:
    visit.expects("409 POST /api/v1/teams")
    users, pool = day.api.site.users, day.api.site.pool
    page = await visit("root", "/admin/users")
    await page.get_by_role("radiogroup", name="Which users").get_by_text("Teams", exact=True).click()
    await page.get_by_role("button", name="New team").first.click()
    await page.get_by_label("Name", exact=True).fill("Fair desk")
    await page.get_by_role("combobox", name="Head").click()
    await page.get_by_role("option", name="Ewa Lewandowska").click()
    await page.get_by_role("combobox", name="People").click()
    await page.get_by_role("option", name="Boris Wiśniewski").click()
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Make the team").click()
    await expect(page.get_by_role("list", name="Teams")).to_contain_text("Head: Ewa Lewandowska")
    side = page.get_by_role("complementary", name="Fair desk")
    await expect(side.get_by_role("region", name="People")).to_contain_text("since the beginning")

    await side.get_by_role("combobox", name="Add a person").click()
    await page.get_by_role("option", name="Анна Соколова").click()
    await expect(page.get_by_role("status").filter(has_text="Team Fair desk changed")).to_be_visible()
    await side.get_by_role("button", name="Take out of the team: Boris Wiśniewski").click()
    await expect(side.get_by_role("region", name="Earlier")).to_contain_text("Boris Wiśniewski")
    kept = "select user_id, since = '-infinity' as ever, until = 'infinity' as still from team_member m"
    kept += " join team t on t.id = m.team_id where t.name like 'Fair desk%' order by since"
    rows = [tuple(row) for row in await pool.fetch(kept)]
    assert rows == [(users["boris"], True, False), (users["anna"], False, True)]
    await shot(page, "users-team")
    assert await axe(page) == []
    await page.get_by_role("status").get_by_role("button", name="Undo").click()
    await expect(side.get_by_role("region", name="Earlier")).to_be_hidden()

    await page.get_by_role("button", name="New team").first.click()
    await page.get_by_label("Name", exact=True).fill("fair desk")
    await page.get_by_role("button", name="Make the team").click()
    await expect(page.get_by_label("Name", exact=True)).to_have_accessible_description(re.compile("name"))
    await page.get_by_role("button", name=re.compile("^Fair desk")).click()
    await side.get_by_role("button", name="Archive the team").click()
    await expect(page.get_by_role("list", name="Teams").get_by_text("Fair desk")).to_be_hidden()
    await page.get_by_role("status").get_by_role("button", name="Undo").click()
    await expect(page.get_by_role("list", name="Teams").get_by_text("Fair desk")).to_be_visible()


async def test_what_another_administrator_changed_meanwhile_is_told_and_shown(day: Day, visit: Visit) -> None:
    visit.expects("409 PATCH /api/v1/users/")
    pool = day.api.site.pool
    other = await pool.fetchval(
        "insert into users (login, name, role, language) values ('zofia', 'Zofia Nowak', 'admin', 'en') returning id"
    )
    page = await visit("root", f"/admin/users?user={other}")
    role = page.get_by_role("combobox", name="Role")
    await expect(role).to_have_value("Administrator")
    await pool.execute("update users set name = 'Zofia Kowalska', version = version + 1 where id = $1", other)

    await role.click()
    await page.get_by_role("option", name="Manager", exact=True).click()

    await expect(page.get_by_role("status").filter(has_text=re.compile("changed"))).to_be_visible()
    await expect(page.get_by_role("textbox", name="Name", exact=True)).to_have_value("Zofia Kowalska")
    assert await pool.fetchval("select role from users where id = $1", other) == "admin"
    await role.click()
    await page.get_by_role("option", name="Manager", exact=True).click()
    await expect(page.get_by_role("status").filter(has_text="Saved")).to_be_visible()
    await pool.execute("update users set active = false where id = $1", other)
