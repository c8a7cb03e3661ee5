"""Inbound calls that nobody can take at once: announcements before anybody rings, and no line left at all."""

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest
import soundfile

from lab.errors import PhoneFailed
from lab.phone_calls import PhoneCall
from lab.phones import Phone
from lab.server import free_ports
from tests.contract.sound import heard, length, note_of
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
    running,
    settings_for,
)

pytestmark = pytest.mark.asyncio

ANSWERED = "select * from call where result = 'answered' and state = 'ended'"


async def hears(client: Phone, file: Path) -> PhoneCall:
    """A call whose sound before the answer is recorded; one that the gateway was too slow to route rings at once."""
    while True:
        call = await client.dial(DID, caller=CLIENT)
        await call.ringing()
        for _ in range(20):
            with suppress(PhoneFailed):  # its sound begins a moment after the answer that brings it
                await call.record(file)
                return call
            await asyncio.sleep(0.05)
        await call.hang_up()
        await call.ended()


async def test_an_announcement_is_heard_before_anybody_rings(database: str, tmp_path: Path) -> None:
    ports, home = free_ports(), tmp_path / "home"
    await enter_people(database)
    sound = home / "exchange/sounds/custom/hello.wav"
    async with exchange_ends(home), running(settings_for(database, home, ports)) as gateway, admin_of(gateway) as admin:
        sound.parent.mkdir(parents=True)
        said, rate = soundfile.read(note_of("100", tmp_path, seconds=3.5), dtype="int16")
        soundfile.write(sound, said, rate, subtype="PCM_16")
        async with admin.patch(
            "routing-policy", json={"version": 1, "sounds": ["custom/hello", "missing"]}
        ) as response:
            assert response.status == 200, await response.text()
        anna_id = await gateway.pool.fetchval("select id from users where login = 'anna'")
        steps = [
            {"kind": "announcement", "sound": "missing"},
            {"kind": "announcement", "sound": "custom/hello"},
            {"kind": "manager", "user": anna_id},
        ]
        await made(admin, "inbound-routes", {"name": "Main", "did": DID, "record": True, "steps": steps})
        async with manager_phone(ports) as anna, provider(ports) as client:
            async with asyncio.timeout(20):
                call = await hears(client, tmp_path / "heard.wav")
            anna.forget_arrived()
            began = asyncio.get_running_loop().time()
            taken = await anna.next_call()
            waited = asyncio.get_running_loop().time() - began
            await taken.answer()
            await call.connected()
            await asyncio.sleep(0.5)
            await call.hang_up()
            await call.ended()
            async with asyncio.timeout(20):
                while (row := await gateway.pool.fetchrow(ANSWERED)) is None:
                    await asyncio.sleep(0.05)
            async with asyncio.timeout(5):  # until the phone has written its file
                while not length(tmp_path / "heard.wav"):
                    await asyncio.sleep(0.05)

    assert heard(tmp_path / "heard.wav", until=1.0) == {"100"}
    assert waited > 0.5
    assert row["answered_by"] == ["101"]


async def test_a_call_for_which_no_worker_is_left_is_busy_for_its_caller_and_missed_for_the_company(
    database: str, tmp_path: Path
) -> None:
    ports, home = free_ports(), tmp_path / "home"
    await enter_people(database)
    settings = settings_for(database, home, ports, workers=1)
    async with exchange_ends(home), running(settings) as gateway, admin_of(gateway) as admin:
        people = await gateway.pool.fetch("select id from users where login in ('anna', 'boris') order by login")
        steps = [{"kind": "manager", "user": person["id"]} for person in people]
        await made(admin, "inbound-routes", {"name": "Main", "did": DID, "record": False, "steps": steps})
        async with manager_phone(ports) as anna, manager_phone(ports, "102") as boris, provider(ports) as client:
            await anna.script(answer_after=0.0)
            await boris.script(answer_after=0.0)
            talks = []
            for number in (CLIENT, "79265554433"):
                talks.append(await client.dial(DID, caller=number))
                await talks[-1].connected()
                await asyncio.sleep(0.8)  # until the gateway knows that this manager talks
            third = await client.dial(DID, caller="79031112233")
            await third.ended()
            outbound = await anna.dial("89161234567")
            await outbound.ended()
            row = await ended_call(gateway.pool)
            shown: list[dict[str, object]] = []
            async with asyncio.timeout(10):
                while not shown:
                    async with admin.get("missed") as response:
                        shown = (await response.json())["items"]
            for talk in talks:
                await talk.hang_up()
                await talk.ended()
            async with asyncio.timeout(10):
                while (seen := await exchange_of(gateway).look()) is None or seen.legs:
                    await asyncio.sleep(0.05)
            again = await anna.dial("102")
            await again.connected()
            await again.hang_up()

    assert (third.code, outbound.code) == (503, 503)
    assert (row["client_number"], row["direction"], row["result"], row["did"]) == (
        "+79031112233",
        "inbound",
        "missed",
        DID,
    )
    assert row["reason"] == "failed"
    assert [one["number"] for one in shown] == ["+79031112233"]
