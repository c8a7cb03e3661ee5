"""Lists: filters as chips of the address, figures that open exactly their rows, saved views, tasks of everybody handed
over together, and what a list says of the time in which the live line was away."""

import asyncio
import itertools
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.async_api import Locator, Page, expect

from tests.web.browser import Visit, axe, settled, shot, too_wide
from tests.web.day import Day, told

pytestmark = pytest.mark.asyncio(loop_scope="session")

_keys = itertools.count(1)


def once() -> dict[str, str]:
    return {"Idempotency-Key": f"lists-{next(_keys)}"}


def chip(page: Page, name: str) -> Locator:
    """The button that takes a filter away."""
    return page.get_by_role("button", name=f"Take away: {name}")


def query_of(page: Page) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


async def counted(page: Page) -> int:
    """The "26 calls" beside the title."""
    text = await page.locator("header", has=page.locator("h1")).inner_text()
    found = re.search(r"(\d+) call", text)
    assert found is not None, text
    return int(found[1])


async def test_filters_are_chips_in_words_and_their_calls_are_counted(day: Day, visit: Visit) -> None:
    anna = day.api.site.users["anna"]
    page = await visit("head", f"/calls?period=month&manager={anna}&talk_since=60&recorded=false")

    await expect(page.locator("main")).to_contain_text("Manager: Анна Соколова")
    await expect(page.locator("main")).to_contain_text("Talk from: 1:00")
    whole = await counted(page)
    await expect(page.locator("tbody tr")).to_have_count(whole)
    await chip(page, "Recording").click()
    await expect(page.locator("tbody tr")).to_have_count(whole + 1)
    assert "recorded" not in query_of(page)

    await page.get_by_role("button", name="Filters", exact=True).click()
    panel = page.get_by_role("complementary", name="Filters")
    await panel.get_by_label("Talk up to").fill("2:30")
    await panel.get_by_label("Talk up to").press("Enter")
    await expect(chip(page, "Talk up to")).to_be_visible()
    assert query_of(page)["talk_until"] == "150"
    await settled(page)
    assert await counted(page) == await page.locator("tbody tr").count() < whole + 1
    assert await axe(page) == []
    await panel.get_by_role("button", name="Close").click()
    await page.get_by_role("combobox", name="Order").click()
    async with page.expect_response(lambda answer: "sort=longest" in answer.url and answer.ok):
        await page.get_by_role("option", name="Longest talk first").click()
    assert query_of(page)["sort"] == "longest"
    await page.get_by_role("button", name="Clear filters").click()
    assert query_of(page) == {"sort": "longest"}


async def test_chosen_calls_are_opened_in_turn(visit: Visit) -> None:
    page = await visit("head", "/calls?figure=talk_seconds&period=today")

    await page.keyboard.press("j")
    await page.keyboard.press("x")
    await page.keyboard.press("j")
    await page.keyboard.press("x")
    bar = page.get_by_role("toolbar", name="2 selected")
    await expect(bar).to_be_visible()
    assert await axe(page) == []
    await bar.get_by_role("button", name="Open in turn").click()

    await page.wait_for_url(re.compile(r"/calls/[0-9a-f-]{36}"))
    first, further = page.url, page.get_by_role("button", name="Next call")
    await expect(further).to_be_enabled()
    await page.keyboard.press("n")
    await expect(page).not_to_have_url(first)
    await expect(further).to_be_disabled()  # there are more calls in the list, but two were chosen


async def test_a_row_opens_in_a_tab_of_its_own_and_leads_back_from_there(visit: Visit) -> None:
    page = await visit("head", "/calls?period=month&sort=oldest")
    row = page.locator("tbody tr").first
    for opened in ({"modifiers": ["Control"]}, {"button": "middle"}):
        async with page.context.expect_page() as waiting:
            await row.locator("td").nth(2).click(**opened)  # type: ignore[arg-type]
        tab = await waiting.value
        await tab.wait_for_url(re.compile(r"/calls/[0-9a-f-]{36}$"))
        await tab.get_by_role("button", name="Back").click()
        await tab.wait_for_url(re.compile(r"/calls$"))
        await tab.close()
    assert "sort=oldest" in page.url

    await row.locator("td").nth(2).click()
    await page.wait_for_url(re.compile(r"/calls/[0-9a-f-]{36}"))
    await page.go_back()
    await page.wait_for_url(re.compile(r"period=month&sort=oldest"))
    await page.go_forward()
    await page.wait_for_url(re.compile(r"/calls/[0-9a-f-]{36}"))


