"""Working hours: when a deadline's clock runs. A week, its exceptions, a zone; all sums are done in UTC.

Hours are wall-clock times of the zone, so a day on which clocks are moved is an hour shorter or longer where the
hours span the change. A time that the clocks skip is read as by the clock before the change, one they repeat counts
from its first to its last occurrence (PEP 495). Hours may pass midnight: `22:00-06:00` belongs to the day it begins.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from gateway.domain.errors import Rejected

_DAY_MINUTES = 24 * 60
_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)", re.ASCII)
LOOK_AHEAD_DAYS = 1200
"""So far a working hour is searched; where there is none, time simply passes."""


class HoursError(Rejected, ValueError):
    """These are no working hours; write them like 09:00-18:00, each week with at least one, none overlapping."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """A stretch of a day, in minutes since its midnight; the end may lie in the day after."""

    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingTime:
    """When there is work."""

    zone: ZoneInfo
    week: tuple[tuple[Hours, ...], ...]
    """Monday first."""
    exceptions: Mapping[date, tuple[Hours, ...]] = field(default_factory=dict)
    """Days with other hours; a holiday has none."""

    def includes(self, moment: datetime) -> bool:
        """Whether there is work at a moment."""
        return any(since <= moment < until for since, until in self._around(moment, 2))

    def after(self, moment: datetime, length: timedelta) -> datetime:
        """The moment at which so much working time has passed.

        Args:
            moment: from when on, aware.
            length: of working time; zero gives the moment itself or the beginning of the next hours.

        Returns:
            UTC. Where no working hour is found within `LOOK_AHEAD_DAYS`, the length is taken as it is.
        """
        cursor, left = moment.astimezone(UTC), length
        for since, until in self._around(moment, LOOK_AHEAD_DAYS):
            begin = max(since, cursor)
            if until <= begin:
                continue
            if begin + left < until or (begin + left == until and length):
                return begin + left
            left -= until - begin
            cursor = until
        return moment.astimezone(UTC) + length

    def between(self, since: datetime, until: datetime) -> timedelta:
        """How much working time lies between two moments."""
        total, cursor = timedelta(0), since.astimezone(UTC)
        for start, end in self._around(since, (until - since).days + 3):
            begin, stop = max(start, cursor), min(end, until)
            if stop > begin:
                total += stop - begin
                cursor = stop
        return total

    def stretches(self, since: datetime, until: datetime) -> list[tuple[datetime, datetime]]:
        """The working stretches that touch a span of time, in UTC, whole and in order; those that meet are one."""
        found: list[tuple[datetime, datetime]] = []
        for begin, end in self._around(since, (until - since).days + 3):
            if end < since or begin > until:
                continue
            if found and begin <= found[-1][1]:
                found[-1] = (found[-1][0], max(end, found[-1][1]))
            else:
                found.append((begin, end))
        return found

    def _around(self, moment: datetime, days: int) -> Iterator[tuple[datetime, datetime]]:
        """Working stretches in UTC, from the day before a moment on; those of one day may reach into the next."""
        first = moment.astimezone(self.zone).date() - timedelta(days=1)
        for n in range(days + 1):
            try:
                day = first + timedelta(days=n)
            except OverflowError:
                return
            for hours in self.exceptions.get(day, self.week[day.weekday()]):
                yield self._at(day, hours.start, fold=0), self._at(day, hours.end, fold=1)

    def _at(self, day: date, minutes: int, *, fold: int) -> datetime:
        days, minutes = divmod(minutes, _DAY_MINUTES)
        wall = datetime.combine(day + timedelta(days=days), time(minutes // 60, minutes % 60, fold=fold), self.zone)
        return wall.astimezone(UTC)


def always(zone: ZoneInfo) -> WorkingTime:
    """Day and night: what holds where nobody has entered hours."""
    return WorkingTime(zone=zone, week=((Hours(start=0, end=_DAY_MINUTES),),) * 7)


def read_hours(texts: Sequence[str]) -> tuple[Hours, ...]:
    """The hours of a day.

    Args:
        texts: like `09:00-13:00`; an end that is not behind its beginning is in the next day.

    Returns:
        In their order.

    Raises:
        HoursError: one is not written so, or they overlap.
    """
    found = []
    for text in texts:
        match = _HOURS.fullmatch(text)
        if match is None:
            raise HoursError(f"{text[:20]!r} is not written like 09:00-18:00.")
        start, end = int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4])
        if end > _DAY_MINUTES:
            raise HoursError(f"{text!r} ends after 24:00.")
        found.append(Hours(start=start, end=end if end > start else end + _DAY_MINUTES))
    found.sort(key=lambda h: h.start)
    if any(one.end > other.start for one, other in pairwise(found)):
        raise HoursError("Hours of one day overlap.")
    return tuple(found)


def read_working_time(
    zone: ZoneInfo, week: Sequence[Sequence[str]], exceptions: Mapping[date, Sequence[str]]
) -> WorkingTime:
    """A table of working hours.

    Raises:
        HoursError: it has not seven days, no working hour at all, or hours that cannot be read.
    """
    if len(week) != len(("mon", "tue", "wed", "thu", "fri", "sat", "sun")):
        raise HoursError("A week has seven days, Monday first.")
    days = tuple(read_hours(day) for day in week)
    if not any(days):
        raise HoursError("A week needs at least one working hour, else no deadline would ever come.")
    return WorkingTime(zone=zone, week=days, exceptions={day: read_hours(texts) for day, texts in exceptions.items()})
