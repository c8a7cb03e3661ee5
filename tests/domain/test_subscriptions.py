"""When a daily report is due: once a day by the reader's clock, whatever that clock does. Requirement 51."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from gateway.domain.subscriptions import due_days


@pytest.mark.parametrize(
    ("day", "due"),
    [
        (date(2026, 3, 28), datetime(2026, 3, 28, 1, 30, tzinfo=UTC)),
        (date(2026, 3, 29), datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),  # there is no 2:30: at what is called 3:30
        (date(2026, 3, 30), datetime(2026, 3, 30, 0, 30, tzinfo=UTC)),
        (date(2026, 10, 25), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),  # 2:30 comes twice: the first time
        (date(2026, 12, 31), datetime(2026, 12, 31, 1, 30, tzinfo=UTC)),
    ],
)
def test_a_report_is_due_once_on_each_day_also_when_the_clock_is_changed(day: date, due: datetime) -> None:
    def found(now: datetime) -> list[tuple[date, datetime]]:
        rule = {"zone": ZoneInfo("Europe/Warsaw"), "hour": 2, "minute": 30, "weekdays": range(1, 8)}
        return list(due_days(now=now, since=due - timedelta(hours=12), covers_today=True, **rule))  # type: ignore[arg-type]

    assert found(due - timedelta(seconds=1)) == []
    assert found(due) == found(due + timedelta(hours=2)) == [(day, due)]
