"""What an exchange is started with, and where its things lie under the gateway's home. Imports nothing heavy."""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from gateway.domain.errors import GiveUp

SOCKET = "control.sock"
_BY_DESCRIPTOR = Path("/proc/self/fd")
"""Of Linux; elsewhere the home's path must be short."""


class BadOptions(GiveUp, ValueError):
    """The options of the exchange cannot be read; start the gateway, which writes them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the exchange listens and how much it carries; what is kept in `options.json`."""

    bind: str = "127.0.0.1"
    """IPv4 address for SIP and sound, loopback or private."""
    port: int = 5060
    """UDP port of SIP."""
    rtp_port: int = 0
    """First UDP port of sound; 0: any."""
    rtp_ports: int = 0
    """How many from there; 0: as many as there are."""
    workers: int = 10
    """Worker processes at most; two calls each."""
    ahead: int = 2
    """Workers that stand ready without a call."""
    codecs: tuple[str, ...] = ("PCMA", "PCMU", "G722")

    def text(self) -> str:
        """As it is kept and compared."""
        return json.dumps(asdict(self), sort_keys=True)


def read_options(text: str) -> Options:
    """From the text.

    Raises:
        BadOptions: it holds something else.
    """
    try:
        told: dict[str, Any] = json.loads(text)
        known = {field.name for field in fields(Options)}
        given: dict[str, Any] = {k: tuple(v) if k == "codecs" else v for k, v in told.items() if k in known}
        return Options(**given)
    except (ValueError, TypeError, AttributeError):
        raise BadOptions from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """The folder of an exchange."""

    home: Path
    """The gateway's home."""

    @property
    def folder(self) -> Path:
        """Everything of the exchange."""
        return self.home / "exchange"

    @property
    def socket(self) -> Path:
        """Where the gateway speaks to it."""
        return self.folder / SOCKET

    def address(self, folder: int) -> str:
        """The control socket as its address is written: a path of a socket has 107 letters at most.

        Args:
            folder: the open folder, by its descriptor.
        """
        return f"/proc/self/fd/{folder}/{SOCKET}" if _BY_DESCRIPTOR.is_dir() else str(self.socket)

    @property
    def lock(self) -> Path:
        """Held by the exchange that runs."""
        return self.folder / "lock"

    @property
    def options(self) -> Path:
        """What it is started with."""
        return self.folder / "options.json"

    @property
    def house(self) -> Path:
        """The last configuration, for a start without the gateway; secrets are in it."""
        return self.folder / "house.json"

    @property
    def journal(self) -> Path:
        """Folder of the journal."""
        return self.folder / "journal"

    @property
    def recordings(self) -> Path:
        """Folder of recordings that are on their way into the archive."""
        return self.folder / "recordings"

    @property
    def sounds(self) -> Path:
        """Folder of announcements."""
        return self.folder / "sounds"

    @property
    def log(self) -> Path:
        """What it says."""
        return self.folder / "exchange.log"
