"""A recording as the recogniser wants it: 16 kHz float samples, a block or a cut at a time.

A two-hour stereo call is 0.9 GB as 16 kHz floats, so the file is never held as a whole: the voice detector
reads it once in blocks, and the recogniser reads each utterance again by its place. WAV and FLAC of any usual
rate, one channel or two. A WAV writer that was killed leaves a header that says "0 bytes of sound";
libsndfile then reads nothing and reports nothing, so such a header is read as "to the end of the file".
"""

import io
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from transcription.errors import UnreadableRecordingError

SAMPLE_RATE = 16_000
Samples = npt.NDArray[np.float32]

_BLOCK_SECONDS = 30
_MARGIN_SECONDS = 0.05
_RATES = range(4_000, 384_001)


class Recording:
    """An open recording."""

    def __init__(self, path: Path, file: soundfile.SoundFile) -> None:
        self.path = path
        self.channels = int(file.channels)
        """1 or 2."""
        self.duration = file.frames / file.samplerate
        """Seconds."""
        self._file = file
        self._rate = int(file.samplerate)

    def blocks(self) -> Iterator[Samples]:
        """Read from start to end.

        Yields:
            Blocks (channels, frames) float32 in [-1, 1] at 16 kHz, about 30 s each.

        Raises:
            UnreadableRecordingError: The file breaks off in a way that cannot be decoded.
        """
        stream = soxr.ResampleStream(self._rate, SAMPLE_RATE, self.channels, dtype="float32", quality="HQ")
        self._file.seek(0)
        while len(block := self._read(self._rate * _BLOCK_SECONDS)):
            yield np.ascontiguousarray(stream.resample_chunk(block).T)
        yield np.ascontiguousarray(stream.resample_chunk(block, last=True).T)

    def cut(self, channel: int, start: float, end: float) -> Samples:
        """Read one stretch of one channel.

        Args:
            channel: 0 or 1.
            start: Seconds from the start of the recording.
            end: Seconds from the start of the recording.

        Returns:
            Samples (frames,) float32 in [-1, 1] at 16 kHz.

        Raises:
            UnreadableRecordingError: See `blocks`.
        """
        first = max(0, int((start - _MARGIN_SECONDS) * self._rate))
        self._file.seek(min(first, self._file.frames))
        block = self._read(int((end + _MARGIN_SECONDS) * self._rate) - first)[:, channel]
        resampled = soxr.resample(block, self._rate, SAMPLE_RATE, quality="HQ")
        skip = int((start - first / self._rate) * SAMPLE_RATE)
        return np.ascontiguousarray(resampled[skip : skip + round((end - start) * SAMPLE_RATE)], dtype=np.float32)

    def _read(self, frames: int) -> Samples:
        try:
            block = self._file.read(frames, dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as error:
            raise UnreadableRecordingError(self.path, f"the sound breaks off ({error.error_string})") from error
        return np.asarray(np.clip(np.nan_to_num(block), -1.0, 1.0), np.float32)


@contextmanager
def open_recording(path: Path) -> Iterator[Recording]:
    """Open a WAV or FLAC file.

    Args:
        path: The file.

    Yields:
        The recording; a file without sound has duration 0.

    Raises:
        UnreadableRecordingError: Missing, no sound file, more than two channels, or a rate out of 4 to 384
        kHz.
    """
    try:
        with path.open("rb") as raw, soundfile.SoundFile(_repaired(raw)) as file:
            if file.channels > 2:
                raise UnreadableRecordingError(path, f"it has {file.channels} channels")
            if file.samplerate not in _RATES:
                raise UnreadableRecordingError(path, f"its rate is {file.samplerate} Hz, allowed are 4000 to 384000")
            yield Recording(path, file)
    except soundfile.LibsndfileError as error:
        raise UnreadableRecordingError(path, f"not a sound file ({error.error_string.strip()})") from error
    except OSError as error:
        raise UnreadableRecordingError(path, f"it cannot be opened ({error.strerror})") from error


class _WithHeader(io.RawIOBase):
    """A file whose first bytes are replaced, without touching it."""

    def __init__(self, raw: io.BufferedReader, header: bytes) -> None:
        super().__init__()
        self._raw = raw
        self._header = header

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        at = self._raw.tell()
        count = self._raw.readinto(buffer)
        if at < len(self._header):
            fixed = self._header[at : at + count]
            buffer[: len(fixed)] = fixed
        return count

    def read(self, size: int = -1) -> bytes:
        at = self._raw.tell()
        data = self._raw.read(size)
        fixed = self._header[at : at + len(data)]
        return fixed + data[len(fixed) :]

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._raw.seek(offset, whence)

    def tell(self) -> int:
        return self._raw.tell()

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True


def _repaired(raw: io.BufferedReader) -> "io.BufferedReader | _WithHeader":
    """Give the file itself, or a view of it whose WAV header says how much sound really follows."""
    head = raw.read(4096)
    length = raw.seek(0, io.SEEK_END)
    raw.seek(0)
    data = _data_chunk(head)
    if data is None or 0 < _size_at(head, data) <= length - data - 8 or length <= data + 8:
        return raw
    sound = length - data - 8
    fixed = bytearray(head[: data + 8])
    fixed[4:8] = struct.pack("<I", min(length - 8, 0xFFFFFFF0))
    fixed[data + 4 : data + 8] = struct.pack("<I", min(sound, 0xFFFFFFF0))
    return _WithHeader(raw, bytes(fixed))


def _data_chunk(head: bytes) -> int | None:
    """Find where a RIFF WAVE file's data chunk begins; None when it is another kind of file."""
    if head[:4] != b"RIFF" or head[8:12] != b"WAVE":
        return None
    at = 12
    while at + 8 <= len(head):
        if head[at : at + 4] == b"data":
            return at
        size = _size_at(head, at)
        at += 8 + size + size % 2
    return None


def _size_at(head: bytes, chunk: int) -> int:
    return int(struct.unpack_from("<I", head, chunk + 4)[0])
