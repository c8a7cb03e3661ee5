"""Which rows of a CEL table come next: the step-by-step reader behind `sip.cel_table`, without waiting.

Rows are read by the table's running number, and by nothing else, so a poll of a table with ten million rows touches
the end of its primary key. The number alone is no proof of order, so the cursor holds more than it:

- *gaps*: a row may become visible after one with a higher number (its transaction ended later). Numbers left out are
  asked for again, often at first, then seldom, until ten minutes have passed; no more than the last thousand.
- *anchors*: the newest rows handed out, each with a fingerprint. Every poll begins with the last of them, so it is
  seen at once when the table is another one: restored, emptied and begun anew with number 1. Then everything in it is
  read again; rows that were read before are known by what they say and change nothing. Old rows may be deleted at any
  time (FreePBX does it by night): that leaves the anchors standing, or leaves only newer rows.
- *older*: at the first meeting new rows come at once, and the history beside them, oldest first, in batches.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, tzinfo
from typing import Self

from sqlalchemy import ColumnElement, Connection, bindparam, func, select
from sqlalchemy.sql.expression import ColumnClause, TableClause

from gateway.domain.errors import Rejected
from sip.cel_table_database import columns_of, table_of
from sip.cel_table_rows import Shape, TableRow, journal_row, shape_of

GAP_ROWS = 1000
GAP_LIFETIME = timedelta(minutes=10)
_FRESH_GAP = timedelta(seconds=2)
_OLD_GAP_EVERY = timedelta(seconds=5)
_WHOLE_LOOK_EVERY = 10
"""Quiet looks at the number alone, and then one at the whole row: another table may have a row of the same number."""
_ANCHORS = 8
ZONE_TOLERANCE = timedelta(minutes=10)
_ZONE_ROWS = 500
_LIVE_BEFORE = timedelta(hours=1)
"""At the first meeting this much before the newest row is read at once: calls that go on have begun by then."""


class BadTableCursor(Rejected, ValueError):
    """The saved place in the CEL table cannot be read; delete it to read the table from its beginning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Numbers that were left out, and when that was seen."""

    first: int
    last: int
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TableCursor:
    """A place in a table.

    Attributes:
        table: Its name; a cursor of another journal has none.
        last: The highest number handed out; 0: none yet.
        anchors: Newest rows handed out by number, with their fingerprints.
        gaps: What was left out and may still come.
        after: Moment of the last row.
        older: The next number of the history to read, and the first one that is not history; None: all is read.
        older_after: Moment of the history's last row.
    """

    table: str
    last: int = 0
    anchors: Mapping[int, str] = field(default_factory=dict)
    gaps: tuple[Gap, ...] = ()
    after: datetime | None = None
    older: tuple[int, int] | None = None
    older_after: datetime | None = None

    def to_json(self) -> dict[str, object]:
        """The cursor as plain values for a JSON column."""
        return {
            "table": self.table,
            "last": self.last,
            "anchors": {str(k): v for k, v in self.anchors.items()},
            "gaps": [[g.first, g.last, g.since.isoformat()] for g in self.gaps],
            "after": self.after.isoformat() if self.after else None,
            "older": list(self.older) if self.older else None,
            "older_after": self.older_after.isoformat() if self.older_after else None,
        }

    @classmethod
    def from_json(cls, saved: Mapping[str, object]) -> Self:
        """Read what `to_json` gave.

        Raises:
            BadTableCursor: it is something else.
        """
        try:
            anchors, gaps, older = (saved[name] for name in ("anchors", "gaps", "older"))
            if not isinstance(anchors, dict) or not isinstance(gaps, list):
                raise BadTableCursor
            return cls(
                table=str(saved["table"]),
                last=int(str(saved["last"])),
                anchors={int(k): str(v) for k, v in anchors.items()},
                gaps=tuple(Gap(first=g[0], last=g[1], since=datetime.fromisoformat(g[2])) for g in gaps),
                after=_saved_moment(saved["after"]),
                older=(int(older[0]), int(older[1])) if isinstance(older, list) else None,
                older_after=_saved_moment(saved["older_after"]),
            )
        except (KeyError, ValueError, TypeError, IndexError):
            raise BadTableCursor from None


def _saved_moment(saved: object) -> datetime | None:
    return datetime.fromisoformat(str(saved)) if saved else None


class WrongZone(Rejected):
    """The table's times are of another zone than the one that is set: set `timezone` to that of the PBX."""

    def __init__(self, offset: timedelta) -> None:
        super().__init__(f"the times are off by {offset}")
        self.offset = offset


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one look at the table gave."""

    rows: tuple[TableRow, ...]
    cursor: TableCursor
    full: bool
    """Whether more is waiting."""


class TableReader:
    """Reads one table over a connection that is handed in each time."""

    def __init__(self, table: str, zone: tzinfo, *, batch_rows: int) -> None:
        """Args:
        table: its name, perhaps with a schema before a dot.
        zone: of times without one.
        batch_rows: rows of a step at most.
        """
        self._name = table
        self._zone = zone
        self._batch = batch_rows
        self._shape: Shape | None = None
        self._table: TableClause = table_of(table, ("id",))
        self._id: ColumnClause[int] = self._table.c["id"]
        self._glance = select(self._id)
        self._glances = 0
        self._old_gaps_due: datetime | None = None
        self.restarts = 0
        """How often the table turned out to be another one."""

    def open(self, connection: Connection) -> None:
        """Learn the table's columns; again after every connect, for somebody may have changed them.

        Raises:
            MissingColumns: it lacks some.
        """
        names = columns_of(connection, self._name)
        self._shape = shape_of(names)
        self._table = table_of(self._name, names)
        self._id = self._table.c[names[self._shape.id]]
        self._glance = select(self._id).where(self._id >= bindparam("last")).order_by(self._id).limit(2)

    def meet(self, connection: Connection, *, history_since: datetime | None) -> tuple[TableCursor, datetime | None]:
        """Where reading begins at the first meeting, and the moment of the newest row.

        Args:
            connection: to the database.
            history_since: older rows are not read; None: all are.

        Raises:
            WrongZone: the newest rows' times are not those of their channels' ids.
        """
        low, high = self._bounds(connection)
        if not low or not high:
            return TableCursor(table=self._name), None
        self._check_zone(connection, high)
        begin = self._first_since(connection, low, high, history_since) if history_since else low
        newest = self._at(connection, high)
        live = self._first_since(connection, low, high, newest - _LIVE_BEFORE) if newest else low
        cursor = TableCursor(table=self._name, last=live - 1)
        return replace(cursor, older=(begin, live)) if begin < live else cursor, newest

    def _check_zone(self, connection: Connection, high: int) -> None:
        rows = self._read(connection, TableCursor(table=self._name), self._id > high - _ZONE_ROWS)
        offsets = sorted(row.local_offset for row in rows if row.local_offset is not None)
        if offsets and abs(middle := offsets[len(offsets) // 2]) > ZONE_TOLERANCE:
            raise WrongZone(middle)

    def begin_at(self, connection: Connection, moment: datetime) -> TableCursor:
        """Where reading begins so that no row since a moment is left out."""
        low, high = self._bounds(connection)
        if not low or not high:
            return TableCursor(table=self._name)
        return TableCursor(table=self._name, last=self._first_since(connection, low, high, moment) - 1)

    def step(self, connection: Connection, cursor: TableCursor, now: datetime) -> Step:
        """Look once for new rows.

        Args:
            connection: to the database.
            cursor: the place behind the last step.
            now: our clock, for the patience with gaps.
        """
        anchor = cursor.last if cursor.last in cursor.anchors else 0
        if anchor and self._is_quiet(connection, cursor, now):
            return Step(rows=(), cursor=cursor, full=False)
        rows = self._read(connection, cursor, self._id >= anchor if anchor else self._id > cursor.last)
        if anchor:
            if not rows or rows[0].id != anchor or rows[0].fingerprint != cursor.anchors[anchor]:
                cursor = self._looked_into(connection, cursor)
                rows = self._read(connection, cursor, self._id > cursor.last)
            else:
                rows = rows[1:]
        full = len(rows) >= self._batch - 1
        late = self._late(connection, cursor, now)
        behind = _behind(cursor, late, rows, now)
        return Step(rows=(*late, *rows), cursor=behind, full=full)

    def older(self, connection: Connection, cursor: TableCursor) -> Step:
        """Read on in the history; rows come with the place behind them."""
        assert cursor.older is not None
        begin, until = cursor.older
        place = replace(cursor, after=cursor.older_after)
        rows = self._read(connection, place, (self._id >= begin) & (self._id < until))
        done = len(rows) < self._batch
        behind = replace(cursor, older=None, older_after=None)
        if not done:
            behind = replace(cursor, older=(rows[-1].id + 1, until), older_after=rows[-1].at)
        return Step(rows=tuple(rows), cursor=behind, full=not done)

    def newest(self, connection: Connection, count: int) -> list[TableRow]:
        """The last rows by number, at most `count` and the batch."""
        _, high = self._bounds(connection)
        place = TableCursor(table=self._name)
        return self._read(connection, place, self._id > high - count) if high is not None else []

    def waiting(self, connection: Connection, cursor: TableCursor) -> int:
        """Rows with higher numbers than the last one handed out, as the numbers tell."""
        _, high = self._bounds(connection)
        return max(0, (high or 0) - cursor.last)

    def _bounds(self, connection: Connection) -> tuple[int | None, int | None]:
        low = connection.execute(select(func.min(self._id))).scalar()
        high = connection.execute(select(func.max(self._id))).scalar()
        return low, high

    def _read(self, connection: Connection, cursor: TableCursor, where: ColumnElement[bool]) -> list[TableRow]:
        assert self._shape is not None
        found = connection.execute(select(*self._table.c).where(where).order_by(self._id).limit(self._batch))
        rows: list[TableRow] = []
        after = cursor.after
        for values in found:
            row = journal_row(self._shape, values, self._zone, after=after)
            after = row.at or after
            rows.append(row)
        return rows

    def _at(self, connection: Connection, number: int) -> datetime | None:
        rows = self._read(connection, TableCursor(table=self._name), self._id == number)
        return rows[0].at if rows else None

    def _first_since(self, connection: Connection, low: int, high: int, moment: datetime) -> int:
        """The first number whose row is not older, found by halves: the time has no index."""
        while low < high:
            middle = (low + high) // 2
            found = connection.execute(select(self._id).where(self._id >= middle).order_by(self._id).limit(1)).scalar()
            at = self._at(connection, found) if found is not None else None
            if at is not None and at < moment and found is not None:
                low = min(found, high - 1) + 1
            else:
                high = middle
        return low

    def _looked_into(self, connection: Connection, cursor: TableCursor) -> TableCursor:
        """Where to go on when the last row is no longer what it was.

        Behind the newest row that is still known (a backup was restored, or somebody deleted the last row); at the same
        place, where the table is empty or only newer rows are left; else at the beginning.
        """
        rows = self._read(connection, replace(cursor, after=None), self._id.in_(list(cursor.anchors)))
        known = {row.id: row.fingerprint for row in rows if cursor.anchors.get(row.id) == row.fingerprint}
        if known:
            last = max(known)
            return replace(cursor, last=last, anchors=known, gaps=tuple(g for g in cursor.gaps if g.last < last))
        low, high = self._bounds(connection)
        if low is None or high is None or (not rows and low > cursor.last):
            return cursor
        self.restarts += 1
        return TableCursor(table=self._name)

    def _is_quiet(self, connection: Connection, cursor: TableCursor, now: datetime) -> bool:
        """Whether the last row is still the last one, by its number alone; now and then it is read whole."""
        self._glances += 1
        if self._glances % _WHOLE_LOOK_EVERY == 0 or any(self._is_due(gap, now) for gap in cursor.gaps):
            return False
        found = connection.execute(self._glance, {"last": cursor.last}).scalars().all()
        return list(found) == [cursor.last]

    def _is_due(self, gap: Gap, now: datetime) -> bool:
        return now - gap.since < _FRESH_GAP or self._old_gaps_due is None or now >= self._old_gaps_due

    def _late(self, connection: Connection, cursor: TableCursor, now: datetime) -> list[TableRow]:
        """Rows that were left out and have come since."""
        due = [gap for gap in cursor.gaps if self._is_due(gap, now)]
        if self._old_gaps_due is None or now >= self._old_gaps_due:
            self._old_gaps_due = now + _OLD_GAP_EVERY
        numbers = [n for g in due for n in range(g.first, g.last + 1)]
        return self._read(connection, cursor, self._id.in_(numbers)) if numbers else []


def _behind(cursor: TableCursor, late: Sequence[TableRow], rows: Sequence[TableRow], now: datetime) -> TableCursor:
    """The place behind the rows of a step."""
    gaps = [g for g in cursor.gaps if now - g.since < GAP_LIFETIME]
    for row in late:
        gaps = [piece for gap in gaps for piece in _without(gap, row.id)]
    if not rows:
        return replace(cursor, gaps=tuple(gaps)) if len(gaps) != len(cursor.gaps) or late else cursor
    gaps += _left_out(cursor.last, rows, now)
    newest = dict(cursor.anchors) | {row.id: row.fingerprint for row in rows[-_ANCHORS:]}
    times = [row.at for row in rows if row.at is not None]
    return replace(
        cursor,
        last=rows[-1].id,
        anchors=dict(sorted(newest.items())[-_ANCHORS:]),
        gaps=tuple(_newest(gaps)),
        after=times[-1] if times else cursor.after,
    )


def _left_out(last: int, rows: Sequence[TableRow], now: datetime) -> Iterable[Gap]:
    """Numbers missing between rows; before a table's first row nothing is missing."""
    floor = rows[-1].id - GAP_ROWS
    before = last or rows[0].id
    for row in rows:
        first = max(before + 1, floor)
        if first < row.id:
            yield Gap(first=first, last=row.id - 1, since=now)
        before = row.id


def _without(gap: Gap, number: int) -> Iterable[Gap]:
    if not gap.first <= number <= gap.last:
        yield gap
        return
    if gap.first < number:
        yield replace(gap, last=number - 1)
    if number < gap.last:
        yield replace(gap, first=number + 1)


def _newest(gaps: Sequence[Gap]) -> list[Gap]:
    """The gaps with the highest numbers, as many as are worth asking for."""
    kept: list[Gap] = []
    room = GAP_ROWS
    for gap in sorted(gaps, key=lambda g: g.last, reverse=True):
        if room <= 0:
            break
        kept.append(replace(gap, first=max(gap.first, gap.last - room + 1)))
        room -= gap.last - gap.first + 1
    return kept[::-1]
