"""Recordings on a local disk: `<root>/YYYY/MM/DD/<recording id>.flac`, `.mp3`, `.peaks`.

Names are made of our own ids only. Every folder and file is opened by its parent's descriptor without
following links (openat with O_NOFOLLOW, see open(2) and path_resolution(7)), so nobody who can write below
the root leads us out of it. The root itself is the administrator's word and may be a link. A part is
written under a temporary name in the same folder, brought to the disk, and shown by link(2), which refuses
a name that is taken: nothing stored is ever written over. The FLAC comes last, so where it stands the rest
stands too. Fits the ports `RecordingStorage` (here) and `Staging` (recordings.archive).
"""

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from types import TracebackType
from typing import BinaryIO, Self

from gateway.domain.recordings import RecordingKey, RecordingPart
from recordings.codecs import as_our_error, decode
from recordings.errors import AlreadyStored, NotStored, VerificationFailed
from recordings.folders import FILE_FLAGS, open_plain, step_down

FILE_MODE = 0o640
FOLDER_MODE = 0o750
_TEMPORARY = re.compile(r"\.[0-9a-f-]{36}\.[0-9a-f]{16}\.(?:flac|mp3|peaks)\.part")
_SHOWN_IN_ORDER = (RecordingPart.PEAKS, RecordingPart.MP3, RecordingPart.FLAC)
_COMPARE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPart:
    """A stored part, open for reading; the reader closes `file`."""

    file: BinaryIO
    size: int
    """Bytes."""
    etag: str
    """Strong entity tag in its quotes (RFC 9110 section 8.8.3); a part never changes, nor does its tag."""
    modified_at: datetime
    """UTC"""


class LocalStorage:
    """The recordings below one folder; holds the folder's descriptor, so use it as a context manager."""

    def __init__(self, root: Path) -> None:
        """Open the root, making it where it is missing.

        Raises:
            OSError: it cannot be made or opened; the error names the folder.
        """
        root.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        self._place = root.absolute()
        self._root = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._root)

    @contextmanager
    def stage(self, key: RecordingKey) -> Iterator["LocalStaging"]:
        """A place for the parts of one recording; what was not published is removed at the end.

        Raises:
            RefusedFile: a link or a file stands where a folder of ours belongs.
            NoSpace: the disk is full.
        """
        try:
            folder = self._make_folder(key)
        except OSError as failure:
            raise as_our_error(failure) from failure
        with ExitStack() as undo:
            undo.callback(os.close, folder)
            staging = LocalStaging(folder, key)
            undo.callback(staging.discard)
            yield staging

    def open_for_reading(self, key: RecordingKey, part: RecordingPart) -> OpenPart:
        """Open one part of a stored recording.

        Raises:
            NotStored: it is not here.
            RefusedFile: a link or something else than a plain file stands in its place.
        """
        folder = self._open_folder(key)
        try:
            file = open_plain(folder, key.file_name(part))
        finally:
            os.close(folder)
        about = os.fstat(file.fileno())
        return OpenPart(
            file=file,
            size=about.st_size,
            etag=f'"{about.st_ino:x}-{about.st_size:x}-{about.st_mtime_ns:x}"',
            modified_at=datetime.fromtimestamp(about.st_mtime, UTC),
        )

    def path_of(self, key: RecordingKey, part: RecordingPart = RecordingPart.FLAC) -> Path:
        """Where a part stands, for a program of ours that reads by name; whether it is there is not looked at."""
        return self._place.joinpath(*key.folders, key.file_name(part))

    def delete(self, key: RecordingKey) -> int:
        """Remove all parts of a recording; what is missing is no error, so it can be repeated.

        Returns:
            How many parts were removed.
        """
        try:
            folder = self._open_folder(key)
        except NotStored:
            return 0
        removed = 0
        try:
            for part in _SHOWN_IN_ORDER:
                with suppress(FileNotFoundError):
                    os.unlink(key.file_name(part), dir_fd=folder)
                    removed += 1
            os.fsync(folder)
        finally:
            os.close(folder)
        return removed

    def free_bytes(self) -> int:
        """What our user may still write on this disk, in bytes."""
        disk = os.fstatvfs(self._root)
        return disk.f_bavail * disk.f_frsize

    def sweep(self, *, older_than: datetime) -> int:
        """Remove temporary files that a killed gateway left.

        Args:
            older_than: aware; files changed after it may belong to an ingest that still runs.

        Returns:
            How many were removed.
        """
        removed = 0
        for _, _, names, folder in os.fwalk(".", dir_fd=self._root, follow_symlinks=False):
            for name in filter(_TEMPORARY.fullmatch, names):
                with suppress(FileNotFoundError):
                    changed = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mtime
                    if changed < older_than.timestamp():
                        os.unlink(name, dir_fd=folder)
                        removed += 1
        return removed

    def _open_folder(self, key: RecordingKey) -> int:
        folder = os.dup(self._root)
        for name in key.folders:
            folder = step_down(folder, name)
        return folder

    def _make_folder(self, key: RecordingKey) -> int:
        folder = os.dup(self._root)
        for name in key.folders:
            try:
                os.mkdir(name, FOLDER_MODE, dir_fd=folder)
                os.fsync(folder)
            except FileExistsError:
                pass  # made before, or by another ingest at this moment
            except OSError:
                os.close(folder)
                raise
            folder = step_down(folder, name)
        return folder


