"""Reads Asterisk's CEL journal in place, row by row as it is written, through rotation, cuts and absence.

`cel_custom` opens the file for every row, appends and closes, so renaming it is all a rotation needs. `tail`
wakes by inotify on the folder (a look each second catches what inotify cannot see, such as a network
folder), hands out at once what is complete, and large batches when it is behind. With each batch comes the
cursor behind it: who saves that in the same transaction as the rows may be killed at any moment and loses
nothing. Rows may come twice (a cut file is read again from its start); a row is known by what it says, not
by where it stood.

A missing, forbidden or rotated file is no error here: `tail` waits, and `JournalStatus` tells `doctor` and
the metrics what for. Neither ever holds what a row says.
"""

import asyncio
import os
from collections.abc import AsyncGenerator
from pathlib import Path

from asyncinotify import Inotify, Mask, Watch

from sip.journal_reader import Batch, JournalCondition, JournalReader, JournalStatus
from sip.records import CEL_COLUMNS, Broken, Record
from sip.rotation import BadCursor, Cursor

__all__ = [
    "BadCursor",
    "Batch",
    "Broken",
    "Cursor",
    "JournalCondition",
    "JournalStatus",
    "Record",
    "tail",
]

_LOOK_WITHOUT_INOTIFY = 0.05
"""Seconds between two looks where the system gives no watch."""
_FOLDER_EVENTS = Mask.MODIFY | Mask.ATTRIB | Mask.CREATE | Mask.DELETE | Mask.MOVE | Mask.DELETE_SELF | Mask.MOVE_SELF


async def tail(
    path: Path,
    cursor: Cursor | None,
    *,
    status: JournalStatus | None = None,
    from_end: bool = False,
    columns: int = CEL_COLUMNS,
    batch_rows: int = 4000,
    look_seconds: float = 1.0,
    grace_seconds: float = 1.0,
) -> AsyncGenerator[Batch, None]:
    """Read the journal from a cursor on, for ever; close the generator to stop.

    Args:
        path: the name under which Asterisk writes.
        cursor: the saved place; None: the start of the current file.
        status: is kept up to date for doctor and metrics.
        from_end: without a cursor begin behind the rows that the file has now; the first batch is then empty
            and only carries the cursor.
        columns: columns of a row.
        batch_rows: rows and broken pieces in a batch at most.
        look_seconds: how often to look without an inotify event.
        grace_seconds: how long a renamed file is still read after its last growth, since Asterisk may just be
            writing to it.

    Yields:
        What is complete, never empty but for `from_end`.
    """
    status = status or JournalStatus()
    reader = JournalReader(path, cursor, status, from_end=from_end, columns=columns, grace_seconds=grace_seconds)
    bell = _Bell(path)
    try:
        status.inotify = bell.hang()
        while True:
            bell.silence()
            pieces = reader.advance()
            if opening := reader.take_opening():
                yield Batch(records=(), broken=(), cursor_after=opening)
            if pieces is None:
                if not await bell.rings(reader.next_look(look_seconds)):
                    status.inotify = bell.hang()
                continue
            for start in range(0, len(pieces), batch_rows):
                yield reader.batch(pieces[start : start + batch_rows])
                await asyncio.sleep(0)  # catching up must not starve the other tasks
    finally:
        bell.take_down()
        reader.close()


class _Bell:
    """Rings when something happens in the journal's folder.

    Nothing is concluded from an event but that it is worth a look: events may be late, doubled or missing.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rung = asyncio.Event()
        self._inotify: Inotify | None = None
        self._watches: dict[tuple[int, int], Watch] = {}

    def hang(self) -> bool:
        """Watch the folder the name is in, and the one a symbolic link leads to; again if it was replaced.

        Returns:
            Whether they are watched; False where there are no watches left, or no folder yet.
        """
        try:
            self._watch({self._path.parent, self._path.resolve().parent})
        except (OSError, RuntimeError):  # RuntimeError: a loop of symbolic links
            self.take_down()
        return self._inotify is not None

    def _watch(self, folders: set[Path]) -> None:
        identities = {(figures.st_dev, figures.st_ino): folder for folder in folders for figures in [folder.stat()]}
        if self._inotify and identities.keys() == self._watches.keys():
            return
        self.take_down()
        self._inotify = Inotify()
        for identity, folder in identities.items():
            self._watches[identity] = self._inotify.add_watch(folder, _FOLDER_EVENTS)
        asyncio.get_running_loop().add_reader(self._inotify.fd, self._ring, self._inotify.fd)

    def _ring(self, fd: int) -> None:
        os.read(fd, 65536)  # what happened does not matter; the reader looks for itself
        self._rung.set()

    def silence(self) -> None:
        """Forget what rang; call before looking, so that nothing is missed after it."""
        self._rung.clear()

    async def rings(self, seconds: float) -> bool:
        """Wait for an event, at most so long; False: none came."""
        try:
            async with asyncio.timeout(seconds if self._inotify else min(seconds, _LOOK_WITHOUT_INOTIFY)):
                return await self._rung.wait()
        except TimeoutError:
            return False

    def take_down(self) -> None:
        """Stop watching."""
        if self._inotify:
            asyncio.get_running_loop().remove_reader(self._inotify.fd)
            self._inotify.close()
        self._inotify = None
        self._watches = {}
