"""How managers are, by the calls they talk in and what is chosen: played over recorded calls.

Requirements 60 (efficiency of manager and working time), 74 (distribution), 44 (duration per employee).
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from random import Random
from typing import Any

import asyncpg
import pytest

from gateway.aftercare.manager_states import choose
from gateway.domain.manager_states import Choice, Chosen, State
from gateway.store.facts import NewFact, save_facts
from gateway.store.manager_states import available, present_states, refold
from tests.gateway.day_of_calls import Placed, written_at
from tests.gateway.office import Office, open_office
from tests.gateway.site import ZONE, rows_of

DAY = datetime(2026, 11, 20, tzinfo=ZONE)
SECOND = timedelta(seconds=1)


def at(clock: str) -> datetime:
    """A moment of the day."""
    hour, minute, second = (*map(int, clock.split(":")), 0)[:3]
    return DAY + timedelta(hours=hour, minutes=minute, seconds=second)


@asynccontextmanager
async def office_with_states(database: str) -> AsyncIterator[Office]:
    """An office in which Anna and Boris are available since nine."""
    async with open_office(database, moment=at("09:00")) as office:
        for login in ("anna", "boris"):
            await chosen(office, login, Chosen.AVAILABLE)
        yield office


async def chosen(office: Office, login: str, what: Chosen, reason: str = "", **more: Any) -> None:
    """Let somebody choose at the office's moment."""
    user = office.site.users[login]
    choice = Choice(at=office.moment, chosen=what, by=f"user:{user}", reason=reason, **more)
    async with office.pool.acquire() as connection, connection.transaction():
        await save_facts(connection, await choose(connection, user, choice, office.moment))


async def story(office: Office, login: str) -> list[tuple[str, str]]:
    """States of a person with the time of day at which each began."""
    rows = await office.pool.fetch(
        "select state, since from manager_state where user_id = $1 order by since", office.site.users[login]
    )
    return [(r["state"], r["since"].astimezone(ZONE).strftime("%H:%M:%S")) for r in rows]


async def state(office: Office, login: str) -> State:
    """How somebody is at the office's moment."""
    return (await present_states(office.pool, now=office.moment))[office.site.users[login]].state


CALL = Placed(scenario="in_answered", at=at("10:00"), number="+79035550001", extensions={"101": "101"}, talk=60)


async def test_a_talk_is_followed_by_the_after_call_time_and_then_he_is_available(database: str) -> None:
    async with office_with_states(database) as office:
        office.moment = CALL.ended
        await office.take_rows(CALL.rows())
        assert await state(office, "anna") is State.AFTER_CALL
        assert await state(office, "boris") is State.AVAILABLE

        await office.at(CALL.ended + 16 * SECOND)

        assert [s for s, _ in await story(office, "anna")] == ["available", "talking", "after_call", "available"]
        times = await office.pool.fetch(
            "select since, until, state from manager_state where user_id = $1 order by since",
            office.site.users["anna"],
        )
        talk = await office.pool.fetchval("select talk_us from call_manager where extension = '101'")
        assert times[1]["until"] - times[1]["since"] == pytest.approx(timedelta(microseconds=talk), abs=0.2 * SECOND)
        assert times[2]["until"] - times[2]["since"] == 15 * SECOND


PLAN = tuple(
    Placed(scenario=scenario, at=at(clock), number=f"+7903555{n:04}", extensions={"101": "101"}, talk=talk)
    for n, (scenario, clock, talk) in enumerate(
        (
            ("in_answered", "10:00", 60.0),
            ("internal", "10:05", 0.0),
            ("blind_xfer_refer", "10:10", 20.0),
            ("att_xfer_refer", "10:20", 0.0),
            ("out_answered", "10:30", 120.0),
            ("in_noanswer", "10:31", 0.0),
            ("made_twin_devices", "10:40", 0.0),
            ("real_two_calls_one_manager", "10:50", 0.0),
            ("hold", "11:00", 0.0),
            ("c2c_ami_noanswer", "11:05", 0.0),
            ("19a_chanspy", "11:10", 0.0),
            ("queue_answered", "11:20", 30.0),
        )
    )
)
NIGHT = at("23:00")


async def intervals(office: Office) -> list[tuple[object, ...]]:
    """Everything that is known of everybody, without the ids of rows."""
    rows = await office.pool.fetch(
        "select user_id, state, reason, since, until, call_id, by, ends_at from manager_state order by user_id, since"
    )
    return [tuple(r) for r in rows]


