"""One softphone in a process of its own, driven by JSON lines: commands on stdin, the rest on stdout.

The SIP library behind it (pjsua2) ends the whole process at the slightest misuse: a call from another
thread, a second endpoint, a question about a call never placed, an object freed after the library. So
each phone is a process, one thread owns everything, and nobody imports this: `phones.py` is its other
side. A call object stays referenced until its end, because dropping it hangs up.

Command: `{"id": 7, "do": "dial", ...}`; answer: `{"id": 7, "call": 1}` or `{"id": 7, "error": "..."}`.
Events: `{"event": "incoming" | "calling" | "ringing" | "connected" | "ended" | "registered" | "transfer",
"call": 1, ...}`. The process ends when stdin closes.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pjsua2 as pj

from exchange.phone_library import (
    TURN_MS,
    Pipe,
    begin_library,
    carries_sound,
    end_library,
    obey_lines,
    shown_name,
    unhold,
    with_code,
)

STATES = {
    pj.PJSIP_INV_STATE_CALLING: "calling",
    pj.PJSIP_INV_STATE_EARLY: "ringing",
    pj.PJSIP_INV_STATE_CONFIRMED: "connected",
    pj.PJSIP_INV_STATE_DISCONNECTED: "ended",
}


class LabCall(pj.Call):  # type: ignore[misc]
    """A call of this phone; tells its changes and connects its sound."""

    def __init__(self, phone: SoftPhone, number: int, call_id: int = pj.PJSUA_INVALID_ID) -> None:
        """Make a call to be placed, or take over the arrived one with the library's `call_id`."""
        super().__init__(phone.account, call_id)
        self.phone = phone
        self.number = number
        self.player: Any = None
        self.recorder: Any = None
        self.placed = call_id != pj.PJSUA_INVALID_ID
        self.over = False

    def onCallState(self, prm: object) -> None:  # noqa: N802 - the library's name
        """Tell the new state."""
        info = self.getInfo()
        if state := STATES.get(info.state):
            self.phone.pipe.tell_event(state, call=self.number, code=info.lastStatusCode, reason=info.lastReason)
        if info.state == pj.PJSIP_INV_STATE_DISCONNECTED:
            self.over = True
        elif info.state == pj.PJSIP_INV_STATE_CONFIRMED and self.phone.hang_up_after is not None:
            self.phone.after(self.phone.hang_up_after, lambda: self.end(0))

    def onCallMediaState(self, prm: object) -> None:  # noqa: N802 - the library's name
        """Connect what is to be played, after a hold too."""
        if self.player is not None:
            self.connect_player()

    def onCallTransferStatus(self, prm: Any) -> None:  # noqa: N802 - the library's name
        """Tell how our transfer goes, and leave the call when it succeeded."""
        self.phone.pipe.tell_event("transfer", call=self.number, code=prm.statusCode, final=prm.finalNotify)
        if prm.finalNotify:
            prm.cont = False
            if prm.statusCode == 200:
                self.phone.after(0, lambda: self.end(0))

    def onDtmfDigit(self, prm: Any) -> None:  # noqa: N802 - the library's name
        """Tell a digit that the other side sent."""
        self.phone.pipe.tell_event("digit", call=self.number, digit=prm.digit)

    def connect_player(self) -> None:
        """Send the file's sound to the other side if the call can carry it now."""
        if carries_sound(self):
            self.player.startTransmit(self.getAudioMedia(-1))

    def end(self, code: int, headers: Any = None) -> None:
        """Hang up, cancel or refuse; nothing happens to a call that is over."""
        if self.over or not self.placed:
            return
        options = with_code(code)
        if headers is not None:
            options.txOption.headers = headers
        self.hangup(options)


class LabAccount(pj.Account):  # type: ignore[misc]
    """The phone's identity at the PBX."""

    def __init__(self, phone: SoftPhone) -> None:
        """Belong to one phone."""
        super().__init__()
        self.phone = phone

    def onRegState(self, prm: Any) -> None:  # noqa: N802 - the library's name
        """Tell the registrar's answer."""
        self.phone.pipe.tell_event("registered", code=prm.code, reason=prm.reason)

    def onIncomingCall(self, prm: Any) -> None:  # noqa: N802 - the library's name
        """Let it ring, then do what the script says."""
        self.phone.ring(prm.callId)


