"""Two cards that both have what a card has only once: what the merge does with it, and that undoing it is exact."""

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from aiohttp import ClientResponse

from gateway.domain.access import Role
from gateway.domain.import_plan import OnMatch
from gateway.domain.import_rows import ReadRow
from gateway.store.card_numbers import Phone, set_phones
from gateway.store.hanging import ARRAYS, hanging
from gateway.store.import_batches import Rules, known_cards
from gateway.store.merges import merge_cards
from gateway.store.unmerging import undo_merge
from tests.api.site import Api, problem
from tests.api.test_merges import ok, post
from tests.gateway.site import rows_of

pytestmark = pytest.mark.asyncio
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
STAYS = {"handover_card.contact_id", "birthday_told.contact_id"}
"""Tables with one row of a card: the kept one's counts, the gone one's waits there for an undo."""


async def two_busy_cards(api: Api) -> tuple[int, int]:
    """Cards of which both have an open turn, an open missed matter, tasks, an outcome, a handover, a birthday."""
    anna = await api.caller(Role.MANAGER, "anna")
    kept, gone, third = [(await ok(await post(anna, "contacts", {"name": n}), 201))["id"] for n in "ABC"]
    pool, user = api.site.pool, api.site.users["anna"]
    handovers = [
        await pool.fetchval(
            "insert into handover (kind, from_id, reason, by, at) values ('hand', $1, 'x', 'user:1', $2) returning id",
            user,
            NOW,
        )
        for _ in range(2)
    ]
    await pool.execute(
        "insert into handover_card (handover_id, contact_id) values ($1, $3), ($1, $4), ($2, $4)",
        *handovers,
        kept,
        gone,
    )
    for card in (kept, gone):
        await pool.execute(
            "insert into assignment (contact_id, user_id, state, reason, given_at, deadline_at)"
            " values ($1, $2, 'given', 'turn', $3, $3), ($1, $2, 'passed', 'turn', $3, $3)",
            card,
            user,
            NOW,
        )
        await pool.execute(
            "insert into missed (contact_id, number, pbx, state, calls, first_at, last_at, due_at, give_up_at,"
            " claimed_by, claimed_until) values ($1, '+79165550011', 'x', 'open', 1, $2, $2, $2, $2, $3, $2)",
            card,
            NOW,
            user,
        )
        await pool.execute(
            "insert into task (kind, title, owner_id, contact_id, contacts, made_by, created_at, changed_at)"
            " values ('call', 'x', $3, $1, array[$1::bigint], 'user:1', $2, $2),"
            " ('own', 'y', $3, null, array[$1::bigint, $4::bigint], 'user:1', $2, $2)",
            card,
            NOW,
            user,
            third,
        )
        await pool.execute(
            "insert into outcome (contact_id, user_id, disposition_id, is_complete, at, day, made_by, made_at,"
            " changed_at) select $1, $3, min(id), true, $2, current_date, 'user:1', $2, $2 from disposition",
            card,
            NOW,
            user,
        )
        await pool.execute("insert into birthday_told (contact_id, year) values ($1, 2026), ($1, $2)", card, card)
        await pool.execute(
            "insert into external_id (system, kind, external, local) values ('crm', 'contact', $1, $1)", str(card)
        )
    await pool.execute(
        "insert into task (kind, contacts, made_by, created_at, changed_at)"
        " values ('own', array[$1::bigint, $2::bigint, $3::bigint], 'user:1', $4, $4)",
        kept,
        gone,
        third,
        NOW,
    )
    return kept, gone


async def held(api: Api) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table that names a card, by the catalogue."""
    tables = {h.table for h in await hanging(api.site.pool)} | {place.split(".")[0] for place in ARRAYS}
    found = {}
    for table in sorted(tables - {"owner_change", "contact"} | {"external_id"}):
        rows = await api.site.pool.fetch(f"select to_jsonb(t) as row from {table} t order by 1")
        found[table] = [r["row"] for r in rows]
    return found


async def left_with(api: Api, card: int) -> set[str]:
    """Columns that still name a card."""
    return {
        f"{h.table}.{h.column}"
        for h in await hanging(api.site.pool)
        if await api.site.pool.fetchval(f"select count(*) from {h.table} where {h.column} = $1", card)
    }


async def test_what_both_cards_have_once_ends_with_the_kept_one(api: Api) -> None:
    """Requirements 114 and 116: one client, one turn, one queue; nothing goes on behind the gone card's back."""
    kept, gone = await two_busy_cards(api)
    pool = api.site.pool
    anna = await api.caller(Role.MANAGER, "anna")

    await ok(await post(anna, f"contacts/{kept}/merge", {"gone": [gone]}), 201)

    assert await left_with(api, gone) == STAYS
    assert await pool.fetchval("select count(*) from task where $1 = any(contacts)", gone) == 0
    group = await pool.fetchval("select contacts from task order by id desc limit 1")
    assert group.count(kept) == 1
    turns = await pool.fetch("select contact_id, state from assignment order by id")
    assert [(r["contact_id"], r["state"]) for r in turns] == [
        (kept, "given"),
        (kept, "passed"),
        (kept, "closed"),
        (kept, "passed"),
    ]
    assert await pool.fetchval("select count(*) from handover_card where contact_id = $1", kept) == 2
    for id_ in (kept, gone):
        (card,) = (await ok(await anna.get("contacts", params={"external": f"crm:{id_}"})))["items"]
        assert card["id"] == kept


