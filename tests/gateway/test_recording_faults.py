"""Recordings in bad company: copies whose time is over, full disks, kills, other encoders."""

import asyncio
import hashlib
import os
import random
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import soundfile

from gateway.domain.errors import GatewayError
from gateway.domain.identity import recording_id
from gateway.domain.recordings import (
    NoSound,
    NotNow,
    RecordingState,
)
from gateway.store import recordings as store
from gateway.store.database import Pool
from gateway.store.facts import facts_after
from tests.gateway.recorded import PBX, Studio, began, client_leg, let_run_out, open_studio, write_call
from tests.gateway.site import open_site, rows_of
from tests.recordings.sounds import heard, voice

pytestmark = pytest.mark.asyncio
ROOT = Path(__file__).parents[2]


async def test_the_pbx_copy_goes_when_its_days_are_over(studio: Studio) -> None:
    name = began(1)
    studio.record(name)
    await studio.upkeep.round()
    await studio.upkeep.round()
    early = len(list(studio.folder.iterdir()))
    await studio.pool.execute("update recording set stored_at = stored_at - interval '2 days'")
    await studio.upkeep.round()

    assert early == 3
    assert list(studio.folder.iterdir()) == []
    assert (await studio.row(name))["source_deleted_at"] is not None
    assert heard(studio.storage.path_of(await studio.key(name))).any()


async def test_the_copy_of_a_recording_that_was_deleted_goes_at_once(studio: Studio) -> None:
    name = began(1)
    studio.record(name)
    await studio.upkeep.round()
    await studio.pool.execute("update recording set state = 'deleted'")
    await studio.upkeep.round()

    assert list(studio.folder.iterdir()) == []
    assert (await studio.row(name))["state"] == RecordingState.DELETED


async def test_a_copy_that_changed_after_its_ingest_stays_and_is_tried_again_daily(pool: Pool, tmp_path: Path) -> None:
    async with open_studio(pool, tmp_path, keep=timedelta(0)) as studio:
        name = began(1)
        studio.record(name)
        await store.enter_found(pool, PBX, {name: date(2026, 1, 31)})
        await studio.upkeep.round()
        assert list(studio.folder.iterdir()) == []
        studio.record(name, seed=99)
        await studio.upkeep.round()
        await studio.upkeep.round()

        row = await studio.row(name)
        assert len(list(studio.folder.iterdir())) == 3
        assert "changed after its ingest" in str(row["source_reason"])
        assert timedelta(hours=23) < row["source_next_try_at"] - datetime.now(UTC) <= timedelta(days=1)  # type: ignore[operator]
        assert studio.upkeep.status.copies_kept == 1


async def test_below_the_limit_nothing_is_taken_in_and_it_goes_on_by_itself(pool: Pool, tmp_path: Path) -> None:
    free = iter([999, 999, 999, 1040, 1050])
    async with open_studio(pool, tmp_path, limit=1000, free_bytes=lambda: next(free)) as studio:
        studio.record(began(1))
        for _ in range(4):
            assert await studio.upkeep.round() == 0
            assert studio.space.paused
        assert await studio.upkeep.round() == 1

        assert not studio.space.paused
        kinds = [f.kind for f in await facts_after(pool, None, 10)]
        assert kinds == ["recordings.paused", "recordings.resumed", "recording.stored"]


async def test_a_missing_folder_is_told_and_found_when_it_is_mounted(pool: Pool, tmp_path: Path) -> None:
    async with open_studio(pool, tmp_path) as studio, asyncio.TaskGroup() as group:
        studio.folder.rmdir()
        task = group.create_task(studio.upkeep.run())
        async with asyncio.timeout(60):
            while studio.upkeep.status.fault is None:
                await asyncio.sleep(0.01)
            assert "folder is not there" in studio.upkeep.status.fault
            studio.folder.mkdir()
            studio.record(began(1))
            while not studio.upkeep.status.stored:
                await asyncio.sleep(0.02)
        task.cancel()
    assert await pool.fetchval("select state from recording") == "stored"


