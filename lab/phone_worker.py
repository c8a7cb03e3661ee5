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

import gc
import json
import os
import select
import sys
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pjsua2 as pj

POLL_MS = 10
SAMPLE_RATE = 8000
STATES = {
    pj.PJSIP_INV_STATE_CALLING: "calling",
    pj.PJSIP_INV_STATE_EARLY: "ringing",
    pj.PJSIP_INV_STATE_CONFIRMED: "connected",
    pj.PJSIP_INV_STATE_DISCONNECTED: "ended",
}


_answers = os.dup(1)
"""The pipe to the other side; what the library prints on stdout by itself must not get into it."""


def say(**line: object) -> None:
    """Write one line to the other side; events bear the moment at which the phone saw them."""
    if "event" in line:
        line["at"] = time.time()
    os.write(_answers, json.dumps(line).encode() + b"\n")


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
            say(event=state, call=self.number, code=info.lastStatusCode, reason=info.lastReason)
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
        say(event="transfer", call=self.number, code=prm.statusCode, final=prm.finalNotify)
        if prm.finalNotify:
            prm.cont = False
            if prm.statusCode == 200:
                self.phone.after(0, lambda: self.end(0))

    def onDtmfDigit(self, prm: Any) -> None:  # noqa: N802 - the library's name
        """Tell a digit that the other side sent."""
        say(event="digit", call=self.number, digit=prm.digit)

    def connect_player(self) -> None:
        """Send the file's sound to the other side if the call can carry it now."""
        info = self.getInfo()  # kept while its parts are read: they are its memory
        if any(media.status == pj.PJSUA_CALL_MEDIA_ACTIVE for media in info.media):
            self.player.startTransmit(self.getAudioMedia(-1))

    def end(self, code: int, headers: Any = None) -> None:
        """Hang up, cancel or refuse; nothing happens to a call that is over."""
        if self.over or not self.placed:
            return
        options = _options(code)
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
        say(event="registered", code=prm.code, reason=prm.reason)

    def onIncomingCall(self, prm: Any) -> None:  # noqa: N802 - the library's name
        """Let it ring, then do what the script says."""
        self.phone.ring(prm.callId)


class SoftPhone:
    """The phone: one endpoint, one account, its calls, and a script for calls that arrive."""

    def __init__(self, settings: dict[str, Any]) -> None:
        """Start the library with `user`, `secret` (may be null), `codec`, `port` and `pbx_port`."""
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
        self.endpoint = self._start_library()
        self.account = LabAccount(self)
        self.account.create(self._identity(self.user, None))

    def _start_library(self) -> Any:
        endpoint = pj.Endpoint()
        endpoint.libCreate()
        config = pj.EpConfig()
        config.uaConfig.threadCnt = 0
        config.uaConfig.mainThreadOnly = True
        config.uaConfig.userAgent = "lab-phone"
        config.logConfig.level = config.logConfig.consoleLevel = 0
        config.medConfig.clockRate = config.medConfig.sndClockRate = SAMPLE_RATE
        config.medConfig.noVad = True
        config.medConfig.ecTailLen = 0
        config.medConfig.sndAutoCloseTime = -1  # else the clock of all sound stops a second after a call
        endpoint.libInit(config)
        transport = pj.TransportConfig()
        transport.port = self.port
        transport.boundAddress = "127.0.0.1"
        endpoint.transportCreate(pj.PJSIP_TRANSPORT_UDP, transport)
        endpoint.libStart()
        endpoint.audDevManager().setNullDev()
        for codec in endpoint.codecEnum2():
            endpoint.codecSetPriority(codec.codecId, 200 if codec.codecId.startswith(self.codec) else 0)
        return endpoint

    def _identity(self, user: str, name: str | None) -> Any:
        config = pj.AccountConfig()
        shown = "" if name is None else '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '" '
        at = f"{quote(user, safe='+')}@" if user else ""  # a provider may send no user at all
        config.idUri = f"{shown}<sip:{at}{self.pbx}>"
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
        say(event="incoming", call=call.number, peer=call.getInfo().remoteUri)
        if self.refuse_with is not None:
            call.end(self.refuse_with)
            return
        call.answer(_options(180))
        if self.answer_after is not None:
            self.after(self.answer_after, lambda: self._answer(call))

    def _answer(self, call: LabCall) -> None:
        if call.over:
            return
        if self.play_on_answer is not None:
            self._play(call, self.play_on_answer)
        call.answer(_options(200))

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
                options = pj.CallOpParam(True)
                options.opt.flag = pj.PJSUA_CALL_UNHOLD
                call.reinvite(options)
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
        self.endpoint.libHandleEvents(POLL_MS)
        now = time.monotonic()
        due = [action for moment, action in self._timers if moment <= now]
        self._timers = [timer for timer in self._timers if timer[0] > now]
        for action in due:
            action()
        for number in [number for number, call in self.calls.items() if call.over]:
            self.calls.pop(number).recorder = None  # what was heard is written when it goes

    def close(self) -> None:
        """Hang up everything and end the library in the thread that owns it.

        The registration has been taken back by then (`Phone.close`); without the network the library
        does not spend a second on it again.
        """
        self.endpoint.hangupAllCalls()
        deadline = time.monotonic() + 1.0
        while self.calls and time.monotonic() < deadline:
            self.turn()
        self._timers.clear()
        self.calls.clear()
        self.account.shutdown()
        gc.collect()
        self.endpoint.libDestroy(pj.PJSUA_DESTROY_NO_NETWORK)


def _options(code: int) -> Any:
    options = pj.CallOpParam(True)
    options.statusCode = code
    return options


def _headers(texts: dict[str, str]) -> Any:
    headers = pj.SipHeaderVector()
    for name, value in texts.items():
        header = pj.SipHeader()
        header.hName, header.hValue = name, value
        headers.append(header)
    return headers


def obey(phone: SoftPhone, line: bytes) -> None:
    """Carry out one command line and answer it."""
    order = json.loads(line)
    try:
        say(id=order["id"], **phone.do(order))
    except pj.Error as error:
        say(id=order["id"], error=error.info())
    except (KeyError, ValueError) as error:
        say(id=order["id"], error=f"{type(error).__name__}: {error}")


def main() -> None:
    """Run the phone that the JSON text in the first argument describes until stdin closes."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    phone = SoftPhone(json.loads(sys.argv[1]))
    say(event="ready")
    waiting = b""
    try:
        while True:
            phone.turn()
            if not select.select([0], [], [], 0)[0]:
                continue
            read = os.read(0, 65536)
            if not read:
                return
            *lines, waiting = (waiting + read).split(b"\n")
            for line in lines:
                obey(phone, line)
    finally:
        phone.close()


if __name__ == "__main__":
    main()
