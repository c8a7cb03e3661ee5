"""From two mono files to a verified stereo archive."""

import hashlib
import io
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path
from typing import BinaryIO, cast
from uuid import uuid4

import numpy as np
import pytest

from gateway.domain.errors import GatewayError, GiveUp, NotAllowed, Rejected, TryAgain
from gateway.domain.recordings import RecordingKey, RecordingPart, Speaker
from recordings import codecs, errors
from recordings.archive import Archive, Layout, Sources, make_archive
from recordings.peaks import PeaksWriter, read_peaks
from recordings.storage import LocalStaging, LocalStorage
from recordings.wav import WavState
from tests.recordings.sounds import after, header, heard, killed, likeness, sources, voice, wav

CLIENT, MANAGER = voice(1, 9.7), voice(2, 9.7)
KEY = RecordingKey(recording_id=uuid4(), day=date(2026, 1, 31))
FOLDER = Path("2026/01/31")


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[LocalStorage]:
    with LocalStorage(tmp_path / "recordings") as opened:
        yield opened


def part(tmp_path: Path, which: RecordingPart) -> Path:
    return tmp_path / "recordings" / FOLDER / KEY.file_name(which)


def store(storage: LocalStorage, found: Sources) -> Archive:
    with storage.stage(KEY) as staging:
        return make_archive(found, staging)


def left_over(tmp_path: Path) -> list[str]:
    return [path.name for path in tmp_path.rglob("*") if path.is_file()]


def test_the_archive_keeps_manager_left_and_client_right_without_loss(storage, tmp_path) -> None:
    archive = store(storage, sources(client=wav(CLIENT), manager=wav(MANAGER)))

    kept = heard(part(tmp_path, RecordingPart.FLAC))
    assert np.array_equal(kept, np.column_stack([MANAGER, CLIENT]))
    assert archive.layout is Layout.SPEAKERS
    assert archive.speakers == (Speaker.MANAGER, Speaker.CLIENT)
    assert archive.duration == timedelta(seconds=9.7)


def test_the_mp3_keeps_the_speakers_apart_and_in_time(storage, tmp_path) -> None:
    store(storage, sources(client=wav(CLIENT), manager=wav(MANAGER)))

    played = heard(part(tmp_path, RecordingPart.MP3))
    assert len(played) == len(CLIENT)
    assert likeness(played[:, 0], MANAGER) > 0.98
    assert likeness(played[:, 1], CLIENT) > 0.98
    assert abs(likeness(played[:, 0], CLIENT)) < 0.1
    assert abs(likeness(played[:, 1], MANAGER)) < 0.1


@pytest.mark.parametrize("rate", sorted(codecs.MP3_KILOBITS))
def test_every_allowed_sample_rate_survives_the_mp3(storage, tmp_path, rate: int) -> None:
    client, manager = voice(1, 2.5, rate=rate), voice(2, 2.5, rate=rate)
    store(storage, sources(client=wav(client, rate=rate), manager=wav(manager, rate=rate)))

    played = heard(part(tmp_path, RecordingPart.MP3))
    assert len(played) == len(client)
    assert likeness(played[:, 1], client) > 0.98


def test_the_archive_tells_the_hashes_of_what_is_stored(storage, tmp_path) -> None:
    archive = store(storage, sources(client=wav(CLIENT), manager=wav(MANAGER)))

    stored = part(tmp_path, RecordingPart.FLAC).read_bytes()
    pcm = np.column_stack([MANAGER, CLIENT]).astype("<i2").tobytes()
    assert archive.flac_sha256 == hashlib.sha256(stored).hexdigest()
    assert archive.flac_bytes == len(stored)
    assert archive.pcm_sha256 == hashlib.sha256(pcm).hexdigest()
    assert archive.mp3_bytes == part(tmp_path, RecordingPart.MP3).stat().st_size
    assert archive.peaks_bytes == part(tmp_path, RecordingPart.PEAKS).stat().st_size


def test_the_shorter_side_gets_silence_at_its_end(storage, tmp_path) -> None:
    archive = store(storage, sources(client=wav(CLIENT[:30_000]), manager=wav(MANAGER)))

    kept = heard(part(tmp_path, RecordingPart.FLAC))
    assert archive.frames == len(MANAGER)
    assert np.array_equal(kept[:30_000, 1], CLIENT[:30_000])
    assert not kept[30_000:, 1].any()


@pytest.mark.parametrize("rest", [None, b"", b"garbage" * 100, header(0)])
def test_a_side_that_cannot_be_read_is_silence_and_is_told(storage, tmp_path, rest: bytes | None) -> None:
    archive = store(storage, sources(client=wav(CLIENT), manager=rest))

    kept = heard(part(tmp_path, RecordingPart.FLAC))
    assert not kept[:, 0].any()
    assert np.array_equal(kept[:, 1], CLIENT)
    assert archive.speakers == (Speaker.CLIENT,)


