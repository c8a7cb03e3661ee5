"""A worker under a test's hand: real phones of the lab call it and are called, and what it tells is waited for."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import numpy as np
import soundfile

from exchange.pool import DEFAULT_LIMITS, Died, PoolLimits, WorkerPool, WorkerProcess, open_pool
from exchange.wire import (
    Answer,
    Answered,
    Command,
    Dial,
    Ended,
    Event,
    HangUp,
    Incoming,
    Join,
    Name,
    Record,
    Recorded,
    Sound,
)
from exchange.worker_settings import WorkerSettings
from lab.phone_calls import PhoneCall
from lab.phones import Codec, Phone, open_phone
from lab.ports import free_port
from tests.recordings.sounds import RATE, Mono, voice

WAIT = 30.0
CLIENT, ANNA, BORIS, CHIEF = 31, 32, 33, 34
"""Seeds of their voices."""
SAYS_SECONDS = 30.0
Told = TypeVar("Told", bound=Event | Died)


class Site:
    """A pool and everything its workers told."""

    def __init__(self) -> None:
        self.pool: WorkerPool
        self.told: list[tuple[WorkerProcess, Event | Died]] = []
        self._news = asyncio.Event()
        self._named = itertools.count()

    def hear(self, worker: WorkerProcess, event: Event | Died) -> None:
        """Keep an event."""
        self.told.append((worker, event))
        self._news.set()

    @property
    def worker(self) -> WorkerProcess:
        """The oldest worker."""
        return self.pool.workers[min(self.pool.workers)]

    def send(self, *commands: Command) -> None:
        """Give the worker commands."""
        for command in commands:
            self.worker.send(command)

    async def heard(self, kind: type[Told], leg: str = "", *, seconds: float = WAIT, times: int = 1) -> Told:
        """Wait until a leg told something for the nth time."""
        async with asyncio.timeout(seconds):
            while len(found := self.all_of(kind, leg)) < times:
                self._news.clear()
                await self._news.wait()
        return found[times - 1]

    def all_of(self, kind: type[Told], leg: str = "") -> list[Told]:
        """All that a leg told of a kind."""
        return [e for _, e in self.told if isinstance(e, kind) and (not leg or getattr(e, "leg", "") == leg)]

    async def arrived(self, leg: str) -> Incoming:
        """Wait for the next call that arrives, and name it."""
        incoming = await self.heard(Incoming, times=next(self._named) + 1)
        self.send(Name(call=incoming.call, leg=leg))
        return incoming

    async def calls_in(self, phone: Phone, leg: str, says: Path | None = None) -> PhoneCall:
        """A phone calls the worker, which answers."""
        call = await phone.dial("100", play=says)
        await self.arrived(leg)
        self.send(Answer(leg=leg))
        await self.heard(Answered, leg)
        await self.heard(Sound, leg)
        return call

    async def rings(self, phone: Phone, leg: str) -> PhoneCall:
        """The worker dials a phone, which does what its script says."""
        await self.dials(address(phone), leg)
        return await phone.next_call()

    async def dials(self, uri: str, leg: str) -> None:
        """The worker dials an address."""
        self.send(Dial(leg=leg, uri=uri, from_uri="sip:100@127.0.0.1"))

    async def reaches(self, phone: Phone, leg: str) -> PhoneCall:
        """The worker dials a phone, which answers by its script."""
        call = await self.rings(phone, leg)
        await self.heard(Answered, leg)
        return call

    async def talk(self, client: Phone, anna: Phone, sayings: dict[int, Path]) -> tuple[PhoneCall, PhoneCall]:
        """The client (leg c) calls in, Anna (leg a) is dialled, and they are joined; each says his words."""
        await anna.script(answer_after=0.0, play=sayings[ANNA])
        calls = await self.calls_in(client, "c", sayings[CLIENT]), await self.reaches(anna, "a")
        self.send(Join(legs=("c", "a")))
        return calls


def address(phone: Phone) -> str:
    """Where the worker reaches a phone."""
    return f"sip:{phone.user}@127.0.0.1:{PORTS[phone]}"


PORTS: dict[Phone, int] = {}
"""SIP ports of the phones that run."""


@asynccontextmanager
async def open_site(
    *, ahead: int = 1, most: int = 1, limits: PoolLimits = DEFAULT_LIMITS, **settings: object
) -> AsyncIterator[Site]:
    """Run workers; they speak straight to the address dialled, without a front, unless told otherwise."""
    site = Site()
    made = WorkerSettings(**settings)  # type: ignore[arg-type]
    async with open_pool(made, site.hear, ahead=ahead, most=most, limits=limits) as site.pool:
        yield site
    for worker, _ in site.told:  # an error in a callback of the library is printed there, and nowhere else
        assert b"Traceback" not in worker.last_words, worker.last_words.decode()


@asynccontextmanager
async def phone_of(site: Site, user: str, codec: Codec = Codec.MU_LAW) -> AsyncIterator[Phone]:
    """A phone whose exchange is the worker itself."""
    port = free_port()
    async with open_phone(user=user, pbx_port=site.worker.port, codec=codec, port=port) as phone:
        PORTS[phone] = port
        try:
            yield phone
        finally:
            del PORTS[phone]


def write_sayings(folder: Path) -> dict[int, Path]:
    """What each of them says, as a file to play."""
    paths = {seed: folder / f"{seed}.wav" for seed in (CLIENT, ANNA, BORIS, CHIEF)}
    for seed, path in paths.items():
        soundfile.write(path, voice(seed, SAYS_SECONDS), RATE, subtype="PCM_16")
    return paths


def heard_in(file: Path, start: float = 0.0, end: float | None = None) -> Mono:
    """A part of a file, in seconds."""
    sound: Mono = soundfile.read(file, dtype="int16")[0]
    return sound[round(start * RATE) : None if end is None else round(end * RATE)]


def likeness(sound: Mono, seed: int) -> float:
    """Highest correlation of any half second of somebody's words with any place of the sound."""
    saying, heard, length = voice(seed, SAYS_SECONDS).astype(float), sound.astype(float), RATE // 2
    if len(heard) <= length:
        return 0.0
    sums = [np.concatenate([[0.0], np.cumsum(values)]) for values in (heard, heard**2)]
    mean, square = ((s[length:] - s[:-length]) / length for s in sums)
    spread = np.sqrt(np.maximum(square - mean**2, 1e-9)) * length
    size = 1 << (len(heard) + length).bit_length()
    spectrum = np.fft.rfft(heard, size)
    best = 0.0
    for start in range(RATE // 4, 12 * RATE, RATE // 2):
        wanted = saying[start : start + length]
        centred = wanted - wanted.mean()
        product = np.fft.irfft(spectrum * np.conj(np.fft.rfft(centred, size)), size)[: len(spread)]
        best = max(best, float(np.max(product / np.maximum(spread * wanted.std(), length * 30.0))))
    return best


def loudness(sound: Mono) -> float:
    """Root of the mean square, in units of 16-bit samples."""
    return float(np.sqrt(np.mean(sound.astype(float) ** 2))) if len(sound) else 0.0


def recording(folder: Path) -> tuple[Record, Path, Path]:
    """The order to record the client's leg, and its files."""
    rx, tx = folder / "c-rx.wav", folder / "c-tx.wav"
    return Record(leg="c", rx=str(rx), tx=str(tx)), rx, tx


async def over(site: Site, *legs: str) -> None:
    """End legs and wait for the client's files."""
    site.send(*(HangUp(leg=leg) for leg in legs))
    for leg in legs:
        await site.heard(Ended, leg)
    await site.heard(Recorded, "c")
