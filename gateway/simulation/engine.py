"""An embedded engine of its own for a synthetic day: an exchange on free ports of loopback, and its journal read.

The exchange, its workers, the journal and the way of every row are those of a site; only the house is made up: as many
phones as the day has managers, providers on loopback, and calls ring whom the site's routes say, or every phone.
"""

import asyncio
import math
import secrets
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psutil

from exchange import control
from exchange.digest import hash_password
from exchange.engine import EmbeddedEngine
from exchange.journal import NAME
from exchange.options import Options, Places
from exchange.phones import LOOPBACK, check_phones, free_port, open_phone
from exchange.rows import read_row
from gateway.demo.speech import lay_out
from gateway.domain.directory import Directory
from gateway.domain.errors import GiveUp
from gateway.domain.phone import NumberPlan
from gateway.domain.routing_answer import answer_line
from gateway.live import Live
from gateway.pipeline import Pipeline
from gateway.reading import read_journal
from gateway.settings import Settings
from gateway.simulation.day_routing import DayRouting
from gateway.simulation.persons import CALLS_OF_A_SWITCH, Manager, Office, e164
from gateway.simulation.plan import DayPlan, OutageKind, WrongWish, course, extension_of
from gateway.simulation.site_routes import SiteRoutes
from gateway.store.database import Pool
from gateway.store.staff import load_tables
from sip.journal import JournalCondition, JournalStatus

PBX = "embedded"
REALM = "trunkline"
DID = "4957770000"
TRUNK = "simulated"
MOST_CALLS = 20
"""Calls at once that the embedded engine is measured for."""
RING_SECONDS = 25.0
_START_SECONDS = 30.0
_QUIET_SECONDS = 30.0
_QUIET_LOOKS = 5
_END_SECONDS = 5.0
_WORKER = "exchange.worker"


class NotQuiet(GiveUp, TimeoutError):
    """The journal of the synthetic day was not read to its end; look at what the exchange says in its log."""


def calls_at_once(plan: DayPlan) -> int:
    """How many calls a day has at once at its busiest, most likely not more (Poisson's mean and three deviations)."""
    wishes = plan.wishes
    busiest = max(course(n / 100) for n in range(100))
    mean = wishes.calls_per_hour / 3600 * busiest * (wishes.talk_seconds + 15)
    return math.ceil(mean + 3 * math.sqrt(mean)) + 1


def check_size(plan: DayPlan) -> None:
    """Whether the engine of one machine can carry the day.

    Raises:
        WrongWish: it cannot; says what would.
    """
    most = min(calls_at_once(plan), plan.wishes.managers + 4)
    if most > MOST_CALLS:
        raise WrongWish(
            f"about {most} calls at once cannot be carried with sound; {MOST_CALLS} can. Take fewer calls or shorter"
            " talks, or --as-fast-as-rows"
        )


@dataclass(slots=True, kw_only=True)
class MadeUpOffice:
    """What the engine asks a gateway, for a house that is made up (`exchange.engine.Office`)."""

    furnished: control.Configure
    routing: DayRouting | None = None
    """The site's routes; None: every phone rings."""
    people: Office | None = None

    async def house(self) -> control.Configure:
        """The house."""
        return self.furnished

    async def route(self, question: control.RouteQuestion) -> str:
        """What the site's route says; empty: the house's own plan, every phone."""
        routing, people = self.routing, self.people
        if routing is None or people is None:
            return ""
        client = e164(question.caller)
        did, now, first = question.did, datetime.now(UTC), question.n == 0
        asked = routing.ask(client, client, did, question.status, now, people, first=first)
        return "" if asked is None else answer_line(asked, n=question.n)

    async def may_dial(self, question: control.DialQuestion) -> control.DialReply:
        """Every planned call may be placed."""
        return control.DialReply(ask=question.ask, allowed=True, number=question.number)

    async def untaken(self, order_id: str, reason: str, at: datetime) -> None:
        """Nobody ordered anything."""

    def connected(self) -> None:
        """Nothing waits for it."""


@dataclass(slots=True, kw_only=True)
class DayEngine:
    """The engine of a day."""

    places: Places
    engine: EmbeddedEngine
    pool: Pool
    pipeline: Pipeline
    status: JournalStatus = field(default_factory=JournalStatus)
    tasks: asyncio.TaskGroup
    _running: list[asyncio.Task[None]] = field(default_factory=list)

    def come(self) -> None:
        """Begin what a gateway does: speak with the exchange, read its journal."""
        path = self.places.journal / NAME
        reading = read_journal(path, self.pool, self.pipeline, self.status)
        self._running = [self.tasks.create_task(self.engine.run()), self.tasks.create_task(reading)]

    def go(self) -> None:
        """End it at once, as a gateway that is gone would; the exchange and its calls go on."""
        for task in self._running:
            task.cancel()

    def kill_worker(self) -> None:
        """Kill the process that was given calls first."""
        if self.engine.pid is None:
            return
        with suppress(psutil.NoSuchProcess):
            workers = [p for p in psutil.Process(self.engine.pid).children() if _WORKER in p.cmdline()]
            if workers:
                min(workers, key=lambda worker: worker.create_time()).kill()

    async def until_read(self) -> None:
        """Wait until every row of the day is in the database.

        Raises:
            NotQuiet: it is not in time.
        """
        quiet = 0
        try:
            async with asyncio.timeout(_QUIET_SECONDS):
                while quiet < _QUIET_LOOKS:
                    await asyncio.sleep(0.2)
                    is_read = self.status.condition is JournalCondition.READING and self.status.lag_bytes == 0
                    quiet = quiet + 1 if is_read and not self.pipeline.open_legs() else 0
        except TimeoutError:
            raise NotQuiet from None


