"""Asks for help: a manager who needs a word in a call, and the supervisor who came."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from gateway.store.database import Connection, Pool

Source = Pool | Connection
FORGOTTEN = timedelta(hours=2)
"""An ask without a call is closed after so long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpAsk:
    """An ask for help."""

    id: int
    user_id: int
    user_name: str
    call_id: UUID | None
    """The call in which he asks; None: he asks without one."""
    text: str
    state: str
    """open, taken or closed."""
    asked_at: datetime
    taken_by: int | None
    taken_name: str | None
    taken_at: datetime | None
    closed_by: str | None
    """Who closed it, like `user:17`; trunkline: its call ended."""
    closed_at: datetime | None
    closed_why: str | None
    version: int


_ASK = """select h.id, h.user_id, u.name as user_name, h.call_id, h.text, h.state, h.asked_at, h.taken_by,
 t.name as taken_name, h.taken_at, h.closed_by, h.closed_at, h.closed_why, h.version
 from help_ask h join users u on u.id = h.user_id left join users t on t.id = h.taken_by"""


async def read_ask(source: Source, id: int) -> HelpAsk | None:
    """One ask; None: there is none with this id."""
    row = await source.fetchrow(f"{_ASK} where h.id = $1", id)
    return HelpAsk(**dict(row)) if row else None


async def waiting_asks(source: Source, *, only_user: int | None = None) -> list[HelpAsk]:
    """Those that are not closed, the oldest first.

    Args:
        source: where to read.
        only_user: who asked; None: anybody.
    """
    rows = await source.fetch(
        f"{_ASK} where h.state <> 'closed' and ($1::bigint is null or h.user_id = $1) order by h.asked_at limit 500",
        only_user,
    )
    return [HelpAsk(**dict(row)) for row in rows]


async def list_asks(
    source: Source, *, only_user: int | None, before: tuple[datetime, int] | None, limit: int
) -> list[HelpAsk]:
    """All of them, the newest first.

    Args:
        source: where to read.
        only_user: who asked; None: anybody.
        before: moment and id of the last one seen; None: from the newest.
        limit: how many at most.
    """
    rows = await source.fetch(
        f"{_ASK} where ($1::bigint is null or h.user_id = $1)"
        " and ($2::timestamptz is null or (h.asked_at, h.id) < ($2, $3::bigint))"
        f" order by h.asked_at desc, h.id desc limit {limit:d}",
        only_user,
        *(before or (None, None)),
    )
    return [HelpAsk(**dict(row)) for row in rows]


async def call_of(source: Source, user: int) -> UUID | None:
    """The open call in which somebody talks, else the one in which he rings; None: he is in none."""
    found: UUID | None = await source.fetchval(
        "select c.id from call c join call_manager m on m.call_id = c.id where c.state <> 'ended'"
        " and c.merged_into is null and m.user_id = $1 order by m.answered desc, c.started_at desc limit 1",
        user,
    )
    return found


async def ask_for_help(connection: Connection, user: int, call: UUID | None, text: str) -> HelpAsk:
    """Ask, or ask anew: who asks while an ask of his is open says it in other words.

    Args:
        connection: within a transaction.
        user: who.
        call: in which call; None: in none.
        text: what he needs.
    """
    id_: int = await connection.fetchval(
        "insert into help_ask (user_id, call_id, text) values ($1, $2, $3)"
        " on conflict (user_id) where state <> 'closed' do update set text = excluded.text, call_id = excluded.call_id,"
        " version = help_ask.version + 1 returning id",
        user,
        call,
        text,
    )
    return await _present(connection, id_)


async def take_ask(connection: Connection, id: int, user: int) -> HelpAsk | None:
    """Take an ask for oneself; None: it is closed, or somebody else took it."""
    taken = await connection.fetchval(
        "update help_ask set state = 'taken', taken_by = $2, taken_at = coalesce(taken_at, now()),"
        " version = version + 1 where id = $1 and (state = 'open' or (state = 'taken' and taken_by = $2)) returning id",
        id,
        user,
    )
    return await _present(connection, taken) if taken is not None else None


async def close_ask(connection: Connection, id: int, *, by: str, why: str) -> HelpAsk | None:
    """Close an ask; None: it is closed already."""
    closed = await connection.fetchval(
        "update help_ask set state = 'closed', closed_by = $2, closed_at = now(), closed_why = $3,"
        " version = version + 1 where id = $1 and state <> 'closed' returning id",
        id,
        by,
        why,
    )
    return await _present(connection, closed) if closed is not None else None


async def close_ended(connection: Connection, now: datetime) -> Sequence[HelpAsk]:
    """Close the asks whose call has ended, and those that everybody forgot."""
    rows = await connection.fetch(
        "update help_ask h set state = 'closed', closed_by = 'trunkline', closed_at = $1, version = version + 1,"
        " closed_why = case when h.call_id is null then 'forgotten' else 'call_ended' end"
        " where h.state <> 'closed' and case when h.call_id is null then h.asked_at < $2"
        "  else not exists (select from call c where c.id = h.call_id and c.state <> 'ended') end returning h.id",
        now,
        now - FORGOTTEN,
    )
    return [await _present(connection, row["id"]) for row in rows]


async def _present(connection: Connection, id: int) -> HelpAsk:
    found = await read_ask(connection, id)
    assert found is not None
    return found
