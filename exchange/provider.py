"""Our side at a provider: REGISTER with digest, renewed in time, and OPTIONS that ask whether it is there.

A pure machine: requests come out, answers go in, time is an argument (RFC 3261, 10.2 and 17.1.2). Every failure has one
sentence for people. A refusal that a person must settle is tried again after five minutes, lest the provider locks us
out; a provider that is silent is tried again after 5, 10, 20... seconds, five minutes at most.
"""

import secrets
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from urllib.parse import quote

from exchange.digest import BadCredentials, Challenge, answer_challenge, read_challenge
from exchange.directory import USER_SAFE
from exchange.parties import Place, Registration, Trunk, TrunkState
from exchange.sip_address import Address, BadMessage, Uri, Via, plain, read_address
from exchange.sip_text import Headers, Request, Response

T1 = 0.5
T2 = 4.0
GIVEN_UP_AFTER = 16.0
"""Seconds without any answer after which a request counts as lost (RFC 3261 has 32; nobody waits for a REGISTER)."""
RETRY_FIRST = 5.0
RETRY_LONGEST = 300.0
QUALIFY_EVERY = 30.0
LOST_TO_BE_AWAY = 2
"""OPTIONS in a row without an answer after which a provider that did answer before counts as away."""
_MOVE_AFTER = 1.0
"""Seconds after which we register at the address that the provider has just told us; longer where it never rests."""
_MOST_TRIES = 3
"""Times in a row that a provider may call our answer stale."""
_EXPIRY_LEAST = 10
_EXPIRY_MOST = 86_400


@dataclass(slots=True)
class _Asked:
    """A request of ours that waits for its answer."""

    request: Request
    sent: float
    first: float
    interval: float = T1

    def due(self) -> float:
        return min(self.sent + self.interval, self.first + GIVEN_UP_AFTER)


@dataclass(slots=True)
class _Chain:
    """The registration's own Call-ID, tag and count: all requests of one registration share them."""

    call_id: str = field(default_factory=lambda: f"{secrets.token_hex(12)}@trunkline")
    tag: str = field(default_factory=lambda: secrets.token_hex(6))
    cseq: int = 0


