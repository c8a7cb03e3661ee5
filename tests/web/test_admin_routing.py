"""Groups of people that routes ring, made and changed on the page; and what came through a route, opened."""

import itertools
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.async_api import expect

from gateway.domain.access import Right, Role
from tests.web.browser import Visit, axe, shot
from tests.web.day import Day, told

pytestmark = pytest.mark.asyncio(loop_scope="session")

DID = "74955550178"
_keys = itertools.count(1)


async def enter(day: Day, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Enter something as the administrator."""
    client = await day.api.caller(Role.ADMIN, "head")
    async with client.post(path, json=body, headers={"Idempotency-Key": f"routing-{next(_keys)}"}) as response:
        assert response.status == 201, await response.text()
        found: dict[str, Any] = await response.json()
        return found


async def group_named(day: Day, name: str) -> dict[str, Any]:
    row = await day.api.site.pool.fetchrow("select id, strategy, members from routing_group where name = $1", name)
    return dict(row)


async def test_a_group_is_made_ordered_renamed_and_rung_by_a_step(day: Day, visit: Visit) -> None:
    anna, boris = day.api.site.users["anna"], day.api.site.users["boris"]
    await enter(day, "inbound-routes", {"name": "Groups", "did": DID, "steps": [{"kind": "hang_up"}]})
    page = await visit("root", f"/admin/routing/{DID}")
    await page.get_by_role("button", name="Groups", exact=True).click()
    await page.get_by_role("button", name="New group").click()
    await page.get_by_role("textbox", name="Name").fill("Sales north")
    for name in ("Анна Соколова", "Boris Wiśniewski"):
        await page.get_by_role("combobox", name="Add a person").click()
        await page.get_by_role("option", name=name).click()
    await page.get_by_text("Longest idle").click()
    await page.get_by_role("button", name="Make the group").click()

    await expect(page.get_by_role("complementary", name="Sales north")).to_be_visible()
    members = page.get_by_role("list", name="In the group")
    await members.get_by_role("button", name="Earlier: Boris Wiśniewski").click()
    await expect(members.get_by_role("listitem").first).to_contain_text("Boris")
    made = await group_named(day, "Sales north")
    assert (made["strategy"], list(made["members"])) == ("longest_idle", [boris, anna])
    assert await axe(page) == []
    await page.get_by_role("button", name=re.compile("^Undo")).click()
    await expect(members.get_by_role("listitem").first).to_contain_text("Анна")
    await page.get_by_role("textbox", name="Name").fill("Sales south")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("status").filter(has_text="Sales south changed")).to_be_visible()

    await page.get_by_role("combobox", name="Add a step: In working hours").click()
    await page.get_by_role("option", name="Sales south").click()
    steps = page.get_by_role("list", name="In working hours")
    await expect(steps.get_by_role("listitem").first).to_contain_text("2 people")
    await shot(page, "routing-groups")
    visit.expects("409 PATCH /api/v1/routing-groups/.*")
    await page.get_by_role("button", name="Archive the group").click()
    await expect(page.get_by_role("alert")).to_contain_text(
        "The route 'Groups' rings this group; change the route first."
    )


async def test_a_group_that_is_gone_is_refused_at_the_step_in_the_gateways_words(day: Day, visit: Visit) -> None:
    did = "74955550179"
    made = await enter(
        day, "routing-groups", {"name": "Gone soon", "strategy": "all", "members": [day.api.site.users["anna"]]}
    )
    await enter(day, "inbound-routes", {"name": "Refused", "did": did, "steps": [{"kind": "hang_up"}]})
    visit.expects("422 PATCH /api/v1/inbound-routes/.*")
    page = await visit("root", f"/admin/routing/{did}")
    await day.api.site.pool.execute("update routing_group set archived_at = now() where id = $1", made["id"])

    field = page.get_by_role("combobox", name="Add a step: In working hours")
    await field.click()
    await page.get_by_role("option", name="Gone soon").click()

    await expect(field).to_have_accessible_description(re.compile("group"))
    assert await axe(page) == []


async def test_every_part_of_the_bar_opens_exactly_its_calls(day: Day, visit: Visit) -> None:
    pool, site = day.api.site.pool, day.api.site
    numbers = ["79165550101", "79165550102", "79165550103"]
    scenarios = ("in_answered", "in_answered", "in_noanswer")
    for at, (scenario, number) in enumerate(zip(scenarios, numbers, strict=True)):
        begin = datetime.now(UTC) - timedelta(minutes=40 - 5 * at)
        await site.take_all(told(scenario, begin=begin, number=number))
    calls = await pool.fetch(
        "select key, did from call where client_number = any($1::text[]) and kind = 'client' order by started_at",
        [f"+{number}" for number in numbers],
    )
    did = calls[0]["did"]
    group = await enter(
        day, "routing-groups", {"name": "Bar", "strategy": "all", "members": [day.api.site.users["anna"]]}
    )
    steps = [{"kind": "group", "group": group["id"], "seconds": 20}, {"kind": "site"}]
    await enter(day, "inbound-routes", {"name": "Counted", "did": did, "steps": steps})
    pbx = await day.api.caller(Role.ADMIN, rights=[Right.ROUTE_ASK])
    for call in calls:
        async with pbx.get("route", params={"pbx": "pbx1", "call": call["key"], "did": did}) as response:
            assert response.status == 200, await response.text()
    page = await visit("root", f"/admin/routing/{did}")
    parts = page.get_by_role("list", name="Through this rule, last 7 days").get_by_role("listitem")
    await expect(parts).to_have_count(2)
    texts = [text.replace("\n", " ") for text in await parts.all_inner_texts()]
    assert [re.match(r"\d+", text.strip())[0] for text in texts] == ["2", "1"]  # type: ignore[index]
    await shot(page, "routing-through", whole=True)
    assert await axe(page) == []

    for at, count in ((0, 2), (1, 1)):
        await parts.nth(at).get_by_role("link").click()
        rows = page.get_by_role("table").get_by_role("row")
        await expect(rows).to_have_count(count + 1)
        await page.go_back()
        await expect(parts).to_have_count(2)
    await page.get_by_role("link", name="Open the calls").click()
    await expect(page.get_by_role("table").get_by_role("row")).to_have_count(4)
