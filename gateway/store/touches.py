"""Touches from outside: placed at a card, written once, and those that nobody could place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from gateway.domain.touches import JOINED_WITHIN, Bound, NewTouch, Ways, beginning, placed
from gateway.store.card_numbers import Phone, card_of_number, cards_of_numbers
from gateway.store.contacts import NewCard, Refused, make_contact
from gateway.store.database import Connection, Pool

Source = Pool | Connection
_MAKING_CARDS = 11
_RATES_KEPT = "1 day"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a touch belongs."""

    contact: int | None
    choices: tuple[int, ...] = ()
    """Cards of which it may be one; empty: the card is certain, or nobody is known."""
    made: bool = False
    """The card was made for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Touch:
    """A touch."""

    id: UUID
    contact_id: int | None
    kind: str
    at: datetime
    direction: str
    source_kind: str | None
    source_name: str | None
    user_id: int | None
    text: str
    body: Mapping[str, object]
    made_by: str
    made_at: datetime


_TOUCH = (
    "select id, contact_id, kind, at, direction, source_kind, source_name, user_id, text, body, made_by, made_at"
    " from touch"
)


async def is_too_often(source: Source, who: str, bounds: Sequence[Bound], now: datetime) -> datetime | None:
    """Count one touch of somebody.

    Args:
        source: where it is counted; not the transaction of the touch, for refused ones count, too.
        who: whose touches are counted together.
        bounds: how many are allowed.
        now: the present moment.

    Returns:
        From when on he may send again; None: he may now.
    """
    until = None
    for bound in bounds:
        began = beginning(now, bound.span)
        n: int = await source.fetchval(
            "insert into touch_rate (who, span, began, n) values ($1, $2, $3, 1)"
            " on conflict (who, span, began) do update set n = touch_rate.n + 1 returning n",
            who,
            int(bound.span.total_seconds()),
            began,
        )
        if n > bound.most:
            until = max(until or began, began + bound.span)
        if n == 1:
            await source.execute(
                f"delete from touch_rate where began < $1::timestamptz - interval '{_RATES_KEPT}'", now
            )
    return until


async def place(connection: Connection, ways: Ways, card: NewCard) -> Place:
    """Find the card of a touch, or make one.

    Args:
        connection: within a transaction; touches of the same number or address wait for each other.
        ways: by what the client may be found.
        card: how a card is made, with its numbers and addresses.
    """
    for key in ways.keys:
        await connection.execute("select pg_advisory_xact_lock(hashtextextended($1, $2))", key, _MAKING_CARDS)
    contact, choices = placed(await _found(connection, ways))
    if contact is not None or choices or not ways.keys:
        return Place(contact=contact, choices=choices)
    async with connection.transaction():
        made = await make_contact(connection, card)
        if not isinstance(made, Refused):
            return Place(contact=made, made=True)
    # A call made the card between our look and our writing.
    contact, choices = placed(await _found(connection, ways))
    return Place(contact=contact, choices=choices)


async def _found(connection: Connection, ways: Ways) -> list[Sequence[int]]:
    """Cards by each way."""
    found: list[Sequence[int]] = []
    if ways.contact is not None:
        found.append(await _standing(connection, [ways.contact]))
    if ways.external is not None:
        locals_ = await connection.fetch(
            "select local from external_id where system = $1 and kind = 'contact' and external = $2", *ways.external
        )
        found.append(await _standing(connection, [int(r["local"]) for r in locals_]))
    if ways.number is not None:
        chosen = await card_of_number(connection, ways.number)
        holders = await cards_of_numbers(connection, [ways.number])
        found.append([chosen] if chosen is not None else holders.get(ways.number, []))
    if ways.email is not None:
        rows = await connection.fetch(
            "select distinct present_card(contact_id) as id from contact_address"
            " where kind = 'email' and folded = $1 limit 50",
            ways.email.folded,
        )
        found.append([r["id"] for r in rows])
    return [cards for cards in found if cards]


async def _standing(connection: Connection, cards: Sequence[int]) -> list[int]:
    """Those of some cards that are there, or what they were merged into."""
    rows = await connection.fetch(
        "select distinct present_card(id) as id from contact where id = any($1::bigint[])", cards
    )
    return [r["id"] for r in rows]


def new_card(ways: Ways, touch: NewTouch) -> NewCard:
    """The card that a touch of somebody unknown makes: an unsorted lead with its source."""
    return NewCard(
        name=ways.name,
        made_by=touch.made_by,
        source_kind=touch.source_kind or touch.kind,
        source_name=touch.source_name,
        phones=[Phone(number=ways.number)] if ways.number else [],
        addresses=[ways.email] if ways.email else [],
    )


async def same_touch(connection: Connection, touch: NewTouch, where: Place, now: datetime) -> UUID | None:
    """The touch that this one is once more: the same id of another system, or the same words a moment ago."""
    if touch.external is not None:
        found: str | None = await connection.fetchval(
            "select local from external_id where system = $1 and kind = 'touch' and external = $2", *touch.external
        )
        return UUID(found) if found else None
    if where.contact is None and not where.choices:
        return None  # two strangers may well say the same
    same: UUID | None = await connection.fetchval(
        "update touch set body = body || jsonb_build_object('joined', coalesce((body->>'joined')::int, 0) + 1)"
        " where id = (select id from touch where contact_id is not distinct from $1 and kind = $2 and made_at > $3"
        "  and text = $4 and source_name is not distinct from $5 and coalesce(body->'choices', '[]') = $6::jsonb"
        "  and coalesce(body->'fields', '{}') = $7::jsonb order by made_at desc limit 1) returning id",
        where.contact,
        touch.kind,
        now - JOINED_WITHIN,
        touch.text,
        touch.source_name,
        list(where.choices),
        dict(touch.fields),
    )
    return same


async def write_touch(connection: Connection, touch: NewTouch, ways: Ways, where: Place, now: datetime) -> UUID:
    """Write a touch, with the other system's id of it."""
    body: dict[str, object] = {"fields": dict(touch.fields)} if touch.fields else {}
    if where.choices:
        body["choices"] = list(where.choices)
    if where.contact is None and (ways.number or ways.email):
        body |= {"number": ways.number, "email": ways.email.value if ways.email else None}
    if ways.name:
        body["name"] = ways.name
    id_: UUID = await connection.fetchval(
        "insert into touch (contact_id, kind, at, direction, source_kind, source_name, user_id, text, body, made_by,"
        " made_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) returning id",
        where.contact,
        touch.kind,
        touch.at,
        touch.direction,
        touch.source_kind,
        touch.source_name,
        touch.user,
        touch.text,
        body,
        touch.made_by,
        now,
    )
    if touch.external is not None:
        await connection.execute(
            "insert into external_id (system, kind, external, local) values ($1, 'touch', $2, $3)",
            *touch.external,
            str(id_),
        )
    return id_


