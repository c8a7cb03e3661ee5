"""A phone without a person, in a process of its own: the demonstration's and the simulation's manager or client.

It speaks SIP and sound on loopback like any softphone, so that a demonstration call goes the way of every call. The
other side is `exchange.phones`: one JSON line a command on stdin, one JSON line an answer or event on stdout. As with a
worker, one thread owns the library (it aborts the process on the slightest misuse) and what is needed of a call is kept
referenced to its end, for a call that is dropped hangs up.

A phone with a password registers; one without is a provider's switch, from which any number calls. The library carries
four calls; a phone takes three, and its fourth place is for refusing: a manager's with 486, a provider's switch with
503, after which the next switch is tried.
"""

import json
import sys
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

FREE_CALLS = 3
"""Calls that it takes; the library's fourth place is for saying that there is no other."""
_HEARD_WORDS = {
    pj.PJSIP_INV_STATE_EARLY: "ringing",
    pj.PJSIP_INV_STATE_CONFIRMED: "answered",
    pj.PJSIP_INV_STATE_DISCONNECTED: "ended",
}


class PhoneCall(pj.Call):  # type: ignore[misc]
    """A call of this phone."""

    def __init__(self, phone: "Phone", number: int, of_library: int = pj.PJSUA_INVALID_ID) -> None:
        """A call to be placed, or the arrived one that the library knows by that id."""
        super().__init__(phone.account, of_library)
        self.number = number
        self.pipe = phone.pipe
        self.over = False
        self.is_placed = of_library != pj.PJSUA_INVALID_ID  # a question about one that is not aborts the process
        self.player: Any = None

    def onCallState(self, prm: object) -> None:  # noqa: N802 - the library's name
        """Tell what the call has become."""
        info = self.getInfo()
        if word := _HEARD_WORDS.get(info.state):
            self.pipe.tell_event(word, call=self.number, code=info.lastStatusCode, reason=info.lastReason)
        self.over = self.over or info.state == pj.PJSIP_INV_STATE_DISCONNECTED

    def onCallMediaState(self, prm: object) -> None:  # noqa: N802 - the library's name
        """There is sound now, for the first time or after a hold: speak on."""
        self.speak()

    def onCallTransferStatus(self, prm: Any) -> None:  # noqa: N802 - the library's name
        """Tell how the transfer goes that this phone asked for."""
        self.pipe.tell_event("transfer", call=self.number, code=prm.statusCode)

    def speak(self) -> None:
        """Play the file to the far end, if there is one and the call carries sound."""
        if self.player is None or not self.is_placed:
            return
        if carries_sound(self):
            self.player.startTransmit(self.getAudioMedia(-1))

    def say(self, file: str | None, *, again: bool) -> None:
        """Have a file to speak: from now on, or as soon as there is sound."""
        if file is not None:
            self.player = pj.AudioMediaPlayer()
            self.player.createPlayer(file, 0 if again else pj.PJMEDIA_FILE_NO_LOOP)
            self.speak()

    def end(self, code: int = 0) -> None:
        """Hang up, cancel or refuse; a call that is over stays over."""
        if not self.over and self.is_placed:
            self.hangup(with_code(code))


class Identity(pj.Account):  # type: ignore[misc]
    """Who the phone is."""

    def __init__(self, phone: "Phone") -> None:
        """Of one phone."""
        super().__init__()
        self.phone = phone

    def onRegState(self, prm: Any) -> None:  # noqa: N802 - the library's name
        """Tell the registrar's answer."""
        self.phone.pipe.tell_event("registered", code=prm.code, reason=prm.reason)

    def onIncomingCall(self, prm: Any) -> None:  # noqa: N802 - the library's name
        """Ring, and tell; what follows is the other side's to say."""
        self.phone.arrived(prm.callId)


