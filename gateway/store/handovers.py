"""Many cards and tasks given to others at once, with each item kept so that it can be undone; absences, dismissals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from gateway.store.database import Connection, Pool

Source = Pool | Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """Many items that changed hands for one reason."""

    id: int
    kind: str
    from_id: int | None
    to_id: int | None
    """None: by rule."""
    reason: str
    by: str
    at: datetime
    cards: int
    tasks: int
    scheduled: int
    """Calls planned with these clients."""
    among: tuple[int, ...]
    """Colleagues who share them; empty: one gets them, or the rules say who."""
    until: datetime | None
    """When what is still with those who got it comes back; None: it does not."""
    which: Mapping[str, object]
    """Which clients were meant, in the words of the order."""
    undone_by: str | None
    undone_at: datetime | None
    returned: int
    state: str
    """`going`, `stopped` or `done`."""
    stopped_by: str | None
    meant: int | None
    """How many cards it was of when it was ordered; None: they were named one by one, or nobody counted."""
    after_id: int
    """The last card that was looked at; 0: it is not of one that goes on by itself."""
    with_tasks: bool
    with_scheduled: bool


_HANDOVER = (
    "select id, kind, from_id, to_id, reason, by, at, cards, tasks, scheduled, among, until, which, undone_by,"
    " undone_at, returned, state, stopped_by, meant, after_id, with_tasks, with_scheduled from handover"
)


def _handover(row: Mapping[str, object]) -> Handover:
    return Handover(**{**row, "among": tuple(cast(Sequence[int], row["among"]))})  # type: ignore[arg-type]


async def begin_handover(
    connection: Connection,
    *,
    kind: str,
    from_id: int | None,
    to_id: int | None,
    reason: str,
    by: str,
    now: datetime,
    among: Sequence[int] = (),
    until: datetime | None = None,
    which: Mapping[str, object] | None = None,
    meant: int | None = None,
    with_tasks: bool = True,
    with_scheduled: bool = True,
) -> int:
    """Begin a handover.

    Returns:
        Its id.
    """
    found: int = await connection.fetchval(
        "insert into handover (kind, from_id, to_id, reason, by, at, among, until, which, meant, with_tasks,"
        " with_scheduled) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) returning id",
        kind,
        from_id,
        to_id,
        reason,
        by,
        now,
        list(among),
        until,
        dict(which or {}),
        meant,
        with_tasks,
        with_scheduled,
    )
    return found


async def note_step(connection: Connection, id: int, *, after: int, going: bool) -> None:
    """Write down how far a handover is.

    Args:
        connection: within the transaction of the step.
        id: which one.
        after: the last card that was looked at.
        going: whether more are left.
    """
    state = "going" if going else "done"
    await connection.execute("update handover set after_id = $2, state = $3 where id = $1", id, after, state)


async def stop_handover(connection: Connection, id: int, by: str) -> bool:
    """Let a handover go on no more; False: it does not go on."""
    found = await connection.fetchval(
        "update handover set state = 'stopped', stopped_by = $2 where id = $1 and state = 'going' returning true",
        id,
        by,
    )
    return bool(found)


async def resume_handover(connection: Connection, id: int) -> bool:
    """Let a handover that was stopped go on; False: it was not stopped, or was undone."""
    found = await connection.fetchval(
        "update handover set state = 'going', stopped_by = null"
        " where id = $1 and state = 'stopped' and undone_by is null returning true",
        id,
    )
    return bool(found)


async def unfinished_handover(source: Source, now: datetime) -> Handover | None:
    """The oldest one that goes on, or of whose undo a person ordered something is left; None: there is none.

    What is lent and over comes back by itself (`due_handover`).
    """
    row = await source.fetchrow(
        f"{_HANDOVER} where undone_at is null and (state = 'going' or undone_by is not null)"
        " and (undone_by is null or until is null or until > $1) order by id limit 1",
        now,
    )
    return _handover(dict(row)) if row else None


async def add_items(
    connection: Connection,
    handover: int,
    cards: Sequence[tuple[int, int | None, int]],
    tasks: Sequence[tuple[int, int, int]],
    scheduled: Sequence[tuple[int, int, int]] = (),
) -> None:
    """Write down what changed hands: id, from, to."""
    await connection.executemany(
        "insert into handover_card (handover_id, contact_id, from_id, to_id) values ($1, $2, $3, $4)"
        " on conflict do nothing",
        [(handover, *card) for card in cards],
    )
    await connection.executemany(
        "insert into handover_task (handover_id, task_id, from_id, to_id) values ($1, $2, $3, $4)"
        " on conflict do nothing",
        [(handover, str(task), old, new) for task, old, new in tasks],
    )
    await connection.executemany(
        "insert into handover_scheduled (handover_id, scheduled_id, from_id, to_id) values ($1, $2, $3, $4)"
        " on conflict do nothing",
        [(handover, *call) for call in scheduled],
    )
    await connection.execute(
        "update handover set cards = cards + $2, tasks = tasks + $3, scheduled = scheduled + $4 where id = $1",
        handover,
        len(cards),
        len(tasks),
        len(scheduled),
    )


async def read_handover(source: Source, id: int, *, lock: bool = False) -> Handover | None:
    """One handover; None: there is none with this id."""
    row = await source.fetchrow(f"{_HANDOVER} where id = $1{' for update' if lock else ''}", id)
    return _handover(dict(row)) if row else None


async def list_handovers(source: Source, *, before: int | None, limit: int, state: str | None = None) -> list[Handover]:
    """Handovers, the newest first."""
    rows = await source.fetch(
        f"{_HANDOVER} where ($1::bigint is null or id < $1) and ($3::text is null or state = $3)"
        " order by id desc limit $2",
        before,
        limit,
        state,
    )
    return [_handover(dict(r)) for r in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """How many one person got."""

    user_id: int
    cards: int
    tasks: int
    scheduled: int


async def shares_of(source: Source, handover: int) -> list[Share]:
    """Who got how many, by id."""
    rows = await source.fetch(
        "select to_id as user_id, sum(cards)::int as cards, sum(tasks)::int as tasks, sum(planned)::int as scheduled"
        " from (select to_id, count(*) as cards, 0 as tasks, 0 as planned from handover_card"
        "   where handover_id = $1 group by 1"
        "  union all select to_id, 0, count(*), 0 from handover_task where handover_id = $1 group by 1"
        "  union all select to_id, 0, 0, count(*) from handover_scheduled where handover_id = $1 group by 1) part"
        " group by 1 order by 1",
        handover,
    )
    return [Share(**dict(r)) for r in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedCard:
    """One card that changed hands."""

    id: int
    name: str
    from_id: int | None
    to_id: int
    returned: bool


async def cards_handed(source: Source, handover: int, *, after: int, limit: int) -> list[HandedCard]:
    """Cards that changed hands, by id.

    Args:
        source: where to read.
        handover: which one.
        after: id of the last one seen.
        limit: how many at most.
    """
    rows = await source.fetch(
        "select i.contact_id as id, c.name, i.from_id, i.to_id, i.returned_at is not null as returned"
        " from handover_card i join contact c on c.id = i.contact_id"
        " where i.handover_id = $1 and i.contact_id > $2 order by 1 limit $3",
        handover,
        after,
        limit,
    )
    return [HandedCard(**dict(r)) for r in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One card, task or planned call that changed hands and can go back."""

    id: int
    from_id: int | None
    to_id: int


