"""Recurring tasks: the rule, the task that is made each time, and how far the series has come."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from gateway.domain.recurrence import Made, Recurrence, Unit
from gateway.domain.staff import zone_of
from gateway.domain.tasks import NewTask, Origin, TaskKind, Template
from gateway.store.database import Connection, Pool

Source = Pool | Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A recurring task."""

    id: int
    rule: Recurrence
    task: NewTask
    """What is made each time, without its time."""
    occurrence: date | None
    """The last day a task was made for."""
    made: int
    """How many tasks were made."""
    made_by: str
    made_at: datetime
    ended_at: datetime | None
    version: int


_COLUMNS = "id, rule, task, owner_id, contact_id, occurrence, made, made_by, made_at, ended_at, version"


def _series(row: Mapping[str, object]) -> Series:
    rule: Mapping[str, object] = row["rule"]  # type: ignore[assignment]
    task: Mapping[str, object] = row["task"]  # type: ignore[assignment]
    values = {n: row[n] for n in ("id", "occurrence", "made", "made_by", "made_at", "ended_at", "version")}
    new = _task(task, str(row["made_by"]))
    new = replace(new, owner_id=row["owner_id"], contact_id=row["contact_id"])  # type: ignore[arg-type]
    return Series(rule=_rule(rule), task=new, **values)  # type: ignore[arg-type]


def _rule(kept: Mapping[str, object]) -> Recurrence:
    weekdays: Sequence[int] = kept["weekdays"]  # type: ignore[assignment]
    return Recurrence(
        every=int(str(kept["every"])),
        unit=Unit(str(kept["unit"])),
        begins=date.fromisoformat(str(kept["begins"])),
        at=time.fromisoformat(str(kept["at"])),
        zone=zone_of(str(kept["zone"]), ZoneInfo("UTC")),
        weekdays=frozenset(weekdays),
        until=date.fromisoformat(str(kept["until"])) if kept["until"] else None,
        made=Made(str(kept["made"])),
    )


def _kept_rule(rule: Recurrence) -> dict[str, object]:
    return {
        "every": rule.every,
        "unit": rule.unit,
        "begins": rule.begins.isoformat(),
        "at": rule.at.isoformat(),
        "zone": rule.zone.key,
        "weekdays": sorted(rule.weekdays),
        "until": rule.until.isoformat() if rule.until else None,
        "made": rule.made,
    }


_PLAIN = ("title", "note", "script", "number", "priority")
_LISTS = ("members", "contacts", "remind_minutes", "remind_head_minutes")


def _task(kept: Mapping[str, object], made_by: str) -> NewTask:
    templates: Sequence[Mapping[str, str]] = kept["templates"]  # type: ignore[assignment]
    lists: Mapping[str, Sequence[int] | None] = {n: kept[n] for n in _LISTS}  # type: ignore[misc]
    return NewTask(
        kind=TaskKind(str(kept["kind"])),
        origin=Origin.SERIES,
        made_by=made_by,
        templates=tuple(Template(name=t["name"], text=t["text"]) for t in templates),
        **{n: kept[n] for n in _PLAIN},  # type: ignore[arg-type]
        **{n: None if ids is None else tuple(ids) for n, ids in lists.items()},  # type: ignore[arg-type]
    )


def _kept_task(task: NewTask) -> dict[str, object]:
    return {
        "kind": task.kind,
        "templates": [{"name": t.name, "text": t.text} for t in task.templates],
        **{n: getattr(task, n) for n in _PLAIN},
        **{n: None if getattr(task, n) is None else list(getattr(task, n)) for n in _LISTS},
    }


def task_of_series(series: Series, day: date, at: datetime, active: Collection[int]) -> NewTask:
    """The task of one day; whoever has left the company is not given it."""
    owner = series.task.owner_id if series.task.owner_id in active else None
    members = tuple(m for m in series.task.members if m in active)
    return replace(
        series.task,
        owner_id=owner,
        members=members,
        series_id=series.id,
        occurrence=day,
        due_at=at,
        zone=series.rule.zone.key,
    )


async def add_series(connection: Connection, rule: Recurrence, task: NewTask, now: datetime) -> Series:
    """Begin a series; its first task is not made yet."""
    row = await connection.fetchrow(
        "insert into task_series (rule, task, owner_id, contact_id, made_by, made_at)"
        f" values ($1, $2, $3, $4, $5, $6) returning {_COLUMNS}",
        _kept_rule(rule),
        _kept_task(task),
        task.owner_id,
        task.contact_id,
        task.made_by,
        now,
    )
    return _series(row)


async def read_series(source: Source, id: int, *, lock: bool = False) -> Series | None:
    """One series; None: there is none with this id."""
    row = await source.fetchrow(f"select {_COLUMNS} from task_series where id = $1{' for update' if lock else ''}", id)
    return _series(row) if row else None


async def list_series(
    source: Source, *, owner: int | None, before: int | None, running: bool, limit: int
) -> list[Series]:
    """Series, the newest first.

    Args:
        source: where to read.
        owner: whose, those that are nobody's included; None: all.
        before: id of the last one seen; None: from the newest.
        running: only those that have not ended.
        limit: how many at most.
    """
    rows = await source.fetch(
        f"select {_COLUMNS} from task_series where ($1::bigint is null or owner_id = $1 or owner_id is null)"
        " and ($2::bigint is null or id < $2) and (not $3 or ended_at is null) order by id desc limit $4",
        owner,
        before,
        running,
        limit,
    )
    return [_series(r) for r in rows]


async def due_series(connection: Connection, now: datetime, limit: int) -> list[Series]:
    """Series whose last task's time has come, locked."""
    rows = await connection.fetch(
        f"select {_COLUMNS} from task_series where next_at <= $1 and ended_at is null order by next_at limit $2"
        " for update skip locked",
        now,
        limit,
    )
    return [_series(r) for r in rows]


async def series_made(connection: Connection, id: int, day: date, *, next_at: datetime | None) -> None:
    """A task was made for a day; None: the next one waits for its end."""
    await connection.execute(
        "update task_series set occurrence = $2, next_at = $3, made = made + 1 where id = $1", id, day, next_at
    )


async def end_series(connection: Connection, id: int, now: datetime) -> bool:
    """Make no more tasks; those that are there stay. False: it had ended."""
    return bool(
        await connection.fetchval(
            "update task_series set ended_at = $2, next_at = null, version = version + 1"
            " where id = $1 and ended_at is null returning true",
            id,
            now,
        )
    )
