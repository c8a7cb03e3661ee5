"""Finished English sentences, given again in another language.

A sentence with slots is told by its fixed parts: of several that fit, the one with the most letters of its own is
meant. What stands in a slot is given again in turn where it is a sentence of its own, and stays as it is otherwise, as
names and numbers do.
"""

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files

LENGTH_MAX = 4000
"""Characters of a text that is looked up; nothing the gateway says is so long, so a longer one is somebody's data."""
DEPTH_MAX = 3
SLOT = re.compile(r"\{(\d)\}")
BETWEEN = re.compile(r"(?<=[.:]) (?=[A-Z`])")
"""Where a sentence ends and the next one begins."""
LISTED = re.compile("; ")
"""Between the parts of a list."""
JOINED = ((BETWEEN, " "), (LISTED, "; "))

Translations = Mapping[str, str]


class Sentences:
    """Translations by English sentence.

    Args:
        entries: by English sentence with slots `{1}` to `{9}`, its text in each other language with the same slots in
            any order; no texts at all: the sentence is the same in every language.
    """

    def __init__(self, entries: Mapping[str, Translations]) -> None:
        self._whole = {text: known for text, known in entries.items() if not SLOT.search(text)}
        slotted = sorted(entries.keys() - self._whole.keys(), key=lambda text: (-len(SLOT.sub("", text)), text))
        self._slotted = [(SLOT.split(text)[::2], entries[text]) for text in slotted]

    def knows(self, text: str) -> bool:
        """Whether the text is one of the sentences, or made of them alone."""
        return self._found(text, "", 0) is not None

    def said(self, text: str, language: str) -> str:
        """The text in a language; as it is where nobody wrote it down in that one."""
        if language == "en" or len(text) > LENGTH_MAX:
            return text
        found = self._found(text, language, 0)
        return text if found is None else found

    def _found(self, text: str, language: str, depth: int) -> str | None:
        if depth > DEPTH_MAX:
            return None
        if (known := self._whole.get(text)) is not None:
            return known.get(language, text)
        together = self._one_by_one(text, language, depth)
        return self._with_slots(text, language, depth) if together is None else together

    def _one_by_one(self, text: str, language: str, depth: int) -> str | None:
        """A text of several sentences, or a list; None: it is one, or nobody knows one of them."""
        for between, sign in JOINED:
            parts = between.split(text)
            if len(parts) > 1 and (found := self._each(parts, language, depth + 1)) is not None:
                return sign.join(found)
        return None

    def _each(self, parts: Sequence[str], language: str, depth: int) -> list[str] | None:
        found: list[str] = []
        for part in parts:
            if (own := self._found(part, language, depth)) is None:
                return None
            found.append(own)
        return found

    def _with_slots(self, text: str, language: str, depth: int) -> str | None:
        for fixed, known in self._slotted:
            if (filled := _filled(text, fixed)) is not None:
                values = [self._found(value, language, depth + 1) or value for value in filled]
                return _with(known[language], values) if language in known else text
        return None


def _with(text: str, values: Sequence[str]) -> str:
    """A sentence with its slots filled."""
    return SLOT.sub(lambda slot: values[int(slot[1]) - 1], text)


def _filled(text: str, fixed: Sequence[str]) -> list[str] | None:
    """What stands in the slots between the fixed parts; None: the text has another form.

    Each inner part is taken where it comes first, so a text is read once, whatever somebody wrote into a slot.
    """
    first, *inner, last = fixed
    end = len(text) - len(last)
    if not (text.startswith(first) and text.endswith(last) and len(first) <= end):
        return None
    values, at = [], len(first)
    for part in inner:
        found = text.find(part, at, end)
        if found < 0:
            return None
        values.append(text[at:found])
        at = found + len(part)
    return [*values, text[at:end]]


@cache
def known_sentences() -> Sentences:
    """The sentences of the files beside this module."""
    return Sentences(entries_of_files())


def entries_of_files() -> dict[str, Translations]:
    """Every entry of every file; where two files have the same sentence, tests/words says so."""
    entries: dict[str, Translations] = {}
    for file in sorted(files(__package__).iterdir(), key=lambda file: file.name):
        if file.name.endswith(".json"):
            entries |= json.loads(file.read_text("utf-8"))
    return entries


def said(text: str, language: str) -> str:
    """A text of the gateway in one of its languages; in English where it is no known sentence.

    Args:
        text: as the code says it, with everything put in.
        language: `en`, `ru` or `pl`.
    """
    return known_sentences().said(text, language)
