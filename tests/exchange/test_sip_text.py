"""SIP as text: what is read and written back, and what is refused; strangers write it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.sip_address import BadMessage, decoded, plain, read_address, read_uri, read_via, split_list
from exchange.sip_text import MAX_DATAGRAM, Request, Response, make_response, read_message, write_message

INVITE = (
    b"INVITE sip:+74951110000@10.0.0.1:5062;transport=udp SIP/2.0\r\n"
    b"v: SIP/2.0/UDP 10.0.0.9:5070;branch=z9hG4bKa;rport, SIP / 2.0 / UDP far.example:5060;branch=z9hG4bKb\r\n"
    b"Max-Forwards: 68\r\n"
    b'f: "O\\"Neil, Jack" <sip:79161234567@10.0.0.9;user=phone>;tag=88\r\n'
    b"To: <tel:+74951110000>\r\n"
    b"CALL-ID: abc@10.0.0.9\r\n"
    b"CSeq: 314 INVITE\r\n"
    b"m: <sip:a@10.0.0.9>\r\n"
    b"Route: <sip:10.0.0.1;lr>,<sip:10.0.0.2;lr>\r\n"
    b"Subject: folded\r\n  text\r\n"
    b"l: 4\r\n\r\nv=0\n and what is behind it"
)


def request_of(data: bytes) -> Request:
    message = read_message(data)
    assert isinstance(message, Request)
    return message


def test_a_request_is_read_with_short_names_lists_and_folded_lines() -> None:
    request = request_of(INVITE)

    assert (request.method, str(request.uri)) == ("INVITE", "sip:+74951110000@10.0.0.1:5062;transport=udp")
    assert [via.host for via in request.vias] == ["10.0.0.9", "far.example"]
    assert request.sender.display == 'O"Neil, Jack'
    assert (request.sender.tag, request.receiver.uri.user) == ("88", "+74951110000")
    assert (request.call_id, request.cseq, request.max_forwards) == ("abc@10.0.0.9", 314, 68)
    assert request.every("Route") == ["<sip:10.0.0.1;lr>", "<sip:10.0.0.2;lr>"]
    assert (request.first("Subject"), request.body) == ("folded text", b"v=0\n")


def test_what_is_written_is_read_again_as_the_same() -> None:
    request = request_of(INVITE)

    again = request_of(write_message(request))

    assert write_message(again) == write_message(request)
    assert (again.uri, again.vias, again.sender, again.body) == (request.uri, request.vias, request.sender, b"v=0\n")


def test_an_answer_keeps_what_belongs_to_the_request() -> None:
    request = request_of(INVITE)

    answer = read_message(write_message(make_response(request, 486, "Busy Here", tag="t1", headers=(("X-A", "b"),))))

    assert isinstance(answer, Response)
    assert (answer.code, answer.reason, answer.first("X-A")) == (486, "Busy Here", "b")
    assert (answer.vias, answer.call_id, answer.cseq_method) == (request.vias, request.call_id, "INVITE")
    assert (answer.sender.tag, answer.receiver.tag) == ("88", "t1")


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (b"SIP/2.0\r\nv:", b"SIP/3.0\r\nv:", "first line"),
        (b"INVITE sip:+", b"invite sip:+", "first line"),
        (b"CSeq: 314 INVITE", b"CSeq: 314 BYE", "another method"),
        (b"CSeq: 314", b"CSeq: 2147483648", "below 2\\*\\*31"),
        (b"CSeq: 314", b"CSeq: -1", "below 2"),
        (b";tag=88", b"", "no tag"),
        (b"CALL-ID: abc@10.0.0.9\r\n", b"", "no Call-ID"),
        (b"CALL-ID: abc", b"CALL-ID: a bc", "no word"),
        (b"To: <tel:+74951110000>", b"To: <tel:+74951110000>\r\nTo: <sip:x@y>", "stands twice"),
        (b"To: <tel:+74951110000>", b"To: <tel:+74951110000", "closing bracket"),
        (b"To: <tel:+74951110000>", b"To: <http://x>", "no sip or tel"),
        (b"Max-Forwards: 68", b"Max-Forwards: 256", "below 256"),
        (b"Max-Forwards: 68", "Max-Forwards: \u0664".encode(), "below 256"),
        (b"l: 4", b"l: 400", "Content-Length"),
        (b"l: 4", b"l: -4", "Content-Length"),
        (b"Subject: folded", b"Subject: a\rEvil: b", "control characters"),
        (b"Subject: folded", b"Subject: a\nEvil: b", "control characters"),
        (b"Subject: folded", b"Subject: a\x00b", "control characters"),
        (b"Subject: folded", b"no header at all", "no header"),
        (b"Subject: folded", b"Sub ject: x", "no header"),
        (b"10.0.0.9:5070", b"10.0.0.9:99999", "port"),
        (b"branch=z9hG4bKa", b"bra nch=\x22", "parameter|Via"),
        (b"v: SIP/2.0/UDP", b"v: HTTP/1.1/UDP", "Via"),
        (b"\r\n\r\n", b"\r\n", "empty line"),
    ],
)
def test_what_is_wrong_is_refused_and_said(before: bytes, after: bytes, words: str) -> None:
    assert before in INVITE
    with pytest.raises(BadMessage, match=words):
        read_message(INVITE.replace(before, after, 1))


def test_a_message_of_more_than_8_kib_is_refused() -> None:
    padded = INVITE.replace(b"Subject: folded", b"Subject: " + b"x" * (MAX_DATAGRAM - len(INVITE) + 6))
    assert len(padded) == MAX_DATAGRAM
    read_message(padded)
    with pytest.raises(BadMessage, match="longer than 8192"):
        read_message(padded + b"x")


def test_too_many_headers_are_refused() -> None:
    with pytest.raises(BadMessage, match="120 headers"):
        read_message(INVITE.replace(b"Subject: folded", b"\r\n".join([b"X: y"] * 130)))


@settings(max_examples=400)
@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for attempt in (data, INVITE[:90] + data, INVITE.replace(b"folded", data)):
        try:
            message = read_message(attempt)
        except BadMessage:
            continue
        write_message(message)


@settings(max_examples=300)
@given(st.integers(0, len(INVITE) - 1), st.binary(min_size=1, max_size=3), st.integers(0, 3))
def test_a_spoiled_message_is_read_or_refused(position: int, spoil: bytes, cut: int) -> None:
    try:
        message = read_message(INVITE[:position] + spoil + INVITE[position + cut :])
    except BadMessage:
        return
    read_message(write_message(message))


@settings(max_examples=200)
@given(st.text(max_size=60))
def test_no_name_of_a_caller_makes_a_second_line(name: str) -> None:
    assert len((decoded(name) + "x").splitlines()) == 1
    assert len((plain(name) + "x").splitlines()) == 1


def test_commas_within_names_and_brackets_part_nothing() -> None:
    text = '"a, \\", b" <sip:1,2@x;p=1>;q=1, sip:c@d ,<sip:e@f>'
    assert split_list(text) == ['"a, \\", b" <sip:1,2@x;p=1>;q=1', "sip:c@d", "<sip:e@f>"]


def test_parameters_behind_a_bare_address_belong_to_the_header() -> None:
    address = read_address("sip:101@10.0.0.1:5080;tag=9")
    assert (address.tag, address.uri.params, address.uri.address) == ("9", (), ("10.0.0.1", 5080))


def test_where_an_answer_goes_is_said_by_what_was_seen() -> None:
    via = read_via("SIP/2.0/UDP 192.168.1.1:5070;rport;received=6.6.6.6;branch=z9hG4bKx")

    assert via.reply_to == ("6.6.6.6", 5070)
    assert via.seen_from(("10.0.0.7", 1024)).reply_to == ("10.0.0.7", 1024)


@pytest.mark.parametrize(
    "text", ["", "sip:", "sip:a b@c", "sip:a@b:0", "sip:<x>@y", "ftp:x", "sip:a@b;c d", "sip:a@[zz]"]
)
def test_what_is_no_uri_is_refused(text: str) -> None:
    with pytest.raises(BadMessage):
        read_uri(text)
