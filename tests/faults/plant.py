"""A gateway to be broken: traffic on its journal, the gateway in a process of its own, and the truth beside it."""

import asyncio
import contextlib
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bench.made_calls import BASE, MANAGERS, multiplied, recorded
from gateway.app import Gateway
from gateway.app import run as run_gateway
from gateway.config import load
from gateway.domain.calls import fold
from gateway.store.database import Pool, open_pool
from gateway.store.staff import add_user, give_extension, load_tables
from lab.ports import free_port
from sip.cel import read_row
from tests.gateway.site import ZONE, figures, recounted

CALLS_PER_SECOND = 5
HOME = "session"
"""The gateway's folder bears the name by which the next run finds what a killed one left (`tests.database`)."""
MATTER = "key, kind, result, talk_us, answered_by"
"""What a call must not get wrong."""


def some_calls(seconds: float, *, seed: int = 1) -> list[list[bytes]]:
    """The rows of as many calls as begin in so many seconds."""
    return multiplied(recorded(), int(seconds * CALLS_PER_SECOND), seed=seed)


def client_legs(calls: Sequence[Sequence[bytes]]) -> list[str]:
    """The legs whose recordings a PBX would leave."""
    events = [e for call in calls for row in call if (e := read_row(row))]
    return [call.client_leg for call in fold(events, BASE) if call.client_leg]


@contextlib.contextmanager
def traffic(journal: Path, calls: Sequence[Sequence[bytes]]) -> Iterator[threading.Thread]:
    """Write the calls as Asterisk does, the file opened for each row; five calls begin a second, and they overlap."""
    timed = sorted(
        (n / CALLS_PER_SECOND + 0.2 * (n % 7) * place / len(call), n, place, row)
        for n, call in enumerate(calls)
        for place, row in enumerate(call)
    )
    stopped = threading.Event()

    def write() -> None:
        began = time.monotonic()
        for at, _, _, row in timed:
            if stopped.wait(max(0.0, began + at - time.monotonic())):
                return
            with journal.open("ab") as file:
                file.write(row + b"\n")

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield thread
    finally:
        stopped.set()
        thread.join()


def configured(folder: Path, *, database: str | None = None, more: str = "", pbx: str = "") -> Path:
    """The file of a site with one PBX; the journal is `journal.csv` beside it.

    Args:
        folder: where everything lies.
        database: address; None: the gateway runs its own PostgreSQL.
        more: further lines of the file.
        pbx: further lines of the PBX's table.
    """
    file = folder / f"{free_port()}.toml"
    address = f'database.url = "{database}"\n' if database else ""
    file.write_text(
        f'home = "{folder}/{HOME}"\n{address}http.port = {file.stem}\ntranscription.enabled = false\n{more}\n'
        f'[pbx.pbx1]\njournal.path = "{folder}/journal.csv"\ntrunks = [{{ endpoint = "trunk" }}]\n{pbx}\n'
    )
    return file


async def enter_people(dsn: str) -> None:
    """Fifty managers, as in the multiplied calls."""
    async with open_pool(dsn, size=1) as pool, pool.acquire() as connection, connection.transaction():
        for m in range(MANAGERS):
            user = await add_user(connection, login=f"m{m}", name=f"M{m}", role="manager")
            extension = str(1000 + m)
            await give_extension(connection, pbx="pbx1", extension=extension, user_id=user, patterns=[extension])


class Served:
    """A gateway started as an administrator does."""

    def __init__(self, config: Path) -> None:
        self.config = config
        self.log = config.with_suffix(".log")
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", "gateway", "serve", "--config", str(config)]
            self.process = subprocess.Popen(command, stdout=log, stderr=log)

    @property
    def words(self) -> str:
        """Everything it has said."""
        return self.log.read_text(errors="replace")

    async def says(self, words: str, seconds: float = 60.0) -> None:
        """Wait until it has said something."""
        await until(lambda: words in self.words or self.process.poll() is not None, seconds)
        assert words in self.words, self.words

    def kill(self) -> None:
        """End it at once; also when it is stopped."""
        self.process.kill()
        self.process.wait()

    async def stop(self, seconds: float = 10.0) -> int:
        """Ask it to end; gives the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return await asyncio.to_thread(self.process.wait, seconds)


@contextlib.contextmanager
def served(config: Path) -> Iterator[Served]:
    """A gateway that is ended with the block, if it has not ended before."""
    gateway = Served(config)
    try:
        yield gateway
    finally:
        if gateway.process.poll() is None:
            gateway.process.send_signal(signal.SIGCONT)
            gateway.kill()


@asynccontextmanager
async def running_here(config: Path) -> AsyncIterator[Gateway]:
    """A gateway in this process; it must still run at the end of the block, and end in order."""
    started: asyncio.Future[Gateway] = asyncio.get_running_loop().create_future()

    async def ready(gateway: Gateway) -> None:
        started.set_result(gateway)

    task = asyncio.create_task(run_gateway(load(config), ready=ready))
    either: list[asyncio.Future[Any]] = [task, started]
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        task.result()
    try:
        yield started.result()
        assert not task.done(), task
    finally:
        started.result().stop()
        await task


async def until(there: Callable[[], bool | Awaitable[bool]], seconds: float = 60.0) -> None:
    """Wait for something to become true."""
    async with asyncio.timeout(seconds):
        while not (found if isinstance(found := there(), bool) else await found):
            await asyncio.sleep(0.05)


async def calls_of(pool: Pool) -> list[tuple[object, ...]]:
    """The calls of the database in what matters."""
    found = await pool.fetch(f"select {MATTER} from call where merged_into is null")
    return sorted((*tuple(r)[:4], tuple(r["answered_by"])) for r in found)


async def truth(pool: Pool, rows: Sequence[bytes]) -> list[tuple[object, ...]]:
    """The same of the rows, as they fold at once."""
    directory = (await load_tables(pool, BASE, ZONE)).directory
    events = [e for e in map(read_row, dict.fromkeys(rows)) if e is not None]
    return sorted(
        (c.key, str(c.kind), str(c.result), round(c.talk.total_seconds() * 1e6), c.answered_by)
        for c in fold(events, directory)
    )


async def all_right(pool: Pool, calls: Sequence[Sequence[bytes]], seconds: float = 60.0) -> None:
    """Wait until every call has come in; then nothing may be lost, doubled or counted otherwise than it is."""
    rows = [row for call in calls for row in call]
    expected = await truth(pool, rows)

    async def there() -> bool:
        ended = "select count(*) from call where state = 'ended' and merged_into is null"
        return bool(await pool.fetchval(ended) >= len(expected))

    with contextlib.suppress(TimeoutError):  # the comparison tells more
        await until(there, seconds)
        await asyncio.sleep(0.5)
    found = await calls_of(pool)
    assert found == expected, f"missing {set(expected) - set(found)}, too many {set(found) - set(expected)}"
    assert await figures(pool) == await recounted(pool)
    doubled = "select call_id from fact where kind = 'call.ended' group by 1 having count(*) > 1"
    assert await pool.fetch(doubled) == []


@asynccontextmanager
async def looking_at(dsn: str) -> AsyncIterator[Pool]:
    """Connections of the test's own."""
    async with open_pool(dsn, size=2) as pool:
        yield pool
