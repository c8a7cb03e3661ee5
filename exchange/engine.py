"""The embedded engine as the gateway has it: orders and questions over the control socket, and the exchange's start.

How it fits: it is the `Engine` of the line `embedded` (`gateway.domain.ports`), as `sip.asterisk.Asterisk` is of a PBX.
`run` finds an exchange that runs already, or starts one in a session of its own, so that calls go on when the gateway
ends; it tells the house's configuration at every connect and whenever `configure` is called. Calls come back by the
journal, never from here.

An order is sent once, with a moment after which the exchange does not carry it out. Where no answer came by then, an
order to a call was not done; of a click-to-call nobody says so, since a phone may ring: it is `unknown`.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from itertools import count
from typing import Protocol

import structlog

from exchange import control
from exchange.control import Deed, Done, Order, Seen
from exchange.doorway import NOT_STARTED, ExchangeNotStarted, connect, start
from exchange.options import Options, Places, read_options
from exchange.order_fields import (
    check_digits,
    check_leg,
    check_order_id,
    check_phone,
    check_reason,
    check_target,
    read_call,
)
from gateway import __version__
from gateway.domain.errors import GatewayError
from gateway.domain.ports import Ability, OrderOutcome, OrderState, SeenEndpoint, SpyMode

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

ORDER_SECONDS = 1.0
"""So long an order may take until the exchange reads it."""
STARTING = "starting"
_GRACE = 0.3
_START_SECONDS = 30.0
_PAUSES = (0.2, 0.5, 1.0, 2.0, 5.0)


class Office(Protocol):
    """What the engine needs of the gateway."""

    async def house(self) -> control.Configure:
        """The house as it is now; the id does not matter."""
        ...

    async def route(self, question: control.RouteQuestion) -> str:
        """The routing's line for a call; empty: the house's own plan."""
        ...

    async def may_dial(self, question: control.DialQuestion) -> control.DialReply:
        """Whether a phone may dial."""
        ...

    async def untaken(self, order_id: str, reason: str, at: datetime) -> None:
        """An order's phone was not taken."""
        ...

    def connected(self) -> None:
        """The exchange is there."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeState:
    """How the engine is doing, for readiness."""

    connected: bool
    trouble: str = ""
    """Why not, in a sentence for people."""
    code: str = ""
    """The same in a word for programs, as `exchange.doorway.ExchangeNotStarted` has it."""
    journal_silent_since: None = None
    """Never: its journal is the only thing it tells of a call."""
    hints_ignored: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the exchange says of itself (`gateway.reconcile.Look`)."""

    at: datetime
    legs: frozenset[str] | None
    started_at: datetime | None
    clock_offset: None = None


