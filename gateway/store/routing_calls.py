"""What the choice of an inbound call asks of the database, and the decisions that were made.

Each question is one statement on an index: the caller's card by its number, people by their ids, decisions by the
call's id within its PBX. A decision is written with `synchronous_commit` off: a killed gateway loses none, a crash of
the whole machine the last fraction of a second, and no caller waits for a disk. A question takes few round trips, for
a client listens meanwhile.
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID
from zoneinfo import ZoneInfo

from gateway.domain.manager_states import ManagerState, State
from gateway.domain.routing import EVERY_NUMBER, Client, Group, Person, Route, RouteWhy
from gateway.domain.routing_answer import dial_string
from gateway.domain.working_time import WorkingTime
from gateway.store.database import Connection, Pool, Row
from gateway.store.facts import CHANNEL, NewFact, fact_row
from gateway.store.manager_states import present_states
from gateway.store.routing import ROUTE_COLUMNS, group_of_row, of_number, route_of_row, with_jumps
from gateway.store.working_time import HOURS_COLUMNS, hours_of_rows, office_hours

Source = Pool | Connection
JUST_OFFERED = timedelta(seconds=2)
"""So long somebody whom another call's answer named is taken for ringing before the journal has told of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A decision as it stands in the database."""

    n: int
    at: datetime
    action: str
    users: tuple[int, ...]
    place: int
    resume: int
    answer: str
    body: Row


_MADE = "n, at, action, users, place, resume, answer, body"


def _made(row: Mapping[str, object]) -> Made:
    return Made(**{**dict(row), "users": tuple(cast(Sequence[int], row["users"]))})  # type: ignore[arg-type]


async def decisions_of(source: Source, pbx: str, uniqueid: str) -> list[Made]:
    """What was decided for a call so far, in order."""
    rows = await source.fetch(
        f"select {_MADE} from route_decision where pbx = $1 and uniqueid = $2 order by n", pbx, uniqueid
    )
    return [_made(r) for r in rows]


async def decisions_of_call(source: Source, call_id: UUID) -> list[Made]:
    """What was decided for a call, and for calls that were merged into it, in order."""
    rows = await source.fetch(
        f"select {_MADE} from route_decision where call_id = $1"
        " or call_id in (select id from call where merged_into = $1) order by at, n limit 200",
        call_id,
    )
    return [_made(r) for r in rows]


@asynccontextmanager
async def in_haste(connection: Connection, *, keep: bool = True) -> AsyncIterator[None]:
    """A transaction of statements that each call asks: planned once for a connection, and not waiting for the disk.

    Planning them anew for each call takes several times as long as running them.

    Args:
        connection: outside of a transaction.
        keep: False: nothing is kept; it was only to be ready.
    """
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute("set local plan_cache_mode = force_generic_plan; set local synchronous_commit = off")
        yield
    except BaseException:
        await transaction.rollback()
        raise
    await (transaction.commit() if keep else transaction.rollback())


_SAVE = f"""with
 made as (insert into route_decision (pbx, uniqueid, call_id, n, at, action, users, place, resume, answer, body)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict do nothing returning n),
 turned as (insert into routing_turn (group_id, user_id) select $12::bigint, $13::bigint from made
    where $12::bigint is not null on conflict (group_id) do update set user_id = excluded.user_id),
 told as (insert into fact (kind, body, call_id, contact_id, users)
    select f.kind, f.body, f.call_id, f.contact_id, f.users from made, json_populate_recordset(null::fact, $14) f)
 select pg_notify('{CHANNEL}', '') from made"""


async def save_decision(
    connection: Connection,
    made: Made,
    *,
    pbx: str,
    uniqueid: str,
    call_id: UUID,
    turn: int | None,
    facts: Sequence[NewFact],
) -> bool:
    """Write a decision down, with whose turn it was and what is told of it, in one statement.

    Args:
        connection: within a transaction.
        made: the decision.
        pbx: the PBX's name.
        uniqueid: of the client's leg.
        call_id: of the call.
        turn: the group whose turn came to the first of its people; None: no group's.
        facts: what is told.

    Returns:
        False: this question was answered already; nothing was written.
    """
    written = await connection.fetchrow(
        _SAVE,
        pbx,
        uniqueid,
        call_id,
        made.n,
        made.at,
        made.action,
        list(made.users),
        made.place,
        made.resume,
        made.answer,
        made.body,
        turn,
        made.users[0] if turn is not None else None,
        [fact_row(f) for f in facts],
    )
    return written is not None


_OPENING = f"""select
 (select json_agg(r) from (select {ROUTE_COLUMNS} from inbound_route
    where archived_at is null and did in ($1, '{EVERY_NUMBER}')) r) as routes,
 (select json_agg(g) from (select g.id, g.name, g.strategy, g.members, t.user_id as last
    from routing_group g left join routing_turn t on t.group_id = g.id where g.archived_at is null and g.id in (
        select (s->>'group')::bigint from inbound_route r, jsonb_array_elements(r.steps || r.closed_steps) s
        where r.archived_at is null and r.did in ($1, '{EVERY_NUMBER}'))) g) as groups,
 (select json_agg(w) from (select {HOURS_COLUMNS} from working_time
    where (did is null and user_id is null) or did = $1) w) as hours,
 (select notice from routing_policy) as notice,
 (select row_to_json(k) from (select n.contact_id, n.shared, c.owner_id, (select l.responsible_id from (
        select responsible_id, started_at from call where contact_id = n.contact_id and merged_into is null
        order by started_at desc limit 50) l where l.responsible_id is not null
        order by l.started_at desc limit 1) as last_id
    from contact_number n left join contact c on c.id = n.contact_id where n.number = $2) k) as client"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What the first question of a call is answered from."""

    route: Route | None
    """Of the number; None: no route holds for it."""
    routes: Mapping[int, Route]
    """It and those that it leads on to."""
    groups: Mapping[int, Group]
    """Those that it names itself."""
    office: WorkingTime
    """Of the number, else of the company."""
    notice: str
    client: Client


