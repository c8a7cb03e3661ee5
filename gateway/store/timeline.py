"""One time line of a card over all managers: calls, touches, notes, owners, merges, and what later parts add.

Each source is one query that gives a card's entries before a moment, the newest first; the page is the newest of all
of them. A part that has something to say about clients adds its source to `SOURCES`; it must find its rows by an index
that begins with the card.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.store.database import Connection, Pool

Source = Pool | Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineSource:
    """Where entries of one kind come from."""

    kind: str
    """As the entry shows it."""
    rows: str
    """A query of the columns `at` (timestamptz), `id` (text, unique among the kind), `by` (text or null), `users`
    (bigint[], those who had a part and may open the thing itself; null: whoever sees the card) and `body` (json). Its
    `$1` is the card; `{before}` stands for the condition on the column that it names in `at`."""
    at: str
    """The column by which the entries are ordered."""


_TASK = (
    "case when t.owner_id is not null or t.members <> '{}' then"
    "  array_remove(array[t.owner_id, substring(t.made_by from '^user:([0-9]{1,18})$')::bigint]"
    "   || case when t.owner_id is null then t.members end, null) end as users,"
    " json_build_object('kind', t.kind, 'state', t.state, 'title', t.title, 'owner', t.owner_id,"
    "  'owner_name', (select u.name from users u where u.id = t.owner_id), 'due_at', t.due_at,"
    "  'call', t.call_id, 'result', left(t.result, 2000), 'ended_at', t.ended_at) as body"
    " from task t where (t.contact_id = $1 or (t.contacts <> '{}' and t.contacts @> array[$1::bigint])) and {before}"
)

_SCHEDULED = (
    "array[s.user_id] as users, json_build_object('at', s.at, 'zone', s.zone, 'wall', s.wall, 'state', s.state,"
    "  'user', s.user_id, 'number', s.number, 'minutes', s.minutes, 'attempts', s.attempts, 'reason', s.reason,"
    "  'call', s.call_id, 'task', s.task_id, 'note', left(s.note, 2000)) as body"
    " from scheduled_call s where s.contact_id = $1 and {before}"
)

SOURCES: tuple[TimelineSource, ...] = (
    TimelineSource(
        kind="call",
        at="c.started_at",
        rows="select c.started_at as at, c.id::text as id, null::text as by,"
        " coalesce((select array_agg(m.user_id) from call_manager m where m.call_id = c.id and m.user_id is not null),"
        "  '{}') as users,"
        " json_build_object('direction', c.direction, 'result', c.result, 'reason', c.reason,"
        "  'missed_reason', case when c.result = 'missed' then c.reason end,"
        "  'state', c.state, 'kind', c.kind, 'did', c.did, 'number', c.client_number,"
        "  'talk_seconds', round(c.talk_us / 1e6, 6)::float, 'answered_by', c.answered_by,"
        "  'responsible_id', c.responsible_id, 'managers', coalesce((select json_agg(json_build_object("
        "   'extension', m.extension, 'user_id', m.user_id, 'name', u.name,"
        "   'rang_seconds', round(m.rang_us / 1e6, 6)::float,"
        "   'talk_seconds', round(m.talk_us / 1e6, 6)::float) order by m.extension) from call_manager m"
        "   left join users u on u.id = m.user_id where m.call_id = c.id), '[]'), 'transfers', c.transfers) as body"
        " from call c where c.contact_id = $1 and c.merged_into is null and {before}",
    ),
    TimelineSource(
        kind="touch",
        at="t.at",
        rows="select t.at, t.id::text as id, t.made_by as by, null::bigint[] as users,"
        " json_build_object('kind', t.kind, 'direction', t.direction, 'source_kind', t.source_kind,"
        "  'source_name', t.source_name, 'user_id', t.user_id, 'text', left(t.text, 2000)) as body"
        " from touch t where t.contact_id = $1 and {before}",
    ),
    TimelineSource(
        kind="note",
        at="n.at",
        rows="select n.at, n.id::text as id, n.author as by, null::bigint[] as users,"
        " json_build_object('text', n.text, 'changed_at', n.changed_at) as body"
        " from contact_note n where n.contact_id = $1 and {before}",
    ),
    TimelineSource(
        kind="owner",
        at="o.at",
        rows="select o.at, o.id::text as id, o.by, null::bigint[] as users,"
        " json_build_object('from', o.from_id, 'from_name', (select u.name from users u where u.id = o.from_id),"
        "  'to', o.to_id, 'to_name', (select u.name from users u where u.id = o.to_id), 'reason', o.reason) as body"
        " from owner_change o where o.contact_id = $1 and {before}",
    ),
    TimelineSource(
        kind="merge",
        at="m.at",
        rows="select m.at, m.id::text as id, m.by, null::bigint[] as users,"
        " json_build_object('gone', m.gone_id, 'gone_name', (select g.name from contact g where g.id = m.gone_id),"
        "  'undone_at', m.undone_at, 'undone_by', m.undone_by) as body"
        " from contact_merge m where m.kept_id = $1 and {before}",
    ),
    TimelineSource(
        kind="task",
        at="t.created_at",
        rows=f"select t.created_at as at, t.id::text as id, t.made_by as by, {_TASK}",
    ),
    TimelineSource(
        kind="task_ended",
        at="t.ended_at",
        rows=f"select t.ended_at as at, t.id::text as id,"
        " (select h.by from task_change h where h.task_id = t.id and h.what ? 'state' order by h.id desc"
        "  limit 1) as by,"
        f" {_TASK} and t.ended_at is not null",
    ),
    TimelineSource(
        kind="scheduled",
        at="s.created_at",
        rows=f"select s.created_at as at, s.id::text as id, s.made_by as by, {_SCHEDULED}",
    ),
    TimelineSource(
        kind="scheduled_ended",
        at="s.ended_at",
        rows="select s.ended_at as at, s.id::text as id, (select h.by from scheduled_change h"
        f"  where h.scheduled_id = s.id order by h.id desc limit 1) as by, {_SCHEDULED} and s.ended_at is not null",
    ),
    TimelineSource(
        kind="outcome",
        at="o.at",
        rows="select o.at, o.id::text as id, o.made_by as by, array_remove(array[o.user_id], null) as users,"
        " json_build_object('call', o.call_id, 'user', o.user_id, 'outcome', d.key, 'outcome_labels', d.labels,"
        "  'means', d.means, 'reason', r.key, 'reason_labels', r.labels, 'note', left(o.note, 2000),"
        "  'is_complete', o.is_complete, 'changed_at', o.changed_at) as body"
        " from outcome o join disposition d on d.id = o.disposition_id"
        " left join disposition_reason r on r.id = o.reason_id"
        " where o.contact_id = $1 and o.is_current and {before}",
    ),
    TimelineSource(
        kind="import",
        at="coalesce(i.begun_at, i.made_at)",
        rows="select coalesce(i.begun_at, i.made_at) as at, x.contact_id || ':' || i.id as id,"
        " coalesce(i.run_by, i.made_by) as by, '{}'::bigint[] as users,"
        " json_build_object('import', i.id, 'file', i.name, 'made', x.made, 'line', x.line, 'undone', x.undone) as body"
        " from import_card x join import i on i.id = x.import_id where x.contact_id = any(array("
        "  select $1::bigint union all select g.id from contact g where g.merged_into = $1))"
        " and (x.made or x.after <> '{}' or x.added <> '{}') and {before}",
    ),
)
"""Every source; the order does not matter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that happened with a client."""

    at: datetime
    kind: str
    id: str
    by: str | None
    """Who did it, like `user:17`; None: the entry's body says."""
    by_name: str | None
    """The name of a person who did it; None: it was no person, or the entry's body says."""
    body: Mapping[str, object]
    open: bool
    """Whether the one who asks may open the thing itself; of a colleague's call he sees no more than this entry."""


