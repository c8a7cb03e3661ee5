"""Ports of loopback that stay free until whoever they are meant for listens there.

To ask the system for any free port, close the socket and hand the number on is a race: before the program that is
started with it has come up, the same number may be given to somebody else, and with several test processes side by
side sooner or later it is. So numbers come from below the range from which Linux chooses by itself
(`ip_local_port_range`, 32768 and above), and each is held by a lock on one byte of a file that all processes of
this user share: the byte's place is the port. The kernel lets go when the process ends, however it ends.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import socket
import tempfile
from functools import cache
from pathlib import Path

from lab.errors import LabUnavailable

HELD = range(22_000, 32_000)
SOUND = range(10_000, 21_600)
"""Where ranges for sound begin. They are shared: who wants a port for sound takes the next one that is free."""
_ATTEMPTS = 2_000

_ours: set[int] = set()


def free_port() -> int:
    """A port that is free for TCP and UDP on 127.0.0.1, and is given to nobody else while this process lives.

    Raises:
        LabUnavailable: there is none left.
    """
    for _ in range(_ATTEMPTS):
        port = HELD[secrets.randbelow(len(HELD))]
        if port not in _ours and _hold(port) and _is_free(port):
            _ours.add(port)
            return port
    raise LabUnavailable(f"no port of {HELD.start} to {HELD.stop} is left; end what holds {_file_name()}")


def sound_ports() -> int:
    """An even port at which a range for sound may begin."""
    return SOUND.start + 2 * secrets.randbelow(len(SOUND) // 2)


def _file_name() -> Path:
    return Path(tempfile.gettempdir()) / f"trunkline-ports-{os.geteuid()}"


@cache
def _file() -> int:
    # Never closed: to close any descriptor of the file would let go of all its locks (fcntl(2)).
    return os.open(_file_name(), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def _hold(port: int) -> bool:
    try:
        fcntl.lockf(_file(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    except OSError:
        return False
    return True


def _is_free(port: int) -> bool:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True
