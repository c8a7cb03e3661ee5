"""What was spent on channels: entered by hand for a span of days, spread evenly over them in the channel report."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated

from aiohttp import web
from pydantic import Field

from gateway.api.fields import CursorText, Day, Incoming, Limit, Nothing, Outgoing, RowId
from gateway.api.once import do_once
from gateway.api.pages import Page, page, read_cursor
from gateway.api.parts import ApiParts
from gateway.api.problems import FieldFault, InvalidRequestError, NotFoundError, StaleVersionError
from gateway.api.routing import Asked, Route
from gateway.api.teams import Version
from gateway.domain.access import Right
from gateway.domain.spend import ChannelBy
from gateway.store import spend as store
from gateway.store.access import write_audit
from gateway.store.database import Connection
from gateway.store.facts import NewFact
from gateway.store.spend import SpendRow

ChannelName = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
SourceKind = Annotated[str, Field(max_length=60, pattern=r"^[^\x00-\x1f\x7f]*$")]
Amount = Annotated[Decimal, Field(ge=0, le=Decimal("999999999999"), max_digits=14, decimal_places=2)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$", description="ISO 4217, like EUR")]
Note = Annotated[str, Field(max_length=500)]
SPAN_MAX = 3660


class SpendPath(Incoming):
    """Which sum."""

    spend_id: RowId


class SpendQuery(Incoming):
    """Which sums."""

    since: Day | None = Field(default=None, description="those that reach to this day or later")
    until: Day | None = Field(default=None, description="those that begin on this day or before")
    by: ChannelBy | None = None
    limit: Limit = 50
    cursor: CursorText | None = None


class SpendPlace(Incoming):
    """Where a page ends."""

    id: int


class NewSpend(Incoming):
    """A sum for a channel and a span of days."""

    by: ChannelBy
    kind: SourceKind = Field(default="", description="of a source, like campaign; empty for a DID")
    channel: ChannelName = Field(description="the DID as calls name it, or the name of the source")
    since: Day
    until: Day = Field(description="the last day, itself included")
    amount: Amount
    currency: Currency
    note: Note = ""


class SpendChange(Incoming):
    """What is to be changed; what is left out stays."""

    version: Version
    kind: SourceKind | None = None
    channel: ChannelName | None = None
    since: Day | None = None
    until: Day | None = None
    amount: Amount | None = None
    currency: Currency | None = None
    note: Note | None = None


class SpendView(Outgoing):
    """A sum."""

    id: int
    by: ChannelBy
    kind: str
    channel: str
    since: date
    until: date
    amount: str = Field(description="with two decimals")
    currency: str
    note: str
    made_by: str
    made_at: datetime
    version: int


def spend_view(row: SpendRow) -> SpendView:
    """A sum as it is shown."""
    return SpendView(
        id=row.id,
        by=ChannelBy(row.channel_by),
        kind=row.kind,
        channel=row.name,
        since=row.since,
        until=row.until,
        amount=f"{row.amount:.2f}",
        currency=row.currency,
        note=row.note,
        made_by=row.made_by,
        made_at=row.made_at,
        version=row.version,
    )


def _check_days(since: date, until: date) -> None:
    if not 0 <= (until - since).days < SPAN_MAX:
        detail = f"A sum is for 1 to {SPAN_MAX} days, the first before the last."
        raise InvalidRequestError([FieldFault(place="body", pointer="#/until", code="span", detail=detail)])


def _check_kind(by: ChannelBy, kind: str) -> None:
    if by is ChannelBy.DID and kind:
        raise InvalidRequestError(
            [FieldFault(place="body", pointer="#/kind", code="value", detail="A DID has no kind; leave it empty.")]
        )


class SpendRoutes:
    """The handlers of `/spend`."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts

    def routes(self) -> tuple[Route, ...]:
        """The rows of the table."""
        return (
            Route(
                method="GET",
                path="/spend",
                handler=self.listing,
                summary="What was spent on channels",
                right=Right.STATISTICS_READ_ALL,
                tag="reports",
            ),
            Route(
                method="POST",
                path="/spend",
                handler=self.enter,
                summary="Enter what a channel costs",
                right=Right.GOALS_MANAGE,
                tag="reports",
                status=201,
                idempotent=True,
            ),
            Route(
                method="PATCH",
                path="/spend/{spend_id}",
                handler=self.change,
                summary="Correct a sum",
                right=Right.GOALS_MANAGE,
                tag="reports",
                errors=(StaleVersionError, NotFoundError),
            ),
            Route(
                method="DELETE",
                path="/spend/{spend_id}",
                handler=self.remove,
                summary="Take a sum away",
                right=Right.GOALS_MANAGE,
                tag="reports",
                errors=(NotFoundError,),
            ),
        )

    async def listing(self, asked: Asked[Nothing, SpendQuery, Nothing]) -> Page[SpendView]:
        """A page of sums, the last entered first."""
        query = asked.query
        place = read_cursor("spend", query.cursor, SpendPlace)
        found = await store.list_spend(
            self._parts.pool,
            since=query.since or date(1970, 1, 1),
            until=query.until or date(2200, 1, 1),
            by=query.by,
            before=place.id if place else None,
            limit=query.limit + 1,
        )
        return page("spend", [(spend_view(row), SpendPlace(id=row.id)) for row in found], query.limit)

    async def enter(self, asked: Asked[Nothing, Nothing, NewSpend]) -> SpendView | web.Response:
        """Enter a sum."""
        body = asked.body
        _check_days(body.since, body.until)
        _check_kind(body.by, body.kind)

        async def work(connection: Connection) -> tuple[SpendView, list[NewFact]]:
            made = await store.enter_spend(
                connection,
                by=body.by.value,
                kind=body.kind,
                name=body.channel,
                since=body.since,
                until=body.until,
                amount=body.amount,
                currency=body.currency,
                note=body.note,
                made_by=asked.principal.id,
            )
            await write_audit(connection, actor=asked.principal.id, action="spend.entered", object=f"spend:{made}")
            row = await store.read_spend(connection, made)
            if row is None:
                raise NotFoundError
            return spend_view(row), []

        return await do_once(self._parts, asked, work)

    async def change(self, asked: Asked[SpendPath, Nothing, SpendChange]) -> SpendView:
        """Correct a sum."""
        id_, body = asked.path.spend_id, asked.body
        changes: dict[str, object] = {
            name: value for name, value in body.model_dump(exclude={"version", "channel"}).items() if value is not None
        }
        if body.channel is not None:
            changes["name"] = body.channel
        async with self._parts.pool.acquire() as connection, connection.transaction():
            row = await store.read_spend(connection, id_)
            if row is None:
                raise NotFoundError("There is no sum with this id.")
            _check_days(body.since or row.since, body.until or row.until)
            _check_kind(ChannelBy(row.channel_by), row.kind if body.kind is None else body.kind)
            if not await store.change_spend(connection, id_, version=body.version, changes=changes):
                raise StaleVersionError
            await write_audit(
                connection,
                actor=asked.principal.id,
                action="spend.changed",
                object=f"spend:{id_}",
                detail={"fields": sorted(changes)},
            )
            row = await store.read_spend(connection, id_)
        if row is None:
            raise NotFoundError
        return spend_view(row)

    async def remove(self, asked: Asked[SpendPath, Nothing, Nothing]) -> None:
        """Take a sum away; it stays in the audit."""
        id_ = asked.path.spend_id
        async with self._parts.pool.acquire() as connection, connection.transaction():
            if not await store.remove_spend(connection, id_, datetime.now(UTC)):
                raise NotFoundError("There is no sum with this id.")
            await write_audit(connection, actor=asked.principal.id, action="spend.removed", object=f"spend:{id_}")
