"""Calls of real phones through the front to a real worker and back: every message of a call finds its way."""

import asyncio
import os
import signal
from dataclasses import replace

import pytest

from exchange.digest import Algorithm, hash_password
from exchange.parties import Refusal, Trunk
from exchange.wire import (
    Answer,
    Answered,
    Auth,
    Dial,
    Ended,
    EndedBy,
    HangUp,
    Held,
    Refer,
    Refuse,
    Resumed,
    Ring,
    Ringing,
)
from lab.phones import Codec, open_phone
from lab.ports import free_port
from tests.exchange.front_site import REALM, account, open_front_site, password, phone_at, udp_host

SHOWN = "sip:79161234567@office.invalid"


async def test_a_phone_registers_calls_is_answered_and_hung_up_by_the_worker() -> None:
    async with open_front_site() as made, phone_at(made, "101") as anna:
        call = await anna.dial("79161234567")
        incoming = await made.site.arrived("c")
        made.site.send(Ring(leg="c"))
        await call.ringing()
        made.site.send(Answer(leg="c"))
        await call.connected()
        await made.site.heard(Answered, "c")
        made.site.send(HangUp(leg="c"))
        await call.ended()

        (invite,) = made.invites
        assert (invite.phone, invite.trunk, invite.dialled, invite.caller) == ("101", None, "79161234567", "101")
        assert incoming.headers["x-trunkline-from"] == "phone:101"


async def test_a_phone_holds_resumes_and_hangs_up() -> None:
    async with open_front_site() as made, phone_at(made, "101") as anna:
        call = await made.site.calls_in(anna, "c")
        await call.hold()
        await made.site.heard(Held, "c")
        await call.unhold()
        await made.site.heard(Resumed, "c")
        await call.hang_up()

        assert (await made.site.heard(Ended, "c")).by is EndedBy.FAR


async def test_a_phone_gives_up_while_it_rings() -> None:
    async with open_front_site() as made, phone_at(made, "101") as anna:
        call = await anna.dial("102")
        await made.site.arrived("c")
        made.site.send(Ring(leg="c"))
        await call.ringing()
        await call.hang_up()
        ended = await made.site.heard(Ended, "c")
        await call.ended()

        assert (ended.by, call.code) == (EndedBy.FAR, 487)


@pytest.mark.parametrize("code", [404, 486, 503, 603])
async def test_the_worker_refuses_a_phone_with_a_code(code: int) -> None:
    async with open_front_site() as made, phone_at(made, "101") as anna:
        call = await anna.dial("102")
        await made.site.arrived("c")
        made.site.send(Refuse(leg="c", code=code, reason="No"))
        await call.ended()

        assert call.code == code


async def test_the_exchange_refuses_before_any_worker_hears_of_it() -> None:
    async with open_front_site() as made, phone_at(made, "101") as anna:
        made.choice = Refusal(code=480, reason="Not now\r\nEvil: header")
        call = await anna.dial("102")
        await call.ended()

        assert call.code == 480
        assert len(made.invites) == 1
        assert not made.site.told[1:]


async def test_the_worker_rings_one_phone_which_answers_and_hangs_up() -> None:
    async with open_front_site() as made, phone_at(made, "101") as anna:
        made.site.send(Dial(leg="m", uri=made.contact("101"), from_uri=SHOWN, display="Client"))
        call = await anna.next_call()
        await made.site.heard(Ringing, "m")
        await call.answer()
        await made.site.heard(Answered, "m")
        await call.hang_up()
        ended = await made.site.heard(Ended, "m")

        assert ended.by is EndedBy.FAR
        assert "79161234567" in call.peer


async def test_the_worker_hangs_up_a_phone_that_it_rang() -> None:
    async with open_front_site() as made, phone_at(made, "101") as anna:
        await anna.script(answer_after=0.0)
        made.site.send(Dial(leg="m", uri=made.contact("101"), from_uri=SHOWN))
        call = await anna.next_call()
        await made.site.heard(Answered, "m")
        made.site.send(HangUp(leg="m"))

        await call.ended()


