"""Phones without persons: two of them call each other directly, with real SIP and real sound."""

import asyncio
import time
from pathlib import Path

import pytest

from exchange.phones import LOOPBACK, NoPhones, PhoneFailed, open_phone
from lab.ports import free_port


async def test_a_call_is_heard_ringing_answered_and_ended_by_both(tmp_path: Path) -> None:
    nowhere = (LOOPBACK, free_port())
    async with (
        open_phone(user="101", server=nowhere) as manager,
        open_phone(user="p", server=manager.address) as client,
    ):
        call = await client.dial("101", caller="+79161234567", name='O"Neil')
        arrived = await asyncio.wait_for(manager.arrived.get(), 60)
        assert await call.until("ringing", 5)
        await arrived.answer()
        assert await call.until("answered", 5)
        await arrived.hang_up()
        assert await call.until("ended", 5)

    assert (arrived.caller, arrived.dialled) == ("+79161234567", "101")
    assert [event.kind for event in call.seen] == ["ringing", "answered", "ended"]
    moments = [event.at for event in call.seen]
    assert moments == sorted(moments)
    assert abs(time.time() - moments[-1]) < 10


@pytest.mark.parametrize("code", [486, 603])
async def test_a_refusal_is_told_with_its_code(code: int) -> None:
    nowhere = (LOOPBACK, free_port())
    async with (
        open_phone(user="101", server=nowhere) as manager,
        open_phone(user="p", server=manager.address) as client,
    ):
        call = await client.dial("101")
        await (await asyncio.wait_for(manager.arrived.get(), 60)).refuse(code)

        assert not await call.until("answered", 5)
        assert (call.is_over, call.code) == (True, code)


@pytest.mark.parametrize(("secret", "code"), [("of-the-phone", 486), (None, 503)])
async def test_three_calls_at_once_are_taken_and_the_fourth_is_refused(secret: str | None, code: int) -> None:
    """A manager's phone is busy then; a provider's switch has no place, and the next one is tried."""
    nowhere = (LOOPBACK, free_port())
    async with (
        open_phone(user="101", server=nowhere, secret=secret) as called,
        open_phone(user="p", server=called.address) as client,
    ):
        calls = [await client.dial("101", caller=f"7916000000{n}") for n in range(4)]
        arrived = [await asyncio.wait_for(called.arrived.get(), 60) for _ in range(3)]
        for call in calls:
            await call.until("ended", 1.0)

        assert len(arrived) == 3
        assert [call.code for call in calls if call.is_over] == [code]
        assert called.arrived.empty()


async def test_a_phone_whose_process_ends_says_so_and_its_calls_are_over() -> None:
    nowhere = (LOOPBACK, free_port())
    async with (
        open_phone(user="101", server=nowhere) as manager,
        open_phone(user="p", server=manager.address) as client,
    ):
        call = await client.dial("101")
        assert await call.until("ringing", 5)
        client.kill()

        assert not await call.until("answered", 5)
        assert call.is_over
        with pytest.raises(PhoneFailed, match="its process ended"):
            await client.dial("101")


async def test_a_registrar_that_is_not_there_is_told_in_words() -> None:
    async with open_phone(user="101", server=(LOOPBACK, free_port()), secret="secret") as phone:
        with pytest.raises(PhoneFailed, match=r"phone 101: (nobody answered its registration|.* answered with \d+)"):
            await phone.register()


async def test_a_port_that_is_taken_is_told_in_words() -> None:
    nowhere = (LOOPBACK, free_port())
    async with open_phone(user="101", server=nowhere) as first:
        with pytest.raises(PhoneFailed, match="phone 102 does not start"):
            async with open_phone(user="102", server=nowhere, port=first.address[1]):
                pass


def test_where_the_library_cannot_be_had_the_cure_is_named() -> None:
    assert "use Asterisk on this machine" in str(NoPhones())
