"""Who the SIP front speaks with: phones, trunks, workers; and what the exchange hears of a call that arrives.

These are the words between the front and the rest of the exchange, all in one process. The front knows accounts,
contacts and hosts; which worker carries a call, and whether it may be placed at all, is decided by whoever gives
`Choose`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from ipaddress import IPv4Network
from typing import Protocol

FROM_HEADER = "X-Trunkline-From"
"""Header of an INVITE at a worker: `phone:101` or `trunk:NAME`. What comes from outside under this name is removed."""
CALL_HEADER = "X-Trunkline-Call"
"""Header of an INVITE at a worker: `Invite.mark`."""
OWN_HEADERS = "x-trunkline-"
"""How the headers begin (in small letters) that never cross between the outside and the workers."""
PHONES_HOST = "phones.invalid"
"""Workers dial `sip:101@phones.invalid;c=ID`, one INVITE for each contact (`Door.contacts`)."""
Place = tuple[str, int]
"""Host, as an IPv4 address, and UDP port."""
TRUNKS_DOMAIN = ".invalid"
"""Workers dial `sip:NUMBER@NAME.invalid` where they do not use `Door.trunk_uri`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneAccount:
    """A phone that may register and call.

    Attributes:
        endpoint: Its SIP user, of letters, digits, `.`, `_` and `-`.
        ha1: MD5 of `endpoint:realm:password` in small hexadecimal digits (RFC 2617, 3.2.2.2).
        ha1_sha256: The same by SHA-256 (RFC 7616); None where only the MD5 is known.
    """

    endpoint: str
    ha1: str = field(repr=False)
    ha1_sha256: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trunk:
    """A provider's account.

    Attributes:
        name: Our name of it, of letters, digits, `_` and `-`.
        host: The provider's host, a name or an IPv4 address.
        port: Its UDP port.
        user: Our user there; empty for a trunk that trusts our address.
        password: Its password.
        register: Whether we register there.
        from_user: What our calls show as their sender; empty for the user.
        dids: Numbers that arrive over it, as the provider writes them.
        hosts: Further addresses or networks from which the provider sends.
        expiry: Seconds of registration that we ask for.
    """

    name: str
    host: str
    port: int = 5060
    user: str = ""
    password: str = field(default="", repr=False)
    register: bool = False
    from_user: str = ""
    dids: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    expiry: int = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Invite:
    """A new call that reached the front; everything but `phone`, `trunk` and `source` was written by the caller.

    Attributes:
        phone: The endpoint that proved its password; None for a call from a trunk.
        trunk: The trunk it came from; None for a call from a phone.
        mark: What no other INVITE has, of whatever sender; the worker gets it as `CALL_HEADER`.
        call_id: Its Call-ID (RFC 3261, 8.1.1.4), which others may repeat.
        caller: The number or user of From, percent signs decoded.
        display: The name of From; empty for none.
        dialled: The user of the Request-URI: an extension, a number.
        did: Which of our numbers was called, for a trunk: one of its DIDs where the Request-URI or To hold one.
        replaces: Whether it takes over a call (RFC 3891).
        headers: P-Asserted-Identity, Remote-Party-ID, Privacy, Diversion as they came, by these names.
        source: The host it came from.
    """

    phone: str | None
    trunk: str | None
    mark: str
    call_id: str
    caller: str
    display: str
    dialled: str
    did: str
    replaces: bool
    headers: Mapping[str, str]
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A call is not taken.

    Attributes:
        code: SIP status, 400 to 699.
        reason: What the caller's phone may show, without line breaks.
    """

    code: int
    reason: str


Choose = Callable[[Invite], int | Refusal | None]
"""Which worker (its loopback UDP port) takes a new call, or why none; must not wait. None: say nothing yet; the front
keeps the call and asks again every 50 ms (`exchange.unseated`), and also when the caller repeats his INVITE."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """One place where an endpoint is registered.

    Attributes:
        uri: What a worker dials to ring this one.
        source: Host and port the registration came from.
        user_agent: How the phone calls itself; empty if it does not.
        expires_at: When the registration ends unless it is renewed.
    """

    uri: str
    source: Place
    user_agent: str
    expires_at: datetime


class Registration(StrEnum):
    """How our registration at a provider stands."""

    NONE = "none"
    REGISTERING = "registering"
    REGISTERED = "registered"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrunkState:
    """How a trunk stands.

    Attributes:
        name: The trunk.
        registration: How the registration stands; NONE where we do not register.
        reachable: Whether the provider answers; None while nobody knows.
        code: The last SIP status of a registration; 0 before any.
        text: One sentence for people.
        until: When the registration ends unless it is renewed; None without one.
        round_trip: Seconds the last answer took; None before any.
    """

    name: str
    registration: Registration
    reachable: bool | None
    code: int
    text: str
    until: datetime | None
    round_trip: float | None


class Door(Protocol):
    """What the exchange asks of the SIP front (`exchange.front.Front`)."""

    @property
    def inside_port(self) -> int:
        """The UDP port on 127.0.0.1 that workers use as their proxy."""
        ...

    @property
    def wrong_passwords(self) -> int:
        """Wrong passwords since the start."""
        ...

    @property
    def strangers(self) -> int:
        """Messages since the start that came from hosts which are nobody's."""
        ...

    def configure(
        self, *, phones: Sequence[PhoneAccount], trunks: Sequence[Trunk], allowed: Sequence[IPv4Network] = ()
    ) -> None:
        """Put new accounts in place of the old; calls and registrations of those that stay go on."""
        ...

    def locks(self) -> Sequence[tuple[str, str, float]]:
        """Host, account and seconds of each lock-out that holds now; an empty account stands for the whole host."""
        ...

    def admit_worker(self, port: int) -> None:
        """Take SIP from this loopback port as a worker's."""
        ...

    def dismiss_worker(self, port: int) -> None:
        """Take no more SIP from this port, and say BYE to whoever still talks with that worker."""
        ...

    def contacts(self, endpoint: str) -> tuple[Contact, ...]:
        """Where the endpoint is registered now, the newest first; none: it is not."""
        ...

    def trunk_uri(self, name: str, number: str) -> str:
        """What a worker dials to reach a number over a trunk."""
        ...

    def trunk_states(self) -> tuple[TrunkState, ...]:
        """How the trunks stand now."""
        ...
