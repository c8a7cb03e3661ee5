"""The desk: the exchange's end of the control socket, where the gateway orders calls and answers questions.

One gateway at a time; one that connects later takes the place of the one before. Nothing waits for it long: a question
that is not answered within `ANSWER_SECONDS` is answered by the house's own plan, and so is every one while no gateway
is there. Who may open the socket is told by its folder and mode (0600), so no password is asked.
"""

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import TypeVar

import structlog

from exchange import control, wire
from exchange.brain import Brain
from exchange.call_orders import not_possible
from exchange.control import Deed, DialReply, Done, RouteReply
from exchange.family import Out
from exchange.options import Places, read_options
from exchange.service import Exchange
from exchange.sounds import seconds_of
from exchange.switchboard import DONE, AskDial, AskRoute, DialAnswer, RouteAnswer, Step, Untaken, Verdict
from gateway import __version__
from gateway.domain.errors import GatewayError

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

ANSWER_SECONDS = 0.15
_GONE = Verdict(reason="leg_gone")
_Reply = TypeVar("_Reply", RouteReply, DialReply)


@dataclass(slots=True, kw_only=True)
class Desk:
    """What is said between the gateway and the exchange."""

    options: str
    """What the exchange was started with."""
    stop: asyncio.Event
    exchange: Exchange | None = None
    ends_when_idle: bool = False
    _writer: asyncio.StreamWriter | None = None
    """The gateway's connection: the last one that told the house. Others may look, and order."""
    _waiting: dict[int, asyncio.Future[RouteReply | DialReply]] = field(default_factory=dict)
    _asks: Iterator[int] = field(default_factory=lambda: count(1))
    _on_their_own: set[str] = field(default_factory=set)
    """Calls whose question was not answered in time: their plan is the house's to the end."""

    # questions

    async def route(self, brain: Brain, question: AskRoute) -> RouteAnswer:
        """Whom a call rings next."""
        assert self.exchange is not None
        house = self.exchange.house
        if question.leg not in self._on_their_own:
            reply = await self._ask(
                control.RouteQuestion(
                    ask=next(self._asks),
                    call=question.leg,
                    did=question.did,
                    caller=question.caller,
                    n=question.n,
                    status=question.status,
                ),
                RouteReply,
            )
            answer = self._read_route(reply.line) if reply is not None else None
            if answer is not None:
                return answer
            if len(self._on_their_own) > 1000:
                self._on_their_own.clear()
            self._on_their_own.add(question.leg)
        return house.fallback(question.did)

    def _read_route(self, line: str) -> RouteAnswer | None:
        """The routing's line (`gateway.domain.routing_answer`); None: the house's own plan holds."""
        assert self.exchange is not None
        house, parts = self.exchange.house, line.split(":")
        if len(parts) != 8 or parts[0] != "TL1" or parts[-1] != "END":
            return None
        _, step, dial, seconds, sound, record, _, _ = parts
        length = float(seconds) if seconds.isdigit() else 0.0
        match step:
            case "dial":
                phones = tuple(one.partition("/")[2] for one in dial.split("&"))
                return RouteAnswer(step=Step.DIAL, endpoints=phones, seconds=length, record=record == "1")
            case "play":
                path = house.sound(sound)
                return RouteAnswer(step=Step.PLAY, sound=path, seconds=seconds_of(path) if path else 0.0)
            case "wait":
                return RouteAnswer(step=Step.WAIT, seconds=length)
            case "hangup":
                return RouteAnswer(step=Step.HANG_UP)
        return None

    async def permission(self, brain: Brain, question: AskDial) -> DialAnswer:
        """Whether a phone may dial."""
        assert self.exchange is not None
        house = self.exchange.house
        alone = house.permission(question.number)
        if house.is_emergency(question.number):
            return alone
        reply = await self._ask(
            control.DialQuestion(
                ask=next(self._asks),
                endpoint=question.endpoint,
                extension=house.extension_of(question.endpoint),
                number=question.number,
                transfer=question.transfer,
            ),
            DialReply,
        )
        if reply is None:
            return alone
        return DialAnswer(
            allowed=reply.allowed,
            reason=reply.reason,
            number=reply.number,
            caller_id=reply.caller_id,
            record=house.told.records,
        )

    async def _ask(self, question: control.RouteQuestion | control.DialQuestion, wanted: type[_Reply]) -> _Reply | None:
        if self._writer is None:
            return None
        waiting = self._waiting[question.ask] = asyncio.get_running_loop().create_future()
        try:
            self._say(question)
            async with asyncio.timeout(ANSWER_SECONDS):
                reply = await waiting
        except TimeoutError:
            return None
        finally:
            del self._waiting[question.ask]
        return reply if isinstance(reply, wanted) else None

    def untaken(self, notice: Untaken) -> None:
        """Tell that an order's phone was not taken."""
        self._say(control.Untaken(order_id=notice.order_id, reason=notice.reason, at=time.time()))

    def _say(self, message: control.FromExchange) -> None:
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(control.from_exchange(message))

    # what the gateway says

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, to its end: the gateway's, or of somebody who looks how we stand."""
        assert self.exchange is not None
        hello = control.Hello(
            version=control.VERSION,
            pid=os.getpid(),
            started_at=self.exchange.started_at,
            options=self.options,
            release=__version__,
        )
        writer.write(control.from_exchange(hello))
        try:
            while line := await reader.readline():
                self._take_safely(line, writer)
        except (ConnectionError, ValueError, control.BadLine) as fault:
            log.warning("the gateway's connection was ended", fault=type(fault).__name__)
        finally:
            if self._writer is writer:
                self._writer = None
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    def _take_safely(self, line: bytes, writer: asyncio.StreamWriter) -> None:
        try:
            self._take(line, writer)
        except control.BadLine:
            raise
        except Exception:  # one order that fails must not take the connection and all other orders with it
            log.exception("an order could not be carried out")

    def _take(self, line: bytes, writer: asyncio.StreamWriter) -> None:
        def answer(message: control.FromExchange) -> None:
            if not writer.is_closing():
                writer.write(control.from_exchange(message))

        match control.read_to_exchange(line):
            case RouteReply(ask=ask) | DialReply(ask=ask) as reply:
                waiting = self._waiting.get(ask)
                if waiting is not None and not waiting.done():
                    waiting.set_result(reply)
            case control.Configure() as told:
                self._be_served_by(writer)
                answer(self._configure(told))
            case control.Order() as order:
                verdict = self._order(order)
                answer(Done(id=order.id, reason=verdict.reason, detail=verdict.detail))
            case control.Look(id=id):
                answer(self._look(id))
            case control.Stop(id=id, idle=idle):
                answer(Done(id=id))
                if idle:
                    self.ends_when_idle = True
                else:
                    self.stop.set()

    def _be_served_by(self, writer: asyncio.StreamWriter) -> None:
        """Whoever tells the house is the gateway that answers questions from now on."""
        if self._writer is not None and self._writer is not writer:
            self._writer.close()
        self._writer = writer

    def _configure(self, told: control.Configure) -> Done:
        assert self.exchange is not None
        try:
            self.exchange.house.configure(told)
        except (GatewayError, OSError) as fault:
            return Done(id=told.id, reason="refused", detail=str(fault))
        return Done(id=told.id)

    def _look(self, id: int) -> control.Seen:
        assert self.exchange is not None
        exchange, options = self.exchange, read_options(self.options)
        house, pool = exchange.house, exchange.pool
        return control.Seen(
            id=id,
            at=time.time(),
            started_at=exchange.started_at,
            legs=tuple(exchange.legs()),
            phones=house.seen_phones(),
            trunks=house.seen_trunks(),
            workers=len(pool.workers),
            deaths=pool.deaths,
            release=__version__,
            bind=options.bind,
            port=options.port,
            calls=len(exchange.brains),
            most_workers=options.workers,
            idle_workers=sum(1 for worker in pool.workers.values() if worker.port and worker.idle),
            room=pool.room,
            locks=house.seen_locks(),
            wrong_passwords=house.door.wrong_passwords,
            strangers=house.door.strangers,
            retiring=self.ends_when_idle,
        )

    def _order(self, order: control.Order) -> Verdict:
        """Carry out an order, unless it comes too late."""
        assert self.exchange is not None
        if time.time() > order.until:
            return Verdict(reason="not_connected", detail="the order was read too late")
        if order.deed is Deed.ORIGINATE:
            return self._originate(order)
        leg = order.leg or order.client
        brain = self.exchange.brain_of(leg)
        other = self.exchange.brain_of(order.manager) if order.manager else brain
        if brain is None or other is None:
            return _GONE
        if other is not brain:
            return not_possible("they do not talk with each other")
        verdict, out = _ordered(brain, order, datetime.now(UTC))
        self.exchange.carry_out(brain, out)
        return verdict

    def _originate(self, order: control.Order) -> Verdict:
        assert self.exchange is not None
        exchange = self.exchange
        if exchange.house.endpoint_of(order.number) is None and not exchange.house.lines_may_dial(order.number):
            return Verdict(reason="no_such_number")
        worker = exchange.pool.choose()
        if worker is None:
            return Verdict(reason="failed", detail="all workers of the exchange are taken; try again later")
        brain = exchange.new_brain(worker)
        out = brain.originate(
            order_id=order.order_id,
            endpoint=order.endpoint,
            number=order.number,
            shown=order.shown,
            display=order.display,
            client_caller_id=order.client_caller_id,
            ring_seconds=order.ring_seconds,
            now=datetime.now(UTC),
        )
        exchange.carry_out(brain, out)
        worker.keep_place(order.order_id)  # for the client
        return DONE


