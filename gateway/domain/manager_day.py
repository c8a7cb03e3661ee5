"""What rules choose for a manager by themselves: off when his hours end, available when they begin or he signs in.

Everything is chosen at its own moment, not at the one at which somebody looked: a gateway that was away over the end
of the working day ends it at the hour at which it ended. What a person chose stands until the next of these moments:
a break until the hours end, being off by hand until the first hours of another day, or until he signs in.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from gateway.domain.manager_states import (
    BY_ABSENCE,
    BY_RULE,
    BY_SIGN_IN,
    BY_WORKING_TIME,
    Base,
    Choice,
    Chosen,
    State,
    base_of,
)
from gateway.domain.working_time import WorkingTime

BREAK = "break"
"""The kind of an absence that is a break and no day off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Away:
    """An absence."""

    kind: str
    since: datetime
    until: datetime | None

    def holds(self, at: datetime) -> bool:
        """Whether he is away at a moment."""
        return self.since <= at and (self.until is None or at < self.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What is known of a manager when his day is looked at."""

    zone: ZoneInfo
    """His."""
    hours: WorkingTime | None
    """None: nobody has entered hours for him or the company."""
    begins_with_hours: bool
    begins_with_sign_in: bool
    away: tuple[Away, ...] = ()
    sign_ins: tuple[datetime, ...] = ()
    choices: tuple[Choice, ...] = ()
    """What was chosen since the last look."""
    base: Base | None = None
    """What had been chosen before."""


@dataclass(slots=True)
class _Walk:
    """The way through a span of time."""

    day: Day
    base: Base | None
    found: list[Choice] = field(default_factory=list)

    def choose(self, at: datetime, chosen: Chosen, by: str, reason: str = "") -> None:
        choice = Choice(at=at, chosen=chosen, by=by, reason=reason)
        self.base = base_of(choice)
        self.found.append(choice)

    def is_away(self, at: datetime) -> bool:
        return any(a.holds(at) and a.kind != BREAK for a in self.day.away)

    def works(self, at: datetime) -> bool:
        return self.day.hours is not None and self.day.hours.includes(at)

    def hours_end(self, at: datetime) -> None:
        by_hand = self.base is not None and self.base.by not in BY_RULE
        if not self._is_off() or self.base is None or (by_hand and not self._goes_on(at)):
            self.choose(at, Chosen.OFF, BY_WORKING_TIME)

    def hours_begin(self, at: datetime) -> None:
        if not self.day.begins_with_hours or self.is_away(at) or not self._is_off():
            return
        by_hand = self.base is not None and self.base.by not in BY_RULE
        if self.base is None or not (by_hand and self._same_day(self.base.at, at)):
            self.choose(at, Chosen.AVAILABLE, BY_WORKING_TIME)

    def sign_in(self, at: datetime) -> None:
        allowed = self.day.begins_with_hours or self.day.begins_with_sign_in
        if allowed and self._is_off() and not self.is_away(at) and (self.day.hours is None or self.works(at)):
            self.choose(at, Chosen.AVAILABLE, BY_SIGN_IN)

    def away_begins(self, at: datetime, kind: str) -> None:
        if kind == BREAK:
            if self.base is None or self.base.state is State.AVAILABLE:
                self.choose(at, Chosen.BREAK, BY_ABSENCE)
        elif self.base is None or self.base.state is not State.OFF or self.base.by != BY_ABSENCE:
            self.choose(at, Chosen.OFF, BY_ABSENCE, kind)

    def away_ends(self, at: datetime, kind: str) -> None:
        if self.base is None or self.base.by != BY_ABSENCE or self.is_away(at):
            return
        back = self.base.state is State.BREAK if kind == BREAK else self.works(at) and self.day.begins_with_hours
        if back:
            self.choose(at, Chosen.AVAILABLE, BY_ABSENCE)

    def take(self, choice: Choice) -> None:
        self.base = base_of(choice) or self.base

    def _is_off(self) -> bool:
        return self.base is None or self.base.state is State.OFF

    def _goes_on(self, at: datetime) -> bool:
        """Whether there are more hours on the day on which some end: then who went home by hand stays at home."""
        hours = self.day.hours
        later = hours.stretches(at, at + timedelta(days=1)) if hours is not None else []
        return any(begin > at and self._same_day(begin, at) for begin, _ in later)

    def _same_day(self, one: datetime, other: datetime) -> bool:
        zone = self.day.hours.zone if self.day.hours is not None else self.day.zone
        return one.astimezone(zone).date() == other.astimezone(zone).date()


def chosen_by_rule(day: Day, *, since: datetime, now: datetime) -> list[Choice]:
    """What rules chose for a manager since the last look.

    Args:
        day: what is known of him.
        since: the last look, at which everything up to it was chosen.
        now: the present moment.

    Returns:
        In their order, each at its own moment, behind `since`.
    """
    walk = _Walk(day=day, base=day.base)
    for at, _, step in sorted(_steps(day, since, now), key=lambda s: (s[0], s[1])):
        match step:
            case Choice():
                walk.take(step)
            case ("hours begin", _):
                walk.hours_begin(at)
            case ("hours end", _):
                walk.hours_end(at)
            case ("away begins", kind):
                walk.away_begins(at, kind)
            case ("away ends", kind):
                walk.away_ends(at, kind)
            case _:
                walk.sign_in(at)
    if walk.base is None:
        _first(walk, now)
    return walk.found


def _first(walk: _Walk, now: datetime) -> None:
    """Begin the story of one of whom nothing is known but his hours, or that he is away."""
    away = next((a for a in walk.day.away if a.holds(now)), None)
    if away is not None:
        walk.away_begins(now, away.kind)
    elif walk.day.hours is not None and walk.works(now) and walk.day.begins_with_hours:
        walk.choose(now, Chosen.AVAILABLE, BY_WORKING_TIME)
    elif walk.day.hours is not None:
        walk.choose(now, Chosen.OFF, BY_WORKING_TIME)


def _steps(day: Day, since: datetime, now: datetime) -> Iterator[tuple[datetime, int, Choice | tuple[str, str]]]:
    """Everything that happened behind `since`; at the same moment ends come first, and a person last."""
    for begin, end in day.hours.stretches(since, now) if day.hours is not None else ():
        if since < end <= now:
            yield end, 0, ("hours end", "")
        if since < begin <= now:
            yield begin, 3, ("hours begin", "")
    for away in day.away:
        if since < away.since <= now:
            yield away.since, 1, ("away begins", away.kind)
        if away.until is not None and since < away.until <= now:
            yield away.until, 2, ("away ends", away.kind)
    for at in day.sign_ins:
        if since < at <= now:
            yield at, 4, ("sign in", "")
    for choice in day.choices:
        if since < choice.at <= now:
            yield choice.at, 5, choice
