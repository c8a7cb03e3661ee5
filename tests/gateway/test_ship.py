"""`trunkline ship`, a real process, and a gateway: every call comes out once and right, whatever happens in between."""

from pathlib import Path

import pytest

from tests.faults.plant import all_right, enter_people, looking_at, running_here, some_calls, until
from tests.gateway.ships import a_host, gateway_file, host_key

pytestmark = pytest.mark.asyncio


async def test_rows_that_are_written_there_are_calls_here(database: str, tmp_path: Path) -> None:
    await enter_people(database)
    config, calls = gateway_file(tmp_path, database=database), some_calls(4)
    async with looking_at(database) as pool, running_here(config) as gateway:
        with a_host(tmp_path / "host", port=config.stem, key=await host_key(pool)) as host:
            host.start()
            await until(lambda: gateway.lines["pbx1"].receiving.is_heard)
            host.append(*[row for call in calls for row in call])
            await all_right(pool, calls)
