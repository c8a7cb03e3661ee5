"""Which phones a PBX says are not registered: asked beside the calls, never for one.

A question of the dialplan takes what was told last, if that is not too old, and has it asked anew for the next one. Of
a phone that nobody has told of yet nothing is assumed: it is dialled, Asterisk answers at once that it is not there,
and the dialplan's next question goes on.
"""

import time
from asyncio import TaskGroup
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog

from gateway.domain.errors import GatewayError
from gateway.domain.ports import SeenEndpoint

log = structlog.get_logger()
FRESH_SECONDS = 10.0
OLD_SECONDS = 60.0
"""What was told longer ago is no longer believed: a phone may have come back."""


@dataclass(slots=True)
class _Told:
    """What a PBX said last."""

    at: float = float("-inf")
    offline: frozenset[str] = frozenset()
    asking: bool = False


class Phones:
    """What the PBXs said of their phones."""

    def __init__(self, ask: Callable[[str], Awaitable[Sequence[SeenEndpoint]]], tasks: TaskGroup) -> None:
        """Args:
        ask: what the PBX of this name knows of its phones; nothing where it cannot be asked.
        tasks: where the asking runs.
        """
        self._endpoints = ask
        self._tasks = tasks
        self._told: dict[str, _Told] = {}

    def offline(self, pbx: str) -> frozenset[str]:
        """Phones of a PBX that are not registered, as far as is known."""
        told, now = self._told.setdefault(pbx, _Told()), time.monotonic()
        if now - told.at >= FRESH_SECONDS and not told.asking:
            told.asking = True
            self._tasks.create_task(self._ask(pbx, told), name=f"phones of {pbx}")
        return told.offline if now - told.at < OLD_SECONDS else frozenset()

    async def _ask(self, pbx: str, told: _Told) -> None:
        try:
            seen = await self._endpoints(pbx)
            told.offline = frozenset(e.name for e in seen if not e.online)
            told.at = time.monotonic()
        except (GatewayError, OSError, TimeoutError) as fault:
            log.debug("the PBX did not say which phones are registered", pbx=pbx, fault=type(fault).__name__)
        finally:
            told.asking = False