def _ordered(brain: Brain, order: control.Order, now: datetime) -> tuple[Verdict, list[Out]]:
    """What a brain makes of an order to its legs."""
    client, manager = order.client, order.manager
    match order.deed:
        case Deed.HANG_UP:
            return brain.hang_up(order.leg, now)
        case Deed.HOLD:
            return brain.hold(client, manager, now)
        case Deed.RESUME:
            return brain.resume(client, manager, now)
        case Deed.SEND_DIGITS:
            return brain.digits(order.leg, order.digits, now)
        case Deed.TRANSFER:
            return brain.transfer(client, manager, order.target, now)
        case Deed.CONSULT:
            return brain.consult(client, manager, order.target, now)
        case Deed.COMPLETE_TRANSFER:
            return brain.complete_transfer(client, manager, now)
        case Deed.ABANDON_TRANSFER:
            return brain.abandon_transfer(client, manager, now)
        case Deed.PAUSE_RECORDING:
            return brain.pause(order.leg, paused=order.paused, now=now)
        case Deed.SPY:
            mode = wire.SpyMode(order.mode)
            return brain.spy(order_id=order.order_id, endpoint=order.endpoint, leg=order.leg, mode=mode, now=now)
        case _:
            return Verdict(reason="failed"), []


@asynccontextmanager
async def open_desk(desk: Desk, places: Places) -> AsyncIterator[None]:
    """Listen on the control socket while the block lasts; a socket that a dead exchange left is removed."""
    path = places.socket
    path.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0o177)
        try:
            listening.bind(places.address(folder))
        finally:
            os.umask(before)
        server = await asyncio.start_unix_server(desk.serve, sock=listening, limit=control.LINE_BYTES)
        async with server:
            yield
    finally:
        os.close(folder)
        path.unlink(missing_ok=True)
