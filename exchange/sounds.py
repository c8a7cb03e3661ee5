"""The few sounds that the exchange makes itself, and how long a file plays."""

import math
import struct
import wave
from pathlib import Path

_RATE = 8000
_HZ, _ON, _OFF = 425, 1, 4
"""Ringing tone of most of Europe (ITU-T E.180): a second of 425 Hz, four of silence."""


def ringing_tone(folder: Path) -> Path:
    """The file with the ringing tone; made where it is missing."""
    path = folder / "ringing.wav"
    if not path.exists():
        tone = [int(6000 * math.sin(2 * math.pi * _HZ * n / _RATE)) for n in range(_ON * _RATE)]
        made = path.with_suffix(".new")
        with wave.open(str(made), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(_RATE)
            file.writeframes(struct.pack(f"<{len(tone)}h", *tone) + bytes(2 * _OFF * _RATE))
        made.replace(path)
    return path


def seconds_of(path: Path) -> float:
    """How long a WAV file plays; 0 where it cannot be read."""
    try:
        with wave.open(str(path), "rb") as file:
            return file.getnframes() / (file.getframerate() or 1)
    except (OSError, EOFError, wave.Error):
        return 0.0
