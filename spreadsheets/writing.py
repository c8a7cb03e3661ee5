"""Writes tables so that no cell is ever a formula.

A spreadsheet takes a text that begins with = + - @ for a formula, also in CSV; such a cell of a client's card could run
what a stranger wrote (OWASP, CSV Injection). In CSV those cells get an apostrophe in front, which spreadsheets take for
"this is text" and our own import takes away again; in XLSX every text is written as a string, so nothing is added.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import xlsxwriter

from gateway.domain.import_files import Value

_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
CELL_MAX = 32_767
"""Characters that Excel allows in a cell."""
ROWS_MAX = 1_048_576
"""Rows that Excel allows in a sheet, the header among them."""


def text_of(value: Value) -> str:
    """A value as CSV holds it."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            return value.isoformat(sep=" ", timespec="seconds")
        case date():
            return value.isoformat()
        case str():
            return f"'{value}" if value.startswith(_DANGEROUS) else value
        case _:
            return str(value)


def write_csv(rows: Iterable[Sequence[Value]], *, begin: bool = True) -> bytes:
    """Rows as CSV.

    Args:
        rows: each as values; texts that could be formulas are marked as text.
        begin: whether these are a file's first rows; then the byte order mark stands before them.

    Returns:
        UTF-8 with commas and CR LF, as RFC 4180 says.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerows([[text_of(value) for value in row] for row in rows])
    return ("\ufeff" if begin else "").encode() + text.getvalue().encode("utf-8", "replace")


class Workbook:
    """A workbook that is written row by row, with one row in memory.

    What a sheet cannot hold goes on in a further sheet, which begins with the header again.
    """

    def __init__(self, path: Path, *, rows_max: int = ROWS_MAX) -> None:
        """Args:
        path: where it is written.
        rows_max: of a sheet, the header among them.
        """
        self._rows_max = rows_max
        self._head: Sequence[Value] = ()
        options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        self._book = xlsxwriter.Workbook(str(path), {**options, "tmpdir": str(path.parent)})
        self._bold = self._book.add_format({"bold": True})
        self._day = self._book.add_format({"num_format": "yyyy-mm-dd"})
        self._moment = self._book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        self._begin()

    def _begin(self) -> None:
        self._sheet = self._book.add_worksheet()
        self._sheet.freeze_panes(1, 0)
        self._next = 0

    def write(self, row: Sequence[Value]) -> None:
        """The next row; the first one is the header."""
        if self._next == 0:
            self._head = row
        elif self._next == self._rows_max:
            self._begin()
            self.write(self._head)
        for column, value in enumerate(row):
            self._write(column, value)
        self._next += 1

    def _write(self, column: int, value: Value) -> None:
        at, sheet = self._next, self._sheet
        match value:
            case None | "":
                return
            case bool():
                sheet.write_boolean(at, column, value)
            case int() | float() | Decimal() if -(10**15) < float(value) < 10**15:
                sheet.write_number(at, column, value)
            case datetime():
                sheet.write_datetime(at, column, value.replace(tzinfo=None), self._moment)
            case date():
                sheet.write_datetime(at, column, value, self._day)
            case _:
                text = str(value)[:CELL_MAX]
                sheet.write_string(at, column, text, self._bold if at == 0 else None)

    def close(self) -> None:
        """Finish the file."""
        self._book.close()


def write_xlsx(rows: Iterable[Sequence[Value]], path: Path) -> None:
    """A workbook of one sheet, its first row as the header.

    Args:
        rows: each as values; texts stay texts, whatever they begin with.
        path: where it is written.
    """
    book = Workbook(path)
    for row in rows:
        book.write(row)
    book.close()
