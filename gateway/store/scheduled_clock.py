"""What the clock finds among scheduled calls; each is taken by a row lock and leaves by its new state."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from gateway.domain.scheduled import Scheduled
from gateway.store.database import Connection
from gateway.store.scheduled import SCHEDULED, scheduled_of
from gateway.store.tasks import heads_of


async def take_reminders(connection: Connection, now: datetime, limit: int) -> list[Scheduled]:
    """Calls of which their managers are to be reminded; those whose moment has come are not any more."""
    rows = await connection.fetch(
        "with due as (select id from scheduled_call where state = 'planned' and remind_at <= $1"
        "  order by remind_at limit $2 for update skip locked)"
        " update scheduled_call s set remind_at = null, reminded_at = $1 from due where s.id = due.id"
        f" returning {SCHEDULED}",
        now,
        limit,
    )
    return sorted((c for c in map(scheduled_of, rows) if c.at > now), key=lambda c: c.id)


async def hold_due(connection: Connection, now: datetime, limit: int) -> list[Scheduled]:
    """Calls whose moment has come, the earliest first, held until the transaction ends."""
    rows = await connection.fetch(
        f"select {SCHEDULED} from scheduled_call s where s.state = 'planned' and s.at <= $1 order by s.at, s.id"
        " limit $2 for update skip locked",
        now,
        limit,
    )
    return [scheduled_of(r) for r in rows]


async def placed_since(connection: Connection, moment: datetime) -> int:
    """How many calls were placed, or are about to be, since a moment."""
    found: int = await connection.fetchval(
        "select (select count(*) from scheduled_call where placed_at > $1)"
        " + (select count(*) from scheduled_call where state = 'calling' and placed_at is null)",
        moment,
    )
    return found


async def claim(connection: Connection, call: Scheduled, order: str, now: datetime) -> None:
    """Write down the order that is about to be placed, before it is."""
    await connection.execute(
        "update scheduled_call set state = 'calling', orders = orders + 1, order_id = $2, claimed_at = $3,"
        " placed_at = null, call_id = null, remind_at = null, changed_at = $3, version = version + 1 where id = $1",
        call.id,
        order,
        now,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A call whose order is written down and was not placed, as far as we know."""

    call: Scheduled
    stored: bool
    """There is a command with the order's id: it went out before we could write that down."""
    call_id: UUID | None
    """Of that command."""
    ordered_at: datetime | None


async def hold_claimed(connection: Connection, before: datetime, limit: int) -> list[Claimed]:
    """Calls that were claimed before a moment and not placed since: a gateway was ended in between."""
    rows = await connection.fetch(
        f"select {SCHEDULED}, o.id is not null as stored, o.call_id as made, o.ordered_at from scheduled_call s"
        " left join command o on o.id = s.order_id"
        " where s.state = 'calling' and s.placed_at is null and s.claimed_at <= $1 order by s.claimed_at, s.id limit $2"
        " for update of s skip locked",
        before,
        limit,
    )
    return [
        Claimed(call=scheduled_of(r), stored=r["stored"], call_id=r["made"], ordered_at=r["ordered_at"]) for r in rows
    ]


async def claim_again(connection: Connection, ids: Sequence[int], now: datetime) -> None:
    """The same orders are placed again."""
    await connection.execute("update scheduled_call set claimed_at = $2 where id = any($1::bigint[])", list(ids), now)


