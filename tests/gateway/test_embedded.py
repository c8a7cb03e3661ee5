"""The whole gateway with an exchange of its own: real phones, no PBX. Requirement L: works with no PBX at all."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import asyncpg
import pytest

from exchange.digest import Algorithm, hash_password
from gateway.app import Gateway
from gateway.app import run as run_gateway
from gateway.domain.identity import command_id
from gateway.domain.ports import OrderState
from gateway.settings import Settings
from gateway.store.commands import store_command
from gateway.store.phones import StoredPhone, keep_phone
from gateway.store.staff import add_user, give_extension
from lab.phones import Codec, Phone, open_phone
from lab.server import Ports, free_ports
from tests.contract.sound import note_of

pytestmark = pytest.mark.asyncio
SECRET, CLIENT, DID = "of-the-phone", "79161234567", "74957770001"


def settings_for(database: str, home: Path, ports: Ports, **more: object) -> Settings:
    """A site without a PBX: one provider, and phones."""
    trunk = {"name": "trunk", "host": "127.0.0.1", "port": ports.trunk, "dids": [DID], "caller_id": DID}
    return Settings(
        http={"port": ports.ami},
        database={"url": database},
        home=str(home),
        company={"region": "RU"},
        transcription={"enabled": False},
        embedded={"enabled": True, "port": ports.sip, "ring_seconds": 10, "trunks": [trunk], "workers": 3, **more},
    )


async def enter_people(database: str) -> None:
    """Anna at 101 and Boris at 102, each with a phone."""
    connection = await asyncpg.connect(database)
    async with connection.transaction():
        for login, extension in (("anna", "101"), ("boris", "102")):
            user = await add_user(connection, login=login, name=login.title(), role="manager")
            await give_extension(connection, pbx="embedded", extension=extension, user_id=user, patterns=[extension])
            phone = StoredPhone(
                endpoint=extension,
                extension=extension,
                ha1=hash_password(extension, "trunkline", SECRET),
                ha1_sha256=hash_password(extension, "trunkline", SECRET, Algorithm.SHA256),
            )
            await keep_phone(connection, pbx="embedded", phone=phone)
    await connection.close()


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Gateway]:
    """A gateway in this process, with its exchange."""
    started: asyncio.Future[Gateway] = asyncio.get_running_loop().create_future()

    async def ready(gateway: Gateway) -> None:
        started.set_result(gateway)

    task = asyncio.create_task(run_gateway(settings, ready=ready))
    await asyncio.wait([task, started], return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        task.result()
    try:
        await exchange_of(started.result()).ready()
        yield started.result()
    finally:
        started.result().stop()
        await task


def exchange_of(gateway: Gateway):
    """The engine of the gateway's own line."""
    line = gateway.lines["embedded"].exchange
    assert line is not None
    return line.engine


@asynccontextmanager
async def exchange_ends(home: Path) -> AsyncIterator[None]:
    """Nothing of an exchange is left when the test is over."""
    try:
        yield
    finally:
        for pid in exchanges(home):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        async with asyncio.timeout(10):
            while exchanges(home):
                await asyncio.sleep(0.05)


def exchanges(home: Path) -> list[int]:
    """Processes that run as the exchange of a home."""
    found = []
    for folder in Path("/proc").iterdir():
        with suppress(OSError, ValueError):
            words = (folder / "cmdline").read_bytes().split(b"\0")
            if b"exchange" in words and str(home).encode() in words:
                found.append(int(folder.name))
    return found


@asynccontextmanager
async def manager_phone(ports: Ports, extension: str = "101") -> AsyncIterator[Phone]:
    async with open_phone(user=extension, pbx_port=ports.sip, secret=SECRET) as phone:
        await phone.register()
        yield phone


@asynccontextmanager
async def provider(ports: Ports) -> AsyncIterator[Phone]:
    async with open_phone(user=CLIENT, pbx_port=ports.sip, codec=Codec.A_LAW, port=ports.trunk) as phone:
        yield phone


async def ended_call(pool: asyncpg.Pool, seconds: float = 20.0) -> asyncpg.Record:
    """The one call, once it has ended."""
    async with asyncio.timeout(seconds):
        while True:
            row = await pool.fetchrow("select * from call where state = 'ended' and merged_into is null")
            if row is not None:
                return row
            await asyncio.sleep(0.05)


async def test_a_call_over_the_trunk_rings_its_manager_is_recorded_and_counted(database: str, tmp_path: Path) -> None:
    ports, home = free_ports(), tmp_path / "home"
    await enter_people(database)
    async with exchange_ends(home), running(settings_for(database, home, ports)) as gateway:
        async with manager_phone(ports) as anna, provider(ports) as client:
            await anna.script(answer_after=0.5, play=note_of("101", tmp_path))
            with gateway.live.listening() as screen:
                call = await client.dial(DID, caller=CLIENT, play=note_of("client", tmp_path))
                async with asyncio.timeout(5):
                    first = [await screen.queue.get() for _ in range(2)]
            await call.connected()
            await asyncio.sleep(2.0)
            await call.hang_up()
        row = await ended_call(gateway.pool)
        async with asyncio.timeout(20):
            while await gateway.pool.fetchval("select count(*) from recording where state = 'stored'") < 1:
                await asyncio.sleep(0.1)
        recording = await gateway.pool.fetchrow("select * from recording")

        assert [happening.kind for happening in first] == ["card.created", "call.ringing"]
        assert (row["pbx"], row["result"], row["answered_by"], row["hung_up_by"]) == (
            "embedded",
            "answered",
            ["101"],
            "client",
        )
        assert (row["client_number"], row["did"]) == (f"+{CLIENT}", DID)
        assert 1.5 < row["talk_us"] / 1e6 < 3.0
        assert recording["call_id"] == row["id"]
        assert abs(recording["duration_us"] - row["talk_us"]) < 0.6e6
        assert await gateway.pool.fetchval("select sum(answered) from manager_day") == 1


async def test_a_click_rings_the_manager_then_the_client(database: str, tmp_path: Path) -> None:
    ports, home = free_ports(), tmp_path / "home"
    await enter_people(database)
    async with exchange_ends(home), running(settings_for(database, home, ports)) as gateway:
        async with manager_phone(ports) as anna, provider(ports) as client:
            await anna.script(answer_after=0.1)
            await client.script(answer_after=0.1)
            order = command_id()
            user = await gateway.pool.fetchval("select id from users where login = 'anna'")
            await store_command(
                gateway.pool, id=order, pbx="embedded", user_id=user, extension="101", number=f"+{CLIENT}"
            )
            outcome = await gateway.engines["embedded"].originate(
                order_id=order, endpoint="101", extension="101", number=CLIENT, caller_id=CLIENT
            )
            taken = await anna.next_call()
            called = await client.next_call()
            await called.connected()
            await asyncio.sleep(1.0)
            await taken.hang_up()
        row = await ended_call(gateway.pool)

        assert outcome.state is OrderState.ACCEPTED
        assert DID in called.peer
        assert (row["direction"], row["result"], row["answered_by"], row["hung_up_by"]) == (
            "outbound",
            "answered",
            ["101"],
            "manager",
        )
