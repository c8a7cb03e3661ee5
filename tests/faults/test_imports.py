"""kill -9 of the gateway amid an import: it goes on behind the last batch, and no card is lost or doubled."""

import asyncio
import random
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from gateway.config import load
from gateway.domain.import_files import Writing
from gateway.store import imports as store
from gateway.store.database import Pool
from gateway.store.imports import State
from spreadsheets.process import Tables
from tests.faults.plant import configured, enter_people, looking_at, served

ROWS = 12_000
KILLS = 4
OPTIONS = {
    "region": "RU",
    "area_code": "",
    "day_first": True,
    "on_match": "fill",
    "strict": False,
    "need_contact": True,
    "use_emails": True,
    "system": "import",
    "stage": "client",
    "owner": None,
    "source": "",
    "own": [],
}


async def ordered(pool: Pool, folder: Path) -> int:
    """An import of many rows, ordered to run while no gateway is there."""
    folder.mkdir(parents=True)
    file = folder / "1.upload"
    file.write_text("name,phone\n" + "".join(f"Client {n},8916{n % (ROWS - 100):07d}\n" for n in range(ROWS)))
    found = await Tables().look(file, Writing(), [])
    async with pool.acquire() as connection, connection.transaction():
        id_ = await store.add_import(
            connection,
            name="clients.csv",
            sha256=bytes(32),
            size=file.stat().st_size,
            made_by="user:1",
            found=asdict(found),
            options=OPTIONS,
            targets=[p.target for p in found.proposals],
            rows=found.rows,
        )
        await store.begin(connection, id_, State.RUNNING, by="user:1", now=datetime.now(UTC))
    return id_


async def test_a_gateway_killed_in_an_import_goes_on_with_no_card_lost_or_doubled(
    database: str, tmp_path: Path
) -> None:
    await enter_people(database)
    config, rng = configured(tmp_path, database=database), random.Random(3)
    async with looking_at(database) as pool:
        id_ = await ordered(pool, load(config).home / "imports")
        places = []
        for _ in range(KILLS):
            with served(config) as gateway:
                before = await pool.fetchval("select place from import where id = $1", id_)
                while await pool.fetchval("select place from import where id = $1", id_) == before:
                    await asyncio.sleep(0.02)
                await asyncio.sleep(rng.uniform(0, 0.3))
                gateway.kill()
            places.append(await pool.fetchval("select place from import where id = $1", id_))
        with served(config) as gateway:
            async with asyncio.timeout(120):
                while await pool.fetchval("select state from import where id = $1", id_) != "done":
                    await asyncio.sleep(0.05)
            assert await gateway.stop(20) == 0
        found = await store.read_import(pool, id_)
        assert found is not None
        assert places == sorted(set(places))
        assert found.counts == {"created": ROWS - 100, "joined": 100, "refused": 0, "told": 100}
        assert await pool.fetchval("select count(*) from contact") == ROWS - 100
        assert await pool.fetchval("select count(*) from contact_phone") == ROWS - 100
        assert await pool.fetchval("select count(*) from import_row where import_id = $1", id_) == ROWS
