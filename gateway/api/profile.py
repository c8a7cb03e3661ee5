"""One's own things: the profile, what one prefers on the screen, and where one is signed in.

A person changes his own name as it is shown, language, theme, zone and country; his role and login an administrator
does. Preferences are JSON objects by area of the screen, which the gateway keeps and does not read.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

import phonenumbers
from pydantic import AfterValidator, Field, JsonValue

from gateway.api.fields import Incoming, Nothing, Outgoing, RowId
from gateway.api.parts import ApiParts
from gateway.api.problems import NotFoundError, StaleVersionError, refused_value
from gateway.api.routing import Asked, Door, Handler, Method, Route
from gateway.api.sockets import OpenSockets
from gateway.api.users import PersonName, Zone
from gateway.api.visibility import own_user
from gateway.domain.access import Identity, Principal
from gateway.domain.devices import device_of
from gateway.domain.errors import GatewayError, NotAllowed
from gateway.live import Happening
from gateway.settings import Language
from gateway.store import people, preferences, sessions
from gateway.store.access import end_sessions, write_audit
from gateway.store.preferences import AREAS_MAX, Preference

VALUE_MAX = 16_384
"""Bytes of one area's value, written as JSON."""


class Theme(StrEnum):
    """Which colours the screen has; `auto` follows the system."""

    AUTO = "auto"
    LIGHT = "light"
    DARK = "dark"


def _region(value: str) -> str:
    if value not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError("No country of this code is known; write one like PL.")
    return value


Region = Annotated[str, Field(pattern=r"^[A-Z]{2}$"), AfterValidator(_region)]
Area = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,29}([.][a-z][a-z0-9_]{0,28})?$")]


class AreaPath(Incoming):
    """Which area of the screen."""

    area: Area


class SessionPath(Incoming):
    """Which of one's own sessions."""

    session_id: RowId


class ProfileChange(Incoming):
    """What is to be changed; what is left out stays."""

    version: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = Field(
        default=None, description="as it was read, another is a conflict; left out: whatever it is now"
    )
    name: PersonName | None = None
    language: Language | None = None
    theme: Theme | None = None
    timezone: Zone | Literal[""] | None = Field(default=None, description="empty: the company's")
    region: Region | Literal[""] | None = Field(
        default=None, description="country whose numbers are shown in their national form; empty: the company's"
    )


class ProfileView(Outgoing):
    """What a person may change of himself."""

    id: int
    login: str
    name: str
    language: Language
    theme: Theme
    timezone: str | None = Field(description="null: the company's")
    region: str | None = Field(description="null: the company's")
    version: int


class NewPreference(Incoming):
    """What is preferred in one area from now on."""

    value: dict[str, JsonValue] = Field(description=f"at most {VALUE_MAX} bytes as JSON; replaces what was there")
    version: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = Field(
        default=None, description="as it was read, 0 where there was none; left out: whatever it is"
    )


class PreferenceView(Outgoing):
    """What is preferred in one area."""

    area: str
    value: dict[str, JsonValue]
    version: int = Field(description="0: nothing was said yet")


class PreferenceList(Outgoing):
    """All areas."""

    items: tuple[PreferenceView, ...]


class SessionView(Outgoing):
    """A place where one is signed in."""

    id: int
    current: bool = Field(description="this request came from it")
    browser: str = Field(description="empty: not known")
    system: str = Field(description="empty: not known")
    agent: str = Field(description="as the browser called itself; anybody can send anything")
    address: str
    began_at: datetime
    seen_at: datetime = Field(description="last use, to the minute")
    expires_at: datetime


class SessionList(Outgoing):
    """Where one is signed in, the one used last first."""

    items: tuple[SessionView, ...]


def preference_view(found: Preference) -> PreferenceView:
    """An area as it is shown."""
    return PreferenceView.model_validate({"area": found.area, "value": found.value, "version": found.version})


