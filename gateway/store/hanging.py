"""What hangs on a card: every reference to `contact`, asked of the catalogue, so that later tables are among them."""

from dataclasses import dataclass

from gateway.store.database import Connection, Pool

Source = Pool | Connection

_APART = frozenset(
    {
        "contact.merged_into",
        "contact_merge.kept_id",
        "contact_merge.gone_id",
        "contact_number.contact_id",
        "contact_phone.contact_id",
        "contact_address.contact_id",
        "duplicate.one_id",
        "duplicate.other_id",
    }
)
"""Foreign keys to `contact` that are not simply moved: those of merging itself, and what a card has only once."""
ARRAYS = ("task.contacts",)
"""Columns that hold cards without a foreign key, as arrays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hanging:
    """A column of another table that names a card."""

    table: str
    column: str
    key: tuple[str, ...]
    """The primary key's columns."""
    has_call: bool
    """Whether the table has a column `call_id` too."""


async def references(source: Source) -> list[Hanging]:
    """Every foreign key to `contact`, from the catalogue, the calls first."""
    rows = await source.fetch(
        "select r.relname::text as table, a.attname::text as column,"
        " array(select k.attname::text from pg_index i join pg_attribute k on k.attrelid = i.indrelid"
        "  and k.attnum = any(i.indkey) where i.indrelid = r.oid and i.indisprimary order by k.attnum) as key,"
        " exists (select from pg_attribute x where x.attrelid = r.oid and x.attname = 'call_id' and not x.attisdropped)"
        "  as has_call"
        " from pg_constraint f join pg_class r on r.oid = f.conrelid"
        " join pg_attribute a on a.attrelid = r.oid and a.attnum = any(f.conkey)"
        " where f.contype = 'f' and f.confrelid = 'contact'::regclass and f.conparentid = 0"
        " order by r.relname <> 'call', a.attname desc, r.relname"
    )
    return [Hanging(table=r["table"], column=r["column"], key=tuple(r["key"]), has_call=r["has_call"]) for r in rows]


async def hanging(source: Source) -> list[Hanging]:
    """The references that move with a card."""
    return [h for h in await references(source) if f"{h.table}.{h.column}" not in _APART]
