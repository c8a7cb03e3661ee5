"""The whole gateway with an exchange of its own: real phones, no PBX. Requirement L: works with no PBX at all."""

import asyncio
from pathlib import Path

import pytest

from gateway.domain.identity import command_id
from gateway.domain.ports import OrderState
from gateway.store.commands import store_command
from lab.server import free_ports
from tests.contract.sound import note_of
from tests.gateway.embedded_site import (
    CLIENT,
    DID,
    ended_call,
    enter_people,
    exchange_ends,
    manager_phone,
    provider,
    running,
    settings_for,
)

pytestmark = pytest.mark.asyncio


async def test_a_call_over_the_trunk_rings_its_manager_is_recorded_and_counted(database: str, tmp_path: Path) -> None:
    ports, home = free_ports(), tmp_path / "home"
    await enter_people(database)
    async with exchange_ends(home), running(settings_for(database, home, ports)) as gateway:
        async with manager_phone(ports) as anna, provider(ports) as client:
            await anna.script(answer_after=0.5, play=note_of("101", tmp_path))
            with gateway.live.listening() as screen:
                call = await client.dial(DID, caller=CLIENT, play=note_of("client", tmp_path))
                async with asyncio.timeout(60):
                    first = [await screen.queue.get() for _ in range(2)]
            await call.connected()
            await asyncio.sleep(2.0)
            await call.hang_up()
        row = await ended_call(gateway.pool)
        async with asyncio.timeout(60):
            while await gateway.pool.fetchval("select count(*) from recording where state = 'stored'") < 1:
                await asyncio.sleep(0.1)
        recording = await gateway.pool.fetchrow("select * from recording")

        assert [happening.kind for happening in first] == ["card.created", "call.ringing"]
        assert (row["pbx"], row["result"], row["answered_by"], row["hung_up_by"]) == (
            "embedded",
            "answered",
            ["101"],
            "client",
        )
        assert (row["client_number"], row["did"]) == (f"+{CLIENT}", DID)
        assert 1.5 < row["talk_us"] / 1e6 < 3.0
        assert recording["call_id"] == row["id"]
        assert abs(recording["duration_us"] - row["talk_us"]) < 0.6e6
        assert await gateway.pool.fetchval("select sum(answered) from manager_day") == 1


async def test_a_click_rings_the_manager_then_the_client(database: str, tmp_path: Path) -> None:
    ports, home = free_ports(), tmp_path / "home"
    await enter_people(database)
    async with exchange_ends(home), running(settings_for(database, home, ports)) as gateway:
        async with manager_phone(ports) as anna, provider(ports) as client:
            await anna.script(answer_after=0.1)
            await client.script(answer_after=0.1)
            order = command_id()
            user = await gateway.pool.fetchval("select id from users where login = 'anna'")
            await store_command(
                gateway.pool, id=order, pbx="embedded", user_id=user, extension="101", number=f"+{CLIENT}"
            )
            outcome = await gateway.engines["embedded"].originate(
                order_id=order, endpoint="101", extension="101", number=CLIENT, caller_id=CLIENT
            )
            taken = await anna.next_call()
            called = await client.next_call()
            await called.connected()
            await asyncio.sleep(1.0)
            await taken.hang_up()
        row = await ended_call(gateway.pool)

        assert outcome.state is OrderState.ACCEPTED
        assert DID in called.peer
        assert (row["direction"], row["result"], row["answered_by"], row["hung_up_by"]) == (
            "outbound",
            "answered",
            ["101"],
            "manager",
        )
