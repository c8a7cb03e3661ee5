"""Rows of one PBX to committed calls: the one way through which every call comes.

    rows -> leg events -> families -> calls.fold -> ONE transaction (rows, legs, calls, cards, figures, facts, cursor)
         -> after the commit: the live bus

Open families are kept in memory and can be read again from the database at any moment: after an error, at every
start, and where another node wrote on (each transaction bears the number that follows the state it was computed
from, so none is entered twice or on another state). A row that was read before changes nothing. The cursor is saved
with the rows it stands behind, so a killed gateway goes on exactly where its last transaction ended.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import structlog

from gateway.domain.call import Call, Command
from gateway.domain.calls import fold_family
from gateway.domain.clock import steadied
from gateway.domain.errors import Rejected
from gateway.domain.family import Families
from gateway.domain.identity import new_id
from gateway.domain.legs import LegEvent, LegEventKind, in_order
from gateway.domain.own_rows import is_own, own_row, read_own_row
from gateway.ledger import Book, Kept
from gateway.live import Live
from gateway.set_aside import SetAside
from gateway.store.book import KnownLegs, PageTaken, broken_row, next_page
from gateway.store.commands import commands_of
from gateway.store.database import Pool
from gateway.store.journal import StoredFamily, families_of_legs, open_families
from gateway.store.leases import Lease
from gateway.store.shipped import history_before
from gateway.store.staff import Tables

log = structlog.get_logger()

ReadRow = Callable[[bytes], LegEvent | None]
_ENDED_KEPT = 500
"""Ended families kept in memory for their last rows; later ones are read from the database again."""
_QUARANTINE_REASON_LIMIT = 200
_POISON = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.ProgramLimitExceededError,
    ValueError,
    ArithmeticError,
    RecursionError,
)
"""What a row can be to blame for; the ones to blame go to quarantine."""
_EARLIEST, _LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
"""A row of another time is damaged: a PBX whose clock was lost begins with 1970."""
_AFTER_THE_LAST = timedelta(microseconds=1)
"""A row of ours that closes a leg stands that close behind the PBX's last one."""
_BIG_FAMILY = 500
"""Families of more rows are folded beside the loop."""


