"""Passes SIP between the outside and the workers (RFC 3261, 16.11), with no state but where a new call was sent.

The front has two sides: the bind address, which phones and providers know, and a port on 127.0.0.1 for the workers.
Whatever comes in at one side leaves at the other, so a dialog has two Record-Routes of ours, one for each (RFC 5658).

Nothing about a dialog is kept here. Its Record-Routes carry a token: who the far side is, which worker has the call,
and where the far side was seen, signed together with the Call-ID. A request within a dialog is passed only with such
a token, so no stranger reaches a worker, and nobody uses us to reach a third. An answer is passed only where its branch
was signed for the hop below it, so a made-up one goes nowhere. What is kept, for as long as a transaction lasts, is
where a new request was sent: its CANCEL and its ACK of a refusal must follow, whatever has changed since.
"""

import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import blake2b
from types import MappingProxyType
from typing import Protocol

from exchange.dialogs import Dialog, Standing, Talk, make_bye
from exchange.parties import OWN_HEADERS, Place
from exchange.sip_address import BadMessage, Uri, Via, read_address
from exchange.sip_text import Headers, Request, Response

MOST_PENDING = 5000
"""New calls on their way at once; further ones are refused with 503."""
PENDING_LONGEST = 900.0
"""Seconds that a call may take to be answered or refused."""
PENDING_AFTER = 40.0
"""Seconds after the final answer in which ACK and repeated requests still come (64 times T1, and some)."""
CANCELLED_AFTER = 1.0
"""Seconds in which whoever is called must answer a CANCEL; then its INVITE is answered with 487 in his place."""
SILENT_AFTER = 7.0
"""Seconds in which he must say anything at all; then with 408."""
_COOKIE = "z9hG4bK"
_TOKEN = re.compile(r"([pt])\.([A-Za-z0-9._-]{1,64})~(\d{1,5})~([0-9.]{7,15}):(\d{1,5})~([A-Za-z0-9_-]{24})")


