"""Answers the one call that the library places by itself when a phone asks for a transfer.

A UDP socket on loopback that speaks as much SIP as one call needs (RFC 3261 section 17.2): 100 at once, later the
status that the exchange decides, 200 to whatever ends it. The library tells the phone that status in NOTIFY (RFC 3515),
so the phone learns whether its transfer was taken, and the real call to the target is the exchange's own.
"""

import re
import socket
import time
from contextlib import suppress
from typing import Any

DATAGRAM = 65_536
SECONDS = 20.0
"""How long the exchange may take; then the phone is told 504."""
_COPIED = re.compile(r"^(?:via|v|from|f|to|t|call-id|i|cseq|record-route)\s*:.*$", re.IGNORECASE | re.MULTILINE)
_SDP = "\r\n".join(
    (
        "v=0",
        "o=- 1 1 IN IP4 127.0.0.1",
        "s=-",
        "c=IN IP4 127.0.0.1",
        "t=0 0",
        "m=audio {port} RTP/AVP 8 0",
        "a=inactive",
        "",
    )
)


class Referral:
    """One transfer that a phone asked for.

    Attributes:
        call: the library's call to the target, which ends here.
        port: where it has to be sent, on loopback.
        done: the phone has been told; the call may go.
    """

    def __init__(self) -> None:
        self.call: Any = None
        self.done = False
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.setblocking(False)
        self.port: int = self._socket.getsockname()[1]
        self._invite = ""
        self._from: tuple[str, int] = ("", 0)
        self._code: int | None = None
        self._until = time.monotonic() + SECONDS

    def settle(self, code: int) -> None:
        """Decide: 200 taken, anything else refused; the first decision counts."""
        if self._code is None:
            self._code = code
        self._answer()

    def turn(self) -> None:
        """Read what came and answer it."""
        with suppress(BlockingIOError):
            while True:
                data, sender = self._socket.recvfrom(DATAGRAM)
                self._read(data.decode("utf-8", "replace"), sender)
        if self._code is None and time.monotonic() > self._until:
            self.settle(504)

    @property
    def expired(self) -> bool:
        """The library could not place its call (all its places were taken), or does not end it."""
        return not self.call.placed or time.monotonic() > self._until + SECONDS

    def close(self) -> None:
        """Answer no more."""
        self._socket.close()

    def _read(self, message: str, sender: tuple[str, int]) -> None:
        method = message.partition(" ")[0]
        if method == "INVITE":
            self._invite, self._from = message, sender
            self._send(message, sender, 100)
            self._answer()
        elif method not in ("ACK", "SIP/2.0"):
            self._send(message, sender, 200)

    def _answer(self) -> None:
        if self._code is not None and self._invite:
            self._send(self._invite, self._from, self._code)

    def _send(self, request: str, sender: tuple[str, int], code: int) -> None:
        lines = [line.strip() for line in _COPIED.findall(request.partition("\r\n\r\n")[0])]
        if code > 100:
            lines = [
                line + ";tag=taken" if re.match(r"t(o)?\s*:", line, re.I) and "tag=" not in line else line
                for line in lines
            ]
        body = _SDP.format(port=self.port) if code == 200 and request.startswith("INVITE") else ""
        if body:
            lines += [f"Contact: <sip:127.0.0.1:{self.port}>", "Content-Type: application/sdp"]
        text = [f"SIP/2.0 {code} {'OK' if code == 200 else 'Answer'}", *lines, f"Content-Length: {len(body)}", "", body]
        with suppress(OSError):
            self._socket.sendto("\r\n".join(text).encode(), sender)
