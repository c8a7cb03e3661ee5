"""Inbound routes over the API: entered, refused in plain words, changed, restored, tried, and asked by a dialplan."""

import itertools
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import ClientSession, encode_basic_auth

from gateway.domain.access import Right, Role
from gateway.domain.identity import call_id
from tests.api.site import Api, problem
from tests.gateway.site import rows_of, rows_of_now

pytestmark = pytest.mark.asyncio
_keys = itertools.count(1)
CLOSED = {"timezone": "UTC", "week": [["00:00-00:01"], [], [], [], [], [], []]}


@pytest_asyncio.fixture
async def admin(api: Api) -> ClientSession:
    """An administrator's program."""
    return await api.caller(Role.ADMIN, "head")


async def post(client: ClientSession, path: str, body: Mapping[str, Any], status: int = 201) -> dict[str, Any]:
    """Order something."""
    async with client.post(path, json=body, headers={"Idempotency-Key": f"k{next(_keys)}"}) as response:
        answer: dict[str, Any] = await response.json(content_type=None)
        assert response.status == status, answer
        return answer


async def fault(client: ClientSession, body: Mapping[str, Any]) -> tuple[str, str]:
    """What is wrong with a route: where, and in which words."""
    answer = await post(client, "inbound-routes", {"name": "Bad", "did": "1", **body}, 422)
    (one, *_) = answer["errors"]
    return one["pointer"], one["detail"]


async def team(api: Api, client: ClientSession, *logins: str, strategy: str = "all") -> int:
    """Make a group."""
    members = [api.site.users[login] for login in logins]
    made = await post(client, "routing-groups", {"name": f"G{next(_keys)}", "strategy": strategy, "members": members})
    number: int = made["id"]
    return number


async def test_a_route_is_entered_read_and_changed_by_versions(api: Api, admin: ClientSession) -> None:
    group = await team(api, admin, "anna", "boris")
    body = {
        "name": "Main",
        "did": "74951234567",
        "record": True,
        "notice": True,
        "steps": [{"kind": "owner", "seconds": 15}, {"kind": "group", "group": group}],
        "closed_steps": [{"kind": "announcement", "sound": "vm-nobodyavail"}, {"kind": "hang_up"}],
    }
    made = await post(admin, "inbound-routes", body)

    assert made["version"] == 1
    assert [(s["kind"], s["seconds"], s["wait_seconds"]) for s in made["steps"]] == [
        ("owner", 15, None),
        ("group", 20, 30),
    ]
    change = {"version": 1, "steps": [{"kind": "site"}], "hours": CLOSED}
    async with admin.patch(f"inbound-routes/{made['id']}", json=change) as response:
        changed = await response.json()
        assert (response.status, changed["version"], changed["did"]) == (200, 2, "74951234567")
        assert changed["hours"]["week"][0] == ["00:00-00:01"]
    async with admin.patch(f"inbound-routes/{made['id']}", json=change) as response:
        await problem(response, 409, "conflict")
    async with admin.get("inbound-routes") as response:
        assert [r["id"] for r in (await response.json())["items"]] == [made["id"]]


async def test_every_version_stays_and_can_hold_again(api: Api, admin: ClientSession) -> None:
    made = await post(admin, "inbound-routes", {"name": "Main", "did": "1", "steps": [{"kind": "site"}]})
    address = f"inbound-routes/{made['id']}"
    for version, archived in ((1, False), (2, True)):
        change = {"version": version, "steps": [{"kind": "hang_up"}], "archived": archived}
        async with admin.patch(address, json=change) as response:
            assert response.status == 200

    restored = await post(admin, f"{address}/restore", {"version": 3, "to": 1}, 200)

    assert (restored["version"], restored["archived"], restored["steps"][0]["kind"]) == (4, False, "site")
    async with admin.get(f"{address}/versions", params={"limit": "2"}) as response:
        first = await response.json()
    assert [(v["version"], v["archived"]) for v in first["items"]] == [(4, False), (3, True)]
    async with admin.get(f"{address}/versions", params={"limit": "2", "cursor": first["next"]}) as response:
        assert [v["version"] for v in (await response.json())["items"]] == [2, 1]
    actions = await api.site.pool.fetch("select action from audit where object = $1", f"inbound_route:{made['id']}")
    assert [r["action"] for r in actions] == ["inbound_route.created"] + ["inbound_route.changed"] * 3


