"""What a call of the embedded engine does, and the call that the fold makes of its journal. Requirement L."""

import pytest

from exchange import wire
from exchange.switchboard import AskDial, AskRoute, DialAnswer, RouteAnswer, Step
from tests.exchange.brains import CLIENT, RING_101, Play

OUTSIDE = DialAnswer(allowed=True, number=CLIENT, caller_id="74957770001")


def talking(**house: object) -> tuple[Play, str, str]:
    """A client who talks with 101."""
    play = Play(**house)
    client = play.call()
    play.route(client)
    play.after(3)
    return play, client, play.answer()


def test_an_inbound_call_that_is_answered_is_recorded_and_ends_with_the_clients_hang_up() -> None:
    play, client, manager = talking()
    play.after(60)
    play.hang_up(client)
    call = play.folded()

    assert (call.direction, call.result, call.answered_by) == ("inbound", "answered", ("101",))
    assert (call.did, call.client and call.client.e164, call.trunk) == ("4950005", f"+{CLIENT}", "SIP/trunk")
    assert round(call.talk.total_seconds()) == 60
    assert call.wait is not None
    assert round(call.wait.total_seconds()) == 3
    assert (call.hung_up_by, call.complete, call.key) == ("client", True, client)
    assert play.of(wire.Record) == [wire.Record(leg=client, rx=f"/rec/{client}-rx.wav", tx=f"/rec/{client}-tx.wav")]
    assert play.of(wire.Join) == [wire.Join(legs=(client, manager))]
    assert play.of(wire.Answer) == [wire.Answer(leg=client)]


def test_the_managers_hang_up_is_his() -> None:
    play, _, manager = talking()
    play.after(5)
    play.hang_up(manager)

    assert (play.folded().hung_up_by, play.folded().result) == ("manager", "answered")


def test_a_call_without_a_wish_to_record_is_not_recorded() -> None:
    play = Play()
    client = play.call()
    play.route(client, RouteAnswer(step=Step.DIAL, endpoints=("101",), seconds=20))
    play.answer()

    assert play.of(wire.Record) == []


def test_a_caller_who_gives_up_while_it_rings_is_missed_as_abandoned() -> None:
    play = Play()
    client = play.call()
    play.route(client)
    play.after(8)
    play.hang_up(client)
    call = play.folded()

    assert (call.result, call.missed_reason) == ("missed", "abandoned")
    assert [round(part.rang.total_seconds()) for part in call.managers] == [8]


@pytest.mark.parametrize(("code", "reason", "status"), [(486, "busy", "BUSY"), (603, "refused", "BUSY")])
def test_a_phone_that_refuses_is_asked_about_and_then_missed(code: int, reason: str, status: str) -> None:
    play = Play()
    client = play.call()
    play.route(client)
    play.refuse(play.ringing()[0], code)
    question = play.asked[-1]
    play.route(client, RouteAnswer(step=Step.HANG_UP))
    call = play.folded()

    assert isinstance(question, AskRoute)
    assert (question.n, question.status) == (1, status)
    assert (call.result, call.missed_reason) == ("missed", reason)
    assert play.of(wire.Refuse) == [wire.Refuse(leg=client, code=486)]


def test_a_phone_that_rings_out_is_followed_by_the_next_one() -> None:
    play = Play()
    client = play.call()
    play.route(client)
    play.tick(20)
    play.route(client, RouteAnswer(step=Step.DIAL, endpoints=("102",), seconds=20, record=True))
    play.answer()
    play.after(10)
    play.hang_up(client)
    call = play.folded()

    assert [getattr(question, "status", "") for question in play.asked] == ["", "NOANSWER"]
    assert call.answered_by == ("102",)
    assert {part.extension: round(part.rang.total_seconds()) for part in call.managers} == {"101": 20, "102": 0}


