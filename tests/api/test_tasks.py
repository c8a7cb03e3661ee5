"""Tasks over the API: made, given, changed, opened again, given to many, recurring; and the queue of a day."""

from datetime import UTC, datetime, timedelta

from aiohttp import ClientResponse, ClientSession

from gateway.domain.access import Role
from tests.api.site import Api

SOON = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=2)


def once(key: str) -> dict[str, str]:
    return {"Idempotency-Key": key}


async def made(client: ClientSession, key: str, **body: object) -> dict[str, object]:
    """Make a task and give it."""
    async with client.post("tasks", json={"kind": "call", **body}, headers=once(key)) as response:
        assert response.status == 201, await response.text()
        found: dict[str, object] = await response.json()
        return found


async def change(client: ClientSession, task: dict[str, object], **body: object) -> ClientResponse:
    """Change a task as it was read."""
    return await client.patch(f"tasks/{task['id']}", json={"version": task["version"], **body})


async def card(api: Api, name: str = "Ivan", **values: object) -> int:
    columns = {"name": name, **values}
    id_: int = await api.site.pool.fetchval(
        f"insert into contact ({', '.join(columns)}) values ({', '.join(f'${n}' for n, _ in enumerate(columns, 1))})"
        " returning id",
        *columns.values(),
    )
    return id_


async def test_a_task_tells_its_time_by_both_clocks(api: Api) -> None:
    """Requirements 11, 13 and 14."""
    anna = await api.caller(Role.MANAGER, "anna")
    contact = await card(api, timezone="Asia/Vladivostok")
    task = await made(anna, "a", contact=contact, due_at="2026-12-01T08:00:00Z", title="Offer")

    assert (task["state"], task["owner"], task["title"]) == ("new", api.site.users["anna"], "Offer")
    zone = api.parts.settings.company.timezone
    by_his = datetime(2026, 12, 1, 8, tzinfo=UTC).astimezone(zone).isoformat()
    assert (task["due_manager"], task["due_client"]) == (by_his, "2026-12-01T18:00:00+10:00")
    assert task["contact"]["name"] == "Ivan"  # type: ignore[index]


async def test_a_request_repeated_makes_one_task(api: Api) -> None:
    anna = await api.caller(Role.MANAGER, "anna")
    assert (await made(anna, "a"))["id"] == (await made(anna, "a"))["id"]
    assert await api.site.pool.fetchval("select count(*) from task") == 1


async def test_states_move_and_what_is_done_can_be_opened_again(api: Api) -> None:
    """Requirement 56."""
    anna = await api.caller(Role.MANAGER, "anna")
    task = await made(anna, "a")
    for state in ("in_progress", "done"):
        response = await change(anna, task, state=state)
        task = await response.json()
        assert (response.status, task["state"]) == (200, state)
    assert (await change(anna, task, state="failed")).status == 422

    task = await (await change(anna, task, state="new")).json()
    assert (task["state"], task["ended_at"]) == ("new", None)
    async with anna.get(f"tasks/{task['id']}") as response:
        history = (await response.json())["history"]
    assert [h["what"]["state"] for h in history] == [["new", "in_progress"], ["in_progress", "done"], ["done", "new"]]
    assert {h["by"] for h in history} == {task["made_by"]}
    kinds = await api.site.pool.fetch("select kind from fact where kind like 'task.%' order by id")
    assert [r["kind"] for r in kinds] == ["task.created", "task.started", "task.done", "task.reopened"]


async def test_a_task_changed_meanwhile_is_a_conflict(api: Api) -> None:
    anna = await api.caller(Role.MANAGER, "anna")
    task = await made(anna, "a")
    assert (await change(anna, task, title="One")).status == 200
    assert (await change(anna, task, title="Other")).status == 409


async def test_nobody_sees_or_changes_a_colleagues_task_but_a_head(api: Api) -> None:
    """Requirements 122 and 123."""
    anna, boris = await api.caller(Role.MANAGER, "anna"), await api.caller(Role.MANAGER, "boris")
    head = await api.caller(Role.SUPERVISOR, "head")
    task = await made(anna, "a")

    assert (await boris.get(f"tasks/{task['id']}")).status == 404
    assert (await change(boris, task, title="Mine")).status == 404
    assert (await (await boris.get("tasks")).json())["items"] == []
    assert (await change(anna, task, owner=api.site.users["boris"])).status == 403
    response = await change(head, task, owner=api.site.users["boris"])
    assert (response.status, (await response.json())["owner"]) == (200, api.site.users["boris"])
    assert (await boris.get(f"tasks/{task['id']}")).status == 200


