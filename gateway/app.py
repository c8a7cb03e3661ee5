"""The composition root: builds every part, top to bottom, and owns every task in one TaskGroup.

    database -> tables -> pipelines <- journals, AMI engines
                              +-> live bus -> HTTP (API, live socket, metrics)
             recordings folder -> archive -> transcripts

A part that fails for good ends the process: a supervisor starts it again, and it goes on from the database.
"""

import asyncio
import contextlib
import os
import signal
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import structlog
from aiohttp import web
from prometheus_client import CollectorRegistry

from gateway.aftercare.backlog import AftercareBacklog
from gateway.aftercare.daily_report import Delivering
from gateway.aftercare.duties import Duty
from gateway.aftercare.follow import Follower, wake_followers
from gateway.aftercare.importing import Importer
from gateway.aftercare.meters import AftercareMeters
from gateway.aftercare.parts import duties_of, followers_of
from gateway.aftercare.webhooks import Sending
from gateway.api.parts import ApiParts, PartState
from gateway.api.server import make_app, make_runner
from gateway.commands.desk import CommandDesk
from gateway.demo.demonstration import Demonstration
from gateway.doctor.exchange_meters import ExchangeMeters
from gateway.doctor.meters import DoctorMeters
from gateway.doctor.rounds import Rounds
from gateway.domain.directory import Directory
from gateway.domain.errors import GatewayError, GiveUp
from gateway.domain.legs import LegEvent, LegEventKind
from gateway.domain.ports import Engine
from gateway.exchange_line import ExchangeLine
from gateway.holding import Holding
from gateway.line import Line, open_line, row_reader, tables_of
from gateway.live import Live
from gateway.metrics import Meters
from gateway.reading import kept_up
from gateway.settings import Http, Settings
from gateway.site import base_directory, mail_sender
from gateway.sound import Sound, open_sound
from gateway.store.database import Connection, Pool, open_pool
from gateway.store.embedded import open_embedded
from gateway.store.embedded_account import server_account
from gateway.store.embedded_folders import choose_home
from gateway.store.figures import keep_rule
from gateway.store.migrate import upgrade
from gateway.store.staff import count_tables
from spreadsheets.process import Tables
from webhooks.sender import open_sender

if TYPE_CHECKING:
    from gateway.store.embedded_server import Server

log = structlog.get_logger()

Task = Coroutine[object, object, object]
TABLES_CHANNEL = "trunkline_tables"
"""NOTIFY on it after changing users, extensions or endpoints."""
_LISTEN_CHECK_SECONDS = 30.0
_MANY_BYTES = 1 << 20
"""Some 200 calls: what a gateway that keeps up never has before it."""


class PartFailed(GiveUp, RuntimeError):
    """A part of the gateway failed in a way that it cannot mend; the gateway ends, to be started again."""

    def __init__(self, part: str, fault: BaseException) -> None:
        while isinstance(fault, BaseExceptionGroup):
            fault = fault.exceptions[0]
        root = str(Path(__file__).parent.parent)
        frames = traceback.extract_tb(fault.__traceback__)
        ours = [f for f in frames if f.filename.startswith(root) and "site-packages" not in f.filename[len(root) :]]
        where = "".join(f" in {f.filename[len(root) + 1 :]}, line {f.lineno}" for f in ours[-1:])
        super().__init__(f"the part '{part}' failed{where}: {type(fault).__name__}")
        self.part = part


class NoSocket(GiveUp, OSError):
    """The HTTP socket cannot be opened; free the port or change http.host and http.port."""

    def __init__(self, http: Http, fault: OSError) -> None:
        reason = os.strerror(fault.errno) if fault.errno else "no such address"
        super().__init__(
            f"http.host = {http.host!r}, http.port = {http.port} cannot be opened: {reason}; choose others."
        )


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[tuple[Pool, Pool, Pool, "Server | None"]]:
    """The site's own PostgreSQL, or the embedded one; migrated, and counted by the present rule.

    Yields:
        Connections for the calls, connections for the API (a slow report never holds up a call), connections for what
        follows calls (a caller whose route is asked for never waits for it), and the server.
    """
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
        api_pool = await stack.enter_async_context(open_pool(dsn))
        yield pool, api_pool, await stack.enter_async_context(open_pool(dsn)), server


