"""Webhooks: facts are queued by a follower of the feed, and sent from the queue.

The queue is in the database, so a killed gateway loses nothing: what was being sent is sent again under the same
message id when its lease has run out. Attempts run beside each other, at most some to each subscription, so a receiver
that hangs holds up nobody else; their results are written down many at a time.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import structlog

from gateway.aftercare.follow import now as present
from gateway.domain.call_view import Names, moment, named
from gateway.domain.webhooks import (
    AT_ONCE,
    LEASE,
    SECONDS,
    DeliveryState,
    Fault,
    Message,
    Receipt,
    Verdict,
    WebhookSender,
    WebhookState,
    retry_after,
    state_after,
)
from gateway.live import Happening, Live
from gateway.store.database import DATABASE_AWAY, Connection, Pool
from gateway.store.deliveries import (
    Claim,
    Health,
    Settled,
    claim,
    give_back,
    hold_health,
    next_due,
    save_health,
    settle,
    switch_off_gone,
)
from gateway.store.delivery_log import forget_old
from gateway.store.delivery_queue import CHANNEL, queue_facts
from gateway.store.facts import Fact, NewFact, save_facts
from gateway.store.reading import names_of

log = structlog.get_logger()

_LOOK_SECONDS = 2.0
"""The queue is looked at so often even when nobody tells that it has grown."""
_NO_ROOM_SECONDS = 0.5
_TURN_SECONDS = LEASE.total_seconds() - SECONDS - 5
"""Who waited longer for his turn could not end within his lease."""
_NOTED_EVERY = timedelta(seconds=10)
"""The moment of the last success is written no oftener."""


async def queue_webhooks(connection: Connection, facts: Sequence[Fact], now: datetime) -> Sequence[NewFact]:
    """The follower's handler: queue what somebody wants to be told."""
    await queue_facts(connection, facts, now)
    return ()


async def clear_log(connection: Connection, now: datetime) -> Sequence[NewFact]:
    """The duty: forget deliveries of long ago."""
    await forget_old(connection, now)
    return ()


def message_of(claimed: Claim, names: Names, now: datetime) -> Message:
    """What is sent: the fact as the feed tells it, under the names of Standard Webhooks."""
    body: Mapping[str, object] = claimed.body
    if claimed.kind.startswith("call.") and "managers" in body:
        body = named(body, names, cards=True)
    whole = {
        "type": claimed.kind,
        "timestamp": moment(claimed.at),
        "position": claimed.position,
        "call_id": str(claimed.call_id) if claimed.call_id else None,
        "contact_id": claimed.contact_id,
        "data": body,
    }
    text = json.dumps(whole, ensure_ascii=False, separators=(",", ":"))
    return Message(url=claimed.url, id=claimed.message_id, at=now, secrets=claimed.secrets, body=text)


def settled(claimed: Claim, receipt: Receipt, began: datetime, now: datetime) -> Settled:
    """What becomes of a claim after its attempt."""
    state, due = DeliveryState.DELIVERED, None
    if receipt.verdict is not Verdict.TAKEN:
        pause = retry_after(claimed.failures + 1, salt=claimed.id)
        state = DeliveryState.FAILED if pause is None else DeliveryState.WAITING
        due = None if pause is None else now + pause
    return Settled(claim=claimed, at=began, receipt=receipt, state=state, due_at=due)


@dataclass(slots=True)
class _Tally:
    """What was sent since the start."""

    delivered: int = 0
    failed: int = 0


