"""What orders, a phone's keys and supervisors do to a call that goes on, as the fold tells it. Requirement L."""

import pytest

from exchange import wire
from exchange.switchboard import AskDial, DialAnswer
from tests.exchange.brains import talking


def test_hold_by_the_phones_key_is_hold_and_no_transfer() -> None:
    play, client, manager = talking()
    play.event(wire.Held(at=0, leg=manager))
    play.after(10)
    play.event(wire.Resumed(at=0, leg=manager))
    play.after(5)
    play.hang_up(client)
    call = play.folded()

    assert call.hold is not None
    assert round(call.hold.total_seconds()) == 10
    assert round(call.talk.total_seconds()) == 15
    assert play.of(wire.Hold) == [wire.Hold(leg=client)]
    assert play.of(wire.Unhold) == [wire.Unhold(leg=client)]


def test_hold_and_resume_by_order() -> None:
    play, client, manager = talking()
    early = play.order("resume", client, manager)
    held = play.order("hold", client, manager)
    again = play.order("hold", client, manager)
    play.after(10)
    resumed = play.order("resume", client, manager)
    play.hang_up(client)
    call = play.folded()

    assert (early, held, again, resumed) == ("not_possible", "", "not_possible", "")
    assert call.hold is not None
    assert round(call.hold.total_seconds()) == 10


@pytest.mark.parametrize("held", [False, True])
def test_a_blind_transfer_by_order_is_taken(held: bool) -> None:
    play, client, manager = talking()
    play.after(10)
    if held:
        play.order("hold", client, manager)
        play.after(4)
    reason = play.order("transfer", client, manager, "102")
    play.after(3)
    play.answer()
    play.after(7)
    play.hang_up(client)
    call = play.folded()

    assert reason == ""
    assert (call.result, call.answered_by) == ("answered", ("101", "102"))
    assert [(t.kind, t.by, t.to, t.outcome, t.taken_by) for t in call.transfers] == [
        ("blind", "101", "102", "taken", "102")
    ]
    assert {p.extension: round(p.talk.total_seconds()) for p in call.managers} == {"101": 14 if held else 10, "102": 7}
    assert round(call.hold.total_seconds()) == (4 if held else 0)  # type: ignore[union-attr]
    assert len(play.of(wire.Record)) == 1


def test_a_transfer_that_nobody_takes_is_lost() -> None:
    play, client, manager = talking()
    play.order("transfer", client, manager, "102")
    play.refuse(play.ringing()[0], 486)
    call = play.folded()

    assert call.result == "lost_in_transfer"
    assert [(t.by, t.to, t.outcome) for t in call.transfers] == [("101", "102", "lost")]


def test_the_phones_own_transfer_key_is_a_blind_transfer() -> None:
    play, client, manager = talking()
    play.event(wire.Refer(at=0, leg=manager, target="102"))
    play.answer()
    play.hang_up(client)

    assert [(t.by, t.to, t.outcome) for t in play.folded().transfers] == [("101", "102", "taken")]


def test_a_phones_transfer_to_the_outside_needs_permission() -> None:
    play, client, manager = talking()
    play.event(wire.Refer(at=0, leg=manager, target="84951112233"))
    question = play.asked[-1]
    play.take(play.brain.permitted(manager, DialAnswer(allowed=False, reason="not_allowed"), play.now))
    still = play.brain.together(play.brain.legs[client], play.brain.legs[manager])

    assert question == AskDial(leg=manager, endpoint="101", number="84951112233", transfer=True)
    assert still


def test_a_phones_attended_transfer_joins_those_behind_its_two_lines() -> None:
    play, client, manager = talking()
    play.event(wire.Held(at=0, leg=manager))
    play.after(2)
    second = play.dial("101", "102")
    asked = play.answer()
    play.after(3)
    play.event(wire.Refer(at=0, leg=manager, target="102", replaces=second))
    play.after(8)
    play.hang_up(client)
    call = play.folded()

    assert call.answered_by == ("101", "102")
    assert [(t.kind, t.by, t.to, t.outcome, t.taken_by) for t in call.transfers] == [
        ("attended", "101", "102", "taken", "102")
    ]
    assert play.of(wire.Join)[-1] == wire.Join(legs=(client, asked))


