"""What holds for the states of managers: the rules of the company, a team, a person; and the reasons of a break."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gateway.store.database import Connection, Pool

Source = Pool | Connection


class Begins(StrEnum):
    """What makes a manager available who was off."""

    WORKING_TIME = "working_time"  # his hours begin, or he signs in within them
    SIGN_IN = "sign_in"
    HAND = "hand"  # only he himself, or his head


@dataclass(frozen=True, slots=True, kw_only=True)
class StateRule:
    """What holds for one manager."""

    after_call_seconds: int
    break_minutes: int
    """After so long on a break his head is told; 0: never."""
    begins: Begins
    leads_on_break: bool
    pause_queues: bool
    """Whether the PBX's queues are paused with his states."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredStateRule:
    """A rule as it was entered; of the company where it names neither team nor person. None: as the one above it."""

    id: int
    team_id: int | None
    user_id: int | None
    after_call_seconds: int | None
    break_minutes: int | None
    begins: str | None
    leads_on_break: bool | None
    pause_queues: bool | None
    version: int


VALUES = ("after_call_seconds", "break_minutes", "begins", "leads_on_break", "pause_queues")
_COLUMNS = f"id, team_id, user_id, {', '.join(VALUES)}, version"


async def stored_rules(source: Source) -> list[StoredStateRule]:
    """All of them: the company's first, then those of teams, then those of people."""
    rows = await source.fetch(
        f"select {_COLUMNS} from manager_state_rule order by team_id is not null, user_id is not null, team_id, user_id"
    )
    return [StoredStateRule(**dict(r)) for r in rows]


async def rules_of(source: Source, users: Sequence[int] | None = None) -> dict[int, StateRule]:
    """What holds for managers today: the person's rule before that of his oldest team before the company's.

    Args:
        source: where to read.
        users: whose; None: of everybody who works here.
    """
    rules = await stored_rules(source)
    rows = await source.fetch(
        "select u.id, coalesce(array_agg(t.id order by t.id) filter (where t.id is not null), '{}') as teams"
        " from users u left join team_member m on m.user_id = u.id and current_date between m.since and m.until"
        " left join team t on t.id = m.team_id and t.archived_at is null"
        " where ($1::bigint[] is null and u.active) or u.id = any($1::bigint[]) group by u.id",
        None if users is None else list(users),
    )
    of_team = {r.team_id: r for r in rules if r.team_id is not None}
    of_user = {r.user_id: r for r in rules if r.user_id is not None}
    company = [r for r in rules if r.team_id is None and r.user_id is None]
    found = {}
    for row in rows:
        own = [of_user[row["id"]]] if row["id"] in of_user else []
        found[row["id"]] = _resolved([*own, *(of_team[t] for t in row["teams"] if t in of_team), *company])
    return found


def _resolved(rules: Sequence[StoredStateRule]) -> StateRule:
    values: dict[str, object] = {}
    for name in VALUES:
        values[name] = next(v for v in (getattr(rule, name) for rule in rules) if v is not None)
    return StateRule(**(values | {"begins": Begins(str(values["begins"]))}))  # type: ignore[arg-type]


async def save_rule(
    connection: Connection,
    *,
    team_id: int | None,
    user_id: int | None,
    values: Mapping[str, object],
    version: int | None,
    by: str,
    now: datetime,
) -> StoredStateRule | None:
    """Enter a rule, or change the one that is there.

    Args:
        connection: within a transaction.
        team_id: whose; with `user_id` None too: the company's.
        user_id: whose.
        values: all of `VALUES`.
        version: of the rule as it was read; None: there was none.
        by: who enters it.
        now: the present moment.

    Returns:
        None: it is not as the caller read it.
    """
    marks = ", ".join(f"${place}" for place in range(5, 5 + len(VALUES)))
    given = [values[name] for name in VALUES]
    if version is None:
        row = await connection.fetchrow(
            f"insert into manager_state_rule (team_id, user_id, changed_by, changed_at, {', '.join(VALUES)})"
            f" values ($1, $2, $3, $4, {marks}) on conflict do nothing returning {_COLUMNS}",
            team_id,
            user_id,
            by,
            now,
            *given,
        )
    else:
        sets = ", ".join(f"{name} = ${place}" for place, name in enumerate(VALUES, 5))
        row = await connection.fetchrow(
            f"update manager_state_rule set changed_by = $3, changed_at = $4, {sets}, version = version + 1"
            f" where team_id is not distinct from $1 and user_id is not distinct from $2"
            f" and version = ${5 + len(VALUES)} returning {_COLUMNS}",
            team_id,
            user_id,
            by,
            now,
            *given,
            version,
        )
    return StoredStateRule(**dict(row)) if row else None


async def drop_rule(connection: Connection, id: int) -> bool:
    """Take away a rule of a team or a person: what lies above it holds again. False: there is none of this id."""
    return bool(
        await connection.fetchval(
            "delete from manager_state_rule where id = $1 and (team_id is not null or user_id is not null)"
            " returning true",
            id,
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakReason:
    """Why somebody is on a break."""

    id: int
    key: str
    name: str
    minutes: int | None
    """After so long his head is told; None: as his rule says."""
    place: int
    archived_at: datetime | None
    version: int


_REASON = "id, key, name, minutes, place, archived_at, version"
REASONS_MAX = 100


async def break_reasons(source: Source, *, archived: bool = False) -> list[BreakReason]:
    """The reasons in their order."""
    rows = await source.fetch(
        f"select {_REASON} from break_reason where $1 or archived_at is null order by place, id", archived
    )
    return [BreakReason(**dict(r)) for r in rows]


async def add_reason(
    connection: Connection, *, key: str, name: str, minutes: int | None, place: int
) -> BreakReason | None:
    """Make a reason; None: there is one with this key, or there are `REASONS_MAX`."""
    if await connection.fetchval("select count(*) from break_reason where archived_at is null") >= REASONS_MAX:
        return None
    row = await connection.fetchrow(
        "insert into break_reason (key, name, minutes, place) values ($1, $2, $3, $4)"
        f" on conflict do nothing returning {_REASON}",
        key,
        name,
        minutes,
        place,
    )
    return BreakReason(**dict(row)) if row else None


async def change_reason(
    connection: Connection,
    id: int,
    *,
    version: int,
    changes: Mapping[str, object],
    archived: bool | None,
    now: datetime,
) -> BreakReason | bool:
    """Change a reason that is still as the caller read it.

    Returns:
        The reason; False: it has been changed since; True: there is none with this id.
    """
    names = [name for name in ("name", "minutes", "place") if name in changes]
    sets = "".join(f", {name} = ${place}" for place, name in enumerate(names, 5))
    row = await connection.fetchrow(
        "update break_reason set version = version + 1, archived_at = case when $3::boolean is null then archived_at"
        f" when $3 then coalesce(archived_at, $4::timestamptz) end{sets} where id = $1 and version = $2"
        f" returning {_REASON}",
        id,
        version,
        archived,
        now,
        *(changes[name] for name in names),
    )
    if row:
        return BreakReason(**dict(row))
    return not await connection.fetchval("select true from break_reason where id = $1", id)