async def test_undoing_a_merge_gives_both_cards_exactly_what_they_had(api: Api) -> None:
    kept, gone = await two_busy_cards(api)
    before = await held(api)
    async with api.site.pool.acquire() as connection, connection.transaction():
        done = await merge_cards(connection, kept, gone, by="user:1", now=NOW)
        assert done is not None
        assert await undo_merge(connection, done[0], by="user:1", now=NOW) is not None

    assert await held(api) == before


async def test_a_turn_that_the_kept_card_lacks_goes_on_with_it(api: Api) -> None:
    kept, gone = await two_busy_cards(api)
    await api.site.pool.execute("delete from assignment where contact_id = $1", kept)
    async with api.site.pool.acquire() as connection, connection.transaction():
        await merge_cards(connection, kept, gone, by="user:1", now=NOW)

    turns = await api.site.pool.fetch("select contact_id, state from assignment order by id")
    assert [(r["contact_id"], r["state"]) for r in turns] == [(kept, "given"), (kept, "passed")]


async def test_who_read_the_gone_card_does_not_change_the_kept_one_unawares(api: Api) -> None:
    """The gone card's address answers with the kept one, whose version must not happen to be the same."""
    anna = await api.caller(Role.MANAGER, "anna")
    kept, gone = [(await ok(await post(anna, "contacts", {"name": n}), 201))["id"] for n in "AB"]
    read = await ok(await anna.patch(f"contacts/{gone}", json={"version": 1, "city": "Казань"}))

    done = await ok(await post(anna, f"contacts/{kept}/merge", {"gone": [gone]}), 201)
    stale = await anna.patch(f"contacts/{gone}", json={"version": read["version"], "name": "B2"})
    merged = await ok(await anna.get(f"contacts/{gone}"))
    await ok(await post(anna, f"merges/{done['merges'][0]['id']}/undo"))
    staler = await anna.patch(f"contacts/{gone}", json={"version": merged["version"], "name": "A2"})

    await problem(stale, 409, "conflict")
    await problem(staler, 409, "conflict")
    assert merged["id"] == kept


async def test_an_owner_who_goes_back_with_an_undone_merge_is_told(api: Api) -> None:
    anna = await api.caller(Role.MANAGER, "anna")
    kept = (await ok(await post(anna, "contacts", {"name": "A"}), 201))["id"]
    owner = api.site.users["boris"]
    gone = (await ok(await post(anna, "contacts", {"name": "B", "owner": owner}), 201))["id"]
    done = await ok(await post(anna, f"contacts/{kept}/merge", {"gone": [gone]}), 201)

    undone = await ok(await post(anna, f"merges/{done['merges'][0]['id']}/undo"))

    feed = (await ok(await anna.get("events")))["items"]
    told = [f["body"] for f in feed if f["kind"] == "contact.owner_changed"]
    assert [(t["from"], t["to"], t["reason"]) for t in told] == [
        (None, owner, "merged"),
        (owner, None, "merge undone"),
    ]
    assert undone["contact"]["owner"] is None


@pytest.mark.parametrize("crossed", [False, True])
async def test_of_two_merges_at_once_of_the_same_cards_one_is_done(api: Api, crossed: bool) -> None:
    anna, boris = await api.caller(Role.MANAGER, "anna"), await api.caller(Role.MANAGER, "boris")
    for _ in range(5):
        a, b = [(await ok(await post(anna, "contacts", {"name": n}), 201))["id"] for n in "AB"]
        one, other = (a, b), ((b, a) if crossed else (a, b))
        answers = await asyncio.gather(
            *(
                post(who, f"contacts/{kept}/merge", {"gone": [gone]})
                for who, (kept, gone) in ((anna, one), (boris, other))
            )
        )
        assert sorted(answer.status for answer in answers) == [201, 409]
        standing = await api.site.pool.fetchval(
            "select count(*) from contact where id = any($1) and merged_into is null", [a, b]
        )
        assert standing == 1


async def test_a_change_at_the_moment_of_the_merge_is_refused_or_kept(api: Api) -> None:
    """Whichever is first, nobody's writing is lost without a word."""
    anna, boris = await api.caller(Role.MANAGER, "anna"), await api.caller(Role.MANAGER, "boris")
    for turn in range(6):
        a, b = [(await ok(await post(anna, "contacts", {"name": n}), 201))["id"] for n in "AB"]
        changed, merged = await asyncio.gather(
            anna.patch(f"contacts/{b}", json={"version": 1, "city": f"Город {turn}"}),
            post(boris, f"contacts/{a}/merge", {"gone": [b]}),
        )
        assert merged.status == 201
        assert changed.status in (200, 409)
        city = (await ok(await anna.get(f"contacts/{b}")))["city"]
        assert city == (f"Город {turn}" if changed.status == 200 else "")


