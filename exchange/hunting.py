"""Looking for somebody: phones that ring and lines that are tried, on behalf of a leg or of an order.

A `Hunt` has a list of targets. Phones ring together, at most three at once and as many as the worker has room for;
lines are tried one after the other, and the next only where the one before could not ask the number at all. The first
who answers ends the hunt for the others. What a found or lost hunt means is the brain's (`_found`, `_lost`).
"""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from exchange import wire
from exchange.causes import ELSEWHERE, NO_ANSWER, OUT_OF_ORDER, Status, cause_of, next_line, status_of
from exchange.family import Channel, Family, State, cleaned
from exchange.switchboard import MOST_RINGING, Party, Target

_TIMED_OUT = 408
_WORST = (Status.CHANUNAVAIL, Status.CONGESTION, Status.BUSY, Status.NOANSWER)
"""Which of several results counts: that somebody was rung and let it ring counts most."""


class Purpose(StrEnum):
    """Why somebody is looked for."""

    INBOUND = "inbound"  # for a client, as the routing said
    CALL = "call"  # for a phone that dialled, or for the client of an order
    ORDER = "order"  # the first phone of a click-to-call
    TRANSFER = "transfer"  # for a client who was sent on
    CONSULT = "consult"  # for a manager whose client waits
    SPY = "spy"  # a supervisor's phone


@dataclass(slots=True, kw_only=True)
class Hunt:
    """One search for somebody."""

    purpose: Purpose
    caller: str
    """Id of the leg on whose behalf it is; of an order before its first leg: the order's."""
    waiting: deque[Target]
    ringing: dict[str, Target] = field(default_factory=dict)
    until: datetime
    status: Status = Status.CHANUNAVAIL
    cause: int | None = None
    """Of the last leg that ended."""
    number: str = ""
    """Shown to phones."""
    display: str = ""
    aim: str = ""
    """What was dialled: an extension or number."""
    leg_id: str = ""
    """The id of the first leg, where an order gave one."""
    serial: bool = False
    """Whether targets are tried one after the other."""
    at: str = ""
    """The leg beside which a supervisor shall stand."""
    mode: wire.SpyMode = wire.SpyMode.LISTEN


