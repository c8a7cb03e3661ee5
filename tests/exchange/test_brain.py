"""What an inbound call of the embedded engine does, and the call that the fold makes of its journal. Requirement L."""

import pytest

from exchange import wire
from exchange.switchboard import AskRoute, RouteAnswer, Step
from tests.exchange.brains import CLIENT, RING_101, Play, talking


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


def test_whoever_asks_for_the_second_time_the_brain_still_knows_route_questions_by_number() -> None:
    play = Play()
    client = play.call()
    play.route(client, RouteAnswer(step=Step.WAIT, seconds=3))
    play.tick(3)
    play.route(client, RING_101)

    assert [getattr(question, "n", None) for question in play.asked] == [0, 1]
