"""What the fold makes of our own rows: ordered calls, refusals, redirects, legs lost with the PBX, hold."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from gateway.domain.call import Call, CallKind, CallState, Command, Direction, Result, Side, TransferKind
from gateway.domain.calls import fold
from gateway.domain.legs import LegEvent, LegEventKind
from gateway.domain.phone import NumberPlan
from tests.scenarios.catalogue import NAMED, directory_of, events_of

CLIENT = NumberPlan(region="RU").parse("79169998877")


def order(events: list[LegEvent], leg: str) -> Mapping[str, Command]:
    """The click-to-call that we ordered half a second before its first leg."""
    at = min((e.at for e in events), default=events_of(NAMED["c2c_ami"])[0].at)
    ordered_at = at - timedelta(seconds=0.5)
    return {leg: Command(id=leg, extension="101", client=CLIENT, ordered_at=ordered_at)}


def the_call(name: str, *ours: LegEvent, commands: Mapping[str, Command] | None = None, holds: bool = False) -> Call:
    """The one call of a scenario with rows of ours beside the PBX's."""
    events = [*events_of(NAMED[name]), *ours]
    found = fold(events, directory_of(NAMED[name]), commands=commands, holds_seen=holds)
    assert len(found) == 1
    return found[0]


def test_a_click_to_call_nobody_took_still_names_its_client() -> None:
    leg = "crm-1795301666605"

    call = the_call("c2c_ami_noanswer", commands=order(events_of(NAMED["c2c_ami_noanswer"]), leg))

    assert (call.key, call.command, call.client) == (leg, leg, CLIENT)
    assert (call.direction, call.result, call.kind) == (Direction.OUTBOUND, Result.NO_ANSWER, CallKind.CLIENT)


def test_an_ordered_call_bears_the_id_of_its_command() -> None:
    leg = "crm-1795301661050"

    call = the_call("c2c_ami", commands=order(events_of(NAMED["c2c_ami"]), leg))

    assert (call.key, call.command, call.result, call.answered_by) == (leg, leg, Result.ANSWERED, ("101",))


def test_a_refused_order_without_any_leg_is_a_failed_call() -> None:
    seen = events_of(NAMED["c2c_ami"])[0].at
    refused = LegEvent(at=seen, kind=LegEventKind.REFUSED, leg="crm-7", family="crm-7", reason="failed")

    (call,) = fold([refused], directory_of(NAMED["c2c_ami"]), commands=order([refused], "crm-7"))

    assert (call.result, call.state, call.client) == (Result.FAILED, CallState.ENDED, CLIENT)
    assert [part.extension for part in call.managers] == ["101"]


def test_a_refused_order_that_is_not_ours_is_no_call() -> None:
    seen = events_of(NAMED["c2c_ami"])[0].at
    refused = LegEvent(at=seen, kind=LegEventKind.REFUSED, leg="crm-7", family="crm-7", reason="failed")

    assert fold([refused], directory_of(NAMED["c2c_ami"])) == []


def test_a_redirect_that_we_ordered_is_a_transfer() -> None:
    events = events_of(NAMED["made_redirect_without_a_row"])
    client = events[0].leg
    left = next(e.at for e in events if e.kind is LegEventKind.LEFT)
    row = LegEvent(at=left, kind=LegEventKind.REDIRECTED, leg=client, family=client, target="102")

    call = the_call("made_redirect_without_a_row", row)

    assert [(t.kind, t.to, t.taken_by) for t in call.transfers] == [(TransferKind.REDIRECT, "102", "102")]


def test_legs_lost_with_the_pbx_end_the_call_at_its_last_row_and_leave_it_incomplete() -> None:
    events = events_of(NAMED["in_answered"])[:7]
    lost = [
        LegEvent(at=events[-1].at + timedelta(seconds=2), kind=LegEventKind.LOST, leg=leg, family=events[0].family)
        for leg in {e.leg for e in events}
    ]

    (call,) = fold([*events, *lost], directory_of(NAMED["in_answered"]))

    assert (call.state, call.complete, call.hung_up_by) == (CallState.ENDED, False, None)
    assert call.result is Result.ANSWERED
    assert call.ended_at == lost[0].at


def test_hold_counts_within_talk_and_ends_with_the_leg() -> None:
    events = events_of(NAMED["in_answered"])
    manager = events[2]
    assert manager.channel.startswith("PJSIP/101")
    began = next(e.at for e in events if e.kind is LegEventKind.JOINED)
    held = LegEvent(at=began + timedelta(seconds=0.5), kind=LegEventKind.HELD, leg=manager.leg, family=manager.family)

    call = the_call("in_answered", held)

    assert call.hold is not None
    assert abs(call.hold.total_seconds() - 1.5) < 0.01
    assert call.talk > call.hold


def test_hold_is_unknown_where_the_journal_cannot_tell_and_zero_where_it_could() -> None:
    assert the_call("in_answered").hold is None
    assert the_call("in_answered", holds=True).hold == timedelta()


def test_nothing_makes_no_call() -> None:
    assert fold([], directory_of(NAMED["in_answered"])) == []


def test_a_missed_client_and_one_lost_in_a_transfer_ask_for_a_call_back() -> None:
    missed, lost = the_call("in_abandon"), the_call("made_blind_transfer_to_busy")

    assert (missed.is_missed, missed.is_answered, missed.asks_for_call_back) == (True, False, True)
    assert (lost.is_missed, lost.is_answered, lost.asks_for_call_back) == (False, True, True)
    assert (missed.responsible, lost.responsible) == (None, "101")
    assert lost.hung_up_by is Side.PBX


def test_recordings_bear_the_name_of_the_clients_leg() -> None:
    assert the_call("in_answered").client_leg == "pbx1-1795301571.254"
    assert the_call("internal").client_leg is None
