"""A call as the outside sees it: one JSON shape for the API, the live socket, the event feed and webhooks.

`call_view` is what is known while a call is folded, and what is kept in facts. Names are not kept: a card can be given
another one at any time, and not everybody may see it. `named` puts them in when the call is shown to somebody.
"""

from collections.abc import Container, Mapping
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
        "reason": call.reason,
        "answered_by": list(call.answered_by),
        "responsible_id": users.get(call.responsible) if call.responsible else None,
        "managers": [manager_view(m, users.get(m.extension)) for m in call.managers],
        "wait_seconds": seconds(call.wait),
        "talk_seconds": seconds(call.talk),
        "hold_seconds": seconds(call.hold),
        "held_since": moment(call.held_since),
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
class CardChoice:
    """One of several persons who call with one number."""

    contact_id: int
    name: str
    organisation: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Names, cards and choices as they are now."""

    contacts: Mapping[int, str] = field(default_factory=dict)
    """Of clients, by their card."""
    users: Mapping[int, str] = field(default_factory=dict)
    """Of managers, by user."""
    kept: Mapping[int, int] = field(default_factory=dict)
    """For cards that were merged since the view was made: the card that stands."""
    chosen: Mapping[str, int] = field(default_factory=dict)
    """The card that somebody chose for a call since the view was made, by the call's id."""
    choices: Mapping[str, tuple[CardChoice, ...]] = field(default_factory=dict)
    """Who calls with a number that several persons share."""

    @property
    def cards(self) -> frozenset[int]:
        """Every card that is named."""
        return frozenset(self.contacts) | {c.contact_id for choices in self.choices.values() for c in choices}


Sight = bool | Container[int]
"""Which cards somebody may see: all of them, none, or those with these ids."""


def sees(sight: Sight, card: int) -> bool:
    """Whether a card is among those that somebody may see."""
    return sight if isinstance(sight, bool) else card in sight


def named(view: Mapping[str, object], names: Names, *, cards: Sight) -> View:
    """A call as somebody sees it: with his client's card and the names of client and managers.

    Args:
        view: from `call_view`, or as it was stored.
        names: of those whom the view names by id.
        cards: which cards the one who asks may see.

    Returns:
        The view with `contact_id` as it stands now, `contact_name`, `choices` (the cards of a number that several
        persons share), `responsible_name` and each manager's `name`; null: there is none, or it may not be seen.
    """
    managers, client = view["managers"], view["client"]
    assert isinstance(managers, list)
    assert isinstance(client, Mapping)
    told = names.chosen.get(str(view["id"])) or _id(view["contact_id"])
    card = names.kept.get(told, told)
    return {
        **view,
        "contact_id": card or None,
        "contact_name": names.contacts.get(card) if sees(cards, card) else None,
        "choices": [
            {"contact_id": c.contact_id, "name": c.name, "organisation": c.organisation}
            for c in names.choices.get(str(client.get("number")), ())
            if sees(cards, c.contact_id)
        ],
        "responsible_name": names.users.get(_id(view["responsible_id"])),
        "managers": [{**part, "name": names.users.get(_id(part["user_id"]))} for part in managers],
    }


def _id(value: object) -> int:
    """An id of a view; 0, which nothing has, for null."""
    return value if isinstance(value, int) else 0
