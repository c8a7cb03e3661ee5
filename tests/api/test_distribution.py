"""The distribution over HTTP: rules with versions, tried without a change, turns, handovers with preview and undo."""

from datetime import UTC, datetime, timedelta

import pytest

from gateway.aftercare.handover_steps import HandoverSteps
from gateway.domain.access import Role
from gateway.domain.distribution import Turn
from gateway.store.distribution import begin_turn
from tests.api.site import Api, problem
from tests.api.test_outcomes import key, post


async def add_card(api: Api, owner: str | None = None, **values: object) -> int:
    names = {"name": "K", "owner_id": api.site.users[owner] if owner else None} | values
    marks = ", ".join(f"${n}" for n in range(1, len(names) + 1))
    card: int = await api.site.pool.fetchval(
        f"insert into contact ({', '.join(names)}) values ({marks}) returning id", *names.values()
    )
    return card


async def test_a_rule_is_tried_and_tells_why_nobody_else_gets_the_lead(api: Api) -> None:
    """Requirement 74."""
    head = await api.caller(Role.SUPERVISOR, "head")
    anna, boris = api.site.users["anna"], api.site.users["boris"]
    members = [{"user": anna, "day_max": 0}, {"user": boris, "skills": ["pl"]}]
    cities = {"name": "Kazan", "conditions": {"cities": ["Казань"]}, "members": members}
    first = await post(head, "distribution/rules", cities)
    second = await post(head, "distribution/rules", {"name": "all", "place": 10, "members": members})

    tried = await post(head, "distribution/try", {"city": "Москва", "number": "+7 916 123-45-67"}, status=200)
    assert (tried["user"], tried["rule"]) == (boris, second["id"])
    assert (tried["country"], tried["language"]) == ("RU", "ru")
    kazan, everybody = tried["rules"]
    assert (kazan["rule"], kazan["why"]) == (first["id"], "city")
    assert [(m["user"], m["why"]) for m in everybody["members"]] == [(anna, "day_max"), (boris, "chosen")]
    tried = await post(head, "distribution/try", {"city": " казань"}, status=200)
    assert tried["rule"] == first["id"]
    assert await api.site.pool.fetchval("select sum(abs(credit)) from distribution_member") == 0


async def test_a_rule_is_changed_by_its_version_and_keeps_what_its_members_are_owed(api: Api) -> None:
    head = await api.caller(Role.SUPERVISOR, "head")
    anna, boris = api.site.users["anna"], api.site.users["boris"]
    week = [["09:00-18:00"]] * 5 + [[], []]
    body = {
        "name": "all",
        "conditions": {"hours": {"timezone": "Europe/Moscow", "week": week}, "heats": ["hot"]},
        "members": [{"user": anna}],
        "answer_minutes": 10,
    }
    rule = await post(head, "distribution/rules", body)
    await api.site.pool.execute("update distribution_member set credit = 0.5")

    change = {"version": 1, "members": [{"user": anna, "weight": 3}, {"user": boris}]}
    changed = await (await head.patch(f"distribution/rules/{rule['id']}", json=change)).json()
    assert [(m["weight"], m["credit"]) for m in changed["members"]] == [(3, 0.5), (1, 0)]
    assert (changed["answer_minutes"], changed["conditions"]["heats"]) == (10, ["hot"])
    await problem(await head.patch(f"distribution/rules/{rule['id']}", json=change), 409, "conflict")
    archived = await (
        await head.patch(f"distribution/rules/{rule['id']}", json={"version": 2, "archived": True})
    ).json()
    assert archived["archived_at"]
    listed = await (await head.get("distribution/rules")).json()
    assert [r["id"] for r in listed["items"]] == [rule["id"]]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"members": [{"user": 10**9}]}, "#/members/0/user"),
        ({"head": 10**9}, "#/head"),
        ({"members": [{"user": 1}, {"user": 1}]}, "#/members"),
        ({"conditions": {"hours": {"timezone": "Europe/Moscow", "week": [["9-18"]] * 7}}}, "#/conditions/hours"),
        ({"conditions": {"hours": {"timezone": "Mars", "week": [[]] * 7}}}, "#/conditions/hours/timezone"),
        ({"rounds": 0}, "#/rounds"),
    ],
)
async def test_a_rule_that_cannot_be_is_refused(api: Api, body: dict[str, object], pointer: str) -> None:
    head = await api.caller(Role.SUPERVISOR, "head")

    response = await head.post("distribution/rules", json={"name": "x", **body}, headers=key())
    document = await problem(response, 422, "invalid-request")
    assert [fault["pointer"] for fault in document["errors"]] == [pointer]


