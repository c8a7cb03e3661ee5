from hypothesis import given
from hypothesis import strategies as st

from transcription.stamps import Stretch, spoken, stretches

END, ZERO = 50, 100


def at(seconds: float) -> int:
    """The token of a time stamp."""
    return ZERO + round(seconds / 0.02)


def test_text_lies_between_its_stamps() -> None:
    found = stretches([at(0), 1, 2, at(2), at(3), 3, at(5)], ZERO, END)

    assert found == [
        Stretch(start=0.0, end=2.0, tokens=(1, 2)),
        Stretch(start=3.0, end=5.0, tokens=(3,)),
    ]


def test_text_without_a_last_stamp_has_no_end() -> None:
    assert stretches([at(1), 1, 2], ZERO, END) == [Stretch(start=1.0, end=None, tokens=(1, 2))]


def test_text_without_any_stamp_begins_at_the_start() -> None:
    assert stretches([1, 60, 2], ZERO, END) == [Stretch(start=0.0, end=None, tokens=(1, 2))]


def test_what_is_placed_behind_the_end_of_the_sound_is_left_out() -> None:
    said = [at(0), 1, at(3), at(3), 2, at(6), at(9), 2, at(12), at(12), 2]

    kept, invented = spoken(stretches(said, ZERO, END), 6.5)

    assert [one.tokens for one in kept] == [(1,), (2,)]
    assert invented


def test_the_first_text_stays_wherever_the_decoder_puts_it() -> None:
    kept, invented = spoken(stretches([at(9), 1, at(12)], ZERO, END), 2.0)

    assert [one.tokens for one in kept] == [(1,)]
    assert not invented


@given(st.lists(st.one_of(st.integers(0, END - 1), st.integers(ZERO, ZERO + 1500))))
def test_no_text_is_lost_or_moved(tokens: list[int]) -> None:
    found = stretches(tokens, ZERO, END)

    assert [token for one in found for token in one.tokens] == [token for token in tokens if token < END]
    assert all(one.tokens for one in found)
