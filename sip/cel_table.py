"""Reads a CEL table of a site's own database, row by row as it is written: the sister of `sip.journal`.

The table is looked at each tenth of a second by its running number, in a thread of its own, so that a slow or frozen
server never holds up anything else. New rows are handed out at once; at the first meeting the history comes beside
them in batches, oldest first, whenever nothing new waits. With each batch comes the cursor behind it, to be saved in
the rows' transaction. A server that is away, a wrong password, a missing table or column are no errors here: the
reader waits, tries again, and `JournalStatus` tells why.
"""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from sqlalchemy import Connection
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError

from sip.cel_table_database import TABLE_NAME, BadTableUrl, Session, checked_url, condition_of, connected, trouble_of
from sip.cel_table_reader import BadTableCursor, Step, TableCursor, TableReader, WrongZone
from sip.cel_table_rows import MissingColumns, is_table_row, read_table_row
from sip.journal_reader import JournalCondition, JournalStatus

__all__ = [
    "TABLE_NAME",
    "BadTableCursor",
    "BadTableUrl",
    "CelTable",
    "Meeting",
    "TableBatch",
    "TableCursor",
    "checked_url",
    "follow",
    "is_table_row",
    "read_table_row",
]

_PAUSES = (0.5, 1.0, 2.0, 5.0)
_AHEAD = 2
"""Batches read while the one before is being committed."""
_LAG_EVERY = 20
"""Quiet looks between two counts of what waits, and after every batch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CelTable:
    """A table to read.

    Attributes:
        url: Of its database, with user and password.
        table: Its name, perhaps with a schema before a dot.
        timezone: Of times without one: the zone of the PBX.
    """

    url: URL
    table: str = "cel"
    timezone: tzinfo = UTC


@dataclass(frozen=True, slots=True, kw_only=True)
class Meeting:
    """How to begin where no place is saved.

    Attributes:
        history_since: Older rows are not read; None: all are.
        cut_over_at: Another journal was read up to this moment: begin a little before it, without history.
    """

    history_since: datetime | None = None
    cut_over_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TableBatch:
    """Rows that are complete.

    Attributes:
        rows: Journal rows for `read_table_row`.
        cursor_after: The place behind them.
        history: Whether they are of the history, read beside what is new.
        newest_at: Moment of the last row; of the first batch, which has none, of the table's; None: unknown.
        history_left: Rows of the history still to read, as their numbers tell.
        restarts: How often the table has turned out to be another one so far.
    """

    rows: tuple[bytes, ...]
    cursor_after: TableCursor
    history: bool
    newest_at: datetime | None
    history_left: int = 0
    restarts: int = 0


_CUT_OVER_BEFORE = timedelta(minutes=2)


async def follow(
    source: CelTable,
    cursor: TableCursor | None,
    *,
    status: JournalStatus | None = None,
    meeting: Meeting | None = None,
    batch_rows: int = 1000,
    look_seconds: float = 0.1,
) -> AsyncGenerator[TableBatch, None]:
    """Read the table from a cursor on, for ever; close the generator to stop.

    Args:
        source: the table.
        cursor: the saved place; None: begin as `meeting` says; the first batch is then without rows.
        status: is kept up to date for doctor and metrics.
        meeting: how to begin; None: with the whole table.
        batch_rows: rows of a batch at most.
        look_seconds: how often to look.

    Yields:
        New rows, and the history beside them.
    """
    loop, queue = asyncio.get_running_loop(), asyncio.Queue[TableBatch | Exception]()

    def hand_over(batch: TableBatch | Exception) -> None:
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(queue.put_nowait, batch)

    thread = _Follower(
        source,
        cursor,
        status or JournalStatus(),
        meeting or Meeting(),
        hand_over,
        batch_rows=batch_rows,
        look_seconds=look_seconds,
    )
    thread.start()
    try:
        while True:
            batch = await queue.get()
            if isinstance(batch, Exception):
                raise batch
            yield batch
            thread.room.release()
    finally:
        thread.stopped.set()
        thread.room.release()


class _Follower(threading.Thread):
    """The thread that looks. It ends within the server's longest answer once it is told to."""

    def __init__(
        self,
        source: CelTable,
        cursor: TableCursor | None,
        status: JournalStatus,
        meeting: Meeting,
        hand_over: Callable[[TableBatch | Exception], None],
        *,
        batch_rows: int,
        look_seconds: float,
    ) -> None:
        super().__init__(name=f"cel table {source.table}", daemon=True)
        self._source, self._cursor, self._meeting = source, cursor, meeting
        self._status, self._look_seconds = status, look_seconds
        self._reader = TableReader(source.table, source.timezone, batch_rows=batch_rows)
        self._quiet = 0
        self.stopped = threading.Event()
        self.room = threading.Semaphore(_AHEAD)
        self._hand_over = hand_over
        status.condition, status.trouble = JournalCondition.NO_SERVER, "not asked yet"

    def run(self) -> None:
        """Look until told to stop; whatever a server does is waited out, and any other fault is the reader's."""
        try:
            self._look_for_ever()
        except Exception as fault:  # noqa: BLE001 - the task that reads is to fall, not this thread alone
            self._hand_over(fault)

    def _look_for_ever(self) -> None:
        failures = 0
        status = self._status
        while not self.stopped.is_set():
            try:
                with connected(self._source.url) as session:
                    session.do(self._reader.open)
                    failures = 0
                    self._follow(session)
            except MissingColumns as fault:
                status.condition, status.trouble = JournalCondition.NO_COLUMN, ", ".join(fault.missing)
            except WrongZone as fault:
                status.condition, status.trouble = JournalCondition.WRONG_ZONE, str(fault)
                status.zone_offset = fault.offset
            except (SQLAlchemyError, OSError, TimeoutError) as fault:
                status.condition, status.trouble = condition_of(fault), trouble_of(fault)
            self.stopped.wait(_PAUSES[min(failures, len(_PAUSES) - 1)])
            failures += 1

    def _follow(self, session: Session) -> None:
        if self._cursor is None:
            self._cursor, newest = session.do(self._met)
            self._give(Step(rows=(), cursor=self._cursor, full=True), history=False, newest=newest)
        while not self.stopped.is_set():
            if self._look(session):
                continue
            self._quiet += 1
            if self._quiet % _LAG_EVERY == 1:
                waiting = session.do(lambda c: self._reader.waiting(c, self._place))
                self._status.lag_rows = waiting + _history_left(self._place)
            self.stopped.wait(self._look_seconds)

    def _look(self, session: Session) -> bool:
        """Look once; whether something came, so that it is worth looking at once again."""
        step = session.do(lambda c: self._reader.step(c, self._place, datetime.now(UTC)))
        self._status.condition, self._status.trouble = JournalCondition.READING, ""
        if step.rows or step.cursor.last < self._place.last:
            self._give(step, history=False)
            return step.full
        self._cursor = step.cursor
        if self._place.older is None:
            return False
        older = session.do(lambda c: self._reader.older(c, self._place))
        self._give(older, history=True)
        return True

    @property
    def _place(self) -> TableCursor:
        assert self._cursor is not None
        return self._cursor

    def _met(self, connection: Connection) -> tuple[TableCursor, datetime | None]:
        if self._meeting.cut_over_at is not None:
            return self._reader.begin_at(connection, self._meeting.cut_over_at - _CUT_OVER_BEFORE), None
        return self._reader.meet(connection, history_since=self._meeting.history_since)

    def _give(self, step: Step, *, history: bool, newest: datetime | None = None) -> None:
        """Hand a batch over, and wait while too many are on their way."""
        self.room.acquire()
        self._cursor, self._quiet = step.cursor, 0
        times = [row.at for row in step.rows if row.at is not None]
        batch = TableBatch(
            rows=tuple(row.data for row in step.rows if row.data),
            cursor_after=step.cursor,
            history=history,
            newest_at=times[-1] if times else newest,
            history_left=_history_left(step.cursor),
            restarts=self._reader.restarts,
        )
        offsets = [row.local_offset for row in step.rows if row.local_offset is not None]
        status = self._status
        status.records += len(step.rows)
        status.zone_offset = offsets[-1] if offsets and not history else status.zone_offset
        status.restarts = self._reader.restarts
        status.lag_rows = _history_left(step.cursor) + (1 if step.full and not history else 0)
        if step.rows:
            status.last_read_at = datetime.now(UTC)
        if not self.stopped.is_set():
            self._hand_over(batch)


def _history_left(cursor: TableCursor) -> int:
    """Rows of the history that were not read yet, as their numbers tell."""
    return cursor.older[1] - cursor.older[0] if cursor.older else 0
