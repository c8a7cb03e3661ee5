"""Whose a lead becomes: fair over any order and absences, never the same twice in a round, in the end the head's."""

from datetime import UTC, datetime
from fractions import Fraction
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain import distribution
from gateway.domain.cards import Heat
from gateway.domain.distribution import (
    Conditions,
    Lead,
    Member,
    Rule,
    Turn,
    Way,
    Why,
    change_voice,
    choose,
    country_of,
    language_of,
    mismatch,
)
from gateway.domain.working_time import read_working_time

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
LEAD = Lead(at=NOW, did="4950001", city="Москва", country="RU", language="ru", heat=Heat.HOT, source_kind="site")


def members(*weights: int, **more: object) -> list[Member]:
    return [Member(user_id=n, weight=w, **more) for n, w in enumerate(weights, 1)]  # type: ignore[arg-type]


def play(rule: Rule, group: list[Member], present: list[set[int]]) -> list[int]:
    """Whom each of many leads goes to, when these are present at each."""
    order = []
    for here in present:
        now = [distribution.replace(m, absent=m.user_id not in here) for m in group]
        verdict = choose(rule, now, LEAD)
        group = distribution.given(now, verdict)
        order.append(verdict.user_id or 0)
    return order


@given(
    st.lists(st.sets(st.integers(1, 5), min_size=1), min_size=1, max_size=200),
    st.lists(st.integers(1, 9), min_size=5, max_size=5),
)
@settings(max_examples=60, deadline=None)
def test_in_turn_is_fair_over_any_order_and_absences(present: list[set[int]], weights: list[int]) -> None:
    """Requirement 74: nobody is ever more than a few leads away from his share of those he could have had."""
    order = play(Rule(id=1), members(*weights), present)

    owed = dict.fromkeys(range(1, 6), Fraction(0))
    for here in present:
        total = sum(weights[n - 1] for n in here)
        for n in here:
            owed[n] += Fraction(weights[n - 1], total)
    assert all(user in here for user, here in zip(order, present, strict=True))
    assert max(abs(order.count(n) - owed[n]) for n in owed) <= 3


@given(st.lists(st.integers(1, 9), min_size=1, max_size=6))
def test_with_everybody_present_each_cycle_goes_by_the_weights(weights: list[int]) -> None:
    total = sum(weights)
    order = play(Rule(id=1), members(*weights), [set(range(1, len(weights) + 1))] * total * 3)

    for cycle in range(3):
        part = order[cycle * total : (cycle + 1) * total]
        assert [part.count(n) for n in range(1, len(weights) + 1)] == weights


def test_who_comes_back_from_a_holiday_finds_no_heap_of_leads() -> None:
    order = play(Rule(id=1), members(1, 1), [{1, 2}] * 10 + [{1}] * 50 + [{1, 2}] * 10)

    assert sorted(order[-10:]) == [1] * 5 + [2] * 5


@pytest.mark.parametrize(
    ("conditions", "why"),
    [
        (Conditions(), None),
        (Conditions(dids=frozenset({"4950002"})), Why.DID),
        (Conditions(sources=frozenset({"site"})), None),
        (Conditions(sources=frozenset({"fair"})), Why.SOURCE),
        (Conditions(cities=frozenset({"москва"})), None),
        (Conditions(cities=frozenset({"казань"})), Why.CITY),
        (Conditions(countries=frozenset({"PL"})), Why.COUNTRY),
        (Conditions(languages=frozenset({"pl"})), Why.LANGUAGE),
        (Conditions(heats=frozenset({Heat.COLD})), Why.HEAT),
        (Conditions(hours=read_working_time(ZoneInfo("Europe/Moscow"), [["09:00-18:00"]] * 7, {})), None),
        (Conditions(hours=read_working_time(ZoneInfo("Europe/Moscow"), [["13:00-18:00"]] * 7, {})), Why.HOURS),
    ],
)
def test_a_rule_takes_a_lead_when_every_condition_holds(conditions: Conditions, why: Why | None) -> None:
    assert mismatch(conditions, LEAD) == why


