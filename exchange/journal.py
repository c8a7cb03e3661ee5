"""The exchange's journal: every leg event, one line each, written before anybody is told of it.

How it fits: `exchange.service` is the only writer, `gateway.reading` the reader, `exchange.rows` the row. A line goes
out in one `write` to a file opened for appending, so a reader sees whole lines and a killed exchange leaves at most
half of the last one. At `ROTATE_BYTES` the file is renamed (`calls.csv.1`, the older ones one up) and a new one
begun; readers know renamed files by their inode. `FILES_KEPT` of them stay.
"""

import os
from collections.abc import Iterable
from pathlib import Path

import structlog

from exchange.rows import row_of
from gateway.domain.legs import LegEvent

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

NAME = "calls.csv"
ROTATE_BYTES = 64 << 20
"""Some 20,000 calls."""
FILES_KEPT = 20


class Journal:
    """The journal's open file."""

    def __init__(self, folder: Path, *, rotate_bytes: int = ROTATE_BYTES) -> None:
        """Open it, and make its folder where there is none.

        Args:
            folder: where it lies.
            rotate_bytes: at what size it is renamed.

        Raises:
            OSError: it cannot be written.
        """
        folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        self.path = folder / NAME
        self._rotate_bytes = rotate_bytes
        self._unwritten = b""
        self._file = self._open()

    def _open(self) -> int:
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        with self.path.open("rb") as before:
            size = before.seek(0, os.SEEK_END)
            before.seek(max(0, size - 1))
            torn = before.read(1) not in (b"", b"\n")
        if torn:
            os.write(file, b"\n")  # a row torn by a kill must not swallow the next one
        return file

    def write(self, events: Iterable[LegEvent]) -> None:
        """Append events; where the disk refuses them they are kept and written with the next ones.

        A full disk must not cut a call, and a row half written is completed before anything else.
        """
        self._unwritten += b"".join(row_of(event) + b"\n" for event in events)
        try:
            while self._unwritten:
                self._unwritten = self._unwritten[os.write(self._file, self._unwritten) :]
        except OSError as fault:
            log.error("the journal cannot be written; its rows are kept in memory", fault=fault.strerror)
            return
        if os.fstat(self._file).st_size >= self._rotate_bytes:
            self._rotate()

    def _rotate(self) -> None:
        os.close(self._file)
        numbered = [self.path, *(self.path.with_name(f"{NAME}.{n}") for n in range(1, FILES_KEPT + 1))]
        for older, newer in zip(reversed(numbered[1:]), reversed(numbered[:-1]), strict=True):
            if newer.exists():
                newer.rename(older)
        self._file = self._open()

    def close(self) -> None:
        """Close it."""
        os.close(self._file)
