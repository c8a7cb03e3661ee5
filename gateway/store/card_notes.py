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
    changed_at: datetime | None
    """When its author changed it last; None: it is as it was written."""
    version: int


_NOTE = "id, contact_id, author, text, at, changed_at, version"


async def make_note(connection: Connection, contact: int, *, author: str, text: str, now: datetime) -> Note:
    """Write a note upon a card that stands."""
    row = await connection.fetchrow(
        f"insert into contact_note (contact_id, author, text, at) values ($1, $2, $3, $4) returning {_NOTE}",
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
        f"select {_NOTE} from contact_note where contact_id = $1"
        " and ($2::timestamptz is null or (at, id) < ($2, $3::bigint)) order by at desc, id desc limit $4",
        contact,
        at,
        id_,
        limit,
    )
    return [Note(**dict(r)) for r in rows]


async def hold_note(connection: Connection, contact: int, id: int) -> Note | None:
    """A note of a card, which nobody else changes until the transaction ends; None: the card has none with this id."""
    row = await connection.fetchrow(
        f"select {_NOTE} from contact_note where id = $1 and contact_id = $2 for update", id, contact
    )
    return Note(**dict(row)) if row else None


async def change_note(connection: Connection, note: Note, text: str, now: datetime) -> Note:
    """Give a note that is held another text."""
    row = await connection.fetchrow(
        f"update contact_note set text = $2, changed_at = $3, version = version + 1 where id = $1 returning {_NOTE}",
        note.id,
        text,
        now,
    )
    return Note(**dict(row))


async def remove_note(connection: Connection, note: Note) -> None:
    """Take a note that is held away."""
    await connection.execute("delete from contact_note where id = $1", note.id)


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
