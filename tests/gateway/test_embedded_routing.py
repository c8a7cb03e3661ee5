"""The embedded engine under the gateway's own rules: phones, routes and permissions as entered over the API."""

import asyncio
from pathlib import Path

import pytest

from lab.phones import open_phone
from lab.server import free_ports
from tests.gateway.embedded_site import (
    CLIENT,
    DID,
    admin_of,
    ended_call,
    enter_people,
    exchange_ends,
    exchange_of,
    made,
    manager_phone,
    provider,
    registered,
    running,
    settings_for,
)

pytestmark = pytest.mark.asyncio


async def test_a_route_rings_whom_it_names_and_a_phone_dials_what_its_owner_may(database: str, tmp_path: Path) -> None:
    ports, home = free_ports(), tmp_path / "home"
    await enter_people(database)
    async with (
        exchange_ends(home),
        running(settings_for(database, home, ports)) as gateway,
        admin_of(gateway) as admin,
        provider(ports) as client,
        manager_phone(ports) as anna,
    ):
        boris_id = await gateway.pool.fetchval("select id from users where login = 'boris'")
        async with admin.put(f"users/{boris_id}/extensions/embedded/102/phone") as response:
            told = await response.json()
            assert response.status == 200, told
        await made(
            admin,
            "inbound-routes",
            {
                "name": "Main",
                "did": DID,
                "record": True,
                "steps": [{"kind": "manager", "user": boris_id}, {"kind": "hang_up"}],
            },
        )
        async with open_phone(user=told["user"], pbx_port=told["port"], secret=told["password"]) as boris:
            await registered(boris)
            await boris.script(answer_after=0.1)
            call = await client.dial(DID, caller=CLIENT)
            await call.connected()
            await asyncio.sleep(0.5)
            await call.hang_up()
            inbound = await ended_call(gateway.pool)
            rang = list(anna.calls)
            await client.script(answer_after=0.1)
            out = await boris.dial(f"8{CLIENT[1:]}")
            await out.connected()
            await out.hang_up()
            dear = await boris.dial("88095551234")  # premium rate
            await dear.ended()
            await asyncio.sleep(0.5)
            help = await boris.dial("112")
            await help.connected()
            await help.hang_up()
        async with asyncio.timeout(60):
            while await gateway.pool.fetchval("select count(*) from call where state = 'ended'") < 4:
                await asyncio.sleep(0.1)
        rows = await gateway.pool.fetch("select * from call order by started_at")

    assert (inbound["result"], inbound["answered_by"]) == ("answered", ["102"])
    assert rang == []
    assert [(row["direction"], row["result"]) for row in rows[:3]] == [
        ("inbound", "answered"),
        ("outbound", "answered"),
        ("outbound", "failed"),
    ]
    assert rows[1]["client_number"] == f"+{CLIENT}"
    assert rows[3]["unmapped"] == []


async def test_a_password_of_before_registers_no_more(database: str, tmp_path: Path) -> None:
    ports, home = free_ports(), tmp_path / "home"
    await enter_people(database)
    async with (
        exchange_ends(home),
        running(settings_for(database, home, ports)) as gateway,
        admin_of(gateway) as admin,
        manager_phone(ports),
    ):
        anna_id = await gateway.pool.fetchval("select id from users where login = 'anna'")
        before = [one.online for one in await exchange_of(gateway).endpoints()]
        async with admin.put(f"users/{anna_id}/extensions/embedded/101/phone") as response:
            told = await response.json()
        async with asyncio.timeout(60):
            while any(one.online for one in await exchange_of(gateway).endpoints()):
                await asyncio.sleep(0.05)
        async with open_phone(user="101", pbx_port=ports.sip, secret=told["password"]) as again:
            await registered(again)
            after = [one.online for one in await exchange_of(gateway).endpoints()]
        async with admin.put(f"users/{anna_id}/extensions/embedded/102/phone") as response:
            other = response.status
        kept = str(await gateway.pool.fetch("select * from phone"))

    assert (before, after) == ([True, False], [True, False])
    assert (other, told["password"] in kept) == (404, False)
