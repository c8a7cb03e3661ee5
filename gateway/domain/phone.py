"""Telephone numbers, parsed once at the edge.

A number reaches us as a provider, a phone or a person wrote it: `+7 916 ...`, `8916...`, a city number without its
code, a word in place of a number. `parse` brings each to one `PhoneNumber`; from there on only E.164 is compared,
so the same number written two ways is one client. Hidden, short and our own numbers are kinds of their own and
never make a card. Rules of the numbering plans come from `phonenumbers` (ITU-T E.164 and the national plans).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache

import phonenumbers

# What PBXs and providers write where the caller withheld his number (RFC 3323 `anonymous`, and habits of carriers).
WITHHELD = frozenset(
    {"", "anonymous", "unknown", "unavailable", "private", "restricted", "withheld", "blocked", "<unknown>"}
)
_DIGITS = re.compile(r"^\+?[0-9]+$")
_SEPARATORS = re.compile(r"[\s().\-/\u00a0]+")
SHORTEST_CLIENT = 7  # digits; what is shorter and not of our region's plan is an extension or a service number
LONGEST = 15  # digits, E.164 section 6.1


class NumberKind(StrEnum):
    """What a number is to us; only `CLIENT` may have a card."""

    CLIENT = "client"
    HIDDEN = "hidden"
    SHORT = "short"
    OWN = "own"


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneNumber:
    """One number as it came and as we compare it."""

    raw: str
    """What the other side wrote, cut to 64 characters."""
    kind: NumberKind
    e164: str | None = None
    """`+` and digits; None for hidden and short numbers and for words."""


HIDDEN_NUMBER = PhoneNumber(raw="", kind=NumberKind.HIDDEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberPlan:
    """How one trunk or one company writes numbers."""

    region: str = "ZZ"
    """ISO 3166 alpha-2 region whose national writing is understood; ZZ: international writing only."""
    area_code: str = ""
    """Put before numbers that lack one, e.g. 495 for seven-digit Moscow numbers; empty: none."""
    strip: tuple[str, ...] = ()
    """Prefixes a PBX puts before the number (9, 0...), longest match taken off where a number remains."""
    own: frozenset[str] = field(default_factory=frozenset)
    """E.164 numbers that are ours (DIDs, numbers shown to others)."""

    def parse(self, raw: str) -> PhoneNumber:
        """Bring one number to E.164; never raises, since callers may send anything.

        Args:
            raw: what stood in the caller id or was dialled; SIP URIs and separators are tolerated.

        Returns:
            The number with its kind; `e164` None where it is no full number of the plan.
        """
        return _parse(raw[:64], self.region, self.area_code, self.strip, self.own)


def _bare(raw: str) -> str:
    text = raw.strip().removeprefix("sip:").removeprefix("tel:").split("@", 1)[0].split(";", 1)[0]
    return _SEPARATORS.sub("", text)


def _stripped(text: str, prefixes: Iterable[str]) -> str:
    for prefix in sorted(prefixes, key=len, reverse=True):
        if prefix and text.startswith(prefix) and len(text) - len(prefix) >= SHORTEST_CLIENT:
            return text[len(prefix) :]
    return text


def _valid(text: str, region: str) -> str | None:
    try:
        number = phonenumbers.parse(text, None if region == "ZZ" else region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _candidates(text: str, area_code: str) -> Iterable[str]:
    """Ways to read the digits, the likeliest first: as written, local with the code, international without `+`."""
    yield text
    if text.startswith("+"):
        return
    if area_code and 5 <= len(text) <= 7:
        yield area_code + text
    if text.startswith("00"):
        yield "+" + text.removeprefix("00")
    elif len(text) >= 10:  # shorter digits read as a foreign number would invent clients
        yield "+" + text


def _full(text: str, region: str, area_code: str) -> str | None:
    return next((found for c in _candidates(text, area_code) if (found := _valid(c, region))), None)


@lru_cache(maxsize=65536)
def _parse(raw: str, region: str, area_code: str, strip: tuple[str, ...], own: frozenset[str]) -> PhoneNumber:
    text = _bare(raw)
    if text.lower() in WITHHELD:
        return PhoneNumber(raw=raw, kind=NumberKind.HIDDEN)
    if not _DIGITS.match(text):
        return PhoneNumber(raw=raw, kind=NumberKind.SHORT)
    e164 = _full(_stripped(text, strip), region, area_code) or _full(text, region, area_code)
    digits = text.removeprefix("+")
    if e164 is None and text.startswith("+") and SHORTEST_CLIENT <= len(digits) <= LONGEST:
        e164 = text  # an international number of a plan younger than our tables is still one client
    if e164 is None and digits in own:
        return PhoneNumber(raw=raw, kind=NumberKind.OWN)
    if e164 is None:
        return PhoneNumber(raw=raw, kind=NumberKind.SHORT)
    kind = NumberKind.OWN if e164 in own or digits in own else NumberKind.CLIENT
    return PhoneNumber(raw=raw, kind=kind, e164=e164)
