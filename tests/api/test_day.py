"""A manager's start of work in one read: whom to return now, what was agreed, what to do, and how he stands."""

from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import ClientSession

from gateway.domain.access import Role
from tests.api.site import Api, problem
from tests.api.test_missed import CLIENT, Inbox, inbox
from tests.gateway.day_of_calls import Placed

__all__ = ["inbox"]


async def day_of(client: ClientSession, **query: str) -> Any:
    """His day."""
    response = await client.get("me/day", params=query)
    assert response.status == 200, await response.text()
    return await response.json()


async def add(client: ClientSession, path: str, key: str, **body: object) -> Any:
    """Make something and give it."""
    response = await client.post(path, json=body, headers={"Idempotency-Key": key})
    assert response.status == 201, await response.text()
    return await response.json()


async def test_a_missed_client_stands_first_with_his_clock_his_line_and_why(inbox: Inbox) -> None:
    await inbox.call("in_noanswer", 2)
    pool = inbox.api.site.pool
    did = await pool.fetchval("select did from call")
    await pool.execute("insert into our_number (did, name, changed_by) values ($1, 'Price list', 'user:1')", did)
    firm = await pool.fetchval("insert into organisation (name, made_by) values ('Firm', 'user:1') returning id")
    await pool.execute("update contact set organisation_id = $1, city = 'Kazan', timezone = 'Asia/Tokyo'", firm)
    anna = await inbox.api.caller(Role.MANAGER, "anna")

    day = await day_of(anna)

    (row,) = day["return_now"]
    assert (row["entry"]["section"], row["entry"]["task"]["number"]) == ("missed", CLIENT)
    assert 0 < row["entry"]["seconds_left"] < 300
    assert (row["missed"]["reason"], row["missed"]["line"], row["missed"]["did"]) == ("no_answer", "Price list", did)
    assert row["missed"]["wait_seconds"] > 0
    assert (row["organisation"], row["city"]) == ({"id": firm, "name": "Firm"}, "Kazan")
    assert (row["zone"], len(row["local_time"])) == ("Asia/Tokyo", 5)
    assert row["held"] is None
    assert (day["minutes"], day["counts"]["missed"], day["tasks"]) == (5, 1, [])
    assert await (await anna.get("me/day/counts")).json() == {"missed": 1, "scheduled": 0, "tasks": 0}


async def test_a_colleague_who_has_the_client_is_named(inbox: Inbox) -> None:
    await inbox.call("in_noanswer", 2)
    anna, boris = await inbox.api.caller(Role.MANAGER, "anna"), inbox.api.site.users["boris"]
    await inbox.api.site.pool.execute(
        "update missed set claimed_by = $1, claimed_until = now() + interval '3 minutes'", boris
    )

    (row,) = (await day_of(anna))["return_now"]
    assert (row["held"]["name"], row["held"]["user"]) == ("Boris", boris)
    assert row["held"]["until"] is not None


async def test_what_was_agreed_and_what_is_to_do_stand_with_their_clients(api: Api) -> None:
    anna, root = await api.caller(Role.MANAGER, "anna"), await api.signed_in("root")
    firm = await add(anna, "organisations", "o", name="Firm")
    card = await add(
        anna,
        "contacts",
        "c",
        name="Olga",
        numbers=["+79031112233"],
        organisation=firm["id"],
        heat="hot",
        timezone="Asia/Omsk",
    )
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    await add(
        anna, "scheduled-calls", "s", contact=card["id"], at=f"{tomorrow:%Y-%m-%d}T11:00", note="Dates", any_hour=True
    )
    late = (datetime.now(UTC) - timedelta(hours=1)).isoformat().replace("+00:00", "Z")
    users = [api.site.users[name] for name in ("anna", "boris")]
    await add(root, "tasks/groups", "g", kind="call", title="Autumn prices", users=users, due_at=late)

    day = await day_of(anna, days="2")

    (agreed,) = day["scheduled"]
    assert (agreed["entry"]["call"]["note"], agreed["organisation"]["name"], agreed["heat"]) == ("Dates", "Firm", "hot")
    assert len(agreed["local_time"]) == 5
    (task,) = day["tasks"]
    assert (task["entry"]["section"], task["entry"]["task"]["title"]) == ("overdue", "Autumn prices")
    assert (task["group_total"], task["group_open"], task["made_by_name"]) == (2, 2, "Root")
    assert (day["scheduled_total"], day["counts"]["overdue"]) == (1, 1)


async def test_own_figures_stand_against_the_goal_with_its_pace(inbox: Inbox) -> None:
    await inbox.call("in_answered", 5)
    anna = await inbox.api.caller(Role.MANAGER, "anna")
    root = await inbox.api.caller(Role.ADMIN, "root")
    await add(root, "goals", "g", measure="calls", target=4)

    figures = (await day_of(anna))["figures"]

    goal = figures["goals"][0]
    assert (goal["period"], goal["done"], goal["target"]) == ("day", 1, 4)
    assert 0 <= goal["expected"] <= 4
    assert goal["rows"] is not None
    assert (figures["calls"], figures["calls_in"], figures["answered"]) == (1, 1, 1)
    assert figures["talk_seconds"] > 0
    assert figures["week"]["done"] == 1
    assert figures["week"]["wanted"] in (0, 4)


async def test_who_was_returned_in_time_and_who_was_not(inbox: Inbox) -> None:
    pool = inbox.api.site.pool
    await inbox.call("in_noanswer", 9)
    talked = Placed(scenario="out_answered", at=datetime.now(UTC) - timedelta(minutes=6), number=CLIENT, extensions={})
    await inbox.rows(talked.rows())
    await inbox.call("in_noanswer", 8, number="+79031112233")
    state = await pool.fetchval("select state from missed where number = $1", CLIENT)
    assert state in ("called_back", "late"), state
    await pool.execute("update missed set closed_by_user = $1 where number = $2", inbox.api.site.users["anna"], CLIENT)

    returned = (await day_of(await inbox.api.caller(Role.MANAGER, "anna")))["figures"]["returned"]

    assert (returned["of"], returned["in_time"], returned["never"]) == (2, int(state == "called_back"), 1)
    assert returned["median_seconds"] > 0


async def test_a_day_belongs_to_a_person(api: Api) -> None:
    await problem(await (await api.caller(Role.SUPERVISOR)).get("me/day"), 403, "not-allowed")


async def test_a_card_that_may_not_be_seen_tells_neither_firm_nor_city(inbox: Inbox) -> None:
    api = inbox.api
    boris_card = await api.site.pool.fetchval(
        "insert into contact (name, owner_id, city) values ('Secret', $1, 'Kazan') returning id",
        api.site.users["boris"],
    )
    await api.site.pool.execute("update card_rule set sees = 'own'")
    root = await api.caller(Role.ADMIN, "root")
    await add(root, "tasks", "t", kind="call", contact=boris_card, owner=api.site.users["anna"])

    (row,) = (await day_of(await api.caller(Role.MANAGER, "anna")))["tasks"]

    assert row["entry"]["task"]["contact"]["name"] is None
    assert (row["city"], row["organisation"]) == (None, None)
