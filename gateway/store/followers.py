"""How far each follower of the feed has come, and the facts that one of them could not take."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.store.database import Connection, Pool
from gateway.store.facts import Fact, facts_after


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedFact:
    """A fact that a follower left out after it had failed on it."""

    follower: str
    position: str
    kind: str
    fault: str
    at: datetime


async def enter_follower(source: Pool | Connection, name: str) -> None:
    """Let a follower begin with what happens from now on; one that is known goes on where it was."""
    await source.execute(
        "insert into follower (name, position) values ($1, feed_horizon()::text || '-0') on conflict do nothing",
        name,
    )


async def facts_for(connection: Connection, name: str, limit: int) -> list[Fact] | None:
    """The next facts of a follower, whose place is locked until the transaction ends.

    Returns:
        None: another node is at work on them.
    """
    position = await connection.fetchval("select position from follower where name = $1 for update skip locked", name)
    return None if position is None else await facts_after(connection, position, limit)


async def hidden_facts(connection: Connection, name: str) -> bool:
    """Whether facts are committed that an older transaction, still running, keeps out of the feed."""
    found: bool = await connection.fetchval(
        "select exists (select from fact where tx >= feed_horizon()"
        " and (tx, id) > (select split_part(position, '-', 1)::xid8, split_part(position, '-', 2)::bigint"
        " from follower where name = $1))",
        name,
    )
    return found


async def place_of(source: Pool | Connection, name: str) -> str | None:
    """How far a follower has come; None: nobody of this name has begun."""
    found: str | None = await source.fetchval("select position from follower where name = $1", name)
    return found


def is_after(position: str, other: str) -> bool:
    """Whether a place in the feed lies behind another one."""
    one, two = (tuple(map(int, place.split("-"))) for place in (position, other))
    return one > two


async def save_place(connection: Connection, name: str, position: str) -> None:
    """Everything up to this fact is done."""
    await connection.execute("update follower set position = $2, updated_at = now() where name = $1", name, position)


async def refuse_fact(connection: Connection, name: str, fact: Fact, fault: str) -> None:
    """Leave a fact out, for a person to see."""
    await connection.execute(
        "insert into follower_refused (follower, position, kind, fault) values ($1, $2, $3, $4) on conflict do nothing",
        name,
        fact.position,
        fact.kind,
        fault,
    )


async def refused_facts(source: Pool | Connection, limit: int) -> Sequence[RefusedFact]:
    """What was left out, the newest first."""
    rows = await source.fetch(
        "select follower, position, kind, fault, at from follower_refused order by id desc limit $1", limit
    )
    return [RefusedFact(**dict(r)) for r in rows]
