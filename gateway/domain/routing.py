"""Whom an inbound call rings: routes as data, and the choice of one step's people.

A route belongs to a DID and has two lists of steps, for open and for closed hours. The plan of a call is made once,
when its first question comes (`plan_of` of `gateway.domain.routing_choice`): the list that holds at that moment, with
jumps to other routes followed.
Each further question goes on where the last answer left off (`decide`), so the call's own route never changes under
it. Nobody who was rung for a call is rung for it again, whether he refused or let it ring.

Words: a *step* is what the administrator enters, a *decision* what one question of the dialplan is answered, an
*offer* the people it rang. Pure: people, groups and the moment are values, read by `gateway.store`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
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


class RouteStepKind(StrEnum):
    """What a step does."""

    OWNER = "owner"
    GROUP = "group"
    MANAGER = "manager"
    ANNOUNCEMENT = "announcement"
    ROUTE = "route"
    SITE = "site"
    HANG_UP = "hang_up"


LAST_STEPS = frozenset({RouteStepKind.ROUTE, RouteStepKind.SITE, RouteStepKind.HANG_UP})
"""Nothing comes after these."""


class OwnManager(StrEnum):
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


class RouteWhy(StrEnum):
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
    UNTOLD = "untold"
    WAITS = "waits"
    SITE = "site"
    HANG_UP = "hang_up"
    END = "end"
    LATE = "late"


SENTENCES = {
    RouteWhy.CHOSEN: "Step {step}: {name} rings.",
    RouteWhy.LATER: "Step {step}: {name} is free too, but another one's turn came first.",
    RouteWhy.RUNG_BEFORE: "Step {step}: {name} was rung for this call before.",
    RouteWhy.DISMISSED: "Step {step}: {name} is no longer active.",
    RouteWhy.ABSENT: "Step {step}: {name} is absent.",
    RouteWhy.OFF: "Step {step}: {name} is off.",
    RouteWhy.OFF_HOURS: "Step {step}: {name} does not work at this hour.",
    RouteWhy.BREAK: "Step {step}: {name} is on a break.",
    RouteWhy.AFTER_CALL: "Step {step}: {name} still works on the last call.",
    RouteWhy.TALKING: "Step {step}: {name} is talking.",
    RouteWhy.RINGING: "Step {step}: {name} is being rung for another call.",
    RouteWhy.NO_PHONE: "Step {step}: {name} has no phone on this PBX that could be rung;"
    " an extension with an endpoint is missing.",
    RouteWhy.OFFLINE: "Step {step}: {name} has no phone that is registered.",
    RouteWhy.NO_OWNER: "Step {step}: the client has no manager of his own.",
    RouteWhy.SHARED: "Step {step}: several persons call with this number, so nobody's manager is guessed.",
    RouteWhy.GONE: "Step {step}: what it names is not there any more.",
    RouteWhy.PLAYED: "Step {step}: the client hears the announcement.",
    RouteWhy.NOTICE: "Step {step}: the client is told that the call is recorded.",
    RouteWhy.UNTOLD: "Step {step}: the notice was not played to its end, so the call is not recorded.",
    RouteWhy.WAITS: "Step {step}: everybody is busy, the client waits.",
    RouteWhy.SITE: "Step {step}: the site's own route goes on.",
    RouteWhy.HANG_UP: "Step {step}: the call is ended as a missed one.",
    RouteWhy.END: "Step {step}: the route is at its end, so the call is ended as a missed one.",
    RouteWhy.LATE: "Step {step}: the answer took too long, so the PBX went its own way.",
}
"""What came of a step, for people; of one person in it, with the name."""
"""Each reason as a sentence's rest, behind the name of whom it concerns."""

SOON_FREE = frozenset({RouteWhy.TALKING, RouteWhy.RINGING, RouteWhy.AFTER_CALL})
"""Whom it is worth to wait for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a route; a field that its kind does not know is as it stands here."""

    kind: RouteStepKind
    seconds: int = 20
    """How long phones ring."""
    whose: OwnManager = OwnManager.OWNER_OR_LAST
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
    sound: str
    """Of the notice."""
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
    hindrance: RouteWhy | None = None
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

    def managers(self, whose: OwnManager) -> tuple[int, ...]:
        """His own managers, the first one first."""
        wanted = {
            OwnManager.OWNER: (self.owner_id,),
            OwnManager.LAST: (self.last_id,),
            OwnManager.OWNER_OR_LAST: (self.owner_id, self.last_id),
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
    """Whether the notice of the recording was ordered."""
    heard: bool = False
    """Whether it was played to its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What came of a step, or of one person in it."""

    place: int
    why: RouteWhy
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
    record: bool = False
    group: int | None = None
    """The group whose turn came to `users`."""
    seen: tuple[Seen, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Now:
    """Everything the choice asks of the present moment."""

    client: Client
    groups: Mapping[int, Group]
    people: Mapping[int, Person]
