"""A synthetic day in no time: the engine's own brain, with persons who are only planned and a clock that jumps.

The brain of a call (`exchange.brain`) is a pure state machine: it is told what its phones do, and gives commands and
journal rows. Here nobody sends a sound: a planned person answers its commands at the planned moment, and the rows go
the way of every row. So a day of eight hours takes seconds, and what is tried is the brain, the journal's rows, the
fold, the counting and the database, but neither SIP nor sound nor the pool of workers. Inbound calls ring whom the
site's routes say (`gateway.simulation.day_routing`); where there are none every phone, three at once.
"""

import heapq
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from exchange import wire
from exchange.brain import Brain
from exchange.family import Channel, Out
from exchange.switchboard import AskDial, AskRoute, DialAnswer, Party, RouteAnswer, Sounds, Step, Target
from gateway.domain.legs import LegEvent
from gateway.domain.routing import Action, Decision, RouteWhy
from gateway.simulation.account import Seen
from gateway.simulation.day_routing import DayRouting
from gateway.simulation.plan import DayPlan, Origin, OutageKind, PlannedCall, Reaction, Response, extension_of
from gateway.simulation.site_routes import SiteRoutes

TRUNK = "simulated"
DID = "4957770000"
RING_SECONDS = 25.0
_LEGS_OF_A_WORKER = 4
_SOON = 0.05
"""Seconds until a phone says that it rings, or a leg that was told to end has ended."""
_LOOK = 0.5
_BUSY, _CANCELLED, _HUNG_UP = 486, 487, 200
_OUT_PATIENCE = 15.0


@dataclass(slots=True)
class Manager:
    """A planned manager."""

    extension: str
    leg: str = ""
    """The leg in which he talks or dials; empty: he is free."""


@dataclass(slots=True)
class House:
    """Everything around the calls, and the day's clock: seconds from its begin."""

    plan: DayPlan
    begins: datetime
    folder: Path
    routing: DayRouting | None = None
    """The site's routes; None: every phone rings."""
    managers: list[Manager] = field(default_factory=list)
    rows: list[LegEvent] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    skipped: int = 0
    now: float = 0.0
    open: "dict[int, QuickCall]" = field(default_factory=dict)
    _due: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    @property
    def moment(self) -> datetime:
        """The moment of the day."""
        return self.begins + timedelta(seconds=self.now)

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something later."""
        heapq.heappush(self._due, (self.now + seconds, next(self._numbers), action))

    def new_id(self) -> str:
        """An id that was never used."""
        return f"{int(self.begins.timestamp())}.{next(self._numbers)}"

    def is_registered(self, manager: int) -> bool:
        """Whether his phone can be reached."""
        return not self.plan.is_out(OutageKind.PHONE, self.now, manager)

    def hindrance(self, manager: int) -> RouteWhy | None:
        """Why a manager cannot be rung now (`gateway.simulation.day_routing.People`)."""
        if self.managers[manager].leg:
            return RouteWhy.TALKING
        return None if self.is_registered(manager) else RouteWhy.OFFLINE

    def run(self) -> None:
        """Live through the day, until the last call is over."""
        for call in self.plan.calls:
            self.after(call.begins, partial(self.begin, call))
        for outage in self.plan.wishes.outages:
            if outage.kind is OutageKind.WORKER:
                self.after(outage.begins, self._lose_a_worker)
        while self._due:
            self.now, _, action = heapq.heappop(self._due)
            action()

    def begin(self, planned: PlannedCall) -> None:
        """Somebody dials, if he can."""
        caller = self.managers[planned.manager]
        is_out = planned.origin is Origin.MANAGER
        can = not self.plan.is_out(OutageKind.PROVIDER, self.now)
        if is_out and (caller.leg or not self.is_registered(planned.manager)):
            can = False
        if self.now >= self.plan.seconds or not can:
            self.skipped += 1
            return
        QuickCall(self, planned).begin()

    def follow(self, call: PlannedCall) -> None:
        """What comes of a client whom nobody took: he tries again, or is called back."""
        if call.calls_again_after is not None:
            again = call.again(self.now + call.calls_again_after)
            self.after(call.calls_again_after, partial(self.begin, again))
        elif call.called_back_after is not None:
            back = call.back(self.now + call.called_back_after, call.manager)
            self.after(call.called_back_after, partial(self.begin, back))

    def _lose_a_worker(self) -> None:
        """A worker dies with the calls it carries, two at most."""
        for call in list(self.open.values())[:2]:
            call.lose()


@dataclass(slots=True)
class FamilyBoard:
    """What one call's brain sees of the house."""

    house: House
    brain: Brain | None = None
    sounds: Sounds = field(default_factory=Sounds)
    ring_seconds: float = RING_SECONDS
    records: bool = False

    @property
    def recordings(self) -> Path:
        """Where recordings would be."""
        return self.house.folder

    def phones(self, endpoint: str) -> Sequence[Target]:
        """His phone, if it is registered."""
        index = next((n for n, manager in enumerate(self.house.managers) if manager.extension == endpoint), None)
        if index is None or not self.house.is_registered(index):
            return ()
        return (Target(party=Party.PHONE, name=endpoint, uri=f"sip:{endpoint}@phones.invalid"),)

    def endpoint_of(self, extension: str) -> str | None:
        """His phone is called like his extension."""
        return extension if any(manager.extension == extension for manager in self.house.managers) else None

    def lines(self, number: str, *, caller_id: str = "", trunks: Sequence[str] = ()) -> Sequence[Target]:
        """The one trunk, while the provider is there."""
        if self.house.plan.is_out(OutageKind.PROVIDER, self.house.now):
            return ()
        uri = f"sip:{number}@{TRUNK}.invalid"
        return (Target(party=Party.TRUNK, name=TRUNK, uri=uri, number=number, caller_id=caller_id),)

    def new_id(self) -> str:
        """An id that was never used."""
        return self.house.new_id()

    def new_channel(self, name: str) -> str:
        """The name of a leg of that phone or trunk."""
        return f"SIP/{name}-{next(self.house._numbers):08x}"

    def room(self) -> int:
        """Legs that the worker can still carry; the other call of a worker is left out."""
        return _LEGS_OF_A_WORKER - (len(self.brain.open_legs()) if self.brain is not None else 0)


