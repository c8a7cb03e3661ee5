"""Keeps a PBX's own queues in step with the states of managers: who is on a break, off or busy after a call is paused.

What should be is read from the states, what was told is kept in memory. A connect forgets it, and so does a start: the
PBX may have been started anew meanwhile, so everybody whose state is known is told again. A PBX that refuses, lacks the
right or is away disturbs nothing: its answer stands on the board, and it is asked again after a while.

Nobody is told of managers who never used a state, and where the rule `pause_queues` is off for somebody only a pause
that we had ordered is taken back.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from datetime import UTC, datetime

import structlog

from gateway.domain.errors import GatewayError
from gateway.domain.ports import OrderOutcome, OrderState, QueueMembers
from gateway.live import Listener, Live
from gateway.store.database import Pool
from gateway.store.queue_pauses import WantedPause, save_pause, wanted_pauses
from gateway.store.state_rules import rules_of

log = structlog.get_logger()

_LOOK_SECONDS = 5.0
"""States change on other nodes, too."""
_CONNECT_SECONDS = 0.5
"""So soon a connect is acted on."""
_AGAIN_SECONDS = 30.0
"""From a refusal to the next try of the same; another state is told at once."""


def _now() -> datetime:
    return datetime.now(UTC)


class QueuePauses:
    """The queues of one PBX; `run` is its one task."""

    def __init__(
        self,
        pool: Pool,
        live: Live,
        pbx: str,
        members: QueueMembers,
        *,
        is_connected: Callable[[], bool],
        clock: Callable[[], datetime] = _now,
    ) -> None:
        """Args:
        pool: the database.
        live: tells that a state has changed.
        pbx: the PBX's name.
        members: its queues.
        is_connected: whether orders reach it now.
        clock: the present moment, UTC.
        """
        self._pool = pool
        self._live = live
        self._pbx = pbx
        self._members = members
        self._is_connected = is_connected
        self._clock = clock
        self._told: dict[str, tuple[bool, str]] = {}
        self._refused: dict[str, tuple[tuple[bool, str], float]] = {}
        """What was not accepted, and when it is tried again."""
        self._due = False

    def look_now(self) -> None:
        """Tell everything anew, such as after a connect."""
        self._told.clear()
        self._refused.clear()
        self._due = True

    async def run(self) -> None:
        """Keep in step for ever."""
        self.look_now()
        with self._live.listening() as listener:
            while True:
                self._due = False
                await self.look()
                await self._next(listener)

    async def _next(self, listener: Listener) -> None:
        """Wait until a state has changed, a connect was told, or some time has passed."""
        until = time.monotonic() + _LOOK_SECONDS
        while not self._due and time.monotonic() < until:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_CONNECT_SECONDS):
                    happening = await listener.queue.get()
                if happening.kind == "manager.state_changed":
                    return

    async def look(self) -> None:
        """Tell the PBX what it does not know yet."""
        if not self._is_connected():
            return
        wanted = await wanted_pauses(self._pool, self._pbx, self._clock())
        rules = await rules_of(self._pool, sorted({w.user_id for w, _ in wanted})) if wanted else {}
        for pause, was_told in wanted:
            if rules[pause.user_id].pause_queues:
                await self._tell(pause)
            elif was_told:
                await self._tell(WantedPause(**{n: getattr(pause, n) for n in _WHOSE}, paused=False, reason=""))

    async def _tell(self, pause: WantedPause) -> None:
        told = (pause.paused, pause.reason)
        refused, again = self._refused.get(pause.endpoint, (None, 0.0))
        if self._told.get(pause.endpoint) == told or (refused == told and again > time.monotonic()):
            return
        outcome = await self._ordered(pause)
        await save_pause(self._pool, self._pbx, pause, outcome)
        if outcome.state is OrderState.ACCEPTED:
            self._told[pause.endpoint] = told
            self._refused.pop(pause.endpoint, None)
            return
        self._told.pop(pause.endpoint, None)
        self._refused[pause.endpoint] = told, time.monotonic() + _AGAIN_SECONDS
        log.warning(
            "queue not told of a manager's state", pbx=self._pbx, user=pause.user_id, reason=outcome.reason[:40]
        )

    async def _ordered(self, pause: WantedPause) -> OrderOutcome:
        try:
            return await self._members.pause_in_queues(
                endpoint=pause.endpoint, extension=pause.extension, paused=pause.paused, reason=pause.reason
            )
        except GatewayError as fault:  # a name that no queue can have, or a connection that broke meanwhile
            return OrderOutcome(state=OrderState.REFUSED, reason=type(fault).__name__, at=self._clock())


_WHOSE = ("user_id", "extension", "endpoint")
