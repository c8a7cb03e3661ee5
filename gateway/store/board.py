"""What a supervisor's board shows beside the states: open calls, groups with who waits, figures of the day.

Each function is one statement over what is open now or belongs to today, so that a board of a hundred managers is read
in a few milliseconds; docs/benchmarks.md has the figures.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from gateway.store.card_access import visible_contacts
from gateway.store.database import Connection, Pool

Source = Pool | Connection
MISSED_SHOWN = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenCall:
    """A call that goes on."""

    id: UUID
    direction: str
    state: str
    started_at: datetime
    answered_at: datetime | None
    held_since: datetime | None
    did: str | None
    line: str
    number: str | None
    called_himself: str
    contact_id: int | None
    contact_name: str | None
    """None: there is no card, or it may not be shown."""
    organisation: str | None
    heat: str | None
    ringing: tuple[int, ...]
    """Users whose phones ring or dial."""
    asked: tuple[int, ...]
    """Users whom its route rang last; empty: no route did."""


async def open_calls(source: Source, card_reach: int | None) -> list[OpenCall]:
    """The calls that go on, those with clients and those between colleagues, the oldest first."""
    rows = await source.fetch(
        "select c.id, c.direction, c.state, c.started_at, c.answered_at, c.held_since, c.did,"
        " c.client_number as number, coalesce(nullif(n.name, ''), r.name, '') as line,"
        " c.client_name as called_himself, c.contact_id, case when v.seen then k.name end as contact_name,"
        " case when v.seen then o.name end as organisation,"
        " case when v.seen then k.heat end as heat,"
        " array(select distinct e.user_id from leg l join extension e on e.pbx = l.pbx and e.extension = l.extension"
        "  and e.since <= l.started_at and l.started_at < e.until where l.call_id = c.id and l.role = 'manager'"
        "  and l.ended_at is null and l.answered_at is null) as ringing,"
        " coalesce((select d.users from route_decision d where d.call_id = c.id and d.users <> '{}'"
        "  order by d.at desc, d.n desc limit 1), '{}') as asked"
        " from call c left join contact k on k.id = c.contact_id left join organisation o on o.id = k.organisation_id"
        f" left join lateral (select {visible_contacts('$1', 'k')} as seen) v on true"
        " left join our_number n on n.did = c.did and n.archived_at is null"
        " left join inbound_route r on r.did = c.did and r.archived_at is null"
        " where c.state <> 'ended' and c.merged_into is null and c.kind <> 'service' order by c.started_at limit 1000",
        card_reach,
    )
    return [OpenCall(**{**row, "ringing": tuple(row["ringing"]), "asked": tuple(row["asked"])}) for row in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonToday:
    """A manager's figures of one of his days."""

    calls: int
    answered: int
    missed: int
    talk_us: int


async def people_today(source: Source, days: Mapping[int, date]) -> dict[int, PersonToday]:
    """Figures of managers, each of his own local day; who has none is left out."""
    rows = await source.fetch(
        "select w.user_id, sum(m.calls)::int as calls, sum(m.answered)::int as answered, sum(m.missed)::int as missed,"
        " sum(m.talk_us)::bigint as talk_us from unnest($1::bigint[], $2::date[]) as w(user_id, day)"
        " join manager_day m on m.user_id = w.user_id and m.day = w.day group by 1",
        list(days),
        list(days.values()),
    )
    return {r["user_id"]: PersonToday(**{k: v for k, v in r.items() if k != "user_id"}) for r in rows}


@dataclass(frozen=True, slots=True, kw_only=True)
class Away:
    """An absence that goes on, or begins today."""

    user_id: int
    kind: str
    since: datetime
    until: datetime | None


async def away_until(source: Source, now: datetime, until: datetime) -> dict[int, Away]:
    """Who is away now, or will be before a moment; the nearest absence of each."""
    rows = await source.fetch(
        "select distinct on (user_id) user_id, kind, since, until from absence where state in ('planned', 'begun')"
        " and since < $2 and (until is null or until > $1) order by user_id, since",
        now,
        until,
    )
    return {r["user_id"]: Away(**dict(r)) for r in rows}


@dataclass(frozen=True, slots=True, kw_only=True)
class RingGroup:
    """A group of managers that routes ring."""

    id: int
    name: str
    members: tuple[int, ...]


async def ring_groups(source: Source) -> list[RingGroup]:
    """The groups by name."""
    rows = await source.fetch(
        "select id, name, members from routing_group where archived_at is null order by lower(name), id limit 200"
    )
    return [RingGroup(id=r["id"], name=r["name"], members=tuple(r["members"])) for r in rows]


