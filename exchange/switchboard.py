"""What the brain of a call knows of the house around it: phones, lines, ids; and the answers it waits for.

The brain (`exchange.brain`) is pure; whoever runs it (`exchange.service`) gives it a `Switchboard` and answers its
questions. Times are aware UTC datetimes, seconds are floats.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from exchange.wire import Auth

MOST_RINGING = 3
"""So many phones ring at once for one call: a worker carries four legs, and one is the caller's."""


class Party(StrEnum):
    """Whose a leg is."""

    PHONE = "phone"
    TRUNK = "trunk"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One address that can be dialled."""

    party: Party
    name: str
    """Endpoint of a phone, name of a trunk."""
    uri: str
    number: str = ""
    """What is dialled at a trunk."""
    caller_id: str = ""
    """What a trunk is told of the caller; empty: the account's own number."""
    domain: str = "trunkline.invalid"
    """Host of the sender that the far end is shown."""
    auth: Auth | None = None


class Step(StrEnum):
    """What is done with an inbound call next."""

    DIAL = "dial"
    PLAY = "play"
    WAIT = "wait"
    HANG_UP = "hang_up"


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteAnswer:
    """What is done with an inbound call until its next question."""

    step: Step
    endpoints: tuple[str, ...] = ()
    seconds: float = 0.0
    """How long phones ring, a client waits, a sound plays."""
    sound: Path | None = None
    """None: it cannot be played."""
    record: bool = False
    last: bool = False
    """Whether no further question is asked: the plan of a house whose gateway is away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DialAnswer:
    """Whether a phone may dial a number, and by which lines."""

    allowed: bool
    reason: str = ""
    """Plain word for a refusal."""
    number: str = ""
    caller_id: str = ""
    trunks: tuple[str, ...] = ()
    """In the order in which they are tried; none: all."""
    record: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Sounds:
    """Files that the brain has played by itself."""

    ringing: Path | None = None
    """What a caller hears who is connected already while another phone rings; None: silence."""


class Switchboard(Protocol):
    """The house around a call."""

    @property
    def sounds(self) -> Sounds:
        """What there is to play."""
        ...

    @property
    def recordings(self) -> Path:
        """Folder of recordings."""
        ...

    @property
    def ring_seconds(self) -> float:
        """How long a phone rings where nobody said."""
        ...

    @property
    def records(self) -> bool:
        """Whether calls are recorded of which no route says whether they are."""
        ...

    def phones(self, endpoint: str) -> Sequence[Target]:
        """Where an endpoint is registered now, the newest first; none: it is not."""
        ...

    def endpoint_of(self, extension: str) -> str | None:
        """The phone of an extension; None: there is none."""
        ...

    def lines(self, number: str, *, caller_id: str = "", trunks: Sequence[str] = ()) -> Sequence[Target]:
        """The trunks by which a number can be reached now, best first."""
        ...

    def new_id(self) -> str:
        """Id of a leg or bridge that was never used."""
        ...

    def new_channel(self, name: str) -> str:
        """Channel name of a leg of an endpoint or trunk."""
        ...

    def room(self) -> int:
        """How many legs more the worker of this call can carry."""
        ...


# what the brain gives out besides rows and commands


@dataclass(frozen=True, slots=True, kw_only=True)
class AskRoute:
    """What is done with the client's leg next? Answered by `Brain.routed`."""

    leg: str
    did: str
    caller: str
    n: int
    """Which question of this call, from 0."""
    status: str
    """What came of the last answer; empty at first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskDial:
    """May a phone reach that number? Answered by `Brain.permitted`."""

    leg: str
    """The leg that asks, or whose transfer it is."""
    endpoint: str
    number: str
    transfer: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Untaken:
    """The first phone of an order did not answer."""

    order_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What came of an order to a call."""

    reason: str = ""
    """Plain word of a refusal; empty: carried out."""
    detail: str = ""


DONE = Verdict()
