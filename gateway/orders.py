"""Commands whose end nobody told: the manager interface broke off, or the gateway was ended meanwhile.

How it fits: a command is `accepted` once the PBX has queued it; what follows is told by the journal
(`gateway.commands.following`), and that the manager's phone did not take it also over the connection that ordered it.
`OrderReview.run` looks at what is left at the start, after every connect and each minute, once nobody is waiting any
more (`SILENCE`) and the journal has been read to its end:

    its leg was answered, its call goes on or has ended    -> what the call says
    its leg ended unanswered                               -> refused, for the reason that the journal's row tells
    its leg still rings                                    -> left alone
    only its refusal was noted                             -> refused
    nothing of it ever appeared                            -> unknown: nobody can tell whether it was dialled
    it was written down and never sent                     -> refused, `not_sent`
    it was sent and nobody wrote down the PBX's answer     -> unknown, an order to a running call as well

A person decides then; nothing is ever sent again here. An unknown order whose leg comes later becomes what it says.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import structlog

from gateway.commands.following import follow
from gateway.commands.progress import step_of
from gateway.commands.steps import give_up_silent, tell
from gateway.commands.words import CommandState
from gateway.live import Live
from gateway.store.commands import seen_commands
from gateway.store.database import Pool

log = structlog.get_logger()

_LOOK_SECONDS = 60.0
_JOURNAL_SECONDS = 5.0


class OrderReview:
    """Looks at the commands to one PBX; `run` is its one task."""

    def __init__(self, pool: Pool, pbx: str, live: Live, *, is_behind: Callable[[], bool]) -> None:
        """Args:
        pool: the database.
        pbx: the PBX's name.
        live: told of what commands become.
        is_behind: whether rows of the journal wait to be read.
        """
        self._pool = pool
        self._pbx = pbx
        self._live = live
        self._is_behind = is_behind
        self._due = asyncio.Event()

    def look_now(self) -> None:
        """Look at once, such as after a connect."""
        self._due.set()

    async def run(self) -> None:
        """Look for ever."""
        while True:
            self._due.clear()
            looked = await self.look()
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_SECONDS if looked else _JOURNAL_SECONDS):
                    await self._due.wait()

    async def look(self) -> bool:
        """Settle what can be settled; False: the journal must be read first.

        Raises:
            asyncpg.PostgresError, OSError: the database is away.
        """
        await give_up_silent(self._pool, self._live)
        if self._is_behind():
            return False
        seen = await seen_commands(self._pool, pbx=self._pbx)
        if self._is_behind():
            return False
        late = [one for one in seen if one.is_old and step_of(one, journal_read=True) is not None]
        if late:
            async with self._pool.acquire() as connection, connection.transaction():
                facts = await follow(connection, late, journal_read=True)
            tell(self._live, facts)
            for fact in facts:
                if fact.body.get("state") in (CommandState.UNKNOWN, CommandState.REFUSED):
                    reason = fact.body.get("reason")
                    order, state = fact.body["id"], fact.body["state"]
                    log.warning(
                        "command settled without the PBX's word", pbx=self._pbx, order=order, state=state, reason=reason
                    )
        return True
