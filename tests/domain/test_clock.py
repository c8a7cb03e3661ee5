"""A PBX's clock set back or forth in mid call: no duration is negative, nothing is lost, and the call says so."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.domain.calls import fold_family
from gateway.domain.clock import steadied
from gateway.domain.directory import Directory, Entry, PartyKind
from gateway.domain.legs import LegEvent
from gateway.domain.phone import NumberPlan
from sip.cel import read_row
from tests.gateway.site import rows_of

HOUR = timedelta(hours=1)
SITE = Directory(
    pbx="pbx1",
    plan=NumberPlan(region="RU"),
    entries=(
        Entry(pattern="trunk", kind=PartyKind.TRUNK),
        *(Entry(pattern=e, kind=PartyKind.MANAGER, extension=e) for e in ("100", "101", "102")),
    ),
)


def events_of(scenario: str) -> list[LegEvent]:
    return [event for row in rows_of(scenario) if (event := read_row(row))]


def stepped(events: Sequence[LegEvent], at: int, step: timedelta) -> list[LegEvent]:
    """The same events by a clock that is set before one of them."""
    return [*events[:at], *(replace(event, at=event.at + step) for event in events[at:])]


@pytest.mark.parametrize(
    "scenario", ["in_answered", "queue_answered", "out_answered", "att_xfer_refer", "blind_xfer_refer"]
)
def test_a_clock_set_back_anywhere_in_a_call_makes_nothing_negative_and_keeps_the_result(scenario: str) -> None:
    events = events_of(scenario)
    (right, *_) = fold_family(steadied(events)[0], SITE)

    for at in range(1, len(events)):
        found, was_set = steadied(stepped(events, at, -HOUR))
        calls = fold_family(found, SITE)
        call = next(c for c in calls if c.key == right.key)
        assert (call.kind, call.direction, call.result, call.answered_by) == (
            right.kind,
            right.direction,
            right.result,
            right.answered_by,
        ), at
        assert call.ended_at is not None
        assert timedelta() <= call.talk <= right.talk + timedelta(seconds=1)
        assert call.wait >= timedelta()
        assert call.started_at <= call.ended_at
        assert was_set or at == len(events) - 1


def test_a_clock_that_was_never_set_changes_nothing_in_whatever_order_rows_come() -> None:
    events = events_of("att_xfer_refer")

    for order in (events, events[::-1], events[10:] + events[:10]):
        found, was_set = steadied(order)
        assert not was_set
        assert found == steadied(events)[0]


def test_a_clock_set_forth_makes_no_negative_duration() -> None:
    events = events_of("in_answered")

    for at in range(1, len(events)):
        (call, *_) = fold_family(steadied(stepped(events, at, HOUR))[0], SITE)
        assert call.result == "answered"
        assert call.talk >= timedelta()
        assert call.wait >= timedelta()
