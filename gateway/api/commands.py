"""Click-to-call and hanging up: orders to a PBX.

A click-to-call is stored with its Idempotency-Key before anything is sent, and sent once. The same key gets the
stored answer again; a first request that was cut off by a crash becomes `unknown` and is never dialled again: a
person decides. What came of the call itself is told by the journal, as with every other call.
"""

import asyncio
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import structlog
from aiohttp import web
from pydantic import Field

from gateway.api.calls import CallPath, visible_call
from gateway.api.fields import Incoming, Nothing, Outgoing, RowId
from gateway.api.parts import ApiParts, UnknownPbxError
from gateway.api.problems import (
    ConflictError,
    FieldFault,
    InvalidRequestError,
    KeyReusedError,
    NotFoundError,
    StillRunningError,
)
from gateway.api.routing import API_PREFIX, Asked, Once, Route, answer
from gateway.api.security import Repetition, idempotency
from gateway.api.users import PbxName
from gateway.api.visibility import own_user, reach
from gateway.domain.access import Principal, Right, allowed
from gateway.domain.errors import GatewayError, NotAllowed, Rejected, TryAgain
from gateway.domain.identity import call_id, command_id
from gateway.domain.phone import NumberKind, PhoneNumber
from gateway.domain.ports import OrderOutcome, OrderState
from gateway.store import idempotency as once_store
from gateway.store import people, reading
from gateway.store.call_back import holder_of_number
from gateway.store.idempotency import NewCommand, StoredRequest
from gateway.store.people import HeldExtension
from gateway.store.reading import StoredCommand

log = structlog.get_logger()

ANSWER_SECONDS = 2.0
"""How long the answer waits for a quick refusal; ringing takes longer and is told by the command's address."""


class NewOrder(Incoming):
    """A call to be made."""

    number: Annotated[str, Field(min_length=1, max_length=64)] = Field(
        description="the client's number in any way of writing"
    )
    from_user: RowId | None = Field(
        default=None, alias="from", description="whose phone rings first; left out: my own. Others need a right"
    )
    pbx: PbxName | None = Field(default=None, description="left out: the one PBX on which he has an extension")
    anyway: bool = Field(default=False, description="also while a colleague rings this client, or talks with him")


class CommandPath(Incoming):
    """Which command."""

    command_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,30}$")]


class CommandState(StrEnum):
    """How far a command is."""

    STORED = "stored"
    SENT = "sent"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class CommandView(Outgoing):
    """A click-to-call."""

    id: str
    state: CommandState
    reason: str | None = Field(description="for programs: `no_phone`, `busy`, `no_answer`, `not_connected`...")
    detail: str = Field(description="the state and its reason in words")
    pbx: str
    user_id: int
    extension: str
    number: str
    ordered_at: datetime
    call_id: UUID = Field(description="the call it makes; its address answers from the first ring on")


class NoPhoneError(Rejected, ValueError):
    """This person has no phone that could ring; give him an extension with an endpoint first."""


class NotOnThePhoneError(ConflictError):
    """Nobody whom you may hang up is in this call any more."""


class HeldError(ConflictError):
    """A colleague has this client for himself: he rings him, talks with him, or took him for calling back; send
    `anyway` to call all the same."""


class PbxAwayError(TryAgain):
    """The gateway has no connection for orders to this PBX; try again, or see `trunkline doctor`."""


_DETAILS = {
    CommandState.STORED: "Written down, not yet sent to the PBX.",
    CommandState.SENT: "Sent to the PBX, which has not answered yet.",
    CommandState.ACCEPTED: "The PBX took the order: the manager's phone rings, then the client is dialled.",
    CommandState.REFUSED: "The PBX refused the order.",
    CommandState.UNKNOWN: "Nobody can know whether a phone rang; it is not sent again. Look at the phone, then decide.",
}
_REASONS = {
    "no_answer": "The manager did not take the phone.",
    "busy": "The manager's phone is busy.",
    "refused": "The manager refused the call.",
    "no_phone": "The manager's phone is not registered with the PBX.",
    "failed": "The PBX could not carry out the order; its log tells why.",
    "not_connected": "The gateway has no connection to the PBX; nothing was dialled.",
    "not_allowed": "The gateway's user of the PBX may not originate calls; `trunkline doctor` tells the remedy.",
    "no_such_number": "The dialplan of the PBX knows no way to this number.",
}
_BAD_NUMBERS = {
    NumberKind.HIDDEN: "This is no number that can be dialled; write digits.",
    NumberKind.SHORT: "This is an extension or a short number; write the client's number with its code.",
    NumberKind.OWN: "This is one of our own numbers; write the client's.",
}


