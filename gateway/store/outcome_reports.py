"""Outcomes as they are read: lists, what is still missing by manager, and the figures with their shares.

A figure counts the outcomes that count now (`is_current`), on the day, for the manager and the DID of the call as it is
now; the list with the same filter has as many rows as the figure says.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from gateway.store.database import Connection, Pool
from gateway.store.outcomes import OUTCOME, Outcome, outcome_row

Source = Pool | Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeFilter:
    """Which outcomes."""

    only_user: int | None = None
    """The one whose outcomes may be seen; None: everybody's."""
    user: int | None = None
    no_user: bool = False
    contact: int | None = None
    call: UUID | None = None
    did: str | None = None
    no_did: bool = False
    """Only those of no DID: outbound calls and cards."""
    direction: str | None = None
    outcome: str | None = None
    reason: str | None = None
    no_reason: bool = False
    since: date | None = None
    until: date | None = None
    """The last day, itself included."""


@dataclass(slots=True)
class _Where:
    conditions: list[str] = field(default_factory=lambda: ["o.is_current"])
    values: list[object] = field(default_factory=list)

    def add(self, condition: str, value: object) -> None:
        if value is not None:
            self.values.append(value)
            self.conditions.append(condition.replace("$", f"${len(self.values)}"))

    def text(self) -> str:
        return " and ".join(self.conditions)


def _where(wanted: OutcomeFilter) -> _Where:
    where = _Where()
    plain: Mapping[str, object] = {
        "o.user_id = $": wanted.user,
        "o.user_id = $ ": wanted.only_user,
        "o.contact_id in (select $::bigint union all select id from contact where merged_into = $)": wanted.contact,
        "o.standing_id = $": wanted.call,
        "o.did = $": wanted.did,
        "o.direction = $": wanted.direction,
        "o.disposition_id = (select id from disposition where key = $)": wanted.outcome,
        "o.reason_id in (select id from disposition_reason where key = $)": wanted.reason,
        "o.day >= $": wanted.since,
        "o.day <= $": wanted.until,
    }
    for condition, value in plain.items():
        where.add(condition, value)
    if wanted.no_user:
        where.conditions.append("o.user_id is null")
    if wanted.no_did:
        where.conditions.append("o.did is null")
    if wanted.no_reason:
        where.conditions.append("o.reason_id is null")
    return where


async def list_outcomes(
    source: Source, wanted: OutcomeFilter, *, after: tuple[datetime, int] | None, limit: int
) -> list[Outcome]:
    """A page of outcomes, the newest first."""
    where = _where(wanted)
    if after is not None:
        where.values += after
        where.conditions.append(f"(o.at, o.id) < (${len(where.values) - 1}, ${len(where.values)})")
    rows = await source.fetch(
        f"{OUTCOME} where {where.text()} order by o.at desc, o.id desc limit {int(limit)}", *where.values
    )
    return [outcome_row(r) for r in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How many outcomes of one kind."""

    group: object
    """The manager's id or the DID; None: outcomes of none, or all together."""
    outcome: str
    means: str
    reason: str | None
    reasons: str | None
    """The list its reasons come from."""
    n: int


async def count_outcomes(source: Source, wanted: OutcomeFilter, *, by: str | None) -> list[Count]:
    """Outcomes counted by kind and reason.

    Args:
        source: where to read.
        wanted: which ones.
        by: `user` or `did`; None: all together.
    """
    group = {"user": "o.user_id", "did": "o.did", None: "null::text"}[by]
    where = _where(wanted)
    rows = await source.fetch(
        "with counted as (select n.g, n.disposition_id, n.reason_id, n.n from ("
        f"  select {group} as g, o.disposition_id, o.reason_id, count(*) as n from outcome o where {where.text()}"
        "  group by 1, 2, 3) n)"
        " select c.g as group, d.key as outcome, d.means, d.reasons, r.key as reason, c.n from counted c"
        " join disposition d on d.id = c.disposition_id left join disposition_reason r on r.id = c.reason_id"
        " order by c.g nulls last, d.place, d.id, r.place nulls last, r.id",
        *where.values,
    )
    return [Count(**dict(r)) for r in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A call without its outcome, or an outcome that lacks something."""

    at: datetime
    key: str
    """Unique, to go on from."""
    user_id: int | None
    call_id: UUID | None
    contact_id: int | None
    outcome_id: int | None
    rule_id: int | None


_MISSING = """select * from (
 (select w.at, w.call_id::text as key, w.user_id, w.call_id, c.contact_id, null::bigint as outcome_id, w.rule_id
  from outcome_wanted w join call c on c.id = w.call_id
  where ($1::bigint is null or w.user_id = $1) and ($2::timestamptz is null or w.at >= $2)
   and ($3::timestamptz is null or w.at < $3) and ($4::timestamptz is null or (w.at, w.call_id::text) < ($4, $5))
  order by w.at desc, w.call_id desc limit $6)
 union all
 (select o.at, lpad(o.id::text, 20, '0'), o.user_id, o.standing_id, o.contact_id, o.id, null
  from outcome o where o.is_current and not o.is_complete
   and ($1::bigint is null or o.user_id = $1) and ($2::timestamptz is null or o.at >= $2)
   and ($3::timestamptz is null or o.at < $3)
   and ($4::timestamptz is null or (o.at, lpad(o.id::text, 20, '0')) < ($4, $5))
  order by o.at desc, o.id desc limit $6)) x order by at desc, key desc limit $6"""


async def missing_outcomes(
    source: Source,
    *,
    user: int | None,
    since: datetime | None,
    until: datetime | None,
    after: tuple[datetime, str] | None,
    limit: int,
) -> list[Missing]:
    """What managers still owe, the newest first.

    Args:
        source: where to read.
        user: whose; None: everybody's.
        since: calls from then on; None: from ever.
        until: calls before then; None: all.
        after: place of the last one seen.
        limit: how many at most.
    """
    at, key = after or (None, None)
    return [Missing(**dict(r)) for r in await source.fetch(_MISSING, user, since, until, at, key, limit)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """How much one manager owes."""

    user_id: int
    outcomes: int
    incomplete: int
    oldest_at: datetime


async def owed_by_manager(source: Source, user: int | None) -> Sequence[Owed]:
    """What each manager owes, who owes most first."""
    rows = await source.fetch(
        "select user_id, count(*) filter (where whole) as outcomes, count(*) filter (where not whole) as incomplete,"
        " min(at) as oldest_at from (select user_id, at, true as whole from outcome_wanted"
        "  union all select user_id, at, false from outcome where is_current and not is_complete) x"
        " where user_id is not null and ($1::bigint is null or user_id = $1)"
        " group by user_id order by count(*) desc, user_id limit 1000",
        user,
    )
    return [Owed(**dict(r)) for r in rows]
