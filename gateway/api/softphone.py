"""`/softphone`: the phone in the page. Whether there is one, and the account that a session has for it.

The account is made at the PBX for the session that asks, gets another password each time, and ends with the session
(`gateway.softphones.accounts`). SIP itself goes over `/softphone/ws` (`gateway.api.softphone_socket`).
"""

from enum import StrEnum

from pydantic import Field

from gateway.api.fields import Incoming, Nothing, Outgoing, Spoken
from gateway.api.parts import ApiParts
from gateway.api.routing import API_PREFIX, Asked, Route
from gateway.api.softphone_desk import SoftphoneDesk
from gateway.commands.errors import NoPhone
from gateway.domain.access import Right
from gateway.domain.errors import GiveUp, NotAllowed, TryAgain
from gateway.softphones.accounts import NoSoftphone
from gateway.store.people import read_user
from gateway.store.softphones import held_elsewhere

WS_PATH = API_PREFIX + "/softphone/ws"
DOMAIN = "pbx.invalid"
"""What a page calls the PBX; where it really is it is never told."""
REGISTER_SECONDS = 60


class Engine(StrEnum):
    """What a person's calls run over."""

    PBX = "pbx"
    EXCHANGE = "exchange"
    NONE = "none"


class SoftphoneState(Outgoing):
    """Whether this person can have a phone in his browser."""

    available: bool
    engine: Engine = Field(description="`exchange`: the embedded engine, at which a phone or a program registers")
    pbx: str | None = Field(description="where his phone is; null: he has no extension")
    extension: str | None
    detail: Spoken = Field(description="why there is none, and what to do; empty: there is one")
    elsewhere: bool = Field(description="another session of his has it now, and it is registered there")


class IceServerView(Outgoing):
    """As a browser's RTCPeerConnection takes it."""

    urls: str
    username: str | None
    credential: str | None


class SoftphoneAccountView(Outgoing):
    """What the page's phone signs in with."""

    pbx: str
    extension: str
    user: str = Field(description="SIP user, also the authentication name")
    password: str = Field(description="told this once; ask again for another one, which ends this one")
    domain: str = Field(description="of SIP addresses; it exists nowhere else")
    name: str
    socket: str = Field(description="path of the WebSocket, subprotocol `sip`")
    register_seconds: int
    away_seconds: int = Field(description="how long a client waits for a page that is loaded anew in mid call")
    ice_servers: tuple[IceServerView, ...]


class WantedAccount(Incoming):
    """Where the phone is wanted."""

    pbx: str | None = Field(default=None, max_length=32, description="null: where the person has an extension")


class SoftphoneRoutes:
    """The handlers of `/softphone`."""

    def __init__(self, parts: ApiParts, desk: SoftphoneDesk | None = None) -> None:
        """Without a desk the rows of the table can be read, and nothing can be asked."""
        self._parts = parts
        self._open = desk

    @property
    def _desk(self) -> SoftphoneDesk:
        if self._open is None:
            raise TryAgain
        return self._open

    def routes(self) -> tuple[Route, ...]:
        """The rows of the table."""
        return (
            Route(
                method="GET",
                path="/softphone",
                handler=self.state,
                summary="Whether I can have a phone in my browser",
                right=Right.CALLS_CONTROL_OWN,
                tag="softphone",
            ),
            Route(
                method="POST",
                path="/softphone/account",
                handler=self.give,
                summary="Make the account of the phone in my browser, or give it a new password",
                right=Right.CALLS_CONTROL_OWN,
                tag="softphone",
                errors=(NotAllowed, NoSoftphone, NoPhone, TryAgain, GiveUp),
                body_optional=True,
            ),
        )

    async def state(self, asked: Asked[Nothing, Nothing, Nothing]) -> SoftphoneState:
        """What the page shows before it asks for an account."""
        manager = asked.principal.manager
        person = None if manager is None else await read_user(self._parts.pool, int(manager))
        held = list(person.extensions) if person else []
        mine = next((e for e in held if e.pbx in self._desk.settings), None)
        if mine is not None and person is not None:
            session = asked.identity.session if asked.identity else None
            elsewhere = session is not None and await held_elsewhere(self._parts.pool, mine.pbx, person.id, session)
            return SoftphoneState(
                available=True,
                engine=Engine.PBX,
                pbx=mine.pbx,
                extension=mine.extension,
                detail="",
                elsewhere=elsewhere,
            )
        other = next((e for e in held if e.pbx in self._parts.directories), None)
        has_exchange = self._parts.settings.has_engine
        if has_exchange:
            detail = "Calls run over the embedded engine: register a phone or a phone program with your extension."
        elif self._desk.settings:
            detail = "You have no extension; ask an administrator for one."
        else:
            detail = "No PBX is set up for phones in browsers; use your phone. See docs/softphone.md."
        return SoftphoneState(
            available=False,
            engine=Engine.EXCHANGE if has_exchange else Engine.PBX if self._parts.directories else Engine.NONE,
            pbx=other.pbx if other else None,
            extension=other.extension if other else None,
            detail=detail,
            elsewhere=False,
        )

    async def give(self, asked: Asked[Nothing, Nothing, WantedAccount]) -> SoftphoneAccountView:
        """Make the account for this session."""
        identity = asked.identity
        if identity is None or identity.session is None or identity.principal.manager is None:
            raise NotAllowed("An API key has no browser; sign in as a person.")
        given = await self._desk.accounts.give(
            user_id=int(identity.principal.manager), session=identity.session, pbx=asked.body.pbx
        )
        own = self._desk.settings[given.phone.pbx]
        person = await read_user(self._parts.pool, given.phone.user_id)
        return SoftphoneAccountView(
            pbx=given.phone.pbx,
            extension=given.phone.extension,
            user=given.phone.endpoint,
            password=given.password,
            domain=DOMAIN,
            name=person.name if person else "",
            socket=WS_PATH,
            register_seconds=REGISTER_SECONDS,
            away_seconds=own.away_seconds,
            ice_servers=tuple(
                IceServerView(
                    urls=server.url,
                    username=server.user or None,
                    credential=server.password.get_secret_value() if server.password else None,
                )
                for server in own.ice_servers
            ),
        )
