"""Sends finished recordings and removes them when their time is over: a file is gone only when the archive has it.

    in the folder -> finished (marker, or at rest for 15 min) -> asked for -> sent in pieces -> RECEIVED -> STORED
                                                                          after keep_days, asked once more: deleted

What was sent is not remembered here; the gateway is asked, also how many bytes of a file it has. So a ship that was
killed in the middle of a file goes on there. The folder belongs to the PBX's user: no link in it is followed.
"""

import asyncio
import hashlib
import logging
import os
import stat
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from gateway.domain.recordings import SpoolRole, parse_spool_file
from gateway.domain.shipping import CHUNK_BYTES, RecordingStanding
from shipping.link import Away, Elsewhere, Link, Pause, Refused
from shipping.options import RecordingOptions
from shipping.rows import packed

log = logging.getLogger(__name__)

_LOOK_SECONDS = 2.0
_REST_SECONDS = 15 * 60.0
_AT_ONCE = 200
_ASK_AGAIN = {RecordingStanding.RECEIVED: 30.0, RecordingStanding.KEEP: 86_400.0, RecordingStanding.STORED: 3600.0}
"""Seconds after which the gateway is asked again about a recording that stood so."""
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_DAY = 86_400.0
_REFUSED_SECONDS = 60.0
_SOUND = (SpoolRole.CLIENT, SpoolRole.MANAGER, SpoolRole.MIXED)


class Changed(Exception):
    """The file is not finished, or gone; it is looked at again later."""


@dataclass(slots=True, kw_only=True)
class Lying:
    """A recording as it lies here."""

    name: str
    roles: set[SpoolRole] = field(default_factory=set)
    modified_at: float = 0.0

    def is_finished(self, now: float) -> bool:
        """The PBX has said so, or nothing happens to it any more; sound is needed to be worth sending."""
        sounds = self.roles - {SpoolRole.MARKER}
        return bool(sounds) and (SpoolRole.MARKER in self.roles or now - self.modified_at > _REST_SECONDS)


def lying_in(folder: Path) -> list[Lying]:
    """Every recording of a folder, the youngest first; links and foreign names are left alone."""
    found: dict[str, Lying] = {}
    with os.scandir(folder) as entries:
        for entry in entries:
            named = parse_spool_file(entry.name)
            with suppress(FileNotFoundError):
                about = entry.stat(follow_symlinks=False)
                if named is None or not stat.S_ISREG(about.st_mode):
                    continue
                lying = found.setdefault(named[0], Lying(name=named[0]))
                lying.roles.add(named[1])
                lying.modified_at = max(lying.modified_at, about.st_mtime)
    return sorted(found.values(), key=lambda lying: lying.modified_at, reverse=True)


