"""Calls out over a real provider's phone: each refusal is a result of its own, and who may dial and transfer what."""

import asyncio
from pathlib import Path

import asyncpg
import pytest

from gateway.app import Gateway
from gateway.domain.identity import command_id
from gateway.store.commands import store_command
from lab.server import free_ports
from tests.gateway.embedded_site import (
    CLIENT,
    DID,
    enter_people,
    exchange_ends,
    manager_phone,
    provider,
    running,
    settings_for,
)

pytestmark = pytest.mark.asyncio

PREMIUM, OTHER = "88095551234", "79265554433"


async def ended(gateway: Gateway, count: int) -> list[asyncpg.Record]:
    """All calls, once so many have ended."""
    async with asyncio.timeout(25):
        while await gateway.pool.fetchval("select count(*) from call where state = 'ended'") < count:
            await asyncio.sleep(0.05)
    return await gateway.pool.fetch("select * from call where merged_into is null order by started_at")  # type: ignore[no-any-return]


async def click(gateway: Gateway, number: str = CLIENT) -> None:
    """Anna orders a call to a client, to whom no order of hers is on its way."""
    order, pool = command_id(), gateway.pool
    user = await pool.fetchval("select id from users where login = 'anna'")
    await store_command(pool, id=order, pbx="embedded", user_id=user, extension="101", number=f"+{number}")
    engine = gateway.engines["embedded"]
    await engine.originate(order_id=order, endpoint="101", extension="101", number=number, caller_id=number)


async def test_every_answer_of_a_provider_is_a_result_of_its_own(database: str, tmp_path: Path) -> None:
    ports, home = free_ports(), tmp_path / "home"
    await enter_people(database)
    codes = (486, 603, 404, 408, 503)
    async with (
        exchange_ends(home),
        running(settings_for(database, home, ports)) as gateway,
        manager_phone(ports) as anna,
        provider(ports) as client,
    ):
        await anna.script(answer_after=0.0)
        for n, code in enumerate(codes, start=1):
            await client.script(refuse_with=code)
            await click(gateway, f"{CLIENT[:-1]}{n}")
            rows = await ended(gateway, n)
        heard = []
        for n, code in enumerate(codes, start=1):
            await client.script(refuse_with=code)
            dialled = await anna.dial(f"8{CLIENT[1:]}")
            await dialled.ended()
            heard.append(dialled.code)
            rows = await ended(gateway, len(codes) + n)

    results = [
        ("busy", "client_busy"),
        ("busy", "client_refused"),
        ("failed", "no_such_number"),
        ("no_answer", "client_no_response"),
        ("failed", "line_overloaded"),
    ]
    assert [(row["result"], row["reason"]) for row in rows] == results * 2
    assert {row["direction"] for row in rows} == {"outbound"}
    assert {row["client_number"] for row in rows[len(codes) :]} == {f"+{CLIENT}"}
    assert heard == [486, 486, 503, 480, 503]


async def test_a_provider_that_does_not_answer_at_all_is_unreachable(database: str, tmp_path: Path) -> None:
    ports, home = free_ports(), tmp_path / "home"
    await enter_people(database)
    async with (
        exchange_ends(home),
        running(settings_for(database, home, ports)) as gateway,
        manager_phone(ports) as anna,
    ):
        await anna.script(answer_after=0.0)
        await click(gateway)
        (row,) = await ended(gateway, 1)

    assert (row["result"], row["reason"], row["hung_up_by"]) == ("failed", "trunk_unreachable", "pbx")


async def test_a_manager_shows_his_own_number_from_his_phone_too(database: str, tmp_path: Path) -> None:
    ports, home = free_ports(), tmp_path / "home"
    await enter_people(database)
    async with (
        exchange_ends(home),
        running(settings_for(database, home, ports)) as gateway,
        manager_phone(ports) as anna,
        manager_phone(ports, "102") as boris,
        provider(ports) as client,
    ):
        await gateway.pool.execute(
            "insert into shown_number (user_id, pbx, extension, number)"
            " select id, 'embedded', '101', '+74957770002' from users where login = 'anna'"
        )
        await client.script(answer_after=0.0, hang_up_after=0.2)
        for phone in (anna, boris):
            dialled = await phone.dial(f"8{CLIENT[1:]}")
            await dialled.ended()
        shown = [(await client.next_call()).peer for _ in range(2)]

    assert ["74957770002" in shown[0], DID in shown[1]] == [True, True]


async def test_a_phones_transfer_to_the_outside_obeys_its_owners_permissions(database: str, tmp_path: Path) -> None:
    ports, home = free_ports(), tmp_path / "home"
    await enter_people(database)
    async with (
        exchange_ends(home),
        running(settings_for(database, home, ports)) as gateway,
        manager_phone(ports) as anna,
        provider(ports) as client,
    ):
        await anna.script(answer_after=0.0)
        await client.script(answer_after=0.0)
        call = await client.dial(DID, caller=CLIENT)
        await call.connected()
        taken = await anna.next_call()
        await taken.connected()
        await asyncio.sleep(0.5)
        await taken.blind_transfer(PREMIUM)
        async with asyncio.timeout(5):
            while taken.transfer_code in (None, 100, 202):
                await asyncio.sleep(0.02)
        refused = taken.transfer_code, call.state, list(client.calls)[1:]
        await taken.blind_transfer(f"8{OTHER[1:]}")
        third = await client.next_call()
        await third.connected()
        await taken.ended()
        await asyncio.sleep(0.5)
        await call.hang_up()
        await third.ended()
        (row,) = await ended(gateway, 1)

    assert refused == (403, "connected", [])
    assert (row["direction"], row["result"], row["answered_by"]) == ("inbound", "answered", ["101"])
    assert [(one["kind"], one["by"]) for one in row["transfers"]] == [("blind", "101")]
