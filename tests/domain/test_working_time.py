"""Working hours: deadlines that run only while there is work, over holidays, midnight and moved clocks."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from gateway.domain.working_time import Hours, HoursError, WorkingTime, always, read_hours, read_working_time

WARSAW = ZoneInfo("Europe/Warsaw")
WEEK = [["09:00-18:00"]] * 5 + [[], []]
FIVE = timedelta(minutes=5)


def local(*parts: int, fold: int = 0) -> datetime:
    """A moment by the clock of Warsaw, in UTC: only so are the two halves of a repeated hour told apart."""
    return datetime(*parts, tzinfo=WARSAW, fold=fold).astimezone(UTC)  # type: ignore[misc,arg-type]


OFFICE = read_working_time(WARSAW, WEEK, {date(2026, 11, 11): [], date(2026, 12, 24): ["09:00-13:00"]})


@pytest.mark.parametrize(
    ("since", "deadline"),
    [
        (local(2026, 11, 20, 10, 0), local(2026, 11, 20, 10, 5)),  # a Friday
        (local(2026, 11, 20, 17, 57), local(2026, 11, 23, 9, 2)),  # over a weekend
        (local(2026, 11, 20, 17, 55), local(2026, 11, 20, 18, 0)),  # to the last minute
        (local(2026, 11, 21, 12, 0), local(2026, 11, 23, 9, 5)),  # on a Saturday
        (local(2026, 11, 10, 20, 0), local(2026, 11, 12, 9, 5)),  # before a holiday
        (local(2026, 12, 24, 12, 58), local(2026, 12, 25, 9, 3)),  # a short day
        (local(2026, 12, 31, 23, 59), local(2027, 1, 1, 9, 5)),  # over the year's end
    ],
)
def test_a_deadline_runs_within_working_hours(since: datetime, deadline: datetime) -> None:
    """Requirement 17."""
    assert OFFICE.after(since, FIVE) == deadline


def test_without_a_length_it_is_the_moment_at_which_work_begins() -> None:
    assert OFFICE.after(local(2026, 11, 20, 18, 0), timedelta(0)) == local(2026, 11, 23, 9, 0)
    assert OFFICE.after(local(2026, 11, 20, 12, 0), timedelta(0)) == local(2026, 11, 20, 12, 0)


def test_the_end_of_the_hours_is_not_within_them() -> None:
    assert OFFICE.includes(local(2026, 11, 20, 17, 59, 59))
    assert not OFFICE.includes(local(2026, 11, 20, 18, 0))
    assert not OFFICE.includes(local(2026, 11, 11, 12, 0))


def test_an_hour_that_the_clocks_skip_is_no_working_time() -> None:
    night = read_working_time(WARSAW, [["01:00-04:00"]] * 7, {})
    begin = local(2026, 3, 29, 1, 0)

    assert night.between(begin, begin + timedelta(hours=12)) == timedelta(hours=2)
    assert night.after(begin, timedelta(hours=2)) == local(2026, 3, 29, 4, 0)


def test_an_hour_that_the_clocks_repeat_counts_twice() -> None:
    night = read_working_time(WARSAW, [["01:00-04:00"]] * 7, {})
    begin = local(2026, 10, 25, 1, 0)

    assert night.between(begin, begin + timedelta(hours=12)) == timedelta(hours=4)
    assert night.after(begin, timedelta(minutes=90)) == local(2026, 10, 25, 2, 30)
    assert night.after(begin, timedelta(minutes=150)) == local(2026, 10, 25, 2, 30, fold=1)


def test_hours_may_pass_midnight_and_are_not_counted_twice() -> None:
    shift = read_working_time(WARSAW, [["22:00-06:00", "12:00-14:00"]] * 7, {})

    assert shift.includes(local(2026, 11, 20, 2, 0))
    assert shift.after(local(2026, 11, 20, 23, 59), FIVE) == local(2026, 11, 21, 0, 4)
    assert shift.between(local(2026, 11, 20, 0, 0), local(2026, 11, 21, 0, 0)) == timedelta(hours=10)


def test_a_week_of_nothing_but_holidays_lets_time_pass() -> None:
    closed = WorkingTime(zone=WARSAW, week=((),) * 7)
    since = local(2026, 11, 20, 10, 0)

    assert closed.after(since, FIVE) == since + FIVE
    assert always(WARSAW).after(since, FIVE) == since + FIVE
    assert always(WARSAW).includes(datetime(2026, 3, 29, 1, 30, tzinfo=UTC))


def test_hours_are_read_in_their_order() -> None:
    assert read_hours(["14:00-24:00", "09:00-13:00"]) == (Hours(start=540, end=780), Hours(start=840, end=1440))


@pytest.mark.parametrize(
    "week",
    [
        [[]] * 7,
        WEEK[:6],
        [["9-18"]] * 7,
        [["09:00-24:30"]] * 7,
        [["09:00-13:00", "12:00-18:00"]] * 7,
        [["２０:00-21:00"]] * 7,
    ],
)
def test_hours_that_are_none_are_refused(week: list[list[str]]) -> None:
    with pytest.raises(HoursError):
        read_working_time(WARSAW, week, {})
