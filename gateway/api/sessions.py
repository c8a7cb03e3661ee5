"""Signing in and out, who I am, and one's own password.

Account and address are throttled by the rule of `gateway.domain.access`. An unknown login, a wrong password and a
blocked person get the same answer after the same time.
"""

from datetime import UTC, datetime

from aiohttp import web
from pydantic import Field

from gateway.api.fields import Incoming, Nothing
from gateway.api.parts import ApiParts
from gateway.api.problems import FieldFault, InvalidRequestError, NotSignedInError, TooManyAttemptsError
from gateway.api.routing import Asked, Door, Route, answer
from gateway.api.security import (
    address_block,
    agent_of,
    client_address,
    digest,
    drop_session_cookie,
    new_session_token,
    set_session_cookie,
)
from gateway.api.session_start import Who, read_who
from gateway.api.sockets import OpenSockets
from gateway.api.users import Login, Password, check_new_password
from gateway.domain.access import Identity
from gateway.domain.errors import NotAllowed
from gateway.store import access, people


class Credentials(Incoming):
    """Login and password as typed."""

    login: Login
    password: Password


class NewPassword(Incoming):
    """The present password and the one to come."""

    old: Password
    new: Password
    end_others: bool = Field(default=True, description="whether my other sessions end")


class WrongPasswordError(NotSignedInError):
    """The login or the password is wrong, or the account is blocked; try again or ask an administrator."""


class SignOutQuery(Incoming):
    """How to leave."""

    forget: bool = Field(
        default=False, description="let the browser empty its cache, where recordings may lie: for a shared computer"
    )


class Sessions:
    """The handlers of `/session`."""

    def __init__(self, parts: ApiParts, sockets: OpenSockets) -> None:
        self._parts = parts
        self._sockets = sockets

    def routes(self) -> tuple[Route, ...]:
        """The rows of the table."""
        return (
            Route(
                method="POST",
                path="/session",
                handler=self.sign_in,
                summary="Sign in; the answer sets the session's cookie",
                right=Door.PUBLIC,
                tag="session",
                errors=(WrongPasswordError, TooManyAttemptsError),
            ),
            Route(
                method="GET",
                path="/session",
                handler=self.who,
                summary="Who I am, what I may do, and what the page needs to begin",
                right=Door.SIGNED_IN,
                tag="session",
            ),
            Route(
                method="DELETE",
                path="/session",
                handler=self.sign_out,
                summary="Sign out",
                right=Door.SIGNED_IN,
                tag="session",
                errors=(NotAllowed,),
            ),
            Route(
                method="PUT",
                path="/session/password",
                handler=self.change_password,
                summary="Change my password; my other sessions end unless I say otherwise",
                right=Door.SIGNED_IN,
                tag="session",
                errors=(NotAllowed, TooManyAttemptsError),
            ),
        )

    async def sign_in(self, asked: Asked[Nothing, Nothing, Credentials]) -> Who | web.Response:
        """Check the password and begin a session."""
        parts = self._parts
        account = await self._proved(asked.http, asked.body.login.lower(), asked.body.password)
        token = new_session_token()
        lifetime = parts.settings.sessions.lifetime
        ends = await access.open_session(
            parts.pool,
            digest=digest(token),
            user_id=account.user_id,
            lifetime=lifetime,
            address=self._address(asked.http),
            agent=agent_of(asked.http),
        )
        person = await people.read_user(parts.pool, account.user_id)
        if person is None:
            raise WrongPasswordError
        principal = access.user_principal(person.id, person.role)
        who = await read_who(parts, Identity(principal=principal, session=digest(token), expires_at=ends))
        response = answer(who)
        set_session_cookie(response, token, lifetime=lifetime, public_url=parts.settings.public_url)
        return response

    async def who(self, asked: Asked[Nothing, Nothing, Nothing]) -> Who:
        """The caller as we know him."""
        assert asked.identity is not None
        return await read_who(self._parts, asked.identity)

    async def sign_out(self, asked: Asked[Nothing, SignOutQuery, Nothing]) -> web.Response | None:
        """End the session, and the live sockets it opened."""
        session = _session(asked.identity)
        await access.end_session(self._parts.pool, session)
        self._sockets.end_session(session)
        response = web.Response(status=204, headers={"Cache-Control": "no-store"})
        if asked.query.forget:
            response.headers["Clear-Site-Data"] = '"cache"'
        drop_session_cookie(response)
        return response

    async def change_password(self, asked: Asked[Nothing, Nothing, NewPassword]) -> None:
        """Change one's own password."""
        session = _session(asked.identity)
        person = await people.read_user(self._parts.pool, int(asked.principal.manager or 0))
        if person is None:
            raise NotAllowed
        account = await self._proved(asked.http, person.login, asked.body.old, pointer="#/old")
        check_new_password(self._parts, "#/new", asked.body.new, account.login)
        hashed = await self._parts.passwords.hash(asked.body.new)
        await access.save_password(self._parts.pool, account.user_id, hashed)
        await access.write_audit(
            self._parts.pool, actor=asked.principal.id, action="user.password", object=f"user:{account.user_id}"
        )
        if asked.body.end_others:
            await access.end_sessions(self._parts.pool, account.user_id, keep=session)
            self._sockets.end_user(account.user_id, keep=session)

    def _address(self, request: web.Request) -> str:
        return address_block(client_address(request, self._parts.settings.http.trusted_proxies))

    async def _proved(
        self, request: web.Request, login: str, password: str, *, pointer: str | None = None
    ) -> access.Account:
        """The account, if the password is its own; throttled.

        Args:
            request: for the address.
            login: in small letters.
            password: as typed.
            pointer: where a wrong password stands in the body of a person who is signed in; None: he signs in.
        """
        pool = self._parts.pool
        delay = await access.begin_attempt(pool, account=login, address=self._address(request), now=datetime.now(UTC))
        if delay:
            raise TooManyAttemptsError(delay)
        account = await access.find_account(pool, login)
        right = await self._parts.passwords.verify(account.password_hash if account else None, password)
        if account is None or not right:
            if pointer is None:
                raise WrongPasswordError
            fault = FieldFault(place="body", pointer=pointer, code="password", detail="This password is wrong.")
            raise InvalidRequestError([fault])
        await access.forgive_attempts(pool, login)
        if account.password_hash and self._parts.passwords.is_outdated(account.password_hash):
            await access.save_password(pool, account.user_id, await self._parts.passwords.hash(password))
        return account


def _session(identity: Identity | None) -> bytes:
    if identity is None or identity.session is None:
        raise NotAllowed("An API key has no session and no password; revoke it at /api/v1/keys instead.")
    return identity.session
