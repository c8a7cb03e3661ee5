"""From windows of speech to words, with as little computing as the words allow.

Measured on telephone calls with known words (docs/transcription.md):

- Whisper's encoder is the dear part, and Whisper pads every look to 30 s. A window is encoded with 6 s of
  silence behind it instead; with much less the decoder loses the end and repeats itself.
- The encoder runs one window at a time, since its working set then stays in the processor's cache (half the
  time of a batch of eight); the decoder runs windows in batches, since it is bound by reading its weights.
- Time stamps stay on: they keep the decoder in step and tell utterances apart. Where one piece of text covers
  several utterances, the decoder's attention tells when each word is said (a fiftieth of the whole work).
- The decoder often goes on behind the end of the sound and says the last sentence again. Its own time stamps
  give it away: what it places there is left out.
- A window with low confidence, with a phrase repeated over and over, cut off by the length limit, or with an
  utterance that got no words is tried again at full length and with a wider search; the better result counts.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import ctranslate2
import numpy as np
import numpy.typing as npt
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer
from faster_whisper.transcribe import get_suppressed_tokens

from transcription.audio import SAMPLE_RATE, Samples
from transcription.stamps import Stretch, spoken, stretches
from transcription.tidying import repetition
from transcription.windows import Piece, Utterance, Window, share, spans_several

Encoded = npt.NDArray[np.float32]
"""Sound as the encoder leaves it: (windows, frames / 2, width)."""
Cut = Callable[[Utterance], Samples]
"""Reads the samples of an utterance."""

_FRAMES_PER_SECOND = 100
_HOP = SAMPLE_RATE // _FRAMES_PER_SECOND
_WHOLE_LOOK = 30.0
_DECODER_LIMIT = 448


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """The measured settings of the recogniser."""

    window: float = 12.0
    """Longest window in seconds."""
    padding: float = 6.0
    """Seconds of silence encoded behind a window."""
    batch: int = 8
    """Windows decoded together."""
    beam: int = 2
    """Width of the first search; 3 takes a tenth more time, and the errors of three seeds lie within a point of it."""
    retry_beam: int = 5
    """Width of the search at the second attempt."""
    tokens_per_second: float = 9.0
    """Length limit of a window's text; fluent Russian needs about 6."""
    least_confidence: float = -1.0
    """Mean log probability of a token below which a window is tried again."""
    most_repetition: float = 2.4
    """Ratio by which a text may be compressed before it counts as repeating."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognised:
    """What the decoder made of a window."""

    window: Window
    pieces: tuple[Piece, ...]
    tokens: tuple[int, ...]
    """The text's tokens, without time stamps."""
    confidence: float
    """Mean log probability of a token, 0 is certainty."""
    no_speech: float
    """Probability that nobody speaks."""
    cut_off: bool
    """The length limit ended the text."""

    @property
    def text(self) -> str:
        """All words in order."""
        return " ".join(piece.text for piece in self.pieces)

    @property
    def is_nothing(self) -> bool:
        """The decoder itself doubts that anybody speaks, and is unsure of every word."""
        return self.no_speech > 0.6 and self.confidence < -1.0


