"""What tasks look like from outside: the models of `/tasks`, `/queue` and their parts, and how times are told."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import Field, JsonValue

from gateway.api.fields import Incoming, LongText, Moment, Outgoing, RowId
from gateway.domain.staff import zone_of
from gateway.domain.tasks import Origin, TaskKind, TaskState
from gateway.store.queue import Shown, Waiting

Title = Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
NumberText = Annotated[str, Field(min_length=1, max_length=64)]
Priority = Annotated[int, Field(ge=0, le=5, description="5 is the most important")]
Minutes = Annotated[
    tuple[Annotated[int, Field(ge=0, le=527_040)], ...],
    Field(max_length=10, description="minutes before its time; 0: at it"),
]
Users = Annotated[tuple[RowId, ...], Field(max_length=200)]
Cards = Annotated[tuple[RowId, ...], Field(max_length=2000)]
Version = Annotated[int, Field(ge=1, le=2**31 - 1, description="as it was read; another one is a conflict")]
MomentText = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
ZoneName = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_+\-/]+$")]


class TemplateText(Incoming):
    """A text to start from."""

    name: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
    text: LongText


class TemplateView(Outgoing):
    """A text to start from."""

    name: str
    text: str


Templates = Annotated[tuple[TemplateText, ...], Field(max_length=20)]


class TaskFields(Incoming):
    """What every new task says."""

    kind: TaskKind
    title: Title = ""
    note: LongText = ""
    script: LongText = Field(default="", description="what to say")
    templates: Templates = ()
    priority: Priority = 0
    due_at: Moment | None = Field(default=None, description="its time; null: it has none")
    zone: ZoneName | None = Field(
        default=None, description="in which zone the time was agreed; null: the client's, else the manager's"
    )
    remind_minutes: Minutes | None = Field(default=None, description="for the owner; null: as the rule says")
    remind_head_minutes: Minutes | None = Field(default=None, description="for the heads; null: as the rule says")


class NewTaskBody(TaskFields):
    """A task to be made."""

    owner: RowId | None = Field(default=None, description="whose it is; left out: mine. Null: whoever takes it first")
    members: Users = Field(default=(), description="who may take a task that is nobody's; none: anybody")
    contact: RowId | None = None
    contacts: Cards = Field(default=(), description="further cards it is about")
    number: NumberText | None = Field(default=None, description="one number of the card, in any way of writing")
    call: UUID | None = None


class TaskPath(Incoming):
    """Which task."""

    task_id: RowId


class TaskChange(Incoming):
    """What is to be changed; what is left out stays."""

    version: Version
    kind: TaskKind | None = None
    state: TaskState | None = Field(
        default=None, description="what has ended is opened again (`new`, `in_progress`) before it ends otherwise"
    )
    title: Title | None = None
    note: LongText | None = None
    script: LongText | None = None
    templates: Templates | None = None
    owner: RowId | None = Field(default=None, description="null: nobody's any more")
    members: Users | None = None
    contact: RowId | None = None
    number: NumberText | None = None
    priority: Priority | None = None
    due_at: Moment | None = Field(default=None, description="null: it has no time any more")
    zone: ZoneName | None = None
    result: Annotated[str, Field(max_length=2000)] | None = Field(default=None, description="how it ended, in words")
    remind_minutes: Minutes | None = None
    remind_head_minutes: Minutes | None = None


class CardView(Outgoing):
    """The client, as a queue shows him."""

    id: int
    name: str | None = Field(description="null: you may not see this card")
    city: str | None
    stage: str | None
    heat: str | None
    priority: int | None


class WaitingView(Outgoing):
    """The missed client behind a call back."""

    id: int = Field(description="of the matter, for /missed")
    state: str
    calls: int = Field(description="how often he called in vain")
    attempts: int = Field(description="how often we called and he did not answer")
    first_at: datetime
    last_at: datetime
    new_client: bool
    claimed_by: int | None = Field(description="who has him for himself at the moment")
    claimed_until: datetime | None


class TaskView(Outgoing):
    """A task."""

    id: int
    kind: TaskKind
    origin: Origin
    state: TaskState
    title: str = Field(description="empty: to be worded from kind and origin")
    note: str
    script: str
    templates: tuple[TemplateView, ...]
    owner: int | None
    owner_name: str | None
    members: tuple[int, ...]
    contact: CardView | None
    contacts: tuple[int, ...]
    number: str | None = Field(description="to call, E.164")
    call: UUID | None
    missed: WaitingView | None
    group: int | None
    series: int | None
    priority: int
    due_at: datetime | None
    due_manager: MomentText | None = Field(description="the same moment by the owner's clock")
    due_client: MomentText | None = Field(description="by the client's clock; null: his zone is not known")
    zone: str | None = Field(description="in which the time was agreed")
    overdue: bool
    frozen: bool
    escalated: bool
    result: str
    made_by: str
    created_at: datetime
    changed_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    version: int


class ChangeView(Outgoing):
    """One change of a task."""

    at: datetime
    by: str
    what: dict[str, tuple[JsonValue, JsonValue]] = Field(description="old and new value by name")


class ReminderView(Outgoing):
    """A reminder."""

    minutes: int
    to_head: bool
    at: datetime
    told_at: datetime | None


class TaskWithHistory(TaskView):
    """A task with its history and its reminders."""

    history: tuple[ChangeView, ...]
    reminders: tuple[ReminderView, ...]


def waiting_view(waiting: Waiting | None, now: datetime) -> WaitingView | None:
    """The missed client behind a task; who had him once has him no more."""
    if waiting is None:
        return None
    held = waiting.claimed_until is not None and waiting.claimed_until > now
    return WaitingView(
        id=waiting.id,
        state=waiting.state,
        calls=waiting.calls,
        attempts=waiting.attempts,
        first_at=waiting.first_at,
        last_at=waiting.last_at,
        new_client=waiting.new_client,
        claimed_by=waiting.claimed_by if held else None,
        claimed_until=waiting.claimed_until if held else None,
    )


def by_clock(at: datetime | None, zone: ZoneInfo | None) -> str | None:
    """A moment as a clock of that zone shows it, with its offset."""
    return at.astimezone(zone).isoformat() if at is not None and zone is not None else None


def task_values(shown: Shown, now: datetime, company: ZoneInfo) -> Mapping[str, object]:
    """The values of a `TaskView`.

    Args:
        shown: the task and what stands beside it.
        now: the present moment.
        company: the zone of whoever has none of his own.
    """
    task = shown.task
    client = shown.zone or task.zone
    card = None
    if shown.contact_id is not None:
        card = CardView(
            id=shown.contact_id,
            name=shown.contact_name,
            city=shown.city,
            stage=shown.stage,
            heat=shown.heat,
            priority=shown.card_priority,
        )
    return {
        "id": task.id,
        "kind": task.kind,
        "origin": task.origin,
        "state": task.state,
        "title": task.title,
        "note": task.note,
        "script": task.script,
        "templates": tuple(TemplateView(name=t.name, text=t.text) for t in task.templates),
        "owner": task.owner_id,
        "owner_name": shown.owner_name,
        "members": task.members,
        "contact": card,
        "contacts": task.contacts,
        "number": shown.number,
        "call": task.call_id,
        "missed": waiting_view(shown.waiting, now),
        "group": task.group_id,
        "series": task.series_id,
        "priority": task.priority,
        "due_at": task.due_at,
        "due_manager": by_clock(task.due_at, zone_of(shown.owner_zone, company)),
        "due_client": by_clock(task.due_at, zone_of(client, company) if client else None),
        "zone": task.zone,
        "overdue": task.state.is_open and task.due_at is not None and task.due_at < now,
        "frozen": task.frozen_told_at is not None,
        "escalated": task.escalated_at is not None,
        "result": task.result,
        "made_by": task.made_by,
        "created_at": task.created_at,
        "changed_at": task.changed_at,
        "started_at": task.started_at,
        "ended_at": task.ended_at,
        "version": task.version,
    }


def task_model(shown: Shown, now: datetime, company: ZoneInfo) -> TaskView:
    """A task as it is shown."""
    return TaskView.model_validate(task_values(shown, now, company))
