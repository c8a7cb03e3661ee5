"""Telephone calls with known words, made from human prompts, to measure transcription with.

Debian's packages asterisk-core-sounds-en/-ru hold some hundred spoken sentences each with their texts, and
asterisk-moh-opsound hold music. A call here is a stereo recording at 8 kHz (channel 0 manager, channel 1
client) in which two voices take turns: the client's is the same speaker at another pitch, turns sometimes
overlap, some calls begin with ringback, some hold the client with music, some carry an acoustic echo, all are
noisy and went through A-law. The same seed gives the same calls.
"""

import argparse
import gzip
import io
import json
import os
import random
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

RATE = 8_000
LANGUAGES = ("en", "ru")
PACKAGES = (
    "asterisk-core-sounds-en",
    "asterisk-core-sounds-en-wav",
    "asterisk-core-sounds-ru",
    "asterisk-core-sounds-ru-wav",
    "asterisk-moh-opsound-wav",
)

Mono = npt.NDArray[np.float32]
Stereo = npt.NDArray[np.float32]

_VOICES = {"en": "en_US_f_Allison", "ru": "ru_RU_f_IvrvoiceRU"}
_SPEECH_POWER = 0.08


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """A spoken sentence."""

    path: Path
    text: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """A sentence in a call."""

    channel: int
    start: float
    end: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """How a call's telephone line sounds."""

    ringback: bool = False
    hold: bool = False
    echo: float | None = None
    """Decibels of the other side's echo, negative; None: none."""
    noise: float = 20.0
    """Decibels of speech over noise on the client's channel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A recording and the words in it."""

    name: str
    language: str
    samples: Stereo
    """(frames, 2) float32 at 8 kHz."""
    spoken: tuple[Spoken, ...]

    @property
    def seconds(self) -> float:
        """Length of the recording."""
        return len(self.samples) / RATE


LINES = (
    Line(ringback=True, noise=25),
    Line(hold=True, noise=20),
    Line(echo=-28, noise=15),
)


