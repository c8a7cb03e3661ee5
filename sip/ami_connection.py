"""One TCP connection to the Asterisk Manager Interface: log in, send actions, match answers, hand on events.

How it fits: `open_connection` gives a logged-in `AmiConnection` that lives until it is lost and never
reconnects; that is what `doctor` needs for a look. `sip.ami` keeps a session going over many connections.

Rules, and where they come from:

- An answer is ours if it carries the ActionID of an action that is waiting. The ids are 128 random bits, so
  nobody who only places calls can forge an answer (Asterisk page "AMI v2 Specification", ActionID).
  Whatever comes unasked is a **hint**: it goes to the event queue and nothing durable may rest on it.
- The secret travels as MD5(challenge + secret), unless the plain login is asked for (main/manager.c).
- Between reader and consumer stands a bounded queue. When it is full the connection is given up with
  `EventsOverflowed` and its events are thrown away together: the session reconnects, takes a fresh snapshot
  and counts it. Single events are never dropped silently. Reading slower instead would not help: Asterisk
  cuts off a client that does not read, and answers to our actions would wait behind the events.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import ssl
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sip.ami_actions import AmiActions
from sip.ami_errors import (
    ActionDenied,
    ActionFailed,
    ActionTimedOut,
    AmiUnreachable,
    AuthenticationRefused,
    ConnectionLost,
    EventsOverflowed,
    MessageTooLong,
    NotAnAmiServer,
    NotConnected,
)
from sip.ami_protocol import EVENT, AmiParser, Fields, Message, encode_action

_CLOSE_SECONDS = 1.0
_READ_BYTES = 1 << 16
_WRONG_CREDENTIALS = "authentication failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class AmiConfig:
    """How to reach one Asterisk and how patient to be with it.

    Attributes:
        host: name or address of the Asterisk host.
        port: AMI's TCP port.
        username: section of manager.conf.
        secret: its secret; never logged, not part of the repr.
        tls: context for AMI over TLS, None for plain TCP.
        plain_login: send the secret itself instead of an MD5 over a challenge.
        event_classes: classes of events asked for at login; an empty tuple asks for all that the user may
            read. `call` is needed for OriginateResponse, Hold and CEL. Without `dialplan` and `reporting`
            Asterisk does not even send VarSet, Newexten and RTCP events, the greater part of the stream.
        connect_seconds: deadline for TCP (and TLS) and for AMI's greeting.
        action_seconds: deadline for the answer to an action, where the call names none.
        ping_seconds: time between pings.
        pong_seconds: deadline for the answer to a ping; after it the connection counts as dead.
        queue_events: events that may wait for their handlers before the connection is given up. One read of the
            socket (64 KiB) can hold 2,000 very short events, so it should be more than that.
        first_pause_seconds: longest pause before the first reconnect; it doubles with each failure.
        longest_pause_seconds: upper bound of that pause.
        handler_grace_seconds: time a running handler keeps after its connection is lost.
    """

    host: str = "127.0.0.1"
    port: int = 5038
    username: str
    secret: str = field(repr=False)
    tls: ssl.SSLContext | None = None
    plain_login: bool = False
    event_classes: tuple[str, ...] = ("system", "call", "user")
    connect_seconds: float = 5.0
    action_seconds: float = 5.0
    ping_seconds: float = 10.0
    pong_seconds: float = 5.0
    queue_events: int = 10_000
    first_pause_seconds: float = 0.5
    longest_pause_seconds: float = 30.0
    handler_grace_seconds: float = 5.0


@dataclass(slots=True)
class _Waiting:
    finished: Callable[[Message], bool]
    answered: asyncio.Future[None]
    answers: list[Message] = field(default_factory=list)


class AmiConnection(asyncio.BufferedProtocol, AmiActions):
    """A connection as asyncio drives it; make one with `open_connection`.

    It reads into one buffer of its own: measured cheaper than asyncio's new 256 KiB a read, whose messages also
    leave the processor's cache before they are handled.

    Attributes:
        opened_at: when TCP was established (UTC).
        last_received_at: when the server last sent anything, None before that.
    """

    def __init__(self, config: AmiConfig, wanted: frozenset[str] | None = None) -> None:
        """Prepare for asyncio's `create_connection`; `wanted` as in `AmiParser`."""
        self._config = config
        self._parser = AmiParser(wanted=wanted)
        self._inbox = memoryview(bytearray(_READ_BYTES))
        self._waiting: dict[str, _Waiting] = {}
        self._events: deque[Message] = deque()
        self._stirred = asyncio.Event()  # events came, or the connection was lost
        self._greeted = asyncio.Event()  # the banner came, or the connection was lost
        self._closed = asyncio.Event()  # the transport is gone
        self._lost: ConnectionLost | None = None
        self._transport: asyncio.Transport | None = None
        self._received_at = 0.0
        self.opened_at = datetime.now(UTC)

    @property
    def lost(self) -> ConnectionLost | None:
        """Why the connection ended, None while it lives."""
        return self._lost

    @property
    def banner(self) -> str | None:
        """The server's greeting, such as `Asterisk Call Manager/11.0.0`; None before it."""
        return self._parser.banner

    @property
    def last_received_at(self) -> datetime | None:
        """When the server last sent anything (UTC), None before that."""
        return datetime.fromtimestamp(self._received_at, UTC) if self._received_at else None

    @property
    def events_waiting(self) -> int:
        """Events that wait for the consumer."""
        return len(self._events)

    def keep(self, wanted: frozenset[str] | None) -> None:
        """Change the names of the events to keep from here on (None for every event)."""
        self._parser.keep(wanted)

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """TCP is up; the greeting comes next."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where asyncio puts what comes next."""
        return self._inbox

    def buffer_updated(self, nbytes: int) -> None:
        """Bytes came: give each message to the action it answers, or to the event queue."""
        self._received_at = time.time()
        try:
            for message in self._parser.feed(bytes(self._inbox[:nbytes])):
                if not (self._waiting and self._answers(message)) and message.kind is EVENT:
                    self._events.append(message)
        except (MessageTooLong, NotAnAmiServer) as error:
            self.give_up(ConnectionLost(str(error)))
        if self._parser.banner is not None:
            self._greeted.set()
        if len(self._events) > self._config.queue_events:
            self._events.clear()
            self.give_up(EventsOverflowed(self._config.queue_events))
        if self._events:
            self._stirred.set()

    def connection_lost(self, error: Exception | None) -> None:
        """TCP ended, for whatever reason."""
        self._closed.set()
        self.give_up(ConnectionLost(str(error) if error else "closed by the server"))

    def give_up(self, reason: ConnectionLost) -> None:
        """End the connection at once; everybody who waits gets the reason. The first reason stays."""
        if self._lost is not None:
            return
        self._lost = reason
        for waiting in self._waiting.values():
            if not waiting.answered.done():
                waiting.answered.set_exception(ConnectionLost(reason.reason))
        self._greeted.set()
        self._stirred.set()
        if self._transport is not None:
            self._transport.abort()

    def _answers(self, message: Message) -> bool:
        """Give a message to the action that waits for it, if there is one."""
        waiting = self._waiting.get(message.action_id)
        if waiting is None:
            return False
        waiting.answers.append(message)
        if waiting.finished(message) and not waiting.answered.done():
            waiting.answered.set_result(None)
        return True

    # the gateway's side

    async def exchange(
        self, name: str, fields: Fields, finished: Callable[[Message], bool], timeout: float | None = None
    ) -> list[Message]:
        """Send an action and collect every message that carries its ActionID until one finishes it.

        Args:
            name: the action.
            fields: its headers, as in `encode_action`.
            finished: says of a message whether it is the last.
            timeout: seconds to wait for it, None for the configured deadline.

        Returns:
            The messages in order; the last one is the one that finished it.

        Raises:
            FieldRefused, NotConnected: nothing was sent.
            ActionTimedOut, ConnectionLost: the outcome is unknown.
        """
        action_id = secrets.token_hex(16)
        packet = encode_action(name, action_id, fields)
        if self._lost is not None or self._transport is None:
            raise NotConnected
        seconds = self._config.action_seconds if timeout is None else timeout
        waiting = _Waiting(finished, asyncio.get_running_loop().create_future())
        self._waiting[action_id] = waiting
        self._parser.answers_due = True
        self._transport.write(packet)
        try:
            async with asyncio.timeout(seconds):
                await waiting.answered
        except TimeoutError:
            raise ActionTimedOut(name, seconds) from None
        finally:
            del self._waiting[action_id]
            self._parser.answers_due = bool(self._waiting)
        return waiting.answers

    async def events(self) -> AsyncIterator[Iterator[Message]]:
        """Give the events that nobody's action asked for, in order and in batches; they are hints.

        Returns:
            Batches; take each to its end before the next.

        Raises:
            ConnectionLost: the connection ended; the events before that have been given.
        """
        while True:
            while self._events:
                yield self._drain()
            if self._lost is not None:
                raise self._lost
            self._stirred.clear()
            await self._stirred.wait()

    def _drain(self) -> Iterator[Message]:
        while self._events:  # an event stays in the bounded queue until it is its turn
            yield self._events.popleft()

    async def wait_lost(self, seconds: float) -> ConnectionLost | None:
        """Wait at most so many seconds until the connection is lost; the reason, or None if it lives."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._closed.wait()
        return self._lost

    async def login(self) -> None:
        """Wait for the greeting and log in.

        Raises:
            AuthenticationRefused: user, secret or address are not accepted.
            AmiUnreachable: no greeting in time, or Asterisk takes no logins at the moment.
        """
        config = self._config
        try:
            async with asyncio.timeout(config.connect_seconds):
                await self._greeted.wait()
            if self._lost is not None:
                raise self._lost
            await self.action("Login", await self._credentials())
        except ActionDenied:
            raise AuthenticationRefused(config.host, config.port, config.username) from None
        except ActionFailed as refusal:
            if refusal.reason.casefold() == _WRONG_CREDENTIALS:
                raise AuthenticationRefused(config.host, config.port, config.username) from None
            raise AmiUnreachable(config.host, config.port, f"login answered {refusal.reason!r}") from refusal
        except TimeoutError:
            raise AmiUnreachable(config.host, config.port, "no answer at login in time") from None
        except (ConnectionLost, NotConnected) as lost:
            raise AmiUnreachable(config.host, config.port, str(lost)) from lost

    async def _credentials(self) -> Fields:
        config = self._config
        who = {"Username": config.username, "Events": ",".join(config.event_classes) or "on"}
        if config.plain_login:
            return who | {"Secret": config.secret}
        challenge = (await self.action("Challenge", {"AuthType": "MD5"})).get("Challenge", "")
        key = hashlib.md5((challenge + config.secret).encode(), usedforsecurity=False)
        return who | {"AuthType": "MD5", "Key": key.hexdigest()}

    async def close(self) -> None:
        """Log off politely, and hang up if the server takes no notice."""
        if self._transport is not None and self._lost is None:
            self._transport.write(encode_action("Logoff", secrets.token_hex(16), {}))
            self._transport.close()
        if await self.wait_lost(_CLOSE_SECONDS) is None:
            self.give_up(ConnectionLost("closed by us"))


@asynccontextmanager
async def open_connection(config: AmiConfig, wanted: frozenset[str] | None = None) -> AsyncIterator[AmiConnection]:
    """Connect and log in; log off and close at the end.

    Args:
        config: where and as whom.
        wanted: names of the events to keep, None for all.

    Raises:
        AmiUnreachable: no connection, no greeting, or no login at the moment.
        AuthenticationRefused: user, secret or address are not accepted.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(config.connect_seconds):
            _, connection = await loop.create_connection(
                lambda: AmiConnection(config, wanted), config.host, config.port, ssl=config.tls
            )
    except OSError as error:  # TimeoutError is one as well
        reason = str(error) or f"no connection within {config.connect_seconds:g} s"
        raise AmiUnreachable(config.host, config.port, reason) from error
    try:
        await connection.login()
        yield connection
    finally:
        await connection.close()
