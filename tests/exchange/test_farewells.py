"""What a killed exchange leaves to the next one: calls that must be ended, and where its phones are."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from exchange.digest import hash_password
from exchange.farewells import OLDEST_SECONDS, STRUCK_OUT, Farewells
from exchange.front import FrontConfig
from exchange.parties import Trunk
from exchange.sip_text import Request, Response, make_response, write_message
from tests.exchange.front_site import HERE, PROVIDER, REALM, FrontSite, UdpHost, account, open_front_alone, udp_host

DID = "74951110000"
PHONE = ("192.168.1.5", 5060)


def opened(file: Path) -> Farewells:
    farewells = Farewells(file)
    farewells.open()
    return farewells


def config(folder: Path, port: int = 0) -> FrontConfig:
    return FrontConfig(port=port, keep_in=folder)


def answers(host: UdpHost, request: Request, code: int, *headers: tuple[str, str]) -> None:
    routes = tuple(("Record-Route", value) for value in request.every("Record-Route"))
    host.send(write_message(make_response(request, code, "Said", tag="far", headers=(*routes, *headers))))


async def heard(host: UdpHost) -> Request | Response:
    """The next message that is no question whether the host is there."""
    while True:
        message, _ = await host.receive()
        if not isinstance(message, Request) or message.method != "OPTIONS":
            return message


@asynccontextmanager
async def by_hand(folder: Path) -> AsyncIterator[tuple[FrontSite, UdpHost, UdpHost]]:
    """A front with a provider and a worker by hand."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((PROVIDER, 0))
        port = probe.getsockname()[1]
    main = Trunk(name="main", host=PROVIDER, port=port, dids=(DID,))
    async with open_front_alone(trunks=[main], allowed=[HERE], config=config(folder)) as made:
        with (
            udp_host(made.front.outside, PROVIDER, port) as provider,
            udp_host(("127.0.0.1", made.front.inside_port)) as worker,
        ):
            made.front.admit_worker(worker.place[1])
            made.choice = worker.place[1]
            yield made, provider, worker


@asynccontextmanager
async def killed(made: FrontSite, provider: UdpHost, folder: Path) -> AsyncIterator[UdpHost]:
    """Its successor at the same port, and what the provider hears of it."""
    with udp_host(made.front.outside, PROVIDER, provider.place[1]) as again:
        async with open_front_alone(config=config(folder, made.front.outside[1])):
            yield again


async def answered(provider: UdpHost, worker: UdpHost) -> Response:
    """The provider calls and the worker answers."""
    contact = f"Contact: <sip:7916@{PROVIDER}:{provider.place[1]}>"
    provider.send(provider.text("INVITE", f"sip:{DID}@127.0.0.1", headers=[contact]))
    answers(worker, await worker.request(), 200)
    answer = await heard(provider)
    assert isinstance(answer, Response)
    return answer


# the file


def test_what_was_kept_and_not_over_is_left_to_the_next(tmp_path: Path) -> None:
    first = opened(tmp_path / "kept")
    for key in ("a", "b", "c"):
        first.keep(key, f"BYE {key}\r\n\xff".encode("latin1"), PHONE)
    first.drop("b")
    first.keep("a", b"BYE again", PHONE)
    first.drop("nothing")
    second = opened(tmp_path / "kept")
    third = opened(tmp_path / "kept")

    assert sorted(second.left) == [(b"BYE again", PHONE), (b"BYE c\r\n\xff", PHONE)]
    assert third.left == []
    assert (tmp_path / "kept").stat().st_mode & 0o777 == 0o600


def test_a_file_of_nonsense_and_torn_lines_is_read_as_far_as_it_can_be(tmp_path: Path) -> None:
    opened(tmp_path / "kept").keep("a", b"BYE", PHONE)
    with (tmp_path / "kept").open("ab") as file:
        file.write(
            b'{"key": "b", "at": 1, "to": ["x", 2], "say": "QQ=="}\n[1]\n\xff\xfe\n{"key": {}}\n{"key": "c", "at": 1'
        )

    assert opened(tmp_path / "kept").left == [(b"BYE", PHONE)]


def test_a_call_of_long_ago_is_not_ended_again(tmp_path: Path) -> None:
    farewells = opened(tmp_path / "kept")
    farewells.keep("a", b"BYE", PHONE)
    text = (tmp_path / "kept").read_text()
    at = float(text.partition('"at": ')[2].partition(",")[0])
    (tmp_path / "kept").write_text(text.replace(str(at), str(at - OLDEST_SECONDS - 1)))

    assert opened(tmp_path / "kept").left == []


def test_the_file_does_not_grow_with_the_calls_that_are_over(tmp_path: Path) -> None:
    farewells = opened(tmp_path / "kept")
    farewells.keep("stays", b"BYE", PHONE)
    for n in range(2 * STRUCK_OUT):
        farewells.keep(str(n), b"BYE", PHONE)
        farewells.drop(str(n))
    lines = (tmp_path / "kept").read_bytes().count(b"\n")

    assert lines < STRUCK_OUT
    assert opened(tmp_path / "kept").left == [(b"BYE", PHONE)]


def test_a_folder_that_cannot_be_written_cuts_no_call(tmp_path: Path) -> None:
    farewells = opened(tmp_path / "missing" / "kept")
    farewells.keep("a", b"BYE", PHONE)
    farewells.drop("a")
    farewells.close()

    assert len(farewells) == 0


