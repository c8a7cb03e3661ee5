"""A PBX whose clock is an hour off, or is set in mid call: calls are whole, flagged, and deadlines are by our clock."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from tests.gateway.office import open_office
from tests.gateway.site import open_site, rows_of

pytestmark = pytest.mark.asyncio
STREAM_AT = 1_795_000_000


def shifted(rows: Sequence[bytes], seconds: float) -> list[bytes]:
    """The same rows by a clock that differs."""
    found = []
    for row in rows:
        kind, time, rest = row.split(b'","', 2)
        found.append(b'","'.join((kind, b"%.6f" % (float(time) + seconds), rest)))
    return found


def moment_of(row: bytes) -> datetime:
    return datetime.fromtimestamp(float(row.split(b'","', 2)[1]), UTC)


@pytest.mark.parametrize("step", [-3600.0, -60.0])
async def test_a_clock_set_back_in_mid_call_leaves_one_whole_call_that_says_so(database: str, step: float) -> None:
    rows = rows_of("in_answered")
    async with open_site(database) as site:
        for place in range(1, len(rows)):
            await site.pool.execute("truncate call, leg, family, fact, journal_page cascade")
            await site.restart()
            for row in [*rows[:place], *shifted(rows[place:], step)]:  # one at a time, as they are written
                await site.pipeline.take([row])
            calls = await site.pool.fetch("select * from call where merged_into is null")
            assert [(c["state"], c["result"], c["answered_by"]) for c in calls] == [("ended", "answered", ["101"])], (
                place
            )
            (call,) = calls
            assert call["talk_us"] >= 0
            assert call["wait_us"] >= 0
            assert call["ended_at"] >= call["started_at"]
            assert not call["complete"]


async def test_a_clock_that_steps_back_and_forth_makes_no_negative_figure(database: str) -> None:
    rows = rows_of("att_xfer_refer")
    third = len(rows) // 3
    wild = [*rows[:third], *shifted(rows[third : 2 * third], -3600), *shifted(rows[2 * third :], 3600)]
    async with open_site(database) as site:
        await site.take_all(wild, step=1)
        calls = await site.pool.fetch("select * from call where merged_into is null")
        assert calls
        for call in calls:
            assert min(call["talk_us"], call["wait_us"], call["ring_us"], call["hold_us"] or 0) >= 0
        assert await site.pool.fetchval("select count(*) from manager_day where talk_us < 0 or wait_us < 0") == 0


@pytest.mark.parametrize("off", [3600.0, -3600.0])
async def test_the_deadline_of_a_call_back_is_by_our_clock(database: str, off: float) -> None:
    rows = rows_of("in_noanswer")
    now = moment_of(rows[-1])
    async with open_office(database, moment=now) as office:
        await office.pool.execute("insert into pbx_clock (pbx, offset_us) values ('pbx1', $1)", int(off * 1_000_000))
        await office.take_rows(shifted(rows, off))
        await office.at(now + timedelta(seconds=1))
        task = await office.pool.fetchrow("select due_at, state from task")
        promised = await office.pool.fetchval("select minutes from call_back_rule where did is null")
        assert task is not None
        assert abs(task["due_at"] - now - timedelta(minutes=promised or 5)) < timedelta(seconds=5)
