"""Orders to a call that goes on: hold, digits, transfers, the recording, hanging up, and supervisors beside it.

Who may command only his own calls commands his own leg in them. Each order is a row before it is sent, and the answer
waits a moment for the PBX: `done`, or `refused` with its words, or `sent` where it takes longer.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, TypeVar

from aiohttp import web
from pydantic import Field

from gateway.api.calls import CallPath, visible_call
from gateway.api.fields import Incoming, Nothing, RowId
from gateway.api.ordering import (
    CONTROL_SECONDS,
    CannotOrderError,
    CommandView,
    NoPhoneError,
    NotOnThePhoneError,
    PbxAwayError,
    as_problems,
    key_of,
    order_once,
    outcome_error,
    source_of,
)
from gateway.api.parts import ApiParts
from gateway.api.problems import InvalidRequestError, refused_value
from gateway.api.routing import Asked, Route
from gateway.api.visibility import own_user, reach
from gateway.commands.control import CallCommand, Target, WrittenOrder
from gateway.commands.errors import CallOver, NotInCall, NumberForbidden
from gateway.commands.sending import wait_for
from gateway.commands.words import CommandKind
from gateway.domain.access import Right
from gateway.domain.identity import command_id
from gateway.store.commands import StoredCommand, read_command
from gateway.store.database import Connection
from gateway.store.reading import ReadCall

B = TypeVar("B", bound=Incoming)


class Digits(Incoming):
    """What is pressed for the client's menu."""

    digits: Annotated[str, Field(pattern=r"^[0-9A-D*#]{1,32}$")]


class TransferOrder(Incoming):
    """Where a call goes; one of the two."""

    user: RowId | None = Field(default=None, description="a colleague")
    number: Annotated[str, Field(min_length=1, max_length=64)] | None = Field(
        default=None, description="an extension of ours, or an outside number that may be dialled"
    )


Handler = Callable[..., Awaitable[CommandView | web.Response]]
_ERRORS = (CannotOrderError, PbxAwayError)


