"""The inbox of missed clients over the API: taken by one, given, dismissed; rules and working hours as data."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest_asyncio
from aiohttp import ClientResponse, ClientSession

from gateway.aftercare.follow import Follower
from gateway.aftercare.missed_calls import MissedCalls
from gateway.domain.access import Role
from gateway.store.commands import store_command
from gateway.store.missed import Client, lock_client
from tests.api.site import Api, open_api
from tests.gateway.day_of_calls import Placed

CLIENT = "+79161234567"
OTHER = "+79031112233"


@dataclass(slots=True, kw_only=True)
class Inbox:
    """The API, and the follower that opens matters."""

    api: Api
    follower: Follower

    async def call(self, scenario: str, minutes_ago: float, number: str = CLIENT, **more: object) -> None:
        """A call of some minutes ago, and what follows it."""
        at = datetime.now(UTC) - timedelta(minutes=minutes_ago)
        placed = Placed(scenario=scenario, at=at, number=number, extensions={}, **more)  # type: ignore[arg-type]
        await self.rows(placed.rows())

    async def rows(self, rows: list[bytes]) -> None:
        await self.api.site.take_all(rows)
        await self.follower.catch_up()


@pytest_asyncio.fixture
async def inbox(database: str, tmp_path: Path) -> AsyncIterator[Inbox]:
    """The application with its people, followed from its first call on."""
    async with open_api(database, tmp_path) as api:
        missed = MissedCalls(api.parts.settings.company.timezone)
        follower = Follower(api.site.pool, "missed calls", missed.follow, api.site.live)
        await follower.begin()
        yield Inbox(api=api, follower=follower)


_keys = iter(range(10**6))


async def post(client: ClientSession, path: str, **body: object) -> ClientResponse:
    return await client.post(path, json=body, headers={"Idempotency-Key": f"k{next(_keys)}"})


async def test_a_missed_client_is_in_the_inbox_and_first_in_the_queue(inbox: Inbox) -> None:
    """Requirements 8, 12, 16, 17, 28 and 31."""
    await inbox.call("in_noanswer", 2)
    anna = await inbox.api.caller(Role.MANAGER, "anna")

    (missed,) = (await (await anna.get("missed", params={"state": "open"})).json())["items"]
    assert (missed["number"], missed["calls"], missed["new_client"], missed["overdue"]) == (CLIENT, 1, True, False)
    entry = (await (await anna.get("queue")).json())["items"][0]
    assert (entry["section"], entry["reasons"][:2]) == ("missed", ["clock_runs", "new_client"])
    assert 0 < entry["seconds_left"] < 300
    assert (entry["task"]["number"], entry["task"]["missed"]["id"]) == (CLIENT, missed["id"])
    one = await (await anna.get(f"missed/{missed['id']}")).json()
    assert (one["missed_calls"][0]["reason"], one["held_by"]) == ("no_answer", None)


async def test_two_managers_cannot_take_the_same_client(inbox: Inbox) -> None:
    rule = {"version": 0, "give_to": ["anyone"]}
    head = await inbox.api.caller(Role.SUPERVISOR, "head")
    assert (await head.put("missed/rules", json=rule)).status == 200
    await inbox.call("in_noanswer", 2)
    anna, boris = await inbox.api.caller(Role.MANAGER, "anna"), await inbox.api.caller(Role.MANAGER, "boris")

    taken = await post(anna, "missed/1/claim")
    assert (taken.status, (await taken.json())["claimed_by"]) == (200, inbox.api.site.users["anna"])
    assert (await post(boris, "missed/1/claim")).status == 404  # it is hers now
    assert (await post(head, "missed/1/claim", user=inbox.api.site.users["boris"])).status == 409

    assert (await anna.delete("missed/1/claim")).status == 204
    assert (await post(head, "missed/1/claim", user=inbox.api.site.users["boris"])).status == 200


async def test_a_click_to_call_that_was_ordered_holds_the_client(inbox: Inbox) -> None:
    await inbox.call("in_noanswer", 2)
    users = inbox.api.site.users
    async with inbox.api.site.pool.acquire() as connection:
        await store_command(connection, id="crm-1", pbx="pbx1", user_id=users["boris"], extension="102", number=CLIENT)
    anna = await inbox.api.caller(Role.MANAGER, "anna")

    assert (await post(anna, "missed/1/claim")).status == 409
    held = (await (await anna.get("missed/1")).json())["held_by"]
    assert held == {"user": users["boris"], "until": None}


async def test_a_client_is_dismissed_with_a_reason_and_comes_again(inbox: Inbox) -> None:
    await inbox.call("in_noanswer", 4)
    anna, boris = await inbox.api.caller(Role.MANAGER, "anna"), await inbox.api.caller(Role.MANAGER, "boris")

    assert (await post(boris, "missed/1/dismiss", reason="spam")).status == 404
    assert (await post(anna, "missed/1/dismiss", reason=" \t")).status == 422
    answer = await post(anna, "missed/1/dismiss", reason="An advertiser")
    missed = await answer.json()
    assert (missed["state"], missed["why"], missed["closed_by_user"]) == (
        "dismissed", "An advertiser", inbox.api.site.users["anna"],
    )  # fmt: skip
    assert (await post(anna, "missed/1/dismiss", reason="Again")).status == 409
    assert (await (await anna.get("tasks/1")).json())["state"] == "done"

    await inbox.call("in_noanswer", -1)
    assert [m["state"] for m in (await (await anna.get("missed")).json())["items"]] == ["open", "dismissed"]


async def test_a_head_gives_a_client_to_another_manager(inbox: Inbox) -> None:
    await inbox.call("in_noanswer", 2)
    head, boris = await inbox.api.caller(Role.SUPERVISOR, "head"), await inbox.api.caller(Role.MANAGER, "boris")

    assert (await boris.get("missed/1")).status == 404
    given = await post(head, "missed/1/assign", user=inbox.api.site.users["boris"])
    assert (await given.json())["owner"] == inbox.api.site.users["boris"]
    assert (await boris.get("missed/1")).status == 200


async def test_a_task_that_is_done_by_hand_ends_the_matter_and_undone_opens_it(inbox: Inbox) -> None:
    await inbox.call("in_noanswer", 2)
    anna = await inbox.api.caller(Role.MANAGER, "anna")
    await anna.patch("tasks/1", json={"version": 1, "state": "done", "result": "He wrote a letter"})
    await inbox.follower.catch_up()
    assert (await (await anna.get("missed/1")).json())["state"] == "dismissed"

    await anna.patch("tasks/1", json={"version": 2, "state": "new"})
    await inbox.follower.catch_up()
    assert (await (await anna.get("missed/1")).json())["state"] == "open"


async def test_the_rule_of_a_number_holds_for_its_calls_only(inbox: Inbox) -> None:
    """Requirement 17."""
    head, users = await inbox.api.caller(Role.SUPERVISOR, "head"), inbox.api.site.users
    hotline = {
        "version": 0, "did": "4951112233", "minutes": 60, "give_to": ["members"], "members": [users["boris"]],
        "priority": 5,
    }  # fmt: skip
    assert (await head.put("missed/rules", json=hotline)).status == 200
    assert (await head.put("missed/rules", json=hotline)).status == 409
    await inbox.call("in_noanswer", 2, did="4951112233")
    await inbox.call("in_noanswer", 1, OTHER)

    tasks = (await (await head.get("tasks")).json())["items"]
    assert [(t["priority"], t["owner"], t["members"]) for t in tasks] == [
        (3, users["anna"], []), (5, None, [users["boris"]]),
    ]  # fmt: skip
    counts = (await (await head.get("missed/counts")).json())["items"]
    assert {c["did"]: c["states"] for c in counts}["4951112233"] == {"open": 1}
    assert (await head.delete("missed/rules", params={"did": "4951112233"})).status == 204
    assert [r["did"] for r in (await (await head.get("missed/rules")).json())["items"]] == [None]


async def test_working_hours_are_data_of_the_company_a_number_and_a_person(inbox: Inbox) -> None:
    head, anna = await inbox.api.caller(Role.SUPERVISOR, "head"), await inbox.api.caller(Role.MANAGER, "anna")
    office = {
        "version": 0, "timezone": "Europe/Warsaw", "week": [["09:00-18:00"]] * 5 + [[], []],
        "exceptions": [{"day": "2026-12-25", "name": "Christmas"}],
    }  # fmt: skip
    assert (await anna.put("working-hours", json=office)).status == 403
    company = await (await head.put("working-hours", json=office)).json()
    assert company["exceptions"] == [{"day": "2026-12-25", "hours": [], "name": "Christmas"}]
    person = {**office, "user": inbox.api.site.users["anna"], "week": [["22:00-06:00"]] * 7}
    assert (await head.put("working-hours", json=person)).status == 200
    assert (await head.put("working-hours", json={**office, "version": 7})).status == 409

    for wrong in (
        {"week": [[]] * 7}, {"week": [["09:00-12:00", "11:00-13:00"]] * 7}, {"timezone": "Mars/Base"},
        {"user": 1, "did": "1"}, {"week": [[]] * 6}, {"exceptions": [{"day": "2026-12-25"}] * 2},
    ):  # fmt: skip
        assert (await head.put("working-hours", json={**office, **wrong})).status == 422, wrong
    overlapping = {"week": [["09:00-18:00"], ["09:00-12:00", "11:00-13:00"], *[[]] * 5]}
    refused = await (await head.put("working-hours", json={**office, **overlapping})).json()
    assert [(e["pointer"], e["detail"]) for e in refused["errors"]] == [("#/week/1", "Hours of one day overlap.")]
    tables = (await (await anna.get("working-hours")).json())["items"]
    assert [t["user"] for t in tables] == [None, inbox.api.site.users["anna"]]
    assert (await head.delete(f"working-hours/{company['id']}")).status == 204


async def test_an_owner_who_does_not_work_then_is_passed_over(inbox: Inbox) -> None:
    head, users = await inbox.api.caller(Role.SUPERVISOR, "head"), inbox.api.site.users
    today = datetime.now(UTC).date().isoformat()
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    off = {
        "version": 0, "user": users["anna"], "timezone": "UTC", "week": [["00:00-24:00"]] * 7,
        "exceptions": [{"day": today}, {"day": yesterday}],
    }  # fmt: skip
    assert (await head.put("working-hours", json=off)).status == 200
    rule = {"version": 0, "members": [users["boris"]]}
    assert (await head.put("missed/rules", json=rule)).status == 200
    await inbox.call("in_noanswer", 1)

    (task,) = (await (await head.get("tasks")).json())["items"]
    assert (task["owner"], task["members"]) == (None, [users["boris"]])


async def test_a_click_to_call_to_a_client_whom_a_colleague_has_is_refused_but_for_anyway(inbox: Inbox) -> None:
    """Two managers do not ring the same client by mistake."""
    inbox.api.board.refuse("no_phone")
    await inbox.call("in_noanswer", 2)
    anna, boris = await inbox.api.caller(Role.MANAGER, "anna"), await inbox.api.caller(Role.MANAGER, "boris")
    assert (await post(anna, "missed/1/claim")).status == 200

    refused = await post(boris, "calls", number=CLIENT)
    assert (refused.status, (await refused.json())["type"].rpartition("/")[2]) == (409, "conflict")
    assert (await post(anna, "calls", number=CLIENT)).status == 202
    assert (await post(boris, "calls", number=CLIENT, anyway=True)).status == 202
    assert (await post(boris, "calls", number=OTHER)).status == 202


async def test_a_managers_list_holds_every_matter_that_is_or_was_his_and_no_other(inbox: Inbox) -> None:
    """The task is his, or may be; he has the client for himself, or has called him back."""
    pool, anna, boris = inbox.api.site.pool, *(inbox.api.site.users[name] for name in ("anna", "boris"))
    people = (None, anna, boris)
    expected: set[int] = set()
    for n in range(81):
        owner, closer, claimer, member = (people[n // 3**k % 3] for k in range(4))
        id_ = await pool.fetchval(
            "insert into missed (number, pbx, state, calls, first_at, last_at, due_at, give_up_at, closed_by_user,"
            " claimed_by) values ('+79', 'pbx1', $1, 1, now(), now(), now(), now(), $2, $3) returning id",
            "open" if n % 2 else "late",
            closer,
            claimer,
        )
        task = await pool.fetchval(
            "insert into task (kind, owner_id, members, missed_id, made_by, created_at, changed_at)"
            " values ('call_back', $1, $2, $3, 'missed', now(), now()) returning id",
            owner,
            [member] if member else [],
            id_,
        )
        await pool.execute("update missed set task_id = $2 where id = $1", id_, task)
        if anna in (owner, closer, claimer) or (owner is None and member in (None, anna)):
            expected.add(id_)
    open_ones = {r["id"] for r in await pool.fetch("select id from missed where state = 'open'")}

    manager = await inbox.api.caller(Role.MANAGER, "anna")
    for query, wanted in (({}, expected), ({"state": "open"}, expected & open_ones)):
        page = await (await manager.get("missed", params={"limit": "200", **query})).json()
        assert {item["id"] for item in page["items"]} == wanted
    counts = (await (await manager.get("missed/counts")).json())["items"]
    assert sum(sum(item["states"].values()) for item in counts) == len(expected) < 81


async def test_an_order_that_met_another_work_halfway_is_begun_anew(inbox: Inbox) -> None:
    await inbox.call("in_noanswer", 1)
    matter = await inbox.api.site.pool.fetchrow("select id, task_id, contact_id from missed")
    head, boris = await inbox.api.caller(Role.SUPERVISOR), inbox.api.site.users["boris"]
    client = Client(contact_id=matter["contact_id"], number=None)

    async def order() -> int:
        headers = {"Idempotency-Key": "halfway"}
        async with head.post(f"missed/{matter['id']}/assign", json={"user": boris}, headers=headers) as response:
            return response.status

    async with inbox.api.site.pool.acquire() as connection, asyncio.TaskGroup() as tasks, connection.transaction():
        await connection.execute("select id from task where id = $1 for update", matter["task_id"])
        ordered = tasks.create_task(order())
        while not await inbox.api.site.pool.fetchval("select exists (select from pg_locks where not granted)"):
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.5)  # the order has waited longer, so it is the one that is ended
        await lock_client(connection, client)  # the order has it, and waits for the task
    assert await ordered == 200
    assert await inbox.api.site.pool.fetchval("select owner_id from task") == boris


async def test_a_dismissal_is_taken_back_and_the_clock_runs_on(inbox: Inbox) -> None:
    await inbox.call("in_noanswer", 2)
    anna = await inbox.api.caller(Role.MANAGER, "anna")
    (before,) = (await (await anna.get("missed")).json())["items"]
    assert (await post(anna, f"missed/{before['id']}/dismiss", reason="A wrong number")).status == 200

    response = await anna.delete(f"missed/{before['id']}/dismiss")

    again = await response.json()
    assert (response.status, again["state"], again["why"], again["due_at"]) == (200, "open", None, before["due_at"])
    entry = (await (await anna.get("queue")).json())["items"][0]
    assert entry["task"]["missed"]["id"] == before["id"]
    assert (await anna.delete(f"missed/{before['id']}/dismiss")).status == 409
