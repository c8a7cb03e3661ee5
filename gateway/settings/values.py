"""Values that several tables of the settings hold: how each is checked, and what a table is."""

import ipaddress
import re
import string
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import timedelta
from pathlib import Path
from typing import Annotated, ClassVar
from urllib.parse import urlsplit

import phonenumbers
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    model_validator,
)

ORIGINATE_FIELDS = frozenset({"endpoint", "ext"})

base_folder: ContextVar[Path] = ContextVar("base_folder")
"""Where relative paths count from while settings are checked; without it the current folder."""


class PlainError(ValueError):
    """A fault of several keys, or of no field, in words for the person who wrote the file."""


def _resolved(path: Path) -> Path:
    if "\0" in str(path) or not str(path).strip():
        raise ValueError("an empty path or one with a NUL character")
    return (base_folder.get(Path.cwd()) / path.expanduser()).absolute()


def _lifetime(value: object) -> object:
    units = {"s": 1, "min": 60, "h": 3600, "d": 86400}
    if isinstance(value, str) and (found := re.fullmatch(r"\s*(\d{1,6})\s*(s|min|h|d)\s*", value)):
        return timedelta(seconds=int(found[1]) * units[found[2]])
    if isinstance(value, timedelta):
        return value
    raise ValueError("not a number with a unit")


def _region(value: str) -> str:
    if value.upper() not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError("no such region")
    return value.upper()


def _database_url(value: SecretStr) -> SecretStr:
    parts = urlsplit(value.get_secret_value())
    if parts.scheme not in ("postgresql", "postgres") or len(parts.path) < 2 or parts.port == 0:
        raise ValueError("not the address of a PostgreSQL database")
    return value


def _table_url(value: SecretStr) -> SecretStr:
    parts = urlsplit(value.get_secret_value())
    driver = re.fullmatch(r"(mysql|mariadb)(\+pymysql)?|postgresql(\+asyncpg)?|sqlite", parts.scheme)
    if driver is None or len(parts.path) < 2 or parts.port == 0:
        raise ValueError("not the address of a database with a CEL table")
    return value


def _one_line(value: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[^\x00-\x1f\x7f]{1,200}", value.get_secret_value()):
        raise ValueError("not one line of text")
    return value


def _public_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path not in ("", "/"):
        raise ValueError("not the address of a site")
    if parts.query or parts.fragment or parts.username or parts.port == 0:
        raise ValueError("more than scheme, host and port")
    return f"{parts.scheme}://{parts.netloc}".lower()


def _ari_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
        raise ValueError("not the address of a web server")
    if parts.query or parts.fragment or parts.username:
        raise ValueError("more than scheme, host, port and path")
    return value.rstrip("/")


def _socket_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("ws", "wss") or not parts.hostname or parts.port == 0:
        raise ValueError("not the address of a WebSocket")
    if parts.query or parts.fragment or parts.username:
        raise ValueError("more than scheme, host, port and path")
    return value


def _host(value: str) -> str:
    name = r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
    if re.fullmatch(rf"{name}(\.{name})*\.?", value) and len(value) <= 253:
        return value
    ipaddress.ip_address(value)
    return value


def _pattern(value: str) -> str:
    if not re.fullmatch(r"[^\s\x00-\x1f\x7f]{1,80}", value):
        raise ValueError("not an endpoint pattern")
    return value


def _template(value: str) -> str:
    fields = {name for _, name, _, _ in string.Formatter().parse(value) if name is not None}
    if not fields or not fields <= ORIGINATE_FIELDS or re.search(r"[\s\x00-\x1f\x7f,]", value):
        raise ValueError("not a channel template")
    return value


AriUrl = Annotated[str, AfterValidator(_ari_url)]
DatabaseUrl = Annotated[SecretStr, AfterValidator(_database_url)]
Folder = Annotated[Path, AfterValidator(_resolved)]
Host = Annotated[str, AfterValidator(_host)]
Lifetime = Annotated[timedelta, BeforeValidator(_lifetime), Field(gt=timedelta(0))]
Pattern = Annotated[str, AfterValidator(_pattern)]
PhoneDigits = Annotated[str, Field(pattern=r"^\+?[0-9]{1,15}$")]
PublicUrl = Annotated[str, AfterValidator(_public_url)]
Region = Annotated[str, AfterValidator(_region)]
SecretLine = Annotated[SecretStr, AfterValidator(_one_line)]
SocketUrl = Annotated[str, AfterValidator(_socket_url)]
TableUrl = Annotated[SecretStr, AfterValidator(_table_url)]
Template = Annotated[str, AfterValidator(_template)]


class Section(BaseModel):
    """One table of the file: frozen, without unknown keys, its defaults checked like given values."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, regex_engine="python-re")


class SecretSection(Section):
    """A table with a secret that may be given itself or as the path of a file that holds it."""

    secret_key: ClassVar[str]

    @model_validator(mode="before")
    @classmethod
    def _read_secret_file(cls, table: object) -> object:
        file_key = f"{cls.secret_key}_file"
        if not isinstance(table, Mapping) or table.get(file_key) is None:
            return table
        if cls.secret_key in table:
            raise PlainError(f"{cls.secret_key} and {file_key} are both given; give one of them")
        try:
            text = _resolved(Path(str(table[file_key]))).read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as fault:
            reason = getattr(fault, "strerror", None) or "it is no text file"
            raise PlainError(f"{file_key} = {str(table[file_key])!r} cannot be read: {reason}") from None
        return {**table, cls.secret_key: text}
