"""Who may speak with the SIP front: hosts that are known, not too fast, and not those who guess passwords.

A datagram of a host that is neither a configured trunk nor in a network of phones is dropped without an answer, so
that whoever scans finds nothing. Passwords: after five wrong ones from one host for one account that pair is locked
for a minute, and each further wrong one doubles it, up to an hour; a host that was locked for eight accounts guesses
names as well, and is dropped altogether. A nonce is good only for the host that it was sent to (`digest.py`), so a
forged sender address can lock nobody out.
"""

import ipaddress
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network

from exchange.parties import Place
from gateway.domain.errors import Rejected

PHONE_NETWORKS = tuple(
    IPv4Network(text) for text in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16")
)
"""Loopback and the private networks of RFC 1918 and RFC 3927: phones may be there, and nowhere else."""
WRONG_PASSWORDS = 5
WRONG_WITHIN = 600.0
"""Seconds in which wrong passwords are counted together."""
LOCK_FIRST = 60.0
LOCK_LONGEST = 3600.0
LOCKED_ACCOUNTS = 8
"""Accounts for which one host is locked before the host is dropped altogether."""
_MOST_KEPT = 10_000


class PublicAddress(Rejected, ValueError):
    """The embedded engine speaks SIP on loopback and private addresses alone; put Asterisk or an SBC in front."""

    def __init__(self, address: str) -> None:
        super().__init__(
            f"the address {address} can be reached from the internet or is none of one network; the embedded engine "
            "binds to 127.0.0.1 or an address of a private network (10.x, 172.16-31.x, 192.168.x): choose such a one, "
            "and put Asterisk or a session border controller in front where phones come over the internet"
        )
        self.address = address


class Standing(StrEnum):
    """What a host is to us."""

    PHONE = "phone"
    TRUNK = "trunk"
    STRANGER = "stranger"


def check_bind_address(text: str) -> IPv4Address:
    """Read the address to bind to.

    Raises:
        PublicAddress: It is public, unspecified, multicast or no IPv4 address.
    """
    try:
        address = IPv4Address(text)
    except ValueError:
        raise PublicAddress(text[:64]) from None
    if not any(address in network for network in PHONE_NETWORKS):
        raise PublicAddress(text)
    return address


def check_networks(networks: Iterable[IPv4Network]) -> tuple[IPv4Network, ...]:
    """See that phones are let in from private networks alone; none given means all of them.

    Raises:
        PublicAddress: A network is not within a private one.
    """
    given = tuple(networks)
    for network in given:
        if not any(network.subnet_of(private) for private in PHONE_NETWORKS):
            raise PublicAddress(str(network))
    return given or PHONE_NETWORKS


@dataclass(slots=True)
class _Wrong:
    count: int = 0
    first: float = 0.0
    locked_until: float = 0.0
    lock: float = LOCK_FIRST


