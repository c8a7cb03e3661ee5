"""Reads one PBX's journal into its pipeline, for ever: the cursor moves only with committed rows.

When the database is away, the same rows are offered again until it is back; Asterisk goes on writing meanwhile.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from pathlib import Path

import asyncpg
import structlog

from gateway.holding import Holding
from gateway.pipeline import Pipeline
from gateway.store.database import DATABASE_AWAY, Pool
from gateway.store.journal import load_cursor
from gateway.store.leases import Lease
from sip.journal import BadCursor, Batch, Cursor, JournalStatus, tail

log = structlog.get_logger()

_CALM = 10.0
"""Seconds after which a task counts as well again."""
_PAUSES = (0.1, 0.5, 1.0, 2.0, 5.0)
_REFUSED_FOR_NOW = (*DATABASE_AWAY, asyncpg.PostgresError)
"""A refusal that is no row's fault (a missing right, a full disk) is waited out, too: rows are never thrown away."""


async def read_journal(
    path: Path, pool: Pool, pipeline: Pipeline, status: JournalStatus, holding: Holding | None = None
) -> None:
    """Read from the saved place on.

    Args:
        path: the journal's name.
        pool: where the place is saved.
        pipeline: takes the rows.
        status: kept up to date for doctor and metrics.
        holding: by whose lease we read; None: there is no other node.

    Raises:
        LeaseLost: another node reads the journal now.
    """
    await pipeline.reload()
    cursor = await _saved_cursor(pool, pipeline.pbx)
    async with aclosing(tail(path, cursor, status=status)) as batches:
        async for batch in batches:
            await _take(pipeline, batch, holding.lease if holding else None)


async def _saved_cursor(pool: Pool, pbx: str) -> Cursor | None:
    saved = await load_cursor(pool, pbx)
    if saved is None:
        return None
    try:
        return Cursor.from_json(saved)
    except BadCursor:
        log.error("saved place in the journal cannot be read; reading from its start", pbx=pbx)
        return None


async def _take(pipeline: Pipeline, batch: Batch, lease: Lease | None) -> None:
    rows = [record.data for record in batch.records]
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
