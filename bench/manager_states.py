"""States of managers in a busy office; `python -m bench.manager_states` prints JSON.

Managers with so many calls each on every day of a month, all of them folded into states from nothing (`filled_s`).
Then, in milliseconds: one call that ends (`call_ms`: its talks taken over, the manager folded anew), one choice
(`choice_ms`), the look at the open calls that comes each second (`look_ms`, with every manager in a call), the states
that routing and the board ask for (`present_ms`), the report of a day and of all days for everybody (`report_*_ms`);
and the same folded again, where nothing differs (`refold_s`).
"""

import argparse
import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from statistics import quantiles
from uuid import UUID
from zoneinfo import ZoneInfo

from gateway.aftercare.manager_states import choose, look_at_calls
from gateway.domain.manager_states import Choice, Chosen
from gateway.domain.periods import Period, Step
from gateway.store.database import Pool, open_pool
from gateway.store.embedded import open_embedded
from gateway.store.manager_states import present_states, refold, sync_talks
from gateway.store.migrate import upgrade
from gateway.store.state_figures import state_days
from tests.database import open_folder

ZONE = ZoneInfo("Europe/Moscow")
FIRST = datetime(2026, 11, 2, 6, tzinfo=UTC)
_PEOPLE = "insert into users (login, name, role) select 'm' || n, 'M ' || n, 'manager' from generate_series(1, $1) n"
_EXTENSIONS = "insert into extension (pbx, extension, user_id) select 'pbx1', id::text, id from users"
_FAMILY = "insert into family (id, pbx, open, rows, first_at, last_at) values ($1, 'pbx1', false, '', now(), now())"
_MADE = """create temp table made as select gen_random_uuid() as id, u.id as user_id,
 $1::timestamptz + (d - 1) * interval '1 day' + n * (interval '9 hours' / $3) + u.id * interval '1 second' as at
 from users u, generate_series(1, $2) d, generate_series(1, $3) n"""
_CALLS = """insert into call (id, pbx, key, family_id, kind, direction, state, result, talk_us, ring_us, outside_us,
 complete, started_at, answered_at, ended_at) select id, 'pbx1', id::text, $1, 'client', 'inbound', 'ended', 'answered',
 120000000, 5000000, 0, true, at, at + interval '5 s', at + interval '125 s' from made"""
_LEGS = """insert into leg (pbx, id, family_id, call_id, channel, role, extension, dialled, started_at, answered_at,
 ended_at) select 'pbx1', id::text, $1, id, 'PJSIP/x', 'manager', user_id::text, true, at, at + interval '5 s',
 at + interval '125 s' from made"""


def spread(seconds: list[float]) -> dict[str, float]:
    """Median and 95th percentile in milliseconds."""
    cuts = quantiles(seconds, n=20)
    return {"p50": round(cuts[9] * 1000, 2), "p95": round(cuts[18] * 1000, 2)}


async def timed(work: Callable[[int], Awaitable[object]], runs: int) -> dict[str, float]:
    """One after the other."""
    took = []
    for n in range(runs):
        began = time.perf_counter()
        await work(n)
        took.append(time.perf_counter() - began)
    return spread(took)


async def seed(pool: Pool, managers: int, days: int, calls: int) -> list[UUID]:
    """People and their calls; gives the calls of the last day."""
    family = UUID(int=1)
    async with pool.acquire() as connection:
        await connection.execute(_PEOPLE, managers)
        await connection.execute(_EXTENSIONS)
        await connection.execute(_FAMILY, family)
        await connection.execute(_MADE, FIRST, days, calls)
        await connection.execute(_CALLS, family, timeout=600)
        await connection.execute(_LEGS, family, timeout=600)
        await connection.execute(
            "insert into state_choice (user_id, at, chosen, by) select u.id, $1::timestamptz + d * interval '1 day'"
            "  + case when c = 'off' then interval '9 hours' else '0' end, c, 'working_time'"
            " from users u, generate_series(0, $2 - 1) d, unnest(array['available', 'off']) c",
            FIRST,
            days,
        )
        await connection.execute("analyze", timeout=600)
        last = FIRST + timedelta(days=days - 1)
        rows = await connection.fetch("select id from call where started_at >= $1 order by random()", last)
    return [r["id"] for r in rows]


