"""The live sockets that are open, so that they can be closed at once when their right to be open ends."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from gateway.api.problems import TooManyAttemptsError
from gateway.domain.access import Identity

SOCKETS_PER_CALLER = 10
"""A person has a few windows and a phone; more is a fault of a program."""


class TooManySocketsError(TooManyAttemptsError):
    """This caller has as many live sockets open as one may have; close one first."""

    def __init__(self) -> None:
        super().__init__(timedelta(seconds=30))


@dataclass(slots=True, eq=False, kw_only=True)
class OpenSocket:
    """One socket and the switch that closes it."""

    identity: Identity
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the session, the key or the person's right has ended."""


class OpenSockets:
    """All live sockets of this process."""

    def __init__(self) -> None:
        self._open: set[OpenSocket] = set()
        self._count: Counter[str] = Counter()
        self.closing = asyncio.Event()
        """Set when the server stops; whoever waits for events goes home."""

    def __len__(self) -> int:
        return len(self._open)

    @contextmanager
    def entered(self, identity: Identity) -> Iterator[OpenSocket]:
        """Count a socket while the block runs.

        Raises:
            TooManySocketsError: the caller has too many open.
        """
        caller = identity.principal.id
        if self._count[caller] >= SOCKETS_PER_CALLER:
            raise TooManySocketsError
        socket = OpenSocket(identity=identity)
        self._open.add(socket)
        self._count[caller] += 1
        try:
            yield socket
        finally:
            self._open.discard(socket)
            self._count[caller] -= 1
            if not self._count[caller]:
                del self._count[caller]

    def end_session(self, session: bytes) -> None:
        """Close what a session opened."""
        self._end(lambda identity: identity.session == session)

    def end_user(self, user_id: int, *, keep: bytes | None = None) -> None:
        """Close what a person opened, by session or key, except for one session."""
        own = str(user_id)
        self._end(lambda i: i.principal.manager == own and (keep is None or i.session != keep))

    def end_key(self, key_id: str) -> None:
        """Close what a key opened."""
        self._end(lambda identity: identity.principal.id == f"key:{key_id}")

    def _end(self, which: Callable[[Identity], bool]) -> None:
        for socket in self._open:
            if which(socket.identity):
                socket.ended.set()