async def read_timeline(
    source: Source,
    card: int,
    *,
    only_user: int | None,
    kinds: Sequence[str] = (),
    before: tuple[datetime, str, str] | None,
    limit: int,
) -> list[Entry]:
    """A page of a card's time line, the newest first.

    Args:
        source: where to read.
        card: which card.
        only_user: the user whose own calls the one who asks may open; None: everybody's.
        kinds: of entries; empty: all.
        before: moment, kind and id of the last entry seen; None: the first page.
        limit: how many at most.
    """
    own = "$2::bigint is null or w.users is null or $2 = any(w.users)"
    behind = "{at} <= $3" if before else "$3::timestamptz is null"
    parts = [
        f"select w.at, '{s.kind}' as kind, w.id, w.by, w.body, ({own}) as open from"
        f" ({s.rows.replace('{before}', behind.format(at=s.at))}) w"
        f" where ($3::timestamptz is null or (w.at, '{s.kind}', w.id) < ($3, $4::text, $5::text))"
        f" order by w.at desc, w.id desc limit {int(limit)}"
        for s in SOURCES
        if not kinds or s.kind in kinds
    ]
    if not parts:
        return []
    at, kind, id_ = before or (None, None, None)
    everything = " union all ".join(f"({part})" for part in parts)
    rows = await source.fetch(
        "select e.*, (select u.name from users u where u.id = substring(e.by from '^user:([0-9]{1,18})$')::bigint)"
        " as by_name"
        f" from ({everything}) e where $1::bigint is not null and ($4::text is null or $5::text is not null)"
        f" order by e.at desc, e.kind desc, e.id desc limit {int(limit)}",
        card,
        only_user,
        at,
        kind,
        id_,
    )
    return [Entry(**dict(r)) for r in rows]
