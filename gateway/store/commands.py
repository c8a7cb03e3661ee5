"""Orders to a PBX: stored with their id before anything is sent."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from gateway.domain.call import Command
from gateway.domain.phone import NumberKind, PhoneNumber
from gateway.store.database import Connection, Pool

_PREFIX = "tl-"
"""Beginning of all our command ids; legs named otherwise need no look into the table."""


async def commands_of(source: Pool | Connection, legs: Iterable[str]) -> dict[str, Command]:
    """The commands whose id is the id of one of the legs."""
    ours = [leg for leg in legs if leg.startswith(_PREFIX)]
    if not ours:
        return {}
    rows = await source.fetch("select id, extension, number, ordered_at from command where id = any($1::text[])", ours)
    return {r["id"]: _command(r["id"], r["extension"], r["number"], r["ordered_at"]) for r in rows}


def _command(id: str, extension: str, number: str, ordered_at: datetime) -> Command:
    client = PhoneNumber(raw=number, kind=NumberKind.CLIENT, e164=number)
    return Command(id=id, extension=extension, client=client, ordered_at=ordered_at)


async def store_command(
    connection: Connection, *, id: str, pbx: str, user_id: int, extension: str, number: str
) -> None:
    """Write a command down before it is sent."""
    await connection.execute(
        "insert into command (id, pbx, user_id, extension, number, state) values ($1, $2, $3, $4, $5, 'stored')",
        id,
        pbx,
        user_id,
        extension,
        number,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class UntoldOrder:
    """A command that the PBX has queued, or may have, and of whose end nobody told; with its first leg."""

    id: str
    state: str
    leg_seen: bool
    leg_answered: bool
    leg_ended: bool
    cause: int | None
    """Hang-up cause of the leg; None: it has none."""
    call_id: UUID | None
    """The call that the leg belongs to."""


async def untold_orders(source: Pool | Connection, pbx: str, *, silence: timedelta) -> list[UntoldOrder]:
    """Orders of which no call is known, the oldest first, a thousand at most.

    Args:
        source: where to read.
        pbx: the PBX's name.
        silence: orders younger than this are still waited for. One that is unknown is looked at for a day.
    """
    rows = await source.fetch(
        "select c.id, c.state, l.id is not null as leg_seen, l.answered_at is not null as leg_answered,"
        " l.ended_at is not null as leg_ended, l.cause, l.call_id"
        " from command c left join leg l on l.pbx = c.pbx and l.id = c.id"
        " where c.pbx = $1 and c.call_id is null and c.state in ('accepted', 'unknown')"
        " and c.ordered_at < now() - $2::interval"
        " and (c.state = 'accepted' or c.ordered_at > now() - interval '1 day') order by c.ordered_at limit 1000",
        pbx,
        silence,
    )
    return [UntoldOrder(**dict(r)) for r in rows]


async def call_results(source: Pool | Connection, calls: Sequence[UUID]) -> dict[UUID, str]:
    """How calls came out; those that are not there are left out."""
    rows = await source.fetch("select id, result from call where id = any($1::uuid[])", calls)
    return {r["id"]: r["result"] for r in rows}


async def settle_untold(
    source: Pool | Connection, order: UntoldOrder, *, state: str, reason: str | None, call: UUID | None
) -> None:
    """Write down what became of an order, unless its end was told meanwhile.

    Args:
        source: where to write.
        order: as it was read.
        state: what it becomes.
        reason: None: there is none to give.
        call: the call that says so; None: nothing was seen of it.
    """
    await source.execute(
        "update command set state = $2, reason = $3, call_id = $4 where id = $1 and state = $5 and call_id is null",
        order.id,
        state,
        reason,
        call,
        order.state,
    )


async def settle_command(source: Pool | Connection, id: str, state: str, reason: str | None = None) -> None:
    """Write down what became of a command."""
    await source.execute("update command set state = $2, reason = $3 where id = $1", id, state, reason)
