"""Follows the feed of facts: what follows a call, a card or a task is written here, each fact exactly once.

A follower takes the next facts, lets its handler write what follows from them, and moves its place, in one
transaction: killed at any moment it goes on with nothing lost and nothing done twice, and calls never wait for it
(docs/decisions/0005). Facts that the handler returns are appended to the same feed, so one follower's work can be
another's beginning. Outside effects do not belong here: a handler writes a row that says what is wanted.

Calls that were over before the gateway knew their PBX are facts marked `history` (docs/decisions/0018). They count in
every figure, and start nothing: only a follower that asks for them is given them.

A fact on which the handler fails is tried alone; if it fails again it is left out, told and shown by the doctor, and
the others go on.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

import structlog

from gateway.live import Happening, Live
from gateway.store.database import DATABASE_AWAY, Connection, Pool
from gateway.store.facts import CHANNEL, Fact, NewFact, save_facts
from gateway.store.followers import enter_follower, facts_for, hidden_facts, refuse_fact, save_place

log = structlog.get_logger()

Handler = Callable[[Connection, Sequence[Fact], datetime], Awaitable[Sequence[NewFact]]]
"""Takes facts in the feed's order and the present moment (UTC), within a transaction; gives new facts."""
_BATCH = 200
_CHECK_SECONDS = 30.0
_GATHER_SECONDS = 0.1
"""From a wake-up to the look: on a busy site facts come with every row, and each look costs every follower a round."""
_LOOK_SECONDS = 2.0
"""So often the feed is looked at even when nobody tells that it has grown."""
_CALLS_SECONDS = 0.25
_LONGEST_WAIT = 60.0
"""A journal that stays behind for longer must not keep tasks and webhooks from being done."""
_HIDDEN_SECONDS = 0.02
"""The first pause before facts are looked for again that an older transaction hides; each further one is twice as
long, up to the usual look: nobody tells when they become visible."""


def now() -> datetime:
    """The present moment."""
    return datetime.now(UTC)


class Follower:
    """One follower of the feed."""

    def __init__(
        self,
        pool: Pool,
        name: str,
        handler: Handler,
        live: Live,
        clock: Callable[[], datetime] = now,
        *,
        history: bool = False,
    ) -> None:
        """Args:
        pool: the database that all nodes share; they take turns.
        name: of the follower, the same for ever: its place is kept under it.
        handler: writes what follows.
        live: told of the new facts after the commit.
        clock: the present moment, UTC.
        history: whether it is given facts of calls that were over before the gateway knew their PBX.
        """
        self._pool = pool
        self.name = name
        self._history = history
        self._handler = handler
        self._live = live
        self._clock = clock
        self._one_by_one = 0
        self._hidden = False
        self.woken = asyncio.Event()
        self.calls_are_behind: Callable[[], bool] = lambda: False
        """Whether many rows of a journal wait to be read; set by who runs it."""
        self.refused = 0
        """Facts left out since the start."""

    async def begin(self) -> None:
        """Be known to the database: what happens from now on is followed."""
        await enter_follower(self._pool, self.name)

    async def run(self) -> None:
        """Follow for ever, until cancelled."""
        await self.begin()
        again = _HIDDEN_SECONDS
        while True:
            self.woken.clear()
            await self._let_calls_first()
            await self.catch_up()
            try:
                async with asyncio.timeout(again if self._hidden else _LOOK_SECONDS):
                    await self.woken.wait()
                again = _HIDDEN_SECONDS
                await asyncio.sleep(_GATHER_SECONDS)
            except TimeoutError:
                again = min(2 * again, _LOOK_SECONDS)

    async def _let_calls_first(self) -> None:
        """After downtime calls come first: what follows them would take half of the machine from them."""
        until = time.monotonic() + _LONGEST_WAIT
        while self.calls_are_behind() and time.monotonic() < until:  # noqa: ASYNC110 - a figure that nobody announces
            await asyncio.sleep(_CALLS_SECONDS)

    async def catch_up(self) -> None:
        """Take everything that can be seen now."""
        while await self._take():
            pass

    async def _take(self) -> bool:
        """Take a batch; whether there may be more."""
        try:
            taken, told = await self._page(1 if self._one_by_one else _BATCH)
        except DATABASE_AWAY:
            raise
        except Exception as fault:  # noqa: BLE001 - at this work's top: one bad fact must not hold up all that come after it
            return await self._failed(fault)
        self._one_by_one = max(0, self._one_by_one - 1)
        for fact in told:
            self._live.publish(Happening(kind=fact.kind, body=fact.body, users=fact.users))
        return bool(taken)

    async def _page(self, limit: int) -> tuple[Sequence[Fact], Sequence[NewFact]]:
        async with self._pool.acquire() as connection, connection.transaction():
            facts = await facts_for(connection, self.name, limit)
            self._hidden = not facts and await hidden_facts(connection, self.name)
            if not facts:
                return (), ()
            mine = [f for f in facts if self._history or f.body.get("history") is not True]
            new = await self._handler(connection, mine, self._clock()) if mine else ()
            await save_facts(connection, new)
            await save_place(connection, self.name, facts[-1].position)
        return facts, new

    async def _failed(self, fault: Exception) -> bool:
        """First go one by one; then leave the one out that fails alone."""
        if not self._one_by_one:
            log.warning("facts failed; taking them one by one", follower=self.name, fault=type(fault).__name__)
            self._one_by_one = _BATCH
            return True
        async with self._pool.acquire() as connection, connection.transaction():
            facts = await facts_for(connection, self.name, 1)
            for fact in facts or ():
                await refuse_fact(connection, self.name, fact, type(fault).__name__)
                await save_place(connection, self.name, fact.position)
                self.refused += 1
                log.error(
                    "a fact was left out; see trunkline doctor",
                    follower=self.name,
                    kind=fact.kind,
                    position=fact.position,
                    exc_info=fault,
                )
        return bool(facts)


async def wake_followers(pool: Pool, followers: Sequence[Follower]) -> None:
    """Wake the followers whenever facts are committed, on one connection for all, until cancelled."""
    lost = asyncio.Event()

    def wake(*_: object) -> None:
        for follower in followers:
            follower.woken.set()

    def lose(*_: object) -> None:
        lost.set()

    async with pool.acquire() as connection:
        connection.add_termination_listener(lose)
        await connection.add_listener(CHANNEL, wake)
        try:
            while not lost.is_set():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_CHECK_SECONDS):
                        await lost.wait()
                await connection.execute("select 1")
        finally:
            connection.remove_termination_listener(lose)
            with contextlib.suppress(*DATABASE_AWAY):
                await connection.remove_listener(CHANNEL, wake)
