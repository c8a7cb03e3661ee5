"""Facts: the gap-free feed of what happened, written in the transaction that made it happen.

A reader that asks for `id > last` would miss a fact whose transaction commits late. So the feed is ordered by
transaction and shows only transactions older than the oldest one still running (PostgreSQL, System Information
Functions, `pg_snapshot_xmin`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from gateway.store.database import Connection, Pool, Row

CHANNEL = "trunkline_facts"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFact:
    """A fact about to be written."""

    kind: str
    """Subject and past participle, e.g. `call.ended`."""
    body: dict[str, object]
    call_id: UUID | None = None
    contact_id: int | None = None
    users: tuple[int, ...] = field(default_factory=tuple)
    """Users whom it concerns; with it goes who may see it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A fact of the feed."""

    position: str
    """Place in the feed, to be given back as `after`."""
    at: datetime
    kind: str
    body: dict[str, object]
    call_id: UUID | None
    contact_id: int | None
    users: tuple[int, ...]


async def save_facts(connection: Connection, facts: Sequence[NewFact]) -> None:
    """Append facts of other parts than the pipeline, and wake the readers when the transaction commits."""
    if facts:
        await connection.execute(
            "with added as (insert into fact (kind, body, call_id, contact_id, users)"
            " select kind, body, call_id, contact_id, users from json_populate_recordset(null::fact, $1))"
            f" select pg_notify('{CHANNEL}', '')",
            [fact_row(f) for f in facts],
        )


def fact_row(fact: NewFact) -> Row:
    """A fact as its table keeps it."""
    return {
        "kind": fact.kind,
        "body": fact.body,
        "call_id": str(fact.call_id) if fact.call_id else None,
        "contact_id": fact.contact_id,
        "users": list(fact.users),
    }


async def facts_after(source: Pool | Connection, position: str | None, limit: int) -> list[Fact]:
    """The next facts of the feed.

    Args:
        source: where to read.
        position: the last fact's place; None: from the beginning.
        limit: how many at most.

    Raises:
        ValueError: the position is none of ours.
    """
    tx, _, number = (position or "0-0").partition("-")
    rows = await source.fetch(
        "select tx::text as tx, id, at, kind, body, call_id, contact_id, users from fact"
        " where (tx, id) > ($1::text::xid8, $2) and tx < feed_horizon()"
        " order by tx, id limit $3",
        str(int(tx)),
        int(number),
        limit,
    )
    return [
        Fact(
            position=f"{r['tx']}-{r['id']}",
            at=r["at"],
            kind=r["kind"],
            body=r["body"],
            call_id=r["call_id"],
            contact_id=r["contact_id"],
            users=tuple(r["users"]),
        )
        for r in rows
    ]
