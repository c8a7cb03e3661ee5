"""The legs of one worker and everything that is done with them: orders in, events out (`exchange.wire`).

It lives in the one thread that owns the library, `exchange.worker` turns it. What can go wrong with an order is told
(`Trouble`) and leaves the legs as they are; a leg that could not begin is told to have ended, so that nobody waits.
"""

import gc
import time
from collections import deque
from contextlib import suppress
from typing import Protocol

import pjsua2 as pj

from exchange.wire import (
    Answer,
    BadLine,
    Command,
    Dial,
    Digits,
    Ended,
    EndedBy,
    Event,
    HangUp,
    Hold,
    Incoming,
    Join,
    LimitSource,
    Name,
    Part,
    Pause,
    Play,
    Progress,
    Ready,
    Record,
    Recorded,
    Refer,
    Refuse,
    Ring,
    Spy,
    Stop,
    StopPlay,
    StopRecord,
    Trouble,
    Unhold,
    event_line,
    read_command,
)
from exchange.worker_calls import LegCall, ReferredCall
from exchange.worker_library import Library
from exchange.worker_refer import Referral
from exchange.worker_settings import LEGS, WorkerSettings
from exchange.worker_sound import WorkerSound
from exchange.worker_text import (
    BadOrder,
    call_id_of_replaces,
    checked_digits,
    read_invite,
    user_of,
)
from exchange.worker_wires import LegSound, Wiring

POLL_MS = 50
UNNAMED_SECONDS = 10.0
CROWD, CROWD_SECONDS = 16, 0.6
"""At most so many legs begin in so short a time; more wait for their turn."""
CLOSING_SECONDS = 1.5
FULL_SECONDS, FULL_LOOK_SECONDS = 2.5, 0.2
"""So long a dial waits for a place of the library, and how often it is asked."""
_TOO_MANY = 70010
"""The library's word for having no place left (PJ_ETOOMANY)."""


class Out(Protocol):
    """Where events go."""

    def write(self, line: bytes) -> None:
        """Write a whole line."""


class NoSuchLeg(BadOrder):
    """There is no such leg in this worker; it may have ended just now."""


