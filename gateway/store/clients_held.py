"""Who of us has a client at this moment: the looks that come before he is dialled, within the order's transaction.

Two orders for one client, by the same or by different numbers of his card and on different nodes, wait for each other
on advisory locks that the transaction holds (migration 0019).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from gateway.store.database import Connection

_LONGEST_TALK = timedelta(hours=12)
_CALLS = 43


class Holding(StrEnum):
    """In which way a client is somebody's."""

    ORDERED = "ordered"  # a click-to-call to him goes on
    CALLING = "calling"  # he rings us, and nobody has taken the call
    TALKING = "talking"  # he is in a call with us, or rung by a phone
    CLAIMED = "claimed"  # somebody took him for calling back


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldClient:
    """One of us who has the client."""

    how: Holding
    user_id: int | None
    """None: a phone that nobody is entered for, or nobody yet."""
    name: str | None
    command: str | None = None
    """Id of the click-to-call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DialledClient:
    """A client about to be dialled, for whom everybody else waits."""

    card: int | None
    """None: several persons share the number."""
    made: bool
    """Whether the card was made now."""
    numbers: tuple[str, ...]
    """The number and every other one of the card."""


async def hold_client(connection: Connection, number: str) -> DialledClient:
    """Find or make the card of a number about to be dialled; others who want the same client wait.

    Args:
        connection: within a transaction.
        number: E.164.
    """
    row = await connection.fetchrow("select card, made, numbers from hold_client($1)", number)
    return DialledClient(card=row["card"], made=row["made"], numbers=tuple(row["numbers"]))


async def lock_call(connection: Connection, call: object) -> None:
    """Let others who order something of this call wait until the transaction ends."""
    await connection.execute("select pg_advisory_xact_lock(hashtextextended($1::text, $2))", str(call), _CALLS)


async def who_holds(
    connection: Connection, *, numbers: Sequence[str], card: int | None, now: datetime
) -> list[HeldClient]:
    """Everybody who has the client at this moment.

    Args:
        connection: within the transaction that locked him.
        numbers: all of his.
        card: his; None: he has none of his own.
        now: the present moment, UTC.
    """
    rows = await connection.fetch(
        "select 'ordered' as how, c.user_id, u.name, c.id as command"
        " from command c left join users u on u.id = c.user_id"
        " where c.kind = 'call' and c.state in ('stored', 'sent', 'accepted', 'dialled', 'talking')"
        " and c.number = any($1::text[])"
        " union all"
        " select case when m.user_id is null and k.direction = 'inbound' and k.state = 'ringing' then 'calling'"
        "  else 'talking' end, m.user_id, u.name, null"
        " from call k left join call_manager m on m.call_id = k.id and (m.answered or k.state = 'ringing')"
        " left join users u on u.id = m.user_id"
        " where k.state <> 'ended' and k.merged_into is null and k.kind = 'client' and k.started_at >= $3::timestamptz"
        " and (k.client_number = any($1) or k.contact_id = $2)"
        " union all"
        " select 'claimed', m.claimed_by, u.name, null from missed m left join users u on u.id = m.claimed_by"
        " where m.state = 'open' and m.claimed_until > $4"
        " and (m.contact_id = $2 or ($2::bigint is null and m.number = any($1)))",
        list(numbers),
        card,
        now - _LONGEST_TALK,
        now,
    )
    return [HeldClient(how=Holding(r["how"]), user_id=r["user_id"], name=r["name"], command=r["command"]) for r in rows]


async def show_number(connection: Connection, *, user_id: int, pbx: str, extension: str, number: str | None) -> None:
    """Set the number that clients see when this manager calls; None: what the PBX shows."""
    if number is None:
        await connection.execute(
            "delete from shown_number where user_id = $1 and pbx = $2 and extension = $3", user_id, pbx, extension
        )
        return
    await connection.execute(
        "insert into shown_number (user_id, pbx, extension, number) values ($1, $2, $3, $4)"
        " on conflict (user_id, pbx, extension) do update set number = excluded.number, changed_at = now()",
        user_id,
        pbx,
        extension,
        number,
    )
