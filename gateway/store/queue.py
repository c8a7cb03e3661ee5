"""What a manager's queue is made of: his open tasks and those anybody may take, with what decides their place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from gateway.domain.queue import Candidate
from gateway.domain.staff import zone_of
from gateway.domain.tasks import Origin, Task
from gateway.store.card_access import visible_contacts
from gateway.store.database import Connection, Pool
from gateway.store.tasks import TASK, task_of

Source = Pool | Connection

QUEUE_MAX = 1000
"""Tasks of one person, and of nobody, that are put in order; those with the nearest times."""
_UTC = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """The missed client behind a task."""

    id: int
    state: str
    calls: int
    attempts: int
    first_at: datetime
    last_at: datetime
    new_client: bool
    claimed_by: int | None
    claimed_until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A task with what a screen shows beside it."""

    task: Task
    contact_id: int | None
    """The card that stands, where its own went into another one."""
    contact_name: str | None
    """None: there is no card, or it may not be shown."""
    city: str | None
    stage: str | None
    heat: str | None
    card_priority: int | None
    zone: str | None
    """The client's, as his card says."""
    number: str | None
    """To call: the task's own, else the card's first."""
    owner_name: str | None
    owner_zone: str | None
    waiting: Waiting | None


_CANDIDATE = """select t.id, t.origin, t.priority, t.due_at, t.owner_id is not null as owned, t.zone,
 coalesce(m.state = 'open', false) as waits, coalesce(m.calls, 0) as calls, coalesce(m.new_client, false) as new_client,
 coalesce(m.claimed_until > $2 and m.claimed_by <> $1, false) as taken,
 coalesce(c.priority, 0) as card_priority, c.heat, c.timezone
 from (select id, origin, priority, due_at, owner_id, zone, contact_id, missed_id from task
        where {whose} and state in ('new', 'in_progress') and (due_at < $3 or due_at is null)
        order by due_at limit $4) t
 left join contact o on o.id = t.contact_id left join contact c on c.id = case when o.merged_into is null then o.id
  else present_card(o.id) end
 left join missed m on m.id = t.missed_id"""
_HIS = _CANDIDATE.format(whose="owner_id = $1")
_NOBODYS = _CANDIDATE.format(whose="owner_id is null and (members = '{}' or $1 = any(members))")


async def queue_candidates(source: Source, user: int, now: datetime, until: datetime) -> list[Candidate]:
    """Open tasks that a person may do.

    Args:
        source: where to read.
        user: who.
        now: the present moment.
        until: tasks whose time is later are left out.
    """
    rows = await source.fetch(f"({_HIS}) union all ({_NOBODYS})", user, now, until, QUEUE_MAX)
    return [_candidate(r) for r in rows]


def _candidate(row: Mapping[str, object]) -> Candidate:
    values = dict(row)
    zone = values.pop("timezone") or values["zone"]
    values["zone"] = zone_of(str(zone), _UTC) if zone else None
    values["origin"] = Origin(str(values["origin"]))
    return Candidate(**values)  # type: ignore[arg-type]


async def show_tasks(source: Source, ids: Sequence[int], card_reach: int | None) -> list[Shown]:
    """Tasks with what is shown beside them, in the order of their ids as given.

    Args:
        source: where to read.
        ids: which.
        card_reach: from `gateway.domain.cards.card_reach`; cards that may not be seen have no name and no city.
    """
    rows = await source.fetch(
        f"select {TASK}, c.id as card, case when v.seen then c.name end as name,"
        " case when v.seen then c.city end as city, c.stage, c.heat, c.priority as card_priority,"
        " c.timezone, u.name as owner_name, u.timezone as owner_zone,"
        " coalesce(t.number, (select n.number from contact_number n where n.contact_id = c.id"
        "  order by n.created_at, n.number limit 1)) as to_call,"
        " m.state as m_state, m.calls as m_calls, m.attempts as m_attempts, m.first_at as m_first, m.last_at as m_last,"
        " m.new_client as m_new, m.claimed_by as m_by, m.claimed_until as m_until"
        " from unnest($1::bigint[]) with ordinality as w(id, place) join task t on t.id = w.id"
        " left join contact o on o.id = t.contact_id left join contact c on c.id = case when o.merged_into is null"
        "  then o.id else present_card(o.id) end"
        f" left join lateral (select {visible_contacts('$2')} as seen) v on true"
        " left join users u on u.id = t.owner_id left join missed m on m.id = t.missed_id order by w.place",
        list(ids),
        card_reach,
    )
    return [_shown(r) for r in rows]


def _shown(row: Mapping[str, object]) -> Shown:
    task = task_of(row)
    waiting = None
    if task.missed_id is not None:
        waiting = Waiting(
            id=task.missed_id,
            state=row["m_state"],  # type: ignore[arg-type]
            calls=row["m_calls"],  # type: ignore[arg-type]
            attempts=row["m_attempts"],  # type: ignore[arg-type]
            first_at=row["m_first"],  # type: ignore[arg-type]
            last_at=row["m_last"],  # type: ignore[arg-type]
            new_client=row["m_new"],  # type: ignore[arg-type]
            claimed_by=row["m_by"],  # type: ignore[arg-type]
            claimed_until=row["m_until"],  # type: ignore[arg-type]
        )
    values = {n: row[n] for n in ("city", "stage", "heat", "card_priority", "owner_name", "owner_zone")}
    return Shown(
        task=task,
        contact_id=row["card"],  # type: ignore[arg-type]
        contact_name=row["name"],  # type: ignore[arg-type]
        zone=row["timezone"],  # type: ignore[arg-type]
        number=row["to_call"],  # type: ignore[arg-type]
        waiting=waiting,
        **values,  # type: ignore[arg-type]
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class HourLoad:
    """How much somebody has planned within one hour."""

    since: datetime
    tasks: int


async def load_of(
    source: Source, user: int, since: datetime, until: datetime, *, but: int = 0, but_scheduled: int = 0
) -> list[HourLoad]:
    """Open calls, call backs, meetings and scheduled calls of a person by hour, counted from a moment on.

    Args:
        source: where to read.
        user: whose.
        since: the beginning of the first hour.
        until: not including.
        but: a task that is left out.
        but_scheduled: a scheduled call that is left out.
    """
    rows = await source.fetch(
        "select date_bin('1 hour', due_at, $2) as since, count(*) as tasks from (select due_at from task"
        "  where owner_id = $1 and state in ('new', 'in_progress') and kind in ('call', 'call_back', 'meeting')"
        "  and due_at >= $2 and due_at < $3 and id <> $4 union all select at from scheduled_call"
        "  where user_id = $1 and state in ('planned', 'calling') and at >= $2 and at < $3 and id <> $5) t"
        " group by 1 order by 1",
        user,
        since,
        until,
        but,
        but_scheduled,
    )
    return [HourLoad(since=r["since"], tasks=r["tasks"]) for r in rows]
