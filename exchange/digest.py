"""Digest authentication of SIP, both sides: MD5 and SHA-256 with `qop=auth` (RFC 2617, RFC 7616, RFC 8760).

The server keeps no list of the nonces it gave out: each holds its moment and is signed together with the host it was
given to, so that nobody can use one that another host was sent, and none is good for longer than its life. What has to
be kept is the highest count (`nc`) of a nonce that was used, so that no request counts twice (`Replays`).
"""

import hashlib
import hmac
import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import OrderedDict
from dataclasses import dataclass
from enum import StrEnum

from gateway.domain.errors import Rejected

NONCE_LIFE = 300.0
"""Seconds for which a nonce is good; afterwards the same password gets a new one (`stale`)."""
_MOST_REPLAYS = 20_000
_PAIR = re.compile(r"\s*([A-Za-z0-9_-]{1,32})\s*=\s*(\"(?:[^\"\\]|\\.){0,512}\"|[^\s,\"]{1,512})\s*(?:,|$)")
_COUNT = re.compile(r"[0-9a-fA-F]{8}")
_MAC_BYTES = 16


class BadCredentials(Rejected, ValueError):
    """The credentials are no Digest of RFC 7616 with qop=auth; the text says what is missing."""


class Algorithm(StrEnum):
    """What hashes the password."""

    MD5 = "MD5"
    SHA256 = "SHA-256"


