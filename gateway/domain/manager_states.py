"""How a manager is: available, talking, after a call, on a break, off; as a pure fold over what happened to him.

Two things move a state: what somebody chose (`Choice`: the person, his supervisor, or a rule at its own moment) and
when he talked (`Talk`: one of his phones stood in an answered call). `timeline` folds both into intervals. Nothing in
it is kept from one call to the next, so late rows, a corrected call and a feed that is taken twice give the intervals
that would have come in the right order.

    choice     available ----------------- break ------------ available
    talk              [=====]                    [===]
    interval   avail. talking after-call avail. break talking break avail.

A talk lies over what was chosen. After it comes the after-call time, but only where he was available: whoever talks
on his break is on his break again afterwards, and whoever is off stays off. Choosing anything ends the after-call
time, and so does the outcome of the call; `after_call` makes it longer.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from uuid import UUID

from gateway.domain.errors import Rejected

AFTER_CALL_MAX = timedelta(hours=1)
"""An after-call time, given by rule or asked for at once, is never longer; so what is older cannot reach further."""


class State(StrEnum):
    """How a manager is."""

    AVAILABLE = "available"
    TALKING = "talking"
    AFTER_CALL = "after_call"
    BREAK = "break"
    OFF = "off"


class Chosen(StrEnum):
    """What can be chosen for a manager."""

    AVAILABLE = "available"
    BREAK = "break"
    OFF = "off"
    AFTER_CALL = "after_call"  # more time after the call
    DONE = "done"  # the outcome of the call was chosen


BY_WORKING_TIME = "working_time"
BY_ABSENCE = "absence"
BY_SIGN_IN = "sign_in"
BY_OUTCOME = "outcome"
BY_CALL = "call"
BY_RULE = frozenset({BY_WORKING_TIME, BY_ABSENCE, BY_SIGN_IN, BY_OUTCOME})
"""Who else than a person chooses."""


class StateError(Rejected, ValueError):
    """This state cannot be chosen; choose available, break, off or after_call, a break with one of its reasons."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What was chosen for a manager."""

    at: datetime
    chosen: Chosen
    by: str
    """Like `user:17`, or one of `BY_RULE`."""
    reason: str = ""
    """Key of the reason of a break or an absence."""
    until: datetime | None = None
    """Of `after_call`: how long."""
    call_id: UUID | None = None
    """Of `done`: whose outcome."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """One of his phones in one answered call."""

    since: datetime
    until: datetime | None
    """None: still."""
    call_id: UUID
    after: timedelta
    """The after-call time that the rules gave him when it was first seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A stretch of time in one state."""

    state: State
    since: datetime
    until: datetime | None
    """None: still."""
    reason: str = ""
    call_id: UUID | None = None
    by: str = ""
    ends_at: datetime | None = None
    """Of an after-call time that still runs: when it ends by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagerState:
    """How a manager is at a moment."""

    user_id: int
    state: State
    known: bool = True
    """False: nobody ever chose for him, he never signed in, and no hours are entered; he is taken for available."""
    reason: str = ""
    since: datetime | None = None
    """None: not known."""
    call_id: UUID | None = None
    """The call he talks in, or that he works on after it."""
    ends_at: datetime | None = None
    """When his after-call time ends by itself."""
    by: str = ""
    """Who chose it."""
    ringing: tuple[UUID, ...] = ()
    """Open calls in which one of his phones rings or dials, and none of his talks."""
    last_talk_at: datetime | None = None
    """End of his last talk, for whoever gives calls to the longest idle; None: he talks, or never did."""

    @property
    def takes_calls(self) -> bool:
        """Whether a call may be given to him now."""
        return self.state is State.AVAILABLE and not self.ringing


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """What was chosen last: how he is while he neither talks nor works on a call."""

    state: State
    """Available, break or off."""
    at: datetime
    by: str
    reason: str = ""


_BASES = {Chosen.AVAILABLE: State.AVAILABLE, Chosen.BREAK: State.BREAK, Chosen.OFF: State.OFF}


def base_of(choice: Choice) -> Base | None:
    """The base that a choice makes; None: it only concerns an after-call time."""
    state = _BASES.get(choice.chosen)
    return None if state is None else Base(state=state, at=choice.at, by=choice.by, reason=choice.reason)


