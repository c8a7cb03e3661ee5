"""The states and reasons of commands: one plain code for programs, and one sentence for people that says what to do.

An engine may say more than its code (which right is missing); then its own sentence is shown.
"""

from enum import StrEnum

from gateway.domain.ports import Ability


class CommandKind(StrEnum):
    """What is ordered."""

    CALL = "call"
    HANG_UP = "hang_up"
    CANCEL = "cancel"
    HOLD = "hold"
    RESUME = "resume"
    DIGITS = "digits"
    TRANSFER = "transfer"
    CONSULT = "consult"
    CONSULT_COMPLETE = "consult_complete"
    CONSULT_ABANDON = "consult_abandon"
    RECORDING_PAUSE = "recording_pause"
    RECORDING_RESUME = "recording_resume"
    LISTEN = "listen"
    WHISPER = "whisper"
    BARGE = "barge"


SPYING = frozenset({CommandKind.LISTEN, CommandKind.WHISPER, CommandKind.BARGE})
FOLLOWED = SPYING | {CommandKind.CALL}
"""Kinds that are followed after the PBX's answer; the others are over with it."""

ABILITIES = {
    CommandKind.CALL: Ability.ORIGINATE,
    CommandKind.HANG_UP: Ability.HANG_UP,
    CommandKind.CANCEL: Ability.HANG_UP,
    CommandKind.HOLD: Ability.HOLD,
    CommandKind.RESUME: Ability.HOLD,
    CommandKind.DIGITS: Ability.DIGITS,
    CommandKind.TRANSFER: Ability.BLIND_TRANSFER,
    CommandKind.CONSULT: Ability.ATTENDED_TRANSFER,
    CommandKind.CONSULT_COMPLETE: Ability.ATTENDED_TRANSFER,
    CommandKind.CONSULT_ABANDON: Ability.ATTENDED_TRANSFER,
    CommandKind.RECORDING_PAUSE: Ability.PAUSE_RECORDING,
    CommandKind.RECORDING_RESUME: Ability.PAUSE_RECORDING,
    CommandKind.LISTEN: Ability.LISTEN,
    CommandKind.WHISPER: Ability.WHISPER,
    CommandKind.BARGE: Ability.BARGE,
}
"""What the PBX must be able to do."""


class CommandState(StrEnum):
    """How far a command is."""

    STORED = "stored"
    SENT = "sent"
    ACCEPTED = "accepted"
    DIALLED = "dialled"
    TALKING = "talking"
    DONE = "done"
    ENDED = "ended"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


OPEN = (CommandState.STORED, CommandState.SENT, CommandState.ACCEPTED, CommandState.DIALLED, CommandState.TALKING)
"""States in which a command goes on."""
UNFINISHED = (*OPEN, CommandState.UNKNOWN)
"""States which the journal may still change."""

_STATES = {
    CommandState.STORED: "Written down, not yet sent to the PBX.",
    CommandState.SENT: "Sent to the PBX, which has not answered yet.",
    CommandState.ACCEPTED: "The PBX took the order: the manager's phone rings, then the client is dialled.",
    CommandState.DIALLED: "The manager took the phone; the client is being dialled.",
    CommandState.TALKING: "They talk.",
    CommandState.DONE: "The PBX has done it.",
    CommandState.ENDED: "It is over.",
    CommandState.REFUSED: "The PBX refused the order.",
    CommandState.CANCELLED: "It was cancelled.",
    CommandState.UNKNOWN: "Nobody can know whether a phone rang; it is not sent again. Look at the phone, then decide.",
}
_SPYING = {
    CommandState.ACCEPTED: "The PBX took the order: the supervisor's phone rings.",
    CommandState.TALKING: "The supervisor is in the call.",
    CommandState.UNKNOWN: "Nobody can know whether the phone rang; it is not sent again. Look at it, then decide.",
}
_CONTROL_UNKNOWN = (
    "The answer was lost, so nobody can know whether it was done; it is not sent again. Look at the call."
)

_REASONS = {
    # the manager's side
    "no_answer": "The manager did not take the phone.",
    "busy": "The manager's phone is busy.",
    "refused": "The manager refused the call.",
    "no_phone": "The manager's phone is not registered with the PBX.",
    # the client's side
    "answered": "They have talked.",
    "lost_in_transfer": "They have talked; the client was then transferred and nobody took him.",
    "client_busy": "The client's phone is busy (486); try again in some minutes.",
    "client_refused": "The client refused the call (603).",
    "client_no_answer": "The client did not take the phone.",
    "client_no_response": "Nothing came back from the client's phone or network (408); try again later.",
    "no_such_number": "There is no such number (404); check the digits.",
    "number_changed": "The client's number has changed (410); ask him for the new one.",
    "line_overloaded": "The provider has no free line at the moment (503); try again in a minute.",
    "trunk_unreachable": "The line to the provider cannot be reached; tell an administrator, then try again.",
    "client_failed": "The provider or the client's network ended the call with a fault; the call's events tell more.",
    "manager_hung_up": "The manager hung up before the client took the phone.",
    # the order itself
    "cancelled": "It was cancelled before the client took the phone.",
    "failed": "The PBX could not carry out the order; its log tells why.",
    "not_connected": "The gateway has no connection to the PBX; nothing was sent.",
    "not_allowed": "The gateway's user of the PBX may not do this; `trunkline doctor` tells the remedy.",
    "not_possible": "The PBX cannot do this with the call as it stands.",
    "leg_gone": "Whom it concerned is not in the call any more; nothing was done.",
    "not_sent": "The gateway was ended before it could send this; nothing was done. Order it anew.",
    "interrupted": "The gateway was ended before the PBX answered; nobody can know what became of it."
    " It is not sent again: look at the phone, then decide.",
    "not_seen": "The PBX took the order and nothing was seen of it since; look at the phone, then decide.",
    "connection_lost": "The connection to the PBX broke before its answer; nobody can know what became of it."
    " It is not sent again: look at the phone, then decide.",
    "no_reply": "The PBX gave no answer in time; nobody can know what became of it. It is not sent again: look at the"
    " phone, then decide.",
    "call_ended": "The call ended, and with it the listening.",
    "hung_up": "The supervisor hung up.",
}
_SPYING_REASONS = {
    "no_answer": "The supervisor did not take the phone.",
    "busy": "The supervisor's phone is busy.",
    "refused": "The supervisor refused the call.",
    "no_phone": "The supervisor's phone is not registered with the PBX.",
}


def in_words(kind: str, state: str, reason: str | None, detail: str = "") -> str:
    """A command's state and reason as a sentence.

    Args:
        kind: of the command.
        state: of the command.
        reason: code; None: there is none.
        detail: the engine's own sentence; empty: it gave none.
    """
    if detail:
        return detail
    if kind in SPYING and reason in _SPYING_REASONS:
        return _SPYING_REASONS[reason]
    if reason in _REASONS:
        return _REASONS[reason]
    known = CommandState(state)
    if kind in SPYING and known in _SPYING:
        return _SPYING[known]
    if kind not in FOLLOWED and known is CommandState.UNKNOWN:
        return _CONTROL_UNKNOWN
    return _STATES[known]
