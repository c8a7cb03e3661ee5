"""What the pipeline is compared with: programs that fold the same calls, and only write them.

Neither finds cards, moves roll-ups, tells facts, keeps rows or a cursor, or could go on after a crash.

- `barest`: one narrow row a call, by one insert;
- `plain`: the call, its legs and its managers' parts in tables like ours with their indexes, a statement a row.
"""

from collections.abc import Awaitable, Callable, Sequence
from uuid import uuid4

from bench.made_calls import Rows
from gateway.domain.call import Call, CallKind
from gateway.domain.calls import fold_family
from gateway.domain.figures import parts_of
from gateway.domain.identity import call_id
from gateway.domain.legs import in_order
from gateway.domain.staff import Staff
from gateway.store.calls import StoredCall, call_row, leg_row, part_row
from gateway.store.database import Connection, Pool
from gateway.store.staff import Tables
from sip.cel import read_row

_TABLES = (
    "create table peer_barest (key text primary key, body json)",
    "create table peer_call (like call including indexes)",
    "create table peer_leg (like leg including indexes)",
    "create table peer_part (like call_manager including indexes)",
)
Write = Callable[[Connection, Call, Staff], Awaitable[None]]


async def make_tables(pool: Pool) -> None:
    """The peers' own tables."""
    for statement in _TABLES:
        await pool.execute(statement)


async def barest(connection: Connection, call: Call, staff: Staff) -> None:
    """One row."""
    await connection.execute(
        "insert into peer_barest values ($1, $2) on conflict (key) do update set body = excluded.body",
        call.key,
        {"result": call.result, "talk": call.talk.total_seconds()},
    )


async def plain(connection: Connection, call: Call, staff: Staff) -> None:
    """The call with what belongs to it."""
    family, id = uuid4(), call_id(call.pbx, call.key)
    stored = StoredCall(id=id, call=call, contact_id=None, family_id=family, responsible_id=None, revision=1)
    beside = {"pbx": call.pbx, "updated_at": "now"}
    rows = [("peer_call", call_row(stored, None, None) | beside)]
    rows += [("peer_leg", leg_row(family, id, leg) | beside) for leg in call.legs]
    rows += [("peer_part", part_row(id, part)) for part in parts_of(call, staff)]
    for table, row in rows:
        statement = f"insert into {table} select * from json_populate_record(null::{table}, $1)"
        await connection.execute(statement + " on conflict do nothing", row)


async def run(pool: Pool, calls: Sequence[Rows], tables: Tables, write: Write, *, together: int) -> None:
    """Fold and write all calls, so many in a transaction."""
    for start in range(0, len(calls), together):
        found: list[Call] = []
        for rows in calls[start : start + together]:
            events = in_order(e for e in map(read_row, rows) if e)
            found += [c for c in fold_family(events, tables.directory) if c.kind is CallKind.CLIENT]
        async with pool.acquire() as connection, connection.transaction():
            for call in found:
                await write(connection, call, tables.staff)
