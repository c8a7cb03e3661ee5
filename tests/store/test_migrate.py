import asyncpg


async def test_a(database):
    s = await asyncpg.connect(database)
    assert await s.fetchval("select similarity('ИВАНОВ','иванов')") == 1
    await s.close()


async def test_b(database):
    s = await asyncpg.connect(database)
    assert await s.fetchval("select version_num from alembic_version") == "0001"
    await s.close()
