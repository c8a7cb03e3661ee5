"""How managers are: what was chosen, when they talked, and the intervals that follow (gateway.domain.manager_states).

Whatever changes a choice or a talk calls `refold` with the managers and the moment from which on they may be otherwise.
It takes a lock for each of them, folds anew from the interval in which that moment lies, and writes only what differs:
the same facts taken twice change nothing. A talk is a manager's leg of an answered call, from the moment at which leg
and call were answered to the leg's end, so a transfer, a second phone and a corrected call come out by themselves.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from gateway.domain.manager_states import (
    AFTER_CALL_MAX,
    Base,
    Choice,
    Chosen,
    Interval,
    ManagerState,
    State,
    Talk,
    base_of,
    state_of,
    timeline,
)
from gateway.store.database import Connection, Pool
from gateway.store.state_rules import rules_of

Source = Pool | Connection
Changed = dict[int, datetime]
"""Managers, and from when on they may be otherwise."""
_LOCKS = 7463


async def present_states(
    source: Source, *, now: datetime, users: Sequence[int] | None = None
) -> dict[int, ManagerState]:
    """How managers are now.

    Args:
        source: where to read.
        now: the present moment.
        users: whose; None: of everybody who works here. Who is not known at all is left out.

    Returns:
        Whoever never said how he is, and has no hours entered, is available and not `known`.
    """
    rows = await source.fetch(
        "select u.id as user_id, s.state, s.reason, s.since, s.until, s.call_id, s.by, s.ends_at, t.until as talked"
        " from users u left join manager_state s on s.user_id = u.id and s.until is null"
        " left join lateral (select k.until from manager_talk k where k.user_id = u.id order by k.since desc limit 1) t"
        " on true where case when $1::bigint[] is null then u.active else u.id = any($1::bigint[]) end order by u.id",
        None if users is None else list(users),
    )
    ringing = await _ringing(source)
    return {
        r["user_id"]: replace(
            state_of(_interval(r) if r["state"] else None, r["user_id"], now),
            ringing=tuple(ringing.get(r["user_id"], ())),
            last_talk_at=r["talked"],
        )
        for r in rows
    }


async def available(source: Source, *, now: datetime, users: Sequence[int] | None = None) -> list[int]:
    """To whom a call may be given now, the longest idle first: available, and no phone of his rings or dials.

    Args:
        source: where to read.
        now: the present moment.
        users: among whom; None: everybody who works here.
    """
    states = await present_states(source, now=now, users=users)
    free = [s for s in states.values() if s.takes_calls]
    never = datetime.min.replace(tzinfo=now.tzinfo)
    return [s.user_id for s in sorted(free, key=lambda s: (s.last_talk_at or never, s.user_id))]


_MANAGERS_LEG = (
    " join lateral (select e.user_id from extension e where e.pbx = l.pbx and e.extension = l.extension"
    "  and e.since <= l.started_at and l.started_at < e.until limit 1) e on true"
)


async def _ringing(source: Source) -> dict[int, list[UUID]]:
    """Open calls in which a manager's phone rings or dials and none of his talks."""
    rows = await source.fetch(
        f"select distinct e.user_id, c.id from call c join leg l on l.call_id = c.id{_MANAGERS_LEG}"
        " where c.state <> 'ended' and c.merged_into is null and c.kind <> 'service' and l.role = 'manager'"
        " and l.ended_at is null and not exists (select from manager_talk t where t.call_id = c.id"
        "  and t.user_id = e.user_id and t.until is null) order by 1, 2"
    )
    found: dict[int, list[UUID]] = {}
    for row in rows:
        found.setdefault(row["user_id"], []).append(row["id"])
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Leg:
    """A manager's leg as it stands in the calls, or as it was taken over."""

    pbx: str
    leg: str
    user_id: int
    call_id: UUID
    row_since: datetime
    row_until: datetime | None


async def open_calls(source: Source) -> list[UUID]:
    """The calls that go on, and those in which somebody is thought to talk."""
    rows = await source.fetch(
        "select id from call where state <> 'ended' and merged_into is null"
        " union select call_id from manager_talk where until is null"
    )
    return [r["id"] for r in rows]


