"""Recordings that come from another host in pieces, and are shown to the intake when they are whole.

    arriving/NAME-rx.wav.DIGEST.part   being received; the bytes there are are the file's first ones
    arriving/NAME-rx.wav               whole, and its SHA-256 is the sender's
    spool/NAME-rx.wav                  shown to the intake: moved there with all files of its recording, the marker last

The intake takes files without a marker too, once they have rested; so nothing is moved before the marker has come. A
file's name comes from outside: it is one of the dialplan include's, letters, digits and `._-`, or refused. Every step
can be repeated after a kill.
"""

import hashlib
import os
import re
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gateway.domain.errors import Rejected, TryAgain
from gateway.domain.recordings import SpoolRole, parse_spool_file
from gateway.domain.shipping import FILE_MAX, is_recording_file
from recordings.errors import BadName

_STEP = 1 << 20
GIVEN_UP = timedelta(days=7)
"""So long a file may lie half received before it is thrown away."""
_SWEEP_SECONDS = 3600.0
_DIGEST = re.compile(r"[0-9a-f]{64}")
_SOUND = (SpoolRole.CLIENT, SpoolRole.MANAGER, SpoolRole.MIXED)


class WrongOffset(Rejected, ValueError):
    """The file is received up to another byte; go on at the offset that the answer names."""

    def __init__(self, offset: int) -> None:
        super().__init__(f"{offset} bytes of this file are received; send on from there.")
        self.offset = offset


class WrongDigest(Rejected, ValueError):
    """The whole file is not the one whose digest was told: it changed, or was damaged on the way; send it again."""


class BadSize(Rejected, ValueError):
    """The file's size is not possible: a recorded file has at most 4 GiB, and no piece ends behind it."""


class NoRoomHere(TryAgain, OSError):
    """The gateway's disk is full, or too nearly so, to take recordings; make room there. It is tried again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """How far a file has come."""

    offset: int
    """Bytes that are received."""
    whole: bool
    """All of it is here, and verified."""


class Arrivals:
    """What arrives from one PBX's host."""

    def __init__(self, folder: Path, *, free_space_limit: int = 0) -> None:
        """Args:
        folder: of this PBX, ours alone; made where it is missing.
        free_space_limit: bytes that must stay free on its disk.
        """
        self._arriving = folder / "arriving"
        self.spool = folder / "spool"
        """What the intake looks into."""
        self._limit = free_space_limit
        self._swept_at = float("-inf")
        for made in (self._arriving, self.spool):
            made.mkdir(parents=True, exist_ok=True, mode=0o700)

    def look(self, file: str, digest: str) -> Arrived:
        """How far a file has come.

        Args:
            file: its name.
            digest: SHA-256 of the whole file, hexadecimal.

        Raises:
            BadName: no recording has a file of this name.
        """
        part = self._part(file, digest)
        whole = next((place / file for place in (self.spool, self._arriving) if (place / file).exists()), None)
        if whole is not None:
            return Arrived(offset=whole.stat().st_size, whole=True)
        with suppress(FileNotFoundError):
            return Arrived(offset=part.stat().st_size, whole=False)
        return Arrived(offset=0, whole=False)

    def put(self, file: str, digest: str, *, total: int, offset: int, data: bytes) -> Arrived:
        """Take the next piece of a file; with its last one the file is verified, with the marker all are shown.

        Args:
            file: its name.
            digest: SHA-256 of the whole file, hexadecimal.
            total: bytes of the whole file.
            offset: of the piece's first byte.
            data: the piece.

        Raises:
            BadName: no recording has a file of this name.
            BadSize: it ends behind the file's end.
            WrongOffset: other bytes are expected next.
            WrongDigest: the whole file is another one; what was received is thrown away.
            NoRoomHere: the disk is full.
        """
        part = self._part(file, digest)
        self._sweep_now_and_then()
        if not 0 <= offset + len(data) <= total <= FILE_MAX:
            raise BadSize
        there = self.look(file, digest)
        if there.whole:
            self._show(file)
            return there
        if there.offset != offset:
            raise WrongOffset(there.offset)
        try:
            self._append(part, data)
            if offset + len(data) < total:
                return Arrived(offset=offset + len(data), whole=False)
            self._verify(part, digest)
            part.replace(self._arriving / file)
            self._show(file)
        except OSError as fault:
            raise NoRoomHere from fault
        return Arrived(offset=total, whole=True)

    def is_waiting(self, name: str) -> bool:
        """Whether all of a recording lies in the folder that the intake looks into."""
        return (self.spool / f"{name}{SpoolRole.MARKER}").exists()

    def sweep(self, *, older_than: datetime) -> int:
        """Remove what nobody goes on sending; gives how many files."""
        removed = 0
        for path in self._arriving.iterdir():
            if path.stat().st_mtime < older_than.timestamp():
                path.unlink(missing_ok=True)
                removed += 1
        return removed

    def _sweep_now_and_then(self) -> None:
        """Halves that nobody goes on sending would fill the disk in the end; the sender begins such a file anew."""
        if time.monotonic() - self._swept_at >= _SWEEP_SECONDS:
            self._swept_at = time.monotonic()
            self.sweep(older_than=datetime.now(UTC) - GIVEN_UP)

    def _part(self, file: str, digest: str) -> Path:
        if not is_recording_file(file) or not _DIGEST.fullmatch(digest):
            raise BadName
        return self._arriving / f"{file}.{digest[:32]}.part"

    def _append(self, part: Path, data: bytes) -> None:
        if shutil.disk_usage(self._arriving).free - len(data) < self._limit:
            raise NoRoomHere
        with part.open("ab") as written:
            written.write(data)

    def _verify(self, part: Path, digest: str) -> None:
        found = hashlib.sha256()
        with part.open("rb") as received:
            while step := received.read(_STEP):
                found.update(step)
            os.fsync(received.fileno())
        if found.hexdigest() != digest:
            part.unlink()
            raise WrongDigest

    def _show(self, file: str) -> None:
        """Once the marker is here, show the recording's files to the intake, the marker last."""
        named = parse_spool_file(file)
        if named is None or named[1] is not SpoolRole.MARKER:
            return
        for role in (*_SOUND, SpoolRole.MARKER):
            with suppress(FileNotFoundError):
                (self._arriving / f"{named[0]}{role}").replace(self.spool / f"{named[0]}{role}")