@dataclass(slots=True, kw_only=True)
class OpenFamily:
    """One family in memory."""

    id: UUID
    name: str
    """Its name in the index of families."""
    rows: dict[bytes, LegEvent] = field(default_factory=dict)
    kept: Kept = field(default_factory=Kept)

    @property
    def ended(self) -> bool:
        """Every leg's end was seen."""
        legs: dict[str, bool] = {}
        for event in self.rows.values():
            if event.kind is LegEventKind.REFUSED:
                legs.setdefault(event.leg, True)
                continue
            over = event.kind in (LegEventKind.ENDED, LegEventKind.LOST, LegEventKind.HUNG_UP)
            legs[event.leg] = legs.get(event.leg, False) or over
        return all(legs.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Batch:
    """What is taken in together; the fields are those of `Pipeline.take`."""

    rows: Sequence[bytes]
    cursor: dict[str, object] | None = None
    broken: Sequence[tuple[str, bytes]] = ()
    lease: Lease | None = None


class Pipeline:
    """The way through for one PBX; one transaction at a time."""

    def __init__(
        self,
        pool: Pool,
        read: ReadRow,
        tables: Tables,
        live: Live,
        *,
        long_seconds: int = 120,
        holds_seen: bool = False,
    ) -> None:
        """Args:
        pool: the database.
        read: maps a journal row to its leg event; raises `Rejected` for what is none.
        tables: who is who; replaced by `use`.
        live: told after each commit.
        long_seconds: talk longer than this makes a call long.
        holds_seen: whether hold and resume are reported for this PBX.
        """
        self._pool = pool
        self._read = read
        self._tables = tables
        self._live = live
        self._long_seconds = long_seconds
        self._holds_seen = holds_seen
        self._index = Families()
        self._open: dict[str, OpenFamily] = {}
        self._ended: dict[str, None] = {}
        """Names of ended families still in memory, the one that changed last at the end."""
        self._aside = SetAside(pool, self.pbx)
        self._careful = False
        """Rows of the past are coming: legs that begin in a batch are looked up too."""
        self._lock = asyncio.Lock()
        self._loaded = False
        self._page = 0
        self._before: datetime | None = None
        self._untold = False
        self.rows_taken = 0
        self.rows_refused = 0
        self.rows_wait = False
        """Whether rows were read from the journal that are not committed yet; set by who reads it."""
        self.reads_history = False
        """Whether rows of before the first meeting are still to come, ends of open legs among them; set likewise."""

    @property
    def pbx(self) -> str:
        """Name of the PBX."""
        return self._tables.directory.pbx

    @property
    def tables(self) -> Tables:
        """Who is who at the moment."""
        return self._tables

    @property
    def families_set_aside(self) -> int:
        """Families whose stored rows are damaged."""
        return len(self._aside)

    def use(self, tables: Tables) -> None:
        """Fold with other tables from now on."""
        self._tables = tables

    def open_legs(self) -> dict[str, LegEvent]:
        """Legs that have not ended, with their first event; may be asked in another thread, as `/metrics` is."""
        legs: dict[str, LegEvent] = {}
        for family in list(self._open.values()):
            for event in in_order(list(family.rows.values())):
                if event.kind in (LegEventKind.ENDED, LegEventKind.LOST, LegEventKind.HUNG_UP):
                    legs.pop(event.leg, None)
                elif event.kind is not LegEventKind.REFUSED and event.kind is not LegEventKind.FAMILY_ENDED:
                    legs.setdefault(event.leg, event)
        return legs

    async def take(
        self,
        rows: Sequence[bytes],
        *,
        cursor: dict[str, object] | None = None,
        broken: Sequence[tuple[str, bytes]] = (),
        lease: Lease | None = None,
    ) -> None:
        """Take rows in: after the return they are committed with everything that follows from them.

        Args:
            rows: as the journal holds them, known ones among them or not.
            cursor: the journal's place behind them; None: they come from elsewhere.
            broken: reason and bytes of what is no row.
            lease: by which we read the journal; None: the rows are our own.

        Raises:
            LeaseLost: another node reads the journal now; nothing was taken.
            asyncpg.PostgresError, OSError: the database is away; nothing was taken, give the same rows again.
        """
        batch = _Batch(rows=rows, cursor=cursor, broken=broken, lease=lease)
        async with self._lock:
            while True:
                try:
                    return await self._take_in(batch)
                except PageTaken:  # by another node, or by a commit of ours whose answer was lost
                    continue
                except KnownLegs:
                    self._careful = True

    def moment_of(self, row: bytes) -> datetime | None:
        """When a row was written, by the PBX's clock; None: it cannot be read."""
        event = next(iter(self._mapped([row])[0].values()), None)
        return event.at if event is not None else None

    async def reload(self) -> None:
        """Read the open calls from the database, as it has them now."""
        async with self._lock:
            self._forget()
            await self._load()

    async def _take_in(self, batch: "_Batch") -> None:
        try:
            try:
                await self._take(batch)
            except _POISON as fault:
                self._forget()
                await self._take_apart(batch, fault)
        except BaseException:
            self._forget()
            self._untold = True
            raise

    async def note(self, *events: LegEvent) -> None:
        """Take in events that only we know (hold, a refused order, a lost leg)."""
        await self.take([own_row(e) for e in events])

    async def _take_apart(self, batch: "_Batch", fault: Exception) -> None:
        """Take rows one at a time after a batch could not be written; the ones to blame go to quarantine."""
        blamed: list[tuple[str, bytes]] = []
        for row in batch.rows if len(batch.rows) > 1 else ():
            try:
                await self._take(_Batch(rows=[row], lease=batch.lease))
            except _POISON as one:
                self._forget()
                blamed.append((_reason(one), row))
        if len(batch.rows) == 1:
            blamed = [(_reason(fault), batch.rows[0])]
        await self._take(replace(batch, rows=[], broken=[*batch.broken, *blamed]))

    def _forget(self) -> None:
        self._loaded = False

    async def _take(self, batch: "_Batch") -> None:
        if not self._loaded:
            await self._load()
        events, refused = self._mapped(batch.rows)
        looked_up = self._careful
        await self._reopen(events.values())
        events, kept_out = self._aside.split(events)
        touched, joined = self._place(events)
        bad = [*batch.broken, *refused, *kept_out]
        if not touched and batch.cursor is None and not bad and not self._untold:
            return
        book = Book(tables=self._tables, long_seconds=self._long_seconds)
        for family, calls in zip(touched, await self._fold(touched), strict=True):
            book.add(family, calls, history=self._is_history(family))
        book.page.families = [self._as_stored(f) for f in touched]
        book.page.joined = [
            {"kept": str(kept), "gone": str(gone), "legs": legs}
            for kept, swallowed in joined.items()
            for gone, legs in swallowed.items()
        ]
        book.page.broken = [broken_row(reason, data) for reason, data in bad]
        book.page.cursor = batch.cursor
        book.page.number = self._page
        book.page.legs_may_move = looked_up
        if batch.lease is not None:
            book.page.lease, book.page.epoch = batch.lease.name, batch.lease.epoch
        await book.close(self._pool)
        self._page += 1
        self.rows_taken += len(events)
        self._count_refused(bad)
        for written, kept in book.kept:
            written.kept = kept
        if self._untold:
            self._live.interrupt()
            self._untold = False
        for happening in book.happenings:
            self._live.publish(happening)
        self._let_go(touched)

    def _mapped(self, rows: Iterable[bytes]) -> tuple[dict[bytes, LegEvent], list[tuple[str, bytes]]]:
        """Leg events by row, and rows that are none with the reason."""
        events: dict[bytes, LegEvent] = {}
        refused: list[tuple[str, bytes]] = []
        for row in rows:
            try:
                event = read_own_row(row) if is_own(row) else self._read(row)
            except (Rejected, *_POISON) as fault:
                refused.append((_reason(fault), row))
                continue
            if event is not None and not _EARLIEST <= event.at < _LATEST:
                refused.append((f"its time {event.at} is none of a call", row))
            elif event is not None:
                events[row] = event
        return events, refused

    def _count_refused(self, bad: Sequence[tuple[str, bytes]]) -> None:
        """Count what went to quarantine, and raise the alarm; what it says may be a caller's, so it is not told."""
        self.rows_refused += len(bad)
        if bad:
            log.error("pieces of the journal put into quarantine; see trunkline doctor", pbx=self.pbx, pieces=len(bad))

    async def _load(self) -> None:
        self._index = Families()
        self._open = {}
        self._ended = {}
        self._aside.forget()
        self._page = await next_page(self._pool, self.pbx)
        before = await history_before(self._pool, self.pbx)
        self._before = before + _AFTER_THE_LAST if before is not None else None
        for stored in await open_families(self._pool, self.pbx):
            await self._bring_in(stored)
        self._loaded = True

    async def _bring_in(self, stored: StoredFamily) -> None:
        """Put a stored family into memory with what was kept of it; one that cannot be read is set aside."""
        family = OpenFamily(id=stored.id, name="")
        family.rows, _ = self._mapped(stored.rows)
        if not family.rows:
            return await self._aside.add([stored])
        for event in family.rows.values():
            family.name, others = self._index.add(event)
            for other in others:
                self._open.pop(other, None)
                self._ended.pop(other, None)
            self._open[family.name] = family
        if family.ended:
            self._ended[family.name] = None
        calls = await self._fold([family])
        family.kept = await Kept.load(self._pool, family.id, calls[0], self._tables)

    async def _reopen(self, events: Collection[LegEvent]) -> None:
        """Bring back ended families to which new rows belong.

        A leg that begins in these rows is nearly always new, and looking it up would cost every call a round trip:
        the database refuses the page if it knows the leg, and the rows are taken again with care.
        """
        named = {leg for e in events for leg in (e.leg, e.family, e.transferee, e.second) if leg}
        unknown = self._aside.unknown(leg for leg in named if self._index.find("l:" + leg) is None)
        if not self._careful:
            unknown -= {e.leg for e in events if e.kind is LegEventKind.STARTED}
        found = await families_of_legs(self._pool, self.pbx, sorted(unknown)) if unknown else []
        self._careful = self._careful and bool(found)
        present = {f.id for f in self._open.values()} if found else set()
        for stored in found:
            if stored.id not in present:
                await self._bring_in(stored)

    def _place(self, events: dict[bytes, LegEvent]) -> tuple[list[OpenFamily], dict[UUID, dict[UUID, list[str]]]]:
        """Put new rows into their families.

        Returns:
            Families with rows they did not have, and for each the families it has swallowed, with their legs.
        """
        touched: dict[UUID, OpenFamily] = {}
        swallowed: dict[UUID, dict[UUID, list[str]]] = {}
        for row, event in events.items():
            name, others = self._index.add(event)
            family = self._open.get(name)
            if family is None:
                family = self._open[name] = OpenFamily(id=new_id(), name=name)
            for other in others:
                gone = self._open.pop(other, None)
                self._ended.pop(other, None)
                if gone is None or gone is family:
                    continue
                family.rows |= gone.rows
                family.kept = family.kept.joined(gone.kept)
                touched.pop(gone.id, None)
                touched[family.id] = family
                legs = {e.leg for e in gone.rows.values()}
                swallowed.setdefault(family.id, {}).update({gone.id: sorted(legs)} | swallowed.pop(gone.id, {}))
            if row not in family.rows:
                family.rows[row] = event
                touched[family.id] = family
        return list(touched.values()), swallowed

    async def _fold(self, families: Sequence[OpenFamily]) -> list[list[Call]]:
        """The calls of each family by the present tables."""
        orders = await commands_of(self._pool, {e.leg for f in families for e in f.rows.values()})
        return [await self._fold_one(family, orders) for family in families]

    async def _fold_one(self, family: OpenFamily, orders: Mapping[str, Command]) -> list[Call]:
        """The calls of a family; a conference that never ends must not keep the loop from its other work."""

        def fold() -> list[Call]:
            events, clock_was_set = steadied(family.rows.values())
            calls = fold_family(events, self._tables.directory, commands=orders, holds_seen=self._holds_seen)
            return [replace(call, complete=False) for call in calls] if clock_was_set else calls

        return await asyncio.to_thread(fold) if len(family.rows) > _BIG_FAMILY else fold()

    def _is_history(self, family: OpenFamily) -> bool:
        """Whether nothing of it happened after the moment at which the gateway met the PBX's journal."""
        limit = self._before
        return limit is not None and all(event.at <= limit for event in family.rows.values())

    def _as_stored(self, family: OpenFamily) -> StoredFamily:
        times = [e.at for e in family.rows.values()]
        return StoredFamily(
            id=family.id,
            pbx=self.pbx,
            open=not family.ended,
            rows=list(family.rows),
            first_at=min(times),
            last_at=max(times),
        )

    def _let_go(self, touched: Iterable[OpenFamily]) -> None:
        """Forget the ended families that changed longest ago, beyond what is kept for late rows."""
        for family in touched:
            self._ended.pop(family.name, None)
            if family.ended:
                self._ended[family.name] = None
        while len(self._ended) > _ENDED_KEPT:
            name = next(iter(self._ended))
            del self._ended[name]
            self._index.forget(self._open.pop(name).rows.values())


def _reason(fault: Exception) -> str:
    return (str(fault) or type(fault).__name__)[:_QUARANTINE_REASON_LIMIT]
