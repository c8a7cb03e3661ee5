"""What can be set of one Asterisk server: its journal, its doors, its recordings, its trunks."""

from enum import StrEnum
from typing import Annotated, ClassVar, Self
from zoneinfo import ZoneInfo

from pydantic import (
    Field,
    model_validator,
)

from gateway.domain.recordings import RecordingWay
from gateway.settings.values import (
    AriUrl,
    Folder,
    Host,
    Pattern,
    PhoneDigits,
    PlainError,
    Region,
    SecretLine,
    SecretSection,
    Section,
    SocketUrl,
    TableUrl,
    Template,
)

_DIAL_PREFIX = r"^[0-9*#+]{0,8}$"


EMBEDDED = "embedded"
"""The line of the embedded engine; no PBX may bear the name while the engine is on."""
EMBEDDED_JOURNAL = "calls.csv"
"""The file's name of the journal that its exchange writes."""


class PbxKind(StrEnum):
    """Who writes the configuration of a PBX, and so in which files ours may stand."""

    AUTO = "auto"
    ASTERISK = "asterisk"
    FREEPBX = "freepbx"
    ISSABEL = "issabel"
    MIKOPBX = "mikopbx"


class Journal(SecretSection):
    """The CEL journal of a PBX, the record of its calls: a file here, sent by its host, or a table of its database."""

    secret_key: ClassVar[str] = "url"  # noqa: S105 - the name of a key, not a secret
    path: Folder | None = Field(default=None, description="the path of the file cel_custom writes")
    timezone: ZoneInfo | None = Field(
        default=None, description="a zone of the IANA list; left out when the journal holds epoch times"
    )
    shipped: bool = Field(default=False, description="true or false")
    url: TableUrl | None = Field(
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
    secret: SecretLine | None = Field(default=None, description="a text of 1 to 200 characters without line breaks")
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
    url: AriUrl = Field(default="http://127.0.0.1:8088/ari", description="an address like http://127.0.0.1:8088/ari")
    user: str = Field(
        default="trunkline",
        pattern=r"^[!-9;-~]{1,80}$",
        description="1 to 80 visible ASCII characters without a space or a colon",
    )
    password: SecretLine | None = Field(default=None, description="a text of 1 to 200 characters without line breaks")
    password_file: Folder | None = Field(default=None, description="the path of a readable file")

    @model_validator(mode="after")
    def _has_a_password(self) -> Self:
        if self.password is None:
            raise PlainError("password is missing; give password or password_file")
        return self


class IceServer(Section):
    """A server that helps browser and PBX to find each other through NAT."""

    url: str = Field(
        pattern=r"^(stun|turn|turns):[A-Za-z0-9.:\[\]_-]{1,200}(\?transport=(udp|tcp))?$",
        description="an address like stun:stun.example.org:3478 or turn:turn.example.org:3478?transport=udp",
    )
    user: str = Field(default="", max_length=200, description="a text of up to 200 characters")
    password: SecretLine | None = Field(default=None, description="a text of 1 to 200 characters without line breaks")


class SoftphonePlace(Section):
    """Phones in browsers at this PBX: where its WebSocket is, and what their accounts are like."""

    url: SocketUrl = Field(default="ws://127.0.0.1:8088/ws", description="an address like ws://127.0.0.1:8088/ws")
    endpoint: str = Field(
        default="{ext}-web",
        pattern=r"^[A-Za-z0-9_.-]{0,40}\{ext\}[A-Za-z0-9_.-]{0,40}$",
        description="letters, digits, dots and dashes around {ext}, like {ext}-web",
    )
    context: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9_.-]{0,79}$",
        description="a dialplan context: up to 79 letters, digits, dots, dashes or underscores",
    )
    codecs: tuple[Annotated[str, Field(pattern=r"^[a-z0-9]{1,20}$")], ...] = Field(
        default=("opus", "ulaw", "alaw"), min_length=1, description="a list of codecs, like opus and ulaw"
    )
    media_address: str = Field(
        default="", pattern=r"^[0-9A-Fa-f.:]{0,45}$", description="an IP address, or empty for the PBX's own choice"
    )
    away_seconds: int = Field(default=30, ge=3, le=600, description="a whole number from 3 to 600")
    away_extension: str = Field(
        default="", pattern=r"^[0-9*#+]{0,40}$", description="up to 40 digits, * # or +, like 600"
    )
    ice_servers: tuple[IceServer, ...] = Field(default=(), max_length=5, description="a list of tables")


class Originate(Section):
    """How a click-to-call rings the manager and reaches the client."""

    channel: Template = Field(
        default="PJSIP/{endpoint}",
        description="a channel with {endpoint} or {ext}, like PJSIP/{endpoint} or Local/{ext}@from-internal",
    )
    context: str = Field(
        default="from-internal",
        pattern=r"^[A-Za-z0-9_.-]{1,79}$",
        description="a dialplan context: 1 to 79 letters, digits, dots, dashes or underscores",
    )
    prefix: str = Field(default="", pattern=_DIAL_PREFIX, description="0 to 8 digits, * # or +, like 9")
    national_prefix: str | None = Field(default=None, pattern=r"^[0-9]{0,4}$", description="0 to 4 digits, like 8")
    international_prefix: str = Field(
        default="", pattern=_DIAL_PREFIX, description="0 to 8 digits, * # or +, like 810 or 00"
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
    softphone: SoftphonePlace | None = Field(default=None, description="a table")
    trunks: tuple[Trunk, ...] = Field(default=(), description="a list of tables")
    ignore: tuple[Pattern, ...] = Field(default=(), description="a list of endpoint patterns")

    @property
    def is_embedded(self) -> bool:
        """Whether it is no PBX but the exchange of our own."""
        return self.name == EMBEDDED and self.journal.path is not None and self.journal.path.name == EMBEDDED_JOURNAL

    @model_validator(mode="after")
    def _way_has_its_door(self) -> Self:
        if self.recordings.way is RecordingWay.ARI and self.ari is None:
            raise PlainError(f"recordings.way = ari needs a table [pbx.{self.name}.ari]")
        if self.recordings.way is RecordingWay.BRIDGE and self.ami is None:
            raise PlainError(f"recordings.way = bridge needs a table [pbx.{self.name}.ami]")
        if self.softphone is not None and (self.ari is None or self.ami is None):
            raise PlainError(f"softphone needs the tables [pbx.{self.name}.ami] and [pbx.{self.name}.ari]")
        return self
