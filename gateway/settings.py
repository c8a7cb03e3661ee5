"""What can be set, as frozen models: a class for each table of `trunkline.toml`, with defaults and checks.

A field's `description` says what is allowed: `gateway.config` puts it into the message about a wrong value.
What a key means stands in docs/configuration.md, and a test holds both lists equal.
"""

import ipaddress
import re
import string
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, ClassVar, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import phonenumbers
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ByteSize,
    ConfigDict,
    Field,
    IPvAnyNetwork,
    SecretStr,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from gateway.domain.letters import checked_address
from gateway.domain.recordings import RecordingWay

ENVIRONMENT_PREFIX = "TRUNKLINE_"
ORIGINATE_FIELDS = frozenset({"endpoint", "ext"})

base_folder: ContextVar[Path] = ContextVar("base_folder")
"""Where relative paths count from while settings are checked; without it the current folder."""


class Language(StrEnum):
    """Languages the product speaks on screens and in messages."""

    ENGLISH = "en"
    RUSSIAN = "ru"
    POLISH = "pl"


class LogLevel(StrEnum):
    """The least serious record that is written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """How a record is written: for people or for machines."""

    CONSOLE = "console"
    JSON = "json"


class GoalDirection(StrEnum):
    """Which calls count for a goal."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"
    BOTH = "both"


class MailSecurity(StrEnum):
    """How the connection to the mail server is protected."""

    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


class PbxKind(StrEnum):
    """Who writes the configuration of a PBX, and so in which files ours may stand."""

    AUTO = "auto"
    ASTERISK = "asterisk"
    FREEPBX = "freepbx"
    ISSABEL = "issabel"
    MIKOPBX = "mikopbx"


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


def _named(tables: object) -> object:
    """Tell each table `[pbx.NAME]` its name."""
    if not isinstance(tables, Mapping):
        raise PlainError("give each PBX a table with its name, like [pbx.main]")
    for name, table in tables.items():
        if not isinstance(table, Mapping) or "name" in table:
            raise PlainError(f"the PBX {name!r} is written as a table [pbx.{name}] without a key name")
    return {name: {**table, "name": name} for name, table in tables.items()}


Folder = Annotated[Path, AfterValidator(_resolved)]
Host = Annotated[str, AfterValidator(_host)]
Lifetime = Annotated[timedelta, BeforeValidator(_lifetime), Field(gt=timedelta(0))]
Pattern = Annotated[str, AfterValidator(_pattern)]
PhoneDigits = Annotated[str, Field(pattern=r"^\+?[0-9]{1,15}$")]
Region = Annotated[str, AfterValidator(_region)]


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


class Database(SecretSection):
    """Where the data is kept; without an address an own PostgreSQL runs under `home`."""

    secret_key: ClassVar[str] = "url"  # noqa: S105 - the name of a key, not a secret
    url: Annotated[SecretStr, AfterValidator(_database_url)] | None = Field(
        default=None, description="an address like postgresql://user:password@host:5432/name"
    )
    url_file: Folder | None = Field(default=None, description="the path of a readable file")


class Http(Section):
    """The socket of the API, and how the outside sees it."""

    host: Host = Field(default="127.0.0.1", description="a host name or an IP address of this machine")
    port: int = Field(default=8080, ge=1, le=65535, description="a whole number from 1 to 65535")
    public_url: Annotated[str, AfterValidator(_public_url)] | None = Field(
        default=None, description="scheme, host and port like https://calls.example.com"
    )
    trusted_proxies: tuple[IPvAnyNetwork, ...] = Field(
        default=(), description="a list of addresses or networks like 10.0.0.0/8"
    )


class Company(Section):
    """Whose calls these are: how a local number, a day and a sentence are read."""

    region: Region = Field(default="RU", description="a country of ISO 3166 in two letters, like RU or PL")
    timezone: ZoneInfo = Field(
        default=ZoneInfo("Europe/Moscow"), description="a zone of the IANA list, like Europe/Moscow"
    )
    language: Language = Field(default=Language.ENGLISH, description="en, ru or pl")


