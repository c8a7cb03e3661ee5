"""Subscriptions to facts: whom to tell what, as an administrator enters and changes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from gateway.domain.webhooks import OffReason, WebhookState
from gateway.store.database import Connection, Pool

Source = Pool | Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A subscription; its secrets are read by the sender only."""

    id: int
    url: str
    description: str
    kinds: tuple[str, ...]
    api_version: str
    state: WebhookState
    reason: OffReason | None
    state_since: datetime
    failures: int
    """Attempts that failed one after the other."""
    failing_since: datetime | None
    delivered_at: datetime | None
    """The last success, to some seconds."""
    old_secret_until: datetime | None
    """Until then the secret before the present one signs too."""
    waiting: int
    """Deliveries that wait, counted up to a thousand."""
    made_by: str
    created_at: datetime
    updated_at: datetime
    version: int


_WEBHOOK = """select id, url, description, kinds, api_version, state, reason, state_since, failures, failing_since,
 delivered_at, old_secret_until, made_by, created_at, updated_at, version, (select count(*) from (select from
 webhook_delivery d where d.webhook_id = w.id and d.state in ('waiting', 'sending') limit 1000) as few) as waiting
 from webhook w"""


def _webhook(row: Mapping[str, object]) -> Webhook:
    values = dict(row)
    kinds: list[str] = values.pop("kinds")  # type: ignore[assignment]
    state, reason = WebhookState(str(values.pop("state"))), values.pop("reason")
    return Webhook(
        kinds=tuple(kinds),
        state=state,
        reason=OffReason(str(reason)) if reason else None,
        **values,  # type: ignore[arg-type]
    )


async def list_webhooks(source: Source, *, before: int | None, limit: int) -> list[Webhook]:
    """Subscriptions, the newest first.

    Args:
        source: where to read.
        before: id of the last one seen; None: from the newest.
        limit: how many at most.
    """
    rows = await source.fetch(
        f"{_WEBHOOK} where deleted_at is null and ($1::bigint is null or id < $1) order by id desc limit $2",
        before,
        limit,
    )
    return [_webhook(r) for r in rows]


async def read_webhook(source: Source, id: int) -> Webhook | None:
    """One subscription; None: there is none with this id."""
    row = await source.fetchrow(f"{_WEBHOOK} where id = $1 and deleted_at is null", id)
    return _webhook(row) if row else None


async def make_webhook(
    connection: Connection,
    *,
    url: str,
    kinds: tuple[str, ...],
    description: str,
    api_version: str,
    secret: str,
    active: bool,
    made_by: str,
) -> int:
    """Enter a subscription; gives its id."""
    made: int = await connection.fetchval(
        "insert into webhook (url, kinds, description, api_version, secret, state, reason, made_by)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8) returning id",
        url,
        list(kinds),
        description,
        api_version,
        secret,
        WebhookState.ACTIVE if active else WebhookState.OFF,
        None if active else OffReason.BY_A_PERSON,
        made_by,
    )
    return made


CHANGEABLE = ("url", "kinds", "description", "api_version")


async def change_webhook(
    connection: Connection, id: int, *, version: int, changes: Mapping[str, object], active: bool | None
) -> bool:
    """Change a subscription that is still as the caller read it.

    Args:
        connection: within a transaction.
        id: which one.
        version: as it was read.
        changes: new values by the names in `CHANGEABLE`.
        active: whether it is on; switching it on forgets its failures. None: as it is.

    Returns:
        False: it has been changed since, or is not there.
    """
    names = [name for name in CHANGEABLE if name in changes]
    sets = "".join(f", {name} = ${place}" for place, name in enumerate(names, 3))
    if active is not None:
        state, reason = ("active", "null") if active else ("off", f"'{OffReason.BY_A_PERSON}'")
        sets += f", state = '{state}', reason = {reason}, state_since = now(), failures = 0, failing_since = null"
    found = await connection.fetchval(
        f"update webhook set version = version + 1, updated_at = now(){sets}"
        " where id = $1 and version = $2 and deleted_at is null returning true",
        id,
        version,
        *(changes[n] for n in names),
    )
    return bool(found)


async def replace_secret(connection: Connection, id: int, *, secret: str, old_until: datetime) -> bool:
    """Sign with a new secret, and beside it with the old one for a while.

    Returns:
        False: there is no such subscription.
    """
    found = await connection.fetchval(
        "update webhook set old_secret = secret, old_secret_until = $3, secret = $2, version = version + 1,"
        " updated_at = now() where id = $1 and deleted_at is null returning true",
        id,
        secret,
        old_until,
    )
    return bool(found)


async def delete_webhook(connection: Connection, id: int) -> bool:
    """End a subscription: what waits is not sent any more, the log stays its time.

    Returns:
        False: there is no such subscription.
    """
    await connection.execute(  # rows of deliveries before their subscription: as who settles them, who else would wait
        "update webhook_delivery set state = 'failed', settled_at = now() where webhook_id = $1 and state = 'waiting'",
        id,
    )
    found = await connection.fetchval(
        "update webhook set deleted_at = now(), state = 'off', reason = 'by_a_person', secret = '', old_secret = null,"
        " version = version + 1 where id = $1 and deleted_at is null returning true",
        id,
    )
    return bool(found)
