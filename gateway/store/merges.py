"""Merging cards and undoing it: everything that hangs on the gone card moves to the one that is kept, and back.

What hangs on a card is not listed here: every foreign key to `contact` is asked of the catalogue, so a table that comes
later moves along (`hanging`). A row that cannot move, because the kept card has its like already, stays where it is and
is found through `merged_into`. Both cards are locked first, as a call that is written locks them, so a call never goes
to a card that is just being merged; what comes later follows by the triggers of migration 0011.

A merge writes down which rows it moved, with both cards as they were. Undoing it moves those back, and with them the
calls that came meanwhile from the numbers that go back (`gateway.store.unmerging`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

import asyncpg

from gateway.domain.cards import merged
from gateway.store.card_numbers import settle_numbers
from gateway.store.card_owners import owner_changed
from gateway.store.contacts import CHANGEABLE
from gateway.store.database import Connection, Pool, Row
from gateway.store.facts import NewFact
from gateway.store.hanging import ARRAYS, Hanging, hanging

Source = Pool | Connection

COLUMNS = CHANGEABLE
"""What a merge writes down of both cards."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """A merge as it is stored."""

    id: int
    kept_id: int
    gone_id: int
    gone_name: str
    by: str
    at: datetime
    undone_by: str | None
    undone_at: datetime | None


async def merge_cards(
    connection: Connection, kept: int, gone: int, *, by: str, now: datetime
) -> tuple[int, list[NewFact]] | None:
    """Merge a card into another one.

    Args:
        connection: within a transaction.
        kept: the card that stays.
        gone: the card whose address answers with the other from now on.
        by: who does it, like `user:17`.
        now: the present moment, UTC.

    Returns:
        The merge's id and what is to be told; None: one of them does not stand, or they are the same.
    """
    held = {
        r["id"]: r
        for r in await connection.fetch(
            f"select id, merged_into, version, {', '.join(COLUMNS)} from contact where id = any($1::bigint[])"
            " order by id for update",
            sorted({kept, gone}),
        )
    }
    if len(held) < 2 or any(card["merged_into"] is not None for card in held.values()):
        return None
    taken = merged(held[kept], held[gone])
    before: Row = {"kept": plain(held[kept]), "gone": plain(held[gone]), "taken": plain(taken)}
    await connection.execute("update contact set merged_into = $2, updated_at = $3 where id = $1", gone, kept, now)
    before["phones"], before["addresses"] = await _join(connection, kept, gone)
    before["turns"] = await _end_second_turn(connection, kept, gone, now)
    before["moved"] = {
        f"{h.table}.{h.column}": found
        for h in await hanging(connection)
        if (found := await _move(connection, h, gone, kept))
    }
    before["arrays"], before["arrays_with_both"] = await _replace(connection, gone, kept)
    before["external"] = await _move_external(connection, gone, kept)
    version = max(card["version"] for card in held.values()) + 1
    facts = await _take(connection, kept, taken, version=version, by=by, now=now)
    await connection.execute(
        "update contact c set last_touch_at = greatest(c.last_touch_at, g.last_touch_at) from contact g"
        " where c.id = $1 and g.id = $2",
        kept,
        gone,
    )
    await _settle_proposals(connection, kept, gone, by=by, now=now)
    merge: int = await connection.fetchval(
        "insert into contact_merge (kept_id, gone_id, before, by, at) values ($1, $2, $3, $4, $5) returning id",
        kept,
        gone,
        before,
        by,
        now,
    )
    fact = NewFact(kind="contact.merged", body={"id": kept, "gone": gone, "merge": merge, "by": by}, contact_id=kept)
    return merge, [*facts, fact]


def plain(card: Mapping[str, object]) -> Row:
    """Columns as JSON keeps them."""
    return {
        name: value.isoformat() if isinstance(value, date) else value for name, value in card.items() if name in COLUMNS
    }


async def _take(
    connection: Connection, kept: int, taken: Mapping[str, object], *, version: int, by: str, now: datetime
) -> list[NewFact]:
    """Write into the kept card what it takes over.

    Its version is above both cards': the gone one's address answers with it, and whoever read the gone card must not
    change the kept one because the numbers happen to be the same.
    """
    plain = {name: value for name, value in taken.items() if name != "owner_id"}
    sets = "".join(f", {name} = ${place}" for place, name in enumerate(plain, 4))
    await connection.execute(
        f"update contact set version = $3, updated_at = $2, compared_at = null{sets} where id = $1",
        kept,
        now,
        version,
        *plain.values(),
    )
    if "owner_id" not in taken:
        return []
    owner: int = taken["owner_id"]  # type: ignore[assignment]
    fact = await owner_changed(connection, kept, owner, reason="merged", by=by, now=now, versioned=False)
    return [fact] if fact else []


async def _join(connection: Connection, kept: int, gone: int) -> tuple[list[Row], list[Row]]:
    """Give the kept card the numbers and addresses of the other; what both have it keeps as it is."""
    phones = await connection.fetch(
        "delete from contact_phone where contact_id = $1 returning number, kind, label, made_at::text", gone
    )
    addresses = await connection.fetch(
        "delete from contact_address where contact_id = $1 returning kind, label, value, folded, made_at::text", gone
    )
    given: tuple[list[Row], list[Row]] = ([], [])
    for rows, table, into in (
        (phones, "contact_phone", given[0]),
        (addresses, "contact_address", given[1]),
    ):
        for row in rows:
            names = list(row.keys())
            places = ", ".join(
                f"${n}::text::timestamptz" if name == "made_at" else f"${n}" for n, name in enumerate(names, 2)
            )
            new = await connection.fetchval(
                f"insert into {table} (contact_id, {', '.join(names)}) values ($1, {places})"
                " on conflict do nothing returning true",
                kept,
                *row.values(),
            )
            into.append({**dict(row), "new": bool(new)})
    await settle_numbers(connection, [r["number"] for r in phones])
    return given


async def _move(connection: Connection, h: Hanging, gone: int, kept: int) -> list[Row]:
    """Move the rows of one table; those that the kept card has already stay."""
    pairs = ", ".join(f"'{name}', {name}" for name in h.key)
    key = f"jsonb_build_object({pairs})"
    statement = f"update {h.table} set {h.column} = $2 where {h.column} = $1"
    try:
        async with connection.transaction():
            rows = await connection.fetch(f"{statement} returning {key} as key", gone, kept)
            return [r["key"] for r in rows]
    except (asyncpg.UniqueViolationError, asyncpg.ExclusionViolationError):
        return await _move_singly(connection, h, gone, kept, key)


async def _move_singly(connection: Connection, h: Hanging, gone: int, kept: int, key: str) -> list[Row]:
    moved: list[Row] = []  # the keys as they are after it, of which the card may be a part
    for row in await connection.fetch(f"select {key} as key from {h.table} where {h.column} = $1", gone):
        try:
            async with connection.transaction():
                found = await connection.fetchval(
                    f"update {h.table} set {h.column} = $2 where {h.column} = $1 and {key} = $3 returning {key}",
                    gone,
                    kept,
                    row["key"],
                )
            moved += [found] if found is not None else []
        except (asyncpg.UniqueViolationError, asyncpg.ExclusionViolationError):
            continue
    return moved


async def _end_second_turn(connection: Connection, kept: int, gone: int, now: datetime) -> list[Row]:
    """Of two turns that are open the kept card's goes on; the other ends, or one client would have two deadlines."""
    rows = await connection.fetch(
        "update assignment a set state = 'closed', settled_at = $3"
        " from (select id, state from assignment where contact_id = $2 and state in ('given', 'waiting') for update) w"
        " where a.id = w.id and exists"
        "  (select from assignment o where o.contact_id = $1 and o.state in ('given', 'waiting'))"
        " returning a.id, w.state",
        kept,
        gone,
        now,
    )
    return [dict(r) for r in rows]


