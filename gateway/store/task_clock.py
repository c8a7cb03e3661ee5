"""What the clock finds among the tasks: each is taken once, by the row that says it was told."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from gateway.domain.recurrence import in_month
from gateway.domain.tasks import Task
from gateway.store.database import Connection
from gateway.store.tasks import TASK, task_of


@dataclass(frozen=True, slots=True, kw_only=True)
class DueReminder:
    """A reminder whose moment has come."""

    task: Task
    to_head: bool
    minutes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Birthday:
    """A client's birthday that comes near."""

    contact_id: int
    owner_id: int | None
    day: date


async def take_reminders(connection: Connection, now: datetime, limit: int) -> list[DueReminder]:
    """Reminders that are due, of tasks that are open; after downtime, only the nearest of several of one task."""
    rows = await connection.fetch(
        "with due as (select r.task_id, r.to_head, r.minutes from task_reminder r"
        "  where r.told_at is null and r.at <= $1 order by r.at limit $2 for update skip locked),"
        " told as (update task_reminder r set told_at = $1 from due d"
        "  where r.task_id = d.task_id and r.to_head = d.to_head and r.minutes = d.minutes)"
        f" select distinct on (d.task_id, d.to_head) d.to_head, d.minutes, {TASK} from due d join task t"
        " on t.id = d.task_id where t.state in ('new', 'in_progress') order by d.task_id, d.to_head, d.minutes",
        now,
        limit,
    )
    return [DueReminder(task=task_of(r), to_head=r["to_head"], minutes=r["minutes"]) for r in rows]


async def take_overdue(connection: Connection, now: datetime, limit: int) -> list[Task]:
    """Open tasks whose time has passed and of which nobody was told yet."""
    rows = await connection.fetch(
        "with late as (select id from task where state in ('new', 'in_progress') and overdue_told_at is null"
        "  and due_at < $1 order by due_at limit $2 for update skip locked)"
        f" update task t set overdue_told_at = $1 from late where t.id = late.id returning {TASK}",
        now,
        limit,
    )
    return sorted((task_of(r) for r in rows), key=lambda t: t.id)


async def untouched(connection: Connection, since: datetime, limit: int) -> list[Task]:
    """Tasks in progress that were not changed since a moment, and of which nobody was told yet."""
    rows = await connection.fetch(
        f"select {TASK} from task t where t.state = 'in_progress' and t.frozen_told_at is null and t.changed_at <= $1"
        " order by t.changed_at limit $2 for update skip locked",
        since,
        limit,
    )
    return [task_of(r) for r in rows]


async def note_frozen(connection: Connection, ids: Sequence[int], now: datetime) -> None:
    """Write down that these were told of."""
    await connection.execute("update task set frozen_told_at = $2 where id = any($1::bigint[])", list(ids), now)


async def take_birthdays(connection: Connection, days: Sequence[date], limit: int) -> list[Birthday]:
    """Clients who have their birthday on one of the days, and for whom no task was made yet.

    Who was born on 29 February has his birthday on the 28th where the year has none.
    """
    born = [(d.month, d.day, d) for d in days]
    born += [(2, 29, d) for d in days if (d.month, d.day) == (2, 28) and in_month(d.year, 2, 29) == d]
    rows = await connection.fetch(
        "select c.id, u.id as owner_id, d.day from unnest($1::int[], $2::int[], $3::date[]) as d(m, n, day)"
        " join contact c on extract(month from c.birthday) = d.m and extract(day from c.birthday) = d.n"
        " left join users u on u.id = c.owner_id and u.active"
        " where c.merged_into is null and not exists (select from birthday_told b where b.contact_id = c.id"
        "  and b.year = extract(year from d.day)) order by d.day, c.id limit $4",
        [m for m, _, _ in born],
        [n for _, n, _ in born],
        [d for _, _, d in born],
        limit,
    )
    return [Birthday(contact_id=r["id"], owner_id=r["owner_id"], day=r["day"]) for r in rows]


async def note_birthday(connection: Connection, birthday: Birthday, task_id: int) -> None:
    """The task for this year's birthday is made."""
    await connection.execute(
        "insert into birthday_told (contact_id, year, task_id) values ($1, $2, $3) on conflict do nothing",
        birthday.contact_id,
        birthday.day.year,
        task_id,
    )
