"""CEL tables for tests: FreePBX's columns in SQLite, the rows of the recorded day, and a reader that collects."""

from __future__ import annotations

import asyncio
import csv
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import aclosing, closing
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

from sip.cel_table import CelTable, Meeting, TableBatch, TableCursor, checked_url, follow, read_table_row
from sip.journal import JournalStatus

SCENARIOS = Path(__file__).parent.parent / "scenarios"
MOSCOW = ZoneInfo("Europe/Moscow")
FREEPBX = (
    *("id", "eventtype", "eventtime", "cid_name", "cid_num", "cid_ani", "cid_rdnis", "cid_dnid", "exten", "context"),
    *("channame", "appname", "appdata", "amaflags", "accountcode", "uniqueid", "linkedid", "peer", "userdeftype"),
    "extra",
)
Row = dict[str, object]


def recorded_day() -> list[Row]:
    """The rows that cel_odbc wrote of the recorded day, by number."""
    rows: list[Row] = []
    for path in SCENARIOS.glob("freepbx_*/table.csv"):
        with path.open(newline="", encoding="utf-8") as file:
            rows += [{**row, "id": int(row["id"])} for row in csv.DictReader(file)]
    return sorted(rows, key=lambda row: int(str(row["id"])))


def row(number: int, *, event: str = "CHAN_START", at: str = "2026-11-22 12:00:00", **more: object) -> Row:
    """One row of a call of its own."""
    leg = str(more.pop("uniqueid", f"{1795338000 + number}.{number}"))
    told = {"id": number, "eventtype": event, "eventtime": at, "uniqueid": leg, "linkedid": leg}
    return dict.fromkeys(FREEPBX, "") | {"channame": "PJSIP/operator-00000001", "amaflags": 3} | told | more


@dataclass(slots=True)
class SqliteTable:
    """A table in a file."""

    path: Path
    columns: Sequence[str] = FREEPBX
    source: CelTable = field(init=False)

    def __post_init__(self) -> None:
        """Make it, empty."""
        self.source = CelTable(url=checked_url(f"sqlite:///{self.path}"), timezone=MOSCOW)
        self.make()

    def make(self) -> None:
        """The table without a row, anew if it was there."""
        named = ", ".join(f"{name} integer primary key" if name == "id" else name for name in self.columns)
        self.do("drop table if exists cel")
        self.do(f"create table cel ({named})")

    def add(self, rows: Iterable[Row]) -> None:
        """Insert rows."""
        places = ", ".join(f":{name}" for name in self.columns)
        with closing(sqlite3.connect(self.path, timeout=10)) as connection, connection:
            connection.executemany(f"insert into cel ({', '.join(self.columns)}) values ({places})", list(rows))

    def do(self, statement: str) -> None:
        """Run one statement."""
        with closing(sqlite3.connect(self.path, timeout=10)) as connection, connection:
            connection.execute(statement)


@dataclass(slots=True)
class Reading:
    """A reader at work, and what it has handed out."""

    source: CelTable
    cursor: TableCursor | None = None
    meeting: Meeting | None = None
    status: JournalStatus = field(default_factory=JournalStatus)
    batches: list[TableBatch] = field(default_factory=list)
    batch_rows: int = 1000

    @property
    def rows(self) -> list[bytes]:
        """All rows so far."""
        return [row for batch in self.batches for row in batch.rows]

    @property
    def numbers(self) -> list[int]:
        """The table's numbers of the rows so far; of rows that no event is made of, too."""
        return [int(row[1 : row.index(b",")]) for row in self.rows]

    @property
    def events(self) -> list[object]:
        """The leg events of the rows so far."""
        return [read_table_row(row) for row in self.rows]

    async def until(self, done: Callable[[Reading], bool], seconds: float = 60.0) -> None:
        """Read until something is so.

        Raises:
            TimeoutError: it did not come to pass.
        """
        async with asyncio.timeout(seconds), asyncio.TaskGroup() as group:
            reading = group.create_task(self._read())
            while not done(self):
                await asyncio.sleep(0.01)
                if reading.done():
                    reading.result()
            reading.cancel()

    async def have(self, rows: int, seconds: float = 60.0) -> None:
        """Read until so many rows are there, and a little longer."""
        await self.until(lambda reading: len(reading.rows) >= rows, seconds)

    async def _read(self) -> None:
        batches = follow(
            self.source,
            self.cursor,
            status=self.status,
            meeting=self.meeting,
            batch_rows=self.batch_rows,
            look_seconds=0.02,
        )
        async with aclosing(batches) as found:
            async for batch in found:
                self.batches.append(batch)
                self.cursor = TableCursor.from_json(batch.cursor_after.to_json())