async def phones_of_people(source: Source, users: Sequence[int]) -> dict[int, tuple[str, ...]]:
    """The extensions that people have now."""
    rows = await source.fetch(
        "select user_id, array_agg(extension order by pbx, extension) as extensions from extension"
        " where user_id = any($1::bigint[]) and since <= now() and now() < until group by 1",
        list(users),
    )
    return {r["user_id"]: tuple(r["extensions"]) for r in rows}


@dataclass(frozen=True, slots=True, kw_only=True)
class LateClient:
    """A missed client whose deadline has passed."""

    id: int
    contact_id: int | None
    contact_name: str | None
    number: str | None
    line: str
    did: str | None
    due_at: datetime
    last_at: datetime
    calls: int
    new_client: bool
    owner_id: int | None
    owner_name: str | None
    rang_name: str | None
    """Whose phone rang last; None: nobody's."""
    claimed_by: int | None
    claimed_name: str | None
    version: int


async def late_clients(
    source: Source, now: datetime, card_reach: int | None, *, users: Sequence[int] | None = None
) -> tuple[int, list[LateClient]]:
    """How many missed clients were not returned in time, and those who wait longest.

    Args:
        source: where to read.
        now: the present moment.
        card_reach: from `gateway.domain.cards.card_reach`.
        users: whose tasks, and those that are nobody's; None: everybody's.
    """
    rows = await source.fetch(
        "with late as materialized (select m.id, m.due_at, t.owner_id from missed m left join task t on t.id ="
        " m.task_id"
        "  where m.state = 'open' and m.due_at < $1 and not m.hidden"
        "  and ($3::bigint[] is null or t.owner_id is null or t.owner_id = any($3::bigint[]))),"
        f" page as (select * from late order by due_at, id limit {MISSED_SHOWN})"
        f" select m.id, m.contact_id, case when {visible_contacts('$2')} then c.name end as contact_name, m.number,"
        " m.did, coalesce(nullif(n.name, ''), r.name, '') as line, m.due_at, m.last_at, m.calls, m.new_client,"
        " p.owner_id, u.name as owner_name, rang.name as rang_name,"
        " case when m.claimed_until > $1 then m.claimed_by end as claimed_by,"
        " case when m.claimed_until > $1 then h.name end as claimed_name, m.version,"
        " (select count(*) from late) as total"
        " from page p join missed m on m.id = p.id left join contact c on c.id = m.contact_id"
        " left join users u on u.id = p.owner_id left join users h on h.id = m.claimed_by"
        " left join our_number n on n.did = m.did and n.archived_at is null"
        " left join inbound_route r on r.did = m.did and r.archived_at is null"
        " left join lateral (select x.name from missed_call k join call_manager cm on cm.call_id = k.call_id"
        "  and cm.rang join users x on x.id = cm.user_id where k.missed_id = m.id"
        "  order by k.at desc, cm.started_at desc limit 1) rang on true order by p.due_at, p.id",
        now,
        card_reach,
        None if users is None else list(users),
    )
    shown = [LateClient(**{name: value for name, value in row.items() if name != "total"}) for row in rows]
    return (rows[0]["total"] if rows else 0), shown


@dataclass(frozen=True, slots=True, kw_only=True)
class CallsIn:
    """Calls in of a stretch of time."""

    calls: int
    answered: int
    median_wait_seconds: float | None
    """Of those that were answered; None: none was."""

    @property
    def answered_share(self) -> float | None:
        """None: nobody called."""
        return round(self.answered / self.calls, 4) if self.calls else None


_MINE = (
    " and ($3::bigint[] is null or exists (select from call_manager p where p.call_id = c.id"
    " and p.user_id = any($3::bigint[])))"
)


async def calls_in(
    source: Source, stretches: Sequence[tuple[datetime, datetime]], *, users: Sequence[int] | None = None
) -> CallsIn:
    """Calls in that have ended, of some stretches of time together.

    Args:
        source: where to read.
        stretches: begin and end, not including, of each.
        users: only calls in which one of them had a part; None: all of the company's.
    """
    row = await source.fetchrow(
        "select count(*) as calls, count(*) filter (where c.result in ('answered', 'lost_in_transfer')) as answered,"
        " (percentile_cont(0.5) within group (order by c.wait_us) filter (where c.result in"
        "  ('answered', 'lost_in_transfer')) / 1e6)::float as median_wait_seconds"
        " from unnest($1::timestamptz[], $2::timestamptz[]) as w(begin, ends) join call c on c.started_at >= w.begin"
        " and c.started_at < w.ends and c.kind = 'client' and c.state = 'ended' and c.merged_into is null"
        f" and c.direction = 'inbound'{_MINE}",
        [begin for begin, _ in stretches],
        [end for _, end in stretches],
        None if users is None else list(users),
    )
    return CallsIn(**dict(row))
