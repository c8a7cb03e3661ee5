"""What rules choose by themselves: each at its own moment, however late somebody looks.

Requirements 60 (working time), 79 (who is ill is not counted upon).
"""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from gateway.domain.manager_day import Away, Day, chosen_by_rule
from gateway.domain.manager_states import Base, Choice, Chosen, State
from gateway.domain.working_time import read_working_time

WARSAW = ZoneInfo("Europe/Warsaw")
LUNCH = read_working_time(WARSAW, [["09:00-13:00", "14:00-18:00"]] * 5 + [[], []], {})
HOURS = read_working_time(WARSAW, [["09:00-18:00"]] * 5 + [[], []], {})
FRIDAY = datetime(2026, 11, 20, tzinfo=WARSAW)
BY_HAND = "user:1"


def at(clock: str, days: int = 0) -> datetime:
    """A moment of the Friday, or so many days later."""
    hour, minute = map(int, clock.split(":"))
    return FRIDAY + timedelta(days=days, hours=hour, minutes=minute)


def base(state: State, clock: str = "08:00", by: str = "working_time") -> Base:
    """What stood before."""
    return Base(state=state, at=at(clock), by=by)


def story(day: Day, since: datetime, now: datetime) -> list[tuple[str, str, str]]:
    """What is chosen, by what, and when by the clock of Warsaw."""
    return [
        (c.chosen.value, c.by, c.at.astimezone(WARSAW).strftime("%a %H:%M"))
        for c in chosen_by_rule(day, since=since, now=now)
    ]


def day(standing: Base | None, **known: object) -> Day:
    """A manager with office hours who begins with them."""
    values = {"hours": HOURS, "begins_with_hours": True, "begins_with_sign_in": False} | known
    return Day(zone=WARSAW, base=standing, **values)  # type: ignore[arg-type]


def test_the_end_of_the_hours_ends_the_day_and_the_next_hours_begin_it() -> None:
    found = story(day(base(State.AVAILABLE)), at("12:00"), at("10:00", 3))

    assert found == [("off", "working_time", "Fri 18:00"), ("available", "working_time", "Mon 09:00")]


def test_a_gateway_that_was_away_over_the_evening_ends_the_day_at_its_hour() -> None:
    assert story(day(base(State.BREAK, by=BY_HAND)), at("17:00"), at("23:30")) == [("off", "working_time", "Fri 18:00")]


def test_hours_with_a_pause_are_off_in_between() -> None:
    found = story(day(base(State.AVAILABLE), hours=LUNCH), at("12:00"), at("15:00"))

    assert found == [("off", "working_time", "Fri 13:00"), ("available", "working_time", "Fri 14:00")]


def test_who_went_home_at_noon_is_not_fetched_back_by_the_afternoon() -> None:
    went = Choice(at=at("12:30"), chosen=Chosen.OFF, by=BY_HAND)

    found = story(day(base(State.AVAILABLE), hours=LUNCH, choices=(went,)), at("12:00"), at("10:00", 3))

    assert found == [("off", "working_time", "Fri 18:00"), ("available", "working_time", "Mon 09:00")]


def test_who_pressed_off_two_minutes_early_is_off_for_the_night_like_the_others() -> None:
    """Leads that come at night wait for him as for them."""
    went = Choice(at=at("17:58"), chosen=Chosen.OFF, by=BY_HAND)

    found = chosen_by_rule(day(base(State.AVAILABLE), choices=(went,)), since=at("17:00"), now=at("19:00"))

    assert [(c.chosen, c.by) for c in found] == [(Chosen.OFF, "working_time")]


def test_a_break_before_the_hours_stays_a_break_when_they_begin() -> None:
    assert story(day(base(State.BREAK, by=BY_HAND)), at("08:30"), at("09:30")) == []


def test_who_is_away_is_off_and_comes_back_with_his_hours() -> None:
    away = (Away(kind="sick", since=at("12:00"), until=at("10:00", 3)),)

    found = story(day(base(State.AVAILABLE), away=away), at("11:00"), at("12:00", 3))

    assert found == [("off", "absence", "Fri 12:00"), ("available", "absence", "Mon 10:00")]


def test_an_absence_that_ends_at_night_brings_him_back_in_the_morning() -> None:
    away = (Away(kind="holiday", since=at("09:00"), until=at("00:00", 3)),)

    found = story(day(base(State.OFF), away=away), at("08:00"), at("12:00", 3))

    assert found[-1] == ("available", "working_time", "Mon 09:00")
    assert ("available", "working_time", "Fri 09:00") not in found


def test_an_absence_of_the_kind_break_is_a_break() -> None:
    away = (Away(kind="break", since=at("12:00"), until=at("12:20")),)

    found = story(day(base(State.AVAILABLE), away=away), at("11:00"), at("13:00"))

    assert found == [("break", "absence", "Fri 12:00"), ("available", "absence", "Fri 12:20")]


def test_signing_in_makes_available_within_the_hours_only() -> None:
    known = {"begins_with_hours": False, "begins_with_sign_in": True, "sign_ins": (at("07:00"), at("09:20"))}

    found = story(day(base(State.OFF), **known), at("06:00"), at("10:00"))

    assert found == [("available", "sign_in", "Fri 09:20")]


def test_signing_in_does_not_end_a_holiday_or_a_break() -> None:
    sick = (Away(kind="sick", since=at("00:00"), until=None),)

    assert story(day(base(State.OFF), away=sick, sign_ins=(at("10:00"),)), at("09:30"), at("11:00")) == []
    assert story(day(base(State.BREAK, by=BY_HAND), sign_ins=(at("10:00"),)), at("09:30"), at("11:00")) == []


def test_where_no_hours_are_entered_only_signing_in_begins_a_day() -> None:
    assert story(day(None, hours=None), at("09:00"), at("12:00")) == []
    assert story(day(None, hours=None, sign_ins=(at("10:00"),)), at("09:00"), at("12:00")) == [
        ("available", "sign_in", "Fri 10:00")
    ]


def test_by_hand_means_that_nothing_makes_him_available() -> None:
    known = {"begins_with_hours": False, "sign_ins": (at("09:20"),)}

    assert story(day(base(State.OFF), **known), at("08:00"), at("12:00")) == []


@pytest.mark.parametrize(("clock", "chosen"), [("12:00", "available"), ("20:00", "off")])
def test_of_whom_nothing_was_known_the_hours_say_how_he_is_from_now_on(clock: str, chosen: str) -> None:
    assert story(day(None), at(clock), at(clock)) == [(chosen, "working_time", f"Fri {clock}")]


def test_looking_again_over_the_same_time_chooses_the_same() -> None:
    """What was chosen is there already when somebody looks again; the moments are the same, so nothing is new."""
    first = chosen_by_rule(day(base(State.AVAILABLE)), since=at("17:00"), now=at("18:01"))
    again = chosen_by_rule(day(base(State.AVAILABLE), choices=tuple(first)), since=at("17:00"), now=at("18:02"))

    assert first == again


def test_the_night_on_which_clocks_are_put_back_has_one_end_and_one_begin() -> None:
    nights = read_working_time(WARSAW, [["22:00-06:00"]] * 7, {})
    before = datetime(2026, 10, 24, 23, tzinfo=WARSAW)
    after = datetime(2026, 10, 25, 23, tzinfo=WARSAW)

    found = story(day(Base(state=State.AVAILABLE, at=before, by="working_time"), hours=nights), before, after)

    assert found == [("off", "working_time", "Sun 06:00"), ("available", "working_time", "Sun 22:00")]
