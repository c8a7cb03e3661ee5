"""Opening folders and files by their parent's descriptor, never through a link.

Recordings lie in folders that other users can write (the PBX's), so a path is a promise somebody else may
break between looking and opening. openat(2) with O_NOFOLLOW on every component leaves no such moment.
"""

import errno
import os
import stat
from typing import BinaryIO

from recordings.errors import NoRight, NotStored, RefusedFile

FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
FILE_FLAGS = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # O_NONBLOCK: opening a FIFO must not hang
_NOT_PLAIN = frozenset({errno.ELOOP, errno.ENOTDIR, errno.ENXIO, errno.EMLINK})


def step_down(folder: int, name: str) -> int:
    """Open a folder inside an open one, and close that one whatever happens.

    Raises:
        NotStored: there is no such folder.
        RefusedFile: a link or a file stands there.
        NoRight: our user may not open it.
        OSError: it cannot be opened.
    """
    try:
        return os.open(name, FOLDER_FLAGS, dir_fd=folder)
    except OSError as failure:
        raise as_refusal(failure) from failure
    finally:
        os.close(folder)


def open_plain(folder: int, name: str) -> BinaryIO:
    """Open a plain file inside an open folder for reading.

    Raises:
        NotStored: there is no such file.
        RefusedFile: a link, a folder or a device stands there.
        NoRight: our user may not read it.
        OSError: it cannot be opened.
    """
    try:
        descriptor = os.open(name, os.O_RDONLY | FILE_FLAGS, dir_fd=folder)
    except OSError as failure:
        raise as_refusal(failure) from failure
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise RefusedFile
    return os.fdopen(descriptor, "rb")


def as_refusal(failure: OSError) -> OSError:
    """What an error of openat with O_NOFOLLOW, or of unlinkat, means; one of another kind comes back as it is."""
    match failure.errno:
        case errno.ENOENT:
            return NotStored()
        case errno.EACCES | errno.EPERM:
            return NoRight()
        case number if number in _NOT_PLAIN:
            return RefusedFile()
        case _:
            return failure
