"""Recordings on their way from the PBX's folder to the archive: nothing lost, doubled or half done."""

import asyncio
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from gateway.domain.identity import recording_id
from gateway.domain.recordings import (
    IntakeRules,
    RecordingKey,
    RecordingPart,
    RecordingState,
    StoredArchive,
    TranscriptState,
    day_of_name,
)
from gateway.store import recordings as store
from gateway.store.database import Pool
from gateway.store.facts import facts_after
from recordings.intake import LocalIntake
from tests.gateway.recorded import PBX, Studio, began, client_leg, let_run_out, open_studio
from tests.gateway.site import open_site, rows_of
from tests.recordings.sounds import header, heard, voice, wav

pytestmark = pytest.mark.asyncio
ROOT = Path(__file__).parents[2]


async def test_a_completed_recording_becomes_a_verified_archive_with_its_fact(studio: Studio) -> None:
    name = began(1)
    studio.record(name, seconds=2.5, seed=7)
    with studio.live.listening() as screen:
        assert await studio.upkeep.round() == 1

        told = screen.queue.get_nowait()
    found = await studio.row(name)
    kept = heard(studio.storage.path_of(await studio.key(name)))
    assert np.array_equal(kept, np.column_stack([voice(1007, 2.5), voice(7, 2.5)]))
    assert (found["state"], found["duration_us"], found["has_speakers"]) == (RecordingState.STORED, 2_500_000, True)
    assert found["transcript_state"] == TranscriptState.WANTED
    (fact,) = await facts_after(studio.pool, None, 10)
    assert (fact.kind, fact.body["id"]) == ("recording.stored", str(found["id"]))
    assert (told.kind, told.body) == (fact.kind, fact.body)


async def test_the_row_names_the_archive_by_our_id_and_the_day_of_the_call(studio: Studio) -> None:
    name = f"{PBX}-1795301633.335"
    studio.record(name)
    await studio.upkeep.round()

    row = await studio.row(name)
    place = f"2026/11/21/{recording_id(PBX, name)}"
    assert (row["archive"], row["playback"], row["peaks"]) == (place, place, place)
    for part in RecordingPart:
        with studio.storage.open_for_reading(await studio.key(name), part).file as file:
            assert file.read(1)


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("1700000000.12", date(2023, 11, 14)),
        ("main-pbx-2-1700000000.12", date(2023, 11, 14)),
        ("my-own-name", date(2026, 1, 31)),
        ("9999999999.1", date(2026, 1, 31)),
        ("12345.6", date(2026, 1, 31)),
    ],
)
async def test_a_uniqueid_tells_the_day_unless_it_is_strange(name: str, day: date) -> None:
    assert day_of_name(name, otherwise=datetime(2026, 1, 31, 12, tzinfo=UTC)) == day


async def test_nothing_is_done_twice(studio: Studio) -> None:
    studio.record(began(1))

    assert [await studio.upkeep.round() for _ in range(3)] == [1, 0, 0]
    assert len(await facts_after(studio.pool, None, 10)) == 1


async def test_a_hint_wakes_the_upkeep(pool: Pool, tmp_path: Path) -> None:
    async with open_studio(pool, tmp_path) as studio, asyncio.TaskGroup() as group:
        task = group.create_task(studio.upkeep.run())
        studio.record(began(1))
        with studio.live.listening() as screen:
            async with asyncio.timeout(60):
                told = await screen.queue.get()
        task.cancel()
    assert told.kind == "recording.stored"


async def test_a_recording_is_linked_to_the_call_of_its_leg_and_seen_by_its_managers(
    database: str,
    tmp_path: Path,
) -> None:
    async with open_site(database) as site, open_studio(site.pool, tmp_path) as studio:
        await site.take_all(rows_of("in_answered"))
        name, call = await client_leg(site.pool)
        studio.record(name)
        await studio.upkeep.round()

        assert (await studio.row(name))["call_id"] == call
        fact = (await facts_after(site.pool, None, 100))[-1]
        assert (fact.kind, fact.call_id, fact.users) == ("recording.stored", call, (site.users["anna"],))
        assert fact.contact_id is not None


async def test_a_recording_that_was_there_before_its_leg_is_linked_when_the_leg_comes(
    database: str,
    tmp_path: Path,
) -> None:
    async with open_site(database) as site, open_studio(site.pool, tmp_path) as studio:
        name = "pbx1-1795301633.335"
        studio.record(name)
        await studio.upkeep.round()
        before = (await studio.row(name))["call_id"]
        await site.take_all(rows_of("att_xfer_refer"))

        assert before is None
        assert (await studio.row(name))["call_id"] == (await client_leg(site.pool))[1]


