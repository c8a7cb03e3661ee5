"""PostgreSQL killed, crashed and stopped under a gateway at work: it waits, goes on, and nothing is lost or doubled."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from gateway.app import Gateway
from gateway.store.embedded import borrow_embedded, open_embedded
from gateway.store.embedded_process import read_pid_file
from gateway.store.migrate import upgrade
from tests.database import open_folder
from tests.faults.plant import (
    HOME,
    all_right,
    client_legs,
    configured,
    enter_people,
    looking_at,
    running_here,
    served,
    some_calls,
    traffic,
    until,
)
from tests.gateway.recorded import let_run_out, write_call

pytestmark = pytest.mark.asyncio


@dataclass(slots=True, kw_only=True)
class Plant:
    """A gateway in this process, with its own PostgreSQL."""

    gateway: Gateway
    folder: Path

    @property
    def server(self) -> int:
        """The server's process."""
        found = read_pid_file(self.folder / HOME / "pg18")
        assert found is not None
        return found.pid


@asynccontextmanager
async def plant(folder: Path) -> AsyncIterator[Plant]:
    """Start it with its people."""
    async with open_embedded(folder / HOME) as server:
        await upgrade(server.dsn)
        await enter_people(server.dsn)
    async with running_here(configured(folder)) as gateway:
        yield Plant(gateway=gateway, folder=folder)


async def test_postgresql_killed_and_stopped_under_traffic_costs_nothing() -> None:
    calls = some_calls(14)
    with open_folder() as folder:
        async with plant(folder) as site:
            with traffic(folder / "journal.csv", calls) as writer:
                with site.gateway.live.listening() as screen:
                    await _ill_treat(site)
                    await until(screen.overrun.is_set)  # screens are told to look again
                with site.gateway.live.listening() as screen:
                    await asyncio.to_thread(writer.join)
                    await all_right(site.gateway.pool, calls)
                    assert screen.queue.qsize() > 0, "the live bus is silent"


async def _ill_treat(site: Plant) -> None:
    """Kill the server twice, one of its backends once (which makes it recover), and stop it for five seconds."""
    for _ in range(2):
        await asyncio.sleep(2.0)
        os.kill(site.server, signal.SIGKILL)
    await asyncio.sleep(1.5)
    backends = psutil.Process(site.server).children()
    next(p for p in backends if "trunkline" in " ".join(p.cmdline())).kill()
    await asyncio.sleep(1.0)
    head = psutil.Process(site.server)
    frozen = [head, *head.children()]
    for process in frozen:
        process.suspend()
    await asyncio.sleep(5.0)
    for process in frozen:
        process.resume()


async def test_a_killed_gateway_adopts_its_database_and_goes_on_with_calls_and_recordings() -> None:
    calls = some_calls(7)
    legs = client_legs(calls)[:12]
    with open_folder() as folder:
        async with open_embedded(folder / HOME) as server:
            await upgrade(server.dsn)
            await enter_people(server.dsn)
        recordings = folder / "recordings"
        recordings.mkdir()
        config = configured(folder, pbx=f'recordings.folder = "{recordings}"')
        with traffic(folder / "journal.csv", calls) as writer:
            with served(config) as first:
                await first.says("serving")
                found = read_pid_file(folder / HOME / "pg18")
                assert found is not None
                for number, leg in enumerate(legs):
                    write_call(recordings, leg, seconds=2, seed=number % 3)
                await until(lambda: len(list((folder / HOME / "recordings").rglob("*.flac"))) > 1)
                first.kill()
            assert psutil.Process(found.pid).status() != psutil.STATUS_ZOMBIE, "the server died with the gateway"
            with served(config) as second:
                await until(lambda: second.words.count("serving") == 2)
                assert "database server adopted" in second.words
                await asyncio.to_thread(writer.join)
                async with borrow_embedded(folder / HOME) as server, looking_at(server.dsn) as pool:
                    await all_right(pool, calls)

                    async def stored() -> bool:
                        return bool(
                            await pool.fetchval("select count(*) from recording where state = 'stored'") >= len(legs)
                        )

                    await let_run_out(pool)  # an attempt that was cut off is repeated after half a minute
                    for marker in recordings.glob("*.done"):
                        marker.touch()
                    await until(stored, 60)
                    assert sorted(r[0] for r in await pool.fetch("select name from recording")) == sorted(legs)
                    whose = "select count(*) from recording r join leg l on l.id = r.name and l.call_id = r.call_id"
                    assert await pool.fetchval(whose) == len(legs)
                    told = "select count(*) from fact where kind = 'recording.stored'"
                    assert await pool.fetchval(told) == len(legs)
                assert await second.stop() == 0
        assert len(list((folder / HOME / "recordings").rglob("*.flac"))) == len(legs)
        assert read_pid_file(folder / HOME / "pg18") is None, "a clean stop left the server running"