class EmbeddedEngine:
    """The exchange of this gateway under our orders; `run` must run while it is used."""

    def __init__(self, places: Places, options: Options, office: Office, *, pbx: str = "embedded") -> None:
        """Args:
        places: where the exchange lives.
        options: how it shall run.
        office: the gateway.
        pbx: the line's name.
        """
        self.pbx = pbx
        self._places = places
        self._options = options
        self._office = office
        self._writer: asyncio.StreamWriter | None = None
        self._ids = count(1)
        self._answers: dict[int, asyncio.Future[Done | Seen]] = {}
        self._tasks: asyncio.TaskGroup | None = None
        self._trouble, self._code = "the exchange is starting", STARTING
        self._changed = asyncio.Event()
        self._furnished = asyncio.Event()
        self.failed = False
        """Whether the last try to run an exchange failed; `state` tells why."""
        self.seen: Seen | None = None
        """What it last said of itself; None while it is not there."""
        self.pid: int | None = None
        """Process of the exchange that is connected, or was last."""

    @property
    def state(self) -> ExchangeState:
        """How the engine is doing at this moment."""
        if self._writer is not None:
            return ExchangeState(connected=True)
        return ExchangeState(connected=False, trouble=self._trouble, code=self._code)

    # the connection

    async def run(self) -> None:
        """Keep an exchange running and speak with it, until cancelled; its calls go on afterwards."""
        failures = 0
        while True:
            try:
                async with self._connection() as reader:
                    failures = 0
                    await self._speak(reader)
            except GatewayError as fault:
                if self._trouble != str(fault):
                    log.error("the exchange cannot run", trouble=str(fault))
                self._trouble, self.failed = str(fault), True
                self._code = fault.code if isinstance(fault, ExchangeNotStarted) else NOT_STARTED
            except (OSError, asyncio.IncompleteReadError, control.BadLine):
                self._trouble, self._code = "the connection to the exchange broke", NOT_STARTED
            await asyncio.sleep(_PAUSES[min(failures, len(_PAUSES) - 1)])
            failures += 1

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[asyncio.StreamReader]:
        opened = await connect(self._places)
        if opened is None:
            await start(self._places, self._options)
            opened = await connect(self._places)
        if opened is None:
            raise ExchangeNotStarted
        reader, writer = await asyncio.open_unix_connection(sock=opened, limit=control.LINE_BYTES)
        try:
            async with asyncio.timeout(5.0):
                hello = control.read_from_exchange(await reader.readline())
            if not isinstance(hello, control.Hello) or hello.version != control.VERSION:
                writer.write(control.to_exchange(control.Stop(id=0, idle=True)))
                raise ExchangeNotStarted("an exchange of another version still carries calls; it is waited for")
            if read_options(hello.options) != self._options or hello.release != __version__:
                log.warning(
                    "the exchange is started anew as soon as it carries no call",
                    release=hello.release,
                    other_settings=read_options(hello.options) != self._options,
                )
                writer.write(control.to_exchange(control.Stop(id=0, idle=True)))
            self.pid, self.failed = hello.pid, False
            self._writer = writer
            yield reader
        finally:
            self._writer, self.seen = None, None
            self._furnished.clear()
            writer.close()
            for waiting in self._answers.values():
                if not waiting.done():
                    waiting.cancel()

    async def _speak(self, reader: asyncio.StreamReader) -> None:
        """Take what the exchange says until the connection ends; a torn one ends as a closed one does."""
        trouble = ""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            keeping = tasks.create_task(self._keep_configured(), name="configuration of the exchange")
            try:
                self._office.connected()
                while line := await reader.readline():
                    self._take(line)
            except (OSError, ValueError, control.BadLine) as fault:
                trouble = type(fault).__name__
            finally:
                self._tasks = None
                keeping.cancel()
        log.warning("the exchange has closed the connection", trouble=trouble)

    def _take(self, line: bytes) -> None:
        assert self._tasks is not None
        match control.read_from_exchange(line):
            case (Done(id=id) | Seen(id=id)) as answer:
                waiting = self._answers.get(id)
                if waiting is not None and not waiting.done():
                    waiting.set_result(answer)
            case control.RouteQuestion() as question:
                self._tasks.create_task(self._answer_route(question), name="route of the exchange")
            case control.DialQuestion() as question:
                self._tasks.create_task(self._answer_dial(question), name="permission of the exchange")
            case control.Untaken(order_id=order, reason=reason, at=at):
                moment = datetime.fromtimestamp(at, UTC)
                self._tasks.create_task(_safely(self._office.untaken(order, reason, moment)), name=f"untaken {order}")

    async def _answer_route(self, question: control.RouteQuestion) -> None:
        line = ""
        try:
            line = await self._office.route(question)
        except Exception as fault:  # noqa: BLE001 - a task's top; the call must ring by the house's own plan
            log.error("a call could not be routed; the plan of the house holds", fault=type(fault).__name__)
        self._send(control.RouteReply(ask=question.ask, line=line))

    async def _answer_dial(self, question: control.DialQuestion) -> None:
        try:
            self._send(await self._office.may_dial(question))
        except Exception as fault:  # noqa: BLE001 - a task's top; the exchange then judges by itself
            log.error("a phone's permission could not be looked up", fault=type(fault).__name__)

    def _send(self, message: control.ToExchange) -> None:
        if self._writer is not None:
            self._writer.write(control.to_exchange(message))

    # the house

    def configure(self) -> None:
        """Something in the house has changed: tell the exchange."""
        self._changed.set()

    async def _keep_configured(self) -> None:
        while True:
            self._changed.clear()
            try:
                told = await self._office.house()
            except Exception as fault:  # noqa: BLE001 - the database may be away; the house of before stays
                log.warning("the house could not be read; it stays as it was", fault=type(fault).__name__)
                await asyncio.sleep(_PAUSES[-1])
                continue
            answer = await self._ask(partial(_numbered, told), seconds=10.0)
            if isinstance(answer, Done) and answer.reason:
                self._trouble = answer.detail
                log.error("the exchange refuses its configuration", detail=answer.detail)
            elif isinstance(answer, Done):
                self._furnished.set()
            await self._changed.wait()

    def retire(self) -> None:
        """Let the exchange end as soon as it carries no call: whoever started the gateway by hand has ended it."""
        self._send(control.Stop(id=0, idle=True))

    async def ready(self, seconds: float = _START_SECONDS) -> None:
        """Wait until the exchange runs and knows the house.

        Raises:
            TimeoutError: it does not; `state` tells why.
        """
        async with asyncio.timeout(seconds):
            await self._furnished.wait()

    # questions and orders

    async def _ask(self, make: Callable[[int], control.ToExchange], seconds: float) -> Done | Seen | None:
        """Send something and wait for its answer; None: none came."""
        if self._writer is None:
            return None
        id = next(self._ids)
        waiting: asyncio.Future[Done | Seen] = asyncio.get_running_loop().create_future()
        self._answers[id] = waiting
        try:
            self._send(make(id))
            async with asyncio.timeout(seconds):
                return await waiting
        except TimeoutError:
            return None
        except asyncio.CancelledError:
            if waiting.cancelled():  # the connection broke
                return None
            raise
        finally:
            del self._answers[id]

    async def _order(self, deed: Deed, **fields: object) -> OrderOutcome:
        if self._writer is None:
            return _outcome(OrderState.REFUSED, "not_connected", self._trouble)
        until = time.time() + ORDER_SECONDS

        def make(id: int) -> control.ToExchange:
            return Order(id=id, deed=deed, until=until, **fields)  # type: ignore[arg-type]  # by name, checked before

        answer = await self._ask(make, ORDER_SECONDS + _GRACE)
        if isinstance(answer, Done):
            state = OrderState.REFUSED if answer.reason else OrderState.ACCEPTED
            return _outcome(state, answer.reason, answer.detail)
        if deed is Deed.ORIGINATE:
            return _outcome(OrderState.UNKNOWN, "no_reply")
        if self._writer is None:
            return _outcome(OrderState.UNKNOWN, "connection_lost")
        return _outcome(OrderState.REFUSED, "not_connected", "the exchange did not answer in time; nothing was done")

    def lacks(self, ability: Ability) -> str | None:
        """Nothing: it can do all there is; queues of its own it has none, so nobody needs to be paused there."""
        return None

    async def originate(
        self,
        *,
        order_id: str,
        endpoint: str,
        extension: str,
        number: str,
        caller_id: str,
        client_caller_id: str = "",
        ring_seconds: float | None = None,
    ) -> OrderOutcome:
        """Ring a manager's phone, then dial the client; see `Telephony.originate`."""
        check_order_id(order_id)
        check_phone(endpoint, extension)
        display, shown = read_call(number, caller_id, client_caller_id, ring_seconds)
        return await self._order(
            Deed.ORIGINATE,
            order_id=order_id,
            endpoint=endpoint,
            extension=extension,
            number=number,
            shown=shown,
            display=display,
            client_caller_id=client_caller_id,
            ring_seconds=ring_seconds,
        )

    async def hang_up(self, leg: str) -> OrderOutcome:
        """End a leg by its id."""
        check_leg(leg)
        return await self._order(Deed.HANG_UP, leg=leg)

    async def _pair(self, deed: Deed, order_id: str, client: str, manager: str, target: str = "") -> OrderOutcome:
        check_order_id(order_id)
        check_leg(client)
        check_leg(manager)
        return await self._order(deed, order_id=order_id, client=client, manager=manager, target=target)

    async def hold(self, *, order_id: str, client: str, manager: str) -> OrderOutcome:
        """Let the client hear music; see `CallControl.hold`."""
        return await self._pair(Deed.HOLD, order_id, client, manager)

    async def resume(self, *, order_id: str, client: str, manager: str) -> OrderOutcome:
        """Bring them together again; see `CallControl.resume`."""
        return await self._pair(Deed.RESUME, order_id, client, manager)

    async def transfer(self, *, order_id: str, client: str, manager: str, target: str) -> OrderOutcome:
        """Blind transfer; see `CallControl.transfer`."""
        check_target(target)
        return await self._pair(Deed.TRANSFER, order_id, client, manager, target)

    async def consult(self, *, order_id: str, client: str, manager: str, target: str) -> OrderOutcome:
        """Begin an attended transfer; see `CallControl.consult`."""
        check_target(target)
        return await self._pair(Deed.CONSULT, order_id, client, manager, target)

    async def complete_transfer(self, *, order_id: str, client: str, manager: str) -> OrderOutcome:
        """Join the client and the one who was asked."""
        return await self._pair(Deed.COMPLETE_TRANSFER, order_id, client, manager)

    async def abandon_transfer(self, *, order_id: str, client: str, manager: str) -> OrderOutcome:
        """Go back to the client."""
        return await self._pair(Deed.ABANDON_TRANSFER, order_id, client, manager)

    async def send_digits(self, *, order_id: str, leg: str, digits: str) -> OrderOutcome:
        """Send DTMF to a leg's far end; see `CallControl.send_digits`."""
        check_order_id(order_id)
        check_leg(leg)
        check_digits(digits)
        return await self._order(Deed.SEND_DIGITS, leg=leg, digits=digits)

    async def pause_recording(self, *, order_id: str, leg: str, paused: bool) -> OrderOutcome:
        """Write silence into a recording, or sound again; see `Supervision.pause_recording`."""
        check_order_id(order_id)
        check_leg(leg)
        return await self._order(Deed.PAUSE_RECORDING, leg=leg, paused=paused)

    async def spy(self, *, order_id: str, endpoint: str, extension: str, leg: str, mode: SpyMode) -> OrderOutcome:
        """Let a supervisor hear a manager's leg; see `Supervision.spy`."""
        check_order_id(order_id)
        check_phone(endpoint, extension)
        check_leg(leg)
        return await self._order(
            Deed.SPY, order_id=order_id, endpoint=endpoint, extension=extension, leg=leg, mode=mode.value
        )

    async def pause_in_queues(self, *, endpoint: str, extension: str, paused: bool, reason: str) -> OrderOutcome:
        """Accepted: the exchange has no queues, and whom it rings is asked of the gateway's own routing."""
        check_phone(endpoint, extension)
        check_reason(reason)
        if self._writer is None:
            return _outcome(OrderState.REFUSED, "not_connected", self._trouble)
        return _outcome(OrderState.ACCEPTED, "")

    async def look(self) -> Seen | None:
        """How the exchange stands; None: it does not say."""
        answer = await self._ask(lambda id: control.Look(id=id), ORDER_SECONDS)
        self.seen = answer if isinstance(answer, Seen) else None
        return self.seen

    async def endpoints(self) -> Sequence[SeenEndpoint]:
        """The phones, and whether they are registered."""
        seen = await self.look()
        return [
            SeenEndpoint(
                pbx=self.pbx, name=f"SIP/{p.endpoint}", online=p.contacts > 0, proposed_extension=p.extension or None
            )
            for p in (seen.phones if seen else ())
        ]

    async def standing(self) -> Standing | None:
        """The open legs and the start of the exchange; None: it does not say."""
        seen = await self.look()
        if seen is None:
            return None
        return Standing(
            at=datetime.fromtimestamp(seen.at, UTC),
            legs=frozenset(seen.legs),
            started_at=datetime.fromtimestamp(seen.started_at, UTC),
        )


async def _safely(work: Awaitable[None]) -> None:
    try:
        await work
    except Exception as fault:  # noqa: BLE001 - foreign code at a task's top must not end the engine
        log.error("a refused order was not taken", fault=type(fault).__name__)


def _numbered(told: control.Configure, id: int) -> control.Configure:
    return replace(told, id=id)


def _outcome(state: OrderState, reason: str, detail: str = "") -> OrderOutcome:
    return OrderOutcome(state=state, reason=reason, at=datetime.now(UTC), detail=detail)
