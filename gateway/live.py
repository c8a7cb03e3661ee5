"""The live bus: what just happened, to whoever listens in this process. Best effort, after commit.

What must not be lost is a fact in the database; a screen that was away reads the open calls again.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

_BACKLOG = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One message of the live bus."""

    kind: str
    """As the facts name it, e.g. `call.ringing`."""
    body: dict[str, object]
    users: tuple[int, ...] = ()
    """Users whom it concerns."""


@dataclass(slots=True, eq=False)
class Listener:
    """One consumer's queue; `overrun` tells that it was too slow and must read the present state again."""

    queue: asyncio.Queue[Happening] = field(default_factory=lambda: asyncio.Queue(_BACKLOG))
    overrun: asyncio.Event = field(default_factory=asyncio.Event)


class Live:
    """Fans messages out; never waits for a slow listener."""

    def __init__(self) -> None:
        self._listeners: set[Listener] = set()

    @contextmanager
    def listening(self) -> Iterator[Listener]:
        """Receive everything published while the block runs."""
        listener = Listener()
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    @property
    def listeners(self) -> int:
        """How many listen."""
        return len(self._listeners)

    def interrupt(self) -> None:
        """Let every listener read the present state again: something may have been committed untold."""
        for listener in self._listeners:
            listener.overrun.set()

    def publish(self, happening: Happening) -> None:
        """Hand a message to every listener that keeps up."""
        for listener in self._listeners:
            try:
                listener.queue.put_nowait(happening)
            except asyncio.QueueFull:
                listener.overrun.set()
