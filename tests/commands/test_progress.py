"""How far a command is by its leg and its call, and in which words; pure."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.commands.held import refusal_of
from gateway.commands.progress import Step, step_of
from gateway.commands.words import SPYING, UNFINISHED, CommandKind, CommandState, in_words
from gateway.domain.call import CallState, Result, Side
from gateway.store.clients_held import HeldClient, Holding
from gateway.store.commands import SeenCommand

AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
SENT = SeenCommand(
    id="tl-1",
    kind="call",
    pbx="main",
    state="sent",
    is_old=False,
    cancelled=False,
    leg_seen=False,
    leg_answered_at=None,
    leg_ended_at=None,
    cause=None,
    call_state=None,
    call_result=None,
    call_answered_at=None,
    call_ended_at=None,
    hung_up_by=None,
    client_seen=False,
    client_cause=None,
)
RINGING = replace(SENT, leg_seen=True, call_state=CallState.RINGING, call_result=Result.NO_ANSWER)
TAKEN = replace(RINGING, leg_answered_at=AT)
OVER = replace(
    TAKEN, state="dialled", leg_ended_at=AT, call_state=CallState.ENDED, call_ended_at=AT, call_result=Result.FAILED
)


def state(seen: SeenCommand, *, journal_read: bool = False) -> str | None:
    step = step_of(seen, journal_read=journal_read)
    return step.state if step else None


def test_a_command_follows_its_call_from_the_first_ring_to_the_end() -> None:
    talking = replace(TAKEN, call_state=CallState.TALKING, call_answered_at=AT)
    ended = replace(talking, call_state=CallState.ENDED, call_result=Result.ANSWERED, call_ended_at=AT, leg_ended_at=AT)

    assert [state(seen) for seen in (SENT, RINGING, TAKEN, talking)] == [None, "accepted", "dialled", "talking"]
    assert step_of(ended) == Step(state=CommandState.ENDED, reason="answered", began_at=AT, ended_at=AT)


@pytest.mark.parametrize("present", ["accepted", "dialled", "talking"])
def test_a_command_never_goes_back(present: str) -> None:
    assert state(replace(RINGING, state=present)) is None


def test_one_that_was_unknown_becomes_what_later_rows_say() -> None:
    assert state(replace(RINGING, state="unknown")) == "accepted"
    assert state(replace(TAKEN, state="unknown")) == "dialled"


def test_nothing_seen_means_something_only_when_the_journal_is_read_and_nobody_waits_any_more() -> None:
    accepted = replace(SENT, state="accepted", is_old=True)

    assert state(accepted) is None
    assert state(replace(accepted, is_old=False), journal_read=True) is None
    assert step_of(accepted, journal_read=True) == Step(state=CommandState.UNKNOWN, reason="not_seen")
    assert state(replace(accepted, leg_seen=True), journal_read=True) is None


@pytest.mark.parametrize(
    ("cause", "reason"),
    [
        (17, "client_busy"),
        (21, "client_refused"),
        (1, "no_such_number"),
        (28, "no_such_number"),
        (18, "client_no_response"),
        (19, "client_no_answer"),
        (34, "line_overloaded"),
        (20, "trunk_unreachable"),
        (127, "client_failed"),
    ],
)
def test_each_way_not_to_reach_the_client_has_its_own_word(cause: int, reason: str) -> None:
    step = step_of(replace(OVER, client_seen=True, client_cause=cause))

    assert step is not None
    assert (step.state, step.reason) == ("ended", reason)
    assert len(in_words("call", step.state, step.reason)) > 20


def test_a_client_who_was_never_dialled_says_that_the_line_is_away() -> None:
    step = step_of(OVER)

    assert step is not None
    assert step.reason == "trunk_unreachable"


def test_a_manager_who_hangs_up_first_is_told_from_a_client_who_does_not_answer() -> None:
    rung = replace(OVER, client_seen=True, client_cause=16, call_result=Result.NO_ANSWER)

    assert [step_of(s).reason for s in (rung, replace(rung, hung_up_by=Side.MANAGER))] == [  # type: ignore[union-attr]
        "client_no_answer",
        "manager_hung_up",
    ]


def test_a_phone_that_was_not_taken_refuses_and_one_that_was_cancelled_is_cancelled() -> None:
    untaken = replace(RINGING, state="accepted", leg_ended_at=AT, cause=19)

    assert step_of(untaken) == Step(state=CommandState.REFUSED, reason="no_answer", ended_at=AT)
    assert state(replace(untaken, cancelled=True)) == "cancelled"
    assert state(replace(OVER, cancelled=True)) == "cancelled"
    assert state(replace(OVER, cancelled=True, call_result=Result.ANSWERED)) == "ended"


def test_a_refusal_without_a_leg_waits_for_its_word_and_then_does_without() -> None:
    noted = replace(SENT, state="accepted", call_state=CallState.ENDED, call_result=Result.NO_ANSWER, call_ended_at=AT)

    assert state(noted) is None
    assert step_of(replace(noted, is_old=True)) == Step(state=CommandState.REFUSED, reason="no_answer", ended_at=AT)


def test_a_supervisor_is_followed_by_his_own_leg() -> None:
    beside = replace(SENT, kind="listen", call_state=CallState.TALKING)
    ringing, in_it = replace(beside, leg_seen=True), replace(beside, leg_seen=True, leg_answered_at=AT)
    gone = replace(in_it, state="talking", leg_ended_at=AT + timedelta(seconds=9))

    assert [state(seen) for seen in (beside, ringing, in_it)] == [None, "accepted", "talking"]
    assert [step_of(s).reason for s in (gone, replace(gone, call_ended_at=AT))] == [  # type: ignore[union-attr]
        "hung_up",
        "call_ended",
    ]


@pytest.mark.parametrize("kind", list(CommandKind))
def test_every_state_of_every_kind_has_a_sentence(kind: CommandKind) -> None:
    said = {known: in_words(kind, known, None) for known in CommandState}

    assert all(sentence.endswith(".") for sentence in said.values())
    assert ("supervisor" in said[CommandState.ACCEPTED]) is (kind in SPYING)
    assert in_words(kind, "refused", "not_allowed", "The engine says why.") == "The engine says why."


def test_what_the_journal_may_still_change_is_everything_that_is_not_over() -> None:
    over = {CommandState.DONE, CommandState.ENDED, CommandState.REFUSED, CommandState.CANCELLED}

    assert set(UNFINISHED) == set(CommandState) - over


def held(how: Holding, user: int | None, name: str | None = "Boris") -> HeldClient:
    return HeldClient(how=how, user_id=user, name=name, command="tl-9")


@pytest.mark.parametrize("anyway", [False, True])
def test_anyway_sets_a_colleague_aside_and_never_oneself(anyway: bool) -> None:
    own = [refusal_of([held(how, 1)], 1, anyway=anyway) for how in (Holding.ORDERED, Holding.TALKING)]
    colleague = [refusal_of([held(how, 2)], 1, anyway=anyway) for how in Holding]

    assert [fault.reason for fault in own if fault] == ["in_flight", "in_call"]
    assert [fault is None for fault in colleague] == [anyway] * 4
    assert refusal_of([held(Holding.CLAIMED, 1)], 1, anyway=False) is None
    assert refusal_of([held(Holding.ORDERED, 2), held(Holding.ORDERED, 1)], 1, anyway=True) is not None
    assert "Boris" in str(refusal_of([held(Holding.ORDERED, 2)], 1, anyway=False))