async def sync_talks(connection: Connection, calls: Iterable[UUID], now: datetime) -> Changed:
    """Take over when managers talked in some calls, as the calls stand now.

    Args:
        connection: within a transaction.
        calls: which; of a call that was merged into another one, both.
        now: the present moment: a PBX whose clock is ahead does not move the states into the future.

    Returns:
        Whose states may be otherwise.
    """
    ids = sorted(set(calls))
    wanted = {(leg.pbx, leg.leg): leg for leg in await _legs(connection, ids)}
    kept = {
        (r["pbx"], r["leg"]): r
        for r in await connection.fetch(
            "select * from manager_talk where call_id = any($1::uuid[])"
            " or (pbx, leg) in (select * from unnest($2::text[], $3::text[])) order by pbx, leg for update",
            ids,
            [pbx for pbx, _ in wanted],
            [leg for _, leg in wanted],
        )
    }
    changed: Changed = {}
    for place, row in kept.items():
        if place not in wanted:
            _note(changed, row["user_id"], row["since"])
            await connection.execute("delete from manager_talk where pbx = $1 and leg = $2", *place)
    fresh = [leg for place, leg in sorted(wanted.items()) if not _is_kept(leg, kept.get(place))]
    rules = await rules_of(connection, sorted({leg.user_id for leg in fresh})) if fresh else {}
    taken = []
    for leg in fresh:
        before = kept.get((leg.pbx, leg.leg))
        since, until = _moments(leg, before, now)
        if before is not None:
            _note(changed, before["user_id"], _first_change(before, since, until, leg.user_id))
        _note(changed, leg.user_id, since if before is None else _first_change(before, since, until, leg.user_id))
        after = rules[leg.user_id].after_call_seconds
        taken.append((leg.pbx, leg.leg, leg.user_id, leg.call_id, leg.row_since, leg.row_until, since, until, after))
    if taken:
        await connection.executemany(_SAVE_TALK, taken)
    return changed


async def _legs(source: Source, calls: Sequence[UUID]) -> list[_Leg]:
    rows = await source.fetch(
        "select l.pbx, l.id as leg, e.user_id, l.call_id, greatest(l.answered_at, c.answered_at) as row_since,"
        f" l.ended_at as row_until from leg l join call c on c.id = l.call_id{_MANAGERS_LEG}"
        " where l.call_id = any($1::uuid[]) and l.role = 'manager' and c.kind <> 'service' and c.merged_into is null"
        " and l.answered_at is not null and c.answered_at is not null"
        " and (l.ended_at is null or l.ended_at > greatest(l.answered_at, c.answered_at))",
        calls,
    )
    return [_Leg(**dict(r)) for r in rows]


def _is_kept(leg: _Leg, row: Mapping[str, object] | None) -> bool:
    return row is not None and all(
        getattr(leg, name) == row[name] for name in ("user_id", "call_id", "row_since", "row_until")
    )


def _moments(leg: _Leg, before: Mapping[str, object] | None, now: datetime) -> tuple[datetime, datetime | None]:
    """Begin and end as they count: no later than the moment at which we heard of them."""
    since: datetime = min(leg.row_since, now)
    if before is not None and before["row_since"] == leg.row_since:
        since = before["since"]  # type: ignore[assignment]
    until = None if leg.row_until is None else min(leg.row_until, now)
    if before is not None and before["row_until"] == leg.row_until:
        until = before["until"]  # type: ignore[assignment]
    if until is not None and until <= since and leg.row_until is not None:
        since = until - (leg.row_until - leg.row_since)
    return since, until


def _first_change(before: Mapping[str, object], since: datetime, until: datetime | None, user: int) -> datetime:
    """From when on a changed talk is another one."""
    was_since: datetime = before["since"]  # type: ignore[assignment]
    was_until: datetime | None = before["until"]  # type: ignore[assignment]
    if was_since != since or before["user_id"] != user:
        return min(was_since, since)
    ends = [end for end in (was_until, until) if end is not None]
    return min(ends) if was_until != until and ends else since


def _note(changed: Changed, user: int, at: datetime) -> None:
    changed[user] = min(at, changed.get(user, at))


# The after-call time stays as it was when the talk was first seen: a rule does not reach back.
_SAVE_TALK = (
    "insert into manager_talk (pbx, leg, user_id, call_id, row_since, row_until, since, until, after_seconds)"
    " values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (pbx, leg) do update set"
    " user_id = excluded.user_id, call_id = excluded.call_id, row_since = excluded.row_since,"
    " row_until = excluded.row_until, since = excluded.since, until = excluded.until"
)


