"""What careless people enter over the API for phones, end to end: nothing of it stops another phone."""

import asyncio
from pathlib import Path

import pytest

from gateway.app import Gateway
from gateway.store.staff import give_extension
from lab.phones import open_phone
from lab.server import Ports, free_ports
from tests.api.fuzz import explore
from tests.gateway.embedded_site import (
    CLIENT,
    DID,
    admin_of,
    enter_people,
    exchange_ends,
    exchange_of,
    manager_phone,
    provider,
    registered,
    running,
    settings_for,
)

pytestmark = pytest.mark.asyncio


async def works(gateway: Gateway, ports: Ports) -> None:
    """See that a phone registers and rings."""
    async with manager_phone(ports) as anna, provider(ports) as client:
        await anna.script(answer_after=0.0)
        call = await client.dial(DID, caller=CLIENT)
        await call.connected()
        await call.hang_up()
        await call.ended()


async def test_no_request_for_a_phones_password_stops_the_phones(database: str, tmp_path: Path) -> None:
    ports, home = free_ports(), tmp_path / "home"
    await enter_people(database)
    async with (
        exchange_ends(home),
        running(settings_for(database, home, ports)) as gateway,
        admin_of(gateway) as admin,
    ):
        async with gateway.pool.acquire() as connection, connection.transaction():
            anna = await connection.fetchval("select id from users where login = 'anna'")
            for odd in ("*12", "a.b_c-d"):
                await give_extension(connection, pbx="embedded", extension=odd, user_id=anna, patterns=[odd])
        async with admin.get("openapi.json") as response:
            document = await response.json()
        path = "/users/{user_id}/extensions/{pbx}/{extension}/phone"
        document["paths"] = {name: one for name, one in document["paths"].items() if name.endswith(path)}
        known = {
            "user_id": [str(anna), str(2**40)],
            "pbx": ["embedded", "nowhere"],
            "extension": ["102", "*12", "a.b_c-d"],
        }
        headers = {"Authorization": admin.headers["Authorization"]}
        origin = str(gateway.settings.public_url)
        answers = await asyncio.to_thread(explore, document, origin, headers, known, examples=15, same_again=True)
        async with admin.put(f"users/{anna}/extensions/embedded/*12/phone") as response:
            odd_one = response.status, (await response.json())["detail"]
        async with admin.put(f"users/{anna}/extensions/embedded/a.b_c-d/phone") as response:
            told = await response.json()
        async with open_phone(user=told["user"], pbx_port=told["port"], secret=told["password"]) as phone:
            await registered(phone)
            seen = {one.name: one.online for one in await exchange_of(gateway).endpoints()}
        await works(gateway, ports)

    assert sum(answers.values()) > 20
    assert not [answer for answer in answers if answer.rpartition(" ")[2].startswith("5")]
    assert odd_one[0] == 409
    assert "without * and #" in odd_one[1]
    assert seen["SIP/a.b_c-d"]


async def test_a_phone_in_the_database_that_cannot_be_one_does_not_stop_the_others(
    database: str, tmp_path: Path
) -> None:
    ports, home = free_ports(), tmp_path / "home"
    await enter_people(database)
    async with exchange_ends(home), running(settings_for(database, home, ports)) as gateway:
        anna = await gateway.pool.fetchval("select id from users where login = 'anna'")
        async with gateway.pool.acquire() as connection, connection.transaction():
            await give_extension(connection, pbx="embedded", extension="*9", user_id=anna, patterns=["*9"])
            await connection.execute(
                "insert into phone (pbx, endpoint, extension, ha1, ha1_sha256)"
                " select pbx, '*9', '*9', ha1, ha1_sha256 from phone where endpoint = '101'"
            )
        await gateway.pool.execute("notify trunkline_tables")
        exchange_of(gateway).configure()
        await works(gateway, ports)
        seen = [one.name for one in await exchange_of(gateway).endpoints()]

    assert sorted(seen) == ["SIP/101", "SIP/102"]
