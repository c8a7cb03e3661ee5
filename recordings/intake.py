"""The PBX's folder and our archive as the gateway's upkeep sees them: fits the port `RecordingIntake`.

Puts `spool`, `archive` and `storage` together, and sorts what can go wrong by what the upkeep does next:
wait (`NotNow`), keep for a person (`NoSound`), or count a failed attempt (everything else). What is told of a
stored recording is read from the archive itself, so an ingest that was killed after it had shown its files
tells the same when it is repeated.
"""

from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from gateway.domain.recordings import (
    NoSound,
    NotNow,
    RecordingKey,
    RecordingPart,
    SpoolReport,
    StoredArchive,
    WaitingRecording,
)
from recordings import codecs, errors, wav
from recordings.archive import Archive, Layout, Sources, make_archive
from recordings.spool import Spool, SpooledRecording
from recordings.storage import LocalStorage
from recordings.wav import WavState

_HALF_WRITTEN = timedelta(days=1)
"""Temporary files older than this belong to no ingest that still runs."""
_NOT_ITS_FAULT = (
    errors.StillGrowing,
    errors.Interrupted,
    errors.NoSpace,
    errors.SpoolFolderMissing,
    errors.NoRight,
)


class LocalIntake:
    """One PBX's folder, taken into a local archive."""

    def __init__(self, folder: Path, storage: LocalStorage, *, settle: timedelta = wav.SETTLE) -> None:
        """Take a folder and an archive.

        Args:
            folder: the PBX's recording folder by its real path.
            storage: the archive; it stays the caller's to close.
            settle: how long a file with an unfinished header must rest before it counts as given up.
        """
        self._spool = Spool(folder)
        self._storage = storage
        self._settle = settle
        self._found: dict[str, SpooledRecording] = {}

    def scan(self, *, now: datetime, skip: Container[str] = ()) -> SpoolReport:
        """Look into the folder; see `RecordingIntake.scan`."""
        with told_apart():
            scan = self._spool.scan(now=now, skip=skip)
        self._found = {recording.name: recording for recording in scan.recordings}
        return SpoolReport(
            waiting=tuple(
                WaitingRecording(name=r.name, is_completed=r.is_completed, unchanged_for=r.unchanged_for)
                for r in scan.recordings
            ),
            refused=len(scan.refused),
        )

    def take_in(self, name: str, key: RecordingKey, *, stopping: Callable[[], bool]) -> StoredArchive:
        """Make the verified archive of a recording; see `RecordingIntake.take_in`."""
        recording = self._found.get(name)
        if recording is None:
            raise NotNow("its files are not in the PBX's folder any more")
        with told_apart(), self._spool.open_sources(recording, settle=self._settle) as sources:
            return make_stored(sources, self._storage, key, stopping)

    def remove_source(self, name: str, *, ingested_at: datetime) -> int:
        """Remove the PBX's copy; see `RecordingIntake.remove_source`."""
        return self._spool.delete(name, ingested_at=ingested_at)

    def sweep(self, *, now: datetime) -> int:
        """Remove what killed gateways left half-written; see `RecordingIntake.sweep`."""
        return sweep_archive(self._storage, now)


def make_stored(
    sources: Sources, storage: LocalStorage, key: RecordingKey, stopping: Callable[[], bool]
) -> StoredArchive:
    """Make the archive of a recording, and tell what lies there by reading it back."""
    with storage.stage(key) as staging:
        archive = make_archive(sources, staging, stopping=stopping)
    with storage.open_for_reading(key, RecordingPart.FLAC).file as stored:
        return StoredArchive(
            sha256=bytes.fromhex(codecs.file_sha256(stored)),
            size=stored.seek(0, 2),
            duration=archive.duration,
            has_speakers=archive.layout is Layout.SPEAKERS,
            is_whole=archive.is_complete,
            remark=_remark(archive),
        )


def sweep_archive(storage: LocalStorage, now: datetime) -> int:
    """Remove what killed gateways left half-written in the archive; gives how many files."""
    return storage.sweep(older_than=now - _HALF_WRITTEN)


@contextmanager
def told_apart() -> Iterator[None]:
    """Turn this package's errors into the two that the upkeep tells apart; others pass."""
    try:
        yield
    except _NOT_ITS_FAULT as fault:
        raise NotNow(str(fault)) from fault
    except errors.NothingRecorded as fault:
        raise NoSound("; ".join(fault.reports) or "the PBX left no sound file") from fault


def _remark(archive: Archive) -> str:
    """What was not as it should be with the PBX's files."""
    sides = (("client", archive.client), ("manager", archive.manager), ("mixed", archive.mixed))
    told = [f"{side}: {r.state}, {r.reason}" for side, r in sides if r is not None and r.state is not WavState.WHOLE]
    if archive.layout is Layout.SPEAKERS:
        told += [f"{side}: no file" for side, report in sides[:2] if report is None]
    return "; ".join(told)
