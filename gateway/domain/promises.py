"""Promises in a transcript: what shall be done next, and when, as it was said: "call me on Tuesday at eleven".

A plain rule, without a model: one sentence names an act (call, write, meet) and a day or an hour, in English, Russian
or Polish; the act may stand in the sentence before ("When shall I call?" "On Tuesday at eleven."). What is denied or
past ("do not call", "I called") is none, and neither is an hour or a day that the rule cannot read ("half past two",
"after lunch"). A person sees the words and takes them or not, so a promise that is overheard costs nothing and one that
is misheard a glance.

Hours from one to seven without "in the morning" are of the afternoon, as business hours are. A weekday is the next one
behind the day of the call.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from gateway.domain.transcript import Segment, Speaker

MOST = 5
QUOTE_MAX = 160


class PromiseKind(StrEnum):
    """What shall be done."""

    CALL = "call"
    LETTER = "letter"
    MEETING = "meeting"


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """One promise that was heard."""

    kind: PromiseKind
    day: date
    """By the client's clock."""
    time: time | None
    """By the client's clock; None: no hour was said."""
    start: float
    """Seconds from the start of the recording, of what was said."""
    speaker: Speaker | None
    """Who said it; None: a mono recording."""
    quote: str
    """The sentence."""


def _words(*patterns: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(patterns)})\b", re.IGNORECASE)


_ACTS = {
    PromiseKind.CALL: _words(
        r"(?<!the )(?<!this )(?<!\ba )(?<!your )(?<!my )(?<!our )(?<!last )call(?:ing)?",
        r"(?:ring|phone) (?:me|you|us|him|her|them|back)",
        r"(?:по|пере|со)?звон(?:ю|ишь|ит|им|ите|ят|и|ить)(?:ся|сь)?",
        r"набер(?:у|ите|и|ём|ем)",
        r"(?:za|od|prze)?dzwo(?:ń|ńcie|ńmy|nię|nisz|ni|nimy|nicie|nić)",
    ),
    PromiseKind.LETTER: _words(
        r"send|e-?mail (?:me|you|us|it)|write (?:to )?(?:me|you|us)",
        r"(?:при|вы|пере)шл(?:ю|ёшь|ешь|ёт|ет|ём|ем|ите|и)|(?:при|вы|пере)слать",
        r"отправ(?:лю|ишь|ит|им|ьте|ь|ить)|напиш(?:у|ите|и|ем)",
        r"(?:wy|prze|przy)(?:ślę|ślij|ślijcie|śle|ślemy|słać)|napisz(?:ę|cie|emy)?",
    ),
    PromiseKind.MEETING: _words(
        r"meet(?:ing)?|visit (?:you|us|me)|come (?:by|over)",
        r"встре(?:тимся|чу|ча|чаемся|титься|че)|(?:при|подъ)ед(?:у|ем|ете)|приезжайте",
        r"spotka(?:my|jmy|nie|niu|ć)(?: się)?|przyjad(?:ę|ą)|przyjedziemy",
    ),
}
_DENIED = re.compile(r"(?:\bне|\bnie|n['\u2019]t|\bnot|\bnever)\s+(?:\w+\s+)?$", re.IGNORECASE)

_TODAY = ((0, _words("today", "сегодня", "dziś", "dzisiaj")), (1, _words("(?<!day after )tomorrow", "завтра", "jutro")),
          (2, _words("day after tomorrow", "послезавтра", "pojutrze")))  # fmt: skip
