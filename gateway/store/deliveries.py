"""Deliveries under way: claimed many at a time, settled under the claim's number, and how subscriptions do by that.

A claim counts `attempts` up; its result is written only where that number still stands, so a node that was paused
cannot settle what another one has taken over. A claim whose lease ran out was cut off: it is sent again with the same
message id, and its attempt stays in the log as interrupted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from gateway.domain.webhooks import AT_ONCE, LEASE, DeliveryState, Fault, OffReason, Receipt, WebhookState
from gateway.store.database import Connection, Pool

CLAIMED = 4 * AT_ONCE
"""Deliveries that one look takes for a subscription that answers; for one that failed just now it is a single one."""
_CLAIM_LOCK = 7463

Source = Pool | Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A delivery that is to be tried now, by the one who claimed it."""

    id: int
    webhook_id: int
    number: int
    """Of the attempt, from 1; it fences the result."""
    failures: int
    """Failed attempts before this one."""
    url: str
    secrets: tuple[str, ...]
    message_id: str
    kind: str
    position: str | None
    """Of the fact in the feed; None: it is a test."""
    at: datetime
    """When it happened."""
    call_id: UUID | None
    contact_id: int | None
    body: dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What became of a claim."""

    claim: Claim
    at: datetime
    """When the attempt began."""
    receipt: Receipt
    state: DeliveryState
    due_at: datetime | None
    """The next attempt; None: there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How a subscription does, as the settling finds it."""

    state: WebhookState
    failures: int
    failing_since: datetime | None
    delivered_at: datetime | None


_FREE = """update webhook_delivery set state = 'waiting', due_at = $1, lease_until = null
 where id in (select id from webhook_delivery where state = 'sending' and lease_until <= $1 for update skip locked)
 returning id, attempts"""

_INTERRUPTED = """insert into webhook_attempt (delivery_id, number, at, fault)
 select id, number, $3, $4 from unnest($1::bigint[], $2::int[]) as r (id, number) on conflict do nothing"""

_CLAIM = f"""with hook as (
    select w.id, w.url, w.secret, case when w.old_secret_until > $1 then w.old_secret end as old_secret,
        case when w.state = 'failing' or w.failures > 0 then 1 else {CLAIMED} end
            - (select count(*) from webhook_delivery s where s.webhook_id = w.id and s.state = 'sending') as room
    from webhook w where w.state <> 'off'
), due as (
    select h.id as hook_id, d.id from hook h cross join lateral (
        select d.id from webhook_delivery d where d.webhook_id = h.id and d.state = 'waiting' and d.due_at <= $1
            and not exists (select from webhook_delivery o where o.webhook_id = d.webhook_id and o.subject = d.subject
                and o.id < d.id and (o.state = 'sending' or o.state = 'waiting' and o.due_at <= $1))
        order by d.due_at, d.id limit greatest(h.room, 0) for update skip locked) as d
), taken as (
    update webhook_delivery d set state = 'sending', attempts = d.attempts + 1, lease_until = $1 + $2::interval
    from due where d.id = due.id
    returning d.id, d.webhook_id, d.attempts, d.failures, d.message_id, d.kind, d.fact_id, d.told_id, d.body,
        d.queued_at
)
select t.id, t.webhook_id, t.attempts as number, t.failures, h.url, array_remove(array[h.secret, h.old_secret], null)
    as secrets, t.message_id, t.kind, f.tx::text || '-' || f.id as position, coalesce(told.at, t.queued_at) as at,
    told.call_id, told.contact_id, coalesce(t.body, told.body) as body
from taken t join hook h on h.id = t.webhook_id left join fact f on f.id = t.fact_id
    left join fact told on told.id = t.told_id
