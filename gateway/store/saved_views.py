"""Lists with their filters under a name: one's own, and those that a team shares."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.store.database import Connection, Pool

Source = Pool | Connection
VIEWS_MAX = 200
"""Views that a person may have kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedView:
    """A list as somebody kept it."""

    id: int
    list: str
    name: str
    owner_id: int
    owner_name: str
    team_id: int | None
    team_name: str | None
    query: Mapping[str, object]
    place: int
    changed_at: datetime
    version: int


_VIEW = """select v.id, v.list, v.name, v.owner_id, u.name as owner_name, v.team_id, t.name as team_name, v.query,
 v.place, v.changed_at, v.version from saved_view v join users u on u.id = v.owner_id
 left join team t on t.id = v.team_id"""
_SEEN = (
    "(v.owner_id = $1 or (v.team_id is not null and t.archived_at is null and (t.head_id = $1 or exists (select from"
    " team_member m where m.team_id = v.team_id and m.user_id = $1 and current_date between m.since and m.until))))"
)


async def views_of(source: Source, user: int, list: str | None) -> Sequence[SavedView]:
    """The views that somebody sees: his own first, then those of his teams, each in their order."""
    rows = await source.fetch(
        f"{_VIEW} where {_SEEN} and ($2::text is null or v.list = $2)"
        f" order by v.team_id is not null, v.place, lower(v.name), v.id limit {2 * VIEWS_MAX}",
        user,
        list,
    )
    return [SavedView(**dict(row)) for row in rows]


async def read_view(source: Source, user: int, id: int) -> SavedView | None:
    """A view that somebody sees; None: there is none with this id."""
    row = await source.fetchrow(f"{_VIEW} where {_SEEN} and v.id = $2", user, id)
    return SavedView(**dict(row)) if row else None


async def keep_view(
    connection: Connection,
    user: int,
    *,
    list: str,
    name: str,
    team: int | None,
    query: Mapping[str, object],
    place: int,
) -> int | None:
    """Keep a view; gives its id, None: he has `VIEWS_MAX`."""
    await connection.execute("select pg_advisory_xact_lock(7472, $1::int)", user % 2**31)
    if await connection.fetchval("select count(*) from saved_view where owner_id = $1", user) >= VIEWS_MAX:
        return None
    made: int = await connection.fetchval(
        "insert into saved_view (list, name, owner_id, team_id, query, place) values ($1, $2, $3, $4, $5, $6)"
        " returning id",
        list,
        name,
        user,
        team,
        dict(query),
        place,
    )
    return made


async def change_view(connection: Connection, id: int, changes: Mapping[str, object], *, version: int) -> bool:
    """Change a view; False: it was changed since."""
    names = [name for name in ("name", "team_id", "query", "place") if name in changes]
    sets = "".join(f", {name} = ${place}" for place, name in enumerate(names, 3))
    changed = await connection.fetchval(
        f"update saved_view set version = version + 1, changed_at = now(){sets} where id = $1 and version = $2"
        " returning true",
        id,
        version,
        *(changes[name] for name in names),
    )
    return bool(changed)


async def drop_view(connection: Connection, id: int) -> None:
    """Forget a view."""
    await connection.execute("delete from saved_view where id = $1", id)
