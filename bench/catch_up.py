"""After an hour of downtime at 5 calls a second: how long until all 18,000 calls are committed, by file and by ship.

    python -m bench.catch_up [--calls 18000] [--way local|ship|both]

A gateway (`trunkline serve`, production settings, PostgreSQL on disk) has read a journal, is stopped, and an hour of
calls is written meanwhile: thirteen recorded kinds of calls, one begun every 0.2 s, overlapping as a PBX writes them.
Then it is started again. `seconds` counts from its readiness to the last call's commit, `from_start` from the start of
the process; by `ship` the journal lies on another host, and `trunkline ship` has waited for the gateway all the time.
`followed_seconds` is how much later the work after calls (tasks, goals, webhooks) has come to its end. Limit: 30 s.
"""

import argparse
import asyncio
import contextlib
import json
import subprocess
import sys
import time
from pathlib import Path

from bench.journal import staffed
from bench.machine import Figures, Watch, cpu_seconds
from bench.made_calls import Rows, interleaved, multiplied, recorded
from gateway.store.database import Pool, open_pool
from gateway.store.embedded import open_embedded
from gateway.store.migrate import upgrade
from tests.database import open_folder
from tests.faults.plant import HOME, configured, served, until
from tests.gateway.ships import Host, gateway_file, host_key

LIMIT_SECONDS = 30.0
CALLS_PER_SECOND = 5
_PATIENCE = 600.0
_FOLLOW_PATIENCE = 120.0
_BEFORE = 13


def _an_hour(count: int) -> list[Rows]:
    start = int(time.time()) - count // CALLS_PER_SECOND
    return multiplied(recorded(), count, seed=4, start=start, series="h", each=1 / CALLS_PER_SECOND)


def _append(journal: Path, calls: list[Rows]) -> int:
    rows = interleaved(calls)
    with journal.open("ab") as file:
        file.write(b"".join(row + b"\n" for row in rows))
    return len(rows)


async def _committed(pool: Pool, journal: Path) -> bool:
    """Whether the place in the journal is its end."""
    offset = await pool.fetchval("select (cursor->>'offset')::bigint from journal_cursor where pbx = 'pbx1'")
    return bool(offset == journal.stat().st_size)


async def _followed(pool: Pool) -> bool:
    """Whether every follower has seen every fact."""
    last = "select tx::text || '-' || id from fact order by tx desc, id desc limit 1"
    behind = f"select count(*) from follower where position <> coalesce(({last}), position)"
    return bool(await pool.fetchval(behind) == 0)


async def _one(dsn: str, server: int, folder: Path, count: int, *, shipped: bool) -> Figures:
    async with open_pool(dsn, size=2) as pool:
        await staffed(pool)
        if shipped:
            config = gateway_file(folder, database=dsn)
            host: Host | None = Host(folder / "host", f"http://127.0.0.1:{config.stem}", await host_key(pool))
            journal = folder / "host" / "trunkline.csv"
        else:
            config, host, journal = configured(folder, database=dsn), None, folder / "journal.csv"
        ship = host.start() if host is not None else None
        config.write_text(
            config.read_text().replace(f"/{HOME}", "/home")
        )  # tests of others clear away what bears their name
        try:
            before = multiplied(recorded(), _BEFORE, seed=1, start=int(time.time()) - 7200, each=1.0)
            with served(config) as gateway:
                await until(lambda: _ready(config), _PATIENCE)
                _append(journal, before)
                await until(lambda: _committed(pool, journal), _PATIENCE)
                await gateway.stop(30)
            calls = _an_hour(count)
            rows = _append(journal, calls)
            stored, cpu = await pool.fetchval("select count(*) from call"), cpu_seconds(server)
            shipped_cpu = cpu_seconds(ship.pid) if ship is not None else 0.0
            began = time.monotonic()
            with served(config) as gateway:
                await until(lambda: _ready(config), _PATIENCE)
                ready = time.monotonic()
                await until(lambda: _committed(pool, journal), _PATIENCE)
                done = time.monotonic()
                gateway_cpu = cpu_seconds(gateway.process.pid)
                with contextlib.suppress(TimeoutError):
                    await until(lambda: _followed(pool), _FOLLOW_PATIENCE)
                followed = time.monotonic()
                told: Figures = {
                    "calls": await pool.fetchval("select count(*) from call") - stored,
                    "rows": rows,
                    "seconds": round(done - ready, 1),
                    "from_start": round(done - began, 1),
                    "calls_per_second": round(count / (done - ready)),
                    "followed_seconds": round(followed - done, 1),
                    "gateway_cpu_ms_per_call": round(gateway_cpu / count * 1e3, 2),
                    "postgres_cpu_ms_per_call": round((cpu_seconds(server) - cpu) / count * 1e3, 2),
                    "times_the_limit": round((done - ready) / LIMIT_SECONDS, 2),
                }
                if ship is not None:
                    told["ship_cpu_ms_per_call"] = round((cpu_seconds(ship.pid) - shipped_cpu) / count * 1e3, 2)
                await gateway.stop(30)
            return told
        finally:
            if host is not None:
                host.end()


def _ready(config: Path) -> bool:
    command = ["curl", "-sf", "-o", "/dev/null", f"http://127.0.0.1:{config.stem}/healthz"]
    return subprocess.run(command, check=False).returncode == 0


async def measure(count: int, ways: tuple[str, ...]) -> Figures:
    """All of one run."""
    watch, told = Watch.begin(), Figures()
    for way in ways:
        with open_folder(on_disk=True) as folder:
            async with open_embedded(folder / "server") as server:
                await upgrade(server.dsn)
                told[way] = await _one(server.dsn, server.pid, folder, count, shipped=way == "ship")
    return told | {"limit_seconds": LIMIT_SECONDS, "machine": watch.told()}


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=18_000)
    parser.add_argument("--way", choices=("local", "ship", "both"), default="both")
    options = parser.parse_args()
    ways = ("local", "ship") if options.way == "both" else (options.way,)
    print(json.dumps(asyncio.run(measure(options.calls, ways)), indent=1))
    sys.stdout.flush()


if __name__ == "__main__":
    main()
