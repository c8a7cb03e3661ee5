"""Fields of the site's own: what an administrator defines, and what a card may hold in them.

A value is kept as JSON: a text or the choice as a string, a number as a number, a date as `YYYY-MM-DD`, yes or no as a
boolean. What comes from a form or a file as text is read by `read_text`, what comes as JSON is checked by `check`.
"""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from gateway.domain.errors import Rejected

TEXT_MAX = 2000
CHOICES_MAX = 200
FIELDS_MAX = 100
"""Fields of one kind of card at most, archived ones among them."""
KEY = r"^[a-z][a-z0-9_]{0,39}$"

Value = str | int | float | bool


class FieldKind(StrEnum):
    """What a field holds."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    CHOICE = "choice"
    YES_NO = "yes_no"


class FieldOf(StrEnum):
    """What has the field."""

    CONTACT = "contact"
    ORGANISATION = "organisation"


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomField:
    """A field as it is defined."""

    id: int
    of: FieldOf
    key: str
    label: str
    kind: FieldKind
    choices: tuple[str, ...] = ()
    required: bool = False
    searchable: bool = False
    place: int = 0
    archived: bool = False
    version: int = 1


class FieldValueError(Rejected, ValueError):
    """A field of the site's own cannot hold this value."""

    def __init__(self, key: str, detail: str) -> None:
        super().__init__(detail)
        self.key = key


def check(field: CustomField, value: object) -> Value:
    """A value that a field may hold.

    Args:
        field: as it is defined.
        value: as JSON gave it; not null.

    Raises:
        FieldValueError: it is of another kind; the text says what is allowed.
    """
    match field.kind, value:
        case FieldKind.YES_NO, bool():
            return value
        case FieldKind.NUMBER, int() | float() if not isinstance(value, bool):
            if math.isfinite(value) and abs(value) < 1e15:
                return value
        case FieldKind.TEXT, str():
            if len(value) <= TEXT_MAX:
                return value
        case FieldKind.CHOICE, str() if value in field.choices:
            return value
        case FieldKind.DATE, str() if _is_day(value):
            return value
    raise FieldValueError(field.key, _allowed(field))


def read_text(field: CustomField, text: str) -> Value | None:
    """A value written as text, as a file or a query gives it.

    Args:
        field: as it is defined.
        text: as written; choices and yes or no in any letters, a number with a point or a comma.

    Returns:
        None: the text is empty.

    Raises:
        FieldValueError: it is no such value.
    """
    plain = text.strip()
    if not plain:
        return None
    match field.kind:
        case FieldKind.NUMBER:
            return check(field, _number(plain))
        case FieldKind.YES_NO:
            return check(field, _YES_NO.get(plain.casefold()))
        case FieldKind.CHOICE:
            known = {choice.casefold(): choice for choice in field.choices}
            return check(field, known.get(plain.casefold(), plain))
        case FieldKind.DATE:
            return check(field, _day(plain))
        case FieldKind.TEXT:
            return check(field, plain)


_YES = ("yes", "true", "1", "y", "да", "tak", "+")
_NO = ("no", "false", "0", "n", "нет", "nie", "-")
_YES_NO = {**dict.fromkeys(_YES, True), **dict.fromkeys(_NO, False)}


def _number(text: str) -> object:
    bare = re.sub(r"[\s\u00a0]", "", text).replace(",", ".")
    if not re.fullmatch(r"[+-]?\d{1,15}(\.\d{1,9})?", bare, re.ASCII):
        return text
    return float(bare) if "." in bare else int(bare)


def _day(text: str) -> str:
    """A day as we keep it; also one written the way of our countries, day first."""
    if found := re.fullmatch(r"(\d{1,2})[./](\d{1,2})[./](\d{4})", text, re.ASCII):
        return f"{found[3]}-{int(found[2]):02}-{int(found[1]):02}"
    return text


def _is_day(text: str) -> bool:
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _allowed(field: CustomField) -> str:
    match field.kind:
        case FieldKind.TEXT:
            return f"The field {field.key} holds a text of at most {TEXT_MAX} characters."
        case FieldKind.NUMBER:
            return f"The field {field.key} holds a number."
        case FieldKind.DATE:
            return f"The field {field.key} holds a day, like 2026-03-01."
        case FieldKind.CHOICE:
            shown = ", ".join(field.choices[:20]) + (", ..." if len(field.choices) > 20 else "")
            return f"The field {field.key} holds one of: {shown}."
        case FieldKind.YES_NO:
            return f"The field {field.key} holds true or false."


def changed_values(
    fields: Iterable[CustomField], present: Mapping[str, object], given: Mapping[str, object], *, is_new: bool = False
) -> tuple[dict[str, object], list[FieldValueError]]:
    """The values of a card after a change.

    Args:
        fields: those of this kind of card.
        present: the card's values; those of archived fields stay untouched.
        given: new values by key; null takes a value away.
        is_new: whether the card is being made, so that every required field must be given; later only what is taken
            away is missed, since a caller's card begins without them.

    Returns:
        All values, and what is wrong with those that were given.
    """
    known = {field.key: field for field in fields if not field.archived}
    values, faults = dict(present), []
    for key, value in given.items():
        if key not in known:
            there = ", ".join(sorted(known)) or "none"
            faults.append(FieldValueError(key, f"There is no such field; there are: {there}."))
        elif value is None or value == "":
            values.pop(key, None)
        else:
            try:
                values[key] = check(known[key], value)
            except FieldValueError as fault:
                faults.append(fault)
    faulty = {fault.key for fault in faults}
    for key, field in known.items():
        if field.required and key not in values and key not in faulty and (is_new or key in given):
            faults.append(FieldValueError(key, f"The field {key} is required."))
    return values, faults
