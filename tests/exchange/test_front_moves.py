"""Providers that refuse, come back or move, at real sockets: what the front tells of it, and where calls go then."""

import asyncio
import socket
from collections.abc import Callable
from dataclasses import replace

import pytest

from exchange.front import Front
from exchange.parties import Registration, Trunk, TrunkState
from exchange.sip_text import Request, make_response, write_message
from lab.ports import free_port
from tests.exchange.front_site import HERE, PROVIDER, UdpHost, open_front_alone, udp_host

MOVED = "127.0.0.5"
CHALLENGE = ("WWW-Authenticate", 'Digest realm="far", nonce="n1", algorithm=MD5, qop="auth"')
WAIT = 12.0


def trunk_at(host: str, port: int) -> Trunk:
    return Trunk(name="main", host=host, port=port, user="acct", password="x", register=True)


async def until(front: Front, wanted: Callable[[TrunkState], bool]) -> TrunkState:
    async with asyncio.timeout(WAIT):
        while not wanted(front.trunk_states()[0]):
            await asyncio.sleep(0.02)
    return front.trunk_states()[0]


async def asked(provider: UdpHost, method: str = "REGISTER") -> Request:
    """The next request of this kind; others are answered."""
    while True:
        request = await provider.request(WAIT)
        if request.method == method:
            return request
        say(provider, request, 200)


def say(provider: UdpHost, request: Request, code: int, *headers: tuple[str, str]) -> None:
    provider.send(write_message(make_response(request, code, "Said", tag="t", headers=headers)))


async def test_a_password_that_is_refused_twice_is_said_and_not_tried_again_at_once() -> None:
    port = free_port()
    async with open_front_alone(trunks=[trunk_at(PROVIDER, port)], allowed=[HERE]) as made:
        with udp_host(made.front.outside, PROVIDER, port) as provider:
            first = await asked(provider)
            say(provider, first, 401, CHALLENGE)
            second = await asked(provider)
            say(provider, second, 401, CHALLENGE)
            state = await until(made.front, lambda one: one.registration is Registration.REFUSED)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(1.5):
                    await asked(provider)

    assert (first.first("Authorization"), 'username="acct"' in (second.first("Authorization") or "")) == (None, True)
    assert "does not accept user or password" in state.text


@pytest.mark.parametrize("code", [403, 404, 603])
async def test_a_refusal_leaves_the_trunk_for_calls_that_need_no_registration(code: int) -> None:
    port = free_port()
    async with open_front_alone(trunks=[trunk_at(PROVIDER, port)], allowed=[HERE]) as made:
        with (
            udp_host(made.front.outside, PROVIDER, port) as provider,
            udp_host(("127.0.0.1", made.front.inside_port)) as worker,
        ):
            made.front.admit_worker(worker.place[1])
            say(provider, await asked(provider), code)
            await until(made.front, lambda one: one.registration is Registration.REFUSED)
            worker.send(worker.text("INVITE", made.front.trunk_uri("main", "+79161234567")))
            invite = await asked(provider, "INVITE")

    assert invite.uri.user == "+79161234567"


async def test_a_registration_comes_back_by_itself() -> None:
    port = free_port()
    async with open_front_alone(trunks=[trunk_at(PROVIDER, port)], allowed=[HERE]) as made:
        with udp_host(made.front.outside, PROVIDER, port) as provider:
            say(provider, await asked(provider), 503, ("Retry-After", "5"))
            refused = await until(made.front, lambda one: one.registration is Registration.REFUSED)
            say(provider, await asked(provider), 200, ("Expires", "120"))
            back = await until(made.front, lambda one: one.registration is Registration.REGISTERED)

    assert "out of service for now" in refused.text
    assert (back.text, back.reachable) == ("registered", True)


async def test_a_provider_that_moves_is_followed_and_its_old_address_is_a_stranger() -> None:
    port = free_port()
    before = trunk_at(PROVIDER, port)
    async with open_front_alone(trunks=[before], allowed=[HERE]) as made:
        with (
            udp_host(made.front.outside, PROVIDER, port) as old,
            udp_host(made.front.outside, MOVED, port) as new,
            udp_host(("127.0.0.1", made.front.inside_port)) as worker,
        ):
            made.front.admit_worker(worker.place[1])
            made.choice = worker.place[1]
            say(old, await asked(old), 200, ("Expires", "120"))
            await until(made.front, lambda one: one.registration is Registration.REGISTERED)
            made.front.configure(phones=[], trunks=[replace(before, host=MOVED)], allowed=[HERE])
            farewell = await asked(old)
            say(new, await asked(new), 200, ("Expires", "120"))
            await until(made.front, lambda one: one.registration is Registration.REGISTERED)
            old.send(old.text("INVITE", "sip:4950001@h", call_id="old"))
            new.send(new.text("INVITE", "sip:4950001@h", call_id="new"))
            heard = await worker.request()
            alone = await worker.hears_nothing()

    assert (farewell.first("Expires"), heard.call_id, alone) == ("0", "new", True)


async def test_a_name_that_is_looked_up_anew_leads_to_the_new_address() -> None:
    port, places = free_port(), [PROVIDER]
    loop = asyncio.get_running_loop()

    async def names(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_DGRAM, 17, "", (places[0], port))]

    loop.getaddrinfo = names  # type: ignore[method-assign,assignment]  # a name server that we can change
    trunk = trunk_at("sip.operator.example", port)
    async with open_front_alone(trunks=[trunk], allowed=[HERE]) as made:
        with udp_host(made.front.outside, PROVIDER, port) as old, udp_host(made.front.outside, MOVED, port) as new:
            say(old, await asked(old), 200, ("Expires", "3600"))
            await until(made.front, lambda one: one.registration is Registration.REGISTERED)
            places[0] = MOVED
            made.front.configure(phones=[], trunks=[trunk], allowed=[HERE])
            renewed = await asked(new)
            say(new, renewed, 200)
            new.send(new.text("OPTIONS", "sip:front", call_id="known"))
            answer, _ = await new.receive()
            while answer.call_id != "known":
                answer, _ = await new.receive()

    assert renewed.first("Expires") == "300"
