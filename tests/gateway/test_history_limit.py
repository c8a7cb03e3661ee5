"""What of a table of whole seconds is history when it is met."""

from datetime import UTC, datetime, timedelta

import pytest

from gateway.table_reading import history_limit

MET = datetime(2026, 11, 22, 21, 23, 47, 640_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("newest", "limit"),
    [
        (datetime(2026, 11, 22, 21, 23, 47, tzinfo=UTC), datetime(2026, 11, 22, 21, 23, 46, tzinfo=UTC)),
        (datetime(2026, 11, 22, 21, 23, 46, tzinfo=UTC), datetime(2026, 11, 22, 21, 23, 46, tzinfo=UTC)),
        (MET - timedelta(days=365), MET - timedelta(days=365)),
        (None, None),
    ],
    ids=["in this second", "in the last one", "a year ago", "never"],
)
def test_a_call_that_begins_in_the_second_of_the_meeting_is_no_history(
    newest: datetime | None, limit: datetime | None
) -> None:
    assert history_limit(newest, MET) == limit
