"""Brings a database to the state this code needs, and refuses one that cannot serve.

The migrations in `migrations/versions` are hand-written SQL, run by Alembic; everything else in the gateway
speaks to PostgreSQL through asyncpg. Nodes that start together wait for each other on an advisory lock,
which one session holds from the first look to the last commit. A database written by a newer Trunkline is
refused, because this code would not understand its rows.
"""

from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from gateway.domain.errors import GiveUp, TryAgain
from gateway.store.feed_time import keep_feed_ahead

OLDEST_SERVER = 15
MIGRATION_LOCK = 7_236_581_904_417  # any number nobody else takes as advisory lock in this database
_CHECK_LOCK = MIGRATION_LOCK + 1
EXTENSIONS = ("pg_trgm", "unaccent", "btree_gist")


class DatabaseUnreachable(TryAgain, ConnectionError):
    """The database does not answer; check database.url and that PostgreSQL runs."""


class DatabaseUnfit(GiveUp):
    """The database cannot serve the gateway."""


class DatabaseNewer(GiveUp):
    """The database was written by a newer Trunkline; start that version, or restore the older backup."""


async def open_session(dsn: str) -> asyncpg.Connection:
    """One session of asyncpg.

    Raises:
        DatabaseUnreachable: no server answers there at the moment.
        DatabaseUnfit: the server answers and refuses us.
    """
    try:
        return await asyncpg.connect(dsn)
    except (asyncpg.CannotConnectNowError, asyncpg.TooManyConnectionsError, OSError, TimeoutError) as reason:
        raise DatabaseUnreachable(f"The database does not answer ({_first_line(reason)}).") from reason
    except (asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as reason:
        raise DatabaseUnfit(
            f"The database refuses the gateway ({_first_line(reason)}); check database.url."
        ) from reason


def _first_line(reason: BaseException) -> str:
    return next(iter(str(reason).splitlines()), type(reason).__name__)


async def check_database(dsn: str) -> None:
    """Prove that a database can serve: its version, and that it knows Cyrillic letters and trigrams.

    Raises:
        DatabaseUnreachable: it does not answer at the moment.
        DatabaseUnfit: it cannot serve; the message says what to change.
    """
    session = await open_session(dsn)
    try:
        refuse_old_server(session.get_server_version().major)
        await _check_extensions(session)
        await _check_letters(session)
    finally:
        await session.close()


def refuse_old_server(major: int) -> None:
    """Refuse a server whose major version is too old.

    Raises:
        DatabaseUnfit: it is.
    """
    if major < OLDEST_SERVER:
        raise DatabaseUnfit(
            f"The server is PostgreSQL {major}; PostgreSQL {OLDEST_SERVER} or newer is needed. Upgrade it, or "
            "leave database.url empty: the gateway then runs a PostgreSQL of its own."
        )


async def _check_extensions(session: asyncpg.Connection) -> None:
    there = await session.fetch("select name from pg_available_extensions where name = any($1)", EXTENSIONS)
    if missing := sorted(set(EXTENSIONS) - {row["name"] for row in there}):
        raise DatabaseUnfit(
            f"The server lacks the extensions {', '.join(missing)}; install PostgreSQL's contrib modules "
            "(Debian: the package postgresql-contrib)."
        )


async def _check_letters(session: asyncpg.Connection) -> None:
    # Rolled back: a check changes nothing, also where the extension is not there yet.
    attempt = session.transaction()
    await attempt.start()
    try:
        await session.execute("select pg_advisory_xact_lock($1)", _CHECK_LOCK)  # "if not exists" is no protection
        await session.execute("create extension if not exists pg_trgm")
        lower = await session.fetchval("select lower('Ж')")
        likeness = await session.fetchval("select similarity('ИВАНОВ', 'иванов')")
    except asyncpg.ReadOnlySQLTransactionError as reason:
        raise DatabaseUnfit("This database is read-only; let database.url name the primary server.") from reason
    except asyncpg.InsufficientPrivilegeError as reason:
        raise DatabaseUnfit(
            "The gateway's role may not create extensions. Make it the owner of the database, or let an "
            f"administrator run there: create extension {'; create extension '.join(EXTENSIONS)};"
        ) from reason
    finally:
        await attempt.rollback()
    if lower != "ж" or likeness < 1:
        raise DatabaseUnfit(
            f"This database does not know Cyrillic letters (lower('Ж') gives {lower!r}, the likeness of "
            f"ИВАНОВ and иванов is {likeness:.2f} instead of 1), so names would not be found. Make it anew: "
            "create database trunkline template template0 encoding 'UTF8' locale 'C.UTF-8';"
        )


async def upgrade(dsn: str) -> None:
    """Check the database and run every migration it has not seen; safe when several nodes start together.

    Args:
        dsn: `postgresql://...` as asyncpg takes it.
    Raises:
        DatabaseUnreachable, DatabaseUnfit: as `check_database`.
        DatabaseNewer: it knows a migration that this code does not.
    """
    try:
        await check_database(dsn)
    except asyncpg.UniqueViolationError:  # another node's migration made the extension at the same moment
        await check_database(dsn)
    # The session is opened by asyncpg itself: SQLAlchemy would read the address by rules of its own.
    engine = create_async_engine("postgresql+asyncpg://", async_creator=lambda: open_session(dsn), poolclass=NullPool)
    try:
        async with engine.connect() as session:
            await session.execute(text("select pg_advisory_lock(:key)"), {"key": MIGRATION_LOCK})
            await session.commit()  # the lock belongs to the session and outlasts the transaction
            await session.run_sync(_upgrade)
            await session.commit()
            await _keep_feed_ahead(dsn)
    finally:
        await engine.dispose()


def known_revisions() -> list[str]:
    """The migrations that this version knows, the newest first."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    return [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]


async def _keep_feed_ahead(dsn: str) -> None:
    """While the lock is held: what was copied from another server comes before what this one writes."""
    session = await open_session(dsn)
    try:
        await keep_feed_ahead(session)
    finally:
        await session.close()


def _upgrade(session: Connection) -> None:
    config = Config(attributes={"connection": session})
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    _refuse_newer(session, ScriptDirectory.from_config(config))
    session.commit()
    command.upgrade(config, "head")


def _refuse_newer(session: Connection, scripts: ScriptDirectory) -> None:
    if session.scalar(text("select to_regclass('alembic_version')")) is None:
        return
    known = {script.revision for script in scripts.walk_revisions()}
    for (revision,) in session.execute(text("select version_num from alembic_version")):
        if revision not in known:
            raise DatabaseNewer(
                f"The database is at migration {revision}, which this version does not know (its newest is "
                f"{scripts.get_current_head()}): a newer Trunkline has used it. Start that version again, or "
                "restore the backup made before the upgrade."
            )
