"""A list of 100,000 clients through a served gateway: seconds from the order to the last card, and memory on the way.

    python -m bench.imports [--rows 100000] [--format xlsx|csv|both]

A gateway as an administrator starts it (`trunkline serve`, embedded PostgreSQL on disk, fsync on). The file has ten
columns in Russian, numbers written in six ways, one row in twenty of a client who stood in the file before and one in
fifty without a number. Floors: under 60 s, under 300 MB.

- `look_seconds`: from the first byte sent to the proposal of columns;
- `check_seconds`, `run_seconds`, `undo_seconds`: from the order until the import says that it is over;
- `peak_mb`: the largest memory (proportional set size, as in bench/idle.py) of the gateway and its reading process
  together, looked at every 50 ms while the import runs; PostgreSQL is not in it. `worker_peak_mb` is the reader's part;
- `ping_ms`: how long `/healthz` of the same gateway took meanwhile.
"""

import argparse
import asyncio
import json
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory

import xlsxwriter
from aiohttp import ClientSession

from bench.machine import Figures, Watch, cpu_seconds, pss_bytes, tree
from bench.served import Served, served

FLOORS = {"seconds": 60, "peak_mb": 300}
HEADS = (
    "ФИО",
    "Телефон",
    "Моб. телефон",
    "E-mail",
    "Компания",
    "Город",
    "Должность",
    "Комментарий",
    "День рождения",
    "Менеджер",
)
_NAMES = ("Иванов", "Петров", "Сидоров", "Кузнецов", "Смирнов", "Васильев", "Попов", "Соколов")
_CITIES = ("Москва", "Казань", "Омск", "Тверь", "Пермь")
_WRITINGS = ("+7{}{}", "8{}{}", "8 ({}) {}", "7{}{}", "{}{}", "+7 ({}) {} доб. 12")


def rows_of(count: int) -> Iterator[list[str]]:
    """The rows of the file, the header first; the same for the same count."""
    yield list(HEADS)
    dice = random.Random(count)
    for n in range(count):
        client = n if n % 20 else dice.randrange(max(1, n))
        number = _WRITINGS[n % 6].format(910 + client % 90, f"{client // 90 + 1_000_000}")
        yield [
            f"{_NAMES[client % 8]} {_NAMES[client * 7 % 8]} {client}",
            "нет" if n % 50 == 49 else number,
            f"7495{1_000_000 + client}" if client % 3 == 0 else "",
            f"client{client}@example.com" if client % 2 else "",
            f"ООО Ромашка {client % 3000}",
            _CITIES[client % 5],
            "директор",
            "звонить после обеда, любит чай",
            f"{1 + client % 28:02}.{1 + client % 12:02}.{1950 + client % 50}",
            f"m{client % 50}",
        ]


def write(path: Path, count: int) -> None:
    """The file, as its ending says."""
    if path.suffix == ".csv":
        path.write_bytes("\r\n".join(";".join(row) for row in rows_of(count)).encode("cp1251"))
        return
    book = xlsxwriter.Workbook(str(path), {"constant_memory": True})
    sheet = book.add_worksheet()
    for line, row in enumerate(rows_of(count)):
        sheet.write_row(line, 0, row)
    book.close()


@dataclass(slots=True)
class Memory:
    """Memory of a gateway and what it started, PostgreSQL left out."""

    gateway: Served
    peak: int = 0
    worker: int = 0
    idle: int = 0
    pings: list[float] = field(default_factory=list)

    def look(self) -> None:
        """Look once."""
        database = set(tree(self.gateway.database_pid))
        sizes = {pid: pss_bytes(pid) for pid in tree(self.gateway.pid) if pid not in database}
        own = sizes.pop(self.gateway.pid, 0)
        self.idle = self.idle or own
        self.peak = max(self.peak, own + sum(sizes.values()))
        self.worker = max(self.worker, *sizes.values(), 0)

    async def watch(self, client: ClientSession) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.to_thread(self.look)
            began = time.monotonic()
            async with client.get("/healthz") as answer:
                await answer.read()
            self.pings.append((time.monotonic() - began) * 1000)
            await asyncio.sleep(0.05)


async def measure(gateway: Served, path: Path) -> Figures:
    """One file through the whole way."""
    headers = {"Authorization": f"Bearer {gateway.key}"}
    async with ClientSession(gateway.origin, headers=headers) as client:
        memory = Memory(gateway)
        memory.look()
        watching = asyncio.create_task(memory.watch(client))
        told: Figures = {"file_mb": round(path.stat().st_size / 1e6, 1)}
        cpu, database_cpu = cpu_seconds(gateway.pid), cpu_seconds(gateway.database_pid)
        began = time.monotonic()
        id_ = await _sent(client, path)
        told["look_seconds"] = round(time.monotonic() - began, 2)
        for word in ("check", "run", "undo"):
            began = time.monotonic()
            told[f"{word}_counts"] = await _ordered(client, id_, word)
            told[f"{word}_seconds"] = round(time.monotonic() - began, 1)
            if word == "run":
                told["cards"] = await _cards(client)
        watching.cancel()
        told |= {
            "idle_mb": round(memory.idle / 1e6),
            "peak_mb": round(memory.peak / 1e6),
            "worker_peak_mb": round(memory.worker / 1e6),
            "ping_ms": {f"p{p}": round(quantiles(memory.pings, n=100)[p - 1], 1) for p in (50, 95, 99)},
            "cpu_seconds": round(cpu_seconds(gateway.pid) - cpu, 1),
            "postgresql_cpu_seconds": round(cpu_seconds(gateway.database_pid) - database_cpu, 1),
        }
    return told


async def _sent(client: ClientSession, path: Path) -> int:
    headers = {"Idempotency-Key": f"send-{path.name}", "Content-Type": "application/octet-stream"}
    with path.open("rb") as file:
        async with client.post("/api/v1/imports", params={"name": path.name}, data=file, headers=headers) as answer:
            said = await answer.json()
            assert answer.status == 201, said
            return int(said["id"])


async def _ordered(client: ClientSession, id: int, word: str) -> object:
    headers = {"Idempotency-Key": f"{word}-{id}-{time.monotonic_ns()}"}
    async with client.post(f"/api/v1/imports/{id}/{word}", headers=headers) as answer:
        assert answer.status == 202, await answer.text()
    while True:
        async with client.get(f"/api/v1/imports/{id}") as answer:
            said = await answer.json()
        if said["state"] not in ("checking", "running", "undoing"):
            assert said["fault"] is None, said
            return said["counts"]
        await asyncio.sleep(0.1)


async def _cards(client: ClientSession) -> str:
    async with client.get("/api/v1/contacts?limit=1") as answer:
        return str((await answer.json())["items"][0]["made_by"])


async def main() -> None:
    """Make the files, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--format", choices=("csv", "xlsx", "both"), default="both")
    asked = parser.parse_args()
    formats = ("csv", "xlsx") if asked.format == "both" else (asked.format,)
    told: Figures = {"rows": asked.rows, "floors": FLOORS}
    with TemporaryDirectory() as folder:
        for kind in formats:
            path = Path(folder) / f"clients.{kind}"
            await asyncio.to_thread(write, path, asked.rows)
            watch = Watch.begin()
            async with served() as gateway:
                told[kind] = await measure(gateway, path)
            told[f"{kind}_machine"] = watch.told()
    print(json.dumps(told, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    asyncio.run(main())
