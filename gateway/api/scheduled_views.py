"""What scheduled calls look like from outside: the models of `/scheduled-calls`, and their reasons in words."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import Field, JsonValue

from gateway.api.fields import CursorText, Incoming, Limit, LongText, Moment, Outgoing, RowId, Spoken
from gateway.api.task_views import MomentText, NumberText, Version, ZoneName, by_clock
from gateway.api.users import PbxName
from gateway.commands.words import in_words
from gateway.domain.queue import SOON, Section
from gateway.domain.scheduled import LENGTH_MAX, ScheduledState, ScheduleRule, ZoneFrom
from gateway.domain.staff import zone_of
from gateway.store.scheduled import ScheduledChange
from gateway.store.scheduled_shown import ShownScheduled

WallText = Annotated[
    str,
    Field(
        pattern=r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d$",
        description="what the clock shows, like 2026-11-23T11:00, without offset",
    ),
]
Length = Annotated[int, Field(ge=1, le=LENGTH_MAX, description="minutes it takes; left out: as the rule says")]


class NewScheduledBody(Incoming):
    """A call to be planned."""

    contact: RowId | None = Field(default=None, description="the client's card; or name his number")
    number: NumberText | None = Field(default=None, description="in any way of writing; left out: the card's first")
    at: WallText
    zone: ZoneName | None = Field(
        default=None, description="whose clock shows it; left out: the client's, from his card, else from his number"
    )
    second: bool = Field(default=False, description="of a time that the clocks show twice, the second")
    user: RowId | None = Field(default=None, description="whose phone rings first; left out: mine")
    minutes: Length | None = None
    any_hour: bool = Field(default=False, description="the client wished it: permitted hours do not count")
    note: LongText = ""
    pbx: PbxName | None = None


class ScheduledPath(Incoming):
    """Which scheduled call."""

    scheduled_id: RowId


class ScheduledMove(Incoming):
    """What is to be changed; what is left out stays."""

    version: Version
    state: ScheduledState | None = Field(
        default=None, description="`cancelled` takes it back; `planned` undoes that, or plans a missed one anew"
    )
    at: WallText | None = Field(default=None, description="the new time, by the clock of `zone`")
    zone: ZoneName | None = Field(default=None, description="left out: the zone in which it was agreed")
    second: bool = False
    minutes: Length | None = None
    any_hour: bool | None = None
    user: RowId | None = Field(default=None, description="whose it becomes")
    note: LongText | None = None


class ScheduledQuery(Incoming):
    """Which scheduled calls."""

    user: RowId | None = None
    contact: RowId | None = None
    state: Annotated[tuple[ScheduledState, ...], Field(max_length=5)] = Field(
        default=(), description="may be given several times; left out: all"
    )
    since: Moment | None = Field(default=None, description="at this moment or later")
    until: Moment | None = Field(default=None, description="before this moment")
    limit: Limit = 50
    cursor: CursorText | None = None


class ScheduledPlace(Incoming):
    """Where a page ends."""

    at: datetime
    id: int


class ScheduledClientView(Outgoing):
    """The client's card."""

    id: int
    name: str | None = Field(description="null: you may not see this card")


class ScheduledView(Outgoing):
    """A scheduled call."""

    id: int
    state: ScheduledState
    user: int
    user_name: str
    contact: ScheduledClientView | None
    number: str
    at: datetime
    client_time: MomentText = Field(description="the same moment by the clock by which it was agreed")
    manager_time: MomentText = Field(description="by the manager's clock")
    minutes: int
    zone: str
    zone_from: ZoneFrom = Field(description="who said the zone: `asked` whoever planned it, `card` or `number`")
    any_hour: bool
    agreed_at: datetime = Field(description="the moment that a person chose; tries after a miss move `at` alone")
    note: str
    pbx: str | None
    attempts: int = Field(description="calls that nobody took")
    put_offs: int = Field(description="how often somebody could not at the moment")
    reason: str | None = Field(description="why it was moved or given up last, for programs")
    detail: Spoken = Field(description="the same in words; empty: nothing happened")
    command: str | None = Field(description="the last order, for /commands")
    call: UUID | None = Field(description="the call that it made")
    task: int | None = Field(description="the task that took its place")
    reminded_at: datetime | None
    made_by: str
    created_at: datetime
    changed_at: datetime
    ended_at: datetime | None
    version: int


