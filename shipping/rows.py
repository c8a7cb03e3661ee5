"""Sends a journal's rows: the new ones at once, those that stood there before beside them.

The gateway alone knows where we stand: it is asked at the start and after every doubt, and what it acknowledges is
committed. Nothing is kept here but the batch that is under way and the one behind it; while the gateway is away the
journal itself is the queue, read on from the acknowledged place when it is back.
"""

import asyncio
import contextlib
import json
import logging
import time
import zlib
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol, TypeAlias, TypeVar

from gateway import __version__
from gateway.domain.shipping import (
    BATCH_BYTES,
    BATCH_ROWS,
    HEARTBEAT_SECONDS,
    BrokenPiece,
    Stream,
    batch_digest,
    piece_text,
    row_text,
)
from shipping.link import Away, Elsewhere, Link, Pause, Refused

log = logging.getLogger(__name__)

Place: TypeAlias = Mapping[str, object] | None
_Fault = TypeVar("_Fault", bound=Exception)
_SMALL = 1024
_REFUSED_SECONDS = 60.0
_PROGRESS_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RowBatch:
    """Rows and what is behind them."""

    rows: Sequence[bytes]
    broken: Sequence[BrokenPiece]
    until: Place
    size: int
    """Bytes in the journal."""
    ended: bool = False
    """Of older rows: there are no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstMeeting:
    """How the journal stands when the gateway does not know it yet."""

    last_row: bytes | None
    until: Place
    place: Place
    bytes_total: int


class JournalHere(Protocol):
    """The journal on this host; `gateway.cli.ship` makes one of `sip.journal` and `sip.history`."""

    @property
    def condition(self) -> str:
        """What the reader is doing."""
        ...

    @property
    def lag_bytes(self) -> int:
        """What it has not handed out yet."""
        ...

    def meet(self) -> FirstMeeting:
        """See what stands in it; it may take a moment."""
        ...

    def new_rows(self, place: Place) -> AsyncGenerator[RowBatch, None]:
        """Rows from a place on, for ever."""
        ...

    def older_rows(self, place: Place, until: Place) -> AsyncGenerator[RowBatch, None]:
        """Rows of before, to their end."""
        ...


class RowShipper:
    """Sends one journal; `run` is its one task."""

    def __init__(self, journal: JournalHere, link: Link, older_link: Link, *, pbx: str, source: str) -> None:
        """Args:
        journal: what is read.
        link: for the new rows.
        older_link: for those of before, so that new ones never wait for them.
        pbx: the PBX's name at the gateway.
        source: this host's own name for itself.
        """
        self._journal = journal
        self._link = link
        self._older_link = older_link
        self._path = f"/pbx/{pbx}/journal"
        self._source = source
        self._held = 0
        self._told = ""
        self.sent_rows = 0

    async def run(self) -> None:
        """Send for ever, until cancelled."""
        pause = Pause()
        while True:
            try:
                await self._session(pause)
            except* Elsewhere:
                self._tell("the gateway stands at another place; going on there")
                await pause.wait()
            except* Away as faults:
                fault = _first(faults)
                self._tell(str(fault))
                await pause.wait(fault.retry_after)
            except* Refused as faults:
                self._tell(str(_first(faults)))
                await asyncio.sleep(_REFUSED_SECONDS)

    async def _session(self, pause: Pause) -> None:
        """Ask where we stand, and send from there until something happens."""
        told = await self._link.ask("GET", self._path)
        if told.get("place") is None and told.get("history") is None:
            told = await self._begin()
        history = _table(told.get("history"))
        place = _table(told.get("place"))
        start = place if place is not None else _table(history.get("until")) if history else None
        async with asyncio.TaskGroup() as group:
            if history and history.get("ended_at") is None and history.get("place") is not None:
                group.create_task(self._send_older(history), name="older rows")
            await self._send_new(place, start, pause)

    async def _begin(self) -> dict[str, object]:
        met = await asyncio.to_thread(self._journal.meet)
        log.info("the gateway meets this journal for the first time; %d bytes stood in it before", met.bytes_total)
        body = self._sender() | {
            "last_row": None if met.last_row is None else row_text(met.last_row),
            "until": met.until,
            "place": met.place,
            "bytes_total": met.bytes_total,
        }
        return await self._post(self._link, f"{self._path}/beginning", body)

    async def _send_new(self, place: Place, start: Place, pause: Pause) -> None:
        """Send new rows; the next ones are read while a batch is on its way, and go together when it has arrived."""
        queue: asyncio.Queue[_Next] = asyncio.Queue(maxsize=4)
        self._held = 0
        async with asyncio.TaskGroup() as group:
            reading = group.create_task(self._read(start, queue), name="reading the journal")
            place = await self._send(_heartbeat(start), place)
            self._well(pause)
            kept: _Next | None = None
            while True:
                found, kept = together(kept or await _next(queue), queue)
                if found is not None and found.since != start:
                    raise Elsewhere("a batch was passed over on this host")
                place = await self._send(found.batch if found else _heartbeat(place), place)
                start = place
                self._well(pause)
                if reading.done():
                    reading.result()

    async def _read(self, start: Place, queue: "asyncio.Queue[_Next]") -> None:
        async with aclosing(self._journal.new_rows(start)) as batches:
            async for batch in batches:
                for piece in split(batch):
                    self._held += piece.size
                    await queue.put(_Next(since=start, batch=piece))
                    start = piece.until if piece.until is not None else start

    async def _send(self, batch: RowBatch, since: Place) -> Place:
        """Send a batch until it is committed; gives the place behind it."""
        self._held -= batch.size
        body = self._body(batch, Stream.LIVE, since)
        await self._post(self._link, self._path, body)
        self.sent_rows += len(batch.rows)
        return batch.until if batch.until is not None else since

    async def _send_older(self, history: Mapping[str, object]) -> None:
        place, until = _table(history.get("place")), _table(history.get("until"))
        done, total = _int(history.get("bytes_done")), max(1, _int(history.get("bytes_total")))
        told_at = time.monotonic()
        async with aclosing(self._journal.older_rows(place, until)) as batches:
            async for whole in batches:
                for batch in split(whole):
                    done += batch.size
                    body = self._body(batch, Stream.HISTORY, place) | {"bytes_done": done, "ended": batch.ended}
                    await self._post(self._older_link, self._path, body)
                    place = batch.until if batch.until is not None else place
                if time.monotonic() - told_at > _PROGRESS_SECONDS:
                    told_at = time.monotonic()
                    log.info("older rows: %d of %d bytes sent (%d %%)", done, total, min(100, 100 * done // total))
        log.info("older rows: all sent, %d bytes", done)

    def _body(self, batch: RowBatch, stream: Stream, since: Place) -> dict[str, object]:
        return self._sender() | {
            "stream": stream.value,
            "since": since,
            "until": batch.until if batch.until is not None else since,
            "rows": [row_text(row) for row in batch.rows],
            "broken": [{"reason": piece.reason, "data": piece_text(piece.data)} for piece in batch.broken],
            "digest": batch_digest(batch.rows, batch.broken),
        }

    def _sender(self) -> dict[str, object]:
        return {
            "source": self._source,
            "condition": self._journal.condition,
            "lag_bytes": self._journal.lag_bytes + max(0, self._held),
            "version": __version__,
        }

    async def _post(self, link: Link, path: str, body: dict[str, object]) -> dict[str, object]:
        return await link.ask("POST", path, *packed(body | {"sent_at": datetime.now(UTC).isoformat()}))

    def _tell(self, words: str) -> None:
        """Say what is wrong, once until it is well or something else is wrong."""
        if words != self._told:
            log.warning("%s", words)
        self._told = words

    def _well(self, pause: Pause) -> None:
        pause.well()
        if self._told:
            log.info("rows are taken again")
        self._told = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Next:
    """A batch with the place it begins at: one that was passed over would be noticed."""

    since: Place
    batch: RowBatch


async def _next(queue: "asyncio.Queue[_Next]") -> _Next | None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(HEARTBEAT_SECONDS):
            return await queue.get()
    return None


def together(first: _Next | None, queue: "asyncio.Queue[_Next]") -> tuple[_Next | None, _Next | None]:
    """What waits, as one batch: behind by much, a journal is sent in fewer and larger pieces.

    Returns:
        The batch, and one that did not fit into it any more.
    """
    while first is not None and first.batch.until is not None and not queue.empty():
        one, more = first.batch, queue.get_nowait()
        other = more.batch
        size, rows = one.size + other.size, len(one.rows) + len(other.rows)
        pieces = len(one.broken) + len(other.broken)
        if more.since != one.until or size > BATCH_BYTES or max(rows, pieces) > BATCH_ROWS:
            return first, more
        merged = RowBatch(
            rows=[*one.rows, *other.rows], broken=[*one.broken, *other.broken], until=other.until, size=size
        )
        first = _Next(since=first.since, batch=merged)
    return first, None


def _heartbeat(place: Place) -> RowBatch:
    """No rows: what is told is that we are here, and how the clock and the journal do."""
    return RowBatch(rows=(), broken=(), until=place, size=0)


def split(batch: RowBatch) -> list[RowBatch]:
    """A batch as it may be sent: cut where it has too many bytes. Only its last part moves the place."""
    if sum(map(len, batch.rows)) <= BATCH_BYTES:
        return [batch]
    parts: list[RowBatch] = []
    rows: list[bytes] = []
    for row in batch.rows:
        rows.append(row)
        if sum(map(len, rows)) > BATCH_BYTES:
            parts.append(RowBatch(rows=rows, broken=(), until=None, size=0))
            rows = []
    last = RowBatch(rows=rows, broken=batch.broken, until=batch.until, size=batch.size, ended=batch.ended)
    return [*parts, last]


def packed(body: Mapping[str, object]) -> tuple[bytes, dict[str, str]]:
    """A body and its headers; a large one is compressed."""
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    headers = {"Content-Type": "application/json"}
    if len(text) > _SMALL:
        return zlib.compress(text, level=1), headers | {"Content-Encoding": "deflate"}
    return text, headers


def _first(faults: BaseExceptionGroup[_Fault]) -> _Fault:
    """The fault that began it."""
    fault: BaseException = faults
    while isinstance(fault, BaseExceptionGroup):
        fault = fault.exceptions[0]
    return fault  # type: ignore[return-value]


def _table(value: object) -> Mapping[str, object] | None:
    return value if isinstance(value, dict) else None


def _int(value: object) -> int:
    return value if isinstance(value, int) else 0
