"""Recordings of one PBX on their way: found in its folder, taken into the archive, the PBX's copy deleted in time.

    hints (a marker appeared) --+
    the clock ------------------+--> round: scan -> rows -> one archive after the other -> copies whose time is over

What is in a folder is found by looking, so nothing is lost by a missed hint or a killed gateway, and every step
can be repeated: the archive publishes the same sound only once, the row becomes `stored` in one transaction with
its fact, and only then the live bus hears of it. Archives are made in a thread, one at a time for all PBXs (they
share `turn`); a stop asks the thread to give up and waits for it.
"""

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

import asyncpg
import structlog

from gateway.domain.errors import GatewayError
from gateway.domain.ports import RecordingIntake
from gateway.domain.recordings import (
    IntakeRules,
    NoSound,
    NotNow,
    RecordingState,
    RecordingWay,
    StoredArchive,
    WaitingRecording,
    day_of_name,
)
from gateway.free_space import FreeSpace
from gateway.live import Happening, Live
from gateway.store import recordings as store
from gateway.store.database import DATABASE_AWAY, Pool, insist
from gateway.store.recordings import FoundRecording

log = structlog.get_logger()

_LONGEST_FAREWELL = 5.0
_LONGEST_REST = 60.0
_PATIENCE = timedelta(seconds=30)
_DAILY = timedelta(days=1)


@dataclass(slots=True, kw_only=True)
class UpkeepStatus:
    """How the upkeep of a PBX's recordings is doing, for /metrics and doctor."""

    last_round_at: datetime | None = None
    """When the folder was last looked at with success."""
    fault: str | None = None
    """Why the last round failed; None: it did not."""
    stored: int = 0
    """Since the start of this process, as are the next ones."""
    failed_attempts: int = 0
    copies_deleted: int = 0
    copies_kept: int = 0
    """Attempts to delete that failed."""
    refused: int = 0
    """Entries of the folder that are left alone at the moment."""


