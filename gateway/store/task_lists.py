"""Lists of tasks, their histories, and tasks given to many at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from gateway.store.database import Connection, Pool

Source = Pool | Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFilter:
    """Which tasks a list shows; None: any."""

    only_user: int | None = None
    """Those he may see: his own, those he made, those that he may take."""
    owner: int | None = None
    owners: tuple[int, ...] | None = None
    """Those of any of these: a team."""
    is_free: bool | None = None
    """Those that are nobody's yet."""
    states: tuple[str, ...] | None = None
    open_only: bool | None = None
    kinds: tuple[str, ...] | None = None
    origin: str | None = None
    contact: int | None = None
    call: UUID | None = None
    group: int | None = None
    series: int | None = None
    ended_since: datetime | None = None
    since: datetime | None = None
    until: datetime | None = None
    overdue_at: datetime | None = None
    """Open, and its time passed before this moment."""


_CONDITIONS = {
    "owner": "t.owner_id = {0}",
    "owners": "t.owner_id = any({0}::bigint[])",
    "is_free": "t.owner_id is null and {0}",
    "states": "t.state = any({0}::text[])",
    "open_only": "t.state in ('new', 'in_progress') and {0}",
    "kinds": "t.kind = any({0}::text[])",
    "origin": "t.origin = {0}",
    "contact": "(t.contact_id in (select c.id from contact c where c.id = {0} or c.merged_into = {0})"
    " or t.contacts @> array[{0}::bigint])",
    "call": "t.call_id = {0}",
    "group": "t.group_id = {0}",
    "series": "t.series_id = {0}",
    "ended_since": "t.ended_at >= {0}",
    "since": "t.due_at >= {0}",
    "until": "t.due_at < {0}",
    "overdue_at": "t.due_at < {0} and t.state in ('new', 'in_progress')",
}
_SEEN_BY = (
    "t.owner_id = {0}",
    "(t.owner_id is null or t.made_by <> 'user:' || t.owner_id::text) and t.made_by = 'user:' || {0}::text",
    "t.owner_id is null and (t.members = '{{}}' or {0} = any(t.members))",
)
"""What somebody may see of the tasks: his own, those he made for others, those he may take. Each has its index."""


async def list_tasks(
    source: Source, wanted: TaskFilter, *, after: tuple[datetime | None, int] | None, limit: int
) -> list[int]:
    """Ids of tasks by their time, those without one last, then by id.

    Each way of seeing a task, and what lies behind the last one seen, is a list of its own that an index gives in
    order; so whoever has few tasks among millions is not searched through all of them.

    Args:
        source: where to read.
        wanted: which.
        after: time and id of the last one seen; None: from the beginning.
        limit: how many at most.
    """
    values: list[object] = []
    conditions = ["true"]
    for name, condition in _CONDITIONS.items():
        value = getattr(wanted, name)
        if value is not None:
            values.append(value)
            conditions.append(condition.format(f"${len(values)}"))
    pieces = _behind(after, values)
    ways: Sequence[str] = ("true",)
    if wanted.only_user is not None:
        values.append(wanted.only_user)
        ways = [way.format(f"${len(values)}::bigint") for way in _SEEN_BY]
    lists = " union all ".join(
        f"(select t.due_at, t.id from task t where {' and '.join((*conditions, way, behind))}"
        f" order by t.due_at nulls last, t.id limit {limit:d})"
        for way in ways
        for behind in pieces
    )
    rows = await source.fetch(
        f"select id from (select distinct due_at, id from ({lists}) l) t"
        f" order by due_at nulls last, id limit {limit:d}",
        *values,
    )
    return [r["id"] for r in rows]


COUNT_MAX = 10_000


async def count_tasks(source: Source, wanted: TaskFilter) -> int:
    """How many tasks there are, up to `COUNT_MAX` and one more."""
    values: list[object] = []
    conditions = ["true"]
    for name, condition in _CONDITIONS.items():
        value = getattr(wanted, name)
        if value is not None:
            values.append(value)
            conditions.append(condition.format(f"${len(values)}"))
    if wanted.only_user is not None:
        values.append(wanted.only_user)
        ways = (f"({way.format(f'${len(values)}::bigint')})" for way in _SEEN_BY)
        conditions.append(f"({' or '.join(ways)})")
    count: int = await source.fetchval(
        f"select count(*) from (select from task t where {' and '.join(conditions)} limit {COUNT_MAX + 1}) t", *values
    )
    return count


