"""What a site's own recording sounds like: one channel of 16 bits, whatever the PBX wrote.

Asterisk records in the format its dialplan names: `wav` (16 bits, 8 kHz), `wav16`, `wav49` (GSM in a WAV, written
`.WAV`), raw `gsm`, `ulaw`, `alaw`, `sln`, and scripts of the sites make MP3 or Ogg of them afterwards. A WAV of our own
kinds goes its usual way (`recordings.wav`), because it may still grow or have lost its header; everything else is
decoded block by block by libsndfile into a temporary file. Several channels become one: nobody says who is on which.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import PurePath
from typing import BinaryIO

import numpy as np
import soundfile
import soxr

from recordings import wav
from recordings.archive import Sources
from recordings.wav import Samples, WavReport, WavState

_WITH_HEADER = frozenset({".wav", ".wav49", ".wav16", ".mp3", ".ogg", ".oga", ".flac"})
_RAW = {
    ".gsm": ("GSM610", 8000),
    ".ulaw": ("ULAW", 8000),
    ".alaw": ("ALAW", 8000),
    ".sln": ("PCM_16", 8000),
    ".sln16": ("PCM_16", 16000),
}
"""Formats without a header: libsndfile's subtype and the sample rate in Hz."""
_BLOCK_SECONDS = 4
_USUAL_RATE = 16000
"""Hz; what a sample rate that our archive does not know becomes."""


def is_sound_file(name: str) -> bool:
    """Whether a file's ending is one of a recording."""
    ending = PurePath(name).suffix.lower()
    return ending in _WITH_HEADER or ending in _RAW


@contextmanager
def as_sources(file: BinaryIO, name: str, rested: timedelta, settle: timedelta) -> Iterator[Sources | str]:
    """A site's file as `make_archive` takes it.

    Args:
        file: open for reading; it is only read.
        name: of the file; its ending says the format where the bytes do not.
        rested: how long it has been seen not to change.
        settle: how long it must rest before an unfinished header counts as given up.

    Yields:
        The sources; or in plain words why it holds no sound that can be read.
    """
    report = wav.examine(file, unchanged_for=rested, settle=settle)
    if _is_ours(report):
        yield Sources(mixed=file, unchanged_for=rested, settle=settle)
        return
    with tempfile.TemporaryFile() as decoded:
        try:
            _decode(file, name, decoded)
        except soundfile.LibsndfileError as fault:
            yield f"{report.reason or report.state}; read otherwise: {fault.error_string}"
            return
        yield Sources(mixed=decoded)


def _is_ours(report: WavReport) -> bool:
    """Whether the usual way can tell what this file is: mono of a known kind, or one that is still written."""
    if report.state is WavState.DAMAGED:
        return False
    return report.format is None or report.format.channels == 1


def _decode(file: BinaryIO, name: str, target: BinaryIO) -> None:
    """Write any sound as a mono WAV of 16 bits.

    Raises:
        soundfile.LibsndfileError: it cannot be decoded.
    """
    file.seek(0)
    raw = _RAW.get(PurePath(name).suffix.lower())
    how = {"format": "RAW", "subtype": raw[0], "samplerate": raw[1], "channels": 1} if raw else {}
    with soundfile.SoundFile(file, **how) as sound:
        rate = sound.samplerate if sound.samplerate in wav.SAMPLE_RATES else _USUAL_RATE
        bend = soxr.ResampleStream(sound.samplerate, rate, 1, dtype="float32") if rate != sound.samplerate else None
        with soundfile.SoundFile(target, "w", rate, 1, format="WAV", subtype="PCM_16") as mono:
            while len(block := sound.read(_BLOCK_SECONDS * sound.samplerate, dtype="float32", always_2d=True)):
                flat = block.mean(axis=1)
                mono.write(_as_samples(bend.resample_chunk(flat) if bend else flat))
            if bend:
                mono.write(_as_samples(bend.resample_chunk(np.zeros(0, np.float32), last=True)))


def _as_samples(sound: "np.ndarray[tuple[int], np.dtype[np.float32]]") -> Samples:
    samples: Samples = (sound * 32768).clip(-32768, 32767).astype(np.int16)
    return samples
