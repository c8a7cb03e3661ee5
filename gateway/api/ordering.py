"""The one door of commands: the same for the API and the live socket.

A command's row, its Idempotency-Key and the answer are committed together, and then it is sent; a repetition gets the
first answer and sends nothing. What cannot be ordered is a problem document with a code in `errors`, and leaves
nothing.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, TypeVar
from uuid import UUID

from aiohttp import web
from pydantic import Field

from gateway.api.fields import Incoming, Outgoing, Spoken
from gateway.api.once import do_once
from gateway.api.parts import ApiParts
from gateway.api.problems import ConflictError, FieldFault, refused_value
from gateway.api.routing import API_PREFIX, Asked, answer
from gateway.commands import errors
from gateway.commands.sending import wait_for
from gateway.commands.steps import command_view
from gateway.commands.words import CommandKind, CommandState
from gateway.domain.access import Principal
from gateway.domain.errors import GatewayError, Rejected, TryAgain
from gateway.store.commands import StoredCommand, read_command
from gateway.store.database import Connection
from gateway.store.facts import NewFact
from gateway.store.idempotency import renew_answer

P = TypeVar("P", bound=Incoming)
Q = TypeVar("Q", bound=Incoming)
B = TypeVar("B", bound=Incoming)

STATUS = 202
CONTROL_SECONDS = 2.0
"""How long the answer to an order to a running call waits for the PBX; a click-to-call is answered at once."""


class CommandPath(Incoming):
    """Which command."""

    command_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,30}$")]


class CommandView(Outgoing):
    """An order to a PBX."""

    id: str
    kind: CommandKind
    state: CommandState
    reason: str | None = Field(description="for programs: `no_phone`, `client_busy`, `leg_gone`...")
    detail: Spoken = Field(description="the state and its reason in words")
    pbx: str
    user_id: int | None = Field(description="whose phone rings, or whose call it concerns")
    ordered_by: int | None = Field(description="the person who ordered it; null: a program of nobody")
    extension: str
    number: str | None = Field(description="the client's, or the outside number of a transfer")
    contact_id: int | None = Field(description="of a click-to-call: the client's card")
    caller_id: str | None = Field(description="the number shown to the client; null: what the PBX shows")
    target: str | None = Field(description="where a transfer leads, which command is cancelled, how many digits")
    about: int | None = Field(description="the manager who is listened to")
    source: str = Field(description="`click`, `live` or `scheduled`")
    call_id: UUID | None = Field(description="the call it makes or concerns; answers from the first ring on")
    ordered_at: datetime
    began_at: datetime | None = Field(description="when talking, or listening, began")
    ended_at: datetime | None


class NoPhoneError(Rejected, ValueError):
    """This person has no phone that could ring; give him an extension with an endpoint first."""


class NotOnThePhoneError(ConflictError):
    """Nobody whom you may command is in this call any more."""


class CannotOrderError(ConflictError):
    """The call is over, or the PBX cannot do this, or another order stands against it; nothing was sent."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.faults = (FieldFault(place="path", pointer="#/call_id", code=reason, detail=message),)


class HeldError(ConflictError):
    """A colleague has this client for himself: he rings him, talks with him, or took him for calling back; send
    `anyway` to call all the same. Or you call him already, or are in a call with him; that nothing sets aside."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.faults = (FieldFault(place="body", pointer="#/number", code=reason, detail=message),)


class PbxAwayError(TryAgain):
    """The gateway has no connection for orders to this PBX; try again, or see `trunkline doctor`."""


def shown(command: StoredCommand) -> CommandView:
    """A command as the API shows it."""
    return CommandView.model_validate(command_view(command))


@contextlib.contextmanager
def as_problems() -> Iterator[None]:
    """Turn what an order was refused for into the API's errors."""
    try:
        yield
    except errors.ClientHeld as fault:
        raise HeldError(fault.reason, str(fault)) from fault
    except errors.NumberForbidden as fault:
        raise refused_value("number", str(fault), code=fault.reason) from fault
    except errors.BadTarget as fault:
        raise refused_value("to", str(fault), code=fault.reason) from fault
    except errors.NoPhone as fault:
        raise NoPhoneError(str(fault)) from fault
    except errors.PbxAway as fault:
        raise PbxAwayError from fault
    except (errors.NotInCall, errors.CallOver, errors.OrderConflict, errors.EngineLacks) as fault:
        raise CannotOrderError(fault.reason, str(fault)) from fault


def source_of(asked: Asked[P, Q, B]) -> str:
    """By which way a request came."""
    return "live" if asked.live else "click"


def key_of(who: Principal) -> str | None:
    """The API key that orders; None: a person in a browser."""
    return who.id.removeprefix("key:") if who.id.startswith("key:") else None


Write = Callable[[Connection], Awaitable[StoredCommand]]
"""Writes the command down within a transaction."""
Send = Callable[[], asyncio.Task[None] | None]
"""Sends what was written, after the commit; gives what is waited for."""


async def order_once(parts: ApiParts, asked: Asked[P, Q, B], write: Write, send: Send) -> web.Response:
    """Write a command down, send it, and answer; once for each Idempotency-Key.

    Args:
        parts: the API's.
        asked: the request, of a route that is `idempotent`.
        write: writes it down; may be called again.
        send: called once, if it was written now.

    Raises:
        GatewayError: it is not to be sent; nothing was written.
    """
    written: list[StoredCommand] = []

    async def work(connection: Connection) -> tuple[CommandView, Sequence[NewFact]]:
        written[:] = [await write(connection)]
        return shown(replace(written[0], state=CommandState.SENT)), ()

    with as_problems():
        response = await do_once(parts, asked, work, status=STATUS)
    if written and (sending := send()) is not None:
        await wait_for(sending, CONTROL_SECONDS)
        response = await _told(parts, asked, written[0].id) or response
    if written:
        response.headers["Location"] = f"{API_PREFIX}/commands/{written[0].id}"
    return response


async def _told(parts: ApiParts, asked: Asked[P, Q, B], id: str) -> web.Response | None:
    """What the PBX has answered within the time, also for repetitions."""
    once = asked.once
    command = await read_command(parts.pool, id)
    if command is None or once is None:
        return None
    view = shown(command)
    body = view.model_dump(mode="json")
    await renew_answer(parts.pool, principal=asked.principal.id, route=once.route, key=once.key, body=body)
    return answer(view, status=STATUS)


def outcome_error(command: StoredCommand) -> GatewayError | None:
    """What a refused order is where its answer has no body; None: it was done, or is on its way."""
    if command.state != CommandState.REFUSED:
        return None
    if command.reason == "not_connected":
        return PbxAwayError()
    return (
        NotOnThePhoneError()
        if command.reason == "leg_gone"
        else CannotOrderError(command.reason or "failed", str(command_view(command)["detail"]))
    )