_WEEKDAYS = (
    _words("monday", r"понедельник[ау]?", "poniedziałek", "poniedziałku"),
    _words("tuesday", r"вторник[ау]?", "wtorek", "wtorku"),
    _words("wednesday", r"сред[ауы]", "środ[aęy]"),
    _words("thursday", r"четверг[ау]?", "czwartek", "czwartku"),
    _words("friday", r"пятниц[ауы]", "piątek", "piątku"),
    _words("saturday", r"суббот[ауы]", "sobot[aęy]"),
    _words("sunday", r"воскресень[ея]", "niedziel[aęi]"),
)
_NEXT_WEEK = _words("next week", "следующей неделе", "(?:przyszłym|następnym) tygodniu")
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january января stycznia", "february февраля lutego", "march марта marca", "april апреля kwietnia",
            "may мая maja", "june июня czerwca", "july июля lipca", "august августа sierpnia",
            "september сентября września", "october октября października", "november ноября listopada",
            "december декабря grudnia",
        ),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
_MONTH = "|".join(_MONTHS)
_DATE = _words(rf"(\d{{1,2}})(?:st|nd|rd|th|-?го|-?е)?(?: of)? ({_MONTH})", rf"({_MONTH}) (\d{{1,2}})(?:st|nd|rd|th)?")

