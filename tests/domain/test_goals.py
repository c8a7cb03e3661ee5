"""Goals as data: which values hold on a day, who has a goal, and the pace. Requirement 46."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from gateway.domain.goals import (
    Goal,
    GoalVersion,
    GoalWay,
    Hours,
    Measure,
    Rule,
    Standing,
    Whose,
    elapsed_share,
    faults_of,
    goal_of_settings,
    holders,
    running,
)
from gateway.domain.periods import Period, Step

WARSAW = ZoneInfo("Europe/Warsaw")


def rule(target: int = 50, measure: Measure = Measure.NUMBERS, **values: object) -> Rule:
    return Rule(**({"way": GoalWay.BOTH, "seconds": None, "kind": None, "measure": measure, "target": target} | values))


def version(number: int, since: str, target: int, until: str | None = None) -> GoalVersion:
    return GoalVersion(
        version=number,
        since=date.fromisoformat(since),
        until=None if until is None else date.fromisoformat(until),
        name="",
        rule=rule(target),
        by="user:1",
        at=None,
    )


def goal(*versions: GoalVersion, period: Step = Step.DAY, **values: object) -> Goal:
    own = {"whose": Whose.EVERYBODY, "user_id": None, "team_id": None, "together": False} | values
    return Goal(id=1, period=period, versions=versions, **own)


def test_the_goal_of_the_settings_holds_for_everybody_every_day() -> None:
    found = goal_of_settings(count=50, seconds=120, way=GoalWay.OUTBOUND)

    assert (found.whose, found.period, found.together) == (Whose.EVERYBODY, Step.DAY, False)
    held = found.on(date(2026, 1, 1))
    assert held is not None
    assert (held.rule.target, held.rule.seconds, held.rule.way) == (50, 120, GoalWay.OUTBOUND)


@pytest.mark.parametrize(
    ("day", "target"),
    [("2025-12-31", None), ("2026-01-01", 50), ("2026-02-28", 50), ("2026-03-01", 60), ("2026-12-31", 60)],
)
def test_a_day_is_judged_by_what_was_wanted_then(day: str, target: int | None) -> None:
    changed = goal(version(1, "2026-01-01", 50), version(2, "2026-03-01", 60))
    held = changed.on(date.fromisoformat(day))

    assert (held.rule.target if held else None) == target


def test_a_goal_that_was_ended_is_there_before_and_not_after() -> None:
    ended = goal(version(1, "2026-01-01", 50), version(2, "2026-03-01", 50, until="2026-03-01"))

    assert [ended.on(date(2026, 3, day)) is not None for day in (1, 2)] == [True, False]


def test_a_correction_of_the_past_holds_for_the_past() -> None:
    corrected = goal(version(1, "2026-01-01", 50), version(2, "2026-03-01", 60), version(3, "2026-01-01", 40))

    assert [corrected.on(date(2026, m, 15)).rule.target for m in (1, 4)] == [40, 40]


def test_a_running_week_is_judged_by_today_and_a_past_one_by_its_last_day() -> None:
    weekly = goal(version(1, "2026-01-01", 50), version(2, "2026-03-05", 60), period=Step.WEEK)
    week = running(weekly, date(2026, 3, 4))

    assert week == Period(first=date(2026, 3, 2), last=date(2026, 3, 8))
    assert weekly.judged_by(week, today=date(2026, 3, 4)).rule.target == 50
    assert weekly.judged_by(week, today=date(2026, 3, 20)).rule.target == 60


def test_who_has_a_goal() -> None:
    people = {"managers": (1, 2, 3), "members": (2, 3)}

    assert holders(goal(), **people) == (1, 2, 3)
    assert holders(goal(whose=Whose.USER, user_id=9), **people) == (9,)
    assert holders(goal(whose=Whose.TEAM, team_id=1), **people) == (2, 3)
    assert holders(goal(whose=Whose.TEAM, team_id=1, together=True), **people) == ()


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"measure": Measure.TALK_MINUTES, "seconds": 5}, "seconds"),
        ({"measure": Measure.CALLS, "kind": "sold"}, "kind"),
        ({"measure": Measure.OUTCOMES}, "kind"),
        ({"measure": Measure.TASKS, "way": GoalWay.INBOUND}, "direction"),
        ({"measure": Measure.NUMBERS, "seconds": 120}, None),
        ({"measure": Measure.TOUCHES, "kind": "letter", "way": GoalWay.OUTBOUND}, None),
    ],
)
def test_a_rule_that_makes_no_sense_is_told_by_its_field(values: dict[str, object], field: str | None) -> None:
    assert [fault.field for fault in faults_of(rule(**values))] == ([field] if field else [])


@pytest.mark.parametrize(
    ("local", "share"),
    [
        ("2026-03-27T06:00", 0.0),
        ("2026-03-27T09:00", 0.0),
        ("2026-03-27T13:30", 0.5),
        ("2026-03-27T18:00", 1.0),
        ("2026-03-28T12:00", 1.0),
    ],
)
def test_the_pace_runs_over_working_hours(local: str, share: float) -> None:
    friday = Period(first=date(2026, 3, 27), last=date(2026, 3, 27))
    now = datetime.fromisoformat(local).replace(tzinfo=WARSAW).astimezone(UTC)

    assert elapsed_share(friday, WARSAW, now, Hours(zone=WARSAW).seconds) == pytest.approx(share)


def test_a_week_over_the_change_of_clocks_has_its_five_days() -> None:
    week = Period(first=date(2026, 3, 23), last=date(2026, 3, 29))
    now = datetime(2026, 3, 25, 18, tzinfo=WARSAW).astimezone(UTC)

    assert elapsed_share(week, WARSAW, now, Hours(zone=WARSAW).seconds) == pytest.approx(3 / 5)


def test_a_sunday_without_work_passes_as_time_does() -> None:
    sunday = Period(first=date(2026, 3, 29), last=date(2026, 3, 29))
    begin, end = sunday.bounds(WARSAW)

    assert end - begin == timedelta(hours=23)
    assert elapsed_share(sunday, WARSAW, begin + (end - begin) / 4, Hours(zone=WARSAW).seconds) == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("amount", "expected", "pace"),
    [(50, 50, "reached"), (51, 10, "reached"), (30, 25, "ahead"), (26, 25, "on"), (23, 25, "on"), (20, 25, "behind")],
)
def test_the_pace_in_a_word(amount: int, expected: float, pace: str) -> None:
    assert Standing(amount=amount, target=50, expected=expected).pace == pace


def test_minutes_are_counted_in_microseconds_and_shown_in_minutes() -> None:
    talk = rule(10, Measure.TALK_MINUTES)

    assert talk.target_amount == 600_000_000
    assert talk.shown(90_000_000) == 1.5
