"""Real calls on the FreePBX-like site of the lab: Asterisk writes into MariaDB, the running gateway reads the table.

Requirements A and G: the gateway meets a FreePBX whose owner lends no more than SELECT on one table.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import aiohttp
import asyncpg
import pytest
import pytest_asyncio

from gateway.app import Gateway
from gateway.settings import Settings
from gateway.store.journal import unpacked
from gateway.store.staff import add_user, give_extension
from lab.chroot import AsteriskHome
from lab.errors import LabUnavailable
from lab.freepbx import FreePbxServer, open_freepbx
from lab.mariadb import require_mariadb
from lab.office import Stage
from lab.plays import Play
from lab.plays.freepbx_day import PLAYS
from lab.ports import free_port
from tests.conftest import without
from tests.gateway.test_freepbx_day import NEAR, seconds_by_phones, seconds_of, stretches, told, told_by_phones
from tests.gateway.test_real_calls import running

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="module")]
PLAYED = ("followme_mobile", "click_to_call")
"""All of the day is a recorded scenario; these two show that the recording is what happens."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def freepbx(
    asterisk_home: AsteriskHome, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[FreePbxServer, Stage]]:
    try:
        require_mariadb()
    except LabUnavailable as error:
        without(error)
    async with open_freepbx(tmp_path_factory.mktemp("freepbx")) as site:
        yield site


def settings_for(server: FreePbxServer, database: str) -> Settings:
    """The site as its administrator would enter it."""
    pbx = {
        "kind": "freepbx",
        "journal": {"url": server.database.url, "timezone": "Europe/Moscow"},
        "ami": {"port": server.ports.ami, "user": server.gateway.user, "secret": server.gateway.secret},
        "originate": {"channel": "Local/{ext}@from-internal", "context": "from-internal"},
        "trunks": [{"endpoint": "operator", "strip_prefixes": ["9"], "own_numbers": ["74954950100"]}],
    }
    return Settings(
        http={"port": free_port()}, database={"url": database}, pbx={"lab": pbx}, home=str(server.directory / "home")
    )


async def people(database: str) -> None:
    """Enter the four managers."""
    connection = await asyncpg.connect(database)
    async with connection.transaction():
        for login, extension in {"anna": "5001", "boris": "5002", "vera": "5003", "dina": "5004"}.items():
            user = await add_user(connection, login=login, name=login.title(), role="manager")
            await give_extension(connection, pbx="lab", extension=extension, user_id=user, patterns=[extension])
    await connection.close()


async def call_since(gateway: Gateway, since: datetime, seconds: float = 60.0) -> dict[str, Any]:
    """The call that began after a moment, once it has ended."""
    async with asyncio.timeout(seconds):
        while True:
            row = await gateway.pool.fetchrow(
                "select * from call where state = 'ended' and merged_into is null and kind <> 'service'"
                " and started_at >= $1 order by started_at",
                since.replace(microsecond=0),
            )
            if row is not None:
                return dict(row)
            await asyncio.sleep(0.05)


async def performed(gateway: Gateway, stage: Stage, play: Play) -> tuple[dict[str, Any], dict[str, Any]]:
    """A play, and the call that the gateway makes of it."""
    await asyncio.sleep(1.1)  # a second of its own: the table's times are whole
    since = datetime.now(UTC)
    (real,) = await play.act(stage)
    await stage.quiet()
    await stage.clear()
    return await call_since(gateway, since), json.loads(json.dumps(real))


@pytest.mark.parametrize("name", PLAYED)
async def test_a_real_call_comes_out_of_the_table(
    freepbx: tuple[FreePbxServer, Stage], database: str, name: str
) -> None:
    server, stage = freepbx
    await people(database)
    async with running(settings_for(server, database), people=False) as gateway:
        await met(gateway)
        call, real = await performed(gateway, stage, PLAYS[name])

        assert told(call) == told_by_phones(real)
        for key, seconds in seconds_of(call).items():
            assert abs(seconds - seconds_by_phones(real)[key]) <= NEAR * stretches(real), key
        assert await gateway.pool.fetchval("select count(*) from quarantine") == 0


async def met(gateway: Gateway) -> None:
    """Wait until the table is being read."""
    line = gateway.lines["lab"]
    async with asyncio.timeout(60):
        while not all(state.ready for state in line.states()):
            await asyncio.sleep(0.02)


