"""A receiver of webhooks on the loopback that answers as it is told, verifies signatures and keeps what it got."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from standardwebhooks import Webhook

Answer = Callable[[web.Request], Coroutine[Any, Any, web.StreamResponse]]


@dataclass(slots=True)
class Receiver:
    """What it got and how it answers."""

    url: str = ""
    secret: str = ""
    """Signatures are checked with it; empty: they are not."""
    answer: Answer | None = None
    """None: 204."""
    got: list[dict[str, Any]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0

    @property
    def kinds(self) -> list[str]:
        """The kinds of the messages, in the order in which they came."""
        return [str(message["type"]) for message in self.got]

    def answers(self, status: int, **more: Any) -> None:
        """Answer with this from now on."""

        async def answer(_: web.Request) -> web.Response:
            return web.Response(status=status, **more)

        self.answer = answer

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Take one message."""
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            raw = await request.read()
            headers = {name.lower(): value for name, value in request.headers.items()}
            message = Webhook(self.secret or "whsec_AAAA").verify(raw, headers) if self.secret else await request.json()
            self.got.append(message)
            self.ids.append(headers["webhook-id"])
            self.headers.append(headers)
            self.raw.append(raw)
            return await self.answer(request) if self.answer else web.Response(status=204)
        finally:
            self.at_once -= 1


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """A receiver on a free port."""
    receiver = Receiver()
    app = web.Application(client_max_size=2**20)
    app.router.add_route("*", "/{any:.*}", receiver.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        receiver.url = f"http://{host}:{port}/hook"
        yield receiver
    finally:
        await runner.cleanup()


@asynccontextmanager
async def raw_server(talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Any]) -> AsyncIterator[str]:
    """A server that speaks no HTTP of its own: `talk` gets each connection. Gives its URL."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    try:
        yield f"http://{host}:{port}/hook"
    finally:
        server.close()
