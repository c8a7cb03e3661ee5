"""The plan of a synthetic day: the same for a seed, as busy as asked, and refused where it makes no sense."""

import pytest

from gateway.simulation.plan import (
    Origin,
    Outage,
    OutageKind,
    Wishes,
    WrongWish,
    course,
    extension_of,
    number_of,
    plan_day,
)

DAY = Wishes(managers=5, clients=200, calls_per_hour=120, minutes=480, seed=7)


def test_the_same_wishes_make_the_same_day_and_another_seed_another() -> None:
    other = Wishes(managers=5, clients=200, calls_per_hour=120, minutes=480, seed=8)

    assert plan_day(DAY) == plan_day(DAY)
    assert plan_day(DAY).calls != plan_day(other).calls


def test_a_day_has_as_many_calls_as_asked_in_the_mean() -> None:
    counts = [
        len(plan_day(Wishes(managers=2, clients=50, calls_per_hour=120, minutes=480, seed=seed)).calls)
        for seed in range(20)
    ]

    assert abs(sum(counts) / len(counts) - 960) < 30


def test_the_course_of_a_day_is_one_in_the_mean_with_two_swells() -> None:
    parts = [course(n / 1000) for n in range(1000)]

    assert abs(sum(parts) / 1000 - 1) < 0.01
    assert max(parts) <= 1.6
    assert course(0.3) > course(0.5) < course(0.8)


def test_calls_lie_in_the_day_in_order_and_some_clients_call_often() -> None:
    plan = plan_day(DAY)

    begins = [call.begins for call in plan.calls]
    assert begins == sorted(begins)
    assert 0 <= begins[0] < begins[-1] < plan.seconds
    often = max(sum(call.client == number_of(n) for call in plan.calls) for n in range(5))
    assert often > 3 * len(plan.calls) / 200
    assert all(len(call.responses) == 5 for call in plan.calls)


def test_talks_have_the_length_asked_for_in_the_mean_and_both_sides_begin_calls() -> None:
    calls = plan_day(DAY).calls

    assert abs(sum(call.talk for call in calls) / len(calls) - 90) < 8
    share = sum(call.origin is Origin.MANAGER for call in calls) / len(calls)
    assert abs(share - 0.2) < 0.05


def test_a_client_tries_three_times_at_most_and_waits_longer_each_time() -> None:
    call = next(call for call in plan_day(DAY).calls if call.calls_again_after)
    second = call.again(call.begins + 10)
    third = second.again(second.begins + 10)

    assert second.calls_again_after == pytest.approx(2 * (call.calls_again_after or 0))
    assert third.again(third.begins + 10).calls_again_after is None
    assert third.called_back_after is None


def test_an_outage_lasts_from_its_begin_to_its_end() -> None:
    wishes = Wishes(
        managers=2,
        clients=1,
        calls_per_hour=1,
        minutes=10,
        seed=1,
        outages=(Outage(kind=OutageKind.PHONE, begins=60, ends=120, manager=1),),
    )
    plan = plan_day(wishes)

    assert plan.is_out(OutageKind.PHONE, 60, 1)
    assert not plan.is_out(OutageKind.PHONE, 60, 0)
    assert not plan.is_out(OutageKind.PHONE, 120, 1)
    assert not plan.is_out(OutageKind.PROVIDER, 60)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"managers": 0}, "0 managers cannot be simulated; allowed are more than 0, at most 200"),
        ({"minutes": 2000}, "2000 minutes"),
        ({"talk_seconds": 0.5}, "a talk of 0.5 seconds"),
        ({"outgoing": 1.5}, "a share of 1.5"),
        ({"outages": (Outage(kind=OutageKind.PHONE, begins=9e9, ends=9e9 + 1),)}, "does not lie within the day"),
        ({"outages": (Outage(kind=OutageKind.PHONE, begins=1, ends=2, manager=9),)}, "there is no manager 10"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_bounds(wrong: dict[str, object], told: str) -> None:
    asked: dict[str, object] = {"managers": 5, "clients": 10, "calls_per_hour": 60, "minutes": 10, "seed": 1, **wrong}

    with pytest.raises(WrongWish, match=told):
        Wishes(**asked)  # type: ignore[arg-type]


def test_extensions_and_numbers_are_those_of_an_office() -> None:
    assert (extension_of(0), extension_of(9)) == ("101", "110")
    assert number_of(0) == "+79161000000"
