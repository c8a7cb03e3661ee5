"""Missed clients as they are kept: their matters and the calls these are made of.

`missed` and `missed_call` hold what was folded last (gateway/domain/missed.py), so that lists are quick and changes are
told; the calls themselves stay the truth, and `story_of` reads them anew each time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from gateway.domain.call_view import moment
from gateway.domain.missed import (
    Attempt,
    Dismissal,
    Matter,
    Missed,
    MissedState,
    Story,
    Talk,
    Terms,
)
from gateway.domain.tasks import Task
from gateway.store.database import Connection, Pool
from gateway.store.tasks import read_task

Source = Pool | Connection

LONGEST_CALL = timedelta(days=1)
"""A call that began earlier is not looked for any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """Whose calls belong together: one card's, or where the number has none or several, one number's."""

    contact_id: int | None
    number: str | None

    @property
    def key(self) -> str:
        """A name for him."""
        return f"card {self.contact_id}" if self.contact_id is not None else f"number {self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """A call of which something was told, as it is now."""

    call_id: UUID
    client: Client
    hidden: bool
    """The client's number is not known: nobody can call back."""
    started_at: datetime
    pbx: str
    did: str | None
    ended_at: datetime | None
    asks: bool
    """It asks for a call back."""
    reason: str
    matters: tuple[int, ...]
    """Matters of which it is part, or which it ended."""
    waited: bool
    """Its client has an open matter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptMatter:
    """A matter as it was kept last."""

    id: int
    client: Client
    state: MissedState
    calls: tuple[UUID, ...]
    terms: Terms
    first_at: datetime
    last_at: datetime
    attempts: int
    task_id: int | None
    closed_at: datetime | None
    closed_by_call: UUID | None
    closed_by_user: int | None
    claimed_until: datetime | None
    """Until when somebody has, or had, the client for himself."""
    dismissal: Dismissal | None


_CALLS_OF = """from call c where c.merged_into is null and c.kind = 'client'
 and c.started_at >= $3 and case when $1::bigint is null then c.contact_id is null and c.client_number = $2
    else c.contact_id = $1 end"""


async def touched_calls(source: Source, ids: Sequence[UUID]) -> list[Touched]:
    """What is known of calls that were told of."""
    rows = await source.fetch(
        "select c.id, c.contact_id, c.client_number, c.client_kind, c.started_at, c.ended_at, c.pbx, c.did,"
        " c.merged_into is null and c.kind = 'client' and c.state = 'ended'"
        "  and c.result in ('missed', 'lost_in_transfer') as asks,"
        " coalesce(c.reason, c.result) as reason,"
        " array(select k.missed_id from missed_call k where k.call_id = c.id union"
        "  select m.id from missed m where m.closed_by_call = c.id) as matters,"
        " exists (select from missed m where m.state = 'open' and m.contact_id = c.contact_id) or (c.contact_id is null"
        "  and exists (select from missed m where m.state = 'open' and m.contact_id is null"
        "   and m.number = c.client_number)) as waited"
        " from call c where c.id = any($1::uuid[])",
        list(ids),
    )
    return [
        Touched(
            call_id=r["id"],
            client=Client(contact_id=r["contact_id"], number=r["client_number"]),
            hidden=r["client_kind"] != "client" or r["client_number"] is None,
            started_at=r["started_at"],
            pbx=r["pbx"],
            did=r["did"],
            ended_at=r["ended_at"],
            asks=r["asks"],
            reason=r["reason"],
            matters=tuple(r["matters"]),
            waited=r["waited"],
        )
        for r in rows
    ]


async def lock_client(connection: Connection, client: Client) -> None:
    """Let nobody else settle this client's matters until the transaction ends."""
    await connection.execute("select pg_advisory_xact_lock(7463, hashtext($1))", client.key)


