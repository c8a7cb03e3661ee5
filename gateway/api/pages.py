"""Lists in pages: an opaque cursor says where the next page begins.

A cursor is base64url of a short JSON array: its version, the kind of list, and the keys of the last entry. It
carries no secret and grants nothing, so it is not signed; it is checked like any other input instead, and one
of another list or of an older version is refused with a sentence.
"""

import base64
import binascii
import json
from collections.abc import Sequence
from typing import Generic, TypeVar

from pydantic import BaseModel, Field, ValidationError

from gateway.api.fields import Outgoing
from gateway.api.problems import UnknownCursorError

VERSION = 1
LENGTH_MAX = 512

Entry = TypeVar("Entry", bound=BaseModel)
Keys = TypeVar("Keys", bound=BaseModel)


class Page(Outgoing, Generic[Entry]):
    """A part of a list and the way to the next one."""

    items: tuple[Entry, ...] = Field(description="the entries of this page")
    next: str | None = Field(description="the cursor of the next page; null on the last one")


COUNT_MAX = 10_000
"""Entries that are counted at most: nobody reads on behind them."""


class CountedView(Outgoing):
    """How many entries a list has."""

    count: int = Field(description=f"up to {COUNT_MAX}")
    more: bool = Field(description="there are more than that")


def counted(count: int) -> CountedView:
    """A count that the store stopped behind `COUNT_MAX`."""
    return CountedView(count=min(count, COUNT_MAX), more=count > COUNT_MAX)


def write_cursor(kind: str, keys: BaseModel) -> str:
    """The cursor behind an entry.

    Args:
        kind: the list it belongs to, like `calls`.
        keys: the entry's sort keys as a model of plain fields.

    Returns:
        Letters, digits, - and _, at most 512 of them.
    """
    text = json.dumps([VERSION, kind, keys.model_dump(mode="json")], separators=(",", ":"))
    cursor = base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()
    if len(cursor) > LENGTH_MAX:
        raise ValueError(f"a cursor of {kind} has {len(cursor)} characters; its keys must be shorter")
    return cursor


def read_cursor(kind: str, cursor: str | None, keys: type[Keys]) -> Keys | None:
    """The keys a cursor holds.

    Args:
        kind: the list that is asked for.
        cursor: as the caller sent it; None is the first page.
        keys: the model of the sort keys.

    Raises:
        UnknownCursorError: it is none of this list's cursors.
    """
    if cursor is None:
        return None
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        match json.loads(base64.b64decode(padded, altchars=b"-_", validate=True)):
            case [int(version), str(found), dict(values)] if (version, found) == (VERSION, kind):
                return keys.model_validate_json(json.dumps(values), strict=True)
    except (ValidationError, binascii.Error, ValueError, RecursionError):
        raise UnknownCursorError from None
    raise UnknownCursorError


def page(kind: str, rows: Sequence[tuple[Entry, BaseModel]], limit: int) -> Page[Entry]:
    """A page of the rows a store found when it was asked for `limit + 1` of them.

    Args:
        kind: the list it belongs to.
        rows: each entry with its sort keys, in the list's order.
        limit: how many the caller wants; a row beyond it shows that there is a next page.
    """
    shown = rows[:limit]
    more = len(rows) > limit and shown
    return Page(items=tuple(entry for entry, _ in shown), next=write_cursor(kind, shown[-1][1]) if more else None)
