"""Bringing a database up to date, and refusing one that cannot serve."""

import asyncio
import contextlib
import itertools

import asyncpg
import pytest
import pytest_asyncio

from gateway.store.migrate import (
    MIGRATION_LOCK,
    DatabaseNewer,
    DatabaseUnfit,
    DatabaseUnreachable,
    check_database,
    refuse_old_server,
    upgrade,
)

numbers = itertools.count(1)


@contextlib.asynccontextmanager
async def session(dsn):
    connection = await asyncpg.connect(dsn)
    try:
        yield connection
    finally:
        await connection.close()


@pytest_asyncio.fixture
async def make_database(postgres):
    """Makes empty databases, not migrated, with what is added to CREATE DATABASE; gives their address."""
    made = []

    async def make(how="owner trunkline"):
        made.append(f"unmigrated_{next(numbers)}")
        async with session(postgres.dsn_for("postgres", superuser=True)) as connection:
            await connection.execute(f"create database {made[-1]} {how}")
        return postgres.dsn_for(made[-1])

    yield make
    async with session(postgres.dsn_for("postgres", superuser=True)) as connection:
        for name in made:
            await connection.execute(f"drop database {name} with (force)")


async def test_an_empty_database_gets_the_extensions(make_database):
    dsn = await make_database()

    await upgrade(dsn)

    async with session(dsn) as connection:
        assert await connection.fetchval("select similarity('ИВАНОВ', 'иванов')") == 1
        assert await connection.fetchval("select unaccent('Żółć')") == "Zolc"
        installed = {row["extname"] for row in await connection.fetch("select extname from pg_extension")}
    assert installed >= {"pg_trgm", "unaccent", "btree_gist"}


async def test_nodes_that_start_together_upgrade_once(make_database):
    dsn = await make_database()

    await asyncio.gather(*(upgrade(dsn) for _ in range(4)))

    async with session(dsn) as connection:
        assert await connection.fetchval("select count(*) from alembic_version") == 1


async def test_a_node_waits_while_another_one_migrates(make_database):
    dsn = await make_database()
    async with session(dsn) as other:
        await other.execute("select pg_advisory_lock($1)", MIGRATION_LOCK)
        waiting = asyncio.get_running_loop().create_task(upgrade(dsn))
        await asyncio.wait([waiting], timeout=0.5)
        assert not waiting.done()
        assert await other.fetchval("select to_regclass('alembic_version')") is None

    await waiting


async def test_a_database_of_a_newer_version_is_refused(database):
    async with session(database) as connection:
        await connection.execute("update alembic_version set version_num = '9999'")

        with pytest.raises(DatabaseNewer, match=r"at migration 9999.*Start that version again"):
            await upgrade(database)
        assert await connection.fetchval("select version_num from alembic_version") == "9999"


async def test_a_migrated_database_is_fit(database):
    await check_database(database)


async def test_a_database_without_cyrillic_letters_is_refused_and_the_remedy_helps(make_database):
    with pytest.raises(DatabaseUnfit, match=r"lower\('Ж'\) gives 'Ж'") as refusal:
        await upgrade(await make_database("owner trunkline template template0 locale_provider libc locale 'C'"))

    remedy = str(refusal.value).partition("create database trunkline ")[2].rstrip(";")
    await upgrade(await make_database(f"owner trunkline {remedy}"))


async def test_a_role_that_may_not_create_extensions_is_told_what_to_ask_for(make_database):
    with pytest.raises(DatabaseUnfit, match="create extension pg_trgm; create extension unaccent; create ext"):
        await upgrade(await make_database(""))


async def test_a_read_only_database_is_refused(make_database, postgres):
    dsn = await make_database()
    async with session(dsn) as connection:
        name = await connection.fetchval("select current_database()")
        await connection.execute(f"alter database {name} set default_transaction_read_only = on")

    with pytest.raises(DatabaseUnfit, match="name the primary server"):
        await check_database(dsn)


async def test_a_check_leaves_nothing_behind(make_database):
    dsn = await make_database()

    await check_database(dsn)

    async with session(dsn) as connection:
        assert await connection.fetchval("select count(*) from pg_extension where extname = 'pg_trgm'") == 0


def test_a_server_before_15_is_refused():
    refuse_old_server(15)
    with pytest.raises(DatabaseUnfit, match="The server is PostgreSQL 14; PostgreSQL 15 or newer is needed"):
        refuse_old_server(14)


@pytest.mark.parametrize(
    "dsn", ["postgresql://anna:secret@127.0.0.1:1/x", "postgresql:///x?host=/nonexistent", "postgresql://[::1]:1/x"]
)
async def test_a_server_that_does_not_answer_may_be_tried_again(dsn):
    with pytest.raises(DatabaseUnreachable) as refusal:
        await upgrade(dsn)
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize("dsn", ["mysql://anna:secret@localhost/x", "postgresql://anna:secret@localhost:99x/x"])
async def test_an_address_that_cannot_be_read_is_refused_without_its_password(dsn):
    with pytest.raises(DatabaseUnfit, match=r"check database\.url") as refusal:
        await upgrade(dsn)
    assert "secret" not in str(refusal.value)


async def test_a_wrong_password_and_a_missing_database_are_refused(postgres):
    for dsn in (postgres.dsn.replace("trunkline:", "trunkline:x", 1), postgres.dsn_for("nowhere")):
        with pytest.raises(DatabaseUnfit, match=r"check database\.url"):
            await upgrade(dsn)
