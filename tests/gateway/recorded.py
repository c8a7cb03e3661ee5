"""A PBX's recording folder and its upkeep for tests, and a gateway's upkeep in a process that can be killed.

Run as a program it looks after a folder until it is killed: `python -m tests.gateway.recorded DSN FOLDER ARCHIVE`.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from gateway.domain.recordings import IntakeRules, RecordingKey
from gateway.free_space import FreeSpace
from gateway.live import Live
from gateway.recording_upkeep import RecordingUpkeep
from gateway.store.database import Pool, open_pool
from recordings.intake import LocalIntake
from recordings.storage import LocalStorage
from recordings.watch import watch
from tests.recordings.sounds import voice, wav

PBX = "pbx1"
QUICK = IntakeRules(settle=timedelta(0), orphan_after=timedelta(days=1))
"""Files need not rest."""


@dataclass(slots=True, kw_only=True)
class Studio:
    """A PBX's folder, our archive, and the upkeep between them."""

    pool: Pool
    live: Live
    folder: Path
    storage: LocalStorage
    space: FreeSpace
    upkeep: RecordingUpkeep

    def record(self, name: str, *, seconds: float = 2.0, seed: int = 1, done: bool = True) -> None:
        """What the dialplan include leaves of a call."""
        write_call(self.folder, name, seconds=seconds, seed=seed, done=done)

    async def row(self, name: str) -> dict[str, object]:
        """The recording's row."""
        return dict(await self.pool.fetchrow("select * from recording where name = $1", name))

    async def key(self, name: str) -> RecordingKey:
        """Where the recording lies in the archive."""
        row = await self.pool.fetchrow("select id, day from recording where name = $1", name)
        return RecordingKey(recording_id=row["id"], day=row["day"])


def write_call(folder: Path, name: str, *, seconds: float = 2.0, seed: int = 1, done: bool = True) -> None:
    """Write both sides of a call and, when it is done, the marker last."""
    (folder / f"{name}-rx.wav").write_bytes(wav(voice(seed, seconds)))
    (folder / f"{name}-tx.wav").write_bytes(wav(voice(seed + 1000, seconds)))
    if done:
        (folder / f"{name}.done").touch()


@asynccontextmanager
async def open_studio(
    pool: Pool,
    tmp_path: Path,
    *,
    archive: Path | None = None,
    live: Live | None = None,
    limit: int = 0,
    free_bytes: Callable[[], int] | None = None,
    keep: timedelta = timedelta(days=2),
    transcribe: bool = True,
    rules: IntakeRules = QUICK,
    intake: type[LocalIntake] = LocalIntake,
) -> AsyncIterator[Studio]:
    """Everything on the same database and folders; opened again it is a restarted gateway."""
    folder = tmp_path / "spool"
    folder.mkdir(exist_ok=True)
    live = live or Live()
    with LocalStorage(archive or tmp_path / "archive") as storage:
        space = FreeSpace(pool, live, free_bytes or storage.free_bytes, limit=limit)
        upkeep = RecordingUpkeep(
            pool,
            live,
            intake(folder, storage, settle=rules.settle),
            space,
            pbx=PBX,
            turn=asyncio.Semaphore(1),
            hints=lambda: watch(folder),
            keep=keep,
            transcribe=transcribe,
            rules=rules,
            period=timedelta(seconds=0.2),
        )
        yield Studio(pool=pool, live=live, folder=folder, storage=storage, space=space, upkeep=upkeep)


async def let_run_out(pool: Pool) -> None:
    """Let every waiting time be over, as if the hours had passed."""
    await pool.execute(
        "update recording set next_try_at = now(), source_next_try_at = now(), transcript_next_try_at = now(),"
        " transcript_claimed_until = case when transcript_state = 'claimed' then now() end"
    )


async def client_leg(pool: Pool) -> tuple[str, UUID]:
    """Name and call of the client's leg."""
    row = await pool.fetchrow("select id, call_id from leg where role = 'client' order by started_at limit 1")
    return row["id"], row["call_id"]


def began(number: int) -> str:
    """A uniqueid of this very minute."""
    return f"{PBX}-{int(datetime.now(UTC).timestamp())}.{number}"


async def _run_for_ever(dsn: str, tmp_path: Path) -> None:
    async with open_pool(dsn, size=2) as pool, open_studio(pool, tmp_path) as studio:
        await studio.upkeep.run()


if __name__ == "__main__":
    asyncio.run(_run_for_ever(sys.argv[1], Path(sys.argv[2])))
