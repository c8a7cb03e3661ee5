"""A goal period by period: what each had done, counted by the rule and judged by the target of that time.

Periods with the same values are counted in one statement, so a year of a goal that was never changed is one look at the
roll-ups.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from gateway.aftercare.goal_progress import Office, Source, members_of
from gateway.domain.goals import Goal, GoalVersion, holders, running
from gateway.domain.periods import Period, units_of
from gateway.store import goal_amounts


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What somebody had done in one period."""

    goal: Goal
    version: GoalVersion
    period: Period
    user_id: int | None
    team_id: int | None
    amount: int

    @property
    def reached(self) -> bool:
        """Whether it was as much as wanted then."""
        return self.amount >= self.version.rule.target_amount


async def past(
    source: Source, office: Office, goal: Goal, span: Period, *, today: date, users: Iterable[int] | None = None
) -> list[Past]:
    """A goal over time, also the period that runs.

    Args:
        source: where to read.
        office: from `read_office`.
        goal: which one.
        span: which days; the periods in which its first and last day lie are taken whole.
        today: the company's; what begins later is left out.
        users: only theirs, and their teams'; None: everybody's.
    """
    wanted = None if users is None else frozenset(users)
    found: list[Past] = []
    for version, periods in _alike(goal, span, today):
        if goal.together:
            found += await _of_team(source, office, goal, version, periods, wanted)
        else:
            found += await _of_each(source, office, goal, version, periods, wanted)
    return sorted(found, key=lambda p: (p.period.first, p.user_id or 0))


def _alike(goal: Goal, span: Period, today: date) -> Iterator[tuple[GoalVersion, list[Period]]]:
    """Runs of periods that are judged by the same values."""
    run: list[Period] = []
    judged: GoalVersion | None = None
    for unit in units_of(goal.period, span):
        period = running(goal, unit.first)
        version = goal.judged_by(period, today) if period.first <= today else None
        if version is not judged and run and judged is not None:
            yield judged, run
            run = []
        judged = version
        if version is not None:
            run.append(period)
    if run and judged is not None:
        yield judged, run


async def _of_each(
    source: Source,
    office: Office,
    goal: Goal,
    version: GoalVersion,
    periods: Sequence[Period],
    wanted: frozenset[int] | None,
) -> list[Past]:
    team = office.teams.get(goal.team_id or 0)
    having = {
        period.first: [
            user
            for user in holders(goal, managers=office.managers, members=team.members_on(period.last) if team else ())
            if user in office.people and (wanted is None or user in wanted)
        ]
        for period in periods
    }
    zones = {user: office.zone_of(user) for users in having.values() for user in users}
    block = Period(first=periods[0].first, last=periods[-1].last)
    amounts = await goal_amounts.each(
        source, version.rule, step=goal.period, span=block, zones=zones, long_seconds=office.long_seconds
    )
    return [
        Past(
            goal=goal,
            version=version,
            period=period,
            user_id=user,
            team_id=None,
            amount=amounts.get((user, period.first), 0),
        )
        for period in periods
        for user in having[period.first]
    ]


async def _of_team(
    source: Source,
    office: Office,
    goal: Goal,
    version: GoalVersion,
    periods: Sequence[Period],
    wanted: frozenset[int] | None,
) -> list[Past]:
    team = office.teams.get(goal.team_id or 0)
    block = Period(first=periods[0].first, last=periods[-1].last)
    members = members_of(team, block) if team else []
    if wanted is not None and not wanted & {m.user_id for m in members}:
        return []
    zones = {m.user_id: office.zone_of(m.user_id) for m in members}
    amounts = await goal_amounts.together(
        source, version.rule, step=goal.period, span=block, members=members, zones=zones
    )
    return [
        Past(
            goal=goal,
            version=version,
            period=period,
            user_id=None,
            team_id=goal.team_id,
            amount=amounts.get(period.first, 0),
        )
        for period in periods
    ]
