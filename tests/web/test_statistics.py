"""Every figure of the page of statistics opens exactly what it counts; teams, waiting, the days before, and files."""

import csv
import io
import re
import zipfile
from datetime import UTC, datetime, timedelta
from typing import Literal
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, expect

from gateway.domain.access import Role
from tests.web.browser import Visit, axe, go, settled, shot, too_wide
from tests.web.day import Day, told

pytestmark = pytest.mark.asyncio(loop_scope="session")

AGO = timedelta(days=9)
"""So long before, that no other test has calls there."""
OF_CALLS = {"calls", "answered", "missed", "talk_seconds", "wait_seconds", "numbers", "numbers_long"}
CALLS = [
    ("in_answered", "79170000001", 20.0),
    ("in_answered", "79170000002", 12.0),
    ("queue_answered", "79170000003", 10.0),
    ("in_noanswer", "79170000004", 1.0),
    ("in_noanswer", "79170000005", 1.0),
    ("in_abandon", "79170000006", 1.0),
    ("out_answered", "79170000007", 150.0),
    ("out_busy", "79170000008", 1.0),
]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def days(day: Day) -> str:
    """Two days with known calls and a task that was done, and a call two days before; the page's address for them."""
    then = datetime.now(UTC) - AGO
    for at, (scenario, number, slow) in enumerate(CALLS):
        begin = then + timedelta(days=at % 2, minutes=3 * at)
        await day.api.site.take_all(told(scenario, begin=begin, number=number, slow=slow))
    await day.api.site.pool.execute(
        "insert into task (kind, owner_id, title, state, made_by, created_at, changed_at, due_at, ended_at)"
        " values ('own', $1, 'Done in time', 'done', 'test', $2, $2, $2::timestamptz + interval '1 hour', $2)",
        day.api.site.users["boris"],
        then,
    )
    earlier = then - timedelta(days=2)
    await day.api.site.take_all(told("in_answered", begin=earlier, number="79170000001"))
    first = then.astimezone(ZoneInfo(day.zone)).date()
    return f"/stats?period=dates&since={first}&until={first + timedelta(days=1)}"


def number_of(text: str) -> int:
    """The first number of a text: `1,204`, `2 was 1`."""
    found = re.search(r"\d[\d,\u00a0\u202f ]*", text)
    assert found is not None, text
    return int(re.sub(r"\D", "", found[0]))


async def opened(page: Page) -> int:
    """How many the opened figure says it counts, which must be as many as are listed."""
    panel = page.get_by_test_id("figure-rows")
    await panel.wait_for()
    await settled(page)
    said = number_of(await panel.inner_text())
    side = page.get_by_role("complementary").filter(has=panel)
    assert await side.get_by_role("listitem").count() == said
    return said


async def check(page: Page, figures: Locator, *, follow: int = 3) -> int:
    """Open each figure and hold it against its rows, and the first ones against the list of calls that they lead to."""
    seen = followed = 0
    for at in range(await figures.count()):
        text = await figures.nth(at).inner_text()
        name = await figures.nth(at).get_attribute("aria-label") or text
        await figures.nth(at).click()
        counted = await opened(page)
        if ":" not in text:  # of hours and minutes the rows are those that add up to it
            assert counted == number_of(text), (name, page.url)
        figure = parse_qs(parse_qs(urlsplit(page.url).query)["open"][0])["figure"][0]
        link = page.get_by_role("link", name="Open in Calls")
        assert await link.count() == int(figure in OF_CALLS), page.url
        if followed < follow and figure in OF_CALLS:
            followed += 1
            address = await link.get_attribute("href")
            other = await page.context.new_page()
            await other.goto(f"{page.url.split('/stats')[0]}{address}")
            rows = other.get_by_role("main").get_by_role("table").get_by_role("row")
            await expect(rows).to_have_count(counted + 1 if counted else 0)  # an empty list has no head
            await other.close()
        seen += 1
    return seen


