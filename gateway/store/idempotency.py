"""Requests that must not be done twice: the first one with a key leaves a row, the others are answered from it.

The row and the command it stands for are written in one transaction, before anything is sent. A command whose end
nobody wrote down within `SILENCE` was cut off by a crash: it becomes `unknown` and is never sent again.
"""

from dataclasses import dataclass
from datetime import timedelta

from gateway.domain.access import FirstRequest
from gateway.store.commands import store_command
from gateway.store.database import Connection, Pool, Row

SILENCE = timedelta(minutes=2)
"""A PBX rings at most 60 s and answers within 10 s more; behind this nobody is waiting any longer."""
KEPT = timedelta(days=7)
"""How long a key is known; after that the same key is a new request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRequest:
    """The first request of a caller, route and key."""

    request: FirstRequest
    command_id: str
    """Of a click-to-call; empty: it was another order."""
    status: int | None
    body: Row
    silent: bool
    """Not finished, and too old to be still worked on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCommand:
    """A click-to-call about to be stored."""

    id: str
    pbx: str
    user_id: int
    extension: str
    number: str
    """E.164."""


async def first_request(source: Pool | Connection, *, principal: str, route: str, key: str) -> StoredRequest | None:
    """What is stored under a key; None: it was never used."""
    row = await source.fetchrow(
        "select fingerprint, status, body, created_at < now() - $4::interval as old from idempotency"
        " where principal = $1 and route = $2 and key = $3",
        principal,
        route,
        key,
        SILENCE,
    )
    if row is None:
        return None
    finished = row["status"] is not None
    return StoredRequest(
        request=FirstRequest(fingerprint=row["fingerprint"], finished=finished),
        command_id=str(row["body"].get("id", "")),
        status=row["status"],
        body=row["body"],
        silent=row["old"] and not finished,
    )


async def begin_order(
    connection: Connection, *, principal: str, route: str, key: str, fingerprint: bytes, body: Row | None = None
) -> bool:
    """Take a key for an order that is done in the same transaction; `keep_answer` ends it there.

    Returns:
        False: the key is taken. One that is being taken at the same moment is waited for.
    """
    await connection.execute("delete from idempotency where created_at < now() - $1::interval", KEPT)
    mine = await connection.fetchval(
        "insert into idempotency (principal, route, key, fingerprint, body) values ($1, $2, $3, $4, $5)"
        " on conflict do nothing returning true",
        principal,
        route,
        key,
        fingerprint,
        body or {},
    )
    return bool(mine)


async def begin_command(
    pool: Pool, *, principal: str, route: str, key: str, fingerprint: bytes, command: NewCommand
) -> bool:
    """Write down a command with the key that stands for it.

    Returns:
        Whether it was written; False: the key is taken, and nothing was.
    """
    async with pool.acquire() as connection, connection.transaction():
        mine = await begin_order(
            connection, principal=principal, route=route, key=key, fingerprint=fingerprint, body={"id": command.id}
        )
        if not mine:
            return False
        await store_command(
            connection,
            id=command.id,
            pbx=command.pbx,
            user_id=command.user_id,
            extension=command.extension,
            number=command.number,
        )
        return True


async def keep_answer(
    source: Pool | Connection, *, principal: str, route: str, key: str, status: int, body: Row
) -> None:
    """Store the answer that every repetition gets."""
    await source.execute(
        "update idempotency set status = $4, body = $5 where principal = $1 and route = $2 and key = $3"
        " and status is null",
        principal,
        route,
        key,
        status,
        body,
    )


async def mark_sent(source: Pool | Connection, command_id: str) -> bool:
    """Note that the command goes out now; False: it went out before, or was given up."""
    found = await source.fetchval(
        "update command set state = 'sent' where id = $1 and state = 'stored' returning true", command_id
    )
    return bool(found)


async def settle_sent(source: Pool | Connection, command_id: str, state: str, reason: str | None) -> None:
    """Write down the first answer to a command, unless its end was told meanwhile."""
    await source.execute(
        "update command set state = $2, reason = $3 where id = $1 and state = 'sent'", command_id, state, reason
    )


async def give_up_silent(source: Pool | Connection, command_id: str | None = None) -> None:
    """Make commands `unknown` whose end was never written down.

    Args:
        source: the database.
        command_id: one command; None: all.
    """
    await source.execute(
        "update command set state = 'unknown', reason = 'interrupted' where state in ('stored', 'sent')"
        " and ordered_at < now() - $1::interval and ($2::text is null or id = $2)",
        SILENCE,
        command_id,
    )
