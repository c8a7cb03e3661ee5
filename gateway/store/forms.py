"""Forms of sites: each has a narrow key of its own that can send touches and nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from gateway.store.database import Connection, Pool

Source = Pool | Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A form of a site."""

    id: int
    key: str
    """Part of its address; it stands in the site's pages, so it is no secret."""
    name: str
    kind: str
    source_kind: str
    source_name: str
    trap: str
    """A field that people do not see; who fills it in is a program."""
    active: bool
    made_by: str
    created_at: datetime
    updated_at: datetime
    version: int


_FORM = (
    "select id, key, name, kind, source_kind, source_name, trap, active, made_by, created_at, updated_at, version"
    " from touch_form"
)


async def list_forms(source: Source, *, before: int | None, limit: int) -> list[Form]:
    """Forms, the newest first."""
    rows = await source.fetch(f"{_FORM} where $1::bigint is null or id < $1 order by id desc limit $2", before, limit)
    return [Form(**dict(r)) for r in rows]


async def read_form(source: Source, id: int) -> Form | None:
    """One form; None: there is none with this id."""
    row = await source.fetchrow(f"{_FORM} where id = $1", id)
    return Form(**dict(row)) if row else None


async def form_of_key(source: Source, key: str) -> Form | None:
    """The form that is sent to with this key; None: there is none, or it is closed."""
    row = await source.fetchrow(f"{_FORM} where key = $1 and active", key)
    return Form(**dict(row)) if row else None


async def make_form(
    connection: Connection,
    *,
    key: str,
    name: str,
    kind: str,
    source_kind: str,
    source_name: str,
    trap: str,
    made_by: str,
) -> Form:
    """Enter a form."""
    row = await connection.fetchrow(
        "insert into touch_form (key, name, kind, source_kind, source_name, trap, made_by)"
        " values ($1, $2, $3, $4, $5, $6, $7) returning *",
        key,
        name,
        kind,
        source_kind,
        source_name,
        trap,
        made_by,
    )
    return Form(**dict(row))


CHANGEABLE = ("name", "source_kind", "source_name", "trap", "active")


async def change_form(connection: Connection, id: int, *, version: int, changes: Mapping[str, object]) -> bool:
    """Change a form that is still as the caller read it; False: it has been changed since, or is not there."""
    names = [name for name in CHANGEABLE if name in changes]
    sets = "".join(f", {name} = ${place}" for place, name in enumerate(names, 3))
    found = await connection.fetchval(
        f"update touch_form set version = version + 1, updated_at = now(){sets} where id = $1 and version = $2"
        " returning true",
        id,
        version,
        *(changes[n] for n in names),
    )
    return bool(found)


async def delete_form(connection: Connection, id: int) -> bool:
    """Remove a form; what came through it stays. False: there is none with this id."""
    return bool(await connection.fetchval("delete from touch_form where id = $1 returning true", id))
