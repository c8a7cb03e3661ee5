"""Two gateways on one PBX, by design or by mistake: one reads, the other stands by, and nothing is entered twice."""

import asyncio
import re
import signal
from pathlib import Path

import pytest

from gateway.holding import LASTING
from gateway.store.leases import LeaseLost, give_back_lease, renew_lease, take_lease
from tests.database import open_folder
from tests.faults.plant import (
    Served,
    all_right,
    calls_of,
    configured,
    enter_people,
    looking_at,
    served,
    some_calls,
    traffic,
    truth,
    until,
)
from tests.gateway.site import figures, make_pipeline, open_site, recounted, rows_of

pytestmark = pytest.mark.asyncio
WORKS = "this node does the work"
PATIENCE = LASTING.total_seconds() + 60


def reads(gateway: Served) -> int:
    """How often it has taken the journal; the doctor's work is another one, which may be at the other node."""
    return len(re.findall(rf"{WORKS}.*journal of pbx1", gateway.words))


async def test_a_holder_that_is_stopped_or_killed_is_followed_by_the_other(database: str, tmp_path: Path) -> None:
    calls = some_calls(14)
    await enter_people(database)
    first_file, second_file = (configured(tmp_path, database=database) for _ in range(2))
    with traffic(tmp_path / "journal.csv", calls) as writer, served(first_file) as first:
        await until(lambda: reads(first) == 1)
        with served(second_file) as second:
            await second.says("another node does the work")
            await asyncio.sleep(1.0)
            first.process.send_signal(signal.SIGSTOP)
            await until(lambda: reads(second) == 1, PATIENCE)
            first.process.send_signal(signal.SIGCONT)
            await first.says("another node has taken over")
            second.kill()
            at_once = LASTING.total_seconds() - 1  # a dead process on this machine is known before its time is up
            await until(lambda: reads(first) == 2, at_once)
        await asyncio.to_thread(writer.join)
        async with looking_at(database) as pool:
            await all_right(pool, calls)


async def test_a_second_gateway_on_one_folder_is_refused_in_one_line(tmp_path: Path) -> None:
    with open_folder() as folder, served(configured(folder)) as first:
        await first.says("serving")
        with served(configured(folder)) as second:
            code = await asyncio.to_thread(second.process.wait, 20)
            assert code == 1
            assert "in use by another gateway" in second.words
            assert "Traceback" not in second.words
        assert first.process.poll() is None
        assert await first.stop() == 0


async def test_a_pipeline_that_slept_through_anothers_work_doubles_nothing(database: str) -> None:
    rows = rows_of("in_answered") + rows_of("att_xfer_refer")
    async with open_site(database) as site:
        sleeper, other = site.pipeline, await make_pipeline(site.pool, site.live)
        await sleeper.take(rows[:9])
        await other.take(rows)
        await sleeper.take(rows)
        await other.take(rows[9:])

        assert await calls_of(site.pool) == await truth(site.pool, rows)
        assert await figures(site.pool) == await recounted(site.pool)


async def test_two_pipelines_that_write_at_the_same_time_agree(database: str) -> None:
    names = ("in_answered", "blind_xfer_refer", "queue_answered", "hold", "out_answered", "att_xfer_refer")
    rows = [row for name in names for row in rows_of(name)]

    async with open_site(database) as site:

        async def take(step: int) -> None:
            pipeline = await make_pipeline(site.pool, site.live)
            for start in range(0, len(rows), step):
                await pipeline.take(rows[start : start + step])

        async with asyncio.TaskGroup() as group:
            for step in (1, 3, 7):
                group.create_task(take(step))

        assert await calls_of(site.pool) == await truth(site.pool, rows)
        assert await figures(site.pool) == await recounted(site.pool)
        assert await site.pool.fetchval("select count(*) from fact where kind = 'call.ended'") == len(names)


async def test_a_holder_who_lost_the_lease_writes_nothing(database: str) -> None:
    rows = rows_of("in_answered")
    async with open_site(database) as site:
        lease = await take_lease(site.pool, "journal", "a", lasting=LASTING)
        assert lease is not None
        await site.pipeline.take(rows[:5], lease=lease, cursor={"offset": 5})
        assert await take_lease(site.pool, "journal", "b", lasting=LASTING) is None
        await give_back_lease(site.pool, lease)
        assert await take_lease(site.pool, "journal", "b", lasting=LASTING) is not None

        with pytest.raises(LeaseLost):
            await site.pipeline.take(rows, lease=lease, cursor={"offset": 9})
        with pytest.raises(LeaseLost):
            await renew_lease(site.pool, lease, lasting=LASTING)
        assert await site.pool.fetchval("select cursor from journal_cursor") == {"offset": 5}
        assert await site.pool.fetchval("select result from call") == "missed"
