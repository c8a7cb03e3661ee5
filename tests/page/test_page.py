"""The page's files: what they may do, and that every word is there in every language."""

import re

import pytest

from gateway.api.page import FOLDER

pytestmark = pytest.mark.asyncio
SCRIPTS = sorted(FOLDER.rglob("*.js"))
LANGUAGES = ("en", "ru", "pl")


async def test_no_script_makes_markup_or_code_of_a_text() -> None:
    banned = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\b|new Function|srcdoc|javascript:"
    )

    found = {p.name: banned.findall(p.read_text()) for p in SCRIPTS}

    assert {name: words for name, words in found.items() if words} == {}


async def test_the_page_loads_nothing_from_elsewhere() -> None:
    allowed = "http://www.w3.org/2000/svg"
    files = [*SCRIPTS, *FOLDER.rglob("*.css"), FOLDER / "index.html"]

    assert {a for p in files for a in re.findall(r"https?://[^\s\"'`)]+", p.read_text())} == {allowed}
    assert not re.search(r"<script>|<style|\sstyle=|\son[a-z]+=", (FOLDER / "index.html").read_text())


def words_of(language: str) -> dict[str, str]:
    """Keys and their words as they stand in the file."""
    lines = (FOLDER / "words" / f"{language}.js").read_text().splitlines()
    found = [re.fullmatch(r'  "?([a-z_.]+)"?: (.+),', line) for line in lines]
    return {match[1]: match[2] for match in found if match}


async def test_every_word_is_there_in_every_language() -> None:
    english = words_of("en")

    assert len(english) > 250
    for language in LANGUAGES[1:]:
        assert words_of(language).keys() == english.keys()


async def test_a_word_has_the_same_names_in_braces_in_every_language() -> None:
    names = {
        language: {k: set(re.findall(r"\{\w+\}", w)) for k, w in words_of(language).items()} for language in LANGUAGES
    }

    assert names["en"] == names["ru"] == names["pl"]


async def test_plurals_have_the_forms_of_their_language() -> None:
    forms = {"en": ["one", "other"], "ru": ["one", "few", "many", "other"], "pl": ["one", "few", "many", "other"]}

    for language, wanted in forms.items():
        plural = {
            key: re.findall(r"(\w+): \"", word) for key, word in words_of(language).items() if word.startswith("{")
        }
        assert plural
        assert all(found == wanted for found in plural.values()), (language, plural)


async def test_every_word_that_a_script_asks_for_is_there() -> None:
    text = "\n".join(p.read_text() for p in SCRIPTS if p.parent.name != "words")
    asked = set(re.findall(r'\bt\(\s*"([a-z_.]+)"', text))

    assert len(asked) > 100
    assert asked - words_of("en").keys() == set()


def colours(theme: str) -> dict[str, str]:
    """The tokens of a theme."""
    text = (FOLDER / "frame.css").read_text()
    light, dark = re.findall(r":root \{\s+color-scheme: (?:light|dark);(.*?)\}", text, re.DOTALL)
    tokens = dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{3,6})", light))
    return tokens | (dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{3,6})", dark)) if theme == "dark" else {})


def ratio(one: str, other: str) -> float:
    """Contrast of two colours (WCAG 2.2, relative luminance)."""

    def luminance(colour: str) -> float:
        signs = colour[1:] if len(colour) == 7 else "".join(2 * sign for sign in colour[1:])
        parts = [int(signs[at : at + 2], 16) / 255 for at in (0, 2, 4)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


PAIRS = [
    *((text, ground) for text in ("text", "text2", "text3", "accent-text") for ground in ("bg", "surface")),
    *((text, "inset") for text in ("text", "text2", "text3")),
    *((state, f"{state}-soft") for state in ("talk", "ring", "miss", "warn")),
    *((state, ground) for state in ("talk", "ring", "miss", "warn") for ground in ("bg", "surface")),
    ("accent-text", "accent-soft"),
    ("text3", "accent-soft"),
    ("on-accent", "accent"),
    ("on-fill", "fill-go"),
    ("on-fill", "fill-stop"),
]


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_text_can_be_read_on_every_ground_it_stands_on(theme: str) -> None:
    tokens = colours(theme)

    assert {pair: r for pair in PAIRS if (r := ratio(tokens[pair[0]], tokens[pair[1]])) < 4.5} == {}
    assert ratio(tokens["edge"], tokens["surface"]) >= 3
