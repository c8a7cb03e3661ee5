"""From the PBX's files of one call to a verified archive: FLAC, MP3 for playing, peaks.

The two mono files of the dialplan include become one stereo file, channel 0 the manager and channel 1 the
client; both begin at the first moment of talk, so the shorter one gets silence at its end. Everything runs
block by block in constant memory. Before anything becomes visible the FLAC is brought to the disk, decoded
again and compared sample by sample (count and SHA-256 of the PCM) with what was read. Where it is put is
the business of a `Staging`. These functions compute and block: call them in a thread (`asyncio.to_thread`),
with a way to stop.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from itertools import chain, repeat
from typing import BinaryIO, Protocol

import numpy as np

from gateway.domain.recordings import RecordingPart, Speaker
from recordings import codecs, wav
from recordings.errors import Interrupted, NothingRecorded, StillGrowing, VerificationFailed, WrongSources
from recordings.peaks import PeaksWriter
from recordings.wav import Samples, WavReport, WavState

BLOCK_SECONDS = 4  # 32,000 frames at 8 kHz; a whole number of peaks


class Layout(StrEnum):
    """What the channels of an archive are."""

    SPEAKERS = "speakers"  # stereo: 0 manager, 1 client
    MIXED = "mixed"  # mono: both speakers in one channel, nobody can tell them apart


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """The PBX's files of one recording, open for reading; either the two sides or one mixed file."""

    client: BinaryIO | None = None
    manager: BinaryIO | None = None
    mixed: BinaryIO | None = None
    """Used only where neither side can be read."""
    unchanged_for: timedelta | None = None
    """How long the files have been seen not to change; None: the PBX said that they are closed."""
    settle: timedelta = wav.SETTLE
    """How long they must rest before a file with an unfinished header counts as given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """What was stored, as it was verified by reading it back."""

    layout: Layout
    sample_rate: int
    """Hz"""
    frames: int
    flac_bytes: int
    flac_sha256: str
    pcm_sha256: str
    """SHA-256 of the interleaved little-endian 16-bit samples: the same sound, the same hash."""
    mp3_bytes: int
    peaks_bytes: int
    client: WavReport | None
    """What the client's file was; None: there was none."""
    manager: WavReport | None
    mixed: WavReport | None

    @property
    def duration(self) -> timedelta:
        """Length of the archive."""
        return timedelta(seconds=self.frames / self.sample_rate)

    @property
    def speakers(self) -> tuple[Speaker, ...]:
        """Whose own sound is in the archive; a side that was missing or unreadable is silence there."""
        heard = ((Speaker.MANAGER, self.manager), (Speaker.CLIENT, self.client))
        return tuple(who for who, report in heard if report is not None and report.is_readable)

    @property
    def is_complete(self) -> bool:
        """Whether nothing of the PBX's files is left behind: only then may its copy be deleted."""
        reports = [report for report in (self.client, self.manager, self.mixed) if report is not None]
        return all(report.is_readable or report.state is WavState.EMPTY for report in reports)


