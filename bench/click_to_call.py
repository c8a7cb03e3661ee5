"""Click-to-call: how soon the API answers, and how soon the manager's phone rings; `python -m bench.click_to_call`.

A real Asterisk, a registered phone (a process of its own), the whole gateway with its API, and one order after the
other by HTTP, each of another client, cancelled as soon as the phone rings. `answer_ms` is from the request to its
whole answer, `rings_ms` from the request to the INVITE's arrival at the phone, by its own clock on the same machine.
The database is on disk. Required (p95): the answer in 30 ms, the phone in 150 ms. `direct_ms` is the same phone rung by
an Originate sent straight to Asterisk: what no gateway could be faster than.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from statistics import quantiles

import structlog

from gateway.store.embedded import open_embedded
from gateway.store.migrate import upgrade
from lab.phones import Phone, open_manager_phone
from lab.server import AsteriskServer, open_asterisk
from sip.ami import AmiSession
from tests.database import open_folder
from tests.gateway.test_commands_asterisk import Desk, desk
from tests.sip.asterisk_site import quick_ami

ANSWER_LIMIT_MS, RINGS_LIMIT_MS = 30.0, 150.0
_NO_LIMIT = dict.fromkeys(("minute", "hour", "day", "foreign_day"))
"""One phone is rung more often here than a person may ring it."""


def spread(milliseconds: Sequence[float]) -> dict[str, float]:
    """Median, 95th and 99th percentile, and the worst."""
    cuts = quantiles(milliseconds, n=100)
    return {
        "p50": round(cuts[49], 1),
        "p95": round(cuts[94], 1),
        "p99": round(cuts[98], 1),
        "worst": round(max(milliseconds), 1),
    }


async def rung(phone: Phone, order: Callable[[], Awaitable[None]]) -> float:
    """Milliseconds from an order's beginning to the INVITE at the phone."""
    phone.forget_arrived()
    began = time.time()
    ordering = asyncio.ensure_future(order())
    call = await phone.next_call()
    await ordering
    return (call.moments["incoming"] - began) * 1000


async def clicks(at: Desk, phone: Phone, numbers: range) -> tuple[list[float], list[float]]:
    """Order calls one after the other; the answers and the rings."""
    answers: list[float] = []
    rings: list[float] = []
    for n in numbers:
        command: dict[str, object] = {}

        async def order(number: int = n, found: dict[str, object] = command) -> None:
            began = time.perf_counter()
            headers = {"Idempotency-Key": f"bench-{number}"}
            async with at.anna.post("calls", json={"number": f"+79161{number:06}"}, headers=headers) as response:
                found |= await response.json()
            answers.append((time.perf_counter() - began) * 1000)
            assert response.status == 202, found

        rings.append(await rung(phone, order))
        await at.anna.delete(f"commands/{command['id']}")
        await at.becomes(str(command["id"]), "cancelled", "refused")
    return answers, rings


async def straight(server: AsteriskServer, phone: Phone, count: int) -> list[float]:
    """The same phone rung without a gateway."""
    session = AmiSession(quick_ami(server))
    running = asyncio.ensure_future(session.run())
    await session.wait_connected(10)
    rings: list[float] = []
    for n in range(count):
        fields = {
            "Channel": "PJSIP/101",
            "Context": "from-managers",
            "Exten": f"79161{n:06}",
            "Priority": "1",
            "Async": "true",
            "ChannelId": f"bench-{n}",
        }

        async def order(sent: dict[str, str] = fields) -> None:
            await session.action("Originate", sent)

        rings.append(await rung(phone, order))
        await phone.calls[max(phone.calls)].refuse(603)
        await asyncio.sleep(0.05)
    running.cancel()
    await asyncio.wait({running})
    return rings


async def measure(count: int) -> dict[str, object]:
    """All of it, on an Asterisk and a database of its own."""
    with open_folder(on_disk=True) as folder, open_asterisk(folder / "asterisk") as server:
        async with open_embedded(folder / "server") as database:
            await upgrade(database.dsn)
            async with desk(server, database.dsn) as at, open_manager_phone(server, "101") as phone:
                limits = "update dial_policy set user_limits = $1, key_limits = $1, company_limits = $1"
                await at.gateway.pool.execute(limits, _NO_LIMIT)
                await clicks(at, phone, range(5))
                answers, rings = await clicks(at, phone, range(5, 5 + count))
                direct = await straight(server, phone, min(count, 50))
    return {
        "calls": count,
        "answer_ms": spread(answers),
        "answer_limit_p95_ms": ANSWER_LIMIT_MS,
        "rings_ms": spread(rings),
        "rings_limit_p95_ms": RINGS_LIMIT_MS,
        "direct_ms": spread(direct),
    }


def main() -> None:
    """Measure and print."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--calls", type=int, default=200)
    print(json.dumps(asyncio.run(measure(parser.parse_args().calls)), indent=2))


if __name__ == "__main__":
    main()