@pytest.mark.parametrize(
    "scenario", ["att_xfer_refer", "blind_xfer_refer", "blind_xfer_ami", "13_att_xfer_to_client", "06_park_retrieve"]
)
@pytest.mark.parametrize("step", [1, 1000])
async def test_it_belongs_to_the_call_that_remains_after_transfers_and_merges(
    database: str,
    tmp_path: Path,
    scenario: str,
    step: int,
) -> None:
    async with open_site(database) as site, open_studio(site.pool, tmp_path) as studio:
        rows = rows_of(scenario)
        half = len(rows) // 2
        await site.take_all(rows[:half], step)
        for leg in await site.pool.fetch("select id from leg"):
            studio.record(leg["id"], done=False)
        await studio.upkeep.round()
        await site.take_all(rows[half:], step)
        await studio.upkeep.round()

        wrong = await site.pool.fetchval(
            "select count(*) from recording r join leg l on l.pbx = r.pbx and l.id = r.name"
            " left join call c on c.id = r.call_id where r.call_id is distinct from l.call_id"
            " or c.merged_into is not null or r.state <> 'stored'"
        )
        assert wrong == 0


async def test_a_link_that_two_transactions_missed_is_mended(database: str, tmp_path: Path) -> None:
    async with open_site(database) as site, open_studio(site.pool, tmp_path) as studio:
        await site.take_all(rows_of("in_answered"))
        name, call = await client_leg(site.pool)
        studio.record(name)
        await studio.upkeep.round()
        await site.pool.execute("update recording set call_id = null")
        await studio.upkeep.round()

        assert (await studio.row(name))["call_id"] == call


async def test_what_the_pbx_threw_away_because_nobody_talked_is_waited_for_no_more(
    database: str,
    tmp_path: Path,
) -> None:
    async with open_site(database) as site, open_studio(site.pool, tmp_path) as studio:
        rows = rows_of("in_noanswer")
        await site.take_all(rows[:4])
        name, _ = await client_leg(site.pool)
        studio.record(name, seconds=0.0, done=False)
        await studio.upkeep.round()
        while_it_rings = await store.upkeep_counts(site.pool, grace=timedelta(0))
        for file in studio.folder.iterdir():
            file.unlink()
        await studio.upkeep.round()
        before_its_end = await store.upkeep_counts(site.pool, grace=timedelta(0))
        await site.take_all(rows[4:])
        await studio.upkeep.round()

        assert (while_it_rings.waiting, before_its_end.waiting) == (1, 1)
        assert (await store.upkeep_counts(site.pool, grace=timedelta(0))).waiting == 0


async def test_without_the_marker_it_waits_for_the_end_of_its_leg(database: str, tmp_path: Path) -> None:
    async with open_site(database) as site, open_studio(site.pool, tmp_path) as studio:
        rows = rows_of("in_answered")
        await site.take_all(rows[:6])
        name, _ = await client_leg(site.pool)
        studio.record(name, done=False)
        while_open = await studio.upkeep.round()
        await site.take_all(rows)

        assert while_open == 0
        assert await studio.upkeep.round() == 1


async def test_without_the_marker_it_waits_until_it_rests(database: str, tmp_path: Path) -> None:
    rules = IntakeRules(settle=timedelta(seconds=0.3))
    async with open_site(database) as site, open_studio(site.pool, tmp_path, rules=rules) as studio:
        await site.take_all(rows_of("in_answered"))
        name, _ = await client_leg(site.pool)
        studio.record(name, done=False)
        at_once = await studio.upkeep.round()
        await asyncio.sleep(0.4)

        assert at_once == 0
        assert await studio.upkeep.round() == 1


async def test_files_that_no_leg_explains_are_kept_after_a_long_rest(pool: Pool, tmp_path: Path) -> None:
    async with open_studio(pool, tmp_path) as studio:
        studio.record("strange", done=False)
        assert await studio.upkeep.round() == 0

    async with open_studio(pool, tmp_path, rules=IntakeRules(orphan_after=timedelta(0))) as studio:
        await studio.upkeep.round()
        assert (await studio.row("strange"))["state"] == RecordingState.STORED
        assert (await store.upkeep_counts(pool, grace=timedelta(0))).without_call == 1


async def test_a_short_recording_wants_no_transcript(studio: Studio) -> None:
    studio.record(began(1), seconds=0.9)
    studio.record(began(2), seconds=1.0)
    await studio.upkeep.round()

    rows = await studio.pool.fetch("select transcript_state from recording order by duration_us")
    assert [r["transcript_state"] for r in rows] == ["none", "wanted"]


async def test_transcripts_can_be_switched_off(pool: Pool, tmp_path: Path) -> None:
    async with open_studio(pool, tmp_path, transcribe=False) as studio:
        studio.record(began(1))
        await studio.upkeep.round()

        assert await pool.fetchval("select transcript_state from recording") == "none"


