"""Missed clients, lived through: recorded calls placed on a day, the product's own followers, a clock that is moved."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest_asyncio

from gateway.domain.tasks import TaskState
from gateway.store.call_back import Holder, holder_of
from gateway.store.choices import choose_card
from gateway.store.facts import NewFact, save_facts
from gateway.store.merges import merge_cards
from gateway.store.missed import Client
from gateway.store.tasks import change_task, read_task
from gateway.store.unmerging import undo_merge
from tests.gateway.day_of_calls import Placed
from tests.gateway.office import Office, open_office

MORNING = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
CLIENT = "+79161234567"
OTHER = "+79031112233"


@pytest_asyncio.fixture
async def office(database: str) -> AsyncIterator[Office]:
    """An office at nine in the morning."""
    async with open_office(database, moment=MORNING) as office:
        yield office


async def call(office: Office, scenario: str, at: datetime, number: str = CLIENT, **more: object) -> datetime:
    """A call goes through the office; the clock shows its end."""
    placed = Placed(scenario=scenario, at=at, number=number, extensions={}, **more)  # type: ignore[arg-type]
    office.moment = placed.ended
    await office.take_rows(placed.rows())
    return placed.ended


async def matters(office: Office) -> list[tuple[str, int]]:
    """State and number of calls of each matter, the oldest first."""
    rows = await office.pool.fetch("select state, calls from missed order by first_at")
    return [(r["state"], r["calls"]) for r in rows]


async def tasks(office: Office) -> list[tuple[str, str, str]]:
    """Kind, state and result of each task."""
    rows = await office.pool.fetch("select kind, state, result from task order by id")
    return [(r["kind"], r["state"], r["result"]) for r in rows]


async def kinds(office: Office, word: str) -> list[str]:
    """The facts told of something."""
    rows = await office.pool.fetch("select kind from fact where kind like $1 || '.%' order by id", word)
    return [r["kind"] for r in rows]


async def test_a_missed_client_opens_a_matter_and_a_task_of_five_minutes(office: Office) -> None:
    """Requirements 8, 16, 17 and 28."""
    ended = await call(office, "in_noanswer", MORNING)

    (task,) = await office.pool.fetch("select * from task")
    (matter,) = await office.pool.fetch("select * from missed")
    assert (task["kind"], task["origin"], task["state"]) == ("call_back", "missed", "new")
    assert task["due_at"] == matter["due_at"] == ended + timedelta(minutes=5)
    assert task["owner_id"] == office.site.users["anna"]
    assert (matter["state"], matter["new_client"], matter["number"]) == ("open", True, CLIENT)
    assert await office.pool.fetchval("select stage from contact where id = $1", matter["contact_id"]) == "unsorted"
    assert await kinds(office, "missed") == ["missed.opened"]
    assert await kinds(office, "task") == ["task.created"]


async def test_several_missed_calls_of_one_client_are_one_matter(office: Office) -> None:
    """Requirement 8."""
    first = await call(office, "in_noanswer", MORNING)
    await call(office, "in_abandon", MORNING + timedelta(minutes=2))
    await call(office, "in_noanswer", MORNING + timedelta(minutes=3), OTHER)

    assert await matters(office) == [("open", 2), ("open", 1)]
    assert len(await tasks(office)) == 2
    assert await office.pool.fetchval("select due_at from missed order by id limit 1") == first + timedelta(minutes=5)


async def test_a_call_back_in_time_ends_it(office: Office) -> None:
    """Requirement 8."""
    await call(office, "in_noanswer", MORNING)
    await call(office, "out_answered", MORNING + timedelta(minutes=3))

    assert await matters(office) == [("called_back", 1)]
    assert await tasks(office) == [("call_back", "done", "called_back")]
    assert (await kinds(office, "missed"))[-1] == "missed.closed"


async def test_a_call_back_after_the_deadline_is_late(office: Office) -> None:
    """Requirement 17."""
    await call(office, "in_noanswer", MORNING)
    await call(office, "out_answered", MORNING + timedelta(minutes=9))

    assert await matters(office) == [("late", 1)]


async def test_a_client_who_calls_again_and_is_answered_has_reached_us(office: Office) -> None:
    await call(office, "in_noanswer", MORNING)
    await call(office, "in_answered", MORNING + timedelta(minutes=3))

    assert await matters(office) == [("reached_us", 1)]
    assert await tasks(office) == [("call_back", "done", "reached_us")]


async def test_another_number_of_his_card_ends_it_too(office: Office) -> None:
    await call(office, "in_noanswer", MORNING)
    await office.pool.execute(
        "insert into contact_number (number, contact_id) select $1, contact_id from missed", OTHER
    )
    await call(office, "out_answered", MORNING + timedelta(minutes=3), OTHER)

    assert await matters(office) == [("called_back", 1)]


async def test_an_attempt_that_is_not_taken_leaves_it_open_and_begun(office: Office) -> None:
    await call(office, "in_noanswer", MORNING)
    await call(office, "out_busy", MORNING + timedelta(minutes=2))

    assert await matters(office) == [("open", 1)]
    assert await tasks(office) == [("call_back", "in_progress", "")]
    assert await office.pool.fetchval("select attempts from missed") == 1


async def test_whoever_rings_the_client_has_him_for_himself(office: Office) -> None:
    """Two managers do not ring the same client."""
    await call(office, "in_noanswer", MORNING)
    placed = Placed(scenario="out_busy", at=MORNING + timedelta(minutes=2), number=CLIENT, extensions={"101": "102"})
    ringing = next(n for n, row in enumerate(placed.rows()) if row.startswith(b'"HANGUP"'))
    office.moment = placed.ended
    await office.take_rows(placed.rows()[:ringing])

    boris = office.site.users["boris"]
    matter = await office.pool.fetchrow("select contact_id, claimed_by, claimed_until from missed")
    assert (matter["claimed_by"], matter["claimed_until"]) == (boris, placed.ended + timedelta(minutes=5))
    client = Client(contact_id=matter["contact_id"], number=CLIENT)
    assert await holder_of(office.pool, client, office.moment) == Holder(user_id=boris, until=None)

    await office.take_rows(placed.rows()[ringing:])
    left = await holder_of(office.pool, client, office.moment)
    assert left == Holder(user_id=boris, until=placed.ended + timedelta(minutes=5))
    assert await holder_of(office.pool, client, office.moment + timedelta(minutes=5)) is None


async def test_a_call_lost_in_a_transfer_asks_for_a_call_back(office: Office) -> None:
    await call(office, "made_blind_transfer_client_gives_up", MORNING)

    assert await matters(office) == [("open", 1)]
    assert await office.pool.fetchval("select reason from missed_call") == "lost_in_transfer"


async def test_nobody_called_back_within_the_limit_is_never(office: Office) -> None:
    await call(office, "in_noanswer", MORNING)
    await office.at(MORNING + timedelta(hours=73))

    assert await matters(office) == [("never", 1)]
    assert await tasks(office) == [("call_back", "failed", "never")]


async def test_the_heads_are_told_once_when_it_is_overdue(office: Office) -> None:
    """Requirements 81 and 82."""
    await call(office, "in_noanswer", MORNING)
    await office.at(MORNING + timedelta(minutes=4))
    assert "missed.escalated" not in await kinds(office, "missed")

    await office.at(MORNING + timedelta(minutes=6))
    await office.at(MORNING + timedelta(minutes=7))

    (fact,) = await office.pool.fetch("select users from fact where kind = 'missed.escalated'")
    assert office.site.users["head"] in fact["users"]
    assert await office.pool.fetchval("select escalated_at from task") == MORNING + timedelta(minutes=6)
    (fact,) = await office.pool.fetch("select users from fact where kind = 'task.overdue'")
    assert set(fact["users"]) == {office.site.users["head"], office.site.users["anna"]}


async def test_hidden_numbers_are_only_counted(office: Office) -> None:
    await call(office, "made_withheld_number", MORNING)
    missed = await office.pool.fetchval("select count(*) from call where result = 'missed'")

    assert missed == await office.pool.fetchval("select count(*) from missed where hidden and task_id is null")
    assert not await tasks(office)


async def test_an_old_journal_opens_no_tasks(office: Office) -> None:
    placed = Placed(scenario="in_noanswer", at=MORNING - timedelta(days=30), number=CLIENT, extensions={})
    later = Placed(scenario="in_noanswer", at=MORNING - timedelta(days=29), number=OTHER, extensions={})
    back = Placed(scenario="out_answered", at=MORNING - timedelta(days=28, hours=12), number=OTHER, extensions={})
    await office.take_rows([*placed.rows(), *later.rows(), *back.rows()])

    assert await matters(office) == [("never", 1), ("late", 1)]
    assert not await tasks(office)


async def test_two_cards_of_one_client_are_one_matter_once_they_are_merged_and_two_when_taken_apart(
    office: Office,
) -> None:
    await call(office, "in_noanswer", MORNING)
    await call(office, "in_noanswer", MORNING + timedelta(minutes=1), OTHER)
    one, other = [r["contact_id"] for r in await office.pool.fetch("select contact_id from missed order by id")]
    async with office.pool.acquire() as connection, connection.transaction():
        merge = await merge_cards(connection, one, other, by="user:1", now=office.moment)
        assert merge is not None
        await save_facts(connection, merge[1])
    await office.settle()
    assert await matters(office) == [("open", 2), ("withdrawn", 0)]
    assert await tasks(office) == [("call_back", "new", ""), ("call_back", "done", "withdrawn")]

    async with office.pool.acquire() as connection, connection.transaction():
        facts = await undo_merge(connection, merge[0], by="user:1", now=office.moment)
        assert facts is not None
        await save_facts(connection, facts)
    await office.settle()
    rows = await office.pool.fetch("select contact_id, calls from missed where state = 'open' order by contact_id")
    assert [(r["contact_id"], r["calls"]) for r in rows] == [(one, 1), (other, 1)]
    assert sorted(await tasks(office))[-2:] == [("call_back", "new", ""), ("call_back", "new", "")]


async def correct(office: Office, call: str, **values: object) -> None:
    """Let a call be corrected as a new fold of its rows does, and told of."""
    sets = ", ".join(f"{name} = ${n}" for n, name in enumerate(values, 2))
    await office.pool.execute(f"update call set {sets} where id = $1", call, *values.values())
    async with office.pool.acquire() as connection, connection.transaction():
        fact = NewFact(kind="call.changed", body={"id": str(call)}, call_id=call)
        await save_facts(connection, [fact])
    await office.settle()


async def test_a_call_that_was_answered_after_all_takes_its_matter_back(office: Office) -> None:
    await call(office, "in_noanswer", MORNING)
    id_ = await office.pool.fetchval("select id from call")
    await correct(office, id_, result="answered", reason=None, answered_at=MORNING)
    assert await matters(office) == [("withdrawn", 0)]
    assert await tasks(office) == [("call_back", "done", "withdrawn")]

    await correct(office, id_, result="missed", reason="no_answer", answered_at=None)
    assert ("open", 1) in await matters(office)


async def test_a_talk_that_was_none_opens_the_matter_and_its_task_again(office: Office) -> None:
    await call(office, "in_noanswer", MORNING)
    await call(office, "out_answered", MORNING + timedelta(minutes=2))
    talk = await office.pool.fetchval("select id from call where direction = 'outbound'")
    await correct(office, talk, result="no_answer", answered_at=None)

    assert await matters(office) == [("open", 1)]
    assert await tasks(office) == [("call_back", "new", "")]
    assert (await kinds(office, "missed"))[-1] == "missed.reopened"


async def test_a_missed_call_that_was_merged_is_that_of_the_other_call(office: Office) -> None:
    await call(office, "in_noanswer", MORNING)
    await call(office, "in_noanswer", MORNING + timedelta(minutes=1))
    one, other = [r["id"] for r in await office.pool.fetch("select id from call order by started_at")]
    await office.pool.execute("update call set merged_into = $2 where id = $1", one, other)
    async with office.pool.acquire() as connection, connection.transaction():
        body: dict[str, object] = {"id": str(one), "merged_into": str(other)}
        await save_facts(connection, [NewFact(kind="call.merged", body=body, call_id=one)])
    await office.settle()

    assert await matters(office) == [("open", 1)]
    assert len(await tasks(office)) == 1


async def test_a_number_that_several_share_is_a_client_of_its_own_until_somebody_says_who_called(
    office: Office,
) -> None:
    await call(office, "in_answered", MORNING - timedelta(hours=1))
    card = await office.pool.fetchval("select contact_id from contact_number")
    await office.pool.execute("update contact_number set contact_id = null, shared = true")
    await office.site.restart()
    await call(office, "in_noanswer", MORNING)
    matter = await office.pool.fetchrow("select contact_id, number, state from missed")
    assert tuple(matter) == (None, CLIENT, "open")

    missed = await office.pool.fetchval("select call_id from missed_call")
    async with office.pool.acquire() as connection, connection.transaction():
        assert await choose_card(connection, missed, card)
        fact = NewFact(kind="call.identified", body={"id": str(missed)}, contact_id=card)
        await save_facts(connection, [fact])
    await office.settle()
    assert await matters(office) == [("open", 1)]
    assert await office.pool.fetchval("select contact_id from missed") == card
    assert await office.pool.fetchval("select contact_id from task") == card


async def test_a_killed_gateway_misses_and_doubles_nothing(office: Office) -> None:
    """What follows is written with the follower's place: read again from the beginning, nothing changes."""
    await call(office, "in_noanswer", MORNING)
    await call(office, "in_noanswer", MORNING + timedelta(minutes=1), OTHER)
    await call(office, "out_answered", MORNING + timedelta(minutes=3))
    before = await office.pool.fetch("select state, calls, task_id, version from missed order by id")
    await office.pool.execute("update follower set position = '0-0' where name = 'missed calls'")
    await office.settle()

    assert await office.pool.fetch("select state, calls, task_id, version from missed order by id") == before
    assert len(await tasks(office)) == 2


