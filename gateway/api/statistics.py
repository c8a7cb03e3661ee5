"""Figures of managers and of the company, the goal of a day, and the calls behind every figure.

What each word means is written in docs/metrics.md. Days are the manager's local days, the company's for its own.
"""

from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from pydantic import Field

from gateway.api.calls import CallPlace, CallView, call_models
from gateway.api.fields import CursorText, Day, Incoming, Limit, Nothing, Outgoing, RowId
from gateway.api.pages import Page, page, read_cursor
from gateway.api.parts import ApiParts
from gateway.api.problems import FieldFault, InvalidRequestError, NotFoundError, refused_value
from gateway.api.routing import API_PREFIX, Asked, Route
from gateway.api.visibility import own_user, reach, require_reach
from gateway.domain.access import Right
from gateway.domain.call import Direction
from gateway.domain.staff import zone_of
from gateway.settings import GoalDirection
from gateway.store import people, reading, reports
from gateway.store.call_lists import CallFilter, list_calls
from gateway.store.counted_calls import CountedCalls
from gateway.store.reports import CompanyFigures, ManagerFigures, Span

DAYS_MAX = 800
DAYS_OF_EVERYBODY = 31
"""Days for which everybody's figures are listed by day. A single manager's go further, and so do totals."""


class RowsBy(StrEnum):
    """One row for the whole span, or one for each day."""

    TOTAL = "total"
    DAY = "day"


class Figure(StrEnum):
    """A manager's figure."""

    CALLS = "calls"
    ANSWERED = "answered"
    MISSED = "missed"
    NOT_TAKEN = "not_taken"
    LOST = "lost"
    TALK_SECONDS = "talk_seconds"
    WAIT_SECONDS = "wait_seconds"
    NUMBERS = "numbers"
    NUMBERS_LONG = "numbers_long"


class CompanyFigure(StrEnum):
    """A figure of the company."""

    CALLS = "calls"
    ANSWERED = "answered"
    MISSED = "missed"
    LOST = "lost"
    TALK_SECONDS = "talk_seconds"
    WAIT_SECONDS = "wait_seconds"


class SpanQuery(Incoming):
    """Which days."""

    since: Day | None = Field(default=None, description="the first day; left out: today")
    until: Day | None = Field(default=None, description="the last day, itself included; left out: today")
    direction: Direction | None = None


class ManagersQuery(SpanQuery):
    """Whose figures."""

    user: RowId | None = Field(default=None, description="left out: everybody's whom I may see")
    by: RowsBy = RowsBy.TOTAL
    distinct: bool = Field(default=True, description="whether totals count distinct numbers")


class UserPath(Incoming):
    """Whose."""

    user_id: RowId


class PartsQuery(SpanQuery):
    """Which figure's calls."""

    figure: Figure
    day: Day | None = Field(default=None, description="one day instead of since and until")
    limit: Limit = 50
    cursor: CursorText | None = None


class CompanyQuery(SpanQuery):
    """Which figures of the company."""

    by: RowsBy = RowsBy.TOTAL


class CompanyCallsQuery(SpanQuery):
    """Which figure's calls."""

    figure: CompanyFigure
    day: Day | None = Field(default=None, description="one day instead of since and until")
    limit: Limit = 50
    cursor: CursorText | None = None


class GoalQuery(Incoming):
    """Whose goal of which day."""

    user: RowId | None = Field(default=None, description="left out: mine")
    day: Day | None = Field(default=None, description="left out: his today")


class PartPlace(Incoming):
    """Where a page of parts ends."""

    at: datetime
    id: UUID
    extension: str


class ManagerRow(Outgoing):
    """A manager's figures."""

    user: int
    day: date | None = Field(description="null: of the whole span")
    direction: str | None = Field(description="null: of all directions together")
    calls: int
    answered: int
    missed: int
    not_taken: int
    lost: int
    talk_seconds: float
    wait_seconds: float
    numbers: int | None = Field(description="distinct clients' numbers; null: not asked for, and not to be added up")
    numbers_long: int | None = Field(description="those with at least one long call")


class ManagersReport(Outgoing):
    """Figures by manager."""

    since: date
    until: date
    long_seconds: int = Field(description="a call is long whose talk with the manager is longer")
    items: tuple[ManagerRow, ...]


class CompanyRow(Outgoing):
    """The company's figures of one direction."""

    day: date | None
    direction: str
    calls: int
    answered: int
    missed: int
    lost: int
    talk_seconds: float
    wait_seconds: float


