"""The two sides of a recording that were fetched from elsewhere, put into a folder as the dialplan include does.

Two copies of one leg begin some milliseconds apart (up to 60 measured) and end with the leg, at one moment. So they are
put together by their ends: the shorter side gets silence before its begin. A difference that no start explains is left
as it is, and the archive fills its end. What is visible is whole: the files get their names when they are on the disk,
the marker last. These functions block: call them in a thread.
"""

import os
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO

from gateway.domain.recordings import SpoolRole, is_spool_name
from recordings import wav
from recordings.codecs import as_our_error
from recordings.errors import BadName, NothingRecorded

LATEST_START_SECONDS = 1.0
"""Sides that differ by more did not merely begin at two moments."""
_COPY_BYTES = 1 << 20


class Pair:
    """One recording on its way into a folder; use it as a context manager, so that nothing half-done is left."""

    def __init__(self, folder: Path, name: str) -> None:
        """Make the folder where it is missing.

        Raises:
            BadName: the name is not one of a recording.
            OSError: the folder cannot be made.
        """
        if not is_spool_name(name):
            raise BadName
        folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        self._folder = folder
        self._name = name
        token = token_hex(8)
        self._parts = {role: folder / f".{name}.{token}{role}" for role in (SpoolRole.CLIENT, SpoolRole.MANAGER)}

    def __enter__(self) -> "Pair":
        return self

    def __exit__(self, *_: object) -> None:
        for part in self._parts.values():
            part.unlink(missing_ok=True)

    def create(self, role: SpoolRole) -> BinaryIO:
        """A new file for one side, CLIENT or MANAGER, that nobody sees yet."""
        return self._parts[role].open("w+b")

    def publish(self) -> None:
        """Put the sides together by their ends and show them.

        Raises:
            NothingRecorded: a side is no WAV file that is understood.
            NoSpace: the disk is full.
            OSError: it failed otherwise.
        """
        try:
            _align(self._parts[SpoolRole.CLIENT], self._parts[SpoolRole.MANAGER])
            for role, part in self._parts.items():
                _through(part)
                part.replace(self._folder / f"{self._name}{role}")
            (self._folder / f"{self._name}{SpoolRole.MARKER}").touch(mode=0o640)
        except OSError as failure:
            raise as_our_error(failure) from failure


def sweep_pairs(folder: Path) -> int:
    """Remove what a killed gateway left half-fetched; nobody else may be fetching into the folder."""
    left = [part for part in folder.glob(".*.wav") if part.is_file() and not part.is_symlink()]
    for part in left:
        part.unlink(missing_ok=True)
    return len(left)


def _align(one: Path, other: Path) -> None:
    """Give the shorter of two sides silence before its begin."""
    lengths = {}
    for path in (one, other):
        with path.open("rb") as file:
            report = wav.examine(file, unchanged_for=None)
        if report.format is None:
            raise NothingRecorded(reports=(report.reason,))
        lengths[path] = (report, report.format)
    short, long = sorted(lengths, key=lambda path: lengths[path][0].frames)
    report, form = lengths[short]
    missing = lengths[long][0].frames - report.frames
    if 0 < missing <= LATEST_START_SECONDS * form.sample_rate and lengths[long][1] == form:
        _pad(short, report, form, missing)


def _pad(path: Path, report: wav.WavReport, form: wav.WavFormat, missing: int) -> None:
    """Write a side anew with silence before it, as plain samples."""
    padded = path.with_name(f"{path.name}.padded.wav")
    try:
        with path.open("rb") as source, padded.open("wb") as target:
            target.write(wav.header(form.sample_rate, (missing + report.frames) * 2))
            target.write(b"\0\0" * missing)
            for block in wav.read_blocks(source, report, frames=_COPY_BYTES):
                target.write(block.astype("<i2", copy=False).tobytes())
        padded.replace(path)
    finally:
        padded.unlink(missing_ok=True)


def _through(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fchmod(descriptor, 0o640)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
