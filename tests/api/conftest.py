"""Fixtures of the API's tests: the served application, over a database of its own for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.api.site import Api, open_api


@pytest_asyncio.fixture
async def api(database: str, tmp_path: Path) -> AsyncIterator[Api]:
    """The application with its people and an empty journal."""
    async with open_api(database, tmp_path) as api:
        yield api