class Gateway:
    """All parts of one node, ready to run."""

    def __init__(self, settings: Settings, pool: Pool, api_pool: Pool, after_pool: Pool, stop: asyncio.Event) -> None:
        self.settings = settings
        self.pool = pool
        self._api_pool = api_pool
        self._after_pool = after_pool
        self.live = Live()
        self.lines: dict[str, Line] = {}
        self.engines: dict[str, Engine] = {}
        self.directories: dict[str, Directory] = {}
        self.desk = CommandDesk(api_pool, self.live, self.engines, self.directories, call_refused=self.order_refused)
        self.sound: Sound | None = None
        self.webhooks: Sending | None = None
        self.delivering = Delivering(
            after_pool, self.live, mail=mail_sender(settings), folder=settings.home / "reports"
        )
        self.followers = followers_of(settings, after_pool, self.live)
        self.duties = duties_of(settings, after_pool, self.live, placer=self.desk.placing)
        self.aftercare = AftercareBacklog(after_pool)
        self.doctor = Rounds(settings, after_pool, self.live)
        self.demonstration = Demonstration(
            settings=settings,
            pool=after_pool,
            live=self.live,
            exchange=lambda: self.exchange,
            tables_changed=self.announce_tables,
        )
        self._tables = Tables()
        self.importer = Importer(after_pool, self.live, self._tables, settings.home / "imports")
        self._stop = stop

    def stop(self) -> None:
        """Ask the gateway to end in order."""
        self._stop.set()

    async def stopped(self) -> None:
        """Wait until somebody asks for the end."""
        await self._stop.wait()

    async def build(self, stack: AsyncExitStack) -> None:
        """Make a line for each PBX."""
        for pbx in self.settings.pbx.values():
            line = await open_line(stack, self.settings, pbx, self.pool, self.live, self.doctor.stir)
            self.lines[pbx.name] = line
            self.directories[pbx.name] = base_directory(pbx, self.settings.company)
            if line.asterisk is not None:
                self.engines[pbx.name] = line.asterisk
        self.sound = await open_sound(stack, self.settings, self.pool, self.live)
        sender = await stack.enter_async_context(open_sender(allowed=self.settings.webhooks.allowed_hosts))
        self.webhooks = Sending(self._after_pool, sender, self.live)
        for follower in self.followers:
            follower.calls_are_behind = self.calls_are_behind
            await follower.begin()  # before the first row of a call is read

    @property
    def exchange(self) -> ExchangeLine | None:
        """The exchange of our own; None: the site has PBXs, or no telephones at all."""
        return next((line.exchange for line in self.lines.values() if line.exchange is not None), None)

    def calls_are_behind(self) -> bool:
        """Whether the journal of a PBX holds many rows that are not read yet, as after downtime."""
        return any(line.journal.lag_bytes > _MANY_BYTES for line in self.lines.values())

    async def tables_changed(self) -> None:
        """Fold with the tables as they are in the database now."""
        for line in self.lines.values():
            line.pipeline.use(await tables_of(self.settings, line.settings, self.pool))
            if line.exchange is not None:
                line.exchange.engine.configure()

    async def listen_for_tables(self) -> None:
        """Follow changes of the tables made by other nodes and by the command line."""
        changed = asyncio.Event()

        def note(*_: object) -> None:
            changed.set()

        async with self.pool.acquire() as connection:
            connection.add_termination_listener(note)
            await connection.add_listener(TABLES_CHANNEL, note)
            try:
                while True:
                    await self.tables_changed()
                    await count_tables(connection)
                    await _wait_on(connection, changed)
            finally:
                connection.remove_termination_listener(note)
                with contextlib.suppress(asyncpg.InterfaceError):  # it is closed, and a stop must not end here
                    await connection.remove_listener(TABLES_CHANNEL, note)

    def tasks(self) -> dict[str, Task]:
        """Everything that runs for ever, by name."""
        tasks: dict[str, Task] = {"tables": kept_up(self.listen_for_tables, "tables")}
        for line in self.lines.values():
            tasks |= line.tasks()
        if self.sound is not None:
            tasks["counts of recordings"] = self.sound.backlog.run()
            for name, upkeep in self.sound.upkeeps.items():
                part = f"recordings of {name}"
                tasks[part] = Holding(self.pool, part).run(upkeep.run)
            if self.sound.transcripts is not None:
                tasks["transcripts"] = self.sound.transcripts.run()
        if self.webhooks is not None:
            tasks["webhooks sent"] = kept_up(self.webhooks.run, "webhooks sent")
        tasks["commands"] = kept_up(self.desk.watch.run, "commands")
        tasks["counts of the work after calls"] = self.aftercare.run()
        tasks["doctor"] = kept_up(self.doctor.run, "doctor")
        tasks["imports"] = kept_up(self.importer.run, "imports")
        tasks["reports sent"] = kept_up(self.delivering.run, "reports sent")
        tasks["feed"] = kept_up(lambda: wake_followers(self._after_pool, self.followers), "feed")
        kinds: tuple[tuple[str, Sequence[Follower | Duty]], ...] = (("follower", self.followers), ("duty", self.duties))
        for kind, parts in kinds:  # a follower and a duty may bear one name
            tasks |= {f"{kind}: {part.name}": kept_up(part.run, part.name) for part in parts}
        return tasks

    def api_parts(self, tasks: asyncio.TaskGroup) -> ApiParts:
        """What the HTTP server is made of."""
        if self.sound is None:
            raise RuntimeError("build() comes first")
        self.desk.begin(tasks)
        lines = self.lines
        registry = CollectorRegistry()
        registry.register(Meters(lines, self.sound, self.live))
        registry.register(DoctorMeters(self.doctor))
        registry.register(ExchangeMeters(lambda: None if self.exchange is None else self.exchange.view))
        registry.register(AftercareMeters(self.aftercare, self.duties, self.webhooks))
        return ApiParts(
            pool=self._api_pool,
            live=self.live,
            settings=self.settings,
            tasks=tasks,
            directories=self.directories,
            read_row={n: row_reader(line.settings) for n, line in lines.items()},
            telephony=self.engines,
            desk=self.desk,
            recordings=self.sound.storage,
            table_writer=self._tables,
            imports=self.importer,
            tables_changed=self.announce_tables,
            receiving={n: line.receiving for n, line in lines.items() if line.receiving is not None},
            softphones={n: line.softphones for n, line in lines.items() if line.softphones is not None},
            arrivals=self.sound.arrivals,
            look_at_pbx=self.doctor.look,
            states=self.states,
            registry=registry,
            demonstration=self.demonstration,
            look_at_exchange=self.exchange.look if self.exchange is not None else None,
        )

    async def announce_tables(self) -> None:
        """Fold with changed tables here at once, and on the other nodes soon."""
        await self.tables_changed()
        await self.pool.execute(f"notify {TABLES_CHANNEL}")

    async def order_refused(self, order: str, reason: str, at: datetime) -> None:
        """Write a refused order into its call's family."""
        pbx = await self.pool.fetchval("select pbx from command where id = $1", order)
        if line := self.lines.get(pbx):
            event = LegEvent(at=at, kind=LegEventKind.REFUSED, leg=order, family=order, reason=reason)
            await line.pipeline.note(event)

    def states(self) -> list[PartState]:
        """How the parts are doing, for readiness."""
        return [state for line in self.lines.values() for state in line.states()]


