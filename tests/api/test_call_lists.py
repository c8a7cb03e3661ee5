"""Calls in lists: every filter, every order, pages without gaps, and how many there are."""

from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest_asyncio
from aiohttp import ClientSession

from gateway.domain.access import Role
from gateway.domain.identity import new_id
from tests.api.site import Api, problem

NOON = datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0)
NUMBERS = ("+79161234567", "+79031112233", "+78124492017")


@pytest_asyncio.fixture
async def office(api: Api) -> AsyncIterator[Api]:
    """Twelve calls of three clients, an hour apart, the newest first of Anna."""
    family, pool = new_id(), api.site.pool
    await pool.execute(
        "insert into family (id, pbx, open, rows, first_at, last_at) values ($1, 'pbx1', false, '', now(), now())",
        family,
    )
    firm = await pool.fetchval("insert into organisation (name, made_by) values ('Firm', 'user:1') returning id")
    cards = [
        await pool.fetchval(
            "insert into contact (name, organisation_id, source_kind, source_name) values ($1, $2, 'site', $3)"
            " returning id",
            name,
            firm if name == "Olga Petrova" else None,
            source,
        )
        for name, source in (("Olga Petrova", "Landing"), ("Ivan Sidorov", "Fair"), ("Nowak", None))
    ]
    for n in range(12):
        await _call(api, family, n, cards[n % 3])
    yield api


async def _call(api: Api, family: UUID, n: int, card: int) -> None:
    pool, call = api.site.pool, new_id()
    answered = n % 2 == 0
    await pool.execute(
        "insert into call (id, pbx, key, family_id, kind, direction, state, client_number, client_kind, result, reason,"
        " wait_us, talk_us, ring_us, outside_us, complete, started_at, contact_id, did) values ($1, 'pbx1', $2, $3,"
        " 'client', $4, 'ended', $5, 'client', $6, $7, $8, $9, 0, 0, true, $10, $11, $12)",
        call,
        str(n),
        family,
        "inbound" if n < 8 else "outbound",
        NUMBERS[n % 3],
        "answered" if answered else ("missed" if n < 8 else "busy"),
        None if answered else ("no_answer" if n < 8 else "busy"),
        (n * 7 % 12) * 1_000_000,
        n * 10_000_000 if answered else 0,
        NOON - timedelta(hours=n),
        card,
        "4950001" if n < 4 else "4950002",
    )
    await pool.execute(
        "insert into call_manager (call_id, extension, user_id, day, direction, rang, answered, missed, not_taken,"
        " lost, rang_us, talk_us, wait_us, counted, started_at) select $1, '101', $2, $4, c.direction, true,"
        " $3, false, false, false, 0, c.talk_us, 0, true, c.started_at from call c where id = $1",
        call,
        api.site.users["anna" if n < 6 else "boris"],
        answered,
        NOON.date(),
    )
    if n in (0, 2):
        await pool.execute(
            "insert into recording (id, pbx, name, call_id, state, transcript_state)"
            " values ($1, 'pbx1', $2, $3, 'stored', $4)",
            new_id(),
            str(n),
            call,
            "ready" if n == 0 else "none",
        )


