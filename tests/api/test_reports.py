"""Reports: the same figures as statistics and a recount by hand, each opening into its rows. Requirements 45-47, 50,
53-55, 57-60, 64, 67."""

import csv
import io
import zipfile
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest

from gateway.domain.access import Role
from tests.api.site import Api, problem
from tests.api.test_statistics import DAYS, all_pages, everything, get
from tests.gateway.day_of_calls import Placed

NOON = datetime(2026, 3, 20, 9, 0, tzinfo=UTC)
PERIOD = {"period": "dates", **DAYS, "compare": "false"}
MARCH = {"period": "dates", "since": "2026-03-20", "until": "2026-03-20"}


async def place(api: Api, *calls: Placed) -> None:
    for call in calls:
        await api.site.take_all(call.rows())


def call(minutes: int, number: str, **values: Any) -> Placed:
    own = {"scenario": "in_answered", "extensions": {}} | values
    return Placed(at=NOON + timedelta(minutes=minutes), number=f"+7903{number:0>7}", **own)


async def opened(api: Api, client: Any, address: str) -> list[Any]:
    """Everything behind a figure."""
    path, _, query = address.removeprefix("/api/v1/").partition("?")
    return await all_pages(client, f"{path}?{query}")


OF_CALLS = frozenset(
    {"calls", "answered", "missed", "not_taken", "lost", "talk_seconds", "wait_seconds", "numbers", "numbers_long"}
)


async def in_list(client: Any, address: str) -> list[str] | None:
    """The calls that the list has for the address of a figure, as the page writes it; None: it counts no calls."""
    query = dict(parse_qsl(address.partition("?")[2], keep_blank_values=True))
    if query["figure"] not in OF_CALLS:
        return None
    renamed = {"since": "first", "until": "last", "user": "manager", "by": "channel_by"}
    asked = {renamed.get(name, name): value for name, value in query.items()} | {"period": "dates"}
    return [call["id"] for call in await all_pages(client, f"calls?{urlencode(asked)}")]


async def cells_open(api: Api, client: Any, report: dict[str, Any]) -> set[str]:
    """Hold each figure of a report against its rows; the names of those that counted anything."""
    seen = set()
    for line in report["lines"]:
        for name, cell in line["cells"].items():
            if cell["rows"] is None or "/reports/rows" not in cell["rows"]:
                continue
            rows = await opened(api, client, cell["rows"])
            if name.endswith("_seconds"):
                own = [r["talk_seconds"] if r["extension"] else r["call"]["talk_seconds"] for r in rows]
                assert sum(own) == pytest.approx(cell["value"]), (line["name"], name)
            else:
                assert len(rows) == cell["value"], (line["name"], name, cell)
            listed = await in_list(client, cell["rows"])
            if listed is not None:  # seconds are each manager's own: a call of two of them stands in the list once
                assert set(listed) == {row["call"]["id"] for row in rows}, (line["name"], name, cell)
                assert name.endswith("_seconds") or len(listed) == cell["value"], (line["name"], name, cell)
            if cell["value"]:
                seen.add(name)
    return seen


async def test_every_figure_of_every_report_opens_into_as_many_rows(api: Api) -> None:
    await everything(api)
    head, anna = await api.caller(Role.SUPERVISOR), api.site.users["anna"]

    ratings = await get(head, "reports/ratings", **PERIOD)
    assert {"calls", "missed", "numbers_long", "not_taken", "talk_seconds"} <= await cells_open(api, head, ratings)
    for query in ({"user": anna}, {}):
        series = await get(head, "reports/series", step="year", **query, **PERIOD)
        assert {"calls", "answered", "missed"} <= await cells_open(api, head, series)
    assert {"calls", "missed", "lost"} <= await cells_open(api, head, await get(head, "reports/company", **PERIOD))
    channels = await get(head, "reports/channels", **PERIOD)
    assert {"calls", "leads", "missed"} <= await cells_open(api, head, channels)
    hours = await get(head, "reports/hours", **PERIOD)
    assert len(hours["lines"]) == 7 * 24
    hours["lines"] = [line for line in hours["lines"] if line["cells"]["calls"]["value"]]
    assert {"calls", "missed"} <= await cells_open(api, head, hours)


