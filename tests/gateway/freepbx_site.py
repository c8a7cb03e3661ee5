"""The FreePBX-like site of the lab as a gateway sees it: its people, its table, and the truth of its recorded day."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gateway.domain.directory import Directory, Entry, PartyKind
from gateway.domain.phone import NumberPlan
from gateway.live import Live
from gateway.pipeline import Pipeline
from gateway.store.database import Pool, open_pool
from gateway.store.staff import add_user, give_extension, load_tables
from gateway.table_reading import TableReading
from sip.cel import read_row
from sip.cel_table import CelTable, is_table_row, read_table_row
from sip.journal import JournalStatus
from tests.scenarios.catalogue import SCENARIOS, Scenario
from tests.sip.cel_tables import MOSCOW

PBX = "freepbx"
PEOPLE = {"anna": "5001", "boris": "5002", "vera": "5003", "dina": "5004"}
BASE = Directory(
    pbx=PBX,
    plan=NumberPlan(region="RU", strip=("9",), own=frozenset({"+74954950100"})),
    entries=(Entry(pattern="operator", kind=PartyKind.TRUNK),),
)


def read_any(row: bytes) -> Any:
    """A row of either journal, as the gateway maps it."""
    return read_table_row(row) if is_table_row(row) else read_row(row)


@dataclass(slots=True)
class FreePbxSite:
    """A gateway's reading of one PBX without the rest of the gateway."""

    pool: Pool
    pipeline: Pipeline
    status: JournalStatus

    async def restart(self) -> None:
        """A new gateway on the same database."""
        self.pipeline = Pipeline(self.pool, read_any, await load_tables(self.pool, BASE, MOSCOW), Live())
        self.status = JournalStatus()

    async def read(self, source: CelTable, done: Callable[[], Awaitable[bool]], *, days: int = 36_500) -> None:
        """Read a table until something is so."""
        reading = TableReading(source, self.pool, self.pipeline, self.status, read=read_any, history_days=days)
        await self.run(reading.run, done)

    async def run(self, work: Callable[[], Awaitable[None]], done: Callable[[], Awaitable[bool]]) -> None:
        """Let something work until something is so."""

        async def at_work() -> None:
            await work()

        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            task = group.create_task(at_work())
            while not await done():
                await asyncio.sleep(0.05)
            task.cancel()

    async def calls(self) -> list[dict[str, Any]]:
        """The calls as they stand, in the order of their start."""
        found = await self.pool.fetch("select * from call where merged_into is null order by started_at, key")
        return [dict(r) for r in found]

    async def ended(self, count: int) -> bool:
        """Whether so many calls have ended and none goes on."""
        states = await self.pool.fetch("select state from call where merged_into is null")
        return len(states) >= count and all(s["state"] == "ended" for s in states)


@asynccontextmanager
async def open_twin(site: FreePbxSite) -> AsyncIterator[FreePbxSite]:
    """A second PBX of the same gateway whose calls have the same ids."""
    base = replace(BASE, pbx="twin")
    async with site.pool.acquire() as connection, connection.transaction():
        for login, extension in PEOPLE.items():
            user = await connection.fetchval("select id from users where login = $1", login)
            await give_extension(connection, pbx="twin", extension=extension, user_id=user, patterns=[extension])
    pipeline = Pipeline(site.pool, read_any, await load_tables(site.pool, base, MOSCOW), Live())
    yield FreePbxSite(site.pool, pipeline, JournalStatus())


@asynccontextmanager
async def open_freepbx_site(dsn: str) -> AsyncIterator[FreePbxSite]:
    """Enter the people and open a pipeline."""
    async with open_pool(dsn) as pool:
        async with pool.acquire() as connection, connection.transaction():
            for login, extension in PEOPLE.items():
                user = await add_user(connection, login=login, name=login.title(), role="manager")
                await give_extension(connection, pbx=PBX, extension=extension, user_id=user, patterns=[extension])
        site = FreePbxSite(
            pool, Pipeline(pool, read_any, await load_tables(pool, BASE, MOSCOW), Live()), JournalStatus()
        )
        yield site


DAY = sorted((s for s in SCENARIOS if s.name.startswith("freepbx_")), key=lambda s: str(s.calls[0]["started_at"]))
"""The recorded day, scenario by scenario."""


def truth_of_day() -> list[dict[str, Any]]:
    """The calls of the day as the phones saw them, in the order of their start."""
    calls = [json.loads(json.dumps(call)) for scenario in DAY for call in scenario.calls]
    return sorted(calls, key=lambda call: str(call["started_at"]))


def journal_of_day(scenarios: list[Scenario]) -> bytes:
    """The CSV journal of the same day."""
    return b"".join(scenario.journal.read_bytes() for scenario in scenarios)


def write_journal(folder: Path, content: bytes) -> Path:
    """A journal file."""
    path = folder / "trunkline.csv"
    path.write_bytes(content)
    return path
