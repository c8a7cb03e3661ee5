"""Fixtures for the database's own tests: the shared server, and folders for servers of one test."""

import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.store.embedded import open_embedded
from gateway.store.embedded_account import Account, server_account
from tests.database import open_folder

GATEWAY = Path(__file__).with_name("one_gateway.py")


@pytest.fixture
def account() -> Account:
    """Who runs the server here: root's own server user, or we ourselves."""
    return server_account()


@pytest.fixture
def home() -> Iterator[Path]:
    """A gateway's folder that does not exist yet, in a place the server's user can reach."""
    with open_folder() as folder:
        yield folder / "var"
        if (folder / "var").exists():
            (folder / "var").chmod(0o700)  # a test may have closed it to ourselves


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def made_folder() -> AsyncIterator[Path]:
    """A gateway's folder in which a server has run and was stopped; to be copied."""
    with open_folder() as folder:
        async with open_embedded(folder / "made"):
            pass
        yield folder / "made"


@pytest.fixture
def old_home(made_folder: Path, home: Path) -> Path:
    """A gateway's folder in which a server has run before."""
    subprocess.run(["cp", "-a", made_folder, home], check=True)
    return home


@pytest.fixture
def disk_home() -> Iterator[Path]:
    """The same on disk, where programs may be run (memory is often mounted without that right)."""
    with open_folder(on_disk=True) as folder:
        yield folder / "var"


class Gateways:
    """Starts gateways as processes of their own, so that they can be killed; ends them after the test."""

    def __init__(self) -> None:
        self._started: list[subprocess.Popen[str]] = []

    def start(self, directory: Path, *arguments: str) -> "subprocess.Popen[str]":
        """A gateway on `directory`; its first line says "ready <pid of the server>" or what went wrong."""
        command = [sys.executable, str(GATEWAY), str(directory), *arguments]
        self._started.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        return self._started[-1]

    def end(self) -> None:
        """Let every gateway stop its server cleanly."""
        for gateway in self._started:
            with contextlib.suppress(BrokenPipeError):
                gateway.communicate()


@pytest.fixture
def gateways() -> Iterator[Gateways]:
    """Gateways that run as processes of their own."""
    started = Gateways()
    yield started
    started.end()
