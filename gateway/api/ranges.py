"""A file over HTTP in parts (RFC 9110 sections 13 and 14): one range, conditions, and reading off the event loop.

Several ranges in one request are answered with the whole file, which the RFC allows; no player asks for them.
"""

import asyncio
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from http import HTTPStatus

from aiohttp import web

from gateway.api.parts import OpenPart

_BYTES = re.compile(r"bytes=\s*(?:(?P<first>[0-9]{1,18})-(?P<last>[0-9]{0,18})|-(?P<suffix>[0-9]{1,18}))\s*", re.I)
_CHUNK = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Which bytes are sent."""

    start: int
    length: int
    is_part: bool
    """Whether they were asked for as a range (206)."""


def wanted_span(headers: Mapping[str, str], *, size: int, etag: str, modified_at: datetime) -> Span | None:
    """Which bytes a request wants.

    Args:
        headers: of the request.
        size: bytes of the file.
        etag: its strong entity tag.
        modified_at: when it was last changed.

    Returns:
        The span; None: the range begins behind the end (416). What is no range of bytes is ignored.
    """
    whole = Span(start=0, length=size, is_part=False)
    found = _BYTES.fullmatch(headers.get("Range", ""))
    if found is None or not _still_the_same(headers.get("If-Range"), etag, modified_at):
        return whole
    if found["suffix"] is not None:
        length = min(int(found["suffix"]), size)
        return Span(start=size - length, length=length, is_part=True) if length else None
    first = int(found["first"])
    last = int(found["last"]) if found["last"] else size - 1
    if last < first and found["last"]:
        return whole
    if first >= size:
        return None
    return Span(start=first, length=min(last, size - 1) - first + 1, is_part=True)


def _still_the_same(if_range: str | None, etag: str, modified_at: datetime) -> bool:
    """Whether a part fits to what the client has already (RFC 9110 section 13.1.5: compared strongly)."""
    if if_range is None:
        return True
    text = if_range.strip()
    if text.startswith(('"', "W/")):
        return text == etag
    return _moment(text) == modified_at.replace(microsecond=0)


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def has_it_already(headers: Mapping[str, str], etag: str) -> bool:
    """Whether If-None-Match names what we would send (compared weakly), so that 304 will do."""
    given = headers.get("If-None-Match")
    if given is None:
        return False
    tags = [tag.strip().removeprefix("W/") for tag in given.split(",")]
    return "*" in tags or etag in tags


async def send(
    request: web.Request, part: OpenPart, span: Span | None, headers: Mapping[str, str]
) -> web.StreamResponse:
    """Answer with a part of a file, and close it.

    Args:
        request: GET or HEAD.
        part: open at its begin.
        span: from `wanted_span`; None: 416.
        headers: media type and names; those of ranges and conditions are added.
    """
    try:
        named = {
            **headers,
            "Accept-Ranges": "bytes",
            "ETag": part.etag,
            "Last-Modified": format_datetime(part.modified_at.astimezone(UTC), usegmt=True),
        }
        if has_it_already(request.headers, part.etag):
            return web.Response(status=HTTPStatus.NOT_MODIFIED, headers={"ETag": part.etag})
        if span is None:
            gone = {"Content-Range": f"bytes */{part.size}", "Accept-Ranges": "bytes"}
            return web.Response(status=HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, headers=gone)
        status = HTTPStatus.PARTIAL_CONTENT if span.is_part else HTTPStatus.OK
        if span.is_part:
            named["Content-Range"] = f"bytes {span.start}-{span.start + span.length - 1}/{part.size}"
        response = web.StreamResponse(status=status, headers=named)
        response.content_length = span.length
        await response.prepare(request)
        with suppress(ConnectionError):  # the listener went away, as players do when one seeks
            if request.method != "HEAD":
                await _copy(response, part, span)
            await response.write_eof()
        return response
    finally:
        await asyncio.to_thread(part.file.close)


async def _copy(response: web.StreamResponse, part: OpenPart, span: Span) -> None:
    await asyncio.to_thread(part.file.seek, span.start)
    left = span.length
    while left > 0:
        piece = await asyncio.to_thread(part.file.read, min(_CHUNK, left))
        if not piece:  # never seen, for what is stored is not changed; the client sees that bytes are missing
            response.force_close()
            raise ConnectionAbortedError("the file is shorter than it was")
        await response.write(piece)
        left -= len(piece)
