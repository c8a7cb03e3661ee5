"""A small site on the framework: a table with every kind of route, stores in memory, a running server."""

import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from aiohttp import ClientSession, web
from pydantic import Field

from gateway.api.fields import CursorText, Day, Incoming, Limit, Moment, Nothing, Outgoing, RowId, ShortText
from gateway.api.openapi import add_document
from gateway.api.pages import Page, page, read_cursor
from gateway.api.problems import (
    ConflictError,
    NotFoundError,
    StaleVersionError,
    TooManyAttemptsError,
    problem_middleware,
)
from gateway.api.routing import Asked, Door, Endpoint, Route, add_routes, answer
from gateway.api.security import Doorkeeper, digest, new_api_key, new_session_token
from gateway.domain.access import Identity, IssuedKey, Principal, Right, Role, allowed
from gateway.domain.errors import GiveUp, NotAllowed, TryAgain

ORIGIN = "https://calls.example.com"


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class CallPath(Incoming):
    call_id: RowId


class TwinPath(Incoming):
    twin: UUID


class Filters(Incoming):
    limit: Limit = 50
    cursor: CursorText | None = None
    colour: Annotated[tuple[Colour, ...], Field(max_length=5)] = ()
    since: Moment | None = None
    day: Day | None = None
    missed: bool | None = None
    share: float = 0.5
    name: ShortText | None = None


class Position(Incoming):
    id: int


class NewCall(Incoming):
    number: Annotated[str, Field(pattern=r"^\+[0-9]{5,15}$")]
    tags: Annotated[tuple[ShortText, ...], Field(max_length=3)] = ()
    note: ShortText | None = None
    at: Moment | None = None
    weight: float = 1.0


class Change(Incoming):
    version: int


class Call(Outgoing):
    id: int
    owner: str | None = None
    number: str | None = None
    version: int = 3


class Seen(Outgoing):
    filters: str


async def list_calls(asked: Asked[Nothing, Filters, Nothing]) -> Page[Call]:
    after = read_cursor("calls", asked.query.cursor, Position)
    first = after.id + 1 if after else 1
    rows = [(Call(id=n), Position(id=n)) for n in range(first, 8) if n < first + asked.query.limit + 1]
    return page("calls", rows, asked.query.limit)


async def echo(asked: Asked[Nothing, Filters, Nothing]) -> Seen:
    return Seen(filters=asked.query.model_dump_json())


async def one_call(asked: Asked[CallPath, Nothing, Nothing]) -> Call:
    owner = {1: "anna", 2: "boris"}.get(asked.path.call_id)
    if owner is None:
        raise NotFoundError
    if not allowed(asked.principal, Right.CALLS_READ_OWN, owner):
        raise NotAllowed
    return Call(id=asked.path.call_id, owner=owner)


async def originate(asked: Asked[Nothing, Nothing, NewCall]) -> Call:
    assert asked.once is not None
    return Call(id=7, owner=asked.principal.id, number=asked.body.number)


async def delete_call(asked: Asked[CallPath, Nothing, Nothing]) -> None:
    if asked.path.call_id != 1:
        raise NotFoundError


async def replace_twin(asked: Asked[TwinPath, Nothing, NewCall]) -> Call:
    return Call(id=asked.path.twin.int % 100, number=asked.body.number)


async def written(asked: Asked[CallPath, Nothing, Nothing]) -> Call | web.Response:
    return answer(Call(id=asked.path.call_id), headers={"Content-Location": "/here"})


async def change(asked: Asked[CallPath, Nothing, Change]) -> Call:
    if asked.body.version != 3:
        raise StaleVersionError
    return Call(id=asked.path.call_id)


async def sound(asked: Asked[CallPath, Nothing, Nothing]) -> web.Response:
    return web.Response(body=b"ID3", content_type="audio/mpeg")


async def fail(asked: Asked[CallPath, Nothing, Nothing]) -> Call:
    match asked.path.call_id:
        case 1:
            raise TryAgain("The database is starting.")
        case 2:
            raise TooManyAttemptsError(timedelta(seconds=90))
        case 3:
            raise ConflictError
        case 4:
            raise ValueError("duplicate key (number)=(+79161234567)")
        case 5:
            raise GiveUp("The recording is damaged.")
        case _:
            return Call(id=0)


