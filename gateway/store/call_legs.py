"""The legs of a call that goes on, as an order to it needs them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from gateway.store.database import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenLeg:
    """A leg that has not ended."""

    id: str
    role: str
    extension: str | None
    user_id: int | None
    """Who has the manager's extension now."""
    answered_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningCall:
    """A call to which something is ordered."""

    id: UUID
    pbx: str
    kind: str
    state: str
    legs: tuple[OpenLeg, ...]
    """Open ones, in the order of their begin."""


async def running_call(connection: Connection, id: UUID) -> RunningCall | None:
    """A call with its open legs, the one it was merged into where it was; None: there is none."""
    call = await connection.fetchrow(
        "select id, pbx, kind, state from call"
        " where id = coalesce((select m.merged_into from call m where m.id = $1), $1)",
        id,
    )
    if call is None:
        return None
    rows = await connection.fetch(
        "select l.id, l.role, l.extension, e.user_id, l.answered_at from leg l"
        " left join extension e on e.pbx = l.pbx and e.extension = l.extension and now() >= e.since and now() < e.until"
        " where l.call_id = $1 and l.ended_at is null order by l.started_at, l.id",
        call["id"],
    )
    return RunningCall(**dict(call), legs=tuple(OpenLeg(**dict(r)) for r in rows))


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherOrder:
    """Another order to the same call that goes on."""

    id: str
    kind: str
    user_id: int | None
    name: str | None


async def orders_going_on(connection: Connection, call: UUID) -> list[OtherOrder]:
    """Orders to a call that have no answer yet, and whoever listens to it."""
    rows = await connection.fetch(
        "select c.id, c.kind, c.user_id, u.name from command c left join users u on u.id = coalesce(c.ordered_by,"
        " c.user_id) where c.call_id = $1 and c.kind <> 'call'"
        " and c.state in ('stored', 'sent', 'accepted', 'talking') order by c.ordered_at",
        call,
    )
    return [OtherOrder(**dict(r)) for r in rows]


async def last_consultation(connection: Connection, call: UUID) -> tuple[str | None, str | None] | None:
    """The client's and the manager's leg of the last consultation that was begun in a call; None: there was none."""
    row = await connection.fetchrow(
        "select leg, other_leg from command where call_id = $1 and kind = 'consult' and state in ('done', 'unknown')"
        " order by ordered_at desc limit 1",
        call,
    )
    return (row["leg"], row["other_leg"]) if row else None


async def is_paused(connection: Connection, call: UUID) -> bool:
    """Whether the recording of a call was paused by our order and not resumed."""
    kind = await connection.fetchval(
        "select kind from command where call_id = $1 and kind in ('recording_pause', 'recording_resume')"
        " and state = 'done' order by ordered_at desc limit 1",
        call,
    )
    return bool(kind == "recording_pause")