async def test_tiles_squares_and_bars_open_exactly_their_calls(visit: Visit, days: str) -> None:
    page = await visit("head", days)
    tiles = page.get_by_role("group", name="Figures of the period")
    assert number_of((await tiles.get_by_role("button", name=re.compile("^Calls")).inner_text())[5:]) == len(CALLS)
    assert await check(page, tiles.get_by_role("button", name=re.compile("^(Calls|Missed)")).locator("b")) == 2

    missed = page.get_by_role("table", name="Missed by hour")
    squares = missed.get_by_role("button")
    assert sum([number_of(text) for text in await squares.all_inner_texts()]) == 3
    assert await check(page, squares) == await squares.count()
    await page.get_by_text("Inbound", exact=True).click()
    inbound = page.get_by_role("table", name="Inbound by hour").get_by_role("button")
    assert sum([number_of(text) for text in await inbound.all_inner_texts()]) == 6
    assert await check(page, inbound) >= 1

    await page.get_by_role("button", name="As a table").click()
    cells = page.get_by_role("table", name="Calls per day").get_by_role("button").filter(has_text=re.compile("[1-9]"))
    assert await check(page, cells) >= 4
    await shot(page, "stats-open")


@pytest.mark.parametrize("tab", ["Goal", "Minutes", "All channels", "Tasks"])
async def test_every_figure_of_a_rating_opens_exactly_what_it_counts(visit: Visit, days: str, tab: str) -> None:
    page = await visit("head", days)
    await page.get_by_role("radiogroup", name="Rated by").get_by_text(tab, exact=True).click()
    await settled(page)

    seen = await check(page, page.get_by_role("region", name="Rating").get_by_role("button"))

    assert seen >= (2 if tab == "Tasks" else 3)


@pytest.mark.parametrize("by", ["Our number", "Source"])
async def test_every_figure_of_a_channel_opens_the_calls_of_that_channel(visit: Visit, days: str, by: str) -> None:
    page = await visit("head", days)
    channels = page.get_by_role("region", name="Channels")
    await page.get_by_role("radiogroup", name="Told by").first.get_by_text(by, exact=True).click()
    await settled(page)

    assert await check(page, channels.get_by_role("button")) >= 3


@pytest.mark.parametrize("by", ["Manager", "Our number"])
async def test_every_figure_of_the_call_backs_opens_its_clients(visit: Visit, by: str) -> None:
    page = await visit("head", "/stats?period=month")
    table = page.get_by_role("region", name="Call-backs")
    await page.get_by_role("radiogroup", name="Told by").last.get_by_text(by, exact=True).click()
    await settled(page)
    together = table.locator("tfoot tr").get_by_role("button")
    missed = number_of(await together.first.inner_text())
    if by == "Our number":
        counts = [number_of(text) for text in await table.locator("tbody tr td:nth-child(2)").all_inner_texts()]
        assert sum(counts) == missed >= 3

    assert await check(page, table.get_by_role("button")) >= 2
    await shot(page, "stats-call-backs")
    assert await axe(page) == []
    await expect(page.get_by_role("region", name="Kinds of conversation")).to_contain_text("Calls")


async def test_a_team_narrows_every_part_of_the_page(day: Day, visit: Visit, days: str) -> None:
    root = await day.api.signed_in("root")
    body = {"name": "Only Boris", "members": [{"user": day.api.site.users["boris"]}]}
    async with root.post("teams", json=body, headers={"Idempotency-Key": "stats-team"}) as response:
        assert response.status == 201, await response.text()
    page = await visit("head", days)
    calls = page.get_by_role("group", name="Figures of the period").get_by_role("button", name=re.compile("^Calls"))
    whole = number_of((await calls.inner_text())[5:])

    await page.get_by_role("combobox", name="Team").click()
    await page.get_by_role("option", name="Only Boris").click()
    await settled(page)

    assert "team=" in page.url
    assert number_of((await calls.inner_text())[5:]) < whole
    await expect(page.get_by_role("region", name="Rating").get_by_role("row")).to_have_count(2)
    await expect(page.get_by_text("Of the whole company")).to_be_visible()
    tiles = page.get_by_role("group", name="Figures of the period")
    assert await check(page, tiles.get_by_role("button", name=re.compile("^(Calls|Missed)")).locator("b")) == 2
    await page.get_by_role("radiogroup", name="Rated by").get_by_text("Minutes", exact=True).click()
    await settled(page)
    assert await check(page, page.get_by_role("region", name="Rating").get_by_role("button"), follow=9) >= 2
    await page.get_by_text("Inbound", exact=True).click()
    assert await check(page, page.get_by_role("table", name="Inbound by hour").get_by_role("button")) >= 1
    assert await axe(page) == []


