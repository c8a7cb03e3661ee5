"""Goals with their versions, and what was last told of each.

`read_goals` gives all of them with every version; a site has tens, not thousands. What a goal amounts to is counted in
`gateway.store.goal_amounts`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from gateway.domain.goals import Goal, GoalVersion, GoalWay, Measure, Rule, Whose
from gateway.domain.periods import Step
from gateway.store.database import Connection, Pool
from gateway.store.teams import finite

Source = Pool | Connection

_GOAL = """select g.id, g.whose, g.user_id, g.team_id, g.together, g.period, g.made_by, g.made_at, v.version, v.since,
 v.until, v.name, v.measure, v.direction, v.seconds, v.kind, v.target, v.by, v.at
 from goal g join goal_version v on v.goal_id = g.id"""


def _version(row: Mapping[str, object]) -> GoalVersion:
    values = dict(row)
    return GoalVersion(
        version=values["version"],  # type: ignore[arg-type]
        since=values["since"],  # type: ignore[arg-type]
        until=finite(values["until"]),  # type: ignore[arg-type]
        name=str(values["name"]),
        rule=Rule(
            measure=Measure(str(values["measure"])),
            way=GoalWay(str(values["direction"])),
            seconds=values["seconds"],  # type: ignore[arg-type]
            kind=values["kind"],  # type: ignore[arg-type]
            target=values["target"],  # type: ignore[arg-type]
        ),
        by=str(values["by"]),
        at=values["at"],  # type: ignore[arg-type]
    )


def _goals(rows: Sequence[Mapping[str, object]]) -> list[Goal]:
    found: dict[int, list[Mapping[str, object]]] = {}
    for row in rows:
        found.setdefault(row["id"], []).append(row)  # type: ignore[arg-type]
    return [
        Goal(
            id=id_,
            whose=Whose(str(own[0]["whose"])),
            user_id=own[0]["user_id"],  # type: ignore[arg-type]
            team_id=own[0]["team_id"],  # type: ignore[arg-type]
            together=bool(own[0]["together"]),
            period=Step(str(own[0]["period"])),
            versions=tuple(_version(r) for r in own),
            made_by=str(own[0]["made_by"]),
            made_at=own[0]["made_at"],  # type: ignore[arg-type]
        )
        for id_, own in found.items()
    ]


async def read_goals(source: Source) -> list[Goal]:
    """Every goal with every version, in the order they were made."""
    return _goals(await source.fetch(f"{_GOAL} order by g.id, v.version"))


async def read_goal(source: Source, id: int) -> Goal | None:
    """One goal; None: there is none with this id."""
    return next(iter(_goals(await source.fetch(f"{_GOAL} where g.id = $1 order by v.version", id))), None)


async def goals_or_default(source: Source, default: Goal) -> list[Goal]:
    """The goals that were made; until there is one, that of the settings."""
    return await read_goals(source) or [default]


async def make_goal(connection: Connection, goal: Goal, *, now: datetime) -> int:
    """Make a goal with its first version; gives its id.

    Args:
        connection: within a transaction.
        goal: its id is not looked at.
        now: the present moment.
    """
    made: int = await connection.fetchval(
        "insert into goal (whose, user_id, team_id, together, period, made_by, made_at)"
        " values ($1, $2, $3, $4, $5, $6, $7) returning id",
        goal.whose,
        goal.user_id,
        goal.team_id,
        goal.together,
        goal.period,
        goal.made_by,
        now,
    )
    await _add_version(connection, made, goal.versions[0], now)
    return made


async def change_goal(connection: Connection, id: int, version: GoalVersion, *, now: datetime) -> bool:
    """Add a version to a goal that nobody has changed meanwhile.

    Args:
        connection: within a transaction.
        id: which goal.
        version: its number is one more than the one that was read.
        now: the present moment.

    Returns:
        False: somebody has changed it.
    """
    changed = await connection.fetchval(
        "update goal set version = $3 where id = $1 and version = $2 returning true",
        id,
        version.version - 1,
        version.version,
    )
    if changed:
        await _add_version(connection, id, version, now)
    return bool(changed)


async def _add_version(connection: Connection, id: int, version: GoalVersion, now: datetime) -> None:
    rule = version.rule
    await connection.execute(
        "insert into goal_version (goal_id, version, since, until, name, measure, direction, seconds, kind, target,"
        " by, at) values ($1, $2, $3, coalesce($4, date 'infinity'), $5, $6, $7, $8, $9, $10, $11, $12)",
        id,
        version.version,
        version.since,
        version.until,
        version.name,
        rule.measure,
        rule.way,
        rule.seconds,
        rule.kind,
        rule.target,
        version.by,
        now,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What was last told of somebody's goal in a period."""

    goal_id: int
    first: date
    user_id: int
    """0: a team together."""
    team_id: int
    """0: a person's."""
    amount: int
    target: int
    reached_at: datetime | None


async def read_told(connection: Connection, firsts: Sequence[date]) -> dict[tuple[int, date, int, int], Told]:
    """What was told of the periods that begin on these days, by goal, first day, user and team."""
    rows = await connection.fetch(
        "select goal_id, first, user_id, team_id, amount, target, reached_at from goal_progress"
        " where first = any($1::date[])",
        sorted(set(firsts)),
    )
    return {(r["goal_id"], r["first"], r["user_id"], r["team_id"]): Told(**dict(r)) for r in rows}


async def save_told(connection: Connection, told: Sequence[Told], now: datetime) -> None:
    """Keep what is told now; that a goal was once reached stays."""
    await connection.executemany(
        "insert into goal_progress as p (goal_id, first, user_id, team_id, amount, target, reached_at, changed_at)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (first, goal_id, user_id, team_id) do update set"
        " amount = excluded.amount, target = excluded.target,"
        " reached_at = coalesce(p.reached_at, excluded.reached_at), changed_at = excluded.changed_at",
        [(t.goal_id, t.first, t.user_id, t.team_id, t.amount, t.target, t.reached_at, now) for t in told],
    )


async def long_seconds_of(source: Source) -> int | None:
    """The seconds that the ledger counts long talks by; None: nothing was counted yet."""
    seconds: int | None = await source.fetchval("select long_seconds from counting_rule")
    return seconds
