"""Who calls, at a glance: what stands on the screen while a telephone rings.

Everything here is found by an index that begins with the card, and everything that may be long (a client's calls, his
transcripts, his tasks) is cut where nobody would read on: a client with ten thousand calls rings as fast as a new one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from gateway.store.database import Connection, Pool, Row
from gateway.store.recording_ways import routed_to_record

Source = Pool | Connection
COUNTED_MAX = 1000
"""Up to so many calls, touches, notes and tasks are counted each."""
LOOKED_AT = 30
"""Calls, the last ones, among which one with a transcript is looked for."""
TASKS_SHOWN = 5
WORDS_SHOWN = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownCaller:
    """One person who may be calling."""

    id: int
    name: str
    job_title: str
    city: str
    line_of_business: str
    heat: str | None
    priority: int
    stage: str
    source_kind: str | None
    source_name: str | None
    timezone: str | None
    owner_id: int | None
    owner_name: str | None
    owner_since: datetime | None
    organisation_id: int | None
    organisation_name: str | None
    organisation_people: int
    numbers: tuple[str, ...]
    created_at: datetime
    last_touch_at: datetime
    version: int
    calls: int
    other_touches: int
    """Forms, letters, visits, notes, tasks."""


_PEOPLE = f"""select c.id, c.name, c.job_title, c.city, c.line_of_business, c.heat, c.priority, c.stage, c.source_kind,
 c.source_name, c.timezone, c.owner_id, u.name as owner_name, c.organisation_id, o.name as organisation_name,
 c.created_at, c.last_touch_at, c.version,
 (select max(h.at) from owner_change h where h.contact_id = c.id and h.to_id = c.owner_id) as owner_since,
 (select count(*) from (select from contact p where p.organisation_id = c.organisation_id and p.merged_into is null
    limit {COUNTED_MAX}) p) as organisation_people,
 coalesce((select array_agg(p.number order by p.made_at, p.number) from contact_phone p where p.contact_id = c.id),
    '{{}}') as numbers,
 (select count(*) from (select from call k where k.contact_id = c.id and k.merged_into is null
    limit {COUNTED_MAX}) k) as calls,
 (select count(*) from (select from touch t where t.contact_id = c.id limit {COUNTED_MAX}) t)
  + (select count(*) from (select from contact_note n where n.contact_id = c.id limit {COUNTED_MAX}) n)
  + (select count(*) from (select from task t where t.contact_id = c.id limit {COUNTED_MAX}) t) as other_touches
 from contact c left join users u on u.id = c.owner_id left join organisation o on o.id = c.organisation_id
 where c.id = any($1::bigint[])"""


async def known_callers(source: Source, cards: Sequence[int]) -> list[KnownCaller]:
    """The people behind some cards, in the order of their ids as given."""
    rows = {row["id"]: row for row in await source.fetch(_PEOPLE, list(cards))}
    return [_caller(rows[card]) for card in cards if card in rows]


def _caller(row: Row) -> KnownCaller:
    values: dict[str, object] = {**row, "numbers": tuple(row["numbers"])}  # type: ignore[arg-type]
    return KnownCaller(**values)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, kw_only=True)
class LastWords:
    """What the client said last in a call that was written down."""

    call_id: UUID
    at: datetime
    users: tuple[str, ...]
    """Names of those who talked with him."""
    words: tuple[tuple[float, str], ...]
    """Second of the recording and text; those of the client, of anybody where nobody knows who speaks."""


async def last_words(source: Source, card: int, *, but: UUID, only_user: int | None) -> LastWords | None:
    """The end of what the client said in his last call with a transcript; None: there is none among the last ones.

    Args:
        source: where to read.
        card: whose.
        but: a call that does not count: the present one.
        only_user: who must have talked in it, the reach of the one who asks; None: anybody.
    """
    row = await source.fetchrow(
        "select k.id, k.started_at, said.words, coalesce((select array_agg(u.name order by m.talk_us desc)"
        "  from call_manager m join users u on u.id = m.user_id where m.call_id = k.id and m.answered), '{}') as users"
        " from (select c.id, c.started_at from call c where c.contact_id = $1 and c.merged_into is null and c.id <> $2"
        "  and c.talk_us > 0 and ($3::bigint is null or exists (select from call_manager m where m.call_id = c.id"
        f"   and m.user_id = $3 and m.answered)) order by c.started_at desc limit {LOOKED_AT}) k"
        " join lateral (select r.id from recording r where r.call_id = k.id and r.transcript_state = 'ready'"
        "  order by r.state = 'stored' desc, r.duration_us desc nulls last, r.id limit 1) r on true"
        " join transcript t on t.recording_id = r.id"
        " join lateral (select json_agg(json_build_array(w.s -> 'start', w.s ->> 'text') order by w.n) as words from ("
        "  select s, n from jsonb_array_elements(t.segments) with ordinality as e(s, n)"
        "  where s ->> 'speaker' is distinct from 'manager' and s ->> 'text' <> ''"
        f"  order by n desc limit {WORDS_SHOWN}) w) said on said.words is not null"
        " order by k.started_at desc limit 1",
        card,
        but,
        only_user,
    )
    if row is None:
        return None
    words: Sequence[Sequence[object]] = row["words"]
    return LastWords(
        call_id=row["id"],
        at=row["started_at"],
        users=tuple(row["users"]),
        words=tuple((float(str(start)), str(text)) for start, text in words),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTask:
    """A task of a client that is still to be done."""

    id: int
    kind: str
    origin: str
    title: str
    due_at: datetime | None
    owner_id: int | None
    owner_name: str | None


async def open_tasks(source: Source, card: int) -> tuple[int, list[OpenTask]]:
    """How many tasks of a client are open, and the nearest of them; what has no time comes last."""
    rows = await source.fetch(
        "select t.id, t.kind, t.origin, t.title, t.due_at, t.owner_id, u.name as owner_name, count(*) over () as n"
        " from task t left join users u on u.id = t.owner_id"
        " where t.contact_id = $1 and t.state in ('new', 'in_progress')"
        f" order by t.due_at nulls last, t.id limit {TASKS_SHOWN}",
        card,
    )
    tasks = [OpenTask(**{name: value for name, value in row.items() if name != "n"}) for row in rows]
    return (rows[0]["n"] if rows else 0), tasks


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Which of our numbers was called, as people know it."""

    did: str
    name: str
    source_kind: str | None
    source_name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What a call says beside its client."""

    line: Line | None
    ringing: Mapping[int, str]
    """Whose phones ring or dial now, by user."""
    routed_to_record: bool | None
    """What our routes said of its recording; None: none was asked."""


async def around(source: Source, call: UUID, did: str | None) -> Around:
    """The number that was called, and who rings now.

    Args:
        source: where to read.
        call: which call.
        did: its own number; None: an outbound one.
    """
    row = await source.fetchrow(
        "select coalesce(nullif(n.name, ''), r.name, '') as name, n.source_kind, n.source_name, ("
        "  select json_agg(distinct jsonb_build_array(u.id, u.name)) from leg l join extension e on e.pbx = l.pbx"
        "   and e.extension = l.extension and e.since <= l.started_at and l.started_at < e.until"
        "  join users u on u.id = e.user_id where l.call_id = $1 and l.role = 'manager' and l.ended_at is null"
        f"  and l.answered_at is null) as ringing, {routed_to_record('$1')} as record"
        " from (select) x left join our_number n on n.did = $2 and n.archived_at is null"
        " left join lateral (select r.name from inbound_route r where r.did = $2 and r.archived_at is null limit 1) r"
        " on true",
        call,
        did,
    )
    ringing: Sequence[Sequence[object]] = row["ringing"] or ()
    line = (
        Line(did=did, name=row["name"], source_kind=row["source_kind"], source_name=row["source_name"]) if did else None
    )
    return Around(
        line=line, ringing={int(str(id_)): str(name) for id_, name in ringing}, routed_to_record=row["record"]
    )
