"""Cards: one for each person, found however his number is written, changed by one at a time."""

import asyncio
import itertools
from typing import Any

import pytest

from gateway.domain.access import Role
from tests.api.site import Api, problem
from tests.gateway.site import rows_of

pytestmark = pytest.mark.asyncio
CARD = {"name": "Иван Петров", "numbers": ["8 (916) 555-00-11", "+7 916 555 00 12"]}


_keys = itertools.count(1)


async def make(client: Any, card: Any, path: str = "contacts") -> Any:
    """Post something with a key of its own."""
    return await client.post(path, json=card, headers={"Idempotency-Key": f"k{next(_keys)}"})


async def ok(response: Any, status: int = 200) -> Any:
    """The JSON of an answer that must be good."""
    assert response.status == status, await response.text()
    return await response.json()


async def test_a_card_is_found_by_its_name_and_by_its_number_in_any_writing(api: Api) -> None:
    anna = await api.caller(Role.MANAGER, "anna")
    card = await ok(await make(anna, CARD), 201)
    await ok(await make(anna, {"name": "100% Петров_а"}), 201)

    for text in ("иван", "ИВАН ПЕТ", "89165550011", "+7 (916) 555-00-12", "9165550012"):
        found = await ok(await anna.get("contacts", params={"q": text}))
        assert [c["id"] for c in found["items"]] == [card["id"]], text
    assert card["numbers"] == ["+79165550011", "+79165550012"]
    assert len((await ok(await anna.get("contacts", params={"q": "%"})))["items"]) == 1
    assert len((await ok(await anna.get("contacts", params={"q": "петров_"})))["items"]) == 1


async def test_a_number_never_gets_a_second_card(api: Api) -> None:
    await api.site.take_all(rows_of("in_answered"))
    anna = await api.caller(Role.MANAGER, "anna")

    answers = await asyncio.gather(*(make(anna, CARD) for _ in range(5)))
    taken = await make(anna, {"name": "x", "numbers": ["89161234567"]})

    assert sorted(r.status for r in answers) == [201, 409, 409, 409, 409]
    await problem(taken, 409, "conflict")
    assert await api.site.pool.fetchval("select count(*) from contact") == 2


@pytest.mark.parametrize("number", ["anonymous", "101", "", "abc"])
async def test_what_is_no_clients_number_is_refused_at_its_place(api: Api, number: str) -> None:
    anna = await api.caller(Role.MANAGER, "anna")

    document = await problem(
        await make(anna, {"name": "x", "numbers": ["89165550011", number]}), 422, "invalid-request"
    )

    assert document["errors"][0]["pointer"] == "#/numbers/1"  # type: ignore[index]
    assert await api.site.pool.fetchval("select count(*) from contact") == 0


async def test_who_read_an_older_version_does_not_overwrite_the_newer(api: Api) -> None:
    anna, boris = await api.caller(Role.MANAGER, "anna"), await api.caller(Role.MANAGER, "boris")
    card = await ok(await make(anna, CARD), 201)
    path = f"contacts/{card['id']}"

    changed = await ok(await anna.patch(path, json={"version": 1, "note": "звонить утром"}))
    stale = await boris.patch(path, json={"version": 1, "note": "another"})

    await problem(stale, 409, "conflict")
    assert (changed["version"], changed["note"], changed["name"]) == (2, "звонить утром", CARD["name"])
    await problem(await boris.patch("contacts/999", json={"version": 1}), 404, "not-found")


async def test_an_owner_is_given_and_taken(api: Api) -> None:
    anna = await api.caller(Role.MANAGER, "anna")
    user = api.site.users["anna"]
    card = await ok(await make(anna, CARD | {"owner": user}), 201)
    path = f"contacts/{card['id']}"

    kept = await ok(await anna.patch(path, json={"version": 1, "name": "Пётр"}))
    mine = await ok(await anna.get("contacts", params={"owner": user}))
    freed = await ok(await anna.patch(path, json={"version": 2, "owner": None}))

    assert (kept["owner"], len(mine["items"]), freed["owner"]) == (user, 1, None)
    await problem(await anna.patch(path, json={"version": 3, "owner": 999}), 422, "invalid-request")


async def test_the_history_shows_the_calls_that_the_reader_may_see(api: Api) -> None:
    await api.site.take_all(rows_of("in_answered"))
    await api.site.take_all(rows_of("queue_answered"))
    card = await api.site.pool.fetchval("select id from contact")
    anna, boris = await api.caller(Role.MANAGER, "anna"), await api.caller(Role.MANAGER, "boris")

    hers = await ok(await anna.get(f"contacts/{card}"))
    his = await ok(await boris.get(f"contacts/{card}"))

    assert (len(hers["calls"]["items"]), len(his["calls"]["items"])) == (2, 1)
    assert hers["numbers"] == ["+79161234567"]


async def test_changes_are_facts_of_the_feed(api: Api) -> None:
    anna = await api.caller(Role.MANAGER, "anna")
    card = await ok(await make(anna, CARD), 201)
    await ok(await anna.patch(f"contacts/{card['id']}", json={"version": 1, "name": "Пётр"}))

    feed = await ok(await anna.get("events"))

    assert [f["kind"] for f in feed["items"]] == ["contact.created", "contact.changed"]
    assert feed["items"][1]["body"] == {"id": card["id"], "version": 2}


async def test_pages_of_cards_follow_each_other(api: Api) -> None:
    anna = await api.caller(Role.MANAGER, "anna")
    for number in range(5):
        await ok(await make(anna, {"name": f"n{number}"}), 201)

    first = await ok(await anna.get("contacts", params={"limit": 3}))
    await ok(await make(anna, {"name": "new"}), 201)
    rest = await ok(await anna.get("contacts", params={"limit": 3, "cursor": first["next"]}))

    assert [c["name"] for c in first["items"] + rest["items"]] == ["n4", "n3", "n2", "n1", "n0"]
    assert rest["next"] is None
