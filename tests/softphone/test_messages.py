"""What a page may say to a PBX: its own account's SIP, read in one way only; and what it is told of the PBX's place."""

import pytest

from gateway.softphones.addresses import Addresses
from gateway.softphones.messages import (
    Message,
    Unfit,
    answer,
    check_from_page,
    dialled,
    read_message,
    registers_for,
)

ACCOUNT = "101-web"
CONTACT = '<sip:101-web@abc.invalid;transport=ws>;+sip.ice;reg-id=1;+sip.instance="<urn:uuid:1-2>";expires=60'


def request(method: str = "REGISTER", uri: str = "sip:pbx.invalid", body: str = "", **headers: str | None) -> str:
    """A request as JsSIP sends it; a header of None is left out, names have underscores for dashes."""
    told: dict[str, str | None] = {
        "Via": "SIP/2.0/WS abc.invalid;branch=z9hG4bK1",
        "To": "<sip:101-web@pbx.invalid>" if method == "REGISTER" else "<sip:102@pbx.invalid>",
        "From": '"Anna" <sip:101-web@pbx.invalid>;tag=1',
        "Call-ID": "one",
        "CSeq": f"1 {method}",
        "Contact": CONTACT if method == "REGISTER" else "<sip:101-web@abc.invalid;transport=ws;ob>",
        "Content-Length": str(len(body.encode())),
    }
    told |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{method} {uri} SIP/2.0", *(f"{name}: {value}" for name, value in told.items() if value is not None)]
    return "\r\n".join(lines) + "\r\n\r\n" + body


def passes(text: str) -> Message:
    """Read and check a message of Anna's page."""
    message = read_message(text)
    assert message is not None
    check_from_page(message, ACCOUNT)
    return message


def refused(text: str) -> int:
    """The status with which a message of Anna's page is refused."""
    with pytest.raises(Unfit) as fault:
        passes(text)
    return fault.value.status


def test_its_own_registration_calls_and_answers_pass() -> None:
    passes(request())
    passes(request(Authorization='Digest username="101-web", realm="trunkline", uri="sip:pbx.invalid"'))
    passes(request(Contact="*", Expires="0"))
    passes(request("INVITE", "sip:102@pbx.invalid"))
    passes(request("BYE", "sip:asterisk@pbx0.invalid;transport=ws", To="<sip:102@pbx1.invalid>;tag=9"))
    passes(request("ACK", "sip:102@pbx.invalid"))
    passes(request("SIP").replace("SIP sip:pbx.invalid SIP/2.0", "SIP/2.0 200 OK").replace("1 SIP", "1 INVITE"))


@pytest.mark.parametrize(
    "text",
    [
        request(From="<sip:102-web@pbx.invalid>;tag=1"),
        request(To="<sip:102-web@pbx.invalid>"),
        request(Authorization='Digest username="102-web", realm="trunkline"'),
        request(Authorization='Digest username="101-web", username="102-web"'),
        request("INVITE", "sip:5000@pbx.invalid", From="<sip:102-web@pbx.invalid>;tag=1"),
        request("INVITE", "sip:5000@pbx.invalid", From="sip:102-web@pbx.invalid;tag=1"),
        request("INVITE", "sip:5000@pbx.invalid", f="<sip:102-web@pbx.invalid>;tag=1", From=None),
        request("INVITE", "sip:5000@pbx.invalid", From="<sip:101%2Dweb@pbx.invalid>;tag=1"),
        request("INVITE", "sip:5000@pbx.invalid", From='"<sip:101-web@pbx.invalid>" <sip:102-web@x>;tag=1'),
    ],
)
def test_another_account_is_refused_wherever_it_is_named(text: str) -> None:
    assert refused(text) == 403


@pytest.mark.parametrize(
    "name",
    ["P_Asserted_Identity", "Remote_Party_ID", "Route", "Replaces", "Refer_To", "Diversion", "Path", "Privacy"],
)
def test_headers_that_a_pbx_could_believe_are_refused(name: str) -> None:
    assert refused(request("INVITE", "sip:5000@pbx.invalid", **{name: "<sip:102@elsewhere>"})) == 403


@pytest.mark.parametrize("method", ["REFER", "SUBSCRIBE", "MESSAGE", "PUBLISH", "NOTIFY"])
def test_what_is_no_call_is_refused(method: str) -> None:
    assert refused(request(method, "sip:102@pbx.invalid")) == 405


def test_a_page_is_reached_over_its_own_connection_alone() -> None:
    assert refused(request(Contact="<sip:101-web@10.0.0.7:5060>")) == 403
    assert refused(request(Contact="<sip:101-web@abc.invalid>, <sip:victim@10.0.0.7>")) == 403
    assert refused(request("INVITE", "sip:5000@pbx.invalid", m="<sip:x@10.0.0.7>")) == 403
    assert refused(request("INVITE", "sip:5000@pbx.invalid", Contact="*")) == 403


def test_nothing_begins_with_the_middle_of_a_dialog() -> None:
    assert refused(request("BYE", "sip:102@pbx.invalid")) == 481
    assert refused(request("INFO", "sip:102@pbx.invalid")) == 481


