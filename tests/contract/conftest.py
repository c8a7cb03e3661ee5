"""The sites of the contract. A second engine is one more parameter; the tests stay as they are."""

from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
import pytest_asyncio

from lab.chroot import AsteriskHome
from lab.errors import PhoneFailed
from lab.server import open_asterisk
from tests.contract.asterisk_site import open_asterisk_site
from tests.contract.exchange_site import open_exchange_site
from tests.contract.sites import ContractSite


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["asterisk", "embedded"])
async def office(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[ContractSite]:
    """One PBX with its phones for all tests of a module."""
    if request.param == "embedded":
        async with open_exchange_site(tmp_path_factory.mktemp("embedded")) as opened:
            yield opened
        return
    asterisk_home: AsteriskHome = request.getfixturevalue("asterisk_home")
    with open_asterisk(tmp_path_factory.mktemp(request.param), home=asterisk_home) as server:
        async with open_asterisk_site(server) as opened:
            yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def site(office: ContractSite) -> AsyncIterator[ContractSite]:
    """The office with nothing going on."""
    for phone in (office.anna, office.boris, office.chief, office.client):
        await phone.script()
        phone.forget_arrived()
    office.refused.clear()
    office.behind.begin()
    yield office
    for phone in (office.anna, office.boris, office.chief, office.client):
        for call in phone.calls.values():
            with suppress(PhoneFailed):  # it ended at this moment
                await call.hang_up()
    await office.until(lambda: not office.behind.open_legs())