class CompanyReport(Outgoing):
    """Figures of the company, in which a call counts once, however many managers had a part."""

    since: date
    until: date
    items: tuple[CompanyRow, ...]


class PartRow(Outgoing):
    """One manager's part in a call, as the figure counted it."""

    call: CallView
    day: date
    extension: str
    rang_seconds: float
    talk_seconds: float
    wait_seconds: float


class DayGoalView(Outgoing):
    """How far a manager is with the goal of a day."""

    user: int
    day: date
    count: int = Field(description="so many distinct clients are wanted")
    seconds: int = Field(description="each with a talk longer than this")
    direction: GoalDirection
    done: int
    left: int
    reached: bool
    calls: str = Field(description="address of the calls that count")


def _seconds(microseconds: int) -> float:
    return reading.in_seconds(microseconds) or 0.0


def _manager_row(figures: ManagerFigures) -> ManagerRow:
    return ManagerRow(
        user=figures.user_id,
        day=figures.day,
        direction=figures.direction,
        calls=figures.calls,
        answered=figures.answered,
        missed=figures.missed,
        not_taken=figures.not_taken,
        lost=figures.lost,
        talk_seconds=_seconds(figures.talk_us),
        wait_seconds=_seconds(figures.wait_us),
        numbers=figures.numbers,
        numbers_long=figures.numbers_long,
    )


def _company_row(figures: CompanyFigures) -> CompanyRow:
    return CompanyRow(
        day=figures.day,
        direction=figures.direction,
        calls=figures.calls,
        answered=figures.answered,
        missed=figures.missed,
        lost=figures.lost,
        talk_seconds=_seconds(figures.talk_us),
        wait_seconds=_seconds(figures.wait_us),
    )


