"""A front under a test's hand: real phones register at it, a real worker stands behind it, UDP hosts around it."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from ipaddress import IPv4Network

from exchange.digest import answer_challenge, hash_password, read_challenge
from exchange.front import Front, FrontConfig, open_front
from exchange.parties import Choose, Invite, PhoneAccount, Place, Refusal, Trunk
from exchange.sip_text import Request, Response, make_response, read_message, write_message
from lab.phones import Phone, open_phone
from lab.ports import free_port
from tests.exchange.worker_site import PORTS, Site, open_site

REALM = "trunkline"
HERE = IPv4Network("127.0.0.1/32")
PROVIDER, STRANGER, OFFICE = "127.0.0.2", "127.0.0.3", "127.0.0.4"

MAIN = Trunk(name="main", host=PROVIDER, dids=("74951110000",))


def password(endpoint: str) -> str:
    """The password of an endpoint in these tests."""
    return f"pass-{endpoint}"


def account(endpoint: str) -> PhoneAccount:
    """An endpoint's account."""
    return PhoneAccount(endpoint=endpoint, ha1=hash_password(endpoint, REALM, password(endpoint)))


class FrontSite:
    """A front, what it let in, and the worker that gets it.

    Attributes:
        front: The front.
        invites: New calls in their order.
        choice: What is answered to them; None means the worker's port.
        site: The worker's site; only where one runs.
    """

    def __init__(self) -> None:
        self.front: Front
        self.site: Site
        self.invites: list[Invite] = []
        self.choice: int | Refusal | None = None

    def choose(self, invite: Invite) -> int | Refusal | None:
        """Note the call and choose."""
        self.invites.append(invite)
        return self.site.worker.port if self.choice is None else self.choice

    @property
    def port(self) -> int:
        """The front's port for phones."""
        return self.front.outside[1]

    def contact(self, endpoint: str) -> str:
        """What the worker dials to ring an endpoint's only phone."""
        (contact,) = self.front.contacts(endpoint)
        return contact.uri


@asynccontextmanager
async def open_front_alone(
    *,
    phones: Sequence[str] = ("101", "102"),
    trunks: Sequence[Trunk] = (),
    allowed: Sequence[IPv4Network] = (),
    config: FrontConfig | None = None,
    made: FrontSite | None = None,
    choose: Choose | None = None,
) -> AsyncIterator[FrontSite]:
    """Run a front without a worker; `choose` says which takes a call, without it the site's own choice."""
    made = made or FrontSite()
    with open_front(config or FrontConfig(port=0), choose or made.choose) as made.front:
        made.front.configure(phones=[account(name) for name in phones], trunks=trunks, allowed=allowed)
        clock = asyncio.create_task(made.front.run())
        try:
            yield made
        finally:
            clock.cancel()
            await asyncio.gather(clock, return_exceptions=True)


@asynccontextmanager
async def open_front_site(
    *, phones: Sequence[str] = ("101", "102"), trunks: Sequence[Trunk] = (), allowed: Sequence[IPv4Network] = ()
) -> AsyncIterator[FrontSite]:
    """Run a front with one real worker behind it."""
    async with (
        open_front_alone(phones=phones, trunks=trunks, allowed=allowed) as made,
        open_site(front=made.front.inside_port) as made.site,
    ):
        made.front.admit_worker(made.site.worker.port)
        yield made


@asynccontextmanager
async def phone_at(
    made: FrontSite, user: str, *, secret: str | None = None, register: bool = True
) -> AsyncIterator[Phone]:
    """A manager's phone, registered at the front unless told otherwise."""
    port = free_port()
    async with open_phone(user=user, pbx_port=made.port, secret=secret or password(user), port=port) as phone:
        PORTS[phone] = port
        if register:
            await phone.register()
        yield phone


