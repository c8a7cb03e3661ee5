"""Scheduled calls over a real Asterisk: the manager's phone first, then the client's; what is not taken is moved."""

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from gateway.app import Gateway
from gateway.domain.scheduled import Scheduled, ZoneFrom
from gateway.store.scheduled import NewScheduled, Overlap, add_scheduled, read_rule, read_scheduled
from lab.phones import open_client_phone, open_manager_phone
from lab.server import AsteriskServer
from tests.gateway.test_real_calls import ended_call, running, settings_for

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio]

NUMBER = "+79161234567"


async def planned(gateway: Gateway, seconds: float) -> Scheduled:
    """A call of Anna's in so many seconds; over the API a moment is a full minute."""
    at = datetime.now(UTC) + timedelta(seconds=seconds)
    async with gateway.pool.acquire() as connection, connection.transaction():
        made = await add_scheduled(
            connection,
            NewScheduled(
                user_id=await connection.fetchval("select id from users where login = 'anna'"),
                contact_id=None,
                number=NUMBER,
                at=at,
                minutes=15,
                zone="UTC",
                zone_from=ZoneFrom.ASKED,
                wall=at.replace(tzinfo=None),
                second=False,
                any_hour=True,
                note="",
                pbx=None,
                made_by="user:1",
            ),
            await read_rule(connection),
            datetime.now(UTC),
        )
    assert not isinstance(made, Overlap)
    return made


async def becomes(gateway: Gateway, call: Scheduled, *, reason: str, seconds: float = 60.0) -> Scheduled:
    """The call, once this is its last reason."""
    found = call
    try:
        async with asyncio.timeout(seconds):
            while found.reason != reason:
                await asyncio.sleep(0.1)
                found = await read_scheduled(gateway.pool, call.id) or found
    except TimeoutError:
        pytest.fail(f"it is {found.state}, reason {found.reason}")
    return found


async def connected(gateway: Gateway) -> None:
    line = gateway.lines["lab"].asterisk
    assert line is not None
    async with asyncio.timeout(60):
        while not line.state.connected:
            await asyncio.sleep(0.05)


async def facts(gateway: Gateway) -> list[asyncpg.Record]:
    return list(await gateway.pool.fetch("select * from fact order by id"))


async def test_at_its_moment_both_are_rung_in_the_right_order_with_the_card_open(
    asterisk: AsteriskServer, database: str
) -> None:
    """Requirement 5."""
    began = datetime.now(UTC)
    async with running(settings_for(asterisk, database)) as gateway:
        async with open_manager_phone(asterisk, "101") as manager, open_client_phone(asterisk) as client:
            await manager.script(answer_after=0.5)
            await client.script(answer_after=0.5, hang_up_after=1.5)
            await connected(gateway)
            call = await planned(gateway, 1.5)
            row = await ended_call(gateway, began)
        done = await becomes(gateway, call, reason="answered")
        told = await facts(gateway)
        legs = await gateway.pool.fetch(
            "select role, started_at from leg where call_id = $1 order by started_at", row["id"]
        )

    assert (done.state, done.call_id, row["command_id"]) == ("done", row["id"], done.order_id)
    assert (row["direction"], row["result"], row["client_number"]) == ("outbound", "answered", NUMBER)
    assert row["started_at"] >= call.at - timedelta(seconds=0.2)
    assert [leg["role"] for leg in legs if leg["role"] in ("manager", "client")][:2] == ["manager", "client"]
    (opened,) = (f for f in told if f["kind"] == "card.opened")
    assert (opened["contact_id"], opened["users"]) == (row["contact_id"], [call.user_id])
    assert [f["kind"] for f in told if f["kind"].startswith("scheduled.")] == ["scheduled.called", "scheduled.done"]
    assert next(f["id"] for f in told if f["kind"] == "card.opened") < next(
        f["id"] for f in told if f["kind"] == "call.ringing"
    )


async def test_a_busy_client_is_tried_again_later(asterisk: AsteriskServer, database: str) -> None:
    """Requirement 8."""
    async with (
        running(settings_for(asterisk, database)) as gateway,
        open_manager_phone(asterisk, "101") as manager,
        open_client_phone(asterisk) as client,
    ):
        await manager.script(answer_after=0.3)
        await client.script(refuse_with=486)
        await connected(gateway)
        call = await planned(gateway, 1)
        moved = await becomes(gateway, call, reason="client_busy")

    assert (moved.state, moved.attempts) == ("planned", 1)
    assert moved.at >= call.at + timedelta(minutes=15)


async def test_a_manager_whose_phone_is_not_there_gets_it_again_later(asterisk: AsteriskServer, database: str) -> None:
    async with running(settings_for(asterisk, database)) as gateway:
        await connected(gateway)
        call = await planned(gateway, 1)
        moved = await becomes(gateway, call, reason="no_phone")

    assert (moved.state, moved.attempts, moved.orders) == ("planned", 1, 1)


async def test_after_a_night_of_downtime_fifty_calls_are_planned_anew_and_no_phone_rings(
    asterisk: AsteriskServer, database: str
) -> None:
    settings = settings_for(asterisk, database)
    async with running(settings) as gateway:
        await planned(gateway, 3600)
        await gateway.pool.execute(
            "insert into scheduled_call (user_id, number, at, ends_at, minutes, zone, zone_from, wall, any_hour,"
            " agreed_at, made_by, created_at, changed_at)"
            " select user_id, number, at + n * i, ends_at + n * i, minutes, zone, zone_from, wall + n * i, true, at,"
            " made_by, created_at, changed_at from scheduled_call, generate_series(1, 49) n,"
            " (select interval '15 minutes' as i) step"
        )
    connection = await asyncpg.connect(database)
    night = "interval '14 hours'"
    await connection.execute(f"update scheduled_call set at = at - {night}, ends_at = ends_at - {night}")
    began = await connection.fetchval("select max(at) < now() from scheduled_call")
    await connection.close()

    async with running(settings, people=False) as gateway:
        async with open_manager_phone(asterisk, "101") as manager:
            await manager.script(answer_after=0.2)
            await connected(gateway)
            async with asyncio.timeout(60):
                while await gateway.pool.fetchval("select count(*) from scheduled_call where reason = 'late'") < 50:
                    await asyncio.sleep(0.1)
            await asyncio.sleep(1.5)
        found = await gateway.pool.fetchrow(
            "select count(*) filter (where state = 'planned' and at > now() + interval '9 minutes') as ahead,"
            " (select count(*) from command) as orders,"
            " (select count(*) from fact where kind = 'scheduled.late') as told from scheduled_call"
        )

    assert began
    assert tuple(found) == (50, 0, 50)