class LockOut:
    """Counts wrong passwords; time comes as an argument, in seconds."""

    def __init__(self) -> None:
        """Nobody is locked."""
        self._pairs: dict[tuple[str, str], _Wrong] = {}
        self._accounts: dict[str, dict[str, float]] = {}
        self._hosts: dict[str, float] = {}

    def wrong(self, host: str, account: str, now: float) -> None:
        """A wrong password came."""
        if (host, account) not in self._pairs and len(self._pairs) >= _MOST_KEPT:
            self.sweep(now)
        pair = self._pairs.setdefault((host, account), _Wrong(first=now))
        if pair.locked_until == 0 and now - pair.first > WRONG_WITHIN:
            pair.count, pair.first = 0, now
        pair.count += 1
        if pair.count >= WRONG_PASSWORDS:
            pair.locked_until, pair.lock = now + pair.lock, min(pair.lock * 2, LOCK_LONGEST)
            self._note_account(host, account, now)

    def right(self, host: str, account: str) -> None:
        """The right password came: what was wrong before is forgotten."""
        self._pairs.pop((host, account), None)
        self._accounts.get(host, {}).pop(account, None)

    def forget(self, accounts: Collection[str]) -> None:
        """These accounts are new, or have another password: what was wrong before says nothing."""
        for pair in [pair for pair in self._pairs if pair[1] in accounts]:
            del self._pairs[pair]
        for locked in self._accounts.values():
            for account in accounts:
                locked.pop(account, None)

    def locked(self, host: str, account: str, now: float) -> float:
        """Seconds for which passwords of this host for this account are not looked at; 0: they are."""
        pair = self._pairs.get((host, account))
        return max(0.0, pair.locked_until - now) if pair else 0.0

    def dropped(self, host: str, now: float) -> bool:
        """Whether nothing of this host is looked at."""
        return self._hosts.get(host, 0.0) > now

    def standing(self, now: float) -> list[tuple[str, str, float]]:
        """Host, account and seconds of each lock that holds; an empty account stands for the whole host."""
        hosts = [(host, "", until - now) for host, until in self._hosts.items() if until > now]
        pairs = [(*pair, wrong.locked_until - now) for pair, wrong in self._pairs.items() if wrong.locked_until > now]
        return hosts + pairs

    def sweep(self, now: float) -> None:
        """Forget what is long over; at the bound also the oldest quarter, so that this is not done each time."""
        for key, pair in list(self._pairs.items()):
            if now - max(pair.first, pair.locked_until) > LOCK_LONGEST:
                del self._pairs[key]
        if len(self._pairs) >= _MOST_KEPT:
            for key in list(self._pairs)[: _MOST_KEPT // 4]:
                del self._pairs[key]
        self._hosts = {host: until for host, until in self._hosts.items() if until > now}
        self._accounts = {
            host: kept
            for host, accounts in self._accounts.items()
            if (kept := {name: at for name, at in accounts.items() if now - at < WRONG_WITHIN})
        }

    def _note_account(self, host: str, account: str, now: float) -> None:
        accounts = self._accounts.setdefault(host, {})
        accounts[account] = now
        if sum(now - at < WRONG_WITHIN for at in accounts.values()) >= LOCKED_ACCOUNTS:
            self._hosts[host] = now + LOCK_LONGEST


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast a host may be.

    Attributes:
        each_second: Messages that it may send each second in the long run.
        burst: Messages that it may send at once.
    """

    each_second: float
    burst: float


PHONE_PACE = Pace(each_second=200, burst=600)
"""Of all phones of one host together; a call takes some twelve messages, a NAT may hide an office."""
TRUNK_PACE = Pace(each_second=1000, burst=3000)
CALL_PACE = Pace(each_second=20, burst=60)
"""New calls of one trunk or phone; more are answered with 503."""


class Rate:
    """A bucket of tokens for each key; time comes as an argument, in seconds."""

    def __init__(self) -> None:
        """All buckets are full."""
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, key: str, pace: Pace, now: float) -> bool:
        """Take a token; False: there is none."""
        if len(self._buckets) >= _MOST_KEPT and key not in self._buckets:
            self._buckets = {}  # so many hosts are a network's forged addresses; each gets a full bucket anew
        tokens, before = self._buckets.get(key, (pace.burst, now))
        tokens = min(pace.burst, tokens + (now - before) * pace.each_second)
        if tokens < 1:
            self._buckets[key] = (tokens, now)
            return False
        self._buckets[key] = (tokens - 1, now)
        return True

    def sweep(self, now: float) -> None:
        """Forget hosts that were quiet for a minute: their buckets are full again."""
        self._buckets = {key: bucket for key, bucket in self._buckets.items() if now - bucket[1] < 60}


@dataclass(slots=True)
class Guard:
    """Judges where a datagram comes from.

    Attributes:
        networks: Where phones may be.
        trunks: Networks of each trunk by its name, resolved; one host may be several trunks'.
        ports: Exact host and port of trunks, for hosts that are within the phones' networks too.
        lock_out: Wrong passwords.
        rate: Messages and calls.
    """

    networks: Sequence[IPv4Network] = PHONE_NETWORKS
    trunks: dict[str, tuple[IPv4Network, ...]] = field(default_factory=dict)
    ports: dict[Place, list[str]] = field(default_factory=dict)
    lock_out: LockOut = field(default_factory=LockOut)
    rate: Rate = field(default_factory=Rate)
    _known: dict[str, tuple[bool, tuple[str, ...]]] = field(default_factory=dict)

    def use(
        self, networks: Sequence[IPv4Network], hosts: Mapping[str, Sequence[Place]], more: Mapping[str, Sequence[str]]
    ) -> None:
        """Take new phones' networks and trunks.

        Args:
            networks: Where phones may be.
            hosts: The resolved addresses of each trunk's host with its port.
            more: Further addresses and networks of each trunk, as they are configured.
        """
        self.networks = networks
        self.ports = {}
        self.trunks = {name: tuple(IPv4Network(text) for text in more.get(name, ())) for name in hosts}
        for name, places in hosts.items():
            self.trunks[name] += tuple(IPv4Network(host) for host, _ in places)
            for place in places:
                self.ports.setdefault(place, []).append(name)
        self._known = {}

    def standing(self, source: Place) -> tuple[Standing, tuple[str, ...]]:
        """What the sender is to us, and which trunks it may be.

        A trunk in a phones' network (a PBX beside us) is known by host and port together, others by the host alone:
        providers send from any port.
        """
        is_phone, trunks = self._of_host(source[0])
        if not trunks:
            return (Standing.PHONE if is_phone else Standing.STRANGER), ()
        if not is_phone:
            return Standing.TRUNK, trunks
        named = tuple(self.ports.get(source, ()))
        return (Standing.TRUNK, named) if named else (Standing.PHONE, ())

    def is_trunk(self, host: str, name: str) -> bool:
        """Whether this host is one of the trunk's."""
        return name in self._of_host(host)[1]

    def is_phone(self, host: str) -> bool:
        """Whether a phone may be there."""
        return self._of_host(host)[0]

    def _of_host(self, host: str) -> tuple[bool, tuple[str, ...]]:
        known = self._known.get(host)
        if known is None:
            if len(self._known) > _MOST_KEPT:
                self._known = {}
            address = ipaddress.ip_address(host)
            trunks = tuple(name for name, networks in self.trunks.items() if any(address in one for one in networks))
            known = self._known[host] = (any(address in network for network in self.networks), trunks)
        return known
