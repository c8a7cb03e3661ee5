"""The pure rules of reports: spend over days, good and bad directions, places, due reports. Requirements 54, 58, 67."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.letters import AddressError, checked_address
from gateway.domain.periods import Period
from gateway.domain.report_table import Line, cells, derived, ranked
from gateway.domain.spend import Channel, Spend, cost_per, share
from gateway.domain.subscriptions import TRIES_FOR, due_days, next_try
from gateway.domain.trends import Verdict, problem_spots, slope, verdict

WARSAW = ZoneInfo("Europe/Warsaw")
EVERY_DAY = range(1, 8)


@given(amount=st.decimals("0", "999999", places=2), days=st.integers(1, 400), cut=st.integers(0, 400))
def test_shares_of_joining_periods_are_the_whole_sum(amount: Decimal, days: int, cut: int) -> None:
    first = date(2026, 1, 1)
    last = first + timedelta(days=days - 1)
    middle = first + timedelta(days=min(cut, days))
    spend = Spend(
        channel=Channel(kind="", name="x"), days=Period(first=first, last=last), amount=amount, currency="EUR"
    )
    before = share(spend, Period(first=date(2025, 1, 1), last=middle - timedelta(days=1)))
    after = share(spend, Period(first=middle, last=date(2030, 1, 1)))

    assert before + after == amount
    assert share(spend, Period(first=date(2020, 1, 1), last=date(2020, 1, 2))) == 0


def test_nothing_costs_nothing_for_nobody() -> None:
    assert cost_per(Decimal("10.00"), 3) == Decimal("3.33")
    assert cost_per(Decimal("10.00"), 0) is None


@pytest.mark.parametrize(
    ("figure", "difference", "side"),
    [
        ("missed", 1, Verdict.BAD),
        ("missed", -1, Verdict.GOOD),
        ("numbers_long", 1, Verdict.GOOD),
        ("calls_in", 5, Verdict.NEUTRAL),
        ("cost_per_lead.EUR", 1, Verdict.BAD),
        ("touches.letter", -1, Verdict.BAD),
        ("answered", 0, Verdict.SAME),
        ("unheard_of", 1, Verdict.NEUTRAL),
    ],
)
def test_a_rise_is_good_or_bad_by_the_figure(figure: str, difference: float, side: Verdict) -> None:
    assert verdict(figure, difference) is side


def test_a_slope_is_what_a_figure_gains_from_point_to_point() -> None:
    assert [slope([]), slope([5]), slope([1, 3, 5]), slope([4, 4])] == [0.0, 0.0, 2.0, 0.0]


def test_a_problem_needs_two_colleagues_and_a_fifth() -> None:
    people: dict[int, dict[str, float | None]] = {1: {"missed_share": 0.24}, 2: {"missed_share": 0.2}}
    assert problem_spots(1, people) == []
    people[3] = {"missed_share": 0.2}
    (spot,) = problem_spots(1, people)
    assert (spot.percent, spot.place, spot.of) == (20.0, 3, 3)
    people[1] = {"missed_share": 0.23}
    assert problem_spots(1, people) == []
    people[1] = {"missed_share": None}
    assert problem_spots(1, people) == []


def test_who_is_equal_shares_a_place_and_who_has_no_figure_has_none() -> None:
    values: list[float | None] = [3, 5, 3, None, 1]
    lines = [
        Line(key={}, name=str(n), cells=cells(["missed_share"], {"missed_share": v}, None, {}))
        for n, v in enumerate(values)
    ]

    found = ranked(lines, "missed_share")
    assert [(line.name, line.place) for line in found] == [("1", 1), ("0", 2), ("2", 2), ("4", 4), ("3", None)]


def test_nothing_is_divided_by_nothing() -> None:
    assert derived({"missed": 0.0, "calls_in": 0.0})["missed_share"] is None
    assert derived({"missed": 1.0, "calls_in": 4.0})["missed_share"] == 0.25


def due(now: datetime, since: datetime, hour: int, *, today: bool = True, minute: int = 0) -> list[str]:
    found = due_days(
        now=now, since=since, zone=WARSAW, hour=hour, minute=minute, weekdays=EVERY_DAY, covers_today=today
    )
    return [day.isoformat() for day, _ in found]


def test_an_hour_that_the_clock_leaves_out_comes_all_the_same_and_one_that_comes_twice_comes_once() -> None:
    spring = datetime(2026, 3, 29, 0, 0, tzinfo=UTC)  # at one o'clock UTC two becomes three
    assert due(spring + timedelta(minutes=59), spring, 2, minute=30) == []
    assert due(spring + timedelta(hours=2), spring, 2, minute=30) == ["2026-03-29"]
    autumn = datetime(2026, 10, 24, 23, 0, tzinfo=UTC)  # half past two comes at 00:30 and at 01:30 UTC
    assert due(autumn + timedelta(minutes=89), autumn, 2, minute=30) == []
    assert due(autumn + timedelta(minutes=90), autumn, 2, minute=30) == ["2026-10-25"]
    assert due(autumn + timedelta(minutes=151), autumn, 2, minute=30) == ["2026-10-25"]


def test_a_report_at_new_year_is_about_the_old_one() -> None:
    begin = datetime(2025, 12, 31, 12, 0, tzinfo=UTC)

    assert due(begin + timedelta(hours=20), begin, 8, today=False) == ["2025-12-31"]


def test_after_a_long_standstill_a_week_is_made_up() -> None:
    begin = datetime(2026, 1, 1, tzinfo=UTC)

    assert due(datetime(2026, 2, 1, 12, tzinfo=UTC), begin, 8) == [f"2026-01-{d}" for d in range(25, 32)] + [
        "2026-02-01"
    ]


def test_tries_come_seldomer_and_end_after_a_day() -> None:
    made = datetime(2026, 1, 1, tzinfo=UTC)
    pauses = [next_try(n, made_at=made, now=made) - made for n in (1, 2, 3, 9)]

    assert pauses == sorted(pauses)
    assert next_try(9, made_at=made, now=made + TRIES_FOR) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "a@",
        "@b",
        "a@b c",
        "a@b\r\nBcc: x@y",
        "a b@c.d",
        "A <a@b.c>",
        "a@-b.c",
        "a..b@c.d",
        "é@b.c",
        "a@" + "b" * 300,
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(AddressError):
        checked_address(text)


@pytest.mark.parametrize("text", ["a@b", "head+calls@mx.example.com", "o'neil@example.com"])
def test_what_is_an_address_stays_as_it_is(text: str) -> None:
    assert checked_address(text) == text
