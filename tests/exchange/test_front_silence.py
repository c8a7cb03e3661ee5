"""Phones that answer nothing: the worker is answered in their place, and its places are free again."""

import asyncio
from pathlib import Path

from exchange.proxy import CANCELLED_AFTER, SILENT_AFTER
from exchange.sip_text import Request, make_response, write_message
from exchange.wire import Answered, Dial, Ended, EndedBy, HangUp, Ringing
from lab.phone_calls import PhoneCall
from tests.contract.exchange_site import SECRET, BehindExchange, open_exchange_site
from tests.exchange.front_site import UdpHost, a_phone, a_worker, open_front_alone, open_front_site, phone_at, udp_host


def rings(host: UdpHost, request: Request) -> None:
    contact = ("Contact", f"<sip:x@{host.place[0]}:{host.place[1]}>")
    routes = tuple(("Record-Route", value) for value in request.every("Record-Route"))
    host.send(write_message(make_response(request, 180, "Ringing", tag="t", headers=(*routes, contact))))


async def test_a_cancel_that_a_phone_ignores_is_answered_for_it() -> None:
    async with open_front_alone() as made:
        with a_phone(made) as phone, a_worker(made) as worker:
            await phone.registers()
            (contact,) = made.front.contacts("101")
            invite = worker.text("INVITE", contact.uri, call_id="c")
            worker.send(invite)
            rings(phone, await phone.request())
            assert (await worker.answer()).code == 180
            worker.send(worker.text("CANCEL", contact.uri, call_id="c", branch="z9hG4bKINVITEc1"))
            assert (await phone.request()).method == "CANCEL"
            began = asyncio.get_running_loop().time()
            answer = await worker.answer(CANCELLED_AFTER + 2)
            took = asyncio.get_running_loop().time() - began

    assert (answer.code, answer.cseq_method, answer.vias[0].branch) == (487, "INVITE", "z9hG4bKINVITEc1")
    assert took > CANCELLED_AFTER - 0.3


async def test_a_phone_that_says_nothing_is_answered_for_and_one_that_rings_is_not() -> None:
    async with open_front_alone() as made:
        with a_phone(made) as silent, a_phone(made) as other, a_worker(made) as worker:
            await silent.registers()
            await other.registers(user="102")
            for n, endpoint in enumerate(("101", "102")):
                worker.send(worker.text("INVITE", made.front.contacts(endpoint)[0].uri, call_id=f"c{n}"))
            rings(other, await other.request())
            assert (await worker.answer()).code == 180
            answer = await worker.answer(SILENT_AFTER + 2)
            nothing = await worker.hears_nothing(1.0)

    assert (answer.code, answer.call_id, nothing) == (408, "c0", True)


async def test_a_worker_dials_on_although_three_phones_never_answered_its_cancels() -> None:
    async with open_front_site() as made, phone_at(made, "102") as boris:
        with a_phone(made) as dead:
            await dead.registers()
            await boris.script(answer_after=0.0)
            uri = made.contact("101")
            for n in range(3):
                made.site.send(Dial(leg=f"z{n}", uri=uri, from_uri="sip:1@h"))
                rings(dead, await dead.request())
                await made.site.heard(Ringing, f"z{n}")
            for n in range(3):
                made.site.send(HangUp(leg=f"z{n}"))
            for n in range(3):
                assert (await made.site.heard(Ended, f"z{n}")).by is EndedBy.US
            busy = made.site.worker.fit, made.site.worker.free
            for n in range(2):
                made.site.send(Dial(leg=f"y{n}", uri=made.contact("102"), from_uri="sip:1@h"))
                await made.site.heard(Answered, f"y{n}")

    assert busy == (1, 4)


async def test_dead_phones_at_an_exchange_turn_nobody_away(tmp_path: Path) -> None:
    async with open_exchange_site(tmp_path, workers=1, ahead=1) as site:
        behind = site.behind
        assert isinstance(behind, BehindExchange)
        behind.begin()
        with udp_host(("127.0.0.1", behind.options.port)) as dead:
            await site.anna.unregister()
            await dead.registers(user="101", secret=SECRET)
            for n in range(4):  # rung in vain, one right after the other
                call: PhoneCall = await site.client.dial("4950001", caller=f"7916555000{n}")
                rings(dead, await invited(dead))
                await call.ringing()
                await call.hang_up()
                await call.ended()
            await site.until(lambda: not behind.open_legs())
        calls = behind.calls()

    assert len(calls) == 4
    assert {call.missed_reason for call in calls} == {"abandoned"}


async def invited(host: UdpHost) -> Request:
    """The next INVITE that a phone gets."""
    while True:
        request = await host.request(10)
        if request.method == "INVITE":
            return request
