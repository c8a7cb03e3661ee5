"""What the gateway needs from outside, each need in its own words. Adapters fit by shape; the type checker proves it.

The composition root (`gateway/app.py`) hands the adapters in; nobody else knows which ones they are.
"""

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from gateway.domain.errors import GatewayError
from gateway.domain.recordings import RecordingKey, SpoolReport, StoredArchive
from gateway.domain.transcript import Transcript


class OrderState(StrEnum):
    """What became of an order to a PBX."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"  # the connection broke: nobody can know; never repeated by itself


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderOutcome:
    """The PBX's answer to an order."""

    state: OrderState
    reason: str
    """Plain word: `no_answer`, `busy`, `no_phone`, `not_connected`...; empty for accepted."""
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenEndpoint:
    """An endpoint that the PBX itself knows, for proposals."""

    pbx: str
    name: str
    """Technology and name as in channel names."""
    online: bool
    proposed_extension: str | None
    """What the PBX calls its extension; None: it does not say."""


class Telephony(Protocol):
    """Orders to one PBX. Calls come back through the journal, never from here."""

    @property
    def pbx(self) -> str:
        """Name of the PBX."""
        ...

    async def originate(
        self, *, order_id: str, endpoint: str, extension: str, number: str, caller_id: str
    ) -> OrderOutcome:
        """Ring a manager's phone, then dial the client.

        Args:
            order_id: becomes the id of the first leg; at most 30 characters.
            endpoint: the manager's endpoint without technology.
            extension: the manager's extension.
            number: the client's number as the PBX dials it.
            caller_id: name and number shown to the manager's phone.
        """
        ...

    async def hang_up(self, leg: str) -> bool:
        """End a leg by its id; False: the PBX knows it no more."""
        ...

    async def endpoints(self) -> Sequence[SeenEndpoint]:
        """The endpoints the PBX knows."""
        ...


class Transcriber(Protocol):
    """Speech to text, many files at a time."""

    async def transcribe(self, paths: Sequence[Path], *, language: str | None) -> Sequence[Transcript]:
        """The transcripts in the order of the files.

        Args:
            paths: WAV or FLAC; channel 0 manager, channel 1 client.
            language: ISO 639-1; None: found once per call.
        """
        ...


class BatchTranscriber(Protocol):
    """Speech to text for a backlog: each file has its own outcome, one job at a time."""

    async def transcribe_each(self, paths: Sequence[Path], *, language: str | None) -> list[Transcript | GatewayError]:
        """A transcript or the reason why there is none, in the order of the files.

        `TryAgain` says that the work was cut off, `Rejected` that the file cannot be written down, `GiveUp` that
        nothing can be written down until a person has acted (no model).

        Args:
            paths: FLAC; channel 0 manager, channel 1 client.
            language: ISO 639-1; None: found once per call.
        """
        ...


class RecordingIntake(Protocol):
    """The PBX's recording folder together with our archive. Everything here blocks: call it in a thread."""

    def scan(self, *, now: datetime, skip: Container[str]) -> SpoolReport:
        """Look into the folder.

        Args:
            now: aware; our clock, which measures how long files rest.
            skip: names at which there is nothing to look any more.

        Raises:
            NotNow: the folder is not there, or closed to us.
        """
        ...

    def take_in(self, name: str, key: RecordingKey, *, stopping: Callable[[], bool]) -> StoredArchive:
        """Make the verified archive of a recording found by the last scan; can be repeated.

        Args:
            name: the recording's name.
            key: where it is put.
            stopping: asked now and then; true gives up.

        Raises:
            NotNow: it still grows, the disk is full, a right is missing, or `stopping` said so.
            NoSound: nothing of it can be read.
            GatewayError, OSError: it failed in another way.
        """
        ...

    def remove_source(self, name: str, *, ingested_at: datetime) -> int:
        """Remove the PBX's copy of a recording whose archive was verified; gives how many files there were.

        Args:
            name: the recording's name.
            ingested_at: aware, when taking in began; files changed later are kept.

        Raises:
            GatewayError, OSError: it stays, for the reason given.
        """
        ...

    def sweep(self, *, now: datetime) -> int:
        """Remove what killed gateways left half-written in the archive; gives how many files."""
        ...
