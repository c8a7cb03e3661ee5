"""What one call adds to the figures: the only place where a call becomes numbers.

The definitions are written in docs/metrics.md. A call counts once it has ended; a later correction takes the old
parts away and adds the new ones, so the roll-ups always equal a recount.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from gateway.domain.call import Call, CallKind, CallState, Direction, ManagerPart, Result, Role
from gateway.domain.phone import NumberKind
from gateway.domain.staff import Staff

_MICROSECOND = timedelta(microseconds=1)


def microseconds(length: timedelta) -> int:
    """A duration as the database keeps it."""
    return length // _MICROSECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One manager's part in one call, as it is counted."""

    extension: str
    user_id: int | None
    """None: nobody is entered for the extension; the part is kept and counts for nobody."""
    day: date
    direction: Direction
    number: str | None
    """E.164; None: hidden or no number, which never counts as a distinct one."""
    rang: bool
    answered: bool
    missed: bool
    not_taken: bool
    lost: bool
    rang_us: int
    talk_us: int
    wait_us: int
    """His wait where he answered, else 0."""
    counted: bool
    started_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanyPart:
    """One call's part in the figures of the whole company."""

    day: date
    direction: Direction
    answered: bool
    missed: bool
    lost: bool
    talk_us: int
    wait_us: int


def counts(call: Call) -> bool:
    """Whether the call is in any figure: with a client, and over."""
    return call.kind is CallKind.CLIENT and call.state is CallState.ENDED


def parts_of(call: Call, staff: Staff) -> tuple[Part, ...]:
    """The parts of the managers who rang, dialled or talked."""
    rung = {leg.extension for leg in call.legs if leg.role is Role.MANAGER and leg.dialled}
    return tuple(
        _part(call, part, staff, rang=part.extension in rung)
        for part in call.managers
        if part.extension in rung or part.extension in call.answered_by or call.direction is not Direction.INBOUND
    )


def _part(call: Call, part: ManagerPart, staff: Staff, *, rang: bool) -> Part:
    member = staff.member(part.extension, call.started_at)
    answered = part.extension in call.answered_by
    inbound_ring = rang and call.direction is Direction.INBOUND
    known = call.client is not None and call.client.kind is NumberKind.CLIENT
    return Part(
        extension=part.extension,
        user_id=member.user_id if member else None,
        day=(member or staff).day(call.started_at),
        direction=call.direction,
        number=call.client.e164 if known and call.client else None,
        rang=rang,
        answered=answered,
        missed=inbound_ring and call.result is Result.MISSED,
        not_taken=inbound_ring and not answered and call.is_answered,
        lost=call.result is Result.LOST_IN_TRANSFER and part.extension == next(iter(call.answered_by), None),
        rang_us=microseconds(part.rang),
        talk_us=microseconds(part.talk),
        wait_us=microseconds(part.wait) if answered else 0,
        counted=counts(call) and member is not None,
        started_at=call.started_at,
    )


def company_part(call: Call, staff: Staff) -> CompanyPart | None:
    """The call's part in the company's figures; None: it is in none."""
    if not counts(call):
        return None
    return CompanyPart(
        day=staff.day(call.started_at),
        direction=call.direction,
        answered=call.is_answered,
        missed=call.is_missed,
        lost=call.result is Result.LOST_IN_TRANSFER,
        talk_us=microseconds(call.talk),
        wait_us=microseconds(call.wait or timedelta()),
    )


ManagerDay = tuple[int, date, Direction]
NumberDay = tuple[int, date, Direction, str]
SUMS = ("calls", "answered", "missed", "not_taken", "lost", "talk_us", "wait_us")
COMPANY_SUMS = ("calls", "answered", "missed", "lost", "talk_us", "wait_us")


@dataclass(slots=True)
class Delta:
    """What a transaction adds to (or takes from) the roll-ups."""

    long_us: int
    """A call counts as long where the talk with that manager is longer than this."""
    managers: dict[ManagerDay, Counter[str]] = field(default_factory=dict)
    numbers: dict[NumberDay, list[int]] = field(default_factory=dict)
    """Calls and long calls by number."""
    company: dict[tuple[date, Direction], Counter[str]] = field(default_factory=dict)

    def add(self, parts: Iterable[Part], sign: int = 1) -> None:
        """Add counted parts, or take them away with sign -1."""
        for part in parts:
            if part.counted and part.user_id is not None:
                self._add(part, part.user_id, sign)

    def _add(self, part: Part, user_id: int, sign: int) -> None:
        sums = self.managers.setdefault((user_id, part.day, part.direction), Counter())
        for name in SUMS:
            sums[name] += sign * (1 if name == "calls" else int(getattr(part, name)))
        if part.number is not None:
            n = self.numbers.setdefault((user_id, part.day, part.direction, part.number), [0, 0])
            n[0] += sign
            n[1] += sign * (part.talk_us > self.long_us)

    def add_company(self, part: CompanyPart | None, sign: int = 1) -> None:
        """Add one call to the company's figures, or take it away."""
        if part is None:
            return
        sums = self.company.setdefault((part.day, part.direction), Counter())
        for name in COMPANY_SUMS:
            sums[name] += sign * (1 if name == "calls" else int(getattr(part, name)))
