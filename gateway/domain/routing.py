"""Whom an inbound call rings: routes as data, and the choice of one step's people.

A route belongs to a DID and has two lists of steps, for open and for closed hours. The plan of a call is made once,
when its first question comes (`plan_of`): the list that holds at that moment, with jumps to other routes followed.
Each further question goes on where the last answer left off (`decide`), so the call's own route never changes under
it. Nobody who was rung for a call is rung for it again, whether he refused or let it ring.

Words: a *step* is what the administrator enters, a *decision* what one question of the dialplan is answered, an
*offer* the people it rang. Pure: people, groups and the moment are values, read by `gateway.store`.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from gateway.domain.working_time import WorkingTime

EVERY_NUMBER = "*"
"""The DID of the route that holds for every number which has none of its own."""
WAIT_SECONDS = 3
"""So long a client waits before somebody is looked for again."""
JUMPS_MAX = 5
"""So many routes lead on to another one at most."""


class Strategy(StrEnum):
    """How the members of a group are rung."""

    ALL = "all"
    TURN = "turn"
    LONGEST_IDLE = "longest_idle"


class StepKind(StrEnum):
    """What a step does."""

    OWNER = "owner"
    GROUP = "group"
    MANAGER = "manager"
    ANNOUNCEMENT = "announcement"
    ROUTE = "route"
    SITE = "site"
    HANG_UP = "hang_up"


LAST_STEPS = frozenset({StepKind.ROUTE, StepKind.SITE, StepKind.HANG_UP})
"""Nothing comes after these."""


class Whose(StrEnum):
    """Who is the client's own manager."""

    OWNER = "owner"  # of his card
    LAST = "last"  # who talked with him last
    OWNER_OR_LAST = "owner_or_last"


class Action(StrEnum):
    """What the dialplan is told to do."""

    DIAL = "dial"
    PLAY = "play"
    WAIT = "wait"
    SITE = "site"
    HANG_UP = "hangup"


class Why(StrEnum):
    """What came of a step, or of one person in it."""

    CHOSEN = "chosen"
    LATER = "later"
    RUNG_BEFORE = "rung_before"
    DISMISSED = "dismissed"
    ABSENT = "absent"
    OFF = "off"
    OFF_HOURS = "off_hours"
    BREAK = "break"
    AFTER_CALL = "after_call"
    TALKING = "talking"
    RINGING = "ringing"
    NO_PHONE = "no_phone"
    OFFLINE = "offline"
    NO_OWNER = "no_owner"
    SHARED = "shared"
    GONE = "gone"
    PLAYED = "played"
    NOTICE = "notice"
    WAITS = "waits"
    SITE = "site"
    HANG_UP = "hang_up"
    END = "end"


SENTENCES = {
    Why.CHOSEN: "rings",
    Why.LATER: "is free too, but another one's turn came first",
    Why.RUNG_BEFORE: "was rung for this call before",
    Why.DISMISSED: "is no longer active",
    Why.ABSENT: "is absent",
    Why.OFF: "is off",
    Why.OFF_HOURS: "does not work at this hour",
    Why.BREAK: "is on a break",
    Why.AFTER_CALL: "still works on his last call",
    Why.TALKING: "is talking",
    Why.RINGING: "is being rung for another call",
    Why.NO_PHONE: "has no phone on this PBX that could be rung; give him an extension with an endpoint",
    Why.OFFLINE: "has no phone that is registered",
    Why.NO_OWNER: "the client has no manager of his own",
    Why.SHARED: "several persons call with this number, so nobody's manager is guessed",
    Why.GONE: "is not there any more",
    Why.PLAYED: "is played to the client",
    Why.NOTICE: "the client is told that the call is recorded",
    Why.WAITS: "everybody is busy, the client waits",
    Why.SITE: "the site's own route goes on",
    Why.HANG_UP: "the call is ended as a missed one",
    Why.END: "the route is at its end, so the call is ended as a missed one",
}
"""Each reason as a sentence's rest, behind the name of whom it concerns."""

