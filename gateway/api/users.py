"""The people who sign in, and the extensions and phones they have."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

from aiohttp import web
from pydantic import AfterValidator, Field

from gateway.api.fields import Incoming, Nothing, Outgoing, RowId
from gateway.api.once import do_once
from gateway.api.parts import ApiParts, UnknownPbxError
from gateway.api.problems import (
    ConflictError,
    FieldFault,
    InvalidRequestError,
    NotFoundError,
    StaleVersionError,
    refused_value,
)
from gateway.api.routing import Asked, Route
from gateway.api.sockets import OpenSockets
from gateway.domain.access import GRANTS, PASSWORD_LENGTH_MAX, Principal, Right, Role, password_faults
from gateway.domain.dialling import is_outside
from gateway.domain.errors import NotAllowed
from gateway.settings import Language
from gateway.store import access, people, staff
from gateway.store.access import write_audit
from gateway.store.clients_held import show_number
from gateway.store.database import Connection
from gateway.store.facts import NewFact

ZONES = frozenset(available_timezones())


def _zone(name: str) -> str:
    if name not in ZONES:
        raise ValueError("This time zone is not known; write a name of the IANA list, like Europe/Warsaw.")
    return str(ZoneInfo(name))


Login = Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[^\s\x00-\x1f\x7f]+$")]
Password = Annotated[str, Field(min_length=1, max_length=PASSWORD_LENGTH_MAX * 4)]
PersonName = Annotated[str, Field(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$")]
Zone = Annotated[str, Field(max_length=64), AfterValidator(_zone)]
PbxName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")]
Extension = Annotated[str, Field(pattern=r"^[A-Za-z0-9*#][A-Za-z0-9*#_.-]{0,39}$")]
EndpointPattern = Annotated[str, Field(pattern=r"^[!-~]{1,120}$")]


class UserPath(Incoming):
    """Whose."""

    user_id: RowId


class ExtensionPath(Incoming):
    """Whose extension on which PBX."""

    user_id: RowId
    pbx: PbxName
    extension: Extension


class NewUser(Incoming):
    """A person to be entered."""

    login: Login
    name: PersonName
    role: Role
    timezone: Zone | None = Field(default=None, description="null: the company's")
    language: Language = Language.ENGLISH
    password: Password | None = Field(default=None, description="null: he cannot sign in yet")


class UserChange(Incoming):
    """What is to be changed; what is left out stays."""

    version: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = Field(
        default=None, description="as it was read, another is a conflict; left out: whatever it is now"
    )
    name: PersonName | None = None
    role: Role | None = None
    timezone: Zone | Literal[""] | None = Field(default=None, description="empty: the company's")
    language: Language | None = None
    active: bool | None = None
    password: Password | None = Field(default=None, description="his sessions end")


class Endpoints(Incoming):
    """Where an extension rings."""

    endpoints: Annotated[tuple[EndpointPattern, ...], Field(min_length=1, max_length=20)] = Field(
        description="endpoints like `PJSIP/101`, patterns, and outside numbers in E.164; click-to-call rings the first"
    )


class ShownNumber(Incoming):
    """What clients see when he calls."""

    number: Annotated[str, Field(min_length=1, max_length=64)] | None = Field(
        description="one of our own numbers, in any way of writing; null: what the PBX shows"
    )


class ExtensionView(Outgoing):
    """An extension a person has now."""

    pbx: str
    extension: str
    endpoints: tuple[str, ...]
    caller_id: str | None = Field(description="what clients see when he calls; null: what the PBX shows")


class UserView(Outgoing):
    """A person."""

    id: int
    login: str
    name: str
    role: Role
    timezone: str | None = Field(description="null: the company's")
    language: str
    active: bool
    has_password: bool
    created_at: datetime
    version: int
    extensions: tuple[ExtensionView, ...]


class UserList(Outgoing):
    """Everybody."""

    items: tuple[UserView, ...]


class LoginTakenError(ConflictError):
    """Somebody has this login; choose another one."""


class LastAdminError(ConflictError):
    """This is the last active administrator; make another one first."""


def user_view(person: people.Person) -> UserView:
    """A person as he is shown; the hash of his password never is."""
    return UserView(
        id=person.id,
        login=person.login,
        name=person.name,
        role=Role(person.role),
        timezone=person.timezone,
        language=person.language,
        active=person.active,
        has_password=person.has_password,
        created_at=person.created_at,
        version=person.version,
        extensions=tuple(
            ExtensionView(pbx=e.pbx, extension=e.extension, endpoints=e.endpoints, caller_id=e.caller_id)
            for e in person.extensions
        ),
    )


def check_new_password(parts: ApiParts, pointer: str, password: str, login: str) -> None:
    """Refuse a password that is too easy.

    Raises:
        InvalidRequestError: with each reason.
    """
    faults = password_faults(password, login=login, common=parts.common_passwords)
    if faults:
        raise InvalidRequestError(
            FieldFault(place="body", pointer=pointer, code="password", detail=fault) for fault in faults
        )


class Users:
    """The handlers of `/users`."""

    def __init__(self, parts: ApiParts, sockets: OpenSockets) -> None:
        self._parts = parts
        self._sockets = sockets

    def routes(self) -> tuple[Route, ...]:
        """The rows of the table."""
        return (
            Route(
                method="GET",
                path="/users",
                handler=self.listing,
                summary="List the people",
                right=Right.USERS_READ,
                tag="users",
            ),
            Route(
                method="POST",
                path="/users",
                handler=self.enter,
                summary="Enter a person",
                right=Right.USERS_MANAGE,
                tag="users",
                status=201,
                idempotent=True,
                errors=(LoginTakenError,),
            ),
            Route(
                method="GET",
                path="/users/{user_id}",
                handler=self.one,
                summary="One person",
                right=Right.USERS_READ,
                tag="users",
            ),
            Route(
                method="PATCH",
                path="/users/{user_id}",
                handler=self.change,
                summary="Change a person; blocking him ends his sessions at once",
                right=Right.USERS_MANAGE,
                tag="users",
                errors=(LastAdminError, StaleVersionError),
            ),
            Route(
                method="PUT",
                path="/users/{user_id}/extensions/{pbx}/{extension}",
                handler=self.give,
                summary="Give a person an extension with the endpoints it rings at",
                right=Right.EXTENSIONS_MANAGE,
                tag="users",
                errors=(UnknownPbxError,),
            ),
            Route(
                method="PUT",
                path="/users/{user_id}/extensions/{pbx}/{extension}/caller-id",
                handler=self.show,
                summary="Set the number that clients see when this person calls",
                right=Right.EXTENSIONS_MANAGE,
                tag="users",
                errors=(UnknownPbxError,),
            ),
            Route(
                method="DELETE",
                path="/users/{user_id}/extensions/{pbx}/{extension}",
                handler=self.take,
                summary="Take an extension away from now on",
                right=Right.EXTENSIONS_MANAGE,
                tag="users",
                errors=(UnknownPbxError,),
            ),
        )

    async def listing(self, asked: Asked[Nothing, Nothing, Nothing]) -> UserList:
        """Everybody, the blocked ones last."""
        return UserList(items=tuple(user_view(p) for p in await people.list_people(self._parts.pool)))

    async def one(self, asked: Asked[UserPath, Nothing, Nothing]) -> UserView:
        """One person."""
        return await self._shown(asked.path.user_id)

    async def enter(self, asked: Asked[Nothing, Nothing, NewUser]) -> UserView | web.Response:
        """Enter a person."""
        body = asked.body
        _check_reach(asked.principal, body.role)
        login = body.login.lower()
        hashed = None
        if body.password is not None:
            check_new_password(self._parts, "#/password", body.password, login)
            hashed = await self._parts.passwords.hash(body.password)

        async def work(connection: Connection) -> tuple[UserView, Sequence[NewFact]]:
            await connection.execute("lock table users in share row exclusive mode")
            if await people.login_taken(connection, login):
                raise LoginTakenError
            number = await staff.add_user(
                connection,
                login=login,
                name=body.name,
                role=body.role,
                password_hash=hashed,
                timezone=body.timezone,
            )
            await people.change_user(connection, number, {"language": body.language})
            await self._audit(connection, asked.principal, "user.entered", number, {"role": body.role})
            person = await people.read_user(connection, number)
            if person is None:
                raise NotFoundError
            return user_view(person), ()

        return await do_once(self._parts, asked, work)

    async def change(self, asked: Asked[UserPath, Nothing, UserChange]) -> UserView:
        """Change a person."""
        id_, body = asked.path.user_id, asked.body
        person = await self._person(id_)
        _check_reach(asked.principal, Role(person.role), body.role or Role.MANAGER)
        changes: dict[str, object] = {
            name: value for name, value in body.model_dump(exclude={"password", "version"}).items() if value is not None
        }
        if body.timezone is not None:
            changes["timezone"] = body.timezone or None
        if body.password is not None:
            check_new_password(self._parts, "#/password", body.password, person.login)
            changes["password_hash"] = await self._parts.passwords.hash(body.password)
        async with self._parts.pool.acquire() as connection, connection.transaction():
            leaves = body.active is False or (body.role is not None and body.role is not Role.ADMIN)
            if leaves and not await people.other_admins(connection, id_):
                present = await people.read_user(connection, id_)
                if present is not None and present.active and present.role == Role.ADMIN:
                    raise LastAdminError
            if not await people.change_user(connection, id_, changes, version=body.version):
                raise StaleVersionError
            if body.active is False or body.password is not None:
                await access.end_sessions(connection, id_)
            await self._audit(connection, asked.principal, "user.changed", id_, {"fields": sorted(changes)})
        if body.active is False or body.password is not None or body.role is not None:
            self._sockets.end_user(id_)
        if "timezone" in changes:
            await self._parts.tables_changed()
        return await self._shown(id_)

    async def give(self, asked: Asked[ExtensionPath, Nothing, Endpoints]) -> UserView:
        """Give a person an extension."""
        path = asked.path
        if is_outside(path.extension, self._parts.directory(path.pbx).plan):
            words = "This is a full telephone number, which the PBX would dial outside; an extension is shorter."
            raise refused_value("extension", words, place="path", code="outside_number")
        await self._person(path.user_id)
        patterns = tuple(dict.fromkeys(asked.body.endpoints))
        async with self._parts.pool.acquire() as connection, connection.transaction():
            await people.assign_extension(
                connection, pbx=path.pbx, extension=path.extension, user_id=path.user_id, patterns=patterns
            )
            detail: dict[str, object] = {"pbx": path.pbx, "extension": path.extension}
            await self._audit(connection, asked.principal, "extension.given", path.user_id, detail)
        await self._parts.tables_changed()
        return await self._shown(path.user_id)

    async def take(self, asked: Asked[ExtensionPath, Nothing, Nothing]) -> None:
        """Take an extension away."""
        path = asked.path
        self._parts.directory(path.pbx)
        async with self._parts.pool.acquire() as connection, connection.transaction():
            held = await people.take_extension(connection, pbx=path.pbx, extension=path.extension, user_id=path.user_id)
            if not held:
                raise NotFoundError("This person does not have this extension.")
            detail: dict[str, object] = {"pbx": path.pbx, "extension": path.extension}
            await self._audit(connection, asked.principal, "extension.taken", path.user_id, detail)
        await self._parts.tables_changed()

    async def show(self, asked: Asked[ExtensionPath, Nothing, ShownNumber]) -> UserView:
        """Set what clients see; only numbers that are ours, for a provider drops or bills calls with others."""
        path, text = asked.path, asked.body.number
        plan = self._parts.directory(path.pbx).plan
        shown = None
        if text is not None:
            shown = plan.parse(text).e164
            if shown is None or shown not in plan.own:
                raise refused_value("number", _not_ours(sorted(plan.own)[:20]), code="not_ours")
        async with self._parts.pool.acquire() as connection, connection.transaction():
            person = await people.read_user(connection, path.user_id)
            held = person.extensions if person else ()
            if (path.pbx, path.extension) not in {(e.pbx, e.extension) for e in held}:
                raise NotFoundError("This person does not have this extension.")
            await show_number(connection, user_id=path.user_id, pbx=path.pbx, extension=path.extension, number=shown)
            detail: dict[str, object] = {"pbx": path.pbx, "extension": path.extension, "set": shown is not None}
            await self._audit(connection, asked.principal, "caller_id.changed", path.user_id, detail)
        return await self._shown(path.user_id)

    async def _person(self, id: int) -> people.Person:
        person = await people.read_user(self._parts.pool, id)
        if person is None:
            raise NotFoundError("Nobody has this id.")
        return person

    async def _shown(self, id: int) -> UserView:
        return user_view(await self._person(id))

    async def _audit(
        self, connection: Connection, who: Principal, action: str, id: int, detail: Mapping[str, object]
    ) -> None:
        await write_audit(connection, actor=who.id, action=action, object=f"user:{id}", detail=dict(detail))


def _check_reach(who: Principal, *roles: Role) -> None:
    """Let a narrowed key enter and change managers, and nobody who may do more than it may itself.

    Raises:
        NotAllowed: whoever has the password of such a person, or makes it, has his rights.
    """
    beyond = {right for role in roles if role is not Role.MANAGER for right in GRANTS[role]} - (
        GRANTS[who.role] if who.limited_to is None else GRANTS[who.role] & who.limited_to
    )
    if beyond:
        raise NotAllowed("This key enters and changes managers only; for others take one with all rights of theirs.")


def _not_ours(own: Sequence[str]) -> str:
    if not own:
        return "None of our own numbers is configured; see pbx.NAME.trunks[].own_numbers."
    return f"This is none of our own numbers; they are: {', '.join(own)}."
