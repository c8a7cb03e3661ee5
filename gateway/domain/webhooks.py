"""Webhooks: who wants what, when it is tried again, what an answer means, and which addresses nobody may be sent to.

The form is Standard Webhooks (github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md): headers
`webhook-id`, `webhook-timestamp` and `webhook-signature`, a 2xx answer within 15 s takes the message, 3xx is a failure
(a redirect is never followed), 410 ends the subscription. The retry table is the one the specification proposes. All
of this is pure: the sending is `webhooks/`, the rows are `gateway.store.webhooks`.
"""

import ipaddress
import re
import secrets
from base64 import b64encode
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol
from urllib.parse import urlsplit

from gateway.domain.errors import Rejected

API_VERSION = "1"
"""Of the messages; a subscription keeps the one it was made with."""
ENDED = "call.ended"
SETTLING = timedelta(seconds=5)
"""A call is told this long after its end, so that corrections of the last rows go out with it."""
RETRIES = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=10),
)
"""The pause behind each failed attempt; behind the last one the delivery has failed."""
SECONDS = 15.0
"""An attempt takes no longer, name, connection, request and answer together."""
ANSWER_KEPT = 512
"""Bytes of an answer that the log keeps."""
LEASE = timedelta(seconds=40)
"""A claim whose end nobody wrote down by then was cut off; longer than any attempt."""
FAILING_AFTER = 10
"""Attempts that failed one after the other, on any deliveries, until a subscription is told to be failing."""
OFF_AFTER = timedelta(days=5)
"""A subscription that has been failing for so long without one success is switched off."""
OVERLAP = timedelta(hours=24)
"""So long a replaced secret still signs beside the new one."""
AT_ONCE = 8
"""Attempts under way to one subscription."""
KINDS_MAX = 50
URL_MAX = 2000
KIND_PATTERN = r"^(\*|[a-z][a-z_]{0,39}\.(\*|[a-z][a-z_]{0,39}))$"

_IP = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_UNICAST = ipaddress.ip_network("2000::/3")
"""All global unicast of IPv6 that is given out (RFC 4291 section 2.4); what lies outside only carries, or is none."""
_SPECIAL = tuple(ipaddress.ip_network(n) for n in ("192.0.0.0/24", "192.88.99.0/24", "3fff::/20"))
"""Protocol assignments, relays of 6to4 and documentation: global by the registry, and nobody's receiver."""
_ISATAP = (bytes.fromhex("00005efe"), bytes.fromhex("02005efe"))
_OTHER_PORTS = frozenset(
    {7, 9, 13, 19, 21, 22, 23, 25, 53, 69, 110, 111, 119, 123, 135, 137, 139, 143, 161, 389, 427, 445, 465, 514, 515}
    | {548, 587, 636, 873, 993, 995, 1433, 1521, 2049, 3306, 3389, 5038, 5060, 5061, 5432, 6379, 6667, 11211, 27017}
)
"""Ports of services that take a POST for their own commands; nobody receives webhooks there."""
_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*")


class WebhookState(StrEnum):
    """How a subscription is doing."""

    ACTIVE = "active"
    FAILING = "failing"
    """Still tried, one delivery at a time; a success makes it active again."""
    OFF = "off"
    """Nothing is queued and nothing is sent."""


class OffReason(StrEnum):
    """Why a subscription is off or failing."""

    BY_A_PERSON = "by_a_person"
    GONE = "gone"
    """The receiver answered 410."""
    FAILING = "failing"


class DeliveryState(StrEnum):
    """How far a delivery is."""

    WAITING = "waiting"
    SENDING = "sending"
    DELIVERED = "delivered"
    FAILED = "failed"
    FOLDED = "folded"
    """Went out with another one: a correction that came before the first version left."""


class Fault(StrEnum):
    """Why an attempt failed, where no status says it."""

    TIMEOUT = "timeout"
    CONNECTION = "connection"
    NAME = "name"
    """The host's name has no address."""
    TLS = "tls"
    ADDRESS_REFUSED = "address_refused"
    """The host has an address that nobody may be sent to."""
    ANSWER = "answer"
    """What came back was no HTTP."""
    INTERRUPTED = "interrupted"
    """The gateway was cut off; nobody knows whether the receiver took it."""


class Verdict(StrEnum):
    """What an attempt means."""

    TAKEN = "taken"
    FAILED = "failed"
    GONE = "gone"


