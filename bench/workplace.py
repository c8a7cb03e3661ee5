"""What the workplace in the browser asks for, over a large site.

`python -m bench.workplace [--cards 2000000] [--calls 100000]`

Two numbers for each card, 100 managers, 100,000 calls of 60 days with recordings, transcripts, tasks and missed clients
beside the 250,000 of `bench.cards`, 40 calls that go on. Each route is asked over HTTP with an API key, rights and JSON
included, one request after the other.
"""

import argparse
import asyncio
import json
import time
from collections.abc import Mapping
from pathlib import Path
from uuid import UUID

from aiohttp import ClientSession

from bench.cards import seed, timed
from gateway.domain.access import Role
from gateway.store.database import Pool
from gateway.store.embedded import open_embedded
from gateway.store.migrate import upgrade
from tests.api.site import Api, open_api
from tests.database import open_folder

CALLS = 100_000
DAYS = 60
OPEN = 40
MANAGERS = 100
RUNS = 60

_PEOPLE = """insert into users (login, name, role) select 'worker' || n, 'Worker ' || n, 'manager'
    from generate_series(1, $1::int) as n"""
_EXTENSIONS = """insert into extension (pbx, extension, user_id)
    select 'pbx1', (1000 + id)::text, id from users where role = 'manager' and login not in ('anna', 'boris')"""
_CALLS = """with people as (select array_agg(id order by id) as ids from users where role = 'manager'),
 made as (insert into call (id, pbx, key, family_id, kind, direction, state, client_number, client_kind, contact_id,
    did, result, reason, wait_us, talk_us, ring_us, outside_us, complete, started_at, answered_at, ended_at,
    responsible_id)
    select gen_random_uuid(), 'pbx1', 'w' || n, f.id, 'client', case when h1 % 2 = 0 then 'inbound' else 'outbound' end,
        case when n <= $4 then case when h2 % 2 = 0 then 'talking' else 'ringing' end else 'ended' end,
        '+79' || lpad((card * 2)::text, 9, '0'), 'client', card, '74951' || lpad((h2 % 40)::text, 6, '0'),
        case when h2 % 5 > 0 then 'answered' when h1 % 2 = 0 then 'missed' else 'no_answer' end,
        case when h2 % 5 = 0 then 'no_answer' end, h2 % 30 * 1000000,
        case when h2 % 5 > 0 then h1 % 600 * 1000000 else 0 end,
        0, 0, true, at, case when h2 % 5 > 0 then at + interval '5 s' end, case when n > $4 then at + interval
        '5 min' end,
        ids[1 + h1 % cardinality(ids)]
    from (select n, abs(hashint8(n)) as h1, abs(hashint8(n + 70000000)) as h2, 1 + abs(hashint8(n + 90000000))
    % $2 as card,
        case when n <= $4 then now() - interval '2 min' else now() - n * $3::float / $1 * interval '1 day' end as at
        from generate_series(1, $1::int) as n) g, people, (select id from family limit 1) f
    returning id, responsible_id, direction, result, talk_us, wait_us, started_at, client_number, state)
 insert into call_manager (call_id, extension, user_id, day, direction, number, rang, answered, missed, not_taken, lost,
    rang_us, talk_us, wait_us, counted, started_at)
 select id, (1000 + responsible_id)::text, responsible_id, started_at::date, direction, client_number, true,
    result = 'answered', result = 'missed', false, false, 1, talk_us, coalesce(wait_us, 0), state = 'ended', started_at
 from made"""
_AFTER = (
    "insert into leg (pbx, id, family_id, call_id, channel, role, extension, dialled, started_at, answered_at)"
    " select 'pbx1', 'l' || c.key, c.family_id, c.id, 'x', 'manager', m.extension, true, c.started_at,"
    " case when c.state = 'talking' then c.answered_at end from call c join call_manager m on m.call_id = c.id"
    " where c.state <> 'ended'",
    "insert into manager_state (user_id, state, since, call_id) select distinct on (m.user_id) m.user_id, 'talking',"
    " c.started_at, c.id from call c join call_manager m on m.call_id = c.id where c.state = 'talking'",
    "insert into manager_day (user_id, day, direction, calls, answered, missed, talk_us) select user_id, day,"
    " direction,"
    " count(*), count(*) filter (where answered), count(*) filter (where missed), sum(talk_us) from call_manager"
    " where counted and user_id is not null group by 1, 2, 3 on conflict do nothing",
    "insert into recording (id, pbx, name, call_id, state, duration_us, transcript_state) select"
    " gen_random_uuid(), 'pbx1',"
    " key, id, 'stored', talk_us, case when abs(hashtext(key)) % 10 = 0 then 'ready' else 'none' end from call"
    " where talk_us > 0 and key like 'w%'",
    "insert into transcript (recording_id, language, model, segments, text, words) select id, 'ru', 'base', (select"
    " jsonb_agg(jsonb_build_object('speaker', case when n % 2 = 0 then 'client' else 'manager' end, 'start', n,"
    " 'end', n + 1,"
    " 'text', 'слово номер ' || n)) from generate_series(1, 60) n), 'слово', to_tsvector('simple', 'слово ' || name)"
    " from recording where transcript_state = 'ready'",
    "insert into task (kind, owner_id, contact_id, due_at, made_by, created_at, changed_at) select 'call',"
    " responsible_id,"
    " contact_id, now() + (abs(hashtext(key)) % 20000 - 10000) * interval '1 min', 'user:1', now(), now() from call"
    " where abs(hashtext(key)) % 10 = 1",
    "insert into missed (contact_id, number, pbx, did, state, calls, first_at, last_at, due_at, give_up_at, closed_at,"
    " closed_by_user) select contact_id, client_number, 'pbx1', did, case when abs(hashtext(key)) % 20 = 0 then 'open'"
    " else 'called_back' end, 1, started_at, started_at, started_at + interval '5 min', started_at + interval '3 days',"
    " case when abs(hashtext(key)) % 20 > 0 then started_at + interval '4 min' end, responsible_id from call"
    " where result = 'missed' and state = 'ended'",
    "insert into missed_call (call_id, missed_id, at, reason) select c.id, m.id, c.started_at, 'no_answer' from"
    " missed m"
    " join call c on c.contact_id = m.contact_id and c.started_at = m.first_at on conflict do nothing",
    "insert into our_number (did, name, source_kind, source_name, changed_by) select distinct did, 'Line ' || did,"
    " 'campaign', 'Source ' || right(did, 1), 'user:1' from call where did like '74951%'",
)


