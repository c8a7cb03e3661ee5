"""The language between the gateway and the exchange: one JSON object a line over a unix socket.

The gateway gives the house its people and lines (`Configure`), orders calls (`Order`) and answers questions; the
exchange tells what it did, asks whom a call shall ring and whether a phone may dial, and says when an order's phone was
not taken. Every order has a moment after which it is not carried out any more: so an order that an exchange reads too
late, because it was stopped, was not done, and the gateway may say so.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from exchange.lines import BadLine, Language

__all__ = ["BadLine"]

VERSION = 1
LINE_BYTES = 8 << 20
"""Longest line: a configuration of some ten thousand phones."""


class Deed(StrEnum):
    """What an order does; the names are those of `gateway.domain.ports`."""

    ORIGINATE = "originate"
    HANG_UP = "hang_up"
    HOLD = "hold"
    RESUME = "resume"
    SEND_DIGITS = "send_digits"
    TRANSFER = "transfer"
    CONSULT = "consult"
    COMPLETE_TRANSFER = "complete_transfer"
    ABANDON_TRANSFER = "abandon_transfer"
    PAUSE_RECORDING = "pause_recording"
    SPY = "spy"


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneOf:
    """A phone that may register."""

    endpoint: str
    extension: str
    ha1: str = field(repr=False)
    ha1_sha256: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrunkOf:
    """A provider's account, as `exchange.parties.Trunk` has it, and the number it shows."""

    name: str
    host: str
    port: int = 5060
    user: str = ""
    password: str = field(default="", repr=False)
    register: bool = False
    from_user: str = ""
    dids: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fallback:
    """What a call to one of our numbers does while the gateway is away."""

    endpoints: tuple[str, ...] = ()
    record: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Configure:
    """The house as it is now; takes the place of what was told before."""

    id: int
    phones: tuple[PhoneOf, ...] = ()
    trunks: tuple[TrunkOf, ...] = ()
    office: Mapping[str, Fallback] = field(default_factory=dict)
    """By DID; `*` for every other one."""
    allowed: tuple[str, ...] = ()
    """Private networks where phones may be; none: loopback and every private network."""
    records: bool = True
    ring_seconds: float = 30.0
    region: str = "ZZ"
    area_code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order to the house or to a call; which fields count is the deed's."""

    id: int
    deed: Deed
    until: float
    """Seconds of the epoch; read later, it is not carried out."""
    order_id: str = ""
    leg: str = ""
    client: str = ""
    manager: str = ""
    target: str = ""
    digits: str = ""
    endpoint: str = ""
    extension: str = ""
    number: str = ""
    shown: str = ""
    display: str = ""
    client_caller_id: str = ""
    ring_seconds: float | None = None
    paused: bool = False
    mode: str = "listen"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How do you stand?"""

    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """End; with `idle` as soon as no call is left."""

    id: int
    idle: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteReply:
    """The routing's line for a question (`gateway.domain.routing_answer`)."""

    ask: int
    line: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DialReply:
    """Whether a phone may dial."""

    ask: int
    allowed: bool
    reason: str = ""
    number: str = ""
    caller_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello:
    """What the exchange says first."""

    version: int
    pid: int
    started_at: float
    options: str
    """What it was started with (`exchange.options`), to see whether that is still wanted."""
    release: str = ""
    """Of the program that it runs; empty: of an exchange that does not say so yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What came of an order or a configuration."""

    id: int
    reason: str = ""
    """Empty: carried out."""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenPlace:
    """Where a phone is registered."""

    address: str
    """Host and port."""
    user_agent: str
    until: float
    """Seconds of the epoch at which the registration ends unless it is renewed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenPhone:
    """A phone, and at how many places it is registered."""

    endpoint: str
    extension: str
    contacts: int
    places: tuple[SeenPlace, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenTrunk:
    """A line to a provider."""

    name: str
    registration: str
    reachable: bool | None
    text: str
    code: int = 0
    """The last SIP status of a registration; 0 before any."""
    until: float | None = None
    """Seconds of the epoch at which the registration ends; None without one."""
    round_trip: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenLock:
    """A host whose passwords are not looked at now."""

    host: str
    account: str
    """Empty: for all accounts, nothing of the host is heard at all."""
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """How the exchange stands."""

    id: int
    at: float
    started_at: float
    legs: tuple[str, ...] = ()
    phones: tuple[SeenPhone, ...] = ()
    trunks: tuple[SeenTrunk, ...] = ()
    workers: int = 0
    deaths: int = 0
    release: str = ""
    bind: str = ""
    port: int = 0
    calls: int = 0
    most_workers: int = 0
    idle_workers: int = 0
    """Of those that are ready."""
    room: int | None = None
    """Calls that they can take; None: of an exchange that does not say so."""
    locks: tuple[SeenLock, ...] = ()
    wrong_passwords: int = 0
    """Since the start."""
    strangers: int = 0
    """Messages since the start that were dropped, since their host is nobody's."""
    retiring: bool = False
    """It ends as soon as it carries no call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteQuestion:
    """Whom does this call ring?"""

    ask: int
    call: str
    """Id of the client's leg."""
    did: str
    caller: str
    n: int
    status: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DialQuestion:
    """May this phone dial that number?"""

    ask: int
    endpoint: str
    extension: str
    number: str
    transfer: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Untaken:
    """The first phone of an order was not taken."""

    order_id: str
    reason: str
    at: float


ToExchange = Configure | Order | Look | Stop | RouteReply | DialReply
FromExchange = Hello | Done | Seen | RouteQuestion | DialQuestion | Untaken

_TO: Language[ToExchange] = Language(
    "do",
    {
        "configure": Configure,
        "order": Order,
        "look": Look,
        "stop": Stop,
        "route": RouteReply,
        "dial": DialReply,
    },
    limit=LINE_BYTES,
)
_FROM: Language[FromExchange] = Language(
    "say",
    {
        "hello": Hello,
        "done": Done,
        "seen": Seen,
        "route": RouteQuestion,
        "dial": DialQuestion,
        "untaken": Untaken,
    },
    limit=LINE_BYTES,
)

to_exchange, read_to_exchange = _TO.write, _TO.read
"""What the gateway says as its line, and back; a line that is none raises `BadLine`."""
from_exchange, read_from_exchange = _FROM.write, _FROM.read
"""What the exchange says as its line, and back; a line that is none raises `BadLine`."""
