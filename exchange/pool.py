"""The exchange's workers: started ahead, chosen for a call, watched, and replaced when they die.

A worker is a process of four legs (`exchange.worker`). The library in it ends the process at misuse and may do so at
strange input, so a death is an expected event: whoever hears the pool is told which legs went, and another worker is
started, at once the first time and later and later while deaths go on. A worker that hangs is worse than a dead one;
each is asked over SIP (OPTIONS) now and then, and one that answers nothing is killed.
"""

import asyncio
import importlib.util
import os
import platform
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from exchange.wire import (
    Event,
    Ready,
)
from exchange.worker_process import CALL_LEGS, Died, WorkerProcess
from exchange.worker_settings import WorkerSettings
from gateway.domain.errors import GiveUp

START_SECONDS = 20.0
SILENT_PULSES = 4
HEALTHY_SECONDS = 60.0
BACK_OFF = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
_NUDGE = b"\r\n\r\n"
_ROOT = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolLimits:
    """When workers are asked, given up and let go.

    Attributes:
        pulse_seconds: between two questions whether a worker still answers.
        stop_seconds: for hanging up and ending, then it is ended by force.
        carried: legs after which a worker is replaced between calls.
    """

    pulse_seconds: float = 5.0
    stop_seconds: float = 6.0
    carried: int = 2000


class EngineMissing(GiveUp, ImportError):
    """The embedded engine has no telephone library for this machine (it comes for Linux x86-64 with glibc, macOS and
    Windows); use Asterisk here."""


class WorkerNotStarted(GiveUp, OSError):
    """No worker of the embedded engine could start; look at the address and ports of its settings."""


__all__ = [
    "Died",
    "EngineMissing",
    "Hear",
    "WorkerNotStarted",
    "WorkerPool",
    "WorkerProcess",
    "check_library",
    "open_pool",
]

DEFAULT_LIMITS = PoolLimits()
Hear = Callable[[WorkerProcess, Event | Died], None]


