"""What AMI tells without being asked: hints, and how far each may be believed. Pure; time is an argument.

A caller can forge whole events through his number (reproduced on 22.10.1), so a hint never makes, answers or ends a
call. Two kinds are used:

- Hold and Unhold, which no journal holds. One counts only for a leg that the journal knows as open, under the very
  channel name the journal has for it, at a moment within a minute of now; all it can change is that leg's hold time.
- Hangup, to notice a journal that has stopped: a leg hung up and no row of its end within ten seconds. Before that is
  an alarm, Asterisk is asked whether the channel is really gone.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gateway.domain.legs import LegEvent
from sip.ami_legs import ami_leg_event
from sip.ami_protocol import Message
from sip.cel import BadRow

PATIENCE = timedelta(seconds=10)
"""How long the journal's row may come after the AMI event of the same thing."""
_PLAUSIBLE = timedelta(seconds=60)
_MOST_KEPT = 1000

Legs = Mapping[str, LegEvent]


@dataclass(slots=True, kw_only=True)
class HoldHints:
    """Hold and Unhold events, let through once the journal vouches for their leg."""

    patience: timedelta = PATIENCE
    """How long an event waits for the journal to know its leg."""
    ignored: int = 0
    """Events that fitted no open leg: forged, or of a leg that ended meanwhile."""
    _waiting: deque[tuple[datetime, LegEvent]] = field(default_factory=lambda: deque(maxlen=_MOST_KEPT))

    @property
    def waiting(self) -> bool:
        """Whether `believed` has something to look at."""
        return bool(self._waiting)

    def hear(self, event: Message, now: datetime, offset: timedelta) -> None:
        """Keep an event until `believed` is asked.

        Args:
            event: Hold or Unhold as it came.
            now: our clock.
            offset: PBX minus gateway.
        """
        try:
            hint = None if event.suspect else ami_leg_event(event)
        except BadRow:
            hint = None
        if hint is None or abs(hint.at - offset - now) > _PLAUSIBLE:
            self.ignored += 1
        else:
            self._waiting.append((now, hint))

    def believed(self, legs: Legs, now: datetime) -> list[LegEvent]:
        """The kept events that are about an open leg; the others wait ten seconds for the journal, then go."""
        fitting: list[LegEvent] = []
        for _ in range(len(self._waiting)):
            heard_at, hint = self._waiting.popleft()
            known = legs.get(hint.leg)
            if known is not None and known.channel == hint.channel and known.at <= hint.at:
                fitting.append(hint)
            elif known is None and now - heard_at < self.patience:
                self._waiting.append((heard_at, hint))
            else:
                self.ignored += 1
        return fitting


@dataclass(slots=True, kw_only=True)
class HangUpWatch:
    """Hang-ups that AMI told and the journal has not yet."""

    patience: timedelta = PATIENCE
    """How long the journal's row may take."""
    silent_since: datetime | None = None
    """When the first of those hang-ups was heard for which the journal owes a row; None: it owes none."""
    _waiting: deque[tuple[datetime, str]] = field(default_factory=lambda: deque(maxlen=_MOST_KEPT))
    _owed: set[str] = field(default_factory=set)

    def hear(self, event: Message, now: datetime) -> None:
        """Keep a Hangup event."""
        if leg := event.get("Uniqueid", ""):
            self._waiting.append((now, leg))

    def is_due(self, now: datetime) -> bool:
        """Whether `doubtful` has something to look at."""
        return bool(self._waiting) and now - self._waiting[0][0] >= self.patience

    def doubtful(self, legs: Legs, now: datetime, last_row_at: datetime | None) -> set[str]:
        """Legs whose end the journal should have told by now; ask Asterisk about them, then `confirm`.

        Args:
            legs: the open ones, as the journal has them.
            now: our clock.
            last_row_at: when the last row of this PBX was read, by our clock; None: never.
        """
        found: set[str] = set()
        while self.is_due(now):
            heard_at, leg = self._waiting.popleft()
            # no open leg has this id: either its end was read in time, or nothing at all was read
            if leg in legs or last_row_at is None or last_row_at < heard_at - self.patience:
                found.add(leg)
        return found

    def confirm(self, gone: set[str], now: datetime) -> bool:
        """Take in which of the doubtful legs Asterisk has no more; True: the alarm begins now."""
        begins = bool(gone) and self.silent_since is None
        if gone:
            self._owed |= gone
            self.silent_since = self.silent_since or now
        return begins

    def settle(self, legs: Legs, last_row_at: datetime | None) -> bool:
        """End the alarm once the journal has caught up; True: it ended now."""
        if self.silent_since is None or last_row_at is None or last_row_at < self.silent_since:
            return False
        self._owed &= legs.keys()
        if self._owed:
            return False
        self.silent_since = None
        return True
