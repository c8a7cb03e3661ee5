"""Who works beside somebody: his teams, colleagues with their extensions, and who may give him a right."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from gateway.store.database import Connection, Pool

Source = Pool | Connection
GIVERS = 5
"""Administrators that are named to who lacks a right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnTeam:
    """A team that concerns somebody."""

    id: int
    name: str
    member: bool
    head: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Colleague:
    """Somebody a call may be passed to."""

    id: int
    name: str
    role: str
    teams: Sequence[str]
    extensions: Sequence[str]


async def teams_of(source: Source, user: int, day: date) -> list[OwnTeam]:
    """The teams in which somebody is on a day, and those he leads, by name."""
    rows = await source.fetch(
        "select * from (select t.id, t.name, exists (select from team_member m where m.team_id = t.id"
        "  and m.user_id = $1 and $2 between m.since and m.until) as member,"
        "  t.head_id is not distinct from $1 as head from team t where t.archived_at is null) t"
        " where member or head order by lower(name), id limit 200",
        user,
        day,
    )
    return [OwnTeam(**dict(row)) for row in rows]


async def givers_of_rights(source: Source) -> list[tuple[int, str]]:
    """Administrators by id and name, the oldest first."""
    rows = await source.fetch("select id, name from users where role = 'admin' and active order by id limit $1", GIVERS)
    return [(row["id"], row["name"]) for row in rows]


async def colleagues(source: Source) -> list[Colleague]:
    """Everybody who works here, by name."""
    rows = await source.fetch(
        "select u.id, u.name, u.role, coalesce((select array_agg(t.name order by lower(t.name)) from team_member m"
        "  join team t on t.id = m.team_id and t.archived_at is null"
        "  where m.user_id = u.id and current_date between m.since and m.until), '{}') as teams,"
        " coalesce((select array_agg(e.extension order by e.pbx, e.extension) from extension e"
        "  where e.user_id = u.id and e.since <= now() and now() < e.until), '{}') as extensions"
        " from users u where u.active order by lower(u.name), u.id limit 2000"
    )
    return [Colleague(**dict(row)) for row in rows]
