"""Takes in what `trunkline ship` sends of one PBX's journal: the sister of `gateway.reading`, which reads a file here.

A batch names the place it begins at and the place behind it. It is taken only where the place stored here is the one
it begins at, and its own is stored in the transaction of its rows; so what the sender is told was committed, and a
ship that was killed, cut off or doubled can at most send rows again, which changes nothing. Of two hosts that send the
same PBX only one is let in (`OtherHost`), until it has been silent for a while.

At the first meeting with a journal the sender tells where it stands (`begin`); what is older comes as a second stream
beside the new rows, and what had ended by then is history: it counts, and starts nothing (docs/decisions/0018).
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import structlog

from gateway.cut_over import CutOver, source_of
from gateway.domain.legs import LegEvent
from gateway.domain.own_rows import is_own
from gateway.domain.shipping import (
    HEARTBEAT_SECONDS,
    SILENT_SECONDS,
    Heard,
    OtherHost,
    OtherPlace,
    Shipment,
    Stream,
    TooQuick,
)
from gateway.pipeline import Pipeline
from gateway.store import shipped as store
from gateway.store.database import Pool, Row
from gateway.store.journal import load_cursor
from gateway.store.shipped import History, Places, Shipper
from sip.journal import JournalCondition, JournalStatus

log = structlog.get_logger()

REQUESTS_PER_SECOND = 500.0
BURST = 1000.0
_SMALL = 50
"""A batch of more rows was on its way for too long to compare clocks by it."""
_LOOK_SECONDS = 5.0
_FORGED = "a row such as only the gateway writes"
"""No PBX writes one, and whoever has the host's key must not speak in our name."""
_NOTED_SECONDS = 2.0
_TOLD_SECONDS = 60.0


