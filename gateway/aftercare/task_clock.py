"""What time does to tasks: reminders, overdue and frozen ones, recurring tasks and birthdays, each told or made once.

Each work selects what is due at its moment by an index, writes that it was told, and gives the facts; so a second look
finds nothing, and after downtime everything is told once.
"""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from gateway.domain.recurrence import Made
from gateway.domain.tasks import NewTask, Origin, TaskKind
from gateway.store import task_clock as store
from gateway.store.database import Connection
from gateway.store.facts import Fact, NewFact
from gateway.store.task_series import Series, due_series, end_series, read_series, series_made, task_of_series
from gateway.store.tasks import active_users, enter_tasks, read_rule, task_fact
from gateway.store.working_time import office_hours

_AT_ONCE = 500
_ENDED = ("task.done", "task.failed")


async def remind(connection: Connection, now: datetime) -> list[NewFact]:
    """Remind managers and heads of what comes near (a duty's work)."""
    told = []
    for due in await store.take_reminders(connection, now, _AT_ONCE):
        to = "head" if due.to_head else "owner"
        fact = await task_fact(connection, "task.reminded", due.task, heads=due.to_head, minutes=due.minutes, to=to)
        told.append(fact)
    return told


async def tell_overdue(connection: Connection, now: datetime) -> list[NewFact]:
    """Tell owners and heads, once, of tasks whose time has passed (a duty's work)."""
    tasks = await store.take_overdue(connection, now, _AT_ONCE)
    return [await task_fact(connection, "task.overdue", task, heads=True) for task in tasks]


class TaskClock:
    """The works that need the company's zone."""

    def __init__(self, zone: ZoneInfo) -> None:
        """Args:
        zone: the company's.
        """
        self._zone = zone

    async def tell_frozen(self, connection: Connection, now: datetime) -> list[NewFact]:
        """Tell owners and heads, once, of tasks begun and not touched for so many working hours (a duty's work)."""
        length = timedelta(hours=(await read_rule(connection)).frozen_hours)
        candidates = await store.untouched(connection, now - length, _AT_ONCE)
        if not candidates:
            return []
        hours = (await office_hours(connection, self._zone)).company
        frozen = [task for task in candidates if hours.between(task.changed_at, now) >= length]
        await store.note_frozen(connection, [task.id for task in frozen], now)
        return [await task_fact(connection, "task.frozen", task, heads=True) for task in frozen]

    async def go_on(self, connection: Connection, now: datetime) -> list[NewFact]:
        """Make the next task of each series whose last one's time has come (a duty's work)."""
        told: list[NewFact] = []
        for series in await due_series(connection, now, _AT_ONCE):
            told += await next_of(connection, series, now)
        return told

    async def birthdays(self, connection: Connection, now: datetime) -> list[NewFact]:
        """Make a task for each client whose birthday comes near (a duty's work)."""
        ahead = (await read_rule(connection)).birthday_days
        if ahead is None:
            return []
        today = now.astimezone(self._zone).date()
        days = [today + timedelta(days=n) for n in range(ahead + 1)]
        hours = (await office_hours(connection, self._zone)).company
        told: list[NewFact] = []
        for card in await store.take_birthdays(connection, days, _AT_ONCE):
            midnight = datetime.combine(card.day, time(), self._zone)
            task = NewTask(
                kind=TaskKind.CALL,
                origin=Origin.BIRTHDAY,
                made_by="birthday",
                owner_id=card.owner_id,
                contact_id=card.contact_id,
                due_at=hours.after(midnight, timedelta(0)),
                occurrence=card.day,
            )
            (made,), facts = await enter_tasks(connection, [task], now)
            await store.note_birthday(connection, card, made.id)
            told += facts
        return told


async def follow_series(connection: Connection, facts: Sequence[Fact], now: datetime) -> list[NewFact]:
    """Make the next task of a series when its last one has ended (a follower's handler)."""
    told: list[NewFact] = []
    for fact in facts:
        id_ = fact.body.get("series_id")
        if fact.kind not in _ENDED or not isinstance(id_, int):
            continue
        series = await read_series(connection, id_, lock=True)
        last = fact.body.get("occurrence") == (str(series.occurrence) if series else None)
        if series is not None and last and series.rule.made is Made.DONE and series.ended_at is None:
            told += await next_of(connection, series, now)
    return told


async def next_of(connection: Connection, series: Series, now: datetime) -> list[NewFact]:
    """Make a series' next task, or end the series where there is none.

    Args:
        connection: within a transaction that has locked the series.
        series: as it is.
        now: the present moment, UTC; what should have been done before it is left out.
    """
    day = series.rule.next_day(now, series.occurrence)
    if day is None:
        await end_series(connection, series.id, now)
        return []
    at = series.rule.moment(day)
    active = await active_users(connection)
    (_,), facts = await enter_tasks(connection, [task_of_series(series, day, at, active)], now)
    await series_made(connection, series.id, day, next_at=at if series.rule.made is Made.DUE else None)
    return facts
