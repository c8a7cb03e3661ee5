"""The Asterisk engine: orders to one PBX, and the little that only AMI can tell.

How it fits: it is the `Telephony` of one PBX (`gateway.domain.ports`), built on a session of `sip.ami`. Calls come back
through the journal, never from here; `note` takes the rows that are ours (hold, a refused order). The composition root
runs `run()` beside the journal's reader. Rules of orders: `sip.asterisk_orders`; of hints: `sip.asterisk_watch`.

An order is sent once. If the connection breaks before Asterisk's first answer nobody can know whether a phone rings:
the outcome is `unknown` and a person decides. A refused login does not stop the gateway, since the journal still
carries every call; it is logged, shown in `state`, and tried again each minute.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog

from gateway.domain.errors import Rejected, TryAgain
from gateway.domain.legs import LegEvent
from gateway.domain.ports import OrderOutcome, SeenEndpoint
from sip.ami import AmiSession, Snapshot
from sip.ami_actions import ORIGINATE_ANSWER_SECONDS
from sip.ami_answers import read_number
from sip.ami_errors import ActionTimedOut, AuthenticationRefused, ConnectionLost, NotConnected
from sip.ami_protocol import Fields, Kind, Message
from sip.asterisk_asking import Legs, accepted, refused, unknown
from sip.asterisk_calls import CallOrders
from sip.asterisk_orders import CALL_CONTEXT, DialTemplate, ending, failure, needs_cause, originate_fields, refusal
from sip.asterisk_questions import Standing, ask_endpoints, ask_standing, ask_value
from sip.asterisk_supervision import SupervisionOrders
from sip.asterisk_watch import PATIENCE, HangUpWatch, HoldHints

__all__ = ["Asterisk", "AsteriskState", "DialTemplate", "Standing"]

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_TICKS = 10  # within the time that the journal has for a row
_HANG_UPS_EVERY = 5  # ticks; going through all open legs costs milliseconds on a busy PBX
_LOGIN_PAUSE = 60.0
_CAUSE_SECONDS = 0.5

Note = Callable[..., Awaitable[None]]
OnRefused = Callable[[str, str, datetime], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class AsteriskState:
    """How the engine is doing, for readiness and metrics; it holds no caller's data."""

    connected: bool
    login_refused: bool
    journal_silent_since: datetime | None
    """Alarm: AMI told a hang-up, the channel is gone, and no row of it came within ten seconds."""
    hints_ignored: int
    """Hold events that fitted no open leg."""
    orders_waiting: int
    """Click-to-calls whose first phone still rings."""


