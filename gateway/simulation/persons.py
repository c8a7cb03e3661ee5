"""The persons of a synthetic day with real phones: managers who take calls as planned, clients behind providers.

Every phone is a process of its own (`exchange.phones`) and speaks SIP and sound with the embedded engine on loopback.
A person knows what he is up to (`gateway.simulation.plan`) and what he sees on his own phone, nothing of the engine;
what he saw is the truth that the database is held against.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from exchange.phone_calls import PhoneCall
from exchange.phones import LoopbackPhone, PhoneFailed
from gateway.demo.speech import Sides
from gateway.domain.routing import RouteWhy
from gateway.simulation.account import Seen
from gateway.simulation.day_routing import DayRouting
from gateway.simulation.plan import DayPlan, Origin, OutageKind, PlannedCall, Reaction, Response, extension_of

CALLS_OF_A_SWITCH = 3
"""Calls that a provider's process places at once; its fourth place is for saying that it has none."""
_LOOK = 0.5
_MOMENT = 0.5
"""A phone that was answered so shortly lost the race against a colleague's."""
_OUT_PATIENCE = 15.0
_LONGEST = 7200.0


@dataclass(slots=True, kw_only=True)
class Manager:
    """A manager with his phone."""

    index: int
    phone: LoopbackPhone
    talks: PhoneCall | None = None
    """What he talks in or dials."""
    is_out: bool = False

    @property
    def extension(self) -> str:
        """What he is reached at."""
        return extension_of(self.index)


@dataclass(slots=True, kw_only=True)
class LiveCall:
    """A call as it goes on."""

    planned: PlannedCall
    began: float
    all_busy: bool
    rang: dict[str, None] = field(default_factory=dict)
    parts: list[tuple[str, PhoneCall]] = field(default_factory=list)
    """Who took it, with the call of his phone."""
    client: PhoneCall | None = None
    sent_on: bool = False
    taken: asyncio.Event = field(default_factory=asyncio.Event)

    def talking(self) -> PhoneCall | None:
        """The manager's phone that talks now."""
        return next((call for _, call in reversed(self.parts) if not call.is_over), None)


