"""Undoing a merge: two cards again, each with what it had, and with what came meanwhile from its own numbers."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from gateway.store.card_numbers import settle_numbers
from gateway.store.card_owners import owner_changed
from gateway.store.database import Connection, Row
from gateway.store.facts import NewFact
from gateway.store.hanging import hanging
from gateway.store.merges import COLUMNS, plain


async def undo_merge(connection: Connection, id: int, *, by: str, now: datetime) -> list[NewFact] | None:
    """Take two cards apart that were merged.

    Args:
        connection: within a transaction.
        id: of the merge.
        by: who does it.
        now: the present moment, UTC.

    Returns:
        What is to be told; None: it is undone already, or the kept card was itself merged since, which must be undone
        first.
    """
    merge = await connection.fetchrow("select kept_id, gone_id from contact_merge where id = $1", id)
    if merge is None:
        return None
    kept, gone = merge["kept_id"], merge["gone_id"]
    cards = {
        r["id"]: r
        for r in await connection.fetch(
            f"select id, merged_into, version, {', '.join(COLUMNS)} from contact where id = any($1::bigint[])"
            " order by id for update",
            sorted((kept, gone)),
        )
    }
    before = await connection.fetchval(
        "update contact_merge set undone_by = $2, undone_at = $3 where id = $1 and undone_at is null returning before",
        id,
        by,
        now,
    )
    if before is None or cards[gone]["merged_into"] != kept or cards[kept]["merged_into"] is not None:
        return None
    await connection.execute("update contact set merged_into = null, updated_at = $2 where id = $1", gone, now)
    numbers = await _part(connection, kept, gone, before)
    await _move_back(connection, kept, gone, before, numbers)
    facts = await _give_back(connection, kept, cards[kept], before, by=by, now=now)
    await connection.execute(  # whoever read the kept card at the gone one's address must not change the gone one
        "update contact set version = $3::int + 1, compared_at = null where id = any(array[$1::bigint, $2::bigint])",
        kept,
        gone,
        max(card["version"] for card in cards.values()),
    )
    await connection.execute(
        "update duplicate set state = 'dismissed', decided_by = $3, decided_at = $4"
        " where one_id = least($1::bigint, $2::bigint) and other_id = greatest($1::bigint, $2::bigint)",
        kept,
        gone,
        by,
        now,
    )
    body: Row = {"id": kept, "gone": gone, "merge": id, "by": by}
    return [*facts, NewFact(kind="contact.unmerged", body=body, contact_id=kept)]


async def _part(connection: Connection, kept: int, gone: int, before: Row) -> list[str]:
    """Give numbers and addresses back; gives the numbers that only the gone card has now."""
    phones: Sequence[Mapping[str, object]] = before["phones"]  # type: ignore[assignment]
    addresses: Sequence[Mapping[str, object]] = before["addresses"]  # type: ignore[assignment]
    own = [str(p["number"]) for p in phones if p["new"]]
    await connection.execute("delete from contact_phone where contact_id = $1 and number = any($2::text[])", kept, own)
    await connection.execute(
        "delete from contact_address a using json_to_recordset($2) as w(kind text, folded text)"
        " where a.contact_id = $1 and a.kind = w.kind and a.folded = w.folded",
        kept,
        [dict(a) for a in addresses if a["new"]],
    )
    for table, rows, columns in (
        ("contact_phone", phones, "number text, kind text, label text, made_at timestamptz"),
        ("contact_address", addresses, "kind text, label text, value text, folded text, made_at timestamptz"),
    ):
        names = ", ".join(part.split()[0] for part in columns.split(", "))
        await connection.execute(
            f"insert into {table} (contact_id, {names}) select $1, {names} from json_to_recordset($2) as w({columns})"
            " on conflict do nothing",
            gone,
            [dict(r) for r in rows],
        )
    await settle_numbers(connection, [str(p["number"]) for p in phones])
    return own


async def _move_back(connection: Connection, kept: int, gone: int, before: Row, numbers: Sequence[str]) -> None:
    """Move back what was moved, and the calls that came meanwhile from numbers of the gone card alone.

    Calls that go back are so by a person's choice: what the pipeline remembers of them must not undo it.
    """
    moved: Mapping[str, Sequence[Row]] = before["moved"]  # type: ignore[assignment]
    for h in await hanging(connection):
        rows = moved.get(f"{h.table}.{h.column}", ())
        on = " and ".join(f"t.{k} = w.{k}" for k in h.key)
        chosen = ", contact_chosen = $1" if (h.table, h.column) == ("call", "contact_id") else ""
        await connection.execute(
            f"update {h.table} t set {h.column} = $1{chosen} from json_populate_recordset(null::{h.table}, $3) w"
            f" where {on} and t.{h.column} = $2",
            gone,
            kept,
            list(rows),
        )
    calls: list[UUID] = [
        r["id"]
        for r in await connection.fetch(
            "update call set contact_id = $1, contact_chosen = $1 where contact_id = $2"
            " and client_number = any($3::text[]) returning id",
            gone,
            kept,
            list(numbers),
        )
    ]
    for h in await hanging(connection):
        if calls and h.has_call:
            await connection.execute(
                f"update {h.table} set {h.column} = $1 where {h.column} = $2 and call_id = any($3::uuid[])",
                gone,
                kept,
                calls,
            )
    await _back_apart(connection, kept, gone, before)


async def _back_apart(connection: Connection, kept: int, gone: int, before: Row) -> None:
    arrays: Mapping[str, Sequence[int]] = before["arrays"]  # type: ignore[assignment]
    for place, ids in arrays.items():
        table, column = place.split(".")
        await connection.execute(
            f"update {table} set {column} = array_replace({column}, $1::bigint, $2::bigint)"
            " where id = any($3::bigint[])",
            kept,
            gone,
            list(ids),
        )
    both: Mapping[str, Sequence[Row]] = before.get("arrays_with_both", {})  # type: ignore[assignment]
    for place, rows in both.items():
        table, column = place.split(".")
        await connection.execute(
            f"update {table} t set {column} = case when t.{column} = array_remove(w.was, $1::bigint) then w.was"
            f"  else t.{column} || $1::bigint end from json_to_recordset($2) as w(id bigint, was bigint[])"
            f" where t.id = w.id and not t.{column} @> array[$1::bigint]",
            gone,
            [dict(r) for r in rows],
        )
    await connection.execute(
        "update assignment a set state = w.state, settled_at = null"
        " from json_to_recordset($2) as w(id bigint, state text)"
        " where a.id = w.id and a.contact_id = $1 and a.state = 'closed' and not exists"
        "  (select from assignment o where o.contact_id = $1 and o.state in ('given', 'waiting'))",
        gone,
        before.get("turns", []),
    )
    await connection.execute(
        "update external_id e set local = $1 from json_to_recordset($2) as w(system text, external text)"
        " where e.kind = 'contact' and e.system = w.system and e.external = w.external",
        str(gone),
        before["external"],
    )


async def _give_back(
    connection: Connection, kept: int, present: Mapping[str, object], before: Row, *, by: str, now: datetime
) -> list[NewFact]:
    """Let the kept card be as it was, but for what somebody has changed since."""
    was: Mapping[str, object] = before["kept"]  # type: ignore[assignment]
    taken: Mapping[str, object] = before["taken"]  # type: ignore[assignment]
    as_merged = plain(present)
    back = [name for name, value in taken.items() if as_merged[name] == value]
    sets = "".join(f", {name} = w.{name}" for name in back if name != "owner_id")
    await connection.execute(
        f"update contact c set updated_at = $3, compared_at = null{sets}"
        " from json_populate_record(null::contact, $2) w where c.id = $1",
        kept,
        dict(was),
        now,
    )
    if "owner_id" not in back:
        return []
    owner: int | None = was["owner_id"]  # type: ignore[assignment]
    fact = await owner_changed(connection, kept, owner, reason="merge undone", by=by, now=now, versioned=False)
    return [fact] if fact else []