async def from_nothing(office: Office) -> list[tuple[object, ...]]:
    """The intervals as they follow from the calls and the choices alone, heard of at night."""
    await office.pool.execute("truncate manager_state, manager_talk")
    await office.pool.execute("update follower set position = '0-0' where name = 'manager states'")
    for user in await office.pool.fetch("select distinct user_id as id from state_choice"):
        async with office.pool.acquire() as connection, connection.transaction():
            await refold(connection, {user["id"]: at("00:00")}, NIGHT)
    await office.at(NIGHT)
    return await intervals(office)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_intervals_are_the_same_whenever_and_in_whatever_pieces_the_rows_come(database: str, seed: int) -> None:
    """Live row by row, in late batches, with the gateway killed in between: always what the journal says."""
    random = Random(seed)
    async with office_with_states(database) as office:
        rows = sorted((row for call in PLAN for row in call.rows()), key=written_at)
        while rows:
            size = random.choice([1, 1, 2, 5, 40])
            batch, rows = rows[:size], rows[size:]
            office.moment = written_at(batch[-1]) + random.random() * SECOND
            await office.site.take_all(batch)
            if random.random() < 0.1:
                await office.site.restart()
            if random.random() < 0.7:
                await office.settle()
            if random.random() < 0.5:
                await office.at(office.moment)
        await office.at(NIGHT)
        found = await intervals(office)

        assert {state for _, state, *_ in found} == {"available", "talking", "after_call"}
        assert found == await from_nothing(office)


async def test_a_feed_that_is_taken_twice_changes_no_interval(database: str) -> None:
    async with office_with_states(database) as office:
        for call in PLAN:
            office.moment = call.ended
            await office.take_rows(call.rows())
        await office.at(NIGHT)
        before = await office.pool.fetch("select * from manager_state order by id")
        facts = await office.pool.fetchval("select count(*) from fact")

        await office.pool.execute("update follower set position = '0-0' where name = 'manager states'")
        await office.settle()

        assert await office.pool.fetch("select * from manager_state order by id") == before
        assert await office.pool.fetchval("select count(*) from fact") == facts


async def test_a_transfer_in_mid_call_frees_the_first_and_occupies_the_second(database: str) -> None:
    call = PLAN[2]
    async with office_with_states(database) as office:
        seen = []
        for row in sorted(call.rows(), key=written_at):
            await office.site.take_all([row])
            await office.at(written_at(row))
            both = (await state(office, "anna"), await state(office, "boris"))
            if not seen or seen[-1] != both:
                seen.append(both)

        a, t, c = State.AVAILABLE, State.TALKING, State.AFTER_CALL
        assert (t, a) in seen
        assert (c, t) in seen or (a, t) in seen
        assert seen.index((t, a)) < max(n for n, both in enumerate(seen) if both[1] is t)


async def test_both_ends_of_an_internal_call_talk_and_the_head_who_listens_does_not(database: str) -> None:
    async with office_with_states(database) as office:
        office.moment = NIGHT
        await office.take_rows(PLAN[1].rows())
        await office.at(NIGHT)
        assert "talking" in [s for s, _ in await story(office, "anna")]
        assert "talking" in [s for s, _ in await story(office, "boris")]

        await office.take_rows(PLAN[10].rows())
        await office.at(NIGHT)
        assert [s for s, _ in await story(office, "head")] == []


async def test_a_call_whose_end_comes_late_is_corrected_behind_what_was_chosen_since(database: str) -> None:
    """The journal's last rows come an hour later, after he had gone for lunch and come back."""
    async with office_with_states(database) as office:
        rows = sorted(CALL.rows(), key=written_at)
        office.moment = CALL.ended
        await office.take_rows(rows[:-6])
        await office.at(office.moment)
        assert await state(office, "anna") is State.TALKING

        for minutes, what in ((10, Chosen.BREAK), (40, Chosen.AVAILABLE)):
            office.moment = CALL.ended + timedelta(minutes=minutes)
            await chosen(office, "anna", what)
        assert await state(office, "anna") is State.TALKING

        office.moment = CALL.ended + timedelta(hours=1)
        await office.take_rows(rows)
        states = [s for s, _ in await story(office, "anna")]
        assert states == ["available", "talking", "after_call", "available", "break", "available"]
        assert await state(office, "anna") is State.AVAILABLE