async def test_the_policy_names_the_head(api: Api) -> None:
    head = await api.caller(Role.SUPERVISOR, "head")
    boris = api.site.users["boris"]

    changed = await (await head.patch("distribution/policy", json={"version": 1, "head": boris})).json()
    assert (changed["head"], changed["talker_keeps"], changed["version"]) == (boris, True, 2)
    assert await (await head.get("distribution/policy")).json() == changed
    await problem(await head.patch("distribution/policy", json={"version": 1}), 409, "conflict")


async def test_managers_see_their_own_turns_and_nothing_else_of_the_distribution(api: Api) -> None:
    """Requirements 23 and 123."""
    cards = [await add_card(api, name) for name in ("anna", "boris")]
    async with api.site.pool.acquire() as connection:
        for card, name in zip(cards, ("anna", "boris"), strict=True):
            await begin_turn(
                connection, contact=card, rule=None, turn=Turn(user_id=api.site.users[name]), state="given",
                reason="touch", deadline=None, now=datetime.now(UTC),
            )  # fmt: skip
    anna = await api.caller(Role.MANAGER, "anna")
    head = await api.caller(Role.SUPERVISOR, "head")

    (own,) = (await (await anna.get("distribution/turns")).json())["items"]
    assert own["contact"] == cards[0]
    assert len((await (await head.get("distribution/turns?state=given")).json())["items"]) == 2
    assert (await (await anna.get(f"distribution/turns?user={api.site.users['boris']}")).json())["items"] == []
    for path in ("distribution/rules", "distribution/policy", "distribution/handovers"):
        await problem(await anna.get(path), 403, "not-allowed")


async def test_a_handover_is_shown_before_it_is_done_and_can_be_undone_once(api: Api) -> None:
    """Requirement 80."""
    head = await api.caller(Role.SUPERVISOR, "head")
    anna, boris = api.site.users["anna"], api.site.users["boris"]
    cards = [await add_card(api, "anna", stage=stage) for stage in ("lead", "client", "client")]
    order = {"from": anna, "to": boris, "stages": ["client"], "reason": "new colleague"}

    preview = await post(head, "distribution/handovers", {**order, "dry_run": True})
    assert (preview["id"], preview["shares"]) == (None, [{"user": boris, "cards": 2, "tasks": 0, "scheduled": 0}])
    assert await api.site.pool.fetchval("select count(*) from contact where owner_id = $1", boris) == 0
    done = await post(head, "distribution/handovers", order)
    assert (done["cards"], done["shares"]) == (2, preview["shares"])
    owners = await api.site.pool.fetch("select owner_id from contact order by id")
    assert [r["owner_id"] for r in owners] == [anna, boris, boris]
    listed = (await (await head.get(f"distribution/handovers/{done['id']}/cards")).json())["items"]
    assert [i["contact"] for i in listed] == cards[1:]

    once = key()
    response = await head.post(f"distribution/handovers/{done['id']}/undo", headers=once)
    undone = await response.json()
    assert (response.status, undone["returned"]) == (200, 2)
    repeated = await head.post(f"distribution/handovers/{done['id']}/undo", headers=once)
    assert await repeated.json() == undone, "a repetition is worded like the first answer"
    assert (undone["from"], undone["to"]) == (anna, boris)
    owners = await api.site.pool.fetch("select owner_id from contact order by id")
    assert [r["owner_id"] for r in owners] == [anna] * 3
    again = await head.post(f"distribution/handovers/{done['id']}/undo", headers=key())
    await problem(again, 409, "conflict")
    (row,) = (await (await head.get("distribution/handovers")).json())["items"]
    assert row["undone_at"]
    history = await api.site.pool.fetch("select reason from owner_change order by id")
    assert [r["reason"] for r in history] == ["new colleague"] * 2 + ["undone"] * 2


