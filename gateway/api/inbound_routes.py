"""Inbound routes: entered, changed, restored, tried; and how a call was routed.

A route is looked at as a whole whenever it or what it names changes, under one lock, so that two changes that are right
one by one never make a route together that rings nobody or goes round in a circle.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from aiohttp import web
from pydantic import BaseModel

from gateway.api.calls import CallPath, visible_call
from gateway.api.fields import Nothing
from gateway.api.inbound_views import (
    ArchivedQuery,
    CallRoutingView,
    NewRoute,
    Restore,
    RouteChange,
    RouteList,
    RoutePath,
    RouteTrial,
    RouteTrialView,
    RouteView,
    StepBody,
    VersionsQuery,
    VersionView,
    decision_view,
    hours_row,
    made_view,
    route_of,
    route_view,
    step_view,
    steps_from,
    version_view,
)
from gateway.api.once import do_once, tell
from gateway.api.pages import Page, page, read_cursor
from gateway.api.parts import ApiParts
from gateway.api.problems import (
    ConflictError,
    FieldFault,
    InvalidRequestError,
    NotFoundError,
    StaleVersionError,
    refused_value,
)
from gateway.api.reports import asked_period
from gateway.api.route import router_of
from gateway.api.route_figures import FiguresQuery, RouteFiguresView, route_figures_view
from gateway.api.routing import Asked, Route
from gateway.domain.access import Principal, Right
from gateway.domain.routing import EVERY_NUMBER
from gateway.domain.routing_rules import route_faults, uses
from gateway.domain.working_time import HoursError
from gateway.routing.asking import Question, UnknownPbxError
from gateway.routing.telling import plan_from
from gateway.store import routing as store
from gateway.store.access import write_audit
from gateway.store.database import Connection, Row
from gateway.store.facts import NewFact, save_facts
from gateway.store.routing import ROUTES_MAX, StoredRoute
from gateway.store.routing_calls import decisions_of_call
from gateway.store.routing_figures import calls_through

_NOW = timedelta(minutes=1)
"""A tried call this near is tried with everybody as he is."""


class RouteTakenError(ConflictError):
    """Another route has this name or this number; change that one, or archive it first."""


class RouteInUseError(ConflictError):
    """Another route leads on to this one; change that one first."""


class TooManyRoutesError(ConflictError):
    """There are as many routes as there may be; archive one."""


class VersionPlace(BaseModel):
    """Where a list of versions goes on."""

    version: int


class InboundRoutes:
    """The handlers of `/inbound-routes` and of a call's routing."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts

    def routes(self) -> tuple[Route, ...]:
        """The rows of the table."""
        tag = "inbound routing"
        return (
            Route(
                method="GET",
                path="/inbound-routes",
                handler=self.listing,
                summary="The routes of our numbers",
                right=Right.ROUTING_READ,
                tag=tag,
            ),
            Route(
                method="POST",
                path="/inbound-routes",
                handler=self.add,
                summary="Enter a route: whom calls to a number ring, in open and in closed hours",
                right=Right.ROUTING_MANAGE,
                tag=tag,
                status=201,
                idempotent=True,
                errors=(RouteTakenError, TooManyRoutesError, HoursError),
            ),
            Route(
                method="POST",
                path="/inbound-routes/try",
                handler=self.try_out,
                summary="Try a call: who would ring step by step, and why not the others; nothing is rung",
                right=Right.ROUTING_READ,
                tag=tag,
                idempotent=True,
                errors=(UnknownPbxError,),
            ),
            Route(
                method="GET",
                path="/inbound-routes/{inbound_route_id}",
                handler=self.one,
                summary="One route",
                right=Right.ROUTING_READ,
                tag=tag,
            ),
            Route(
                method="PATCH",
                path="/inbound-routes/{inbound_route_id}",
                handler=self.change,
                summary="Change a route, archive it or bring it back",
                right=Right.ROUTING_MANAGE,
                tag=tag,
                errors=(StaleVersionError, RouteTakenError, RouteInUseError, HoursError),
            ),
            Route(
                method="GET",
                path="/inbound-routes/{inbound_route_id}/figures",
                handler=self.figures,
                summary="How many calls went through a route, and which of its steps ended them",
                right=Right.ROUTING_READ,
                tag=tag,
            ),
            Route(
                method="GET",
                path="/inbound-routes/{inbound_route_id}/versions",
                handler=self.versions,
                summary="Every version of a route, the newest first",
                right=Right.ROUTING_READ,
                tag=tag,
            ),
            Route(
                method="POST",
                path="/inbound-routes/{inbound_route_id}/restore",
                handler=self.restore,
                summary="Let an earlier version of a route hold again, as a new version",
                right=Right.ROUTING_MANAGE,
                tag=tag,
                idempotent=True,
                errors=(StaleVersionError, RouteTakenError, RouteInUseError),
            ),
            Route(
                method="GET",
                path="/calls/{call_id}/routing",
                handler=self.of_call,
                summary="How a call was routed: what was decided, and why",
                right=Right.CALLS_READ_OWN,
                tag=tag,
            ),
        )

    async def listing(self, asked: Asked[Nothing, ArchivedQuery, Nothing]) -> RouteList:
        """The routes by name."""
        found = await store.read_routes(self._parts.pool, archived=asked.query.archived)
        return RouteList(items=tuple(map(route_view, found)))

    async def one(self, asked: Asked[RoutePath, Nothing, Nothing]) -> RouteView:
        """One route."""
        return route_view(await self._route(asked.path.inbound_route_id))

    async def figures(self, asked: Asked[RoutePath, FiguresQuery, Nothing]) -> RouteFiguresView:
        """What came through a route."""
        id_, query, zone = asked.path.inbound_route_id, asked.query, self._parts.settings.company.timezone
        await self._route(id_)
        period = asked_period(query.period, query.since, query.until, zone, datetime.now(UTC))
        found = await calls_through(self._parts.pool, id_, *period.bounds(zone))
        return route_figures_view(period.first, period.last, found)

    async def add(self, asked: Asked[Nothing, Nothing, NewRoute]) -> RouteView | web.Response:
        """Enter a route."""
        body = _entered(asked.body)

        async def work(connection: Connection) -> tuple[RouteView, list[NewFact]]:
            await store.lock_routing(connection)
            there = await store.read_routes(connection)
            if len(there) >= ROUTES_MAX:
                raise TooManyRoutesError
            await _check(connection, there, body, id=0)
            made = await store.add_route(connection, body, by=asked.principal.id, now=datetime.now(UTC))
            return await self._written(connection, asked.principal, made, "inbound_route.created")

        return await do_once(self._parts, asked, work)

    async def change(self, asked: Asked[RoutePath, Nothing, RouteChange]) -> RouteView:
        """Change a route."""
        changes = asked.body
        async with self._parts.pool.acquire() as connection, connection.transaction():
            await store.lock_routing(connection)
            stored = await store.read_route(connection, asked.path.inbound_route_id)
            if stored is None:
                raise NotFoundError("There is no route with this id.")
            body = store.route_body(stored.route, stored.entered_hours) | _changed(changes)
            archived = stored.archived_at is not None if changes.archived is None else changes.archived
            view, facts = await self._put(
                connection, asked.principal, stored, body, version=changes.version, archived=archived
            )
            await save_facts(connection, facts)
        tell(self._parts, facts)
        return view

    async def restore(self, asked: Asked[RoutePath, Nothing, Restore]) -> RouteView | web.Response:
        """Let an earlier version hold again."""
        id_ = asked.path.inbound_route_id

        async def work(connection: Connection) -> tuple[RouteView, list[NewFact]]:
            await store.lock_routing(connection)
            stored = await store.read_route(connection, id_)
            kept = await store.read_version(connection, "route", id_, asked.body.to)
            if stored is None:
                raise NotFoundError("There is no route with this id.")
            if kept is None:
                raise refused_value("to", "The route never had this version.")
            body = {name: value for name, value in kept.body.items() if name != "archived"}
            return await self._put(
                connection, asked.principal, stored, body, version=asked.body.version, archived=False
            )

        return await do_once(self._parts, asked, work, status=200)

    async def versions(self, asked: Asked[RoutePath, VersionsQuery, Nothing]) -> Page[VersionView]:
        """Every version of a route."""
        id_, query = asked.path.inbound_route_id, asked.query
        await self._route(id_)
        place = read_cursor("route_versions", query.cursor, VersionPlace)
        found = await store.history(
            self._parts.pool, "route", id_, before=place.version if place else None, limit=query.limit + 1
        )
        rows = [(version_view(kept), VersionPlace(version=kept.version)) for kept in found]
        return page("route_versions", rows, query.limit)

    async def try_out(self, asked: Asked[Nothing, Nothing, RouteTrial]) -> RouteTrialView | web.Response:
        """Try a call."""
        body, now = asked.body, datetime.now(UTC)
        at = body.at or now
        question = Question(
            pbx=body.pbx or next(iter(self._parts.directories), ""),
            uniqueid="try",
            did=body.did,
            caller=body.caller,
            n=0,
        )
        trial = await router_of(self._parts).try_out(question, at, present=abs(at - now) < _NOW)

        async def work(_: Connection) -> tuple[RouteTrialView, list[NewFact]]:
            plan = trial.plan
            view = RouteTrialView(
                route=plan.routes[0] if plan else None,
                open=plan.open if plan else False,
                contact=trial.client.contact_id,
                steps=tuple(map(step_view, plan.steps)) if plan else (),
                decisions=tuple(decision_view(d, trial.people) for d in trial.decisions),
            )
            return view, []

        return await do_once(self._parts, asked, work, status=200)

    async def of_call(self, asked: Asked[CallPath, Nothing, Nothing]) -> CallRoutingView:
        """How a call was routed."""
        call = await visible_call(self._parts, asked.principal, asked.path.call_id, Right.CALLS_READ_OWN)
        made = await decisions_of_call(self._parts.pool, call.id)
        route: int | None = None
        items = []
        for one in made:
            route = plan_from(one.body).routes[0] if "plan" in one.body else route
            items.append(made_view(one, route))
        return CallRoutingView(call=call.id, items=tuple(items))

    async def _route(self, id: int) -> StoredRoute:
        stored = await store.read_route(self._parts.pool, id)
        if stored is None:
            raise NotFoundError("There is no route with this id.")
        return stored

    async def _put(
        self,
        connection: Connection,
        who: Principal,
        stored: StoredRoute,
        body: Mapping[str, object],
        *,
        version: int,
        archived: bool,
    ) -> tuple[RouteView, list[NewFact]]:
        """Write a route's next version."""
        id_ = stored.route.id
        if stored.route.version != version:
            raise StaleVersionError
        others = [r for r in await store.read_routes(connection) if r.route.id != id_]
        if archived:
            if any(uses(r.route, other=id_) for r in others):
                raise RouteInUseError
        else:
            await _check(connection, others, body, id=id_)
        if not await store.change_route(
            connection, id_, body, version=version, archived=archived, by=who.id, now=datetime.now(UTC)
        ):
            raise StaleVersionError
        return await self._written(connection, who, id_, "inbound_route.changed")

    async def _written(
        self, connection: Connection, who: Principal, id: int, kind: str
    ) -> tuple[RouteView, list[NewFact]]:
        """The route as it is now, with its audit row and its fact."""
        stored = await store.read_route(connection, id)
        if stored is None:
            raise NotFoundError
        view = route_view(stored)
        detail: Row = {"version": view.version}
        await write_audit(connection, actor=who.id, action=kind, object=f"inbound_route:{id}", detail=detail)
        body: dict[str, object] = {"id": id, "name": view.name, "version": view.version, "archived": view.archived}
        return view, [NewFact(kind=kind, body=body)]


