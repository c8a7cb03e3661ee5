"""Asks phones for their passwords and judges the answers (RFC 3261, 22), with the lock-out of whoever guesses."""

import structlog

from exchange.digest import Age, BadCredentials, Challenge, Credentials, Nonces, Replays, is_right, read_credentials
from exchange.directory import Directory
from exchange.guard import LockOut
from exchange.registrar import Answer
from exchange.sip_address import BadMessage, read_uri
from exchange.sip_text import Request

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class Passwords:
    """Judges what a request proves; time comes as an argument, in seconds.

    Attributes:
        wrong: Wrong passwords since the start.
    """

    def __init__(self, *, directory: Directory, lock_out: LockOut, nonces: Nonces, realm: str) -> None:
        """Ask in the name of a realm for the accounts of a directory."""
        self._directory = directory
        self._lock_out = lock_out
        self._nonces = nonces
        self._replays = Replays()
        self._realm = realm
        self.wrong = 0

    def prove(self, request: Request, host: str, now: float) -> str | Answer:
        """The endpoint whose password the request proves, or what is to be answered instead.

        Args:
            request: A REGISTER or an INVITE.
            host: Where it came from.
            now: The moment.
        """
        name = "Authorization" if request.method == "REGISTER" else "Proxy-Authorization"
        try:
            given = [read_credentials(value) for value in request.every(name)]
        except BadCredentials as error:
            return Answer(code=400, reason=str(error))
        credentials = next((one for one in given if one.realm == self._realm), None)
        if credentials is None:
            return self._challenge(request, host, now)
        if wait := self._lock_out.locked(host, credentials.username, now):
            retry = (("Retry-After", str(int(wait) + 1)),)
            return Answer(code=403, reason="Too many wrong passwords, wait", headers=retry)
        age = self._nonces.judge(credentials.nonce, host, now)
        if age is Age.FOREIGN:
            return self._challenge(request, host, now)
        if not self._is_right(credentials, request):
            self._note_wrong(credentials, host, now)
            return Answer(code=403, reason="Wrong user or password")
        if age is Age.STALE or not self._replays.take(credentials, f"{request.call_id} {request.cseq}"):
            return self._challenge(request, host, now, stale=True)
        self._lock_out.right(host, credentials.username)
        return credentials.username

    def _is_right(self, credentials: Credentials, request: Request) -> bool:
        ha1 = self._directory.ha1(credentials.username, credentials.algorithm)
        try:
            same = read_uri(credentials.uri).user == request.uri.user
        except BadMessage:
            same = False
        return same and is_right(credentials, ha1 or "0", request.method) and ha1 is not None

    def _note_wrong(self, credentials: Credentials, host: str, now: float) -> None:
        self.wrong += 1
        self._lock_out.wrong(host, credentials.username, now)
        if self._lock_out.locked(host, credentials.username, now):
            known = credentials.username in self._directory.phones
            log.warning("wrong passwords: locked out", host=host, endpoint=credentials.username if known else "unknown")

    def _challenge(self, request: Request, host: str, now: float, *, stale: bool = False) -> Answer:
        code, reason, name = 407, "Proxy Authentication Required", "Proxy-Authenticate"
        if request.method == "REGISTER":
            code, reason, name = 401, "Unauthorized", "WWW-Authenticate"
        nonce = self._nonces.fresh(host, now)
        headers = tuple(
            (name, str(Challenge(realm=self._realm, nonce=nonce, algorithm=algorithm, stale=stale)))
            for algorithm in self._directory.algorithms
        )
        return Answer(code=code, reason=reason, headers=headers)
