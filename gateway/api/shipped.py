"""What the host of a PBX sends: rows of its journal, and its recordings in pieces.

The caller is `trunkline ship` with a key bound to one PBX; a key that is bound to none, or to another PBX, is refused
whatever its rights. Nothing here is told that another key could not know: of a PBX that is not the key's, not even
whether it exists. What is sent twice changes nothing, so no Idempotency-Key is asked for.
"""

import asyncio
import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from aiohttp import web
from pydantic import Field

from gateway.api.fields import INT64_MAX, Incoming, Moment, Nothing, Outgoing
from gateway.api.parts import ApiParts, JournalReceiver, RecordingArrivals
from gateway.api.problems import BodyTooLargeError, ConflictError, SlowBodyError, refused_value
from gateway.api.routing import Asked, Route
from gateway.domain.access import Principal, Right, may_ship
from gateway.domain.errors import NotAllowed, Rejected
from gateway.domain.shipping import (
    BATCH_ROWS,
    BODY_MAX,
    CHUNK_MAX,
    FILE_MAX,
    ROW_MAX,
    SOURCE,
    BadDigest,
    BrokenPiece,
    Heard,
    OtherHost,
    OtherPlace,
    RecordingStanding,
    Shipment,
    Stream,
    TooQuick,
    batch_digest,
    is_recording_file,
    row_bytes,
)
from gateway.store.database import Row
from gateway.store.shipped import History, Places, states_of_recordings

_IDLE_SECONDS = 30.0
_NAMES = 500
_NAME = r"^[A-Za-z0-9._-]{1,140}$"
_HEX = r"^[0-9a-f]{64}$"

PbxName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")]
Count = Annotated[int, Field(ge=0, le=INT64_MAX)]
Inode = Annotated[int, Field(ge=0, lt=1 << 64)]
Text = Annotated[str, Field(max_length=2 * ROW_MAX)]


class PbxPath(Incoming):
    """Which PBX."""

    pbx: PbxName


class FilePath(PbxPath):
    """Which file of which PBX."""

    file: Annotated[str, Field(pattern=_NAME)]


class FileQuery(Incoming):
    """Which bytes the file has."""

    sha256: Annotated[str, Field(pattern=_HEX)] = Field(description="of the whole file")


class PieceQuery(FileQuery):
    """Which piece of the file."""

    total: Annotated[int, Field(ge=0, le=FILE_MAX)] = Field(description="bytes of the whole file")
    offset: Annotated[int, Field(ge=0, le=FILE_MAX)] = Field(description="of the piece's first byte")


class JournalPlace(Incoming):
    """A place in the journal on the PBX's host; the gateway keeps it and gives it back."""

    device: Inode
    inode: Inode
    written_ns: Count
    head: Annotated[str, Field(pattern=_HEX)]
    offset: Count
    last_row_at: Count
    last_row: Annotated[str, Field(pattern=_HEX)]


class PlaceView(Outgoing):
    """A place in the journal."""

    device: int
    inode: int
    written_ns: int
    head: str
    offset: int
    last_row_at: int
    last_row: str


class PieceOfJournal(Incoming):
    """Bytes of the journal that are no row."""

    reason: Annotated[str, Field(min_length=1, max_length=200)]
    data: Annotated[str, Field(max_length=2 * ROW_MAX)] = Field(description="base64")


class Sender(Incoming):
    """Who sends, and how he does."""

    source: Annotated[str, Field(pattern=SOURCE)] = Field(description="the host's own name for itself")
    condition: Annotated[str, Field(pattern=r"^[a-z_]{1,40}$")] = Field(description="of the journal's reader")
    lag_bytes: Count = Field(description="what is not sent yet")
    sent_at: Moment = Field(description="by the PBX's clock")
    version: Annotated[str, Field(pattern=r"^[0-9A-Za-z.+_-]{0,40}$")] = ""


