"""Handovers of more clients than one transaction should hold: gone on with after any end of a gateway, each once."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest_asyncio

from gateway.aftercare.handover_steps import HandoverSteps
from gateway.store import handovers
from gateway.store.database import Pool
from tests.faults.plant import configured, looking_at, served, until
from tests.gateway.office import Office, open_office
from tests.gateway.site import ZONE

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@pytest_asyncio.fixture
async def office(database: str) -> AsyncIterator[Office]:
    async with open_office(database, moment=NOW) as office:
        yield office


async def ordered(pool: Pool, from_: int, *to: int, cards: int, rule: bool = False) -> int:
    """An order over so many clients, half of them with a task, of which nothing is done yet."""
    await pool.execute(
        "insert into contact (name, owner_id, stage, heat) select 'K', $1, 'client', 'hot' from generate_series(1, $2)",
        from_, cards,
    )  # fmt: skip
    await pool.execute(
        "insert into task (kind, owner_id, contact_id, made_by, created_at, changed_at)"
        " select 'call', owner_id, id, 'test', now(), now() from contact where owner_id = $1 and id % 2 = 0",
        from_,
    )
    shared = to if len(to) > 1 else ()
    async with pool.acquire() as connection, connection.transaction():
        id_ = await handovers.begin_handover(
            connection,
            kind="hand",
            from_id=from_,
            to_id=None if rule or shared else to[0],
            reason="new colleague",
            by="user:9",
            now=NOW,
            among=shared,
            which={"heats": ["hot"]},
            meant=cards,
        )
        await handovers.note_step(connection, id_, after=0, going=True)
    return id_


async def owned(pool: Pool, *users: int) -> list[int]:
    rows = await pool.fetch("select owner_id, count(*) as n from contact group by 1")
    counts = {r["owner_id"]: r["n"] for r in rows}
    return [counts.get(user, 0) for user in users]


async def test_a_new_gateway_goes_on_behind_the_last_whole_step_and_shares_evenly(office: Office) -> None:
    users = office.site.users
    id_ = await ordered(office.pool, users["anna"], users["boris"], users["head"], cards=700)
    with contextlib.suppress(ConnectionError):
        async with office.pool.acquire() as connection, connection.transaction():
            await HandoverSteps(ZONE).look(connection, NOW)
            assert await connection.fetchval("select cards from handover") == 300
            raise ConnectionError  # the gateway ends in mid step
    assert await owned(office.pool, users["anna"]) == [700]
    await office.at(NOW)
    assert await owned(office.pool, users["anna"], users["boris"], users["head"]) == [400, 150, 150]
    backward = await office.pool.fetchval("select min(contact_id) from handover_card")
    await office.pool.execute("update contact set owner_id = $2 where id = $1", backward, users["anna"])

    another = HandoverSteps(ZONE)
    for minute in (1, 2, 3):
        async with office.pool.acquire() as connection, connection.transaction():
            await another.look(connection, NOW + timedelta(minutes=minute))

    assert await owned(office.pool, users["anna"], users["boris"], users["head"]) == [1, 349, 350]
    found = await handovers.read_handover(office.pool, id_)
    assert found is not None
    assert (found.state, found.cards, found.tasks) == ("done", 700, 350)
    twice = "select contact_id from owner_change where reason = 'new colleague' group by 1 having count(*) > 1"
    assert await office.pool.fetch(twice) == [], "who came back in between is not handed over again"
    astray = await office.pool.fetch(
        "select c.id from task t join contact c on c.id = t.contact_id where t.owner_id <> c.owner_id and c.id <> $1",
        backward,
    )
    assert astray == []


async def test_whoever_leaves_meanwhile_gets_no_more_and_without_anybody_it_stops(office: Office) -> None:
    users = office.site.users
    id_ = await ordered(office.pool, users["anna"], users["boris"], users["head"], cards=1000)
    steps = HandoverSteps(ZONE)

    async def look() -> None:
        async with office.pool.acquire() as connection, connection.transaction():
            await steps.look(connection, NOW)

    await look()
    await office.pool.execute("update users set active = false where id = $1", users["boris"])
    await look()
    assert await owned(office.pool, users["anna"], users["boris"], users["head"]) == [400, 150, 450]
    await office.pool.execute("update users set active = false where id = $1", users["head"])
    await look()
    await look()

    found = await handovers.read_handover(office.pool, id_)
    assert found is not None
    assert (found.state, found.stopped_by, found.cards) == ("stopped", "distribution", 600)


async def test_clients_of_one_who_leaves_go_to_whom_a_person_said_and_only_the_rest_by_rule(office: Office) -> None:
    users = office.site.users
    await ordered(office.pool, users["anna"], users["boris"], cards=400)
    await office.pool.execute("insert into contact (name, owner_id, heat) values ('K', $1, 'cold')", users["anna"])
    await office.pool.execute("update users set active = false where id = $1", users["anna"])

    for minute in range(4):
        await office.at(NOW + timedelta(minutes=minute))

    assert await owned(office.pool, users["anna"], users["boris"], users["head"]) == [0, 400, 1]


async def test_by_rule_those_whom_nobody_can_get_stay_and_it_comes_to_its_end(office: Office) -> None:
    users = office.site.users
    id_ = await ordered(office.pool, users["anna"], cards=650, rule=True)
    await office.pool.execute("update users set active = false where id = $1", users["head"])

    for minute in range(4):
        await office.at(NOW + timedelta(minutes=minute))

    found = await handovers.read_handover(office.pool, id_)
    assert found is not None
    assert (found.state, found.cards) == ("done", 0)
    assert await owned(office.pool, users["anna"]) == [650]


async def test_an_undo_in_mid_way_ends_the_handover_and_comes_to_its_own_end(office: Office) -> None:
    users = office.site.users
    id_ = await ordered(office.pool, users["anna"], users["boris"], cards=700)
    await office.at(NOW)
    await office.at(NOW + timedelta(seconds=1))
    await office.pool.execute("update handover set undone_by = 'user:9' where id = $1", id_)

    for second in range(2, 5):
        await office.at(NOW + timedelta(seconds=second))

    found = await handovers.read_handover(office.pool, id_)
    assert found is not None
    assert (found.state, found.cards, found.returned, found.undone_by) == ("stopped", 600, 600, "user:9")
    assert found.undone_at is not None
    assert await owned(office.pool, users["anna"], users["boris"]) == [700, 0]


async def test_killed_in_mid_way_the_gateway_hands_every_client_over_once(database: str, tmp_path: Path) -> None:
    config = configured(tmp_path, database=database)
    async with looking_at(database) as pool:
        from_, to = [
            await pool.fetchval("insert into users (login, name, role) values ($1, $1, 'manager') returning id", login)
            for login in ("from", "to")
        ]
        id_ = await ordered(pool, from_, to, cards=2000)

        async def gone(many: int) -> bool:
            return bool(await pool.fetchval("select cards >= $2 from handover where id = $1", id_, many))

        for many in (1, 700):
            with served(config) as gateway:
                await until(lambda many=many: gone(many))  # type: ignore[misc]
                await asyncio.sleep(0.9)  # somewhere in the next step, or between two
                gateway.kill()
            whole = await pool.fetchval("select cards from handover where id = $1", id_)
            assert await owned(pool, to) == [whole], "a step is done whole or not at all"
        with served(config) as gateway:
            await until(lambda: gone(2000))
            assert await gateway.stop(20) == 0

        assert await owned(pool, from_, to) == [0, 2000]
        assert await pool.fetchval("select count(*) from owner_change") == 2000
        assert await pool.fetchval("select count(*) from task where owner_id = $1", to) == 1000
