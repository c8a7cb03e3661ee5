"""Who gets which report when, and each delivery with what became of it.

One row a subscription and day (a unique key), whatever restarts or clocks do. A delivery is `wanted` with its letter
written down, `sending` while one node has it, and then `sent`, `failed`, `unknown` or `skipped`. One that was `sending`
when its node died may have arrived: a letter becomes `unknown`, a file is simply written again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from gateway.store.database import Connection, Pool

Source = Pool | Connection
SENDING_LIMIT = timedelta(minutes=15)
"""Longer than a letter can take; who is silent for so long is dead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """Who gets which report when."""

    id: int
    user_id: int
    report: str
    team_id: int | None
    covers: str
    """`today` or `yesterday`: which day it is about, at the moment it is made."""
    hour: int
    minute: int
    weekdays: tuple[int, ...]
    """Days of the reader's week on which it is made; 1: Monday."""
    by: str
    address: str
    active: bool
    made_by: str
    made_at: datetime
    since: datetime
    """What was due before is not made."""
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One report for one day."""

    id: int
    subscription_id: int
    day: date
    state: str
    reason: str
    attempts: int
    next_try_at: datetime
    due_at: datetime
    made_at: datetime
    ended_at: datetime | None
    letter: Mapping[str, str] | None


_SUBSCRIPTION = (
    "select id, user_id, report, team_id, covers, hour, minute, weekdays, by, address, active, made_by, made_at,"
    " since, version from report_subscription"
)
_DELIVERY = (
    "select id, subscription_id, day, state, reason, attempts, next_try_at, due_at, made_at, ended_at, letter"
    " from report_delivery"
)


def _subscription(row: Mapping[str, object]) -> Subscription:
    values = dict(row)
    values["weekdays"] = tuple(values["weekdays"])  # type: ignore[arg-type]
    return Subscription(**values)  # type: ignore[arg-type]


async def list_subscriptions(source: Source, *, active: bool = False) -> list[Subscription]:
    """All of them, or those that are active."""
    where = "where active" if active else ""
    return [_subscription(r) for r in await source.fetch(f"{_SUBSCRIPTION} {where} order by id")]


async def read_subscription(source: Source, id: int) -> Subscription | None:
    """One of them; None: there is none with this id."""
    row = await source.fetchrow(f"{_SUBSCRIPTION} where id = $1", id)
    return _subscription(row) if row else None


async def make_subscription(connection: Connection, new: Subscription) -> int:
    """Enter a subscription; gives its id (that of `new` is not looked at)."""
    made: int = await connection.fetchval(
        "insert into report_subscription (user_id, report, team_id, covers, hour, minute, weekdays, by, address,"
        " active, made_by, made_at, since) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
        " returning id",
        new.user_id,
        new.report,
        new.team_id,
        new.covers,
        new.hour,
        new.minute,
        list(new.weekdays),
        new.by,
        new.address,
        new.active,
        new.made_by,
        new.made_at,
        new.since,
    )
    return made


CHANGEABLE = ("team_id", "covers", "hour", "minute", "weekdays", "by", "address", "active", "since")


async def change_subscription(connection: Connection, id: int, *, version: int, changes: Mapping[str, object]) -> bool:
    """Change a subscription.

    Args:
        connection: within a transaction.
        id: which.
        version: as it was read.
        changes: new values by the names in `CHANGEABLE`.

    Returns:
        False: somebody has changed it.
    """
    names = [name for name in CHANGEABLE if name in changes]
    sets = "".join(f", {name} = ${place}" for place, name in enumerate(names, 3))
    changed = await connection.fetchval(
        f"update report_subscription set version = version + 1{sets} where id = $1 and version = $2 returning true",
        id,
        version,
        *(changes[name] for name in names),
    )
    return bool(changed)


async def delivered_days(connection: Connection, ids: Sequence[int], since: date) -> set[tuple[int, date]]:
    """For which days there is a delivery already, by subscription."""
    rows = await connection.fetch(
        "select subscription_id, day from report_delivery where subscription_id = any($1::bigint[]) and day >= $2",
        list(ids),
        since,
    )
    return {(r["subscription_id"], r["day"]) for r in rows}


async def want_delivery(
    connection: Connection,
    *,
    subscription: int,
    day: date,
    state: str,
    reason: str,
    due_at: datetime,
    letter: Mapping[str, str] | None,
    now: datetime,
) -> bool:
    """Write down that a report is to be delivered, with its text; False: there is one for this day."""
    made = await connection.fetchval(
        "insert into report_delivery (subscription_id, day, state, reason, next_try_at, due_at, made_at, ended_at,"
        " letter) values ($1, $2, $3::text, $4, $6::timestamptz, $5, $6,"
        " case when $3 = 'wanted' then null else $6 end, $7)"
        " on conflict (subscription_id, day) do nothing returning true",
        subscription,
        day,
        state,
        reason,
        due_at,
        now,
        letter,
    )
    return bool(made)


async def claim_delivery(connection: Connection, now: datetime) -> Delivery | None:
    """Take the next delivery that is due; None: nothing is. It must be committed before anything is sent."""
    row = await connection.fetchrow(
        "update report_delivery set state = 'sending', attempts = attempts + 1, next_try_at = $2 where id = ("
        " select id from report_delivery where state = 'wanted' and next_try_at <= $1 order by next_try_at, id"
        " limit 1 for update skip locked) returning id, subscription_id, day, state, reason, attempts, next_try_at,"
        " due_at, made_at, ended_at, letter",
        now,
        now + SENDING_LIMIT,
    )
    return Delivery(**dict(row)) if row else None


async def end_delivery(connection: Connection, id: int, *, state: str, reason: str, now: datetime) -> bool:
    """Write down what became of a delivery that was being sent; False: somebody else did."""
    ended = await connection.fetchval(
        "update report_delivery set state = $2, reason = $3, ended_at = $4 where id = $1 and state = 'sending'"
        " returning true",
        id,
        state,
        reason,
        now,
    )
    return bool(ended)


async def try_later(connection: Connection, id: int, *, reason: str, at: datetime) -> None:
    """Nothing was handed over; try again at that moment."""
    await connection.execute(
        "update report_delivery set state = 'wanted', reason = $2, next_try_at = $3"
        " where id = $1 and state = 'sending'",
        id,
        reason,
        at,
    )


async def abandoned(connection: Connection, now: datetime) -> list[Delivery]:
    """Deliveries whose node died while sending, locked."""
    rows = await connection.fetch(
        f"{_DELIVERY} where state = 'sending' and next_try_at <= $1 order by id limit 100 for update skip locked", now
    )
    return [Delivery(**dict(r)) for r in rows]


async def send_again(connection: Connection, id: int, now: datetime) -> bool:
    """A person has decided that a letter is sent again; False: it is none that waits for a person."""
    again = await connection.fetchval(
        "update report_delivery set state = 'wanted', reason = '', attempts = 0, next_try_at = $2, ended_at = null"
        " where id = $1 and state in ('failed', 'unknown') and letter is not null returning true",
        id,
        now,
    )
    return bool(again)


async def list_deliveries(
    source: Source, *, user: int | None, subscription: int | None, before: int | None, limit: int
) -> list[Delivery]:
    """Deliveries, the last made first; of a reader, of a subscription, or all."""
    rows = await source.fetch(
        f"{_DELIVERY} where ($1::bigint is null or subscription_id = $1) and ($2::bigint is null or id < $2)"
        " and ($3::bigint is null or subscription_id in (select id from report_subscription where user_id = $3))"
        f" order by id desc limit {int(limit)}",
        subscription,
        before,
        user,
    )
    return [Delivery(**dict(r)) for r in rows]


async def read_delivery(source: Source, id: int) -> Delivery | None:
    """One delivery; None: there is none with this id."""
    row = await source.fetchrow(f"{_DELIVERY} where id = $1", id)
    return Delivery(**dict(row)) if row else None


async def open_missed(source: Source) -> int:
    """Clients who still wait for a call back."""
    found: int = await source.fetchval("select count(*) from missed where state = 'open'")
    return found
