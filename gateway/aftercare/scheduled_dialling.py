"""Rings scheduled calls: what the clock has written down to be placed is placed after its commit.

The order's id was written with the call (gateway/aftercare/scheduled_calls.py); what a gateway killed here leaves
behind is placed by the next look, under the same id, or found to be out.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

import asyncpg

from gateway.aftercare.duties import Duty
from gateway.aftercare.follow import now as this_moment
from gateway.aftercare.scheduled_calls import ScheduledCalls, called
from gateway.commands.orders import CallOrder, PlacedCall
from gateway.domain.scheduled import After, ScheduledState, after_refusal
from gateway.live import Happening, Live
from gateway.store import scheduled as store
from gateway.store import scheduled_clock as clock_store
from gateway.store.commands import read_command
from gateway.store.database import Connection, Pool
from gateway.store.facts import NewFact, save_facts


class Placer(Protocol):
    """Places calls; `gateway.commands.placing.Placing` is one."""

    async def place(self, order: CallOrder, *, now: datetime) -> PlacedCall:
        """Write a call down and send it, unless something forbids it."""
        ...


class ScheduledDialling(Duty):
    """The duty that rings: what its work has written down is placed after the commit."""

    def __init__(
        self,
        pool: Pool,
        name: str,
        calls: ScheduledCalls,
        live: Live,
        placer: Placer | None,
        *,
        every: float,
        clock: Callable[[], datetime] = this_moment,
    ) -> None:
        """Args:
        pool: the database that all nodes share.
        name: of the duty, the same on every node.
        calls: the works.
        live: told of the facts after the commit.
        placer: places calls; None: nobody does here.
        every: seconds between two looks.
        clock: the present moment, UTC.
        """
        super().__init__(pool, name, calls.look, live, every=every, clock=clock)
        self._calls = calls
        self._placer = placer

    async def look(self, moment: datetime) -> Sequence[NewFact]:
        """Do what is due at a moment, then place what was written down."""
        self._calls.orders = []
        facts = list(await super().look(moment))
        orders, self._calls.orders = self._calls.orders, []
        for order in orders if self._placer else ():
            facts += await self.place(order, moment)
        return facts

    async def place(self, order: CallOrder, moment: datetime) -> list[NewFact]:
        """Place one order, and write down what came of it at once; gives the facts that were told."""
        assert self._placer is not None
        placed = await self._placed(order, moment)
        id_ = int(order.actor.removeprefix("schedule:"))
        async with self._pool.acquire() as connection, connection.transaction():
            if placed.state != "refused":
                mine = await clock_store.note_placed(connection, id_, order.id, placed.call_id, moment)
                facts = await called(connection, id_) if mine else []
            else:
                facts = await self._refused(connection, id_, order, placed, moment)
            await save_facts(connection, facts)
        for fact in facts:
            self._live.publish(Happening(kind=fact.kind, body=fact.body, users=fact.users))
        return facts

    async def _placed(self, order: CallOrder, moment: datetime) -> PlacedCall:
        assert self._placer is not None
        try:
            return await self._placer.place(order, now=moment)
        except asyncpg.UniqueViolationError:
            # Another node was first with this very order, or the manager rings this number at this moment.
            command = await read_command(self._pool, order.id)
            state, call = ("sent", command.call_id) if command else ("refused", None)
            return PlacedCall(state=state, reason="in_flight", detail="", call_id=call, contact_id=None)

    async def _refused(
        self, connection: Connection, id: int, order: CallOrder, placed: PlacedCall, moment: datetime
    ) -> list[NewFact]:
        call = await store.read_scheduled(connection, id, lock=True)
        if call is None or call.state is not ScheduledState.CALLING or call.order_id != order.id:
            return []
        rule = await store.read_rule(connection)
        if after_refusal(placed.reason) is After.PUT_OFF:
            return await self._calls.put_off(connection, call, placed.reason, rule, moment)
        return await self._calls.give_up(connection, call, placed.reason, rule, moment)