async def test_what_is_wrong_with_a_route_is_said_in_plain_words(api: Api, admin: ClientSession) -> None:
    group = await team(api, admin, "boris")
    anna = api.site.users["anna"]
    await api.site.pool.execute("update users set active = false where login = 'boris'")

    assert await fault(admin, {"steps": []}) == ("#/steps", "A route needs at least one step.")
    assert await fault(admin, {"steps": [{"kind": "group", "group": group}]}) == (
        "#/steps/0/group",
        "This group has no active member, so it would ring nobody.",
    )
    assert await fault(admin, {"steps": [{"kind": "manager", "user": anna, "seconds": 121}]}) == (
        "#/steps/0/seconds",
        "Phones ring 5 to 120 seconds in one step, not 121.",
    )
    assert await fault(admin, {"steps": [{"kind": "hang_up"}, {"kind": "site"}]}) == (
        "#/steps/0",
        "Nothing comes after the step hang_up; remove what follows it.",
    )
    assert (await fault(admin, {"steps": [{"kind": "announcement", "sound": "custom/mine"}]}))[0] == "#/steps/0/sound"
    assert (await fault(admin, {"steps": [{"kind": "announcement", "sound": "../../etc/passwd"}]}))[0] == (
        "#/steps/0/sound"
    )
    assert await fault(admin, {"steps": [{"kind": "owner", "user": anna}]}) == (
        "#/steps/0/user",
        "A step of the kind owner has no user.",
    )
    long = [{"kind": "manager", "user": anna, "seconds": 120}] * 6
    assert await fault(admin, {"steps": long}) == (
        "#/steps",
        "The phones could ring for 720 s in all; at most 600 s are allowed.",
    )


async def test_routes_that_lead_in_a_circle_are_refused_however_the_circle_is_closed(admin: ClientSession) -> None:
    night = await post(admin, "inbound-routes", {"name": "Night", "steps": [{"kind": "site"}]})
    day = await post(
        admin, "inbound-routes", {"name": "Day", "did": "1", "steps": [{"kind": "route", "route": night["id"]}]}
    )

    change = {"version": 1, "steps": [{"kind": "route", "route": day["id"]}]}
    async with admin.patch(f"inbound-routes/{night['id']}", json=change) as response:
        document = await problem(response, 422, "invalid-request")

    assert document["errors"][0]["detail"].startswith("The routes lead in a circle: Night → Day → Night.")  # type: ignore[index]
    async with admin.patch(f"inbound-routes/{night['id']}", json={"version": 1, "archived": True}) as response:
        await problem(response, 409, "conflict")


async def test_what_a_route_uses_cannot_be_taken_away(api: Api, admin: ClientSession) -> None:
    group = await team(api, admin, "anna")
    steps = [{"kind": "group", "group": group}, {"kind": "announcement", "sound": "vm-nobodyavail"}]
    await post(admin, "inbound-routes", {"name": "Main", "did": "*", "steps": steps})

    async with admin.patch(f"routing-groups/{group}", json={"version": 1, "archived": True}) as response:
        assert "'Main'" in str((await problem(response, 409, "conflict"))["detail"])
    async with admin.patch("routing-policy", json={"version": 1, "sounds": ["custom/closed"]}) as response:
        await problem(response, 409, "conflict")
    async with admin.patch("routing-policy", json={"version": 1, "notice": "custom/notice"}) as response:
        assert (await response.json())["notice"] == "custom/notice"
    await post(admin, "inbound-routes", {"name": "Other", "did": "*", "steps": [{"kind": "site"}]}, 409)


