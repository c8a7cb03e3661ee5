"""New clients come from the source of the number that they called first: a campaign, a site, a printed price list."""

from collections.abc import Sequence
from datetime import datetime

from gateway.store.database import Connection
from gateway.store.facts import Fact, NewFact
from gateway.store.our_numbers import give_sources

_CALLS = frozenset({"call.ringing", "call.ended"})


async def follow_sources(connection: Connection, facts: Sequence[Fact], now: datetime) -> Sequence[NewFact]:
    """Take facts of calls (a follower's handler)."""
    calls = sorted({fact.call_id for fact in facts if fact.kind in _CALLS and fact.call_id is not None})
    if not calls:
        return ()
    cards = await give_sources(connection, calls)
    return [
        NewFact(
            kind="contact.changed",
            body={"id": card, "version": version},
            contact_id=card,
        )
        for card, version in cards
    ]