class Receiving:
    """What comes of one PBX."""

    def __init__(
        self,
        pool: Pool,
        pipeline: Pipeline,
        status: JournalStatus,
        *,
        read: Callable[[bytes], LegEvent | None] | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Args:
        pool: the database.
        pipeline: takes the rows.
        status: kept up to date for doctor and metrics, as if the file were read here.
        read: maps a row of any kind of journal, so that what a table told before is not taken twice; None: there
            was no other journal.
        clock: our clock, UTC.
        """
        self._pool = pool
        self._pipeline = pipeline
        self._clock = clock
        self._turn = asyncio.Lock()
        self._read = read
        self._cut: CutOver | None = None
        self._cut_is_known = read is None
        self._room, self._room_at = BURST, time.monotonic()
        self._heard: tuple[str, str, bool] | None = None
        self._heard_at = 0.0
        self._refused_at = -_TOLD_SECONDS
        self.status = status
        self.hear_clock: Callable[[timedelta], Awaitable[None]] | None = None
        """Told the PBX's clock minus ours."""
        self.shipper: Shipper | None = None
        """Who sends, as last seen in the database; any node may have heard him."""
        self.history: History | None = None

    @property
    def pbx(self) -> str:
        """Name of the PBX."""
        return self._pipeline.pbx

    @property
    def is_heard(self) -> bool:
        """Whether somebody sends at the moment."""
        return self.shipper is not None and self.shipper.silence.total_seconds() < SILENT_SECONDS

    @property
    def silent_seconds(self) -> float | None:
        """How long nobody has been heard of, as of the last look; None: nobody ever was."""
        return None if self.shipper is None else self.shipper.silence.total_seconds()

    @property
    def history_left(self) -> float | None:
        """Bytes of before the first meeting that are still to come; None: it is not known yet."""
        if self.history is None:
            return None
        ended = self.history.ended_at is not None
        return 0.0 if ended else float(max(0, self.history.bytes_total - self.history.bytes_done))

    @property
    def may_lack_rows(self) -> bool:
        """Whether the PBX's host may hold rows that are not committed here."""
        told = self.shipper
        if told is None or told.silence.total_seconds() > HEARTBEAT_SECONDS + _LOOK_SECONDS:
            return True
        reading_history = self.history is not None and self.history.ended_at is None
        return reading_history or told.lag_bytes > 0 or told.condition != JournalCondition.READING

    async def run(self) -> None:
        """Keep in view who sends, for ever."""
        await self._pipeline.reload()
        heard: bool | None = None
        while True:
            await self.look()
            if heard is not None and heard is not self.is_heard:
                self._tell()
            heard = self.is_heard
            await asyncio.sleep(_LOOK_SECONDS)

    async def look(self) -> None:
        """See in the database who sends and how he does."""
        self.shipper = await store.shipper_of(self._pool, self.pbx)
        self.history = await store.history_of(self._pool, self.pbx)
        told, status = self.shipper, self.status
        status.condition, status.trouble = JournalCondition.WAITING_FOR_FILE, "" if self.is_heard else _SILENT
        if told is not None and self.is_heard and told.condition in tuple(JournalCondition):
            status.condition = JournalCondition(told.condition)
        status.lag_bytes = told.lag_bytes if told is not None else 0

    async def places(self) -> Places:
        """Up to where everything of this journal is committed; a table's place is none of a file's."""
        history = await store.history_of(self._pool, self.pbx)
        ours = history is not None and _of_file(history.until) and _of_file(history.place)
        return Places(live=await self._live_place(), history=history if ours else None)

    async def _live_place(self) -> Row | None:
        saved = await load_cursor(self._pool, self.pbx)
        return saved if saved is not None and source_of(saved) == "file" else None

    async def _cut_over(self) -> CutOver | None:
        """What was read of another journal before this one; asked for once."""
        if not self._cut_is_known and self._read is not None:
            saved = await load_cursor(self._pool, self.pbx)
            self._cut = await CutOver.load(self._pool, self.pbx, "file", saved, read=self._read)
            self._cut_is_known = True
        return self._cut

    async def begin(
        self, heard: Heard, *, last_row: bytes | None, until: Row | None, place: Row | None, bytes_total: int
    ) -> History:
        """Write down the first meeting with the journal; done once, repeated it changes nothing.

        Args:
            heard: who sends.
            last_row: of the journal as it was met; None: it has none.
            until: the place from which new rows are sent.
            place: where the older rows begin; None: there are none.
            bytes_total: of the older rows.

        Raises:
            OtherHost: another one sends.
        """
        async with self._turn:
            await self._hear(heard, rows=0)
            if (cut := await self._cut_over()) is not None:  # another journal was met before: this one is read whole
                return History(before=cut.at, began_at=self._clock(), ended_at=self._clock())
            history = await store.begin_history(
                self._pool,
                self.pbx,
                before=None if last_row is None else self._pipeline.moment_of(last_row) or self._clock(),
                until=until,
                place=place,
                bytes_total=bytes_total,
            )
            await self._pipeline.reload()  # which learns what is history
            return history

    async def take(self, shipment: Shipment) -> Places:
        """Take a batch in: after the return it is committed.

        Returns:
            The places after it.

        Raises:
            OtherPlace: it does not begin where we stand; nothing was taken.
            OtherHost: another one sends; nothing was taken.
            TooQuick: too many requests; nothing was taken.
            asyncpg.PostgresError, OSError: the database is away; nothing is known to be taken.
        """
        self._count()
        async with self._turn:
            await self._hear(shipment.heard, rows=len(shipment.rows))
            if shipment.stream is Stream.LIVE:
                return await self._take_live(shipment)
            await self._take_older(shipment, await self.places())
            return await self.places()

    async def _take_live(self, shipment: Shipment) -> Places:
        """The way of the call that rings now: no more questions to the database than it needs."""
        if shipment.since != await self._live_place():
            raise OtherPlace
        if shipment.rows or shipment.broken or shipment.until != shipment.since:
            await self._enter(shipment, shipment.until)
        return Places(live=shipment.until, history=self.history)

    async def _take_older(self, shipment: Shipment, places: Places) -> None:
        if places.history is None or places.history.ended_at is not None or shipment.since != places.history.place:
            raise OtherPlace
        await self._enter(shipment, None)
        place = shipment.until or shipment.since or {}
        await store.note_history(
            self._pool, self.pbx, place=place, bytes_done=shipment.bytes_done, ended=shipment.ended
        )
        if shipment.ended:
            log.info("what the journal held before is read", pbx=self.pbx, bytes=shipment.bytes_done)

    async def _enter(self, shipment: Shipment, cursor: Row | None) -> None:
        self._pipeline.rows_wait = True
        try:
            broken = [(piece.reason, piece.data) for piece in shipment.broken]
            broken += [(_FORGED, row) for row in shipment.rows if is_own(row)]
            rows = [row for row in shipment.rows if not is_own(row)]
            if (cut := await self._cut_over()) is not None:
                rows = cut.unread(rows)
            await self._pipeline.take(rows, cursor=cursor, broken=broken)
            self._note(shipment)
            if cut is not None and cut.is_over:
                await cut.end(self._pool, self.pbx)
                self._cut = None
        finally:
            self._pipeline.rows_wait = False

    async def _hear(self, heard: Heard, *, rows: int) -> None:
        offset = heard.sent_at - self._clock() if rows <= _SMALL else None
        who, now = (heard.source, heard.condition, heard.lag_bytes > 0), time.monotonic()
        if who == self._heard and now - self._heard_at < _NOTED_SECONDS:
            self.status.lag_bytes = heard.lag_bytes
            return  # the database knows of him as of a moment ago; a write of its own would double a row's way
        other = await store.note_shipper(
            self._pool,
            self.pbx,
            host=heard.source,
            condition=heard.condition,
            lag_bytes=heard.lag_bytes,
            clock_offset=offset,
            version=heard.version,
            silent=timedelta(seconds=SILENT_SECONDS),
        )
        if other is not None:
            if now - self._refused_at > _TOLD_SECONDS:
                self._refused_at = now
                log.warning("a second host sends this journal; it is refused", pbx=self.pbx)
            raise OtherHost
        self.status.lag_bytes = heard.lag_bytes
        self._heard, self._heard_at = who, now
        if offset is not None and self.hear_clock is not None:
            await self.hear_clock(offset)

    def _tell(self) -> None:
        if self.is_heard:
            log.info("the journal is sent by the PBX's host", pbx=self.pbx)
        else:
            log.error(_SILENT, pbx=self.pbx)

    def _note(self, shipment: Shipment) -> None:
        if not shipment.rows and not shipment.broken:
            return
        self.status.records += len(shipment.rows)
        self.status.broken += len(shipment.broken)
        self.status.last_read_at = self._clock()

    def _count(self) -> None:
        """A bucket of requests that fills by the second."""
        now = time.monotonic()
        self._room = min(BURST, self._room + (now - self._room_at) * REQUESTS_PER_SECOND)
        self._room_at = now
        if self._room < 1:
            raise TooQuick
        self._room -= 1


def _of_file(place: Row | None) -> bool:
    return place is None or "inode" in place


_SILENT = "nothing is sent from the PBX's host; is `trunkline ship` running there?"
