"""Orders to a call that goes on (hold, transfer, consultation, recording, supervisors), and the phone's own keys.

An order names legs by their ids and gets a `Verdict` at once: carried out, or a plain word why not, the words of
docs/call-control.md. The rows are those of a PBX: a hold is HELD and RESUMED on the manager's leg, a blind transfer
BLIND_TRANSFERRED, a consultation puts the client into a waiting room of his own (`OurMove`), so that the fold makes
of it what it makes of the same order at Asterisk.
"""

from abc import ABC
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from exchange import wire
from exchange.causes import NORMAL
from exchange.family import Channel, Out
from exchange.hunting import Hunt, Hunting, Purpose
from exchange.switchboard import DONE, AskDial, DialAnswer, Party, Target, Verdict
from gateway.domain.legs import LegEventKind, OurMove

_GONE = Verdict(reason="leg_gone")
_CLIENT_SECONDS = 120.0
"""So long a line may ring for a client of an order, or of a transfer."""


def not_possible(why: str) -> Verdict:
    """An order that does not fit what goes on."""
    return Verdict(reason="not_possible", detail=why)


@dataclass(slots=True, kw_only=True)
class Consultation:
    """A manager who asks somebody while his client waits."""

    client: str
    aim: str
    target: str = ""
    """Who answered; empty: it rings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A click-to-call, as long as its client was not dialled."""

    number: str
    client_caller_id: str