async def test_the_time_line_tells_of_tasks_and_what_came_of_calls(api: Api) -> None:
    """Requirements 107 and 111: the whole history with a client, over all employees."""
    anna, boris = await api.caller(Role.MANAGER, "anna"), await api.caller(Role.MANAGER, "boris")
    card = (await ok(await post(anna, "contacts", {"name": "A"}), 201))["id"]
    due = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    task = await ok(await post(anna, "tasks", {"kind": "call", "title": "перезвонить", "contact": card, "due_at": due,
                                               "owner": api.site.users["anna"]}), 201)  # fmt: skip
    await ok(await anna.patch(f"tasks/{task['id']}", json={"version": task["version"], "state": "done"}))
    await api.site.pool.execute(
        "insert into outcome (contact_id, user_id, disposition_id, reason_id, note, is_complete, at, day, made_by,"
        " made_at, changed_at) select $1, $2, d.id, r.id, 'дорого ему', true, now(), current_date, 'user:1', now(),"
        " now() from disposition d, disposition_reason r where d.key = 'refusal' and r.key = 'too_expensive'",
        card,
        api.site.users["anna"],
    )

    mine = (await ok(await anna.get(f"contacts/{card}/timeline")))["items"]
    his = (await ok(await boris.get(f"contacts/{card}/timeline")))["items"]

    assert [(e["kind"], e["open"]) for e in mine] == [("outcome", True), ("task_ended", True), ("task", True)]
    assert [(e["kind"], e["open"]) for e in his] == [("outcome", False), ("task_ended", False), ("task", False)]
    assert (mine[0]["body"]["outcome"], mine[0]["body"]["reason"]) == ("refusal", "too_expensive")
    assert mine[1]["by"] == f"user:{api.site.users['anna']}" or mine[1]["by"].startswith("key:")
    assert (mine[2]["id"], mine[2]["body"]["state"], mine[2]["body"]["title"]) == (
        str(task["id"]),
        "done",
        "перезвонить",
    )


async def test_a_merge_and_a_call_that_stand_in_each_others_way_are_both_done(api: Api) -> None:
    """A call's writer holds the call and waits for the card, a merge the other way round; either may be given up."""
    anna = await api.caller(Role.MANAGER, "anna")
    await api.site.take_all(rows_of("in_answered"))
    gone = await api.site.pool.fetchval("select contact_id from call")
    kept = (await ok(await post(anna, "contacts", {"name": "A"}), 201))["id"]
    merging: asyncio.Task[ClientResponse] | None = None
    for _ in range(2):
        with contextlib.suppress(asyncpg.DeadlockDetectedError):
            async with api.site.pool.acquire() as connection, connection.transaction():
                await connection.execute("select from call for update")
                merging = merging or asyncio.create_task(post(anna, f"contacts/{kept}/merge", {"gone": [gone]}))
                await asyncio.sleep(0.3)
                await connection.execute("update call set contact_id = $1", gone)
            break
    assert merging is not None
    merged = await merging

    assert merged.status == 201, await merged.text()
    assert await api.site.pool.fetchval("select contact_id from call") == kept


async def test_an_imports_row_with_the_gone_cards_identifier_joins_the_kept_one(api: Api) -> None:
    kept, gone = await two_busy_cards(api)
    async with api.site.pool.acquire() as connection, connection.transaction():
        assert await merge_cards(connection, kept, gone, by="user:1", now=NOW) is not None
        row = ReadRow(line=2, name="B", numbers=[], addresses=[], organisation="", external=str(gone), values={},
                      fields={}, faults=[], refused=None)  # fmt: skip
        rules = Rules(import_id=1, on_match=OnMatch.FILL, use_emails=False, system="crm", stage="lead", owner=None,
                      source="")  # fmt: skip
        known = await known_cards(connection, rules, [row], dry=False)

    assert known.externals == {str(gone): kept}


async def test_a_number_that_a_third_card_gets_during_the_merge_is_shared(api: Api) -> None:
    """Complaint C8: several persons at one number are a choice, also when both changes meet."""
    anna, pool = await api.caller(Role.MANAGER, "anna"), api.site.pool
    number = "+79165550088"
    kept, gone, third = [
        (await ok(await post(anna, "contacts", {"name": n, "numbers": [number] if n == "B" else []}), 201))["id"]
        for n in "ABC"
    ]
    async with pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        assert await set_phones(connection, third, [Phone(number=number, shared=True)]) == {}
        merging = asyncio.create_task(post(anna, f"contacts/{kept}/merge", {"gone": [gone]}))
        await asyncio.sleep(0.3)
        assert not merging.done()
        await transaction.commit()
        await ok(await merging, 201)

    row = await pool.fetchrow("select contact_id, shared from contact_number where number = $1", number)
    assert (row["contact_id"], row["shared"]) == (None, True)
