"""Who gets the daily report when and how, what became of each, and sending again what a person decides."""

from datetime import UTC, date, datetime
from typing import Annotated, Literal

from aiohttp import web
from pydantic import AfterValidator, Field

from gateway.api.fields import CursorText, Incoming, Limit, Nothing, Outgoing, RowId
from gateway.api.once import do_once
from gateway.api.pages import Page, page, read_cursor
from gateway.api.parts import ApiParts
from gateway.api.problems import (
    ConflictError,
    NotFoundError,
    StaleVersionError,
    refused_value,
)
from gateway.api.routing import Asked, Route
from gateway.api.teams import Version
from gateway.domain.access import Principal, Right, Role, allowed
from gateway.domain.letters import ADDRESS_MAX, checked_address
from gateway.store import report_subscriptions as store
from gateway.store import teams
from gateway.store.access import write_audit
from gateway.store.database import Connection
from gateway.store.facts import NewFact
from gateway.store.report_subscriptions import Delivery, Subscription


def _address(text: str) -> str:
    return checked_address(text) if text else text


MailAddress = Annotated[str, Field(max_length=ADDRESS_MAX), AfterValidator(_address)]
Hour = Annotated[int, Field(ge=0, le=23, description="of the reader's clock")]
Minute = Annotated[int, Field(ge=0, le=59)]
Weekdays = Annotated[
    tuple[Annotated[int, Field(ge=1, le=7)], ...],
    Field(min_length=1, max_length=7, description="on which it is made; 1: Monday"),
]
Covers = Literal["today", "yesterday"]
By = Literal["mail", "file"]
EVERY_DAY = (1, 2, 3, 4, 5, 6, 7)


class SubscriptionPath(Incoming):
    """Which subscription."""

    subscription_id: RowId


class DeliveryPath(Incoming):
    """Which delivery."""

    delivery_id: RowId


class NewSubscription(Incoming):
    """A subscription to be made."""

    user: RowId = Field(description="the reader, with his zone and language")
    team: RowId | None = Field(default=None, description="null: the whole company")
    covers: Covers = Field(default="yesterday", description="which day it is about")
    hour: Hour
    minute: Minute = 0
    weekdays: Weekdays = EVERY_DAY
    by: By = Field(description="a letter, or files in the folder `reports` under the home folder")
    address: MailAddress = Field(default="", description="of letters")


class SubscriptionChange(Incoming):
    """What is to be changed; what is left out stays."""

    version: Version
    team: RowId | None = None
    covers: Covers | None = None
    hour: Hour | None = None
    minute: Minute | None = None
    weekdays: Weekdays | None = None
    by: By | None = None
    address: MailAddress | None = None
    active: bool | None = None


class SubscriptionView(Outgoing):
    """A subscription."""

    id: int
    user: int
    report: str
    team: int | None
    covers: str
    hour: int
    minute: int
    weekdays: tuple[int, ...]
    by: str
    address: str
    active: bool
    made_at: datetime
    version: int


class SubscriptionList(Outgoing):
    """Subscriptions."""

    items: tuple[SubscriptionView, ...]


class DeliveryQuery(Incoming):
    """Which deliveries."""

    subscription: RowId | None = None
    limit: Limit = 50
    cursor: CursorText | None = None


class DeliveryPlace(Incoming):
    """Where a page ends."""

    id: int


class ReportDeliveryView(Outgoing):
    """One report for one day."""

    id: int
    subscription: int
    day: date
    state: str = Field(description="wanted, sending, sent, unknown, failed, skipped")
    reason: str
    attempts: int
    due_at: datetime
    made_at: datetime
    ended_at: datetime | None
    subject: str | None
    text: str | None


class NotWaitingError(ConflictError):
    """Only a report that failed, or of which nobody knows, is sent again by hand."""


def subscription_view(found: Subscription) -> SubscriptionView:
    """A subscription as it is shown."""
    return SubscriptionView(
        id=found.id,
        user=found.user_id,
        report=found.report,
        team=found.team_id,
        covers=found.covers,
        hour=found.hour,
        minute=found.minute,
        weekdays=found.weekdays,
        by=found.by,
        address=found.address,
        active=found.active,
        made_at=found.made_at,
        version=found.version,
    )


def delivery_view(found: Delivery) -> ReportDeliveryView:
    """A delivery as it is shown."""
    letter = found.letter or {}
    return ReportDeliveryView(
        id=found.id,
        subscription=found.subscription_id,
        day=found.day,
        state=found.state,
        reason=found.reason,
        attempts=found.attempts,
        due_at=found.due_at,
        made_at=found.made_at,
        ended_at=found.ended_at,
        subject=letter.get("subject"),
        text=letter.get("text"),
    )


