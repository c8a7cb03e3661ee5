"""Whatever comes to the front's door: it raises nothing, reaches nobody it should not, and the registrar stays.

The judge of messages (`exchange.reception`) without sockets, under sequences of messages that hypothesis makes of true
ones and nonsense, from phones, a provider, workers and strangers.
"""

from collections.abc import Iterator, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.digest import Nonces
from exchange.directory import Directory
from exchange.farewells import Farewells
from exchange.guard import PHONE_NETWORKS, Guard
from exchange.parties import Invite, Place, Trunk
from exchange.passwords import Passwords
from exchange.proxy import Proxy, Sent, Side
from exchange.reception import Reception
from exchange.registrar import Registrar
from exchange.sip_text import MAX_DATAGRAM, Request, Response, read_message, write_message
from tests.exchange.front_site import REALM, account

OUTSIDE, INSIDE = ("10.0.0.1", 5060), ("127.0.0.1", 7000)
PHONE, PROVIDER, STRANGER, WORKER = ("10.0.0.7", 5062), ("203.0.113.5", 5060), ("8.8.8.8", 5060), ("127.0.0.1", 7001)
MAIN = Trunk(name="main", host=PROVIDER[0], dids=("74951110000",))
SENDERS = (
    (Side.OUTSIDE, PHONE),
    (Side.OUTSIDE, PROVIDER),
    (Side.OUTSIDE, STRANGER),
    (Side.INSIDE, WORKER),
    (Side.INSIDE, STRANGER),
    (Side.INSIDE, ("127.0.0.1", 9999)),
)
METHODS = ("INVITE", "ACK", "BYE", "CANCEL", "REGISTER", "OPTIONS", "REFER", "NOTIFY", "PRACK", "XYZZY")
URIS = (
    "sip:101@h",
    "sip:74951110000@10.0.0.1",
    "sip:101@phones.invalid",
    "sip:7916@main.invalid",
    "tel:+7916",
    "sips:x@y",
)
HEADERS = (
    "Contact: <sip:x@10.0.0.7:5062>",
    "Contact: *",
    "Expires: 0",
    "Expires: 99999999999999999999",
    "Route: <sip:10.0.0.1:5060;lr>",
    "Route: <sip:10.0.0.1:5060;lr;d=p.101~7001~10.0.0.7:5062~AAAAAAAAAAAAAAAAAAAAAAAA>",
    "Route: <sip:127.0.0.1:7000;lr>, <sip:8.8.8.8;lr>",
    "Record-Route: nonsense",
    'Authorization: Digest username="101", realm="trunkline", nonce="x", uri="sip:h", response="0"',
    "Authorization: Digest",
    "Replaces: a;to-tag=b;from-tag=c",
    "Max-Forwards: 0",
    "Max-Forwards: 71",
    "X-Trunkline-From: phone:101",
    "Refer-To: <sip:9@h?Replaces=a%3B>",
    "Content-Type: application/sdp",
)


class Door:
    """The judge with its parts, a registered phone and a call that stands."""

    def __init__(self) -> None:
        self.directory, self.guard, self.registrar = Directory(), Guard(), Registrar()
        self.directory.phones = {name: account(name) for name in ("101", "102")}
        self.directory.trunks = {"main": MAIN}
        self.directory.places = {"main": (PROVIDER,)}
        self.directory.workers.add(WORKER[1])
        self.guard.use(PHONE_NETWORKS, {"main": (PROVIDER,)}, {})
        self.proxy = Proxy(outside=OUTSIDE, inside=INSIDE, key=b"k" * 32, seen=self.directory.seen)
        passwords = Passwords(
            directory=self.directory, lock_out=self.guard.lock_out, nonces=Nonces(b"n" * 32), realm=REALM
        )
        self.invites: list[Invite] = []
        self.reception = Reception(
            directory=self.directory,
            guard=self.guard,
            registrar=self.registrar,
            proxy=self.proxy,
            passwords=passwords,
            choose=self.choose,
            farewells=Farewells(None),
        )
        self.registrar.register(
            "101", text("REGISTER", "sip:h", PHONE, ["Contact: <sip:101@10.0.0.7:5062>"]), PHONE, 0.0
        )

    def choose(self, invite: Invite) -> int:
        self.invites.append(invite)
        return WORKER[1]

    def hear(self, side: Side, data: bytes, source: Place, now: float) -> Sequence[Sent]:
        if side is Side.INSIDE:
            return self.reception.hear_inside(data, source, now)
        heard = self.reception.hear_outside(data, source, now)
        return [] if isinstance(heard, Response) else heard


