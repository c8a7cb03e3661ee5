"""A gateway started as an administrator starts it: `trunkline serve` in a process of its own, with one PBX and a key.

The database is the embedded one, on disk; nothing else of the machine is needed.
"""

import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import ClientError, ClientSession

from bench.journal import staffed
from gateway.store.database import Pool, open_pool
from gateway.store.embedded import borrow_embedded
from tests.database import open_folder

_PATIENCE = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A running gateway."""

    pid: int
    database_pid: int
    journal: Path
    log: Path
    origin: str
    key: str
    """Of an administrator's program."""
    dsn: str


@asynccontextmanager
async def serving(
    folder: Path, *, people: Callable[[Pool], Awaitable[object]] = staffed, pbx: str | None = None
) -> AsyncIterator[Served]:
    """Start it, enter people and a key, and stop it in the end.

    Args:
        folder: where everything lies.
        people: enters who works there; 50 managers unless told otherwise.
        pbx: the configuration of its PBX and what comes behind it; None: a journal that somebody will write.
    """
    port, journal, config = free_port(), folder / "trunkline.csv", folder / "trunkline.toml"
    journal.touch()
    (folder / "spool").mkdir()
    alone = f'[pbx.pbx1]\njournal.path = "{journal}"\ntrunks = [{{ endpoint = "trunk" }}]\n'
    config.write_text(
        f'home = "{folder}/home"\nhttp.port = {port}\n[company]\nregion = "RU"\ntimezone = "Europe/Moscow"\n'
        + (alone if pbx is None else pbx)
    )
    process = _start(config, folder / "gateway.log")
    try:
        origin = f"http://127.0.0.1:{port}"
        await _ready(origin, process, folder / "gateway.log")
        key = await asyncio.to_thread(_key, config)
        async with borrow_embedded(folder / "home") as server:
            async with open_pool(server.dsn, size=1) as pool:
                await people(pool)
                await pool.execute("notify trunkline_tables")
            yield Served(
                pid=process.pid,
                database_pid=server.pid,
                journal=journal,
                log=folder / "gateway.log",
                origin=origin,
                key=key,
                dsn=server.dsn,
            )
    finally:
        _end(process, folder / "gateway.log")


@asynccontextmanager
async def served() -> AsyncIterator[Served]:
    """`serving` in a folder of its own."""
    with open_folder(on_disk=True) as folder:
        async with serving(folder) as gateway:
            yield gateway


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _start(config: Path, log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as told:
        return subprocess.Popen([sys.executable, "-m", "gateway", "serve", "--config", str(config)], stderr=told)


def _end(process: subprocess.Popen[bytes], log: Path) -> None:
    if process.poll() is not None:
        raise SystemExit(f"the gateway ended by itself:\n{log.read_text()}")
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _key(config: Path) -> str:
    command = [sys.executable, "-m", "gateway", "key", "--config", str(config), "add", "bench", "--role", "admin"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[0]


async def _ready(origin: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + _PATIENCE
    async with ClientSession() as client:
        while True:
            try:
                async with client.get(f"{origin}/readyz") as answer:
                    if answer.ok:
                        return
            except ClientError:
                pass
            if process.poll() is not None or time.monotonic() > until:
                raise SystemExit(f"the gateway did not start:\n{log.read_text()}")
            await asyncio.sleep(0.1)
