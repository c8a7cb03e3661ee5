"""Pages and their PBXs: a line for each account, on which SIP goes to and fro, checked, with the PBX's place hidden.

How it fits: `gateway.api.softphone_socket` brings the page's socket, `Softphones` connects it to Asterisk's WebSocket
(RFC 7118) and watches over the calls on it. The PBX's end of a line belongs to us: where a page goes without a word in
mid call, Asterisk notices nothing, and there is time to act.

What happens then. A page that said that it goes (close frame: loaded anew, closed), parts at once: its legs end, and
their clients hear music (`SoftphonePbx.part`). Of one that fell silent (network) nothing is known, so it has
`GRACE_SECONDS` to come back to its own line, on which then nothing has happened. Whoever registers next for the
account, the same page loaded anew or another window, is rung for the clients who wait (`bring_back`). A page that has
no calls of its own says so (`fresh`): legs of its account that the PBX still has are then those of a page that is gone,
also where the gateway itself was away meanwhile.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol
from uuid import UUID

import aiohttp
import asyncpg
import structlog

from gateway.domain.errors import GatewayError, TryAgain
from gateway.domain.identity import call_id
from gateway.domain.softphone import Away, SoftphoneLeg, SoftphonePbx
from gateway.softphones.addresses import Addresses
from gateway.softphones.messages import (
    MESSAGE_MAX,
    Message,
    Unfit,
    answer,
    check_from_page,
    dialled,
    read_message,
    registers_for,
)
from gateway.store.softphones import StoredSoftphone

log = structlog.get_logger()

GRACE_SECONDS = 2.5
"""How long a page that fell silent in mid call may take to come back to its line."""
CONNECT_SECONDS = 5.0
HEARTBEAT_SECONDS = 15.0
LEGS_SECONDS = 0.25
"""How long an INVITE waits to be told which call it belongs to."""
TAKEN_OVER, PBX_GONE = 4409, 4410
GOING = frozenset({1000, 1001})
"""Close codes by which a page says that it goes (RFC 6455, 7.4.1)."""
_BURST, _PER_SECOND = 200.0, 40.0
_WAITING_MAX = 64
_PARTING_TRIES = 4
_KNOWN_MAX = 200

CALL_HEADER, LEG_HEADER = "X-Call-Id", "X-Leg-Id"

Dialled = Callable[[StoredSoftphone, str], Awaitable[str | None]]
"""Asks whether an account's owner may dial a number, and counts it; gives the reason where he may not."""
Registered = Callable[[StoredSoftphone, timedelta], Awaitable[None]]
Spawn = Callable[[Coroutine[object, object, None]], object]


class PbxAway(TryAgain, ConnectionError):
    """The PBX's WebSocket cannot be reached; try again in a few seconds. An administrator finds more in the doctor."""


class Page(Protocol):
    """A page's end of a line."""

    async def send(self, text: str) -> None:
        """Send a message; raises ConnectionError where the page is gone."""
        ...

    async def close(self, code: int, reason: str) -> None:
        """Close its socket."""
        ...


class TooFast(Exception):
    """A page sends faster than any phone does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One PBX that takes phones in browsers."""

    name: str
    url: str
    """Of its WebSocket."""
    away: Away
    pbx: SoftphonePbx


@dataclass(slots=True, eq=False, kw_only=True)
class Line:
    """One account's way to its PBX."""

    account: StoredSoftphone
    place: Place
    upstream: aiohttp.ClientWebSocketResponse
    page_id: str
    fresh: bool
    page: Page | None = None
    waiting: deque[str] = field(default_factory=lambda: deque(maxlen=_WAITING_MAX))
    """What the PBX said while the page was away."""
    calls: set[str] = field(default_factory=set)
    """Call-IDs of dialogs that were answered and not ended."""
    registered: bool = False
    over: bool = False
    addresses: Addresses = field(default_factory=Addresses)
    permitted: deque[tuple[str, str]] = field(default_factory=lambda: deque(maxlen=_KNOWN_MAX))
    known: dict[str, tuple[UUID, str]] = field(default_factory=dict)
    """Call and leg by Call-ID."""
    tokens: float = _BURST
    at: float = 0.0

    def spend(self, now: float) -> None:
        """Count a message of the page; raises TooFast."""
        if self.at:
            self.tokens = min(_BURST, self.tokens + (now - self.at) * _PER_SECOND)
        self.at = now
        self.tokens -= 1
        if self.tokens < 0:
            raise TooFast

    def note(self, message: Message) -> None:
        """Follow which calls stand."""
        if message.method == "INVITE" and message.status is not None and 200 <= message.status < 300:
            self.calls.add(message.dialog)
        elif message.method == "BYE" and message.status is None:
            self.calls.discard(message.dialog)

    async def tell(self, text: str) -> None:
        """Send something to the page, or keep it until it is back."""
        if self.page is None:
            self.waiting.append(text)
            return
        with suppress(ConnectionError, TimeoutError, RuntimeError):  # its own reader notices that it is gone
            await self.page.send(text)


