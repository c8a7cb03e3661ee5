"""What rotation, administrators and disks do to the journal of a running gateway, and one left for a long time."""

import asyncio
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from bench.made_calls import multiplied, recorded
from sip.journal import JournalCondition
from tests.database import open_folder
from tests.faults.plant import (
    all_right,
    calls_of,
    configured,
    enter_people,
    looking_at,
    running_here,
    served,
    some_calls,
    traffic,
    until,
)
from tests.gateway.site import figures, recounted

pytestmark = pytest.mark.asyncio
NOBODY = 65534
MANY = 20_000
MEGABYTE = 2**20
GROWTH = 30 * MEGABYTE
"""Of a process that has warmed up, over three quarters of the calls."""


def append(journal: Path, data: bytes) -> None:
    """Write on, as Asterisk does: the file is opened for each piece."""
    with journal.open("ab") as file:
        file.write(data)


@contextmanager
def forbidden(file: Path) -> Iterator[None]:
    """Within the block we may not read the file, even if we are root."""
    user, mode = os.geteuid(), file.stat().st_mode
    file.chmod(0)
    if user == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(user)
        file.chmod(mode)


async def test_rotation_and_absence_under_traffic_cost_nothing(database: str, tmp_path: Path) -> None:
    await enter_people(database)
    journal = tmp_path / "journal.csv"
    calls = some_calls(7)
    async with running_here(configured(tmp_path, database=database)) as gateway:
        status = gateway.lines["pbx1"].journal
        with traffic(journal, calls) as writer:
            await asyncio.sleep(1.5)
            journal.rename(journal.with_suffix(".csv.1"))
            await asyncio.sleep(1.5)
            journal.with_suffix(".csv.1").rename(journal.with_suffix(".csv.2"))
            journal.rename(journal.with_suffix(".csv.1"))
            await asyncio.sleep(1.5)
            elsewhere = tmp_path / "elsewhere"
            elsewhere.mkdir()
            moved = journal.rename(elsewhere / "journal.csv")
            await asyncio.to_thread(writer.join)
        await asyncio.sleep(1.5)
        shutil.move(moved, journal.with_suffix(".csv-20300101"))
        await all_right(gateway.pool, calls)
        assert status.condition is JournalCondition.READING


async def test_torn_rows_are_finished_garbage_is_kept_apart_and_a_lost_journal_is_told(
    database: str, tmp_path: Path
) -> None:
    await enter_people(database)
    journal = tmp_path / "journal.csv"
    first, second, third, fourth = multiplied(recorded(), 4)
    async with running_here(configured(tmp_path, database=database)) as gateway:
        pool, line = gateway.pool, gateway.lines["pbx1"]
        assert [s.ready for s in line.states()] == [False]

        for row in first:
            append(journal, row[: len(row) // 2])
            await asyncio.sleep(0.02)
            append(journal, row[len(row) // 2 :] + b"\n")
        await all_right(pool, [first])
        assert [s.ready for s in line.states()] == [True]

        append(journal, b"garbage\n\xff\xfe\0\n" + second[0] + b"\n" + second[1][:40] + b"\n")
        append(journal, b"".join(row + b"\n" for row in second[1:]))
        await all_right(pool, [first, second])
        kept = await pool.fetch("select data from quarantine where pbx = 'pbx1' order by id")
        assert {bytes(r["data"]).strip(b"\n") for r in kept} == {b"garbage", b"\xff\xfe\0", second[1][:40]}
        assert line.pipeline.rows_refused == 3

        journal.unlink()
        await until(lambda: not line.states()[0].ready)
        journal.mkdir()
        await until(lambda: line.journal.condition is JournalCondition.UNREADABLE)
        assert "journal" in line.states()[0].detail
        journal.rmdir()
        append(journal, b"".join(row + b"\n" for row in third))
        await all_right(pool, [first, second, third])

        append(journal, b"".join(row + b"\n" for row in [*third, *fourth]))
        await all_right(pool, [first, second, third, fourth])
        assert await pool.fetchval("select count(*) from quarantine") == 3


async def test_a_new_file_that_may_not_be_read_is_read_once_it_may(database: str) -> None:
    await enter_people(database)
    first, second = multiplied(recorded(), 2)
    with open_folder() as folder:
        journal = folder / "journal.csv"
        append(journal, b"".join(row + b"\n" for row in first))
        async with running_here(configured(folder, database=database)) as gateway:
            line = gateway.lines["pbx1"]
            await all_right(gateway.pool, [first])
            journal.rename(folder / "journal.csv.1")
            append(journal, b"".join(row + b"\n" for row in second[:3]))
            with forbidden(journal):
                await until(lambda: line.journal.condition is JournalCondition.NO_PERMISSION)
                assert [s.ready for s in line.states()] == [False]
            append(journal, b"".join(row + b"\n" for row in second[3:]))
            await all_right(gateway.pool, [first, second])


async def test_a_long_journal_is_caught_up_in_flat_memory(database: str, tmp_path: Path) -> None:
    await enter_people(database)
    short = sorted(recorded(), key=len)[:6]  # 200,000 rows in all
    calls = multiplied(short, MANY)
    (tmp_path / "journal.csv").write_bytes(b"".join(row + b"\n" for call in calls for row in call))
    async with looking_at(database) as pool:

        async def done(share: float) -> bool:
            return bool(await pool.fetchval("select count(*) from call") >= share * MANY)

        with served(configured(tmp_path, database=database)) as gateway:
            memory = psutil.Process(gateway.process.pid).memory_info
            await until(lambda: done(0.25), 90)
            warm = memory().rss
            await until(lambda: done(1.0), 90)
            grown = memory().rss - warm
            assert await gateway.stop() == 0
        assert grown < GROWTH, f"grew by {grown / MEGABYTE:.0f} MB"
        assert await pool.fetchval("select count(*) from call where state = 'ended'") == MANY
        assert await pool.fetchval("select count(*) from fact where kind = 'call.ended'") == MANY
        assert await figures(pool) == await recounted(pool)
        assert len(await calls_of(pool)) == len(_rows(calls)) == MANY


def _rows(calls: Sequence[Sequence[bytes]]) -> set[bytes]:
    """The first row of each call."""
    return {call[0] for call in calls}
