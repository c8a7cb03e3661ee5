"""Teams: a name, a head, and members with the days of their membership; and the people whose figures there are."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, date, datetime

from gateway.store.database import Connection, Pool

Source = Pool | Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """A person's time in a team."""

    user_id: int
    since: date | None
    """None: from ever."""
    until: date | None
    """The last day; None: still."""

    def on(self, day: date) -> bool:
        """Whether he belongs to it on that day."""
        return (self.since is None or self.since <= day) and (self.until is None or day <= self.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """A team with everybody who ever was in it."""

    id: int
    name: str
    head_id: int | None
    version: int
    made_at: datetime
    archived_at: datetime | None
    members: tuple[Membership, ...]

    def members_on(self, day: date) -> tuple[int, ...]:
        """Who belongs to it on a day."""
        return tuple(m.user_id for m in self.members if m.on(day))


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """A person as figures and goals need him."""

    id: int
    name: str
    role: str
    timezone: str | None
    language: str
    active: bool


_TEAM = """select t.id, t.name, t.head_id, t.version, t.made_at, t.archived_at, coalesce((
    select json_agg(json_build_array(m.user_id, nullif(m.since, '-infinity'), nullif(m.until, 'infinity'))
        order by m.since, m.user_id) from team_member m where m.team_id = t.id), '[]') as members
 from team t"""


def _team(row: object) -> Team:
    values = dict(row)  # type: ignore[call-overload]
    members = tuple(
        Membership(user_id=user, since=_day(since), until=_day(until)) for user, since, until in values.pop("members")
    )
    return Team(members=members, **values)


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


async def list_teams(source: Source, *, archived: bool = False) -> list[Team]:
    """The teams by name; archived ones too where they are asked for."""
    which = "" if archived else "where t.archived_at is null"
    return [_team(r) for r in await source.fetch(f"{_TEAM} {which} order by lower(t.name), t.id")]


async def read_team(source: Source, id: int) -> Team | None:
    """One team; None: there is none with this id."""
    row = await source.fetchrow(f"{_TEAM} where t.id = $1", id)
    return _team(row) if row else None


async def team_name_taken(connection: Connection, name: str, *, but: int | None = None) -> bool:
    """Whether another team has this name now; others who would take it wait until this transaction ends."""
    await connection.execute("lock table team in share row exclusive mode")
    found = await connection.fetchval(
        "select exists (select from team where lower(name) = lower($1) and archived_at is null and id <> $2)",
        name,
        but or 0,
    )
    return bool(found)


async def make_team(connection: Connection, *, name: str, head_id: int | None, made_by: str) -> int:
    """Make a team without members; gives its id."""
    made: int = await connection.fetchval(
        "insert into team (name, head_id, made_by) values ($1, $2, $3) returning id", name, head_id, made_by
    )
    return made


async def change_team(
    connection: Connection, id: int, *, version: int, name: str, head_id: int | None, archived_at: datetime | None
) -> bool:
    """Change a team.

    Returns:
        False: somebody has changed it since that version.
    """
    changed = await connection.fetchval(
        "update team set name = $3, head_id = $4, archived_at = $5, version = version + 1"
        " where id = $1 and version = $2 returning true",
        id,
        version,
        name,
        head_id,
        archived_at,
    )
    return bool(changed)


async def set_members(connection: Connection, id: int, members: Sequence[Membership]) -> None:
    """Give a team exactly these memberships; they must not overlap for one person."""
    await connection.execute("delete from team_member where team_id = $1", id)
    await connection.executemany(
        "insert into team_member (team_id, user_id, since, until)"
        " values ($1, $2, coalesce($3, date '-infinity'), coalesce($4, date 'infinity'))",
        [(id, m.user_id, m.since, m.until) for m in members],
    )


def overlapping(members: Iterable[Membership]) -> int | None:
    """A person with two memberships on one day; None: there is none."""
    last: dict[int, date] = {}
    for member in sorted(members, key=lambda m: (m.user_id, m.since or date.min)):
        known = last.get(member.user_id)
        if known is not None and (member.since or date.min) <= known:
            return member.user_id
        last[member.user_id] = member.until or date.max
    return None


async def workers(source: Source) -> dict[int, Worker]:
    """Everybody by id, blocked people among them."""
    rows = await source.fetch("select id, name, role, timezone, language, active from users order by id")
    return {r["id"]: Worker(**dict(r)) for r in rows}


def finite(day: date) -> date | None:
    """A day of the database; its infinities become None."""
    return None if day.year in (MINYEAR, MAXYEAR) else day
