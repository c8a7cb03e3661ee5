"""Tasks: made, changed with their history, found; every change leaves a row that says who changed what.

`make_task` is the one way in, for every part of the gateway: it writes the task, its reminders and the fact
`task.created` in the caller's transaction.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from gateway.domain.call_view import moment
from gateway.domain.tasks import (
    NewTask,
    Origin,
    Task,
    TaskKind,
    TaskRule,
    TaskState,
    Template,
    changed,
    differences,
    reminders_of,
    told_as,
)
from gateway.store.database import Connection, Pool
from gateway.store.facts import NewFact, save_facts

Source = Pool | Connection

TASK = """t.id, t.kind, t.origin, t.state, t.title, t.note, t.script, t.templates, t.owner_id, t.members,
 t.contact_id, t.contacts, t.number, t.call_id, t.missed_id, t.group_id, t.series_id, t.occurrence, t.priority,
 t.due_at, t.zone, t.result, t.made_by, t.created_at, t.changed_at, t.started_at, t.ended_at, t.overdue_told_at,
 t.frozen_told_at, t.escalated_at, t.version"""
"""The columns that `task_of` reads, of a table called t."""


def task_of(row: Mapping[str, object]) -> Task:
    """A row as the domain knows it."""
    values = {name: row[name] for name in Task.__slots__}
    templates: Sequence[Mapping[str, str]] = row["templates"]  # type: ignore[assignment]
    members: Sequence[int] = row["members"]  # type: ignore[assignment]
    contacts: Sequence[int] = row["contacts"]  # type: ignore[assignment]
    values |= {
        "kind": TaskKind(str(row["kind"])),
        "origin": Origin(str(row["origin"])),
        "state": TaskState(str(row["state"])),
        "templates": tuple(Template(name=t["name"], text=t["text"]) for t in templates),
        "members": tuple(members),
        "contacts": tuple(contacts),
    }
    return Task(**values)  # type: ignore[arg-type]


async def make_task(connection: Connection, new: NewTask, now: datetime) -> int:
    """Make a task with its reminders and its fact, in the caller's transaction.

    Args:
        connection: within a transaction.
        new: what is to be done.
        now: the present moment, UTC.

    Returns:
        The task's id.
    """
    (task,), facts = await enter_tasks(connection, [new], now)
    await save_facts(connection, facts)
    return task.id


async def enter_tasks(
    connection: Connection, new: Sequence[NewTask], now: datetime
) -> tuple[list[Task], list[NewFact]]:
    """Make tasks with their reminders; the facts are given back, for a follower, a duty or a route to save and tell.

    Args:
        connection: within a transaction.
        new: what is to be done.
        now: the present moment, UTC.

    Returns:
        The tasks in the same order, and a fact `task.created` for each.
    """
    rows = await connection.fetch(
        "with made as (insert into task (kind, origin, title, note, script, templates, owner_id, members, contact_id,"
        "  contacts, number, call_id, missed_id, group_id, series_id, occurrence, priority, due_at, zone, made_by,"
        "  created_at, changed_at)"
        " select kind, origin, title, note, script, templates, owner_id, members, contact_id, contacts, number,"
        "  call_id, missed_id, group_id, series_id, occurrence, priority, due_at, zone, made_by, $2, $2"
        " from json_array_elements($1::json) with ordinality as e(r, place)"
        " cross join lateral json_populate_record(null::task, e.r) order by e.place returning *)"
        f" select {TASK} from made t order by t.id",
        [_row(task) for task in new],
        now,
    )
    tasks = [task_of(r) for r in rows]
    rule = await read_rule(connection)
    for asked, task in zip(new, tasks, strict=True):
        await _remind(
            connection,
            task,
            rule.remind_minutes if asked.remind_minutes is None else asked.remind_minutes,
            rule.remind_head_minutes if asked.remind_head_minutes is None else asked.remind_head_minutes,
            now,
        )
    return tasks, [await task_fact(connection, "task.created", task) for task in tasks]


def _row(new: NewTask) -> dict[str, object]:
    return {
        "kind": new.kind,
        "origin": new.origin,
        "title": new.title,
        "note": new.note,
        "script": new.script,
        "templates": [{"name": t.name, "text": t.text} for t in new.templates],
        "owner_id": new.owner_id,
        "members": list(new.members),
        "contact_id": new.contact_id,
        "contacts": list(new.contacts),
        "number": new.number,
        "call_id": str(new.call_id) if new.call_id else None,
        "missed_id": new.missed_id,
        "group_id": new.group_id,
        "series_id": new.series_id,
        "occurrence": new.occurrence.isoformat() if new.occurrence else None,
        "priority": new.priority,
        "due_at": moment(new.due_at),
        "zone": new.zone,
        "made_by": new.made_by,
    }


async def _remind(
    connection: Connection, task: Task, minutes: Sequence[int], head_minutes: Sequence[int], now: datetime
) -> None:
    """Write down when to remind; what was written before goes."""
    await connection.execute("delete from task_reminder where task_id = $1", task.id)
    await connection.executemany(
        "insert into task_reminder (task_id, to_head, minutes, at) values ($1, $2, $3, $4)",
        [(task.id, r.to_head, r.minutes, r.at) for r in reminders_of(task.due_at, minutes, head_minutes, now)],
    )


async def read_task(source: Source, id: int, *, lock: bool = False) -> Task | None:
    """One task; None: there is none with this id.

    Args:
        source: where to read; within a transaction, to lock.
        id: which one.
        lock: whether others who want to change it wait until the transaction ends.
    """
    row = await source.fetchrow(f"select {TASK} from task t where t.id = $1{' for update' if lock else ''}", id)
    return task_of(row) if row else None


async def change_task(
    connection: Connection, task: Task, changes: Mapping[str, object], *, by: str, now: datetime
) -> tuple[Task, list[NewFact]]:
    """Change a task with its history and its reminders.

    Args:
        connection: within a transaction that has locked the task.
        task: as it is.
        changes: new values by the names in `gateway.domain.tasks.CHANGEABLE`.
        by: who changes it, like `user:17`.
        now: the present moment, UTC.

    Returns:
        The task as it is now, and the fact that tells of it: to the owner, and to whoever was the owner. Nothing is
        written or told where nothing differs.

    Raises:
        MoveError: it cannot go into that state from its own.
    """
    new = changed(task, changes, now)
    if new is task:
        return task, []
    await _write(connection, new)
    await connection.execute(
        "insert into task_change (task_id, at, by, what) values ($1, $2, $3, $4)",
        task.id,
        now,
        by,
        differences(task, new),
    )
    if new.due_at != task.due_at:
        await _move_reminders(connection, new, now)
    return new, [await task_fact(connection, told_as(task, new), new, also=_holders(task), by=by)]


def _holders(task: Task) -> tuple[int, ...]:
    return (task.owner_id,) if task.owner_id else task.members


async def _write(connection: Connection, task: Task) -> None:
    await connection.execute(
        "update task set kind = $2, state = $3, title = $4, note = $5, script = $6, templates = $7, owner_id = $8,"
        " members = $9, contact_id = $10, contacts = $11, number = $12, call_id = $13, priority = $14, due_at = $15,"
        " zone = $16, result = $17, changed_at = $18, started_at = $19, ended_at = $20, overdue_told_at = $21,"
        " frozen_told_at = $22, version = $23 where id = $1",
        task.id,
        task.kind,
        task.state,
        task.title,
        task.note,
        task.script,
        [{"name": t.name, "text": t.text} for t in task.templates],
        task.owner_id,
        task.members,
        task.contact_id,
        task.contacts,
        task.number,
        task.call_id,
        task.priority,
        task.due_at,
        task.zone,
        task.result,
        task.changed_at,
        task.started_at,
        task.ended_at,
        task.overdue_told_at,
        task.frozen_told_at,
        task.version,
    )


async def _move_reminders(connection: Connection, task: Task, now: datetime) -> None:
    """Remind at the same distances from the new time; of a task that had no time, as the rule says."""
    rows = await connection.fetch("select to_head, minutes from task_reminder where task_id = $1", task.id)
    rule = await read_rule(connection)
    await _remind(
        connection,
        task,
        [r["minutes"] for r in rows if not r["to_head"]] if rows else rule.remind_minutes,
        [r["minutes"] for r in rows if r["to_head"]] if rows else rule.remind_head_minutes,
        now,
    )


async def note_escalated(connection: Connection, id: int, now: datetime) -> None:
    """Mark a task of which the heads were told because it was not done in time."""
    await connection.execute("update task set escalated_at = $2 where id = $1", id, now)


async def remind_at(
    connection: Connection, task: Task, minutes: Sequence[int], head_minutes: Sequence[int], now: datetime
) -> None:
    """Remind of a task at these minutes before its time, and at no others; of those that have passed, not any more."""
    await _remind(connection, task, minutes, head_minutes, now)


async def read_rule(source: Source) -> TaskRule:
    """What holds for every task of the site."""
    row = await source.fetchrow(
        "select frozen_hours, remind_minutes, remind_head_minutes, hour_max, birthday_days, lease_minutes, version"
        " from task_rule"
    )
    values = dict(row)
    return TaskRule(
        **{**values, "remind_minutes": tuple(values["remind_minutes"])}
        | {"remind_head_minutes": tuple(values["remind_head_minutes"])}
    )


async def save_rule(source: Source, rule: TaskRule) -> TaskRule | None:
    """Set what holds for every task; None: it has been changed since its version was read."""
    found = await source.fetchval(
        "update task_rule set frozen_hours = $1, remind_minutes = $2, remind_head_minutes = $3, hour_max = $4,"
        " birthday_days = $5, lease_minutes = $6, version = version + 1 where version = $7 returning true",
        rule.frozen_hours,
        rule.remind_minutes,
        rule.remind_head_minutes,
        rule.hour_max,
        rule.birthday_days,
        rule.lease_minutes,
        rule.version,
    )
    return await read_rule(source) if found else None


async def known_cards(source: Source, ids: Sequence[int]) -> set[int]:
    """Those of some ids that are cards."""
    return {r["id"] for r in await source.fetch("select id from contact where id = any($1::bigint[])", list(ids))}


def task_view(task: Task) -> dict[str, object]:
    """A task as facts and webhooks tell it: what it is about by ids, its texts left to the API."""
    return {
        "id": task.id,
        "kind": task.kind,
        "origin": task.origin,
        "state": task.state,
        "title": task.title,
        "owner_id": task.owner_id,
        "members": list(task.members),
        "contact_id": task.contact_id,
        "call_id": str(task.call_id) if task.call_id else None,
        "missed_id": task.missed_id,
        "group_id": task.group_id,
        "series_id": task.series_id,
        "occurrence": task.occurrence.isoformat() if task.occurrence else None,
        "priority": task.priority,
        "due_at": moment(task.due_at),
        "made_by": task.made_by,
        "version": task.version,
    }


async def task_fact(
    source: Source, kind: str, task: Task, *, heads: bool = False, also: Sequence[int] = (), **more: object
) -> NewFact:
    """A fact about a task, for its owner, or for all who may take it.

    Args:
        source: where to look up people.
        kind: like `task.created`.
        task: as it is now.
        heads: whether it concerns the heads too.
        also: further users whom it concerns.
        more: what the body says beside the task.
    """
    users = [task.owner_id] if task.owner_id else list(task.members) or await active_users(source)
    users += also
    if heads:
        users += await heads_of(source, task.owner_id)
    return NewFact(
        kind=kind,
        body=task_view(task) | more,
        call_id=task.call_id,
        contact_id=task.contact_id,
        users=tuple(dict.fromkeys(users)),
    )


async def active_users(source: Source) -> list[int]:
    """Everybody who works here now."""
    return [r["id"] for r in await source.fetch("select id from users where active order by id")]


async def heads_of(source: Source, owner: int | None = None, at: datetime | None = None) -> list[int]:
    """The heads of a person: of his teams; where he is in none, the supervisors, or else the administrators.

    Args:
        source: where to look.
        owner: whose heads; None: of everybody.
        at: on which day he belongs to a team; None: now.
    """
    rows = await source.fetch(
        "select distinct g.head_id from team g join team_member m on m.team_id = g.id join users u on u.id = g.head_id"
        " where m.user_id = $1 and g.archived_at is null and u.active and g.head_id <> $1"
        " and coalesce($2::timestamptz, now())::date between m.since and m.until order by g.head_id",
        owner,
        at,
    )
    if rows:
        return [r["head_id"] for r in rows]
    rows = await source.fetch("select id, role from users where active and role <> 'manager' order by id")
    supervisors = [r["id"] for r in rows if r["role"] == "supervisor"]
    return supervisors or [r["id"] for r in rows]