class Office:
    """Everybody, for one day."""

    def __init__(
        self,
        plan: DayPlan,
        managers: Sequence[Manager],
        switches: Sequence[LoopbackPhone],
        *,
        did: str,
        sides: Sides,
        routing: DayRouting | None = None,
    ) -> None:
        """Args:
        plan: what everybody is up to.
        managers: with registered phones.
        switches: of the providers.
        did: the number that clients call.
        sides: what is spoken.
        routing: the site's routes; None: every phone rings.
        """
        self.routing = routing
        self.plan, self.managers, self.switches, self.did, self.sides = plan, managers, switches, did, sides
        self.seen: list[Seen] = []
        self.skipped = 0
        self.began = 0.0
        self._live: dict[str, LiveCall] = {}
        """By the client's number; a client has one phone."""
        self._placed: dict[LoopbackPhone, int] = dict.fromkeys(switches, 0)
        self._tasks: asyncio.TaskGroup | None = None

    @property
    def now(self) -> float:
        """Seconds from the day's begin."""
        return time.time() - self.began

    def hindrance(self, manager: int) -> RouteWhy | None:
        """Why a manager cannot be rung now (`gateway.simulation.day_routing.People`)."""
        if self.managers[manager].talks is not None:
            return RouteWhy.TALKING
        return RouteWhy.OFFLINE if self.managers[manager].is_out else None

    async def live(self) -> None:
        """Live through the day, until the last call is over."""
        self.began = time.time()
        async with asyncio.TaskGroup() as always:
            listening = [always.create_task(self._listen(manager)) for manager in self.managers]
            listening += [always.create_task(self._switch(switch)) for switch in self.switches]
            async with asyncio.TaskGroup() as self._tasks:
                for call in self.plan.calls:
                    self._tasks.create_task(self._at(call))
                for outage in self.plan.wishes.outages:
                    if outage.kind is OutageKind.PHONE:
                        manager = self.managers[outage.manager]
                        self._tasks.create_task(self._out(manager, outage.begins, outage.ends))
            for task in listening:
                task.cancel()

    async def _at(self, planned: PlannedCall) -> None:
        await asyncio.sleep(planned.begins - self.now)
        await self._begin(planned)

    async def _out(self, manager: Manager, begins: float, ends: float) -> None:
        """His phone is switched off for a while; a talk goes on."""
        await asyncio.sleep(begins - self.now)
        manager.is_out = True
        with suppress(PhoneFailed):
            await manager.phone.register(on=False)
        await asyncio.sleep(ends - self.now)
        with suppress(PhoneFailed):
            await manager.phone.register()
        manager.is_out = False

    # who dials

    async def _begin(self, planned: PlannedCall) -> None:
        manager = self.managers[planned.manager]
        is_out = planned.origin is Origin.MANAGER
        can = planned.client not in self._live and not self.plan.is_out(OutageKind.PROVIDER, self.now)
        if is_out and (manager.talks is not None or manager.is_out):
            can = False
        switch = self._free_switch()
        if self.now >= self.plan.seconds or not can or switch is None:
            self.skipped += 1
            return
        live = LiveCall(
            planned=planned, began=time.time(), all_busy=all(m.talks is not None or m.is_out for m in self.managers)
        )
        self._live[planned.client] = live
        try:
            own = await (self._dial_out(live, manager) if is_out else self._dial_in(live, switch))
        except PhoneFailed:
            self.skipped += 1  # the phone itself could not even try
            return
        finally:
            self._live.pop(planned.client, None)
        self._note(live, own)

    def _free_switch(self) -> LoopbackPhone | None:
        free = min(self._placed, key=lambda switch: self._placed[switch])
        return free if self._placed[free] < CALLS_OF_A_SWITCH else None

    async def _dial_in(self, live: LiveCall, switch: LoopbackPhone) -> PhoneCall:
        """A client calls, and waits as long as he is patient."""
        planned = live.planned
        self._placed[switch] += 1
        try:
            did = self.did if self.routing is None else self.routing.did_of(planned.n, self.did)
            call = await switch.dial(did, caller=planned.client, play=self.sides.client, again=True)
            live.client = call
            await self._live_through(live, call, planned.patience)
        finally:
            self._placed[switch] -= 1
        return call

    async def _dial_out(self, live: LiveCall, manager: Manager) -> PhoneCall:
        """A manager calls a client."""
        planned = live.planned
        call = await manager.phone.dial(planned.client, play=self.sides.manager, again=True)
        manager.talks = call
        try:
            await self._live_through(live, call, planned.patience + _OUT_PATIENCE)
        finally:
            manager.talks = None
        if call.moment("answered") is not None:
            live.parts.append((manager.extension, call))
        return call

    async def _live_through(self, live: LiveCall, own: PhoneCall, patience: float) -> None:
        """The caller's side of a call."""
        planned = live.planned
        if not await own.until("answered", patience):
            await own.hang_up()
        elif planned.transfer_after is not None:
            if not await own.until("ended", planned.transfer_after):
                await self._send_on(live)
                await self._talk(live, own, planned.talk - planned.transfer_after)
        else:
            await self._talk(live, own, planned.talk)
        await own.until("ended", 10.0)

    async def _talk(self, live: LiveCall, own: PhoneCall, seconds: float) -> None:
        """Talk, and let the one hang up who is to."""
        if await own.until("ended", seconds):
            return
        other = live.talking() if live.planned.origin is Origin.CLIENT else live.client
        caller_ends = live.planned.client_ends is (live.planned.origin is Origin.CLIENT)
        await (own if caller_ends or other is None else other).hang_up()

    async def _send_on(self, live: LiveCall) -> None:
        """The manager sends the client to a colleague who is free."""
        talking, target = live.talking(), self.managers[live.planned.transfer_to]
        if talking is None or target.talks is not None or target.is_out or talking.phone is target.phone:
            return
        live.sent_on = True
        await talking.transfer(target.extension)

    # who is called

    async def _listen(self, manager: Manager) -> None:
        """A manager hears his phone ring, as often as it does."""
        async with asyncio.TaskGroup() as ringing:
            while True:
                call = await manager.phone.arrived.get()
                ringing.create_task(self._rings(manager, call))

    async def _rings(self, manager: Manager, call: PhoneCall) -> None:
        live = self._live.get(e164(call.caller))
        if live is None or manager.talks is not None:
            with suppress(PhoneFailed):
                await call.refuse(486)
            return
        live.rang[manager.extension] = None
        response = live.planned.responses[manager.index]
        if not await self._answers(call, response, self.sides, who=manager):
            return
        live.parts.append((manager.extension, call))
        if self.routing is not None:
            self.routing.answered(live.planned.client)
        await call.until("ended", _LONGEST)
        if manager.talks is call:
            manager.talks = None

    async def _answers(self, call: PhoneCall, response: Response, sides: Sides, who: Manager | None) -> bool:
        """Let it ring as planned, and take it if it still rings and one is still free."""
        if await call.until("ended", response.after) or response.reaction is Reaction.LETS_RING:
            return False
        if response.reaction is Reaction.REFUSES:
            with suppress(PhoneFailed):
                await call.refuse(486)
            return False
        while who is not None and who.talks is not None:  # he has taken another one meanwhile
            if await call.until("ended", _LOOK):
                return False
        if who is not None:
            who.talks = call
        with suppress(PhoneFailed):
            await call.answer(play=sides.client if who is None else sides.manager, again=True)
        if await call.until("answered", 5.0):
            return True
        if who is not None and who.talks is call:
            who.talks = None
        return False

    async def _switch(self, switch: LoopbackPhone) -> None:
        """Clients are called by way of their provider."""
        async with asyncio.TaskGroup() as ringing:
            while True:
                call = await switch.arrived.get()
                ringing.create_task(self._client_rings(call))

    async def _client_rings(self, call: PhoneCall) -> None:
        live = self._live.get(e164(call.dialled))
        if live is None or self.plan.is_out(OutageKind.PROVIDER, self.now):
            with suppress(PhoneFailed):
                await call.refuse(503)
            return
        live.client = call
        await self._answers(call, live.planned.responses[0], self.sides, who=None)

    # what was seen

    def _note(self, live: LiveCall, own: PhoneCall) -> None:
        parts = [(who, _lasted(call)) for who, call in live.parts]
        if len(parts) > 1 and not live.sent_on:  # who lost the race by a moment took nothing
            parts = [part for part in parts if part[1] >= _MOMENT] or parts[:1]
        planned, ends = live.planned, own.moment("ended") or time.time()
        answered = own.moment("answered") is not None
        seen = Seen(
            n=planned.n,
            tries=planned.tries,
            origin=planned.origin,
            client=planned.client,
            begins=_aware(live.began),
            ends=_aware(ends),
            talk=timedelta(seconds=sum(lasted for _, lasted in parts)) if answered else timedelta(0),
            taken_by=tuple(dict.fromkeys(who for who, _ in parts)) if answered else (),
            rang=tuple(live.rang),
            sent_on=live.sent_on,
            all_busy=live.all_busy,
            code=0 if answered or own.code == 487 else own.code,
        )
        self.seen.append(seen)
        if self.routing is not None:
            took = tuple(m.index for who in seen.taken_by for m in self.managers if m.extension == who)
            self.routing.over(planned.client, planned.client, took, seen.ends)
        if not seen.answered and planned.origin is Origin.CLIENT and self._tasks is not None:
            self._tasks.create_task(self._follow(planned))

    async def _follow(self, planned: PlannedCall) -> None:
        """What comes of a client whom nobody took: he tries again, or is called back."""
        if planned.calls_again_after is not None:
            await asyncio.sleep(min(planned.calls_again_after, self.plan.seconds - self.now))
            await self._begin(planned.again(self.now))
        elif planned.called_back_after is not None:
            await asyncio.sleep(min(planned.called_back_after, self.plan.seconds - self.now))
            await self._begin(planned.back(self.now, planned.manager))


def _lasted(call: PhoneCall) -> float:
    answered = call.moment("answered")
    return (call.moment("ended") or time.time()) - answered if answered is not None else 0.0


def _aware(moment: float) -> datetime:
    return datetime.fromtimestamp(moment, UTC)


def e164(number: str) -> str:
    """A planned client's number as it is shown or dialled: with or without its plus, or with the 8 of long distance."""
    digits = number.removeprefix("+")
    return f"+7{digits[1:]}" if len(digits) == 11 and digits[0] in "78" else f"+{digits}"
