"""Journal to committed calls: calls per second live and catching up, against a peer that only folds and writes.

`python -m bench.journal [--calls 3000]` multiplies the recorded streams under new ids, times, numbers and managers,
feeds them to the pipeline over an embedded PostgreSQL with production settings, and prints one JSON object.
"""

import argparse
import asyncio
import json
import random
import re
import resource
import tempfile
import time
from pathlib import Path
from zoneinfo import ZoneInfo

from gateway.domain.call import CallKind
from gateway.domain.calls import fold_family
from gateway.domain.directory import Directory, Entry, PartyKind
from gateway.domain.legs import in_order
from gateway.domain.phone import NumberPlan
from gateway.live import Live
from gateway.pipeline import Pipeline
from gateway.store.database import Pool, open_pool
from gateway.store.embedded import open_embedded
from gateway.store.migrate import upgrade
from gateway.store.staff import add_user, give_extension, load_tables
from sip.cel import read_row
from sip.records import Record, RecordSplitter

SCENARIOS = Path(__file__).parent.parent / "tests" / "scenarios"
MANAGERS = 50
ORDINARY = (
    "in_answered",
    "in_answered_agenthang",
    "in_noanswer",
    "in_busy",
    "in_abandon",
    "queue_answered",
    "out_answered",
    "out_busy",
    "out_cancel",
    "hold",
    "blind_xfer_refer",
    "att_xfer_refer",
    "c2c_ami",
)
_ID = re.compile(rb'"((?:pbx1|crm)-[0-9.]+)"')
_TIME = re.compile(rb'^("[A-Z_]+"),"(\d+)\.(\d+)"')
_BRIDGE = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-")
BASE = Directory(
    pbx="pbx1",
    plan=NumberPlan(region="RU"),
    entries=(Entry(pattern="trunk", kind=PartyKind.TRUNK),),
)


def recorded() -> list[list[bytes]]:
    """The rows of each ordinary recorded call."""
    calls = []
    for name in ORDINARY:
        pieces = RecordSplitter().feed((SCENARIOS / name / "journal.cel.csv").read_bytes())
        calls.append([p.data for p in pieces if isinstance(p, Record)])
    return calls


def multiplied(
    templates: list[list[bytes]], count: int, seed: int = 1, start: int = 1_790_000_000
) -> list[list[bytes]]:
    """Calls made of the templates: other ids, times over 30 days, numbers of 5,000 clients, 50 managers."""
    rng = random.Random(seed)
    calls = []
    for n in range(count):
        rows = templates[n % len(templates)]
        shift = start + rng.randrange(30 * 86400) - int(_TIME.match(rows[0])[2])  # type: ignore[index]
        first, second = (b"%d" % (1000 + m) for m in rng.sample(range(MANAGERS), 2))
        number = b"7916%07d" % rng.randrange(5000)
        calls.append([_changed(r, n, shift, first, second, number) for r in rows])
    return calls


def _changed(row: bytes, n: int, shift: int, first: bytes, second: bytes, number: bytes) -> bytes:
    row = _TIME.sub(lambda m: b'%s,"%d.%s"' % (m[1], int(m[2]) + shift, m[3]), row)
    row = row.replace(b"pbx1-", b"b%d-" % n).replace(b"crm-", b"c%d-" % n)
    row = _BRIDGE.sub(lambda m: b"%08x-%s" % (n, m[0][9:]), row)
    for old, new in (
        (b"79161234567", number),
        (b"79169998877", number),
        (b"PJSIP/101", b"PJSIP/" + first),
        (b"PJSIP/102", b"PJSIP/" + second),
        (b'"101"', b'"%s"' % first),
        (b'"102"', b'"%s"' % second),
    ):
        row = row.replace(old, new)
    return row


async def pipeline_of(pool: Pool) -> Pipeline:
    """A pipeline over 50 managers."""
    async with pool.acquire() as connection, connection.transaction():
        for m in range(MANAGERS):
            user = await add_user(connection, login=f"m{m}", name=f"M{m}", role="manager")
            await give_extension(
                connection, pbx="pbx1", extension=str(1000 + m), user_id=user, patterns=[str(1000 + m)]
            )
    return Pipeline(pool, read_row, await load_tables(pool, BASE, ZoneInfo("Europe/Moscow")), Live())


async def peer(pool: Pool, calls: list[list[bytes]], pipe: Pipeline, *, together: int) -> float:
    """Fold and write only the call rows: calls per second."""
    directory = pipe._tables.directory
    await pool.execute("create table if not exists peer (key text primary key, body json)")
    began = time.perf_counter()
    for start in range(0, len(calls), together):
        found = []
        for rows in calls[start : start + together]:
            events = in_order(e for e in map(read_row, rows) if e)
            found += [c for c in fold_family(events, directory) if c.kind is CallKind.CLIENT]
        async with pool.acquire() as connection, connection.transaction():
            for call in found:
                await connection.execute(
                    "insert into peer values ($1, $2) on conflict (key) do update set body = excluded.body",
                    call.key,
                    {"result": call.result, "talk": call.talk.total_seconds()},
                )
    return len(calls) / (time.perf_counter() - began)


async def take(pipe: Pipeline, calls: list[list[bytes]], *, together: int) -> float:
    """Feed calls so many at a time; calls per second."""
    began = time.perf_counter()
    for start in range(0, len(calls), together):
        rows = [row for call in calls[start : start + together] for row in call]
        await pipe.take(rows, cursor={"offset": start})
    return len(calls) / (time.perf_counter() - began)


async def measure(count: int) -> dict[str, object]:
    """All figures of one run."""
    templates = recorded()
    with tempfile.TemporaryDirectory(prefix="trunkline-bench-") as folder:
        Path(folder).chmod(0o711)
        async with open_embedded(Path(folder) / "pg") as server:
            await upgrade(server.dsn)
            async with open_pool(server.dsn) as pool:
                pipe = await pipeline_of(pool)
                await take(pipe, multiplied(templates, 200, seed=9, start=1_780_000_000), together=20)
                live = multiplied(templates, count, seed=2)
                late = multiplied(templates, count * 2, seed=3, start=1_785_000_000)
                for call in late:
                    call[:] = [r.replace(b'"b', b'"d').replace(b'"c', b'"e') for r in call]
                figures: dict[str, object] = {
                    "live_calls_per_second": round(await take(pipe, live, together=1)),
                    "catching_up_calls_per_second": round(await take(pipe, late, together=60)),
                    "peer_live": round(await peer(pool, live[: count // 2], pipe, together=1)),
                    "calls_stored": await pool.fetchval("select count(*) from call"),
                    "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
                }
                return figures


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=1500)
    print(json.dumps(asyncio.run(measure(parser.parse_args().calls)), indent=1))


if __name__ == "__main__":
    main()