async def test_waiting_is_a_table_of_hours_and_a_square_opens_its_answered_calls(visit: Visit, days: str) -> None:
    page = await visit("head", f"{days}&heat=wait")
    squares = page.get_by_role("table", name="Mean wait by hour").get_by_role("button")
    await expect(squares.first).to_have_text(re.compile(r"^\d+:\d\d$"))

    await squares.first.click()

    assert await opened(page) >= 1
    assert await axe(page) == []
    await shot(page, "stats-wait")


async def test_each_figure_stands_beside_that_of_the_days_before(visit: Visit, days: str) -> None:
    page = await visit("head", days)

    calls = page.get_by_role("group", name="Figures of the period").get_by_role("button", name=re.compile("^Calls"))
    await expect(calls).to_contain_text("was 1")
    await expect(page.get_by_text(re.compile("^against "))).to_be_visible()


async def test_the_figures_are_taken_as_files_and_the_audit_says_by_whom(day: Day, visit: Visit, days: str) -> None:
    page = await visit("head", days)
    head = day.api.site.users["head"]
    files = {}
    for name in ("Company, CSV", "Rating, XLSX"):
        await page.get_by_role("button", name="Export").click()
        async with page.expect_download() as waiting:
            await page.get_by_role("menuitem", name=name).click()
        files[name] = await (await waiting.value).path()

    rows = list(csv.reader(io.StringIO(files["Company, CSV"].read_text("utf-8-sig"))))
    table = next(row for row in rows if str(len(CALLS)) in row or f"{len(CALLS)}.0" in row)
    assert table
    with zipfile.ZipFile(files["Rating, XLSX"]) as book:
        assert any("Boris Wiśniewski" in book.read(name).decode() for name in book.namelist() if name.endswith(".xml"))
    kept = await day.api.site.pool.fetch("select actor, action from audit order by id desc limit 2")
    assert [(r["actor"], r["action"]) for r in kept] == [(f"user:{head}", "report.exported")] * 2


async def test_a_manager_has_neither_the_page_nor_its_files(day: Day, visit: Visit, days: str) -> None:
    page = await visit("anna", days)

    await expect(page.get_by_role("main")).to_contain_text("statistics.read_all")
    anna = await day.api.caller(Role.MANAGER, "anna")
    async with anna.get("reports/company", params={"format": "csv"}) as response:
        assert response.status == 403


async def test_the_page_fits_a_telephone_and_goes_back_to_its_address(visit: Visit, days: str) -> None:
    page = await visit("head", days, narrow=True, theme="dark", language="ru")
    assert await too_wide(page) == 0
    tile = page.get_by_role("group").get_by_role("button", name=re.compile(r"^Звонки\s*\d"))

    await tile.click()
    counted = await opened(page)
    await go(page, page.url.replace(page.url.split("/stats")[0], ""))

    assert await opened(page) == counted
    assert await axe(page) == []
    await shot(page, "stats-open-360")


@pytest.mark.parametrize(
    ("language", "names", "typed", "shown"),
    [
        ("ru", ("С", "По"), ("3.02.2026", "05.02.2026"), ("3 февр. 2026", "5 февр. 2026")),
        ("pl", ("Od", "Do"), ("3.02.2026", "05.02.2026"), ("3 lut 2026", "5 lut 2026")),
    ],
)
async def test_days_are_typed_as_they_are_written_in_the_readers_language(
    visit: Visit,
    days: str,
    language: Literal["ru", "pl"],
    names: tuple[str, str],
    typed: tuple[str, str],
    shown: tuple[str, str],
) -> None:
    page = await visit("head", days, language=language)
    first, last = [page.get_by_role("textbox", name=name, exact=True) for name in names]

    await first.fill("")
    await first.press_sequentially(typed[0])
    await expect(page).to_have_url(re.compile("since=2026-02-03"))
    await expect(first).to_be_focused()
    await page.keyboard.press("Tab")
    await last.fill("2.02.2026")
    await expect(page.get_by_text(re.compile("раньше первого|przed pierwszym"))).to_be_visible()
    await expect(page).not_to_have_url(re.compile("until=2026-02"))
    await last.fill(typed[1])
    await last.press("Escape")
    await first.focus()

    await expect(page).to_have_url(re.compile("since=2026-02-03.*until=2026-02-05"))
    await expect(last).to_have_value(shown[1])
    await last.focus()
    await expect(first).to_have_value(shown[0])
