"""The first meeting with a journal: a year of files is read beside the new rows, counts, and starts nothing.

Requirements of issue 4, point 8: history back-filled at the first start, in any order the same calls.
"""

import gzip
import os
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bench.made_calls import multiplied, recorded
from gateway.domain.legs import LegEvent
from gateway.store.database import Pool
from sip.cel import read_row
from sip.history import meet, older
from sip.journal import tail
from tests.faults.plant import all_right, configured, enter_people, looking_at, running_here, until
from tests.gateway.office import open_office
from tests.gateway.ships import a_host, gateway_file, host_key

pytestmark = pytest.mark.asyncio
DAY = 86_400.0


def written(path: Path, calls: Sequence[Sequence[bytes]], *, days_old: float, packed: bool = False) -> None:
    """A file of the journal as it lies there after rotation."""
    data = b"".join(row + b"\n" for call in calls for row in call)
    if packed:
        with path.open("wb") as file, gzip.GzipFile(fileobj=file, mode="wb") as packer:
            packer.write(data)
    else:
        path.write_bytes(data)
    at = datetime.now(UTC).timestamp() - days_old * DAY
    os.utime(path, (at, at))


def a_year(folder: Path, calls: Sequence[Sequence[bytes]]) -> None:
    """Five files: two packed ones, two plain ones and the present one; a file of another tool beside them."""
    part = len(calls) // 5
    parts = [calls[n * part : (n + 1) * part] for n in range(4)] + [calls[4 * part :]]
    written(folder / "trunkline.csv-20260101.gz", parts[0], days_old=300, packed=True)
    written(folder / "trunkline.csv-20260201.gz", parts[1], days_old=200, packed=True)
    written(folder / "trunkline.csv.2", parts[2], days_old=2)
    written(folder / "trunkline.csv.1", parts[3], days_old=1)
    written(folder / "trunkline.csv", parts[4], days_old=0)
    (folder / "trunkline.csv-notes").write_text("not a journal")


def past(count: int, *, seed: int = 3) -> list[list[bytes]]:
    """Calls of long ago, one after the other."""
    return multiplied(recorded(), count, seed=seed, start=1_760_000_000, each=600.0)


def present(count: int) -> list[list[bytes]]:
    """Calls of now."""
    now = int(datetime.now(UTC).timestamp())
    return multiplied(recorded(), count, seed=8, start=now, series="n", each=0.5)


async def ended_history(pool: Pool) -> bool:
    return await pool.fetchval("select ended_at is not null from journal_history") is True


async def test_all_files_are_read_oldest_first_and_once(tmp_path: Path) -> None:
    calls = past(60)
    a_year(tmp_path, calls)
    met = meet(tmp_path / "trunkline.csv", days=366)
    rows: list[bytes] = []

    assert met.place is not None
    async for found in older(tmp_path / "trunkline.csv", met.place, met.until, grace_seconds=0.0):
        rows += [r.data for r in found.batch.records] if found.batch else []
        if found.ended:
            break

    before = [row for call in calls[:48] for row in call]
    assert rows[: len(before)] == before
    assert met.last_row == calls[-1][-1]
    assert met.bytes_total == sum(len(row) + 1 for row in before)


async def test_files_older_than_the_days_are_left_alone(tmp_path: Path) -> None:
    a_year(tmp_path, past(60))

    assert (
        meet(tmp_path / "trunkline.csv", days=100).bytes_total < meet(tmp_path / "trunkline.csv", days=366).bytes_total
    )
    nothing = meet(tmp_path / "trunkline.csv", days=0)
    assert (nothing.place, nothing.bytes_total) == (None, 0)
    assert nothing.until is not None


async def test_a_long_journal_that_nobody_rotates_is_cut_near_its_end(tmp_path: Path) -> None:
    calls = past(60)
    written(tmp_path / "trunkline.csv", calls, days_old=0)
    met = meet(tmp_path / "trunkline.csv", days=366, recent=20_000)
    assert met.until is not None
    assert met.place is not None
    new: list[bytes] = []
    async for batch in tail(tmp_path / "trunkline.csv", met.until):
        new += [r.data for r in batch.records]
        if new[-1] == calls[-1][-1]:
            break
    old: list[bytes] = []
    async for found in older(tmp_path / "trunkline.csv", met.place, met.until, batch_rows=10):
        old += [r.data for r in found.batch.records] if found.batch else []

    assert 15_000 < sum(len(row) + 1 for row in new) <= 20_000
    assert set(old) | set(new) == {row for call in calls for row in call}


