"""Recurring tasks: on which days, and at which moment.

Days are counted from the day the series begins, so `every second week` keeps its weeks and `on the 31st` keeps its
31st: in a shorter month it is the last day, and the month after it is the 31st again. The time is a wall-clock time of
the zone; one that the clocks skip comes as much later as they are moved, one that they repeat at its first occurrence.
"""

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from itertools import islice
from zoneinfo import ZoneInfo

from gateway.domain.errors import Rejected

_LOOK = 2000
"""Days of a series that are looked at, at most; ten years of weekdays."""
_LAST_YEAR = 9990


class Unit(StrEnum):
    """What is counted."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


class Made(StrEnum):
    """When the next task is made."""

    DONE = "done"  # when the last one has ended, however late
    DUE = "due"  # when the last one's time has come, done or not


class RecurrenceError(Rejected, ValueError):
    """A task cannot recur so; count at least 1, name weekdays from 0 (Monday) to 6 and only with days or weeks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurrence:
    """On which days something is to be done."""

    every: int
    unit: Unit
    begins: date
    """The first day, from which is counted."""
    at: time
    """Wall-clock time of the zone."""
    zone: ZoneInfo
    weekdays: frozenset[int] = frozenset()
    """0 is Monday. With weeks: on each of these days; with days: other days are left out. Empty: no such rule."""
    until: date | None = None
    """The last day there may be."""
    made: Made = Made.DONE

    def __post_init__(self) -> None:
        if not 1 <= self.every <= 1000:
            raise RecurrenceError("A task recurs every 1 to 1000 days, weeks, months or years.")
        if self.weekdays - set(range(7)) or (self.weekdays and self.unit not in (Unit.DAY, Unit.WEEK)):
            raise RecurrenceError
        if (
            self.unit is Unit.DAY
            and self.weekdays
            and self.every % 7 == 0
            and self.begins.weekday() not in self.weekdays
        ):
            raise RecurrenceError("Every 7 days it is always the same weekday, and that one is left out.")

    def moment(self, day: date) -> datetime:
        """The moment of a day, UTC."""
        return datetime.combine(day, self.at, self.zone).astimezone(UTC)

    def next_day(self, after: datetime, last: date | None = None) -> date | None:
        """The next day whose moment is later than a given one.

        Args:
            after: the moment, aware.
            last: the last day that was taken; the next one is later, too.

        Returns:
            None: the series is over.
        """
        since = after.astimezone(self.zone).date() - timedelta(days=1)
        for day in islice(self._days(max(since, self.begins)), _LOOK):
            if self.until is not None and day > self.until:
                return None
            if self.moment(day) > after and (last is None or day > last):
                return day
        return None

    def _days(self, since: date) -> Iterator[date]:
        """The days of the series from a day on."""
        match self.unit:
            case Unit.DAY:
                return self._every_so_many_days(since)
            case Unit.WEEK:
                return self._weekly(since)
            case Unit.MONTH:
                return self._monthly(since, self.every)
            case Unit.YEAR:
                return self._monthly(since, self.every * 12)

    def _every_so_many_days(self, since: date) -> Iterator[date]:
        skipped = -(-(since - self.begins).days // self.every)
        day = self.begins + timedelta(days=max(0, skipped) * self.every)
        while day.year < _LAST_YEAR:
            if not self.weekdays or day.weekday() in self.weekdays:
                yield day
            day += timedelta(days=self.every)

    def _weekly(self, since: date) -> Iterator[date]:
        weekdays = sorted(self.weekdays or {self.begins.weekday()})
        monday = self.begins - timedelta(days=self.begins.weekday())
        week = monday + timedelta(weeks=max(0, (since - monday).days // 7 // self.every) * self.every)
        while week.year < _LAST_YEAR:
            for weekday in weekdays:
                day = week + timedelta(days=weekday)
                if day >= max(since, self.begins):
                    yield day
            week += timedelta(weeks=self.every)

    def _monthly(self, since: date, months: int) -> Iterator[date]:
        first = self.begins.year * 12 + self.begins.month - 1
        passed = since.year * 12 + since.month - 1 - first
        count = first + max(0, passed // months) * months
        while count < _LAST_YEAR * 12:
            year, month = divmod(count, 12)
            day = in_month(year, month + 1, self.begins.day)
            if day >= max(since, self.begins):
                yield day
            count += months


def in_month(year: int, month: int, day: int) -> date:
    """A day of a month, or the month's last one where it is shorter."""
    return date(year, month, min(day, calendar.monthrange(year, month)[1]))


def months_later(day: date, months: int) -> date:
    """The same day so many months later, or that month's last one."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return in_month(year, month + 1, day.day)
