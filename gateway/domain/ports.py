"""What the gateway needs from outside, each need in its own words. Adapters fit by shape; the type checker proves it.

The composition root (`gateway/app.py`) hands the adapters in; nobody else knows which ones they are.
"""

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Protocol

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
    """Plain word of `docs/call-control.md`: `no_answer`, `leg_gone`, `not_connected`...; empty for accepted."""
    at: datetime
    detail: str = ""
    """A sentence for people where the word alone does not say what to do (which right is missing); no caller's data."""

    @property
    def accepted(self) -> bool:
        """Whether the PBX took it."""
        return self.state is OrderState.ACCEPTED


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
        self,
        *,
        order_id: str,
        endpoint: str,
        extension: str,
        number: str,
        caller_id: str,
        client_caller_id: str = "",
        ring_seconds: float | None = None,
    ) -> OrderOutcome:
        """Ring a manager's phone, then dial the client.

        Args:
            order_id: becomes the id of the first leg; at most 30 characters.
            endpoint: the manager's endpoint without technology.
            extension: the manager's extension.
            number: the client's number as the PBX dials it.
            caller_id: name and number shown to the manager's phone.
            client_caller_id: number shown to the client; empty: what the PBX shows for this manager.
            ring_seconds: how long the manager's phone may ring; None: the PBX's setting.

        Raises:
            Rejected: a field holds what no PBX may be sent; nothing was.
        """
        ...

    async def hang_up(self, leg: str) -> OrderOutcome:
        """End a leg by its id, also one that still rings; `leg_gone`: the PBX knows it no more."""
        ...

    async def endpoints(self) -> Sequence[SeenEndpoint]:
        """The endpoints the PBX knows."""
        ...


class Ability(StrEnum):
    """What a PBX may be able to do with a call that goes on; what it cannot is refused with the reason."""

    ORIGINATE = "originate"
    HANG_UP = "hang_up"
    HOLD = "hold"
    DIGITS = "digits"
    BLIND_TRANSFER = "blind_transfer"
    ATTENDED_TRANSFER = "attended_transfer"
    PAUSE_RECORDING = "pause_recording"
    LISTEN = "listen"
    WHISPER = "whisper"
    BARGE = "barge"
    PAUSE_QUEUES = "pause_queues"


class SpyMode(StrEnum):
    """How a supervisor stands beside a call."""

    LISTEN = "listen"  # hears both
    WHISPER = "whisper"  # and is heard by the manager
    BARGE = "barge"  # and is heard by both


class CallControl(Protocol):
    """Orders to a call that goes on. Legs are named by their ids; what came of it is told by the journal too.

    Every order gives an `OrderOutcome`: `refused` with a reason in one plain word (`leg_gone`, `not_allowed`,
    `not_connected`, `not_possible`, `failed`...), `unknown` where the answer was lost. None is repeated by itself.
    A field that holds what no PBX may be sent raises `Rejected` before anything is sent. None of these orders needs a
    row of the command's own in the journal: the engine notes what only it knows.
    """

    def lacks(self, ability: Ability) -> str | None:
        """Why the PBX cannot do this, in words that name the missing right or part; None: it can, or was not asked."""
        ...

    async def hold(self, *, order_id: str, client: str, manager: str) -> OrderOutcome:
        """Let the client hear music, and the manager wait; counted like a hold by the phone's own key.

        Args:
            order_id: of the command.
            client: id of the client's leg.
            manager: id of the manager's leg that stands with it.
        """
        ...

    async def resume(self, *, order_id: str, client: str, manager: str) -> OrderOutcome:
        """Bring them together again; `not_possible`: the client is not held by our order."""
        ...

    async def send_digits(self, *, order_id: str, leg: str, digits: str) -> OrderOutcome:
        """Send DTMF to whoever is at the far end of a leg (the client's, for his menus).

        Args:
            order_id: of the command.
            leg: whose far end hears them.
            digits: 1 to 32 of `0-9 A-D * #`; a tenth of a second each, with pauses.
        """
        ...

    async def transfer(self, *, order_id: str, client: str, manager: str, target: str) -> OrderOutcome:
        """Blind transfer: the client, talking, held or still waiting, goes to an extension or number at once.

        `not_possible` where an engine cannot pass on what only rings.

        Args:
            order_id: of the command.
            client: id of the client's leg.
            manager: id of the manager's leg, which ends; it may still ring.
            target: as the PBX dials it; permitted before.
        """
        ...

    async def consult(self, *, order_id: str, client: str, manager: str, target: str) -> OrderOutcome:
        """Begin an attended transfer: the client, talking or held, waits while the manager talks with the target.

        Where the target does not answer or hangs up, the PBX brings manager and client together again by itself.
        """
        ...

    async def complete_transfer(self, *, order_id: str, client: str, manager: str) -> OrderOutcome:
        """End the consultation by joining client and target; `not_possible`: the target has not answered."""
        ...

    async def abandon_transfer(self, *, order_id: str, client: str, manager: str) -> OrderOutcome:
        """End the consultation by going back to the client."""
        ...


class Supervision(Protocol):
    """What is done beside a call: its recording, and who listens to it."""

    async def pause_recording(self, *, order_id: str, leg: str, paused: bool) -> OrderOutcome:
        """Write silence into the recording of the client's leg from now on, or sound again; the time line stays.

        A pause lasts until it is ended or the call is, through holds and transfers. `not_possible`: not recorded.
        """
        ...

    async def spy(self, *, order_id: str, endpoint: str, extension: str, leg: str, mode: SpyMode) -> OrderOutcome:
        """Ring a supervisor's phone and let him hear a manager's leg; ends with that leg.

        Args:
            order_id: becomes the id of his leg, by which `hang_up` ends it; his leg makes a call of kind `service`.
                Never a row among the click-to-calls that the fold reads.
            endpoint: the supervisor's, without technology.
            extension: the supervisor's.
            leg: the manager's.
            mode: what is heard of him.
        """
        ...


class QueueMembers(Protocol):
    """A manager's places in the PBX's own queues."""

    async def pause_in_queues(self, *, endpoint: str, extension: str, paused: bool, reason: str) -> OrderOutcome:
        """Pause or resume him in every queue he is in; accepted also where he is in none."""
        ...


class Engine(Telephony, CallControl, Supervision, QueueMembers, Protocol):
    """Everything one PBX can be told; Asterisk is the first one, the embedded engine will be the second."""


class LegRecorder(Protocol):
    """Records a client's leg where the PBX's dialplan does not; every order can be repeated.

    All raise `GatewayError` where the PBX cannot be asked: `TryAgain` when it is away, others where a person must act.
    """

    async def begin(self, leg: str) -> bool:
        """Record both sides from now on, unless that is done already; False: the leg is gone."""
        ...

    async def pause(self, leg: str, *, paused: bool) -> bool:
        """Write silence from now on, or sound again; False: nothing of the leg is being recorded."""
        ...

    async def finished(self) -> Sequence[str]:
        """Legs whose recording is over and waits at the PBX to be fetched; none where it writes into our folder."""
        ...

    async def fetch(self, leg: str, side: str, target: BinaryIO) -> None:
        """Copy a WAV file that waits at the PBX; side: `rx` what the client says, `tx` what he hears."""
        ...

    async def forget(self, leg: str) -> None:
        """Remove what waits at the PBX of a leg."""
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