async def measure(managers: int, days: int, calls: int, runs: int) -> dict[str, object]:
    """Everything, on a database of its own."""
    with open_folder() as folder:
        async with open_embedded(folder / "session") as server:
            await upgrade(server.dsn)
            async with open_pool(server.dsn) as pool:
                last_day = await seed(pool, managers, days, calls)
                return await _measured(pool, last_day, managers, days, runs)


async def _measured(pool: Pool, last_day: list[UUID], managers: int, days: int, runs: int) -> dict[str, object]:
    users = [r["id"] for r in await pool.fetch("select id from users order by id")]
    zones = dict.fromkeys(users, ZONE)
    now = FIRST + timedelta(days=days - 1, hours=8)
    everybody = dict.fromkeys(users, FIRST - timedelta(days=1))

    async def fold_all() -> float:
        began = time.perf_counter()
        async with pool.acquire() as connection, connection.transaction():
            await sync_talks(connection, [r["id"] for r in await connection.fetch("select id from call")], now)
            await refold(connection, everybody, now)
        return time.perf_counter() - began

    async def ended(n: int) -> None:
        call = last_day[n % len(last_day)]
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute("delete from manager_talk where call_id = $1", call)
            changed = await sync_talks(connection, [call], now)
            await refold(connection, changed, now)

    async def chosen(n: int) -> None:
        at = now + timedelta(seconds=n)
        choice = Choice(at=at, chosen=(Chosen.BREAK, Chosen.AVAILABLE)[n % 2], by="user:1")
        async with pool.acquire() as connection, connection.transaction():
            await choose(connection, users[n % len(users)], choice, at)

    async def look(_: int) -> None:
        async with pool.acquire() as connection, connection.transaction():
            await look_at_calls(connection, now + timedelta(hours=1))

    async def present(_: int) -> None:
        await present_states(pool, now=now)

    async def report(since: date, until: date, step: Step) -> None:
        await state_days(pool, Period(first=since, last=until), zones, now, step)

    found: dict[str, object] = {"filled_s": round(await fold_all(), 2)}
    found["rows"] = await pool.fetchval("select count(*) from manager_state")
    await pool.execute("vacuum analyze")
    found["refold_s"] = round(await fold_all(), 2)
    found["call_ms"], found["choice_ms"] = await timed(ended, runs), await timed(chosen, runs)
    await pool.execute(
        "update call set state = 'talking', ended_at = null where id in (select distinct on (user_id) call_id"
        " from manager_talk order by user_id, since desc)"
    )
    await pool.execute("update leg l set ended_at = null from call c where c.id = l.call_id and c.state = 'talking'")
    await look(0)
    found["open_calls"] = await pool.fetchval("select count(*) from call where state = 'talking'")
    found["look_ms"], found["present_ms"] = await timed(look, runs), await timed(present, runs)
    first, last = FIRST.date(), FIRST.date() + timedelta(days=days - 1)
    found["report_day_ms"] = await timed(lambda _: report(last, last, Step.DAY), max(2, runs // 5))
    found["report_month_ms"] = await timed(lambda _: report(first, last, Step.DAY), max(2, runs // 10))
    return {"managers": managers, "days": days, "calls": len(last_day) * days, **found}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--managers", type=int, default=100)
    parser.add_argument("--days", type=int, default=28)
    parser.add_argument("--calls", type=int, default=60, help="of each manager on each day")
    parser.add_argument("--runs", type=int, default=100)
    args = parser.parse_args()
    print(json.dumps(asyncio.run(measure(args.managers, args.days, args.calls, args.runs)), indent=1))


if __name__ == "__main__":
    main()
