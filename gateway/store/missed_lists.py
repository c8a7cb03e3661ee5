"""Lists and counts of missed clients."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from gateway.store.card_access import visible_contacts
from gateway.store.database import Connection, Pool

Source = Pool | Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class MissedFilter:
    """Which missed clients a list shows; None: any."""

    only_user: int | None = None
    """Those whose task he has, or may take, or whom he called back."""
    states: tuple[str, ...] | None = None
    open_only: bool | None = None
    owner: int | None = None
    did: str | None = None
    contact: int | None = None
    number: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    overdue_at: datetime | None = None
    hidden: bool = False
    """Those whose number is not known, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MissedRow:
    """A missed client as a list shows him."""

    id: int
    contact_id: int | None
    contact_name: str | None
    number: str | None
    pbx: str
    did: str | None
    state: str
    calls: int
    attempts: int
    first_at: datetime
    last_at: datetime
    due_at: datetime
    new_client: bool
    hidden: bool
    task_id: int | None
    owner_id: int | None
    owner_name: str | None
    claimed_by: int | None
    claimed_until: datetime | None
    closed_at: datetime | None
    closed_by_call: UUID | None
    closed_by_user: int | None
    escalated_at: datetime | None
    dismissed_why: str | None
    version: int


ROW = """select m.id, m.contact_id, case when {cards} then c.name end as contact_name, m.number, m.pbx, m.did, m.state,
 m.calls, m.attempts, m.first_at, m.last_at, m.due_at, m.new_client, m.hidden, m.task_id, t.owner_id,
 u.name as owner_name, m.claimed_by, m.claimed_until, m.closed_at, m.closed_by_call, m.closed_by_user, m.escalated_at,
 m.dismissed_why, m.version
 from missed m left join contact c on c.id = m.contact_id left join task t on t.id = m.task_id
 left join users u on u.id = t.owner_id"""
_MINE = (
    "(t.owner_id = {0} or m.closed_by_user = {0} or m.claimed_by = {0}"
    " or (t.id is not null and t.owner_id is null and (t.members = '{{}}' or {0} = any(t.members))))"
)
_OWNED = "m.id in (select k.missed_id from task k where k.owner_id = {0} and k.missed_id is not null)"
_EVER_MINE = (
    "m.id in (select k.missed_id from task k where k.owner_id = {0} and k.missed_id is not null"
    " union all select k.id from missed k where k.closed_by_user = {0}"
    " union all select k.id from missed k where k.claimed_by = {0}"
    " union all select k.missed_id from task k where k.owner_id is null and k.missed_id is not null"
    "  and (k.members = '{{}}' or {0} = any(k.members)))"
)
"""The same as `_MINE`, begun at the person: of those who wait there are few, of all that ever were there are many."""
_CONDITIONS = {
    "only_user": _MINE,
    "states": "m.state = any({0}::text[])",
    "open_only": "m.state = 'open' and {0}",
    "owner": "t.owner_id = {0}",
    "did": "m.did = {0}",
    "contact": "m.contact_id = {0}",
    "number": "m.number = {0}",
    "since": "m.last_at >= {0}",
    "until": "m.last_at < {0}",
    "overdue_at": "m.state = 'open' and m.due_at < {0}",
}


def _where(wanted: MissedFilter, values: list[object]) -> list[str]:
    conditions = ["true"] if wanted.hidden else ["not m.hidden"]
    few = wanted.open_only or wanted.overdue_at is not None
    ever = {} if few else {"only_user": _EVER_MINE, "owner": _OWNED}
    for name, condition in _CONDITIONS.items():
        value = getattr(wanted, name)
        if value is not None:
            values.append(value)
            conditions.append(ever.get(name, condition).format(f"${len(values)}"))
    return conditions


async def list_missed(
    source: Source,
    wanted: MissedFilter,
    *,
    card_reach: int | None,
    before: tuple[datetime, int] | None,
    limit: int,
) -> list[MissedRow]:
    """Missed clients, those who called last first.

    Args:
        source: where to read.
        wanted: which.
        card_reach: from `gateway.domain.cards.card_reach`.
        before: last call and id of the last one seen; None: from the newest.
        limit: how many at most.
    """
    values: list[object] = [card_reach]
    conditions = _where(wanted, values)
    if before is not None:
        values += before
        conditions.append(f"(m.last_at, m.id) < (${len(values) - 1}, ${len(values)})")
    rows = await source.fetch(
        f"{ROW.format(cards=visible_contacts('$1'))} where {' and '.join(conditions)}"
        f" order by m.last_at desc, m.id desc limit {limit:d}",
        *values,
    )
    return [MissedRow(**r) for r in rows]


async def one_missed(source: Source, id: int, *, only_user: int | None, card_reach: int | None) -> MissedRow | None:
    """One missed client; None: there is none of this id whom this person may see."""
    row = await source.fetchrow(
        f"{ROW.format(cards=visible_contacts('$1'))} where m.id = $2 and ($3::bigint is null or {_MINE.format('$3')})",
        card_reach,
        id,
        only_user,
    )
    return MissedRow(**row) if row else None


@dataclass(frozen=True, slots=True, kw_only=True)
class MissedCall:
    """One call of a matter."""

    call_id: UUID
    at: datetime
    reason: str


async def calls_of(source: Source, id: int, limit: int) -> list[MissedCall]:
    """The calls of a matter, the last ones, oldest first."""
    rows = await source.fetch(
        "select call_id, at, reason from (select call_id, at, reason from missed_call where missed_id = $1"
        " order by at desc limit $2) k order by at",
        id,
        limit,
    )
    return [MissedCall(**r) for r in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class MissedCount:
    """How the missed clients of one of our numbers came out."""

    did: str | None
    states: Mapping[str, int]
    calls: int
    hidden: int
    answered_seconds: float | None
    """From his first call to the talk, on average, of those who were reached or reached us."""


async def count_missed(source: Source, wanted: MissedFilter) -> list[MissedCount]:
    """Missed clients by the number that was called and by how they came out."""
    values: list[object] = []
    conditions = _where(wanted, values)
    rows = await source.fetch(
        "select m.did, m.state, m.hidden, count(*) as n, sum(m.calls) as calls,"
        " sum(extract(epoch from m.closed_at - m.first_at)) filter (where m.state in ('reached_us', 'called_back',"
        "  'late')) as seconds, count(*) filter (where m.state in ('reached_us', 'called_back', 'late')) as reached"
        f" from missed m left join task t on t.id = m.task_id where {' and '.join(conditions)}"
        " and m.state <> 'withdrawn' group by m.did, m.state, m.hidden order by m.did nulls last, m.state",
        *values,
    )
    dids = dict.fromkeys(r["did"] for r in rows)
    return [_count(did, [r for r in rows if r["did"] == did]) for did in dids]


def _count(did: str | None, rows: list[Mapping[str, object]]) -> MissedCount:
    states: dict[str, int] = {}
    for r in rows:
        if not r["hidden"]:
            states[str(r["state"])] = int(str(r["n"]))
    reached = sum(int(str(r["reached"])) for r in rows)
    seconds = sum(float(str(r["seconds"] or 0)) for r in rows)
    return MissedCount(
        did=did,
        states=states,
        calls=sum(int(str(r["calls"])) for r in rows),
        hidden=sum(int(str(r["n"])) for r in rows if r["hidden"]),
        answered_seconds=round(seconds / reached, 3) if reached else None,
    )
