"""The embedded engine as a line: what the exchange asks, answered from the database in this process.

How it fits: `gateway.line` opens it in place of a manager session. The house (phones, providers, the plan for a gateway
that is away) is told at each connect, whenever the tables change, and once a minute, since routes change without a
word. Questions go to the routing that also serves dialplans (`gateway.routing.asking`) and to the dial permissions;
both answers are needed within 150 ms, else the exchange goes by the house.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import structlog

from exchange import control
from exchange.directory import may_register
from exchange.engine import EmbeddedEngine
from exchange.options import Options, Places
from exchange.standing import standing_of
from gateway.commands.steps import refused as command_refused
from gateway.domain.dialling import DialPurpose
from gateway.domain.exchange_standing import ExchangeView
from gateway.domain.phone import NumberPlan
from gateway.domain.ports import SeenEndpoint
from gateway.domain.routing import EVERY_NUMBER, Action
from gateway.live import Live
from gateway.routing.asking import LIMIT_MS, Question, RoutedPbx, Router
from gateway.routing.phones import Phones
from gateway.settings import EMBEDDED, Settings
from gateway.store.database import Pool
from gateway.store.dial_permissions import may_dial
from gateway.store.phones import owner_of, phones_of, shown_number_of

log = structlog.get_logger()

_TELL_SECONDS = 60.0
_LOOK_SECONDS = 10.0
_ON_THE_WAY = timedelta(milliseconds=20)
"""What an answer needs to reach the exchange."""
_TEMPLATE = "SIP/{endpoint}"


class ExchangeLine:
    """What the exchange needs of this gateway (`exchange.engine.Office`), and the engine itself."""

    def __init__(self, settings: Settings, pool: Pool, live: Live, plan: Callable[[], NumberPlan]) -> None:
        """Args:
        settings: the site's; the engine is enabled in them.
        pool: the database.
        live: told of orders that came to nothing.
        plan: how numbers are written on the line, at the moment.
        """
        self._settings = settings
        self._pool = pool
        self._live = live
        self._plan = plan
        self._router: Router | None = None
        self.on_connect: list[Callable[[], None]] = []
        self.guests: tuple[control.TrunkOf, ...] = ()
        """Providers on this machine that the demonstration brings along; `configure` tells of them."""
        self.guest_plans: dict[str, control.Fallback] = {}
        """By DID of a guest: whom it rings, whatever the site's routes say."""
        embedded = settings.embedded
        options = Options(
            bind=embedded.bind,
            port=embedded.port,
            rtp_port=embedded.rtp_port,
            rtp_ports=embedded.rtp_ports,
            workers=embedded.workers,
            ahead=min(2, embedded.workers),
        )
        self.engine = EmbeddedEngine(Places(home=settings.home), options, self, pbx=EMBEDDED)

    async def run(self) -> None:
        """Keep the exchange running and answer it, until cancelled."""
        async with asyncio.TaskGroup() as tasks:

            async def endpoints(_: str) -> Sequence[SeenEndpoint]:
                return await self.engine.endpoints()

            routed = RoutedPbx(plan=self._plan(), template=_TEMPLATE)
            zone = self._settings.company.timezone
            self._router = Router(self._pool, self._live, Phones(endpoints, tasks), pbxs={EMBEDDED: routed}, zone=zone)
            tasks.create_task(self._tell_again(), name="house of the exchange")
            tasks.create_task(self._look_again(), name="standing of the exchange")
            await self.engine.run()

    async def _tell_again(self) -> None:
        while True:
            await asyncio.sleep(_TELL_SECONDS)
            self.engine.configure()

    async def _look_again(self) -> None:
        """Keep what it says of itself fresh, for the metrics."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            await self.engine.look()

    async def look(self) -> ExchangeView:
        """How the exchange stands at this moment."""
        await self.engine.look()
        return self.view

    @property
    def view(self) -> ExchangeView:
        """How the exchange stood when it was last asked, some seconds ago."""
        state, seen = self.engine.state, self.engine.seen
        if seen is None or not state.connected:
            trouble = state.trouble or "the exchange does not answer"
            return ExchangeView(standing=None, trouble=trouble, code=state.code or "no_answer")
        return ExchangeView(standing=standing_of(seen))

    # what the exchange asks

    async def house(self) -> control.Configure:
        """The phones, providers and plans as they are now."""
        embedded, company = self._settings.embedded, self._settings.company
        phones = [phone for phone in await phones_of(self._pool, EMBEDDED) if may_register(phone.endpoint)]
        dids = {did for trunk in embedded.trunks for did in trunk.dids}
        everybody = tuple(phone.endpoint for phone in phones)
        office = {did: await self._plan_of(did, everybody) for did in (*sorted(dids), EVERY_NUMBER)}
        office |= self.guest_plans
        return control.Configure(
            id=0,
            phones=tuple(
                control.PhoneOf(endpoint=p.endpoint, extension=p.extension, ha1=p.ha1, ha1_sha256=p.ha1_sha256)
                for p in phones
            ),
            trunks=self.guests
            + tuple(
                control.TrunkOf(
                    name=t.name,
                    host=t.host,
                    port=t.port,
                    user=t.user,
                    password=t.password.get_secret_value() if t.password else "",
                    register=t.registration,
                    from_user=(t.caller_id or "").removeprefix("+"),
                    dids=t.dids,
                    hosts=t.hosts,
                )
                for t in embedded.trunks
            ),
            office=office,
            records=embedded.record,
            ring_seconds=float(embedded.ring_seconds),
            allowed=tuple(map(str, embedded.allowed)),
            region=company.region,
            area_code=next((t.area_code for t in embedded.trunks if t.area_code), ""),
        )

    async def _plan_of(self, did: str, everybody: tuple[str, ...]) -> control.Fallback:
        """Whom a number rings while we are away: those its route rings first, else everybody."""
        if self._router is not None:
            question = Question(pbx=EMBEDDED, uniqueid="house", did=did, caller="", n=0)
            trial = await self._router.try_out(question, datetime.now(UTC), present=False)
            for decision in trial.decisions:
                if decision.action is Action.DIAL:
                    phones = tuple(one.partition("/")[2] for one in decision.phones)
                    return control.Fallback(endpoints=phones, record=decision.record)
        return control.Fallback(endpoints=everybody, record=self._settings.embedded.record)

    async def route(self, question: control.RouteQuestion) -> str:
        """The routing's line for a call; empty: by the house's plan."""
        if self._router is None or question.did in self.guest_plans:
            return ""
        return await self._router.ask(
            Question(
                pbx=EMBEDDED,
                uniqueid=question.call,
                did=question.did,
                caller=question.caller,
                n=question.n,
                status=question.status,
                left=timedelta(milliseconds=LIMIT_MS) - _ON_THE_WAY,
            ),
            datetime.now(UTC),
        )

    async def may_dial(self, question: control.DialQuestion) -> control.DialReply:
        """Whether a phone may dial, by the rules of its owner."""
        async with self._pool.acquire() as connection, connection.transaction():
            owner = await owner_of(connection, EMBEDDED, question.extension)
            if owner is None:
                return control.DialReply(ask=question.ask, allowed=False, reason="nobody")
            verdict = await may_dial(
                connection,
                user_id=owner,
                key_id=None,
                number=question.number,
                purpose=DialPurpose.TRANSFER if question.transfer else DialPurpose.CALL,
                now=datetime.now(UTC),
                plan=self._plan(),
                pbx=EMBEDDED,
            )
            shown = await shown_number_of(connection, user_id=owner, pbx=EMBEDDED, extension=question.extension)
        return control.DialReply(
            ask=question.ask,
            allowed=verdict.allowed,
            reason="" if verdict.reason is None else verdict.reason,
            number=question.number,
            caller_id=shown.removeprefix("+"),
        )

    async def untaken(self, order_id: str, reason: str, at: datetime) -> None:
        """An order's phone was not taken; the journal tells it too."""
        await command_refused(self._pool, self._live, order_id, reason)

    def connected(self) -> None:
        """The exchange is there: look what it has."""
        for hook in self.on_connect:
            hook()
