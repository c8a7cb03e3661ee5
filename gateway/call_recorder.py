"""Recordings of one PBX whose dialplan does not record: begun when a client talks, fetched when they are over.

    a call talks (live bus) --+
    the clock ----------------+--> round: client legs that talk -> begin;  what is over at the PBX -> our folder

Nothing is remembered here. Which legs talk stands in the database, what is recorded already is asked of the PBX
(`LegRecorder`), so a gateway that was killed goes on where it was, and no order is harmful when it is given twice.
What was fetched goes the way of every recording (`gateway.recording_upkeep`); the PBX's files are removed once the
archive has it verified.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from gateway.domain.errors import GatewayError
from gateway.domain.ports import LegRecorder
from gateway.domain.recordings import RecordingState, SpoolRole
from gateway.live import Live
from gateway.store.database import DATABASE_AWAY, Pool
from gateway.store.recording_ways import states_of_names, talking_client_legs
from recordings.pairs import Pair, sweep_pairs

log = structlog.get_logger()

_PERIOD_SECONDS = 2.0
_FETCH_SECONDS = 2.0
_OVER = frozenset({RecordingState.STORED, RecordingState.DELETED})
_TALKS = frozenset({"call.talking", "call.changed"})


@dataclass(slots=True, kw_only=True)
class RecorderStatus:
    """How it is doing, for /metrics and doctor; counts since the start of this process."""

    rounds: int = 0
    """Looks that came to their end."""
    begun: int = 0
    fetched: int = 0
    fault: str | None = None
    """Why the last order failed; None: none did, or one went well since."""


class CallRecorder:
    """Records the calls of one PBX; `run` is its one task, on the node that reads the PBX's journal."""

    def __init__(self, pool: Pool, live: Live, recorder: LegRecorder, *, pbx: str, folder: Path | None) -> None:
        """Args:
        pool: the database.
        live: tells when a call begins to talk.
        recorder: of the PBX.
        pbx: its name.
        folder: where fetched recordings are put; None: the PBX itself writes where our intake looks.
        """
        self._pool = pool
        self._live = live
        self._recorder = recorder
        self.pbx = pbx
        self._folder = folder
        self._wake = asyncio.Event()
        self._begun: frozenset[str] = frozenset()
        """Legs that need no order: they are recorded, as the PBX said, and talk still."""
        self.status = RecorderStatus()

    async def run(self) -> None:
        """Record until cancelled."""
        if self._folder is not None and self._folder.is_dir():
            await asyncio.to_thread(sweep_pairs, self._folder)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen(), name=f"talking calls of {self.pbx}")
            if self._folder is not None:
                group.create_task(self._every(_FETCH_SECONDS, self.collect), name=f"fetched of {self.pbx}")
            while True:
                self._wake.clear()
                await self._guarded(self.begin)
                with suppress(TimeoutError):
                    async with asyncio.timeout(_PERIOD_SECONDS):
                        await self._wake.wait()

    async def begin(self) -> bool:
        """Have every client who talks recorded.

        Returns:
            Whether there was anybody to record.

        Raises:
            GatewayError: the PBX cannot be asked, or refuses.
        """
        legs = await talking_client_legs(self._pool, self.pbx)
        begun = self._begun & frozenset(legs)
        for leg in legs:
            if leg not in begun and await self._recorder.begin(leg):
                begun |= {leg}
                self.status.begun += 1
        self._begun = begun
        return bool(legs)

    async def collect(self) -> bool:
        """Fetch what is over, and remove at the PBX what the archive has; true: the PBX could be asked.

        Raises:
            GatewayError, OSError: it is tried again.
        """
        legs = await self._recorder.finished()
        states = await states_of_names(self._pool, self.pbx, legs) if legs else {}
        for leg in legs:
            if states.get(leg) in _OVER:
                await self._recorder.forget(leg)
            elif leg not in states and self._folder is not None:
                await self._fetch(leg, self._folder)
        return True

    async def _fetch(self, leg: str, folder: Path) -> None:
        if (folder / f"{leg}{SpoolRole.MARKER}").exists():
            return
        pair = await asyncio.to_thread(Pair, folder, leg)
        with pair:
            for side, role in (("rx", SpoolRole.CLIENT), ("tx", SpoolRole.MANAGER)):
                with pair.create(role) as target:
                    await self._recorder.fetch(leg, side, target)
            await asyncio.to_thread(pair.publish)
        self.status.fetched += 1

    async def _listen(self) -> None:
        with self._live.listening() as listener:
            while True:
                happening = await listener.queue.get()
                if happening.kind in _TALKS and happening.body.get("pbx") == self.pbx:
                    self._wake.set()

    async def _every(self, seconds: float, work: Callable[[], Awaitable[bool]]) -> None:
        while True:
            await self._guarded(work)
            await asyncio.sleep(seconds)

    async def _guarded(self, work: Callable[[], Awaitable[bool]]) -> None:
        """Do some work; a PBX that is away is said once, and tried again."""
        try:
            went_well = await work()
        except (GatewayError, *DATABASE_AWAY) as fault:
            self._tell(str(fault) if isinstance(fault, GatewayError) else type(fault).__name__)
        except Exception as fault:  # at this work's top: what an answer of the PBX holds must not end the calls
            log.exception("recording by order failed and will be tried again", pbx=self.pbx)
            self._tell(type(fault).__name__)
        else:
            self.status.rounds += 1
            if went_well:
                self.status.fault = None

    def _tell(self, words: str) -> None:
        if words != self.status.fault:
            log.error("calls cannot be recorded", pbx=self.pbx, fault=words)
        self.status.fault = words
