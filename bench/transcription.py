"""How well and how cheaply calls are written down, against plain faster-whisper in the same run.

    python -m bench.transcription [--seed 4711] [--calls 13] [--plain-calls 6]

Makes calls with known words (bench/speech_set.py) from a seed. Plain is `WhisperModel("base").transcribe(file)` on
the mono mix with all its defaults. Both use one thread and the same weights, and take turns, so that a busy machine
disturbs both alike. `words_with_speakers` counts a word given to the wrong speaker twice (missing there, added here).
Prints JSON: CPU seconds for a second of call, their ratio, the word error rate by language, and the words invented on
sounds without speech.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import jiwer
import soundfile
from num2words import num2words  # type: ignore[import-untyped]

from bench.speech_set import LANGUAGES, RATE, Call, Studio, sounds
from gateway.domain.errors import GatewayError
from gateway.domain.transcript import Speaker, Transcript
from transcription import model
from transcription.engine import Engine
from transcription.options import Options

SPEAKERS = (Speaker.MANAGER, Speaker.CLIENT)
BATCH = 8


@dataclass(slots=True, kw_only=True)
class Errors:
    """Word errors counted so far."""

    substitutions: int = 0
    deletions: int = 0
    insertions: int = 0
    words: int = 0

    def add(self, said: str, written: str, language: str) -> None:
        """Count one text against another."""
        reference, hypothesis = normal(said, language), normal(written, language)
        if not reference:
            self.insertions += len(hypothesis.split())
            return
        found = jiwer.process_words(reference, hypothesis)
        self.substitutions += found.substitutions
        self.deletions += found.deletions
        self.insertions += found.insertions
        self.words += found.hits + found.substitutions + found.deletions

    def figures(self) -> dict[str, float]:
        """The word error rate in per cent and what it is made of."""
        wrong = self.substitutions + self.deletions + self.insertions
        return {
            "wer_percent": round(100 * wrong / max(1, self.words), 2),
            "substitutions": self.substitutions,
            "deletions": self.deletions,
            "insertions": self.insertions,
            "words": self.words,
        }


def normal(text: str, language: str) -> str:
    """Fold what is spelling and not hearing: case, punctuation, ё, digits, OK, the gender of a Russian one."""
    text = text.casefold().replace("ё", "е").replace("#", " ").replace("&", " and ")
    text = re.sub(r"[’']", "", text)
    text = re.sub(r"(\d)(?=[^\W\d])", r"\1 ", text)
    text = re.sub(r"\d{1,6}", lambda found: f" {num2words(int(found[0]), lang=language)} ", text).replace("ё", "е")
    text = re.sub(r"[^\w ]|_", " ", text)
    text = re.sub(r"\bok\b", "okay", text)
    if language == "ru":
        text = re.sub(r"\b(одну|одна|одно)\b", "один", text)
    return " ".join(text.split())


def write_plainly(folder: Path) -> None:
    """The process of plain faster-whisper: for each file named on standard input a line with text and CPU seconds."""
    from faster_whisper import WhisperModel

    whisper = WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=1)
    print("{}", flush=True)
    for line in sys.stdin:
        begun = time.process_time()
        text = " ".join(segment.text for segment in whisper.transcribe(line.rstrip("\n"))[0])
        print(json.dumps({"text": text, "cpu": time.process_time() - begun}), flush=True)


class Plain:
    """Plain faster-whisper in a process of its own, asked for a file at a time."""

    def __init__(self, weights: Path) -> None:
        command = [sys.executable, "-m", "bench.transcription", "--plainly", str(weights)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._answer()
        self._errors = {language: Errors() for language in LANGUAGES}
        self.cpu = 0.0
        self.seconds = 0.0

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def write_down(self, file: Path, call: Call) -> None:
        """Write the mono mix of a call down, and count what is wrong."""
        assert self._process.stdin is not None
        print(file, file=self._process.stdin, flush=True)
        found = self._answer()
        said = " ".join(s.text for s in sorted(call.spoken, key=lambda s: s.start))
        self._errors[call.language].add(said, found["text"], call.language)
        self.cpu += found["cpu"]
        self.seconds += call.seconds

    def end(self) -> None:
        """Let the process end."""
        self._process.communicate()

    def figures(self) -> dict[str, object]:
        """What it cost and got wrong."""
        return {
            "cpu_seconds": round(self.cpu, 2),
            "cpu_per_second_of_call": round(self.cpu / self.seconds, 4),
            "words_without_speakers": {language: self._errors[language].figures() for language in LANGUAGES},
        }


def timed(engine: Engine, groups: Iterable[Sequence[Path]]) -> tuple[float, list[Transcript]]:
    """Write groups of files down; give the CPU seconds and the transcripts."""
    transcripts: list[Transcript] = []
    begun = time.process_time()
    for group in groups:
        for outcome in engine.transcribe(group, None):
            if isinstance(outcome, GatewayError):
                raise outcome
            transcripts.append(outcome)
    return time.process_time() - begun, transcripts


def score(calls: Sequence[Call], transcripts: Sequence[Transcript]) -> dict[str, dict[str, float]]:
    """Count the word errors of each speaker in each call, by language."""
    errors = {language: Errors() for language in LANGUAGES}
    for call, transcript in zip(calls, transcripts, strict=True):
        for channel, speaker in enumerate(SPEAKERS):
            said = [s for s in call.spoken if s.channel == channel]
            reference = " ".join(s.text for s in sorted(said, key=lambda s: s.start))
            written = " ".join(s.text for s in transcript.segments if s.speaker == speaker)
            errors[call.language].add(reference, written, call.language)
    return {language: errors[language].figures() for language in LANGUAGES}


def written(folder: Path, calls: Sequence[Call], mono: bool = False) -> list[Path]:
    """Write calls as WAV files."""
    files = []
    for call in calls:
        files.append(folder / f"{call.name}{'-mono' if mono else ''}.wav")
        samples = call.samples.mean(axis=1) if mono else call.samples
        soundfile.write(files[-1], samples, RATE, subtype="PCM_16")
    return files


def measure(seed: int, count: int, plain_count: int, folder: Path) -> dict[str, object]:
    """Make the calls and run everything."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "trunkline" / "models"
    studio = Studio(sounds(), seed)
    by_language = {language: studio.calls(language, count) for language in LANGUAGES}
    calls = [call for made in by_language.values() for call in made]
    compared = [call for made in by_language.values() for call in made[:plain_count]]
    quiet = studio.sounds_without_speech()
    files = dict(zip((call.name for call in calls), written(folder, calls), strict=True))
    mono = dict(zip((call.name for call in compared), written(folder, compared, mono=True), strict=True))
    engine, plain = Engine(Options(cache=cache)), Plain(model.locate(model.BASE, cache))
    timed(engine, [list(files.values())[:1]])  # the model is loaded by the first

    ordered = list(files.values())
    batches = [ordered[i : i + BATCH] for i in range(0, len(ordered), BATCH)]
    alone = together = 0.0
    transcripts: list[Transcript] = []
    for number, batch in enumerate(batches):  # in turn, so that a busy machine disturbs all alike
        spent, found = timed(engine, [batch])
        together, transcripts = together + spent, transcripts + found
        for call in compared[number :: len(batches)]:
            alone += timed(engine, [[files[call.name]]])[0]
            plain.write_down(mono[call.name], call)
    plain.end()
    quiet_cpu, invented = timed(engine, [[file] for file in written(folder, quiet)])

    plain_cost = plain.cpu / plain.seconds
    batch_cost = together / sum(call.seconds for call in calls)
    return {
        "seed": seed,
        "calls": len(calls),
        "minutes": round(sum(call.seconds for call in calls) / 60, 1),
        "plain": plain.figures(),
        "ours": {
            "cpu_per_second_of_call_one_file_at_a_time": round(alone / plain.seconds, 4),
            "cpu_per_second_of_call_eight_files_at_a_time": round(batch_cost, 4),
            "words_with_speakers": score(calls, transcripts),
            "wrong_languages": sum(t.language != c.language for t, c in zip(transcripts, calls, strict=True)),
        },
        "times_less_cpu_one_file_at_a_time": round(plain.cpu / alone, 2),
        "times_less_cpu_eight_files_at_a_time": round(plain_cost / batch_cost, 2),
        "words_invented_without_speech": {
            call.name: sum(len(s.text.split()) for s in transcript.segments)
            for call, transcript in zip(quiet, invented, strict=True)
        },
        "cpu_seconds_without_speech": round(quiet_cpu, 2),
        "load_average": os.getloadavg()[0],
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=4711)
    parser.add_argument("--calls", type=int, default=13, help="calls a language")
    parser.add_argument("--plain-calls", type=int, default=6, help="of them compared with plain, a language")
    parser.add_argument("--plainly", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.plainly:
        write_plainly(args.plainly)
        return 0
    with TemporaryDirectory() as folder:
        found = measure(args.seed, args.calls, min(args.calls, args.plain_calls), Path(folder))
    print(json.dumps(found, indent=2, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
