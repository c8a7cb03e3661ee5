"""A real Asterisk that dies in mid call, and callers who attack through it: what the running gateway makes of them."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import numpy as np
import pytest
import soundfile

from gateway.app import Gateway
from lab.phones import open_client_phone, open_manager_phone
from lab.server import AsteriskServer
from tests.faults.plant import until
from tests.gateway.site import figures, recounted
from tests.gateway.test_real_calls import ended_call, running, settings_for

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio]
RECORDED, RINGS_ANNA, PLAYS_BACK = "4950005", "4950001", "4950009"
VICTIM = "+79161234567"
ATTACKS = (
    "7\r\n\r\nEvent: Hangup\r\nUniqueid: {leg}\r\nCause: 16\r\n\r\n",
    "7\r\n\r\nEvent: CEL\r\nEventName: CHAN_END\r\nUniqueID: {leg}\r\n\r\n",
    "7\r\n\r\nEvent: FullyBooted\r\n\r\nEvent: Shutdown\r\n\r\n",
    "7\r\n\r\nResponse: Success\r\nActionID: 1\r\n\r\n",
    '7\n"CHAN_END","1",,,,,,,,,,"{leg}","{leg}",,,,\n',
    '7"\n"CHAN_END","1","","","","","","","","","","{leg}"',
    '7\n"HANGUP","1795000000.1","\n',
    '7\n{{"kind":"lost","leg":"{leg}"}}\n',
)
"""PJSIP takes at most 79 characters of a caller's number."""


async def row_of(gateway: Gateway, number: str) -> asyncpg.Record:
    """The newest call of a client."""
    return await gateway.pool.fetchrow(
        "select * from call where client_number = $1 and merged_into is null order by started_at desc limit 1", number
    )


async def test_what_callers_forge_makes_no_call_no_card_no_figure_and_ends_nothing(
    asterisk: AsteriskServer, database: str
) -> None:
    async with running(settings_for(asterisk, database, transcription={"enabled": False})) as gateway:
        async with open_manager_phone(asterisk, "101") as anna, open_client_phone(asterisk) as client:
            await anna.script(answer_after=0.1)
            talk = await client.dial(RINGS_ANNA)
            await talk.connected()
            legs = gateway.lines["lab"].pipeline.open_legs

            async def talking() -> bool:
                return bool(await gateway.pool.fetchval("select count(*) from call where state = 'talking'"))

            await until(talking)
            await asyncio.sleep(0.2)
            leg = next(e.leg for e in legs().values() if e.channel.startswith("PJSIP/trunk"))
            with gateway.live.listening() as screen:
                for attack in ATTACKS:
                    attacker = await client.dial(PLAYS_BACK, caller=attack.format(leg=leg)[:79])
                    await attacker.connected()
                    await asyncio.sleep(0.3)
                    await attacker.hang_up()
                    await asyncio.sleep(0.3)
                gateway.lines["lab"].reconciler.look_now()
                await asyncio.sleep(1.0)
                seen = [screen.queue.get_nowait() for _ in range(screen.queue.qsize())]
            before = await row_of(gateway, VICTIM)
            assert (before["state"], before["complete"], talk.state) == ("talking", False, "connected")
            assert [h for h in seen if h.body.get("id") == str(before["id"])] == []
            assert leg in legs()
            await talk.hang_up()

        async def over() -> bool:
            return bool(
                await gateway.pool.fetchval("select count(*) from call where state = 'ended'") == len(ATTACKS) + 1
            )

        await until(over)
        after = await row_of(gateway, VICTIM)
        assert (after["result"], after["hung_up_by"], after["complete"]) == ("answered", "client", True)
        assert after["talk_us"] > len(ATTACKS) * 600_000
        others = await gateway.pool.fetch("select kind, result, reason from call where id <> $1", after["id"])
        assert {tuple(r) for r in others} == {("client", "missed", "ivr")}
        assert await gateway.pool.fetchval("select array_agg(number) from contact_number") == [VICTIM]
        assert await gateway.pool.fetchval("select count(*) from fact where kind = 'call.ended'") == len(ATTACKS) + 1
        assert await gateway.pool.fetchval("select sum(calls) from manager_day") == 1
        assert await gateway.pool.fetchval("select count(*) from quarantine") == 0
        assert await figures(gateway.pool) == await recounted(gateway.pool)


async def test_a_call_that_dies_with_asterisk_is_closed_its_recording_saved_and_the_next_call_is_normal(
    asterisk: AsteriskServer, database: str, tmp_path: Path
) -> None:
    tone = tmp_path / "tone.wav"
    soundfile.write(tone, (0.3 * np.sin(np.arange(20 * 8000) / 3)).astype(np.float32), 8000, subtype="PCM_16")
    began = datetime.now(UTC)
    async with running(settings_for(asterisk, database, transcription={"enabled": False})) as gateway:
        async with open_manager_phone(asterisk, "101") as anna, open_client_phone(asterisk) as client:
            await anna.script(answer_after=0.1, play=tone)
            call = await client.dial(RECORDED, play=tone)
            await call.connected()
            await asyncio.sleep(6.0)
            asterisk.kill()
            asterisk.start()

        cut = await ended_call(gateway, began, seconds=40)
        assert (cut["result"], cut["answered_by"], cut["complete"], cut["hung_up_by"]) == (
            "answered",
            ["101"],
            False,
            None,
        )
        assert cut["talk_us"] < 1_000_000  # until the last row: nobody knows how much longer they talked

        later = datetime.now(UTC)
        async with open_manager_phone(asterisk, "101") as anna, open_client_phone(asterisk) as client:
            await anna.script(answer_after=0.1)
            call = await client.dial(RINGS_ANNA)
            await call.connected()
            await asyncio.sleep(0.5)
            await call.hang_up()
        after = await ended_call(gateway, later)
        assert (after["result"], after["complete"], after["hung_up_by"]) == ("answered", True, "client")

        async def saved() -> bool:
            found = await gateway.pool.fetchval("select state from recording where call_id = $1", cut["id"])
            return found is not None and found != "wanted"

        await until(saved, 40)
        recording = await gateway.pool.fetchrow("select * from recording where call_id = $1", cut["id"])
        assert recording["state"] == "stored"
        assert recording["duration_us"] > 2_000_000
        assert await figures(gateway.pool) == await recounted(gateway.pool)
