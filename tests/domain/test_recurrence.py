"""Recurring tasks: the days of a series, at months' ends, on weekdays, and when clocks are moved."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from gateway.domain.recurrence import Recurrence, RecurrenceError, Unit, months_later

WARSAW = ZoneInfo("Europe/Warsaw")


def series(every: int, unit: Unit, begins: date, *, weekdays: set[int] = frozenset(), until: date | None = None,  # type: ignore[assignment]
           at: time = time(10, 0)) -> Recurrence:  # fmt: skip
    return Recurrence(
        every=every, unit=unit, begins=begins, at=at, zone=WARSAW, weekdays=frozenset(weekdays), until=until
    )


def days(rule: Recurrence, count: int, after: datetime | None = None) -> list[date]:
    """The next days, each asked for when the last one's moment has come."""
    found: list[date] = []
    after = after or datetime(rule.begins.year, rule.begins.month, rule.begins.day, tzinfo=WARSAW)
    last = None
    while len(found) < count:
        last = rule.next_day(after, last)
        if last is None:
            break
        found.append(last)
        after = rule.moment(last)
    return found


def test_every_month_on_the_31st_is_the_last_day_of_shorter_ones() -> None:
    assert days(series(1, Unit.MONTH, date(2026, 12, 31)), 4) == [
        date(2026, 12, 31),
        date(2027, 1, 31),
        date(2027, 2, 28),
        date(2027, 3, 31),
    ]


def test_every_year_on_the_29th_of_february() -> None:
    assert days(series(1, Unit.YEAR, date(2028, 2, 29)), 5)[1:] == [
        date(2029, 2, 28), date(2030, 2, 28), date(2031, 2, 28), date(2032, 2, 29),
    ]  # fmt: skip


def test_every_second_week_keeps_its_weeks_over_the_years_end() -> None:
    rule = series(2, Unit.WEEK, date(2026, 12, 16), weekdays={0, 2})

    assert days(rule, 4) == [date(2026, 12, 16), date(2026, 12, 28), date(2026, 12, 30), date(2027, 1, 11)]


def test_on_weekdays_leaves_the_weekend_out() -> None:
    rule = series(1, Unit.DAY, date(2026, 11, 19), weekdays={0, 1, 2, 3, 4})

    assert days(rule, 4) == [date(2026, 11, 19), date(2026, 11, 20), date(2026, 11, 23), date(2026, 11, 24)]


def test_what_was_slept_through_is_left_out() -> None:
    rule = series(3, Unit.DAY, date(2026, 11, 1))

    assert rule.next_day(datetime(2026, 11, 20, 12, 0, tzinfo=UTC), date(2026, 11, 4)) == date(2026, 11, 22)


def test_the_moment_is_the_same_by_the_wall_clock_in_summer_and_winter() -> None:
    rule = series(1, Unit.DAY, date(2026, 10, 24))
    first, second = (rule.moment(day) for day in days(rule, 2))

    assert second - first == timedelta(hours=25)


def test_a_time_that_the_clocks_skip_comes_as_much_later() -> None:
    rule = series(1, Unit.DAY, date(2026, 3, 29), at=time(2, 30))

    assert rule.moment(date(2026, 3, 29)).astimezone(WARSAW).time() == time(3, 30)


def test_a_series_ends_with_its_last_day() -> None:
    assert days(series(1, Unit.DAY, date(2026, 11, 1), until=date(2026, 11, 2)), 9) == [
        date(2026, 11, 1),
        date(2026, 11, 2),
    ]


def test_todays_time_that_has_passed_is_not_today_any_more() -> None:
    rule = series(1, Unit.DAY, date(2026, 11, 20))

    assert rule.next_day(datetime(2026, 11, 20, 9, 0, tzinfo=UTC)) == date(2026, 11, 21)


@pytest.mark.parametrize(
    ("every", "unit", "weekdays"),
    [
        (0, Unit.DAY, set()),
        (1001, Unit.DAY, set()),
        (1, Unit.MONTH, {1}),
        (1, Unit.WEEK, {7}),
        (7, Unit.DAY, {0}),
    ],
)
def test_what_cannot_recur_is_refused(every: int, unit: Unit, weekdays: set[int]) -> None:
    with pytest.raises(RecurrenceError):
        series(every, unit, date(2026, 11, 20), weekdays=weekdays)


def test_a_return_after_months_keeps_its_day_or_takes_the_last_one() -> None:
    """Requirement 71."""
    assert months_later(date(2026, 8, 31), 6) == date(2027, 2, 28)
    assert months_later(date(2026, 11, 20), 12) == date(2027, 11, 20)
