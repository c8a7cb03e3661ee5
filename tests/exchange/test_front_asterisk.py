"""The front and a SIP implementation that is not ours: a real Asterisk is the provider, which we register at."""

import asyncio

import pytest

from exchange.parties import Registration, Trunk
from exchange.wire import Answer, Answered, Auth, Dial, Ended, EndedBy, HangUp, Ring, Sound
from lab.phones import open_manager_phone
from lab.server import AsteriskServer
from tests.exchange.front_site import FrontSite, open_front_alone, open_front_site

pytestmark = pytest.mark.asterisk


def account(asterisk: AsteriskServer, *, secret: str | None = None) -> Trunk:
    """The account 101 of the lab's Asterisk."""
    word = asterisk.phone_secret if secret is None else secret
    return Trunk(name="pbx", host="127.0.0.1", port=asterisk.ports.sip, user="101", password=word, register=True)


async def stands(made: FrontSite, registration: Registration) -> str:
    """Wait until our registration stands so; gives the sentence."""
    async with asyncio.timeout(60):
        while made.front.trunk_states()[0].registration is not registration:
            await asyncio.sleep(0.05)
    return made.front.trunk_states()[0].text


async def test_calls_pass_both_ways_over_a_registration_at_asterisk(asterisk: AsteriskServer) -> None:
    async with open_front_site(trunks=[account(asterisk)]) as made, open_manager_phone(asterisk, "102") as boris:
        assert await stands(made, Registration.REGISTERED) == "registered"

        call = await boris.dial("101")
        await made.site.arrived("c")
        made.site.send(Ring(leg="c"))
        await call.ringing()
        made.site.send(Answer(leg="c"))
        await call.connected()
        await made.site.heard(Sound, "c")
        await call.hang_up()
        assert (await made.site.heard(Ended, "c")).by is EndedBy.FAR
        assert (made.invites[0].trunk, made.invites[0].caller) == ("pbx", "102")

        await boris.script(answer_after=0.1)
        auth = Auth(user="101", password=asterisk.phone_secret)
        uri = made.front.trunk_uri("pbx", "102")
        made.site.send(Dial(leg="o", uri=uri, from_uri="sip:101@127.0.0.1", auth=auth))
        arrived = await boris.next_call()
        await made.site.heard(Answered, "o")
        made.site.send(HangUp(leg="o"))
        await arrived.ended()


async def test_asterisk_rings_us_and_gives_up(asterisk: AsteriskServer) -> None:
    async with open_front_site(trunks=[account(asterisk)]) as made, open_manager_phone(asterisk, "102") as boris:
        await stands(made, Registration.REGISTERED)
        call = await boris.dial("101")
        await made.site.arrived("c")
        made.site.send(Ring(leg="c"))
        await call.ringing()
        await call.hang_up()

        assert (await made.site.heard(Ended, "c")).by is EndedBy.FAR


async def test_asterisk_refuses_a_wrong_password_and_is_told_so(asterisk: AsteriskServer) -> None:
    async with open_front_alone(trunks=[account(asterisk, secret="wrong")]) as made:
        assert "does not accept user or password" in await stands(made, Registration.REFUSED)
