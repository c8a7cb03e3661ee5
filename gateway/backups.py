"""A backup as a folder: written beside its name, brought to the disk, renamed when it is whole, and checked again.

    FOLDER/trunkline-20261122T021500Z/
        manifest.json          what is in it, with the digest of every file; written last
        database.dump          PostgreSQL's custom format
        recordings.jsonl       every recording of the archive: place, length, SHA-256
        settings.toml          the settings file, if there was one
        recordings/2026/11/22/ the files, where they were asked for

Whatever is cut off, by a full disk or a kill, is left under a name that begins with a dot and is no backup; the next
one clears it away. Files are 0600, folders 0700: the dump holds names, numbers and digests of passwords. A recording
that the backup before has already is linked to it, not copied (link(2)), so each is whole and costs what is new.
"""

import fcntl
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gateway.domain.errors import Rejected, TryAgain
from gateway.store.backup import Progress, TableSum

FORMAT = 1
MANIFEST, DUMP, LIST, SETTINGS, SOUND = (
    "manifest.json",
    "database.dump",
    "recordings.jsonl",
    "settings.toml",
    "recordings",
)
_NAME = re.compile(r"trunkline-\d{8}T\d{6}Z")
_UNFINISHED = re.compile(r"\.trunkline-\d{8}T\d{6}Z\.part")
_PLACE = re.compile(r"\d{4}/\d\d/\d\d/[0-9a-f-]{36}\.(?:flac|mp3|peaks)")
_BLOCK = 1 << 20


class BackupBroken(Rejected, ValueError):
    """This is no whole backup; take another one."""


class BackupRuns(TryAgain, BlockingIOError):
    """Another backup is being written into this folder; wait for its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """What a file must be."""

    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a backup is."""

    format: int
    trunkline: str
    """Version of the program that wrote it."""
    revision: str
    """Last migration of the database."""
    postgresql: str
    made_at: str
    files: Mapping[str, Digest]
    tables: Mapping[str, TableSum]
    recordings: int
    recordings_bytes: int
    with_sound: bool
    """Whether the recordings' files are in it."""
    missing: int
    """Recordings of the database whose files were not in the archive."""
    settings_from: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedSound:
    """A recording in the list."""

    id: str
    location: str
    sha256: str | None
    bytes: int | None
    parts: Mapping[str, Digest] = field(default_factory=dict)
    """Files in the backup by their ending; empty: they are not in it."""


class Unfinished:
    """A backup that is being written; made by `writing`."""

    def __init__(self, folder: Path, before: Path | None) -> None:
        self.folder = folder
        self.before = before
        """The newest whole backup, whose files can be linked."""
        self.files: dict[str, Digest] = {}

    def add(self, name: str) -> Path:
        """Where a file is to be written."""
        return self.folder / name

    def done(self, name: str) -> None:
        """A file is written: bring it to the disk and take its digest."""
        path = self.folder / name
        path.chmod(0o600)
        _sync(path)
        self.files[name] = digest_of(path)

    def take_sound(self, source: Path, place: str, known: Mapping[str, Digest]) -> Digest:
        """Take a file of the archive in: as a link to the backup before, if it has the same, else as a copy.

        Args:
            source: in the archive.
            place: below `recordings`, like `2026/11/22/ID.flac`.
            known: files of the backup before, by place.

        Raises:
            OSError: it cannot be read.
        """
        target = self.folder / SOUND / place
        _make_folders(self.folder, target.parent)
        before = self.before / SOUND / place if self.before else None
        size = source.stat(follow_symlinks=False).st_size
        if before is not None and place in known and known[place].bytes == size:
            with suppress(OSError):  # another disk, or too many links: it is copied
                os.link(before, target, follow_symlinks=False)
                return known[place]
        return _copy(source, target)

    def finish(self, manifest: Manifest, name: str) -> Path:
        """Write the manifest, and give the backup its name."""
        body = asdict(manifest)
        text = json.dumps({"manifest": body, "sha256": _digest_of_manifest(body)}, indent=1, sort_keys=True)
        path = self.folder / MANIFEST
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")
        for folder, _, names in os.walk(self.folder):
            if MANIFEST in names:
                _sync(path)
            _sync(Path(folder))
        whole = self.folder.with_name(name)
        self.folder.rename(whole)
        _sync(whole.parent)
        return whole


