"""The feed on a server whose transaction numbers begin anew: nothing is hidden, and new facts come last."""

import asyncpg

from gateway.store.database import open_pool
from gateway.store.facts import NewFact, facts_after, save_facts
from gateway.store.feed_time import keep_feed_ahead
from gateway.store.followers import enter_follower, facts_for, hidden_facts
from gateway.store.migrate import upgrade

FAR = 5_000_000_000


async def copied_from_afar(pool: asyncpg.Pool) -> None:
    """A feed as a restore leaves it: written by a server that had counted further."""
    async with pool.acquire() as connection, connection.transaction():
        await enter_follower(connection, "notes")
        await save_facts(connection, [NewFact(kind="old.told", body={"n": n}) for n in range(3)])
        await connection.execute("update fact set tx = ($1::bigint + id)::text::xid8", FAR)
        await connection.execute("update follower set position = $1 where name = 'notes'", f"{FAR + 1}-1")


async def test_new_facts_come_after_those_that_were_copied(database: str) -> None:
    async with open_pool(database) as pool:
        await copied_from_afar(pool)
        assert await facts_after(pool, None, 10) == []  # all of it seems to lie in the future

        await upgrade(database)
        async with pool.acquire() as connection, connection.transaction():
            await save_facts(connection, [NewFact(kind="new.told", body={})])
        async with pool.acquire() as connection, connection.transaction():
            found = await facts_for(connection, "notes", 10)
            hidden = await hidden_facts(connection, "notes")

        assert [f.kind for f in found or ()] == ["old.told", "old.told", "new.told"]
        assert not hidden
        assert [f.kind for f in await facts_after(pool, None, 10)] == ["old.told"] * 3 + ["new.told"]


async def test_a_server_that_wrote_its_facts_itself_is_left_alone(database: str) -> None:
    async with open_pool(database) as pool:
        async with pool.acquire() as connection, connection.transaction():
            await save_facts(connection, [NewFact(kind="own.told", body={})])
        async with pool.acquire() as older, older.transaction():
            await older.execute("select pg_current_xact_id()")
            async with pool.acquire() as connection, connection.transaction():
                await save_facts(connection, [NewFact(kind="own.hidden", body={})])
            async with pool.acquire() as connection:
                assert await keep_feed_ahead(connection) == 0


async def test_a_second_restore_counts_on_from_the_first(database: str) -> None:
    async with open_pool(database) as pool:
        await copied_from_afar(pool)
        await upgrade(database)
        await pool.execute("update fact set tx = ($1::bigint * 2 + id)::text::xid8", FAR)
        await upgrade(database)
        async with pool.acquire() as connection, connection.transaction():
            await save_facts(connection, [NewFact(kind="new.told", body={})])

        assert [f.kind for f in await facts_after(pool, None, 10)] == ["old.told"] * 3 + ["new.told"]
        await upgrade(database)
        assert len(await facts_after(pool, None, 10)) == 4