class QuickCall:
    """One planned call with its brain and the persons in it."""

    def __init__(self, house: House, planned: PlannedCall) -> None:
        """Nothing happens before `begin`."""
        self.house, self.planned = house, planned
        board = FamilyBoard(house)
        self.brain = board.brain = Brain(board)
        self.began = house.now
        self.caller = ""
        """Leg of who dialled."""
        self.client = ""
        """Leg of the client."""
        self.talks: dict[str, tuple[int, float, float | None]] = {}
        """By the manager's leg: who, from when, until when."""
        self.rang: dict[str, None] = {}
        self.all_busy = self.sent_on = False
        self.code = 0
        self.is_over = False
        self._legs: dict[str, int] = {}
        """Managers by their legs."""
        self._rings_all = False
        """The route has left the call to the house's own plan."""

    def begin(self) -> None:
        """Dial."""
        house, planned = self.house, self.planned
        is_in = planned.origin is Origin.CLIENT
        self.caller = house.new_id()
        self.all_busy = all(m.leg or not house.is_registered(n) for n, m in enumerate(house.managers))
        house.open[id(self)] = self
        extension = extension_of(planned.manager)
        party, name = (Party.TRUNK, TRUNK) if is_in else (Party.PHONE, extension)
        if is_in:
            self.client = self.caller
        else:
            self._legs[self.caller] = planned.manager
            house.managers[planned.manager].leg = self.caller
        leg = Channel(
            id=self.caller,
            channel=f"SIP/{name}-{next(house._numbers):08x}",
            party=party,
            name=name,
            family=self.caller,
            arrived=True,
            number=planned.client if is_in else extension,
            dialled=self.did if is_in else planned.client,
        )
        self.do(self.brain.arrive(leg, house.moment))
        patience = planned.patience + (0.0 if is_in else _OUT_PATIENCE)
        house.after(patience, self._loses_patience)

    @property
    def did(self) -> str:
        """The number that the client calls."""
        routing = self.house.routing
        return DID if routing is None else routing.did_of(self.planned.n, DID)

    def _loses_patience(self) -> None:
        if not self.talks:
            self._ends(self.caller, _CANCELLED)

    def do(self, outs: Sequence[Out]) -> None:
        """Carry out what the brain gives."""
        house = self.house
        for out in outs:
            match out:
                case LegEvent():
                    house.rows.append(out)
                case AskRoute():
                    self._later(_SOON, partial(self._routed, out))
                case AskDial():
                    self._later(_SOON, partial(self._permitted, out))
                case wire.Dial():
                    house.after(_SOON, partial(self._reached, out.leg, out.uri))
                case wire.Refuse(leg=leg, code=code):
                    self.code = code if leg == self.caller else self.code
                    self._told_to_end(leg, code)
                case wire.HangUp(leg=leg):
                    self._told_to_end(leg, _HUNG_UP)
                case _:
                    pass
        if (due := self.brain.due()) is not None:
            seconds = max(0.0, (due - house.moment).total_seconds())
            self._later(seconds, lambda: self.brain.tick(house.moment))
        if self.brain.over and not self.is_over:
            self._close()

    def _later(self, seconds: float, step: Callable[[], list[Out]]) -> None:
        self.house.after(seconds, lambda: self.do(step()) if not self.is_over else None)

    def _take(self, event: wire.Event) -> None:
        if not self.is_over:
            self.do(self.brain.take(event, self.house.moment))

    def _routed(self, question: AskRoute) -> list[Out]:
        return self.brain.routed(question.leg, self._route(question), self.house.moment)

    def _permitted(self, question: AskDial) -> list[Out]:
        answer = DialAnswer(allowed=True, number=question.number, record=False)
        return self.brain.permitted(question.leg, answer, self.house.moment)

    def _route(self, question: AskRoute) -> RouteAnswer:
        """What the site's route says; without one everybody's phone."""
        routing, house = self.house.routing, self.house
        if routing is None:
            return self._everybody(again=question.n > 0)
        if self._rings_all:
            return self._everybody(again=True)
        asked = routing.ask(
            self.caller,
            self.planned.client,
            self.did,
            question.status,
            house.moment,
            house,
            first=question.n == 0,
        )
        if asked is None or asked.action is Action.SITE:
            self._rings_all = True
            return self._everybody(again=False)
        return self._by_route(routing, asked)

    def _by_route(self, routing: DayRouting, asked: Decision) -> RouteAnswer:
        match asked.action:
            case Action.DIAL:
                phones = tuple(map(extension_of, routing.managers_of(asked)))
                return RouteAnswer(step=Step.DIAL, endpoints=phones, seconds=asked.seconds)
            case Action.PLAY:
                file, seconds = routing.site.played(asked.sound)
                return RouteAnswer(step=Step.PLAY, sound=file, seconds=seconds)
            case Action.WAIT:
                return RouteAnswer(step=Step.WAIT, seconds=asked.seconds)
            case _:
                return RouteAnswer(step=Step.HANG_UP)

    def _everybody(self, *, again: bool) -> RouteAnswer:
        """Everybody's phone, beginning with another one each time; then the end."""
        if again:
            return RouteAnswer(step=Step.HANG_UP)
        everybody = [manager.extension for manager in self.house.managers]
        first = self.planned.n % len(everybody)
        return RouteAnswer(
            step=Step.DIAL, endpoints=(*everybody[first:], *everybody[:first]), seconds=RING_SECONDS, record=False
        )

    # what persons do

    def _reached(self, leg: str, uri: str) -> None:
        """A phone is dialled: it rings, or says at once that it is busy."""
        name = uri.removeprefix("sip:").partition("@")[0]
        index = next((n for n, manager in enumerate(self.house.managers) if manager.extension == name), None)
        response = self.planned.responses[index if index is not None else 0]
        if index is not None:
            self._legs[leg] = index
            if self.house.managers[index].leg:
                return self._ends(leg, _BUSY)
            self.rang[name] = None
        else:
            self.client = leg
        self._take(wire.Ringing(at=self._at, leg=leg))
        if response.reaction is not Reaction.LETS_RING:
            self.house.after(response.after, lambda: self._reacts(leg, index, response))

    @property
    def _at(self) -> float:
        return self.house.moment.timestamp()

    def _rings(self, leg: str) -> bool:
        found = self.brain.found(leg)
        return found is not None and not found.leaving and not found.up

    def _reacts(self, leg: str, index: int | None, response: Response) -> None:
        if self.is_over or not self._rings(leg):
            return
        if response.reaction is Reaction.REFUSES:
            return self._ends(leg, _BUSY)
        if index is None:
            self._take(wire.Answered(at=self._at, leg=leg))
            return self._talks(self.caller, self.planned.manager)
        manager = self.house.managers[index]
        if manager.leg:
            # He has taken another call meanwhile; this one rings on until he is free, or nobody waits any more.
            return self.house.after(_LOOK, lambda: self._reacts(leg, index, response))
        manager.leg = leg
        first = not self.talks
        self._take(wire.Answered(at=self._at, leg=leg))
        self._talks(leg, index, first=first)

    def _talks(self, leg: str, index: int, *, first: bool = True) -> None:
        """A manager and the client hear each other."""
        self.talks[leg] = (index, self.house.now, None)
        if self.house.routing is not None:
            self.house.routing.answered(self.caller)
        if not first:
            return
        planned = self.planned
        self.house.after(planned.talk, self._says_goodbye)
        if planned.transfer_after is not None and planned.transfer_to != index:
            self.house.after(planned.transfer_after, lambda: self._sends_on(leg))

    def _sends_on(self, leg: str) -> None:
        if leg == self._talking and not self.house.managers[self.planned.transfer_to].leg:
            target, self.sent_on = extension_of(self.planned.transfer_to), True
            self._take(wire.Refer(at=self._at, leg=leg, target=target))

    @property
    def _talking(self) -> str:
        """The manager's leg that talks now; empty: none."""
        return next((leg for leg, (_, _, until) in self.talks.items() if until is None), "")

    def _says_goodbye(self) -> None:
        if not self.is_over:
            self._ends(self.client if self.planned.client_ends or not self._talking else self._talking, _HUNG_UP)

    # ends of legs

    def _told_to_end(self, leg: str, code: int) -> None:
        found = self.brain.found(leg)
        code = code if found is not None and found.up else _CANCELLED
        self.house.after(_SOON, lambda: self._ended(leg, code, wire.EndedBy.US))

    def _ends(self, leg: str, code: int) -> None:
        """Whoever is at the far end hangs up, cancels or refuses."""
        self._ended(leg, code, wire.EndedBy.FAR)

    def _ended(self, leg: str, code: int, by: wire.EndedBy) -> None:
        if self.is_over or self.brain.found(leg) is None:
            return
        self._part(leg)
        if leg == self.client:
            for other in self.talks:
                self._stop_talk(other)
        self._take(wire.Ended(at=self._at, leg=leg, code=code, by=by))

    def _part(self, leg: str) -> None:
        index = self._legs.get(leg)
        if index is not None and self.house.managers[index].leg == leg:
            self.house.managers[index].leg = ""
        if leg in self.talks:
            self._stop_talk(leg)

    def _stop_talk(self, leg: str) -> None:
        index, since, until = self.talks[leg]
        self.talks[leg] = (index, since, self.house.now if until is None else until)

    def lose(self) -> None:
        """The worker that carries the call dies."""
        self.do(self.brain.lose("worker_died", self.house.moment))

    def _close(self) -> None:
        """Everybody has hung up: write down what was seen."""
        self.is_over = True
        house, planned = self.house, self.planned
        house.open.pop(id(self))
        for leg in [*self._legs]:
            self._part(leg)
        talk = sum((until or house.now) - since for _, since, until in self.talks.values())
        seen = Seen(
            n=planned.n,
            tries=planned.tries,
            origin=planned.origin,
            client=planned.client,
            begins=house.begins + timedelta(seconds=self.began),
            ends=house.moment,
            talk=timedelta(seconds=talk),
            taken_by=tuple(dict.fromkeys(extension_of(index) for index, _, _ in self.talks.values())),
            rang=tuple(self.rang),
            sent_on=self.sent_on,
            all_busy=self.all_busy,
            code=self.code,
        )
        house.seen.append(seen)
        if house.routing is not None:
            took = tuple(dict.fromkeys(index for index, _, _ in self.talks.values()))
            house.routing.over(self.caller, planned.client, took, house.moment)
        if not seen.answered and planned.origin is Origin.CLIENT:
            house.follow(planned)


def live_through(plan: DayPlan, *, begins: datetime, folder: Path, site: SiteRoutes | None = None) -> House:
    """Carry a plan out in no time.

    Args:
        plan: of the day.
        begins: aware; the moment at which the day shall have begun.
        folder: named in commands that nobody carries out.
        site: the site's routes; None: every phone rings for every call.

    Returns:
        The house after its day: journal rows in the order of time, what the phones saw, calls that never began.
    """
    routing = None if site is None else DayRouting(site, plan.wishes.managers)
    house = House(plan=plan, begins=begins, folder=folder, routing=routing)
    house.managers = [Manager(extension=extension_of(n)) for n in range(plan.wishes.managers)]
    house.run()
    house.rows.sort(key=lambda event: event.at)
    return house
