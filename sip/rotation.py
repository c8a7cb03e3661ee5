"""Which file of a rotated journal the saved cursor means, and which one comes after it.

`sip.journal` reads; this module only opens files. The journal's own name is the youngest file; beside it lie
the rotated ones (`trunkline.csv.1`, `trunkline.csv-20261122`, packed `.gz`). A file is known by what it
holds, by a hash of its first bytes and of the last row read, because names, inodes and packing change under
rotation (logrotate: rename, copytruncate, compress) and an inode may be given out again. Its device and
inode decide only where nothing was read yet. Rotated files follow each other in the order in which they were
last written, which renaming and packing keep.

Reading a row twice is harmless and losing one is not, so every doubt is settled by reading more.
"""

import errno
import gzip
import os
import stat
import zlib
from collections.abc import Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import asdict, dataclass
from enum import Enum
from hashlib import sha256
from pathlib import Path
from typing import Self

from gateway.domain.errors import Rejected

HEAD_BYTES = 4096
"""First bytes of a file by which it is known."""

_PACKED_STEP = 16 * 1024
UNPACKING_ERRORS = (EOFError, zlib.error, gzip.BadGzipFile)
"""What a damaged `.gz` raises when it is read."""


class BadCursor(Rejected, ValueError):
    """The saved journal cursor cannot be read; delete it to read the journal from its beginning."""

    def __init__(self, field: str) -> None:
        super().__init__(f"The saved journal cursor has no valid '{field}'; delete it to read from the start.")
        self.field = field


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """A place in the journal that survives rotation: between two rows of one file."""

    device: int
    inode: int
    written_ns: int
    """When the file had last been written as the place was taken, nanoseconds of the epoch."""
    head: str
    """SHA-256 of the file's first bytes, at most HEAD_BYTES and never beyond the offset."""
    offset: int
    """Where reading goes on, in bytes of the unpacked file."""
    last_row_at: int
    """Where the last row before the offset begins."""
    last_row: str
    """SHA-256 of that row without its newline: an offset left of a file cut and grown again is seen by it."""

    def to_json(self) -> dict[str, int | str]:
        """The cursor as plain values for a JSON column."""
        return asdict(self)

    @classmethod
    def from_json(cls, saved: Mapping[str, object]) -> Self:
        """Read what `to_json` gave.

        Args:
            saved: the plain values; further keys are ignored.

        Returns:
            The cursor.

        Raises:
            BadCursor: a value is missing or of the wrong type.
        """
        return cls(
            device=_whole(saved, "device"),
            inode=_whole(saved, "inode"),
            written_ns=_whole(saved, "written_ns"),
            head=_text(saved, "head"),
            offset=_whole(saved, "offset"),
            last_row_at=_whole(saved, "last_row_at"),
            last_row=_text(saved, "last_row"),
        )


def _whole(saved: Mapping[str, object], field: str) -> int:
    value = saved.get(field)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise BadCursor(field)
    return value


def _text(saved: Mapping[str, object], field: str) -> str:
    value = saved.get(field)
    if not isinstance(value, str):
        raise BadCursor(field)
    return value


def row_hash(data: bytes) -> str:
    """The hash of a row's bytes as a cursor carries it, line end or not."""
    return sha256(data.rstrip(b"\r\n")).hexdigest()


class Fit(Enum):
    """How a file answers to a cursor."""

    HOLDS = "the place is in it"
    REWRITTEN = "it begins alike, but the place is not in it"
    OTHER = "another file"


