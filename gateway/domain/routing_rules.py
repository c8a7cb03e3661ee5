"""What is wrong with a route before it holds: said in plain words, with the place of each fault.

The same rules are asked when a route is entered, when it is restored, and when a group, a sound or another route that
it uses is to be taken away.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from gateway.domain.errors import Rejected
from gateway.domain.routing import JUMPS_MAX, LAST_STEPS, Route, RouteStepKind, Step

STEPS_MAX = 20
RING_SECONDS_MIN = 5
RING_SECONDS_MAX = 120
ROUTE_SECONDS_MAX = 600
"""Of ringing and waiting, all steps together: longer than a client will listen, and than most trunks let ring."""
WAIT_SECONDS_MAX = 300
MEMBERS_MAX = 50
SOUND = r"^[A-Za-z0-9_-]{1,40}(/[A-Za-z0-9_-]{1,40}){0,4}$"
"""A sound file's name without its ending, below Asterisk's folder of sounds; no dots, so it cannot lead out of it."""


class SoundError(Rejected, ValueError):
    """This is no name of a sound; write it without ending, like custom/closed: letters, digits, _ and - between
    slashes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that is wrong."""

    at: str
    """The way to it in the route as it was entered, like `steps/2/group`."""
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a route may name."""

    groups: Mapping[int, Sequence[int]]
    """Active members of each group."""
    users: Collection[int]
    """Who is active."""
    sounds: Collection[str]
    routes: Mapping[int, Route]
    """The other routes."""


def route_faults(route: Route, known: Known) -> list[Fault]:
    """Everything that is wrong with a route; none: it may hold."""
    faults: list[Fault] = []
    if not route.steps:
        faults.append(Fault(at="steps", detail="A route needs at least one step."))
    for name, steps in (("steps", route.steps), ("closed_steps", route.closed_steps)):
        faults += _list_faults(name, steps, known, route.id)
    return faults + _loop_faults(route, known.routes)


def _list_faults(name: str, steps: Sequence[Step], known: Known, own: int) -> list[Fault]:
    faults = []
    if len(steps) > STEPS_MAX:
        faults.append(Fault(at=name, detail=f"There are {len(steps)} steps; at most {STEPS_MAX} are allowed."))
    for place, step in enumerate(steps):
        at = f"{name}/{place}"
        faults += [Fault(at=f"{at}/{field}", detail=detail) for field, detail in _step_faults(step, known, own)]
        if step.kind in LAST_STEPS and place < len(steps) - 1:
            faults.append(Fault(at=at, detail=f"Nothing comes after the step {step.kind}; remove what follows it."))
    total = sum(_longest(step, known) for step in steps)
    if total > ROUTE_SECONDS_MAX:
        detail = f"The phones could ring for {total} s in all; at most {ROUTE_SECONDS_MAX} s are allowed."
        faults.append(Fault(at=name, detail=detail))
    return faults


def _step_faults(step: Step, known: Known, own: int) -> list[tuple[str, str]]:
    faults = []
    rings = step.kind in (RouteStepKind.OWNER, RouteStepKind.GROUP, RouteStepKind.MANAGER)
    if rings and not RING_SECONDS_MIN <= step.seconds <= RING_SECONDS_MAX:
        detail = f"Phones ring {RING_SECONDS_MIN} to {RING_SECONDS_MAX} seconds in one step, not {step.seconds}."
        faults.append(("seconds", detail))
    if step.kind is RouteStepKind.GROUP and not 0 <= step.wait_seconds <= WAIT_SECONDS_MAX:
        faults.append(("wait_seconds", f"A client waits 0 to {WAIT_SECONDS_MAX} seconds, not {step.wait_seconds}."))
    match step.kind:
        case RouteStepKind.GROUP if step.group not in known.groups:
            faults.append(("group", "There is no group with this id; make it first."))
        case RouteStepKind.GROUP if not known.groups[step.group or 0]:
            faults.append(("group", "This group has no active member, so it would ring nobody."))
        case RouteStepKind.MANAGER if step.user not in known.users:
            faults.append(("user", "Nobody who is active has this id."))
        case RouteStepKind.ANNOUNCEMENT if step.sound not in known.sounds:
            faults.append(("sound", "This sound is not in the list of allowed ones; add it there first."))
        case RouteStepKind.ROUTE if step.route not in known.routes and step.route != own:
            faults.append(("route", "There is no other route with this id."))
    return faults


def _longest(step: Step, known: Known) -> int:
    """How long a step may take at most: a group that is rung one after the other takes each one's time."""
    match step.kind:
        case RouteStepKind.GROUP:
            return step.seconds + step.wait_seconds
        case RouteStepKind.OWNER | RouteStepKind.MANAGER:
            return step.seconds
        case _:
            return 0


def _loop_faults(route: Route, others: Mapping[int, Route]) -> list[Fault]:
    """Ways that lead back to the route, or too far."""
    routes = {**others, route.id: route}
    faults = []
    for name, steps in (("steps", route.steps), ("closed_steps", route.closed_steps)):
        for place, step in enumerate(steps):
            if step.kind is not RouteStepKind.ROUTE or step.route not in routes:
                continue
            if way := _way_back(route, routes[step.route or 0], routes):
                circle = len(set(way)) < len(way)
                names = " → ".join(routes[id].name for id in way)
                detail = (
                    f"The routes lead in a circle: {names}. A call would go round for ever."
                    if circle
                    else f"The routes lead on too far: {names}. At most {JUMPS_MAX} may follow a number's own."
                )
                faults.append(Fault(at=f"{name}/{place}/route", detail=detail))
    return faults


def _way_back(route: Route, next_: Route, routes: Mapping[int, Route]) -> list[int] | None:
    """Routes along a way from a route through the next one back to one that was passed, or longer than allowed."""
    ways = [(next_, [route.id, next_.id])]
    while ways:
        here, passed = ways.pop()
        if here.id in passed[:-1] or len(passed) > JUMPS_MAX + 1:
            return passed
        jumps = {s.route or 0 for s in (*here.steps, *here.closed_steps) if s.kind is RouteStepKind.ROUTE}
        ways += [(routes[id], [*passed, id]) for id in jumps if id in routes]
    return None


def uses(route: Route, *, group: int | None = None, sound: str | None = None, other: int | None = None) -> bool:
    """Whether a route names this group, this sound or this other route."""
    return any(
        (group is not None and step.group == group and step.kind is RouteStepKind.GROUP)
        or (sound is not None and step.sound == sound and step.kind is RouteStepKind.ANNOUNCEMENT)
        or (other is not None and step.route == other and step.kind is RouteStepKind.ROUTE)
        for step in (*route.steps, *route.closed_steps)
    )


def check_sound(name: str) -> str:
    """The name of a sound.

    Raises:
        SoundError: it is none.
    """
    if not re.fullmatch(SOUND, name):
        raise SoundError
    return name
