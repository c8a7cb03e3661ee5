"""A transcriber that writes down what it is told to, for the upkeep's state; honours `BatchTranscriber`.

Run as a program it writes down what a database wants until it is killed: `python -m tests.gateway.scribe DSN`.
"""

import asyncio
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

from gateway.domain.errors import GatewayError
from gateway.domain.identity import recording_id
from gateway.domain.recordings import RecordingKey, StoredArchive
from gateway.domain.transcript import Segment, Speaker, Transcript
from gateway.free_space import FreeSpace
from gateway.live import Live
from gateway.store import recordings as recording_store
from gateway.store.database import Pool, open_pool
from gateway.transcript_upkeep import TranscriptRules, TranscriptUpkeep
from transcription.errors import WorkerDiedError

DAY = date(2026, 1, 31)
QUICK = TranscriptRules(lease=timedelta(seconds=0.6), patience=timedelta(seconds=0.2), period=timedelta(seconds=0.02))


def said(*sentences: str, language: str | None = "en") -> Transcript:
    """A transcript in which manager and client speak in turns."""
    speakers = (Speaker.MANAGER, Speaker.CLIENT)
    segments = tuple(
        Segment(speaker=speakers[n % 2], start=float(n), end=n + 0.5, text=text) for n, text in enumerate(sentences)
    )
    return Transcript(language=language, segments=segments, model="base", duration=float(len(sentences)))


@dataclass(slots=True)
class Scribe:
    """Answers each file by its recording's name; a deadly file ends the worker and with it the whole job."""

    answers: dict[UUID, Transcript | GatewayError] = field(default_factory=dict)
    deadly: set[UUID] = field(default_factory=set)
    before: Callable[[], float] = lambda: 0.0
    """Seconds that a job takes."""
    jobs: list[tuple[str | None, tuple[UUID, ...]]] = field(default_factory=list)
    """Language and recordings of each job so far."""

    async def transcribe_each(self, paths: Sequence[Path], *, language: str | None) -> list[Transcript | GatewayError]:
        """See `BatchTranscriber`."""
        ids = tuple(UUID(path.stem) for path in paths)
        self.jobs.append((language, ids))
        await asyncio.sleep(self.before())
        if self.deadly.intersection(ids):
            return [WorkerDiedError(-9, "was ended by signal 9")] * len(paths)
        return [self.answers.get(id, said("Hello.", "Good morning.")) for id in ids]


def path_of(key: RecordingKey) -> Path:
    """No file need be there."""
    return Path("/nowhere", key.file_name("flac"))  # type: ignore[arg-type]  # any text will do


def upkeep_of(
    pool: Pool, *scribes: Scribe, live: Live | None = None, rules: TranscriptRules = QUICK, free: int = 1
) -> TranscriptUpkeep:
    """The upkeep with these transcribers."""
    live = live or Live()
    return TranscriptUpkeep(pool, live, scribes, path_of, FreeSpace(pool, live, lambda: free, limit=1), rules=rules)


async def add_recording(pool: Pool, number: int, *, language: str | None = None) -> UUID:
    """A stored recording that wants a transcript."""
    key = RecordingKey(recording_id=recording_id("pbx1", f"{number}"), day=DAY)
    archive = StoredArchive(
        sha256=bytes(32), size=1, duration=timedelta(seconds=9), has_speakers=True, is_whole=True, remark=""
    )
    await recording_store.enter_found(pool, "pbx1", {f"{number}": DAY})
    async with pool.acquire() as connection, connection.transaction():
        await recording_store.save_stored(connection, key, archive, began_at=datetime.now(UTC), transcribe=True)
    await pool.execute(
        "update recording set language = $2, stored_at = now() - interval '1 day' + $3 * interval '1 second'"
        " where id = $1",
        key.recording_id,
        language,
        number,
    )
    return key.recording_id


async def _run_for_ever(dsn: str) -> None:
    async with open_pool(dsn, size=2) as pool:
        await upkeep_of(pool, Scribe(before=lambda: 0.1)).run()


if __name__ == "__main__":
    asyncio.run(_run_for_ever(sys.argv[1]))
