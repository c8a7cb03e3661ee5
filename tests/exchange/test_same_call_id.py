"""Two phones whose calls bear one Call-ID, at a whole exchange: each has its own call."""

import asyncio
from pathlib import Path

import pytest

from gateway.domain.legs import LegEventKind
from tests.contract.exchange_site import SECRET, BehindExchange, open_exchange_site
from tests.exchange.front_site import UdpHost, udp_host

pytestmark = pytest.mark.asyncio


async def rings(host: UdpHost, user: str, dialled: str) -> list[int]:
    """The answers that somebody gets who dials, up to the ringing."""
    contact = [f"Contact: <sip:{user}@{host.place[0]}:{host.place[1]}>"]
    told = {"user": user, "secret": SECRET, "call_id": "twin", "headers": contact}
    codes = [(await host.proves("INVITE", f"sip:{dialled}@h", **told)).code]
    while codes[-1] < 180:
        codes.append((await host.answer(5)).code)
    return codes


async def test_each_of_two_calls_with_one_call_id_is_its_own(tmp_path: Path) -> None:
    async with open_exchange_site(tmp_path) as site:
        behind = site.behind
        assert isinstance(behind, BehindExchange)
        door = ("127.0.0.1", behind.options.port)
        behind.begin()
        with udp_host(door) as one, udp_host(door) as other:
            codes = await asyncio.gather(rings(one, "101", "100"), rings(other, "102", "100"))
            rung = [(await site.chief.next_call()).peer for _ in range(2)]
        started = [event.number for event in behind.events() if event.kind is LegEventKind.STARTED]

    assert [code[-1] for code in codes] == [180, 180]
    assert sorted("101" in peer for peer in rung) == [False, True]
    assert sorted(started) == ["", "", "101", "102"]