class Phone:
    """The library, one identity, and its calls."""

    def __init__(self, told: dict[str, Any], pipe: Pipe) -> None:
        """Begin.

        Args:
            told: `user`, `secret` (null: a provider), `host` and `port` of its own socket, `server_host` and
                `server_port` where it sends everything.
            pipe: the way to the other side.
        """
        self.pipe = pipe
        self.user, self.secret = str(told["user"]), told["secret"]
        self.host, self.port = str(told["host"]), int(told["port"])
        self.server = f"{told['server_host']}:{int(told['server_port'])}"
        self.calls: dict[int, PhoneCall] = {}
        self._count = 0
        self.endpoint = begin_library(host=self.host, port=self.port, agent="trunkline-loopback-phone", codec="PCM")
        self.account = Identity(self)
        self.account.create(self._config(self.user, ""))

    def _config(self, user: str, name: str) -> Any:
        config = pj.AccountConfig()
        config.idUri = f"{shown_name(name)}<sip:{quote(user, safe='+*#')}@{self.server}>"
        config.regConfig.registerOnAdd = False
        config.regConfig.timeoutSec = 120
        config.mediaConfig.transportConfig.boundAddress = self.host
        if self.secret is None:
            config.sipConfig.contactForced = f"<sip:switch@{self.host}:{self.port}>"
        else:
            config.regConfig.registrarUri = f"sip:{self.server}"
            config.sipConfig.authCreds.append(pj.AuthCredInfo("digest", "*", self.user, 0, str(self.secret)))
        return config

    def arrived(self, of_library: int) -> None:
        """Take a call, let it ring, and tell who calls."""
        call = self._new(of_library)
        info = call.getInfo()
        if len(self.calls) > FREE_CALLS:
            return call.end(503 if self.secret is None else 486)
        self.pipe.tell_event("incoming", call=call.number, caller=info.remoteUri, dialled=info.localUri)
        call.answer(with_code(180))

    def _new(self, of_library: int = pj.PJSUA_INVALID_ID) -> PhoneCall:
        self._count += 1
        call = self.calls[self._count] = PhoneCall(self, self._count, of_library)
        return call

    def obey(self, order: dict[str, Any]) -> dict[str, object]:
        """Carry out one command; gives what its answer holds beside the id."""
        match order["do"]:
            case "register":
                self.account.setRegistration(bool(order["on"]))
            case "dial":
                return {"call": self._dial(order)}
            case does:
                self._obey_of(self.calls.get(int(order["call"])), str(does), order)
        return {}

    def _dial(self, order: dict[str, Any]) -> int:
        if order.get("caller"):
            self.account.modify(self._config(str(order["caller"]), str(order.get("name", ""))))
        call = self._new()
        call.say(order.get("play"), again=bool(order.get("again")))
        try:
            call.makeCall(f"sip:{quote(str(order['to']), safe='+*#')}@{self.server}", pj.CallOpParam(True))
        except pj.Error:
            call.over = True
            raise
        call.is_placed = True
        return call.number

    def _obey_of(self, call: PhoneCall | None, does: str, order: dict[str, Any]) -> None:
        if call is None or call.over:
            return  # it ended while the command was on its way: the event says so
        match does:
            case "answer":
                call.say(order.get("play"), again=bool(order.get("again")))
                call.answer(with_code(200))
            case "refuse":
                call.end(int(order["code"]))
            case "hang_up":
                call.end()
            case "hold":
                call.setHold(pj.CallOpParam(True))
            case "unhold":
                unhold(call)
            case "transfer":
                call.xfer(f"sip:{quote(str(order['to']), safe='+*#')}@{self.server}", pj.CallOpParam(True))
            case _:
                raise ValueError(f"no command {does!r}")

    def turn(self) -> None:
        """Let the library work for a moment, and forget the calls that are over."""
        self.endpoint.libHandleEvents(TURN_MS)
        for number in [number for number, call in self.calls.items() if call.over]:
            del self.calls[number]

    def close(self) -> None:
        """Hang everything up and end the library, in the thread that owns it and after all that it made."""
        end_library(self.endpoint, self.account, self.calls, self.turn)


def main() -> int:
    """Run the phone that the first line of stdin describes, until stdin closes."""
    pipe = Pipe()
    try:
        phone = Phone(json.loads(sys.stdin.readline()), pipe)
    except pj.Error as fault:
        pipe.tell_event("failed", reason=fault.reason)
        return 1
    pipe.tell_event("ready")
    obey_lines(phone.turn, phone.obey, pipe)
    phone.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