async def test_by_rule_a_handover_is_shared_out_and_without_anybody_refused(api: Api) -> None:
    head = await api.caller(Role.SUPERVISOR, "head")
    anna, boris = api.site.users["anna"], api.site.users["boris"]
    cards = [await add_card(api, "anna") for _ in range(4)]
    members = [{"user": api.site.users["head"]}, {"user": boris}, {"user": anna}]
    await post(head, "distribution/rules", {"name": "all", "members": members})

    done = await post(head, "distribution/handovers", {"contacts": cards, "from": anna})
    assert {s["user"]: s["cards"] for s in done["shares"]} == {boris: 2, api.site.users["head"]: 2}
    bad = {"from": anna, "to": 10**9}
    await problem(await head.post("distribution/handovers", json=bad, headers=key()), 422, "invalid-request")
    await problem(await head.post("distribution/handovers", json={}, headers=key()), 422, "invalid-request")


async def plan_call(api: Api, user: int, card: int, hours: int) -> int:
    at = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=1, hours=hours)
    planned: int = await api.site.pool.fetchval(
        "insert into scheduled_call (user_id, contact_id, number, at, ends_at, minutes, zone, zone_from, wall,"
        " agreed_at, made_by, created_at, changed_at) values ($1, $2, '+79161234567', $3, $4, 15, 'UTC', 'asked',"
        " ($3::timestamptz at time zone 'UTC'), $3, 'test', now(), now()) returning id",
        user, card, at, at + timedelta(minutes=15),
    )  # fmt: skip
    return planned


async def test_clients_are_counted_before_they_go_and_the_figures_are_what_goes(api: Api) -> None:
    head = await api.caller(Role.SUPERVISOR, "head")
    anna, boris = api.site.users["anna"], api.site.users["boris"]
    hot = [await add_card(api, "anna", heat="hot", line_of_business="Wood", stage="lead") for _ in range(3)]
    cold = [await add_card(api, "anna", heat="cold", stage="client") for _ in range(2)]
    for card in (*hot[:2], cold[0]):
        await post(head, "tasks", {"kind": "call", "owner": anna, "contact": card})
    await post(head, "tasks", {"kind": "own", "title": "tidy up", "owner": anna})
    planned = [await plan_call(api, anna, hot[0], 1), await plan_call(api, anna, cold[1], 2)]
    taken = await plan_call(api, boris, cold[0], 1)

    async def ask(query: str) -> dict[str, object]:
        found = await (await head.get(f"distribution/clienteles/{anna}?{query}")).json()
        return {name: found[name] for name in ("cards", "tasks", "scheduled", "missed")}

    whole = await (await head.get(f"distribution/clienteles/{anna}")).json()
    assert (whole["cards"], whole["tasks"], whole["scheduled"], whole["other_tasks"]) == (5, 3, 2, 1)
    assert whole["heats"] == [{"value": "hot", "cards": 3}, {"value": "cold", "cards": 2}]
    assert whole["lines_of_business"] == [{"value": "Wood", "cards": 3}, {"value": "", "cards": 2}]
    assert await ask("heats=cold") == {"cards": 2, "tasks": 1, "scheduled": 1, "missed": 0}
    assert (await ask("lines_of_business=wood&has_task=false"))["cards"] == 1
    assert (await ask("has_scheduled=true&stages=client"))["cards"] == 1
    rows = {r["user"]: r for r in (await (await head.get("distribution/clienteles")).json())["items"]}
    assert (rows[anna]["cards"], rows[anna]["tasks"], rows[anna]["scheduled"]) == (5, 3, 2)
    assert rows[boris]["cards"] == 0

    done = await post(head, "distribution/handovers", {"from": anna, "to": boris, "heats": ["hot"]})
    assert (done["cards"], done["tasks"], done["scheduled"], done["left"]) == (3, 2, 1, 0)
    assert done["which"] == {"heats": ["hot"]}
    mine = await api.site.pool.fetch("select id, user_id, at from scheduled_call order by id")
    assert [r["user_id"] for r in mine] == [boris, anna, boris]
    assert mine[0]["at"] != mine[2]["at"], "his time was taken, so the call has another one"
    assert (mine[0]["id"], mine[1]["id"], mine[2]["id"]) == (*planned, taken)
    undone = await (await head.post(f"distribution/handovers/{done['id']}/undo", headers=key())).json()
    assert (undone["returned"], undone["undone_at"] is None) == (3, False)
    assert (await ask(""))["scheduled"] == 2
    await problem(await head.get("distribution/clienteles/999999"), 404, "not-found")
    anna_herself = await api.caller(Role.MANAGER, "anna")
    for path in ("distribution/clienteles", f"distribution/clienteles/{anna}"):
        await problem(await anna_herself.get(path), 403, "not-allowed")


