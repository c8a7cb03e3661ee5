"""`trunkline backup`: the database, the list of recordings (and their files), the settings, in one checked folder.

It works beside a running gateway, which goes on meanwhile, and without one. The database is not migrated: an upgraded
program can still save what the older one left. See docs/operation.md.

Exit codes: 0 whole and checked, 1 none was made (or the one looked at is damaged), 3 whole, but the archive lacks
recordings that the database knows.
"""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from gateway import __version__, backups
from gateway.backups import FORMAT, Digest, ListedSound, Manifest, Unfinished
from gateway.config import file_of, load
from gateway.domain.errors import Rejected
from gateway.settings import Settings
from gateway.store.backup import Snapshot, check_dump, open_snapshot
from gateway.store.embedded import borrow_embedded
from gateway.store.embedded_account import server_account
from gateway.store.embedded_folders import choose_home

MISSING = 3
ENDINGS = ("flac", "mp3", "peaks")


class NothingToSave(Rejected, ValueError):
    """The database has never been used by a gateway; there is nothing to save."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where to, and what."""
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where the backups lie; with --check: one of them")
    parser.add_argument("--recordings", action="store_true", help="copy the recordings' files too; links what is old")
    parser.add_argument("--keep", type=_count, metavar="N", help="remove all but the newest N afterwards")
    parser.add_argument("--check", action="store_true", help="make none: read one again, and hold it to its digests")
    parser.add_argument("--quiet", action="store_true", help="say only what came out")


def _count(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 10_000:
        raise argparse.ArgumentTypeError("from 1 to 10000")
    return number


def run(args: argparse.Namespace) -> int:
    """Make or check a backup."""
    progress = Progress(quiet=args.quiet)
    if args.check:
        manifest = backups.check(args.folder, progress)
        asyncio.run(check_dump(args.folder / backups.DUMP))
        progress.end(f"{args.folder} is whole: {described(manifest)}.")
        return 0
    settings = load(args.config)
    made, manifest = asyncio.run(_make(settings, args, progress))
    progress.end(f"{made}: {described(manifest)}.")
    if args.keep is not None:
        for gone in backups.drop_old(args.folder, args.keep):
            print(f"removed {gone}")
    if manifest.missing:
        print(f"trunkline: {manifest.missing} recordings are not in the archive, or damaged there", file=sys.stderr)
        return MISSING
    return 0


class Progress:
    """Says what is done now: on a terminal in one line, elsewhere a line a second at most."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._terminal = sys.stderr.isatty()
        self._last = 0.0

    def __call__(self, text: str) -> None:
        now = datetime.now(UTC).timestamp()
        if self._quiet or now - self._last < (0.1 if self._terminal else 1.0):
            return
        self._last = now
        print(f"\r\x1b[K{text[:76]}" if self._terminal else text, end="" if self._terminal else "\n", file=sys.stderr)
        sys.stderr.flush()

    def end(self, text: str) -> None:
        if self._terminal and not self._quiet:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
        print(text)


@asynccontextmanager
async def database_address(settings: Settings) -> AsyncIterator[str]:
    """The address of the site's database, as it is: nothing is migrated."""
    async with AsyncExitStack() as stack:
        if settings.database.url is not None:
            yield settings.database.url.get_secret_value()
        else:
            home = choose_home(settings.home, server_account())
            yield (await stack.enter_async_context(borrow_embedded(home))).dsn


async def _make(settings: Settings, args: argparse.Namespace, progress: Progress) -> tuple[Path, Manifest]:
    async with database_address(settings) as dsn, open_snapshot(dsn) as snapshot:
        revision = await snapshot.revision()
        if revision is None:
            raise NothingToSave
        now = datetime.now(UTC)
        with backups.writing(args.folder, now) as (unfinished, name):
            await snapshot.dump(unfinished.add(backups.DUMP), progress)
            unfinished.done(backups.DUMP)
            recordings = await _recordings(snapshot, unfinished, settings, progress, copied=args.recordings)
            source = _save_settings(unfinished, args.config)
            manifest = Manifest(
                format=FORMAT,
                trunkline=__version__,
                revision=revision,
                postgresql=await snapshot.server(),
                made_at=now.isoformat(),
                files=unfinished.files,
                tables=await snapshot.sums(progress),
                recordings=recordings.count,
                recordings_bytes=recordings.bytes,
                with_sound=args.recordings,
                missing=recordings.missing,
                settings_from=source,
            )
            await check_dump(unfinished.folder / backups.DUMP)
            made = unfinished.finish(manifest, name)
    backups.check(made, progress)
    return made, manifest


class _Counted:
    def __init__(self) -> None:
        self.count = self.bytes = self.missing = 0


async def _recordings(
    snapshot: Snapshot, unfinished: Unfinished, settings: Settings, progress: Progress, *, copied: bool
) -> _Counted:
    """Write the list, and with it the files where they are wanted."""
    found = _Counted()
    known = _known(unfinished) if copied else {}
    path = unfinished.add(backups.LIST)
    path.touch(mode=0o600)
    with path.open("w", encoding="utf-8") as lines:
        async for sound in snapshot.recordings():
            progress(f"recordings: {found.count}")
            parts = _take(unfinished, settings.archive, sound.location, known) if copied else {}
            there = "flac" in parts if copied else (settings.archive / f"{sound.location}.flac").is_file()
            if copied and there and sound.sha256 is not None:
                there = parts["flac"].sha256 == sound.sha256
            found.count += 1
            found.missing += not there
            found.bytes += sum(d.bytes for d in parts.values()) if copied else sound.bytes or 0
            line = ListedSound(
                id=sound.id, location=sound.location, sha256=sound.sha256, bytes=sound.bytes, parts=parts
            )
            lines.write(backups.write_list_line(line))
    unfinished.done(backups.LIST)
    return found


def _known(unfinished: Unfinished) -> dict[str, Digest]:
    """The files of the backup before, by place."""
    if unfinished.before is None:
        return {}
    return {
        f"{sound.location}.{ending}": digest
        for sound in backups.listed(unfinished.before)
        for ending, digest in sound.parts.items()
    }


def _take(unfinished: Unfinished, archive: Path, location: str, known: dict[str, Digest]) -> dict[str, Digest]:
    parts = {}
    for ending in ENDINGS:
        place = f"{location}.{ending}"
        try:
            parts[ending] = unfinished.take_sound(archive / place, place, known)
        except FileNotFoundError:
            continue
    return parts


def _save_settings(unfinished: Unfinished, named: Path | None) -> str | None:
    file = file_of(named)
    if file is None:
        return None
    target = unfinished.add(backups.SETTINGS)
    target.touch(mode=0o600)
    target.write_bytes(file.read_bytes())
    unfinished.done(backups.SETTINGS)
    return str(file.absolute())


def described(manifest: Manifest) -> str:
    """A backup in words."""
    rows = sum(table.rows for table in manifest.tables.values())
    size = sum(digest.bytes for digest in manifest.files.values())
    files = "with their files" if manifest.with_sound else "listed, without their files"
    return (
        f"{len(manifest.tables)} tables with {rows} rows at migration {manifest.revision}, {size} bytes,"
        f" {manifest.recordings} recordings {files}"
    )
