"""A manager walks every route of missed clients, tasks, outcomes and the distribution, with a colleague's things.

What is not his is not there for him; what he may see he may not change. A route that is added must be entered here.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import ClientResponse, ClientSession

from gateway.aftercare.giving import Giver
from gateway.domain.access import Role
from gateway.domain.distribution import Turn
from gateway.store.distribution import begin_turn
from gateway.store.handovers import add_absence
from tests.api.site import Api, open_api
from tests.gateway.day_of_calls import Placed
from tests.gateway.office import office_over
from tests.gateway.site import ZONE

NOW = datetime.now(UTC).replace(microsecond=0)
TAGS = {"missed", "tasks", "outcomes", "distribution", "working hours"}
GONE, REFUSED = 404, 403
OPEN: Mapping[str, object] = {}
"""Lists and company data that he may see; nothing of a colleague's may stand in them."""

READS = {
    "/dispositions": OPEN,
    "/outcomes": OPEN,
    "/outcomes/missing": OPEN,
    "/outcomes/{outcome_id}": GONE,
    "/distribution/turns": OPEN,
    "/missed": OPEN,
    "/missed/counts": OPEN,
    "/tasks/count": OPEN,
    "/missed/{missed_id}": GONE,
    "/queue": GONE,
    "/queue/hours": GONE,
    "/tasks": OPEN,
    "/tasks/people": REFUSED,
    "/tasks/rule": OPEN,
    "/tasks/groups/{group_id}": GONE,
    "/tasks/series": OPEN,
    "/tasks/{task_id}": GONE,
    "/absences": OPEN,
    "/distribution/policy": REFUSED,
    "/distribution/rules": REFUSED,
    "/distribution/clienteles": REFUSED,
    "/distribution/clienteles/{user_id}": REFUSED,
    "/distribution/handovers": REFUSED,
    "/distribution/handovers/{handover_id}": REFUSED,
    "/distribution/handovers/{handover_id}/cards": REFUSED,
    "/outcomes/missing/managers": OPEN,
    "/tasks/groups": REFUSED,
    "/missed/rules": OPEN,
    "/working-hours": OPEN,
}


def bodies(api: Api, of: dict[str, Any]) -> dict[tuple[str, str], tuple[object, set[int]]]:
    """What he tries to do with a colleague's things, and how he may be answered."""
    anna = api.site.users["anna"]
    no = {GONE, REFUSED}
    recurs = {"unit": "day", "begins": "2030-01-01", "at": "09:00"}
    label = {"en": "x", "ru": "x", "pl": "x"}
    return {
        ("POST", "/dispositions"): ({"labels": label, "key": "x", "means": "other"}, {REFUSED}),
        ("POST", "/dispositions/reasons"): ({"labels": label, "of": "refusal", "key": "x"}, {REFUSED}),
        ("POST", "/dispositions/rules"): ({"name": "x"}, {REFUSED}),
        ("PATCH", "/dispositions/{row_id}"): ({"version": 1}, {REFUSED}),
        ("PATCH", "/dispositions/reasons/{row_id}"): ({"version": 1}, {REFUSED}),
        ("PATCH", "/dispositions/rules/{row_id}"): ({"version": 1}, {REFUSED}),
        ("POST", "/outcomes"): ({"call": of["call"], "outcome": "question"}, no),
        ("PATCH", "/outcomes/{outcome_id}"): ({"version": 1, "outcome": "spam"}, no),
        ("POST", "/distribution/rules"): ({"name": "x"}, {REFUSED}),
        ("PATCH", "/distribution/rules/{rule_id}"): ({"version": 1}, {REFUSED}),
        ("PATCH", "/distribution/policy"): ({"version": 1, "head": anna}, {REFUSED}),
        ("POST", "/distribution/try"): ({"contact": of["card"]}, {REFUSED}),
        ("POST", "/distribution/handovers"): ({"from": anna, "reason": "x"}, {REFUSED}),
        ("POST", "/distribution/handovers/{handover_id}/undo"): (None, {REFUSED}),
        ("POST", "/distribution/handovers/{handover_id}/stop"): (None, {REFUSED}),
        ("POST", "/distribution/handovers/{handover_id}/resume"): (None, {REFUSED}),
        ("POST", "/absences"): ({"user": anna, "kind": "holiday"}, {REFUSED}),
        ("PATCH", "/absences/{absence_id}"): ({"version": 1}, no),
        ("PUT", "/missed/rules"): ({"version": 0}, {REFUSED}),
        ("DELETE", "/missed/rules"): (None, {REFUSED}),
        ("POST", "/missed/{missed_id}/claim"): ({}, no),
        ("DELETE", "/missed/{missed_id}/claim"): (None, no),
        ("POST", "/missed/{missed_id}/dismiss"): ({"reason": "x"}, no),
        ("DELETE", "/missed/{missed_id}/dismiss"): (None, no),
        ("POST", "/missed/{missed_id}/assign"): ({"user": api.site.users["boris"]}, no),
        ("POST", "/tasks/groups"): ({"kind": "call", "title": "x", "users": [anna]}, {REFUSED}),
        ("POST", "/tasks/series"): ({"kind": "call", "owner": anna, "recurs": recurs}, {REFUSED}),
        ("DELETE", "/tasks/series/{series_id}"): (None, no),
        ("POST", "/tasks"): ({"kind": "call", "owner": anna}, {REFUSED}),
        ("PUT", "/tasks/rule"): ({"version": 1}, {REFUSED}),
        ("PATCH", "/tasks/{task_id}"): ({"version": 1, "owner": api.site.users["boris"]}, no),
        ("PUT", "/working-hours"): (
            {"timezone": "UTC", "week": [["09:00-18:00"]] * 7, "user": anna, "version": 0},
            {REFUSED},
        ),
        ("DELETE", "/working-hours/{hours_id}"): (None, {REFUSED}),
    }


