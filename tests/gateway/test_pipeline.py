"""Rows in, committed calls out: whatever the delivery, the database holds what the fold says."""

import random
from collections.abc import Sequence

import pytest

from gateway.domain.call import Call, CallKind
from gateway.domain.calls import fold
from gateway.store.database import Pool
from gateway.store.facts import facts_after
from sip.cel import read_row
from tests.gateway.site import SCENARIOS, Site, figures, open_site, recounted, rows_of

pytestmark = pytest.mark.asyncio
ALL = sorted(p.name for p in SCENARIOS.iterdir() if (p / "journal.cel.csv").exists())


def expected(site: Site, rows: Sequence[bytes]) -> list[tuple[object, ...]]:
    """What the fold says of the rows, in the columns compared here."""
    events = [e for e in map(read_row, dict.fromkeys(rows)) if e is not None]
    return sorted(_columns(c) for c in fold(events, site.pipeline.tables.directory))


def _columns(call: Call) -> tuple[object, ...]:
    number = call.client.e164 if call.client else None
    return (str(call.started_at), call.key, str(call.kind), str(call.result), str(number), call.talk, call.answered_by)


async def stored(pool: Pool) -> list[tuple[object, ...]]:
    """The same columns from the database."""
    rows = await pool.fetch(
        "select started_at::text, key, kind, result, coalesce(client_number, 'None') as number,"
        " talk_us * interval '1 microsecond' as talk, answered_by, started_at from call where merged_into is null"
    )
    return sorted((str(r[7]), r[1], r[2], r[3], r[4], r[5], tuple(r[6])) for r in rows)


def every_row() -> list[bytes]:
    return [row for name in ALL for row in rows_of(name)]


@pytest.mark.parametrize("step", [1, 7, 100_000])
async def test_every_recorded_call_is_committed_whatever_the_batches(database: str, step: int) -> None:
    rows = every_row()
    async with open_site(database) as site:
        await site.take_all(rows, step)

        assert await stored(site.pool) == expected(site, rows)
        assert await figures(site.pool) == await recounted(site.pool)


async def test_rows_read_twice_and_in_any_order_change_nothing(database: str) -> None:
    rows = every_row()
    async with open_site(database) as site:
        await site.take_all(rows, 50)
        before = await figures(site.pool)
        await site.restart()
        shuffled = rows + rows
        random.Random(3).shuffle(shuffled)
        await site.take_all(shuffled, 40)

        assert await stored(site.pool) == expected(site, rows)
        assert await figures(site.pool) == before == await recounted(site.pool)


async def test_a_gateway_restarted_between_any_rows_goes_on(database: str) -> None:
    rows = [r for name in ("att_xfer_refer", "blind_xfer_refer", "13_att_xfer_to_client") for r in rows_of(name)]
    async with open_site(database) as site:
        for start in range(0, len(rows), 3):
            await site.restart()
            await site.pipeline.take(rows[start : start + 3])

        assert await stored(site.pool) == expected(site, rows)
        assert await figures(site.pool) == await recounted(site.pool)


async def test_one_number_written_two_ways_has_one_card(database: str) -> None:
    rows = rows_of("in_answered")
    national = [r.replace(b"79161234567", b"89161234567").replace(b"pbx1-", b"pbx1-9") for r in rows]
    async with open_site(database) as site:
        await site.take_all(rows + national)

        assert await site.pool.fetchval("select count(*) from contact") == 1
        assert await site.pool.fetchval("select count(distinct contact_id) from call") == 1
        assert await site.pool.fetchval("select count(*) from call") == 2


async def test_a_hidden_number_makes_no_card_and_no_distinct_number(database: str) -> None:
    async with open_site(database) as site:
        await site.take_all(rows_of("16a_anonymous"))

        assert await site.pool.fetchval("select count(*) from contact") == 0
        row = await site.pool.fetchrow("select calls, answered, numbers from manager_day")
        assert tuple(row) == (1, 1, 0)


async def test_the_card_is_there_with_the_first_row_of_a_call(database: str) -> None:
    async with open_site(database) as site:
        with site.live.listening() as screen:
            await site.pipeline.take(rows_of("in_answered")[:3])

            kinds = [screen.queue.get_nowait() for _ in range(screen.queue.qsize())]
        assert [h.kind for h in kinds] == ["card.created", "call.ringing"]
        assert kinds[1].users == (site.users["anna"],)
        assert kinds[1].body["contact_id"] == kinds[0].body["id"]


async def test_a_consultation_that_ends_with_the_client_is_merged_into_his_call(database: str) -> None:
    async with open_site(database) as site:
        await site.take_all(rows_of("att_xfer_refer"), 1)

        gone = await site.pool.fetch("select id, merged_into, kind from call where merged_into is not null")
        kept = await site.pool.fetchrow("select id, kind from call where merged_into is null")
        assert [(r["merged_into"], r["kind"]) for r in gone] == [(kept["id"], "internal")]
        assert "call.merged" in [f.kind for f in await facts_after(site.pool, None, 100)]


async def test_a_row_that_cannot_be_read_goes_to_quarantine_and_stops_nothing(database: str) -> None:
    rows = rows_of("in_answered")
    async with open_site(database) as site:
        await site.pipeline.take([b'"NO_SUCH_EVENT"', *rows, b"garbage\0"], cursor={"offset": 9})

        assert await site.pool.fetchval("select count(*) from quarantine") == 2
        assert await site.pool.fetchval("select result from call") == "answered"
        assert await site.pool.fetchval("select cursor from journal_cursor") == {"offset": 9}


async def test_names_that_no_database_can_keep_do_not_lose_the_call(database: str) -> None:
    rows = [r.replace(b'"Client"', b'"Cl\xff\xfe\x00ient\r\n"') for r in rows_of("in_answered")]
    async with open_site(database) as site:
        await site.take_all(rows)

        assert await site.pool.fetchval("select result from call") == "answered"
        assert "\n" not in await site.pool.fetchval("select name from contact")


async def test_the_feed_holds_each_change_once_and_in_order(database: str) -> None:
    async with open_site(database) as site:
        await site.take_all(rows_of("in_answered"), 1)

        facts = await facts_after(site.pool, None, 100)
        assert [f.kind for f in facts] == ["card.created", "call.ringing", "call.talking", "call.ended"]
        assert await facts_after(site.pool, facts[1].position, 100) == facts[2:]
        assert facts[-1].body["result"] == "answered"


async def test_service_calls_are_kept_and_count_nowhere(database: str) -> None:
    async with open_site(database) as site:
        await site.take_all(rows_of("19a_chanspy"))

        kinds = {r["kind"] for r in await site.pool.fetch("select kind from call")}
        assert kinds == {CallKind.CLIENT, CallKind.SERVICE}
        assert await site.pool.fetchval("select sum(calls) from manager_day") == 1
