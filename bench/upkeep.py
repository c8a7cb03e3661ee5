"""What the upkeep of recordings and transcripts costs, as ratios of one run. `python -m bench.upkeep` prints JSON.

- `cost_over_archive`: CPU of recordings through the whole upkeep (rows, facts, archive) over the archives alone;
- `idle_round_ms`: one look into a folder in which 10,000 recordings lie that are settled;
- `claims_per_second`: claiming and settling transcripts without any recognition;
- `search_ms`: a page of 50 hits over 50,000 transcripts of about 300 words, common and rare words.
"""

import asyncio
import json
import random
import time
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from gateway.domain.recordings import RecordingKey
from gateway.store.database import Pool, open_pool
from gateway.store.embedded import open_embedded
from gateway.store.migrate import upgrade
from gateway.store.transcripts import search
from recordings.archive import make_archive
from recordings.spool import Spool
from recordings.storage import LocalStorage
from tests.database import open_folder
from tests.gateway.recorded import began, open_studio, write_call
from tests.gateway.scribe import Scribe, upkeep_of

CALLS, SECONDS = 20, 60.0
SETTLED = 10_000
TRANSCRIPTS, WORDS = 50_000, 300
DAY = date(2026, 1, 31)


async def cost_over_archive(pool: Pool, folder: Path) -> dict[str, float]:
    """CPU of the whole upkeep over that of the archives alone."""
    async with open_studio(pool, folder) as studio:
        for number in range(CALLS):
            write_call(studio.folder, began(number), seconds=SECONDS, seed=number)
        spool = Spool(studio.folder)
        found = spool.scan(now=datetime.now(UTC)).recordings
        with LocalStorage(folder / "alone") as storage:
            for recordings in (found[:3], found):  # the first ones only warm up
                begun = time.process_time()
                for recording in recordings:
                    key = RecordingKey(recording_id=uuid4(), day=DAY)
                    with spool.open_sources(recording) as sources, storage.stage(key) as staging:
                        make_archive(sources, staging)
                alone = time.process_time() - begun
        begun = time.process_time()
        stored = await studio.upkeep.round()
        whole = time.process_time() - begun
        assert stored == CALLS
        return {"cost_over_archive": round(whole / alone, 3), "cpu_seconds_an_hour": round(whole / CALLS * 60, 1)}


async def idle_round(pool: Pool, folder: Path) -> dict[str, float]:
    """Milliseconds of one look into a big folder where nothing is to be done."""
    async with open_studio(pool, folder) as studio:
        for number in range(SETTLED):
            for ending in ("-rx.wav", "-tx.wav", ".done"):
                (studio.folder / f"settled.{number}{ending}").touch()
        await pool.execute(
            "insert into recording (id, pbx, name, state, source_whole, stored_at, ingested_at)"
            " select gen_random_uuid(), 'pbx1', 'settled.' || n, 'stored', true, now(), now()"
            " from generate_series(0, $1) as n",
            SETTLED - 1,
        )
        times = []
        for _ in range(5):
            begun = time.perf_counter()
            await studio.upkeep.round()
            times.append(time.perf_counter() - begun)
        return {"settled_files": SETTLED * 3, "idle_round_ms": round(sorted(times)[2] * 1000, 1)}


async def claims(pool: Pool) -> dict[str, float]:
    """Transcripts a second through claim, transaction and fact, nothing recognised."""
    await pool.execute("update recording set transcript_state = 'wanted' where name like 'settled.%'")
    scribe, done, begun = Scribe(), 0, time.perf_counter()
    upkeep = upkeep_of(pool, scribe)
    while done < 2000:
        done += await upkeep.round(scribe, retried=False)
    return {"claims_per_second": round(done / (time.perf_counter() - begun))}


async def searches(pool: Pool) -> dict[str, float]:
    """Milliseconds of a page of hits, for words that nearly everybody, some and few say."""
    chance = random.Random(1)
    stock = [f"word{n}" for n in range(20_000)]
    weights = [1 / (n + 1) for n in range(len(stock))]
    texts = [" ".join(chance.choices(stock, weights, k=WORDS)) for _ in range(2000)]
    await pool.execute("delete from transcript")
    await pool.execute("delete from recording")
    await pool.execute(
        "with made as (insert into recording (id, pbx, name, state, stored_at, transcript_state)"
        " select gen_random_uuid(), 'pbx1', n::text, 'stored', now() - n * interval '1 minute', 'ready'"
        " from generate_series(1, $1) as n returning id, name)"
        " insert into transcript (recording_id, language, model, segments, text, words)"
        " select id, 'en', 'base', '[]', t, to_tsvector('simple', t) || to_tsvector('english', t)"
        " from made, lateral (select ($2::text[])[1 + name::int % 2000] as t) as x",
        TRANSCRIPTS,
        texts,
        timeout=600,
    )
    await pool.execute("analyze recording, transcript")
    found = {}
    for name, query in (("common", "word3"), ("some", "word300"), ("rare", "word15000"), ("two", "word40 word700")):
        times = []
        for _ in range(5):
            begun = time.perf_counter()
            await search(pool, query, languages=("ru", "en"))
            times.append(time.perf_counter() - begun)
        found[f"search_{name}_ms"] = round(sorted(times)[2] * 1000, 1)
    return {"transcripts": TRANSCRIPTS, **found}


async def main() -> None:
    """Measure everything on an own database."""
    with open_folder(on_disk=True) as place, TemporaryDirectory(prefix="trunkline-bench-") as folder:
        async with open_embedded(place / "pg") as server:
            await upgrade(server.dsn)
            async with open_pool(server.dsn) as pool:
                result = await cost_over_archive(pool, Path(folder))
                result |= await idle_round(pool, Path(folder))
                result |= await claims(pool)
                result |= await searches(pool)
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    asyncio.run(main())
