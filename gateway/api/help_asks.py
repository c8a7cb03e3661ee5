"""A manager asks for help in a call; a supervisor sees it, comes (listens, whispers) and closes it.

Listening and whispering are orders to the call themselves (`/calls/{call_id}/whisper`): taking an ask tells the others
that somebody comes. An ask ends with its call.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from aiohttp import web
from pydantic import Field

from gateway.aftercare.help_asks import help_fact
from gateway.api.calls import visible_call
from gateway.api.fields import CursorText, Incoming, Limit, Nothing, Outgoing, RowId
from gateway.api.once import do_once
from gateway.api.pages import Page, page, read_cursor
from gateway.api.parts import ApiParts
from gateway.api.problems import ConflictError, NotFoundError, refused_value
from gateway.api.routing import Asked, Route
from gateway.api.visibility import own_user, reach
from gateway.domain.access import Principal, Right, allowed
from gateway.domain.errors import NotAllowed
from gateway.store import help_asks
from gateway.store.database import Connection
from gateway.store.facts import NewFact
from gateway.store.help_asks import HelpAsk


class NewAsk(Incoming):
    """What is needed."""

    text: Annotated[str, Field(max_length=300, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""
    call: UUID | None = Field(default=None, description="left out: the call in which I talk or ring, if there is one")


class AskPath(Incoming):
    """Which ask."""

    help_id: RowId


class AskQuery(Incoming):
    """Which asks."""

    waiting: bool = Field(default=True, description="only those that are not closed; false: all, the newest first")
    limit: Limit = 50
    cursor: CursorText | None = None


class AskPlace(Incoming):
    """Where a page of asks ends."""

    at: datetime
    id: int


class AskClosing(Incoming):
    """Why it is over."""

    reason: Annotated[str, Field(max_length=300, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""


class HelpView(Outgoing):
    """An ask for help."""

    id: int
    user: int
    user_name: str
    call: UUID | None
    text: str
    state: str = Field(description="open, taken, closed")
    asked_at: datetime
    taken_by: int | None
    taken_name: str | None
    taken_at: datetime | None
    closed_by: str | None = Field(description="like user:17; trunkline: by itself")
    closed_at: datetime | None
    why: str | None = Field(description="call_ended, forgotten, or what the one who closed it said")
    version: int


class AskTakenError(ConflictError):
    """A colleague came already, or it is closed."""


class NoCallError(ConflictError):
    """This call has ended; ask without it."""


def help_view(ask: HelpAsk) -> HelpView:
    """An ask as it is shown."""
    return HelpView.model_validate(help_fact("", ask).body, strict=False)


class HelpAsks:
    """The handlers of `/help`."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts

    def routes(self) -> tuple[Route, ...]:
        """The rows of the table."""
        return (
            Route(
                method="GET",
                path="/help",
                handler=self.listing,
                summary="Who asks for help, the longest waiting first",
                right=Right.STATES_READ_OWN,
                tag="help",
            ),
            Route(
                method="POST",
                path="/help",
                handler=self.ask,
                summary="Ask for help in my call; once more says it in other words",
                right=Right.STATES_WRITE_OWN,
                tag="help",
                status=201,
                idempotent=True,
                body_optional=True,
                errors=(NoCallError,),
            ),
            Route(
                method="POST",
                path="/help/{help_id}/take",
                handler=self.take,
                summary="Tell the others that I come",
                right=Right.CALLS_LISTEN,
                tag="help",
                idempotent=True,
                errors=(AskTakenError,),
            ),
            Route(
                method="POST",
                path="/help/{help_id}/close",
                handler=self.close,
                summary="It is over, or I need it no more",
                right=Right.STATES_READ_OWN,
                tag="help",
                idempotent=True,
                body_optional=True,
                errors=(AskTakenError,),
            ),
        )

    async def listing(self, asked: Asked[Nothing, AskQuery, Nothing]) -> Page[HelpView]:
        """Asks that the caller may see."""
        query, own = asked.query, reach(asked.principal, Right.STATES_READ_OWN)
        if query.waiting:
            found = await help_asks.waiting_asks(self._parts.pool, only_user=own)
            return Page(items=tuple(map(help_view, found)), next=None)
        place = read_cursor("help", query.cursor, AskPlace)
        before = (place.at, place.id) if place else None
        found = await help_asks.list_asks(self._parts.pool, only_user=own, before=before, limit=query.limit + 1)
        return page("help", [(help_view(a), AskPlace(at=a.asked_at, id=a.id)) for a in found], query.limit)

    async def ask(self, asked: Asked[Nothing, Nothing, NewAsk]) -> HelpView | web.Response:
        """Ask for help."""
        who, body = asked.principal, asked.body
        own = own_user(who)
        if own is None:
            raise NotAllowed("This key belongs to no person, so nobody would know whom to help.")

        async def work(connection: Connection) -> tuple[HelpView, Sequence[NewFact]]:
            call = body.call
            if call is None:
                call = await help_asks.call_of(connection, own)
            else:
                try:
                    found = await visible_call(self._parts, who, call, Right.CALLS_READ_OWN, source=connection)
                except NotFoundError:
                    raise refused_value("call", "There is no call with this id that you may see.") from None
                if found.view["state"] == "ended":
                    raise NoCallError
                call = found.id
            ask = await help_asks.ask_for_help(connection, own, call, body.text.strip())
            return help_view(ask), [help_fact("help.asked", ask)]

        return await do_once(self._parts, asked, work)

    async def take(self, asked: Asked[AskPath, Nothing, Nothing]) -> HelpView | web.Response:
        """Come to help."""
        own = own_user(asked.principal)
        if own is None:
            raise NotAllowed("This key belongs to no person, so nobody would come.")

        async def work(connection: Connection) -> tuple[HelpView, Sequence[NewFact]]:
            await self._seen(connection, asked.principal, asked.path.help_id)
            ask = await help_asks.take_ask(connection, asked.path.help_id, own)
            if ask is None:
                raise AskTakenError
            return help_view(ask), [help_fact("help.taken", ask)]

        return await do_once(self._parts, asked, work, status=200)

    async def close(self, asked: Asked[AskPath, Nothing, AskClosing]) -> HelpView | web.Response:
        """Close an ask: one's own, or anybody's for those who see everybody."""
        who = asked.principal

        async def work(connection: Connection) -> tuple[HelpView, Sequence[NewFact]]:
            await self._seen(connection, who, asked.path.help_id)
            ask = await help_asks.close_ask(connection, asked.path.help_id, by=who.id, why=asked.body.reason.strip())
            if ask is None:
                raise AskTakenError("It is closed already.")
            return help_view(ask), [help_fact("help.closed", ask)]

        return await do_once(self._parts, asked, work, status=200)

    async def _seen(self, connection: Connection, who: Principal, id: int) -> HelpAsk:
        found = await help_asks.read_ask(connection, id)
        if found is None or not allowed(who, Right.STATES_READ_OWN, str(found.user_id)):
            raise NotFoundError("Nobody asks for help under this number.")
        return found
