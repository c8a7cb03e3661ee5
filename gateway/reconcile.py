"""Legs whose end no journal will ever tell: found by asking the PBX, closed by a row of ours.

How it fits: `Reconciler.run` looks after every connect and each minute; it compares the PBX's channels with the legs
that the pipeline holds open, and notes a `LOST` row for those that are gone. `plan` is the rule, pure; the rest asks
and waits. A killed Asterisk writes no CHAN_END (measured), so without this its calls would stay open for ever.

The rule: a leg is closed if the PBX does not list it, nothing of its family was written in the last ten seconds, and
either Asterisk was started after the leg (`pbx_restarted`) or a second look ten seconds later misses it as well
(`end_not_seen`). Its end is the last row's moment of its family, so open talk ends there, and its call is marked as
not complete. Nothing is closed while rows of the journal wait to be read, while the PBX cannot be asked, or where its
answer is not whole. Where a PBX has no AMI, a family without a row for twelve hours is closed.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

import asyncpg
import structlog

from gateway.domain.clock import TOLERANCE
from gateway.domain.legs import LegEvent, LegEventKind
from gateway.store.database import Pool
from gateway.store.journal import open_families
from gateway.store.shipped import note_clock

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

QUIET = timedelta(seconds=10)
"""How long a family must have been silent, and how far two looks that miss a leg must be apart."""
TOO_OLD = timedelta(hours=12)
"""Without AMI: a family silent for so long has ended."""
CLOCK_LIMIT = TOLERANCE
"""A PBX's clock further off than this is an alarm: deadlines are ours, figures the PBX's."""
_CLOCK_STEP = timedelta(seconds=0.5)
"""A clock that moved by less need not be written down again."""
_LOOK_SECONDS = 60.0
_SECOND_LOOK_SECONDS = 11.0
_RESTARTED = "pbx_restarted"
_NOT_SEEN = "end_not_seen"


class Look(Protocol):
    """What a PBX says of itself when asked (`sip.asterisk.Standing`)."""

    @property
    def at(self) -> datetime:
        """Our clock before the question."""
        ...

    @property
    def legs(self) -> frozenset[str] | None:
        """Ids of all its legs; None: not told, or not to be relied on."""
        ...

    @property
    def started_at(self) -> datetime | None:
        """Its start by its own clock; None: not told."""
        ...

    @property
    def clock_offset(self) -> timedelta | None:
        """PBX minus gateway; None: not measured."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenLeg:
    """A leg that has not ended, as the journal has it."""

    first: LegEvent
    """Its first event."""
    last_row_at: datetime
    """The last moment of its family, by the PBX's clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a look leads to."""

    lost: tuple[LegEvent, ...] = ()
    """To be noted."""
    missed: Mapping[str, datetime] = field(default_factory=dict)
    """Legs to look for a second time, with our moment of the first miss."""


def plan(legs: Iterable[OpenLeg], look: Look, missed: Mapping[str, datetime]) -> Plan:
    """Which legs are over.

    Args:
        legs: those the PBX may have forgotten; ones it lists are left out here.
        look: its answer, newer than the last row read.
        missed: of the plan before.
    """
    lost: list[LegEvent] = []
    again: dict[str, datetime] = {}
    present = look.legs
    if present is None:
        return Plan(missed=missed)
    pbx_now = look.at + (look.clock_offset or timedelta())
    for leg in legs:
        id = leg.first.leg
        if id in present:
            continue
        first_missed_at = missed.get(id, look.at)
        if pbx_now - leg.last_row_at < QUIET:
            again[id] = first_missed_at
        elif look.started_at is not None and look.started_at > leg.first.at:
            lost.append(_lost(leg, _RESTARTED))
        elif look.at - first_missed_at >= QUIET:
            lost.append(_lost(leg, _NOT_SEEN))
        else:
            again[id] = first_missed_at
    return Plan(lost=tuple(lost), missed=again)


def plan_without_ami(legs: Iterable[OpenLeg], now: datetime) -> Plan:
    """Which legs are over where the PBX cannot be asked: those silent for twelve hours."""
    return Plan(lost=tuple(_lost(leg, _NOT_SEEN) for leg in legs if now - leg.last_row_at > TOO_OLD))


def _lost(leg: OpenLeg, reason: str) -> LegEvent:
    at = leg.last_row_at
    if not at.microsecond:  # rows of whole seconds are told apart by their number, which ours has not: stand behind
        at += timedelta(microseconds=1)
    return LegEvent(
        at=at,
        kind=LegEventKind.LOST,
        leg=leg.first.leg,
        family=leg.first.family,
        channel=leg.first.channel,
        reason=reason,
    )


