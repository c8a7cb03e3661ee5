"""Rows of a text file: which sign separates the cells, how they are quoted, and where each row begins.

Rules of RFC 4180, and what files really hold: semicolons and tabs, Excel's line `sep=;`, cells with line breaks, and
quotation marks that nobody closes. Such a mark would swallow all rows behind it; so a row that does not end within
`LONGEST_ROW` characters is taken line by line instead, and the line with the mark is told as broken.
"""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from spreadsheets.encodings import PROBE, Encoding, find_encoding, read_lines
from spreadsheets.errors import UnreadableFileError

DELIMITERS = (";", ",", "\t", "|")
LONGEST_ROW = 64 * 1024
MOST_LINES = 200
"""Lines that one row may have; a cell of notes has some, a lost quotation mark has all."""
_PROBE_ROWS = 200
_ENDS = re.compile(r"\r\n|\r|\n")

csv.field_size_limit(2 * LONGEST_ROW)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How a text file is written."""

    encoding: Encoding
    delimiter: str
    """One sign; empty: there is one column."""
    skip: int = 0
    """Lines before the rows: Excel's `sep=;`."""


@dataclass(frozen=True, slots=True)
class RawRow:
    """A row as it stands in the file."""

    line: int
    """The file's line on which it begins, from 1."""
    cells: list[str]
    broken: str = ""
    """Code of what is wrong with it as a whole."""
    foreign: bool = False
    """It was read by another encoding than the file's."""


def find_dialect(path: Path, *, encoding: str | None = None, delimiter: str | None = None) -> Dialect:
    """How the file is written, from its beginning.

    Args:
        path: of the file.
        encoding: what a person says it is; None: found.
        delimiter: the same.
    """
    with path.open("rb") as file:
        probe = file.read(PROBE)
    found = find_encoding(probe)
    if not found.name.startswith(("utf-16", "utf-32")) and _is_binary(probe):
        raise UnreadableFileError("This is no text file and no workbook that can be read.")
    if encoding is not None and encoding != found.name:
        found = Encoding(name=encoding, mark=found.mark if encoding == "utf-8" and found.mark == 3 else 0)
    lines = [line for line, _ in _first(read_lines(path, found), _PROBE_ROWS)]
    told = re.fullmatch(r"sep=(.)\s*", lines[0]) if lines else None
    if told:
        return Dialect(encoding=found, delimiter=delimiter or told[1], skip=1)
    return Dialect(encoding=found, delimiter=_delimiter(lines) if delimiter is None else delimiter)


def _is_binary(probe: bytes) -> bool:
    """Whether bytes are no text: signs that no text has, more than a damaged file has here and there."""
    strange = sum(probe.count(bytes([code])) for code in (*range(9), *range(14, 27), *range(28, 32)))
    return strange * 200 > len(probe)


def _first(lines: Iterator[tuple[str, bool]], most: int) -> Iterator[tuple[str, bool]]:
    for _, line in zip(range(most), lines, strict=False):
        yield line


def _delimiter(lines: Sequence[str]) -> str:
    """The sign that cuts most rows into the same number of cells."""
    return (
        max(DELIMITERS, key=lambda sign: _evenness(lines, sign))
        if any(_evenness(lines, sign) > 0 for sign in DELIMITERS)
        else ""
    )


def _evenness(lines: Sequence[str], sign: str) -> float:
    rows = [row.cells for row in _rows(((line, False) for line in lines), sign) if any(row.cells) and not row.broken]
    widths = Counter(len(cells) for cells in rows)
    if not widths:
        return 0.0
    width, often = max(widths.items(), key=lambda item: (item[1] * (item[0] > 1), item[0]))
    return 0.0 if width == 1 else often / len(rows) + min(width, 50) / 1000


def read_rows(path: Path, dialect: Dialect) -> Iterator[RawRow]:
    """Every row of the file that is not empty."""
    lines = read_lines(path, dialect.encoding)
    for _ in range(dialect.skip):
        next(lines, None)
    for row in _rows(lines, dialect.delimiter, first=dialect.skip + 1):
        if row.broken or any(cell.strip() for cell in row.cells):
            yield row


def _rows(lines: Iterable[tuple[str, bool]], sign: str, first: int = 1) -> Iterator[RawRow]:
    held: list[tuple[str, bool]] = []
    size, number, quotes = 0, first, _Quotes(sign)
    for line, foreign in _physical(lines):
        held.append((line, foreign))
        size += len(line)
        if (held[1:] or line.count('"') % 2) and quotes.stay_open(line):
            if size < LONGEST_ROW and len(held) < MOST_LINES:
                continue
            yield from _one_by_one(held, number, sign)
        elif held[1:] and quotes.doubtful:  # it was some later cell's mark that closed this one
            yield from _one_by_one(held, number, sign)
        else:
            yield _row(held, number, sign)
        number, held, size, quotes = number + len(held), [], 0, _Quotes(sign)
    if held:
        yield from _one_by_one(held, number, sign)


def _physical(lines: Iterable[tuple[str, bool]]) -> Iterator[tuple[str, bool]]:
    """Lines that end by themselves: old files of the Macintosh end theirs with a carriage return alone."""
    for line, foreign in lines:
        body = line.rstrip("\r\n")
        if "\r" not in body:
            yield line, foreign
            continue
        for piece in _ENDS.split(body):
            yield piece + "\n", foreign


class _Quotes:
    """Follows a row's quotation marks from line to line."""

    def __init__(self, sign: str) -> None:
        self._sign = sign
        self._inside = False
        self.doubtful = False
        """A mark within a quoted cell was neither doubled nor the cell's end."""

    def stay_open(self, line: str) -> bool:
        """Whether a mark that begins a cell is not closed by the end of this line."""
        at_start, place = not self._inside, 0
        while place < len(line):
            mark = line[place]
            if self._inside:
                if mark == '"' and line[place + 1 : place + 2] == '"':
                    place += 1
                elif mark == '"' and (line[place + 1 :].lstrip(" ")[:1] or "\n") in (self._sign, "\r", "\n"):
                    self._inside = False
                elif mark == '"':
                    self.doubtful = True
            elif mark == '"' and at_start:
                self._inside = True
            at_start = not self._inside and (mark == self._sign or (at_start and mark == " "))
            place += 1
        return self._inside


def _one_by_one(held: Sequence[tuple[str, bool]], number: int, sign: str) -> Iterator[RawRow]:
    """Lines of a row that never ends: the first is broken, the others are rows of their own."""
    text, foreign = held[0]
    yield RawRow(number, _cut(text, sign, quoted=False), "row_broken", foreign)
    yield from _rows(held[1:], sign, first=number + 1)


def _row(held: Sequence[tuple[str, bool]], number: int, sign: str) -> RawRow:
    text = "".join(line for line, _ in held)
    foreign = any(f for _, f in held)
    if len(text) > 2 * LONGEST_ROW:
        return RawRow(number, [text[:500]], "row_broken", foreign)
    return RawRow(number, _cut(text, sign, quoted='"' in text), "", foreign)


def _cut(text: str, sign: str, *, quoted: bool) -> list[str]:
    body = text.rstrip("\r\n").replace("\0", "")
    if not quoted:
        return body.split(sign) if sign else [body]
    try:
        return next(csv.reader([body], delimiter=sign or "\x1f", skipinitialspace=True), [])
    except csv.Error:
        return body.split(sign) if sign else [body]
