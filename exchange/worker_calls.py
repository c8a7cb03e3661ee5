"""One leg as the library sees it: a call, and what it tells while it lives.

The library ends the process when a call is asked that was never placed, and hangs up a live call whose object is
dropped; so the worker keeps each one until it is over, and asks none before it is placed. A transfer that a phone asks
for (REFER, RFC 3515) cannot merely be noted: the library answers 202 only by placing a call to the target at once. That
call is led to `exchange.worker_refer` in this process, which answers it as the exchange decides, and the library tells
the phone so (NOTIFY); nobody else ever sees it.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol

import pjsua2 as pj

from exchange.wire import Answered, Digit, Early, Ended, EndedBy, Event, Held, Resumed, Ringing, Sound
from exchange.worker_refer import Referral
from exchange.worker_rtp import SourceNotLimited, limit_source

_HELD = (pj.PJSUA_CALL_MEDIA_REMOTE_HOLD, pj.PJSUA_CALL_MEDIA_NONE)


class Switch(Protocol):
    """What a call needs of the worker it lives in."""

    def tell(self, event: Event) -> None:
        """Send an event up."""

    def sound_changed(self, call: "LegCall", *, runs: bool, far_held: bool) -> None:
        """The call has a new port, or none."""

    def refer(self, call: "LegCall", target: str) -> Referral:
        """A phone wants its partner transferred."""

    def trouble(self, leg: str, text: str) -> None:
        """Something could not be done for a leg."""


class LegCall(pj.Call):  # type: ignore[misc]
    """A leg, dialled or arrived.

    Attributes:
        leg: its name; empty until the exchange gave one.
        over: it has ended.
        account: the library's account it belongs to; a dialled leg has one of its own.
    """

    def __init__(self, switch: Switch, account: Any, leg: str, call_id: int = pj.PJSUA_INVALID_ID) -> None:
        super().__init__(account, call_id)
        self.switch = switch
        self.account = account
        self.leg = leg
        self.dialled = call_id == pj.PJSUA_INVALID_ID
        self.placed = not self.dialled
        self.over = False
        self.ended: Ended | None = None
        self.referral: Referral | None = None
        self.call_id_text = ""
        self.number = call_id
        self._placed_at = 0.0
        self._heard_of = not self.dialled
        self._ended_by_us = False
        self._given_up = False
        self._limited = False
        self._early_told = False
        self._far_held = False
        self._codec = ""

    # what the library tells

    def onCallState(self, prm: object) -> None:  # noqa: N802 - the library's name
        """Tell the new state."""
        info = self.getInfo()
        self.call_id_text = info.callIdString
        match info.state:
            case pj.PJSIP_INV_STATE_EARLY if self.dialled:
                self._heard_of = True
                self.switch.tell(Ringing(at=time.time(), leg=self.leg, code=info.lastStatusCode))
            case pj.PJSIP_INV_STATE_CONFIRMED:
                self._heard_of = True
                self.switch.tell(Answered(at=time.time(), leg=self.leg))
            case pj.PJSIP_INV_STATE_DISCONNECTED:
                self._end(int(info.lastStatusCode), str(info.lastReason))

    def onCallTsxState(self, prm: Any) -> None:  # noqa: N802 - the library's name
        """See that anybody is there at all: 100 is no change of state."""
        if not self._heard_of:
            self._heard_of = prm.e.type == pj.PJSIP_EVENT_TSX_STATE and prm.e.body.tsxState.tsx.statusCode >= 100

    def onCallMediaState(self, prm: object) -> None:  # noqa: N802 - the library's name
        """Connect the sound anew: every negotiation makes a new port."""
        info = self.getInfo()  # kept while its parts are read: they are its memory
        statuses = [media.status for media in info.media if media.type == pj.PJMEDIA_TYPE_AUDIO]
        runs = any(status in (pj.PJSUA_CALL_MEDIA_ACTIVE, pj.PJSUA_CALL_MEDIA_REMOTE_HOLD) for status in statuses)
        far_held = bool(statuses) and all(status in _HELD for status in statuses)
        confirmed = info.state == pj.PJSIP_INV_STATE_CONFIRMED
        if runs:
            self._tell_codec()
            self._limit()
        if self.dialled and runs and not confirmed and not self._early_told:
            self._early_told = True
            self.switch.tell(Early(at=time.time(), leg=self.leg))
        self.switch.sound_changed(self, runs=runs, far_held=far_held)
        if far_held != self._far_held:
            self._far_held = far_held
            self.switch.tell((Held if far_held else Resumed)(at=time.time(), leg=self.leg))

    def onDtmfDigit(self, prm: Any) -> None:  # noqa: N802 - the library's name
        """Tell a digit."""
        self.switch.tell(Digit(at=time.time(), leg=self.leg, digit=str(prm.digit)[:1]))

    def onCallTransferRequest(self, prm: Any) -> None:  # noqa: N802 - the library's name
        """Take a transfer as a wish: what the library places is answered in this process."""
        self.referral = self.switch.refer(self, str(prm.dstUri))
        prm.newCall = self.referral.call

    def onCallReplaceRequest(self, prm: Any) -> None:  # noqa: N802 - the library's name
        """Nobody replaces a leg behind the exchange's back (RFC 3891)."""
        prm.statusCode = pj.PJSIP_SC_NOT_ACCEPTABLE_HERE

    # what it is told

    def port(self) -> Any:
        """Its port of the conference bridge now."""
        return self.getAudioMedia(-1)

    def reply(self, code: int, reason: str = "") -> None:
        """Answer an arrived call; nothing happens to one that is over."""
        if not self.over:
            self.answer(options(code, reason))

    def end(self, code: int, reason: str = "") -> None:
        """Hang up, cancel or refuse; nothing happens to a call that is over or was never placed."""
        if self.over or not self.placed:
            return
        self._ended_by_us = True
        self.hangup(options(code, reason))

    def was_placed(self) -> None:
        """The library took it: from now on it may be asked and ended."""
        self.placed = True
        self._placed_at = time.monotonic()

    def silent_since(self, now: float) -> float:
        """Seconds in which a dialled far end has given no sign at all; 0 once it has."""
        return 0.0 if self._heard_of or self.over or not self.placed else now - self._placed_at

    def give_up(self) -> None:
        """End a call that nobody answers to: like a time-out of SIP, only sooner (RFC 3261 waits 32 s)."""
        self._heard_of = True
        self._given_up = True
        self.hangup(options(408))

    def ended_named(self) -> Ended:
        """Its end, under the name it got meanwhile."""
        assert self.ended is not None
        return replace(self.ended, leg=self.leg)

    def limit(self) -> None:
        """Take sound from the negotiated address alone, now and after every change of it."""
        self._limited = True
        self._limit()

    def _limit(self) -> None:
        if not self._limited or self.over or not self.hasMedia():
            return
        try:
            stream, transport = self.getStreamInfo(0), self.getMedTransportInfo(0)
            limit_source(str(transport.localRtpName), str(stream.remoteRtpAddress))
            limit_source(str(transport.localRtcpName), str(stream.remoteRtcpAddress))
        except pj.Error:
            return  # there is no stream yet; the next negotiation comes here again
        except SourceNotLimited as error:
            self.switch.trouble(self.leg, str(error))

    def _tell_codec(self) -> None:
        codec = str(self.getStreamInfo(0).codecName)
        if codec != self._codec:
            self._codec = codec
            self.switch.tell(Sound(at=time.time(), leg=self.leg, codec=codec))

    def _end(self, code: int, reason: str) -> None:
        self.over = True
        if self._given_up:
            code, reason = 408, "No sign of the far end"
        by = EndedBy.US if self._ended_by_us or self._given_up else EndedBy.FAR
        self.ended = Ended(at=time.time(), leg=self.leg, code=code, reason=reason, by=by)


class ReferredCall(pj.Call):  # type: ignore[misc]
    """The call that the library places for a REFER; it ends as soon as the phone has its answer."""

    def __init__(self, account: Any, done: Callable[[], None]) -> None:
        super().__init__(account)
        self.placed = False
        self.over = False
        self._done = done

    def onCallState(self, prm: object) -> None:  # noqa: N802 - the library's name
        """Note that it was answered, or is over."""
        self.placed = True
        state = self.getInfo().state
        self.over = self.over or state == pj.PJSIP_INV_STATE_DISCONNECTED
        if state in (pj.PJSIP_INV_STATE_CONFIRMED, pj.PJSIP_INV_STATE_DISCONNECTED):
            self._done()


def options(code: int, reason: str = "") -> Any:
    """The library's form of a status; 0 leaves it to the library."""
    made = pj.CallOpParam(True)
    made.statusCode = code
    made.reason = reason
    return made
