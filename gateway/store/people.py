"""People, their extensions, and the endpoint tables as an administrator sees and changes them.

Rows are ended, never removed: a call of last year is folded with last year's table. What was given and taken back
within the same transaction leaves no row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.store.database import Connection, Pool
from gateway.store.staff import give_extension

Source = Pool | Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldExtension:
    """An extension a person has now, with the endpoints it rings at."""

    pbx: str
    extension: str
    endpoints: tuple[str, ...]
    caller_id: str | None = None
    """The number that clients see when he calls, E.164; None: what the PBX shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A user."""

    id: int
    login: str
    name: str
    role: str
    timezone: str | None
    language: str
    active: bool
    has_password: bool
    created_at: datetime
    version: int
    theme: str
    """auto, light or dark."""
    region: str | None
    """Country of ISO 3166 whose numbers he sees in their national form; None: the company's."""
    extensions: tuple[HeldExtension, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointRow:
    """A row of the endpoint table that holds now."""

    id: int
    pbx: str
    pattern: str
    kind: str
    extension: str
    since: datetime | None


_PERSON = """select u.id, u.login, u.name, u.role, u.timezone, u.language, u.active,
 u.password_hash is not null as has_password, u.created_at, u.version, u.theme, u.region, coalesce((
    select json_agg(json_build_object('pbx', e.pbx, 'extension', e.extension, 'endpoints', coalesce((
        select json_agg(p.pattern order by p.id) from endpoint p where p.pbx = e.pbx and p.kind = 'manager'
            and p.extension = e.extension and now() >= p.since and now() < p.until), '[]'), 'caller_id', (
        select s.number from shown_number s where s.user_id = u.id and s.pbx = e.pbx and s.extension = e.extension))
        order by e.pbx, e.extension)
    from extension e where e.user_id = u.id and now() >= e.since and now() < e.until), '[]') as extensions
 from users u"""


def _person(row: Mapping[str, object]) -> Person:
    values = dict(row)
    held: Sequence[Mapping[str, object]] = values.pop("extensions")  # type: ignore[assignment]
    extensions = tuple(
        HeldExtension(
            pbx=str(e["pbx"]),
            extension=str(e["extension"]),
            endpoints=tuple(e["endpoints"]),  # type: ignore[arg-type]
            caller_id=e["caller_id"],  # type: ignore[arg-type]
        )
        for e in held
    )
    return Person(extensions=extensions, **values)  # type: ignore[arg-type]


async def list_people(source: Source) -> list[Person]:
    """Everybody, by name."""
    return [_person(r) for r in await source.fetch(f"{_PERSON} order by u.active desc, u.name, u.id")]


async def read_user(source: Source, id: int) -> Person | None:
    """One person; None: nobody has this id."""
    row = await source.fetchrow(f"{_PERSON} where u.id = $1", id)
    return _person(row) if row else None


async def login_taken(source: Source, login: str) -> bool:
    """Whether somebody has this login."""
    return bool(await source.fetchval("select exists (select from users where login = lower($1))", login))


CHANGEABLE = ("name", "role", "timezone", "language", "active", "password_hash", "theme", "region")


async def change_user(
    connection: Connection, id: int, changes: Mapping[str, object], *, version: int | None = None
) -> bool:
    """Change a person.

    Args:
        connection: within a transaction.
        id: whose.
        changes: new values by the names in `CHANGEABLE`.
        version: as it was read; None: whatever it is.

    Returns:
        False: nobody has this id, or he has been changed since.
    """
    names = [name for name in CHANGEABLE if name in changes]
    sets = "".join(f", {name} = ${place}" for place, name in enumerate(names, 3))
    found = await connection.fetchval(
        f"update users set version = version + 1{sets} where id = $1 and ($2::int is null or version = $2)"
        " returning true",
        id,
        version,
        *(changes[n] for n in names),
    )
    return bool(found)


async def other_admins(connection: Connection, id: int) -> bool:
    """Whether an active administrator remains without this one; others who would change that wait."""
    await connection.execute("lock table users in share row exclusive mode")
    return bool(
        await connection.fetchval("select exists (select from users where role = 'admin' and active and id <> $1)", id)
    )


async def assign_extension(
    connection: Connection, *, pbx: str, extension: str, user_id: int, patterns: Sequence[str]
) -> None:
    """Give a person an extension with exactly these endpoints, from now on.

    Args:
        connection: within a transaction.
        pbx: the PBX's name.
        extension: as it is dialled.
        user_id: whose it becomes; what others had of it ends.
        patterns: endpoints and outside numbers in E.164, the one that click-to-call rings first.
    """
    await connection.execute("lock table extension, endpoint in share row exclusive mode")
    person = await read_user(connection, user_id)
    held = person.extensions if person else ()
    if any((e.pbx, e.extension, e.endpoints) == (pbx, extension, tuple(patterns)) for e in held):
        return
    await _end_endpoints(connection, "pbx = $1 and kind = 'manager' and extension = $2", pbx, extension)
    await give_extension(connection, pbx=pbx, extension=extension, user_id=user_id, patterns=patterns)


async def take_extension(connection: Connection, *, pbx: str, extension: str, user_id: int) -> bool:
    """End a person's extension and its endpoints now.

    Returns:
        False: he does not have it.
    """
    await connection.execute("lock table extension, endpoint in share row exclusive mode")
    ended = await connection.fetch(
        "select id from extension where pbx = $1 and extension = $2 and user_id = $3 and until > now()",
        pbx,
        extension,
        user_id,
    )
    if not ended:
        return False
    ids = [r["id"] for r in ended]
    await connection.execute("delete from extension where id = any($1::bigint[]) and since >= now()", ids)
    await connection.execute("update extension set until = now() where id = any($1::bigint[]) and until > now()", ids)
    await _end_endpoints(connection, "pbx = $1 and kind = 'manager' and extension = $2", pbx, extension)
    return True


async def _end_endpoints(connection: Connection, which: str, *values: object) -> int:
    """End rows of the endpoint table; how many there were."""
    gone = await connection.fetch(f"delete from endpoint where {which} and since >= now() returning id", *values)
    ended = await connection.fetch(
        f"update endpoint set until = now() where {which} and until > now() returning id", *values
    )
    return len(gone) + len(ended)


_ROW = """select id, pbx, pattern, kind, extension, nullif(since, '-infinity') as since from endpoint
 where now() >= since and now() < until"""


async def list_endpoints(source: Source) -> list[EndpointRow]:
    """The rows that hold now, by PBX and pattern."""
    return [EndpointRow(**dict(r)) for r in await source.fetch(f"{_ROW} order by pbx, pattern")]


async def add_endpoint(connection: Connection, *, pbx: str, pattern: str, kind: str) -> EndpointRow:
    """Enter a trunk or an ignored endpoint; what the pattern meant before ends now.

    Args:
        connection: within a transaction.
        pbx: the PBX's name.
        pattern: endpoint, with wildcards or not.
        kind: trunk or ignored.
    """
    await connection.execute("lock table endpoint in share row exclusive mode")
    same = await connection.fetchrow(f"{_ROW} and pbx = $1 and pattern = $2 and kind = $3", pbx, pattern, kind)
    if same is None:
        known = await connection.fetchval(
            "select exists (select from endpoint where pbx = $1 and pattern = $2)", pbx, pattern
        )
        await _end_endpoints(connection, "pbx = $1 and pattern = $2", pbx, pattern)
        since = "now()" if known else "'-infinity'"
        await connection.execute(
            f"insert into endpoint (pbx, pattern, kind, since) values ($1, $2, $3, {since})", pbx, pattern, kind
        )
        same = await connection.fetchrow(f"{_ROW} and pbx = $1 and pattern = $2", pbx, pattern)
    return EndpointRow(**dict(same))


async def end_endpoint(connection: Connection, id: int) -> bool:
    """End a row now; False: no row with this id holds."""
    await connection.execute("lock table endpoint in share row exclusive mode")
    return await _end_endpoints(connection, "id = $1", id) > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class UnmappedEndpoint:
    """An endpoint seen in calls that no table named when they were folded."""

    pbx: str
    name: str
    calls: int
    last_at: datetime


async def unmapped_endpoints(source: Source, since: datetime) -> list[UnmappedEndpoint]:
    """Endpoints that calls since then could not place, the busiest first."""
    rows = await source.fetch(
        "select c.pbx, u.name, count(*) as calls, max(c.started_at) as last_at"
        " from call c, unnest(c.unmapped) as u(name)"
        " where c.unmapped <> '{}' and c.started_at >= $1 group by 1, 2 order by 3 desc, 2 limit 500",
        since,
    )
    return [UnmappedEndpoint(**dict(r)) for r in rows]
