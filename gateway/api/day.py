"""`GET /me/day`: a manager's start of work in one read: whom to return now, what was agreed, what to do, how he stands.

The rows are those of `/queue` in the same order; beside each stands what the screen shows with it.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import Field

from gateway.aftercare.goal_progress import read_office
from gateway.aftercare.own_day import own_day
from gateway.api.day_views import AgreedRow, DayCounts, DayView, TaskRow, agreed_row, figures_view, task_row
from gateway.api.fields import Incoming, Limit, Nothing
from gateway.api.parts import ApiParts
from gateway.api.problems import NotFoundError
from gateway.api.queue import midnight, queue_entry
from gateway.api.routing import Asked, Route
from gateway.api.scheduled_views import ScheduledEntryView, scheduled_entry
from gateway.api.visibility import own_user
from gateway.domain.access import Principal, Right
from gateway.domain.cards import card_reach, proposed_zone
from gateway.domain.errors import NotAllowed
from gateway.domain.local_time import wall_of
from gateway.domain.periods import day_of
from gateway.domain.queue import Place, Section, in_order
from gateway.domain.staff import zone_of
from gateway.store.call_back import call_back_rule
from gateway.store.database import Connection
from gateway.store.day import Beside, BesideAgreed, beside_agreed, beside_tasks
from gateway.store.people import read_user
from gateway.store.queue import Shown, queue_candidates, show_tasks
from gateway.store.scheduled_shown import open_scheduled, show_scheduled

SCHEDULED_MAX = 200


class DayQuery(Incoming):
    """How much of it."""

    days: Annotated[int, Field(ge=0, le=31)] = Field(default=0, description="days after today that are shown as well")
    limit: Limit = Field(
        default=50, description="of tasks; missed clients and scheduled calls are all shown, up to 200"
    )


class Day:
    """The handler of a manager's day."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts

    def routes(self) -> tuple[Route, ...]:
        """The row of the table."""
        return (
            Route(
                method="GET",
                path="/me/day",
                handler=self.day,
                summary="My day: whom to return now, scheduled calls, tasks by urgency, figures with the pace",
                right=Right.TASKS_READ_OWN,
                tag="me",
                errors=(NotAllowed, NotFoundError),
            ),
            Route(
                method="GET",
                path="/me/day/counts",
                handler=self.counts,
                summary="How many of each my day has, for the menu of every page",
                right=Right.TASKS_READ_OWN,
                tag="me",
                errors=(NotAllowed, NotFoundError),
            ),
        )

    async def counts(self, asked: Asked[Nothing, DayQuery, Nothing]) -> DayCounts:
        """The same numbers as the day's, without its rows and figures."""
        user, now = _own(asked.principal), datetime.now(UTC)
        async with self._parts.pool.acquire() as source:
            person = await read_user(source, user)
            if person is None:
                raise NotFoundError
            zone = zone_of(person.timezone, self._parts.settings.company.timezone)
            today = day_of(now, zone)
            day_end = midnight(today + timedelta(days=1), zone)
            until = midnight(today + timedelta(days=1 + asked.query.days), zone)
            places = in_order(await queue_candidates(source, user, now, until), now, day_end)
            agreed = await open_scheduled(source, user, until, SCHEDULED_MAX)
        missed = sum(place.section is Section.MISSED for place in places)
        return DayCounts(missed=missed, scheduled=len(agreed), tasks=len(places) - missed)

    async def day(self, asked: Asked[Nothing, DayQuery, Nothing]) -> DayView:
        """The caller's own day."""
        user, now, query = _own(asked.principal), datetime.now(UTC), asked.query
        company, reach = self._parts.settings.company.timezone, card_reach(asked.principal)
        async with self._parts.pool.acquire() as source:
            office = await read_office(source, self._parts.settings)
            if user not in office.people:
                raise NotFoundError
            zone = office.zone_of(user)
            today = day_of(now, zone)
            day_end = midnight(today + timedelta(days=1), zone)
            until = midnight(today + timedelta(days=1 + query.days), zone)
            places = in_order(await queue_candidates(source, user, now, until), now, day_end)
            missed = [p for p in places if p.section is Section.MISSED][:SCHEDULED_MAX]
            others = [p for p in places if p.section is not Section.MISSED][: query.limit]
            rows = await _task_rows(source, [*missed, *others], now, company, reach)
            agreed = await open_scheduled(source, user, until, SCHEDULED_MAX)
            calls = await show_scheduled(source, agreed, reach)
            further = await beside_agreed(source, agreed)
            figures = await own_day(source, office, user, now)
            rule = await call_back_rule(source, None)
        counts = dict.fromkeys(Section, 0)
        for place in places:
            counts[place.section] += 1
        return DayView(
            user=user,
            at=now,
            day=today,
            zone=zone.key,
            minutes=rule.minutes,
            counts=counts,
            scheduled_total=len(agreed),
            figures=figures_view(figures),
            return_now=tuple(rows[: len(missed)]),
            scheduled=tuple(
                _agreed(scheduled_entry(c, company, now, day_end), b, now) for c, b in zip(calls, further, strict=True)
            ),
            tasks=tuple(rows[len(missed) :]),
        )


def _own(who: Principal) -> int:
    """Whose day it is.

    Raises:
        NotAllowed: the caller is nobody.
    """
    user = own_user(who)
    if user is None:
        raise NotAllowed("This key belongs to no person, so it has no day; ask for /queue of somebody.")
    return user


async def _task_rows(
    source: Connection, places: Sequence[Place], now: datetime, company: ZoneInfo, reach: int | None
) -> list[TaskRow]:
    ids = [place.id for place in places]
    shown, further = await show_tasks(source, ids, reach), await beside_tasks(source, ids, now)
    return [_row(p, s, b, now, company) for p, s, b in zip(places, shown, further, strict=True)]


def _row(place: Place, shown: Shown, beside: Beside, now: datetime, company: ZoneInfo) -> TaskRow:
    zone = shown.zone or shown.task.zone or (proposed_zone([shown.number]) if shown.number else None)
    local = None if zone is None else _clock(now, zone_of(zone, company))
    row = task_row(queue_entry(place, shown, now, company), beside, zone=zone, local_time=local)
    if shown.contact_id is not None and shown.contact_name is None:  # he may not see this card, nor whose it is
        return row.model_copy(update={"organisation": None, "city": None, "heat": None})
    return row


def _agreed(entry: ScheduledEntryView, beside: BesideAgreed, now: datetime) -> AgreedRow:
    client = entry.call.contact
    row = agreed_row(entry, beside, local_time=_clock(now, zone_of(entry.call.zone, ZoneInfo("UTC"))))
    if client is not None and client.name is None:
        return row.model_copy(update={"organisation": None, "city": None, "heat": None})
    return row


def _clock(now: datetime, zone: ZoneInfo) -> str:
    return f"{wall_of(now, zone):%H:%M}"
