"""Calls, their legs and managers' parts: written by the pipeline, read by everybody."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import timedelta
from uuid import UUID

from gateway.domain.call import Call, CallLeg, Direction
from gateway.domain.call_view import transfer_view
from gateway.domain.figures import CompanyPart, Part, microseconds
from gateway.store.database import Connection, Pool, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCall:
    """A call with what the store adds to it."""

    id: UUID
    call: Call
    contact_id: int | None
    family_id: UUID
    responsible_id: int | None
    revision: int


def _us(length: timedelta | None) -> int | None:
    return None if length is None else microseconds(length)


def _text(moment: object) -> str | None:
    return None if moment is None else str(moment)


def call_row(stored: StoredCall, card_number: str | None, managers: object) -> Row:
    """A call as its table keeps it.

    Args:
        stored: the call.
        card_number: names the card that is found or made with it.
        managers: as `call_view` shows them; None: as they were shown last.
    """
    call, client = stored.call, stored.call.client
    return {
        "id": str(stored.id),
        "key": call.key,
        "family_id": str(stored.family_id),
        "kind": call.kind,
        "direction": call.direction,
        "state": call.state,
        "client_number": client.e164 if client else None,
        "client_kind": client.kind if client else None,
        "client_raw": client.raw if client else None,
        "client_name": call.client_name,
        "contact_id": stored.contact_id,
        "card_number": card_number,
        "did": call.did,
        "trunk": call.trunk,
        "result": call.result,
        "reason": call.reason,
        "answered_by": list(call.answered_by),
        "responsible_id": stored.responsible_id,
        "wait_us": _us(call.wait),
        "talk_us": _us(call.talk),
        "hold_us": _us(call.hold),
        "held_since": _text(call.held_since),
        "ring_us": _us(call.ring),
        "outside_us": _us(call.outside),
        "transfers": [transfer_view(t) for t in call.transfers],
        "hung_up_by": call.hung_up_by,
        "complete": call.complete,
        "started_at": _text(call.started_at),
        "answered_at": _text(call.answered_at),
        "ended_at": _text(call.ended_at),
        "linkedids": list(call.linkedids),
        "unmapped": list(call.unmapped),
        "command_id": call.command,
        "managers": managers,
        "revision": stored.revision,
    }


def leg_row(family: UUID, call: UUID | None, leg: CallLeg) -> Row:
    """A leg as its table keeps it."""
    return {
        "id": leg.id,
        "family_id": str(family),
        "call_id": _text(call),
        "channel": leg.channel,
        "role": leg.role,
        "extension": leg.extension,
        "dialled": leg.dialled,
        "started_at": _text(leg.started_at),
        "answered_at": _text(leg.answered_at),
        "ended_at": _text(leg.ended_at),
        "cause": leg.cause,
    }


def part_row(call: UUID, part: Part) -> Row:
    """A manager's part as its table keeps it."""
    row: Row = {f.name: getattr(part, f.name) for f in fields(part)}
    return {"call_id": str(call), **row, "day": str(part.day), "started_at": str(part.started_at)}


_PART = """select call_id, extension, user_id, day, direction, number, rang, answered, missed, not_taken, lost,
 rang_us, talk_us, wait_us, counted, started_at from call_manager where call_id = any($1::uuid[])"""


async def parts_of_calls(source: Pool | Connection, calls: Sequence[UUID]) -> dict[UUID, list[Part]]:
    """Managers' parts of calls as they were counted."""
    found: dict[UUID, list[Part]] = {}
    for row in await source.fetch(_PART, calls):
        values = dict(row) | {"direction": Direction(row["direction"])}
        found.setdefault(values.pop("call_id"), []).append(Part(**values))
    return found


async def company_parts(source: Pool | Connection, calls: Sequence[UUID], zone: str) -> dict[UUID, CompanyPart]:
    """What each of the calls has added to the company's figures; those that count in none are left out."""
    rows = await source.fetch(
        "select id, (started_at at time zone $2)::date as day, direction, result in ('answered', 'lost_in_transfer')"
        " as answered, result = 'missed' as missed, result = 'lost_in_transfer' as lost, talk_us,"
        " coalesce(wait_us, 0) as wait_us from call where id = any($1::uuid[]) and kind = 'client'"
        " and state = 'ended' and merged_into is null",
        calls,
        zone,
    )
    found: dict[UUID, CompanyPart] = {}
    for row in rows:
        values = dict(row) | {"direction": Direction(row["direction"])}
        id = values.pop("id")
        found[id] = CompanyPart(**values)
    return found


async def calls_of_family(source: Pool | Connection, family: UUID) -> dict[str, tuple[UUID, int, int | None]]:
    """Id, revision and card of the family's calls by key, merged ones left out."""
    rows = await source.fetch(
        "select key, id, revision, contact_id from call where family_id = $1 and merged_into is null", family
    )
    return {r["key"]: (r["id"], r["revision"], r["contact_id"]) for r in rows}
