"""The log of deliveries: what was sent, when, and what was answered; and what is sent once more."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from gateway.domain.webhooks import DeliveryState, Fault
from gateway.store.database import Connection, Pool
from gateway.store.delivery_queue import CHANNEL

KEPT = timedelta(days=30)
"""How long the log keeps what is settled."""
_RESEND_MAX = 100_000

Source = Pool | Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One message for one subscription."""

    id: int
    message_id: str
    kind: str
    call_id: UUID | None
    state: DeliveryState
    attempts: int
    status: int | None
    """Of the last attempt's answer."""
    fault: Fault | None
    queued_at: datetime
    due_at: datetime
    """When it is tried next, or was to be tried last."""
    settled_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt of a delivery."""

    number: int
    at: datetime
    ms: int | None
    """None: it was cut off."""
    status: int | None
    fault: Fault | None
    answer: str


_DELIVERY = (
    "select id, message_id, kind, call_id, state, attempts, status, fault, queued_at, due_at, settled_at"
    " from webhook_delivery"
)


def _delivery(row: Mapping[str, object]) -> Delivery:
    values = dict(row)
    state, fault = values.pop("state"), values.pop("fault")
    return Delivery(state=DeliveryState(str(state)), fault=_fault(fault), **values)  # type: ignore[arg-type]


def _fault(text: object) -> Fault | None:
    return Fault(str(text)) if text else None


async def list_deliveries(
    source: Source, webhook: int, *, states: Sequence[DeliveryState], kind: str | None, before: int | None, limit: int
) -> list[Delivery]:
    """Deliveries of a subscription, the newest first.

    Args:
        source: where to read.
        webhook: the subscription.
        states: only these; empty: all.
        kind: only of this kind; None: all.
        before: id of the last one seen; None: from the newest.
        limit: how many at most.
    """
    rows = await source.fetch(
        f"{_DELIVERY} where webhook_id = $1 and (cardinality($2::text[]) = 0 or state = any($2))"
        " and ($3::text is null or kind = $3) and ($4::bigint is null or id < $4) order by id desc limit $5",
        webhook,
        list(states),
        kind,
        before,
        limit,
    )
    return [_delivery(r) for r in rows]


async def read_delivery(source: Source, webhook: int, id: int) -> Delivery | None:
    """One delivery; None: this subscription has none with this id."""
    row = await source.fetchrow(f"{_DELIVERY} where webhook_id = $1 and id = $2", webhook, id)
    return _delivery(row) if row else None


async def attempts_of(source: Source, delivery: int, limit: int) -> list[Attempt]:
    """The attempts of a delivery, the newest first."""
    rows = await source.fetch(
        "select number, at, ms, status, fault, answer from webhook_attempt where delivery_id = $1"
        " order by number desc limit $2",
        delivery,
        limit,
    )
    return [Attempt(**{**dict(r), "fault": _fault(r["fault"])}) for r in rows]


async def forget_old(connection: Connection, now: datetime) -> None:
    """Clear the log of what was settled long ago, some at a time; what nobody will send any more is settled."""
    await connection.execute(
        "update webhook_delivery set state = 'failed', settled_at = $1 where id in (select d.id from webhook_delivery d"
        " join webhook w on w.id = d.webhook_id where w.deleted_at is not null and d.state = 'waiting' limit 10000"
        " for update of d skip locked)",
        now,
    )
    await connection.execute(
        "delete from webhook_delivery where id in (select id from webhook_delivery where settled_at < $1 limit 10000"
        " for update skip locked)",
        now - KEPT,
    )


async def send_again(connection: Connection, webhook: int, delivery: int, now: datetime) -> bool | None:
    """Let one delivery be sent again, as if it were new.

    Returns:
        False: it is being sent at this moment. None: there is no such delivery.
    """
    state = await connection.fetchval(
        "select state from webhook_delivery where id = $1 and webhook_id = $2 for update", delivery, webhook
    )
    if state is None or state == DeliveryState.SENDING:
        return None if state is None else False
    await connection.execute(
        "update webhook_delivery set state = 'waiting', due_at = $2, failures = 0, settled_at = null where id = $1",
        delivery,
        now,
    )
    await connection.execute(f"select pg_notify('{CHANNEL}', '')")
    return True


async def send_all_again(
    connection: Connection, webhook: int, *, since: datetime, delivered_too: bool, now: datetime
) -> int:
    """Queue what a receiver missed since a moment: what failed, and facts of the time in which it was off.

    Args:
        connection: within a transaction.
        webhook: the subscription.
        since: facts that happened from then on.
        delivered_too: also what the receiver took.
        now: the present moment.

    Returns:
        How many deliveries wait now that did not before.
    """
    states = [DeliveryState.FAILED, *([DeliveryState.DELIVERED] if delivered_too else [])]
    again: str = await connection.execute(
        "update webhook_delivery d set state = 'waiting', due_at = $3, failures = 0, settled_at = null"
        " where d.webhook_id = $1 and d.state = any($4) and d.id in (select d2.id from webhook_delivery d2"
        " left join fact f on f.id = d2.fact_id where d2.webhook_id = $1 and coalesce(f.at, d2.queued_at) >= $2"
        f" order by d2.id limit {_RESEND_MAX})",
        webhook,
        since,
        now,
        states,
    )
    missed: str = await connection.execute(
        "insert into webhook_delivery (webhook_id, fact_id, told_id, message_id, kind, call_id, subject, due_at,"
        " queued_at)"
        " select w.id, f.id, f.id, 'evt_' || f.tx || '-' || f.id, f.kind, f.call_id,"
        " coalesce(f.call_id::text, 'contact:' || f.contact_id), $3, $3 from webhook w join fact f on f.at >= $2"
        " and ('*' = any(w.kinds) or f.kind = any(w.kinds) or split_part(f.kind, '.', 1) || '.*' = any(w.kinds))"
        " where w.id = $1 and not exists (select from webhook_delivery d where d.webhook_id = w.id"
        " and d.fact_id = f.id)"
        f" order by f.tx, f.id limit {_RESEND_MAX} on conflict do nothing",
        webhook,
        since,
        now,
    )
    await connection.execute(f"select pg_notify('{CHANNEL}', '')")
    return int(again.rpartition(" ")[2]) + int(missed.rpartition(" ")[2])


async def queue_test(
    connection: Connection, webhook: int, *, id: UUID, body: Mapping[str, object], now: datetime
) -> int:
    """Queue a message that tells of nothing but itself; gives the delivery's id."""
    made: int = await connection.fetchval(
        "insert into webhook_delivery (webhook_id, message_id, kind, body, due_at, queued_at)"
        " values ($1, $2, 'webhook.test', $3, $4, $4) returning id",
        webhook,
        f"test_{id}",
        dict(body),
        now,
    )
    await connection.execute(f"select pg_notify('{CHANNEL}', '')")
    return made
