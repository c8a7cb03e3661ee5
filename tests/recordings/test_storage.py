"""Recordings on the disk: names, rights, links, publishing and deleting."""

import os
import stat
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from gateway.domain.recordings import RecordingKey, RecordingPart, is_spool_name, parse_location, parse_spool_file
from recordings.errors import AlreadyStored, NotStored, RefusedFile
from recordings.storage import LocalStorage

KEY = RecordingKey(recording_id=UUID("0b0c79a0-6a0e-4c55-9b5c-1f9d0f3e8a11"), day=date(2026, 1, 31))
FLAC, MP3, PEAKS = RecordingPart


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "recordings"


@pytest.fixture
def storage(root: Path) -> Iterator[LocalStorage]:
    with LocalStorage(root) as opened:
        yield opened


def publish(storage: LocalStorage, **contents: bytes) -> None:
    with storage.stage(KEY) as staging:
        for name, content in contents.items():
            staging.create(RecordingPart(name)).write(content)
        staging.publish()


def read(storage: LocalStorage, part: RecordingPart = FLAC) -> bytes:
    with storage.open_for_reading(KEY, part).file as file:
        return file.read()


def names(root: Path) -> list[str]:
    return sorted(path.name for path in root.rglob("*") if path.is_file())


def test_a_recording_lies_under_its_day_and_its_own_id(storage: LocalStorage, root: Path) -> None:
    publish(storage, flac=b"f", mp3=b"m", peaks=b"p")

    folder = root / "2026/01/31"
    assert (folder / f"{KEY.recording_id}.flac").read_bytes() == b"f"
    assert (folder / f"{KEY.recording_id}.mp3").read_bytes() == b"m"
    assert (folder / f"{KEY.recording_id}.peaks").read_bytes() == b"p"
    assert len(names(root)) == 3


def test_files_are_for_owner_and_group_whatever_the_umask(storage: LocalStorage, root: Path) -> None:
    before = os.umask(0o077)
    try:
        publish(storage, flac=b"f", mp3=b"m")
    finally:
        os.umask(before)

    modes = {stat.S_IMODE(path.stat().st_mode) for path in root.rglob("*") if path.is_file()}
    assert modes == {0o640}


def test_nothing_is_seen_before_it_is_published_or_when_it_never_is(storage: LocalStorage, root: Path) -> None:
    with storage.stage(KEY) as staging:
        staging.create(FLAC).write(b"f")
        with pytest.raises(NotStored):
            storage.open_for_reading(KEY, FLAC)

    assert names(root) == []


def test_the_same_archive_published_twice_is_stored_once(storage: LocalStorage, root: Path) -> None:
    publish(storage, flac=b"f", mp3=b"m")
    inode = next(root.rglob("*.flac")).stat().st_ino
    publish(storage, flac=b"f", mp3=b"m")

    assert next(root.rglob("*.flac")).stat().st_ino == inode
    assert len(names(root)) == 2


@pytest.mark.parametrize("other", [b"g", b"", b"ff"])
def test_a_stored_recording_is_never_written_over(storage: LocalStorage, root: Path, other: bytes) -> None:
    publish(storage, flac=b"f", mp3=b"m")

    with pytest.raises(AlreadyStored):
        publish(storage, flac=other, mp3=b"other")
    assert (read(storage), read(storage, MP3)) == (b"f", b"m")
    assert len(names(root)) == 2


def test_parts_left_by_an_ingest_that_died_before_its_flac_are_replaced(storage: LocalStorage, root: Path) -> None:
    folder = root / "2026/01/31"
    folder.mkdir(parents=True)
    (folder / KEY.file_name(MP3)).write_bytes(b"half")
    publish(storage, flac=b"f", mp3=b"whole")

    assert read(storage, MP3) == b"whole"


def test_a_recording_without_its_archive_is_not_published(storage: LocalStorage, root: Path) -> None:
    with pytest.raises(NotStored):
        publish(storage, mp3=b"m")
    assert names(root) == []


def test_a_part_tells_its_size_and_a_tag_that_stays(storage: LocalStorage) -> None:
    publish(storage, flac=b"flac!", mp3=b"m")
    flac, again, mp3 = (storage.open_for_reading(KEY, part) for part in (FLAC, FLAC, MP3))
    for opened in (flac, again, mp3):
        opened.file.close()

    assert flac.size == 5
    assert flac.etag == again.etag != mp3.etag
    assert flac.etag.startswith('"')
    assert abs(datetime.now(UTC) - flac.modified_at) < timedelta(minutes=1)


def test_what_is_not_stored_says_so(storage: LocalStorage) -> None:
    with pytest.raises(NotStored):
        storage.open_for_reading(KEY, FLAC)
    publish(storage, flac=b"f")
    with pytest.raises(NotStored):
        storage.open_for_reading(KEY, PEAKS)


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_a_folder_that_is_a_link_is_not_followed(storage: LocalStorage, root: Path, tmp_path: Path, depth: int) -> None:
    outside = tmp_path / "outside"
    target = outside.joinpath(*KEY.folders[depth:])
    target.mkdir(parents=True)
    (target / KEY.file_name(FLAC)).write_bytes(b"secret")
    link = root.joinpath(*KEY.folders[:depth])
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(outside, target_is_directory=True)

    with pytest.raises(RefusedFile):
        storage.open_for_reading(KEY, FLAC)
    with pytest.raises(RefusedFile):
        publish(storage, flac=b"f")
    with pytest.raises(RefusedFile):
        storage.delete(KEY)
    assert (target / KEY.file_name(FLAC)).read_bytes() == b"secret"