class Batch(Sender):
    """Rows in the journal's order, with the places before and behind them."""

    stream: Stream = Stream.LIVE
    since: JournalPlace | None = Field(
        description="the place before the rows, as the gateway told it; null: none is known"
    )
    until: JournalPlace | None = Field(description="the place behind them")
    rows: Annotated[tuple[Text, ...], Field(max_length=BATCH_ROWS)] = Field(
        default=(), description="each byte of the journal as the character of that number"
    )
    broken: Annotated[tuple[PieceOfJournal, ...], Field(max_length=BATCH_ROWS)] = ()
    digest: Annotated[str, Field(pattern=_HEX)] = Field(
        description="SHA-256 over the length (4 bytes, big-endian) and the bytes of each row, then of each broken piece"
    )
    bytes_done: Count = Field(default=0, description="of the older rows, as far as they were read with this batch")
    ended: bool = Field(default=False, description="whether that is all of the older rows")


class Beginning(Sender):
    """The first meeting with a journal."""

    last_row: Text | None = Field(default=None, description="of the journal as it is met; null: it has none")
    until: JournalPlace | None = Field(default=None, description="the place from which new rows are sent")
    place: JournalPlace | None = Field(default=None, description="where the older rows begin; null: there are none")
    bytes_total: Count = Field(default=0, description="of the older rows")


class JournalHistoryView(Outgoing):
    """How far the older rows have come."""

    before: datetime | None = Field(description="calls of which nothing came later are history")
    until: PlaceView | None
    place: PlaceView | None
    bytes_total: int
    bytes_done: int
    ended_at: datetime | None


class PlacesView(Outgoing):
    """Up to where everything is committed."""

    place: PlaceView | None = Field(description="of the new rows; null: none were ever taken")
    history: JournalHistoryView | None = Field(description="null: there was no first meeting yet")
    now: datetime = Field(description="the gateway's clock")


class FileView(Outgoing):
    """How far a file has come."""

    offset: int = Field(description="bytes received: send on from there")
    whole: bool = Field(description="all of it is here, and its digest is right")


class RecordingNames(Incoming):
    """Recordings that lie on the PBX's host."""

    names: Annotated[tuple[Annotated[str, Field(pattern=_NAME)], ...], Field(min_length=1, max_length=_NAMES)]


class StandingView(Outgoing):
    """How far a recording has come."""

    name: str
    standing: RecordingStanding
    stored_at: datetime | None = Field(description="when it was verified in the archive")


class Standings(Outgoing):
    """The recordings that were asked for, in that order."""

    items: tuple[StandingView, ...]


class NotShippedError(Rejected, LookupError):
    """This PBX's host sends nothing by the gateway's settings; set [pbx.NAME.journal] shipped = true there."""


class OtherPlaceError(ConflictError):
    """The gateway stands at another place in the journal than this batch begins at; ask for it and go on there."""


class OtherHostError(ConflictError):
    """Another host sends the journal of this PBX at the moment; stop one of them: each PBX needs a key of its own."""


