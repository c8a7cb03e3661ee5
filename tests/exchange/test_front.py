"""The front among UDP hosts: whom it hears, and what its registrar grants."""

import asyncio
from ipaddress import IPv4Network

from exchange.parties import Trunk
from lab.ports import free_port
from tests.exchange.front_site import (
    HERE,
    MAIN,
    PROVIDER,
    STRANGER,
    a_phone,
    account,
    invite,
    open_front_alone,
    udp_host,
)


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
            async with asyncio.timeout(60):
                while not made.front.figures.too_fast:  # on a busy machine one round may be slow enough to be taken
                    for number in range(900):
                        phone.send(phone.text("OPTIONS", "sip:front", call_id=f"o{number}"))
                        if number % 50 == 0:
                            await asyncio.sleep(0)
                    await asyncio.sleep(0.3)
            while not await phone.hears_nothing(0.1):
                pass
            phone.send(phone.text("OPTIONS", "sip:front", call_id="last"))
            assert (await phone.answer()).code == 200


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
