"""Real calls over a real Asterisk come out of the running gateway as committed calls with cards and figures."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from gateway.app import Gateway
from gateway.app import run as run_gateway
from gateway.domain.identity import command_id
from gateway.domain.ports import OrderState
from gateway.settings import Settings
from gateway.store.commands import store_command
from gateway.store.staff import add_user, give_extension
from lab.demo import place_demo_call
from lab.phones import open_client_phone, open_manager_phone
from lab.ports import free_port
from lab.server import AsteriskServer
from lab.speech import make_dialogue

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
    return Settings(
        http={"port": free_port()},
        database={"url": database},
        pbx={"lab": pbx},
        home=str(server.directory / "home"),
        **more,
    )


@asynccontextmanager
async def running(settings: Settings, *, people: bool = True) -> AsyncIterator[Gateway]:
    """A gateway with Anna at 101 and Boris at 102; without people: they are entered already."""
    connection = await asyncpg.connect(settings.database.url.get_secret_value() if settings.database.url else "")
    async with connection.transaction():
        for login, extension in (("anna", "101"), ("boris", "102")) if people else ():
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


async def ended_call(gateway: Gateway, since: datetime, seconds: float = 60.0) -> asyncpg.Record:
    """The first call that began after a moment, once it has ended; the module's Asterisk keeps one journal."""
    async with asyncio.timeout(seconds):
        while True:
            row = await gateway.pool.fetchrow(
                "select * from call where state = 'ended' and merged_into is null and started_at > $1", since
            )
            if row is not None:
                return row
            await asyncio.sleep(0.05)


async def test_an_inbound_call_pops_a_card_while_it_rings_and_is_counted(
    asterisk: AsteriskServer, database: str
) -> None:
    began = datetime.now(UTC)
    async with running(settings_for(asterisk, database)) as gateway:
        async with open_manager_phone(asterisk, "101") as manager, open_client_phone(asterisk) as client:
            await manager.script(answer_after=1.0)
            with gateway.live.listening() as screen:
                call = await client.dial("4950001")
                async with asyncio.timeout(60):
                    first = [await screen.queue.get() for _ in range(2)]
                assert call.state != "connected"
            await call.connected()
            await asyncio.sleep(1.0)
            await call.hang_up()

        row = await ended_call(gateway, began)
        assert [h.kind for h in first] == ["card.created", "call.ringing"]
        assert first[1].body["contact_id"] == row["contact_id"]
        assert (row["result"], row["answered_by"], row["hung_up_by"]) == ("answered", ["101"], "client")
        assert 0.7 < row["talk_us"] / 1e6 < 2.5
        assert await gateway.pool.fetchval("select sum(answered) from manager_day") >= 1


async def test_a_recorded_call_becomes_an_archive_and_a_transcript_by_speaker(
    asterisk: AsteriskServer, database: str, tmp_path: Path
) -> None:
    dialogue = make_dialogue(asterisk.home, tmp_path, "en")
    began = datetime.now(UTC)
    async with running(settings_for(asterisk, database)) as gateway:
        await place_demo_call(asterisk, dialogue)
        row = await ended_call(gateway, began, seconds=60)

        async with asyncio.timeout(120):
            while await gateway.pool.fetchval("select count(*) from transcript") < 1:
                await asyncio.sleep(0.2)
        recording = await gateway.pool.fetchrow("select * from recording where call_id = $1", row["id"])
        segments = await gateway.pool.fetchval("select segments from transcript")
        assert recording["call_id"] == row["id"]
        assert recording["has_speakers"]
        assert abs(recording["duration_us"] - row["talk_us"]) < 3e6
        assert {s["speaker"] for s in segments} == {"manager", "client"}


async def test_click_to_call_rings_the_manager_then_the_client_and_is_one_call(
    asterisk: AsteriskServer, database: str
) -> None:
    began = datetime.now(UTC)
    async with running(settings_for(asterisk, database)) as gateway:
        async with open_manager_phone(asterisk, "101") as manager, open_client_phone(asterisk) as client:
            await manager.script(answer_after=0.5)
            await client.script(answer_after=0.5, hang_up_after=2.0)
            line = gateway.lines["lab"]
            order = command_id()
            anna = await gateway.pool.fetchval("select id from users where login = 'anna'")
            await store_command(gateway.pool, id=order, pbx="lab", user_id=anna, extension="101", number="+79161234567")
            assert line.asterisk is not None
            async with asyncio.timeout(60):
                while not line.asterisk.state.connected:
                    await asyncio.sleep(0.05)
            outcome = await line.asterisk.originate(
                order_id=order, endpoint="101", extension="101", number="79161234567", caller_id="79161234567"
            )
            assert outcome.state is OrderState.ACCEPTED
            row = await ended_call(gateway, began)

        assert (row["direction"], row["result"], row["command_id"]) == ("outbound", "answered", order)
        assert (row["client_number"], row["answered_by"]) == ("+79161234567", ["101"])
        assert row["key"] == order
