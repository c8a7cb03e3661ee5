"""The choice of whom a call rings: the plan of a call from its routes, and what each question of it is answered.

Everything here takes values and returns values; the words are those of `gateway.domain.routing`.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from gateway.domain.routing import (
    JUMPS_MAX,
    SOON_FREE,
    WAIT_SECONDS,
    Action,
    Client,
    Decision,
    Group,
    Now,
    Person,
    Plan,
    Progress,
    Route,
    RouteStepKind,
    RouteWhy,
    Seen,
    Step,
    Strategy,
)
from gateway.domain.working_time import WorkingTime

HEARD = "SUCCESS"
"""What Playback says of a sound that was played to its end."""


def plan_of(route: Route, routes: Mapping[int, Route], office: WorkingTime, at: datetime, *, sound: str) -> Plan:
    """The steps of a call that comes at a moment, with jumps to other routes followed.

    Args:
        route: of the number.
        routes: all of them.
        office: the working hours that hold where a route has none of its own.
        at: the moment.
        sound: of the notice that the call is recorded.
    """
    steps: list[Step] = []
    followed: list[int] = []
    here: Route | None = route
    while here is not None and here.id not in followed and len(followed) <= JUMPS_MAX:
        followed.append(here.id)
        own = here.steps if (here.hours or office).includes(at) else here.closed_steps
        steps += [step for step in own if step.kind is not RouteStepKind.ROUTE]
        last = own[-1] if own else None
        here = routes.get(last.route or 0) if last is not None and last.kind is RouteStepKind.ROUTE else None
    return Plan(
        steps=tuple(steps),
        record=route.record,
        notice=route.notice,
        sound=sound,
        open=(route.hours or office).includes(at),
        routes=tuple(followed),
        version=route.version,
    )


def people_asked(plan: Plan, client: Client, groups: Mapping[int, Group]) -> frozenset[int]:
    """Everybody whom a plan may ring."""
    found: set[int] = set()
    for step in plan.steps:
        match step.kind:
            case RouteStepKind.OWNER:
                found.update(client.managers(step.whose))
            case RouteStepKind.MANAGER if step.user is not None:
                found.add(step.user)
            case RouteStepKind.GROUP if (group := groups.get(step.group or 0)) is not None:
                found.update(group.members)
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
    record = plan.record and (progress.heard or not plan.notice)
    if plan.record and progress.told and not progress.heard:
        seen.append(Seen(place=progress.place, why=RouteWhy.UNTOLD))
    waited = progress.waited
    for place in range(progress.place, len(plan.steps)):
        step = plan.steps[place]
        decision = _by_step(plan, step, place, progress, now, seen, waited)
        if decision is not None:
            return replace(decision, record=record and decision.action in (Action.DIAL, Action.SITE))
        waited = 0
    seen.append(Seen(place=len(plan.steps), why=RouteWhy.END))
    return Decision(action=Action.HANG_UP, place=len(plan.steps), resume=len(plan.steps), seen=tuple(seen))


def advanced(progress: Progress, decision: Decision, outcome: str) -> Progress:
    """How far a call is behind an answer.

    Args:
        progress: before it.
        decision: what was answered.
        outcome: what came of it, in Asterisk's words.
    """
    waited = progress.waited if decision.resume == progress.place else 0
    return replace(
        progress,
        place=decision.resume,
        rung=progress.rung | set(decision.users),
        waited=waited + (decision.seconds if decision.action is Action.WAIT else 0),
        told=progress.told or decision.notice,
        heard=progress.heard or (decision.notice and outcome == HEARD),
    )


def _by_step(
    plan: Plan, step: Step, place: int, progress: Progress, now: Now, seen: list[Seen], waited: int
) -> Decision | None:
    """What a step gives; None: it gives nothing, the next one is looked at."""
    match step.kind:
        case RouteStepKind.SITE | RouteStepKind.HANG_UP:
            seen.append(Seen(place=place, why=RouteWhy.SITE if step.kind is RouteStepKind.SITE else RouteWhy.HANG_UP))
            action = Action.SITE if step.kind is RouteStepKind.SITE else Action.HANG_UP
            return Decision(action=action, place=place, resume=place, seen=tuple(seen))
        case RouteStepKind.ANNOUNCEMENT:
            seen.append(Seen(place=place, why=RouteWhy.PLAYED))
            return Decision(action=Action.PLAY, place=place, resume=place + 1, sound=step.sound, seen=tuple(seen))
        case RouteStepKind.ROUTE:
            return None
    rung, hindered = _candidates(step, place, progress.rung, now, seen)
    if not rung:
        if hindered and waited < step.wait_seconds:
            return _notice(plan, progress, place, seen) or _waits(step, place, waited, seen)
        return None
    return _notice(plan, progress, place, seen) or _rings(step, place, rung, now, seen)


def _notice(plan: Plan, progress: Progress, place: int, seen: list[Seen]) -> Decision | None:
    """The notice of the recording, before the first one is rung; None: none is due."""
    if not plan.notice or progress.told:
        return None
    told = (*(s for s in seen if s.place < place), Seen(place=place, why=RouteWhy.NOTICE))
    return Decision(action=Action.PLAY, place=place, resume=place, sound=plan.sound, notice=True, seen=told)


def _waits(step: Step, place: int, waited: int, seen: list[Seen]) -> Decision:
    seen.append(Seen(place=place, why=RouteWhy.WAITS))
    seconds = min(WAIT_SECONDS, step.wait_seconds - waited)
    return Decision(action=Action.WAIT, place=place, resume=place, seconds=seconds, seen=tuple(seen))


def _rings(step: Step, place: int, rung: Sequence[Person], now: Now, seen: list[Seen]) -> Decision:
    group = now.groups.get(step.group or 0)
    together = group is not None and group.strategy is Strategy.ALL
    chosen = rung if together else rung[:1]
    seen += [Seen(place=place, user_id=p.user_id, why=RouteWhy.CHOSEN) for p in chosen]
    seen += [Seen(place=place, user_id=p.user_id, why=RouteWhy.LATER) for p in rung[len(chosen) :]]
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
        why = RouteWhy.GONE if person is None else RouteWhy.RUNG_BEFORE if user in rung else person.hindrance
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
        case RouteStepKind.OWNER:
            found = now.client.managers(step.whose)
            if not found:
                seen.append(Seen(place=place, why=RouteWhy.SHARED if now.client.shared else RouteWhy.NO_OWNER))
            return found
        case RouteStepKind.MANAGER if step.user is not None:
            return (step.user,)
        case RouteStepKind.GROUP if (group := now.groups.get(step.group or 0)) is not None:
            return _in_turn(group)
        case _:
            seen.append(Seen(place=place, why=RouteWhy.GONE))
            return ()


def _in_turn(group: Group) -> Sequence[int]:
    """The members in their order; in turn, from the one behind whom it came to last."""
    members = group.members
    if group.strategy is not Strategy.TURN or group.last not in members:
        return members
    cut = members.index(group.last) + 1
    return (*members[cut:], *members[:cut])
