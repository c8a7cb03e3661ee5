"""What was refused, and what of it people are told: bursts of refusals, and the first call abroad of a manager."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.store.database import Connection, Pool

Source = Pool | Connection

REFUSALS_KEPT = timedelta(days=180)
COUNTED_KEPT = timedelta(days=2)
"""The longest limit looks back a day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Something that was not dialled."""

    id: int
    at: datetime
    user_id: int | None
    user_name: str | None
    key_id: str | None
    number: str
    """As it was written, at most 64 characters, none of them a control character."""
    region: str | None
    purpose: str
    reason: str
    sentence: str


async def list_refusals(
    source: Source,
    *,
    user: int | None,
    key: str | None,
    reason: str | None,
    since: datetime | None,
    until: datetime | None,
    before: tuple[datetime, int] | None,
    limit: int,
) -> list[Refusal]:
    """Refusals, the newest first.

    Args:
        source: where to read.
        user: only of this person.
        key: only of this key.
        reason: only for this reason.
        since: from this moment on.
        until: before this moment.
        before: moment and id of the last one seen.
        limit: how many at most.
    """
    at, id_ = before or (None, None)
    rows = await source.fetch(
        "select r.id, r.at, r.user_id, u.name as user_name, r.key_id, r.number, r.region, r.purpose, r.reason,"
        " r.sentence from dial_refusal r left join users u on u.id = r.user_id"
        " where ($1::bigint is null or r.user_id = $1) and ($2::text is null or r.key_id = $2)"
        " and ($3::text is null or r.reason = $3) and ($4::timestamptz is null or r.at >= $4)"
        " and ($5::timestamptz is null or r.at < $5) and ($6::timestamptz is null or (r.at, r.id) < ($6, $7::bigint))"
        " order by r.at desc, r.id desc limit $8",
        user,
        key,
        reason,
        since,
        until,
        at,
        id_,
        limit,
    )
    return [Refusal(**dict(r)) for r in rows]


async def count_refusals(source: Source, since: datetime) -> dict[str, int]:
    """How often was refused for which reason since a moment."""
    rows = await source.fetch(
        "select reason, count(*) as n from dial_refusal where at >= $1 group by 1 order by 2 desc, 1", since
    )
    return {r["reason"]: r["n"] for r in rows}


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstForeign:
    """The first call abroad that somebody was permitted."""

    user_id: int
    at: datetime
    region: str | None
    number: str


async def take_first_foreign(connection: Connection, now: datetime, limit: int) -> list[FirstForeign]:
    """First calls abroad of which nobody was told yet."""
    rows = await connection.fetch(
        "with due as (select user_id from dial_foreign where told_at is null order by at limit $2 for update)"
        " update dial_foreign f set told_at = $1 from due where f.user_id = due.user_id"
        " returning f.user_id, f.at, f.region, f.number",
        now,
        limit,
    )
    return [FirstForeign(**dict(r)) for r in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    """Many refusals of one person or key."""

    user_id: int | None
    key_id: str | None
    refusals: int
    since: datetime
    reasons: Mapping[str, int]


async def take_bursts(connection: Connection, now: datetime, *, refusals: int, minutes: int) -> list[Burst]:
    """People and keys of whom at least so many were refused within so many minutes, and nobody was told of it yet."""
    rows = await connection.fetch(
        "with who as (select user_id, key_id from dial_refusal"
        "  where told_at is null and at > $1::timestamptz - $3::interval group by 1, 2 having count(*) >= $2),"
        " told as (update dial_refusal r set told_at = $1 from who w"
        "  where r.told_at is null and r.at > $1::timestamptz - $3::interval"
        "  and r.user_id is not distinct from w.user_id and r.key_id is not distinct from w.key_id"
        "  returning r.user_id, r.key_id, r.at, r.reason),"
        " by_reason as (select user_id, key_id, reason, count(*) as n, min(at) as since from told group by 1, 2, 3)"
        " select user_id, key_id, sum(n)::int as refusals, min(since) as since, json_object_agg(reason, n) as reasons"
        " from by_reason group by 1, 2 order by 1, 2",
        now,
        refusals,
        timedelta(minutes=minutes),
    )
    return [Burst(**dict(r)) for r in rows]


async def clear_dialling(connection: Connection, now: datetime) -> None:
    """Forget what is counted no more, and refusals of long ago."""
    await connection.execute("delete from dial_taken where at < $1", now - COUNTED_KEPT)
    await connection.execute("delete from dial_refusal where at < $1", now - REFUSALS_KEPT)


async def watchers_of(source: Source) -> tuple[int, ...]:
    """Those who are told of what may be fraud: active supervisors and administrators."""
    rows = await source.fetch("select id from users where active and role <> 'manager' order by id")
    return tuple(r["id"] for r in rows)
