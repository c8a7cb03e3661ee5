"""`/events`: the feed of facts without a gap, for programs that must not miss anything.

A reader keeps `next` and asks for what came after it. Facts the caller may not see are passed over, and `next` moves
over them too. With `wait` the answer is held back until there is something new; PostgreSQL's NOTIFY wakes it, and
since a fact becomes visible only when all earlier transactions have ended, it looks again every second besides.
"""

import asyncio
import re
from contextlib import suppress
from datetime import datetime
from typing import Annotated
from uuid import UUID

import asyncpg
import structlog
from pydantic import Field, JsonValue

from gateway.api.fields import INT64_MAX, Incoming, Limit, Nothing, Outgoing
from gateway.api.parts import ApiParts
from gateway.api.problems import UnknownCursorError
from gateway.api.routing import Asked, Door, Route
from gateway.api.sight import card_of, sight_of, unseen_cards
from gateway.api.sockets import OpenSockets
from gateway.api.visibility import sees_event
from gateway.domain.access import Principal
from gateway.domain.call_view import Names, Sight, named
from gateway.store.facts import CHANNEL, Fact, facts_after
from gateway.store.reading import names_of

log = structlog.get_logger()

START = "0-0"
WAIT_MAX = 30
LOOK_AGAIN_SECONDS = 1.0
ROUNDS = 10
"""Batches of facts that a request passes over before it answers with an empty page and a new `next`."""
_BATCH = 500
_UINT64_MAX = 2**64 - 1


class FeedQuery(Incoming):
    """Which facts."""

    after: Annotated[str, Field(max_length=41, pattern=r"^[0-9]{1,20}-[0-9]{1,19}$")] = Field(
        default=START, description="`next` of the answer before; left out: from the beginning"
    )
    limit: Limit = 100
    wait: Annotated[int, Field(ge=0, le=WAIT_MAX)] = Field(
        default=0, description="seconds to wait where there is nothing new"
    )


class FactView(Outgoing):
    """Something that happened."""

    position: str = Field(description="its place in the feed")
    at: datetime
    kind: str = Field(description="like `call.ended`")
    call_id: UUID | None
    contact_id: int | None
    body: dict[str, JsonValue] = Field(description="of a call: the same JSON as /calls/{id}, without the recording")


class Feed(Outgoing):
    """A part of the feed."""

    items: tuple[FactView, ...]
    next: str = Field(description="to be given as `after`; never goes back")


class NewFacts:
    """Wakes those who wait for facts; one connection listens for all of them."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts
        self._told = asyncio.Event()

    async def wait(self, seconds: float) -> None:
        """Wait until there may be new facts, or so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._told.wait()

    async def run(self) -> None:
        """Listen for ever; while the database is away those who wait look by themselves."""
        while True:
            try:
                async with self._parts.pool.acquire() as connection:
                    await self._listen(connection)
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as fault:
                log.info("not listening for facts", fault=type(fault).__name__)
            await asyncio.sleep(LOOK_AGAIN_SECONDS)

    async def _listen(self, connection: asyncpg.Connection) -> None:
        gone = asyncio.Event()

        def tell(*_: object) -> None:
            waiting, self._told = self._told, asyncio.Event()
            waiting.set()

        def end(*_: object) -> None:
            gone.set()

        connection.add_termination_listener(end)
        await connection.add_listener(CHANNEL, tell)
        try:
            await gone.wait()
        finally:
            with suppress(asyncpg.InterfaceError, asyncpg.PostgresError, OSError):
                connection.remove_termination_listener(end)
                await connection.remove_listener(CHANNEL, tell)


class Events:
    """The handler of `/events`."""

    def __init__(self, parts: ApiParts, new_facts: NewFacts, sockets: OpenSockets) -> None:
        self._parts = parts
        self._new = new_facts
        self._sockets = sockets

    def routes(self) -> tuple[Route, ...]:
        """The row of the table; each event is shown by its own right, so being somebody is enough to ask."""
        return (
            Route(
                method="GET",
                path="/events",
                handler=self.feed,
                summary="What happened after a place in the feed",
                right=Door.SIGNED_IN,
                tag="events",
                errors=(UnknownCursorError,),
            ),
        )

    async def feed(self, asked: Asked[Nothing, FeedQuery, Nothing]) -> Feed:
        """The facts behind a place, at once or when there are some."""
        query, place = asked.query, _checked(asked.query.after)
        ends = asyncio.get_running_loop().time() + query.wait
        while True:
            shown, place = await self._page(asked.principal, place, query.limit)
            left = ends - asyncio.get_running_loop().time()
            if shown or left <= 0 or self._sockets.closing.is_set():
                names = await names_of(self._parts.pool, [fact.body for fact in shown])
                sight = await sight_of(self._parts.pool, asked.principal, [names])
                return Feed(items=tuple(_view(fact, names, sight) for fact in shown), next=place)
            await self._new.wait(min(left, LOOK_AGAIN_SECONDS))

    async def _page(self, who: Principal, place: str, limit: int) -> tuple[list[Fact], str]:
        """Facts the caller may see, and the place up to which everything was looked at."""
        for _ in range(ROUNDS):
            facts = await facts_after(self._parts.pool, place, _BATCH)
            shown: list[Fact] = []
            unseen = await unseen_cards(self._parts.pool, who, [(fact.kind, fact.body) for fact in facts])
            for fact in facts:
                place = fact.position
                if sees_event(who, fact.kind, fact.users) and card_of(fact.kind, fact.body) not in unseen:
                    shown.append(fact)
                if len(shown) == limit:
                    break
            if shown or len(facts) < _BATCH:
                return shown, place
        return [], place


def _checked(position: str) -> str:
    """A place that the feed can have.

    Raises:
        UnknownCursorError: its numbers are larger than any.
    """
    found = re.fullmatch(r"(\d+)-(\d+)", position)
    if found is None or int(found[1]) > _UINT64_MAX or int(found[2]) > INT64_MAX:
        raise UnknownCursorError
    return position


def _view(fact: Fact, names: Names, sight: Sight) -> FactView:
    body = named(fact.body, names, cards=sight) if "managers" in fact.body else fact.body
    return FactView.model_validate(
        {
            "position": fact.position,
            "at": fact.at,
            "kind": fact.kind,
            "call_id": fact.call_id,
            "contact_id": fact.contact_id,
            "body": body,
        }
    )