async def story_of(source: Source, client: Client, since: datetime, dismissals: Sequence[Dismissal] = ()) -> Story:
    """A client's calls from a moment on.

    Args:
        source: where to read.
        client: whose.
        since: missed calls that ended, and talks that went on, at this moment or later.
        dismissals: what people decided.
    """
    rows = await source.fetch(
        "select c.id, c.direction, c.state, c.result, coalesce(c.reason, c.result) as reason, c.pbx, c.did,"
        f" c.client_number, c.started_at, c.answered_at, c.ended_at, c.responsible_id {_CALLS_OF}"
        " and (c.ended_at is null or c.ended_at >= $4) order by c.started_at, c.id",
        client.contact_id,
        client.number,
        since - LONGEST_CALL,
        since,
    )
    return Story(
        missed=[
            Missed(
                call_id=r["id"],
                at=r["ended_at"],
                reason=r["reason"],
                pbx=r["pbx"],
                did=r["did"],
                number=r["client_number"],
            )
            for r in rows
            if r["state"] == "ended" and r["result"] in ("missed", "lost_in_transfer")
        ],
        talks=[
            Talk(
                call_id=r["id"],
                since=r["answered_at"],
                until=r["ended_at"],
                inbound=r["direction"] == "inbound",
                user_id=r["responsible_id"],
            )
            for r in rows
            if r["answered_at"] is not None and r["result"] == "answered"
        ],
        attempts=[
            Attempt(call_id=r["id"], at=r["started_at"])
            for r in rows
            if r["state"] == "ended"
            and r["direction"] == "outbound"
            and r["result"] in ("busy", "no_answer", "cancelled")
        ],
        dismissals=dismissals,
    )


_MATTER = """m.id, m.contact_id, m.number, m.state, m.due_at, m.give_up_at, m.first_at, m.last_at, m.attempts,
 m.task_id, m.closed_at, m.closed_by_call, m.closed_by_user, m.claimed_until, m.dismissed_at, m.dismissed_by,
 m.dismissed_why,
 array(select coalesce(c.merged_into, k.call_id) from missed_call k join call c on c.id = k.call_id
    where k.missed_id = m.id order by k.at) as calls"""


def _kept(row: Mapping[str, object]) -> KeptMatter:
    values = dict(row)
    at, by, why = (values.pop(f"dismissed_{name}") for name in ("at", "by", "why"))
    calls: Sequence[UUID] = values.pop("calls")  # type: ignore[assignment]
    return KeptMatter(
        client=Client(contact_id=values.pop("contact_id"), number=values.pop("number")),  # type: ignore[arg-type]
        state=MissedState(str(values.pop("state"))),
        calls=tuple(calls),
        terms=Terms(due_at=values.pop("due_at"), give_up_at=values.pop("give_up_at")),  # type: ignore[arg-type]
        dismissal=Dismissal(at=at, by=by, why=why or "") if at else None,  # type: ignore[arg-type]
        **values,  # type: ignore[arg-type]
    )


async def matters_since(source: Source, client: Client, since: datetime, ids: Sequence[int]) -> list[KeptMatter]:
    """A client's matters that are open, that ended at a moment or later, or that are named."""
    rows = await source.fetch(
        f"select {_MATTER} from missed m where not m.hidden"
        " and case when $1::bigint is null then m.contact_id is null and m.number = $2 else m.contact_id = $1 end"
        " and (m.state = 'open' or m.last_at >= $3 or m.closed_at >= $3 or m.id = any($4::bigint[]))"
        " order by m.first_at, m.id",
        client.contact_id,
        client.number,
        since,
        list(ids),
    )
    return [_kept(r) for r in rows]


async def read_matters(source: Source, ids: Sequence[int]) -> list[KeptMatter]:
    """Matters by their ids."""
    rows = await source.fetch(f"select {_MATTER} from missed m where m.id = any($1::bigint[]) order by m.id", list(ids))
    return [_kept(r) for r in rows]


async def open_matter(source: Source, client: Client) -> KeptMatter | None:
    """The matter of a client who waits for a call back; None: he does not."""
    row = await source.fetchrow(
        f"select {_MATTER} from missed m where m.state = 'open'"
        " and case when $1::bigint is null then m.contact_id is null and m.number = $2 else m.contact_id = $1 end",
        client.contact_id,
        client.number,
    )
    return _kept(row) if row else None


async def matters_began(source: Source, cards: Sequence[int], since: datetime) -> datetime | None:
    """When the first matter of some cards began that is open or ended after a moment; None: there is none."""
    began: datetime | None = await source.fetchval(
        "select min(first_at) from missed where contact_id = any($1::bigint[]) and (state = 'open' or closed_at > $2)",
        list(cards),
        since,
    )
    return began


