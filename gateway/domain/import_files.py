"""What the gateway asks of the part that reads and writes tables in files (`spreadsheets/`), and what it is told.

Reading happens in a process of its own, so both sides speak in plain values. A file is first looked at: what is it, how
is it written, which columns has it, what may they mean. Then it is read by a `Recipe`, row by row.
"""

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Protocol

from gateway.domain.import_columns import Column, FieldKind, Proposal
from gateway.domain.import_rows import ReadRow, Recipe

Value = str | int | float | Decimal | bool | date | datetime | None
"""A cell of a table that is written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """How a file is written; None: to be found."""

    encoding: str | None = None
    """Python's name; of text files."""
    delimiter: str | None = None
    """One sign, or empty for a file of one column; of text files."""
    sheet: str | None = None
    """Of workbooks."""
    header: int | None = None
    """The row that names the columns, from 1; 0: no row does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a file turned out to be."""

    format: str
    """`text` or `workbook`."""
    writing: Writing
    """With nothing left to be found."""
    mixed: bool
    """Lines of a text file that have another encoding than the others are read by the one that fits them."""
    sheets: tuple[str, ...]
    rows: int
    """Rows with data that are not empty, without the header."""
    columns: tuple[Column, ...]
    proposals: tuple[Proposal, ...]
    """One a column."""
    day_first: bool
    """Whether dates seem to be written day before month."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadBatch:
    """Some rows, read."""

    rows: list[ReadRow]
    place: int
    """How many rows of the file are done with these."""


class TableReader(Protocol):
    """Reads tables in files."""

    async def look(self, path: Path, writing: Writing, fields: Sequence[FieldKind]) -> Found:
        """Find out what a file is; raises `Rejected` where it is no table that can be read."""
        ...

    def reading(
        self, path: Path, found: Writing, recipe: Recipe, *, skip: int
    ) -> AbstractAsyncContextManager[AsyncIterator[ReadBatch]]:
        """Read a file's rows behind the first `skip`; raises `Rejected` where it cannot be read to its end."""
        ...


class TableWriter(Protocol):
    """Writes tables into files; no cell is ever a formula."""

    def csv(self, rows: Iterable[Sequence[Value]], *, begin: bool) -> bytes:
        """Rows as CSV in UTF-8; with the byte order mark that Excel needs where they `begin` a file."""
        ...

    async def xlsx(self, rows: AsyncIterable[Sequence[Value]], path: Path) -> None:
        """A workbook of one sheet, the first row fixed as its header."""
        ...