class Softphones:
    """The lines of this node."""

    def __init__(
        self,
        places: Mapping[str, Place],
        *,
        may_dial: Dialled,
        registered: Registered,
        spawn: Spawn,
        grace_seconds: float = GRACE_SECONDS,
    ) -> None:
        """Args:
        places: PBXs that take phones in browsers, by name.
        may_dial: asks for dial permission.
        registered: told for how long an account is registered.
        spawn: starts a task in the application's own group.
        grace_seconds: how long a page that fell silent may take to come back.
        """
        self.places = places
        self._may_dial = may_dial
        self._registered = registered
        self._spawn = spawn
        self._grace = grace_seconds
        self._lines: dict[tuple[str, str], Line] = {}
        self._web: aiohttp.ClientSession | None = None

    def __len__(self) -> int:
        return len(self._lines)

    async def attach(self, account: StoredSoftphone, page: Page, *, page_id: str, fresh: bool) -> Line:
        """Connect a page; a line of the same page goes on, another page's ends.

        Raises:
            PbxAway: the PBX does not take the connection.
        """
        key = (account.pbx, account.endpoint)
        there = self._lines.get(key)
        if there is not None and there.page_id == page_id and not there.over and not fresh:
            former, there.page = there.page, page
            if former is not None:
                await former.close(TAKEN_OVER, "another connection of this page")
            while there.waiting:
                await there.tell(there.waiting.popleft())
            return there
        upstream = await self._connect(self.places[account.pbx].url)
        if (there := self._lines.pop(key, None)) is not None:
            await self._end(there, TAKEN_OVER, "the phone is used in another window")
        line = Line(
            account=account,
            place=self.places[account.pbx],
            upstream=upstream,
            page_id=page_id,
            fresh=fresh,
            page=page,
        )
        self._lines[key] = line
        self._spawn(self._listen(line))
        return line

    async def detach(self, line: Line, page: Page, code: int | None) -> None:
        """A page's socket is closed.

        Args:
            line: its.
            page: the one that is gone; the line may have another one by now.
            code: close code of the page's own frame; None or 1006: it fell silent.
        """
        if line.page is not page or line.over:
            return
        line.page = None
        if line.calls and code not in GOING:
            self._spawn(self._wait_for(line))
        else:
            await self._end(line)

    async def end_account(self, account: StoredSoftphone) -> None:
        """End the line of an account that holds no more."""
        line = self._lines.get((account.pbx, account.endpoint))
        if line is not None:
            await self._end(line, TAKEN_OVER, "the phone's account has ended")

    async def close(self) -> None:
        """End all lines without parting anybody: the calls go on, and their pages come back to the next gateway."""
        for line in list(self._lines.values()):
            line.calls.clear()
            await self._end(line, 1001, "the gateway stops; connect again")
        if self._web is not None:
            await self._web.close()

    async def _connect(self, url: str) -> aiohttp.ClientWebSocketResponse:
        if self._web is None:
            self._web = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT_SECONDS))
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                return await self._web.ws_connect(
                    url, protocols=("sip",), heartbeat=HEARTBEAT_SECONDS, max_msg_size=2 * MESSAGE_MAX
                )
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as fault:
            raise PbxAway from fault

    # from the page

    async def from_page(self, line: Line, text: str) -> None:
        """Take a message of the page.

        Raises:
            TooFast: close its socket.
        """
        line.spend(time.monotonic())
        try:
            message = read_message(text)
        except Unfit as fault:
            log.info("a page's message is no SIP", pbx=line.account.pbx, status=fault.status, reason=fault.reason)
            return
        if message is None:
            return
        try:
            check_from_page(message, line.account.endpoint)
            await self._permit(line, message)
        except Unfit as fault:
            log.info("a page's message may not pass", pbx=line.account.pbx, method=message.method, reason=fault.reason)
            if (told := answer(message, fault.status, fault.reason)) is not None:
                await line.tell(told)
            return
        line.note(message)
        passed = line.addresses.restore(message).without("x-call-id").without("x-leg-id").without("x-trunkline")
        with suppress(ConnectionError, RuntimeError):  # the listener notices that it is gone
            await line.upstream.send_str(passed.text())

    async def _permit(self, line: Line, message: Message) -> None:
        number = dialled(message)
        if number is None or (message.dialog, number) in line.permitted:
            return
        reason = await self._may_dial(line.account, number)
        if reason is not None:
            raise Unfit(403, reason)
        line.permitted.append((message.dialog, number))

    # from the PBX

    async def _listen(self, line: Line) -> None:
        try:
            async for frame in line.upstream:
                if frame.type is aiohttp.WSMsgType.TEXT:
                    await self._from_pbx(line, frame.data)
        except (ConnectionError, TimeoutError):
            log.info("a browser's line to the PBX broke", pbx=line.account.pbx)
        finally:
            if not line.over:
                line.calls.clear()
                await self._end(line, PBX_GONE, "the PBX closed the connection")

    async def _from_pbx(self, line: Line, text: str) -> None:
        try:
            message = read_message(text)
        except Unfit as fault:
            log.warning("a PBX's message cannot be read", pbx=line.account.pbx, reason=fault.reason)
            return
        if message is None:
            return
        line.note(message)
        if (seconds := registers_for(message)) is not None:
            await self._note_registration(line, seconds)
        if message.method == "INVITE" and (message.is_first or (message.status or 0) in range(180, 300)):
            message = await self._named(line, message)
        await line.tell(line.addresses.hide(message).text())

    async def _named(self, line: Line, message: Message) -> Message:
        """Tell the page which call of ours this is; nobody else may."""
        plain = message.without("x-call-id").without("x-leg-id")
        if message.dialog not in line.known:
            leg = await self._leg_of(line, message.dialog)
            if leg is None:
                return plain
            while len(line.known) >= _KNOWN_MAX:
                del line.known[next(iter(line.known))]
            line.known[message.dialog] = call_id(line.account.pbx, leg.family), leg.leg
        call, own = line.known[message.dialog]
        return plain.with_header(LEG_HEADER, own).with_header(CALL_HEADER, str(call))

    async def _leg_of(self, line: Line, dialog: str) -> SoftphoneLeg | None:
        with suppress(GatewayError, TimeoutError):
            async with asyncio.timeout(LEGS_SECONDS):
                legs = await line.place.pbx.legs(line.account.endpoint)
            return next((leg for leg in legs if leg.dialog == dialog), None)
        return None

    async def _note_registration(self, line: Line, seconds: int) -> None:
        first = not line.registered and seconds > 0
        line.registered = seconds > 0
        await self._tell_registered(line, seconds)
        if first:
            if line.fresh and not line.calls:
                await self._part(line)
            self._spawn(self._bring_back(line))

    async def _tell_registered(self, line: Line, seconds: int) -> None:
        with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):  # the desk phone is rung then
            await self._registered(line.account, timedelta(seconds=seconds))

    # calls over a page that is gone

    async def _wait_for(self, line: Line) -> None:
        await asyncio.sleep(self._grace)
        if line.page is None and not line.over:
            await self._end(line)

    async def _end(self, line: Line, code: int = 1000, reason: str = "") -> None:
        """Close both ends of a line; clients on it hear music first."""
        line.over = True
        if self._lines.get((line.account.pbx, line.account.endpoint)) is line:
            del self._lines[line.account.pbx, line.account.endpoint]
            if line.registered:
                await self._tell_registered(line, 0)
        if line.calls:
            await self._part(line)
        page, line.page = line.page, None
        if page is not None:
            await page.close(code, reason)
        with suppress(ConnectionError, RuntimeError, TimeoutError):
            await line.upstream.close()

    async def _part(self, line: Line) -> None:
        for attempt in range(_PARTING_TRIES):
            try:
                waiting = await line.place.pbx.part(line.account.endpoint, line.place.away)
            except GatewayError as fault:
                log.warning("calls of a page that is gone", pbx=line.account.pbx, fault=type(fault).__name__)
                await asyncio.sleep(0.2 * (attempt + 1))
                continue
            if waiting:
                log.info("clients wait for a page to come back", pbx=line.account.pbx, clients=waiting)
            return

    async def _bring_back(self, line: Line) -> None:
        with suppress(GatewayError):
            rung = await line.place.pbx.bring_back(line.account.endpoint)
            if rung:
                log.info("a page is back with its calls", pbx=line.account.pbx, calls=rung)
