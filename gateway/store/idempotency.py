"""Requests that must not be done twice: the first one with a key leaves a row, the others are answered from it.

The row, what the request stands for (a command among it) and its answer are written in one transaction, before
anything is sent: whoever repeats a request that was cut off gets the answer, and nothing is sent again.
"""

from dataclasses import dataclass
from datetime import timedelta

from gateway.domain.access import FirstRequest
from gateway.store.database import Connection, Pool, Row

KEPT = timedelta(days=7)
"""How long a key is known; after that the same key is a new request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRequest:
    """The first request of a caller, route and key."""

    request: FirstRequest
    status: int | None
    body: Row


async def first_request(source: Pool | Connection, *, principal: str, route: str, key: str) -> StoredRequest | None:
    """What is stored under a key; None: it was never used."""
    row = await source.fetchrow(
        "select fingerprint, status, body from idempotency where principal = $1 and route = $2 and key = $3",
        principal,
        route,
        key,
    )
    if row is None:
        return None
    finished = row["status"] is not None
    return StoredRequest(
        request=FirstRequest(fingerprint=row["fingerprint"], finished=finished),
        status=row["status"],
        body=row["body"],
    )


async def begin_order(
    connection: Connection, *, principal: str, route: str, key: str, fingerprint: bytes, body: Row | None = None
) -> bool:
    """Take a key for an order that is done in the same transaction; `keep_answer` ends it there.

    Returns:
        False: the key is taken. One that is being taken at the same moment is waited for.
    """
    mine = await connection.fetchval(
        "with gone as (delete from idempotency where created_at < now() - $6::interval"
        "  and (principal, route, key) <> ($1, $2, $3))"
        " insert into idempotency as i (principal, route, key, fingerprint, body) values ($1, $2, $3, $4, $5)"
        " on conflict (principal, route, key) do update set fingerprint = excluded.fingerprint, status = null,"
        "  body = excluded.body, created_at = now() where i.created_at < now() - $6::interval returning true",
        principal,
        route,
        key,
        fingerprint,
        body or {},
        KEPT,
    )
    return bool(mine)


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


async def renew_answer(source: Pool | Connection, *, principal: str, route: str, key: str, body: Row) -> None:
    """Let repetitions get a newer answer: of a command, what came of it within the first request."""
    await source.execute(
        "update idempotency set body = $4 where principal = $1 and route = $2 and key = $3 and status is not null",
        principal,
        route,
        key,
        body,
    )
