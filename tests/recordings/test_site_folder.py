"""A site's own recordings: found in a tree of years, decoded whatever their format, and never touched."""

import io
import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
import soundfile

from gateway.domain.recordings import NoSound, NotNow, RecordingKey, RecordingPart, uniqueid_of_file
from recordings.errors import SpoolFolderMissing
from recordings.site_folder import SiteFolder
from recordings.storage import LocalStorage
from tests.recordings.sounds import killed, voice, wav

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(seconds=31)
NAME = "1763807400.12"
FILE = f"out-79161234567-101-20261122-103000-{NAME}.wav"
DAY = ("2026", "11", "22")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    made = tmp_path / "monitor"
    made.joinpath(*DAY).mkdir(parents=True)
    return made


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path / "archive")


def put(tree: Path, name: str, content: bytes, *folders: str) -> Path:
    path = tree.joinpath(*(folders or DAY), name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def found(site: SiteFolder, now: datetime = NOW, skip: frozenset[str] = frozenset()) -> list[str]:
    return [waiting.name for waiting in site.scan(now=now, skip=skip).waiting]


def take(site: SiteFolder, name: str = NAME) -> tuple[RecordingKey, str, bool]:
    site.scan(now=NOW)
    site.scan(now=LATER)
    key = RecordingKey(recording_id=uuid4(), day=date(2026, 11, 22))
    stored = site.take_in(name, key, stopping=lambda: False)
    return key, stored.remark, stored.has_speakers


@pytest.mark.parametrize(
    ("file", "uniqueid"),
    [
        (FILE, NAME),
        ("q-5001-79161234567-20261122-103000-1763807400.7.WAV", "1763807400.7"),
        ("1763807400.12.mp3", NAME),
        ("rg-600_1763807400.12.gsm", NAME),
        ("out-79161234567-101-20261122-103000.wav", None),
        ("x-1763807400.12", None),
        ("x1763807400.12.wav", None),
        ("..-1763807400.12.wav.sh\n", None),
    ],
)
def test_the_uniqueid_stands_at_the_end_of_the_name(file: str, uniqueid: str | None) -> None:
    assert uniqueid_of_file(file) == uniqueid


def test_a_systemname_is_part_of_the_uniqueid_and_is_asked_for() -> None:
    assert uniqueid_of_file(f"out-101-pbx1-{NAME}.wav", systemname="pbx1") == f"pbx1-{NAME}"
    assert uniqueid_of_file(FILE, systemname="pbx1") is None
    assert uniqueid_of_file(f"out-xpbx1-{NAME}.wav", systemname="pbx1") is None


def test_files_in_dated_folders_are_found_and_rest_is_measured(tree: Path, storage: LocalStorage) -> None:
    put(tree, FILE, wav(voice(1, 0.5)))
    put(tree, "in-x-1763807401.1.wav", wav(voice(2, 0.5)), "2024", "02", "29")
    site = SiteFolder(tree, storage)

    assert found(site) == [NAME, "1763807401.1"]
    assert {w.unchanged_for for w in site.scan(now=LATER).waiting} == {timedelta(seconds=31)}


def test_a_file_that_grows_has_not_rested(tree: Path, storage: LocalStorage) -> None:
    path = put(tree, FILE, wav(voice(1, 0.5), declared=0))
    site = SiteFolder(tree, storage)
    site.scan(now=NOW)
    with path.open("ab") as file:
        file.write(b"\0" * 1600)

    assert site.scan(now=LATER).waiting[0].unchanged_for == timedelta(0)


def test_what_is_settled_is_not_looked_at_again_and_an_old_folder_is_closed_until_it_changes(
    tree: Path, storage: LocalStorage
) -> None:
    put(tree, FILE, wav(voice(1, 0.5)))
    site = SiteFolder(tree, storage)
    old = (NOW - timedelta(days=3)).timestamp()
    os.utime(tree.joinpath(*DAY), (old, old))

    assert found(site) == [NAME]
    assert found(site, skip=frozenset({NAME})) == []
    assert found(site) == []
    put(tree, f"late-{NAME}.wav", wav(voice(1, 0.5)))
    put(tree, "late-1763807402.1.wav", wav(voice(1, 0.5)))
    assert set(found(site)) == {NAME, "1763807402.1"}


def test_a_mono_recording_becomes_an_archive_without_speakers_and_the_file_stays(
    tree: Path, storage: LocalStorage
) -> None:
    sound = voice(3, 2.0)
    path = put(tree, FILE, wav(sound))
    path.chmod(0o440)
    before = path.stat()
    site = SiteFolder(tree, storage)

    key, remark, has_speakers = take(site)

    assert (remark, has_speakers) == ("", False)
    with storage.open_for_reading(key, RecordingPart.FLAC).file as stored:
        samples, rate = soundfile.read(stored, dtype="int16")
    assert rate == 8000
    assert np.array_equal(samples, sound)
    assert site.remove_source(NAME, ingested_at=LATER) == 0
    after = path.stat()
    assert (after.st_ino, after.st_mtime_ns, after.st_size) == (before.st_ino, before.st_mtime_ns, before.st_size)


def encoded(sound: "np.ndarray[tuple[int], np.dtype[np.int16]]", rate: int, **form: str) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, sound, rate, **form)
    return file.getvalue()


