"""The route table: what an endpoint takes, gives and demands, and how a request is led through it.

A `Route` names method, path, right and errors; the models of path, query and body and that of the answer are
read from its handler's signature, `async def f(asked: Asked[Path, Query, Body]) -> Answer`, so that table,
check, document and type checker cannot part. Each request takes the same way: who is calling, may he, is the
request well formed, the handler, the answer as JSON. Errors are raised and become problem documents in
`gateway.api.problems`; the document is made in `gateway.api.openapi`.
"""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache
from typing import Any, Generic, Literal, Protocol, TypeVar, get_args, get_origin, get_type_hints

from aiohttp import hdrs, web
from pydantic import BaseModel

from gateway.api.choice import Choice, Chosen
from gateway.api.fields import Incoming, Nothing
from gateway.api.problems import (
    FieldFault,
    InvalidRequestError,
    MediaTypeError,
    NotSignedInError,
    PreconditionError,
    StaleVersionError,
)
from gateway.api.reading import BODY_MAX, DEFLATE, FORM, Strings, form_pairs, raw_body, read_body, schema_of, unpacked
from gateway.api.security import IDEMPOTENCY_HEADER, IDEMPOTENCY_PATTERN, fingerprint
from gateway.api.versions import HEADER as IF_MATCH
from gateway.api.versions import etag_of, is_versioned, with_version
from gateway.domain.access import BOUND, Identity, Principal, Right, holds
from gateway.domain.errors import GatewayError, NotAllowed

API_PREFIX = "/api/v1"

P = TypeVar("P", bound=Incoming)
Q = TypeVar("Q", bound=Incoming)
B = TypeVar("B", bound=Incoming)

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


class Door(StrEnum):
    """Who may use a route that needs no right."""

    PUBLIC = "public"
    SIGNED_IN = "signed in"
    PERSON = "person"
    """Somebody for himself: a session, or a key of a person that was not narrowed to some rights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Once:
    """The Idempotency-Key of a request."""

    key: str
    route: str
    fingerprint: bytes
    """What the key stands for: caller, route, path and body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked(Generic[P, Q, B]):
    """A request that was let in and checked: path, query and body as models."""

    path: P
    query: Q
    body: B
    http: web.Request
    identity: Identity | None = None
    """Who is calling; None on a public route without a session."""
    once: Once | None = None
    """The idempotency key, on routes that ask for one."""
    live: bool = False
    """Whether it came as a message of the live socket."""

    @property
    def principal(self) -> Principal:
        """Who is calling.

        Raises:
            NotSignedInError: nobody is, on a public route.
        """
        if self.identity is None:
            raise NotSignedInError
        return self.identity.principal