class Journal(SecretSection):
    """The CEL journal of a PBX, the record of its calls: a file here, sent by its host, or a table of its database."""

    secret_key: ClassVar[str] = "url"  # noqa: S105 - the name of a key, not a secret
    path: Folder | None = Field(default=None, description="the path of the file cel_custom writes")
    timezone: ZoneInfo | None = Field(
        default=None, description="a zone of the IANA list; left out when the journal holds epoch times"
    )
    shipped: bool = Field(default=False, description="true or false")
    url: Annotated[SecretStr, AfterValidator(_table_url)] | None = Field(
        default=None, description="an address like mysql+pymysql://user:password@host/asteriskcdrdb"
    )
    url_file: Folder | None = Field(default=None, description="the path of a readable file")
    table: str = Field(
        default="cel",
        pattern=r"^[A-Za-z_][A-Za-z0-9_$]{0,63}(\.[A-Za-z_][A-Za-z0-9_$]{0,63})?$",
        description="the name of a table, perhaps with its schema, like cel or public.cel",
    )
    history_days: int = Field(default=366, ge=0, le=36_500, description="a whole number from 0 to 36500")

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        given = {"path": self.path is not None, "shipped": self.shipped, "url": self.url is not None}
        if sum(given.values()) > 1:
            named = " and ".join(key for key, is_given in given.items() if is_given)
            raise PlainError(f"{named} are given; a journal is read here, sent by the PBX's host or a table: give one")
        return self


class Ami(SecretSection):
    """The manager interface of a PBX, for commands and the snapshot."""

    secret_key: ClassVar[str] = "secret"  # noqa: S105 - the name of a key, not a secret
    host: Host = Field(default="127.0.0.1", description="a host name or an IP address")
    port: int = Field(default=5038, ge=1, le=65535, description="a whole number from 1 to 65535")
    user: str = Field(
        default="trunkline",
        pattern=r"^[!-~]{1,80}$",
        description="1 to 80 visible ASCII characters without a space",
    )
    secret: Annotated[SecretStr, AfterValidator(_one_line)] | None = Field(
        default=None, description="a text of 1 to 200 characters without line breaks"
    )
    secret_file: Folder | None = Field(default=None, description="the path of a readable file")
    tls: bool = Field(default=False, description="true or false")

    @model_validator(mode="after")
    def _has_a_secret(self) -> Self:
        if self.secret is None:
            raise PlainError("secret is missing; give secret or secret_file")
        return self


class PbxRecordings(Section):
    """Where a PBX leaves its recordings, and how long its copy stays."""

    folder: Folder | None = Field(default=None, description="the path of the folder MixMonitor writes to")
    keep_days: int = Field(default=2, ge=0, le=3650, description="a whole number from 0 to 3650")
    site_folder: Folder | None = Field(
        default=None, description="the path of the tree in which the PBX keeps its own recordings"
    )
    way: RecordingWay = Field(default=RecordingWay.DIALPLAN, description="dialplan, ari, bridge or site")
    systemname: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9_.]{0,40}$",
        description="0 to 40 letters, digits, dots or underscores, as systemname in asterisk.conf",
    )

    @model_validator(mode="after")
    def _two_folders(self) -> Self:
        if self.folder is not None and self.site_folder is not None and self.folder.is_relative_to(self.site_folder):
            raise PlainError("folder lies in site_folder; what we record and delete is kept apart from the site's own")
        if self.way is RecordingWay.SITE and (self.site_folder is None or self.folder is not None):
            raise PlainError("way = site needs site_folder, and no folder")
        if self.way is RecordingWay.BRIDGE and self.folder is None:
            raise PlainError("way = bridge needs folder, where the PBX writes and we read")
        if self.way is RecordingWay.ARI and self.folder is not None:
            raise PlainError("way = ari fetches recordings by itself; leave out folder")
        return self


class AriAccount(SecretSection):
    """Asterisk's REST interface, where calls are recorded through it."""

    secret_key: ClassVar[str] = "password"  # noqa: S105 - the name of a key, not a secret
    url: Annotated[str, AfterValidator(_ari_url)] = Field(
        default="http://127.0.0.1:8088/ari", description="an address like http://127.0.0.1:8088/ari"
    )
    user: str = Field(
        default="trunkline",
        pattern=r"^[!-9;-~]{1,80}$",
        description="1 to 80 visible ASCII characters without a space or a colon",
    )
    password: Annotated[SecretStr, AfterValidator(_one_line)] | None = Field(
        default=None, description="a text of 1 to 200 characters without line breaks"
    )
    password_file: Folder | None = Field(default=None, description="the path of a readable file")

    @model_validator(mode="after")
    def _has_a_password(self) -> Self:
        if self.password is None:
            raise PlainError("password is missing; give password or password_file")
        return self


