"""Who stood with whom: from joining and leaving of bridges to intervals of talk.

Two legs stand together while they are in one bridge, or in bridges joined by the two halves of a Local channel.
A holding bridge (car park, waiting room) joins nobody: that time is hold. Where we ordered a hold, the two stand
together all the same, as with a hold by the phone's own key; while the manager consults somebody they do not.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.domain.directory import PartyKind
from gateway.domain.family import Leg
from gateway.domain.legs import LegEvent, LegEventKind, OurMove, base_channel

_ALONE: frozenset[str] = frozenset()
_FORMER = "former "
_ORDERED = frozenset({OurMove.HELD, OurMove.WAITS})
_LEAVES = frozenset({LegEventKind.HUNG_UP, LegEventKind.ENDED, LegEventKind.LOST})


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """An interval in which two legs could hear each other."""

    pair: frozenset[str]
    start: int
    """Position of the event that joined them."""
    end: int
    """Position of the event that parted them; the family's last position + 1 while they still stand."""
    since: datetime
    until: datetime

    def partner(self, leg: str) -> str:
        """The other leg of the pair."""
        return next(iter(self.pair - {leg}))


class Stands(list[Stand]):
    """The intervals of a family in the order of their start, also by leg: a conference has very many."""

    def __init__(self, stands: Iterable[Stand] = ()) -> None:
        super().__init__(sorted(stands, key=lambda s: (s.start, sorted(s.pair))))
        self._of: dict[str, list[Stand]] = {}
        for stand in self:
            for leg in stand.pair:
                self._of.setdefault(leg, []).append(stand)

    def of(self, leg: str) -> Sequence[Stand]:
        """Those of one leg."""
        return self._of.get(leg, ())

    def of_one(self, legs: Collection[str]) -> Sequence[Stand]:
        """Those between one of the legs and somebody else."""
        if len(legs) == 1:
            return self.of(next(iter(legs)))
        return [s for s in self if len(s.pair.intersection(legs)) == 1]


