"""The gateway's side of reading and writing tables: a process for each job, with limits, killed when it is late."""

import asyncio
import json
import sys
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from gateway.domain.import_columns import Column, FieldKind, Proposal
from gateway.domain.import_files import Found, ReadBatch, Value, Writing
from gateway.domain.import_rows import Recipe, recipe_to_json
from spreadsheets.errors import ReaderDiedError, UnreadableFileError, WriterDiedError
from spreadsheets.writing import write_csv

_LONGEST_ANSWER = 256 << 20
LOOK_SECONDS = 60.0
SILENCE_SECONDS = 120.0
"""How long a reader may be without an answer: the first comes when a whole workbook has been unpacked."""


class Tables:
    """Reads and writes tables in processes of their own; fits `TableReader` and `TableWriter`."""

    def __init__(self, *, at_once: int = 2) -> None:
        self._turn = asyncio.Semaphore(at_once)

    async def look(self, path: Path, writing: Writing, fields: Sequence[FieldKind]) -> Found:
        """Find out what a file is.

        Args:
            path: of the file.
            writing: what a person says of it; what is None is found.
            fields: custom fields that a column may be meant for.

        Raises:
            UnreadableFileError: it is no table that can be read.
        """
        job = {"do": "look", "path": str(path), "writing": asdict(writing), "fields": [asdict(f) for f in fields]}
        async with self._turn, _worker(job) as answers:
            said = await _next(answers, LOOK_SECONDS)
        return _found(said["found"])

    @asynccontextmanager
    async def reading(
        self, path: Path, found: Writing, recipe: Recipe, *, skip: int
    ) -> AsyncIterator[AsyncIterator[ReadBatch]]:
        """Read a file's rows.

        Args:
            path: of the file.
            found: how it is written.
            recipe: what its columns mean.
            skip: rows that are done already.

        Raises:
            UnreadableFileError: while the batches are taken: it cannot be read to its end.
        """
        job = {
            "do": "read",
            "path": str(path),
            "writing": asdict(found),
            "recipe": recipe_to_json(recipe),
            "skip": skip,
        }
        async with _worker(job) as answers:
            yield _batches(answers)

    def csv(self, rows: Iterable[Sequence[Value]], *, begin: bool) -> bytes:
        """Rows as CSV in UTF-8, see `spreadsheets.writing.write_csv`."""
        return write_csv(rows, begin=begin)

    async def xlsx(self, rows: AsyncIterable[Sequence[Value]], path: Path) -> None:
        """A workbook of one sheet, written beside the gateway.

        Args:
            rows: as they come; each waits until the one before is taken.
            path: where it is written.

        Raises:
            WriterDiedError: it could not be written.
        """
        async with self._turn, _worker({"do": "write", "path": str(path)}, more=True) as process:
            assert process.stdin is not None
            try:
                async for row in rows:
                    process.stdin.write(json.dumps([_cell(v) for v in row]).encode() + b"\n")
                    await process.stdin.drain()
                process.stdin.close()
                written = await _next(process, SILENCE_SECONDS)
            except (UnreadableFileError, BrokenPipeError, ConnectionResetError) as fault:
                raise WriterDiedError from fault
        if not written.get("written"):
            raise WriterDiedError


@asynccontextmanager
async def _worker(job: Mapping[str, object], *, more: bool = False) -> AsyncIterator[asyncio.subprocess.Process]:
    """A worker that was told its job; gone with the block, done or not."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        "spreadsheets.worker",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=_LONGEST_ANSWER,
    )
    try:
        assert process.stdin is not None
        with suppress(BrokenPipeError, ConnectionResetError):
            process.stdin.write(json.dumps(job).encode() + b"\n")
            await process.stdin.drain()
        if not more:
            process.stdin.close()
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _next(process: asyncio.subprocess.Process, patience: float) -> dict[str, Any]:
    """The next answer."""
    line = await _line(process, patience)
    if not line:
        raise ReaderDiedError
    said: dict[str, Any] = json.loads(line)
    return _checked(said)


async def _line(process: asyncio.subprocess.Process, patience: float) -> bytes:
    assert process.stdout is not None
    try:
        async with asyncio.timeout(patience):
            return await process.stdout.readline()
    except (TimeoutError, ValueError):
        raise ReaderDiedError from None


def _checked(said: dict[str, Any]) -> dict[str, Any]:
    if "fault" in said:
        if said["code"] == "too_large" and not said["fault"]:
            raise ReaderDiedError
        raise UnreadableFileError(said["fault"] or None, code=said["code"])
    return said


async def _batches(process: asyncio.subprocess.Process) -> AsyncIterator[ReadBatch]:
    while True:
        line = await _line(process, SILENCE_SECONDS)
        if not line:
            raise ReaderDiedError
        said = _checked(await asyncio.to_thread(json.loads, line))
        if "end" in said:
            return
        yield ReadBatch(rows=said["rows"], place=said["place"])


def _found(said: dict[str, Any]) -> Found:
    columns = [Column(**{**c, "samples": tuple(c["samples"])}) for c in said["columns"]]
    proposals = [Proposal(**p) for p in said["proposals"]]
    known = {**said, "writing": Writing(**said["writing"]), "sheets": tuple(said["sheets"])}
    return Found(**{**known, "columns": tuple(columns), "proposals": tuple(proposals)})


def _cell(value: Value) -> object:
    match value:
        case datetime():
            return {"at": value.isoformat()}
        case date():
            return {"day": value.isoformat()}
        case Decimal():
            return float(value)
        case _:
            return value