async def fill(pool: Pool, cards: int, calls: int) -> None:
    """Calls and what hangs on them."""
    async with pool.acquire() as connection:
        await connection.execute(_PEOPLE, MANAGERS - 52)
        await connection.execute(_EXTENSIONS)
        await connection.execute(_CALLS, calls, cards, float(DAYS), OPEN, timeout=600)
        for statement in _AFTER:
            await connection.execute(statement, timeout=600)
        await connection.execute("vacuum analyze", timeout=600)


def _lists() -> Mapping[str, tuple[str, dict[str, str]]]:
    return {
        "calls": ("calls", {}),
        "calls_missed_7_days": ("calls", {"result": "missed", "period": "last_7_days"}),
        "calls_did_direction": ("calls", {"did": "74951000007", "direction": "inbound"}),
        "calls_source": ("calls", {"source": "Source 3"}),
        "calls_client_name": ("calls", {"client": "Иванов"}),
        "calls_digits": ("calls", {"number": "0077"}),
        "calls_transcript": ("calls", {"transcript": "true", "talk_since": "300"}),
        "calls_words": ("calls", {"q": "слово"}),
        "calls_no_outcome": ("calls", {"outcome": "none", "result": "answered"}),
        "calls_longest": ("calls", {"sort": "longest"}),
        "calls_waited_30_days": ("calls", {"sort": "waited", "period": "month"}),
        "calls_count": ("calls/count", {}),
        "calls_count_rare": ("calls/count", {"result": "missed", "talk_until": "0", "did": "74951000007"}),
        "contacts_line": ("contacts", {"line_of_business": "отрасль 7", "heat": "hot"}),
        "contacts_no_next_step": ("contacts", {"next_step": "false", "heat": "hot", "sort": "last_touch"}),
        "contacts_count": ("contacts/count", {"city": "Город 7"}),
        "numbers": ("numbers", {}),
        "returned": ("reports/returned", {"period": "last_7_days"}),
        "audit": ("audit", {}),
    }


async def measure(api: Api, cards: int, calls: int) -> dict[str, object]:
    """Everything on one seeded database."""
    began, pool = time.monotonic(), api.site.pool
    await seed(pool, cards)
    await fill(pool, cards, calls)
    told: dict[str, object] = {"cards": cards, "calls": calls, "seeded_in_seconds": round(time.monotonic() - began, 1)}
    head = await api.caller(Role.ADMIN, "root")
    open_calls: list[UUID] = [r["id"] for r in await pool.fetch("select id from call where state <> 'ended'")]
    known: list[UUID] = [
        r["id"]
        for r in await pool.fetch(
            "select c.id from call c join recording r on r.call_id = c.id and r.transcript_state = 'ready' limit 500"
        )
    ]
    workers = [r["id"] for r in await pool.fetch("select id from users where role = 'manager' order by id limit 20")]
    people = []
    for worker in workers:
        api.site.users[f"w{worker}"] = worker
        people.append(await api.caller(Role.MANAGER, f"w{worker}"))

    async def get(client: ClientSession, path: str, query: dict[str, str] | None = None) -> None:
        async with client.get(path, params=query) as response:
            if response.status != 200:
                raise SystemExit(f"{path}: {await response.text()}")
            await response.read()

    told["board"] = await timed(lambda _: get(head, "board"), RUNS)
    told["day"] = await timed(lambda turn: get(people[turn % len(people)], "me/day"), RUNS)
    told["caller_ringing"] = await timed(lambda t: get(head, f"calls/{open_calls[t % len(open_calls)]}/caller"), RUNS)
    told["caller_known"] = await timed(lambda t: get(head, f"calls/{known[t % len(known)]}/caller"), RUNS)
    told["session"] = await timed(lambda turn: get(people[turn % len(people)], "session"), RUNS)
    for name, (path, query) in _lists().items():
        limit = {"limit": "100"} if path in ("calls", "contacts") else {}
        told[name] = await timed(lambda _, p=path, q={**query, **limit}: get(head, p, q), 20)  # type: ignore[misc]
    own = {"calls": ("calls", {"limit": "100"}), "calls_missed": ("calls", {"result": "missed", "limit": "100"})}
    for name, (path, query) in own.items():
        told[f"own_{name}"] = await timed(lambda t, p=path, q=query: get(people[t % len(people)], p, q), 20)  # type: ignore[misc]
    return told


async def main(cards: int, calls: int) -> None:
    """Measure and print."""
    with open_folder(on_disk=True) as folder:
        async with open_embedded(folder / "server") as server:
            await upgrade(server.dsn)
            async with open_api(server.dsn, Path(folder)) as api:
                print(json.dumps(await measure(api, cards, calls), indent=1))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cards", type=int, default=2_000_000, help="how many cards (default: 2000000)")
    parser.add_argument("--calls", type=int, default=CALLS, help=f"how many calls (default: {CALLS})")
    chosen = parser.parse_args()
    asyncio.run(main(chosen.cards, chosen.calls))
