"""Looks for cards that may be one person, a few at a time, whenever cards are new or changed."""

import time
from collections.abc import Sequence
from datetime import datetime

from gateway.store.database import Connection
from gateway.store.duplicates import propose
from gateway.store.facts import NewFact

EVERY_SECONDS = 5.0
_BATCH = 50
_BUDGET_SECONDS = 1.0
"""A look ends after the batch in which it has lasted so long: an import of 100,000 cards must not hold up the rest."""


async def find_duplicates(connection: Connection, now: datetime) -> Sequence[NewFact]:
    """Compare cards that wait for it; the work of a duty.

    Args:
        connection: within a transaction.
        now: the present moment, UTC.
    """
    began, facts = time.monotonic(), list[NewFact]()
    while True:
        compared, found = await propose(connection, now, most=_BATCH)
        facts += [
            NewFact(
                kind="duplicate.found",
                body={
                    "id": id,
                    "contact_id": proposal.one,
                    "other": proposal.other,
                    "score": proposal.score,
                    "reasons": list(proposal.reasons),
                },
                contact_id=proposal.one,
            )
            for id, proposal in found
        ]
        if compared < _BATCH or time.monotonic() - began > _BUDGET_SECONDS:
            return facts
