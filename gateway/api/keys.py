"""API keys of programs: issued, listed and revoked by administrators. The key itself is shown once."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from aiohttp import web
from pydantic import Field

from gateway.api.fields import Incoming, Nothing, Outgoing, RowId
from gateway.api.once import do_once
from gateway.api.parts import ApiParts
from gateway.api.problems import NotFoundError, refused_value
from gateway.api.routing import Asked, Route
from gateway.api.security import new_api_key
from gateway.api.sockets import OpenSockets
from gateway.domain.access import BOUND, GRANTS, Right, Role, allowed
from gateway.domain.errors import NotAllowed
from gateway.store import access, people
from gateway.store.access import ListedKey, write_audit
from gateway.store.database import Connection
from gateway.store.facts import NewFact


class KeyPath(Incoming):
    """Which key."""

    key_id: Annotated[str, Field(pattern=r"^[a-z0-9]{12}$")]


class NewKey(Incoming):
    """A key to be issued."""

    name: Annotated[str, Field(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f]+$")] = Field(
        description="what it is for"
    )
    role: Role
    user: RowId | None = Field(default=None, description="whose own things it may see; null: nobody's")
    rights: Annotated[tuple[Right, ...], Field(min_length=1, max_length=len(Right))] | None = Field(
        default=None, description="to which of the role's rights it is narrowed; null: all of them"
    )
    pbx: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")] | None = Field(
        default=None, description="the PBX it is bound to, for the program on the PBX's host; null: none"
    )


class KeyView(Outgoing):
    """A key, without the key."""

    id: str
    name: str
    role: Role
    user: int | None
    rights: tuple[Right, ...] | None
    pbx: str | None
    created_at: datetime
    last_used_at: datetime | None = Field(description="to the minute")
    revoked_at: datetime | None


class IssuedKeyView(KeyView):
    """A key just issued."""

    key: str | None = Field(description="to be kept now: it is never shown again; null where this is a repetition")


class KeyList(Outgoing):
    """All keys."""

    items: tuple[KeyView, ...]


def _shown(key: ListedKey) -> dict[str, object]:
    return {
        "id": key.id,
        "name": key.name,
        "role": key.role,
        "user": key.user_id,
        "rights": key.rights,
        "pbx": key.pbx,
        "created_at": key.created_at,
        "last_used_at": key.last_used_at,
        "revoked_at": key.revoked_at,
    }


class Keys:
    """The handlers of `/keys`."""

    def __init__(self, parts: ApiParts, sockets: OpenSockets) -> None:
        self._parts = parts
        self._sockets = sockets

    def routes(self) -> tuple[Route, ...]:
        """The rows of the table."""
        return (
            Route(
                method="GET",
                path="/keys",
                handler=self.listing,
                summary="List the API keys",
                right=Right.USERS_MANAGE,
                tag="keys",
            ),
            Route(
                method="POST",
                path="/keys",
                handler=self.issue,
                summary="Issue a key; it is shown once",
                right=Right.USERS_MANAGE,
                tag="keys",
                status=201,
                idempotent=True,
            ),
            Route(
                method="DELETE",
                path="/keys/{key_id}",
                handler=self.revoke,
                summary="Revoke a key at once",
                right=Right.USERS_MANAGE,
                tag="keys",
            ),
        )

    async def listing(self, asked: Asked[Nothing, Nothing, Nothing]) -> KeyList:
        """All keys, the newest first."""
        keys = await access.list_keys(self._parts.pool)
        return KeyList(items=tuple(KeyView.model_validate(_shown(key)) for key in keys))

    async def issue(self, asked: Asked[Nothing, Nothing, NewKey]) -> IssuedKeyView | web.Response:
        """Issue a key; nobody issues more rights than he has."""
        body = asked.body
        granted = GRANTS[body.role] if body.rights is None else frozenset(body.rights)
        self._check_rights(body.role, granted)
        if beyond := sorted(right for right in granted if not allowed(asked.principal, right, asked.principal.manager)):
            raise NotAllowed(f"You cannot give away rights that you do not have: {', '.join(beyond)}.")
        if body.user is not None and await people.read_user(self._parts.pool, body.user) is None:
            raise refused_value("user", "Nobody has this id.")
        self._check_binding(body)
        key_id, key, digest = new_api_key()

        async def work(connection: Connection) -> tuple[IssuedKeyView, Sequence[NewFact]]:
            listed = await access.issue_key(
                connection,
                key_id=key_id,
                secret_digest=digest,
                name=body.name,
                role=body.role,
                user_id=body.user,
                rights=body.rights,
                pbx=body.pbx,
            )
            await write_audit(
                connection,
                actor=asked.principal.id,
                action="key.issued",
                object=f"key:{key_id}",
                detail={"role": body.role},
            )
            return IssuedKeyView.model_validate({**_shown(listed), "key": key}), ()

        return await do_once(self._parts, asked, work, shown_once=("key",))

    async def revoke(self, asked: Asked[KeyPath, Nothing, Nothing]) -> None:
        """Revoke a key and close its live sockets."""
        key_id = asked.path.key_id
        async with self._parts.pool.acquire() as connection, connection.transaction():
            if not await access.revoke_key(connection, key_id):
                raise NotFoundError("No key has this id.")
            await write_audit(connection, actor=asked.principal.id, action="key.revoked", object=f"key:{key_id}")
        self._sockets.end_key(key_id)

    def _check_rights(self, role: Role, rights: frozenset[Right]) -> None:
        beyond = sorted(rights - GRANTS[role])
        if beyond:
            raise refused_value("rights", f"The role {role} does not have these rights: {', '.join(beyond)}.")

    def _check_binding(self, body: NewKey) -> None:
        if body.pbx is None:
            return
        if body.pbx not in self._parts.directories:
            raise refused_value("pbx", "No PBX has this name.")
        if body.rights is None or not BOUND.issuperset(body.rights):
            raise refused_value(
                "rights", f"A key bound to a PBX may have only these rights: {', '.join(sorted(BOUND))}."
            )
