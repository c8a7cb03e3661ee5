"""An exchange killed in mid call: its calls end, for their phones too, and the next one goes on. Requirement L."""

import asyncio
import os
import signal
import zlib
from pathlib import Path

import pytest

from lab.server import free_ports
from tests.contract.sound import note_of
from tests.gateway.embedded_site import (
    CLIENT,
    DID,
    enter_people,
    exchange_ends,
    exchange_of,
    exchanges,
    manager_phone,
    provider,
    running,
    settings_for,
)

pytestmark = pytest.mark.asyncio


async def test_an_exchange_that_is_killed_ends_its_calls_for_their_phones_and_keeps_what_was_said(
    database: str, tmp_path: Path
) -> None:
    ports, home = free_ports(), tmp_path / "home"
    await enter_people(database)
    async with exchange_ends(home), running(settings_for(database, home, ports)) as gateway:
        async with manager_phone(ports) as anna, provider(ports) as client:
            await anna.script(answer_after=0.1, play=note_of("101", tmp_path))
            call = await client.dial(DID, caller=CLIENT, play=note_of("client", tmp_path))
            await call.connected()
            taken = await anna.next_call()
            await asyncio.sleep(2.5)
            (first,) = exchanges(home)
            os.kill(first, signal.SIGKILL)
            async with asyncio.timeout(15):
                while exchanges(home) in ([], [first]) or not exchange_of(gateway).state.connected:
                    await asyncio.sleep(0.1)
            await exchange_of(gateway).ready()
            await call.ended()  # nobody hung up: the next exchange did
            await taken.ended()
            again = await client.dial(DID, caller="79265554433")  # Anna's phone did not have to register again
            await again.connected()
            await again.hang_up()
        async with asyncio.timeout(60):
            while await gateway.pool.fetchval("select count(*) from call where state = 'ended'") < 2:
                await asyncio.sleep(0.2)
            rows = await gateway.pool.fetch("select * from call where merged_into is null order by started_at")
            kept = "select duration_us from recording where call_id = $1 and state = 'stored'"
            while (sound := await gateway.pool.fetchval(kept, rows[0]["id"])) is None:
                await asyncio.sleep(0.2)
        told = await gateway.pool.fetchval("select rows from family order by first_at limit 1")

    assert b"pbx_restarted" in zlib.decompress(told)
    assert sound > 2e6
    assert [(one["client_number"], one["result"], one["complete"]) for one in rows] == [
        (f"+{CLIENT}", "answered", False),
        ("+79265554433", "answered", True),
    ]
