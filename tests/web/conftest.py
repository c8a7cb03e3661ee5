"""Fixtures of the page's tests: the built page, one served day of calls, one browser, and a fresh visitor for each.

TRUNKLINE_STATIC names another folder of built files, which is then taken as it is.
"""

import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from gateway.store.embedded_server import Server
from tests.database import TEMPLATE
from tests.web.browser import CHROMIUM, PATIENCE, Visit, open_chromium
from tests.web.crowd import fill_crowd
from tests.web.day import Day, open_day
from web.build import STATIC, build
from web.node import NoNodeError

expect.set_options(timeout=2 * PATIENCE)


def _without(missing: str) -> None:
    """Leave a test out that needs what is not here; with CI=true it fails."""
    if os.environ.get("CI") == "true":
        pytest.fail(missing)
    pytest.skip(missing)


@pytest.fixture(scope="session")
def static() -> Path:
    """The folder of the built page; built where its sources have changed, by one of the processes that want it."""
    if chosen := os.environ.get("TRUNKLINE_STATIC"):
        return Path(chosen)
    try:
        build()
    except NoNodeError as fault:
        _without(str(fault))
    except subprocess.CalledProcessError as fault:
        pytest.fail(f"the page cannot be built:\n{fault.stdout[-4000:]}")
    return STATIC


@pytest.fixture(scope="session")
def chromium() -> None:
    """Chromium must be there; without it the tests are skipped, with CI=true they fail."""
    if shutil.which(CHROMIUM) is None:
        _without(f"the page's tests need {CHROMIUM}: sh lab/debian.sh chromium")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def day(
    chromium: None, static: Path, postgres: Server, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Day]:
    """The application with a day's calls; tests tell further ones of clients of their own."""
    admin = await asyncpg.connect(postgres.dsn_for("postgres", superuser=True))
    await admin.execute(f"create database page template {TEMPLATE} owner trunkline")
    async with open_day(postgres.dsn_for("page"), tmp_path_factory.mktemp("page"), static) as opened:
        yield opened
    await admin.execute("drop database page with (force)")
    await admin.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(chromium: None, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Browser]:
    """Debian's Chromium."""
    async with open_chromium(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def visit(day: Day, browser: Browser) -> AsyncIterator[Visit]:
    """Opens pages as a signed-in person; what goes wrong in any of them fails the test."""
    visitor = Visit(day=day, browser=browser)
    yield visitor
    await visitor.close()
    assert visitor.faults == []


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def crowd(
    chromium: None, static: Path, postgres: Server, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Day]:
    """Another day, with 100,000 calls of 100 managers beside; some seconds to make, so for a module of its own."""
    admin = await asyncpg.connect(postgres.dsn_for("postgres", superuser=True))
    await admin.execute(f"create database crowd template {TEMPLATE} owner trunkline")
    async with open_day(postgres.dsn_for("crowd"), tmp_path_factory.mktemp("crowd"), static) as opened:
        await fill_crowd(opened.api.site.pool, zone=opened.zone)
        yield opened
    await admin.execute("drop database crowd with (force)")
    await admin.close()
