"""Real calls over a real Asterisk come out of the running gateway as committed calls with cards and figures."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from gateway.app import Gateway
from gateway.app import run as run_gateway
from gateway.settings import Settings
from gateway.store.staff import add_user, give_extension
from lab.phones import open_client_phone, open_manager_phone
from lab.server import AsteriskServer

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio]


def settings_for(server: AsteriskServer, database: str, **more: Any) -> Settings:
    """The lab's Asterisk as an administrator would enter it."""
    pbx = {
        "journal": {"path": str(server.journal)},
        "ami": {"port": server.ports.ami, "user": server.gateway.user, "secret": server.gateway.secret},
        "recordings": {"folder": str(server.recordings)},
        "originate": {"context": "from-managers"},
        "trunks": [{"endpoint": "trunk", "area_code": "495"}],
    }
    return Settings(database={"url": database}, pbx={"lab": pbx}, home=str(server.directory / "home"), **more)


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Gateway]:
    """A gateway with Anna at 101 and Boris at 102."""
    connection = await asyncpg.connect(settings.database.url.get_secret_value() if settings.database.url else "")
    async with connection.transaction():
        for login, extension in (("anna", "101"), ("boris", "102")):
            user = await add_user(connection, login=login, name=login.title(), role="manager")
            await give_extension(connection, pbx="lab", extension=extension, user_id=user, patterns=[extension])
    await connection.close()
    started: asyncio.Future[Gateway] = asyncio.get_running_loop().create_future()

    async def ready(gateway: Gateway) -> None:
        started.set_result(gateway)

    task = asyncio.create_task(run_gateway(settings, ready=ready))
    await asyncio.wait([task, started], return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        task.result()
    try:
        yield started.result()
    finally:
        started.result().stop()
        await task


async def ended_call(gateway: Gateway, count: int = 1, seconds: float = 15.0) -> asyncpg.Record:
    """The newest call once so many have ended."""
    async with asyncio.timeout(seconds):
        while (
            await gateway.pool.fetchval(
                "select count(*) from call where state = 'ended'"
            )
            < count
        ):
            await asyncio.sleep(0.05)
    return await gateway.pool.fetchrow("select * from call order by started_at desc limit 1")


async def test_an_inbound_call_pops_a_card_while_it_rings_and_is_counted(
    asterisk: AsteriskServer, database: str
) -> None:
    async with running(settings_for(asterisk, database)) as gateway:
        async with open_manager_phone(asterisk, "101") as manager, open_client_phone(asterisk) as client:
            await manager.script(answer_after=1.0)
            with gateway.live.listening() as screen:
                call = await client.dial("4950001")
                async with asyncio.timeout(5):
                    first = [await screen.queue.get() for _ in range(2)]
            await call.connected()
            await asyncio.sleep(1.0)
            await call.hang_up()

        row = await ended_call(gateway)
        assert [h.kind for h in first] == ["card.created", "call.ringing"]
        assert first[1].body["contact_id"] == row["contact_id"]
        assert (row["result"], row["answered_by"], row["hung_up_by"]) == ("answered", ["101"], "client")
        assert 0.7 < row["talk_us"] / 1e6 < 2.5
        assert await gateway.pool.fetchval("select sum(answered) from manager_day") == 1