class Recogniser:
    """A loaded model with the recipe around it."""

    def __init__(self, model: WhisperModel, recipe: Recipe | None = None) -> None:
        self.recipe = recipe or Recipe()
        self._model = model
        self._tokenizers: dict[str, Tokenizer] = {}
        self._encoded: dict[Window, Encoded] = {}

    def guess_language(self, window: Window, cut: Cut) -> dict[str, float]:
        """Ask the model for the language of a window; the encoded sound is kept for its recognition.

        Args:
            window: A window with at least two seconds of speech.
            cut: Reads an utterance.

        Returns:
            Probability by language code.
        """
        if not self._model.model.is_multilingual:
            return {"en": 1.0}
        encoded = self._encode(window, self._frames(window.duration), cut)
        self._encoded[window] = encoded
        (ranked,) = self._model.model.detect_language(_storage(encoded))
        return {token[2:-2]: float(probability) for token, probability in ranked}

    def recognise(self, windows: Sequence[Window], language: str, cut: Cut) -> Iterator[Recognised]:
        """Write down what is said in a batch of windows.

        Args:
            windows: At most `recipe.batch` windows of one language.
            language: Two-letter code.
            cut: Reads an utterance.

        Yields:
            One result a window, in the same order.
        """
        encoded = _stacked([self._encode(w, self._frames(w.duration), cut) for w in windows])
        for place, first in enumerate(self._decode(windows, encoded, language, self.recipe.beam)):
            result, sound = first, encoded[place : place + 1]
            if self.is_doubtful(first):
                result, sound = self._second_attempt(first, sound, language, cut)
            yield self._timed(result, sound, language)

    def is_doubtful(self, result: Recognised) -> bool:
        """Tell whether a window deserves a second attempt.

        Args:
            result: What the first attempt wrote.

        Returns:
            True when it is unsure, repeats itself, was cut off, or left an utterance without words.
        """
        heard = dict(share(result.window, result.pieces))
        silent = any(u.duration > 1.2 and u not in heard for u in result.window.utterances)
        return (
            silent
            or result.cut_off
            or result.confidence < self.recipe.least_confidence
            or repetition(result.text) > self.recipe.most_repetition
        )

    def _second_attempt(self, first: Recognised, sound: Encoded, language: str, cut: Cut) -> tuple[Recognised, Encoded]:
        """Try a window at full length; give the better result and the encoded sound it came from."""
        frames = round(_WHOLE_LOOK * _FRAMES_PER_SECOND)
        whole = self._encode(first.window, frames, cut)
        (second,) = self._decode([first.window], whole, language, self.recipe.retry_beam)
        return (first, sound) if self._merit(first) >= self._merit(second) else (second, whole)

    def _timed(self, result: Recognised, sound: Encoded, language: str) -> Recognised:
        """Find the time of every word, by the decoder's attention, where pieces do not tell utterances apart."""
        if not any(spans_several(piece, result.window) for piece in result.pieces):
            return result
        frames = int(result.window.duration * _FRAMES_PER_SECOND)
        tokenizer = self._tokenizer(language)
        (found,) = self._model.find_alignment(tokenizer, [list(result.tokens)], _storage(sound), frames)
        return replace(result, pieces=tuple(_words(found))) if found else result

    def _merit(self, result: Recognised) -> tuple[bool, bool, float]:
        loops = repetition(result.text) > self.recipe.most_repetition
        return not loops, not result.cut_off, result.confidence

    def _frames(self, seconds: float) -> int:
        frames = round((seconds + self.recipe.padding) * _FRAMES_PER_SECOND)
        return min(round(_WHOLE_LOOK * _FRAMES_PER_SECOND), frames + frames % 2)

    def _encode(self, window: Window, frames: int, cut: Cut) -> Encoded:
        """Encode a window with silence behind it: (1, frames / 2, width)."""
        kept = self._encoded.pop(window, None)
        if kept is not None and kept.shape[1] * 2 == frames:
            return kept
        samples = np.zeros(frames * _HOP, np.float32)
        for utterance, (start, _) in zip(window.utterances, window.slots, strict=True):
            at = int(start * SAMPLE_RATE)
            sound = cut(utterance)[: len(samples) - at]
            samples[at : at + len(sound)] = sound
        features = self._model.feature_extractor(samples, padding=0)[:, :frames]
        encoded = self._model.model.encode(_storage(features[None]), to_cpu=True)
        return np.array(encoded, dtype=np.float32)

    def _decode(self, windows: Sequence[Window], encoded: Encoded, language: str, beam: int) -> list[Recognised]:
        tokenizer = self._tokenizer(language)
        prompt = list(tokenizer.sot_sequence)
        longest = max(w.duration for w in windows)
        limit = min(_DECODER_LIMIT, len(prompt) + int(longest * self.recipe.tokens_per_second) + 24)
        results = self._model.model.generate(
            _storage(encoded),
            [prompt] * len(windows),
            beam_size=beam,
            max_length=limit,
            suppress_tokens=list(get_suppressed_tokens(tokenizer, [-1]) or ()),
            return_scores=True,
            return_no_speech_prob=True,
        )
        found = zip(windows, results, strict=True)
        return [self._result(window, result, tokenizer, limit - len(prompt)) for window, result in found]

    def _result(self, window: Window, result: Any, tokenizer: Tokenizer, limit: int) -> Recognised:
        tokens = result.sequences_ids[0]
        kept, invented = spoken(stretches(tokens, tokenizer.timestamp_begin, tokenizer.eot), window.duration)
        return Recognised(
            window=window,
            pieces=tuple(piece for one in kept if (piece := _piece(one, tokenizer, window.duration)).text),
            tokens=tuple(token for one in kept for token in one.tokens),
            confidence=float(result.scores[0]),
            no_speech=float(result.no_speech_prob),
            cut_off=len(tokens) >= limit - 1 and not invented,
        )

    def _tokenizer(self, language: str) -> Tokenizer:
        if language not in self._tokenizers:
            multilingual = self._model.model.is_multilingual
            self._tokenizers[language] = Tokenizer(
                self._model.hf_tokenizer, multilingual, task="transcribe", language=language
            )
        return self._tokenizers[language]


def _stacked(encoded: Sequence[Encoded]) -> Encoded:
    """Lay windows of different lengths together, each ended by as much of its last silence as it needs."""
    longest = max(one.shape[1] for one in encoded)
    return np.concatenate([np.pad(one, ((0, 0), (0, longest - one.shape[1]), (0, 0)), mode="edge") for one in encoded])


def _piece(stretch: Stretch, tokenizer: Tokenizer, duration: float) -> Piece:
    text = " ".join(tokenizer.decode(list(stretch.tokens)).replace("\ufffd", "").split())
    start = min(stretch.start, duration)
    end = min(duration, duration if stretch.end is None else stretch.end)
    return Piece(start=start, end=max(start, end), text=text)


def _words(found: Sequence[dict[str, Any]]) -> Iterator[Piece]:
    """Join what the alignment found into whole words; a part without a space before it belongs to its word."""
    held: Piece | None = None
    for part in found:
        text, start, end = str(part["word"]), float(part["start"]), float(part["end"])
        if held and not text.startswith(" "):
            # A full stop lasts through the silence behind it, which is not the word's.
            reach = end if any(map(str.isalnum, text)) else held.end
            held = replace(held, end=reach, text=held.text + text)
            continue
        if held:
            yield held
        held = Piece(start=start, end=end, text=text.strip())
    if held:
        yield held


def _storage(array: Encoded) -> ctranslate2.StorageView:
    return ctranslate2.StorageView.from_array(np.ascontiguousarray(array))
