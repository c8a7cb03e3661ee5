"""Registration at providers over real sockets: another front as the provider, and providers by hand that refuse."""

import asyncio
from collections.abc import Callable

import pytest

from exchange.front import FrontConfig
from exchange.parties import Registration, Trunk, TrunkState
from exchange.sip_text import Request, make_response, write_message
from exchange.wire import Answered, Dial, Ended, HangUp
from lab.phones import open_phone
from lab.ports import free_port
from tests.exchange.front_site import HERE, PROVIDER, FrontSite, open_front_alone, open_front_site, password, udp_host

WAIT = 30.0


async def until(made: FrontSite, is_so: Callable[[TrunkState], bool], seconds: float = WAIT) -> TrunkState:
    """Wait until the only trunk stands so."""
    async with asyncio.timeout(seconds):
        while True:
            (state,) = made.front.trunk_states()
            if is_so(state):
                return state
            await asyncio.sleep(0.02)


def account_at(provider: FrontSite, *, secret: str | None = None) -> Trunk:
    """The account 101 of a front that stands in for a provider."""
    host, port = provider.front.outside
    word = password("101") if secret is None else secret
    return Trunk(name="main", host=host, port=port, user="101", password=word, register=True)


async def test_a_trunk_registers_and_both_call_each_other() -> None:
    async with open_front_site() as provider, open_front_site(trunks=[account_at(provider)]) as made:
        state = await until(made, lambda one: one.registration is Registration.REGISTERED)
        (contact,) = provider.front.contacts("101")
        assert contact.source == made.front.outside
        assert (state.text, state.reachable, state.until is not None) == ("registered", True, True)

        provider.site.send(Dial(leg="in", uri=contact.uri, from_uri="sip:79161234567@far"))
        await made.site.arrived("c")
        (invite,) = made.invites
        assert (invite.trunk, invite.caller) == ("main", "79161234567")
        made.site.send(HangUp(leg="c", code=486))
        assert (await provider.site.heard(Ended, "in")).code == 486


async def test_a_wrong_password_is_said_and_not_repeated() -> None:
    async with open_front_alone() as provider, open_front_alone(trunks=[account_at(provider, secret="x")]) as made:
        state = await until(made, lambda one: one.registration is Registration.REFUSED)

        assert "refuses the registration (403 Wrong user or password)" in state.text
        assert provider.front.wrong_passwords == 1


async def test_a_trunk_that_is_taken_away_takes_its_registration_back() -> None:
    async with open_front_alone() as provider, open_front_alone(trunks=[account_at(provider)]) as made:
        await until(made, lambda one: one.registration is Registration.REGISTERED)
        made.front.configure(phones=[], trunks=[])
        async with asyncio.timeout(WAIT):
            while provider.front.contacts("101"):
                await asyncio.sleep(0.02)

        assert made.front.trunk_states() == ()


async def test_a_front_that_ends_takes_its_registrations_back() -> None:
    async with open_front_alone() as provider:
        async with open_front_alone(trunks=[account_at(provider)]) as made:
            await until(made, lambda one: one.registration is Registration.REGISTERED)
            assert provider.front.contacts("101") != ()
        async with asyncio.timeout(WAIT):
            while provider.front.contacts("101"):
                await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    ("code", "words"), [(403, "user and password"), (404, "knows no user acct"), (503, "out of service for now")]
)
async def test_a_registration_that_is_refused_is_said(code: int, words: str) -> None:
    port = free_port()
    trunk = Trunk(name="main", host=PROVIDER, port=port, user="acct", password="x", register=True)
    async with open_front_alone(trunks=[trunk], allowed=[HERE]) as made:
        with udp_host(made.front.outside, PROVIDER, port) as provider:
            request = await provider.request()
            while request.method != "REGISTER":
                request = await provider.request()
            provider.send(write_message(make_response(request, code, "No", tag="t")))
            state = await until(made, lambda one: one.registration is Registration.REFUSED)

            assert (state.code, words in state.text) == (code, True)


async def test_an_expiry_that_the_provider_shortens_is_renewed_in_time() -> None:
    port = free_port()
    trunk = Trunk(name="main", host=PROVIDER, port=port, user="acct", password="x", register=True)
    async with open_front_alone(trunks=[trunk], allowed=[HERE]) as made:
        with udp_host(made.front.outside, PROVIDER, port) as provider:
            seen: list[tuple[float, Request]] = []
            async with asyncio.timeout(60):
                while len(seen) < 2:
                    request = await provider.request(8)
                    if request.method == "REGISTER":
                        seen.append((asyncio.get_running_loop().time(), request))
                    contact = ("Contact", f"{request.first('Contact')};expires=10")
                    headers = (contact,) if request.method == "REGISTER" else ()
                    provider.send(write_message(make_response(request, 200, "OK", tag="t", headers=headers)))

            assert [request.first("Expires") for _, request in seen] == ["300", "300"]
            assert 4 < seen[1][0] - seen[0][0] < 7


async def test_a_name_that_is_not_known_is_said_and_calls_over_it_fail_at_once() -> None:
    trunk = Trunk(name="main", host="sip.nowhere.invalid.example", user="acct", register=True)
    async with open_front_alone(trunks=[trunk]) as made:
        state = await until(made, lambda one: one.registration is Registration.UNREACHABLE, 20)
        assert "The name sip.nowhere.invalid.example is not known; check the trunk's host" in state.text
        with udp_host(("127.0.0.1", made.front.inside_port)) as worker:
            made.front.admit_worker(worker.place[1])
            worker.send(worker.text("INVITE", made.front.trunk_uri("main", "+79161234567")))
            answer = await worker.answer()

            assert (answer.code, answer.reason) == (503, "The provider does not answer")


async def test_a_name_of_a_host_is_looked_up() -> None:
    port = free_port()
    async with open_front_alone(trunks=[Trunk(name="main", host="localhost", port=port)]) as made:
        with udp_host(made.front.outside, "127.0.0.1", port) as provider:
            request = await provider.request()
            provider.send(write_message(make_response(request, 200, "OK", tag="t")))
            state = await until(made, lambda one: one.reachable is True)

            assert state.text == f"localhost:{port} answers"


async def test_a_provider_in_another_network_than_loopback_is_said_with_the_cure() -> None:
    trunk = Trunk(name="main", host="10.99.99.99", user="acct", register=True)
    async with open_front_alone(trunks=[trunk]) as made:
        state = await until(made, lambda one: one.registration is Registration.UNREACHABLE)

        assert "cannot be reached from 127.0.0.1, which is this machine alone; bind" in state.text


async def test_registrations_go_on_from_another_address_of_this_machine() -> None:
    config = FrontConfig(bind=PROVIDER, port=0)
    async with open_front_alone(config=config) as provider, open_front_alone(trunks=[account_at(provider)]) as made:
        await until(made, lambda one: one.registration is Registration.REGISTERED)
        assert provider.front.outside[0] == PROVIDER


async def test_a_provider_hears_the_worker_hang_up_a_call_that_it_began() -> None:
    port = free_port()
    trunk = Trunk(name="main", host="127.0.0.1", port=port)
    async with (
        open_front_site(trunks=[trunk]) as made,
        open_phone(user="79161234567", pbx_port=made.port, port=port) as provider,
    ):
        call = await made.site.calls_in(provider, "c")
        await made.site.heard(Answered, "c")
        made.site.send(HangUp(leg="c"))

        await call.ended()
