"""Names of clients and managers: with every call, as they are now, the client's for those only who may see cards."""

import asyncio
from typing import Any

import pytest

from gateway.api.naming import KEPT, LiveNames
from gateway.domain.access import Right, Role
from gateway.domain.call_view import View
from tests.api.site import Api
from tests.api.test_live_socket import live, told
from tests.gateway.site import rows_of

pytestmark = pytest.mark.asyncio
DAYS = {"since": "2026-11-01", "until": "2026-12-31"}
NO_CARDS = [Right.CALLS_READ_ALL, Right.STATISTICS_READ_ALL]


async def get(client: Any, path: str, **query: Any) -> Any:
    """The JSON of an answer that must be good."""
    response = await client.get(path, params=query)
    assert response.status == 200, await response.text()
    return await response.json()


async def rename(api: Api, name: str) -> int:
    """Give the only card this name, and tell which it is."""
    card: int = await api.site.pool.fetchval("update contact set name = $1 returning id", name)
    return card


async def views(api: Api, client: Any) -> list[Any]:
    """The only call in every place in which the API shows calls."""
    (listed,) = (await get(client, "calls"))["items"]
    (behind,) = (await get(client, "statistics/company/calls", figure="calls", **DAYS))["items"]
    return [
        listed,
        await get(client, f"calls/{listed['id']}"),
        behind,
        next(f["body"] for f in (await get(client, "events"))["items"] if f["kind"] == "call.ended"),
    ]


async def test_a_call_names_its_client_and_its_managers_wherever_it_is_shown(api: Api) -> None:
    await api.site.take_all(rows_of("queue_answered"))
    await rename(api, "Ольга Никифорова")
    head = await api.caller(Role.SUPERVISOR)

    for call in await views(api, head):
        assert call["contact_name"] == "Ольга Никифорова"
        assert {m["extension"]: m["name"] for m in call["managers"]} == {"101": "Anna", "102": "Boris"}
        assert call["responsible_name"] == "Boris"


async def test_a_manager_sees_the_names_of_colleagues_in_his_calls(api: Api) -> None:
    await api.site.take_all(rows_of("queue_answered"))
    anna = await api.caller(Role.MANAGER, "anna")

    (call,) = (await get(anna, "calls"))["items"]

    assert {m["name"] for m in call["managers"]} == {"Anna", "Boris"}


async def test_who_may_not_see_cards_does_not_learn_their_names(api: Api) -> None:
    await api.site.take_all(rows_of("queue_answered"))
    card = await rename(api, "Ольга Никифорова")
    narrow = await api.caller(Role.SUPERVISOR, rights=NO_CARDS)

    for call in await views(api, narrow):
        assert (call["contact_id"], call["contact_name"]) == (card, None)
        assert {m["name"] for m in call["managers"]} == {"Anna", "Boris"}


async def test_a_call_without_a_card_or_a_known_manager_has_no_names(api: Api) -> None:
    await api.site.take_all(rows_of("internal"))
    await api.site.pool.execute("update call_manager set user_id = null")
    await api.site.pool.execute("update call set responsible_id = null, managers = null")
    head = await api.caller(Role.SUPERVISOR)

    (call,) = (await get(head, "calls", kind="all"))["items"]

    assert (call["contact_id"], call["contact_name"], call["responsible_name"]) == (None, None, None)
    assert {m["name"] for m in call["managers"]} == {None}


async def test_the_live_socket_names_them_in_the_replay_and_in_what_happens(api: Api) -> None:
    rows = rows_of("queue_answered")
    await api.site.take_all(rows[:9])
    await rename(api, "Ольга Никифорова")
    head, narrow = await api.signed_in("head"), await api.caller(Role.SUPERVISOR, rights=NO_CARDS)

    async with live(head) as socket, live(narrow) as other:
        messages = {True: await told(socket), False: await told(other)}
        await api.site.take_all(rows[9:], 1)
        messages[True] += await told(socket, "call.ended")
        messages[False] += await told(other, "call.ended")

    for sees_cards, heard in messages.items():
        calls = [m["body"] for m in heard if m["kind"].startswith("call.")]
        assert {c["contact_name"] for c in calls} == {"Ольга Никифорова" if sees_cards else None}
        assert all(m["name"] in ("Anna", "Boris") for c in calls for m in c["managers"])
        assert calls[-1]["responsible_name"] == "Boris"


async def test_a_card_that_is_made_while_the_phone_rings_is_named_at_once(api: Api) -> None:
    anna = await api.signed_in("anna")
    async with live(anna) as socket:
        await told(socket)
        await api.site.take_all(rows_of("in_answered")[:3])
        ringing = (await told(socket, "call.ringing"))[-1]["body"]

    assert (ringing["contact_id"], ringing["contact_name"]) == (
        await api.site.pool.fetchval("select id from contact"),
        "Client",
    )


async def test_the_names_of_a_published_call_are_read_once_for_all_sockets(api: Api) -> None:
    user = api.site.users["anna"]
    names = LiveNames(api.site.pool)
    first: View = {"contact_id": None, "responsible_id": user, "managers": [{"extension": "101", "user_id": user}]}
    second = {**first}

    sockets = await asyncio.gather(*(names.of([first]) for _ in range(5)))
    await api.site.pool.execute("update users set name = 'Anna Maria' where id = $1", user)
    (again,), (anew,) = await names.of([first]), await names.of([second])

    assert [found[0].users[user] for found in sockets] == ["Anna"] * 5
    assert (again.users[user], anew.users[user]) == ("Anna", "Anna Maria")


async def test_names_that_no_socket_can_ask_for_any_more_are_forgotten(api: Api) -> None:
    user = api.site.users["anna"]
    names = LiveNames(api.site.pool)
    body: View = {"contact_id": None, "responsible_id": user, "managers": []}
    await names.of([body])
    await api.site.pool.execute("update users set name = 'Anna Maria' where id = $1", user)

    await names.of([{**body} for _ in range(KEPT)])

    assert (await names.of([body]))[0].users[user] == "Anna Maria"