async def found(asking: ClientSession, **query: str) -> list[int]:
    """Which calls, by their number."""
    keys: list[int] = []
    cursor: dict[str, str] = {}
    while True:
        response = await asking.get("calls", params=query | cursor)
        assert response.status == 200, await response.text()
        page: Any = await response.json()
        keys += [round((NOON - datetime.fromisoformat(c["started_at"])) / timedelta(hours=1)) for c in page["items"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    counted = await (await asking.get("calls/count", params={k: v for k, v in query.items() if k not in ORDER})).json()
    assert counted == {"count": len(keys), "more": False}
    return keys


ORDER = ("sort", "limit")


CASES: Sequence[tuple[dict[str, str], Iterable[int]]] = (
    ({}, range(12)),
    ({"direction": "outbound"}, range(8, 12)),
    ({"result": "missed"}, [1, 3, 5, 7]),
    ({"reason": "busy"}, [9, 11]),
    ({"number": "8 (916) 123-45-67"}, [0, 3, 6, 9]),
    ({"number": "449"}, [2, 5, 8, 11]),
    ({"number": "12 34"}, [0, 3, 6, 9]),
    ({"did": "4950001"}, range(4)),
    ({"client": "olga pet"}, [0, 3, 6, 9]),
    ({"source": "Fair"}, [1, 4, 7, 10]),
    ({"talk_since": "60"}, [6, 8, 10]),
    ({"talk_since": "20", "talk_until": "60"}, [2, 4, 6]),
    ({"recorded": "true"}, [0, 2]),
    ({"transcript": "true"}, [0]),
    ({"recorded": "false", "result": "answered"}, [4, 6, 8, 10]),
    ({"outcome": "none", "did": "4950001"}, range(4)),
    ({"sort": "oldest"}, range(11, -1, -1)),
    ({"sort": "longest", "result": "answered"}, [10, 8, 6, 4, 2, 0]),
    ({"sort": "longest", "limit": "2"}, [10, 8, 6, 4, 2]),
    ({"sort": "waited", "limit": "5"}, [5, 10, 3, 8, 1, 6, 11, 4, 9, 2, 7, 0]),
    ({"limit": "5"}, range(12)),
)


async def test_each_filter_and_order_finds_its_calls(office: Api) -> None:
    head = await office.caller(Role.SUPERVISOR, "head")

    keys = [await found(head, **query) for query, _ in CASES]

    wanted = [list(calls) for _, calls in CASES]
    assert [own[: len(calls)] for own, calls in zip(keys, wanted, strict=True)] == wanted
    whole = [n for n, (query, _) in enumerate(CASES) if query.get("sort") != "longest"]
    assert [len(keys[n]) for n in whole] == [len(wanted[n]) for n in whole]


async def test_a_managers_list_is_narrowed_and_ordered_like_any_other(office: Api) -> None:
    anna, users = await office.caller(Role.MANAGER, "anna"), office.site.users

    assert await found(anna) == list(range(6))
    assert await found(anna, sort="oldest", limit="2") == [5, 4, 3, 2, 1, 0]
    assert await found(anna, sort="waited", limit="2") == [5, 3, 1, 4, 2, 0]
    assert await found(anna, manager=str(users["boris"])) == []


async def test_calls_of_a_team_and_of_an_organisation(office: Api) -> None:
    root = await office.caller(Role.ADMIN, "root")
    body = {"name": "Two", "members": [{"user": office.site.users["boris"]}]}
    team = await (await root.post("teams", json=body, headers={"Idempotency-Key": "t"})).json()
    firm = await office.site.pool.fetchval("select id from organisation")

    assert await found(root, team=str(team["id"])) == list(range(6, 12))
    assert await found(root, organisation=str(firm)) == [0, 3, 6, 9]
    await problem(await root.get("calls", params={"team": "77"}), 404, "not-found")


async def test_a_figure_is_asked_for_by_its_name_and_has_its_calls(office: Api) -> None:
    head, users, pool = await office.caller(Role.SUPERVISOR, "head"), office.site.users, office.site.pool
    await pool.execute("update call set result = 'lost_in_transfer' where key = '4'")
    await pool.execute("update call set state = 'talking' where key = '0'")
    await pool.execute("update call_manager set missed = true where call_id in (select id from call where key = '7')")
    await pool.execute("update call_manager set counted = false where call_id in (select id from call where key = '2')")
    team = await (
        await head.post(
            "teams", json={"name": "Two", "members": [{"user": users["boris"]}]}, headers={"Idempotency-Key": "t"}
        )
    ).json()

    assert await found(head, figure="calls") == list(range(1, 12))
    assert await found(head, figure="answered") == [2, 4, 6, 8, 10]
    assert await found(head, figure="missed") == [1, 3, 5, 7]
    assert await found(head, figure="answered", manager=str(users["anna"])) == [4]
    assert await found(head, figure="missed", manager=str(users["boris"])) == [7]
    assert await found(head, figure="talk_seconds", team=str(team["id"])) == [6, 8, 10]
    for wrong in ({"figure": "not_taken"}, {"figure": "calls", "kind": "all"}, {"figure": "calls", "state": "open"}):
        await problem(await head.get("calls", params=wrong), 422, "invalid-request")


async def test_the_days_of_a_figure_are_the_figures_own_wherever_the_reader_is(office: Api) -> None:
    pool, users = office.site.pool, office.site.users
    head = await office.caller(Role.SUPERVISOR, "head")
    yesterday = datetime.now(office.parts.settings.company.timezone).date() - timedelta(days=1)
    await pool.execute("update call_manager set day = $2 where user_id = $1", users["boris"], yesterday)
    days = {"period": "dates", "first": NOON.date().isoformat(), "last": NOON.date().isoformat()}
    made = await head.post(
        "teams",
        json={"name": "Both", "members": [{"user": users["anna"], "until": "2020-01-01"}, {"user": users["boris"]}]},
        headers={"Idempotency-Key": "t"},
    )
    team = str((await made.json())["id"])
    seen = []
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):
        await pool.execute("update users set timezone = $1 where login = 'head'", zone)
        company = await found(head, figure="calls", **days)
        own = await found(head, figure="calls", manager=str(users["anna"]), **days)
        seen.append((company, own, await found(head, figure="calls", team=team, period="yesterday")))

    assert seen[0] == seen[1]
    assert seen[0][1] == list(range(6)), "her parts of that day"
    assert seen[0][2] == list(range(6, 12)), "who belonged to the team on that day, by his own day"
    for wrong in ({"channel": "x"}, {"figure": "outcomes", "team": team}):
        await problem(await head.get("calls", params=wrong), 422, "invalid-request")


async def test_a_period_is_meant_by_the_callers_own_days(office: Api) -> None:
    await office.site.pool.execute("update users set timezone = 'UTC' where login = 'head'")
    head = await office.caller(Role.SUPERVISOR, "head")

    assert await found(head, period="today") == list(range(10))
    assert await found(head, period="yesterday") == [10, 11]
    day = NOON.date().isoformat()
    assert await found(head, period="dates", first=day, last=day) == list(range(10))
    for wrong in ({"first": day}, {"period": "today", "since": NOON.isoformat()[:19] + "Z"}, {"period": "dates"}):
        await problem(await head.get("calls", params=wrong), 422, "invalid-request")


async def test_calls_by_a_card_that_may_not_be_seen_are_not_found_by_it(office: Api) -> None:
    await office.site.pool.execute("update card_rule set sees = 'own'")
    await office.site.pool.execute("update contact set owner_id = $1", office.site.users["boris"])
    anna = await office.caller(Role.MANAGER, "anna")

    assert await found(anna, client="sidorov") == [1, 4], "those with whom she talked are hers to see"
    await office.site.pool.execute("update call_manager set answered = false")
    assert await found(anna, client="sidorov") == []


async def test_an_outcome_finds_its_calls(office: Api) -> None:
    root = await office.caller(Role.ADMIN, "root")
    call = await office.site.pool.fetchval("select id from call where key = '2'")
    body = {"call": str(call), "outcome": "refusal"}
    made = await root.post("outcomes", json=body, headers={"Idempotency-Key": "o"})
    assert made.status == 201, await made.text()

    assert await found(root, outcome="refusal") == [2]
    assert await found(root, outcome="none", result="answered") == [0, 4, 6, 8, 10]


async def test_cards_are_found_by_what_is_next_and_by_their_line(api: Api) -> None:
    root = await api.caller(Role.ADMIN, "root")
    made = []
    for n, line in enumerate(("Furniture", "furniture", "Food")):
        body = {"name": f"Card {n}", "line_of_business": line}
        card = await root.post("contacts", json=body, headers={"Idempotency-Key": f"c{n}"})
        made.append((await card.json())["id"])
    await root.post("tasks", json={"kind": "call", "contact": made[0]}, headers={"Idempotency-Key": "t"})

    async def ids(**query: str) -> list[int]:
        listed = await (await root.get("contacts", params=query)).json()
        count = await (await root.get("contacts/count", params=query)).json()
        assert count == {"count": len(listed["items"]), "more": False}
        return [made.index(c["id"]) for c in listed["items"]]

    assert await ids(line_of_business="Furniture") == [1, 0]
    assert await ids(next_step="false") == [2, 1]
    assert await ids(next_step="true") == [0]
    assert await ids(touched_since="2026-01-01T00:00:00Z") == [2, 1, 0]
    assert await (await root.get("tasks/count", params={"open": "true"})).json() == {"count": 1, "more": False}
    assert await (await root.get("tasks/count", params={"overdue": "true"})).json() == {"count": 0, "more": False}
