"""The CEL journal as one sequence of files, read step by step without waiting.

`sip.journal.tail` does the waiting; here is which file is open, how far it was read, and when it is over. A
step neither waits nor raises for what a disk or an administrator does: it notes in `JournalStatus` what
keeps it.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from pathlib import Path

from sip.records import LONGEST_ROW, Broken, Piece, Record, RecordSplitter
from sip.rotation import (
    HEAD_BYTES,
    UNPACKING_ERRORS,
    Cursor,
    Fit,
    Found,
    JournalFile,
    locate,
    row_hash,
    successor,
)

_CHUNK = 1024 * 1024
"""Bytes read in one step: some thousand rows, a few milliseconds of work."""


class JournalCondition(StrEnum):
    """What the reader is doing."""

    READING = "reading"
    """The journal is open; `lag_bytes` says how far behind."""
    WAITING_FOR_FILE = "waiting_for_file"
    """No file has the journal's name: Asterisk writes none, or a rotation has just taken it away."""
    NO_PERMISSION = "no_permission"
    """The file at `path`, or its folder, may not be read or listed by our user."""
    UNREADABLE = "unreadable"
    """The file at `path` is not a regular file, or the medium fails: see `trouble`."""
    NO_SERVER = "no_server"
    """The database of a CEL table does not answer."""
    NO_LOGIN = "no_login"
    """The database refuses our user or password."""
    NO_TABLE = "no_table"
    """The database, or the table in it, does not exist."""
    NO_COLUMN = "no_column"
    """The table lacks a column that every call needs."""
    WRONG_ZONE = "wrong_zone"
    """The table's local times are of another zone than the one that is set: nothing is read until that is mended."""


@dataclass(slots=True, kw_only=True)
class JournalStatus:
    """What `doctor` and the metrics see of one journal; written by `tail` alone."""

    condition: JournalCondition = JournalCondition.WAITING_FOR_FILE
    path: Path | None = None
    """The file that is read, or that cannot be."""
    trouble: str = ""
    """The system's words for what keeps us from reading; empty while reading."""
    inotify: bool = False
    """Whether the folder is watched; without it the file is looked at every 50 ms."""
    lag_bytes: int = 0
    """Bytes of the open file, and of the journal if that is another file, which were not handed out yet."""
    lag_rows: int = 0
    """Of a CEL table: rows with higher numbers than the last one handed out, as it was last looked at."""
    zone_offset: timedelta | None = None
    """Of a CEL table: a channel's beginning minus what its uniqueid tells; hours where the zone is set wrong."""
    restarts: int = 0
    """How often a CEL table turned out to be another one (restored, begun anew) and was read again."""
    last_read_at: datetime | None = None
    """When something was last handed out; None: nothing yet."""
    records: int = 0
    broken: int = 0
    """Pieces for the quarantine."""
    finished_files: int = 0
    """Rotated files read to their end."""
    rewritten: int = 0
    """Files found cut or overwritten (copytruncate): what stood in them before may be lost."""
    lost_places: int = 0
    """Cursors whose file was gone: rows written to it after the cursor may be lost."""
    damaged_files: int = 0
    """Packed rotated files that could not be unpacked to their end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Rows in the journal's order, to be stored in one transaction with the cursor."""

    records: tuple[Record, ...]
    broken: tuple[Broken, ...]
    """For the quarantine, with an alarm."""
    cursor_after: Cursor
    """Where reading goes on once this batch is stored."""