async def matters_to_give_up(source: Source, now: datetime, limit: int) -> list[KeptMatter]:
    """Open matters whose limit has passed."""
    rows = await source.fetch(
        f"select {_MATTER} from missed m where m.state = 'open' and m.give_up_at <= $1 order by m.give_up_at limit $2",
        now,
        limit,
    )
    return [_kept(r) for r in rows]


async def matters_to_escalate(source: Source, now: datetime, limit: int) -> list[tuple[KeptMatter, str | None]]:
    """Open matters that the heads must hear of, each with the number that was called."""
    rows = await source.fetch(
        f"select {_MATTER}, m.did from missed m where m.state = 'open' and m.escalate_at <= $1"
        " and m.escalated_at is null order by m.escalate_at limit $2 for update of m skip locked",
        now,
        limit,
    )
    return [(_kept({n: v for n, v in r.items() if n != "did"}), r["did"]) for r in rows]


async def note_escalation(connection: Connection, id: int, now: datetime) -> None:
    """The heads have been told, once and for all."""
    await connection.execute("update missed set escalated_at = $2 where id = $1", id, now)


async def add_hidden(connection: Connection, call: Touched, terms: Terms) -> None:
    """Count a call whose number is not known; nobody can call back."""
    assert call.ended_at is not None
    await connection.execute(
        "with made as (insert into missed (pbx, did, state, calls, first_at, last_at, due_at, give_up_at, hidden,"
        "  closed_at) values ($2, $3, 'never', 1, $4, $4, $5, $6, true, $4) returning id)"
        " insert into missed_call (call_id, missed_id, at, reason) select $1, id, $4, $7 from made",
        call.call_id,
        call.pbx,
        call.did,
        call.ended_at,
        terms.due_at,
        terms.give_up_at,
        call.reason,
    )


async def add_matter(
    connection: Connection, client: Client, matter: Matter, *, new_client: bool, escalate_at: datetime
) -> int:
    """Write down a new matter with its calls.

    Returns:
        Its id.
    """
    id_: int = await connection.fetchval(
        "insert into missed (contact_id, number, pbx, did, state, calls, attempts, first_at, last_at, due_at,"
        " give_up_at, new_client, escalate_at, closed_at, closed_by_call, closed_by_user)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) returning id",
        client.contact_id,
        matter.first.number,
        matter.first.pbx,
        matter.first.did,
        matter.state,
        len(matter.calls),
        matter.attempts,
        matter.first.at,
        matter.last_at,
        matter.terms.due_at,
        matter.terms.give_up_at,
        new_client,
        escalate_at,
        matter.closed_at,
        matter.by_call,
        matter.by_user,
    )
    await _save_calls(connection, id_, matter)
    return id_


async def save_matter(connection: Connection, id: int, matter: Matter) -> None:
    """Write down a matter as it was folded anew."""
    await connection.execute(
        "update missed set state = $2, calls = $3, attempts = $4, first_at = $5, last_at = $6, closed_at = $7,"
        " closed_by_call = $8, closed_by_user = $9, due_at = $10, give_up_at = $11, version = version + 1"
        " where id = $1",
        id,
        matter.state,
        len(matter.calls),
        matter.attempts,
        matter.first.at,
        matter.last_at,
        matter.closed_at,
        matter.by_call,
        matter.by_user,
        matter.terms.due_at,
        matter.terms.give_up_at,
    )
    await _save_calls(connection, id, matter)


async def _save_calls(connection: Connection, id: int, matter: Matter) -> None:
    await connection.execute(
        "delete from missed_call where missed_id = $1 and call_id <> all($2::uuid[])",
        id,
        [m.call_id for m in matter.calls],
    )
    await connection.execute(
        "insert into missed_call (call_id, missed_id, at, reason)"
        " select u.call_id, $1, u.at, u.reason from unnest($2::uuid[], $3::timestamptz[], $4::text[])"
        " as u(call_id, at, reason) on conflict (call_id) do update"
        " set missed_id = excluded.missed_id, at = excluded.at, reason = excluded.reason"
        " where (missed_call.missed_id, missed_call.at, missed_call.reason)"
        "  is distinct from (excluded.missed_id, excluded.at, excluded.reason)",
        id,
        [m.call_id for m in matter.calls],
        [m.at for m in matter.calls],
        [m.reason for m in matter.calls],
    )


