"""Periods of reports and goals: today, yesterday, the last 7 days, week, month, quarter, year, any dates.

A period is a span of calendar days. Whose days they are (a manager's, the company's) is said by the zone with which a
moment becomes a day, and a day becomes its two moments: a day of 23 or 25 hours is one day like any other. Weeks begin
on Monday (ISO 8601). Week, month, quarter and year are the running ones up to today, and are compared with the same
number of days from the begin of the one before, at most all of it: the first 12 days of March with the first 12 of
February, 31 days of March with the 28 that February has.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum

from gateway.domain.errors import Rejected

DAYS_MAX = 800
"""The longest span of any dates."""
_DAY = timedelta(days=1)


class PeriodName(StrEnum):
    """The periods that can be asked for by name."""

    TODAY = "today"
    YESTERDAY = "yesterday"
    LAST_7_DAYS = "last_7_days"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"
    DATES = "dates"


class Step(StrEnum):
    """Units of the calendar: of goals, and of a chart's points."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


class PeriodError(Rejected, ValueError):
    """These days make no period; give since and until, the first not after the last, at most 800 days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Days from the first to the last, both included."""

    first: date
    last: date

    @property
    def days(self) -> int:
        """How many days."""
        return (self.last - self.first).days + 1

    def bounds(self, zone: tzinfo) -> tuple[datetime, datetime]:
        """The moment of its begin and the one after its end, in UTC.

        Where midnight does not exist because the clock was put forward, the day begins at that moment.
        """
        return begin_of(self.first, zone), begin_of(self.last + _DAY, zone)

    def within(self, other: "Period") -> "Period":
        """The days that lie in the other one too; they must have one."""
        return Period(first=max(self.first, other.first), last=min(self.last, other.last))


def begin_of(day: date, zone: tzinfo) -> datetime:
    """The moment at which a day begins in a zone, in UTC."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def day_of(moment: datetime, zone: tzinfo) -> date:
    """The day of a moment in a zone."""
    return moment.astimezone(zone).date()


def unit_of(step: Step, day: date) -> Period:
    """The whole day, week, month, quarter or year in which a day lies."""
    match step:
        case Step.DAY:
            first = after = day
            return Period(first=first, last=after)
        case Step.WEEK:
            first = day - timedelta(days=day.weekday())
            return Period(first=first, last=first + timedelta(days=6))
        case Step.MONTH:
            first, months = day.replace(day=1), 1
        case Step.QUARTER:
            first, months = day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1), 3
        case Step.YEAR:
            first, months = day.replace(month=1, day=1), 12
    return Period(first=first, last=_months_later(first, months) - _DAY)


def _months_later(first: date, months: int) -> date:
    """The first day of a later month."""
    years, month = divmod(first.month - 1 + months, 12)
    return date(first.year + years, month + 1, 1)


def units_of(step: Step, period: Period) -> Iterator[Period]:
    """The units of a period in their order; the first and the last one cut at its ends."""
    day = period.first
    while day <= period.last:
        unit = unit_of(step, day)
        yield unit.within(period)
        day = unit.last + _DAY


def period_of(name: PeriodName, today: date, *, since: date | None = None, until: date | None = None) -> Period:
    """The days of a period.

    Args:
        name: which one.
        today: the day that runs, of the one whose days they are.
        since: for any dates, the first one; None: only `until`.
        until: for any dates, the last one; None: today, or `since` where that is later.

    Raises:
        PeriodError: no dates, exchanged ones, or too many.
    """
    match name:
        case PeriodName.TODAY:
            return Period(first=today, last=today)
        case PeriodName.YESTERDAY:
            return Period(first=today - _DAY, last=today - _DAY)
        case PeriodName.LAST_7_DAYS:
            return Period(first=today - 7 * _DAY, last=today - _DAY)
        case PeriodName.DATES:
            return _of_dates(today, since, until)
        case PeriodName.WEEK | PeriodName.MONTH | PeriodName.QUARTER | PeriodName.YEAR:
            return Period(first=unit_of(Step(name), today).first, last=today)


def _of_dates(today: date, since: date | None, until: date | None) -> Period:
    if since is None and until is None:
        raise PeriodError
    last = until or max(today, since or today)
    found = Period(first=since or last, last=last)
    if not 1 <= found.days <= DAYS_MAX:
        raise PeriodError
    return found


def before(name: PeriodName, period: Period) -> Period:
    """The period of the same kind before this one, up to the same point.

    Args:
        name: how the period was asked for.
        period: from `period_of`.
    """
    if name not in (PeriodName.WEEK, PeriodName.MONTH, PeriodName.QUARTER, PeriodName.YEAR):
        return Period(first=period.first - period.days * _DAY, last=period.first - _DAY)
    earlier = unit_of(Step(name), period.first - _DAY)
    return Period(first=earlier.first, last=min(earlier.last, earlier.first + (period.days - 1) * _DAY))
