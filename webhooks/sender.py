"""One attempt to hand a message to a receiver.

Redirects are not followed and proxies of the environment are not used: both would send the message elsewhere than the
checked address. Of the answer the first bytes are kept, the rest is not waited for. Everything together takes at most
15 s, however slowly a receiver gives his bytes. Connections are kept between attempts.
"""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from aiohttp import (
    ClientConnectorDNSError,
    ClientConnectorError,
    ClientError,
    ClientOSError,
    ClientResponse,
    ClientSession,
    ClientSSLError,
    ClientTimeout,
    DummyCookieJar,
    InvalidURL,
    ServerDisconnectedError,
    TCPConnector,
)
from aiohttp.abc import AbstractResolver
from standardwebhooks import Webhook
from yarl import URL

from gateway.domain.webhooks import ANSWER_KEPT, SECONDS, BadAddressError, Fault, Message, Receipt, check_url
from webhooks.addresses import AddressRefusedError, guarded_socket
from webhooks.names import NameResolver

_READ_MAX = 64 * 1024
"""An answer up to this size is read to its end, so that the connection can be used again."""


class HttpSender:
    """Sends messages; `open_sender` makes one."""

    def __init__(self, public: ClientSession, named: ClientSession, allowed: Collection[str], seconds: float) -> None:
        self._public = public
        self._named = named
        self._allowed = frozenset(host.lower().removesuffix(".") for host in allowed)
        self._seconds = seconds

    async def send(self, message: Message) -> Receipt:
        """Try once; whatever the receiver does comes back as a receipt."""
        began = time.monotonic()
        status, fault, answer = None, None, b""
        try:
            async with asyncio.timeout(self._seconds):
                status, answer = await self._posted(message)
        except (ClientError, OSError, ValueError, EOFError, AddressRefusedError, BadAddressError) as error:
            fault = fault_of(error)
        return Receipt(
            status=status, fault=fault, ms=round((time.monotonic() - began) * 1000), answer=printable(answer)
        )

    async def _posted(self, message: Message) -> tuple[int, bytes]:
        check_url(message.url, self._allowed)
        body, headers = message.body.encode(), signed(message)
        host = (urlsplit(message.url).hostname or "").removesuffix(".")
        session = self._named if host in self._allowed else self._public
        try:
            return await _post(session, message.url, body, headers)
        except (ServerDisconnectedError, ClientOSError) as error:
            if isinstance(error, ClientConnectorError):
                raise
            return await _post(session, message.url, body, headers)  # the receiver had closed a kept connection


async def _post(session: ClientSession, url: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
    async with session.post(URL(url, encoded=True), data=body, headers=headers, allow_redirects=False) as response:
        return response.status, await _first_bytes(response)


async def _first_bytes(response: ClientResponse) -> bytes:
    """The begin of the answer; a longer one is cut off together with its connection."""
    read = bytearray()
    async for chunk in response.content.iter_any():
        read += chunk
        if len(read) > _READ_MAX:
            response.close()
            break
    return bytes(read[:ANSWER_KEPT])


def signed(message: Message) -> dict[str, str]:
    """The headers of a message: its id, the moment and one signature for each secret."""
    signatures = [Webhook(secret).sign(message.id, message.at, message.body) for secret in message.secrets]
    return {
        "Content-Type": "application/json",
        "webhook-id": message.id,
        "webhook-timestamp": str(int(message.at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def fault_of(error: Exception) -> Fault:
    """Why there was no answer."""
    inner = getattr(error, "os_error", error)
    match inner:
        case AddressRefusedError() | BadAddressError():
            return Fault.ADDRESS_REFUSED
        case TimeoutError():
            return Fault.TIMEOUT
        case _ if isinstance(error, ClientConnectorDNSError):
            return Fault.NAME
        case _ if isinstance(error, ClientSSLError) or isinstance(inner, ssl.SSLError):
            return Fault.TLS
        case InvalidURL():
            return Fault.NAME
        case OSError() | ServerDisconnectedError():
            return Fault.CONNECTION
        case _:
            return Fault.ANSWER


def printable(answer: bytes) -> str:
    """An answer as the log shows it: whatever was sent, one line of text without control characters."""
    text = answer.decode("utf-8", errors="replace")
    return "".join(sign if sign.isprintable() else " " for sign in text).strip()


@asynccontextmanager
async def open_sender(
    *,
    allowed: Collection[str] = (),
    agent: str = "Trunkline",
    seconds: float = SECONDS,
    resolver: AbstractResolver | None = None,
) -> AsyncIterator[HttpSender]:
    """Open a sender; its connections are closed in the end.

    Args:
        allowed: hosts that may have private addresses, exactly as a subscription's URL names them.
        agent: how it calls itself to receivers.
        seconds: how long an attempt may take.
        resolver: finds the addresses of a name; None: the system's. Its word is not trusted.
    """
    names = resolver or NameResolver()
    guarded = TCPConnector(limit=0, socket_factory=guarded_socket, resolver=names)
    free = TCPConnector(limit=0, resolver=names)
    async with _session(agent, guarded) as public, _session(agent, free) as named:
        try:
            yield HttpSender(public, named, allowed, seconds)
        finally:
            await names.close()


def _session(agent: str, connector: TCPConnector) -> ClientSession:
    return ClientSession(
        connector=connector,
        cookie_jar=DummyCookieJar(),
        headers={"User-Agent": agent},
        timeout=ClientTimeout(total=None),  # the attempt as a whole has its limit
        auto_decompress=False,
        trust_env=False,
    )
