"""`/api/v1/softphone/ws`: SIP between the page and the PBX over a WebSocket (RFC 7118, subprotocol `sip`).

Open to the session whose account it is, from our own origin alone; the session is proved again every few seconds, as
for the live socket, and at once when it is ended here. Frames are bounded in size and pace. What may pass is said by
`gateway.softphones.messages`, where it goes by `gateway.softphones.relay`.
"""

import asyncio
import re
from contextlib import suppress

import asyncpg
import structlog
from aiohttp import WSCloseCode, WSMsgType, web

from gateway.api.live_socket import NoUpgradeError
from gateway.api.parts import ApiParts
from gateway.api.problems import ConflictError, ForeignOriginError, NotSignedInError
from gateway.api.security import Doorkeeper
from gateway.api.sockets import OpenSocket, OpenSockets
from gateway.api.softphone_desk import SoftphoneDesk
from gateway.domain.access import Identity, Right, holds
from gateway.domain.errors import NotAllowed, Rejected
from gateway.softphones.messages import MESSAGE_MAX
from gateway.softphones.relay import TAKEN_OVER, Line, TooFast
from gateway.store.softphones import StoredSoftphone, softphone_of

log = structlog.get_logger()

SESSION_ENDED = 4401
HEARTBEAT_SECONDS = 8.0
"""A page whose network is gone is noticed after half of it more."""
PROOF_SECONDS = 3.0
SEND_SECONDS = 10.0
_PROOF_PATIENCE = 10
_PAGE = re.compile(r"[A-Za-z0-9-]{8,64}")


class NoAccountError(ConflictError):
    """This session has no account at this PBX; ask for one with POST /api/v1/softphone/account."""


class BadPageError(Rejected, ValueError):
    """`page` names this loading of the page: 8 to 64 letters, digits and dashes, another one each time."""


class _PageSocket:
    """The page's end of a line, over a WebSocket."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self._socket = socket

    async def send(self, text: str) -> None:
        """Send a message."""
        async with asyncio.timeout(SEND_SECONDS):
            await self._socket.send_str(text)

    async def close(self, code: int, reason: str) -> None:
        """Close the socket."""
        with suppress(ConnectionError, TimeoutError, RuntimeError):
            async with asyncio.timeout(SEND_SECONDS):
                await self._socket.close(code=code, message=reason.encode())


class SoftphoneSocket:
    """The handler of `/api/v1/softphone/ws`."""

    def __init__(
        self,
        parts: ApiParts,
        guard: Doorkeeper,
        sockets: OpenSockets,
        desk: SoftphoneDesk,
        *,
        proof_seconds: float = PROOF_SECONDS,
    ) -> None:
        self._parts = parts
        self._guard = guard
        self._sockets = sockets
        self._desk = desk
        self._proof_seconds = proof_seconds

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one page until it ends."""
        identity = await self._admitted(request)
        page_id, fresh = request.query.get("page", ""), request.query.get("fresh") == "1"
        if not _PAGE.fullmatch(page_id):
            raise BadPageError
        account = await self._account(identity, request.query.get("pbx", ""))
        with self._sockets.entered(identity) as entry:
            socket = web.WebSocketResponse(
                protocols=("sip",), heartbeat=HEARTBEAT_SECONDS, max_msg_size=MESSAGE_MAX, compress=False
            )
            if not socket.can_prepare(request).ok:
                raise NoUpgradeError
            page = _PageSocket(socket)
            line = await self._desk.lines.attach(account, page, page_id=page_id, fresh=fresh)
            try:
                await socket.prepare(request)
                await self._serve(request, socket, entry, line, account)
            finally:
                await asyncio.shield(self._desk.lines.detach(line, page, socket.close_code))
            return socket

    async def _admitted(self, request: web.Request) -> Identity:
        identity = await self._guard.identify(request)
        if identity is None or identity.session is None:
            raise NotSignedInError
        if request.headers.get("Origin") is None or not self._guard.is_own_origin(request):
            raise ForeignOriginError
        if not holds(identity.principal, Right.CALLS_CONTROL_OWN):
            raise NotAllowed(f"This needs the right {Right.CALLS_CONTROL_OWN}; ask an administrator for it.")
        return identity

    async def _account(self, identity: Identity, pbx: str) -> StoredSoftphone:
        account = None
        if pbx in self._desk.lines.places and identity.session is not None:
            account = await softphone_of(self._parts.pool, pbx, identity.session)
        if account is None:
            raise NoAccountError
        return account

    async def _serve(
        self,
        request: web.Request,
        socket: web.WebSocketResponse,
        entry: OpenSocket,
        line: Line,
        account: StoredSoftphone,
    ) -> None:
        """Carry the page's messages; ends with the page, the session or the gateway."""
        hearing = asyncio.ensure_future(self._hear(socket, line))
        proving = asyncio.ensure_future(self._prove(request, entry, account))
        closing = asyncio.ensure_future(self._sockets.closing.wait())
        try:
            await asyncio.wait((hearing, proving, closing), return_when=asyncio.FIRST_COMPLETED)
            with suppress(ConnectionError, TimeoutError, RuntimeError):
                if proving.done():
                    code, reason = proving.result()
                    await socket.close(code=code, message=reason)
                    self._parts.tasks.create_task(self._desk.sweep(), name="accounts of browsers' phones")
                elif closing.done():
                    await socket.close(code=WSCloseCode.GOING_AWAY, message=b"the gateway stops; connect again")
                elif hearing.done():
                    hearing.result()
        finally:
            for task in (hearing, proving, closing):
                task.cancel()
            await asyncio.gather(hearing, proving, closing, return_exceptions=True)

    async def _hear(self, socket: web.WebSocketResponse, line: Line) -> None:
        async for frame in socket:
            if frame.type is not WSMsgType.TEXT:
                await socket.close(code=WSCloseCode.UNSUPPORTED_DATA, message=b"text only")
                return
            try:
                await self._desk.lines.from_page(line, frame.data)
            except TooFast:
                await socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"messages came too fast")
                return

    async def _prove(self, request: web.Request, entry: OpenSocket, account: StoredSoftphone) -> tuple[int, bytes]:
        """Return why the socket is to be closed, once its session, right or account is no longer what it was."""
        failures = 0
        while not entry.ended.is_set() and failures < _PROOF_PATIENCE:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._proof_seconds):
                    await entry.ended.wait()
            try:
                present = await self._guard.identify(request)
                if present is None or present.principal != entry.identity.principal:
                    break
                if await self._account(present, account.pbx) != account:
                    return TAKEN_OVER, b"another account holds"
                failures = 0
            except NoAccountError:
                return TAKEN_OVER, b"another session has the phone"
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                failures += 1
        return SESSION_ENDED, b"the session has ended; sign in again"
