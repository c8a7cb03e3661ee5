"""The composition root: builds every part, top to bottom, and owns every task in one TaskGroup.

    database -> tables -> pipelines <- journals, AMI engines
                              +-> live bus -> HTTP (API, live socket, metrics)
             recordings folder -> archive -> transcripts

A part that fails for good ends the process: a supervisor starts it again, and it goes on from the database.
"""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from gateway.domain.legs import LegEvent
from gateway.live import Live
from gateway.pipeline import Pipeline
from gateway.reading import read_journal
from gateway.settings import Pbx, Settings
from gateway.site import base_directory
from gateway.store.database import Pool, open_pool
from gateway.store.embedded import open_embedded
from gateway.store.embedded_account import server_account
from gateway.store.embedded_folders import choose_home
from gateway.store.figures import keep_rule
from gateway.store.migrate import upgrade
from gateway.store.staff import load_tables
from sip.cel import Clock, read_row
from sip.journal import JournalStatus

if TYPE_CHECKING:
    from gateway.store.embedded_server import Server

log = structlog.get_logger()

Task = Coroutine[object, object, object]


@dataclass(slots=True, kw_only=True)
class Line:
    """One PBX with everything that serves it."""

    settings: Pbx
    pipeline: Pipeline
    journal: JournalStatus = field(default_factory=JournalStatus)

    def reader(self) -> Callable[[bytes], LegEvent | None]:
        """Maps a journal row of this PBX."""
        return row_reader(self.settings)


def row_reader(pbx: Pbx) -> Callable[[bytes], LegEvent | None]:
    """The mapper of a PBX's journal rows, with its zone where times are local."""
    clock = Clock(timezone=pbx.journal.timezone) if pbx.journal.timezone else None
    return lambda row: read_row(row, clock)


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[tuple[Pool, "Server | None"]]:
    """The site's own PostgreSQL, or the embedded one; migrated, and counted by the present rule."""
    async with AsyncExitStack() as stack:
        server: Server | None = None
        if settings.database.url is not None:
            dsn = settings.database.url.get_secret_value()
        else:
            home = choose_home(settings.home, server_account())
            server = await stack.enter_async_context(open_embedded(home))
            dsn = server.dsn
        await upgrade(dsn)
        pool = await stack.enter_async_context(open_pool(dsn))
        zone = str(settings.company.timezone)
        if await keep_rule(pool, long_seconds=settings.goals.seconds, zone=zone):
            log.info("figures counted by the present rule", long_seconds=settings.goals.seconds)
        yield pool, server


class Gateway:
    """All parts of one node, ready to run."""

    def __init__(self, settings: Settings, pool: Pool) -> None:
        self.settings = settings
        self.pool = pool
        self.live = Live()
        self.lines: dict[str, Line] = {}
        self._stop = asyncio.Event()

    def stop(self) -> None:
        """Ask the gateway to end in order."""
        self._stop.set()

    async def stopped(self) -> None:
        """Wait until somebody asks for the end."""
        await self._stop.wait()

    async def build(self) -> None:
        """Make a line for each PBX."""
        for pbx in self.settings.pbx.values():
            tables = await load_tables(
                self.pool, base_directory(pbx, self.settings.company), self.settings.company.timezone
            )
            pipeline = Pipeline(
                self.pool,
                row_reader(pbx),
                tables,
                self.live,
                long_seconds=self.settings.goals.seconds,
                holds_seen=pbx.ami is not None,
            )
            self.lines[pbx.name] = Line(settings=pbx, pipeline=pipeline)

    async def tables_changed(self) -> None:
        """Fold with the tables as they are in the database now."""
        for line in self.lines.values():
            base = base_directory(line.settings, self.settings.company)
            line.pipeline.use(await load_tables(self.pool, base, self.settings.company.timezone))

    def tasks(self) -> dict[str, Task]:
        """Everything that runs for ever, by name."""
        tasks: dict[str, Task] = {}
        for name, line in self.lines.items():
            if line.settings.journal.path is not None:
                tasks[f"journal of {name}"] = read_journal(
                    line.settings.journal.path, self.pool, line.pipeline, line.journal
                )
        return tasks


async def run(settings: Settings, *, ready: Callable[[Gateway], Awaitable[None]] | None = None) -> None:
    """Run the gateway until it is told to stop (SIGTERM, SIGINT).

    Args:
        settings: checked before anything is opened.
        ready: called once everything runs.
    """
    loop = asyncio.get_running_loop()
    async with open_database(settings) as (pool, server):
        gateway = Gateway(settings, pool)
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, gateway.stop)
        await gateway.build()
        async with asyncio.TaskGroup() as group:
            running = [group.create_task(task, name=name) for name, task in gateway.tasks().items()]
            if server is not None:
                running.append(group.create_task(server.supervise(), name="PostgreSQL"))
            if ready is not None:
                await ready(gateway)
            await gateway.stopped()
            log.info("stopping")
            for task in running:
                task.cancel()
