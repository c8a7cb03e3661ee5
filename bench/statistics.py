"""Figures over 250 days, 200 managers and 10 million calls. `python -m bench.statistics` prints JSON.

The managers' parts of the calls are made by SQL, the roll-ups from them by the recount; an answer is then compared
with the parts themselves, counted directly. `--calls` makes it smaller. `p50_ms` and `p95_ms` are of one request after
the other with an API key, rights and JSON included.
"""

import argparse
import asyncio
import json
import time
from datetime import date, timedelta
from pathlib import Path
from statistics import quantiles
from typing import Any

import asyncpg
from aiohttp import ClientSession

from gateway.domain.access import Role
from gateway.store.database import Pool
from gateway.store.embedded import open_embedded
from gateway.store.figures import recount
from gateway.store.migrate import upgrade
from tests.api.site import Api, open_api
from tests.database import open_folder

MANAGERS, DAYS = 200, 250
FIRST = date(2026, 1, 1)
LAST = FIRST + timedelta(days=DAYS - 1)
CLIENTS = 20_000
"""Clients a manager calls and is called by in all that time."""
RUNS = 30

_INDEXES = ("call_manager_day", "call_manager_of_user")
_PARTS = """insert into call_manager
    select md5(i::text)::uuid, 'x' || i % $2, u.id, $4::date + (i / $2 % $5)::int,
        case when h % 3 = 0 then 'inbound' else 'outbound' end, '+7916' || lpad((u.id * 7 + k % $6)::text, 7, '0'),
        true, h % 4 > 0, h % 12 = 0, h % 24 = 4, h % 48 = 8, 5000000,
        case when h % 4 > 0 then h % 400 * 1000000 else 0 end, h % 20 * 1000000, true,
        ($4::date + (i / $2 % $5)::int) + (i % 36000) * interval '1 second'
    from (select i, abs(hashint8(i)) as h, abs(hashint8(i + 7)) as k
        from generate_series($1::bigint, $3::bigint) as i) g
    join (select id, row_number() over (order by id) - 1 as place from users where login like 'seller%') u
        on u.place = g.i % $2"""


async def seed(pool: Pool, calls: int) -> None:
    """Managers, their parts in that many calls, and the roll-ups."""
    async with pool.acquire() as connection:
        await connection.execute("set maintenance_work_mem = '1GB'")
        await connection.execute("alter table call_manager drop constraint call_manager_call_id_fkey")
        await connection.execute("alter table call_manager drop constraint call_manager_pkey")
        for index in _INDEXES:
            await connection.execute(f"drop index {index}")
        await connection.execute(
            "insert into users (login, name, role) select 'seller' || n, 'Seller ' || n, 'manager'"
            f" from generate_series(1, {MANAGERS}) as n"
        )
        step = 500_000
        for start in range(0, calls, step):
            last = min(calls, start + step) - 1
            await connection.execute(_PARTS, start, MANAGERS, last, FIRST, DAYS, CLIENTS, timeout=600)
        await connection.execute("alter table call_manager add primary key (call_id, extension)", timeout=600)
        await connection.execute(
            "create index call_manager_day on call_manager (user_id, day, direction) where counted", timeout=600
        )
        await connection.execute(
            "create index call_manager_of_user on call_manager (user_id, started_at desc, call_id desc)", timeout=600
        )