class WrongKeyError(NotAllowed):
    """This key is not bound to this PBX; issue one on the gateway: trunkline key add NAME --role admin
    --right journal.ship --pbx PBX."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answered:
    places: Places

    def view(self) -> PlacesView:
        history = self.places.history
        return PlacesView(
            place=_place(self.places.live), history=_history(history) if history else None, now=datetime.now(UTC)
        )


class Shipped:
    """The handlers of `/pbx/{pbx}`."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts

    def routes(self) -> tuple[Route, ...]:
        """The rows of the table."""
        right, tag = Right.JOURNAL_SHIP, "another host"
        return (
            Route(
                method="GET",
                path="/pbx/{pbx}/journal",
                handler=self.places,
                summary="Up to where a PBX's journal is committed",
                right=right,
                tag=tag,
            ),
            Route(
                method="POST",
                path="/pbx/{pbx}/journal",
                handler=self.take,
                summary="Send rows of a PBX's journal; the answer comes once they are committed",
                right=right,
                tag=tag,
                packed=True,
                body_max=BODY_MAX,
                errors=(OtherPlaceError, OtherHostError, BadDigest, TooQuick),
            ),
            Route(
                method="POST",
                path="/pbx/{pbx}/journal/beginning",
                handler=self.begin,
                summary="Tell what a journal holds when the gateway first meets it",
                right=right,
                tag=tag,
                body_max=BODY_MAX,
                errors=(OtherHostError,),
            ),
            Route(
                method="POST",
                path="/pbx/{pbx}/recordings/standings",
                handler=self.standings,
                summary="How far recordings have come that lie on a PBX's host",
                right=right,
                tag=tag,
                body_max=256 << 10,
            ),
            Route(
                method="GET",
                path="/pbx/{pbx}/recordings/{file}",
                handler=self.look,
                summary="How many bytes of a recorded file have come",
                right=right,
                tag=tag,
            ),
            Route(
                method="PUT",
                path="/pbx/{pbx}/recordings/{file}",
                handler=self.put,
                summary="Send the next piece of a recorded file",
                right=right,
                tag=tag,
                upload=("application/octet-stream",),
                errors=(ConflictError,),
            ),
        )

    async def places(self, asked: Asked[PbxPath, Nothing, Nothing]) -> PlacesView:
        """Where to go on."""
        return _Answered(places=await self._receiving(asked.principal, asked.path.pbx).places()).view()

    async def take(self, asked: Asked[PbxPath, Nothing, Batch]) -> PlacesView:
        """Take rows in."""
        receiving = self._receiving(asked.principal, asked.path.pbx)
        body = asked.body
        rows = [row_bytes(text) for text in body.rows]
        broken = [BrokenPiece(reason=p.reason, data=_decoded(p.data)) for p in body.broken]
        if batch_digest(rows, broken) != body.digest:
            raise BadDigest
        shipment = Shipment(
            heard=_heard(body),
            stream=body.stream,
            since=_stored(body.since),
            until=_stored(body.until),
            rows=rows,
            broken=broken,
            bytes_done=body.bytes_done,
            ended=body.ended,
        )
        try:
            return _Answered(places=await receiving.take(shipment)).view()
        except OtherPlace as fault:
            raise OtherPlaceError from fault
        except OtherHost as fault:
            raise OtherHostError from fault

    async def begin(self, asked: Asked[PbxPath, Nothing, Beginning]) -> PlacesView:
        """Write down the first meeting."""
        receiving = self._receiving(asked.principal, asked.path.pbx)
        body = asked.body
        try:
            await receiving.begin(
                _heard(body),
                last_row=None if body.last_row is None else row_bytes(body.last_row),
                until=_stored(body.until),
                place=_stored(body.place),
                bytes_total=body.bytes_total,
            )
        except OtherHost as fault:
            raise OtherHostError from fault
        return _Answered(places=await receiving.places()).view()

    async def standings(self, asked: Asked[PbxPath, Nothing, RecordingNames]) -> Standings:
        """Tell what has come, so that nothing is sent twice and nothing deleted too early."""
        pbx, names = asked.path.pbx, asked.body.names
        arrivals = self._arrivals(asked.principal, pbx)
        known = await states_of_recordings(self._parts.pool, pbx, names)
        waiting = await asyncio.to_thread(lambda: {name for name in names if arrivals.is_waiting(name)})
        return Standings(items=tuple(_standing(name, known.get(name), name in waiting) for name in names))

    async def look(self, asked: Asked[FilePath, FileQuery, Nothing]) -> FileView:
        """Tell where to go on in a file."""
        arrivals = self._arrivals(asked.principal, asked.path.pbx)
        file = _file_name(asked.path.file)
        found = await asyncio.to_thread(arrivals.look, file, asked.query.sha256)
        return FileView(offset=found.offset, whole=found.whole)

    async def put(self, asked: Asked[FilePath, PieceQuery, Nothing]) -> FileView:
        """Take a piece of a file; one that was cut off on the way is not taken at all."""
        arrivals = self._arrivals(asked.principal, asked.path.pbx)
        file, query = _file_name(asked.path.file), asked.query
        data = await _body(asked.http)
        try:
            found = await asyncio.to_thread(
                lambda: arrivals.put(file, query.sha256, total=query.total, offset=query.offset, data=data)
            )
        except Rejected as fault:
            if hasattr(fault, "offset"):
                raise ConflictError(str(fault)) from fault
            raise
        return FileView(offset=found.offset, whole=found.whole)

    def _receiving(self, principal: Principal, pbx: str) -> JournalReceiver:
        if not may_ship(principal, pbx):
            raise WrongKeyError
        found = self._parts.receiving.get(pbx)
        if found is None:
            raise NotShippedError
        return found

    def _arrivals(self, principal: Principal, pbx: str) -> RecordingArrivals:
        self._receiving(principal, pbx)
        found = self._parts.arrivals.get(pbx)
        if found is None:
            raise NotShippedError("The gateway finds this PBX's recordings in a folder; leave them out of ship's file.")
        return found


