"""Whether the disk of the recordings has room: below the limit, ingest and transcription pause; calls never do.

PostgreSQL dies when its disk is full (measured), so what can wait stops before. Going below the limit and coming
back are one fact each (`recordings.paused`, `recordings.resumed`), one line in the log, and a message of the live
bus. It resumes 5 % above the limit, so that it does not flutter at it.
"""

from collections.abc import Callable

import structlog

from gateway.live import Happening, Live
from gateway.store.database import Pool
from gateway.store.facts import NewFact, save_facts

log = structlog.get_logger()

_ABOVE = 1.05


class FreeSpace:
    """One disk, watched by whoever is about to write on it."""

    def __init__(self, pool: Pool, live: Live, free_bytes: Callable[[], int], *, limit: int) -> None:
        """Args:
        pool: the database, for the facts.
        live: told after each fact.
        free_bytes: what may still be written on the disk.
        limit: bytes below which work pauses; 0: never.
        """
        self._pool = pool
        self._live = live
        self._free_bytes = free_bytes
        self._limit = limit
        self.paused = False
        """Whether ingest and transcription pause at the moment."""

    async def enough(self) -> bool:
        """Whether work may go on; asked before each piece of it.

        Raises:
            asyncpg.PostgresError, OSError: the change could not be written down; ask again.
        """
        free = self._free_bytes()
        low = free < self._limit * (_ABOVE if self.paused else 1)
        if low is not self.paused:
            self.paused = low
            try:
                await self._tell(free)
            except BaseException:
                self.paused = not low  # told at the next question
                raise
        return not low

    async def _tell(self, free: int) -> None:
        kind = "recordings.paused" if self.paused else "recordings.resumed"
        body: dict[str, object] = {"free_bytes": free, "limit_bytes": self._limit}
        async with self._pool.acquire() as connection, connection.transaction():
            await save_facts(connection, [NewFact(kind=kind, body=body)])
        if self.paused:
            log.error("the disk of the recordings is nearly full; ingest and transcription pause", **body)
        else:
            log.info("the disk of the recordings has room again; ingest and transcription go on", **body)
        self._live.publish(Happening(kind=kind, body=body))