@pytest.mark.parametrize(
    ("ending", "form", "rate"),
    [
        (".WAV", {"format": "WAV", "subtype": "GSM610"}, 8000),
        (".gsm", {"format": "RAW", "subtype": "GSM610"}, 8000),
        (".ulaw", {"format": "RAW", "subtype": "ULAW"}, 8000),
        (".mp3", {"format": "MP3", "subtype": "MPEG_LAYER_III"}, 8000),
        (".ogg", {"format": "OGG", "subtype": "VORBIS"}, 16000),
        (".sln16", {"format": "RAW", "subtype": "PCM_16"}, 16000),
        (".wav", {"format": "WAV", "subtype": "PCM_16"}, 11025),
        (".wav", {"format": "WAV", "subtype": "PCM_24"}, 44100),
    ],
)
def test_every_usual_format_is_understood(
    tree: Path, storage: LocalStorage, ending: str, form: dict[str, str], rate: int
) -> None:
    sound = voice(4, 2.0, rate=rate)
    put(tree, FILE.removesuffix(".wav") + ending, encoded(sound, rate, **form))

    key, _, _ = take(SiteFolder(tree, storage))

    with storage.open_for_reading(key, RecordingPart.FLAC).file as stored:
        samples, kept = soundfile.read(stored, dtype="int16")
    assert kept == (rate if rate in (8000, 16000) else 16000)
    assert len(samples) / kept == pytest.approx(2.0, abs=0.1)
    assert np.abs(samples).max() > 1000


def test_two_channels_become_one_since_nobody_says_who_is_on_which(tree: Path, storage: LocalStorage) -> None:
    both = np.stack([voice(5, 1.0), voice(6, 1.0)], axis=1)
    put(tree, FILE, encoded(both, 8000, format="WAV", subtype="PCM_16"))

    key, _, has_speakers = take(SiteFolder(tree, storage))

    with storage.open_for_reading(key, RecordingPart.FLAC).file as stored:
        assert soundfile.info(stored).channels == 1
    assert not has_speakers


def test_a_file_whose_pbx_was_killed_is_repaired(tree: Path, storage: LocalStorage) -> None:
    put(tree, FILE, killed(voice(7, 9.0)))

    _, remark, _ = take(SiteFolder(tree, storage))

    assert "the header says 0 bytes" in remark


def test_of_two_files_with_one_uniqueid_the_largest_is_taken(tree: Path, storage: LocalStorage) -> None:
    put(tree, FILE, wav(voice(8, 1.0)))
    put(tree, f"q-5001-{NAME}.wav", wav(voice(9, 3.0)))

    key, remark, _ = take(SiteFolder(tree, storage))

    with storage.open_for_reading(key, RecordingPart.FLAC).file as stored:
        assert soundfile.info(stored).frames == 3 * 8000
    assert remark == "1 smaller of the same leg left out"


def test_a_file_without_sound_is_said_to_be_so(tree: Path, storage: LocalStorage) -> None:
    put(tree, FILE, b"<html>not a recording</html>")
    site = SiteFolder(tree, storage)

    with pytest.raises(NoSound, match="not a WAV file"):
        take(site)


def test_links_are_never_followed(tree: Path, storage: LocalStorage, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    put(secret, FILE, wav(voice(1, 0.5)), "x")
    tree.joinpath("2025").symlink_to(secret / "x")
    tree.joinpath(*DAY, FILE).symlink_to(secret / "x" / FILE)
    site = SiteFolder(tree, storage)

    report = site.scan(now=NOW)

    assert (report.waiting, report.refused) == ((), 2)


def test_hostile_names_are_counted_and_left_alone(tree: Path, storage: LocalStorage) -> None:
    for name in (f"a\n-{NAME}.wav\n", "-1.wav", "x" * 240 + ".wav", "ваш-звонок.wav", f"{NAME}.exe", "$(reboot).wav"):
        put(tree, name, b"RIFF")
    deep = tree.joinpath("a", "b", "c", "d", "e")
    deep.mkdir(parents=True)
    (deep / FILE).write_bytes(b"")

    report = SiteFolder(tree, storage).scan(now=NOW)

    assert (report.waiting, report.refused) == ((), 6)


def test_a_tree_that_is_away_is_waited_for(tmp_path: Path, storage: LocalStorage) -> None:
    with pytest.raises(NotNow) as told:
        SiteFolder(tmp_path / "nothing", storage).scan(now=NOW)

    assert isinstance(told.value.__cause__, SpoolFolderMissing)


def test_a_file_removed_between_look_and_intake_is_no_fault(tree: Path, storage: LocalStorage) -> None:
    path = put(tree, FILE, wav(voice(1, 0.5)))
    site = SiteFolder(tree, storage)
    site.scan(now=NOW)
    path.unlink()
    key = RecordingKey(recording_id=uuid4(), day=date(2026, 11, 22))

    for _ in range(2):
        with pytest.raises(NotNow):
            site.take_in(NAME, key, stopping=lambda: False)
        site.scan(now=LATER)
