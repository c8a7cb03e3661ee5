"""When a subscribed report is due: once for each day, at its hour of the reader's clock, whatever clocks do.

A time that the clock leaves out comes by the clock before the change, so 2:30 comes at what is called 3:30 then; one
that comes twice is taken the first time (PEP 495, fold 0). After downtime the days of the last week are made up; older
ones are not news.
"""

from collections.abc import Collection, Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from gateway.domain.periods import day_of

DAYS_BACK = 7
TRIES_FOR = timedelta(hours=24)
"""So long a letter that the server does not want now is tried."""
_PAUSES = (60, 300, 900, 1800, 3600)


def due_days(
    *,
    now: datetime,
    since: datetime,
    zone: tzinfo,
    hour: int,
    minute: int,
    weekdays: Collection[int],
    covers_today: bool,
) -> Iterator[tuple[date, datetime]]:
    """The days for which a report is due by now, with the moment at which it was, the oldest first.

    Args:
        now: the present moment.
        since: what was due before is not made.
        zone: of the reader.
        hour: of his clock.
        minute: of that hour.
        weekdays: on which it is made, 1 for Monday.
        covers_today: whether it is about the day on which it is made; else about the day before.
    """
    today = day_of(now, zone)
    for back in range(DAYS_BACK, -1, -1):
        made_on = today - timedelta(days=back)
        due = datetime.combine(made_on, time(hour, minute), zone).astimezone(UTC)
        if since < due <= now and made_on.isoweekday() in weekdays:
            yield (made_on if covers_today else made_on - timedelta(days=1)), due


def next_try(attempts: int, *, made_at: datetime, now: datetime) -> datetime | None:
    """When to try again after so many attempts; None: it is given up.

    Args:
        attempts: how many there were.
        made_at: when the report was made.
        now: the present moment.
    """
    if now - made_at >= TRIES_FOR:
        return None
    return now + timedelta(seconds=_PAUSES[min(attempts, len(_PAUSES)) - 1])
