"""Recordings to transcripts: claim some, have them written down, store what comes back, again and again.

    claim (attempt counted, epoch raised) -> transcriber, while the claim is renewed -> ONE transaction each -> live bus

Several at a time, because the recogniser packs windows of many calls together; but a recording that was claimed
before comes alone, so a file that ends its worker does not spend the attempts of others. Recordings that were
never claimed and those that were take turns. When nothing can be written down at all (no model), the attempts are
given back and the work rests. Below the limit of free space it pauses. A stop gives the claims back; a killed
gateway's run out.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import groupby
from pathlib import Path
from uuid import UUID

import asyncpg
import structlog

from gateway.domain.errors import GatewayError, GiveUp, NotAllowed, Rejected, TryAgain
from gateway.domain.ports import BatchTranscriber
from gateway.domain.recordings import RecordingKey
from gateway.domain.transcript import Transcript
from gateway.free_space import FreeSpace
from gateway.live import Happening, Live
from gateway.store import transcripts as store
from gateway.store.database import DATABASE_AWAY, Pool, insist
from gateway.store.transcripts import Claim

log = structlog.get_logger()

Outcome = Transcript | GatewayError

_LONGEST_REST = 60.0
_LONGEST_FAREWELL = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptRules:
    """How recordings are claimed, and when one is given up."""

    at_a_time: int = 8
    """Claimed together; what the recogniser decodes in one go."""
    lease: timedelta = timedelta(seconds=60)
    """A killed gateway's claims are free after this; a working one renews them three times in it."""
    attempts: int = 3
    """Claims without a result until a recording is given up."""
    patience: timedelta = timedelta(minutes=5)
    """Rest after finding that nothing can be written down."""
    period: timedelta = timedelta(seconds=2)
    """Time between two looks for work."""


@dataclass(slots=True, kw_only=True)
class TranscriptStatus:
    """How transcription is doing, for /metrics and doctor; counts since the start of this process."""

    ready: int = 0
    audio_seconds: float = 0.0
    """Length of what was written down."""
    failed_attempts: int = 0
    refused: int = 0
    """Results that came after their claim had run out."""
    fault: str | None = None
    """Why nothing can be written down; None: nothing is known against it."""


