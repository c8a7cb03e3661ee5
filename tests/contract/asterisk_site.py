"""The contract's site on the real Asterisk of the lab. There is no database: the journal's file is folded as it is."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from gateway.domain.call import Call, Command
from gateway.domain.calls import fold
from gateway.domain.directory import Directory, Entry, PartyKind
from gateway.domain.legs import LegEvent, LegEventKind, endpoint, in_order
from gateway.domain.phone import NumberPlan
from gateway.domain.ports import Engine
from lab.phones import open_client_phone, open_manager_phone
from lab.server import MANAGER_CONTEXT, AsteriskServer
from sip.ami import AmiConfig, AmiSession
from sip.asterisk import Asterisk, DialTemplate
from sip.cel import read_row
from tests.contract.sites import ContractSite

OFFICE = Directory(
    pbx="lab",
    plan=NumberPlan(region="RU", area_code="495"),
    entries=(
        Entry(pattern="trunk", kind=PartyKind.TRUNK),
        *(Entry(pattern=x, kind=PartyKind.MANAGER, extension=x) for x in ("100", "101", "102")),
    ),
)
_ENDS = (LegEventKind.ENDED, LegEventKind.HUNG_UP)


class BehindAsterisk:
    """What the tests see and break of the lab's Asterisk."""

    def __init__(self, server: AsteriskServer) -> None:
        self.server = server
        self.noted: list[LegEvent] = []
        self._commands: dict[str, Command] = {}
        self._from = 0

    def ordered(self, command: Command) -> None:
        self._commands[command.id] = command

    def begin(self) -> None:
        self._from = len(self._rows())
        self.noted.clear()

    def _rows(self) -> list[bytes]:
        journal = self.server.journal
        written = journal.read_bytes() if journal.exists() else b""
        return written[: written.rfind(b"\n") + 1].splitlines()  # the last one may be half written

    def _events(self) -> list[LegEvent]:
        rows = [event for row in self._rows()[self._from :] if (event := read_row(row)) is not None]
        return in_order([*rows, *self.noted])

    def calls(self) -> Sequence[Call]:
        return fold(self._events(), OFFICE, commands=self._commands, holds_seen=True)

    def open_events(self) -> dict[str, LegEvent]:
        legs: dict[str, LegEvent] = {}
        for event in self._events():
            if event.kind in _ENDS:
                legs.pop(event.leg, None)
            elif event.kind not in (LegEventKind.FAMILY_ENDED, LegEventKind.REFUSED):
                legs.setdefault(event.leg, event)
        return legs

    def open_legs(self) -> int:
        return len(self.open_events())

    def leg_of(self, who: str) -> str:
        found = [leg for leg, first in self.open_events().items() if endpoint(first.channel) == f"PJSIP/{who}"]
        if len(found) != 1:
            raise LookupError(f"{len(found)} open legs of {who}")
        return found[0]

    def recording(self, leg: str) -> tuple[Path, Path]:
        folder = self.server.recordings
        return folder / f"{leg}-rx.wav", folder / f"{leg}-tx.wav"

    def queue_pauses(self) -> dict[str, str]:
        with self.server.console() as console:
            console.action("QueueStatus")
            console.wait_event("QueueStatusComplete", 5.0)
            members = [event for event in console.seen() if event.get("Event") == "QueueMember"]
        return {m["Location"].partition("/")[2]: m["PausedReason"] for m in members if m["Paused"] == "1"}

    def freeze(self) -> None:
        self.server.freeze()

    def thaw(self) -> None:
        self.server.thaw()

    @contextmanager
    def without_line(self) -> Iterator[None]:
        conf = self.server.directory / "etc/pjsip.conf"
        whole = conf.read_text()
        conf.write_text(whole.replace(f"contact = sip:127.0.0.1:{self.server.ports.trunk}", ""))
        self.server.command("module reload res_pjsip.so")
        try:
            yield
        finally:
            conf.write_text(whole)
            self.server.command("module reload res_pjsip.so")

    @asynccontextmanager
    async def without(self, right: str) -> AsyncIterator[Engine]:
        async with open_engine(self, user=f"{self.server.gateway.user}-without-{right}") as (engine, _):
            yield engine

    @asynccontextmanager
    async def offline(self) -> AsyncIterator[Engine]:
        async with open_engine(self, secret="wrong", connects=False) as (engine, _):
            yield engine


@asynccontextmanager
async def open_engine(
    behind: BehindAsterisk, *, user: str = "", secret: str = "", connects: bool = True
) -> AsyncIterator[tuple[Asterisk, list[tuple[str, str]]]]:
    """An engine on the lab's Asterisk, and the orders whose phone was not taken."""
    account = behind.server.gateway
    session = AmiSession(
        AmiConfig(
            port=behind.server.ports.ami,
            username=user or account.user,
            secret=secret or account.secret,
            action_seconds=1.0,
            first_pause_seconds=0.1,
            longest_pause_seconds=0.3,
        )
    )
    untaken: list[tuple[str, str]] = []

    async def note(*events: LegEvent) -> None:
        behind.noted.extend(events)

    async def on_refused(order: str, reason: str, at: datetime) -> None:
        untaken.append((order, reason))

    engine = Asterisk(
        session,
        pbx="lab",
        template=DialTemplate(context=MANAGER_CONTEXT, ring_seconds=3, queue_seconds=1.0),
        note=note,
        open_legs=behind.open_events,
        on_refused=on_refused,
        last_row_at=lambda: datetime.now(UTC),
    )
    async with asyncio.TaskGroup() as group:
        task = group.create_task(engine.run())
        try:
            if connects:
                await session.wait_connected(10)
            else:
                await asyncio.sleep(0)
            yield engine, untaken
        finally:
            task.cancel()


@asynccontextmanager
async def open_asterisk_site(server: AsteriskServer) -> AsyncIterator[ContractSite]:
    """The office around the lab's Asterisk."""
    behind = BehindAsterisk(server)
    async with AsyncExitStack() as stack:
        engine, untaken = await stack.enter_async_context(open_engine(behind))
        chief, anna, boris = [
            await stack.enter_async_context(open_manager_phone(server, x)) for x in ("100", "101", "102")
        ]
        client = await stack.enter_async_context(open_client_phone(server))
        yield ContractSite(
            engine=engine, behind=behind, anna=anna, boris=boris, chief=chief, client=client, refused=untaken
        )
