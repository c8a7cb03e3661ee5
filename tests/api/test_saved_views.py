"""Lists with their filters under a name: one's own, and a team's."""

from typing import Any

from aiohttp import ClientSession

from gateway.domain.access import Role
from tests.api.site import Api, problem

QUERY = {"filters": {"result": "missed"}, "columns": ["at", "who"]}


async def keep(client: ClientSession, name: str, **body: object) -> Any:
    """Keep a view of calls."""
    given = {"list": "calls", "name": name, "query": QUERY, **body}
    response = await client.post("views", json=given, headers={"Idempotency-Key": name})
    assert response.status == 201, await response.text()
    return await response.json()


async def names(client: ClientSession, **query: str) -> list[str]:
    return [view["name"] for view in (await (await client.get("views", params=query)).json())["items"]]


async def team_of(api: Api) -> int:
    """Anna and Boris, led by Anna."""
    root, users = await api.caller(Role.ADMIN, "root"), api.site.users
    body = {"name": "Sales", "head": users["anna"], "members": [{"user": users["boris"]}]}
    made = await root.post("teams", json=body, headers={"Idempotency-Key": "t"})
    team: int = (await made.json())["id"]
    return team


async def test_a_view_is_its_makers_own_and_of_one_list(api: Api) -> None:
    anna, boris = await api.caller(Role.MANAGER, "anna"), await api.caller(Role.MANAGER, "boris")
    kept = await keep(anna, "Missed", place=2)
    await keep(anna, "First", place=1)
    await keep(anna, "Hot", list="contacts")

    assert (kept["query"], kept["mine"], kept["team"]) == (QUERY, True, None)
    assert await names(anna, list="calls") == ["First", "Missed"]
    assert await names(anna) == ["Hot", "First", "Missed"]
    assert await names(boris) == []
    await problem(await boris.delete(f"views/{kept['id']}"), 404, "not-found")


async def test_a_teams_view_is_made_by_its_head_and_seen_by_all_of_it(api: Api) -> None:
    team = await team_of(api)
    anna, boris = await api.caller(Role.MANAGER, "anna"), await api.caller(Role.MANAGER, "boris")
    kept = await keep(anna, "Ours", team=team)

    (seen,) = (await (await boris.get("views")).json())["items"]

    assert (seen["name"], seen["team_name"], seen["mine"], seen["owner_name"]) == ("Ours", "Sales", False, "Anna")
    change = {"version": seen["version"], "name": "Theirs"}
    await problem(await boris.patch(f"views/{kept['id']}", json=change), 403, "not-allowed")
    body = {"list": "calls", "name": "x", "query": {}, "team": team}
    await problem(await boris.post("views", json=body, headers={"Idempotency-Key": "x"}), 403, "not-allowed")
    gone = body | {"team": 77}
    await problem(await anna.post("views", json=gone, headers={"Idempotency-Key": "y"}), 422, "invalid-request")


async def test_a_view_is_changed_by_its_version_and_removed(api: Api) -> None:
    anna = await api.caller(Role.MANAGER, "anna")
    kept = await keep(anna, "Missed")

    change = {"version": 1, "name": "Missed today", "query": {"period": "today"}}
    changed = await (await anna.patch(f"views/{kept['id']}", json=change)).json()

    assert (changed["name"], changed["query"], changed["version"]) == ("Missed today", {"period": "today"}, 2)
    await problem(await anna.patch(f"views/{kept['id']}", json=change), 409, "conflict")
    assert (await anna.delete(f"views/{kept['id']}")).status == 204
    assert await names(anna) == []


async def test_views_have_bounds(api: Api) -> None:
    anna = await api.caller(Role.MANAGER, "anna")
    big = {"list": "calls", "name": "Big", "query": {"q": "x" * 9000}}
    await problem(await anna.post("views", json=big, headers={"Idempotency-Key": "b"}), 422, "invalid-request")
    await api.site.pool.execute(
        "insert into saved_view (list, name, owner_id) select 'calls', 'n' || n, $1 from generate_series(1, 200) n",
        api.site.users["anna"],
    )
    more = big | {"query": {}}
    await problem(await anna.post("views", json=more, headers={"Idempotency-Key": "m"}), 409, "conflict")
    await problem(await (await api.caller(Role.ADMIN)).get("views"), 403, "not-allowed")
