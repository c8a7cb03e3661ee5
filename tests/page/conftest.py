"""Fixtures of the screens' tests: one served day of calls and one browser for all of them, a fresh visitor for each."""

import os
import shutil
from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page

from gateway.store.embedded_server import Server
from tests.database import TEMPLATE
from tests.page.site import CHROMIUM, Day, Visit, open_chromium, open_day, visited


@pytest.fixture(scope="session")
def chromium() -> None:
    """Chromium must be there; without it the tests are skipped, with CI=true they fail."""
    if shutil.which(CHROMIUM) is None:
        missing = f"the screens need {CHROMIUM}: sh lab/debian.sh chromium"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def day(chromium: None, postgres: Server, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Day]:
    """The application with a day's calls; tests tell further ones of clients of their own."""
    admin = await asyncpg.connect(postgres.dsn_for("postgres", superuser=True))
    await admin.execute(f"create database screens template {TEMPLATE} owner trunkline")
    folder = tmp_path_factory.mktemp("screens")
    async with open_day(postgres.dsn_for("screens"), folder) as opened:
        yield opened
    await admin.execute("drop database screens with (force)")
    await admin.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(chromium: None, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Browser]:
    """Debian's Chromium."""
    async with open_chromium(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def visit(day: Day, browser: Browser) -> AsyncIterator[Visit]:
    """Opens pages as a signed-in person; a fault in any page's script fails the test."""
    faults: list[str] = []
    contexts: list[BrowserContext] = []

    async def opened(login: str | None = "anna", path: str = "/", **looks: object) -> Page:
        context, page = await visited(day, browser, login, path, faults, **looks)
        contexts.append(context)
        return page

    yield opened
    for context in contexts:
        await context.close()
    assert faults == []
