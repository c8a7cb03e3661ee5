"""A gateway around the lab Asterisk for tests of its engine: journal, pipeline, AMI and reconciler, without HTTP."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

import asyncpg

from gateway.domain.directory import Directory, Entry, PartyKind
from gateway.domain.phone import NumberPlan
from gateway.live import Live
from gateway.pipeline import Pipeline
from gateway.reading import read_journal
from gateway.reconcile import Reconciler
from gateway.store.commands import store_command
from gateway.store.database import Pool, open_pool
from gateway.store.staff import add_user, give_extension, load_tables
from lab.server import MANAGER_CONTEXT, AsteriskServer
from sip.ami import AmiConfig, AmiSession
from sip.asterisk import Asterisk, DialTemplate
from sip.cel import read_row
from sip.journal import JournalCondition, JournalStatus

ZONE = ZoneInfo("Europe/Moscow")
BASE = Directory(
    pbx="lab",
    plan=NumberPlan(region="RU", area_code="495"),
    entries=(Entry(pattern="trunk", kind=PartyKind.TRUNK),),
)
CALLER = "+79161234567"


def quick_ami(server: AsteriskServer) -> AmiConfig:
    """The gateway's own account, with a reconnect that tests need not wait for."""
    account = server.gateway
    return AmiConfig(
        port=server.ports.ami,
        username=account.user,
        secret=account.secret,
        first_pause_seconds=0.1,
        longest_pause_seconds=0.5,
        ping_seconds=1.0,
    )


@dataclass(kw_only=True)
class EngineSite:
    """Everything that serves one PBX."""

    pool: Pool
    pipeline: Pipeline
    session: AmiSession
    engine: Asterisk
    reconciler: Reconciler
    journal: JournalStatus
    user: int
    refused: list[tuple[str, str]] = field(default_factory=list)

    async def click_to_call(self, order_id: str, number: str = CALLER) -> str:
        """Order a call for Anna as the API does; gives the outcome's state."""
        async with self.pool.acquire() as connection:
            await store_command(connection, id=order_id, pbx="lab", user_id=self.user, extension="101", number=number)
        outcome = await self.engine.originate(
            order_id=order_id, endpoint="101", extension="101", number=number.removeprefix("+"), caller_id=number
        )
        return f"{outcome.state}:{outcome.reason}"

    async def call(self, state: str = "ended", count: int = 1, seconds: float = 60.0) -> asyncpg.Record:
        """The newest call, once so many are in this state."""
        query = "select * from call where state = $1 order by started_at desc"

        async def there() -> bool:
            return len(await self.pool.fetch(query, state)) >= count

        await self.until(there, seconds)
        return await self.pool.fetchrow(query, state)

    async def until(self, there: Callable[[], Awaitable[bool]], seconds: float = 60.0) -> None:
        """Wait for something to become true."""
        async with asyncio.timeout(seconds):
            while not await there():
                await asyncio.sleep(0.05)


@asynccontextmanager
async def open_engine(server: AsteriskServer, database: str) -> AsyncIterator[EngineSite]:
    """Anna at 101 and Boris at 102, and the engine connected."""
    server.journal.unlink(missing_ok=True)  # what earlier tests left; Asterisk makes it anew
    async with open_pool(database) as pool:
        async with pool.acquire() as connection, connection.transaction():
            anna = await add_user(connection, login="anna", name="Anna", role="manager")
            boris = await add_user(connection, login="boris", name="Boris", role="manager")
            for extension, user in (("101", anna), ("102", boris)):
                await give_extension(connection, pbx="lab", extension=extension, user_id=user, patterns=[extension])
        pipeline = Pipeline(pool, read_row, await load_tables(pool, BASE, ZONE), Live(), holds_seen=True)
        status = JournalStatus()
        refused: list[tuple[str, str]] = []
        looks: list[Reconciler] = []

        async def on_refused(order_id: str, reason: str, at: datetime) -> None:
            refused.append((order_id, reason))

        def look_now() -> None:
            for one in looks:
                one.look_now()

        session = AmiSession(quick_ami(server))
        engine = Asterisk(
            session,
            pbx="lab",
            template=DialTemplate(context=MANAGER_CONTEXT, ring_seconds=3),
            note=pipeline.note,
            open_legs=pipeline.open_legs,
            on_refused=on_refused,
            last_row_at=lambda: status.last_read_at,
            on_connect=look_now,
        )
        reconciler = Reconciler(
            pbx="lab",
            pool=pool,
            standing=engine.standing,
            open_legs=pipeline.open_legs,
            note=pipeline.note,
            is_behind=lambda: status.condition is not JournalCondition.READING or status.lag_bytes > 0,
        )
        looks.append(reconciler)
        site = EngineSite(
            pool=pool,
            pipeline=pipeline,
            session=session,
            engine=engine,
            reconciler=reconciler,
            journal=status,
            user=anna,
            refused=refused,
        )
        forever: list[Coroutine[object, object, None]] = [
            read_journal(server.journal, pool, pipeline, status),
            engine.run(),
            reconciler.run(),
        ]
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one) for one in forever]
            try:
                await session.wait_connected(10)
                yield site
            finally:
                for task in tasks:
                    task.cancel()
