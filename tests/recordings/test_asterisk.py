"""Files of a real Asterisk, from its folder to the archive; also of one that was killed while it recorded."""

import asyncio
from collections.abc import Iterator
from contextlib import aclosing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
import soundfile

from gateway.domain.recordings import RecordingKey, RecordingPart, Speaker
from lab.chroot import AsteriskHome
from lab.phones import open_client_phone, open_manager_phone
from lab.server import AsteriskServer, open_asterisk
from recordings.archive import Archive, make_archive
from recordings.errors import StillGrowing
from recordings.rights import Weight, probe
from recordings.spool import Spool, SpooledRecording
from recordings.storage import LocalStorage
from recordings.watch import watch
from recordings.wav import SETTLE, WavState
from tests.recordings.sounds import RATE, Mono, heard, voice

KEY = RecordingKey(recording_id=uuid4(), day=date(2026, 1, 31))
RECORDED = "4950005"


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[LocalStorage]:
    with LocalStorage(tmp_path / "recordings") as opened:
        yield opened


@pytest.fixture
def sayings(tmp_path: Path) -> dict[Speaker, Path]:
    """What each of the two says, as a file to play."""
    for speaker, seed in ((Speaker.CLIENT, 11), (Speaker.MANAGER, 12)):
        soundfile.write(tmp_path / f"{speaker}.wav", voice(seed, 30.0), RATE, subtype="PCM_16")
    return {speaker: tmp_path / f"{speaker}.wav" for speaker in Speaker}


async def talk(server: AsteriskServer, sayings: dict[Speaker, Path], seconds: float, *, then_kill: bool) -> None:
    async with open_manager_phone(server, "101") as anna, open_client_phone(server) as client:
        await anna.script(answer_after=0.1, play=sayings[Speaker.MANAGER])
        call = await client.dial(RECORDED, play=sayings[Speaker.CLIENT])
        await call.connected()
        await asyncio.sleep(seconds)
        if then_kill:
            server.kill()
        else:
            await call.hang_up()


def archive(spool: Spool, recording: SpooledRecording, storage: LocalStorage) -> Archive:
    with spool.open_sources(recording) as sources, storage.stage(KEY) as staging:
        return make_archive(sources, staging)


def likeness_at_best_lag(sound: Mono, saying: Mono) -> float:
    """Highest correlation of half a second of what was said with any place of what was recorded."""
    wanted = saying[RATE // 2 : RATE].astype(float)
    windows = np.lib.stride_tricks.sliding_window_view(sound.astype(float), len(wanted))
    centred = wanted - wanted.mean()
    energy = windows.std(axis=1) * wanted.std() * len(wanted)
    return float(np.max(windows @ centred / np.maximum(energy, 1)))


async def test_a_real_call_is_hinted_found_archived_and_removed(
    asterisk: AsteriskServer, storage: LocalStorage, tmp_path: Path, sayings: dict[Speaker, Path]
) -> None:
    spool = Spool(asterisk.recordings)
    assert [finding for finding in probe(asterisk.recordings) if finding.weight is Weight.FAULT] == []
    async with aclosing(watch(asterisk.recordings)) as hints:
        hint = asyncio.ensure_future(anext(hints))
        await talk(asterisk, sayings, 2.0, then_kill=False)
        name = await asyncio.wait_for(hint, 60)
    (recording,) = spool.scan(now=datetime.now(UTC)).recordings
    found = archive(spool, recording, storage)

    kept = heard(tmp_path / "recordings" / "2026/01/31" / KEY.file_name(RecordingPart.FLAC))
    assert (recording.name, recording.is_completed) == (name, True)
    assert found.speakers == (Speaker.MANAGER, Speaker.CLIENT)
    assert found.is_complete
    assert likeness_at_best_lag(kept[:, 0], voice(12, 30.0)) > 0.9
    assert likeness_at_best_lag(kept[:, 1], voice(11, 30.0)) > 0.9
    assert likeness_at_best_lag(kept[:, 1], voice(12, 30.0)) < 0.6
    assert spool.delete(name, ingested_at=datetime.now(UTC) + timedelta(seconds=1)) == 3


async def test_what_a_killed_asterisk_recorded_up_to_its_last_flush_is_kept(
    asterisk_home: AsteriskHome, storage: LocalStorage, tmp_path: Path, sayings: dict[Speaker, Path]
) -> None:
    with open_asterisk(tmp_path / "asterisk", home=asterisk_home) as server:
        await talk(server, sayings, 6.0, then_kill=True)
        spool = Spool(server.recordings)
        now = datetime.now(UTC)
        (fresh,) = spool.scan(now=now).recordings
        with pytest.raises(StillGrowing):
            archive(spool, fresh, storage)
        (rested,) = spool.scan(now=now + SETTLE).recordings
        found = archive(spool, rested, storage)

    assert not rested.is_completed
    assert found.client is not None
    assert found.manager is not None
    assert (found.client.state, found.manager.state) == (WavState.REPAIRED, WavState.REPAIRED)
    assert timedelta(seconds=4) < found.duration < timedelta(seconds=6.5)