class JournalReader:
    """Where we are in the journal; one step is `advance`."""

    def __init__(
        self,
        path: Path,
        cursor: Cursor | None,
        status: JournalStatus,
        *,
        from_end: bool,
        columns: int,
        grace_seconds: float,
    ) -> None:
        """As `sip.journal.tail`."""
        self.status = status
        self._path = path
        self._columns = columns
        self._grace_seconds = grace_seconds
        self._cursor = cursor
        self._from_end = from_end and cursor is None
        self._opening: Cursor | None = None
        self._file: JournalFile | None = None
        self._splitter = RecordSplitter(columns=columns)
        self._full_head = ""
        self._was_current = self._was_cut = False
        self._quiet_since: float | None = None
        self._following: JournalFile | None = None
        self._done: set[str] = set()

    def close(self) -> None:
        """Give the open file back; the next step opens it again where reading stood."""
        for file in (self._file, self._following):
            if file:
                file.close()
        self._file = self._following = None

    def take_opening(self) -> Cursor | None:
        """The place at which a start `from_end` began, once."""
        opening, self._opening = self._opening, None
        return opening

    def next_look(self, look_seconds: float) -> float:
        """Seconds until something is due without any event."""
        if self._quiet_since is None:
            return look_seconds
        due = self._quiet_since + self._grace_seconds - time.monotonic()
        return min(look_seconds, due) if due > 0 else look_seconds

    def advance(self) -> list[Piece] | None:
        """Read one step.

        Returns:
            What became complete, perhaps nothing with more to read at once; None: nothing to do but wait.
        """
        try:
            pieces = self._step(self._opened())
            self._note_reading()
            return pieces
        except FileNotFoundError as missing:
            self._from_end = False
            self._note_trouble(JournalCondition.WAITING_FOR_FILE, missing)
        except PermissionError as forbidden:
            self._note_trouble(JournalCondition.NO_PERMISSION, forbidden)
        except OSError as failed:
            self.close()  # a stale handle of a network folder is read again once it is opened anew
            self._note_trouble(JournalCondition.UNREADABLE, failed)
        return None

    def batch(self, pieces: Sequence[Piece]) -> Batch:
        """Wrap pieces that `advance` just gave with the cursor behind them."""
        assert self._file is not None
        records = tuple(piece for piece in pieces if isinstance(piece, Record))
        broken = tuple(piece for piece in pieces if isinstance(piece, Broken))
        self._cursor = self._cursor_behind(self._file, pieces[-1])
        self.status.records += len(records)
        self.status.broken += len(broken)
        self.status.last_read_at = datetime.now(UTC)
        return Batch(records=records, broken=broken, cursor_after=self._cursor)

    def _opened(self) -> JournalFile:
        """The file to read from: the open one, the one that follows it, or the one the cursor means."""
        if self._file is None:
            return self._begin(self._find())
        if self._following is None:
            return self._file
        self._file.close()
        self.status.finished_files += 1
        return self._begin(Found(file=self._following, offset=0, fit=Fit.HOLDS))

    def _find(self) -> Found:
        if self._cursor is None and self._from_end:
            return self._find_end()
        if self._cursor is None:
            found = Found(file=JournalFile(self._path), offset=0, fit=Fit.HOLDS)
        else:
            found = locate(self._path, self._cursor)
        self.status.rewritten += self._was_cut or found.fit is Fit.REWRITTEN
        self._was_cut = False
        self.status.lost_places += found.fit is Fit.OTHER
        return found

    def _find_end(self) -> Found:
        """Behind the last whole row: rows are safely recognised from any byte on, so a few suffice."""
        file = JournalFile(self._path)
        size = file.stat().st_size
        splitter = RecordSplitter(max(0, size - 2 * LONGEST_ROW), columns=self._columns)
        pieces = splitter.feed(file.read(splitter.offset, size - splitter.offset))
        start = splitter.offset
        nothing = Record(offset_start=start, offset_end=start, data=b"")
        self._cursor = self._opening = self._cursor_behind(file, pieces[-1] if pieces else nothing)
        return Found(file=file, offset=self._cursor.offset, fit=Fit.HOLDS)

    def _begin(self, found: Found) -> JournalFile:
        self._file = found.file
        self._splitter = RecordSplitter(found.offset, columns=self._columns)
        self._full_head = ""
        self._was_current = False
        self._quiet_since = self._following = None
        return found.file

    def _step(self, file: JournalFile) -> list[Piece] | None:
        """Read on; at the end of a file that will not grow any more, finish it."""
        read_to = self._splitter.offset + self._splitter.pending
        try:
            data = file.read(read_to, _CHUNK)
        except UNPACKING_ERRORS:
            self.status.damaged_files += 1
            data = b""
        if file.is_rewritten(read_to + len(data)):
            self._was_cut = True
            self.close()
            return []
        if data:
            self._quiet_since = None
            return self._splitter.feed(data)
        if not self._is_over(file):
            return None
        self._done.add(file.name_by_head())
        self._following = successor(self._path, file, self._done)
        return self._splitter.finish()

    def _is_over(self, file: JournalFile) -> bool:
        """Whether the file has lost its name, and long enough that nobody is writing to it any more."""
        if file.is_packed:
            return True
        is_current = file.is_at(self._path)
        self._was_current |= is_current
        now = time.monotonic()
        quiet_since = self._quiet_since or now
        self._quiet_since = None if is_current else quiet_since
        if is_current:
            return False
        untouched = 0.0 if self._was_current else time.time() - file.stat().st_ctime
        return max(untouched, now - quiet_since) >= self._grace_seconds

    def _cursor_behind(self, file: JournalFile, piece: Piece) -> Cursor:
        figures = file.stat()
        return Cursor(
            device=figures.st_dev,
            inode=figures.st_ino,
            written_ns=figures.st_mtime_ns,
            head=self._head_before(file, piece.offset_end),
            offset=piece.offset_end,
            last_row_at=piece.offset_start,
            last_row=row_hash(piece.data),
        )

    def _head_before(self, file: JournalFile, offset: int) -> str:
        """The hash by which the cursor knows the file; it stays the same behind the first bytes."""
        if offset < HEAD_BYTES:
            return sha256(file.head(offset)).hexdigest()
        self._full_head = self._full_head or sha256(file.head()).hexdigest()
        return self._full_head

    def _note_reading(self) -> None:
        status, file = self.status, self._file
        if file is None:
            return
        figures = file.stat()
        lag = max(0, figures.st_size - self._splitter.offset)
        if not self._was_current or self._quiet_since is not None:
            lag += self._waiting_beside(figures.st_ino)
        status.condition, status.path, status.trouble = JournalCondition.READING, file.path, ""
        status.lag_bytes = lag

    def _waiting_beside(self, open_inode: int) -> int:
        """Bytes of the journal while an older file is being read."""
        try:
            figures = self._path.stat()
        except OSError:
            return 0
        return 0 if figures.st_ino == open_inode else figures.st_size

    def _note_trouble(self, condition: JournalCondition, trouble: OSError) -> None:
        self.status.condition = condition
        self.status.path = Path(trouble.filename) if trouble.filename else self._path
        self.status.trouble = trouble.strerror or type(trouble).__name__
