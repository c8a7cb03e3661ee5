"""Calls, their legs and managers' parts: written by the pipeline, read by everybody."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import timedelta
from uuid import UUID

from gateway.domain.call import Call, CallLeg, Direction
from gateway.domain.call_view import transfer_view
from gateway.domain.figures import CompanyPart, Part, microseconds
from gateway.store.database import Connection, Pool, Row, put


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


def _row(stored: StoredCall) -> Row:
    call, client = stored.call, stored.call.client
    return {
        "id": str(stored.id),
        "pbx": call.pbx,
        "key": call.key,
        "family_id": str(stored.family_id),
        "kind": call.kind,
        "direction": call.direction,
        "state": call.state,
        "client_number": client.e164 if client else None,
        "client_kind": client.kind if client else None,
        "client_raw": _clean(client.raw) if client else None,
        "client_name": _clean(call.client_name),
        "contact_id": stored.contact_id,
        "did": _clean(call.did) if call.did else None,
        "trunk": call.trunk,
        "result": call.result,
        "missed_reason": call.missed_reason,
        "answered_by": list(call.answered_by),
        "responsible_id": stored.responsible_id,
        "wait_us": _us(call.wait),
        "talk_us": _us(call.talk),
        "hold_us": _us(call.hold),
        "ring_us": _us(call.ring),
        "outside_us": _us(call.outside),
        "transfers": [transfer_view(t) for t in call.transfers],
        "hung_up_by": call.hung_up_by,
        "complete": call.complete,
        "started_at": _text(call.started_at),
        "answered_at": _text(call.answered_at),
        "ended_at": _text(call.ended_at),
        "linkedids": [_clean(x) for x in call.linkedids],
        "unmapped": [_clean(x) for x in call.unmapped],
        "command_id": call.command,
        "revision": stored.revision,
        "updated_at": "now",
    }


def _clean(text: str) -> str:
    """Without NUL and broken surrogates, which PostgreSQL cannot keep; callers send them on purpose."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


async def save_calls(connection: Connection, calls: Sequence[StoredCall]) -> None:
    """Insert or replace calls."""
    await put(connection, "call", [_row(c) for c in calls], "id")


async def save_legs(connection: Connection, pbx: str, legs: Iterable[tuple[UUID, UUID | None, CallLeg]]) -> None:
    """Insert or replace legs, each with its family and its call."""
    rows: list[Row] = [
        {
            "pbx": pbx,
            "id": _clean(leg.id),
            "family_id": str(family),
            "call_id": _text(call),
            "channel": _clean(leg.channel),
            "role": leg.role,
            "extension": leg.extension,
            "dialled": leg.dialled,
            "started_at": _text(leg.started_at),
            "answered_at": _text(leg.answered_at),
            "ended_at": _text(leg.ended_at),
            "cause": leg.cause,
        }
        for family, call, leg in legs
    ]
    await put(connection, "leg", rows, "pbx, id")


async def save_parts(connection: Connection, parts: Mapping[UUID, Sequence[Part]]) -> None:
    """Replace the managers' parts of calls."""
    await connection.execute("delete from call_manager where call_id = any($1::uuid[])", list(parts))
    rows: list[Row] = [_part_row(call, part) for call, found in parts.items() for part in found]
    await put(connection, "call_manager", rows, "call_id, extension")


def _part_row(call: UUID, part: Part) -> Row:
    row: Row = {f.name: getattr(part, f.name) for f in fields(part)}
    return {"call_id": str(call), **row, "day": str(part.day), "started_at": str(part.started_at)}


async def mark_merged(connection: Connection, gone: UUID, into: UUID) -> None:
    """Let a call's address answer with another; recordings move with it."""
    await connection.execute("update call set merged_into = $2, updated_at = now() where id = $1", gone, into)
    await connection.execute("update call set merged_into = $2 where merged_into = $1", gone, into)
    await connection.execute("update recording set call_id = $2 where call_id = $1", gone, into)
    await connection.execute("delete from call_manager where call_id = $1", gone)


_PART = """select call_id, extension, user_id, day, direction, number, rang, answered, missed, not_taken, lost,
 rang_us, talk_us, wait_us, counted, started_at from call_manager where call_id = any($1::uuid[])"""


async def parts_of_calls(source: Pool | Connection, calls: Sequence[UUID]) -> dict[UUID, list[Part]]:
    """Managers' parts of calls as they were counted."""
    found: dict[UUID, list[Part]] = {}
    for row in await source.fetch(_PART, calls):
        values = dict(row) | {"direction": Direction(row["direction"])}
        found.setdefault(values.pop("call_id"), []).append(Part(**values))
    return found


async def company_parts(source: Pool | Connection, calls: Sequence[UUID], zone: str) -> list[CompanyPart]:
    """What the calls have added to the company's figures."""
    rows = await source.fetch(
        "select (started_at at time zone $2)::date as day, direction, result in ('answered', 'lost_in_transfer')"
        " as answered, result = 'missed' as missed, result = 'lost_in_transfer' as lost, talk_us,"
        " coalesce(wait_us, 0) as wait_us from call where id = any($1::uuid[]) and kind = 'client'"
        " and state = 'ended' and merged_into is null",
        calls,
        zone,
    )
    return [CompanyPart(**dict(r) | {"direction": Direction(r["direction"])}) for r in rows]


async def calls_of_family(source: Pool | Connection, family: UUID) -> dict[str, tuple[UUID, int, int | None]]:
    """Id, revision and card of the family's calls by key, merged ones left out."""
    rows = await source.fetch(
        "select key, id, revision, contact_id from call where family_id = $1 and merged_into is null", family
    )
    return {r["key"]: (r["id"], r["revision"], r["contact_id"]) for r in rows}
