"""Our own PostgreSQL: started with the gateway, supervised, adopted after a crash, stopped on a clean stop.

One gateway uses a folder at a time (it holds the folder's lock). The server itself outlives a killed
gateway and is taken over by the next one, so that nothing waits for recovery. Sites with a PostgreSQL of
their own set `database.url`, and nothing of this runs. The parts: who runs it (`embedded_account`), where
it lies (`embedded_folders`), how its data are made (`embedded_recipe`), its process (`embedded_process`),
its life (`embedded_server`).
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from gateway.domain.errors import TryAgain
from gateway.store.embedded_account import SERVER_USER, find_programs, server_account
from gateway.store.embedded_folders import prepare_directory
from gateway.store.embedded_process import FolderInUse, only_gateway
from gateway.store.embedded_recipe import prepare_data, read_passwords
from gateway.store.embedded_server import Server

BORROW_PATIENCE = 30.0  # seconds a command waits for another gateway's server


class ServerBusy(TryAgain, TimeoutError):
    """Another gateway holds the folder, and its database server is not ready; try again later."""


@contextlib.asynccontextmanager
async def open_embedded(
    directory: Path, *, user: str = SERVER_USER, settings: Mapping[str, str] | None = None
) -> AsyncIterator[Server]:
    """Run the embedded server for the time of the context; run `Server.supervise` in a task beside it.

    Args:
        directory: the gateway's folder; the data lie in `pg18` below it. Made if missing.
        user: system user for the server where the gateway runs as root; made if missing.
        settings: further PostgreSQL settings, which win over ours (tests switch fsync off).
    Raises:
        FolderInUse: another gateway uses the folder.
        GiveUp: any other reason that a person must look at, each with its remedy.
    """
    account = await asyncio.to_thread(server_account, user)
    layout = await asyncio.to_thread(prepare_directory, directory, account)
    with only_gateway(layout.lock):
        programs = await asyncio.to_thread(find_programs, layout.directory, account)
        passwords = await asyncio.to_thread(prepare_data, layout, programs, account)
        server = Server(layout=layout, account=account, programs=programs, passwords=passwords, settings=settings or {})
        try:
            await server.start()
            yield server
        finally:
            await server.stop()


@contextlib.asynccontextmanager
async def borrow_embedded(directory: Path, *, user: str = SERVER_USER) -> AsyncIterator[Server]:
    """The server for a short command: the one a running gateway holds, else one of our own.

    Raises:
        ServerBusy: a gateway holds the folder, and its server is not there within half a minute.
        GiveUp: as `open_embedded`.
    """
    async with contextlib.AsyncExitStack() as stack:
        try:
            server = await stack.enter_async_context(open_embedded(directory, user=user))
        except FolderInUse:
            server = await _borrow(directory, user)
        yield server


async def _borrow(directory: Path, user: str) -> Server:
    account = await asyncio.to_thread(server_account, user)
    layout = await asyncio.to_thread(prepare_directory, directory, account)
    programs = await asyncio.to_thread(find_programs, layout.directory, account)
    deadline = time.monotonic() + BORROW_PATIENCE
    while time.monotonic() < deadline:
        if layout.passwords.exists():
            server = Server(
                layout=layout,
                account=account,
                programs=programs,
                passwords=read_passwords(layout),
                settings={},
            )
            if server.borrow() and await server.ready():
                return server
        await asyncio.sleep(0.2)
    raise ServerBusy
