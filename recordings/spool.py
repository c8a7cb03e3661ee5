"""The PBX's recording folder: what lies in it, what is ready, and its removal when we are told.

deploy/asterisk/trunkline_recording.conf writes `<uniqueid>-rx.wav` (client) and `<uniqueid>-tx.wav`
(manager) and makes `<uniqueid>.done` when both are closed; a site's own dialplan may write one mixed
`<uniqueid>.wav`. Measured: Asterisk gives no event of its own at the end, and a killed one leaves no
marker, so a recording is also ready when its files rest for a while. Rest is what we saw between two scans
by our own clock, not what the file's time says. The folder belongs to the PBX's user: no link in it is
followed, and names that our dialplan cannot have made are reported and left alone. The gateway reads and
deletes by its group, never as root (see `recordings.rights`).
"""

import os
import stat
from collections.abc import Container, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

from gateway.domain.recordings import SpoolRole, is_spool_name, parse_spool_file
from recordings import wav
from recordings.archive import Sources
from recordings.errors import BadName, ChangedSinceIngest, NotStored, SpoolFolderMissing
from recordings.folders import FOLDER_FLAGS, as_refusal, open_plain
from recordings.rights import PROBE_PREFIX

_AUDIO = (SpoolRole.CLIENT, SpoolRole.MANAGER, SpoolRole.MIXED)


class Refusal(StrEnum):
    """Why an entry of the folder is left alone."""

    NAME = "its name is not one that the dialplan include makes"
    NOT_PLAIN = "it is a link, a folder or a device, not a plain file"


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedEntry:
    """An entry of the folder that is left alone and shown to a person."""

    name: str
    """Printable ASCII, everything else escaped, cut to 200 characters."""
    why: Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class SpooledRecording:
    """The files of one recording as they lie in the folder."""

    name: str
    """The uniqueid in a safe alphabet."""
    roles: frozenset[SpoolRole]
    """Which files there are; the marker alone is a recording whose sound is missing."""
    total_bytes: int
    """Of the sound files together."""
    modified_at: float
    """Youngest change of a sound file, seconds since 1970 by the file system's clock; 0: there is none."""
    unchanged_for: timedelta
    """How long we have seen the files not to change."""

    @property
    def is_completed(self) -> bool:
        """Whether the PBX said that the files are closed."""
        return SpoolRole.MARKER in self.roles

    def is_ready(self, settle: timedelta = wav.SETTLE) -> bool:
        """Whether it may be ingested: the marker is there, or the files have rested for `settle`."""
        return self.is_completed or self.unchanged_for >= settle


@dataclass(frozen=True, slots=True, kw_only=True)
class SpoolScan:
    """What one look into the folder found."""

    recordings: tuple[SpooledRecording, ...]
    """Oldest change first."""
    refused: tuple[RefusedEntry, ...]


@dataclass(slots=True)
class _Seen:
    """The files of one name while a scan collects them."""

    roles: set[SpoolRole]
    stamp: set[tuple[SpoolRole, int, int]]
    total_bytes: int = 0
    modified_at: float = 0.0


