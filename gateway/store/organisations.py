"""Organisations: the firms for which our clients call, with their people."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime

from gateway.store.card_access import visible_organisations
from gateway.store.card_lists import like
from gateway.store.database import Connection, Pool

Source = Pool | Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Organisation:
    """An organisation."""

    id: int
    name: str
    city: str
    line_of_business: str
    note: str
    owner_id: int | None
    owner_name: str | None
    fields: Mapping[str, object]
    people: int
    """How many cards it has."""
    made_by: str
    created_at: datetime
    updated_at: datetime
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOrganisation:
    """An organisation about to be made."""

    name: str
    made_by: str
    city: str = ""
    line_of_business: str = ""
    note: str = ""
    owner_id: int | None = None
    fields: Mapping[str, object] = field(default_factory=dict)


_COLUMNS = tuple(f.name for f in fields(NewOrganisation))
CHANGEABLE = tuple(name for name in _COLUMNS if name != "made_by")

_SELECT = """select o.id, o.name, o.city, o.line_of_business, o.note, o.owner_id, u.name as owner_name, o.fields,
 (select count(*) from contact c where c.organisation_id = o.id and c.merged_into is null) as people,
 o.made_by, o.created_at, o.updated_at, o.version from organisation o left join users u on u.id = o.owner_id"""


def _organisation(row: Mapping[str, object]) -> Organisation:
    return Organisation(**dict(row))  # type: ignore[arg-type]


async def read_organisation(source: Source, id: int, *, reach: int | None = None) -> Organisation | None:
    """One organisation; None: there is none with this id, or it may not be shown to the one who asks."""
    row = await source.fetchrow(f"{_SELECT} where o.id = $1 and {visible_organisations('$2')}", id, reach)
    return _organisation(row) if row else None


async def list_organisations(
    source: Source,
    *,
    text: str | None,
    city: str | None = None,
    owner: int | None = None,
    values: Mapping[str, object] | None = None,
    reach: int | None,
    before: int | None,
    limit: int,
) -> list[Organisation]:
    """A page of organisations, the newest first.

    Args:
        source: where to read.
        text: words of the name or of a searchable field; None: any.
        city: where it is; None: anywhere.
        owner: whose; None: anybody's.
        values: that fields of the site's own must have.
        reach: from `gateway.domain.cards.card_reach`.
        before: id of the last one seen; None: from the newest.
        limit: how many at most.
    """
    values_: list[object] = [reach, owner, city, dict(values or {}), before]

    def place(value: object) -> str:
        values_.append(value)
        return f"${len(values_)}"

    words = (text or "").split()
    named = " and ".join(like("o.name", word, place) for word in words) or "true"
    worded = " and ".join(like("o.field_words", word, place) for word in words) or "true"
    rows = await source.fetch(
        f"with found as materialized (select o.id from organisation o where {visible_organisations('$1')}"
        "  and ($2::bigint is null or o.owner_id = $2) and ($3::text is null or lower(o.city) = lower($3))"
        "  and o.fields @> $4 and ($5::bigint is null or o.id < $5) and o.merged_into is null"
        f"  and ({named} or (o.field_words <> '' and {worded})))"
        f" {_SELECT} where o.id in (select id from found order by id desc limit {int(limit)}) order by o.id desc",
        *values_,
    )
    return [_organisation(r) for r in rows]


async def make_organisation(connection: Connection, new: NewOrganisation) -> int:
    """Make an organisation and give its id."""
    places = ", ".join(f"${n}" for n in range(1, len(_COLUMNS) + 1))
    found: int = await connection.fetchval(
        f"insert into organisation ({', '.join(_COLUMNS)}) values ({places}) returning id",
        *(getattr(new, name) for name in _COLUMNS),
    )
    return found


async def change_organisation(
    connection: Connection, id: int, *, version: int, changes: Mapping[str, object], now: datetime
) -> bool:
    """Change an organisation that is still as the caller read it; False: it has been changed since."""
    names = [name for name in CHANGEABLE if name in changes]
    sets = "".join(f", {name} = ${place}" for place, name in enumerate(names, 4))
    found = await connection.fetchval(
        f"update organisation set version = version + 1, updated_at = $3{sets} where id = $1 and version = $2"
        " returning true",
        id,
        version,
        now,
        *(changes[n] for n in names),
    )
    return bool(found)


async def organisation_named(source: Source, name: str) -> int | None:
    """The oldest organisation of this name, in any letters; None: there is none."""
    found: int | None = await source.fetchval(
        "select id from organisation where lower(name) = lower($1) and merged_into is null order by id limit 1",
        name,
    )
    return found
