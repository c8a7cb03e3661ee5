"""What requests and responses are made of: base models and the field types every endpoint shares.

Incoming values are bounded and strict: unknown fields are refused, numbers fit a 64-bit column, a moment has
its offset, infinities are none. Each type carries its JSON Schema, so the document and the check cannot part.
"""

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    TypeAdapter,
    ValidationError,
)

from gateway.words import readers_language, said

_MOMENT = r"^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,18})?([Zz]|[+-]\d\d:\d\d)$"
_DAY = r"^\d{4}-\d\d-\d\d$"
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = datetime(2200, 1, 1, tzinfo=UTC)
INT64_MAX = 2**63 - 1


class Incoming(BaseModel):
    """Base of what a caller sends: parameters of the path, of the query, and bodies.

    Patterns are matched as the document's readers do: `$` is the very end, which Python's own lets a newline follow.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, regex_engine="rust-regex")


class Outgoing(BaseModel):
    """Base of what we answer."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="null")


class Nothing(Incoming):
    """No parameters, no query or no body."""


def _written_as(pattern: str, kind: TypeAdapter[Any], sentence: str) -> BeforeValidator:
    """Refuse the further spellings pydantic knows (epoch seconds, a space for the T)."""

    def check(value: object) -> object:
        if not isinstance(value, str):
            return value
        try:
            if re.fullmatch(pattern, value, re.ASCII):
                return kind.validate_strings(value)
        except ValidationError:
            pass
        raise ValueError(sentence)

    return BeforeValidator(check)


def _within_years(moment: datetime) -> datetime:
    return min(max(moment, _EARLIEST), _LATEST)


Moment = Annotated[
    AwareDatetime,
    _written_as(_MOMENT, TypeAdapter(AwareDatetime), "Give a moment with its offset, like 2026-03-01T09:30:00Z."),
    AfterValidator(_within_years),
]
"""A point in time to filter by; before 1970 or after 2200 (no call is there) the nearest of these."""

Day = Annotated[
    date,
    _written_as(_DAY, TypeAdapter(date), "Give a day, like 2026-03-01."),
    AfterValidator(lambda day: min(max(day, _EARLIEST.date()), _LATEST.date())),
]
"""A calendar day to filter by, in the zone the endpoint names; bounded like a `Moment`."""

RowId = Annotated[int, Field(ge=1, le=INT64_MAX)]
"""The number of a row: what a 64-bit column holds."""

Limit = Annotated[int, Field(ge=1, le=200, description="how many entries a page has at most")]
CursorText = Annotated[
    str,
    Field(
        min_length=1,
        max_length=512,
        pattern=r"^[A-Za-z0-9_-]+$",
        description="`next` of the page before, unchanged",
    ),
]
ShortText = Annotated[str, Field(min_length=1, max_length=200)]
LongText = Annotated[str, Field(max_length=10_000)]

Spoken = Annotated[str, PlainSerializer(lambda text: said(text, readers_language.get()), return_type=str)]
"""A sentence of ours for people, in an answer: written in the language that the request asks for."""
