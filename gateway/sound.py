"""Everything that has to do with sound: the archive, each PBX's recordings on their way into it, transcripts."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

from gateway.backlog import Backlog
from gateway.domain.recordings import RecordingWay
from gateway.free_space import FreeSpace
from gateway.live import Live
from gateway.recording_upkeep import RecordingUpkeep
from gateway.settings import Pbx, Settings
from gateway.store.database import Pool
from gateway.transcript_upkeep import TranscriptUpkeep
from recordings.arrivals import Arrivals
from recordings.intake import LocalIntake
from recordings.site_folder import SiteFolder
from recordings.storage import LocalStorage
from recordings.watch import watch
from transcription.options import Options
from transcription.transcriber import Transcriber


@dataclass(slots=True, kw_only=True)
class Sound:
    """The node's archive with what works on it."""

    storage: LocalStorage
    space: FreeSpace
    upkeeps: dict[str, RecordingUpkeep]
    """By PBX, and by what a site records itself; a PBX whose recordings we cannot reach has none."""
    transcripts: TranscriptUpkeep | None
    """None: transcription is switched off."""
    backlog: Backlog
    arrivals: dict[str, Arrivals]
    """By PBX whose host sends its recordings."""


async def open_sound(stack: AsyncExitStack, settings: Settings, pool: Pool, live: Live) -> Sound:
    """Open the archive and build what works on it."""
    storage = stack.enter_context(LocalStorage(settings.archive))
    space = FreeSpace(pool, live, storage.free_bytes, limit=settings.recordings.free_space_limit)
    turn = asyncio.Semaphore(1)
    limit = settings.recordings.free_space_limit
    arrivals = {
        pbx.name: Arrivals(settings.arriving(pbx.name), free_space_limit=limit)
        for pbx in settings.pbx.values()
        if pbx.journal.shipped and pbx.recordings.folder is None
    }
    upkeeps = {
        pbx.name: _upkeep(pbx, folder, storage, space, turn, settings, pool, live)
        for pbx in settings.pbx.values()
        if (folder := settings.spool(pbx)) is not None
    }
    upkeeps |= {
        f"{pbx.name}, the site's own": _site_upkeep(pbx, folder, storage, space, turn, settings, pool, live)
        for pbx in settings.pbx.values()
        if (folder := pbx.recordings.site_folder) is not None
    }
    transcripts = None
    if settings.transcription.enabled:
        transcribers = list(_transcribers(settings))
        for transcriber in transcribers:
            stack.push_async_callback(transcriber.close)
        transcripts = TranscriptUpkeep(pool, live, transcribers, storage.path_of, space)
    return Sound(
        storage=storage, space=space, upkeeps=upkeeps, transcripts=transcripts, backlog=Backlog(pool), arrivals=arrivals
    )


def _upkeep(
    pbx: Pbx,
    folder: Path,
    storage: LocalStorage,
    space: FreeSpace,
    turn: asyncio.Semaphore,
    settings: Settings,
    pool: Pool,
    live: Live,
) -> RecordingUpkeep:
    if pbx.recordings.way is RecordingWay.ARI:
        folder.mkdir(mode=0o750, parents=True, exist_ok=True)
    hints: Callable[[], AsyncGenerator[str, None]] = partial(watch, folder)
    return RecordingUpkeep(
        pool,
        live,
        LocalIntake(folder, storage),
        space,
        pbx=pbx.name,
        way=pbx.recordings.way,
        turn=turn,
        hints=hints,
        keep=timedelta(days=pbx.recordings.keep_days) if pbx.recordings.folder is not None else timedelta(0),
        transcribe=settings.transcription.enabled,
    )


def _site_upkeep(
    pbx: Pbx,
    folder: Path,
    storage: LocalStorage,
    space: FreeSpace,
    turn: asyncio.Semaphore,
    settings: Settings,
    pool: Pool,
    live: Live,
) -> RecordingUpkeep:
    return RecordingUpkeep(
        pool,
        live,
        SiteFolder(folder, storage, systemname=pbx.recordings.systemname),
        space,
        pbx=pbx.name,
        way=RecordingWay.SITE,
        turn=turn,
        transcribe=settings.transcription.enabled,
    )


def _transcribers(settings: Settings) -> Iterable[Transcriber]:
    wanted = settings.transcription
    for _ in range(wanted.workers):
        yield Transcriber(
            Options(cache=settings.home / "models", model=wanted.model, languages=tuple(wanted.languages))
        )
