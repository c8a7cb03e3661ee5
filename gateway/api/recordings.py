"""The sound of a call, its picture and its words.

Sound is sent in ranges, from a file that was opened without following links. Each listening leaves one audit row,
written before the first byte goes out. Who only rang in a call has no part in what was said: its recording and
transcript are for those who talked, and for those who may hear everybody's.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID

from aiohttp import web

from gateway.api.calls import CallPath, visible_call
from gateway.api.fields import Incoming, Nothing, Outgoing
from gateway.api.parts import ApiParts
from gateway.api.ranges import has_it_already, send, wanted_span
from gateway.api.routing import Asked, Route
from gateway.domain.access import Principal, Right
from gateway.domain.errors import Rejected
from gateway.domain.recordings import RecordingKey, RecordingPart
from gateway.domain.transcript import to_json, to_webvtt
from gateway.store import reading
from gateway.store.reading import CallRecording, ReadCall
from gateway.store.transcripts import find_transcript

_HEADERS = {"Cache-Control": "private, no-cache", "X-Content-Type-Options": "nosniff"}
_MEDIA = {
    RecordingPart.MP3: "audio/mpeg",
    RecordingPart.FLAC: "audio/flac",
    RecordingPart.PEAKS: "application/octet-stream",
}


class SoundFormat(StrEnum):
    """How the sound is written."""

    MP3 = RecordingPart.MP3
    FLAC = RecordingPart.FLAC


class SoundQuery(Incoming):
    """Which writing of the sound."""

    format: SoundFormat = SoundFormat.MP3


class TranscriptQuery(Incoming):
    """Which writing of the words; left out: what the header Accept prefers."""

    format: Literal["json", "vtt"] | None = None


class SegmentView(Outgoing):
    """An unbroken stretch of speech of one person."""

    speaker: str | None
    start: float
    end: float
    text: str


class TranscriptView(Outgoing):
    """What was said in a call."""

    language: str | None
    model: str
    made_at: datetime
    segments: tuple[SegmentView, ...]


class NoRecordingError(Rejected, LookupError):
    """There is no recording of this call in the archive."""


class NoTranscriptError(Rejected, LookupError):
    """There is no transcript of this call."""


RECORDING_STATES = {
    "wanted": "The recording of this call is not in the archive yet; try again in a minute.",
    "damaged": "The recording of this call holds no sound that can be read.",
    "failed": "The recording of this call could not be archived.",
    "deleted": "The recording of this call was deleted when its time was over.",
}
_TRANSCRIPT_STATES = {
    "none": "No transcript of this call is wanted.",
    "wanted": "The transcript of this call waits for its turn.",
    "claimed": "The transcript of this call is being written.",
    "failed": "The transcript of this call could not be written.",
}


class Recordings:
    """The handlers of recordings."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts

    def routes(self) -> tuple[Route, ...]:
        """The rows of the table."""
        return (
            Route(
                method="GET",
                path="/calls/{call_id}/recording",
                handler=self.sound,
                summary="Listen; ranges are served",
                right=Right.RECORDINGS_LISTEN_OWN,
                tag="recordings",
                media=("audio/mpeg", "audio/flac"),
                statuses=(206, 304, 416),
                errors=(NoRecordingError,),
            ),
            Route(
                method="GET",
                path="/calls/{call_id}/peaks",
                handler=self.peaks,
                summary="The picture of the sound, as docs/recordings.md describes the format",
                right=Right.RECORDINGS_LISTEN_OWN,
                tag="recordings",
                media=("application/octet-stream",),
                statuses=(206, 304, 416),
                errors=(NoRecordingError,),
            ),
            Route(
                method="GET",
                path="/calls/{call_id}/transcript",
                handler=self.transcript,
                summary="What was said, as JSON or WebVTT",
                right=Right.RECORDINGS_LISTEN_OWN,
                tag="recordings",
                media=("text/vtt",),
                errors=(NoTranscriptError,),
            ),
        )

    async def sound(self, asked: Asked[CallPath, SoundQuery, Nothing]) -> web.StreamResponse:
        """The sound, or a range of it."""
        part = RecordingPart(asked.query.format)
        return await self._sent(
            asked.http, await self._heard(asked.principal, asked.path.call_id), part, actor=asked.principal.id
        )

    async def peaks(self, asked: Asked[CallPath, Nothing, Nothing]) -> web.StreamResponse:
        """The picture of the sound."""
        return await self._sent(
            asked.http, await self._heard(asked.principal, asked.path.call_id), RecordingPart.PEAKS, actor=None
        )

    async def transcript(self, asked: Asked[CallPath, TranscriptQuery, Nothing]) -> TranscriptView | web.Response:
        """What was said."""
        _, recording = await self._heard(asked.principal, asked.path.call_id)
        found = await find_transcript(self._parts.pool, recording.id)
        if found is None:
            raise NoTranscriptError(_TRANSCRIPT_STATES.get(recording.transcript_state))
        wanted = asked.query.format or ("vtt" if _prefers_vtt(asked.http.headers) else "json")
        if wanted == "vtt":
            headers = _HEADERS | {"Vary": "Accept"}
            return web.Response(
                text=to_webvtt(found.segments), content_type="text/vtt", charset="utf-8", headers=headers
            )
        segments = tuple(SegmentView(**segment) for segment in to_json(found.segments))
        return TranscriptView(language=found.language, model=found.model, made_at=found.made_at, segments=segments)

    async def _heard(self, who: Principal, id: UUID) -> tuple[ReadCall, CallRecording]:
        """The call and its recording, for one who may hear it."""
        call = await visible_call(self._parts, who, id, Right.RECORDINGS_LISTEN_OWN)
        if call.recording is None:
            raise NoRecordingError
        return call, call.recording

    async def _sent(
        self, request: web.Request, heard: tuple[ReadCall, CallRecording], part: RecordingPart, *, actor: str | None
    ) -> web.StreamResponse:
        """One part of a recording; with an actor, the listening is written down first."""
        call, recording = heard
        sound = await reading.read_sound(self._parts.pool, recording.id)
        key = _place(sound, part)
        if key is None:
            raise NoRecordingError(RECORDING_STATES.get(recording.state))
        try:
            opened = await asyncio.to_thread(self._parts.recordings.open_for_reading, key, part)
        except FileNotFoundError:
            raise NoRecordingError from None
        try:
            span = wanted_span(request.headers, size=opened.size, etag=opened.etag, modified_at=opened.modified_at)
            listens = request.method == "GET" and span is not None and not has_it_already(request.headers, opened.etag)
            if actor is not None and listens:
                detail: dict[str, object] = {"call": str(call.id), "format": str(part)}
                await reading.note_listening(self._parts.pool, actor=actor, recording=recording.id, detail=detail)
        except BaseException:
            opened.file.close()
            raise
        headers = _HEADERS | {
            "Content-Type": _MEDIA[part],
            "Content-Disposition": f'inline; filename="call-{call.id}.{part}"',
        }
        return await send(request, opened, span, headers)


def _place(sound: reading.StoredSound | None, part: RecordingPart) -> RecordingKey | None:
    match part:
        case _ if sound is None:
            return None
        case RecordingPart.FLAC:
            return sound.archive
        case RecordingPart.MP3:
            return sound.playback
        case RecordingPart.PEAKS:
            return sound.peaks


def _prefers_vtt(headers: Mapping[str, str]) -> bool:
    """Whether Accept names text/vtt with a higher weight than JSON (RFC 9110 section 12.5.1)."""
    weights = {"text/vtt": 0.0, "application/json": 0.0}
    for entry in headers.get("Accept", "").split(","):
        media, *parameters = (piece.strip().lower() for piece in entry.split(";"))
        weight = next((_weight(p.removeprefix("q=")) for p in parameters if p.startswith("q=")), 1.0)
        for name in weights:
            if media == name or (media in ("*/*", f"{name.partition('/')[0]}/*") and not weights[name]):
                weights[name] = weight
    return weights["text/vtt"] > weights["application/json"]


def _weight(text: str) -> float:
    try:
        return min(1.0, max(0.0, float(text)))
    except ValueError:
        return 0.0
