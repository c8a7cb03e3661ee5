"""`/api/v1/live`: what happens, as it happens, over a WebSocket.

On connect the open calls are sent as they stand (`replay: true`), then every happening that the caller may see. A
message is one JSON object `{"kind", "replay", "body"}`. What the client sends are orders (`gateway.api.live_orders`):
each is answered by `command.answer`, at a pace that is bounded.
Best effort: who was away or too slow gets `resync` and connects again; what must not be missed is in `/events`.
The session is proved again every few seconds and at once when it is ended here.
"""

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress

import asyncpg
import structlog
from aiohttp import WSCloseCode, WSMsgType, web

from gateway.api.calls import named_views
from gateway.api.live_orders import LiveOrders, Pace, TooFast
from gateway.api.naming import LiveNames
from gateway.api.parts import ApiParts
from gateway.api.problems import ForeignOriginError, NotSignedInError
from gateway.api.routing import API_PREFIX
from gateway.api.security import Doorkeeper
from gateway.api.sight import card_of, sight_of, unseen_cards
from gateway.api.sockets import OpenSocket, OpenSockets
from gateway.api.visibility import owners, reach, sees_event
from gateway.domain.access import Identity, Right, holds
from gateway.domain.call_view import named
from gateway.domain.errors import GatewayError, NotAllowed, Rejected
from gateway.live import Happening, Listener
from gateway.store.reading import open_calls

log = structlog.get_logger()

PATH = API_PREFIX + "/live"
SESSION_ENDED = 4401
RESYNC = 4408
MESSAGE_MAX = 4096
"""Bytes of a message from the client: an order."""
HEARTBEAT_SECONDS = 20.0
PROOF_SECONDS = 3.0
PROOF_PATIENCE = 10
"""Proofs in a row that may fail for want of a database before the socket is closed."""
SEND_SECONDS = 15.0
TOGETHER = 100
"""Happenings whose names are read together at most."""


class NoUpgradeError(Rejected, ValueError):
    """This address speaks WebSocket only (RFC 6455); connect with ws:// or wss://."""


