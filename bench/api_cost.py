"""What our HTTP framework costs: the same query by an endpoint of the API and by a bare aiohttp handler, paired.

`python -m bench.api_cost` prints JSON. Both are served by one process on one connection, in turn, so that whatever the
machine does beside it meets both. The bare handler runs the same statements (who is calling, and the thing that is
asked for) and writes the rows as JSON; it checks nothing. Required: at most 2.5 times its cost.
"""

import argparse
import asyncio
import json
import statistics
import time
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, web

from bench.made_calls import multiplied, recorded
from gateway.domain.access import Role
from gateway.store.access import AccessStore
from gateway.store.call_lists import CallFilter, list_calls
from gateway.store.card_lists import CardFilter, list_contacts
from gateway.store.embedded import open_embedded
from gateway.store.migrate import upgrade
from gateway.store.people import list_people
from gateway.store.webhooks import list_webhooks
from tests.api.site import Api, open_api
from tests.database import FAST, open_folder

REQUIRED = 2.5
PATHS = ("/users", "/calls?limit=1", "/calls?limit=50", "/contacts?limit=50", "/webhooks?limit=20")


def plain(row: object) -> Any:
    """A dataclass or a moment as JSON has it."""
    if hasattr(row, "__slots__"):
        return {name: getattr(row, name) for name in row.__slots__}
    return str(row)


async def bare(api: Api) -> web.Application:
    """Handlers without our framework, with the same queries."""
    pool, store = api.site.pool, AccessStore(api.site.pool)

    async def users(request: web.Request) -> web.Response:
        await store.key(request.headers["Authorization"].split("_")[1])
        return web.json_response(text=json.dumps(await list_people(pool), default=plain))

    async def webhooks(request: web.Request) -> web.Response:
        await store.key(request.headers["Authorization"].split("_")[1])
        found = await list_webhooks(pool, before=None, limit=int(request.query["limit"]) + 1)
        return web.json_response(text=json.dumps({"items": found}, default=plain))

    async def calls(request: web.Request) -> web.Response:
        await store.key(request.headers["Authorization"].split("_")[1])
        found = await list_calls(pool, CallFilter(kind="client"), after=None, limit=int(request.query["limit"]) + 1)
        rows = [dict(call.view) | {"recording": plain(call.recording)} for call in found]
        return web.json_response(text=json.dumps({"items": rows}, default=plain))

    async def contacts(request: web.Request) -> web.Response:
        await store.key(request.headers["Authorization"].split("_")[1])
        found = await list_contacts(pool, CardFilter(), limit=int(request.query["limit"]) + 1)
        return web.json_response(text=json.dumps({"items": found}, default=plain))

    app = web.Application()
    app.router.add_get("/users", users)
    app.router.add_get("/calls", calls)
    app.router.add_get("/contacts", contacts)
    app.router.add_get("/webhooks", webhooks)
    return app


async def seconds(client: ClientSession, url: str, headers: dict[str, str], requests: int) -> float:
    """How long so many requests take, one after the other."""
    began = time.perf_counter()
    for _ in range(requests):
        async with client.get(url, headers=headers) as response:
            assert response.status == 200, await response.text()
            await response.read()
    return time.perf_counter() - began


async def measured(api: Api, requests: int, rounds: int) -> dict[str, Any]:
    """The ratio for each pair, round by round."""
    await api.site.pool.execute(
        "insert into webhook (url, kinds, secret, made_by)"
        " select 'https://crm.example.com/' || n, '{call.*}', 'whsec_x', 'bench' from generate_series(1, 50) as n"
    )
    for rows in multiplied(recorded(), 200):
        await api.site.take_all(rows)
    key = await api.caller(Role.ADMIN)
    headers = {"Authorization": key.headers["Authorization"]}
    runner = web.AppRunner(await bare(api), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    beside = f"http://127.0.0.1:{runner.addresses[0][1]}"
    told: dict[str, Any] = {}
    try:
        async with ClientSession() as client:
            for path in PATHS:
                ours, theirs = f"{api.origin}/api/v1{path}", beside + path
                pairs = []
                for number in range(rounds + 1):
                    pair = [
                        await seconds(client, ours, headers, requests),
                        await seconds(client, theirs, headers, requests),
                    ]
                    if number:  # the first round warms up
                        pairs.append(pair)
                told[f"GET {path}"] = {
                    "ratio": round(statistics.median(a / b for a, b in pairs), 2),
                    "ours_ms": round(statistics.median(a for a, _ in pairs) / requests * 1000, 2),
                    "bare_ms": round(statistics.median(b for _, b in pairs) / requests * 1000, 2),
                }
    finally:
        await runner.cleanup()
    return told


async def main(requests: int, rounds: int) -> None:
    """Serve both and compare."""
    with open_folder() as folder:
        async with open_embedded(folder / "server", settings=FAST) as server:
            await upgrade(server.dsn)
            async with open_api(server.dsn, Path(folder)) as api:
                pairs = await measured(api, requests, rounds)
    print(json.dumps({"required_at_most": REQUIRED, "pairs": pairs}, indent=1))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=9)
    given = parser.parse_args()
    asyncio.run(main(given.requests, given.rounds))