class WorkerPool(asyncio.DatagramProtocol):
    """All workers of an exchange.

    Attributes:
        workers: those that live, by number.
        deaths: how many died unasked.
    """

    def __init__(self, settings: WorkerSettings, hear: Hear, *, ahead: int, most: int, limits: PoolLimits) -> None:
        """Made by `open_pool` alone."""
        self.workers: dict[int, WorkerProcess] = {}
        self.deaths = 0
        self._settings = settings
        self._hear = hear
        self._ahead = ahead
        self._most = most
        self._limits = limits
        self._count = 0
        self._early_deaths = 0
        self._closing = False
        self._wanted = asyncio.Event()
        self._ready = asyncio.Event()
        self._failed = ""
        self._socket: asyncio.DatagramTransport | None = None

    def choose(self, legs: int = 2) -> WorkerProcess | None:
        """The worker for a new call: of those with room, the one with most; None: all are taken.

        Args:
            legs: places that it must have.
        """
        fit = [worker for worker in self.workers.values() if worker.fit >= legs]
        chosen = max(fit, key=lambda worker: (worker.fit, -worker.number), default=None)
        self._wanted.set()
        return chosen

    @property
    def room(self) -> int:
        """New calls that the workers which are ready can take at this moment."""
        return sum(max(0, worker.fit) // CALL_LEGS for worker in self.workers.values())

    @property
    def room_comes(self) -> bool:
        """Whether there will be room for a call in a moment: a worker starts, or legs that were given up go."""
        comes = any(not worker.port or worker.free >= CALL_LEGS for worker in self.workers.values())
        return not self._closing and (comes or self._lacking())

    def worker_of(self, leg: str) -> WorkerProcess | None:
        """The worker that carries a leg."""
        return next((worker for worker in self.workers.values() if leg in worker.legs), None)

    async def ready(self) -> None:
        """Wait for the first worker.

        Raises:
            WorkerNotStarted: it ended before it was ready, or did not become ready.
        """
        try:
            async with asyncio.timeout(START_SECONDS):
                await self._ready.wait()
        except TimeoutError:
            raise WorkerNotStarted from None
        if self._failed:
            raise WorkerNotStarted(self._failed)

    async def keep(self) -> None:
        """Keep workers started ahead, and replace those that died, until cancelled."""
        while True:
            self._wanted.clear()
            while self._lacking():
                await asyncio.sleep(BACK_OFF[min(self._early_deaths, len(BACK_OFF) - 1)])
                await self._start()
            await self._retire()
            await self._wanted.wait()

    async def watch(self) -> None:
        """Ask every worker now and then whether it still answers, until cancelled."""
        while True:
            await asyncio.sleep(self._limits.pulse_seconds)
            for worker in list(self.workers.values()):
                self._ask(worker)

    async def close(self) -> None:
        """End all workers."""
        self._closing = True
        async with asyncio.TaskGroup() as tasks:
            for worker in list(self.workers.values()):
                tasks.create_task(worker.end(self._limits.stop_seconds))

    def nudge(self, port: int) -> None:
        """Wake a worker's library, so that it reads its command at once."""
        if self._socket is not None and port:
            self._socket.sendto(_NUDGE, ("127.0.0.1", port))

    def heard(self, worker: WorkerProcess, event: Event) -> None:
        """A worker told something."""
        if isinstance(event, Ready):
            self._ready.set()
        self._wanted.set()
        self._hear(worker, event)

    def buried(self, worker: WorkerProcess) -> None:
        """A worker is gone."""
        self.workers.pop(worker.number, None)
        self._wanted.set()
        if worker.ended_by_us:
            return
        self.deaths += 1
        lived = time.monotonic() - worker.started
        self._early_deaths = 0 if lived > HEALTHY_SECONDS else self._early_deaths + 1
        if not self._ready.is_set():
            words = worker.last_words.decode("utf-8", "replace").strip().rpartition("\n")[2]
            self._failed = f"The embedded engine could not start: {words or worker.reason()}"
            self._ready.set()
        self._hear(worker, Died(at=time.time(), legs=tuple(sorted(worker.legs)), reason=worker.reason()))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the socket of nudges and pulses."""
        self._socket = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """A worker answered: it lives."""
        for worker in self.workers.values():
            if worker.port == addr[1]:
                worker.silent_pulses = 0

    def error_received(self, exc: Exception) -> None:
        """A port is closed; the worker's death is told by its pipes."""

    async def _retire(self) -> None:
        """Let old workers go between calls, one at a time: the library keeps a little memory of every leg for good."""
        for worker in list(self.workers.values()):
            worker.retired = worker.retired or worker.carried >= self._limits.carried
            if worker.retired and worker.idle and not self._closing:
                await worker.end(self._limits.stop_seconds)

    def _lacking(self) -> bool:
        if self._closing or len(self.workers) >= self._most:
            return False
        return sum(1 for w in self.workers.values() if not w.retired and (not w.port or w.idle)) < self._ahead

    async def _start(self) -> None:
        self._count += 1
        worker = WorkerProcess(self, self._count)
        self.workers[worker.number] = worker
        command = [sys.executable, "-m", "exchange.worker", self._settings.text()]
        await asyncio.get_running_loop().subprocess_exec(
            lambda: worker, *command, cwd=_ROOT, env=_environment(), start_new_session=True
        )

    def _ask(self, worker: WorkerProcess) -> None:
        if worker.silent_pulses >= SILENT_PULSES or (
            not worker.port and time.monotonic() - worker.started > START_SECONDS
        ):
            worker.kill()
        elif worker.port and self._socket is not None:
            worker.silent_pulses += 1
            self._socket.sendto(self._options(worker), ("127.0.0.1", worker.port))

    def _options(self, worker: WorkerProcess) -> bytes:
        assert self._socket is not None
        own = "127.0.0.1:{}".format(self._socket.get_extra_info("sockname")[1])
        branch = f"{worker.number}-{time.monotonic_ns()}"
        lines = (
            f"OPTIONS sip:127.0.0.1:{worker.port} SIP/2.0",
            f"Via: SIP/2.0/UDP {own};branch=z9hG4bK{branch}",
            "Max-Forwards: 1",
            f"From: <sip:pool@{own}>;tag={worker.number}",
            f"To: <sip:exchange@127.0.0.1:{worker.port}>",
            f"Call-ID: {branch}",
            "CSeq: 1 OPTIONS",
            "Content-Length: 0",
            "",
            "",
        )
        return "\r\n".join(lines).encode()


def _environment() -> dict[str, str]:
    """A worker needs one arena of memory only; the C library would make it several."""
    return {**os.environ, "MALLOC_ARENA_MAX": "1", "PYTHONDONTWRITEBYTECODE": "1"}


def check_library(module: str = "pjsua2") -> None:
    """Make sure that the telephone library is there.

    Args:
        module: its name.

    Raises:
        EngineMissing: it is not.
    """
    if importlib.util.find_spec(module) is None:
        raise EngineMissing(
            "The embedded engine has no telephone library for this machine"
            f" ({platform.system()} {platform.machine()}, Python {platform.python_version()}); it comes for Linux"
            " x86-64 with glibc, macOS and Windows. Use Asterisk here."
        )


@asynccontextmanager
async def open_pool(
    settings: WorkerSettings, hear: Hear, *, ahead: int = 2, most: int = 10, limits: PoolLimits = DEFAULT_LIMITS
) -> AsyncIterator[WorkerPool]:
    """Run workers for as long as the block lasts.

    Args:
        settings: how they speak.
        hear: called in the event loop with everything a worker tells, and with its death.
        ahead: workers that stand ready without a leg.
        most: workers in all; two calls each.
        limits: when workers are asked, given up and let go.

    Yields:
        The pool; its first worker is ready.

    Raises:
        EngineMissing: there is no library for this machine.
        WorkerNotStarted: the first worker could not start.
    """
    check_library()
    loop = asyncio.get_running_loop()
    socket, pool = await loop.create_datagram_endpoint(
        lambda: WorkerPool(settings, hear, ahead=ahead, most=most, limits=limits), local_addr=("127.0.0.1", 0)
    )
    try:
        async with asyncio.TaskGroup() as tasks:
            kept = [tasks.create_task(pool.keep()), tasks.create_task(pool.watch())]
            try:
                await pool.ready()
                yield pool
            finally:
                for task in kept:
                    task.cancel()
    except BaseExceptionGroup as group:
        if len(group.exceptions) == 1:  # what the block itself raised needs no wrapping
            raise group.exceptions[0] from None
        raise
    finally:
        await pool.close()
        socket.close()
