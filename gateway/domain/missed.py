"""Missed clients: what moves the matter of a client whom nobody of ours has answered, all of it in one table.

A client's missed calls, calls lost in a transfer, talks and our attempts are put in order of time and folded into
matters. The first missed call opens one, further ones join it, the first talk ends it, whoever rang whom and whatever
number of his card it went over; a person may dismiss it, and after the limit it ends as `never`. Nothing is kept that
cannot be folded again: a corrected or merged call is simply another list of calls.

A talk that was still going on when the missed call ended has reached the client as well as a later one (he rang while
we rang him). A call lost in a transfer is no talk: its client waits for a call back, whoever spoke with him first.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

STALE = timedelta(hours=24)
"""A call that ended longer ago when we first hear of it (a journal read in later) is told of, but opens no task."""


class MissedState(StrEnum):
    """How a missed client came out."""

    OPEN = "open"
    REACHED_US = "reached_us"  # he called again and somebody talked with him
    CALLED_BACK = "called_back"  # in time
    LATE = "late"  # called back after the deadline
    NEVER = "never"  # not within the limit
    DISMISSED = "dismissed"  # by a person, with a reason
    WITHDRAWN = "withdrawn"  # the call was corrected: nothing had been missed


class Step(StrEnum):
    """What can happen to a matter."""

    MISSED = "missed"
    HE_TALKED = "he_talked"
    WE_TALKED_IN_TIME = "we_talked_in_time"
    WE_TALKED_LATE = "we_talked_late"
    DISMISSED = "dismissed"
    LIMIT = "limit"


MOVES: Mapping[tuple[MissedState, Step], MissedState] = {
    (MissedState.OPEN, Step.MISSED): MissedState.OPEN,
    (MissedState.OPEN, Step.HE_TALKED): MissedState.REACHED_US,
    (MissedState.OPEN, Step.WE_TALKED_IN_TIME): MissedState.CALLED_BACK,
    (MissedState.OPEN, Step.WE_TALKED_LATE): MissedState.LATE,
    (MissedState.OPEN, Step.DISMISSED): MissedState.DISMISSED,
    (MissedState.OPEN, Step.LIMIT): MissedState.NEVER,
}
"""Every move there is. What has ended does not move: a client who is missed again opens a new matter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """A call that asks for a call back."""

    call_id: UUID
    at: datetime
    """When the client gave up: the end of the call."""
    reason: str
    """Why it was missed, or `lost_in_transfer`."""
    pbx: str = ""
    did: str | None = None
    number: str | None = None
    """E.164, as the client called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """A conversation of the client with somebody of ours."""

    call_id: UUID
    since: datetime
    until: datetime | None
    """None: it goes on."""
    inbound: bool
    user_id: int | None
    """None: an outside number of ours took it, or nobody is entered for the extension."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A call of ours that the client did not take."""

    call_id: UUID
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Dismissal:
    """A person decided that nothing has to be done."""

    at: datetime
    by: int | None
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What is promised to the client of a missed call."""

    due_at: datetime
    give_up_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """One open or ended matter of one client."""

    state: MissedState
    calls: tuple[Missed, ...]
    terms: Terms
    attempts: int = 0
    closed_at: datetime | None = None
    by_call: UUID | None = None
    by_user: int | None = None

    @property
    def first(self) -> Missed:
        """The call that opened it."""
        return self.calls[0]

    @property
    def last_at(self) -> datetime:
        """When the client gave up last."""
        return self.calls[-1].at

    @property
    def is_open(self) -> bool:
        """Whether the client still waits."""
        return self.state is MissedState.OPEN

    def moved(self, step: Step, at: datetime, *, call: UUID | None = None, user: int | None = None) -> "Matter":
        """The matter after a step that ends it; one that has ended stays as it is."""
        state = MOVES.get((self.state, step))
        if state is None:
            return self
        return replace(self, state=state, closed_at=at, by_call=call, by_user=user)


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What is known of one client's calls, in any order."""

    missed: Sequence[Missed]
    talks: Sequence[Talk] = ()
    attempts: Sequence[Attempt] = ()
    dismissals: Sequence[Dismissal] = ()


def matters_of(story: Story, terms: Callable[[Missed], Terms], now: datetime) -> list[Matter]:
    """Fold what is known of one client into his matters.

    Args:
        story: his calls.
        terms: what is promised when this call opens a matter.
        now: the present moment, for the limit.

    Returns:
        In order of time; at most the last one is open.
    """
    found: list[Matter] = []
    steps: list[tuple[datetime, int, Missed | Talk | Attempt | Dismissal]] = [
        *((m.at, 0, m) for m in story.missed),
        *((t.since, 1, t) for t in story.talks),
        *((a.at, 2, a) for a in story.attempts),
        *((d.at, 3, d) for d in story.dismissals),
    ]
    for at, _, step in sorted(steps, key=lambda s: (s[0], s[1])):
        if found:
            found[-1] = _limited(found[-1], at)
        if isinstance(step, Missed):
            _miss(found, step, story, terms)
        elif found:
            found[-1] = _stepped(found[-1], step)
    if found:
        found[-1] = _limited(found[-1], now)
    return found


