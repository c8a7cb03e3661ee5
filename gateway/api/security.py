"""Who is calling: sessions of people, keys of programs, and whether a request may count as theirs.

A person has an opaque session in an HttpOnly SameSite=Lax cookie, a program `Authorization: Bearer
tl_ID_SECRET`. What can only give a name and a password (a dialplan's CURL) sends the key as the password of Basic
(RFC 7617), for reading alone: a browser adds Basic to a foreign page's request by itself, so it may change nothing.
Only SHA-256 digests are stored: both are 256 random bits, so a plain hash cannot be searched
(passwords, which people choose, get argon2id instead). A request that changes something and is not made by a
key needs the header `X-CSRF` and, where the browser sends Sec-Fetch-Site or Origin, our own origin: a foreign
page can make a browser send the cookie, but neither that header nor that origin (OWASP, Cross-Site Request
Forgery Prevention).

An Idempotency-Key belongs to the caller, the route and the body: `fingerprint` and `idempotency` are the pure
rules, the rows are the store's.
"""

import asyncio
import base64
import hashlib
import hmac
import ipaddress
import re
import secrets
import time
from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Protocol

from aiohttp import web
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from gateway.api.problems import ForeignOriginError
from gateway.domain.access import PASSWORD_LENGTH_MAX, FirstRequest, Identity, IssuedKey, Principal

COOKIE = "trunkline_session"
CSRF_HEADER = "X-CSRF"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
IDEMPOTENCY_HEADER = "Idempotency-Key"
IDEMPOTENCY_PATTERN = r"^[!-~]{1,255}$"

USE_SECONDS = 60.0
"""How often the use of a key or a session is written down."""
_NOTED_MAX = 5000

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_KEY = re.compile(r"tl_(?P<id>[a-z0-9]{12})_(?P<secret>[A-Za-z0-9_-]{43})")

IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network


class SessionStore(Protocol):
    """Where sessions are kept."""

    async def session(self, digest: bytes) -> Identity | None:
        """The live session with this digest; None: there is none, it ended, or its person is blocked."""

    async def seen(self, digest: bytes, *, address: str, agent: str) -> None:
        """Write down that the session was used, and from where."""


class KeyStore(Protocol):
    """Where API keys are kept."""

    async def key(self, key_id: str) -> IssuedKey | None:
        """The key that was issued under this id and is not revoked."""

    async def used(self, key_id: str) -> None:
        """Write down that the key was used."""


def digest(token: str) -> bytes:
    """What is stored of a token: its SHA-256, 32 bytes."""
    return hashlib.sha256(token.encode()).digest()


def new_session_token() -> str:
    """A fresh session token of 256 random bits; it goes into the cookie and nowhere else."""
    return secrets.token_urlsafe(32)


def new_api_key() -> tuple[str, str, bytes]:
    """A fresh API key.

    Returns:
        Its public id, the whole key (shown once to the person who asked for it), the digest to store.
    """
    key_id = secrets.token_hex(6)
    secret = secrets.token_urlsafe(32)
    return key_id, f"tl_{key_id}_{secret}", digest(secret)


def set_session_cookie(response: web.StreamResponse, token: str, *, lifetime: timedelta, public_url: str) -> None:
    """Hand the browser its session; the cookie is Secure where the site is reached by https."""
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(lifetime.total_seconds()),
        path="/",
        httponly=True,
        samesite="Lax",
        secure=public_url.startswith("https://"),
    )


def drop_session_cookie(response: web.StreamResponse) -> None:
    """Tell the browser to forget its session."""
    response.del_cookie(COOKIE, path="/", httponly=True, samesite="Lax")


class Doorkeeper:
    """Finds out who is calling."""

    def __init__(
        self,
        *,
        sessions: SessionStore,
        keys: KeyStore,
        public_url: str,
        trusted_proxies: Sequence[IpNetwork] = (),
    ) -> None:
        self._sessions = sessions
        self._keys = keys
        self._origin = public_url
        self._proxies = trusted_proxies
        self._noted: dict[str | bytes, float] = {}

    async def identify(self, request: web.Request) -> Identity | None:
        """The caller, by his key or his session; None: nobody we know.

        Who sends both is nobody: a client must not use two ways in one request (RFC 6750 section 2).
        """
        authorization = request.headers.get("Authorization")
        token = request.cookies.get(COOKIE)
        if authorization is not None:
            return await self._by_key(authorization, request.method) if token is None else None
        if token is None or not _TOKEN.fullmatch(token):
            return None
        found = await self._sessions.session(digest(token))
        if found is not None and self._is_due(digest(token)):
            address = address_block(client_address(request, self._proxies))
            await self._sessions.seen(digest(token), address=address, agent=agent_of(request))
        return found

    async def _by_key(self, authorization: str, method: str) -> Identity | None:
        scheme, _, credentials = authorization.partition(" ")
        match scheme.lower():
            case "bearer":
                found = _KEY.fullmatch(credentials.strip())
            case "basic" if method in SAFE_METHODS:
                found = _KEY.fullmatch(_password_of(credentials))
            case _:
                return None
        if found is None:
            return None
        stored = await self._keys.key(found["id"])
        # Compared also when there is no such key: the time of the answer must not tell which ids exist.
        expected = stored.secret_digest if stored else bytes(32)
        same = hmac.compare_digest(digest(found["secret"]), expected)
        if stored is None or not same:
            return None
        if self._is_due(found["id"]):
            await self._keys.used(found["id"])
        return Identity(principal=stored.principal)

    def _is_due(self, proof: str | bytes) -> bool:
        """Whether the use of a key or a session is to be written down: once in a minute is enough."""
        now = time.monotonic()
        if now - self._noted.get(proof, -USE_SECONDS) < USE_SECONDS:
            return False
        if len(self._noted) >= _NOTED_MAX:
            self._noted = {known: at for known, at in self._noted.items() if now - at < USE_SECONDS}
        self._noted[proof] = now
        return True

    def check_origin(self, request: web.Request) -> None:
        """Refuse a change that a foreign page may have made the browser send.

        Raises:
            ForeignOriginError: the request changes something, has no key, and is not from our own page.
        """
        if request.method in SAFE_METHODS or "Authorization" in request.headers:
            return
        if CSRF_HEADER not in request.headers or not self.is_own_origin(request):
            raise ForeignOriginError

    def is_own_origin(self, request: web.Request) -> bool:
        """Whether what the browser says of the request's source is us; a WebSocket is asked this too."""
        if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
            return False
        origin = request.headers.get("Origin")
        if origin is None:
            return True
        scheme, _, host = origin.lower().partition("://")
        return origin.lower() == self._origin or (bool(scheme) and host == request.host.lower())


