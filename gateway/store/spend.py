"""What was spent on channels, as people entered it: a sum for a channel and a span of days."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from gateway.store.database import Connection, Pool

Source = Pool | Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendRow:
    """A sum as it was entered."""

    id: int
    channel_by: str
    kind: str
    name: str
    since: date
    until: date
    amount: Decimal
    currency: str
    note: str
    made_by: str
    made_at: datetime
    version: int


_COLUMNS = "id, channel_by, kind, name, since, until, amount, currency, note, made_by, made_at, version"
CHANGEABLE = ("kind", "name", "since", "until", "amount", "currency", "note")


async def list_spend(
    source: Source, *, since: date, until: date, by: str | None, before: int | None, limit: int
) -> list[SpendRow]:
    """Sums that touch a span of days, the last entered first."""
    rows = await source.fetch(
        f"select {_COLUMNS} from spend where removed_at is null and since <= $2 and until >= $1"
        " and ($3::text is null or channel_by = $3) and ($4::bigint is null or id < $4)"
        f" order by id desc limit {int(limit)}",
        since,
        until,
        by,
        before,
    )
    return [SpendRow(**dict(r)) for r in rows]


async def read_spend(source: Source, id: int) -> SpendRow | None:
    """One sum; None: there is none, or it was taken away."""
    row = await source.fetchrow(f"select {_COLUMNS} from spend where id = $1 and removed_at is null", id)
    return SpendRow(**dict(row)) if row else None


async def enter_spend(
    connection: Connection,
    *,
    by: str,
    kind: str,
    name: str,
    since: date,
    until: date,
    amount: Decimal,
    currency: str,
    note: str,
    made_by: str,
) -> int:
    """Enter a sum; gives its id."""
    made: int = await connection.fetchval(
        "insert into spend (channel_by, kind, name, since, until, amount, currency, note, made_by)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning id",
        by,
        kind,
        name,
        since,
        until,
        amount,
        currency,
        note,
        made_by,
    )
    return made


async def change_spend(connection: Connection, id: int, *, version: int, changes: Mapping[str, object]) -> bool:
    """Change a sum.

    Args:
        connection: within a transaction.
        id: which.
        version: as it was read.
        changes: new values by the names in `CHANGEABLE`.

    Returns:
        False: somebody has changed it, or it is gone.
    """
    names = [name for name in CHANGEABLE if name in changes]
    sets = "".join(f", {name} = ${place}" for place, name in enumerate(names, 3))
    changed = await connection.fetchval(
        f"update spend set version = version + 1{sets} where id = $1 and version = $2 and removed_at is null"
        " returning true",
        id,
        version,
        *(changes[name] for name in names),
    )
    return bool(changed)


async def remove_spend(connection: Connection, id: int, now: datetime) -> bool:
    """Take a sum away; False: there is none."""
    removed = await connection.fetchval(
        "update spend set removed_at = $2 where id = $1 and removed_at is null returning true", id, now
    )
    return bool(removed)
