"""Cancelling a command: a click-to-call before the client has talked, or a supervisor's listening.

The wish is noted on the command before anything is sent, so that a call which is on its way into the PBX is ended by
whoever gets the PBX's answer, and its end reads `cancelled` whichever of the two was first.
"""

from dataclasses import dataclass

from gateway.commands.errors import CallOver, OrderConflict, PbxAway
from gateway.commands.sending import Sender
from gateway.commands.steps import command_fact, tell
from gateway.commands.words import OPEN, CommandKind, CommandState
from gateway.domain.identity import command_id
from gateway.domain.ports import Engine, OrderOutcome
from gateway.live import Live
from gateway.store.commands import (
    NewOrder,
    StoredCommand,
    change_command,
    mark_cancelled,
    read_command,
    store_order,
)
from gateway.store.database import Connection, Pool
from gateway.store.facts import NewFact, save_facts


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written:
    facts: tuple[NewFact, ...]
    order: StoredCommand | None
    """What is to be sent; None: the command never went out, and is cancelled already."""


class Cancelling:
    """Cancels commands."""

    def __init__(self, pool: Pool, live: Live, sender: Sender) -> None:
        self._pool = pool
        self._live = live
        self._sender = sender

    async def cancel(self, command: StoredCommand, *, actor: str, ordered_by: int | None, source: str) -> None:
        """Cancel a command that goes on; its end is told by its own facts.

        Args:
            command: as it was read.
            actor: who wants it, like `user:17`.
            ordered_by: the person; None: a program of nobody.
            source: by which way.

        Raises:
            CallOver: it is over.
            OrderConflict: they talk already, or it is no command that goes on.
            PbxAway: there is no connection to its PBX.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            written = await self._write(connection, command, actor=actor, ordered_by=ordered_by, source=source)
        tell(self._live, written.facts)
        if written.order is not None:

            async def hang_up(_engine: Engine) -> OrderOutcome:
                return await self._sender.hang_up_first(command.pbx, command.id)

            self._sender.send(written.order.id, written.order.kind, command.pbx, hang_up)

    async def _write(
        self, connection: Connection, command: StoredCommand, *, actor: str, ordered_by: int | None, source: str
    ) -> _Written:
        present = await connection.fetchval("select state from command where id = $1 for update", command.id)
        _check(command, present)
        await mark_cancelled(connection, command.id)
        unsent = await change_command(
            connection, command.id, state=CommandState.CANCELLED, before=(CommandState.STORED,), reason="cancelled"
        )
        if unsent is not None:
            facts = (command_fact(unsent),)
            await save_facts(connection, facts)
            return _Written(facts=facts, order=None)
        if command.pbx not in self._sender.engines or not self._sender.ready or command.call_id is None:
            raise PbxAway
        order = NewOrder(
            id=command_id(),
            kind=CommandKind.CANCEL,
            pbx=command.pbx,
            call_id=command.call_id,
            user_id=command.user_id,
            ordered_by=ordered_by,
            actor=actor,
            extension=command.extension,
            leg=command.id,
            target=command.id,
            source=source,
        )
        await store_order(connection, order)
        stored = await read_command(connection, order.id)
        assert stored is not None
        facts = (command_fact(stored),)
        await save_facts(connection, facts)
        return _Written(facts=facts, order=stored)


def _check(command: StoredCommand, state: str) -> None:
    if state == CommandState.UNKNOWN:
        raise OrderConflict(
            "unknown", "Nobody can know whether it goes on; look at the phone, and hang up there if it rings."
        )
    if state not in OPEN:
        raise CallOver("This command is over; there is nothing to cancel.")
    if command.kind == CommandKind.CALL and state == CommandState.TALKING:
        raise OrderConflict("talking", f"They talk already; DELETE /api/v1/calls/{command.call_id} hangs up.")