def _entered(body: NewRoute) -> Row:
    """A new route as it is stored."""
    return {
        "name": body.name.strip(),
        "did": body.did,
        "record": body.record,
        "notice": body.notice,
        "hours": hours_row(body.hours),
        **_lists(body.steps, body.closed_steps),
    }


def _lists(steps: tuple[StepBody, ...], closed: tuple[StepBody, ...]) -> Row:
    rows = {"steps": steps_from(steps, "steps"), "closed_steps": steps_from(closed, "closed_steps")}
    return {name: [store.step_row(step) for step in found] for name, found in rows.items()}


def _changed(body: RouteChange) -> Row:
    """What a change says, as it is stored."""
    given = body.model_fields_set
    found: Row = {name: getattr(body, name) for name in ("did",) if name in given}
    found |= {name: getattr(body, name) for name in ("record", "notice") if getattr(body, name) is not None}
    if body.name is not None:
        found["name"] = body.name.strip()
    if "hours" in given:
        found["hours"] = hours_row(body.hours)
    for name, steps in (("steps", body.steps), ("closed_steps", body.closed_steps)):
        if steps is not None:
            found[name] = [store.step_row(step) for step in steps_from(steps, name)]
    return found


def _taken_by(name: str, did: str | None) -> str:
    """What a new route may not have, for one that is there has it; `did` None: it is the name."""
    if did is None:
        return f"Another route has the name “{name}” already; change that one, or archive it."
    if did == EVERY_NUMBER:
        return f"The route “{name}” has every number without a route already; change that one, or archive it."
    return f"The number {did} has the route “{name}” already; change that one, or archive it."


async def _check(connection: Connection, others: list[StoredRoute], body: Mapping[str, object], *, id: int) -> None:
    """Refuse a route that cannot hold beside the others."""
    route = route_of(body, id=id)
    for other in others:
        same_did = route.did is not None and other.route.did == route.did
        if same_did or other.route.name.casefold() == route.name.casefold():
            raise RouteTakenError(_taken_by(other.route.name, other.route.did if same_did else None))
    faults = route_faults(route, await store.known_to_routes(connection, but=id))
    if faults:
        raise InvalidRequestError(
            FieldFault(place="body", pointer=f"#/{fault.at}", code="route", detail=fault.detail) for fault in faults
        )
