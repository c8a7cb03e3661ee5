"""Goals as data: what is counted, how much of it is wanted, by whom and in which period; and how far somebody is.

A goal's values are versions, each holding from a day on. A period is judged by the version that holds on its last day,
or on the present one while it runs, so a goal made higher today leaves yesterday as it was. What each measure counts
is written in docs/metrics.md; the counting itself is SQL over the same parts of calls that every figure counts.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from enum import StrEnum

from gateway.domain.periods import Period, Step, day_of, unit_of

SETTINGS_GOAL = 0
"""The id of the goal of the settings, which holds until a goal was made."""
MINUTE_US = 60_000_000


class Measure(StrEnum):
    """What a goal counts."""

    NUMBERS = "numbers"  # distinct clients' numbers, with a talk longer than so many seconds
    CALLS = "calls"  # calls, with a talk longer than so many seconds
    ANSWERED = "answered"  # calls in which he stood with the client
    TALK_MINUTES = "talk_minutes"
    OUTCOMES = "outcomes"  # calls with an outcome of a kind
    TASKS = "tasks"  # tasks done, of a kind or of all
    TOUCHES = "touches"  # letters, offers, visits: touches of a kind


class GoalWay(StrEnum):
    """Which calls count."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"
    BOTH = "both"

    @property
    def direction(self) -> str | None:
        """The direction as the figures know it; None: both."""
        return None if self is GoalWay.BOTH else self.value


class Whose(StrEnum):
    """Who has a goal."""

    EVERYBODY = "everybody"  # each manager for himself
    USER = "user"
    TEAM = "team"


OF_CALLS = frozenset({Measure.NUMBERS, Measure.CALLS, Measure.ANSWERED, Measure.TALK_MINUTES, Measure.OUTCOMES})
WITH_SECONDS = frozenset({Measure.NUMBERS, Measure.CALLS})
WITH_KIND = frozenset({Measure.OUTCOMES, Measure.TASKS, Measure.TOUCHES})
PERIODS = (Step.DAY, Step.WEEK, Step.MONTH)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What is wanted."""

    measure: Measure
    way: GoalWay
    seconds: int | None
    """A talk must be longer than this; None: every call counts, also one without a talk."""
    kind: str | None
    """Of outcomes, tasks or touches; None: of all kinds."""
    target: int
    """So many, or so many minutes."""

    @property
    def target_amount(self) -> int:
        """The target as amounts are counted: talk in microseconds, everything else in pieces."""
        return self.target * MINUTE_US if self.measure is Measure.TALK_MINUTES else self.target

    def shown(self, amount: int) -> float:
        """An amount as people read it: minutes of talk, pieces."""
        return round(amount / MINUTE_US, 2) if self.measure is Measure.TALK_MINUTES else amount


@dataclass(frozen=True, slots=True, kw_only=True)
class GoalVersion:
    """A goal's values and the days for which they hold."""

    version: int
    since: date
    until: date | None
    """The last day; None: for ever, or until the next version."""
    name: str
    rule: Rule
    by: str
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """A goal with every version it had."""

    id: int
    whose: Whose
    user_id: int | None
    team_id: int | None
    together: bool
    """Whether a team works on it as one; else each member has it for himself."""
    period: Step
    versions: tuple[GoalVersion, ...]
    made_by: str = "settings"
    made_at: datetime | None = None

    def on(self, day: date) -> GoalVersion | None:
        """The values that hold on a day; None: the goal is not there then."""
        known = [v for v in self.versions if v.since <= day]
        last = max(known, key=lambda v: v.version, default=None)
        return last if last and (last.until is None or day <= last.until) else None

    def judged_by(self, period: Period, today: date) -> GoalVersion | None:
        """The values by which a period is judged."""
        return self.on(max(period.first, min(period.last, today)))


