"""Goals, teams and subscriptions through the API: who may, what is refused, what is shown. Requirements 46, 51, 52."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from itertools import count, product
from pathlib import Path
from typing import Any

import pytest

from gateway.aftercare.follow import Follower
from gateway.aftercare.goal_progress import GoalProgress
from gateway.domain.access import Role
from gateway.settings import Settings
from gateway.store.facts import facts_after
from tests.api.site import Api, open_api, problem
from tests.api.test_statistics import all_pages, get
from tests.gateway.day_of_calls import Placed

AT = datetime(2026, 3, 20, 9, 0, tzinfo=UTC)
_keys = count(1)


async def post(client: Any, path: str, body: dict[str, Any]) -> Any:
    return await client.post(path, json=body, headers={"Idempotency-Key": f"k{next(_keys)}"})


async def made(client: Any, path: str, body: dict[str, Any]) -> Any:
    answer = await post(client, path, body)
    assert answer.status == 201, await answer.text()
    return await answer.json()


async def place(api: Api, *calls: tuple[int, str, str, float]) -> None:
    for minutes, number, extension, talk in calls:
        at = AT + timedelta(minutes=minutes)
        placed = Placed(
            scenario="out_answered", at=at, number=f"+7903{number:0>7}", extensions={"101": extension}, talk=talk
        )
        await api.site.take_all(placed.rows())


async def test_the_goal_of_the_settings_holds_until_one_is_made_and_opens_into_its_calls(api: Api) -> None:
    await place(api, (0, "1", "101", 130), (9, "2", "101", 130), (20, "3", "102", 130), (30, "4", "101", 1))
    head, users = await api.caller(Role.SUPERVISOR), api.site.users

    (goal,) = (await get(head, "goals"))["items"]
    assert (goal["id"], goal["measure"], goal["target"], goal["seconds"]) == (0, "numbers", 50, 120)
    progress = (await get(head, "goals/progress", day="2026-03-20"))["items"]
    assert {p["user"]: p["done"] for p in progress} == {users["anna"]: 2, users["boris"]: 1}
    for entry in progress:
        path, _, query = entry["rows"].removeprefix("/api/v1/").partition("?")
        assert len(await all_pages(head, f"{path}?{query}")) == entry["done"]
    own = await made(head, "goals", {"measure": "calls", "target": 2, "since": "2026-03-01"})
    assert [g["id"] for g in (await get(head, "goals"))["items"]] == [own["id"]]
    found = (await get(head, "goals/progress", day="2026-03-20"))["items"]
    assert {p["user"]: (p["done"], p["reached"], p["pace"]) for p in found} == {
        users["anna"]: (3, True, "reached"),
        users["boris"]: (1, False, "behind"),
    }
    (reached,) = (await get(head, "goals/reached", user=users["anna"], since="2026-03-01", until="2026-03-31"))["items"]
    assert (reached["goal"], reached["since"], reached["done"]) == (own["id"], "2026-03-20", 3)


async def test_every_measure_opens_into_its_calls_for_a_person_and_a_team(api: Api) -> None:
    await place(api, (0, "1", "101", 130), (9, "1", "102", 130), (20, "1", "101", 300), (30, "4", "101", 1))
    head, users = await api.caller(Role.SUPERVISOR), api.site.users
    members = [{"user": users["anna"]}, {"user": users["boris"], "until": "2026-03-20"}]
    team = await made(head, "teams", {"name": "North", "head": users["head"], "members": members})
    for goal in (
        {"measure": "numbers"},
        {"measure": "numbers", "seconds": 120},
        {"measure": "numbers", "seconds": 200},
        {"measure": "calls"},
        {"measure": "calls", "seconds": 120, "direction": "outbound"},
        {"measure": "answered"},
    ):
        for whose in ({}, {"whose": "team", "team": team["id"], "together": True}):
            await made(head, "goals", {**goal, **whose, "target": 9, "since": "2026-01-01", "period": "week"})
    progress = (await get(head, "goals/progress", day="2026-03-20"))["items"]

    assert len(progress) == 6 * 3
    for entry in progress:
        path, _, query = entry["rows"].removeprefix("/api/v1/").partition("?")
        assert len(await all_pages(head, f"{path}?{query}")) == entry["done"], entry
    assert [p["done"] for p in progress if p["team"]] == [2, 1, 1, 4, 3, 4]
    of_team = (await get(head, "goals/progress", day="2026-03-20", team=team["id"]))["items"]
    assert len(of_team) == 18
    after = (await get(head, "goals/progress", day="2026-03-24", team=team["id"]))["items"]
    assert {p["user"] for p in after if p["user"]} == {users["anna"]}


async def test_goals_of_outcomes_count_calls_by_key_and_by_meaning_and_open_into_them(api: Api) -> None:
    """Requirement 46: a goal of conversations with a result; a correction takes it back, a merged call counts once."""
    head, users = await api.caller(Role.SUPERVISOR), api.site.users
    team = await made(head, "teams", {"name": "North", "members": [{"user": users["anna"]}, {"user": users["boris"]}]})
    kinds = ("question", "other", "refusal", "talked")  # `other` is a meaning, the others are keys
    for kind, whose in product(kinds, ({}, {"whose": "team", "team": team["id"], "together": True})):
        goal = {"measure": "outcomes", "kind": kind, "target": 1, "since": "2026-01-01", "direction": "outbound"}
        await made(head, "goals", {**goal, **whose})
    follower = Follower(api.site.pool, "goals", GoalProgress(Settings()), api.site.live)
    await follower.begin()
    await place(api, (0, "1", "101", 130), (9, "1", "101", 130), (20, "2", "102", 60))
    calls = await api.site.pool.fetch("select id from call where kind = 'client' order by started_at")
    outcomes = [
        await made(head, "outcomes", {"call": str(row["id"]), "outcome": outcome})
        for row, outcome in zip(calls, ("question", "refusal", "question"), strict=True)
    ]
    await follower.catch_up()

    async def done() -> dict[tuple[str, str], float]:
        items = (await get(head, "goals/progress", day="2026-03-20"))["items"]
        names = {users["anna"]: "anna", users["boris"]: "boris", None: "team"}
        for entry in items:
            path, _, query = entry["rows"].removeprefix("/api/v1/").partition("?")
            assert len(await all_pages(head, f"{path}?{query}")) == entry["done"], entry
        return {(e["kind"], names[e["user"]]): e["done"] for e in items if e["done"]}

    bought = {(kind, who): n for kind in ("question", "other") for who, n in (("anna", 1), ("boris", 1), ("team", 2))}
    assert await done() == {**bought, ("refusal", "anna"): 1, ("refusal", "team"): 1}
    told = [f for f in await facts_after(api.site.pool, None, 1000) if f.kind == "goal.reached"]
    assert {(f.body["kind"], f.body["user"]) for f in told} >= {("question", users["anna"]), ("refusal", users["anna"])}
    everybody = await all_pages(head, "reports/rows?figure=outcomes&kind=other&since=2026-03-20&until=2026-03-20")
    assert {row["call"]["id"] for row in everybody} == {str(calls[0]["id"]), str(calls[2]["id"])}

    body = {"version": outcomes[0]["version"], "outcome": "refusal"}
    assert (await head.patch(f"outcomes/{outcomes[0]['id']}", json=body)).status == 200
    found = await done()
    assert (found.get(("question", "anna")), found["refusal", "anna"], found["question", "team"]) == (None, 2, 1)


async def test_a_change_holds_from_its_day_and_history_keeps_what_was_wanted(api: Api) -> None:
    await place(api, (0, "1", "101", 130), (24 * 60, "1", "101", 130))
    head, anna = await api.caller(Role.SUPERVISOR), api.site.users["anna"]
    goal = await made(head, "goals", {"measure": "calls", "target": 1, "since": "2026-03-01"})

    body = {"version": 1, "since": "2026-03-21", "target": 2}
    changed = await (await head.patch(f"goals/{goal['id']}", json=body)).json()
    assert [(v["version"], v["since"], v["target"]) for v in changed["versions"]] == [
        (1, "2026-03-01", 1),
        (2, "2026-03-21", 2),
    ]
    await problem(await head.patch(f"goals/{goal['id']}", json=body), 409, "conflict")
    past = await get(head, f"goals/{goal['id']}/history", user=anna, since="2026-03-19", until="2026-03-21")
    assert [(p["since"], p["done"], p["target"], p["reached"]) for p in past["items"]] == [
        ("2026-03-19", 0, 1, False),
        ("2026-03-20", 1, 1, True),
        ("2026-03-21", 1, 2, False),
    ]
    ended = await (await head.patch(f"goals/{goal['id']}", json={"version": 2, "until": "2026-03-21"})).json()
    assert (ended["active"], ended["versions"][-1]["since"]) == (False, "2026-03-21")
    assert (await get(head, "goals/progress", day="2026-03-22"))["items"] == []
    kinds = [r["action"] for r in await api.site.pool.fetch("select action from audit where object like 'goal:%'")]
    assert kinds == ["goal.created", "goal.changed", "goal.changed"]


async def test_a_manager_sees_his_goals_and_his_teams_and_makes_none(api: Api) -> None:
    head, users = await api.caller(Role.SUPERVISOR), api.site.users
    anna = await api.caller(Role.MANAGER, "anna")
    own = await made(head, "goals", {"measure": "calls", "target": 1, "whose": "user", "user": users["anna"]})
    his = await made(head, "goals", {"measure": "calls", "target": 1, "whose": "user", "user": users["boris"]})

    assert [g["id"] for g in (await get(anna, "goals"))["items"]] == [own["id"]]
    assert {p["user"] for p in (await get(anna, "goals/progress"))["items"]} == {users["anna"]}
    await problem(await anna.get(f"goals/{his['id']}"), 404, "not-found")
    await problem(await anna.get(f"goals/{his['id']}/history"), 404, "not-found")
    await problem(await anna.get("goals/progress", params={"user": users["boris"]}), 403, "not-allowed")
    await problem(await post(anna, "goals", {"measure": "calls", "target": 1}), 403, "not-allowed")
    await problem(await post(anna, "teams", {"name": "x"}), 403, "not-allowed")
    await problem(await anna.patch(f"goals/{own['id']}", json={"version": 1, "target": 2}), 403, "not-allowed")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"measure": "calls", "kind": "x"}, "#/kind"),
        ({"measure": "tasks", "direction": "inbound"}, "#/direction"),
        ({"measure": "outcomes"}, "#/kind"),
        ({"measure": "answered", "seconds": 1}, "#/seconds"),
        ({"measure": "calls", "whose": "user"}, "#/user"),
        ({"measure": "calls", "whose": "user", "user": 10**9}, "#/user"),
        ({"measure": "calls", "whose": "team", "team": 10**9}, "#/team"),
        ({"measure": "calls", "user": 1}, "#/user"),
        ({"measure": "calls", "together": True}, "#/together"),
        ({"measure": "calls", "period": "year"}, "#/period"),
        ({"measure": "calls", "since": "2026-02-01", "until": "2026-01-01"}, "#/until"),
        ({"measure": "calls", "target": 0}, "#/target"),
        ({"measure": "calls", "target": 2**40}, "#/target"),
        ({"measure": "mood"}, "#/measure"),
        ({"measure": "calls", "name": "a\r\nb"}, "#/name"),
    ],
)
async def test_a_goal_that_makes_no_sense_is_refused_at_its_field(api: Api, body: Any, pointer: str) -> None:
    head = await api.caller(Role.SUPERVISOR)

    told = await problem(await post(head, "goals", {"target": 1, **body}), 422, "invalid-request")
    errors: Any = told["errors"]
    assert [e["pointer"] for e in errors] == [pointer]


async def test_a_goal_is_made_once_for_each_key_and_two_changes_at_once_are_one(api: Api) -> None:
    head = await api.caller(Role.SUPERVISOR)
    body, key = {"measure": "calls", "target": 1}, {"Idempotency-Key": "same"}

    answers = await asyncio.gather(*(head.post("goals", json=body, headers=key) for _ in range(3)))
    ids = {(await a.json()).get("id") for a in answers if a.status == 201}
    assert len(ids) == 1
    assert await api.site.pool.fetchval("select count(*) from goal") == 1
    (number,) = ids
    changes = (head.patch(f"goals/{number}", json={"version": 1, "target": n}) for n in (5, 6, 7))
    assert sorted([a.status for a in await asyncio.gather(*changes)]) == [200, 409, 409]


async def test_a_team_has_each_person_once_a_day_and_its_name_once(api: Api) -> None:
    head, anna = await api.caller(Role.SUPERVISOR), api.site.users["anna"]
    times = [{"user": anna, "until": "2026-01-31"}, {"user": anna, "since": "2026-02-01"}]
    team = await made(head, "teams", {"name": "North", "members": times})
    assert [(m["since"], m["until"]) for m in team["members"]] == [(None, "2026-01-31"), ("2026-02-01", None)]

    await problem(await post(head, "teams", {"name": "north"}), 409, "conflict")
    for members in ([{"user": anna}, {"user": anna}], [{"user": 10**9}], [{**times[1], "until": "2026-01-01"}]):
        await problem(await post(head, "teams", {"name": "South", "members": members}), 422, "invalid-request")
    changed = await (await head.patch(f"teams/{team['id']}", json={"version": 1, "archived": True})).json()
    assert (changed["archived"], changed["version"], len(changed["members"])) == (True, 2, 2)
    await problem(await head.patch(f"teams/{team['id']}", json={"version": 1, "name": "x"}), 409, "conflict")
    assert (await get(head, "teams"))["items"] == []
    assert len((await get(head, "teams", archived="true"))["items"]) == 1
    await made(head, "teams", {"name": "North"})


async def test_progress_is_told_live_to_the_person_and_not_to_others(api: Api) -> None:
    from gateway.api.visibility import sees_event
    from gateway.domain.access import Principal

    anna, boris = (Principal(id=f"user:{n}", role=Role.MANAGER, manager=str(n)) for n in (1, 2))
    head = Principal(id="user:3", role=Role.SUPERVISOR, manager="3")

    for kind in ("goal.progress", "goal.reached", "report.sent"):
        assert [sees_event(who, kind, {1}) for who in (anna, boris, head)] == [True, False, True]


async def test_a_subscription_is_refused_where_it_could_never_be_delivered(api: Api) -> None:
    head, users = await api.caller(Role.SUPERVISOR), api.site.users
    good = {"user": users["head"], "hour": 8, "by": "file"}

    found = await made(head, "reports/subscriptions", good)
    assert (found["covers"], found["active"], found["weekdays"]) == ("yesterday", True, [1, 2, 3, 4, 5, 6, 7])
    for wrong, pointer in (
        ({"user": users["anna"]}, "#/user"),
        ({"user": 10**9}, "#/user"),
        ({"by": "mail", "address": "head@example.com"}, "#/by"),  # no mail server is configured
        ({"by": "mail"}, "#/address"),
        ({"address": "a@example.com"}, "#/address"),
        ({"by": "mail", "address": "a@example.com\r\nBcc: b@example.com"}, "#/address"),
        ({"by": "mail", "address": "Head <a@example.com>"}, "#/address"),
        ({"team": 10**9}, "#/team"),
        ({"hour": 24}, "#/hour"),
        ({"weekdays": []}, "#/weekdays"),
    ):
        told = await problem(await post(head, "reports/subscriptions", {**good, **wrong}), 422, "invalid-request")
        errors: Any = told["errors"]
        assert errors[0]["pointer"] == pointer, wrong
    body = {"version": 1, "active": False}
    ended = await (await head.patch(f"reports/subscriptions/{found['id']}", json=body)).json()
    assert (ended["active"], ended["version"]) == (False, 2)
    await problem(await head.patch(f"reports/subscriptions/{found['id']}", json=body), 409, "conflict")


async def test_only_what_failed_or_is_unknown_is_sent_again(database: str, tmp_path: Path) -> None:
    async with open_api(database, tmp_path, mail={"host": "127.0.0.1"}) as api:
        head, user = await api.caller(Role.SUPERVISOR), api.site.users["head"]
        body = {"user": user, "hour": 8, "by": "mail", "address": "head@example.com"}
        subscription = await made(head, "reports/subscriptions", body)
        ids = {}
        for day, state in enumerate(("wanted", "sending", "sent", "unknown", "failed"), 1):
            ids[state] = await api.site.pool.fetchval(
                "insert into report_delivery (subscription_id, day, state, next_try_at, due_at, made_at, letter)"
                " values ($1, $2, $3, now(), now(), now(), $4) returning id",
                subscription["id"],
                date(2026, 3, day),
                state,
                {"subject": "s", "text": "t", "html": "h"},
            )
        listed = await all_pages(head, "reports/deliveries")
        assert [d["state"] for d in listed] == ["failed", "unknown", "sent", "sending", "wanted"]
        for state, number in ids.items():
            answer = await head.post(f"reports/deliveries/{number}/again", headers={"Idempotency-Key": state})
            expected = 201 if state in ("unknown", "failed") else 409
            assert answer.status == expected, (state, await answer.text())
