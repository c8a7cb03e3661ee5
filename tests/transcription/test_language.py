from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from transcription.language import choose


def test_the_likelier_of_the_configured_languages_is_chosen() -> None:
    assert choose([{"uk": 0.6, "ru": 0.3, "en": 0.01}], ("en", "ru")) == "ru"


def test_without_enough_speech_the_first_configured_language_is_taken() -> None:
    assert choose([], ("ru", "en")) == "ru"
    assert choose([{"de": 1.0}], ("ru", "en")) == "ru"


def test_one_configured_language_is_never_asked_for() -> None:
    def guesses() -> Iterator[dict[str, float]]:
        raise AssertionError("asked")
        yield {}

    assert choose(guesses(), ("pl",)) == "pl"


def test_a_sure_guess_is_enough_and_an_unsure_one_asks_another_window() -> None:
    def guesses(*given_: dict[str, float]) -> Iterator[dict[str, float]]:
        for guess in given_:
            asked.append(guess)
            yield guess

    asked: list[dict[str, float]] = []
    assert choose(guesses({"ru": 0.9, "en": 0.1}, {"en": 1.0}), ("ru", "en")) == "ru"
    assert len(asked) == 1

    asked.clear()
    assert choose(guesses({"ru": 0.55, "en": 0.45}, {"ru": 0.05, "en": 0.95}), ("ru", "en")) == "en"
    assert len(asked) == 2


@given(st.lists(st.dictionaries(st.sampled_from(["ru", "en", "de", "pl"]), st.floats(0, 1)), max_size=4))
def test_only_a_configured_language_is_chosen(guesses: list[dict[str, float]]) -> None:
    assert choose(guesses, ("en", "pl")) in ("en", "pl")
