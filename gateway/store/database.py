"""The pool of connections.

SQL is the language of the store, asyncpg its only driver; SQLAlchemy is there for Alembic alone (docs/decisions/0001).
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import TypeAlias

import asyncpg

Pool: TypeAlias = asyncpg.Pool
Connection: TypeAlias = asyncpg.Connection
Row = dict[str, object]

DATABASE_AWAY = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)
"""What says nothing against the statement: the same one may succeed later.

`InternalClientError` is what asyncpg says of a statement under which the server was killed at an unlucky moment.
"""
_LONGEST_REST = 60.0
_FAREWELL = 2.0


async def _prepare(connection: Connection) -> None:
    for kind in ("json", "jsonb"):
        await connection.set_type_codec(
            kind, encoder=json.dumps, decoder=json.loads, schema="pg_catalog", format="text"
        )


async def _as_it_is(connection: Connection) -> None:
    """Nothing of ours is left in a session, so a connection given back needs no round trip to be cleaned."""


@asynccontextmanager
async def open_pool(dsn: str, *, size: int = 8) -> AsyncIterator[Pool]:
    """Open the pool; closes it in the end.

    Args:
        dsn: address of the database.
        size: connections at most.
    """
    pool = await asyncpg.create_pool(
        dsn,
        min_size=1,
        max_size=size,
        init=_prepare,
        reset=_as_it_is,
        command_timeout=60,
        server_settings={"application_name": "trunkline", "timezone": "UTC", "jit": "off"},
    )
    try:
        yield pool
    finally:
        with suppress(TimeoutError):  # a server that stands still must not keep us from ending; the pool ends itself
            async with asyncio.timeout(_FAREWELL):
                await pool.close()


async def insist(write: Callable[[], Awaitable[None]], *, tell: Callable[[Exception], None]) -> None:
    """Write something that must not be lost, however long the database is away.

    Args:
        write: can be repeated, also after a commit whose answer was lost.
        tell: hears of each failure.
    """
    rest = 0.5
    while True:
        try:
            return await write()
        except DATABASE_AWAY as fault:
            tell(fault)
        await asyncio.sleep(rest)
        rest = min(rest * 2, _LONGEST_REST)