def goal_of_settings(*, count: int, seconds: int, way: GoalWay) -> Goal:
    """The goal that holds until one was made: so many distinct clients a day, each with a talk that long."""
    rule = Rule(measure=Measure.NUMBERS, way=way, seconds=seconds, kind=None, target=count)
    version = GoalVersion(version=1, since=date.min, until=None, name="", rule=rule, by="settings", at=None)
    return Goal(
        id=SETTINGS_GOAL,
        whose=Whose.EVERYBODY,
        user_id=None,
        team_id=None,
        together=False,
        period=Step.DAY,
        versions=(version,),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One value of a goal that is not allowed."""

    field: str
    detail: str


def faults_of(rule: Rule) -> Iterable[Fault]:
    """What is wrong with a rule, in words for the one who wrote it."""
    if rule.seconds is not None and rule.measure not in WITH_SECONDS:
        yield Fault(field="seconds", detail="Only numbers and calls have seconds of talk.")
    if rule.kind is not None and rule.measure not in WITH_KIND:
        yield Fault(field="kind", detail="Only outcomes, tasks and touches have a kind.")
    if rule.kind is None and rule.measure is Measure.OUTCOMES:
        yield Fault(field="kind", detail="Say which outcome counts.")
    if rule.way is not GoalWay.BOTH and rule.measure is Measure.TASKS:
        yield Fault(field="direction", detail="Tasks have no direction; say both.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """When work is done where nothing else is known: from nine to six, Monday to Friday."""

    zone: tzinfo
    begin: time = time(9)
    end: time = time(18)
    weekdays: frozenset[int] = frozenset(range(5))

    def seconds(self, begin: datetime, end: datetime) -> float:
        """Working seconds between two moments."""
        day, last, found = day_of(begin, self.zone), day_of(end, self.zone), 0.0
        while day <= last:
            if day.weekday() in self.weekdays:
                opens = datetime.combine(day, self.begin, self.zone).astimezone(begin.tzinfo)
                closes = datetime.combine(day, self.end, self.zone).astimezone(begin.tzinfo)
                found += max(0.0, (min(end, closes) - max(begin, opens)).total_seconds())
            day += timedelta(days=1)
        return found


WorkingSeconds = Callable[[datetime, datetime], float]


def elapsed_share(period: Period, zone: tzinfo, now: datetime, working: WorkingSeconds) -> float:
    """How much of a period's working time is over, from 0 to 1; of a period without any, of all its time.

    Args:
        period: its days.
        zone: whose days they are.
        now: aware.
        working: working seconds between two moments.
    """
    begin, end = period.bounds(zone)
    if now <= begin:
        return 0.0
    if now >= end:
        return 1.0
    whole = working(begin, end)
    if whole <= 0:
        return (now - begin) / (end - begin)
    return min(1.0, working(begin, now) / whole)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How far somebody is with a goal."""

    amount: int
    target: int
    """Both as amounts are counted (`Rule.target_amount`)."""
    expected: float
    """The amount that an even pace would have reached by now."""

    @property
    def reached(self) -> bool:
        """Whether there is at least as much as wanted."""
        return self.amount >= self.target

    @property
    def left(self) -> int:
        """How much is missing."""
        return max(0, self.target - self.amount)

    @property
    def pace(self) -> str:
        """`reached`, `ahead`, `on` the pace (within a twentieth of the target), or `behind`."""
        if self.reached:
            return "reached"
        slack = self.target / 20
        if self.amount > self.expected + slack:
            return "ahead"
        return "on" if self.amount >= self.expected - slack else "behind"


def holders(goal: Goal, *, managers: Sequence[int], members: Sequence[int]) -> Sequence[int]:
    """The users who have a goal each for himself; a goal of a team together has none.

    Args:
        goal: which one.
        managers: everybody who can have goals.
        members: of the goal's team.
    """
    match goal.whose:
        case Whose.EVERYBODY:
            return managers
        case Whose.USER:
            return () if goal.user_id is None else (goal.user_id,)
        case Whose.TEAM:
            return () if goal.together else members


def running(goal: Goal, day: date) -> Period:
    """The goal's period in which a day lies."""
    return unit_of(goal.period, day)