SOON_FREE = frozenset({Why.TALKING, Why.RINGING, Why.AFTER_CALL})
"""Whom it is worth to wait for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a route; a field that its kind does not know is as it stands here."""

    kind: StepKind
    seconds: int = 20
    """How long phones ring."""
    whose: Whose = Whose.OWNER_OR_LAST
    group: int | None = None
    user: int | None = None
    sound: str | None = None
    route: int | None = None
    wait_seconds: int = 0
    """Of a group: how long the client waits where everybody is busy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """An inbound route."""

    id: int
    name: str
    did: str | None
    """As the PBX signals it; `*`: every number without one; None: only other routes lead to it."""
    record: bool
    notice: bool
    """Whether the client is told of the recording before anybody is rung."""
    hours: WorkingTime | None
    """When it is open; None: the working hours of the number, else of the company."""
    steps: tuple[Step, ...]
    closed_steps: tuple[Step, ...]
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Managers who are rung together or one after the other."""

    id: int
    name: str
    strategy: Strategy
    members: tuple[int, ...]
    """Users in their order."""
    last: int | None = None
    """Whom its turn came to last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The route of one call, from its first question to its end."""

    steps: tuple[Step, ...]
    record: bool
    notice: bool
    open: bool
    """Whether it came in open hours."""
    routes: tuple[int, ...]
    """The routes it comes from: the first is the number's own."""
    version: int
    """Of that one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A manager as he is at the moment."""

    user_id: int
    name: str
    hindrance: Why | None = None
    """Why he is not rung; None: he can be."""
    phones: tuple[str, ...] = ()
    """What the PBX dials."""
    idle_since: datetime | None = None
    """End of his last talk; None: he never talked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """What is known of the caller."""

    contact_id: int | None = None
    owner_id: int | None = None
    last_id: int | None = None
    """Who talked with him last."""
    shared: bool = False
    """Several persons call with this number."""

    def managers(self, whose: Whose) -> tuple[int, ...]:
        """His own managers, the first one first."""
        wanted = {
            Whose.OWNER: (self.owner_id,),
            Whose.LAST: (self.last_id,),
            Whose.OWNER_OR_LAST: (self.owner_id, self.last_id),
        }[whose]
        return tuple(dict.fromkeys(user for user in wanted if user is not None))


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a call is in its plan."""

    place: int = 0
    """The step to be looked at next."""
    rung: frozenset[int] = frozenset()
    """Who was rung for this call."""
    waited: int = 0
    """Seconds the client has waited in this step."""
    told: bool = False
    """Whether the notice of the recording was given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What came of a step, or of one person in it."""

    place: int
    why: Why
    user_id: int | None = None
    """None: it says something of the step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What one question is answered, and why."""

    action: Action
    place: int
    resume: int
    """The step with which the next question goes on."""
    users: tuple[int, ...] = ()
    phones: tuple[str, ...] = ()
    seconds: int = 0
    sound: str | None = None
    notice: bool = False
    """Whether the sound is the notice of the recording."""
    group: int | None = None
    """The group whose turn came to `users`."""
    seen: tuple[Seen, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Now:
    """Everything the choice asks of the present moment."""

    client: Client
    groups: Mapping[int, Group]
    people: Mapping[int, Person]
    notice: str
    """The sound that tells of the recording."""


def plan_of(route: Route, routes: Mapping[int, Route], office: WorkingTime, at: datetime) -> Plan:
    """The steps of a call that comes at a moment, with jumps to other routes followed.

    Args:
        route: of the number.
        routes: all of them.
        office: the working hours that hold where a route has none of its own.
        at: the moment.
    """
    steps: list[Step] = []
    followed: list[int] = []
    here: Route | None = route
    while here is not None and here.id not in followed and len(followed) <= JUMPS_MAX:
        followed.append(here.id)
        own = here.steps if (here.hours or office).includes(at) else here.closed_steps
        steps += [step for step in own if step.kind is not StepKind.ROUTE]
        last = own[-1] if own else None
        here = routes.get(last.route or 0) if last is not None and last.kind is StepKind.ROUTE else None
    return Plan(
        steps=tuple(steps),
        record=route.record,
        notice=route.notice,
        open=(route.hours or office).includes(at),
        routes=tuple(followed),
        version=route.version,
    )


def people_asked(plan: Plan, client: Client, groups: Mapping[int, Group]) -> frozenset[int]:
    """Everybody whom a plan may ring."""
    found: set[int] = set()
    for step in plan.steps:
        match step.kind:
            case StepKind.OWNER:
                found.update(client.managers(step.whose))
            case StepKind.MANAGER if step.user is not None:
                found.add(step.user)
            case StepKind.GROUP if step.group in groups:
                found.update(groups[step.group].members)
    return frozenset(found)


def decide(plan: Plan, progress: Progress, now: Now) -> Decision:
    """What the next question of a call is answered.

    Args:
        plan: of the call.
        progress: how far it is.
        now: client, groups and people as they are.

    Returns:
        Whom to ring, what to play, how long to wait, or how the route ends; with what was seen on the way there.
    """
    seen: list[Seen] = []
    waited = progress.waited
    for place in range(progress.place, len(plan.steps)):
        step = plan.steps[place]
        decision = _by_step(plan, step, place, progress, now, seen, waited)
        if decision is not None:
            return decision
        waited = 0
    seen.append(Seen(place=len(plan.steps), why=Why.END))
    return Decision(action=Action.HANG_UP, place=len(plan.steps), resume=len(plan.steps), seen=tuple(seen))


def _by_step(
    plan: Plan, step: Step, place: int, progress: Progress, now: Now, seen: list[Seen], waited: int
) -> Decision | None:
    """What a step gives; None: it gives nothing, the next one is looked at."""
    match step.kind:
        case StepKind.SITE | StepKind.HANG_UP:
            seen.append(Seen(place=place, why=Why.SITE if step.kind is StepKind.SITE else Why.HANG_UP))
            action = Action.SITE if step.kind is StepKind.SITE else Action.HANG_UP
            return Decision(action=action, place=place, resume=place, seen=tuple(seen))
        case StepKind.ANNOUNCEMENT:
            seen.append(Seen(place=place, why=Why.PLAYED))
            return Decision(action=Action.PLAY, place=place, resume=place + 1, sound=step.sound, seen=tuple(seen))
        case StepKind.ROUTE:
            return None
    rung, hindered = _candidates(step, place, progress.rung, now, seen)
    if not rung:
        if hindered and waited < step.wait_seconds:
            return _notice(plan, progress, now, place, seen) or _waits(step, place, waited, seen)
        return None
    return _notice(plan, progress, now, place, seen) or _rings(step, place, rung, now, seen)


def _notice(plan: Plan, progress: Progress, now: Now, place: int, seen: list[Seen]) -> Decision | None:
    """The notice of the recording, before the first one is rung; None: none is due."""
    if not plan.notice or progress.told:
        return None
    told = (*(s for s in seen if s.place < place), Seen(place=place, why=Why.NOTICE))
    return Decision(action=Action.PLAY, place=place, resume=place, sound=now.notice, notice=True, seen=told)


def _waits(step: Step, place: int, waited: int, seen: list[Seen]) -> Decision:
    seen.append(Seen(place=place, why=Why.WAITS))
    seconds = min(WAIT_SECONDS, step.wait_seconds - waited)
    return Decision(action=Action.WAIT, place=place, resume=place, seconds=seconds, seen=tuple(seen))


def _rings(step: Step, place: int, rung: Sequence[Person], now: Now, seen: list[Seen]) -> Decision:
    group = now.groups.get(step.group or 0)
    together = group is not None and group.strategy is Strategy.ALL
    chosen = rung if together else rung[:1]
    seen += [Seen(place=place, user_id=p.user_id, why=Why.CHOSEN) for p in chosen]
    seen += [Seen(place=place, user_id=p.user_id, why=Why.LATER) for p in rung[len(chosen) :]]
    return Decision(
        action=Action.DIAL,
        place=place,
        resume=place,  # whoever was rung is not rung again, so the step is used up when nobody is left
        users=tuple(p.user_id for p in chosen),
        phones=tuple(phone for p in chosen for phone in p.phones),
        seconds=step.seconds,
        group=group.id if group is not None and group.strategy is Strategy.TURN else None,
        seen=tuple(seen),
    )


def _candidates(step: Step, place: int, rung: Collection[int], now: Now, seen: list[Seen]) -> tuple[list[Person], bool]:
    """Who of a step can be rung, in the order of its strategy, and whether somebody else will be free soon."""
    free: list[Person] = []
    soon = False
    for user in _asked(step, place, now, seen):
        person = now.people.get(user)
        why = Why.GONE if person is None else Why.RUNG_BEFORE if user in rung else person.hindrance
        if why is None and person is not None:
            free.append(person)
        elif why is not None:
            seen.append(Seen(place=place, user_id=user, why=why))
            soon = soon or why in SOON_FREE
    group = now.groups.get(step.group or 0)
    if group is not None and group.strategy is Strategy.LONGEST_IDLE:
        free.sort(key=lambda p: p.idle_since or _NEVER)
    return free, soon


_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


def _asked(step: Step, place: int, now: Now, seen: list[Seen]) -> Sequence[int]:
    """Whom a step would ring, in order; the reason is told where there is nobody."""
    match step.kind:
        case StepKind.OWNER:
            found = now.client.managers(step.whose)
            if not found:
                seen.append(Seen(place=place, why=Why.SHARED if now.client.shared else Why.NO_OWNER))
            return found
        case StepKind.MANAGER if step.user is not None:
            return (step.user,)
        case StepKind.GROUP if step.group in now.groups:
            return _in_turn(now.groups[step.group])
        case _:
            seen.append(Seen(place=place, why=Why.GONE))
            return ()


def _in_turn(group: Group) -> Sequence[int]:
    """The members in their order; in turn, from the one behind whom it came to last."""
    members = group.members
    if group.strategy is not Strategy.TURN or group.last not in members:
        return members
    cut = members.index(group.last) + 1
    return (*members[cut:], *members[:cut])