async def test_older_rows_before_behind_and_between_new_ones_give_the_same_calls(database: str, tmp_path: Path) -> None:
    old, new = past(40), present(4)
    await enter_people(database)
    a_year(tmp_path, old)
    shutil.move(tmp_path / "trunkline.csv", tmp_path / "journal.csv")
    for name in sorted(tmp_path.glob("trunkline.csv*")):
        name.rename(tmp_path / name.name.replace("trunkline", "journal"))
    async with running_here(configured(tmp_path, database=database)) as gateway:
        await until(lambda: ended_history(gateway.pool))
        with (tmp_path / "journal.csv").open("ab") as file:
            file.write(b"".join(row + b"\n" for call in new for row in call))
        await all_right(gateway.pool, [*old, *new])
        marked = await gateway.pool.fetch(
            "select body->'history' is not null as old from fact where kind = 'call.ended'"
        )
        assert sum(r["old"] for r in marked) == len(marked) - await _calls_of(gateway.pool, new)


async def _calls_of(pool: Pool, calls: Sequence[Sequence[bytes]]) -> int:
    legs = list({e.leg for call in calls for row in call if (e := read_row(row))})
    found: int = await pool.fetchval(
        "select count(distinct call_id) from leg l join fact f using (call_id)"
        " where l.id = any($1::text[]) and f.kind = 'call.ended'",
        legs,
    )
    return found


async def test_ship_sends_the_year_and_new_calls_do_not_wait_for_it(database: str, tmp_path: Path) -> None:
    old, new = past(400), present(2)
    await enter_people(database)
    config = gateway_file(tmp_path, database=database)
    async with looking_at(database) as pool, running_here(config):
        with a_host(tmp_path / "host", port=config.stem, key=await host_key(pool)) as host:
            a_year(host.folder, old)
            process = host.start()
            await until(lambda: "first time" in host.words)
            host.append(*[row for call in new for row in call])
            legs = [read_row(call[0]).leg for call in new]  # type: ignore[union-attr]

            async def there() -> bool:
                return bool(
                    await pool.fetchval("select count(*) from leg where id = any($1::text[])", legs) == len(legs)
                )

            await until(there)
            process.kill()  # and the older rows go on where they were
            host.start()
            await until(lambda: ended_history(pool), 60)
            await all_right(pool, [*old, *new], 60)
            row = await pool.fetchrow("select bytes_done, bytes_total, before from journal_history")
            assert row["bytes_done"] >= row["bytes_total"] > 0


async def test_what_was_over_before_we_came_starts_nothing_and_counts(database: str) -> None:
    calls = multiplied(recorded(), 26, seed=5, start=1_790_000_000)
    rows = [row for call in calls for row in call]
    last = max(e.at for row in rows if (e := read_row(row)))
    moment = last + timedelta(minutes=5)
    async with open_office(database, moment=moment) as office:
        await office.pool.execute("insert into journal_history (pbx, before) values ('pbx1', $1)", last)
        hook = "insert into webhook (url, kinds, secret, made_by) values ('http://x.example/', array['*'], 'x', 'test')"
        await office.pool.execute(hook)
        await office.site.restart()
        with office.site.live.listening() as screen:
            await office.take_rows(rows)
            await office.at(moment)

            assert await office.pool.fetchval("select count(*) from call where result = 'missed'") > 0
            assert await office.pool.fetchval("select count(*) from task") == 0
            assert await office.pool.fetchval("select count(*) from missed") == 0
            assert await office.pool.fetchval("select count(*) from webhook_delivery") == 0
            assert screen.queue.empty()
        assert await office.pool.fetchval("select sum(calls) from company_day") > 0
        assert await office.pool.fetchval("select count(*) from contact where last_touch_at is not null") > 0
        unmarked = "select count(*) from fact where (kind like 'call.%' or kind = 'card.created')"
        assert await office.pool.fetchval(f"{unmarked} and body->'history' is null") == 0


async def test_a_call_that_went_on_when_we_came_is_none_of_history(database: str) -> None:
    (call,) = multiplied(recorded()[2:3], 1, seed=5, start=1_790_000_000)
    events: list[LegEvent] = [e for row in call if (e := read_row(row))]
    before = events[3].at
    async with open_office(database, moment=events[-1].at) as office:
        await office.pool.execute("insert into journal_history (pbx, before) values ('pbx1', $1)", before)
        await office.site.restart()
        await office.take_rows(call)
        await office.at(events[-1].at + timedelta(seconds=10))

        assert await office.pool.fetchval("select count(*) from missed") == 1
        assert await office.pool.fetchval("select count(*) from task") == 1
