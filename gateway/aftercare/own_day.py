"""A manager's figures of today: his goals with the pace, talk, calls, missed clients returned in time, his week.

The figures are those of `/statistics` and `/goals`, counted by the same statements. A week stands where the sum of what
was done in its days so far stands to what was wanted on those of them on which he works (docs/metrics.md).
"""

from dataclasses import dataclass
from datetime import datetime

from gateway.aftercare.goal_history import past
from gateway.aftercare.goal_progress import Entry, Office, Source, standings
from gateway.domain.goals import Goal
from gateway.domain.periods import Period, Step, day_of, unit_of
from gateway.store.reports import Span, manager_days
from gateway.store.returned import Returned, returned


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """How a goal of a day stands in the days of this week so far."""

    goal_id: int
    done: float
    wanted: float
    """On the days on which he works, the present one whole."""

    @property
    def share(self) -> float | None:
        """Done of what was wanted; None: nothing was wanted yet."""
        return round(self.done / self.wanted, 4) if self.wanted else None


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnDay:
    """Today's figures of one person."""

    goals: tuple[Entry, ...]
    """His goals of a day, a week and a month, and those that his teams work on together."""
    week: Week | None
    """Of the first goal of a day; None: he has none."""
    calls: int
    calls_in: int
    calls_out: int
    answered: int
    missed: int
    talk_us: int
    returned: Returned


async def own_day(source: Source, office: Office, user: int, now: datetime) -> OwnDay:
    """Today's figures of somebody.

    Args:
        source: where to read.
        office: from `read_office`.
        user: whose; he is in `office.people`.
        now: the present moment.
    """
    zone = office.zone_of(user)
    today = day_of(now, zone)
    begin, end = Period(first=today, last=today).bounds(zone)
    entries = await standings(source, office, now=now, users=[user])
    days = await manager_days(source, Span(since=today, until=today, user=user))
    daily = next((e.goal for e in entries if e.user_id == user and e.goal.period is Step.DAY), None)
    return OwnDay(
        goals=tuple(sorted(entries, key=lambda e: (e.user_id is None, list(Step).index(e.goal.period), e.goal.id))),
        week=None if daily is None else await _week(source, office, daily, user, now),
        calls=sum(d.calls for d in days),
        calls_in=sum(d.calls for d in days if d.direction == "inbound"),
        calls_out=sum(d.calls for d in days if d.direction == "outbound"),
        answered=sum(d.answered for d in days),
        missed=sum(d.missed for d in days),
        talk_us=sum(d.talk_us for d in days),
        returned=await returned(source, begin, end, now, users=[user]),
    )


async def _week(source: Source, office: Office, goal: Goal, user: int, now: datetime) -> Week:
    zone, working = office.zone_of(user), office.working(user)
    today = day_of(now, zone)
    span = Period(first=unit_of(Step.WEEK, today).first, last=today)
    done = wanted = 0.0
    for day in await past(source, office, goal, span, today=today, users=[user]):
        rule = day.version.rule
        done += rule.shown(day.amount)
        if working(*day.period.bounds(zone)) > 0:
            wanted += rule.target
    return Week(goal_id=goal.id, done=round(done, 2), wanted=wanted)
