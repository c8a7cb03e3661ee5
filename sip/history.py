"""The first meeting with a journal: what stands in it already, and the reading of that beside what is written now.

`meet` divides the journal in two. New rows are read from a place on (`until`): the start of the present file, or close
to its end. So a screen shows the call that rings now although a year of files lies there. `older` reads all that stands
before, the oldest file first. Both may hold the same rows, and rows may come in any order: a row is what it says.
"""

import asyncio
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from sip.journal_reader import Batch, JournalCondition, JournalReader, JournalStatus
from sip.records import CEL_COLUMNS, Record, RecordSplitter
from sip.rotation import Cursor, JournalFile, rotated, row_hash

RECENT_BYTES = 64 << 20
"""A journal that is not longer is read with the new rows, in some 20 s; of a longer one, which nobody rotates, so much
of its end. A call that stands across the cut is whole once the older rows are read."""
_STEP = 256 << 10
_NOTHING_MORE_SECONDS = 5.0
"""A journal that is missing for so long at the end of the older files was not written anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meeting:
    """How a journal stood when it was first met."""

    last_row: bytes | None
    """None: it had no row."""
    until: Cursor | None
    """From where new rows are read; None: from the start of the file that comes."""
    place: Cursor | None
    """Where the older rows begin; None: there are none."""
    bytes_total: int
    """Of the older rows, unpacked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OlderBatch:
    """Rows of before, in the journal's order."""

    batch: Batch | None
    """None: there was nothing more."""
    bytes_read: int
    """In this batch."""
    ended: bool


def meet(path: Path, *, days: int, recent: int = RECENT_BYTES) -> Meeting:
    """See what stands in a journal.

    Args:
        path: the journal's own name.
        days: rotated files that were last written longer ago are left out.
        recent: bytes of the journal's end that count as new.

    Raises:
        OSError: a file, or the folder, may not be read.
    """
    since_ns = max(0, time.time_ns() - days * 86_400 * 1_000_000_000)
    files = [name for name in rotated(path, since_ns=since_ns) if _is_journal(name)] if days else []
    here = path.exists() and path.stat().st_size > 0
    last = _last_row(path) if here else None
    if last is None and files:
        last = _last_row(files[-1])
    until, before = _recent(path, recent) if here else (None, 0)
    oldest = files[0] if files else path if before and days else None
    return Meeting(
        last_row=last,
        until=until,
        place=_start_of(oldest) if oldest is not None else None,
        bytes_total=sum(_size(name) for name in files) + (before if days else 0),
    )


def _is_journal(name: Path) -> bool:
    file = JournalFile(name)
    try:
        return b'","' in file.head()
    finally:
        file.close()


def _start_of(name: Path) -> Cursor:
    """The very start of a file, by its inode: nothing was read of it yet."""
    figures = name.stat()
    return Cursor(
        device=figures.st_dev,
        inode=figures.st_ino,
        written_ns=figures.st_mtime_ns,
        head=sha256(b"").hexdigest(),
        offset=0,
        last_row_at=0,
        last_row=row_hash(b""),
    )


def _recent(path: Path, recent: int) -> tuple[Cursor, int]:
    """The place from which the journal's end is read, and the bytes before it."""
    start = _start_of(path)
    file = JournalFile(path)
    try:
        from_here = file.stat().st_size - recent
        if from_here <= 0:
            return start, 0
        pieces = RecordSplitter(from_here).feed(file.read(from_here, _STEP))
        row = next((piece for piece in pieces if isinstance(piece, Record)), None)
        if row is None:
            return start, 0
        place = replace(
            start,
            head=sha256(file.head(min(4096, row.offset_end))).hexdigest(),
            offset=row.offset_end,
            last_row_at=row.offset_start,
            last_row=row_hash(row.data),
        )
        return place, row.offset_end
    finally:
        file.close()


def _last_row(name: Path) -> bytes | None:
    file = JournalFile(name)
    try:
        size = _size(name)
        splitter = RecordSplitter(max(0, size - _STEP))
        rows = [p for p in splitter.feed(file.read(splitter.offset, size)) if isinstance(p, Record)]
        return rows[-1].data if rows else None
    finally:
        file.close()


def _size(name: Path) -> int:
    """Bytes, unpacked; a packed file tells it in its last four (RFC 1952, ISIZE)."""
    with name.open("rb") as file:
        size = file.seek(0, 2)
        if name.suffix != ".gz" or size < 4:
            return size
        file.seek(-4, 2)
        return int.from_bytes(file.read(4), "little")


async def older(
    path: Path,
    place: Cursor,
    until: Cursor | None,
    *,
    status: JournalStatus | None = None,
    batch_rows: int = 500,
    grace_seconds: float = 1.0,
) -> AsyncGenerator[OlderBatch, None]:
    """Read the older rows from a place on; ends by itself.

    Args:
        path: the journal's own name.
        place: of `Meeting`, or behind the last batch that was taken.
        until: of `Meeting`.
        status: is kept up to date.
        batch_rows: rows of a batch at most; few, so that new rows between them do not wait.
        grace_seconds: as `sip.journal.tail`.
    """
    status = status or JournalStatus()
    reader = JournalReader(path, place, status, from_end=False, columns=CEL_COLUMNS, grace_seconds=grace_seconds)
    missing_since: float | None = None
    try:
        while True:
            pieces = reader.advance()
            if pieces is None:
                reading = status.condition is JournalCondition.READING
                missing_since = missing_since or time.monotonic()
                if (reading and status.lag_bytes == 0) or time.monotonic() - missing_since > _NOTHING_MORE_SECONDS:
                    yield OlderBatch(batch=None, bytes_read=0, ended=True)
                    return
                await asyncio.sleep(reader.next_look(0.5))
                continue
            missing_since = None
            for start in range(0, len(pieces), batch_rows):
                batch = reader.batch(pieces[start : start + batch_rows])
                size = pieces[min(start + batch_rows, len(pieces)) - 1].offset_end - pieces[start].offset_start
                ended = _is_behind(batch.cursor_after, until)
                yield OlderBatch(batch=batch, bytes_read=size, ended=ended)
                if ended:
                    return
            await asyncio.sleep(0)
    finally:
        reader.close()


def _is_behind(place: Cursor, until: Cursor | None) -> bool:
    """Whether the place lies in the rows that are read as new ones."""
    if until is None:
        return False
    if until.offset == 0:
        return (place.device, place.inode) == (until.device, until.inode)
    return place.head == until.head and place.offset >= until.offset
