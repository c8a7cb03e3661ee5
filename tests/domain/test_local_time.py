"""Wall clocks and instants, hours that are skipped or repeated, zones of numbers, permitted hours, free time."""
# ruff: noqa: DTZ001 - what a wall clock shows has no zone

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.local_time import (
    ClientHours,
    SkippedTimeError,
    instant_of,
    next_instant,
    one_zone,
    wall_of,
    zones_of_number,
)
from gateway.domain.scheduled import STEP, Free, order_id, rounded_up

WARSAW, APIA, LORD_HOWE = ZoneInfo("Europe/Warsaw"), ZoneInfo("Pacific/Apia"), ZoneInfo("Australia/Lord_Howe")
ZONES = st.sampled_from(
    [WARSAW, APIA, LORD_HOWE, ZoneInfo("America/St_Johns"), ZoneInfo("Asia/Kathmandu"), ZoneInfo("Africa/Casablanca")]
)
WALLS = st.datetimes(datetime(2000, 1, 1), datetime(2035, 1, 1)).map(lambda d: d.replace(second=0, microsecond=0))


def test_a_time_that_the_clocks_skip_is_refused_with_the_next_ones() -> None:
    with pytest.raises(SkippedTimeError) as skipped:
        instant_of(datetime(2026, 3, 29, 2, 30), WARSAW)

    assert skipped.value.moments == (datetime(2026, 3, 29, 3, 0), datetime(2026, 3, 29, 3, 30))
    assert "2026-03-29T03:00, 2026-03-29T03:30" in str(skipped.value)


def test_a_whole_day_that_the_calendar_skips_is_refused() -> None:
    """Samoa had no 30 December 2011."""
    with pytest.raises(SkippedTimeError) as skipped:
        instant_of(datetime(2011, 12, 30, 11, 0), APIA)

    assert skipped.value.moments[0] == datetime(2011, 12, 31, 0, 0)


def test_of_a_time_that_is_shown_twice_the_first_is_meant_unless_the_second_is_asked_for() -> None:
    wall = datetime(2026, 10, 25, 2, 30)
    first, second = instant_of(wall, WARSAW), instant_of(wall, WARSAW, second=True)

    assert (first.at, first.repeated) == (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), True)
    assert second.at - first.at == timedelta(hours=1)
    assert not instant_of(datetime(2026, 10, 25, 11, 0), WARSAW).repeated


@given(wall=WALLS, zone=ZONES, second=st.booleans())
def test_a_moment_shows_its_wall_or_is_refused_with_moments_that_exist(
    wall: datetime, zone: ZoneInfo, second: bool
) -> None:
    first, later = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first.astimezone(zone).replace(tzinfo=None, fold=0) != wall:
        with pytest.raises(SkippedTimeError) as skipped:
            instant_of(wall, zone, second=second)
        for moment in skipped.value.moments:
            assert wall_of(instant_of(moment, zone).at, zone) == moment > wall
        assert next_instant(wall, zone) == instant_of(skipped.value.moments[0], zone).at
        return

    found = instant_of(wall, zone, second=second)
    assert wall_of(found.at, zone) == wall
    assert (found.at, found.repeated) == (later if second else first, first != later)


@pytest.mark.parametrize(
    ("number", "zones"),
    [
        ("+74951234567", {"Europe/Moscow"}),
        ("+48221234567", {"Europe/Warsaw"}),
        ("+447911123456", {"Europe/Guernsey", "Europe/Isle_of_Man", "Europe/Jersey", "Europe/London"}),
        ("+870773111632", set()),
        ("+999", set()),
    ],
)
def test_a_number_says_in_which_zones_its_owner_may_be(number: str, zones: set[str]) -> None:
    assert set(zones_of_number(number)) == zones


def test_zones_whose_clocks_agree_need_no_question() -> None:
    wall = datetime(2026, 11, 23, 11, 0)
    britain = zones_of_number("+447911123456")

    assert one_zone(britain, wall, "Europe/London") == "Europe/London"
    assert one_zone(britain, wall, "Europe/Moscow") in britain
    assert one_zone(zones_of_number("+79161234567"), wall, "Europe/Moscow") is None
    assert one_zone((), wall, "Europe/Moscow") is None


def test_permitted_hours_begin_and_end_by_the_clients_clock() -> None:
    """Requirement 11."""
    hours, tokyo = ClientHours(), ZoneInfo("Asia/Tokyo")
    assert hours.includes(datetime(2026, 11, 23, 0, 0, tzinfo=UTC), tokyo)
    assert not hours.includes(datetime(2026, 11, 22, 23, 59, tzinfo=UTC), tokyo)
    assert not hours.includes(datetime(2026, 11, 23, 11, 0, tzinfo=UTC), tokyo)

    assert hours.after(datetime(2026, 11, 23, 11, 0, tzinfo=UTC), tokyo) == datetime(2026, 11, 24, 0, 0, tzinfo=UTC)


def test_permitted_weekdays_leave_the_others_out() -> None:
    hours = ClientHours(weekdays=frozenset(range(5)))
    friday_night = datetime(2026, 11, 20, 22, 0, tzinfo=UTC)

    assert hours.after(friday_night, WARSAW) == datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
    assert hours.in_words().startswith("09:00-20:00 on Mondays")


def free(busy: list[tuple[datetime, datetime]], hours: ClientHours | None = None) -> Free:
    return Free(busy=busy, length=timedelta(minutes=15), zone=WARSAW, hours=hours, working=None)


NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def test_the_nearest_free_times_lie_around_what_is_taken() -> None:
    taken = [(NOON, NOON + timedelta(minutes=30))]
    found = free(taken, ClientHours()).around(NOON + timedelta(minutes=10), NOON - timedelta(hours=3))

    assert found == [NOON - timedelta(minutes=15), NOON + timedelta(minutes=30), NOON + timedelta(minutes=45)]


def test_nothing_is_proposed_in_the_past_or_at_night() -> None:
    evening = datetime(2026, 11, 23, 18, 50, tzinfo=UTC)  # 19:50 in Warsaw
    found = free([(evening, evening + timedelta(minutes=15))], ClientHours()).around(evening, evening)

    assert found == [datetime(2026, 11, 24, 8, 0, tzinfo=UTC) + timedelta(minutes=15 * n) for n in range(3)]


STRETCHES = st.lists(
    st.tuples(st.integers(0, 2000), st.integers(1, 120)).map(
        lambda p: (NOON + timedelta(minutes=p[0]), NOON + timedelta(minutes=p[0] + p[1]))
    ),
    max_size=30,
)


@given(busy=STRETCHES, minutes=st.integers(0, 1500), limited=st.booleans())
def test_a_free_time_is_free_permitted_on_full_five_minutes_and_the_first(
    busy: list[tuple[datetime, datetime]], minutes: int, limited: bool
) -> None:
    finder, earliest = free(busy, ClientHours() if limited else None), NOON + timedelta(minutes=minutes)
    found = finder.after(earliest)

    assert found is not None
    assert found >= earliest
    assert found == rounded_up(found)
    assert finder.fits(found)
    between = rounded_up(earliest)
    while between < found:
        assert not finder.fits(between)
        between += STEP


def test_the_id_of_an_order_is_the_same_each_time_and_short() -> None:
    assert order_id(17, 1, NOON) == order_id(17, 1, NOON)
    assert order_id(17, 2, NOON) != order_id(17, 1, NOON)
    assert len(order_id(10**9, 200, NOON)) <= 30
    assert order_id(17, 1, NOON).startswith("tl-")
