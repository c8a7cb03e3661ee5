"""Where somebody speaks in each channel of a recording.

Silero's voice detector gives a probability of speech for every 32 ms. Three rules turn it into utterances:

- hysteresis: speech begins at a probability of 0.5, and ends when it stays below 0.35 for half a second;
- echo: a channel also carries the other side, 20 to 40 dB weaker and up to a quarter of a second late. Frames
  far weaker than the other channel has just been are its echo, not speech; what is left of an utterance is
  judged once more as a whole;
- an utterance longer than 14 s is cut at its longest pause.

The recogniser never sees anything else: given silence, noise, ringback or hold music it would invent
sentences. The detector is run with its state carried from block to block, so a call of any length needs
little memory.
"""

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime  # type: ignore[import-untyped]

from transcription.audio import SAMPLE_RATE, Recording, Samples
from transcription.errors import ModelUnavailableError
from transcription.windows import Utterance

FRAME = 512
"""Samples in a frame of the detector, 32 ms."""
FRAME_SECONDS = FRAME / SAMPLE_RATE

_CONTEXT = 64
_STATE = (1, 1, 128)
_FLOOR = 1e-7
Levels = npt.NDArray[np.float64]
Probabilities = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechRules:
    """The thresholds of the module's three rules."""

    begin: float = 0.5
    """Probability at which speech begins."""
    end: float = 0.35
    """Probability below which speech may end."""
    pause: float = 0.5
    """Seconds below `end` that end an utterance."""
    shortest: float = 0.25
    """Seconds; anything shorter is a click or a breath."""
    longest: float = 14.0
    """Seconds; a longer utterance is cut at its longest pause."""
    before: float = 0.25
    """Seconds kept before the speech, where soft consonants hide."""
    after: float = 0.2
    """Seconds kept after the speech."""
    echo_frame: float = 18.0
    """Decibels by which a single frame must be weaker than the other channel to be its echo."""
    echo_utterance: float = 12.0
    """Decibels by which a whole utterance must be weaker than the other channel to be its echo."""
    echo_delay: float = 0.3
    """Longest delay of an echo in seconds."""


class _Ear:
    """The detector's memory of one channel."""

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        self._session = session
        self._h = np.zeros(_STATE, np.float32)
        self._c = np.zeros(_STATE, np.float32)
        self._context = np.zeros(_CONTEXT, np.float32)

    def hear(self, samples: Samples) -> Probabilities:
        """Judge whole frames (a multiple of `FRAME` samples) that follow those heard before."""
        if not len(samples):
            return np.zeros(0, np.float32)
        frames = samples.reshape(-1, FRAME)
        contexts = np.vstack([self._context, frames[:-1, -_CONTEXT:]])
        self._context = frames[-1, -_CONTEXT:].copy()
        heard = {"input": np.hstack([contexts, frames]), "h": self._h, "c": self._c}
        output, self._h, self._c = self._session.run(None, heard)
        return np.asarray(output, np.float32).reshape(-1)


class VoiceDetector:
    """Silero's model, loaded once and used for any number of recordings."""

    def __init__(self) -> None:
        options = onnxruntime.SessionOptions()
        options.inter_op_num_threads = 1
        options.intra_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        options.log_severity_level = 4
        self._session = onnxruntime.InferenceSession(
            str(_silero()), providers=["CPUExecutionProvider"], sess_options=options
        )

    def listen(self, recording: Recording, place: int = 0, rules: SpeechRules | None = None) -> list[Utterance]:
        """Find all utterances of a recording.

        Args:
            recording: An open recording.
            place: The recording's place in the batch, written into the utterances.
            rules: Thresholds; None: the measured ones.

        Returns:
            Utterances in order of channel and start.

        Raises:
            UnreadableRecordingError: See `Recording.blocks`.
        """
        rules = rules or SpeechRules()
        probabilities, levels = self._follow(recording)
        found = []
        for channel in range(recording.channels):
            other = levels[1 - channel] if recording.channels == 2 else None
            for start, end in utterance_times(probabilities[channel], levels[channel], other, rules):
                within = min(end, recording.duration)
                found.append(Utterance(recording=place, channel=channel, start=start, end=within))
        return found

    def _follow(self, recording: Recording) -> tuple[list[Probabilities], list[Levels]]:
        ears = [_Ear(self._session) for _ in range(recording.channels)]
        heard: list[list[Probabilities]] = [[] for _ in ears]
        powers: list[list[Levels]] = [[] for _ in ears]
        rest = np.zeros((recording.channels, 0), np.float32)
        for block in recording.blocks():
            block = np.concatenate([rest, block], axis=1)
            whole = block.shape[1] // FRAME * FRAME
            rest = block[:, whole:]
            for channel, ear in enumerate(ears):
                heard[channel].append(ear.hear(block[channel, :whole]))
                powers[channel].append(_power(block[channel, :whole]))
        last = np.pad(rest, ((0, 0), (0, -rest.shape[1] % FRAME)))
        for channel, ear in enumerate(ears):
            heard[channel].append(ear.hear(last[channel]))
            powers[channel].append(_power(last[channel]))
        return [np.concatenate(h) for h in heard], [np.concatenate(p) for p in powers]