async def add_choices(connection: Connection, choices: Iterable[tuple[int, Choice]]) -> Changed:
    """Write down what was chosen for managers; what is known already changes nothing.

    Returns:
        Whose states may be otherwise.
    """
    changed: Changed = {}
    for user, choice in choices:
        new = await connection.fetchval(
            "insert into state_choice (user_id, at, chosen, reason, until, call_id, by)"
            " values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing returning true",
            user,
            choice.at,
            choice.chosen,
            choice.reason,
            choice.until,
            choice.call_id,
            choice.by,
        )
        if new:
            _note(changed, user, choice.at)
    return changed


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A manager whose present state is another one."""

    user_id: int
    before: Interval | None
    after: Interval | None


async def over_by(source: Source, now: datetime) -> Changed:
    """Whose after-call time is over."""
    rows = await source.fetch(
        "select user_id, ends_at from manager_state where until is null and ends_at is not null and ends_at <= $1", now
    )
    return {r["user_id"]: r["ends_at"] for r in rows}


async def refold(connection: Connection, changed: Mapping[int, datetime], now: datetime) -> list[Move]:
    """Fold the states of managers anew from the moment on at which each may be otherwise.

    Args:
        connection: within a transaction; nobody else folds these managers until it ends.
        changed: the managers and moments.
        now: the present moment.

    Returns:
        Whose present state is another one now.
    """
    await connection.execute(
        "select pg_advisory_xact_lock($1, key) from (select distinct hashint8(u) as key from unnest($2::bigint[]) as u"
        " order by 1) as keys",
        _LOCKS,
        sorted(changed),
    )
    begins = await _begins(connection, changed)
    pasts = await _pasts(connection, begins)
    rows = await _rows(connection, begins)
    fresh = {
        user: timeline(pasts[user].choices, pasts[user].talks, base=pasts[user].base, begin=begins[user], now=now)
        for user in begins
    }
    await _write(connection, rows, begins, fresh)
    moves = [
        Move(user_id=user, before=_open(map(_interval, rows[user])), after=_open(fresh[user]))
        for user in sorted(begins)
    ]
    return [move for move in moves if _told_of(move.before) != _told_of(move.after)]


def _told_of(interval: Interval | None) -> tuple[object, ...]:
    return (interval.state, interval.reason, interval.call_id, interval.ends_at) if interval else ()


def _open(intervals: Iterable[Interval]) -> Interval | None:
    """The one that goes on."""
    return next((interval for interval in intervals if interval.until is None), None)


async def _begins(connection: Connection, changed: Mapping[int, datetime]) -> dict[int, datetime]:
    """From where each is folded anew: the begin of the interval in which, or at whose end, something has changed."""
    rows = await connection.fetch(
        "select w.id, coalesce(s.since, w.at) as begin from unnest($1::bigint[], $2::timestamptz[]) as w(id, at)"
        " left join lateral (select since from manager_state where user_id = w.id and since < w.at"
        "  and (until is null or until >= w.at) order by since desc limit 1) s on true",
        list(changed),
        list(changed.values()),
    )
    return {r["id"]: r["begin"] for r in rows}


@dataclass(slots=True, kw_only=True)
class _Past:
    """What a manager's intervals follow from, since a moment and as far before it as matters."""

    reach: datetime
    talks: list[Talk]
    choices: list[Choice]
    base: Base | None = None


async def _pasts(connection: Connection, begins: Mapping[int, datetime]) -> dict[int, _Past]:
    pasts = {user: _Past(reach=begin - AFTER_CALL_MAX, talks=[], choices=[]) for user, begin in sorted(begins.items())}
    of_people = "unnest($1::bigint[], $2::timestamptz[]) as w(user_id, reach)"
    for row in await connection.fetch(
        f"select w.user_id, t.since, t.until, t.call_id, t.after_seconds from {of_people} join manager_talk t"
        " on t.user_id = w.user_id and (t.until is null or (t.until > w.reach and t.since < t.until))"
        " order by t.since, t.pbx, t.leg",
        list(pasts),
        [past.reach for past in pasts.values()],
    ):
        past = pasts[row["user_id"]]
        past.talks.append(_talk(row))
        past.reach = min(past.reach, row["since"])
    reaches = [past.reach for past in pasts.values()]
    for row in await connection.fetch(
        f"select w.user_id, c.at, c.chosen, c.by, c.reason, c.until, c.call_id from {of_people}"
        " join state_choice c on c.user_id = w.user_id and c.at >= w.reach order by c.at, c.id",
        list(pasts),
        reaches,
    ):
        pasts[row["user_id"]].choices.append(_choice(row))
    for row in await connection.fetch(
        f"select w.user_id, c.* from {of_people} join lateral (select {_CHOICE} from state_choice"
        "  where user_id = w.user_id and at < w.reach and chosen in ('available', 'break', 'off')"
        "  order by at desc, id desc limit 1) c on true",
        list(pasts),
        reaches,
    ):
        pasts[row["user_id"]].base = base_of(_choice(row))
    return pasts