class Reconciler:
    """Looks at one PBX for ever."""

    def __init__(
        self,
        *,
        pbx: str,
        pool: Pool,
        standing: Callable[[], Awaitable[Look | None]] | None,
        open_legs: Callable[[], Mapping[str, LegEvent]],
        note: Callable[..., Awaitable[None]],
        is_behind: Callable[[], bool],
    ) -> None:
        """Args:
        pbx: its name.
        pool: where the open families are stored.
        standing: asks the PBX (`Asterisk.standing`); None: it has no AMI.
        open_legs: `Pipeline.open_legs`.
        note: `Pipeline.note`.
        is_behind: whether rows of the journal wait to be read.
        """
        self._pbx = pbx
        self._pool = pool
        self._standing = standing
        self._open_legs = open_legs
        self._note = note
        self._is_behind = is_behind
        self._missed: Mapping[str, datetime] = {}
        self._due = asyncio.Event()
        self.clock_offset: timedelta | None = None
        """PBX minus gateway, as last measured; None: never."""
        self._noted: timedelta | None = None
        self.clock_steps = 0
        """How often the PBX's clock was set by more than two seconds since the start."""
        self.closed = 0
        """Legs closed by us since the start."""

    @property
    def clock_is_off(self) -> bool:
        """Alarm: the PBX's clock is more than two seconds from ours."""
        return self.clock_offset is not None and abs(self.clock_offset) > CLOCK_LIMIT

    def look_now(self) -> None:
        """Look at once, such as after a connect."""
        self._due.set()

    async def hear_clock(self, offset: timedelta | None) -> None:
        """Take the PBX's clock minus ours, as the manager interface or the program on its host measured it.

        Raises:
            asyncpg.PostgresError, OSError: the database is away.
        """
        self._take_clock(offset)
        moved = self.clock_offset
        if moved is not None and (self._noted is None or abs(moved - self._noted) > _CLOCK_STEP):
            await note_clock(self._pool, self._pbx, moved)
            self._noted = moved

    async def run(self) -> None:
        """Look each minute, and sooner where a leg was missed or `look_now` asks for it."""
        while True:
            self._due.clear()
            await self._look_safely()
            with suppress(TimeoutError):
                async with asyncio.timeout(_SECOND_LOOK_SECONDS if self._missed else _LOOK_SECONDS):
                    await self._due.wait()

    async def _look_safely(self) -> None:
        try:
            await self.look()
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as fault:
            log.warning("open legs not compared; the database is away", pbx=self._pbx, fault=type(fault).__name__)

    async def look(self, now: datetime | None = None) -> int:
        """Compare once, and close what is over.

        Args:
            now: our clock, where the PBX cannot be asked; None: the present moment.

        Returns:
            How many legs were closed.
        """
        if self._standing is None:
            made = plan_without_ami(await self._legs(self._open_legs()), now or datetime.now(UTC))
        else:
            look = await self._standing()
            if look is None:
                return 0
            await self.hear_clock(look.clock_offset)
            gone = {id: first for id, first in self._open_legs().items() if id not in (look.legs or frozenset())}
            made = plan(await self._legs(gone) if look.legs is not None else (), look, self._missed)
        if self._is_behind():
            return 0
        self._missed = made.missed
        return await self._close(made.lost)

    async def _close(self, lost: Iterable[LegEvent]) -> int:
        still_open = self._open_legs()
        closing = [event for event in lost if event.leg in still_open]
        if closing:
            await self._note(*closing)
            self.closed += len(closing)
            for reason in sorted({event.reason for event in closing}):
                count = sum(event.reason == reason for event in closing)
                log.warning("legs closed that the PBX no longer has", pbx=self._pbx, reason=reason, legs=count)
        return len(closing)

    def _take_clock(self, offset: timedelta | None) -> None:
        was_off, before = self.clock_is_off, self.clock_offset
        if offset is not None and before is not None and abs(offset - before) > CLOCK_LIMIT:
            self.clock_steps += 1
            log.error("clock of the PBX was set", pbx=self._pbx, seconds=round((offset - before).total_seconds(), 1))
        self.clock_offset = offset if offset is not None else self.clock_offset
        if self.clock_is_off and not was_off and self.clock_offset is not None:
            log.error("clock of the PBX is off", pbx=self._pbx, seconds=round(self.clock_offset.total_seconds(), 1))

    async def _legs(self, firsts: Mapping[str, LegEvent]) -> list[OpenLeg]:
        """The legs with the last moment of their families; ones the store does not have yet are left out."""
        if not firsts:
            return []
        last: dict[str, datetime] = {}
        for family in await open_families(self._pool, self._pbx):
            text = b"\n".join(family.rows)
            for id in firsts:
                if id.encode() in text:
                    last[id] = max(family.last_at, last.get(id, family.last_at))
        return [OpenLeg(first=first, last_row_at=last[id]) for id, first in firsts.items() if id in last]
