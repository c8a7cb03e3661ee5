"""Sound from nobody but the negotiated address: the kernel drops what comes from elsewhere.

The library takes RTP from any host, and after some packets it even sends its own sound to the stranger (RTP bleed). It
has no switch against that in its Python form. Its sockets are plain UDP ones of this process, though, and a UDP socket
that is connected receives from that one address only (udp(7)); sending to the same address goes on as before. Linux
alone lets a connected socket be written to with an address, so elsewhere the order is refused.
"""

import os
import socket
import sys
from pathlib import Path

from gateway.domain.errors import GiveUp


class SourceNotLimited(GiveUp, OSError):
    """The sound of this leg is not limited to its source; only Linux can do that, so keep RTP ports from strangers."""


def limit_source(local: str, remote: str) -> None:
    """Let the socket bound to `local` receive from `remote` alone.

    Args:
        local: `address:port` of a UDP socket of this process.
        remote: `address:port`; one without an address or port (a call on hold) changes nothing.

    Raises:
        SourceNotLimited: the machine cannot, or there is no such socket.
    """
    if sys.platform != "linux":
        raise SourceNotLimited
    here, there = _address(local), _address(remote)
    if there[1] == 0 or there[0] in ("", "0.0.0.0"):  # noqa: S104 - compared, not bound
        return
    found = False
    for entry in list(Path("/proc/self/fd").iterdir()):
        found = _connect(int(entry.name), here, there) or found
    if not found:
        raise SourceNotLimited


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host, int(port) if port.isdigit() else 0


def _connect(descriptor: int, here: tuple[str, int], there: tuple[str, int]) -> bool:
    try:
        number = os.dup(descriptor)
    except OSError:
        return False  # gone meanwhile
    try:
        copy = socket.socket(fileno=number)
    except OSError:
        os.close(number)  # no socket
        return False
    with copy:
        if copy.family != socket.AF_INET or copy.type != socket.SOCK_DGRAM or copy.getsockname() != here:
            return False
        try:
            copy.connect(there)
        except OSError as error:
            raise SourceNotLimited from error
        return True
