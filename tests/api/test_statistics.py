"""Figures: those of the roll-ups, exact over days and directions, each opening into the calls behind it."""

from typing import Any

import pytest

from gateway.domain.access import Role
from gateway.store.figures import recount
from tests.api.site import Api, open_api, problem
from tests.gateway.site import SCENARIOS, rows_of

pytestmark = pytest.mark.asyncio
DAYS = {"since": "2026-01-01", "until": "2026-12-31"}
MANAGER_FIGURES = (
    "calls", "answered", "missed", "not_taken", "lost", "talk_seconds", "wait_seconds", "numbers", "numbers_long",
)  # fmt: skip
COMPANY_FIGURES = ("calls", "answered", "missed", "lost", "talk_seconds", "wait_seconds")


async def get(client: Any, path: str, **query: Any) -> Any:
    """The JSON of an answer that must be good."""
    response = await client.get(path, params=query)
    assert response.status == 200, await response.text()
    return await response.json()


async def everything(api: Api) -> None:
    """Every recorded journal, with some talks made long."""
    for scenario in sorted(p.name for p in SCENARIOS.iterdir() if (p / "journal.cel.csv").exists()):
        await api.site.take_all(rows_of(scenario))
    await api.site.pool.execute(
        "update call_manager set talk_us = talk_us + 200000000 where answered and abs(hashtext(call_id::text)) % 2 = 0"
    )
    async with api.site.pool.acquire() as connection, connection.transaction():
        from gateway.store.figures import recount

        await recount(connection, long_seconds=120, zone="Europe/Moscow")


async def totals(api: Api, client: Any, **direction: str) -> list[Any]:
    """Each manager's figures, distinct numbers among them."""
    rows: list[Any] = []
    for user in api.site.users.values():
        rows += (await get(client, "statistics/managers", user=user, **DAYS, **direction))["items"]
    return rows


async def all_pages(client: Any, path: str, **query: Any) -> list[Any]:
    """Every entry of a list."""
    entries: list[Any] = []
    cursor: dict[str, str] = {}
    while True:
        page = await get(client, path, limit=7, **query, **cursor)
        entries += page["items"]
        if page["next"] is None:
            return entries
        cursor = {"cursor": page["next"]}


async def test_every_figure_of_a_manager_opens_into_as_many_calls(api: Api) -> None:
    await everything(api)
    head = await api.caller(Role.SUPERVISOR)
    seen = set()

    for direction in ({}, {"direction": "inbound"}, {"direction": "outbound"}):
        for row in await totals(api, head, **direction):
            for figure in MANAGER_FIGURES:
                path = f"statistics/managers/{row['user']}/calls"
                behind = await all_pages(head, path, figure=figure, **DAYS, **direction)
                found = round(sum(part[figure] for part in behind), 6) if figure.endswith("_seconds") else len(behind)
                assert found == pytest.approx(row[figure]), (row["user"], figure, direction)
                if row[figure]:
                    seen.add(figure)
    assert seen == set(MANAGER_FIGURES)


async def test_every_figure_of_the_company_opens_into_as_many_calls(api: Api) -> None:
    await everything(api)
    head = await api.caller(Role.SUPERVISOR)
    seen = set()

    for row in (await get(head, "statistics/company", **DAYS))["items"]:
        for figure in COMPANY_FIGURES:
            behind = await all_pages(
                head, "statistics/company/calls", figure=figure, direction=row["direction"], **DAYS
            )
            found = round(sum(c[figure] for c in behind), 6) if figure.endswith("_seconds") else len(behind)
            assert found == pytest.approx(row[figure]), (row["direction"], figure)
            if row[figure]:
                seen.add(figure)
    assert seen == set(COMPANY_FIGURES)


async def test_days_add_up_to_totals_but_for_distinct_numbers_which_are_counted_anew(api: Api) -> None:
    rows = rows_of("in_answered")
    await api.site.take_all(rows)
    await api.site.take_all([r.replace(b'"1795', b'"1796').replace(b"pbx1-", b"pbx1-7") for r in rows])
    await api.site.take_all(rows_of("out_answered"))
    head, user = await api.caller(Role.SUPERVISOR), api.site.users["anna"]

    days = (await get(head, "statistics/managers", by="day", user=user, **DAYS))["items"]
    (total,) = (await get(head, "statistics/managers", user=user, **DAYS))["items"]

    assert [(d["direction"], d["calls"], d["numbers"]) for d in days] == [
        ("inbound", 1, 1),
        ("outbound", 1, 1),
        ("inbound", 1, 1),
    ]
    assert (total["calls"], total["numbers"]) == (3, 2)
    assert total["talk_seconds"] == pytest.approx(sum(d["talk_seconds"] for d in days))


async def test_distinct_numbers_of_many_days_are_counted_unless_they_are_not_wanted(api: Api) -> None:
    await api.site.take_all(rows_of("in_answered"))
    head = await api.caller(Role.SUPERVISOR)

    (row,) = (await get(head, "statistics/managers", **DAYS))["items"]
    (short,) = (await get(head, "statistics/managers", distinct="false", **DAYS))["items"]

    assert (row["calls"], row["numbers"], short["numbers"]) == (1, 1, None)


async def test_a_manager_sees_his_own_figures_and_nobody_elses(api: Api) -> None:
    await api.site.take_all(rows_of("queue_answered"))
    anna = await api.caller(Role.MANAGER, "anna")
    hers, his = api.site.users["anna"], api.site.users["boris"]

    assert [r["user"] for r in (await get(anna, "statistics/managers", **DAYS))["items"]] == [hers]
    for path in (
        f"statistics/managers?user={his}",
        f"statistics/managers/{his}/calls?figure=calls",
        f"statistics/goal?user={his}",
        "statistics/company",
        "statistics/company/calls?figure=calls",
    ):
        await problem(await anna.get(path), 403, "not-allowed")


async def test_the_goal_counts_distinct_clients_with_a_long_talk(database: str, tmp_path: Any) -> None:
    goals = {"count": 2, "seconds": 1, "direction": "both"}
    async with open_api(database, tmp_path, goals=goals) as api:
        rows = rows_of("in_answered")
        await api.site.take_all(rows)
        await api.site.take_all([r.replace(b"pbx1-", b"pbx1-7") for r in rows])
        await api.site.take_all(rows_of("out_answered"))
        async with api.site.pool.acquire() as connection, connection.transaction():
            await recount(connection, long_seconds=1, zone="Europe/Moscow")
        anna = await api.caller(Role.MANAGER, "anna")
        day = str(await api.site.pool.fetchval("select max(day) from manager_day"))

        goal = await get(anna, "statistics/goal", day=day)

        assert (goal["done"], goal["left"], goal["reached"]) == (2, 0, True)
        behind = await anna.get(api.origin + goal["calls"])
        assert len((await behind.json())["items"]) == goal["done"]
        assert (await get(anna, "statistics/goal", day="2026-01-01"))["done"] == 0


@pytest.mark.parametrize(
    "query",
    [
        {"since": "2026-02-01", "until": "2026-01-01"},
        {"since": "2020-01-01", "until": "2026-01-01"},
        {"by": "day", "since": "2026-01-01", "until": "2026-06-01"},
    ],
)
async def test_a_span_that_makes_no_sense_is_refused(api: Api, query: dict[str, str]) -> None:
    head = await api.caller(Role.SUPERVISOR)

    await problem(await head.get("statistics/managers", params=query), 422, "invalid-request")
