"""A command's change of state: its row, its fact and the live message, the same wherever it comes from.

Facts are `command.` and the state; they concern whose phone or call it is, and who ordered it.
"""

from collections.abc import Sequence

from gateway.commands.words import FOLLOWED, UNFINISHED, CommandState, in_words
from gateway.domain.call_view import View, moment
from gateway.domain.ports import OrderOutcome, OrderState
from gateway.live import Happening, Live
from gateway.store.commands import StoredCommand, change_command, silent_commands
from gateway.store.database import Connection, Pool
from gateway.store.facts import NewFact, save_facts


def command_view(command: StoredCommand) -> View:
    """A command as the outside sees it: in the API, in facts and on the live socket."""
    return {
        "id": command.id,
        "kind": command.kind,
        "state": command.state,
        "reason": command.reason,
        "detail": in_words(command.kind, command.state, command.reason, command.detail),
        "pbx": command.pbx,
        "user_id": command.user_id,
        "ordered_by": command.ordered_by,
        "extension": command.extension,
        "number": command.number,
        "contact_id": command.contact_id,
        "caller_id": command.caller_id,
        "target": command.target,
        "about": command.about,
        "source": command.source,
        "call_id": str(command.call_id) if command.call_id else None,
        "ordered_at": moment(command.ordered_at),
        "began_at": moment(command.began_at),
        "ended_at": moment(command.ended_at),
    }


def concerned(command: StoredCommand) -> tuple[int, ...]:
    """Whom a command concerns; never the manager who is listened to."""
    return tuple(sorted({user for user in (command.user_id, command.ordered_by) if user is not None}))


def command_fact(command: StoredCommand) -> NewFact:
    """That a command is as it is."""
    return NewFact(
        kind=f"command.{command.state}",
        body=command_view(command),
        call_id=command.call_id,
        contact_id=command.contact_id,
        users=concerned(command),
    )


def tell(live: Live, facts: Sequence[NewFact]) -> None:
    """Put facts on the live bus, after the commit."""
    for fact in facts:
        live.publish(Happening(kind=fact.kind, body=fact.body, users=fact.users))


async def settle(pool: Pool, live: Live, id: str, kind: str, outcome: OrderOutcome) -> StoredCommand | None:
    """Write down the PBX's first answer, unless the journal has told more meanwhile.

    Args:
        pool: the database.
        live: told after the commit.
        id: of the command.
        kind: of the command.
        outcome: what the engine answered.

    Returns:
        The command as it is now; None: it was further already.
    """
    async with pool.acquire() as connection, connection.transaction():
        facts, command = await _changed(
            connection,
            id,
            state=_state_of(kind, outcome.state),
            before=("sent",),
            reason=outcome.reason or None,
            detail=outcome.detail,
        )
    tell(live, facts)
    return command


def _state_of(kind: str, outcome: OrderState) -> CommandState:
    match outcome:
        case OrderState.REFUSED:
            return CommandState.REFUSED
        case OrderState.UNKNOWN:
            return CommandState.UNKNOWN
    return CommandState.ACCEPTED if kind in FOLLOWED else CommandState.DONE


async def refused(pool: Pool, live: Live, id: str, reason: str) -> None:
    """Write down that the first phone did not take an accepted order; one that was cancelled is cancelled."""
    async with pool.acquire() as connection, connection.transaction():
        facts, _ = await _changed(connection, id, state=CommandState.REFUSED, before=UNFINISHED, reason=reason)
    tell(live, facts)


async def mark_sent(pool: Pool, id: str) -> bool:
    """Note that the command goes out now; False: it went out before, was cancelled or given up."""
    found = await pool.fetchval(
        "update command set state = 'sent', updated_at = now() where id = $1 and state = 'stored' returning true", id
    )
    return bool(found)


async def give_up_silent(pool: Pool, live: Live) -> None:
    """Settle commands whose first answer nobody wrote down: what was never sent is refused, the rest is unknown."""
    for id, state in await silent_commands(pool):
        unsent = state == CommandState.STORED
        async with pool.acquire() as connection, connection.transaction():
            facts, _ = await _changed(
                connection,
                id,
                state=CommandState.REFUSED if unsent else CommandState.UNKNOWN,
                before=(state,),
                reason="not_sent" if unsent else "interrupted",
            )
        tell(live, facts)


async def _changed(
    connection: Connection,
    id: str,
    *,
    state: CommandState,
    before: Sequence[str],
    reason: str | None = None,
    detail: str = "",
) -> tuple[list[NewFact], StoredCommand | None]:
    """Change a command and write the fact of it."""
    command = await change_command(connection, id, state=state, before=before, reason=reason, detail=detail)
    facts = [] if command is None else [command_fact(command)]
    await save_facts(connection, facts)
    return facts, command
