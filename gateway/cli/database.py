"""The database for a short command: it works beside a running gateway, and without one.

Where the gateway runs its own PostgreSQL, the command borrows it; with no gateway running it starts it for its own
time. The tables are brought up to date first, so that a person can be entered before the first `serve`.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from gateway.settings import Settings
from gateway.store.database import Connection, Pool, open_pool
from gateway.store.embedded import borrow_embedded
from gateway.store.embedded_account import server_account, user_name
from gateway.store.embedded_folders import choose_home
from gateway.store.migrate import upgrade

TABLES_CHANNEL = "trunkline_tables"
"""A running gateway listens here and folds with the changed tables from then on (`gateway.app`)."""


@asynccontextmanager
async def borrow_database(settings: Settings) -> AsyncIterator[Pool]:
    """The site's database, or the embedded one, migrated; for one command.

    Raises:
        GatewayError: it cannot be had; the message names the remedy.
    """
    async with AsyncExitStack() as stack:
        if settings.database.url is not None:
            dsn = settings.database.url.get_secret_value()
        else:
            home = choose_home(settings.home, server_account())
            dsn = (await stack.enter_async_context(borrow_embedded(home))).dsn
        await upgrade(dsn)
        yield await stack.enter_async_context(open_pool(dsn, size=2))


def in_database(settings: Settings, work: Callable[[Connection], Awaitable[str]], *, tables: bool = False) -> str:
    """Do a piece of work in one transaction.

    Args:
        settings: of the site.
        work: gives the text to print.
        tables: whether it changes who is who, so that a running gateway must read its tables again.
    """

    async def do() -> str:
        async with borrow_database(settings) as pool, pool.acquire() as connection, connection.transaction():
            told = await work(connection)
            if tables:
                await connection.execute(f"notify {TABLES_CHANNEL}")
            return told

    return asyncio.run(do())


def actor() -> str:
    """Who types, for the audit: the account of this machine."""
    return f"cli:{user_name(os.getuid())}"


def as_table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Rows under heads, in columns."""
    widths = [max(len(row[place]) for row in (heads, *rows)) for place in range(len(heads))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (heads, *rows)]
    return "\n".join(line.rstrip() for line in lines)
