"""Imports as rows: a file with its mapping, how far it has come, and the verdicts of its rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gateway.store.database import Connection, Pool

Source = Pool | Connection
Json = dict[str, object]


class State(StrEnum):
    """How far an import has come."""

    READY = "ready"
    """The file is here and was looked at; nothing was tried."""
    CHECKING = "checking"
    CHECKED = "checked"
    """The dry run is over; nothing was written."""
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    """Stopped on the way; what was written stays until it is undone."""
    FAILED = "failed"
    UNDOING = "undoing"
    UNDONE = "undone"


ACTIVE = (State.CHECKING, State.RUNNING, State.UNDOING)
OPEN = (State.READY, State.CHECKED)
"""Mapping and options may be changed."""
UNDOABLE = (State.DONE, State.CANCELLED, State.FAILED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """An import."""

    id: int
    name: str
    """Of the file, as it was sent; only ever shown."""
    sha256: bytes
    size: int
    made_by: str
    made_at: datetime
    state: State
    found: Json
    """What the file turned out to be."""
    options: Json
    targets: list[str]
    """What each column becomes."""
    version: int
    rows_total: int
    place: int
    counts: dict[str, int]
    stop_wanted: bool
    forced: bool
    fault: str | None
    run_by: str | None
    begun_at: datetime | None
    resumed_at: datetime | None
    resumed_place: int
    moved_at: datetime | None
    ended_at: datetime | None


_SELECT = (
    "select id, name, sha256, size, made_by, made_at, state, found, options, targets, version, rows_total, place,"
    " counts, stop_wanted, forced, fault, run_by, begun_at, resumed_at, resumed_place, moved_at, ended_at from import"
)


def _import(row: Mapping[str, object]) -> Import:
    return Import(**{**dict(row), "state": State(str(row["state"]))})  # type: ignore[arg-type]


async def add_import(
    connection: Connection,
    *,
    name: str,
    sha256: bytes,
    size: int,
    made_by: str,
    found: Json,
    options: Json,
    targets: Sequence[str],
    rows: int,
) -> int:
    """Enter a file that was looked at."""
    id_: int = await connection.fetchval(
        "insert into import (name, sha256, size, made_by, found, options, targets, rows_total)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8) returning id",
        name,
        sha256,
        size,
        made_by,
        found,
        options,
        list(targets),
        rows,
    )
    return id_


async def read_import(source: Source, id: int) -> Import | None:
    """One import; None: there is none with this id."""
    row = await source.fetchrow(f"{_SELECT} where id = $1", id)
    return _import(row) if row else None


async def hold_import(connection: Connection, id: int) -> Import | None:
    """One import, which nobody else changes until the transaction ends."""
    row = await connection.fetchrow(f"{_SELECT} where id = $1 for update", id)
    return _import(row) if row else None


async def list_imports(source: Source, *, before: int | None, limit: int) -> list[Import]:
    """A page of imports, the newest first."""
    rows = await source.fetch(f"{_SELECT} where $1::bigint is null or id < $1 order by id desc limit $2", before, limit)
    return [_import(r) for r in rows]


async def active_imports(source: Source) -> list[int]:
    """Imports that somebody must work on, the oldest first."""
    rows = await source.fetch("select id from import where state = any($1::text[]) order by id", list(ACTIVE))
    return [r["id"] for r in rows]


async def same_files(source: Source, sha256: bytes, *, but: int | None = None) -> list[Import]:
    """Imports of the same file, the newest first."""
    rows = await source.fetch(
        f"{_SELECT} where sha256 = $1 and id is distinct from $2 order by id desc limit 20", sha256, but
    )
    return [_import(r) for r in rows]


async def change_import(
    connection: Connection, id: int, *, found: Json, options: Json, targets: Sequence[str], rows: int
) -> None:
    """Write another mapping; what was checked before is checked no more."""
    await connection.execute(
        "update import set found = $2, options = $3, targets = $4, rows_total = $5, version = version + 1,"
        " state = 'ready', place = 0, counts = '{}' where id = $1",
        id,
        found,
        options,
        list(targets),
        rows,
    )


async def begin(connection: Connection, id: int, state: State, *, by: str, now: datetime, forced: bool = False) -> None:
    """Order a dry run, the real one, or an undo."""
    if state is State.UNDOING:
        await connection.execute(
            "update import_card set undone = null, kept = '[]' where import_id = $1 and kept <> '[]'", id
        )
    else:
        await connection.execute("delete from import_row where import_id = $1", id)
    await connection.execute(
        "update import set state = $2, run_by = $3, begun_at = $4, resumed_at = $4, resumed_place = 0, moved_at = null,"
        " place = 0, counts = case when $2 <> 'undoing' then '{}' else counts - array['kept'] || jsonb_build_object("
        "  'undo_cards', (select count(*) from import_card where import_id = $1 and undone is null)) end,"
        " ended_at = null,"
        " stop_wanted = false, fault = null, forced = $5, version = version + 1 where id = $1",
        id,
        state,
        by,
        now,
        forced,
    )


async def resume(connection: Connection, id: int) -> Import | None:
    """Take up the work on an import; a dry run begins anew, for what it found out is not kept over a crash."""
    held = await hold_import(connection, id)
    if held is None or held.state not in ACTIVE:
        return None
    if held.state is State.CHECKING:
        await connection.execute("delete from import_row where import_id = $1", id)
        await connection.execute("delete from import_key where import_id = $1", id)
    await connection.execute(
        "update import set resumed_at = clock_timestamp(), moved_at = null,"
        " place = case when state = 'checking' then 0 else place end,"
        " counts = case when state = 'checking' then '{}' else counts end,"
        " resumed_place = case when state = 'checking' then 0 else place end where id = $1",
        id,
    )
    return await read_import(connection, id)


async def want_stop(connection: Connection, id: int) -> None:
    """Ask whoever works on it to stop behind the present rows."""
    await connection.execute("update import set stop_wanted = true where id = $1", id)


async def move(
    connection: Connection, id: int, *, state: State, from_place: int, to_place: int, counts: Mapping[str, int]
) -> bool:
    """Move the place, in the transaction that writes what lies before it.

    Returns:
        False: another has moved it meanwhile, or it is to stop; the caller gives the transaction up.
    """
    found = await connection.fetchval(
        "update import set place = $4, moved_at = clock_timestamp(), counts = ("
        "  select coalesce(jsonb_object_agg(key, n), '{}') from (select key, sum(value::bigint) as n from ("
        "   select * from jsonb_each_text(counts) union all select * from jsonb_each_text($5)) as t group by key) as s)"
        " where id = $1 and state = $2 and place = $3 and not stop_wanted returning true",
        id,
        state,
        from_place,
        to_place,
        dict(counts),
    )
    return bool(found)


async def finish(
    connection: Connection, id: int, *, was: State, state: State, now: datetime, fault: str | None = None
) -> bool:
    """Write down the end; False: it is not in the state any more in which it was worked on."""
    await connection.execute("delete from import_key where import_id = $1", id)
    found = await connection.fetchval(
        "update import set state = $3, ended_at = $4, fault = $5, stop_wanted = false, version = version + 1"
        " where id = $1 and state = $2 returning true",
        id,
        was,
        state,
        now,
        fault,
    )
    return bool(found)


async def remove_import(connection: Connection, id: int) -> None:
    """Forget an import that wrote no card."""
    await connection.execute("delete from import_key where import_id = $1", id)
    await connection.execute("delete from import where id = $1", id)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRow:
    """The verdict of a row."""

    line: int
    verdict: str
    contact_id: int | None
    twin: int | None
    by: str
    value: str
    code: str
    column: str
    faults: list[list[str]]
    cells: list[str]


async def list_rows(
    source: Source, id: int, *, verdict: str | None, told: bool | None, after: int, limit: int
) -> list[StoredRow]:
    """Verdicts, in the order of the file.

    Args:
        source: where to read.
        id: of the import.
        verdict: only these; None: all.
        told: true: only rows of which something was left out; None: all.
        after: the last row seen; 0: from the first.
        limit: how many at most.
    """
    rows = await source.fetch(
        'select line, verdict, contact_id, twin, by, value, code, "column", faults, cells from import_row'
        " where import_id = $1 and line > $2 and ($3::text is null or verdict = $3)"
        " and ($4::boolean is null or (faults <> '[]') = $4) order by line limit $5",
        id,
        after,
        verdict,
        told,
        limit,
    )
    return [StoredRow(**dict(r)) for r in rows]


async def kept_cards(source: Source, id: int, *, after: int, limit: int) -> list[tuple[int, list[str]]]:
    """Cards that an undo left as they are, or of which it left some values, with these values' names."""
    rows = await source.fetch(
        "select contact_id, kept from import_card where import_id = $1 and contact_id > $2 and kept <> '[]'"
        " order by contact_id limit $3",
        id,
        after,
        limit,
    )
    return [(r["contact_id"], list(r["kept"])) for r in rows]


async def people_keys(source: Source) -> list[tuple[int, str, str]]:
    """Everybody who can be a card's owner: id, login, name."""
    rows = await source.fetch("select id, login, name from users where active order by id")
    return [(r["id"], r["login"], r["name"]) for r in rows]


async def old_uploads(source: Source, before: datetime) -> list[int]:
    """Imports that were never run and that nobody has touched since a moment."""
    rows = await source.fetch(
        "select id from import where state = any($1::text[]) and coalesce(ended_at, made_at) < $2", list(OPEN), before
    )
    return [r["id"] for r in rows]