def _talk(row: Mapping[str, object]) -> Talk:
    return Talk(
        since=row["since"],  # type: ignore[arg-type]
        until=row["until"],  # type: ignore[arg-type]
        call_id=row["call_id"],  # type: ignore[arg-type]
        after=timedelta(seconds=int(str(row["after_seconds"]))),
    )


async def _rows(connection: Connection, begins: Mapping[int, datetime]) -> dict[int, list[Mapping[str, object]]]:
    """What the table holds of each from his begin on."""
    found: dict[int, list[Mapping[str, object]]] = {user: [] for user in begins}
    for row in await connection.fetch(
        "select s.* from unnest($1::bigint[], $2::timestamptz[]) as w(user_id, begin) join manager_state s"
        " on s.user_id = w.user_id and s.since >= w.begin order by s.since",
        list(begins),
        list(begins.values()),
    ):
        found[row["user_id"]].append(row)
    return found


_CHOICE = "at, chosen, by, reason, until, call_id"


async def base_before(source: Source, user: int, at: datetime) -> Base | None:
    """What had been chosen for a manager last before a moment."""
    row = await source.fetchrow(
        f"select {_CHOICE} from state_choice where user_id = $1 and at < $2"
        " and chosen in ('available', 'break', 'off') order by at desc, id desc limit 1",
        user,
        at,
    )
    return base_of(_choice(row)) if row else None


def _choice(row: Mapping[str, object]) -> Choice:
    return Choice(
        at=row["at"],  # type: ignore[arg-type]
        chosen=Chosen(str(row["chosen"])),
        by=str(row["by"]),
        reason=str(row["reason"]),
        until=row["until"],  # type: ignore[arg-type]
        call_id=row["call_id"],  # type: ignore[arg-type]
    )


def _interval(row: Mapping[str, object]) -> Interval:
    names = ("since", "until", "reason", "call_id", "by", "ends_at")
    return Interval(state=State(str(row["state"])), **{name: row[name] for name in names})  # type: ignore[arg-type]


async def _write(
    connection: Connection,
    rows: Mapping[int, Sequence[Mapping[str, object]]],
    begins: Mapping[int, datetime],
    fresh: Mapping[int, Sequence[Interval]],
) -> None:
    """Let the table hold these intervals; a row that stays what it is keeps its id."""
    gone, changed, new = [], [], []
    for user in begins:
        wanted = {interval.since: interval for interval in fresh[user]}
        for row in rows[user]:
            now = wanted.get(row["since"])  # type: ignore[call-overload]
            if now is None or not _begins_same(_interval(row), now):
                gone.append(row["id"])
                continue
            del wanted[now.since]
            if _interval(row) != now:
                changed.append((row["id"], now.until, now.ends_at, now.by))
        new += [(user, i.state, i.reason, i.since, i.until, i.call_id, i.by, i.ends_at) for i in wanted.values()]
    if gone:
        await connection.execute("delete from manager_state where id = any($1::bigint[])", gone)
    if changed:
        await connection.executemany(
            "update manager_state set until = $2, ends_at = $3, by = $4 where id = $1", changed
        )
    if new:
        await connection.executemany(
            "insert into manager_state (user_id, state, reason, since, until, call_id, by, ends_at)"
            " values ($1, $2, $3, $4, $5, $6, $7, $8)",
            new,
        )


def _begins_same(one: Interval, other: Interval) -> bool:
    return (one.state, one.reason, one.call_id) == (other.state, other.reason, other.call_id)
