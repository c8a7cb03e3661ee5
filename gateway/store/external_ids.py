"""Identities of other systems: which of their ids stands for which of our things, one each way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gateway.store.database import Connection, Pool

Source = Pool | Connection
INT64_MAX = 2**63 - 1


class IdentityOf(StrEnum):
    """What an id of another system stands for."""

    CONTACT = "contact"
    ORGANISATION = "organisation"
    CALL = "call"
    TASK = "task"
    USER = "user"
    TOUCH = "touch"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalId:
    """One identity."""

    system: str
    kind: IdentityOf
    external: str
    local: str
    """Our id; of a thing that was merged, the one that stands."""
    made_at: datetime


_STANDING = {
    IdentityOf.CONTACT: "select present_card(id)::text from contact where id = $1::text::bigint",
    IdentityOf.ORGANISATION: "select coalesce(merged_into, id)::text from organisation where id = $1::text::bigint",
    IdentityOf.CALL: "select coalesce(merged_into, id)::text from call where id = $1::text::uuid",
    IdentityOf.TASK: "select id::text from task where id = $1::text::bigint",
    IdentityOf.USER: "select id::text from users where id = $1::text::bigint",
    IdentityOf.TOUCH: "select id::text from touch where id = $1::text::uuid",
}
"""What stands for a thing of ours; nothing: there is none with this id."""
_ROW = (
    "select system, kind, external, made_at, case kind"
    " when 'contact' then coalesce(present_card(local::bigint)::text, local)"
    " when 'call' then"
    "  coalesce((select coalesce(c.merged_into, c.id)::text from call c where c.id = local::uuid), local)"
    " when 'organisation' then"
    "  coalesce((select coalesce(o.merged_into, o.id)::text from organisation o where o.id = local::bigint), local)"
    " else local end as local from external_id"
)


async def standing(source: Source, kind: IdentityOf, local: str) -> str | None:
    """The id of the thing that stands, where one was merged; None: there is none with this id."""
    found: str | None = await source.fetchval(_STANDING[kind], local)
    return found


def _external(row: Mapping[str, object]) -> ExternalId:
    return ExternalId(**{**dict(row), "kind": IdentityOf(str(row["kind"]))})  # type: ignore[arg-type]


async def read_external(source: Source, system: str, kind: IdentityOf, external: str) -> ExternalId | None:
    """What an id of another system stands for; None: nothing."""
    row = await source.fetchrow(f"{_ROW} where system = $1 and kind = $2 and external = $3", system, kind, external)
    return _external(row) if row else None


async def list_externals(
    source: Source,
    *,
    system: str | None,
    kind: IdentityOf | None,
    local: str | None,
    after: tuple[str, str, str] | None,
    limit: int,
) -> list[ExternalId]:
    """Identities, by system, kind and id.

    Args:
        source: where to read.
        system: only of this one; None: of all.
        kind: only of this kind; None: of all.
        local: only of this thing of ours; None: of all.
        after: system, kind and id of the last one seen; None: from the first.
        limit: how many at most.
    """
    rows = await source.fetch(
        f"{_ROW} where ($1::text is null or system = $1) and ($2::text is null or kind = $2)"
        " and ($3::text is null or local = $3) and ($4::text is null or (system, kind, external) > ($4, $5, $6))"
        " order by system, kind, external limit $7",
        system,
        kind,
        local,
        *(after or (None, None, None)),
        limit,
    )
    return [_external(r) for r in rows]


async def externals_of(source: Source, kind: IdentityOf, locals: Sequence[str]) -> dict[str, dict[str, str]]:
    """The ids that other systems have for things of ours: by thing, then by system."""
    rows = await source.fetch(
        "select local, system, external from external_id where kind = $1 and local = any($2::text[])"
        " order by local, system",
        kind,
        locals,
    )
    found: dict[str, dict[str, str]] = {}
    for row in rows:
        found.setdefault(row["local"], {})[row["system"]] = row["external"]
    return found


async def link(connection: Connection, system: str, kind: IdentityOf, external: str, local: str) -> ExternalId | None:
    """Let an id of another system stand for a thing of ours.

    Returns:
        None: it does now, or did before. Else the identity that is in the way: the id stands for another thing, or the
        thing has another id in that system.
    """
    await connection.execute(
        "insert into external_id (system, kind, external, local) values ($1, $2, $3, $4) on conflict do nothing",
        system,
        kind,
        external,
        local,
    )
    row = await connection.fetchrow(
        f"{_ROW} where system = $1 and kind = $2 and (external = $3 or local = $4)"
        " order by (external = $3 and local = $4) desc limit 1",
        system,
        kind,
        external,
        local,
    )
    found = _external(row)
    return None if (found.external, found.local) == (external, local) else found


async def unlink(connection: Connection, system: str, kind: IdentityOf, external: str) -> bool:
    """Forget an identity; False: there was none."""
    found = await connection.fetchval(
        "delete from external_id where system = $1 and kind = $2 and external = $3 returning true",
        system,
        kind,
        external,
    )
    return bool(found)
