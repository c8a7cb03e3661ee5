"""The endpoint tables: which phone is whose, which is a trunk, which is nobody's; and what is not mapped yet.

Managers' endpoints are given with their extensions (`gateway.api.users`). A proposal is ready to be sent as it
stands: method, path and body; where only a person can know something, `fill` names what to put in.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import structlog
from aiohttp import web
from pydantic import Field

from gateway.api.fields import Incoming, Nothing, Outgoing, RowId
from gateway.api.once import do_once
from gateway.api.parts import ApiParts, UnknownPbxError
from gateway.api.problems import NotFoundError
from gateway.api.routing import API_PREFIX, Asked, Route
from gateway.api.users import EndpointPattern, PbxName
from gateway.domain.access import Right
from gateway.domain.directory import Directory, PartyKind
from gateway.domain.errors import GatewayError
from gateway.domain.ports import SeenEndpoint
from gateway.store import people
from gateway.store.access import write_audit
from gateway.store.database import Connection
from gateway.store.facts import NewFact
from gateway.store.people import EndpointRow, Person, UnmappedEndpoint
from gateway.store.staff import load_tables

log = structlog.get_logger()

ASK_SECONDS = 5.0
UNMAPPED_WITHIN = timedelta(days=90)


Holders = Mapping[tuple[str, str], tuple[int | str, tuple[str, ...]]]
"""Person and endpoints by PBX and extension."""


class NewEndpointKind(StrEnum):
    """What an endpoint without an extension can be."""

    TRUNK = PartyKind.TRUNK
    IGNORED = PartyKind.IGNORED


class EndpointPath(Incoming):
    """Which row."""

    endpoint_id: RowId


class NewEndpoint(Incoming):
    """A trunk, or an endpoint that is nobody's."""

    pbx: PbxName
    pattern: EndpointPattern = Field(description="like `PJSIP/operator-1`, `operator-*`")
    kind: NewEndpointKind


class EndpointView(Outgoing):
    """A row of the table that holds now."""

    id: int | None = Field(description="null: it stands in the configuration and is changed there")
    pbx: str
    pattern: str
    kind: str
    extension: str = Field(description="empty: none")
    since: datetime | None = Field(description="null: from ever")


class EndpointList(Outgoing):
    """The tables of all PBXs."""

    items: tuple[EndpointView, ...]


class FixIt(Outgoing):
    """A request that would map an endpoint."""

    title: str
    method: str
    path: str
    body: dict[str, str | list[str]]
    fill: tuple[str, ...] = Field(description="what a person has to put in place of `{...}` in the path")


class Proposal(Outgoing):
    """An endpoint that no table names."""

    pbx: str
    name: str
    online: bool | None = Field(description="null: the PBX does not know it at this moment")
    calls: int = Field(description="calls of the last 90 days in which it stood unmapped")
    last_at: datetime | None
    fix_its: tuple[FixIt, ...] = Field(description="the likeliest first")


class Proposals(Outgoing):
    """Everything that is not mapped."""

    items: tuple[Proposal, ...]
    silent: tuple[str, ...] = Field(description="PBXs that could not be asked for their endpoints now")