@asynccontextmanager
async def serving(app: web.Application, http: Http) -> AsyncIterator[None]:
    """Answer HTTP while the block runs; open requests get two seconds to end."""
    runner = make_runner(app, shutdown_timeout=2.0)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, http.host, http.port).start()
        except OSError as fault:
            raise NoSocket(http, fault) from fault
        yield
    finally:
        await runner.cleanup()


async def _wait_on(connection: Connection, changed: asyncio.Event) -> None:
    """Wait for a change; raises where the connection is gone, so that nobody waits on a dead one."""
    while not changed.is_set():
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LISTEN_CHECK_SECONDS):
                await changed.wait()
        await connection.execute("select 1")
    changed.clear()


async def _part(name: str, task: Task) -> None:
    """Run a part; one that fails ends the gateway, and says so before the others are ended."""
    try:
        await task
    except Exception as fault:  # at a task's top: whatever it is, this line tells a person where to look
        failure = PartFailed(name, fault)
        log.error(str(failure))
        raise failure from fault


async def run(settings: Settings, *, ready: Callable[[Gateway], Awaitable[None]] | None = None) -> None:
    """Run the gateway until it is told to stop: SIGTERM, or SIGINT, after which an exchange of our own ends too.

    Args:
        settings: checked before anything is opened.
        ready: called once everything runs.

    Raises:
        GatewayError: it cannot run, or a part of it failed; in words for a person.
    """
    loop, stop, by_hand = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)

    def interrupted() -> None:
        by_hand.set()
        stop.set()

    loop.add_signal_handler(signal.SIGINT, interrupted)
    try:
        async with open_database(settings) as (pool, api_pool, after_pool, server):
            gateway = Gateway(settings, pool, api_pool, after_pool, stop)
            await _run_parts(gateway, server, ready, by_hand)
    except BaseExceptionGroup as faults:
        log.debug("how the gateway failed", exc_info=True)
        raise _first(faults) from faults


async def _run_parts(
    gateway: Gateway,
    server: "Server | None",
    ready: Callable[[Gateway], Awaitable[None]] | None,
    by_hand: asyncio.Event,
) -> None:
    async with AsyncExitStack() as stack:
        await gateway.build(stack)
        async with asyncio.TaskGroup() as group:
            tasks = gateway.tasks()
            if server is not None:
                tasks["PostgreSQL"] = server.supervise()
            running = [group.create_task(_part(name, task), name=name) for name, task in tasks.items()]
            async with serving(make_app(gateway.api_parts(group)), gateway.settings.http):
                log.info("serving", address=gateway.settings.public_url)
                if ready is not None:
                    await ready(gateway)
                await gateway.stopped()
            log.info("stopping")
            if by_hand.is_set() and gateway.exchange is not None:  # Ctrl-C; a service's restart cuts no call
                gateway.exchange.engine.retire()
            for task in running:
                task.cancel()


def _first(faults: BaseException) -> BaseException:
    """The fault that began it, in words for a person."""
    while isinstance(faults, BaseExceptionGroup):
        faults = faults.exceptions[0]
    return faults if isinstance(faults, GatewayError) else PartFailed("gateway", faults)
