"""Cards: what we know of the people who call us, made, read and changed; `card_lists` finds them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime

from gateway.domain.cards import Address, AddressKind
from gateway.store.card_numbers import Phone, set_phones
from gateway.store.database import Connection, Pool

Source = Pool | Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A card."""

    id: int
    name: str
    note: str
    owner_id: int | None
    owner_name: str | None
    organisation_id: int | None
    organisation_name: str | None
    job_title: str
    city: str
    line_of_business: str
    priority: int
    heat: str | None
    stage: str
    source_kind: str | None
    """Where the client came from: `did`, `campaign`, `site`, `import`..."""
    source_name: str | None
    timezone: str | None
    birthday: date | None
    fields: Mapping[str, object]
    """Values of the site's own fields by key."""
    made_by: str
    created_at: datetime
    updated_at: datetime
    last_touch_at: datetime
    version: int
    merged_into: int | None
    phones: tuple[Phone, ...]
    addresses: tuple[tuple[int, Address], ...]
    """With their ids."""

    @property
    def numbers(self) -> tuple[str, ...]:
        """E.164, in the order in which they were entered."""
        return tuple(phone.number for phone in self.phones)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCard:
    """A card about to be made."""

    name: str
    made_by: str
    """Who makes it, like `user:17`, `import:4`."""
    note: str = ""
    owner_id: int | None = None
    organisation_id: int | None = None
    job_title: str = ""
    city: str = ""
    line_of_business: str = ""
    priority: int = 0
    heat: str | None = None
    stage: str = "unsorted"
    source_kind: str | None = None
    source_name: str | None = None
    timezone: str | None = None
    birthday: date | None = None
    fields: Mapping[str, object] = field(default_factory=dict)
    phones: Sequence[Phone] = ()
    addresses: Sequence[Address] = ()


COLUMNS = tuple(f.name for f in fields(NewCard) if f.name not in ("phones", "addresses"))
"""Columns of `contact` that are written as they are."""
CHANGEABLE = tuple(name for name in COLUMNS if name != "made_by")

CARD = """select c.id, c.name, c.note, c.owner_id, u.name as owner_name, c.organisation_id, o.name as organisation_name,
 c.job_title, c.city, c.line_of_business, c.priority, c.heat, c.stage, c.source_kind, c.source_name, c.timezone,
 c.birthday, c.fields, c.made_by, c.created_at, c.updated_at, c.last_touch_at, c.version, c.merged_into,
 (select json_agg(json_build_object('number', p.number, 'kind', p.kind, 'label', p.label,
    'shared', coalesce(n.shared, false)) order by p.made_at, p.number)
    from contact_phone p left join contact_number n on n.number = p.number where p.contact_id = c.id) as phones,
 (select json_agg(json_build_object('id', a.id, 'kind', a.kind, 'label', a.label, 'value', a.value,
    'folded', a.folded) order by a.id) from contact_address a where a.contact_id = c.id) as addresses
 from contact c left join organisation o on o.id = c.organisation_id left join users u on u.id = c.owner_id"""


def contact_of(row: Mapping[str, object]) -> Contact:
    """A row of `CARD`."""
    values = dict(row)
    phones: Sequence[Mapping[str, object]] = values.pop("phones") or ()  # type: ignore[assignment]
    addresses: Sequence[Mapping[str, str]] = values.pop("addresses") or ()  # type: ignore[assignment]
    return Contact(
        phones=tuple(Phone(**phone) for phone in phones),  # type: ignore[arg-type]
        addresses=tuple((int(a["id"]), _address(a)) for a in addresses),
        **values,  # type: ignore[arg-type]
    )


def _address(row: Mapping[str, str]) -> Address:
    return Address(kind=AddressKind(row["kind"]), label=row["label"], value=row["value"], folded=row["folded"])


async def read_contact(source: Source, id: int) -> Contact | None:
    """The card at an id, the one it was merged into where it was; None: there is none."""
    row = await source.fetchrow(f"{CARD} where c.id = $1", id)
    while row is not None and row["merged_into"] is not None:
        row = await source.fetchrow(f"{CARD} where c.id = $1", row["merged_into"])
    return contact_of(row) if row else None


async def read_contacts(source: Source, ids: Sequence[int]) -> dict[int, Contact]:
    """Cards by id; those that do not exist are left out, and merged ones are shown as they were."""
    rows = await source.fetch(f"{CARD} where c.id = any($1::bigint[])", ids)
    return {r["id"]: contact_of(r) for r in rows}


async def hold_contact(connection: Connection, id: int) -> Contact | None:
    """The card that stands at an id, which nobody else changes until the transaction ends."""
    held = await connection.fetchval(
        "select id from contact where id = (select standing_card($1)) for no key update", id
    )
    return await read_contact(connection, held) if held is not None else None


@dataclass(frozen=True, slots=True)
class Refused:
    """Numbers that other cards have, by number."""

    taken: Mapping[str, Sequence[int]]


async def make_contact(connection: Connection, new: NewCard) -> int | Refused:
    """Make a card with its numbers and addresses.

    Args:
        connection: within a transaction, which the caller gives up where numbers are refused.
        new: the card; its numbers and addresses each once.

    Returns:
        The card's id; `Refused`: other cards have some of the numbers, and they were not to be shared.
    """
    places = ", ".join(f"${n}" for n in range(1, len(COLUMNS) + 1))
    card: int = await connection.fetchval(
        f"insert into contact ({', '.join(COLUMNS)}) values ({places}) returning id",
        *(getattr(new, name) for name in COLUMNS),
    )
    if taken := await set_phones(connection, card, new.phones):
        return Refused(taken)
    await set_addresses(connection, card, new.addresses)
    if new.owner_id is not None:
        await connection.execute(
            "insert into owner_change (contact_id, to_id, reason, by) values ($1, $2, 'made', $3)",
            card,
            new.owner_id,
            new.made_by,
        )
    return card


async def set_addresses(connection: Connection, contact: int, addresses: Sequence[Address]) -> None:
    """Let a card have these addresses and no others; those it has keep their ids."""
    kinds, folded = [a.kind for a in addresses], [a.folded for a in addresses]
    await connection.execute(
        "delete from contact_address a where a.contact_id = $1 and not exists"
        " (select from unnest($2::text[], $3::text[]) as w(kind, folded)"
        "  where w.kind = a.kind and w.folded = a.folded)",
        contact,
        kinds,
        folded,
    )
    await connection.execute(
        "insert into contact_address (contact_id, kind, folded, label, value)"
        " select $1, w.kind, w.folded, w.label, w.value"
        " from unnest($2::text[], $3::text[], $4::text[], $5::text[]) as w(kind, folded, label, value)"
        " on conflict (contact_id, kind, folded) do update set label = excluded.label, value = excluded.value",
        contact,
        kinds,
        folded,
        [a.label for a in addresses],
        [a.value for a in addresses],
    )


async def change_contact(connection: Connection, id: int, *, changes: Mapping[str, object], now: datetime) -> None:
    """Change columns of a card that is held (`hold_contact`); its owner is changed by `card_owners`.

    Args:
        connection: within the transaction that holds it.
        id: which card.
        changes: new values by the names in `CHANGEABLE`.
        now: the present moment, UTC.
    """
    names = [name for name in CHANGEABLE if name in changes]
    sets = "".join(f", {name} = ${place}" for place, name in enumerate(names, 3))
    await connection.execute(
        f"update contact set version = version + 1, updated_at = $2, compared_at = null{sets} where id = $1",
        id,
        now,
        *(changes[n] for n in names),
    )
