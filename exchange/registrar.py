"""Where the phones are: a registrar in memory (RFC 3261, 10.3), for accounts that proved their password.

An endpoint may be registered at several places at once, a desk phone and a softphone; each has a binding with an end.
Calls go to where the registration came from, not to what the phone believes its address to be, so a phone behind a
router of the same site is reached. What outlives the process is kept by `exchange.registrations`.
"""

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from exchange.parties import PHONES_HOST
from exchange.sip_address import BadMessage, Uri, plain, read_address
from exchange.sip_text import Headers, Request

SHORTEST = 60
"""Seconds below which a registration is refused with 423, lest phones register all the time."""
LONGEST = 3600
USUAL = 300
"""Seconds of a registration that names none."""
MOST_PLACES = 6
"""Bindings of one endpoint; a further one takes the place of that which ends first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """One place of an endpoint.

    Attributes:
        mark: What tells it from the endpoint's other places, eight hexadecimal digits.
        uri: The phone's Contact.
        instance: The phone's own mark (RFC 5626, `+sip.instance`); empty without.
        source: Host and port that the registration came from.
        call_id: Of the registration.
        cseq: Of the registration.
        user_agent: How the phone calls itself; empty if it does not.
        ends: When it ends, in seconds of the front's clock.
        since: When it was renewed last.
    """

    mark: str
    uri: Uri
    instance: str
    source: tuple[str, int]
    call_id: str
    cseq: int
    user_agent: str
    ends: float
    since: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the registrar answers.

    Attributes:
        code: SIP status.
        reason: Its words.
        headers: Further headers: the bindings, or what must be corrected.
    """

    code: int
    reason: str
    headers: Headers = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    uri: Uri
    instance: str
    seconds: int


class Registrar:
    """Keeps the bindings; time comes as an argument, in seconds of one clock that never goes back."""

    def __init__(self, *, shortest: int = SHORTEST, longest: int = LONGEST) -> None:
        """Nobody is registered; intervals in seconds."""
        self._shortest, self._longest = shortest, longest
        self._places: dict[str, dict[str, Binding]] = {}

    def register(self, endpoint: str, request: Request, source: tuple[str, int], now: float) -> Answer:
        """Carry out a REGISTER of an endpoint that proved its password.

        Args:
            endpoint: Whose it is.
            request: The REGISTER; without Contact it only asks.
            source: Where it came from.
            now: The moment.
        """
        try:
            wishes = _read_wishes(request)
        except BadMessage as error:
            return Answer(code=400, reason=str(error)[:1].upper() + str(error)[1:])
        if wishes is None:
            self._places.pop(endpoint, None)
            return self._listed(endpoint, now)
        if any(0 < wish.seconds < self._shortest for wish in wishes):
            return Answer(code=423, reason="Interval Too Brief", headers=(("Min-Expires", str(self._shortest)),))
        for wish in wishes:
            if not self._bind(endpoint, wish, request, source, now):
                return Answer(code=500, reason="Registration Out Of Order")
        return self._listed(endpoint, now)

    def bindings(self, endpoint: str, now: float) -> tuple[Binding, ...]:
        """Where the endpoint is registered now, the place that was renewed last first."""
        alive = [binding for binding in self._places.get(endpoint, {}).values() if binding.ends > now]
        return tuple(sorted(alive, key=lambda binding: -binding.since))

    def place(self, endpoint: str, mark: str | None, now: float) -> Binding | None:
        """One place of the endpoint, the newest without a mark; None: it is not registered there now."""
        return next((one for one in self.bindings(endpoint, now) if mark in (None, one.mark)), None)

    def forget(self, endpoints: Collection[str]) -> None:
        """Forget all bindings of endpoints whose account is no more, or another one now."""
        for endpoint in endpoints:
            self._places.pop(endpoint, None)

    def all_of(self, endpoints: Iterable[str], now: float) -> list[tuple[str, Binding]]:
        """Every binding of these endpoints, with the endpoint, those that were renewed first before the others."""
        return [(endpoint, one) for endpoint in endpoints for one in reversed(self.bindings(endpoint, now))]

    def restore(self, endpoint: str, binding: Binding) -> None:
        """Put back a binding of before; one that was made meanwhile at the same place stays."""
        self._places.setdefault(endpoint, {}).setdefault(binding.mark, binding)

    def sweep(self, now: float) -> None:
        """Forget bindings that have ended."""
        alive = {endpoint: self.bindings(endpoint, now) for endpoint in self._places}
        self._places = {
            endpoint: {binding.mark: binding for binding in reversed(bindings)}
            for endpoint, bindings in alive.items()
            if bindings
        }

    def _bind(self, endpoint: str, wish: _Wish, request: Request, source: tuple[str, int], now: float) -> bool:
        places = self._places.setdefault(endpoint, {})
        mark = _mark(wish.uri)
        known = places.get(mark)
        if known and known.ends > now and known.call_id == request.call_id and request.cseq < known.cseq:
            return False
        if wish.instance:  # the same phone at a new address: its old place is no more
            for other in [one for one in places.values() if one.instance == wish.instance]:
                del places[other.mark]
        places.pop(mark, None)
        if not wish.seconds:
            return True
        if len(places) >= MOST_PLACES:
            del places[min(places.values(), key=lambda one: one.ends).mark]
        places[mark] = Binding(
            mark=mark,
            uri=wish.uri,
            instance=wish.instance,
            source=source,
            call_id=request.call_id,
            cseq=request.cseq,
            user_agent=plain(request.first("User-Agent")),
            ends=now + min(wish.seconds, self._longest),
            since=now,
        )
        return True

    def _listed(self, endpoint: str, now: float) -> Answer:
        contacts = tuple(
            ("Contact", f"<{binding.uri}>;expires={max(1, round(binding.ends - now))}")
            for binding in self.bindings(endpoint, now)
        )
        return Answer(code=200, reason="OK", headers=contacts)


def dial_uri(endpoint: str, binding: Binding) -> str:
    """What a worker dials to ring this one place."""
    return f"sip:{endpoint}@{PHONES_HOST};c={binding.mark}"


def _mark(uri: Uri) -> str:
    user = "" if uri.user is None else uri.user
    return hashlib.sha256(f"{user}@{uri.host}:{uri.port}".encode("utf-8", "surrogateescape")).hexdigest()[:8]


def _read_wishes(request: Request) -> list[_Wish] | None:
    """What is to be bound; None: everything is to go (`Contact: *`)."""
    usual = request.first("Expires")
    contacts = request.every("Contact")
    if "*" in contacts:
        if contacts != ["*"] or usual != "0":
            raise BadMessage("contact * stands alone, with Expires 0")
        return None
    if len(contacts) > MOST_PLACES:
        raise BadMessage(f"a registration may hold {MOST_PLACES} contacts at most")
    return [_read_wish(contact, usual) for contact in contacts]


def _read_wish(contact: str, usual: str | None) -> _Wish:
    address = read_address(contact)
    if address.uri.scheme != "sip":
        raise BadMessage("the contact must be a sip URI over UDP")
    if (address.uri.param("transport") or "udp").lower() != "udp":
        raise BadMessage("the contact must be a sip URI over UDP")
    asked = address.param("expires")
    seconds = _seconds(usual if asked is None else asked)
    return _Wish(uri=address.uri, instance=address.param("+sip.instance") or "", seconds=seconds)


def _seconds(text: str | None) -> int:
    """An interval; what is no number counts as not said (RFC 3261, 10.2.1.1)."""
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) <= 10 else USUAL