class LocalStaging:
    """The parts of one recording under temporary names (see `Staging` in recordings.archive)."""

    def __init__(self, folder: int, key: RecordingKey) -> None:
        self._folder = folder
        self._key = key
        self._token = token_hex(8)
        self._files: dict[RecordingPart, BinaryIO] = {}

    def create(self, part: RecordingPart) -> BinaryIO:
        """A new empty file of mode 0640, readable and writable, under a temporary name.

        Raises:
            NoSpace: the disk has no room for one more file.
        """
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | FILE_FLAGS
        try:
            descriptor = os.open(self._temporary(part), flags, FILE_MODE, dir_fd=self._folder)
        except OSError as failure:
            raise as_our_error(failure) from failure
        os.fchmod(descriptor, FILE_MODE)  # the umask may have taken the group's right
        file = os.fdopen(descriptor, "w+b")
        self._files[part] = file
        return file

    def publish(self) -> None:
        """Bring the parts to the disk and show them, the FLAC last.

        A part that an ingest killed half-way had already shown without its FLAC is replaced; the same sound
        shown before (killed after showing, before its caller wrote it down) is a success and stays as it is,
        also when another version of the encoder had written it in other bytes.

        Raises:
            AlreadyStored: another sound is stored under this id; nothing is changed.
            NoSpace: the disk is full.
        """
        if RecordingPart.FLAC not in self._files:
            raise NotStored("A recording without its FLAC cannot be published; create that part first.")
        try:
            self._bring_to_disk()
            fcntl.flock(self._folder, fcntl.LOCK_EX)  # two ingests of one id must not mix their parts
            if self._is_stored_already():
                return
            for part in _SHOWN_IN_ORDER:
                self._show(part)
            os.fsync(self._folder)
        except FileExistsError as taken:
            raise AlreadyStored from taken
        except OSError as failure:
            raise as_our_error(failure) from failure

    def discard(self) -> None:
        """Remove what was not published and close all files."""
        for part, file in self._files.items():
            with suppress(OSError):  # what a full disk did not take is thrown away with the file
                file.close()
            with suppress(FileNotFoundError):
                os.unlink(self._temporary(part), dir_fd=self._folder)
        self._files.clear()

    def _temporary(self, part: RecordingPart) -> str:
        return f".{self._key.recording_id}.{self._token}.{part}.part"

    def _bring_to_disk(self) -> None:
        for file in self._files.values():
            file.flush()
            os.fsync(file.fileno())

    def _show(self, part: RecordingPart) -> None:
        if part not in self._files:
            return
        name, temporary = self._key.file_name(part), self._temporary(part)
        if part is RecordingPart.FLAC:
            os.link(temporary, name, src_dir_fd=self._folder, dst_dir_fd=self._folder, follow_symlinks=False)
        else:
            os.rename(temporary, name, src_dir_fd=self._folder, dst_dir_fd=self._folder)

    def _is_stored_already(self) -> bool:
        try:
            stored = open_plain(self._folder, self._key.file_name(RecordingPart.FLAC))
        except NotStored:
            return False
        with stored:
            ours = self._files[RecordingPart.FLAC]
            if not _same_bytes(stored, ours) and not _same_sound(stored, ours):
                raise AlreadyStored
        return True


def _same_bytes(one: BinaryIO, other: BinaryIO) -> bool:
    one.seek(0)
    other.seek(0)
    while piece := one.read(_COMPARE_BYTES):
        if piece != other.read(_COMPARE_BYTES):
            return False
    return not other.read(1)


def _same_sound(one: BinaryIO, other: BinaryIO) -> bool:
    try:
        return decode(one) == decode(other)
    except VerificationFailed:
        return False