def _heard(sender: Sender) -> Heard:
    return Heard(
        source=sender.source,
        condition=sender.condition,
        lag_bytes=sender.lag_bytes,
        sent_at=sender.sent_at,
        version=sender.version,
    )


def _stored(place: JournalPlace | None) -> Row | None:
    return None if place is None else place.model_dump()


def _place(stored: Row | None) -> PlaceView | None:
    """A stored place; one that another version wrote is as good as none, and everything is sent once more."""
    if stored is None or not stored.keys() >= JournalPlace.model_fields.keys():
        return None
    return PlaceView.model_validate({name: stored[name] for name in JournalPlace.model_fields})


def _history(history: History) -> JournalHistoryView:
    return JournalHistoryView(
        before=history.before,
        until=_place(history.until),
        place=_place(history.place),
        bytes_total=history.bytes_total,
        bytes_done=history.bytes_done,
        ended_at=history.ended_at,
    )


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise refused_value("broken", "The bytes of a broken piece are written in base64.") from None


def _file_name(text: str) -> str:
    if not is_recording_file(text):
        raise refused_value(
            "file", "A recorded file is named NAME-rx.wav, NAME-tx.wav, NAME.wav or NAME.done.", place="path"
        )
    return text


def _standing(name: str, known: Row | None, waiting: bool) -> StandingView:
    state = known["state"] if known is not None else "wanted" if waiting else None
    whole = known is not None and (known["source_whole"] is True or state == "deleted")
    match state:
        case "stored" | "deleted" if whole:
            standing = RecordingStanding.STORED
        case None:
            standing = RecordingStanding.UNKNOWN
        case "wanted":
            standing = RecordingStanding.RECEIVED
        case _:
            standing = RecordingStanding.KEEP
    stored_at = known["stored_at"] if known is not None else None
    return StandingView.model_validate({"name": name, "standing": standing, "stored_at": stored_at})


async def _body(request: web.Request) -> bytes:
    """The piece, bounded in size and in time."""
    if (request.content_length or 0) > CHUNK_MAX:
        raise BodyTooLargeError(CHUNK_MAX)
    pieces: list[bytes] = []
    size = 0
    try:
        while True:
            async with asyncio.timeout(_IDLE_SECONDS):
                piece = await request.content.readany()
            if not piece:
                return b"".join(pieces)
            size += len(piece)
            if size > CHUNK_MAX:
                raise BodyTooLargeError(CHUNK_MAX)
            pieces.append(piece)
    except TimeoutError:
        raise SlowBodyError from None
    except ConnectionError:
        raise SlowBodyError("The connection broke off within the piece; send it again.") from None
