"""Hints that a recording was completed, by inotify(7): quicker than the next scan, and never needed.

The kernel drops events when its queue is full, and tells nothing of what another host does on a shared
folder. So a hint only says when to look; the periodic scan of `recordings.spool` finds the same without it.
"""

from collections.abc import AsyncGenerator
from pathlib import Path

from asyncinotify import Inotify, Mask

from gateway.domain.recordings import SpoolRole, parse_spool_file
from recordings.errors import SpoolFolderMissing

_COMING = Mask.CREATE | Mask.CLOSE_WRITE | Mask.MOVED_TO
_GOING = Mask.DELETE_SELF | Mask.MOVE_SELF | Mask.UNMOUNT | Mask.IGNORED


async def watch(folder: Path) -> AsyncGenerator[str, None]:
    """Yield the name of each recording whose completion marker appears; a name may come more than once.

    Close it when done (`contextlib.aclosing`). Watching begins with the first `anext`.

    Args:
        folder: the PBX's recording folder; its last component must not be a link.

    Raises:
        SpoolFolderMissing: the folder is not there, or was moved or deleted while it was watched.
        OSError: it may not be watched.
    """
    with Inotify() as events:
        try:
            events.add_watch(folder, _COMING | _GOING & ~Mask.IGNORED & ~Mask.UNMOUNT | Mask.ONLYDIR | Mask.DONT_FOLLOW)
        except (FileNotFoundError, NotADirectoryError) as missing:
            raise SpoolFolderMissing from missing
        async for event in events:
            if event.mask & _GOING:
                raise SpoolFolderMissing
            named = parse_spool_file(str(event.name)) if event.name is not None else None
            if named is not None and named[1] is SpoolRole.MARKER:
                yield named[0]