async def withdraw_matter(connection: Connection, id: int, now: datetime) -> None:
    """Nothing had been missed: its calls were corrected, or belong to another matter."""
    await connection.execute("delete from missed_call where missed_id = $1", id)
    await connection.execute(
        "update missed set state = 'withdrawn', calls = 0, closed_at = $2, closed_by_call = null,"
        " closed_by_user = null, claimed_by = null, claimed_until = null, version = version + 1 where id = $1",
        id,
        now,
    )


async def rehome(connection: Connection, ids: Sequence[int]) -> None:
    """Let matters, and their tasks, be those of the card to which their first call belongs now."""
    moved = await connection.fetch(
        "update missed m set contact_id = f.contact_id from (select distinct on (k.missed_id) k.missed_id, c.contact_id"
        "  from missed_call k join call o on o.id = k.call_id join call c on c.id = coalesce(o.merged_into, o.id)"
        "  where k.missed_id = any($1::bigint[]) order by k.missed_id, k.at) f"
        " where m.id = f.missed_id and not m.hidden and m.contact_id is distinct from f.contact_id returning m.id",
        list(ids),
    )
    await connection.execute(
        "update task t set contact_id = m.contact_id from missed m where m.id = any($1::bigint[]) and t.id = m.task_id",
        [r["id"] for r in moved],
    )


async def give_task(connection: Connection, id: int, task_id: int) -> None:
    """Write down the task that was made for a matter."""
    await connection.execute("update missed set task_id = $2 where id = $1", id, task_id)


async def note_dismissal(connection: Connection, id: int, dismissal: Dismissal | None) -> None:
    """Write down, or take back, what a person decided; settling the client makes it so."""
    await connection.execute(
        "update missed set dismissed_at = $2, dismissed_by = $3, dismissed_why = $4 where id = $1",
        id,
        dismissal.at if dismissal else None,
        dismissal.by if dismissal else None,
        dismissal.why if dismissal else None,
    )


async def matter_view(source: Source, id: int) -> tuple[dict[str, object], Task | None]:
    """A matter as facts and webhooks tell it, and its task."""
    row = await source.fetchrow("select * from missed where id = $1", id)
    task = await read_task(source, row["task_id"] or 0)
    view = {
        "id": id,
        "contact_id": row["contact_id"],
        "number": row["number"],
        "pbx": row["pbx"],
        "did": row["did"],
        "state": row["state"],
        "calls": row["calls"],
        "attempts": row["attempts"],
        "new_client": row["new_client"],
        "first_at": moment(row["first_at"]),
        "last_at": moment(row["last_at"]),
        "due_at": moment(row["due_at"]),
        "task_id": row["task_id"],
        "owner_id": task.owner_id if task else None,
        "claimed_by": row["claimed_by"],
        "claimed_until": moment(row["claimed_until"]),
        "closed_at": moment(row["closed_at"]),
        "closed_by_call": str(row["closed_by_call"]) if row["closed_by_call"] else None,
        "closed_by_user": row["closed_by_user"],
        "escalated_at": moment(row["escalated_at"]),
        "why": row["dismissed_why"],
        "version": row["version"],
    }
    return view, task


async def rung_users(source: Source, call_id: UUID) -> list[int]:
    """Users whose phones rang in a call, or who talked in it, the last one last."""
    rows = await source.fetch(
        "select m.user_id from call_manager m join leg l on l.call_id = m.call_id and l.extension = m.extension"
        " where m.call_id = $1 and (m.rang or m.answered) and m.user_id is not null"
        " group by m.user_id order by max(l.started_at), m.user_id",
        call_id,
    )
    return [r["user_id"] for r in rows]


async def card_of(source: Source, contact_id: int | None) -> tuple[int | None, bool]:
    """Whose client a card is, and whether nobody has sorted it yet."""
    row = await source.fetchrow("select owner_id, stage from contact where id = $1", contact_id)
    return (row["owner_id"], row["stage"] == "unsorted") if row else (None, True)