def utterance_times(
    probabilities: Probabilities, own: Levels, other: Levels | None, rules: SpeechRules
) -> list[tuple[float, float]]:
    """Turn one channel's frames into utterances. Pure.

    Args:
        probabilities: (frames,) probability of speech.
        own: (frames,) mean square of the channel.
        other: (frames,) mean square of the other channel; None: there is none.
        rules: Thresholds.

    Returns:
        Start and end of each utterance in seconds, ordered and never overlapping.
    """
    heard = probabilities
    if other is not None:
        heard = np.where(echo_frames(own, other, rules), 0.0, probabilities).astype(np.float32)
    runs = [
        part
        for run in _runs(heard, rules)
        if not _is_echo(run, own, other, rules)
        for part in _cut_long(run, heard, rules)
    ]
    return _with_margins(runs, len(heard), rules)


def echo_frames(own: Levels, other: Levels, rules: SpeechRules) -> npt.NDArray[np.bool_]:
    """Tell which frames are so weak against the other channel that they can only be its echo. Pure.

    Args:
        own: (frames,) mean square of the channel.
        other: (frames,) mean square of the other channel.
        rules: Thresholds.

    Returns:
        (frames,) True for echo.
    """
    if not len(own):
        return np.zeros(0, np.bool_)
    delay = round(rules.echo_delay / FRAME_SECONDS)
    mine, theirs = _smooth(own), _smooth(other)
    loudest = np.lib.stride_tricks.sliding_window_view(np.pad(theirs, (delay, 0)), delay + 1).max(axis=1)
    return np.asarray(_decibels(loudest, mine) > rules.echo_frame)


def _silero() -> Path:
    """The detector's file; it lies in the faster-whisper package, which is not imported for it."""
    spec = importlib.util.find_spec("faster_whisper")
    if spec is None or not spec.submodule_search_locations:
        raise ModelUnavailableError("silero", "package faster-whisper is not installed")
    return Path(spec.submodule_search_locations[0]) / "assets" / "silero_vad_v6.onnx"


def _power(samples: Samples) -> Levels:
    return np.asarray(np.square(samples.astype(np.float64)).reshape(-1, FRAME).mean(axis=1))


def _smooth(levels: Levels) -> Levels:
    """Mean over three frames, about 100 ms: the length of a sound."""
    if len(levels) < 3:
        return levels
    return np.convolve(levels, np.full(3, 1 / 3), mode="same")


def _decibels(a: Levels, b: Levels) -> Levels:
    return np.asarray(10 * np.log10((a + _FLOOR) / (b + _FLOOR)))


def _runs(heard: Probabilities, rules: SpeechRules) -> list[tuple[int, int]]:
    """Frames from the beginning of speech to its end, by hysteresis."""
    pause = round(rules.pause / FRAME_SECONDS)
    shortest = rules.shortest / FRAME_SECONDS
    runs: list[tuple[int, int]] = []
    start: int | None = None
    last = 0
    for i, probability in enumerate(heard):
        if probability >= rules.begin and start is None:
            start = i
        if start is None:
            continue
        if probability >= rules.end:
            last = i + 1
        elif i - last >= pause:
            runs.append((start, last))
            start = None
    if start is not None:
        runs.append((start, last))
    return [(a, b) for a, b in runs if b - a >= shortest]


def _is_echo(run: tuple[int, int], own: Levels, other: Levels | None, rules: SpeechRules) -> bool:
    if other is None:
        return False
    a, b = run
    return bool(_decibels(other[a:b].mean(), own[a:b].mean()) >= rules.echo_utterance)


def _cut_long(run: tuple[int, int], heard: Probabilities, rules: SpeechRules) -> list[tuple[int, int]]:
    """Cut a run that is too long, again and again, at the least likely speech of its middle third."""
    longest = int((rules.longest - rules.before - rules.after) / FRAME_SECONDS)
    a, b = run
    if b - a <= longest:
        return [run]
    third = (b - a) // 3
    quiet = np.convolve(heard[a + third : b - third], np.full(5, 0.2), mode="same")
    cut = a + third + int(quiet.argmin())
    return _cut_long((a, cut), heard, rules) + _cut_long((cut, b), heard, rules)


def _with_margins(runs: Sequence[tuple[int, int]], frames: int, rules: SpeechRules) -> list[tuple[float, float]]:
    """Widen each run, sharing the pause where two are close, and turn frames into seconds."""
    times = [[a * FRAME_SECONDS - rules.before, b * FRAME_SECONDS + rules.after] for a, b in runs]
    if not times:
        return []
    times[0][0] = max(0.0, times[0][0])
    times[-1][1] = min(frames * FRAME_SECONDS, times[-1][1])
    for earlier, later in pairwise(times):
        if earlier[1] > later[0]:
            earlier[1] = later[0] = (earlier[1] + later[0]) / 2
    return [(start, end) for start, end in times]
