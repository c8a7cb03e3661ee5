"""`PUT /users/{id}/extensions/{pbx}/{extension}/phone`: a new password for the phone of an extension.

For the embedded engine, which is the registrar itself. The password is made here, told once and never kept: SIP's
digest compares hashes. Each call makes a new one, and the phone of before has to be given it.
"""

import hashlib
import re
import secrets

from pydantic import Field

from gateway.api.fields import Nothing, Outgoing
from gateway.api.parts import ApiParts, UnknownPbxError
from gateway.api.problems import ConflictError, NotFoundError
from gateway.api.routing import Asked, Route
from gateway.api.users import ExtensionPath
from gateway.domain.access import Right
from gateway.settings import EMBEDDED
from gateway.store import people
from gateway.store.access import write_audit
from gateway.store.phones import StoredPhone, keep_phone

REALM = "trunkline"
_SIP_USER = re.compile(r"[A-Za-z0-9._-]{1,40}")
"""What the exchange takes as a phone's name."""
_LETTERS = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""Without those that are read for one another."""
_LENGTH = 20


class NoRegistrarError(ConflictError):
    """Phones of this PBX register there, not here; set their passwords in the PBX."""


class NoSipUserError(ConflictError):
    """A phone's user is of letters, digits, dots, dashes and underscores; give the person an extension without * and #
    for his phone."""


class PhonePassword(Outgoing):
    """What is entered into the phone."""

    user: str = Field(description="SIP user, also the authentication name")
    password: str = Field(description="told this once; ask again for another one")
    host: str = Field(description="SIP server, also the domain or realm's proxy")
    port: int


class Phones:
    """The handler of a phone's password."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts

    def routes(self) -> tuple[Route, ...]:
        """The row of the table."""
        return (
            Route(
                method="PUT",
                path="/users/{user_id}/extensions/{pbx}/{extension}/phone",
                handler=self.renew,
                summary="Make a new password for the phone of an extension of the embedded engine",
                right=Right.EXTENSIONS_MANAGE,
                tag="users",
                errors=(UnknownPbxError, NoRegistrarError, NoSipUserError),
            ),
        )

    async def renew(self, asked: Asked[ExtensionPath, Nothing, Nothing]) -> PhonePassword:
        """Make a password, and tell it this once."""
        path, parts = asked.path, self._parts
        parts.directory(path.pbx)
        if path.pbx != EMBEDDED or not parts.settings.has_engine:
            raise NoRegistrarError
        if not _SIP_USER.fullmatch(path.extension):
            raise NoSipUserError
        password = "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
        told = f"{path.extension}:{REALM}:{password}".encode()
        phone = StoredPhone(
            endpoint=path.extension,
            extension=path.extension,
            ha1=hashlib.md5(told, usedforsecurity=False).hexdigest(),
            ha1_sha256=hashlib.sha256(told).hexdigest(),
        )
        async with parts.pool.acquire() as connection, connection.transaction():
            person = await people.read_user(connection, path.user_id)
            if person is None or (path.pbx, path.extension) not in {(e.pbx, e.extension) for e in person.extensions}:
                raise NotFoundError("This person does not have this extension.")
            await keep_phone(connection, pbx=path.pbx, phone=phone)
            await write_audit(
                connection,
                actor=asked.principal.id,
                action="phone.password_made",
                object=f"user:{path.user_id}",
                detail={"pbx": path.pbx, "extension": path.extension},
            )
        await parts.tables_changed()
        embedded = parts.settings.embedded
        return PhonePassword(user=path.extension, password=password, host=embedded.bind, port=embedded.port)
