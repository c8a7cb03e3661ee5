"""`/webhooks`: subscriptions to facts, their secrets, and what is sent once more.

The secret is shown when it is made and never again. Who subscribes must be allowed to see all that he subscribes to:
a webhook carries the clients of everybody out of the house.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from aiohttp import web
from pydantic import Field

from gateway.api.fields import CursorText, Incoming, Limit, Nothing, Outgoing, RowId
from gateway.api.once import do_once
from gateway.api.pages import Page, page, read_cursor
from gateway.api.parts import ApiParts
from gateway.api.problems import FieldFault, InvalidRequestError, NotFoundError, StaleVersionError
from gateway.api.routing import Asked, Handler, Method, Route
from gateway.api.visibility import sees_kinds
from gateway.domain.access import Principal, Right
from gateway.domain.errors import NotAllowed
from gateway.domain.webhooks import (
    API_VERSION,
    KIND_PATTERN,
    KINDS_MAX,
    OVERLAP,
    URL_MAX,
    BadAddressError,
    OffReason,
    WebhookState,
    check_url,
    new_secret,
)
from gateway.store import webhooks as store
from gateway.store.access import write_audit
from gateway.store.database import Connection, Pool
from gateway.store.facts import NewFact
from gateway.store.webhooks import Webhook

Kinds = Annotated[tuple[Annotated[str, Field(pattern=KIND_PATTERN)], ...], Field(min_length=1, max_length=KINDS_MAX)]
Url = Annotated[str, Field(min_length=8, max_length=URL_MAX)]
Description = Annotated[str, Field(max_length=500, pattern=r"^[^\x00-\x1f\x7f]*$")]
SECRET = ("secret",)


class WebhookPath(Incoming):
    """Which subscription."""

    webhook_id: RowId


class WebhookQuery(Incoming):
    """A part of the list."""

    limit: Limit = 50
    cursor: CursorText | None = None


class WebhookPlace(Incoming):
    """Where a page ends."""

    id: int


class NewWebhook(Incoming):
    """A subscription to be made."""

    url: Url = Field(description="https://..., without user and password")
    kinds: Kinds = Field(default=("*",), description="kinds of facts: `call.ended`, `call.*`, or `*` for everything")
    description: Description = ""
    active: bool = True


class WebhookChange(Incoming):
    """What is to be changed; what is left out stays."""

    version: Annotated[int, Field(ge=1, le=2**31 - 1)] = Field(description="as it was read; another is a conflict")
    url: Url | None = None
    kinds: Kinds | None = None
    description: Description | None = None
    active: bool | None = Field(default=None, description="true also forgets past failures; false switches off")


class SecretChange(Incoming):
    """How a secret is replaced."""

    overlap_hours: Annotated[int, Field(ge=0, le=168)] = Field(
        default=OVERLAP // timedelta(hours=1), description="so long messages are signed with the old secret, too"
    )


class WebhookView(Outgoing):
    """A subscription."""

    id: int
    url: str
    kinds: tuple[str, ...]
    description: str
    active: bool
    state: WebhookState
    reason: OffReason | None = Field(description="why it is failing or off")
    state_since: datetime
    failures: int = Field(description="attempts that failed one after the other")
    failing_since: datetime | None
    delivered_at: datetime | None = Field(description="the last success, to some seconds")
    waiting: int = Field(description="deliveries not yet taken, counted up to 1000")
    api_version: str
    old_secret_until: datetime | None
    made_by: str
    created_at: datetime
    updated_at: datetime
    version: int


class WebhookWithSecret(WebhookView):
    """A subscription with its secret."""

    secret: str | None = Field(description="to be kept now: it is never shown again; null where this is a repetition")


def view_values(webhook: Webhook) -> dict[str, object]:
    """A subscription as its views show it."""
    names = [name for name in WebhookView.model_fields if name != "active"]
    return {name: getattr(webhook, name) for name in names} | {"active": webhook.state is not WebhookState.OFF}


class Webhooks:
    """The handlers of `/webhooks`."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts

    def routes(self) -> tuple[Route, ...]:
        """The rows of the table."""
        one = "/webhooks/{webhook_id}"
        return (
            webhook_route("GET", "/webhooks", self.listing, "Subscriptions to facts, the newest first"),
            webhook_route("POST", "/webhooks", self.make, "Subscribe; the secret is shown once", status=201),
            webhook_route("GET", one, self.one, "One subscription and how it does"),
            webhook_route("PATCH", one, self.change, "Change it, or switch it on or off", errors=(StaleVersionError,)),
            webhook_route("DELETE", one, self.delete, "End it; what waits is not sent"),
            webhook_route(
                "POST", f"{one}/secret", self.rotate, "Replace the secret; both sign for a while", body_optional=True
            ),
        )

    async def listing(self, asked: Asked[Nothing, WebhookQuery, Nothing]) -> Page[WebhookView]:
        """A page of subscriptions."""
        place = read_cursor("webhooks", asked.query.cursor, WebhookPlace)
        limit = asked.query.limit
        found = await store.list_webhooks(self._parts.pool, before=place.id if place else None, limit=limit + 1)
        rows = [(WebhookView.model_validate(view_values(w)), WebhookPlace(id=w.id)) for w in found]
        return page("webhooks", rows, limit)

    async def one(self, asked: Asked[WebhookPath, Nothing, Nothing]) -> WebhookView:
        """One subscription."""
        return WebhookView.model_validate(view_values(await found_webhook(self._parts.pool, asked.path.webhook_id)))

    async def make(self, asked: Asked[Nothing, Nothing, NewWebhook]) -> WebhookWithSecret | web.Response:
        """Subscribe."""
        body, who = asked.body, asked.principal
        self._check(who, url=body.url, kinds=body.kinds)
        secret = new_secret()

        async def work(connection: Connection) -> tuple[WebhookWithSecret, Sequence[NewFact]]:
            id_ = await store.make_webhook(
                connection,
                url=body.url,
                kinds=body.kinds,
                description=body.description,
                api_version=API_VERSION,
                secret=secret,
                active=body.active,
                made_by=who.id,
            )
            await note(connection, who, "webhook.made", id_, kinds=list(body.kinds))
            return await _with_secret(connection, id_, secret), ()

        return await do_once(self._parts, asked, work, shown_once=SECRET)

    async def change(self, asked: Asked[WebhookPath, Nothing, WebhookChange]) -> WebhookView:
        """Change a subscription."""
        id_, body = asked.path.webhook_id, asked.body
        present = await found_webhook(self._parts.pool, id_)
        self._check(asked.principal, url=body.url, kinds=body.kinds or present.kinds)
        changes: Mapping[str, object] = {
            name: value for name in ("url", "kinds", "description") if (value := getattr(body, name)) is not None
        }
        async with self._parts.pool.acquire() as connection, connection.transaction():
            if not await store.change_webhook(
                connection, id_, version=body.version, changes=changes, active=body.active
            ):
                await found_webhook(connection, id_)
                raise StaleVersionError
            await note(connection, asked.principal, "webhook.changed", id_, what=sorted(body.model_fields_set))
            return WebhookView.model_validate(view_values(await found_webhook(connection, id_)))

    async def delete(self, asked: Asked[WebhookPath, Nothing, Nothing]) -> None:
        """End a subscription."""
        async with self._parts.pool.acquire() as connection, connection.transaction():
            if not await store.delete_webhook(connection, asked.path.webhook_id):
                raise NotFoundError
            await note(connection, asked.principal, "webhook.deleted", asked.path.webhook_id)

    async def rotate(self, asked: Asked[WebhookPath, Nothing, SecretChange]) -> WebhookWithSecret | web.Response:
        """Replace the secret."""
        id_, who, secret = asked.path.webhook_id, asked.principal, new_secret()
        until = datetime.now(UTC) + timedelta(hours=asked.body.overlap_hours)

        async def work(connection: Connection) -> tuple[WebhookWithSecret, Sequence[NewFact]]:
            if not await store.replace_secret(connection, id_, secret=secret, old_until=until):
                raise NotFoundError
            await note(connection, who, "webhook.secret_replaced", id_)
            return await _with_secret(connection, id_, secret), ()

        return await do_once(self._parts, asked, work, status=200, shown_once=SECRET)

    def _check(self, who: Principal, *, url: str | None, kinds: Sequence[str]) -> None:
        """Refuse an address that can never be right, and kinds that the caller may not see whole."""
        if url is not None:
            try:
                check_url(url, self._parts.settings.webhooks.allowed_hosts)
            except BadAddressError as fault:
                detail = FieldFault(place="body", pointer="#/url", code="url", detail=str(fault))
                raise InvalidRequestError([detail]) from fault
        if not sees_kinds(who, kinds):
            raise NotAllowed("You cannot have events sent out that you may not see; ask for the rights to read them.")


def webhook_route(method: Method, path: str, handler: Handler, summary: str, **more: Any) -> Route:
    """A row of the table of webhooks."""
    return Route(
        method=method,
        path=path,
        handler=handler,
        summary=summary,
        right=Right.WEBHOOKS_MANAGE,
        tag="webhooks",
        idempotent=method == "POST",
        **more,
    )


async def found_webhook(source: Pool | Connection, id: int) -> Webhook:
    """A subscription that is there.

    Raises:
        NotFoundError: there is none with this id.
    """
    webhook = await store.read_webhook(source, id)
    if webhook is None:
        raise NotFoundError
    return webhook


async def note(connection: Connection, who: Principal, action: str, id: int, **detail: object) -> None:
    """A row of the audit."""
    await write_audit(connection, actor=who.id, action=action, object=f"webhook:{id}", detail=detail)


async def _with_secret(connection: Connection, id: int, secret: str) -> WebhookWithSecret:
    values = view_values(await found_webhook(connection, id))
    return WebhookWithSecret.model_validate({**values, "secret": secret})
