"""How long a row takes from Asterisk's writing there to its commit here, by `trunkline ship` over loopback.

    python -m bench.ship [--seconds 20] [--rate 20]

Rows are appended as `cel_custom` does (open, write, close) at a steady rate, each the start of a leg of its own. A row
has arrived when the gateway has committed it, which the ship's acknowledgement waits for; that moment is the fact's own
in the database. The gateway is `trunkline serve` with PostgreSQL on disk, fsync on. Beside it the same for a journal
that the gateway reads itself; `ratio` is ship over file. Also: memory of the ship, at rest and after the run.
"""

import argparse
import asyncio
import json
import time
from pathlib import Path
from statistics import quantiles

from bench.journal import staffed
from bench.machine import Figures, Watch, pss_bytes, tree
from gateway.store.database import Pool, open_pool
from gateway.store.embedded import open_embedded
from gateway.store.migrate import upgrade
from tests.database import open_folder
from tests.faults.plant import HOME, configured, served, until
from tests.gateway.ships import Host, gateway_file, host_key

_PATIENCE = 60.0


def _row(number: int, at: float) -> bytes:
    columns = ["CHAN_START", f"{at:.6f}", "Client", f"7916{number:07}", "", "", "4950001", "from-trunk"]
    columns += [f"PJSIP/trunk-{number:08x}", "", "", f"lag-{number}.1", f"lag-{number}.1", "", "", "", ""]
    return ('"' + '","'.join(columns) + '"').encode()


async def _write(journal: Path, rate: float, count: int) -> None:
    due = time.monotonic()
    for number in range(count):
        due += 1 / rate
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        with journal.open("ab") as file:
            file.write(_row(number, time.time()) + b"\n")


async def _lags(pool: Pool, count: int) -> Figures:
    async def there() -> bool:
        return bool(await pool.fetchval("select count(*) from leg where id like 'lag-%'") >= count)

    await until(there, _PATIENCE)
    rows = await pool.fetch(
        "select extract(epoch from f.at - c.started_at)::float8 * 1000 as ms"
        " from call c join fact f on f.call_id = c.id"
        " where c.key like 'lag-%' and f.kind = 'call.ringing'"
    )
    points = quantiles([r["ms"] for r in rows], n=100)
    return {
        "rows": len(rows),
        "p50_ms": round(points[49], 1),
        "p95_ms": round(points[94], 1),
        "p99_ms": round(points[98], 1),
    }


async def _one(dsn: str, folder: Path, rate: float, count: int, *, shipped: bool) -> Figures:
    async with open_pool(dsn, size=2) as pool:
        await staffed(pool)
        host: Host | None = None
        if shipped:
            config = gateway_file(folder, database=dsn)
            host = Host(folder / "host", f"http://127.0.0.1:{config.stem}", await host_key(pool))
            journal = host.journal
        else:
            config, journal = configured(folder, database=dsn), folder / "journal.csv"
        journal.touch()
        config.write_text(
            config.read_text().replace(f"/{HOME}", "/home")
        )  # tests of others clear away what bears their name
        try:
            with served(config) as gateway:
                await gateway.says("serving", _PATIENCE)
                told: Figures = {}
                if host is not None:
                    ship = host.start()
                    await until(lambda: "first time" in host.words, _PATIENCE)
                    await asyncio.sleep(1)
                    told["ship_mib_at_rest"] = round(sum(map(pss_bytes, tree(ship.pid))) / 2**20, 1)
                await asyncio.sleep(2)
                await _write(journal, rate, count)
                told |= await _lags(pool, count)
                if host is not None:
                    told["ship_mib_after"] = round(sum(map(pss_bytes, tree(ship.pid))) / 2**20, 1)
                await gateway.stop(30)
            return told
        finally:
            if host is not None:
                host.end()


async def measure(seconds: int, rate: float) -> Figures:
    """All of one run."""
    watch, told = Watch.begin(), Figures()
    for way in ("file", "ship"):
        with open_folder(on_disk=True) as folder:
            async with open_embedded(folder / "server") as server:
                await upgrade(server.dsn)
                told[way] = await _one(server.dsn, folder, rate, int(seconds * rate), shipped=way == "ship")
    file, ship = told["file"], told["ship"]
    assert isinstance(file, dict)
    assert isinstance(ship, dict)
    ratio = round(ship["p50_ms"] / file["p50_ms"], 2)
    return told | {"rows_per_second": rate, "p50_ratio": ratio, "machine": watch.told()}


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--rate", type=float, default=20.0)
    options = parser.parse_args()
    print(json.dumps(asyncio.run(measure(options.seconds, options.rate)), indent=1))


if __name__ == "__main__":
    main()