# calls


async def test_the_next_exchange_ends_a_call_that_stood(tmp_path: Path) -> None:
    async with by_hand(tmp_path) as (made, provider, worker):
        answer = await answered(provider, worker)
    async with killed(made, provider, tmp_path) as provider:
        bye, again = await provider.request(), await provider.request()

    assert (bye.method, again.method, bye.uri.host) == ("BYE", "BYE", PROVIDER)
    assert (bye.call_id, bye.sender.tag, bye.receiver.tag) == ("c1", answer.receiver.tag, answer.sender.tag)


async def test_the_next_exchange_lets_go_of_whoever_rings_or_waits(tmp_path: Path) -> None:
    async with by_hand(tmp_path) as (made, provider, worker):
        provider.send(provider.text("INVITE", f"sip:{DID}@127.0.0.1", call_id="waits"))
        await worker.request()
        worker.send(worker.text("INVITE", made.front.trunk_uri("main", "+79161234567"), call_id="rings"))
        rings = await heard(provider)
    async with killed(made, provider, tmp_path) as provider:
        said = [await heard(provider) for _ in range(2)]

    assert [(one.call_id, getattr(one, "method", getattr(one, "code", 0))) for one in said] == [
        ("waits", 500),
        ("rings", "CANCEL"),
    ]
    assert said[1].vias[0] == rings.vias[0]


@pytest.mark.parametrize("by", ["far", "worker", "refused"])
async def test_a_call_that_was_over_is_not_ended_again(tmp_path: Path, by: str) -> None:
    async with by_hand(tmp_path) as (made, provider, worker):
        if by == "refused":
            provider.send(provider.text("INVITE", f"sip:{DID}@127.0.0.1"))
            answers(worker, await worker.request(), 486)
            await heard(provider)
        else:
            routes = (await answered(provider, worker)).every("Record-Route")
            here, there = (provider, worker) if by == "far" else (worker, provider)
            headers = [f"Route: {route}" for route in (routes[::-1] if by == "far" else routes)]
            to = f"<sip:{DID}@127.0.0.1>;tag=far"
            here.send(here.text("BYE", f"sip:x@{PROVIDER}:{provider.place[1]}", to=to, cseq=2, headers=headers))
            passed = await heard(there)
            assert getattr(passed, "method", "") == "BYE"
        assert len(made.front.farewells) == 0
    async with open_front_alone(config=config(tmp_path)) as made:
        assert made.front.farewells.left == []


async def test_a_phone_that_repeats_anothers_call_id_touches_nothing_of_that_call(tmp_path: Path) -> None:
    async with by_hand(tmp_path) as (made, provider, worker):
        await answered(provider, worker)
        with udp_host(made.front.outside) as phone:
            contact = ["Contact: <sip:x@127.0.0.1>"]
            proving = asyncio.create_task(phone.proves("INVITE", "sip:500@h", call_id="c1", headers=contact))
            answers(worker, await worker.request(), 200)
            routes = [f"Route: {route}" for route in (await proving).every("Record-Route")[::-1]]
            phone.send(phone.text("BYE", "sip:x@h", to="<sip:500@h>;tag=far", call_id="c1", cseq=9, headers=routes))
            assert (await worker.request()).method == "BYE"
        left = len(made.front.farewells)
        made.front.dismiss_worker(worker.place[1])
        bye = await heard(provider)

    assert len({invite.mark for invite in made.invites}) == 2
    assert (left, getattr(bye, "method", "")) == (1, "BYE")


# registrations


async def test_a_phone_is_still_registered_at_the_next_exchange(tmp_path: Path) -> None:
    async with open_front_alone(config=config(tmp_path)) as made:
        with udp_host(made.front.outside) as phone:
            await phone.registers()
            before = made.front.contacts("101")
    async with open_front_alone(config=config(tmp_path)) as made:
        after = made.front.contacts("101")
        made.front.configure(phones=[account("102")], trunks=[])
        gone = made.front.contacts("101")

    assert [(one.uri, one.source) for one in after] == [(one.uri, one.source) for one in before] != []
    assert abs((after[0].expires_at - before[0].expires_at).total_seconds()) < 0.5
    assert gone == ()
    assert (tmp_path / "registrations.jsonl").stat().st_mode & 0o777 == 0o600


async def test_a_registration_does_not_outlive_its_password(tmp_path: Path) -> None:
    async with open_front_alone(config=config(tmp_path)) as made:
        with udp_host(made.front.outside) as phone:
            await phone.registers()
    async with open_front_alone(phones=(), config=config(tmp_path)) as made:
        other = replace(account("101"), ha1=hash_password("101", REALM, "another"))
        made.front.configure(phones=[other], trunks=[])
        assert made.front.contacts("101") == ()


async def test_registrations_of_nonsense_are_passed_over(tmp_path: Path) -> None:
    async with open_front_alone(config=config(tmp_path)) as made:
        with udp_host(made.front.outside) as phone:
            await phone.registers()
    good = (tmp_path / "registrations.jsonl").read_bytes()
    (tmp_path / "registrations.jsonl").write_bytes(b'\xff\n[]\n{"endpoint": "101"}\n' + good + good[: len(good) // 2])
    async with open_front_alone(config=config(tmp_path)) as made:
        assert len(made.front.contacts("101")) == 1