async def note_placed(connection: Connection, id: int, order: str, call: UUID | None, now: datetime) -> bool:
    """Write down that an order went out; False: the call has gone another way meanwhile."""
    return bool(
        await connection.fetchval(
            "update scheduled_call set placed_at = $4, call_id = $3 where id = $1 and order_id = $2"
            " and state = 'calling' and placed_at is null returning true",
            id,
            order,
            call,
            now,
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A scheduled call whose order has come to its end."""

    call: Scheduled
    state: str
    """Of the command."""
    reason: str | None


async def hold_ended(connection: Connection, unknown_before: datetime, limit: int) -> list[Ended]:
    """Calls whose order has ended; one that is unknown, only where it was placed before a moment."""
    rows = await connection.fetch(
        f"select {SCHEDULED}, o.state as order_state, o.reason as order_reason from scheduled_call s"
        " join command o on o.id = s.order_id where s.state = 'calling' and s.placed_at is not null"
        " and (o.state in ('ended', 'refused', 'cancelled') or (o.state = 'unknown' and s.placed_at < $1))"
        " order by s.id limit $2 for update of s skip locked",
        unknown_before,
        limit,
    )
    return [Ended(call=scheduled_of(r), state=r["order_state"], reason=r["order_reason"]) for r in rows]


async def hold_orphaned(
    connection: Connection, now: datetime, limit: int, *, due_by: datetime | None = None
) -> list[tuple[Scheduled, int | None]]:
    """Planned calls of managers who have left, or are away at that moment; with the deputy of an absence.

    Args:
        connection: within a transaction.
        now: the present moment.
        limit: how many at most.
        due_by: only those whose moment has come by then; None: all.
    """
    rows = await connection.fetch(
        f"select {SCHEDULED}, a.deputy_id from scheduled_call s join users u on u.id = s.user_id"
        " left join lateral (select a.id, d.id as deputy_id from absence a left join users d on d.id = a.deputy_id"
        "  and d.active where a.user_id = s.user_id and a.state = 'begun' and a.since <= $1"
        "  and (a.until is null or s.at < a.until) order by a.since limit 1) a on true"
        " where s.state = 'planned' and (not u.active or a.id is not null) and ($3::timestamptz is null or s.at <= $3)"
        " order by s.at, s.id limit $2 for update of s skip locked",
        now,
        limit,
        due_by,
    )
    return [(scheduled_of(r), r["deputy_id"]) for r in rows]


async def stand_in(connection: Connection, user: int, at: datetime, now: datetime) -> int | None:
    """Who takes the calls of one who is not there: a head of his who works at that moment; None: nobody does."""
    heads = [head for head in await heads_of(connection, user, now) if head != user]
    rows = await connection.fetch(
        "select h.id from unnest($1::bigint[]) with ordinality as h(id, place) where not exists (select from absence a"
        " where a.user_id = h.id and a.state in ('planned', 'begun') and a.since <= $2"
        "  and (a.until is null or $2 < a.until)) order by h.place limit 1",
        heads,
        at,
    )
    return rows[0]["id"] if rows else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rezoned:
    """A planned call whose card now says another zone than the one in which it was agreed."""

    call: Scheduled
    zone: str


async def hold_rezoned(connection: Connection, limit: int, *, due_by: datetime | None = None) -> list[Rezoned]:
    """Planned calls whose cards have another zone now; those of which a person named the zone stay.

    Args:
        connection: within a transaction.
        limit: how many at most.
        due_by: only those whose moment has come by then; None: all.
    """
    rows = await connection.fetch(
        f"select {SCHEDULED}, c.timezone as card_zone from scheduled_call s join contact c on c.id = s.contact_id"
        " where s.state = 'planned' and s.zone_from <> 'asked' and c.timezone is not null and c.timezone <> s.zone"
        " and ($2::timestamptz is null or s.at <= $2) order by s.at, s.id limit $1 for update of s skip locked",
        limit,
        due_by,
    )
    return [Rezoned(call=scheduled_of(r), zone=r["card_zone"]) for r in rows]


async def away_until(connection: Connection, user: int, at: datetime) -> tuple[bool, datetime | None]:
    """Whether a manager is entered as absent at a moment, and until when (None: not known)."""
    row = await connection.fetchrow(
        "select until from absence where user_id = $1 and state in ('planned', 'begun') and since <= $2"
        " and (until is null or $2 < until) order by until desc nulls first limit 1",
        user,
        at,
    )
    return (False, None) if row is None else (True, row["until"])


SILENT = timedelta(minutes=10)
"""So long an order whose end nobody knows is waited for."""
