"""Fixtures with a real database: one embedded PostgreSQL a run, and a fresh migrated database a test.

`postgres` is the running server; `database` is the address of a database of its own for one test, copied
from a template that has been migrated once. The server's folder lies outside pytest's own, which only root
may enter when root runs the tests, and is removed with everything in it; what a killed run left behind is
cleared away by the next. Other runs beside this one keep what is theirs: each folder is locked by who made it.
"""

import contextlib
import fcntl
import itertools
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from signal import SIGQUIT

import asyncpg
import pytest_asyncio

from gateway.domain.errors import GiveUp
from gateway.store.embedded import open_embedded
from gateway.store.embedded_account import server_account
from gateway.store.embedded_folders import Layout
from gateway.store.embedded_process import find_server, only_gateway
from gateway.store.embedded_server import Server
from gateway.store.migrate import upgrade

FOLDER_PREFIX = "trunkline-tests-"
HELD = ".held"
TEMPLATE = "migrated"
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}
"""A test's data need not survive the machine; everything else is as in production."""

_numbers = itertools.count(1)


def _places() -> list[Path]:
    # In memory where there is room: making a database writes a thousand small files.
    memory = Path("/dev/shm")  # noqa: S108
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > 2 * 2**30
    return [memory, Path(tempfile.gettempdir())] if roomy else [Path(tempfile.gettempdir())]


@contextlib.contextmanager
def open_folder(*, on_disk: bool = False) -> Iterator[Path]:
    """A temporary folder that the database server's own user can reach, also when root runs the tests."""
    folder = Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX, dir=_places()[-1 if on_disk else 0]))
    folder.chmod(0o711)
    held = os.open(folder / HELD, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)  # ours until this process ends, however it ends
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(held)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold a folder that was left behind.

    Raises:
        BlockingIOError: the process that made it still runs.
    """
    held = os.open(folder / HELD, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(held)


def clear_killed_runs() -> None:
    """Stop the servers and remove the folders of runs that were killed: old ones whose lock is free."""
    for folder in (found for place in _places() for found in place.glob(f"{FOLDER_PREFIX}*/session")):
        with contextlib.suppress(GiveUp, OSError):
            if time.time() - folder.stat().st_mtime < 60:  # perhaps just being made
                continue
            layout = Layout(directory=folder)
            with _alone(folder.parent), only_gateway(layout.lock):
                if server := find_server(layout.data, server_account()):
                    server.send_signal(SIGQUIT)
                shutil.rmtree(folder.parent, ignore_errors=True)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def postgres() -> AsyncIterator[Server]:
    """The embedded server of this test run, with the template database migrated."""
    clear_killed_runs()
    with open_folder() as folder:
        async with open_embedded(folder / "session", settings=FAST) as server:
            await _as_superuser(server, f"create database {TEMPLATE} owner trunkline")
            await upgrade(server.dsn_for(TEMPLATE))
            yield server


@pytest_asyncio.fixture
async def database(postgres: Server) -> AsyncIterator[str]:
    """The address of an empty, migrated database that only this test uses."""
    name = f"test_{next(_numbers)}"
    copied = f"create database {name} template {TEMPLATE} owner trunkline strategy = file_copy"  # a third less work
    await _as_superuser(postgres, copied)
    yield postgres.dsn_for(name)
    await _as_superuser(postgres, f"drop database {name} with (force)")


async def _as_superuser(server: Server, statement: str) -> None:
    session = await asyncpg.connect(server.dsn_for("postgres", superuser=True))
    try:
        await session.execute(statement)
    finally:
        await session.close()
