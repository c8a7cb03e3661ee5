"""`GET /route`: the dialplan of a PBX asks whom a call rings (deploy/asterisk/trunkline_route.conf).

The answer is one line of plain text (`gateway.domain.routing_answer`). It is asked with a key that holds the right
`route.ask` and nothing else; a key bound to a PBX asks for that one alone. What the caller's side wrote may be
anything, so nothing in it is refused: a number that is none belongs to nobody.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated

import structlog
from aiohttp import web
from pydantic import Field

from gateway.api.fields import Incoming, Nothing
from gateway.api.parts import ApiParts
from gateway.api.routing import Asked, Route
from gateway.domain.access import Right
from gateway.domain.errors import NotAllowed
from gateway.domain.ports import SeenEndpoint
from gateway.routing.asking import LIMIT_MS, Question, RoutedPbx, Router, UnknownPbxError
from gateway.routing.phones import Phones
from gateway.store.database import DATABASE_AWAY

log = structlog.get_logger()
WARM_SECONDS = 120.0
"""Less than the five minutes after which the pool lets an idle connection go."""


class RouteQuery(Incoming):
    """A call that has come, and how far it is."""

    pbx: Annotated[str, Field(max_length=64)] = Field(description="the PBX's name in the configuration")
    call: Annotated[str, Field(min_length=1, max_length=150, pattern=r"^[A-Za-z0-9._-]+$")] = Field(
        description="the uniqueid of the client's leg"
    )
    did: Annotated[str, Field(max_length=64)] = Field(description="the number that was called")
    caller: Annotated[str, Field(max_length=64)] = Field(default="", description="as the line signalled it")
    step: Annotated[int, Field(ge=0, le=1000)] = Field(default=0, description="which question of this call it is")
    status: Annotated[str, Field(max_length=20, pattern=r"^[A-Z]*$")] = Field(
        default="", description="what came of the last answer: DIALSTATUS or PLAYBACKSTATUS"
    )
    left: Annotated[int, Field(ge=0, le=60_000)] = Field(
        default=LIMIT_MS, description="milliseconds for which the dialplan still waits"
    )


def router_of(parts: ApiParts) -> Router:
    """What answers the questions of all PBXs of the configuration."""
    pbxs = {
        name: RoutedPbx(
            plan=directory.plan,
            template=parts.settings.pbx[name].originate.channel if name in parts.settings.pbx else "PJSIP/{endpoint}",
        )
        for name, directory in parts.directories.items()
    }

    async def endpoints(pbx: str) -> Sequence[SeenEndpoint]:
        known = parts.telephony.get(pbx)
        return await known.endpoints() if known is not None else ()

    phones = Phones(endpoints, parts.tasks)
    return Router(parts.pool, parts.live, phones, pbxs=pbxs, zone=parts.settings.company.timezone)


async def keep_warm(parts: ApiParts) -> None:
    """Do what is slow the first time before a caller has to wait for it, and again before connections are given up."""
    router = router_of(parts)
    while True:
        try:
            await router.warm_up(datetime.now(UTC))
        except DATABASE_AWAY as fault:  # callers then wait as long as it takes, or their PBX goes its own way
            log.debug("routing was not warmed up", fault=type(fault).__name__)
        await asyncio.sleep(WARM_SECONDS)


class RouteQuestions:
    """The handler of `/route`."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts
        self._router: Router | None = None

    def routes(self) -> tuple[Route, ...]:
        """The row of the table."""
        return (
            Route(
                method="GET",
                path="/route",
                handler=self.ask,
                summary="Whom a call rings next: asked by the dialplan of a PBX",
                right=Right.ROUTE_ASK,
                tag="inbound routing",
                media=("text/plain",),
                errors=(UnknownPbxError,),
            ),
        )

    async def ask(self, asked: Asked[Nothing, RouteQuery, Nothing]) -> web.Response:
        """Answer one question."""
        query, bound = asked.query, asked.principal.pbx
        if bound is not None and bound != query.pbx:
            raise NotAllowed("This key is bound to another PBX.")
        if self._router is None:
            self._router = router_of(self._parts)
        question = Question(
            pbx=query.pbx,
            uniqueid=query.call,
            did=query.did,
            caller=query.caller,
            n=query.step,
            status=query.status,
            left=timedelta(milliseconds=query.left),
        )
        line = await self._router.ask(question, datetime.now(UTC))
        return web.Response(text=f"{line}\n", content_type="text/plain", headers={"Cache-Control": "no-store"})
