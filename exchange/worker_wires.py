"""Who is heard by whom within a worker: the rule, without any sound.

A worker has one conference bridge. Legs, players and recorders are its ports, and a wire leads from one port to
another. What is ordered (joined, on hold, recorded, spied upon) is kept here; `wires` gives the set of wires that must
be there, and `exchange.worker_sound` makes the bridge have exactly these. So no order has to know what came before it.

Rules that are not plain: a leg on hold, by order or by its own phone, is joined with nobody, whatever was ordered, and
its recording gets silence; a recording holds what the two sides said to each other, so neither music nor a supervisor.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import permutations

from exchange.wire import SpyMode


class Port(StrEnum):
    """What a port of the conference bridge belongs to."""

    LEG = "leg"
    PLAYER = "player"
    RECEIVED = "received"  # recorder of what a leg says
    SENT = "sent"  # recorder of what it hears
    IDLE = "idle"  # gives silence, so that a recorder's time line goes on


Place = tuple[Port, str]
"""A port, and the leg it serves; empty for the one idle port."""
Wire = tuple[Place, Place]
IDLE: Place = (Port.IDLE, "")


@dataclass(slots=True, kw_only=True)
class LegSound:
    """What is known of one leg's sound.

    Attributes:
        runs: it has a port now.
        held: on hold by order.
        far_held: on hold by its own phone.
        plays: something is played to it.
        records: it is recorded.
        paused: its recording gets silence.
        spies: the leg that it listens at, and how; None: it does not.
    """

    runs: bool = False
    held: bool = False
    far_held: bool = False
    plays: bool = False
    records: bool = False
    paused: bool = False
    spies: tuple[str, SpyMode] | None = None

    @property
    def open(self) -> bool:
        """It can talk with those it is joined with."""
        return self.runs and not self.held and not self.far_held


@dataclass(slots=True)
class Wiring:
    """All legs of a worker and who is joined with whom."""

    legs: dict[str, LegSound] = field(default_factory=dict)
    joined: set[frozenset[str]] = field(default_factory=set)

    def forget(self, leg: str) -> None:
        """A leg is over: nothing remembers it."""
        self.legs.pop(leg, None)
        self.joined = {pair for pair in self.joined if leg not in pair}
        for other in self.legs.values():
            if other.spies is not None and other.spies[0] == leg:
                other.spies = None

    def wires(self) -> frozenset[Wire]:
        """All wires that must be there."""
        wires: set[Wire] = set()
        for name, leg in self.legs.items():
            wires.update(((Port.LEG, partner), (Port.LEG, name)) for partner in self.partners(name))
            if leg.plays and leg.runs:
                wires.add(((Port.PLAYER, name), (Port.LEG, name)))
            if leg.records:
                wires.update(self._of_recording(name, leg))
            if leg.spies is not None and leg.runs:
                wires.update(self._of_spy(name, *leg.spies))
        return frozenset(wires)

    def partners(self, name: str) -> list[str]:
        """Whom a leg talks with now."""
        if name not in self.legs or not self.legs[name].open:
            return []
        return [
            other
            for pair in self.joined
            for one, other in permutations(sorted(pair))
            if one == name and other in self.legs and self.legs[other].open
        ]

    def _of_spy(self, spy: str, at: str, mode: SpyMode) -> Iterator[Wire]:
        if at not in self.legs or not self.legs[at].runs:
            return
        talking = [at, *self.partners(at)]
        yield from (((Port.LEG, name), (Port.LEG, spy)) for name in talking if name != spy)
        reached = {SpyMode.LISTEN: [], SpyMode.WHISPER: [at], SpyMode.BARGE: talking}[mode]
        yield from (((Port.LEG, spy), (Port.LEG, name)) for name in reached if name != spy)

    def _of_recording(self, name: str, leg: LegSound) -> Iterator[Wire]:
        for recorder in (Port.RECEIVED, Port.SENT):
            yield IDLE, (recorder, name)
        partners = [] if leg.paused else self.partners(name)
        if partners:
            yield (Port.LEG, name), (Port.RECEIVED, name)
        yield from (((Port.LEG, partner), (Port.SENT, name)) for partner in partners)
