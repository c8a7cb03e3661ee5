"""Our own numbers: what each is called, from which source its callers come, and what became of their calls.

A new client who calls a number with a source gets it on his card (`gateway.aftercare.sources`).
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

from pydantic import Field

from gateway.api.fields import Day, Incoming, Nothing, Outgoing, RowId
from gateway.api.parts import ApiParts
from gateway.api.problems import NotFoundError, StaleVersionError, refused_value
from gateway.api.reports import asked_period
from gateway.api.routing import Asked, Route
from gateway.domain.access import Right
from gateway.domain.periods import PeriodName, begin_of, day_of
from gateway.domain.routing import EVERY_NUMBER
from gateway.store import our_numbers as store
from gateway.store.access import write_audit
from gateway.store.our_numbers import OurNumber, StepFigures
from gateway.store.routing import read_route

Did = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f/]+$")]
Line = Annotated[str, Field(max_length=120, pattern=r"^[^\x00-\x1f\x7f]*$")]
SourceText = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$")]


class NumberPath(Incoming):
    """Which number, as calls show it."""

    did: Did


class NamedNumber(Incoming):
    """What a number is called, and where its callers come from."""

    version: Annotated[int, Field(ge=0, le=2**31 - 1)] = Field(description="as it was read; 0: nobody has named it")
    name: Line = ""
    source_kind: SourceText | None = Field(default=None, description="campaign, site, printed...; null: none")
    source_name: SourceText | None = Field(default=None, description="of the source; goes with a kind")
    note: Annotated[str, Field(max_length=1000, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]*$")] = ""


class NumberView(Outgoing):
    """One of our numbers."""

    did: str
    name: str = Field(description="empty: nobody named it")
    source_kind: str | None
    source_name: str | None
    note: str
    route: int | None = Field(description="its own inbound route; null: that of all numbers, or as the PBX says")
    route_name: str | None
    calls_today: int
    last_call_at: datetime | None = Field(description="within the last 90 days; null: nobody called")
    changed_at: datetime | None
    version: int


class NumberList(Outgoing):
    """Our numbers, those with a name first."""

    items: tuple[NumberView, ...]


class RoutePath(Incoming):
    """Which route."""

    inbound_route_id: RowId


class FiguresQuery(Incoming):
    """Of which days."""

    period: PeriodName = Field(default=PeriodName.LAST_7_DAYS, description="`dates` goes with since and until")
    since: Day | None = None
    until: Day | None = None


class StepFiguresView(Outgoing):
    """What became of calls for which this step rang last."""

    route: int | None = Field(description="null: no route rang anybody")
    step: int | None = Field(description="its place in the route, as `call.routed` tells it")
    open: bool | None = Field(description="whether it was within working hours")
    answered: int
    missed: int


class RouteFigures(Outgoing):
    """Calls through a route."""

    since: date
    until: date
    calls: int
    answered: int
    missed: int
    steps: tuple[StepFiguresView, ...]


class OurNumbers:
    """The handlers of `/numbers`, and of a route's figures."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts

    def routes(self) -> tuple[Route, ...]:
        """The rows of the table."""
        tag = "inbound routing"
        return (
            Route(
                method="GET",
                path="/numbers",
                handler=self.listing,
                summary="Our own numbers with their names, sources, routes and calls",
                right=Right.ROUTING_READ,
                tag=tag,
            ),
            Route(
                method="PUT",
                path="/numbers/{did}",
                handler=self.put,
                summary="Name a number and say where its callers come from",
                right=Right.ROUTING_MANAGE,
                tag=tag,
                errors=(StaleVersionError,),
            ),
            Route(
                method="DELETE",
                path="/numbers/{did}",
                handler=self.drop,
                summary="Forget what is known of a number",
                right=Right.ROUTING_MANAGE,
                tag=tag,
            ),
            Route(
                method="GET",
                path="/inbound-routes/{inbound_route_id}/figures",
                handler=self.figures,
                summary="What became of the calls of a route, by the step that rang last",
                right=Right.ROUTING_READ,
                tag=tag,
            ),
        )

    async def listing(self, asked: Asked[Nothing, Nothing, Nothing]) -> NumberList:
        """Our numbers."""
        return NumberList(items=tuple(map(_view, await self._numbers())))

    async def put(self, asked: Asked[NumberPath, Nothing, NamedNumber]) -> NumberView:
        """Name a number."""
        body, did = asked.body, asked.path.did
        if body.source_name is not None and body.source_kind is None:
            raise refused_value("source_kind", "A source with a name is of a kind; name it too.")
        async with self._parts.pool.acquire() as connection, connection.transaction():
            named = await store.name_number(
                connection,
                did,
                name=body.name.strip(),
                source_kind=body.source_kind,
                source_name=body.source_name,
                note=body.note,
                version=body.version,
                by=asked.principal.id,
            )
            if not named:
                raise StaleVersionError
            await write_audit(connection, actor=asked.principal.id, action="number.named", object=f"number:{did}")
        (found,) = await self._numbers(did)
        return _view(found)

    async def drop(self, asked: Asked[NumberPath, Nothing, Nothing]) -> None:
        """Forget what is known of a number."""
        did = asked.path.did
        async with self._parts.pool.acquire() as connection, connection.transaction():
            if not await store.forget_number(connection, did):
                raise NotFoundError("Nobody has named this number.")
            await write_audit(connection, actor=asked.principal.id, action="number.forgotten", object=f"number:{did}")

    async def figures(self, asked: Asked[RoutePath, FiguresQuery, Nothing]) -> RouteFigures:
        """Calls of a route's number."""
        query, zone = asked.query, self._parts.settings.company.timezone
        period = asked_period(query.period, query.since, query.until, zone, datetime.now(UTC))
        found = await read_route(self._parts.pool, asked.path.inbound_route_id)
        if found is None:
            raise NotFoundError("There is no route with this id.")
        did = None if found.route.did in (None, EVERY_NUMBER) else found.route.did
        steps = await store.route_figures(self._parts.pool, did, *period.bounds(zone))
        return RouteFigures(
            since=period.first,
            until=period.last,
            calls=sum(s.answered + s.missed for s in steps),
            answered=sum(s.answered for s in steps),
            missed=sum(s.missed for s in steps),
            steps=tuple(map(_step, steps)),
        )

    async def _numbers(self, did: str | None = None) -> Sequence[OurNumber]:
        zone, now = self._parts.settings.company.timezone, datetime.now(UTC)
        own = {number for directory in self._parts.directories.values() for number in directory.plan.own}
        return await store.our_numbers(
            self._parts.pool,
            today=begin_of(day_of(now, zone), zone),
            lately=now - timedelta(days=store.LATELY_DAYS),
            configured=sorted(own),
            did=did,
        )


def _view(number: OurNumber) -> NumberView:
    return NumberView(
        route=number.route_id,
        **{name: getattr(number, name) for name in NumberView.model_fields if name != "route"},
    )


def _step(step: StepFigures) -> StepFiguresView:
    return StepFiguresView(route=step.route, step=step.step, open=step.open, answered=step.answered, missed=step.missed)