def test_the_least_loaded_by_his_weight_gets_the_lead() -> None:
    group = [
        Member(user_id=1, open_leads=4, open_tasks=2, weight=1),
        Member(user_id=2, open_leads=6, open_tasks=4, weight=2),
        Member(user_id=3, open_leads=1, absent=True),
    ]

    assert choose(Rule(id=1, way=Way.LOAD), group, LEAD).user_id == 2


def test_a_skill_is_needed_where_the_rule_asks_for_it() -> None:
    group = [
        Member(user_id=1),
        Member(user_id=2, skills=frozenset({"ru"})),
        Member(user_id=3, skills=frozenset({"roof"})),
    ]

    assert choose(Rule(id=1, way=Way.SKILL), group, LEAD).user_id == 2
    assert choose(Rule(id=1, way=Way.SKILL, skill="roof"), group, LEAD).user_id == 3
    assert choose(Rule(id=1, way=Way.SKILL, skill="tax"), group, LEAD).user_id is None


@given(st.lists(st.floats(0, 1), min_size=3, max_size=9, unique=True), st.integers(1, 30))
def test_the_best_leads_go_to_the_best_managers(ratings: list[float], n: int) -> None:
    """Requirement 76."""
    group = [Member(user_id=i, rating=r) for i, r in enumerate(ratings, 1)]
    order = play(Rule(id=1, way=Way.HEAT), group, [set(range(1, len(ratings) + 1))] * n)
    best = sorted(range(1, len(ratings) + 1), key=lambda i: -ratings[i - 1])[: -(-len(ratings) // 3)]

    assert set(order) <= set(best)


def test_limits_hold_and_everybody_is_told_why_he_did_not_get_it() -> None:
    group = [
        Member(user_id=1, open_max=2, open_leads=2),
        Member(user_id=2, day_max=0),
        Member(user_id=3, active=False),
        Member(user_id=4, absent=True),
        Member(user_id=5),
        Member(user_id=6),
        Member(user_id=7),
    ]
    verdict = choose(Rule(id=1), group, LEAD, barred=[7])

    assert [s.why for s in verdict.seen] == [
        Why.OPEN_MAX, Why.DAY_MAX, Why.DISMISSED, Why.ABSENT, Why.CHOSEN, Why.LATER, Why.HAD_IT,
    ]  # fmt: skip


@given(st.integers(1, 5), st.integers(1, 4), st.none() | st.integers(1, 12))
def test_a_voice_is_changed_to_each_once_a_round_and_then_the_head_decides(
    n: int, rounds: int, changes: int | None
) -> None:
    """Requirement 75."""
    rule = Rule(id=1, rounds=rounds, changes=changes)
    group = members(*[1] * n)
    first = choose(rule, group, LEAD)
    turn = Turn(user_id=first.user_id, tried=(first.user_id or 0,))
    voices = [turn]
    while turn.user_id is not None:
        turn = change_voice(rule, group, LEAD, turn).turn
        voices.append(turn)
    had = [t for t in voices if t.user_id is not None]

    assert all(one.user_id != other.user_id for one, other in pairwise(had))
    for number in range(1, rounds + 1):
        in_round = [t.user_id for t in had if t.round == number]
        assert len(in_round) == len(set(in_round)) <= n
    assert len(had) - 1 == min(changes if changes is not None else 99, n - 1 + (rounds - 1) * (n - 1))


def test_nobody_gets_what_nobody_may_have() -> None:
    verdict = choose(Rule(id=1), [Member(user_id=1, absent=True)], LEAD)

    assert (verdict.user_id, verdict.credits) == (None, {})


def test_the_language_of_a_country_is_known_or_not_guessed() -> None:
    assert [language_of(c) for c in ("PL", "KZ", "XX", None)] == ["pl", "ru", None, None]


def test_the_country_of_a_number_tells_neighbours_with_one_code_apart() -> None:
    assert [country_of(n) for n in ("+79161234567", "+77011234567", "+48221234567", "+999")] == ["RU", "KZ", "PL", None]
