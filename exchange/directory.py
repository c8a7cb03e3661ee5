"""Whom the front knows at this moment: accounts, trunks with the addresses of their hosts, and workers.

One object, filled by `Front.configure` and by the name look-ups, read by whoever judges a message.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Network
from urllib.parse import quote

from exchange.digest import Algorithm
from exchange.parties import TRUNKS_DOMAIN, PhoneAccount, Place, Trunk
from exchange.sip_address import Uri
from gateway.domain.errors import Rejected

MOST_PHONES = 2000
MOST_TRUNKS = 50
_ENDPOINT = re.compile(r"[A-Za-z0-9._-]{1,40}")
_TRUNK = re.compile(r"[A-Za-z0-9_-]{1,40}")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_HASHES = {"ha1": re.compile(r"[0-9a-f]{32}"), "ha1_sha256": re.compile(r"[0-9a-f]{64}")}
_LINE = re.compile(r"[^\x00-\x1f\x7f]{0,128}")
USER_SAFE = "-_.!~*'()&=+$,/"
"""What stands in the user of a URI as it is (RFC 3261, 25.1), without `;`, `?` and `#`."""


class WrongAccounts(Rejected, ValueError):
    """An account of the embedded engine is wrong: the text names the phone or trunk, the field, and what is allowed."""


@dataclass(slots=True)
class Directory:
    """The accounts, hosts and workers.

    Attributes:
        phones: Accounts by endpoint.
        trunks: Accounts by name.
        places: Addresses of each trunk's host, resolved; empty while its name is not.
        away: Why a trunk cannot take calls now, by name.
        seen: Where each trunk sees us, which is a router's address where we stand behind one.
        workers: UDP ports on 127.0.0.1.
    """

    phones: dict[str, PhoneAccount] = field(default_factory=dict)
    trunks: dict[str, Trunk] = field(default_factory=dict)
    places: dict[str, tuple[Place, ...]] = field(default_factory=dict)
    away: dict[str, str] = field(default_factory=dict)
    seen: dict[str, Place] = field(default_factory=dict)
    workers: set[int] = field(default_factory=set)

    def ha1(self, endpoint: str, algorithm: Algorithm) -> str | None:
        """The hash of an endpoint's password; None: there is no such account, or none by this algorithm."""
        account = self.phones.get(endpoint)
        if account is None:
            return None
        return account.ha1 if algorithm is Algorithm.MD5 else account.ha1_sha256

    @property
    def algorithms(self) -> tuple[Algorithm, ...]:
        """What a challenge offers, the better first: SHA-256 only where every account has it."""
        if self.phones and all(account.ha1_sha256 for account in self.phones.values()):
            return Algorithm.SHA256, Algorithm.MD5
        return (Algorithm.MD5,)

    def trunk_of(self, uri: Uri) -> Trunk | None:
        """Which trunk a worker dials: `NUMBER@NAME.invalid`, or the trunk's own host and port."""
        if uri.host.endswith(TRUNKS_DOMAIN):
            name = uri.host.removesuffix(TRUNKS_DOMAIN)
            return next((trunk for trunk in self.trunks.values() if trunk.name.lower() == name), None)
        return next((trunk for trunk in self.trunks.values() if (trunk.host, trunk.port) == uri.address), None)

    def trunk_uri(self, trunk: Trunk, number: str) -> Uri:
        """The Request-URI of a call to a number over a trunk."""
        return Uri(user=quote(number, safe=USER_SAFE), host=trunk.host, port=None if trunk.port == 5060 else trunk.port)

    def called_trunk(self, names: Sequence[str], users: Sequence[str]) -> tuple[Trunk, str]:
        """Which of the trunks of one host a call is for, and which of our numbers was called.

        Args:
            names: The trunks whose host it came from.
            users: The users of the Request-URI and of To, decoded.
        """
        trunks = [self.trunks[name] for name in names]
        for trunk in trunks:
            for user in users:
                if user and user in trunk.dids:
                    return trunk, user
        mine = next((trunk for trunk in trunks if trunk.user and trunk.user in users), trunks[0])
        return mine, next((user for user in users if user and user not in (mine.user, mine.name)), users[0])


def may_register(endpoint: str) -> bool:
    """Whether an endpoint's name can be a phone's SIP user here."""
    return _ENDPOINT.fullmatch(endpoint) is not None


def checked_phones(phones: Sequence[PhoneAccount]) -> dict[str, PhoneAccount]:
    """Accounts of phones by endpoint.

    Raises:
        WrongAccounts: One of them cannot be.
    """
    if len(phones) > MOST_PHONES:
        raise WrongAccounts(f"{len(phones)} phones; the embedded engine takes {MOST_PHONES} at most")
    for phone in phones:
        if not may_register(phone.endpoint):
            raise WrongAccounts(f"endpoint {phone.endpoint[:64]!r}: 1 to 40 letters, digits, dots, _ or - are allowed")
        for name, value in (("ha1", phone.ha1), ("ha1_sha256", phone.ha1_sha256)):
            if value is not None and not _HASHES[name].fullmatch(value):
                raise WrongAccounts(f"{name} of endpoint {phone.endpoint} is no hash in small hexadecimal digits")
    known = {phone.endpoint: phone for phone in phones}
    if len(known) != len(phones):
        raise WrongAccounts("an endpoint is named twice; each phone account needs a name of its own")
    return known


def checked_trunks(trunks: Sequence[Trunk]) -> dict[str, Trunk]:
    """Accounts of providers by name, their hosts in small letters.

    Raises:
        WrongAccounts: One of them cannot be.
    """
    if len(trunks) > MOST_TRUNKS:
        raise WrongAccounts(f"{len(trunks)} trunks; the embedded engine takes {MOST_TRUNKS} at most")
    for trunk in trunks:
        if not _TRUNK.fullmatch(trunk.name) or trunk.name.lower() == "phones":
            raise WrongAccounts(
                f"trunk {trunk.name[:64]!r}: its name needs 1 to 40 letters, digits, _ or -, not phones"
            )
        if fault := _trunk_fault(trunk):
            raise WrongAccounts(f"trunk {trunk.name}: {fault}")
    known = {trunk.name: replace(trunk, host=trunk.host.lower()) for trunk in trunks}
    if len({name.lower() for name in known}) != len(trunks):
        raise WrongAccounts("a trunk is named twice; each needs a name of its own")
    return known


def _trunk_fault(trunk: Trunk) -> str | None:
    if not _HOST.fullmatch(trunk.host) or trunk.host.lower().endswith(TRUNKS_DOMAIN):
        return "host must be a name or an IPv4 address"
    if not 0 < trunk.port < 65536:
        return f"port {trunk.port} is none; 1 to 65535 are allowed"
    if trunk.register and not trunk.user:
        return "a registration needs a user"
    if not 60 <= trunk.expiry <= 86_400:
        return f"expiry {trunk.expiry}: 60 to 86400 seconds are allowed"
    if wrong := next((text for text in trunk.hosts if not _is_network(text)), None):
        return f"{wrong[:64]!r} in hosts is no IPv4 address or network"
    if not all(_LINE.fullmatch(text) for text in (trunk.user, trunk.password, trunk.from_user, *trunk.dids)):
        return "user, password, from_user and dids are single lines of at most 128 characters"
    return None


def _is_network(text: str) -> bool:
    try:
        IPv4Network(text)
    except ValueError:
        return False
    return True