ROUTES = (
    Route(
        method="GET",
        path="/calls",
        handler=list_calls,
        summary="List calls",
        right=Right.CALLS_READ_OWN,
        tag="calls",
    ),
    Route(method="GET", path="/echo", handler=echo, summary="Repeat", right=Door.PUBLIC, tag="calls"),
    Route(
        method="GET",
        path="/calls/{call_id}",
        handler=one_call,
        summary="One call",
        right=Right.CALLS_READ_OWN,
        tag="calls",
    ),
    Route(
        method="POST",
        path="/calls",
        handler=originate,
        summary="Ring a manager, then the client",
        right=Right.CALLS_ORIGINATE,
        tag="calls",
        status=201,
        idempotent=True,
        body_max=4096,
    ),
    Route(
        method="DELETE",
        path="/calls/{call_id}",
        handler=delete_call,
        summary="Delete a recording",
        right=Right.RECORDINGS_DELETE,
        tag="calls",
    ),
    Route(
        method="PUT",
        path="/twins/{twin}",
        handler=replace_twin,
        summary="Replace a twin",
        right=Door.SIGNED_IN,
        tag="twins",
    ),
    Route(
        method="GET",
        path="/written/{call_id}",
        handler=written,
        summary="An answer with headers of its own",
        right=Door.SIGNED_IN,
        tag="calls",
    ),
    Route(
        method="PATCH",
        path="/versions/{call_id}",
        handler=change,
        summary="Change a thing",
        right=Door.SIGNED_IN,
        tag="calls",
        errors=(StaleVersionError,),
    ),
    Route(
        method="GET",
        path="/calls/{call_id}/sound",
        handler=sound,
        summary="Listen",
        right=Right.RECORDINGS_LISTEN_OWN,
        tag="calls",
        media=("audio/mpeg",),
    ),
    Route(
        method="GET",
        path="/fail/{call_id}",
        handler=fail,
        summary="Fail in many ways",
        right=Door.PUBLIC,
        tag="faults",
        errors=(TryAgain, TooManyAttemptsError, ConflictError, GiveUp),
    ),
)


class Memory:
    """Sessions and keys of the site's people and programs."""

    def __init__(self) -> None:
        self.sessions: dict[bytes, Identity] = {}
        self.keys: dict[str, IssuedKey] = {}
        self.uses: list[str] = []

    async def session(self, digest: bytes) -> Identity | None:
        return self.sessions.get(digest)

    async def seen(self, digest: bytes, *, address: str, agent: str) -> None:
        self.uses.append(agent)

    async def key(self, key_id: str) -> IssuedKey | None:
        return self.keys.get(key_id)

    async def used(self, key_id: str) -> None:
        self.uses.append(key_id)

    def sign_in(self, name: str, role: Role) -> str:
        """A session's token."""
        token = new_session_token()
        self.sessions[digest(token)] = Identity(
            principal=Principal(id=f"user:{name}", role=role, manager=name),
            session=digest(token),
            expires_at=datetime(2030, 1, 1, tzinfo=UTC),
        )
        return token

    def issue(self, name: str, role: Role, limited_to: frozenset[Right] | None = None) -> str:
        """An API key."""
        key_id, key, secret_digest = new_api_key()
        principal = Principal(id=f"key:{key_id}", role=role, manager=name, limited_to=limited_to)
        self.keys[key_id] = IssuedKey(secret_digest=secret_digest, principal=principal)
        return key


def make_site(memory: Memory) -> tuple[web.Application, list[Endpoint]]:
    app = web.Application(middlewares=[problem_middleware])
    endpoints = add_routes(app, ROUTES, Doorkeeper(sessions=memory, keys=memory, public_url=ORIGIN))
    add_document(app, endpoints, title="Trunkline", version="1")
    return app, endpoints


@contextlib.asynccontextmanager
async def serving(app: web.Application) -> AsyncIterator[ClientSession]:
    """A client of the application on a free port of the loopback."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        async with ClientSession(f"http://{host}:{port}/api/v1/") as client:
            yield client
    finally:
        await runner.cleanup()