class Statistics:
    """The handlers of `/statistics`."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts

    def routes(self) -> tuple[Route, ...]:
        """The rows of the table."""
        return (
            Route(
                method="GET",
                path="/statistics/managers",
                handler=self.managers,
                summary="Figures by manager",
                right=Right.STATISTICS_READ_OWN,
                tag="statistics",
            ),
            Route(
                method="GET",
                path="/statistics/managers/{user_id}/calls",
                handler=self.calls_of_manager,
                summary="The calls behind a manager's figure",
                right=Right.STATISTICS_READ_OWN,
                tag="statistics",
            ),
            Route(
                method="GET",
                path="/statistics/goal",
                handler=self.goal,
                summary="How far a manager is with the goal of a day",
                right=Right.STATISTICS_READ_OWN,
                tag="statistics",
                errors=(NotFoundError,),
            ),
            Route(
                method="GET",
                path="/statistics/company",
                handler=self.company,
                summary="Figures of the company",
                right=Right.STATISTICS_READ_ALL,
                tag="statistics",
            ),
            Route(
                method="GET",
                path="/statistics/company/calls",
                handler=self.calls_of_company,
                summary="The calls behind a figure of the company",
                right=Right.STATISTICS_READ_ALL,
                tag="statistics",
            ),
        )

    async def managers(self, asked: Asked[Nothing, ManagersQuery, Nothing]) -> ManagersReport:
        """Figures of those whom the caller may see."""
        query = asked.query
        user = query.user
        if user is not None:
            require_reach(asked.principal, Right.STATISTICS_READ_OWN, user)
        else:
            user = reach(asked.principal, Right.STATISTICS_READ_OWN)
        span = self._span(query, user=user)
        days = (span.until - span.since).days + 1
        if query.by is RowsBy.DAY:
            if user is None and days > DAYS_OF_EVERYBODY:
                raise _too_long(f"Everybody's figures are listed for {DAYS_OF_EVERYBODY} days at most; name a user.")
            found = await reports.manager_days(self._parts.pool, span)
        else:
            found = await reports.manager_totals(self._parts.pool, span, distinct=query.distinct)
        return ManagersReport(
            since=span.since,
            until=span.until,
            long_seconds=self._parts.settings.goals.seconds,
            items=tuple(_manager_row(figures) for figures in found),
        )

    async def calls_of_manager(self, asked: Asked[UserPath, PartsQuery, Nothing]) -> Page[PartRow]:
        """As many calls as the figure says; of a number's several calls the longest stands for it."""
        user, query = asked.path.user_id, asked.query
        require_reach(asked.principal, Right.STATISTICS_READ_OWN, user)
        place = read_cursor("parts", query.cursor, PartPlace)
        found = await reports.parts_behind(
            self._parts.pool,
            self._span(query, user=user, day=query.day),
            figure=query.figure,
            long_us=self._parts.settings.goals.seconds * 1_000_000,
            after=(place.at, place.id, place.extension) if place else None,
            limit=query.limit + 1,
        )
        calls = await reading.read_calls(self._parts.pool, [part.call_id for part in found])
        shown = await call_models(self._parts, list(calls.values()), asked.principal)
        views = {view.id: view for view in shown}
        rows = [
            (
                PartRow(
                    call=views[part.call_id],
                    day=part.day,
                    extension=part.extension,
                    rang_seconds=_seconds(part.rang_us),
                    talk_seconds=_seconds(part.talk_us),
                    wait_seconds=_seconds(part.wait_us),
                ),
                PartPlace(at=part.started_at, id=part.call_id, extension=part.extension),
            )
            for part in found
            if part.call_id in calls
        ]
        return page("parts", rows, query.limit)

    async def goal(self, asked: Asked[Nothing, GoalQuery, Nothing]) -> DayGoalView:
        """The goal of a day and what of it is done."""
        user = asked.query.user or own_user(asked.principal)
        if user is None:
            detail = "This key belongs to nobody; name the user whose goal is wanted."
            raise InvalidRequestError([FieldFault(place="query", pointer="#/user", code="missing", detail=detail)])
        require_reach(asked.principal, Right.STATISTICS_READ_OWN, user)
        person = await people.read_user(self._parts.pool, user)
        if person is None:
            raise NotFoundError("Nobody has this id.")
        goals = self._parts.settings.goals
        zone = zone_of(person.timezone, self._parts.settings.company.timezone)
        day = asked.query.day or datetime.now(zone).date()
        direction = None if goals.direction is GoalDirection.BOTH else str(goals.direction)
        done = await reports.long_numbers(self._parts.pool, user=user, day=day, direction=direction)
        narrowed = f"&direction={direction}" if direction else ""
        return DayGoalView(
            user=user,
            day=day,
            count=goals.count,
            seconds=goals.seconds,
            direction=goals.direction,
            done=done,
            left=max(0, goals.count - done),
            reached=done >= goals.count,
            calls=f"{API_PREFIX}/statistics/managers/{user}/calls?figure=numbers_long&day={day}{narrowed}",
        )

    async def company(self, asked: Asked[Nothing, CompanyQuery, Nothing]) -> CompanyReport:
        """Figures of the company by direction."""
        span = self._span(asked.query)
        found = await reports.company_figures(self._parts.pool, span, by_day=asked.query.by is RowsBy.DAY)
        return CompanyReport(since=span.since, until=span.until, items=tuple(map(_company_row, found)))

    async def calls_of_company(self, asked: Asked[Nothing, CompanyCallsQuery, Nothing]) -> Page[CallView]:
        """As many calls as the figure says."""
        query = asked.query
        span = self._span(query, day=query.day)
        place = read_cursor("company", query.cursor, CallPlace)
        zone = self._parts.settings.company.timezone
        wanted = CallFilter(
            only_user=reach(asked.principal, Right.CALLS_READ_OWN),
            since=datetime.combine(span.since, datetime.min.time(), zone),
            until=datetime.combine(span.until + timedelta(days=1), datetime.min.time(), zone),
            direction=query.direction,
            kind="client",
            state="ended",
            counted=CountedCalls(figure=query.figure),
        )
        after = (place.at, place.id) if place else None
        found = await list_calls(self._parts.pool, wanted, after=after, limit=query.limit + 1)
        views = await call_models(self._parts, found, asked.principal)
        rows = [(view, CallPlace(at=c.sorted_at, id=c.id)) for view, c in zip(views, found, strict=True)]
        return page("company", rows, query.limit)

    def _span(self, query: SpanQuery, *, user: int | None = None, day: date | None = None) -> Span:
        """The days that are asked for; today, where nothing is said."""
        today = datetime.now(self._parts.settings.company.timezone).date()
        since = day or query.since or min(today, query.until or today)
        until = day or query.until or max(today, since)
        if until < since:
            raise _too_long("The last day lies before the first; exchange them.")
        if (until - since).days >= DAYS_MAX:
            raise _too_long(f"A span has {DAYS_MAX} days at most; ask for it in parts.")
        return Span(since=since, until=until, user=user, direction=query.direction)


def _too_long(detail: str) -> InvalidRequestError:
    return refused_value("until", detail, place="query", code="span")