async def test_a_further_call_of_one_who_rings_without_end_does_not_write_the_others_anew(office: Office) -> None:
    await call(office, "in_noanswer", MORNING)
    before = await office.pool.fetchval("select xmin::text || ctid::text from missed_call")
    await call(office, "in_abandon", MORNING + timedelta(minutes=2))
    await call(office, "in_abandon", MORNING + timedelta(minutes=3))

    rows = await office.pool.fetch("select xmin::text || ctid::text as place from missed_call order by at")
    assert len(rows) == 3
    assert rows[0]["place"] == before


async def test_a_task_that_was_ended_and_opened_again_leaves_its_matter_open(office: Office) -> None:
    """Also where the feed is read only after both, or once more."""
    await call(office, "in_noanswer", MORNING)
    for state in (TaskState.DONE, TaskState.NEW):
        async with office.pool.acquire() as connection, connection.transaction():
            task = await read_task(connection, 1, lock=True)
            assert task is not None
            _, facts = await change_task(connection, task, {"state": state}, by="user:1", now=office.moment)
            await save_facts(connection, facts)
    await office.settle()

    assert await matters(office) == [("open", 1)]
    assert await tasks(office) == [("call_back", "new", "")]
    assert await kinds(office, "missed") == ["missed.opened"]


async def test_a_call_made_before_he_was_missed_gives_nobody_the_client(office: Office) -> None:
    placed = Placed(scenario="out_busy", at=MORNING, number=CLIENT, extensions={})
    await call(office, "in_noanswer", MORNING + timedelta(minutes=1))
    office.moment = MORNING + timedelta(minutes=2)
    await office.take_rows(placed.rows())

    assert await office.pool.fetchval("select claimed_by from missed") is None
