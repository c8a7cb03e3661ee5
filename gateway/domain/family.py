"""Families of legs: which events belong together, and what each leg was.

A family is every leg that shares a linked id with another, stood in one bridge with it (never in a car park), or
was named together with it by a transfer or a pick-up. `Families` keeps that while rows arrive, `families` splits
a heap of events at once, `gather` turns a family's events into `Leg`s.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from gateway.domain.directory import Directory, Party, PartyKind
from gateway.domain.legs import LegEvent, LegEventKind

# What Asterisk calls the application of a leg that it dialled itself: Dial and Queue, and Originate.
_ORIGINATED_APP = "AppDial2"
_ENDS = frozenset({LegEventKind.HUNG_UP, LegEventKind.ENDED, LegEventKind.LOST})


def ties(event: LegEvent) -> list[str]:
    """The keys by which an event hangs together with others; legs, linked ids and bridges never collide."""
    keys = ["l:" + event.leg]
    if event.family:
        keys.append("f:" + event.family)
    if event.bridge and not event.holding:
        keys.append("b:" + event.bridge)
    if event.second_bridge:
        keys.append("b:" + event.second_bridge)
    keys += ["l:" + other for other in (event.transferee, event.second, event.transfer_target) if other]
    return keys


class Families:
    """Union-find over the ties of events; tells which families a new event joins."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}

    def find(self, key: str) -> str | None:
        """The family's present name, or None for a key never seen."""
        parent = self._parent
        name = parent.get(key)
        while name is not None and name != key:
            key = name
            name = parent[key]
        return name

    def add(self, event: LegEvent) -> tuple[str, list[str]]:
        """Put an event into its family.

        Returns:
            The family's name, and the names of families that were others until this event joined them.
        """
        keys = ties(event)
        names: list[str] = []
        for key in keys:
            found = self.find(key)
            if found is not None and found not in names:
                names.append(found)
        name = names[0] if names else keys[0]
        parent = self._parent
        for key in keys:
            parent[key] = name
        for other in names[1:]:
            parent[other] = name
        return name, names[1:]

    def forget(self, events: Iterable[LegEvent]) -> None:
        """Let go of a family that has ended."""
        for event in events:
            for key in ties(event):
                self._parent.pop(key, None)


def families(events: Sequence[LegEvent]) -> list[list[LegEvent]]:
    """Split sorted events into families, each in order, the families by their first event."""
    index = Families()
    different: dict[tuple[str | bool, ...], LegEvent] = {}  # most rows tie what another row has tied already
    for event in events:
        others = (event.transferee, event.second, event.transfer_target, event.second_bridge)
        different[event.leg, event.family, event.bridge, event.holding, *others] = event
    for event in different.values():
        index.add(event)
    homes = {leg: index.find("l:" + leg) or "" for leg in {event.leg for event in events}}
    split: dict[str, list[LegEvent]] = {}
    for event in events:
        split.setdefault(homes[event.leg], []).append(event)
    return list(split.values())


@dataclass(slots=True, kw_only=True)
class Leg:
    """One leg as its events tell it so far; positions count events within the family."""

    id: str
    channel: str
    party: Party
    started_at: datetime
    start: int
    """Position of its first event."""
    root: str
    """Linked id at its start: the id of the leg for which it was made, its own if it came by itself."""
    begun: bool = False
    """Whether its STARTED was seen."""
    first_exten: str = ""
    extens: list[str] = field(default_factory=list)
    numbers: list[str] = field(default_factory=list)
    name: str = ""
    dnid: str = ""
    families: list[str] = field(default_factory=list)
    apps: set[str] = field(default_factory=set)
    """Applications it was seen in."""
    dials: list[tuple[int, str]] = field(default_factory=list)
    """Position and arguments of each Dial it was first seen in."""
    answered_at: datetime | None = None
    answered: int | None = None
    answer_app: str = ""
    ended_at: datetime | None = None
    end: int | None = None
    cause: int | None = None
    source: str = ""
    dial_status: str = ""
    lost: bool = False

    @property
    def originated(self) -> bool:
        """Made by an order to the PBX (Originate), by nobody's dialling."""
        if self.root != self.id:
            return False
        unasked = self.party.kind is PartyKind.MANAGER and self.first_exten in ("", "s") and self.begun
        return unasked or _ORIGINATED_APP in self.apps or self.party.kind is PartyKind.LOCAL

    @property
    def arrived(self) -> bool:
        """Came to the PBX by itself: a caller on a trunk, a manager who dials."""
        return self.root == self.id and not self.originated and self.party.kind is not PartyKind.LOCAL

    @property
    def ended(self) -> bool:
        """No more talk can come of it."""
        return self.ended_at is not None

    def alive(self, position: int) -> bool:
        """Whether it had begun and not ended at that position."""
        return self.start <= position and (self.end is None or position < self.end)


def _note(leg: Leg, event: LegEvent, position: int) -> None:
    if event.family and event.family not in leg.families:
        leg.families.append(event.family)
    if event.exten and event.exten not in leg.extens:
        leg.extens.append(event.exten)
    if event.number and event.number not in leg.numbers:
        leg.numbers.append(event.number)
    leg.name = leg.name or event.name
    leg.dnid = leg.dnid or event.dnid
    if event.app:
        leg.apps.add(event.app)
        if event.app == "Dial":
            _note_dial(leg, event, position)
    if event.kind is LegEventKind.ANSWERED and leg.answered_at is None:
        leg.answered_at, leg.answered, leg.answer_app = event.at, position, event.app
    elif event.kind in _ENDS:
        _note_end(leg, event, position)


def _note_dial(leg: Leg, event: LegEvent, position: int) -> None:
    """A Dial begins with its own row, or, after a transfer and where rows of applications are off, with any other."""
    if event.kind is LegEventKind.STOPPED:
        return
    if event.kind is LegEventKind.RAN or not leg.dials or leg.dials[-1][1] != event.app_data:
        leg.dials.append((position, event.app_data))


def _note_end(leg: Leg, event: LegEvent, position: int) -> None:
    if leg.ended_at is None:
        leg.ended_at, leg.end = event.at, position
    if event.kind is LegEventKind.HUNG_UP:
        leg.cause, leg.source, leg.dial_status = event.cause, event.source, event.dial_status
    leg.lost = leg.lost or event.kind is LegEventKind.LOST


def gather(events: Sequence[LegEvent], directory: Directory) -> dict[str, Leg]:
    """What each leg of a family was, in the order in which they began.

    Args:
        events: of one family, in order.
        directory: whose the endpoints are.
    """
    legs: dict[str, Leg] = {}
    for position, event in enumerate(events):
        if event.kind is LegEventKind.REFUSED and event.leg not in legs:
            continue
        leg = legs.get(event.leg)
        if leg is None:
            leg = legs[event.leg] = Leg(
                id=event.leg,
                channel=event.channel,
                party=directory.party(event.channel, event.at),
                started_at=event.at,
                start=position,
                root=event.family or event.leg,
                first_exten=event.exten,
                begun=event.kind is LegEventKind.STARTED,
            )
        _note(leg, event, position)
    return legs
