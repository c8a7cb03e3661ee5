"""Rows that only we know: hold, a refused order, a leg lost with its PBX, a redirect that we ordered.

They stand in the same family beside the PBX's own rows and are read back by the same fold. One row is one JSON
object; a PBX's CSV row begins with a quote, so neither can be taken for the other.
"""

import json
from datetime import UTC, datetime

from gateway.domain.errors import Rejected
from gateway.domain.legs import LegEvent, LegEventKind

OWN_KINDS = frozenset(
    {
        LegEventKind.HELD,
        LegEventKind.RESUMED,
        LegEventKind.REFUSED,
        LegEventKind.LOST,
        LegEventKind.REDIRECTED,
    }
)


class BadOwnRow(Rejected):
    """A stored row of ours cannot be read; the database was changed by hand."""


def is_own(row: bytes) -> bool:
    """Whether we wrote the row."""
    return row.startswith(b"{")


def own_row(event: LegEvent) -> bytes:
    """An event of ours as a row.

    Raises:
        BadOwnRow: the event is of a kind that only a PBX may write.
    """
    if event.kind not in OWN_KINDS:
        raise BadOwnRow(f"{event.kind} is no event of ours")
    told = {
        "at": event.at.astimezone(UTC).isoformat(),
        "kind": event.kind,
        "leg": event.leg,
        "family": event.family,
        "channel": event.channel,
        "target": event.target,
        "reason": event.reason,
    }
    return json.dumps(told, ensure_ascii=True, separators=(",", ":")).encode()


def read_own_row(row: bytes) -> LegEvent:
    """An event of ours from its row."""
    try:
        told = json.loads(row)
        kind = LegEventKind(told["kind"])
        event = LegEvent(
            at=datetime.fromisoformat(told["at"]),
            kind=kind,
            leg=told["leg"],
            family=told["family"],
            channel=told["channel"],
            target=told["target"],
            reason=told["reason"],
        )
    except (ValueError, KeyError, TypeError):
        raise BadOwnRow from None
    if kind not in OWN_KINDS:
        raise BadOwnRow
    return event