async def test_what_is_nobodys_may_be_taken_by_its_members(api: Api) -> None:
    head, boris = await api.caller(Role.SUPERVISOR, "head"), await api.caller(Role.MANAGER, "boris")
    anna, users = await api.caller(Role.MANAGER, "anna"), api.site.users
    task = await made(head, "a", owner=None, members=[users["boris"]])

    assert (await anna.get(f"tasks/{task['id']}")).status == 404
    response = await change(boris, task, owner=users["boris"], state="in_progress")
    assert (response.status, (await response.json())["owner"]) == (200, users["boris"])


async def test_an_hour_that_is_full_is_refused_with_the_next_free_ones(api: Api) -> None:
    """Requirements 9 and 10."""
    head, anna = await api.caller(Role.SUPERVISOR, "head"), await api.caller(Role.MANAGER, "anna")
    rule = await (await anna.get("tasks/rule")).json()
    async with head.put("tasks/rule", json={**rule, "hour_max": 2}) as response:
        assert response.status == 200
    for key in "ab":
        await made(anna, key, due_at="2026-12-01T08:10:00Z")

    full = {"kind": "call", "due_at": "2026-12-01T08:50:00Z"}
    async with anna.post("tasks", json=full, headers=once("c")) as response:
        problem = await response.json()
    assert (response.status, "Free hours: " in problem["detail"]) == (409, True)
    await made(anna, "d", due_at="2026-12-01T09:00:00Z")
    async with anna.get("queue/hours", params={"day": "2026-12-01"}) as response:
        hours = (await response.json())["hours"]
    assert [(h["tasks"], h["full"]) for h in hours if h["tasks"]] == [(2, True), (1, False)]
    assert len(hours) == 24


async def test_a_task_is_given_to_many_in_one_request(api: Api) -> None:
    """Requirement 85."""
    head, anna = await api.caller(Role.SUPERVISOR, "head"), await api.caller(Role.MANAGER, "anna")
    cards = [await card(api, f"Client {n}") for n in range(3)]
    body = {
        "kind": "call", "title": "New price list", "script": "Good day!", "roles": ["manager"], "contacts": cards,
        "templates": [{"name": "Letter", "text": "Dear {name}"}], "due_at": SOON.isoformat(),
    }  # fmt: skip
    async with head.post("tasks/groups", json=body, headers=once("g")) as response:
        group = await response.json()
        assert response.status == 201, group
    assert (group["total"], group["states"], len(group["members"])) == (2, {"new": 2}, 2)

    (task,) = (await (await anna.get("tasks", params={"group": group["id"]})).json())["items"]
    assert (task["script"], task["contacts"], task["origin"]) == ("Good day!", cards, "group")
    assert task["templates"] == [{"name": "Letter", "text": "Dear {name}"}]
    await change(anna, task, state="done")
    group = await (await head.get(f"tasks/groups/{group['id']}")).json()
    assert group["states"] == {"new": 1, "done": 1}
    assert {(m["user"], m["done"]) for m in group["members"]} == {
        (api.site.users["anna"], 1), (api.site.users["boris"], 0),
    }  # fmt: skip


async def test_cards_of_a_filter_are_given_to_their_owners_else_in_turn(api: Api) -> None:
    """Requirement 85."""
    head, users = await api.caller(Role.SUPERVISOR, "head"), api.site.users
    own = await card(api, "Hers", heat="hot", owner_id=users["anna"])
    free = [await card(api, f"Free {n}", heat="hot") for n in range(2)]
    await card(api, "Cold", heat="cold")
    body = {"kind": "call", "title": "Hot ones", "roles": ["manager"], "cards": {"heat": ["hot"]}, "each": "card"}
    async with head.post("tasks/groups", json=body, headers=once("g")) as response:
        assert response.status == 201, await response.text()

    rows = await api.site.pool.fetch("select owner_id, contact_id from task order by contact_id")
    assert [(r["owner_id"], r["contact_id"]) for r in rows] == [
        (users["anna"], own), (users["anna"], free[0]), (users["boris"], free[1]),
    ]  # fmt: skip


async def test_a_group_of_nobody_is_refused(api: Api) -> None:
    head = await api.caller(Role.SUPERVISOR, "head")
    body = {"kind": "call", "title": "Nobody"}
    async with head.post("tasks/groups", json=body, headers=once("g")) as response:
        assert response.status == 422


