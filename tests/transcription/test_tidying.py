from hypothesis import given
from hypothesis import strategies as st

from transcription.tidying import is_credit, repetition, without_loops

WORDS = st.lists(st.sampled_from(["a", "b", "c"]), max_size=40)


def test_a_phrase_said_three_times_or_more_is_kept_once() -> None:
    assert without_loops(["press", "one"] * 4 + ["now"]) == ["press", "one", "now"]


def test_a_word_said_twice_stays() -> None:
    assert without_loops(["yes", "yes", "of", "course"]) == ["yes", "yes", "of", "course"]


@given(WORDS)
def test_nothing_new_is_written_and_the_order_stays(words: list[str]) -> None:
    rest = iter(words)

    assert all(word in rest for word in without_loops(words))


@given(st.lists(st.integers(0, 99).map(str), min_size=1, max_size=12, unique=True), st.integers(3, 6))
def test_a_loop_becomes_what_was_looped(phrase: list[str], times: int) -> None:
    assert without_loops(phrase * times) == phrase


def test_a_loop_of_loops_is_kept_once() -> None:
    assert without_loops(list("bbbabbbabbba")) == ["b", "a"]


def test_repetition_tells_a_loop_from_speech() -> None:
    speech = "Добрый день, это отдел продаж, чем я могу вам помочь сегодня?"

    assert repetition(speech) < 2.0 < repetition("нажмите решетку " * 20)
    assert repetition("") == 0.0


def test_credit_lines_of_films_are_no_speech() -> None:
    assert is_credit("Субтитры сделал DimaTorzok")
    assert is_credit("Продолжение следует...")
    assert is_credit("Thanks for watching!")
    assert not is_credit("Thank you for calling, how may I help you?")


def test_a_long_sentence_that_holds_a_credits_words_is_speech() -> None:
    assert not is_credit("Я прошу вас, спасибо за просмотр нашей презентации, а теперь давайте поговорим о цене")