class Worker:
    """The legs of this process, and what is done with them."""

    def __init__(self, settings: WorkerSettings, out: Out) -> None:
        """Start the library.

        Raises:
            pj.Error: a port or address cannot be had.
        """
        self._settings = settings
        self._out = out
        self.wiring = Wiring()
        self.calls: list[LegCall] = []
        self.buried: list[LegCall] = []
        self.referrals: list[Referral] = []
        self.stopping = False
        self._lines: deque[bytes] = deque()
        self._begun: deque[float] = deque()
        self._full_since: float | None = None
        self._ask_again_at = 0.0
        self.library = Library(settings, self)
        self.sound = WorkerSound(self.wiring, self.leg, self._recorded)
        self.tell(Ready(at=time.time(), port=self.library.port))

    # for calls (`exchange.worker_calls.Switch`)

    def tell(self, event: Event) -> None:
        """Send an event up; a leg without a name has nothing to tell yet."""
        if getattr(event, "leg", "-"):
            self._out.write(event_line(event))

    def trouble(self, leg: str, text: str) -> None:
        """Say that something could not be done."""
        self.tell(Trouble(at=time.time(), leg=leg, text=text))

    def sound_changed(self, call: LegCall, *, runs: bool, far_held: bool) -> None:
        """Wire a leg anew."""
        if not call.leg:
            return
        sound = self.wiring.legs.setdefault(call.leg, LegSound())
        sound.runs, sound.far_held = runs, far_held
        self.sound.renewed(call.leg)

    def refer(self, call: LegCall, target: str) -> Referral:
        """Tell that a phone wants its partner transferred, and answer for the target."""
        referral = Referral()
        referral.call = ReferredCall(call.account, lambda: setattr(referral, "done", True))
        self.referrals.append(referral)
        self.library.lead(call.account, referral.port)
        replaces = call_id_of_replaces(target)
        if replaces is not None:
            replaces = next((c.leg for c in self.calls if c.call_id_text == replaces and not c.over), "")
        self.tell(Refer(at=time.time(), leg=call.leg, target=user_of(target)[:128], replaces=replaces))
        return referral

    def arrived(self, account: pj.Account, call_id: int, message: str, source: str) -> None:
        """Take over an arrived call; it waits for its name."""
        self._begun.append(time.monotonic())
        call = LegCall(self, account, "", call_id)
        self.calls.append(call)
        call.call_id_text = str(call.getInfo().callIdString)
        if self._settings.front is not None and source != f"127.0.0.1:{self._settings.front}":
            call.end(403, "Only the front speaks here")
            return
        invite = read_invite(message)
        told = {name: getattr(invite, name) for name in ("from_uri", "display", "to", "uri", "headers")}
        self.tell(Incoming(at=time.time(), call=call_id, **told))

    # orders

    def leg(self, name: str) -> LegCall | None:
        """A leg that has not ended."""
        return next((call for call in self.calls if call.leg == name and not call.over), None)

    def take(self, lines: list[bytes]) -> None:
        """Lines that came; they are carried out in their order."""
        self._lines.extend(lines)
        self._work()

    def _work(self) -> None:
        while self._lines:
            try:
                command = read_command(self._lines[0])
            except BadLine as error:
                self.trouble("-", str(error))
            else:
                if isinstance(command, Dial) and (self._crowded() or self._waits_for_place()):
                    return
                if not self.obey(command):
                    return
            self._full_since = None
            self._lines.popleft()

    def _crowded(self) -> bool:
        """So many legs began in the last moment that the library would run out of places for their sockets.

        It keeps a closed socket's place for half a second, has 64 of them, and aborts when none is left (measured).
        """
        now = time.monotonic()
        while self._begun and now - self._begun[0] > CROWD_SECONDS:
            self._begun.popleft()
        return len(self._begun) >= CROWD

    def _waits_for_place(self) -> bool:
        """Whether the library was full a moment ago, so that it need not be asked again yet."""
        return self._full_since is not None and time.monotonic() < self._ask_again_at

    def _may_wait(self, command: Command, error: pj.Error) -> bool:
        """Whether a dial for which the library has no place is tried again in a moment.

        It keeps the places of legs that were given up until their far ends have answered the CANCEL; the front does so
        in the place of one that does not, after a second.
        """
        if not isinstance(command, Dial) or error.status != _TOO_MANY:
            return False
        now = time.monotonic()
        self._full_since = self._full_since or now
        self._ask_again_at = now + FULL_LOOK_SECONDS
        return now - self._full_since < FULL_SECONDS

    def obey(self, command: Command) -> bool:
        """Carry out one command; what cannot be done is told. False: it is to be tried again in a moment."""
        try:
            self._do(command)
        except BadOrder as error:
            self._refused(command, str(error))
        except pj.Error as error:
            if self._may_wait(command, error):
                return False
            self._refused(command, f"The telephone library says: {error.reason or error.status}.")
        return True

    def _refused(self, command: Command, text: str) -> None:
        """What was to become a leg and did not has an end too, so that nobody waits for it."""
        leg = getattr(command, "leg", "-")
        self.trouble(leg, text)
        if isinstance(command, Dial | Name) and not self._known(leg):
            self.tell(Ended(at=time.time(), leg=leg, code=503, reason=text, by=EndedBy.US))

    def _do(self, command: Command) -> None:
        match command:
            case Dial():
                self._dial(command)
            case Name(call=number, leg=leg):
                self._name(number, leg)
            case Hold(leg=leg):
                self._sound_of(leg).held = True
            case Unhold(leg=leg):
                self._sound_of(leg).held = False
            case Join(legs=legs):
                self._pair(legs)
                self.wiring.joined.add(frozenset(legs))
            case Part(legs=legs):
                self.wiring.joined.discard(frozenset(legs))
            case Pause(leg=leg, paused=paused):
                self._sound_of(leg).paused = paused
            case Spy(leg=leg, at=at, mode=mode):
                self._pair((leg, at))
                self._sound_of(leg).spies = (at, mode)
            case Stop():
                self.stopping = True
            case _:
                self._do_with_call(command, self._call(command.leg))
        self.sound.apply()

    def _do_with_call(self, command: Command, call: LegCall) -> None:
        match command:
            case Ring():
                call.reply(180)
            case Progress():
                call.reply(183)
            case Answer():
                self._answer(call)
            case Refuse(code=code, reason=reason):
                self._refuse(call, code, reason)
            case HangUp(code=code):
                call.end(code)
            case Digits(digits=digits):
                _send_digits(call, checked_digits(digits))
            case Play(file=file, loop=loop):
                self.sound.play(call.leg, file, loop=loop)
            case StopPlay():
                self.sound.stop_play(call.leg)
            case Record(rx=received, tx=sent):
                self._record(call.leg, received, sent)
            case StopRecord():
                self.sound.stop_record(call.leg)
            case LimitSource():
                call.limit()

    def _dial(self, order: Dial) -> None:
        if self._known(order.leg):
            raise BadOrder("a leg of that name is here already; give each leg a name of its own")
        if len(self.calls) + sum(1 for r in self.referrals if r.call.placed and not r.call.over) >= LEGS:
            raise BadOrder(f"this worker carries {LEGS} legs already; dial in another one, or when one has ended")
        self._begun.append(time.monotonic())
        call = self.library.dial(order)
        self.calls.append(call)
        self._sound_of(order.leg)

    def _known(self, name: str) -> bool:
        return any(call.leg == name for call in self.calls)

    def _name(self, number: int, leg: str) -> None:
        call = next((c for c in self.calls if not c.dialled and not c.leg and c.number == number), None)
        if call is None or self._known(leg):
            raise NoSuchLeg
        call.leg = leg
        self._sound_of(leg)

    def _answer(self, call: LegCall) -> None:
        if call.referral is not None:
            call.referral.settle(200)
        else:
            call.reply(200)

    def _refuse(self, call: LegCall, code: int, reason: str) -> None:
        if not 300 <= code <= 699:
            raise BadOrder("a call is refused with a SIP status from 300 to 699")
        if call.referral is not None:
            call.referral.settle(code)
        else:
            call.end(code, reason)

    def _record(self, leg: str, received: str, sent: str) -> None:
        if self._sound_of(leg).records:
            raise BadOrder("the leg is recorded already; stop that recording first")
        self.sound.record(leg, received, sent)

    def _call(self, name: str) -> LegCall:
        call = self.leg(name)
        if call is None:
            raise NoSuchLeg
        return call

    def _pair(self, legs: tuple[str, str]) -> None:
        if legs[0] == legs[1]:
            raise BadOrder("a leg cannot be joined with itself")
        for leg in legs:
            self._call(leg)

    def _sound_of(self, leg: str) -> LegSound:
        self._call(leg)
        return self.wiring.legs.setdefault(leg, LegSound())

    def _recorded(self, leg: str) -> None:
        self.tell(Recorded(at=time.time(), leg=leg))

    # the loop

    def turn(self) -> None:
        """Let the library work, then tidy up what is over."""
        self.library.turn(POLL_MS)
        for referral in self.referrals:
            referral.turn()
        self._end_referrals()
        for call in [call for call in self.calls if call.over]:
            self._bury(call)
        self._give_up_on_silence()
        self.sound.turn()
        self._work()

    def _bury(self, call: LegCall) -> None:
        """A leg is over: its sound, its end, then the library's objects. One without a name waits for it first."""
        assert call.ended is not None
        if not call.leg and time.time() - call.ended.at < UNNAMED_SECONDS:
            return
        self.calls.remove(call)
        if call.leg:
            self.sound.forget(call.leg)
            self.tell(call.ended_named())
        if call.referral is None:
            self.library.drop(call)
        else:  # the library's own call still uses the account; its end comes with this answer
            call.referral.settle(200)
            self.buried.append(call)

    def _end_referrals(self) -> None:
        for referral in [r for r in self.referrals if r.done]:
            if not referral.call.over:
                with suppress(pj.Error):
                    referral.call.hangup(pj.CallOpParam(True))
                continue
            self._forget_referral(referral)
        for referral in [r for r in self.referrals if r.expired]:
            self._forget_referral(referral)

    def _forget_referral(self, referral: Referral) -> None:
        self.referrals.remove(referral)
        referral.close()
        for call in self.calls:
            if call.referral is referral:
                call.referral = None
        for call in [call for call in self.buried if call.referral is referral]:
            self.buried.remove(call)
            self.library.drop(call)

    def _give_up_on_silence(self) -> None:
        now = time.monotonic()
        for call in self.calls:
            if call.silent_since(now) > self._settings.silence_seconds:
                call.give_up()

    def close(self) -> None:
        """Hang up everything, close recordings, and end the library in the thread that owns it."""
        for call in self.calls:
            with suppress(pj.Error):
                call.end(0)
        deadline = time.monotonic() + CLOSING_SECONDS
        while (self.calls or self.sound.busy) and time.monotonic() < deadline:
            self.turn()
        for call in self.calls:
            self.sound.forget(call.leg)
        while self.sound.busy and time.monotonic() < deadline + CLOSING_SECONDS:
            self.turn()
        self.sound.close()
        self.calls.clear()
        self.buried.clear()
        self.referrals.clear()
        gc.collect()
        self.library.close()


def _send_digits(call: LegCall, digits: str) -> None:
    """As telephone events (RFC 4733), or by INFO where the far end takes none."""
    try:
        call.dialDtmf(digits)
    except pj.Error:
        order = pj.CallSendDtmfParam()
        order.method = pj.PJSUA_DTMF_METHOD_SIP_INFO
        order.digits = digits
        call.sendDtmf(order)
