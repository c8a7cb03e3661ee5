"""What a call to the outside does, ordered or dialled, and why it did not come about. Requirement L."""

import pytest

from exchange import wire
from exchange.switchboard import AskDial, DialAnswer
from tests.exchange.brains import CLIENT, OUTSIDE, Play


def test_a_click_to_call_rings_the_manager_then_the_client() -> None:
    play = Play()
    play.click()
    manager = play.answer()
    client = play.answer()
    play.after(20)
    play.hang_up(manager)
    call = play.folded()

    assert (manager, call.key) == ("tl-1", "tl-1")
    assert (call.direction, call.result, call.answered_by, call.hung_up_by) == (
        "outbound",
        "answered",
        ("101",),
        "manager",
    )
    assert round(call.talk.total_seconds()) == 20
    dials = play.of(wire.Dial)
    assert [getattr(dial, "from_uri", "") for dial in dials] == [
        f"sip:{CLIENT}@trunkline.invalid",
        "sip:74957770001@trunkline.invalid",
    ]
    assert play.of(wire.Record)[0] == wire.Record(leg=client, rx=f"/rec/{client}-rx.wav", tx=f"/rec/{client}-tx.wav")


@pytest.mark.parametrize(
    ("code", "result", "reason"),
    [
        (486, "busy", "client_busy"),
        (603, "busy", "client_refused"),
        (404, "failed", "no_such_number"),
        (408, "no_answer", "client_no_response"),
        (410, "failed", "number_changed"),
        (480, "no_answer", "client_no_answer"),
        (500, "failed", "client_failed"),
        (503, "failed", "line_overloaded"),
    ],
)
def test_a_client_who_is_not_reached_tells_why(code: int, result: str, reason: str) -> None:
    play = Play()
    play.click()
    play.answer()
    play.refuse(play.ringing()[0], code)
    call = play.folded()

    assert (call.result, call.unreached, call.answered_by) == (result, reason, ())


def test_without_a_line_the_trunk_is_unreachable() -> None:
    play = Play(up=())
    play.click()
    play.answer()
    call = play.folded()

    assert (call.result, call.unreached) == ("failed", "trunk_unreachable")


def test_a_second_line_is_tried_where_the_first_is_away_and_not_where_the_client_is_busy() -> None:
    away, busy = Play(up=("trunk", "second")), Play(up=("trunk", "second"))
    for play, code in ((away, 503), (busy, 486)):
        play.click()
        play.answer()
        play.refuse(play.ringing()[0], code)
    away.answer()
    away.hang_up("tl-1")

    assert (away.folded().result, away.folded().trunk) == ("answered", "SIP/trunk")
    assert busy.folded().unreached == "client_busy"


@pytest.mark.parametrize(("code", "reason"), [(486, "busy"), (603, "refused"), (480, "no_answer"), (503, "failed")])
def test_a_manager_who_does_not_take_his_phone_tells_why(code: int, reason: str) -> None:
    play = Play()
    play.click()
    play.refuse("tl-1", code)

    assert [(one.order_id, one.reason) for one in play.untaken] == [("tl-1", reason)]
    assert play.folded().result == "no_answer"


def test_a_manager_who_lets_it_ring_is_no_answer() -> None:
    play = Play()
    play.click()
    play.tick(30)

    assert [one.reason for one in play.untaken] == ["no_answer"]
    assert (play.folded().result, play.folded().unreached) == ("no_answer", "no_answer")


def test_a_manager_without_a_phone_is_told() -> None:
    play = Play(online={})
    play.click()
    call = play.calls()[0]

    assert [one.reason for one in play.untaken] == ["no_phone"]
    assert (call.result, call.unreached) == ("failed", "no_phone")


def test_a_manager_who_hangs_up_before_the_client_answers_cancels() -> None:
    play = Play()
    play.click()
    play.answer()
    play.event(wire.Ringing(at=0, leg=play.ringing()[0]))
    play.hang_up("tl-1")
    call = play.folded()

    assert (call.result, call.unreached) == ("cancelled", "manager_hung_up")
    assert play.of(wire.Play) == [wire.Play(leg="tl-1", file="/ring.wav", loop=True)]


def test_an_order_is_cancelled_while_the_managers_phone_rings() -> None:
    play = Play()
    play.click()

    assert play.order("hang_up", "tl-1") == ""
    assert [one.order_id for one in play.untaken] == ["tl-1"]
    assert play.brain.over


def test_a_phone_dials_the_outside_with_permission() -> None:
    play = Play()
    manager = play.dial("101", "89161234567")
    question = play.asked[0]
    play.take(play.brain.permitted(manager, OUTSIDE, play.now))
    client = play.answer()
    play.after(30)
    play.hang_up(client)
    call = play.folded()

    assert question == AskDial(leg=manager, endpoint="101", number="89161234567")
    assert (call.direction, call.result, call.answered_by, call.hung_up_by) == (
        "outbound",
        "answered",
        ("101",),
        "client",
    )
    assert call.client is not None
    assert call.client.e164 == f"+{CLIENT}"
    assert round(call.talk.total_seconds()) == 30


def test_a_phone_that_may_not_dial_is_refused() -> None:
    play = Play()
    manager = play.dial("101", "89161234567")
    play.take(play.brain.permitted(manager, DialAnswer(allowed=False, reason="premium"), play.now))
    play.settle()
    call = play.folded()

    assert play.of(wire.Refuse) == [wire.Refuse(leg=manager, code=403)]
    assert (call.direction, call.result) == ("outbound", "failed")
    assert play.of(wire.Dial) == []


def test_colleagues_call_each_other_and_are_not_recorded() -> None:
    play = Play()
    caller = play.dial("101", "102")
    play.answer()
    play.after(9)
    play.hang_up(caller)
    call = play.folded()

    assert (call.kind, call.direction, call.result, call.answered_by) == ("internal", "internal", "answered", ("102",))
    assert play.of(wire.Record) == []