class ProviderLine:
    """One trunk's registration and reachability; sends nothing itself.

    Attributes:
        trunk: The provider's account.
        seen: Where the provider sees us: our address, or that of the router before us once it has told.
    """

    def __init__(self, trunk: Trunk, *, contact: Place) -> None:
        """Begin with nothing known.

        Args:
            trunk: The provider's account.
            contact: Our address outside, where the provider reaches us.
        """
        self.trunk = trunk
        self._contact = contact
        self.seen = self._said = contact
        self._left: Place | None = None
        self._moves = 0
        self._chain, self._pulse = _Chain(), _Chain()
        self._asked: _Asked | None = None
        self._probe: _Asked | None = None
        self._challenge: tuple[Challenge, str] | None = None
        self._count = 0
        self._tried_password, self._tries = False, 0
        self._expiry = trunk.expiry
        self._register_at: float | None = 0.0 if trunk.register else None
        self._probe_at = 0.0
        self._ends: float | None = None
        self._retry = RETRY_FIRST
        self._lost = 0
        self._state = Registration.REGISTERING if trunk.register else Registration.NONE
        self._reachable: bool | None = None
        self._code, self._words = 0, ""
        self._round_trip: float | None = None

    def due(self, now: float) -> list[Request]:
        """What is to be sent now: first requests, and such as wait for their answer too long."""
        requests = [self._register_again(now), self._probe_again(now)]
        return [request for request in requests if request is not None]

    def wake_at(self) -> float:
        """When `due` has something next, in seconds of the same clock."""
        register = self._asked.due() if self._asked else self._register_at
        probe = self._probe.due() if self._probe else self._probe_at
        return min(moment for moment in (register, probe) if moment is not None)

    def take(self, response: Response, now: float) -> list[Request]:
        """Take an answer; gives what is to be sent at once. An answer to something else is ignored."""
        if response.code < 200:
            return []
        if self._probe and _answers(response, self._probe.request):
            self._note_seen(response, now)
            self._note_answer(now - self._probe.first if self._probe.sent == self._probe.first else None)
            self._probe, self._probe_at = None, now + QUALIFY_EVERY
        elif self._asked and _answers(response, self._asked.request):
            self._note_seen(response, now)
            self._note_answer(now - self._asked.first if self._asked.sent == self._asked.first else None)
            self._asked = None
            return self._judge(response, now)
        return []

    def lost(self, words: str, now: float) -> None:
        """The provider's host cannot be sent to at all (no such name, no way there)."""
        self._asked = self._probe = None
        self._reachable = False
        self._words = words
        self._probe_at = now + QUALIFY_EVERY
        if self._register_at is not None:
            self._state, self._register_at = Registration.UNREACHABLE, now + QUALIFY_EVERY

    def moved(self, now: float) -> None:
        """The provider's name leads to another host: register there at once, and ask whether it is there."""
        self._asked = self._probe = None
        self._probe_at = now
        if self.trunk.register:
            self._register_at, self._retry = now, RETRY_FIRST

    def farewell(self, now: float) -> Request | None:
        """The request that takes the registration back, when the trunk is no more; None: there is none."""
        if self._ends is None or self._ends <= now:
            return None
        return self._register(0, now).request

    def state(self, now: float) -> TrunkState:
        """How the trunk stands."""
        left = None if self._ends is None or self._ends <= now else self._ends - now
        return TrunkState(
            name=self.trunk.name,
            registration=self._state,
            reachable=self._reachable,
            code=self._code,
            text=self._words or self._usual_words(),
            until=None if left is None else datetime.now(UTC) + timedelta(seconds=left),
            round_trip=self._round_trip,
        )

    # What happens in time

    def _register_again(self, now: float) -> Request | None:
        if self._asked is None:
            if self._register_at is None or now < self._register_at:
                return None
            self._tried_password, self._tries = False, 0
            self._asked = self._register(self._expiry, now)
            return self._asked.request
        if now >= self._asked.first + GIVEN_UP_AFTER:
            self._asked = None
            self._fail(
                Registration.UNREACHABLE,
                0,
                f"{self._place()} does not answer; check host and port of the trunk, the network, and that its "
                "firewall lets UDP through.",
                now,
            )
            self._reachable = False
            return None
        return _again(self._asked, now)

    def _probe_again(self, now: float) -> Request | None:
        if self._probe is None:
            if now < self._probe_at:
                return None
            self._probe = _Asked(request=self._request("OPTIONS", self._pulse, self._uri(), ()), sent=now, first=now)
            return self._probe.request
        if now >= self._probe.first + GIVEN_UP_AFTER:
            self._probe, self._probe_at = None, now + QUALIFY_EVERY / 2
            self._lost += 1
            if self._lost >= LOST_TO_BE_AWAY and self._reachable and self._state is not Registration.REGISTERED:
                self._reachable = False
                self._words = f"{self._place()} does not answer any more."
            return None
        return _again(self._probe, now)

    # What answers mean

    def _judge(self, response: Response, now: float) -> list[Request]:
        self._code = response.code
        match response.code:
            case code if code < 300:
                self._registered(response, now)
            case 401 | 407:
                return self._challenged(response, now)
            case 423:
                return self._too_brief(response, now)
            case 403:
                self._refused(response, "Check user and password, and that the account is not locked.", now)
            case 404:
                self._refused(response, f"The provider knows no user {plain(self.trunk.user)}; check the user.", now)
            case code if code >= 600 or code < 500:
                self._refused(response, "Ask the provider why.", now)
            case _:
                wait = self._wait(response)
                words = f"The provider is out of service for now ({_said(response)}); it is tried again by itself."
                self._fail(Registration.REFUSED, response.code, words, now, wait=wait)
        return []

    def _registered(self, response: Response, now: float) -> None:
        seconds = self._granted(response)
        self._state, self._words = Registration.REGISTERED, ""
        self._ends, self._retry = now + seconds, RETRY_FIRST
        self._register_at = now + (seconds / 2 if seconds <= 120 else seconds - 60)
        if self._said == self.seen:
            self._left, self._moves = None, 0
        else:
            self._register_at = now + min(_MOVE_AFTER * 4**self._moves, RETRY_LONGEST)
            self._moves = min(self._moves + 1, 5)

    def _granted(self, response: Response) -> int:
        """Seconds the provider grants our contact: of the contact itself, else of the answer, else as asked."""
        granted: str | None = None
        for value in response.every("Contact"):
            try:
                contact = read_address(value)
            except BadMessage:
                continue
            if contact.uri.address == self._said and contact.uri.user == self._own_uri(self._said).user:
                granted = contact.param("expires")
        granted = granted or response.first("Expires")
        seconds = int(granted) if granted and granted.isascii() and granted.isdecimal() else self._expiry
        return min(max(seconds, _EXPIRY_LEAST), _EXPIRY_MOST)

    def _challenged(self, response: Response, now: float) -> list[Request]:
        name, answer = ("WWW-Authenticate", "Authorization")
        if response.code == 407:
            name, answer = ("Proxy-Authenticate", "Proxy-Authorization")
        try:
            challenge = read_challenge(response.every(name))
        except BadCredentials:
            words = "The provider asks for authentication other than Digest by MD5 or SHA-256; ask it for that one."
            self._refused(response, words, now)
            return []
        if self._tried_password and (not challenge.stale or self._tries >= _MOST_TRIES):
            self._challenge = None
            self._refused(response, "The provider does not accept user or password; correct them.", now)
            return []
        self._tried_password = True
        self._tries += 1
        self._challenge, self._count = (challenge, answer), 0
        self._asked = self._register(self._expiry, now)
        return [self._asked.request]

    def _too_brief(self, response: Response, now: float) -> list[Request]:
        least = response.first("Min-Expires") or ""
        if not (least.isascii() and least.isdecimal()) or not self._expiry < int(least) <= _EXPIRY_MOST:
            self._refused(response, "The provider wants another interval of registration and does not say which.", now)
            return []
        self._expiry = int(least)
        self._asked = self._register(self._expiry, now)
        return [self._asked.request]

    def _refused(self, response: Response, remedy: str, now: float) -> None:
        refused = f"{self._place()} refuses the registration ({_said(response)})."
        self._fail(Registration.REFUSED, response.code, f"{refused} {remedy}", now, wait=RETRY_LONGEST)

    def _fail(self, state: Registration, code: int, words: str, now: float, *, wait: float | None = None) -> None:
        self._state, self._code, self._words = state, code, words
        self._register_at = now + (self._retry if wait is None else wait)
        self._retry = min(self._retry * 2, RETRY_LONGEST)

    def _wait(self, response: Response) -> float | None:
        asked = (response.first("Retry-After") or "").partition(";")[0].partition("(")[0].strip()
        return float(min(max(int(asked), 5), 3600)) if asked.isascii() and asked.isdecimal() else None

    def _note_answer(self, seconds: float | None) -> None:
        self._lost = 0
        if self._reachable is False and self._state is Registration.NONE:
            self._words = ""
        self._reachable = True
        self._round_trip = seconds if seconds is not None else self._round_trip

    def _note_seen(self, response: Response, now: float) -> None:
        """Learn our address behind a router (RFC 3581), and register anew where it is another than we said."""
        host, port = response.vias[0].reply_to
        try:
            is_public = IPv4Address(host).is_global
        except ValueError:
            return
        if not is_public or (host, port) == self.seen or not 0 < port < 65536:
            return
        self._left, self.seen = self.seen, (host, port)
        if self._register_at is not None and self._state is Registration.REGISTERED:
            self._register_at = now

    # What is sent

    def _register(self, seconds: int, now: float) -> _Asked:
        self._said = self.seen
        headers: Headers = (("Contact", f"<{self._own_uri(self.seen)}>"), ("Expires", str(seconds)))
        if self._left is not None and seconds:
            headers = (("Contact", f"<{self._own_uri(self._left)}>;expires=0"), *headers)
        if self._challenge is not None:
            challenge, name = self._challenge
            self._count += 1
            answer = answer_challenge(
                challenge,
                user=self.trunk.user,
                password=self.trunk.password,
                method="REGISTER",
                uri=str(self._uri()),
                count=self._count,
            )
            headers = (*headers, (name, answer))
        return _Asked(request=self._request("REGISTER", self._chain, self._uri(), headers), sent=now, first=now)

    def _request(self, method: str, chain: _Chain, uri: Uri, headers: Headers) -> Request:
        chain.cseq += 1
        host, port = self._contact
        branch = f"z9hG4bKp{secrets.token_hex(10)}"
        account = Address(uri=replace(uri, user=self._user() or None, port=None))
        sender = replace(account, params=(("tag", chain.tag),))
        return Request(
            method=method,
            uri=uri,
            headers=(
                ("From", str(sender)),
                ("To", str(account)),
                ("Call-ID", chain.call_id),
                ("CSeq", f"{chain.cseq} {method}"),
                ("User-Agent", "Trunkline"),
                *headers,
            ),
            vias=(Via(transport="UDP", host=host, port=port, params=(("rport", None), ("branch", branch))),),
            sender=sender,
            receiver=account,
            call_id=chain.call_id,
            cseq=chain.cseq,
            cseq_method=method,
        )

    def _uri(self) -> Uri:
        port = None if self.trunk.port == 5060 else self.trunk.port
        return Uri(host=self.trunk.host.lower(), port=port)

    def _own_uri(self, place: Place) -> Uri:
        host, port = place
        return Uri(user=self._user() or self.trunk.name, host=host, port=port)

    def _user(self) -> str:
        return quote(self.trunk.user, safe=USER_SAFE)

    def _place(self) -> str:
        return f"{self.trunk.host}:{self.trunk.port}"

    def _usual_words(self) -> str:
        match self._state, self._reachable:
            case Registration.REGISTERED, _:
                return "registered"
            case Registration.REGISTERING, _:
                return f"registering at {self._place()}"
            case _, True:
                return f"{self._place()} answers"
            case _:
                return f"{self._place()} has not answered yet"


def _again(asked: _Asked, now: float) -> Request | None:
    if now < asked.sent + asked.interval:
        return None
    asked.sent, asked.interval = now, min(asked.interval * 2, T2)
    return asked.request


def _answers(response: Response, request: Request) -> bool:
    own = response.vias[0].branch == request.vias[0].branch
    return own and len(response.vias) == 1 and response.call_id == request.call_id and response.cseq == request.cseq


def _said(response: Response) -> str:
    return f"{response.code} {plain(response.reason)}".strip()