async def test_a_groups_versions_can_hold_again(api: Api, admin: ClientSession) -> None:
    group = await team(api, admin, "anna", "boris")
    change = {"version": 1, "members": [api.site.users["boris"]], "strategy": "turn"}
    async with admin.patch(f"routing-groups/{group}", json=change) as response:
        assert (await response.json())["members"] == [api.site.users["boris"]]

    restored = await post(admin, f"routing-groups/{group}/restore", {"version": 2, "to": 1}, 200)

    assert restored["members"] == [api.site.users["anna"], api.site.users["boris"]]
    async with admin.get(f"routing-groups/{group}/versions") as response:
        assert [v["strategy"] for v in (await response.json())["items"]] == ["all", "turn", "all"]


async def test_a_trial_says_who_would_ring_and_why_not_the_others_and_rings_nobody(
    api: Api, admin: ClientSession
) -> None:
    group = await team(api, admin, "anna", "boris")
    await post(
        admin,
        "inbound-routes",
        {"name": "Main", "did": "74951234567", "steps": [{"kind": "owner"}, {"kind": "group", "group": group}]},
    )
    await api.site.pool.execute(
        "insert into manager_state (user_id, state, since, by) values ($1, 'break', now(), 'user:1')",
        api.site.users["boris"],
    )

    trial = await post(admin, "inbound-routes/try", {"did": "74951234567", "caller": "+79161234567"}, 200)
    other_day = {"did": "74951234567", "caller": "+79161234567", "at": "2027-03-01T09:00:00Z"}
    later = await post(admin, "inbound-routes/try", other_day, 200)

    assert [(d["action"], d["users"]) for d in trial["decisions"]] == [
        ("dial", [api.site.users["anna"]]),
        ("hangup", []),
    ]
    assert [r["text"] for r in trial["decisions"][0]["reasons"]] == [
        "Step 1: the client has no manager of his own.",
        "Step 2: Boris is on a break.",
        "Step 2: Anna rings.",
    ]
    assert later["decisions"][0]["users"] == [api.site.users["anna"], api.site.users["boris"]]
    assert await api.site.pool.fetchval("select count(*) from route_decision") == 0
    assert (await post(admin, "inbound-routes/try", {"did": "1"}, 200))["route"] is None


async def test_the_dialplan_asks_with_a_key_that_can_do_nothing_else(api: Api, admin: ClientSession) -> None:
    group = await team(api, admin, "boris")
    await post(admin, "inbound-routes", {"name": "Main", "did": "1", "steps": [{"kind": "group", "group": group}]})
    pbx = await api.caller(Role.ADMIN, rights=[Right.ROUTE_ASK])
    question = {"pbx": "pbx1", "call": "pbx1-1.2", "did": "1", "caller": "79161234567", "step": "0", "status": "NEW"}

    async with pbx.get("route", params=question) as response:
        assert (response.status, response.content_type) == (200, "text/plain")
        assert await response.text() == "TL1:dial:PJSIP/102:20:-:0:0:END\n"
    async with pbx.get("inbound-routes") as response:
        await problem(response, 403, "not-allowed")
    async with pbx.get("route", params={**question, "pbx": "elsewhere"}) as response:
        await problem(response, 404, "not-found")
    manager = await api.caller(Role.MANAGER, "anna")
    async with manager.get("route", params=question) as response:
        await problem(response, 403, "not-allowed")


async def test_a_key_as_the_password_of_basic_reads_and_changes_nothing(api: Api) -> None:
    pbx = await api.caller(Role.ADMIN, rights=[Right.ROUTE_ASK, Right.ROUTING_MANAGE])
    key = pbx.headers["Authorization"].removeprefix("Bearer ")
    question = {"pbx": "pbx1", "call": "pbx1-1.3", "did": "1"}

    async def asked(credentials: str) -> int:
        async with (
            ClientSession(headers={"Authorization": credentials}) as client,
            client.get(f"{api.origin}/api/v1/route", params=question) as response,
        ):
            return response.status

    basic = encode_basic_auth("route", key)
    assert await asked(basic) == 200
    assert await asked(encode_basic_auth("route", key[:-1] + "x")) == 401
    assert await asked("Basic %%%") == 401
    assert await asked("Basic 77u/w6k=") == 401
    async with (
        ClientSession(headers={"Authorization": basic, "Idempotency-Key": "b1"}) as client,
        client.post(f"{api.origin}/api/v1/inbound-routes", json={"name": "x", "steps": []}) as response,
    ):
        await problem(response, 401, "not-signed-in")


