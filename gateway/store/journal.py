"""The journal's place, the families of rows, and what could not be read.

An open family keeps its rows so that a restarted gateway goes on in mid call; an ended one keeps them compressed, so
that any call can be explained and folded again.
"""

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from gateway.store.database import Connection, Pool

_LENGTH = 4  # bytes before each row


@dataclass(slots=True, kw_only=True)
class StoredFamily:
    """A family as the database keeps it."""

    id: UUID
    pbx: str
    open: bool
    rows: list[bytes] = field(default_factory=list)
    first_at: datetime
    last_at: datetime


def packed(rows: Iterable[bytes]) -> bytes:
    """Rows as one compressed value."""
    return zlib.compress(b"".join(len(r).to_bytes(_LENGTH, "big") + r for r in rows), level=1)


def unpacked(value: bytes) -> list[bytes]:
    """The rows of a compressed value, in the order in which they came."""
    data = zlib.decompress(value)
    rows: list[bytes] = []
    at = 0
    while at < len(data):
        end = at + _LENGTH + int.from_bytes(data[at : at + _LENGTH], "big")
        rows.append(data[at + _LENGTH : end])
        at = end
    return rows


async def save_families(connection: Connection, families: Sequence[StoredFamily]) -> None:
    """Insert or replace families."""
    await connection.execute(
        "insert into family (id, pbx, open, rows, first_at, last_at)"
        " select * from unnest($1::uuid[], $2::text[], $3::bool[], $4::bytea[], $5::timestamptz[], $6::timestamptz[])"
        " on conflict (id) do update set open = excluded.open, rows = excluded.rows, last_at = excluded.last_at,"
        " first_at = excluded.first_at",
        [f.id for f in families],
        [f.pbx for f in families],
        [f.open for f in families],
        [packed(f.rows) for f in families],
        [f.first_at for f in families],
        [f.last_at for f in families],
    )


async def join_families(connection: Connection, kept: UUID, gone: Sequence[UUID]) -> None:
    """Let one family take over the calls and legs of others, which turned out to be the same."""
    await connection.execute("update call set family_id = $1 where family_id = any($2::uuid[])", kept, gone)
    await connection.execute("update leg set family_id = $1 where family_id = any($2::uuid[])", kept, gone)
    await connection.execute("delete from family where id = any($1::uuid[])", gone)


_FAMILY = "select id, pbx, open, rows, first_at, last_at from family"


async def open_families(source: Pool | Connection, pbx: str) -> list[StoredFamily]:
    """Families of a PBX with legs that have not ended."""
    found = await source.fetch(f"{_FAMILY} where pbx = $1 and open order by first_at", pbx)
    return [_family(r) for r in found]


async def families_of_legs(source: Pool | Connection, pbx: str, legs: Sequence[str]) -> list[StoredFamily]:
    """Families that any of the legs belongs to."""
    found = await source.fetch(
        f"{_FAMILY} where id in (select family_id from leg where pbx = $1 and id = any($2::text[]))", pbx, legs
    )
    return [_family(r) for r in found]


async def family_of_call(source: Pool | Connection, call: UUID) -> StoredFamily | None:
    """The family a call was folded from; None: no such call."""
    found = await source.fetchrow(f"{_FAMILY} where id = (select family_id from call where call.id = $1)", call)
    return _family(found) if found else None


def _family(row: object) -> StoredFamily:
    values = dict(row)  # type: ignore[call-overload]
    return StoredFamily(**values | {"rows": unpacked(values["rows"])})


async def load_cursor(source: Pool | Connection, pbx: str) -> dict[str, object] | None:
    """Where reading of the PBX's journal goes on; None: it was never read."""
    found: dict[str, object] | None = await source.fetchval("select cursor from journal_cursor where pbx = $1", pbx)
    return found


async def save_cursor(connection: Connection, pbx: str, cursor: dict[str, object]) -> None:
    """Remember the place behind the rows of this transaction."""
    await connection.execute(
        "insert into journal_cursor (pbx, cursor) values ($1, $2)"
        " on conflict (pbx) do update set cursor = excluded.cursor, updated_at = now()",
        pbx,
        cursor,
    )


async def quarantine(connection: Connection, pbx: str, broken: Sequence[tuple[str, bytes]]) -> None:
    """Keep what could not be read, with the reason."""
    await connection.executemany(
        "insert into quarantine (pbx, reason, data) values ($1, $2, $3)",
        [(pbx, reason, data[:65536]) for reason, data in broken],
    )