def test_a_call_that_nobody_took_is_missed_with_no_answer() -> None:
    play = Play()
    client = play.call()
    play.route(client, RouteAnswer(step=Step.DIAL, endpoints=("101", "102"), seconds=20, last=True))
    play.tick(20)
    call = play.folded()

    assert (call.result, call.missed_reason, call.hung_up_by) == ("missed", "no_answer", "pbx")
    assert sorted(part.extension for part in call.managers) == ["101", "102"]


def test_nobody_registered_rings_nobody() -> None:
    play = Play(online={})
    client = play.call()
    play.route(client)
    play.route(client, RouteAnswer(step=Step.HANG_UP))
    call = play.folded()

    assert [getattr(question, "status", "") for question in play.asked] == ["", "CHANUNAVAIL"]
    assert (call.result, call.missed_reason) == ("missed", "ivr")


def test_three_phones_ring_at_once_and_the_fourth_when_one_refused() -> None:
    play = Play()
    client = play.call()
    play.route(client, RouteAnswer(step=Step.DIAL, endpoints=("100", "101", "102", "103"), seconds=20))
    first = play.ringing()
    play.refuse(first[1], 486)
    then = play.ringing()
    play.answer(then[-1])

    assert (len(first), len(then), len(play.ringing())) == (3, 3, 0)
    assert [call.answered_by for call in play.calls()] == [("103",)]


def test_a_worker_with_little_room_rings_one_after_the_other() -> None:
    play = Play(capacity=2)
    client = play.call()
    play.route(client, RouteAnswer(step=Step.DIAL, endpoints=("101", "102"), seconds=20))
    first = play.ringing()
    play.refuse(first[0], 486)

    assert len(first) == 1
    assert len(play.ringing()) == 1


def test_every_contact_of_a_phone_rings_and_one_takes_it() -> None:
    play = Play(online={"101": 2})
    client = play.call()
    play.route(client)
    both = play.ringing()
    play.answer(both[1])
    play.after(5)
    play.hang_up(client)
    call = play.folded()

    assert len(both) == 2
    assert (call.answered_by, [part.extension for part in call.managers]) == (("101",), ["101"])


def test_an_announcement_is_played_before_anybody_is_rung() -> None:
    from pathlib import Path

    play = Play()
    client = play.call()
    play.route(client, RouteAnswer(step=Step.PLAY, sound=Path("/hello.wav"), seconds=4))
    due = play.brain.due()
    play.tick(4)
    play.route(client)
    play.answer()
    play.hang_up(client)

    assert due is not None
    assert [getattr(question, "status", "") for question in play.asked] == ["", "SUCCESS"]
    assert play.of(wire.Play)[0] == wire.Play(leg=client, file="/hello.wav")
    assert play.folded().result == "answered"


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


def test_a_worker_that_died_ends_its_call_with_a_reason_and_keeps_it() -> None:
    play, _, _ = talking()
    play.after(30)
    out = play.brain.lose("worker_died", play.now)
    play.take(out)
    call = play.folded()

    assert (call.result, call.complete, call.hung_up_by) == ("answered", False, None)
    assert round(call.talk.total_seconds()) == 30
    assert b"worker_died" in play.rows[-1]


@pytest.mark.parametrize(
    "name", ['Ivan"\r\n"STARTED","1","x"', 'a","b', "zero\0byte", "\u2028line", "semi;${EXTEN}\\", "\ud800"]
)
def test_a_hostile_name_cannot_forge_a_row(name: str) -> None:
    play = Play()
    client = play.call(name=name, caller="7\r\n9161234567")
    play.route(client)
    play.answer()
    play.hang_up(client)

    assert all(b"\n" not in row and b"\0" not in row for row in play.rows)
    assert play.folded().result == "answered"


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


def test_whoever_asks_for_the_second_time_the_brain_still_knows_route_questions_by_number() -> None:
    play = Play()
    client = play.call()
    play.route(client, RouteAnswer(step=Step.WAIT, seconds=3))
    play.tick(3)
    play.route(client, RING_101)

    assert [getattr(question, "n", None) for question in play.asked] == [0, 1]
