"""The site's own recordings: a tree of mixed files that its PBX makes for itself, read and never touched.

FreePBX, Issabel and others record each call into one mono file below `monitor/YYYY/MM/DD`, with the uniqueid of a leg
of the call at the end of its name (`out-79161234567-101-20261122-103000-1763807400.12.wav`). The files are the site's:
nothing here writes to them, renames or deletes them. Fits the port `RecordingIntake` beside `recordings.intake`.

A tree grows for years and a look comes every few seconds, so a folder in which everything is settled and nothing
changed for two days is read again only when its time of change differs. Links are not followed, and of several files
with one uniqueid the largest is taken: the others are pieces of the same sound.
"""

import os
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from gateway.domain.recordings import (
    NoSound,
    NotNow,
    RecordingKey,
    SpoolReport,
    StoredArchive,
    WaitingRecording,
    uniqueid_of_file,
)
from recordings.errors import NotStored, RefusedFile, SpoolFolderMissing
from recordings.folders import FOLDER_FLAGS, as_refusal, open_plain, step_down
from recordings.intake import make_stored, sweep_archive, told_apart
from recordings.site_sound import as_sources, is_sound_file
from recordings.storage import LocalStorage
from recordings.wav import SETTLE

DEEPEST = 4
"""Folders below the root that are entered: year, month, day and one more."""
_OLD_SECONDS = 2 * 86400
"""A folder that did not change for so long is read again only when it does."""

_Path = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """A file of the tree that may be a recording."""

    folder: _Path
    name: str
    size: int
    changed: int
    """Nanoseconds since 1970."""


@dataclass(slots=True, kw_only=True)
class _Folder:
    """What is remembered of a folder between two looks."""

    closed_at: int = -1
    """Its time of change when everything in it was settled and old; -1: it is read at every look."""
    settled: set[str] = field(default_factory=set)
    """Recordings in it at which nothing is left to do; of a closed folder none is remembered."""
    children: list[str] = field(default_factory=list)
    refused: int = 0


@dataclass(slots=True, kw_only=True)
class _Waiting:
    """The files that bear one uniqueid."""

    files: tuple[_File, ...]
    since: datetime
    """Since when we have seen them as they are now."""


