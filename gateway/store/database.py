"""The pool of connections.

SQL is the language of the store, asyncpg its only driver; SQLAlchemy is there for Alembic alone (docs/decisions/0001).
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeAlias

import asyncpg

Pool: TypeAlias = asyncpg.Pool
Connection: TypeAlias = asyncpg.Connection
Row = dict[str, object]


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
    async with asyncpg.create_pool(
        dsn,
        min_size=1,
        max_size=size,
        init=_prepare,
        reset=_as_it_is,
        command_timeout=60,
        server_settings={"application_name": "trunkline", "timezone": "UTC", "jit": "off"},
    ) as pool:
        yield pool
