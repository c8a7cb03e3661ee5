"""What a call is: the value the fold returns and everything downstream reads.

The words are those of docs/glossary.md; every duration is a `timedelta`, every moment aware UTC by the PBX's clock.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from gateway.domain.phone import PhoneNumber


class CallKind(StrEnum):
    """What the call is to us; only `CLIENT` calls count for managers and goals."""

    CLIENT = "client"
    INTERNAL = "internal"
    THROUGH = "through"  # trunk to trunk without a manager
    SERVICE = "service"  # feature code, spying, voicemail check


class Direction(StrEnum):
    """Who called whom."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"
    INTERNAL = "internal"


class CallState(StrEnum):
    """How far the call is."""

    RINGING = "ringing"
    TALKING = "talking"
    ENDED = "ended"


class Result(StrEnum):
    """How the call came out; of a call still open, how it would if it ended now."""

    ANSWERED = "answered"
    MISSED = "missed"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    CANCELLED = "cancelled"
    FAILED = "failed"
    LOST_IN_TRANSFER = "lost_in_transfer"


class MissedReason(StrEnum):
    """Why nobody of ours talked to an inbound caller."""

    ABANDONED = "abandoned"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    REFUSED = "refused"
    FAILED = "failed"
    IVR = "ivr"  # nobody was rung
    VOICEMAIL = "voicemail"


class TransferKind(StrEnum):
    """How the client was moved."""

    BLIND = "blind"
    ATTENDED = "attended"
    REDIRECT = "redirect"


class TransferOutcome(StrEnum):
    """Who took the client after a transfer."""

    TAKEN = "taken"
    TAKEN_OUTSIDE = "taken_outside"
    RETURNED = "returned"
    LOST = "lost"


class Side(StrEnum):
    """Who hung up."""

    CLIENT = "client"
    MANAGER = "manager"
    PBX = "pbx"


class Role(StrEnum):
    """What a leg was in its call."""

    CLIENT = "client"
    MANAGER = "manager"
    OUTSIDE = "outside"  # an outside number that took, or was rung for, the client
    LOCAL = "local"
    UNMAPPED = "unmapped"
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """One transfer of the client."""

    kind: TransferKind
    at: datetime
    by: str | None
    """Extension of the manager who transferred; None: the PBX or an outside number."""
    to: str | None
    """Extension or E.164 number it led to; None: not said."""
    outcome: TransferOutcome | None
    """None: not yet known."""
    taken_by: str | None = None
    """Extension of the manager who took the client."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagerPart:
    """One manager's part in the call."""

    extension: str
    rang: timedelta
    """Ringing of his phones that the PBX dialled, twins at once counted once."""
    talk: timedelta
    """Time in one bridge with the client, hold included."""
    wait: timedelta
    """From the client's start to his first talk; the whole wait where he did not talk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLeg:
    """One channel of the call."""

    id: str
    channel: str
    role: Role
    extension: str | None
    """The manager's extension, None for others."""
    dialled: bool
    """Made by the PBX; False: it came by itself."""
    started_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    cause: int | None
    """Hang-up cause, ITU-T Q.850."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One conversation, or the attempt at one, between a client and us."""

    key: str
    """Identity within the PBX: the id of the leg that opened the call; of a click-to-call the command's id."""
    pbx: str
    kind: CallKind
    direction: Direction
    state: CallState
    client: PhoneNumber | None
    """None: no client, or a number nobody learned."""
    client_name: str
    """Caller id name as the line sent it; hostile text, at most 80 characters."""
    did: str | None
    trunk: str | None
    """Endpoint of the trunk that carries the client's leg."""
    result: Result
    missed_reason: MissedReason | None
    answered_by: tuple[str, ...]
    """Extensions in the order in which they first stood with the client."""
    managers: tuple[ManagerPart, ...]
    wait: timedelta | None
    talk: timedelta
    hold: timedelta | None
    """None: the journal cannot say (CEL without hold events)."""
    ring: timedelta
    """Time in which at least one manager's phone rang."""
    outside: timedelta
    """Time the client stood with an outside number in a manager's place."""
    transfers: tuple[Transfer, ...]
    hung_up_by: Side | None
    """None: still open, or nobody can know."""
    complete: bool
    """Every leg's end was seen."""
    started_at: datetime
    answered_at: datetime | None
    """First talk."""
    ended_at: datetime | None
    """None: at least one leg is open."""
    legs: tuple[CallLeg, ...]
    linkedids: tuple[str, ...]
    unmapped: tuple[str, ...] = ()
    """Endpoints that no row of the directory names."""
    command: str | None = None
    """Id of our command that ordered the call."""
    held_since: datetime | None = None
    """Since when the client hears music in a call that goes on; None: he does not, or the journal cannot say."""
    unreached: str | None = None
    """Why nobody was reached by a call of ours that has ended, in one word of `gateway.domain.orders`; None: somebody
    was, or it is not outbound."""

    @property
    def reason(self) -> str | None:
        """Why nobody talked, in one plain word, whoever called whom; None: somebody did, or the call is open."""
        return self.missed_reason or self.unreached

    @property
    def is_missed(self) -> bool:
        """Inbound and not answered."""
        return self.result is Result.MISSED

    @property
    def asks_for_call_back(self) -> bool:
        """A client waited and got nobody, at the start or after a transfer."""
        return self.result in (Result.MISSED, Result.LOST_IN_TRANSFER)

    @property
    def is_answered(self) -> bool:
        """A client and somebody of ours stood in one bridge; a call lost in a transfer was answered before."""
        return self.result in (Result.ANSWERED, Result.LOST_IN_TRANSFER)

    @property
    def responsible(self) -> str | None:
        """Extension of the last manager who came to talk; None: nobody did."""
        return self.answered_by[-1] if self.answered_by else None

    @property
    def client_leg(self) -> str | None:
        """Id of the client's first leg; recordings bear its name."""
        return next((leg.id for leg in self.legs if leg.role is Role.CLIENT), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A click-to-call that we ordered; its id is the id of the first leg."""

    id: str
    extension: str
    client: PhoneNumber
    ordered_at: datetime
