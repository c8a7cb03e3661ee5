"""What every phone without a person is made of: the SIP library in a process of its own, fed with lines of JSON.

The phones of demonstration and simulation (`exchange.phone_process`) and those of the tests' lab have different orders
and one library, which ends the process at the slightest misuse: one thread owns it, and every object of it must be gone
before it ends. Whoever imports this module has the library, so only such a process does.
"""

import contextlib
import gc
import json
import os
import select
import time
from collections.abc import Callable, MutableMapping
from typing import Any

import pjsua2 as pj

TURN_MS = 10
RATE = 8000
END_SECONDS = 1.0


class Pipe:
    """The way to the other side; what the library prints on standard output by itself must not get into it."""

    def __init__(self) -> None:
        """Take standard output for ourselves."""
        self._out = os.dup(1)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)

    def tell(self, **words: object) -> None:
        """Write one line."""
        os.write(self._out, json.dumps(words).encode() + b"\n")

    def tell_event(self, event: str, **words: object) -> None:
        """Write an event with the moment at which the phone saw it."""
        self.tell(event=event, at=time.time(), **words)


def begin_library(*, host: str, port: int, agent: str, codec: str) -> Any:
    """Start the library without a sound card.

    Args:
        host: address of its socket.
        port: its UDP port.
        agent: how the phone calls itself.
        codec: how the names of the codecs begin that it speaks.

    Raises:
        pj.Error: the port cannot be had.
    """
    config = pj.EpConfig()
    config.uaConfig.threadCnt = 0
    config.uaConfig.mainThreadOnly = True
    config.uaConfig.userAgent = agent
    config.logConfig.level = config.logConfig.consoleLevel = 0
    config.medConfig.clockRate = config.medConfig.sndClockRate = RATE
    config.medConfig.noVad = True
    config.medConfig.ecTailLen = 0
    config.medConfig.sndAutoCloseTime = -1  # else the clock of all sound stops a second after a call
    endpoint = pj.Endpoint()
    endpoint.libCreate()
    endpoint.libInit(config)
    socket = pj.TransportConfig()
    socket.port, socket.boundAddress = port, host
    endpoint.transportCreate(pj.PJSIP_TRANSPORT_UDP, socket)
    endpoint.libStart()
    endpoint.audDevManager().setNullDev()
    for found in endpoint.codecEnum2():
        endpoint.codecSetPriority(found.codecId, 200 if found.codecId.startswith(codec) else 0)
    return endpoint


def end_library(endpoint: Any, account: Any, calls: MutableMapping[int, Any], turn: Callable[[], None]) -> None:
    """Hang everything up and end the library, in the thread that owns it and after all that it made.

    A registration has been taken back by then; without the network the library does not spend a second on it again.
    """
    endpoint.hangupAllCalls()
    end = time.monotonic() + END_SECONDS
    while calls and time.monotonic() < end:
        turn()
    calls.clear()
    account.shutdown()
    gc.collect()
    endpoint.libDestroy(pj.PJSUA_DESTROY_NO_NETWORK)


def with_code(code: int) -> Any:
    """The library's options of an answer or an end with a SIP status."""
    options = pj.CallOpParam(True)
    options.statusCode = code
    return options


def unhold(call: Any) -> None:
    """Take the far end back."""
    again = pj.CallOpParam(True)
    again.opt.flag = pj.PJSUA_CALL_UNHOLD
    call.reinvite(again)


def shown_name(name: str) -> str:
    """A name as it stands before an address in From; empty: none."""
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}" ' if name else ""


def carries_sound(call: Any) -> bool:
    """Whether a placed call can carry sound now."""
    info = call.getInfo()  # its parts are its memory: kept while they are read
    return any(media.status == pj.PJSUA_CALL_MEDIA_ACTIVE for media in info.media)


def obey_lines(turn: Callable[[], None], obey: Callable[[dict[str, Any]], dict[str, object]], pipe: Pipe) -> None:
    """Let the library work, and carry out what comes on standard input, until it closes.

    Args:
        turn: lets the library work for a moment.
        obey: carries out one order; gives what its answer holds beside the id.
        pipe: where answers go.
    """
    unread = b""
    with contextlib.suppress(BrokenPipeError):  # nobody is interested any more
        while True:
            turn()
            if not select.select([0], [], [], 0)[0]:
                continue
            part = os.read(0, 65_536)
            if not part:
                return
            *lines, unread = (unread + part).split(b"\n")
            for line in lines:
                pipe.tell(**_answered(obey, line))


def _answered(obey: Callable[[dict[str, Any]], dict[str, object]], line: bytes) -> dict[str, object]:
    order = json.loads(line)
    try:
        return {"id": order["id"], **obey(order)}
    except pj.Error as fault:
        return {"id": order["id"], "error": fault.reason or fault.info()}
    except (KeyError, ValueError) as fault:
        return {"id": order["id"], "error": f"{type(fault).__name__}: {fault}"}
