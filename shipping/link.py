"""One HTTPS connection to the gateway, kept open, in a thread of its own.

`http.client` does what is needed and no more: no redirect is ever followed, no proxy of the environment has a say, and
it costs a third of a larger library's memory. A request that fails by the line, or that the gateway answers with 429 or
5xx, is `Away`: the same one may succeed later, and every request here can be repeated.
"""

import asyncio
import contextlib
import hashlib
import hmac
import http.client
import json
import random
import socket
import ssl
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from gateway.domain.errors import NotAllowed, Rejected, TryAgain

_PATIENCE = 60.0
"""Seconds without a byte after which a request counts as lost; a batch waits for its turn at the gateway."""
_CONNECT_PATIENCE = 10.0
_ANSWER_MAX = 4 << 20
_WORDS_MAX = 300


class Away(TryAgain, ConnectionError):
    """The gateway cannot be reached, or cannot take anything at the moment; it is tried again by itself."""

    def __init__(self, words: str, *, retry_after: float = 0.0) -> None:
        super().__init__(words)
        self.retry_after = retry_after
        """Seconds the gateway asks us to wait."""


class Elsewhere(Rejected):
    """The gateway stands at another place than we supposed; ask it and go on there."""


class Refused(NotAllowed):
    """The gateway refuses what we send: see its words; it is tried again each minute."""


class WrongCertificate(Away):
    """The gateway shows another certificate than pin_sha256 names; correct it, or somebody stands between."""


class Pause:
    """Back-off with jitter: twice as long each time, shorter by up to a half, so that hosts part.

    It stays so short that a gateway that is back after hours is found in seconds; asking costs nobody anything.
    """

    def __init__(self, *, first: float = 0.25, longest: float = 5.0) -> None:
        self._first, self._longest = first, longest
        self._next = first

    def well(self) -> None:
        """It went well: begin anew."""
        self._next = self._first

    async def wait(self, at_least: float = 0.0) -> None:
        """Wait, and longer the next time."""
        seconds = self._next * random.uniform(0.5, 1.0)  # noqa: S311 - it parts hosts, it keeps no secret
        self._next = min(self._next * 2, self._longest)
        await asyncio.sleep(max(seconds, min(at_least, self._longest)))


class Link:
    """Requests one after the other over one connection."""

    def __init__(self, url: str, key: str, *, tls: ssl.SSLContext | None, pin: str | None = None) -> None:
        """Args:
        url: scheme, host and port of the gateway.
        key: bearer key.
        tls: how the connection is protected; None: http on this machine.
        pin: SHA-256 of the certificate that the gateway must show; None: the context decides.
        """
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port
        self._tls, self._pin = tls, pin
        self._headers = {"Authorization": f"Bearer {key}", "Accept": "application/json"}
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="link")
        self._connection: http.client.HTTPConnection | None = None
        self._ended = False

    async def ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> dict[str, object]:
        """Send a request below `/api/v1` and wait for its answer.

        Raises:
            Away: try the same again later.
            Elsewhere: 409.
            Refused: the gateway will not have it.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._ask, method, f"/api/v1{path}", body, headers or {})

    def close(self) -> None:
        """End what is under way and close."""
        self._ended = True
        connection = self._connection
        if connection is not None and connection.sock is not None:
            with contextlib.suppress(OSError):
                connection.sock.shutdown(socket.SHUT_RDWR)
        self._thread.shutdown(wait=True, cancel_futures=True)
        self._drop()

    def _ask(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> dict[str, object]:
        while True:
            kept = self._connection is not None
            try:
                return self._sent(method, path, body, headers)
            except Away:
                raise
            except (OSError, http.client.HTTPException) as fault:
                self._drop()
                if not kept or self._ended:  # a kept connection may have been closed meanwhile; that is no failure
                    raise _away(fault) from fault

    def _sent(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> dict[str, object]:
        connection = self._connected()
        connection.request(method, path, body=body, headers={**self._headers, **headers})
        answer = connection.getresponse()
        text = answer.read(_ANSWER_MAX)
        if answer.will_close or not answer.isclosed():
            self._drop()
        return _judged(answer.status, answer.headers.get("Retry-After", ""), text)

    def _connected(self) -> http.client.HTTPConnection:
        if self._ended:
            raise ConnectionAbortedError
        if self._connection is None:
            made: http.client.HTTPConnection
            if self._tls is not None:
                made = http.client.HTTPSConnection(self._host, self._port, timeout=_CONNECT_PATIENCE, context=self._tls)
            else:
                made = http.client.HTTPConnection(self._host, self._port, timeout=_CONNECT_PATIENCE)
            made.connect()
            self._check_pin(made.sock)
            made.sock.settimeout(_PATIENCE)
            self._connection = made
        return self._connection

    def _check_pin(self, sock: socket.socket) -> None:
        if self._pin is None or not isinstance(sock, ssl.SSLSocket):
            return
        found = hashlib.sha256(sock.getpeercert(binary_form=True) or b"").hexdigest()
        if not hmac.compare_digest(found, self._pin):
            sock.close()
            raise WrongCertificate("the gateway shows another certificate than pin_sha256 names; nothing was sent")

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None


def _away(fault: Exception) -> Away:
    if isinstance(fault, ssl.SSLCertVerificationError):
        return Away(f"the gateway's certificate is not trusted: {fault.verify_message}; set ca_file or pin_sha256")
    words = getattr(fault, "strerror", None) or str(fault) or type(fault).__name__
    return Away(f"the gateway cannot be reached: {words[:_WORDS_MAX]}")


def _judged(status: int, retry_after: str, text: bytes) -> dict[str, object]:
    if 300 <= status < 400:
        raise Refused(f"the gateway answered with a redirect ({status}); no redirect is followed, correct url")
    try:
        told = json.loads(text) if text else {}
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise Away(f"what answered is not the gateway (status {status}, no JSON object)")
    if status < 300:
        return told
    words = "".join(c for c in str(told.get("detail", ""))[:_WORDS_MAX] if c.isprintable()) or f"status {status}"
    if status == 409:
        raise Elsewhere(words)
    if status in (408, 429) or status >= 500:
        raise Away(words, retry_after=float(retry_after) if retry_after.isdigit() else 0.0)
    raise Refused(f"{words} (status {status})")
