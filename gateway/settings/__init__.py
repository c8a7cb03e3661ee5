"""What can be set, as frozen models: a class for each table of `trunkline.toml`, with defaults and checks.

A field's `description` says what is allowed: `gateway.config` puts it into the message about a wrong value.
What a key means stands in docs/configuration.md, and a test holds both lists equal.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from gateway.domain.recordings import RecordingWay
from gateway.settings.embedded import Embedded, EmbeddedTrunk, has_library, line_of
from gateway.settings.pbx import EMBEDDED, Ami, AriAccount, Journal, Pbx, PbxKind, SoftphonePlace, Trunk
from gateway.settings.site import (
    Company,
    Database,
    GoalDirection,
    Goals,
    Http,
    Language,
    Log,
    LogFormat,
    LogLevel,
    Mail,
    MailSecurity,
    Recordings,
    Sessions,
    Transcription,
    Webhooks,
)
from gateway.settings.values import Folder, PlainError, base_folder

__all__ = [
    "EMBEDDED",
    "ENVIRONMENT_PREFIX",
    "Ami",
    "AriAccount",
    "Company",
    "Embedded",
    "EmbeddedTrunk",
    "GoalDirection",
    "Goals",
    "Http",
    "Journal",
    "Language",
    "Log",
    "LogFormat",
    "LogLevel",
    "Mail",
    "MailSecurity",
    "Pbx",
    "PbxKind",
    "PlainError",
    "Settings",
    "SoftphonePlace",
    "Trunk",
    "base_folder",
]

ENVIRONMENT_PREFIX = "TRUNKLINE_"


def _named(tables: object) -> object:
    """Tell each table `[pbx.NAME]` its name."""
    if not isinstance(tables, Mapping):
        raise PlainError("give each PBX a table with its name, like [pbx.main]")
    for name, table in tables.items():
        if not isinstance(table, Mapping) or "name" in table:
            raise PlainError(f"the PBX {name!r} is written as a table [pbx.{name}] without a key name")
    return {name: {**table, "name": name} for name, table in tables.items()}


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
    embedded: Embedded = Field(default=Embedded(), description="a table")
    recordings: Recordings = Field(default=Recordings(), description="a table")
    transcription: Transcription = Field(default=Transcription(), description="a table")
    goals: Goals = Field(default=Goals(), description="a table")
    mail: Mail = Field(default=Mail(), description="a table")
    sessions: Sessions = Field(default=Sessions(), description="a table")
    webhooks: Webhooks = Field(default=Webhooks(), description="a table")
    log: Log = Field(default=Log(), description="a table")

    @model_validator(mode="after")
    def _embedded_is_a_line(self) -> Self:
        """The embedded engine stands among the PBXs, so that everything serves it as it serves them.

        A site that configures no PBX gets it unasked, so that telephones work at once; not where it cannot run.
        """
        if self.embedded.enabled or (self.has_no_telephony and has_library()):
            if EMBEDDED in self.pbx:
                raise PlainError("pbx.embedded bears the name of the embedded engine; give that PBX another name")
            self.pbx[EMBEDDED] = line_of(self.embedded, self.home)
        return self

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
    def has_no_telephony(self) -> bool:
        """No PBX is configured and nothing is said of the embedded engine, nor could it come by itself."""
        return not self.pbx and self.embedded.enabled is None

    @property
    def has_engine(self) -> bool:
        """Whether the embedded engine is one of the lines."""
        return EMBEDDED in self.pbx and self.pbx[EMBEDDED].is_embedded

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

    def records(self, pbx: Pbx) -> bool:
        """Whether calls of a PBX that no route decides on are recorded, as far as can be told from here."""
        return self.embedded.record if pbx.is_embedded else self.spool(pbx) is not None

    @property
    def public_url(self) -> str:
        """How browsers reach us: `http.public_url`, else the socket's own address."""
        host = f"[{self.http.host}]" if ":" in self.http.host else self.http.host
        return self.http.public_url or f"http://{host}:{self.http.port}"