class ScheduledChangeView(Outgoing):
    """One change."""

    at: datetime
    by: str
    told_as: str
    what: dict[str, tuple[JsonValue, JsonValue]] = Field(description="old and new value by name")


class ScheduledWithHistory(ScheduledView):
    """A scheduled call with its history."""

    history: tuple[ScheduledChangeView, ...]


class ScheduledEntryView(Outgoing):
    """A scheduled call in a manager's queue."""

    section: Section
    seconds_left: int = Field(description="until its moment; negative: since")
    call: ScheduledView


class FreeQuery(Incoming):
    """Whose free time, for which client."""

    user: RowId | None = Field(default=None, description="left out: mine; others need a right")
    contact: RowId | None = None
    number: NumberText | None = None
    at: WallText | None = Field(default=None, description="near which time; left out: now")
    zone: ZoneName | None = None
    minutes: Length | None = None
    any_hour: bool = False
    count: Annotated[int, Field(ge=1, le=20)] = 5


class FreeTimeView(Outgoing):
    """A free time."""

    at: datetime
    client_time: MomentText
    manager_time: MomentText


class FreeView(Outgoing):
    """Where a client is, and when his call could be."""

    zone: str
    zone_from: ZoneFrom
    hours: str = Field(description="in which clients may be called, by their clock")
    times: tuple[FreeTimeView, ...]


HourText = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$|^24:00$")]


class ScheduleRuleView(Outgoing):
    """What holds for scheduled calls."""

    hours_since: str = Field(description="clients may be called from this time of their day on")
    hours_until: str
    weekdays: tuple[int, ...] = Field(description="0 is Monday")
    minutes: int
    remind_minutes: int
    late_minutes: int = Field(description="later than this it is not placed any more but planned anew")
    replan_minutes: int = Field(description="what was late is planned for so many minutes ahead, or later")
    retry_minutes: int = Field(description="after a call that nobody took")
    attempts_max: int = Field(description="calls that nobody took, until it becomes a task")
    put_off_minutes: int = Field(description="while the manager or the client cannot")
    put_offs_max: int
    per_minute: int = Field(description="calls that are placed within a minute, in the whole company")
    version: int


class ScheduleRuleChange(Incoming):
    """What is to be changed; what is left out stays."""

    version: Version
    hours_since: HourText | None = None
    hours_until: HourText | None = None
    weekdays: Annotated[tuple[Annotated[int, Field(ge=0, le=6)], ...], Field(min_length=1, max_length=7)] | None = None
    minutes: Annotated[int, Field(ge=1, le=LENGTH_MAX)] | None = None
    remind_minutes: Annotated[int, Field(ge=0, le=1440)] | None = None
    late_minutes: Annotated[int, Field(ge=1, le=1440)] | None = None
    replan_minutes: Annotated[int, Field(ge=1, le=1440)] | None = None
    retry_minutes: Annotated[int, Field(ge=1, le=10_080)] | None = None
    attempts_max: Annotated[int, Field(ge=1, le=20)] | None = None
    put_off_minutes: Annotated[int, Field(ge=1, le=1440)] | None = None
    put_offs_max: Annotated[int, Field(ge=0, le=200)] | None = None
    per_minute: Annotated[int, Field(ge=1, le=600)] | None = None


