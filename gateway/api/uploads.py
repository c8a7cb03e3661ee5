"""Receives a file: streamed to a folder of ours under a name of ours, bounded in size and time, with its digest."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from aiohttp import web

from gateway.api.problems import BodyTooLargeError, SlowBodyError
from gateway.domain.errors import GiveUp, Rejected

IDLE_SECONDS = 30.0
UPLOAD_SECONDS = 900.0
_PIECE = 1 << 20


class EmptyFileError(Rejected, ValueError):
    """The file is empty; send it again with its rows."""


class NoRoomError(GiveUp, OSError):
    """The file cannot be stored: the gateway's disk is full or not writable; make room and send it again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A received file; it is removed with the block unless it was moved away."""

    path: Path
    size: int
    sha256: bytes


@asynccontextmanager
async def receive(request: web.Request, folder: Path, *, limit: int) -> AsyncIterator[Upload]:
    """Receive the body of a request as a file.

    Args:
        request: with its body unread.
        folder: where it is put; made where it is missing.
        limit: bytes it may have.

    Raises:
        BodyTooLargeError: it has more; the rest is not read.
        SlowBodyError: nothing came for 30 s, or the whole took longer than 15 min.
        EmptyFileError: nothing came at all.
        NoRoomError: it cannot be stored.
    """
    path = folder / f"{uuid4().hex}.part"
    try:
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with path.open("xb") as file:
                size, digest = await _receive(request, file, limit)
        except OSError as fault:
            raise NoRoomError from fault
        if not size:
            raise EmptyFileError
        yield Upload(path=path, size=size, sha256=digest)
    finally:
        path.unlink(missing_ok=True)


async def _receive(request: web.Request, file: BinaryIO, limit: int) -> tuple[int, bytes]:
    if (request.content_length or 0) > limit:
        raise BodyTooLargeError(limit)
    digest, size = hashlib.sha256(), 0
    async with asyncio.timeout(UPLOAD_SECONDS):
        while piece := await _piece(request):
            size += len(piece)
            if size > limit:
                raise BodyTooLargeError(limit)
            digest.update(piece)
            await asyncio.to_thread(file.write, piece)
    return size, digest.digest()


async def _piece(request: web.Request) -> bytes:
    try:
        async with asyncio.timeout(IDLE_SECONDS):
            return await request.content.read(_PIECE)
    except TimeoutError:
        raise SlowBodyError from None
