"""The order of a manager's day, and the reason of each place."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from gateway.domain.queue import Candidate, Reason, Section, importance, in_order, place_of, wakes_at
from gateway.domain.tasks import Origin

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
MIDNIGHT = datetime(2026, 11, 21, 0, 0, tzinfo=UTC)


def task(id: int, due: float | None = None, **more: object) -> Candidate:
    """A task due so many minutes from noon."""
    values: dict[str, object] = {"origin": Origin.PERSON, "priority": 0, "owned": True, **more}
    at = None if due is None else NOON + timedelta(minutes=due)
    return Candidate(id=id, due_at=at, **values)  # type: ignore[arg-type]


def order(*candidates: Candidate) -> list[int]:
    return [place.id for place in in_order(candidates, NOON, MIDNIGHT)]


def test_a_day_is_ordered_by_urgency_then_importance() -> None:
    """Requirements 12, 84 and 86."""
    waits = {"origin": Origin.MISSED, "waits": True}
    day = [
        task(1, 4, **waits),
        task(2, 5, **waits),
        task(3, 10),
        task(4, -60, priority=4),
        task(5, -300, card_priority=5, heat="warm"),
        task(6, -400),
        task(7, 60),
        task(8, 120),
        task(9, -10, origin=Origin.RETURN),
        task(10, None, priority=5),
        task(11, None),
        task(12, 60 * 24 * 2),
    ]

    assert order(*reversed(day)) == [c.id for c in day]


def test_a_client_who_sleeps_comes_last_unless_he_has_just_called() -> None:
    """Requirement 11."""
    honolulu = ZoneInfo("Pacific/Honolulu")
    sleeps, waits = task(1, -60, zone=honolulu, heat="hot"), task(2, 3, zone=honolulu, waits=True)

    assert order(sleeps, waits, task(3, 60), task(4)) == [2, 3, 4, 1]
    place = place_of(sleeps, NOON, MIDNIGHT)
    assert Reason.CLIENT_NIGHT in place.reasons
    assert place.call_from == datetime(2026, 11, 20, 18, 0, tzinfo=UTC)


WARSAW = ZoneInfo("Europe/Warsaw")


@pytest.mark.parametrize(
    ("local", "wakes"),
    [
        ("2026-11-20 08:00", None),
        ("2026-11-20 20:59", None),
        ("2026-11-20 21:00", "2026-11-21 08:00"),
        ("2026-11-20 07:59", "2026-11-20 08:00"),
        ("2026-12-31 23:00", "2027-01-01 08:00"),
        ("2026-03-28 23:00", "2026-03-29 08:00"),  # clocks are moved in that night
    ],
)
def test_a_client_may_be_rung_from_eight_to_nine_by_his_clock(local: str, wakes: str | None) -> None:
    """Requirement 11."""
    now = datetime.fromisoformat(local).replace(tzinfo=WARSAW)

    assert wakes_at(WARSAW, now) == (wakes and datetime.fromisoformat(wakes).replace(tzinfo=WARSAW))


def test_what_a_colleague_has_taken_comes_after_everything_else() -> None:
    assert order(task(1, 3, waits=True, taken=True), task(2)) == [2, 1]


def test_the_reasons_are_told_in_codes() -> None:
    place = place_of(
        task(1, -3, waits=True, calls=2, new_client=True, owned=False, priority=3, heat="hot"), NOON, MIDNIGHT
    )

    assert place.section is Section.MISSED
    assert place.reasons == (
        Reason.DEADLINE_PASSED, Reason.SEVERAL_CALLS, Reason.NEW_CLIENT, Reason.NOBODYS, Reason.TASK_PRIORITY,
        Reason.HOT,
    )  # fmt: skip


def test_importance_weighs_the_task_twice() -> None:
    assert importance(task(1, priority=2, card_priority=3, heat="hot")) == 10
