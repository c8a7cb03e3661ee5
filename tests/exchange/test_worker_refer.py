"""A phone asks for a transfer: the exchange is told, decides, and the phone learns the decision."""

import asyncio
from pathlib import Path

import pytest

from exchange.wire import Answer, Ended, EndedBy, HangUp, Refer, Refuse
from lab.phone_calls import PhoneCall
from tests.exchange.worker_site import ANNA, CLIENT, address, open_site, phone_of, write_sayings


async def transfer_code(call: PhoneCall, *wanted: int) -> int | None:
    """The last status of a transfer, once it is one of those wanted."""
    async with asyncio.timeout(60):
        while call.transfer_code not in wanted:
            await asyncio.sleep(0.02)
    return call.transfer_code


async def test_a_blind_transfer_is_told_with_its_target_and_nobody_is_dialled_for_it(tmp_path: Path) -> None:
    sayings = write_sayings(tmp_path)
    async with open_site() as site, phone_of(site, "79161234567") as client, phone_of(site, "101") as anna:
        call, with_anna = await site.talk(client, anna, sayings)
        await with_anna.blind_transfer("102")
        refer = await site.heard(Refer, "a")
        site.send(Answer(leg="a"))
        assert await transfer_code(with_anna, 200) == 200
        ended = await site.heard(Ended, "a")  # the phone leaves when its transfer was taken
        assert call.state == "connected"
        await call.hang_up()
        await site.heard(Ended, "c")

    assert (refer.target, refer.replaces) == ("102", None)
    assert ended.by is EndedBy.FAR


async def test_a_refused_transfer_leaves_the_call_as_it_was(tmp_path: Path) -> None:
    sayings = write_sayings(tmp_path)
    async with open_site() as site, phone_of(site, "79161234567") as client, phone_of(site, "101") as anna:
        call, with_anna = await site.talk(client, anna, sayings)
        await with_anna.blind_transfer("+19001234567")
        assert (await site.heard(Refer, "a")).target == "+19001234567"
        site.send(Refuse(leg="a", code=403, reason="Not permitted"))
        assert await transfer_code(with_anna, 403, 500) == 403
        assert (call.state, with_anna.state) == ("connected", "connected")
        await with_anna.blind_transfer("102")
        await site.heard(Refer, "a", times=2)
        site.send(HangUp(leg="a"))
        await with_anna.ended()
        assert call.state == "connected"
        assert not site.all_of(Ended, "c")


@pytest.mark.parametrize("known", [True, False])
async def test_an_attended_transfer_names_the_leg_of_the_consultation(known: bool, tmp_path: Path) -> None:
    """Anna asks Boris in a second call, at this worker or (unknown here) at another one, and joins the two."""
    sayings = write_sayings(tmp_path)
    async with (
        open_site() as site,
        open_site() as other,
        phone_of(site, "79161234567") as client,
        phone_of(site, "101") as anna,
    ):
        _, with_anna = await site.talk(client, anna, sayings)
        if known:
            consultation = await site.calls_in(anna, "k")
        else:
            await other.dials(address(anna), "k")
            consultation = await anna.next_call()
            await consultation.connected()
        await with_anna.attended_transfer(consultation)
        refer = await site.heard(Refer, "a")
        site.send(Answer(leg="a"))
        assert await transfer_code(with_anna, 200) == 200

    assert refer.replaces == ("k" if known else "")


async def test_a_transfer_is_told_even_when_no_place_is_left(tmp_path: Path) -> None:
    sayings = write_sayings(tmp_path)
    async with open_site() as site, phone_of(site, "79161234567") as client, phone_of(site, "101") as anna:
        _, with_anna = await site.talk(client, anna, sayings)
        await site.calls_in(client, "x")
        await site.calls_in(client, "y")
        await with_anna.blind_transfer("102")
        assert (await site.heard(Refer, "a")).target == "102"
        site.send(HangUp(leg="a"))
        await with_anna.ended()
        await site.reaches(anna, "b")


async def test_a_phone_that_called_in_can_transfer_too_and_later_calls_go_their_own_way(tmp_path: Path) -> None:
    """Arrived legs share an account of the library; leading its transfer aside must not lead anything else aside."""
    sayings = write_sayings(tmp_path)
    async with open_site() as site, phone_of(site, "79161234567") as client, phone_of(site, "101") as anna:
        await client.script(answer_after=0.0, play=sayings[CLIENT])
        calling = await site.calls_in(anna, "a", sayings[ANNA])
        with_client = await site.reaches(client, "c")
        other = await site.calls_in(anna, "x")
        for number in (1, 2):
            await calling.blind_transfer("102")
            await site.heard(Refer, "a", times=number)
            site.send(Refuse(leg="a", code=404))
            assert await transfer_code(calling, 404) == 404
            calling.transfer_code = None
        await calling.blind_transfer("103")
        await site.heard(Refer, "a", times=3)
        site.send(Answer(leg="a"))
        await site.heard(Ended, "a")
        site.send(HangUp(leg="x"))
        await other.ended()
        await site.calls_in(anna, "y")
        await site.reaches(client, "d")
        assert with_client.state == "connected"