async def hold_external(connection: Connection, external: tuple[str, str]) -> None:
    """Let two requests with the same id of another system wait for each other."""
    await connection.execute("select pg_advisory_xact_lock(hashtextextended($1, $2))", ":".join(external), 12)


async def read_touch(source: Source, id: UUID) -> Touch | None:
    """One touch; None: there is none with this id."""
    row = await source.fetchrow(f"{_TOUCH} where id = $1", id)
    return Touch(**dict(row)) if row else None


async def list_touches(
    source: Source,
    *,
    contact: int | None,
    kind: str | None,
    unplaced: bool,
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Touch]:
    """Touches, the newest first.

    Args:
        source: where to read.
        contact: only of this card; None: of any.
        kind: only of this kind; None: of any.
        unplaced: only those for which a card has to be chosen.
        before: made at and id of the last one seen; None: from the newest.
        limit: how many at most.
    """
    rows = await source.fetch(
        f"{_TOUCH} where ($1::bigint is null or contact_id = $1) and ($2::text is null or kind = $2)"
        " and (not $3 or contact_id is null and body ? 'choices')"
        " and ($4::timestamptz is null or (made_at, id) < ($4, $5::uuid)) order by made_at desc, id desc limit $6",
        contact,
        kind,
        unplaced,
        *(before or (None, None)),
        limit,
    )
    return [Touch(**dict(r)) for r in rows]


async def give_touch(connection: Connection, id: UUID, contact: int) -> bool:
    """Put a touch that has no card yet at one; False: it has one, or there is none with this id."""
    found = await connection.fetchval(
        "update touch set contact_id = $2 where id = $1 and contact_id is null returning true", id, contact
    )
    return bool(found)