class SoftPhone:
    """The phone: one endpoint, one account, its calls, and a script for calls that arrive."""

    def __init__(self, settings: dict[str, Any], pipe: Pipe) -> None:
        """Start the library with `user`, `secret` (may be null), `codec`, `port` and `pbx_port`."""
        self.pipe = pipe
        self.user = str(settings["user"])
        self.secret = settings.get("secret")
        self.codec = str(settings["codec"])
        self.port = int(settings["port"])
        self.pbx = f"127.0.0.1:{settings['pbx_port']}"
        self.calls: dict[int, LabCall] = {}
        self.answer_after: float | None = None
        self.refuse_with: int | None = None
        self.hang_up_after: float | None = None
        self.play_on_answer: str | None = None
        self._timers: list[tuple[float, Callable[[], None]]] = []
        self._numbers = 0
        self.endpoint = begin_library(host="127.0.0.1", port=self.port, agent="lab-phone", codec=self.codec)
        self.account = LabAccount(self)
        self.account.create(self._identity(self.user, None))

    def _identity(self, user: str, name: str | None) -> Any:
        config = pj.AccountConfig()
        at = f"{quote(user, safe='+')}@" if user else ""  # a provider may send no user at all
        config.idUri = f"{shown_name(name or '')}<sip:{at}{self.pbx}>"
        config.regConfig.registerOnAdd = False
        config.mediaConfig.transportConfig.boundAddress = "127.0.0.1"
        if self.secret is None:
            # Else the library builds the contact from the shown number, whatever it holds.
            config.sipConfig.contactForced = f"<sip:trunk@127.0.0.1:{self.port}>"
        else:
            config.regConfig.registrarUri = f"sip:{self.pbx}"
            config.sipConfig.authCreds.append(pj.AuthCredInfo("digest", "*", self.user, 0, self.secret))
        return config

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something later in this thread."""
        self._timers.append((time.monotonic() + seconds, action))

    def add(self, call_id: int = pj.PJSUA_INVALID_ID) -> LabCall:
        """Give a new call object its number."""
        self._numbers += 1
        call = LabCall(self, self._numbers, call_id)
        self.calls[self._numbers] = call
        return call

    def ring(self, call_id: int) -> None:
        """Take an arrived call: ring, and answer or refuse as scripted."""
        call = self.add(call_id)
        self.pipe.tell_event("incoming", call=call.number, peer=call.getInfo().remoteUri)
        if self.refuse_with is not None:
            call.end(self.refuse_with)
            return
        call.answer(with_code(180))
        if self.answer_after is not None:
            self.after(self.answer_after, lambda: self._answer(call))

    def _answer(self, call: LabCall) -> None:
        if call.over:
            return
        if self.play_on_answer is not None:
            self._play(call, self.play_on_answer)
        call.answer(with_code(200))

    def _play(self, call: LabCall, path: str) -> None:
        call.player = pj.AudioMediaPlayer()
        call.player.createPlayer(path, pj.PJMEDIA_FILE_NO_LOOP)
        if call.placed:
            call.connect_player()

    def do(self, order: dict[str, Any]) -> dict[str, object]:
        """Carry out one command and give what its answer holds."""
        name = order["do"]
        if name == "register":
            self.account.setRegistration(bool(order["on"]))
        elif name == "script":
            self.answer_after = order["answer_after"]
            self.refuse_with = order["refuse_with"]
            self.hang_up_after = order["hang_up_after"]
            self.play_on_answer = order["play"]
        elif name == "dial":
            return {"call": self._dial(order)}
        else:
            self._do_on_call(name, self.calls[order["call"]], order)
        return {}

    def _dial(self, order: dict[str, Any]) -> int:
        if order["caller"] is not None:
            self.account.modify(self._identity(order["caller"], order["name"]))
        call = self.add()
        if order["play"] is not None:
            self._play(call, order["play"])
        options = pj.CallOpParam(True)
        options.txOption.headers = _headers(order["headers"])
        call.makeCall(self._address(order["to"]), options)
        call.placed = True
        return call.number

    def _address(self, user: str) -> str:
        return f"sip:{quote(user, safe='+*#')}@{self.pbx}"

    def _do_on_call(self, name: str, call: LabCall, order: dict[str, Any]) -> None:
        match name:
            case "answer":
                self._answer(call)
            case "refuse":
                contact = {} if order["to"] is None else {"Contact": f"<{self._address(order['to'])}>"}
                call.end(int(order["code"]), _headers(contact))
            case "hang_up":
                call.end(0)
            case "hold":
                call.setHold(pj.CallOpParam(True))
            case "unhold":
                unhold(call)
            case "blind_transfer":
                call.xfer(self._address(order["to"]), pj.CallOpParam(True))
            case "attended_transfer":
                call.xferReplaces(self.calls[order["other"]], pj.CallOpParam(True))
            case "play":
                self._play(call, order["path"])
            case "record":
                call.recorder = pj.AudioMediaRecorder()
                call.recorder.createRecorder(order["path"])
                call.getAudioMedia(-1).startTransmit(call.recorder)
            case "dtmf":
                call.dialDtmf(order["digits"])
            case _:
                raise ValueError(f"no such command: {name}")

    def turn(self) -> None:
        """Let the library work for a moment, run what is due, and forget calls that are over."""
        self.endpoint.libHandleEvents(TURN_MS)
        now = time.monotonic()
        due = [action for moment, action in self._timers if moment <= now]
        self._timers = [timer for timer in self._timers if timer[0] > now]
        for action in due:
            action()
        for number in [number for number, call in self.calls.items() if call.over]:
            self.calls.pop(number).recorder = None  # what was heard is written when it goes

    def close(self) -> None:
        """Hang up everything and end the library in the thread that owns it."""
        self._timers.clear()
        end_library(self.endpoint, self.account, self.calls, self.turn)


def _headers(texts: dict[str, str]) -> Any:
    headers = pj.SipHeaderVector()
    for name, value in texts.items():
        header = pj.SipHeader()
        header.hName, header.hValue = name, value
        headers.append(header)
    return headers


def main() -> None:
    """Run the phone that the JSON text in the first argument describes until stdin closes."""
    pipe = Pipe()
    phone = SoftPhone(json.loads(sys.argv[1]), pipe)
    pipe.tell_event("ready")
    try:
        obey_lines(phone.turn, phone.do, pipe)
    finally:
        phone.close()


if __name__ == "__main__":
    main()