async def test_many_clients_go_in_steps_of_one_handover_and_are_shared_out_evenly(api: Api) -> None:
    head = await api.caller(Role.SUPERVISOR, "head")
    users = api.site.users
    anna, sharing = users["anna"], [users["boris"], users["head"]]
    cards = [await add_card(api, "anna") for _ in range(9)]
    order: dict[str, object] = {"from": anna, "among": sharing, "limit": 4}

    preview = await post(head, "distribution/handovers", {**order, "dry_run": True})
    assert (preview["cards"], preview["left"]) == (4, 5)
    first = await post(head, "distribution/handovers", order)
    assert (first["cards"], first["left"]) == (4, 5)
    while first["left"]:
        first = await post(head, "distribution/handovers", {**order, "onto": first["id"]})
    assert (first["cards"], {s["user"]: s["cards"] for s in first["shares"]}) == (
        9,
        dict(zip(sharing, (5, 4), strict=True)),
    )
    (row,) = (await (await head.get("distribution/handovers")).json())["items"]
    assert (row["cards"], row["among"]) == (9, sharing)
    listed = (await (await head.get(f"distribution/handovers/{row['id']}/cards")).json())["items"]
    assert [(i["contact"], i["name"]) for i in listed] == [(card, "K") for card in cards]

    await head.post(f"distribution/handovers/{row['id']}/undo", headers=key())
    for bad in (
        {**order, "onto": row["id"]},  # it was undone
        {**order, "onto": 10**9},
        {**order, "among": [10**9]},
        {**order, "among": [anna]},
        {**order, "to": users["boris"]},
        {**order, "until": "2026-01-01T00:00:00Z"},
    ):
        await problem(await head.post("distribution/handovers", json=bad, headers=key()), 422, "invalid-request")
    assert await api.site.pool.fetchval("select count(*) from contact where owner_id = $1", anna) == 9