@contextmanager
def writing(folder: Path, at: datetime) -> Iterator[tuple[Unfinished, str]]:
    """Write a backup; what does not come to its end is removed.

    Args:
        folder: of the backups; made if it is missing.
        at: the present moment, which names it.

    Raises:
        BackupRuns: another one is being written there.
        OSError: the folder cannot be used.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(folder / ".trunkline.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupRuns from None
        for left in folder.iterdir():
            if _UNFINISHED.fullmatch(left.name):
                shutil.rmtree(left)
        before = next(iter(reversed(whole_backups(folder))), None)
        name = f"trunkline-{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"
        if (folder / name).exists():
            raise BackupRuns("A backup of this very second is there already; wait a second.")
        part = folder / f".{name}.part"
        part.mkdir(mode=0o700)
        try:
            yield Unfinished(part, before), name
        finally:
            shutil.rmtree(part, ignore_errors=True)
    finally:
        os.close(lock)


def whole_backups(folder: Path) -> list[Path]:
    """The backups in a folder, the oldest first; a name that only looks like one is none."""
    return sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name) and (path / MANIFEST).is_file())


def drop_old(folder: Path, keep: int) -> list[Path]:
    """Remove all but the newest backups; gives those that are gone."""
    gone = whole_backups(folder)[: -max(keep, 1)]
    for path in gone:
        doomed = path.with_name(f".{path.name}.part")  # a removal that is cut off leaves no half of a backup
        path.rename(doomed)
        shutil.rmtree(doomed)
    return gone


def read_manifest(backup: Path) -> Manifest:
    """What a backup is.

    Raises:
        BackupBroken: it is none, or of a newer format.
    """
    if _UNFINISHED.fullmatch(backup.name):
        raise BackupBroken(f"{backup} was cut off while it was written; it is no backup.")
    try:
        document: dict[str, Any] = json.loads((backup / MANIFEST).read_text(encoding="utf-8"))
        body = document["manifest"]
        if int(body["format"]) > FORMAT:
            raise BackupBroken(f"{backup} was written by Trunkline {body['trunkline']}; read it with that version.")
        if document["sha256"] != _digest_of_manifest(body):
            raise BackupBroken(f"{backup / MANIFEST} has been changed.")
        return Manifest(
            **{
                **body,
                "files": {name: Digest(**d) for name, d in body["files"].items()},
                "tables": {name: TableSum(**t) for name, t in body["tables"].items()},
            }
        )
    except OSError as fault:
        raise BackupBroken(
            f"{backup} is no backup of Trunkline: {MANIFEST} cannot be read ({fault.strerror})."
        ) from fault
    except (ValueError, KeyError, TypeError, AttributeError) as fault:
        if isinstance(fault, BackupBroken):
            raise
        raise BackupBroken(f"{backup / MANIFEST} cannot be understood; it is damaged.") from fault


def listed(backup: Path) -> Iterator[ListedSound]:
    """The recordings of a backup.

    Raises:
        BackupBroken: the list cannot be read.
    """
    with (backup / LIST).open(encoding="utf-8") as lines:
        for line in lines:
            try:
                row = json.loads(line)
                parts = {ending: Digest(**d) for ending, d in row.pop("parts", {}).items()}
                found = ListedSound(**row, parts=parts)
                if any(not _PLACE.fullmatch(f"{found.location}.{ending}") for ending in (*parts, "flac")):
                    raise ValueError
            except (ValueError, TypeError, AttributeError) as fault:
                raise BackupBroken(f"{backup / LIST} cannot be understood; it is damaged.") from fault
            yield found


def write_list_line(sound: ListedSound) -> str:
    """A recording as a line of the list."""
    return json.dumps(asdict(sound), sort_keys=True) + "\n"


def check(backup: Path, progress: Progress) -> Manifest:
    """Read every file of a backup again, and hold it against its digest.

    Raises:
        BackupBroken: something is missing or damaged; the message names the first such files.
    """
    manifest = read_manifest(backup)
    faults = [name for name, digest in manifest.files.items() if _differs(backup / name, digest, progress)]
    if LIST not in faults:
        for sound in listed(backup):
            for ending, digest in sound.parts.items():
                name = f"{SOUND}/{sound.location}.{ending}"
                if _differs(backup / name, digest, progress):
                    faults.append(name)
    if faults:
        more = f" and {len(faults) - 5} more" if len(faults) > 5 else ""
        raise BackupBroken(f"{backup} is damaged: {', '.join(faults[:5])}{more} missing or not as written.")
    return manifest


def _differs(path: Path, digest: Digest, progress: Progress) -> bool:
    progress(f"checking {path.name}")
    try:
        return path.is_symlink() or path.stat().st_size != digest.bytes or digest_of(path) != digest
    except OSError:
        return True


def bring_back(source: Path, target: Path, digest: Digest) -> bool:
    """Put a recording's file back into the archive; one that is there already with the same contents stays.

    Returns:
        False: another file stands in its place, which is left alone.
    """
    if target.exists():
        return target.stat().st_size == digest.bytes and digest_of(target) == digest
    target.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.restored")
    part.unlink(missing_ok=True)
    if _copy(source, part) != digest:
        part.unlink()
        return False
    part.chmod(0o640)
    part.rename(target)
    return True


def digest_of(path: Path) -> Digest:
    """Length and SHA-256 of a file."""
    total, sha = 0, hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            sha.update(block)
            total += len(block)
    return Digest(bytes=total, sha256=sha.hexdigest())


def _copy(source: Path, target: Path) -> Digest:
    """Copy a plain file, following no link; gives what was written."""
    total, sha = 0, hashlib.sha256()
    reading = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(reading, "rb") as taken, target.open("xb") as written:
        target.chmod(0o600)
        while block := taken.read(_BLOCK):
            sha.update(block)
            total += len(block)
            written.write(block)
        written.flush()
        os.fsync(written.fileno())
    return Digest(bytes=total, sha256=sha.hexdigest())


def _make_folders(root: Path, folder: Path) -> None:
    missing = [f for f in (folder, *folder.parents) if f.is_relative_to(root) and not f.exists()]
    for step in reversed(missing):
        step.mkdir(mode=0o700)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _digest_of_manifest(body: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
