"""What dies on its own, and what goes on: gateway and worker killed in mid call. Requirement L."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from gateway.store.database import open_pool
from lab.phones import open_phone
from lab.server import free_ports
from tests.contract.sound import note_of
from tests.faults.plant import served
from tests.gateway.embedded_site import (
    CLIENT,
    DID,
    SECRET,
    configured,
    ended_call,
    enter_people,
    exchange_ends,
    exchanges,
    manager_phone,
    provider,
    registered,
    running,
    settings_for,
    workers,
)

pytestmark = pytest.mark.asyncio


async def test_a_gateway_killed_in_mid_call_cuts_nothing_and_has_the_call_afterwards(
    database: str, tmp_path: Path
) -> None:
    ports = free_ports()
    await enter_people(database)
    config = configured(tmp_path, database, ports)
    async with exchange_ends(tmp_path / "home"), provider(ports) as client:
        with served(config) as gateway:
            async with open_phone(user="101", pbx_port=ports.sip, secret=SECRET) as anna:
                await registered(anna)
                await anna.script(answer_after=0.1, play=note_of("101", tmp_path))
                call = await client.dial(DID, caller=CLIENT, play=note_of("client", tmp_path))
                await call.connected()
                await asyncio.sleep(0.5)
                gateway.kill()
                before = exchanges(tmp_path / "home")
                await asyncio.sleep(1.5)
                assert call.state == "connected"
                second = await client.dial(DID, caller="79265554433")  # by the house's own plan
                await second.connected()
                await asyncio.sleep(0.5)
                await second.hang_up()
                await call.hang_up()
                await asyncio.sleep(0.5)
        with served(config):
            async with open_pool(database, size=1) as pool:
                async with asyncio.timeout(25):
                    while await pool.fetchval("select count(*) from recording where state = 'stored'") < 2:
                        await asyncio.sleep(0.2)
                rows = await pool.fetch("select * from call where merged_into is null order by started_at")
            after = exchanges(tmp_path / "home")

    assert before == after != []
    assert [(row["client_number"], row["result"], row["complete"]) for row in rows] == [
        (f"+{CLIENT}", "answered", True),
        ("+79265554433", "answered", True),
    ]
    assert 2.0 < rows[0]["talk_us"] / 1e6 < 5.0


async def test_a_worker_that_is_killed_takes_its_call_along_and_no_other(database: str, tmp_path: Path) -> None:
    ports, home = free_ports(), tmp_path / "home"
    await enter_people(database)
    async with exchange_ends(home), running(settings_for(database, home, ports)) as gateway:
        async with manager_phone(ports) as anna, manager_phone(ports, "102") as boris, provider(ports) as client:
            await anna.script(answer_after=0.1, play=note_of("101", tmp_path))
            first = await client.dial(DID, caller=CLIENT, play=note_of("client", tmp_path))
            await first.connected()
            await anna.script()
            await boris.script(answer_after=0.1)
            second = await client.dial(DID, caller="79265554433")
            await second.connected()
            await asyncio.sleep(1.5)
            os.kill(workers(exchanges(home)[0])[0], signal.SIGKILL)
            row = await ended_call(gateway.pool)
            await asyncio.sleep(1.0)
            goes_on = second.state
            async with asyncio.timeout(20):
                while await gateway.pool.fetchval("select count(*) from recording where state = 'stored'") < 1:
                    await asyncio.sleep(0.1)
            recording = await gateway.pool.fetchrow("select * from recording where state = 'stored'")
            third = await client.dial(DID, caller="79031112233")  # another worker stands in
            await third.connected()
            await third.hang_up()
            await second.hang_up()

        assert (row["client_number"], row["result"], row["complete"]) == (f"+{CLIENT}", "answered", False)
        assert recording["call_id"] == row["id"]
        assert recording["duration_us"] > 1e6
        assert goes_on == "connected"