class Originate(Section):
    """How a click-to-call rings the manager and reaches the client."""

    channel: Annotated[str, AfterValidator(_template)] = Field(
        default="PJSIP/{endpoint}",
        description="a channel with {endpoint} or {ext}, like PJSIP/{endpoint} or Local/{ext}@from-internal",
    )
    context: str = Field(
        default="from-internal",
        pattern=r"^[A-Za-z0-9_.-]{1,79}$",
        description="a dialplan context: 1 to 79 letters, digits, dots, dashes or underscores",
    )


class Trunk(Section):
    """A way to the outside network and how numbers are written on it."""

    endpoint: Pattern = Field(description="an endpoint pattern like my-trunk or PJSIP/operator-*")
    region: Region | None = Field(default=None, description="a country of ISO 3166 in two letters, like RU or PL")
    area_code: str = Field(default="", pattern=r"^[0-9]{0,8}$", description="0 to 8 digits, like 495")
    strip_prefixes: tuple[Annotated[str, Field(pattern=r"^[0-9*#+a-z]{1,15}$")], ...] = Field(
        default=(), description="a list of prefixes of 1 to 15 digits, * or #, like 9"
    )
    default_did: PhoneDigits | None = Field(default=None, description="a number of 1 to 15 digits, with or without +")
    own_numbers: tuple[PhoneDigits, ...] = Field(
        default=(), description="a list of numbers of 1 to 15 digits, with or without +"
    )


class Pbx(Section):
    """One Asterisk server."""

    name: str = Field(
        pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$",
        description="1 to 32 small letters, digits, dashes or underscores",
    )
    kind: PbxKind = Field(default=PbxKind.AUTO, description="auto, asterisk, freepbx, issabel or mikopbx")
    journal: Journal = Field(default=Journal(), description="a table")
    ami: Ami | None = Field(default=None, description="a table")
    ari: AriAccount | None = Field(default=None, description="a table")
    recordings: PbxRecordings = Field(default=PbxRecordings(), description="a table")
    originate: Originate = Field(default=Originate(), description="a table")
    trunks: tuple[Trunk, ...] = Field(default=(), description="a list of tables")
    ignore: tuple[Pattern, ...] = Field(default=(), description="a list of endpoint patterns")

    @model_validator(mode="after")
    def _way_has_its_door(self) -> Self:
        if self.recordings.way is RecordingWay.ARI and self.ari is None:
            raise PlainError(f"recordings.way = ari needs a table [pbx.{self.name}.ari]")
        if self.recordings.way is RecordingWay.BRIDGE and self.ami is None:
            raise PlainError(f"recordings.way = bridge needs a table [pbx.{self.name}.ami]")
        return self


class Recordings(Section):
    """Our own archive of recordings."""

    folder: Folder | None = Field(default=None, description="the path of a folder")
    free_space_limit: ByteSize = Field(default=ByteSize(2_000_000_000), ge=0, description="a size like 2 GB or 500 MB")


class Transcription(Section):
    """How recordings become text."""

    enabled: bool = Field(default=True, description="true or false")
    model: str = Field(
        default="base",
        pattern=r"^[^\x00-\x1f\x7f]{1,400}$",
        description="a name like base, small or large-v3-turbo, or the path of a model",
    )
    languages: tuple[Annotated[str, Field(pattern="^[a-z]{2,3}$")], ...] = Field(
        default=("ru", "en"), min_length=1, description="a list of language codes like ru, en or pl"
    )
    workers: int = Field(default=1, ge=1, le=64, description="a whole number from 1 to 64")


class Goals(Section):
    """The goal of a manager's day: so many distinct clients, each with a talk that long."""

    count: int = Field(default=50, ge=1, le=10_000, description="a whole number from 1 to 10000")
    seconds: int = Field(default=120, ge=0, le=86_400, description="a whole number from 0 to 86400")
    direction: GoalDirection = Field(default=GoalDirection.OUTBOUND, description="inbound, outbound or both")


class Webhooks(Section):
    """Where webhooks may be sent."""

    allowed_hosts: tuple[Annotated[str, Field(pattern=r"^[a-z0-9_.:-]{1,253}$")], ...] = Field(
        default=(), max_length=100, description="a list of host names or addresses in small letters, like crm.local"
    )