async def test_a_teams_figures_open_into_as_many_rows_in_every_report(api: Api) -> None:
    await everything(api)
    head, users = await api.caller(Role.SUPERVISOR), api.site.users
    made = await head.post(
        "teams",
        json={"name": "North", "members": [{"user": users["anna"]}, {"user": users["boris"]}]},
        headers={"Idempotency-Key": "north"},
    )
    team = (await made.json())["id"]

    company = await get(head, "reports/company", team=team, **PERIOD)
    assert {"calls", "answered", "missed", "talk_seconds"} <= await cells_open(api, head, company)
    hours = await get(head, "reports/hours", team=team, **PERIOD)
    for figure in ("calls", "answered", "missed", "lost"):
        in_hours = sum(line["cells"][figure]["value"] for line in hours["lines"])
        assert in_hours == company["total"]["cells"][figure]["value"], figure
    hours["lines"] = [line for line in hours["lines"] if line["cells"]["calls"]["value"]]
    assert {"calls", "missed"} <= await cells_open(api, head, hours)
    for name in ("tasks", "communication"):
        await cells_open(api, head, await get(head, f"reports/{name}", team=team, **PERIOD))
    whole = await get(head, "reports/company", **PERIOD)
    assert company["total"]["cells"]["calls"]["value"] < whole["total"]["cells"]["calls"]["value"]
    for name in ("company", "hours"):
        assert (await head.get(f"reports/{name}?team=999")).status == 404


async def test_the_same_number_stands_in_reports_statistics_and_a_recount(api: Api) -> None:
    await everything(api)
    head = await api.caller(Role.SUPERVISOR)

    ratings = {line["key"]["user"]: line["cells"] for line in (await get(head, "reports/ratings", **PERIOD))["lines"]}
    for row in (await get(head, "statistics/managers", **DAYS))["items"]:
        if row["user"] not in ratings:
            continue
        for figure in ("calls", "answered", "missed", "not_taken", "lost", "talk_seconds", "numbers", "numbers_long"):
            assert ratings[row["user"]][figure]["value"] == pytest.approx(row[figure]), figure
        counted = await api.site.pool.fetchrow(
            "select count(*) as calls, count(*) filter (where missed) as missed, sum(talk_us) / 1e6 as talk_seconds,"
            " count(distinct number) as numbers from call_manager where counted and user_id = $1",
            row["user"],
        )
        for figure, value in counted.items():
            assert ratings[row["user"]][figure]["value"] == pytest.approx(float(value))
    company = await get(head, "reports/company", **PERIOD)
    for row in (await get(head, "statistics/company", **DAYS))["items"]:
        (line,) = [x for x in company["lines"] if x["key"]["direction"] == row["direction"]]
        for figure in ("calls", "answered", "missed", "lost", "talk_seconds"):
            assert line["cells"][figure]["value"] == pytest.approx(row[figure])
    channels, hours = [await get(head, f"reports/{name}", **PERIOD) for name in ("channels", "hours")]
    inbound = next(x for x in company["lines"] if x["key"]["direction"] == "inbound")["cells"]
    for figure in ("calls", "answered", "missed", "lost"):
        assert sum(x["cells"][figure]["value"] for x in channels["lines"]) == inbound[figure]["value"]
        assert channels["total"]["cells"][figure]["value"] == inbound[figure]["value"]
        in_hours = sum(x["cells"][figure]["value"] for x in hours["lines"])
        assert in_hours == company["total"]["cells"][figure]["value"]


async def test_ratings_order_and_share_places_and_a_rise_of_missed_calls_is_bad(api: Api) -> None:
    yesterday = -24 * 60
    await place(api, call(yesterday, "1"), call(0, "1"), call(9, "2"), call(20, "3", scenario="in_noanswer"))
    head = await api.caller(Role.SUPERVISOR)

    report = await get(head, "reports/ratings", **MARCH)
    assert [(x["place"], x["name"], x["cells"]["calls"]["value"]) for x in report["lines"]] == [
        (1, "Anna", 3),
        (2, "Boris", 0),
    ]
    cells = report["lines"][0]["cells"]
    assert (cells["calls"]["before"], cells["calls"]["percent"], cells["calls"]["verdict"]) == (1, 200.0, "neutral")
    assert (cells["missed"]["before"], cells["missed"]["verdict"]) == (0, "bad")
    assert (cells["answered"]["verdict"], cells["answered"]["percent"]) == ("good", 100.0)
    assert cells["missed_share"]["value"] == pytest.approx(1 / 3, abs=1e-4)
    least = await get(head, "reports/ratings", by="missed", **MARCH)
    assert [x["name"] for x in least["lines"]] == ["Boris", "Anna"]
    even = await get(head, "reports/ratings", by="goals_reached", **MARCH)
    assert [x["place"] for x in even["lines"]] == [1, 1]


