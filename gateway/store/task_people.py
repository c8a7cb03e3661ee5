"""How many tasks everybody has, by state: the open ones now, the ended ones since a moment."""

from dataclasses import dataclass
from datetime import datetime

from gateway.store.database import Connection, Pool

Source = Pool | Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSums:
    """One person's tasks."""

    user_id: int | None
    """None: tasks that are nobody's yet."""
    name: str | None
    new: int
    in_progress: int
    overdue: int
    """Open ones whose time has passed."""
    due: int
    """Open ones whose time comes before the moment asked for, those whose time has passed among them."""
    done: int
    failed: int


async def tasks_by_person(source: Source, *, now: datetime, until: datetime, ended_since: datetime) -> list[TaskSums]:
    """The tasks of everybody who is active or has open ones, by name; what is nobody's stands last.

    Args:
        source: where to read.
        now: what is due before it and open is overdue.
        until: what is due before it counts as due.
        ended_since: tasks that ended then or later count as done or failed.
    """
    rows = await source.fetch(
        "with standing as (select t.owner_id, count(*) filter (where t.state = 'new') as new,"
        "  count(*) filter (where t.state = 'in_progress') as in_progress,"
        "  count(*) filter (where t.due_at < $1) as overdue, count(*) filter (where t.due_at < $2) as due"
        "  from task t where t.state in ('new', 'in_progress') group by t.owner_id)"
        " select u.id as user_id, u.name, coalesce(s.new, 0) as new, coalesce(s.in_progress, 0) as in_progress,"
        "  coalesce(s.overdue, 0) as overdue, coalesce(s.due, 0) as due, e.done, e.failed"
        " from users u left join standing s on s.owner_id = u.id cross join lateral ("
        "  select count(*) filter (where t.state = 'done') as done,"
        "  count(*) filter (where t.state = 'failed') as failed"
        "  from task t where t.owner_id = u.id and t.ended_at is not null and t.ended_at >= $3) e"
        " where u.active or s.owner_id is not null"
        " union all select null, null, s.new, s.in_progress, s.overdue, s.due, 0, 0 from standing s"
        "  where s.owner_id is null"
        " order by 2 nulls last, 1",
        now,
        until,
        ended_since,
    )
    return [TaskSums(**dict(row)) for row in rows]
