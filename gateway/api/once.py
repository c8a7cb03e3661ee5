"""An order that is written in one transaction is done once for each Idempotency-Key; a repetition gets its answer.

The key, what is written and the answer are committed together, so an order is never half done: a crash leaves nothing,
and the same key may then be tried again.
"""

import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import asyncpg
from aiohttp import web
from pydantic import BaseModel

from gateway.api.fields import Incoming
from gateway.api.parts import ApiParts
from gateway.api.problems import KeyReusedError, StillRunningError
from gateway.api.routing import Asked, answer, kept_answer
from gateway.api.security import Repetition, idempotency
from gateway.live import Happening
from gateway.store import idempotency as once_store
from gateway.store.database import Connection
from gateway.store.facts import NewFact, save_facts

P = TypeVar("P", bound=Incoming)
Q = TypeVar("Q", bound=Incoming)
B = TypeVar("B", bound=Incoming)

Work = Callable[[Connection], Awaitable[tuple[BaseModel, Sequence[NewFact]]]]
"""Writes what was ordered, within a transaction; gives the answer and what is to be told. May be called again."""
_TRIES = 3
"""An order that waited for one of the gateway's works while that waited for it is begun anew."""


async def do_once(
    parts: ApiParts, asked: Asked[P, Q, B], work: Work, *, status: int = 201, shown_once: Sequence[str] = ()
) -> web.Response:
    """Do an order that asks for an Idempotency-Key.

    Args:
        parts: the API's.
        asked: the request, of a route that is `idempotent`.
        work: what is done.
        status: of the answer.
        shown_once: fields with a secret; a repetition gets null in their place, and they are not kept.

    Raises:
        KeyReusedError: the key stands for another request.
        StillRunningError: the first request with this key is not finished.
    """
    for _ in range(_TRIES - 1):
        with contextlib.suppress(asyncpg.DeadlockDetectedError):
            return await _do(parts, asked, work, status, shown_once)
    return await _do(parts, asked, work, status, shown_once)


async def _do(
    parts: ApiParts, asked: Asked[P, Q, B], work: Work, status: int, shown_once: Sequence[str]
) -> web.Response:
    """Try it once; nothing is left of what fails."""
    once, who = asked.once, asked.principal
    assert once is not None
    async with parts.pool.acquire() as connection, connection.transaction():
        if not await once_store.begin_order(
            connection, principal=who.id, route=once.route, key=once.key, fingerprint=once.fingerprint
        ):
            return await _again(connection, asked)
        view, facts = await work(connection)
        await save_facts(connection, facts)
        body = view.model_dump(mode="json", by_alias=True) | dict.fromkeys(shown_once)
        await once_store.keep_answer(
            connection, principal=who.id, route=once.route, key=once.key, status=status, body=body
        )
    tell(parts, facts)
    return answer(view, status=status)


async def _again(connection: Connection, asked: Asked[P, Q, B]) -> web.Response:
    """The answer of the first request."""
    once = asked.once
    assert once is not None
    before = await once_store.first_request(connection, principal=asked.principal.id, route=once.route, key=once.key)
    if before is None:
        raise StillRunningError
    if idempotency(before.request, once.fingerprint) is Repetition.OTHER:
        raise KeyReusedError
    if before.status is None:
        raise StillRunningError
    return kept_answer(before.body, status=before.status)


def tell(parts: ApiParts, facts: Sequence[NewFact]) -> None:
    """Put facts on the live bus, after the commit."""
    for fact in facts:
        parts.live.publish(Happening(kind=fact.kind, body=fact.body, users=fact.users))
