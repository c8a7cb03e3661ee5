"""Scheduled calls as they are kept: planned, changed with their history, found; and the rule of the site.

No two that are open overlap for one manager: the database refuses it (`scheduled_overlap`), and `Overlap` says what
stands there. Every change is one row of history and one fact, in the caller's transaction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import asyncpg

from gateway.domain.call_view import moment
from gateway.domain.local_time import ClientHours
from gateway.domain.scheduled import Busy, Free, Scheduled, ScheduledState, ScheduleRule, ZoneFrom
from gateway.store.database import Connection, Pool
from gateway.store.facts import NewFact
from gateway.store.working_time import office_hours

Source = Pool | Connection

_COLUMNS = tuple(Scheduled.__slots__)
SCHEDULED = ", ".join(f"s.{name}" for name in _COLUMNS)
"""The columns that `scheduled_of` reads, of a table called s."""


def scheduled_of(row: Mapping[str, object]) -> Scheduled:
    """A row as the domain knows it."""
    values = {name: row[name] for name in _COLUMNS}
    values |= {"state": ScheduledState(str(row["state"])), "zone_from": ZoneFrom(str(row["zone_from"]))}
    return Scheduled(**values)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewScheduled:
    """A call about to be planned."""

    user_id: int
    contact_id: int | None
    number: str
    at: datetime
    minutes: int
    zone: str
    zone_from: ZoneFrom
    wall: datetime
    second: bool
    any_hour: bool
    note: str
    pbx: str | None
    made_by: str


async def read_rule(source: Source) -> ScheduleRule:
    """What holds for scheduled calls."""
    row = dict(await source.fetchrow("select * from scheduled_rule"))
    hours = ClientHours(since=row["hours_since"], until=row["hours_until"], weekdays=frozenset(row["weekdays"]))
    return ScheduleRule(hours=hours, **{name: row[name] for name in _RULE})


_RULE = (
    *("minutes", "remind_minutes", "late_minutes", "replan_minutes", "retry_minutes", "attempts_max"),
    *("put_off_minutes", "put_offs_max", "per_minute", "version"),
)


async def save_rule(connection: Connection, rule: ScheduleRule, *, by: str, now: datetime) -> bool:
    """Set what holds for scheduled calls; False: it has been changed since its version was read."""
    names = [name for name in _RULE if name != "version"]
    sets = "".join(f", {name} = ${place}" for place, name in enumerate(names, 7))
    found = await connection.fetchval(
        "update scheduled_rule set hours_since = $1, hours_until = $2, weekdays = $3, changed_by = $4, changed_at = $5,"
        f" version = version + 1{sets} where version = $6 returning true",
        rule.hours.since,
        rule.hours.until,
        sorted(rule.hours.weekdays),
        by,
        now,
        rule.version,
        *(getattr(rule, name) for name in names),
    )
    return bool(found)


async def read_scheduled(source: Source, id: int, *, lock: bool = False) -> Scheduled | None:
    """One scheduled call; None: there is none with this id. Locked, others who want to change it wait."""
    row = await source.fetchrow(
        f"select {SCHEDULED} from scheduled_call s where s.id = $1{' for update' if lock else ''}", id
    )
    return scheduled_of(row) if row else None


@dataclass(frozen=True, slots=True)
class Overlap:
    """The time is taken."""

    other: Scheduled
    """By this call."""


async def add_scheduled(
    connection: Connection, new: NewScheduled, rule: ScheduleRule, now: datetime
) -> Scheduled | Overlap:
    """Plan a call; `scheduled.created` is told by `told`.

    Args:
        connection: within a transaction.
        new: what is planned.
        rule: of the site.
        now: the present moment, UTC.

    Returns:
        The call; `Overlap`: nothing was planned.
    """
    await _one_at_a_time(connection, new.user_id)
    names = tuple(NewScheduled.__slots__)
    marks = ", ".join(f"${place}" for place in range(5, len(names) + 5))
    ends_at = new.at + timedelta(minutes=new.minutes)
    try:
        async with connection.transaction():
            row = await connection.fetchrow(
                "insert into scheduled_call as s (created_at, changed_at, agreed_at, ends_at, remind_at,"
                f" {', '.join(names)}) values ($1, $1, $2, $3, $4, {marks}) returning {SCHEDULED}",
                now,
                new.at,
                ends_at,
                _remind_at(new.at, rule, now),
                *(getattr(new, name) for name in names),
            )
            return scheduled_of(row)
    except asyncpg.ExclusionViolationError:
        return await _in_the_way(connection, new.user_id, new.at, ends_at, 0)


async def _one_at_a_time(connection: Connection, user: int) -> None:
    """Let others who plan into this manager's time wait: two that meet in the constraint alone wait for each other."""
    await connection.execute("select pg_advisory_xact_lock(7465, hashint8($1))", user)


