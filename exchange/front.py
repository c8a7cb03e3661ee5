"""The SIP front: one UDP socket for phones and providers, one on loopback for the workers, and the clock.

It is the only part of the embedded engine that the network reaches. What a message means is decided in `reception.py`,
registrations at providers are kept in `providers.py`; here are the sockets, and the accounts that both work with.
"""

import asyncio
import errno
import secrets
import socket
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import AddressValueError, IPv4Address, IPv4Network
from pathlib import Path

import structlog

from exchange.digest import Nonces
from exchange.directory import Directory, WrongAccounts, checked_phones, checked_trunks
from exchange.farewells import Farewell, Farewells
from exchange.guard import PHONE_PACE, Guard, Pace, check_bind_address, check_networks
from exchange.parties import Choose, Contact, PhoneAccount, Place, Trunk, TrunkState
from exchange.passwords import Passwords
from exchange.providers import Providers
from exchange.proxy import Proxy, Sent, Side
from exchange.reception import LOOPBACK, Figures, Reception
from exchange.registrar import Registrar, dial_uri
from exchange.registrations import Registrations
from exchange.sip_text import Response, write_message
from exchange.unseated import LOOK_SECONDS
from gateway.domain.errors import GiveUp

_BYE_AGAIN = (0.5, 1.5, 3.5)
"""Seconds after which the BYE of a dead worker's call is said again; its answers are not waited for."""
_SWEEP_EVERY = 10.0
_SAVE_EVERY = 2.0
_SILENCE_LOOK = 0.25
_AT_ONCE = 64
"""Datagrams read before others have their turn."""
_BUFFER = 2 << 20
_READ = 65_536

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class PortTaken(GiveUp, OSError):
    """The UDP port for SIP is taken by another program; stop that one or choose another port."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(
            f"UDP port {port} of {host} is taken by another program, often an Asterisk or another Trunkline; "
            "stop it, or choose another port for the embedded engine"
        )
        self.host, self.port = host, port


class AddressMissing(GiveUp, OSError):
    """The address to bind to is none of this machine; choose one that it has."""

    def __init__(self, host: str) -> None:
        super().__init__(
            f"this machine has no address {host}; choose one of its own (`ip address` lists them) or 127.0.0.1"
        )
        self.host = host


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontConfig:
    """How the front listens.

    Attributes:
        bind: Its IPv4 address for phones and providers, loopback or private.
        port: Its UDP port; 0 takes a free one.
        inside_port: Its UDP port on 127.0.0.1 for workers; 0 takes a free one.
        realm: The realm of the phones' passwords.
        phone_pace: How fast all phones of one host together may be.
        keep_in: Folder in which registrations, and what ends calls after a kill, outlive us; None: nowhere.
    """

    bind: str = LOOPBACK
    port: int = 5060
    inside_port: int = 0
    realm: str = "trunkline"
    phone_pace: Pace = PHONE_PACE
    keep_in: Path | None = None


class Front:
    """The SIP front of the embedded engine (see `exchange.parties.Door`)."""

    def __init__(self, config: FrontConfig, choose: Choose, outside: socket.socket, inside: socket.socket) -> None:
        """Made by `open_front` alone."""
        self.outside: Place = outside.getsockname()
        self._inside: Place = inside.getsockname()
        self._sockets = {Side.OUTSIDE: outside, Side.INSIDE: inside}
        self._directory = Directory()
        self._guard = Guard()
        self._registrar = Registrar()
        keep_in = config.keep_in
        self._registrations = Registrations(keep_in and keep_in / "registrations.jsonl", self._registrar)
        self.farewells = Farewells(keep_in and keep_in / "farewells.jsonl")
        self._proxy = Proxy(
            outside=self.outside, inside=self._inside, key=secrets.token_bytes(32), seen=self._directory.seen
        )
        self._passwords = Passwords(
            directory=self._directory,
            lock_out=self._guard.lock_out,
            nonces=Nonces(secrets.token_bytes(32)),
            realm=config.realm,
        )
        self._reception = Reception(
            directory=self._directory,
            guard=self._guard,
            registrar=self._registrar,
            proxy=self._proxy,
            passwords=self._passwords,
            choose=choose,
            farewells=self.farewells,
            phone_pace=config.phone_pace,
        )
        self._looking: asyncio.TimerHandle | None = None
        self._providers = Providers(
            directory=self._directory, guard=self._guard, contact=self.outside, send=self._put_outside
        )

    @property
    def inside_port(self) -> int:
        """The UDP port on 127.0.0.1 that workers use as their proxy."""
        return self._inside[1]

    @property
    def figures(self) -> Figures:
        """What came and what became of it, since the start."""
        return self._reception.figures

    @property
    def strangers(self) -> int:
        """Messages since the start that came from hosts which are nobody's."""
        return self.figures.strangers

    @property
    def wrong_passwords(self) -> int:
        """Wrong passwords since the start."""
        return self._passwords.wrong

    def configure(
        self, *, phones: Sequence[PhoneAccount], trunks: Sequence[Trunk], allowed: Sequence[IPv4Network] = ()
    ) -> None:
        """Put new accounts in place of the old; calls and registrations of those that stay go on.

        Args:
            phones: Accounts of phones.
            trunks: Accounts of providers.
            allowed: Private networks where phones may be; none means loopback and every private network.

        Raises:
            WrongAccounts: An account cannot be; nothing was changed.
            PublicAddress: A network is not private; nothing was changed.
        """
        known_phones, known_trunks = checked_phones(phones), checked_trunks(trunks)
        self._providers.networks = check_networks(allowed)
        gone = {name for name, phone in self._directory.phones.items() if known_phones.get(name) != phone}
        self._guard.lock_out.forget({n for n, p in known_phones.items() if self._directory.phones.get(n) != p})
        self._directory.phones = known_phones
        self._registrar.forget(gone)
        self._registrations.restore(known_phones, time.monotonic(), time.time())
        self._providers.use(known_trunks)

    def admit_worker(self, port: int) -> None:
        """Take SIP from this loopback port as a worker's."""
        self._directory.workers.add(port)

    def dismiss_worker(self, port: int) -> None:
        """Take no more SIP from this port, and say BYE to whoever still talks with that worker."""
        self._say_often([(write_message(sent.message), sent.to) for sent in self._reception.bury(port)])

    def end_what_was_left(self) -> int:
        """End the calls of an exchange before us that was killed; gives how many messages that took."""
        self._say_often(self.farewells.left)
        return len(self.farewells.left)

    def _say_often(self, messages: Sequence[Farewell]) -> None:
        """Say what ends calls, and again a few times: its answers are not waited for."""
        self._say_while_open(messages)
        for later in _BYE_AGAIN if messages else ():
            asyncio.get_running_loop().call_later(later, self._say_while_open, messages)

    def _say_while_open(self, messages: Sequence[Farewell]) -> None:
        if self._sockets[Side.OUTSIDE].fileno() >= 0:
            for data, to in messages:
                self._put_outside(data, to)

    def contacts(self, endpoint: str) -> tuple[Contact, ...]:
        """Where the endpoint is registered now, the newest first; none: it is not."""
        now, today = time.monotonic(), datetime.now(UTC)
        return tuple(
            Contact(
                uri=dial_uri(endpoint, binding),
                source=binding.source,
                user_agent=binding.user_agent,
                expires_at=today + timedelta(seconds=binding.ends - now),
            )
            for binding in self._registrar.bindings(endpoint, now)
        )

    def trunk_uri(self, name: str, number: str) -> str:
        """What a worker dials to reach a number over a trunk.

        Raises:
            WrongAccounts: There is no such trunk.
        """
        trunk = self._directory.trunks.get(name)
        if trunk is None:
            raise WrongAccounts(f"there is no trunk {name[:64]!r}")
        return str(self._directory.trunk_uri(trunk, number))

    def trunk_states(self) -> tuple[TrunkState, ...]:
        """How the trunks stand now."""
        return self._providers.states(time.monotonic())

    def locks(self) -> list[tuple[str, str, float]]:
        """Host, account and seconds of each lock-out that holds now; an empty account stands for the whole host."""
        return self._guard.lock_out.standing(time.monotonic())

    def leave_providers(self) -> None:
        """Take our registrations back, as far as one message each can; done when the front closes."""
        self._providers.leave()

    async def run(self) -> None:
        """Keep registrations and name look-ups going until cancelled; one task of the exchange's own group."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep_time())
            group.create_task(self._keep_registrations())
            group.create_task(self._answer_for_the_silent())
            group.create_task(self._providers.run())

    # Messages

    def _arrived(self, side: Side) -> None:
        arrived = self._sockets[side]
        for _ in range(_AT_ONCE):
            try:
                data, source = arrived.recvfrom(_READ)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:  # an answer of the network to something we sent; it says nothing that we act on
                continue
            try:
                self._hear(side, data, source)
            except Exception as error:  # noqa: BLE001 - whatever a message may bring about, the next is read
                self._note_fault(side, error)

    def _note_fault(self, side: Side, error: Exception) -> None:
        """Log where it went wrong; the error's own words may hold what a caller wrote."""
        frames = traceback.extract_tb(error.__traceback__)[-3:]
        where = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames]
        log.error("a message of SIP could not be handled", side=side.value, kind=type(error).__name__, where=where)

    def _hear(self, side: Side, data: bytes, source: Place) -> None:
        now = time.monotonic()
        if side is Side.INSIDE:
            self._send(self._reception.hear_inside(data, source, now))
            return
        heard = self._reception.hear_outside(data, source, now)
        if isinstance(heard, Response):
            self._providers.take(heard, source[0], now)
        else:
            self._send(heard)
            self._look_for_room()

    def _look_for_room(self) -> None:
        """While new calls wait for a worker, ask about them again and again."""
        if self._looking is None and self._reception.has_unseated:
            self._looking = asyncio.get_running_loop().call_later(LOOK_SECONDS, self._seat)

    def _seat(self) -> None:
        self._looking = None
        if self._sockets[Side.OUTSIDE].fileno() < 0:
            return
        try:
            self._send(self._reception.seat(time.monotonic()))
        except Exception as error:  # noqa: BLE001 - as for a message that arrives: the next is read
            self._note_fault(Side.OUTSIDE, error)
        self._look_for_room()

    def _send(self, messages: Sequence[Sent]) -> None:
        for sent in messages:
            if self._put(sent.side, write_message(sent.message), sent.to) is not None:
                self.figures.unsent += 1

    def _put(self, side: Side, data: bytes, to: Place) -> OSError | None:
        try:
            IPv4Address(to[0])  # never a name: looking it up here would stop everything
            self._sockets[side].sendto(data, to)
        except AddressValueError:
            return OSError(errno.EDESTADDRREQ, "no address")
        except OSError as error:
            return error
        return None

    def _put_outside(self, data: bytes, to: Place) -> OSError | None:
        return self._put(Side.OUTSIDE, data, to)

    async def _keep_time(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP_EVERY)
            now = time.monotonic()
            self._registrar.sweep(now)
            self._proxy.sweep(now)
            self._guard.rate.sweep(now)
            self._guard.lock_out.sweep(now)

    async def _answer_for_the_silent(self) -> None:
        while True:
            await asyncio.sleep(_SILENCE_LOOK)
            self._send(self._reception.overdue(time.monotonic()))

    async def _keep_registrations(self) -> None:
        while True:
            await asyncio.sleep(_SAVE_EVERY)
            self.save_registrations()

    def save_registrations(self) -> None:
        """Write down who is registered where."""
        self._registrations.save(self._directory.phones, time.monotonic(), time.time())


