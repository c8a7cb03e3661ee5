"""Calls through the front by hand: what is passed on, to whom, and what it never does for anybody."""

import asyncio

from exchange.parties import Invite, Refusal, Trunk
from exchange.sip_text import Request, make_response, write_message
from tests.exchange.front_site import (
    HERE,
    MAIN,
    PROVIDER,
    STRANGER,
    FrontSite,
    UdpHost,
    a_phone,
    a_worker,
    invite,
    open_front_alone,
    reply,
    token_of,
    udp_host,
)


async def calls(made: FrontSite, phone: UdpHost, worker: UdpHost, *, call_id: str = "call") -> Request:
    """A phone calls; gives the INVITE as the worker has it."""
    proving = asyncio.create_task(phone.proves("INVITE", "sip:500@127.0.0.1", call_id=call_id))
    passed = await worker.request()
    reply(worker, passed, 180)
    assert (await proving).code == 180
    return passed


async def test_an_invite_arrives_with_two_record_routes_and_without_the_proof() -> None:
    async with open_front_alone() as made:
        with a_phone(made) as phone, a_worker(made) as worker:
            passed = await calls(made, phone, worker)
            inside, outside = passed.every("Record-Route")

            assert inside.startswith(f"<sip:127.0.0.1:{made.front.inside_port};lr;d=")
            assert outside.startswith(f"<sip:127.0.0.1:{made.front.outside[1]};lr;d=")
            assert passed.first("Proxy-Authorization") is None
            assert passed.max_forwards == 69
            assert passed.every("X-Trunkline-From") == ["phone:101"]


async def test_a_forged_header_of_ours_does_not_arrive() -> None:
    async with open_front_alone(trunks=[MAIN], allowed=[HERE]) as made:
        with udp_host(made.front.outside, PROVIDER) as provider, a_worker(made) as worker:
            provider.send(invite(provider, headers=["X-Trunkline-From: phone:101", "x-TRUNKLINE-call: 7"]))
            passed = await worker.request()

            assert passed.every("X-Trunkline-From") == ["trunk:main"]
            (mark,) = passed.every("X-Trunkline-Call")
            assert (mark, made.invites[0].mark != "7") == (made.invites[0].mark, True)


async def test_a_repeated_invite_its_cancel_and_its_ack_go_to_the_same_worker() -> None:
    async with open_front_alone(trunks=[MAIN], allowed=[HERE]) as made:
        with udp_host(made.front.outside, PROVIDER) as provider, a_worker(made) as worker, a_worker(made) as other:
            made.choice = worker.place[1]
            provider.send(invite(provider, branch="z9hG4bKone"))
            first = await worker.request()
            made.choice = other.place[1]
            provider.send(invite(provider, branch="z9hG4bKone"))
            again = await worker.request()
            provider.send(provider.text("CANCEL", "sip:500@127.0.0.1", branch="z9hG4bKone"))
            cancel = await worker.request()
            reply(worker, first, 487)
            assert (await provider.answer()).code == 487
            provider.send(provider.text("ACK", "sip:500@127.0.0.1", branch="z9hG4bKone", to="<sip:500@x>;tag=far"))
            ack = await worker.request()

            branches = {request.vias[0].branch for request in (first, again, cancel, ack)}
            assert len(branches) == 1
            assert (cancel.method, ack.method) == ("CANCEL", "ACK")
            assert len(made.invites) == 1
            assert await other.hears_nothing()


async def test_a_refused_invite_that_is_sent_again_is_refused_again_without_asking() -> None:
    async with open_front_alone(trunks=[MAIN], allowed=[HERE]) as made:
        made.choice = Refusal(code=486, reason="Busy")
        with udp_host(made.front.outside, PROVIDER) as provider:
            for _ in range(3):
                provider.send(invite(provider))
                assert (await provider.answer()).code == 486
            provider.send(invite(provider, cseq=2))
            assert (await provider.answer()).code == 486

            assert len(made.invites) == 2


async def test_a_cancel_of_nothing_is_answered_with_481() -> None:
    async with open_front_alone(trunks=[MAIN], allowed=[HERE]) as made:
        with udp_host(made.front.outside, PROVIDER) as provider:
            provider.send(provider.text("CANCEL", "sip:500@127.0.0.1"))
            assert (await provider.answer()).code == 481


