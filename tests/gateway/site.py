"""A site for tests: two managers and a supervisor with their extensions, a trunk, and a pipeline over it."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from gateway.domain.directory import Directory, Entry, PartyKind
from gateway.domain.phone import NumberPlan
from gateway.live import Live
from gateway.pipeline import Pipeline
from gateway.store.database import Pool, open_pool
from gateway.store.figures import recount
from gateway.store.staff import add_user, give_extension, load_tables
from sip.cel import read_row
from sip.records import Record, RecordSplitter

SCENARIOS = Path(__file__).parent.parent / "scenarios"
ZONE = ZoneInfo("Europe/Moscow")
PEOPLE = {
    "anna": ("101", ["101", "anna-desk", "101-WS"]),
    "boris": ("102", ["102"]),
    "head": ("100", ["100"]),
}
BASE = Directory(
    pbx="pbx1",
    plan=NumberPlan(region="RU"),
    entries=(
        Entry(pattern="trunk", kind=PartyKind.TRUNK),
        Entry(pattern="my-trunk-1", kind=PartyKind.TRUNK),
    ),
)


def rows_of(scenario: str) -> list[bytes]:
    """The rows of a recorded journal."""
    pieces = RecordSplitter().feed((SCENARIOS / scenario / "journal.cel.csv").read_bytes())
    return [p.data for p in pieces if isinstance(p, Record)]


def rows_of_now(scenario: str) -> list[bytes]:
    """The same, begun a minute ago: who is in a call is asked of the last hours alone."""
    fields = [row.split(b'","', 2) for row in rows_of(scenario)]
    later = time.time() - 60 - float(fields[0][1])
    return [b'","'.join((kind, b"%.6f" % (float(at) + later), rest)) for kind, at, rest in fields]


@dataclass(slots=True, kw_only=True)
class Site:
    """Everything a test of the pipeline needs."""

    pool: Pool
    pipeline: Pipeline
    live: Live
    users: dict[str, int]

    async def restart(self) -> None:
        """A new gateway on the same database: nothing in memory."""
        self.pipeline = await make_pipeline(self.pool, self.live)

    async def take_all(self, rows: Sequence[bytes], step: int = 1000) -> None:
        """Feed rows in batches."""
        for start in range(0, len(rows), step):
            await self.pipeline.take(rows[start : start + step])


async def make_pipeline(pool: Pool, live: Live) -> Pipeline:
    """A pipeline over the site's present tables."""
    return Pipeline(pool, read_row, await load_tables(pool, BASE, ZONE), live)


@asynccontextmanager
async def open_site(dsn: str) -> AsyncIterator[Site]:
    """Enter the people who are not there yet, and open a pipeline."""
    async with open_pool(dsn) as pool:
        users: dict[str, int] = {u["login"]: u["id"] for u in await pool.fetch("select login, id from users")}
        async with pool.acquire() as connection, connection.transaction():
            for login, (extension, patterns) in PEOPLE.items():
                if login in users:
                    continue
                role = "supervisor" if login == "head" else "manager"
                users[login] = await add_user(connection, login=login, name=login.title(), role=role)
                await give_extension(
                    connection, pbx="pbx1", extension=extension, user_id=users[login], patterns=patterns
                )
        live = Live()
        yield Site(pool=pool, pipeline=await make_pipeline(pool, live), live=live, users=users)


ROLL_UPS = {
    "manager_day": "calls <> 0",
    "number_day": "n <> 0",
    "company_day": "calls <> 0",
    "distinct_day": "before <> '{}'",
}
"""Tables, and the condition of a row that counts anything."""


async def figures(pool: Pool) -> dict[str, list[tuple[object, ...]]]:
    """All roll-ups, for comparison; rows that count nothing any more left out."""
    return {
        table: sorted(tuple(r) for r in await pool.fetch(f"select * from {table} where {counts}"))
        for table, counts in ROLL_UPS.items()
    }


async def recounted(pool: Pool) -> dict[str, list[tuple[object, ...]]]:
    """What the roll-ups are after a recount; the recount itself is undone."""
    async with pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await recount(connection, long_seconds=120, zone=str(ZONE))
        found = {t: sorted(tuple(r) for r in await connection.fetch(f"select * from {t}")) for t in ROLL_UPS}
        await transaction.rollback()
        return found