def _password_of(credentials: str) -> str:
    """The password of Basic credentials; empty: they are none."""
    try:
        return base64.b64decode(credentials.strip(), validate=True).decode("ascii").partition(":")[2]
    except ValueError:
        return ""


def client_address(request: web.Request, trusted_proxies: Sequence[IpNetwork]) -> str:
    """The caller's address for the throttle of the sign-in.

    X-Forwarded-For is read from its end, and only as long as the one who added the entry is a trusted proxy.
    """
    address = _address(request.remote or "")
    entries = ",".join(request.headers.getall("X-Forwarded-For", [])).split(",")
    for entry in reversed(entries):
        earlier = _address(entry)
        if address is None or earlier is None or not any(address in proxy for proxy in trusted_proxies):
            break
        address = earlier
    return str(address or "")


def agent_of(request: web.Request) -> str:
    """What a browser calls itself, kept printable: it is shown to the person whose session it is."""
    return "".join(sign for sign in request.headers.get("User-Agent", "") if sign.isprintable())[:300]


def address_block(address: str) -> str:
    """What the throttle counts as one address: an IPv4 address, or the /64 an IPv6 customer owns whole."""
    parsed = _address(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed or "")


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text.strip())
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


class Passwords:
    """Passwords as argon2id hashes (2 passes, 19 MiB, 1 lane: OWASP's choice; 33 ms measured).

    The work is done in a thread, a few at a time: a storm of attempts must not take the memory or the event
    loop.
    """

    def __init__(self, *, at_once: int = 2) -> None:
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
        self._turn = asyncio.Semaphore(at_once)
        self._nobody: str | None = None

    async def hash(self, password: str) -> str:
        """The hash to store, in argon2's own format with its parameters and salt."""
        async with self._turn:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether the password belongs to the hash.

        Args:
            stored: the account's hash; None for an account that does not exist, which costs the same time and
                is never right.
            password: as typed; over-long ones are wrong without being hashed.
        """
        if len(password) > PASSWORD_LENGTH_MAX:
            return False
        if self._nobody is None:
            self._nobody = await self.hash(secrets.token_urlsafe(16))
        async with self._turn:
            right = await asyncio.to_thread(self._matches, stored or self._nobody, password)
        return right and stored is not None

    def is_outdated(self, stored: str) -> bool:
        """Whether the hash was made with other parameters and should be made anew after a good sign-in."""
        return self._hasher.check_needs_rehash(stored)

    def _matches(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError, UnicodeEncodeError):
            return False


class Repetition(StrEnum):
    """What a request with an Idempotency-Key is."""

    NEW = "new"
    """The key was never used: store it with the fingerprint and do the work in one transaction."""
    REPLAY = "replay"
    """The same request was finished: give the stored answer again."""
    RUNNING = "running"
    """The same request is being worked on: 409, ask again."""
    OTHER = "other"
    """The key was used for another request: 422."""


def fingerprint(principal: Principal, route: str, path: str, body: bytes) -> bytes:
    """What an Idempotency-Key stands for: SHA-256 over caller, route, its path as requested and the body.

    Args:
        principal: who asks.
        route: method and template, like `POST /calls/{call_id}/hangup`.
        path: path and query as they were requested.
        body: the body in one canonical spelling, so that key order and spaces do not matter.
    """
    whole = hashlib.sha256()
    for part in (principal.id.encode(), route.encode(), path.encode(), body):
        whole.update(len(part).to_bytes(8, "big"))  # lengths, or two parts could be cut in another place
        whole.update(part)
    return whole.digest()


def idempotency(stored: FirstRequest | None, asked: bytes) -> Repetition:
    """What to do with a request.

    Args:
        stored: the first request of this caller, route and key; None: there was none.
        asked: the fingerprint of this request.
    """
    if stored is None:
        return Repetition.NEW
    if not hmac.compare_digest(stored.fingerprint, asked):
        return Repetition.OTHER
    return Repetition.REPLAY if stored.finished else Repetition.RUNNING