async def test_a_request_within_a_call_needs_the_calls_own_token() -> None:
    async with open_front_alone() as made:
        with a_phone(made) as phone, a_phone(made) as thief, a_worker(made) as worker:
            passed = await calls(made, phone, worker)
            routes = [f"Route: {value}" for value in reversed(passed.every("Record-Route"))]
            target = f"sip:exchange@127.0.0.1:{worker.place[1]}"
            end = "<sip:500@127.0.0.1>;tag=far"
            thief.send(thief.text("BYE", target, to=end, call_id="call"))
            assert (await thief.answer()).code == 481
            thief.send(thief.text("BYE", target, to=end, call_id="other", headers=routes))
            assert (await thief.answer()).code == 481
            forged = [line.replace(token_of(line)[-6:], "AAAAAA") for line in routes]
            thief.send(thief.text("BYE", target, to=end, call_id="call", cseq=2, headers=forged))
            assert (await thief.answer()).code == 481
            phone.send(phone.text("BYE", target, to=end, call_id="call", cseq=3, headers=routes))
            bye = await worker.request()

            assert (bye.method, bye.every("Route")) == ("BYE", [])


async def test_nobody_uses_the_front_to_reach_a_third_host() -> None:
    async with open_front_alone() as made:
        with a_phone(made) as phone, a_worker(made) as worker, udp_host(made.front.outside, STRANGER) as victim:
            passed = await calls(made, phone, worker)
            routes = [f"Route: {value}" for value in reversed(passed.every("Record-Route"))]
            place = f"{victim.place[0]}:{victim.place[1]}"
            phone.send(phone.text("BYE", f"sip:x@{place}", to="<sip:5@x>;tag=far", call_id="call", headers=routes))
            assert (await worker.request()).method == "BYE"
            phone.send(phone.text("INVITE", f"sip:x@{place}", headers=[f"Route: <sip:{place};lr>"], call_id="r"))
            assert (await phone.answer()).code == 407
            assert await victim.hears_nothing()


async def test_a_made_up_answer_goes_nowhere() -> None:
    async with open_front_alone(trunks=[MAIN], allowed=[HERE]) as made:
        with udp_host(made.front.outside, PROVIDER) as provider, a_worker(made) as worker, a_phone(made) as victim:
            provider.send(invite(provider))
            passed = await worker.request()
            text = write_message(make_response(passed, 200, "OK", tag="x")).decode()
            to_victim = text.replace(f"rport={provider.place[1]}", f"rport={victim.place[1]}").replace(
                PROVIDER, "127.0.0.1"
            )
            worker.send(to_victim)
            assert await victim.hears_nothing()
            assert made.front.figures.unasked == 1
            worker.send(text)
            assert (await provider.answer()).code == 200


async def test_answers_go_where_the_request_came_from_whatever_its_via_says() -> None:
    async with open_front_alone() as made:
        with a_phone(made) as phone, udp_host(made.front.outside, STRANGER) as victim:
            spoofed = f"{victim.place[0]}:{victim.place[1]}"
            phone.send(phone.text("OPTIONS", "sip:front", via=spoofed))
            answer = await phone.answer()
            phone.send(invite(phone, via=f"{spoofed};received={victim.place[0]}", call_id="i"))

            assert (answer.code, (await phone.answer()).code) == (200, 407)
            assert await victim.hears_nothing()


async def test_a_message_that_went_through_us_already_is_a_loop() -> None:
    async with open_front_alone() as made:
        with a_phone(made) as phone:
            own = f"{made.front.outside[0]}:{made.front.outside[1]}"
            phone.send(phone.text("OPTIONS", "sip:front", headers=[f"Via: SIP/2.0/UDP {own};branch=z9hG4bKx"]))
            assert (await phone.answer()).code == 482


async def test_a_message_without_hops_left_goes_no_further() -> None:
    async with open_front_alone(trunks=[MAIN], allowed=[HERE]) as made:
        with udp_host(made.front.outside, PROVIDER) as provider:
            provider.send(invite(provider).replace("Max-Forwards: 70", "Max-Forwards: 0"))
            assert (await provider.answer()).code == 483
            assert made.invites == []


async def test_a_request_with_a_route_that_cannot_be_read_is_answered_with_400() -> None:
    async with open_front_alone(trunks=[MAIN], allowed=[HERE]) as made:
        with udp_host(made.front.outside, PROVIDER) as provider, a_worker(made) as worker:
            provider.send(invite(provider, headers=["Route: <sip:nowhere"]))
            answer = await provider.answer()
            assert (answer.code, "closing bracket" in answer.reason) == (400, True)
            provider.send(invite(provider, headers=["Record-Route: nonsense"], call_id="r"))
            reply(worker, await worker.request(), 200)
            assert await provider.hears_nothing(0.1)
            assert made.front.figures.garbage == 2


async def test_a_method_that_nobody_here_knows_is_refused_with_those_that_are() -> None:
    async with open_front_alone() as made:
        with a_phone(made) as phone:
            phone.send(phone.text("SUBSCRIBE", "sip:101@front"))
            answer = await phone.answer()

            assert (answer.code, "INVITE" in (answer.first("Allow") or "")) == (405, True)


