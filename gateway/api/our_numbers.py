"""Our own numbers: what each is called, from which source its callers come, and what became of their calls.

A new client who calls a number with a source gets it on his card (`gateway.aftercare.sources`).
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import Field

from gateway.api.fields import Incoming, Nothing, Outgoing
from gateway.api.parts import ApiParts
from gateway.api.problems import NotFoundError, StaleVersionError, refused_value
from gateway.api.routing import Asked, Route
from gateway.domain.access import Right
from gateway.domain.periods import begin_of, day_of
from gateway.store import our_numbers as store
from gateway.store.access import write_audit
from gateway.store.our_numbers import OurNumber

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


class NumberNameView(Outgoing):
    """What one of our numbers is called."""

    did: str = Field(description="as calls show it")
    name: str = Field(description="of the number, else of its route; empty: nobody named it")
    source_name: str | None


class NumberNameList(Outgoing):
    """Our numbers that somebody named or routed, by name."""

    items: tuple[NumberNameView, ...]


class OurNumbers:
    """The handlers of `/numbers` and `/lines`."""

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
                method="GET",
                path="/lines",
                handler=self.lines,
                summary="What our numbers are called, for everybody who sees calls",
                right=Right.CALLS_READ_OWN,
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
        )

    async def listing(self, asked: Asked[Nothing, Nothing, Nothing]) -> NumberList:
        """Our numbers."""
        return NumberList(items=tuple(map(_view, await self._numbers())))

    async def lines(self, asked: Asked[Nothing, Nothing, Nothing]) -> NumberNameList:
        """The names of our numbers, without anything of their routing."""
        return NumberNameList(
            items=tuple(
                NumberNameView(did=line.did, name=line.name, source_name=line.source_name)
                for line in await store.lines(self._parts.pool)
            )
        )

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
