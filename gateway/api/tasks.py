"""Tasks: made, listed, changed with their history; and the rule that holds for all of them.

Who may do everybody's tasks may do anything here. Others see their own tasks, those they made and those they may take,
and change their own and what is nobody's; a task for somebody else needs the wider right.
"""

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

from aiohttp import web
from pydantic import Field

from gateway.api.calls import visible_call
from gateway.api.fields import CursorText, Incoming, Limit, Moment, Nothing, Outgoing, RowId
from gateway.api.once import do_once, tell
from gateway.api.pages import CountedView, Page, counted, page, read_cursor
from gateway.api.parts import ApiParts
from gateway.api.problems import (
    ConflictError,
    NotFoundError,
    StaleVersionError,
    refused_value,
)
from gateway.api.routing import Asked, Route
from gateway.api.task_views import (
    ChangeView,
    Minutes,
    NewTaskBody,
    ReminderView,
    TaskChange,
    TaskFields,
    TaskPath,
    TaskView,
    TaskWithHistory,
    Version,
    task_model,
    task_values,
)
from gateway.api.teams import members_today
from gateway.api.visibility import own_user, reach
from gateway.domain.access import Principal, Right, allowed
from gateway.domain.cards import card_reach, is_zone
from gateway.domain.errors import NotAllowed
from gateway.domain.phone import NumberKind
from gateway.domain.staff import zone_of
from gateway.domain.tasks import MoveError, NewTask, Origin, Task, TaskKind, TaskRule, TaskState, Template
from gateway.store import people, task_lists
from gateway.store import tasks as store
from gateway.store.card_access import visible_ids
from gateway.store.database import Connection
from gateway.store.facts import NewFact, save_facts
from gateway.store.queue import load_of, show_tasks
from gateway.store.task_lists import TaskFilter

_PLANNED = frozenset({TaskKind.CALL, TaskKind.CALL_BACK, TaskKind.MEETING})
_HOURS_OFFERED = 8


class TasksQuery(Incoming):
    """Which tasks."""

    owner: RowId | None = None
    team: RowId | None = Field(default=None, description="of everybody who is in this team today")
    free: bool = Field(default=False, description="only those that are nobody's yet")
    state: TaskState | None = None
    open: bool | None = Field(default=None, description="true: only those that are new or in progress")
    kind: TaskKind | None = None
    origin: Origin | None = None
    contact: RowId | None = None
    call: UUID | None = None
    group: RowId | None = None
    series: RowId | None = None
    ended_since: Moment | None = Field(default=None, description="ended at this moment or later")
    since: Moment | None = Field(default=None, description="due at this moment or later")
    until: Moment | None = Field(default=None, description="due before this moment")
    overdue: bool = Field(default=False, description="only open ones whose time has passed")


class TaskQuery(TasksQuery):
    """Which tasks, and which page of them."""

    limit: Limit = 50
    cursor: CursorText | None = None


class TaskPlace(Incoming):
    """Where a page of tasks ends."""

    at: datetime | None
    id: int


class TaskRuleView(Outgoing):
    """What holds for every task of the site."""

    frozen_hours: int = Field(description="working hours in progress without a change, until the heads are told")
    remind_minutes: tuple[int, ...] = Field(description="before its time, for the owner")
    remind_head_minutes: tuple[int, ...] = Field(description="the same for the heads")
    hour_max: int | None = Field(description="calls and meetings one person may have within one hour; null: any")
    birthday_days: int | None = Field(description="days before a birthday at which a task is made; null: none is")
    lease_minutes: int = Field(description="how long a missed client is for whoever took him")
    version: int


class NewTaskRule(Incoming):
    """What is to hold for every task of the site."""

    version: Version
    frozen_hours: Annotated[int, Field(ge=1, le=8760)] = 24
    remind_minutes: Minutes = (15,)
    remind_head_minutes: Minutes = ()
    hour_max: Annotated[int, Field(ge=1, le=200)] | None = None
    birthday_days: Annotated[int, Field(ge=0, le=60)] | None = None
    lease_minutes: Annotated[int, Field(ge=1, le=120)] = 5


class FullHourError(ConflictError):
    """This person has as many calls and meetings within that hour as the rule of the site allows; take another one."""