class Age(StrEnum):
    """What a nonce is worth."""

    GOOD = "good"
    STALE = "stale"
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What a client answered to a challenge; every field is its own word."""

    username: str
    realm: str
    nonce: str
    uri: str
    response: str
    algorithm: Algorithm
    cnonce: str
    nc: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """What a server asks (the fields are those of RFC 7616, 3.3)."""

    realm: str
    nonce: str
    algorithm: Algorithm = Algorithm.MD5
    opaque: str | None = None
    qop: bool = True
    stale: bool = False

    def __str__(self) -> str:
        stale = ", stale=true" if self.stale else ""
        return (
            f'Digest realm="{self.realm}", nonce="{self.nonce}", algorithm={self.algorithm.value}, qop="auth"' + stale
        )


def hash_password(user: str, realm: str, password: str, algorithm: Algorithm = Algorithm.MD5) -> str:
    """HA1: what a registrar keeps instead of the password."""
    return _hash(algorithm, f"{user}:{realm}:{password}")


def read_credentials(value: str) -> Credentials:
    """Read an Authorization or Proxy-Authorization header.

    Raises:
        BadCredentials: It is no Digest with qop=auth by MD5 or SHA-256.
    """
    pairs = _read_pairs(value)
    missing = [name for name in ("username", "realm", "nonce", "uri", "response", "cnonce", "nc") if name not in pairs]
    if missing or pairs.get("qop") != "auth" or not _COUNT.fullmatch(pairs.get("nc", "")):
        raise BadCredentials("the credentials must name username, realm, nonce, uri, response, cnonce, nc and qop=auth")
    algorithm = _algorithm(pairs.get("algorithm"))
    if algorithm is None:
        raise BadCredentials("the credentials must use MD5 or SHA-256")
    return Credentials(
        username=pairs["username"],
        realm=pairs["realm"],
        nonce=pairs["nonce"],
        uri=pairs["uri"],
        response=pairs["response"].lower(),
        algorithm=algorithm,
        cnonce=pairs["cnonce"],
        nc=pairs["nc"],
    )


def is_right(credentials: Credentials, ha1: str, method: str) -> bool:
    """Whether the credentials prove the password behind `ha1` for this request."""
    expected = _response(credentials, ha1, method)
    return hmac.compare_digest(expected.encode(), credentials.response.encode("utf-8", "replace"))


def read_challenge(values: list[str]) -> Challenge:
    """Read WWW-Authenticate or Proxy-Authenticate headers and take the first that we can answer.

    Raises:
        BadCredentials: None of them is a Digest by MD5 or SHA-256.
    """
    for value in values:
        try:
            pairs = _read_pairs(value)
        except BadCredentials:
            continue
        algorithm = _algorithm(pairs.get("algorithm"))
        asked = [word.strip() for word in pairs.get("qop", "").split(",")]
        if algorithm is None or "nonce" not in pairs or ("qop" in pairs and "auth" not in asked):
            continue
        return Challenge(
            realm=pairs.get("realm", ""),
            nonce=pairs["nonce"],
            algorithm=algorithm,
            opaque=pairs.get("opaque"),
            qop="qop" in pairs,
            stale=pairs.get("stale", "").lower() == "true",
        )
    raise BadCredentials("the server asks for a way of authentication other than Digest by MD5 or SHA-256")


def answer_challenge(challenge: Challenge, *, user: str, password: str, method: str, uri: str, count: int = 1) -> str:
    """Answer a challenge as a client.

    Args:
        challenge: What the server asked.
        user: Our user there.
        password: Its password.
        method: The request's.
        uri: The Request-URI as it is written.
        count: How often the challenge's nonce is used, this time counted.
    """
    credentials = Credentials(
        username=user,
        realm=challenge.realm,
        nonce=challenge.nonce,
        uri=uri,
        response="",
        algorithm=challenge.algorithm,
        cnonce=secrets.token_hex(8),
        nc=f"{count:08x}",
    )
    ha1 = hash_password(user, challenge.realm, password, challenge.algorithm)
    fields = [("username", user), ("realm", challenge.realm), ("nonce", challenge.nonce), ("uri", uri)]
    text = "Digest " + ", ".join(f'{name}="{_quoted(value)}"' for name, value in fields)
    if challenge.qop:
        response = _response(credentials, ha1, method)
        text += f', qop=auth, nc={credentials.nc}, cnonce="{credentials.cnonce}"'
    else:
        response = _hash(
            challenge.algorithm, f"{ha1}:{challenge.nonce}:{_hash(challenge.algorithm, f'{method}:{uri}')}"
        )
    opaque = "" if challenge.opaque is None else f', opaque="{_quoted(challenge.opaque)}"'
    return f'{text}, algorithm={challenge.algorithm.value}, response="{response}"{opaque}'


class Nonces:
    """Gives nonces out and knows them again without keeping them."""

    def __init__(self, key: bytes, *, life: float = NONCE_LIFE) -> None:
        """Sign with a key that nobody else has; `life` in seconds."""
        self._key, self._life = key, life

    def fresh(self, host: str, now: float) -> str:
        """A nonce for this host; `now` in seconds of one clock that never goes back."""
        moment = int(now * 1000).to_bytes(8, "big") + secrets.token_bytes(4)
        return urlsafe_b64encode(moment + self._mac(moment, host)).decode()

    def judge(self, nonce: str, host: str, now: float) -> Age:
        """Whether a nonce is ours, of this host, and not too old."""
        try:
            content = urlsafe_b64decode(nonce.encode())
        except ValueError:
            return Age.FOREIGN
        moment, mac = content[:12], content[12:]
        if len(content) != 12 + _MAC_BYTES or urlsafe_b64encode(content).decode() != nonce:
            return Age.FOREIGN
        if not hmac.compare_digest(mac, self._mac(moment, host)):
            return Age.FOREIGN
        age = now - int.from_bytes(moment[:8], "big") / 1000
        return Age.GOOD if age <= self._life else Age.STALE

    def _mac(self, moment: bytes, host: str) -> bytes:
        return hashlib.blake2b(moment + host.encode(), key=self._key, digest_size=_MAC_BYTES).digest()


class Replays:
    """Sees to it that nobody uses the credentials of a request for another one."""

    def __init__(self) -> None:
        """Nothing was used yet."""
        self._used: OrderedDict[str, tuple[int, str]] = OrderedDict()

    def take(self, credentials: Credentials, request: str) -> bool:
        """Use credentials that were found right.

        Args:
            credentials: With their count.
            request: What tells a request sent again from another one (its Call-ID and CSeq).

        Returns:
            False: their count was used before, by another request.
        """
        count = int(credentials.nc, 16)
        last, by = self._used.get(credentials.nonce, (0, ""))
        if count < last or (count == last and by != request):
            return False
        self._used[credentials.nonce] = (count, request)
        self._used.move_to_end(credentials.nonce)
        if len(self._used) > _MOST_REPLAYS:
            self._used.popitem(last=False)
        return True


def _read_pairs(value: str) -> dict[str, str]:
    scheme, _, rest = value.strip().partition(" ")
    if scheme.lower() != "digest":
        raise BadCredentials("the credentials are no Digest")
    pairs: dict[str, str] = {}
    position = 0
    while position < len(rest):
        found = _PAIR.match(rest, position)
        if found is None or found[1].lower() in pairs:
            raise BadCredentials("the credentials cannot be read")
        text = found[2]
        pairs[found[1].lower()] = re.sub(r"\\(.)", r"\1", text[1:-1]) if text.startswith('"') else text
        position = found.end()
    return pairs


def _algorithm(name: str | None) -> Algorithm | None:
    return {"MD5": Algorithm.MD5, "SHA-256": Algorithm.SHA256}.get((name or "MD5").upper())


def _response(credentials: Credentials, ha1: str, method: str) -> str:
    ha2 = _hash(credentials.algorithm, f"{method}:{credentials.uri}")
    text = f"{ha1}:{credentials.nonce}:{credentials.nc}:{credentials.cnonce}:auth:{ha2}"
    return _hash(credentials.algorithm, text)


def _hash(algorithm: Algorithm, text: str) -> str:
    content = text.encode("utf-8", "surrogateescape")
    if algorithm is Algorithm.MD5:
        return hashlib.md5(content, usedforsecurity=False).hexdigest()
    return hashlib.sha256(content).hexdigest()


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