def test_a_part_that_is_a_link_is_neither_read_nor_written_through(
    storage: LocalStorage, root: Path, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    folder = root / "2026/01/31"
    folder.mkdir(parents=True)
    for part in (FLAC, MP3):
        (folder / KEY.file_name(part)).symlink_to(secret)

    with pytest.raises(RefusedFile):
        storage.open_for_reading(KEY, FLAC)
    with pytest.raises(RefusedFile):
        publish(storage, flac=b"f", mp3=b"m")
    assert storage.delete(KEY) == 2
    assert secret.read_bytes() == b"secret"


def test_a_pipe_or_folder_in_place_of_a_part_is_refused_at_once(storage: LocalStorage, root: Path) -> None:
    folder = root / "2026/01/31"
    folder.mkdir(parents=True)
    os.mkfifo(folder / KEY.file_name(FLAC))
    (folder / KEY.file_name(MP3)).mkdir()

    for part in (FLAC, MP3):
        with pytest.raises(RefusedFile):
            storage.open_for_reading(KEY, part)


def test_the_root_itself_may_be_a_link_of_the_administrator(tmp_path: Path) -> None:
    (tmp_path / "big").mkdir()
    (tmp_path / "recordings").symlink_to(tmp_path / "big")
    with LocalStorage(tmp_path / "recordings") as storage:
        publish(storage, flac=b"f")

    assert len(names(tmp_path / "big")) == 1


def test_deleting_takes_all_parts_and_can_be_repeated(storage: LocalStorage, root: Path) -> None:
    publish(storage, flac=b"f", mp3=b"m", peaks=b"p")

    assert storage.delete(KEY) == 3
    assert storage.delete(KEY) == 0
    assert names(root) == []
    assert storage.delete(RecordingKey(recording_id=KEY.recording_id, day=date(2020, 1, 1))) == 0


def test_a_reader_goes_on_while_the_recording_is_deleted(storage: LocalStorage) -> None:
    publish(storage, flac=b"f" * 1000)
    with storage.open_for_reading(KEY, FLAC).file as file:
        storage.delete(KEY)

        assert file.read() == b"f" * 1000


def test_what_a_killed_gateway_left_is_swept_and_nothing_else(storage: LocalStorage, root: Path) -> None:
    publish(storage, flac=b"f")
    folder = root / "2026/01/31"
    old = folder / f".{KEY.recording_id}.0123456789abcdef.flac.part"
    fresh = folder / f".{KEY.recording_id}.fedcba9876543210.mp3.part"
    foreign = folder / ".nfs0001"
    for path in (old, fresh, foreign):
        path.write_bytes(b"x")
    for path in (old, foreign, next(folder.glob("*.flac"))):
        os.utime(path, (1e9, 1e9))

    assert storage.sweep(older_than=datetime(2020, 1, 1, tzinfo=UTC)) == 1
    assert names(root) == sorted([fresh.name, foreign.name, KEY.file_name(FLAC)])


def test_free_space_is_what_our_user_may_write(storage: LocalStorage, root: Path) -> None:
    disk = os.statvfs(root)

    assert abs(storage.free_bytes() - disk.f_bavail * disk.f_frsize) < 1 << 30


def test_a_location_is_read_back_as_it_was_written() -> None:
    assert KEY.location == "2026/01/31/0b0c79a0-6a0e-4c55-9b5c-1f9d0f3e8a11"
    assert parse_location(KEY.location) == KEY


@pytest.mark.parametrize(
    "text",
    [
        "",
        "../2026/01/31/0b0c79a0-6a0e-4c55-9b5c-1f9d0f3e8a11",
        "/2026/01/31/0b0c79a0-6a0e-4c55-9b5c-1f9d0f3e8a11",
        "2026/01/31/0b0c79a0-6a0e-4c55-9b5c-1f9d0f3e8a11\n",
        "2026/01/31/0B0C79A0-6a0e-4c55-9b5c-1f9d0f3e8a11",
        "2026/13/31/0b0c79a0-6a0e-4c55-9b5c-1f9d0f3e8a11",
        "2026/02/30/0b0c79a0-6a0e-4c55-9b5c-1f9d0f3e8a11",
        "2026/01/31/../../../etc/passwd",
        "٢٠٢٦/01/31/0b0c79a0-6a0e-4c55-9b5c-1f9d0f3e8a11",
    ],
)
def test_a_text_that_is_no_location_leads_nowhere(text: str) -> None:
    assert parse_location(text) is None


@pytest.mark.parametrize("name", ["1700000000.12", "pbx1-1700000000.12", "crm-0b0c79a06a0e4c559b5c", "a", "_x", "a..b"])
def test_uniqueids_of_asterisk_and_our_own_are_names(name: str) -> None:
    assert is_spool_name(name)
    assert parse_spool_file(f"{name}-rx.wav") == (name, "-rx.wav")
    assert parse_spool_file(f"{name}.done") == (name, ".done")


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", ".hidden", "-rf", "a/b", "a\nb", "a\x00", "a b", "a;rm", "$(id)", "é", "a" * 129, "\udcff", "a\n"],
)
def test_other_names_are_not(name: str) -> None:
    assert not is_spool_name(name)
    assert parse_spool_file(f"{name}-rx.wav") is None