class Profile:
    """The handlers of `/me`."""

    def __init__(self, parts: ApiParts, sockets: OpenSockets) -> None:
        self._parts = parts
        self._sockets = sockets

    def routes(self) -> tuple[Route, ...]:
        """The rows of the table."""
        return (
            _route("GET", "/me", self.read, "My profile"),
            _route("PATCH", "/me", self.change, "Change my profile", StaleVersionError),
            _route("GET", "/me/preferences", self.all_areas, "What I prefer on the screen"),
            _route("GET", "/me/preferences/{area}", self.area, "What I prefer in one area of the screen"),
            _route("PUT", "/me/preferences/{area}", self.prefer, "Keep what I prefer", StaleVersionError),
            _route("DELETE", "/me/preferences/{area}", self.forget, "Have it as everybody has it again"),
            _route("GET", "/me/sessions", self.places, "Where I am signed in"),
            _route("DELETE", "/me/sessions", self.end_others, "Sign out everywhere else"),
            _route("DELETE", "/me/sessions/{session_id}", self.end, "Sign out at one place"),
        )

    async def read(self, asked: Asked[Nothing, Nothing, Nothing]) -> ProfileView:
        """One's profile."""
        return await self._shown(_own(asked.principal))

    async def change(self, asked: Asked[Nothing, Nothing, ProfileChange]) -> ProfileView:
        """Change it."""
        own, body = _own(asked.principal), asked.body
        changes: dict[str, object] = {
            name: value for name, value in body.model_dump(exclude={"version"}).items() if value is not None
        }
        changes |= {name: None for name in ("timezone", "region") if changes.get(name) == ""}
        async with self._parts.pool.acquire() as connection, connection.transaction():
            if not await people.change_user(connection, own, changes, version=body.version):
                raise StaleVersionError
            if told := sorted({"name", "timezone"} & changes.keys()):  # what others see, and where his day begins
                detail: dict[str, object] = {"fields": told}
                await write_audit(
                    connection, actor=asked.principal.id, action="user.changed", object=f"user:{own}", detail=detail
                )
        if "timezone" in changes:
            await self._parts.tables_changed()
        shown = await self._shown(own)
        self._tell(own, "profile.changed", {"user": own, "version": shown.version})
        return shown

    async def all_areas(self, asked: Asked[Nothing, Nothing, Nothing]) -> PreferenceList:
        """Everything one prefers."""
        found = await preferences.preferences_of(self._parts.pool, _own(asked.principal))
        return PreferenceList(items=tuple(map(preference_view, found)))

    async def area(self, asked: Asked[AreaPath, Nothing, Nothing]) -> PreferenceView:
        """One area."""
        area = asked.path.area
        found = await preferences.preference_of(self._parts.pool, _own(asked.principal), area)
        return preference_view(found or Preference(area=area, value={}, version=0))

    async def prefer(self, asked: Asked[AreaPath, Nothing, NewPreference]) -> PreferenceView:
        """Keep an area."""
        own, area, body = _own(asked.principal), asked.path.area, asked.body
        if len(json.dumps(body.value, ensure_ascii=False).encode()) > VALUE_MAX:
            raise refused_value("value", f"This is more than {VALUE_MAX} bytes; keep less in this area.")
        async with self._parts.pool.acquire() as connection, connection.transaction():
            kept = await preferences.save_preference(connection, own, area, body.value, version=body.version)
        if kept is None:
            raise StaleVersionError(
                f"This area has another version by now, or there are {AREAS_MAX} areas already; read it again."
            )
        self._tell(own, "preferences.changed", {"user": own, "area": area, "version": kept.version})
        return preference_view(kept)

    async def forget(self, asked: Asked[AreaPath, Nothing, Nothing]) -> None:
        """Forget an area."""
        own, area = _own(asked.principal), asked.path.area
        async with self._parts.pool.acquire() as connection, connection.transaction():
            await preferences.drop_preference(connection, own, area)
        self._tell(own, "preferences.changed", {"user": own, "area": area, "version": 0})

    async def places(self, asked: Asked[Nothing, Nothing, Nothing]) -> SessionList:
        """One's sessions."""
        assert asked.identity is not None
        found = await sessions.sessions_of(self._parts.pool, _own(asked.principal))
        return SessionList(items=_session_views(found, asked.identity))

    async def end_others(self, asked: Asked[Nothing, Nothing, Nothing]) -> None:
        """End all sessions but this one."""
        assert asked.identity is not None
        own, keep = _own(asked.principal), asked.identity.session
        if keep is None:
            raise NotAllowed("An API key has no session to stay signed in with; end them one by one.")
        await end_sessions(self._parts.pool, own, keep=keep)
        self._sockets.end_user(own, keep=keep)

    async def end(self, asked: Asked[SessionPath, Nothing, Nothing]) -> None:
        """End one session."""
        ended = await sessions.end_one(self._parts.pool, _own(asked.principal), asked.path.session_id)
        if ended is None:
            raise NotFoundError("You have no session with this number.")
        self._sockets.end_session(ended)

    async def _shown(self, own: int) -> ProfileView:
        person = await people.read_user(self._parts.pool, own)
        if person is None:
            raise NotFoundError
        return ProfileView(
            id=person.id,
            login=person.login,
            name=person.name,
            language=Language(person.language),
            theme=Theme(person.theme),
            timezone=person.timezone,
            region=person.region,
            version=person.version,
        )

    def _tell(self, own: int, kind: str, body: dict[str, object]) -> None:
        """Tell one's own screens; it is nobody else's matter, so it is no fact."""
        self._parts.live.publish(Happening(kind=kind, body=body, users=(own,)))


def _route(method: Method, path: str, handler: Handler, summary: str, *errors: type[GatewayError]) -> Route:
    return Route(
        method=method,
        path=path,
        handler=handler,
        summary=summary,
        right=Door.PERSON,
        tag="me",
        errors=(NotAllowed, *errors),
    )


def _session_views(found: Sequence[sessions.OpenSession], identity: Identity) -> tuple[SessionView, ...]:
    views = []
    for session in found:
        device = device_of(session.agent)
        views.append(
            SessionView(
                id=session.id,
                current=session.digest == identity.session,
                browser=device.browser,
                system=device.system,
                agent=session.agent,
                address=session.address,
                began_at=session.began_at,
                seen_at=session.seen_at,
                expires_at=session.expires_at,
            )
        )
    return tuple(views)


def _own(who: Principal) -> int:
    """The person who asks.

    Raises:
        NotAllowed: a key that belongs to nobody.
    """
    own = own_user(who)
    if own is None:
        raise NotAllowed("This key belongs to no person, so it has no profile and no preferences.")
    return own