_REASONS = {
    "late": "The gateway was not there at its moment; it was planned anew.",
    "client_hours": "At its moment the client may not be called by his clock; it was moved into the permitted hours.",
    "zone_changed": "The client's card has another time zone; the time by his clock stayed.",
    "handed_over": "Its manager is not there; it went to his deputy or head.",
    "nobody": "Its manager is not there, and nobody who could take it works here.",
    "unknown": "Nobody can know whether a phone rang; it is not dialled again. Look at the phone, then decide.",
    "manager_talking": "The manager was talking at its moment.",
    "manager_ringing": "The manager's phone was ringing at its moment.",
    "manager_after_call": "The manager was busy after a call at its moment.",
    "manager_break": "The manager was on a break at its moment.",
    "manager_off": "The manager was off at its moment.",
    "colleague_calls": "A colleague was calling the client at its moment.",
    "colleague_talks": "A colleague was talking with the client at its moment.",
    "client_calls": "The client was calling at its moment.",
    "colleague_claimed": "A colleague had taken the client for calling back.",
    "in_flight": "The manager was calling the client already.",
    "in_call": "The manager was in a call with the client already.",
    "no_extension": "The manager has no phone that could ring.",
}


def reason_in_words(reason: str | None) -> str:
    """Why a scheduled call was moved or given up; a number that is forbidden is told by the list of refusals."""
    if reason is None:
        return ""
    if reason in _REASONS:
        return _REASONS[reason]
    said = in_words("call", "refused", reason)
    if said == in_words("call", "refused", None):
        return f"It may not be dialled ({reason}); GET /dial-permissions/refusals tells why."
    return said


def scheduled_values(shown: ShownScheduled, company: ZoneInfo) -> Mapping[str, object]:
    """The values of a `ScheduledView`.

    Args:
        shown: the call and what stands beside it.
        company: the zone of whoever has none of his own.
    """
    call = shown.call
    contact = None
    if call.contact_id is not None:
        contact = ScheduledClientView(id=call.contact_id, name=shown.contact_name)
    plain = (
        *("id", "state", "number", "at", "minutes", "zone", "zone_from", "any_hour", "agreed_at", "note", "pbx"),
        *("attempts", "put_offs", "reason", "reminded_at", "made_by", "created_at", "changed_at", "ended_at"),
        "version",
    )
    return {name: getattr(call, name) for name in plain} | {
        "user": call.user_id,
        "user_name": shown.user_name,
        "contact": contact,
        "client_time": by_clock(call.at, zone_of(call.zone, company)),
        "manager_time": by_clock(call.at, zone_of(shown.user_zone, company)),
        "detail": reason_in_words(call.reason),
        "command": call.order_id,
        "call": call.call_id,
        "task": call.task_id,
    }


def scheduled_model(shown: ShownScheduled, company: ZoneInfo) -> ScheduledView:
    """A scheduled call as it is shown."""
    return ScheduledView.model_validate(scheduled_values(shown, company))


def scheduled_history(
    shown: ShownScheduled, history: Sequence[ScheduledChange], company: ZoneInfo
) -> ScheduledWithHistory:
    """A scheduled call with its history."""
    changes = tuple(ScheduledChangeView.model_validate(asdict(change)) for change in history)
    return ScheduledWithHistory.model_validate({**scheduled_values(shown, company), "history": changes})


def scheduled_entry(shown: ShownScheduled, company: ZoneInfo, now: datetime, day_end: datetime) -> ScheduledEntryView:
    """A scheduled call as a queue shows it."""
    at = shown.call.at
    section = Section.NOW if at <= now + SOON else Section.TODAY if at < day_end else Section.LATER
    left = int((at - now).total_seconds())
    return ScheduledEntryView(section=section, seconds_left=left, call=scheduled_model(shown, company))


def rule_view(rule: ScheduleRule) -> ScheduleRuleView:
    """The rule as it is shown."""
    values = asdict(rule)
    values.pop("hours")
    return ScheduleRuleView(
        hours_since=_clock(rule.hours.since),
        hours_until=_clock(rule.hours.until),
        weekdays=tuple(sorted(rule.hours.weekdays)),
        **values,
    )


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def minutes_of(text: str) -> int:
    """Minutes from midnight of a time like 09:00."""
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)
