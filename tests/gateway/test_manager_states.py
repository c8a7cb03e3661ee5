"""How managers are, by the calls they talk in and what is chosen: played over recorded calls.

Requirements 60 (efficiency of manager and working time), 74 (distribution), 44 (duration per employee).
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from random import Random

import pytest

from gateway.aftercare.manager_states import choose
from gateway.domain.manager_states import Choice, Chosen, State
from gateway.store.facts import save_facts
from gateway.store.manager_states import available, present_states
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


async def chosen(office: Office, login: str, what: Chosen, **more: object) -> None:
    """Let somebody choose at the office's moment."""
    user = office.site.users[login]
    choice = Choice(at=office.moment, chosen=what, by=f"user:{user}", **more)
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