@dataclass(slots=True, eq=False)
class Hunting(Family, ABC):
    """A family in which somebody may be looked for."""

    hunts: dict[str, Hunt] = field(default_factory=dict)
    """By the leg or order on whose behalf they are."""

    def _hunt(self, hunt: Hunt, targets: Iterable[Target], seconds: float) -> None:
        """Begin to look for somebody; a hunt with no targets is lost at once."""
        hunt.waiting = deque(targets)
        hunt.until = self._now + timedelta(seconds=seconds)
        hunt.serial = bool(hunt.waiting) and hunt.waiting[0].party is Party.TRUNK
        self.hunts[hunt.caller] = hunt
        self._go_on(hunt)

    def _new_hunt(self, purpose: Purpose, caller: str) -> Hunt:
        return Hunt(purpose=purpose, caller=caller, waiting=deque(), until=self._now)

    def _go_on(self, hunt: Hunt) -> None:
        """Ring as many as may ring; tell where nobody is left."""
        most = 1 if hunt.serial else MOST_RINGING
        while hunt.waiting and len(hunt.ringing) < most and self._room() > 0:
            self._dial(hunt, hunt.waiting.popleft())
        if not hunt.ringing and not hunt.waiting and self.hunts.get(hunt.caller) is hunt:
            del self.hunts[hunt.caller]
            self._lost(hunt)

    def _room(self) -> int:
        return self.board.room()

    def _dial(self, hunt: Hunt, target: Target) -> None:
        id, hunt.leg_id = hunt.leg_id or self.board.new_id(), ""
        caller = self.legs.get(hunt.caller)
        own = hunt.purpose in (Purpose.ORDER, Purpose.SPY)
        leg = Channel(
            id=id,
            channel=self.board.new_channel(target.name),
            party=target.party,
            name=target.name,
            family=id if own else caller.family if caller else id,
            arrived=False,
            number=target.number,
        )
        hunt.ringing[id] = target
        self._note_start(leg, exten="s" if own else "")
        shown = target.caller_id if target.party is Party.TRUNK else hunt.number
        display = "" if target.party is Party.TRUNK else cleaned(hunt.display, 80)
        self._tell(
            wire.Dial(
                leg=id,
                uri=target.uri,
                from_uri=f"sip:{sip_user(shown)}@{target.domain}",
                display=display,
                auth=target.auth,
            )
        )

    def _hunt_of(self, leg: Channel) -> Hunt | None:
        return next((hunt for hunt in self.hunts.values() if leg.id in hunt.ringing), None)

    def _answered(self, leg: Channel) -> None:
        """A dialled leg answered: the others are let go."""
        hunt = self._hunt_of(leg)
        if hunt is None or leg.leaving:  # too late: it was told to end
            return
        self._note_answer(leg)
        del hunt.ringing[leg.id]
        self._stop(hunt, ELSEWHERE)
        self._found(hunt, leg)

    def _stop(self, hunt: Hunt, cause: int) -> None:
        """End a hunt and whoever rings for it."""
        self.hunts.pop(hunt.caller, None)
        for id in hunt.ringing:
            self._end(self.legs[id], cause=cause)
        hunt.ringing.clear()
        hunt.waiting.clear()

    def _missed(self, leg: Channel, cause: int) -> None:
        """A leg that rang for a hunt has ended."""
        hunt = self._hunt_of(leg)
        if hunt is None:
            return
        del hunt.ringing[leg.id]
        hunt.cause = cause
        hunt.status = max(hunt.status, status_of(cause), key=_WORST.index)
        if hunt.serial and not next_line(cause):
            hunt.waiting.clear()
        self._go_on(hunt)

    def _tick_hunts(self) -> None:
        """Let no phone ring longer than it may."""
        for hunt in list(self.hunts.values()):
            if hunt.until <= self._now:
                hunt.waiting.clear()
                hunt.status = max(hunt.status, Status.NOANSWER, key=_WORST.index)
                for id in hunt.ringing:
                    self._end(self.legs[id], cause=NO_ANSWER)
                if not hunt.ringing:
                    self._go_on(hunt)

    def _pump(self) -> None:
        """Use room that came free."""
        for hunt in list(self.hunts.values()):
            if hunt.waiting:
                self._go_on(hunt)

    def _heard(self, leg: Channel, *, sound: bool) -> None:
        """A dialled phone rings, or its line sends sound: whoever waits for it hears that."""
        if leg.state is State.DIALLED:
            leg.state = State.RINGING
        hunt = self._hunt_of(leg)
        caller = self.found(hunt.caller) if hunt is not None else None
        if hunt is None or caller is None:
            return
        if not sound or hunt.purpose is Purpose.INBOUND:
            self._ring(caller)
        elif len(hunt.ringing) == 1:
            if caller.arrived and caller.state is not State.UP:
                self._tell(wire.Progress(leg=caller.id))
            self._hush(caller)
            self._tell(wire.Join(legs=(caller.id, leg.id)))

    def _ring(self, caller: Channel) -> None:
        """Let a waiting caller hear that it rings."""
        if caller.arrived and caller.state is not State.UP:
            if caller.state is not State.RINGING:
                caller.state = State.RINGING
                self._tell(wire.Ring(leg=caller.id))
        elif self.board.sounds.ringing is not None and not caller.hears:
            caller.hears = True
            self._tell(wire.Play(leg=caller.id, file=str(self.board.sounds.ringing), loop=True))

    def _hush(self, caller: Channel) -> None:
        if caller.hears and caller.open:
            self._tell(wire.StopPlay(leg=caller.id))
        caller.hears = False

    @abstractmethod
    def _found(self, hunt: Hunt, leg: Channel) -> None:
        """Somebody answered."""

    @abstractmethod
    def _lost(self, hunt: Hunt) -> None:
        """Nobody is left who might answer."""

    def _cause(self, ended: wire.Ended, leg: Channel) -> int:
        """The cause of a leg's end: ours where we ended it; a provider that gave no sign at all is out of order."""
        if leg.cause is not None:
            return leg.cause
        silent = ended.code == _TIMED_OUT and ended.by is wire.EndedBy.US
        return OUT_OF_ORDER if silent and leg.party is Party.TRUNK else cause_of(ended.code)


def sip_user(text: str) -> str:
    """A number or name as the user of a SIP address: what does not belong there is left out."""
    kept = "".join(c for c in text if c.isascii() and (c.isalnum() or c in "+*#._-"))[:64]
    return kept or "anonymous"
