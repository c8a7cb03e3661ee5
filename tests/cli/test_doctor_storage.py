"""What the doctor reads in the database of recordings on their way."""

import pytest

from gateway.doctor.findings import Finding, Level
from gateway.doctor.storage import check_storage
from gateway.settings import Settings
from gateway.store.database import Pool, open_pool

pytestmark = pytest.mark.asyncio
SITE = Settings(pbx={"main": {"recordings": {"folder": "/nowhere"}}})  # type: ignore[dict-item]


async def add(pool: Pool, state: str, *, hours: int = 0, kept_because: str | None = None) -> None:
    """A recording that was found some hours ago."""
    await pool.execute(
        "insert into recording (id, pbx, name, state, day, found_at, source_reason, source_whole, transcript_state)"
        " values (gen_random_uuid(), 'main', gen_random_uuid()::text, $1, current_date,"
        " now() - make_interval(hours => $2), $3, true, 'wanted')",
        state,
        hours,
        kept_because,
    )


async def found(pool: Pool, level: Level) -> list[Finding]:
    return [f async for f in check_storage(SITE, pool) if f.level is level and f.area == "recordings"]


async def test_recordings_that_wait_too_long_and_copies_that_stay_are_told(database: str) -> None:
    async with open_pool(database) as pool:
        await add(pool, "wanted", hours=3)
        await add(pool, "wanted")
        await add(pool, "stored", kept_because="Permission denied")
        advice = await found(pool, Level.ADVICE)

    assert any("2 recordings wait to be taken in, the oldest for 3 h" in f.text for f in advice)
    assert any("1 stored recordings stay in the PBX's folder" in f.text for f in advice)


async def test_what_waits_its_turn_is_no_advice(database: str) -> None:
    async with open_pool(database) as pool:
        await add(pool, "wanted")
        advice, well = await found(pool, Level.ADVICE), await found(pool, Level.OK)

    assert advice == []
    assert well[-1].text == "1 recordings and 1 transcripts wait for their turn."