async def test_a_manager_sees_his_own_line_with_his_place_and_nothing_of_the_company(api: Api) -> None:
    await place(api, call(0, "1"), call(9, "2"))
    boris, anna = await api.caller(Role.MANAGER, "boris"), api.site.users["anna"]

    (line,) = (await get(boris, "reports/ratings", **MARCH))["lines"]
    assert (line["name"], line["place"]) == ("Boris", 2)
    for path in (
        "reports/company",
        "reports/channels",
        "reports/hours",
        "reports/series",
        f"reports/series?user={anna}",
        f"reports/tasks?user={anna}",
        f"reports/problems?user={anna}",
        "reports/rows?figure=calls&since=2026-03-20&until=2026-03-20",
        f"reports/rows?figure=calls&since=2026-03-20&until=2026-03-20&user={anna}",
        "reports/ratings?format=csv",
        "spend",
    ):
        await problem(await boris.get(path), 403, "not-allowed")


async def test_a_channel_costs_what_was_entered_spread_over_its_days(api: Api) -> None:
    """Requirement 54: leads and spend by channel."""
    ours = {"did": "74950000001"}
    await place(api, call(0, "1", **ours), call(9, "1", **ours), call(20, "2", **ours))
    await place(api, call(40, "3", scenario="in_noanswer", **ours), call(60, "4", did="74951234567"))
    head = await api.caller(Role.SUPERVISOR)
    did = (await api.site.pool.fetchrow("select did from call order by started_at limit 1"))["did"]
    entered = {"by": "did", "channel": did, "since": "2026-03-01", "until": "2026-03-31", "amount": "100.00"}
    for currency, key in (("EUR", "a"), ("EUR", "a"), ("PLN", "b")):
        answer = await head.post("spend", json={**entered, "currency": currency}, headers={"Idempotency-Key": key})
        assert answer.status == 201, await answer.text()

    report = await get(head, "reports/channels", **MARCH)
    line = next(x["cells"] for x in report["lines"] if x["name"] == did)
    assert [line[n]["value"] for n in ("calls", "leads", "missed")] == [4, 3, 1]
    assert line["spend.EUR"]["value"] == 3.23  # the twentieth day of thirty-one: 64.52 up to it, 61.29 before
    assert line["cost_per_lead.EUR"]["value"] == 1.08
    assert line["spend.PLN"]["value"] == 3.23
    whole = await get(head, "reports/channels", period="dates", since="2026-01-01", until="2026-12-31")
    assert next(x["cells"] for x in whole["lines"] if x["name"] == did)["spend.EUR"]["value"] == 100.0
    sums = 0.0
    for day in range(1, 32):
        one = {"period": "dates", "since": f"2026-03-{day:02}", "until": f"2026-03-{day:02}", "compare": "false"}
        cells = (await get(head, "reports/channels", **one))["total"]["cells"]
        sums += cells["spend.EUR"]["value"]
    assert round(sums, 2) == 100.0


async def test_a_source_brings_leads_by_calls_and_by_touches(api: Api) -> None:
    await place(api, call(0, "1"), call(20, "2"))
    pool = api.site.pool
    await pool.execute("update contact set source_kind = 'campaign', source_name = 'Spring'")
    form = await pool.fetchval(
        "insert into contact (name, source_kind, source_name) values ('F', 'site', 'shop') returning id"
    )
    await pool.execute(
        "insert into touch (contact_id, kind, at, made_by) values ($1, 'form', $2, 'x'), ($1, 'form', $3, 'x')",
        form,
        NOON,
        NOON + timedelta(minutes=5),
    )
    head = await api.caller(Role.SUPERVISOR)

    report = await get(head, "reports/channels", by="source", **MARCH)
    found = {(x["key"]["kind"], x["name"]): x["cells"] for x in report["lines"]}
    assert found["campaign", "Spring"]["leads"]["value"] == 2
    assert found["site", "shop"]["leads"]["value"] == 1
    (row,) = await opened(api, head, found["site", "shop"]["leads"]["rows"])
    assert (row["touch"]["kind"], row["call"]) == ("form", None)


