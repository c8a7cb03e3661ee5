"""Names for calls on the live bus: read once for each call that is published, however many sockets show it.

What is published holds ids; whose names those are is read when somebody is told. A socket asks for all that waits for
it at once, one socket after the other, and finds what another one has asked for before, so a call costs one read at
most and one read serves many calls when they come fast. Without a socket nothing is read.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence

from gateway.domain.call_view import Names, View
from gateway.store.database import Pool
from gateway.store.reading import names_of

KEPT = 2000
"""Published calls whose names are remembered: more than wait for a socket that keeps up."""


class LiveNames:
    """The names of published calls, shared by all sockets."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._turn = asyncio.Lock()
        self._read: OrderedDict[int, tuple[View, Names]] = OrderedDict()
        """By identity of what was published, which is kept with it so that nothing else can take its place."""

    async def of(self, bodies: Sequence[View]) -> list[Names]:
        """The names for each of these bodies, in their order.

        Args:
            bodies: as they were published; those that are no calls have no names.

        Raises:
            asyncpg.PostgresError, OSError: the database is away.
        """
        async with self._turn:
            new = [body for body in bodies if "managers" in body and id(body) not in self._read]
            if new:
                names = await names_of(self._pool, new)
                self._read.update({id(body): (body, names) for body in new})
            found = [self._read[id(body)][1] if id(body) in self._read else Names() for body in bodies]
            while len(self._read) > KEPT:
                self._read.popitem(last=False)
            return found
