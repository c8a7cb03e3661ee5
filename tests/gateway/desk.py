"""A desk that places calls as it is told: it writes the command's row as the real one does, and rings nobody."""

from dataclasses import dataclass, field
from datetime import datetime

from gateway.commands.orders import CallOrder, PlacedCall
from gateway.domain.identity import call_id
from gateway.store.commands import store_command
from gateway.store.database import Pool


@dataclass(slots=True)
class Desk:
    """Takes orders and keeps them."""

    pool: Pool
    orders: list[CallOrder] = field(default_factory=list)
    """What went out, each once."""
    moments: list[datetime] = field(default_factory=list)
    refuses: str = ""
    """Why the next orders are refused; empty: they are not."""
    dies: bool = False
    """The gateway is ended before the next order is written."""
    dies_after: bool = False
    """The gateway is ended when the next order is out and nobody has written that down."""

    async def place(self, order: CallOrder, *, now: datetime) -> PlacedCall:
        """Write the order down, or refuse it."""
        if self.dies:
            raise SystemExit("killed before it was sent")
        if self.refuses:
            return PlacedCall(state="refused", reason=self.refuses, detail="No.", call_id=None, contact_id=None)
        async with self.pool.acquire() as connection:
            await store_command(
                connection,
                id=order.id,
                pbx="pbx1",
                user_id=order.user_id,
                extension="101",
                number=order.number,
                source=order.source,
                actor=order.actor,
            )
        self.orders.append(order)
        self.moments.append(now)
        if self.dies_after:
            raise SystemExit("killed after it was sent")
        return PlacedCall(state="sent", reason="", detail="", call_id=call_id("pbx1", order.id), contact_id=None)

    async def ends(self, state: str, reason: str, order: CallOrder | None = None) -> None:
        """The last order, or the one that is named, comes to its end."""
        await self.pool.execute(
            "update command set state = $2, reason = $3, ended_at = now() where id = $1",
            (order or self.orders[-1]).id,
            state,
            reason,
        )