@pytest.mark.parametrize("by_hand", [False, True])
def test_a_consultation_ends_with_client_and_colleague_together(by_hand: bool) -> None:
    play, client, manager = talking()
    play.after(10)
    begun = play.order("consult", client, manager, "102")
    play.after(2)
    asked = play.answer()
    play.after(6)
    if by_hand:
        play.hang_up(manager)
    else:
        assert play.order("complete_transfer", client, manager) == ""
    play.after(7)
    play.hang_up(client)
    call = play.folded()

    assert begun == ""
    assert call.answered_by == ("101", "102")
    assert {p.extension: round(p.talk.total_seconds()) for p in call.managers} == {"101": 10, "102": 7}
    assert call.hold is not None
    assert round(call.hold.total_seconds()) == 8
    assert [(t.kind, t.by, t.to, t.outcome, t.taken_by) for t in call.transfers] == [
        ("attended", "101", "102", "taken", "102")
    ]
    assert call.hung_up_by == "client"
    assert play.of(wire.Join)[-1] == wire.Join(legs=(client, asked))


@pytest.mark.parametrize("answers", [True, False])
def test_an_abandoned_consultation_is_no_transfer(answers: bool) -> None:
    play, client, manager = talking()
    play.order("consult", client, manager, "102")
    play.after(2)
    if answers:
        play.answer()
    play.after(2)
    abandoned = play.order("abandon_transfer", client, manager)
    late = play.order("complete_transfer", client, manager)
    play.after(5)
    play.hang_up(client)
    call = play.folded()

    assert (abandoned, late) == ("", "not_possible")
    assert (call.answered_by, call.transfers, call.hung_up_by) == (("101",), (), "client")
    assert call.hold is not None
    assert round(call.hold.total_seconds()) == 4


def test_a_colleague_who_is_busy_sends_the_manager_back() -> None:
    play, client, manager = talking()
    play.order("hold", client, manager)
    play.after(4)
    play.order("consult", client, manager, "102")
    play.refuse(play.ringing()[0], 486)
    play.after(5)
    late = play.order("complete_transfer", client, manager)
    play.hang_up(manager)
    call = play.folded()

    assert late == "not_possible"
    assert (call.result, call.transfers, call.hung_up_by) == ("answered", (), "manager")
    assert call.hold is not None
    assert round(call.hold.total_seconds()) == 4


def test_a_transfer_completed_while_the_colleague_rings_rings_on_for_the_client() -> None:
    play, client, manager = talking()
    play.order("consult", client, manager, "102")
    play.after(1)
    play.order("complete_transfer", client, manager)
    play.answer()
    play.after(4)
    play.hang_up(client)
    call = play.folded()

    assert call.answered_by == ("101", "102")
    assert [(t.kind, t.by, t.to, t.outcome) for t in call.transfers] == [("blind", "101", "102", "taken")]


def test_a_supervisor_hears_a_manager_and_makes_a_service_call() -> None:
    play, client, manager = talking()
    verdict, out = play.brain.spy(order_id="tl-9", endpoint="100", leg=manager, mode=wire.SpyMode.LISTEN, now=play.now)
    play.take(out)
    play.answer()
    play.after(5)
    play.hang_up(client)
    services = [call for call in play.calls() if call.kind == "service"]

    assert verdict.reason == ""
    assert play.of(wire.Spy) == [wire.Spy(leg="tl-9", at=manager, mode=wire.SpyMode.LISTEN)]
    assert [call.key for call in services] == ["tl-9"]
    assert play.folded().answered_by == ("101",)


def test_a_supervisor_who_does_not_answer_is_told() -> None:
    play, _, manager = talking()
    _, out = play.brain.spy(order_id="tl-9", endpoint="100", leg=manager, mode=wire.SpyMode.LISTEN, now=play.now)
    play.take(out)
    play.refuse("tl-9", 486)

    assert [(one.order_id, one.reason) for one in play.untaken] == [("tl-9", "busy")]


def test_orders_to_legs_that_are_gone_say_so() -> None:
    play, client, manager = talking()
    play.hang_up(client)

    assert {
        play.order("hold", client, manager),
        play.order("resume", client, manager),
        play.order("transfer", client, manager, "102"),
        play.order("consult", client, manager, "102"),
        play.order("complete_transfer", client, manager),
        play.order("abandon_transfer", client, manager),
        play.order("hang_up", client),
        play.order("digits", client, "1"),
    } == {"leg_gone"}


def test_a_number_that_nobody_has_is_no_target() -> None:
    play, client, manager = talking()

    assert play.order("transfer", client, manager, "9") == "no_such_number"
    assert play.order("consult", client, manager, "9") == "no_such_number"


def test_a_client_who_leaves_while_his_manager_asks_is_answered_and_the_manager_goes_on() -> None:
    play, client, manager = talking()
    play.order("consult", client, manager, "102")
    play.answer()
    play.hang_up(client)
    goes_on = play.brain.legs[manager].up
    play.hang_up(manager)

    assert goes_on
    assert play.folded().result == "answered"
