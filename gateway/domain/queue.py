"""Today's queue of one manager: what to do next, and why, in codes that a screen can word.

Urgency comes first, importance within it. Clients who were missed stand at the top, nearest deadline first; then what
was agreed for about now; then what is overdue, the most important first; then the rest of today by time, the returns to
clients who refused long ago, and what has no time. A client for whom it is night comes last, unless he has just called.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from gateway.domain.tasks import Origin

SOON = timedelta(minutes=15)
"""What was agreed for a time within it is to be done now."""
WAKES, SLEEPS = 8, 21
"""Hours of the client's clock between which he may be rung."""


class Section(StrEnum):
    """How urgent something is; the most urgent first."""

    MISSED = "missed"
    NOW = "now"
    OVERDUE = "overdue"
    TODAY = "today"
    RETURN = "return"
    UNDATED = "undated"
    LATER = "later"


class Reason(StrEnum):
    """Why something stands where it does."""

    CLOCK_RUNS = "clock_runs"  # a missed client, the deadline has not passed
    DEADLINE_PASSED = "deadline_passed"
    SEVERAL_CALLS = "several_calls"  # he called more than once
    NEW_CLIENT = "new_client"
    TIME_AGREED = "time_agreed"
    OVERDUE = "overdue"
    DUE_TODAY = "due_today"
    DUE_LATER = "due_later"
    LONG_RETURN = "long_return"
    NO_TIME = "no_time"
    TASK_PRIORITY = "task_priority"
    CARD_PRIORITY = "card_priority"
    HOT = "hot"
    WARM = "warm"
    NOBODYS = "nobodys"  # whoever takes it first
    CLIENT_NIGHT = "client_night"
    TAKEN = "taken"  # a colleague has the client for himself


_HEAT = {"hot": 3, "warm": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """What decides the place of a task."""

    id: int
    origin: Origin
    priority: int
    due_at: datetime | None
    owned: bool
    """It is somebody's; else whoever takes it first."""
    waits: bool = False
    """Its client was missed and still waits."""
    calls: int = 0
    """How often he called in vain."""
    new_client: bool = False
    taken: bool = False
    """A colleague has the client for himself."""
    card_priority: int = 0
    heat: str | None = None
    zone: ZoneInfo | None = None
    """The client's; None: not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a task stands."""

    id: int
    section: Section
    reasons: tuple[Reason, ...]
    importance: int
    call_from: datetime | None
    """When the client's morning begins, where it is night for him; UTC."""
    key: tuple[object, ...]
    """Sorts the queue."""


_ORDER = {section: n for n, section in enumerate(Section)}
_FAR = datetime(9999, 1, 1, tzinfo=UTC)


def importance(candidate: Candidate) -> int:
    """How important: the task's priority counts double, the card's once, hot 3 and warm 1."""
    return 2 * candidate.priority + candidate.card_priority + _HEAT.get(candidate.heat or "", 0)


def section_of(candidate: Candidate, now: datetime, day_end: datetime) -> Section:
    """How urgent a task is at a moment; the day ends at the manager's midnight."""
    due = candidate.due_at
    if candidate.waits:
        return Section.MISSED
    if due is None:
        return Section.UNDATED
    if due >= day_end:
        return Section.LATER
    if candidate.origin is Origin.RETURN:
        return Section.RETURN
    if due < now:
        return Section.OVERDUE
    return Section.NOW if due <= now + SOON else Section.TODAY


def _first_reason(section: Section, candidate: Candidate, now: datetime) -> Reason:
    match section:
        case Section.MISSED:
            late = candidate.due_at is not None and candidate.due_at < now
            return Reason.DEADLINE_PASSED if late else Reason.CLOCK_RUNS
        case Section.NOW:
            return Reason.TIME_AGREED
        case Section.OVERDUE:
            return Reason.OVERDUE
        case Section.TODAY:
            return Reason.DUE_TODAY
        case Section.RETURN:
            return Reason.LONG_RETURN
        case Section.UNDATED:
            return Reason.NO_TIME
        case Section.LATER:
            return Reason.DUE_LATER


def wakes_at(zone: ZoneInfo | None, now: datetime) -> datetime | None:
    """When a client may be rung again, UTC; None: he may be rung now, or nobody knows where he is."""
    if zone is None:
        return None
    local = now.astimezone(zone)
    if WAKES <= local.hour < SLEEPS:
        return None
    day = local.date() + timedelta(days=1 if local.hour >= SLEEPS else 0)
    return datetime(day.year, day.month, day.day, WAKES, tzinfo=zone).astimezone(UTC)


def place_of(candidate: Candidate, now: datetime, day_end: datetime) -> Place:
    """Where a task stands, and why."""
    section, weight = section_of(candidate, now, day_end), importance(candidate)
    asleep = wakes_at(candidate.zone, now) if section is not Section.MISSED else None
    by_weight = section in (Section.OVERDUE, Section.RETURN, Section.UNDATED)
    due = candidate.due_at or _FAR
    order: tuple[object, ...] = (-weight, due) if by_weight else (due, -weight)
    also = {
        Reason.SEVERAL_CALLS: candidate.calls > 1,
        Reason.NEW_CLIENT: candidate.new_client,
        Reason.NOBODYS: not candidate.owned,
        Reason.TAKEN: candidate.taken,
        Reason.CLIENT_NIGHT: asleep is not None,
        Reason.TASK_PRIORITY: candidate.priority > 0,
        Reason.CARD_PRIORITY: candidate.card_priority > 0,
        Reason.HOT: candidate.heat == "hot",
        Reason.WARM: candidate.heat == "warm",
    }
    return Place(
        id=candidate.id,
        section=section,
        reasons=(_first_reason(section, candidate, now), *(reason for reason, holds in also.items() if holds)),
        importance=weight,
        call_from=asleep,
        key=(candidate.taken, asleep is not None, _ORDER[section], *order, candidate.id),
    )


def in_order(candidates: Iterable[Candidate], now: datetime, day_end: datetime) -> list[Place]:
    """The queue.

    Args:
        candidates: open tasks that the manager may do.
        now: the present moment.
        day_end: the end of his local day.
    """
    return sorted((place_of(c, now, day_end) for c in candidates), key=lambda place: place.key)
