"""Tasks for many at once, and tasks that recur.

One request gives a task to every member of a team, a role or a list, with script, templates and cards; or one task for
each card of a list or a filter, to the card's owner or to the members in turn. A series makes its tasks by itself.
"""

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, date, datetime, time
from enum import StrEnum
from itertools import cycle
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from aiohttp import web
from pydantic import Field

from gateway.aftercare.task_clock import next_of
from gateway.api.fields import CursorText, Day, Incoming, Limit, Nothing, Outgoing, RowId
from gateway.api.once import do_once, tell
from gateway.api.pages import Page, page, read_cursor
from gateway.api.parts import ApiParts
from gateway.api.problems import NotFoundError, refused_value
from gateway.api.routing import Asked, Route
from gateway.api.task_views import Cards, MomentText, NewTaskBody, TaskFields, Title, Users, ZoneName, by_clock
from gateway.api.tasks import Tasks
from gateway.api.visibility import own_user, reach
from gateway.domain.access import Principal, Right, Role, allowed
from gateway.domain.cards import card_reach, is_zone
from gateway.domain.errors import NotAllowed
from gateway.domain.recurrence import Made, Recurrence, RecurrenceError, Unit
from gateway.domain.staff import zone_of
from gateway.domain.tasks import NewTask, Origin, TaskKind, TaskState
from gateway.store import task_lists
from gateway.store import task_series as series_store
from gateway.store import tasks as store
from gateway.store.card_access import visible_ids
from gateway.store.database import Connection
from gateway.store.facts import NewFact, save_facts
from gateway.store.people import read_user
from gateway.store.task_lists import Given, TaskGroup
from gateway.store.task_series import Series

GROUP_MAX = 2000
Choice = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]


class Each(StrEnum):
    """What gets a task of its own."""

    MEMBER = "member"
    CARD = "card"


class CardFilter(Incoming):
    """Cards that fit everything that is given."""

    owners: Users = ()
    stages: Annotated[tuple[Literal["unsorted", "lead", "client", "refused"], ...], Field(max_length=4)] = ()
    heat: Annotated[tuple[Literal["cold", "warm", "hot"], ...], Field(max_length=3)] = ()
    city: Choice | None = None
    line_of_business: Choice | None = None
    priority_min: Annotated[int, Field(ge=0, le=5)] | None = None


class NewGroup(TaskFields):
    """A task for many."""

    title: Annotated[Title, Field(min_length=1)]
    users: Users = Field(default=(), description="these people")
    teams: Users = Field(default=(), description="the members of these teams")
    roles: Annotated[tuple[Role, ...], Field(max_length=3)] = Field(default=(), description="everybody of these roles")
    contacts: Cards = Field(default=(), description="these cards")
    cards: CardFilter | None = Field(default=None, description="cards that fit, beside those named")
    each: Each = Field(
        default=Each.MEMBER,
        description="member: a task for each of the people, with all cards. Card: a task for each card, for its owner"
        " if he is one of the people (or nobody was named), else for the people in turn",
    )


class GroupPath(Incoming):
    """Which group."""

    group_id: RowId


class GroupQuery(Incoming):
    """Which groups."""

    limit: Limit = 50
    cursor: CursorText | None = None


class IdPlace(Incoming):
    """Where a page ends."""

    id: int


class MemberProgress(Outgoing):
    """How far one person is."""

    user: int | None = Field(description="null: nobody has taken them yet")
    tasks: int
    done: int
    failed: int


class GroupView(Outgoing):
    """A task that was given to many, and how far they are."""

    id: int
    title: str
    kind: TaskKind
    made_by: str
    made_at: datetime
    total: int
    states: dict[TaskState, int]
    overdue: int
    members: tuple[MemberProgress, ...]