@asynccontextmanager
async def open_engine(
    folder: Path, settings: Settings, plan: DayPlan, pool: Pool, site: SiteRoutes | None = None
) -> AsyncIterator[tuple[DayEngine, Office]]:
    """Run an exchange and everybody's phones.

    Args:
        folder: of the day.
        settings: of the site.
        plan: of the day; the managers are in the database already.
        pool: the day's database.
        site: the site's inbound routes; None: every phone rings.

    Yields:
        The engine and the persons, registered and ready.

    Raises:
        NoPhones: there are none for this machine.
        GatewayError: the exchange does not start, or a phone cannot register.
    """
    check_phones()
    secret = secrets.token_hex(16)
    extensions = [extension_of(n) for n in range(plan.wishes.managers)]
    switches = [free_port() for _ in range(-(-min(calls_at_once(plan), MOST_CALLS) // CALLS_OF_A_SWITCH) + 1)]
    routing = None if site is None else DayRouting(site, plan.wishes.managers)
    dids = (DID,) if site is None else (*site.dids, DID)
    house = _house(extensions, switches, secret, str(settings.company.region), dids)
    places, options = Places(home=folder), Options(port=free_port())
    if site is not None and site.sounds.is_dir():
        shutil.copytree(site.sounds, places.sounds, dirs_exist_ok=True)
    gateway = MadeUpOffice(furnished=house, routing=routing)
    engine = EmbeddedEngine(places, options, gateway, pbx=PBX)
    directory = Directory(pbx=PBX, plan=NumberPlan(region=settings.company.region))
    tables = await load_tables(pool, directory, settings.company.timezone)
    pipeline = Pipeline(pool, read_row, tables, Live(), long_seconds=settings.goals.seconds, holds_seen=True)
    sides = lay_out(folder / "speech")
    async with AsyncExitStack() as stack:
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        day = DayEngine(places=places, engine=engine, pool=pool, pipeline=pipeline, tasks=tasks)
        day.come()
        stack.push_async_callback(asyncio.to_thread, _end, engine)
        stack.callback(day.go)  # before its end, or it would be started again
        await engine.ready(_START_SECONDS)
        server = (LOOPBACK, options.port)
        managers = []
        for n, extension in enumerate(extensions):
            phone = await stack.enter_async_context(open_phone(user=extension, server=server, secret=secret))
            await phone.register()
            managers.append(Manager(index=n, phone=phone))
        opened = [
            await stack.enter_async_context(open_phone(user=TRUNK, server=server, port=port)) for port in switches
        ]
        gateway.people = Office(plan, managers, opened, did=DID, sides=sides, routing=routing)
        yield day, gateway.people


def _house(
    extensions: Sequence[str], switches: Sequence[int], secret: str, region: str, dids: tuple[str, ...]
) -> control.Configure:
    return control.Configure(
        id=0,
        phones=tuple(control.PhoneOf(endpoint=e, extension=e, ha1=hash_password(e, REALM, secret)) for e in extensions),
        trunks=tuple(
            control.TrunkOf(name=f"{TRUNK}{n}", host=LOOPBACK, port=port, from_user=DID, dids=dids)
            for n, port in enumerate(switches)
        ),
        office={"*": control.Fallback(endpoints=tuple(extensions))},
        ring_seconds=RING_SECONDS,
        region=region,
    )


def _end(engine: EmbeddedEngine) -> None:
    """End the exchange, which would else go on, and wait for that."""
    if engine.pid is not None:
        with suppress(psutil.Error):
            exchange = psutil.Process(engine.pid)
            exchange.terminate()
            exchange.wait(_END_SECONDS)


async def break_as_planned(day: DayEngine, plan: DayPlan) -> None:
    """Let the gateway or a worker fail when the plan says so; returns after the last one."""
    began = asyncio.get_running_loop().time()
    for outage in sorted(plan.wishes.outages, key=lambda outage: outage.begins):
        if outage.kind not in (OutageKind.GATEWAY, OutageKind.WORKER):
            continue
        await asyncio.sleep(outage.begins - (asyncio.get_running_loop().time() - began))
        if outage.kind is OutageKind.WORKER:
            day.kill_worker()
            continue
        day.go()
        await asyncio.sleep(outage.ends - (asyncio.get_running_loop().time() - began))
        day.come()
