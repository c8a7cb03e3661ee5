"""Cards: a caller among 2 million numbers, lists and searches among 1 million cards; `python -m bench.cards`.

The cards are made by SQL; lists and searches go over HTTP with an API key, rights and JSON included, one request after
the other, each with other words. `own` is a manager who sees his own clients only. `--cards` makes it smaller.
"""

import argparse
import asyncio
import json
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from statistics import quantiles

from aiohttp import ClientSession

from gateway.domain.access import Role
from gateway.store.card_numbers import card_of_number
from gateway.store.contacts import read_contact
from gateway.store.database import Pool
from gateway.store.embedded import open_embedded
from gateway.store.migrate import upgrade
from tests.api.site import Api, open_api
from tests.database import open_folder

MANAGERS = 50
TALKED = 5000
"""Clients with whom each manager has talked."""
RUNS = 30
LOOKUPS = 3000

_KEPT = ("contact_pkey", "contact_phone_pkey", "contact_number_pkey", "contact_number_contact")
_FIRST = "Иван Пётр Ольга Анна Мария Сергей Андрей Елена Наталья Дмитрий Алексей Юрий Татьяна Ирина Павел Никита"
_ROOTS = "Иван Петр Сидор Козл Нов Мороз Волк Солов Васил Зайц Павл Семён Голуб Виноград Богдан Воробь Фёдор Михайл"
_MIDDLE = "о ов ен ич ук ар ель ин ай ур ол ест ак ым эр ю"
_ENDS = "ов ова ев ева ин ина ский ская енко юк"
_CARDS = """insert into contact (name, owner_id, city, line_of_business, priority, heat, stage, source_kind,
        source_name, fields, created_at, updated_at, last_touch_at, compared_at)
    select a.first[1 + h1 % array_length(a.first, 1)] || ' ' || a.roots[1 + h2 % array_length(a.roots, 1)]
            || a.middle[1 + h3 % array_length(a.middle, 1)] || a.middle[1 + h5 % array_length(a.middle, 1)]
            || a.ends[1 + h4 % array_length(a.ends, 1)],
        case when h5 % 5 > 0 then $3 + h1 % $4 end, 'Город ' || h2 % 200, 'отрасль ' || h3 % 30, h4 % 6,
        (array['cold', 'warm', 'hot', null])[1 + h5 % 4], (array['unsorted', 'lead', 'client', 'refused'])[1 + h1 % 4],
        'did', '+7495' || lpad((h2 % 40)::text, 7, '0'),
        jsonb_build_object('inn', lpad(h3::text, 10, '0'), 'size', (array['S', 'M', 'L'])[1 + h4 % 3]),
        now() - (10000000 - i) * interval '1 second', now() - h1 % 10000000 * interval '1 second',
        now() - h2 % 10000000 * interval '1 second', now()
    from (select i, abs(hashint8(i)) as h1, abs(hashint8(i + 10000000)) as h2, abs(hashint8(i + 20000000)) as h3,
            abs(hashint8(i + 30000000)) as h4, abs(hashint8(i + 40000000)) as h5
        from generate_series($1::bigint, $2::bigint) as i) g
    cross join (select $5::text[] as first, $6::text[] as roots, $7::text[] as middle, $8::text[] as ends) a"""


async def seed(pool: Pool, cards: int) -> None:
    """Managers, cards, two numbers for each, and the calls in which managers talked."""
    async with pool.acquire() as connection:
        await connection.execute("set maintenance_work_mem = '512MB'")
        first: int = await connection.fetchval(
            "with made as (insert into users (login, name, role) select 'seller' || n, 'Seller ' || n, 'manager'"
            f" from generate_series(1, {MANAGERS}) as n returning id) select min(id) from made"
        )
        await connection.execute(
            "insert into custom_field (of, key, label, kind, searchable) values"
            " ('contact', 'inn', 'ИНН', 'text', true), ('contact', 'size', 'Размер', 'text', false)"
        )
        dropped = await connection.fetch(
            "select indexname, indexdef from pg_indexes"
            " where tablename in ('contact', 'contact_phone', 'contact_number') and indexname <> all($1::text[])",
            list(_KEPT),
        )
        for index in dropped:
            await connection.execute(f"drop index {index['indexname']}")
        words = [line.split() for line in (_FIRST, _ROOTS, _MIDDLE, _ENDS)]
        for start in range(0, cards, 100_000):
            last = min(cards, start + 100_000) - 1
            await connection.execute(_CARDS, start, last, first, MANAGERS, *words, timeout=600)
        for place in (0, 1):
            await connection.execute(
                "insert into contact_phone (contact_id, number)"
                f" select id, '+79' || lpad((id * 2 + {place})::text, 9, '0') from contact",
                timeout=600,
            )
        await connection.execute(
            "insert into contact_number (number, contact_id) select number, contact_id from contact_phone", timeout=600
        )
        await connection.execute(
            "with f as (insert into family (id, pbx, open, rows, first_at, last_at)"
            "  values (gen_random_uuid(), 'pbx1', false, '', now(), now()) returning id),"
            " made as (insert into call (id, pbx, key, family_id, kind, direction, state, contact_id, result, talk_us,"
            "  ring_us, outside_us, complete, started_at) select gen_random_uuid(), u.id::text, k::text, f.id,"
            "  'client', 'inbound', 'ended', 1 + abs(hashint8(u.id * 100000 + k)) % $1, 'answered', 1, 1, 0, true,"
            "  now() - k * interval '1 hour' from f, users u, generate_series(1, $2::int) as k"
            "  where u.login like 'seller%' returning id, pbx::bigint as user_id, started_at)"
            " insert into call_manager select id, 'x', user_id, current_date, 'inbound', null, true, true, false,"
            "  false, false, 1, 1, 1, true, started_at from made",
            cards,
            TALKED,
            timeout=600,
        )
        for index in dropped:
            await connection.execute(index["indexdef"], timeout=600)
        await connection.execute("vacuum analyze", timeout=600)


