"""Notes upon cards, each with its author and moment, and the last touch of a card."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.store.database import Connection, Pool

Source = Pool | Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A note."""

    id: int
    contact_id: int
    author: str
    """Like `user:17`."""
    text: str
    at: datetime


async def make_note(connection: Connection, contact: int, *, author: str, text: str, now: datetime) -> Note:
    """Write a note upon a card that stands."""
    row = await connection.fetchrow(
        "insert into contact_note (contact_id, author, text, at) values ($1, $2, $3, $4)"
        " returning id, contact_id, author, text, at",
        contact,
        author,
        text,
        now,
    )
    await touched(connection, {contact: now})
    return Note(**dict(row))


async def list_notes(source: Source, contact: int, *, before: tuple[datetime, int] | None, limit: int) -> list[Note]:
    """A page of a card's notes, the newest first."""
    at, id_ = before or (None, None)
    rows = await source.fetch(
        "select id, contact_id, author, text, at from contact_note where contact_id = $1"
        " and ($2::timestamptz is null or (at, id) < ($2, $3::bigint)) order by at desc, id desc limit $4",
        contact,
        at,
        id_,
        limit,
    )
    return [Note(**dict(r)) for r in rows]


async def touched(connection: Connection, cards: Mapping[int, datetime]) -> None:
    """Let cards know when somebody talked with or wrote to their clients last; an older moment changes nothing.

    Args:
        connection: within a transaction.
        cards: the moment by card.
    """
    ids = sorted(cards)
    moments: Sequence[datetime] = [cards[id] for id in ids]
    await connection.execute(
        "update contact c set last_touch_at = w.at from (select u.id, u.at from unnest($1::bigint[], $2::timestamptz[])"
        "  as u(id, at) join contact h on h.id = u.id order by u.id for no key update of h) w"
        " where c.id = w.id and c.last_touch_at < w.at",
        ids,
        moments,
    )
