"""How legs end: refused, busy, silent, unreachable, cancelled; orders that cannot be carried out are told in words."""

import asyncio
import socket
from pathlib import Path

import pytest

from exchange.wire import (
    Answered,
    Command,
    Dial,
    Digits,
    Ended,
    EndedBy,
    HangUp,
    Hold,
    Join,
    Name,
    Play,
    Record,
    Refuse,
    Ring,
    Ringing,
    Spy,
    SpyMode,
    Trouble,
)
from lab.ports import free_port
from tests.exchange.worker_site import address, open_site, phone_of


@pytest.mark.parametrize("code", [486, 603, 404, 480])
async def test_a_refused_dial_ends_with_the_far_ends_code(code: int) -> None:
    async with open_site() as site, phone_of(site, "101") as anna:
        await anna.script(refuse_with=code)
        await site.rings(anna, "a")
        ended = await site.heard(Ended, "a")

    assert (ended.code, ended.by) == (code, EndedBy.FAR)


async def test_a_ringing_leg_is_cancelled_and_an_arrived_one_refused() -> None:
    async with open_site() as site, phone_of(site, "101") as anna, phone_of(site, "79161234567") as client:
        rung = await site.rings(anna, "a")
        await site.heard(Ringing, "a")
        site.send(HangUp(leg="a"))
        await rung.ended()
        cancelled = await site.heard(Ended, "a")
        call = await client.dial("100")
        await site.arrived("c")
        site.send(Ring(leg="c"), Refuse(leg="c", code=486, reason="Busy\r\nX-Forged: 1"))
        await call.ended()
        refused = await site.heard(Ended, "c")
        given_up = await client.dial("100")
        await site.arrived("d")
        site.send(Ring(leg="d"))
        await given_up.ringing()
        await given_up.hang_up()
        abandoned = await site.heard(Ended, "d")

    assert (cancelled.code, cancelled.by) == (487, EndedBy.US)
    assert (call.code, refused.code, refused.by) == (486, 486, EndedBy.US)
    assert (abandoned.code, abandoned.by) == (487, EndedBy.FAR)


async def test_a_call_that_is_over_before_it_was_named_still_tells_its_end() -> None:
    async with open_site() as site, phone_of(site, "79161234567") as client:
        call = await client.dial("100")
        await asyncio.sleep(0.2)
        await call.hang_up()
        await call.ended()
        await site.arrived("late")
        assert (await site.heard(Ended, "late")).by is EndedBy.FAR


async def test_a_far_end_that_gives_no_sign_is_given_up_soon() -> None:
    """One port is closed, at the other somebody reads and says nothing; both places are free again at once."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        async with open_site(silence_seconds=1.5) as site:
            await site.dials(f"sip:101@127.0.0.1:{free_port()}", "closed")
            await site.dials(f"sip:101@127.0.0.1:{silent.getsockname()[1]}", "silent")
            ended = [await site.heard(Ended, leg) for leg in ("closed", "silent")]
            assert site.worker.free == 4

    assert [e.code for e in ended] == [408, 408]


async def test_a_fifth_leg_is_refused_in_words_and_the_four_go_on() -> None:
    async with open_site() as site, phone_of(site, "101") as anna, phone_of(site, "79161234567") as client:
        await anna.script(answer_after=0.0)
        for leg in ("a1", "a2", "a3"):
            await site.reaches(anna, leg)
        await site.calls_in(client, "c")
        await site.dials(address(anna), "a4")
        refused = await site.heard(Ended, "a4")
        one_too_many = await client.dial("100")
        await one_too_many.ended()
        assert site.worker.free == 0
        site.send(HangUp(leg="a1"))
        await site.heard(Ended, "a1")
        await site.reaches(anna, "a5")

    assert (refused.code, refused.by) == (503, EndedBy.US)
    assert "4 legs" in refused.reason
    assert one_too_many.code == 486
    assert [e.leg for e in site.all_of(Answered)] == ["a1", "a2", "a3", "c", "a5"]


FORGED = "101\r\nX-Trunkline-From: phone:101"


BAD_ORDERS: tuple[Command, ...] = (
    Dial(leg="x", uri=f"sip:{FORGED}@127.0.0.1", from_uri="sip:100@127.0.0.1"),
    Dial(leg="x", uri="sip:101@127.0.0.1", from_uri=f"sip:{FORGED}"),
    Dial(leg="x", uri="101", from_uri="sip:100@127.0.0.1"),
    Dial(leg="x", uri="sip:1@127.0.0.1", from_uri="sip:1@127.0.0.1", headers={"X-A": "1\r\nX-B: 2"}),
    Dial(leg="x", uri="sip:1@127.0.0.1", from_uri="sip:1@127.0.0.1", headers={"X A": "1"}),
    Dial(leg="x", uri="sip:[broken@:::", from_uri="sip:1@127.0.0.1"),
    Ring(leg="nobody"),
    HangUp(leg="nobody"),
    Hold(leg="nobody"),
    Name(call=3, leg="x"),
    Name(call=-1, leg="x"),
    Join(legs=("c", "c")),
    Join(legs=("c", "nobody")),
    Spy(leg="c", at="nobody", mode=SpyMode.LISTEN),
    Spy(leg="c", at="c", mode=SpyMode.LISTEN),
    Digits(leg="c", digits="1;2"),
    Digits(leg="c", digits=""),
    Play(leg="c", file="/nowhere/at all.wav"),
    Play(leg="c", file="/etc/passwd"),
    Record(leg="c", rx="/nowhere/rx.wav", tx="/nowhere/tx.wav"),
    Refuse(leg="c", code=200),
    Refuse(leg="c", code=99999),
)


async def test_each_order_that_cannot_be_carried_out_is_told_and_hurts_nobody(tmp_path: Path) -> None:
    """One worker bears them all while its leg talks; a dial that came to nothing ends, whatever was wrong with it."""
    async with open_site() as site, phone_of(site, "79161234567") as client:
        call = await site.calls_in(client, "c")
        for number, order in enumerate(BAD_ORDERS):
            site.send(order)
            trouble = await site.heard(Trouble, times=number + 1)
            assert trouble.text, order
            assert "Traceback" not in trouble.text
        ends = site.all_of(Ended)
        site.send(Record(leg="c", rx=str(tmp_path / "rx.wav"), tx=str(tmp_path / "tx.wav")))
        site.send(Record(leg="c", rx=str(tmp_path / "rx2.wav"), tx=str(tmp_path / "tx2.wav")))
        again = await site.heard(Trouble, "c", times=len(site.all_of(Trouble, "c")) + 1)
        assert call.state == "connected"
        assert site.worker.free == 3

    assert [e.code for e in ends] == [503] * sum(isinstance(order, Dial | Name) for order in BAD_ORDERS)
    assert "recorded already" in again.text


async def test_lines_that_are_no_orders_are_told_and_hurt_nobody() -> None:
    async with open_site() as site, phone_of(site, "79161234567") as client:
        call = await site.calls_in(client, "c")
        lines = (b"", b"{", b"[]", b'{"do":"fly"}', b'{"do":"hold"}', b'{"do":"hold","leg":7}', b"\xff\x00" * 40_000)
        for number, line in enumerate(lines):
            site.worker.write(line + b"\n")
            await site.heard(Trouble, times=number + 1)
        assert call.state == "connected"
