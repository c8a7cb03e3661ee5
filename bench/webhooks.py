"""Webhooks a second: facts written, queued by the follower, sent over HTTP to a real receiver, and settled durably.

`python -m bench.webhooks` prints JSON. The receiver runs in a process of its own and checks nothing; the database is
the embedded one on disk with fsync. Each message is signed, and each attempt is a row. `seconds_behind` is how long
after its fact a message arrived while facts come at the required rate.
"""

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from gateway.aftercare.follow import Follower, wake_followers
from gateway.aftercare.webhooks import Sending, queue_webhooks
from gateway.domain.webhooks import new_secret
from gateway.live import Live
from gateway.store.database import Pool, open_pool
from gateway.store.embedded import open_embedded
from gateway.store.facts import NewFact, save_facts
from gateway.store.migrate import upgrade
from gateway.store.webhooks import make_webhook
from tests.database import open_folder
from webhooks.sender import open_sender

REQUIRED = 200


def receive() -> None:
    """A receiver that answers at once, and tells on standard output when each message came."""

    async def take(request: web.Request) -> web.Response:
        message = json.loads(await request.read())
        print(message["data"]["n"], time.time(), flush=True)
        return web.Response(status=204)

    async def main() -> None:
        app = web.Application()
        app.router.add_post("/hook", take)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        print(runner.addresses[0][1], flush=True)
        await asyncio.Event().wait()

    asyncio.run(main())


class Arrivals:
    """What the receiver's process tells."""

    def __init__(self) -> None:
        self.at: dict[int, float] = {}
        self.repeated = 0

    async def read(self, stream: asyncio.StreamReader) -> None:
        """Take its lines as they come."""
        while line := await stream.readline():
            number, at = line.split()
            self.repeated += int(number) in self.at
            self.at.setdefault(int(number), float(at))

    async def until(self, count: int) -> None:
        """Wait until so many have come."""
        while len(self.at) < count:  # noqa: ASYNC110 - a bench may look often
            await asyncio.sleep(0.01)


@asynccontextmanager
async def at_work(pool: Pool, receivers: int) -> AsyncIterator[Arrivals]:
    """Followers and sender over so many subscriptions of one receiver."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.webhooks", "--receive", stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    port = int(await process.stdout.readline())
    async with pool.acquire() as connection:
        for number in range(receivers):
            await make_webhook(
                connection,
                url=f"http://127.0.0.1:{port}/hook",
                kinds=(f"bench{'abcdefgh'[number]}.happened",),
                description="",
                api_version="1",
                secret=new_secret(),
                active=True,
                made_by="bench",
            )
    live, arrivals = Live(), Arrivals()
    follower = Follower(pool, "webhooks", queue_webhooks, live)
    await follower.begin()
    async with open_sender(allowed=["127.0.0.1"]) as sender, asyncio.TaskGroup() as group:
        parts = [
            arrivals.read(process.stdout),
            follower.run(),
            wake_followers(pool, [follower]),
            Sending(pool, sender, live).run(),
        ]
        tasks = [group.create_task(part) for part in parts]
        try:
            yield arrivals
        finally:
            for task in tasks:
                task.cancel()
            process.kill()
            await process.wait()


async def write(pool: Pool, first: int, count: int, receivers: int) -> None:
    """So many facts in one transaction, for the subscriptions in turn."""
    async with pool.acquire() as connection, connection.transaction():
        facts = [
            NewFact(kind=f"bench{'abcdefgh'[n % receivers]}.happened", body={"n": n, "text": "x" * 800}, contact_id=n)
            for n in range(first, first + count)
        ]
        await save_facts(connection, facts)


async def measured(pool: Pool, count: int, receivers: int) -> dict[str, Any]:
    """A backlog as fast as it goes, then facts at the required rate."""
    async with at_work(pool, receivers) as arrivals:
        await write(pool, 0, 50, receivers)  # connections and plans
        await arrivals.until(50)
        began = time.time()
        await write(pool, 50, count, receivers)
        await arrivals.until(50 + count)
        rate = count / (max(arrivals.at.values()) - began)
        first, written = 50 + count, dict[int, float]()
        steps = max(10, count // 20)
        began = time.time()
        for step in range(steps):
            number = first + step * 20
            await write(pool, number, 20, receivers)
            written |= dict.fromkeys(range(number, number + 20), time.time())
            await asyncio.sleep(max(0.0, began + (step + 1) * 20 / REQUIRED - time.time()))
        await arrivals.until(first + steps * 20)
        behind = sorted(arrivals.at[n] - at for n, at in written.items())
        waiting = "select count(*) from webhook_delivery where state <> 'delivered'"
        while await pool.fetchval(waiting):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        return {
            "subscriptions": receivers,
            "messages_per_second": round(rate),
            "seconds_behind_at_required_rate": {
                "p50": round(statistics.median(behind), 3),
                "p99": round(behind[int(len(behind) * 0.99)], 3),
            },
            "repeated": arrivals.repeated,
            "attempts_logged": await pool.fetchval("select count(*) from webhook_attempt"),
        }


async def main(count: int) -> None:
    """Measure one subscription, and eight."""
    told: dict[str, Any] = {"required_per_second": REQUIRED, "at": datetime.now(UTC).isoformat(), "runs": []}
    for receivers in (1, 8):
        with open_folder(on_disk=True) as folder:
            async with open_embedded(folder / "server") as server:
                await upgrade(server.dsn)
                async with open_pool(server.dsn) as pool:
                    told["runs"].append(await measured(pool, count, receivers))
    print(json.dumps(told, indent=1))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=4000)
    parser.add_argument("--receive", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    receive() if given.receive else asyncio.run(main(given.count))
