"""Between two tests the day comes to rest: what one left, or could not come to when it failed, is nothing to the next.

No call goes on, no order is open or fresh enough to be news, everybody is free and alone with the usual rules, and the
followers of the feed have done all that follows from the calls: what they do late would meet the next test.
"""

import asyncio
from datetime import UTC, datetime

from gateway.aftercare.manager_states import choose
from gateway.domain.manager_states import Choice, Chosen
from gateway.store.facts import save_facts
from tests.api.switchboard import accepted
from tests.web.day import Day

PATIENCE = 60.0
"""Seconds that the followers get."""
_WAITS = (
    "select exists (select from fact f, follower w where (f.tx, f.id) >"
    " (split_part(w.position, '-', 1)::xid8, split_part(w.position, '-', 2)::bigint))"
)
_OPEN_ORDERS = (
    "update command set state = 'cancelled', ended_at = now()"
    " where state in ('stored', 'sent', 'accepted', 'dialled', 'talking')"
)
"""The board of the tests tells no end of what it was ordered."""
_ORDERS_ARE_OLD = (
    "update command set ordered_at = ordered_at - interval '1 hour', ended_at = ended_at - interval '1 hour'"
    " where ordered_at > now() - interval '1 hour'"
)
_USUAL = (
    "delete from preference",
    "update manager_state_rule set after_call_seconds = 15 where after_call_seconds <> 15",
    "update help_ask set state = 'closed', closed_at = now(), closed_why = 'test' where state <> 'closed'",
    "update users set language = 'en', theme = 'auto' where login in ('anna', 'boris', 'head', 'root')",
)
_NOT_FREE = "select user_id from manager_state where until is null and state <> 'available'"


async def bring_to_rest(day: Day) -> None:
    """End what goes on, and wait until all that follows from it is done."""
    pool = day.api.site.pool
    while day.calls:
        await day.calls[-1].hang_up()
        day.calls.pop()
    await followed_up(day)
    for statement in (_OPEN_ORDERS, _ORDERS_ARE_OLD, *_USUAL):
        await pool.execute(statement)
    await free(day)
    await followed_up(day)
    board = day.api.board
    board.outcome, board.away = accepted(), False
    for kept in (board.gone_legs, board.held, board.consulting, board.lacking):
        kept.clear()


async def followed_up(day: Day) -> None:
    """Wait until every follower has taken every fact."""
    async with asyncio.timeout(PATIENCE):
        while await day.api.site.pool.fetchval(_WAITS):
            await asyncio.sleep(0.03)


async def free(day: Day) -> None:
    """Everybody takes calls again, whatever he had chosen or a call had left him with."""
    async with day.api.site.pool.acquire() as connection, connection.transaction():
        now = datetime.now(UTC)
        for row in await connection.fetch(_NOT_FREE):
            day.freed_at = now
            choice = Choice(at=now, chosen=Chosen.AVAILABLE, by=f"user:{row['user_id']}")
            await save_facts(connection, await choose(connection, row["user_id"], choice, now))
