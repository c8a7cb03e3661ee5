"""Today's queue of a manager, with the reason of each place in codes; and how full the hours of a day are.

The order is made by `gateway.domain.queue`. A queue lives: it has no cursor, it is read again; how much is behind it is
told by `counts`.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import Field

from gateway.api.fields import Day, Incoming, Limit, Nothing, Outgoing, RowId
from gateway.api.parts import ApiParts
from gateway.api.problems import FieldFault, InvalidRequestError, NotFoundError
from gateway.api.routing import Asked, Route
from gateway.api.scheduled_views import ScheduledEntryView, scheduled_entry
from gateway.api.task_views import MomentText, TaskView, by_clock, task_model
from gateway.api.visibility import own_user
from gateway.domain.access import Principal, Right, allowed
from gateway.domain.cards import card_reach
from gateway.domain.queue import Place, Reason, Section, in_order
from gateway.domain.staff import zone_of
from gateway.store.database import Connection
from gateway.store.people import read_user
from gateway.store.queue import Shown, load_of, queue_candidates, show_tasks
from gateway.store.scheduled_shown import open_scheduled, show_scheduled
from gateway.store.tasks import read_rule


class QueueQuery(Incoming):
    """Whose queue."""

    user: RowId | None = Field(default=None, description="left out: mine; others need a right")
    section: Section | None = Field(default=None, description="only these")
    days: Annotated[int, Field(ge=0, le=31)] = Field(default=0, description="days after today that are shown as well")
    limit: Limit = 50


class QueueEntryView(Outgoing):
    """One task of the queue."""

    section: Section = Field(description="how urgent")
    reasons: tuple[Reason, ...] = Field(description="why it stands here, the first one decides")
    importance: int = Field(description="task's priority twice, card's once, hot 3, warm 1")
    seconds_left: int | None = Field(description="until its time; negative: since; null: it has none")
    call_from: MomentText | None = Field(description="when the client's morning begins, where it is night for him")
    task: TaskView


class QueueView(Outgoing):
    """What a manager is to do, the most urgent first."""

    user: int
    at: datetime
    day: date = Field(description="his day")
    zone: str
    total: int
    counts: dict[Section, int]
    items: tuple[QueueEntryView, ...]
    scheduled: tuple[ScheduledEntryView, ...] = Field(description="calls agreed for these days, the nearest first")


class HoursQuery(Incoming):
    """Whose day."""

    user: RowId | None = Field(default=None, description="left out: mine; others need a right")
    day: Day | None = Field(default=None, description="left out: his today")


class HourView(Outgoing):
    """One hour of a day."""

    since: MomentText = Field(description="by his clock")
    tasks: int = Field(description="open calls, call backs, meetings and scheduled calls whose time lies within it")
    full: bool = Field(description="as many as the rule allows")


class DayLoadView(Outgoing):
    """How full a day is."""

    user: int
    day: date
    zone: str
    hour_max: int | None
    hours: tuple[HourView, ...]


class Queue:
    """The handlers of `/queue`."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts

    def routes(self) -> tuple[Route, ...]:
        """The rows of the table."""
        return (
            Route(
                method="GET",
                path="/queue",
                handler=self.queue,
                summary="What a manager is to do now, and why",
                right=Right.TASKS_READ_OWN,
                tag="tasks",
                errors=(NotFoundError,),
            ),
            Route(
                method="GET",
                path="/queue/hours",
                handler=self.hours,
                summary="How full the hours of a manager's day are",
                right=Right.TASKS_READ_OWN,
                tag="tasks",
                errors=(NotFoundError,),
            ),
        )

    async def queue(self, asked: Asked[Nothing, QueueQuery, Nothing]) -> QueueView:
        """A manager's queue."""
        query, now = asked.query, datetime.now(UTC)
        user = _whose(asked.principal, query.user)
        async with self._parts.pool.acquire() as connection:
            zone = await self._zone(connection, user)
            today = now.astimezone(zone).date()
            day_end = midnight(today + timedelta(days=1), zone)
            until = midnight(today + timedelta(days=1 + query.days), zone)
            places = in_order(await queue_candidates(connection, user, now, until), now, day_end)
            counts = dict.fromkeys(Section, 0)
            for place in places:
                counts[place.section] += 1
            chosen = [p for p in places if query.section in (None, p.section)][: query.limit]
            shown = await show_tasks(connection, [p.id for p in chosen], card_reach(asked.principal))
            agreed = await open_scheduled(connection, user, until, query.limit)
            calls = await show_scheduled(connection, agreed, card_reach(asked.principal))
        company = self._parts.settings.company.timezone
        return QueueView(
            user=user,
            at=now,
            day=today,
            zone=zone.key,
            total=len(places),
            counts=counts,
            items=tuple(queue_entry(p, s, now, company) for p, s in zip(chosen, shown, strict=True)),
            scheduled=tuple(scheduled_entry(c, company, now, day_end) for c in calls),
        )

    async def hours(self, asked: Asked[Nothing, HoursQuery, Nothing]) -> DayLoadView:
        """How full a day is."""
        user = _whose(asked.principal, asked.query.user)
        async with self._parts.pool.acquire() as connection:
            zone = await self._zone(connection, user)
            day = asked.query.day or datetime.now(zone).date()
            since, until = midnight(day, zone), midnight(day + timedelta(days=1), zone)
            loads = {x.since: x.tasks for x in await load_of(connection, user, since, until)}
            most = (await read_rule(connection)).hour_max
        hours = []
        while since < until:
            tasks = loads.get(since, 0)
            text = by_clock(since, zone)
            hours.append(HourView(since=text or "", tasks=tasks, full=most is not None and tasks >= most))
            since += timedelta(hours=1)
        return DayLoadView(user=user, day=day, zone=zone.key, hour_max=most, hours=tuple(hours))

    async def _zone(self, connection: Connection, user: int) -> ZoneInfo:
        person = await read_user(connection, user)
        if person is None:
            raise NotFoundError
        return zone_of(person.timezone, self._parts.settings.company.timezone)


def _whose(who: Principal, wanted: int | None) -> int:
    """Whose queue is meant.

    Raises:
        InvalidRequestError: a program without a person named nobody.
        NotFoundError: it is somebody's whose tasks the caller may not see.
    """
    user = wanted or own_user(who)
    if user is None:
        detail = "This key belongs to nobody; name a person."
        raise InvalidRequestError([FieldFault(place="query", pointer="#/user", code="missing", detail=detail)])
    if not allowed(who, Right.TASKS_READ_OWN, str(user)):
        raise NotFoundError
    return user


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The moment at which a day begins by somebody's clock."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def queue_entry(place: Place, shown: Shown, now: datetime, company: ZoneInfo) -> QueueEntryView:
    """A task in its place.

    Args:
        place: from `gateway.domain.queue.in_order`.
        shown: the task and what stands beside it.
        now: the present moment.
        company: the zone of whoever has none of his own.
    """
    due = shown.task.due_at
    zone = zone_of(shown.zone or shown.task.zone, company)
    return QueueEntryView(
        section=place.section,
        reasons=place.reasons,
        importance=place.importance,
        seconds_left=None if due is None else int((due - now).total_seconds()),
        call_from=by_clock(place.call_from, zone),
        task=task_model(shown, now, company),
    )
