"""Splits the bytes of an Asterisk CEL journal into whole rows, and never lets a caller forge one. No IO.

`cel_custom` writes 17 columns, each through CSV_QUOTE: in quotes, with every quote inside doubled (RFC 4180,
section 2). So a row ends at a newline **outside** quotes; a line break in a caller's name is data.

Callers are hostile: a name may hold a line break and the text of a whole row behind it. One rule keeps such
a text out, wherever reading begins and whatever was torn before it. A row is accepted only if its first
column is a bare event name in single quotes, exactly 17 quoted columns are there, and then comes a newline.
The quotes of a caller are doubled, so no text of his closes the event name's column; only the true end of a
column does. From there on the columns are the true ones, and behind any column but a row's first there are
fewer than 17 left.

That is why reading may go on at once behind bytes that no CSV_QUOTE can have written (a row torn by a full
disk or a killed Asterisk, zero blocks after a power cut): the next row is found by the same rule, and what
stands before it goes to quarantine. With correct quoting this never happens, so nothing is ever searched
for.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

CEL_COLUMNS = 17
"""Columns of the supplied `cel_custom` mapping."""

LONGEST_ROW = 128 * 1024
"""Bytes of a row above which it cannot be one: a column has at most 4096 bytes in Asterisk's buffers."""


class Fault(StrEnum):
    """Why bytes were put into quarantine."""

    COLUMNS = "columns"
    """Well quoted, but not an event name and the right number of columns."""
    QUOTES = "quotes"
    """Not every column is in quotes, or a row was torn and another one written behind it."""
    TOO_LONG = "too_long"
    """No end within the longest row there can be."""
    CUT_SHORT = "cut_short"
    """The file ended before the row's newline."""
    NUL = "nul"
    """Zero bytes, which Asterisk cannot write: blocks lost in a power cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One whole row."""

    offset_start: int
    """Offset of its first byte in the file."""
    offset_end: int
    """Offset behind its newline: where reading may begin again."""
    data: bytes
    """The row without its newline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """Bytes that are no row, for the quarantine; at most `longest` of them."""

    offset_start: int
    offset_end: int
    data: bytes
    """The bytes as they stand, newline included."""
    reason: Fault


Piece = Record | Broken

_COLUMN = rb'"[^"]*+(?:""[^"]*+)*+"'
_EVENT = rb'"[A-Z][A-Z0-9_]*+"'
_ROW_START = re.compile(_EVENT + rb'(?=,")')
_BLANK_LINES = re.compile(rb"(?:\r?\n)++")
_QUOTED_LINE = re.compile(_COLUMN + rb"(?:," + _COLUMN + rb")*+\r?\n")
_QUOTED_SO_FAR = re.compile(rb"(?:" + _COLUMN + rb',)*+(?:"[^"]*+(?:""[^"]*+)*+(?:"\r?)?)?')


class RecordSplitter:
    """Takes the file's bytes as they come, gives rows and broken bytes, and keeps the unfinished last row.

    How the bytes were cut into pieces makes no difference to what comes out: a decision is taken only when
    no later byte can change it, or when the longest row's worth of bytes is there.
    """

    __slots__ = ("_longest", "_offset", "_record", "_window")

    def __init__(self, offset: int = 0, *, columns: int = CEL_COLUMNS, longest: int = LONGEST_ROW) -> None:
        """Begin at a row's start.

        Args:
            offset: where in the file the first byte stands that will be fed.
            columns: columns of a row, at least 2.
            longest: bytes of the longest row, newline included.
        """
        rest = rb"(?:,%b){%d}+" % (_COLUMN, columns - 1)
        self._record = re.compile(rb"(" + _EVENT + rest + rb")\r?\n")
        self._longest = longest
        self._offset = offset
        self._window = b""

    @property
    def offset(self) -> int:
        """Offset of the first byte that was not given out yet."""
        return self._offset

    @property
    def pending(self) -> int:
        """Bytes of the unfinished last row."""
        return len(self._window)

    def feed(self, data: bytes) -> list[Piece]:
        """Take the file's next bytes.

        Args:
            data: bytes that follow those fed before, any number.

        Returns:
            What is complete now, in the file's order; blank lines are left out.
        """
        self._window += data
        return self._take(ended=False)

    def finish(self) -> list[Piece]:
        """Take the end of a file that will not grow any more.

        Returns:
            What was pending: an unfinished row is broken, good rows behind its torn start are rows.
        """
        return self._take(ended=True)

    def _take(self, *, ended: bool) -> list[Piece]:
        """Cut as much as can be decided off the window's front."""
        window, base, longest, match = self._window, self._offset, self._longest, self._record.match
        pieces: list[Piece] = []
        at = 0
        while at < len(window):
            row = match(window, at, at + longest)
            if row is not None and b"\0" not in (data := row[1]):
                end = row.end()
                pieces.append(Record(offset_start=base + at, offset_end=base + end, data=data))
            elif blank := _BLANK_LINES.match(window, at):
                end = blank.end()
            elif verdict := self._broken(at, ended=ended):
                end, reason = verdict
                pieces.append(Broken(offset_start=base + at, offset_end=base + end, data=window[at:end], reason=reason))
            else:
                break
            at = end
        self._window = window[at:]
        self._offset = base + at
        return pieces

    def _broken(self, at: int, *, ended: bool) -> tuple[int, Fault] | None:
        """Where the broken bytes that begin here end, and what is wrong; None: too early to tell."""
        limit = min(len(self._window), at + self._longest)
        full = ended or limit == at + self._longest
        extent = self._extent(at, limit, full=full, ended=ended)
        if extent is None:
            return None
        end, reason = extent
        resume = self._row_within(at + 1, end, limit, full=full)
        return None if resume is None else (resume, reason)

    def _extent(self, at: int, limit: int, *, full: bool, ended: bool) -> tuple[int, Fault] | None:
        """The broken line as such, before good rows are looked for in it."""
        window = self._window
        if line := _QUOTED_LINE.match(window, at, limit):
            torn = b"\0" in line[0]
            return line.end(), Fault.NUL if torn else Fault.COLUMNS
        if not full and _QUOTED_SO_FAR.fullmatch(window, at, limit):
            return None
        newline = window.find(b"\n", at, limit)
        if newline >= 0:
            return newline + 1, Fault.NUL if b"\0" in window[at:newline] else Fault.QUOTES
        if full:
            return limit, Fault.CUT_SHORT if ended and limit == len(window) else Fault.TOO_LONG
        return None

    def _row_within(self, start: int, end: int, limit: int, *, full: bool) -> int | None:
        """Where in broken bytes a good row begins, their end if none does; None: too early to tell."""
        for candidate in _ROW_START.finditer(self._window, start, end):
            at = candidate.start()
            if self._record.match(self._window, at, limit):
                return at
            if _QUOTED_SO_FAR.fullmatch(self._window, at, limit):
                return at if full else None
        return end
