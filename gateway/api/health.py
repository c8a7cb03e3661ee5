"""`/healthz`, `/readyz` and `/metrics`: for supervisors, load balancers and Prometheus; outside `/api/v1`.

`/healthz` says that the process serves. `/readyz` says that the database and every part do. `/metrics` shows the
registry to this machine, and to others only with a key that has the right; a request that came through a proxy is
never taken for one of this machine.
"""

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable
from http import HTTPStatus

import asyncpg
from aiohttp import web
from aiohttp.typedefs import Middleware
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, Histogram, generate_latest

from gateway.api.parts import ApiParts, PartState
from gateway.api.problems import NotSignedInError
from gateway.api.security import Doorkeeper
from gateway.api.sockets import OpenSockets
from gateway.domain.access import Right, holds
from gateway.domain.errors import NotAllowed

DATABASE_SECONDS = 2.0
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")
_QUICK = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Health:
    """The handlers, and the API's own metrics."""

    def __init__(self, parts: ApiParts, guard: Doorkeeper, sockets: OpenSockets) -> None:
        self._parts = parts
        self._guard = guard
        registry = parts.registry
        self._requests = Counter(
            "trunkline_http_requests", "Requests answered.", ("method", "route", "status"), registry=registry
        )
        self._seconds = Histogram(
            "trunkline_http_request_seconds", "Time to the answer.", ("route",), registry=registry, buckets=_QUICK
        )
        open_ = Gauge("trunkline_live_sockets", "Live sockets that are open.", registry=registry)
        open_.set_function(lambda: len(sockets))

    def add_to(self, app: web.Application) -> None:
        """Serve the three addresses."""
        app.router.add_get("/healthz", self.health)
        app.router.add_get("/readyz", self.ready)
        app.router.add_get("/metrics", self.metrics)

    async def health(self, _request: web.Request) -> web.Response:
        """The process serves."""
        return web.json_response({"status": "ok"})

    async def ready(self, _request: web.Request) -> web.Response:
        """Whether the database and every part is ready; 503 names those that are not."""
        states = [await self._database(), *self._parts.states()]
        well = all(state.ready for state in states)
        body = {
            "ready": well,
            "parts": [{"name": s.name, "ready": s.ready, "detail": s.detail} for s in states],
        }
        status = HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE
        return web.json_response(body, status=status, headers={"Cache-Control": "no-store"})

    async def _database(self) -> PartState:
        try:
            async with asyncio.timeout(DATABASE_SECONDS):
                await self._parts.pool.fetchval("select 1")
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
            return PartState(name="database", ready=False, detail="The database does not answer.")
        return PartState(name="database", ready=True)

    async def metrics(self, request: web.Request) -> web.Response:
        """The registry as Prometheus reads it."""
        if not _is_local(request):
            identity = await self._guard.identify(request)
            if identity is None:
                raise NotSignedInError
            if not holds(identity.principal, Right.METRICS_READ):
                raise NotAllowed(f"This needs the right {Right.METRICS_READ}; ask an administrator for it.")
        text = await asyncio.to_thread(generate_latest, self._parts.registry)
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_LATEST})

    @property
    def middleware(self) -> Middleware:
        """Counts every request by its route; addresses that are no route count as one."""

        @web.middleware
        async def counting(request: web.Request, handler: Handler) -> web.StreamResponse:
            began = asyncio.get_running_loop().time()
            response = await handler(request)
            resource = request.match_info.route.resource
            route = resource.canonical if resource else "none"
            method = request.method if request.method in _METHODS else "other"
            self._requests.labels(method, route, str(response.status)).inc()
            if not isinstance(response, web.WebSocketResponse):
                self._seconds.labels(route).observe(asyncio.get_running_loop().time() - began)
            return response

        return counting


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def _is_local(request: web.Request) -> bool:
    """Whether the request was made on this machine and passed through no proxy."""
    if any(name in request.headers for name in _FORWARDED):
        return False
    try:
        return ipaddress.ip_address(request.remote or "").is_loopback
    except ValueError:
        return False
