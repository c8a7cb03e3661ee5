"""kill -9 of the gateway at random points under traffic: no call lost, doubled or wrong, figures equal to a recount."""

import asyncio
import random
from pathlib import Path

import pytest

from tests.faults.plant import all_right, configured, enter_people, looking_at, served, some_calls, traffic

pytestmark = pytest.mark.asyncio
KILLS = 20
TRAFFIC_SECONDS = 45
"""Traffic lasts longer than all lives of the gateway together."""


async def test_killed_twenty_times_under_traffic_every_call_comes_out_once_and_right(
    database: str, tmp_path: Path
) -> None:
    await enter_people(database)
    config, rng = configured(tmp_path, database=database), random.Random(11)
    calls = some_calls(TRAFFIC_SECONDS)
    with traffic(tmp_path / "journal.csv", calls) as writer:
        for _ in range(KILLS):
            with served(config) as gateway:
                await asyncio.sleep(rng.uniform(0.9, 2.4))
                assert gateway.process.poll() is None, gateway.words
                gateway.kill()
        await asyncio.to_thread(writer.join)
    with served(config) as gateway:
        async with looking_at(database) as pool:
            await all_right(pool, calls, seconds=60)
        assert await gateway.stop(20) == 0