class Asterisk(CallOrders, SupervisionOrders):
    """One PBX under our orders; `run` must run while it is used."""

    def __init__(
        self,
        session: AmiSession,
        *,
        pbx: str,
        template: DialTemplate,
        note: Note,
        open_legs: Callable[[], Legs],
        on_refused: OnRefused,
        last_row_at: Callable[[], datetime | None] = lambda: None,
        on_connect: Callable[[], None] = lambda: None,
        patience: timedelta = PATIENCE,
    ) -> None:
        """Args:
        session: not running yet; `run` runs it.
        pbx: its name in the settings.
        template: how a click-to-call is dialled.
        note: takes leg events that only we know (`Pipeline.note`).
        open_legs: legs the journal knows as open, with their first event (`Pipeline.open_legs`).
        on_refused: told of an accepted order that the manager's phone did not take: its id, a plain reason,
            the PBX's moment. The row of it is noted before.
        last_row_at: when the journal's last row was read, by our clock; None: none yet.
        on_connect: called after every connect, such as to reconcile at once.
        patience: how long the journal's row may come after the AMI event of the same thing.
        """
        super().__init__(session, template=template, open_legs=open_legs)
        self.pbx = pbx
        self._session = session
        self._note = note
        self._on_refused = on_refused
        self._last_row_at = last_row_at
        self._on_connect = on_connect
        self._holds = HoldHints(patience=patience)
        self._hang_ups = HangUpWatch(patience=patience)
        self._tick_seconds = patience.total_seconds() / _TICKS
        self._group: asyncio.TaskGroup | None = None
        self._causes: dict[str, asyncio.Future[int]] = {}
        self._login_refused = False
        session.on(("Hold", "Unhold"), self._hear_hold)
        session.on(("Hangup",), self._hear_hang_up)
        session.on_resync(self._connected)

    @property
    def state(self) -> AsteriskState:
        """How the engine is doing at this moment."""
        return AsteriskState(
            connected=self._session.state.connected_since is not None,
            login_refused=self._login_refused,
            journal_silent_since=self._hang_ups.silent_since,
            hints_ignored=self._holds.ignored,
            orders_waiting=len(self._causes),
        )

    async def run(self) -> None:
        """Keep the session, place orders and weigh hints until cancelled."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            try:
                group.create_task(self._keep_session(), name=f"AMI of {self.pbx}")
                await self._weigh_for_ever()
            finally:
                self._group = None

    # orders

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
        """Ring a manager's phone, then dial the client; answered as soon as Asterisk has queued it.

        Args:
            order_id: becomes the id of the first leg; at most 30 characters; stored before.
            endpoint: the manager's endpoint without technology.
            extension: the manager's extension.
            number: the client's number as the PBX dials it.
            caller_id: `Name <number>` or a number for the manager's phone; empty: none.
            client_caller_id: number shown to the client; empty: as the PBX's dialplan has it.
            ring_seconds: how long the manager's phone may ring, 1 to 300; None: the template's.

        Returns:
            Accepted; refused with `not_connected`, `not_allowed`, `no_such_number` or `failed`; unknown with
            `connection_lost` or `no_reply`. That the phone did not answer comes later by `on_refused`.

        Raises:
            BadOrder: a field holds what must not be sent; nothing was.
        """
        fields = originate_fields(
            self._template,
            order_id=order_id,
            endpoint=endpoint,
            extension=extension,
            number=number,
            caller_id=caller_id,
            client_caller_id=client_caller_id,
            ring_seconds=ring_seconds,
            included=self._abilities.included is not False,
        )
        if fields["Context"] == CALL_CONTEXT and not await self._dials(number):
            return refused("no_such_number")  # else Asterisk says so itself, at once
        return await self._place(order_id, fields)

    async def _dials(self, number: str) -> bool:
        """Whether the dialplan knows a number; yes where it does not say."""
        with suppress(TryAgain):
            return await ask_value(self._session, f"DIALPLAN_EXISTS({self._template.context},{number},1)") != "0"
        return True

    async def _place(self, order_id: str, fields: Fields) -> OrderOutcome:
        """Send an Originate; what becomes of the phone's ringing is followed in a task of its own."""
        if self._group is None:
            return refused("not_connected")
        first: asyncio.Future[OrderOutcome] = asyncio.get_running_loop().create_future()
        self._group.create_task(self._follow(order_id, fields, first), name=f"order {order_id}")
        try:
            async with asyncio.timeout(self._template.queue_seconds):
                return await asyncio.shield(first)
        except TimeoutError:
            return unknown("no_reply")

    async def _follow(self, order_id: str, fields: Fields, first: asyncio.Future[OrderOutcome]) -> None:
        """Send an order and stay with it until the manager's phone answered or failed."""

        def finished(message: Message) -> bool:
            if message.kind is not Kind.RESPONSE:
                return message.name == "OriginateResponse"
            at_once = refusal(message, datetime.now(UTC))
            _settle(first, at_once or accepted())
            return at_once is not None

        cause = self._causes[order_id] = asyncio.get_running_loop().create_future()
        try:
            seconds = int(str(fields["Timeout"])) / 1000 + ORIGINATE_ANSWER_SECONDS
            answers = await self._session.exchange("Originate", fields, finished, seconds)
            if answers[-1].kind is not Kind.RESPONSE and failure(answers[-1]):
                await self._tell(order_id, answers[-1], cause, is_call="Exten" in fields)
        except NotConnected:
            _settle(first, refused("not_connected"))
        except Rejected:
            _settle(first, refused("failed"))
        except (ConnectionLost, ActionTimedOut) as broken:
            reason = "no_reply" if isinstance(broken, ActionTimedOut) else "connection_lost"
            _settle(first, unknown(reason))
            log.warning("end of an order not seen", pbx=self.pbx, order=order_id, reason=reason)
        finally:
            if self._causes.get(order_id) is cause:
                del self._causes[order_id]

    async def _tell(self, order_id: str, response: Message, cause: asyncio.Future[int], *, is_call: bool) -> None:
        """Note a refusal and hand it on; where Asterisk does not say why, the leg's hang-up may, a moment later."""
        if needs_cause(response):
            await asyncio.wait([cause], timeout=_CAUSE_SECONDS)
        told = cause.result() if cause.done() else None
        end = ending(order_id, response, cause=told, now=datetime.now(UTC))
        log.info("order refused", pbx=self.pbx, order=order_id, reason=end.reason)
        if end.event is not None and is_call:  # an order to listen makes no call
            await self._noted(end.event)
        try:
            await self._on_refused(order_id, end.reason, end.at)
        except Exception as error:  # noqa: BLE001 - foreign code at the top of a task must not end the engine
            log.error("refusal not taken", pbx=self.pbx, order=order_id, error=type(error).__name__)

    # what the PBX knows

    async def endpoints(self) -> Sequence[SeenEndpoint]:
        """The endpoints the PBX knows, with the extension it calls them by, for proposals.

        Raises:
            ActionDenied, NotConnected, ConnectionLost, ActionTimedOut: as `AmiActions.action`.
        """
        return await ask_endpoints(self._session, self.pbx)

    async def standing(self) -> Standing | None:
        """The channels and the start of Asterisk as it tells them now; None: it cannot be asked."""
        return await ask_standing(self._session)

    # hints

    async def _weigh_for_ever(self) -> None:
        while True:
            for _ in range(_HANG_UPS_EVERY):
                await asyncio.sleep(self._tick_seconds)
                await self._take_holds()
            await self._weigh_hang_ups()

    async def _connected(self, snapshot: Snapshot) -> None:
        self._login_refused = False
        await self._ask_abilities()
        self._on_connect()

    async def _hear_hold(self, event: Message) -> None:
        clock = self._session.state.clock
        self._holds.hear(event, datetime.now(UTC), clock.offset if clock else timedelta())
        await self._take_holds()

    async def _hear_hang_up(self, event: Message) -> None:
        cause = self._causes.get(event.get("Uniqueid", ""))
        if cause is not None and not cause.done() and (told := read_number(event.get("Cause"))) is not None:
            cause.set_result(told)
        self._hang_ups.hear(event, datetime.now(UTC))

    async def _take_holds(self) -> None:
        if self._holds.waiting:
            for event in self._holds.believed(self._open_legs(), datetime.now(UTC)):
                await self._noted(event)

    async def _weigh_hang_ups(self) -> None:
        """Look for hang-ups whose rows are overdue; Asterisk is asked before it becomes an alarm."""
        now = datetime.now(UTC)
        if self._hang_ups.is_due(now):
            before = self._open_legs()
            doubtful = self._hang_ups.doubtful(before, now, self._last_row_at())
            standing = await self.standing() if doubtful else None
            if standing is not None and standing.legs is not None:
                after = self._open_legs()
                gone = {leg for leg in doubtful - standing.legs if leg in after or leg not in before}
                if self._hang_ups.confirm(gone, now):
                    log.error("journal is silent: a hang-up has no row", pbx=self.pbx)
        if self._hang_ups.silent_since is not None and self._hang_ups.settle(self._open_legs(), self._last_row_at()):
            log.info("journal has caught up", pbx=self.pbx)

    async def _noted(self, event: LegEvent) -> None:
        try:
            await self._note(event)
        except Exception as error:  # noqa: BLE001 - the database may be away; a hold or refusal is no reason to end
            log.error("event of ours not stored", pbx=self.pbx, kind=event.kind, error=type(error).__name__)

    async def _keep_session(self) -> None:
        while True:
            try:
                return await self._session.run()
            except AuthenticationRefused:
                self._login_refused = True
                log.error("AMI login refused", pbx=self.pbx)
            await asyncio.sleep(_LOGIN_PAUSE)


def _settle(first: asyncio.Future[OrderOutcome], outcome: OrderOutcome) -> None:
    if not first.done():
        first.set_result(outcome)
