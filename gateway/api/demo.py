"""`/demo`: one call with real speech through the running gateway, begun by a button, each step told.

Nothing in it is made up: two phones on the gateway's own machine speak over its own exchange. A demonstration that
cannot be is refused with the reason, also told by GET, so that a page knows whether to offer it.
"""

from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

from aiohttp import web
from pydantic import Field

from gateway.api.fields import Nothing, Outgoing, Spoken
from gateway.api.once import do_once
from gateway.api.parts import ApiParts
from gateway.api.problems import ConflictError
from gateway.api.routing import Asked, Route
from gateway.domain.access import Right
from gateway.domain.demonstration import DemoObstacle, DemoStanding, DemoState, DemoStep, Hindered, Shown
from gateway.store.access import write_audit
from gateway.store.database import Connection
from gateway.store.facts import NewFact

_NOT_BUILT = Hindered(why=DemoObstacle.NO_ENGINE, text="This gateway runs without a demonstration.")


class DemoHinderedError(ConflictError):
    """There can be no demonstration call now; `detail` says why: it needs the gateway's own exchange, the telephone
    library of its machine, and runs once at a time."""


class DemoStepView(Outgoing):
    """One step of the call."""

    at: datetime
    step: DemoStep = Field(description="which; the phones' and the database's come as they happen")
    text: Spoken = Field(description="for people, in the language of the request")
    values: dict[str, str | float] = Field(description="what the text is made of; times in seconds")


class DemoHindered(Outgoing):
    """Why there can be none."""

    code: DemoObstacle = Field(description="for programs")
    text: Spoken = Field(description="for people, with what to do")


class DemoView(Outgoing):
    """How far the demonstration, or the last one since the gateway's start, has come."""

    state: DemoState
    began_at: datetime | None = Field(description="null: there was none since the start")
    ended_at: datetime | None = Field(description="null while it runs")
    call: UUID | None = Field(description="its call, once the database has it: `/calls/{id}`")
    steps: tuple[DemoStepView, ...]
    reason: Spoken = Field(description="why it failed; empty: it did not")
    hindered: DemoHindered | None = Field(description="why none can be begun now; null: one can")


class DemoBegun(Outgoing):
    """A demonstration has begun."""

    state: Literal[DemoState.RUNNING]
    began_at: datetime


class Demo:
    """The handlers of `/demo`."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts

    def routes(self) -> tuple[Route, ...]:
        """The rows of the table."""
        return (
            Route(
                method="GET",
                path="/demo",
                handler=self.standing,
                summary="How far the demonstration call has come, and whether one can be begun",
                right=Right.DEMO_SHOW,
                tag="demo",
            ),
            Route(
                method="POST",
                path="/demo",
                handler=self.begin,
                summary="Begin a demonstration call",
                right=Right.DEMO_SHOW,
                tag="demo",
                status=202,
                idempotent=True,
                errors=(DemoHinderedError,),
            ),
        )

    async def standing(self, asked: Asked[Nothing, Nothing, Nothing]) -> DemoView:
        """The steps so far."""
        player = self._parts.demonstration
        if player is None:
            return _view(DemoStanding(), _NOT_BUILT)
        return _view(player.standing, player.hindered())

    async def begin(self, asked: Asked[Nothing, Nothing, Nothing]) -> DemoBegun | web.Response:
        """Begin it, once for each key; what becomes of it is told by GET and live."""
        begun: list[DemoBegun] = []

        async def work(connection: Connection) -> tuple[DemoBegun, tuple[NewFact, ...]]:
            if not begun:  # an order that is tried again has begun already
                begun.append(self._begin())
            await write_audit(connection, actor=asked.principal.id, action="demo.begun", object="demo")
            return begun[0], ()

        return await do_once(self._parts, asked, work, status=202)

    def _begin(self) -> DemoBegun:
        player = self._parts.demonstration
        hindered = _NOT_BUILT if player is None else player.hindered()
        if hindered is not None or player is None:
            raise DemoHinderedError((hindered or _NOT_BUILT).text)
        standing = player.begin(self._parts.tasks)
        return DemoBegun(state=DemoState.RUNNING, began_at=standing.began_at or datetime.now(UTC))


def _view(standing: DemoStanding, hindered: Hindered | None) -> DemoView:
    return DemoView(
        state=standing.state,
        began_at=standing.began_at,
        ended_at=standing.ended_at,
        call=standing.call,
        steps=tuple(map(_step, standing.steps)),
        reason=standing.reason,
        hindered=None if hindered is None else DemoHindered(code=hindered.why, text=hindered.text),
    )


def _step(shown: Shown) -> DemoStepView:
    told = shown.told
    return DemoStepView(at=shown.at, step=told.step, text=told.text, values=dict(told.values))