def _remind_at(at: datetime, rule: ScheduleRule, now: datetime) -> datetime | None:
    """When to remind; None: not any more."""
    due = at - timedelta(minutes=rule.remind_minutes)
    return due if due > now else None


async def _in_the_way(source: Source, user: int, since: datetime, until: datetime, but: int) -> Overlap:
    row = await source.fetchrow(
        f"select {SCHEDULED} from scheduled_call s where s.user_id = $1 and s.state in ('planned', 'calling')"
        " and tstzrange(s.at, s.ends_at) && tstzrange($2, $3) and s.id <> $4 order by s.at limit 1",
        user,
        since,
        until,
        but,
    )
    return Overlap(scheduled_of(row))


async def change_scheduled(
    connection: Connection,
    call: Scheduled,
    changes: Mapping[str, object],
    rule: ScheduleRule,
    *,
    by: str,
    told_as: str,
    now: datetime,
) -> Scheduled | Overlap:
    """Change a call that is locked, with its history.

    Args:
        connection: within a transaction.
        call: as it is.
        changes: new values by the names of `Scheduled`.
        rule: of the site.
        by: who changes it, like `user:17`, or `clock`.
        told_as: word of the fact that tells of it.
        now: the present moment, UTC.

    Returns:
        The call as it is now; `Overlap`: nothing was changed.
    """
    new = replace(call, **changes, changed_at=now, version=call.version + 1)  # type: ignore[arg-type]
    if not new.state.is_open and call.state.is_open:
        new = replace(new, ended_at=now)
    if new.state.is_open:
        new = replace(new, ended_at=None)
    moved = new.at != call.at or (new.state is ScheduledState.PLANNED and call.state is ScheduledState.CANCELLED)
    if moved:
        new = replace(new, reminded_at=None)
    if new.state.is_open:
        await _one_at_a_time(connection, new.user_id)
    fixed = ("id", "made_by", "created_at")
    names = [name for name in _COLUMNS if name not in fixed]
    sets = ", ".join(f"{name} = ${place}" for place, name in enumerate(names, 5))
    try:
        async with connection.transaction():
            await connection.execute(
                "update scheduled_call set ends_at = $2, remind_at = case when $3 then $4 else remind_at end,"
                f" {sets} where id = $1",
                call.id,
                new.ends_at,
                moved,
                _remind_at(new.at, rule, now) if moved else None,
                *(getattr(new, name) for name in names),
            )
    except asyncpg.ExclusionViolationError:
        return await _in_the_way(connection, new.user_id, new.at, new.ends_at, call.id)
    await connection.execute(
        "insert into scheduled_change (scheduled_id, at, by, told_as, what) values ($1, $2, $3, $4, $5)",
        call.id,
        now,
        by,
        told_as,
        _differences(call, new),
    )
    return new


_UNTOLD = frozenset({"changed_at", "version", "ended_at", "reminded_at", "order_id", "orders"})


def _differences(before: Scheduled, after: Scheduled) -> dict[str, list[object]]:
    names = [n for n in _COLUMNS if n not in _UNTOLD and getattr(before, n) != getattr(after, n)]
    return {name: [_plain(getattr(before, name)), _plain(getattr(after, name))] for name in names}


def _plain(value: object) -> object:
    match value:
        case datetime():
            return value.isoformat()
        case None | bool() | int() | str():
            return value
    return str(value)


def scheduled_view(call: Scheduled) -> dict[str, object]:
    """A scheduled call as facts and webhooks tell it; its note is left to the API."""
    return {
        "id": call.id,
        "state": call.state,
        "user_id": call.user_id,
        "contact_id": call.contact_id,
        "number": call.number,
        "at": moment(call.at),
        "minutes": call.minutes,
        "zone": call.zone,
        "wall": call.wall.isoformat(timespec="minutes"),
        "agreed_at": moment(call.agreed_at),
        "attempts": call.attempts,
        "reason": call.reason,
        "command_id": call.order_id,
        "call_id": str(call.call_id) if call.call_id else None,
        "task_id": call.task_id,
        "version": call.version,
    }


