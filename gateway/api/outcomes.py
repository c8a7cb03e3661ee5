"""Outcomes of calls and cards: chosen, corrected with every version kept, listed, and what is still owed.

The answer to a choice says what is wanted next (`wants`: a reason, a next step) and what may be chosen for it, so a
screen asks one thing after the other. A choice is kept even if something is lacking; it stays on the list of
`/outcomes/missing` until it is whole.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from aiohttp import web

from gateway.aftercare.outcomes import Writer, offered_steps, wants_of
from gateway.api.calls import visible_call
from gateway.api.fields import Nothing
from gateway.api.once import do_once, tell
from gateway.api.outcome_views import (
    ChosenView,
    MissingPlace,
    MissingQuery,
    MissingView,
    NewOutcome,
    Offer,
    OutcomeChange,
    OutcomePath,
    OutcomePlace,
    OutcomeQuery,
    OutcomeVersionView,
    OutcomeView,
    OutcomeWithHistory,
    OwedList,
    OwedView,
    outcome_values,
    step_view,
)
from gateway.api.pages import Page, page, read_cursor
from gateway.api.parts import ApiParts
from gateway.api.problems import (
    ConflictError,
    NotFoundError,
    StaleVersionError,
    refused_value,
)
from gateway.api.routing import Asked, Route
from gateway.api.visibility import own_user, reach
from gateway.domain.access import Principal, Right, allowed
from gateway.domain.call import CallKind
from gateway.domain.cards import card_reach
from gateway.domain.outcomes import Choice, NextStep, NextStepRule, Reason, Want, reason_fits
from gateway.domain.staff import zone_of
from gateway.store import dispositions, outcome_reports, people
from gateway.store import outcomes as store
from gateway.store.card_access import visible_ids
from gateway.store.database import Connection
from gateway.store.facts import NewFact, save_facts
from gateway.store.outcome_reports import OutcomeFilter
from gateway.store.outcomes import Outcome, Place


class ChosenBeforeError(ConflictError):
    """This call has an outcome already; correct that one."""


class NoClientsCallError(ConflictError):
    """Only a call with a client has an outcome."""


class Outcomes:
    """The handlers of `/outcomes`."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts

    def routes(self) -> tuple[Route, ...]:
        """The rows of the table."""
        write = Right.OUTCOMES_WRITE_OWN
        return (
            Route(
                method="POST",
                path="/outcomes",
                handler=self.choose,
                summary="Choose the outcome of a call, or of a card without a call",
                right=write,
                tag="outcomes",
                status=201,
                idempotent=True,
                errors=(ChosenBeforeError, NoClientsCallError, NotFoundError),
            ),
            Route(
                method="GET",
                path="/outcomes",
                handler=self.listing,
                summary="List outcomes, the newest first",
                right=write,
                tag="outcomes",
            ),
            Route(
                method="GET",
                path="/outcomes/missing",
                handler=self.missing,
                summary="Calls that lack their outcome, and outcomes that lack something",
                right=write,
                tag="outcomes",
            ),
            Route(
                method="GET",
                path="/outcomes/missing/managers",
                handler=self.owed,
                summary="How many outcomes each manager owes",
                right=write,
                tag="outcomes",
            ),
            Route(
                method="GET",
                path="/outcomes/{outcome_id}",
                handler=self.one,
                summary="One outcome with its history",
                right=write,
                tag="outcomes",
            ),
            Route(
                method="PATCH",
                path="/outcomes/{outcome_id}",
                handler=self.correct,
                summary="Correct an outcome that nobody has changed since it was read",
                right=write,
                tag="outcomes",
                errors=(StaleVersionError,),
            ),
        )

    async def choose(self, asked: Asked[Nothing, Nothing, NewOutcome]) -> ChosenView | web.Response:
        """Choose an outcome."""
        body, who, now = asked.body, asked.principal, datetime.now(UTC)

        async def work(connection: Connection) -> tuple[ChosenView, Sequence[NewFact]]:
            place, zone = await self._place(connection, who, body, now)
            choice = await self._choice(connection, who, body)
            writer = Writer(connection, by=who.id, now=now, zone=zone)
            id_ = await writer.choose(place, choice)
            if id_ is None:
                raise ChosenBeforeError
            return await self._chosen(connection, id_, choice, now, zone), writer.facts

        return await do_once(self._parts, asked, work)

    async def correct(self, asked: Asked[OutcomePath, Nothing, OutcomeChange]) -> ChosenView:
        """Correct an outcome."""
        body, who, now = asked.body, asked.principal, datetime.now(UTC)
        async with self._parts.pool.acquire() as connection, connection.transaction():
            outcome = self._seen(await store.hold_outcome(connection, asked.path.outcome_id), who)
            if outcome.version != body.version:
                raise StaleVersionError
            choice = await self._choice(connection, who, body, outcome)
            zone = await self._zone(connection, outcome.user_id)
            writer = Writer(connection, by=who.id, now=now, zone=zone)
            if not await writer.correct(outcome, choice):
                raise StaleVersionError
            await save_facts(connection, writer.facts)
            view = await self._chosen(connection, outcome.id, choice, now, zone)
        tell(self._parts, writer.facts)
        return view

    async def listing(self, asked: Asked[Nothing, OutcomeQuery, Nothing]) -> Page[OutcomeView]:
        """A page of outcomes, those that count."""
        query = asked.query
        place = read_cursor("outcomes", query.cursor, OutcomePlace)
        given = query.model_dump(exclude={"limit", "cursor"})
        wanted = OutcomeFilter(only_user=reach(asked.principal, Right.OUTCOMES_WRITE_OWN), **given)
        async with self._parts.pool.acquire() as connection:
            found = await outcome_reports.list_outcomes(
                connection, wanted, after=(place.at, place.id) if place else None, limit=query.limit + 1
            )
            rows = [
                (
                    OutcomeView.model_validate(outcome_values(o, await wants_of(connection, o))),
                    OutcomePlace(at=o.at, id=o.id),
                )
                for o in found
            ]
        return page("outcomes", rows, query.limit)

    async def one(self, asked: Asked[OutcomePath, Nothing, Nothing]) -> OutcomeWithHistory:
        """One outcome with its history."""
        async with self._parts.pool.acquire() as connection:
            outcome = self._seen(await store.read_outcome(connection, asked.path.outcome_id), asked.principal)
            values = outcome_values(outcome, await wants_of(connection, outcome))
            history = await store.history_of(connection, outcome.id)
        versions = tuple(
            OutcomeVersionView(
                version=c.version,
                outcome=c.outcome,
                reason=c.reason,
                note=c.note,
                next_step=step_view(c.next_step),
                by=c.by,
                at=c.at,
            )
            for c in history
        )
        return OutcomeWithHistory.model_validate({**values, "history": versions})

    async def missing(self, asked: Asked[Nothing, MissingQuery, Nothing]) -> Page[MissingView]:
        """What is owed, the newest first."""
        query = asked.query
        place = read_cursor("missing", query.cursor, MissingPlace)
        async with self._parts.pool.acquire() as connection:
            found = await outcome_reports.missing_outcomes(
                connection,
                user=self._whose(asked.principal, query.user),
                since=query.since,
                until=query.until,
                after=(place.at, place.key) if place else None,
                limit=query.limit + 1,
            )
            rows = []
            for entry in found:
                wants: Sequence[Want] = (Want.OUTCOME,)
                if entry.outcome_id is not None:
                    outcome = await store.read_outcome(connection, entry.outcome_id)
                    wants = await wants_of(connection, outcome) if outcome else ()
                view = MissingView(
                    id=entry.outcome_id,
                    user=entry.user_id,
                    call=entry.call_id,
                    contact=entry.contact_id,
                    wants=tuple(wants),
                    rule=entry.rule_id,
                    at=entry.at,
                )
                rows.append((view, MissingPlace(at=entry.at, key=entry.key)))
        return page("missing", rows, query.limit)

    async def owed(self, asked: Asked[Nothing, Nothing, Nothing]) -> OwedList:
        """Counts by manager."""
        user = reach(asked.principal, Right.OUTCOMES_WRITE_OWN)
        found = await outcome_reports.owed_by_manager(self._parts.pool, user)
        return OwedList(
            items=tuple(
                OwedView(user=o.user_id, outcomes=o.outcomes, incomplete=o.incomplete, oldest_at=o.oldest_at)
                for o in found
            )
        )

    def _whose(self, who: Principal, user: int | None) -> int | None:
        """Whose entries are listed; of others than himself only who may see everybody's."""
        own = reach(who, Right.OUTCOMES_WRITE_OWN)
        return own if own is not None and user in (None, own) else user if own is None else 0

    def _seen(self, outcome: Outcome | None, who: Principal) -> Outcome:
        owner = str(outcome.user_id) if outcome and outcome.user_id else None
        if outcome is None or not allowed(who, Right.OUTCOMES_WRITE_OWN, owner):
            raise NotFoundError
        return outcome

    async def _place(
        self, connection: Connection, who: Principal, body: NewOutcome, now: datetime
    ) -> tuple[Place, ZoneInfo]:
        """What the outcome belongs to, and the zone of its manager."""
        if body.call is not None:
            return await self._place_of_call(connection, who, body.call)
        assert body.contact is not None
        user = body.user or own_user(who)
        if user is not None and not allowed(who, Right.OUTCOMES_WRITE_OWN, str(user)):
            raise refused_value("user", "You may choose outcomes for yourself only.")
        if body.user is not None and await people.read_user(connection, body.user) is None:
            raise refused_value("user", "Nobody has this id.")
        card = await connection.fetchval("select standing_card(id) from contact where id = $1", body.contact)
        if card is None or not await visible_ids(connection, [card], card_reach(who)):
            raise NotFoundError
        zone = await self._zone(connection, user)
        place = Place(
            call_id=None,
            standing_id=None,
            contact_id=card,
            user_id=user,
            at=now,
            day=now.astimezone(zone).date(),
            did=None,
            direction=None,
        )
        return place, zone

    async def _place_of_call(self, connection: Connection, who: Principal, asked: UUID) -> tuple[Place, ZoneInfo]:
        call = await visible_call(self._parts, who, asked, Right.OUTCOMES_WRITE_OWN, source=connection)
        subject = (await store.subjects(connection, [call.id])).get(call.id)
        if subject is None:
            raise NotFoundError
        if subject.kind != CallKind.CLIENT:
            raise NoClientsCallError
        if await store.outcome_of_call(connection, subject.id) is not None:
            raise ChosenBeforeError
        user = subject.user_id or own_user(who)
        zone = await self._zone(connection, user)
        place = Place(
            call_id=subject.id,
            standing_id=subject.id,
            contact_id=subject.contact_id,
            user_id=user,
            at=subject.at,
            day=subject.day or subject.at.astimezone(zone).date(),
            did=subject.did,
            direction=subject.direction,
        )
        return place, zone

    async def _zone(self, connection: Connection, user: int | None) -> ZoneInfo:
        person = await people.read_user(connection, user) if user is not None else None
        return zone_of(person.timezone if person else None, self._parts.settings.company.timezone)

    async def _choice(
        self, connection: Connection, who: Principal, body: NewOutcome | OutcomeChange, last: Outcome | None = None
    ) -> Choice:
        """What is chosen, checked against the company's lists; what a correction leaves out stays."""
        key = body.outcome or (last.outcome if last else "")
        disposition = await dispositions.find_disposition(connection, key)
        if disposition is None or (disposition.archived and (last is None or last.outcome != key)):
            raise refused_value("outcome", "There is no such outcome to choose; GET /dispositions lists them.")
        reason: Reason | None = None
        if "reason" in body.model_fields_set or last is None:
            reason = await self._reason(connection, body.reason, disposition.reasons)
        elif last.outcome == key:
            reason = await dispositions.reason_of(connection, last.reason_id)
        if not reason_fits(disposition, reason):
            reason = None
        if body.next_step is not None and body.next_step.to is not None:
            await self._check_colleague(connection, who, body.next_step.to)
        step = NextStep(**body.next_step.model_dump()) if body.next_step else None
        note = body.note if body.note is not None else last.note if last else ""
        return Choice(disposition=disposition, reason=reason, note=note, next_step=step)

    async def _reason(self, connection: Connection, key: str | None, of: str | None) -> Reason | None:
        if key is None:
            return None
        reason = await dispositions.find_reason(connection, of, key) if of else None
        if reason is None or reason.archived:
            known = ", ".join(await dispositions.reasons_for(connection, of)) if of else ""
            raise refused_value("reason", f"Choose one of: {known}." if known else "This outcome has no reasons.")
        return reason

    async def _check_colleague(self, connection: Connection, who: Principal, to: int) -> None:
        person = await people.read_user(connection, to)
        if person is None or not person.active:
            raise refused_value("next_step/to", "Nobody who works here has this id.")

    async def _chosen(
        self, connection: Connection, id: int, choice: Choice, now: datetime, zone: ZoneInfo
    ) -> ChosenView:
        """The outcome as it is now, with what is asked next."""
        outcome = await store.read_outcome(connection, id)
        assert outcome is not None
        wants = await wants_of(connection, outcome)
        reasons: list[str] = []
        if choice.disposition.reasons is not None and choice.reason is None:
            reasons = await dispositions.reasons_for(connection, choice.disposition.reasons)
        asks = choice.disposition.next_step is not NextStepRule.NONE and outcome.next_step is None
        steps = [Offer(task=kind, due_at=due) for kind, due in offered_steps(now, zone)] if asks else []
        values = outcome_values(outcome, wants)
        return ChosenView.model_validate({**values, "reasons": tuple(reasons), "steps": tuple(steps)})