class Sending:
    """Sends what is queued."""

    def __init__(self, pool: Pool, sender: WebhookSender, live: Live, clock: Callable[[], datetime] = present) -> None:
        """Args:
        pool: the database that all nodes share; each takes what is free.
        sender: tries a message once.
        live: told of subscriptions that fail or recover.
        clock: the present moment, UTC.
        """
        self._pool = pool
        self._sender = sender
        self._live = live
        self._clock = clock
        self._results: asyncio.Queue[Settled] = asyncio.Queue()
        self._freed = asyncio.Event()
        self._turns: dict[int, asyncio.Semaphore] = {}
        self.tally = _Tally()

    async def run(self) -> None:
        """Send for ever, until cancelled; what was under way when the database went away is sent again."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._settling(), name="webhooks: results")
                group.create_task(self._listening(), name="webhooks: wake-up")
                while True:
                    self._freed.clear()
                    if not await self._begin(group):
                        await self._rest()
        except ExceptionGroup as faults:
            away, others = faults.split(DATABASE_AWAY)
            if away is None or others is not None:
                raise
            raise ConnectionResetError("the database went away") from faults

    async def drain(self) -> int:
        """Send what is due at the clock's moment, to the end; gives how many attempts were made."""
        made = 0
        while True:
            async with asyncio.TaskGroup() as group:
                begun = await self._begin(group)
            if not begun:
                return made
            made += begun
            await self._write(self._taken())

    async def _begin(self, group: asyncio.TaskGroup) -> int:
        """Claim what is due and may be under way, and try it."""
        claims = await claim(self._pool, self._clock())
        names, at = await self._names(claims), time.monotonic()
        for claimed in claims:
            group.create_task(self._in_turn(claimed, names, at), name=f"webhook {claimed.webhook_id}")
        return len(claims)

    async def _in_turn(self, claimed: Claim, names: Names | None, at: float) -> None:
        """Try when there is room at this receiver; where that took so long that the lease may end, give it back."""
        turn = self._turns.setdefault(claimed.webhook_id, asyncio.Semaphore(AT_ONCE))
        async with turn:
            if time.monotonic() - at > _TURN_SECONDS:
                await give_back(self._pool, claimed)
            else:
                await self._try(claimed, names)

    async def _names(self, claims: Sequence[Claim]) -> Names | None:
        """The names in all these messages; None: one of them is damaged, so each looks for its own."""
        try:
            return await names_of(self._pool, [c.body for c in claims if c.kind.startswith("call.")])
        except (LookupError, TypeError, AttributeError):
            return None

    async def _try(self, claimed: Claim, names: Names | None) -> None:
        began = self._clock()
        try:
            names = names or await names_of(self._pool, [claimed.body])
            receipt = await self._sender.send(message_of(claimed, names, began.astimezone(UTC)))
        except Exception as fault:  # at a task's top: one message that cannot be sent must not end all the others
            log.exception("a webhook could not be sent", delivery=claimed.id, fault=type(fault).__name__)
            receipt = Receipt(status=None, fault=Fault.ANSWER, ms=0, answer="")
        self._results.put_nowait(settled(claimed, receipt, began, self._clock()))

    async def _rest(self) -> None:
        """Wait until something is due, something was queued or there is room again."""
        due = await next_due(self._pool)
        pause = _LOOK_SECONDS if due is None else (due - self._clock()).total_seconds()
        if pause <= 0:  # due, but there is no room until a result comes
            pause = _NO_ROOM_SECONDS
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(pause, _LOOK_SECONDS)):
                await self._freed.wait()

    async def _settling(self) -> None:
        """Write results down as they come, those of the same moment together."""
        while True:
            first = await self._results.get()
            await self._write([first, *self._taken()])
            self._freed.set()

    def _taken(self) -> list[Settled]:
        taken = []
        while not self._results.empty():
            taken.append(self._results.get_nowait())
        return taken

    async def _write(self, results: Sequence[Settled]) -> None:
        if not results:
            return
        async with self._pool.acquire() as connection, connection.transaction():
            valid = await settle(connection, results)
            facts = [
                fact
                for webhook in sorted({s.claim.webhook_id for s in valid})
                for fact in await self._judge(connection, webhook, [s for s in valid if s.claim.webhook_id == webhook])
            ]
            await save_facts(connection, facts)
        for result in valid:
            taken = result.state is DeliveryState.DELIVERED
            self.tally.delivered += taken
            self.tally.failed += not taken
        for fact in facts:
            log.warning("a subscription changed its state", webhook=fact.body["id"], kind=fact.kind)
            self._live.publish(Happening(kind=fact.kind, body=fact.body))

    async def _judge(self, connection: Connection, webhook: int, results: Sequence[Settled]) -> list[NewFact]:
        """How a subscription does after these attempts, and what is to be told of it."""
        before = await hold_health(connection, webhook)
        if before is None:
            return []
        moment_ = self._clock()
        if any(s.receipt.verdict is Verdict.GONE for s in results):
            news = await switch_off_gone(connection, webhook, moment_)
            return [_fact("webhook.switched_off", webhook, "gone")] if news else []
        after = _after(before, results, moment_)
        if after != before:
            await save_health(connection, webhook, before, after, moment_)
        match before.state, after.state:
            case WebhookState.ACTIVE, WebhookState.FAILING:
                return [_fact("webhook.failing", webhook, "failing")]
            case WebhookState.FAILING, WebhookState.ACTIVE:
                return [_fact("webhook.recovered", webhook, None)]
            case WebhookState.ACTIVE | WebhookState.FAILING, WebhookState.OFF:
                return [_fact("webhook.switched_off", webhook, "failing")]
        return []

    async def _listening(self) -> None:
        """Be woken when something is queued."""
        lost = asyncio.Event()

        def wake(*_: object) -> None:
            self._freed.set()

        def lose(*_: object) -> None:
            lost.set()

        async with self._pool.acquire() as connection:
            connection.add_termination_listener(lose)
            await connection.add_listener(CHANNEL, wake)
            try:
                await lost.wait()
            finally:
                connection.remove_termination_listener(lose)
                with contextlib.suppress(*DATABASE_AWAY):
                    await connection.remove_listener(CHANNEL, wake)
        raise ConnectionResetError("the database went away")


def _after(before: Health, results: Sequence[Settled], now: datetime) -> Health:
    """The health of a subscription after attempts, in the order in which they ended."""
    health = before
    for result in results:
        if result.state is DeliveryState.DELIVERED:
            noted = health.delivered_at
            off = health.state is WebhookState.OFF
            health = Health(
                state=WebhookState.OFF if off else WebhookState.ACTIVE,
                failures=0,
                failing_since=None,
                delivered_at=noted if noted and now - noted < _NOTED_EVERY else now,
            )
        else:
            failures, since = health.failures + 1, health.failing_since or now
            state = state_after(health.state, failures=failures, since=since, now=now)
            health = replace(health, state=state, failures=failures, failing_since=since)
    return health


def _fact(kind: str, webhook: int, reason: str | None) -> NewFact:
    return NewFact(kind=kind, body={"id": webhook, "reason": reason})
