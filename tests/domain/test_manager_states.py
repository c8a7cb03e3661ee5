"""The fold of states: talks lie over what was chosen, after-call time follows, and nothing ever overlaps.

Requirement 60: efficiency of manager, telephone and working time.
"""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.manager_states import Base, Choice, Chosen, Interval, State, Talk, state_of, timeline

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
AVAILABLE = Base(state=State.AVAILABLE, at=NOON - timedelta(hours=3), by="user:1")


def at(seconds: float) -> datetime:
    """So long after noon."""
    return NOON + timedelta(seconds=seconds)


def talk(since: float, until: float | None, *, after: int = 15, call: int = 1) -> Talk:
    """A talk in seconds after noon."""
    return Talk(
        since=at(since),
        until=None if until is None else at(until),
        call_id=UUID(int=call),
        after=timedelta(seconds=after),
    )


def choice(seconds: float, chosen: Chosen, *, until: float | None = None, call: int | None = None) -> Choice:
    """What was chosen so long after noon."""
    return Choice(
        at=at(seconds),
        chosen=chosen,
        by="user:1",
        until=None if until is None else at(until),
        call_id=None if call is None else UUID(int=call),
    )


def story(found: list[Interval]) -> list[tuple[str, float]]:
    """States with the second at which each began."""
    return [(i.state.value, (i.since - NOON).total_seconds()) for i in found]


def fold(
    choices: list[Choice], talks: list[Talk], *, now: float = 1000, base: Base | None = AVAILABLE
) -> list[Interval]:
    """The intervals since noon."""
    return timeline(choices, talks, base=base, begin=NOON, now=at(now))


def test_after_a_talk_comes_the_after_call_time_and_then_he_is_available() -> None:
    found = fold([], [talk(10, 60)])

    assert story(found) == [("available", 0), ("talking", 10), ("after_call", 60), ("available", 75)]
    assert [i.until for i in found] == [at(10), at(60), at(75), None]


def test_an_after_call_time_that_runs_says_when_it_ends() -> None:
    found = fold([], [talk(10, 60)], now=70)

    assert (found[-1].state, found[-1].until, found[-1].ends_at) == (State.AFTER_CALL, None, at(75))
    assert state_of(found[-1], 7, at(74)).state is State.AFTER_CALL
    assert state_of(found[-1], 7, at(75)).state is State.AVAILABLE
    assert state_of(found[-1], 7, at(75)).since == at(75)


def test_a_call_on_a_break_leaves_him_on_his_break() -> None:
    found = fold([choice(5, Chosen.BREAK)], [talk(10, 60)])

    assert story(found) == [("available", 0), ("break", 5), ("talking", 10), ("break", 60)]


def test_a_break_chosen_in_a_talk_begins_after_it() -> None:
    found = fold([choice(30, Chosen.BREAK)], [talk(10, 60)])

    assert story(found) == [("available", 0), ("talking", 10), ("break", 60)]


def test_who_goes_home_in_a_talk_is_off_after_it() -> None:
    assert story(fold([choice(30, Chosen.OFF)], [talk(10, 60)]))[-1] == ("off", 60)


def test_choosing_available_ends_the_after_call_time() -> None:
    assert story(fold([choice(64, Chosen.AVAILABLE)], [talk(10, 60)]))[-2:] == [("after_call", 60), ("available", 64)]


def test_the_outcome_ends_the_after_call_time_of_its_call() -> None:
    assert story(fold([choice(64, Chosen.DONE, call=1)], [talk(10, 60)]))[-1] == ("available", 64)
    assert story(fold([choice(64, Chosen.DONE, call=2)], [talk(10, 60)]))[-1] == ("available", 75)


def test_an_outcome_chosen_while_talking_leaves_nothing_to_do_afterwards() -> None:
    assert story(fold([choice(30, Chosen.DONE, call=1)], [talk(10, 60)]))[-1] == ("available", 60)


