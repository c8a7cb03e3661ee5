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


Handler = Callable[[Asked[CallPath, Nothing, Nothing]], Awaitable[CommandView | web.Response]]

_PLAIN = {
    "/calls/{call_id}/hold": (CommandKind.HOLD, "Let the client hear music"),
    "/calls/{call_id}/resume": (CommandKind.RESUME, "Bring manager and client together again"),
    "/calls/{call_id}/consult/complete": (CommandKind.CONSULT_COMPLETE, "Join the client and whom one has asked"),
    "/calls/{call_id}/consult/abandon": (CommandKind.CONSULT_ABANDON, "Leave whom one has asked, back to the client"),
    "/calls/{call_id}/recording/pause": (CommandKind.RECORDING_PAUSE, "Record silence from now on"),
    "/calls/{call_id}/recording/resume": (CommandKind.RECORDING_RESUME, "Record sound again"),
}
_SPYING = {
    "/calls/{call_id}/listen": (CommandKind.LISTEN, Right.CALLS_LISTEN, "Listen: hear both"),
    "/calls/{call_id}/whisper": (CommandKind.WHISPER, Right.CALLS_WHISPER, "Whisper: be heard by the manager alone"),
    "/calls/{call_id}/barge": (CommandKind.BARGE, Right.CALLS_BARGE, "Barge in: be heard by both"),
}
_ERRORS = (CannotOrderError, PbxAwayError)


class CallControl:
    """The handlers of orders to running calls."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts

    def routes(self) -> tuple[Route, ...]:
        """The rows of the table."""
        return (
            *(self._route(path, self._plain(kind), summary) for path, (kind, summary) in _PLAIN.items()),
            self._route("/calls/{call_id}/digits", self.digits, "Send digits to the client's menu"),
            self._route("/calls/{call_id}/transfer", self.transfer, "Send the client to somebody else at once"),
            self._route("/calls/{call_id}/consult", self.consult, "Ask somebody while the client waits"),
            *(
                self._route(path, self._spy(kind), summary, right, (NoPhoneError,))
                for path, (kind, right, summary) in _SPYING.items()
            ),
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

    def _route(
        self,
        path: str,
        handler: Callable[..., Awaitable[CommandView | web.Response]],
        summary: str,
        right: Right = Right.CALLS_CONTROL_OWN,
        more: tuple[type[NoPhoneError], ...] = (),
    ) -> Route:
        return Route(
            method="POST",
            path=path,
            handler=handler,
            summary=summary,
            right=right,
            tag="commands",
            status=202,
            idempotent=True,
            errors=(*_ERRORS, *more),
        )

    def _plain(self, kind: CommandKind) -> Handler:
        async def handle(asked: Asked[CallPath, Nothing, Nothing]) -> CommandView | web.Response:
            return await self._order(asked, kind)

        return handle

    def _spy(self, kind: CommandKind) -> Handler:
        async def handle(asked: Asked[CallPath, Nothing, Nothing]) -> CommandView | web.Response:
            return await self._order(asked, kind, right=Right.CALLS_READ_ALL)

        return handle

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
