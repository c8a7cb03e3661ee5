"""What is wrong with one value of a request, in a sentence for people, by the code of pydantic's error.

pydantic's own messages speak to programmers of types and instances. Codes that are not here are those of models the API
does not have; they keep pydantic's words.
"""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic_core import ErrorDetails

Context = Mapping[str, Any]

PLAIN = {
    "missing": "This is required.",
    "extra_forbidden": "This field is not known.",
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


def _too_short(context: Context) -> str:
    least = context["min_length"]
    return "This may not be empty." if least == 1 else f"This has at least {least} characters."


def _union_tag(context: Context) -> str:
    return f"There is no such kind; there are: {context['expected_tags']}."


COUNTED: Mapping[str, Callable[[Context], str]] = {
    "string_too_short": _too_short,
    "string_too_long": lambda context: f"This has at most {context['max_length']} characters.",
    "string_pattern_mismatch": lambda context: (
        f"This is blank or has a sign that is not allowed; allowed: {context['pattern']}."
    ),
    "greater_than_equal": lambda context: f"Give at least {context['ge']}.",
    "greater_than": lambda context: f"Give more than {context['gt']}.",
    "less_than_equal": lambda context: f"Give at most {context['le']}.",
    "less_than": lambda context: f"Give less than {context['lt']}.",
    "multiple_of": lambda context: f"Give a multiple of {context['multiple_of']}.",
    "too_short": lambda context: f"Name at least {context['min_length']}.",
    "too_long": lambda context: f"Name at most {context['max_length']}.",
    "literal_error": lambda context: f"This is none of what is allowed: {context['expected']}.",
    "enum": lambda context: f"This is none of what is allowed: {context['expected']}.",
    "union_tag_invalid": _union_tag,
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
