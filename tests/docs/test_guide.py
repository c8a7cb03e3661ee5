"""docs/guide: it shows every page, every picture of it is there and has words, it names every key, and what it prints
in bold are the page's own words."""

import json
import re
from pathlib import Path

import pytest

from tests.web.test_pages import PAGES

ROOT = Path(__file__).parents[2]
GUIDE = {path.name: path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs" / "guide").glob("*.md"))}
WHOLE = "\n".join(GUIDE.values())
PICTURES = re.findall(r"!\[([^\]]*)\]\((\S+?)\)", WHOLE)
SHOWN = {Path(path).stem for _, path in PICTURES}
WORDS = [
    (key, text)
    for path in sorted((ROOT / "web" / "src" / "words").glob("*/en.json"))
    for key, text in json.loads(path.read_text(encoding="utf-8")).items()
]
KEYMAP = (ROOT / "web" / "src" / "keyboard" / "keymap.ts").read_text(encoding="utf-8")
NAV = (ROOT / "web" / "src" / "app" / "nav.ts").read_text(encoding="utf-8")
SIZE_MAX = 6_000_000
"""Bytes that all pictures together may have."""


def says(text: str) -> re.Pattern[str]:
    """What a text of the catalogues looks like on the page."""
    return re.compile(re.sub(r"\\\{\\\{\w+\\\}\\\}", ".+", re.escape(text)))


@pytest.mark.parametrize("label", sorted(set(re.findall(r"\*\*(.+?)\*\*", WHOLE, re.DOTALL))))
def test_what_stands_in_bold_is_a_word_of_the_page(label: str) -> None:
    told = " ".join(label.split())
    assert any(says(text).fullmatch(told) for _, text in WORDS), told


@pytest.mark.parametrize(("words", "path"), PICTURES)
def test_every_picture_is_there_and_is_told_in_words(words: str, path: str) -> None:
    assert (ROOT / "docs" / "guide" / path).is_file()
    assert len(words.split()) > 1


def test_every_page_is_shown_and_named() -> None:
    assert set(PAGES) - SHOWN == set()
    named = {text for key, text in WORDS if key.startswith("nav.") and key not in ("nav.dial", "nav.more")}
    assert {text for text in named if f"**{text}**" not in re.sub(r"\s+", " ", WHOLE)} == set()


def test_every_act_of_the_keyboard_is_named() -> None:
    acts = re.findall(r'^  "?([\w.]+)"?: (?:page|call|field)\(', KEYMAP, re.MULTILINE)
    of_act = dict(WORDS)
    unnamed = {"outcome.2", "outcome.3", "outcome.4", "outcome.5", "outcome.6", "outcome.7", "outcome.8"}
    missing = {act for act in acts if f"**{of_act[f'act.{act}']}**" not in GUIDE["keyboard.md"]}
    assert "call.answer" in acts
    assert missing - unnamed == {"player.example", "row.letter"}  # for lessons and post, which are not there yet


def test_every_letter_that_leads_to_a_page_is_told() -> None:
    pages = re.findall(r'name: "(\w+)", path: "\S+", .* go: "Key(\w)"', NAV)
    of_page = dict(WORDS)
    told = {(letter, page) for letter, page in re.findall(r"`G` `(\w)` \| \*\*(.+?)\*\*", GUIDE["keyboard.md"])}
    assert told == {(letter, of_page[f"nav.{name}"]) for name, letter in pages}


def test_pictures_are_small_and_each_is_of_something() -> None:
    files = list((ROOT / "docs" / "pictures").glob("*.png"))
    assert sum(file.stat().st_size for file in files) <= SIZE_MAX
    assert {file.stem for file in files} >= set(PAGES)


def test_every_link_within_the_guide_leads_somewhere() -> None:
    for name, text in GUIDE.items():
        for target in re.findall(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)", text):
            path, _, place = target.partition("#")
            page = (ROOT / "docs" / "guide" / path) if path else ROOT / "docs" / "guide" / name
            assert page.is_file(), f"{name}: {target}"
            headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
            slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
            assert not place or place in slugs, f"{name}: {target}"
