"""Who is who on a PBX: endpoints and outside numbers to managers, trunks, or nobody.

One row a pattern with the time in which it holds, so a call of last year is folded with last year's table.
What no row names is `UNMAPPED`: shown with a fix-it, and never taken for a client or a manager.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from fnmatch import translate
from functools import lru_cache

from gateway.domain.dialled_form import DialledForm
from gateway.domain.legs import endpoint, is_local
from gateway.domain.phone import NumberPlan, PhoneNumber


class PartyKind(StrEnum):
    """Whose a leg is."""

    MANAGER = "manager"
    TRUNK = "trunk"
    LOCAL = "local"
    IGNORED = "ignored"
    UNMAPPED = "unmapped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """The owner of a leg."""

    kind: PartyKind
    extension: str = ""
    """The manager's extension; for a trunk its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One row of the table: a pattern, whose it is, from when until when."""

    pattern: str
    """Endpoint with or without technology (`PJSIP/anna-desk`, `101`, `10?`), or an outside number in E.164."""
    kind: PartyKind
    extension: str = ""
    since: datetime | None = None
    """First moment at which the row holds; None: from ever."""
    until: datetime | None = None
    """First moment at which it holds no more; None: for ever."""

    def holds(self, at: datetime) -> bool:
        """Whether the row counts at that moment."""
        return (self.since is None or self.since <= at) and (self.until is None or at < self.until)


# Channels that Asterisk makes for itself: announcers and recorders of conferences, spies, media without a phone.
_MACHINES = (
    *("Announcer/", "AudioSocket/", "Bridge/", "CBAnn/", "CBRec/", "Message/", "MulticastRTP/", "Recorder/"),
    *("Snoop/", "Surrogate/", "UnicastRTP/", "WebSocket/"),
)
_IGNORED = Party(kind=PartyKind.IGNORED)
_LOCAL = Party(kind=PartyKind.LOCAL)
_UNMAPPED = Party(kind=PartyKind.UNMAPPED)


@lru_cache(maxsize=4096)
def _matcher(pattern: str) -> re.Pattern[str]:
    return re.compile(translate(pattern))


def _matches(pattern: str, name: str) -> bool:
    """A pattern without a technology fits the name behind any technology."""
    if "/" not in pattern:
        name = name.partition("/")[2]
    return _matcher(pattern).match(name) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """The tables of one PBX as the fold needs them."""

    entries: tuple[Entry, ...] = ()
    plan: NumberPlan = field(default_factory=NumberPlan)
    """Number plan of trunks that have none of their own."""
    plans: tuple[tuple[str, NumberPlan], ...] = ()
    """Number plans by pattern of the trunk's endpoint, first match wins."""
    default_dids: tuple[tuple[str, str], ...] = ()
    """DID by pattern of the trunk's endpoint, for lines that signal none."""
    pbx: str = "pbx"
    """Name of the PBX; part of every call's identity."""
    dialled: DialledForm = field(default_factory=DialledForm)
    """How outside numbers are dialled by our orders."""
    _found: dict[str, tuple[Entry, ...]] = field(default_factory=dict, repr=False, compare=False)

    def party(self, channel: str, at: datetime) -> Party:
        """Whose the channel is at that moment; exact patterns win over wildcards, then the table's order."""
        if is_local(channel):
            return _LOCAL
        name = endpoint(channel)
        if (rows := self._found.get(name)) is None:
            rows = self._rows(name)
            if len(self._found) < 10_000:  # endpoint names come from outside: bounded
                self._found[name] = rows
        for entry in rows:
            if entry.holds(at):
                return Party(kind=entry.kind, extension=entry.extension or name.partition("/")[2])
        return _IGNORED if name.startswith(_MACHINES) else _UNMAPPED

    def _rows(self, name: str) -> tuple[Entry, ...]:
        fitting = [e for e in self.entries if not e.pattern.startswith("+") and _matches(e.pattern, name)]
        return tuple(sorted(fitting, key=lambda e: any(c in e.pattern for c in "*?[")))

    def manager_outside(self, number: PhoneNumber, at: datetime) -> str | None:
        """Extension of the manager whose outside number this is; None: nobody's."""
        if number.e164 is None:
            return None
        rows = (e for e in self.entries if e.pattern == number.e164 and e.holds(at))
        return next((e.extension for e in rows if e.kind is PartyKind.MANAGER), None)

    def plan_of(self, channel: str) -> NumberPlan:
        """How the trunk of this channel writes numbers."""
        name = endpoint(channel)
        return next((plan for pattern, plan in self.plans if _matches(pattern, name)), self.plan)

    def default_did(self, channel: str) -> str | None:
        """The DID of a trunk that signals none; None: unknown."""
        name = endpoint(channel)
        return next((did for pattern, did in self.default_dids if _matches(pattern, name)), None)
