"""Daily reports: made once a day for each subscription, then sent by mail or written into a folder.

`DailyReports` is a duty: when a report is due it writes the letter down, in one transaction with the row that says so,
and the row's unique key lets no second one be. `Delivering` takes one delivery after the other: it commits that it has
it, sends, and writes down what became of it. A letter that may have arrived is `unknown` and waits for a person.
"""

import asyncio
import os
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

import structlog

from gateway.aftercare.daily_letter import daily_letter
from gateway.aftercare.follow import now as present
from gateway.aftercare.goal_progress import Office, read_office
from gateway.domain.access import Principal, Right, Role, allowed
from gateway.domain.letters import Letter, MailSender, SendingOutcome, SendingState
from gateway.domain.periods import Period
from gateway.domain.subscriptions import DAYS_BACK, due_days, next_try
from gateway.live import Happening, Live
from gateway.settings import Settings
from gateway.store import report_subscriptions as store
from gateway.store.database import Connection, Pool
from gateway.store.facts import NewFact, save_facts
from gateway.store.report_subscriptions import Delivery, Subscription

log = structlog.get_logger()
_GRACE = timedelta(seconds=60)
"""A gateway that was down first reads the calls of that time; only then reports of it are made."""
_LOOK_SECONDS = 5.0


class DailyReports:
    """The duty's work."""

    def __init__(self, settings: Settings, clock: Callable[[], datetime] = present) -> None:
        """Args:
        settings: the site's address, and what reports need.
        clock: the present moment, UTC; what was due before this one waits a moment.
        """
        self._settings = settings
        self._began = clock()

    async def __call__(self, connection: Connection, now: datetime) -> Sequence[NewFact]:
        """Make what is due."""
        subscriptions = await store.list_subscriptions(connection, active=True)
        if not subscriptions:
            return ()
        first = now.date() - timedelta(days=DAYS_BACK + 3)
        delivered = await store.delivered_days(connection, [s.id for s in subscriptions], first)
        office: Office | None = None
        facts: list[NewFact] = []
        for subscription in subscriptions:
            office = office or await read_office(connection, self._settings)
            for day, due_at in self._due(office, subscription, now):
                if (subscription.id, day) not in delivered:
                    facts += await self._make(
                        connection, office, subscription, Period(first=day, last=day), due_at, now
                    )
        return facts

    def _due(self, office: Office, subscription: Subscription, now: datetime) -> list[tuple[date, datetime]]:
        days = due_days(
            now=now,
            since=subscription.since,
            zone=office.zone_of(subscription.user_id),
            hour=subscription.hour,
            minute=subscription.minute,
            weekdays=subscription.weekdays,
            covers_today=subscription.covers == "today",
        )
        return [(day, due) for day, due in days if due > self._began or now - self._began >= _GRACE]

    async def _make(
        self,
        connection: Connection,
        office: Office,
        subscription: Subscription,
        day: Period,
        due_at: datetime,
        now: datetime,
    ) -> list[NewFact]:
        reason = _may_not(office, subscription)
        letter = None
        if reason is None:
            address = self._settings.public_url
            letter = await daily_letter(connection, office, subscription, day, now=now, address=address)
        state = "skipped" if reason else "wanted"
        made = await store.want_delivery(
            connection,
            subscription=subscription.id,
            day=day.first,
            state=state,
            reason=reason or "",
            due_at=due_at,
            letter=letter,
            now=now,
        )
        body: dict[str, object] = {"subscription": subscription.id, "day": day.first.isoformat(), "state": state}
        return [NewFact(kind="report.made", body=body, users=(subscription.user_id,))] if made else []


def _may_not(office: Office, subscription: Subscription) -> str | None:
    """Why this reader gets no report any more; None: he does."""
    person = office.people[subscription.user_id]
    if not person.active:
        return "reader_blocked"
    principal = Principal(id=f"user:{person.id}", role=Role(person.role), manager=str(person.id))
    team = office.teams.get(subscription.team_id or 0)
    heads_it = team is not None and team.head_id == person.id
    if not heads_it and not allowed(principal, Right.STATISTICS_READ_ALL):
        return "right_missing"
    return "team_archived" if team is not None and team.archived_at is not None else None


