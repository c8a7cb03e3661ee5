"""The numbers of cards: whose they are, and which of them several persons share.

`contact_phone` says who has which number; `contact_number` is the one row a number has and names the card that a
caller gets. It follows from the first: one holder is the card, several are none (`shared`) until somebody says which
one is to be taken from now on (`remember`). `settle_numbers` is the only place where it is computed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.store.database import Connection, Pool

Source = Pool | Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Phone:
    """A number of a card."""

    number: str
    """E.164."""
    kind: str = "phone"
    """In the site's words: `mobile`, `work`."""
    label: str = ""
    shared: bool = False
    """Stored: several cards have it. To be stored: it may be a number that other cards have."""


async def card_numbers(source: Source, contact: int) -> list[Phone]:
    """The numbers of a card, the first entered first."""
    rows = await source.fetch(
        "select p.number, p.kind, p.label, coalesce(n.shared, false) as shared from contact_phone p"
        " left join contact_number n on n.number = p.number where p.contact_id = $1 order by p.made_at, p.number",
        contact,
    )
    return [Phone(**dict(r)) for r in rows]


async def cards_of_numbers(source: Source, numbers: Sequence[str]) -> dict[str, list[int]]:
    """Who has these numbers: ids of cards by number; a number that nobody has is left out."""
    rows = await source.fetch(
        "select number, array_agg(contact_id order by contact_id) as cards from contact_phone"
        " where number = any($1::text[]) group by number",
        numbers,
    )
    return {r["number"]: r["cards"] for r in rows}


async def card_of_number(source: Source, number: str) -> int | None:
    """The card that a caller with this number gets; None: nobody has it, or several and none was chosen."""
    found: int | None = await source.fetchval("select contact_id from contact_number where number = $1", number)
    return found


async def set_phones(connection: Connection, contact: int, phones: Sequence[Phone]) -> Mapping[str, Sequence[int]]:
    """Let a card have these numbers and no others.

    Args:
        connection: within a transaction, which the caller gives up where numbers are refused.
        contact: the card.
        phones: each number once.

    Returns:
        Numbers that other cards have, with these cards, and that were not to be shared; empty: all is written.
    """
    held = {
        r["number"] for r in await connection.fetch("select number from contact_phone where contact_id = $1", contact)
    }
    wanted = {phone.number: phone for phone in phones}
    touched = sorted(held ^ wanted.keys())
    await _hold(connection, contact, touched)
    added = [number for number in wanted if number not in held]
    others = await cards_of_numbers(connection, added)
    if refused := {number: cards for number, cards in others.items() if not wanted[number].shared}:
        return refused
    await connection.execute(
        "delete from contact_phone where contact_id = $1 and number = any($2::text[])",
        contact,
        sorted(held - wanted.keys()),
    )
    await connection.execute(
        "insert into contact_phone (contact_id, number, kind, label)"
        " select $1, p.number, p.kind, p.label"
        " from unnest($2::text[], $3::text[], $4::text[]) as p(number, kind, label)"
        " on conflict (contact_id, number) do update set kind = excluded.kind, label = excluded.label",
        contact,
        [p.number for p in phones],
        [p.kind for p in phones],
        [p.label for p in phones],
    )
    await settle_numbers(connection, touched)
    return {}


async def _hold(connection: Connection, contact: int, numbers: Sequence[str]) -> None:
    """Keep the rows of some numbers for this transaction, in one order, so that two cards never get one number."""
    await connection.execute(
        "insert into contact_number (number, contact_id) select number, $2 from unnest($1::text[]) as number"
        " order by number on conflict do nothing",
        numbers,
        contact,
    )
    await _hold_rows(connection, numbers)


async def _hold_rows(connection: Connection, numbers: Sequence[str]) -> None:
    await connection.execute(
        "select from contact_number where number = any($1::text[]) order by number for update", numbers
    )


async def settle_numbers(connection: Connection, numbers: Sequence[str]) -> None:
    """Let `contact_number` say what follows from `contact_phone`, for some numbers.

    Args:
        connection: within a transaction.
        numbers: those whose holders have changed. Their rows are held first: who changes the holders of one at the same
            time has held it too, and what he wrote must be seen.
    """
    await _hold_rows(connection, numbers)
    await connection.execute(
        "with held as (select w.number, t.shared, t.contact_id as chosen, count(p.contact_id) as holders,"
        "  min(p.contact_id) as one, bool_or(p.contact_id = t.contact_id) as chosen_holds"
        "  from unnest($1::text[]) as w(number) left join contact_number t on t.number = w.number"
        "  left join contact_phone p on p.number = w.number group by w.number, t.shared, t.contact_id),"
        " gone as (delete from contact_number n using held h where n.number = h.number and h.holders = 0)"
        " insert into contact_number (number, contact_id, shared)"
        "  select h.number, case when h.holders = 1 then h.one when h.shared and h.chosen_holds then h.chosen end,"
        "   h.holders > 1 from held h where h.holders > 0 order by h.number"
        " on conflict (number) do update set contact_id = excluded.contact_id, shared = excluded.shared",
        sorted(set(numbers)),
    )


async def remember(connection: Connection, number: str, contact: int) -> bool:
    """From now on a caller with a shared number gets this card; False: the card does not have the number."""
    found = await connection.fetchval(
        "update contact_number n set contact_id = $2 where n.number = $1 and exists"
        " (select from contact_phone p where p.number = $1 and p.contact_id = $2) returning true",
        number,
        contact,
    )
    return bool(found)
