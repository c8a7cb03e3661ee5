"""Periods of reports: their days, the ones they are compared with, and what a day is in a zone. Requirement 55."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.periods import (
    DAYS_MAX,
    Period,
    PeriodError,
    PeriodName,
    Step,
    before,
    day_of,
    period_of,
    unit_of,
    units_of,
)

EXAMPLES = [
    # today, period, its days, the days it is compared with
    ("2026-11-22", "today", "2026-11-22 2026-11-22", "2026-11-21 2026-11-21"),
    ("2026-01-01", "today", "2026-01-01 2026-01-01", "2025-12-31 2025-12-31"),
    ("2026-01-01", "yesterday", "2025-12-31 2025-12-31", "2025-12-30 2025-12-30"),
    ("2024-03-01", "yesterday", "2024-02-29 2024-02-29", "2024-02-28 2024-02-28"),
    ("2026-11-22", "last_7_days", "2026-11-15 2026-11-21", "2026-11-08 2026-11-14"),
    ("2026-01-03", "last_7_days", "2025-12-27 2026-01-02", "2025-12-20 2025-12-26"),
    ("2026-11-23", "week", "2026-11-23 2026-11-23", "2026-11-16 2026-11-16"),  # a Monday
    ("2026-11-29", "week", "2026-11-23 2026-11-29", "2026-11-16 2026-11-22"),  # a Sunday
    ("2026-01-01", "week", "2025-12-29 2026-01-01", "2025-12-22 2025-12-25"),  # over the year's end
    ("2026-03-12", "month", "2026-03-01 2026-03-12", "2026-02-01 2026-02-12"),
    ("2026-03-31", "month", "2026-03-01 2026-03-31", "2026-02-01 2026-02-28"),
    ("2024-03-31", "month", "2024-03-01 2024-03-31", "2024-02-01 2024-02-29"),
    ("2026-01-05", "month", "2026-01-01 2026-01-05", "2025-12-01 2025-12-05"),
    ("2026-05-31", "quarter", "2026-04-01 2026-05-31", "2026-01-01 2026-03-02"),
    ("2026-01-01", "quarter", "2026-01-01 2026-01-01", "2025-10-01 2025-10-01"),
    ("2026-06-30", "quarter", "2026-04-01 2026-06-30", "2026-01-01 2026-03-31"),
    ("2026-12-31", "year", "2026-01-01 2026-12-31", "2025-01-01 2025-12-31"),
    ("2024-12-31", "year", "2024-01-01 2024-12-31", "2023-01-01 2023-12-31"),
    ("2025-12-31", "year", "2025-01-01 2025-12-31", "2024-01-01 2024-12-30"),
]


def days(text: str) -> Period:
    first, last = map(date.fromisoformat, text.split())
    return Period(first=first, last=last)


@pytest.mark.parametrize(("today", "name", "own", "earlier"), EXAMPLES)
def test_a_period_has_these_days_and_is_compared_with_those(today: str, name: str, own: str, earlier: str) -> None:
    found = period_of(PeriodName(name), date.fromisoformat(today))

    assert found == days(own)
    assert before(PeriodName(name), found) == days(earlier)


@pytest.mark.parametrize(
    ("since", "until", "own", "earlier"),
    [
        ("2026-02-10", "2026-02-19", "2026-02-10 2026-02-19", "2026-01-31 2026-02-09"),
        ("2026-02-10", None, "2026-02-10 2026-02-20", "2026-01-30 2026-02-09"),
        (None, "2026-02-10", "2026-02-10 2026-02-10", "2026-02-09 2026-02-09"),
        ("2026-03-10", None, "2026-03-10 2026-03-10", "2026-03-09 2026-03-09"),
    ],
)
def test_any_dates_are_compared_with_as_many_days_before(
    since: str | None, until: str | None, own: str, earlier: str
) -> None:
    first, last = (None if text is None else date.fromisoformat(text) for text in (since, until))
    found = period_of(PeriodName.DATES, date(2026, 2, 20), since=first, until=last)

    assert found == days(own)
    assert before(PeriodName.DATES, found) == days(earlier)


@pytest.mark.parametrize(("since", "until"), [(None, None), ("2026-02-02", "2026-02-01"), ("2020-01-01", "2026-01-01")])
def test_dates_that_make_no_period_are_refused(since: str | None, until: str | None) -> None:
    first, last = (None if text is None else date.fromisoformat(text) for text in (since, until))

    with pytest.raises(PeriodError, match=str(DAYS_MAX)):
        period_of(PeriodName.DATES, date(2026, 2, 20), since=first, until=last)


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Warsaw", "2026-03-29", 23),
        ("Europe/Warsaw", "2026-10-25", 25),
        ("Europe/Moscow", "2026-03-29", 24),
        ("America/Sao_Paulo", "2018-11-04", 23),  # midnight itself is left out
        ("Asia/Beirut", "2022-03-27", 23),
        ("Australia/Lord_Howe", "2026-10-04", 23.5),
        ("Pacific/Apia", "2011-12-31", 24),  # the day after one that never was
    ],
)
def test_a_day_is_as_long_as_its_clock_makes_it_and_days_join_without_a_gap(zone: str, day: str, hours: float) -> None:
    own, one = ZoneInfo(zone), date.fromisoformat(day)
    begin, end = Period(first=one, last=one).bounds(own)

    assert end - begin == timedelta(hours=hours)
    assert day_of(begin, own) == one
    assert day_of(begin - timedelta(seconds=1), own) < one
    assert day_of(end - timedelta(seconds=1), own) == one


def test_the_same_moment_is_another_day_in_another_zone() -> None:
    moment = datetime(2025, 12, 31, 21, 30, tzinfo=UTC)

    assert day_of(moment, ZoneInfo("Europe/Moscow")) == date(2026, 1, 1)
    assert day_of(moment, ZoneInfo("Europe/Warsaw")) == date(2025, 12, 31)


@given(
    step=st.sampled_from(Step),
    first=st.dates(date(1990, 1, 1), date(2100, 1, 1)),
    length=st.integers(0, 900),
)
def test_units_fill_a_period_without_gap_or_overlap(step: Step, first: date, length: int) -> None:
    period = Period(first=first, last=first + timedelta(days=length))
    found = list(units_of(step, period))

    assert (found[0].first, found[-1].last) == (period.first, period.last)
    assert all(one.last + timedelta(days=1) == other.first for one, other in pairwise(found))
    assert all(unit_of(step, unit.first) == unit_of(step, unit.last) for unit in found)


@given(
    name=st.sampled_from([n for n in PeriodName if n is not PeriodName.DATES]),
    today=st.dates(date(1990, 1, 1), date(2199, 12, 31)),
)
def test_the_period_before_ends_before_and_is_no_longer(name: PeriodName, today: date) -> None:
    own = period_of(name, today)
    earlier = before(name, own)

    assert earlier.last < own.first
    assert 1 <= earlier.days <= own.days