_NUMBERS = {
    name: number
    for number, names in enumerate(
        (
            "a an one один одну", "two couple два две пару dwa dwie parę", "three три trzy", "four четыре cztery",
            "five пять pięć", "six шесть sześć", "seven семь siedem", "eight восемь osiem", "nine девять dziewięć",
            "ten десять dziesięć",
        ),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
_SPAN = _words(
    rf"(?:in|через|za)\s+(?:(\d{{1,2}}|{'|'.join(_NUMBERS)})\s+(?:of\s+)?)?"
    r"(days?|weeks?|hours?|день|дня|дней|недел[юи]|недель|час(?:а|ов)?|dzień|dni|tydzień|tygodnie|godzin[ęy]?)"
)
_HOURS_OF = ("hour", "час", "godz")
_WEEKS_OF = ("week", "недел", "ty")

_HOUR_NAMES = {
    name: number
    for number, names in enumerate(
        (
            "one час pierwszej", "two два drugiej", "three три trzeciej", "four четыре czwartej", "five пять piątej",
            "six шесть szóstej", "seven семь siódmej", "eight восемь ósmej", "nine девять dziewiątej",
            "ten десять dziesiątej", "eleven одиннадцать jedenastej", "twelve двенадцать dwunastej",
            "тринадцать trzynastej", "четырнадцать czternastej", "пятнадцать piętnastej", "шестнадцать szesnastej",
            "семнадцать siedemnastej", "восемнадцать osiemnastej",
        ),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
_MORNING = r"am|a\.m\.?|in the morning|утра|rano"
_AFTERNOON = r"pm|p\.m\.?|in the (?:afternoon|evening)|дня|вечера|po południu|wieczorem"
_TIME = re.compile(
    rf"\b(?:at|by|after|around|about|в|к|после|около|o|po|około|godzinie)\s+(\d{{1,2}}|{'|'.join(_HOUR_NAMES)})"
    r"(?:[:.](\d{2}))?\b(?:\s*(?:o['\u2019]?clock|час(?:а|ов)?))?"
    rf"(?:\s*(?:({_MORNING})|({_AFTERNOON})))?"
    rf"(?!\s*(?:%|{_MONTH}|раз|част|штук|мест|день|дня|дней|недел|dni|days?|weeks?|hours?|minutes?)\w*)",
    re.IGNORECASE,
)
_LAST_AFTERNOON_HOUR = 7
_SENTENCE = re.compile(r"[^.?!\u2026]+(?:[.](?=\d)[^.?!\u2026]+)*[.?!\u2026]*")


def promises(segments: Sequence[Segment], at: datetime) -> tuple[Promise, ...]:
    """What was promised in a call.

    Args:
        segments: its transcript.
        at: when the call began, by the client's clock.

    Returns:
        The last ones, each moment of each kind once, in the order in which they were said.
    """
    found: dict[tuple[PromiseKind, date, time | None], Promise] = {}
    before: PromiseKind | None = None
    for segment, sentence in _sentences(segments):
        kind = _act(sentence)
        moment = _moment(sentence, at + timedelta(seconds=segment.start))
        heard = kind or (None if _is_denied(sentence) else before)
        if moment and heard:
            found.pop((heard, *moment), None)
            found[(heard, *moment)] = _promise(heard, moment, segment, sentence)
        before = kind
    return tuple(found.values())[-MOST:]


def _promise(kind: PromiseKind, moment: tuple[date, time | None], segment: Segment, sentence: str) -> Promise:
    quote = sentence if len(sentence) <= QUOTE_MAX else sentence[: QUOTE_MAX - 1] + "\u2026"
    return Promise(kind=kind, day=moment[0], time=moment[1], start=segment.start, speaker=segment.speaker, quote=quote)


def _sentences(segments: Sequence[Segment]) -> Iterator[tuple[Segment, str]]:
    for segment in segments:
        for piece in _SENTENCE.findall(segment.text):
            if sentence := piece.strip():
                yield segment, sentence


def _act(sentence: str) -> PromiseKind | None:
    """What shall be done; None: nothing, or it is denied."""
    found = [(match.start(), kind) for kind, pattern in _ACTS.items() if (match := pattern.search(sentence))]
    return min(found)[1] if found and not _is_denied(sentence) else None


def _is_denied(sentence: str) -> bool:
    matches = [match for pattern in _ACTS.values() for match in pattern.finditer(sentence)]
    return any(_DENIED.search(sentence[: match.start()]) for match in matches)


def _moment(sentence: str, now: datetime) -> tuple[date, time | None] | None:
    """Day and hour that a sentence names; None: neither."""
    if span := _span(sentence, now):
        return span
    day, hour = _day(sentence, now.date()), _hour(sentence)
    if day is not None:
        return day, hour
    if hour is None:
        return None
    return now.date() + timedelta(days=0 if hour > now.time() else 1), hour


def _span(sentence: str, now: datetime) -> tuple[date, time | None] | None:
    """`in two hours`, `через неделю`, `za dwa dni`."""
    match = _SPAN.search(sentence)
    if match is None:
        return None
    said, unit = (match[1] or "a").lower(), match[2].lower()
    number = int(said) if said.isdigit() else _NUMBERS[said]
    if unit.startswith(_HOURS_OF):
        later = now + timedelta(hours=number)
        return later.date(), later.time().replace(second=0, microsecond=0)
    days = number * 7 if unit.startswith(_WEEKS_OF) else number
    return now.date() + timedelta(days=days), _hour(sentence)


def _day(sentence: str, today: date) -> date | None:
    for days, pattern in _TODAY:
        if pattern.search(sentence):
            return today + timedelta(days=days)
    if match := _DATE.search(sentence):
        return _next_date(int(match[1] or match[4]), _MONTHS[(match[2] or match[3]).lower()], today)
    named = [(match.start(), number) for number, one in enumerate(_WEEKDAYS) if (match := one.search(sentence))]
    if not named:
        return None
    weekday = min(named)[1]
    if _NEXT_WEEK.search(sentence):
        return today + timedelta(days=7 - today.weekday() + weekday)
    return today + timedelta(days=(weekday - today.weekday()) % 7 or 7)


def _next_date(day: int, month: int, today: date) -> date | None:
    """The next such date; None: there is none."""
    for year in (today.year, today.year + 1):
        try:
            found = date(year, month, day)
        except ValueError:
            return None
        if found >= today:
            return found
    return None


def _hour(sentence: str) -> time | None:
    match = _TIME.search(sentence)
    if match is None:
        return None
    said = match[1].lower()
    hour, minute = int(said) if said.isdigit() else _HOUR_NAMES[said], int(match[2] or 0)
    if match[3]:
        hour %= 12
    elif (match[4] and hour < 12) or (not match[4] and 1 <= hour <= _LAST_AFTERNOON_HOUR):
        hour += 12
    return time(hour, minute) if hour < 24 and minute < 60 else None