async def answer(client: ClientSession, method: str, path: str, key: str, **more: object) -> ClientResponse:
    headers = {"Idempotency-Key": key} if key else {}
    return await client.request(method, path.lstrip("/"), headers=headers, **more)  # type: ignore[arg-type]


async def annas_things(api: Api, head: ClientSession) -> dict[str, Any]:
    """A call, a missed client, a task, a series, a group, a turn, an outcome, a handover and an absence of Anna's."""
    office = await office_over(api.site, settings=api.parts.settings, moment=NOW)
    for scenario, ago in (("in_noanswer", 20), ("out_answered", 90)):
        number = "+79035550001" if ago == 20 else "+79035550002"
        placed = Placed(scenario=scenario, at=NOW - timedelta(minutes=ago), number=number, extensions={})
        await office.take_rows(placed.rows())
    anna, pool = api.site.users["anna"], api.site.pool
    of: dict[str, Any] = {
        "call": str(await pool.fetchval("select id from call where direction = 'outbound'")),
        "missed_id": await pool.fetchval("select id from missed where state = 'open'"),
        "card": await pool.fetchval("select contact_id from missed where state = 'open'"),
        "task_id": await pool.fetchval("select task_id from missed where state = 'open'"),
    }
    assert await pool.fetchval("select owner_id from task where id = $1", of["task_id"]) == anna
    await pool.execute("update contact set owner_id = $1", anna)
    secret, recurs = {"title": "Annas secret"}, {"unit": "day", "begins": "2030-01-01", "at": "09:00"}
    for path, body, name in (
        (
            "tasks/series",
            {"owner": anna, "recurs": recurs},
            "series_id",
        ),
        ("tasks/groups", {"users": [anna]}, "group_id"),
        ("outcomes", {"call": of["call"], "outcome": "talked", "note": "Annas secret"}, "outcome_id"),
    ):
        more = {} if path == "outcomes" else {"kind": "call", **secret}
        response = await answer(head, "POST", path, f"make-{name}", json={**more, **body})
        assert response.status == 201, await response.text()
        of[name] = (await response.json())["id"]
    async with pool.acquire() as connection, connection.transaction():
        await begin_turn(
            connection, contact=of["card"], rule=None, turn=Turn(user_id=anna, tried=(anna,)), state="given",
            reason="Annas secret", deadline=None, now=NOW,
        )  # fmt: skip
        away = {
            "user_id": anna, "kind": "sick", "since": NOW + timedelta(days=9), "until": NOW + timedelta(days=10),
            "deputy_id": None, "hands_over": False, "comes_back": False,
        }  # fmt: skip
        of["absence_id"] = await add_absence(connection, away, by="test", now=NOW)
        assert await Giver(connection, NOW, ZONE).begin()
    return of | {"user_id": anna, "handover_id": 1, "rule_id": 1, "row_id": 1, "hours_id": 1}


