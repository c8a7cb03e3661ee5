"""How the work after calls does, for `trunkline doctor` and `/metrics`: what is behind, left out, failed or stuck.

Every figure is counted up to a bound, by indexes, so that looking costs little when most has gone wrong.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from gateway.store.database import Connection, Pool

BOUND = 10_000
"""Facts and deliveries are counted up to so many."""
LOOKED_BACK = timedelta(days=7)
"""Facts left out and reports that failed are told for so long."""
STANDS = timedelta(minutes=15)
"""An import whose place has not moved for so long stands still."""

Source = Pool | Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowerHealth:
    """How far a follower is from the end of the feed."""

    name: str
    behind: int
    """Facts that it has not taken, counted up to `BOUND`."""
    waiting: timedelta
    """How long ago the oldest of them happened; zero: there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """Facts that a follower left out with the same fault in the last days."""

    follower: str
    fault: str
    kinds: tuple[str, ...]
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DutyFault:
    """A duty that failed at its last look."""

    name: str
    fault: str
    times: int
    lasting: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class AftercareHealth:
    """Everything there is to know."""

    followers: Sequence[FollowerHealth]
    left_out: Sequence[LeftOut]
    duties: Sequence[DutyFault]
    webhooks: Mapping[str, Sequence[int]]
    """Subscriptions that are `failing`, and those that are off `gone` or `given_up`, by their ids."""
    deliveries_waiting: int
    """To subscriptions that are on, counted up to `BOUND`."""
    oldest_delivery: timedelta
    """How long the oldest of them has waited; zero: none waits."""
    deliveries_failed: int
    """Given up in the last days, counted up to `BOUND`."""
    reports: Mapping[str, int]
    """Daily reports of the last days that `failed` or are `unknown`."""
    mail_readers: int
    """Subscriptions of people who get their reports by mail."""
    imports_standing: Sequence[int]


_FOLLOWERS = f"""select f.name, next.behind, greatest(extract(epoch from now() - coalesce(next.oldest, now())), 0)
 as waiting from follower f cross join lateral (
    select count(*)::int as behind, min(at) as oldest from (select at from fact
        where (tx, id) > (split_part(f.position, '-', 1)::xid8, split_part(f.position, '-', 2)::bigint)
            and tx < feed_horizon()
        order by tx, id limit {BOUND}) as few) as next
 order by f.name"""

_LEFT_OUT = """select follower, fault, array_agg(distinct kind order by kind) as kinds, count(*)::int as count
 from follower_refused where at > now() - $1::interval group by 1, 2 order by 4 desc, 1, 2 limit 20"""

_DUTIES = """select name, fault, times, extract(epoch from now() - since) as lasting from duty_fault order by name"""

_WEBHOOKS = """select id,
 case when state = 'failing' then 'failing' when reason = 'gone' then 'gone' else 'given_up' end as how
 from webhook where deleted_at is null and (state = 'failing' or state = 'off' and reason in ('gone', 'failing'))
 order by id"""

_COUNTS = f"""select
 (select count(*)::int from (select from webhook_delivery d join webhook w on w.id = d.webhook_id
    where d.state = 'waiting' and w.state <> 'off' limit {BOUND}) as few) as waiting,
 (select greatest(extract(epoch from now() - min(d.queued_at)), 0) from (select d.queued_at from webhook_delivery d
    join webhook w on w.id = d.webhook_id where d.state = 'waiting' and w.state <> 'off' order by d.due_at
    limit {BOUND}) as d) as oldest,
 (select count(*)::int from (select from webhook_delivery d join webhook w on w.id = d.webhook_id
    where d.settled_at > now() - $1::interval and d.state = 'failed' and w.deleted_at is null
    limit {BOUND}) as few) as given_up,
 (select count(*)::int from report_delivery where state = 'failed' and made_at > now() - $1::interval) as failed,
 (select count(*)::int from report_delivery where state = 'unknown' and made_at > now() - $1::interval) as unknown,
 (select count(*)::int from report_subscription s join users u on u.id = s.user_id
    where s.active and u.active and s.by = 'mail') as readers,
 (select coalesce(array_agg(id order by id), '{{}}') from import where state in ('checking', 'running', 'undoing')
    and coalesce(moved_at, resumed_at, begun_at, made_at) < now() - $2::interval) as standing"""


async def aftercare_health(source: Source) -> AftercareHealth:
    """How the work after calls does at this moment."""
    counts = await source.fetchrow(_COUNTS, LOOKED_BACK, STANDS)
    webhooks: dict[str, list[int]] = {"failing": [], "gone": [], "given_up": []}
    for row in await source.fetch(_WEBHOOKS):
        webhooks[row["how"]].append(row["id"])
    return AftercareHealth(
        followers=[
            FollowerHealth(name=r["name"], behind=r["behind"], waiting=_seconds(r["waiting"]))
            for r in await source.fetch(_FOLLOWERS)
        ],
        left_out=[
            LeftOut(**{**dict(r), "kinds": tuple(r["kinds"])}) for r in await source.fetch(_LEFT_OUT, LOOKED_BACK)
        ],
        duties=[DutyFault(**{**dict(r), "lasting": _seconds(r["lasting"])}) for r in await source.fetch(_DUTIES)],
        webhooks=webhooks,
        deliveries_waiting=counts["waiting"],
        oldest_delivery=_seconds(counts["oldest"]),
        deliveries_failed=counts["given_up"],
        reports={"failed": counts["failed"], "unknown": counts["unknown"]},
        mail_readers=counts["readers"],
        imports_standing=counts["standing"],
    )


def _seconds(value: object) -> timedelta:
    return timedelta(seconds=float(str(value or 0)))


async def note_duty_fault(source: Source, name: str, fault: str) -> None:
    """Write down that a duty failed; `fault` is the name of what was raised, never its text."""
    await source.execute(
        "insert into duty_fault (name, fault) values ($1, $2) on conflict (name) do update set fault = excluded.fault,"
        " times = duty_fault.times + 1, at = now()",
        name,
        fault,
    )


async def forget_duty_fault(source: Source, name: str) -> None:
    """The duty was done: it is well again."""
    await source.execute("delete from duty_fault where name = $1", name)
