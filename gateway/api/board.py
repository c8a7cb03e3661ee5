"""`GET /board`: the live board in one read; live facts keep it current from then on (docs/api.md, The live board).

The usual is counted once in ten minutes for each choice of teams: it changes slowly, and its calls are many.
"""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from pydantic import Field

from gateway.aftercare.goal_progress import Entry, Office, read_office, standings
from gateway.api import board_views as views
from gateway.api.day_views import returned_view
from gateway.api.fields import Incoming, Nothing, RowId
from gateway.api.help_asks import help_view
from gateway.api.parts import ApiParts
from gateway.api.problems import NotFoundError
from gateway.api.routing import Asked, Route
from gateway.domain.access import Right
from gateway.domain.cards import card_reach
from gateway.domain.goals import Goal
from gateway.domain.manager_states import ManagerState
from gateway.domain.periods import Step, begin_of, day_of
from gateway.store import board as store
from gateway.store.database import Connection
from gateway.store.help_asks import waiting_asks
from gateway.store.manager_states import present_states
from gateway.store.reading import in_seconds
from gateway.store.returned import NONE, Returned, returned

USUAL_WEEKS = 4
USUAL_SECONDS = 600.0
_KEPT = 200
Scope = tuple[int, ...] | None
"""Whose figures; None: the whole company's."""


class BoardQuery(Incoming):
    """Whose board."""

    team: RowId | None = Field(default=None, description="only this team's people and figures")


class LiveBoard:
    """The handler of the board."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts
        self._usual: dict[Scope, tuple[float, store.CallsIn, Returned]] = {}

    def routes(self) -> tuple[Route, ...]:
        """The row of the table."""
        return (
            Route(
                method="GET",
                path="/board",
                handler=self.board,
                summary="The live board: everybody with his call and goal, who waits, who was not returned, today",
                right=Right.STATES_READ_ALL,
                tag="manager states",
                errors=(NotFoundError,),
            ),
        )

    async def board(self, asked: Asked[Nothing, BoardQuery, Nothing]) -> views.LiveBoardView:
        """Everything at one moment."""
        now, reach = datetime.now(UTC), card_reach(asked.principal)
        async with self._parts.pool.acquire() as source:
            office = await read_office(source, self._parts.settings)
            scope = _scope(office, asked.query.team, now)
            people = office.managers if scope is None else scope
            states = await present_states(source, now=now)
            calls = await store.open_calls(source, reach)
            late_total, late = await store.late_clients(source, now, reach, users=scope)
            managers = await _managers(source, office, [u for u in people if u in states], states, calls, now)
            today = await self._today(source, office, scope, managers, now)
            groups = await store.ring_groups(source)
            helps = await waiting_asks(source)
        waiting = _waiting(calls, groups)
        return views.LiveBoardView(
            at=now,
            day=day_of(now, office.zone),
            zone=office.zone.key,
            teams=_teams(office, now),
            managers=tuple(sorted(managers, key=lambda m: (m.name.casefold(), m.user))),
            groups=tuple(_group(g, waiting, states) for g in groups),
            waiting=tuple(waiting),
            late_total=late_total,
            late=tuple(_late(client) for client in late),
            help=tuple(help_view(ask) for ask in helps if scope is None or ask.user_id in scope),
            today=today,
        )

    async def _today(
        self,
        source: Connection,
        office: Office,
        scope: Scope,
        managers: Sequence[views.BoardManager],
        now: datetime,
    ) -> views.BoardToday:
        begin = begin_of(day_of(now, office.zone), office.zone)
        calls = await store.calls_in(source, [(begin, now)], users=scope)
        back = await returned(source, begin, now, now, users=scope)
        goals = [m.goal for m in managers if m.goal is not None and (m.away is None or m.away.since > now)]
        return views.BoardToday(
            goal_done=round(sum(g.done for g in goals), 2),
            goal_target=sum(g.target for g in goals),
            goal_expected=round(sum(g.expected for g in goals), 2),
            talk_seconds=sum(m.talk_seconds for m in managers),
            now=_calls_in(calls, back),
            usual=await self._usually(source, office, scope, now),
        )

    async def _usually(self, source: Connection, office: Office, scope: Scope, now: datetime) -> views.BoardCallsIn:
        """The same weekday of the weeks before, up to the same time of day."""
        known = self._usual.get(scope)
        if known is None or time.monotonic() - known[0] > USUAL_SECONDS:
            spans = [_weeks_ago(office, now, weeks) for weeks in range(1, USUAL_WEEKS + 1)]
            found = await store.calls_in(source, spans, users=scope)
            backs = [await returned(source, begin, end, now, users=scope) for begin, end in spans]
            if len(self._usual) >= _KEPT:
                self._usual.clear()
            known = self._usual[scope] = (time.monotonic(), found, _together(backs))
        return _calls_in(known[1], known[2])


def _weeks_ago(office: Office, now: datetime, weeks: int) -> tuple[datetime, datetime]:
    local = now.astimezone(office.zone) - timedelta(weeks=weeks)
    return begin_of(local.date(), office.zone), local.astimezone(UTC)


def _together(found: Sequence[Returned]) -> Returned:
    medians = sorted(r.median_seconds for r in found if r.median_seconds is not None)
    middle = medians[len(medians) // 2] if medians else None
    sums = {name: sum(getattr(r, name) for r in found) for name in ("of", "in_time", "later", "never")}
    return Returned(**sums, median_seconds=middle) if found else NONE


def _scope(office: Office, team: int | None, now: datetime) -> Scope:
    if team is None:
        return None
    found = office.teams.get(team)
    if found is None or found.archived_at is not None:
        raise NotFoundError("There is no team with this id.")
    return tuple(sorted(u for u in found.members_on(day_of(now, office.zone)) if office.people[u].active))


def _teams(office: Office, now: datetime) -> tuple[views.BoardTeam, ...]:
    today = day_of(now, office.zone)
    return tuple(
        views.BoardTeam(id=t.id, name=t.name, members=t.members_on(today))
        for t in office.teams.values()
        if t.archived_at is None
    )


async def _managers(
    source: Connection,
    office: Office,
    people: Sequence[int],
    states: Mapping[int, ManagerState],
    calls: Sequence[store.OpenCall],
    now: datetime,
) -> list[views.BoardManager]:
    days = {user: day_of(now, office.zone_of(user)) for user in people}
    figures = await store.people_today(source, days)
    away = await store.away_until(source, now, begin_of(day_of(now, office.zone) + timedelta(days=1), office.zone))
    phones = await store.phones_of_people(source, people)
    goals = await _goals(source, office, people, now)
    teams: dict[int, list[int]] = {}
    for team in _teams(office, now):
        for user in team.members:
            teams.setdefault(user, []).append(team.id)
    by_id = {call.id: call for call in calls}
    found = []
    for user in people:
        state, own = states[user], figures.get(user)
        call = by_id.get(state.call_id) if state.call_id else None
        rings = call is None and bool(state.ringing)
        call = by_id.get(state.ringing[0]) if rings else call
        absent = away.get(user)
        found.append(
            views.BoardManager(
                user=user,
                name=office.people[user].name,
                teams=tuple(teams.get(user, ())),
                extensions=phones.get(user, ()),
                state=state.state,
                known=state.known,
                reason=state.reason,
                since=state.since,
                ends_at=state.ends_at,
                takes_calls=state.takes_calls,
                last_talk_at=state.last_talk_at,
                call=None if call is None else views.BoardCall.model_validate(_call(call)),
                rings=rings,
                goal=goals.get(user),
                calls=own.calls if own else 0,
                talk_seconds=(in_seconds(own.talk_us) if own else None) or 0.0,
                missed=own.missed if own else 0,
                away=None
                if absent is None
                else views.BoardAway(kind=absent.kind, since=absent.since, until=absent.until),
            )
        )
    return found


async def _goals(
    source: Connection, office: Office, people: Sequence[int], now: datetime
) -> dict[int, views.BoardGoal]:
    """Each one's first goal of the day, the company's before his team's."""

    def daily(goal: Goal) -> bool:
        return goal.period is Step.DAY and not goal.together

    found: dict[int, views.BoardGoal] = {}
    for entry in await standings(source, office, now=now, users=people, only=daily):
        if entry.user_id is not None:
            found.setdefault(entry.user_id, _goal(entry))
    return found