@dataclass(slots=True)
class _Fold:
    """Where the fold stands, and the intervals it has left behind."""

    base: Base | None
    begin: datetime
    talks: list[Talk] = field(default_factory=list)
    """Those that go on, in the order in which they began."""
    done: set[UUID] = field(default_factory=set)
    wanted: datetime | None = None
    """Until when more time was asked for."""
    after: datetime | None = None
    """Until when the after-call time lasts."""
    last_call: UUID | None = None
    standing: Interval | None = None
    left: list[Interval] = field(default_factory=list)

    def choose(self, choice: Choice) -> None:
        match choice.chosen:
            case Chosen.DONE:
                if choice.call_id is not None:
                    self.done.add(choice.call_id)
                if choice.call_id == self.last_call:
                    self.after = None
            case Chosen.AFTER_CALL:
                if self.talks:
                    self.wanted = choice.until
                elif self.base is None or self.base.state is State.AVAILABLE:
                    self.after = choice.until
            case _:
                self.base, self.after, self.wanted = base_of(choice), None, None

    def start_talk(self, talk: Talk) -> None:
        self.talks.append(talk)
        self.after = None

    def end_talk(self, talk: Talk, at: datetime) -> None:
        self.talks.remove(talk)
        if self.talks:
            return
        self.last_call = talk.call_id
        until = at if talk.call_id in self.done else at + talk.after
        until = max(until, self.wanted or until)
        self.wanted = None
        works = self.base is None or self.base.state is State.AVAILABLE
        self.after = until if works else None

    def stand(self, at: datetime) -> None:
        """Leave the interval that has lasted, if he is otherwise from this moment on."""
        fresh = self._from(at)
        last = self.standing
        if last is not None and fresh is not None and _same(last, fresh):
            self.standing = replace(last, ends_at=fresh.ends_at, by=fresh.by)
            return
        if last is not None and at > max(last.since, self.begin):
            self.left.append(replace(last, since=max(last.since, self.begin), until=at, ends_at=None))
        self.standing = fresh

    def expire(self, at: datetime) -> None:
        """Let an after-call time end that is over by a moment."""
        if self.after is not None and self.after <= at:
            over, self.after = self.after, None
            if not self.talks:
                self.stand(over)

    def _from(self, at: datetime) -> Interval | None:
        if self.talks:
            call = self.talks[-1].call_id
            return Interval(state=State.TALKING, since=at, until=None, call_id=call, by=BY_CALL)
        if self.after is not None and self.after > at:
            return Interval(
                state=State.AFTER_CALL, since=at, until=None, call_id=self.last_call, by=BY_CALL, ends_at=self.after
            )
        if self.base is None:
            return None
        return Interval(state=self.base.state, since=at, until=None, reason=self.base.reason, by=self.base.by)


def timeline(
    choices: Sequence[Choice], talks: Sequence[Talk], *, base: Base | None, begin: datetime, now: datetime
) -> list[Interval]:
    """A manager's intervals from a moment on.

    Args:
        choices: since `begin`, with those before it that can reach beyond it.
        talks: those that had not ended well before `begin`.
        base: what had been chosen before the first choice; None: nothing was.
        begin: from when on; an interval that it cuts starts at it.
        now: the present moment: an after-call time that is over by then has ended.

    Returns:
        In their order, none empty, none overlapping; between two of them nothing is missing unless nothing is known
        there. The last one goes on, if anything is known of the present.
    """
    fold = _Fold(base=base, begin=begin)
    steps = sorted(_steps(choices, talks), key=lambda step: (step[0], step[1]))
    fold.stand(min([begin, *(at for at, _, _ in steps)]))
    for at, _, step in steps:
        fold.expire(at)
        step(fold)
        fold.stand(at)
    fold.expire(max([now, begin, *(at for at, _, _ in steps)]))
    if fold.standing is not None:
        fold.left.append(replace(fold.standing, since=max(fold.standing.since, begin)))
    return fold.left


def _steps(choices: Sequence[Choice], talks: Sequence[Talk]) -> Iterator[tuple[datetime, int, Callable[[_Fold], None]]]:
    """What moves the fold: at the same moment a talk begins before another ends, and what is chosen comes last.

    Talks that begin or end at one moment have an order of their own, not that in which they were heard of.
    """
    for talk in sorted(talks, key=lambda t: (t.since, t.call_id, t.until is None, t.until or t.since, t.after)):
        yield talk.since, 0, partial(_Fold.start_talk, talk=talk)
        if talk.until is not None:
            yield talk.until, 1, partial(_Fold.end_talk, talk=talk, at=talk.until)
    for choice in choices:
        yield choice.at, 2, partial(_Fold.choose, choice=choice)


def _same(one: Interval, other: Interval) -> bool:
    return (one.state, one.reason, one.call_id) == (other.state, other.reason, other.call_id)


def state_of(interval: Interval | None, user_id: int, now: datetime) -> ManagerState:
    """How a manager is by his last interval; an after-call time that is over has ended, whether anybody looked or not.

    Args:
        interval: the one that goes on; None: nothing is known of him.
        user_id: whose.
        now: the present moment.
    """
    if interval is None:
        return ManagerState(user_id=user_id, state=State.AVAILABLE, known=False)
    if interval.ends_at is not None and interval.ends_at <= now:
        return ManagerState(user_id=user_id, state=State.AVAILABLE, since=interval.ends_at, by=interval.by)
    return ManagerState(
        user_id=user_id,
        state=interval.state,
        reason=interval.reason,
        since=interval.since,
        call_id=interval.call_id,
        ends_at=interval.ends_at,
        by=interval.by,
    )
