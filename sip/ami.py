"""A lasting session with one Asterisk over AMI: connect, take stock, hand on hints, reconnect, for ever.

How it fits: `open_ami` gives an `AmiSession`; `app.py` runs `session.run()` in its TaskGroup and gives the
session to whoever sends actions. Commands, the answer to Originate, Hold/Unhold and the snapshot come this
way; the record of calls is the CEL journal and nothing durable rests on an event that comes here unasked: a
caller can forge whole events through his number, and what Asterisk sent while nobody listened is gone.

What is promised:

- After every connect the *resync* hooks run with a fresh snapshot before any event of that connection is
  handled. Another start time than last time means that Asterisk was restarted.
- Events are handled one after the other in their order. A handler's error is logged and counted and touches
  neither the reader nor the next handler. An error in a resync hook breaks the connection, which is then made
  anew: without its snapshot the gateway would work on from a wrong picture.
- The queue between reader and handlers is bounded. Overflow is never silent: the connection is given up,
  counted in `AmiState.overflows`, made anew and resynced.
- A ping with a deadline finds a server that is silent or stalled. Reconnects wait longer each time (doubling,
  with jitter, up to a bound), and from the start again once a connection has lasted.
- A refused login is no matter of time: `run` ends with `AuthenticationRefused` for a person to see.
"""

from __future__ import annotations

import asyncio
import random
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from gateway.domain.errors import TryAgain
from sip.ami_actions import AmiActions
from sip.ami_answers import Channels, ClockReading
from sip.ami_connection import AmiConfig, AmiConnection, open_connection
from sip.ami_errors import (
    ActionDenied,
    ActionFailed,
    ActionTimedOut,
    ConnectionLost,
    EventsOverflowed,
    NotConnected,
)
from sip.ami_protocol import Fields, Message

__all__ = ["AmiConfig", "AmiSession", "AmiState", "Snapshot", "open_ami"]

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

