"""Reports: ratings, channels, tasks, communication, the company, figures over time, hours, problem spots; and the rows
behind every figure.

What each figure counts is written in docs/metrics.md, how reports are used in docs/reports.md.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from aiohttp import web

from gateway.aftercare import report_tables as tables
from gateway.aftercare import state_tables
from gateway.aftercare.goal_progress import Office, members_of, read_office
from gateway.api.calls import CallView, call_models
from gateway.api.fields import Nothing
from gateway.api.missed_figures import missed_rows
from gateway.api.pages import Page, page, read_cursor
from gateway.api.parts import ApiParts
from gateway.api.problems import InvalidRequestError, NotFoundError, UnknownCursorError, refused_value
from gateway.api.report_files import MEDIA, report_file
from gateway.api.report_views import (
    ChannelQuery,
    CompanyQuery,
    Format,
    HoursQuery,
    PeopleQuery,
    PeriodQuery,
    RatingQuery,
    ReportRowView,
    ReportView,
    RowFigure,
    RowPlace,
    RowsQuery,
    SeriesQuery,
    SpotList,
    SpotQuery,
    StatesQuery,
    TaskRowView,
    TouchRowView,
    report_view,
    spot_view,
)
from gateway.api.routing import Asked, Route
from gateway.api.visibility import reach, require_reach
from gateway.domain.access import Principal, Right, allowed
from gateway.domain.errors import NotAllowed
from gateway.domain.periods import DAYS_MAX, Period, PeriodError, PeriodName, before, day_of, period_of
from gateway.domain.report_table import Table
from gateway.store import reading, report_rows, report_sums
from gateway.store.goal_amounts import Member
from gateway.store.report_rows import CompanyScope, Place, Row, TaskRow, TouchRow, WeekHour
from gateway.store.returned import FATES

_COMPANY_ROWS = frozenset(
    {RowFigure.CALLS, RowFigure.ANSWERED, RowFigure.MISSED, RowFigure.LOST, RowFigure.TALK_SECONDS}
    | {RowFigure.WAIT_SECONDS}
)
_OF_TASKS = frozenset(
    {RowFigure.TASKS_DONE, RowFigure.TASKS_IN_TIME, RowFigure.TASKS_FAILED, RowFigure.TASKS_DUE}
    | {RowFigure.TASKS_OVERDUE}
)


def refused(pointer: str, detail: str) -> InvalidRequestError:
    """A value of the query that is not allowed."""
    return refused_value(pointer, detail, place="query")


def asked_period(name: PeriodName, since: date | None, until: date | None, zone: ZoneInfo, now: datetime) -> Period:
    """The period that a query means.

    Raises:
        InvalidRequestError: it means none.
    """
    if name is not PeriodName.DATES and (since is not None or until is not None):
        raise refused("period", "Days go with period=dates.")
    try:
        return period_of(name, day_of(now, zone), since=since, until=until)
    except PeriodError as fault:
        raise refused("until", str(fault)) from fault


class Reports:
    """The handlers of `/reports`."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts

    def routes(self) -> tuple[Route, ...]:
        """The rows of the table."""
        own, everybody = Right.STATISTICS_READ_OWN, Right.STATISTICS_READ_ALL
        listed = (
            ("ratings", self.ratings, "Managers by calls, minutes, goals, communication or tasks", own),
            ("company", self.company, "The company's calls by direction", everybody),
            ("channels", self.channels, "Calls, new clients and costs by our number or by source", everybody),
            ("series", self.series, "Figures by day, week or month, with their trends", own),
            ("hours", self.hours, "Calls by hour of the week", everybody),
            ("tasks", self.tasks, "Tasks by kind: done, in time, failed, overdue", own),
            ("communication", self.communication, "Calls and touches by kind and direction", own),
            ("states", self.states, "Time in each state by manager and day", own),
        )
        return (
            *(
                Route(
                    method="GET",
                    path=f"/reports/{name}",
                    handler=handler,
                    summary=summary,
                    right=right,
                    tag="reports",
                    media=MEDIA,
                    errors=(NotFoundError,),
                )
                for name, handler, summary, right in listed
            ),
            Route(
                method="GET",
                path="/reports/problems",
                handler=self.problems,
                summary="Where a manager is clearly worse than the middle of his colleagues",
                right=own,
                tag="reports",
                errors=(NotFoundError,),
            ),
            Route(
                method="GET",
                path="/reports/rows",
                handler=self.rows,
                summary="What a figure counts: calls, tasks or touches",
                right=own,
                tag="reports",
                errors=(NotFoundError,),
            ),
        )

    async def ratings(self, asked: Asked[Nothing, RatingQuery, Nothing]) -> ReportView | web.Response:
        """Managers by a figure; who may see only himself is shown his own line with his place."""
        query, now = asked.query, datetime.now(UTC)
        office = await self._office()
        period, earlier = self._periods(query, office.zone, now)
        own = reach(asked.principal, Right.STATISTICS_READ_OWN)
        users = self._members(office, query.team, period)
        if own is not None and own in office.people and own not in users:
            users = [*users, own]
        table = await tables.ratings(
            self._parts.pool,
            office,
            period,
            earlier,
            users,
            by=query.by,
            direction=query.direction,
            now=now,
        )
        if own is not None:
            table = replace(table, lines=tuple(line for line in table.lines if line.key["user"] == own))
        return await self._given(asked.principal, query, table, now)

    async def company(self, asked: Asked[Nothing, CompanyQuery, Nothing]) -> ReportView | web.Response:
        """The company's figures, or a team's."""
        query, now = asked.query, datetime.now(UTC)
        office = await self._office()
        period, earlier = self._periods(query, office.zone, now)
        _known_team(office, query.team)
        table = await tables.company(self._parts.pool, office, period, earlier, query.team)
        return await self._given(asked.principal, query, table, now)

    async def channels(self, asked: Asked[Nothing, ChannelQuery, Nothing]) -> ReportView | web.Response:
        """Channels by calls."""
        query, now = asked.query, datetime.now(UTC)
        office = await self._office()
        period, earlier = self._periods(query, office.zone, now)
        table = await tables.channels(self._parts.pool, office, query.by, period, earlier)
        return await self._given(asked.principal, query, table, now)

    async def series(self, asked: Asked[Nothing, SeriesQuery, Nothing]) -> ReportView | web.Response:
        """Points in time; each is compared with the one before it."""
        query, now = asked.query, datetime.now(UTC)
        office = await self._office()
        if query.user is not None and query.team is not None:
            raise refused("team", "Give a user or a team, not both.")
        if query.user is not None:
            require_reach(asked.principal, Right.STATISTICS_READ_OWN, query.user)
            self._person(office, query.user)
        else:
            _require_all(asked.principal)
        _known_team(office, query.team)
        zone = office.zone if query.user is None else office.zone_of(query.user)
        period, _ = self._periods(query, zone, now)
        table = await tables.over_time(
            self._parts.pool,
            office,
            period,
            query.step,
            user=query.user,
            team=query.team,
            direction=query.direction,
        )
        return await self._given(asked.principal, query, table, now, trends=True)

    async def hours(self, asked: Asked[Nothing, HoursQuery, Nothing]) -> ReportView | web.Response:
        """The week by hours."""
        query, now = asked.query, datetime.now(UTC)
        office = await self._office()
        period, _ = self._periods(query, office.zone, now)
        _known_team(office, query.team)
        table = await tables.hours(self._parts.pool, office, period, query.direction, query.team)
        return await self._given(asked.principal, query, table, now)

    async def tasks(self, asked: Asked[Nothing, PeopleQuery, Nothing]) -> ReportView | web.Response:
        """Tasks by kind."""
        query, now = asked.query, datetime.now(UTC)
        office, users, zone = await self._people(asked.principal, query)
        period, earlier = self._periods(query, zone, now)
        team = None if users else query.team
        users = users or self._members(office, team, period)
        table = await tables.tasks(self._parts.pool, office, period, earlier, users, now, team)
        return await self._given(asked.principal, query, table, now)

    async def communication(self, asked: Asked[Nothing, PeopleQuery, Nothing]) -> ReportView | web.Response:
        """Ways of talking to clients."""
        query, now = asked.query, datetime.now(UTC)
        office, users, zone = await self._people(asked.principal, query)
        period, earlier = self._periods(query, zone, now)
        team = None if users else query.team
        users = users or self._members(office, team, period)
        table = await tables.communication(self._parts.pool, office, period, earlier, users, team)
        return await self._given(asked.principal, query, table, now)

    async def states(self, asked: Asked[Nothing, StatesQuery, Nothing]) -> ReportView | web.Response:
        """How managers spent their days."""
        query, now = asked.query, datetime.now(UTC)
        office, users, zone = await self._people(asked.principal, query)
        period, _ = self._periods(query, zone, now)
        users = users or self._members(office, query.team, period)
        table = await state_tables.states(self._parts.pool, office, period, query.step, users, now)
        return await self._given(asked.principal, query, table, now)

    async def problems(self, asked: Asked[Nothing, SpotQuery, Nothing]) -> SpotList:
        """Where help is possible."""
        query, now = asked.query, datetime.now(UTC)
        require_reach(asked.principal, Right.STATISTICS_READ_OWN, query.user)
        office = await self._office()
        self._person(office, query.user)
        period = asked_period(query.period, query.since, query.until, office.zone_of(query.user), now)
        colleagues = self._members(office, query.team, period)
        spots, opens = await tables.spots(self._parts.pool, office, period, query.user, colleagues, now)
        items = tuple(spot_view(spot, opens.get(spot.figure)) for spot in spots)
        return SpotList(user=query.user, since=period.first, until=period.last, items=items)

    async def rows(self, asked: Asked[Nothing, RowsQuery, Nothing]) -> Page[ReportRowView]:
        """As many rows as the figure says."""
        query = asked.query
        period = _rows_period(query)
        office = await self._office()
        place = _place(query.cursor)
        if query.figure in FATES:
            return await missed_rows(self._parts, asked.principal, office, query, period, place)
        found = await self._rows(asked.principal, office, query, period, place)
        calls = await reading.read_calls(self._parts.pool, [row.call_id for row in found if row.call_id is not None])
        shown = dict(zip(calls, await call_models(self._parts, list(calls.values()), asked.principal), strict=True))
        rows = [
            (
                _row_view(row, shown.get(row.call_id) if row.call_id else None),
                RowPlace(at=row.place.at, id=row.place.id, extension=row.place.extension),
            )
            for row in found
        ]
        return page("rows", rows, query.limit)

    async def _rows(
        self, who: Principal, office: Office, query: RowsQuery, period: Period, place: Place | None
    ) -> Sequence[Row]:
        pool, limit, figure = self._parts.pool, query.limit + 1, query.figure
        if query.user is not None:
            require_reach(who, Right.STATISTICS_READ_OWN, query.user)
            self._person(office, query.user)
        else:
            _require_all(who)
        if figure in _OF_TASKS or figure is RowFigure.TOUCHES:
            users = [query.user] if query.user is not None else self._members(office, query.team, period)
            people = report_sums.windows(period, {user: office.zone_of(user) for user in users})
            if figure is RowFigure.TOUCHES:
                return await report_rows.touches(
                    pool, people, kind=query.kind, direction=query.direction, after=place, limit=limit
                )
            return await report_rows.tasks(
                pool, people, figure=figure, kind=query.kind, now=datetime.now(UTC), after=place, limit=limit
            )
        if figure is RowFigure.OUTCOMES and query.kind is None:
            raise refused("kind", "Say which outcome counts.")
        if query.user is None and query.team is None and figure is not RowFigure.OUTCOMES:
            return await self._company_rows(office, query, period, place)
        members = self._whose(office, query, period)
        if figure is RowFigure.OUTCOMES:
            return await report_rows.outcomes(
                pool,
                members,
                period,
                kind=query.kind or "",
                direction=query.direction,
                after=place,
                limit=limit,
            )
        if figure is RowFigure.LEADS:
            raise refused("figure", "New clients belong to a channel, not to a manager.")
        seconds = self._parts.settings.goals.seconds if query.seconds is None else query.seconds
        return await report_rows.parts(
            pool,
            members,
            period,
            figure=figure,
            direction=query.direction,
            long_us=seconds * 1_000_000,
            team=query.team is not None,
            after=place,
            limit=limit,
            hour=WeekHour(weekday=query.weekday, hour=query.hour, zone=office.zone),
        )

    async def _company_rows(
        self, office: Office, query: RowsQuery, period: Period, place: Place | None
    ) -> Sequence[Row]:
        begin, end = period.bounds(office.zone)
        scope = CompanyScope(
            begin=begin,
            end=end,
            zone=office.zone,
            direction=query.direction,
            channel_by=query.by,
            channel_kind=query.channel_kind,
            channel=query.channel,
            weekday=query.weekday,
            hour=query.hour,
        )
        if query.by is None and (query.channel or query.channel_kind):
            raise refused("by", "Say what the channel is told by: did or source.")
        if query.figure is RowFigure.LEADS:
            return await report_rows.leads(self._parts.pool, scope, after=place, limit=query.limit + 1)
        if query.figure not in _COMPANY_ROWS:
            raise refused("user", "This figure is a manager's or a team's; name one.")
        return await report_rows.calls(self._parts.pool, scope, figure=query.figure, after=place, limit=query.limit + 1)

    def _whose(self, office: Office, query: RowsQuery, period: Period) -> Sequence[Member]:
        """The memberships whose parts count."""
        if query.user is not None:
            return [Member(user_id=query.user, since=period.first, until=period.last)]
        if query.team is not None:
            _known_team(office, query.team)
            return members_of(office.teams[query.team], period)
        return [Member(user_id=user, since=period.first, until=period.last) for user in office.people]

    def _members(self, office: Office, team: int | None, period: Period) -> list[int]:
        """The people of a report: a team's on one of its days, or everybody who has goals."""
        if team is None:
            return list(office.managers)
        _known_team(office, team)
        return sorted({m.user_id for m in members_of(office.teams[team], period)})

    async def _people(self, who: Principal, query: PeopleQuery) -> tuple[Office, list[int], ZoneInfo]:
        """Whose tasks or touches; empty: everybody's."""
        office, user = await self._office(), query.user
        if user is not None:
            require_reach(who, Right.STATISTICS_READ_OWN, user)
            self._person(office, user)
        elif (own := reach(who, Right.STATISTICS_READ_OWN)) is not None:
            user = self._person(office, own)
        return office, [] if user is None else [user], office.zone if user is None else office.zone_of(user)

    def _person(self, office: Office, user: int) -> int:
        if user not in office.people:
            raise NotFoundError("Nobody has this id.")
        return user

    def _periods(self, query: PeriodQuery, zone: ZoneInfo, now: datetime) -> tuple[Period, Period | None]:
        period = asked_period(query.period, query.since, query.until, zone, now)
        return period, before(query.period, period) if query.compare else None

    async def _office(self) -> Office:
        return await read_office(self._parts.pool, self._parts.settings)

    async def _given(
        self, who: Principal, query: PeriodQuery, table: Table, now: datetime, *, trends: bool = False
    ) -> ReportView | web.Response:
        if query.format is not Format.JSON:
            return await report_file(self._parts, who, table, query.format, query.language)
        return report_view(table, at=now, trends=trends)