def test_the_original_may_go_only_when_nothing_of_it_is_left_behind(storage) -> None:
    damaged = store(storage, sources(client=wav(CLIENT), manager=b"garbage" * 100))

    with storage.stage(RecordingKey(recording_id=uuid4(), day=KEY.day)) as staging:
        whole = make_archive(sources(client=wav(CLIENT), manager=header(0)), staging)

    assert not damaged.is_complete
    assert whole.is_complete


def test_a_recording_of_a_killed_asterisk_is_archived_up_to_its_last_flush(storage, tmp_path) -> None:
    client, manager = killed(CLIENT), killed(MANAGER)
    archive = store(storage, sources(client=client, manager=manager))

    assert archive.frames == (len(client) - 44) // 2
    assert archive.client is not None
    assert archive.client.state is WavState.REPAIRED
    assert likeness(heard(part(tmp_path, RecordingPart.FLAC))[:, 1], CLIENT) > 0.999


def test_a_single_mixed_file_becomes_a_mono_archive_without_speakers(storage, tmp_path) -> None:
    archive = store(storage, sources(mixed=wav(CLIENT)))

    assert (archive.layout, archive.speakers) == (Layout.MIXED, ())
    assert np.array_equal(heard(part(tmp_path, RecordingPart.FLAC))[:, 0], CLIENT)
    assert likeness(heard(part(tmp_path, RecordingPart.MP3))[:, 0], CLIENT) > 0.98


def test_two_sides_are_preferred_to_the_mixed_file(storage) -> None:
    archive = store(storage, sources(client=wav(CLIENT), manager=wav(MANAGER), mixed=wav(CLIENT)))

    assert archive.layout is Layout.SPEAKERS


