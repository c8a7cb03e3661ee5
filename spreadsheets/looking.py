"""Looks at a file: what it is, how it is written, where its header is, and what its columns may mean."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from gateway.domain.import_columns import Column, FieldKind, Target, column_of, is_header, propose
from gateway.domain.import_files import Found, Writing
from spreadsheets.encodings import Encoding, find_encoding
from spreadsheets.errors import UnreadableFileError
from spreadsheets.separated import Dialect, RawRow, find_dialect, read_rows
from spreadsheets.workbooks import COLUMNS_MAX, ROWS_MAX, is_workbook, read_sheet, sheets_of

SAMPLE = 1000
_HEADER_WITHIN = 12
_BELOW = 20


def look(path: Path, writing: Writing, fields: Sequence[FieldKind]) -> Found:
    """Find out what a file is.

    Args:
        path: of the file.
        writing: what a person says of it; what is None is found.
        fields: custom fields that a column may be meant for.

    Raises:
        UnreadableFileError: it is no table, or has no rows, or is too large.
    """
    if path.stat().st_size == 0:
        raise UnreadableFileError("This file is empty.", code="empty")
    workbook = is_workbook(path)
    sheets = sheets_of(path) if workbook else []
    known = _of_workbook(path, writing, [s.name for s in sheets if not s.hidden] or [s.name for s in sheets])
    if not workbook:
        known = _of_text(path, writing)
    rows = rows_of(path, known)
    sample = list(islice(rows, SAMPLE))
    _check(sample)
    header = _header(sample) if writing.header is None else writing.header
    columns = _columns(sample, header)
    proposals = propose(columns, fields)
    return Found(
        format="workbook" if workbook else "text",
        writing=Writing(encoding=known.encoding, delimiter=known.delimiter, sheet=known.sheet, header=header),
        mixed=any(row.foreign for row in sample) or (not workbook and _is_mixed(path, known)),
        sheets=tuple(s.name for s in sheets),
        rows=_count(sample, rows, header),
        columns=tuple(columns),
        proposals=tuple(proposals),
        day_first=_day_first([c.samples for c, p in zip(columns, proposals, strict=True) if _has_dates(c, p.target)]),
    )


def _has_dates(column: Column, target: str) -> bool:
    return target == Target.BIRTHDAY or column.looks.get("date", 0.0) > 0.5


def _of_workbook(path: Path, writing: Writing, sheets: Sequence[str]) -> Writing:
    if not sheets:
        return writing
    if writing.sheet is not None:
        return writing
    first = next((name for name in sheets if next(read_sheet(path, name), None) is not None), sheets[0])
    return Writing(sheet=first)


def _of_text(path: Path, writing: Writing) -> Writing:
    dialect = find_dialect(path, encoding=writing.encoding, delimiter=writing.delimiter)
    return Writing(encoding=dialect.encoding.name, delimiter=dialect.delimiter)


def rows_of(path: Path, known: Writing) -> Iterator[RawRow]:
    """Every row of a file that is written in a known way, header and all."""
    if known.sheet is not None:
        return read_sheet(path, known.sheet)
    dialect = find_dialect(path, encoding=known.encoding, delimiter=known.delimiter)
    return read_rows(path, _with_fallback(path, dialect))


def _with_fallback(path: Path, dialect: Dialect) -> Dialect:
    """Lines that are no UTF-8 may begin behind what was looked at: the whole file's bytes choose for them."""
    if dialect.encoding.name != "utf-8" or dialect.encoding.mixed:
        return dialect
    foreign = bytearray()
    with path.open("rb") as file:
        file.seek(dialect.encoding.mark)
        while len(foreign) < 1 << 18 and (line := file.readline(1 << 20)):
            if not line.isascii():
                try:
                    line.decode()
                except UnicodeDecodeError:
                    foreign += line
    if not foreign:
        return dialect
    fallback = find_encoding(bytes(foreign)).fallback
    encoding = Encoding(name="utf-8", mark=dialect.encoding.mark, fallback=fallback, mixed=True)
    return Dialect(encoding=encoding, delimiter=dialect.delimiter, skip=dialect.skip)


def _is_mixed(path: Path, known: Writing) -> bool:
    dialect = find_dialect(path, encoding=known.encoding, delimiter=known.delimiter)
    return _with_fallback(path, dialect).encoding.mixed


def _check(sample: Sequence[RawRow]) -> None:
    if not sample:
        raise UnreadableFileError("This file has no rows.", code="empty")
    if sample[0].broken:
        raise UnreadableFileError("The first row of this file cannot be read: it is far too long.", code="too_long")
    if sum("\0" in c or "\ufffd" in c for row in sample for c in row.cells) > len(sample):
        raise UnreadableFileError("This is no text file and no workbook.", code="unreadable")
    if (width := max(len(row.cells) for row in sample)) > COLUMNS_MAX:
        message = f"This file has {width} columns; at most {COLUMNS_MAX} can be read."
        raise UnreadableFileError(message, code="too_many_columns")


def _header(sample: Sequence[RawRow]) -> int:
    """The row that names the columns; titles above it are passed over."""
    width = max(len([c for c in row.cells if c.strip()]) for row in sample[: _HEADER_WITHIN * 2])
    for place, row in enumerate(sample[:_HEADER_WITHIN]):
        filled = len([c for c in row.cells if c.strip()])
        below = [r.cells for r in sample[place + 1 : place + 1 + _BELOW]]
        if filled * 2 >= width and is_header(row.cells, below):
            return row.line
        if place == 0 and width == 1:
            return 0
    return 0


def _columns(sample: Sequence[RawRow], header: int) -> list[Column]:
    heads = next((row.cells for row in sample if row.line == header), [])
    data = [row.cells for row in sample if row.line > header and not row.broken]
    width = max((len(cells) for cells in (heads, *data)), default=0)
    return [
        column_of(index, heads[index] if index < len(heads) else "", [c[index] if index < len(c) else "" for c in data])
        for index in range(width)
    ]


def _count(sample: Sequence[RawRow], rest: Iterable[RawRow], header: int) -> int:
    number = sum(row.line > header for row in sample) + sum(1 for _ in rest)
    if number > ROWS_MAX:
        message = f"This file has {number} rows; at most {ROWS_MAX} can be imported at once, so split it."
        raise UnreadableFileError(message, code="too_large")
    if not number:
        raise UnreadableFileError("This file has no rows below its header.", code="empty")
    return number


def _day_first(columns: Iterable[Sequence[str]]) -> bool:
    """By the first date that can be read only one way; the day, where none is."""
    for sample in (text for samples in columns for text in samples):
        parts = sample.replace("/", ".").replace("-", ".").split(".")
        if len(parts) == 3 and all(p[:2].isdigit() for p in parts) and len(parts[0]) <= 2:
            first, second = int(parts[0]), int(parts[1])
            if first > 12 or second > 12:
                return first > 12
    return True
