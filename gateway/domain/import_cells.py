"""Reading the cells of a file: numbers as people and Excel write them, addresses, dates, choices.

A cell of numbers may hold several, with words between them and an extension behind: `8 (495) 123-45-67 доб. 12,
моб. 8916...`. Each becomes E.164 by the plan of the site (region, code of the city); what stands beside a number is
its label. Excel makes numbers of telephone numbers: the plus is lost, long ones become 7.4951234567E+10, and where
it shortened them (7,49512E+10) the digits are gone, which is said and never guessed.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

import phonenumbers

from gateway.domain.import_columns import FieldKind, folded
from gateway.domain.phone import NumberKind, NumberPlan

LABEL = 40
_EXTENSION = re.compile(
    r"[,;\s]*\(?\b(?P<word>доб(?:авочный)?|внутр?(?:енний)?|вн|ext(?:ension)?|wewn?(?:etrzny|ętrzny)?|x)(?![^\W\d])"
    r"\.?\s*[:№#]?\s*(?P<digits>\d{1,6})\)?|[,;]?\s*#\s*(?P<hash>\d{1,6})\b",
    re.IGNORECASE,
)
_BETWEEN = re.compile(r"[;,|\n\r\t]+|\s/\s|\s+(?:и|или|and|or|oraz|lub|i)\s+", re.IGNORECASE)
_POWER = re.compile(r"\+?(\d)(?:[.,](\d+))?[eE]\+?(\d{1,2})")
_WHOLE = re.compile(r"(\d{5,16})[.,]0+")
_RUN = re.compile(r"\+?\(?\d[\d\s().\u00a0\u2009\u202f\u2010-\u2015-]*\d|\d")
_DASHES = re.compile(r"[\u2010-\u2015\u00ad\u2009\u202f]")
_TEXT_OF_EXCEL = re.compile(r"\s*=\s*\"(.*)\"\s*", re.DOTALL)
_EMAIL = re.compile(r"[^\s@,;<>()\"']{1,64}@[^\s@,;<>()\"']+\.[^\s@,;<>()\"'.]{2,}")
_SHOWN_DIGITS = 7
"""Excel shows a long number with six digits; a program that writes all it has seldom ends so early."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CellFault:
    """Why a value was not taken."""

    code: str
    """For programs; `PLAIN_WORDS` says it for people."""
    value: str
    """What stands in the cell, shortened."""