class TranscriptUpkeep:
    """The upkeep of all transcripts; `run` is its one task."""

    def __init__(
        self,
        pool: Pool,
        live: Live,
        transcribers: Sequence[BatchTranscriber],
        path_of: Callable[[RecordingKey], Path],
        space: FreeSpace,
        *,
        rules: TranscriptRules | None = None,
    ) -> None:
        """Args:
        pool: the database.
        live: told after each commit.
        transcribers: each does one job at a time.
        path_of: where the archive of a recording lies.
        space: asked before each claim.
        rules: None: the usual ones.
        """
        self._pool = pool
        self._live = live
        self._transcribers = transcribers
        self._path_of = path_of
        self._space = space
        self._rules = rules or TranscriptRules()
        self._held: dict[UUID, Claim] = {}
        self.status = TranscriptStatus()

    async def run(self) -> None:
        """Keep all transcribers busy until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._renew(), name="transcript claims")
            for number, transcriber in enumerate(self._transcribers):
                group.create_task(self._serve(transcriber), name=f"transcriber {number}")

    async def round(self, transcriber: BatchTranscriber, *, retried: bool) -> int:
        """Claim once and work through what was claimed.

        Args:
            transcriber: who writes down.
            retried: whether to take one that was claimed before, else some that were not.

        Returns:
            How many recordings were claimed.

        Raises:
            GiveUp: nothing can be written down at the moment; no attempt was counted.
            asyncpg.PostgresError, OSError: the database is away.
        """
        if not await self._space.enough():
            return 0
        rules = self._rules
        for id in await store.fail_cut_off(self._pool, attempts=rules.attempts):
            log.error("transcript given up", recording=str(id), fault="the work was cut off each time")
        limit = 1 if retried else rules.at_a_time
        claims = await store.claim(self._pool, limit=limit, lease=rules.lease, attempts=rules.attempts, retried=retried)
        if claims:
            await self._work_through(transcriber, claims)
        return len(claims)

    async def _serve(self, transcriber: BatchTranscriber) -> None:
        rest, retried = 1.0, False
        while True:
            retried = not retried
            try:
                found = await self.round(transcriber, retried=retried)
                found = found or await self.round(transcriber, retried=not retried)
            except GiveUp as fault:
                self._tell_fault(fault)
                await asyncio.sleep(self._rules.patience.total_seconds())
                continue
            except (asyncpg.PostgresError, *DATABASE_AWAY) as fault:
                self._tell_fault(fault)
                await asyncio.sleep(rest)
                rest = min(rest * 2, _LONGEST_REST)
                continue
            if rest > 1.0:
                self.status.fault, rest = None, 1.0
            if not found:
                await asyncio.sleep(self._rules.period.total_seconds())

    async def _renew(self) -> None:
        """Renew what is held, three times in a lease; a database that is away is asked again."""
        while True:
            await asyncio.sleep(self._rules.lease.total_seconds() / 3)
            if self._held:
                with suppress(asyncpg.PostgresError, *DATABASE_AWAY):
                    await store.renew(self._pool, list(self._held.values()), self._rules.lease)

    async def _work_through(self, transcriber: BatchTranscriber, claims: Sequence[Claim]) -> None:
        """Have claimed recordings written down, those of one language together; what is left over is given back."""
        left = {claim.key.recording_id: claim for claim in claims}
        self._held |= left
        try:
            for language, job in _by_language(claims):
                outcomes = await self._ask(transcriber, job, language)
                for claim, outcome in zip(job, outcomes, strict=True):
                    if not isinstance(outcome, GiveUp):
                        await insist(partial(self._settle, claim, outcome), tell=self._tell_fault)
                        self._let_go([left.pop(claim.key.recording_id)])
                for outcome in outcomes:
                    if isinstance(outcome, GiveUp):
                        raise outcome
        except GiveUp as fault:
            spare = partial(self._give_back, left.values(), str(fault), self._rules.patience)
            await insist(spare, tell=self._tell_fault)
            raise
        except asyncio.CancelledError:
            with suppress(*DATABASE_AWAY):
                async with asyncio.timeout(_LONGEST_FAREWELL):
                    await self._give_back(left.values(), None, timedelta(0))
            raise
        finally:
            self._let_go(claims)

    def _let_go(self, claims: Iterable[Claim]) -> None:
        for claim in claims:
            self._held.pop(claim.key.recording_id, None)

    async def _ask(
        self, transcriber: BatchTranscriber, job: Sequence[Claim], language: str | None
    ) -> Sequence[Outcome]:
        try:
            return await transcriber.transcribe_each([self._path_of(c.key) for c in job], language=language)
        except (TryAgain, Rejected, NotAllowed) as fault:
            return [fault] * len(job)
        except OSError as fault:  # no process, no memory: nothing of it lies in the recordings
            raise GiveUp(fault.strerror or type(fault).__name__) from fault
        except (GiveUp, asyncio.CancelledError):
            raise
        except Exception as fault:  # noqa: BLE001 - what lies in a file must never end the gateway; three times is enough
            return [TryAgain(f"the transcriber failed: {type(fault).__name__}")] * len(job)

    async def _settle(self, claim: Claim, outcome: Outcome) -> None:
        """Write down what came of one claim, if it is still ours."""
        if isinstance(outcome, Transcript):
            await self._save(claim, outcome)
            return
        attempts = self._rules.attempts if isinstance(outcome, TryAgain) else 0
        over = await store.note_failure(self._pool, claim, str(outcome), attempts=attempts)
        self.status.failed_attempts += 1
        log.error(
            "transcript given up" if over else "transcript not made",
            recording=str(claim.key.recording_id),
            fault=type(outcome).__name__,
            attempt=claim.attempts,
        )

    async def _save(self, claim: Claim, transcript: Transcript) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            fact = await store.save_transcript(connection, claim, transcript)
        self.status.fault = None
        if fact is None:
            self.status.refused += 1
            log.warning("transcript came too late", recording=str(claim.key.recording_id))
            return
        self.status.ready += 1
        self.status.audio_seconds += transcript.duration
        self._live.publish(Happening(kind=fact.kind, body=fact.body, users=fact.users))

    async def _give_back(self, claims: Iterable[Claim], reason: str | None, wait: timedelta) -> None:
        await store.give_back(self._pool, list(claims), reason=reason, wait=wait)

    def _tell_fault(self, fault: Exception) -> None:
        words = str(fault) if isinstance(fault, GatewayError) else type(fault).__name__
        if words != self.status.fault:
            log.error("nothing can be written down", fault=words)
        self.status.fault = words


def _by_language(claims: Sequence[Claim]) -> list[tuple[str | None, list[Claim]]]:
    """Claims with one language each, those whose language is to be found out first."""
    ordered = sorted(claims, key=lambda claim: claim.language or "")
    return [(language, list(job)) for language, job in groupby(ordered, key=lambda claim: claim.language)]