Handler = Callable[[Any], Awaitable[BaseModel | web.StreamResponse | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One row of the table."""

    method: Method
    path: str
    """Below `/api/v1`, with the fields of the path model in braces."""
    handler: Handler
    """`async def f(asked: Asked[Path, Query, Body]) -> Answer`; the answer is a model, None (204), or an
    aiohttp response of the media types named below."""
    summary: str
    right: Right | Door
    """What the caller must hold; a right over his own things lets him in, the handler compares the owner."""
    tag: str
    status: int = 200
    errors: tuple[type[GatewayError], ...] = ()
    """What the handler raises on purpose, beyond what the framework itself does."""
    idempotent: bool = False
    """Whether the header Idempotency-Key is required."""
    media: tuple[str, ...] = ()
    """Media types of an answer that is no JSON model."""
    statuses: tuple[int, ...] = ()
    """Further statuses of such an answer, like 206; they have no problem document."""
    body_max: int = BODY_MAX
    """Bytes a body may have."""
    packed: bool = False
    """Whether the body may come packed (`deflate`): only where the caller was let in by a right of his own."""
    body_optional: bool = False
    """Whether the body may be left out; then its model's defaults are taken."""
    foreign: bool = False
    """Whether pages of any site may send it, also as an HTML form: nobody's cookie or key counts here."""
    upload: tuple[str, ...] = ()
    """Media types of a body that is a file: the handler reads it from `asked.http` itself, and bounds it."""


class Guard(Protocol):
    """What the table asks about a caller; `gateway.api.security.Doorkeeper` is one."""

    async def identify(self, request: web.Request) -> Identity | None:
        """The caller; None: nobody we know."""

    def check_origin(self, request: web.Request) -> None:
        """Refuse a change that a foreign page may have made the browser send."""


class TableError(GatewayError, TypeError):
    """The route table contradicts itself; correct the route it names."""


class Endpoint:
    """A route with what was read from its handler, ready to serve."""

    def __init__(self, route: Route, guard: Guard) -> None:
        self.route = route
        self._guard = guard
        self.path_model, self.query_model, self.body_model, self.answer = _signature(route)
        self._query = Strings(self.query_model)
        self._path = Strings(self.path_model)
        self._form = Strings(self.body_model)
        self.choice = Choice(self.answer) if route.method == "GET" and self.answer is not None else None
        """What `fields` chooses from; None: this route does not know it."""
        self.versioned = route.method == "PATCH" and is_versioned(self.body_model)
        """Whether If-Match may name the version that is changed."""
        self._check_table()

    @property
    def template(self) -> str:
        """Method and path as they stand in the table, `GET /calls/{call_id}`."""
        return f"{self.route.method} {self.route.path}"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Lead one request through the table's way."""
        identity = await self._admitted(request)
        path = self._path.read("path", [(name, text) for name, text in request.match_info.items()])
        chosen: Chosen | None = None
        asked_for: Iterable[tuple[str, str]] = request.query.items()
        if self.choice is not None and "fields" in request.query:
            chosen, asked_for = self.choice.taken_from(asked_for)
        query = self._query.read("query", asked_for)
        body = await self._body(request)
        key = request.headers.get(IDEMPOTENCY_HEADER, "")
        once = self._once(key, request.path_qs, identity, body) if self.route.idempotent else None
        asked = Asked(path=path, query=query, body=body, http=request, identity=identity, once=once)
        return self._answered(await self._handled(asked), chosen)

    async def ordered(
        self, request: web.Request, identity: Identity, *, path: Mapping[str, str], body: bytes, key: str
    ) -> web.StreamResponse:
        """Take an order that did not come as a request of its own, but over the live socket.

        Args:
            request: with which the socket was opened.
            identity: who is calling, as he is known now.
            path: the fields of the path.
            body: JSON; empty object where the route takes none.
            key: its Idempotency-Key, for routes that ask for one.
        """
        self._check_right(identity)
        named = self._path.read("path", path.items())
        read = read_body(self.body_model, body)
        address = API_PREFIX + self.route.path.format_map(path)
        once = self._once(key, address, identity, read) if self.route.idempotent else None
        query = self._query.read("query", ())
        asked = Asked(path=named, query=query, body=read, http=request, identity=identity, once=once, live=True)
        return self._answered(await self._handled(asked), None)

    async def _handled(self, asked: Asked[Incoming, Incoming, Incoming]) -> BaseModel | web.StreamResponse | None:
        try:
            return await self.route.handler(asked)
        except StaleVersionError as stale:
            if self.versioned and IF_MATCH in asked.http.headers:
                raise PreconditionError(str(stale)) from stale
            raise

    async def _body(self, request: web.Request) -> Incoming:
        route = self.route
        takes_body = bool(route.upload) or self.body_model is not Nothing
        encoding = request.headers.get("Content-Encoding", "identity").lower()
        is_packed = route.packed and encoding == DEFLATE
        if takes_body and encoding != "identity" and not is_packed:
            raise MediaTypeError("Bodies are not unpacked here; send it as it is, without Content-Encoding.")
        if route.upload:
            if request.content_type not in route.upload:
                raise MediaTypeError(f"This file has another media type; send one of {', '.join(route.upload)}.")
            return read_body(self.body_model, b"{}")
        raw = await raw_body(request, self.body_model, route.body_max, optional=route.body_optional, form=route.foreign)
        if is_packed:
            raw = await asyncio.to_thread(unpacked, raw, route.body_max)
        if request.content_type == FORM and route.foreign:
            return self._form.read("body", form_pairs(raw))
        return read_body(self.body_model, with_version(request, raw) if self.versioned else raw)

    async def _admitted(self, request: web.Request) -> Identity | None:
        if self.route.foreign:
            return None
        identity = await self._guard.identify(request)
        if self.route.right is not Door.PUBLIC and identity is None:
            raise NotSignedInError
        self._guard.check_origin(request)
        self._check_right(identity)
        return identity

    def _check_right(self, identity: Identity | None) -> None:
        right = self.route.right
        if identity and identity.principal.pbx is not None and right not in (Door.PUBLIC, *BOUND):
            raise NotAllowed("This key lies on a PBX's host and can do nothing but what that host does.")
        if right is Door.PERSON and identity and not _is_person(identity.principal):
            raise NotAllowed("This belongs to a person; a key of nobody, or one narrowed to some rights, has none.")
        if isinstance(right, Right) and identity and not holds(identity.principal, right):
            raise NotAllowed(f"This needs the right {right}; ask an administrator for it.")

    def _once(self, key: str, address: str, identity: Identity | None, body: Incoming) -> Once:
        if not re.fullmatch(IDEMPOTENCY_PATTERN, key):
            detail = "This header is required: 1 to 255 visible ASCII characters, new for each new request."
            fault = FieldFault(place="header", pointer=f"#/{IDEMPOTENCY_HEADER}", code="header", detail=detail)
            raise InvalidRequestError([fault])
        if identity is None:
            raise NotSignedInError
        canonical = json.dumps(body.model_dump(mode="json"), sort_keys=True).encode()
        print_ = fingerprint(identity.principal, self.template, address, canonical)
        return Once(key=key, route=self.template, fingerprint=print_)

    def _answered(self, given: BaseModel | web.StreamResponse | None, chosen: Chosen | None) -> web.StreamResponse:
        if isinstance(given, web.StreamResponse):
            is_json = given.content_type == "application/json"  # a file of a report has no fields to choose from
            if chosen and self.choice and is_json and isinstance(given, web.Response) and isinstance(given.body, bytes):
                given.body = self.choice.cut(given.body, chosen)
            return given
        if given is None:
            return web.Response(status=204, headers=_HEADERS)
        if chosen and self.choice:
            return _json(self.choice.written(given, chosen), self.route.status, {})
        return answer(given, status=self.route.status)

    def _check_table(self) -> None:
        route = self.route
        named = set(re.findall(r"\{(\w+)\}", route.path))
        if named != set(self.path_model.model_fields):
            raise TableError(f"{self.template}: the path and its model name different fields")
        if route.body_optional and any(field.is_required() for field in self.body_model.model_fields.values()):
            raise TableError(f"{self.template}: a body that may be left out has a field that may not")
        if route.method in ("GET", "DELETE") and self.body_model is not Nothing:
            raise TableError(f"{self.template}: a {route.method} has no body")
        if route.foreign and route.right is not Door.PUBLIC:
            raise TableError(f"{self.template}: what any page may send is public")
        if route.idempotent and route.right is Door.PUBLIC:
            raise TableError(f"{self.template}: an Idempotency-Key belongs to a caller, and here is none")
        for model in (self.query_model, self.body_model):
            if unbounded := _unbounded_in(model):
                raise TableError(f"{self.template}: the list {unbounded} has no max_length")


_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def answer(model: BaseModel, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """A model as the JSON answer; handlers that add headers or a cookie make theirs here too."""
    tag = etag_of(model)
    named = {**({"ETag": tag} if tag else {}), **(headers or {})}
    return _json(model.__pydantic_serializer__.to_json(model, by_alias=True), status, named)


def kept_answer(body: Mapping[str, object], *, status: int) -> web.Response:
    """An answer that was kept as JSON, as `answer` gave it."""
    version = body.get("version")
    tag = {"ETag": f'"{version}"'} if isinstance(version, int) else {}
    return _json(json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(), status, tag)


def _json(body: bytes, status: int, headers: Mapping[str, str]) -> web.Response:
    return web.Response(status=status, body=body, content_type="application/json", headers={**_HEADERS, **headers})


@cache
def _unbounded_in(model: type[BaseModel]) -> str | None:
    return _unbounded(schema_of(model))


def _is_person(who: Principal) -> bool:
    return who.manager is not None and who.limited_to is None


def _unbounded(schema: Any, at: str = "") -> str | None:
    """The first list in a schema whose length nothing bounds; None: there is none."""
    if isinstance(schema, Mapping):
        if schema.get("type") == "array" and "maxItems" not in schema:
            return at
        parts: Iterable[tuple[str, Any]] = schema.items()
    elif isinstance(schema, list):
        parts = ((str(index), part) for index, part in enumerate(schema))
    else:
        return None
    return next((found for name, part in parts if (found := _unbounded(part, f"{at}/{name}"))), None)


@lru_cache(maxsize=1024)
def _hints(handler: Callable[..., object]) -> Mapping[str, Any]:
    return get_type_hints(handler)


def _signature(route: Route) -> tuple[type[Incoming], type[Incoming], type[Incoming], type[BaseModel] | None]:
    """The models of path, query, body and answer, as the handler declares them; None: no JSON answer."""
    hints = dict(_hints(getattr(route.handler, "__func__", route.handler)))
    answer = hints.pop("return", None)
    asked = next((hint for hint in hints.values() if get_origin(hint) is Asked), None)
    if asked is None:
        raise TableError(f"{route.method} {route.path}: the handler takes no Asked[Path, Query, Body]")
    path, query, body = get_args(asked)
    found = [part for part in (get_args(answer) or (answer,)) if _is_model(part)]
    return path, query, body, (answer if _is_model(answer) else next(iter(found), None))


def _is_model(hint: object) -> bool:
    return isinstance(hint, type) and issubclass(hint, BaseModel)


def add_routes(app: web.Application, routes: Iterable[Route], guard: Guard) -> list[Endpoint]:
    """Put the table into an application.

    Args:
        app: its middlewares must contain `problem_middleware`.
        routes: the table.
        guard: who says who is calling.

    Returns:
        The endpoints, for the OpenAPI document.

    Raises:
        TableError: a row contradicts its handler.
    """
    endpoints = [Endpoint(route, guard) for route in routes]
    for endpoint in endpoints:
        path = API_PREFIX + endpoint.route.path
        if endpoint.route.method == hdrs.METH_GET:
            app.router.add_get(path, endpoint.handle)
        else:
            app.router.add_route(endpoint.route.method, path, endpoint.handle)
    return endpoints
