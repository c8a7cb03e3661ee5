"""Inbound routes, groups and decisions as the API takes and shows them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, cast
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import Field

from gateway.api.fields import CursorText, Incoming, Limit, Moment, Outgoing, RowId, Spoken
from gateway.api.missed_views import Did
from gateway.api.problems import refused_value
from gateway.api.task_views import ZoneName
from gateway.api.users import PbxName
from gateway.api.working_hours import DayHours, ExceptionBody, ExceptionView
from gateway.domain.cards import is_zone
from gateway.domain.routing import Action, Decision, OwnManager, Person, Route, RouteStepKind, RouteWhy, Step, Strategy
from gateway.domain.routing_rules import MEMBERS_MAX, SOUND, STEPS_MAX, WAIT_SECONDS_MAX
from gateway.domain.working_time import read_working_time
from gateway.routing.telling import seen_rows
from gateway.store.database import Row
from gateway.store.routing import StoredGroup, StoredRoute, Version, hours_of, step_of, step_row
from gateway.store.routing_calls import Made

Name = Annotated[str, Field(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$")]
VersionField = Annotated[int, Field(ge=1, le=2**31 - 1, description="as it was read; another one is a conflict")]
Sound = Annotated[
    str,
    Field(pattern=SOUND, max_length=204, description="a sound's name without its ending, like custom/closed"),
]


class StepBody(Incoming):
    """One step of a route. A field that its kind does not know is refused."""

    kind: RouteStepKind
    seconds: Annotated[int, Field(ge=1, le=3600)] | None = Field(
        default=None, description="of owner, group and manager: how long phones ring; 20 where left out"
    )
    whose: OwnManager | None = Field(default=None, description="of owner: who is the client's own manager")
    group: RowId | None = None
    user: RowId | None = None
    sound: Sound | None = None
    route: RowId | None = None
    wait_seconds: Annotated[int, Field(ge=0, le=WAIT_SECONDS_MAX)] | None = Field(
        default=None, description="of group: how long the client waits where everybody is busy; 30 where left out"
    )


_OF_KIND: Mapping[RouteStepKind, tuple[str, ...]] = {
    RouteStepKind.OWNER: ("seconds", "whose"),
    RouteStepKind.GROUP: ("seconds", "group", "wait_seconds"),
    RouteStepKind.MANAGER: ("seconds", "user"),
    RouteStepKind.ANNOUNCEMENT: ("sound",),
    RouteStepKind.ROUTE: ("route",),
    RouteStepKind.SITE: (),
    RouteStepKind.HANG_UP: (),
}
_NEEDED = {
    RouteStepKind.GROUP: "group",
    RouteStepKind.MANAGER: "user",
    RouteStepKind.ANNOUNCEMENT: "sound",
    RouteStepKind.ROUTE: "route",
}
_WAIT_SECONDS = 30

Steps = Annotated[tuple[StepBody, ...], Field(max_length=STEPS_MAX)]


class RouteHours(Incoming):
    """When a route is open."""

    timezone: ZoneName
    week: Annotated[tuple[DayHours, ...], Field(min_length=7, max_length=7)] = Field(
        description='seven days, Monday first, like ["09:00-13:00", "14:00-18:00"]'
    )
    exceptions: Annotated[tuple[ExceptionBody, ...], Field(max_length=500)] = ()


class NewRoute(Incoming):
    """A route to be entered."""

    name: Name
    did: Did | None = Field(
        default=None,
        description="our number as the PBX signals it; `*`: every number without a route of its own; null: only other"
        " routes lead to it",
    )
    record: bool = Field(default=False, description="whether trunkline_recording.conf records the call")
    notice: bool = Field(default=False, description="whether the client is told of it before anybody is rung")
    hours: RouteHours | None = Field(
        default=None, description="when it is open; null: the working hours of the number, else of the company"
    )
    steps: Steps = Field(description="in open hours")
    closed_steps: Steps = Field(default=(), description="in closed hours; none: the call is ended as a missed one")


class RouteChange(Incoming):
    """What is to be changed; what is left out stays."""

    version: VersionField
    name: Name | None = None
    did: Did | None = None
    record: bool | None = None
    notice: bool | None = None
    hours: RouteHours | None = None
    steps: Steps | None = None
    closed_steps: Steps | None = None
    archived: bool | None = None


class RoutePath(Incoming):
    """Which route."""

    inbound_route_id: RowId


class ArchivedQuery(Incoming):
    """Which ones."""

    archived: bool = Field(default=False, description="whether archived ones are listed too")


class RouteStepView(Outgoing):
    """One step of a route."""

    kind: RouteStepKind
    seconds: int | None
    whose: OwnManager | None
    group: int | None
    user: int | None
    sound: str | None
    route: int | None
    wait_seconds: int | None


class RouteHoursView(Outgoing):
    """When a route is open."""

    timezone: str
    week: tuple[tuple[str, ...], ...]
    exceptions: tuple[ExceptionView, ...]


class RouteView(Outgoing):
    """An inbound route."""

    id: int
    name: str
    did: str | None
    record: bool
    notice: bool
    hours: RouteHoursView | None
    steps: tuple[RouteStepView, ...]
    closed_steps: tuple[RouteStepView, ...]
    archived: bool
    changed_by: str
    changed_at: datetime
    version: int


class RouteList(Outgoing):
    """The routes."""

    items: tuple[RouteView, ...]


class VersionView(Outgoing):
    """A version that a route had."""

    version: int
    by: str
    at: datetime
    archived: bool
    name: str
    did: str | None
    record: bool
    notice: bool
    hours: RouteHoursView | None
    steps: tuple[RouteStepView, ...]
    closed_steps: tuple[RouteStepView, ...]


class VersionsQuery(Incoming):
    """Which page of versions."""

    limit: Limit = 50
    cursor: CursorText | None = None


class Restore(Incoming):
    """A version that is to hold again."""

    version: VersionField
    to: Annotated[int, Field(ge=1, le=2**31 - 1)] = Field(description="the version whose content is to hold again")


class NewRingGroup(Incoming):
    """A group to be made."""

    name: Name
    strategy: Strategy = Field(
        description="all: together; turn: one by one, the next call begins behind the last; longest_idle: one by one"
    )
    members: Annotated[tuple[RowId, ...], Field(min_length=1, max_length=MEMBERS_MAX)] = Field(
        description="users in their order"
    )


class GroupChange(Incoming):
    """What is to be changed; what is left out stays."""

    version: VersionField
    name: Name | None = None
    strategy: Strategy | None = None
    members: Annotated[tuple[RowId, ...], Field(min_length=1, max_length=MEMBERS_MAX)] | None = None
    archived: bool | None = None


class GroupPath(Incoming):
    """Which group."""

    routing_group_id: RowId


class RingGroupView(Outgoing):
    """A group."""

    id: int
    name: str
    strategy: Strategy
    members: tuple[int, ...]
    last: int | None = Field(description="whom its turn came to last")
    archived: bool
    changed_by: str
    changed_at: datetime
    version: int


class GroupList(Outgoing):
    """The groups."""

    items: tuple[RingGroupView, ...]


class GroupVersionView(Outgoing):
    """A version that a group had."""

    version: int
    by: str
    at: datetime
    archived: bool
    name: str
    strategy: Strategy
    members: tuple[int, ...]


class RoutingPolicyChange(Incoming):
    """What is to hold for all routes; what is left out stays."""

    version: VersionField
    sounds: Annotated[tuple[Sound, ...], Field(max_length=200)] | None = Field(
        default=None, description="the sounds a route may play; they must be there on the PBX"
    )
    notice: Sound | None = Field(default=None, description="the sound that tells of the recording")


class RoutingPolicyView(Outgoing):
    """What holds for all routes."""

    sounds: tuple[str, ...]
    notice: str
    version: int


class RouteTrial(Incoming):
    """A call that might come."""

    did: Did
    pbx: PbxName | None = Field(default=None, description="left out: the only one, or the first")
    caller: Annotated[str, Field(max_length=64)] = Field(default="", description="in any way of writing")
    at: Moment | None = Field(
        default=None,
        description="when it comes; left out: now, with everybody as he is. Else only hours and absences count",
    )


class RouteReasonView(Outgoing):
    """Why somebody is rung or not, or what a step does."""

    step: int = Field(description="from 0")
    user: int | None
    why: RouteWhy
    text: Spoken


class DecisionView(Outgoing):
    """What one question of the dialplan is answered."""

    action: Action
    step: int
    users: tuple[int, ...] = Field(description="who is rung")
    seconds: int
    sound: str | None
    notice: bool = Field(description="whether the sound tells of the recording")
    reasons: tuple[RouteReasonView, ...]


class RouteTrialView(Outgoing):
    """What would be done with a call that nobody takes."""

    route: int | None = Field(description="null: no route holds for this number, the site's own goes on")
    open: bool
    contact: int | None = Field(description="the client's card")
    steps: tuple[RouteStepView, ...] = Field(description="those that hold at that moment, jumps followed")
    decisions: tuple[DecisionView, ...]


class StoredDecisionView(DecisionView):
    """What a question of the dialplan was answered."""

    n: int
    at: datetime
    route: int | None
    before: str = Field(description="what came of the answer before, in the PBX's word")


class CallRoutingView(Outgoing):
    """How a call was routed."""

    call: UUID
    items: tuple[StoredDecisionView, ...]


def step_from(body: StepBody, at: str) -> Step:
    """A step as it was sent.

    Raises:
        InvalidRequestError: it names what its kind does not know, or lacks what it needs.
    """
    given = {name for name in body.model_fields_set if getattr(body, name) is not None} - {"kind"}
    if wrong := sorted(given - set(_OF_KIND[body.kind])):
        raise refused_value(f"{at}/{wrong[0]}", f"A step of the kind {body.kind} has no {wrong[0]}.")
    needed = _NEEDED.get(body.kind)
    if needed is not None and needed not in given:
        raise refused_value(f"{at}/{needed}", f"A step of the kind {body.kind} needs a {needed}.")
    waits = {"wait_seconds": _WAIT_SECONDS} if body.kind is RouteStepKind.GROUP else {}
    return step_of({"kind": body.kind, **waits, **{name: getattr(body, name) for name in given}})


def steps_from(bodies: Sequence[StepBody], at: str) -> tuple[Step, ...]:
    """Steps as they were sent."""
    return tuple(step_from(body, f"{at}/{place}") for place, body in enumerate(bodies))


def hours_row(hours: RouteHours | None) -> Row | None:
    """A route's own hours as they are stored.

    Raises:
        InvalidRequestError: the zone is not known, or a day is named twice.
        HoursError: they are none.
    """
    if hours is None:
        return None
    if not is_zone(hours.timezone):
        raise refused_value("hours/timezone", "No time zone of this name is known; write one like Europe/Warsaw.")
    days = {e.day: e.hours for e in hours.exceptions}
    if len(days) < len(hours.exceptions):
        raise refused_value("hours/exceptions", "A day is named twice.")
    read_working_time(ZoneInfo(hours.timezone), hours.week, days)
    return hours.model_dump(mode="json")


def route_of(values: Mapping[str, object], *, id: int = 0) -> Route:
    """A route of stored values, as its rules look at it."""
    return Route(
        id=id,
        name=str(values["name"]),
        did=cast("str | None", values["did"]),
        record=bool(values["record"]),
        notice=bool(values["notice"]),
        hours=hours_of(cast("Row | None", values["hours"]), ZoneInfo("UTC")),
        steps=tuple(step_of(s) for s in cast(Sequence[Row], values["steps"])),
        closed_steps=tuple(step_of(s) for s in cast(Sequence[Row], values["closed_steps"])),
    )


_STEP_FIELDS = ("seconds", "whose", "group", "user", "sound", "route", "wait_seconds")


def step_view(step: Step) -> RouteStepView:
    """A step as it is shown."""
    row = step_row(step)
    return RouteStepView(kind=step.kind, **{name: row.get(name) for name in _STEP_FIELDS})  # type: ignore[arg-type]


def route_view(stored: StoredRoute) -> RouteView:
    """A route as it is shown."""
    route = stored.route
    return RouteView(
        id=route.id,
        name=route.name,
        did=route.did,
        record=route.record,
        notice=route.notice,
        hours=RouteHoursView.model_validate(stored.entered_hours) if stored.entered_hours else None,
        steps=tuple(map(step_view, route.steps)),
        closed_steps=tuple(map(step_view, route.closed_steps)),
        archived=stored.archived_at is not None,
        changed_by=stored.changed_by,
        changed_at=stored.changed_at,
        version=route.version,
    )


def version_view(kept: Version) -> VersionView:
    """A version of a route as it is shown."""
    route, hours = route_of(kept.body), cast("Row | None", kept.body["hours"])
    return VersionView(
        version=kept.version,
        by=kept.by,
        at=kept.at,
        archived=bool(kept.body.get("archived")),
        name=route.name,
        did=route.did,
        record=route.record,
        notice=route.notice,
        hours=RouteHoursView.model_validate(hours) if hours else None,
        steps=tuple(map(step_view, route.steps)),
        closed_steps=tuple(map(step_view, route.closed_steps)),
    )


def group_view(stored: StoredGroup) -> RingGroupView:
    """A group as it is shown."""
    return RingGroupView(
        id=stored.group.id,
        name=stored.group.name,
        strategy=stored.group.strategy,
        members=stored.group.members,
        last=stored.group.last,
        archived=stored.archived_at is not None,
        changed_by=stored.changed_by,
        changed_at=stored.changed_at,
        version=stored.version,
    )


def group_version_view(kept: Version) -> GroupVersionView:
    """A version of a group as it is shown."""
    return GroupVersionView(
        version=kept.version,
        by=kept.by,
        at=kept.at,
        archived=bool(kept.body.get("archived")),
        name=str(kept.body["name"]),
        strategy=Strategy(str(kept.body["strategy"])),
        members=tuple(cast(Sequence[int], kept.body["members"])),
    )


def decision_view(decision: Decision, people: Mapping[int, Person]) -> DecisionView:
    """A tried decision as it is shown."""
    return DecisionView(
        action=decision.action,
        step=decision.place,
        users=decision.users,
        seconds=decision.seconds,
        sound=decision.sound,
        notice=decision.notice,
        reasons=tuple(RouteReasonView.model_validate(row) for row in seen_rows(decision.seen, people)),
    )


def made_view(made: Made, route: int | None) -> StoredDecisionView:
    """A decision that was made as it is shown."""
    reasons = cast(Sequence[Row], made.body["seen"])
    return StoredDecisionView(
        n=made.n,
        at=made.at,
        route=route,
        before=str(made.body["status"]),
        action=Action(made.action),
        step=made.place,
        users=made.users,
        seconds=cast(int, made.body["seconds"]),
        sound=cast("str | None", made.body["sound"]),
        notice=bool(made.body["notice"]),
        reasons=tuple(RouteReasonView.model_validate(row) for row in reasons),
    )
