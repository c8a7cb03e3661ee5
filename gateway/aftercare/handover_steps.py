"""Goes on with handovers that are too large for one transaction, and with undos of them: a duty of the clock.

The first step is done in the answer to the order (`gateway.api.handovers`). What is left is taken from what the
handover keeps of its order, `AT_ONCE` cards a look, each step in the duty's transaction together with the place it
came to. So a page that is closed changes nothing, and a gateway that is killed goes on behind the last whole step:
each card goes once at most.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from zoneinfo import ZoneInfo

from gateway.aftercare.giving import BY, Giver
from gateway.aftercare.handovers import AT_ONCE, HandoverOrder, NobodyError, give_back, hand_over
from gateway.store import handovers as store
from gateway.store.clienteles import Which, cards_meant
from gateway.store.database import Connection
from gateway.store.distribution_rules import known_users
from gateway.store.facts import NewFact
from gateway.store.handovers import Handover


class HandoverSteps:
    """The work of a duty."""

    def __init__(self, zone: ZoneInfo) -> None:
        """Args:
        zone: the company's.
        """
        self._zone = zone

    async def look(self, connection: Connection, now: datetime) -> Sequence[NewFact]:
        """One step of the oldest handover, or undo, that is not at its end."""
        found = await store.unfinished_handover(connection, now)
        if found is None:
            return ()
        # First the rules and then the handover, as an order or an undo by a person locks them.
        giver = await Giver(connection, now, self._zone, found.undone_by or found.by).begin()
        held = await store.read_handover(connection, found.id, lock=True)
        if held is None or held.undone_at is not None or held.undone_by != found.undone_by:
            return ()
        if held.undone_by is not None:
            by = held.undone_by
            await give_back(connection, giver, held, by=by, reason="undone", now=now, at_once=AT_ONCE)
        elif held.state == "going":
            await _go_on(connection, giver, held, now)
        return giver.facts


async def _go_on(connection: Connection, giver: Giver, handover: Handover, now: datetime) -> None:
    """Hand the next cards over; whoever left meanwhile gets none, and without anybody to get them it stops."""
    assert handover.from_id is not None
    wanted = (handover.to_id,) if handover.to_id is not None else handover.among
    here = await known_users(connection, wanted) if wanted else set()
    if wanted and not here:
        await store.stop_handover(connection, handover.id, BY)
        return
    which = Which.of_words(handover.from_id, handover.which)
    cards = await cards_meant(connection, which, after=handover.after_id, limit=AT_ONCE)
    order = HandoverOrder(
        from_id=handover.from_id,
        to_id=handover.to_id,
        contacts=cards,
        reason=handover.reason,
        by=handover.by,
        among=[user for user in handover.among if user in here],
        with_tasks=handover.with_tasks,
        with_scheduled=handover.with_scheduled,
        onto=handover.id,
    )
    with suppress(NobodyError):  # these stay with him; a rule may take those behind them
        await hand_over(connection, giver, order, now)
    await store.note_step(
        connection, handover.id, after=cards[-1] if cards else handover.after_id, going=len(cards) == AT_ONCE
    )