_STILL = {
    "card": "join contact c on c.id = i.contact_id and c.merged_into is null and c.owner_id = i.to_id",
    "task": "join task c on c.id = i.task_id::bigint and c.owner_id = i.to_id and c.state in ('new', 'in_progress')",
    "scheduled": "join scheduled_call c on c.id = i.scheduled_id and c.user_id = i.to_id and c.state = 'planned'",
}


async def still_there(source: Source, handover: int, what: str, limit: int | None) -> list[Item]:
    """What is still with the one who got it and can go back: to nobody, or to one who works here.

    Args:
        source: where to read.
        handover: which one.
        what: `card`, `task` or `scheduled`.
        limit: how many at most; None: all.
    """
    rows = await source.fetch(
        f"select c.id, i.from_id, i.to_id from handover_{what} i {_STILL[what]}"
        " left join users u on u.id = i.from_id where i.handover_id = $1 and i.returned_at is null"
        " and (u.active or (i.from_id is null and $3)) order by 1 limit $2",
        handover,
        limit,
        what == "card",
    )
    return [Item(**dict(r)) for r in rows]


_ITEM_IDS = {"card": "contact_id", "task": "task_id::bigint", "scheduled": "scheduled_id"}


async def note_return(
    connection: Connection, handover: int, returned: Mapping[str, Sequence[int]], *, by: str, now: datetime, whole: bool
) -> None:
    """Write down what came back.

    Args:
        connection: within a transaction.
        handover: which one.
        returned: ids by `card`, `task` and `scheduled`.
        by: who did it.
        now: the present moment, UTC.
        whole: whether nothing is left that could come back.
    """
    for what, ids in returned.items():
        await connection.execute(
            f"update handover_{what} set returned_at = $3"
            f" where handover_id = $1 and {_ITEM_IDS[what]} = any($2::bigint[])",
            handover,
            ids,
            now,
        )
    await connection.execute(
        "update handover set undone_by = $2, undone_at = case when $5 then $3::timestamptz end,"
        " returned = returned + $4, state = case when state = 'going' then 'stopped' else state end where id = $1",
        handover,
        by,
        now,
        len(returned.get("card", ())),
        whole,
    )


