"""Click-to-call, and what became of commands: each one, a list, and cancelling.

A click-to-call is stored with its Idempotency-Key before anything is sent, and sent once (`gateway.api.ordering`). The
answer comes at once; what the PBX says and what becomes of the call is told by the command's address and live.
"""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from aiohttp import web
from pydantic import Field

from gateway.api.fields import CursorText, Incoming, Limit, Nothing, RowId
from gateway.api.ordering import (
    CannotOrderError,
    CommandPath,
    CommandView,
    HeldError,
    NoPhoneError,
    PbxAwayError,
    as_problems,
    key_of,
    order_once,
    shown,
    source_of,
)
from gateway.api.pages import Page, page, read_cursor
from gateway.api.parts import ApiParts, UnknownPbxError
from gateway.api.problems import InvalidRequestError, NotFoundError, refused_value
from gateway.api.routing import Asked, Route
from gateway.api.users import PbxName
from gateway.api.visibility import own_user, owners, reach
from gateway.commands.errors import NumberForbidden
from gateway.commands.orders import CallOrder, OrderSource
from gateway.commands.phones import phone_of
from gateway.commands.placing import WrittenCall
from gateway.commands.steps import concerned
from gateway.commands.words import CommandKind, CommandState
from gateway.domain.access import Principal, Right, allowed
from gateway.domain.errors import NotAllowed
from gateway.domain.identity import command_id
from gateway.domain.phone import NumberKind, PhoneNumber
from gateway.store.commands import StoredCommand, list_commands, read_command
from gateway.store.database import Connection


class NewOrder(Incoming):
    """A call to be made."""

    number: Annotated[str, Field(min_length=1, max_length=64)] = Field(
        description="the client's number in any way of writing"
    )
    from_user: RowId | None = Field(
        default=None, alias="from", description="whose phone rings first; left out: my own. Others need a right"
    )
    pbx: PbxName | None = Field(default=None, description="left out: the one PBX on which he has an extension")
    anyway: bool = Field(
        default=False,
        description="also while a colleague rings this client, talks with him, or took him for calling back",
    )


class CommandQuery(Incoming):
    """Which commands."""

    mine: bool = Field(default=False, description="only those that I ordered, or that concern my phone or my calls")
    kind: CommandKind | None = None
    state: CommandState | None = None
    call: UUID | None = Field(default=None, description="commands that made or concerned this call")
    limit: Limit = 50
    cursor: CursorText | None = None


class CommandPlace(Incoming):
    """Where a page of commands ends."""

    at: datetime
    id: str


_BAD_NUMBERS = {
    NumberKind.HIDDEN: "This is no number that can be dialled; write digits.",
    NumberKind.SHORT: "This is an extension or a short number; write the client's number with its code.",
    NumberKind.OWN: "This is one of our own numbers; write the client's.",
}


