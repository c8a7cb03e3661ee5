"""Builders of sound and of WAV files for these tests, whole and broken in known ways."""

import io
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from recordings.archive import Sources

RATE = 8000
Mono = npt.NDArray[np.int16]


def voice(seed: int, seconds: float = 3.0, *, rate: int = RATE) -> Mono:
    """Something like a voice: a few harmonics in syllables, another voice for every seed; int16 mono."""
    dice = np.random.default_rng(seed)
    time = np.arange(round(seconds * rate)) / rate
    pitch = dice.uniform(90, 220)
    tones = sum(np.sin(2 * np.pi * pitch * k * time + dice.uniform(0, 6)) / k for k in range(1, 9))
    syllables = np.clip(np.sin(2 * np.pi * dice.uniform(2, 4) * time + dice.uniform(0, 6)), 0, 1)
    noise = dice.standard_normal(len(time)) * 0.02
    sound: Mono = ((np.asarray(tones) * syllables + noise) * 6000).clip(-32768, 32767).astype(np.int16)
    return sound


def header(data_bytes: int, *, rate: int = RATE, channels: int = 1, tag: int = 1, bits: int = 16) -> bytes:
    """The 44 bytes that Asterisk writes before the sound."""
    frame = channels * bits // 8
    form = struct.pack("<HHIIHH", tag, channels, rate, rate * frame, frame, bits)
    return (
        struct.pack("<4sI4s4sI", b"RIFF", (36 + data_bytes) & 0xFFFFFFFF, b"WAVE", b"fmt ", len(form))
        + form
        + struct.pack("<4sI", b"data", data_bytes)
    )


def wav(sound: Mono, *, declared: int | None = None, rate: int = RATE, channels: int = 1) -> bytes:
    """A WAV file's bytes; `declared` is what the header says of the sound's length, None: the truth."""
    raw = sound.astype("<i2").tobytes()
    return header(len(raw) if declared is None else declared, rate=rate, channels=channels) + raw


def killed(sound: Mono) -> bytes:
    """What a SIGKILLed Asterisk leaves: header length 0, cut at a flush of 64 KiB."""
    whole = wav(sound, declared=0)
    return whole[: len(whole) // 65536 * 65536]


def sources(*, client: bytes | None = None, manager: bytes | None = None, mixed: bytes | None = None) -> Sources:
    """Closed files of one recording."""
    client_file, manager_file, mixed_file = (
        None if content is None else io.BytesIO(content) for content in (client, manager, mixed)
    )
    return Sources(client=client_file, manager=manager_file, mixed=mixed_file)


def heard(path: Path) -> Mono:
    """A stored file as a player hears it, `(frames, channels)` int16."""
    sound, _ = soundfile.read(path, dtype="int16", always_2d=True)
    found: Mono = sound
    return found


def likeness(one: Mono, other: Mono) -> float:
    """Correlation of two sounds over the length of the shorter one, in [-1, 1]."""
    length = min(len(one), len(other))
    return float(np.corrcoef(one[:length].astype(float), other[:length].astype(float))[0, 1])


def after(calls: int) -> Callable[[], bool]:
    """A question that is answered yes from the given call on."""
    asked = iter(range(calls))
    return lambda: next(asked, None) is None