class Tasks:
    """The handlers of `/tasks`."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts

    def routes(self) -> tuple[Route, ...]:
        """The rows of the table."""
        return (
            Route(
                method="GET",
                path="/tasks",
                handler=self.listing,
                summary="List tasks by their time",
                right=Right.TASKS_READ_OWN,
                tag="tasks",
                errors=(NotFoundError,),
            ),
            Route(
                method="GET",
                path="/tasks/count",
                handler=self.count,
                summary="How many tasks a list has, up to ten thousand",
                right=Right.TASKS_READ_OWN,
                tag="tasks",
                errors=(NotFoundError,),
            ),
            Route(
                method="POST",
                path="/tasks",
                handler=self.make,
                summary="Make a task",
                right=Right.TASKS_WRITE_OWN,
                tag="tasks",
                status=201,
                idempotent=True,
                errors=(FullHourError,),
            ),
            Route(
                method="GET",
                path="/tasks/rule",
                handler=self.rule,
                summary="What holds for every task",
                right=Right.TASKS_READ_OWN,
                tag="tasks",
            ),
            Route(
                method="PUT",
                path="/tasks/rule",
                handler=self.set_rule,
                summary="Set what holds for every task",
                right=Right.DISTRIBUTION_MANAGE,
                tag="tasks",
                errors=(StaleVersionError,),
            ),
            Route(
                method="GET",
                path="/tasks/{task_id}",
                handler=self.one,
                summary="One task with its history and reminders",
                right=Right.TASKS_READ_OWN,
                tag="tasks",
            ),
            Route(
                method="PATCH",
                path="/tasks/{task_id}",
                handler=self.change,
                summary="Change a task: take it, end it, open it again, move it",
                right=Right.TASKS_WRITE_OWN,
                tag="tasks",
                errors=(StaleVersionError, MoveError, FullHourError),
            ),
        )

    async def listing(self, asked: Asked[Nothing, TaskQuery, Nothing]) -> Page[TaskView]:
        """A page of tasks, the nearest time first."""
        query, now = asked.query, datetime.now(UTC)
        place = read_cursor("tasks", query.cursor, TaskPlace)
        ids = await task_lists.list_tasks(
            self._parts.pool,
            await self._wanted(asked.principal, query, now),
            after=(place.at, place.id) if place else None,
            limit=query.limit + 1,
        )
        zone = self._parts.settings.company.timezone
        shown = await show_tasks(self._parts.pool, ids, card_reach(asked.principal))
        rows = [(task_model(s, now, zone), TaskPlace(at=s.task.due_at, id=s.task.id)) for s in shown]
        return page("tasks", rows, query.limit)

    async def count(self, asked: Asked[Nothing, TasksQuery, Nothing]) -> CountedView:
        """How many tasks there are."""
        wanted = await self._wanted(asked.principal, asked.query, datetime.now(UTC))
        return counted(await task_lists.count_tasks(self._parts.pool, wanted))

    async def _wanted(self, who: Principal, query: TasksQuery, now: datetime) -> TaskFilter:
        """The tasks that a query asks for, as far as the caller may see them."""
        owners = None if query.team is None else await members_today(self._parts, query.team)
        return _filter(query, owners, reach(who, Right.TASKS_READ_OWN), now)

    async def one(self, asked: Asked[TaskPath, Nothing, Nothing]) -> TaskWithHistory:
        """One task."""
        task = await store.read_task(self._parts.pool, asked.path.task_id)
        if task is None or not may_see(asked.principal, task):
            raise NotFoundError
        pool, now = self._parts.pool, datetime.now(UTC)
        (shown,) = await show_tasks(pool, [task.id], card_reach(asked.principal))
        history = [ChangeView.model_validate(asdict(c)) for c in await task_lists.history_of(pool, task.id, 200)]
        reminders = [ReminderView.model_validate(asdict(r)) for r in await task_lists.reminders_kept(pool, task.id)]
        values = task_values(shown, now, self._parts.settings.company.timezone)
        return TaskWithHistory.model_validate({**values, "history": history, "reminders": reminders})

    async def make(self, asked: Asked[Nothing, Nothing, NewTaskBody]) -> TaskView | web.Response:
        """Make a task."""
        body, who, now = asked.body, asked.principal, datetime.now(UTC)
        owner = body.owner if "owner" in body.model_fields_set else own_user(who)
        call = await self._call(who, body.call)

        async def work(connection: Connection) -> tuple[TaskView, Sequence[NewFact]]:
            new = await self.new_task(connection, who, body, owner=owner, number=body.number, now=now)
            new = replace(_placed(new, body), call_id=call)
            await self.check_things(connection, who, owner, body.members, [body.contact, *body.contacts])
            await self._check_hour(connection, new.kind, owner, new.due_at)
            (task,), facts = await store.enter_tasks(connection, [new], now)
            return await self._shown(connection, task.id, who, now), facts

        return await do_once(self._parts, asked, work)

    async def change(self, asked: Asked[TaskPath, Nothing, TaskChange]) -> TaskView:
        """Change a task."""
        body, who, now = asked.body, asked.principal, datetime.now(UTC)
        async with self._parts.pool.acquire() as connection, connection.transaction():
            task = await store.read_task(connection, asked.path.task_id, lock=True)
            if task is None or not may_see(who, task):
                raise NotFoundError
            _may_write(who, task.owner_id, task)
            if task.version != body.version:
                raise StaleVersionError
            changes = self._changes(body)
            owner = changes.get("owner_id", task.owner_id)
            assert owner is None or isinstance(owner, int)
            await self.check_things(connection, who, owner, body.members or (), [body.contact], task=task)
            new, facts = await store.change_task(connection, task, changes, by=who.id, now=now)
            if (new.due_at, new.owner_id) != (task.due_at, task.owner_id):
                await self._check_hour(connection, new.kind, new.owner_id, new.due_at, but=new.id)
            if body.remind_minutes is not None or body.remind_head_minutes is not None:
                await store.remind_at(connection, new, body.remind_minutes or (), body.remind_head_minutes or (), now)
            await save_facts(connection, facts)
            view = await self._shown(connection, new.id, who, now)
        tell(self._parts, facts)
        return view

    async def rule(self, asked: Asked[Nothing, Nothing, Nothing]) -> TaskRuleView:
        """What holds for every task."""
        return TaskRuleView.model_validate(asdict(await store.read_rule(self._parts.pool)))

    async def set_rule(self, asked: Asked[Nothing, Nothing, NewTaskRule]) -> TaskRuleView:
        """Set what holds for every task."""
        rule = await store.save_rule(self._parts.pool, TaskRule(**asked.body.model_dump()))
        if rule is None:
            raise StaleVersionError
        return TaskRuleView.model_validate(asdict(rule))

    async def new_task(
        self,
        connection: Connection,
        who: Principal,
        body: TaskFields,
        *,
        owner: int | None,
        number: str | None = None,
        now: datetime,
    ) -> NewTask:
        """A task as a body says it, checked; what it is about is put in by the caller.

        Args:
            connection: where to look up.
            who: makes it.
            body: says it.
            owner: whose it becomes; None: whoever takes it first.
            number: in any way of writing.
            now: the present moment.
        """
        _known_zone(body.zone)
        return NewTask(
            kind=body.kind,
            made_by=who.id,
            title=body.title.strip(),
            note=body.note,
            script=body.script,
            templates=tuple(Template(name=t.name, text=t.text) for t in body.templates),
            owner_id=owner,
            number=self._e164(number) if number else None,
            priority=body.priority,
            due_at=body.due_at,
            zone=body.zone,
            remind_minutes=body.remind_minutes,
            remind_head_minutes=body.remind_head_minutes,
        )

    async def check_things(
        self,
        connection: Connection,
        who: Principal,
        owner: int | None,
        members: Sequence[int],
        contacts: Sequence[int | None],
        *,
        task: Task | None = None,
    ) -> None:
        """Whether the people and cards of a task are there, and the caller may give it to them.

        Raises:
            InvalidRequestError: somebody or a card is not there.
            NotAllowed: it is for somebody else.
        """
        if owner is not None and (task is None or owner != task.owner_id):
            person = await people.read_user(connection, owner)
            if person is None or not person.active:
                raise refused_value("owner", "Nobody who is active has this id.")
            _may_write(who, owner, task)
        known = await store.active_users(connection) if members else []
        if set(members) - set(known):
            raise refused_value("members", "One of these ids is nobody's who is active.")
        wanted = {c for c in contacts if c is not None}
        seen = await visible_ids(connection, wanted, card_reach(who))
        there = await store.known_cards(connection, sorted(seen))
        if wanted - there:
            raise refused_value("contact", "There is no card of this id that you may see.")

    async def _call(self, who: Principal, id: UUID | None) -> UUID | None:
        """The call a task follows from, the one that stands; one that the caller may not see is refused."""
        if id is None:
            return None
        try:
            return (await visible_call(self._parts, who, id, Right.CALLS_READ_OWN)).id
        except NotFoundError:
            raise refused_value("call", "There is no call of this id that you may see.") from None

    async def _shown(self, connection: Connection, id: int, who: Principal, now: datetime) -> TaskView:
        (shown,) = await show_tasks(connection, [id], card_reach(who))
        return task_model(shown, now, self._parts.settings.company.timezone)

    def _changes(self, body: TaskChange) -> dict[str, object]:
        """What a body changes, by the names of the domain."""
        names = {"owner": "owner_id", "contact": "contact_id"}
        left_out = {"version", "remind_minutes", "remind_head_minutes", "number", "templates"}
        nullable = {"owner", "contact", "due_at", "zone"}
        changes: dict[str, object] = {
            names.get(name, name): getattr(body, name)
            for name in body.model_fields_set - left_out
            if name in nullable or getattr(body, name) is not None
        }
        _known_zone(body.zone)
        if body.number is not None:
            changes["number"] = self._e164(body.number)
        if body.templates is not None:
            changes["templates"] = tuple(Template(name=t.name, text=t.text) for t in body.templates)
        return changes

    async def _check_hour(
        self, connection: Connection, kind: TaskKind, owner: int | None, due: datetime | None, *, but: int = 0
    ) -> None:
        """Refuse what would overbook an hour, and offer the next free ones."""
        rule = await store.read_rule(connection)
        if rule.hour_max is None or owner is None or due is None or kind not in _PLANNED:
            return
        hour = due.replace(minute=0, second=0, microsecond=0)
        loads = await load_of(connection, owner, hour, hour + timedelta(hours=_HOURS_OFFERED), but=but)
        full = {load.since for load in loads if load.tasks >= rule.hour_max}
        if hour not in full:
            return
        person = await people.read_user(connection, owner)
        zone = zone_of(person.timezone if person else None, self._parts.settings.company.timezone)
        free = [hour + timedelta(hours=n) for n in range(1, _HOURS_OFFERED)]
        offered = ", ".join(h.astimezone(zone).strftime("%H:%M") for h in free if h not in full)
        whole = (
            f"By this person's clock {hour.astimezone(zone):%H:%M} has {rule.hour_max} calls and meetings already.",
            f"Free hours: {offered}." if offered else "None of the next hours is free; choose another day or person.",
        )
        raise FullHourError(" ".join(whole))

    def _e164(self, text: str) -> str:
        number = self._parts.plan.parse(text)
        if number.kind is not NumberKind.CLIENT or number.e164 is None:
            raise refused_value("number", "This is no client's number; write it with its code.", code=str(number.kind))
        return number.e164


def may_see(who: Principal, task: Task) -> bool:
    """Whether the caller may see a task: his own, one he made, one he may take, or everybody's."""
    own = reach(who, Right.TASKS_READ_OWN)
    if own is None:
        return True
    free = task.owner_id is None and (not task.members or own in task.members)
    return task.owner_id == own or task.made_by == f"user:{own}" or (free and own != 0)