class Sweep:
    """One pass over a family's events; afterwards `stands` and `waits` are complete."""

    def __init__(self, legs: Mapping[str, Leg]) -> None:
        self._legs = legs
        self._bridge: dict[str, str] = {}
        self._open: dict[frozenset[str], tuple[int, datetime]] = {}
        self._together: dict[str, frozenset[str]] = {}
        self._parked: dict[str, datetime] = {}
        self._ordered = False
        """Whether the family has a hold that we ordered."""
        self._former: dict[str, str] = {}
        """The company in which a leg stood last, as the name of a bridge that goes on in an ordered hold."""
        self._closed: list[Stand] = []
        self.stands = Stands()
        self.waits: dict[str, list[tuple[datetime, datetime]]] = {}
        """Intervals in holding bridges by leg."""
        self.waiting: dict[str, datetime] = {}
        """Legs that are in a holding bridge after the last event, with the moment since when."""

    def run(self, events: Sequence[LegEvent]) -> None:
        """Feed all events of the family, in order."""
        self._ordered = any(e.ours is OurMove.HELD for e in events)
        for position, event in enumerate(events):
            if self._moved(event):
                self._compare(position, event.at)
        last = events[-1].at
        self.waiting = dict(self._parked)
        for leg in list(self._parked):
            self._unpark(leg, last)
        for pair in list(self._open):
            self._close(pair, len(events), last)
        self.stands = Stands(self._closed)

    def _moved(self, event: LegEvent) -> bool:
        """Apply one event to who is in which bridge; True where that changed something."""
        if event.kind is LegEventKind.JOINED:
            if event.holding:
                self._parked.setdefault(event.leg, event.at)
                before = self._bridge.pop(event.leg, None)
                if event.ours in _ORDERED and event.leg in self._former:
                    self._bridge[event.leg] = self._former[event.leg]
                return self._bridge.get(event.leg) != before
            self._unpark(event.leg, event.at)
            self._bridge[event.leg] = event.bridge
            return True
        if event.kind is LegEventKind.LEFT:
            if event.holding:
                self._unpark(event.leg, event.at)
                kept = self._ordered and self._bridge.get(event.leg, "").startswith(_FORMER)
                return kept and self._bridge.pop(event.leg, None) is not None
            if self._bridge.get(event.leg) != event.bridge:
                return False
            if self._ordered:
                self._remember(event.leg)
            del self._bridge[event.leg]
            return True
        if event.kind in _LEAVES:
            self._unpark(event.leg, event.at)
            return self._bridge.pop(event.leg, None) is not None
        return False

    def _remember(self, leg: str) -> None:
        """Keep in whose company a leg stands that is about to leave, for all of it."""
        company = self._together.get(leg, _ALONE)
        if len(company) > 1:
            self._former |= dict.fromkeys(company, _FORMER + " ".join(sorted(company)))

    def _unpark(self, leg: str, at: datetime) -> None:
        since = self._parked.pop(leg, None)
        if since is not None:
            self.waits.setdefault(leg, []).append((since, max(since, at)))

    def _compare(self, position: int, at: datetime) -> None:
        """Close the stands of pairs that were parted and open those of pairs that came together.

        A conference may have many legs, and nearly all of its pairs stay: only what differs is looked at.
        """
        now = self._grouped()
        differing: dict[tuple[int, int], tuple[frozenset[str], frozenset[str]]] = {}
        for leg in self._together.keys() | now.keys():
            before, after = self._together.get(leg, _ALONE), now.get(leg, _ALONE)
            if before is after:
                continue
            key = (id(before), id(after))
            if key not in differing:
                differing[key] = (before - after, after - before)
            parted, joined = differing[key]
            for other in parted:
                pair = frozenset((leg, other))
                if pair in self._open:
                    self._close(pair, position, at)
            for other in joined:
                if other != leg:
                    self._open.setdefault(frozenset((leg, other)), (position, at))
        self._together = now

    def _grouped(self) -> dict[str, frozenset[str]]:
        """Each leg's company, itself included; one that did not change is the very object of before."""
        found: dict[str, frozenset[str]] = {}
        for group in self._groups():
            if len(group) > 1:
                company = frozenset(group)
                before = self._together.get(group[0], _ALONE)
                found |= dict.fromkeys(group, before if before == company else company)
        return found

    def _close(self, pair: frozenset[str], position: int, at: datetime) -> None:
        start, since = self._open.pop(pair)
        self._closed.append(Stand(pair=pair, start=start, end=position, since=since, until=max(since, at)))

    def _groups(self) -> Iterable[list[str]]:
        """Legs of people that hear each other: bridges, joined where a Local pair stands in two of them."""
        joined: dict[str, str] = {}

        def top(key: str) -> str:
            while (up := joined.setdefault(key, key)) != key:
                key = up
            return key

        people: list[tuple[str, str]] = []
        for leg, bridge in self._bridge.items():
            if self._legs[leg].party.kind is PartyKind.LOCAL:
                joined[top("b:" + bridge)] = top("c:" + base_channel(self._legs[leg].channel))
            else:
                people.append((leg, "b:" + bridge))
        groups: dict[str, list[str]] = {}
        for leg, key in people:
            groups.setdefault(top(key), []).append(leg)
        return groups.values()


def total(intervals: Iterable[tuple[datetime, datetime]]) -> timedelta:
    """Length of the union of intervals; moments covered twice count once, negative ones not at all."""
    length = timedelta()
    reached: datetime | None = None
    for since, until in sorted(intervals):
        begin = since if reached is None else max(since, reached)
        if until > begin:
            length += until - begin
        reached = until if reached is None else max(reached, until)
    return length


def clipped(
    intervals: Iterable[tuple[datetime, datetime]], frame: Iterable[tuple[datetime, datetime]]
) -> list[tuple[datetime, datetime]]:
    """The parts of the intervals that lie within the frame."""
    frames = list(frame)
    return [(max(a, c), min(b, d)) for a, b in intervals for c, d in frames if min(b, d) > max(a, c)]
