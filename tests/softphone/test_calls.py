"""Calls over real WebRTC: Chromium, the gateway's line, Asterisk, a client behind the trunk; each hears the other."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from lab.phone_calls import PhoneCall
from lab.phones import open_client_phone, open_manager_phone
from lab.speech import Dialogue
from tests.softphone.office import DID, PATIENCE, Office, correlation, press, wait_call

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="module")]


async def recorded(office: Office, key: str) -> tuple[Path, Path]:
    """What client and manager said in a call, once both files are whole."""
    folder = office.server.recordings
    async with asyncio.timeout(PATIENCE):
        while not (folder / f"{key}.done").exists():
            await asyncio.sleep(0.1)
    return folder / f"{key}-rx.wav", folder / f"{key}-tx.wav"


async def test_a_client_is_answered_in_the_page_and_each_hears_the_other(office: Office, dialogue: Dialogue) -> None:
    since = datetime.now(UTC)
    anna = await office.person()
    page = await office.phone(anna)
    async with open_client_phone(office.server) as client:
        call = await client.dial(DID, play=dialogue.client)
        await wait_call(page, "ringing")
        shown = await page.locator("#main li").get_attribute("data-call")
        await press(page, "Answer")
        await wait_call(page, "talking")
        await call.connected(PATIENCE)
        await asyncio.sleep(5)
        await call.hang_up()
        await expect(page.locator("#main li")).to_have_count(0, timeout=PATIENCE * 1000)
    row = await office.ended_call(since)
    await anna.close()

    assert str(row["id"]) == shown
    assert (row["result"], row["answered_by"], row["hung_up_by"]) == ("answered", ["101"], "client")
    assert row["unmapped"] == []
    from_client, from_manager = await recorded(office, row["key"])
    assert correlation(dialogue.client, from_client) > 0.95
    assert correlation(office.microphone, from_manager) > 0.95


async def test_the_page_calls_out_and_the_call_is_its_managers(office: Office, dialogue: Dialogue) -> None:
    since = datetime.now(UTC)
    anna = await office.person()
    page = await office.phone(anna)
    async with open_client_phone(office.server) as client:
        await client.script(answer_after=0.5, play=dialogue.client)
        await page.get_by_label("Number", exact=True).fill("79161234567")
        await press(page, "Call")
        await wait_call(page, "talking")
        await asyncio.sleep(5)
        await press(page, "End")
        await expect(page.locator("#main li")).to_have_count(0, timeout=PATIENCE * 1000)
    row = await office.ended_call(since)
    await anna.close()

    told = (row["direction"], row["result"], row["answered_by"], row["client_number"], row["hung_up_by"])
    assert told == ("outbound", "answered", ["101"], "+79161234567", "manager")
    leg = await office.gateway.pool.fetchval("select id from leg where call_id = $1 and role = 'client'", row["id"])
    from_client, from_manager = await recorded(office, leg)
    assert correlation(dialogue.client, from_client) > 0.95
    assert correlation(office.microphone, from_manager) > 0.95


async def test_a_number_that_may_not_be_dialled_is_refused_before_the_pbx_hears_of_it(office: Office) -> None:
    anna = await office.person()
    page = await office.phone(anna)
    await page.get_by_label("Number", exact=True).fill("882161234567890")
    await press(page, "Call")
    async with asyncio.timeout(PATIENCE):
        while not await office.gateway.pool.fetchval("select count(*) from dial_refusal"):
            await asyncio.sleep(0.1)
    await expect(page.locator("#main li")).to_have_count(0, timeout=PATIENCE * 1000)
    assert "882161234567890" not in office.server.journal.read_text()
    await anna.close()


async def test_a_click_to_call_is_taken_by_the_page_itself_and_is_one_call(office: Office) -> None:
    since = datetime.now(UTC)
    anna = await office.person()
    page = await office.phone(anna)
    async with open_client_phone(office.server) as client:
        await client.script(answer_after=0.5)
        ordered = await anna.request.post(
            "/api/v1/calls",
            data={"number": "+79161234567"},
            headers={"X-CSRF": "1", "Idempotency-Key": f"softphone-{since.timestamp()}"},
        )
        assert ordered.status == 202, await ordered.text()
        command = (await ordered.json())["id"]
        await wait_call(page, "talking")
        arrived = await client.next_call(PATIENCE)
        await arrived.connected(PATIENCE)
        await asyncio.sleep(1)
        await arrived.hang_up()
    row = await office.ended_call(since)
    await anna.close()
    assert row["command_id"] == command
    assert (row["direction"], row["result"], row["answered_by"]) == ("outbound", "answered", ["101"])


async def _talking(page: Page, call: PhoneCall) -> str:
    """Answer the client in the page; the call's id."""
    await wait_call(page, "ringing")
    await press(page, "Answer")
    await wait_call(page, "talking")
    await call.connected(PATIENCE)
    return await page.locator("#main li").get_attribute("data-call") or ""


async def test_hold_mute_and_keys_reach_the_client(office: Office, dialogue: Dialogue, tmp_path: Path) -> None:
    since = datetime.now(UTC)
    anna = await office.person()
    page = await office.phone(anna)
    async with open_client_phone(office.server) as client:
        call = await client.dial(DID, play=dialogue.client)
        await _talking(page, call)
        await page.get_by_label("Keys for the other side").press_sequentially("12#", delay=50)
        async with asyncio.timeout(PATIENCE):
            while call.digits != "12#":
                await asyncio.sleep(0.1)

        await press(page, "Mute")
        await page.locator("#main").get_by_role("button", name="Unmute").wait_for()
        await asyncio.sleep(1)
        await call.record(tmp_path / "muted.wav")
        await asyncio.sleep(3)
        await press(page, "Hold")
        await wait_call(page, "held")
        await asyncio.sleep(2)
        await press(page, "Resume")
        await wait_call(page, "talking")
        await call.hang_up()
    row = await office.ended_call(since)
    await anna.close()
    assert row["hold_us"] > 1_000_000
    assert row["transfers"] == []
    assert correlation(office.microphone, tmp_path / "muted.wav") < 0.9


@pytest.mark.parametrize("way", ["transfer", "consult"])
async def test_a_client_is_handed_to_a_colleague_at_once_and_after_a_word(office: Office, way: str) -> None:
    since = datetime.now(UTC)
    anna = await office.person()
    page = await office.phone(anna)
    headers = {"X-CSRF": "1", "Idempotency-Key": f"{way}-{since.timestamp()}"}
    async with open_client_phone(office.server) as client, open_manager_phone(office.server, "102") as boris:
        await boris.script(answer_after=0.3)
        call = await client.dial(DID)
        id_ = await _talking(page, call)
        await asyncio.sleep(1)
        ordered = await anna.request.post(f"/api/v1/calls/{id_}/{way}", data={"number": "102"}, headers=headers)
        assert ordered.status == 202, await ordered.text()
        taken = await boris.next_call(PATIENCE)
        await taken.connected(PATIENCE)
        if way == "consult":
            await asyncio.sleep(1)
            await press(page, "End")
        await expect(page.locator("#main li")).to_have_count(0, timeout=PATIENCE * 1000)
        await asyncio.sleep(1)
        await call.hang_up()
    row = await office.ended_call(since)
    await anna.close()
    assert row["answered_by"] == ["101", "102"]
    assert [t["kind"] for t in row["transfers"]] == ["blind" if way == "transfer" else "attended"]
