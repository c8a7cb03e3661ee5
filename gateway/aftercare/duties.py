"""Does what is due at its time: deadlines, reminders, reports. The moment is an argument, so a day can be played.

A duty looks for rows whose time has come, changes them and returns facts, in one transaction; where nothing is due
it costs one look at an index. It is done by one node at a time (an advisory lock held by the transaction). After
downtime everything that came due meanwhile is done at the first look, once. What a duty does must be safe to repeat:
it selects by state, changes the state, and so finds nothing the second time.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from zlib import crc32

import asyncpg
import structlog

from gateway.aftercare.follow import now
from gateway.live import Happening, Live
from gateway.store.aftercare_health import forget_duty_fault, note_duty_fault
from gateway.store.database import DATABASE_AWAY, Connection, Pool
from gateway.store.facts import NewFact, save_facts

log = structlog.get_logger()

Work = Callable[[Connection, datetime], Awaitable[Sequence[NewFact]]]
"""Does what is due at the moment (UTC), within a transaction; gives facts."""
_LOCKS = 7462
_PAUSE_AFTER_A_FAULT = 30.0


class Duty:
    """One piece of work that is done whenever it is due."""

    def __init__(
        self, pool: Pool, name: str, work: Work, live: Live, *, every: float, clock: Callable[[], datetime] = now
    ) -> None:
        """Args:
        pool: the database that all nodes share.
        name: of the duty, the same on every node.
        work: what is done.
        live: told of the facts after the commit.
        every: seconds between two looks.
        clock: the present moment, UTC.
        """
        self._pool = pool
        self.name = name
        self._work = work
        self._live = live
        self._every = every
        self._clock = clock
        self._failed: bool | None = None
        """Whether the last look failed; None: there was none, and a gateway before this one may have left a fault."""
        self.faults = 0
        """Looks that failed since the start."""

    async def run(self) -> None:
        """Look for ever, until cancelled."""
        while True:
            pause = self._every
            try:
                await self.look(self._clock())
                if self._failed is not False:
                    await forget_duty_fault(self._pool, self.name)
                    self._failed = False
            except DATABASE_AWAY:
                raise
            except (
                Exception
            ) as fault:  # at this work's top: a fault in one duty must not end the gateway with its calls
                self.faults += 1
                self._failed = True
                log.exception("a duty failed and will be tried again", duty=self.name)
                with contextlib.suppress(asyncpg.PostgresError):  # a full disk fails the note as it failed the duty
                    await note_duty_fault(self._pool, self.name, type(fault).__name__)
                pause = max(self._every, _PAUSE_AFTER_A_FAULT)
            await asyncio.sleep(pause)

    async def look(self, moment: datetime) -> Sequence[NewFact]:
        """Do what is due at a moment; nothing where another node does it now."""
        async with self._pool.acquire() as connection, connection.transaction():
            if not await connection.fetchval("select pg_try_advisory_xact_lock($1, $2)", _LOCKS, _key(self.name)):
                return ()
            facts = await self._work(connection, moment)
            await save_facts(connection, facts)
        for fact in facts:
            self._live.publish(Happening(kind=fact.kind, body=fact.body, users=fact.users))
        return facts


def _key(name: str) -> int:
    """A lock's number within PostgreSQL's signed range."""
    return crc32(name.encode()) - 2**31
