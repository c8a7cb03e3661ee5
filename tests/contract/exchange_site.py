"""The contract's site on the embedded engine: a real exchange with its workers, and real phones around it."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from exchange import control
from exchange.digest import hash_password
from exchange.engine import EmbeddedEngine
from exchange.journal import NAME
from exchange.options import Options, Places
from exchange.rows import read_row
from gateway.domain.call import Call, Command
from gateway.domain.calls import fold
from gateway.domain.directory import Directory, Entry, PartyKind
from gateway.domain.legs import LegEvent, LegEventKind, endpoint, in_order
from gateway.domain.phone import NumberPlan
from gateway.domain.ports import Engine
from lab.phones import Codec, open_phone
from lab.server import free_ports
from tests.contract.sites import ContractSite

SECRET = "phone-secret"
MANAGERS = ("100", "101", "102")
OFFICE = Directory(
    pbx="embedded",
    plan=NumberPlan(region="RU", area_code="495"),
    entries=(
        Entry(pattern="SIP/trunk", kind=PartyKind.TRUNK),
        *(Entry(pattern=f"SIP/{x}", kind=PartyKind.MANAGER, extension=x) for x in MANAGERS),
    ),
)
_ENDS = (LegEventKind.ENDED, LegEventKind.HUNG_UP, LegEventKind.LOST)


def ha1(endpoint: str) -> str:
    """The hash of a phone's password, as the registrar compares it (RFC 2617)."""
    return hash_password(endpoint, "trunkline", SECRET)


@dataclass
class Gateway:
    """What an exchange asks of a gateway, for one that routes by the house's own plan."""

    house_now: control.Configure
    untaken_orders: list[tuple[str, str]] = field(default_factory=list)

    async def house(self) -> control.Configure:
        return self.house_now

    async def route(self, question: control.RouteQuestion) -> str:
        return ""

    async def may_dial(self, question: control.DialQuestion) -> control.DialReply:
        return control.DialReply(ask=question.ask, allowed=True, number=question.number)

    async def untaken(self, order_id: str, reason: str, at: datetime) -> None:
        self.untaken_orders.append((order_id, reason))

    def connected(self) -> None:
        pass


class BehindExchange:
    """What the tests see and break of the exchange."""

    def __init__(self, places: Places, gateway: Gateway, engine: EmbeddedEngine, options: Options) -> None:
        self.places, self.gateway, self.engine, self.options = places, gateway, engine, options
        self._commands: dict[str, Command] = {}
        self._from = 0

    def ordered(self, command: Command) -> None:
        self._commands[command.id] = command

    def begin(self) -> None:
        self._from = len(self._rows())

    def _rows(self) -> list[bytes]:
        journal = self.places.journal / NAME
        written = journal.read_bytes() if journal.exists() else b""
        return written[: written.rfind(b"\n") + 1].splitlines()

    def events(self) -> list[LegEvent]:
        return in_order([event for row in self._rows()[self._from :] if (event := read_row(row)) is not None])

    def calls(self) -> Sequence[Call]:
        return fold(self.events(), OFFICE, commands=self._commands, holds_seen=True)

    def open_events(self) -> dict[str, LegEvent]:
        legs: dict[str, LegEvent] = {}
        for event in self.events():
            if event.kind in _ENDS:
                legs.pop(event.leg, None)
            elif event.kind is not LegEventKind.REFUSED:
                legs.setdefault(event.leg, event)
        return legs

    def open_legs(self) -> int:
        return len(self.open_events())

    def leg_of(self, who: str) -> str:
        found = [leg for leg, first in self.open_events().items() if endpoint(first.channel) == f"SIP/{who}"]
        if len(found) != 1:
            raise LookupError(f"{len(found)} open legs of {who}")
        return found[0]

    def recording(self, leg: str) -> tuple[Path, Path]:
        folder = self.places.recordings
        return folder / f"{leg}-rx.wav", folder / f"{leg}-tx.wav"

    def queue_pauses(self) -> dict[str, str] | None:
        return None

    @property
    def pid(self) -> int:
        """The exchange's process."""
        assert self.engine.pid is not None
        return self.engine.pid

    def freeze(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    @contextmanager
    def without_line(self) -> Iterator[None]:
        whole = self.gateway.house_now
        self.gateway.house_now = replace(whole, trunks=())
        self.engine.configure()
        try:
            yield
        finally:
            self.gateway.house_now = whole
            self.engine.configure()

    @asynccontextmanager
    async def without(self, right: str) -> AsyncIterator[Engine | None]:
        yield None  # it has no account whose rights could be taken

    @asynccontextmanager
    async def offline(self) -> AsyncIterator[Engine]:
        yield EmbeddedEngine(self.places, self.options, self.gateway)  # it does not run, so it has no connection


def house(trunk_port: int) -> control.Configure:
    """The contract's office: Anna rings for two numbers, one of them recorded."""
    return control.Configure(
        id=0,
        phones=tuple(control.PhoneOf(endpoint=x, extension=x, ha1=ha1(x)) for x in MANAGERS),
        trunks=(
            control.TrunkOf(
                name="trunk", host="127.0.0.1", port=trunk_port, from_user="74950001", dids=("4950001", "4950005")
            ),
        ),
        office={
            "4950005": control.Fallback(endpoints=("101",)),
            "4950001": control.Fallback(endpoints=("101",), record=False),
        },
        ring_seconds=3.0,
        region="RU",
        area_code="495",
    )


async def end(pid: int | None) -> None:
    """End an exchange, as an operator would."""
    if pid is not None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
            os.kill(pid, signal.SIGTERM)


@asynccontextmanager
async def open_exchange_site(home: Path, *, workers: int = 3, ahead: int = 2) -> AsyncIterator[ContractSite]:
    """The office around an exchange of its own."""
    ports = free_ports()
    places, options = Places(home=home), Options(port=ports.sip, workers=workers, ahead=ahead)
    gateway = Gateway(house(ports.trunk))
    engine = EmbeddedEngine(places, options, gateway)
    behind = BehindExchange(places, gateway, engine, options)
    async with AsyncExitStack() as stack:
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        running = tasks.create_task(engine.run())
        stack.push_async_callback(end_with, engine)  # when the phones have taken their registrations back
        stack.callback(running.cancel)  # else it starts another one
        await engine.ready()
        phones = []
        for x in MANAGERS:
            phone = await stack.enter_async_context(open_phone(user=x, pbx_port=ports.sip, secret=SECRET))
            await phone.register()
            phones.append(phone)
        chief, anna, boris = phones
        client = await stack.enter_async_context(
            open_phone(user="79161234567", pbx_port=ports.sip, codec=Codec.A_LAW, port=ports.trunk)
        )
        yield ContractSite(
            engine=engine,
            behind=behind,
            anna=anna,
            boris=boris,
            chief=chief,
            client=client,
            refused=gateway.untaken_orders,
        )


async def end_with(engine: EmbeddedEngine) -> None:
    """End the exchange that an engine has found."""
    await end(engine.pid)