class RecordingUpkeep:
    """The upkeep of one PBX's recordings; `run` is its one task."""

    def __init__(
        self,
        pool: Pool,
        live: Live,
        intake: RecordingIntake,
        space: FreeSpace,
        *,
        pbx: str,
        way: RecordingWay = RecordingWay.DIALPLAN,
        turn: asyncio.Semaphore,
        hints: Callable[[], AsyncGenerator[str, None]] | None = None,
        keep: timedelta = timedelta(days=2),
        transcribe: bool = True,
        rules: IntakeRules | None = None,
        period: timedelta = timedelta(seconds=10),
    ) -> None:
        """Args:
        pool: the database.
        live: told after each commit.
        intake: the PBX's folder and our archive.
        space: asked before each archive.
        pbx: the PBX's name.
        way: how the recordings of this folder are made; the site's own are never deleted, and left out where there
            is one of ours.
        turn: how many archives are made at a time; shared by the upkeeps of all PBXs.
        hints: begins to yield names of recordings that were completed; None: the clock alone.
        keep: how long the PBX's copy stays after its recording was verified.
        transcribe: whether transcripts are wanted.
        rules: when a recording is ripe and when it is given up; None: the usual ones.
        period: longest time between two looks into the folder.
        """
        self._pool = pool
        self._live = live
        self._intake = intake
        self._space = space
        self._pbx = pbx
        self._way = way
        self._settled: frozenset[str] = frozenset()
        self._turn = turn
        self._hints = hints
        self._keep = keep
        self._transcribe = transcribe
        self._rules = rules or IntakeRules()
        self._period = period.total_seconds()
        self._wake = asyncio.Event()
        self._swept_at: datetime | None = None
        self.status = UpkeepStatus()

    async def run(self) -> None:
        """Look after the recordings until cancelled."""
        async with asyncio.TaskGroup() as group:
            if self._hints is not None:
                group.create_task(self._listen(self._hints), name=f"recording hints of {self._pbx}")
            await self._work()

    async def round(self) -> int:
        """Look once at everything.

        Returns:
            How many recordings were stored.

        Raises:
            GatewayError, OSError: the folder cannot be looked at.
            asyncpg.PostgresError, OSError: the database is away.
        """
        now = datetime.now(UTC)
        settled = await store.names_settled(self._pool, self._pbx) if self._way.is_ours else self._settled
        report = await asyncio.to_thread(self._intake.scan, now=now, skip=settled)
        self.status.refused = report.refused
        waiting = {recording.name: recording for recording in report.waiting}
        days = {name: day_of_name(name, otherwise=now) for name in waiting}
        found = await store.enter_found(self._pool, self._pbx, days, self._way) if days else []
        self._settled = frozenset(recording.name for recording in found if recording.state is not RecordingState.WANTED)
        await store.link_late(self._pool, self._pbx)
        before = self.status.stored
        for recording in found:
            if self._is_ripe(recording, waiting[recording.name]):
                if not await self._space.enough():
                    break
                if self._way.is_ours or not await store.leave_out(self._pool, recording.key.recording_id):
                    await self._take_in(recording)
        if self._way.is_ours:
            await store.forget_vanished(self._pool, self._pbx, waiting.keys())
            await self._delete_copies()
        await self._sweep(now)
        self.status.last_round_at = now
        return self.status.stored - before

    async def _listen(self, hints: Callable[[], AsyncGenerator[str, None]]) -> None:
        """Wake the work at each hint; where hints cannot be had, the clock goes on alone."""
        rest = 1.0
        while True:
            try:
                async with aclosing(hints()) as names:
                    async for _ in names:
                        rest = 1.0
                        self._wake.set()
            except (GatewayError, OSError) as fault:
                log.warning("no hints from the recording folder", pbx=self._pbx, fault=type(fault).__name__)
            await asyncio.sleep(rest)
            rest = min(rest * 2, _LONGEST_REST)

    async def _work(self) -> None:
        rest = 1.0
        while True:
            self._wake.clear()
            begun = time.monotonic()
            try:
                await self.round()
            except (GatewayError, asyncpg.PostgresError, *DATABASE_AWAY) as fault:
                self._tell_fault(fault)
                await asyncio.sleep(rest)
                rest = min(rest * 2, _LONGEST_REST)
                continue
            self.status.fault, rest = None, 1.0
            await asyncio.sleep(min(time.monotonic() - begun, _LONGEST_REST))  # a big folder is not read without rest
            try:
                async with asyncio.timeout(self._period):
                    await self._wake.wait()
            except TimeoutError:
                continue

    def _tell_fault(self, fault: Exception) -> None:
        words = _words(fault)
        if words != self.status.fault:
            log.error("recordings cannot be looked after", pbx=self._pbx, fault=words)
        self.status.fault = words

    def _is_ripe(self, found: FoundRecording, waiting: WaitingRecording) -> bool:
        if found.state is not RecordingState.WANTED or not found.is_due:
            return False
        return self._rules.is_ripe(waiting, leg_known=found.leg_known, leg_ended=found.leg_ended)

    async def _take_in(self, found: FoundRecording) -> None:
        """Make one attempt, which was counted before, and write down what came of it."""
        id = found.key.recording_id
        async with self._turn:
            if not await store.begin_ingest(self._pool, id, attempts=self._rules.attempts):
                return
            began_at = datetime.now(UTC)
            try:
                archive = await self._in_thread(found)
            except asyncio.CancelledError:
                with suppress(*DATABASE_AWAY):
                    async with asyncio.timeout(_LONGEST_FAREWELL):
                        await store.put_off(self._pool, id, "the gateway was stopped", timedelta(0))
                raise
            except Exception as fault:  # noqa: BLE001 - what lies in a file must never end the gateway; three times is enough
                await insist(partial(self._note_failure, found, fault), tell=self._tell_fault)
            else:
                await insist(partial(self._save, found, archive, began_at), tell=self._tell_fault)

    async def _in_thread(self, found: FoundRecording) -> StoredArchive:
        """Make the archive without holding up the loop; when cancelled, wait until the thread has let go."""
        stop = threading.Event()
        work = asyncio.get_running_loop().run_in_executor(
            None, lambda: self._intake.take_in(found.name, found.key, stopping=stop.is_set)
        )
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            stop.set()
            await asyncio.wait([work])
            if not work.cancelled():
                work.exception()  # asked for, so that nobody complains that it was not
            raise

    async def _note_failure(self, found: FoundRecording, fault: Exception) -> None:
        id = found.key.recording_id
        match fault:
            case NotNow():
                await store.put_off(self._pool, id, fault.reason, _PATIENCE)
            case NoSound():
                await store.give_up(self._pool, id, RecordingState.DAMAGED, fault.reason)
                self._tell_failure(id, fault.reason)
            case _:
                await store.note_failure(self._pool, id, _words(fault), attempts=self._rules.attempts)
                self._tell_failure(id, _words(fault))

    def _tell_failure(self, id: UUID, words: str) -> None:
        self.status.failed_attempts += 1
        log.error("recording not taken in", pbx=self._pbx, recording=str(id), fault=words)

    async def _save(self, found: FoundRecording, archive: StoredArchive, began_at: datetime) -> None:
        transcribe = self._transcribe and archive.duration >= self._rules.shortest_transcript
        async with self._pool.acquire() as connection, connection.transaction():
            fact = await store.save_stored(connection, found.key, archive, began_at=began_at, transcribe=transcribe)
        self.status.stored += 1
        if fact is not None:
            self._live.publish(Happening(kind=fact.kind, body=fact.body, users=fact.users))

    async def _delete_copies(self) -> None:
        for copy in await store.copies_to_delete(self._pool, self._pbx, self._keep):
            try:
                await asyncio.to_thread(self._intake.remove_source, copy.name, ingested_at=copy.ingested_at)
            except (GatewayError, OSError) as fault:
                log.error("the PBX's copy stays", pbx=self._pbx, recording=str(copy.id), fault=_words(fault))
                await store.note_copy_kept(self._pool, copy.id, _words(fault), _DAILY)
                self.status.copies_kept += 1
            else:
                await store.note_copy_deleted(self._pool, copy.id)
                self.status.copies_deleted += 1

    async def _sweep(self, now: datetime) -> None:
        if self._swept_at is None or now - self._swept_at >= _DAILY:
            removed = await asyncio.to_thread(self._intake.sweep, now=now)
            if removed:
                log.info("half-written recordings removed", files=removed)
            self._swept_at = now


def _words(fault: Exception) -> str:
    """What may be told of a fault: our own words, or the system's without the name of a file."""
    if isinstance(fault, GatewayError):
        return str(fault)
    return getattr(fault, "strerror", None) or type(fault).__name__
