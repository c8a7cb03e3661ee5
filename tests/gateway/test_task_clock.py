"""What time does to tasks, on a clock that is moved: reminders, overdue and frozen ones, series, birthdays."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest_asyncio

from gateway.aftercare.task_clock import next_of
from gateway.domain.recurrence import Made, Recurrence, Unit
from gateway.domain.tasks import NewTask, Task, TaskKind, TaskState
from gateway.store.facts import save_facts
from gateway.store.task_series import add_series
from gateway.store.tasks import change_task, make_task, read_rule, read_task, save_rule
from gateway.store.working_time import save_hours
from tests.gateway.office import Office, open_office

NINE = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)  # a Friday
TEN = NINE + timedelta(hours=1)


@pytest_asyncio.fixture
async def office(database: str) -> AsyncIterator[Office]:
    """An office at nine in the morning."""
    async with open_office(database, moment=NINE) as office:
        yield office


async def task_for(office: Office, who: str = "anna", **values: object) -> int:
    """Make a task."""
    new = NewTask(kind=TaskKind.CALL, made_by="user:1", owner_id=office.site.users[who], **values)  # type: ignore[arg-type]
    async with office.pool.acquire() as connection, connection.transaction():
        return await make_task(connection, new, office.moment)


async def move(office: Office, id: int, **changes: object) -> Task:
    """Change a task as its owner does."""
    async with office.pool.acquire() as connection, connection.transaction():
        task = await read_task(connection, id, lock=True)
        assert task is not None
        new, facts = await change_task(connection, task, changes, by="user:1", now=office.moment)
        await save_facts(connection, facts)
    await office.settle()
    return new


async def told(office: Office, kind: str) -> list[tuple[int, set[str]]]:
    """Of which tasks a fact was told, and whom it concerns."""
    names = {id_: name for name, id_ in office.site.users.items()}
    rows = await office.pool.fetch("select body, users from fact where kind = $1 order by id", kind)
    return [(r["body"]["id"], {names[u] for u in r["users"]}) for r in rows]


async def test_a_manager_and_the_head_are_reminded_once_each(office: Office) -> None:
    """Requirements 14, 82 and 83."""
    id_ = await task_for(office, due_at=TEN, remind_minutes=(15, 5), remind_head_minutes=(5,))
    for minutes in (44, 45, 46, 56, 57):
        await office.at(NINE + timedelta(minutes=minutes))

    assert await told(office, "task.reminded") == [(id_, {"anna"}), (id_, {"anna"}), (id_, {"anna", "head"})]


async def test_a_moved_task_is_reminded_of_at_its_new_time(office: Office) -> None:
    """Requirement 6."""
    id_ = await task_for(office, due_at=TEN, remind_minutes=(15,))
    await move(office, id_, due_at=TEN + timedelta(hours=3))
    await office.at(TEN)
    assert await told(office, "task.reminded") == []

    await office.at(TEN + timedelta(hours=2, minutes=45))
    assert await told(office, "task.reminded") == [(id_, {"anna"})]


async def test_nobody_is_reminded_of_what_is_done(office: Office) -> None:
    id_ = await task_for(office, due_at=TEN, remind_minutes=(15,))
    await move(office, id_, state=TaskState.DONE)
    await office.at(TEN)

    assert await told(office, "task.reminded") == []
    assert await told(office, "task.overdue") == []


async def test_after_downtime_only_the_nearest_reminder_is_told(office: Office) -> None:
    id_ = await task_for(office, due_at=TEN, remind_minutes=(45, 30, 15))
    await office.at(TEN - timedelta(minutes=1))

    (fact,) = await office.pool.fetch("select body from fact where kind = 'task.reminded'")
    assert (fact["body"]["id"], fact["body"]["minutes"]) == (id_, 15)


async def test_an_overdue_task_is_told_to_the_head_once_and_again_when_it_was_moved(office: Office) -> None:
    """Requirements 50 and 81."""
    id_ = await task_for(office, due_at=TEN)
    await office.at(TEN + timedelta(minutes=1))
    await office.at(TEN + timedelta(minutes=2))
    assert await told(office, "task.overdue") == [(id_, {"anna", "head"})]

    await move(office, id_, due_at=TEN + timedelta(hours=1))
    await office.at(TEN + timedelta(hours=2))
    assert len(await told(office, "task.overdue")) == 2


async def test_the_head_of_his_team_is_told_and_no_other(office: Office) -> None:
    """Requirement 82."""
    boris = office.site.users["boris"]
    team = await office.pool.fetchval(
        "insert into team (name, head_id, made_by) values ('North', $1, 'test') returning id", boris
    )
    await office.pool.execute(
        "insert into team_member (team_id, user_id) values ($1, $2)", team, office.site.users["anna"]
    )
    id_ = await task_for(office, due_at=TEN)
    await office.at(TEN + timedelta(minutes=1))

    assert await told(office, "task.overdue") == [(id_, {"anna", "boris"})]


async def test_a_task_begun_and_not_touched_for_long_is_frozen_once(office: Office) -> None:
    """Requirement 81."""
    async with office.pool.acquire() as connection, connection.transaction():
        await save_hours(
            connection, did=None, user_id=None, timezone="UTC", week=[["09:00-18:00"]] * 5 + [[], []], exceptions=(),
            company_holidays=True, version=None,
        )  # fmt: skip
    id_ = await task_for(office)
    await move(office, id_, state=TaskState.IN_PROGRESS)
    await office.at(NINE + timedelta(days=3, hours=8))  # 17 of 24 working hours
    assert await told(office, "task.frozen") == []

    await office.at(NINE + timedelta(days=4, hours=7))
    await office.at(NINE + timedelta(days=4, hours=8))
    assert await told(office, "task.frozen") == [(id_, {"anna", "head"})]


async def test_a_task_that_was_touched_is_not_frozen(office: Office) -> None:
    id_ = await task_for(office)
    await move(office, id_, state=TaskState.IN_PROGRESS)
    office.moment = NINE + timedelta(hours=20)
    await move(office, id_, note="He asked for time.")
    await office.at(NINE + timedelta(hours=30))
    assert await told(office, "task.frozen") == []

    await office.at(NINE + timedelta(hours=45))
    assert await told(office, "task.frozen") == [(id_, {"anna", "head"})]


async def series(office: Office, made: Made) -> int:
    """A call every day at ten."""
    rule = Recurrence(every=1, unit=Unit.DAY, begins=NINE.date(), at=time(10), zone=ZoneInfo("UTC"), made=made)
    task = NewTask(kind=TaskKind.CALL, made_by="user:1", owner_id=office.site.users["anna"], title="Ring the harbour")
    async with office.pool.acquire() as connection, connection.transaction():
        begun = await add_series(connection, rule, task, office.moment)
        await save_facts(connection, await next_of(connection, begun, office.moment))
    return begun.id


async def due_days(office: Office) -> list[date]:
    rows = await office.pool.fetch("select due_at from task order by id")
    return [r["due_at"].date() for r in rows]


async def test_the_next_of_a_series_is_made_when_the_last_one_is_done(office: Office) -> None:
    """Requirement 84."""
    await series(office, Made.DONE)
    await office.at(NINE + timedelta(days=3))
    assert await due_days(office) == [date(2026, 11, 20)]

    await move(office, 1, state=TaskState.DONE)
    assert await due_days(office) == [date(2026, 11, 20), date(2026, 11, 23)]
    await move(office, 1, state=TaskState.NEW)
    await move(office, 1, state=TaskState.DONE)
    assert len(await due_days(office)) == 2


async def test_the_next_of_a_series_is_made_when_the_last_one_is_due(office: Office) -> None:
    await series(office, Made.DUE)
    await office.at(TEN)
    await office.at(TEN + timedelta(minutes=1))
    assert await due_days(office) == [date(2026, 11, 20), date(2026, 11, 21)]

    await office.at(NINE + timedelta(days=5))  # after downtime one, not all that were missed
    assert await due_days(office) == [date(2026, 11, 20), date(2026, 11, 21), date(2026, 11, 25)]


async def test_who_has_left_is_given_no_more_tasks_of_a_series(office: Office) -> None:
    await series(office, Made.DONE)
    await office.pool.execute("update users set active = false where id = $1", office.site.users["anna"])
    await move(office, 1, state=TaskState.FAILED)

    assert await office.pool.fetchval("select owner_id from task where id = 2") is None


async def test_a_birthday_is_a_task_some_days_before_and_once_a_year(office: Office) -> None:
    """Requirement 98."""
    rule = await read_rule(office.pool)
    await save_rule(office.pool, replace(rule, birthday_days=3))
    await office.pool.execute(
        "insert into contact (name, birthday, owner_id) values ('A', '1980-11-23', $1), ('B', '1980-11-24', null),"
        " ('C', '1980-02-29', null)",
        office.site.users["anna"],
    )
    await office.at(NINE)
    await office.at(NINE + timedelta(hours=1))
    rows = await office.pool.fetch("select origin, owner_id, contact_id, due_at from task")
    assert [(r["origin"], r["owner_id"], r["contact_id"]) for r in rows] == [("birthday", office.site.users["anna"], 1)]

    await office.at(datetime(2027, 2, 27, 9, 0, tzinfo=UTC))
    assert await office.pool.fetchval("select count(*) from task where contact_id = 3") == 1