class Commands:
    """The handlers of click-to-call and of commands."""

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
                tag="commands",
                status=202,
                idempotent=True,
                errors=(NoPhoneError, UnknownPbxError, HeldError, CannotOrderError, PbxAwayError),
            ),
            Route(
                method="GET",
                path="/commands",
                handler=self.listing,
                summary="List commands, the newest first",
                right=Right.CALLS_CONTROL_OWN,
                tag="commands",
            ),
            Route(
                method="GET",
                path="/commands/{command_id}",
                handler=self.one,
                summary="What became of a command",
                right=Right.CALLS_CONTROL_OWN,
                tag="commands",
            ),
            Route(
                method="DELETE",
                path="/commands/{command_id}",
                handler=self.cancel,
                summary="Cancel a click-to-call before they talk, or end a listening",
                right=Right.CALLS_CONTROL_OWN,
                tag="commands",
                errors=(CannotOrderError, PbxAwayError),
            ),
        )

    async def originate(self, asked: Asked[Nothing, Nothing, NewOrder]) -> CommandView | web.Response:
        """Order a call, once for each key."""
        order = await self._planned(asked)
        placing, now = self._parts.desk.placing, datetime.now(UTC)
        written: list[WrittenCall] = []

        async def write(connection: Connection) -> StoredCommand:
            try:
                written[:] = [await placing.write(connection, order, now=now)]
            except NumberForbidden:
                forbidden.append(True)
                raise
            return written[0].command

        forbidden: list[bool] = []
        try:
            return await order_once(self._parts, asked, write, lambda: placing.send(written[0]))
        except InvalidRequestError:
            if forbidden:
                await placing.keep_forbidden(order, now=now)
            raise

    async def listing(self, asked: Asked[Nothing, CommandQuery, Nothing]) -> Page[CommandView]:
        """A page of commands."""
        query, who = asked.query, asked.principal
        place = read_cursor("commands", query.cursor, CommandPlace)
        found = await list_commands(
            self._parts.pool,
            only_user=(own_user(who) or 0) if query.mine else reach(who, Right.CALLS_CONTROL_OWN),
            kinds=[query.kind] if query.kind else None,
            states=[query.state] if query.state else None,
            call=query.call,
            after=(place.at, place.id) if place else None,
            limit=query.limit + 1,
        )
        return page("commands", [(shown(c), CommandPlace(at=c.ordered_at, id=c.id)) for c in found], query.limit)

    async def one(self, asked: Asked[CommandPath, Nothing, Nothing]) -> CommandView:
        """What became of a command."""
        return shown(await self._visible(asked.principal, asked.path.command_id))

    async def cancel(self, asked: Asked[CommandPath, Nothing, Nothing]) -> None:
        """Cancel a command that goes on; its end is told by its address and live."""
        who = asked.principal
        command = await self._visible(who, asked.path.command_id)
        with as_problems():
            await self._parts.desk.cancelling.cancel(
                command, actor=who.id, ordered_by=own_user(who), source=source_of(asked)
            )

    async def _visible(self, who: Principal, id: str) -> StoredCommand:
        command = await read_command(self._parts.pool, id)
        if command is None or not allowed(who, Right.CALLS_CONTROL_OWN, owners(concerned(command))):
            raise NotFoundError
        return command

    async def _planned(self, asked: Asked[Nothing, Nothing, NewOrder]) -> CallOrder:
        """The order with its number in E.164, or the reason why there can be none."""
        who, body = asked.principal, asked.body
        user = self._caller(who, body.from_user)
        if body.pbx is not None:
            self._parts.directory(body.pbx)
        pbx = await self._pbx(user, body.pbx)
        number = self._parts.directory(pbx).plan.parse(body.number)
        if number.kind is not NumberKind.CLIENT or number.e164 is None:
            raise _bad_number(number)
        return CallOrder(
            id=command_id(),
            user_id=user,
            number=number.e164,
            pbx=pbx,
            source=OrderSource(source_of(asked)),
            anyway=body.anyway,
            actor=who.id,
            ordered_by=own_user(who),
            key_id=key_of(who),
        )

    async def _pbx(self, user: int, wanted: str | None) -> str:
        """Whose plan reads the number; where there is one PBX, nobody is asked."""
        if wanted is None and len(self._parts.directories) == 1:
            return next(iter(self._parts.directories))
        with as_problems():
            return (await phone_of(self._parts.pool, user, wanted, self._parts.directories)).pbx

    def _caller(self, who: Principal, wanted: int | None) -> int:
        id_ = wanted or own_user(who)
        if id_ is None:
            raise NoPhoneError("This key belongs to nobody; name the person whose phone rings in `from`.")
        if not allowed(who, Right.CALLS_CONTROL_OWN, str(id_)):
            raise NotAllowed("You may let your own phone ring only; a supervisor may choose another one.")
        return id_


def _bad_number(number: PhoneNumber) -> InvalidRequestError:
    detail = _BAD_NUMBERS.get(number.kind, _BAD_NUMBERS[NumberKind.SHORT])
    return refused_value("number", detail, code=str(number.kind))