@pytest.mark.parametrize("figure", ["calls", "answered", "missed", "talk_seconds"])
async def test_a_figure_opens_as_many_calls_as_it_says(day: Day, visit: Visit, figure: str) -> None:
    """The company's figure of a report, by its own link into the list."""
    head = await day.api.signed_in("head")
    today = (await (await head.get("me/day")).json())["day"]
    rows: list[object] = []
    cursor: dict[str, str] = {}
    while True:
        query = {"figure": figure, "since": today, "until": today, "limit": "200"}
        page_of_rows = await (await head.get("reports/rows", params=query | cursor)).json()
        rows += page_of_rows["items"]
        if page_of_rows["next"] is None:
            break
        cursor = {"cursor": page_of_rows["next"]}
    page = await visit("head", f"/calls?period=dates&first={today}&last={today}&figure={figure}")

    assert await counted(page) == len(rows) > 0
    await expect(page.locator("tbody tr")).to_have_count(len(rows))


async def test_todays_own_figures_open_their_calls(day: Day, visit: Visit) -> None:
    anna = await day.api.signed_in("anna")
    figures = (await (await anna.get("me/day")).json())["figures"]
    page = await visit("anna", "/today")

    strip = page.get_by_role("region", name="My figures today")
    await strip.get_by_role("link", name=str(figures["calls"]), exact=True).first.click()

    await page.wait_for_url("**/calls?**")
    await settled(page)
    assert await counted(page) == figures["calls"]


async def test_a_list_is_kept_under_a_name_and_comes_back(day: Day, visit: Visit) -> None:
    page = await visit("head", "/calls?result=missed&direction=inbound&sort=oldest")
    views = page.get_by_role("button", name=re.compile("^Views"))
    await views.click()
    await page.get_by_role("textbox", name="Name", exact=True).fill("To return")
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.get_by_role("status").filter(has_text="View saved: To return")).to_be_visible()

    await page.goto("/calls")
    await settled(page)
    await views.click()
    assert await axe(page, without=["region"]) == []
    await page.get_by_role("button", name="To return", exact=True).click()
    await expect(chip(page, "Result")).to_be_visible()
    wanted = query_of(page)
    assert {name: wanted[name] for name in ("result", "direction", "sort")} == {
        "result": "missed",
        "direction": "inbound",
        "sort": "oldest",
    }
    opened = page.get_by_role("button", name=re.compile("^To return"))
    await chip(page, "Direction").click()
    await expect(opened).to_contain_text("changed")

    await opened.click()
    await page.get_by_role("button", name="Rename: To return").click()
    await page.get_by_role("textbox", name="Name", exact=True).first.fill("Missed")
    await page.get_by_role("button", name="Rename", exact=True).click()
    await expect(page.get_by_role("button", name=re.compile("^Missed")).first).to_be_visible()
    await page.get_by_role("button", name="Remove: Missed").click()
    await expect(page.get_by_role("button", name="Remove: Missed")).to_be_hidden()
    await page.get_by_role("status").get_by_role("button", name="Undo").click()
    await views.click()
    await expect(page.get_by_role("button", name="Remove: Missed")).to_be_visible()
    assert await day.api.site.pool.fetchval("select count(*) from saved_view where name = 'Missed'") == 1


async def test_a_teams_view_is_seen_by_the_team(day: Day, visit: Visit) -> None:
    users = day.api.site.users
    root = await day.api.signed_in("root")
    body = {"name": "Krakow", "members": [{"user": users["anna"]}, {"user": users["boris"]}]}
    assert (await root.post("teams", json=body, headers=once())).status == 201
    page = await visit("head", "/tasks?show=overdue")

    await page.get_by_role("button", name=re.compile("^Views")).click()
    await page.get_by_role("radiogroup", name="For whom").get_by_text("For a team").click()
    await page.get_by_role("textbox", name="Name", exact=True).fill("Late ones")
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.get_by_role("status").filter(has_text="View saved")).to_be_visible()

    boris = await visit("boris", "/tasks", narrow=True)
    await boris.get_by_role("button", name=re.compile("^Views")).click()
    await expect(boris.get_by_role("region", name="Krakow")).to_contain_text("Ewa Lewandowska")
    assert await too_wide(boris) == 0
    await boris.get_by_role("button", name=re.compile("^Late ones")).click()
    await boris.wait_for_url(re.compile(r"/tasks\?.*show=overdue"))
    await boris.keyboard.press("Control+k")
    await boris.get_by_role("combobox", name="Find, call, go to").fill("late on")
    await expect(boris.get_by_role("option", name=re.compile("Late ones"))).to_be_visible()


