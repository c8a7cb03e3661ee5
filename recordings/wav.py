"""The true state of a WAV file, told from its bytes and never from its header alone.

Asterisk writes the header with length 0, appends in flushes of 64 KiB (4.1 s at 8 kHz) and corrects the
header only when it closes the file. So a file that is being written and one whose Asterisk was killed look
alike, and libraries read both as zero frames **without an error**. This module compares header and size,
tells them apart by time, and gives a view of the samples that are really there. The original is never
changed: repair happens while reading. Format: RIFF/WAVE (Multimedia Programming Interface 1.0), format tags
1 PCM, 6 A-law, 7 mu-law (RFC 2361), ITU-T G.711.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from recordings.errors import SourceChanged

Samples = npt.NDArray[np.int16]
"""`(frames, channels)` int16 in [-32768, 32767]."""

SETTLE = timedelta(seconds=30)  # several flushes of 4.1 s; a leg that sends nothing for a while makes longer gaps
SAMPLE_RATES = (8000, 16000, 24000, 32000, 48000)
LONGEST_HEADER = 65536  # bytes in which the data chunk must begin; chunks before it are small in every recorder
MOST_CHUNKS = 64  # behind the sound; a hostile file could hold millions of empty ones
_EXTENSIBLE = 0xFFFE
_SUBFORMAT_TAIL = bytes.fromhex("000000001000800000aa00389b71")


class WavState(StrEnum):
    """The verdict on one file."""

    WHOLE = "whole"  # header and size agree
    REPAIRED = "repaired"  # readable; the header is wrong and the size was believed
    GROWING = "growing"  # being written now
    EMPTY = "empty"  # no sound in it, and nobody writes it any more
    DAMAGED = "damaged"  # not a WAV file, or not one of a kind that is understood


class Encoding(StrEnum):
    """How a sample is written."""

    PCM16 = "pcm16"
    ALAW = "alaw"
    MULAW = "mulaw"


_ENCODINGS = {(1, 16): Encoding.PCM16, (6, 8): Encoding.ALAW, (7, 8): Encoding.MULAW}


@dataclass(frozen=True, slots=True, kw_only=True)
class WavFormat:
    """How the sound of a file is written."""

    encoding: Encoding
    sample_rate: int
    """Hz"""
    channels: int

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample of every channel."""
        return self.channels * (2 if self.encoding is Encoding.PCM16 else 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class WavReport:
    """What a file really holds."""

    state: WavState
    reason: str = ""
    """Plain words for a person; empty when the file is whole."""
    format: WavFormat | None = None
    """None when the header could not be read."""
    file_bytes: int
    data_offset: int = 0
    """Byte at which the sound begins."""
    frames: int = 0
    """Frames that are really there and complete."""

    @property
    def is_readable(self) -> bool:
        """Whether the sound may be archived."""
        return self.state in (WavState.WHOLE, WavState.REPAIRED)

    @property
    def duration(self) -> timedelta:
        """Length of the sound that is there."""
        return timedelta(seconds=self.frames / self.format.sample_rate) if self.format else timedelta(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Header:
    """The header as written: a problem, or a format with the place and declared length of the sound."""

    problem: str = ""
    incomplete: bool = False
    format: WavFormat | None = None
    data_offset: int = 0
    declared: int = 0


def examine(file: BinaryIO, *, unchanged_for: timedelta | None, settle: timedelta = SETTLE) -> WavReport:
    """Tell what a file really holds. Reads the header and at most the chunks behind the sound.

    Args:
        file: open for reading and seekable; its position is moved.
        unchanged_for: how long size and time of change have been seen not to change; None when the writer is
            known to be done (completion marker).
        settle: how long a file whose header is not finished must rest before it counts as given up.

    Raises:
        OSError: the file could not be read.
    """
    file.seek(0, 2)
    size = file.tell()
    file.seek(0)
    header = _read_header(file.read(LONGEST_HEADER))
    report = _judge(file, header, size)
    finished = unchanged_for is None or unchanged_for >= settle
    if finished or report.state is WavState.WHOLE or not _may_grow(header, report):
        return report
    return replace(report, state=WavState.GROWING, reason="the PBX still writes this file")


def read_blocks(file: BinaryIO, report: WavReport, *, frames: int) -> Iterator[Samples]:
    """Read the sound of an examined file block by block, in constant memory.

    Args:
        file: the file that was examined; its position is moved.
        report: the verdict; frames added to the file since then are not read.
        frames: frames a block, the last one may be shorter.

    Yields:
        `(frames, channels)` int16.

    Raises:
        SourceChanged: the file has become shorter since it was examined.
    """
    if report.format is None:
        return
    file.seek(report.data_offset)
    left = report.frames
    while left:
        count = min(left, frames)
        raw = file.read(count * report.format.frame_bytes)
        if len(raw) != count * report.format.frame_bytes:
            raise SourceChanged
        yield _decode(raw, report.format)
        left -= count


def header(sample_rate: int, data_bytes: int) -> bytes:
    """The 44 bytes before the sound of a mono file of 16 bits.

    Args:
        sample_rate: Hz.
        data_bytes: length of the sound, less than 4 GiB.
    """
    form = struct.pack("<HHIIHH", 1, 1, sample_rate, sample_rate * 2, 2, 16)
    riff = struct.pack("<4sI4s4sI", b"RIFF", 36 + data_bytes, b"WAVE", b"fmt ", len(form))
    return riff + form + struct.pack("<4sI", b"data", data_bytes)


def _may_grow(header: _Header, report: WavReport) -> bool:
    """Whether this is how a file looks whose writer is still at work."""
    return header.incomplete or report.state in (WavState.REPAIRED, WavState.EMPTY)


def _judge(file: BinaryIO, header: _Header, size: int) -> WavReport:
    if size == 0:
        return WavReport(state=WavState.EMPTY, reason="the file has no bytes", file_bytes=0)
    if header.format is None:
        return WavReport(state=WavState.DAMAGED, reason=header.problem, file_bytes=size)
    there = size - header.data_offset
    if header.declared <= there and _chunks_reach_the_end(file, header.data_offset + header.declared, size):
        length, reason = header.declared, ""
    else:
        length, reason = there, _length_problem(header.declared, there)
    frames, odd = divmod(length, header.format.frame_bytes)
    if odd:
        reason = "; ".join(filter(None, (reason, f"{odd} odd bytes at the end do not make a whole sample")))
    state = WavState.EMPTY if frames == 0 else WavState.REPAIRED if reason else WavState.WHOLE
    return WavReport(
        state=state,
        reason=reason or ("the file holds no sound" if frames == 0 else ""),
        format=header.format,
        file_bytes=size,
        data_offset=header.data_offset,
        frames=frames,
    )


def _length_problem(declared: int, there: int) -> str:
    if declared == 0:
        return f"the header says 0 bytes of sound, {there} are there: the recorder was stopped before it closed"
    if declared < there:
        return f"the header says {declared} bytes of sound, {there} are there"
    return f"the header says {declared} bytes of sound, only {there} are there: the end is lost"


def _chunks_reach_the_end(file: BinaryIO, offset: int, size: int) -> bool:
    """Whether nothing, or a row of well-formed chunks, lies between the sound and the end of the file.

    Sound that goes on where the header ends it does not look like chunks that end with the file to the byte.
    """
    for _ in range(MOST_CHUNKS):
        if offset >= size:
            break
        if offset % 2 and size - offset == 1:
            return True  # the padding byte of RIFF
        file.seek(offset + offset % 2)
        head = file.read(8)
        if len(head) < 8 or not all(0x20 <= byte < 0x7F for byte in head[:4]):
            return False
        offset += offset % 2 + 8 + int.from_bytes(head[4:], "little")
    return offset in (size, size + 1)  # some writers leave out the last padding byte


def _read_header(head: bytes) -> _Header:
    """Walk the chunks before the sound."""
    if len(head) < 12:
        return _Header(problem="the file ends within its header", incomplete=b"RIFF".startswith(head[:4]))
    if head[:4] in (b"RF64", b"RIFX"):
        return _Header(problem=f"{head[:4].decode()} is not understood; let the PBX write format wav")
    if head[:4] != b"RIFF" or head[8:12] != b"WAVE":
        return _Header(problem="this is not a WAV file")
    found: WavFormat | None = None
    offset = 12
    while offset + 8 <= len(head):
        kind, length = struct.unpack_from("<4sI", head, offset)
        body = offset + 8
        if kind == b"data":
            if found is None:
                return _Header(problem="the sound begins before its format is told")
            return _Header(format=found, data_offset=body, declared=length)
        if kind == b"fmt " and body + length <= len(head):
            told = _read_format(head[body : body + length])
            if isinstance(told, str):
                return _Header(problem=told)
            found = told
        offset = body + length + length % 2
    if len(head) < LONGEST_HEADER:
        return _Header(problem="the file ends within its header", incomplete=True)
    return _Header(problem="the sound does not begin within the first 64 KiB")


def _read_format(chunk: bytes) -> WavFormat | str:
    """The format, or in plain words why it is not understood."""
    if len(chunk) < 16:
        return "the format chunk is shorter than 16 bytes"
    tag, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", chunk)
    if tag == _EXTENSIBLE and len(chunk) >= 40 and chunk[26:40] == _SUBFORMAT_TAIL:
        tag = int.from_bytes(chunk[24:26], "little")
    encoding = _ENCODINGS.get((tag, bits))
    if encoding is None:
        return f"encoding {tag} with {bits} bits is not understood; use PCM of 16 bits, A-law or mu-law"
    if channels not in (1, 2):
        return f"{channels} channels; a recording has 1 or 2"
    if rate not in SAMPLE_RATES:
        return f"{rate} Hz; allowed are {', '.join(map(str, SAMPLE_RATES))}"
    return WavFormat(encoding=encoding, sample_rate=rate, channels=channels)


def _decode(raw: bytes, form: WavFormat) -> Samples:
    match form.encoding:
        case Encoding.PCM16:
            flat: Samples = np.frombuffer(raw, dtype="<i2")
        case Encoding.ALAW:
            flat = _ALAW[np.frombuffer(raw, dtype=np.uint8)]
        case Encoding.MULAW:
            flat = _MULAW[np.frombuffer(raw, dtype=np.uint8)]
    return flat.reshape(-1, form.channels)


def _alaw_table() -> Samples:
    """ITU-T G.711 table 1: even bits inverted, sign, exponent, mantissa."""
    code = np.arange(256) ^ 0x55
    exponent, mantissa = (code >> 4) & 7, code & 15
    size = np.where(exponent == 0, (mantissa << 4) + 8, ((mantissa << 4) + 0x108) << np.maximum(exponent - 1, 0))
    return np.where(code & 0x80, size, -size).astype(np.int16)


def _mulaw_table() -> Samples:
    """ITU-T G.711 table 2: all bits inverted, sign, exponent, mantissa, bias 0x84."""
    code = ~np.arange(256) & 0xFF
    size = ((((code & 15) << 3) + 0x84) << ((code >> 4) & 7)) - 0x84
    return np.where(code & 0x80, -size, size).astype(np.int16)


_ALAW, _MULAW = _alaw_table(), _mulaw_table()
