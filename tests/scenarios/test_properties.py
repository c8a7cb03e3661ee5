"""What holds of the fold whatever is delivered: any order, any repetition, any prefix, any company of other calls."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.cli import replay
from gateway.domain.call import Call, CallKind, CallState, Direction, Result
from gateway.domain.calls import fold
from gateway.domain.directory import Directory
from gateway.domain.family import Families, families
from gateway.domain.legs import LegEvent, in_order
from tests.scenarios.catalogue import JOURNALS, NAMED, Scenario, arguments, directory_of, events_of

by_name = pytest.mark.parametrize("scenario", JOURNALS, ids=lambda s: s.name)
scenarios = st.sampled_from(JOURNALS)
ZERO = timedelta()


@cache
def events(name: str) -> tuple[LegEvent, ...]:
    """The leg events of a scenario's journal."""
    return tuple(events_of(NAMED[name]))


@cache
def calls(name: str) -> tuple[Call, ...]:
    """The calls of a scenario's journal, delivered once and in order."""
    return tuple(fold(events(name), directory_of(NAMED[name])))


def assert_valid(call: Call, seen: Sequence[LegEvent]) -> None:
    """Every rule that a call keeps at every moment of its life."""
    last = max(event.at for event in seen)
    extensions = [part.extension for part in call.managers]
    lasted = (call.ended_at or last) - call.started_at
    parts = [(part.rang, part.talk, part.wait) for part in call.managers]
    times = [call.wait, call.talk, call.hold, call.ring, call.outside, *itertools.chain(*parts)]

    assert all(ZERO <= time <= lasted for time in times if time is not None)
    assert len(set(extensions)) == len(extensions)
    assert set(call.answered_by) <= set(extensions)
    assert all((part.talk > ZERO) <= (part.extension in call.answered_by) for part in call.managers) or (
        call.direction is Direction.INTERNAL
    )
    assert (call.missed_reason is not None) == (call.result is Result.MISSED)
    assert (call.result is Result.MISSED) <= (call.direction is Direction.INBOUND)
    assert (call.answered_at is not None) >= call.is_answered
    assert call.complete <= all(leg.ended_at for leg in call.legs)
    assert (call.ended_at is None) == any(leg.ended_at is None for leg in call.legs)
    assert (call.state is CallState.ENDED) == (call.ended_at is not None)
    assert (call.hung_up_by is None) >= (call.ended_at is None)
    assert call.started_at <= (call.answered_at or last) <= last
    assert call.linkedids
    assert call.legs


@by_name
def test_every_prefix_of_a_journal_gives_valid_calls(scenario: Scenario) -> None:
    directory, rows = directory_of(scenario), events(scenario.name)

    for length in range(1, len(rows) + 1):
        for call in fold(rows[:length], directory):
            assert_valid(call, rows[:length])


@by_name
def test_the_call_of_a_client_keeps_its_key_from_its_first_row_to_its_last(scenario: Scenario) -> None:
    directory, rows = directory_of(scenario), events(scenario.name)
    clients = {CallKind.CLIENT, CallKind.THROUGH}
    prefixes = [fold(rows[:length], directory) for length in range(1, len(rows) + 1)]
    keys = [{call.key for call in found if call.kind in clients and call.client} for found in prefixes]

    assert all(earlier <= later for earlier, later in itertools.pairwise(keys))


@given(scenario=scenarios, data=st.data())
@settings(max_examples=200, deadline=None)
def test_rows_doubled_and_in_any_order_give_the_same_calls(scenario: Scenario, data: st.DataObject) -> None:
    rows = events(scenario.name)
    again = data.draw(st.lists(st.sampled_from(rows), max_size=len(rows)))
    delivered = data.draw(st.permutations([*rows, *again]))

    assert tuple(fold(delivered, directory_of(scenario))) == calls(scenario.name)


@given(scenario=scenarios, data=st.data())
@settings(max_examples=200, deadline=None)
def test_rows_lost_anywhere_still_give_valid_calls(scenario: Scenario, data: st.DataObject) -> None:
    rows = events(scenario.name)
    kept = data.draw(st.sets(st.sampled_from(range(len(rows))), min_size=1))
    seen = [rows[index] for index in sorted(kept)]

    for call in fold(seen, directory_of(scenario)):
        assert_valid(call, seen)


@given(scenario=scenarios, data=st.data())
@settings(max_examples=100, deadline=None)
def test_families_that_grow_row_by_row_are_those_of_the_whole_heap(scenario: Scenario, data: st.DataObject) -> None:
    rows = data.draw(st.permutations(events(scenario.name)))
    index = Families()
    for row in rows:
        index.add(row)

    grown: dict[str | None, set[str]] = {}
    for row in rows:
        grown.setdefault(index.find("l:" + row.leg), set()).add(row.leg)
    whole = [{row.leg for row in family} for family in families(in_order(rows))]
    assert sorted(map(sorted, grown.values())) == sorted(map(sorted, whole))


def _both_sites() -> Directory:
    """Everybody of the two recorded sites in one table."""
    who = ["--managers", "anna-desk=101,101-WS=101,100,101,102", "--trunks", "trunk,my-trunk-1"]
    return replay.directory_of(arguments(["x", *who, "--region", "RU"]))


def _recorded() -> list[Scenario]:
    return [s for s in JOURNALS if not s.name.startswith("made_")]


def _by_key(found: Iterable[Call]) -> dict[str, Call]:
    return {call.key: call for call in found}


@given(order=st.randoms(use_true_random=False))
@settings(max_examples=10, deadline=None)
def test_all_journals_in_one_heap_give_the_calls_of_each_alone(order: random.Random) -> None:
    heap = [event for scenario in _recorded() for event in events(scenario.name)]
    order.shuffle(heap)
    directory = _both_sites()

    alone = [call for s in _recorded() for call in fold(events(s.name), directory)]
    assert _by_key(fold(heap, directory)) == _by_key(alone)


@pytest.mark.parametrize("step", [timedelta(milliseconds=7), timedelta(seconds=1)])
def test_calls_that_run_at_the_same_time_do_not_mix(step: timedelta) -> None:
    at = datetime.fromisoformat("2026-11-21T12:00:00+00:00")
    moved = [
        _moved(event, at + number * step - events(scenario.name)[0].at)
        for number, scenario in enumerate(_recorded())
        for event in events(scenario.name)
    ]
    directory = _both_sites()

    together = fold(moved, directory)

    alone = {call.key: call for s in _recorded() for call in fold(events(s.name), directory)}
    assert {(c.key, c.result, c.answered_by, c.talk, c.wait) for c in together} == {
        (c.key, c.result, c.answered_by, c.talk, c.wait) for c in alone.values()
    }


def _moved(event: LegEvent, shift: timedelta) -> LegEvent:
    fields = {name: getattr(event, name) for name in LegEvent.__slots__}
    return LegEvent(**fields | {"at": event.at + shift})
