"""What is told of asks for help, and closing those whose call has ended."""

from collections.abc import Sequence
from datetime import datetime

from gateway.domain.call_view import moment
from gateway.store.database import Connection
from gateway.store.facts import NewFact
from gateway.store.help_asks import HelpAsk, close_ended


def help_fact(kind: str, ask: HelpAsk) -> NewFact:
    """What happened to an ask: `help.asked`, `help.taken`, `help.closed`."""
    concerned = {ask.user_id} | ({ask.taken_by} if ask.taken_by is not None else set())
    body: dict[str, object] = {
        "id": ask.id,
        "user": ask.user_id,
        "user_name": ask.user_name,
        "call": str(ask.call_id) if ask.call_id else None,
        "text": ask.text,
        "state": ask.state,
        "asked_at": moment(ask.asked_at),
        "taken_by": ask.taken_by,
        "taken_name": ask.taken_name,
        "taken_at": moment(ask.taken_at),
        "closed_by": ask.closed_by,
        "closed_at": moment(ask.closed_at),
        "why": ask.closed_why,
        "version": ask.version,
    }
    return NewFact(kind=kind, body=body, users=tuple(sorted(concerned)))


async def close_asks(connection: Connection, now: datetime) -> Sequence[NewFact]:
    """Close asks whose call has ended (a duty's work)."""
    return [help_fact("help.closed", ask) for ask in await close_ended(connection, now)]