def _behind(after: tuple[datetime | None, int] | None, values: list[object]) -> tuple[str, ...]:
    """What lies behind the last task seen, in pieces that an index can begin at; the values are added."""
    match after:
        case None:
            return ("true",)
        case None, id_:
            values.append(id_)
            return (f"t.due_at is null and t.id > ${len(values)}",)
        case at, id_:
            values += [at, id_]
            return (f"(t.due_at, t.id) > (${len(values) - 1}, ${len(values)})", "t.due_at is null")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of a task."""

    at: datetime
    by: str
    what: Mapping[str, Sequence[object]]
    """Old and new value by name."""


async def history_of(source: Source, id: int, limit: int) -> list[Change]:
    """A task's changes, the last ones, oldest first."""
    rows = await source.fetch(
        "select at, by, what from (select id, at, by, what from task_change where task_id = $1"
        " order by id desc limit $2) h order by id",
        id,
        limit,
    )
    return [Change(at=r["at"], by=r["by"], what=r["what"]) for r in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptReminder:
    """A reminder as it is kept."""

    minutes: int
    to_head: bool
    at: datetime
    told_at: datetime | None


async def reminders_kept(source: Source, id: int) -> list[KeptReminder]:
    """A task's reminders, the earliest first."""
    rows = await source.fetch(
        "select minutes, to_head, at, told_at from task_reminder where task_id = $1 order by at, to_head", id
    )
    return [KeptReminder(**r) for r in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskGroup:
    """Tasks that were given to many at once."""

    id: int
    title: str
    kind: str
    made_by: str
    made_at: datetime
    total: int
    states: Mapping[str, int]
    """How many are how far."""
    overdue: int
    by_owner: Sequence[tuple[int | None, int, int, int]]
    """Owner, his tasks, how many of them are done, how many failed."""


async def add_group(connection: Connection, *, title: str, kind: str, made_by: str, now: datetime, total: int) -> int:
    """Begin a group; its tasks name it. Gives its id."""
    id_: int = await connection.fetchval(
        "insert into task_group (title, kind, made_by, made_at, total) values ($1, $2, $3, $4, $5) returning id",
        title,
        kind,
        made_by,
        now,
        total,
    )
    return id_


async def read_group(source: Source, id: int, now: datetime) -> TaskGroup | None:
    """A group and how far its tasks are; None: there is none with this id."""
    row = await source.fetchrow("select id, title, kind, made_by, made_at, total from task_group where id = $1", id)
    if row is None:
        return None
    counts = await source.fetch(
        "select owner_id, state, count(*) as n, count(*) filter (where due_at < $2) as late from task"
        " where group_id = $1 group by owner_id, state order by owner_id nulls last, state",
        id,
        now,
    )
    states: dict[str, int] = {}
    owners: dict[int | None, list[int]] = {}
    for r in counts:
        states[r["state"]] = states.get(r["state"], 0) + r["n"]
        owner = owners.setdefault(r["owner_id"], [0, 0, 0])
        owner[0] += r["n"]
        owner[1] += r["n"] if r["state"] == "done" else 0
        owner[2] += r["n"] if r["state"] == "failed" else 0
    return TaskGroup(
        **dict(row),
        states=states,
        overdue=sum(r["late"] for r in counts if r["state"] in ("new", "in_progress")),
        by_owner=[(owner, all_, done, failed) for owner, (all_, done, failed) in owners.items()],
    )


async def list_groups(source: Source, *, before: int | None, limit: int) -> list[int]:
    """Ids of groups, the newest first."""
    rows = await source.fetch(
        "select id from task_group where ($1::bigint is null or id < $1) order by id desc limit $2", before, limit
    )
    return [r["id"] for r in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A card to which a task of a group is given."""

    contact_id: int
    owner_id: int | None


async def people_for_group(
    source: Source, *, users: Sequence[int], teams: Sequence[int], roles: Sequence[str], day: datetime
) -> list[int]:
    """Active people who are named, belong to a team, or have a role."""
    rows = await source.fetch(
        "select u.id from users u where u.active and (u.id = any($1::bigint[]) or u.role = any($3::text[])"
        " or exists (select from team_member m join team g on g.id = m.team_id where m.user_id = u.id"
        "  and g.archived_at is null and m.team_id = any($2::bigint[]) and $4::date between m.since and m.until))"
        " order by u.id",
        list(users),
        list(teams),
        list(roles),
        day.date(),
    )
    return [r["id"] for r in rows]


async def cards_for_group(
    source: Source,
    *,
    contacts: Sequence[int],
    owners: Sequence[int],
    stages: Sequence[str],
    heat: Sequence[str],
    city: str | None,
    line_of_business: str | None,
    priority_min: int | None,
    limit: int,
) -> list[Given]:
    """Cards that are named, and those that fit every condition that was given.

    Returns:
        At most `limit`, the most important first.
    """
    filtered = bool(owners or stages or heat or city or line_of_business or priority_min is not None)
    rows = await source.fetch(
        "select c.id, c.owner_id from contact c where c.merged_into is null and (c.id = any($1::bigint[])"
        " or ($2 and ($3::bigint[] = '{}' or c.owner_id = any($3)) and ($4::text[] = '{}' or c.stage = any($4))"
        "  and ($5::text[] = '{}' or c.heat = any($5)) and ($6::text is null or lower(c.city) = lower($6))"
        "  and ($7::text is null or lower(c.line_of_business) = lower($7))"
        "  and ($8::int is null or c.priority >= $8))) order by c.priority desc, c.id limit $9",
        list(contacts),
        filtered,
        list(owners),
        list(stages),
        list(heat),
        city,
        line_of_business,
        priority_min,
        limit,
    )
    return [Given(contact_id=r["id"], owner_id=r["owner_id"]) for r in rows]
