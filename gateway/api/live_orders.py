"""Orders over the live socket: the client writes `{"do": "hold", "id": "...", "call": "..."}` and is answered there.

Nothing is decided here. What is to be done names a row of the route table, and the order takes that row's way: who is
calling and may he, is it well formed, its Idempotency-Key (`id`), the handler. So both doors know the same orders, the
same key never does one twice whichever door it came through, and a problem is the same document.
"""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from aiohttp import web

from gateway.api.problems import MalformedBodyError, NotSignedInError, TooManyAttemptsError, refused_value
from gateway.api.routing import Endpoint
from gateway.api.security import IDEMPOTENCY_PATTERN, Doorkeeper
from gateway.domain.errors import GatewayError, NotAllowed

AT_ONCE = 4
"""Orders of one socket that may be under way together."""
PER_SECOND = 5.0
BURST = 10.0
PATIENCE = 50
"""Orders in a row that may come too fast before the socket is closed."""

ROUTES = {
    "call": "POST /calls",
    "hold": "POST /calls/{call_id}/hold",
    "resume": "POST /calls/{call_id}/resume",
    "digits": "POST /calls/{call_id}/digits",
    "transfer": "POST /calls/{call_id}/transfer",
    "consult": "POST /calls/{call_id}/consult",
    "consult_complete": "POST /calls/{call_id}/consult/complete",
    "consult_abandon": "POST /calls/{call_id}/consult/abandon",
    "recording_pause": "POST /calls/{call_id}/recording/pause",
    "recording_resume": "POST /calls/{call_id}/recording/resume",
    "listen": "POST /calls/{call_id}/listen",
    "whisper": "POST /calls/{call_id}/whisper",
    "barge": "POST /calls/{call_id}/barge",
    "hang_up": "DELETE /calls/{call_id}",
    "cancel": "DELETE /commands/{command_id}",
}
"""What `do` may be, and the row of the route table that does it."""
_NAMED = {"call_id": "call", "command_id": "command"}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Through = Callable[[web.Request, Handler], Awaitable[web.StreamResponse]]
"""Turns errors into problem documents, as for every request."""


class TooFast(GatewayError):
    """This socket sends orders faster than anybody clicks, and did not stop; it is closed."""


@dataclass(slots=True)
class Pace:
    """How fast one socket orders: a bucket of tokens."""

    tokens: float = BURST
    at: float = 0.0
    under_way: int = 0
    refused: int = 0

    def begins(self, now: float) -> bool:
        """Whether one more order may begin.

        Raises:
            TooFast: too many came too fast.
        """
        self.tokens = min(BURST, self.tokens + (now - self.at) * PER_SECOND) if self.at else BURST
        self.at = now
        if self.tokens < 1 or self.under_way >= AT_ONCE:
            self.refused += 1
            if self.refused >= PATIENCE:
                raise TooFast
            return False
        self.tokens -= 1
        self.refused = 0
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    """A message that was read."""

    id: str
    do: str
    values: Mapping[str, object] = field(default_factory=dict)


class LiveOrders:
    """Takes what clients of the live socket order."""

    def __init__(self, endpoints: Iterable[Endpoint], guard: Doorkeeper, through: Through) -> None:
        """Args:
        endpoints: of the route table.
        guard: says who is calling, at each order anew.
        through: makes problem documents of errors.
        """
        known = {endpoint.template: endpoint for endpoint in endpoints}
        self._endpoints = {do: known[template] for do, template in ROUTES.items()}
        self._guard = guard
        self._through = through

    async def answer(self, request: web.Request, text: str, pace: Pace) -> dict[str, object]:
        """Do what one message orders; gives the message to send back.

        Args:
            request: with which the socket was opened.
            text: as it came.
            pace: of the socket.

        Raises:
            TooFast: the socket is to be closed.
        """
        allowed = pace.begins(asyncio.get_running_loop().time())
        told: list[str | None] = [None]

        async def handle(_: web.Request) -> web.StreamResponse:
            wish = _read(text, told)
            if not allowed:
                raise TooManyAttemptsError(timedelta(seconds=1))
            return await self._done(request, wish)

        pace.under_way += allowed
        try:
            response = await self._through(request, handle)
        finally:
            pace.under_way -= allowed
        return {"kind": "command.answer", "replay": False, "body": _told(told[0], response)}

    async def _done(self, request: web.Request, wish: _Wish) -> web.StreamResponse:
        identity = await self._guard.identify(request)
        if identity is None:
            raise NotSignedInError
        if request.headers.get("Authorization", "").lower().startswith("basic"):
            raise NotAllowed(
                "A browser sends Basic by itself, also for foreign pages; orders need a session or Bearer."
            )
        endpoint = self._endpoints[wish.do]
        values = dict(wish.values)
        path = {name: str(values.pop(_NAMED[name], "")) for name in endpoint.path_model.model_fields}
        return await endpoint.ordered(request, identity, path=path, body=json.dumps(values).encode(), key=wish.id)


def _read(text: str, told: list[str | None]) -> _Wish:
    """The order in a message; its id is kept apart, so that a refusal can bear it.

    Raises:
        MalformedBodyError, InvalidRequestError: it is none.
    """
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        raise MalformedBodyError("This is no JSON; send one object with `do` and `id`.") from None
    if not isinstance(message, dict):
        raise MalformedBodyError("Send one object with `do` and `id`.")
    id, do = message.pop("id", None), message.pop("do", None)
    if not isinstance(id, str) or not re.fullmatch(IDEMPOTENCY_PATTERN, id):
        raise refused_value("id", "Give each order an id of its own: 1 to 255 visible ASCII characters.", code="id")
    told[0] = id
    if not isinstance(do, str) or do not in ROUTES:
        raise refused_value("do", f"There is: {', '.join(ROUTES)}.", code="do")
    return _Wish(id=id, do=do, values=message)


def _told(id: str | None, response: web.StreamResponse) -> dict[str, object]:
    """The answer of a route as a message's body."""
    body = getattr(response, "body", None)
    content = json.loads(body) if isinstance(body, bytes) and body else None
    fine = response.status < 400
    return {
        "id": id,
        "status": response.status,
        "command": content if fine else None,
        "problem": None if fine else content,
    }