async def timed(work: Callable[[int], Awaitable[object]], runs: int) -> dict[str, float]:
    """Milliseconds of one after the other, after a few to warm up."""
    for turn in range(3):
        await work(turn)
    taken = []
    for turn in range(3, runs + 3):
        began = time.perf_counter()
        await work(turn)
        taken.append((time.perf_counter() - began) * 1000)
    places = quantiles(taken, n=100, method="inclusive")
    return {"p50_ms": round(places[49], 2), "p95_ms": round(places[94], 2), "p99_ms": round(places[98], 2)}


def _asks(cards: int) -> Mapping[str, Callable[[int], tuple[str, dict[str, str]]]]:
    """What is asked, by name; the turn makes each question another one."""
    dice = random.Random(7)
    first, roots = _FIRST.split(), _ROOTS.split()
    surname = [dice.choice(_MIDDLE.split()) for _ in range(RUNS + 3)]

    def named(turn: int) -> str:
        return f"{roots[turn % len(roots)]}{surname[turn]}"

    def digits(turn: int) -> str:
        return f"{(turn * 7919) % (cards * 2):09d}"

    return {
        "list": lambda _: ("contacts", {}),
        "list_last_touch": lambda _: ("contacts", {"sort": "last_touch"}),
        "list_hot": lambda _: ("contacts", {"heat": "hot", "priority": "4"}),
        "list_city": lambda turn: ("contacts", {"city": f"Город {turn % 200}", "stage": "client"}),
        "list_owner": lambda turn: ("contacts", {"owner": str(5 + turn % MANAGERS), "sort": "last_touch"}),
        "list_field": lambda turn: ("contacts", {"field": "size:" + "SML"[turn % 3]}),
        "list_rare_field": lambda turn: ("contacts", {"field": f"inn:{turn:010d}"}),
        "list_source": lambda turn: ("contacts", {"source_name": f"+7495{turn % 40:07d}"}),
        "search_surname": lambda turn: ("search", {"q": named(turn), "where": "contacts"}),
        "search_full_name": lambda turn: ("search", {"q": f"{first[turn % 16]} {named(turn)}", "where": "contacts"}),
        "search_two_letters": lambda turn: ("search", {"q": named(turn)[:2], "where": "contacts"}),
        "search_mistyped": lambda turn: ("search", {"q": f"{named(turn)}зщ", "where": "contacts"}),
        "search_number": lambda turn: ("search", {"q": f"89{digits(turn)}", "where": "contacts"}),
        "search_last_digits": lambda turn: ("search", {"q": digits(turn)[-4:], "where": "contacts"}),
        "search_field": lambda turn: ("search", {"q": f"{turn * 9973:08d}"[:8], "where": "contacts"}),
        "search_everywhere": lambda turn: ("search", {"q": named(turn)}),
    }


async def asked(client: ClientSession, cards: int) -> dict[str, object]:
    """Each question over HTTP."""
    told: dict[str, object] = {}
    for name, ask in _asks(cards).items():

        async def once(turn: int, ask: Callable[[int], tuple[str, dict[str, str]]] = ask) -> None:
            path, query = ask(turn)
            async with client.get(path, params=query) as response:
                if response.status != 200:
                    raise SystemExit(await response.text())
                await response.read()

        told[name] = await timed(once, RUNS)
    return told


async def looked_up(pool: Pool, cards: int) -> dict[str, object]:
    """A caller's card by his number, as the pipeline and the screen look it up."""
    dice = random.Random(3)
    numbers = [f"+79{dice.randrange(2, cards * 2):09d}" for _ in range(LOOKUPS + 3)]

    async def find(turn: int) -> None:
        await card_of_number(pool, numbers[turn])

    async def show(turn: int) -> None:
        card = await card_of_number(pool, numbers[turn])
        if card is not None:
            await read_contact(pool, card)

    return {"number_to_card": await timed(find, LOOKUPS), "whole_card": await timed(show, LOOKUPS)}


async def measure(api: Api, cards: int) -> dict[str, object]:
    """Everything on one seeded database."""
    began = time.monotonic()
    await seed(api.site.pool, cards)
    seeded = round(time.monotonic() - began, 1)
    head = await api.caller(Role.SUPERVISOR, "head")
    api.site.users["seller"] = await api.site.pool.fetchval("select id from users where login = 'seller7'")
    seller = await api.caller(Role.MANAGER, "seller")
    told: dict[str, object] = {
        "cards": cards,
        "numbers": cards * 2,
        "seeded_in_seconds": seeded,
        "lookup": await looked_up(api.site.pool, cards),
        "all": await asked(head, cards),
    }
    await api.site.pool.execute("update card_rule set sees = 'own'")
    return {**told, "own": await asked(seller, cards)}


async def main(cards: int) -> None:
    """Measure and print."""
    with open_folder(on_disk=True) as folder:
        async with open_embedded(folder / "server") as server:
            dsn = server.dsn
            await upgrade(dsn)
            async with open_api(dsn, Path(folder)) as api:
                print(json.dumps(await measure(api, cards), indent=1))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cards", type=int, default=1_000_000, help="how many cards (default: 1000000)")
    asyncio.run(main(parser.parse_args().cards))
