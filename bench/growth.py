"""What a call costs when many are stored: CPU and time a call with 200,000 stored calls over that with 10,000.

    python -m bench.growth [--small 10000] [--large 200000] [--calls 500] [--rounds 7]

Two databases of one embedded PostgreSQL, both filled by the pipeline with the small number; one of them is then
copied by SQL under other ids and earlier days up to the large one, and counted. Then both take new calls of the same
kind in turn, so a neighbour on the machine disturbs both alike. Floor: at most 1.2 times. `memory` is what the
gateway's process holds after the first and after the last round; of what is stored it keeps open calls and the 500
that ended last. Prints one JSON object.
"""

import argparse
import asyncio
import json
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import asyncpg

from bench.journal import Place, a_call_at_a_time, from_the_journal, staffed
from bench.machine import Figures, Watch, resident_bytes
from bench.made_calls import Rows, interleaved, multiplied, recorded
from gateway.live import Live
from gateway.pipeline import Pipeline
from gateway.store.database import Pool, open_pool
from gateway.store.embedded import open_embedded
from gateway.store.embedded_server import Server
from gateway.store.figures import recount
from gateway.store.migrate import upgrade
from sip.cel import read_row
from tests.database import open_folder

FLOOR = 1.2
DAYS_APART = 31
_ASIDE = (
    "create temp table first_family as select * from family where not open",
    "create temp table first_call as select c.* from call c join first_family f on f.id = c.family_id"
    " where c.merged_into is null",
    "create temp table first_leg as select l.* from leg l join first_call c on c.id = l.call_id",
    "create temp table first_part as select m.* from call_manager m join first_call c on c.id = m.call_id",
    "create temp table first_fact as select f.* from fact f join first_call c on c.id = f.call_id",
)
_COPY = (
    """insert into family select earlier.* from first_family f, json_populate_record(f, json_build_object(
        'id', md5(f.id::text || '{n}'), 'first_at', f.first_at - interval '{days} days',
        'last_at', f.last_at - interval '{days} days')) as earlier""",
    """insert into call select earlier.* from first_call c, json_populate_record(c, json_build_object(
        'id', md5(c.id::text || '{n}'), 'family_id', md5(c.family_id::text || '{n}'), 'key', c.key || '-{n}',
        'started_at', c.started_at - interval '{days} days', 'ended_at', c.ended_at - interval '{days} days',
        'answered_at', c.answered_at - interval '{days} days')) as earlier""",
    """insert into leg select earlier.* from first_leg l, json_populate_record(l, json_build_object(
        'id', l.id || '-{n}', 'family_id', md5(l.family_id::text || '{n}'), 'call_id', md5(l.call_id::text || '{n}'),
        'started_at', l.started_at - interval '{days} days')) as earlier""",
    """insert into call_manager select earlier.* from first_part m, json_populate_record(m, json_build_object(
        'call_id', md5(m.call_id::text || '{n}'), 'day', m.day - {days},
        'started_at', m.started_at - interval '{days} days')) as earlier""",
    """insert into fact (at, kind, call_id, contact_id, users, body)
        select at, kind, md5(call_id::text || '{n}')::uuid, contact_id, users, body from first_fact""",
)


@dataclass(slots=True)
class Side:
    """One of the two databases, and what a call took there: milliseconds of CPU and of time, by kind and round."""

    place: Place
    cpu: dict[str, list[float]] = field(default_factory=dict)
    time: dict[str, list[float]] = field(default_factory=dict)

    async def run(self, kind: str, calls: list[Rows]) -> None:
        """Take calls one at a time, or from a journal."""
        before, began = self.place.cpu(), time.perf_counter()
        if kind == "live":
            await a_call_at_a_time(self.place, calls)
        else:
            await from_the_journal(self.place, interleaved(calls))
        spent, after = time.perf_counter() - began, self.place.cpu()
        self.cpu.setdefault(kind, []).append((sum(after) - sum(before)) / len(calls) * 1e3)
        self.time.setdefault(kind, []).append(spent / len(calls) * 1e3)


async def opened(stack: AsyncExitStack, server: Server, name: str, folder: Path) -> Side:
    """A database of its own with everything over it."""
    session = await asyncpg.connect(server.dsn_for("postgres", superuser=True))
    try:
        await session.execute(f"create database {name} owner trunkline")
    finally:
        await session.close()
    await upgrade(server.dsn_for(name))
    pool = await stack.enter_async_context(open_pool(server.dsn_for(name)))
    tables = await staffed(pool)
    (folder / name).mkdir()
    pipeline = Pipeline(pool, read_row, tables, Live())
    return Side(Place(server=server, pool=pool, pipeline=pipeline, folder=folder / name, tables=tables))


async def copied(pool: Pool, times: int) -> None:
    """Copy what is stored so many times, each a month further back, and count everything."""
    async with pool.acquire() as connection:
        for statement in _ASIDE:
            await connection.execute(statement)
        for n in range(1, times + 1):
            for statement in _COPY:
                await connection.execute(statement.format(n=n, days=n * DAYS_APART), timeout=600)
        async with connection.transaction():
            await recount(connection, long_seconds=120, zone="Europe/Moscow")


async def measure(small: int, large: int, count: int, rounds: int) -> Figures:
    """All figures of one run."""
    watch, templates = Watch.begin(), recorded()
    with open_folder(on_disk=True) as folder:
        async with open_embedded(folder / "server") as server, AsyncExitStack() as stack:
            few, many = [await opened(stack, server, name, folder) for name in ("few", "many")]
            for side in (few, many):
                await side.run("seed", multiplied(templates, small, seed=1, series="s", each=250.0))
            await copied(many.place.pool, large // small - 1)
            for side in (few, many):
                await side.place.pool.execute("vacuum analyze", timeout=600)
            stored = [await s.place.pool.fetchval("select count(*) from call") for s in (few, many)]
            memory: list[int] = []
            for number in range(rounds):
                for kind, series in (("live", "v"), ("catching_up", "w")):
                    calls = multiplied(templates, count, seed=number, series=f"{series}{chr(97 + number % 26)}", each=3)
                    for side in (few, many) if number % 2 else (many, few):
                        await side.run(kind, calls)
                memory.append(resident_bytes() >> 20)
            return {
                "calls_stored": stored,
                **{kind: _compared(kind, few, many) for kind in ("live", "catching_up")},
                "floor": FLOOR,
                "memory": {"after_first_round_mib": memory[0], "after_last_round_mib": memory[-1]},
                "machine": watch.told(beside=few.place.cpu()[1]),
            }


def _compared(kind: str, few: Side, many: Side) -> Figures:
    """CPU and time of a call on both sides, and the ratio of what they took in the same round."""
    cpu = [b / a for a, b in zip(few.cpu[kind], many.cpu[kind], strict=True)]
    spent = [b / a for a, b in zip(few.time[kind], many.time[kind], strict=True)]
    return {
        "cpu_ms": [round(median(side.cpu[kind]), 2) for side in (few, many)],
        "time_ms": [round(median(side.time[kind]), 2) for side in (few, many)],
        "cpu_ratio": round(median(cpu), 2),
        "time_ratio": round(median(spent), 2),
    }


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", type=int, default=10_000, help="calls stored in the one database")
    parser.add_argument("--large", type=int, default=200_000, help="calls stored in the other")
    parser.add_argument("--calls", type=int, default=500, help="new calls in each round")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    print(json.dumps(asyncio.run(measure(options.small, options.large, options.calls, options.rounds)), indent=1))


if __name__ == "__main__":
    main()