async def test_two_calls_merged_into_one_leave_no_talk_behind(database: str) -> None:
    """Rows of an attended transfer in any pieces: consultations become part of the client's call."""
    async with office_with_states(database) as office:
        for row in PLAN[3].rows():
            await office.site.take_all([row])
            await office.at(written_at(row))
        await office.at(NIGHT)
        talks = await office.pool.fetch("select distinct call_id from manager_talk")
        calls = await office.pool.fetch("select id from call where merged_into is null and answered_at is not null")

        assert {t["call_id"] for t in talks} <= {c["id"] for c in calls}
        assert await office.pool.fetchval("select count(*) from manager_talk where until is null") == 0


async def test_the_outcome_of_the_call_ends_the_after_call_time(database: str) -> None:
    async with office_with_states(database) as office:
        office.moment = CALL.ended
        await office.take_rows(CALL.rows())
        assert await state(office, "anna") is State.AFTER_CALL
        call = await office.pool.fetchval("select id from call")
        fact = NewFact(kind="outcome.chosen", body={"user_id": office.site.users["anna"]}, call_id=call)
        async with office.pool.acquire() as connection, connection.transaction():
            await save_facts(connection, [fact])
            await connection.execute("update fact set at = $1 where kind = 'outcome.chosen'", CALL.ended + 3 * SECOND)
        office.moment = CALL.ended + 4 * SECOND
        await office.settle()

        assert await state(office, "anna") is State.AVAILABLE


async def test_whoever_may_get_a_call_is_listed_by_how_long_he_has_been_idle(database: str) -> None:
    anna, boris = {"101": "101"}, {"101": "102"}
    async with office_with_states(database) as office:
        head = office.site.users["head"]
        assert await available(office.pool, now=office.moment) == sorted(office.site.users.values())
        for clock, who in (("10:00", boris), ("10:20", anna)):
            call = Placed(scenario="in_answered", at=at(clock), number="+79035550001", extensions=who)
            office.moment = call.ended
            await office.take_rows(call.rows())
            await office.at(call.ended + timedelta(minutes=1))

        users = office.site.users
        assert await available(office.pool, now=office.moment) == [head, users["boris"], users["anna"]]
        await chosen(office, "boris", Chosen.BREAK)
        assert await available(office.pool, now=office.moment) == [head, users["anna"]]


async def test_a_phone_that_rings_is_shown_and_takes_no_further_call(database: str) -> None:
    async with office_with_states(database) as office:
        await office.site.take_all(rows_of("in_answered")[:4])
        present = (await present_states(office.pool, now=office.moment))[office.site.users["anna"]]

        assert present.state is State.AVAILABLE
        assert len(present.ringing) == 1
        assert not present.takes_calls


async def test_the_database_itself_refuses_two_states_at_once(database: str) -> None:
    async with office_with_states(database) as office:
        with pytest.raises(asyncpg.PostgresError):
            await office.pool.execute(
                "insert into manager_state (user_id, state, since) values ($1, 'off', now())", office.site.users["anna"]
            )
        with pytest.raises(asyncpg.ExclusionViolationError):
            await office.pool.execute(
                "insert into manager_state (user_id, state, since, until) values ($1, 'off', $2, $3)",
                office.site.users["anna"],
                at("09:10"),
                at("09:20"),
            )


async def test_choices_and_calls_at_the_same_moment_wait_for_each_other(database: str) -> None:
    """Ten connections move one manager at once; none fails, and the last choice stands."""
    async with office_with_states(database) as office:
        office.moment = CALL.ended
        await office.site.take_all(CALL.rows())
        whats = [Chosen.BREAK, Chosen.AVAILABLE, Chosen.OFF] * 3

        async def later(n: int, what: Chosen) -> None:
            moment = CALL.ended + (n + 1) * SECOND
            async with office.pool.acquire() as connection, connection.transaction():
                user = office.site.users["anna"]
                await choose(connection, user, Choice(at=moment, chosen=what, by=f"user:{user}"), moment)

        await asyncio.gather(office.settle(), *(later(n, what) for n, what in enumerate(whats)))

        office.moment = CALL.ended + timedelta(minutes=1)
        await office.at(office.moment)
        assert await state(office, "anna") is State.OFF
        assert len(await story(office, "anna")) >= len(whats) + 1