class RecurrenceBody(Incoming):
    """When a task recurs."""

    every: Annotated[int, Field(ge=1, le=1000)] = 1
    unit: Unit
    weekdays: Annotated[tuple[Annotated[int, Field(ge=0, le=6)], ...], Field(max_length=7)] = Field(
        default=(), description="0 is Monday; with weeks on each of them, with days others are left out"
    )
    begins: Day = Field(description="the first day; months and years keep its day, or take the month's last one")
    at: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] = Field(description="by the zone's clock")
    zone: ZoneName | None = Field(default=None, description="null: the owner's")
    until: Day | None = Field(default=None, description="the last day; null: until it is ended")
    made: Made = Field(default=Made.DONE, description="the next one: when the last one has ended, or is due")


class NewSeries(NewTaskBody):
    """A task that recurs; its own time is left out."""

    due_at: None = Field(default=None, description="comes from `recurs`")
    recurs: RecurrenceBody


class SeriesPath(Incoming):
    """Which series."""

    series_id: RowId


class SeriesQuery(Incoming):
    """Which series."""

    running: bool = Field(default=True, description="only those that have not ended")
    limit: Limit = 50
    cursor: CursorText | None = None


class RecurrenceView(Outgoing):
    """When a task recurs."""

    every: int
    unit: Unit
    weekdays: tuple[int, ...]
    begins: date
    at: str
    zone: str
    until: date | None
    made: Made


class SeriesView(Outgoing):
    """A task that recurs."""

    id: int
    kind: TaskKind
    title: str
    owner: int | None
    contact: int | None
    recurs: RecurrenceView
    made: int = Field(description="how many tasks were made")
    last: date | None = Field(description="the last day a task was made for")
    next: MomentText | None = Field(description="when the one after it would be due, were it made now")
    made_by: str
    made_at: datetime
    ended_at: datetime | None


