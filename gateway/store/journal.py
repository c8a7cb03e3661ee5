"""The journal's place, the families of rows, and what could not be read.

An open family keeps its rows so that a restarted gateway goes on in mid call; an ended one keeps them compressed, so
that any call can be explained and folded again.
"""

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from gateway.domain.errors import GiveUp
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
    damaged: bool = False
    """What the database holds of its rows cannot be read back, so there are none here."""


class DamagedRows(GiveUp, ValueError):
    """The stored rows of this call are damaged in the database; restore its family from a backup."""


def packed(rows: Iterable[bytes]) -> bytes:
    """Rows as one compressed value."""
    return zlib.compress(b"".join(len(r).to_bytes(_LENGTH, "big") + r for r in rows), level=1)


def unpacked(value: bytes) -> list[bytes]:
    """The rows of a compressed value, in the order in which they came.

    Raises:
        DamagedRows: it is not what `packed` made.
    """
    try:
        data = zlib.decompress(value)
    except zlib.error:
        raise DamagedRows from None
    rows: list[bytes] = []
    at = 0
    while at < len(data):
        begin = at + _LENGTH
        at = begin + int.from_bytes(data[at:begin], "big")
        rows.append(data[begin:at])
    if at > len(data) or not rows:
        raise DamagedRows
    return rows


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


async def legs_of_families(source: Pool | Connection, families: Sequence[UUID]) -> dict[str, UUID]:
    """The legs of families, as they were stored, each with its family; it goes through all legs there are."""
    found = await source.fetch("select id, family_id from leg where family_id = any($1::uuid[])", families)
    return {r["id"]: r["family_id"] for r in found}


async def family_of_call(source: Pool | Connection, call: UUID) -> StoredFamily | None:
    """The family a call was folded from; None: no such call.

    Raises:
        DamagedRows: its rows cannot be read back.
    """
    found = await source.fetchrow(f"{_FAMILY} where id = (select family_id from call where call.id = $1)", call)
    family = _family(found) if found else None
    if family is not None and family.damaged:
        raise DamagedRows
    return family


def _family(row: object) -> StoredFamily:
    values = dict(row)  # type: ignore[call-overload]
    try:
        return StoredFamily(**values | {"rows": unpacked(values["rows"])})
    except DamagedRows:
        return StoredFamily(**values | {"rows": []}, damaged=True)


async def load_cursor(source: Pool | Connection, pbx: str) -> dict[str, object] | None:
    """Where reading of the PBX's journal goes on; None: it was never read."""
    found: dict[str, object] | None = await source.fetchval("select cursor from journal_cursor where pbx = $1", pbx)
    return found
