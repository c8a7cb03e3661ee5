"""Who hears whom, told by tones: every phone sings a note of its own, and a recording tells which notes are in it."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

RATE = 8000
NOTES = {"client": 500.0, "101": 800.0, "102": 1100.0, "100": 1400.0}
"""Hz; apart enough for A-law and mu-law, and no one's overtone."""
_LOUD = 0.02
"""Amplitude from which a note counts as heard; the notes are sung at 0.3, and what leaks is under 0.002."""
_WINDOW = 0.2


def note_of(who: str, folder: Path, *, seconds: float = 30.0) -> Path:
    """A file with somebody's note."""
    path = folder / f"note-{who}.wav"
    if not path.exists():
        time = np.arange(int(seconds * RATE)) / RATE
        soundfile.write(path, 0.3 * np.sin(2 * np.pi * NOTES[who] * time), RATE, subtype="PCM_16")
    return path


def _amplitude(sound: npt.NDArray[np.float64], frequency: float) -> float:
    time = np.arange(len(sound)) / RATE
    wave = np.exp(-2j * np.pi * frequency * time)
    return float(2 * abs(np.mean(sound * wave))) if len(sound) else 0.0


def heard(path: Path, *, since: float = 0.0, until: float | None = None) -> set[str]:
    """Whose notes can be heard in most of a part of a recording.

    Args:
        path: 8 kHz, one channel.
        since: seconds from its beginning.
        until: seconds from its beginning, negative from its end; None: to its end.
    """
    sound, rate = soundfile.read(path)
    assert rate == RATE
    end = len(sound) if until is None else int(until * RATE) % len(sound)
    part = sound[int(since * RATE) : end]
    step = int(_WINDOW * RATE)
    windows = [part[at : at + step] for at in range(0, len(part) - step + 1, step)]
    return {
        who
        for who, frequency in NOTES.items()
        if sum(_amplitude(window, frequency) > _LOUD for window in windows) > len(windows) / 2
    }


def silent_seconds(path: Path) -> float:
    """How much of a recording is true silence: samples that are all zero."""
    sound, _ = soundfile.read(path, dtype="int16")
    step = RATE // 50
    quiet = sum(not sound[at : at + step].any() for at in range(0, len(sound) - step + 1, step))
    return quiet / 50


def length(path: Path) -> float:
    """Seconds of a recording."""
    return float(soundfile.info(path).duration)