async def test_a_task_recurs(api: Api) -> None:
    anna = await api.caller(Role.MANAGER, "anna")
    recurs = {"unit": "week", "weekdays": [0, 3], "begins": "2027-01-01", "at": "10:30", "zone": "Europe/Warsaw"}
    async with anna.post("tasks/series", json={"kind": "call", "recurs": recurs}, headers=once("s")) as response:
        series = await response.json()
        assert response.status == 201, series

    assert (series["made"], series["last"], series["next"]) == (1, "2027-01-04", "2027-01-07T10:30:00+01:00")
    (task,) = (await (await anna.get("tasks")).json())["items"]
    assert (task["due_at"], task["series"]) == ("2027-01-04T09:30:00Z", series["id"])
    assert (await anna.delete(f"tasks/series/{series['id']}")).status == 204
    assert (await (await anna.get("tasks/series")).json())["items"] == []


async def test_lists_go_on_where_a_page_ended(api: Api) -> None:
    anna = await api.caller(Role.MANAGER, "anna")
    for n, due in enumerate([3, 1, 2, None, None]):
        at = (SOON + timedelta(hours=due)).isoformat() if due else None
        await made(anna, str(n), due_at=at)
    seen: list[int] = []
    cursor: dict[str, str] = {}
    while True:
        page = await (await anna.get("tasks", params={"limit": "2", **cursor})).json()
        seen += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert seen == [2, 3, 1, 4, 5]


async def test_everybodys_tasks_are_counted_and_each_figure_is_a_list(api: Api) -> None:
    head, users = await api.caller(Role.SUPERVISOR, "head"), api.site.users
    members = [{"user": users["anna"]}, {"user": users["boris"]}]
    made_team = await head.post("teams", json={"name": "Sales", "members": members}, headers=once("t"))
    team = str((await made_team.json())["id"])
    late, soon = (SOON - timedelta(days=1)).isoformat(), SOON.isoformat()
    await made(head, "a", owner=users["anna"], due_at=late)
    begun = await made(head, "b", owner=users["anna"], due_at=soon)
    await change(head, begun, state="in_progress")
    for key, state in (("c", "done"), ("d", "failed"), ("e", "done")):
        assert (await change(head, await made(head, key, owner=users["boris"]), state=state)).status == 200
    await api.site.pool.execute(
        "update task set ended_at = now() - interval '9 days' where id = (select max(id) from task)"
    )
    await made(head, "f", owner=None)

    counted = await (await head.get("tasks/people", params={"until": (SOON + timedelta(minutes=1)).isoformat()})).json()

    names = ("new", "in_progress", "overdue", "due", "done", "failed")
    figures = {line["user"]: tuple(line[name] for name in names) for line in counted["people"]}
    assert figures[users["anna"]] == (1, 1, 1, 2, 0, 0)
    assert figures[users["boris"]] == (0, 0, 0, 0, 1, 1)
    assert (figures[None], counted["people"][-1]["user"]) == ((1, 0, 0, 0, 0, 0), None)
    assert [(line["name"], tuple(line[n] for n in names)) for line in counted["teams"]] == [
        ("Sales", (1, 1, 1, 2, 1, 1))
    ]

    async def ids(**query: str) -> int:
        listed = len((await (await head.get("tasks", params=query)).json())["items"])
        assert listed == (await (await head.get("tasks/count", params=query)).json())["count"]
        return listed

    week = (datetime.now(UTC) - timedelta(days=7)).isoformat()
    assert await ids(team=team, open="true") == 2
    assert await ids(team=team, state="done", ended_since=week) == 1
    assert await ids(owner=str(users["boris"]), state="done") == 2
    assert await ids(free="true") == 1
    assert (await head.get("tasks", params={"team": "99"})).status == 404
    assert (await (await api.caller(Role.MANAGER, "anna")).get("tasks/people")).status == 403


