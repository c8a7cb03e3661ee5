"""What a manager's day looks like from outside: the models of `/me/day`."""

from datetime import date, datetime
from uuid import UUID

from pydantic import Field

from gateway.aftercare.own_day import OwnDay
from gateway.api.fields import Outgoing
from gateway.api.goal_views import ProgressView, progress_view
from gateway.api.queue import QueueEntryView
from gateway.api.scheduled_views import ScheduledEntryView
from gateway.domain.queue import Section
from gateway.store.day import Beside, BesideAgreed
from gateway.store.reading import in_seconds
from gateway.store.returned import Returned


class FirmView(Outgoing):
    """The organisation of a row's client."""

    id: int
    name: str


class LastMissedView(Outgoing):
    """The last call of a client who was missed."""

    call: UUID
    at: datetime
    reason: str = Field(description="like a call's missed_reason, or lost_in_transfer")
    did: str | None
    line: str = Field(description="name of the number, else of its route; empty: nobody named it")
    wait_seconds: float | None
    ring_seconds: float


class HeldView(Outgoing):
    """A colleague who has the client at the moment."""

    user: int
    name: str
    until: datetime | None = Field(description="when his lease ends; null: he is in a call with him")


class BesideView(Outgoing):
    """What a row says further of its client."""

    organisation: FirmView | None
    city: str | None
    heat: str | None = None
    zone: str | None = Field(default=None, description="the client's, as his card says; null: nobody knows")
    local_time: str | None = Field(default=None, description="what his clock shows now")


class TaskRow(BesideView):
    """One task of the day."""

    entry: QueueEntryView
    made_by_name: str | None = Field(description="of the person who made it; null: it came by itself")
    group_total: int | None
    group_open: int | None
    missed: LastMissedView | None = Field(description="of a missed client: his last call")
    held: HeldView | None = Field(description="whoever has him now, also the caller himself")


class AgreedRow(BesideView):
    """One scheduled call of the day."""

    entry: ScheduledEntryView


class ReturnedView(Outgoing):
    """Missed clients by how they came out; see docs/metrics.md."""

    of: int
    in_time: int
    later: int
    never: int
    median_seconds: float | None = Field(description="to the talk, of those who were reached; null: nobody was")


class WeekView(Outgoing):
    """The week so far."""

    goal: int
    done: float
    wanted: float = Field(description="on the days of this week so far on which he works")
    share: float | None = Field(description="null: nothing was wanted yet")


class FiguresView(Outgoing):
    """One's own figures of today."""

    goals: tuple[ProgressView, ...] = Field(description="the first one is the goal of the day, if there is any")
    week: WeekView | None
    calls: int
    calls_in: int
    calls_out: int
    answered: int
    missed: int
    talk_seconds: float
    returned: ReturnedView


class DayView(Outgoing):
    """A manager's day."""

    user: int
    at: datetime
    day: date = Field(description="his day")
    zone: str
    minutes: int | None = Field(description="within how many minutes missed clients are to be returned")
    counts: dict[Section, int] = Field(description="tasks by urgency")
    scheduled_total: int
    figures: FiguresView
    return_now: tuple[TaskRow, ...] = Field(description="missed clients, the nearest deadline first")
    scheduled: tuple[AgreedRow, ...] = Field(description="the nearest first")
    tasks: tuple[TaskRow, ...] = Field(description="by urgency, without those to return")


class DayCounts(Outgoing):
    """How many of each a manager's day has."""

    missed: int = Field(description="clients to return now")
    scheduled: int
    tasks: int = Field(description="without those to return")


def returned_view(found: Returned) -> ReturnedView:
    """Missed clients as they are shown."""
    return ReturnedView(
        of=found.of,
        in_time=found.in_time,
        later=found.later,
        never=found.never,
        median_seconds=found.median_seconds,
    )


def figures_view(day: OwnDay) -> FiguresView:
    """Today's figures as they are shown."""
    week = day.week
    return FiguresView(
        goals=tuple(map(progress_view, day.goals)),
        week=None
        if week is None
        else WeekView(goal=week.goal_id, done=week.done, wanted=week.wanted, share=week.share),
        calls=day.calls,
        calls_in=day.calls_in,
        calls_out=day.calls_out,
        answered=day.answered,
        missed=day.missed,
        talk_seconds=in_seconds(day.talk_us) or 0.0,
        returned=returned_view(day.returned),
    )


def task_row(entry: QueueEntryView, beside: Beside, *, zone: str | None, local_time: str | None) -> TaskRow:
    """A task with what stands beside it."""
    last = beside.missed
    return TaskRow(
        entry=entry,
        organisation=_firm(beside.organisation_id, beside.organisation_name),
        city=beside.city,
        heat=entry.task.contact.heat if entry.task.contact else None,
        zone=zone,
        local_time=local_time,
        made_by_name=beside.made_by_name,
        group_total=beside.group_total,
        group_open=beside.group_open,
        missed=None
        if last is None
        else LastMissedView(
            call=last.call_id,
            at=last.at,
            reason=last.reason,
            did=last.did,
            line=last.line,
            wait_seconds=in_seconds(last.wait_us),
            ring_seconds=in_seconds(last.ring_us) or 0.0,
        ),
        held=_held(beside),
    )


def agreed_row(entry: ScheduledEntryView, beside: BesideAgreed, *, local_time: str) -> AgreedRow:
    """A scheduled call with what stands beside it."""
    return AgreedRow(
        entry=entry,
        organisation=_firm(beside.organisation_id, beside.organisation_name),
        city=beside.city,
        heat=beside.heat,
        zone=entry.call.zone,
        local_time=local_time,
    )


def _firm(id: int | None, name: str | None) -> FirmView | None:
    return None if id is None else FirmView(id=id, name=name or "")


def _held(beside: Beside) -> HeldView | None:
    if beside.talks is not None:
        return HeldView(user=beside.talks, name=beside.talks_name or "", until=None)
    if beside.claimed_by is not None:
        return HeldView(user=beside.claimed_by, name=beside.claimed_name or "", until=beside.claimed_until)
    return None
