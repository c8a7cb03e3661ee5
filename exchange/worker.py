"""One worker of the embedded engine: four legs of sound in a process of its own, driven by lines (`exchange.wire`).

The SIP library behind it (pjsua2) ends the whole process at the slightest misuse: a call from another thread, a second
endpoint, a fifth call, a question about a call never placed, an object freed after the library. So its sound is split
over processes, one thread owns everything here, and only `exchange.pool` starts it. A worker that dies takes four legs
along at most; the exchange writes their ends.

Commands come on stdin, events go to stdout; the process ends when stdin closes. SIP goes through the front on loopback
alone, RTP straight to phones and providers. The library waits for SIP, not for stdin; whoever writes a command
therefore sends an empty datagram of two line ends to the SIP port too (RFC 5626 section 4.4.1: a keep-alive that every
SIP socket passes over), and it is read at once instead of within 20 ms.
"""

import os
import select
import sys
from contextlib import suppress

import pjsua2 as pj

from exchange.worker_settings import WorkerSettings, read_settings
from exchange.worker_switch import Worker


class LineOut:
    """The pipe to the exchange; what the library prints on stdout by itself must not get into it."""

    def __init__(self) -> None:
        self._pipe = os.dup(1)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)

    def write(self, line: bytes) -> None:
        """Write a whole line; an exchange that is gone reads none, and stdin tells so."""
        with suppress(BrokenPipeError):
            while line:
                line = line[os.write(self._pipe, line) :]


def run(settings: WorkerSettings) -> None:
    """Work until stdin closes, or until told to stop."""
    worker = Worker(settings, LineOut())
    waiting = b""
    try:
        while not worker.stopping:
            worker.turn()
            if not select.select([0], [], [], 0)[0]:
                continue
            read = os.read(0, 65_536)
            if not read:
                return
            *lines, waiting = (waiting + read).split(b"\n")
            worker.take(lines)
    finally:
        worker.close()


def _leave_no_core() -> None:
    """The library aborts where others raise; what it held in memory must not stay on disk."""
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> int:
    """Run the worker that the first argument describes; 3 if the library cannot start."""
    settings = read_settings(sys.argv[1])
    _leave_no_core()
    try:
        run(settings)
    except pj.Error as error:
        print(f"The telephone library could not start: {error.reason}.", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
