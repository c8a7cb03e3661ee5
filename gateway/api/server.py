"""The HTTP server: the whole route table, the live socket, health and metrics, as one aiohttp application.

`gateway/app.py` hands in ready objects (`ApiParts`) and serves what `make_app` gives. Every request takes the way of
`gateway.api.routing`; every error becomes a problem document.
"""

from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
from aiohttp import web

from gateway.api import live_socket
from gateway.api.calls import Calls
from gateway.api.commands import Commands
from gateway.api.live_socket import LiveSocket
from gateway.api.openapi import add_document
from gateway.api.parts import ApiParts
from gateway.api.problems import problem_middleware
from gateway.api.routing import Route, add_routes
from gateway.api.security import Doorkeeper
from gateway.api.sessions import Sessions
from gateway.api.sockets import OpenSockets
from gateway.api.users import Users
from gateway.domain.errors import GatewayError, TryAgain
from gateway.store.access import AccessStore
from gateway.store.idempotency import give_up_silent

__all__ = ["ApiParts", "make_app", "route_table"]

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class DatabaseAwayError(TryAgain):
    """The database is not reachable at the moment; nothing was changed, try again in a few seconds."""


def route_table(parts: ApiParts, sockets: OpenSockets) -> tuple[Route, ...]:
    """Every route below `/api/v1`, by resource."""
    return (
        *Sessions(parts, sockets).routes(),
        *Users(parts, sockets).routes(),
        *Calls(parts).routes(),
        *Commands(parts).routes(),
    )


def make_app(parts: ApiParts) -> web.Application:
    """The application, ready to be run by an `AppRunner`.

    Args:
        parts: what it is made of; they must outlive it.
    """
    sockets = OpenSockets()
    store = AccessStore(parts.pool)
    guard = Doorkeeper(sessions=store, keys=store, public_url=parts.settings.public_url)
    app = web.Application(middlewares=[problem_middleware, database_middleware])
    endpoints = add_routes(app, route_table(parts, sockets), guard)
    add_document(app, endpoints, title="Trunkline", version=parts.version)
    app.router.add_get(live_socket.PATH, LiveSocket(parts, guard, sockets).handle, allow_head=False)

    async def let_go(_app: web.Application) -> None:
        sockets.closing.set()

    async def settle(_app: web.Application) -> AsyncIterator[None]:
        await give_up_silent(parts.pool)
        yield

    app.on_shutdown.append(let_go)
    app.cleanup_ctx.append(settle)
    return app


@web.middleware
async def database_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Tell a caller that the database is away instead of that we failed."""
    try:
        return await handler(request)
    except GatewayError:
        raise
    except (
        TimeoutError,
        asyncpg.PostgresConnectionError,
        asyncpg.InterfaceError,
        asyncpg.CannotConnectNowError,
        asyncpg.AdminShutdownError,
        asyncpg.CrashShutdownError,
        asyncpg.TooManyConnectionsError,
        OSError,
    ) as fault:
        raise DatabaseAwayError from fault
