"""Memory of a gateway that has nothing to do: PSS of `trunkline serve` with everything it started, and of PostgreSQL.

    python -m bench.idle [--seconds 10]

One PBX, 50 managers, transcription on with no model loaded yet; ten seconds after it is ready. PSS counts a page that
several processes share once (proc(5), smaps_rollup). Floor: less than 300 MB in all. Prints one JSON object, in MB of
10^6 bytes, beside the CPU that idling takes.
"""

import argparse
import asyncio
import json

from bench.machine import Figures, Watch, command_of, cpu_seconds, pss_bytes, tree
from bench.served import served

FLOOR_MB = 300


async def measure(seconds: float) -> Figures:
    """All figures of one run."""
    watch = Watch.begin()
    async with served() as gateway:
        await asyncio.sleep(seconds)
        before = cpu_seconds(gateway.pid), cpu_seconds(gateway.database_pid)
        await asyncio.sleep(seconds)
        after = cpu_seconds(gateway.pid), cpu_seconds(gateway.database_pid)
        database = set(tree(gateway.database_pid))
        pids = [p for p in tree(gateway.pid) if p not in database]
        ours = {f"{pid} {command_of(pid)}": _mb(pss_bytes(pid)) for pid in pids}
        postgres = _mb(sum(pss_bytes(pid) for pid in database))
        return {
            "total_mb": round(sum(ours.values()) + postgres, 1),
            "floor_mb": FLOOR_MB,
            "gateway_mb": ours,
            "postgres_mb": postgres,
            "postgres_processes": len(database),
            "idle_cpu_percent": {
                "gateway": round((after[0] - before[0]) / seconds * 100, 2),
                "postgres": round((after[1] - before[1]) / seconds * 100, 2),
            },
            "machine": watch.told(),
        }


def _mb(size: int) -> float:
    return round(size / 1e6, 1)


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10.0, help="idle time before the look")
    print(json.dumps(asyncio.run(measure(parser.parse_args().seconds)), indent=1))


if __name__ == "__main__":
    main()