class CallControl:
    """The handlers of orders to running calls."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts

    def routes(self) -> tuple[Route, ...]:
        """The rows of the table."""
        return (
            self._route("hold", self.hold, "Let the client hear music"),
            self._route("resume", self.resume, "Bring manager and client together again"),
            self._route("digits", self.digits, "Send digits to the client's menu"),
            self._route("transfer", self.transfer, "Send the client to somebody else at once"),
            self._route("consult", self.consult, "Ask somebody while the client waits"),
            self._route("consult/complete", self.complete, "Join the client and whom one has asked"),
            self._route("consult/abandon", self.abandon, "Leave whom one has asked, back to the client"),
            self._route("recording/pause", self.pause, "Record silence from now on"),
            self._route("recording/resume", self.sound, "Record sound again"),
            self._route("listen", self.listen, "Listen: hear both", Right.CALLS_LISTEN),
            self._route("whisper", self.whisper, "Whisper: be heard by the manager alone", Right.CALLS_WHISPER),
            self._route("barge", self.barge, "Barge in: be heard by both", Right.CALLS_BARGE),
            Route(
                method="DELETE",
                path="/calls/{call_id}",
                handler=self.hang_up,
                summary="Hang up",
                right=Right.CALLS_CONTROL_OWN,
                tag="commands",
                errors=(NotOnThePhoneError, *_ERRORS),
            ),
        )

    def _route(self, order: str, handler: Handler, summary: str, right: Right = Right.CALLS_CONTROL_OWN) -> Route:
        return Route(
            method="POST",
            path=f"/calls/{{call_id}}/{order}",
            handler=handler,
            summary=summary,
            right=right,
            tag="commands",
            status=202,
            idempotent=True,
            errors=_ERRORS if right is Right.CALLS_CONTROL_OWN else (*_ERRORS, NoPhoneError),
        )

    async def hold(self, asked: Asked[CallPath, Nothing, Nothing]) -> CommandView | web.Response:
        """Hold the client."""
        return await self._order(asked, CommandKind.HOLD)

    async def resume(self, asked: Asked[CallPath, Nothing, Nothing]) -> CommandView | web.Response:
        """Take the client back."""
        return await self._order(asked, CommandKind.RESUME)

    async def complete(self, asked: Asked[CallPath, Nothing, Nothing]) -> CommandView | web.Response:
        """End an attended transfer by joining them."""
        return await self._order(asked, CommandKind.CONSULT_COMPLETE)

    async def abandon(self, asked: Asked[CallPath, Nothing, Nothing]) -> CommandView | web.Response:
        """End an attended transfer by going back."""
        return await self._order(asked, CommandKind.CONSULT_ABANDON)

    async def pause(self, asked: Asked[CallPath, Nothing, Nothing]) -> CommandView | web.Response:
        """Pause the recording."""
        return await self._order(asked, CommandKind.RECORDING_PAUSE)

    async def sound(self, asked: Asked[CallPath, Nothing, Nothing]) -> CommandView | web.Response:
        """Go on with the recording."""
        return await self._order(asked, CommandKind.RECORDING_RESUME)

    async def listen(self, asked: Asked[CallPath, Nothing, Nothing]) -> CommandView | web.Response:
        """Stand beside a call, unheard."""
        return await self._order(asked, CommandKind.LISTEN, right=Right.CALLS_READ_ALL)

    async def whisper(self, asked: Asked[CallPath, Nothing, Nothing]) -> CommandView | web.Response:
        """Stand beside a call, heard by the manager."""
        return await self._order(asked, CommandKind.WHISPER, right=Right.CALLS_READ_ALL)

    async def barge(self, asked: Asked[CallPath, Nothing, Nothing]) -> CommandView | web.Response:
        """Stand beside a call, heard by both."""
        return await self._order(asked, CommandKind.BARGE, right=Right.CALLS_READ_ALL)

    async def digits(self, asked: Asked[CallPath, Nothing, Digits]) -> CommandView | web.Response:
        """Send digits."""
        return await self._order(asked, CommandKind.DIGITS, digits=asked.body.digits)

    async def transfer(self, asked: Asked[CallPath, Nothing, TransferOrder]) -> CommandView | web.Response:
        """Transfer at once."""
        return await self._order(asked, CommandKind.TRANSFER, target=_target(asked.body))

    async def consult(self, asked: Asked[CallPath, Nothing, TransferOrder]) -> CommandView | web.Response:
        """Begin an attended transfer."""
        return await self._order(asked, CommandKind.CONSULT, target=_target(asked.body))

    async def hang_up(self, asked: Asked[CallPath, Nothing, Nothing]) -> None:
        """End a call: a manager his own leg in it, a supervisor the client's."""
        control, now = self._parts.desk.control, datetime.now(UTC)
        call = await visible_call(self._parts, asked.principal, asked.path.call_id, Right.CALLS_READ_OWN)
        order = self._command(asked, call, CommandKind.HANG_UP)
        with as_problems():
            try:
                async with self._parts.pool.acquire() as connection, connection.transaction():
                    written = await control.write(connection, order, now=now)
            except (NotInCall, CallOver) as over:
                raise NotOnThePhoneError from over
        await wait_for(control.send(written), CONTROL_SECONDS)
        command = await read_command(self._parts.pool, order.id)
        fault = outcome_error(command) if command else None
        if fault is not None:
            raise fault

    def _command(
        self,
        asked: Asked[CallPath, Nothing, B],
        call: ReadCall,
        kind: CommandKind,
        *,
        digits: str = "",
        target: Target | None = None,
    ) -> CallCommand:
        who = asked.principal
        return CallCommand(
            id=command_id(),
            kind=kind,
            call_id=call.id,
            actor=who.id,
            ordered_by=own_user(who),
            only_own=reach(who, Right.CALLS_CONTROL_OWN),
            key_id=key_of(who),
            digits=digits,
            target=target,
            source=source_of(asked),
        )

    async def _order(
        self,
        asked: Asked[CallPath, Nothing, B],
        kind: CommandKind,
        *,
        digits: str = "",
        target: Target | None = None,
        right: Right = Right.CALLS_READ_OWN,
    ) -> web.Response:
        """Order something of a call, once for each key."""
        control, now = self._parts.desk.control, datetime.now(UTC)
        call = await visible_call(self._parts, asked.principal, asked.path.call_id, right)
        order = self._command(asked, call, kind, digits=digits, target=target)
        written: list[WrittenOrder] = []
        forbidden: list[Target] = []

        async def write(connection: Connection) -> StoredCommand:
            try:
                written[:] = [await control.write(connection, order, now=now)]
            except NumberForbidden:
                if target is not None:
                    forbidden.append(target)
                raise
            return written[0].command

        try:
            return await order_once(self._parts, asked, write, lambda: control.send(written[0]))
        except InvalidRequestError:
            if forbidden:
                await control.targets.keep_forbidden(forbidden[0], call.pbx, order, now=now)
            raise


def _target(body: TransferOrder) -> Target:
    if (body.user is None) == (body.number is None):
        raise refused_value(
            "user", "Name a colleague in `user`, or an extension or number in `number`; one of the two."
        )
    return Target(user_id=body.user, number=body.number)
