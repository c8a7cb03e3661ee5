"""Recordings in, transcripts out, within one process: the parts of this package put together.

All recordings of a batch are listened to first, so that windows of many calls can be decoded together; a
recording that cannot be read is answered with its error and does not touch the others.
"""

import ctypes
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from gateway.domain.errors import GatewayError
from gateway.domain.transcript import Segment, Speaker, Transcript
from transcription import model
from transcription.audio import Recording, Samples, open_recording
from transcription.errors import UnknownLanguageError, UnreadableRecordingError
from transcription.language import LEAST_SPEECH, choose
from transcription.options import Options
from transcription.recipe import Recipe, Recogniser
from transcription.speech import SpeechRules, VoiceDetector
from transcription.tidying import is_credit, without_loops
from transcription.windows import Utterance, Window, batches, pack, share
from transcription.wire import Outcome

Progress = Callable[[], None]

# glibc, malloc.h; 32 MB is the largest threshold it takes
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3


@dataclass(slots=True, kw_only=True)
class _Work:
    """What is known so far of one recording of a batch."""

    path: Path
    duration: float = 0.0
    channels: int = 1
    utterances: list[Utterance] = field(default_factory=list)
    segments: list[Segment] = field(default_factory=list)
    error: GatewayError | None = None


class Engine:
    """A loaded model and voice detector."""

    def __init__(self, options: Options, recipe: Recipe | None = None, rules: SpeechRules | None = None) -> None:
        """Load everything; takes about a second and 0.4 GB.

        Args:
            options: Model, cache and languages.
            recipe: Settings of the recogniser; None: the measured ones.
            rules: Thresholds of the voice detector; None: the measured ones.

        Raises:
            ModelDamagedError: See `transcription.model.locate`.
            ModelUnavailableError: See `transcription.model.locate`.
        """
        _keep_freed_memory()
        self._options = options
        self._rules = rules or SpeechRules()
        self._detector = VoiceDetector()
        loaded = model.load(options.model, options.cache)
        self._known = frozenset(loaded.supported_languages)
        self._recogniser = Recogniser(loaded, recipe)
        for language in options.languages:
            self._check(language)

    def transcribe(
        self, paths: Sequence[Path], language: str | None, progress: Progress = lambda: None
    ) -> list[Outcome]:
        """Write down what is said in recordings.

        Args:
            paths: WAV or FLAC files.
            language: Two-letter code for all of them; None: found out for each.
            progress: Called after every step, so that a watchdog sees life.

        Returns:
            A transcript or the reason why there is none, one a path in the same order.

        Raises:
            UnknownLanguageError: The model does not know the language.
        """
        if language is not None:
            self._check(language)
        works = [_Work(path=path) for path in paths]
        for place, work in enumerate(works):
            self._listen(work, place)
            progress()
        utterances = [u for work in works if not work.error for u in work.utterances]
        windows = pack(utterances, self._recogniser.recipe.window)
        with _Sounds(works) as cut:
            languages = [language or self._language(i, windows, cut) for i in range(len(works))]
            progress()
            for spoken, batch in batches(windows, languages, self._recogniser.recipe.batch):
                self._write(works, batch, spoken, cut)
                progress()
        return [self._outcome(work, spoken) for work, spoken in zip(works, languages, strict=True)]

    def _check(self, language: str) -> None:
        if language not in self._known:
            raise UnknownLanguageError(language)

    def _listen(self, work: _Work, place: int) -> None:
        try:
            with open_recording(work.path) as recording:
                work.duration, work.channels = recording.duration, recording.channels
                work.utterances = self._detector.listen(recording, place, self._rules)
        except GatewayError as error:
            work.error = error

    def _language(self, place: int, windows: Sequence[Window], cut: Callable[[Utterance], Samples]) -> str:
        own = sorted((w for w in windows if w.recording == place), key=lambda w: -w.duration)
        enough = [w for w in own[:3] if sum(u.duration for u in w.utterances) >= LEAST_SPEECH]
        guesses: Iterator[dict[str, float]] = (self._recogniser.guess_language(w, cut) for w in enough)
        return choose(guesses, self._options.languages)

    def _write(
        self,
        works: Sequence[_Work],
        batch: Sequence[Window],
        language: str,
        cut: Callable[[Utterance], Samples],
    ) -> None:
        for result in self._recogniser.recognise(batch, language, cut):
            if result.is_nothing:
                continue
            pieces = [piece for piece in result.pieces if not is_credit(piece.text)]
            work = works[result.window.recording]
            for utterance, text in share(result.window, pieces):
                work.segments.append(
                    Segment(
                        speaker=_speaker(utterance.channel, work.channels),
                        start=utterance.start,
                        end=utterance.end,
                        text=" ".join(without_loops(text.split())),
                    )
                )

    def _outcome(self, work: _Work, language: str) -> Outcome:
        if work.error:
            return work.error
        return Transcript(
            language=language if work.segments else None,
            segments=tuple(sorted(work.segments, key=lambda s: (s.start, s.end))),
            model=self._options.model,
            duration=work.duration,
        )


def _keep_freed_memory() -> None:
    """Tell the C library to keep what the recogniser frees, since it asks for the same again at once.

    By default big blocks go back to the kernel and come again page by page: a seventh of all processor time.
    """
    if sys.platform == "linux":
        with suppress(AttributeError):  # a C library without this knob
            library = ctypes.CDLL(None)
            library.mallopt(_M_MMAP_THRESHOLD, 32 * 1024**2)
            library.mallopt(_M_TRIM_THRESHOLD, 512 * 1024**2)


def _speaker(channel: int, channels: int) -> Speaker | None:
    if channels == 1:
        return None
    return Speaker.MANAGER if channel == 0 else Speaker.CLIENT


class _Sounds(ExitStack):
    """Reads utterances of a batch's recordings, each file opened when it is first wanted."""

    def __init__(self, works: Sequence[_Work]) -> None:
        super().__init__()
        self._works = works
        self._open: dict[int, Recording] = {}

    def __enter__(self) -> "_Sounds":
        super().__enter__()
        return self

    def __call__(self, utterance: Utterance) -> Samples:
        place = utterance.recording
        try:
            if place not in self._open:
                self._open[place] = self.enter_context(open_recording(self._works[place].path))
            return self._open[place].cut(utterance.channel, utterance.start, utterance.end)
        except UnreadableRecordingError as error:  # it went away since it was listened to
            self._works[place].error = error
            return np.zeros(0, np.float32)


_engines: dict[Options, Engine] = {}


def transcribe_file(path: Path, language: str | None, options: Options) -> Transcript:
    """Write down what is said in one recording, in this process and thread.

    The model is kept for the next call with the same options.

    Args:
        path: A WAV or FLAC file.
        language: Two-letter code; None: found out among the configured ones.
        options: Model, cache and languages.

    Returns:
        The transcript; without segments where nobody speaks.

    Raises:
        UnreadableRecordingError: The file is missing or no recording.
        UnknownLanguageError: The model does not know the language.
        ModelDamagedError: See `transcription.model.locate`.
        ModelUnavailableError: See `transcription.model.locate`.
    """
    if options not in _engines:
        _engines[options] = Engine(options)
    (outcome,) = _engines[options].transcribe([path], language)
    if isinstance(outcome, GatewayError):
        raise outcome
    return outcome
