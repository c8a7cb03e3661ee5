"""Each sentence of the code is in the files, in every language and with what is put into it."""

import json
import re
from collections import Counter
from importlib.resources import files

from gateway.words.sentences import SLOT, entries_of_files, known_sentences
from tests.words.spoken import spoken

LANGUAGES = ("ru", "pl")
ENTRIES = entries_of_files()


def test_each_sentence_of_the_code_is_known() -> None:
    missing = {text: file for text, file in spoken().items() if not known_sentences().knows(text)}
    assert missing == {}, "write them into a file of gateway/words"


def test_each_sentence_is_said_in_every_language_or_is_the_same_in_all() -> None:
    assert {text for text, known in ENTRIES.items() if known and tuple(known) != ("pl", "ru")} == set()
    assert {
        text for text, known in ENTRIES.items() if known and not all(said.strip() for said in known.values())
    } == set()
    assert {text for text, known in ENTRIES.items() if known and set(known.values()) == {text}} == set(), (
        "leave it empty"
    )


def test_a_translation_has_the_slots_of_its_sentence_once_each() -> None:
    wrong = {
        text: said
        for text, known in ENTRIES.items()
        for said in known.values()
        if sorted(SLOT.findall(said)) != sorted(SLOT.findall(text))
    }
    assert wrong == {}


def test_russian_is_written_in_cyrillic_and_polish_is_not() -> None:
    told = {text: known for text, known in ENTRIES.items() if known}
    assert {
        text for text, known in told.items() if text.endswith(".") and not re.search("[а-яё]", known["ru"])
    } == set()
    assert {text for text, known in told.items() if re.search("[а-яё]", known["pl"], re.IGNORECASE)} == set()


def test_no_sentence_is_in_two_files() -> None:
    texts = [
        text
        for file in files("gateway.words").iterdir()
        if file.name.endswith(".json")
        for text in json.loads(file.read_text("utf-8"))
    ]
    assert [text for text, count in Counter(texts).items() if count > 1] == []