def _known_team(office: Office, team: int | None) -> None:
    if team is not None and team not in office.teams:
        raise NotFoundError("There is no team with this id.")


def _require_all(who: Principal) -> None:
    if not allowed(who, Right.STATISTICS_READ_ALL):
        raise NotAllowed("You may see your own figures only; name yourself as the user.")


def _rows_period(query: RowsQuery) -> Period:
    if query.user is not None and query.team is not None:
        raise refused("team", "Give a user or a team, not both.")
    period = Period(first=query.since, last=query.until)
    if not 1 <= period.days <= DAYS_MAX:
        raise refused("until", f"A span has 1 to {DAYS_MAX} days, the first before the last.")
    return period


def _place(cursor: str | None) -> Place | None:
    """The last row seen; its id is a number or a UUID, as the list has them."""
    place = read_cursor("rows", cursor, RowPlace)
    if place is None:
        return None
    if not place.id.isdecimal() and len(place.id) != 36:
        raise UnknownCursorError
    return Place(at=place.at, id=place.id, extension=place.extension)


def _seconds(microseconds: int | None) -> float | None:
    return None if microseconds is None else reading.in_seconds(microseconds)


def _row_view(row: Row, call: CallView | None) -> ReportRowView:
    return ReportRowView(
        at=row.place.at,
        call=call,
        day=row.day,
        extension=row.extension,
        talk_seconds=_seconds(row.talk_us),
        wait_seconds=_seconds(row.wait_us),
        task=_task_view(row.task) if row.task else None,
        touch=_touch_view(row.touch) if row.touch else None,
        missed=None,
        fate=None,
    )


def _task_view(task: TaskRow) -> TaskRowView:
    return TaskRowView(
        id=task.id,
        kind=task.kind,
        state=task.state,
        title=task.title,
        owner=task.owner_id,
        contact=task.contact_id,
        due_at=task.due_at,
        ended_at=task.ended_at,
    )


def _touch_view(touch: TouchRow) -> TouchRowView:
    return TouchRowView(
        id=touch.id,
        kind=touch.kind,
        direction=touch.direction,
        at=touch.at,
        user=touch.user_id,
        contact=touch.contact_id,
    )
