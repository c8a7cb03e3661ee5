"""Click-to-calls whose end nobody told: the manager interface broke off, or the gateway was ended meanwhile.

How it fits: an order is `accepted` once the PBX has queued it; that the manager's phone did not take it is told later,
over the same connection. Where that is cut off, the order would stay `accepted` for ever. `OrderReview.run` looks at
such orders at the start, after every connect and each minute, once nobody is waiting any more (`SILENCE`) and the
journal has been read to its end:

    its leg was answered          -> accepted, as it was
    its leg ended unanswered      -> refused, for the reason that the journal's row tells
    its leg still rings           -> left alone
    only its refusal was noted    -> refused
    nothing of it ever appeared   -> unknown: nobody can tell whether it was dialled

A person decides then; nothing is ever dialled here. An unknown order whose leg comes later still becomes what it says.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from uuid import UUID

import structlog

from gateway.domain.call import Result
from gateway.domain.identity import call_id
from gateway.domain.orders import why_unanswered
from gateway.domain.ports import OrderState
from gateway.store.commands import UntoldOrder, call_results, settle_untold, untold_orders
from gateway.store.database import Pool
from gateway.store.idempotency import SILENCE

log = structlog.get_logger()

NOT_SEEN = "not_seen"
"""Reason of an order that was accepted and of which the journal tells nothing."""
_LOOK_SECONDS = 60.0
_JOURNAL_SECONDS = 5.0


def verdict(order: UntoldOrder, result: str | None) -> tuple[OrderState, str | None] | None:
    """What became of an order.

    Args:
        order: as it is stored, with its leg.
        result: of the call that it made; None: there is none.

    Returns:
        State and reason; None: nothing is to be changed.
    """
    if order.leg_answered:
        return OrderState.ACCEPTED, None
    if order.leg_ended:
        return OrderState.REFUSED, why_unanswered(order.cause)
    if order.leg_seen:
        return None
    if result is not None:
        return OrderState.REFUSED, "no_answer" if result == Result.NO_ANSWER else "failed"
    return (OrderState.UNKNOWN, NOT_SEEN) if order.state == OrderState.ACCEPTED else None


class OrderReview:
    """Looks at the orders to one PBX; `run` is its one task."""

    def __init__(self, pool: Pool, pbx: str, *, is_behind: Callable[[], bool]) -> None:
        """Args:
        pool: the database.
        pbx: the PBX's name.
        is_behind: whether rows of the journal wait to be read.
        """
        self._pool = pool
        self._pbx = pbx
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
        if self._is_behind():
            return False
        orders = await untold_orders(self._pool, self._pbx, silence=SILENCE)
        calls = {o.id: call_id(self._pbx, o.id) for o in orders if not o.leg_seen}
        results = await call_results(self._pool, list(calls.values())) if calls else {}
        if self._is_behind():
            return False
        for order in orders:
            call = order.call_id or calls.get(order.id)
            told = verdict(order, results.get(call) if call else None)
            if told is not None:
                await self._settle(order, told, None if told[0] is OrderState.UNKNOWN else call)
        return True

    async def _settle(self, order: UntoldOrder, told: tuple[OrderState, str | None], call: UUID | None) -> None:
        state, reason = told
        await settle_untold(self._pool, order, state=state, reason=reason, call=call)
        if state != order.state:
            log.warning(
                "order settled without the PBX's word", pbx=self._pbx, order=order.id, state=state, reason=reason
            )
