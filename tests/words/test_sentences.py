"""How a finished English sentence is found again and said in another language."""

import pytest

from gateway.words import Sentences, asked_language

SENTENCES = Sentences(
    {
        "The file is empty.": {"ru": "Файл пуст.", "pl": "Plik jest pusty."},
        "{1} is away.": {"ru": "{1} отсутствует.", "pl": "{1} jest nieobecny."},
        "{1} is away until {2}.": {"ru": "До {2} {1} отсутствует.", "pl": "Do {2} {1} jest nieobecny."},
        "The import waits: {1}": {"ru": "Импорт ждёт: {1}", "pl": "Import czeka: {1}"},
        "deny = {1}": {},
    }
)


@pytest.mark.parametrize(
    ("english", "russian"),
    [
        ("The file is empty.", "Файл пуст."),
        ("Anna is away.", "Anna отсутствует."),
        ("Anna is away until 12:30.", "До 12:30 Anna отсутствует."),
        ("Anna is away until noon is away until 12:30.", "До noon is away until 12:30 Anna отсутствует."),
        ("The import waits: The file is empty.", "Импорт ждёт: Файл пуст."),
        ("The file is empty. Anna is away.", "Файл пуст. Anna отсутствует."),
        ("deny = 0.0.0.0/0", "deny = 0.0.0.0/0"),
        ("{1} is away.", "{1} отсутствует."),
    ],
)
def test_a_sentence_is_said_in_another_language_with_what_was_put_in(english: str, russian: str) -> None:
    assert SENTENCES.knows(english)
    assert SENTENCES.said(english, "ru") == russian
    assert SENTENCES.said(english, "en") == english


@pytest.mark.parametrize(
    "text", ["", "Nobody wrote this down.", "The file is empty. Nobody knows.", "is away", "é" * 5000]
)
def test_what_nobody_wrote_down_stays_as_it_is(text: str) -> None:
    assert not SENTENCES.knows(text)
    assert SENTENCES.said(text, "ru") == text


def test_what_somebody_wrote_into_a_slot_is_no_pattern() -> None:
    """Neither a slot's sign nor the fixed parts again and again make anything of it."""
    assert SENTENCES.said("{2} {1} is away until {1}.", "pl") == "Do {1} {2} {1} jest nieobecny."
    hostile = " is away until" * 280
    assert SENTENCES.said(f"A{hostile}", "ru") == f"A{hostile}"


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("*", "en"),
        ("ru", "ru"),
        ("pl-PL,pl;q=0.9,en;q=0.8", "pl"),
        ("de, en;q=0.3, ru;q=0.8", "ru"),
        ("RU;q=0, pl ; q=0.1", "pl"),
        ("ru;q=x, pl;q=1.5e9, en;q=0.1", "en"),
        ("ru;level=1", "en"),
        (",;,=;q", "en"),
        ("de," * 30 + "ru", "en"),
    ],
)
def test_the_language_that_is_asked_for(header: str | None, language: str) -> None:
    assert asked_language(header) == language
