"""What is wrong with one value of a request, in a sentence for people, by the code of pydantic's error.

pydantic's own messages speak to programmers of types and instances. Codes that are not here are those of models the API
does not have; they keep pydantic's words.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from pydantic_core import ErrorDetails

Context = Mapping[str, Any]

PLAIN = {
    "missing": "This is required.",
    "extra_forbidden": "This field is not known; leave it out.",
    "string_type": "Give a text.",
    "bool_type": "Give yes or no: true or false.",
    "bool_parsing": "Give yes or no: true or false.",
    "int_type": "Give a whole number.",
    "int_parsing": "Give a whole number.",
    "int_parsing_size": "This number is too large.",
    "int_from_float": "Give a whole number.",
    "float_type": "Give a number.",
    "float_parsing": "Give a number.",
    "finite_number": "Give a number that is not infinite.",
    "tuple_type": "Give a list.",
    "list_type": "Give a list.",
    "dict_type": "Give an object with named values.",
    "model_type": "Give an object with named values.",
    "model_attributes_type": "Give an object with named values.",
    "none_required": "Leave this out, or give null.",
    "date_type": "Give a day, like 2026-03-01.",
    "date_parsing": "Give a day, like 2026-03-01.",
    "date_from_datetime_parsing": "Give a day, like 2026-03-01.",
    "date_from_datetime_inexact": "Give a day without a time, like 2026-03-01.",
    "datetime_type": "Give a moment with its offset, like 2026-03-01T09:30:00Z.",
    "datetime_parsing": "Give a moment with its offset, like 2026-03-01T09:30:00Z.",
    "datetime_from_date_parsing": "Give a moment with its offset, like 2026-03-01T09:30:00Z.",
    "timezone_aware": "Give the moment with its offset, like 2026-03-01T09:30:00Z.",
    "time_type": "Give a time of day, like 09:30.",
    "time_parsing": "Give a time of day, like 09:30.",
    "uuid_type": "Give an id: a UUID.",
    "uuid_parsing": "Give an id: a UUID.",
    "union_tag_not_found": "Say of which kind this is.",
}

SHAPES = {
    r"^[^\u0000]*$": "This has a character that cannot be kept: U+0000; take it out.",
    r"^[^\x00-\x08\x0b-\x1f\x7f]*$": "This has control characters; take them out.",
    r"^[^\x00-\x1f\x7f]*$": "Write this in one line, without control characters.",
    r"^[^\x00-\x1f\x7f]+$": "Write this in one line, without control characters.",
    r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]*$": (
        "Write this in one line, without control characters."
    ),
    r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$": "Write some text, in one line.",
    r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$": "Write some text, in one line.",
    r"^[^\x00-\x1f\x7f/]+$": "Write this in one line, without a slash.",
    r"^[^\s\x00-\x1f\x7f]+$": "Write this without spaces.",
    r"^[!-~]{1,120}$": "Use Latin letters, digits and punctuation marks, without spaces; at most 120 characters.",
    r"^[a-z][a-z0-9_]{0,39}$": "Use small Latin letters, digits and _; begin with a letter; at most 40 characters.",
    r"^[a-z][a-z0-9_-]{0,39}$": "Use small Latin letters, digits, - and _; begin with a letter; at most 40 characters.",
    r"^[a-z0-9][a-z0-9_-]{0,31}$": (
        "Use small Latin letters, digits, - and _; begin with a letter or digit; at most 32 characters."
    ),
    r"^[a-z0-9][a-z0-9_.-]{0,39}$": (
        "Use small Latin letters, digits, a dot, - and _; begin with a letter or digit; at most 40 characters."
    ),
    r"^[A-Za-z0-9*#][A-Za-z0-9*#_.-]{0,39}$": (
        "Use Latin letters, digits, * and #, further on also a dot, - and _; at most 40 characters."
    ),
    r"^[0-9A-D*#]{1,32}$": "Use digits, *, # and the letters A to D; at most 32 characters.",
    r"^[0-9]{0,8}$": "Use digits only, at most 8.",
    r"^[0-9X]{1,15}$": "Use digits, and X for any digit; at most 15 characters.",
    r"^\+[1-9][0-9]{0,14}$": "Write + and the digits that numbers begin with, like +48.",
    r"^[A-Z]{2}$": "Write a country's code of two capital letters, like PL.",
    r"^[A-Z]{3}$": "Write a currency's code of three capital letters, like EUR.",
    r"^[a-z]{2,3}$": "Write a language's code, like pl.",
    r"^([a-z]{2,3}|auto)$": "Write a language's code, like pl, or auto.",
    r"^[A-Za-z0-9_+\-/]+$": "Write a time zone, like Europe/Warsaw.",
    r"^([01]\d|2[0-3]):[0-5]\d$": "Give a time of day, like 09:30.",
    r"^([01]\d|2[0-3]):[0-5]\d$|^24:00$": "Give a time of day, like 09:30.",
    r"^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-4]):[0-5]\d$": "Give hours, like 09:00-18:00.",
    r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d$": (
        "Give a day and a time, like 2026-03-01T09:30."
    ),
    r'^"[1-9][0-9]{0,9}"$': 'Send the ETag as it was read, like "3".',
}
"""What the patterns of the API's fields ask for, by pattern. The others are of ids that nobody writes by hand."""

_BETWEEN = re.compile(r"(?<=['\d]),? (?:or )?(?=['\d-])")


def _too_short(context: Context) -> str:
    least = context["min_length"]
    return "This may not be empty." if least == 1 else f"This is too short; it needs at least {least} characters."


def _too_few(context: Context) -> str:
    least = context["min_length"]
    return "Name at least one." if least == 1 else f"This list is too short; it needs at least {least}."


def _misshapen(context: Context) -> str:
    pattern = context["pattern"]
    return SHAPES.get(pattern) or f"This has a form that is not allowed; the allowed one is: {pattern}."


def _choices(expected: str) -> str:
    """pydantic's `'a', 'b' or 'c'` in no language."""
    return ", ".join(_BETWEEN.split(expected)).replace("'", "")


COUNTED: Mapping[str, Callable[[Context], str]] = {
    "string_too_short": _too_short,
    "string_too_long": lambda context: f"This is too long; it may have at most {context['max_length']} characters.",
    "string_pattern_mismatch": _misshapen,
    "greater_than_equal": lambda context: f"Give at least {context['ge']}.",
    "greater_than": lambda context: f"Give more than {context['gt']}.",
    "less_than_equal": lambda context: f"Give at most {context['le']}.",
    "less_than": lambda context: f"Give less than {context['lt']}.",
    "multiple_of": lambda context: f"Give a multiple of {context['multiple_of']}.",
    "too_short": _too_few,
    "too_long": lambda context: f"This list is too long; it may have at most {context['max_length']}.",
    "decimal_max_places": lambda context: f"Digits behind the point: at most {context['decimal_places']}.",
    "literal_error": lambda context: f"Choose one of these: {_choices(context['expected'])}.",
    "enum": lambda context: f"Choose one of these: {_choices(context['expected'])}.",
    "union_tag_invalid": lambda context: f"There is no such kind; there are: {_choices(context['expected_tags'])}.",
    "value_error": lambda context: str(context["error"]),
}


def in_a_sentence(error: ErrorDetails) -> str:
    """What is wrong, as a sentence; the value itself is not repeated.

    Args:
        error: one of `ValidationError.errors()`. The message of a validator of ours is a sentence already.
    """
    code = error["type"]
    if code in PLAIN:
        return PLAIN[code]
    counted = COUNTED.get(code)
    return f"{error['msg']}." if counted is None else counted(error.get("ctx", {}))
