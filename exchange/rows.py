"""The exchange's journal rows: a leg event on one line, written and read back.

A row has 17 columns, each in quotes with the quotes inside doubled (RFC 4180, section 2), and the bare name of its
kind in the first: the quoting of Asterisk's journal, because the reader that is proven on it (rotation, rows cut in
two, forged lines of hostile callers) then reads this journal too. What the columns mean is ours alone. A caller's line
breaks and NULs never get here: `exchange.family.cleaned` has made them spaces, and `row_of` does it once more.
"""

import csv
import io
import json
from datetime import UTC, datetime, timedelta

from gateway.domain.errors import Rejected
from gateway.domain.legs import LegEvent, LegEventKind, OurMove

COLUMNS = (
    *("kind", "at", "leg", "family", "channel", "number", "name", "exten", "dnid", "app", "app_data"),
    *("bridge", "cause", "source", "target", "reason", "more"),
)
_MORE = ("context", "transferee", "second", "transfer_target", "second_bridge", "dial_status")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BREAKS = dict.fromkeys((0, 10, 11, 12, 13, 0x85, 0x2028, 0x2029), " ")
_LONGEST_FIELD = 1000


class BadRow(Rejected):
    """A row of the exchange's journal cannot be read; it is kept in quarantine and shown by `trunkline doctor`."""


def row_of(event: LegEvent) -> bytes:
    """An event as its row, without the newline."""
    more: dict[str, object] = {name: value for name in _MORE if (value := getattr(event, name))}
    if event.holding:
        more["holding"] = True
    if event.ours is not None:
        more["ours"] = event.ours
    plain = {name: getattr(event, name) for name in COLUMNS[2:-1]}
    told = plain | {
        "kind": event.kind.upper(),
        "at": _epoch(event.at),
        "cause": "" if event.cause is None else event.cause,
        "more": json.dumps(more, separators=(",", ":")) if more else "",
    }
    return ",".join(_quoted(str(told[name])) for name in COLUMNS).encode("utf-8", "replace")


def _quoted(text: str) -> str:
    return '"' + text.translate(_BREAKS)[:_LONGEST_FIELD].replace('"', '""') + '"'


def read_row(row: bytes) -> LegEvent | None:
    """The event of a row.

    Raises:
        BadRow: it is none.
    """
    try:
        (columns,) = csv.reader(io.StringIO(row.decode("utf-8", "replace"), newline=""), strict=True)
    except (csv.Error, ValueError):
        raise BadRow("broken quoting") from None
    if len(columns) != len(COLUMNS):
        raise BadRow(f"{len(columns)} columns where {len(COLUMNS)} were expected")
    told = dict(zip(COLUMNS, columns, strict=True))
    if not told["leg"] or max(map(len, columns)) > _LONGEST_FIELD:
        raise BadRow("no leg, or a field that is too long")
    try:
        more = json.loads(told.pop("more") or "{}")
        event = LegEvent(
            kind=LegEventKind(told.pop("kind").lower()),
            at=_moment(told.pop("at")),
            leg=told.pop("leg"),
            family=told.pop("family"),
        )
        cause = told.pop("cause")
        event.cause = int(cause) if cause else None
        for name, value in (told | {name: str(more.get(name, "")) for name in _MORE}).items():
            setattr(event, name, value)
        event.holding = more.get("holding") is True
        event.ours = OurMove(more["ours"]) if "ours" in more else None
    except (ValueError, KeyError, AttributeError, OverflowError):
        raise BadRow("no event of this exchange") from None
    return event


def _moment(text: str) -> datetime:
    whole, _, fraction = text.partition(".")
    return _EPOCH + timedelta(seconds=int(whole), microseconds=int(fraction[:6].ljust(6, "0")))


def _epoch(at: datetime) -> str:
    passed = at - _EPOCH
    return f"{passed.days * 86_400 + passed.seconds}.{passed.microseconds:06d}"
