"""Reading what a caller sent into models: strings of the path and the query, and JSON bodies.

Everything is read as strictly as JSON: a number in a query must be written as JSON writes it, so what the
OpenAPI document calls valid is what is accepted. Size, depth (200 levels, pydantic's parser) and time of a body
are bounded. NUL and lone surrogates are refused everywhere, for PostgreSQL cannot store them.
"""

import asyncio
import json
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qsl

from aiohttp import web
from pydantic import BaseModel, TypeAdapter, ValidationError

from gateway.api.fields import Incoming, Nothing
from gateway.api.problems import (
    BodyTooLargeError,
    FieldFault,
    InvalidRequestError,
    MalformedBodyError,
    MediaTypeError,
    SlowBodyError,
    field_faults,
)

BODY_MAX = 64 * 1024
BODY_SECONDS = 30.0
FORM = "application/x-www-form-urlencoded"
FORM_FIELDS_MAX = 100

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,18})")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,18})(\.[0-9]{1,18})?([eE][+-]?[0-9]{1,3})?")

DEFLATE = "deflate"
Model = TypeVar("Model", bound=Incoming)


async def raw_body(
    request: web.Request, model: type[Incoming], limit: int, *, optional: bool = False, form: bool = False
) -> bytes:
    """The bytes of a body.

    Args:
        request: with its body still unread.
        model: what the body will be read into; `Nothing` means that there must be none.
        limit: bytes it may have.
        optional: whether none at all stands for an empty object.
        form: whether it may be an HTML form as well as JSON.

    Raises:
        MalformedBodyError: a body where none belongs.
        MediaTypeError: it is not in UTF-8, or neither application/json nor an allowed form.
        BodyTooLargeError: it has more bytes; the rest is not read.
        SlowBodyError: it did not arrive in 30 s.
    """
    if model is Nothing:
        if request.body_exists:
            raise MalformedBodyError("This request has no body; send it without one.")
        return b"{}"
    if optional and not request.body_exists:
        return b"{}"
    known = request.content_type == "application/json" or (form and request.content_type == FORM)
    if not known or (request.charset or "utf-8").lower() != "utf-8":
        raise MediaTypeError
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _read(request, limit)
    except TimeoutError:
        raise SlowBodyError from None
    except ConnectionError:  # the caller's line, not the database's
        raise SlowBodyError("The connection broke off within the body; send it again.") from None


def unpacked(raw: bytes, limit: int) -> bytes:
    """A body that came as `deflate` (RFC 9110, 8.4.1.2). It blocks, for at most `limit` bytes: call it in a thread.

    Args:
        raw: as it came.
        limit: bytes it may have unpacked.

    Raises:
        BodyTooLargeError: it has more.
        MalformedBodyError: it is not packed so, or not whole.
    """
    unpacking = zlib.decompressobj()
    try:
        body = unpacking.decompress(raw, limit + 1)
    except zlib.error:
        raise MalformedBodyError("The body is not what its Content-Encoding says; pack it as deflate.") from None
    if len(body) > limit:
        raise BodyTooLargeError(limit)
    if not unpacking.eof or unpacking.unused_data:
        raise MalformedBodyError("The packed body is not whole, or something stands behind it.")
    return body


def form_pairs(raw: bytes) -> list[tuple[str, str]]:
    """The fields of an HTML form, in their order.

    Raises:
        MalformedBodyError: it is no such form, or has more fields than anybody fills in.
    """
    try:
        return parse_qsl(
            raw.decode(), keep_blank_values=True, max_num_fields=FORM_FIELDS_MAX, encoding="utf-8", errors="strict"
        )
    except ValueError:
        raise MalformedBodyError("The body is no HTML form in UTF-8 with at most 100 fields.") from None


def read_body(model: type[Model], raw: bytes) -> Model:
    """The model of a body.

    Raises:
        MalformedBodyError: it is not JSON, or nested too deeply.
        InvalidRequestError: with every fault of a field.
    """
    try:
        body = model.model_validate_json(raw, strict=True)
    except ValidationError as error:
        errors = error.errors(include_url=False, include_input=False)
        if errors[0]["type"] == "json_invalid":
            raise MalformedBodyError(f"The body is not valid JSON: {errors[0]['ctx']['error']}.") from None
        raise InvalidRequestError(field_faults("body", errors)) from None
    if b"\\u0000" in raw:  # the only way a NUL can come in: JSON forbids it bare
        faults = list(_unstorable("body", json.loads(raw)))
        if faults:
            raise InvalidRequestError(faults)
    return body


