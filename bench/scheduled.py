"""Scheduled calls and dial permissions at a busy site; `python -m bench.scheduled` prints JSON.

400 managers with 20 calls planned each; 30,000 orders permitted within the last day, as many as the company's limit
lets pass. Measured are: one question of the dial permissions in its own transaction (`may_dial_ms`), also by several at
once, who wait for each other; one look of the clock when nothing is due (`look_ms`) and when cards and managers are
compared as well (`look_whole_ms`); planning over the API and a refused overlap with its free times; and the return
after downtime when a call of every manager is late, with how many of them were rung (there must be none).
"""

import argparse
import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import quantiles

from gateway.aftercare.scheduled_calls import ScheduledCalls
from gateway.domain.access import Role
from gateway.domain.dialling import DialPurpose
from gateway.domain.phone import NumberPlan
from gateway.store.database import Pool
from gateway.store.dial_permissions import may_dial
from gateway.store.embedded import open_embedded
from gateway.store.migrate import upgrade
from tests.api.site import Api, open_api
from tests.database import open_folder

PLANNED = 20
_PLAN = NumberPlan(region="RU")
_PEOPLE = "insert into users (login, name, role) select 'm' || n, 'M ' || n, 'manager' from generate_series(1, $1) n"
_CARDS = """insert into contact (name, owner_id, timezone) select 'Client ' || n, u.id, 'Europe/Moscow'
    from users u, generate_series(1, $1) n where u.login like 'm%'"""
_CALLS = """insert into scheduled_call (user_id, contact_id, number, at, ends_at, minutes, zone, zone_from, wall,
        agreed_at, made_by, created_at, changed_at)
    select owner_id, id, '+7495' || lpad(id::text, 7, '0'), at, at + interval '15 minutes', 15, 'Europe/Moscow', 'card',
        at at time zone 'Europe/Moscow', at, 'user:1', now(), now()
    from (select c.*, $1::timestamptz + row_number() over (partition by owner_id order by id) * interval '1 hour' as at
        from contact c where owner_id is not null) c"""
_TAKEN = """insert into dial_taken (at, user_id, is_foreign, purpose)
    select now() - n * interval '2.8 seconds', u.low + n % $2, n % 300 = 0, 'call'
    from generate_series(1, $1) n, (select min(id) as low from users where login like 'm%') u"""


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


async def seed(pool: Pool, managers: int, taken: int) -> None:
    """People, their clients, what is planned and what was dialled."""
    tomorrow = datetime.now(UTC).replace(hour=6, minute=0, second=0, microsecond=0) + timedelta(days=1)
    async with pool.acquire() as connection:
        await connection.execute(_PEOPLE, managers)
        await connection.execute(_CARDS, PLANNED)
        await connection.execute(_CALLS, tomorrow, timeout=600)
        await connection.execute(_TAKEN, taken, managers, timeout=600)
        await connection.execute("vacuum analyze", timeout=600)


async def dialled(pool: Pool, users: list[int], runs: int) -> dict[str, object]:
    """The question that every order asks."""

    async def ask(n: int) -> None:
        async with pool.acquire() as connection, connection.transaction():
            verdict = await may_dial(
                connection, user_id=users[n % len(users)], key_id="bench", number=f"+7495{n:07}",
                purpose=DialPurpose.CALL, now=datetime.now(UTC), plan=_PLAN,
            )  # fmt: skip
            assert verdict.allowed or verdict.again_at, verdict

    alone = await timed(ask, runs)
    began = time.perf_counter()
    await asyncio.gather(*(ask(n) for n in range(runs)))
    return {"may_dial_ms": alone, "may_dial_at_once_per_s": round(runs / (time.perf_counter() - began))}


async def looked(pool: Pool, company: Api, runs: int) -> dict[str, object]:
    """What the clock costs each second."""
    works = ScheduledCalls(company.parts.settings.company.timezone)
    now = datetime.now(UTC)

    async def look(n: int, step: float) -> None:
        async with pool.acquire() as connection, connection.transaction():
            await works.look(connection, now + timedelta(seconds=n * step))

    await look(0, 0)
    often = await timed(lambda n: look(1, 1), runs)
    whole = await timed(lambda n: look(n, 10), runs)
    return {"look_ms": often, "look_whole_ms": whole}


async def planned(api: Api, user: int, runs: int) -> dict[str, object]:
    """Planning over the API, and a refusal with free times."""
    api.site.users["m"] = user
    await api.site.pool.execute("insert into extension (pbx, extension, user_id) values ('pbx1', '900', $1)", user)
    client = await api.caller(Role.MANAGER, "m")
    day = (datetime.now(UTC) + timedelta(days=10)).date()

    async def plan(n: int) -> None:
        when = datetime(day.year, day.month, day.day, 9, tzinfo=UTC) + timedelta(days=n // 40, minutes=n % 40 * 15)
        body = {"number": "+74951234567", "at": f"{when:%Y-%m-%dT%H:%M}"}
        async with client.post("scheduled-calls", json=body, headers={"Idempotency-Key": f"p{n}"}) as response:
            assert response.status == 201, await response.text()

    async def clash(n: int) -> None:
        body = {"number": "+74951234567", "at": f"{day}T09:05"}
        async with client.post("scheduled-calls", json=body, headers={"Idempotency-Key": f"c{n}"}) as response:
            assert response.status == 409, await response.text()

    return {"plan_ms": await timed(plan, runs), "refused_overlap_ms": await timed(clash, runs)}


async def late(api: Api, managers: int) -> dict[str, object]:
    """A gateway comes back after some hours."""
    works, pool = ScheduledCalls(api.parts.settings.company.timezone), api.site.pool
    back = await pool.fetchval("select min(at) from scheduled_call where state = 'planned'") + timedelta(minutes=30)
    looks, orders, longest = 0, 0, 0.0
    while await pool.fetchval("select exists (select from scheduled_call where state = 'planned' and at <= $1)", back):
        began = time.perf_counter()
        async with pool.acquire() as connection, connection.transaction():
            await works.look(connection, back)
        longest = max(longest, time.perf_counter() - began)
        looks, orders = looks + 1, orders + len(works.orders)
    moved = await pool.fetchval("select count(*) from scheduled_call where reason = 'late'")
    return {
        "late_calls": moved, "looks": looks, "longest_look_ms": round(longest * 1000), "rung_late": orders,
        "managers": managers,
    }  # fmt: skip


async def main(managers: int, taken: int, runs: int) -> None:
    """Seed, measure, print."""
    with open_folder(on_disk=True) as folder:
        async with open_embedded(folder / "server") as server:
            await upgrade(server.dsn)
            async with open_api(server.dsn, Path(folder)) as api:
                pool = api.site.pool
                await seed(pool, managers, taken)
                rows = await pool.fetch("select id from users where login like 'm%' order by id")
                users = [r["id"] for r in rows]
                figures = {
                    "planned": managers * PLANNED,
                    "permitted_today": taken,
                    **await looked(pool, api, runs),
                    **await planned(api, users[0], runs),
                    **await dialled(pool, users, runs),
                    "after_downtime": await late(api, managers),
                }
                print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--managers", type=int, default=400)
    parser.add_argument("--taken", type=int, default=29_000)
    parser.add_argument("--runs", type=int, default=200)
    arguments = parser.parse_args()
    asyncio.run(main(arguments.managers, arguments.taken, arguments.runs))
