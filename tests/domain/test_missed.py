"""The one table that moves a missed client, and who is to call him back."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from uuid import UUID, uuid5

import pytest

from gateway.domain.missed import (
    MOVES,
    Attempt,
    CallBackRule,
    Dismissal,
    GiveTo,
    Matter,
    Missed,
    MissedState,
    Recipient,
    Step,
    Story,
    Talk,
    Terms,
    matters_of,
    paired,
    recipient,
)

NINE = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
SPACE = UUID(int=0)


def at(minutes: float) -> datetime:
    return NINE + timedelta(minutes=minutes)


def missed(minutes: float) -> Missed:
    return Missed(call_id=uuid5(SPACE, f"missed {minutes}"), at=at(minutes), reason="no_answer")


def talk(since: float, until: float | None = None, *, inbound: bool = False, user: int | None = 7) -> Talk:
    ends = at(since + 1 if until is None else until)
    return Talk(call_id=uuid5(SPACE, f"talk {since}"), since=at(since), until=ends, inbound=inbound, user_id=user)


def fold(*things: object, now: float = 60) -> list[Matter]:
    story = Story(
        missed=[t for t in things if isinstance(t, Missed)],
        talks=[t for t in things if isinstance(t, Talk)],
        attempts=[t for t in things if isinstance(t, Attempt)],
        dismissals=[t for t in things if isinstance(t, Dismissal)],
    )
    return matters_of(story, _terms, at(now))


def _terms(first: Missed) -> Terms:
    return Terms(due_at=first.at + timedelta(minutes=5), give_up_at=first.at + timedelta(hours=72))


STATES = [
    ((missed(0),), ["open"]),
    ((missed(0), talk(3)), ["called_back"]),
    ((missed(0), talk(5)), ["called_back"]),
    ((missed(0), talk(5.1)), ["late"]),
    ((missed(0), talk(3, inbound=True)), ["reached_us"]),
    ((missed(0), missed(2), talk(3)), ["called_back"]),
    ((missed(0), talk(3), missed(4)), ["called_back", "open"]),
    ((missed(0), missed(2), talk(6)), ["late"]),  # the clock runs from his first call
    ((talk(-5, -4), missed(0)), ["open"]),  # an earlier talk is none
    ((talk(-1, 2), missed(0)), ["called_back"]),  # he rang while we talked with him
    ((missed(0), Dismissal(at=at(2), by=7, why="spam")), ["dismissed"]),
    ((missed(0), Dismissal(at=at(2), by=7, why="spam"), missed(3)), ["dismissed", "open"]),
    ((missed(0), talk(1), Dismissal(at=at(2), by=7, why="spam")), ["called_back"]),
    ((missed(0), Attempt(call_id=SPACE, at=at(1))), ["open"]),
    ((), []),
    ((talk(0),), []),
]


@pytest.mark.parametrize(("things", "states"), STATES)
def test_what_happened_says_how_a_client_came_out(things: tuple[object, ...], states: list[str]) -> None:
    """Requirements 8 and 17."""
    assert [m.state for m in fold(*things)] == states


@pytest.mark.parametrize(("things", "states"), STATES)
def test_the_order_in_which_calls_are_told_of_changes_nothing(things: tuple[object, ...], states: list[str]) -> None:
    assert {tuple(fold(*order)) for order in permutations(things)} == {tuple(fold(*things))}


def test_after_the_limit_it_is_never_and_a_later_talk_changes_nothing() -> None:
    (matter,) = fold(missed(0), talk(73 * 60), now=80 * 60)

    assert (matter.state, matter.closed_at) == (MissedState.NEVER, at(72 * 60))


def test_whoever_talked_and_when_is_kept() -> None:
    (matter,) = fold(missed(0), missed(1), Attempt(call_id=SPACE, at=at(2)), talk(3))

    assert (matter.by_user, matter.by_call, matter.closed_at) == (7, talk(3).call_id, at(3))
    assert (len(matter.calls), matter.attempts, matter.last_at) == (2, 1, at(1))


def test_only_an_open_matter_moves() -> None:
    assert {state for state, _ in MOVES} == {MissedState.OPEN}
    assert {step for _, step in MOVES} == set(Step)


def test_matters_are_found_again_by_their_calls() -> None:
    one, other = fold(missed(0), talk(3), missed(4))
    calls = [{m.call_id for m in matter.calls} for matter in (one, other)]

    assert paired([one, other], {5: calls[0], 9: calls[1]}) == ([5, 9], [])
    assert paired([other], {5: calls[0], 9: calls[1]}) == ([9], [5])
    assert paired([one, other], {5: calls[0] | calls[1]}) == ([5, None], [])


OWNER, LAST, FIRST, GROUP = 1, 2, 3, 4
RULE = CallBackRule(members=(GROUP, 5))


@pytest.mark.parametrize(
    ("at_work", "active", "given"),
    [
        ({OWNER, LAST}, {OWNER, LAST, GROUP}, Recipient(owner_id=OWNER)),
        ({LAST, FIRST}, {OWNER, LAST, FIRST, GROUP}, Recipient(owner_id=LAST)),
        ({FIRST}, {OWNER, LAST, FIRST, GROUP}, Recipient(owner_id=FIRST)),
        ({GROUP}, {OWNER, LAST, GROUP}, Recipient(owner_id=None, members=(GROUP,))),
        (set(), {OWNER, LAST, GROUP}, Recipient(owner_id=OWNER)),  # nobody works: it waits for the first one
        (set(), {LAST, GROUP}, Recipient(owner_id=LAST)),  # the owner has left
        (set(), set(), Recipient(owner_id=None)),
    ],
)
def test_the_rule_says_who_calls_back(at_work: set[int], active: set[int], given: Recipient) -> None:
    assert recipient(RULE, owner=OWNER, rung=[FIRST, LAST], at_work=at_work, active=active) == given


def test_anyone_means_whoever_takes_it_first() -> None:
    rule = CallBackRule(give_to=(GiveTo.ANYONE,))

    assert recipient(rule, owner=OWNER, rung=[LAST], at_work={OWNER}, active={OWNER}) == Recipient(owner_id=None)
