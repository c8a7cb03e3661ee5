"""A gateway with an exchange of its own, its provider and its phones, for tests."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import asyncpg
from aiohttp import ClientSession

from exchange.digest import Algorithm, hash_password
from gateway.api.security import new_api_key
from gateway.app import Gateway
from gateway.app import run as run_gateway
from gateway.domain.access import Role
from gateway.settings import Settings
from gateway.store.access import issue_key
from gateway.store.phones import StoredPhone, keep_phone
from gateway.store.staff import add_user, give_extension
from lab.errors import PhoneFailed
from lab.phones import Codec, Phone, open_phone
from lab.server import Ports

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
        async with asyncio.timeout(60):
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


async def ended_call(pool: asyncpg.Pool, seconds: float = 60.0) -> asyncpg.Record:
    """The one call, once it has ended."""
    async with asyncio.timeout(seconds):
        while True:
            row = await pool.fetchrow("select * from call where state = 'ended' and merged_into is null")
            if row is not None:
                return row
            await asyncio.sleep(0.05)


def configured(folder: Path, database: str, ports: Ports) -> Path:
    """The same site as a file, for a gateway that is a process of its own."""
    file = folder / "embedded.toml"
    file.write_text(
        f'home = "{folder}/home"\ndatabase.url = "{database}"\nhttp.port = {ports.ami}\ncompany.region = "RU"\n'
        f"transcription.enabled = false\n[embedded]\nenabled = true\nport = {ports.sip}\nworkers = 3\n"
        f'[[embedded.trunks]]\nname = "trunk"\nhost = "127.0.0.1"\nport = {ports.trunk}\ndids = ["{DID}"]\n'
    )
    return file


async def registered(phone: Phone) -> None:
    """Register as soon as the exchange knows the phone."""
    async with asyncio.timeout(60):
        while True:
            with suppress(PhoneFailed, TimeoutError):
                return await phone.register()
            await asyncio.sleep(0.2)


def workers(exchange: int) -> list[int]:
    """The worker processes of an exchange, the oldest first."""
    found = []
    for folder in Path("/proc").iterdir():
        with suppress(OSError, ValueError, IndexError):
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == exchange and b"exchange.worker" in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
    return sorted(found)


@asynccontextmanager
async def admin_of(gateway: Gateway) -> AsyncIterator[ClientSession]:
    """An administrator's program."""
    key_id, key, digest = new_api_key()
    await issue_key(
        gateway.pool, key_id=key_id, secret_digest=digest, name="test", role=Role.ADMIN, user_id=None, rights=None
    )
    headers = {"Authorization": f"Bearer {key}"}
    async with ClientSession(f"{gateway.settings.public_url}/api/v1/", headers=headers) as client:
        yield client


async def made(client: ClientSession, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Enter something."""
    async with client.post(path, json=body, headers={"Idempotency-Key": path}) as response:
        answer: dict[str, Any] = await response.json()
        assert response.status == 201, answer
        return answer