async def test_more_clients_than_a_step_are_gone_on_with_by_the_gateway_until_somebody_stops_it(api: Api) -> None:
    head, anna_herself = await api.caller(Role.SUPERVISOR, "head"), await api.caller(Role.MANAGER, "anna")
    pool, anna, boris = api.site.pool, api.site.users["anna"], api.site.users["boris"]
    await pool.execute(
        "insert into contact (name, owner_id, stage) select 'K', $1, 'client' from generate_series(1, 700)", anna
    )
    order = {"from": anna, "to": boris, "stages": ["client"]}
    preview = await post(head, "distribution/handovers", {**order, "dry_run": True})
    assert (preview["cards"], preview["left"], preview["meant"]) == (300, 400, 700)
    once = key()

    begun = await (await head.post("distribution/handovers", json=order, headers=once)).json()
    assert (begun["cards"], begun["left"], begun["meant"], begun["state"]) == (300, 400, 700, "going")
    again = await (await head.post("distribution/handovers", json=order, headers=once)).json()
    assert again == begun, "the same order once more is the same handover"
    assert await pool.fetchval("select count(*) from handover") == 1
    path = f"distribution/handovers/{begun['id']}"
    (going,) = (await (await head.get("distribution/handovers?state=going")).json())["items"]
    assert (going["id"], going["cards"], going["meant"]) == (begun["id"], 300, 700)
    for word in ("stop", "resume"):
        await problem(await anna_herself.post(f"{path}/{word}", headers=key()), 403, "not-allowed")
        await problem(await head.post(f"distribution/handovers/999999/{word}", headers=key()), 404, "not-found")
    steps = HandoverSteps(api.parts.settings.company.timezone)

    async def look() -> None:
        async with pool.acquire() as connection, connection.transaction():
            await steps.look(connection, datetime.now(UTC))

    stopped = await (await head.post(f"{path}/stop", headers=key())).json()
    assert (stopped["state"], stopped["cards"]) == ("stopped", 300)
    await look()
    assert (await (await head.get(path)).json())["cards"] == 300
    assert (await (await head.post(f"{path}/resume", headers=key())).json())["state"] == "going"
    await look()
    assert (await (await head.get(path)).json())["cards"] == 600
    await look()
    done = await (await head.get(path)).json()
    assert (done["state"], done["cards"]) == ("done", 700)
    for word in ("stop", "resume"):
        assert (await (await head.post(f"{path}/{word}", headers=key())).json())["state"] == "done"
    acts = await pool.fetch("select action from audit where object = $1 order by id", f"handover:{begun['id']}")
    assert [r["action"] for r in acts] == ["handover.done", "handover.stopped", "handover.resumed"]

    undone = await (await head.post(f"{path}/undo", headers=key())).json()
    assert (undone["returned"], undone["undone_at"]) == (500, None)
    await look()
    undone = await (await head.get(path)).json()
    assert (undone["returned"], undone["undone_at"] is None, undone["undone_by"]) == (700, False, begun["by"])
    await problem(await head.post(f"{path}/undo", headers=key()), 409, "conflict")
    assert await pool.fetchval("select count(*) from contact where owner_id = $1", anna) == 700
    assert await pool.fetchval("select count(*) from audit where action = 'handover.undone'") == 1


async def test_an_absence_is_entered_changed_and_ended(api: Api) -> None:
    """Requirement 79."""
    head = await api.caller(Role.SUPERVISOR, "head")
    anna, boris = api.site.users["anna"], api.site.users["boris"]
    since = datetime.now(UTC) + timedelta(days=3)
    body = {"user": anna, "since": since.isoformat(), "until": (since + timedelta(days=14)).isoformat()}

    absence = await post(head, "absences", {**body, "deputy": boris})
    assert (absence["state"], absence["deputy"]) == ("planned", boris)
    await problem(await head.post("absences", json=body, headers=key()), 409, "conflict")
    longer = {"version": 1, "until": (since + timedelta(days=20)).isoformat()}
    changed = await (await head.patch(f"absences/{absence['id']}", json=longer)).json()
    assert changed["version"] == 2
    early = {"version": 2, "until": "2026-01-01T00:00:00Z"}
    await problem(await head.patch(f"absences/{absence['id']}", json=early), 422, "invalid-request")
    cancelled = await (await head.patch(f"absences/{absence['id']}", json={"version": 2, "cancelled": True})).json()
    assert cancelled["state"] == "cancelled"
    await problem(await head.patch(f"absences/{absence['id']}", json={"version": 3}), 409, "conflict")
    await problem(
        await head.post("absences", json={"user": anna, "deputy": anna}, headers=key()), 422, "invalid-request"
    )
    past = {"user": anna, "until": "2026-01-01T00:00:00Z"}
    await problem(await head.post("absences", json=past, headers=key()), 422, "invalid-request")


async def test_a_manager_enters_a_break_of_his_own_and_no_more(api: Api) -> None:
    client = await api.caller(Role.MANAGER, "anna")
    anna, boris = api.site.users["anna"], api.site.users["boris"]

    own = await post(client, "absences", {"user": anna, "kind": "break", "hands_over": False})
    ended = await client.patch(f"absences/{own['id']}", json={"version": 1, "until": datetime.now(UTC).isoformat()})
    assert ended.status == 200, await ended.text()
    for body in ({"user": anna}, {"user": boris, "kind": "break", "hands_over": False}):
        await problem(await client.post("absences", json=body, headers=key()), 403, "not-allowed")
    assert len((await (await client.get("absences")).json())["items"]) == 1