class BadAddressError(Rejected, ValueError):
    """This is no address that webhooks may be sent to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message, ready to be signed and sent."""

    url: str
    id: str
    """The same in every attempt: the receiver tells repetitions by it."""
    at: datetime
    """The moment of the attempt, UTC."""
    secrets: tuple[str, ...]
    """Each signs, the present one first."""
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What came of an attempt."""

    status: int | None
    """None: there was no answer."""
    fault: Fault | None
    ms: int
    answer: str
    """The first bytes of the answer, made printable."""

    @property
    def verdict(self) -> Verdict:
        """What the attempt means."""
        if self.status == 410:
            return Verdict.GONE
        taken = self.fault is None and self.status is not None and 200 <= self.status < 300
        return Verdict.TAKEN if taken else Verdict.FAILED


class WebhookSender(Protocol):
    """Sends a message once."""

    async def send(self, message: Message) -> Receipt:
        """Try once, within `SECONDS`; whatever the receiver does comes back as a receipt."""
        ...


def wants(kinds: Sequence[str], kind: str) -> bool:
    """Whether a subscription wants a kind of fact.

    Args:
        kinds: its filter: `call.ended`, `call.*` or `*`.
        kind: of the fact.
    """
    family = kind.partition(".")[0] + ".*"
    return any(wanted in ("*", family, kind) for wanted in kinds)


def new_secret() -> str:
    """A fresh signing secret of 256 random bits, as Standard Webhooks writes it."""
    return "whsec_" + b64encode(secrets.token_bytes(32)).decode()


def retry_after(failures: int, salt: int = 0) -> timedelta | None:
    """The pause after a failed attempt.

    Args:
        failures: how many attempts have failed, this one among them.
        salt: spreads deliveries that failed together, by up to a tenth of the pause.

    Returns:
        None: it was the last attempt.
    """
    if failures > len(RETRIES):
        return None
    pause = RETRIES[failures - 1]
    return pause + pause * (salt % 101) / 1000


def state_after(state: WebhookState, *, failures: int, since: datetime | None, now: datetime) -> WebhookState:
    """How a subscription is doing after failed attempts.

    Args:
        state: before.
        failures: attempts that failed one after the other.
        since: when the first of them was; None: none failed.
        now: the present moment.
    """
    if state is WebhookState.OFF or since is None:
        return state
    if now - since >= OFF_AFTER and failures >= FAILING_AFTER:
        return WebhookState.OFF
    return WebhookState.FAILING if failures >= FAILING_AFTER else state


def at_once(state: WebhookState) -> int:
    """How many attempts may be under way to a subscription: a failing one is asked once at a time."""
    return 1 if state is WebhookState.FAILING else AT_ONCE


def check_url(url: str, allowed: Collection[str] = ()) -> None:
    """Refuse an address that can never be right; a name's addresses are checked when it is connected to.

    Args:
        url: as a person entered it.
        allowed: hosts that may have private addresses, by name.

    Raises:
        BadAddressError: with what is wrong.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise BadAddressError("This is no URL.") from None
    if len(url) > URL_MAX or not url.isascii() or re.search(r"[\x00-\x20\x7f\\]", url):
        raise BadAddressError(f"Write at most {URL_MAX} visible ASCII characters, other ones percent-encoded.")
    if parts.scheme not in ("http", "https") or not host:
        raise BadAddressError("Write an address of http or https, like https://crm.example.com/calls.")
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        raise BadAddressError("Leave the user and password out of the address; the signature shows who sends.")
    if port == 0 or parts.fragment:
        raise BadAddressError("An address has no port 0 and no fragment.")
    if port in _OTHER_PORTS:
        raise BadAddressError(f"Port {port} belongs to another service than a receiver of webhooks.")
    host, allowed = host.removesuffix("."), {name.lower().removesuffix(".") for name in allowed}
    literal = _literal(host)
    if literal is None and not _NAME.fullmatch(host):
        raise BadAddressError("The host is no name: letters, digits and hyphens between dots, others in punycode.")
    if literal is not None and host not in allowed and not is_public(literal):
        raise BadAddressError(_PRIVATE)
    if host not in allowed and (host == "localhost" or host.endswith(".localhost")):
        raise BadAddressError(_PRIVATE)


_PRIVATE = "This address lies inside a private network; the configuration must name its host in webhooks.allowed_hosts."


def is_public(address: str) -> bool:
    """Whether an address lies on the public internet.

    Private, loopback, link-local, unique local, shared (RFC 6598), multicast and reserved ones do not (RFC 6890), nor
    does an IPv6 address that carries one of these (mapped, NAT64, 6to4, Teredo, ISATAP), nor any outside of 2000::/3
    that carries none.
    """
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    carried = _carried(parsed)
    if isinstance(parsed, ipaddress.IPv6Address) and parsed not in _UNICAST:  # mapped or translated, or none
        return (parsed.ipv4_mapped is not None or parsed in _NAT64) and all(map(_global, carried))
    return all(map(_global, (parsed, *carried)))


def _global(address: _IP) -> bool:
    return address.is_global and not address.is_multicast and not any(address in net for net in _SPECIAL)


def _carried(address: _IP) -> list[_IP]:
    """IPv4 addresses inside an IPv6 one."""
    if isinstance(address, ipaddress.IPv4Address):
        return []
    found: list[_IP] = [a for a in (address.ipv4_mapped, address.sixtofour) if a is not None]
    if address.teredo is not None:
        found += address.teredo
    if address in _NAT64 or address.packed[8:12] in _ISATAP:
        found.append(ipaddress.IPv4Address(address.packed[12:]))
    return found


def _literal(host: str) -> str | None:
    """The address that a host is written as, also in the old ways of writing it (`127.1`, `0x7f000001`)."""
    try:
        return str(ipaddress.ip_address(host.partition("%")[0]))
    except ValueError:
        pass
    if re.fullmatch(r"(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]+)){0,3}\.?", host, re.IGNORECASE):
        return "0.0.0.0"  # noqa: S104 - nobody listens here: whatever it stands for is not written as a public address is
    return None
