"""A client's own time: what his clock shows, which zone he is in, and when he may be called.

What is agreed is agreed by a wall clock: "Monday at 11:00". In which instant that falls is said by the zone's rules
(IANA time zone database, PEP 495 for the hour that clocks repeat and the one they skip), and may change with them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import phonenumbers
from phonenumbers import timezone

from gateway.domain.cards import is_zone
from gateway.domain.errors import Rejected

_DAY_MINUTES = 24 * 60
_LOOK_AHEAD_DAYS = 15


class SkippedTimeError(Rejected, ValueError):
    """The clocks of this zone skip that time; choose another one."""

    def __init__(self, wall: datetime, zone: ZoneInfo, moments: tuple[datetime, ...]) -> None:
        known = ", ".join(f"{m:%Y-%m-%dT%H:%M}" for m in moments)
        super().__init__(f"The clocks of {zone.key} skip {wall:%Y-%m-%dT%H:%M}; the next moments are {known}.")
        self.moments = moments


@dataclass(frozen=True, slots=True, kw_only=True)
class Instant:
    """The instant in which a wall clock shows a time."""

    at: datetime
    """UTC"""
    repeated: bool
    """The clock shows this time twice, an hour apart; this is the one that was chosen."""


def instant_of(wall: datetime, zone: ZoneInfo, *, second: bool = False) -> Instant:
    """When a wall clock shows a time.

    Args:
        wall: without zone.
        zone: the clock's.
        second: of a time that is shown twice, the second occurrence.

    Raises:
        SkippedTimeError: the clock never shows it; with the moments that come next.
    """
    first, later = _read(wall, zone, 0), _read(wall, zone, 1)
    if wall_of(first, zone) != wall:
        raise SkippedTimeError(wall, zone, _behind_gap(wall, zone))
    return Instant(at=later if second else first, repeated=first != later)


def _read(wall: datetime, zone: ZoneInfo, fold: int) -> datetime:
    return wall.replace(tzinfo=zone, fold=fold).astimezone(UTC)


def wall_of(at: datetime, zone: ZoneInfo) -> datetime:
    """What a wall clock shows at an instant, without zone."""
    return at.astimezone(zone).replace(tzinfo=None, fold=0)


def next_instant(wall: datetime, zone: ZoneInfo, *, second: bool = False) -> datetime:
    """When a wall clock shows a time, or where it skips it, the moment at which it goes on; UTC."""
    try:
        return instant_of(wall, zone, second=second).at
    except SkippedTimeError as skipped:
        return instant_of(skipped.moments[0], zone).at


def _behind_gap(wall: datetime, zone: ZoneInfo) -> tuple[datetime, ...]:
    """The first time that the clock shows behind the gap, and the one as far behind it as the wall lies in it."""
    early, late = _read(wall, zone, 1), _read(wall, zone, 0)
    before = early.astimezone(zone).utcoffset()
    while late - early > timedelta(seconds=1):
        middle = early + (late - early) / 2
        if middle.astimezone(zone).utcoffset() == before:
            early = middle
        else:
            late = middle
    edge = wall_of(late, zone)
    rounded = (edge + timedelta(seconds=30)).replace(second=0, microsecond=0)
    return tuple(dict.fromkeys((rounded, wall_of(_read(wall, zone, 0), zone))))


def zones_of_number(e164: str) -> tuple[str, ...]:
    """Every time zone in which somebody with this number may be; none: nobody knows."""
    try:
        zones = timezone.time_zones_for_number(phonenumbers.parse(e164))
    except phonenumbers.NumberParseException:
        return ()
    return tuple(zone for zone in zones if zone != timezone.UNKNOWN_TIMEZONE and is_zone(zone))


def one_zone(zones: Iterable[str], wall: datetime, preferred: str) -> str | None:
    """The zone, where all of several show the wall's time at one instant; None: they differ, so somebody is asked.

    Args:
        zones: candidates.
        wall: the time in question, without zone.
        preferred: is taken where it is among them.
    """
    names = tuple(zones)
    if not names or len({next_instant(wall, ZoneInfo(name)) for name in names}) > 1:
        return None
    return preferred if preferred in names else names[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientHours:
    """When clients may be called, by their own clock."""

    since: int = 9 * 60
    """Minutes from midnight; the first minute."""
    until: int = 20 * 60
    """The first minute in which they may not any more."""
    weekdays: frozenset[int] = frozenset(range(7))
    """0 is Monday."""

    def includes(self, at: datetime, zone: ZoneInfo) -> bool:
        """Whether a client in this zone may be called at an instant."""
        wall = wall_of(at, zone)
        return wall.weekday() in self.weekdays and self.since <= wall.hour * 60 + wall.minute < self.until

    def after(self, at: datetime, zone: ZoneInfo) -> datetime:
        """The first instant from this one on in which he may be called; UTC."""
        if self.includes(at, zone):
            return at.astimezone(UTC)
        day = wall_of(at, zone).date()
        for n in range(_LOOK_AHEAD_DAYS):
            date = day + timedelta(days=n)
            begins = next_instant(datetime.combine(date, time(*divmod(self.since, 60))), zone)
            if begins >= at and self.includes(begins, zone):
                return begins
        return at.astimezone(UTC)

    def in_words(self) -> str:
        """As a sentence writes them."""
        days = "" if len(self.weekdays) == 7 else " on " + ", ".join(_DAYS[day] for day in sorted(self.weekdays))
        return f"{self.clock()}{days}"

    def clock(self) -> str:
        """Of a day on which they may, like 09:00-20:00."""
        return f"{_clock(self.since)}-{_clock(self.until)}"


_DAYS = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