class ReportSubscriptions:
    """The handlers of `/reports/subscriptions` and `/reports/deliveries`."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts

    def routes(self) -> tuple[Route, ...]:
        """The rows of the table."""
        return (
            Route(
                method="GET",
                path="/reports/subscriptions",
                handler=self.listing,
                summary="Who gets the daily report when",
                right=Right.STATISTICS_READ_ALL,
                tag="reports",
            ),
            Route(
                method="POST",
                path="/reports/subscriptions",
                handler=self.make,
                summary="Have the daily report sent to somebody at his hour",
                right=Right.GOALS_MANAGE,
                tag="reports",
                status=201,
                idempotent=True,
            ),
            Route(
                method="PATCH",
                path="/reports/subscriptions/{subscription_id}",
                handler=self.change,
                summary="Change or end a subscription",
                right=Right.GOALS_MANAGE,
                tag="reports",
                errors=(NotFoundError, StaleVersionError),
            ),
            Route(
                method="GET",
                path="/reports/deliveries",
                handler=self.deliveries,
                summary="What became of each daily report",
                right=Right.STATISTICS_READ_ALL,
                tag="reports",
            ),
            Route(
                method="POST",
                path="/reports/deliveries/{delivery_id}/again",
                handler=self.again,
                summary="Send a report again that failed or of which nobody knows",
                right=Right.GOALS_MANAGE,
                tag="reports",
                status=201,
                idempotent=True,
                errors=(NotFoundError, NotWaitingError),
            ),
        )

    async def listing(self, asked: Asked[Nothing, Nothing, Nothing]) -> SubscriptionList:
        """All of them, ended ones too."""
        found = await store.list_subscriptions(self._parts.pool)
        return SubscriptionList(items=tuple(map(subscription_view, found)))

    async def make(self, asked: Asked[Nothing, Nothing, NewSubscription]) -> SubscriptionView | web.Response:
        """Make a subscription; the first report is the next one that becomes due."""
        body, now = asked.body, datetime.now(UTC)
        new = Subscription(
            id=0,
            user_id=body.user,
            report="daily",
            team_id=body.team,
            covers=body.covers,
            hour=body.hour,
            minute=body.minute,
            weekdays=tuple(sorted(set(body.weekdays))),
            by=body.by,
            address=body.address,
            active=True,
            made_by=asked.principal.id,
            made_at=now,
            since=now,
            version=1,
        )

        async def work(connection: Connection) -> tuple[SubscriptionView, list[NewFact]]:
            await self._check(connection, new)
            made = await store.make_subscription(connection, new)
            return await self._written(connection, asked.principal, made, "subscription.made"), []

        return await do_once(self._parts, asked, work)

    async def change(self, asked: Asked[SubscriptionPath, Nothing, SubscriptionChange]) -> SubscriptionView:
        """Change a subscription; what was due before its new hour is not made up."""
        id_, body = asked.path.subscription_id, asked.body
        given = body.model_dump(exclude={"version", "team"}, exclude_none=True)
        changes: dict[str, object] = {**given, "since": datetime.now(UTC)}
        if "weekdays" in given:
            changes["weekdays"] = sorted(set(given["weekdays"]))
        if "team" in body.model_fields_set:
            changes["team_id"] = body.team
        async with self._parts.pool.acquire() as connection, connection.transaction():
            if await store.read_subscription(connection, id_) is None:
                raise NotFoundError("There is no subscription with this id.")
            if not await store.change_subscription(connection, id_, version=body.version, changes=changes):
                raise StaleVersionError
            changed = await store.read_subscription(connection, id_)
            if changed is not None and changed.active:
                await self._check(connection, changed)
            return await self._written(connection, asked.principal, id_, "subscription.changed")

    async def deliveries(self, asked: Asked[Nothing, DeliveryQuery, Nothing]) -> Page[ReportDeliveryView]:
        """A page of deliveries, the last made first."""
        query = asked.query
        place = read_cursor("deliveries", query.cursor, DeliveryPlace)
        found = await store.list_deliveries(
            self._parts.pool,
            user=None,
            subscription=query.subscription,
            before=place.id if place else None,
            limit=query.limit + 1,
        )
        return page("deliveries", [(delivery_view(d), DeliveryPlace(id=d.id)) for d in found], query.limit)

    async def again(self, asked: Asked[DeliveryPath, Nothing, Nothing]) -> ReportDeliveryView | web.Response:
        """Send again; the reader may get it twice, which is why a person decides."""
        id_ = asked.path.delivery_id

        async def work(connection: Connection) -> tuple[ReportDeliveryView, list[NewFact]]:
            if await store.read_delivery(connection, id_) is None:
                raise NotFoundError("There is no delivery with this id.")
            if not await store.send_again(connection, id_, datetime.now(UTC)):
                raise NotWaitingError
            await write_audit(
                connection, actor=asked.principal.id, action="report.sent_again", object=f"delivery:{id_}"
            )
            found = await store.read_delivery(connection, id_)
            if found is None:
                raise NotFoundError
            return delivery_view(found), []

        return await do_once(self._parts, asked, work)

    async def _check(self, connection: Connection, wanted: Subscription) -> None:
        """Refuse what could never be delivered.

        Raises:
            InvalidRequestError: with the reason.
        """
        people = await teams.workers(connection)
        reader = people.get(wanted.user_id)
        if reader is None or not reader.active:
            raise refused_value("user", "Nobody who can sign in has this id.")
        team = await teams.read_team(connection, wanted.team_id) if wanted.team_id is not None else None
        if wanted.team_id is not None and (team is None or team.archived_at is not None):
            raise refused_value("team", "There is no team with this id.")
        principal = Principal(id=f"user:{reader.id}", role=Role(reader.role), manager=str(reader.id))
        heads_it = team is not None and team.head_id == reader.id
        if not heads_it and not allowed(principal, Right.STATISTICS_READ_ALL):
            raise refused_value("user", "This person may not read the figures of others, nor heads the team.")
        if (wanted.by == "mail") != bool(wanted.address):
            raise refused_value("address", "A letter needs an address, a file has none.")
        if wanted.by == "mail" and self._parts.settings.mail.host is None:
            raise refused_value("by", "No mail server is configured (mail.host); choose file.")

    async def _written(self, connection: Connection, who: Principal, id: int, action: str) -> SubscriptionView:
        found = await store.read_subscription(connection, id)
        if found is None:
            raise NotFoundError
        detail: dict[str, object] = {"by": found.by, "user": found.user_id}
        await write_audit(connection, actor=who.id, action=action, object=f"subscription:{id}", detail=detail)
        return subscription_view(found)