class TaskGroups:
    """The handlers of `/tasks/groups` and `/tasks/series`."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts
        self._tasks = Tasks(parts)

    def routes(self) -> tuple[Route, ...]:
        """The rows of the table; they stand before `/tasks/{task_id}`."""
        return (
            Route(
                method="GET",
                path="/tasks/groups",
                handler=self.groups,
                summary="List tasks that were given to many",
                right=Right.TASKS_WRITE_ALL,
                tag="tasks",
            ),
            Route(
                method="POST",
                path="/tasks/groups",
                handler=self.make_group,
                summary="Give a task to many at once",
                right=Right.TASKS_WRITE_ALL,
                tag="tasks",
                status=201,
                idempotent=True,
            ),
            Route(
                method="GET",
                path="/tasks/groups/{group_id}",
                handler=self.group,
                summary="How far everybody is",
                right=Right.TASKS_READ_OWN,
                tag="tasks",
            ),
            Route(
                method="GET",
                path="/tasks/series",
                handler=self.series,
                summary="List tasks that recur",
                right=Right.TASKS_READ_OWN,
                tag="tasks",
            ),
            Route(
                method="POST",
                path="/tasks/series",
                handler=self.make_series,
                summary="Let a task recur",
                right=Right.TASKS_WRITE_OWN,
                tag="tasks",
                status=201,
                idempotent=True,
                errors=(RecurrenceError,),
            ),
            Route(
                method="DELETE",
                path="/tasks/series/{series_id}",
                handler=self.end_series,
                summary="Make no more tasks of a series",
                right=Right.TASKS_WRITE_OWN,
                tag="tasks",
                status=204,
            ),
        )

    async def groups(self, asked: Asked[Nothing, GroupQuery, Nothing]) -> Page[GroupView]:
        """A page of groups, the newest first."""
        query, now = asked.query, datetime.now(UTC)
        place = read_cursor("task groups", query.cursor, IdPlace)
        ids = await task_lists.list_groups(self._parts.pool, before=place.id if place else None, limit=query.limit + 1)
        found = [await task_lists.read_group(self._parts.pool, id_, now) for id_ in ids]
        return page("task groups", [(_group_view(g), IdPlace(id=g.id)) for g in found if g is not None], query.limit)

    async def group(self, asked: Asked[GroupPath, Nothing, Nothing]) -> GroupView:
        """How far everybody is with a group."""
        found = await task_lists.read_group(self._parts.pool, asked.path.group_id, datetime.now(UTC))
        if found is None:
            raise NotFoundError
        own = reach(asked.principal, Right.TASKS_READ_OWN)
        if own is not None:
            if own not in [owner for owner, *_ in found.by_owner]:
                raise NotFoundError
            found = replace(found, by_owner=[row for row in found.by_owner if row[0] in (own, None)])
        return _group_view(found)

    async def make_group(self, asked: Asked[Nothing, Nothing, NewGroup]) -> GroupView | web.Response:
        """Give a task to many."""
        body, who, now = asked.body, asked.principal, datetime.now(UTC)

        async def work(connection: Connection) -> tuple[GroupView, Sequence[NewFact]]:
            users = await task_lists.people_for_group(
                connection, users=body.users, teams=body.teams, roles=body.roles, day=now
            )
            if lost := set(body.users) - set(users):
                raise refused_value("users", f"Nobody who is active has the id {min(lost)}.")
            given = await self._cards(connection, who, body)
            base = await self._tasks.new_task(connection, who, body, owner=None, now=now)
            new = _of_members(base, users, given) if body.each is Each.MEMBER else _of_cards(base, users, given)
            if not 1 <= len(new) <= GROUP_MAX:
                raise refused_value("each", f"This makes {len(new)} tasks; a group has 1 to {GROUP_MAX}.")
            group = await task_lists.add_group(
                connection, title=base.title, kind=base.kind, made_by=who.id, now=now, total=len(new)
            )
            grouped = [replace(task, group_id=group, origin=Origin.GROUP) for task in new]
            _, facts = await store.enter_tasks(connection, grouped, now)
            found = await task_lists.read_group(connection, group, now)
            assert found is not None
            return _group_view(found), facts

        return await do_once(self._parts, asked, work)

    async def series(self, asked: Asked[Nothing, SeriesQuery, Nothing]) -> Page[SeriesView]:
        """A page of series, the newest first."""
        query, now = asked.query, datetime.now(UTC)
        place = read_cursor("task series", query.cursor, IdPlace)
        found = await series_store.list_series(
            self._parts.pool,
            owner=reach(asked.principal, Right.TASKS_READ_OWN),
            before=place.id if place else None,
            running=query.running,
            limit=query.limit + 1,
        )
        return page("task series", [(_series_view(s, now), IdPlace(id=s.id)) for s in found], query.limit)

    async def make_series(self, asked: Asked[Nothing, Nothing, NewSeries]) -> SeriesView | web.Response:
        """Let a task recur; the first one is made at once."""
        body, who, now = asked.body, asked.principal, datetime.now(UTC)
        owner = body.owner if "owner" in body.model_fields_set else own_user(who)

        async def work(connection: Connection) -> tuple[SeriesView, Sequence[NewFact]]:
            new = await self._tasks.new_task(connection, who, body, owner=owner, number=body.number, now=now)
            await self._tasks.check_things(connection, who, owner, body.members, [body.contact, *body.contacts])
            rule = await self._rule(connection, body.recurs, owner)
            new = replace(new, members=body.members, contact_id=body.contact, contacts=body.contacts)
            series = await series_store.add_series(connection, rule, new, now)
            facts = await next_of(connection, series, now)
            if not facts:
                raise RecurrenceError("There is no such day any more; look at `begins` and `until`.")
            again = await series_store.read_series(connection, series.id)
            assert again is not None
            return _series_view(again, now), facts

        return await do_once(self._parts, asked, work)

    async def end_series(self, asked: Asked[SeriesPath, Nothing, Nothing]) -> None:
        """Make no more tasks of a series; those that are there stay."""
        who, now = asked.principal, datetime.now(UTC)
        async with self._parts.pool.acquire() as connection, connection.transaction():
            series = await series_store.read_series(connection, asked.path.series_id, lock=True)
            own = reach(who, Right.TASKS_READ_OWN)
            if series is None or own not in (None, series.task.owner_id):
                raise NotFoundError
            if not allowed(who, Right.TASKS_WRITE_OWN, str(series.task.owner_id)):
                raise NotAllowed("These tasks are somebody else's.")
            if not await series_store.end_series(connection, series.id, now):
                return
            users = (series.task.owner_id,) if series.task.owner_id else ()
            facts = [NewFact(kind="task.series_ended", body={"series_id": series.id}, users=users)]
            await save_facts(connection, facts)
        tell(self._parts, facts)

    async def _cards(self, connection: Connection, who: Principal, body: NewGroup) -> list[Given]:
        wanted = body.cards or CardFilter()
        found = await task_lists.cards_for_group(
            connection,
            contacts=body.contacts,
            owners=wanted.owners,
            stages=wanted.stages,
            heat=wanted.heat,
            city=wanted.city,
            line_of_business=wanted.line_of_business,
            priority_min=wanted.priority_min,
            limit=GROUP_MAX + 1,
        )
        seen = await visible_ids(connection, {g.contact_id for g in found}, card_reach(who))
        if set(body.contacts) - seen:
            raise refused_value("contacts", "One of these cards is not there, or you may not see it.")
        return [g for g in found if g.contact_id in seen]

    async def _rule(self, connection: Connection, body: RecurrenceBody, owner: int | None) -> Recurrence:
        company = self._parts.settings.company.timezone
        if body.zone is not None and not is_zone(body.zone):
            raise refused_value("recurs/zone", "No time zone of this name is known; write one like Europe/Warsaw.")
        person = await read_user(connection, owner) if owner is not None else None
        zone = ZoneInfo(body.zone) if body.zone else zone_of(person.timezone if person else None, company)
        return Recurrence(
            every=body.every,
            unit=body.unit,
            begins=body.begins,
            at=time.fromisoformat(body.at),
            zone=zone,
            weekdays=frozenset(body.weekdays),
            until=body.until,
            made=body.made,
        )


def _of_members(base: NewTask, users: Sequence[int], given: Sequence[Given]) -> list[NewTask]:
    """A task for each person, with all cards."""
    cards = tuple(g.contact_id for g in given)
    first, rest = (cards[0], ()) if len(cards) == 1 else (None, cards)
    return [replace(base, owner_id=user, contact_id=first, contacts=rest) for user in users]


def _of_cards(base: NewTask, users: Sequence[int], given: Sequence[Given]) -> list[NewTask]:
    """A task for each card: for its owner, else for the people in turn, else for whoever takes it."""
    turn = cycle(users or [None])
    made = []
    for card in given:
        his = card.owner_id is not None and (not users or card.owner_id in users)
        made.append(replace(base, owner_id=card.owner_id if his else next(turn), contact_id=card.contact_id))
    return made


def _group_view(group: TaskGroup) -> GroupView:
    members = [MemberProgress(user=u, tasks=n, done=done, failed=failed) for u, n, done, failed in group.by_owner]
    return GroupView.model_validate({**{n: getattr(group, n) for n in _GROUP}, "members": members})


_GROUP = ("id", "title", "kind", "made_by", "made_at", "total", "states", "overdue")


def _series_view(series: Series, now: datetime) -> SeriesView:
    rule = series.rule
    after = series.rule.next_day(now, series.occurrence) if series.ended_at is None else None
    recurs = asdict(rule) | {"at": rule.at.strftime("%H:%M"), "zone": rule.zone.key, "weekdays": sorted(rule.weekdays)}
    return SeriesView(
        id=series.id,
        kind=series.task.kind,
        title=series.task.title,
        owner=series.task.owner_id,
        contact=series.task.contact_id,
        recurs=RecurrenceView.model_validate(recurs),
        made=series.made,
        last=series.occurrence,
        next=by_clock(rule.moment(after), rule.zone) if after else None,
        made_by=series.made_by,
        made_at=series.made_at,
        ended_at=series.ended_at,
    )
