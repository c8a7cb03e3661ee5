"""The way to the exchange of a home: its control socket, its start, and a look at it from outside.

Whoever only looks does not disturb the gateway that is connected: the exchange is served by whoever told it the house.
"""

import asyncio
import fcntl
import os
import socket
import sys
from contextlib import suppress
from pathlib import Path

from exchange import control
from exchange.options import Options, Places
from exchange.pool import EngineMissing, check_library
from gateway.domain.errors import GatewayError, GiveUp

NOT_STARTED = "not_started"
MISSING = "engine_missing"
_CODES = {
    "PortTaken": "port_taken",
    "AddressMissing": "address_missing",
    "PublicAddress": "address_public",
    "EngineMissing": MISSING,
    "WorkerNotStarted": "worker_not_started",
}
"""What hinders a start, for programs, by the class of the fault."""
_START_SECONDS = 30.0
_LOG_BYTES = 10 << 20
_ROOT = Path(__file__).parent.parent
_BREAK = "\n"


class ExchangeNotStarted(GiveUp, OSError):
    """The exchange of the embedded engine did not start; its log tells why (`exchange/exchange.log` under home)."""

    def __init__(self, message: str | None = None, code: str = NOT_STARTED) -> None:
        super().__init__(message)
        self.code = code


def told_of(fault: BaseException) -> str:
    """A fault as an exchange that could not start tells it: its word, and a sentence behind a line's break."""
    sentence = str(fault) if isinstance(fault, GatewayError) else f"{type(fault).__name__}: {fault}"
    return f"{code_of(fault)}{_BREAK}{sentence}"


def code_of(fault: BaseException) -> str:
    """The word for what hinders a start."""
    return _CODES.get(type(fault).__name__, NOT_STARTED)


async def connect(places: Places) -> socket.socket | None:
    """The control socket; None: nobody listens there."""
    try:
        folder = os.open(places.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return None
    opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    opened.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(opened, places.address(folder))
    except OSError:
        opened.close()
        return None
    finally:
        os.close(folder)
    return opened


async def start(places: Places, options: Options) -> None:
    """Start the exchange in a session of its own and wait until it listens.

    Raises:
        ExchangeNotStarted: with the reason.
    """
    try:
        check_library()
    except EngineMissing as fault:
        raise ExchangeNotStarted(str(fault), MISSING) from None
    places.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    places.options.write_text(options.text())
    if places.log.exists() and places.log.stat().st_size > _LOG_BYTES:
        places.log.replace(places.log.with_suffix(".log.1"))
    with places.log.open("ab") as said:
        starting = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "exchange", "--detach", "--home", str(places.home)),
            cwd=_ROOT,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=said,
        )
    try:
        async with asyncio.timeout(_START_SECONDS):
            told, _ = await starting.communicate()
    except (TimeoutError, asyncio.CancelledError):
        with suppress(ProcessLookupError):
            starting.kill()  # only who waits for it; an exchange that starts goes on
        await starting.communicate()
        raise
    if starting.returncode:
        code, _, sentence = told.decode("utf-8", "replace").strip().partition(_BREAK)
        raise ExchangeNotStarted(sentence[:500] or None, code if code in _CODES.values() else NOT_STARTED)


def runs(places: Places) -> bool:
    """Whether a process runs as the exchange of a home, however busy it is: it holds a lock."""
    try:
        held = os.open(places.lock, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(held, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(held)
    return False


async def look_at(places: Places, seconds: float = 5.0) -> control.Seen | None:
    """How the exchange of a home stands, asked by somebody who is not its gateway; None: there is none that answers.

    Args:
        places: where it lives.
        seconds: how long it may take.
    """
    opened = await connect(places)
    if opened is None:
        return None
    reader, writer = await asyncio.open_unix_connection(sock=opened, limit=control.LINE_BYTES)
    try:
        writer.write(control.to_exchange(control.Look(id=1)))
        async with asyncio.timeout(seconds):
            while line := await reader.readline():
                said = control.read_from_exchange(line)
                if isinstance(said, control.Seen):
                    return said
    except (TimeoutError, OSError, ValueError, control.BadLine):
        return None
    finally:
        writer.close()
    return None