async def test_the_worker_stops_ringing_a_phone() -> None:
    async with open_front_site() as made, phone_at(made, "101") as anna:
        made.site.send(Dial(leg="m", uri=made.contact("101"), from_uri=SHOWN))
        call = await anna.next_call()
        await made.site.heard(Ringing, "m")
        made.site.send(HangUp(leg="m"))
        await call.ended()

        assert (await made.site.heard(Ended, "m")).by is EndedBy.US


async def test_a_phone_refuses_a_call_and_the_worker_hears_the_code() -> None:
    async with open_front_site() as made, phone_at(made, "101") as anna:
        await anna.script(refuse_with=486)
        made.site.send(Dial(leg="m", uri=made.contact("101"), from_uri=SHOWN))

        assert (await made.site.heard(Ended, "m")).code == 486


async def test_a_phone_asks_for_a_blind_transfer() -> None:
    async with open_front_site() as made, phone_at(made, "101") as anna:
        call = await made.site.calls_in(anna, "c")
        await call.blind_transfer("102")

        assert (await made.site.heard(Refer, "c")).target == "102"


async def test_two_phones_of_one_endpoint_are_rung_one_by_one() -> None:
    async with (
        open_front_site() as made,
        phone_at(made, "101") as desk,
        phone_at(made, "101") as soft,
    ):
        newest, oldest = made.front.contacts("101")
        made.site.send(Dial(leg="d", uri=oldest.uri, from_uri=SHOWN))
        rings_at_desk = await desk.next_call()
        made.site.send(Dial(leg="s", uri=newest.uri, from_uri=SHOWN))
        rings_at_soft = await soft.next_call()
        await rings_at_soft.answer()
        await made.site.heard(Answered, "s")
        made.site.send(HangUp(leg="d"))
        await rings_at_desk.ended()

        assert rings_at_soft.state == "connected"
        assert len(desk.calls) == len(soft.calls) == 1


async def test_a_phone_that_left_is_no_longer_rung() -> None:
    async with open_front_site() as made, phone_at(made, "101") as anna:
        uri = made.contact("101")
        await anna.unregister()
        assert made.front.contacts("101") == ()
        made.site.send(Dial(leg="m", uri=uri, from_uri=SHOWN))

        assert (await made.site.heard(Ended, "m")).code == 480


async def test_several_phones_call_at_once_and_each_reaches_its_own_leg() -> None:
    names = ("101", "102", "103", "104")
    async with (
        open_front_site(phones=names) as made,
        phone_at(made, "101") as one,
        phone_at(made, "102") as two,
        phone_at(made, "103") as three,
        phone_at(made, "104") as four,
    ):
        calls = [await phone.dial("500") for phone in (one, two, three, four)]
        legs = [f"leg{number}" for number in range(4)]
        froms = [(await made.site.arrived(leg)).headers["x-trunkline-from"] for leg in legs]
        made.site.send(*(Answer(leg=leg) for leg in legs))
        await asyncio.gather(*(call.connected() for call in calls))
        await calls[2].hang_up()
        ended = await made.site.heard(Ended, legs[froms.index("phone:103")])

        assert sorted(froms) == [f"phone:{name}" for name in names]
        assert ended.by is EndedBy.FAR
        assert [call.state for call in calls] == ["connected", "connected", "ended", "connected"]


async def test_a_provider_calls_in_without_a_password_and_is_called() -> None:
    port = free_port()
    trunk = Trunk(name="main", host="127.0.0.1", port=port, dids=("74951110000",))
    async with (
        open_front_site(trunks=[trunk]) as made,
        open_phone(user="79161234567", pbx_port=made.port, codec=Codec.A_LAW, port=port) as provider,
    ):
        call = await made.site.calls_in(provider, "c")
        assert made.invites[0].trunk == "main"
        await call.hang_up()
        await made.site.heard(Ended, "c")
        await provider.script(answer_after=0.0)
        made.site.send(Dial(leg="o", uri=made.front.trunk_uri("main", "+79167654321"), from_uri=SHOWN))
        arrived = await provider.next_call()
        await made.site.heard(Answered, "o")
        await arrived.hang_up()

        assert (await made.site.heard(Ended, "o")).by is EndedBy.FAR


