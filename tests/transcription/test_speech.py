from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcription.speech import FRAME_SECONDS, Levels, Probabilities, SpeechRules, echo_frames, utterance_times

RULES = SpeechRules()
ONE = SpeechRules(before=0.0, after=0.0)


def steps(parts: Sequence[tuple[float, float]]) -> Levels:
    """A row of frames out of (seconds, value)."""
    ends = [round(sum(seconds for seconds, _ in parts[: i + 1]) / FRAME_SECONDS) for i in range(len(parts))]
    return np.repeat([value for _, value in parts], np.diff([0, *ends]))


def frames(*parts: tuple[float, float]) -> Probabilities:
    """Probabilities out of (seconds, probability)."""
    return steps(parts).astype(np.float32)


def loud(*parts: tuple[float, float]) -> Levels:
    """Mean squares out of (seconds, decibels)."""
    return np.asarray(10 ** (steps(parts) / 10))


def times(heard: Probabilities, rules: SpeechRules = ONE) -> list[tuple[float, float]]:
    return utterance_times(heard, np.full(len(heard), 0.01), None, rules)


def test_speech_lasts_from_the_first_sure_frame_to_the_last_likely_one() -> None:
    (found,) = times(frames((1.0, 0.1), (2.0, 0.9), (1.0, 0.4), (2.0, 0.1)))

    assert found == pytest.approx((1.0, 4.0), abs=2 * FRAME_SECONDS)


def test_a_short_pause_does_not_end_an_utterance_and_a_long_one_does() -> None:
    assert len(times(frames((1.0, 0.9), (0.4, 0.1), (1.0, 0.9)))) == 1
    assert len(times(frames((1.0, 0.9), (0.6, 0.1), (1.0, 0.9)))) == 2


def test_a_click_is_no_speech() -> None:
    assert times(frames((1.0, 0.0), (0.1, 0.99), (1.0, 0.0))) == []


def test_speech_up_to_the_end_of_the_recording_is_kept() -> None:
    (found,) = times(frames((1.0, 0.0), (2.0, 0.9)))

    assert found[1] == pytest.approx(3.0, abs=FRAME_SECONDS)


def test_an_utterance_gets_a_margin_on_both_sides() -> None:
    (found,) = times(frames((1.0, 0.0), (2.0, 0.9), (1.0, 0.0)), RULES)

    assert found == pytest.approx((1.0 - RULES.before, 3.0 + RULES.after), abs=2 * FRAME_SECONDS)


def test_a_long_utterance_is_cut_at_its_longest_pause() -> None:
    found = times(frames((9.0, 0.9), (0.3, 0.1), (10.0, 0.9)))

    assert len(found) == 2
    assert found[0][1] == pytest.approx(9.15, abs=0.2)


def test_the_other_sides_echo_is_no_speech() -> None:
    heard = frames((0.5, 0.0), (2.0, 0.9), (1.0, 0.0))
    other = loud((0.4, -60), (2.0, -20), (1.1, -60))
    echo = loud((0.5, -70), (2.0, -48), (1.0, -70))

    assert utterance_times(heard, echo, other, ONE) == []
    assert len(utterance_times(heard, other, echo, ONE)) == 1


def test_an_answer_that_follows_an_echo_begins_where_the_answer_begins() -> None:
    heard = frames((3.0, 0.9), (0.2, 0.2), (2.0, 0.9), (1.0, 0.0))
    own = loud((3.0, -48), (0.2, -70), (2.0, -25), (1.0, -70))
    other = loud((3.0, -20), (3.2, -60))

    (found,) = utterance_times(heard, own, other, ONE)

    assert found == pytest.approx((3.2, 5.2), abs=0.3)


def test_both_speaking_at_once_are_both_heard_when_one_is_ten_decibels_weaker() -> None:
    heard = frames((2.0, 0.9), (1.0, 0.0))

    assert len(utterance_times(heard, loud((3.0, -30)), loud((3.0, -20)), ONE)) == 1


@pytest.mark.parametrize("length", [0, 1, 2, 50])
def test_silence_against_silence_is_no_echo(length: int) -> None:
    found = echo_frames(np.zeros(length), np.zeros(length), RULES)

    assert found.shape == (length,)
    assert not found.any()


@given(st.lists(st.tuples(st.floats(0.04, 20.0), st.sampled_from([0.0, 0.2, 0.4, 0.6, 1.0])), max_size=12))
def test_utterances_are_ordered_within_the_recording_and_never_too_long(parts: list[tuple[float, float]]) -> None:
    heard = frames(*parts) if parts else np.zeros(0, np.float32)

    found = times(heard, RULES)

    assert all(0.0 <= start < end <= len(heard) * FRAME_SECONDS + 1e-9 for start, end in found)
    assert all(end - start <= RULES.longest + 2 * FRAME_SECONDS for start, end in found)
    assert all(a[1] <= b[0] for a, b in pairwise(found))
