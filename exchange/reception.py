"""What the front does with a message: registers phones, asks for passwords, lets calls through or refuses them.

Bytes come in with the side and the sender, messages to send come out; no socket, and time as an argument, so that
every rule here can be tested with text alone. Requests from outside are judged in this order: is the host known, is it
too fast, was it locked out; is the message SIP; is it within a call that we let through; else it must be a
registration, a question whether we are there, or a new call of a phone with its password or of a trunk.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace

from exchange.dialogs import Dialog
from exchange.directory import Directory
from exchange.farewells import Farewells
from exchange.guard import CALL_PACE, PHONE_PACE, TRUNK_PACE, Guard, Pace, Standing
from exchange.parties import CALL_HEADER, FROM_HEADER, Choose, Invite, Place, Refusal
from exchange.partings import Partings
from exchange.passwords import Passwords
from exchange.proxy import PENDING_AFTER, Proxy, Sent, Side, Way
from exchange.registrar import Answer, Registrar
from exchange.sip_address import BadMessage, Uri, decoded, plain
from exchange.sip_text import MAX_DATAGRAM, Headers, Request, Response, make_response, read_message
from exchange.unseated import Unseated, WaitingRoom
from exchange.ways import Ways

LOOPBACK = "127.0.0.1"
_ALLOW = "INVITE, ACK, CANCEL, BYE, OPTIONS, REGISTER, PRACK, UPDATE, REFER, NOTIFY, INFO"
_MOST_REFUSALS = 2000
_SHOWN_HEADERS = ("P-Asserted-Identity", "Remote-Party-ID", "Privacy", "Diversion")


@dataclass(slots=True)
class Figures:
    """What came and what became of it, since the start.

    Attributes:
        datagrams: Everything that came.
        garbage: What was no SIP.
        oversized: What was longer than 8 KiB.
        strangers: What came from hosts that are not known.
        too_fast: What a known host sent beyond its pace.
        locked: What came from hosts that were locked out.
        unasked: Answers to nothing that we sent.
        passed: What was sent on.
        calls: New calls that were let through.
        refused: New calls that were refused by us.
        unsent: What the machine would not send.
    """

    datagrams: int = 0
    garbage: int = 0
    oversized: int = 0
    strangers: int = 0
    too_fast: int = 0
    locked: int = 0
    unasked: int = 0
    passed: int = 0
    calls: int = 0
    refused: int = 0
    unsent: int = 0


class Reception:
    """Judges messages of both sides."""

    def __init__(
        self,
        *,
        directory: Directory,
        guard: Guard,
        registrar: Registrar,
        proxy: Proxy,
        passwords: Passwords,
        choose: Choose,
        farewells: Farewells,
        phone_pace: Pace = PHONE_PACE,
    ) -> None:
        """Work over the parts of one front; `choose` says which worker takes a new call."""
        self._directory = directory
        self._guard = guard
        self._registrar = registrar
        self._proxy = proxy
        self._ways = Ways(directory=directory, registrar=registrar, guard=guard, proxy=proxy)
        self._partings = Partings(proxy=proxy, ways=self._ways, answer=self._answer_outside, farewells=farewells)
        proxy.watch = self._partings
        self._passwords = passwords
        self._choose = choose
        self._paces = {Standing.PHONE: phone_pace, Standing.TRUNK: TRUNK_PACE}
        self._refusals: dict[tuple[str, str, str | None, int], tuple[Refusal, float]] = {}
        self._waiting = WaitingRoom()
        self.figures = Figures()

    @property
    def has_unseated(self) -> bool:
        """Whether a new call waits for room: then `seat` is to be asked again soon."""
        return bool(self._waiting)

    def seat(self, now: float) -> list[Sent]:
        """Ask again about the new calls that wait for room."""
        return [sent for call in self._waiting.waiting(now) for sent in self._seated(call, now)]

    def hear_outside(self, data: bytes, source: Place, now: float) -> list[Sent] | Response:
        """Judge a datagram from phones, providers, strangers.

        Returns:
            What is to be sent; or an answer to a request of our own, for whoever sent it.
        """
        standing, trunks = self._guard.standing(source)
        if not self._is_heard(data, source[0], standing, now):
            return []
        message = self._read(data)
        match message:
            case Response() if len(message.vias) == 1:
                return message
            case Response():
                return self._response(message, Side.OUTSIDE, now)
            case Request():
                request = _seen(message, source)
                return self._counted(
                    self._sound(
                        request, Side.OUTSIDE, lambda: self._from_outside(request, source, standing, trunks, now)
                    )
                )
        return []

    def hear_inside(self, data: bytes, source: Place, now: float) -> list[Sent]:
        """Judge a datagram at the workers' side."""
        self.figures.datagrams += 1
        if source[0] != LOOPBACK or source[1] not in self._directory.workers:
            self.figures.strangers += 1
            return []
        message = self._read(data)
        match message:
            case Response():
                return self._response(message, Side.INSIDE, now)
            case Request():
                request = _seen(message, source)
                return self._counted(
                    self._sound(request, Side.INSIDE, lambda: self._from_worker(request, source[1], now))
                )
        return []

    def overdue(self, now: float) -> list[Sent]:
        """What workers are answered in place of phones and providers that answer nothing."""
        return [
            sent
            for invite, code, reason in self._proxy.overdue(now)
            for sent in self._answer(invite, Side.INSIDE, code, reason)
        ]

    def bury(self, worker: int) -> list[Sent]:
        """End the calls of a worker that is gone, for their far sides: those that talk and those that ring."""
        self._directory.workers.discard(worker)
        return self._partings.all_of(worker)

    # Both sides

    def _is_heard(self, data: bytes, host: str, standing: Standing, now: float) -> bool:
        figures = self.figures
        figures.datagrams += 1
        if standing is Standing.STRANGER:
            figures.strangers += 1
        elif self._guard.lock_out.dropped(host, now):
            figures.locked += 1
        elif not self._guard.rate.take(host, self._paces[standing], now):
            figures.too_fast += 1
        elif len(data) > MAX_DATAGRAM:
            figures.oversized += 1
        else:
            return True
        return False

    def _read(self, data: bytes) -> Request | Response | None:
        if not data.strip(b"\r\n\0"):
            return None  # what phones send to keep a way through a router open
        try:
            return read_message(data)
        except BadMessage:
            self.figures.garbage += 1
            return None

    def _sound(self, request: Request, side: Side, judge: Callable[[], list[Sent]]) -> list[Sent]:
        """Judge a request; one whose Route or the like cannot be read is answered with what is wrong with it."""
        try:
            return judge()
        except BadMessage as error:
            self.figures.garbage += 1
            return self._answer(request, side, 400, str(error))

    def _response(self, response: Response, came: Side, now: float) -> list[Sent]:
        try:
            sent = self._proxy.pass_response(response, came, now)
        except BadMessage:
            self.figures.garbage += 1
            return []
        if sent is None:
            self.figures.unasked += 1
            return []
        return self._counted([sent])

    def _counted(self, sent: list[Sent]) -> list[Sent]:
        self.figures.passed += len(sent)
        return sent

    def _answer(self, request: Request, side: Side, code: int, reason: str, headers: Headers = ()) -> list[Sent]:
        """An answer of our own; the same for a request sent again, since nothing is kept of it."""
        if request.method == "ACK":
            return []
        words = f"{request.call_id}\0{request.vias[0].branch}"
        tag = hashlib.sha256(words.encode("utf-8", "surrogateescape")).hexdigest()[:16]
        headers = (*headers, ("Server", "Trunkline"))
        message = make_response(request, code, reason, tag=tag, headers=headers)
        return [Sent(side=side, to=request.vias[0].reply_to, message=message)]

    def _answer_outside(self, request: Request, code: int, reason: str) -> list[Sent]:
        return self._answer(request, Side.OUTSIDE, code, reason)

    def _told(self, request: Request, answer: Answer) -> list[Sent]:
        return self._answer(request, Side.OUTSIDE, answer.code, answer.reason, answer.headers)

    def _unpassable(self, request: Request, side: Side) -> list[Sent] | None:
        if self._proxy.is_loop(request):
            return self._answer(request, side, 482, "Loop Detected")
        if request.max_forwards == 0:
            return self._answer(request, side, 483, "Too Many Hops")
        return None

    # From phones and providers

    def _from_outside(
        self, request: Request, source: Place, standing: Standing, trunks: tuple[str, ...], now: float
    ) -> list[Sent]:
        if (answered := self._unpassable(request, Side.OUTSIDE)) is not None:
            return answered
        if way := self._proxy.begun(request, now):
            return [self._proxy.pass_new(request, way, Side.OUTSIDE)]
        if request.receiver.tag is not None:
            return self._within_from_outside(request, source)
        match request.method:
            case "REGISTER":
                return self._register(request, source, standing, now)
            case "OPTIONS":
                return self._answer(
                    request, Side.OUTSIDE, 200, "OK", (("Allow", _ALLOW), ("Accept", "application/sdp"))
                )
            case "INVITE":
                return self._new_call(request, source, trunks, now)
            case "CANCEL":
                self._waiting.drop(self._proxy.mark(request))
                return self._within_from_outside(request, source)
            case _:
                return self._answer(request, Side.OUTSIDE, 405, "Method Not Allowed", (("Allow", _ALLOW),))

    def _within_from_outside(self, request: Request, source: Place) -> list[Sent]:
        dialog = self._proxy.dialog(request)
        if dialog is None or dialog.worker not in self._directory.workers:
            return self._answer(request, Side.OUTSIDE, 481, "Call/Transaction Does Not Exist")
        is_party = self._guard.is_phone(source[0])
        if dialog.trunk is not None:
            is_party = self._guard.is_trunk(source[0], dialog.trunk)
        if not is_party:
            self.figures.strangers += 1
            return []
        return [self._proxy.pass_within(request, dialog, (LOOPBACK, dialog.worker), Side.OUTSIDE)]

    def _register(self, request: Request, source: Place, standing: Standing, now: float) -> list[Sent]:
        if standing is Standing.TRUNK:
            return self._answer(request, Side.OUTSIDE, 403, "A provider does not register here")
        proved = self._passwords.prove(request, source[0], now)
        if not isinstance(proved, str):
            return self._told(request, proved)
        if decoded(request.receiver.uri.user) != proved:
            return self._answer(request, Side.OUTSIDE, 403, "The user of To must be the one of the password")
        return self._told(request, self._registrar.register(proved, request, source, now))

    def _new_call(self, request: Request, source: Place, trunks: tuple[str, ...], now: float) -> list[Sent]:
        if request.uri.scheme == "sips":
            return self._refused(request, 416, "Only sip over UDP is spoken here")
        invite = (
            self._invite_of_trunk(request, source, trunks) if trunks else self._invite_of_phone(request, source, now)
        )
        if not isinstance(invite, Invite):
            return invite
        if not self._guard.rate.take(_who(invite), CALL_PACE, now):
            return self._refused(request, 503, "Too many calls at once", (("Retry-After", "5"),))
        return self._seated(Unseated(request=request, source=source, invite=invite, since=now), now)

    def _seated(self, call: Unseated, now: float) -> list[Sent]:
        """Bring a new call to a worker, refuse it, or keep it until there is room."""
        request, invite = call.request, call.invite
        chosen = self._chosen(request, invite, now)
        if chosen is None:
            self._waiting.keep(call)
            return []
        self._waiting.drop(invite.mark)
        if isinstance(chosen, Refusal):
            return self._refused(request, chosen.code, plain(chosen.reason))
        if chosen not in self._directory.workers:
            return self._refused(request, 503, "No line is free", (("Retry-After", "5"),))
        dialog = Dialog(phone=invite.phone, trunk=invite.trunk, worker=chosen, far=call.source)
        headers = ((FROM_HEADER, _who(invite)), (CALL_HEADER, invite.mark))
        way = Way(to=(LOOPBACK, chosen), uri=None, dialog=dialog, headers=headers)
        return self._begin(request, way, Side.OUTSIDE, now)

    def _chosen(self, request: Request, invite: Invite, now: float) -> int | Refusal | None:
        """Ask which worker takes a call, once: a refused INVITE that is sent again is refused again."""
        key = (invite.source, request.call_id, request.sender.tag, request.cseq)
        known = self._refusals.get(key)
        if known is not None and now - known[1] < PENDING_AFTER:
            return known[0]
        chosen = self._choose(invite)
        if isinstance(chosen, Refusal):
            self._refusals[key] = (chosen, now)
            if len(self._refusals) > _MOST_REFUSALS:
                del self._refusals[next(iter(self._refusals))]
        return chosen

    def _begin(self, request: Request, way: Way, side: Side, now: float) -> list[Sent]:
        if not self._proxy.begin(request, way, side, now):
            return self._refused(request, 503, "Too many calls at once", (("Retry-After", "5"),), side=side)
        self.figures.calls += 1
        return [self._proxy.pass_new(request, way, side)]

    def _refused(
        self, request: Request, code: int, reason: str, headers: Headers = (), *, side: Side = Side.OUTSIDE
    ) -> list[Sent]:
        self.figures.refused += 1
        return self._answer(request, side, code, reason, headers)

    def _invite_of_trunk(self, request: Request, source: Place, trunks: tuple[str, ...]) -> Invite:
        users = (_number(request.uri), _number(request.receiver.uri))
        trunk, did = self._directory.called_trunk(trunks, users)
        return _invite(request, source, self._proxy.mark(request), trunk=trunk.name, did=did)

    def _invite_of_phone(self, request: Request, source: Place, now: float) -> Invite | list[Sent]:
        proved = self._passwords.prove(request, source[0], now)
        if not isinstance(proved, str):
            return self._told(request, proved)
        return _invite(request, source, self._proxy.mark(request), phone=proved)

    # From workers

    def _from_worker(self, request: Request, worker: int, now: float) -> list[Sent]:
        if (answered := self._unpassable(request, Side.INSIDE)) is not None:
            return answered
        if way := self._proxy.begun(request, now):
            if request.method == "CANCEL":
                self._proxy.cancel(request, now)
            return [self._proxy.pass_new(request, way, Side.INSIDE)]
        if request.receiver.tag is not None or request.method == "CANCEL":
            return self._within_from_worker(request, worker)
        match request.method:
            case "INVITE":
                out = self._ways.out(request, worker, now)
                if isinstance(out, Refusal):
                    return self._answer(request, Side.INSIDE, out.code, out.reason)
                return self._begin(request, out, Side.INSIDE, now)
            case "OPTIONS":
                return self._answer(request, Side.INSIDE, 200, "OK")
            case _:
                return self._answer(request, Side.INSIDE, 405, "Method Not Allowed", (("Allow", _ALLOW),))

    def _within_from_worker(self, request: Request, worker: int) -> list[Sent]:
        dialog = self._proxy.dialog(request)
        if dialog is None or dialog.worker != worker:
            return self._answer(request, Side.INSIDE, 481, "Call/Transaction Does Not Exist")
        return [self._proxy.pass_within(request, dialog, self._ways.within(request, dialog), Side.INSIDE)]


def _who(invite: Invite) -> str:
    """Whose call it is, as workers and the pace of calls name him."""
    return f"phone:{invite.phone}" if invite.phone is not None else f"trunk:{invite.trunk}"


def _number(uri: Uri) -> str:
    """The user of an address without the parameters of a telephone number that may stand in it (RFC 3261, 19.1.6)."""
    return decoded(uri.user).partition(";")[0]


def _seen(request: Request, source: Place) -> Request:
    return replace(request, vias=(request.vias[0].seen_from(source), *request.vias[1:]))


def _invite(
    request: Request, source: Place, mark: str, *, phone: str | None = None, trunk: str | None = None, did: str = ""
) -> Invite:
    return Invite(
        phone=phone,
        trunk=trunk,
        mark=mark,
        call_id=request.call_id,
        caller=_number(request.sender.uri),
        display=plain(request.sender.display),
        dialled=_number(request.uri),
        did=did,
        replaces=request.first("Replaces") is not None,
        headers={name: plain(value) for name in _SHOWN_HEADERS if (value := request.first(name)) is not None},
        source=source[0],
    )