@dataclass(slots=True, eq=False)
class CallOrders(Hunting, ABC):
    """A family that can be told what to do."""

    consultations: dict[str, Consultation] = field(default_factory=dict)
    """By the manager's leg."""
    orders: dict[str, Order] = field(default_factory=dict)
    _transfers_asked: dict[str, str] = field(default_factory=dict)
    """By the leg of a phone that wants to transfer outside: where to."""

    # click-to-call and supervisors

    def originate(
        self,
        *,
        order_id: str,
        endpoint: str,
        number: str,
        shown: str,
        display: str,
        client_caller_id: str,
        ring_seconds: float | None,
        now: datetime,
    ) -> list[Out]:
        """Ring a manager's phone; when it is taken, the client is dialled."""
        self._at(now)
        self.orders[order_id] = Order(number=number, client_caller_id=client_caller_id)
        hunt = self._new_hunt(Purpose.ORDER, order_id)
        hunt.leg_id, hunt.number, hunt.display, hunt.aim = order_id, shown, display, number
        self._hunt(hunt, self.board.phones(endpoint)[:1], ring_seconds or self.board.ring_seconds)
        return self._given()

    def _call_client(self, manager: Channel) -> None:
        """The manager of a click-to-call took his phone: dial the client."""
        self._tell(wire.LimitSource(leg=manager.id))
        order = self.orders.pop(manager.id)
        self.record = self.board.records
        hunt = self._new_hunt(Purpose.CALL, manager.id)
        hunt.aim = order.number
        endpoint = self.board.endpoint_of(order.number)
        if endpoint is not None:
            hunt.number = manager.name
            return self._hunt(hunt, self.board.phones(endpoint), self.board.ring_seconds)
        lines = self.board.lines(order.number, caller_id=order.client_caller_id)
        self._hunt(hunt, lines, _CLIENT_SECONDS)

    def spy(
        self, *, order_id: str, endpoint: str, leg: str, mode: wire.SpyMode, now: datetime
    ) -> tuple[Verdict, list[Out]]:
        """Ring a supervisor's phone, to let him hear a manager's leg."""
        self._at(now)
        manager = self.found(leg)
        if manager is None:
            return _GONE, []
        if not manager.bridge:
            return not_possible("the manager talks with nobody"), []
        if self._room() < 1:
            return not_possible("the worker of this call has no line left for a supervisor"), []
        hunt = self._new_hunt(Purpose.SPY, order_id)
        hunt.leg_id, hunt.at, hunt.mode, hunt.display, hunt.number = order_id, leg, mode, mode.value, "0"
        self._hunt(hunt, self.board.phones(endpoint)[:1], self.board.ring_seconds)
        return DONE, self._given()

    def _begin_to_spy(self, hunt: Hunt, supervisor: Channel) -> None:
        manager = self.found(hunt.at)
        if manager is None or not manager.bridge:
            return self._end(supervisor)
        supervisor.spies_at = manager.id
        self._tell(wire.LimitSource(leg=supervisor.id))
        self._tell(wire.Spy(leg=supervisor.id, at=manager.id, mode=hunt.mode))

    # hang-up, digits, recording

    def hang_up(self, id: str, now: datetime) -> tuple[Verdict, list[Out]]:
        """End a leg."""
        self._at(now)
        leg = self.found(id)
        if leg is None:
            return _GONE, []
        self._end(leg, cause=NORMAL, source="dialplan/builtin")
        hunt = self._hunt_of(leg)
        if hunt is not None and hunt.purpose is not Purpose.INBOUND:
            hunt.waiting.clear()
        return DONE, self._given()

    def digits(self, id: str, digits: str, now: datetime) -> tuple[Verdict, list[Out]]:
        """Send DTMF to a leg's far end."""
        self._at(now)
        leg = self.found(id)
        if leg is None:
            return _GONE, []
        if not leg.up:
            return not_possible("nobody has answered there"), []
        self._tell(wire.Digits(leg=id, digits=digits))
        return DONE, self._given()

    def pause(self, id: str, *, paused: bool, now: datetime) -> tuple[Verdict, list[Out]]:
        """Write silence into the recording of a client's leg, or sound again."""
        self._at(now)
        leg = self.found(id)
        if leg is None:
            return _GONE, []
        if not leg.recorded:
            return not_possible("this call is not recorded"), []
        self._tell(wire.Pause(leg=id, paused=paused))
        return DONE, self._given()

    # hold

    def hold(self, client: str, manager: str, now: datetime) -> tuple[Verdict, list[Out]]:
        """Let the client hear music until `resume`."""
        self._at(now)
        his, mine, fault = self._pair(client, manager)
        if his is None or mine is None:
            return fault, []
        if not self.together(his, mine):
            return not_possible("they do not talk with each other"), []
        if mine.held:
            return not_possible("the client is held already"), []
        self._hold(mine, his)
        return DONE, self._given()

    def resume(self, client: str, manager: str, now: datetime) -> tuple[Verdict, list[Out]]:
        """Bring client and manager together again."""
        self._at(now)
        his, mine, fault = self._pair(client, manager)
        if his is None or mine is None:
            return fault, []
        if not (self.together(his, mine) and mine.held):
            return not_possible("the client is not held by an order"), []
        self._resume(mine, his)
        return DONE, self._given()

    def _hold(self, holder: Channel, partner: Channel) -> None:
        holder.held = True
        self._row(holder, LegEventKind.HELD)
        self._tell(wire.Part(legs=(holder.id, partner.id)))
        self._tell(wire.Hold(leg=partner.id))

    def _resume(self, holder: Channel, partner: Channel) -> None:
        holder.held = False
        self._row(holder, LegEventKind.RESUMED)
        self._tell(wire.Unhold(leg=partner.id))
        self._tell(wire.Join(legs=(holder.id, partner.id)))

    def _far_hold(self, leg: Channel) -> None:
        """A phone's own key; a provider's hold is its own music."""
        partners = self.partners(leg)
        if leg.party is Party.PHONE and partners and not leg.held:
            self._hold(leg, partners[0])

    def _far_resume(self, leg: Channel) -> None:
        partners = self.partners(leg)
        if leg.party is Party.PHONE and partners and leg.held:
            self._resume(leg, partners[0])

    def _pair(self, client: str, manager: str) -> tuple[Channel | None, Channel | None, Verdict]:
        his, mine = self.found(client), self.found(manager)
        return (his, mine, DONE) if his and mine else (None, None, _GONE)

    # transfer

    def transfer(self, client: str, manager: str, target: str, now: datetime) -> tuple[Verdict, list[Out]]:
        """Send the client to an extension or number; the manager's leg ends."""
        self._at(now)
        his, mine, fault = self._pair(client, manager)
        if his is None or mine is None:
            return fault, []
        if not self.together(his, mine):
            return not_possible("they do not talk with each other"), []
        if not self._reachable(target):
            return Verdict(reason="no_such_number"), []
        self._send_on(his, mine, target)
        return DONE, self._given()

    def _send_on(self, client: Channel, manager: Channel, target: str) -> None:
        """A blind transfer of a client who talks or is held."""
        held, bridge = manager.held, client.bridge
        self._row(manager, LegEventKind.BLIND_TRANSFERRED, transferee=client.id, target=target, bridge=bridge)
        self._leave_bridge(manager)
        if held:
            self._tell(wire.Unhold(leg=client.id))
        self._end(manager, source=manager.channel)
        self._look_for(client, target)

    def _look_for(self, client: Channel, target: str) -> None:
        """Ring the one to whom a client was sent, while he hears that it rings."""
        hunt = self._new_hunt(Purpose.TRANSFER, client.id)
        hunt.number, hunt.display, hunt.aim = client.number, client.display, target
        self._ring(client)
        self._hunt(hunt, self._targets(target), self._seconds(target))

    def _targets(self, aim: str) -> Sequence[Target]:
        endpoint = self.board.endpoint_of(aim)
        return self.board.phones(endpoint) if endpoint is not None else self.board.lines(aim)

    def _seconds(self, aim: str) -> float:
        return self.board.ring_seconds if self.board.endpoint_of(aim) is not None else _CLIENT_SECONDS

    def _reachable(self, aim: str) -> bool:
        """Whether the house knows such an extension, or a line might."""
        return self.board.endpoint_of(aim) is not None or is_outside(aim)

    def _far_transfer(self, leg: Channel, target: str, replaces: str | None) -> None:
        """The phone's own transfer key (RFC 3515): blind, or to the one it consulted by a second line."""
        partners = self.partners(leg)
        if leg.party is not Party.PHONE or not partners:
            self._tell(wire.Refuse(leg=leg.id, code=403))
        elif replaces is not None:
            self._far_attended(leg, partners[0], replaces)
        elif self.board.endpoint_of(target) is not None:
            self._tell(wire.Answer(leg=leg.id))
            self._send_on(partners[0], leg, target)
        elif not is_outside(target):
            self._tell(wire.Refuse(leg=leg.id, code=404))
        else:
            self._transfers_asked[leg.id] = target
            self._out.append(AskDial(leg=leg.id, endpoint=leg.name, number=target, transfer=True))

    def _transfer_permitted(self, leg: Channel, answer: DialAnswer) -> None:
        target, partners = self._transfers_asked.pop(leg.id), self.partners(leg)
        if not (answer.allowed and partners):
            self._tell(wire.Refuse(leg=leg.id, code=403))
        else:
            self._tell(wire.Answer(leg=leg.id))
            self._send_on(partners[0], leg, answer.number or target)

    def _far_attended(self, leg: Channel, client: Channel, replaces: str) -> None:
        """Both of the phone's lines end, and those behind them are joined."""
        second = self.found(replaces)
        others = self.partners(second) if second is not None else []
        if second is None or second.name != leg.name or not others:
            return self._tell(wire.Refuse(leg=leg.id, code=481))  # its second line is at another worker, or is no talk
        other = others[0]
        self._tell(wire.Answer(leg=leg.id))
        self._row(
            leg,
            LegEventKind.ATTENDED_TRANSFERRED,
            bridge=leg.bridge,
            second=second.id,
            second_bridge=second.bridge,
            transferee=client.id,
            transfer_target=other.id,
        )
        held = [one for mine, one in ((leg, client), (second, other)) if mine.held]
        self._leave_bridge(leg)
        self._leave_bridge(second)
        for one in held:
            self._tell(wire.Unhold(leg=one.id))
        self._bring_together(client, other)
        self._end(leg, source=leg.channel)
        self._end(second, source=second.channel)

    # consultation

    def consult(self, client: str, manager: str, target: str, now: datetime) -> tuple[Verdict, list[Out]]:
        """Let the client wait and the manager ask somebody."""
        self._at(now)
        his, mine, fault = self._pair(client, manager)
        if his is None or mine is None:
            return fault, []
        if mine.id in self.consultations:
            return not_possible("a consultation goes on; complete or abandon it first"), []
        if not self.together(his, mine):
            return not_possible("they do not talk with each other"), []
        if not self._reachable(target):
            return Verdict(reason="no_such_number"), []
        if self._room() < 1:
            return not_possible("the worker of this call has no line left for a consultation"), []
        self._begin_consultation(his, mine, target)
        return DONE, self._given()

    def _begin_consultation(self, client: Channel, manager: Channel, target: str) -> None:
        self.consultations[manager.id] = Consultation(client=client.id, aim=target)
        if manager.held:
            self._tell(wire.Unhold(leg=client.id))
        self._leave_bridge(client)
        self._wait_aside(client)
        self._row(manager, LegEventKind.RAN, app="Consult", exten=target, ours=OurMove.CONSULTS)
        hunt = self._new_hunt(Purpose.CONSULT, manager.id)
        hunt.number, hunt.aim = manager.name, target
        self._hunt(hunt, self._targets(target), self._seconds(target))

    def _consulted(self, hunt: Hunt, manager: Channel, leg: Channel) -> None:
        self._bring_together(manager, leg)
        if manager.id in self.consultations:
            self.consultations[manager.id].target = leg.id

    def complete_transfer(self, client: str, manager: str, now: datetime) -> tuple[Verdict, list[Out]]:
        """Join the client and the one who was asked, or who still rings."""
        self._at(now)
        verdict, mine = self._consulting(client, manager)
        if mine is None:
            return verdict, []
        self._complete(mine)
        self._end(mine, source=mine.channel)
        return DONE, self._given()

    def abandon_transfer(self, client: str, manager: str, now: datetime) -> tuple[Verdict, list[Out]]:
        """Bring the manager back to his client."""
        self._at(now)
        verdict, mine = self._consulting(client, manager)
        if mine is None:
            return verdict, []
        target = self.found(self.consultations[mine.id].target)
        hunt = self.hunts.get(mine.id)
        if hunt is not None:
            self._stop(hunt, NORMAL)
        if target is not None:
            self._leave_bridge(target)
            self._end(target, source="dialplan/builtin")
        self._back_to_client(mine)
        return DONE, self._given()

    def _consulting(self, client: str, manager: str) -> tuple[Verdict, Channel | None]:
        his, mine, fault = self._pair(client, manager)
        if his is None or mine is None:
            return fault, None
        asked = self.consultations.get(manager)
        if asked is None or asked.client != client:
            return not_possible("the manager consults nobody while this client waits"), None
        return DONE, mine

    def _complete(self, manager: Channel) -> None:
        """Take the manager out of his consultation."""
        asked = self.consultations.pop(manager.id)
        client, target = self.found(asked.client), self.found(asked.target)
        hunt = self.hunts.get(manager.id)
        if hunt is not None:
            self._stop(hunt, NORMAL)
        if manager.open:
            self._hush(manager)
            self._leave_bridge(manager)
        if client is None or client.leaving:
            if target is not None:
                self._end(target, source=manager.channel)
        elif target is not None and not target.leaving:
            self._leave_bridge(target)
            self._come_back(client)
            self._bring_together(client, target)
        else:
            self._come_back(client, ours=OurMove.TRANSFERRED, exten=asked.aim)
            self._look_for(client, asked.aim)

    def _back_to_client(self, manager: Channel) -> None:
        """The consultation came to nothing, or was abandoned."""
        asked = self.consultations.pop(manager.id, None)
        client = self.found(asked.client) if asked is not None else None
        self._hush(manager)
        if client is None or client.leaving:
            return self._end(manager, source="dialplan/builtin")
        self._come_back(client)
        self._bring_together(client, manager)

    def _consultation_ended(self, leg: Channel, partners: Sequence[Channel]) -> bool:
        """What the end of a leg means for a consultation; False: it had none."""
        if leg.id in self.consultations:  # the manager put the receiver down
            self._complete(leg)
            return True
        for manager, asked in list(self.consultations.items()):
            mine = self.legs[manager]
            if asked.target == leg.id and mine.up:
                self._back_to_client(mine)
                return True
            if asked.client == leg.id:
                del self.consultations[manager]
                if not asked.target and mine.up and manager not in self.hunts:
                    self._end(mine, source=leg.source)
                return True
        return False


def is_outside(number: str) -> bool:
    """Whether a number may be one of the public network: shorter ones are extensions that nobody has."""
    digits = number.removeprefix("+")
    return digits.isascii() and digits.isdigit() and (5 <= len(digits) <= 20 or digits in ("112", "911", "999"))
