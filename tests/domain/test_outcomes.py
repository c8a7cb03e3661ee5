"""What a choice wants next, what it makes of a card, and when its task falls due, also at the edges of the calendar."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from gateway.domain.cards import Heat, Stage
from gateway.domain.outcomes import (
    AutoTask,
    Disposition,
    DispositionRule,
    EndedCall,
    FollowUp,
    Means,
    NextStepRule,
    Reason,
    ReasonsOf,
    Traits,
    Want,
    after,
    asking_rule,
    due_of,
    next_stage,
    still_wanted,
    taken_back,
)
from gateway.domain.recurrence import months_later

MOSCOW, WARSAW = ZoneInfo("Europe/Moscow"), ZoneInfo("Europe/Warsaw")
RETURN = AutoTask(kind=FollowUp.RETURN, months=6)
NO_NEED = Reason(id=1, of=ReasonsOf.REFUSAL, key="no_need", return_months=12)


def refusal(**values: object) -> Disposition:
    plain: dict[str, object] = {
        "id": 1, "key": "refusal", "means": Means.REFUSAL, "reasons": ReasonsOf.REFUSAL, "reason_required": True,
        "next_step": NextStepRule.NONE, "stage": Stage.REFUSED, "heat": Heat.COLD, "closes_lead": True, "task": RETURN,
    }  # fmt: skip
    return Disposition(**(plain | values))  # type: ignore[arg-type]


def test_a_refusal_wants_its_reason_and_a_talk_its_next_step() -> None:
    """Requirements 68 and 72."""
    talk = refusal(reasons=None, reason_required=False, next_step=NextStepRule.REQUIRED, task=None)

    assert still_wanted(refusal(), None, has_next_step=False) == (Want.REASON,)
    assert still_wanted(refusal(), NO_NEED, has_next_step=False) == ()
    assert still_wanted(talk, None, has_next_step=False) == (Want.NEXT_STEP,)
    assert still_wanted(talk, None, has_next_step=True) == ()
    assert still_wanted(refusal(next_step=NextStepRule.REQUIRED), NO_NEED, has_next_step=False) == ()


@pytest.mark.parametrize(
    ("now", "zone", "task", "reason", "due"),
    [
        # half a year later, at ten in the client's morning; Friday
        (datetime(2026, 5, 20, 12, tzinfo=UTC), MOSCOW, RETURN, None, datetime(2026, 11, 20, 7, tzinfo=UTC)),
        # the reason says a year: a Saturday, so Monday
        (datetime(2026, 11, 20, 12, tzinfo=UTC), MOSCOW, RETURN, NO_NEED, datetime(2027, 11, 22, 7, tzinfo=UTC)),
        # the last day of a longer month
        (datetime(2026, 8, 31, 12, tzinfo=UTC), MOSCOW, RETURN, None, datetime(2027, 3, 1, 7, tzinfo=UTC)),
        # 23:30 in UTC is the next day there, over the year's end
        (
            datetime(2026, 12, 30, 23, 30, tzinfo=UTC),
            MOSCOW,
            AutoTask(kind=FollowUp.CALL, days=1),
            None,
            datetime(2027, 1, 1, 7, tzinfo=UTC),
        ),
        # ten o'clock stays ten o'clock when clocks are moved in between
        (
            datetime(2026, 3, 27, 12, tzinfo=UTC),
            WARSAW,
            AutoTask(kind=FollowUp.CALL, days=3),
            None,
            datetime(2026, 3, 30, 8, tzinfo=UTC),
        ),
        # minutes are minutes
        (
            datetime(2026, 3, 29, 0, 30, tzinfo=UTC),
            WARSAW,
            AutoTask(kind=FollowUp.CALL, minutes=60),
            None,
            datetime(2026, 3, 29, 1, 30, tzinfo=UTC),
        ),
    ],
)
def test_a_task_falls_due_in_the_clients_morning(
    now: datetime, zone: ZoneInfo, task: AutoTask, reason: Reason | None, due: datetime
) -> None:
    """Requirement 71."""
    assert due_of(task, reason, now, zone) == due


def test_months_later_is_the_last_day_of_a_shorter_month() -> None:
    assert months_later(date(2027, 8, 31), 6) == date(2028, 2, 29)
    assert months_later(date(2026, 12, 31), 12) == date(2027, 12, 31)


def test_a_client_who_refuses_one_more_offer_is_still_a_client() -> None:
    assert next_stage(Stage.CLIENT, Stage.REFUSED) is Stage.CLIENT
    assert next_stage(Stage.LEAD, Stage.REFUSED) is Stage.REFUSED
    assert next_stage(Stage.REFUSED, Stage.LEAD) is Stage.LEAD
    assert next_stage(Stage.UNSORTED, None) is Stage.UNSORTED


def test_a_correction_takes_back_only_what_the_outcome_made() -> None:
    before = Traits(stage=Stage.LEAD, heat=Heat.HOT)
    made = after(before, refusal())

    assert made == Traits(stage=Stage.REFUSED, heat=Heat.COLD)
    assert taken_back(made, before, made) == before
    changed = Traits(stage=Stage.CLIENT, heat=Heat.COLD)
    assert taken_back(changed, before, made) == Traits(stage=Stage.CLIENT, heat=Heat.HOT)


def test_an_outcome_is_obligatory_where_the_first_rule_that_holds_says_so() -> None:
    rules = [
        DispositionRule(id=1, direction="inbound", dids=frozenset({"1"}), roles=frozenset(), talk_seconds=None),
        DispositionRule(id=2, direction=None, dids=frozenset(), roles=frozenset({"manager"}), talk_seconds=20),
    ]

    def asked(direction: str, did: str | None, seconds: int, role: str) -> int | None:
        call = EndedCall(direction=direction, did=did, talk=timedelta(seconds=seconds), role=role)
        rule = asking_rule(rules, call)
        return rule.id if rule else None

    assert asked("inbound", "1", 0, "supervisor") == 1
    assert asked("outbound", None, 21, "manager") == 2
    assert asked("outbound", None, 20, "manager") is None
    assert asked("outbound", None, 90, "supervisor") is None
