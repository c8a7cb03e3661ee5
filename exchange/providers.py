"""All our providers: their lines with their timers, the look-up of their hosts' names, and which of them are away."""

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from ipaddress import AddressValueError, IPv4Address

from exchange.directory import Directory
from exchange.guard import PHONE_NETWORKS, Guard
from exchange.parties import Place, Trunk, TrunkState
from exchange.provider import ProviderLine
from exchange.sip_text import Request, Response, write_message

LOOK_UP_EVERY = 300.0
"""Seconds after which the names of providers' hosts are looked up again."""
LOOK_UP_AGAIN = 20.0
"""The same where one was not known: the name server may have been away."""
_LOOK_EVERY = 0.25
"""Seconds between two looks at what is due; registrations need no more."""


class Providers:
    """The lines of all trunks.

    Attributes:
        networks: Where phones may be; goes to the guard with the trunks' hosts.
    """

    def __init__(
        self, *, directory: Directory, guard: Guard, contact: Place, send: Callable[[bytes, Place], OSError | None]
    ) -> None:
        """Begin without any.

        Args:
            directory: Where trunks, their places, and who is away are written.
            guard: Who is told the trunks' hosts.
            contact: Our address outside.
            send: Sends a datagram outside; gives what the machine had against it.
        """
        self.networks = PHONE_NETWORKS
        self._directory = directory
        self._guard = guard
        self._contact = contact
        self._send = send
        self._lines: dict[str, ProviderLine] = {}
        self._looked_up: set[str] = set()
        self._news = asyncio.Event()

    def use(self, trunks: Mapping[str, Trunk]) -> None:
        """Put new trunks in place of the old; lines of those that stay go on."""
        for name, line in list(self._lines.items()):
            if trunks.get(name) != line.trunk:
                self._leave(name)
        self._directory.trunks = dict(trunks)
        for name, trunk in trunks.items():
            if name not in self._lines:
                self._lines[name] = ProviderLine(trunk, contact=self._contact)
                self._directory.places[name] = _literal(trunk)
                if self._directory.places[name]:
                    self._looked_up.add(name)
        self._tell_guard()
        self._news.set()

    def states(self, now: float) -> tuple[TrunkState, ...]:
        """How the trunks stand now."""
        return tuple(line.state(now) for line in self._lines.values())

    def take(self, response: Response, host: str, now: float) -> None:
        """Take an answer to a request of our own."""
        for name, line in self._lines.items():
            if self._guard.is_trunk(host, name):
                self._ask(name, line, line.take(response, now), now)

    def leave(self) -> None:
        """Take all registrations back as far as one message can, since nobody will be here to take calls."""
        for name in list(self._lines):
            self._leave(name)

    async def run(self) -> None:
        """Keep registrations and name look-ups going until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep_lines())
            group.create_task(self._keep_names())

    async def _keep_lines(self) -> None:
        while True:
            now = time.monotonic()
            for name, line in list(self._lines.items()):
                if name in self._looked_up and line.wake_at() <= now:
                    self._ask(name, line, line.due(now), now)
            await asyncio.sleep(_LOOK_EVERY)

    def _ask(self, name: str, line: ProviderLine, requests: Sequence[Request], now: float) -> None:
        places = self._directory.places.get(name, ())
        for request in requests:
            if not places:
                line.lost(f"The name {line.trunk.host} is not known; check the trunk's host and the name server.", now)
                break
            if error := self._send(write_message(request), places[0]):
                line.lost(_unsendable(line.trunk, self._contact[0], error), now)
                break
        self._directory.seen[name] = line.seen
        state = line.state(now)
        if state.reachable is False:
            self._directory.away[name] = state.text
        else:
            self._directory.away.pop(name, None)

    async def _keep_names(self) -> None:
        while True:
            self._news.clear()
            for trunk in list(self._directory.trunks.values()):
                if not _literal(trunk):
                    await self._look_up(trunk)
            self._tell_guard()
            unknown = any(not self._directory.places.get(name) for name in self._directory.trunks)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_UP_AGAIN if unknown else LOOK_UP_EVERY):
                    await self._news.wait()

    async def _look_up(self, trunk: Trunk) -> None:
        found: tuple[Place, ...] = ()
        with contextlib.suppress(OSError, UnicodeError):  # no such name, or no name server
            infos = await asyncio.get_running_loop().getaddrinfo(
                trunk.host, trunk.port, family=socket.AF_INET, type=socket.SOCK_DGRAM
            )
            found = tuple((str(place[0]), int(place[1])) for *_, place in infos)
        if self._directory.trunks.get(trunk.name) != trunk:
            return
        before = self._directory.places.get(trunk.name, ())
        self._looked_up.add(trunk.name)
        if before and before[0] in found:  # one of several, in another order each time: it stays where it is
            found = (before[0], *(place for place in found if place != before[0]))
        elif before and found:
            self._lines[trunk.name].moved(time.monotonic())
        self._directory.places[trunk.name] = found or before

    def _tell_guard(self) -> None:
        more = {name: trunk.hosts for name, trunk in self._directory.trunks.items()}
        places = {name: self._directory.places.get(name, ()) for name in self._directory.trunks}
        self._guard.use(self.networks, places, more)

    def _leave(self, name: str) -> None:
        """End what we have at a provider whose account is no more, or another one now."""
        line = self._lines.pop(name)
        self._looked_up.discard(name)
        farewell = line.farewell(time.monotonic())
        for place in self._directory.places.pop(name, ())[:1]:
            if farewell is not None:
                self._send(write_message(farewell), place)
        self._directory.away.pop(name, None)
        self._directory.seen.pop(name, None)


def _literal(trunk: Trunk) -> tuple[Place, ...]:
    """The place of a host that is written as an address; none for a name."""
    try:
        return ((str(IPv4Address(trunk.host)), trunk.port),)
    except AddressValueError:
        return ()


def _unsendable(trunk: Trunk, bind: str, error: OSError) -> str:
    if IPv4Address(bind).is_loopback:
        return (
            f"{trunk.host} cannot be reached from {bind}, which is this machine alone; bind the embedded engine to the "
            "machine's address in the office network."
        )
    return f"{trunk.host} cannot be reached from this machine ({error.strerror}); check its network."
