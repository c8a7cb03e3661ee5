"""`trunkline restore`: read a backup back into an empty database, and its recordings into the archive.

No gateway may run on that database. Everything is checked before anything is written, and what was written is held
against the backup afterwards; a restore that is cut off leaves the database empty, or is told by the next one. Then the
tables are brought to this version. See docs/operation.md.

Exit codes: 0 all is back, 1 nothing was restored (or it is not what was saved), 3 the database is back and recordings
are missing.
"""

import argparse
import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from gateway import backups
from gateway.backups import Manifest
from gateway.cli.backup import MISSING, Progress, described
from gateway.config import load
from gateway.domain.errors import GiveUp, Rejected
from gateway.settings import Settings
from gateway.store.backup import TableSum, refuse_filled, sums_of
from gateway.store.backup import load as load_dump
from gateway.store.embedded import open_embedded
from gateway.store.embedded_account import server_account
from gateway.store.embedded_folders import choose_home
from gateway.store.migrate import check_database, known_revisions, upgrade

_OWN = "Restore goes into a fresh one: set home to another folder, or move {home}/pg18 aside, and try again."
_YOURS = "Restore goes into a fresh one: make another database, let database.url name it, and try again."


class BackupNewer(Rejected, ValueError):
    """The backup was made by a newer Trunkline; install that version, or take an older backup."""


class RestoredOtherwise(GiveUp):
    """The database does not hold what was saved; do not use it, and restore into another one."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which backup."""
    parser.add_argument("backup", type=Path, metavar="BACKUP", help="a folder that `trunkline backup` made")
    parser.add_argument("--no-recordings", action="store_true", help="leave the archive as it is, and only look at it")
    parser.add_argument("--quiet", action="store_true", help="say only what came out")


def run(args: argparse.Namespace) -> int:
    """Read a backup back."""
    settings = load(args.config)
    progress = Progress(quiet=args.quiet)
    manifest = backups.check(args.backup, progress)
    refuse_newer(args.backup, manifest)
    asyncio.run(_restore(settings, args.backup, manifest, progress))
    progress.end(f"The database is back: {described(manifest)}; now at migration {known_revisions()[0]}.")
    missing = _recordings(settings, args.backup, progress, bring=not args.no_recordings)
    if manifest.settings_from:
        print(f"The settings were {manifest.settings_from}; they are in {args.backup / backups.SETTINGS}.")
    if not missing:
        print(f"All {manifest.recordings} recordings are in {settings.archive}.")
        return 0
    print(f"{len(missing)} of {manifest.recordings} recordings are not in {settings.archive} as they were saved:")
    for location in missing[:20]:
        print(f"  {location}")
    if len(missing) > 20:
        print(f"  and {len(missing) - 20} more")
    return MISSING


def refuse_newer(backup: Path, manifest: Manifest) -> None:
    """Refuse a backup whose tables this version does not know.

    Raises:
        BackupNewer: they are newer.
    """
    newest, *_ = known = known_revisions()
    if manifest.revision not in known:
        raise BackupNewer(
            f"{backup} was made by Trunkline {manifest.trunkline} with a database at migration {manifest.revision},"
            f" which this version does not know (its newest is {newest}); install that version, or take an older"
            " backup."
        )


async def _restore(settings: Settings, backup: Path, manifest: Manifest, progress: Progress) -> None:
    async with _target(settings) as (dsn, remedy):
        await refuse_filled(dsn, remedy)
        await check_database(dsn)
        await load_dump(dsn, backup / backups.DUMP, progress)
        other = _differing(manifest.tables, await sums_of(dsn, progress))
        if other:
            raise RestoredOtherwise(
                f"The database does not hold what was saved (differing: {', '.join(other[:5])}); do not use it."
            )
        progress("bringing the tables to this version")
        await upgrade(dsn)


@asynccontextmanager
async def _target(settings: Settings) -> AsyncIterator[tuple[str, str]]:
    """The database to be filled, which no gateway of this folder uses, and what to do where it is filled."""
    async with AsyncExitStack() as stack:
        if settings.database.url is not None:
            yield settings.database.url.get_secret_value(), _YOURS
        else:
            home = choose_home(settings.home, server_account())
            yield (await stack.enter_async_context(open_embedded(home))).dsn, _OWN.format(home=home)


def _differing(saved: Mapping[str, TableSum], found: Mapping[str, TableSum]) -> list[str]:
    return sorted(name for name in {*saved, *found} if saved.get(name) != found.get(name))


def _recordings(settings: Settings, backup: Path, progress: Progress, *, bring: bool) -> list[str]:
    """Bring the recordings back that are in the backup, and look for all the others; gives those that are missing."""
    missing = []
    for number, sound in enumerate(backups.listed(backup)):
        progress(f"recordings: {number}")
        whole = True
        for ending, digest in sound.parts.items() if bring else ():
            source = backup / backups.SOUND / f"{sound.location}.{ending}"
            whole &= backups.bring_back(source, settings.archive / f"{sound.location}.{ending}", digest)
        if not whole or not _is_there(settings.archive / f"{sound.location}.flac", sound.sha256):
            missing.append(sound.location)
    return missing


def _is_there(file: Path, sha256: str | None) -> bool:
    """Whether a recording's FLAC stands in the archive as it was; of some no digest is known."""
    try:
        return file.is_file() if sha256 is None else backups.digest_of(file).sha256 == sha256
    except OSError:
        return False
