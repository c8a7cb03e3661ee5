"""Inbound routing: the answer to a dialplan's question among 2 million cards; `python -m bench.route`.

Cards, numbers, a year of calls, managers and their states are made by SQL. Then calls from ever other numbers are asked
over real HTTP as Asterisk's CURL does: with the key as a password and a new connection for each question. `first` is a
call's first question (plan, card, group of ten, decision and fact written), `next` the one after nobody answered.
`at_once` asks the same with ten calls a second, which come when they come. `cold_ms` is the first question of all,
`bare` a request that asks nothing of the database, in the same minute: what the machine's other work adds to each.

`--asterisk` adds a real Asterisk whose gateway is dead or slow: milliseconds from the INVITE to the client's 180, and
the same without any question, so that the difference is the delay. The limit is 150 ms.
"""

import argparse
import asyncio
import json
import random
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median, quantiles

from aiohttp import ClientSession, TCPConnector, encode_basic_auth

from gateway.api.security import new_api_key
from gateway.domain.access import Right, Role
from gateway.domain.routing import Strategy
from gateway.store import routing as store
from gateway.store.access import issue_key
from gateway.store.database import Pool
from gateway.store.embedded import open_embedded
from gateway.store.migrate import upgrade
from lab.server import open_asterisk
from tests.api.site import Api, open_api
from tests.database import open_folder
from tests.gateway.routing_site import DAY, DID, group, owner
from tests.gateway.test_route_fallback_asterisk import answered, dripping, open_scene, silent

MANAGERS = 50
CALLS = 300_000
LIMIT_MS = 20

_FREE = "update route_decision set at = at - interval '3 s' where at > now() - interval '2 s'"
"""Whom the last call got is free again."""
_KEPT = ("contact_pkey", "contact_number_pkey", "contact_number_contact", "call_pkey", "call_contact", "call_open")


async def seed(pool: Pool, cards: int) -> list[int]:
    """Managers with phones, cards with an owner each, and calls; gives the managers."""
    async with pool.acquire() as connection:
        await connection.execute("set maintenance_work_mem = '512MB'")
        rows = await connection.fetch(
            "insert into users (login, name, role) select 'seller' || n, 'Seller ' || n, 'manager'"
            f" from generate_series(1, {MANAGERS}) as n returning id"
        )
        users = [r["id"] for r in rows]
        await connection.execute(
            "insert into extension (pbx, extension, user_id) select 'pbx1', (1000 + id)::text, id from users"
            " where login like 'seller%'"
        )
        await connection.execute(
            "insert into endpoint (pbx, pattern, kind, extension) select 'pbx1', 'PJSIP/' || (1000 + id), 'manager',"
            " (1000 + id)::text from users where login like 'seller%'"
        )
        await connection.execute(
            "insert into manager_state (user_id, state, since, by)"
            " select id, 'available', now() - interval '1 hour', 'user:1' from users where login like 'seller%'"
        )
        dropped = await connection.fetch(
            "select indexname from pg_indexes where tablename in ('contact', 'contact_number', 'call')"
            " and indexname <> all($1::text[])",
            list(_KEPT),
        )
        for index in dropped:  # no question looks at them, and filling them takes long
            await connection.execute(f"drop index {index['indexname']}")
        await connection.execute(
            "insert into contact (name, owner_id) select 'Client ' || n, $2 + n % $3"
            " from generate_series(1, $1::bigint) as n",
            cards,
            users[0],
            MANAGERS,
            timeout=900,
        )
        await connection.execute(
            "insert into contact_number (number, contact_id) select '+79' || lpad(id::text, 9, '0'), id from contact",
            timeout=900,
        )
        await connection.execute(
            "with f as (insert into family (id, pbx, open, rows, first_at, last_at)"
            "  values (gen_random_uuid(), 'pbx1', false, '', now(), now()) returning id)"
            " insert into call (id, pbx, key, family_id, kind, direction, state, contact_id, responsible_id, result,"
            "  talk_us, ring_us, outside_us, complete, started_at) select gen_random_uuid(), 'pbx1', n::text, f.id,"
            "  'client', 'inbound', 'ended', 1 + abs(hashint8(n)) % $1, $2 + n % $3, 'answered', 1, 1, 0, true,"
            "  now() - n * interval '100 seconds' from f, generate_series(1, $4::bigint) as n",
            cards,
            users[0],
            MANAGERS,
            min(CALLS, cards),
            timeout=900,
        )
        await connection.execute("vacuum analyze", timeout=900)
    return users


