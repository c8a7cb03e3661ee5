"""`/webhooks/{id}/deliveries`: what was sent and what was answered; what is sent once more, and a test."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from aiohttp import web
from pydantic import Field

from gateway.api.fields import CursorText, Incoming, Limit, Moment, Nothing, Outgoing, RowId
from gateway.api.once import do_once
from gateway.api.pages import Page, page, read_cursor
from gateway.api.parts import ApiParts
from gateway.api.problems import ConflictError, NotFoundError
from gateway.api.routing import Asked, Route
from gateway.api.webhooks import WebhookPath, WebhookPlace, found_webhook, note, webhook_route
from gateway.domain.identity import new_id
from gateway.domain.webhooks import DeliveryState, Fault, WebhookState
from gateway.store import delivery_log as store
from gateway.store.database import Connection, Pool
from gateway.store.delivery_log import Delivery
from gateway.store.facts import NewFact

ATTEMPTS_SHOWN = 50


class DeliveryPath(WebhookPath):
    """Which delivery of which subscription."""

    delivery_id: RowId


class DeliveryQuery(Incoming):
    """Which deliveries."""

    state: Annotated[tuple[DeliveryState, ...], Field(max_length=len(DeliveryState))] = ()
    kind: Annotated[str, Field(min_length=1, max_length=80)] | None = None
    limit: Limit = 50
    cursor: CursorText | None = None


class Again(Incoming):
    """What is sent once more."""

    since: Moment = Field(description="facts that happened from then on")
    delivered_too: bool = Field(default=False, description="also what the receiver took already")


class DeliveryView(Outgoing):
    """One message for one subscription."""

    id: int
    message_id: str = Field(description="`webhook-id` of every attempt")
    kind: str
    call_id: UUID | None
    state: DeliveryState
    attempts: int
    status: int | None = Field(description="of the last answer")
    fault: Fault | None = Field(description="why there was no answer")
    queued_at: datetime
    due_at: datetime = Field(description="when it is tried next, or was to be tried last")
    settled_at: datetime | None


class AttemptView(Outgoing):
    """One attempt."""

    number: int
    at: datetime
    ms: int | None = Field(description="null: it was cut off")
    status: int | None
    fault: Fault | None
    answer: str = Field(description="the first bytes, as text")


class DeliveryWithAttempts(DeliveryView):
    """One message and its attempts."""

    tries: tuple[AttemptView, ...] = Field(description="the newest first, the last 50")


class Queued(Outgoing):
    """What will be sent."""

    queued: int = Field(description="deliveries that wait now and did not before")


class BeingSentError(ConflictError):
    """This delivery is being sent at this moment; look at it again in some seconds."""


class SwitchedOffError(ConflictError):
    """This subscription is off, so nothing is sent; switch it on first."""


class WebhookLog:
    """The handlers of deliveries."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts

    def routes(self) -> tuple[Route, ...]:
        """The rows of the table."""
        one = "/webhooks/{webhook_id}"
        off = (SwitchedOffError,)
        return (
            webhook_route("GET", f"{one}/deliveries", self.listing, "What was sent, the newest first"),
            webhook_route("GET", f"{one}/deliveries/{{delivery_id}}", self.one, "One message and every attempt"),
            webhook_route(
                "POST",
                f"{one}/deliveries/{{delivery_id}}/resend",
                self.resend_one,
                "Send one message again",
                status=202,
                errors=(BeingSentError, *off),
            ),
            webhook_route(
                "POST", f"{one}/resend", self.resend, "Send what was missed since a moment", status=202, errors=off
            ),
            webhook_route("POST", f"{one}/test", self.test, "Send a test message", status=202, errors=off),
        )

    async def listing(self, asked: Asked[WebhookPath, DeliveryQuery, Nothing]) -> Page[DeliveryView]:
        """A page of deliveries."""
        query = asked.query
        webhook = await found_webhook(self._parts.pool, asked.path.webhook_id)
        place = read_cursor("deliveries", query.cursor, WebhookPlace)
        found = await store.list_deliveries(
            self._parts.pool,
            webhook.id,
            states=query.state,
            kind=query.kind,
            before=place.id if place else None,
            limit=query.limit + 1,
        )
        rows = [(DeliveryView.model_validate(_values(d)), WebhookPlace(id=d.id)) for d in found]
        return page("deliveries", rows, query.limit)

    async def one(self, asked: Asked[DeliveryPath, Nothing, Nothing]) -> DeliveryWithAttempts:
        """One delivery with its attempts."""
        delivery = await self._delivery(self._parts.pool, asked.path.webhook_id, asked.path.delivery_id)
        tries = await store.attempts_of(self._parts.pool, delivery.id, ATTEMPTS_SHOWN)
        views = [{name: getattr(t, name) for name in AttemptView.model_fields} for t in tries]
        return DeliveryWithAttempts.model_validate({**_values(delivery), "tries": tuple(views)})

    async def resend_one(self, asked: Asked[DeliveryPath, Nothing, Nothing]) -> DeliveryView | web.Response:
        """Send one delivery again."""
        id_, delivery = asked.path.webhook_id, asked.path.delivery_id

        async def work(connection: Connection) -> tuple[DeliveryView, Sequence[NewFact]]:
            await self._switched_on(connection, id_)
            sent = await store.send_again(connection, id_, delivery, datetime.now(UTC))
            if not sent:
                raise NotFoundError if sent is None else BeingSentError
            await note(connection, asked.principal, "webhook.resent", id_, delivery=delivery)
            return DeliveryView.model_validate(_values(await self._delivery(connection, id_, delivery))), ()

        return await do_once(self._parts, asked, work, status=202)

    async def resend(self, asked: Asked[WebhookPath, Nothing, Again]) -> Queued | web.Response:
        """Send everything that was missed."""
        id_, body = asked.path.webhook_id, asked.body

        async def work(connection: Connection) -> tuple[Queued, Sequence[NewFact]]:
            await self._switched_on(connection, id_)
            queued = await store.send_all_again(
                connection, id_, since=body.since, delivered_too=body.delivered_too, now=datetime.now(UTC)
            )
            await note(connection, asked.principal, "webhook.resent", id_, since=body.since.isoformat())
            return Queued(queued=queued), ()

        return await do_once(self._parts, asked, work, status=202)

    async def test(self, asked: Asked[WebhookPath, Nothing, Nothing]) -> DeliveryView | web.Response:
        """Send a test message."""
        id_ = asked.path.webhook_id

        async def work(connection: Connection) -> tuple[DeliveryView, Sequence[NewFact]]:
            await self._switched_on(connection, id_)
            body = {"webhook": id_, "text": "This is a test; nothing happened."}
            made = await store.queue_test(connection, id_, id=new_id(), body=body, now=datetime.now(UTC))
            return DeliveryView.model_validate(_values(await self._delivery(connection, id_, made))), ()

        return await do_once(self._parts, asked, work, status=202)

    async def _switched_on(self, connection: Connection, id: int) -> None:
        if (await found_webhook(connection, id)).state is WebhookState.OFF:
            raise SwitchedOffError

    async def _delivery(self, source: Pool | Connection, webhook: int, id: int) -> Delivery:
        found = await store.read_delivery(source, webhook, id)
        if found is None:
            raise NotFoundError
        return found


def _values(delivery: Delivery) -> dict[str, object]:
    return {name: getattr(delivery, name) for name in DeliveryView.model_fields}
