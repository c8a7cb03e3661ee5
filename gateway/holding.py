"""Work of which only one node may do at a time: wait for the lease, work while it is ours, stop when it is not.

The lease is renewed every two seconds and runs out after six (both by the database's clock), so another node takes
over within six seconds of a crash, and of a holder that is merely stopped: that one learns on its first renewal, or
from its first write, that it is no longer the holder. A restarted gateway on the same machine does not wait for its
own dead predecessor.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from gateway.node import has_ended, this_node
from gateway.store.database import DATABASE_AWAY, Pool
from gateway.store.leases import Lease, LeaseLost, give_back_lease, holder_of, renew_lease, take_lease

log = structlog.get_logger()

RENEWAL = 2.0
"""Seconds between two renewals."""
LASTING = timedelta(seconds=6)
_LOOK = 0.5
_FAREWELL = 1.0


class Holding:
    """This node's part in one piece of work; `lease` is what it holds at the moment."""

    def __init__(self, pool: Pool, name: str) -> None:
        """Args:
        pool: the database that all nodes share.
        name: of the work, the same on every node.
        """
        self._pool = pool
        self._name = name
        self._node = this_node()
        self.lease: Lease | None = None
        """None: another node does the work, or the database is away."""
        self.another: bool = False
        """Whether another node was seen to hold it."""

    async def run(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do the work whenever it is ours, until cancelled.

        Args:
            work: goes on for ever, and can be cancelled and begun again.
        """
        while True:
            self.lease = await self._wait()
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._keep(self.lease), name=f"lease of {self._name}")
                    await work()
            except* LeaseLost:
                log.warning("another node has taken over", work=self._name)
            finally:
                held, self.lease = self.lease, None
                await self._give_back(held)

    async def _wait(self) -> Lease:
        while True:
            with contextlib.suppress(*DATABASE_AWAY):
                before = await holder_of(self._pool, self._name)
                ended = before if before and has_ended(before, seen_from=self._node) else None
                lease = await take_lease(self._pool, self._name, self._node.name, lasting=LASTING, ended=ended)
                if lease is not None:
                    self.another = False
                    log.info("this node does the work", work=self._name, epoch=lease.epoch)
                    return lease
                if not self.another:
                    log.info("another node does the work; this one stands by", work=self._name)
                self.another = True
            await asyncio.sleep(_LOOK)

    async def _keep(self, lease: Lease) -> None:
        while True:
            with contextlib.suppress(*DATABASE_AWAY):
                await renew_lease(self._pool, lease, lasting=LASTING)
            await asyncio.sleep(RENEWAL)

    async def _give_back(self, lease: Lease | None) -> None:
        if lease is not None:
            with contextlib.suppress(*DATABASE_AWAY):
                async with asyncio.timeout(_FAREWELL):
                    await give_back_lease(self._pool, lease)