class Mail(SecretSection):
    """The server that takes our letters, the daily reports among them."""

    secret_key: ClassVar[str] = "password"  # noqa: S105 - the name of a key, not a secret
    host: Host | None = Field(default=None, description="a host name or an IP address")
    port: int = Field(default=587, ge=1, le=65535, description="a whole number from 1 to 65535")
    security: MailSecurity = Field(default=MailSecurity.STARTTLS, description="none, starttls or tls")
    user: str | None = Field(
        default=None, pattern=r"^[!-~]{1,200}$", description="1 to 200 visible ASCII characters without a space"
    )
    password: Annotated[SecretStr, AfterValidator(_one_line)] | None = Field(
        default=None, description="a text of 1 to 200 characters without line breaks"
    )
    password_file: Folder | None = Field(default=None, description="the path of a readable file")
    sender: Annotated[str, AfterValidator(checked_address)] = Field(
        default="trunkline@localhost", description="an address like calls@example.com"
    )

    @model_validator(mode="after")
    def _has_both_or_none(self) -> Self:
        if (self.user is None) != (self.password is None):
            raise PlainError("user and password go together; give both or neither")
        if self.user is not None and self.security is MailSecurity.NONE:
            raise PlainError("a password is not sent over an open connection; set security to starttls or tls")
        return self


class Sessions(Section):
    """How long a person stays signed in."""

    lifetime: Lifetime = Field(
        default=timedelta(hours=12),
        ge=timedelta(minutes=1),
        le=timedelta(days=90),
        description="a time from 1 min to 90 d: a number with s, min, h or d",
    )


class Log(Section):
    """What is written to standard error."""

    level: LogLevel = Field(default=LogLevel.INFO, description="debug, info, warning or error")
    format: LogFormat = Field(default=LogFormat.CONSOLE, description="console or json")
    private: bool = Field(default=False, description="true or false")


class Settings(BaseSettings):
    """Everything that can be set; made by `load` only."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        validate_default=True,
        env_prefix=ENVIRONMENT_PREFIX,
        env_nested_delimiter="__",
        env_ignore_empty=True,
    )

    home: Folder = Field(default=Path("var"), description="the path of a folder")
    database: Database = Field(default=Database(), description="a table")
    http: Http = Field(default=Http(), description="a table")
    company: Company = Field(default=Company(), description="a table")
    pbx: Annotated[dict[str, Pbx], BeforeValidator(_named)] = Field(
        default={}, description="tables with names, like [pbx.main]"
    )
    recordings: Recordings = Field(default=Recordings(), description="a table")
    transcription: Transcription = Field(default=Transcription(), description="a table")
    goals: Goals = Field(default=Goals(), description="a table")
    mail: Mail = Field(default=Mail(), description="a table")
    sessions: Sessions = Field(default=Sessions(), description="a table")
    webhooks: Webhooks = Field(default=Webhooks(), description="a table")
    log: Log = Field(default=Log(), description="a table")

    @model_validator(mode="after")
    def _one_reader_for_a_journal(self) -> Self:
        readers: dict[Path, str] = {}
        for pbx in self.pbx.values():
            if pbx.journal.path is None:
                continue
            first = readers.setdefault(pbx.journal.path, pbx.name)
            if first != pbx.name:
                raise PlainError(f"pbx.{pbx.name}.journal.path is also the journal of pbx.{first}; give each its own")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment first, then the file (handed over as arguments); nothing else."""
        return env_settings, init_settings

    @property
    def archive(self) -> Path:
        """The folder of our own recordings: `recordings.folder`, else `recordings` under `home`."""
        return self.recordings.folder or self.home / "recordings"

    def arriving(self, pbx: str) -> Path:
        """The folder of what the host of a PBX sends of its recordings: `shipped/NAME` under `home`."""
        return self.home / "shipped" / pbx

    def spool(self, pbx: Pbx) -> Path | None:
        """Where the recordings that are ours are found: the PBX's folder, or where we put them; None: nowhere."""
        if pbx.recordings.way is RecordingWay.ARI:
            return self.home / "fetched" / pbx.name
        if pbx.recordings.folder is None and pbx.journal.shipped:
            return self.arriving(pbx.name) / "spool"
        return pbx.recordings.folder

    @property
    def public_url(self) -> str:
        """How browsers reach us: `http.public_url`, else the socket's own address."""
        host = f"[{self.http.host}]" if ":" in self.http.host else self.http.host
        return self.http.public_url or f"http://{host}:{self.http.port}"
