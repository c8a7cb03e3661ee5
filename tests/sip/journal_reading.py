"""A journal written as Asterisk writes it, and a reader of it, for the tests of `sip.journal`."""

import asyncio
import json
import os
import signal
import time
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

from sip.journal import Batch, Cursor, JournalStatus, tail

DEADLINE = 60.0
"""Seconds after which a row that does not come is a failure."""


def row(number: int, name: str = "Client") -> bytes:
    values = ["ANSWER", f"1795301633.{number:06}", name, *[""] * 14]
    return ",".join('"' + value.replace('"', '""') + '"' for value in values).encode()


def rows(*numbers: int) -> list[bytes]:
    return [row(number) for number in numbers]


def append(path: Path, *written: bytes) -> None:
    """As cel_custom does: open, write one row, close."""
    for data in written:
        with path.open("ab") as file:
            file.write(data + b"\n")


def hostile_row(number: int) -> bytes:
    """Every seventh caller has a line break and a whole row in his name."""
    forged = '\n"HANGUP","1795301633.0"' + ',""' * 15 + "\n"
    return row(number, "Client" if number % 7 else "x" + forged)


def write_as_asterisk(path: Path, count: int, pause: float) -> None:
    """Append rows one by one, each in a fresh open; a long one in two writes, as stdio does."""
    for number in range(count):
        data = hostile_row(number) + b"\n"
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        for part in (data[:60], data[60:]) if number % 7 == 0 else (data,):
            os.write(file, part)
        os.close(file)
        time.sleep(pause)


async def record_until_killed(path: Path, cursor: str, out: Path, batches: int) -> None:
    """Write each batch with its cursor as one line, the reader's transaction; kill ourselves after so many."""
    file = os.open(out, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    saved = Cursor.from_json(json.loads(cursor)) if cursor else None
    async for batch in tail(path, saved, batch_rows=10):
        batches -= 1
        if batches == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        taken = [record.data.decode() for record in batch.records] + ["broken" for _ in batch.broken]
        os.write(file, json.dumps([taken, batch.cursor_after.to_json()]).encode() + b"\n")


class Reader:
    """One run of `tail`, from a cursor until it is closed."""

    def __init__(
        self,
        path: Path,
        cursor: Cursor | None = None,
        *,
        from_end: bool = False,
        look: float = 0.1,
        grace: float = 0.2,
    ) -> None:
        self.status = JournalStatus()
        self.cursor = cursor
        self.broken: list[bytes] = []
        self._batches: AsyncGenerator[Batch, None] = tail(
            path,
            cursor,
            status=self.status,
            from_end=from_end,
            look_seconds=look,
            grace_seconds=grace,
            batch_rows=7,
        )
        self._waiting: asyncio.Task[Batch] | None = None

    async def take(self, count: int) -> list[bytes]:
        """The next rows, at least so many; then the reader waits for more, as in life."""
        taken: list[bytes] = []
        async with asyncio.timeout(DEADLINE):
            while len(taken) < count:
                taken += await self._batch()
        self._waiting = asyncio.ensure_future(anext(self._batches))
        await asyncio.wait([self._waiting], timeout=0.02)
        return taken

    async def quiet(self, seconds: float = 0.4) -> list[bytes]:
        """What comes within that time."""
        taken: list[bytes] = []
        try:
            async with asyncio.timeout(seconds):
                while True:
                    taken += await self._batch()
        except TimeoutError:
            return taken

    async def until(self, holds: Callable[[JournalStatus], bool]) -> None:
        """Run until the status says so; rows that come meanwhile are kept for the next `take`."""
        async with asyncio.timeout(DEADLINE):
            while not holds(self.status):
                self._waiting = self._waiting or asyncio.ensure_future(anext(self._batches))
                await asyncio.wait([self._waiting], timeout=0.02)

    async def _batch(self) -> list[bytes]:
        self._waiting = self._waiting or asyncio.ensure_future(anext(self._batches))
        batch = await asyncio.shield(self._waiting)
        self._waiting = None
        self.cursor = batch.cursor_after
        self.broken += [piece.data for piece in batch.broken]
        return [record.data for record in batch.records]

    async def close(self) -> None:
        if self._waiting:
            self._waiting.cancel()
            await asyncio.wait([self._waiting])
        await self._batches.aclose()

    async def __aenter__(self) -> "Reader":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


async def read(path: Path, count: int, cursor: Cursor | None = None) -> tuple[list[bytes], Cursor | None]:
    """One short run: so many rows, and the cursor behind them."""
    async with Reader(path, cursor) as reader:
        return await reader.take(count), reader.cursor
