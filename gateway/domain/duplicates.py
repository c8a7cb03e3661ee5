"""Whether two cards are one person: what they share, how near their names are, and how sure that makes us.

Names are compared by trigrams as PostgreSQL's pg_trgm does (each word padded with two spaces before and one behind;
shared trigrams over all), after folding: small letters, no punctuation, ё as е, Cyrillic written in Latin letters, so
that `Пётр Иванов` and `Petr Ivanov` are near. The order of the words does not matter.

Nobody is merged by this: it fills a queue in which a person decides. The thresholds were measured on the pairs in
tests/domain/test_duplicates.py: one person written two ways, and different persons of like names.
"""

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import lru_cache

NEAR_AMONG_COLLEAGUES = 0.66
"""Names this near are a proposal where the cards share an organisation or a birthday."""
NEAR_IN_A_CITY = 0.7
"""The same where they share a city only, if both names have two words."""
WITHIN = 0.9
"""How near a name of two words or more is to one that has all of them and further ones, like a father's name."""
NEAR_ENOUGH = 0.35
"""Where they share a number or an address, names this near make it surer."""
FAR = 0.15
"""Names this far apart make it less sure: two colleagues share a number or a mailbox."""
LEAST = 0.4
"""A proposal has at least this score."""


class Reason(StrEnum):
    """Why two cards may be one person."""

    NUMBER = "number"
    EMAIL = "email"
    MESSENGER = "messenger"
    NAME = "name"
    BIRTHDAY = "birthday"
    ORGANISATION = "organisation"
    CITY = "city"


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """What is compared of a card."""

    id: int
    name: str
    organisation_id: int | None = None
    city: str = ""
    birthday: date | None = None
    numbers: Collection[str] = ()
    emails: Collection[str] = ()
    messengers: Collection[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """Two cards that may be one person."""

    one: int
    """The smaller id."""
    other: int
    score: float
    """From 0 to 1."""
    reasons: tuple[Reason, ...] = field(default_factory=tuple)


_CYRILLIC = "абвгдежзийклмнопрстуфхцчшщъыьэюяіїєґ"
_WRITTEN = "a b v g d e zh z i y k l m n o p r s t u f kh ts ch sh shch  y  e yu ya i i e g"
_LATIN = dict(zip(_CYRILLIC, _WRITTEN.split(" "), strict=True)) | {"ł": "l", "đ": "d", "ø": "o", "ß": "ss"}


@lru_cache(maxsize=4096)
def folded_name(name: str) -> str:
    """A name as it is compared: words of small Latin letters and digits."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(c))
    latin = "".join(_LATIN.get(c, c) for c in plain)
    return " ".join(re.findall(r"[^\W_]+", latin))


@lru_cache(maxsize=4096)
def _trigrams(name: str) -> frozenset[str]:
    words = (f"  {word} " for word in folded_name(name).split())
    return frozenset(word[at : at + 3] for word in words for at in range(len(word) - 2))


def similarity(one: str, other: str) -> float:
    """How near two names are, from 0 to 1."""
    a, b = _trigrams(one), _trigrams(other)
    if not a or not b:
        return 0.0
    near = len(a & b) / len(a | b)
    words, others = (frozenset(folded_name(name).split()) for name in (one, other))
    whole = min(len(words), len(others)) >= 2 and (words <= others or others <= words)
    return max(near, WITHIN) if whole else near


def compare(one: Likeness, other: Likeness) -> Proposal | None:
    """Whether two cards may be one person; None: nothing speaks for it."""
    shared = {
        Reason.NUMBER: (0.5, set(one.numbers) & set(other.numbers)),
        Reason.EMAIL: (0.65, set(one.emails) & set(other.emails)),
        Reason.MESSENGER: (0.6, set(one.messengers) & set(other.messengers)),
    }
    around = {
        Reason.BIRTHDAY: one.birthday is not None and one.birthday == other.birthday,
        Reason.ORGANISATION: one.organisation_id is not None and one.organisation_id == other.organisation_id,
        Reason.CITY: bool(one.city.strip()) and one.city.strip().casefold() == other.city.strip().casefold(),
    }
    reasons = [reason for reason, (_, both) in shared.items() if both]
    near = similarity(one.name, other.name)
    doubt = 1.0
    for reason in reasons:
        doubt *= 1 - shared[reason][0]
    if reasons:
        doubt *= _by_name(one.name, other.name, near)
        reasons += [Reason.NAME] if near >= NEAR_ENOUGH else []
    elif near >= _needed(one.name, other.name, around):
        reasons, doubt = [Reason.NAME], 1 - near * (0.8 if around[Reason.CITY] and not _close(around) else 0.9)
    reasons += [reason for reason, is_so in around.items() if is_so]
    score = round(min(1 - doubt, 0.99), 3)
    if not reasons or score < LEAST or not set(reasons) & {*shared, Reason.NAME}:
        return None
    first, second = sorted((one.id, other.id))
    return Proposal(one=first, other=second, score=score, reasons=tuple(reasons))


def _close(around: dict[Reason, bool]) -> bool:
    return around[Reason.ORGANISATION] or around[Reason.BIRTHDAY]


def _by_name(one: str, other: str, near: float) -> float:
    """How the names change the doubt: a missing one not at all."""
    if not folded_name(one) or not folded_name(other):
        return 1.0
    if near >= NEAR_ENOUGH:
        return 1 - near * 0.8
    return 1.0 if near >= FAR else 1.15


def _needed(one: str, other: str, around: dict[Reason, bool]) -> float:
    """How near the names must be where no number or address is shared; more than 1: never near enough."""
    if _close(around):
        return NEAR_AMONG_COLLEAGUES
    words = min(len(folded_name(one).split()), len(folded_name(other).split()))
    return NEAR_IN_A_CITY if around[Reason.CITY] and words >= 2 else 2.0
