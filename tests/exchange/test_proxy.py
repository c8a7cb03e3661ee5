"""The proxy by itself: what a call over a router's address carries, and whose routes it takes for its own."""

from exchange.dialogs import Dialog
from exchange.proxy import Proxy, Side, Way
from exchange.sip_text import Request, read_message

OUTSIDE, INSIDE, ROUTER = ("10.0.0.5", 5060), ("127.0.0.1", 5070), ("203.0.114.9", 6060)


def request(method: str, *headers: str, to: str = "<sip:500@x>") -> Request:
    lines = [
        f"{method} sip:500@x SIP/2.0",
        "Via: SIP/2.0/UDP 198.51.100.1:5060;branch=z9hG4bKa;received=198.51.100.1;rport=5060",
        "From: <sip:7916@x>;tag=f",
        f"To: {to}",
        "Call-ID: c1",
        f"CSeq: 1 {method}",
        *headers,
    ]
    message = read_message("\r\n".join([*lines, "\r\n"]).encode())
    assert isinstance(message, Request)
    return message


def test_a_provider_that_sees_us_behind_a_router_gets_the_routers_address_and_a_phone_ours() -> None:
    proxy = Proxy(outside=OUTSIDE, inside=INSIDE, key=b"k", seen={"main": ROUTER})
    dialogs = [
        Dialog(trunk="main", worker=6000, far=("198.51.100.1", 5060)),
        Dialog(phone="101", worker=6000, far=OUTSIDE),
    ]
    routes = []
    for dialog in dialogs:
        sent = proxy.pass_new(request("INVITE"), Way(to=("127.0.0.1", 6000), uri=None, dialog=dialog), Side.OUTSIDE)
        routes.append([route.partition(";")[0] for route in sent.message.every("Record-Route")])

    assert routes == [
        ["<sip:127.0.0.1:5070", "<sip:203.0.114.9:6060"],
        ["<sip:127.0.0.1:5070", "<sip:10.0.0.5:5060"],
    ]


def test_a_request_by_way_of_the_routers_address_is_within_its_call() -> None:
    proxy = Proxy(outside=OUTSIDE, inside=INSIDE, key=b"k", seen={"main": ROUTER})
    dialog = Dialog(trunk="main", worker=6000, far=("198.51.100.1", 5060))
    invite = proxy.pass_new(request("INVITE"), Way(to=("127.0.0.1", 6000), uri=None, dialog=dialog), Side.OUTSIDE)
    routes = [f"Route: {route}" for route in reversed(invite.message.every("Record-Route"))]
    bye = request("BYE", *routes, to="<sip:500@x>;tag=w")

    assert proxy.dialog(bye) == dialog
    passed = proxy.pass_within(bye, dialog, ("127.0.0.1", 6000), Side.OUTSIDE)
    assert passed.message.every("Route") == []
    assert Proxy(outside=OUTSIDE, inside=INSIDE, key=b"other", seen={"main": ROUTER}).dialog(bye) is None