async def test_a_stop_in_the_middle_takes_the_attempt_back_and_leaves_nothing_behind(
    pool: Pool, tmp_path: Path
) -> None:
    async with open_studio(pool, tmp_path) as studio:
        studio.record(began(1), seconds=400)
        task = asyncio.ensure_future(studio.upkeep.run())
        async with asyncio.timeout(60):
            while not list((tmp_path / "archive").rglob("*.part")):
                await asyncio.sleep(0.01)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

        row = await pool.fetchrow("select state, attempts, next_try_at <= now() as due from recording")
        assert (row["state"], row["attempts"], row["due"]) == ("wanted", 0, True)
        assert [p for p in (tmp_path / "archive").rglob("*") if p.is_file()] == []


async def test_killed_after_the_archive_was_shown_it_is_the_same_recording(studio: Studio) -> None:
    name = began(1)
    studio.record(name)
    await studio.upkeep.round()
    first = await studio.row(name)
    await studio.pool.execute("update recording set state = 'wanted', attempts = 1, next_try_at = now(), sha256 = null")
    await studio.upkeep.round()

    second = await studio.row(name)
    assert [second[k] for k in ("state", "sha256", "archive")] == [first[k] for k in ("state", "sha256", "archive")]
    assert len(list(studio.storage.path_of(await studio.key(name)).parent.iterdir())) == 3


async def test_the_same_sound_written_by_another_encoder_is_accepted_as_it_stands(studio: Studio) -> None:
    name = began(1)
    studio.record(name, seed=5)
    await studio.upkeep.round()
    place = studio.storage.path_of(await studio.key(name))
    sound, rate = soundfile.read(place, dtype="int16")
    soundfile.write(place, sound, rate, subtype="PCM_16", format="FLAC", compression_level=0.0)
    other = hashlib.sha256(place.read_bytes()).digest()
    await studio.pool.execute("update recording set state = 'wanted', attempts = 1, next_try_at = now()")
    before = (await studio.row(name))["sha256"]
    await studio.upkeep.round()

    assert other != before
    row = await studio.row(name)
    assert (row["state"], row["sha256"], row["bytes"]) == ("stored", other, place.stat().st_size)


async def test_another_sound_under_the_same_id_is_never_written_over(studio: Studio) -> None:
    name = began(1)
    studio.record(name, seed=5)
    await studio.upkeep.round()
    place = studio.storage.path_of(await studio.key(name))
    kept = place.read_bytes()
    studio.record(name, seed=6)
    await studio.pool.execute("update recording set state = 'wanted', attempts = 2, next_try_at = now()")
    await studio.upkeep.round()

    assert place.read_bytes() == kept
    assert (await studio.row(name))["state"] == RecordingState.FAILED


async def test_answered_calls_without_a_recording_are_reported(database: str, tmp_path: Path) -> None:
    long_ago = datetime(2000, 1, 1, tzinfo=UTC)
    async with open_site(database) as site, open_studio(site.pool, tmp_path) as studio:
        await site.take_all([r for s in ("in_answered", "in_abandon", "hold", "internal") for r in rows_of(s)])
        name, call = await client_leg(site.pool)
        studio.record(name)
        await studio.upkeep.round()
        missing = await store.calls_without_recording(site.pool, [PBX], since=long_ago, grace=timedelta(0))
        other = await store.calls_without_recording(site.pool, ["other"], since=long_ago, grace=timedelta(0))

        rows = await site.pool.fetch("select id from call where result = 'answered' and kind = 'client'")
        assert call in {r["id"] for r in rows}
        assert {m.call_id for m in missing} == {r["id"] for r in rows} - {call} != set()
        assert other == []


