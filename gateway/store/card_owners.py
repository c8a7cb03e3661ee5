"""Whose client a card is, with the history of it: the one way in which an owner changes."""

from datetime import datetime

from gateway.store.database import Connection
from gateway.store.facts import NewFact, save_facts


async def owner_changed(
    connection: Connection,
    contact_id: int,
    to: int | None,
    *,
    reason: str,
    by: str,
    now: datetime,
    versioned: bool = True,
) -> NewFact | None:
    """Give a card another owner; the fact is given back, for a follower, a duty or a route to save and tell.

    Args:
        connection: within a transaction.
        contact_id: the card; of a merged one the card that stands.
        to: the new owner; None: nobody's client any more.
        reason: a code or a sentence, as it is shown in the card's history.
        by: who does it, like `user:17` or `rule:turn`.
        now: the present moment, UTC.
        versioned: whether the card's version counts up; False: it has done so for this change already.

    Returns:
        None: he is the owner already, or there is no such card.
    """
    before = await connection.fetchrow(
        "select id, owner_id from contact where id = (select standing_card($1)) for no key update", contact_id
    )
    if before is None or before["owner_id"] == to:
        return None
    card, from_ = before["id"], before["owner_id"]
    await connection.execute(
        "update contact set owner_id = $2, version = version + $4, updated_at = $3 where id = $1",
        card,
        to,
        now,
        int(versioned),
    )
    await connection.execute(
        "insert into owner_change (contact_id, from_id, to_id, reason, by, at) values ($1, $2, $3, $4, $5, $6)",
        card,
        from_,
        to,
        reason,
        by,
        now,
    )
    return NewFact(
        kind="contact.owner_changed",
        body={"id": card, "from": from_, "to": to, "reason": reason, "by": by},
        contact_id=card,
        users=tuple(user for user in (from_, to) if user is not None),
    )


async def change_owner(
    connection: Connection, contact_id: int, to: int | None, reason: str, by: str, now: datetime
) -> bool:
    """Give a card another owner and save the fact `contact.owner_changed`; see `owner_changed`.

    Returns:
        False: nothing was to be changed.
    """
    fact = await owner_changed(connection, contact_id, to, reason=reason, by=by, now=now)
    if fact is not None:
        await save_facts(connection, [fact])
    return fact is not None