def text(
    method: str, uri: str, source: Place, headers: Sequence[str] = (), *, mark: str = "1", to: str = ""
) -> Request:
    made = read_message(raw(method, uri, source, headers, mark, to))
    assert isinstance(made, Request)
    return made


def raw(method: str, uri: str, source: Place, headers: Sequence[str], mark: str, to: str) -> bytes:
    """A request as bytes."""
    lines = (
        f"{method} {uri} SIP/2.0",
        f"Via: SIP/2.0/UDP {source[0]}:{source[1]};rport;branch=z9hG4bK{method}{mark}",
        f"From: <sip:101@h>;tag=f{mark}",
        f"To: <{uri}>{to}",
        f"Call-ID: c{mark}",
        f"CSeq: 1 {method}",
        *headers,
    )
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


@st.composite
def datagrams(draw: st.DrawFn) -> tuple[Side, Place, bytes]:
    """A side, a sender, and something like SIP."""
    side, source = draw(st.sampled_from(SENDERS))
    method, uri = draw(st.sampled_from(METHODS)), draw(st.sampled_from(URIS))
    headers = draw(st.lists(st.sampled_from(HEADERS), max_size=4))
    mark, to = draw(st.sampled_from(("1", "2"))), draw(st.sampled_from(("", ";tag=t")))
    data = raw(method, uri, source, headers, mark, to)
    kind = draw(st.sampled_from(("whole", "spoiled", "response", "noise", "long")))
    if kind == "spoiled":
        at = draw(st.integers(0, len(data)))
        data = data[:at] + draw(st.binary(max_size=6)) + data[at + draw(st.integers(0, 4)) :]
    elif kind == "response":
        code = draw(st.integers(0, 999))
        data = f"SIP/2.0 {code} x\r\n".encode() + data.partition(b"\r\n")[2]
    elif kind == "noise":
        data = draw(st.binary(max_size=200))
    elif kind == "long":
        data = data[:-2] + b"X: " + b"y" * draw(st.integers(MAX_DATAGRAM - 300, MAX_DATAGRAM + 10)) + b"\r\n\r\n"
    return side, source, data


def places(sent: Sequence[Sent]) -> Iterator[tuple[Side, Place]]:
    """Where messages go, each of them readable by whoever gets it."""
    for one in sent:
        read_message(write_message(one.message))
        yield one.side, one.to


@settings(max_examples=250, deadline=None)
@given(st.lists(datagrams(), min_size=1, max_size=12))
def test_nothing_at_the_door_raises_or_reaches_a_third(sequence: list[tuple[Side, Place, bytes]]) -> None:
    door = Door()
    reachable = {(Side.OUTSIDE, PHONE), (Side.OUTSIDE, PROVIDER)}
    for n, (side, source, data) in enumerate(sequence):
        for went in places(door.hear(side, data, source, n * 0.1)):
            assert went in reachable or went == (side, source) or went == (Side.INSIDE, WORKER), went
        assert source != STRANGER or not door.hear(side, data, source, n * 0.1)

    assert [invite for invite in door.invites if invite.phone is not None] == []
    assert [one.source for one in door.registrar.bindings("101", 2.0)] == [PHONE]
    asked = door.hear(Side.OUTSIDE, raw("REGISTER", "sip:h", ("10.0.0.8", 5060), (), "9", ""), ("10.0.0.8", 5060), 3.0)
    assert [getattr(one.message, "code", 0) for one in asked] == [401]
