"""Our own numbers: a name and a source for each, and what calls to it show; and the sources of new clients.

A number is known because somebody named it, because a route is for it, or because calls came to it lately.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from gateway.store.database import Connection, Pool

Source = Pool | Connection
LATELY_DAYS = 90
NUMBERS_MAX = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class OurNumber:
    """One of our numbers."""

    did: str
    name: str
    source_kind: str | None
    source_name: str | None
    note: str
    version: int
    """0: nobody has named it."""
    changed_at: datetime | None
    route_id: int | None
    route_name: str | None
    calls_today: int
    last_call_at: datetime | None
    """Within the last 90 days."""


_NUMBERS = """with seen as (select c.did, max(c.started_at) as last_at,
    count(*) filter (where c.started_at >= $1) as today from call c where c.kind = 'client'
    and c.state = 'ended' and c.merged_into is null and c.did is not null
    and c.started_at >= $2 and c.direction = 'inbound' group by c.did),
 known as (select did from our_number where archived_at is null union select did from inbound_route
    where archived_at is null and did is not null and did <> '*' union select did from seen
    union select unnest($3::text[]))
 select k.did, coalesce(n.name, '') as name, n.source_kind, n.source_name, coalesce(n.note, '') as note,
  coalesce(n.version, 0) as version, n.changed_at, r.id as route_id, r.name as route_name,
  coalesce(s.today, 0)::int as calls_today, s.last_at as last_call_at
 from known k left join our_number n on n.did = k.did and n.archived_at is null left join seen s on s.did = k.did
 left join inbound_route r on r.did = k.did and r.archived_at is null"""


async def our_numbers(
    source: Source, *, today: datetime, lately: datetime, configured: Sequence[str] = (), did: str | None = None
) -> list[OurNumber]:
    """Our numbers, those that were named first.

    Args:
        source: where to read.
        today: when the company's day began.
        lately: from when on calls count for `last_call_at`.
        configured: numbers that the configuration names.
        did: only this one.
    """
    rows = await source.fetch(
        f"{_NUMBERS} where $4::text is null or k.did = $4"
        f" order by n.name is null or n.name = '', lower(n.name), k.did limit {NUMBERS_MAX}",
        today,
        lately,
        list(configured),
        did,
    )
    return [OurNumber(**dict(row)) for row in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What one of our numbers is called."""

    did: str
    name: str
    """Of the number, else of its route; empty: nobody named it."""
    source_name: str | None


async def lines(source: Source) -> list[Line]:
    """Our numbers that somebody named or routed, by name; nothing of calls is read."""
    rows = await source.fetch(
        "select k.did, coalesce(nullif(n.name, ''), r.name, '') as name, n.source_name"
        " from (select did from our_number where archived_at is null union select did from inbound_route"
        "   where archived_at is null and did is not null and did <> '*') k"
        " left join our_number n on n.did = k.did and n.archived_at is null"
        " left join inbound_route r on r.did = k.did and r.archived_at is null"
        f" order by lower(coalesce(nullif(n.name, ''), r.name, '')), k.did limit {NUMBERS_MAX}"
    )
    return [Line(**dict(row)) for row in rows]


async def name_number(
    connection: Connection,
    did: str,
    *,
    name: str,
    source_kind: str | None,
    source_name: str | None,
    note: str,
    version: int,
    by: str,
) -> bool:
    """Name a number (version 0), or change what is known of it; False: it is not as the caller read it."""
    values = (did, name, source_kind, source_name, note, by)
    if version == 0:
        done = await connection.fetchval(
            "insert into our_number (did, name, source_kind, source_name, note, changed_by)"
            " values ($1, $2, $3, $4, $5, $6) on conflict do nothing returning true",
            *values,
        )
    else:
        done = await connection.fetchval(
            "update our_number set name = $2, source_kind = $3, source_name = $4, note = $5, changed_by = $6,"
            " changed_at = now(), version = version + 1 where did = $1 and version = $7 returning true",
            *values,
            version,
        )
    return bool(done)


async def forget_number(connection: Connection, did: str) -> bool:
    """Forget what is known of a number; False: nothing was."""
    return bool(await connection.fetchval("delete from our_number where did = $1 returning true", did))


async def give_sources(connection: Connection, calls: Sequence[UUID]) -> list[tuple[int, int]]:
    """Let new clients come from the source of the number that they called first.

    Args:
        connection: within a transaction.
        calls: that rang.

    Returns:
        The cards that got a source, with their new versions: made by a call, without one yet, not called with before.
    """
    rows = await connection.fetch(
        # Locked in the order of their ids, as whoever else writes several cards does, so that nobody waits in a circle.
        "with held as materialized (select k.id from contact k"
        "  where k.id in (select contact_id from call where id = any($1::uuid[])) order by k.id for no key update)"
        " update contact k set source_kind = n.source_kind, source_name = n.source_name, version = k.version + 1,"
        " updated_at = now() from held, call c join our_number n on n.did = c.did and n.archived_at is null"
        "  and n.source_kind is not null"
        " where c.id = any($1::uuid[]) and c.direction = 'inbound' and c.kind = 'client' and k.id = c.contact_id"
        "  and k.id = held.id and k.made_by = 'call' and k.source_kind is null and k.merged_into is null and not exists"
        "  (select from call e where e.contact_id = k.id and e.merged_into is null and e.started_at < c.started_at)"
        " returning k.id, k.version",
        list(calls),
    )
    return [(row["id"], row["version"]) for row in rows]
