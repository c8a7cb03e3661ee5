"""The account of a day: every fault in the database is found, and what is told of the day is true."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.simulation.account import Entered, Seen, account_of, outlook_of
from gateway.simulation.plan import Origin

DAY = datetime(2026, 11, 20, 6, tzinfo=UTC)


def seen(minute: float, *, client: str = "+79161000000", by: str = "101", talk: float = 30.0, **more: object) -> Seen:
    begins = DAY + timedelta(minutes=minute)
    call = Seen(
        n=1,
        tries=0,
        origin=Origin.CLIENT,
        client=client,
        begins=begins,
        ends=begins + timedelta(seconds=talk + 5),
        talk=timedelta(seconds=talk),
        taken_by=(by,) if by else (),
        rang=("101", "102"),
    )
    return replace(call, **more)  # type: ignore[arg-type]


def missed(minute: float, **more: object) -> Seen:
    return seen(minute, by="", talk=0.0, **more)  # type: ignore[arg-type]


def entered(call: Seen, **more: object) -> Entered:
    entry = Entered(
        client=call.client,
        direction="inbound" if call.origin is Origin.CLIENT else "outbound",
        began=call.begins + timedelta(seconds=0.1),
        result="answered" if call.answered else "missed",
        talk=call.talk,
        taken_by=call.taken_by,
    )
    return replace(entry, **more)  # type: ignore[arg-type]


def test_a_day_that_is_entered_once_and_right_is_whole() -> None:
    calls = [seen(1), missed(2), seen(3, origin=Origin.MANAGER)]

    account = account_of(calls, [entered(call) for call in reversed(calls)])

    assert (account.whole, account.right, account.calls) == (True, 3, 3)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"result": "missed"}, "answered, entered as missed"),
        ({"result": "lost_in_transfer"}, "answered, entered as lost_in_transfer"),
        ({"taken_by": ("102",)}, "taken by 101, entered as taken by 102"),
        ({"taken_by": ()}, "taken by 101, entered as taken by nobody"),
        ({"talk": timedelta(seconds=60)}, "talked 30.0 s, entered 60.0 s"),
    ],
)
def test_a_wrong_entry_is_told_with_both_sides(change: dict[str, object], told: str) -> None:
    account = account_of([seen(1)], [entered(seen(1), **change)])

    assert [words for _, _, words in account.wrong] == [told]
    assert not account.whole


def test_what_is_missing_and_what_nobody_placed_are_told() -> None:
    there, gone = seen(1), seen(10)
    twice = entered(there, began=there.begins + timedelta(seconds=2))

    account = account_of([there, gone], [entered(there), twice])

    assert account.lost == (gone,)
    assert account.extra == (twice,)
    assert not account.whole


def test_a_call_of_another_client_or_moment_or_direction_is_not_taken_for_it() -> None:
    call = seen(1)
    others = [
        entered(call, client="+79161000001"),
        entered(call, began=call.begins + timedelta(seconds=6)),
        entered(call, direction="outbound"),
    ]

    account = account_of([call], others)

    assert account.lost == (call,)
    assert len(account.extra) == 3


def test_a_client_who_was_sent_on_and_not_taken_is_lost_in_transfer() -> None:
    call = seen(1, sent_on=True)

    assert account_of([call], [entered(call, result="lost_in_transfer")]).whole


def test_who_is_never_reached_is_told_and_who_was_called_back_is_not() -> None:
    calls = [
        missed(1, client="+1"),
        missed(2, client="+2"),
        missed(3, client="+2"),
        missed(4, client="+3"),
        seen(5, client="+3", origin=Origin.MANAGER),
        seen(6, client="+4"),
        missed(7, client="+4"),
    ]

    assert outlook_of(calls, begins=DAY, seconds=3600, extensions=["101"]).never_reached == ("+2", "+1", "+4")


def test_a_manager_who_talks_all_day_is_overloaded_and_an_idle_one_is_listed() -> None:
    calls = [seen(n * 10, client=f"+{n}", talk=500.0) for n in range(6)]

    outlook = outlook_of([*calls, missed(1)], begins=DAY, seconds=3600, extensions=["101", "102"])

    assert [(load.extension, load.overloaded, load.taken, load.missed) for load in outlook.loads] == [
        ("101", True, 6, 1),
        ("102", False, 0, 1),
    ]


def test_the_talk_of_a_client_who_was_sent_on_is_shared() -> None:
    calls = [seen(1, taken_by=("101", "102"), talk=100.0, sent_on=True)]

    outlook = outlook_of(calls, begins=DAY, seconds=3600, extensions=["101", "102"])

    assert [load.talk for load in outlook.loads] == [timedelta(seconds=50)] * 2
    assert (outlook.transferred, outlook.lost_in_transfer) == (1, 0)


def test_each_hour_has_its_calls() -> None:
    calls = [seen(1), missed(59), missed(60), seen(119), seen(120)]

    assert outlook_of(calls, begins=DAY, seconds=7200, extensions=[]).hours == ((0, 2, 1), (1, 3, 1))
