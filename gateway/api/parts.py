"""What the API is made of: ready objects that `gateway/app.py` builds and hands in.

The API owns no connection and no task of its own: `tasks` is the application's one TaskGroup, in which a click-to-call
waits for its answer and the feed listens for new facts.
"""

from asyncio import TaskGroup
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Protocol

from prometheus_client import CollectorRegistry

from gateway import __version__
from gateway.aftercare.importing import Importer
from gateway.api.page import FOLDER
from gateway.api.security import Passwords
from gateway.commands.desk import CommandDesk
from gateway.domain.demonstration import DemoStanding, Hindered
from gateway.domain.directory import Directory
from gateway.domain.errors import Rejected
from gateway.domain.exchange_standing import ExchangeView
from gateway.domain.import_files import TableWriter
from gateway.domain.legs import LegEvent
from gateway.domain.phone import NumberPlan
from gateway.domain.ports import Telephony
from gateway.domain.recordings import RecordingKey, RecordingPart
from gateway.domain.shipping import Heard, Shipment
from gateway.domain.softphone import SoftphonePbx
from gateway.live import Live
from gateway.settings import Settings
from gateway.store.database import Pool
from gateway.store.shipped import Places


class OpenPart(Protocol):
    """A stored part of a recording, open for reading; the reader closes `file`."""

    @property
    def file(self) -> BinaryIO:
        """Positioned at its begin."""
        ...

    @property
    def size(self) -> int:
        """Bytes."""
        ...

    @property
    def etag(self) -> str:
        """Strong entity tag in its quotes."""
        ...

    @property
    def modified_at(self) -> datetime:
        """UTC"""
        ...


class RecordingReader(Protocol):
    """Opens stored recordings without following links; `recordings.storage.LocalStorage` is one."""

    def open_for_reading(self, key: RecordingKey, part: RecordingPart) -> OpenPart:
        """Open one part; raises `Rejected` with FileNotFoundError where it is not stored."""
        ...


class JournalReceiver(Protocol):
    """Takes the rows of a PBX's host; `gateway.receiving.Receiving` is one."""

    async def places(self) -> Places:
        """Up to where everything is committed."""
        ...

    async def take(self, shipment: Shipment) -> Places:
        """Take a batch in; after the return it is committed."""
        ...

    async def begin(
        self,
        heard: Heard,
        *,
        last_row: bytes | None,
        until: dict[str, object] | None,
        place: dict[str, object] | None,
        bytes_total: int,
    ) -> object:
        """Write down the first meeting with the journal."""
        ...


class ArrivedFile(Protocol):
    """How far a file from another host has come."""

    @property
    def offset(self) -> int:
        """Bytes received."""
        ...

    @property
    def whole(self) -> bool:
        """All of it is here and verified."""
        ...


class RecordingArrivals(Protocol):
    """Takes the recordings of a PBX's host in pieces; `recordings.arrivals.Arrivals` is one. Everything blocks."""

    def look(self, file: str, digest: str) -> ArrivedFile:
        """How far a file has come."""
        ...

    def put(self, file: str, digest: str, *, total: int, offset: int, data: bytes) -> ArrivedFile:
        """Take its next piece."""
        ...

    def is_waiting(self, name: str) -> bool:
        """Whether a recording is whole, and not taken in yet."""
        ...


class DemoPlayer(Protocol):
    """Shows one call with real speech; `gateway.demo.demonstration.Demonstration` is one."""

    @property
    def standing(self) -> DemoStanding:
        """How far it, or the last one, has come."""
        ...

    def hindered(self) -> Hindered | None:
        """What stands in the way of one now."""
        ...

    def begin(self, tasks: TaskGroup) -> DemoStanding:
        """Begin one; nothing may stand in the way."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PartState:
    """How one part of the gateway is doing, for `/readyz`."""

    name: str
    """Like `journal of main`."""
    ready: bool
    detail: str = ""
    """What is missing, in plain words; no addresses, numbers or secrets."""


def _all_well() -> Sequence[PartState]:
    return ()


async def _no_look(pbx: str) -> None:
    """A gateway that is put together without its doctor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiParts:
    """Everything the API needs."""

    pool: Pool
    live: Live
    settings: Settings
    tasks: TaskGroup
    """Ends after the HTTP server; what the API started in it is over by then."""
    directories: Mapping[str, Directory]
    """The tables of each PBX as the configuration gives them, the base of `load_tables`; its plan reads numbers."""
    read_row: Mapping[str, Callable[[bytes], LegEvent | None]]
    """Mapper of a PBX's journal rows."""
    telephony: Mapping[str, Telephony]
    """What each PBX can be asked; one that is missing cannot be."""
    desk: CommandDesk
    """Takes, sends and follows commands."""
    recordings: RecordingReader
    table_writer: TableWriter
    """Writes exports and reports into files."""
    imports: Importer
    """Works on imports, and knows where their files lie."""
    tables_changed: Callable[[], Awaitable[None]]
    """Called after each change of users, extensions or endpoints has been committed."""
    receiving: Mapping[str, JournalReceiver] = field(default_factory=dict)
    """By PBX whose journal is sent by its host."""
    softphones: Mapping[str, SoftphonePbx] = field(default_factory=dict)
    """By PBX that takes phones in browsers."""
    arrivals: Mapping[str, RecordingArrivals] = field(default_factory=dict)
    """By PBX whose recordings are sent by its host."""
    look_at_pbx: Callable[[str], Awaitable[object]] = _no_look
    """Looks at a PBX by its name as `trunkline doctor --pbx` does, and keeps what it finds."""
    look_at_exchange: Callable[[], Awaitable[ExchangeView]] | None = None
    """How the gateway's own exchange stands; None: the site has none."""
    demonstration: DemoPlayer | None = None
    """None: a gateway that is put together without one."""
    states: Callable[[], Sequence[PartState]] = _all_well
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    """What `/metrics` shows; the API adds its own."""
    passwords: Passwords = field(default_factory=Passwords)
    common_passwords: frozenset[str] = frozenset()
    """Passwords to refuse beside the built-in list, in small letters."""
    version: str = __version__
    page: Path = FOLDER
    """Where the built files of the page lie."""

    @property
    def plan(self) -> NumberPlan:
        """How a number typed by a person is read where no PBX is named."""
        first = next(iter(self.directories.values()), None)
        return first.plan if first else NumberPlan(region=self.settings.company.region)

    def directory(self, pbx: str) -> Directory:
        """The tables of one PBX.

        Raises:
            UnknownPbxError: there is none of this name.
        """
        found = self.directories.get(pbx)
        if found is None:
            raise UnknownPbxError(self.directories)
        return found


class UnknownPbxError(Rejected, LookupError):
    """There is no PBX of this name in the configuration."""

    def __init__(self, names: Mapping[str, object]) -> None:
        known = ", ".join(sorted(names))
        super().__init__(f"There is no PBX of this name in the configuration; there is: {known}." if known else None)