class _Close(GatewayError):
    """The socket is to be closed; a way out of its tasks that is never seen outside."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class LiveSocket:
    """The handler of `/api/v1/live`."""

    def __init__(
        self,
        parts: ApiParts,
        guard: Doorkeeper,
        sockets: OpenSockets,
        orders: LiveOrders,
        *,
        proof_seconds: float = PROOF_SECONDS,
    ) -> None:
        self._parts = parts
        self._guard = guard
        self._sockets = sockets
        self._orders = orders
        self._names = LiveNames(parts.pool)
        self._proof_seconds = proof_seconds

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one socket until it ends."""
        identity = await self._guard.identify(request)
        if identity is None:
            raise NotSignedInError
        if identity.session is not None and not self._guard.is_own_origin(request):
            raise ForeignOriginError
        if not holds(identity.principal, Right.CALLS_READ_OWN):
            raise NotAllowed(f"This needs the right {Right.CALLS_READ_OWN}; ask an administrator for it.")
        with self._sockets.entered(identity) as entry:
            socket = web.WebSocketResponse(heartbeat=HEARTBEAT_SECONDS, max_msg_size=MESSAGE_MAX, compress=False)
            if not socket.can_prepare(request).ok:
                raise NoUpgradeError
            await socket.prepare(request)
            await self._serve(request, socket, entry)
            return socket

    async def _serve(self, request: web.Request, socket: web.WebSocketResponse, entry: OpenSocket) -> None:
        code: int = WSCloseCode.OK
        reason = ""
        try:
            with self._parts.live.listening() as listener:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._send(socket, entry.identity, listener))
                    tasks.create_task(self._hear(request, socket))
                    tasks.create_task(_overrun(listener))
                    tasks.create_task(self._prove(request, entry))
                    tasks.create_task(self._until_closing())
        except* _Close as group:
            code, reason = _first(group)
        except* (ConnectionError, TimeoutError):
            code, reason = WSCloseCode.GOING_AWAY, "too slow"
        except* (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            code, reason = WSCloseCode.TRY_AGAIN_LATER, "the database is away; connect again"
        with suppress(ConnectionError, TimeoutError):
            if code == RESYNC:
                await self._write(socket, {"kind": "resync", "replay": False, "body": {}})
            async with asyncio.timeout(SEND_SECONDS):
                await socket.close(code=code, message=reason.encode())

    async def _send(self, socket: web.WebSocketResponse, identity: Identity, listener: Listener) -> None:
        """The open calls first; what happened to them while they were read is told after them, and not twice."""
        shown: dict[object, object] = {}
        only = reach(identity.principal, Right.CALLS_READ_OWN)
        found = await open_calls(self._parts.pool)
        calls = [call for call in found if only is None or str(only) in owners(call.users)]
        for body in await named_views(self._parts, calls, identity.principal):
            shown[body["id"]] = body["revision"]
            await self._write(socket, {"kind": f"call.{body['state']}", "replay": True, "body": body})
        await self._write(socket, {"kind": "live", "replay": False, "body": {}})
        while True:
            happenings = [
                happening
                for happening in await _waiting(listener)
                if sees_event(identity.principal, happening.kind, happening.users) and not _stale(happening, shown)
            ]
            await self._tell(socket, identity, happenings)

    async def _tell(self, socket: web.WebSocketResponse, identity: Identity, happenings: Sequence[Happening]) -> None:
        """Send happenings, calls with the names that their reader may see."""
        names = await self._names.of([happening.body for happening in happenings])
        cards = await sight_of(self._parts.pool, identity.principal, names)
        told = [(happening.kind, happening.body) for happening in happenings]
        unseen = await unseen_cards(self._parts.pool, identity.principal, told)
        for happening, known in zip(happenings, names, strict=True):
            if card_of(happening.kind, happening.body) in unseen:
                continue
            body = named(happening.body, known, cards=cards) if "managers" in happening.body else happening.body
            await self._write(socket, {"kind": happening.kind, "replay": False, "body": body})

    async def _write(self, socket: web.WebSocketResponse, message: dict[str, object]) -> None:
        async with asyncio.timeout(SEND_SECONDS):
            await socket.send_str(json.dumps(message, ensure_ascii=False))

    async def _prove(self, request: web.Request, entry: OpenSocket) -> None:
        """End the socket when its session, key or role is no longer what it was."""
        failures = 0
        while not entry.ended.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(self._proof_seconds):
                    await entry.ended.wait()
            if entry.ended.is_set():
                break
            try:
                present = await self._guard.identify(request)
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                failures += 1
                if failures >= PROOF_PATIENCE:
                    raise
                continue
            failures = 0
            if present is None or present.principal != entry.identity.principal:
                break
        raise _Close(SESSION_ENDED, "the session has ended; sign in again")

    async def _hear(self, request: web.Request, socket: web.WebSocketResponse) -> None:
        """Read what the client sends: orders, pings and its going.

        An order is done in a task of the application's own group: a client who goes away does not cut it off.
        """
        pace, cut = Pace(), asyncio.Event()

        async def order(text: str) -> None:
            try:
                message = await self._orders.answer(request, text, pace)
            except TooFast:
                cut.set()
                return
            with suppress(ConnectionError, TimeoutError):  # he is gone; what he ordered is done all the same
                await self._write(socket, message)

        async for message in socket:
            if message.type is WSMsgType.BINARY:
                raise _Close(WSCloseCode.UNSUPPORTED_DATA, "text only")
            if message.type is WSMsgType.TEXT and not cut.is_set():
                self._parts.tasks.create_task(order(message.data), name="order of a live socket")
                await asyncio.sleep(0)
            if cut.is_set():
                raise _Close(WSCloseCode.POLICY_VIOLATION, "orders came too fast")
        raise _Close(WSCloseCode.OK, "")

    async def _until_closing(self) -> None:
        await self._sockets.closing.wait()
        raise _Close(WSCloseCode.GOING_AWAY, "the gateway stops; connect again")


async def _waiting(listener: Listener) -> list[Happening]:
    """What waits to be told, in its order; waits for the first."""
    waiting = [await listener.queue.get()]
    while len(waiting) < TOGETHER and not listener.queue.empty():
        waiting.append(listener.queue.get_nowait())
    return waiting


def _stale(happening: Happening, shown: dict[object, object]) -> bool:
    """Whether the replay has shown this state of the call already."""
    revision, known = happening.body.get("revision"), shown.get(happening.body.get("id"))
    if not isinstance(revision, int) or not isinstance(known, int):
        return False
    return revision <= known


async def _overrun(listener: Listener) -> None:
    await listener.overrun.wait()
    raise _Close(RESYNC, "too slow; connect again")


def _first(group: BaseExceptionGroup[_Close]) -> tuple[int, str]:
    """The close that says most: that of the session before that of the client's own going."""
    closes: list[_Close] = []
    rest: list[BaseException] = [group]
    while rest:
        match rest.pop():
            case BaseExceptionGroup() as inner:
                rest += inner.exceptions
            case _Close() as close:
                closes.append(close)
    chosen = max(closes, key=lambda close: close.code)
    return chosen.code, chosen.reason
