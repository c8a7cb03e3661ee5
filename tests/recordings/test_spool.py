"""The PBX's recording folder: what is found, what is ready, hints, rights and removal."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import pytest

from gateway.domain.recordings import RecordingKey, Speaker, SpoolRole
from recordings.archive import make_archive
from recordings.errors import BadName, ChangedSinceIngest, NoRight, RefusedFile, SpoolFolderMissing, StillGrowing
from recordings.rights import Finding, Weight, probe
from recordings.spool import Refusal, Spool, SpooledRecording
from recordings.storage import LocalStorage
from recordings.watch import watch
from tests.recordings.sounds import voice, wav

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(seconds=30)
NAME = "1700000000.12"
NOBODY = 65534


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "spool"
    made.mkdir()
    return made


@pytest.fixture
def spool(folder: Path) -> Spool:
    return Spool(folder)


def record(folder: Path, name: str = NAME, *, done: bool = True, declared: int | None = None) -> None:
    """Write what the dialplan include makes of one call."""
    (folder / f"{name}-rx.wav").write_bytes(wav(voice(1, 0.5), declared=declared))
    (folder / f"{name}-tx.wav").write_bytes(wav(voice(2, 0.5), declared=declared))
    if done:
        (folder / f"{name}.done").touch()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def only(spool: Spool, now: datetime = NOW) -> SpooledRecording:
    (found,) = spool.scan(now=now).recordings
    return found


def test_a_pair_with_its_marker_is_ready_at_once(folder: Path, spool: Spool) -> None:
    record(folder)
    found = only(spool)

    assert found.name == NAME
    assert found.roles == {SpoolRole.CLIENT, SpoolRole.MANAGER, SpoolRole.MARKER}
    assert found.total_bytes == 2 * (44 + 8000)
    assert found.is_ready()


def test_a_pair_without_marker_is_ready_when_it_was_seen_at_rest(folder: Path, spool: Spool) -> None:
    record(folder, done=False)
    os.utime(folder / f"{NAME}-rx.wav", (1e9, 1e9))

    assert not only(spool, NOW).is_ready()
    assert not only(spool, LATER - timedelta(seconds=1)).is_ready()
    assert only(spool, LATER).is_ready()


def test_a_file_that_changes_begins_its_rest_anew(folder: Path, spool: Spool) -> None:
    record(folder, done=False)
    only(spool, NOW)
    with (folder / f"{NAME}-tx.wav").open("ab") as file:
        file.write(b"\x00" * 65536)

    assert only(spool, LATER).unchanged_for == timedelta(0)
    assert only(spool, LATER + timedelta(seconds=30)).is_ready()


def test_a_clock_set_back_begins_the_rest_anew(folder: Path, spool: Spool) -> None:
    record(folder, done=False)
    only(spool, NOW)

    assert only(spool, NOW - timedelta(hours=1)).unchanged_for == timedelta(0)


def test_a_single_side_a_mixed_file_and_a_marker_alone_are_told_apart(folder: Path, spool: Spool) -> None:
    (folder / "1-rx.wav").write_bytes(b"x")
    (folder / "2.wav").write_bytes(b"x")
    (folder / "3.done").touch()

    found = {recording.name: recording.roles for recording in spool.scan(now=NOW).recordings}
    assert found == {"1": {SpoolRole.CLIENT}, "2": {SpoolRole.MIXED}, "3": {SpoolRole.MARKER}}


def test_the_oldest_recording_comes_first(folder: Path, spool: Spool) -> None:
    for name, moment in (("b", 3e8), ("a", 2e8), ("c", 1e8)):
        record(folder, name)
        for role in ("-rx.wav", "-tx.wav"):
            os.utime(folder / (name + role), (moment, moment))

    assert [recording.name for recording in spool.scan(now=NOW).recordings] == ["c", "a", "b"]


def test_what_is_ingested_already_is_passed_over(folder: Path, spool: Spool) -> None:
    record(folder, "1")
    record(folder, "2")

    assert [recording.name for recording in spool.scan(now=NOW, skip={"1"}).recordings] == ["2"]


@pytest.mark.parametrize(
    "name", ["a b-rx.wav", "$(reboot)-rx.wav", "x\n1-rx.wav", "-rf.done", ".hidden.done", "readme.txt", "\udcff.done"]
)
def test_a_hostile_name_is_left_alone_and_reported_in_plain_letters(folder: Path, spool: Spool, name: str) -> None:
    (folder / name).touch()
    scan = spool.scan(now=NOW)

    assert scan.recordings == ()
    (refused,) = scan.refused
    assert refused.why is Refusal.NAME
    assert refused.name.isascii()
    assert refused.name.isprintable()
    assert (folder / name).exists()


def test_links_folders_and_pipes_are_left_alone_and_reported(folder: Path, spool: Spool, tmp_path: Path) -> None:
    secret = tmp_path / "secret.wav"
    secret.write_bytes(wav(voice(1, 0.1)))
    (folder / "1-rx.wav").symlink_to(secret)
    (folder / "2-rx.wav").mkdir()
    os.mkfifo(folder / "3-rx.wav")
    (folder / "4-rx.wav").symlink_to("/nowhere")
    scan = spool.scan(now=NOW)

    assert scan.recordings == ()
    assert {(entry.name, entry.why) for entry in scan.refused} == {
        (f"{number}-rx.wav", Refusal.NOT_PLAIN) for number in (1, 2, 3, 4)
    }


def test_a_file_swapped_for_a_link_after_the_scan_is_not_read(folder: Path, spool: Spool, tmp_path: Path) -> None:
    record(folder)
    found = only(spool)
    secret = tmp_path / "secret.wav"
    secret.write_bytes(wav(voice(1, 0.1)))
    (folder / f"{NAME}-rx.wav").unlink()
    (folder / f"{NAME}-rx.wav").symlink_to(secret)

    with pytest.raises(RefusedFile), spool.open_sources(found):
        pass


def test_a_folder_that_is_a_link_is_refused_and_a_missing_one_may_come_back(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folder)

    with pytest.raises(RefusedFile):
        Spool(tmp_path / "link").scan(now=NOW)
    with pytest.raises(SpoolFolderMissing):
        Spool(tmp_path / "missing").scan(now=NOW)


def test_a_ready_pair_goes_all_the_way_to_the_archive(folder: Path, spool: Spool, tmp_path: Path) -> None:
    record(folder)
    key = RecordingKey(recording_id=uuid4(), day=date(2026, 1, 31))
    with (
        LocalStorage(tmp_path / "recordings") as storage,
        spool.open_sources(only(spool)) as sources,
        storage.stage(key) as staging,
    ):
        archive = make_archive(sources, staging)

    assert archive.speakers == (Speaker.MANAGER, Speaker.CLIENT)
    assert archive.frames == 4000


def test_without_marker_a_header_that_is_not_finished_waits_for_its_rest(
    folder: Path, spool: Spool, tmp_path: Path
) -> None:
    record(folder, done=False, declared=0)
    key = RecordingKey(recording_id=uuid4(), day=date(2026, 1, 31))
    with LocalStorage(tmp_path / "recordings") as storage:
        with (
            spool.open_sources(only(spool)) as sources,
            storage.stage(key) as staging,
            pytest.raises(StillGrowing),
        ):
            make_archive(sources, staging)

        with spool.open_sources(only(spool, LATER)) as sources, storage.stage(key) as staging:
            assert make_archive(sources, staging).frames == 4000


def test_the_copy_of_the_pbx_goes_only_by_name_with_its_marker(folder: Path, spool: Spool) -> None:
    record(folder, "1")
    record(folder, "11")
    moment = datetime.now(UTC) + timedelta(seconds=1)

    assert spool.delete("1", ingested_at=moment) == 3
    assert spool.delete("1", ingested_at=moment) == 0
    assert names(folder) == ["11-rx.wav", "11-tx.wav", "11.done"]


def test_a_file_changed_after_its_ingest_is_kept(folder: Path, spool: Spool) -> None:
    record(folder)

    with pytest.raises(ChangedSinceIngest):
        spool.delete(NAME, ingested_at=datetime.now(UTC) - timedelta(seconds=10))
    assert len(names(folder)) == 3


@pytest.mark.parametrize("name", ["../x", "..", "a/b", "", ".", "a\x00b"])
def test_a_name_that_leads_out_of_the_folder_deletes_nothing(spool: Spool, name: str) -> None:
    with pytest.raises(BadName):
        spool.delete(name, ingested_at=NOW)


def test_deleting_a_link_leaves_what_it_points_to(folder: Path, spool: Spool, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    (folder / f"{NAME}-rx.wav").symlink_to(secret)

    spool.delete(NAME, ingested_at=datetime.now(UTC) + timedelta(seconds=1))
    assert secret.read_bytes() == b"secret"


async def next_hint(hints: AsyncIterator[str]) -> str:
    return await asyncio.wait_for(anext(hints), 60)


async def test_a_marker_made_or_moved_in_gives_a_hint(folder: Path) -> None:
    async with aclosing(watch(folder)) as hints:
        first = asyncio.ensure_future(next_hint(hints))
        await asyncio.sleep(0.05)
        (folder / "x y.done").touch()
        (folder / f"{NAME}-rx.wav").write_bytes(b"x")
        (folder / f"{NAME}.done").touch()
        assert await first == NAME

        (folder / "moved").touch()
        (folder / "moved").rename(folder / "2.done")
        assert "2" in [await next_hint(hints) for _ in range(2)]


async def test_a_watched_folder_that_goes_away_is_an_error_that_may_pass(folder: Path, tmp_path: Path) -> None:
    async with aclosing(watch(folder)) as hints:
        first = asyncio.ensure_future(next_hint(hints))
        await asyncio.sleep(0.05)
        folder.rmdir()
        with pytest.raises(SpoolFolderMissing):
            await first

    async with aclosing(watch(tmp_path / "missing")) as hints:
        with pytest.raises(SpoolFolderMissing):
            await next_hint(hints)


async def test_what_no_hint_told_the_next_scan_finds(folder: Path, spool: Spool) -> None:
    record(folder, "before")
    async with aclosing(watch(folder)) as hints:
        first = asyncio.ensure_future(next_hint(hints))
        await asyncio.sleep(0.05)
        record(folder, "during")
        assert await first == "during"

    assert {recording.name for recording in spool.scan(now=NOW).recordings} == {"before", "during"}


@contextmanager
def stranger() -> Iterator[None]:
    """Be a user without special rights; who runs the tests as such a user is one already."""
    if os.geteuid() != 0:
        yield
        return
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


@pytest.fixture
def shared() -> Iterator[Path]:
    """A recording folder that a user without special rights can reach and use."""
    with TemporaryDirectory() as outer:
        Path(outer).chmod(0o755)
        folder = Path(outer) / "spool"
        folder.mkdir()
        if os.geteuid() == 0:
            os.chown(folder, NOBODY, NOBODY)
        folder.chmod(0o770)
        yield folder
        folder.chmod(0o700)


def found_by_a_stranger(folder: Path) -> list[Finding]:
    with stranger():
        return probe(folder)


def fault(findings: list[Finding]) -> Finding:
    (found,) = [finding for finding in findings if finding.weight is Weight.FAULT]
    return found


def test_a_folder_with_the_right_rights_has_no_finding(shared: Path) -> None:
    with stranger():
        record(shared)

    assert found_by_a_stranger(shared) == []
    assert names(shared) == [f"{NAME}-rx.wav", f"{NAME}-tx.wav", f"{NAME}.done"]


def test_a_folder_we_may_not_open_is_found(shared: Path) -> None:
    shared.chmod(0o000)

    assert "may not be opened" in fault(found_by_a_stranger(shared)).problem
    assert "usermod -aG" in fault(found_by_a_stranger(shared)).remedy


def test_a_folder_we_may_not_write_is_found(shared: Path) -> None:
    shared.chmod(0o550)

    assert "may not delete" in fault(found_by_a_stranger(shared)).problem
    assert f"chmod g+rwxs {shared}" in fault(found_by_a_stranger(shared)).remedy


def test_files_we_may_not_read_are_counted(shared: Path) -> None:
    record(shared)
    (shared / f"{NAME}-rx.wav").chmod(0o000)
    (shared / f"{NAME}-tx.wav").chmod(0o000)

    assert fault(found_by_a_stranger(shared)).problem.startswith("2 of 3 files")
    assert "UMask=0007" in fault(found_by_a_stranger(shared)).remedy


def test_a_missing_right_is_an_error_that_sends_to_doctor(shared: Path) -> None:
    record(shared)
    moment = datetime.now(UTC) + timedelta(seconds=1)
    (shared / f"{NAME}-rx.wav").chmod(0o000)
    spool = Spool(shared)
    with stranger():
        found = only(spool)
        with pytest.raises(NoRight, match="trunkline doctor"), spool.open_sources(found):
            pass

    shared.chmod(0o550)
    with stranger(), pytest.raises(NoRight):
        spool.delete(NAME, ingested_at=moment)
    assert len(names(shared)) == 3


def test_a_missing_folder_a_link_and_a_file_are_told_apart(shared: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(shared)
    (tmp_path / "file").touch()

    assert "does not exist" in fault(probe(tmp_path / "missing")).problem
    assert "is a link" in fault(probe(tmp_path / "link")).problem
    assert str(shared) in fault(probe(tmp_path / "link")).remedy
    assert "is not a folder" in fault(probe(tmp_path / "file")).problem


def test_the_sticky_bit_on_the_pbxs_folder_is_found(shared: Path) -> None:
    if os.geteuid() != 0:
        shared.chmod(0o1770)
        assert found_by_a_stranger(shared) == []  # our own folder: the bit does not bind its owner
        return
    os.chown(shared, 0, NOBODY)
    shared.chmod(0o1770)

    assert "sticky bit" in fault(found_by_a_stranger(shared)).problem
    assert f"chmod -t {shared}" == fault(found_by_a_stranger(shared)).remedy


def test_a_folder_open_to_everybody_is_an_advice_and_no_fault(shared: Path) -> None:
    shared.chmod(0o777)

    (advice,) = found_by_a_stranger(shared)
    assert advice.weight is Weight.ADVICE
    assert "Every user" in advice.problem
