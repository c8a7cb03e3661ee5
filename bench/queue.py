"""The queue of a manager with 400 clients, over the API, among a realistic mass of other work.

200 managers with 400 clients each; every client has one open task (a third overdue, a third within the next days, the
rest in the months to come), tasks that are done, and some were missed and wait. `python -m bench.queue` prints JSON;
`p50_ms` and `p95_ms` are of one request after the other with an API key, rights and JSON included. The first entries
are compared with an order made by a query of its own. `--done` tasks make it smaller.
"""

import argparse
import asyncio
import json
import time
from pathlib import Path
from statistics import quantiles
from typing import Any

from aiohttp import ClientSession

from gateway.domain.access import Role
from gateway.store.database import Pool
from gateway.store.embedded import open_embedded
from gateway.store.migrate import upgrade
from tests.api.site import Api, open_api
from tests.database import open_folder

CLIENTS = 400
RUNS = 200

_CARDS = """insert into contact (name, owner_id, priority, heat, stage, timezone)
    select 'Client ' || n, u.id, n % 6, case n % 5 when 0 then 'hot' when 1 then 'warm' else 'cold' end, 'client',
        case n % 3 when 0 then 'Europe/Moscow' when 1 then 'Asia/Vladivostok' end
    from users u, generate_series(1, $1) n where u.login like 'seller%'"""
_NUMBERS = (
    """insert into contact_number (number, contact_id) select '+7916' || lpad(id::text, 7, '0'), id from contact"""
)
_PHONES = """insert into contact_phone (number, contact_id) select number, contact_id from contact_number"""
_OPEN = """insert into task
    (kind, origin, title, owner_id, contact_id, priority, due_at, made_by, created_at, changed_at)
    select case id % 4 when 0 then 'letter' when 1 then 'meeting' else 'call' end,
        case when id % 10 = 0 then 'return' else 'person' end, 'Task ' || id, owner_id, id, id % 6,
        case id % 3 when 0 then now() - id % 3000 * interval '1 minute'
            when 1 then now() + id % 6000 * interval '1 minute' else now() + (10 + id % 200) * interval '1 day' end,
        'user:1', now() - interval '40 days', now() - interval '40 days' from contact"""
_DONE = """insert into task (kind, state, owner_id, contact_id, due_at, made_by, created_at, changed_at, ended_at)
    select 'call', case when n % 9 = 0 then 'failed' else 'done' end, c.owner_id, c.id, at, 'user:1', at, at, at
    from (select n, now() - n % 500 * interval '1 day' - n % 1440 * interval '1 minute' as at, 1 + n % $2 as id
        from generate_series($3::bigint, $1::bigint) n) g join contact c on c.id = g.id"""
_MISSED = """with made as (insert into missed
            (contact_id, number, pbx, state, calls, first_at, last_at, due_at, give_up_at)
        select c.id, '+7916' || lpad(c.id::text, 7, '0'), 'pbx1', 'open', 1 + c.id % 3, at, at,
            at + interval '5 minutes', at + interval '72 hours'
        from (select *, now() - id % 600 * interval '1 second' as at from contact) c where c.id % 97 = 0
        returning id, contact_id, due_at, first_at)
    insert into task (kind, origin, owner_id, contact_id, missed_id, priority, due_at, made_by, created_at, changed_at)
    select 'call_back', 'missed', c.owner_id, c.id, m.id, 3, m.due_at, 'missed', m.first_at, m.first_at
    from made m join contact c on c.id = m.contact_id"""
_NOBODYS = """insert into task (kind, title, due_at, members, made_by, created_at, changed_at)
    select 'call', 'Anybody ' || n, now() + n * interval '3 minutes',
        case when n % 2 = 0 then '{}'::bigint[] else array[(select min(id) from users where login like 'seller%')] end,
        'user:1', now(), now() from generate_series(1, 60) n"""


