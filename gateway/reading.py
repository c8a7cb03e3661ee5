"""Reads one PBX's journal into its pipeline, for ever: the cursor moves only with committed rows.

When the database is away, the same rows are offered again until it is back; Asterisk goes on writing meanwhile. At the
first meeting with a journal what stood in it before is read beside the new rows, oldest first (`sip.history`).
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import structlog

from gateway.cut_over import CutOver, source_of
from gateway.domain.legs import LegEvent
from gateway.holding import Holding
from gateway.pipeline import Pipeline
from gateway.store.database import DATABASE_AWAY, Pool
from gateway.store.journal import load_cursor
from gateway.store.leases import Lease
from gateway.store.shipped import History, begin_history, history_of, note_history
from sip.history import meet, older
from sip.journal import BadCursor, Batch, Cursor, JournalStatus, tail

log = structlog.get_logger()

_PROGRESS_SECONDS = 10.0
_CALM = 10.0
"""Seconds after which a task counts as well again."""
_PAUSES = (0.1, 0.5, 1.0, 2.0, 5.0)
_REFUSED_FOR_NOW = (*DATABASE_AWAY, asyncpg.PostgresError)
"""A refusal that is no row's fault (a missing right, a full disk) is waited out, too: rows are never thrown away."""


async def read_journal(
    path: Path,
    pool: Pool,
    pipeline: Pipeline,
    status: JournalStatus,
    holding: Holding | None = None,
    *,
    history_days: int = 0,
    read: Callable[[bytes], LegEvent | None] | None = None,
) -> None:
    """Read from the saved place on.

    Args:
        path: the journal's name.
        pool: where the place is saved.
        pipeline: takes the rows.
        status: kept up to date for doctor and metrics.
        holding: by whose lease we read; None: there is no other node.
        history_days: how far back rotated files are read at the first meeting with the journal.
        read: maps any row of this PBX, to know those that another journal held; None: there was no other.

    Raises:
        LeaseLost: another node reads the journal now.
    """
    await pipeline.reload()
    cursor = await _saved_cursor(pool, pipeline.pbx)
    cut = None
    if read is not None:
        saved = await load_cursor(pool, pipeline.pbx)
        cut = await CutOver.load(pool, pipeline.pbx, "file", saved, read=read)
    history = None
    if cut is None:
        history = await _met(path, pool, pipeline, known=cursor is not None, days=history_days)
    if cursor is None and history is not None and history.until is not None:
        cursor = Cursor.from_json(history.until)

    def lease() -> Lease | None:
        return holding.lease if holding else None

    pipeline.reads_history = history is not None and history.ended_at is None and history.place is not None
    async with asyncio.TaskGroup() as group:
        if pipeline.reads_history:
            reading = kept_up(lambda: _read_older(path, pool, pipeline, lease), f"older rows of {pipeline.pbx}")
            group.create_task(reading, name=f"older rows of {pipeline.pbx}")
        async with aclosing(tail(path, cursor, status=status)) as batches:
            async for batch in batches:
                await _take(pipeline, batch, lease(), cut)
                if cut is not None and cut.is_over:
                    await cut.end(pool, pipeline.pbx)
                    cut = None


async def _met(path: Path, pool: Pool, pipeline: Pipeline, *, known: bool, days: int) -> History | None:
    """The first meeting with the journal, made now where there was none; None: its rows were always read from here."""
    history = await history_of(pool, pipeline.pbx)
    if history is not None or known:
        return history
    try:
        met = await asyncio.to_thread(meet, path, days=days)
    except OSError:
        return None  # it cannot be looked at: the status tells why, and it is met when it can
    history = await begin_history(
        pool,
        pipeline.pbx,
        before=None if met.last_row is None else pipeline.moment_of(met.last_row) or datetime.now(UTC),
        until=dict(met.until.to_json()) if met.until else None,
        place=dict(met.place.to_json()) if met.place else None,
        bytes_total=met.bytes_total,
    )
    log.info("first meeting with the journal", pbx=pipeline.pbx, older_bytes=met.bytes_total)
    await pipeline.reload()  # which learns what is history
    return history


async def _read_older(path: Path, pool: Pool, pipeline: Pipeline, lease: Callable[[], Lease | None]) -> None:
    """Read what stood there before, from where it was left."""
    history = await history_of(pool, pipeline.pbx)
    if history is None or history.place is None or history.ended_at is not None:
        return
    done, place, told_at = history.bytes_done, history.place, time.monotonic()
    until = Cursor.from_json(history.until) if history.until else None
    async with aclosing(older(path, Cursor.from_json(place), until)) as batches:
        async for found in batches:
            done += found.bytes_read
            if found.batch is not None:
                place = dict(found.batch.cursor_after.to_json())
                broken = [(str(piece.reason), piece.data) for piece in found.batch.broken]
                await pipeline.take([r.data for r in found.batch.records], broken=broken, lease=lease())
            await note_history(pool, pipeline.pbx, place=place, bytes_done=done, ended=found.ended)
            if time.monotonic() - told_at > _PROGRESS_SECONDS:
                told_at = time.monotonic()
                log.info("older rows are read", pbx=pipeline.pbx, bytes=done, of=history.bytes_total)
    pipeline.reads_history = False
    log.info("older rows are read to their end", pbx=pipeline.pbx, bytes=done)


async def _saved_cursor(pool: Pool, pbx: str) -> Cursor | None:
    saved = await load_cursor(pool, pbx)
    if saved is None or source_of(saved) != "file":
        return None
    try:
        return Cursor.from_json(saved)
    except BadCursor:
        log.error("saved place in the journal cannot be read; reading from its start", pbx=pbx)
        return None


async def _take(pipeline: Pipeline, batch: Batch, lease: Lease | None, cut: CutOver | None = None) -> None:
    rows = [record.data for record in batch.records]
    if cut is not None:
        rows = cut.unread(rows)
    broken = [(str(piece.reason), piece.data) for piece in batch.broken]
    cursor: dict[str, object] = dict(batch.cursor_after.to_json())
    pipeline.rows_wait = True
    try:
        await kept_up(lambda: pipeline.take(rows, cursor=cursor, broken=broken, lease=lease), f"rows of {pipeline.pbx}")
    finally:
        pipeline.rows_wait = False


async def kept_up(task: Callable[[], Awaitable[None]], name: str) -> None:
    """Run a long task again whenever the database goes away under it; other faults end the gateway."""
    failures = 0
    while True:
        began = time.monotonic()
        try:
            return await task()
        except _REFUSED_FOR_NOW as fault:
            _heed_cancelling(fault)
            failures = 0 if time.monotonic() - began > _CALM else failures
            pause = _PAUSES[min(failures, len(_PAUSES) - 1)]
            failures += 1
            log.warning("database is away; task waits", task=name, fault=type(fault).__name__, pause=pause)
            await asyncio.sleep(pause)


def _heed_cancelling(fault: Exception) -> None:
    """A task that is being cancelled ends, even where closing a dead connection raised something else."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError from fault
