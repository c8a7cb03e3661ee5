"""The live board in one read: who is how and with whom, who waits, who was not returned, how today stands."""

from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import ClientSession

from gateway.aftercare.manager_states import look_at_calls
from gateway.domain.access import Role
from tests.api.site import Api, problem
from tests.api.test_missed import Inbox, inbox
from tests.gateway.site import rows_of

__all__ = ["inbox"]


async def board_of(client: ClientSession, **query: str) -> Any:
    """Everything on it."""
    response = await client.get("board", params=query)
    assert response.status == 200, await response.text()
    return await response.json()


def line(board: Any, name: str) -> Any:
    return next(m for m in board["managers"] if m["name"] == name)


async def look(api: Api) -> None:
    """Let the states follow the calls."""
    async with api.site.pool.acquire() as connection, connection.transaction():
        await look_at_calls(connection, datetime.now(UTC))


async def test_who_talks_stands_with_his_client_and_since_when(api: Api) -> None:
    await api.site.take_all(rows_of("in_answered")[:8])
    await api.site.pool.execute("update contact set name = 'Olga', heat = 'hot'")
    await look(api)
    call = await api.site.pool.fetchval("select id from call where state = 'talking'")

    board = await board_of(await api.caller(Role.SUPERVISOR, "head"))

    anna, boris = line(board, "Anna"), line(board, "Boris")
    assert (anna["state"], anna["rings"], anna["call"]["call"]) == ("talking", False, str(call))
    assert (anna["call"]["contact_name"], anna["call"]["heat"], anna["call"]["held_since"]) == ("Olga", "hot", None)
    assert anna["since"] is not None
    assert anna["extensions"] == ["101"]
    assert (boris["state"], boris["call"], boris["takes_calls"]) == ("available", None, True)
    assert [m["name"] for m in board["managers"]] == ["Anna", "Boris"]


async def test_a_client_who_waits_stands_with_the_group_that_rings(api: Api) -> None:
    users = api.site.users
    root = await api.caller(Role.ADMIN, "root")
    group = {"name": "Sales", "strategy": "all", "members": [users["anna"], users["boris"]]}
    made = await root.post("routing-groups", json=group, headers={"Idempotency-Key": "g"})
    assert made.status == 201, await made.text()
    await api.site.take_all(rows_of("queue_answered")[:5])

    board = await board_of(await api.caller(Role.SUPERVISOR, "head"))

    (waiting,) = board["waiting"]
    (sales,) = board["groups"]
    assert (waiting["group"], waiting["rings_for"]) == (sales["id"], sorted([users["anna"], users["boris"]]))
    assert (sales["waiting"], sales["longest_since"], sales["free"]) == (1, waiting["started_at"], 0)
    assert line(board, "Anna")["rings"]
    assert line(board, "Anna")["call"]["call"] == waiting["call"]


async def test_who_was_not_returned_in_time_stands_with_whom_it_rang(inbox: Inbox) -> None:
    await inbox.call("in_noanswer", 30)
    head = await inbox.api.caller(Role.SUPERVISOR, "head")

    board = await board_of(head)

    (late,) = board["late"]
    assert (board["late_total"], late["rang_name"], late["claimed_by"]) == (1, "Anna", None)
    assert datetime.fromisoformat(late["due_at"]) < datetime.now(UTC)
    assert line(board, "Anna")["missed"] == 1


async def test_today_stands_beside_the_usual(inbox: Inbox) -> None:
    await inbox.call("in_answered", 20)
    await inbox.call("in_noanswer", 30, number="+79031112233")
    week = timedelta(weeks=1) / timedelta(minutes=1)
    await inbox.call("in_answered", week + 15, number="+79031112244")
    root = await inbox.api.caller(Role.ADMIN, "root")
    goal = await root.post("goals", json={"measure": "calls", "target": 4}, headers={"Idempotency-Key": "g"})
    assert goal.status == 201

    board = await board_of(root)

    today = board["today"]
    begun = datetime.now(inbox.api.parts.settings.company.timezone)
    if begun.hour or begun.minute > 40:  # else the calls of some minutes ago were yesterday's
        assert (today["now"]["calls"], today["now"]["answered"], today["now"]["answered_share"]) == (2, 1, 0.5)
        assert today["now"]["median_wait_seconds"] > 0
        assert today["now"]["returned"]["never"] == 1
        assert (today["usual"]["calls"], today["usual"]["answered_share"]) == (1, 1.0)
        assert (line(board, "Anna")["goal"]["done"], today["goal_done"]) == (2, 2)
        assert line(board, "Anna")["talk_seconds"] == today["talk_seconds"] > 0
    assert (line(board, "Anna")["goal"]["target"], today["goal_target"]) == (4, 8)


async def test_one_team_has_its_own_board(inbox: Inbox) -> None:
    api = inbox.api
    await inbox.call("in_noanswer", 30)
    root = await api.caller(Role.ADMIN, "root")
    body = {"name": "Two", "members": [{"user": api.site.users["boris"]}]}
    team = await (await root.post("teams", json=body, headers={"Idempotency-Key": "t"})).json()

    board = await board_of(root, team=str(team["id"]))

    assert [m["name"] for m in board["managers"]] == ["Boris"]
    assert board["teams"] == [{"id": team["id"], "name": "Two", "members": [api.site.users["boris"]]}]
    assert (board["late_total"], board["today"]["now"]["calls"]) == (0, 0)
    await problem(await root.get("board", params={"team": "77"}), 404, "not-found")


async def test_absence_and_asks_for_help_stand_on_it(api: Api) -> None:
    root, anna = await api.caller(Role.ADMIN, "root"), await api.caller(Role.MANAGER, "anna")
    until = (datetime.now(UTC) + timedelta(days=3)).isoformat()
    body = {"user": api.site.users["boris"], "kind": "holiday", "until": until}
    away = await root.post("absences", json=body, headers={"Idempotency-Key": "a"})
    assert away.status == 201, await away.text()
    await anna.post("help", json={"text": "Come"}, headers={"Idempotency-Key": "h"})

    board = await board_of(root)

    assert line(board, "Boris")["away"]["kind"] == "holiday"
    assert [(h["user_name"], h["text"]) for h in board["help"]] == [("Anna", "Come")]


async def test_a_manager_has_no_board(api: Api) -> None:
    await problem(await (await api.caller(Role.MANAGER, "anna")).get("board"), 403, "not-allowed")
