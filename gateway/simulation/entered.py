"""The calls of a synthetic day as the database holds them."""

from collections.abc import Sequence
from datetime import timedelta

from gateway.simulation.account import Entered
from gateway.store.database import Pool


async def entered_calls(pool: Pool) -> Sequence[Entered]:
    """Every call with a client; the database is the day's own, so nothing else is in it."""
    rows = await pool.fetch(
        "select client_number, direction, started_at, result, talk_us, answered_by from call"
        " where kind = 'client' and merged_into is null order by started_at"
    )
    return [
        Entered(
            client=row["client_number"],
            direction=row["direction"],
            began=row["started_at"],
            result=row["result"],
            talk=timedelta(microseconds=row["talk_us"]),
            taken_by=tuple(row["answered_by"]),
        )
        for row in rows
    ]


async def calls_still_open(pool: Pool) -> int:
    """How many calls have not ended yet, as far as the database knows."""
    count: int = await pool.fetchval("select count(*) from call where state <> 'ended' and merged_into is null")
    return count
