"""Lines of JSON that hold one message each, as frozen dataclasses: made, and read strictly.

The words stand in `exchange.wire` (exchange and worker) and `exchange.control` (gateway and exchange). A message of the
wrong shape raises `BadLine`: what is in it may come from a caller, so nothing is guessed and nothing is unbounded.
"""

import json
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import StrEnum
from functools import cache
from typing import Any, Generic, TypeVar, cast

from gateway.domain.errors import Rejected

Message = TypeVar("Message")
LINE_BYTES = 65_536
"""Longest line of a call; a datagram of the front is at most 8 KiB."""
LEG_LETTERS = 30
"""Longest id of a leg."""
TEXT_LETTERS = 2048
"""Longest text within a line: an address, a header."""
MOST_HEADERS = 32


class BadLine(Rejected, ValueError):
    """A line is not of this protocol; both sides must be of one version."""


class Language(Generic[Message]):
    """What one side may say to the other: its messages by name."""

    def __init__(self, word: str, kinds: Mapping[str, type], *, limit: int = LINE_BYTES) -> None:
        """Args:
        word: the key that tells what a message is, such as `do`.
        kinds: dataclasses by name, of texts, numbers, lists and dataclasses; a field's `key` in its metadata renames
            it.
        limit: most bytes of a line.
        """
        self._word = word
        self._kinds = kinds
        self._names = {kind: name for name, kind in kinds.items()}
        self._limit = limit

    def write(self, message: Message) -> bytes:
        """A message as its line, newline included."""
        told = {self._word: self._names[type(message)]} | _plain(message)
        return json.dumps(told, separators=(",", ":")).encode() + b"\n"

    def read(self, line: bytes) -> Message:
        """The message of a line, with or without its newline.

        Raises:
            BadLine: it is none of this language, or of the wrong shape.
        """
        if len(line) > self._limit:
            raise BadLine(f"a line of {len(line)} bytes; {self._limit} are allowed")
        try:
            told = json.loads(line)
        except (ValueError, RecursionError):
            raise BadLine("a line is no JSON") from None
        kind = self._kinds.get(str(told.get(self._word))) if isinstance(told, dict) else None
        if kind is None:
            raise BadLine(f"a line whose {self._word} is unknown")
        return cast(Message, _made(kind, told))


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {_key(f): _plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {key: _plain(part) for key, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, tuple) else value


def _key(of: Field[Any]) -> str:
    return str(of.metadata.get("key", of.name))


def _made(kind: Any, told: Mapping[str, Any]) -> object:
    given: dict[str, Any] = {}
    for f in fields(kind):
        key = _key(f)
        if key in told:
            given[f.name] = _checked(told[key], _types(kind)[f.name], f"{kind.__name__}.{key}")
        elif f.default is MISSING and f.default_factory is MISSING:
            raise BadLine(f"{kind.__name__} lacks {key}")
    return kind(**given)


@cache
def _types(kind: Any) -> Mapping[str, Any]:
    return typing.get_type_hints(kind)


def _checked(value: Any, wanted: Any, where: str) -> Any:
    if isinstance(wanted, types.UnionType):
        if value is None:
            return None
        wanted = wanted.__args__[0]
    if typing.get_origin(wanted) is not None:
        return _many(value, wanted, where)
    if is_dataclass(wanted) and isinstance(value, dict):
        return _made(wanted, value)
    return _one(value, wanted, where)


def _one(value: Any, wanted: Any, where: str) -> Any:
    """A single value; JSON's true is no number here."""
    if issubclass(wanted, StrEnum) and isinstance(value, str) and value in {*wanted}:
        return wanted(value)
    if wanted is float and type(value) in (int, float):
        return float(value)
    if wanted in (int, bool) and type(value) is wanted:
        return value
    if wanted is str and isinstance(value, str):
        limit = LEG_LETTERS if where.endswith((".leg", ".legs")) else TEXT_LETTERS
        if len(value) <= limit:
            return value
        raise BadLine(f"{where} has {len(value)} letters; {limit} are allowed")
    raise BadLine(f"{where} is of the wrong kind")


def _many(value: Any, wanted: Any, where: str) -> Any:
    of = typing.get_args(wanted)
    if typing.get_origin(wanted) is tuple and isinstance(value, list):
        if len(of) == 2 and of[1] is not Ellipsis and len(value) != 2:
            raise BadLine(f"{where} has not two parts")
        return tuple(_checked(part, of[0], where) for part in value)
    if typing.get_origin(wanted) is Mapping and isinstance(value, dict):
        if where.endswith(".headers") and len(value) > MOST_HEADERS:
            raise BadLine(f"{where} has more than {MOST_HEADERS} parts")
        return {_one(key, str, where): _checked(part, of[1], where) for key, part in value.items()}
    raise BadLine(f"{where} is of the wrong kind")
