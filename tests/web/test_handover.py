"""A manager's clients go to others: counted before, in steps, back again, and before an account is closed."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Page, expect

from tests.web.browser import Visit, axe, settled, shot, too_wide
from tests.web.day import Day

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def add_people(day: Day, *names: str) -> list[int]:
    """People of this test alone, for the day is shared."""
    found = []
    for name in names:
        login = re.sub(r"\W", "", name).lower()
        found.append(
            await day.api.site.pool.fetchval(
                "insert into users (login, name, role) values ($1, $2, 'manager') returning id", login, name
            )
        )
    return found


async def add_clients(day: Day, owner: int, *, hot: int, cold: int) -> None:
    """Clients of a manager; each tenth has a task, two of the hot ones have a planned call."""
    pool, now = day.api.site.pool, datetime.now(UTC)
    for heat, many in (("hot", hot), ("cold", cold)):
        await pool.execute(
            "insert into contact (name, owner_id, heat, line_of_business, stage)"
            " select $2 || ' client ' || n, $1, $2, case when n % 2 = 0 then 'Wood' else '' end, 'client'"
            " from generate_series(1, $3) n",
            owner, heat, many,
        )  # fmt: skip
    await pool.execute(
        "insert into task (kind, owner_id, contact_id, made_by, created_at, changed_at)"
        " select 'call', $1, id, 'test', $2, $2 from (select id, row_number() over (order by id) as n from contact"
        " where owner_id = $1) c where n % 10 = 0",
        owner, now,
    )  # fmt: skip
    at = (now + timedelta(days=2)).replace(minute=0, second=0, microsecond=0)
    await pool.execute(
        "insert into scheduled_call (user_id, contact_id, number, at, ends_at, minutes, zone, zone_from, wall,"
        " agreed_at, made_by, created_at, changed_at)"
        " select $1, id, '+48600000001', $2::timestamptz + n * interval '1 hour',"
        " $2::timestamptz + n * interval '1 hour 15 minutes', 15, 'UTC', 'asked', $2::timestamptz at time zone 'UTC',"
        " $2, 'test', $3, $3 from (select id, row_number() over (order by id) as n from contact where owner_id = $1) c"
        " where n <= 2",
        owner, at, now,
    )  # fmt: skip


async def owned(day: Day, *users: int) -> list[int]:
    rows = await day.api.site.pool.fetch(
        "select owner_id, count(*) as n from contact where owner_id = any($1::bigint[]) group by 1", list(users)
    )
    counts = {r["owner_id"]: r["n"] for r in rows}
    return [counts.get(user, 0) for user in users]


async def choose(page: Page, label: str, *names: str) -> None:
    """Choose from a list that opens below a field."""
    for name in names:
        await page.get_by_role("combobox", name=label, exact=True).click()
        await page.get_by_role("option", name=re.compile(re.escape(name))).click()


async def test_hundreds_of_clients_are_shared_out_in_steps_and_come_back_with_one_key(day: Day, visit: Visit) -> None:
    pawel, olga, igor = await add_people(day, "Paweł Leśniak", "Olga Prokhorova", "Igor Vlasov")
    await add_clients(day, pawel, hot=430, cold=50)
    page = await visit("head", "/handover")
    row = page.get_by_role("table", name="Whose clients").get_by_role("row").filter(has_text="Paweł Leśniak")
    await expect(row).to_contain_text("480")

    await row.get_by_role("button", name="Hand over: Paweł Leśniak").click()
    await page.get_by_role("group", name="Heat").get_by_role("button", name=re.compile("^Hot")).click()
    side = page.get_by_role("complementary", name="What goes")
    await expect(side).to_contain_text("430")
    await expect(side.get_by_role("definition").nth(1)).to_have_text("43")
    await expect(side.get_by_role("definition").nth(2)).to_have_text("2")
    await page.get_by_text("Several, evenly").click()
    await choose(page, "Colleagues", "Olga Prokhorova", "Igor Vlasov")
    await page.keyboard.press("Escape")
    await expect(side.get_by_role("list")).to_contain_text(re.compile(r"\+215.*\+215"))
    assert "heat=hot" in page.url
    assert await axe(page) == []
    await shot(page, "handover-form", whole=True)
    await side.get_by_role("button", name="Hand over 430 clients").click()

    await expect(side.get_by_text("All have gone over.")).to_be_visible(timeout=20_000)
    await expect(page.get_by_role("status").filter(has_text="430 clients handed over")).to_be_visible()
    await shot(page, "handover-done")
    assert await owned(day, pawel, olga, igor) == [50, 215, 215]
    planned = await day.api.site.pool.fetch("select user_id from scheduled_call where number = '+48600000001'")
    assert all(r["user_id"] in (olga, igor) for r in planned)
    (kept,) = await day.api.site.pool.fetch("select id, cards from handover where from_id = $1", pawel)
    assert kept["cards"] == 430, "all steps are one handover"

    await page.keyboard.press("Control+z")
    await expect(page.get_by_role("status").filter(has_text="430 clients came back")).to_be_visible()
    assert await owned(day, pawel, olga, igor) == [480, 0, 0]
    await page.get_by_role("button", name="Another person").first.click()
    history = page.get_by_role("list", name="Handovers so far").get_by_role("listitem").filter(has_text="Paweł Leśniak")
    await expect(history).to_contain_text("430 came back")
    await history.get_by_role("button").first.click()
    await expect(page.get_by_role("complementary", name=f"Handover {kept['id']}")).to_contain_text("hot client")
    assert await axe(page) == []
    await shot(page, "handover-history")


async def test_the_gateway_goes_on_when_the_page_is_closed_and_stops_where_it_is_told(day: Day, visit: Visit) -> None:
    tadeusz, jan = await add_people(day, "Tadeusz Wielki", "Jan Odbiorca")
    await add_clients(day, tadeusz, hot=3000, cold=1)
    before = await visit("head", f"/handover?from={tadeusz}&to={jan}&heat=hot")
    await before.get_by_role("button", name="Hand over 3,000 clients").click()
    await expect(before.get_by_role("progressbar", name="Handed over")).to_be_visible()
    await expect(before.get_by_role("complementary", name="What goes")).to_contain_text("of 3,000 clients")
    await shot(before, "handover-going")
    kept = await day.api.site.pool.fetchval("select id from handover where from_id = $1", tadeusz)
    closed_at = (await owned(day, jan))[0]
    await before.close()

    page = await visit("head", "/handover")
    rows = page.get_by_role("list", name="Handovers so far").get_by_role("listitem")
    history = rows.filter(has_text="Tadeusz Wielki")
    await history.get_by_role("button", name=f"Stop handover {kept}").click()
    await expect(history.get_by_role("button", name=f"Undo handover {kept}")).to_be_visible()
    assert closed_at <= (await owned(day, jan))[0] < 3000
    await page.goto(page.url + f"?from={tadeusz}&one={kept}")
    side = page.get_by_role("complementary", name="What goes")
    await expect(side).to_contain_text("clients stay")
    assert await axe(page) == []
    await shot(page, "handover-stopped")
    gone = (await owned(day, jan))[0]
    await side.get_by_role("button", name="Go on").click()
    await expect(side.locator("b").first).not_to_have_text(f"{gone:,}", timeout=20_000)
    await side.get_by_role("button", name="Stop").click()
    await side.get_by_role("button", name="Undo", exact=True).click()

    await expect(page.get_by_role("status").filter(has_text="clients came back")).to_be_visible(timeout=30_000)
    assert await owned(day, tadeusz, jan) == [3001, 0]
    await expect(side.get_by_role("button", name="Hand over 3,001 clients")).to_be_visible()


async def test_whoever_leaves_hands_his_clients_over_before_his_account_is_closed(day: Day, visit: Visit) -> None:
    (leaving, stays) = await add_people(day, "Zofia Odchodzi", "Adam Zostaje")
    await add_clients(day, leaving, hot=0, cold=12)
    page = await visit("root", f"/admin/users?user={leaving}")

    await page.get_by_role("switch", name="May sign in and take calls").click()
    await expect(page).to_have_url(re.compile(rf"/handover\?from={leaving}&leaving=1"))
    await settled(page)
    await choose(page, "Colleague", "Adam Zostaje")
    await page.get_by_role("button", name="Hand over 12 clients").click()
    await page.get_by_role("button", name="Close the account: Zofia Odchodzi").click()

    await expect(page.get_by_role("status").filter(has_text="Zofia Odchodzi cannot sign in any more")).to_be_visible()
    assert await owned(day, leaving, stays) == [0, 12]
    assert not await day.api.site.pool.fetchval("select active from users where id = $1", leaving)
    acts = await day.api.site.pool.fetch("select action from audit where action like 'handover.%' order by id desc")
    assert acts[0]["action"] == "handover.done"


async def test_clients_are_lent_until_a_day_and_the_gateways_reason_stands_where_it_refuses(
    day: Day, visit: Visit
) -> None:
    (away, deputy) = await add_people(day, "Marek Urlop", "Jan Zastępca")
    await add_clients(day, away, hot=3, cold=0)
    until = (datetime.now(UTC) + timedelta(days=9)).date()
    visit.expects("422 POST /api/v1/distribution/handovers")
    page = await visit("head", f"/handover?from={away}&to={deputy}&until=2020-01-01", narrow=True, language="pl")
    assert await too_wide(page) == 0
    assert await axe(page) == []

    await page.get_by_role("button", name="Przekaż 3 klientów").click()
    await expect(page.get_by_role("alert")).to_contain_text("Ten czas już minął.")
    await shot(page, "handover-refused-360", whole=True)
    await page.get_by_label("Wracają dnia").fill(str(until))
    await page.get_by_role("button", name="Przekaż 3 klientów").click()
    await expect(page.get_by_text("Gotowe.", exact=True)).to_be_visible()

    kept = await day.api.site.pool.fetchrow("select until, cards from handover where from_id = $1", away)
    assert (kept["until"].date() - until).days in (-1, 0)
    assert kept["cards"] == 3


async def test_a_manager_is_told_who_may_hand_clients_over(visit: Visit) -> None:
    page = await visit("anna", "/handover")

    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    await expect(page.get_by_role("main")).to_contain_text("distribution.manage")
