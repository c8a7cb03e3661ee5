"""Our own PostgreSQL: started with the gateway, supervised, adopted after a crash, stopped on a clean stop.

One gateway uses a folder at a time (it holds the folder's lock); the server itself outlives a killed gateway and is
taken over by the next one, so that nothing waits for recovery. Waiting for the server has no fixed limit, because
recovery takes as long as there is write-ahead log to read; a server that dies is noticed, and its last words are
shown. Sites with a PostgreSQL of their own set `database.url`, and nothing of this runs.
"""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from signal import SIGINT, SIGQUIT
from typing import NoReturn
from urllib.parse import quote

import asyncpg
import structlog

from gateway.domain.errors import GiveUp
from gateway.store.embedded_account import SERVER_USER, Account, Programs, find_programs, server_account
from gateway.store.embedded_process import (
    FolderInUse,
    ServerProcess,
    drop_stale_pid_file,
    find_server,
    only_gateway,
    processes_in,
    read_pid_file,
    start_server,
)
from gateway.store.embedded_recipe import (
    Layout,
    Passwords,
    PasswordsLost,
    prepare_data,
    prepare_directory,
    prepare_socket_folder,
    read_passwords,
    refuse_open_folder,
)

logger = structlog.get_logger(__name__)

DATABASE = "trunkline"

GUARDS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "logging_collector": "off",
    "log_error_verbosity": "terse",  # the DETAIL of an error quotes rows: names and telephone numbers
    "log_min_error_statement": "panic",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
}
"""Settings given on the command line, so that a file in the data folder cannot undo them."""

LOG_KEPT = 10_000_000  # bytes; a longer log is put aside at the next start
STOP_PATIENCE = 60.0  # seconds a fast shutdown may take (it writes a checkpoint)
LONGEST_PAUSE = 30.0  # seconds between two attempts to bring a died server back
CALM = 60.0  # seconds after which a restarted server counts as healthy again
LOOK_INTERVAL = 0.5  # seconds between two looks at the server's process


class ServerDied(GiveUp, RuntimeError):
    """PostgreSQL ended while it was starting; its log says why."""

    def __init__(self, log: Path, last_words: str) -> None:
        super().__init__(f"PostgreSQL ended while it was starting. The end of {log}:\n{last_words}")
        self.last_words = last_words


