"""Cards: what we know of the people who call us, and the numbers by which they are found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.store.database import Connection, Pool

Source = Pool | Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A card."""

    id: int
    name: str
    note: str
    owner_id: int | None
    made_by: str
    created_at: datetime
    updated_at: datetime
    version: int
    numbers: tuple[str, ...]
    """E.164, in the order in which they were entered."""


_CARD = """select c.id, c.name, c.note, c.owner_id, c.made_by, c.created_at, c.updated_at, c.version,
 coalesce((select array_agg(n.number order by n.created_at, n.number) from contact_number n where n.contact_id = c.id),
    '{}') as numbers from contact c"""


def _contact(row: Mapping[str, object]) -> Contact:
    values = dict(row)
    numbers: Sequence[str] = values.pop("numbers")  # type: ignore[assignment]
    return Contact(numbers=tuple(numbers), **values)  # type: ignore[arg-type]


async def find_contacts(
    source: Source, *, text: str | None, number: str | None, owner: int | None, before: int | None, limit: int
) -> list[Contact]:
    """Cards, the newest first.

    Args:
        source: where to read.
        text: part of the name; None: any.
        number: E.164 that the card has, as another way to fit the text; None: none.
        owner: whose; None: anybody's.
        before: id of the last card seen; None: from the newest.
        limit: how many at most.
    """
    rows = await source.fetch(
        f"{_CARD} where ($1::text is null and $2::text is null"
        "  or ($1::text is not null and c.name ilike '%' || $1 || '%')"
        "  or ($2::text is not null and c.id in (select n.contact_id from contact_number n where n.number = $2)))"
        " and ($3::bigint is null or c.owner_id = $3) and ($4::bigint is null or c.id < $4)"
        " order by c.id desc limit $5",
        None if text is None else _literal(text),
        number,
        owner,
        before,
        limit,
    )
    return [_contact(r) for r in rows]


def _literal(text: str) -> str:
    """A text in which the signs of a LIKE pattern stand for themselves."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


async def read_contact(source: Source, id: int) -> Contact | None:
    """One card; None: there is none with this id."""
    row = await source.fetchrow(f"{_CARD} where c.id = $1", id)
    return _contact(row) if row else None


async def taken_numbers(source: Source, numbers: Sequence[str]) -> dict[str, int]:
    """Which of the numbers have a card, and which one."""
    rows = await source.fetch("select number, contact_id from contact_number where number = any($1::text[])", numbers)
    return {r["number"]: r["contact_id"] for r in rows}


async def make_contact(
    connection: Connection, *, name: str, note: str, owner_id: int | None, made_by: str, numbers: Sequence[str]
) -> int | None:
    """Make a card with its numbers.

    Args:
        connection: within a transaction, which the caller gives up on None.
        name: of the person.
        note: free text.
        owner_id: whose card; None: nobody's.
        made_by: who makes it, like `user:17`.
        numbers: E.164.

    Returns:
        The card's id; None: one of the numbers has a card already.
    """
    card: int = await connection.fetchval(
        "insert into contact (name, note, owner_id, made_by) values ($1, $2, $3, $4) returning id",
        name,
        note,
        owner_id,
        made_by,
    )
    written = await connection.fetch(
        "insert into contact_number (number, contact_id)"
        " select number, $2 from unnest($1::text[]) as number order by number on conflict do nothing returning number",
        numbers,
        card,
    )
    return card if len(written) == len(numbers) else None


CHANGEABLE = ("name", "note", "owner_id")


async def change_contact(connection: Connection, id: int, *, version: int, changes: Mapping[str, object]) -> bool:
    """Change a card that is still as the caller read it.

    Args:
        connection: within a transaction.
        id: which card.
        version: as it was read.
        changes: new values by the names in `CHANGEABLE`.

    Returns:
        False: it has been changed since, or is not there.
    """
    names = [name for name in CHANGEABLE if name in changes]
    sets = "".join(f", {name} = ${place}" for place, name in enumerate(names, 3))
    found = await connection.fetchval(
        f"update contact set version = version + 1, updated_at = now(){sets} where id = $1 and version = $2"
        " returning true",
        id,
        version,
        *(changes[n] for n in names),
    )
    return bool(found)
