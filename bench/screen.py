"""From a row in the journal to the screen: milliseconds until the WebSocket shows the card, at 20 calls a second.

    python -m bench.screen [--seconds 20] [--rate 20]

A gateway as an administrator starts it, with its embedded PostgreSQL; a writer process that appends the rows of
overlapping calls one by one, as Asterisk's cel_custom does (open, write, close), each at its recorded distance from
the call's start; a client on `/api/v1/live`. Floors: p50 under 20 ms, p99 under 80 ms.

- `card`: from the first row of an inbound call to the first message that shows the call with its card;
- `end`: from the last row that changes a call to the message `call.ended`.

The moment of a row is taken before the writer opens the file. `rows_a_transaction` tells how many rows were committed
together: rows that come while a transaction runs wait for the next, the first row of a call like any other.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles

import asyncpg
from aiohttp import ClientSession, ClientWebSocketResponse

from bench.machine import Figures, Watch, cpu_seconds
from bench.made_calls import ORDINARY, Rows, multiplied, recorded
from bench.served import Served, served
from gateway.domain.identity import call_id
from gateway.domain.legs import LegEvent, LegEventKind
from sip.cel import read_row

FLOORS = {"p50_ms": 20, "p99_ms": 80}
_LAST = 5.0
"""Seconds to wait for the last messages."""
_CHANGES_NOTHING = frozenset({LegEventKind.FAMILY_ENDED, LegEventKind.STOPPED})


@dataclass(frozen=True, slots=True)
class Due:
    """A row of the plan: when, and which call of it."""

    after: float
    call: int
    row: str


@dataclass(slots=True)
class Shown:
    """When the screen showed what, by call id, in nanoseconds of the clock that all processes share."""

    card: dict[str, int] = field(default_factory=dict)
    end: dict[str, int] = field(default_factory=dict)
    messages: int = 0
    complete: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the end of every call was shown."""


def planned(calls: list[Rows], rate: float) -> list[Due]:
    """Every row of the calls by its moment, calls beginning at a steady rate."""
    plan: list[Due] = []
    for n, rows in enumerate(calls):
        events = [(_event(row).at, row) for row in rows]
        began = events[0][0]
        plan += [Due(n / rate + (at - began).total_seconds(), n, row.decode()) for at, row in events]
    return sorted(plan, key=lambda due: due.after)


def _event(row: bytes) -> LegEvent:
    event = read_row(row)
    assert event is not None
    return event


def write(plan: Path, journal: Path) -> None:
    """The writer process: append each row at its moment; prints the moments."""
    rows = [(after, (row + "\n").encode()) for after, _, row in json.loads(plan.read_text())]
    moments: list[int] = []
    began = time.monotonic() + 0.5
    for after, row in rows:
        time.sleep(max(0.0, began + after - time.monotonic()))
        moments.append(time.monotonic_ns())
        file = os.open(journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.write(file, row)
        os.close(file)
    print(json.dumps(moments))


async def watch_screen(socket: ClientWebSocketResponse, shown: Shown, calls: int) -> None:
    """Note what the socket shows, until it is closed."""
    async for message in socket:
        now = time.monotonic_ns()
        told = json.loads(message.data)
        shown.messages += 1
        body = told["body"]
        if told["kind"].startswith("call.") and body.get("contact_id") is not None:
            shown.card.setdefault(body["id"], now)
        if told["kind"] == "call.ended":
            shown.end.setdefault(body["id"], now)
            if len(shown.end) >= calls:
                shown.complete.set()


async def written(gateway: Served, plan: list[Due]) -> list[int]:
    """Let the writer write; the moment of each row."""
    file = gateway.journal.with_suffix(".plan")
    file.write_text(json.dumps([(due.after, due.call, due.row) for due in plan]))
    writer = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.screen", "write", file, gateway.journal), stdout=subprocess.PIPE
    )
    told, _ = await writer.communicate()
    moments: list[int] = json.loads(told)
    return moments


async def pages(dsn: str) -> int:
    """Transactions of the pipeline so far."""
    session = await asyncpg.connect(dsn)
    try:
        return int(await session.fetchval("select coalesce(sum(number), 0) from journal_page"))
    finally:
        await session.close()


def lags(plan: list[Due], moments: list[int], calls: list[Rows], shown: Shown) -> dict[str, list[float]]:
    """Milliseconds from the rows to the screen."""
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    for due, moment in zip(plan, moments, strict=True):
        first.setdefault(due.call, moment)
        if _event(due.row.encode()).kind not in _CHANGES_NOTHING:
            last[due.call] = moment
    found: dict[str, list[float]] = {"card": [], "end": []}
    for n, rows in enumerate(calls):
        id = str(call_id("pbx1", _event(rows[0]).leg))
        if ORDINARY[n % len(ORDINARY)].startswith(("in_", "queue_", "blind_", "att_", "hold")):
            found["card"].append((shown.card[id] - first[n]) / 1e6)
        found["end"].append((shown.end[id] - last[n]) / 1e6)
    return found


async def measure(seconds: float, rate: float) -> Figures:
    """All figures of one run."""
    watch = Watch.begin()
    calls = multiplied(recorded(), int(seconds * rate), series="s", start=int(time.time()), each=1 / rate)
    plan = planned(calls, rate)
    shown = Shown()
    async with served() as gateway, ClientSession(headers={"Authorization": f"Bearer {gateway.key}"}) as client:
        async with client.ws_connect(f"{gateway.origin}/api/v1/live") as socket, asyncio.TaskGroup() as group:
            group.create_task(watch_screen(socket, shown, len(calls)))
            before = cpu_seconds(gateway.pid), cpu_seconds(gateway.database_pid), await pages(gateway.dsn)
            moments = await written(gateway, plan)
            took = (moments[-1] - moments[0]) / 1e9
            after = cpu_seconds(gateway.pid), cpu_seconds(gateway.database_pid), await pages(gateway.dsn)
            with suppress(TimeoutError):
                await asyncio.wait_for(shown.complete.wait(), _LAST)
            await socket.close()
        spent = cpu_seconds(gateway.database_pid)
    return {
        **{kind: _points(found) for kind, found in lags(plan, moments, calls, shown).items()},
        "floors": FLOORS,
        "calls": len(calls),
        "rows_per_second": round(len(plan) / took),
        "rows_a_transaction": round(len(plan) / max(after[2] - before[2], 1), 2),
        "cores_of_gateway": round((after[0] - before[0]) / took, 2),
        "cores_of_postgres": round((after[1] - before[1]) / took, 2),
        "messages": shown.messages,
        "machine": watch.told(beside=spent),
    }


def _points(found: list[float]) -> Figures:
    points = quantiles(found, n=100)
    return {
        "p50_ms": round(points[49], 1),
        "p99_ms": round(points[98], 1),
        "max_ms": round(max(found), 1),
        "n": len(found),
    }


def main() -> None:
    """Print the figures, or be the writer."""
    if sys.argv[1:2] == ["write"]:
        return write(Path(sys.argv[2]), Path(sys.argv[3]))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20.0, help="how long calls begin")
    parser.add_argument("--rate", type=float, default=20.0, help="calls a second")
    options = parser.parse_args()
    print(json.dumps(asyncio.run(measure(options.seconds, options.rate)), indent=1))


if __name__ == "__main__":
    main()
