"""What somebody has to do, and how it may move: the states of a task, its deadlines and who must be told.

A task is new, then in progress, then done or failed; whoever may write it may open it again. The clock tells three
things of an open one, each once: that its time came near (reminders), that it passed (overdue), and that nobody has
touched it for long (frozen). Time is an argument everywhere; nothing here reads a clock.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from gateway.domain.errors import Rejected


class TaskKind(StrEnum):
    """What is to be done."""

    CALL_BACK = "call_back"
    CALL = "call"
    LETTER = "letter"
    MEETING = "meeting"
    OWN = "own"


class TaskState(StrEnum):
    """How far it is."""

    NEW = "new"
    IN_PROGRESS = "in_progress"
    DONE = "done"
    FAILED = "failed"

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to do something."""
        return self in OPEN_STATES


OPEN_STATES = frozenset({TaskState.NEW, TaskState.IN_PROGRESS})
MOVES: Mapping[TaskState, frozenset[TaskState]] = {
    TaskState.NEW: frozenset({TaskState.IN_PROGRESS, TaskState.DONE, TaskState.FAILED}),
    TaskState.IN_PROGRESS: frozenset({TaskState.NEW, TaskState.DONE, TaskState.FAILED}),
    TaskState.DONE: OPEN_STATES,
    TaskState.FAILED: OPEN_STATES,
}
"""Where a task may go; what has ended is opened again first, so that the history says it."""


class MoveError(Rejected, ValueError):
    """A task that has ended is opened again before it can end in another way."""


class Origin(StrEnum):
    """Why there is such a task."""

    PERSON = "person"
    MISSED = "missed"
    NEXT_STEP = "next_step"  # agreed at the end of a call
    RETURN = "return"  # to a client who refused, months later
    GROUP = "group"
    SERIES = "series"
    BIRTHDAY = "birthday"
    DISTRIBUTION = "distribution"
    SCHEDULED = "scheduled"  # a scheduled call that nobody took


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A text to start from: of a letter, a message, an offer."""

    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTask:
    """A task about to be made."""

    kind: TaskKind
    made_by: str
    """Like `user:17`, or the part of the gateway that makes it, like `missed`."""
    origin: Origin = Origin.PERSON
    title: str = ""
    """Empty: the screen words it from kind and origin."""
    note: str = ""
    script: str = ""
    templates: tuple[Template, ...] = ()
    owner_id: int | None = None
    """Whose it is; None: whoever of `members` takes it first."""
    members: tuple[int, ...] = ()
    """Who may take it while it is nobody's; empty: anybody."""
    contact_id: int | None = None
    contacts: tuple[int, ...] = ()
    """Further cards it is about."""
    number: str | None = None
    """E.164, where it is about one number of the card."""
    call_id: UUID | None = None
    missed_id: int | None = None
    group_id: int | None = None
    series_id: int | None = None
    occurrence: date | None = None
    """Which one of a series it is."""
    priority: int = 0
    """0 to 5; 5 is the most important."""
    due_at: datetime | None = None
    """Aware; None: it has no time."""
    zone: str | None = None
    """IANA name of the zone in which the time was agreed; None: the client's, else the manager's."""
    remind_minutes: tuple[int, ...] | None = None
    """Minutes before the time at which the owner is reminded; None: as the rule of the site says."""
    remind_head_minutes: tuple[int, ...] | None = None
    """The same for the heads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A task as it is kept."""

    id: int
    kind: TaskKind
    origin: Origin
    state: TaskState
    title: str
    note: str
    script: str
    templates: tuple[Template, ...]
    owner_id: int | None
    members: tuple[int, ...]
    contact_id: int | None
    contacts: tuple[int, ...]
    number: str | None
    call_id: UUID | None
    missed_id: int | None
    group_id: int | None
    series_id: int | None
    occurrence: date | None
    priority: int
    due_at: datetime | None
    zone: str | None
    result: str
    """How it ended, in words; empty while it is open."""
    made_by: str
    created_at: datetime
    changed_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    overdue_told_at: datetime | None
    frozen_told_at: datetime | None
    escalated_at: datetime | None
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRule:
    """What holds for every task of the site."""

    frozen_hours: int = 24
    """Of working time. In progress and unchanged for so long: frozen."""
    remind_minutes: tuple[int, ...] = (15,)
    """Before its time, where the task itself says nothing."""
    remind_head_minutes: tuple[int, ...] = ()
    hour_max: int | None = None
    """Calls and meetings one person may have planned within one hour of his day; None: any number."""
    birthday_days: int | None = None
    """Days before a client's birthday at which a task is made; None: none is."""
    lease_minutes: int = 5
    """How long one who takes a missed client for calling back has him for himself."""
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminder:
    """One moment at which somebody is reminded."""

    minutes: int
    """Before the task's time; 0: at it."""
    to_head: bool
    at: datetime


def reminders_of(
    due_at: datetime | None, minutes: Sequence[int], head_minutes: Sequence[int], now: datetime
) -> tuple[Reminder, ...]:
    """When to remind of a task.

    Args:
        due_at: its time; None: there is nothing to remind of.
        minutes: before it, for the owner.
        head_minutes: before it, for the heads.
        now: moments that have passed already are left out.
    """
    if due_at is None:
        return ()
    wanted = [(m, False) for m in sorted(set(minutes))] + [(m, True) for m in sorted(set(head_minutes))]
    found = (Reminder(minutes=m, to_head=head, at=due_at - timedelta(minutes=m)) for m, head in wanted)
    return tuple(r for r in found if r.at > now)


CHANGEABLE = frozenset(
    {"kind", "state", "title", "note", "script", "templates", "owner_id", "members", "contact_id", "contacts", "number",
     "call_id", "priority", "due_at", "zone", "result"}
)  # fmt: skip
"""What may be changed of a task."""


def changed(task: Task, changes: Mapping[str, object], now: datetime) -> Task:
    """A task after a change.

    Args:
        task: as it is.
        changes: new values by the names in `CHANGEABLE`.
        now: the present moment.

    Returns:
        The same task where nothing differs.

    Raises:
        MoveError: it cannot go into that state from its own.
    """
    assert not set(changes) - CHANGEABLE
    new = replace(task, **changes)  # type: ignore[arg-type]
    if new == task:
        return task
    if new.state is not task.state:
        if new.state not in MOVES[task.state]:
            raise MoveError
        begun = task.started_at or (now if new.state is TaskState.IN_PROGRESS else None)
        new = replace(new, started_at=begun, ended_at=None if new.state.is_open else now)
    if new.due_at != task.due_at:
        new = replace(new, overdue_told_at=None)
    return replace(new, frozen_told_at=None, changed_at=now, version=task.version + 1)


def differences(before: Task, after: Task) -> dict[str, list[object]]:
    """What was changed: the old and the new value by name, as JSON can keep them."""
    names = sorted(name for name in CHANGEABLE if getattr(before, name) != getattr(after, name))
    return {name: [_plain(getattr(before, name)), _plain(getattr(after, name))] for name in names}


def _plain(value: object) -> object:
    match value:
        case datetime():
            return value.isoformat()
        case UUID():
            return str(value)
        case tuple():
            return [_plain(v) for v in value]
        case Template():
            return value.name
    return value


def told_as(before: Task, after: Task) -> str:
    """The fact that tells of a change."""
    if before.state is after.state:
        return "task.changed"
    if after.state in (TaskState.DONE, TaskState.FAILED):
        return f"task.{after.state}"
    if not before.state.is_open:
        return "task.reopened"
    return "task.started" if after.state is TaskState.IN_PROGRESS else "task.changed"
