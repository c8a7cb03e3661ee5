"""Calls agreed for a moment: their states, the rule of the site, free time, and what follows a call that failed.

    planned -> calling -> done            the client and a manager of ours have talked
       ^          |
       +----------+ replanned: nobody took it, put off, late after downtime
    planned or calling -> missed          given up: a task to call back takes its place
    planned -> cancelled -> planned       a person took it back, and changed his mind

The moment is agreed by the client's wall clock and kept as that: the wall stays when zone or rules of summer time
change, and the instant moves. Nothing here reads a clock.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from gateway.domain.local_time import ClientHours
from gateway.domain.working_time import WorkingTime

STEP = timedelta(minutes=5)
"""Free times that are proposed begin on full five minutes."""
AHEAD = timedelta(days=14)
"""So far a free time is searched."""
LENGTH_MAX = 8 * 60


class ScheduledState(StrEnum):
    """How far a scheduled call is."""

    PLANNED = "planned"
    CALLING = "calling"
    DONE = "done"
    MISSED = "missed"
    CANCELLED = "cancelled"

    @property
    def is_open(self) -> bool:
        """Whether it still takes time of the manager."""
        return self in (ScheduledState.PLANNED, ScheduledState.CALLING)


class ZoneFrom(StrEnum):
    """How the zone is known in which the moment was agreed."""

    ASKED = "asked"  # whoever planned it named it
    CARD = "card"
    NUMBER = "number"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleRule:
    """What holds for scheduled calls."""

    hours: ClientHours = field(default_factory=ClientHours)
    minutes: int = 15
    """How long a call takes that says nothing of it."""
    remind_minutes: int = 5
    """So long before, the manager is reminded."""
    late_minutes: int = 5
    """Later than this it is not placed any more but planned anew."""
    replan_minutes: int = 10
    """What was late is planned for this many minutes ahead, or later."""
    retry_minutes: int = 15
    """So long after somebody did not take it, it is tried again."""
    attempts_max: int = 3
    """Calls that nobody took, before it becomes a task."""
    put_off_minutes: int = 5
    """So long it is put off while the manager or the client cannot."""
    put_offs_max: int = 12
    """Put off so often, it becomes a task."""
    per_minute: int = 30
    """Calls that are placed within a minute, in the whole company."""
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduled:
    """A scheduled call as it is kept."""

    id: int
    user_id: int
    contact_id: int | None
    number: str
    """E.164"""
    at: datetime
    """UTC"""
    minutes: int
    zone: str
    """IANA name of the zone in which the moment was agreed."""
    zone_from: ZoneFrom
    wall: datetime
    """What the clock of that zone shows; without zone."""
    second: bool
    """Of a time that the clock shows twice, the second one."""
    any_hour: bool
    """The client wished it: permitted hours do not count."""
    agreed_at: datetime
    """The moment that a person chose last; what follows a miss moves `at` only."""
    state: ScheduledState
    note: str
    pbx: str | None
    attempts: int
    """Calls that nobody took."""
    put_offs: int
    orders: int
    """Orders that were made of it; with the id they name the next one."""
    order_id: str | None
    call_id: UUID | None
    """Of the last order; None: none was placed."""
    reason: str | None
    """Why it was moved or given up last."""
    reminded_at: datetime | None
    task_id: int | None
    """The task that took its place; None: none did."""
    made_by: str
    created_at: datetime
    changed_at: datetime
    ended_at: datetime | None
    version: int

    @property
    def ends_at(self) -> datetime:
        """When its time is over."""
        return self.at + timedelta(minutes=self.minutes)


def order_id(id: int, number: int, at: datetime) -> str:
    """The id of an order: the same for the same call, order and moment, so a crash never dials twice.

    Args:
        id: of the scheduled call.
        number: of the order.
        at: the moment for which it stands; it keeps ids apart after an older backup was restored.
    """
    return f"tl-s{id:x}-{number:x}-{int(at.timestamp()):x}"


Busy = tuple[datetime, datetime]
"""A stretch of time that is taken, from its beginning to before its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Free:
    """Finds free time of one manager for one client."""

    busy: Sequence[Busy]
    length: timedelta
    zone: ZoneInfo
    """The client's."""
    hours: ClientHours | None
    """None: at any hour."""
    working: WorkingTime | None
    """The manager's hours; None: at any time."""

    def fits(self, at: datetime) -> bool:
        """Whether a call may begin at an instant."""
        return self._pushed(at) == at

    def after(self, at: datetime) -> datetime | None:
        """The first free instant from this one on, on full five minutes; None: there is none within `AHEAD`."""
        limit, at = at + AHEAD, rounded_up(at)
        while at <= limit:
            later = rounded_up(self._pushed(at))
            if later == at:
                return at
            at = later
        return None

    def before(self, at: datetime, not_before: datetime) -> datetime | None:
        """The last free instant before this one; None: there is none within a day."""
        earliest = max(not_before, at - timedelta(days=1))
        found = rounded_up(at) - STEP
        while found >= earliest:
            if self.fits(found):
                return found
            found -= STEP
        return None

    def around(self, at: datetime, now: datetime, count: int = 3) -> list[datetime]:
        """Free instants near one, the one before it first."""
        before = self.before(at, now)
        found = [] if before is None else [before]
        later = self.after(max(at, now))
        while later is not None and len(found) < count:
            found.append(later)
            later = self.after(later + self.length)
        return found

    def _pushed(self, at: datetime) -> datetime:
        """The instant itself, or a later one that misses what stood in its way."""
        if self.hours is not None:
            at = self.hours.after(at, self.zone)
        if self.working is not None:
            at = self.working.after(at, timedelta(0))
        for since, until in self.busy:
            if since < at + self.length and at < until:
                at = until
        return at


def rounded_up(at: datetime) -> datetime:
    """The next full five minutes, or the instant itself where it is one; UTC."""
    at = at.astimezone(UTC)
    over = (at - datetime(2000, 1, 1, tzinfo=UTC)) % STEP
    return at + STEP - over if over else at


class After(StrEnum):
    """What follows an order that did not lead to a talk."""

    RETRY = "retry"
    PUT_OFF = "put_off"
    GIVE_UP = "give_up"


_WAIT = frozenset(
    {"in_flight", "in_call", "colleague_calls", "colleague_talks", "client_calls", "colleague_claimed"}
    | {"not_connected", "not_sent"}
)
"""Reasons for which nothing was dialled, and that pass: a colleague has the client, or the PBX is away."""
_LIMITS = ("user_", "key_", "company_")


def after_refusal(reason: str) -> After:
    """What follows an order that was refused before anything was dialled."""
    if reason in _WAIT or reason.startswith(_LIMITS):
        return After.PUT_OFF
    return After.GIVE_UP


def after_miss(reason: str | None, attempts: int, rule: ScheduleRule) -> After:
    """What follows an order that was dialled and led to no talk.

    Args:
        reason: the command's, in one word; `no_such_number` and its like are not tried again, nor what nobody can know.
        attempts: calls that nobody took, this one among them.
        rule: of the site.
    """
    if reason in _WAIT:
        return After.PUT_OFF
    if reason in ("no_such_number", "number_changed", UNKNOWN):
        return After.GIVE_UP
    return After.RETRY if attempts < rule.attempts_max else After.GIVE_UP


UNKNOWN = "unknown"
"""Nobody can know whether a phone rang; it is never dialled again by itself."""
TALKED = frozenset({"answered", "lost_in_transfer"})
"""Reasons of a command that ended after a talk."""
