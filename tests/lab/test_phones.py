"""The scripted phones do what real ones do."""

import asyncio
import os
import signal

import pytest

from lab.errors import LabTimeoutError, PhoneFailed
from lab.phones import open_client_phone, open_manager_phone, open_phone
from lab.server import AsteriskServer


async def test_a_phone_that_refuses_is_busy_for_the_caller(asterisk: AsteriskServer) -> None:
    async with open_manager_phone(asterisk, "101") as anna, open_client_phone(asterisk) as client:
        await anna.script(refuse_with=486)
        call = await client.dial("4950001")
        await call.ended()

        assert call.code == 486


async def test_a_caller_who_gives_up_while_it_rings_cancels(asterisk: AsteriskServer) -> None:
    async with open_manager_phone(asterisk, "101") as anna, open_client_phone(asterisk) as client:
        call = await client.dial("4950001")
        ringing = await anna.next_call()
        await call.ringing()
        await call.hang_up()
        await ringing.ended()

        assert ringing.code == 487


async def test_a_manager_dials_out_and_the_client_sees_our_number(asterisk: AsteriskServer) -> None:
    async with open_manager_phone(asterisk, "102") as boris, open_client_phone(asterisk) as client:
        placed = await boris.dial("79169998877")
        arrived = await client.next_call()
        await arrived.answer()
        await placed.connected()
        await placed.hang_up()
        await arrived.ended()

        assert "74950001" in arrived.peer


async def test_a_wrong_password_is_told(asterisk: AsteriskServer) -> None:
    async with open_phone(user="101", pbx_port=asterisk.ports.sip, secret="wrong") as phone:
        with pytest.raises(PhoneFailed, match="status 40"):
            await phone.register()


async def test_waiting_in_vain_says_what_the_call_is_doing(asterisk: AsteriskServer) -> None:
    async with open_manager_phone(asterisk, "101") as anna, open_client_phone(asterisk) as client:
        call = await client.dial("4950001")
        await anna.next_call()

        with pytest.raises(LabTimeoutError, match=r"not connected in 0\.2 s; it is ringing"):
            await call.connected(0.2)


async def test_a_phone_whose_process_dies_fails_the_next_order(asterisk: AsteriskServer) -> None:
    async with open_client_phone(asterisk) as client:
        os.kill(client.pid, signal.SIGKILL)
        await asyncio.sleep(0.1)

        with pytest.raises(PhoneFailed, match="process ended"):
            await client.dial("4950001")
