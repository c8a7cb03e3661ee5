"""Keeps a PBX's own queues in step with the states of managers: who is on a break, off or busy after a call is paused.

What should be is read from the states, what was told is kept in memory. A connect forgets it, and so does a start: the
PBX may have been started anew meanwhile, so everybody whose state is known is told again, and once more when its queues
have surely been loaded. Pauses are told every five minutes, for who signs in to a queue comes into it unpaused. A PBX
that refuses, lacks the right or is away disturbs nothing: its answer stands on the board, and it is asked again soon.

Nobody is told of managers who never used a state, and where the rule `pause_queues` is off for somebody only a pause
that we had ordered is taken back.
"""

import asyncio
import contextlib
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
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
_GATHER_SECONDS = 0.25
"""From one look to the next at least: on a busy site states change ten times a second, and a look is at everybody."""
_CONNECT_SECONDS = 0.5
"""So soon a connect is acted on."""
_AGAIN_SECONDS = 2.0
"""From a refusal to the next try of the same, then twice as long; another state is told at once. An Asterisk that has
just been started refuses until its queues are loaded."""
_LONGEST_SECONDS = 60.0
_SETTLING_SECONDS = 20.0
_PAUSED_SECONDS = 300.0


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Refusal:
    """What was not accepted, and when it is tried again."""

    told: tuple[bool, str]
    patience: float
    again: float


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
        self._told: dict[str, tuple[tuple[bool, str], float]] = {}
        """What was accepted, and until when that is believed."""
        self._connected_at = time.monotonic()
        self._refused: dict[str, _Refusal] = {}
        self._due = False

    def look_now(self) -> None:
        """Tell everything anew, such as after a connect."""
        self._told.clear()
        self._connected_at = time.monotonic()
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
        looked = time.monotonic()
        until = looked + _LOOK_SECONDS
        while not self._due and time.monotonic() < until:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_CONNECT_SECONDS):
                    happening = await listener.queue.get()
                if happening.kind == "manager.state_changed":
                    await asyncio.sleep(max(0.0, looked + _GATHER_SECONDS - time.monotonic()))
                    while not listener.queue.empty():
                        listener.queue.get_nowait()
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
        told, now = (pause.paused, pause.reason), time.monotonic()
        known, believed = self._told.get(pause.endpoint, (None, 0.0))
        before = self._refused.get(pause.endpoint)
        if (known == told and now < believed) or (before and before.told == told and now < before.again):
            return
        outcome = await self._ordered(pause)
        await save_pause(self._pool, self._pbx, pause, outcome)
        if outcome.state is OrderState.ACCEPTED:
            self._told[pause.endpoint] = told, now + self._trust(now, paused=pause.paused)
            self._refused.pop(pause.endpoint, None)
            return
        self._told.pop(pause.endpoint, None)
        patience = min(2 * before.patience, _LONGEST_SECONDS) if before else _AGAIN_SECONDS
        self._refused[pause.endpoint] = _Refusal(told=told, patience=patience, again=time.monotonic() + patience)
        log.warning(
            "queue not told of a manager's state", pbx=self._pbx, user=pause.user_id, reason=outcome.reason[:40]
        )

    def _trust(self, now: float, *, paused: bool) -> float:
        """For how many seconds it is believed that a PBX holds what it has accepted.

        Soon after a connect its queues may not be loaded; later somebody who is paused may come into a further queue.
        """
        if now - self._connected_at < _SETTLING_SECONDS:
            return _SETTLING_SECONDS
        return _PAUSED_SECONDS if paused else math.inf

    async def _ordered(self, pause: WantedPause) -> OrderOutcome:
        try:
            return await self._members.pause_in_queues(
                endpoint=pause.endpoint, extension=pause.extension, paused=pause.paused, reason=pause.reason
            )
        except GatewayError as fault:  # a name that no queue can have, or a connection that broke meanwhile
            return OrderOutcome(state=OrderState.REFUSED, reason=type(fault).__name__, at=self._clock())


_WHOSE = ("user_id", "extension", "endpoint")