class Server:
    """A running embedded server. Made by `open_embedded` and `borrow_embedded`, never directly."""

    def __init__(
        self,
        *,
        layout: Layout,
        account: Account,
        programs: Programs,
        passwords: Passwords,
        settings: Mapping[str, str],
    ) -> None:
        self.layout = layout
        self.version = programs.version
        """Version of the programs, such as "18.6"."""
        self._account = account
        self._programs = programs
        self._passwords = passwords
        self._settings = settings
        self._process: ServerProcess | None = None
        self._socket_folder: Path | None = None

    @property
    def socket_dir(self) -> Path:
        """The private folder in which the server's socket lies."""
        assert self._socket_folder is not None, "the server has been started"
        return self._socket_folder

    @property
    def pid(self) -> int:
        """Process id of the server's head."""
        assert self._process is not None, "the server has been started"
        return self._process.pid

    @property
    def dsn(self) -> str:
        """How the gateway reaches its own database. Holds a password: never log it."""
        return self.dsn_for(DATABASE)

    def dsn_for(self, database: str, *, superuser: bool = False) -> str:
        """How to reach `database`, as the gateway's own role or as the superuser. Holds a password: never log it."""
        role, secret = ("trunkline", self._passwords.trunkline)
        if superuser:
            role, secret = ("postgres", self._passwords.postgres)
        return f"postgresql://{role}:{quote(secret)}@/{quote(database)}?host={quote(str(self.socket_dir), safe='')}"

    async def supervise(self) -> NoReturn:
        """Bring the server back whenever it dies, for ever; to be run in the gateway's task group."""
        while True:
            await self._until_dead()
            logger.error("database server died", last_words=self._last_words(0))
            await self._bring_back()

    async def _until_dead(self) -> None:
        while self._process is not None and self._process.is_alive():
            await asyncio.sleep(LOOK_INTERVAL)

    async def _bring_back(self) -> None:
        for attempt in itertools.count():
            try:
                await self.start()
                logger.info("database server is back", attempts=attempt + 1)
                return
            except (GiveUp, OSError) as reason:  # for instance a full disk: it comes back when there is space
                pause = min(LOOK_INTERVAL * 2**attempt, LONGEST_PAUSE)
                logger.error(
                    "database server does not start", reason=str(reason), seconds_to_next_attempt=pause
                )
                await asyncio.sleep(pause)

    async def start(self) -> None:
        """Adopt the server that runs on the folder or start one, and wait until it answers.

        Raises:
            ServerDied: it ended while starting.
        """
        if self.layout.log.exists() and self.layout.log.stat().st_size > LOG_KEPT:
            self.layout.log.rename(self.layout.log.with_suffix(".log.1"))
        log_end = self.layout.log.stat().st_size if self.layout.log.exists() else 0
        while True:
            self._process = await self._adopt() or self._launch()
            if await self._wait_until_ready():
                break
            if find_server(self.layout.data, self._account) is None:
                raise ServerDied(self.layout.log, self._last_words(log_end))
        await self._prepare_roles()

    async def _adopt(self) -> ServerProcess | None:
        """The server that a killed gateway left behind; waits while one is stopping or losing its last processes."""
        for look in itertools.count():
            pid_file = read_pid_file(self.layout.data)
            found = find_server(self.layout.data, self._account)
            if found and pid_file and pid_file.status != "stopping":
                logger.info("database server adopted", pid=found.pid)
                return ServerProcess(process=found)
            rest = processes_in(self.layout.data, self._account)
            if not rest:
                return None
            if look % 100 == 99:
                logger.warning("waiting for the former database server to end", processes=rest)
            await asyncio.sleep(0.1)
        return None

    def _launch(self) -> ServerProcess:
        drop_stale_pid_file(self.layout.data)
        folder = prepare_socket_folder(self.layout, self._account)
        settings = {**GUARDS, "unix_socket_directories": f'"{folder}"', **self._settings}
        command = [str(self._programs.folder / "postgres"), "-D", str(self.layout.data)]
        command += [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return start_server(command, self._account, self.layout.log)

    async def _wait_until_ready(self) -> bool:
        """True when the server says it is ready, False when it has died."""
        assert self._process is not None
        for look in itertools.count(1):
            pid_file = read_pid_file(self.layout.data)
            if pid_file and pid_file.pid == self._process.pid and pid_file.status == "ready":
                assert pid_file.socket_folder is not None
                refuse_open_folder(pid_file.socket_folder, self._account)
                self._socket_folder = pid_file.socket_folder
                return True
            if not self._process.is_alive():
                return False
            if look % 200 == 0:
                logger.info("database server is still starting", last_words=self._last_words(0, lines=1))
            await asyncio.sleep(0.05)
        return False

    def _last_words(self, since: int, *, lines: int = 10) -> str:
        with contextlib.suppress(OSError), self.layout.log.open("rb") as log:
            log.seek(max(since, self.layout.log.stat().st_size - 10_000))
            return "\n".join(log.read().decode(errors="replace").splitlines()[-lines:])
        return ""

    async def _prepare_roles(self) -> None:
        """Make the gateway's role and database; what a killed start left undone is done by the next one."""
        try:
            session = await asyncpg.connect(self.dsn_for("postgres", superuser=True))
        except asyncpg.InvalidPasswordError as reason:
            raise PasswordsLost from reason
        try:
            secret = self._passwords.trunkline
            if not await session.fetchval("select 1 from pg_roles where rolname = 'trunkline'"):
                await session.execute(f"create role trunkline login password '{secret}'")
            # A failed statement is told to the gateway; in the server's log its message could quote a number.
            await session.execute("alter role trunkline set log_min_messages = 'log'")
            if not await session.fetchval("select 1 from pg_database where datname = $1", DATABASE):
                await session.execute(f"create database {DATABASE} owner trunkline")
        finally:
            await session.close()

    async def stop(self) -> None:
        """Fast shutdown: open transactions are rolled back, everything committed is on disk."""
        process = self._process
        if process is None:
            return
        for number, patience in ((SIGINT, STOP_PATIENCE), (SIGQUIT, 10.0)):
            process.signal(number)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(patience):
                    while process.is_alive():
                        await asyncio.sleep(0.02)
                return
            logger.warning("database server does not stop", pid=process.pid)


@contextlib.asynccontextmanager
async def open_embedded(
    directory: Path, *, user: str = SERVER_USER, settings: Mapping[str, str] | None = None
) -> AsyncIterator[Server]:
    """Run the embedded server for the time of the context; run `Server.supervise` in a task beside it.

    Args:
        directory: the gateway's folder; the data lie in `pg18` below it. Made if missing.
        user: system user for the server where the gateway runs as root; made if missing.
        settings: further PostgreSQL settings, which win over ours (tests switch fsync off).
    Raises:
        FolderInUse: another gateway uses the folder.
        GiveUp: any other reason that a person must look at, each with its remedy.
    """
    account = await asyncio.to_thread(server_account, user)
    layout = prepare_directory(directory, account)
    with only_gateway(layout.lock):
        programs = await asyncio.to_thread(find_programs, layout.directory, account)
        passwords = await asyncio.to_thread(prepare_data, layout, programs, account)
        server = Server(
            layout=layout, account=account, programs=programs, passwords=passwords, settings=settings or {}
        )
        try:
            await server.start()
            yield server
        finally:
            await server.stop()