class SiteFolder:
    """One PBX's own recordings. Remembers between looks since when each file has rested."""

    def __init__(
        self, folder: Path, storage: LocalStorage, *, systemname: str = "", settle: timedelta = SETTLE
    ) -> None:
        """Take a tree and an archive; nothing is opened before the first look.

        Args:
            folder: its root by its real path.
            storage: the archive; it stays the caller's to close.
            systemname: the prefix of the PBX's uniqueids; empty where it sets none.
            settle: how long a file must rest before an unfinished header counts as given up.
        """
        self._root = folder
        self._storage = storage
        self._systemname = systemname
        self._settle = settle
        self._folders: dict[_Path, _Folder] = {}
        self._waiting: dict[str, _Waiting] = {}
        self._looked_at: datetime | None = None

    def scan(self, *, now: datetime, skip: Container[str] = ()) -> SpoolReport:
        """Look at the tree; see `RecordingIntake.scan`. What was in `skip` once is not looked at again."""
        found: dict[str, list[_File]] = {}
        with told_apart(), self._opened() as root:
            self._walk(root, now, skip, found)
        self._waiting = {name: self._rested(name, tuple(files), now) for name, files in found.items()}
        self._looked_at = now
        ordered = sorted(self._waiting.items(), key=lambda item: (max(f.changed for f in item[1].files), item[0]))
        return SpoolReport(
            waiting=tuple(
                WaitingRecording(name=name, is_completed=False, unchanged_for=now - waiting.since)
                for name, waiting in ordered
            ),
            refused=sum(folder.refused for folder in self._folders.values()),
        )

    def take_in(self, name: str, key: RecordingKey, *, stopping: Callable[[], bool]) -> StoredArchive:
        """Make the verified archive of a recording; see `RecordingIntake.take_in`. The site's file is only read."""
        waiting = self._waiting.get(name)
        if waiting is None or self._looked_at is None:
            raise NotNow("its file is not in the site's folder any more")
        largest = max(waiting.files, key=lambda file: (file.size, file.name))
        rested = self._looked_at - waiting.since
        with told_apart(), self._open(largest) as file, as_sources(file, largest.name, rested, self._settle) as sources:
            if isinstance(sources, str):
                raise NoSound(sources)
            archive = make_stored(sources, self._storage, key, stopping)
        others = len(waiting.files) - 1
        remark = f"{others} smaller of the same leg left out" if others else ""
        return replace(archive, remark="; ".join(filter(None, (archive.remark, remark))))

    def remove_source(self, name: str, *, ingested_at: datetime) -> int:
        """Nothing: the site's recordings are the site's."""
        return 0

    def sweep(self, *, now: datetime) -> int:
        """Remove what killed gateways left half-written in the archive; see `RecordingIntake.sweep`."""
        return sweep_archive(self._storage, now)

    def _walk(self, root: int, now: datetime, skip: Container[str], found: dict[str, list[_File]]) -> None:
        """Read every folder that is not closed; forget those that are gone."""
        queue: list[_Path] = [()]
        seen: set[_Path] = set()
        while queue:
            path = queue.pop()
            folder = self._folders.setdefault(path, _Folder())
            try:
                with _entered(root, path) as place:
                    self._read(place, path, folder, now, skip, found)
            except (NotStored, RefusedFile):
                continue
            seen.add(path)
            if len(path) < DEEPEST:
                queue += [(*path, child) for child in folder.children]
        for gone in self._folders.keys() - seen:
            del self._folders[gone]

    def _read(
        self,
        place: int,
        path: _Path,
        folder: _Folder,
        now: datetime,
        skip: Container[str],
        found: dict[str, list[_File]],
    ) -> None:
        """Read one folder, unless it is closed and has not changed since; close it where nothing is left to do."""
        changed = os.fstat(place).st_mtime_ns
        if folder.closed_at == changed:
            return
        folder.children, folder.refused, is_settled = [], 0, True
        with os.scandir(place) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folder.children.append(entry.name)
                elif (name := self._name_of(entry)) is None:
                    folder.refused += not entry.name.startswith(".")
                elif name in folder.settled or name in skip:
                    folder.settled.add(name)
                else:
                    is_settled = False
                    with suppress(FileNotFoundError):  # deleted since the folder was read
                        found.setdefault(name, []).append(_file(path, entry))
        folder.children.sort()
        if is_settled and now.timestamp() - changed / 1e9 > _OLD_SECONDS:
            folder.closed_at, folder.settled = changed, set()

    def _name_of(self, entry: "os.DirEntry[str]") -> str | None:
        """The uniqueid that a plain sound file bears; None: it is something else."""
        if not entry.is_file(follow_symlinks=False) or not is_sound_file(entry.name):
            return None
        return uniqueid_of_file(entry.name, systemname=self._systemname)

    def _rested(self, name: str, files: tuple[_File, ...], now: datetime) -> _Waiting:
        files = tuple(sorted(files, key=lambda file: (file.folder, file.name)))
        before = self._waiting.get(name)
        same = before is not None and before.files == files and before.since <= now
        return _Waiting(files=files, since=before.since if same and before else now)

    @contextmanager
    def _open(self, file: _File) -> Iterator[BinaryIO]:
        """The file, opened without following a link."""
        with self._opened() as root:
            try:
                with _entered(root, file.folder) as place:
                    opened = open_plain(place, file.name)
            except NotStored as gone:
                raise NotNow("its file is not in the site's folder any more") from gone
            with opened:
                yield opened

    @contextmanager
    def _opened(self) -> Iterator[int]:
        try:
            root = os.open(self._root, FOLDER_FLAGS)
        except FileNotFoundError as missing:
            raise SpoolFolderMissing from missing
        except OSError as failure:
            raise as_refusal(failure) from failure
        try:
            yield root
        finally:
            os.close(root)


@contextmanager
def _entered(root: int, path: _Path) -> Iterator[int]:
    """A folder below the root, each step without following a link."""
    place = os.dup(root)
    for name in path:
        place = step_down(place, name)
    try:
        yield place
    finally:
        os.close(place)


def _file(path: _Path, entry: "os.DirEntry[str]") -> _File:
    about = entry.stat(follow_symlinks=False)
    return _File(folder=path, name=entry.name, size=about.st_size, changed=about.st_mtime_ns)