async def open_call(source: Source, did: str, number: str | None, zone: ZoneInfo) -> Opening:
    """Everything that is asked of a new call, in one statement.

    Args:
        source: where to read.
        did: the number that was called.
        number: the caller's in E.164; None: hidden, or none that a card could have.
        zone: the company's.
    """
    row = await source.fetchrow(_OPENING, did, number or "")
    first, routes = of_number([route_of_row(r) for r in row["routes"] or ()], did)
    return Opening(
        route=first,
        routes=await with_jumps(source, routes) if first is not None else {},
        groups={g["id"]: group_of_row(g) for g in row["groups"] or ()},
        office=hours_of_rows(row["hours"] or (), zone).of_did(did),
        notice=row["notice"],
        client=Client(**row["client"]) if row["client"] else Client(),
    )


_PEOPLE = """select u.id, u.name, u.active,
 exists (select from absence a where a.user_id = u.id and a.state in ('planned', 'begun') and a.since <= $3
    and (a.until is null or a.until > $3)) as absent,
 exists (select from working_time w where w.user_id = u.id) as has_hours,
 exists (select from route_decision d where d.action = 'dial' and d.at > $4 and u.id = any(d.users)
    and (d.pbx, d.uniqueid) <> ($2, $5)) as offered,
 coalesce((select json_agg(json_build_array(p.pattern, p.extension) order by p.id) from extension e
    join endpoint p on p.pbx = e.pbx and p.kind = 'manager' and p.extension = e.extension
        and p.since <= $3 and $3 < p.until
    where e.pbx = $2 and e.user_id = u.id and e.since <= $3 and $3 < e.until), '[]') as phones
 from users u where u.id = any($1::bigint[])"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """For which call people are looked at."""

    pbx: str
    uniqueid: str
    call_id: UUID
    template: str
    """How the PBX is asked to ring a phone that has no technology."""
    zone: ZoneInfo
    offline: Collection[str] = frozenset()
    """Phones that the PBX says are not registered."""
    states: bool = True
    """Whether it matters how they are now; False: a call of another day is tried."""


async def people_now(source: Source, users: Collection[int], around: Around, now: datetime) -> dict[int, Person]:
    """Managers as they are at the moment, with what hinders each from being rung.

    Args:
        source: where to read.
        users: whom.
        around: the call.
        now: the moment.
    """
    wanted = sorted(users)
    if not wanted:
        return {}
    rows = await source.fetch(_PEOPLE, wanted, around.pbx, now, now - JUST_OFFERED, around.uniqueid)
    states = await present_states(source, now=now, users=wanted) if around.states else {}
    with_hours = [r["id"] for r in rows if r["has_hours"]]
    hours = (await office_hours(source, around.zone, users=with_hours)).users if with_hours else {}
    found = {}
    for row in rows:
        phones = _phones(row["phones"], around.template)
        online = tuple(p for p in phones if p not in around.offline)
        state = states.get(row["id"])
        own = hours.get(row["id"])
        checks = (
            (RouteWhy.DISMISSED, not row["active"]),
            (RouteWhy.ABSENT, row["absent"]),
            (_by_state(state, around), True),
            (RouteWhy.OFF_HOURS, not (state and state.known) and own is not None and not own.includes(now)),
            (RouteWhy.RINGING, row["offered"] and around.states),
            (RouteWhy.NO_PHONE, not phones),
            (RouteWhy.OFFLINE, not online),
        )
        found[row["id"]] = Person(
            user_id=row["id"],
            name=row["name"],
            hindrance=next((why for why, holds in checks if why is not None and holds), None),
            phones=online,
            idle_since=state.last_talk_at if state else None,
        )
    return found


_STATES = {
    State.TALKING: RouteWhy.TALKING,
    State.AFTER_CALL: RouteWhy.AFTER_CALL,
    State.BREAK: RouteWhy.BREAK,
    State.OFF: RouteWhy.OFF,
}


def _by_state(state: ManagerState | None, around: Around) -> RouteWhy | None:
    """What a manager's state says against ringing him; None: nothing."""
    if state is None:
        return None
    if any(call != around.call_id for call in state.ringing):
        return RouteWhy.RINGING
    return _STATES.get(state.state)


def _phones(rows: Sequence[Sequence[str]], template: str) -> tuple[str, ...]:
    """What the PBX dials for a person's endpoints; outside numbers and patterns are not rung by routes."""
    found = (dial_string(pattern, extension, template) for pattern, extension in rows)
    return tuple(dict.fromkeys(phone for phone in found if phone is not None))