class Dialplan:
    """Asks as the dialplan does."""

    def __init__(self, origin: str, key: str, cards: int) -> None:
        self._address = f"{origin}/api/v1/route"
        self._bare = f"{origin}/healthz"
        self._headers = {"Authorization": encode_basic_auth("route", key)}
        self._cards = cards
        self._dice = random.Random(7)
        self._calls = 0

    async def ask(self, client: ClientSession, call: str, caller: str, step: int) -> tuple[float, str]:
        """One question; gives milliseconds and the answer."""
        query = {
            "pbx": "pbx1",
            "call": call,
            "did": DID,
            "caller": caller,
            "step": str(step),
            "status": "NEW" if step == 0 else "NOANSWER",
        }
        began = time.perf_counter()
        async with client.get(self._address, params=query, headers=self._headers) as response:
            text = await response.text()
        took = (time.perf_counter() - began) * 1000
        assert response.status == 200, text
        return took, text

    async def bare(self, client: ClientSession) -> float:
        """A request that asks nothing of the database: what HTTP, the machine and its other work take."""
        began = time.perf_counter()
        async with client.get(self._bare) as response:
            await response.read()
        return (time.perf_counter() - began) * 1000

    async def call(self, client: ClientSession) -> tuple[float, float]:
        """A call that its own manager does not take: its first two questions."""
        self._calls += 1
        call, caller = f"pbx1-{self._calls}.1", f"+79{self._dice.randrange(1, self._cards + 1):09d}"
        first, answer = await self.ask(client, call, caller, 0)
        assert answer.startswith("TL1:"), answer
        further, _ = await self.ask(client, call, caller, 1)
        return first, further

    def connection(self) -> ClientSession:
        """A client that opens a connection for each question."""
        return ClientSession(connector=TCPConnector(force_close=True))


def figures(taken: Sequence[float]) -> dict[str, float]:
    """Percentiles in milliseconds."""
    places = quantiles(taken, n=100, method="inclusive")
    return {
        "p50_ms": round(places[49], 2),
        "p95_ms": round(places[94], 2),
        "p99_ms": round(places[98], 2),
        "max_ms": round(max(taken), 2),
    }


async def measure(api: Api, cards: int, runs: int) -> dict[str, object]:
    """Enter a route, ask, and say how long it took."""
    began = time.perf_counter()
    users = await seed(api.site.pool, cards)
    seeded = time.perf_counter() - began
    async with api.site.pool.acquire() as connection, connection.transaction():
        team = await store.add_group(
            connection,
            {"name": "Sales", "strategy": Strategy.LONGEST_IDLE, "members": users[:10]},
            by="bench",
            now=DAY,
        )
        body = {"name": "Main", "did": DID, "record": True, "notice": False, "hours": None, "closed_steps": []}
        await store.add_route(connection, {**body, "steps": [owner(15), group(team, 20)]}, by="bench", now=DAY)
    key_id, key, digest = new_api_key()
    await issue_key(
        api.site.pool, key_id=key_id, secret_digest=digest, name="PBX", role=Role.ADMIN, rights=[Right.ROUTE_ASK]
    )
    dialplan = Dialplan(api.origin, key, cards)
    async with dialplan.connection() as client:
        cold, _ = await dialplan.ask(client, "cold.1", "+79000000001", 0)
        one: list[tuple[float, float]] = []
        bare: list[float] = []
        for _ in range(runs):
            one.append(await dialplan.call(client))
            await api.site.pool.execute(_FREE)
            bare.append(await dialplan.bare(client))
        crowd: list[tuple[float, float]] = []
        dice = random.Random(9)

        async def caller() -> None:
            for _ in range(runs // 10):
                crowd.append(await dialplan.call(client))
                await asyncio.sleep(dice.expovariate(2))

        await asyncio.gather(*(caller() for _ in range(5)))
    return {
        "cards": cards,
        "calls": min(CALLS, cards),
        "questions": 2 * (len(one) + len(crowd)),
        "seeded_s": round(seeded, 1),
        "cold_ms": round(cold, 2),
        "bare": figures(bare),
        "first": figures([first for first, _ in one]),
        "next": figures([further for _, further in one]),
        "at_once": figures([ms for pair in crowd for ms in pair]),
        "limit_ms": LIMIT_MS,
    }


_GATEWAYS = {
    "not_asked": None,
    "closed_port": None,
    "answers_at_once": answered(b"TL1:site:-:0:-:0:0:END"),
    "failed_500": answered(b"failed", b"500 Internal Server Error"),
    "5_mb": answered(b"x" * 5_000_000),
    "never_answers": silent,
    "drips": dripping,
}


async def fall_back(runs: int) -> dict[str, object]:
    """How long a real Asterisk lets a call wait for a gateway that is dead or slow."""
    found: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as folder, open_asterisk(Path(folder)) as asterisk:
        Path(folder).chmod(0o755)
        for name, reply in _GATEWAYS.items():
            async with open_scene(asterisk) as scene:  # phones of their own: a phone's sockets are freed late
                scene.gateway.reply = reply or silent
                if reply is None:
                    await scene.point_to("http://127.0.0.1:9/api/v1/route" if name == "closed_port" else "")
                await scene.rings_the_sites_own_phone()
                took = []
                for _ in range(runs):
                    took.append(1000 * await scene.rings_the_sites_own_phone())
                    await asyncio.sleep(0.2)
                found[name] = {"median_ms": round(median(took), 1), "max_ms": round(max(took), 1)}
    return found


async def main(cards: int, runs: int, *, asterisk: bool) -> dict[str, object]:
    """Everything."""
    with open_folder(on_disk=True) as folder:
        async with open_embedded(folder / "bench") as server:
            await upgrade(server.dsn)
            async with open_api(server.dsn, Path(folder)) as api:
                found = await measure(api, cards, runs)
    return found | ({"asterisk": await fall_back(10)} if asterisk else {})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cards", type=int, default=2_000_000)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--asterisk", action="store_true")
    given = parser.parse_args()
    print(json.dumps(asyncio.run(main(given.cards, given.runs, asterisk=given.asterisk)), indent=1))
