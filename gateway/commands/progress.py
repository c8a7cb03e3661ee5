"""How far a command is by what the journal tells of its first leg and of its call. Pure.

    sent -> accepted -> dialled -> talking -> ended       refused: the manager did not take the phone
            (his phone  (he took it,                      cancelled: somebody cancelled it before the client took it
             rings)      the client is rung)              unknown: nothing was seen of it, or its answer was lost

A command never goes back, but for one that was unknown: rows that come later say what it is.
"""

from dataclasses import dataclass
from datetime import datetime

from gateway.commands.words import SPYING, CommandState
from gateway.domain.call import CallState, Result, Side
from gateway.domain.orders import CLIENT_CAUSES, why_unanswered
from gateway.store.commands import SeenCommand

_ORDER = (
    CommandState.UNKNOWN,
    CommandState.STORED,
    CommandState.SENT,
    CommandState.ACCEPTED,
    CommandState.DIALLED,
    CommandState.TALKING,
    CommandState.ENDED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What a command becomes."""

    state: CommandState
    reason: str | None = None
    began_at: datetime | None = None
    ended_at: datetime | None = None


def step_of(seen: SeenCommand, *, journal_read: bool = False) -> Step | None:
    """What a command becomes; None: nothing is to be changed.

    Args:
        seen: the command.
        journal_read: whether everything that the PBX has written is read: only then may nothing mean anything.
    """
    step = _listening(seen) if seen.kind in SPYING else _calling(seen)
    if step is None and journal_read:
        step = _unseen(seen)
    if step is None or step.state == seen.state:
        return None
    forward = step.state not in _ORDER or _ORDER.index(step.state) > _ORDER.index(CommandState(seen.state))
    return step if forward or step.state is CommandState.UNKNOWN else None


def _calling(seen: SeenCommand) -> Step | None:
    """Of a click-to-call."""
    if seen.call_state == CallState.ENDED:
        return _ended(seen)
    if seen.call_state == CallState.TALKING:
        return Step(state=CommandState.TALKING, began_at=seen.call_answered_at)
    if seen.leg_ended_at is not None and seen.leg_answered_at is None:
        return _untaken(seen)
    if seen.leg_answered_at is not None:
        return Step(state=CommandState.DIALLED)
    if seen.leg_seen:
        return Step(state=CommandState.ACCEPTED)
    return None


def _unseen(seen: SeenCommand) -> Step | None:
    if seen.leg_seen or (seen.call_state is not None and seen.kind not in SPYING):
        return None
    if seen.is_old and seen.state in (CommandState.ACCEPTED, CommandState.DIALLED, CommandState.TALKING):
        return Step(state=CommandState.UNKNOWN, reason="not_seen")
    return None


def _untaken(seen: SeenCommand) -> Step:
    """The first phone was not answered."""
    if seen.cancelled:
        return Step(state=CommandState.CANCELLED, reason="cancelled", ended_at=seen.leg_ended_at)
    return Step(state=CommandState.REFUSED, reason=why_unanswered(seen.cause), ended_at=seen.leg_ended_at)


def _ended(seen: SeenCommand) -> Step | None:
    """Its call is over."""
    ended = seen.call_ended_at
    if seen.call_result in (Result.ANSWERED, Result.LOST_IN_TRANSFER):
        began = seen.call_answered_at
        return Step(state=CommandState.ENDED, reason=seen.call_result, began_at=began, ended_at=ended)
    if not seen.leg_seen:  # a refusal was noted: whoever got it is about to write the reason down, or was cut off
        if not seen.is_old:
            return None
        reason = "no_answer" if seen.call_result == Result.NO_ANSWER else "failed"
        state = CommandState.CANCELLED if seen.cancelled else CommandState.REFUSED
        return Step(state=state, reason="cancelled" if seen.cancelled else reason, ended_at=ended)
    if seen.leg_answered_at is None:
        return _untaken(seen)
    if seen.cancelled:
        return Step(state=CommandState.CANCELLED, reason="cancelled", ended_at=ended)
    return Step(state=CommandState.ENDED, reason=why_no_client(seen), ended_at=ended)


def why_no_client(seen: SeenCommand) -> str:
    """Why the client was not reached, in one word: by his leg's cause, else by the call's result."""
    if seen.call_result == Result.CANCELLED or (seen.hung_up_by == Side.MANAGER and seen.client_cause in (None, 0, 16)):
        return "manager_hung_up"
    if seen.client_cause in CLIENT_CAUSES:
        return CLIENT_CAUSES[seen.client_cause]
    match seen.call_result:
        case Result.BUSY:
            return "client_busy"
        case Result.NO_ANSWER:
            return "client_no_answer"
    return "client_failed" if seen.client_seen else "trunk_unreachable"


def _listening(seen: SeenCommand) -> Step | None:
    """Of a supervisor's leg beside a call."""
    if seen.leg_ended_at is not None:
        if seen.leg_answered_at is None:
            return _untaken(seen)
        by_call = seen.call_ended_at is not None and seen.call_ended_at <= seen.leg_ended_at
        reason = "call_ended" if by_call else "hung_up"
        began = seen.leg_answered_at
        return Step(state=CommandState.ENDED, reason=reason, began_at=began, ended_at=seen.leg_ended_at)
    if seen.leg_answered_at is not None:
        return Step(state=CommandState.TALKING, began_at=seen.leg_answered_at)
    return Step(state=CommandState.ACCEPTED) if seen.leg_seen else None