def check_place(host: str, port: int) -> None:
    """Whether a front could listen there now; nothing is left open.

    Raises:
        PublicAddress: the address is neither loopback nor private.
        PortTaken: the port is taken.
        AddressMissing: this machine has no such address.
    """
    check_bind_address(host)
    _bound(host, port).close()


@contextmanager
def open_front(config: FrontConfig, choose: Choose) -> Iterator[Front]:
    """Listen for as long as the block lasts; to be entered where the event loop runs.

    Args:
        config: Where to listen.
        choose: Says which worker takes a new call.

    Raises:
        PublicAddress: The address is neither loopback nor private.
        PortTaken: A port is taken.
        AddressMissing: This machine has no such address.
    """
    check_bind_address(config.bind)
    loop = asyncio.get_running_loop()
    with _bound(config.bind, config.port) as outside, _bound(LOOPBACK, config.inside_port) as inside:
        front = Front(config, choose, outside, inside)
        front.farewells.open()
        if ended := front.end_what_was_left():
            log.warning("calls of an exchange that was killed are ended for their phones and providers", messages=ended)
        sides = ((Side.OUTSIDE, outside), (Side.INSIDE, inside))
        try:
            for side, opened in sides:
                loop.add_reader(opened, _reader(front, side))
            yield front
        finally:
            front.leave_providers()
            front.save_registrations()
            front.farewells.close()
            for _, opened in sides:
                loop.remove_reader(opened)


def _reader(front: Front, side: Side) -> Callable[[], None]:
    return lambda: front._arrived(side)


def _bound(host: str, port: int) -> socket.socket:
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    opened.setblocking(False)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
    try:
        opened.bind((host, port))
    except OSError as error:
        opened.close()
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(host, port) from None
        if error.errno == errno.EADDRNOTAVAIL:
            raise AddressMissing(host) from None
        raise
    return opened
