"""The embedded engine in the whole gateway: how soon a call rings, and how soon its card is on the screen.

    python -m bench.embedded_calls [--calls 100] [--pause 0.25]

A provider's phone calls one client after the other by one of our numbers, the gateway is asked whom the call rings, the
house's plan rings the phone, and a screen listens on the live socket. `rings_ms` is from the order to the client's
phone (its INVITE leaves within a millisecond or two) to the INVITE's arrival at the manager's phone, by the phones' own
clocks on this machine; `card_ms` from the same moment to `call.ringing` with the card on the socket. Every client is a
new one, so a card is made; each gives up as soon as it rings, and the next comes after the pause (without one, ten
cancelled calls a second use up the workers' places, which their library frees after a second and a half, and every
tenth call waits for one). The database is on disk. Required (p95): 100 ms to the ringing, 50 ms to the card. Prints
one JSON object.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import structlog
from aiohttp import ClientSession

from bench.click_to_call import spread
from gateway.store.embedded import open_embedded
from gateway.store.migrate import upgrade
from lab.server import free_ports
from tests.database import open_folder
from tests.gateway.embedded_site import (
    DID,
    admin_of,
    enter_people,
    exchange_ends,
    manager_phone,
    provider,
    running,
    settings_for,
)

RINGS_LIMIT_MS, CARD_LIMIT_MS = 100.0, 50.0
_WARM_UP = 5
Screen = asyncio.Queue[tuple[float, dict[str, object]]]


@asynccontextmanager
async def listening(admin: ClientSession, screen: Screen) -> AsyncIterator[None]:
    """A screen on the live socket; what it is told is kept with the moment."""
    async with admin.ws_connect("live") as socket:

        async def hear() -> None:
            async for message in socket:
                screen.put_nowait((time.time(), json.loads(message.data)))

        hearing = asyncio.create_task(hear())
        try:
            yield
        finally:
            hearing.cancel()
            await asyncio.wait({hearing})


async def carded(screen: Screen, number: str) -> float:
    """When the screen was told of this client's ringing call."""
    async with asyncio.timeout(5):
        while True:
            at, told = await screen.get()
            if told["kind"] == "call.ringing" and number in json.dumps(told):
                return at


async def measured(calls: int, pause: float, database: str, folder: Path) -> dict[str, object]:
    """Call so often, one call after the other."""
    ports, home = free_ports(), folder / "home"
    await enter_people(database)
    rings: list[float] = []
    cards: list[float] = []
    async with (
        exchange_ends(home),
        running(settings_for(database, home, ports)) as gateway,
        admin_of(gateway) as admin,
        manager_phone(ports) as anna,
        provider(ports) as client,
    ):
        screen: Screen = asyncio.Queue()
        async with listening(admin, screen):
            for n in range(calls + _WARM_UP):
                number = f"7916{1_000_000 + n}"
                anna.forget_arrived()
                began = time.time()
                call = await client.dial(DID, caller=number)
                rung = await anna.next_call()
                shown = await carded(screen, number)
                rings.append((rung.moments["incoming"] - began) * 1000)
                cards.append((shown - began) * 1000)
                await call.hang_up()
                await rung.ended()
                await asyncio.sleep(pause)
    told = {"rings_ms": spread(rings[_WARM_UP:]), "card_ms": spread(cards[_WARM_UP:])}
    return {
        "calls": calls,
        "pause_seconds": pause,
        **told,
        "rings_limit_ms": RINGS_LIMIT_MS,
        "card_limit_ms": CARD_LIMIT_MS,
        "kept": told["rings_ms"]["p95"] <= RINGS_LIMIT_MS and told["card_ms"]["p95"] <= CARD_LIMIT_MS,
    }


async def measure(calls: int, pause: float) -> dict[str, object]:
    """All of it, with a database of its own."""
    with open_folder(on_disk=True) as folder:
        async with open_embedded(folder / "server") as database:
            await upgrade(database.dsn)
            return await measured(calls, pause, database.dsn, folder)


def main() -> None:
    """Measure and print."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--calls", type=int, default=100)
    parser.add_argument("--pause", type=float, default=0.25, help="seconds between calls (default: 0.25)")
    chosen = parser.parse_args()
    print(json.dumps(asyncio.run(measure(chosen.calls, chosen.pause)), indent=2))


if __name__ == "__main__":
    main()