PLAIN_WORDS: Mapping[str, str] = {
    "number_not_understood": "this is no full telephone number; write it with its code, like +7 495 123-45-67",
    "digits_lost": "the file has only the first digits of this number; format the column as text and save it again",
    "number_own": "this is one of our own numbers",
    "too_many_numbers": "a card has at most 20 numbers of one row; this one and those behind it were left out",
    "address_empty": "this is no address",
    "email_not_understood": "this is no e-mail address",
    "date_not_understood": "this is no date; write it like 1980-12-31 or 31.12.1980",
    "owner_unknown": "nobody here has this login or name",
    "owner_two": "more than one person here has this name; write the login",
    "choice_unknown": "this is none of the choices",
    "amount_not_understood": "this is no number",
    "yes_no_not_understood": "this is neither yes nor no",
    "timezone_unknown": "this is no zone of the IANA list, like Europe/Moscow",
    "too_long": "this is too long and was shortened",
    "name_differs": "the card bears another name, which was kept",
    "no_contact": "this row has neither a telephone number nor an e-mail address nor an identifier",
    "card_exists": "there is a card for this already, and the import is to leave such rows out",
    "several_cards": "what stands in this row belongs to different cards; merge them first or correct the row",
    "shared_number": "several persons are reached at this number and none of them bears this name; choose one by hand",
    "row_broken": "this row cannot be read: a quotation mark is not closed",
    "more_cells": "this row has more cells than the header; the further ones were left out",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CellNumber:
    """A telephone number of a cell."""

    e164: str
    label: str
    """What stood beside it, with the extension; empty: nothing."""


def plain_number(text: str) -> str | None:
    """What Excel made of a number, made back into its digits; None: digits are lost."""
    text = text.strip().lstrip("'\u200b\ufeff").strip()
    if found := _TEXT_OF_EXCEL.fullmatch(text):
        text = found[1].strip()
    if found := _WHOLE.fullmatch(text):
        return found[1]
    if found := _POWER.fullmatch(text):
        digits, power = found[1] + (found[2] or ""), int(found[3])
        if power > 15 or len(digits) > power + 1:
            return digits if len(digits) == power + 1 else None
        if len(digits) < power + 1 and len(digits) <= _SHOWN_DIGITS:
            return None
        return digits.ljust(power + 1, "0")
    return text


def read_numbers(text: str, plan: NumberPlan) -> tuple[list[CellNumber], list[CellFault]]:
    """Every telephone number of a cell.

    Args:
        text: as it stands in the cell.
        plan: how the site writes numbers.

    Returns:
        The numbers in their order, none twice; and what could not be read.
    """
    plain = plain_number(text)
    if plain is None:
        return [], [CellFault(code="digits_lost", value=text.strip()[:80])]
    found: dict[str, CellNumber] = {}
    faults: list[CellFault] = []
    for piece in _pieces(_DASHES.sub("-", plain)):
        number, fault = _one(piece, plan)
        for each in number:
            found.setdefault(each.e164, each)
        faults += [fault] if fault else []
    return list(found.values()), faults


def _pieces(text: str) -> list[tuple[str, str]]:
    """Texts with one number each, and the extension that belongs to it."""
    pieces: list[tuple[str, str]] = []
    rest = text
    while found := _EXTENSION.search(rest):
        before = [p for p in _BETWEEN.split(rest[: found.start()]) if p.strip()]
        extension = found["digits"] or found["hash"]
        if before and any(c.isdigit() for c in before[-1]):
            pieces += [(p, "") for p in before[:-1]]
            pieces.append((before[-1], extension))
        else:
            pieces += [(p, "") for p in (*before, found[0])]
        rest = rest[found.end() :]
    return pieces + [(p, "") for p in _BETWEEN.split(rest) if p.strip()]


def _one(piece: tuple[str, str], plan: NumberPlan) -> tuple[list[CellNumber], CellFault | None]:
    """The number of a piece, or the numbers where several stand beside each other with nothing between."""
    text, extension = piece
    runs = [run for run in _RUN.findall(text) if sum(c.isdigit() for c in run) >= 5]
    if not runs:
        return [], _no_number(text)
    label = _label(text, extension)
    numbers: list[CellNumber] = []
    for run in runs:
        read = _parsed(run, plan)
        if read is None:
            return numbers, CellFault(code="number_not_understood", value=text.strip()[:80])
        if read == "own":
            return numbers, CellFault(code="number_own", value=text.strip()[:80])
        numbers += [CellNumber(e164=e164, label=label) for e164 in read.split()]
    return numbers, None


def _no_number(text: str) -> CellFault | None:
    """A word where a number should be; dashes and the like are nothing."""
    if not any(c.isalnum() for c in text):
        return None
    return CellFault(code="number_not_understood", value=text.strip()[:80])


def _parsed(run: str, plan: NumberPlan) -> str | None:
    """E.164 of a run of digits, several with spaces between; `own` for ours; None: no number."""
    number = plan.parse(run[:64])
    if number.kind is NumberKind.OWN:
        return "own"
    if number.kind is NumberKind.CLIENT and number.e164:
        return number.e164 if not run.startswith("+") or _is_possible(number.e164) else None
    if sum(c.isdigit() for c in run) < 14:
        return None
    words = run.split()
    for cut in range(1, len(words)):
        first, second = plan.parse(" ".join(words[:cut])), plan.parse(" ".join(words[cut:]))
        if first.kind is NumberKind.CLIENT and second.kind is NumberKind.CLIENT:
            return f"{first.e164} {second.e164}"
    return None


def _is_possible(e164: str) -> bool:
    """Whether a number has the length of its country's: a caller's is taken as it comes, a list has typing errors."""
    return phonenumbers.is_possible_number(phonenumbers.parse(e164))


def _label(text: str, extension: str) -> str:
    words = " ".join(_RUN.sub(" ", text).replace("+", " ").split()).strip(" .:,;()[]-/")
    return " ".join(p for p in (words[:LABEL], f"ext. {extension}" if extension else "") if p)[:LABEL]


def read_emails(text: str) -> tuple[list[str], list[CellFault]]:
    """Every e-mail address of a cell, in small letters where that changes nothing (the domain)."""
    found = [f"{a}@{d.lower()}" for a, _, d in (m.rpartition("@") for m in _EMAIL.findall(text)) if len(d) <= 253]
    if not found and any(c.isalnum() for c in text):
        return [], [CellFault(code="email_not_understood", value=text.strip()[:80])]
    return list(dict.fromkeys(found)), []


_DATE = re.compile(r"(\d{1,4})[./\- ](\d{1,2})[./\- ](\d{2,4})(?:[ T].*)?")


def read_date(text: str, *, day_first: bool, latest: date) -> date | CellFault:
    """A date.

    Args:
        text: ISO 8601, or day, month and year with points, slashes or dashes; Excel's serial number.
        day_first: whether 02/03 is the second of March.
        latest: a two-digit year later than this is of the century before.
    """
    text = text.strip()
    fault = CellFault(code="date_not_understood", value=text[:80])
    if found := _DATE.fullmatch(text):
        first, second, third = (int(part) for part in found.groups())
        if len(found[1]) == 4:
            year, month, day = first, second, third
        else:
            year = third if len(found[3]) == 4 else _century(third, latest)
            day, month = (first, second) if (day_first or first > 12) and second <= 12 else (second, first)
        try:
            return date(year, month, day)
        except ValueError:
            return fault
    if re.fullmatch(r"\d{4,5}([.,]0+)?", text) and 1 <= (serial := int(re.split("[.,]", text)[0])) <= 73050:
        return date.fromordinal(date(1899, 12, 30).toordinal() + serial)
    try:
        return datetime.fromisoformat(text).date()
    except ValueError:
        return fault


def _century(year: int, latest: date) -> int:
    whole = latest.year // 100 * 100 + year
    return whole if whole <= latest.year else whole - 100


_NOTHING = frozenset(
    {"", "-", "—", "–", "нет", "none", "null", "n/a", "nan", "#н/д", "#n/a", "brak", "нд", "н/д", "\\n"}
)


def is_nothing(text: str) -> bool:
    """Whether a cell says that it is empty."""
    return text.strip().casefold() in _NOTHING


_YES = frozenset({"yes", "y", "true", "1", "+", "да", "д", "истина", "tak", "t", "prawda", "x", "v"})
_NO = frozenset({"no", "n", "false", "0", "-", "нет", "н", "ложь", "nie", "fałsz"})


def read_field(text: str, field: FieldKind, *, day_first: bool, latest: date) -> object | CellFault:
    """The value of a custom field as cards keep it: text, number, ISO date, one of the choices, or true and false."""
    text = text.strip()
    match field.kind:
        case "number":
            return _amount(text)
        case "date":
            day = read_date(text, day_first=day_first, latest=latest)
            return day if isinstance(day, CellFault) else day.isoformat()
        case "yes_no":
            small = text.casefold()
            fault = CellFault(code="yes_no_not_understood", value=text[:80])
            return True if small in _YES else False if small in _NO else fault
        case "choice":
            same = [c for c in field.choices if folded(c) == folded(text)]
            return same[0] if same else CellFault(code="choice_unknown", value=text[:80])
        case _:
            return text


def _amount(text: str) -> int | float | CellFault:
    plain = re.sub(r"[\s\u00a0\u202f']", "", text)
    if plain.count(",") == 1 and plain.rfind(",") > plain.rfind("."):
        plain = plain.replace(".", "").replace(",", ".")
    plain = plain.replace(",", "")
    try:
        value = Decimal(plain)
    except InvalidOperation:
        return CellFault(code="amount_not_understood", value=text[:80])
    if not value.is_finite() or abs(value) >= 10**15:
        return CellFault(code="amount_not_understood", value=text[:80])
    return int(value) if value == value.to_integral_value() else float(value)


_HEAT = {
    "cold": ("cold", "холодн", "zimn", "холод"),
    "warm": ("warm", "тепл", "ciepl"),
    "hot": ("hot", "горяч", "gorac"),
}
_STAGE = {
    "lead": ("lead", "лид", "new", "нов", "prospect", "потенциал", "potencjaln", "nowy"),
    "client": ("client", "customer", "клиент", "покупат", "klient", "действующ", "постоян"),
    "refused": ("refus", "lost", "отказ", "odmow", "потерян"),
    "unsorted": ("unsorted", "неразобран", "nieposortowan"),
}
_PRIORITY = {"low": 1, "низк": 1, "nisk": 1, "medium": 3, "normal": 3, "средн": 3, "sredn": 3, "обычн": 3}
_PRIORITY |= {"high": 5, "высок": 5, "wysok": 5, "срочн": 5, "urgent": 5, "piln": 5}


def read_heat(text: str) -> str | CellFault:
    """`cold`, `warm` or `hot`, in three languages."""
    return _by_stem(text, _HEAT)


def read_stage(text: str) -> str | CellFault:
    """`unsorted`, `lead`, `client` or `refused`, in three languages."""
    return _by_stem(text, _STAGE)


def _by_stem(text: str, stems: Mapping[str, tuple[str, ...]]) -> str | CellFault:
    small = folded(text)
    for value, known in stems.items():
        if any(small.startswith(stem) for stem in known):
            return value
    return CellFault(code="choice_unknown", value=text.strip()[:80])


def read_priority(text: str) -> int | CellFault:
    """0 to 5, as a figure or a word."""
    plain = text.strip()
    if re.fullmatch(r"[0-5]([.,]0)?", plain):
        return int(plain[0])
    small = folded(plain)
    found = [value for stem, value in _PRIORITY.items() if small.startswith(stem)]
    return found[0] if found else CellFault(code="choice_unknown", value=plain[:80])


_UNSTORABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


def clean(text: str, longest: int, *, lines: bool = False) -> str:
    """A text as it may be stored: without control characters, in one line unless `lines`, not longer than that."""
    text = _UNSTORABLE.sub("", text)
    if not lines:
        text = " ".join(text.split())
    return text.strip()[:longest]
