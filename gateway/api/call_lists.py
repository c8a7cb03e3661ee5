"""Calls in lists: `GET /calls` with its filters, orders and pages, and how many there are.

A period is meant by its name, by the caller's own days; `since` and `until` mean moments. What a list shows of calls is
what `gateway.api.calls` shows of one.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import Field

from gateway.aftercare.goal_progress import members_of
from gateway.api.calls import CallPlace, CallView, call_models, wanted_number
from gateway.api.fields import CursorText, Day, Incoming, Limit, Moment, Nothing, RowId
from gateway.api.pages import CountedView, Page, counted, page, read_cursor
from gateway.api.parts import ApiParts
from gateway.api.problems import NotFoundError, refused_value
from gateway.api.routing import Asked, Route
from gateway.api.teams import members_today
from gateway.api.visibility import own_user, reach, sees_cards
from gateway.domain.access import Principal, Right
from gateway.domain.call import CallKind, Direction, Result
from gateway.domain.cards import card_reach
from gateway.domain.errors import NotAllowed
from gateway.domain.periods import Period, PeriodError, PeriodName, day_of, period_of
from gateway.domain.spend import Channel, ChannelBy
from gateway.domain.staff import zone_of
from gateway.store import call_lists
from gateway.store.call_lists import CallFilter, CallOrder, CallPlaceKeys
from gateway.store.counted_calls import CountedCalls, WeekHours
from gateway.store.goal_amounts import Member
from gateway.store.people import read_user
from gateway.store.reading import COMPANY_FIGURES
from gateway.store.teams import Team, read_team


class CallStateFilter(StrEnum):
    """How far a call is; `open` is ringing or talking."""

    OPEN = "open"
    RINGING = "ringing"
    TALKING = "talking"
    ENDED = "ended"


class WantedKind(StrEnum):
    """Which kinds of calls a list shows."""

    CLIENT = CallKind.CLIENT
    INTERNAL = CallKind.INTERNAL
    THROUGH = CallKind.THROUGH
    SERVICE = CallKind.SERVICE
    ALL = "all"


class CallFigure(StrEnum):
    """A figure whose calls are wanted (docs/metrics.md)."""

    CALLS = "calls"
    ANSWERED = "answered"
    MISSED = "missed"
    NOT_TAKEN = "not_taken"
    LOST = "lost"
    TALK_SECONDS = "talk_seconds"
    WAIT_SECONDS = "wait_seconds"
    NUMBERS = "numbers"
    NUMBERS_LONG = "numbers_long"
    CALLS_LONG = "calls_long"
    OUTCOMES = "outcomes"


ChannelText = Annotated[str, Field(max_length=200)]


class CallQuery(Incoming):
    """Which calls."""

    since: Moment | None = Field(default=None, description="calls that began then or later")
    until: Moment | None = Field(default=None, description="calls that began before")
    period: PeriodName | None = Field(
        default=None,
        description="days instead of moments: those of the figure where there is one (a manager's own, else the"
        " company's), else by my own clock; `dates` takes `first` and `last`",
    )
    first: Day | None = Field(default=None, description="of period=dates: the first day")
    last: Day | None = Field(default=None, description="of period=dates: the last day, itself included")
    direction: Direction | None = None
    result: Result | None = None
    figure: CallFigure | None = Field(
        default=None,
        description="calls that a figure counts: of `manager`, else of `team` on the days of each membership, else of"
        " the company; `outcomes` goes with `outcome`",
    )
    seconds: Annotated[int, Field(ge=0, le=86_400)] | None = Field(
        default=None, description="of numbers_long and calls_long: talk longer than this; left out: the settings'"
    )
    weekday: Annotated[int, Field(ge=1, le=7)] | None = Field(
        default=None, description="1: Monday, by the company's clock"
    )
    hour: Annotated[int, Field(ge=0, le=23)] | None = Field(default=None, description="by the company's clock")
    channel_by: ChannelBy | None = Field(
        default=None, description="calls of the channel `channel_kind` and `channel`, as `/reports/channels` tells them"
    )
    channel_kind: ChannelText = Field(default="", description="of a source, like campaign; empty: none")
    channel: ChannelText = Field(default="", description="our number or the source's name; empty: not known")
    reason: Annotated[str, Field(pattern=r"^[a-z_]{1,40}$")] | None = Field(
        default=None, description="why nobody talked, like no_answer or abandoned"
    )
    kind: WantedKind = WantedKind.CLIENT
    state: CallStateFilter | None = None
    manager: RowId | None = Field(default=None, description="calls in which this user had a part")
    team: RowId | None = Field(
        default=None, description="calls in which somebody of this team of today had a part; with a figure, of its days"
    )
    contact: RowId | None = None
    organisation: RowId | None = None
    client: Annotated[str, Field(min_length=2, max_length=100)] | None = Field(
        default=None, description="words of the client's name"
    )
    number: Annotated[str, Field(min_length=1, max_length=64)] | None = Field(
        default=None, description="the client's number in any way of writing, or three digits of it or more"
    )
    did: Annotated[str, Field(min_length=1, max_length=64)] | None = Field(
        default=None, description="our number, as calls show it"
    )
    route: RowId | None = Field(default=None, description="calls that went through this inbound route")
    step: Annotated[str, Field(pattern=r"^(owner|announcement|site|hang_up|(group|manager):\d{1,18})$")] | None = Field(
        default=None, description="calls that this step of a route ended: owner, group:3, manager:7, site, hang_up"
    )
    source: Annotated[str, Field(min_length=1, max_length=120)] | None = Field(
        default=None, description="name of the source of our number, or of the client's card"
    )
    talk_since: Annotated[int, Field(ge=0, le=604_800)] | None = Field(
        default=None, description="seconds of talk at least"
    )
    talk_until: Annotated[int, Field(ge=0, le=604_800)] | None = Field(
        default=None, description="seconds of talk at most"
    )
    recorded: bool | None = Field(default=None, description="whether its recording is in the archive")
    transcript: bool | None = Field(default=None, description="whether it was written down")
    outcome: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")] | None = Field(
        default=None, description="key of the outcome, or what it means; `none`: it has none"
    )
    q: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(
        default=None, description='words that were said; "a phrase", or, and - as in a search engine'
    )


class CallListQuery(CallQuery):
    """Which calls, in which order, and which page of them."""

    sort: CallOrder = CallOrder.NEWEST
    limit: Limit = 50
    cursor: CursorText | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Whose calls, of which time, behind which figure."""

    since: datetime | None
    until: datetime | None
    users: tuple[int, ...] | None = None
    counted: CountedCalls | None = None


