"""A demonstration dialogue in real human speech, put together from Asterisk's own prompts.

Manager and client speak by turns. Each gets one file that is silent while the other speaks, so both phones
start playing at the answer and the dialogue falls into place. The same voice read all prompts of a
language, so the client's is made higher. The written words come with the prompts' packages.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from lab.chroot import AsteriskHome
from lab.errors import LabUnavailable

SAMPLE_RATE = 8000
LEAD_SECONDS = 0.6
"""Silence before the first word, while the call's sound is being connected."""
GAP_SECONDS = 0.5
CLIENT_PITCH = 1.12
PEAK = 0.5


class Speaker(StrEnum):
    """Who speaks."""

    MANAGER = "manager"
    CLIENT = "client"


M, C = Speaker.MANAGER, Speaker.CLIENT

VOICES = {
    "en": ("en_US_f_Allison", "asterisk-core-sounds-en/core-sounds-en.txt.gz"),
    "ru": ("ru_RU_f_IvrvoiceRU", "asterisk-core-sounds-ru/core-sounds-ru.txt.gz"),
}
"""Language to the prompts' folder and the list of their words."""

DIALOGUE = (
    (M, "queue-thankyou"),
    (C, "privacy-unident"),
    (M, "sorry-youre-having-problems"),
    (C, "ss-noservice"),
    (M, "privacy-prompt"),
    (C, "followme/sorry"),
    (M, "pls-hold-while-try"),
    (C, "cannot-complete-as-dialed"),
    (M, "demo-thanks"),
)
"""Prompts of every language whose words make something like a talk about a line that does not work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What one side says: who, the words, and when (seconds from the start of the files)."""

    speaker: Speaker
    text: str
    start: float
    end: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialogue:
    """Files to play and what is said in them.

    Attributes:
        manager: The manager's side, mono 8 kHz WAV.
        client: The client's side, of the same length.
        lines: What is said, in order.
        seconds: Length of both files.
    """

    manager: Path
    client: Path
    lines: tuple[Line, ...]
    seconds: float

    def words(self, speaker: Speaker) -> str:
        """Give everything one side says."""
        return " ".join(line.text for line in self.lines if line.speaker == speaker)


def make_dialogue(home: AsteriskHome, folder: Path, language: str = "en") -> Dialogue:
    """Write the two sides of a demonstration call.

    Args:
        home: The Asterisk whose prompts are taken.
        folder: Where `manager.wav` and `client.wav` go; made if need be.
        language: `en` or `ru`.

    Returns:
        The files and the words in them.

    Raises:
        LabUnavailable: A prompt is not installed.
    """
    texts = prompt_texts(home, language)
    lines: list[Line] = []
    pieces: list[tuple[Speaker, int, npt.NDArray[np.float32]]] = []
    now = LEAD_SECONDS
    for speaker, key in DIALOGUE:
        speech = _speech(home, language, key, speaker)
        end = now + len(speech) / SAMPLE_RATE
        lines.append(Line(speaker=speaker, text=texts[key], start=round(now, 3), end=round(end, 3)))
        pieces.append((speaker, int(now * SAMPLE_RATE), speech))
        now = end + GAP_SECONDS
    folder.mkdir(parents=True, exist_ok=True)
    for speaker in Speaker:
        side = np.zeros(int(now * SAMPLE_RATE), dtype=np.float32)
        for who, start, speech in pieces:
            if who == speaker:
                side[start : start + len(speech)] = speech
        soundfile.write(folder / f"{speaker}.wav", side, SAMPLE_RATE, subtype="PCM_16")
    return Dialogue(manager=folder / "manager.wav", client=folder / "client.wav", lines=tuple(lines), seconds=now)


def prompt_texts(home: AsteriskHome, language: str) -> dict[str, str]:
    """Read the words of every prompt of a language, by the prompt's name."""
    listing = home.root / "usr/share/doc" / VOICES[language][1]
    if not listing.exists():
        raise LabUnavailable(f"{listing} is missing; install asterisk-core-sounds-{language}")
    texts: dict[str, str] = {}
    for line in gzip.decompress(listing.read_bytes()).decode().splitlines():
        key, colon, text = line.partition(":")
        if colon and not line.startswith(";"):
            texts[key.strip()] = text.strip()
    return texts


def _speech(home: AsteriskHome, language: str, key: str, speaker: Speaker) -> npt.NDArray[np.float32]:
    prompt = home.sounds / VOICES[language][0] / f"{key}.wav"
    if not prompt.exists():
        raise LabUnavailable(f"{prompt} is missing; install asterisk-core-sounds-{language}-wav")
    samples, rate = soundfile.read(prompt, dtype="float32")
    pitch = CLIENT_PITCH if speaker == Speaker.CLIENT else 1.0
    voice = soxr.resample(samples, rate, SAMPLE_RATE / pitch)
    louder: npt.NDArray[np.float32] = voice * np.float32(PEAK / max(float(np.abs(voice).max()), 1e-6))
    return louder