def mentions(document: object, anna: int) -> bool:
    """Whether an answer says anything of Anna's: her id where people are named, or a text of hers."""
    match document:
        case dict():
            named = any(document.get(n) == anna for n in ("owner", "user", "manager", "claimed_by", "by_user"))
            return named or any(mentions(value, anna) for value in document.values())
        case list():
            return any(mentions(value, anna) for value in document)
        case str():
            return "secret" in document
    return False


async def test_a_colleagues_things_are_not_there_and_cannot_be_changed(database: str, tmp_path: Path) -> None:
    async with open_api(database, tmp_path) as api:
        head, boris = await api.caller(Role.SUPERVISOR), await api.caller(Role.MANAGER, "boris")
        of = await annas_things(api, head)
        anna = api.site.users["anna"]
        routes = await routes_of(head)
        tries = bodies(api, of)
        assert {r for r in routes if r[0] == "GET"} == {("GET", path) for path in READS}
        assert {r for r in routes if r[0] != "GET"} == set(tries)

        for path, expected in READS.items():
            asked = {"user": str(anna)} if path.startswith("/queue") else {}
            response = await answer(boris, "GET", path.format(**of), "", params=asked)
            if expected is OPEN:
                assert response.status == 200, (path, await response.text())
                assert not mentions(await response.json(), anna), (path, await response.text())
                for name in ("user", "owner", "contact"):
                    value = of["card"] if name == "contact" else anna
                    response = await answer(boris, "GET", path.format(**of), "", params={name: str(value)})
                    if response.status == 200:
                        assert not mentions(await response.json(), anna), (path, name, await response.text())
            else:
                assert response.status == expected, (path, await response.text())

        before = await kept(api)
        for n, ((method, path), (body, statuses)) in enumerate(tries.items()):
            response = await answer(boris, method, path.format(**of), f"try-{n}", json=body)
            assert response.status in statuses, (method, path, await response.text())
        assert await kept(api) == before


async def kept(api: Api) -> list[tuple[str, list[str]]]:
    """Everything of these parts as it is kept."""
    tables = (
        "task", "task_change", "task_series", "task_group", "task_rule", "missed", "call_back_rule", "working_time",
        "outcome", "outcome_change", "assignment", "absence", "handover", "distribution_rule", "distribution_policy",
        "contact", "fact",
    )  # fmt: skip
    found = []
    for table in tables:
        rows = await api.site.pool.fetch(f"select to_jsonb(t)::text as row from {table} t")
        found.append((table, sorted(r["row"] for r in rows)))
    return found


async def routes_of(client: ClientSession) -> set[tuple[str, str]]:
    """Method and path of each operation of these parts."""
    async with client.get("openapi.json") as response:
        document = await response.json()
    return {
        (method.upper(), path.removeprefix("/api/v1"))
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if isinstance(operation, dict) and TAGS & set(operation.get("tags", ()))
    }


async def test_a_task_names_only_calls_that_its_maker_may_see(database: str, tmp_path: Path) -> None:
    async with open_api(database, tmp_path) as api:
        head, boris = await api.caller(Role.SUPERVISOR), await api.caller(Role.MANAGER, "boris")
        of = await annas_things(api, head)
        for n, call in enumerate((of["call"], "7b1f0d0e-0000-4000-8000-000000000000")):
            response = await answer(boris, "POST", "tasks", f"call-{n}", json={"kind": "call", "call": call})
            assert response.status == 422, await response.text()
            assert (await response.json())["errors"][0]["pointer"] == "#/call"
        response = await answer(head, "POST", "tasks", "heads", json={"kind": "call", "call": of["call"]})
        assert response.status == 201, await response.text()


async def test_an_outcome_for_a_colleague_needs_the_right_over_everybodys(database: str, tmp_path: Path) -> None:
    async with open_api(database, tmp_path) as api:
        head, boris = await api.caller(Role.SUPERVISOR), await api.caller(Role.MANAGER, "boris")
        of = await annas_things(api, head)
        body = {"contact": of["card"], "user": api.site.users["anna"], "outcome": "question"}
        response = await answer(boris, "POST", "outcomes", "colleague", json=body)
        assert response.status in (403, 404, 422), await response.text()
