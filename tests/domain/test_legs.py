"""The one order of leg events, and what a channel's name tells."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.legs import LegEvent, LegEventKind, base_channel, endpoint, in_order, is_local

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def event(kind: LegEventKind, seconds: float = 0, leg: str = "1", **fields: object) -> LegEvent:
    return LegEvent(at=NOON + timedelta(seconds=seconds), kind=kind, leg=leg, family="1", **fields)  # type: ignore[arg-type]


def kinds(events: list[LegEvent]) -> list[LegEventKind]:
    return [e.kind for e in in_order(events)]


def test_time_comes_first() -> None:
    assert kinds([event(LegEventKind.STARTED, 2), event(LegEventKind.ENDED, 1)]) == ["ended", "started"]


def test_the_journals_number_decides_within_a_whole_second() -> None:
    later = event(LegEventKind.STARTED, order=8)
    earlier = event(LegEventKind.ENDED, order=7)

    assert in_order([later, earlier]) == [earlier, later]


def test_without_a_number_a_leg_starts_before_it_ends() -> None:
    mixed = [event(LegEventKind.ENDED), event(LegEventKind.HUNG_UP), event(LegEventKind.JOINED)]

    assert kinds([*mixed, event(LegEventKind.STARTED)]) == ["started", "joined", "hung_up", "ended"]


def test_a_leg_leaves_one_bridge_before_it_joins_the_next() -> None:
    assert kinds([event(LegEventKind.JOINED, bridge="b"), event(LegEventKind.LEFT, bridge="a")]) == ["left", "joined"]


def test_equal_events_count_once() -> None:
    assert len(in_order([event(LegEventKind.STARTED), event(LegEventKind.STARTED)])) == 1


@given(st.permutations(["x", "y", "x", "z"]))
def test_rows_that_differ_only_in_caller_data_give_one_whichever_comes_first(names: list[str]) -> None:
    found = in_order(event(LegEventKind.STARTED, name=name) for name in names)

    assert found == in_order(event(LegEventKind.STARTED, name=name) for name in sorted(names))
    assert len(found) == 1


@pytest.mark.parametrize(
    ("channel", "name"),
    [
        ("PJSIP/trunk-0000004a", "PJSIP/trunk"),
        ("PJSIP/my-trunk-1-00000009", "PJSIP/my-trunk-1"),
        ("SIP/101-0000abcd<ZOMBIE>", "SIP/101"),
        ("Local/101@from-queue-00000012;2", "Local/101@from-queue"),
        ("AsyncGoto/PJSIP/trunk-00000001", "PJSIP/trunk"),
        ("DAHDI/i1/79161234567-1", "DAHDI/i1/79161234567"),
        ("Message", "Message"),
    ],
)
def test_an_endpoint_is_everything_up_to_the_last_dash(channel: str, name: str) -> None:
    assert endpoint(channel) == name


def test_the_halves_of_a_local_pair_have_one_base() -> None:
    assert base_channel("Local/101@q-1;1") == base_channel("Local/101@q-1;2") == "Local/101@q-1"
    assert is_local("Local/101@q-1;1")
    assert not is_local("PJSIP/Local-1")
