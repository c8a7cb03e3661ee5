"""Both colleagues of an internal call had a part in it and may see it; it counts in no figure."""

import pytest

from tests.gateway.site import open_site, rows_of

pytestmark = pytest.mark.asyncio


async def test_the_caller_and_the_called_colleague_both_have_a_part_that_counts_nowhere(database: str) -> None:
    async with open_site(database) as site:
        await site.take_all(rows_of("internal"))

        parts = await site.pool.fetch("select user_id, answered, counted from call_manager order by extension")
        assert [tuple(p) for p in parts] == [
            (site.users["anna"], False, False),
            (site.users["boris"], True, False),
        ]
        assert await site.pool.fetchval("select count(*) from manager_day") == 0
