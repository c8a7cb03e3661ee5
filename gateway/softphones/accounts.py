"""The account of a browser's phone: made for a session, given another password each time it is asked for, taken away
when the session has ended.

The page is the only one who is told the password. It is random, so neither a guess nor a list helps, and it is of use
only over our own WebSocket or to somebody who reaches the PBX's.
"""

import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import structlog

from gateway.commands.phones import phone_of
from gateway.domain.errors import GatewayError, Rejected
from gateway.domain.softphone import SoftphoneAccount, SoftphonePbx
from gateway.store.access import write_audit
from gateway.store.database import Pool
from gateway.store.softphones import (
    StoredSoftphone,
    forget_softphone,
    keep_softphone,
    softphone_of,
    softphones_over,
)

log = structlog.get_logger()


class NoSoftphone(Rejected, LookupError):
    """None of the PBXs takes phones in browsers; a table [pbx.NAME.softphone] in the configuration makes one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRules:
    """What the accounts of one PBX have in common."""

    pbx: SoftphonePbx
    endpoint: str
    """With `{ext}`, like `{ext}-web`."""
    context: str
    codecs: tuple[str, ...]
    media_address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenAccount:
    """An account as its page is told of it."""

    phone: StoredSoftphone
    password: str = field(repr=False)


class Accounts:
    """Gives accounts and takes them away."""

    def __init__(
        self,
        pool: Pool,
        rules: Mapping[str, AccountRules],
        *,
        tables_changed: Callable[[], Awaitable[None]],
        ended: Callable[[StoredSoftphone], Awaitable[None]],
    ) -> None:
        """Args:
        pool: the database.
        rules: by PBX.
        tables_changed: called after an endpoint was entered.
        ended: told of an account that holds no more.
        """
        self._pool = pool
        self.rules = rules
        self._tables_changed = tables_changed
        self._ended = ended

    async def give(self, *, user_id: int, session: bytes, pbx: str | None) -> GivenAccount:
        """Make a person's account for a session, or give it a new password.

        Args:
            user_id: whose.
            session: digest of the session's token.
            pbx: on which PBX; None: where he has an extension.

        Raises:
            NoSoftphone: no PBX takes phones in browsers.
            NoPhone: he has no extension there.
            TryAgain, GiveUp: the PBX does not make it.
        """
        if not self.rules:
            raise NoSoftphone
        phone = await phone_of(self._pool, user_id, pbx, self.rules)
        rules = self.rules[phone.pbx]
        stored = StoredSoftphone(
            pbx=phone.pbx,
            endpoint=rules.endpoint.replace("{ext}", phone.extension),
            extension=phone.extension,
            user_id=user_id,
        )
        password = secrets.token_urlsafe(24)
        account = SoftphoneAccount(
            endpoint=stored.endpoint,
            password=password,
            context=rules.context,
            extension=stored.extension,
            name=phone.person.name,
            codecs=rules.codecs,
            media_address=rules.media_address,
        )
        taken = await softphone_of(self._pool, stored.pbx, session) != stored
        async with self._pool.acquire() as connection, connection.transaction():
            await keep_softphone(connection, stored, session=session)
            await write_audit(
                connection,
                actor=f"user:{user_id}",
                action="softphone.account_made",
                object=f"user:{user_id}",
                detail={"pbx": stored.pbx, "extension": stored.extension},
            )
        if taken:
            await self._ended(stored)  # another session of his had it, with calls perhaps
        await rules.pbx.put(account)
        await self._tables_changed()
        return GivenAccount(phone=stored, password=password)

    async def sweep(self) -> None:
        """Take away accounts whose sessions have ended."""
        for phone in await softphones_over(self._pool):
            await self._ended(phone)
            rules = self.rules.get(phone.pbx)
            try:
                if rules is not None:
                    await rules.pbx.remove(phone.endpoint)
            except GatewayError as fault:
                log.warning("an account of a browser's phone stays", pbx=phone.pbx, fault=type(fault).__name__)
                continue
            await forget_softphone(self._pool, phone)
