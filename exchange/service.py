"""The exchange at work: carries events of workers to the brains of calls, and what those say to journal and workers.

    front --INVITE--> choose a worker --> its Incoming --> Brain --> rows: journal; commands: worker; questions: desk
                                                             ^--- orders of the gateway, by the desk (`exchange.desk`)

A brain is one family of legs at one worker. Everything happens in one event loop, in order; a brain's rows are in the
journal before its commands leave. A worker's death ends its legs with a reason and leaves the other calls alone.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import structlog

from exchange import wire
from exchange.brain import Brain
from exchange.causes import NO_LINE
from exchange.family import Channel, Out, State, cleaned
from exchange.house import Board, House
from exchange.journal import Journal
from exchange.parties import CALL_HEADER, Invite, Refusal
from exchange.pool import Died, WorkerPool, WorkerProcess
from exchange.switchboard import AskDial, AskRoute, DialAnswer, Party, RouteAnswer, Untaken
from exchange.worker_process import CALL_LEGS
from gateway.domain.legs import LegEvent, LegEventKind

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

DIED = "worker_died"
_STILL_WRITTEN = 4.0
"""Seconds since its last change in which a file may still be a dying worker's."""
_PATIENCE = 10.0
"""Seconds in which an INVITE that was let through must reach its worker."""
_START_PATIENCE = 8.0
"""Seconds in which a caller may wait for a worker that starts: his INVITE is repeated after 7.5 seconds for the fourth
time."""
_REPEATED = 40.0
"""Seconds in which an INVITE may be repeated."""
_BUSY = Refusal(code=503, reason="All lines are taken")
Ask = Callable[[Brain, AskRoute], Coroutine[None, None, RouteAnswer]]
AskPermission = Callable[[Brain, AskDial], Coroutine[None, None, DialAnswer]]


