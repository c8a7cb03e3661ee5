"""The brain of a call: what its worker tells and what its people order, made into commands and rows. Pure.

One `Brain` carries one family of legs, all at one worker: a client or a phone that arrived, whoever is rung for it,
a colleague who is asked, supervisors beside it. Everything that moves a call of the embedded engine is decided here
and in the three modules it stands on (`family`, `hunting`, `call_orders`); `exchange.service` only carries things to
and fro. Each method takes the moment and gives what is to be done, in order. The rows fold to the right call by
`gateway.domain.calls.fold`; tests/exchange/test_brain.py holds both together.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from exchange import wire
from exchange.call_orders import CallOrders
from exchange.causes import NO_ANSWER, NORMAL, OUT_OF_ORDER, REFUSED, Status, cause_of, code_of
from exchange.family import Channel, Out, State
from exchange.hunting import Hunt, Purpose
from exchange.switchboard import AskDial, AskRoute, DialAnswer, Party, RouteAnswer, Step, Untaken
from gateway.domain.legs import LegEvent, LegEventKind
from gateway.domain.orders import why_unanswered

HEARD = "SUCCESS"
"""What the routing is told of a sound that was played to its end."""
_FOR_A_LEG = frozenset({Purpose.INBOUND, Purpose.CALL, Purpose.TRANSFER})
"""Hunts that end with the leg on whose behalf they are; a consultation rings on for the client."""
_ANSWER_SECONDS = 120.0
"""So long a line may ring for a phone that dialled."""


@dataclass(slots=True, eq=False)
class Brain(CallOrders):
    """One family of legs, from its first event to its last."""

    _questions: dict[str, int] = field(default_factory=dict)
    """How many questions were asked for a client's leg."""
    _waits: dict[str, tuple[datetime, str]] = field(default_factory=dict)
    """Until when a client waits or hears a sound, and what the routing is told then."""
    _asked: dict[str, str] = field(default_factory=dict)
    """Legs whose permission to dial was asked, with the number."""
    _last: set[str] = field(default_factory=set)
    """Clients' legs whose plan has no further question."""

    # what comes in

    def arrive(self, leg: Channel, now: datetime) -> list[Out]:
        """A call came in: a client from a trunk, or a phone that dials."""
        self._at(now)
        leg.state = State.DIALLED
        self._note_start(leg, exten=leg.dialled)
        self._tell(wire.LimitSource(leg=leg.id))
        if leg.party is Party.TRUNK:
            self._ask(leg, "")
        else:
            self._dials(leg)
        return self._given()

    def take(self, event: wire.Event, now: datetime) -> list[Out]:
        """Something happened at the worker."""
        self._at(now)
        match event:
            case wire.Ringing(leg=id):
                self._with(id, lambda leg: self._heard(leg, sound=False))
            case wire.Early(leg=id):
                self._with(id, lambda leg: self._heard(leg, sound=True))
            case wire.Answered(leg=id):
                self._with(id, lambda leg: None if leg.arrived else self._answered(leg))
            case wire.Held(leg=id):
                self._with(id, self._far_hold)
            case wire.Resumed(leg=id):
                self._with(id, self._far_resume)
            case wire.Refer(leg=id, target=target, replaces=replaces):
                self._with(id, lambda leg: self._far_transfer(leg, target, replaces))
            case wire.Ended(leg=id) as ended:
                self._with(id, lambda leg: self._over(leg, ended))
            case _:
                pass
        return self._given()

    def routed(self, id: str, answer: RouteAnswer, now: datetime) -> list[Out]:
        """What the routing wants done with a client's leg."""
        self._at(now)
        leg = self.found(id)
        if leg is not None and not leg.leaving and leg.state is not State.UP:
            self._route(leg, answer)
        return self._given()

    def permitted(self, id: str, answer: DialAnswer, now: datetime) -> list[Out]:
        """Whether a phone may dial what it dialled, or transfer there."""
        self._at(now)
        leg, number = self.found(id), self._asked.pop(id, "")
        if leg is not None and not leg.leaving:
            if id in self._transfers_asked:
                self._transfer_permitted(leg, answer)
            elif answer.allowed:
                self._call_out(leg, number, answer)
            else:
                self._end(leg, cause=REFUSED, code=403, source="dialplan/builtin")
        return self._given()

    def tick(self, now: datetime) -> list[Out]:
        """Time passed; call it at `due` at the latest."""
        self._at(now)
        self._tick_hunts()
        for id, (until, status) in list(self._waits.items()):
            if until <= now:
                del self._waits[id]
                self._with(id, partial(self._after_wait, status=status))
        return self._given()

    def due(self) -> datetime | None:
        """When `tick` is wanted; None: not by itself."""
        moments = [hunt.until for hunt in self.hunts.values() if not all(self.legs[x].leaving for x in hunt.ringing)]
        return min([*moments, *(until for until, _ in self._waits.values())], default=None)

    def lose(self, reason: str, now: datetime) -> list[Out]:
        """The worker died: every leg ends here, with a reason.

        Returns:
            Rows, and notices of orders that came to nothing; commands would reach nobody.
        """
        self._at(now)
        for hunt in list(self.hunts.values()):
            if hunt.purpose in (Purpose.ORDER, Purpose.SPY):
                self._out.append(Untaken(order_id=hunt.caller, reason="failed"))
        self.hunts.clear()
        self._waits.clear()
        for leg in self.open_legs():
            leg.state, leg.leaving = State.OVER, True
            self._row(leg, LegEventKind.LOST, reason=reason)
        return [out for out in self._given() if isinstance(out, LegEvent | Untaken)]

    # inbound

    def _ask(self, leg: Channel, status: str) -> None:
        n = self._questions.get(leg.id, 0)
        self._questions[leg.id] = n + 1
        self._out.append(AskRoute(leg=leg.id, did=leg.dialled, caller=leg.number, n=n, status=status))

    def _route(self, leg: Channel, answer: RouteAnswer) -> None:
        if answer.last:
            self._last.add(leg.id)
        match answer.step:
            case Step.DIAL:
                self.record = self.record or answer.record
                hunt = self._new_hunt(Purpose.INBOUND, leg.id)
                hunt.number, hunt.display = leg.number, leg.display
                targets = [target for endpoint in answer.endpoints for target in self.board.phones(endpoint)]
                self._hunt(hunt, targets, answer.seconds or self.board.ring_seconds)
            case Step.PLAY if answer.sound is not None:
                leg.hears = True
                self._tell(wire.Progress(leg=leg.id))
                self._tell(wire.Play(leg=leg.id, file=str(answer.sound)))
                self._waits[leg.id] = (self._now + timedelta(seconds=answer.seconds), HEARD)
            case Step.PLAY:
                self._ask(leg, "FAILED")
            case Step.WAIT:
                self._ring(leg)
                self._waits[leg.id] = (self._now + timedelta(seconds=answer.seconds), "")
            case Step.HANG_UP:
                self._give_up(leg, Status(leg.status) if leg.status else Status.CHANUNAVAIL)

    def _after_wait(self, leg: Channel, status: str) -> None:
        self._hush(leg)
        if leg.id in self._last:
            self._give_up(leg, Status.NOANSWER)
        else:
            self._ask(leg, status)

    def _give_up(self, leg: Channel, status: Status) -> None:
        """Nobody takes the call: tell the caller so."""
        leg.status = status
        cause = NO_ANSWER if status in (Status.NOANSWER, Status.CHANUNAVAIL) else cause_of(code_of(status))
        self._end(leg, cause=cause, source="dialplan/builtin", code=code_of(status))

    # outbound

    def _dials(self, leg: Channel) -> None:
        endpoint = self.board.endpoint_of(leg.dialled)
        if endpoint is None:
            self._asked[leg.id] = leg.dialled
            self._out.append(AskDial(leg=leg.id, endpoint=leg.name, number=leg.dialled))
            return
        hunt = self._new_hunt(Purpose.CALL, leg.id)
        hunt.number, hunt.display, hunt.aim = leg.number, leg.display, leg.dialled
        self._hunt(hunt, self.board.phones(endpoint), self.board.ring_seconds)

    def _call_out(self, leg: Channel, number: str, answer: DialAnswer) -> None:
        self.record = answer.record
        wanted = answer.number or number
        hunt = self._new_hunt(Purpose.CALL, leg.id)
        hunt.aim = wanted
        self._hunt(hunt, self.board.lines(wanted, caller_id=answer.caller_id, trunks=answer.trunks), _ANSWER_SECONDS)

    # hunts that ended

    def _found(self, hunt: Hunt, leg: Channel) -> None:
        caller = self.found(hunt.caller)
        if hunt.purpose is Purpose.SPY:
            return self._begin_to_spy(hunt, leg)
        if hunt.purpose is Purpose.ORDER:
            return self._call_client(leg)
        if caller is None:
            return self._end(leg)
        self._hush(caller)
        caller.status = Status.ANSWER
        if caller.arrived and caller.state is not State.UP:
            self._tell(wire.Answer(leg=caller.id))
            self._note_answer(caller)
        self._come_back(caller)
        self._tell(wire.LimitSource(leg=leg.id))
        if hunt.purpose is Purpose.CONSULT:
            self._consulted(hunt, caller, leg)
        else:
            self._bring_together(caller, leg)

    def _lost(self, hunt: Hunt) -> None:
        caller = self.found(hunt.caller)
        if hunt.purpose in (Purpose.ORDER, Purpose.SPY):
            return self._untaken(hunt)
        if caller is None or caller.leaving:
            return
        self._hush(caller)
        caller.status = hunt.status
        match hunt.purpose:
            case Purpose.INBOUND if caller.id not in self._last:
                self._ask(caller, hunt.status)
            case Purpose.CONSULT:
                self._back_to_client(caller)
            case Purpose.CALL | Purpose.INBOUND if caller.state is not State.UP:
                self._give_up(caller, hunt.status)
            case _:
                self._end(caller, cause=hunt.cause or NORMAL, source="dialplan/builtin")

    def _untaken(self, hunt: Hunt) -> None:
        reason = "no_phone" if hunt.cause is None else why_unanswered(hunt.cause)
        if hunt.cause is None and hunt.purpose is Purpose.ORDER:  # no leg will tell it
            event = LegEvent(at=self._now, kind=LegEventKind.REFUSED, leg=hunt.caller, family=hunt.caller)
            event.reason = reason
            self._out.append(event)
        self._out.append(Untaken(order_id=hunt.caller, reason=reason))

    # the end of a leg

    def _over(self, leg: Channel, ended: wire.Ended) -> None:
        cause = self._cause(ended, leg)
        if cause == OUT_OF_ORDER:  # nobody hung up: nobody was there
            leg.source = leg.source or "dialplan/builtin"
        self._ended(leg, cause)

    def _ended(self, leg: Channel, cause: int) -> None:
        """A leg is over: whoever stood with it or waited for it goes on, or ends too."""
        partners, room = self.partners(leg), leg.waiting_room
        was_up = leg.state is State.UP
        leg.source = leg.source or ("" if leg.leaving else leg.channel)
        leg.state = State.OVER
        self._leave_bridge(leg)
        if room:
            self._row(leg, LegEventKind.LEFT, bridge=room, holding=True)
        self._waits.pop(leg.id, None)
        if not was_up and leg.arrived and not leg.leaving and not leg.status:
            leg.status = Status.CANCEL
        mine = self.hunts.get(leg.id)
        given_up = mine is not None and mine.purpose in _FOR_A_LEG
        if given_up:
            leg.status = Status.CANCEL
        self._note_end(leg, cause)
        self._leave_spies(leg)
        if mine is not None and given_up:
            self._stop(mine, NORMAL)
        self._missed(leg, cause)
        if was_up and not self._consultation_ended(leg, partners):
            for partner in partners:
                self._end(partner, source=leg.source)
        self._pump()

    def _leave_spies(self, leg: Channel) -> None:
        for other in self.open_legs():
            if other.spies_at == leg.id:
                self._end(other, source=leg.channel)

    def _with(self, id: str, do: Callable[[Channel], None]) -> None:
        leg = self.found(id)
        if leg is not None:
            do(leg)
