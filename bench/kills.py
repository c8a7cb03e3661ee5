"""kill -9 of the gateway at random points under traffic, many more times than the tests do it.

    python -m bench.kills [--kills 100] [--seed 1]

Five calls a second are written to a journal as Asterisk does; the gateway (`trunkline serve`, its database outlives
it) is killed 0.2 to 2.5 s after each start, so while it opens, catches up or follows. In the end every call must be
there once and as the fold says, the figures equal to a recount, no end told twice. Prints JSON: how many kills, calls
and rows; wrong ones end it with an error that names them. `behind_seconds` is how long the last start took to catch up.
"""

import argparse
import asyncio
import json
import random
import time
from collections.abc import Sequence
from pathlib import Path

from bench.machine import Figures, Watch
from bench.made_calls import Rows
from gateway.store.embedded import open_embedded
from gateway.store.migrate import upgrade
from tests.database import open_folder
from tests.faults.plant import (
    CALLS_PER_SECOND,
    all_right,
    configured,
    enter_people,
    looking_at,
    served,
    some_calls,
    traffic,
)

SHORTEST, LONGEST = 0.2, 2.5
_CATCH_UP = 300.0


async def killed(config: Path, lives: Sequence[float]) -> int:
    """Start and kill the gateway; how many of its lives it lived until it was killed."""
    whole = 0
    for life in lives:
        with served(config) as gateway:
            await asyncio.sleep(life)
            whole += gateway.process.poll() is None
            gateway.kill()
    return whole


async def measure(kills: int, seed: int) -> Figures:
    """All of one run."""
    watch, rng = Watch.begin(), random.Random(seed)
    lives = [rng.uniform(SHORTEST, LONGEST) for _ in range(kills)]
    with open_folder(on_disk=True) as folder:
        async with open_embedded(folder / "server") as server:
            await upgrade(server.dsn)
            await enter_people(server.dsn)
            config, calls = configured(folder, database=server.dsn), some_calls(sum(lives), seed=seed)
            with traffic(folder / "journal.csv", calls) as writer:
                alive = await killed(config, lives)
                await asyncio.to_thread(writer.join)
            async with looking_at(server.dsn) as pool:
                began = time.monotonic()
                with served(config):
                    await all_right(pool, calls, _CATCH_UP)
                    behind = time.monotonic() - began
                return _told(kills, alive, calls, behind) | {"machine": watch.told()}


def _told(kills: int, alive: int, calls: Sequence[Rows], behind: float) -> Figures:
    return {
        "kills": kills,
        "alive_when_killed": alive,
        "calls": len(calls),
        "rows": sum(map(len, calls)),
        "calls_per_second": CALLS_PER_SECOND,
        "all_right": True,
        "behind_seconds": round(behind, 1),
    }


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print(json.dumps(asyncio.run(measure(options.kills, options.seed)), indent=1))


if __name__ == "__main__":
    main()
