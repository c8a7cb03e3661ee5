"""The lab's Asterisk is a real one, configured by the files a site installs."""

import asyncio
import os
from pathlib import Path

import pytest

from lab.chroot import AsteriskHome
from lab.console import Console
from lab.errors import ServerFailed
from lab.journal import CALLER, COLUMNS, EVENT, UNIQUEID, finished_call, journal_rows
from lab.phones import open_client_phone, open_manager_phone
from lab.server import AsteriskServer, open_asterisk


def as_gateway(server: AsteriskServer) -> Console:
    """Open a manager session with the rights of a real site."""
    return Console(server.ports.ami, server.gateway.user, server.gateway.secret)


def test_the_gateways_account_logs_in_and_may_ask_what_it_needs(asterisk: AsteriskServer) -> None:
    with as_gateway(asterisk) as session:
        for action in ("CoreStatus", "CoreSettings", "CoreShowChannels", "DeviceStateList", "QueueStatus"):
            assert session.action(action)["Response"] == "Success"


@pytest.mark.parametrize(
    ("action", "fields"),
    [
        ("Command", {"Command": "core show version"}),
        ("GetConfig", {"Filename": "manager.conf"}),
        ("Originate", {"Channel": "Local/4950008@from-trunk", "Application": "System", "Data": "true"}),
        ("MixMonitor", {"Channel": "PJSIP/101-00000000", "File": "x.wav"}),
    ],
)
def test_the_gateways_account_may_not_run_programs_or_read_configuration(
    asterisk: AsteriskServer, action: str, fields: dict[str, str]
) -> None:
    with as_gateway(asterisk) as session, pytest.raises(ServerFailed, match=r"denied|Forbidden"):
        session.action(action, **fields)


def test_a_wrong_secret_is_refused(asterisk: AsteriskServer) -> None:
    session = Console(asterisk.ports.ami, asterisk.gateway.user, "wrong")

    with pytest.raises(ServerFailed, match="Login"):
        session.__enter__()


async def test_an_answered_inbound_call_is_in_the_journal_with_every_column(asterisk: AsteriskServer) -> None:
    before = len(journal_rows(asterisk))
    async with open_manager_phone(asterisk, "101") as anna, open_client_phone(asterisk) as client:
        await anna.script(answer_after=0.3)
        call = await client.dial("4950001", caller="79161234567")
        await call.connected()
        await call.dtmf("4711")
        await asyncio.sleep(0.8)
        await call.hang_up()
        written = await finished_call(asterisk, before)

    assert {len(row) for row in written} == {COLUMNS}
    assert written[0][EVENT] == "CHAN_START"
    assert written[0][CALLER] == "79161234567"
    assert written[0][UNIQUEID].startswith("pbx1-")
    kinds = [row[EVENT] for row in written]
    assert kinds.count("ANSWER") == kinds.count("BRIDGE_ENTER") == kinds.count("CHAN_END") == 2
    assert not {"DTMF", "STREAM_BEGIN", "STREAM_END"} & set(kinds)


async def test_the_gateway_is_sent_the_listed_events_only(asterisk: AsteriskServer) -> None:
    before = len(journal_rows(asterisk))
    with as_gateway(asterisk) as session:
        async with open_manager_phone(asterisk, "101") as anna, open_client_phone(asterisk) as client:
            await anna.script(answer_after=0.1)
            call = await client.dial("4950001")
            await call.connected()
            taken = await anna.next_call()
            await taken.connected()
            await taken.hold()
            await asyncio.to_thread(session.wait_event, "Hold", 5.0)
            await taken.unhold()
            await asyncio.to_thread(session.wait_event, "Unhold", 5.0)
            await call.hang_up()
            await finished_call(asterisk, before)
        await asyncio.to_thread(session.wait_event, "Hangup", 5.0)
        await asyncio.to_thread(session.wait_event, "CEL", 5.0, EventName="LINKEDID_END")

        assert {event["Event"] for event in session.seen()} <= {"CEL", "Hangup", "FullyBooted"}


async def test_a_caller_can_put_line_breaks_into_his_number_and_stays_one_field(
    asterisk: AsteriskServer,
) -> None:
    forged = '7\r\n\r\nEvent: Hangup\r\n"CHAN_END","1","2'
    before = len(journal_rows(asterisk))
    async with open_client_phone(asterisk) as client:
        call = await client.dial("4950008", caller=forged)
        await call.connected()
        await call.hang_up()
        written = await finished_call(asterisk, before)

    assert written[0][CALLER] == forged
    assert {len(row) for row in written} == {COLUMNS}


def test_journal_and_recordings_are_the_readers_groups(asterisk_home: AsteriskHome, tmp_path: Path) -> None:
    readers = 4711 if os.geteuid() == 0 else os.getegid()
    with open_asterisk(tmp_path, home=asterisk_home, readers_gid=readers) as server, server.console() as console:
        console.action("Originate", Channel="Local/4950008@from-trunk", Application="Wait", Data="0.1")
        console.wait_event("CEL", 20.0, EventName="LINKEDID_END")

        assert server.journal.stat().st_gid == readers
        assert server.journal.stat().st_mode & 0o777 == 0o640
        assert server.recordings.stat().st_gid == readers


async def test_two_run_at_once_each_with_calls_of_its_own(
    asterisk: AsteriskServer, asterisk_home: AsteriskHome, tmp_path: Path
) -> None:
    before = len(journal_rows(asterisk))
    with open_asterisk(tmp_path, home=asterisk_home, systemname="pbx2") as other:
        async with open_client_phone(other) as client:
            call = await client.dial("4950008")
            await call.connected()
            await call.hang_up()
            written = await finished_call(other, 0)

    assert all(row[UNIQUEID].startswith("pbx2-") for row in written)
    assert len(journal_rows(asterisk)) == before


async def test_killed_and_started_again_it_goes_on_with_the_same_journal(
    asterisk_home: AsteriskHome, tmp_path: Path
) -> None:
    with open_asterisk(tmp_path, home=asterisk_home) as server:
        async with open_client_phone(server) as client:
            call = await client.dial("4950009")
            await call.connected()
            server.kill()
            cut = journal_rows(server)
            server.restart()
            again = await client.dial("4950008")
            await again.connected()
            await again.hang_up()
            await finished_call(server, len(cut))

    assert "CHAN_END" not in [row[EVENT] for row in cut]
    assert journal_rows(server)[: len(cut)] == cut