def test_more_time_is_given_on_demand_also_ahead() -> None:
    after = fold([choice(70, Chosen.AFTER_CALL, until=300)], [talk(10, 60)])
    ahead = fold([choice(30, Chosen.AFTER_CALL, until=300)], [talk(10, 60)])

    assert story(after) == story(ahead) == [("available", 0), ("talking", 10), ("after_call", 60), ("available", 300)]


def test_a_second_phone_is_one_talk_and_the_after_call_time_comes_after_the_last() -> None:
    found = fold([], [talk(10, 60), talk(40, 90, call=1)])

    assert story(found) == [("available", 0), ("talking", 10), ("after_call", 90), ("available", 105)]


def test_another_call_in_a_talk_is_a_talk_of_its_own() -> None:
    found = fold([], [talk(10, 60, call=1), talk(40, 90, call=2)])

    assert [(i.state, i.call_id) for i in found[1:3]] == [
        (State.TALKING, UUID(int=1)),
        (State.TALKING, UUID(int=2)),
    ]
    assert story(found)[-2:] == [("after_call", 90), ("available", 105)]


def test_a_call_within_the_after_call_time_ends_it() -> None:
    found = fold([], [talk(10, 60), talk(65, 80, call=2)])

    assert story(found)[2:] == [("after_call", 60), ("talking", 65), ("after_call", 80), ("available", 95)]


def test_of_whom_nothing_is_known_only_his_talks_are_known() -> None:
    found = fold([], [talk(10, 60)], base=None)

    assert story(found) == [("talking", 10), ("after_call", 60)]
    assert found[-1].until == at(75)
    assert not state_of(None, 7, at(100)).known


SECONDS = st.integers(0, 600)


@st.composite
def days(draw: st.DrawFn) -> tuple[list[Choice], list[Talk]]:
    """Anything that can be chosen, and talks that overlap or not."""
    kinds = st.sampled_from([Chosen.AVAILABLE, Chosen.BREAK, Chosen.OFF, Chosen.DONE, Chosen.AFTER_CALL])
    choices = [
        choice(s, kind, until=s + 60 if kind is Chosen.AFTER_CALL else None, call=1 if kind is Chosen.DONE else None)
        for s, kind in draw(st.lists(st.tuples(SECONDS, kinds), max_size=8))
    ]
    talks = [
        talk(s, None if open_ else s + length, call=call)
        for s, length, call, open_ in draw(
            st.lists(st.tuples(SECONDS, st.integers(1, 100), st.integers(1, 3), st.booleans()), max_size=6)
        )
    ]
    return sorted(choices, key=lambda c: c.at), talks


@given(days(), st.booleans())
def test_intervals_never_overlap_and_leave_no_gap(day: tuple[list[Choice], list[Talk]], known: bool) -> None:
    found = fold(*day, base=AVAILABLE if known else None)

    assert all(i.until is None or i.since < i.until for i in found)
    assert all(i.until is not None for i in found[:-1])
    for one, other in pairwise(found):
        assert one.until is not None
        assert one.until == other.since if known else one.until <= other.since
    if known:
        assert found[0].since == NOON
        assert found[-1].until is None


@given(days(), st.integers(0, 600))
def test_folding_from_the_middle_gives_the_same_as_from_the_beginning(
    day: tuple[list[Choice], list[Talk]], middle: int
) -> None:
    choices, talks = day
    whole = fold(choices, talks)
    begin = next((i.since for i in reversed(whole) if i.since <= at(middle)), NOON)

    again = timeline(choices, talks, base=AVAILABLE, begin=begin, now=at(1000))

    assert again == [i for i in whole if i.since >= begin]


@given(days(), st.permutations(range(6)))
def test_the_order_in_which_talks_are_heard_of_is_of_no_account(
    day: tuple[list[Choice], list[Talk]], order: list[int]
) -> None:
    choices, talks = day
    shuffled = [talks[n] for n in order if n < len(talks)]

    assert [(s, t) for s, t in story(fold(choices, talks))] == [(s, t) for s, t in story(fold(choices, shuffled))]
