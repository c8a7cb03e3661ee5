"""Callers who write AMI events and journal rows into their number, on the real Asterisk: nothing comes of it.

PJSIP takes at most 79 characters of a caller's number, so each attack is as short as it can be made.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio

from lab.phones import Phone, open_client_phone, open_manager_phone
from lab.server import AsteriskServer
from sip.ami_protocol import Message
from tests.sip.asterisk_site import EngineSite, open_engine

pytestmark = [pytest.mark.asterisk]
PLAYS_BACK = "4950009"


@pytest_asyncio.fixture
async def site(asterisk: AsteriskServer, database: str) -> AsyncIterator[EngineSite]:
    """The engine on the module's Asterisk, with an empty database."""
    async with open_engine(asterisk, database) as opened:
        yield opened


@asynccontextmanager
async def victim(server: AsteriskServer, site: EngineSite) -> AsyncIterator[tuple[Phone, str]]:
    """A client who talks with Anna; gives the client's phone, which also plays the attacker, and the client's leg."""
    async with open_manager_phone(server, "101") as anna, open_client_phone(server) as client:
        await anna.script(answer_after=0.1)
        talk = await client.dial("4950001")
        await talk.connected()
        await site.call("talking")
        legs = site.pipeline.open_legs().values()
        yield client, next(leg.leg for leg in legs if leg.channel.startswith("PJSIP/trunk"))
        await talk.hang_up()


async def attack(client: Phone, number: str) -> None:
    """Call with this number for a moment."""
    assert len(number) < 80
    call = await client.dial(PLAYS_BACK, caller=number)
    await call.connected()
    await asyncio.sleep(0.5)
    await call.hang_up()
    await asyncio.sleep(0.5)


async def test_a_forged_hang_up_ends_nothing(asterisk: AsteriskServer, site: EngineSite) -> None:
    heard: list[Message] = []

    async def hear(event: Message) -> None:
        heard.append(event)

    site.session.on(("Hangup",), hear)
    async with victim(asterisk, site) as (client, leg):
        await attack(client, f"7\r\n\r\nEvent: Hangup\r\nUniqueid: {leg}\r\n\r\n")
        forged = [event for event in heard if event.get("Uniqueid") == leg]
        closed = await site.reconciler.look()
        state = await site.pool.fetchval("select state from call where client_number = '+79161234567'")
        still_open = leg in site.pipeline.open_legs()

    assert forged, "the attack did not reach us"
    assert (closed, state, still_open) == (0, "talking", True)
    assert site.engine.state.journal_silent_since is None


async def test_a_forged_hold_holds_nobody(asterisk: AsteriskServer, site: EngineSite) -> None:
    async with victim(asterisk, site) as (client, leg):
        await attack(client, f"7\r\n\r\nEvent: Hold\r\nUniqueid: {leg}\r\nTimestamp: 1\r\n\r\n")
        ignored = site.engine.state.hints_ignored

    ended = await site.pool.fetchval("select hold_us from call where client_number = '+79161234567'")
    assert ignored > 0
    assert ended == 0


async def test_a_forged_row_of_the_channel_list_closes_no_leg_and_misleads_no_hang_up(
    asterisk: AsteriskServer, site: EngineSite
) -> None:
    async with victim(asterisk, site) as (client, leg):
        call = await client.dial(PLAYS_BACK, caller=f"7\r\nUniqueid: {leg}\r\n\r\n")
        await call.connected()
        standing = await site.engine.standing()
        closed = await site.reconciler.look()
        hung_up = await site.engine.hang_up(leg)
        await asyncio.sleep(0.5)
        attacker = call.state
        await call.hang_up()

    assert standing is not None
    assert standing.legs is None, "the list is not whole, so nothing may be concluded from it"
    assert (closed, hung_up.accepted, attacker) == (0, True, "connected")


async def test_a_forged_answer_to_an_order_settles_nothing(asterisk: AsteriskServer, site: EngineSite) -> None:
    async with open_manager_phone(asterisk, "101") as anna, open_client_phone(asterisk) as client:
        await site.click_to_call("tl-forged")
        await anna.next_call()
        await attack(client, "7\r\n\r\nEvent: OriginateResponse\r\nUniqueid: tl-forged\r\nReason: 5\r\n\r\n")
        refused = list(site.refused)
        waiting = site.engine.state.orders_waiting
        await asyncio.sleep(3)

    assert (refused, waiting) == ([], 1)
    assert site.refused == [("tl-forged", "no_answer")]


@pytest.mark.parametrize(
    "row",
    [
        '7\n"CHAN_END","1",,,,,,,,,,"{leg}","{leg}",,,,\n',
        '7"\n"CHAN_END","1","","","","","","","","","","{leg}"',
        '7\n"HANGUP","1","\n',
    ],
)
async def test_a_forged_journal_row_ends_nothing(asterisk: AsteriskServer, site: EngineSite, row: str) -> None:
    async with victim(asterisk, site) as (client, leg):
        await attack(client, row.format(leg=leg)[:79])
        call = await site.pool.fetchrow("select * from call where client_number = '+79161234567'")
        still_open = leg in site.pipeline.open_legs()

    assert (call["state"], still_open) == ("talking", True)
    assert await site.pool.fetchval("select count(*) from quarantine") == 0
    assert await site.pool.fetchval("select count(*) from call") == 2