class CallLists:
    """The handlers that find calls."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts

    def routes(self) -> tuple[Route, ...]:
        """The rows of the table."""
        return (
            Route(
                method="GET",
                path="/calls",
                handler=self.listing,
                summary="List calls, the newest first",
                right=Right.CALLS_READ_OWN,
                tag="calls",
                errors=(NotFoundError,),
            ),
            Route(
                method="GET",
                path="/calls/count",
                handler=self.count,
                summary="How many calls a list has, up to ten thousand",
                right=Right.CALLS_READ_OWN,
                tag="calls",
                errors=(NotFoundError,),
            ),
        )

    async def listing(self, asked: Asked[Nothing, CallListQuery, Nothing]) -> Page[CallView]:
        """A page of calls."""
        query = asked.query
        kind = "calls" if query.sort is CallOrder.NEWEST else f"calls {query.sort}"
        place = read_cursor(kind, query.cursor, CallPlace)
        wanted = await self._wanted(asked.principal, query)
        after = CallPlaceKeys(at=place.at, id=place.id, size=place.size) if place else None
        found = await call_lists.list_calls(
            self._parts.pool, wanted, after=after, limit=query.limit + 1, order=query.sort
        )
        views = await call_models(self._parts, found, asked.principal)
        rows = [(view, CallPlace(at=c.sorted_at, id=c.id, size=c.size)) for view, c in zip(views, found, strict=True)]
        return page(kind, rows, query.limit)

    async def count(self, asked: Asked[Nothing, CallQuery, Nothing]) -> CountedView:
        """How many there are."""
        count = await call_lists.count_calls(self._parts.pool, await self._wanted(asked.principal, asked.query))
        return counted(count)

    async def _wanted(self, who: Principal, query: CallQuery) -> CallFilter:
        """The calls that a query asks for, as far as the caller may see them."""
        if (query.client or query.organisation) and not sees_cards(who):
            raise NotAllowed("You may not see cards, so you cannot ask for calls by them.")
        scope = await self._scope(who, query)
        is_open = query.state is CallStateFilter.OPEN
        number, digits = self._number(query.number)
        plain = ("direction", "result", "reason", "contact", "organisation", "client", "did", "route", "step", "source")
        return CallFilter(
            only_user=reach(who, Right.CALLS_READ_OWN),
            user=query.manager,
            users=scope.users,
            counted=scope.counted,
            hours=WeekHours(weekday=query.weekday, hour=query.hour, zone=self._parts.settings.company.timezone),
            channel=self._channel(query),
            since=scope.since,
            until=scope.until,
            kind=None if query.kind is WantedKind.ALL else query.kind,
            state=CallStateFilter.ENDED if scope.counted else None if is_open else query.state,
            is_open=is_open,
            card_reach=card_reach(who),
            number=number,
            digits=digits,
            talk_since=query.talk_since,
            talk_until=query.talk_until,
            recorded=query.recorded,
            written=query.transcript,
            outcome=None if query.figure is CallFigure.OUTCOMES else query.outcome,
            text=query.q,
            languages=self._parts.settings.transcription.languages,
            **{name: getattr(query, name) for name in plain},
        )

    async def _scope(self, who: Principal, query: CallQuery) -> Scope:
        """Whose calls, of which time, behind which figure."""
        zone = self._parts.settings.company.timezone
        if query.figure is None:
            since, until = await self._span(query, await self._zone_of(own_user(who)))
            users = None if query.team is None else await members_today(self._parts, query.team)
            return Scope(since=since, until=until, users=users)
        team = None if query.team is None else await self._team(query.team)
        whole = query.manager is None and team is None
        self._check_figure(query, whole=whole)
        if query.manager is not None:
            zone = await self._zone_of(query.manager)
        since, until = await self._span(query, zone)
        days = Period(first=date.min, last=date.max)
        if query.period is not None:
            days = self._days(query, zone)
        if query.manager is not None:
            members: list[Member] | None = [Member(user_id=query.manager, since=days.first, until=days.last)]
        else:
            members = None if team is None else members_of(team, days)
        if query.period is not None and members is not None:
            # Each one's day is his own: the moments only keep the search short, the days of the parts decide.
            since, until = (
                (since - timedelta(days=2) if since else None),
                (until + timedelta(days=2) if until else None),
            )
        seconds = self._parts.settings.goals.seconds if query.seconds is None else query.seconds
        counted = CountedCalls(
            figure=query.figure,
            members=None if members is None else tuple(members),
            direction=query.direction,
            long_us=seconds * 1_000_000,
            outcome=query.outcome,
        )
        return Scope(since=since, until=until, counted=counted)

    def _check_figure(self, query: CallQuery, *, whole: bool) -> None:
        """A figure counts ended calls with a client, and so needs them."""
        if query.kind is not WantedKind.CLIENT or query.state not in (None, CallStateFilter.ENDED):
            raise refused_value(
                "figure", "Figures count ended calls with a client; leave out kind and state.", place="query"
            )
        if whole and query.figure not in COMPANY_FIGURES:
            raise refused_value("figure", "This is a figure of a manager; give manager or team too.", place="query")
        if query.figure is CallFigure.OUTCOMES and query.outcome in (None, "none"):
            raise refused_value("outcome", "Say which outcome counts.", place="query")

    def _channel(self, query: CallQuery) -> tuple[ChannelBy, Channel] | None:
        if query.channel_by is None:
            if query.channel or query.channel_kind:
                raise refused_value("channel_by", "Say what the channel is told by: did or source.", place="query")
            return None
        return query.channel_by, Channel(kind=query.channel_kind, name=query.channel)

    async def _span(self, query: CallQuery, zone: ZoneInfo) -> tuple[datetime | None, datetime | None]:
        if query.period is None:
            if query.first or query.last:
                raise refused_value("period", "Days go with period=dates.", place="query")
            return query.since, query.until
        if query.since or query.until:
            raise refused_value("period", "Give a period or moments, not both.", place="query")
        return self._days(query, zone).bounds(zone)

    def _days(self, query: CallQuery, zone: ZoneInfo) -> Period:
        assert query.period is not None
        try:
            return period_of(query.period, _today(zone), since=query.first, until=query.last)
        except PeriodError as fault:
            raise refused_value("period", str(fault), place="query") from fault

    async def _zone_of(self, user: int | None) -> ZoneInfo:
        person = None if user is None else await read_user(self._parts.pool, user)
        return zone_of(person.timezone if person else None, self._parts.settings.company.timezone)

    async def _team(self, id_: int) -> Team:
        found = await read_team(self._parts.pool, id_)
        if found is None:
            raise NotFoundError("There is no team with this id.")
        return found

    def _number(self, text: str | None) -> tuple[str | None, str | None]:
        """A whole number, or some digits of one."""
        if text is None:
            return None, None
        digits = re.sub(r"[^0-9]", "", text)
        whole = self._parts.plan.parse(text).e164
        if whole is None and 3 <= len(digits) <= 15 and re.fullmatch(r"[0-9\s().\-/+\u00a0]+", text):
            return None, digits
        return wanted_number(self._parts, text), None


def _today(zone: ZoneInfo) -> date:
    return day_of(datetime.now(UTC), zone)