async def due_handover(connection: Connection, now: datetime) -> Handover | None:
    """One whose time is over; None: there is none."""
    row = await connection.fetchrow(
        f"{_HANDOVER} where until <= $1 and undone_at is null order by until, id limit 1 for update skip locked", now
    )
    return _handover(dict(row)) if row else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence:
    """When a manager is away."""

    id: int
    user_id: int
    kind: str
    since: datetime
    until: datetime | None
    """None: not known yet."""
    deputy_id: int | None
    """None: what he has goes by rule."""
    hands_over: bool
    comes_back: bool
    state: str
    handover_id: int | None
    made_by: str
    made_at: datetime
    version: int


_ABSENCE = """select id, user_id, kind, since, until, deputy_id, hands_over, comes_back, state, handover_id, made_by,
 made_at, version from absence"""


def _absence(row: Mapping[str, object]) -> Absence:
    return Absence(**dict(row))  # type: ignore[arg-type]


async def add_absence(connection: Connection, values: Mapping[str, object], *, by: str, now: datetime) -> int | None:
    """Enter an absence.

    Returns:
        Its id; None: he is away already at some of that time.
    """
    await connection.execute("select id from users where id = $1 for no key update", values["user_id"])
    clash = await connection.fetchval(
        "select true from absence where user_id = $1 and state in ('planned', 'begun')"
        " and tstzrange(since, until) && tstzrange($2, $3) limit 1",
        values["user_id"],
        values["since"],
        values["until"],
    )
    if clash:
        return None
    names = ("user_id", "kind", "since", "until", "deputy_id", "hands_over", "comes_back")
    found: int = await connection.fetchval(
        f"insert into absence (made_by, made_at, {', '.join(names)}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
        " returning id",
        by,
        now,
        *(values[name] for name in names),
    )
    return found


async def read_absence(source: Source, id: int, *, lock: bool = False) -> Absence | None:
    """One absence; None: there is none with this id."""
    row = await source.fetchrow(f"{_ABSENCE} where id = $1{' for update' if lock else ''}", id)
    return _absence(row) if row else None


async def change_absence(connection: Connection, id: int, changes: Mapping[str, object]) -> None:
    """Change an absence that was locked."""
    names = [n for n in ("until", "deputy_id", "comes_back", "state", "handover_id") if n in changes]
    sets = "".join(f", {name} = ${place}" for place, name in enumerate(names, 2))
    await connection.execute(
        f"update absence set version = version + 1{sets} where id = $1", id, *(changes[n] for n in names)
    )


async def list_absences(source: Source, *, user: int | None, before: int | None, limit: int) -> list[Absence]:
    """Absences, the newest first."""
    rows = await source.fetch(
        f"{_ABSENCE} where ($1::bigint is null or user_id = $1) and ($2::bigint is null or id < $2)"
        " order by id desc limit $3",
        user,
        before,
        limit,
    )
    return [_absence(r) for r in rows]


async def due_absences(connection: Connection, now: datetime) -> tuple[list[Absence], list[Absence]]:
    """Absences that begin, and those that end."""
    begin = await connection.fetch(
        f"{_ABSENCE} where state = 'planned' and since <= $1 order by since, id limit 20 for update", now
    )
    end = await connection.fetch(
        f"{_ABSENCE} where state = 'begun' and until <= $1 order by until, id limit 20 for update", now
    )
    return [_absence(r) for r in begin], [_absence(r) for r in end]


async def dismissed_users(connection: Connection) -> list[tuple[int, int | None]]:
    """Users who were blocked and still have something, also what came to them since, with their handover.

    Those of whom a handover by hand goes on come behind it: a person said who gets these clients.
    """
    rows = await connection.fetch(
        "select u.id, d.handover_id from users u left join dismissal d on d.user_id = u.id"
        " where not u.active and not exists (select from handover h where h.from_id = u.id and h.state = 'going')"
        " and (d.done_at is null or exists (select from contact c where c.owner_id = u.id"
        "  and c.merged_into is null) or exists (select from task t where t.owner_id = u.id"
        "  and t.state in ('new', 'in_progress'))) order by d.done_at nulls first, u.id limit 5"
    )
    return [(r["id"], r["handover_id"]) for r in rows]


async def note_dismissal(connection: Connection, user: int, handover: int, *, done: bool, now: datetime) -> None:
    """Write down how far the things of one who left are given away."""
    await connection.execute(
        "insert into dismissal (user_id, handover_id, begun_at, done_at)"
        " values ($1, $2, $3, case when $4::boolean then $3::timestamptz end)"
        " on conflict (user_id) do update set done_at = case when $4::boolean then $3::timestamptz end",
        user,
        handover,
        now,
        done,
    )


async def forget_dismissals(connection: Connection) -> None:
    """Those who work here again may leave again."""
    await connection.execute("delete from dismissal d using users u where u.id = d.user_id and u.active")
