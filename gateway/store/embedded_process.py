"""The running server as a process: is it ours, is it ready, who else is in the folder, who holds the lock.

A pid file outlives its process, and the number may by then belong to an unrelated program. So a pid is
believed only if that process runs a program called postgres, as the server's account, with the data folder
as its working directory (the server goes there before it writes the file). The file's form is PostgreSQL's
(`miscadmin.h`: pid, data folder, start, port, socket folder, address, shared memory key, status).
"""

import asyncio
import contextlib
import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from signal import Signals
from typing import IO

import psutil

from gateway.domain.errors import GiveUp
from gateway.store.embedded_account import ENVIRONMENT, Account, FolderNotOurs

LINGER_SECONDS = 0.5


class FolderInUse(GiveUp, BlockingIOError):
    """Another gateway uses this folder; stop it first."""

    def __init__(self, lock: Path, holder: str) -> None:
        super().__init__(f"{lock.parent} is in use by another gateway ({holder}); stop that one first.")
        self.holder = holder


@contextlib.contextmanager
def only_gateway(lock: Path) -> Iterator[None]:
    """Hold the folder's lock; the system frees it when this process ends, however it ends.

    Raises:
        FolderInUse: another process holds it; the message says which.
    """
    # Not inherited by programs that we start (PEP 446), so the server that outlives us does not hold it.
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as reason:
        raise FolderNotOurs(f"{lock} cannot be opened ({reason}); start the gateway as its owner.") from reason
    with os.fdopen(descriptor, "r+") as file:
        if not _locked(file):
            raise FolderInUse(lock, file.read().strip() or "it is just starting")
        file.truncate()
        now = datetime.now(UTC)
        file.write(f"process {os.getpid()}, {Path(sys.argv[0]).name}, since {now:%Y-%m-%d %H:%M:%S} UTC\n")
        file.flush()
        yield


def _locked(file: IO[str]) -> bool:
    """Take the lock; one whose holder was killed may be held for a moment more, by what he was just starting."""
    end = time.monotonic() + LINGER_SECONDS
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > end:
                return False
            time.sleep(LINGER_SECONDS / 20)
        else:
            return True


@dataclass(frozen=True, slots=True, kw_only=True)
class PidFile:
    """What the server wrote about itself; fields not yet written are None."""

    pid: int
    socket_folder: Path | None
    status: str | None
    """"starting", "ready", "stopping" or "standby"."""


def read_pid_file(data: Path) -> PidFile | None:
    """The pid file of a data folder; None if there is none or it is not (yet) one."""
    try:
        lines = (data / "postmaster.pid").read_text(errors="replace").splitlines()
        pid = int(lines[0])
    except (OSError, ValueError, IndexError):
        return None
    if not 0 < pid < 2**31:  # a negative one is a repair in single-user mode, never a server
        return None
    found = dict(enumerate(line.strip() for line in lines))
    folder = found.get(4)
    return PidFile(pid=pid, socket_folder=Path(folder) if folder else None, status=found.get(7))


def works_in(process: psutil.Process, data: Path, account: Account) -> bool:
    """Whether `process` is a live postgres of `account` on this data folder."""
    try:
        if process.status() == psutil.STATUS_ZOMBIE or process.uids().effective != account.uid:
            return False
        program = Path(process.exe().removesuffix(" (deleted)")).name
        return program == "postgres" and Path(process.cwd()).samefile(data)
    except (psutil.Error, OSError):
        return False


def find_server(data: Path, account: Account) -> psutil.Process | None:
    """The server that runs on this data folder according to its pid file, if the file can be believed."""
    pid_file = read_pid_file(data)
    if pid_file is None:
        return None
    try:
        process = psutil.Process(pid_file.pid)
    except psutil.NoSuchProcess:
        return None
    return process if works_in(process, data, account) else None


def processes_in(data: Path, account: Account) -> list[int]:
    """Process ids of every postgres on this folder: those of a server whose head died go on for a moment."""
    return [process.pid for process in psutil.process_iter() if works_in(process, data, account)]


def drop_stale_pid_file(data: Path) -> None:
    """Remove a pid file that is damaged or whose number now belongs to an unrelated program.

    PostgreSQL would refuse to start with it. To be called only when no postgres works in the folder. A number
    that belongs to nobody is left for PostgreSQL, which then also checks its shared memory. (A dead process
    that nobody reaps, as in a container without an init, keeps its number, too.)
    """
    pid_file = read_pid_file(data)
    if pid_file is None or psutil.pid_exists(pid_file.pid):
        (data / "postmaster.pid").unlink(missing_ok=True)


@dataclass(slots=True, kw_only=True)
class ServerProcess:
    """The head of a running server; `child` if this gateway started it, None if it was adopted."""

    process: psutil.Process
    child: "subprocess.Popen[bytes] | None" = None

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    def is_alive(self) -> bool:
        """Whether it runs (a dead child is reaped on the way)."""
        if self.child is not None:
            return self.child.poll() is None
        try:
            return self.process.is_running() and self.process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    async def ended(self, *, look_every: float = 0.02) -> None:
        """Wait until it has gone; an adopted process is nobody's child, so we can only look again and again.

        Args:
            look_every: seconds between two looks.
        """
        while self.is_alive():  # noqa: ASYNC110
            await asyncio.sleep(look_every)

    def runs(self, command: list[str]) -> bool:
        """Whether it was started by this very command, and its program not been replaced on disk since."""
        try:
            program = Path(f"/proc/{self.pid}/exe")
            replaced = program.exists() and not program.samefile(command[0])
            return self.process.cmdline() == command and not replaced
        except (psutil.Error, OSError):
            return False

    def signal(self, number: Signals) -> None:
        """Send a signal; nothing happens if the process has gone."""
        with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
            self.process.send_signal(number)


def start_server(command: list[str], account: Account, log: Path) -> ServerProcess:
    """Start the server, speaking into `log`; in a session of its own, so that our end is not its end."""
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "ab") as output:
        child = subprocess.Popen(
            command,
            cwd="/",
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            umask=0o077,
            user=account.uid if account.switched else None,
            group=account.gid if account.switched else None,
            extra_groups=[] if account.switched else None,
        )
    return ServerProcess(process=psutil.Process(child.pid), child=child)
