"""Goals as the API takes and shows them."""

from datetime import date, datetime
from typing import Annotated

from pydantic import Field

from gateway.aftercare import goal_progress
from gateway.aftercare.goal_history import Past
from gateway.aftercare.goal_progress import Entry
from gateway.api.fields import Day, Incoming, Outgoing, RowId
from gateway.api.routing import API_PREFIX
from gateway.api.teams import Version
from gateway.domain.goals import Goal, GoalVersion, GoalWay, Measure, Rule, Whose
from gateway.domain.periods import Period, Step

GoalName = Annotated[str, Field(max_length=120, pattern=r"^[^\x00-\x1f\x7f]*$")]
GoalStep = Annotated[Step, Field(description="day, week or month")]
Kind = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[^\x00-\x1f\x7f]+$")]
Seconds = Annotated[int, Field(ge=0, le=86_400)]
Target = Annotated[int, Field(ge=1, le=1_000_000)]


class GoalPath(Incoming):
    """Which goal."""

    goal_id: RowId


class NewGoal(Incoming):
    """A goal to be made."""

    name: GoalName = ""
    whose: Whose = Whose.EVERYBODY
    user: RowId | None = Field(default=None, description="of a goal of one user")
    team: RowId | None = Field(default=None, description="of a goal of a team")
    together: bool = Field(default=False, description="whether the team works on it as one; else each for himself")
    period: GoalStep = Step.DAY
    measure: Measure
    direction: GoalWay = GoalWay.BOTH
    seconds: Seconds | None = Field(default=None, description="a talk must be longer; null: each call counts")
    kind: Kind | None = Field(default=None, description="of outcomes (key or meaning), tasks or touches; null: all")
    target: Target = Field(description="so many, or so many minutes of talk")
    since: Day | None = Field(default=None, description="the first day; null: the company's today")
    until: Day | None = Field(default=None, description="the last day; null: until it is ended")


class GoalChange(Incoming):
    """What is to be changed from a day on; what is left out stays."""

    version: Version
    since: Day | None = Field(default=None, description="from which day the new values hold; null: today")
    until: Day | None = Field(default=None, description="the last day of the goal; null: none")
    name: GoalName | None = None
    direction: GoalWay | None = None
    seconds: Seconds | None = None
    kind: Kind | None = None
    target: Target | None = None


class ProgressQuery(Incoming):
    """Whose standings with which goals."""

    user: RowId | None = Field(default=None, description="one person; left out: everybody whom I may see")
    team: RowId | None = Field(default=None, description="the members of one team, and what it works on together")
    goal: Annotated[int, Field(ge=0, le=2**63 - 1)] | None = Field(
        default=None, description="one goal; 0: that of the settings"
    )
    day: Day | None = Field(default=None, description="a day in the wanted periods; left out: those that run")


class HistoryQuery(Incoming):
    """Which periods."""

    since: Day | None = Field(default=None, description="left out: 30 days ago")
    until: Day | None = Field(default=None, description="left out: today")
    user: RowId | None = None


class ReachedQuery(Incoming):
    """Whose reached goals in which days."""

    user: RowId
    since: Day
    until: Day = Field(description="itself included; a period counts where it ends, one that runs today")


class GoalVersionView(Outgoing):
    """A goal's values and the days for which they hold."""

    version: int
    since: date | None = Field(description="null: from ever")
    until: date | None
    name: str
    direction: GoalWay
    seconds: int | None
    kind: str | None
    target: int
    by: str
    at: datetime | None


class GoalView(Outgoing):
    """A goal with its present values and every version it had."""

    id: int = Field(description="0: the goal of the settings, which holds until one was made")
    whose: Whose
    user: int | None
    team: int | None
    together: bool
    period: Step
    measure: Measure
    version: int
    active: bool = Field(description="whether it holds on the company's today")
    name: str
    direction: GoalWay
    seconds: int | None
    kind: str | None
    target: int
    since: date | None
    until: date | None
    versions: tuple[GoalVersionView, ...]


class GoalList(Outgoing):
    """Goals."""

    items: tuple[GoalView, ...]


