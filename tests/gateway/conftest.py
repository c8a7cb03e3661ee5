"""What tests of the gateway's middle share: connections, and a PBX's recordings on their way."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from gateway.store.database import Pool, open_pool
from tests.gateway.recorded import Studio, open_studio
from tests.words.findings import findings_are_known

__all__ = ["findings_are_known"]


@pytest_asyncio.fixture
async def pool(database: str) -> AsyncIterator[Pool]:
    """Connections to a fresh database."""
    async with open_pool(database) as opened:
        yield opened


@pytest_asyncio.fixture
async def studio(pool: Pool, tmp_path: Path) -> AsyncIterator[Studio]:
    """A PBX's folder, an empty archive and the upkeep between them."""
    async with open_studio(pool, tmp_path) as opened:
        yield opened
