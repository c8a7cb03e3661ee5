"""How the work after calls does, asked of the database now and then for `/metrics`: a scrape must not wait for it."""

import asyncio

import asyncpg
import structlog

from gateway.store.aftercare_health import AftercareHealth, aftercare_health
from gateway.store.database import DATABASE_AWAY, Pool

log = structlog.get_logger()

_PERIOD = 30.0


class AftercareBacklog:
    """The figures as they were half a minute ago at most; `run` is its one task."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self.health: AftercareHealth | None = None
        """None: not asked yet, or the database is away."""

    async def run(self) -> None:
        """Ask for ever."""
        while True:
            await self.count()
            await asyncio.sleep(_PERIOD)

    async def count(self) -> None:
        """Ask once; where the database is away there are no figures rather than old ones."""
        try:
            self.health = await aftercare_health(self._pool)
        except (asyncpg.PostgresError, *DATABASE_AWAY) as fault:
            self.health = None
            log.warning("the work after calls not counted; the database is away", fault=type(fault).__name__)