def _goal(entry: Entry) -> views.BoardGoal:
    rule, standing = entry.rule, entry.standing
    return views.BoardGoal(
        goal=entry.goal.id,
        name=entry.version.name,
        measure=rule.measure.value,
        done=rule.shown(standing.amount),
        target=rule.target,
        expected=round(rule.shown(round(standing.expected)), 2),
        pace=standing.pace,
    )


def _call(call: store.OpenCall) -> dict[str, object]:
    return {
        "call": call.id,
        "contact": call.contact_id,
        **{name: getattr(call, name) for name in views.BoardCall.model_fields if name not in ("call", "contact")},
    }


def _waiting(calls: Sequence[store.OpenCall], groups: Sequence[store.RingGroup]) -> list[views.BoardWaiting]:
    found = []
    for call in calls:
        if call.state != "ringing" or call.direction != "inbound":
            continue
        rung = set(call.asked or call.ringing)
        having = [g for g in groups if rung and rung <= set(g.members)]
        group = min(having, key=lambda g: len(g.members), default=None)
        found.append(
            views.BoardWaiting.model_validate(
                {**_call(call), "group": group.id if group else None, "rings_for": call.ringing}
            )
        )
    return found


def _group(
    group: store.RingGroup, waiting: Sequence[views.BoardWaiting], states: Mapping[int, ManagerState]
) -> views.BoardGroup:
    own = [w.started_at for w in waiting if w.group == group.id]
    return views.BoardGroup(
        id=group.id,
        name=group.name,
        waiting=len(own),
        longest_since=min(own, default=None),
        free=sum(1 for user in group.members if user in states and states[user].takes_calls),
        members=len(group.members),
    )


def _late(client: store.LateClient) -> views.BoardLate:
    return views.BoardLate(
        missed=client.id,
        contact=client.contact_id,
        owner=client.owner_id,
        **{
            name: getattr(client, name)
            for name in views.BoardLate.model_fields
            if name not in ("missed", "contact", "owner")
        },
    )


def _calls_in(found: store.CallsIn, back: Returned) -> views.BoardCallsIn:
    return views.BoardCallsIn(
        calls=found.calls,
        answered=found.answered,
        answered_share=found.answered_share,
        median_wait_seconds=found.median_wait_seconds,
        returned=returned_view(back),
    )
