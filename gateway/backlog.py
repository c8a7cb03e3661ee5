"""What waits and what failed among recordings and transcripts, counted now and then for `/metrics`.

The figures stand in the database, where every node sees the same ones; a scrape must not wait for it.
"""

import asyncio
from datetime import timedelta

import asyncpg
import structlog

from gateway.store.database import DATABASE_AWAY, Pool
from gateway.store.recordings import UpkeepCounts, upkeep_counts

log = structlog.get_logger()

GRACE = timedelta(minutes=10)
"""How long after its recording was found a leg may still be missing from the journal."""
_PERIOD = 30.0


class Backlog:
    """The counts as they were half a minute ago at most; `run` is its one task."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self.counts: UpkeepCounts | None = None
        """None: not counted yet, or the database is away."""

    async def run(self) -> None:
        """Count for ever."""
        while True:
            await self.count()
            await asyncio.sleep(_PERIOD)

    async def count(self) -> None:
        """Count once; where the database is away there are no figures rather than old ones."""
        try:
            self.counts = await upkeep_counts(self._pool, grace=GRACE)
        except (asyncpg.PostgresError, *DATABASE_AWAY) as fault:
            self.counts = None
            log.warning("recordings not counted; the database is away", fault=type(fault).__name__)
