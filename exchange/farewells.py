"""What is to be said to phones and providers if this exchange is killed: kept on disk, and said by the one after it.

A killed exchange says no BYE, and its workers' go to a port where nobody listens any more. Without more a phone would
sit in a dead call until somebody notices the silence, and a provider would go on counting minutes. So for every call
that rings or stands the one message that ends it is kept ready: a BYE, a CANCEL, or a 500 for whoever waits for an
answer. It is kept as a line of a file when the call begins and struck out when it ends; the next exchange says what is
left. Whoever has hung up meanwhile answers 481, which nobody waits for.
"""

import json
import os
import time
from base64 import b64decode, b64encode
from contextlib import suppress
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import structlog

from exchange.parties import Place

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

Farewell = tuple[bytes, Place]
"""A message, and where it goes."""

STRUCK_OUT = 1000
"""Lines of calls that are over, after which the file is written anew."""
OLDEST_SECONDS = 86_400.0
"""A call that began longer ago has ended by itself, and its phone may have another address."""
_MOST_BYTES = 64 << 20


class Farewells:
    """The messages that end what goes on."""

    def __init__(self, path: Path | None) -> None:
        """Args:
        path: the file; None: nothing outlives us.
        """
        self._path = path
        self._kept: dict[str, tuple[float, Farewell]] = {}
        self._struck = 0
        self._file: int | None = None
        self.left: list[Farewell] = []
        """What the exchange before us did not come to say."""

    def __len__(self) -> int:
        return len(self._kept)

    def open(self) -> None:
        """Read what was left, and begin anew; a file that cannot be had is said, and calls go on without it."""
        if self._path is None:
            return
        try:
            self.left = _read(self._path)
            self._begin_file(self._path)
        except OSError as fault:
            log.error("calls would not be ended after a kill: the file cannot be written", fault=fault.strerror)

    def close(self) -> None:
        """Let go of the file; what is still in it is said by the next exchange."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def keep(self, key: str, data: bytes, to: Place) -> None:
        """Something began that this message would end."""
        self._kept[key] = (time.time(), (data, to))
        self._write(_line(key, *self._kept[key]))

    def drop(self, key: str) -> None:
        """It is over."""
        if self._kept.pop(key, None) is None:
            return
        self._struck += 1
        if self._struck >= STRUCK_OUT and self._path is not None:
            with suppress(OSError):  # the old file still says all of it
                self._begin_file(self._path)
        else:
            self._write(json.dumps({"key": key}).encode() + b"\n")

    def _write(self, line: bytes) -> None:
        if self._file is None:
            return
        try:
            os.write(self._file, line)
        except OSError as fault:
            log.error("a call would not be ended after a kill", fault=fault.strerror)

    def _begin_file(self, path: Path) -> None:
        new = path.with_suffix(".new")
        file = os.open(new, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            os.write(file, b"".join(_line(key, *kept) for key, kept in self._kept.items()))
            new.replace(path)
        except OSError:
            os.close(file)
            raise
        self.close()
        self._file, self._struck = file, 0


def _line(key: str, at: float, farewell: Farewell) -> bytes:
    data, to = farewell
    return json.dumps({"key": key, "at": at, "to": to, "say": b64encode(data).decode()}).encode() + b"\n"


def _read(path: Path) -> list[Farewell]:
    """What was kept and not struck out; a line that was torn by the kill is nothing."""
    if not path.exists() or path.stat().st_size > _MOST_BYTES:
        return []
    kept: dict[str, Farewell | None] = {}
    for line in path.read_bytes().splitlines():
        with suppress(ValueError, KeyError, TypeError):
            told = json.loads(line)
            kept[told["key"]] = _farewell(told) if "say" in told else None
    return [one for one in kept.values() if one is not None]


def _farewell(told: dict[str, Any]) -> Farewell | None:
    host, port = told["to"]
    if time.time() - float(str(told["at"])) > OLDEST_SECONDS:
        return None
    return b64decode(str(told["say"])), (str(IPv4Address(host)), int(port))
