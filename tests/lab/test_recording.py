"""The dialplan include that a site installs: two files of the client's leg, whatever becomes of the call."""

import asyncio
from pathlib import Path

import numpy as np
import pytest
import soundfile

from lab.console import Console
from lab.journal import CHANNEL, EVENT, UNIQUEID, finished_call, journal_rows, until_exists
from lab.phones import open_client_phone, open_manager_phone
from lab.server import MANAGER_CONTEXT, AsteriskServer

SAMPLE_RATE = 8000
SILENT = 0.01
LOUD = 0.05


@pytest.fixture
def tone(tmp_path: Path) -> Path:
    """Ten seconds of a steady tone."""
    wave = 0.3 * np.sin(2 * np.pi * 440 * np.arange(10 * SAMPLE_RATE) / SAMPLE_RATE)
    soundfile.write(tmp_path / "tone.wav", wave.astype(np.float32), SAMPLE_RATE, subtype="PCM_16")
    return tmp_path / "tone.wav"


async def recording_of(server: AsteriskServer, uniqueid: str) -> tuple[float, float, float]:
    """Wait for the done marker; give the seconds, and the loudness of client and manager."""
    await until_exists(server.recordings / f"{uniqueid}.done")
    client, rate = soundfile.read(server.recordings / f"{uniqueid}-rx.wav")
    manager, _ = soundfile.read(server.recordings / f"{uniqueid}-tx.wav")
    assert rate == SAMPLE_RATE
    assert len(client) == len(manager)
    return len(client) / rate, float(np.std(client)), float(np.std(manager))


def client_leg(rows: list[list[str]]) -> str:
    """Give the uniqueid of the trunk's leg."""
    return next(row[UNIQUEID] for row in rows if row[CHANNEL].startswith("PJSIP/trunk"))


async def test_an_inbound_call_leaves_the_client_in_rx_the_manager_in_tx_and_a_marker(
    asterisk: AsteriskServer, tone: Path
) -> None:
    before = len(journal_rows(asterisk))
    async with open_manager_phone(asterisk, "101") as anna, open_client_phone(asterisk) as client:
        await anna.script(answer_after=0.5)
        call = await client.dial("4950005", play=tone)
        await call.connected()
        await asyncio.sleep(1.0)
        await call.hang_up()
        rows = await finished_call(asterisk, before)

    seconds, heard_client, heard_manager = await recording_of(asterisk, client_leg(rows))
    assert 0.7 < seconds < 1.4
    assert heard_client > LOUD
    assert heard_manager < SILENT


async def test_an_outbound_call_is_recorded_on_the_clients_leg(asterisk: AsteriskServer, tone: Path) -> None:
    before = len(journal_rows(asterisk))
    async with open_manager_phone(asterisk, "101") as anna, open_client_phone(asterisk) as client:
        await client.script(answer_after=0.3, hang_up_after=1.0)
        call = await anna.dial("79169998877", play=tone)
        await call.connected()
        await call.ended()
        rows = await finished_call(asterisk, before)

    _, heard_client, heard_manager = await recording_of(asterisk, client_leg(rows))
    assert heard_client < SILENT
    assert heard_manager > LOUD


async def test_a_click_to_call_by_the_gateways_account_is_recorded(asterisk: AsteriskServer) -> None:
    before = len(journal_rows(asterisk))
    async with open_manager_phone(asterisk, "101") as anna, open_client_phone(asterisk) as client:
        await anna.script(answer_after=0.2)
        await client.script(answer_after=0.2, hang_up_after=1.0)
        with Console(asterisk.ports.ami, asterisk.gateway.user, asterisk.gateway.secret) as session:
            session.action(
                "Originate",
                Channel="PJSIP/101",
                Context=MANAGER_CONTEXT,
                Exten="79169998877",
                Priority="1",
                ChannelId="crm-7",
                Async="true",
            )
        await (await client.next_call()).ended()
        rows = await finished_call(asterisk, before)

    assert rows[0][UNIQUEID] == "crm-7"
    seconds, _, _ = await recording_of(asterisk, client_leg(rows))
    assert seconds > 0.7


async def test_a_call_that_nobody_answered_leaves_no_file(asterisk: AsteriskServer) -> None:
    before = len(journal_rows(asterisk))
    async with open_manager_phone(asterisk, "101") as anna, open_client_phone(asterisk) as client:
        await anna.script(refuse_with=486)
        await (await client.dial("4950005")).ended()
        rows = await finished_call(asterisk, before)
    await asyncio.sleep(0.3)

    assert not list(asterisk.recordings.glob(f"{client_leg(rows)}*"))


async def test_the_recording_runs_on_after_a_blind_transfer(asterisk: AsteriskServer, tone: Path) -> None:
    before = len(journal_rows(asterisk))
    async with (
        open_manager_phone(asterisk, "101") as anna,
        open_manager_phone(asterisk, "102") as boris,
        open_client_phone(asterisk) as client,
    ):
        await anna.script(answer_after=0.1)
        await boris.script(answer_after=0.1, play=tone)
        call = await client.dial("4950005")
        await call.connected()
        await asyncio.sleep(0.5)
        await (await anna.next_call()).blind_transfer("102")
        await (await boris.next_call()).connected()
        await asyncio.sleep(1.0)
        await call.hang_up()
        rows = await finished_call(asterisk, before)

    seconds, _, heard_manager = await recording_of(asterisk, client_leg(rows))
    assert "BLINDTRANSFER" in [row[EVENT] for row in rows]
    assert seconds > 1.3
    assert heard_manager > LOUD


async def test_the_recording_runs_on_after_an_attended_transfer(asterisk: AsteriskServer, tone: Path) -> None:
    before = len(journal_rows(asterisk))
    async with (
        open_manager_phone(asterisk, "101") as anna,
        open_manager_phone(asterisk, "102") as boris,
        open_client_phone(asterisk) as client,
    ):
        await anna.script(answer_after=0.1)
        await boris.script(answer_after=0.1, play=tone)
        call = await client.dial("4950005")
        await call.connected()
        await asyncio.sleep(0.5)
        consultation = await anna.dial("102")
        await consultation.connected()
        await (await anna.next_call()).attended_transfer(consultation)
        await consultation.ended()
        await asyncio.sleep(1.0)
        await call.hang_up()
        rows = await finished_call(asterisk, before)

    seconds, _, heard_manager = await recording_of(asterisk, client_leg(rows))
    assert "ATTENDEDTRANSFER" in [row[EVENT] for row in rows]
    assert seconds > 1.3
    assert heard_manager > LOUD


async def test_a_queue_call_records_the_talk_and_not_the_waiting(asterisk: AsteriskServer) -> None:
    before = len(journal_rows(asterisk))
    async with open_manager_phone(asterisk, "102") as boris, open_client_phone(asterisk) as client:
        await boris.script(answer_after=1.0)
        call = await client.dial("4950006")
        await (await boris.next_call()).connected()
        await asyncio.sleep(0.6)
        await call.hang_up()
        rows = await finished_call(asterisk, before)

    seconds, _, _ = await recording_of(asterisk, client_leg(rows))
    assert 0.3 < seconds < 1.0
