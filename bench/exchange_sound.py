"""What the embedded engine's sound costs: 20 calls, bridged and recorded, in 10 workers, beside the issue's limits.

    python -m bench.exchange_sound [--calls 20] [--seconds 120] [--codec PCMA]

A call is two legs that hear each other, both with speech all the time, the client's leg recorded in two files and both
locked to their source. The far ends are a second pool, which answers and plays; their cost is not counted. CPU is what
the workers used, in percent of one core; PSS counts a page that several processes share once (proc(5), smaps_rollup).
Memory and descriptors are looked at early and late in the run: nothing may grow but the files. Prints one JSON object.
"""

import argparse
import asyncio
import itertools
import json
import tempfile
import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench.machine import Figures, Watch, cpu_seconds, pss_bytes
from exchange.pool import Died, WorkerPool, WorkerProcess, open_pool
from exchange.wire import (
    Answer,
    Answered,
    Dial,
    Event,
    HangUp,
    Incoming,
    Join,
    LimitSource,
    Name,
    Play,
    Record,
    Recorded,
)
from exchange.worker_settings import WorkerSettings

CPU_LIMIT_PERCENT = 30.0
PSS_LIMIT_MB = 300.0
RATE = 8000
CALLS_PER_WORKER = 2


class Ears:
    """Counts what a pool's workers tell."""

    def __init__(self) -> None:
        self.answered: set[str] = set()
        self.recorded: set[str] = set()
        self.deaths = 0
        self.news = asyncio.Event()

    def hear(self, worker: WorkerProcess, event: Event | Died) -> None:
        """Note an event."""
        match event:
            case Answered(leg=leg):
                self.answered.add(leg)
            case Recorded(leg=leg):
                self.recorded.add(leg)
            case Died():
                self.deaths += 1
        self.news.set()

    async def until(self, told: set[str], count: int, seconds: float = 30.0) -> None:
        """Wait until so many legs told it."""
        async with asyncio.timeout(seconds):
            while len(told) < count:
                self.news.clear()
                await self.news.wait()


class FarEnds:
    """The phones and the provider: workers that answer whatever arrives, and speak."""

    def __init__(self, speech: Path) -> None:
        self._speech = speech
        self._names = itertools.count()

    def hear(self, worker: WorkerProcess, event: Event | Died) -> None:
        """Answer and speak."""
        if isinstance(event, Incoming):
            leg = f"far{next(self._names)}"
            worker.send(Name(call=event.call, leg=leg))
            worker.send(Answer(leg=leg))
            worker.send(Play(leg=leg, file=str(self._speech), loop=True))


def write_speech(file: Path) -> None:
    """Twenty seconds of something like a voice, with no silence that a codec could save."""
    time = np.arange(20 * RATE) / RATE
    tones = sum(np.sin(2 * np.pi * 140 * k * time) / k for k in range(1, 9))
    sound = (np.asarray(tones) * (1.2 + np.sin(2 * np.pi * 3 * time)) * 3000).astype("<i2")
    with wave.open(str(file), "wb") as opened:
        opened.setnchannels(1)
        opened.setsampwidth(2)
        opened.setframerate(RATE)
        opened.writeframes(sound.tobytes())


async def ready(pool: WorkerPool, count: int) -> list[WorkerProcess]:
    """So many workers, all ready."""
    async with asyncio.timeout(60):
        while sum(1 for worker in pool.workers.values() if worker.port) < count:  # noqa: ASYNC110 - started by the pool
            await asyncio.sleep(0.05)
    return list(pool.workers.values())[:count]


