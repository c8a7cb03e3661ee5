"""What strangers write into an INVITE comes out harmless; what may not be sent is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.worker_text import (
    MOST_HEADERS,
    TEXT_LETTERS,
    BadOrder,
    call_id_of_replaces,
    checked_digits,
    checked_headers,
    checked_uri,
    identity,
    read_invite,
    split_address,
    user_of,
)

INVITE = (
    "INVITE sip:100@127.0.0.1:5070 SIP/2.0\r\n"
    'From: "O\\"Neil, \\\\ Ann" <sip:+79161234567@10.0.0.9;user=phone>;tag=1\r\n'
    "t: <sip:100@127.0.0.1>\r\n"
    "Call-ID: abc\r\n"
    "X-Trunkline-From: trunk:main\r\n"
    "X-Trunkline-From: phone:101\r\n"
    "P-Asserted-Identity: <tel:+79161234567>\r\n"
    "Authorization: Digest secret\r\n"
    "\r\n"
    "X-Trunkline-From: body\r\n"
)


def test_the_parts_that_matter_are_read_and_secrets_are_not() -> None:
    invite = read_invite(INVITE)
    assert (invite.display, invite.from_uri) == ('O"Neil, \\ Ann', "sip:+79161234567@10.0.0.9;user=phone")
    assert (invite.to, invite.uri) == ("sip:100@127.0.0.1", "sip:100@127.0.0.1:5070")
    assert invite.headers == {
        "call-id": "abc",
        "x-trunkline-from": "trunk:main",
        "p-asserted-identity": "<tel:+79161234567>",
    }


@given(st.text())
def test_no_message_whatever_breaks_the_reader(text: str) -> None:
    invite = read_invite(text)
    told = (invite.from_uri, invite.display, invite.to, invite.uri, *invite.headers, *invite.headers.values())
    assert all((len(part) <= TEXT_LETTERS and part.isprintable()) or max(part) >= "\x80" for part in told)
    assert len(invite.headers) <= MOST_HEADERS


def test_half_letters_and_long_texts_become_short_plain_ones() -> None:
    invite = read_invite(f"INVITE sip:1@a SIP/2.0\r\nX-Trunkline-From: \udcff{'x' * 5000}\x00\x1b\r\n")
    assert len(invite.headers["x-trunkline-from"]) <= TEXT_LETTERS
    invite.headers["x-trunkline-from"].encode()


@pytest.mark.parametrize(
    ("text", "name", "uri"),
    [
        ("<sip:1@a>;tag=2", "", "sip:1@a"),
        ("sip:1@a;tag=2", "", "sip:1@a"),
        ("Ann <sip:1@a>", "Ann", "sip:1@a"),
        ('"a <sip:2@b>" <sip:1@a>', "a <sip:2@b>", "sip:1@a"),
        ("", "", ""),
    ],
)
def test_addresses_are_split(text: str, name: str, uri: str) -> None:
    assert split_address(text) == (name, uri)


@pytest.mark.parametrize(
    ("uri", "user"),
    [
        ("sip:102@10.0.0.1:5060", "102"),
        ("sip:102;phone-context=x@a", "102"),
        ("sip:102:secret@a", "102"),
        ("tel:+7916;ext=1", "+7916"),
        ("sip:host", ""),
        ("nonsense", ""),
    ],
)
def test_the_user_of_an_address_is_found(uri: str, user: str) -> None:
    assert user_of(uri) == user


def test_the_dialog_that_a_transfer_replaces_is_found() -> None:
    assert call_id_of_replaces("sip:102@a?Replaces=ab%40c%3Bto-tag%3D1%3Bfrom-tag%3D2") == "ab@c"
    assert call_id_of_replaces("sip:102@a?x=1&replaces=abc") == "abc"
    assert call_id_of_replaces("sip:102@a") is None


@pytest.mark.parametrize(
    "uri",
    ["", "101", "sip:1@a\r\nX: 1", "sip:1@a b", 'sip:"1@a', "sip:<1@a>", "http://a", "sip:" + "1" * 400, "sip:é@a"],
)
def test_an_address_that_is_none_is_not_dialled(uri: str) -> None:
    with pytest.raises(BadOrder):
        checked_uri(uri)


def test_a_name_is_quoted_and_cannot_leave_its_quotes() -> None:
    assert identity('a"\\\r\n<sip:x@y>', "sip:1@a") == '"a\\"\\\\<sip:x@y>" <sip:1@a>'
    assert identity("", "sip:1@a") == "<sip:1@a>"


def test_headers_and_digits_that_may_not_be_sent_are_refused() -> None:
    for headers in ({"X": "a\r\nb"}, {"": "a"}, {"X:": "a"}, {"X": "a\x00"}, {"X": "a" * 600}):
        with pytest.raises(BadOrder):
            checked_headers(headers)
    for digits in ("", "1,2", "1" * 33, "e"):
        with pytest.raises(BadOrder):
            checked_digits(digits)