class Endpoints:
    """The handlers of `/endpoints`."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts

    def routes(self) -> tuple[Route, ...]:
        """The rows of the table."""
        return (
            Route(
                method="GET",
                path="/endpoints",
                handler=self.listing,
                summary="Which endpoint is whose",
                right=Right.USERS_READ,
                tag="endpoints",
            ),
            Route(
                method="POST",
                path="/endpoints",
                handler=self.enter,
                summary="Enter a trunk or an ignored endpoint",
                right=Right.EXTENSIONS_MANAGE,
                tag="endpoints",
                status=201,
                idempotent=True,
                errors=(UnknownPbxError,),
            ),
            Route(
                method="DELETE",
                path="/endpoints/{endpoint_id}",
                handler=self.end,
                summary="End a row from now on",
                right=Right.EXTENSIONS_MANAGE,
                tag="endpoints",
            ),
            Route(
                method="GET",
                path="/endpoints/proposals",
                handler=self.proposals,
                summary="What is not mapped, with ready fix-its",
                right=Right.EXTENSIONS_MANAGE,
                tag="endpoints",
            ),
        )

    async def listing(self, asked: Asked[Nothing, Nothing, Nothing]) -> EndpointList:
        """The rows of the database, then those of the configuration."""
        own = [_view(row) for row in await people.list_endpoints(self._parts.pool)]
        configured = [
            EndpointView(id=None, pbx=pbx, pattern=e.pattern, kind=e.kind, extension=e.extension, since=e.since)
            for pbx, directory in sorted(self._parts.directories.items())
            for e in directory.entries
        ]
        return EndpointList(items=(*own, *configured))

    async def enter(self, asked: Asked[Nothing, Nothing, NewEndpoint]) -> EndpointView | web.Response:
        """Enter a row."""
        body = asked.body
        self._parts.directory(body.pbx)

        async def work(connection: Connection) -> tuple[EndpointView, Sequence[NewFact]]:
            row = await people.add_endpoint(connection, pbx=body.pbx, pattern=body.pattern, kind=body.kind)
            await write_audit(
                connection,
                actor=asked.principal.id,
                action="endpoint.entered",
                object=f"endpoint:{row.id}",
                detail={"pbx": body.pbx, "kind": body.kind},
            )
            return _view(row), ()

        entered = await do_once(self._parts, asked, work)
        await self._parts.tables_changed()
        return entered

    async def end(self, asked: Asked[EndpointPath, Nothing, Nothing]) -> None:
        """End a row."""
        id_ = asked.path.endpoint_id
        async with self._parts.pool.acquire() as connection, connection.transaction():
            if not await people.end_endpoint(connection, id_):
                raise NotFoundError("No row with this id holds now.")
            await write_audit(connection, actor=asked.principal.id, action="endpoint.ended", object=f"endpoint:{id_}")
        await self._parts.tables_changed()

    async def proposals(self, asked: Asked[Nothing, Nothing, Nothing]) -> Proposals:
        """What the PBXs know and what calls have shown, without what is mapped by now."""
        now = datetime.now(UTC)
        seen, silent = await self._seen()
        unmapped = await people.unmapped_endpoints(self._parts.pool, now - UNMAPPED_WITHIN)
        holders = _holders(await people.list_people(self._parts.pool))
        tables = await self._present_tables()
        known = {(s.pbx, s.name): s for s in seen}
        counted = {(u.pbx, u.name): u for u in unmapped}
        names = [
            place
            for place in {**counted, **known}
            if place[0] in tables and tables[place[0]].party(f"{place[1]}-0", now).kind is PartyKind.UNMAPPED
        ]
        items = tuple(_proposal(*place, known.get(place), counted.get(place), holders) for place in names)
        return Proposals(items=items, silent=tuple(silent))

    async def _present_tables(self) -> dict[str, Directory]:
        zone = self._parts.settings.company.timezone
        return {
            pbx: (await load_tables(self._parts.pool, base, zone)).directory
            for pbx, base in self._parts.directories.items()
        }

    async def _seen(self) -> tuple[list[SeenEndpoint], list[str]]:
        """What the PBXs know, and which of them did not answer."""
        seen: list[SeenEndpoint] = []
        silent: list[str] = []
        for pbx in sorted(self._parts.directories):
            telephony = self._parts.telephony.get(pbx)
            try:
                async with asyncio.timeout(ASK_SECONDS):
                    found = await telephony.endpoints() if telephony else None
            except (GatewayError, TimeoutError, OSError) as fault:
                log.info("PBX did not tell its endpoints", pbx=pbx, fault=type(fault).__name__)
                found = None
            if found is None:
                silent.append(pbx)
            else:
                seen += found
        return seen, silent


def _view(row: EndpointRow) -> EndpointView:
    return EndpointView(
        id=row.id, pbx=row.pbx, pattern=row.pattern, kind=row.kind, extension=row.extension, since=row.since
    )


def _proposal(
    pbx: str,
    name: str,
    seen: SeenEndpoint | None,
    unmapped: UnmappedEndpoint | None,
    holders: Holders,
) -> Proposal:
    trunk = _entering(pbx, name, NewEndpointKind.TRUNK)
    ignored = _entering(pbx, name, NewEndpointKind.IGNORED)
    manager = _giving(pbx, name, seen.proposed_extension if seen else None, holders)
    is_phone = seen is not None and seen.proposed_extension is not None
    return Proposal(
        pbx=pbx,
        name=name,
        online=seen.online if seen else None,
        calls=unmapped.calls if unmapped else 0,
        last_at=unmapped.last_at if unmapped else None,
        fix_its=(manager, trunk, ignored) if is_phone else (trunk, manager, ignored),
    )


def _entering(pbx: str, name: str, kind: NewEndpointKind) -> FixIt:
    title = "It is a trunk" if kind is NewEndpointKind.TRUNK else "It is nobody's phone"
    body: dict[str, str | list[str]] = {"pbx": pbx, "pattern": name, "kind": kind}
    return FixIt(title=title, method="POST", path=f"{API_PREFIX}/endpoints", body=body, fill=())


def _giving(pbx: str, name: str, extension: str | None, holders: Holders) -> FixIt:
    """The request that gives the endpoint to its extension, beside those which the extension has already."""
    holder = holders.get((pbx, extension or ""))
    user, present = holder if holder else ("{user_id}", ())
    fill = tuple(f for f, known in (("user_id", holder), ("extension", extension)) if known is None)
    path = f"{API_PREFIX}/users/{user}/extensions/{pbx}/{extension or '{extension}'}"
    body: dict[str, str | list[str]] = {"endpoints": [*present, name]}
    return FixIt(title="It is a manager's phone", method="PUT", path=path, body=body, fill=fill)


def _holders(everybody: Sequence[Person]) -> Holders:
    return {(e.pbx, e.extension): (person.id, e.endpoints) for person in everybody for e in person.extensions}