@pytest.mark.parametrize("frames", [1, 159, 160, 161, 575, 1152, 32_000, 32_001])
def test_a_recording_of_any_length_is_stored(storage, tmp_path, frames: int) -> None:
    archive = store(storage, sources(client=wav(CLIENT[:frames]), manager=wav(MANAGER[:frames])))

    with part(tmp_path, RecordingPart.PEAKS).open("rb") as file:
        peaks = read_peaks(file)
    assert archive.frames == frames == len(heard(part(tmp_path, RecordingPart.MP3)))
    assert len(peaks.values) == -(-frames // 160)


def test_the_peaks_are_the_extremes_of_each_fiftieth_of_a_second(storage, tmp_path) -> None:
    store(storage, sources(client=wav(CLIENT), manager=wav(MANAGER)))

    with part(tmp_path, RecordingPart.PEAKS).open("rb") as file:
        peaks = read_peaks(file)
    assert (peaks.sample_rate, peaks.values.shape) == (8000, (485, 2, 2))
    for channel, sound in enumerate((MANAGER, CLIENT)):
        steps = sound.reshape(-1, 160) >> 8
        assert np.array_equal(peaks.values[:, channel, 0], steps.min(axis=1))
        assert np.array_equal(peaks.values[:, channel, 1], steps.max(axis=1))


def test_the_peaks_file_is_laid_out_as_documented() -> None:
    file = io.BytesIO()
    writer = PeaksWriter(file, sample_rate=8000, channels=2)
    writer.add(np.array([[-32768, 256]] * 100 + [[32767, -1]] * 100, np.int16))
    writer.close()

    head = b"TLPK\x01\x02\x32\x00" + (8000).to_bytes(4, "little") + (2).to_bytes(4, "little")
    assert file.getvalue() == head + bytes([0x80, 0x7F, 0xFF, 1, 0x7F, 0x7F, 0xFF, 0xFF])


@pytest.mark.parametrize("change", [lambda b: b[:-1], lambda b: b"XXXX" + b[4:], lambda b: b[:4] + b"\x02" + b[5:]])
def test_a_peaks_file_that_is_cut_or_of_another_version_is_refused(change) -> None:
    file = io.BytesIO()
    writer = PeaksWriter(file, sample_rate=8000, channels=1)
    writer.add(CLIENT[:1600].reshape(-1, 1))
    writer.close()

    with pytest.raises(errors.NotPeaks):
        read_peaks(io.BytesIO(change(file.getvalue())))


def test_a_growing_file_waits_and_leaves_nothing_behind(storage, tmp_path) -> None:
    growing = Sources(client=io.BytesIO(wav(CLIENT, declared=0)), unchanged_for=timedelta(seconds=1))

    with pytest.raises(errors.StillGrowing):
        store(storage, growing)
    assert left_over(tmp_path) == []


def test_files_without_any_sound_are_given_up_with_the_reason_of_each(storage, tmp_path) -> None:
    with pytest.raises(errors.NothingRecorded) as given_up:
        store(storage, sources(client=b"", manager=b"garbage" * 100))

    assert given_up.value.reports == ("empty: the file has no bytes", "damaged: this is not a WAV file")
    assert left_over(tmp_path) == []


def test_sides_that_do_not_fit_together_are_refused(storage) -> None:
    with pytest.raises(errors.WrongSources):
        store(storage, sources(client=wav(CLIENT), manager=wav(MANAGER, rate=16000)))
    with pytest.raises(errors.WrongSources):
        store(storage, sources(client=wav(CLIENT, channels=2)))


def test_a_gateway_that_stops_gives_up_half_way_and_leaves_nothing(storage, tmp_path) -> None:
    with storage.stage(KEY) as staging, pytest.raises(errors.Interrupted):
        make_archive(sources(client=wav(CLIENT)), staging, stopping=after(2))

    assert left_over(tmp_path) == []


class BitRot:
    """A file in which one bit is turned on the disk, when the archive asks for its descriptor to bring it there."""

    def __init__(self, real: BinaryIO) -> None:
        self._real = real
        self._is_sound = True

    def __getattr__(self, name: str) -> object:
        return getattr(self._real, name)

    def fileno(self) -> int:
        descriptor = self._real.fileno()
        if self._is_sound:
            self._is_sound = False
            middle = os.fstat(descriptor).st_size // 2
            os.pwrite(descriptor, bytes([os.pread(descriptor, 1, middle)[0] ^ 0x10]), middle)
        return descriptor


class SpoilingStaging:
    """A disk that turns one bit between writing and reading back."""

    def __init__(self, real: LocalStaging) -> None:
        self._real = real
        self.was_published = False

    def create(self, part: RecordingPart) -> BinaryIO:
        file = self._real.create(part)
        return cast(BinaryIO, BitRot(file)) if part is RecordingPart.FLAC else file

    def publish(self) -> None:
        self.was_published = True


def test_a_bit_turned_on_the_disk_is_found_before_anything_is_shown(storage, tmp_path) -> None:
    with storage.stage(KEY) as real:
        spoiling = SpoilingStaging(real)
        with pytest.raises(errors.VerificationFailed):
            make_archive(sources(client=wav(CLIENT), manager=wav(MANAGER)), spoiling)

    assert not spoiling.was_published
    assert left_over(tmp_path) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 128 KiB; where none can be mounted the test below with a limit of the process stands for it."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(folder)]
    mounted = os.geteuid() == 0 and subprocess.run(mount, capture_output=True, check=False).returncode == 0
    yield folder
    if mounted:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_stores_nothing_and_frees_what_it_took(small_disk: Path) -> None:
    if not small_disk.is_mount():
        return assert_nothing_is_stored_within(65_536, small_disk)
    filler = small_disk / "filler"
    with LocalStorage(small_disk) as storage:
        with pytest.raises(errors.NoSpace):
            store(storage, sources(client=wav(voice(3, 60)), manager=wav(voice(4, 60))))
        assert left_over(small_disk) == []

        with suppress(OSError):
            filler.write_bytes(b"x" * 200_000)
        with pytest.raises(errors.NoSpace):
            store(storage, sources(client=wav(CLIENT)))
        filler.unlink()
        assert store(storage, sources(client=wav(CLIENT[:4000]))).frames == 4000
    return None


LIMITED = """
import resource, sys
from pathlib import Path
from recordings.errors import NoSpace
from tests.recordings.sounds import sources, voice, wav
from datetime import date
from uuid import uuid4
from gateway.domain.recordings import RecordingKey
from recordings.archive import make_archive
from recordings.storage import LocalStorage

found = sources(client=wav(voice(3, 60)), manager=wav(voice(4, 60)))
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
try:
    key = RecordingKey(recording_id=uuid4(), day=date(2026, 1, 31))
    with LocalStorage(Path(sys.argv[1])) as storage, storage.stage(key) as staging:
        make_archive(found, staging)
except NoSpace as full:
    print("no space", full.errno)
"""


def assert_nothing_is_stored_within(limit: int, folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(folder), str(limit)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert (done.stdout, done.stderr) == ("no space 27\n", "")
    assert left_over(folder) == []


@pytest.mark.parametrize("limit", [4096, 65_536, 250_000])
def test_a_file_that_may_not_grow_stores_nothing(tmp_path: Path, limit: int) -> None:
    assert_nothing_is_stored_within(limit, tmp_path)


def peak_kib() -> int:
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def test_a_long_call_is_archived_in_the_memory_of_a_short_one(storage, tmp_path) -> None:
    long = tmp_path / "long.wav"
    with long.open("wb") as file:
        file.write(header(10 * 60 * 16_000))
        file.truncate(44 + 10 * 60 * 16_000)
    with storage.stage(RecordingKey(recording_id=uuid4(), day=KEY.day)) as staging:
        make_archive(sources(client=wav(CLIENT), manager=wav(MANAGER)), staging)
    Path("/proc/self/clear_refs").write_text("5")  # proc(5): the peak begins anew at what is used now
    before = peak_kib()

    with long.open("rb") as client, storage.stage(KEY) as staging:
        make_archive(Sources(client=client), staging)

    assert peak_kib() - before < 8_000  # KiB; in stereo the sound alone is 19,200


def test_every_error_descends_from_the_root_and_answers_one_question() -> None:
    found = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, GatewayError) and kind.__module__ == errors.__name__
    ]

    assert len(found) >= 14
    for kind in found:
        assert sum(issubclass(kind, root) for root in (TryAgain, GiveUp, Rejected, NotAllowed)) == 1
        assert str(kind()) == " ".join((kind.__doc__ or "").split())