def _miss(found: list[Matter], missed: Missed, story: Story, terms: Callable[[Missed], Terms]) -> None:
    """Let a missed call join the open matter, or open one; a talk going on meanwhile ends it at once."""
    if found and found[-1].is_open:
        matter = found.pop()
        matter = replace(matter, calls=(*matter.calls, missed))
    else:
        matter = Matter(state=MissedState.OPEN, calls=(missed,), terms=terms(missed))
    for talk in story.talks:
        if talk.since <= missed.at and (talk.until is None or talk.until > missed.at):
            matter = _talked(matter, talk, missed.at)
    found.append(matter)


def _stepped(matter: Matter, step: Talk | Attempt | Dismissal) -> Matter:
    match step:
        case Talk():
            return _talked(matter, step, step.since)
        case Attempt():
            return replace(matter, attempts=matter.attempts + 1) if matter.is_open else matter
        case Dismissal():
            return matter.moved(Step.DISMISSED, step.at, user=step.by)


def _talked(matter: Matter, talk: Talk, at: datetime) -> Matter:
    step = Step.WE_TALKED_IN_TIME if at <= matter.terms.due_at else Step.WE_TALKED_LATE
    return matter.moved(Step.HE_TALKED if talk.inbound else step, at, call=talk.call_id, user=talk.user_id)


def _limited(matter: Matter, at: datetime) -> Matter:
    """The matter at a moment: one that nobody ended within its limit has ended then."""
    return matter.moved(Step.LIMIT, matter.terms.give_up_at) if at >= matter.terms.give_up_at else matter


def paired(matters: Sequence[Matter], kept: Mapping[int, Collection[UUID]]) -> tuple[list[int | None], list[int]]:
    """Find the folded matters again among those that are kept.

    Args:
        matters: as folded now, in order of time.
        kept: the calls of each matter as it was kept, by its id.

    Returns:
        The id of each folded matter, None for a new one; and the ids of those that are no more.
    """
    left = {id_: frozenset(calls) for id_, calls in sorted(kept.items())}
    ids: list[int | None] = []
    for matter in matters:
        calls = {m.call_id for m in matter.calls}
        same = next((id_ for id_, had in left.items() if had & calls), None)
        ids.append(same)
        left.pop(same or 0, None)
    return ids, list(left)


class GiveTo(StrEnum):
    """Who is to call back; the rule names them in the order in which they are asked."""

    OWNER = "owner"  # whose client he is
    LAST_RUNG = "last_rung"  # whose phone rang last
    MEMBERS = "members"  # whoever of the rule's group takes it first
    ANYONE = "anyone"  # whoever takes it first


@dataclass(frozen=True, slots=True, kw_only=True)
class CallBackRule:
    """What is promised to those who called one of our numbers and got nobody."""

    did: str | None = None
    """None: every number that has no rule of its own."""
    minutes: int = 5
    """Of working time, within which somebody is to call back."""
    give_to: tuple[GiveTo, ...] = (GiveTo.OWNER, GiveTo.LAST_RUNG, GiveTo.MEMBERS)
    members: tuple[int, ...] = ()
    escalate_minutes: int = 0
    """Of working time after the deadline, until the heads are told."""
    escalate_to: tuple[int, ...] = ()
    """Empty: all heads."""
    give_up_hours: int = 72
    """After so long it is `never`."""
    priority: int = 3
    version: int = 0
    """0: nobody has entered it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """Who gets the task."""

    owner_id: int | None
    members: tuple[int, ...] = ()


def recipient(
    rule: CallBackRule, *, owner: int | None, rung: Sequence[int], at_work: Collection[int], active: Iterable[int]
) -> Recipient:
    """Who is to call back.

    Args:
        rule: says whom to ask, in which order.
        owner: whose client he is; None: nobody's.
        rung: users whose phones rang, the last one last.
        at_work: those of them who work when the deadline's clock starts.
        active: who has not left the company.

    Returns:
        The first who is at work; where nobody is, the first of all; where there is none, anybody.
    """
    here = set(active)
    for there in (here & set(at_work), here):
        for way in rule.give_to:
            found = _asked(way, rule, owner, rung, there)
            if found is not None:
                return found
    return Recipient(owner_id=None)


def _asked(
    way: GiveTo, rule: CallBackRule, owner: int | None, rung: Sequence[int], there: Collection[int]
) -> Recipient | None:
    match way:
        case GiveTo.OWNER if owner in there:
            return Recipient(owner_id=owner)
        case GiveTo.LAST_RUNG:
            last = next((user for user in reversed(rung) if user in there), None)
            return Recipient(owner_id=last) if last is not None else None
        case GiveTo.MEMBERS:
            members = tuple(user for user in rule.members if user in there)
            return Recipient(owner_id=None, members=members) if members else None
        case GiveTo.ANYONE:
            return Recipient(owner_id=None)
    return None
