"""Two cards that are one person: merged with all that hangs on them, also while he is on the phone, and taken apart."""

import asyncio
import itertools
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.domain.access import Role
from gateway.store.hanging import _APART, ARRAYS, hanging, references
from gateway.store.merges import merge_cards
from tests.api.site import Api, problem
from tests.gateway.site import rows_of

pytestmark = pytest.mark.asyncio
CALLER = "+79161234567"
_keys = itertools.count(1)


async def post(client: Any, path: str, json: Any = None) -> Any:
    return await client.post(path, json=json, headers={"Idempotency-Key": f"k{next(_keys)}"})


async def ok(response: Any, status: int = 200) -> Any:
    assert response.status == status, await response.text()
    return await response.json()


async def two_cards(api: Api, client: Any) -> tuple[Any, Any]:
    """The caller's card, and one that somebody typed for him."""
    await api.site.take_all(rows_of("in_answered"))
    caller = (await ok(await client.get("contacts", params={"q": CALLER})))["items"][0]
    typed = await ok(
        await post(
            client,
            "contacts",
            {
                "name": "Иван Петров",
                "city": "Казань",
                "heat": "hot",
                "priority": 3,
                "note": "ключевой",
                "numbers": ["+79165550011"],
                "addresses": [{"kind": "email", "value": "Ivan@Example.com"}],
                "owner": api.site.users["boris"],
            },
        ),
        201,
    )
    return caller, typed


async def test_all_that_hangs_on_the_gone_card_is_the_kept_ones(api: Api) -> None:
    """Requirements 114 and 116: duplicates of a client end in one card, with his whole history."""
    anna = await api.caller(Role.MANAGER, "anna")
    caller, typed = await two_cards(api, anna)
    await ok(await post(anna, f"contacts/{caller['id']}/notes", {"text": "звонил утром"}), 201)
    await api.site.pool.execute(
        "insert into external_id (system, kind, external, local) values ('crm', 'contact', 'x7', $1)",
        str(caller["id"]),
    )

    done = await ok(await post(anna, f"contacts/{typed['id']}/merge", {"gone": [caller["id"]]}), 201)
    read = await anna.get(f"contacts/{caller['id']}")

    assert read.headers["Content-Location"] == f"/api/v1/contacts/{typed['id']}"
    card = await ok(read)
    assert (card["id"], card["name"], card["city"], card["owner"]) == (
        typed["id"],
        "Иван Петров",
        "Казань",
        api.site.users["boris"],
    )
    assert sorted(card["numbers"]) == ["+79161234567", "+79165550011"]
    assert len(card["calls"]["items"]) == 1
    assert card["calls"]["items"][0]["contact_id"] == typed["id"]
    line = await ok(await anna.get(f"contacts/{typed['id']}/timeline"))
    assert [e["kind"] for e in line["items"]] == ["merge", "note", "owner", "call"]
    assert await api.site.pool.fetchval("select local from external_id") == str(typed["id"])
    assert done["merges"][0]["gone"] == caller["id"]
    assert (await ok(await anna.get("contacts")))["items"][0]["id"] == typed["id"]
    assert len((await ok(await anna.get("contacts")))["items"]) == 1


async def test_a_call_that_goes_on_after_the_merge_is_the_kept_cards(api: Api) -> None:
    """The pipeline remembers the card of an open call; what it writes later must not bring the gone one back."""
    anna = await api.caller(Role.MANAGER, "anna")
    rows = rows_of("in_answered")
    await api.site.take_all(rows[:4], 1)
    gone = await api.site.pool.fetchval("select contact_id from call")
    kept = (await ok(await post(anna, "contacts", {"name": "Иван", "numbers": ["+79165550011"]}), 201))["id"]

    await ok(await post(anna, f"contacts/{kept}/merge", {"gone": [gone]}), 201)
    await api.site.take_all(rows[4:], 1)

    assert await api.site.pool.fetchval("select state from call") == "ended"
    assert await api.site.pool.fetchval("select contact_id from call") == kept
    told = await api.site.pool.fetch(
        "select contact_id, body from fact where kind = 'call.ended' order by id desc limit 1"
    )
    assert (told[0]["contact_id"], told[0]["body"]["contact_id"]) == (kept, kept)
    feed = await ok(await anna.get("events"))
    assert {f["body"]["contact_id"] for f in feed["items"] if f["kind"].startswith("call.")} == {kept}


async def test_a_merge_is_undone_with_the_calls_that_came_in_between(api: Api) -> None:
    anna = await api.caller(Role.MANAGER, "anna")
    caller, typed = await two_cards(api, anna)
    done = await ok(await post(anna, f"contacts/{typed['id']}/merge", {"gone": [caller["id"]]}), 201)
    await api.site.take_all(rows_of("queue_answered"))
    await api.site.pool.execute("update contact set city = 'Самара' where id = $1", typed["id"])
    assert await api.site.pool.fetchval("select count(*) from call where contact_id = $1", typed["id"]) == 2

    merge = done["merges"][0]["id"]
    await ok(await post(anna, f"merges/{merge}/undo"))
    again = await post(anna, f"merges/{merge}/undo")

    await problem(again, 409, "conflict")
    one = await ok(await anna.get(f"contacts/{caller['id']}"))
    other = await ok(await anna.get(f"contacts/{typed['id']}"))
    assert (one["id"], one["name"], one["numbers"]) == (caller["id"], caller["name"], [CALLER])
    assert (other["numbers"], other["city"], other["note"]) == (["+79165550011"], "Самара", "ключевой")
    assert await api.site.pool.fetchval("select count(*) from call where contact_id = $1", caller["id"]) == 2
    proposals = await ok(await anna.get("duplicates", params={"state": "dismissed"}))
    assert proposals["items"] == []


