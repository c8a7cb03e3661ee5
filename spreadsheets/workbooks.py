"""Rows of a workbook (XLSX, XLSM, XLSB, XLS, ODS), formulas as the values they had, by python-calamine.

A workbook is a ZIP archive and so may unpack to a thousand times its size, or have one cell in the last of a million
rows and sixteen thousand columns. What the archive says it unpacks to is checked before anything is unpacked; what it
really takes is bounded by the memory and time of the process this runs in (`spreadsheets.worker`).
"""

import datetime as dt
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from spreadsheets.errors import UnreadableFileError
from spreadsheets.separated import RawRow

UNPACKED_MAX = 1 << 30
PART_MAX = 900 << 20
PARTS_MAX = 5000
RATIO_MAX = 400
"""A sheet of one repeated value is packed 1:100; a bomb 1:1000 and more."""
COLUMNS_MAX = 500
ROWS_MAX = 1_048_576
_ZIP = b"PK\x03\x04"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
Cell = int | float | str | bool | dt.time | dt.date | dt.datetime | dt.timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A sheet of a workbook."""

    name: str
    hidden: bool


def is_workbook(path: Path) -> bool:
    """Whether the file's first bytes are those of a workbook, whatever its name says."""
    with path.open("rb") as file:
        head = file.read(8)
    return head.startswith(_ZIP) or head == _OLE


def check_archive(path: Path) -> None:
    """Refuse an archive that unpacks to more than a table can be.

    Raises:
        UnreadableFileError: it does, or it is no whole archive.
    """
    with path.open("rb") as file:
        if not file.read(4).startswith(_ZIP):
            return
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, UnicodeDecodeError) as fault:
        raise UnreadableFileError("This workbook is damaged; open it, save it again and send that.") from fault
    unpacked = sum(part.file_size for part in parts)
    packed = max(1, path.stat().st_size)
    if any(part.flag_bits & 1 for part in parts):
        raise UnreadableFileError("This workbook has a password; save it without one.", code="encrypted")
    worst = max((part.file_size for part in parts), default=0)
    bomb = unpacked > 10 << 20 and unpacked / packed > RATIO_MAX
    if len(parts) > PARTS_MAX or unpacked > UNPACKED_MAX or worst > PART_MAX or bomb:
        raise UnreadableFileError("This workbook unpacks to far too much; split it into several.", code="too_large")


def sheets_of(path: Path) -> list[Sheet]:
    """The sheets with cells, in the workbook's order.

    Raises:
        UnreadableFileError: it is no workbook, or has no sheet.
    """
    with _opened(path) as book:
        found = [
            Sheet(name=sheet.name, hidden=sheet.visible is not SheetVisibleEnum.Visible)
            for sheet in book.sheets_metadata
            if sheet.typ is SheetTypeEnum.WorkSheet
        ]
    if not found:
        raise UnreadableFileError("This workbook has no sheet with cells.", code="empty")
    return found


def _opened(path: Path) -> CalamineWorkbook:
    check_archive(path)
    try:
        return CalamineWorkbook.from_path(path)
    except (CalamineError, OSError, ValueError) as fault:
        code = "encrypted" if type(fault).__name__ == "PasswordError" else "unreadable"
        message = "This workbook has a password; save it without one." if code == "encrypted" else None
        raise UnreadableFileError(message, code=code) from fault


def read_sheet(path: Path, name: str) -> Iterator[RawRow]:
    """Every row of a sheet that is not empty, cells as a person would type them.

    Raises:
        UnreadableFileError: there is no such sheet, or it is too wide.
    """
    with _opened(path) as book:
        sheet = _sheet(book, name)
        start = sheet.start
        if start is None:
            return
        if sheet.width > COLUMNS_MAX:
            raise UnreadableFileError(
                f"This sheet has {sheet.width} columns; at most {COLUMNS_MAX} can be read.", code="too_many_columns"
            )
        for number, row in enumerate(_rows(sheet), start[0] + 1):
            cells = [""] * start[1] + [text_of(cell) for cell in row]
            if any(cells):
                yield RawRow(number, cells)


def _sheet(book: CalamineWorkbook, name: str) -> CalamineSheet:
    try:
        return book.get_sheet_by_name(name)
    except (CalamineError, OSError, ValueError) as fault:
        raise UnreadableFileError("This sheet of the workbook cannot be read.") from fault


def _rows(sheet: CalamineSheet) -> Iterator[Sequence[Cell]]:
    return iter(sheet.iter_rows())


def text_of(cell: Cell) -> str:
    """A cell as text: whole numbers without a point, dates as ISO 8601, true and false as words."""
    match cell:
        case str():
            return cell
        case bool():
            return "true" if cell else "false"
        case int():
            return str(cell)
        case float():
            return str(int(cell)) if cell.is_integer() and abs(cell) < 1e16 else repr(cell)
        case dt.datetime() if cell.time() == dt.time():
            return cell.date().isoformat()
        case dt.datetime():
            return cell.isoformat(sep=" ", timespec="seconds")
        case _:
            return str(cell)