async def count_all(dsn: str) -> None:
    """The roll-ups from the parts, on a connection of its own: the pool gives no statement that long."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("set work_mem = '1GB'")
        async with connection.transaction():
            await recount(connection, long_seconds=120, zone="Europe/Moscow")
    finally:
        await connection.close()


async def main(calls: int) -> None:
    """Seed, measure, compare, print."""
    settings = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_wal_size": "8GB"}
    with open_folder(on_disk=True) as folder:
        async with open_embedded(folder / "server", settings=settings) as server:
            await upgrade(server.dsn)
            async with open_api(server.dsn, Path(folder)) as api:
                began = time.monotonic()
                await seed(api.site.pool, calls)
                await count_all(server.dsn)
                await api.site.pool.execute("vacuum analyze", timeout=600)
                seeded = time.monotonic() - began
                print(json.dumps({"calls": calls, "seed_seconds": round(seeded), **await measured(api)}, indent=2))


async def measured(api: Api) -> dict[str, Any]:
    """Each question's time, and whether its answer is what the parts say."""
    head = await api.caller(Role.SUPERVISOR)
    user = await api.site.pool.fetchval("select min(id) from users where login like 'seller%'")
    whole = {"since": str(FIRST), "until": str(LAST)}
    month = {"since": str(LAST - timedelta(days=30)), "until": str(LAST)}
    managers, calls = "statistics/managers", f"statistics/managers/{user}/calls"
    questions: dict[str, tuple[str, dict[str, Any]]] = {
        "everybody_250_days": (managers, whole),
        "everybody_250_days_outbound": (managers, whole | {"direction": "outbound"}),
        "everybody_250_days_sums_only": (managers, whole | {"distinct": "false"}),
        "everybody_31_days_distinct": (managers, month | {"distinct": "true"}),
        "everybody_1_day_distinct": (managers, {"since": str(LAST), "until": str(LAST)}),
        "everybody_31_days_by_day": (managers, month | {"by": "day"}),
        "one_250_days_distinct": (managers, whole | {"user": user}),
        "one_250_days_by_day": (managers, whole | {"user": user, "by": "day"}),
        "goal_of_a_day": ("statistics/goal", {"user": user, "day": str(LAST)}),
        "calls_behind_missed_of_a_day": (calls, {"figure": "missed", "day": str(LAST)}),
        "calls_behind_calls_of_250_days": (calls, {"figure": "calls"} | whole),
        "calls_behind_numbers_of_250_days": (calls, {"figure": "numbers_long"} | whole),
    }
    times = {name: await _timed(head, *question) for name, question in questions.items()}
    return {"times": times, "equal_to_recount": await _equal(api, head, whole)}


async def _timed(client: ClientSession, path: str, query: dict[str, Any]) -> dict[str, float]:
    async def ask() -> float:
        began = time.perf_counter()
        async with client.get(path, params={k: str(v) for k, v in query.items()}) as response:
            assert response.status == 200, await response.text()
            await response.read()
        return (time.perf_counter() - began) * 1000

    first = await ask()
    runs = [await ask() for _ in range(RUNS if first < 500 else 3)]
    cuts = quantiles(runs, n=20)
    return {"p50_ms": round(cuts[9], 1), "p95_ms": round(cuts[18], 1)}


async def _equal(api: Api, client: ClientSession, whole: dict[str, str]) -> bool:
    """Whether the answers are what the parts say when they are counted directly: sums of all, numbers of some."""
    rows = await api.site.pool.fetch(
        "select user_id, count(*), count(*) filter (where answered), count(*) filter (where missed),"
        " count(*) filter (where not_taken), count(*) filter (where lost), sum(talk_us)::bigint, sum(wait_us)::bigint"
        " from call_manager where counted group by 1 order by 1",
        timeout=600,
    )
    names = ("user", "calls", "answered", "missed", "not_taken", "lost", "talk_seconds", "wait_seconds")
    async with client.get("statistics/managers", params=whole) as response:
        items = (await response.json())["items"]
    same = [tuple(i[n] for n in names) for i in items] == [(*tuple(r)[:6], r[6] / 1e6, r[7] / 1e6) for r in rows]
    for user in [r["user_id"] for r in rows][::40]:
        numbers = await api.site.pool.fetchrow(
            "select count(distinct number), count(distinct number) filter (where talk_us > 120000000)"
            " from call_manager where counted and user_id = $1",
            user,
        )
        async with client.get("statistics/managers", params=whole | {"user": str(user)}) as response:
            (item,) = (await response.json())["items"]
        same = same and (item["numbers"], item["numbers_long"]) == tuple(numbers)
    return same


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=10_000_000)
    asyncio.run(main(parser.parse_args().calls))