async def test_a_provider_that_asks_for_a_password_gets_it_from_the_worker() -> None:
    async with open_front_site() as outer, phone_at(outer, "102") as far:
        host, port = outer.front.outside
        trunk = Trunk(name="main", host=host, port=port, user="101", password="pass-101")
        async with open_front_site(phones=(), trunks=[trunk]) as made:
            auth = Auth(realm="*", user="101", password="pass-101")
            uri = made.front.trunk_uri("main", "102")
            made.site.send(Dial(leg="o", uri=uri, from_uri=f"sip:101@{host}", auth=auth))
            await outer.site.arrived("in")
            outer.site.send(Answer(leg="in"))
            await made.site.heard(Answered, "o")
            made.site.send(HangUp(leg="o"))
            ended = await outer.site.heard(Ended, "in")

            assert ended.by is EndedBy.FAR
            assert (outer.invites[0].phone, outer.invites[0].dialled) == ("101", "102")
            assert far.calls == {}


async def test_a_phone_registers_where_the_better_hash_is_offered_too() -> None:
    async with open_front_site() as made:
        words = hash_password("101", REALM, password("101"), Algorithm.SHA256)
        made.front.configure(phones=[replace(account("101"), ha1_sha256=words)], trunks=[])
        with udp_host(made.front.outside) as host:
            host.send(host.text("REGISTER", "sip:front"))
            offered = (await host.answer()).every("WWW-Authenticate")
        async with phone_at(made, "101") as anna:
            await made.site.calls_in(anna, "c")

        assert ["algorithm=SHA-256" in offer for offer in offered] == [True, False]


async def test_after_a_wrong_password_a_phone_cannot_register_nor_call() -> None:
    async with open_front_site() as made, phone_at(made, "101", secret="guess", register=False) as thief:
        call = await thief.dial("102")
        await call.ended()

        assert call.code == 403
        assert made.invites == []
        assert made.front.wrong_passwords == 1


async def test_phones_of_a_worker_that_died_are_hung_up_on() -> None:
    async with open_front_site() as made, phone_at(made, "101") as anna, phone_at(made, "102") as boris:
        called_in = await made.site.calls_in(anna, "c")
        await boris.script(answer_after=0.0)
        made.site.send(Dial(leg="m", uri=made.contact("102"), from_uri=SHOWN))
        rung = await boris.next_call()
        await rung.connected()
        await made.site.heard(Answered, "m")
        port = made.site.worker.port
        os.kill(made.site.worker.pid, signal.SIGKILL)
        made.front.dismiss_worker(port)

        await called_in.ended()
        await rung.ended()


async def test_phones_that_ring_or_wait_for_a_worker_that_died_are_let_go() -> None:
    async with open_front_site() as made, phone_at(made, "101") as anna, phone_at(made, "102") as boris:
        waiting = await anna.dial("500")
        await made.site.arrived("c")
        made.site.send(Ring(leg="c"))
        await waiting.ringing()
        made.site.send(Dial(leg="m", uri=made.contact("102"), from_uri=SHOWN))
        ringing = await boris.next_call()
        await made.site.heard(Ringing, "m")
        port = made.site.worker.port
        os.kill(made.site.worker.pid, signal.SIGKILL)
        made.front.dismiss_worker(port)
        await waiting.ended()
        await ringing.ended()

        assert waiting.code == 500


async def test_a_call_that_was_hung_up_is_not_hung_up_again_when_its_worker_dies() -> None:
    async with open_front_site() as made, phone_at(made, "101") as anna:
        first = await made.site.calls_in(anna, "c")
        await first.hang_up()
        await made.site.heard(Ended, "c")
        before = made.front.figures.datagrams
        made.front.dismiss_worker(made.site.worker.port)
        await asyncio.sleep(0.2)

        assert made.front.figures.datagrams == before
