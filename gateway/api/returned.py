"""`GET /reports/returned`: missed clients who were reached, how quickly, and how long callers waited.

Both stand beside the period before. What counts stands in docs/metrics.md; a figure opens into `/missed` (who
was not reached) or `/calls`.
"""

from datetime import UTC, date, datetime
from enum import StrEnum

from pydantic import Field

from gateway.aftercare.goal_progress import Office, read_office
from gateway.api.day_views import ReturnedView, returned_view
from gateway.api.fields import Day, Incoming, Nothing, Outgoing, RowId
from gateway.api.parts import ApiParts
from gateway.api.problems import NotFoundError
from gateway.api.reports import asked_period
from gateway.api.routing import Asked, Route
from gateway.api.visibility import reach
from gateway.domain.access import Right
from gateway.domain.periods import Period, PeriodName, before, day_of
from gateway.store.board import calls_in
from gateway.store.database import Connection
from gateway.store.returned import NONE, Returned, returned, returned_by_did, returned_by_person


class ReturnedBy(StrEnum):
    """What the lines are told by."""

    MANAGER = "manager"
    DID = "did"


class ReturnedQuery(Incoming):
    """Of which days."""

    period: PeriodName = Field(default=PeriodName.TODAY, description="`dates` goes with since and until")
    since: Day | None = Field(default=None, description="of any dates")
    until: Day | None = Field(default=None, description="of any dates, itself included; left out: today")
    by: ReturnedBy = ReturnedBy.MANAGER
    team: RowId | None = Field(default=None, description="only this team's people; left out: the whole company")


class ReturnedFigures(Outgoing):
    """Missed clients and waiting of some days."""

    returned: ReturnedView
    in_time_share: float | None = Field(description="null: nobody was missed")
    calls: int = Field(description="calls in")
    answered: int
    median_wait_seconds: float | None = Field(description="of calls in that were answered")


class ReturnedLine(Outgoing):
    """One manager, or one of our numbers."""

    user: int | None
    did: str | None = Field(description="empty: the call did not say")
    name: str | None
    now: ReturnedView
    before: ReturnedView


class ReturnedReport(Outgoing):
    """How quickly missed clients were reached."""

    since: date
    until: date
    before_since: date
    before_until: date
    now: ReturnedFigures
    before: ReturnedFigures
    items: tuple[ReturnedLine, ...] = Field(description="those with the most missed clients first")


class ReturnedReports:
    """The handler of how quickly missed clients were reached."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts

    def routes(self) -> tuple[Route, ...]:
        """The row of the table."""
        return (
            Route(
                method="GET",
                path="/reports/returned",
                handler=self.report,
                summary="How quickly missed clients were reached, and how long callers waited",
                right=Right.STATISTICS_READ_OWN,
                tag="reports",
                errors=(NotFoundError,),
            ),
        )

    async def report(self, asked: Asked[Nothing, ReturnedQuery, Nothing]) -> ReturnedReport:
        """The report; who may see only himself gets his own."""
        query, now = asked.query, datetime.now(UTC)
        own = reach(asked.principal, Right.STATISTICS_READ_OWN)
        async with self._parts.pool.acquire() as source:
            office = await read_office(source, self._parts.settings)
            users: tuple[int, ...] | None = None if own is None else (own,)
            if query.team is not None and users is None:
                users = _members(office, query.team, now)
            period = asked_period(query.period, query.since, query.until, office.zone, now)
            earlier = before(query.period, period)
            present, past = [await _figures(source, office, days, users, now) for days in (period, earlier)]
            found, had = [await _lines(source, office, query.by, days, now) for days in (period, earlier)]
        keys = [k for k in {*found, *had} if query.by is ReturnedBy.DID or users is None or int(k) in users]
        if own is not None and query.by is ReturnedBy.DID:
            keys = []  # whole numbers are the company's figures
        keys.sort(key=lambda k: (-found.get(k, NONE).of, k))
        return ReturnedReport(
            since=period.first,
            until=period.last,
            before_since=earlier.first,
            before_until=earlier.last,
            now=present,
            before=past,
            items=tuple(_line(office, query.by, key, found.get(key, NONE), had.get(key, NONE)) for key in keys),
        )


def _members(office: Office, team: int, now: datetime) -> tuple[int, ...]:
    found = office.teams.get(team)
    if found is None:
        raise NotFoundError("There is no team with this id.")
    return found.members_on(day_of(now, office.zone))


async def _figures(
    source: Connection, office: Office, days: Period, users: tuple[int, ...] | None, now: datetime
) -> ReturnedFigures:
    begin, end = days.bounds(office.zone)
    back = await returned(source, begin, end, now, users=users)
    calls = await calls_in(source, [(begin, end)], users=users)
    return ReturnedFigures(
        returned=returned_view(back),
        in_time_share=round(back.in_time / back.of, 4) if back.of else None,
        calls=calls.calls,
        answered=calls.answered,
        median_wait_seconds=calls.median_wait_seconds,
    )


async def _lines(
    source: Connection, office: Office, by: ReturnedBy, days: Period, now: datetime
) -> dict[str, Returned]:
    """By number, or by the user's id as text."""
    begin, end = days.bounds(office.zone)
    if by is ReturnedBy.DID:
        return await returned_by_did(source, begin, end, now)
    return {str(user): found for user, found in (await returned_by_person(source, begin, end, now)).items()}


def _line(office: Office, by: ReturnedBy, key: str, now: Returned, earlier: Returned) -> ReturnedLine:
    user = int(key) if by is ReturnedBy.MANAGER else None
    person = office.people.get(user or 0)
    return ReturnedLine(
        user=user,
        did=key if user is None else None,
        name=person.name if person else None,
        now=returned_view(now),
        before=returned_view(earlier),
    )
