"""What the gateway needs from outside, each need in its own words. Adapters fit by shape; the type checker proves it.

The composition root (`gateway/app.py`) hands the adapters in; nobody else knows which ones they are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol

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
