"""Promises heard in a transcript, in three languages."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from gateway.domain.promises import MOST, PromiseKind, promises
from gateway.domain.transcript import Segment, Speaker

CALLED = datetime(2026, 11, 24, 14, 26, tzinfo=ZoneInfo("Asia/Yekaterinburg"))
"""A Tuesday."""
CALL, LETTER, MEETING = PromiseKind.CALL, PromiseKind.LETTER, PromiseKind.MEETING
WEDNESDAY, FRIDAY, NEXT_TUESDAY = date(2026, 11, 25), date(2026, 11, 27), date(2026, 12, 1)


def said(*texts: str) -> list[Segment]:
    sides = (Speaker.MANAGER, Speaker.CLIENT)
    return [Segment(speaker=sides[at % 2], start=10.0 * at, end=10.0 * at + 5, text=t) for at, t in enumerate(texts)]


@pytest.mark.parametrize(
    ("sentence", "kind", "day", "hour"),
    [
        ("Call me on Tuesday at 11.", CALL, NEXT_TUESDAY, time(11)),
        ("I will call you back tomorrow at half a moment.", CALL, WEDNESDAY, None),
        ("Please send it on Friday by 3 pm", LETTER, FRIDAY, time(15)),
        ("Let us meet on December 5th at ten in the morning", MEETING, date(2026, 12, 5), time(10)),
        ("Could you call in two hours?", CALL, date(2026, 11, 24), time(16, 26)),
        ("Call us at five.", CALL, date(2026, 11, 24), time(17)),
        ("Call us at 9:30.", CALL, WEDNESDAY, time(9, 30)),
        ("Ring me the day after tomorrow after four", CALL, date(2026, 11, 26), time(16)),
        ("Позвоните мне во вторник в одиннадцать", CALL, NEXT_TUESDAY, time(11)),
        ("Я перезвоню вам завтра в 10:30.", CALL, WEDNESDAY, time(10, 30)),
        ("Во вторник в 11 по вашему времени расчёт будет у вас, и я сразу позвоню.", CALL, NEXT_TUESDAY, time(11)),
        ("Пришлите, пожалуйста, расчёт 5 декабря", LETTER, date(2026, 12, 5), None),
        ("Давайте созвонимся через неделю в три часа дня", CALL, NEXT_TUESDAY, time(15)),
        ("Наберите меня через 2 часа", CALL, date(2026, 11, 24), time(16, 26)),
        ("Встретимся в пятницу в пять вечера", MEETING, FRIDAY, time(17)),
        ("Позвоните на следующей неделе в среду", CALL, date(2026, 12, 2), None),
        ("Proszę zadzwonić we wtorek o jedenastej", CALL, NEXT_TUESDAY, time(11)),
        ("Oddzwonię jutro o 9", CALL, WEDNESDAY, time(9)),
        ("Wyślę ofertę w piątek po 15", LETTER, FRIDAY, time(15)),
        ("Zadzwoń za dwa dni o drugiej po południu", CALL, date(2026, 11, 26), time(14)),
        ("Spotkajmy się 5 grudnia", MEETING, date(2026, 12, 5), None),
        ("Zadzwonię w przyszłym tygodniu w środę", CALL, date(2026, 12, 2), None),
    ],
)
def test_an_act_with_its_day_or_hour_is_a_promise(
    sentence: str, kind: PromiseKind, day: date, hour: time | None
) -> None:
    [heard] = promises(said(sentence), CALLED)

    assert (heard.kind, heard.day, heard.time) == (kind, day, hour)
    assert heard.quote == sentence


@pytest.mark.parametrize(
    "sentence",
    [
        "I will call you back.",
        "On Tuesday we are closed.",
        "Do not call me on Tuesday.",
        "Please don't call me tomorrow.",
        "I called you on Tuesday at 11.",
        "Не звоните мне во вторник.",
        "Я звонил вам во вторник в 11.",
        "Цена выросла в два раза, я позвоню.",
        "Nie dzwońcie jutro.",
        "Dzwoniłem we wtorek.",
        "Call 12 people about 31 February.",
        "",
    ],
)
def test_what_is_denied_past_or_without_a_moment_is_none(sentence: str) -> None:
    assert promises(said(sentence), CALLED) == ()


def test_an_answer_to_when_shall_i_call_is_a_promise() -> None:
    [heard] = promises(said("Когда вам позвонить?", "Во вторник в одиннадцать."), CALLED)

    assert (heard.kind, heard.day, heard.time) == (CALL, NEXT_TUESDAY, time(11))
    assert (heard.start, heard.speaker) == (10.0, Speaker.CLIENT)


def test_an_answer_that_denies_the_act_is_no_promise() -> None:
    assert promises(said("When shall I call you?", "Do not call on Tuesday."), CALLED) == ()
    assert promises(said("Когда вам позвонить?", "Не звоните во вторник."), CALLED) == ()


def test_a_moment_said_twice_is_one_promise_at_its_last_place() -> None:
    heard = promises(said("Call me on Friday.", "Send it tomorrow.", "So I call you on Friday."), CALLED)

    assert [(one.kind, one.start) for one in heard] == [(LETTER, 10.0), (CALL, 20.0)]


def test_a_long_talk_gives_the_last_few_and_a_long_sentence_is_cut() -> None:
    heard = promises(said(*(f"Call me on December {day} {'or so ' * 60}" for day in range(1, 12))), CALLED)

    assert [one.day.day for one in heard] == list(range(12 - MOST, 12))
    assert max(len(one.quote) for one in heard) == 160


def test_a_date_that_is_over_is_that_of_the_next_year() -> None:
    [heard] = promises(said("Call me on 3 March"), CALLED)

    assert heard.day == date(2027, 3, 3)
