"""Fixtures: the office of a module, with an Asterisk, a gateway and a Chromium of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from gateway.store.embedded_server import Server
from lab.server import AsteriskServer
from lab.speech import Dialogue, make_dialogue
from tests.database import TEMPLATE
from tests.softphone.office import Office, enter_people, flags, office_settings, open_gateway, write_speech
from tests.web.browser import open_chromium
from tests.web.conftest import chromium, static
from tests.words.findings import findings_are_known

__all__ = ["chromium", "findings_are_known", "static"]


@pytest.fixture(scope="module")
def dialogue(asterisk: AsteriskServer, tmp_path_factory: pytest.TempPathFactory) -> Dialogue:
    """What manager and client say."""
    return make_dialogue(asterisk.home, tmp_path_factory.mktemp("speech"), "en")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def own_database(postgres: Server) -> AsyncIterator[str]:
    """A migrated database of the module's own."""
    admin = await asyncpg.connect(postgres.dsn_for("postgres", superuser=True))
    await admin.execute(f"create database softphone template {TEMPLATE} owner trunkline")
    yield postgres.dsn_for("softphone")
    await admin.execute("drop database softphone with (force)")
    await admin.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office(
    asterisk: AsteriskServer,
    dialogue: Dialogue,
    own_database: str,
    chromium: None,
    static: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Office]:
    """Anna and Boris with phones in browsers; their microphones play the manager's side of the dialogue."""
    folder = tmp_path_factory.mktemp("browser")
    microphone = write_speech(dialogue.manager, folder / "microphone.wav")
    await enter_people(own_database)
    settings = office_settings(asterisk, own_database)
    async with open_gateway(settings, static) as gateway, open_chromium(folder, *flags(microphone)) as browser:
        yield Office(
            server=asterisk,
            gateway=gateway,
            browser=browser,
            origin=f"http://127.0.0.1:{settings.http.port}",
            microphone=microphone,
        )