def _may_write(who: Principal, owner: int | None, task: Task | None) -> None:
    """Refuse to change or give a task that is somebody else's."""
    own = own_user(who)
    if allowed(who, Right.TASKS_WRITE_OWN, str(owner) if owner is not None else None):
        return
    if owner is None and own is not None and (task is None or not task.members or own in task.members):
        return
    raise NotAllowed("This task is, or would be, somebody else's; that needs the right over everybody's tasks.")


def _placed(new: NewTask, body: NewTaskBody) -> NewTask:
    return replace(new, members=body.members, contact_id=body.contact, contacts=body.contacts)


def _known_zone(name: str | None) -> None:
    if name is not None and not is_zone(name):
        raise refused_value("zone", "No time zone of this name is known; write one like Europe/Warsaw.")


def _filter(query: TasksQuery, owners: tuple[int, ...] | None, only_user: int | None, now: datetime) -> TaskFilter:
    return TaskFilter(
        only_user=only_user,
        owner=query.owner,
        owners=owners,
        is_free=query.free or None,
        states=(query.state.value,) if query.state else None,
        open_only=query.open or None,
        kinds=(query.kind.value,) if query.kind else None,
        origin=query.origin,
        contact=query.contact,
        call=query.call,
        group=query.group,
        series=query.series,
        ended_since=query.ended_since,
        since=query.since,
        until=query.until,
        overdue_at=now if query.overdue else None,
    )