@dataclass(slots=True, kw_only=True)
class Exchange:
    """All calls of one exchange."""

    house: House
    journal: Journal
    pool: WorkerPool
    tasks: asyncio.TaskGroup
    route: Ask
    permission: AskPermission
    untaken: Callable[[Untaken], None]
    started_at: float = field(default_factory=time.time)
    brains: dict[Brain, WorkerProcess] = field(default_factory=dict)
    _invites: dict[str, tuple[float, Invite]] = field(default_factory=dict)
    """Let through and not arrived yet, by the front's mark: a Call-ID may be repeated by anybody."""
    _late: dict[str, tuple[float, Invite | None]] = field(default_factory=dict)
    """Not let through, since no worker had room: since when, and who still waits for one that starts."""
    _due: asyncio.Event = field(default_factory=asyncio.Event)

    # calls that arrive

    def choose(self, invite: Invite) -> int | Refusal | None:
        """The worker for a new call (`exchange.parties.Choose`); the caller waits a moment for one that starts."""
        worker = self._beside(invite.phone) if invite.phone is not None else None
        worker = worker or self.pool.choose()
        now = time.monotonic()
        if invite.replaces:
            return Refusal(code=488, reason="Taking over a call is not possible here")
        if worker is None:
            since, waits = self._late.setdefault(invite.mark, (now, invite))
            if waits is not None and self.pool.room_comes and now - since < _START_PATIENCE:
                self._due.set()
                return None
            self._miss(invite.mark, since, waits)
            return _BUSY
        since, waits = self._late.pop(invite.mark, (now, invite))
        if waits is None:  # he asked again when he was given up: he has his missed call
            self._late[invite.mark] = (since, None)
            return _BUSY
        worker.pledge(CALL_LEGS)
        self._invites[invite.mark] = (now + _PATIENCE, invite)
        self._due.set()
        return worker.port

    def _give_up_on_the_late(self) -> None:
        """Calls that waited for a worker and did not ask again, and those that never came to theirs, were missed."""
        now = time.monotonic()
        for mark, (since, waits) in list(self._late.items()):
            if now - since > _REPEATED:
                del self._late[mark]
            elif now - since > _PATIENCE:
                self._miss(mark, since, waits)
        for mark, (until, invite) in list(self._invites.items()):
            if now > until:
                del self._invites[mark]
                self._turned_away(invite)

    def _miss(self, mark: str, since: float, waits: Invite | None) -> None:
        """Somebody who waited for a worker in vain: missed once, however often he asks again."""
        if waits is not None:
            self._late[mark] = (since, None)
            self._turned_away(waits)

    def _beside(self, endpoint: str) -> WorkerProcess | None:
        """The worker where a phone talks already, if it has room for a consultation: only there both can be joined."""
        for brain, worker in self.brains.items():
            if worker.free >= 2 and any(leg.name == endpoint and leg.up for leg in brain.open_legs()):
                return worker
        return None

    def _turned_away(self, invite: Invite) -> None:
        """A client for whom there is no worker is a call too: it was missed."""
        if invite.trunk is None:
            return
        leg = _arrived(self.house, invite)
        now = datetime.now(UTC)
        rows = LegEvent(at=now, kind=LegEventKind.STARTED, leg=leg.id, family=leg.id, channel=leg.channel)
        rows.number, rows.name = cleaned(leg.number, 40), cleaned(leg.display, 80)
        rows.exten = rows.dnid = leg.dialled
        ended = LegEvent(at=now, kind=LegEventKind.HUNG_UP, leg=leg.id, family=leg.id, channel=leg.channel)
        ended.cause, ended.source = NO_LINE, "dialplan/builtin"
        over = LegEvent(at=now, kind=LegEventKind.ENDED, leg=leg.id, family=leg.id, channel=leg.channel)
        self.journal.write((rows, ended, over))
        log.warning("a call was turned away: all workers are taken", trunk=invite.trunk)

    def hear(self, worker: WorkerProcess, event: wire.Event | Died) -> None:
        """What a worker tells."""
        try:
            self._hear(worker, event)
        except Exception:  # an event that cannot be handled must not take the worker and its other call with it
            log.exception("an event of a worker could not be handled", kind=type(event).__name__)

    def _hear(self, worker: WorkerProcess, event: wire.Event | Died) -> None:
        now = datetime.now(UTC)
        match event:
            case wire.Incoming():
                self._arrive(worker, event, now)
            case wire.Ready(port=port):
                self.house.door.admit_worker(port)
            case wire.Recorded(leg=leg):
                self._close_recording(leg)
            case wire.Trouble(leg=leg, text=text):
                log.warning("a worker could not carry out a command", leg=leg, trouble=text)
            case Died(reason=reason):
                log.error("a worker died", reason=reason, legs=len(event.legs))
                self._bury(worker, now)
            case _:
                brain = self.brain_of(event.leg)
                if brain is not None:
                    self.carry_out(brain, brain.take(event, now))

    def _arrive(self, worker: WorkerProcess, event: wire.Incoming, now: datetime) -> None:
        _, invite = self._invites.pop(event.headers.get(CALL_HEADER.lower(), ""), (0.0, None))
        if invite is None:  # nothing the front let through
            id = self.house.new_id()
            worker.send(wire.Name(call=event.call, leg=id))
            worker.send(wire.Refuse(leg=id, code=481))
            return
        leg = _arrived(self.house, invite)
        brain = self._family_of(invite, worker) or self.new_brain(worker)
        worker.send(wire.Name(call=event.call, leg=leg.id))
        worker.keep_place(leg.id)
        self.carry_out(brain, brain.arrive(leg, now))

    def _family_of(self, invite: Invite, worker: WorkerProcess) -> Brain | None:
        """The family of a phone that opens a second line beside its talk."""
        for brain, at in self.brains.items():
            if at is worker and any(leg.name == invite.phone and leg.up for leg in brain.open_legs()):
                return brain
        return None

    # brains

    def new_brain(self, worker: WorkerProcess) -> Brain:
        """A family for a new call at a worker."""
        board = Board(house=self.house, worker=worker)
        board.brain = brain = Brain(board)
        self.brains[brain] = worker
        return brain

    def brain_of(self, leg: str) -> Brain | None:
        """Who carries an open leg."""
        return next((brain for brain in self.brains if brain.found(leg) is not None), None)

    def legs(self) -> list[str]:
        """Ids of all open legs."""
        return [leg.id for brain in self.brains for leg in brain.open_legs()]

    def carry_out(self, brain: Brain, out: Iterable[Out]) -> None:
        """Do what a brain said: rows first, then the rest in order."""
        said = list(out)
        self.journal.write(one for one in said if isinstance(one, LegEvent))
        worker = self.brains[brain]
        for one in said:
            match one:
                case LegEvent():
                    pass
                case AskRoute():
                    self.tasks.create_task(self._asks_route(brain, one), name=f"route of {one.leg}")
                case AskDial():
                    self.tasks.create_task(self._asks_permission(brain, one), name=f"permission of {one.leg}")
                case Untaken():
                    self.untaken(one)
                case wire.Dial():
                    worker.use_place(brain.legs)
                    worker.send(one)
                case _:
                    worker.send(one)
        if brain.over and not brain.hunts:
            self.brains.pop(brain, None)
        self._due.set()

    async def _asks_route(self, brain: Brain, question: AskRoute) -> None:
        answer = await self.route(brain, question)
        if brain in self.brains:
            self.carry_out(brain, brain.routed(question.leg, answer, datetime.now(UTC)))

    async def _asks_permission(self, brain: Brain, question: AskDial) -> None:
        answer = await self.permission(brain, question)
        if brain in self.brains:
            self.carry_out(brain, brain.permitted(question.leg, answer, datetime.now(UTC)))

    async def keep_time(self) -> None:
        """Tell brains of the time at the moments they asked for, until cancelled."""
        while True:
            self._due.clear()
            moments = [due for brain in self.brains if (due := brain.due()) is not None]
            left = (min(moments) - datetime.now(UTC)).total_seconds() if moments else 60.0
            if self._late or self._invites:
                left = min(left, 1.0)
                self._give_up_on_the_late()
            try:
                async with asyncio.timeout(max(0.0, left)):
                    await self._due.wait()
            except TimeoutError:
                for brain in list(self.brains):
                    due = brain.due()
                    if due is not None and due <= datetime.now(UTC):
                        self.carry_out(brain, brain.tick(datetime.now(UTC)))

    # ends

    def _bury(self, worker: WorkerProcess, now: datetime) -> None:
        if worker.port:
            self.house.door.dismiss_worker(worker.port)
        for brain in [brain for brain, at in self.brains.items() if at is worker]:
            recorded = [leg.id for leg in brain.legs.values() if leg.recorded]
            self.carry_out(brain, brain.lose(DIED, now))
            self.brains.pop(brain, None)
            for leg in recorded:
                self._close_recording(leg)

    def end_all(self, reason: str) -> None:
        """The exchange ends: so does every call, with a reason."""
        for brain in list(self.brains):
            self.carry_out(brain, brain.lose(reason, datetime.now(UTC)))
            self.brains.pop(brain, None)

    def _close_recording(self, leg: str) -> None:
        """Give a recording to the intake, which mends what a dead worker left."""
        stem = self.house.places.recordings / leg
        if stem.with_name(f"{leg}-rx.wav").exists():
            stem.with_name(f"{leg}.done").touch(mode=0o640)

    async def close_old_recordings(self) -> None:
        """Give away what an exchange before us left, once its workers, which outlive it a moment, have let go of it."""
        left = {path.name.removesuffix("-rx.wav") for path in self.house.places.recordings.glob("*-rx.wav")}
        while left:
            for leg in [leg for leg in left if not self._is_written(leg)]:
                left.discard(leg)
                self._close_recording(leg)
            await asyncio.sleep(_STILL_WRITTEN / 2)

    def _is_written(self, leg: str) -> bool:
        files = (self.house.places.recordings / f"{leg}-{side}.wav" for side in ("rx", "tx"))
        return any(file.exists() and time.time() - file.stat().st_mtime < _STILL_WRITTEN for file in files)


def _arrived(house: House, invite: Invite) -> Channel:
    name = invite.phone or invite.trunk or ""
    id = house.new_id()
    return Channel(
        id=id,
        channel=house.new_channel(name),
        party=Party.PHONE if invite.phone is not None else Party.TRUNK,
        name=name,
        family=id,
        arrived=True,
        state=State.DIALLED,
        number=house.extension_of(name) if invite.phone is not None else invite.caller,
        display=invite.display if invite.trunk is not None else "",
        dialled=invite.dialled if invite.phone is not None else invite.did or invite.dialled,
    )