class RecordingShipper:
    """Sends the recordings of one folder; `run` is its one task."""

    def __init__(
        self, options: RecordingOptions, link: Link, *, pbx: str, clock: Callable[[], float] = time.time
    ) -> None:
        """Args:
        options: the folder and its rules.
        link: to the gateway.
        pbx: the PBX's name there.
        clock: seconds since 1970.
        """
        self._options = options
        self._link = link
        self._path = f"/pbx/{pbx}/recordings"
        self._clock = clock
        self._known: dict[str, tuple[RecordingStanding, float]] = {}
        """How a recording stood when it was last asked for."""
        self._told = ""
        self.sent_bytes = 0

    async def run(self) -> None:
        """Send for ever, until cancelled."""
        pause = Pause()
        while True:
            try:
                await self.round()
                pause.well()
                self._tell("")
                await asyncio.sleep(_LOOK_SECONDS)
            except Away as fault:
                self._tell(str(fault))
                await pause.wait(fault.retry_after)
            except Refused as fault:
                self._tell(str(fault))
                await asyncio.sleep(_REFUSED_SECONDS)
            except OSError as fault:
                self._tell(f"the folder of recordings cannot be read: {fault.strerror}")
                await pause.wait()

    async def round(self) -> None:
        """Look once, send what is finished, remove what may go."""
        lying = await asyncio.to_thread(lying_in, self._options.folder)
        finished = [one for one in lying if one.is_finished(self._clock())]
        self._known = {one.name: self._known[one.name] for one in finished if one.name in self._known}
        due = [one for one in finished if self._is_due(one)]
        for start in range(0, len(due), _AT_ONCE):
            block = due[start : start + _AT_ONCE]
            standings = await self._standings([one.name for one in block])
            for one in block:
                await self._settle(one, standings.get(one.name, RecordingStanding.KEEP))

    def _is_due(self, lying: Lying) -> bool:
        known = self._known.get(lying.name)
        if known is None:
            return True
        standing, asked_at = known
        if standing is RecordingStanding.STORED and not self._may_go(lying):
            return False
        return self._clock() - asked_at > _ASK_AGAIN.get(standing, 0.0)

    async def _settle(self, lying: Lying, standing: RecordingStanding) -> None:
        if standing is RecordingStanding.UNKNOWN:
            try:
                await self._send(lying)
            except Changed:
                return
            standing = RecordingStanding.RECEIVED
        if standing is RecordingStanding.STORED and self._may_go(lying):
            removed = await asyncio.to_thread(self._remove, lying)
            log.info("a recording's time is over here; %d files removed", removed)
            return
        self._known[lying.name] = standing, self._clock()

    def _may_go(self, lying: Lying) -> bool:
        return self._clock() - lying.modified_at >= self._options.keep_days * _DAY

    def _remove(self, lying: Lying) -> int:
        """The marker last, so that what a crash leaves is found again."""
        removed = 0
        for role in (*_SOUND, SpoolRole.MARKER):
            with suppress(FileNotFoundError):
                (self._options.folder / f"{lying.name}{role}").unlink()
                removed += 1
        return removed

    async def _standings(self, names: Sequence[str]) -> Mapping[str, RecordingStanding]:
        body, headers = packed({"names": list(names)})
        told = await self._link.ask("POST", f"{self._path}/standings", body, headers)
        items = told.get("items")
        rows = [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
        known = {str(standing): standing for standing in RecordingStanding}
        return {str(row.get("name")): known[s] for row in rows if (s := str(row.get("standing"))) in known}

    async def _send(self, lying: Lying) -> None:
        """All its sound, then the marker, by which the gateway knows that it has everything."""
        for role in _SOUND:
            if role in lying.roles:
                await self._send_file(f"{lying.name}{role}")
        await self._put(f"{lying.name}{SpoolRole.MARKER}", hashlib.sha256(b"").hexdigest(), 0, 0, b"")

    async def _send_file(self, name: str) -> None:
        path = self._options.folder / name
        digest, total = await asyncio.to_thread(_digest, path)
        told = await self._link.ask("GET", f"{self._path}/{name}?sha256={digest}")
        if told.get("whole") is True:
            return
        offset, corrections = _offset(told), 0
        for_file = Pause()
        while offset < total or total == 0:
            data = await asyncio.to_thread(_piece, path, offset, self._step(), total)
            began = time.monotonic()
            try:
                told = await self._put(name, digest, total, offset, data)
            except Elsewhere:
                corrections += 1
                if corrections > 10:
                    raise Away("another ship sends the same file; waiting for it") from None
                await for_file.wait()
                told = await self._link.ask("GET", f"{self._path}/{name}?sha256={digest}")
            if told.get("whole") is True:
                return
            offset = _offset(told)
            self.sent_bytes += len(data)
            await self._rest(len(data), time.monotonic() - began)

    async def _put(self, name: str, digest: str, total: int, offset: int, data: bytes) -> dict[str, object]:
        path = f"{self._path}/{name}?sha256={digest}&total={total}&offset={offset}"
        return await self._link.ask("PUT", path, data, {"Content-Type": "application/octet-stream"})

    def _step(self) -> int:
        """Bytes of a piece: of a slow line no more than a second's."""
        limit = self._options.kilobytes_per_second * 1000
        return min(CHUNK_BYTES, limit) if limit else CHUNK_BYTES

    async def _rest(self, size: int, spent: float) -> None:
        limit = self._options.kilobytes_per_second * 1000
        if limit:
            await asyncio.sleep(max(0.0, size / limit - spent))

    def _tell(self, words: str) -> None:
        if words and words != self._told:
            log.warning("recordings wait: %s", words)
        elif self._told and not words:
            log.info("recordings are sent again")
        self._told = words


def _offset(told: Mapping[str, object]) -> int:
    found = told.get("offset")
    return found if isinstance(found, int) else 0


def _read(path: Path, offset: int, size: int) -> Iterator[bytes]:
    """Bytes of a plain file, without following a link.

    Raises:
        Changed: it is gone, or something else stands in its place.
    """
    try:
        descriptor = os.open(path, _OPEN)
    except OSError as fault:
        raise Changed from fault
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise Changed
        file.seek(offset)
        left = size
        while left > 0 and (data := file.read(min(CHUNK_BYTES, left))):
            left -= len(data)
            yield data


def _digest(path: Path) -> tuple[str, int]:
    digest, total = hashlib.sha256(), 0
    for data in _read(path, 0, 1 << 62):
        digest.update(data)
        total += len(data)
    return digest.hexdigest(), total


def _piece(path: Path, offset: int, size: int, total: int) -> bytes:
    data = b"".join(_read(path, offset, min(size, total - offset)))
    if len(data) < min(size, total - offset):
        raise Changed
    return data
