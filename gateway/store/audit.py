"""The audit as it is read: who did what to which thing, with the names that a person knows them by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from gateway.store.database import Connection, Pool

Source = Pool | Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which rows are wanted; None: any."""

    actor: str | None = None
    """Like `user:17` or `key:3f2a`."""
    action: str | None = None
    """A code, or a family of them like `user.*`."""
    about: str | None = None
    """What it was done to, like `user:17`; or a kind of thing, like `user`."""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """Something that somebody did."""

    id: int
    at: datetime
    actor: str
    action: str
    about: str
    detail: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Names of those who did something and of what it was done to, by kind and id."""

    things: Mapping[tuple[str, str], str] = field(default_factory=dict)


async def list_audit(
    source: Source, wanted: AuditFilter, *, before: tuple[datetime, int] | None, limit: int
) -> list[AuditRow]:
    """Rows of the audit, the newest first.

    Args:
        source: where to read.
        wanted: which.
        before: moment and id of the last one seen; None: from the newest.
        limit: how many at most.
    """
    values: list[object] = []
    conditions = ["true"]

    def add(condition: str, *given: object) -> None:
        marks = range(len(values) + 1, len(values) + len(given) + 1)
        values.extend(given)
        conditions.append(condition.format(*(f"${n}" for n in marks)))

    if wanted.actor is not None:
        add("actor = {0}", wanted.actor)
    if wanted.action is not None:
        family = wanted.action.removesuffix(".*")
        if family == wanted.action:
            add("action = {0}", wanted.action)
        else:
            add("action >= {0} and action < {1}", f"{family}.", f"{family}/")  # the sign behind the dot
    if wanted.about is not None:
        if ":" in wanted.about:
            add("object = {0}", wanted.about)
        else:
            add("(object = {0} or split_part(object, ':', 1) = {0})", wanted.about)
    if wanted.since is not None:
        add("at >= {0}", wanted.since)
    if wanted.until is not None:
        add("at < {0}", wanted.until)
    if before is not None:
        add("(at, id) < ({0}, {1})", *before)
    rows = await source.fetch(
        f"select id, at, actor, action, object as about, detail from audit where {' and '.join(conditions)}"
        f" order by at desc, id desc limit {limit:d}",
        *values,
    )
    return [AuditRow(**dict(row)) for row in rows]


_NAMED = {
    "user": "users",
    "team": "team",
    "contact": "contact",
    "organisation": "organisation",
    "inbound_route": "inbound_route",
    "routing_group": "routing_group",
    "form": "touch_form",
    "field": "custom_field",
}
_COLUMN = {"field": "label"}


async def names_of(source: Source, rows: Sequence[AuditRow]) -> Names:
    """The names of persons, keys and things that rows speak of; what is gone has none."""
    wanted: dict[str, set[str]] = {}
    for text in {t for row in rows for t in (row.actor, row.about)}:
        kind, _, id_ = text.partition(":")
        if kind == "key" or (kind in _NAMED and id_.isascii() and id_.isdigit() and len(id_) < 19):
            wanted.setdefault(kind, set()).add(id_)
    found: dict[tuple[str, str], str] = {}
    for kind, ids in wanted.items():
        if kind == "key":
            named = await source.fetch(
                "select key_id as id, name from api_key where key_id = any($1::text[])", list(ids)
            )
        else:
            named = await source.fetch(
                f"select id::text as id, {_COLUMN.get(kind, 'name')} as name from {_NAMED[kind]}"
                " where id = any($1::bigint[])",
                [int(id_) for id_ in ids],
            )
        found |= {(kind, row["id"]): row["name"] for row in named}
    return Names(things=found)


async def actions(source: Source) -> list[str]:
    """Every code that stands in the audit; the index is jumped over, not read through."""
    rows = await source.fetch(
        "with recursive a as ((select action from audit order by action limit 1) union all"
        " select (select n.action from audit n where n.action > a.action order by n.action limit 1)"
        "  from a where a.action is not null) select action from a where action is not null limit 500"
    )
    return [row["action"] for row in rows]
