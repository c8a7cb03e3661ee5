"""A site's database as the CEL reader needs it: one connection that may only read, used from one thread.

Any SQLAlchemy URL will do whose driver is installed: `mysql+pymysql://` (FreePBX's MariaDB), `postgresql://` and
`sqlite://`. A driver of asyncio (asyncpg) runs in a loop of the thread's own, so the reader's code is one. Nothing is
ever written: the session is told to be read-only, and a user with SELECT on the one table is enough.
"""

import asyncio
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TypeVar

from sqlalchemy import BigInteger, Connection, column, create_engine, select, table, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    InterfaceError,
    NoSuchModuleError,
    OperationalError,
    SQLAlchemyError,
)
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.sql import TableClause

from gateway.domain.errors import Rejected
from sip.journal_reader import JournalCondition

Result = TypeVar("Result")

CONNECT_SECONDS = 5
ANSWER_SECONDS = 10
_READ_ONLY = {
    "mysql": "set session transaction read only",
    "postgresql": "set default_transaction_read_only = on",
    "sqlite": "pragma query_only = on",
}
_DRIVERS = {"mysql": "mysql+pymysql", "mariadb": "mysql+pymysql", "postgresql": "postgresql+asyncpg"}
_OPTIONS: dict[str, dict[str, object]] = {
    "mysql": {
        "connect_timeout": CONNECT_SECONDS,
        "read_timeout": ANSWER_SECONDS,
        "write_timeout": ANSWER_SECONDS,
        "charset": "utf8mb4",
    },
    "postgresql": {"timeout": CONNECT_SECONDS, "command_timeout": ANSWER_SECONDS},
    "sqlite": {"timeout": ANSWER_SECONDS},
}
TABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_$]{0,63}(\.[A-Za-z_][A-Za-z0-9_$]{0,63})?")
# What servers say: MySQL's error numbers, PostgreSQL's SQLSTATE.
_TOLD: dict[int | str, JournalCondition] = {
    1044: JournalCondition.NO_PERMISSION,
    1045: JournalCondition.NO_LOGIN,
    1130: JournalCondition.NO_LOGIN,
    1698: JournalCondition.NO_LOGIN,
    "28000": JournalCondition.NO_LOGIN,
    "28P01": JournalCondition.NO_LOGIN,
    1142: JournalCondition.NO_PERMISSION,
    1143: JournalCondition.NO_PERMISSION,
    "42501": JournalCondition.NO_PERMISSION,
    1049: JournalCondition.NO_TABLE,
    1146: JournalCondition.NO_TABLE,
    "3D000": JournalCondition.NO_TABLE,
    "42P01": JournalCondition.NO_TABLE,
    1054: JournalCondition.NO_COLUMN,
    "42703": JournalCondition.NO_COLUMN,
}
_STATE = re.compile(r"[0-9A-Z]{5}")


class BadTableUrl(Rejected, ValueError):
    """The address of the CEL table's database cannot be used; allowed are mysql+pymysql, postgresql and sqlite URLs."""


def checked_url(address: str) -> URL:
    """Read the address and choose the driver that is installed.

    Raises:
        BadTableUrl: no such address or driver; the message holds nothing of the address.
    """
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        raise BadTableUrl("not an address like mysql+pymysql://user:password@host/asteriskcdrdb") from None
    backend = url.get_backend_name()
    if backend not in ("mysql", "mariadb", "postgresql", "sqlite") or (backend != "sqlite" and not url.database):
        raise BadTableUrl("not the address of a MySQL, MariaDB, PostgreSQL or SQLite database with its name")
    return url.set(drivername=_DRIVERS.get(backend, url.drivername))


def table_of(name: str, columns: tuple[str, ...] = ()) -> TableClause:
    """A table by its name, perhaps with its schema before a dot."""
    schema, _, plain = name.rpartition(".")
    typed = (column(c, BigInteger) if c.lower() == "id" else column(c) for c in columns)
    return table(plain, *typed, schema=schema or None)


def columns_of(connection: Connection, name: str) -> tuple[str, ...]:
    """The names of a table's columns in their order."""
    nothing = select(text("*")).select_from(table_of(name)).where(text("1 = 0"))
    return tuple(connection.execute(nothing).keys())


class Session:
    """One open connection, for the thread that opened it."""

    def __init__(self, connection: Connection | AsyncConnection, runner: asyncio.Runner | None = None) -> None:
        """Made by `connected` alone."""
        self._connection = connection
        self._runner = runner

    def do(self, work: Callable[[Connection], Result]) -> Result:
        """Do something with the connection."""
        if isinstance(self._connection, Connection):
            return work(self._connection)
        assert self._runner is not None
        return self._runner.run(self._connection.run_sync(work))


@contextmanager
def connected(url: URL) -> Iterator[Session]:
    """A connection that may only read, for as long as the block lasts.

    Raises:
        SQLAlchemyError, OSError: it cannot be had, or broke; see `condition_of`.
    """
    backend = url.get_backend_name()
    options = _OPTIONS.get(backend, {})
    if url.get_driver_name() == "asyncpg":
        with asyncio.Runner() as runner, _connected_in(runner, url, options) as session:
            yield session
        return
    engine = create_engine(url, isolation_level="AUTOCOMMIT", connect_args=options)
    try:
        with engine.connect() as connection:
            connection.execute(text(_READ_ONLY[backend]))
            yield Session(connection)
    finally:
        engine.dispose()


@contextmanager
def _connected_in(runner: asyncio.Runner, url: URL, options: Mapping[str, object]) -> Iterator[Session]:
    """The same through a driver of asyncio, in a loop of the thread's own."""
    engine = create_async_engine(url, isolation_level="AUTOCOMMIT", connect_args=dict(options))

    async def opened() -> AsyncConnection:
        connection = await engine.connect()
        await connection.execute(text(_READ_ONLY["postgresql"]))
        return connection

    try:
        connection = runner.run(opened())
        try:
            yield Session(connection, runner)
        finally:
            with suppress(SQLAlchemyError, OSError):
                runner.run(connection.close())
    finally:
        runner.run(engine.dispose())


def condition_of(fault: BaseException) -> JournalCondition:
    """What a failure means for the reader."""
    if isinstance(fault, NoSuchModuleError):
        return JournalCondition.UNREADABLE
    if not isinstance(fault, SQLAlchemyError):
        return JournalCondition.NO_SERVER
    told = _code_of(fault)
    if told is not None and told in _TOLD:
        return _TOLD[told]
    words = str(getattr(fault, "orig", fault))
    if "no such table" in words:
        return JournalCondition.NO_TABLE
    away = isinstance(fault, OperationalError | InterfaceError) or (isinstance(fault, DBAPIError) and told is None)
    return JournalCondition.NO_SERVER if away else JournalCondition.UNREADABLE


def trouble_of(fault: BaseException) -> str:
    """The failure in a word for people, without what a server wrote: it may quote the address or a row."""
    told = _code_of(fault) if isinstance(fault, SQLAlchemyError) else None
    origin = getattr(fault, "orig", None) or fault
    return f"{type(origin).__name__}{f' {told}' if told is not None else ''}"


def _code_of(fault: SQLAlchemyError) -> int | str | None:
    if not isinstance(fault, DBAPIError) or fault.orig is None:
        return None
    first = fault.orig.args[0] if fault.orig.args else None
    if isinstance(first, int) and not isinstance(first, bool):
        return first
    state = getattr(fault.orig, "sqlstate", None) or getattr(fault.orig, "pgcode", None)
    return state if isinstance(state, str) and _STATE.fullmatch(state) else None