@pytest.mark.parametrize(
    "text",
    [
        "nothing\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        request().replace("\r\n", "\n"),
        request().replace("Call-ID: one\r\n", ""),
        request().replace("Call-ID: one\r\n", "Call-ID: one\r\nCall-ID: two\r\n"),
        request().replace("From:", "f: <sip:102-web@x>;tag=2\r\nFrom:"),
        request().replace("Call-ID: one", "Call-ID: one\r\n two"),
        request().replace("Call-ID: one", "Call-ID: on\x00e"),
        request().replace("Call-ID: one", "Call-ID: one\rFrom: <sip:102-web@x>"),
        request(CSeq="1 INVITE"),
        request(Content_Length="3"),
        request() + "REGISTER sip:pbx.invalid SIP/2.0\r\n\r\n",
        request(Subject="x" * 5000),
        request() + "x" * 40_000,
        request(**{f"X{number}": "1" for number in range(100)}),
    ],
)
def test_what_two_readers_could_read_differently_is_refused(text: str) -> None:
    with pytest.raises(Unfit):
        read_message(text)


def test_a_keepalive_says_nothing() -> None:
    assert read_message("\r\n\r\n") is None


def test_a_number_is_dialled_and_nothing_else() -> None:
    def number(uri: str) -> str | None:
        return dialled(passes(request("INVITE", uri)))

    assert number("sip:%2B79161234567@pbx.invalid") == "+79161234567"
    assert number("sip:*43%23@pbx.invalid") == "*43#"
    assert dialled(passes(request())) is None
    again = request("INVITE", "sip:102@pbx.invalid", To="<sip:102@pbx.invalid>;tag=7")
    assert dialled(passes(again)) is None
    for uri in ("sip:anna@pbx.invalid", "sip:1${SHELL(x)}@pbx.invalid", "sip:1%0d2@pbx.invalid", "sip:pbx.invalid"):
        with pytest.raises(Unfit):
            number(uri)


def test_an_answer_in_the_pbxs_place_fits_the_request() -> None:
    message = read_message(request("INVITE", "sip:102@pbx.invalid"))
    assert message is not None
    told = read_message(answer(message, 403, "Another Account") or "")
    assert told is not None
    assert (told.status, told.method, told.dialog) == (403, "INVITE", "one")
    assert told.first("via") == message.first("via")
    assert "tag=" in told.first("to")
    ack = read_message(request("ACK", "sip:102@pbx.invalid"))
    assert ack is not None
    assert answer(ack, 403, "no") is None


def test_how_long_a_registration_holds() -> None:
    def told(contact: str, status: int = 200) -> int | None:
        text = request(Contact=contact).replace("REGISTER sip:pbx.invalid SIP/2.0", f"SIP/2.0 {status} OK")
        message = read_message(text)
        assert message is not None
        return registers_for(message)

    assert told("<sip:101-web@abc.invalid>;expires=59") == 59
    assert told("<sip:101-web@abc.invalid>") == 0
    assert told("<sip:101-web@abc.invalid>;expires=59", 401) is None


def test_where_the_pbx_is_stays_hidden_and_comes_back_as_it_was() -> None:
    addresses = Addresses()
    ringing = request(
        "INVITE",
        "sip:101-web@10.0.0.9:45892;transport=WS",
        Via="SIP/2.0/WS 10.0.0.5:8088;rport;branch=z9hG4bK7",
        From="<sip:79161234567@10.0.0.5>;tag=3",
        To="<sip:101-web@10.0.0.9>",
        Contact="<sip:asterisk@10.0.0.5:8088;transport=ws>",
        Server="Asterisk PBX",
    )
    message = read_message(ringing)
    assert message is not None
    shown = addresses.hide(message).text()
    assert "10.0.0" not in shown
    assert "Asterisk PBX" not in shown

    seen = read_message(shown)
    assert seen is not None
    via = seen.first("via")
    reply = read_message(request("INVITE", Via=via).replace("INVITE sip:pbx.invalid SIP/2.0", "SIP/2.0 180 Ringing"))
    assert reply is not None
    assert addresses.restore(reply).first("via") == "SIP/2.0/WS 10.0.0.5:8088;rport;branch=z9hG4bK7"

    contact = seen.first("contact").strip("<>")
    goodbye = read_message(request("BYE", contact, To="<sip:1@x.invalid>;tag=3"))
    assert goodbye is not None
    assert addresses.restore(goodbye).start == "BYE sip:asterisk@10.0.0.5:8088;transport=ws SIP/2.0"


def test_where_a_page_seems_to_come_from_is_not_told_either() -> None:
    text = request(Via="SIP/2.0/WS abc.invalid;rport=45892;received=10.0.0.9;branch=z9hG4bK1").replace(
        "REGISTER sip:pbx.invalid SIP/2.0", "SIP/2.0 200 OK"
    )
    message = read_message(text)
    assert message is not None
    assert Addresses().hide(message).first("via") == "SIP/2.0/WS abc.invalid;branch=z9hG4bK1"
