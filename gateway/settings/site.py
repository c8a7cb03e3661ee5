"""What can be set of the whole site, beside its PBXs: database, web address, company, archive, mail, log."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, ClassVar, Self
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    ByteSize,
    Field,
    IPvAnyNetwork,
    model_validator,
)

from gateway.domain.letters import checked_address
from gateway.settings.values import (
    DatabaseUrl,
    Folder,
    Host,
    Lifetime,
    PlainError,
    PublicUrl,
    Region,
    SecretLine,
    SecretSection,
    Section,
)


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


class Database(SecretSection):
    """Where the data is kept; without an address an own PostgreSQL runs under `home`."""

    secret_key: ClassVar[str] = "url"  # noqa: S105 - the name of a key, not a secret
    url: DatabaseUrl | None = Field(
        default=None, description="an address like postgresql://user:password@host:5432/name"
    )
    url_file: Folder | None = Field(default=None, description="the path of a readable file")


class Http(Section):
    """The socket of the API, and how the outside sees it."""

    host: Host = Field(default="127.0.0.1", description="a host name or an IP address of this machine")
    port: int = Field(default=8080, ge=1, le=65535, description="a whole number from 1 to 65535")
    public_url: PublicUrl | None = Field(
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
    password: SecretLine | None = Field(default=None, description="a text of 1 to 200 characters without line breaks")
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
