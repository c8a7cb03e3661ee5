"""Orders to a call that goes on: hold, digits, transfers, the recording, hanging up, and supervisors beside it.

Each is a row with its own id before it is sent, with the legs it names: the manager's own where somebody may command
only his own calls. What cannot be done is refused with nothing written: the call is over, the one concerned has left,
the PBX lacks the part, another order to the same call has no answer yet. Two orders to one call wait for each other in
the database. Everything but a supervisor's listening is over with the PBX's answer; what came of the call is told by
the journal, like everything else about it.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from gateway.commands.errors import CallOver, EngineLacks, NotInCall, OrderConflict, PbxAway
from gateway.commands.phones import phone_of
from gateway.commands.sending import Act, Sender
from gateway.commands.steps import command_fact, tell
from gateway.commands.targets import Dialled, Target, TransferTargets
from gateway.commands.words import ABILITIES, SPYING, CommandKind
from gateway.domain.call import CallState, Role
from gateway.domain.directory import Directory
from gateway.domain.ports import Engine, OrderOutcome, SpyMode
from gateway.live import Live
from gateway.store.access import write_audit
from gateway.store.call_legs import OpenLeg, RunningCall, is_paused, last_consultation, orders_going_on, running_call
from gateway.store.clients_held import lock_call
from gateway.store.commands import NewOrder, StoredCommand, read_command, store_order
from gateway.store.database import Connection, Pool
from gateway.store.facts import NewFact, save_facts

__all__ = ["CallCommand", "Control", "Target", "WrittenOrder"]

_TARGETED = frozenset({CommandKind.TRANSFER, CommandKind.CONSULT})
_STILL_PAUSED = "The PBX has done it. The recording is still paused; whoever has the call now may resume it."
_SPY_MODES = {
    CommandKind.LISTEN: SpyMode.LISTEN,
    CommandKind.WHISPER: SpyMode.WHISPER,
    CommandKind.BARGE: SpyMode.BARGE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CallCommand:
    """An order to a call."""

    id: str
    """The command's own id; of a supervisor's listening also that of his leg."""
    kind: CommandKind
    call_id: UUID
    actor: str
    """Who orders, like `user:17` or `key:3f2a`."""
    ordered_by: int | None
    """The person who orders; None: a program of nobody."""
    only_own: int | None
    """The user whose legs alone may be commanded; None: everybody's."""
    key_id: str | None = None
    digits: str = ""
    """Never stored: they may be a client's secret."""
    target: Target | None = None
    """Of a transfer or a consultation."""
    source: str = "click"


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenOrder:
    """An order that is written down; once that is committed, `Control.send` sends it."""

    command: StoredCommand
    act: Act
    facts: tuple[NewFact, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Legs:
    """Whom an order names."""

    manager: OpenLeg | None
    client: OpenLeg | None


class Control:
    """Commands calls on any of the PBXs."""

    def __init__(self, pool: Pool, live: Live, sender: Sender, directories: Mapping[str, Directory]) -> None:
        """Args:
        pool: the database.
        live: told of what is written, after the commit.
        sender: knows the engines.
        directories: the tables of each PBX; their plans read the numbers of transfers.
        """
        self._pool = pool
        self._live = live
        self._sender = sender
        self._directories = directories
        self.targets = TransferTargets(pool, directories)

    async def write(self, connection: Connection, order: CallCommand, *, now: datetime) -> WrittenOrder:
        """Write an order to a call down within a transaction; commit it, then `send`.

        Args:
            connection: within a transaction that ends soon: others who order something of this call wait for it.
            order: with an id that is used once.
            now: the present moment, UTC.

        Raises:
            CallOver, NotInCall, OrderConflict, EngineLacks, PbxAway, NoPhone, BadTarget, NumberForbidden: it is not to
                be sent; give the transaction up.
        """
        await lock_call(connection, order.call_id)
        call = await running_call(connection, order.call_id)
        if call is None or call.state == CallState.ENDED:
            raise CallOver
        self._check_engine(call.pbx, order.kind)
        await _check_others(connection, call, order)
        if order.kind in SPYING:
            new, act = await self._spying(connection, order, call)
        else:
            new, act = await self._controlling(connection, order, call, now)
        await store_order(connection, new)
        command = await read_command(connection, order.id)
        assert command is not None
        facts = (command_fact(command),)
        await save_facts(connection, facts)
        await write_audit(
            connection,
            actor=order.actor,
            action=f"call.{order.kind}",
            object=f"call:{call.id}",
            detail={"command_id": order.id},
        )
        return WrittenOrder(command=command, act=act, facts=facts)

    def send(self, written: WrittenOrder) -> asyncio.Task[None]:
        """Send an order that was written down and committed; gives what can be waited for."""
        tell(self._live, written.facts)
        command = written.command
        return self._sender.send(command.id, command.kind, command.pbx, written.act)

    def _check_engine(self, pbx: str, kind: CommandKind) -> None:
        engine = self._sender.engines.get(pbx)
        if engine is None or not self._sender.ready:
            raise PbxAway
        if (why := engine.lacks(ABILITIES[kind])) is not None:
            raise EngineLacks(why)

    async def _controlling(
        self, connection: Connection, order: CallCommand, call: RunningCall, now: datetime
    ) -> tuple[NewOrder, Act]:
        """An order to the legs of the call."""
        legs = await _consulting(connection, call, order) or _named(call, order)
        dialled: Dialled | None = None
        if order.kind in _TARGETED and order.target is not None:
            dialled = await self.targets.dialled(connection, order.target, call, order, legs.manager, now=now)
        act, leg, other = _act(order, legs, dialled)
        if order.kind in _TARGETED and await is_paused(connection, call.id):
            act = _noting(act, _STILL_PAUSED)
        target = dialled.shown if dialled else f"{len(order.digits)} digits" if order.digits else None
        new = NewOrder(
            id=order.id,
            kind=order.kind,
            pbx=call.pbx,
            call_id=call.id,
            user_id=legs.manager.user_id if legs.manager else None,
            ordered_by=order.ordered_by,
            actor=order.actor,
            extension=(legs.manager.extension or "") if legs.manager else "",
            leg=leg,
            other_leg=other,
            number=dialled.number if dialled else None,
            target=target,
            source=order.source,
        )
        return new, act

    async def _spying(self, connection: Connection, order: CallCommand, call: RunningCall) -> tuple[NewOrder, Act]:
        """A supervisor beside the call: his phone rings, and he hears the manager's leg."""
        talking = [leg for leg in call.legs if leg.role == Role.MANAGER and leg.answered_at is not None]
        heard = next(iter(talking), None)
        if heard is None:
            raise NotInCall("No manager talks in this call at the moment; order it when one has taken it.")
        if order.ordered_by is None:
            raise OrderConflict("no_person", "This key belongs to nobody, so no phone can ring; use one of a person.")
        if any(leg.user_id == order.ordered_by for leg in call.legs):
            raise OrderConflict("in_call", "You are in this call yourself.")
        phone = await phone_of(connection, order.ordered_by, call.pbx, self._directories)
        mode = _SPY_MODES[order.kind]

        async def spy(engine: Engine) -> OrderOutcome:
            return await engine.spy(
                order_id=order.id, endpoint=phone.endpoint, extension=phone.extension, leg=heard.id, mode=mode
            )

        new = NewOrder(
            id=order.id,
            kind=order.kind,
            pbx=call.pbx,
            call_id=call.id,
            user_id=order.ordered_by,
            ordered_by=order.ordered_by,
            actor=order.actor,
            extension=phone.extension,
            leg=order.id,
            other_leg=heard.id,
            about=heard.user_id,
            source=order.source,
        )
        return new, spy


async def _check_others(connection: Connection, call: RunningCall, order: CallCommand) -> None:
    """Refuse what stands against an order that goes on."""
    for other in await orders_going_on(connection, call.id):
        name = other.name or "Somebody"
        if other.kind not in SPYING:
            if order.kind not in SPYING:
                words = f"{name}'s order ({other.kind}) to this call has no answer yet; wait a moment and look again."
                raise OrderConflict("order_running", words)
        elif order.kind in SPYING and other.user_id == order.ordered_by:
            words = f"You are beside this call already ({other.kind}); DELETE /api/v1/commands/{other.id} ends that."
            raise OrderConflict("already_listening", words)
        elif order.kind == other.kind == CommandKind.BARGE:
            raise OrderConflict("barged_already", f"{name} has barged into this call; talk to him, or only listen.")


def _named(call: RunningCall, order: CallCommand) -> _Legs:
    """The legs that an order is about: the manager's own where he may command only his own.

    Raises:
        NotInCall: he, or the client, is not in the call any more.
    """
    managers = [leg for leg in call.legs if leg.role == Role.MANAGER]
    if order.only_own is not None:
        managers = [leg for leg in managers if leg.user_id == order.only_own]
    answered = [leg for leg in managers if leg.answered_at is not None]
    manager = next(iter(answered[-1:] or managers[-1:]), None)
    clients = [leg for leg in call.legs if leg.role == Role.CLIENT]
    others = [leg for leg in call.legs if leg.role in (Role.MANAGER, Role.OUTSIDE) and leg is not manager]
    client = clients[-1] if clients else others[-1] if others and manager else None
    if order.only_own is not None and manager is None:
        raise NotInCall("You are not in this call any more; nothing was sent.")
    if order.kind is CommandKind.HANG_UP:
        anybody = client or next(iter(call.legs), None)
        if anybody is None:
            raise NotInCall
        return _Legs(manager=manager, client=None if order.only_own is not None else anybody)
    if client is None:
        raise NotInCall("The client is not in this call any more; nothing was sent.")
    talks = manager is not None and manager.answered_at is not None
    passes = manager is not None and order.kind is CommandKind.TRANSFER and _only_rings(call)
    if not (talks or passes) and (order.kind not in _ONE_LEG or order.only_own is not None):
        raise NotInCall("No manager talks in this call at the moment; nothing was sent.")
    return _Legs(manager=manager, client=client)


def _only_rings(call: RunningCall) -> bool:
    """Whether nobody of us has taken the call yet, so that it can be passed on as it rings."""
    taken = any(leg.role in (Role.MANAGER, Role.OUTSIDE) and leg.answered_at is not None for leg in call.legs)
    return call.state == CallState.RINGING and not taken


async def _consulting(connection: Connection, call: RunningCall, order: CallCommand) -> _Legs | None:
    """The legs with which the consultation that is to be ended began: its target is a manager's leg as well."""
    if order.kind not in (CommandKind.CONSULT_COMPLETE, CommandKind.CONSULT_ABANDON):
        return None
    named = await last_consultation(connection, call.id)
    if named is None:
        raise OrderConflict("no_consultation", "No consultation was begun in this call by us; begin one with /consult.")
    legs = {leg.id: leg for leg in call.legs}
    client, manager = (legs.get(leg or "") for leg in named)
    if client is None or manager is None:
        raise NotInCall
    if order.only_own not in (None, manager.user_id):
        raise NotInCall("You are not in this call any more; nothing was sent.")
    return _Legs(manager=manager, client=client)


_ONE_LEG = frozenset({CommandKind.DIGITS, CommandKind.RECORDING_PAUSE, CommandKind.RECORDING_RESUME})


def _act(order: CallCommand, legs: _Legs, dialled: Dialled | None) -> tuple[Act, str, str | None]:
    """What the engine is told, and the legs it is told of."""
    manager, client = legs.manager.id if legs.manager else "", legs.client.id if legs.client else ""
    target = dialled.target if dialled else ""

    async def act(engine: Engine) -> OrderOutcome:
        match order.kind:
            case CommandKind.HOLD:
                return await engine.hold(order_id=order.id, client=client, manager=manager)
            case CommandKind.RESUME:
                return await engine.resume(order_id=order.id, client=client, manager=manager)
            case CommandKind.DIGITS:
                return await engine.send_digits(order_id=order.id, leg=client, digits=order.digits)
            case CommandKind.TRANSFER:
                return await engine.transfer(order_id=order.id, client=client, manager=manager, target=target)
            case CommandKind.CONSULT:
                return await engine.consult(order_id=order.id, client=client, manager=manager, target=target)
            case CommandKind.CONSULT_COMPLETE:
                return await engine.complete_transfer(order_id=order.id, client=client, manager=manager)
            case CommandKind.CONSULT_ABANDON:
                return await engine.abandon_transfer(order_id=order.id, client=client, manager=manager)
            case CommandKind.RECORDING_PAUSE | CommandKind.RECORDING_RESUME:
                paused = order.kind is CommandKind.RECORDING_PAUSE
                return await engine.pause_recording(order_id=order.id, leg=client, paused=paused)
        return await _hung_up(engine, [leg for leg in (client, manager) if leg])

    if order.kind in _ONE_LEG:
        return act, client, None
    return act, client or manager, manager if client and manager else None


def _noting(act: Act, words: str) -> Act:
    """An act whose good answer says something more."""

    async def noting(engine: Engine) -> OrderOutcome:
        outcome = await act(engine)
        return replace(outcome, detail=outcome.detail or words) if outcome.accepted else outcome

    return noting


async def _hung_up(engine: Engine, legs: list[str]) -> OrderOutcome:
    """End the first leg that the PBX still knows."""
    outcome = await engine.hang_up(legs[0])
    for leg in legs[1:]:
        if outcome.reason != "leg_gone":
            break
        outcome = await engine.hang_up(leg)
    return outcome
