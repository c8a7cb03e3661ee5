"""Scheduled calls: planned by the client's clock, moved, cancelled, brought back; free times; the rule of the site.

A call that would overlap another one of the manager is refused with the name of that one and the nearest free times; so
is a time at which the client may not be called, or of which nobody can know in which zone it is meant.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from aiohttp import web

from gateway.api.fields import Nothing
from gateway.api.once import do_once, tell
from gateway.api.pages import Page, page, read_cursor
from gateway.api.parts import ApiParts
from gateway.api.problems import (
    ConflictError,
    NotFoundError,
    StaleVersionError,
    refused_value,
)
from gateway.api.routing import Asked, Route
from gateway.api.scheduled_planning import AwayError, ForbiddenNumberError, Moment, OverlapError, Planner, Planning
from gateway.api.scheduled_views import (
    FreeQuery,
    FreeTimeView,
    FreeView,
    NewScheduledBody,
    ScheduledMove,
    ScheduledPath,
    ScheduledPlace,
    ScheduledQuery,
    ScheduledView,
    ScheduledWithHistory,
    ScheduleRuleChange,
    ScheduleRuleView,
    minutes_of,
    rule_view,
    scheduled_history,
    scheduled_model,
)
from gateway.api.task_views import by_clock
from gateway.api.tasks import FullHourError
from gateway.api.visibility import NOBODY, own_user, reach
from gateway.domain.access import Principal, Right, allowed
from gateway.domain.cards import card_reach
from gateway.domain.errors import NotAllowed
from gateway.domain.local_time import ClientHours, SkippedTimeError, wall_of
from gateway.domain.scheduled import Scheduled, ScheduledState, ScheduleRule, ZoneFrom
from gateway.domain.staff import zone_of
from gateway.domain.tasks import TaskState
from gateway.store import people
from gateway.store import scheduled as store
from gateway.store.access import write_audit
from gateway.store.database import Connection
from gateway.store.facts import NewFact, save_facts
from gateway.store.scheduled import NewScheduled, Overlap, ScheduledFilter, told
from gateway.store.scheduled_shown import show_scheduled
from gateway.store.tasks import change_task, read_task


class BeingDialledError(ConflictError):
    """It is being dialled at this moment; wait for its end, or cancel its command."""


class NotOpenError(ConflictError):
    """It is over, or its moment has passed: give a new time in `at`, or after a talk plan another call."""


class ScheduledCalls:
    """The handlers of `/scheduled-calls`."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts
        self._planner = Planner(parts)

    def routes(self) -> tuple[Route, ...]:
        """The rows of the table."""
        own, write = Right.SCHEDULED_READ_OWN, Right.SCHEDULED_WRITE_OWN
        refusals = (OverlapError, AwayError, FullHourError, SkippedTimeError)
        changes = (StaleVersionError, BeingDialledError, NotOpenError)
        tag = "scheduled calls"
        return (
            Route(
                method="GET",
                path="/scheduled-calls",
                handler=self.listing,
                summary="List scheduled calls by their moment",
                right=own,
                tag=tag,
            ),
            Route(
                method="POST",
                path="/scheduled-calls",
                handler=self.plan,
                summary="Plan a call by the client's clock",
                right=write,
                tag=tag,
                status=201,
                idempotent=True,
                errors=refusals,
            ),
            Route(
                method="GET",
                path="/scheduled-calls/free",
                handler=self.free,
                summary="Where a client is, and when his call could be",
                right=own,
                tag=tag,
                errors=(SkippedTimeError,),
            ),
            Route(
                method="GET",
                path="/scheduled-calls/rule",
                handler=self.rule,
                summary="What holds for scheduled calls",
                right=own,
                tag=tag,
            ),
            Route(
                method="PATCH",
                path="/scheduled-calls/rule",
                handler=self.change_rule,
                summary="Change what holds for scheduled calls",
                right=Right.DISTRIBUTION_MANAGE,
                tag=tag,
                errors=(StaleVersionError,),
            ),
            Route(
                method="GET",
                path="/scheduled-calls/{scheduled_id}",
                handler=self.one,
                summary="One scheduled call with its history",
                right=own,
                tag=tag,
            ),
            Route(
                method="PATCH",
                path="/scheduled-calls/{scheduled_id}",
                handler=self.change,
                summary="Move, cancel, bring back or hand over a scheduled call",
                right=write,
                tag=tag,
                errors=(*changes, *refusals),
            ),
        )

    async def listing(self, asked: Asked[Nothing, ScheduledQuery, Nothing]) -> Page[ScheduledView]:
        """A page of scheduled calls."""
        query = asked.query
        place = read_cursor("scheduled", query.cursor, ScheduledPlace)
        within = reach(asked.principal, Right.SCHEDULED_READ_OWN)
        user = query.user if within in (None, query.user) else within if query.user is None else NOBODY
        found = await store.list_scheduled(
            self._parts.pool,
            ScheduledFilter(user=user, contact=query.contact, states=query.state, since=query.since, until=query.until),
            after=(place.at, place.id) if place else None,
            limit=query.limit + 1,
        )
        shown = await show_scheduled(self._parts.pool, [c.id for c in found], card_reach(asked.principal))
        rows = [(scheduled_model(s, self._company), ScheduledPlace(at=s.call.at, id=s.call.id)) for s in shown]
        return page("scheduled", rows, query.limit)

    async def one(self, asked: Asked[ScheduledPath, Nothing, Nothing]) -> ScheduledWithHistory:
        """One scheduled call."""
        pool, id_ = self._parts.pool, asked.path.scheduled_id
        call = await store.read_scheduled(pool, id_)
        if call is None or not allowed(asked.principal, Right.SCHEDULED_READ_OWN, str(call.user_id)):
            raise NotFoundError
        (shown,) = await show_scheduled(pool, [id_], card_reach(asked.principal))
        return scheduled_history(shown, await store.history_of(pool, id_, 200), self._company)

    async def plan(self, asked: Asked[Nothing, Nothing, NewScheduledBody]) -> ScheduledView | web.Response:
        """Plan a call."""
        body, who, now = asked.body, asked.principal, datetime.now(UTC)

        async def work(connection: Connection) -> tuple[ScheduledView, Sequence[NewFact]]:
            user = await self._person(connection, who, body.user or own_user(who))
            client, number = await self._planner.client(connection, who, body.contact, body.number)
            await self._planner.check_number(connection, who, user.id, number, now)
            rule = await store.read_rule(connection)
            when = self._planner.moment(body.at, body.zone, client, number, second=body.second)
            minutes = body.minutes or rule.minutes
            planning = Planning(
                user=user, number=number, minutes=minutes, any_hour=body.any_hour, client=client, rule=rule, now=now
            )
            self._planner.check_phone(user, body.pbx)
            await self._planner.check(connection, planning, when)
            new = NewScheduled(
                user_id=user.id,
                contact_id=client.contact_id,
                number=number,
                at=when.at,
                minutes=minutes,
                zone=when.zone,
                zone_from=when.zone_from,
                wall=when.wall,
                second=body.second,
                any_hour=body.any_hour,
                note=body.note,
                pbx=self._parts.directory(body.pbx).pbx if body.pbx else None,
                made_by=who.id,
            )
            made = await store.add_scheduled(connection, new, rule, now)
            if isinstance(made, Overlap):
                raise await self._planner.overlap(connection, planning, when, made)
            return await self._shown(connection, made.id, who), [told("created", made, by=who.id)]

        try:
            return await do_once(self._parts, asked, work)
        except ForbiddenNumberError as fault:
            await self._planner.keep_refusal(fault)
            raise

    async def change(self, asked: Asked[ScheduledPath, Nothing, ScheduledMove]) -> ScheduledView:
        """Move, cancel, bring back or hand over a call."""
        try:
            view, facts = await self._change(asked.path.scheduled_id, asked.body, asked.principal)
        except ForbiddenNumberError as fault:
            await self._planner.keep_refusal(fault)
            raise
        tell(self._parts, facts)
        return view

    async def _change(self, id: int, body: ScheduledMove, who: Principal) -> tuple[ScheduledView, list[NewFact]]:
        async with self._parts.pool.acquire() as connection, connection.transaction():
            call = await store.read_scheduled(connection, id, lock=True)
            if call is None or not allowed(who, Right.SCHEDULED_READ_OWN, str(call.user_id)):
                raise NotFoundError
            _may_write(who, call.user_id)
            if call.version != body.version:
                raise StaleVersionError
            facts = await self._changed(connection, call, body, who, datetime.now(UTC))
            await save_facts(connection, facts)
            return await self._shown(connection, call.id, who), facts

    async def free(self, asked: Asked[Nothing, FreeQuery, Nothing]) -> FreeView:
        """Where a client is, and when his call could be."""
        query, who, now = asked.query, asked.principal, datetime.now(UTC)
        wanted = query.user or own_user(who)
        if wanted is None or not allowed(who, Right.SCHEDULED_READ_OWN, str(wanted)):
            raise refused_value("user", "Name a person whose calls you may see.", place="query")
        async with self._parts.pool.acquire() as connection:
            user = await people.read_user(connection, wanted)
            if user is None:
                raise refused_value("user", "Nobody has this id.", place="query")
            client, number = await self._planner.client(connection, who, query.contact, query.number, place="query")
            rule = await store.read_rule(connection)
            at = query.at or wall_of(now, zone_of(user.timezone, self._company)).isoformat(timespec="minutes")
            when = self._planner.moment(at, query.zone, client, number, second=False, place="query")
            planning = Planning(
                user=user,
                number=number,
                minutes=query.minutes or rule.minutes,
                any_hour=query.any_hour,
                client=client,
                rule=rule,
                now=now,
            )
            finder = await self._planner.finder(connection, planning, when, 0)
        zone = zone_of(when.zone, self._company)
        mine = zone_of(user.timezone, self._company)
        near = when.at if query.at else now
        times = [finder.after(max(near, now))] if finder.fits(near) else []
        found = sorted({t for t in [*times, *finder.around(max(near, now), now, query.count)] if t})[: query.count]
        return FreeView(
            zone=when.zone,
            zone_from=when.zone_from,
            hours=rule.hours.in_words(),
            times=tuple(
                FreeTimeView(at=t, client_time=by_clock(t, zone) or "", manager_time=by_clock(t, mine) or "")
                for t in found
            ),
        )

    async def rule(self, asked: Asked[Nothing, Nothing, Nothing]) -> ScheduleRuleView:
        """What holds for scheduled calls."""
        return rule_view(await store.read_rule(self._parts.pool))

    async def change_rule(self, asked: Asked[Nothing, Nothing, ScheduleRuleChange]) -> ScheduleRuleView:
        """Change what holds for scheduled calls."""
        body, who, now = asked.body, asked.principal, datetime.now(UTC)
        async with self._parts.pool.acquire() as connection, connection.transaction():
            present = await store.read_rule(connection)
            hours = ClientHours(
                since=present.hours.since if body.hours_since is None else minutes_of(body.hours_since),
                until=present.hours.until if body.hours_until is None else minutes_of(body.hours_until),
                weekdays=present.hours.weekdays if body.weekdays is None else frozenset(body.weekdays),
            )
            if hours.since >= hours.until:
                raise refused_value("hours_until", "The hours end before they begin.")
            apart = {"version", "hours_since", "hours_until", "weekdays"}
            named = {n: getattr(body, n) for n in body.model_fields_set - apart if getattr(body, n) is not None}
            rule = replace(present, **named, hours=hours, version=body.version)
            if not await store.save_rule(connection, rule, by=who.id, now=now):
                raise StaleVersionError
            detail: dict[str, object] = {"fields": sorted(body.model_fields_set - {"version"})}
            await write_audit(
                connection, actor=who.id, action="scheduled.rule", object="scheduled_rule:1", detail=detail
            )
            return rule_view(await store.read_rule(connection))

    @property
    def _company(self) -> ZoneInfo:
        return self._parts.settings.company.timezone

    async def _person(self, connection: Connection, who: Principal, id: int | None) -> people.Person:
        """Whose phone is to ring, checked."""
        if id is None:
            raise refused_value("user", "This key belongs to nobody; name the person whose phone rings.")
        _may_write(who, id)
        person = await people.read_user(connection, id)
        if person is None or not person.active:
            raise refused_value("user", "Nobody who is active has this id.")
        return person

    async def _changed(
        self, connection: Connection, call: Scheduled, body: ScheduledMove, who: Principal, now: datetime
    ) -> list[NewFact]:
        """Write a change; the facts of it."""
        if call.state is ScheduledState.CALLING:
            raise BeingDialledError
        rule = await store.read_rule(connection)
        if body.state in (ScheduledState.CALLING, ScheduledState.DONE, ScheduledState.MISSED):
            raise refused_value("state", "Only `planned` and `cancelled` can be chosen.")
        if body.state is ScheduledState.CANCELLED:
            return await self._cancel(connection, call, rule, who, now)
        ended = call.state in (ScheduledState.CANCELLED, ScheduledState.MISSED)
        revived = ended and (body.state is ScheduledState.PLANNED or body.at is not None)
        if not call.state.is_open and not revived:
            raise NotOpenError
        return await self._move(connection, call, body, rule, who, now, revived=revived)

    async def _cancel(
        self, connection: Connection, call: Scheduled, rule: ScheduleRule, who: Principal, now: datetime
    ) -> list[NewFact]:
        if call.state is ScheduledState.CANCELLED:
            return []
        if not call.state.is_open:
            raise NotOpenError
        values: dict[str, object] = {"state": ScheduledState.CANCELLED, "reason": None}
        new = await store.change_scheduled(connection, call, values, rule, by=who.id, told_as="cancelled", now=now)
        assert not isinstance(new, Overlap)
        return [told("cancelled", new, by=who.id)]

    async def _move(
        self,
        connection: Connection,
        call: Scheduled,
        body: ScheduledMove,
        rule: ScheduleRule,
        who: Principal,
        now: datetime,
        *,
        revived: bool,
    ) -> list[NewFact]:
        """Move a call in time or to another person, or bring it back."""
        user = await self._person(connection, who, body.user or call.user_id)
        if user.id != call.user_id or revived:
            await self._planner.check_number(connection, who, user.id, call.number, now)
        client = await store.clientele_of(connection, contact=call.contact_id, number=call.number)
        changes: dict[str, object] = {
            name: getattr(body, name) for name in ("minutes", "any_hour", "note") if getattr(body, name) is not None
        }
        if user.id != call.user_id:
            changes |= {"user_id": user.id, "pbx": None}
        when = Moment(at=call.at, wall=call.wall, zone=call.zone, zone_from=call.zone_from)
        if body.at is not None or body.zone is not None:
            zone = body.zone or call.zone
            text = body.at or call.wall.isoformat(timespec="minutes")
            when = self._planner.moment(text, zone, client, call.number, second=body.second)
            kept = call.zone_from if body.zone is None else ZoneFrom.ASKED
            when = replace(when, zone_from=kept)
            changes |= {"at": when.at, "wall": when.wall, "zone": zone, "zone_from": kept, "second": body.second}
            changes |= {"agreed_at": when.at, "reason": None, "put_offs": 0}
        if revived:
            if when.at <= now:
                raise NotOpenError
            changes |= {"state": ScheduledState.PLANNED, "attempts": 0, "put_offs": 0, "reason": None, "task_id": None}
        planning = Planning(
            user=user,
            number=call.number,
            minutes=body.minutes or call.minutes,
            any_hour=call.any_hour if body.any_hour is None else body.any_hour,
            client=client,
            rule=rule,
            now=now,
        )
        if set(changes) - {"note"}:
            self._planner.check_phone(user, call.pbx if user.id == call.user_id else None)
            await self._planner.check(connection, planning, when, but=call.id)
        if not changes or all(getattr(call, name) == value for name, value in changes.items()):
            return []
        word = _word(changes, revived=revived)
        new = await store.change_scheduled(connection, call, changes, rule, by=who.id, told_as=word, now=now)
        if isinstance(new, Overlap):
            raise await self._planner.overlap(connection, planning, when, new, but=call.id)
        facts = await self._end_task(connection, call, who, now) if revived else []
        was = call.at.isoformat() if new.at != call.at else None
        return [*facts, told(word, new, also=(call.user_id,), by=who.id, was=was)]

    async def _end_task(self, connection: Connection, call: Scheduled, who: Principal, now: datetime) -> list[NewFact]:
        """The task that took the place of a missed call is done, once the call is planned anew."""
        task = await read_task(connection, call.task_id, lock=True) if call.task_id is not None else None
        if task is None or not task.state.is_open:
            return []
        changes = {"state": TaskState.DONE, "result": f"Planned anew as scheduled call {call.id}."}
        _, facts = await change_task(connection, task, changes, by=who.id, now=now)
        return facts

    async def _shown(self, connection: Connection, id: int, who: Principal) -> ScheduledView:
        (shown,) = await show_scheduled(connection, [id], card_reach(who))
        return scheduled_model(shown, self._company)


def _may_write(who: Principal, user: int) -> None:
    if not allowed(who, Right.SCHEDULED_WRITE_OWN, str(user)):
        raise NotAllowed("You may plan your own calls only; a supervisor may plan everybody's.")


def _word(changes: Mapping[str, object], *, revived: bool) -> str:
    """The fact that tells of a change."""
    if revived:
        return "restored"
    if "user_id" in changes:
        return "handed_over"
    return "moved" if set(changes) - {"note"} else "changed"
