"""The embedded server while it runs: adopt or start it, wait for it, bring it back, stop it.

Waiting for the server has no fixed limit, because recovery takes as long as there is write-ahead log to
read; a server that dies is noticed, and its last words are shown.
"""

import asyncio
import contextlib
import itertools
import time
from collections.abc import Mapping
from pathlib import Path
from signal import SIGINT, SIGQUIT
from typing import NoReturn
from urllib.parse import quote

import asyncpg
import structlog

from gateway.domain.errors import GiveUp
from gateway.store.embedded_account import Account, Programs
from gateway.store.embedded_folders import Layout, drop_stale_socket, prepare_socket_folder, refuse_open_folder
from gateway.store.embedded_process import (
    ServerProcess,
    drop_stale_pid_file,
    find_server,
    processes_in,
    read_pid_file,
    start_server,
)
from gateway.store.embedded_recipe import Passwords, PasswordsLost

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
FIRST_PAUSE = 0.5  # seconds before the second attempt to bring a died server back; then doubled
LONGEST_PAUSE = 30.0
CALM = 60.0  # seconds after which a restarted server counts as healthy again


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
        """Address of the gateway's own database. Holds a password: never log it."""
        return self.dsn_for(DATABASE)

    def dsn_for(self, database: str, *, superuser: bool = False) -> str:
        """Address of `database` for the gateway's role or the superuser. Holds a password: never log it."""
        role, secret = "trunkline", self._passwords.trunkline
        if superuser:
            role, secret = "postgres", self._passwords.postgres
        folder = quote(str(self.socket_dir), safe="")
        return f"postgresql://{role}:{quote(secret)}@/{quote(database)}?host={folder}"

    async def supervise(self) -> NoReturn:
        """Bring the server back whenever it dies, for ever; to be run in the gateway's task group.

        The first attempt follows at once; the pauses between further ones grow to half a minute. A full disk
        is the usual reason why the server does not come back, and it does so when there is space again.
        """
        pause = 0.0
        while True:
            began = time.monotonic()
            assert self._process is not None, "the server has been started"
            await self._process.ended(look_every=0.5)
            if time.monotonic() - began > CALM:
                pause = 0.0
            logger.error("database server died", last_words=self._last_words(), seconds_to_restart=pause)
            await asyncio.sleep(pause)
            pause = min(max(2 * pause, FIRST_PAUSE), LONGEST_PAUSE)
            try:
                await self.start()
            except (GiveUp, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as reason:
                logger.error("database server does not start", reason=str(reason))
            else:
                logger.info("database server is back", pid=self.pid)

    async def start(self) -> None:
        """Adopt the server that runs on the folder or start one, and wait until it answers.

        Raises:
            ServerDied: it ended while starting.
            PasswordsLost: it does not accept our passwords.
        """
        log = self.layout.log
        if log.exists() and log.stat().st_size > LOG_KEPT:
            log.rename(log.with_suffix(".log.1"))
        log_end = log.stat().st_size if log.exists() else 0
        while True:
            command = self._command()
            self._process = await self._adopt(command) or self._launch(command)
            if await self.ready():
                break
            if find_server(self.layout.data, self._account) is None:
                raise ServerDied(log, self._last_words(log_end))
        await self._prepare_roles()

    def _command(self) -> list[str]:
        folder = prepare_socket_folder(self.layout, self._account)
        settings = {**GUARDS, "unix_socket_directories": f'"{folder}"', **self._settings}
        command = [str(self._programs.folder / "postgres"), "-D", str(self.layout.data)]
        return command + [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]

    def _launch(self, command: list[str]) -> ServerProcess:
        drop_stale_pid_file(self.layout.data)
        drop_stale_socket(prepare_socket_folder(self.layout, self._account))
        return start_server(command, self._account, self.layout.log)

    async def _adopt(self, command: list[str]) -> ServerProcess | None:
        """The server that a killed gateway left behind, if it runs as we would run it; None if there is none.

        One that runs other programs or settings, or is stopping already, is stopped. Waits while processes of a
        server whose head died are still in the folder.
        """
        for look in itertools.count(1):
            pid_file = read_pid_file(self.layout.data)
            found = find_server(self.layout.data, self._account)
            if found and pid_file:
                self._process = ServerProcess(process=found)
                if pid_file.status != "stopping" and self._process.runs(command):
                    logger.info("database server adopted", pid=found.pid)
                    return self._process
                await self.stop()  # fast, also where it waits for its clients since a SIGTERM
            rest = processes_in(self.layout.data, self._account)
            if not rest:
                return None
            if look % 100 == 0:
                logger.warning("waiting for the former database server to end", processes=rest)
            await asyncio.sleep(0.1)
        return None

    def borrow(self) -> bool:
        """Use the server that another gateway runs on the folder, if there is one."""
        if found := find_server(self.layout.data, self._account):
            self._process = ServerProcess(process=found)
        return found is not None

    async def ready(self) -> bool:
        """Wait for the server, however long; True when it says it is ready, False when it has died."""
        assert self._process is not None
        for look in itertools.count(1):
            pid_file = read_pid_file(self.layout.data)
            if pid_file and pid_file.pid == self._process.pid and pid_file.status == "ready":
                assert pid_file.socket_folder is not None, "the line before the status"
                refuse_open_folder(pid_file.socket_folder, self._account)
                self._socket_folder = pid_file.socket_folder
                return True
            if not self._process.is_alive():
                return False
            if look % 200 == 0:
                logger.info("database server is still starting", last_words=self._last_words(lines=1))
            await asyncio.sleep(0.05)
        return False

    def _last_words(self, since: int = 0, *, lines: int = 10) -> str:
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
            if not await session.fetchval("select 1 from pg_roles where rolname = 'trunkline'"):
                secret = self._passwords.trunkline  # letters, digits, dash and underscore: nothing to quote
                await session.execute(f"create role trunkline login password '{secret}'")
            # A failed statement is told to the gateway; in the server's log its message could quote a number.
            await session.execute("alter role trunkline set log_min_messages = 'log'")
            if not await session.fetchval("select 1 from pg_database where datname = $1", DATABASE):
                await session.execute(f"create database {DATABASE} owner trunkline")
        finally:
            await session.close()

    async def stop(self) -> None:
        """Fast shutdown: open transactions are rolled back, everything committed is on disk."""
        if self._process is not None:
            await self._end(self._process)
        if self._socket_folder is not None:
            with contextlib.suppress(OSError):  # not empty if the server still runs
                self._socket_folder.rmdir()

    async def _end(self, process: ServerProcess) -> None:
        for number, patience in ((SIGINT, STOP_PATIENCE), (SIGQUIT, 10.0)):
            process.signal(number)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(patience):
                    await process.ended()
                return
            logger.warning("database server does not stop", pid=process.pid)