async def test_a_dismissal_is_taken_back(api: Api) -> None:
    anna = await api.caller(Role.MANAGER, "anna")
    one, other = [(await ok(await post(anna, "contacts", {"name": n}), 201))["id"] for n in ("Иван", "Ивана")]
    id_ = await api.site.pool.fetchval(
        "insert into duplicate (one_id, other_id, reasons, score, found_at) values ($1, $2, '{name}', 0.5, now())"
        " returning id",
        one,
        other,
    )
    await problem(await post(anna, f"duplicates/{id_}/reopen"), 409, "conflict")

    await ok(await post(anna, f"duplicates/{id_}/dismiss"))
    assert (await ok(await anna.get("duplicates")))["items"] == []
    again = await ok(await post(anna, f"duplicates/{id_}/reopen"))

    assert (again["state"], again["decided_by"]) == ("open", None)
    assert [d["id"] for d in (await ok(await anna.get("duplicates")))["items"]] == [id_]


async def test_a_call_that_goes_on_after_the_undoing_stays_with_its_own_card(api: Api) -> None:
    anna = await api.caller(Role.MANAGER, "anna")
    rows = rows_of("in_answered")
    gone = (await ok(await post(anna, "contacts", {"name": "Иван", "numbers": [CALLER]}), 201))["id"]
    kept = (await ok(await post(anna, "contacts", {"name": "Пётр"}), 201))["id"]
    done = await ok(await post(anna, f"contacts/{kept}/merge", {"gone": [gone]}), 201)
    await api.site.take_all(rows[:4], 1)
    assert await api.site.pool.fetchval("select contact_id from call") == kept

    await ok(await post(anna, f"merges/{done['merges'][0]['id']}/undo"))
    await api.site.take_all(rows[4:], 1)

    assert await api.site.pool.fetchval("select contact_id from call") == gone


async def test_a_merge_under_a_later_one_is_undone_after_it(api: Api) -> None:
    anna = await api.caller(Role.MANAGER, "anna")
    a, b, c = [(await ok(await post(anna, "contacts", {"name": n}), 201))["id"] for n in "ABC"]
    first = (await ok(await post(anna, f"contacts/{b}/merge", {"gone": [a]}), 201))["merges"][0]["id"]
    second = (await ok(await post(anna, f"contacts/{c}/merge", {"gone": [b]}), 201))["merges"][0]["id"]

    assert (await ok(await anna.get(f"contacts/{a}")))["id"] == c
    await problem(await post(anna, f"merges/{first}/undo"), 409, "conflict")
    await ok(await post(anna, f"merges/{second}/undo"))
    await ok(await post(anna, f"merges/{first}/undo"))

    assert [(await ok(await anna.get(f"contacts/{x}")))["id"] for x in (a, b, c)] == [a, b, c]


async def test_cards_that_do_not_stand_are_not_merged(api: Api) -> None:
    anna = await api.caller(Role.MANAGER, "anna")
    a, b = [(await ok(await post(anna, "contacts", {"name": n}), 201))["id"] for n in "AB"]
    await ok(await post(anna, f"contacts/{b}/merge", {"gone": [a]}), 201)

    await problem(await post(anna, f"contacts/{b}/merge", {"gone": [a]}), 409, "conflict")
    await problem(await post(anna, f"contacts/{b}/merge", {"gone": [b]}), 409, "conflict")
    await problem(await post(anna, f"contacts/{b}/merge", {"gone": [999]}), 422, "invalid-request")
    await problem(await post(anna, "contacts/999/merge", {"gone": [b]}), 404, "not-found")
    await problem(await post(anna, "merges/999/undo"), 404, "not-found")


async def test_every_column_that_names_a_card_is_known_to_the_merge(api: Api) -> None:
    """A table that comes later moves along by its foreign key; one without a key must be named in `ARRAYS`."""
    pool = api.site.pool
    every = await references(pool)
    found = {f"{h.table}.{h.column}" for h in every}
    named = await pool.fetch(
        "select table_name || '.' || column_name as place from information_schema.columns"
        " where table_schema = 'public'"
        " and (column_name like '%contact\\_id' or column_name in ('contacts', 'contact'))"
    )
    told_as_it_was = {"fact.contact_id", "import_row.contact_id", "import_card.contact_id"}

    assert found >= _APART
    assert {r["place"] for r in named} - found - set(ARRAYS) - told_as_it_was == set()
    assert all(h.key for h in await hanging(pool))


@pytest.mark.parametrize("call_first", [True, False])
async def test_a_call_written_at_the_same_moment_as_the_merge_is_the_kept_cards(api: Api, call_first: bool) -> None:
    """Whichever commits first: the call is moved by the merge, or it waits for it and follows."""
    anna = await api.caller(Role.MANAGER, "anna")
    caller, typed = await two_cards(api, anna)
    gone, kept, pool = caller["id"], typed["id"], api.site.pool
    await pool.execute("update call set contact_id = null")

    async def write(connection: Any) -> None:
        await connection.execute("update call set contact_id = $1", gone)

    async def merge(connection: Any) -> None:
        assert await merge_cards(connection, kept, gone, by="test", now=datetime.now(UTC)) is not None

    first, second = (write, merge) if call_first else (merge, write)
    async with pool.acquire() as one, pool.acquire() as other, asyncio.TaskGroup() as tasks:
        transaction = one.transaction()
        await transaction.start()
        await first(one)

        async def follow() -> None:
            async with other.transaction():
                await second(other)

        waiting = tasks.create_task(follow())
        await asyncio.sleep(0.2)
        assert not waiting.done()
        await transaction.commit()

    assert await pool.fetchval("select contact_id from call") == kept
