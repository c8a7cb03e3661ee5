"""The file of `trunkline ship`: one table `[ship]`, checked whole before anything is opened.

It is read here and not with the gateway's settings, whose libraries would double the program's memory. The key's file
must be readable by its owner alone: whoever has the key can send calls that never were. docs/another-host.md has every
key, and a test holds both lists equal.
"""

import os
import re
import ssl
import stat
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from gateway.domain.errors import Rejected

DEFAULT_FILE = Path("/etc/trunkline/ship.toml")
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_KEY = re.compile(r"tl_[a-z0-9]{12}_[A-Za-z0-9_-]{43}")

T = TypeVar("T")


class BadShipFile(Rejected, ValueError):
    """The file of `trunkline ship` is wrong; correct it as listed.

    Attributes:
        faults: one sentence for each wrong key.
    """

    def __init__(self, source: str, faults: list[str]) -> None:
        super().__init__("\n  ".join([f"{source} is wrong:", *faults]))
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingOptions:
    """What is done with the recordings on this host."""

    folder: Path
    keep_days: int = 7
    """A file goes so many days after its last change, once the gateway has it verified in its archive."""
    kilobytes_per_second: int = 0
    """0: as quick as the line is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Everything that `trunkline ship` is told."""

    url: str
    """Scheme, host and port of the gateway."""
    pbx: str
    key_file: Path
    journal: Path
    history_days: int = 366
    ca_file: Path | None = None
    pin_sha256: str | None = None
    """SHA-256 of the gateway's certificate: then this certificate and no other is taken, whoever signed it."""
    recordings: RecordingOptions | None = None

    @property
    def tls(self) -> ssl.SSLContext | None:
        """How the connection is protected; None: it does not leave this machine."""
        if not self.url.startswith("https:"):
            return None
        context = ssl.create_default_context(cafile=str(self.ca_file) if self.ca_file else None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.pin_sha256 is not None:  # the fingerprint is compared instead, at each connection
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


KEYS = (
    "url",
    "pbx",
    "key_file",
    "journal",
    "history_days",
    "ca_file",
    "pin_sha256",
    "recordings.folder",
    "recordings.keep_days",
    "recordings.kilobytes_per_second",
)
"""Every key of the table, as docs/another-host.md lists them."""


def read_options(file: Path) -> Options:
    """Read and check the file.

    Raises:
        BadShipFile: with every fault found.
    """
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8")).get("ship")
    except OSError as fault:
        raise BadShipFile(str(file), [f"it cannot be read: {fault.strerror}"]) from None
    except ValueError as fault:
        raise BadShipFile(str(file), [f"it is not valid TOML: {fault}"]) from None
    if not isinstance(table, dict):
        raise BadShipFile(str(file), ["it has no table [ship]"])
    return _Reader(file, table).options()


class _Reader:
    """Takes the values out of a table and notes what is wrong with them."""

    def __init__(self, file: Path, table: Mapping[str, object]) -> None:
        self._file = file
        self._table = table
        self._faults: list[str] = []

    def options(self) -> Options:
        self._unknown()
        url = self._take("url", "", _url, "an address like https://calls.example.com")
        pbx = self._take("pbx", "", _pbx, "the PBX's name in the gateway's settings")
        found = Options(
            url=url,
            pbx=pbx,
            key_file=self._take("key_file", Path(), self._path, "the path of the file with the key"),
            journal=self._take("journal", Path(), self._path, "the path of the file cel_custom writes"),
            history_days=self._take("history_days", 366, _whole, "a whole number from 0 to 36500"),
            ca_file=self._take("ca_file", None, self._readable, "the path of a readable file of certificates"),
            pin_sha256=self._take("pin_sha256", None, _pin, "64 hexadecimal digits, with or without colons"),
            recordings=self._recordings(),
        )
        if self._faults:
            raise BadShipFile(str(self._file), self._faults)
        return found

    def _recordings(self) -> RecordingOptions | None:
        if "recordings" not in self._table:
            return None
        return RecordingOptions(
            folder=self._take("recordings.folder", Path(), self._path, "the path of the folder MixMonitor writes to"),
            keep_days=self._take("recordings.keep_days", 7, _whole, "a whole number from 0 to 36500"),
            kilobytes_per_second=self._take("recordings.kilobytes_per_second", 0, _rate, "a whole number; 0: no limit"),
        )

    def _unknown(self) -> None:
        given = [name for name in self._table if name != "recordings"]
        inner = self._table.get("recordings", {})
        given += [f"recordings.{name}" for name in inner] if isinstance(inner, dict) else ["recordings"]
        self._faults += [
            f"{name}: there is no such key; allowed are {', '.join(KEYS)}" for name in given if name not in KEYS
        ]

    def _take(self, key: str, default: T, read: Callable[[object], T], allowed: str) -> T:
        table: object = self._table
        for step in key.split("."):
            table = table.get(step) if isinstance(table, dict) else None
        if table is None:
            if default in ("", Path()):
                self._faults.append(f"{key} is missing; allowed is {allowed}")
            return default
        try:
            return read(table)
        except (ValueError, TypeError, OSError):
            shown = "(not shown)" if key == "key_file" else repr(table)[:80]
            self._faults.append(f"{key} = {shown} is not allowed; allowed is {allowed}")
            return default

    def _path(self, value: object) -> Path:
        if not isinstance(value, str) or not value.strip() or "\0" in value:
            raise ValueError
        return (self._file.absolute().parent / Path(value).expanduser()).absolute()

    def _readable(self, value: object) -> Path:
        path = self._path(value)
        ssl.create_default_context(cafile=str(path))
        return path


def _url(value: object) -> str:
    parts = urlsplit(str(value))
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.port == 0:
        raise ValueError
    if parts.path not in ("", "/") or parts.query or parts.fragment or parts.username:
        raise ValueError
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise ValueError
    return f"{parts.scheme}://{parts.netloc}"


def _pbx(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,31}", value):
        raise ValueError
    return value


def _pin(value: object) -> str:
    text = str(value).replace(":", "").lower()
    if not re.fullmatch(r"[0-9a-f]{64}", text):
        raise ValueError
    return text


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 36_500:
        raise ValueError
    return value


def _rate(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 10_000_000:
        raise ValueError
    return value


def read_key(file: Path) -> str:
    """The key, from a file that nobody else can read.

    Raises:
        BadShipFile: it cannot be read, others may read it, or it holds no key.
    """
    try:
        with file.open("rb") as opened:
            about = os.fstat(opened.fileno())
            text = opened.read(4096).decode("utf-8", "replace").strip()
    except OSError as fault:
        raise BadShipFile(str(file), [f"the key cannot be read: {fault.strerror}"]) from None
    if not stat.S_ISREG(about.st_mode) or about.st_mode & 0o077 or about.st_uid not in (0, os.geteuid()):
        raise BadShipFile(str(file), [f"others may read the key; type: chmod 600 {file} && chown $(id -un) {file}"])
    if not _KEY.fullmatch(text):
        raise BadShipFile(str(file), ["it holds no key; it is the line that `trunkline key add` printed"])
    return text
