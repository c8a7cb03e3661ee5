"""Reports over 250 days, 200 managers and 10 million calls. `python -m bench.reports` prints JSON.

The managers' parts are those of `bench.statistics`; each has a call here, so that channels and hours are counted too.
`--calls` makes it smaller. `p50_ms` and `p95_ms` are of one request after the other with an API key, rights and JSON
included; the sums of the answers are compared with the calls themselves, counted directly.
"""

import argparse
import asyncio
import json
import time
from datetime import timedelta
from pathlib import Path
from statistics import quantiles
from typing import Any

import asyncpg
from aiohttp import ClientSession

from bench.statistics import FIRST, LAST, count_all, seed
from gateway.domain.access import Role
from gateway.store.embedded import open_embedded
from gateway.store.migrate import upgrade
from tests.api.site import Api, open_api
from tests.database import open_folder

RUNS = 15
_CALLS = """insert into call (id, pbx, key, family_id, kind, direction, state, client_number, client_kind, contact_id,
        did, result, talk_us, wait_us, ring_us, outside_us, complete, started_at, ended_at, managers)
    select m.call_id, 'pbx1', m.call_id::text, m.call_id, 'client', m.direction, 'ended', m.number, 'client',
        1 + abs(hashtext(m.number)) % 200000, '7495000000' || abs(hashtext(m.extension)) % 10,
        case when m.answered then 'answered' when m.direction = 'inbound' then 'missed' else 'not_answered' end,
        m.talk_us, m.wait_us, 0, 0, true, m.started_at, m.started_at + interval '3 minutes', '[]'
    from call_manager m"""
_SOURCES = """insert into contact (name, source_kind, source_name)
    select 'C' || n, 'campaign', 'Campaign ' || n % 20 from generate_series(1, 200000) as n"""
_SPEND = """insert into spend (channel_by, name, since, until, amount, currency, made_by)
    select 'did', '7495000000' || n % 10, $1, $2, 1000, 'EUR', 'bench' from generate_series(1, 120) as n"""
_SEEN = ("call_family", "call_contact", "call_report", "call_client_number", "call_started")


async def seed_calls(dsn: str) -> None:
    """A call for each part, with its client, its DID and its source."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("set maintenance_work_mem = '1GB'")
        await connection.execute("alter table call drop constraint call_family_id_fkey")
        wanted = await connection.fetch("select indexdef from pg_indexes where indexname = any($1)", _SEEN)
        for name in _SEEN:
            await connection.execute(f"drop index if exists {name}")
        await connection.execute(_SOURCES)
        await connection.execute(_CALLS)
        for row in wanted:
            await connection.execute(row["indexdef"])
        await connection.execute(_SPEND, FIRST, LAST)
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
                await seed_calls(server.dsn)
                await count_all(server.dsn)
                await api.site.pool.execute("vacuum analyze", timeout=600)
                seeded = round(time.monotonic() - began)
                print(json.dumps({"calls": calls, "seed_seconds": seeded, **await measured(api)}, indent=2))


async def measured(api: Api) -> dict[str, Any]:
    """Each report's time for a day, a month and all, and whether its sums are what the calls say."""
    head = await api.caller(Role.SUPERVISOR)
    pool = api.site.pool
    user = await pool.fetchval("select min(id) from users where login like 'seller%'")
    team = await pool.fetchval("insert into team (name, made_by) values ('T', 'bench') returning id")
    await pool.execute(
        "insert into team_member (team_id, user_id) select $1, id from users where login like 'seller%' order by id"
        " limit 20",
        team,
    )
    spans = {
        "day": {"period": "dates", "since": str(LAST), "until": str(LAST)},
        "month": {"period": "dates", "since": str(LAST - timedelta(days=30)), "until": str(LAST)},
        "250_days": {"period": "dates", "since": str(FIRST), "until": str(LAST), "compare": "false"},
    }
    reports: dict[str, dict[str, Any]] = {
        "ratings": {},
        "company": {},
        "channels": {},
        "channels_by_source": {"by": "source"},
        "series": {},
        "series_of_a_person": {"user": user},
        "series_of_a_team_of_20": {"team": team, "step": "week"},
        "hours": {},
        "tasks": {},
        "communication": {},
        "problems": {"user": user},
    }
    times: dict[str, Any] = {}
    for name, own in reports.items():
        path = f"reports/{name.partition('_')[0]}"
        for span, days in spans.items():
            query = {**days, **own}
            if name == "problems":
                query.pop("compare", None)
            times[f"{name}, {span}"] = await _timed(head, path, query)
    times["goal progress of 200, day"] = await _timed(head, "goals/progress", {"day": str(LAST)})
    for name, goal in (
        ("ledger seconds", {"seconds": 120}),
        ("own seconds", {"seconds": 90}),
    ):
        for period in ("day", "month"):
            number = await _goal(head, {"measure": "numbers", "target": 50, "period": period, **goal})
            query = {"day": str(LAST), "goal": number}
            times[f"goal of a {period} by {name}, everybody"] = await _timed(head, "goals/progress", query)
            times[f"goal of a {period} by {name}, one"] = await _timed(head, "goals/progress", {**query, "user": user})
    return {"times": times, "equal_to_calls": await _equal(api, head, spans["250_days"])}


async def _goal(client: ClientSession, body: dict[str, Any]) -> int:
    headers = {"Idempotency-Key": f"{body['period']}-{body['seconds']}"}
    async with client.post("goals", json={**body, "since": str(FIRST)}, headers=headers) as response:
        assert response.status == 201, await response.text()
        made: int = (await response.json())["id"]
        return made


async def _timed(client: ClientSession, path: str, query: dict[str, Any]) -> dict[str, float]:
    async def ask() -> float:
        began = time.perf_counter()
        async with client.get(path, params={k: str(v) for k, v in query.items()}) as response:
            assert response.status == 200, await response.text()
            await response.read()
        return (time.perf_counter() - began) * 1000

    first = await ask()
    if first > 2000:
        return {"p50_ms": round(first, 1), "p95_ms": round(first, 1)}
    runs = [await ask() for _ in range(RUNS if first < 300 else 3)]
    cuts = quantiles(runs, n=20)
    return {"p50_ms": round(cuts[9], 1), "p95_ms": round(cuts[18], 1)}


async def _equal(api: Api, client: ClientSession, whole: dict[str, str]) -> bool:
    """Whether the company's, the channels' and the hours' sums are what the calls say when counted directly."""
    counted = await api.site.pool.fetchrow(
        "select count(*) as calls, count(*) filter (where result = 'missed') as missed,"
        " count(*) filter (where direction = 'inbound') as calls_in from call where kind = 'client'",
        timeout=600,
    )

    async def sums(name: str) -> dict[str, float]:
        async with client.get(f"reports/{name}", params=whole) as response:
            lines = (await response.json())["lines"]
        return {f: sum(line["cells"][f]["value"] for line in lines) for f in ("calls", "missed")}

    company, channels, hours = [await sums(name) for name in ("company", "channels", "hours")]
    everything = {"calls": counted["calls"], "missed": counted["missed"]}
    inbound = {"calls": counted["calls_in"], "missed": counted["missed"]}
    return company == hours == everything and channels == inbound


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=10_000_000)
    asyncio.run(main(parser.parse_args().calls))
