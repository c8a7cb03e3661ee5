"""What stands beside the tasks and calls of a manager's day: firms, why somebody was missed, who has him now.

The order and the tasks themselves come from `gateway.store.queue`; this reads what a row of the screen says further,
for all rows at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from gateway.store.database import Connection, Pool

Source = Pool | Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class LastMissed:
    """The last call of a client who was missed."""

    call_id: UUID
    at: datetime
    reason: str
    did: str | None
    line: str
    """Name of the number, else of its route; empty: nobody named it."""
    wait_us: int | None
    ring_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What a row of the day says further."""

    organisation_id: int | None
    organisation_name: str | None
    city: str | None
    zone: str | None
    made_by_name: str | None
    """Of the person who made the task; None: it came by itself."""
    group_total: int | None
    group_open: int | None
    """How many tasks of its group are open, everybody's together."""
    missed: LastMissed | None
    claimed_by: int | None
    claimed_name: str | None
    claimed_until: datetime | None
    talks: int | None
    """Who is in a call with the client now, also while it rings; None: nobody, or nobody knows whose phone it is."""
    talks_name: str | None


_BESIDE = """select w.place, o.id as organisation_id, o.name as organisation_name, c.city, c.timezone as zone,
 maker.name as made_by_name, g.total as group_total,
 case when t.group_id is not null then (select count(*) from task k where k.group_id = t.group_id
    and k.state in ('new', 'in_progress')) end as group_open,
 last.call_id, last.at, last.reason, last.did, last.line, last.wait_us, last.ring_us,
 case when m.claimed_until > $2 then m.claimed_by end as claimed_by,
 case when m.claimed_until > $2 then holder.name end as claimed_name,
 case when m.claimed_until > $2 then m.claimed_until end as claimed_until,
 going.user_id as talks, going.name as talks_name
 from unnest($1::bigint[]) with ordinality as w(id, place) join task t on t.id = w.id
 left join contact first on first.id = t.contact_id
 left join contact c on c.id = case when first.merged_into is null then first.id else present_card(first.id) end
 left join organisation o on o.id = c.organisation_id
 left join users maker on maker.id = substring(t.made_by from '^user:([0-9]{1,18})$')::bigint
 left join task_group g on g.id = t.group_id
 left join missed m on m.id = t.missed_id
 left join users holder on holder.id = m.claimed_by
 left join lateral (select k.call_id, k.at, k.reason, x.did, coalesce(nullif(n.name, ''), r.name, '') as line,
    x.wait_us, x.ring_us from missed_call k join call x on x.id = k.call_id
    left join our_number n on n.did = x.did and n.archived_at is null
    left join inbound_route r on r.did = x.did and r.archived_at is null
    where k.missed_id = m.id order by k.at desc limit 1) last on true
 left join lateral (select u.id as user_id, u.name from call x join call_manager cm on cm.call_id = x.id
    join users u on u.id = cm.user_id where x.state <> 'ended' and x.merged_into is null and x.contact_id = c.id
    order by cm.answered desc, cm.talk_us desc limit 1) going on c.id is not null
 order by w.place"""


async def beside_tasks(source: Source, ids: Sequence[int], now: datetime) -> list[Beside]:
    """What stands beside tasks, in the order of their ids as given."""
    rows = await source.fetch(_BESIDE, list(ids), now)
    found = []
    for row in rows:
        values = dict(row)
        del values["place"]
        last = {name: values.pop(name) for name in LastMissed.__dataclass_fields__}
        found.append(Beside(**values, missed=LastMissed(**last) if last["call_id"] is not None else None))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class BesideAgreed:
    """What stands beside a scheduled call."""

    organisation_id: int | None
    organisation_name: str | None
    city: str | None
    heat: str | None


async def beside_agreed(source: Source, ids: Sequence[int]) -> list[BesideAgreed]:
    """What stands beside scheduled calls, in the order of their ids as given."""
    rows = await source.fetch(
        "select o.id as organisation_id, o.name as organisation_name, c.city, c.heat"
        " from unnest($1::bigint[]) with ordinality as w(id, place) join scheduled_call s on s.id = w.id"
        " left join contact c on c.id = s.contact_id left join organisation o on o.id = c.organisation_id"
        " order by w.place",
        list(ids),
    )
    return [BesideAgreed(**dict(row)) for row in rows]