async def test_the_queue_says_what_is_next_and_why(api: Api) -> None:
    """Requirements 12, 84, 86 and 87."""
    anna = await api.caller(Role.MANAGER, "anna")
    now = datetime.now(UTC)
    hot = await card(api, "Hot", heat="hot", priority=5)
    later = await made(anna, "a", due_at=(now + timedelta(days=3)).isoformat())
    undated = await made(anna, "b")
    overdue = await made(anna, "c", due_at=(now - timedelta(hours=1)).isoformat())
    important = await made(anna, "d", due_at=(now - timedelta(minutes=1)).isoformat(), contact=hot)
    soon = await made(anna, "e", due_at=(now + timedelta(seconds=5)).isoformat())

    queue = await (await anna.get("queue")).json()
    order = [item["task"]["id"] for item in queue["items"]]
    assert order == [t["id"] for t in (soon, important, overdue, undated)]
    first, second = queue["items"][1]["reasons"], queue["items"][3]["reasons"]
    assert (first, second) == (["overdue", "card_priority", "hot"], ["no_time"])
    assert queue["counts"]["overdue"] == 2
    ahead = await (await anna.get("queue", params={"days": "5"})).json()
    assert ahead["items"][-1]["task"]["id"] == later["id"]
    assert ahead["items"][-1]["reasons"] == ["due_later"]


async def test_only_a_head_sees_another_ones_queue(api: Api) -> None:
    boris, head = await api.caller(Role.MANAGER, "boris"), await api.caller(Role.SUPERVISOR, "head")
    wanted = {"user": str(api.site.users["anna"])}
    assert (await boris.get("queue", params=wanted)).status == 404
    assert (await head.get("queue", params=wanted)).status == 200


async def test_what_is_not_there_is_refused_by_name(api: Api) -> None:
    anna = await api.caller(Role.MANAGER, "anna")
    for body, pointer in (
        ({"contact": 2**40}, "#/contact"),
        ({"owner": 2**40}, "#/owner"),
        ({"members": [2**40]}, "#/members"),
        ({"zone": "Mars/Base"}, "#/zone"),
        ({"number": "12"}, "#/number"),
        ({"title": "two\nlines"}, "#/title"),
        ({"remind_minutes": [-1]}, "#/remind_minutes/0"),
    ):
        async with anna.post("tasks", json={"kind": "call", **body}, headers=once(pointer)) as response:
            problem = await response.json()
        assert (response.status, problem["errors"][0]["pointer"]) == (422, pointer), body


async def test_a_managers_list_holds_what_he_may_see_and_nothing_else_page_by_page(api: Api) -> None:
    """His own, those he made for others, those he may take; in the order of time, those without one last."""
    anna, boris = api.site.users["anna"], api.site.users["boris"]
    owners, members = (anna, boris, None), ([], [anna], [boris])
    for n in range(54):
        await api.site.pool.execute(
            "insert into task (kind, state, owner_id, members, due_at, made_by, created_at, changed_at)"
            " values ('call', $1, $2, $3, $4, $5, now(), now())",
            ("new", "done", "in_progress")[n % 3],
            owners[n % 9 // 3],
            members[n % 27 // 9],
            SOON + timedelta(hours=n % 4) if n % 5 else None,
            f"user:{(anna, boris)[n % 2]}",
        )
    rows = await api.site.pool.fetch("select * from task order by due_at nulls last, id")
    seen = [
        r["id"]
        for r in rows
        if anna == r["owner_id"]
        or r["made_by"] == f"user:{anna}"
        or (r["owner_id"] is None and (not r["members"] or anna in r["members"]))
    ]
    manager = await api.caller(Role.MANAGER, "anna")
    found: list[int] = []
    query = {"limit": "4"}
    while query:
        async with manager.get("tasks", params=query) as response:
            page = await response.json()
        found += [item["id"] for item in page["items"]]
        query = {"limit": "4", "cursor": page["next"]} if page["next"] else {}
    assert found == seen
    assert 0 < len(seen) < len(rows)


async def test_a_task_of_a_card_that_was_merged_twice_stands_where_the_card_that_stands_puts_it(api: Api) -> None:
    anna = await api.caller(Role.MANAGER, "anna")
    first, second, third = [await card(api, name) for name in ("First", "Second", "Third")]
    await made(anna, "a", due_at=(datetime.now(UTC) + timedelta(seconds=5)).isoformat(), contact=first)
    await api.site.pool.execute("update contact set merged_into = $2 where id = $1", first, second)
    await api.site.pool.execute("update contact set merged_into = $2 where id = $1", second, third)
    await api.site.pool.execute("update contact set heat = 'hot', priority = 5 where id = $1", third)

    (item,) = (await (await anna.get("queue")).json())["items"]
    assert item["task"]["contact"]["name"] == "Third"
    assert "hot" in item["reasons"]
    assert item["importance"] == 8