async def seed(pool: Pool, managers: int, done: int) -> None:
    """People, their clients, and everything they have to do and have done."""
    async with pool.acquire() as connection:
        await connection.execute(
            "insert into users (login, name, role) select 'seller' || n, 'Seller ' || n, 'manager'"
            f" from generate_series(1, {managers:d}) n"
        )
        await connection.execute(_CARDS, CLIENTS, timeout=600)
        for script in (_NUMBERS, _PHONES, _OPEN, _MISSED, _NOBODYS):
            await connection.execute(script, timeout=600)
        for start in range(1, done + 1, 500_000):
            last = min(done, start + 499_999)
            await connection.execute(_DONE, last, managers * CLIENTS, start, timeout=600)
        await connection.execute("vacuum analyze", timeout=600)


async def main(managers: int, done: int, runs: int) -> None:
    """Seed, measure, compare, print."""
    settings = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_wal_size": "8GB"}
    with open_folder(on_disk=True) as folder:
        async with open_embedded(folder / "server", settings=settings) as server:
            await upgrade(server.dsn)
            async with open_api(server.dsn, Path(folder)) as api:
                began = time.monotonic()
                await seed(api.site.pool, managers, done)
                seeded = time.monotonic() - began
                print(json.dumps({"seed_seconds": round(seeded), **await measured(api, runs)}, indent=2))


async def measured(api: Api, runs: int) -> dict[str, Any]:
    """Each question's time, how much there is, and whether the order is right."""
    user = await api.site.pool.fetchval("select min(id) from users where login like 'seller%'")
    api.site.users["seller"] = user
    seller = await api.caller(Role.MANAGER, "seller")
    head = await api.caller(Role.SUPERVISOR)
    counts = await api.site.pool.fetchrow(
        "select (select count(*) from task) as tasks, (select count(*) from contact) as cards,"
        " (select count(*) from contact where owner_id = $1) as clients,"
        " (select count(*) from missed where state = 'open') as waiting",
        user,
    )
    questions: dict[str, tuple[ClientSession, str, dict[str, str]]] = {
        "queue_50": (seller, "queue", {}),
        "queue_200_next_week": (seller, "queue", {"limit": "200", "days": "7"}),
        "queue_of_another_by_the_head": (head, "queue", {"user": str(user)}),
        "hours_of_a_day": (seller, "queue/hours", {}),
        "tasks_of_a_manager": (seller, "tasks", {"open": "true"}),
        "tasks_overdue_of_all": (head, "tasks", {"overdue": "true"}),
        "missed_inbox": (head, "missed", {"state": "open"}),
    }
    times = {name: await _timed(*question, runs=runs) for name, question in questions.items()}
    return {**dict(counts), "times": times, "order_is_right": await _right(api, seller, user)}


async def _timed(client: ClientSession, path: str, query: dict[str, str], *, runs: int) -> dict[str, float]:
    async def ask() -> float:
        began = time.perf_counter()
        async with client.get(path, params=query) as response:
            assert response.status == 200, await response.text()
            await response.read()
        return (time.perf_counter() - began) * 1000

    for _ in range(8):  # statements are planned anew for their first runs
        await ask()
    cuts = quantiles([await ask() for _ in range(runs)], n=20)
    return {"p50_ms": round(cuts[9], 1), "p95_ms": round(cuts[18], 1)}


async def _right(api: Api, seller: ClientSession, user: int) -> bool:
    """Whether the overdue tasks come in the order that a query of its own gives."""
    async with seller.get("queue", params={"section": "overdue", "limit": "200"}) as response:
        items = (await response.json())["items"]
    awake = [item["task"]["id"] for item in items if "client_night" not in item["reasons"]]
    rows = await api.site.pool.fetch(
        "select t.id from task t left join contact c on c.id = t.contact_id where t.owner_id = $1 and t.due_at < now()"
        " and t.state in ('new', 'in_progress') and t.origin = 'person'"
        " order by 2 * t.priority + coalesce(c.priority, 0)"
        " + case c.heat when 'hot' then 3 when 'warm' then 1 else 0 end desc, t.due_at, t.id",
        user,
    )
    return awake == [r["id"] for r in rows if r["id"] in set(awake)] and len(items) == min(200, len(rows))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--managers", type=int, default=200)
    parser.add_argument("--done", type=int, default=2_000_000)
    parser.add_argument("--runs", type=int, default=RUNS)
    asked = parser.parse_args()
    asyncio.run(main(asked.managers, asked.done, asked.runs))
