"""What came through an inbound route, as the API shows it."""

from collections.abc import Sequence
from datetime import date

from pydantic import Field

from gateway.api.fields import Day, Incoming, Outgoing
from gateway.domain.periods import PeriodName
from gateway.store.routing_figures import StepCalls


class FiguresQuery(Incoming):
    """Of which days."""

    period: PeriodName = Field(default=PeriodName.LAST_7_DAYS, description="`dates` goes with since and until")
    since: Day | None = None
    until: Day | None = None


class StepFigures(Outgoing):
    """Calls that one step ended."""

    step: str = Field(description="owner, group:3, manager:7, announcement, site, hang_up; empty: not known")
    answered: int
    missed: int
    lost: int = Field(description="answered, and lost on the way to another manager")


class RouteFiguresView(Outgoing):
    """Calls that went through a route; `GET /calls` with `route`, `step` and `result` has the same ones."""

    since: date
    until: date = Field(description="itself included")
    calls: int
    answered: int
    missed: int
    lost: int
    steps: tuple[StepFigures, ...] = Field(description="the most frequent first")


def route_figures_view(since: date, until: date, found: Sequence[StepCalls]) -> RouteFiguresView:
    """What came through a route."""
    answered, missed, lost = (sum(getattr(s, name) for s in found) for name in ("answered", "missed", "lost"))
    return RouteFiguresView(
        since=since,
        until=until,
        calls=answered + missed + lost,
        answered=answered,
        missed=missed,
        lost=lost,
        steps=tuple(StepFigures(step=s.step, answered=s.answered, missed=s.missed, lost=s.lost) for s in found),
    )
