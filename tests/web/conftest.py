"""Fixtures of the page's tests: the built page, a served day of calls for each module, one browser, and a fresh visitor
for each test.

TRUNKLINE_STATIC names another folder of built files, which is then taken as it is.
"""

import contextlib
import itertools
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, expect

from gateway.store.embedded_server import Server
from tests.database import TEMPLATE
from tests.web.browser import CHROMIUM, PATIENCE, Visit, open_chromium
from tests.web.crowd import fill_crowd
from tests.web.day import Day, Morning, open_copy, open_day
from tests.web.rest import bring_to_rest, followed_up
from web.build import STATIC, build
from web.node import NoNodeError

expect.set_options(timeout=2 * PATIENCE)
_copies = itertools.count(1)


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
async def morning(
    chromium: None, static: Path, postgres: Server, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Morning]:
    """A day's calls, told once for all modules of this process."""
    folder = tmp_path_factory.mktemp("morning")
    async with copied(postgres, TEMPLATE, "morning") as dsn:
        async with open_day(dsn, folder, static) as told:
            await followed_up(told)
        yield Morning(template="morning", folder=folder, recorded=told.recorded, zone=told.zone)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def day(
    morning: Morning, static: Path, postgres: Server, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Day]:
    """The application with a day's calls, for the tests of one module alone; they tell further ones of clients of
    their own."""
    folder = tmp_path_factory.mktemp("page") / "day"
    async with (
        copied(postgres, morning.template, f"page_{next(_copies)}") as dsn,
        open_copy(morning, dsn, folder, static) as opened,
    ):
        yield opened


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(chromium: None, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Browser]:
    """Debian's Chromium."""
    async with open_chromium(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def visit(day: Day, browser: Browser) -> AsyncIterator[Visit]:
    """Opens pages as a signed-in person; what goes wrong in any of them fails the test.

    Whoever visits begins at rest, whatever the tests before have left, and no call outlives its test.
    """
    await bring_to_rest(day)
    visitor = Visit(day=day, browser=browser)
    yield visitor
    await visitor.close()
    await bring_to_rest(day)
    assert visitor.faults == []


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def windows(browser: Browser) -> AsyncIterator[dict[str, BrowserContext]]:
    """The windows of `look`."""
    kept: dict[str, BrowserContext] = {}
    yield kept
    for context in kept.values():
        await context.close()


@pytest_asyncio.fixture(loop_scope="session")
async def look(visit: Visit, windows: dict[str, BrowserContext]) -> Visit:
    """Opens pages like `visit`, in windows that outlive the test: for tests of many pages that change nothing."""
    visit.windows = windows
    return visit


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def crowd(
    morning: Morning, static: Path, postgres: Server, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Day]:
    """Another day, with 100,000 calls of 100 managers beside; some seconds to make, so for a module of its own."""
    folder = tmp_path_factory.mktemp("crowd") / "day"
    async with (
        copied(postgres, morning.template, "crowd") as dsn,
        open_copy(morning, dsn, folder, static) as opened,
    ):
        await fill_crowd(opened.api.site.pool, zone=opened.zone)
        yield opened


@contextlib.asynccontextmanager
async def copied(postgres: Server, template: str, name: str) -> AsyncIterator[str]:
    """The address of a copy of a database, which is there as long as it is wanted."""
    admin = await asyncpg.connect(postgres.dsn_for("postgres", superuser=True))
    await admin.execute(f"create database {name} template {template} owner trunkline strategy = file_copy")
    yield postgres.dsn_for(name)
    await admin.execute(f"drop database {name} with (force)")
    await admin.close()
