"""What people prefer on the screen: one JSON object for each area of it, with a version."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.store.database import Connection, Pool

Source = Pool | Connection
AREAS_MAX = 100
"""Areas that a person may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference:
    """What somebody prefers in one area."""

    area: str
    value: Mapping[str, object]
    version: int


async def preferences_of(source: Source, user_id: int) -> Sequence[Preference]:
    """All areas of a person."""
    rows = await source.fetch("select area, value, version from preference where user_id = $1 order by area", user_id)
    return [Preference(**dict(row)) for row in rows]


async def preference_of(source: Source, user_id: int, area: str) -> Preference | None:
    """One area; None: he never said anything about it."""
    row = await source.fetchrow(
        "select area, value, version from preference where user_id = $1 and area = $2", user_id, area
    )
    return Preference(**dict(row)) if row else None


async def save_preference(
    connection: Connection, user_id: int, area: str, value: Mapping[str, object], *, version: int | None
) -> Preference | None:
    """Keep what somebody prefers.

    Args:
        connection: within a transaction.
        user_id: who.
        area: of the screen.
        value: all of it.
        version: as it was read, 0 where there was none; None: whatever it is.

    Returns:
        None: it is another version by now, or he has `AREAS_MAX` areas.
    """
    await connection.execute("select pg_advisory_xact_lock(7471, $1::int)", user_id % 2**31)
    before = await preference_of(connection, user_id, area)
    if version is not None and version != (before.version if before else 0):
        return None
    full = await connection.fetchval("select count(*) >= $2 from preference where user_id = $1", user_id, AREAS_MAX)
    if before is None and full:
        return None
    row = await connection.fetchrow(
        "insert into preference (user_id, area, value) values ($1, $2, $3) on conflict (user_id, area) do update"
        " set value = excluded.value, version = preference.version + 1, changed_at = now()"
        " returning area, value, version",
        user_id,
        area,
        dict(value),
    )
    return Preference(**dict(row))


async def drop_preference(connection: Connection, user_id: int, area: str) -> bool:
    """Forget an area, so that what everybody has holds again; False: there was nothing."""
    return bool(
        await connection.fetchval(
            "delete from preference where user_id = $1 and area = $2 returning true", user_id, area
        )
    )
