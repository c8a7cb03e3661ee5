"""The pool of connections, and the one way rows of a value go into a table.

SQL is the language of the store, asyncpg its only driver; SQLAlchemy is there for Alembic alone (docs/decisions/0001).
"""

import json
from collections.abc import AsyncIterator, Sequence
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
        command_timeout=60,
        server_settings={"application_name": "trunkline", "timezone": "UTC", "jit": "off"},
    ) as pool:
        yield pool


async def put(connection: Connection, table: str, rows: Sequence[Row], key: str) -> None:
    """Insert rows, or update those that are there; all columns named in the first row are written.

    Args:
        connection: within a transaction.
        table: one of ours, never from outside.
        rows: column to value, all with the same columns, keys distinct; values as JSON writes them.
        key: the columns of the primary key, as in SQL.
    """
    if not rows:
        return
    columns = list(rows[0])
    names = ", ".join(columns)
    changes = ", ".join(f"{c} = excluded.{c}" for c in columns if c not in key.split(", "))
    await connection.execute(
        f"insert into {table} ({names}) select {names} from json_populate_recordset(null::{table}, $1)"
        f" on conflict ({key}) do update set {changes}",
        rows,
    )
