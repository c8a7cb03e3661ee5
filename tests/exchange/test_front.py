"""The front among UDP hosts: whom it hears, what it answers, and what it never does for anybody."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Network

import pytest

from exchange.directory import WrongAccounts
from exchange.front import AddressMissing, FrontConfig, PortTaken, open_front
from exchange.guard import PublicAddress
from exchange.parties import PhoneAccount, Refusal, Trunk
from exchange.sip_text import Request, Response, make_response, write_message
from lab.ports import free_port
from tests.exchange.front_site import (
    HERE,
    PROVIDER,
    STRANGER,
    FrontSite,
    UdpHost,
    account,
    open_front_alone,
    password,
    token_of,
    udp_host,
)

MAIN = Trunk(name="main", host=PROVIDER, dids=("74951110000",))


@contextmanager
def a_worker(made: FrontSite) -> Iterator[UdpHost]:
    """A worker by hand, which gets the next calls."""
    with udp_host(("127.0.0.1", made.front.inside_port)) as worker:
        made.front.admit_worker(worker.place[1])
        made.choice = worker.place[1]
        yield worker


@contextmanager
def a_phone(made: FrontSite, host: str = "127.0.0.1") -> Iterator[UdpHost]:
    """A phone by hand."""
    with udp_host(made.front.outside, host) as phone:
        yield phone


def invite(host: UdpHost, dialled: str = "500", **more: object) -> str:
    """An INVITE to the front."""
    return host.text("INVITE", f"sip:{dialled}@127.0.0.1", **more)  # type: ignore[arg-type]


def reply(host: UdpHost, request: Request, code: int, *, headers: tuple[tuple[str, str], ...] = ()) -> Response:
    """Answer a request as its receiver does, and give the answer."""
    routes = tuple(("Record-Route", value) for value in request.every("Record-Route"))
    response = make_response(request, code, "Said", tag="far", headers=(*routes, *headers))
    host.send(write_message(response))
    return response


# Who is heard


async def test_a_stranger_gets_no_answer_at_all() -> None:
    async with open_front_alone(allowed=[HERE]) as made:
        with a_phone(made, STRANGER) as stranger, a_phone(made) as phone:
            stranger.send(stranger.text("OPTIONS", "sip:front"))
            stranger.send(stranger.text("REGISTER", "sip:front", call_id="r"))
            stranger.send(invite(stranger, call_id="i"))
            assert await stranger.hears_nothing()
            phone.send(phone.text("OPTIONS", "sip:front"))

            assert (await phone.answer()).code == 200
            assert made.front.figures.strangers == 3


async def test_a_phone_without_its_password_is_asked_for_it() -> None:
    async with open_front_alone() as made:
        with a_phone(made) as phone:
            phone.send(phone.text("REGISTER", "sip:front"))
            assert (await phone.answer()).code == 401
            phone.send(invite(phone))
            assert (await phone.answer()).code == 407
            assert made.invites == []


async def test_nobody_but_a_worker_is_heard_on_the_side_of_the_workers() -> None:
    port = free_port()
    async with open_front_alone(trunks=[Trunk(name="main", host=PROVIDER, port=port)], allowed=[HERE]) as made:
        with (
            udp_host(("127.0.0.1", made.front.inside_port)) as thief,
            udp_host(made.front.outside, PROVIDER, port) as far,
        ):
            assert (await far.request()).method == "OPTIONS"
            thief.send(thief.text("INVITE", "sip:+79161234567@main.invalid"))
            assert await thief.hears_nothing()
            assert await far.hears_nothing(0.1)
            assert made.front.figures.strangers == 1


async def test_a_host_that_floods_is_heard_again_when_it_is_slower() -> None:
    async with open_front_alone() as made:
        with a_phone(made) as phone:
            for number in range(900):
                phone.send(phone.text("OPTIONS", "sip:front", call_id=f"o{number}"))
                if number % 50 == 0:
                    await asyncio.sleep(0)
            await asyncio.sleep(0.3)
            assert made.front.figures.too_fast > 0
            while not await phone.hears_nothing(0.1):
                pass
            phone.send(phone.text("OPTIONS", "sip:front", call_id="last"))
            assert (await phone.answer()).code == 200


# Registration


async def test_a_phone_registers_renews_and_leaves() -> None:
    async with open_front_alone() as made:
        with a_phone(made) as phone:
            answer = await phone.registers(expires=120)
            assert (answer.code, answer.every("Contact")[0].endswith(";expires=120")) == (200, True)
            assert (await phone.registers(expires=300, cseq=5)).every("Contact")[0].endswith(";expires=300")
            assert len(made.front.contacts("101")) == 1
            assert (await phone.registers(expires=0, cseq=9)).every("Contact") == []
            assert made.front.contacts("101") == ()


async def test_two_phones_of_one_endpoint_have_a_contact_each() -> None:
    async with open_front_alone() as made:
        with a_phone(made) as desk, a_phone(made) as soft:
            await desk.registers(call_id="desk")
            answer = await soft.registers(call_id="soft")

            sources = [contact.source for contact in made.front.contacts("101")]
            assert sources == [soft.place, desk.place]
            assert len(answer.every("Contact")) == 2


async def test_a_phone_cannot_register_in_anothers_name() -> None:
    async with open_front_alone() as made:
        with a_phone(made) as phone:
            answer = await phone.registers(to="<sip:102@front>")

            assert answer.code == 403
            assert made.front.contacts("102") == ()


async def test_five_wrong_passwords_lock_this_host_out_of_this_account_alone() -> None:
    async with open_front_alone(allowed=[IPv4Network("127.0.0.0/8")]) as made:
        with a_phone(made) as thief, a_phone(made, STRANGER) as other:
            for number in range(5):
                assert (await thief.registers(secret="guess", call_id=f"w{number}")).reason == "Wrong user or password"
            locked = await thief.registers(call_id="right")
            assert (locked.code, locked.first("Retry-After")) == (403, "60")
            assert (await thief.registers(user="102", call_id="else")).code == 200
            assert (await other.registers(call_id="elsewhere")).code == 200
            assert made.front.wrong_passwords == 5


async def test_a_host_that_tries_many_accounts_is_dropped() -> None:
    async with open_front_alone(allowed=[IPv4Network("127.0.0.0/8")]) as made:
        with a_phone(made, STRANGER) as thief, a_phone(made) as phone:
            for number in range(8):
                for attempt in range(5):
                    call_id = f"w{number}-{attempt}"
                    assert (await thief.registers(user=str(900 + number), secret="x", call_id=call_id)).code == 403
            thief.send(thief.text("OPTIONS", "sip:front"))
            assert await thief.hears_nothing()
            assert (await phone.registers()).code == 200


async def test_a_proof_of_one_host_is_worth_nothing_to_another() -> None:
    async with open_front_alone() as made:
        with a_phone(made) as phone, a_phone(made, STRANGER) as thief:
            await phone.registers()
            phone.send(phone.text("REGISTER", "sip:front", call_id="steal"))
            nonce = (await phone.answer()).every("WWW-Authenticate")[0]
            proof = nonce.replace(
                "Digest ", 'Digest username="101", uri="sip:front", response="0", cnonce="c", nc=00000001, '
            )
            thief.send(
                thief.text("REGISTER", "sip:front", headers=[f"Authorization: {proof}".replace('"auth"', "auth")])
            )

            assert (await thief.answer()).code == 401
            assert made.front.wrong_passwords == 0


async def test_a_proof_is_good_for_one_request_only_but_may_be_sent_again() -> None:
    async with open_front_alone() as made:
        with a_phone(made) as phone:
            await phone.registers()
            seen: list[str] = []
            original = phone.send
            phone.send = lambda text: (seen.append(str(text)), original(text))[1]  # type: ignore[method-assign, func-returns-value]
            await phone.registers(call_id="c2")
            proven = seen[-1]
            original(proven)
            assert (await phone.answer()).code == 200
            original(proven.replace("CSeq: 2", "CSeq: 3").replace("REGISTERc22", "REGISTERc23"))
            again = await phone.answer()

            assert again.code == 401
            assert "stale=true" in again.every("WWW-Authenticate")[0]


async def test_an_account_that_was_taken_away_is_no_longer_registered() -> None:
    async with open_front_alone() as made:
        with a_phone(made) as phone:
            await phone.registers()
            made.front.configure(phones=[account("102")], trunks=[])
            assert made.front.contacts("101") == ()
            assert (await phone.registers(call_id="again")).code == 403


async def test_an_account_that_stays_stays_registered() -> None:
    async with open_front_alone() as made:
        with a_phone(made) as phone:
            await phone.registers()
            made.front.configure(phones=[account("101"), account("103")], trunks=[MAIN])
            assert len(made.front.contacts("101")) == 1


# Calls by hand


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


# Where it listens


@pytest.mark.parametrize("address", ["8.8.8.8", "0.0.0.0", "203.0.113.5", "::", "224.0.0.1", "example.org", ""])
async def test_a_public_address_is_refused_in_one_sentence(address: str) -> None:
    with (
        pytest.raises(PublicAddress, match=r"binds to 127\.0\.0\.1 or an address of a private network"),
        open_front(FrontConfig(bind=address, port=0), lambda _: 0),
    ):
        pass


async def test_a_public_network_of_phones_is_refused_and_nothing_is_changed() -> None:
    async with open_front_alone() as made:
        with a_phone(made) as phone:
            with pytest.raises(PublicAddress, match=r"11\.0\.0\.0/8"):
                made.front.configure(phones=[], trunks=[], allowed=[IPv4Network("11.0.0.0/8")])
            assert (await phone.registers()).code == 200


async def test_a_port_that_is_taken_is_said_with_the_cure() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        with (
            pytest.raises(
                PortTaken, match=rf"UDP port {port} of 127\.0\.0\.1 is taken by another program.*choose another"
            ),
            open_front(FrontConfig(port=port), lambda _: 0),
        ):
            pass


async def test_an_address_that_the_machine_has_not_is_said_with_the_cure() -> None:
    with (
        pytest.raises(AddressMissing, match=r"has no address 10\.255\.255\.1; choose one of its own"),
        open_front(FrontConfig(bind="10.255.255.1", port=0), lambda _: 0),
    ):
        pass


@pytest.mark.parametrize(
    ("phones", "trunks", "words"),
    [
        ([PhoneAccount(endpoint="a b", ha1="0" * 32)], [], "endpoint 'a b'"),
        ([PhoneAccount(endpoint="101", ha1="secret")], [], "ha1 of endpoint 101"),
        ([account("101"), account("101")], [], "named twice"),
        ([], [Trunk(name="phones", host="x")], "trunk 'phones'"),
        ([], [Trunk(name="a", host="x y")], "host must be"),
        ([], [Trunk(name="a", host="x", port=70000)], "port 70000"),
        ([], [Trunk(name="a", host="x", register=True)], "needs a user"),
        ([], [Trunk(name="a", host="x", password="1\r\n2")], "single lines"),
        ([], [Trunk(name="a", host="x", hosts=("nowhere",))], "in hosts"),
        ([], [Trunk(name="a", host="x", expiry=5)], "expiry 5"),
    ],
)
async def test_a_wrong_account_is_named(phones: list[PhoneAccount], trunks: list[Trunk], words: str) -> None:
    async with open_front_alone() as made:
        with pytest.raises(WrongAccounts, match=words) as told:
            made.front.configure(phones=phones, trunks=trunks)
        assert "secret" not in str(told.value)


def test_no_secret_is_shown_when_an_account_is() -> None:
    shown = repr([account("101"), Trunk(name="a", host="x", password="hidden")])
    assert account("101").ha1 not in shown
    assert "hidden" not in shown
    assert password("101") not in shown
