"""Undoes an import: cards that it made go, values that it changed go back, and what people did since is kept.

A card that the import made goes whole where nothing else speaks of it. Where calls, tasks, notes or other rows do, it
stays and loses what the import gave it, as if its first call had made it. A card that somebody changed since is left
alone and told, unless the undo is forced; of a card that was joined, every value that is still the import's goes back.
Which rows speak of a card is asked of the database's own catalogue, so that later tables are not forgotten.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from gateway.domain.import_plan import undone_values
from gateway.store.card_numbers import settle_numbers
from gateway.store.database import Connection, Row
from gateway.store.facts import NewFact, save_facts
from gateway.store.import_batches import hold_cards, imported, update_cards

_TURN = 7463
_ITS_OWN = frozenset(
    {"contact_number", "contact_phone", "contact_address", "owner_change", "duplicate", "fact", "import_row"}
    | {"import_card", "import_key"}
)
"""Tables whose rows go with a card, or only remember it."""
_EMPTY: Mapping[str, object] = {
    "name": "",
    "owner_id": None,
    "organisation_id": None,
    "job_title": "",
    "city": "",
    "line_of_business": "",
    "priority": 0,
    "heat": None,
    "stage": "unsorted",
    "source_kind": None,
    "source_name": None,
    "timezone": None,
    "birthday": None,
    "note": "",
    "fields": {},
}


@dataclass(slots=True)
class Undone:
    """What became of some cards."""

    counts: dict[str, int] = field(default_factory=lambda: {"deleted": 0, "emptied": 0, "restored": 0, "kept": 0})
    facts: list[NewFact] = field(default_factory=list)
    deleted: list[int] = field(default_factory=list)
    changed: list[int] = field(default_factory=list)
    cards: int = 0


async def undo_batch(connection: Connection, import_id: int, *, forced: bool, now: datetime, limit: int) -> Undone:
    """Undo some cards of an import.

    Args:
        connection: within a transaction.
        import_id: which import.
        forced: whether what people changed since goes back too.
        now: the present moment, UTC.
        limit: how many cards at most.

    Returns:
        What was done; no cards: everything is.
    """
    await connection.execute("select pg_advisory_xact_lock($1)", _TURN)
    rows = await connection.fetch(
        "select contact_id, made, version, before, after, added from import_card where import_id = $1"
        " and undone is null order by contact_id limit $2 for update",
        import_id,
        limit,
    )
    done = Undone(cards=len(rows))
    held = await hold_cards(connection, [r["contact_id"] for r in rows])
    made = [r for r in rows if r["made"]]
    await _undo_made(connection, import_id, made, held, done, forced=forced, now=now)
    joined = [r for r in rows if not r["made"]]
    await _undo_joined(connection, import_id, joined, held, done, forced=forced, now=now)
    if done.deleted or done.changed:
        done.facts.append(imported(import_id, deleted=done.deleted, changed=done.changed))
    await save_facts(connection, done.facts)
    return done


async def _undo_made(
    connection: Connection,
    import_id: int,
    rows: Sequence[Row],
    held: Mapping[int, Mapping[str, object]],
    done: Undone,
    *,
    forced: bool,
    now: datetime,
) -> None:
    ids = [int(str(r["contact_id"])) for r in rows]
    versions = {int(str(r["contact_id"])): r["version"] for r in rows}
    merged = [id_ for id_ in ids if id_ not in held]
    changed = [id_ for id_ in ids if id_ in held and held[id_]["version"] != versions[id_] and not forced]
    free = sorted(set(ids) - set(merged) - set(changed))
    spoken_of = await _spoken_of(connection, import_id, free)
    await _mark(connection, import_id, merged, "kept", ["merged"], done)
    await _mark(connection, import_id, changed, "kept", ["changed"], done)
    emptied = [id_ for id_ in free if id_ in spoken_of]
    await _empty(connection, emptied, held, done, now)
    await _mark(connection, import_id, emptied, "emptied", [], done)
    gone = [id_ for id_ in free if id_ not in spoken_of]
    await _delete(connection, gone)
    await _mark(connection, import_id, gone, "deleted", [], done)
    done.deleted += gone


async def _mark(
    connection: Connection, import_id: int, ids: Sequence[int], what: str, kept: Sequence[str], done: Undone
) -> None:
    if ids:
        done.counts[what] += len(ids)
        await connection.execute(
            "update import_card set undone = $3, kept = $4 where import_id = $1 and contact_id = any($2::bigint[])",
            import_id,
            ids,
            what,
            list(kept),
        )


async def _spoken_of(connection: Connection, import_id: int, ids: Sequence[int]) -> set[int]:
    """Cards of which other rows speak: calls, tasks, notes, and whatever else has a column for a card."""
    columns = await connection.fetch(
        "select c.conrelid::regclass::text as relation, a.attname as name from pg_constraint c"
        "  join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]"
        "  where c.contype = 'f' and c.confrelid = 'contact'::regclass"
        " union select c.oid::regclass::text, a.attname from pg_class c join pg_attribute a on a.attrelid = c.oid"
        "  where c.relkind in ('r', 'p') and a.attname = 'contact_id' and a.attnum > 0 and not a.attisdropped"
        "   and c.relnamespace = 'public'::regnamespace and a.atttypid = 'bigint'::regtype"
    )
    looks = [
        f"select {c['name']} as id from {c['relation']} where {c['name']} = any($1::bigint[])"
        for c in columns
        if c["relation"] not in _ITS_OWN
    ]
    looks.append("select contact_id from owner_change where contact_id = any($1::bigint[]) and by <> $2")
    found = await connection.fetch(" union ".join(looks), ids, f"import:{import_id}")
    return {r["id"] for r in found}


async def _empty(
    connection: Connection,
    ids: Sequence[int],
    held: Mapping[int, Mapping[str, object]],
    done: Undone,
    now: datetime,
) -> None:
    """Take from cards that stay what the import gave them; their numbers stay, for calls are known by them."""
    cards = [{**_EMPTY, "id": id_, "version": int(str(held[id_]["version"])) + 1} for id_ in ids]
    await update_cards(connection, cards, now)
    await connection.execute("delete from contact_address where contact_id = any($1::bigint[])", ids)
    await _forget_externals(connection, ids)
    await connection.execute("update contact set made_by = 'call' where id = any($1::bigint[])", ids)
    done.changed += ids


async def _forget_externals(connection: Connection, ids: Sequence[int]) -> None:
    await connection.execute(
        "delete from external_id where kind = 'contact' and local = any($1::text[])", [str(id_) for id_ in ids]
    )


async def _delete(connection: Connection, ids: Sequence[int]) -> None:
    """Delete cards with everything that is theirs."""
    if not ids:
        return
    numbers = await connection.fetch(
        "delete from contact_phone where contact_id = any($1::bigint[]) returning number", ids
    )
    await connection.execute("delete from contact_number where contact_id = any($1::bigint[])", ids)
    await settle_numbers(connection, [r["number"] for r in numbers])
    for table in ("contact_address", "owner_change"):
        await connection.execute(f"delete from {table} where contact_id = any($1::bigint[])", ids)
    await connection.execute(
        "delete from duplicate where one_id = any($1::bigint[]) or other_id = any($1::bigint[])", ids
    )
    await _forget_externals(connection, ids)
    await connection.execute("delete from contact where id = any($1::bigint[])", ids)


async def _undo_joined(
    connection: Connection,
    import_id: int,
    rows: Sequence[Row],
    held: Mapping[int, Mapping[str, object]],
    done: Undone,
    *,
    forced: bool,
    now: datetime,
) -> None:
    back: list[dict[str, object]] = []
    for row in rows:
        id_ = int(str(row["contact_id"]))
        if id_ not in held:
            await _mark(connection, import_id, [id_], "kept", ["merged"], done)
            continue
        values, kept = undone_values(held[id_], row["before"], row["after"], forced=forced)  # type: ignore[arg-type]
        if values:
            back.append({**held[id_], **values, "version": int(str(held[id_]["version"])) + 1})
        await _mark(connection, import_id, [id_], "restored", kept, done)
        done.counts["kept"] += bool(kept)
    await update_cards(connection, back, now)
    await _owners(connection, import_id, held, back, now)
    await _take_added(connection, [r for r in rows if r["contact_id"] in held])
    done.changed += [int(str(card["id"])) for card in back]


async def _owners(
    connection: Connection,
    import_id: int,
    held: Mapping[int, Mapping[str, object]],
    back: Sequence[Mapping[str, object]],
    now: datetime,
) -> None:
    changed = [
        {"id": c["id"], "from": held[int(str(c["id"]))]["owner_id"], "to": c["owner_id"]}
        for c in back
        if held[int(str(c["id"]))]["owner_id"] != c["owner_id"]
    ]
    await connection.execute(
        "insert into owner_change (contact_id, from_id, to_id, reason, by, at) select r.id, r.from, r.to,"
        ' \'import undone\', $2, $3 from jsonb_to_recordset($1) as r(id bigint, "from" bigint, "to" bigint)',
        changed,
        f"import:{import_id}",
        now,
    )


async def _take_added(connection: Connection, rows: Sequence[Row]) -> None:
    """Take numbers, addresses and identifiers away that the cards got by the import."""
    added = {int(str(r["contact_id"])): r["added"] for r in rows if r["added"]}
    numbers: list[tuple[int, str]] = []
    addresses: list[int] = []
    externals: list[tuple[str, str]] = []
    for card, what in added.items():
        got: Mapping[str, Sequence[object]] = what  # type: ignore[assignment]
        numbers += [(card, str(number)) for number in got.get("numbers", ())]
        addresses += [int(str(id_)) for id_ in got.get("addresses", ())]
        externals += [(str(card), str(external)) for external in got.get("externals", ())]
    await connection.execute(
        "delete from contact_phone p using unnest($1::bigint[], $2::text[]) as w(card, number)"
        " where p.contact_id = w.card and p.number = w.number",
        [card for card, _ in numbers],
        [number for _, number in numbers],
    )
    await settle_numbers(connection, [number for _, number in numbers])
    await connection.execute("delete from contact_address where id = any($1::bigint[])", addresses)
    await connection.execute(
        "delete from external_id e using unnest($1::text[], $2::text[]) as w(local, external)"
        " where e.kind = 'contact' and e.local = w.local and e.external = w.external",
        [local for local, _ in externals],
        [external for _, external in externals],
    )


async def remove_organisations(connection: Connection, import_id: int) -> None:
    """Delete organisations that the import made and that nobody has used or changed since."""
    await connection.execute(
        "delete from organisation o using import_organisation i where i.import_id = $1 and o.id = i.organisation_id"
        " and o.version = 1 and o.merged_into is null and not exists (select from contact c"
        "  where c.organisation_id = o.id) and not exists (select from external_id e"
        "  where e.kind = 'organisation' and e.local = o.id::text)"
        " and not exists (select from organisation m where m.merged_into = o.id)",
        import_id,
    )