class ProgressView(Outgoing):
    """How far somebody is with a goal."""

    goal: int
    name: str
    version: int
    period: Step
    since: date
    until: date
    user: int | None
    team: int | None
    measure: Measure
    direction: GoalWay
    seconds: int | None
    kind: str | None
    done: float
    target: int
    left: float
    expected: float = Field(description="what an even pace over working hours would have reached")
    pace: str = Field(description="reached, ahead, on, behind")
    reached: bool
    rows: str | None = Field(description="address of the calls that count; null: they are no calls")


class ProgressList(Outgoing):
    """Standings."""

    at: datetime
    items: tuple[ProgressView, ...]


class PastView(Outgoing):
    """What somebody had done in a period, judged by what was wanted then."""

    user: int | None
    team: int | None
    since: date
    until: date
    done: float
    target: int
    reached: bool


class ReachedView(PastView):
    """A period in which a goal was reached."""

    goal: int
    name: str
    rows: str | None


class ReachedList(Outgoing):
    """Reached goals, by goal and period."""

    items: tuple[ReachedView, ...]


class HistoryView(Outgoing):
    """A goal over time."""

    goal: int
    since: date
    until: date
    items: tuple[PastView, ...]


def _version_view(version: GoalVersion) -> GoalVersionView:
    return GoalVersionView(
        version=version.version,
        since=None if version.since == date.min else version.since,
        until=version.until,
        name=version.name,
        direction=version.rule.way,
        seconds=version.rule.seconds,
        kind=version.rule.kind,
        target=version.rule.target,
        by=version.by,
        at=version.at,
    )


def goal_view(goal: Goal, today: date) -> GoalView:
    """A goal as it is shown."""
    present = goal.on(today)
    last = present or goal.versions[-1]
    return GoalView(
        id=goal.id,
        whose=goal.whose,
        user=goal.user_id,
        team=goal.team_id,
        together=goal.together,
        period=goal.period,
        measure=last.rule.measure,
        version=goal.versions[-1].version,
        active=present is not None,
        name=last.name,
        direction=last.rule.way,
        seconds=last.rule.seconds,
        kind=last.rule.kind,
        target=last.rule.target,
        since=None if last.since == date.min else last.since,
        until=last.until,
        versions=tuple(map(_version_view, goal.versions)),
    )


def rows_behind(rule: Rule, *, user: int | None, team: int | None, period: Period) -> str | None:
    """Address of the calls that a standing counts; None: it counts no calls."""
    figure = {
        Measure.NUMBERS: "numbers" if rule.seconds is None else "numbers_long",
        Measure.CALLS: "calls" if rule.seconds is None else "calls_long",
        Measure.ANSWERED: "answered",
        Measure.TALK_MINUTES: "talk_seconds",
        Measure.OUTCOMES: "outcomes",
    }.get(rule.measure)
    if figure is None:
        return None
    query = f"figure={figure}&since={period.first}&until={period.last}"
    query += f"&direction={rule.way.direction}" if rule.way.direction else ""
    query += f"&seconds={rule.seconds}" if rule.seconds is not None else ""
    query += f"&kind={rule.kind}" if rule.kind is not None else ""
    whose = f"user={user}" if user is not None else f"team={team}"
    return f"{API_PREFIX}/reports/rows?{whose}&{query}"


def progress_view(entry: Entry) -> ProgressView:
    """A standing as it is shown."""
    rows = rows_behind(entry.rule, user=entry.user_id, team=entry.team_id, period=entry.period)
    return ProgressView.model_validate({**goal_progress.view(entry), "rows": rows}, strict=False)


def past_view(past: Past) -> PastView:
    """A period of the past as it is shown."""
    rule = past.version.rule
    return PastView(
        user=past.user_id,
        team=past.team_id,
        since=past.period.first,
        until=past.period.last,
        done=rule.shown(past.amount),
        target=rule.target,
        reached=past.reached,
    )


def reached_view(past: Past) -> ReachedView:
    """A reached period as it is shown."""
    rows = rows_behind(past.version.rule, user=past.user_id, team=past.team_id, period=past.period)
    own = past_view(past).model_dump()
    return ReachedView(**own, goal=past.goal.id, name=past.version.name, rows=rows)