async def test_the_worker_reaches_no_endpoint_and_no_trunk_that_is_not() -> None:
    async with open_front_alone(trunks=[MAIN], allowed=[HERE]) as made:
        with a_worker(made) as worker:
            codes = []
            for number, uri in enumerate(
                ("sip:101@phones.invalid", "sip:999@phones.invalid", "sip:1@other.invalid", "sip:1@8.8.8.8")
            ):
                worker.send(worker.text("INVITE", uri, call_id=f"c{number}"))
                codes.append((await worker.answer()).code)

            assert codes == [480, 404, 404, 404]


async def test_a_worker_that_was_dismissed_is_out_of_the_call() -> None:
    async with open_front_alone() as made:
        with a_phone(made) as phone, a_worker(made) as worker:
            passed = await calls(made, phone, worker)
            routes = [f"Route: {value}" for value in reversed(passed.every("Record-Route"))]
            made.front.dismiss_worker(worker.place[1])
            assert (await phone.answer()).code == 500
            phone.send(
                phone.text("BYE", "sip:x@127.0.0.1", to="<sip:5@x>;tag=far", call_id="call", cseq=9, headers=routes)
            )

            assert (await phone.answer()).code == 481


async def test_a_provider_is_told_apart_by_its_host_and_its_number_by_the_dids() -> None:
    trunks = [MAIN, Trunk(name="second", host=PROVIDER, user="acct2", dids=("74952220000",))]
    async with open_front_alone(trunks=trunks, allowed=[HERE]) as made:
        made.choice = Refusal(code=486, reason="Busy")
        with udp_host(made.front.outside, PROVIDER) as provider:
            for number, (to, uri) in enumerate(
                [("74952220000", "acct2"), ("74951110000", "74951110000"), ("acct2", "acct2"), ("x", "79990001122")]
            ):
                provider.send(invite(provider, uri, to=f"<sip:{to}@x>", call_id=f"c{number}"))
                assert (await provider.answer()).code == 486

            got = [(one.trunk, one.did) for one in made.invites]
            assert got == [
                ("second", "74952220000"),
                ("main", "74951110000"),
                ("second", "acct2"),
                ("main", "79990001122"),
            ]


async def test_what_a_caller_writes_reaches_the_exchange_as_one_plain_line() -> None:
    async with open_front_alone(trunks=[MAIN], allowed=[HERE]) as made:
        made.choice = Refusal(code=486, reason="Busy")
        with udp_host(made.front.outside, PROVIDER) as provider:
            text = provider.text("INVITE", "sip:500%0D%0AEvent:x@127.0.0.1", user="7916%0d%0aEvil%00:1")
            provider.send(text.replace("From: <", 'From: "O\\"Neil \u2028 \\\\ ${X}" <'))
            assert (await provider.answer()).code == 486

            (arrived,) = made.invites
            assert arrived.caller == "7916  Evil :1"
            assert arrived.dialled == "500  Event:x"
            assert arrived.display == 'O"Neil   \\ ${X}'


class _Room:
    """No worker has room when it is asked for the first times."""

    def __init__(self, made: FrontSite, full: int) -> None:
        self.made = made
        self.full = full
        self.asked = 0

    def choose(self, invite: Invite) -> int | Refusal | None:
        self.asked += 1
        return None if self.asked <= self.full else self.made.choice


async def test_a_call_that_waits_for_a_worker_gets_it_without_asking_again() -> None:
    made = FrontSite()
    room = _Room(made, full=3)
    async with open_front_alone(trunks=[MAIN], allowed=[HERE], made=made, choose=room.choose):
        with a_worker(made) as worker, udp_host(made.front.outside, PROVIDER) as provider:
            provider.send(invite(provider, "74951110000"))

            arrived = await worker.request(2)

    assert (arrived.method, arrived.call_id, room.asked) == ("INVITE", "c1", 4)


async def test_a_caller_who_gives_up_while_he_waits_for_a_worker_does_not_ring() -> None:
    made = FrontSite()
    room = _Room(made, full=4)
    async with open_front_alone(trunks=[MAIN], allowed=[HERE], made=made, choose=room.choose):
        with a_worker(made) as worker, udp_host(made.front.outside, PROVIDER) as provider:
            provider.send(invite(provider, "74951110000", branch="z9hG4bKsame"))
            while room.asked < 2:
                await asyncio.sleep(0.01)
            provider.send(provider.text("CANCEL", "sip:74951110000@127.0.0.1", branch="z9hG4bKsame"))
            answer = await provider.answer()

            assert (answer.code, await worker.hears_nothing(0.5)) == (481, True)
    assert room.asked < 5
