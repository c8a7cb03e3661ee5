"""Where the front listens, and what it says of accounts and addresses that cannot be."""

import socket
from ipaddress import IPv4Network

import pytest

from exchange.directory import WrongAccounts
from exchange.front import AddressMissing, FrontConfig, PortTaken, open_front
from exchange.guard import PublicAddress
from exchange.parties import PhoneAccount, Trunk
from tests.exchange.front_site import (
    a_phone,
    account,
    open_front_alone,
    password,
)


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