class JournalFile:
    """One open file of the journal, plain or packed; offsets are those of the unpacked bytes."""

    __slots__ = ("_fd", "_packed", "_seen_head", "_stream", "path")

    def __init__(self, path: Path) -> None:
        """Open a file for reading.

        Raises:
            OSError: it is not there, not permitted, or not a regular file.
        """
        self.path = path
        self._fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
        if not stat.S_ISREG(os.fstat(self._fd).st_mode):
            os.close(self._fd)
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        self._stream = os.fdopen(self._fd, "rb", buffering=0)
        self._packed = gzip.GzipFile(fileobj=self._stream) if path.suffix == ".gz" else None
        self._seen_head = b""

    def close(self) -> None:
        """Give the file back."""
        self._stream.close()

    def stat(self) -> os.stat_result:
        """The open file's own figures, whatever its name is now."""
        return os.fstat(self._fd)

    @property
    def is_packed(self) -> bool:
        """Whether it is read through gzip; such a file never grows."""
        return self._packed is not None

    def is_at(self, path: Path) -> bool:
        """Whether the file still has that name; no file may have it.

        Raises:
            OSError: the name may not be looked at.
        """
        try:
            return os.path.samestat(self.stat(), path.stat())
        except FileNotFoundError:
            return False

    def read(self, offset: int, size: int) -> bytes:
        """Bytes from an offset on, at most `size`; none at the end.

        Raises:
            OSError, EOFError, zlib.error: the medium or the packing is damaged there.
        """
        data = self._unpack(self._packed, offset, size) if self._packed else os.pread(self._fd, size, offset)
        if offset == len(self._seen_head) and offset < HEAD_BYTES:
            self._seen_head += data[: HEAD_BYTES - offset]
        return data

    @staticmethod
    def _unpack(packed: gzip.GzipFile, offset: int, size: int) -> bytes:
        """Small steps, so that a damaged place costs only what lies behind it."""
        packed.seek(offset)
        data = b""
        while len(data) < size:
            try:
                step = packed.read1(min(_PACKED_STEP, size - len(data)))
            except UNPACKING_ERRORS:
                if data:
                    break
                raise
            if not step:
                break
            data += step
        return data

    def head(self, size: int = HEAD_BYTES) -> bytes:
        """Its first bytes as they were when they were first read; none of a damaged packed file."""
        with suppress(*UNPACKING_ERRORS):
            while len(self._seen_head) < size:
                if not self.read(len(self._seen_head), size - len(self._seen_head)):
                    break
        return self._seen_head[:size]

    def name_by_head(self) -> str:
        """A name that stays the same when the file is renamed or packed."""
        return sha256(self.head()).hexdigest()

    def is_rewritten(self, read_to: int) -> bool:
        """Whether the bytes read first are there no more: the file was cut (copytruncate) or overwritten."""
        if self._packed:
            return False
        return self.stat().st_size < read_to or os.pread(self._fd, len(self._seen_head), 0) != self._seen_head

    def fit(self, cursor: Cursor) -> Fit:
        """Whether the cursor's place is in this file.

        Raises:
            OSError: it cannot be read; it is closed then.
        """
        try:
            return self._fit(cursor)
        except UNPACKING_ERRORS:
            return Fit.OTHER
        except OSError:
            self.close()
            raise

    def _fit(self, cursor: Cursor) -> Fit:
        if not cursor.offset:
            figures = self.stat()
            same = (figures.st_dev, figures.st_ino) == (cursor.device, cursor.inode)
            return Fit.HOLDS if same else Fit.OTHER
        if sha256(self.head(min(HEAD_BYTES, cursor.offset))).hexdigest() != cursor.head:
            return Fit.OTHER
        size = cursor.offset - cursor.last_row_at
        row = self.read(cursor.last_row_at, size)
        return Fit.HOLDS if len(row) == size and row_hash(row) == cursor.last_row else Fit.REWRITTEN


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Where reading goes on."""

    file: JournalFile
    offset: int
    fit: Fit
    """HOLDS: at the saved place; REWRITTEN: the same file from its start; OTHER: the saved place is gone."""


def locate(path: Path, cursor: Cursor) -> Found:
    """Find the cursor's place among the journal and its rotated files.

    Args:
        path: the journal's own name.
        cursor: the saved place.

    Returns:
        The open file and offset. If no file holds the place: the start of a file that begins alike, else the
        oldest file written since, so that nothing younger than the cursor is passed over.

    Raises:
        OSError: the journal is not there, or a file that may hold the place cannot be opened.
    """
    since_ns = cursor.written_ns // 1_000_000_000 * 1_000_000_000  # some packers keep whole seconds only
    younger = rotated(path, since_ns=since_ns)
    here = [path] if path.exists() else []
    alike: Path | None = None
    for name in here + younger[::-1]:
        file = JournalFile(name)
        match file.fit(cursor):
            case Fit.HOLDS:
                return Found(file=file, offset=cursor.offset, fit=Fit.HOLDS)
            case Fit.REWRITTEN:
                alike = alike or name
            case Fit.OTHER:
                pass
        file.close()
    if alike:
        return Found(file=JournalFile(alike), offset=0, fit=Fit.REWRITTEN)
    return Found(file=_first_unread(younger, frozenset()) or JournalFile(path), offset=0, fit=Fit.OTHER)


def successor(path: Path, finished: JournalFile, done: Set[str]) -> JournalFile:
    """Open the file that follows a finished one.

    Args:
        path: the journal's own name.
        finished: the file read to its end.
        done: `JournalFile.name_by_head` of the files already read, this one among them: they may lie there
            under another name, or packed.

    Returns:
        The oldest rotated file written after it, else the journal itself.

    Raises:
        OSError: the journal is not there, or the file that follows cannot be opened.
    """
    younger = rotated(path, since_ns=finished.stat().st_mtime_ns)
    return _first_unread(younger, done) or JournalFile(path)


def _first_unread(names: Sequence[Path], done: Set[str]) -> JournalFile | None:
    """Open the first file that was not read yet and holds quoted columns, unlike other tools' files."""
    for name in names:
        file = JournalFile(name)
        if b'","' in file.head() and file.name_by_head() not in done:
            return file
        file.close()
    return None


def rotated(path: Path, *, since_ns: int = 0) -> list[Path]:
    """The rotated files beside the journal, oldest first, a plain file before its packed twin.

    Args:
        path: the journal's own name.
        since_ns: only files written at that time or later, nanoseconds of the epoch.

    Returns:
        Their names; empty files are left out.

    Raises:
        OSError: the folder may not be listed.
    """
    found: list[tuple[int, bool, str]] = []
    with os.scandir(path.parent) as entries:
        for entry in entries:
            if not _is_rotated_name(entry.name, path):
                continue
            figures = entry.stat(follow_symlinks=False)
            if stat.S_ISREG(figures.st_mode) and figures.st_size and figures.st_mtime_ns >= since_ns:
                found.append((figures.st_mtime_ns, entry.name.endswith(".gz"), entry.name))
    return [path.with_name(name) for _, _, name in sorted(found)]


def _is_rotated_name(name: str, path: Path) -> bool:
    """As logrotate names them, with or without its option `extension` (`trunkline-20261122.csv`)."""
    if name.startswith((path.name + ".", path.name + "-")):
        return True
    return name.startswith(path.stem + "-") and name.removesuffix(".gz").endswith(path.suffix)