async def test_how_a_call_was_routed_is_read_with_the_call(api: Api, admin: ClientSession) -> None:
    await api.site.take_all(rows_of("in_answered"))
    call, key, did = await api.site.pool.fetchrow("select id, key, did from call where kind = 'client'")
    group = await team(api, admin, "anna")
    route = await post(admin, "inbound-routes", {"name": "M", "did": did, "steps": [{"kind": "group", "group": group}]})
    pbx = await api.caller(Role.ADMIN, rights=[Right.ROUTE_ASK])
    assert call == call_id("pbx1", key)
    async with pbx.get("route", params={"pbx": "pbx1", "call": key, "did": did}) as response:
        assert response.status == 200

    async with admin.get(f"calls/{call}/routing") as response:
        (decision,) = (await response.json())["items"]

    assert (decision["route"], decision["action"], decision["users"]) == (
        route["id"],
        "dial",
        [api.site.users["anna"]],
    )
    boris = await api.caller(Role.MANAGER, "boris")
    async with boris.get(f"calls/{call}/routing") as response:
        await problem(response, 404, "not-found")


async def test_a_routes_figures_are_as_many_calls_as_their_lists_have(api: Api, admin: ClientSession) -> None:
    for scenario in ("in_answered", "in_noanswer"):
        await api.site.take_all(rows_of_now(scenario))
    calls = await api.site.pool.fetch("select id, key, did, result from call where kind = 'client' order by result")
    assert [c["result"] for c in calls] == ["answered", "missed"]
    group = await team(api, admin, "anna")
    steps = [{"kind": "group", "group": group, "wait_seconds": 0}, {"kind": "site"}]
    route = await post(admin, "inbound-routes", {"name": "M", "did": calls[0]["did"], "steps": steps})
    unused = await post(admin, "inbound-routes", {"name": "O", "did": "999", "steps": steps})
    pbx = await api.caller(Role.ADMIN, rights=[Right.ROUTE_ASK])
    for call, questions in zip(calls, (1, 2), strict=True):
        for n in range(questions):  # nobody answered the second call, so the site's own queue went on
            asked = {"pbx": "pbx1", "call": call["key"], "did": calls[0]["did"], "step": str(n), "status": "NOANSWER"}
            async with pbx.get("route", params=asked) as response:
                assert response.status == 200, await response.text()

    today = datetime.now(api.parts.settings.company.timezone).date()
    days = {"period": "dates", "since": f"{today - timedelta(days=1)}", "until": f"{today}"}
    async with admin.get(f"inbound-routes/{route['id']}/figures", params=days) as response:
        figures = await response.json()

    assert (figures["calls"], figures["answered"], figures["missed"], figures["lost"]) == (2, 1, 1, 0)
    assert sorted((s["step"], s["answered"], s["missed"]) for s in figures["steps"]) == [
        (f"group:{group}", 1, 0),
        ("site", 0, 1),
    ]
    for step in figures["steps"]:
        for result, expected in (("answered", step["answered"]), ("missed", step["missed"])):
            query = {"route": route["id"], "step": step["step"], "result": result}
            async with admin.get("calls", params=query) as response:
                listed = (await response.json())["items"]
            assert [c["result"] for c in listed] == [result] * expected
    async with admin.get("calls/count", params={"route": unused["id"]}) as response:
        assert (await response.json())["count"] == 0
    async with admin.get("inbound-routes/999/figures") as response:
        await problem(response, 404, "not-found")
