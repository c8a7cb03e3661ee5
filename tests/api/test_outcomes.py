"""Outcomes over HTTP: chosen with what is wanted next, corrected with history, owed by manager, counted with shares."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

import pytest
from aiohttp import ClientSession

from gateway.aftercare.follow import Follower
from gateway.aftercare.outcome_rules import OutcomeRules
from gateway.domain.access import Role
from tests.api.site import Api, problem
from tests.gateway.site import ZONE, rows_of

_keys = iter(range(10_000))


def key() -> dict[str, str]:
    return {"Idempotency-Key": f"test-{next(_keys)}"}


async def talk(api: Api, scenario: str = "in_answered") -> UUID:
    """A recorded call with its outcome asked for where a rule says so."""
    await api.site.take_all(rows_of(scenario))
    call: UUID = await api.site.pool.fetchval(
        "select id from call where kind = 'client' and merged_into is null order by started_at desc limit 1"
    )
    return call


async def settle(api: Api) -> None:
    """Let the follower of outcomes come to the end."""
    follower = Follower(api.site.pool, "outcomes", OutcomeRules(ZONE), api.site.live)
    await follower.catch_up()


async def begin(api: Api) -> None:
    await Follower(api.site.pool, "outcomes", OutcomeRules(ZONE), api.site.live).begin()


async def post(client: ClientSession, path: str, body: dict[str, object], status: int = 201) -> dict[str, object]:
    response = await client.post(path, json=body, headers=key())
    assert response.status == status, await response.text()
    found: dict[str, object] = await response.json()
    return found


async def manager_of(api: Api, call: UUID) -> str:
    user = await api.site.pool.fetchval("select responsible_id from call where id = $1", call)
    return next(name for name, id_ in api.site.users.items() if id_ == user)


async def test_a_refusal_asks_for_its_reason_and_is_whole_when_it_has_one(api: Api) -> None:
    """Requirements 68 and 71."""
    call = await talk(api)
    client = await api.caller(Role.MANAGER, await manager_of(api, call))

    chosen = await post(client, "outcomes", {"call": str(call), "outcome": "refusal"})
    assert chosen["wants"] == ["reason"]
    assert "too_expensive" in chosen["reasons"]

    response = await client.patch(
        f"outcomes/{chosen['id']}", json={"version": chosen["version"], "reason": "no_need", "note": "has one"}
    )
    whole = await response.json()
    assert (whole["wants"], whole["reason"], whole["version"]) == ([], "no_need", 2)
    card = await api.site.pool.fetchrow("select stage, heat from contact where id = $1", whole["contact"])
    assert tuple(card) == ("refused", "cold")
    task = await api.site.pool.fetchrow("select origin, owner_id, due_at from task where id = $1", whole["made_task"])
    assert (task["origin"], task["owner_id"]) == ("return", whole["user"])
    assert 170 < (task["due_at"] - datetime.now(UTC)).days < 370


async def test_a_talk_asks_for_the_next_step_and_the_step_becomes_a_task(api: Api) -> None:
    """Requirement 72."""
    call = await talk(api)
    client = await api.caller(Role.MANAGER, await manager_of(api, call))

    chosen = await post(client, "outcomes", {"call": str(call), "outcome": "talked"})
    assert chosen["wants"] == ["next_step"]
    assert len(chosen["steps"]) == 4
    step = {"kind": "task", "task": "meeting", "due_at": "2027-01-11T09:00:00Z", "title": "Show the samples"}
    response = await client.patch(f"outcomes/{chosen['id']}", json={"version": 1, "next_step": step})
    whole = await response.json()

    assert whole["wants"] == []
    task = await api.site.pool.fetchrow(
        "select kind, title, due_at from task where id = $1", whole["next_step"]["made_task"]
    )
    assert tuple(task) == ("meeting", "Show the samples", datetime(2027, 1, 11, 9, tzinfo=UTC))


async def test_a_transfer_gives_the_client_to_a_colleague(api: Api) -> None:
    """Requirements 72 and 80."""
    call = await talk(api)
    client = await api.caller(Role.SUPERVISOR, "head")
    step = {"kind": "transfer", "to": api.site.users["boris"]}
    body = {"call": str(call), "outcome": "handed_over", "next_step": step}

    chosen = await post(client, "outcomes", body)
    assert chosen["wants"] == []
    owner = await api.site.pool.fetchval("select owner_id from contact where id = $1", chosen["contact"])
    assert owner == api.site.users["boris"]


async def test_one_call_has_one_outcome_and_a_repeated_request_gets_the_first_answer(api: Api) -> None:
    call = await talk(api)
    client = await api.caller(Role.MANAGER, await manager_of(api, call))
    body = {"call": str(call), "outcome": "question"}
    once = key()

    first = await (await client.post("outcomes", json=body, headers=once)).json()
    again = await (await client.post("outcomes", json=body, headers=once)).json()
    assert again == first
    await problem(await client.post("outcomes", json=body, headers=key()), 409, "conflict")


async def test_a_correction_takes_back_what_the_mistake_made_of_the_card(api: Api) -> None:
    call = await talk(api)
    client = await api.caller(Role.MANAGER, await manager_of(api, call))
    chosen = await post(client, "outcomes", {"call": str(call), "outcome": "purchase", "reason": "price"})
    refused = {"version": 1, "outcome": "refusal", "reason": "not_now"}
    mistaken = await (await client.patch(f"outcomes/{chosen['id']}", json=refused)).json()
    response = await client.patch(f"outcomes/{chosen['id']}", json={"version": 2, "outcome": "question"})
    right = await response.json()

    assert (right["outcome"], right["reason"]) == ("question", None)
    card = await api.site.pool.fetchrow("select stage, heat from contact where id = $1", chosen["contact"])
    assert tuple(card) == ("unsorted", None)
    task = await api.site.pool.fetchval("select state from task where id = $1", mistaken["made_task"])
    assert task == "failed"
    found = await (await client.get(f"outcomes/{chosen['id']}")).json()
    assert [v["outcome"] for v in found["history"]] == ["purchase", "refusal", "question"]
    await problem(await client.patch(f"outcomes/{chosen['id']}", json={"version": 2}), 409, "conflict")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"outcome": "no_such"}, "#/outcome"),
        ({"outcome": "refusal", "reason": "price"}, "#/reason"),
        ({"outcome": "question", "reason": "price"}, "#/reason"),
        ({"outcome": "handed_over", "next_step": {"kind": "transfer", "to": 10**9}}, "#/next_step/to"),
        ({"outcome": "handed_over", "next_step": {"kind": "transfer"}}, "#/next_step"),
        ({"outcome": "talked", "next_step": {"kind": "close", "title": "x"}}, "#/next_step"),
    ],
)
async def test_what_cannot_be_chosen_is_named(api: Api, body: dict[str, object], pointer: str) -> None:
    call = await talk(api)
    client = await api.caller(Role.SUPERVISOR, "head")

    response = await client.post("outcomes", json={**body, "call": str(call)}, headers=key())
    document = await problem(response, 422, "invalid-request")
    assert [fault["pointer"] for fault in document["errors"]] == [pointer]


async def test_a_call_that_lacks_its_outcome_stands_on_its_managers_list_until_it_has_one(api: Api) -> None:
    """Requirement 73."""
    await begin(api)
    head = await api.caller(Role.SUPERVISOR, "head")
    await post(head, "dispositions/rules", {"name": "inbound talks", "direction": "inbound", "talk_seconds": 0})
    call = await talk(api)
    await settle(api)
    name = await manager_of(api, call)
    client = await api.caller(Role.MANAGER, name)
    other = await api.caller(Role.MANAGER, "boris" if name == "anna" else "anna")

    (missing,) = (await (await client.get("outcomes/missing")).json())["items"]
    assert (missing["call"], missing["wants"]) == (str(call), ["outcome"])
    assert (await (await other.get("outcomes/missing")).json())["items"] == []
    (owed,) = (await (await head.get("outcomes/missing/managers")).json())["items"]
    assert (owed["user"], owed["outcomes"], owed["incomplete"]) == (api.site.users[name], 1, 0)

    await post(client, "outcomes", {"call": str(call), "outcome": "refusal"})
    (missing,) = (await (await client.get("outcomes/missing")).json())["items"]
    assert missing["wants"] == ["reason"]
    await settle(api)
    assert await api.site.pool.fetchval("select count(*) from outcome_wanted") == 0


async def test_a_rule_that_is_archived_wants_nothing_any_longer(api: Api) -> None:
    await begin(api)
    head = await api.caller(Role.SUPERVISOR, "head")
    lists = await post(head, "dispositions/rules", {"name": "all", "talk_seconds": None})
    await talk(api)
    await settle(api)
    rule = lists["rules"][0]

    response = await head.patch(f"dispositions/rules/{rule['id']}", json={"version": 1, "archived": True})
    assert response.status == 200, await response.text()
    assert (await (await head.get("outcomes/missing")).json())["items"] == []


async def test_a_merged_call_keeps_its_outcome_and_is_counted_once(api: Api) -> None:
    await begin(api)
    calls = [await talk(api), await talk(api, "01_queue_local")]
    head = await api.caller(Role.SUPERVISOR, "head")
    for call in calls:
        await post(head, "outcomes", {"call": str(call), "outcome": "question"})
    await api.site.pool.execute("update call set merged_into = $2 where id = $1", *calls)
    await api.site.pool.execute(
        "insert into fact (kind, body, call_id) values ('call.merged', jsonb_build_object('id', $1::text,"
        " 'merged_into', $2::text), $1::uuid)".replace("$1::uuid", "($1::text)::uuid"),
        str(calls[0]),
        str(calls[1]),
    )
    await settle(api)

    found = (await (await head.get("outcomes")).json())["items"]
    assert [o["call"] for o in found] == [str(calls[1])]
    (figures,) = (await (await head.get("statistics/outcomes?since=2026-01-01&until=2027-01-01")).json())["items"]
    assert figures["n"] == 1
    lone = await api.site.pool.fetchval("select count(*) from outcome where is_current")
    assert lone == 1

    await api.site.pool.execute("update call set merged_into = null where id = $1", calls[0])
    await api.site.pool.execute("insert into fact (kind, body, call_id) values ('call.changed', '{}', $1)", calls[0])
    await settle(api)
    assert await api.site.pool.fetchval("select count(*) from outcome where is_current") == 2


async def test_figures_have_shares_and_open_into_the_outcomes_they_count(api: Api) -> None:
    """Requirements 68 and 69."""
    head = await api.caller(Role.SUPERVISOR, "head")
    card = await (await head.post("contacts", json={"name": "K", "numbers": ["+79161234599"]}, headers=key())).json()
    anna, boris = api.site.users["anna"], api.site.users["boris"]
    chosen = [
        (anna, "refusal", "not_now"), (anna, "refusal", "not_now"), (anna, "refusal", "no_need"),
        (anna, "purchase", "price"), (boris, "question", None),
    ]  # fmt: skip
    for user, outcome, reason in chosen:
        body = {"contact": card["id"], "user": user, "outcome": outcome, "reason": reason}
        await post(head, "outcomes", body)

    (whole,) = (await (await head.get("statistics/outcomes")).json())["items"]
    assert (whole["n"], whole["conversion"]) == (5, 0.25)
    groups = (await (await head.get("statistics/outcomes?by=manager")).json())["items"]
    assert {g["user"]: g["n"] for g in groups} == {anna: 4, boris: 1}
    refusal = next(o for g in groups if g["user"] == anna for o in g["outcomes"] if o["outcome"] == "refusal")
    assert (refusal["n"], refusal["share"]) == (3, 0.75)
    assert {r["reason"]: (r["n"], r["share"]) for r in refusal["reasons"]} == {
        "not_now": (2, 0.666667),
        "no_need": (1, 0.333333),
    }
    for entry in (whole, *groups, *whole["outcomes"], refusal, *refusal["reasons"]):
        rows = (await (await head.get(entry["rows"].removeprefix("/api/v1/"))).json())["items"]
        assert len(rows) == entry["n"], entry["rows"]
    client = await api.caller(Role.MANAGER, "boris")
    (own,) = (await (await client.get("statistics/outcomes")).json())["items"]
    assert own["n"] == 1


async def test_lists_are_changed_by_their_version_and_archived_rows_stay_in_what_was_chosen(api: Api) -> None:
    head = await api.caller(Role.SUPERVISOR, "head")
    lists = await post(
        head,
        "dispositions",
        {"key": "sample_sent", "means": "agreed", "labels": {"en": "Sample sent"}, "task": {"kind": "call", "days": 3}},
    )
    row = next(d for d in lists["dispositions"] if d["key"] == "sample_sent")
    call = await talk(api)
    chosen = await post(head, "outcomes", {"call": str(call), "outcome": "sample_sent"})
    assert chosen["made_task"]

    response = await head.patch(f"dispositions/{row['id']}", json={"version": 1, "archived": True})
    assert response.status == 200, await response.text()
    await problem(await head.patch(f"dispositions/{row['id']}", json={"version": 1}), 409, "conflict")
    assert (await (await head.get(f"outcomes/{chosen['id']}")).json())["outcome"] == "sample_sent"
    other = await talk(api, "01_queue_local")
    response = await head.post("outcomes", json={"call": str(other), "outcome": "sample_sent"}, headers=key())
    await problem(response, 422, "invalid-request")
    bad = {"key": "sample_sent", "means": "other", "labels": {"en": "Again"}}
    await problem(await head.post("dispositions", json=bad, headers=key()), 409, "conflict")
    required = {"key": "x", "means": "other", "labels": {"en": "X"}, "reason_required": True}
    await problem(await head.post("dispositions", json=required, headers=key()), 422, "invalid-request")


async def test_a_manager_chooses_for_his_own_calls_only(api: Api) -> None:
    call = await talk(api)
    name = await manager_of(api, call)
    other = await api.caller(Role.MANAGER, "boris" if name == "anna" else "anna")

    response = await other.post("outcomes", json={"call": str(call), "outcome": "question"}, headers=key())
    await problem(response, 404, "not-found")
    response = await other.post("dispositions/rules", json={"name": "x"}, headers=key())
    await problem(response, 403, "not-allowed")


async def test_the_next_step_of_one_who_left_goes_to_the_clients_owner_else_to_anybody(api: Api) -> None:
    call = await talk(api)
    left, owner = await api.site.pool.fetchval("select responsible_id from call where id = $1", call), None
    await api.site.pool.execute("update users set active = false where id = $1", left)
    client = await api.caller(Role.SUPERVISOR)
    step = {"kind": "task", "task": "call", "due_at": "2030-01-01T09:00:00Z"}
    chosen = await post(client, "outcomes", {"call": str(call), "outcome": "talked", "next_step": step})
    assert await api.site.pool.fetchval("select owner_id from task") is None

    owner = next(id_ for name, id_ in api.site.users.items() if name in ("anna", "boris") and id_ != left)
    await api.site.pool.execute("update contact set owner_id = $1", owner)
    body = {"version": chosen["version"], "outcome": "agreed", "next_step": step}
    assert (await client.patch(f"outcomes/{chosen['id']}", json=body)).status == 200
    assert await api.site.pool.fetchval("select owner_id from task order by id desc limit 1") == owner


async def test_as_many_outcomes_at_once_as_there_are_connections_wait_for_nobody(api: Api) -> None:
    """Whoever holds a connection must not wait for a second one."""
    call = await talk(api)
    head = await api.caller(Role.SUPERVISOR)
    body = {"call": str(call), "outcome": "talked"}

    async def choose(number: int) -> int:
        async with head.post("outcomes", json=body, headers={"Idempotency-Key": f"many-{number}"}) as response:
            return response.status

    async with asyncio.timeout(60):
        statuses = await asyncio.gather(*(choose(n) for n in range(2 * api.site.pool.get_max_size())))

    assert sorted(set(statuses)) == [201, 409]
    assert statuses.count(201) == 1
