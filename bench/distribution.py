"""Outcomes and leads of a big office. `python -m bench.distribution` prints JSON.

200 managers with 400 open leads each and a task with every one; a million outcomes of a year. Measured are: giving
leads by rule, one transaction each, alone and eight at once; sharing out all that one has who left; figures and lists
of outcomes over HTTP with rights and JSON. `--outcomes` and `--leads` make it smaller.
"""

import argparse
import asyncio
import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import quantiles

from gateway.aftercare.giving import Giver
from gateway.aftercare.handovers import HandoverOrder, hand_over
from gateway.domain.access import Role
from gateway.domain.distribution import Member
from gateway.store import distribution_rules as rules
from gateway.store.database import Pool
from gateway.store.distribution import hold_cards
from gateway.store.embedded import open_embedded
from gateway.store.facts import save_facts
from gateway.store.migrate import upgrade
from tests.api.site import Api, open_api
from tests.database import open_folder
from tests.gateway.site import ZONE

MANAGERS, OPEN, RUNS = 200, 400, 20
NOW = datetime.now(UTC)


async def seed(pool: Pool, outcomes: int, leads: int) -> list[int]:
    """Managers with their leads and tasks, outcomes of a year, and leads that are nobody's; their ids."""
    async with pool.acquire() as connection:
        await connection.execute(
            "insert into users (login, name, role) select 'seller' || n, 'Seller ' || n, 'manager'"
            f" from generate_series(1, {MANAGERS}) as n"
        )
        await connection.execute(
            "insert into contact (name, owner_id, stage) select 'Client ' || n, u.id, 'lead' from users u,"
            f" generate_series(1, {OPEN}) as n where u.login like 'seller%'"
        )
        await connection.execute(
            "insert into task (kind, owner_id, contact_id, due_at, made_by, created_at, changed_at) select 'call',"
            " owner_id, id, now() + interval '1 day', 'bench', now(), now() from contact"
        )
        await connection.execute(
            "insert into outcome (contact_id, user_id, disposition_id, reason_id, is_complete, at, day, did, direction,"
            " made_by, made_at, changed_at) select c.id, c.owner_id, d.id, r.id, true, now() - n * interval '30 s',"
            " (now() - n * interval '30 s')::date, '74950' || n % 20, 'inbound', 'bench', now(), now()"
            " from generate_series(1, $1::bigint) as n"
            f" join contact c on c.id = 1 + n * 7919 % {MANAGERS * OPEN}"
            " join (select id, reasons, row_number() over (order by id) - 1 as k from disposition) d on d.k = n % 11"
            " left join lateral (select id from disposition_reason x where x.of = d.reasons"
            "  order by (x.id + n) % 7 limit 1) r on true",
            outcomes,
        )
        made = await connection.fetch(
            "insert into contact (name) select 'Lead ' || n from generate_series(1, $1::int) as n returning id", leads
        )
        rule = await rules.add_rule(
            connection, {"name": "all", "way": "turn", "conditions": {}, "answer_minutes": 15}, by="bench", now=NOW
        )
        assert rule is not None
        users = await connection.fetch("select id from users where login like 'seller%' limit 20")
        await rules.set_members(connection, rule, [Member(user_id=u["id"]) for u in users])
        await connection.execute("vacuum analyze")
    return [r["id"] for r in made]


async def give(pool: Pool, card: int) -> float:
    """Give one lead; the milliseconds it took."""
    began = time.perf_counter()
    async with pool.acquire() as connection, connection.transaction():
        giver = await Giver(connection, NOW, ZONE).begin()
        (held,) = (await hold_cards(connection, [card], NOW)).values()
        await giver.give(held, held.lead, "touch")
        await save_facts(connection, giver.facts)
    return (time.perf_counter() - began) * 1000


async def given(pool: Pool, cards: list[int]) -> dict[str, float]:
    """Leads one after the other, and eight at once."""
    half = len(cards) // 2
    alone = [await give(pool, card) for card in cards[:half]]
    waiting = iter(cards[half:])

    async def worker() -> None:
        for card in waiting:
            await give(pool, card)

    began = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(8)))
    seconds = time.perf_counter() - began
    shares = [r["n"] for r in await pool.fetch("select count(*) as n from assignment group by user_id")]
    return {
        "give_p50_ms": _part(alone, 50),
        "give_p95_ms": _part(alone, 95),
        "eight_at_once_per_second": round(half / seconds),
        "most_minus_least_of_20": max(shares) - min(shares),
    }


async def handed_over(pool: Pool) -> dict[str, float]:
    """All leads and tasks of one manager, by rule."""
    user = await pool.fetchval("select max(owner_id) from contact")
    cards = [r["id"] for r in await pool.fetch("select id from contact where owner_id = $1", user)]
    began = time.perf_counter()
    async with pool.acquire() as connection, connection.transaction():
        giver = await Giver(connection, NOW, ZONE).begin()
        order = HandoverOrder(from_id=user, to_id=None, contacts=cards, reason="bench", by="bench")
        await hand_over(connection, giver, order, NOW)
        await save_facts(connection, giver.facts)
    seconds = time.perf_counter() - began
    return {"handover_cards": len(cards), "handover_seconds": round(seconds, 2)}


async def asked(api: Api) -> dict[str, dict[str, float]]:
    """Figures and lists over HTTP."""
    head = await api.caller(Role.SUPERVISOR, "head")
    today = NOW.date()
    month, year = today - timedelta(days=30), today - timedelta(days=365)
    seller = await api.site.pool.fetchval("select max(user_id) from outcome")
    paths = {
        "figures_of_a_month_by_manager": f"statistics/outcomes?since={month}&until={today}&by=manager",
        "figures_of_a_year_by_did": f"statistics/outcomes?since={year}&until={today}&by=did",
        "figures_of_a_manager_of_a_year": f"statistics/outcomes?since={year}&until={today}&user={seller}",
        "outcomes_of_a_manager": f"outcomes?user={seller}",
        "missing": "outcomes/missing",
        "turns": "distribution/turns",
    }
    told = {}
    for name, path in paths.items():
        times = []
        for _ in range(RUNS):
            began = time.perf_counter()
            async with head.get(path) as response:
                assert response.status == 200, await response.text()
                await response.read()
            times.append((time.perf_counter() - began) * 1000)
        told[name] = {"p50_ms": _part(times, 50), "p95_ms": _part(times, 95)}
    return told


def _part(times: list[float], percent: int) -> float:
    return round(quantiles(times, n=100)[percent - 1], 1)


async def main(outcomes: int, leads: int) -> None:
    """Seed, measure, print."""
    with open_folder() as folder:
        async with open_embedded(folder / "server") as server:
            await upgrade(server.dsn)
            async with open_api(server.dsn, Path(folder)) as api:
                cards = await seed(api.site.pool, outcomes, leads)
                figures = {
                    "managers": MANAGERS,
                    "open_leads_each": OPEN,
                    "outcomes": outcomes,
                    **await given(api.site.pool, cards),
                    **await handed_over(api.site.pool),
                    **await asked(api),
                }
                print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--outcomes", type=int, default=1_000_000)
    parser.add_argument("--leads", type=int, default=1000)
    arguments = parser.parse_args()
    asyncio.run(main(arguments.outcomes, arguments.leads))
