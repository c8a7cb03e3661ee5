"""Commands follow their calls: whatever the journal tells of a leg or a call of ours becomes the command's state.

How it fits: every commit of a call is told on the live bus of the node that reads the journal, within the same
process; `CommandWatch` hears it and writes the command's step, its fact and its live message. What a call's row tells
is computed from the tables each time, so nothing rests on a message: after a start, an overrun and every quarter of a
minute all unfinished commands are looked at. While a supervisor listens, whose leg makes no call to be told of, the
look comes every second.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from gateway.commands.progress import Step, step_of
from gateway.commands.steps import command_fact, give_up_silent, tell
from gateway.commands.words import OPEN, SPYING, CommandState
from gateway.domain.call_view import moment
from gateway.live import Happening, Listener, Live
from gateway.store.access import write_audit
from gateway.store.commands import SeenCommand, StoredCommand, change_command, name_calls, seen_commands
from gateway.store.database import Connection, Pool
from gateway.store.facts import NewFact, save_facts

_LOOK_SECONDS = 15.0
_LISTENING_SECONDS = 1.0
_SPIED = {"listen": "call.listened", "whisper": "call.whispered", "barge": "call.barged"}


async def follow(connection: Connection, seen: Sequence[SeenCommand], *, journal_read: bool = False) -> list[NewFact]:
    """Write what commands have become by what was seen of them; facts are written too, and are to be told.

    Args:
        connection: within a transaction.
        seen: from `seen_commands`.
        journal_read: whether everything that the PBX has written is read.
    """
    facts: list[NewFact] = []
    for one in seen:
        step = step_of(one, journal_read=journal_read)
        if step is not None:
            facts += await _taken(connection, one, step)
    await save_facts(connection, facts)
    return facts


async def _taken(connection: Connection, seen: SeenCommand, step: Step) -> list[NewFact]:
    command = await change_command(
        connection,
        seen.id,
        state=step.state,
        before=(seen.state,),
        reason=step.reason,
        began_at=step.began_at,
        ended_at=step.ended_at,
    )
    if command is None:
        return []
    facts = [command_fact(command)]
    if seen.kind in SPYING and command.began_at is not None:
        facts += await _audited(connection, command)
    return facts


async def _audited(connection: Connection, command: StoredCommand) -> list[NewFact]:
    """That somebody listens is in the audit log from its begin; its fact has begin and end, and names no client."""
    detail: dict[str, object] = {
        "command_id": command.id,
        "user_id": command.user_id,
        "manager_id": command.about,
        "began_at": moment(command.began_at),
        "ended_at": moment(command.ended_at),
    }
    over = command.state == CommandState.ENDED
    kind = _SPIED[command.kind]
    who = command.user_id
    action = f"{kind}.ended" if over else kind
    await write_audit(
        connection, actor=f"user:{who}", action=action, object=f"call:{command.call_id}", detail=dict(detail)
    )
    body = {"call_id": str(command.call_id), **detail}
    return [NewFact(kind=kind, body=body, call_id=command.call_id)] if over else []


class CommandWatch:
    """Lets commands follow their calls; `run` is its one task."""

    def __init__(self, pool: Pool, live: Live) -> None:
        """Args:
        pool: the database.
        live: where calls are told, and commands after their change.
        """
        self._pool = pool
        self._live = live
        self._listened = False
        """Whether a supervisor listens somewhere."""

    async def run(self) -> None:
        """Follow for ever, until cancelled.

        Raises:
            asyncpg.PostgresError, OSError: the database is away; begin again.
        """
        await name_calls(self._pool)
        while True:
            with self._live.listening() as listener:
                await self.look()
                await self._hear(listener)

    async def look(self, ids: Sequence[str] | None = None) -> None:
        """Look at these commands, or at all that have not ended."""
        if ids is None:
            await give_up_silent(self._pool, self._live)
        seen = await seen_commands(self._pool, ids=ids)
        if ids is None:
            self._listened = any(one.kind in SPYING and one.state in OPEN for one in seen)
        if any(step_of(one) is not None for one in seen):
            async with self._pool.acquire() as connection, connection.transaction():
                facts = await follow(connection, seen)
            tell(self._live, facts)

    async def _hear(self, listener: Listener) -> None:
        """Follow what is told until too much was told at once."""
        loop = asyncio.get_running_loop()
        looked = loop.time()
        while not listener.overrun.is_set():
            every = _LISTENING_SECONDS if self._listened else _LOOK_SECONDS
            told = await _waiting(listener, looked + every - loop.time())
            if ids := _ordered(told):
                await self.look(ids)
            self._listened = self._listened or any(_is_listening(happening) for happening in told)
            if loop.time() >= looked + every:
                await self.look()
                looked = loop.time()


async def _waiting(listener: Listener, seconds: float) -> list[Happening]:
    """What is told within so many seconds, all that waits together; empty: nothing was."""
    told: list[Happening] = []
    with suppress(TimeoutError):
        async with asyncio.timeout(max(0.0, seconds)):
            told.append(await listener.queue.get())
    while told and not listener.queue.empty():
        told.append(listener.queue.get_nowait())
    return told


def _ordered(told: Sequence[Happening]) -> list[str]:
    """The commands of calls that were told of."""
    ids = (h.body.get("command_id") for h in told if h.kind.startswith("call."))
    return list(dict.fromkeys(id for id in ids if isinstance(id, str)))


def _is_listening(happening: Happening) -> bool:
    """Whether a supervisor's phone was ordered to ring."""
    return happening.kind == "command.accepted" and happening.body.get("kind") in SPYING