@cache
def schema_of(model: type[BaseModel]) -> Mapping[str, Any]:
    """The JSON schema of what a model takes; made once, since a table of routes asks for each several times."""
    return MappingProxyType(TypeAdapter(model).json_schema())


@cache
def _types_of(model: type[BaseModel]) -> Mapping[str, frozenset[str]]:
    """The JSON types that each field of a model may have."""
    schema = schema_of(model)
    fields = schema.get("properties", {})
    return MappingProxyType({name: _types(field, schema.get("$defs", {})) for name, field in fields.items()})


class Strings(Generic[Model]):
    """Reads a model from the strings of a path or a query, as strictly as from JSON."""

    def __init__(self, model: type[Model]) -> None:
        self._model = model
        self._types = _types_of(model)

    def read(self, place: str, pairs: Iterable[tuple[str, str]]) -> Model:
        """Check the strings.

        Args:
            place: path or query.
            pairs: name and text, a name as often as it was given.

        Raises:
            InvalidRequestError: with every fault.
        """
        given: dict[str, list[str]] = {}
        for name, text in pairs:
            given.setdefault(name, []).append(text)
        faults = list(_unstorable(place, given))
        faults += [
            FieldFault(place=place, pointer=f"#/{name}", code="repeated", detail="Give this once.")
            for name, texts in given.items()
            if len(texts) > 1 and name in self._types and "array" not in self._types[name]
        ]
        if faults:
            raise InvalidRequestError(faults)
        values = {name: self._value(name, texts) for name, texts in given.items()}
        try:
            return self._model.model_validate_json(json.dumps(values), strict=True)
        except ValidationError as error:
            errors = error.errors(include_url=False, include_input=False)
            raise InvalidRequestError(field_faults(place, errors)) from None

    def _value(self, name: str, texts: Sequence[str]) -> object:
        types = self._types.get(name, frozenset())
        if "array" in types:
            return [_parsed(text, types) for text in texts]
        return _parsed(texts[0], types)


def _parsed(text: str, types: frozenset[str]) -> object:
    """The JSON value a text stands for, given the types its field may have."""
    if "integer" in types and _INTEGER.fullmatch(text):
        return int(text)
    if "number" in types and _NUMBER.fullmatch(text):
        return float(text)
    if "boolean" in types and text in ("true", "false"):
        return text == "true"
    return text


def _types(field: Mapping[str, Any], definitions: Mapping[str, Any]) -> frozenset[str]:
    """The JSON types a schema allows, those of a list's entries among them."""
    if "$ref" in field:
        return _types(definitions[field["$ref"].rpartition("/")[2]], definitions)
    inner = [*field.get("anyOf", ()), *([field["items"]] if "items" in field else ())]
    own = {field["type"]} if "type" in field else set()
    return frozenset(own.union(*(_types(part, definitions) for part in inner)))


def _unstorable(place: str, value: object, at: str = "#") -> Iterable[FieldFault]:
    match value:
        case str() if _UNSTORABLE.search(value):
            detail = "This text has a NUL character or half of a surrogate pair."
            yield FieldFault(place=place, pointer=at, code="unstorable", detail=detail)
        case Mapping():
            for name, part in value.items():
                if _UNSTORABLE.search(name):
                    yield from _unstorable(place, name, at)
                else:
                    yield from _unstorable(place, part, f"{at}/{name}")
        case list() | tuple():
            for index, part in enumerate(value):
                yield from _unstorable(place, part, f"{at}/{index}")


async def _read(request: web.Request, limit: int) -> bytes:
    if (request.content_length or 0) > limit:
        raise BodyTooLargeError(limit)
    raw = bytearray()
    async for chunk in request.content.iter_any():
        raw += chunk
        if len(raw) > limit:
            raise BodyTooLargeError(limit)
    return bytes(raw)