def cache_folder() -> Path:
    """Where the sounds are kept between runs."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "trunkline" / "sounds"


def sounds() -> Path:
    """Find the packages' files, fetching them with apt into the cache when they are not there.

    Returns:
        A folder that holds `usr/share/asterisk`.

    Raises:
        SystemExit: They are nowhere and apt cannot get them.
    """
    cache = cache_folder()
    for root in (Path("/"), cache, *sorted(cache.parent.glob("asterisk-*"))):
        if _music(root) and all(
            _texts(root, language).is_file() and _voice(root, language).is_dir() for language in LANGUAGES
        ):
            return root
    cache.mkdir(parents=True, exist_ok=True)
    try:
        subprocess.run(
            ["apt-get", "download", "-qq", "-o", "APT::Sandbox::User=root", *PACKAGES], cwd=cache, check=True
        )
        for package in sorted(cache.glob("*.deb")):
            subprocess.run(["dpkg-deb", "-x", package, cache], check=True)
            package.unlink()
    except (OSError, subprocess.CalledProcessError) as error:
        raise SystemExit(f"the prompts cannot be fetched ({error}); install {' '.join(PACKAGES)}") from error
    return cache


def prompts(root: Path, language: str) -> list[Prompt]:
    """All sentences of a language whose text is exactly what is said.

    Args:
        root: See `sounds`.
        language: en or ru.

    Returns:
        Sentences of at least three words and 1.2 to 14 seconds, ordered by name.
    """
    found = []
    with gzip.open(_texts(root, language), "rt", encoding="utf-8") as lines:
        for line in lines:
            match = re.match(r"([\w/-]+):\s*(.+)$", line.strip())
            if not match or re.search(r"[\[\]<>*(]", match[2]) or len(match[2].split()) < 3:
                continue
            name, text = match[1], match[2].replace(f"{match[1]}:", "").strip()
            path = _voice(root, language) / f"{name}.wav"
            if name.startswith(("letters/", "phonetic/", "silence/")) or not path.is_file():
                continue
            seconds = soundfile.info(path).duration
            if 1.2 <= seconds <= 14:
                found.append(Prompt(path=path, text=text, seconds=seconds))
    return sorted(found, key=lambda prompt: prompt.path)


class Studio:
    """Makes calls; all chance comes from the seed."""

    def __init__(self, root: Path, seed: int) -> None:
        self._chance = random.Random(seed)
        self._noise = np.random.default_rng(seed)
        self._music = _music(root)
        self._prompts = {language: prompts(root, language) for language in LANGUAGES}

    def calls(self, language: str, count: int, turns: int = 12) -> list[Call]:
        """Make calls in a language, the lines taking turns."""
        return [self.call(f"{language}_{i:02}", language, LINES[i % len(LINES)], turns) for i in range(count)]

    def call(self, name: str, language: str, line: Line, turns: int) -> Call:
        """Make one call of so many sentences."""
        pool = [p for p in self._prompts[language] if p.seconds < 10 and len(p.text.split()) >= 4]
        laid: list[tuple[int, float, Mono]] = []
        spoken: list[Spoken] = []
        at = 1.0
        if line.ringback:
            laid.append((1, 0.5, ringback(language, 8)))
            at = 9.5
        who = self._chance.randrange(2)
        free = [0.0, 0.0]
        for turn, prompt in enumerate(self._chance.sample(pool, turns)):
            sound = self._say(prompt, who)
            start = max(at, free[who] + 0.2)
            free[who] = start + len(sound) / RATE
            laid.append((who, start, sound))
            spoken.append(Spoken(channel=who, start=start, end=free[who], text=prompt.text))
            at = max(0.2, max(free) + self._pause())
            if line.hold and turn == turns // 2:
                laid.append((1, free[who] + 0.5, self.music(15)))
                at = max(free) + 16
            if self._chance.random() < 0.85:
                who = 1 - who
        return Call(name=name, language=language, samples=self._line(laid, line), spoken=tuple(spoken))

    def sounds_without_speech(self) -> list[Call]:
        """Make the sounds of a line on which nobody speaks, half a minute each."""
        silent = np.zeros(30 * RATE, np.float32)
        kinds: dict[str, Callable[[], Mono]] = {
            "silence": lambda: silent,
            "noise": lambda: self._hiss(len(silent), -20),
            "loud_noise": lambda: self._hiss(len(silent), 0),
            "ringback_en": lambda: ringback("en", 30),
            "ringback_ru": lambda: ringback("ru", 30),
            "dtmf": lambda: dtmf("0123456789*#" * 3),
            **{f"hold_{i}": lambda i=i: self.music(30, i) for i in range(len(self._music))},  # type: ignore[misc]
        }
        made = []
        for name, make in kinds.items():
            line = self._line([(1, 0.0, make())], Line(noise=40))
            made.append(Call(name=name, language="", samples=line, spoken=()))
        return made

    def music(self, seconds: float, piece: int | None = None) -> Mono:
        """Cut a stretch out of a piece of hold music."""
        path = self._music[piece] if piece is not None else self._chance.choice(self._music)
        first = int(self._chance.uniform(0, 60) * RATE)
        sound, _ = soundfile.read(path, start=first, frames=int(seconds * RATE), dtype="float32")
        return _loud(sound, 0.3)

    def _say(self, prompt: Prompt, who: int) -> Mono:
        sound, _ = soundfile.read(prompt.path, dtype="float32")
        heard = np.flatnonzero(np.abs(sound) > 0.01)
        sound = sound[max(0, heard[0] - 400) : heard[-1] + 800]
        if who == 0:
            return _loud(sound, 0.5)
        return _loud(soxr.resample(sound, RATE, int(RATE / 0.86)), self._chance.uniform(0.15, 0.5))

    def _pause(self) -> float:
        """Seconds to the next turn; one in five interrupts."""
        if self._chance.random() < 0.2:
            return -self._chance.uniform(0.3, 0.9)
        return self._chance.uniform(0.25, 1.4)

    def _hiss(self, frames: int, decibels: float) -> Mono:
        power = _SPEECH_POWER * 10 ** (decibels / 20)
        return (self._noise.standard_normal(frames) * power).astype(np.float32)

    def _line(self, laid: Sequence[tuple[int, float, Mono]], line: Line) -> Stereo:
        frames = int((max(start + len(sound) / RATE for _, start, sound in laid) + 1) * RATE)
        mixed = np.zeros((frames, 2), np.float32)
        for channel, start, sound in laid:
            first = int(start * RATE)
            mixed[first : first + len(sound), channel] += sound
        if line.echo is not None:
            delay = int(0.09 * RATE)
            echo = mixed[:-delay, ::-1] * 10 ** (line.echo / 20)
            mixed = np.concatenate([mixed[:delay], mixed[delay:] + echo]).astype(np.float32)
        mixed[:, 0] += self._hiss(frames, -45)
        mixed[:, 1] += self._hiss(frames, -line.noise)
        return a_law(mixed)


def ringback(language: str, seconds: float) -> Mono:
    """What a caller hears while it rings: Russian 425 Hz, 1 s in 5; American 440 + 480 Hz, 2 s in 6."""
    t = np.arange(int(seconds * RATE)) / RATE
    on, period, tones = (1, 5, (425,)) if language == "ru" else (2, 6, (440, 480))
    tone = sum(np.sin(2 * np.pi * hertz * t) for hertz in tones) / len(tones)
    return np.asarray(tone * ((t % period) < on) * 0.25, np.float32)


def dtmf(digits: str) -> Mono:
    """Keys pressed one after another, 0.2 s each with as much pause."""
    rows, columns = (697, 770, 852, 941), (1209, 1336, 1477)
    t = np.arange(int(0.2 * RATE)) / RATE
    sound = []
    for digit in digits:
        place = "123456789*0#".index(digit)
        pair = rows[place // 3], columns[place % 3]
        sound += [sum(np.sin(2 * np.pi * hertz * t) for hertz in pair) * 0.2, np.zeros(len(t))]
    return np.concatenate(sound).astype(np.float32)


def a_law(samples: Stereo) -> Stereo:
    """What is left of sound after a telephone line."""
    coded = io.BytesIO()
    soundfile.write(coded, np.clip(samples, -1, 1), RATE, format="WAV", subtype="ALAW")
    coded.seek(0)
    heard, _ = soundfile.read(coded, dtype="float32", always_2d=True)
    return np.asarray(heard, np.float32)


def _loud(sound: Mono, peak: float) -> Mono:
    return np.asarray(sound / (np.abs(sound).max() + 1e-9) * peak, np.float32)


def _texts(root: Path, language: str) -> Path:
    return root / f"usr/share/doc/asterisk-core-sounds-{language}/core-sounds-{language}.txt.gz"


def _voice(root: Path, language: str) -> Path:
    return root / "usr/share/asterisk/sounds" / _VOICES[language]


def _music(root: Path) -> list[Path]:
    return sorted((root / "usr/share/asterisk/moh").glob("*.wav"))


def main(argv: Sequence[str] | None = None) -> int:
    """Write a set into a folder: the recordings, and truth.json beside them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--calls", type=int, default=3, help="calls a language")
    parser.add_argument("--turns", type=int, default=12, help="sentences a call")
    args = parser.parse_args(argv)
    args.folder.mkdir(parents=True, exist_ok=True)
    studio = Studio(sounds(), args.seed)
    made = [call for language in LANGUAGES for call in studio.calls(language, args.calls, args.turns)]
    made += studio.sounds_without_speech()
    for call in made:
        soundfile.write(args.folder / f"{call.name}.wav", call.samples, RATE, subtype="PCM_16")
    truth = [
        {"name": call.name, "language": call.language, "spoken": [asdict(s) for s in call.spoken]} for call in made
    ]
    text = json.dumps(truth, ensure_ascii=False, indent=1)
    (args.folder / "truth.json").write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
