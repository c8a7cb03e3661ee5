from collections import Counter
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from transcription.windows import GAP, Piece, Utterance, Window, batches, pack, share, spans_several

LIMIT = 12.0


@st.composite
def utterance_lists(draw: st.DrawFn) -> list[Utterance]:
    """Utterances of a few recordings, one behind the other in each channel."""
    found = []
    for recording in range(draw(st.integers(0, 3))):
        for channel in range(2):
            at = 0.0
            for _ in range(draw(st.integers(0, 6))):
                start = at + draw(st.floats(0.01, 5.0))
                at = start + draw(st.floats(0.25, 14.0))
                found.append(Utterance(recording=recording, channel=channel, start=start, end=at))
    return draw(st.permutations(found))


@st.composite
def windows_with_pieces(draw: st.DrawFn) -> tuple[Window, list[Piece]]:
    durations = draw(st.lists(st.floats(0.3, 6.0), min_size=1, max_size=5))
    at = 0.0
    utterances = []
    for duration in durations:
        utterances.append(Utterance(recording=0, channel=0, start=at, end=at + duration))
        at += duration + 3.0
    window = Window(utterances=tuple(utterances))
    times = sorted(draw(st.lists(st.floats(0.0, window.duration), min_size=2, max_size=8)))
    words = st.lists(st.sampled_from(["yes.", "no,", "seven", "please", "I"]), min_size=1, max_size=9)
    pieces = [Piece(start=a, end=b, text=" ".join(draw(words))) for a, b in pairwise(times)]
    return window, pieces


def window(*durations: float) -> Window:
    starts = [sum(durations[:i]) + 10.0 * i for i in range(len(durations))]
    return Window(
        utterances=tuple(
            Utterance(recording=0, channel=0, start=start, end=start + duration)
            for start, duration in zip(starts, durations, strict=True)
        )
    )


@given(utterance_lists())
def test_every_utterance_is_packed_exactly_once(utterances: list[Utterance]) -> None:
    packed = [u for w in pack(utterances, LIMIT) for u in w.utterances]

    assert Counter(packed) == Counter(utterances)


@given(utterance_lists())
def test_a_window_holds_one_channel_in_order_and_is_no_longer_than_the_limit(utterances: list[Utterance]) -> None:
    for packed in pack(utterances, LIMIT):
        assert len({(u.recording, u.channel) for u in packed.utterances}) == 1
        assert list(packed.utterances) == sorted(packed.utterances)
        assert packed.duration <= LIMIT or len(packed.utterances) == 1


@given(utterance_lists())
def test_no_two_neighbouring_windows_would_fit_into_one(utterances: list[Utterance]) -> None:
    for a, b in pairwise(pack(utterances, LIMIT)):
        if (a.recording, a.utterances[0].channel) == (b.recording, b.utterances[0].channel):
            assert a.duration + GAP + b.utterances[0].duration > LIMIT


def test_utterances_lie_behind_each_other_with_a_gap() -> None:
    assert window(2.0, 3.0).slots == ((0.0, 2.0), (2.0 + GAP, 5.0 + GAP))
    assert window(2.0, 3.0).duration == 5.0 + GAP


@given(utterance_lists(), st.integers(1, 8))
def test_batches_hold_every_window_once_one_language_each_the_longest_first(
    utterances: list[Utterance], size: int
) -> None:
    languages = ["ru", "en", "ru", "en"]
    packed = pack(utterances, LIMIT)

    made = list(batches(packed, languages, size))

    assert Counter(w for _, batch in made for w in batch) == Counter(packed)
    for language, batch in made:
        assert 1 <= len(batch) <= size
        assert {languages[w.recording] for w in batch} == {language}
        assert [w.duration for w in batch] == sorted((w.duration for w in batch), reverse=True)


@given(windows_with_pieces())
def test_sharing_out_keeps_all_words_in_order(given_: tuple[Window, list[Piece]]) -> None:
    packed, pieces = given_

    shared = share(packed, pieces)

    assert [w for _, text in shared for w in text.split()] == [w for p in pieces for w in p.text.split()]
    assert [u for u, _ in shared] == sorted(u for u, _ in shared)
    assert all(text for _, text in shared)


def test_a_piece_within_one_utterance_is_that_utterances() -> None:
    packed = window(2.0, 3.0)

    shared = share(packed, [Piece(start=0.1, end=1.9, text="Hello."), Piece(start=2.5, end=5.3, text="Who is it?")])

    assert shared == [(packed.utterances[0], "Hello."), (packed.utterances[1], "Who is it?")]


def test_a_piece_over_two_utterances_is_cut_behind_the_sentence_near_their_border() -> None:
    packed = window(2.0, 2.0)

    shared = share(packed, [Piece(start=0.0, end=4.4, text="Good morning to you. I would like to order.")])

    assert [text for _, text in shared] == ["Good morning to you.", "I would like to order."]


def test_an_utterance_without_words_gets_no_text() -> None:
    packed = window(2.0, 2.0, 2.0)

    shared = share(packed, [Piece(start=0.0, end=1.8, text="One."), Piece(start=5.0, end=6.7, text="Three.")])

    assert shared == [(packed.utterances[0], "One."), (packed.utterances[2], "Three.")]


def test_a_word_in_the_gap_goes_to_the_nearest_utterance() -> None:
    packed = window(2.0, 2.0)

    assert share(packed, [Piece(start=2.02, end=2.02, text="so")])[0][0] == packed.utterances[0]
    assert share(packed, [Piece(start=2.38, end=2.38, text="so")])[0][0] == packed.utterances[1]


def test_only_a_piece_that_covers_two_utterances_in_earnest_spans_several() -> None:
    assert spans_several(Piece(start=0.0, end=4.4, text="a b"), window(2.0, 2.0))
    assert not spans_several(Piece(start=0.0, end=2.45, text="a b"), window(2.0, 2.0))