class Staging(Protocol):
    """A place in which the parts of one recording are prepared and then shown together."""

    def create(self, part: RecordingPart) -> BinaryIO:
        """A new empty file, readable and writable, that nobody sees yet."""

    def publish(self) -> None:
        """Show all parts, the FLAC last; never over a stored recording."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """Which files become which channels."""

    layout: Layout
    channels: tuple[tuple[BinaryIO, WavReport] | None, ...]
    """None: a silent channel."""
    sample_rate: int
    frames: int
    client: WavReport | None
    manager: WavReport | None
    mixed: WavReport | None


def _never() -> bool:
    return False


def make_archive(sources: Sources, staging: Staging, *, stopping: Callable[[], bool] = _never) -> Archive:
    """Make, verify and publish the archive of one recording.

    Args:
        sources: the PBX's files; they are only read.
        staging: where the parts are put; when this raises, nothing of them has been published.
        stopping: asked before each block; true gives up with `Interrupted`.

    Raises:
        StillGrowing: a file is being written.
        NothingRecorded: no file holds a readable sound.
        WrongSources: a side is not mono, or the sides have different sample rates.
        NoSpace: the disk is full.
        VerificationFailed: what was read back is not what was written.
        AlreadyStored: another sound is stored under this id.
        Interrupted: `stopping` said so.
        OSError: a file could not be read or written.
    """
    plan = _plan(sources)
    flac, mp3, peaks = (staging.create(part) for part in RecordingPart)
    try:
        pcm_sha256 = _write(plan, flac, mp3, peaks, stopping)
    except OSError as failure:
        raise codecs.as_our_error(failure) from failure
    for file in (flac, mp3, peaks):
        codecs.write_through(file)
    if stopping():
        raise Interrupted
    _verify(plan, pcm_sha256, flac, mp3)
    archive = Archive(
        layout=plan.layout,
        sample_rate=plan.sample_rate,
        frames=plan.frames,
        flac_bytes=flac.seek(0, 2),
        flac_sha256=codecs.file_sha256(flac),
        pcm_sha256=pcm_sha256,
        mp3_bytes=mp3.seek(0, 2),
        peaks_bytes=peaks.seek(0, 2),
        client=plan.client,
        manager=plan.manager,
        mixed=plan.mixed,
    )
    staging.publish()
    return archive


def _plan(sources: Sources) -> _Plan:
    """Examine the files and decide the layout: two sides if one of them can be read, else the mixed file."""
    client, manager, mixed = (_examine(file, sources) for file in (sources.client, sources.manager, sources.mixed))
    found = [pair[1] for pair in (client, manager, mixed) if pair]
    if any(report.state is WavState.GROWING for report in found):
        raise StillGrowing
    sides = (manager, client)
    layout = Layout.SPEAKERS if any(map(_readable, sides)) else Layout.MIXED
    channels = tuple(map(_readable, sides if layout is Layout.SPEAKERS else (mixed,)))
    formats = {pair[1].format for pair in channels if pair}
    rates = {form.sample_rate for form in formats if form}
    if not rates:
        raise NothingRecorded(reports=tuple(f"{report.state}: {report.reason}" for report in found))
    if len(rates) > 1 or any(form.channels != 1 for form in formats if form):
        raise WrongSources
    return _Plan(
        layout=layout,
        channels=channels,
        sample_rate=rates.pop(),
        frames=max(pair[1].frames for pair in channels if pair),
        client=client and client[1],
        manager=manager and manager[1],
        mixed=mixed and mixed[1],
    )


def _examine(file: BinaryIO | None, sources: Sources) -> tuple[BinaryIO, WavReport] | None:
    if file is None:
        return None
    return file, wav.examine(file, unchanged_for=sources.unchanged_for, settle=sources.settle)


def _readable(pair: tuple[BinaryIO, WavReport] | None) -> tuple[BinaryIO, WavReport] | None:
    return pair if pair and pair[1].is_readable else None


def _blocks(plan: _Plan) -> Iterator[Samples]:
    """The sound of the archive, `(frames, channels)` int16, a channel that ends early filled with silence."""
    size = BLOCK_SECONDS * plan.sample_rate
    streams = [
        chain(wav.read_blocks(*pair, frames=size) if pair else (), repeat(np.zeros((0, 1), np.int16)))
        for pair in plan.channels
    ]
    for start in range(0, plan.frames, size):
        block: Samples = np.zeros((min(size, plan.frames - start), len(streams)), np.int16)
        for channel, stream in enumerate(streams):
            piece = next(stream)
            block[: len(piece), channel] = piece[:, 0]
        yield block


def _write(plan: _Plan, flac: BinaryIO, mp3: BinaryIO, peaks: BinaryIO, stopping: Callable[[], bool]) -> str:
    """Encode all parts in one pass; gives the SHA-256 of the PCM."""
    rate, channels = plan.sample_rate, len(plan.channels)
    digest = hashlib.sha256()
    with ExitStack() as undo:
        encoders = []
        for file, begin in ((flac, codecs.open_flac), (mp3, codecs.open_mp3)):
            encoders.append(begin(file, sample_rate=rate, channels=channels))
            undo.callback(encoders[-1].abandon)
        picture = PeaksWriter(peaks, sample_rate=rate, channels=channels)
        for block in _blocks(plan):
            if stopping():
                raise Interrupted
            digest.update(block.astype("<i2", copy=False).tobytes())
            for encoder in encoders:
                encoder.write(block)
            picture.add(block)
        for encoder in encoders:
            encoder.close()
        picture.close()
    return digest.hexdigest()


def _verify(plan: _Plan, pcm_sha256: str, flac: BinaryIO, mp3: BinaryIO) -> None:
    """Compare what stands on the disk with what was read from the PBX."""
    kept = codecs.decode(flac)
    if (kept.frames, kept.sample_rate, kept.channels) != (plan.frames, plan.sample_rate, len(plan.channels)):
        raise VerificationFailed
    if kept.pcm_sha256 != pcm_sha256:
        raise VerificationFailed
    played = codecs.decode(mp3)
    if (played.frames, played.sample_rate) != (plan.frames, plan.sample_rate):
        raise VerificationFailed("The MP3 has another length than the archive; nothing was stored.")
