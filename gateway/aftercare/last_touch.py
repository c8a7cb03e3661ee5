"""Keeps on each card when somebody last talked with or wrote to its client, and from where he first came.

Lists are sorted by it. It is moved behind the calls, not with them: a card's row is written once for a batch of facts,
however many calls the batch has. A card that a call made gets that call's DID as its source, unless it has one.
"""

from collections.abc import Sequence
from datetime import datetime

from gateway.store.card_notes import touched
from gateway.store.database import Connection
from gateway.store.facts import Fact, NewFact

_CALLS = frozenset({"call.talking", "call.ended"})


async def note_touches(connection: Connection, facts: Sequence[Fact], now: datetime) -> Sequence[NewFact]:
    """Take facts of calls and touches.

    Args:
        connection: within a transaction.
        facts: of the feed.
        now: the present moment, UTC.
    """
    moments: dict[int, datetime] = {}
    sources: dict[int, str] = {}
    for fact in facts:
        if fact.contact_id is None or not (fact.kind in _CALLS or fact.kind.startswith("touch.")):
            continue
        at = _moment(fact, now)
        moments[fact.contact_id] = max(at, moments.get(fact.contact_id, at))
        did = fact.body.get("did")
        if fact.body.get("direction") == "inbound" and isinstance(did, str) and did:
            sources.setdefault(fact.contact_id, did)
    if moments:
        await touched(connection, moments)
    if sources:
        await _found_by(connection, sources)
    return ()


def _moment(fact: Fact, now: datetime) -> datetime:
    """When it happened, by the fact's own word; never in the future."""
    told = fact.body.get("started_at") or fact.body.get("at")
    try:
        at = datetime.fromisoformat(str(told)) if told else fact.at
    except ValueError:
        at = fact.at
    return min(at if at.tzinfo else fact.at, max(now, fact.at))


async def _found_by(connection: Connection, sources: dict[int, str]) -> None:
    ids = sorted(sources)
    await connection.execute(
        "update contact c set source_kind = 'did', source_name = w.did"
        " from unnest($1::bigint[], $2::text[]) as w(id, did)"
        " where c.id = w.id and c.source_kind is null and c.made_by = 'call'",
        ids,
        [sources[id][:200] for id in ids],
    )
