"""A call as the outside sees it: one JSON shape for the API, the live socket, the event feed and webhooks.

`call_view` is what is known while a call is folded, and what is kept in facts. Names are not kept: a card can be given
another one at any time, and not everybody may see it. `named` puts them in when the call is shown to somebody.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from gateway.domain.call import Call, ManagerPart, Transfer

View = dict[str, object]


def seconds(length: timedelta | None) -> float | None:
    """A duration in seconds, to the microsecond; None stays None."""
    return None if length is None else round(length.total_seconds(), 6)


def moment(at: datetime | None) -> str | None:
    """A moment in UTC as RFC 3339 writes it."""
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def transfer_view(transfer: Transfer) -> View:
    """One transfer."""
    return {
        "kind": transfer.kind,
        "at": moment(transfer.at),
        "by": transfer.by,
        "to": transfer.to,
        "outcome": transfer.outcome,
        "taken_by": transfer.taken_by,
    }


def manager_view(part: ManagerPart, user_id: int | None) -> View:
    """One manager's part."""
    return {
        "extension": part.extension,
        "user_id": user_id,
        "rang_seconds": seconds(part.rang),
        "talk_seconds": seconds(part.talk),
    }


def call_view(call: Call, *, id: UUID, contact_id: int | None, revision: int, users: dict[str, int | None]) -> View:
    """The whole call.

    Args:
        call: as folded.
        id: its public id.
        contact_id: the client's card; None: he has none.
        revision: counts up with every change.
        users: user by extension, for those who had a part.
    """
    number = call.client
    return {
        "id": str(id),
        "pbx": call.pbx,
        "kind": call.kind,
        "direction": call.direction,
        "state": call.state,
        "client": {
            "number": number.e164 if number else None,
            "kind": number.kind if number else None,
            "name": call.client_name,
        },
        "contact_id": contact_id,
        "did": call.did,
        "trunk": call.trunk,
        "result": call.result,
        "missed_reason": call.missed_reason,
        "answered_by": list(call.answered_by),
        "responsible_id": users.get(call.responsible) if call.responsible else None,
        "managers": [manager_view(m, users.get(m.extension)) for m in call.managers],
        "wait_seconds": seconds(call.wait),
        "talk_seconds": seconds(call.talk),
        "hold_seconds": seconds(call.hold),
        "ring_seconds": seconds(call.ring),
        "outside_seconds": seconds(call.outside),
        "transfers": [transfer_view(t) for t in call.transfers],
        "hung_up_by": call.hung_up_by,
        "complete": call.complete,
        "started_at": moment(call.started_at),
        "answered_at": moment(call.answered_at),
        "ended_at": moment(call.ended_at),
        "unmapped": list(call.unmapped),
        "command_id": call.command,
        "merged_into": None,
        "revision": revision,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Names as they are now."""

    contacts: Mapping[int, str] = field(default_factory=dict)
    """Of clients, by their card."""
    users: Mapping[int, str] = field(default_factory=dict)
    """Of managers, by user."""


def named(view: Mapping[str, object], names: Names, *, cards: bool) -> View:
    """A call as somebody sees it: with the names of his client's card and of the managers.

    Args:
        view: from `call_view`, or as it was stored.
        names: of those whom the view names by id.
        cards: whether the one who asks may see cards.

    Returns:
        The view with `contact_name`, `responsible_name` and each manager's `name`; null: there is none.
    """
    managers = view["managers"]
    assert isinstance(managers, list)
    return {
        **view,
        "contact_name": names.contacts.get(_id(view["contact_id"])) if cards else None,
        "responsible_name": names.users.get(_id(view["responsible_id"])),
        "managers": [{**part, "name": names.users.get(_id(part["user_id"]))} for part in managers],
    }


def _id(value: object) -> int:
    """An id of a view; 0, which nothing has, for null."""
    return value if isinstance(value, int) else 0