def command_view(command: StoredCommand) -> CommandView:
    """A command as it is shown."""
    state = CommandState(command.state)
    return CommandView(
        id=command.id,
        state=state,
        reason=command.reason,
        detail=_REASONS.get(command.reason or "", _DETAILS[state]),
        pbx=command.pbx,
        user_id=command.user_id,
        extension=command.extension,
        number=command.number,
        ordered_at=command.ordered_at,
        call_id=call_id(command.pbx, command.id),
    )


class Commands:
    """The handlers of orders."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts

    def routes(self) -> tuple[Route, ...]:
        """The rows of the table."""
        return (
            Route(
                method="POST",
                path="/calls",
                handler=self.originate,
                summary="Ring a manager's phone, then dial the client",
                right=Right.CALLS_ORIGINATE,
                tag="calls",
                status=202,
                idempotent=True,
                errors=(NoPhoneError, UnknownPbxError, HeldError),
            ),
            Route(
                method="GET",
                path="/commands/{command_id}",
                handler=self.one,
                summary="What became of a click-to-call",
                right=Right.CALLS_ORIGINATE,
                tag="calls",
            ),
            Route(
                method="DELETE",
                path="/calls/{call_id}",
                handler=self.hang_up,
                summary="Hang up",
                right=Right.CALLS_CONTROL_OWN,
                tag="calls",
                errors=(NotOnThePhoneError, PbxAwayError),
            ),
        )

    async def originate(self, asked: Asked[Nothing, Nothing, NewOrder]) -> CommandView | web.Response:
        """Order a call, once for each key."""
        once, who = asked.once, asked.principal
        assert once is not None
        before = await self._first(who, once)
        if before is not None:
            return await self._again(who, once, before)
        command, endpoint = await self._planned(who, asked.body)
        mine = await once_store.begin_command(
            self._parts.pool,
            principal=who.id,
            route=once.route,
            key=once.key,
            fingerprint=once.fingerprint,
            command=command,
        )
        if not mine:  # the same key came twice at once, and the other was first
            before = await self._first(who, once)
            if before is None:
                raise StillRunningError
            return await self._again(who, once, before)
        dialling = self._parts.tasks.create_task(self._dial(command, endpoint), name="click-to-call")
        await asyncio.wait({dialling}, timeout=ANSWER_SECONDS)
        return await self._answer(who, once, command.id)

    async def one(self, asked: Asked[CommandPath, Nothing, Nothing]) -> CommandView:
        """What became of a command."""
        id_ = asked.path.command_id
        await once_store.give_up_silent(self._parts.pool, id_)
        command = await reading.read_command(self._parts.pool, id_)
        if command is None or not allowed(asked.principal, Right.CALLS_CONTROL_OWN, str(command.user_id)):
            raise NotFoundError
        return command_view(command)

    async def hang_up(self, asked: Asked[CallPath, Nothing, Nothing]) -> None:
        """End a call: a manager his own legs in it, a supervisor the client's."""
        call = await visible_call(self._parts, asked.principal, asked.path.call_id, Right.CALLS_READ_OWN)
        legs = [leg for leg in await reading.legs_of_call(self._parts.pool, call.id) if leg.is_open]
        own = reach(asked.principal, Right.CALLS_CONTROL_OWN)
        if own is None:
            legs.sort(key=lambda leg: ("client", "manager").index(leg.role) if leg.role in ("client", "manager") else 2)
        else:
            legs = [leg for leg in legs if leg.role == "manager" and leg.user_id == own]
        telephony = self._parts.telephony.get(call.pbx)
        if telephony is None:
            raise PbxAwayError
        for leg in legs:
            outcome = await telephony.hang_up(leg.id)
            if outcome.accepted:
                return
            if outcome.reason != "leg_gone":
                raise PbxAwayError
        raise NotOnThePhoneError

    async def _first(self, who: Principal, once: Once) -> StoredRequest | None:
        return await once_store.first_request(self._parts.pool, principal=who.id, route=once.route, key=once.key)

    async def _again(self, who: Principal, once: Once, before: StoredRequest) -> web.Response:
        """Answer a repetition."""
        match idempotency(before.request, once.fingerprint):
            case Repetition.OTHER:
                raise KeyReusedError
            case Repetition.RUNNING if not before.silent:
                raise StillRunningError
            case Repetition.RUNNING:
                await once_store.give_up_silent(self._parts.pool, before.command_id)
                return await self._answer(who, once, before.command_id)
            case _:
                return _accepted(CommandView.model_validate(before.body))

    async def _answer(self, who: Principal, once: Once, id: str) -> web.Response:
        """Store the answer for repetitions, and give it."""
        command = await reading.read_command(self._parts.pool, id)
        if command is None:
            raise NotFoundError
        view = command_view(command)
        await once_store.keep_answer(
            self._parts.pool,
            principal=who.id,
            route=once.route,
            key=once.key,
            status=202,
            body=view.model_dump(mode="json"),
        )
        return _accepted(view)

    async def _planned(self, who: Principal, order: NewOrder) -> tuple[NewCommand, str]:
        """The command and the endpoint that rings, or the reason why there can be none."""
        user = await self._caller(who, order.from_user)
        held = self._phone(user, order.pbx)
        number = self._parts.directory(held.pbx).plan.parse(order.number)
        if number.kind is not NumberKind.CLIENT or number.e164 is None:
            raise _bad_number(number)
        if held.pbx not in self._parts.telephony:
            raise PbxAwayError
        if not order.anyway:
            await self._free(number.e164, user.id)
        endpoint = _endpoint(held)
        command = NewCommand(
            id=command_id(), pbx=held.pbx, user_id=user.id, extension=held.extension, number=number.e164
        )
        return command, endpoint

    async def _free(self, number: str, user: int) -> None:
        """Refuse to ring a client whom a colleague has for himself."""
        holder = await holder_of_number(self._parts.pool, number, datetime.now(UTC))
        if holder is not None and holder.user_id not in (user, None):
            raise HeldError

    async def _caller(self, who: Principal, wanted: int | None) -> people.Person:
        own = own_user(who)
        id_ = wanted or own
        if id_ is None:
            raise NoPhoneError("This key belongs to nobody; name the person whose phone rings in `from`.")
        if not allowed(who, Right.CALLS_CONTROL_OWN, str(id_)):
            raise NotAllowed("You may let your own phone ring only; a supervisor may choose another one.")
        user = await people.read_user(self._parts.pool, id_)
        if user is None or not user.active:
            raise NoPhoneError("Nobody who is active has this id; choose another person in `from`.")
        return user

    def _phone(self, user: people.Person, pbx: str | None) -> HeldExtension:
        if pbx is not None:
            self._parts.directory(pbx)
        held = [e for e in user.extensions if pbx in (None, e.pbx) and e.pbx in self._parts.directories]
        where = f"{API_PREFIX}/users/{user.id}/extensions/{pbx or '{pbx}'}/{{extension}}"
        if not held:
            raise NoPhoneError(
                f"{user.name} has no extension{f' on {pbx}' if pbx else ''}; give one with PUT {where}"
                ' and the body {"endpoints": ["PJSIP/..."]}.'
            )
        if len({e.pbx for e in held}) > 1:
            names = ", ".join(sorted({e.pbx for e in held}))
            raise NoPhoneError(f"{user.name} has extensions on several PBXs; name one of {names} in `pbx`.")
        return held[0]

    async def _dial(self, command: NewCommand, endpoint: str) -> None:
        """Send one command and write down the PBX's first answer."""
        try:
            if not await once_store.mark_sent(self._parts.pool, command.id):
                return
            outcome = await self._ordered(command, endpoint)
            if outcome.state is OrderState.REFUSED:
                await self._parts.order_refused(command.id, outcome.reason, outcome.at)
            await once_store.settle_sent(self._parts.pool, command.id, outcome.state, outcome.reason or None)
        except Exception as fault:
            # The top of a task: without a database this command becomes unknown later, and nothing else stops.
            log.error("click-to-call was not settled", command=command.id, exc_info=fault)

    async def _ordered(self, command: NewCommand, endpoint: str) -> OrderOutcome:
        try:
            return await self._parts.telephony[command.pbx].originate(
                order_id=command.id,
                endpoint=endpoint,
                extension=command.extension,
                number=command.number.removeprefix("+"),
                caller_id=command.number,
            )
        except Rejected:  # a field that must not be sent: nothing was
            return OrderOutcome(state=OrderState.REFUSED, reason="failed", at=datetime.now(UTC))
        except GatewayError as fault:
            log.warning("click-to-call without an answer", command=command.id, fault=type(fault).__name__)
            return OrderOutcome(state=OrderState.UNKNOWN, reason="connection_lost", at=datetime.now(UTC))


def _endpoint(held: HeldExtension) -> str:
    """The phone that rings: the first endpoint that is neither a pattern nor an outside number, without technology."""
    for pattern in held.endpoints:
        if not pattern.startswith("+") and not any(sign in pattern for sign in "*?["):
            return pattern.partition("/")[2] or pattern
    if any(not pattern.startswith("+") for pattern in held.endpoints):
        return held.extension
    raise NoPhoneError(
        f"Extension {held.extension} has no endpoint that can ring; add one like PJSIP/{held.extension}."
    )


def _bad_number(number: PhoneNumber) -> InvalidRequestError:
    detail = _BAD_NUMBERS.get(number.kind, _BAD_NUMBERS[NumberKind.SHORT])
    return InvalidRequestError([FieldFault(place="body", pointer="#/number", code=str(number.kind), detail=detail)])


def _accepted(view: CommandView) -> web.Response:
    return answer(view, status=202, headers={"Location": f"{API_PREFIX}/commands/{view.id}"})
