"""FLAC and MP3 through libsndfile, with honest errors.

libsndfile reports a full disk as a short count, an assertion or not at all. So it writes through a small
file object of ours which keeps the operating system's own error, and everything is read back afterwards
(see `archive`). Two traps, both measured with libsndfile 1.2.2: MP3 in stereo from int16 blocks comes out
half noise (it copies half of each block, libsndfile pull request 1106), so MP3 is fed with float32; a bit
rate too low for the sample rate makes LAME resample and the sound is lost, so the rates are a fixed table.
The bit rate is constant, because a browser that seeks in a long MP3 of variable rate lands seconds beside
the sentence.
"""

import errno
import hashlib
import io
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import soundfile

from recordings.errors import NoSpace, VerificationFailed
from recordings.wav import Samples

MP3_KILOBITS = {8000: 40, 16000: 64, 24000: 96, 32000: 128, 48000: 128}  # by sample rate
_NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_TO_FLOAT = np.float32(1 / 32768)


class _Sink:
    """The file as libsndfile sees it; an error is kept, since none may pass through C."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.failure: OSError | None = None

    def write(self, data: bytes) -> int:
        try:
            self._file.write(data)
            self._file.flush()
        except OSError as failure:
            self.failure = self.failure or failure
            return 0
        return len(data)

    def read(self, size: int = -1) -> bytes:
        try:
            return self._file.read(size)
        except OSError as failure:
            self.failure = self.failure or failure
            return b""

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        try:
            return self._file.seek(offset, whence)
        except OSError as failure:
            self.failure = self.failure or failure
            return self._file.tell()

    def tell(self) -> int:
        return self._file.tell()


class Encoder:
    """Writes one compressed file block by block; `close` or `abandon` it."""

    def __init__(self, sink: _Sink, sound: soundfile.SoundFile, *, as_float: bool) -> None:
        self._sink = sink
        self._sound = sound
        self._as_float = as_float

    def write(self, block: Samples) -> None:
        """Encode `(frames, channels)` int16.

        Raises:
            NoSpace: the disk is full.
            OSError: it failed otherwise.
        """
        try:
            self._sound.write(block.astype(np.float32) * _TO_FLOAT if self._as_float else block)
        except (AssertionError, soundfile.LibsndfileError) as complaint:
            raise _cause(self._sink) from complaint
        if self._sink.failure:
            raise _cause(self._sink)

    def close(self) -> None:
        """Write what is left and the final header; the file under it stays open.

        Raises:
            NoSpace: the disk is full.
            OSError: it failed otherwise.
        """
        try:
            self._sound.close()
        except soundfile.LibsndfileError as complaint:
            raise _cause(self._sink) from complaint
        if self._sink.failure:
            raise _cause(self._sink)

    def abandon(self) -> None:
        """Let go of a file that is of no use any more; says nothing about errors."""
        try:
            self._sound.close()
        except soundfile.LibsndfileError:
            return


def as_our_error(failure: OSError) -> OSError:
    """A full disk as `NoSpace`; every other error of the operating system as it is."""
    if failure.errno in _NO_SPACE:
        full = NoSpace()
        full.errno = failure.errno
        return full
    return failure


def open_flac(file: BinaryIO, *, sample_rate: int, channels: int) -> Encoder:
    """Begin a FLAC file of 16 bits.

    Args:
        file: empty, open for reading and writing.
        sample_rate: Hz.

    Raises:
        NoSpace: the disk is full.
    """
    return _open(file, sample_rate, channels, {"format": "FLAC", "subtype": "PCM_16"}, as_float=False)


def open_mp3(file: BinaryIO, *, sample_rate: int, channels: int) -> Encoder:
    """Begin an MP3 file of constant bit rate, 40 kbit/s at 8 kHz.

    Args:
        file: empty, open for reading and writing.
        sample_rate: Hz, one of `MP3_KILOBITS`.

    Raises:
        NoSpace: the disk is full.
    """
    form = {"format": "MP3", "subtype": "MPEG_LAYER_III", "bitrate_mode": "CONSTANT"}
    return _open(file, sample_rate, channels, {**form, "compression_level": _mp3_level(sample_rate)}, as_float=True)


def _open(file: BinaryIO, rate: int, channels: int, form: Mapping[str, str | float], *, as_float: bool) -> Encoder:
    sink = _Sink(file)
    try:
        sound = soundfile.SoundFile(sink, "w", rate, channels, **form)
    except soundfile.LibsndfileError as complaint:
        raise _cause(sink) from complaint
    return Encoder(sink, sound, as_float=as_float)


def _cause(sink: _Sink) -> OSError | VerificationFailed:
    if sink.failure is None:
        return VerificationFailed("The encoder refused a block of sound; nothing was stored.")
    return as_our_error(sink.failure)


def _mp3_level(sample_rate: int) -> float:
    """libsndfile takes the bit rate as a share of what the MPEG version of that sample rate spans."""
    lowest, highest = (8, 64) if sample_rate < 16000 else (8, 160) if sample_rate < 32000 else (32, 320)
    return 1 - (MP3_KILOBITS[sample_rate] - lowest) / (highest - lowest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """What a compressed file really holds."""

    frames: int
    sample_rate: int
    channels: int
    pcm_sha256: str
    """SHA-256 of the interleaved little-endian 16-bit samples."""


def decode(file: BinaryIO, *, block_frames: int = 64000) -> Decoded:
    """Decode a FLAC or MP3 file from its begin to its end, in constant memory.

    Raises:
        VerificationFailed: it cannot be decoded.
        OSError: it cannot be read.
    """
    file.seek(0)
    sink = _Sink(file)
    frames, digest = 0, hashlib.sha256()
    try:
        with soundfile.SoundFile(sink) as sound:
            while len(block := sound.read(block_frames, dtype="int16", always_2d=True)):
                frames += len(block)
                digest.update(block.astype("<i2", copy=False).tobytes())
            rate, channels = int(sound.samplerate), int(sound.channels)
    except soundfile.LibsndfileError as complaint:
        raise (sink.failure or VerificationFailed()) from complaint
    if sink.failure:
        raise sink.failure
    return Decoded(frames=frames, sample_rate=rate, channels=channels, pcm_sha256=digest.hexdigest())


def file_sha256(file: BinaryIO) -> str:
    """SHA-256 of a file's bytes, in constant memory."""
    file.seek(0)
    digest = hashlib.sha256()
    while piece := file.read(1 << 20):
        digest.update(piece)
    return digest.hexdigest()


def write_through(file: BinaryIO) -> None:
    """Bring a file to the disk and drop it from the cache, so that reading it back asks the disk.

    Raises:
        NoSpace: the disk is full.
    """
    try:
        file.flush()
        os.fsync(file.fileno())
    except OSError as failure:
        raise as_our_error(failure) from failure
    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
