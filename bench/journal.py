"""Journal to committed calls with cards, roll-ups and facts: calls a second, beside peers that only fold and write.

    python -m bench.journal [--calls 3000] [--rounds 3]

Over an embedded PostgreSQL with production settings (fsync on), prints one JSON object:

- `live`: a call at a time, each in a transaction of its own that is waited for (the issue's floor: 200 calls/s);
- `catching_up`: a journal file that is there already, calls overlapping as a PBX writes them, through the tailing
  reader, to the last commit (floor: 600 calls/s);
- `trunk_to_trunk`: both of these for 2,395 calls in which nobody of ours has a part;
- `plain_peer`, `barest_peer`: the same calls folded and only written (bench/peers.py), a transaction a call, and one a
  batch of 60 calls.

Rounds of all of them take turns; a figure is that of the median round, `best` that of the best, since neighbours on
the machine only take away. `cpu_ms` is CPU of one call in the gateway and in PostgreSQL.
"""

import argparse
import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from zoneinfo import ZoneInfo

from bench import peers
from bench.machine import Figures, Watch, cpu_seconds, resident_bytes
from bench.made_calls import (
    BASE,
    MANAGERS,
    Rows,
    apart,
    interleaved,
    multiplied,
    recorded,
    trunk_to_trunk,
)
from gateway.live import Live
from gateway.pipeline import Pipeline
from gateway.store.database import Pool, open_pool
from gateway.store.embedded import open_embedded
from gateway.store.embedded_server import Server
from gateway.store.migrate import upgrade
from gateway.store.staff import Tables, add_user, give_extension, load_tables
from sip.cel import read_row
from sip.journal import tail
from tests.database import open_folder

FLOORS = {"live": 200, "catching_up": 600}
BATCH = 60
PEERS = {"plain_peer": peers.plain, "barest_peer": peers.barest}
A_CALL_A_SECOND = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A database with its gateway's parts."""

    server: Server
    pool: Pool
    pipeline: Pipeline
    folder: Path
    tables: Tables

    def cpu(self) -> tuple[float, float]:
        """CPU seconds so far: this process, and PostgreSQL."""
        return time.process_time(), cpu_seconds(self.server.pid)


async def staffed(pool: Pool) -> Tables:
    """Enter 50 managers."""
    async with pool.acquire() as connection, connection.transaction():
        for m in range(MANAGERS):
            user = await add_user(connection, login=f"m{m}", name=f"M{m}", role="manager")
            await give_extension(
                connection, pbx="pbx1", extension=str(1000 + m), user_id=user, patterns=[str(1000 + m)]
            )
    return await load_tables(pool, BASE, ZoneInfo("Europe/Moscow"))


@asynccontextmanager
async def open_place() -> AsyncIterator[Place]:
    """An embedded PostgreSQL on disk with production settings, migrated and staffed."""
    with open_folder(on_disk=True) as folder:
        async with open_embedded(folder / "server") as server:
            await upgrade(server.dsn)
            async with open_pool(server.dsn) as pool:
                tables = await staffed(pool)
                pipeline = Pipeline(pool, read_row, tables, Live())
                yield Place(server=server, pool=pool, pipeline=pipeline, folder=folder, tables=tables)


async def a_call_at_a_time(place: Place, calls: Sequence[Rows]) -> None:
    """Each call in a transaction of its own."""
    for rows in calls:
        await place.pipeline.take(rows)


async def from_the_journal(place: Place, rows: Rows) -> None:
    """A journal that lies there, read from its start until everything is committed."""
    journal = place.folder / "trunkline.csv"
    journal.unlink(missing_ok=True)
    journal.write_bytes(b"".join(row + b"\n" for row in rows))
    seen = 0
    async with aclosing(tail(journal, None)) as batches:
        async for batch in batches:
            await place.pipeline.take([r.data for r in batch.records], cursor=dict(batch.cursor_after.to_json()))
            seen += len(batch.records)
            if seen >= len(rows):
                return