async def test_counts_for_the_doctor(studio: Studio) -> None:
    bad, good, waiting = began(1), began(2), began(3)
    studio.record(good)
    (studio.folder / f"{bad}.done").touch()
    await studio.upkeep.round()
    studio.record(waiting, done=False)
    await studio.upkeep.round()

    counts = await store.upkeep_counts(studio.pool, grace=timedelta(0))
    assert (counts.waiting, counts.faulty, counts.without_call, counts.transcripts_waiting) == (1, 1, 3, 1)
    assert counts.oldest_waiting is not None


def start_gateway(dsn: str, tmp_path: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.gateway.recorded", dsn, str(tmp_path)], cwd=ROOT, stderr=subprocess.DEVNULL
    )


async def test_killed_at_random_moments_every_recording_is_stored_once(
    database: str,
    pool: Pool,
    tmp_path: Path,
) -> None:
    chance, names = random.Random(2), [began(n) for n in range(12)]
    (tmp_path / "spool").mkdir()
    for seed, name in enumerate(names):
        write_call(tmp_path / "spool", name, seconds=40, seed=seed)
    for _ in range(6):
        gateway = start_gateway(database, tmp_path)
        before = await pool.fetchval("select count(*) from recording where state = 'stored'")
        async with asyncio.timeout(60):
            while not list((tmp_path / "archive").rglob("*.part")) and gateway.poll() is None:
                await asyncio.sleep(0.01)
        await asyncio.sleep(chance.uniform(0, 0.5))
        gateway.send_signal(signal.SIGKILL)
        gateway.wait()
        await let_run_out(pool)
        await pool.execute("update recording set attempts = 0 where state = 'wanted'")  # not the same file thrice
        assert await pool.fetchval("select count(*) from recording where state = 'stored'") >= before
    async with open_studio(pool, tmp_path) as studio:
        await studio.upkeep.round()
        for seed, name in enumerate(names):
            found = await studio.row(name)
            assert found["state"] == RecordingState.STORED
            sound = heard(studio.storage.path_of(await studio.key(name)))
            assert np.array_equal(sound[:, 1], voice(seed, 40))

    facts = [f.body["id"] for f in await facts_after(pool, None, 1000)]
    assert sorted(map(str, facts)) == sorted(str(recording_id(PBX, n)) for n in names)
    whole = [p for p in (tmp_path / "archive").rglob("*") if p.is_file() and not p.name.startswith(".")]
    assert len(whole) == 3 * len(names)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 4 MiB; where none can be mounted a limit of this process stands for its being full."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    mounted = os.geteuid() == 0 and subprocess.run(mount, capture_output=True, check=False).returncode == 0
    yield folder
    if mounted:
        subprocess.run(["umount", str(folder)], check=True)


@contextmanager
def filled(disk: Path) -> Iterator[None]:
    """All but 200 KB of the disk is taken while the block runs."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    if disk.is_mount():
        (disk / "ballast").write_bytes(bytes(4_194_304 - 200_000))
    else:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        (disk / "ballast").unlink(missing_ok=True)


async def test_a_full_disk_stops_ingest_and_loses_nothing(pool: Pool, tmp_path: Path, small_disk: Path) -> None:
    async with open_studio(pool, tmp_path, archive=small_disk / "archive") as studio:
        studio.record(began(1), seconds=60)
        with filled(small_disk):
            await studio.upkeep.round()
            row = await pool.fetchrow("select state, attempts, reason from recording")
            left = [p for p in (small_disk / "archive").rglob("*") if p.is_file()]
        await let_run_out(pool)
        await studio.upkeep.round()

        assert (row["state"], row["attempts"]) == ("wanted", 0)
        assert "full" in row["reason"]
        assert left == []
        assert await pool.fetchval("select state from recording") == "stored"


async def test_errors_of_the_way_descend_from_the_one_root() -> None:
    assert issubclass(NotNow, GatewayError)
    assert issubclass(NoSound, GatewayError)