def told(word: str, call: Scheduled, *, also: Sequence[int] = (), **more: object) -> NewFact:
    """A fact of a scheduled call, for its manager.

    Args:
        word: like `created`.
        call: as it is now.
        also: further users whom it concerns.
        more: what the body says beside the call.
    """
    return NewFact(
        kind=f"scheduled.{word}",
        body=scheduled_view(call) | more,
        call_id=call.call_id,
        contact_id=call.contact_id,
        users=tuple(dict.fromkeys((call.user_id, *also))),
    )


async def busy_of(source: Source, user: int, since: datetime, until: datetime, *, but: int = 0) -> list[Busy]:
    """When a manager has calls planned.

    Args:
        source: where to read.
        user: whose.
        since: the beginning of the time in question.
        until: its end.
        but: a call that is left out.
    """
    rows = await source.fetch(
        "select at, ends_at from scheduled_call where user_id = $1 and state in ('planned', 'calling')"
        " and tstzrange(at, ends_at) && tstzrange($2, $3) and id <> $4 order by at",
        user,
        since,
        until,
        but,
    )
    return [(r["at"], r["ends_at"]) for r in rows]


async def free_for(
    source: Source,
    rule: ScheduleRule,
    *,
    user: int,
    minutes: int,
    zone: ZoneInfo,
    any_hour: bool,
    at: datetime,
    company: ZoneInfo,
    but: int = 0,
) -> Free:
    """What finds free time of a manager.

    Args:
        source: where to read.
        rule: of the site.
        user: whose time.
        minutes: how long the call takes.
        zone: the client's.
        any_hour: whether permitted hours do not count.
        at: around which moment.
        company: the company's zone.
        but: a call that is left out.
    """
    busy = await busy_of(source, user, at - timedelta(days=2), at + timedelta(days=30), but=but)
    hours = await office_hours(source, company, users=[user])
    return Free(
        busy=busy,
        length=timedelta(minutes=minutes),
        zone=zone,
        hours=None if any_hour else rule.hours,
        working=hours.of_user(user),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledFilter:
    """Which scheduled calls."""

    user: int | None = None
    contact: int | None = None
    states: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None


async def list_scheduled(
    source: Source, which: ScheduledFilter, *, after: tuple[datetime, int] | None, limit: int
) -> list[Scheduled]:
    """Scheduled calls, the nearest moment first.

    Args:
        source: where to read.
        which: of them.
        after: moment and id of the last one seen.
        limit: how many at most.
    """
    at, id_ = after or (None, None)
    rows = await source.fetch(
        f"select {SCHEDULED} from scheduled_call s where ($1::bigint is null or s.user_id = $1)"
        " and ($2::bigint is null or s.contact_id = $2) and ($3::text[] = '{}' or s.state = any($3))"
        " and ($4::timestamptz is null or s.at >= $4) and ($5::timestamptz is null or s.at < $5)"
        " and ($6::timestamptz is null or (s.at, s.id) > ($6, $7::bigint)) order by s.at, s.id limit $8",
        which.user,
        which.contact,
        list(which.states),
        which.since,
        which.until,
        at,
        id_,
        limit,
    )
    return [scheduled_of(r) for r in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledChange:
    """One change of a scheduled call."""

    at: datetime
    by: str
    told_as: str
    what: Mapping[str, Sequence[object]]
    """Old and new value by name."""


async def history_of(source: Source, id: int, limit: int) -> list[ScheduledChange]:
    """A call's changes, the last ones, oldest first."""
    rows = await source.fetch(
        "select at, by, told_as, what from (select id, at, by, told_as, what from scheduled_change"
        " where scheduled_id = $1 order by id desc limit $2) h order by id",
        id,
        limit,
    )
    return [ScheduledChange(**dict(r)) for r in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clientele:
    """What a card says that matters for a moment agreed with its client."""

    contact_id: int | None
    name: str | None
    zone: str | None
    number: str | None
    """Its first one."""


async def clientele_of(source: Source, *, contact: int | None, number: str | None) -> Clientele:
    """The card of a client: the one that is named, else the one his number has, if it has one alone."""
    row = await source.fetchrow(
        "select c.id, c.name, c.timezone, (select p.number from contact_phone p where p.contact_id = c.id"
        "  order by p.made_at, p.number limit 1) as number from contact c where c.id = present_card(coalesce($1,"
        "  (select n.contact_id from contact_number n where n.number = $2)))",
        contact,
        number,
    )
    if row is None:
        return Clientele(contact_id=None, name=None, zone=None, number=None)
    return Clientele(contact_id=row["id"], name=row["name"], zone=row["timezone"], number=row["number"])
