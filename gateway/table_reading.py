"""Reads one PBX's CEL table into its pipeline, for ever: the sister of `gateway.reading`, which reads a file.

The table's rows are the record of the calls; the place behind them is saved in their transaction. At the first meeting
what the table held before is history (docs/decisions/0018): it counts, and starts nothing.
"""

from collections.abc import Callable
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

import structlog

from gateway.cut_over import CutOver, source_of
from gateway.domain.legs import LegEvent
from gateway.holding import Holding
from gateway.pipeline import Pipeline
from gateway.reading import kept_up
from gateway.settings import Journal
from gateway.store.database import Pool
from gateway.store.journal import load_cursor
from gateway.store.journal_sources import extend_history
from gateway.store.shipped import begin_history, history_of, note_history
from sip.cel_table import BadTableCursor, CelTable, Meeting, TableBatch, TableCursor, checked_url, follow
from sip.journal import JournalStatus

_SECOND = timedelta(seconds=1)

log = structlog.get_logger()


def table_source(journal: Journal) -> CelTable | None:
    """The table that the settings name; None: they name none.

    Raises:
        BadTableUrl: its address cannot be used.
    """
    if journal.url is None:
        return None
    url = checked_url(journal.url.get_secret_value())
    return CelTable(url=url, table=journal.table, timezone=journal.timezone or UTC)


def history_limit(newest: datetime | None, now: datetime) -> datetime | None:
    """Up to which moment what a table tells is history.

    Its rows bear whole seconds. Of the present one nobody knows which were there when the table was met, and a call
    that began in it would ring on no screen; so the last second counts as the present.

    Args:
        newest: moment of the table's last row; None: it has none.
        now: when the table is met.
    """
    return newest - _SECOND if newest is not None and newest > now - _SECOND else newest


class TableReading:
    """The reading of one table."""

    def __init__(
        self,
        source: CelTable,
        pool: Pool,
        pipeline: Pipeline,
        status: JournalStatus,
        *,
        read: Callable[[bytes], LegEvent | None],
        history_days: int,
        holding: Holding | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Args:
        source: the table.
        pool: where the place is saved.
        pipeline: takes the rows.
        status: kept up to date for doctor and metrics.
        read: maps any row of this PBX, those of an earlier journal too.
        history_days: how much of the table is read at the first meeting; 0: nothing older.
        holding: by whose lease we read; None: there is no other node.
        clock: our clock, UTC.
        """
        self._source, self._pool, self._pipeline, self._status = source, pool, pipeline, status
        self._read, self._history_days, self._holding, self._clock = read, history_days, holding, clock
        self._history_total = 0

    async def run(self) -> None:
        """Read from the saved place on.

        Raises:
            LeaseLost: another node reads the table now.
        """
        await self._pipeline.reload()
        pbx = self._pipeline.pbx
        cursor, cut = await self._place()
        meeting = Meeting(
            history_since=self._clock() - timedelta(days=self._history_days),
            cut_over_at=cut.at if cut is not None and cursor is None else None,
        )
        if history := await history_of(self._pool, pbx):
            self._history_total = history.bytes_total
        read_to, restarts = cursor.after if cursor is not None else None, 0
        async with aclosing(follow(self._source, cursor, status=self._status, meeting=meeting)) as batches:
            async for batch in batches:
                if not batch.rows and cursor is None and cut is None:
                    await self._meet(batch)
                if batch.restarts > restarts and read_to is not None:
                    await self._begun_anew(read_to)
                restarts, read_to = batch.restarts, batch.cursor_after.after or read_to
                await self._take(batch, cut)
                if cut is not None and cut.is_over:
                    await cut.end(self._pool, pbx)
                    cut = None

    async def _place(self) -> tuple[TableCursor | None, CutOver | None]:
        """Where reading goes on, and what was read of another journal before."""
        pbx = self._pipeline.pbx
        saved = await load_cursor(self._pool, pbx)
        cursor: TableCursor | None = None
        if saved is not None and source_of(saved) == "table":
            try:
                cursor = TableCursor.from_json(saved)
            except BadTableCursor:
                log.error("saved place in the table cannot be read; reading all of it", pbx=pbx)
                return None, None
        cut = await CutOver.load(self._pool, pbx, "table", saved, read=self._read)
        return cursor, cut

    async def _meet(self, batch: TableBatch) -> None:
        """Write down the first meeting: what the table holds now is history."""
        cursor = batch.cursor_after
        older = cursor.older
        await begin_history(
            self._pool,
            self._pipeline.pbx,
            before=history_limit(batch.newest_at, datetime.now(UTC)),
            until={"last": cursor.last},
            place={"next": older[0]} if older else None,
            bytes_total=batch.history_left,
        )
        self._history_total = batch.history_left
        await self._pipeline.reload()  # which learns what is history

    async def _begun_anew(self, read_to: datetime) -> None:
        """Another table is there, and is read from its beginning: what it tells of the time before starts nothing."""
        log.warning("the table is another one; all of it is read", pbx=self._pipeline.pbx)
        await extend_history(self._pool, self._pipeline.pbx, read_to)
        await self._pipeline.reload()

    async def _take(self, batch: TableBatch, cut: CutOver | None) -> None:
        pipeline = self._pipeline
        rows = list(batch.rows) if cut is None else cut.unread(batch.rows)
        cursor = batch.cursor_after.to_json()
        lease = self._holding.lease if self._holding else None
        pipeline.rows_wait = True
        try:
            await kept_up(lambda: pipeline.take(rows, cursor=cursor, lease=lease), f"rows of {pipeline.pbx}")
        finally:
            pipeline.rows_wait = False
        pipeline.reads_history = batch.history_left > 0
        if batch.history:
            await self._note_history(batch)

    async def _note_history(self, batch: TableBatch) -> None:
        older = batch.cursor_after.older
        done = self._history_total - batch.history_left
        place: dict[str, object] = {"next": older[0]} if older else {}
        await note_history(self._pool, self._pipeline.pbx, place=place, bytes_done=done, ended=older is None)
        if older is None:
            log.info("what the table held before is read", pbx=self._pipeline.pbx, rows=self._history_total)