async def test_tasks_of_everybody_open_from_their_figures_and_are_handed_over_with_one_undo(
    day: Day, visit: Visit
) -> None:
    users, pool = day.api.site.users, day.api.site.pool
    head = await day.api.signed_in("head")
    due = (datetime.now(UTC) - timedelta(hours=3)).isoformat()
    for title in ("Hand over 1", "Hand over 2"):
        body = {"kind": "own", "title": title, "owner": users["boris"], "due_at": due}
        assert (await head.post("tasks", json=body, headers=once())).status == 201
    late = await pool.fetchval(
        "select count(*) from task where owner_id = $1 and due_at < now() and state in ('new', 'in_progress')",
        users["boris"],
    )
    page = await visit("head", "/tasks?show=people")

    row = page.get_by_role("row", name=re.compile("Boris Wiśniewski"))
    assert await axe(page) == []
    await row.get_by_role("link", name=str(late), exact=True).and_(page.locator("[href*='show=overdue']")).click()
    await expect(page.locator("tbody tr")).to_have_count(late)
    await expect(page.locator("main")).to_contain_text("Who: Boris Wiśniewski")
    for title in ("Hand over 1", "Hand over 2"):
        await page.locator("tbody tr", has_text=title).focus()
        await page.keyboard.press("x")
    await page.get_by_role("toolbar", name="2 selected").get_by_role("button", name="Give to").click()
    await shot(page, "tasks-bulk")
    await page.get_by_role("menuitem", name="Анна Соколова").click()

    toast = page.get_by_role("status").filter(has_text="2 tasks handed to Анна Соколова")
    await expect(toast).to_be_visible()
    owners = "select owner_id from task where title like 'Hand over _'"
    assert [row["owner_id"] for row in await pool.fetch(owners)] == [users["anna"]] * 2
    async with page.expect_response(lambda answer: "/tasks?" in answer.url and answer.ok):
        await toast.get_by_role("button", name="Undo").click()
    assert [row["owner_id"] for row in await pool.fetch(owners)] == [users["boris"]] * 2


async def test_what_came_while_the_line_was_away_waits_to_be_shown(day: Day, visit: Visit) -> None:
    visit.expects(r"lost (GET|PUT|POST|PATCH) .*", r"console: .*(WebSocket|ERR_INTERNET_DISCONNECTED)")
    calls = await visit("head", "/calls")
    board = await visit.tab(calls.context)
    await board.goto("/live")
    await settled(board)
    today = await visit("anna", "/today")
    before = await calls.locator("tbody tr").first.inner_text()
    shown = await counted(calls)
    missed = board.locator("main").get_by_text(re.compile("Zagubiony|601.999.111")).first
    for page in (calls, board, today):
        await expect(page.get_by_role("region", name="Phone", exact=True)).to_be_visible()
    for context in (calls.context, today.context):
        await context.set_offline(True)
    for page in (calls, board, today):
        await expect(page.get_by_role("region", name="Phone", exact=True)).to_contain_text("No connection")

    begin = datetime.now(UTC) - timedelta(minutes=12)
    await day.api.site.take_all(told("in_noanswer", begin=begin, number="48601999111", name="Zagubiony"))
    waits = "select count(*) from missed where number = '+48601999111'"
    async with asyncio.timeout(30):
        while not await day.api.site.pool.fetchval(waits):
            await asyncio.sleep(0.05)
    for context in (calls.context, today.context):
        await context.set_offline(False)

    news = calls.get_by_role("button", name="1 new, show")
    await expect(news).to_be_visible()
    assert await calls.locator("tbody tr").first.inner_text() == before, "nothing moves by itself"
    await calls.keyboard.press(".")
    await expect(calls.locator("tbody tr", has_text="Zagubiony")).to_be_visible()
    await expect(news).to_be_hidden()
    await settled(calls)
    assert await counted(calls) == shown + 1
    every = board.get_by_role("button", name=re.compile("^Show all "))
    await expect(missed.or_(every).first).to_be_visible()
    if await every.is_visible():  # only the first ones are shown
        await every.click()
    await expect(missed).to_be_visible()
    await expect(today.get_by_role("button", name=re.compile("new, show"))).to_be_visible()
    await today.keyboard.press(".")
    await expect(today.locator("main")).to_contain_text("Zagubiony")