class Side(StrEnum):
    """The two sides of the front."""

    OUTSIDE = "outside"
    INSIDE = "inside"

    @property
    def other(self) -> "Side":
        """The side at which a message leaves that came in at this one."""
        return Side.INSIDE if self is Side.OUTSIDE else Side.OUTSIDE


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """Where a new request goes.

    Attributes:
        to: The next hop.
        uri: The Request-URI it gets; None leaves it as it is.
        dialog: Who stands at the two ends.
        headers: Headers of ours that it gets.
    """

    to: Place
    uri: Uri | None
    dialog: Dialog
    headers: Headers = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A message to send.

    Attributes:
        side: From which side.
        to: The next hop.
        message: The message as it goes.
    """

    side: Side
    to: Place
    message: Request | Response


@dataclass(slots=True)
class _Pending:
    way: Way
    until: float
    invite: Request
    came: Side
    begun: float
    is_final: bool = False
    is_heard: bool = False
    cancelled: float | None = None


class Watch(Protocol):
    """Who is told of calls that begin, stand and end (`exchange.partings`)."""

    def begins(self, mark: str, invite: Request, way: Way, came: Side) -> None:
        """A new call was sent on its way."""

    def stands(self, mark: str, talk: Talk) -> None:
        """A call was answered."""

    def over(self, mark: str) -> None:
        """A call rings or talks no more."""


class Proxy:
    """Rewrites messages and says where they go; sends nothing itself. Time is an argument, in seconds."""

    def __init__(
        self, *, outside: Place, inside: Place, key: bytes, seen: Mapping[str, Place] = MappingProxyType({})
    ) -> None:
        """Stand between two addresses.

        Args:
            outside: The address for phones and providers.
            inside: The address for workers.
            key: Signs, and is known to nobody else.
            seen: Where each trunk sees us, if elsewhere than at `outside`; read each time.
        """
        self._seen = seen
        self.places = {Side.OUTSIDE: outside, Side.INSIDE: inside}
        self._key = key
        self._pending: dict[str, _Pending] = {}
        self.standing = Standing()
        self.watch: Watch | None = None

    # Requests that begin something

    def begun(self, request: Request, now: float) -> Way | None:
        """Where this transaction was sent before: for one sent again, its CANCEL, its ACK of a refusal."""
        pending = self._pending.get(self.mark(request))
        return pending.way if pending and pending.until > now else None

    def begin(self, request: Request, way: Way, came: Side, now: float) -> bool:
        """Keep where a new request goes; False: too many are on their way."""
        if len(self._pending) >= MOST_PENDING:
            self.sweep(now)
            if len(self._pending) >= MOST_PENDING:
                return False
        mark = self.mark(request)
        self._pending[mark] = _Pending(way, now + PENDING_LONGEST, request, came, now)
        if self.watch is not None:
            self.watch.begins(mark, request, way, came)
        return True

    def cancel(self, request: Request, now: float) -> None:
        """A new call is cancelled by whoever began it."""
        pending = self._pending.get(self.mark(request))
        if pending is not None and pending.cancelled is None:
            pending.cancelled = now

    def overdue(self, now: float) -> list[tuple[Request, int, str]]:
        """Take out workers' calls to phones and providers that answer nothing, with what is answered in their place.

        A worker's library keeps a place for a call that was given up until its INVITE is answered, half a minute where
        nobody is there, and has four; so it gets its answer here, as from any proxy (RFC 3261, 16.8).
        """
        late = []
        for mark, pending in self._pending.items():
            if pending.is_final or pending.came is Side.OUTSIDE:
                continue
            if pending.cancelled is not None and now - pending.cancelled >= CANCELLED_AFTER:
                late.append((mark, pending, 487, "Request Terminated"))
            elif not pending.is_heard and now - pending.begun >= SILENT_AFTER:
                late.append((mark, pending, 408, "Request Timeout"))
        for mark, pending, _, _ in late:
            pending.is_final, pending.until = True, min(pending.until, now + PENDING_AFTER)
            self._over(mark)
        return [(pending.invite, code, reason) for _, pending, code, reason in late]

    def sweep(self, now: float) -> None:
        """Forget transactions that are over."""
        for mark, pending in self._pending.items():
            if pending.until <= now and not pending.is_final:
                self._over(mark)
        self._pending = {branch: pending for branch, pending in self._pending.items() if pending.until > now}

    @property
    def pending(self) -> int:
        """Transactions that are kept."""
        return len(self._pending)

    def pass_new(self, request: Request, way: Way, came: Side) -> Sent:
        """Send a request outside a dialog on its way; an INVITE gets our Record-Routes."""
        headers = self._passable(request, came)
        if request.method == "INVITE":
            headers = (*self._record_routes(request.call_id, way.dialog, came), *headers)
        return self._passed(request, came, way.to, (*headers, *way.headers), way.uri or request.uri)

    # Requests within a dialog

    def dialog(self, request: Request) -> Dialog | None:
        """What the token of the request's Route says; None: it has none that we signed for this call."""
        for route in request.every("Route")[:2]:
            try:
                uri = read_address(route).uri
            except BadMessage:
                return None
            if not self._is_own(uri):
                return None
            if (token := uri.param("d")) and (dialog := self._read_token(request.call_id, token)):
                return dialog
        return None

    def pass_within(self, request: Request, dialog: Dialog, to: Place, came: Side) -> Sent:
        """Send a request within a dialog to the next hop."""
        if request.method == "BYE" and (talk := self.standing.end(request.call_id, dialog)) is not None:
            self._over(talk.mark)
        return self._passed(request, came, to, self._passable(request, came), request.uri)

    def next_hop(self, request: Request) -> Place:
        """Where the request itself says it goes: its first Route that is not ours, or its Request-URI."""
        for route in request.every("Route"):
            uri = read_address(route).uri
            if not self._is_own(uri):
                return uri.address
        return request.uri.address

    def is_loop(self, request: Request) -> bool:
        """Whether the request comes from ourselves (RFC 3261, 16.3, 4)."""
        return any((via.host, via.port) in self.places.values() for via in request.vias)

    # Answers

    def pass_response(self, response: Response, came: Side, now: float) -> Sent | None:
        """Send an answer back the way its request came.

        Returns:
            None: it answers nothing that we sent.
        """
        own, *below = response.vias
        if not below or (own.host, own.port) != self.places[came]:
            return None
        tag = response.sender.tag or ""
        if not hmac.compare_digest(own.branch, self._branch_of(below[0], response.call_id, tag, response.cseq)):
            return None
        pending = self._pending.get(own.branch)
        if pending is not None and response.cseq_method == "INVITE":
            pending.is_heard = True
        if pending and not pending.is_final and response.code >= 200 and response.cseq_method == "INVITE":
            pending.until, pending.is_final = min(pending.until, now + PENDING_AFTER), True
            if response.code < 300:
                self._stands(pending, response, came)
            self._over(own.branch)
        headers = tuple(pair for pair in response.headers if not _is_internal(pair[0]))
        message = replace(response, vias=tuple(below), headers=headers)
        return Sent(side=came.other, to=below[0].reply_to, message=message)

    def _stands(self, pending: _Pending, response: Response, came: Side) -> None:
        """Keep what it takes to end this call should its worker die."""
        said: Request | Response
        if came is Side.OUTSIDE:
            said, ours, theirs = response, response.sender, response.receiver
            routes = response.every("Record-Route")[::-1]
        else:
            said, ours, theirs = pending.invite, response.receiver, response.sender
            routes = pending.invite.every("Record-Route")
        beyond = [route for route in routes if not self._is_own(read_address(route).uri)]
        talk = Talk(
            dialog=pending.way.dialog,
            call_id=response.call_id,
            ours=ours,
            theirs=theirs,
            contact=said.first("Contact"),
            routes=tuple(beyond),
        )
        forgotten = self.standing.begin(talk)
        if self.watch is not None:
            self.watch.stands(talk.mark, talk)
        if forgotten is not None:
            self._over(forgotten.mark)

    def _over(self, mark: str) -> None:
        if self.watch is not None:
            self.watch.over(mark)

    def unanswered(self, worker: int) -> list[tuple[Side, Request, Way]]:
        """Take out the calls of a worker that still ring: where they came in, their INVITE, and where it went."""
        ringing = {
            branch: pending
            for branch, pending in self._pending.items()
            if pending.way.dialog.worker == worker and not pending.is_final
        }
        for mark, pending in ringing.items():
            pending.is_final = True
            self._over(mark)
        return [(pending.came, pending.invite, pending.way) for pending in ringing.values()]

    def talks_of(self, worker: int) -> list[Talk]:
        """Take out the calls of a worker that talk."""
        talks = list(self.standing.of(worker))
        for talk in talks:
            self._over(talk.mark)
        return talks

    def bye_of(self, talk: Talk) -> Request:
        """What ends a call in its worker's name, for its far side."""
        host, port = self.places[Side.OUTSIDE]
        branch = f"{_COOKIE}b{self._mac('bye', talk.mark)}"
        via = Via(transport="UDP", host=host, port=port, params=(("rport", None), ("branch", branch)))
        return make_bye(talk, via)

    # How it is written

    def _passed(self, request: Request, came: Side, to: Place, headers: Headers, uri: Uri) -> Sent:
        leaves = came.other
        host, port = self.places[leaves]
        via = Via(transport="UDP", host=host, port=port, params=(("rport", None), ("branch", self.mark(request))))
        message = replace(
            request,
            uri=uri,
            headers=headers,
            vias=(via, *request.vias),
            max_forwards=request.max_forwards - 1,
        )
        return Sent(side=leaves, to=to, message=message)

    def _passable(self, request: Request, came: Side) -> Headers:
        """The headers without those that are ours: our Routes, our words for workers, a phone's password proof."""
        kept: list[tuple[str, str]] = []
        on_top = True
        for name, value in request.headers:
            if name == "Route" and on_top:
                on_top = self._is_own(read_address(value).uri)
                if on_top:
                    continue
            if _is_internal(name) or (came is Side.OUTSIDE and name in ("Authorization", "Proxy-Authorization")):
                continue
            kept.append((name, value))
        return tuple(kept)

    def _record_routes(self, call_id: str, dialog: Dialog, came: Side) -> Headers:
        token = self._token(call_id, dialog)
        places = self.places | {Side.OUTSIDE: self._seen.get(dialog.trunk or "", self.places[Side.OUTSIDE])}
        return tuple(("Record-Route", f"<sip:{_text(places[side])};lr;d={token}>") for side in (came.other, came))

    def _token(self, call_id: str, dialog: Dialog) -> str:
        who = f"p.{dialog.phone}" if dialog.phone is not None else f"t.{dialog.trunk}"
        text = f"{who}~{dialog.worker}~{_text(dialog.far)}"
        return f"{text}~{self._mac('dialog', text, call_id)}"

    def _read_token(self, call_id: str, token: str) -> Dialog | None:
        found = _TOKEN.fullmatch(token)
        if found is None:
            return None
        kind, name, worker, host, port, mac = found.groups()
        if not hmac.compare_digest(mac, self._mac("dialog", token.rpartition("~")[0], call_id)):
            return None
        return Dialog(
            phone=name if kind == "p" else None,
            trunk=name if kind == "t" else None,
            worker=int(worker),
            far=(host, int(port)),
        )

    def _is_own(self, uri: Uri) -> bool:
        return uri.address in self.places.values() or uri.address in self._seen.values()

    def mark(self, request: Request) -> str:
        """What no other transaction has, of whatever sender: the branch of our own Via."""
        return self._branch_of(request.vias[0], request.call_id, request.sender.tag or "", request.cseq)

    def _branch_of(self, via: Via, call_id: str, tag: str, cseq: int) -> str:
        """The branch of our own Via: the same for an INVITE, its CANCEL and its ACK of a refusal, and signed."""
        host, port = via.reply_to
        return f"{_COOKIE}t{self._mac('branch', via.branch, via.host, host, str(port), call_id, tag, str(cseq))}"

    def _mac(self, *words: str) -> str:
        content = "\0".join(words).encode("utf-8", "surrogateescape")
        return urlsafe_b64encode(blake2b(content, key=self._key, digest_size=18).digest()).decode()


def _is_internal(name: str) -> bool:
    return name.lower().startswith(OWN_HEADERS)


def _text(place: Place) -> str:
    return f"{place[0]}:{place[1]}"
