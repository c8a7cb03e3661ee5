"""Facts queued for the subscriptions that want them, each once and in the feed's order.

An ended call waits a moment; corrections that come meanwhile go out in its place, and one that was merged into another
call does not go out at all. What else happens to that call waits with it, so a receiver hears things in their order.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from gateway.domain.webhooks import ENDED, SETTLING, DeliveryState, wants
from gateway.store.database import Connection, Pool, Row
from gateway.store.facts import Fact

CHANNEL = "trunkline_webhooks"
"""NOTIFY on it when something was queued."""

Source = Pool | Connection


async def wanted_kinds(source: Source) -> dict[int, tuple[str, ...]]:
    """The filters of all subscriptions that are on."""
    rows = await source.fetch("select id, kinds from webhook where state <> 'off' order by id")
    return {r["id"]: tuple(r["kinds"]) for r in rows}


async def queue_facts(connection: Connection, facts: Sequence[Fact], now: datetime) -> int:
    """Queue facts for those who want them.

    Args:
        connection: within a transaction.
        facts: of the feed, in its order.
        now: the present moment.

    Returns:
        How many deliveries were queued.
    """
    hooks = await wanted_kinds(connection)
    if not hooks:
        return 0
    plan = _Plan(now, await _held(connection, [f.call_id for f in facts if f.call_id]))
    for fact in facts:
        for hook, kinds in hooks.items():
            plan.take(hook, fact, wanted=wants(kinds, fact.kind))
    await plan.write(connection)
    if plan.rows:
        await connection.execute(f"select pg_notify('{CHANNEL}', '')")
    return len(plan.rows)


async def _held(connection: Connection, calls: Collection[UUID]) -> dict[tuple[int, UUID], Row]:
    """Ended calls that have not gone out yet."""
    rows = await connection.fetch(
        "select id, webhook_id, call_id, due_at from webhook_delivery where call_id = any($1) and kind = $2"
        " and state = 'waiting' and attempts = 0 for update",
        list(set(calls)),
        ENDED,
    )
    return {(r["webhook_id"], r["call_id"]): dict(r) for r in rows}


class _Plan:
    """What a page of facts queues and folds."""

    def __init__(self, now: datetime, held: dict[tuple[int, UUID], Row]) -> None:
        self._now = now
        self._held = held
        self.rows: list[Row] = []
        self._changed: dict[int, Row] = {}
        """Rows of the table by their id."""

    def take(self, hook: int, fact: Fact, *, wanted: bool) -> None:
        """Queue a fact for a subscription, or fold it into what waits."""
        held = self._held.get((hook, fact.call_id)) if fact.call_id else None
        corrects = held is not None and fact.kind in (ENDED, "call.changed") and fact.body.get("state") == "ended"
        if held is not None and corrects:
            self._note(held, told_id=_number(fact))
        elif held is not None and fact.kind == "call.merged":
            self._note(held, state=DeliveryState.FOLDED)
            del self._held[hook, fact.call_id]  # type: ignore[arg-type]
        if not wanted:
            return
        row = self._row(hook, fact, held)
        if corrects:
            row["state"] = DeliveryState.FOLDED
        elif fact.kind == ENDED and fact.call_id:
            row["due_at"] = self._now + SETTLING
            self._held[hook, fact.call_id] = row
        self.rows.append(row)

    def _row(self, hook: int, fact: Fact, held: Row | None) -> Row:
        subject = str(fact.call_id or "") or (f"contact:{fact.contact_id}" if fact.contact_id else None)
        return {
            "webhook_id": hook,
            "fact_id": _number(fact),
            "told_id": _number(fact),
            "message_id": f"evt_{fact.position}",
            "kind": fact.kind,
            "call_id": fact.call_id,
            "subject": subject,
            "state": DeliveryState.WAITING,
            "due_at": held["due_at"] if held else self._now,
        }

    def _note(self, held: Row, **changes: object) -> None:
        held.update(changes)
        if isinstance(held.get("id"), int):
            self._changed[held["id"]] = held  # type: ignore[index]

    async def write(self, connection: Connection) -> None:
        """Write it."""
        for id_, row in self._changed.items():
            await connection.execute(
                "update webhook_delivery set told_id = coalesce($2, told_id), state = $3,"
                " settled_at = case when $3 = 'folded' then $4::timestamptz end where id = $1",
                id_,
                row.get("told_id"),
                row.get("state", DeliveryState.WAITING),
                self._now,
            )
        if self.rows:
            await connection.execute(_QUEUE, *([row[name] for row in self.rows] for name in _COLUMNS), self._now)


_COLUMNS = ("webhook_id", "fact_id", "told_id", "message_id", "kind", "call_id", "subject", "state", "due_at")
_QUEUE = """insert into webhook_delivery (webhook_id, fact_id, told_id, message_id, kind, call_id, subject, state,
 due_at, queued_at, settled_at)
 select r.webhook_id, r.fact_id, r.told_id, r.message_id, r.kind, r.call_id, r.subject, r.state, r.due_at, $10,
 case when r.state = 'folded' then $10::timestamptz end
 from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::uuid[], $7::text[], $8::text[],
 $9::timestamptz[]) with ordinality as r (webhook_id, fact_id, told_id, message_id, kind, call_id, subject, state,
 due_at, place) order by r.place on conflict do nothing"""


def _number(fact: Fact) -> int:
    """A fact's id, out of its place in the feed."""
    return int(fact.position.partition("-")[2])
