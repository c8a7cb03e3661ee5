"""Which encoding a text file has, and lines of it as text, also where some lines have another encoding.

A byte order mark decides; then UTF-16 without one (every other byte NUL), then whether it is UTF-8. What is left is a
one-byte encoding, told by its letters: Russian letters have very different frequencies, and a wrong table gives rare
letters, capitals inside words, or Cyrillic glued to Latin. Polish text is mostly ASCII, and a wrong table gives signs
inside its words. Files glued together from several sources have lines of both: each line that is no UTF-8 is read by
the encoding that fits the file's other bytes.
"""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import TextIOWrapper
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

PROBE = 1 << 20
"""Bytes that are looked at."""
LONGEST_LINE = 1 << 20
SINGLE = ("cp1251", "koi8_r", "cp866", "cp1250", "iso8859_2")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
KNOWN = ("utf-8", "utf-16-le", "utf-16-be", *SINGLE)
# Share of each letter in Russian text, in thousandths (Russian National Corpus, rounded).
_SHARES = "о110 е85 а80 и74 н67 т63 с55 р47 в45 л44 к35 м32 д30 п28 у26 я20 ы19 ь17 г17 з16 б16 ч14 й12 х10 ж9 ш7 ю6"
_RUSSIAN = {part[0]: int(part[1:]) for part in (*_SHARES.split(), "ц5", "щ4", "э3", "ф3", "ъ1", "ё1")}
_WESTERN = frozenset("ąćęłńóśźżäöüßéáíúůýčďěňřšťžőűâîăşţţđ")
_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """How a file's bytes are read."""

    name: str
    """Python's name of it."""
    mark: int = 0
    """Bytes of the byte order mark."""
    fallback: str = "cp1251"
    """For lines that are no UTF-8."""
    mixed: bool = False
    """Whether there are such lines in what was looked at."""


def find_encoding(probe: bytes) -> Encoding:
    """The encoding of a file, from its first bytes."""
    for mark, name in _MARKS:
        if probe.startswith(mark):
            return _checked(probe[len(mark) :], name, len(mark))
    if wide := _utf16(probe):
        return Encoding(name=wide)
    return _checked(probe, "utf-8", 0)


def _checked(probe: bytes, name: str, mark: int) -> Encoding:
    """UTF-8 with lines of something else in it, or that something else."""
    if name != "utf-8":
        return Encoding(name=name, mark=mark)
    lines = probe.split(b"\n")[: -1 if len(probe) >= PROBE - 4 else None]
    foreign = [line for line in lines if not _is_utf8(line)]
    if not foreign:
        return Encoding(name=name, mark=mark)
    fallback = single_byte(b"\n".join(foreign))
    proven = sum(_is_utf8(line) and not line.isascii() for line in lines)
    if mark or proven:
        return Encoding(name="utf-8", mark=mark, fallback=fallback, mixed=True)
    return Encoding(name=fallback, fallback=fallback)


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _utf16(probe: bytes) -> str | None:
    """UTF-16 without a mark: ASCII signs (separators, digits) leave NULs on one side."""
    head = probe[:4096]
    if len(head) < 4 or head.count(0) < len(head) // 10:
        return None
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if even * 4 < odd:
        return "utf-16-le"
    return "utf-16-be" if odd * 4 < even else None


def single_byte(data: bytes) -> str:
    """The one-byte encoding that gives the likeliest words; the first of `SINGLE` where none says anything."""
    high = [word for word in re.findall(rb"[A-Za-z\x80-\xff]+", data) if not word.isascii()][:2000]
    sample = b" ".join(high)
    return max(SINGLE, key=lambda name: _likely(sample.decode(name, "replace")))


def _likely(text: str) -> float:
    """How much a text looks like Russian or Central European words, a letter in the mean."""
    score, letters = 0.0, 0
    for sign in text:
        if ord(sign) < 128:
            continue
        letters += 1
        small = sign.lower()
        if small in _RUSSIAN:
            score += _RUSSIAN[small] / 50
        elif small in _WESTERN:
            score += 1.0
        else:
            score -= 1.0 if sign.isalpha() else 2.0
    for word in _WORD.findall(text):
        cyrillic = sum("а" <= c.lower() <= "ё" for c in word)
        if 0 < cyrillic < len(word):
            score -= 2.0 * min(cyrillic, len(word) - cyrillic)
        score -= 1.0 * sum(a.islower() and b.isupper() for a, b in pairwise(word))
    return score / max(letters, 1)


def read_lines(path: Path, encoding: Encoding) -> Iterator[tuple[str, bool]]:
    """Lines with their ends, each with whether it had to be read by the fallback.

    A line longer than a megabyte comes in pieces: it is no row of a table, and must not fill the memory.
    """
    with path.open("rb") as file:
        file.seek(encoding.mark)
        if encoding.name.startswith(("utf-16", "utf-32")):
            yield from _decoded(file, encoding.name)
            return
        while line := file.readline(LONGEST_LINE):
            try:
                yield line.decode(encoding.name), False
            except UnicodeDecodeError:
                yield line.decode(encoding.fallback if encoding.name == "utf-8" else encoding.name, "replace"), True


def _decoded(file: BinaryIO, name: str) -> Iterator[tuple[str, bool]]:
    with TextIOWrapper(file, encoding=name, errors="replace", newline="") as text:
        while line := text.readline(LONGEST_LINE):
            yield line, "\ufffd" in line