class Spool:
    """One PBX's recording folder. Remembers between scans since when each recording has rested."""

    def __init__(self, folder: Path) -> None:
        """Take a folder; nothing is opened before the first scan.

        Args:
            folder: its real path; the last component must not be a link.
        """
        self.folder = folder
        self._rest: dict[str, tuple[frozenset[tuple[SpoolRole, int, int]], datetime]] = {}

    def scan(self, *, now: datetime, skip: Container[str] = ()) -> SpoolScan:
        """Look at everything in the folder.

        Args:
            now: aware; our clock, which measures how long files rest.
            skip: names that are ingested already; their files are not looked at.

        Raises:
            SpoolFolderMissing: the folder is not there.
            RefusedFile: the folder's path leads over a link, or to something else than a folder.
            NoRight: our user may not open it; `probe` tells the remedy.
            OSError: it cannot be read.
        """
        found: dict[str, _Seen] = {}
        refused: list[RefusedEntry] = []
        with self._opened() as folder, os.scandir(folder) as entries:
            for entry in entries:
                named = parse_spool_file(entry.name)
                if named is None:
                    if not entry.name.startswith(PROBE_PREFIX):
                        refused.append(_refuse(entry.name, Refusal.NAME))
                elif named[0] not in skip and not _collect(entry, *named, found):
                    refused.append(_refuse(entry.name, Refusal.NOT_PLAIN))
        self._rest = {name: self._rested_since(name, seen, now) for name, seen in found.items()}
        recordings = [_describe(name, seen, now - self._rest[name][1]) for name, seen in found.items()]
        recordings.sort(key=lambda recording: (recording.modified_at, recording.name))
        return SpoolScan(recordings=tuple(recordings), refused=tuple(refused))

    @contextmanager
    def open_sources(self, recording: SpooledRecording, *, settle: timedelta = wav.SETTLE) -> Iterator[Sources]:
        """Open the sound files of a scanned recording for `make_archive`.

        Args:
            recording: from a scan of this folder.
            settle: how long a file with an unfinished header must rest before it counts as given up.

        Raises:
            BadName: the name is not one of ours.
            RefusedFile: a link stands in the place of a file.
            NoRight: our user may not read a file; `probe` tells the remedy.
            OSError: a file cannot be read.
        """
        _check(recording.name)
        with ExitStack() as close, self._opened() as folder:
            client, manager, mixed = (
                close.enter_context(file) if (file := _open_if_there(folder, recording.name + role)) else None
                for role in _AUDIO
            )
            yield Sources(
                client=client,
                manager=manager,
                mixed=mixed,
                unchanged_for=None if recording.is_completed else recording.unchanged_for,
                settle=settle,
            )

    def delete(self, name: str, *, ingested_at: datetime) -> int:
        """Remove the PBX's copy of a recording whose ingest was verified; can be repeated.

        Args:
            name: the recording's name.
            ingested_at: aware, when its ingest began; a file changed later is kept.

        Returns:
            How many files were removed, the marker included.

        Raises:
            BadName: the name is not one of ours.
            ChangedSinceIngest: a sound file is younger than its ingest; nothing is removed.
            SpoolFolderMissing: the folder is not there.
            NoRight: our user may not delete here; `probe` tells the remedy.
        """
        _check(name)
        removed = 0
        with self._opened() as folder:
            if any(_changed_after(folder, name + role, ingested_at) for role in _AUDIO):
                raise ChangedSinceIngest
            for role in (*_AUDIO, SpoolRole.MARKER):  # the marker last, so that a crash leaves it to be found
                removed += _remove(folder, name + role)
        return removed

    @contextmanager
    def _opened(self) -> Iterator[int]:
        try:
            folder = os.open(self.folder, FOLDER_FLAGS)
        except FileNotFoundError as missing:
            raise SpoolFolderMissing from missing
        except OSError as failure:
            raise as_refusal(failure) from failure
        try:
            yield folder
        finally:
            os.close(folder)

    def _rested_since(
        self, name: str, seen: _Seen, now: datetime
    ) -> tuple[frozenset[tuple[SpoolRole, int, int]], datetime]:
        """Since when the files of a recording are as they are now."""
        stamp = frozenset(seen.stamp)
        before = self._rest.get(name)
        return before if before and before[0] == stamp and before[1] <= now else (stamp, now)


def _collect(entry: "os.DirEntry[str]", name: str, role: SpoolRole, found: dict[str, _Seen]) -> bool:
    """Add one entry to what was found; False when it is not a plain file."""
    try:
        about = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return True  # deleted since the folder was read
    if not stat.S_ISREG(about.st_mode):
        return False
    seen = found.setdefault(name, _Seen(set(), set()))
    seen.roles.add(role)
    seen.stamp.add((role, about.st_size, about.st_mtime_ns))
    if role is not SpoolRole.MARKER:
        seen.total_bytes += about.st_size
        seen.modified_at = max(seen.modified_at, about.st_mtime)
    return True


def _describe(name: str, seen: _Seen, unchanged_for: timedelta) -> SpooledRecording:
    return SpooledRecording(
        name=name,
        roles=frozenset(seen.roles),
        total_bytes=seen.total_bytes,
        modified_at=seen.modified_at,
        unchanged_for=unchanged_for,
    )


def _refuse(name: str, why: Refusal) -> RefusedEntry:
    return RefusedEntry(name=ascii(name)[1:-1][:200], why=why)


def _check(name: str) -> None:
    if not is_spool_name(name):
        raise BadName


def _open_if_there(folder: int, file_name: str) -> BinaryIO | None:
    try:
        return open_plain(folder, file_name)
    except NotStored:
        return None


def _remove(folder: int, file_name: str) -> int:
    """Remove a file; gives how many there were."""
    try:
        os.unlink(file_name, dir_fd=folder)
    except FileNotFoundError:
        return 0
    except OSError as failure:
        raise as_refusal(failure) from failure
    return 1


def _changed_after(folder: int, file_name: str, moment: datetime) -> bool:
    try:
        return os.stat(file_name, dir_fd=folder, follow_symlinks=False).st_mtime > moment.timestamp()
    except FileNotFoundError:
        return False