Handler = Callable[[Message], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What Asterisk says of itself right after a connect; asked for, so it may be believed.

    Attributes:
        channels: the open channels, or None where the user lacks the right `reporting`.
        started: Asterisk's start in the PBX's own zone, empty where the user lacks the right. Store it, and a
            restart that happened while the gateway was down is seen as well.
        restarted: True if Asterisk was restarted since this session's last connection.
        taken_at: our time (UTC) before the question was sent.
    """

    channels: Channels | None
    started: str
    restarted: bool
    taken_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AmiState:
    """How the session is doing, for `doctor`, `/readyz` and `/metrics`.

    Attributes:
        connected_since: since when it is connected and in step (UTC), None if it is not.
        last_received_at: when Asterisk last sent anything on the present connection (UTC).
        connects: connections that got as far as the snapshot.
        reconnects: the same without the first.
        overflows: connections given up because handlers were too slow.
        handler_errors: events whose handler failed.
        events_waiting: events that wait for their handlers.
        last_error: why there was no connection or the last one ended, None before any trouble.
        banner: Asterisk's greeting on the present connection.
        asterisk_started: Asterisk's start as in `Snapshot.started`.
        clock: the PBX's clock against ours, None before the first answer to a ping.
    """

    connected_since: datetime | None
    last_received_at: datetime | None
    connects: int
    reconnects: int
    overflows: int
    handler_errors: int
    events_waiting: int
    last_error: str | None
    banner: str | None
    asterisk_started: str
    clock: ClockReading | None


ResyncHook = Callable[[Snapshot], Awaitable[None]]


class AmiSession(AmiActions):
    """Make one with `open_ami`, register handlers, then run `run()` in a TaskGroup."""

    def __init__(self, config: AmiConfig) -> None:
        self._config = config
        self._handlers: dict[str, tuple[Handler, ...]] = {}
        self._handlers_of_all: tuple[Handler, ...] = ()
        self._resync_hooks: list[ResyncHook] = []
        self._connection: AmiConnection | None = None
        self._closed = False
        self._in_step = asyncio.Event()
        self._connected_since: datetime | None = None
        self._connects = 0
        self._overflows = 0
        self._handler_errors = 0
        self._last_error: str | None = None
        self._started = ""
        self._clock: ClockReading | None = None

    def on(self, names: Iterable[str] | None, handler: Handler) -> None:
        """Have a coroutine called with every event of these names.

        Events that nobody asked for are recognised by name and dropped before they are parsed.

        Args:
            names: names of events, None for every event.
            handler: awaited with the event; it may fail without harm, but should not be slow.
        """
        if names is None:
            self._handlers_of_all += (handler,)
            self._handlers = {name: (*known, handler) for name, known in self._handlers.items()}
        else:
            for name in names:
                self._handlers[name] = (*self._handlers.get(name, self._handlers_of_all), handler)
        if self._connection is not None:
            self._connection.keep(self._wanted)

    def on_resync(self, hook: ResyncHook) -> None:
        """Have a coroutine called with a snapshot after every connect, before that connection's events."""
        self._resync_hooks.append(hook)

    @property
    def state(self) -> AmiState:
        """How the session is doing at this moment."""
        connection = self._connection
        return AmiState(
            connected_since=self._connected_since,
            last_received_at=connection.last_received_at if connection else None,
            connects=self._connects,
            reconnects=max(0, self._connects - 1),
            overflows=self._overflows,
            handler_errors=self._handler_errors,
            events_waiting=connection.events_waiting if connection else 0,
            last_error=self._last_error,
            banner=connection.banner if connection else None,
            asterisk_started=self._started,
            clock=self._clock,
        )

    async def wait_connected(self, timeout: float | None = None) -> None:
        """Wait until the session is connected and resynced.

        Args:
            timeout: seconds, None to wait for ever.

        Raises:
            TimeoutError: it is not by then; `state.last_error` says why.
        """
        async with asyncio.timeout(timeout):
            await self._in_step.wait()

    async def run(self) -> None:
        """Keep the session going until it is cancelled or closed: connect, resync, handle events, reconnect.

        Raises:
            AuthenticationRefused: Asterisk refuses user, secret or address; a person must see to it.
        """
        failures = 0
        while not self._closed:
            begun = time.monotonic()
            try:
                await self._one_connection()
            except* TryAgain as trouble:
                self._note_trouble(trouble)
            if (task := asyncio.current_task()) is not None and task.cancelling():
                # A group whose child fails at the very moment of a cancel gives the fault alone (Python 3.11).
                raise asyncio.CancelledError
            lasted = time.monotonic() - begun > self._config.longest_pause_seconds
            failures = 0 if lasted else failures + 1
            await asyncio.sleep(self._pause(max(0, failures - 1)))

    async def exchange(
        self, name: str, fields: Fields, finished: Callable[[Message], bool], timeout: float | None = None
    ) -> list[Message]:
        """Send an action over the present connection, as `AmiConnection.exchange` does.

        Raises:
            NotConnected: there is none; nothing was sent.
        """
        if self._connection is None:
            raise NotConnected
        return await self._connection.exchange(name, fields, finished, timeout)

    def close(self) -> None:
        """Stop: drop the connection and make no other. Cancelling `run` logs off and is the polite way."""
        self._closed = True
        if self._connection is not None:
            self._connection.give_up(ConnectionLost("the session was closed"))

    @property
    def _wanted(self) -> frozenset[str] | None:
        return None if self._handlers_of_all else frozenset(self._handlers)

    def _pause(self, failures: int) -> float:
        doubled = self._config.first_pause_seconds * 2.0 ** min(failures, 30)
        bound = min(self._config.longest_pause_seconds, doubled)
        return bound * random.uniform(0.5, 1.0)  # noqa: S311 - spreads reconnects, guards nothing

    def _note_trouble(self, trouble: BaseExceptionGroup[TryAgain]) -> None:
        self._last_error = "; ".join(dict.fromkeys(str(reason) for reason in _leaves(trouble)))
        log.warning("AMI connection ended", host=self._config.host, reason=self._last_error)

    async def _one_connection(self) -> None:
        async with open_connection(self._config, self._wanted) as connection:
            self._connection = connection
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._watch(connection))
                    await self._resync(connection)
                    await self._hand_on(connection)
            finally:
                self._overflows += isinstance(connection.lost, EventsOverflowed)
                self._in_step.clear()
                self._connected_since = None
                self._connection = None

    async def _watch(self, connection: AmiConnection) -> None:
        """Ping until the connection dies; then let a running handler finish, but not for ever."""
        while not await connection.wait_lost(self._config.ping_seconds):
            with suppress(ConnectionLost, NotConnected):  # the reason is in `connection.lost`
                await self._ping(connection)
        await asyncio.sleep(self._config.handler_grace_seconds)
        raise ConnectionLost("a handler held up the end of a lost connection and was cancelled")

    async def _ping(self, connection: AmiConnection) -> None:
        try:
            self._clock = await connection.read_clock(timeout=self._config.pong_seconds) or self._clock
        except (ActionTimedOut, ActionFailed, ActionDenied) as error:
            connection.give_up(ConnectionLost(f"ping: {error}"))

    async def _resync(self, connection: AmiConnection) -> None:
        await self._ping(connection)
        if connection.lost is not None:
            raise connection.lost
        try:
            snapshot = await self._take_snapshot(connection)
        except ActionFailed as failure:  # such as "Asterisk is shutting down"
            raise ConnectionLost(str(failure)) from failure
        for hook in self._resync_hooks:
            await self._run_hook(hook, snapshot)
        self._started = snapshot.started or self._started
        self._connects += 1
        self._connected_since = datetime.now(UTC)
        self._in_step.set()
        log.info("AMI connected", host=self._config.host, asterisk_restarted=snapshot.restarted)

    async def _take_snapshot(self, connection: AmiConnection) -> Snapshot:
        taken_at = datetime.now(UTC)
        channels, started = None, ""
        try:
            started = (await connection.core_status()).started
            channels = await connection.core_show_channels()
        except ActionDenied as denied:
            # without the right there is no snapshot, but commands and previews still work
            self._last_error = str(denied)
            log.error("AMI snapshot denied", host=self._config.host, action=denied.action)
        restarted = bool(self._started and started and started != self._started)
        return Snapshot(channels=channels, started=started, restarted=restarted, taken_at=taken_at)

    async def _run_hook(self, hook: ResyncHook, snapshot: Snapshot) -> None:
        try:
            await hook(snapshot)
        except TryAgain:
            raise
        except Exception as error:
            # the top of foreign code: its error ends this connection, not the session
            log.error("AMI resync failed", error=type(error).__name__, where=_where(error))
            raise ConnectionLost(f"resync failed with {type(error).__name__}") from error

    async def _hand_on(self, connection: AmiConnection) -> None:
        async for events in connection.events():
            for event in events:
                for handler in self._handlers.get(event.name, self._handlers_of_all):
                    try:
                        await handler(event)
                    except Exception as error:  # noqa: BLE001 - the top of foreign code: no handler stops the session
                        self._note_handler_error(event, error)

    def _note_handler_error(self, event: Message, error: Exception) -> None:
        self._handler_errors += 1
        log.error("AMI handler failed", event_name=event.name, error=type(error).__name__, where=_where(error))


@asynccontextmanager
async def open_ami(config: AmiConfig) -> AsyncIterator[AmiSession]:
    """Give a session; it connects once `session.run()` runs in a TaskGroup of the caller's.

    Args:
        config: where, as whom, and how patiently.
    """
    session = AmiSession(config)
    try:
        yield session
    finally:
        session.close()


def _leaves(group: BaseExceptionGroup[TryAgain]) -> Iterable[TryAgain]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error


def _where(error: Exception) -> str:
    """File and line of an error: its text could hold a caller's number."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "unknown"
