"""What holds for every sentence of the files, whatever somebody wrote into its slots."""

import re
import sys
from collections.abc import Sequence
from types import FrameType

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.words import said
from gateway.words.sentences import BETWEEN, LENGTH_MAX, LISTED, SLOT, entries_of_files, known_sentences

ENTRIES = entries_of_files()
SLOTTED = sorted(text for text, known in ENTRIES.items() if SLOT.search(text) and known)
LANGUAGES = ("ru", "pl")
FRAGMENTS = sorted({part for text in ENTRIES for part in SLOT.split(text)[::2] if part} | ENTRIES.keys())
ANYTHING = st.text(st.characters(exclude_categories=["Cs"]))


def parts_of(sentence: str) -> Sequence[str]:
    """Its fixed parts, one more than it has slots."""
    return SLOT.split(sentence)[::2]


def numbers_of(sentence: str) -> Sequence[str]:
    return SLOT.findall(sentence)


def filled(sentence: str, values: Sequence[str]) -> str:
    """The sentence with a value in each slot, by the slots' numbers."""
    return SLOT.sub(lambda slot: values[int(slot[1]) - 1], sentence)


def is_told_apart(value: str, parts: Sequence[str]) -> bool:
    """Whether no fixed part stands in the value, or begins at its end."""
    return all((value + part).find(part) == len(value) for part in parts if part)


def fits(text: str, sentence: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, parts_of(sentence))), text, re.DOTALL) is not None


@st.composite
def finished(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A sentence of the files and what was put into it."""
    sentence = draw(st.sampled_from(SLOTTED))
    value = ANYTHING.filter(lambda text: is_told_apart(text, parts_of(sentence)) and not known_sentences().knows(text))
    return sentence, [draw(value) for _ in numbers_of(sentence)]


@st.composite
def hostile(draw: st.DrawFn) -> str:
    """Pieces of our own sentences in any order, and again and again."""
    pieces = draw(st.lists(st.one_of(st.sampled_from(FRAGMENTS), ANYTHING), min_size=1, max_size=6))
    glue = draw(st.sampled_from(["", " ", ". ", ": "]))
    return (glue.join(pieces) + glue) * draw(st.integers(1, 400))


@given(finished(), st.sampled_from(LANGUAGES))
def test_the_translation_has_exactly_what_was_put_in(case: tuple[str, list[str]], language: str) -> None:
    sentence, values = case
    text = filled(sentence, values)
    assume(len(text) <= LENGTH_MAX)
    assume(not any(fits(text, other) for other in SLOTTED if other != sentence))

    assert said(text, language) == filled(ENTRIES[sentence][language], values)


@pytest.mark.parametrize("sentence", SLOTTED)
def test_two_slots_of_a_sentence_do_not_touch(sentence: str) -> None:
    """Nobody could say where the one ends."""
    assert numbers_of(sentence) == [str(number) for number in range(1, len(parts_of(sentence)))]
    assert all(parts_of(sentence)[1:-1])


@given(st.one_of(ANYTHING, hostile()))
def test_english_stays_as_it_is(text: str) -> None:
    assert said(text, "en") == text


@given(st.one_of(ANYTHING, hostile()), st.sampled_from(LANGUAGES))
def test_every_text_can_be_asked_for(text: str, language: str) -> None:
    given_again = said(text[:LENGTH_MAX], language)

    assert given_again or not text


@given(hostile())
def test_a_text_takes_steps_in_proportion_to_its_sentences(text: str) -> None:
    """However they lie within each other: hundreds of sentences are looked through some times, not hundreds."""
    text = text[:LENGTH_MAX]

    assert steps(text) <= 30 * len(ENTRIES) * (len(BETWEEN.split(text)) + len(LISTED.split(text)))


def steps(text: str) -> int:
    """How many functions are called to say a text in Russian; each of them reads it once at most."""
    known, count = known_sentences(), 0

    def called(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(called)
    try:
        known.said(text, "ru")
    finally:
        sys.setprofile(before)
    return count