async def test_the_screen_shows_the_caller_while_it_rings_and_the_database_may_go_away_meanwhile(
    freepbx: tuple[FreePbxServer, Stage], database: str
) -> None:
    server, stage = freepbx
    await people(database)
    settings = settings_for(server, database)
    async with running(settings, people=False) as gateway:
        await met(gateway)
        since = datetime.now(UTC)
        with gateway.live.listening() as screen:
            client = await stage.call("4950101")
            anna = await stage.desk.next_call()
            async with asyncio.timeout(60):
                while (await screen.queue.get()).kind != "call.ringing":
                    pass
            assert anna.state == "ringing"
        await anna.answer()
        await client.connected()
        # What Asterisk has not written by now, its cel_odbc drops while the database is away.
        await until_count(gateway, "talking", since, 1)
        await asyncio.to_thread(server.database.stop)
        try:
            async with asyncio.timeout(60):
                while not (detail := await journal_detail(settings)):
                    await asyncio.sleep(0.1)
            await client.hang_up()
            await anna.ended()
        finally:
            await asyncio.to_thread(server.database.start)
        await asyncio.sleep(2)
        second = await stage.call("4950101")
        await (await stage.answer(stage.desk)).hang_up()
        await second.ended()
        await stage.clear()
        # The first one's end stands in no table: the reconciler looks each minute, and once again eleven seconds later.
        await until_count(gateway, "ended", since, 2)
        first = await call_since(gateway, since)

    assert detail == "the journal cannot be read: the database of the CEL table does not answer"
    assert (first["result"], first["answered_by"]) == ("answered", ["5001"])


async def until_count(gateway: Gateway, state: str, since: datetime, calls: int) -> None:
    """Wait until so many calls that began after a moment are in a state; the table holds the other tests' calls too."""
    query = "select count(*) from call where state = $1 and started_at >= $2"
    async with asyncio.timeout(180):
        while await gateway.pool.fetchval(query, state, since.replace(microsecond=0)) < calls:
            await asyncio.sleep(0.1)


async def journal_detail(settings: Settings) -> str:
    """What /readyz says of the journal."""
    url = f"http://127.0.0.1:{settings.http.port}/readyz"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        told = await answer.json()
    parts = {part["name"]: part for part in told["parts"]}
    return str(parts["journal of lab"].get("detail") or "")


async def test_what_a_client_keys_in_stands_in_the_sites_table_and_never_in_our_database(
    freepbx: tuple[FreePbxServer, Stage], database: str
) -> None:
    server, stage = freepbx
    await people(database)
    async with running(settings_for(server, database), people=False) as gateway:
        await met(gateway)
        since = datetime.now(UTC)
        client = await stage.call("4950101")
        anna = await stage.answer(stage.desk)
        await client.connected()
        await stage.press(client, "1234")
        await asyncio.sleep(1.5)
        await client.hang_up()
        await anna.ended()
        await stage.clear()
        call = await call_since(gateway, since)
        family = await gateway.pool.fetchval("select rows from family where id = $1", call["family_id"])
        keyed = server.database.run("select count(*) from cel where eventtype = 'DTMF'")[0][0]

    assert isinstance(keyed, int)
    assert keyed >= 8
    assert b"DTMF" not in b"".join(unpacked(family))


HOSTILE = '7916\'), drop table cel, --\r\nEvent: Hangup\r\n\r\n"x",\\'


async def test_a_hostile_caller_is_a_value_in_the_table_and_here(
    freepbx: tuple[FreePbxServer, Stage], database: str
) -> None:
    server, stage = freepbx
    await people(database)
    async with running(settings_for(server, database), people=False) as gateway:
        await met(gateway)
        since = datetime.now(UTC)
        client = await stage.outside.dial("4950101", caller=HOSTILE, name="O'Brien, \\ ${SHELL(id)}; drop table cel")
        anna = await stage.answer(stage.desk, 0.3)
        await client.connected()
        await client.hang_up()
        await anna.ended()
        await stage.clear()
        call = await call_since(gateway, since)
        refused = await gateway.pool.fetchval("select count(*) from quarantine")
        stored = server.database.run("select count(*) from cel where cid_num like '%drop table%'")[0][0]

    assert (call["result"], call["answered_by"], call["client_number"]) == ("answered", ["5001"], None)
    assert call["unmapped"] == []
    assert refused == 0
    assert isinstance(stored, int)
    assert stored > 0