order by t.id"""


async def claim(pool: Pool, now: datetime) -> list[Claim]:
    """Take what is due: to each subscription as much as may be under way, of one call or card one after the other.

    Args:
        pool: the database; nodes take turns for the moment of the claim.
        now: the present moment.
    """
    async with pool.acquire() as connection, connection.transaction():
        # A claim that a crash of the server forgets is only made again, so nobody waits for the disk here.
        await connection.execute(
            "select set_config('synchronous_commit', 'off', true), pg_advisory_xact_lock($1)", _CLAIM_LOCK
        )
        freed = await connection.fetch(_FREE, now)
        if freed:
            ids, numbers = [r["id"] for r in freed], [r["attempts"] for r in freed]
            await connection.execute(_INTERRUPTED, ids, numbers, now, Fault.INTERRUPTED)
        rows = await connection.fetch(_CLAIM, now, LEASE)
    return [Claim(**{**dict(r), "secrets": tuple(r["secrets"])}) for r in rows]


async def give_back(pool: Pool, claimed: Claim) -> None:
    """Let go of a claim that there is no time for; it is no attempt."""
    await pool.execute(
        "update webhook_delivery set state = 'waiting', attempts = attempts - 1, lease_until = null"
        " where id = $1 and attempts = $2 and state = 'sending'",
        claimed.id,
        claimed.number,
    )


async def next_due(source: Source) -> datetime | None:
    """When the next delivery is due or the next lease ends; None: nothing waits."""
    due: datetime | None = await source.fetchval(
        "select least((select min(d.due_at) from webhook_delivery d join webhook w on w.id = d.webhook_id"
        " where d.state = 'waiting' and w.state <> 'off'),"
        " (select min(lease_until) from webhook_delivery where state = 'sending'))"
    )
    return due


async def settle(connection: Connection, settled: Sequence[Settled]) -> list[Settled]:
    """Write down what became of claims; gives those that were still the claimer's."""
    rows = await connection.fetch(
        "update webhook_delivery d set state = r.state, due_at = coalesce(r.due_at, d.due_at), lease_until = null,"
        " failures = d.failures + r.failed, status = r.status, fault = r.fault,"
        " settled_at = case when r.state <> 'waiting' then r.at end"
        " from unnest($1::bigint[], $2::int[], $3::text[], $4::timestamptz[], $5::int[], $6::int[], $7::text[],"
        " $8::timestamptz[]) as r (id, number, state, due_at, failed, status, fault, at)"
        " where d.id = r.id and d.attempts = r.number and d.state = 'sending' returning d.id",
        [s.claim.id for s in settled],
        [s.claim.number for s in settled],
        [s.state for s in settled],
        [s.due_at for s in settled],
        [int(s.state is not DeliveryState.DELIVERED) for s in settled],
        [s.receipt.status for s in settled],
        [s.receipt.fault for s in settled],
        [s.at for s in settled],
    )
    await connection.execute(
        "insert into webhook_attempt (delivery_id, number, at, ms, status, fault, answer)"
        " select * from unnest($1::bigint[], $2::int[], $3::timestamptz[], $4::int[], $5::int[], $6::text[],"
        " $7::text[])"
        " on conflict (delivery_id, number) do update set ms = excluded.ms, status = excluded.status,"
        " fault = excluded.fault, answer = excluded.answer",
        [s.claim.id for s in settled],
        [s.claim.number for s in settled],
        [s.at for s in settled],
        [s.receipt.ms for s in settled],
        [s.receipt.status for s in settled],
        [s.receipt.fault for s in settled],
        [s.receipt.answer.replace("\0", " ") for s in settled],
    )
    kept = {r["id"] for r in rows}
    return [s for s in settled if s.claim.id in kept]


async def hold_health(connection: Connection, webhook: int) -> Health | None:
    """How a subscription does, held until the transaction ends; None: it was deleted.

    Who queues deliveries refers to the same row; `no key update` keeps the two out of each other's way.
    """
    row = await connection.fetchrow(
        "select state, failures, failing_since, delivered_at from webhook where id = $1"
        " and deleted_at is null for no key update",
        webhook,
    )
    return Health(**{**dict(row), "state": WebhookState(row["state"])}) if row else None


async def save_health(connection: Connection, webhook: int, before: Health, now: Health, at: datetime) -> None:
    """Write down how a subscription does; a new state gets its moment and its reason."""
    reason = {WebhookState.ACTIVE: None, WebhookState.FAILING: OffReason.FAILING}.get(now.state, OffReason.FAILING)
    await connection.execute(
        "update webhook set failures = $2, failing_since = $3, delivered_at = $4, state = $5,"
        " reason = case when state <> $5 then $6 else reason end,"
        " state_since = case when state <> $5 then $7 else state_since end,"
        " version = version + (state <> $5)::int where id = $1",
        webhook,
        now.failures,
        now.failing_since,
        now.delivered_at,
        now.state,
        reason,
        at,
    )


async def switch_off_gone(connection: Connection, webhook: int, at: datetime) -> bool:
    """The receiver said that nobody is there any more; whether that is news."""
    found = await connection.fetchval(
        "update webhook set state = 'off', reason = 'gone', state_since = $2, version = version + 1"
        " where id = $1 and state <> 'off' returning true",
        webhook,
        at,
    )
    return bool(found)