class UdpHost:
    """A host that speaks SIP by hand, from an address of its own."""

    def __init__(self, opened: socket.socket, to: Place) -> None:
        self.socket = opened
        self.to = to
        self.place: Place = opened.getsockname()

    def send(self, text: str | bytes) -> None:
        """Send a datagram to the front."""
        data = text if isinstance(text, bytes) else text.encode()
        self.socket.sendto(data, self.to)

    async def receive(self, seconds: float = 20.0) -> tuple[Request | Response, Place]:
        """The next message, with its sender."""
        async with asyncio.timeout(seconds):
            data, source = await asyncio.get_running_loop().sock_recvfrom(self.socket, 65536)
        return read_message(data), source

    async def answer(self, seconds: float = 20.0) -> Response:
        """The next message, which must be an answer."""
        message, _ = await self.receive(seconds)
        assert isinstance(message, Response), message
        return message

    async def request(self, seconds: float = 20.0) -> Request:
        """The next message, which must be a request."""
        message, _ = await self.receive(seconds)
        assert isinstance(message, Request), message
        return message

    async def hears_nothing(self, seconds: float = 0.3) -> bool:
        """Whether nothing arrives for a while."""
        try:
            await self.receive(seconds)
        except TimeoutError:
            return True
        return False

    def text(
        self,
        method: str,
        uri: str,
        *,
        user: str = "101",
        to: str | None = None,
        call_id: str = "c1",
        cseq: int = 1,
        branch: str | None = None,
        via: str | None = None,
        headers: Sequence[str] = (),
        body: str = "",
    ) -> str:
        """A request as text."""
        host, port = self.place
        lines = [
            f"{method} {uri} SIP/2.0",
            f"Via: SIP/2.0/UDP {via or f'{host}:{port}'};rport;branch={branch or f'z9hG4bK{method}{call_id}{cseq}'}",
            "Max-Forwards: 70",
            f"From: <sip:{user}@{host}>;tag=f{call_id}",
            f"To: {to or f'<{uri}>'}",
            f"Call-ID: {call_id}",
            f"CSeq: {cseq} {method}",
            *headers,
            f"Content-Length: {len(body.encode())}",
        ]
        return "\r\n".join(lines) + "\r\n\r\n" + body

    async def proves(
        self,
        method: str,
        uri: str,
        *,
        user: str = "101",
        secret: str | None = None,
        call_id: str = "c1",
        **more: object,
    ) -> Response:
        """Send a request, prove the password when asked, and give the answer to that."""
        headers: list[str] = list(more.pop("headers", ()))  # type: ignore[call-overload]
        to = more.pop("to", f"<sip:{user}@front>" if method == "REGISTER" else None)
        cseq = int(str(more.pop("cseq", 1)))
        self.send(self.text(method, uri, user=user, to=to, call_id=call_id, cseq=cseq, headers=headers, **more))  # type: ignore[arg-type]
        asked = await self.answer()
        assert asked.code in (401, 407), asked
        name, answer = ("WWW-Authenticate", "Authorization")
        if asked.code == 407:
            name, answer = ("Proxy-Authenticate", "Proxy-Authorization")
        word = password(user) if secret is None else secret
        proof = answer_challenge(read_challenge(asked.every(name)), user=user, password=word, method=method, uri=uri)
        headers.append(f"{answer}: {proof}")
        self.send(self.text(method, uri, user=user, to=to, call_id=call_id, cseq=cseq + 1, headers=headers, **more))  # type: ignore[arg-type]
        return await self.answer()

    async def registers(
        self, *, user: str = "101", secret: str | None = None, expires: int = 120, **more: object
    ) -> Response:
        """Register at the place that this host really has."""
        contact = f"Contact: <sip:{user}@{self.place[0]}:{self.place[1]}>"
        uri = f"sip:{self.to[0]}:{self.to[1]}"
        headers = [contact, f"Expires: {expires}", *list(more.pop("headers", ()))]  # type: ignore[call-overload]
        return await self.proves("REGISTER", uri, user=user, secret=secret, headers=headers, **more)


@contextmanager
def udp_host(to: Place, host: str = "127.0.0.1", port: int = 0) -> Iterator[UdpHost]:
    """A host at an address of the loopback network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        opened.bind((host, port))
        opened.setblocking(False)
        yield UdpHost(opened, to)


def token_of(record_route: str) -> str:
    """The token of a Record-Route of ours."""
    found = re.search(r";d=([^;>]+)", record_route)
    assert found is not None
    return found[1]


@contextmanager
def a_worker(made: FrontSite) -> Iterator[UdpHost]:
    """A worker by hand, which gets the next calls."""
    with udp_host(("127.0.0.1", made.front.inside_port)) as worker:
        made.front.admit_worker(worker.place[1])
        made.choice = worker.place[1]
        yield worker


@contextmanager
def a_phone(made: FrontSite, host: str = "127.0.0.1") -> Iterator[UdpHost]:
    """A phone by hand."""
    with udp_host(made.front.outside, host) as phone:
        yield phone


def invite(host: UdpHost, dialled: str = "500", **more: object) -> str:
    """An INVITE to the front."""
    return host.text("INVITE", f"sip:{dialled}@127.0.0.1", **more)  # type: ignore[arg-type]


def reply(host: UdpHost, request: Request, code: int, *, headers: tuple[tuple[str, str], ...] = ()) -> Response:
    """Answer a request as its receiver does, and give the answer."""
    routes = tuple(("Record-Route", value) for value in request.every("Record-Route"))
    response = make_response(request, code, "Said", tag="far", headers=(*routes, *headers))
    host.send(write_message(response))
    return response