async def place(calls: int, near: Sequence[WorkerProcess], far: Sequence[WorkerProcess], ears: Ears) -> None:
    """Dial both legs of every call."""
    for call in range(calls):
        worker, other = near[call // CALLS_PER_WORKER], far[call // CALLS_PER_WORKER]
        for side in "ca":
            leg = f"{side}{call}"
            worker.send(Dial(leg=leg, uri=f"sip:{leg}@127.0.0.1:{other.port}", from_uri="sip:100@127.0.0.1"))
        await asyncio.sleep(0.05)
    await ears.until(ears.answered, 2 * calls)


def connect(calls: int, near: Sequence[WorkerProcess], folder: Path) -> None:
    """Join, record and lock every call."""
    for call in range(calls):
        worker, (client, manager) = near[call // CALLS_PER_WORKER], (f"c{call}", f"a{call}")
        worker.send(Join(legs=(client, manager)))
        worker.send(LimitSource(leg=client))
        worker.send(LimitSource(leg=manager))
        worker.send(Record(leg=client, rx=str(folder / f"{call}-rx.wav"), tx=str(folder / f"{call}-tx.wav")))


def look(workers: Sequence[WorkerProcess]) -> tuple[float, float, int]:
    """CPU seconds, PSS in MB and descriptors of all workers."""
    pids = [worker.pid for worker in workers]
    descriptors = sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in pids)
    return sum(cpu_seconds(pid) for pid in pids), sum(pss_bytes(pid) for pid in pids) / 1e6, descriptors


async def measure(calls: int, seconds: float, codec: str) -> Figures:
    """All figures of one run."""
    workers = -(-calls // CALLS_PER_WORKER)
    watch, ears = Watch.begin(), Ears()
    settings = WorkerSettings(codecs=(codec,))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_speech(folder / "speech.wav")
        far_ends = FarEnds(folder / "speech.wav")
        async with (
            open_pool(settings, ears.hear, ahead=workers, most=workers) as pool,
            open_pool(settings, far_ends.hear, ahead=workers, most=workers) as others,
        ):
            near, far = await ready(pool, workers), await ready(others, workers)
            await asyncio.sleep(2)
            idle = look(near)
            await asyncio.sleep(min(10.0, seconds))
            idle_percent = (look(near)[0] - idle[0]) / min(10.0, seconds) * 100
            await place(calls, near, far, ears)
            connect(calls, near, folder)
            await asyncio.sleep(min(10.0, seconds / 4))
            early = look(near)
            await asyncio.sleep(seconds)
            late = look(near)
            for call in range(calls):
                near[call // CALLS_PER_WORKER].send(HangUp(leg=f"c{call}"))
                near[call // CALLS_PER_WORKER].send(HangUp(leg=f"a{call}"))
            await ears.until(ears.recorded, calls)
            lengths = [_frames(folder / f"{call}-{side}.wav") for call in range(calls) for side in ("rx", "tx")]
    cpu = (late[0] - early[0]) / seconds * 100
    return {
        "calls": calls,
        "workers": workers,
        "codec": codec,
        "seconds": seconds,
        "cpu_percent_of_one_core": {
            "all": round(cpu, 1),
            "per_call": round(cpu / calls, 2),
            "limit": CPU_LIMIT_PERCENT,
        },
        "idle_cpu_percent": round(idle_percent, 1),
        "pss_mb": {
            "idle": round(idle[1], 1),
            "early": round(early[1], 1),
            "late": round(late[1], 1),
            "limit": PSS_LIMIT_MB,
        },
        "descriptors": {"early": early[2], "late": late[2]},
        "pairs_of_one_length": sum(one == two for one, two in zip(lengths[::2], lengths[1::2], strict=True)),
        "recorded_seconds": {"shortest": round(min(lengths) / RATE, 2), "longest": round(max(lengths) / RATE, 2)},
        "deaths": ears.deaths,
        "within_limits": cpu <= CPU_LIMIT_PERCENT and late[1] <= PSS_LIMIT_MB,
        "machine": watch.told(),
    }


def _frames(file: Path) -> int:
    with wave.open(str(file), "rb") as opened:
        return opened.getnframes()


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=20, help="calls at once, two to a worker")
    parser.add_argument("--seconds", type=float, default=120.0, help="length of the run under load")
    parser.add_argument("--codec", default="PCMA", help="PCMA, PCMU or G722")
    asked = parser.parse_args()
    print(json.dumps(asyncio.run(measure(asked.calls, asked.seconds, asked.codec)), indent=1))


if __name__ == "__main__":
    main()
