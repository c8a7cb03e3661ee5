"""Looks at every PBX each hour and soon after it was reloaded: upgrades and reloads undo what was set up.

One node looks at a time (a lease). A look takes part in nothing: it opens a connection of its own, asks, and closes it.
What it finds is kept; what has changed is a fact for those who may read it, with the remedy in it.
"""

import asyncio
from collections import defaultdict
from contextlib import suppress
from datetime import UTC, datetime

import asyncpg
import structlog

from gateway.doctor.findings import Level, as_object, names_of
from gateway.doctor.pbx import examine_pbx
from gateway.holding import Holding
from gateway.live import Happening, Live
from gateway.reading import kept_up
from gateway.settings import Settings
from gateway.store.database import DATABASE_AWAY, Pool
from gateway.store.doctor_runs import DoctorRun, last_runs, save_run

log = structlog.get_logger()

EVERY = 3600.0
"""Seconds from one look to the next."""
SETTLED = 10.0
"""Seconds after the last sign of a reload; a FreePBX reloads a dozen modules one after the other."""
_AFTER_A_FAULT = 300.0
_WHILE_AWAY = 30.0
_REFUSED_FOR_NOW = (*DATABASE_AWAY, asyncpg.PostgresError)


class Rounds:
    """The hourly looks, and those that somebody asks for."""

    def __init__(
        self, settings: Settings, pool: Pool, live: Live, *, every: float = EVERY, settled: float = SETTLED
    ) -> None:
        """Args:
        settings: the site's.
        pool: the database that all nodes share.
        live: told of what has changed.
        every: seconds between two looks.
        settled: seconds of quiet after a reload.
        """
        self._settings = settings
        self._pool = pool
        self._live = live
        self._every = every
        self.settled = settled
        self._stirred: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._looking: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.faults: dict[str, int] = {}
        """Faults that the last look found, by PBX; of this process, or read from the last one's."""

    def stir(self, pbx: str) -> None:
        """Something of this PBX was loaded anew: look at it soon."""
        self._stirred[pbx].set()

    async def run(self) -> None:
        """Go on for ever, on one node at a time."""
        self.faults |= {run.pbx: run.faults for run in await last_runs(self._pool) if run.pbx in self._settings.pbx}
        await Holding(self._pool, "doctor").run(lambda: kept_up(self._rounds, "doctor"))

    async def look(self, pbx: str) -> DoctorRun:
        """Look at a PBX now; who comes while somebody looks waits, and looks again.

        Args:
            pbx: its name in the settings.

        Raises:
            KeyError: there is none of this name.
        """
        async with self._looking[pbx]:
            found = await examine_pbx(self._settings, self._settings.pbx[pbx], self._pool)
            levels = [finding.level for finding in found.findings]
            run = DoctorRun(
                pbx=pbx,
                kind=found.kind,
                at=datetime.now(UTC),
                faults=levels.count(Level.FAULT),
                advice=levels.count(Level.ADVICE),
                findings=[as_object(finding) for finding in found.findings],
                wrong=names_of(found.findings),
            )
            saved, facts = await save_run(self._pool, run)
            self.faults[pbx] = saved.faults
        for fact in facts:
            log.warning("a PBX has changed", pbx=pbx, kind=fact.kind, faults=sorted(saved.wrong))
            self._live.publish(Happening(kind=fact.kind, body=fact.body, users=fact.users))
        return saved

    async def _rounds(self) -> None:
        last = {run.pbx: run.at for run in await last_runs(self._pool)}
        async with asyncio.TaskGroup() as group:
            for pbx in self._settings.pbx:
                group.create_task(self._follow(pbx, last.get(pbx)), name=f"doctor of {pbx}")

    async def _follow(self, pbx: str, last: datetime | None) -> None:
        """One PBX for ever; a gateway that was started anew goes on with the hour of the one before."""
        age = self._every if last is None else (datetime.now(UTC) - last).total_seconds()
        await self._wait(pbx, max(self.settled, self._every - age))
        while True:
            pause = self._every
            try:
                await self.look(pbx)
            except _REFUSED_FOR_NOW as fault:
                log.warning(
                    "a look at a PBX could not be kept; the database is away", pbx=pbx, fault=type(fault).__name__
                )
                pause = min(_WHILE_AWAY, self._every)
            except Exception:  # at this work's top: what a strange PBX answers must not end the gateway
                log.exception("a look at a PBX failed and will be tried again", pbx=pbx)
                pause = min(_AFTER_A_FAULT, self._every)
            await self._wait(pbx, pause)

    async def _wait(self, pbx: str, seconds: float) -> None:
        """Until the next look is due: the hour is over, or a reload has settled."""
        stirred = self._stirred[pbx]
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await stirred.wait()
                while stirred.is_set():
                    stirred.clear()
                    await asyncio.sleep(self.settled)
