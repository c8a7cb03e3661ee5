"""One worker process as the exchange sees it: its pipes, the legs it carries, and how much room it has left."""

import asyncio
import re
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol, cast

from exchange.wire import (
    LINE_BYTES,
    BadLine,
    Command,
    Dial,
    Ended,
    EndedBy,
    Event,
    Incoming,
    Name,
    Ready,
    command_line,
    read_event,
)
from exchange.worker_settings import LEGS

CALL_LEGS = 2
"""Places of a call: whoever calls, and whoever is called."""
PLEDGE_SECONDS = 10.0
LINGER_SECONDS = 1.5
"""So long the library may keep the place of a leg that was given up (`exchange.proxy.CANCELLED_AFTER`, and some)."""
CROWD, CROWD_SECONDS = 12, 0.6
"""More legs than that do not begin in one worker in so short a time: its library would abort."""
_LAST_WORDS = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Died:
    """A worker is gone.

    Attributes:
        at: when, in seconds of the epoch.
        legs: the legs that went with it.
        reason: for people.
    """

    at: float
    legs: tuple[str, ...]
    reason: str


class Owner(Protocol):
    """What a worker tells the pool it belongs to."""

    def heard(self, worker: "WorkerProcess", event: Event) -> None:
        """It told something."""

    def buried(self, worker: "WorkerProcess") -> None:
        """It is gone, and everything it wrote was read."""

    def nudge(self, port: int) -> None:
        """Wake the worker at a port."""


class WorkerProcess(asyncio.SubprocessProtocol):
    """One worker.

    Attributes:
        number: counted from 1 over the pool's life.
        port: its SIP port on loopback; 0 until it is ready.
        pid: its process.
        legs: those it carries, by name.
        carried: legs in all its life.
        retired: it gets no more calls and ends after its last.
    """

    def __init__(self, pool: Owner, number: int) -> None:
        """Made by the pool alone."""
        self.number = number
        self.port = 0
        self.legs: set[str] = set()
        self.started = time.monotonic()
        self.gone = asyncio.Event()
        self.silent_pulses = 0
        self.ended_by_us = False
        self.last_words = b""
        self.carried = 0
        self.retired = False
        self._begun: list[float] = []
        self._unnamed = 0
        self._pledges: list[float] = []
        self._kept: set[str] = set()
        self._lingering: list[float] = []
        self._pool = pool
        self._transport: asyncio.SubprocessTransport | None = None
        self._unread = b""

    @property
    def pid(self) -> int:
        """Its process id."""
        return 0 if self._transport is None else self._transport.get_pid() or 0

    @property
    def free(self) -> int:
        """Legs that it can still take, those that are on their way counted."""
        return LEGS - self._taken() if self.port and not self.retired and not self.crowded else 0

    @property
    def fit(self) -> int:
        """Legs that it can take of a new call: less those given up whose far end may not have said so yet."""
        now = time.monotonic()
        self._lingering = [until for until in self._lingering if until > now]
        return self.free - len(self._lingering)

    @property
    def crowded(self) -> bool:
        """So many legs began in it just now that it would make new ones wait (`exchange.worker_switch`)."""
        now = time.monotonic()
        self._begun = [moment for moment in self._begun if now - moment < CROWD_SECONDS]
        return len(self._begun) >= CROWD

    def _begins(self) -> None:
        self.carried += 1
        self._begun.append(time.monotonic())

    @property
    def idle(self) -> bool:
        """It carries nothing and nothing is on its way to it."""
        return self._taken() == 0

    def _taken(self) -> int:
        now = time.monotonic()
        self._pledges = [until for until in self._pledges if until > now]
        return len(self.legs) + self._unnamed + len(self._pledges) + len(self._kept)

    def pledge(self, places: int = 1) -> None:
        """An INVITE was sent its way: keep places for it, a few seconds."""
        self._begins()
        self._pledges += [time.monotonic() + PLEDGE_SECONDS] * places

    def keep_place(self, leg: str) -> None:
        """Keep a place for whomever a leg will call, until somebody is dialled for it or it ends."""
        if leg in self.legs:
            self._kept.add(leg)

    def kept_for(self, legs: Iterable[str]) -> int:
        """Places that are kept for some legs."""
        return len(self._kept.intersection(legs))

    def use_place(self, legs: Iterable[str]) -> None:
        """Somebody is dialled for one of these legs: the place kept for it is his."""
        for leg in self._kept.intersection(legs):
            return self._kept.discard(leg)

    def send(self, command: Command) -> None:
        """Give it a command; one that is gone hears nothing, and its `Died` tells so."""
        match command:
            case Dial(leg=leg):
                self.legs.add(leg)
                self._begins()
            case Name(leg=leg):
                self.legs.add(leg)
                self._unnamed = max(0, self._unnamed - 1)
        self.write(command_line(command))

    def write(self, line: bytes) -> None:
        """Write a line and wake the worker."""
        if self._transport is None or self.gone.is_set():
            return
        cast(asyncio.WriteTransport, self._transport.get_pipe_transport(0)).write(line)
        self._pool.nudge(self.port)

    def kill(self) -> None:
        """End it by force."""
        if self._transport is not None:
            with suppress(ProcessLookupError):
                self._transport.kill()

    async def end(self, seconds: float) -> None:
        """Let it hang up and end; after so many seconds it is ended by force."""
        self.ended_by_us = True
        if self._transport is None:
            return
        if (pipe := self._transport.get_pipe_transport(0)) is not None:
            cast(asyncio.WriteTransport, pipe).close()
        self._pool.nudge(self.port)
        try:
            async with asyncio.timeout(seconds):
                await self.gone.wait()
        except TimeoutError:
            self.kill()
            await self.gone.wait()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the process's transport."""
        self._transport = cast(asyncio.SubprocessTransport, transport)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Read what it tells on stdout, and keep its last words on stderr."""
        if fd != 1:
            self.last_words = (self.last_words + data)[-_LAST_WORDS:]
            return
        *lines, self._unread = (self._unread + data).split(b"\n")
        for line in lines:
            with suppress(BadLine):
                self._hear(read_event(line))
        if len(self._unread) > LINE_BYTES:
            self.kill()  # it writes no lines any more

    def connection_lost(self, exc: Exception | None) -> None:
        """It has ended and everything it wrote is read."""
        self.port = 0
        if self._transport is not None:
            self._transport.close()
        self.gone.set()
        self._pool.buried(self)

    def _hear(self, event: Event) -> None:
        match event:
            case Ready(port=port):
                self.port = port
            case Incoming():
                self._unnamed += 1
                if self._pledges:
                    del self._pledges[:CALL_LEGS]
                else:
                    self._begins()
            case Ended(leg=leg, code=code, by=by):
                self.legs.discard(leg)
                self._kept.discard(leg)
                if by is EndedBy.US and code >= 300:
                    self._lingering.append(time.monotonic() + LINGER_SECONDS)
        self._pool.heard(self, event)

    def reason(self) -> str:
        """Why it is gone, for people."""
        code = None if self._transport is None else self._transport.get_returncode()
        if code is not None and code < 0:
            return f"its process was ended by signal {-code}" + self._claim()
        return f"its process ended with status {code}"

    def _claim(self) -> str:
        """What the library held to be impossible when it aborted; nothing of a call is in it."""
        found = re.search(r"Assertion [^\n]{1,200}", self.last_words.decode("utf-8", "replace"))
        return f" ({found[0]})" if found else ""
