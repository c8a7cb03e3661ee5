"""Keeps the order of the feed on a server whose transaction numbers begin anew: after a restore, from whatever copy.

A fact's place is the number of its transaction and its own (gateway.store.facts); followers and other people's programs
keep such places. On another server numbers begin near zero, so what it writes would lie before all that was copied. The
remedy is a difference, added to the numbers of this server wherever they become places of the feed.
"""

import asyncpg
import structlog

log = structlog.get_logger()

# A fact that is visible was written by a transaction below the snapshot's xmax, unless another server counted it.
_SHIFT = """select last - pg_snapshot_xmax(pg_current_snapshot())::text::bigint + 1 from (
 select max(tx)::text::bigint as last, feed_horizon()::text::bigint
  - pg_snapshot_xmin(pg_current_snapshot())::text::bigint as shift from fact) as feed
 where last - shift >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint"""


async def keep_feed_ahead(session: asyncpg.Connection) -> int:
    """Let new facts come after those that are there; nothing is changed on a server that wrote them itself.

    Args:
        session: of nobody else at work on the feed (`gateway.store.migrate.upgrade` holds its lock).

    Returns:
        By how much the feed is ahead of the server's own numbers from now on; 0: nothing was changed.
    """
    shift: int | None = await session.fetchval(_SHIFT)
    if shift is None:
        return 0
    async with session.transaction():
        for name, number in (
            ("feed_tx() returns xid8 language sql volatile", "pg_current_xact_id()"),
            ("feed_horizon() returns xid8 language sql stable", "pg_snapshot_xmin(pg_current_snapshot())"),
        ):
            await session.execute(
                f"create or replace function {name} as 'select (({number})::text::bigint + {int(shift)})::text::xid8'"
            )
    log.info("the feed goes on where the copied one ended")
    return shift