class Delivering:
    """Sends what is wanted, one after the other, until cancelled."""

    def __init__(
        self,
        pool: Pool,
        live: Live,
        *,
        mail: MailSender | None,
        folder: Path,
        clock: Callable[[], datetime] = present,
    ) -> None:
        """Args:
        pool: the database.
        live: told what became of each.
        mail: where letters go; None: no server is configured.
        folder: where files are written.
        clock: the present moment, UTC.
        """
        self._pool = pool
        self._live = live
        self._mail = mail
        self._folder = folder
        self._clock = clock

    async def run(self) -> None:
        """Look for ever."""
        while True:
            await self.deliver()
            await asyncio.sleep(_LOOK_SECONDS)

    async def deliver(self) -> None:
        """Everything that is due now."""
        await self._settle_abandoned()
        while (delivery := await self._claim()) is not None:
            subscription = await store.read_subscription(self._pool, delivery.subscription_id)
            if subscription is not None:
                await self._written(delivery, subscription, await self._handed_over(delivery, subscription))

    async def _claim(self) -> Delivery | None:
        async with self._pool.acquire() as connection, connection.transaction():
            return await store.claim_delivery(connection, self._clock())

    async def _handed_over(self, delivery: Delivery, subscription: Subscription) -> SendingOutcome:
        text = delivery.letter or {}
        if subscription.by == "file":
            return await asyncio.to_thread(write_files, self._folder, delivery)
        if self._mail is None:
            return SendingOutcome(state=SendingState.NOT_NOW, reason="no_mail_server")
        letter = Letter(
            key=f"report-{delivery.id}-{delivery.subscription_id}-{delivery.day}",
            to=subscription.address,
            subject=text["subject"],
            text=text["text"],
            html=text["html"],
        )
        return await self._mail.send(letter)

    async def _written(self, delivery: Delivery, subscription: Subscription, outcome: SendingOutcome) -> None:
        """Write down what became of it."""
        now = self._clock()
        async with self._pool.acquire() as connection, connection.transaction():
            state = _ENDS[outcome.state]
            if outcome.state is SendingState.NOT_NOW:
                again = next_try(delivery.attempts, made_at=delivery.made_at, now=now)
                if again is not None:
                    await store.try_later(connection, delivery.id, reason=outcome.reason, at=again)
                    return
            if not await store.end_delivery(connection, delivery.id, state=state, reason=outcome.reason, now=now):
                return
            fact = _fact(delivery, subscription.user_id, state, outcome.reason)
            await save_facts(connection, [fact])
        self._live.publish(Happening(kind=fact.kind, body=fact.body, users=fact.users))
        if state != "sent":
            log.warning("a report was not delivered", delivery=delivery.id, state=state, reason=outcome.reason)

    async def _settle_abandoned(self) -> None:
        """Deliveries of a dead node: a file is written again, a letter may have arrived."""
        now = self._clock()
        told: list[NewFact] = []
        async with self._pool.acquire() as connection, connection.transaction():
            for delivery in await store.abandoned(connection, now):
                subscription = await store.read_subscription(connection, delivery.subscription_id)
                if subscription is None or subscription.by == "file":
                    await store.try_later(connection, delivery.id, reason="", at=now)
                    continue
                await store.end_delivery(connection, delivery.id, state="unknown", reason="node_died", now=now)
                told.append(_fact(delivery, subscription.user_id, "unknown", "node_died"))
            await save_facts(connection, told)
        for fact in told:
            self._live.publish(Happening(kind=fact.kind, body=fact.body, users=fact.users))


_ENDS = {
    SendingState.SENT: "sent",
    SendingState.REFUSED: "failed",
    SendingState.NOT_NOW: "failed",
    SendingState.UNKNOWN: "unknown",
}


def _fact(delivery: Delivery, user: int, state: str, reason: str) -> NewFact:
    body: dict[str, object] = {
        "delivery": delivery.id,
        "subscription": delivery.subscription_id,
        "day": delivery.day.isoformat(),
        "state": state,
        "reason": reason,
    }
    return NewFact(kind=f"report.{state}", body=body, users=(user,))


def write_files(folder: Path, delivery: Delivery) -> SendingOutcome:
    """Write a report as text and HTML; written again it is the same file.

    Args:
        folder: of all reports; a folder for each day is made in it.
        delivery: with its letter.
    """
    text = delivery.letter or {}
    own = folder / delivery.day.isoformat()
    try:
        own.mkdir(mode=0o750, parents=True, exist_ok=True)
        for kind, name in (("text", "txt"), ("html", "html")):
            path = own / f"daily-{delivery.subscription_id}.{name}"
            part = path.with_suffix(f".{name}.part")
            with part.open("w", encoding="utf-8", newline="\n") as file:
                file.write(text[kind])
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
    except OSError as fault:
        return SendingOutcome(state=SendingState.NOT_NOW, reason=f"file_{fault.errno}")
    return SendingOutcome(state=SendingState.SENT)