async def test_tasks_and_touches_are_counted_by_kind_and_open(api: Api) -> None:
    """Requirements 50 and 57: by tasks (count, kind, overdue) and by way of contact."""
    pool, anna = api.site.pool, api.site.users["anna"]
    due, late = NOON, NOON + timedelta(minutes=30)
    for kind, state, due_at, ended in (
        ("call", "done", due, due),
        ("call", "done", due, late),
        ("letter", "new", due, None),
        ("letter", "failed", None, late),
        ("call", "new", NOON - timedelta(days=1), None),
    ):
        await pool.execute(
            "insert into task (kind, state, owner_id, due_at, ended_at, made_by, created_at, changed_at)"
            " values ($1, $2, $3, $4, $5, 'x', $6, $6)",
            kind,
            state,
            anna,
            due_at,
            ended,
            NOON,
        )
    for kind, direction in (("letter", "outbound"), ("letter", "outbound"), ("visit", "inbound")):
        await pool.execute(
            "insert into touch (kind, at, direction, user_id, made_by) values ($1, $2, $3, $4, 'x')",
            kind,
            NOON,
            direction,
            anna,
        )
    await place(api, call(0, "1"))
    head = await api.caller(Role.SUPERVISOR)

    tasks = await get(head, "reports/tasks", user=anna, **MARCH)
    found = {x["key"]["kind"]: [c["value"] for c in x["cells"].values()] for x in tasks["lines"]}
    assert found == {"call": [2, 1, 0, 2, 1, 0.5], "letter": [0, 0, 1, 1, 1, 1.0]}
    await cells_open(api, head, tasks)
    talk = await get(head, "reports/communication", user=anna, **MARCH)
    assert {(x["key"]["kind"], x["key"]["direction"]): x["cells"]["touches"]["value"] for x in talk["lines"]} == {
        ("call", "inbound"): 1,
        ("letter", "outbound"): 2,
        ("visit", "inbound"): 1,
    }
    await cells_open(api, head, talk)
    rating = await get(head, "reports/ratings", by="touches.letter", **MARCH)
    cells = rating["lines"][0]["cells"]
    assert [cells[n]["value"] for n in ("touches", "touches.letter", "tasks_done.call", "tasks_overdue")] == [
        3,
        2,
        2,
        2,
    ]
    await cells_open(api, head, rating)


async def test_series_have_a_point_for_each_day_and_a_trend(api: Api) -> None:
    """Requirements 58 and 59: metrics over time with their good and bad dynamics."""
    day = 24 * 60
    await place(api, call(-2 * day, "1"), call(-day, "1"), call(-day + 9, "2"))
    await place(api, call(0, "1"), call(9, "2"), call(20, "3"))
    head = await api.caller(Role.SUPERVISOR)

    report = await get(head, "reports/series", period="dates", since="2026-03-17", until="2026-03-20")
    assert [x["cells"]["calls"]["value"] for x in report["lines"]] == [0, 1, 2, 3]
    assert report["trends"]["answered"] == {"slope": 1.0, "verdict": "good"}
    assert report["lines"][2]["cells"]["answered"]["before"] == 1
    weeks = await get(
        head, "reports/series", period="dates", since="2026-03-09", until="2026-03-20", step="week",
        user=api.site.users["anna"],
    )  # fmt: skip
    assert [x["cells"]["numbers"]["value"] for x in weeks["lines"]] == [0, 3]


async def test_problem_spots_are_where_somebody_lags_behind_the_middle(api: Api) -> None:
    """Requirement 67: show the problem spots of an employee where help is possible."""
    pool = api.site.pool
    users = [api.site.users["anna"], api.site.users["boris"]]
    for login in ("clara", "dora"):
        users.append(
            await pool.fetchval("insert into users (login, name, role) values ($1, $1, 'manager') returning id", login)
        )
    for user, missed in zip(users, (8, 2, 2, 1), strict=True):
        await pool.execute(
            "insert into manager_day (user_id, day, direction, calls, answered, missed)"
            " values ($1, $2, 'inbound', 10, $3, $4)",
            user,
            date(2026, 3, 20),
            10 - missed,
            missed,
        )
    head = await api.caller(Role.SUPERVISOR)

    spots = (await get(head, "reports/problems", user=users[0], **MARCH))["items"]
    assert [(s["figure"], s["value"], s["median"], s["place"], s["of"]) for s in spots] == [
        ("missed_share", 0.8, 0.2, 4, 4)
    ]
    assert (await get(head, "reports/problems", user=users[3], **MARCH))["items"] == []