@pytest.mark.parametrize("content", [b"", b"garbage" * 100, header(0)])
async def test_files_without_sound_are_reported_once_and_left_where_they_are(studio: Studio, content: bytes) -> None:
    name = began(1)
    for side in ("-rx.wav", "-tx.wav"):
        (studio.folder / f"{name}{side}").write_bytes(content)
    (studio.folder / f"{name}.done").touch()
    await studio.upkeep.round()
    await let_run_out(studio.pool)
    await studio.upkeep.round()

    found = await studio.row(name)
    assert found["state"] == RecordingState.DAMAGED
    assert found["reason"]
    assert studio.upkeep.status.failed_attempts == 1
    assert len(list(studio.folder.iterdir())) == 3


async def test_a_marker_without_files_is_reported(studio: Studio) -> None:
    name = began(1)
    (studio.folder / f"{name}.done").touch()
    await studio.upkeep.round()

    found = await studio.row(name)
    assert (found["state"], found["reason"]) == (RecordingState.DAMAGED, "the PBX left no sound file")


async def test_a_side_that_is_damaged_is_told_and_the_pbx_keeps_its_copy(pool: Pool, tmp_path: Path) -> None:
    async with open_studio(pool, tmp_path, keep=timedelta(0)) as studio:
        name = began(1)
        studio.record(name)
        (studio.folder / f"{name}-tx.wav").write_bytes(b"garbage" * 100)
        await studio.upkeep.round()
        await studio.upkeep.round()

        found = await studio.row(name)
        assert found["state"] == RecordingState.STORED
        assert "manager: damaged" in str(found["reason"])
        assert found["source_deleted_at"] is None
        assert len(list(studio.folder.iterdir())) == 3
        assert (await store.upkeep_counts(pool, grace=timedelta(0))).kept_sources == 1


async def test_the_rest_goes_on_when_one_recording_fails(studio: Studio) -> None:
    bad, good = began(1), began(2)
    studio.record(bad)
    (studio.folder / f"{bad}-tx.wav").write_bytes(wav(voice(3, 2.0, rate=16000), rate=16000))
    studio.record(good)
    await studio.upkeep.round()

    assert (await studio.row(bad))["state"] == RecordingState.WANTED
    assert (await studio.row(good))["state"] == RecordingState.STORED


async def test_after_three_failures_it_is_given_up_until_somebody_wants_it_again(studio: Studio) -> None:
    name = began(1)
    studio.record(name)
    (studio.folder / f"{name}-tx.wav").write_bytes(wav(voice(3, 2.0, rate=16000), rate=16000))
    states = []
    for _ in range(4):
        await studio.upkeep.round()
        states.append((await studio.row(name))["state"])
        await let_run_out(studio.pool)
    reason = (await studio.row(name))["reason"]
    studio.record(name)
    again = await store.want_again(studio.pool, recording_id(PBX, name))
    await studio.upkeep.round()

    assert states == [RecordingState.WANTED, RecordingState.WANTED, RecordingState.FAILED, RecordingState.FAILED]
    assert reason is not None
    assert "sample rate" in reason
    assert again
    assert (await studio.row(name))["state"] == RecordingState.STORED


class Strange(LocalIntake):
    """An intake in which a codec stumbles over what it was given."""

    def take_in(self, name: str, key: RecordingKey, *, stopping: Callable[[], bool]) -> StoredArchive:
        raise ValueError(f"cannot make sense of {name}")


async def test_a_file_over_which_a_codec_stumbles_does_not_end_the_gateway(pool: Pool, tmp_path: Path) -> None:
    async with open_studio(pool, tmp_path, intake=Strange) as studio:
        studio.record(began(1))
        assert await studio.upkeep.round() == 0

        row = await pool.fetchrow("select state, attempts, reason from recording")
        assert tuple(row) == ("wanted", 1, "ValueError")


async def test_attempts_wait_longer_and_longer(studio: Studio) -> None:
    name = began(1)
    studio.record(name)
    (studio.folder / f"{name}-tx.wav").write_bytes(wav(voice(3, 2.0, rate=16000), rate=16000))
    waits = []
    for _ in range(2):
        await studio.upkeep.round()
        waits.append(await studio.pool.fetchval("select extract(epoch from next_try_at - now())::int from recording"))
        await let_run_out(studio.pool)

    assert [25 < waits[0] <= 30, 110 < waits[1] <= 120] == [True, True]


async def test_a_file_that_ends_the_gateway_each_time_stops_after_three_attempts(studio: Studio) -> None:
    name = began(1)
    studio.record(name)
    await store.enter_found(studio.pool, PBX, {name: date(2026, 1, 31)})
    for _ in range(3):
        await let_run_out(studio.pool)
        assert await store.begin_ingest(studio.pool, recording_id(PBX, name), attempts=3)  # and never comes back
    await let_run_out(studio.pool)
    await studio.upkeep.round()

    found = await studio.row(name)
    assert found["state"] == RecordingState.FAILED
    assert "ended" in str(found["reason"])
