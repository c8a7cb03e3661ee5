"""Hands commands to the PBX's engine, once each, and writes down its first answer.

A command is sent by the process that wrote it, right after the commit, in a task of the application's own group, so
that a caller who hangs up does not cut it off. `mark_sent` is committed before a byte goes out: what is still `stored`
was never sent, what is `sent` without an answer may have been, and neither is ever sent again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime

import structlog

from gateway.commands.steps import mark_sent, settle
from gateway.commands.words import CommandKind
from gateway.domain.errors import GatewayError, Rejected
from gateway.domain.ports import Engine, OrderOutcome, OrderState
from gateway.live import Live
from gateway.store.database import Pool

log = structlog.get_logger()

Act = Callable[[Engine], Awaitable[OrderOutcome]]
"""Tells the engine what to do."""
Told = Callable[[str, str, datetime], Awaitable[None]]
"""Takes the id of a refused click-to-call, the reason and the moment, for the journal's own rows."""

_HANG_UP_TRIES = 5
_HANG_UP_PAUSE = 0.2


async def tell_nobody(id: str, reason: str, at: datetime) -> None:
    """Where no journal of ours is kept."""


class Sender:
    """Sends commands to the engines of all PBXs."""

    def __init__(
        self, pool: Pool, live: Live, engines: Mapping[str, Engine], *, call_refused: Told = tell_nobody
    ) -> None:
        """Args:
        pool: the database.
        live: told of each answer.
        engines: by PBX; may be filled in later. One that is missing takes no orders.
        call_refused: told of a click-to-call that the PBX refused at once.
        """
        self._pool = pool
        self._live = live
        self.engines = engines
        self._call_refused = call_refused
        self._group: asyncio.TaskGroup | None = None

    def begin(self, group: asyncio.TaskGroup) -> None:
        """Send from now on, in tasks of this group."""
        self._group = group

    @property
    def ready(self) -> bool:
        """Whether anything can be sent."""
        return self._group is not None

    def send(self, id: str, kind: str, pbx: str, act: Act) -> asyncio.Task[None]:
        """Send a command that is committed; it is told when it has an answer.

        Args:
            id: of the command.
            kind: of the command.
            pbx: whose engine it goes to.
            act: what the engine is told.
        """
        assert self._group is not None
        return self._group.create_task(self._sent(id, kind, pbx, act), name=f"command {id}")

    async def _sent(self, id: str, kind: str, pbx: str, act: Act) -> None:
        try:
            if not await mark_sent(self._pool, id):
                return
            outcome = await self._outcome(id, pbx, act)
            command = await settle(self._pool, self._live, id, kind, outcome)
            if kind == CommandKind.CALL and outcome.state is OrderState.REFUSED:
                await self._call_refused(id, outcome.reason, outcome.at)
            if command is not None and command.cancelled_at is not None and outcome.state is OrderState.ACCEPTED:
                await self.hang_up_first(pbx, id)
        except Exception as fault:
            # The top of a task: without a database this command becomes unknown later, and nothing else stops.
            log.error("a command was not settled", command=id, exc_info=fault)

    async def _outcome(self, id: str, pbx: str, act: Act) -> OrderOutcome:
        engine = self.engines.get(pbx)
        if engine is None:
            return _outcome(OrderState.REFUSED, "not_connected")
        try:
            return await act(engine)
        except Rejected:  # a field that must not be sent: nothing was
            return _outcome(OrderState.REFUSED, "failed")
        except GatewayError as fault:
            log.warning("a command without an answer", command=id, fault=type(fault).__name__)
            return _outcome(OrderState.UNKNOWN, "connection_lost")

    async def hang_up_first(self, pbx: str, id: str) -> OrderOutcome:
        """End the first leg of a command that may be on its way into the PBX: it is looked for a moment longer."""
        outcome = _outcome(OrderState.REFUSED, "not_connected")
        for _ in range(_HANG_UP_TRIES):
            outcome = await self._outcome(id, pbx, lambda engine: engine.hang_up(id))
            if outcome.reason != "leg_gone":
                break
            await asyncio.sleep(_HANG_UP_PAUSE)
        return outcome


def _outcome(state: OrderState, reason: str) -> OrderOutcome:
    return OrderOutcome(state=state, reason=reason, at=datetime.now(UTC))


async def wait_for(task: asyncio.Task[None], seconds: float) -> None:
    """Wait so long for a command's first answer; it goes on where that takes longer."""
    await asyncio.wait({task}, timeout=seconds)