async def _replace(connection: Connection, gone: int, kept: int) -> tuple[dict[str, list[int]], dict[str, list[Row]]]:
    """The same for arrays of cards; gives those that had the gone card, and as they were those that had both."""
    moved: dict[str, list[int]] = {}
    both: dict[str, list[Row]] = {}
    for place in ARRAYS:
        table, column = place.split(".")
        had_both = await connection.fetch(
            f"update {table} t set {column} = array_remove(t.{column}, $1::bigint)"
            f" from (select id, {column} as was from {table} where {column} @> array[$1::bigint, $2::bigint]"
            "  for update) w"
            " where t.id = w.id returning t.id, w.was",
            gone,
            kept,
        )
        both[place] = [dict(r) for r in had_both]
        rows = await connection.fetch(
            f"update {table} set {column} = array_replace({column}, $1::bigint, $2::bigint)"
            f" where {column} @> array[$1::bigint] returning id",
            gone,
            kept,
        )
        moved[place] = [r["id"] for r in rows]
    return moved, both


async def _move_external(connection: Connection, gone: int, kept: int) -> list[Row]:
    """Names in other systems; where both cards have one in a system, each keeps its own."""
    rows = await connection.fetch(
        "update external_id e set local = $2 where e.kind = 'contact' and e.local = $1 and not exists"
        " (select from external_id o where o.system = e.system and o.kind = 'contact' and o.local = $2)"
        " returning e.system, e.external",
        str(gone),
        str(kept),
    )
    return [dict(r) for r in rows]


async def _settle_proposals(connection: Connection, kept: int, gone: int, *, by: str, now: datetime) -> None:
    """The proposal is done; what was dismissed about the gone card is so for the kept one."""
    await connection.execute(
        "update duplicate set state = 'merged', decided_by = $3, decided_at = $4"
        " where one_id = least($1::bigint, $2::bigint) and other_id = greatest($1::bigint, $2::bigint)",
        kept,
        gone,
        by,
        now,
    )
    await connection.execute(
        "insert into duplicate (one_id, other_id, reasons, score, state, decided_by, decided_at)"
        " select least($1::bigint, w.other), greatest($1::bigint, w.other), w.reasons, w.score, w.state,"
        "  w.decided_by, w.decided_at from (select case when d.one_id = $2 then d.other_id else d.one_id end as other,"
        "   d.reasons, d.score, d.state, d.decided_by, d.decided_at from duplicate d"
        "   where $2 in (d.one_id, d.other_id) and d.state = 'dismissed') w where w.other <> $1 on conflict do nothing",
        kept,
        gone,
    )


async def read_merge(source: Source, id: int) -> Merge | None:
    """One merge; None: there is none with this id."""
    row = await source.fetchrow(f"{_MERGE} where m.id = $1", id)
    return Merge(**dict(row)) if row else None


async def merges_of(source: Source, card: int) -> list[Merge]:
    """The merges into a card, the last first."""
    rows = await source.fetch(f"{_MERGE} where m.kept_id = $1 order by m.at desc, m.id desc limit 200", card)
    return [Merge(**dict(r)) for r in rows]


_MERGE = (
    "select m.id, m.kept_id, m.gone_id, g.name as gone_name, m.by, m.at, m.undone_by, m.undone_at"
    " from contact_merge m join contact g on g.id = m.gone_id"
)