async def test_a_report_is_a_file_whose_cells_are_no_formulas(api: Api) -> None:
    """Requirement 64: export of all indicators in convenient form."""
    await place(api, call(0, "1"))
    await api.site.pool.execute("update users set name = '=cmd|calc' where login = 'anna'")
    head = await api.caller(Role.SUPERVISOR)

    for name in ("ratings", "company", "channels", "series", "hours", "tasks", "communication"):
        answer = await head.get(f"reports/{name}", params={**MARCH, "format": "csv", "language": "pl"})
        assert (answer.status, answer.content_type) == (200, "text/csv"), await answer.text()
        rows = list(csv.reader(io.StringIO((await answer.read()).decode("utf-8-sig"))))
        assert rows[0][0] == "Nazwa"
        if name == "ratings":
            shown = dict(zip(rows[0], rows[1], strict=True))
            assert (shown["Nazwa"], shown["Połączenia"], shown["Miejsce"]) == ("'=cmd|calc", "1", "1")
    answer = await head.get("reports/ratings", params={**MARCH, "format": "xlsx"})
    with zipfile.ZipFile(io.BytesIO(await answer.read())) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    whole = await head.get("reports/company", params={**MARCH, "format": "csv", "fields": "report"})
    assert whole.status == 200, await whole.text()  # a file has no fields to choose from
    audit = await api.site.pool.fetch("select action, object from audit where action = 'report.exported'")
    assert len(audit) == 9


@pytest.mark.parametrize(
    "path",
    [
        "reports/ratings?period=dates",
        "reports/ratings?period=week&since=2026-01-01",
        "reports/ratings?period=dates&since=2026-02-01&until=2026-01-01",
        "reports/company?period=dates&since=2020-01-01&until=2026-01-01",
        "reports/company?period=fortnight",
        "reports/rows?figure=leads&since=2026-01-01&until=2026-01-01&user={anna}",
        "reports/rows?figure=outcomes&since=2026-01-01&until=2026-01-01&user={anna}",
        "reports/rows?figure=calls&since=2026-01-02&until=2026-01-01",
        "reports/rows?figure=calls&since=2026-01-02&until=2026-01-02&channel=x",
        "reports/series?user={anna}&team=1",
        "reports/hours?period=dates&until=0000-01-01",
    ],
)
async def test_a_question_that_makes_no_sense_is_refused(api: Api, path: str) -> None:
    head = await api.caller(Role.SUPERVISOR)

    await problem(await head.get(path.format(anna=api.site.users["anna"])), 422, "invalid-request")


async def test_a_sum_is_entered_corrected_once_and_taken_away(api: Api) -> None:
    head = await api.caller(Role.SUPERVISOR)
    body = {"by": "source", "kind": "campaign", "channel": "Spring", "since": "2026-03-01", "until": "2026-03-01"}

    made = await (
        await head.post("spend", json={**body, "amount": 10.5, "currency": "EUR"}, headers={"Idempotency-Key": "1"})
    ).json()
    assert (made["amount"], made["version"]) == ("10.50", 1)
    changed = await head.patch(f"spend/{made['id']}", json={"version": 1, "amount": "0.01"})
    assert (await changed.json())["amount"] == "0.01"
    await problem(await head.patch(f"spend/{made['id']}", json={"version": 1, "amount": "1"}), 409, "conflict")
    assert [x["amount"] for x in (await get(head, "spend"))["items"]] == ["0.01"]
    assert (await head.delete(f"spend/{made['id']}")).status == 204
    assert (await get(head, "spend"))["items"] == []
    for wrong in ({"amount": "-1"}, {"amount": "1.001"}, {"currency": "eur"}, {"until": "2026-02-01"}, {"by": "x"}):
        bad = {**body, "amount": "1", "currency": "EUR", **wrong}
        answer = await head.post("spend", json=bad, headers={"Idempotency-Key": f"x{wrong}"})
        await problem(answer, 422, "invalid-request")
