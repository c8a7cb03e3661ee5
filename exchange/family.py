"""One family of legs as the exchange carries it: its legs, who stands with whom, and the rows that tell it.

How it fits: the ground of the brain. `exchange.hunting` rings phones and lines on it, `exchange.call_orders` carries
out orders, `exchange.brain` brings events in. Whatever is done here leaves two traces: a command to the worker and a
row of the journal, in the vocabulary of `gateway.domain.legs`, with the causes and sources that a PBX would write.
Nothing here waits, and the only clock is the `now` of whoever calls.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from exchange import wire
from exchange.causes import NORMAL
from exchange.switchboard import AskDial, AskRoute, Party, Switchboard, Untaken
from gateway.domain.legs import LegEvent, LegEventKind, OurMove

Out = wire.Command | LegEvent | AskRoute | AskDial | Untaken
"""What the brain gives out, in order: a command to the worker, a row, a question, a notice."""

_TICK = timedelta(microseconds=1)
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_PLAIN = dict.fromkeys((*range(32), *range(127, 160), 0x2028, 0x2029), " ")
_NAME_LIMIT, _NUMBER_LIMIT = 80, 40


class State(StrEnum):
    """How far a leg is."""

    DIALLED = "dialled"
    RINGING = "ringing"
    UP = "up"
    OVER = "over"


@dataclass(slots=True, kw_only=True)
class Channel:
    """One leg."""

    id: str
    channel: str
    """As the journal names it: `SIP/101-0000001f`."""
    party: Party
    name: str
    """Endpoint or trunk."""
    family: str
    """Id of the leg for which it was made; its own if it came by itself."""
    arrived: bool
    """Whether it came to us; we dialled it else."""
    state: State = State.DIALLED
    number: str = ""
    """Who calls, or whom we dialled."""
    display: str = ""
    dialled: str = ""
    """What an arrived leg asked for."""
    bridge: str = ""
    """The bridge it talks in."""
    waiting_room: str = ""
    """The holding bridge in which a client waits for a consultation to end."""
    held: bool = False
    """Whether its partner was put on hold for it (a manager's leg)."""
    cause: int | None = None
    """Chosen by us, before its end."""
    source: str = ""
    """Channel that ended it, where another one did."""
    status: str = ""
    """Result of the last dialling on its behalf."""
    leaving: bool = False
    """Whether it was told to end."""
    recorded: bool = False
    hears: bool = False
    """Whether a sound of ours is played to it."""
    spies_at: str = ""
    """The manager's leg beside which a supervisor stands."""

    @property
    def up(self) -> bool:
        """Whether somebody is there."""
        return self.state is State.UP and not self.leaving

    @property
    def open(self) -> bool:
        """Whether it still is."""
        return self.state is not State.OVER


@dataclass(slots=True, eq=False)
class Family:
    """The legs of one worker that have to do with each other."""

    board: Switchboard
    legs: dict[str, Channel] = field(default_factory=dict)
    record: bool = False
    """Whether the client's leg is recorded from the first talk on."""
    _out: list[Out] = field(default_factory=list)
    _now: datetime = _LONG_AGO
    _wrote: datetime = _LONG_AGO

    @property
    def over(self) -> bool:
        """Whether every leg has ended."""
        return not any(leg.open for leg in self.legs.values())

    def open_legs(self) -> list[Channel]:
        """Legs that have not ended, in the order of their beginning."""
        return [leg for leg in self.legs.values() if leg.open]

    def found(self, id: str) -> Channel | None:
        """An open leg by its id."""
        leg = self.legs.get(id)
        return leg if leg is not None and leg.open else None

    def partners(self, leg: Channel) -> list[Channel]:
        """Who stands in one bridge with it."""
        if not leg.bridge:
            return []
        return [o for o in self.legs.values() if o.bridge == leg.bridge and o is not leg]

    def together(self, one: Channel, other: Channel) -> bool:
        """Whether they stand in one bridge."""
        return bool(one.bridge) and one.bridge == other.bridge

    # traces

    def _at(self, now: datetime) -> None:
        self._now = now

    def _given(self) -> list[Out]:
        given, self._out = self._out, []
        return given

    def _tell(self, command: wire.Command) -> None:
        self._out.append(command)

    def _row(self, leg: Channel, kind: LegEventKind, **more: Any) -> None:
        """Write a row; rows of one family never bear the same moment, so they stay in the order of what happened."""
        self._wrote = max(self._now, self._wrote + _TICK)
        event = LegEvent(at=self._wrote, kind=kind, leg=leg.id, family=leg.family, channel=leg.channel)
        self._out.append(replace(event, **more))

    def _note_start(self, leg: Channel, exten: str = "") -> None:
        self.legs[leg.id] = leg
        number, name = cleaned(leg.number, _NUMBER_LIMIT), cleaned(leg.display, _NAME_LIMIT)
        dnid = exten if leg.party is Party.TRUNK and leg.arrived else ""
        self._row(leg, LegEventKind.STARTED, number=number, name=name, exten=exten, dnid=dnid)

    def _note_answer(self, leg: Channel) -> None:
        if leg.state is not State.UP:
            leg.state = State.UP
            self._row(leg, LegEventKind.ANSWERED, app="Dial" if leg.arrived else "AppDial")

    def _bring_together(self, *legs: Channel) -> None:
        bridge = self.board.new_id()
        for leg in legs:
            leg.bridge = bridge
            self._row(leg, LegEventKind.JOINED, bridge=bridge)
        self._tell(wire.Join(legs=(legs[0].id, legs[1].id)))
        self._record_client(legs)

    def _record_client(self, legs: Iterable[Channel]) -> None:
        client = next((leg for leg in legs if leg.party is Party.TRUNK), None)
        if self.record and client is not None and not any(leg.recorded for leg in self.open_legs()):
            client.recorded = True
            stem = self.board.recordings / client.id
            self._tell(wire.Record(leg=client.id, rx=f"{stem}-rx.wav", tx=f"{stem}-tx.wav"))

    def _leave_bridge(self, leg: Channel) -> None:
        """Part a leg from whoever stands with it; a bridge of one is none."""
        for partner in self.partners(leg):
            if leg.open and partner.open:
                self._tell(wire.Part(legs=(leg.id, partner.id)))
            self._unhold(leg, partner)
            self._row(partner, LegEventKind.LEFT, bridge=partner.bridge)
            partner.bridge = ""
        if leg.bridge:
            self._row(leg, LegEventKind.LEFT, bridge=leg.bridge)
            leg.bridge = ""

    def _unhold(self, *legs: Channel) -> None:
        """Forget who held whom among legs that part."""
        for leg in legs:
            if leg.held:
                leg.held = False
                self._row(leg, LegEventKind.RESUMED)

    def _wait_aside(self, client: Channel) -> None:
        """Let the client wait in a room of his own, with music, while his manager asks somebody."""
        client.waiting_room = self.board.new_id()
        self._row(
            client, LegEventKind.JOINED, bridge=client.waiting_room, holding=True, ours=OurMove.HELD, exten="music"
        )
        self._tell(wire.Hold(leg=client.id))

    def _come_back(self, client: Channel, **more: Any) -> None:
        if client.waiting_room:
            self._row(client, LegEventKind.LEFT, bridge=client.waiting_room, holding=True, **more)
            client.waiting_room = ""
            self._tell(wire.Unhold(leg=client.id))

    def _end(self, leg: Channel, *, cause: int = NORMAL, source: str = "", code: int = 0) -> None:
        """Have a leg ended; its rows follow when the worker says that it is."""
        if not leg.open or leg.leaving:
            return
        leg.leaving = True
        leg.cause = cause
        leg.source = leg.source or source
        if leg.arrived and leg.state is not State.UP:
            self._tell(wire.Refuse(leg=leg.id, code=code or 480))
        else:
            self._tell(wire.HangUp(leg=leg.id, code=code))

    def _note_end(self, leg: Channel, cause: int) -> None:
        source = leg.source or ("" if leg.leaving else leg.channel)
        leg.state, leg.leaving = State.OVER, True
        self._row(leg, LegEventKind.HUNG_UP, cause=cause, source=source, dial_status=leg.status)
        self._row(leg, LegEventKind.ENDED)


def cleaned(text: str, limit: int) -> str:
    """A caller's text on one line, cut to a length; what no database keeps becomes a space."""
    return text.translate(_PLAIN)[:limit].encode("utf-8", "replace").decode()


def clients(legs: Iterable[Channel]) -> Iterator[Channel]:
    """Legs of the outside among some."""
    return (leg for leg in legs if leg.party is Party.TRUNK)
