"""Orders to a PBX: stored with their id before anything is sent."""

from collections.abc import Iterable
from datetime import datetime

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


async def settle_command(source: Pool | Connection, id: str, state: str, reason: str | None = None) -> None:
    """Write down what became of a command."""
    await source.execute("update command set state = $2, reason = $3 where id = $1", id, state, reason)