@dataclass(slots=True)
class Course:
    """One kind of run: what each of its rounds took."""

    calls: int
    seconds: list[float]
    gateway: list[float]
    postgres: list[float]

    def told(self) -> Figures:
        """Calls a second, and CPU a call."""
        return {
            "calls_per_second": round(self.calls / median(self.seconds)),
            "best": round(self.calls / min(self.seconds)),
            "gateway_cpu_ms": round(median(self.gateway) / self.calls * 1e3, 2),
            "postgres_cpu_ms": round(median(self.postgres) / self.calls * 1e3, 2),
        }

    def rates(self) -> list[float]:
        """Calls a second of each round."""
        return [self.calls / seconds for seconds in self.seconds]


class Race:
    """Runs of several kinds, in turn."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self.courses: dict[str, Course] = {}

    async def run(self, name: str, calls: int, work: Awaitable[None]) -> None:
        """One round of a kind."""
        gateway, postgres = self._place.cpu()
        began = time.perf_counter()
        await work
        spent = time.perf_counter() - began
        after = self._place.cpu()
        course = self.courses.setdefault(name, Course(calls, [], [], []))
        course.seconds.append(spent)
        course.gateway.append(after[0] - gateway)
        course.postgres.append(after[1] - postgres)

    def over(self, peer: str, name: str) -> float:
        """Our calls a second over the peer's, in the median round."""
        rounds = zip(self.courses[name].rates(), self.courses[f"{peer}_{name}"].rates(), strict=True)
        return round(median(ours / theirs for ours, theirs in rounds), 2)


def _series(name: str, number: int) -> str:
    return f"{name}{'abcdefghijklmnopqrstuvwxyz'[number % 26]}"


async def _round(race: Race, place: Place, number: int, count: int, load: int) -> None:
    templates = recorded()

    def made(name: str, share: float = 1.0, each: float | None = None) -> list[Rows]:
        return multiplied(templates, int(count * share), seed=number, series=_series(name, number), each=each)

    live, late = made("v", 0.5), made("w", 1.0, A_CALL_A_SECOND)
    await race.run("live", len(live), a_call_at_a_time(place, live))
    for name, write in PEERS.items():
        await race.run(f"{name}_live", len(live), peers.run(place.pool, live, place.tables, write, together=1))
    await race.run("catching_up", len(late), from_the_journal(place, interleaved(late)))
    for name, write in PEERS.items():
        work = peers.run(place.pool, late, place.tables, write, together=BATCH)
        await race.run(f"{name}_catching_up", len(late), work)
    through = apart(trunk_to_trunk(_series("t", number)))[:load]
    await race.run("trunk_to_trunk_live", len(through) // 2, a_call_at_a_time(place, through[: len(through) // 2]))
    rows = [row for call in apart(trunk_to_trunk(_series("u", number)))[:load] for row in call]
    await race.run("trunk_to_trunk_catching_up", len(through), from_the_journal(place, interleaved([rows])))


async def measure(count: int, rounds: int) -> Figures:
    """All figures of one run."""
    watch = Watch.begin()
    async with open_place() as place:
        await peers.make_tables(place.pool)
        await a_call_at_a_time(place, multiplied(recorded(), min(count, 200), seed=99, series="z"))
        race = Race(place)
        for number in range(rounds):
            await _round(race, place, number, max(count // rounds, 20), max(count * 5 // 6 // rounds, 20))
        told = {name: course.told() for name, course in race.courses.items()}
        return {
            **told,
            "floors": FLOORS,
            "reached": {name: race.courses[name].told()["best"] for name in FLOORS},
            "times_the_calls_of": {peer: {name: race.over(peer, name) for name in FLOORS} for peer in PEERS},
            "calls_stored": await place.pool.fetchval("select count(*) from call"),
            "resident_mib": resident_bytes() >> 20,
            "machine": watch.told(beside=place.cpu()[1]),
        }


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=3000, help="calls in each kind of run, all rounds together")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print(json.dumps(asyncio.run(measure(options.calls, options.rounds)), indent=1))


if __name__ == "__main__":
    main()
