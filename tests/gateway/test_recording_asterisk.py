"""Recordings of a real Asterisk: linked to the one call that remains, whatever the managers did with it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from gateway.domain.directory import Directory, Entry, PartyKind
from gateway.domain.phone import NumberPlan
from gateway.free_space import FreeSpace
from gateway.live import Live
from gateway.pipeline import Pipeline
from gateway.recording_upkeep import RecordingUpkeep
from gateway.store import recordings as store
from gateway.store.database import Pool
from gateway.store.staff import load_tables
from lab.phones import open_client_phone, open_manager_phone
from lab.server import AsteriskServer
from recordings.intake import LocalIntake
from recordings.storage import LocalStorage
from sip.cel import read_row
from sip.records import Record, RecordSplitter
from tests.gateway.site import ZONE, open_site

pytestmark = [pytest.mark.asyncio, pytest.mark.asterisk]
QUEUE, ONE_MANAGER = "4950006", "4950005"


class Office:
    """The lab's Asterisk with our pipeline and upkeep behind it."""

    def __init__(self, server: AsteriskServer, pool: Pool, pipeline: Pipeline, upkeep: RecordingUpkeep) -> None:
        self.server, self.pool, self.pipeline, self.upkeep = server, pool, pipeline, upkeep
        self._read = 0

    async def settle(self, began: datetime) -> list[asyncpg.Record]:
        """Take the journal and the recordings in until the calls begun since have ended; their recordings."""
        async with asyncio.timeout(60):
            while True:
                pieces = RecordSplitter().feed(self.server.journal.read_bytes())
                await self.pipeline.take([p.data for p in pieces if isinstance(p, Record)])
                await self.upkeep.round()
                calls = await self.pool.fetch("select id, state from call where merged_into is null")
                rows = await self.pool.fetch("select state from recording where found_at >= $1", began)
                if (
                    calls
                    and {c["state"] for c in calls} == {"ended"}
                    and rows
                    and {r["state"] for r in rows} == {"stored"}
                ):
                    of_calls = "select * from recording where call_id = any($1::uuid[]) order by found_at"
                    return await self.pool.fetch(of_calls, [c["id"] for c in calls])
                await asyncio.sleep(0.1)


@pytest_asyncio.fixture
async def office(asterisk: AsteriskServer, database: str, tmp_path: Path) -> AsyncIterator[Office]:
    base = Directory(
        pbx="lab",
        plan=NumberPlan(region="RU"),
        entries=(
            Entry(pattern="trunk", kind=PartyKind.TRUNK),
            *(Entry(pattern=e, kind=PartyKind.MANAGER, extension=e) for e in ("101", "102")),
        ),
    )
    for left in (asterisk.journal, *asterisk.recordings.iterdir()):
        left.unlink(missing_ok=True)
    async with open_site(database) as site:
        live = Live()
        with LocalStorage(tmp_path / "archive") as storage:
            upkeep = RecordingUpkeep(
                site.pool,
                live,
                LocalIntake(asterisk.recordings, storage),
                FreeSpace(site.pool, live, storage.free_bytes, limit=0),
                pbx="lab",
                turn=asyncio.Semaphore(1),
            )
            pipeline = Pipeline(site.pool, read_row, await load_tables(site.pool, base, ZONE), live)
            yield Office(asterisk, site.pool, pipeline, upkeep)


async def now(pool: Pool) -> datetime:
    moment: datetime = await pool.fetchval("select now()")
    return moment


async def one_call(office: Office, recordings: list[asyncpg.Record], answered_by: list[str]) -> None:
    """There is one call with a client, one recording, and both belong together."""
    (call,) = await office.pool.fetch("select * from call where kind = 'client' and merged_into is null")
    (recording,) = recordings
    assert call["answered_by"] == answered_by
    assert recording["call_id"] == call["id"]
    assert abs(recording["duration_us"] - call["talk_us"] - (call["hold_us"] or 0)) < 1_500_000
    since, no_grace = call["started_at"], timedelta(0)
    assert await store.calls_without_recording(office.pool, ["lab"], since=since, grace=no_grace) == []


async def test_a_call_of_a_ring_all_queue_transferred_without_asking(office: Office) -> None:
    began = await now(office.pool)
    async with (
        open_manager_phone(office.server, "101") as anna,
        open_manager_phone(office.server, "102") as boris,
        open_client_phone(office.server) as client,
    ):
        call = await client.dial(QUEUE)
        rung = await boris.next_call()
        answered = await anna.next_call()
        await answered.answer()
        await rung.ended()
        await asyncio.sleep(1.0)
        await answered.blind_transfer("102")
        taken = await boris.next_call()
        await taken.answer()
        await taken.connected()
        await asyncio.sleep(1.0)
        await call.hang_up()
    await one_call(office, await office.settle(began), ["101", "102"])


async def test_a_call_transferred_after_asking_a_colleague(office: Office) -> None:
    began = await now(office.pool)
    async with (
        open_manager_phone(office.server, "101") as anna,
        open_manager_phone(office.server, "102") as boris,
        open_client_phone(office.server) as client,
    ):
        await anna.script(answer_after=0.1)
        await boris.script(answer_after=0.1)
        call = await client.dial(ONE_MANAGER)
        await call.connected()
        with_client = await anna.next_call()
        await asyncio.sleep(1.0)
        asking = await anna.dial("102")
        await asking.connected()
        await asyncio.sleep(0.5)
        await with_client.attended_transfer(asking)
        await asyncio.sleep(1.0)
        await call.hang_up()
    await one_call(office, await office.settle(began), ["101", "102"])


async def test_an_outbound_call_is_recorded_on_the_leg_that_was_dialled(office: Office) -> None:
    began = await now(office.pool)
    async with open_manager_phone(office.server, "101") as anna, open_client_phone(office.server) as client:
        await client.script(answer_after=0.1)
        call = await anna.dial("79161234567")
        await call.connected()
        await asyncio.sleep(1.0)
        await call.hang_up()
    await one_call(office, await office.settle(began), ["101"])
