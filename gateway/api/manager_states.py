"""How managers are: the board of everybody, one's own state, a colleague's by his head, and the time in each state.

`docs/manager-states.md` says how they are used; rules and reasons are in `gateway.api.state_rules`.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

from aiohttp import web
from pydantic import Field

from gateway.aftercare.manager_states import choose
from gateway.api.dispositions import Key
from gateway.api.fields import CursorText, Day, Incoming, Limit, Nothing, Outgoing, RowId
from gateway.api.once import Work, do_once
from gateway.api.pages import Page, page, read_cursor
from gateway.api.parts import ApiParts
from gateway.api.problems import ConflictError, NotFoundError, refused_value
from gateway.api.routing import Asked, Route
from gateway.api.visibility import own_user, reach
from gateway.domain.access import Principal, Right, allowed
from gateway.domain.errors import NotAllowed
from gateway.domain.manager_states import AFTER_CALL_MAX, Choice, Chosen, ManagerState, State
from gateway.domain.periods import DAYS_MAX, Period, day_of
from gateway.domain.staff import zone_of
from gateway.store.access import write_audit
from gateway.store.database import Connection, Pool
from gateway.store.facts import NewFact
from gateway.store.manager_states import base_before, present_states
from gateway.store.people import read_user
from gateway.store.state_figures import QueuePause, Stretch, queue_pauses, stretches
from gateway.store.state_rules import break_reasons

AFTER_CALL_MORE = 300
"""Seconds that are added where nobody says how many."""


class NewState(Incoming):
    """How somebody is from now on."""

    state: Literal["available", "break", "off", "after_call"] = Field(
        description="`after_call`: more time for the call that was, or is being, talked in"
    )
    reason: Key | None = Field(default=None, description="of a break: a key of `/break-reasons`")
    seconds: Annotated[int, Field(ge=1, le=int(AFTER_CALL_MAX.total_seconds()))] | None = Field(
        default=None, description=f"of after_call, from now on; left out: {AFTER_CALL_MORE}"
    )


class UserPath(Incoming):
    """Whose state."""

    user_id: RowId


class HistoryQuery(Incoming):
    """Which intervals."""

    since: Day | None = Field(default=None, description="the first day, by his clock; left out: today")
    until: Day | None = Field(default=None, description="the last day, itself included; left out: today")
    state: State | None = None
    limit: Limit = 50
    cursor: CursorText | None = None


class MemberQueueView(Outgoing):
    """What a PBX was told of one of his phones in its queues."""

    pbx: str
    endpoint: str
    paused: bool
    reason: str
    outcome: str = Field(description="accepted, refused, unknown")
    fault: str = Field(description="why it was not accepted")
    at: datetime


class StateView(Outgoing):
    """How a manager is."""

    user: int
    name: str
    state: State
    known: bool = Field(description="false: nobody ever said how he is; he is taken for available")
    reason: str = Field(description="key of a break's reason, or kind of an absence")
    since: datetime | None
    call: UUID | None = Field(description="the call he talks in, or that he works on after it")
    ends_at: datetime | None = Field(description="when his after-call time ends by itself")
    by: str = Field(description="who chose it: a person, working_time, absence, sign_in, call")
    ringing: tuple[UUID, ...] = Field(description="open calls in which one of his phones rings or dials")
    takes_calls: bool = Field(description="whether routing gives him a call now")
    last_talk_at: datetime | None
    queues: tuple[MemberQueueView, ...]


class Board(Outgoing):
    """Everybody whom the caller may see."""

    at: datetime
    items: tuple[StateView, ...]


class StretchView(Outgoing):
    """A stretch of time in one state."""

    state: State
    reason: str
    since: datetime
    until: datetime | None
    seconds: float = Field(description="of it that lie in the days asked for")
    call: UUID | None
    by: str


class StretchPlace(Incoming):
    """Where a page ends."""

    since: datetime


class NoAfterCallError(ConflictError):
    """He is on a break or off, so no after-call time runs that could be made longer; choose available first."""


class ManagerStates:
    """The handlers of `/states`."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts

    def routes(self) -> tuple[Route, ...]:
        """The rows of the table."""
        tag = "manager states"
        return (
            Route(
                method="GET",
                path="/states",
                handler=self.board,
                summary="How everybody is: state, since when, in which call",
                right=Right.STATES_READ_OWN,
                tag=tag,
            ),
            Route(
                method="PUT",
                path="/states/me",
                handler=self.put_own,
                summary="Choose my own state",
                right=Right.STATES_WRITE_OWN,
                tag=tag,
                idempotent=True,
                errors=(NoAfterCallError,),
            ),
            Route(
                method="PUT",
                path="/states/{user_id}",
                handler=self.put,
                summary="Choose somebody's state; for others it is written into the audit",
                right=Right.STATES_WRITE_OWN,
                tag=tag,
                idempotent=True,
                errors=(NoAfterCallError,),
            ),
            Route(
                method="GET",
                path="/states/{user_id}/history",
                handler=self.history,
                summary="Somebody's states of some days, the newest first",
                right=Right.STATES_READ_OWN,
                tag=tag,
            ),
        )

    async def board(self, asked: Asked[Nothing, Nothing, Nothing]) -> Board:
        """The present states; who may see only himself gets his own."""
        own, now = reach(asked.principal, Right.STATES_READ_OWN), datetime.now(UTC)
        states = await present_states(self._parts.pool, now=now, users=None if own is None else [own])
        return Board(at=now, items=tuple(await _views(self._parts.pool, states)))

    async def put_own(self, asked: Asked[Nothing, Nothing, NewState]) -> StateView | web.Response:
        """Choose the caller's own state."""
        own = own_user(asked.principal)
        if own is None:
            raise NotAllowed("This key belongs to no person, so it has no state of its own; name somebody.")
        return await do_once(self._parts, asked, self._work(asked.principal, own, asked.body), status=200)

    async def put(self, asked: Asked[UserPath, Nothing, NewState]) -> StateView | web.Response:
        """Choose somebody's state."""
        user, who = asked.path.user_id, asked.principal
        if not allowed(who, Right.STATES_WRITE_OWN, str(user)):
            raise NotAllowed("You may choose your own state only; ask your supervisor.")
        return await do_once(self._parts, asked, self._work(who, user, asked.body), status=200)

    def _work(self, who: Principal, user: int, body: NewState) -> Work:
        async def work(connection: Connection) -> tuple[StateView, Sequence[NewFact]]:
            now = datetime.now(UTC)
            await _check(connection, user, body, now)
            choice = Choice(
                at=now,
                chosen=Chosen(body.state),
                by=who.id,
                reason=body.reason or "",
                until=_until(body, now),
            )
            facts = await choose(connection, user, choice, now)
            if user != own_user(who):
                await write_audit(
                    connection,
                    actor=who.id,
                    action="state.chosen",
                    object=f"user:{user}",
                    detail={"state": body.state, "reason": body.reason or ""},
                )
            (view,) = await _views(connection, await present_states(connection, now=now, users=[user]))
            return view, facts

        return work

    async def history(self, asked: Asked[UserPath, HistoryQuery, Nothing]) -> Page[StretchView]:
        """The intervals whose seconds a figure adds up."""
        query, user, now = asked.query, asked.path.user_id, datetime.now(UTC)
        if not allowed(asked.principal, Right.STATES_READ_OWN, str(user)):
            raise NotAllowed("You may see your own states only; ask your supervisor.")
        person = await read_user(self._parts.pool, user)
        if person is None:
            raise NotFoundError("There is nobody with this id.")
        zone = zone_of(person.timezone, self._parts.settings.company.timezone)
        today = day_of(now, zone)
        period = Period(first=query.since or query.until or today, last=query.until or max(today, query.since or today))
        if not 1 <= period.days <= DAYS_MAX:
            raise refused_value("until", f"Give days in their order, at most {DAYS_MAX} of them.", place="query")
        begin, end = period.bounds(zone)
        place = read_cursor("states", query.cursor, StretchPlace)
        rows = await stretches(
            self._parts.pool,
            user,
            begin=begin,
            end=end,
            state=query.state,
            now=now,
            before=place.since if place else None,
            limit=query.limit + 1,
        )
        return page("states", [(_stretch_view(r), StretchPlace(since=r.since)) for r in rows], query.limit)


async def _check(connection: Connection, user: int, body: NewState, now: datetime) -> None:
    """Refuse what cannot be chosen."""
    person = await read_user(connection, user)
    if person is None or not person.active:
        raise NotFoundError("Nobody who works here has this id.")
    if body.reason is not None and body.state != "break":
        raise refused_value("reason", "Only a break has a reason.")
    if body.seconds is not None and body.state != "after_call":
        raise refused_value("seconds", "Only after_call takes seconds.")
    if body.reason is not None and body.reason not in {r.key for r in await break_reasons(connection)}:
        raise refused_value("reason", "There is no reason with this key; GET /break-reasons lists them.")
    base = await base_before(connection, user, now)
    if body.state == "after_call" and base is not None and base.state is not State.AVAILABLE:
        raise NoAfterCallError


def _until(body: NewState, now: datetime) -> datetime | None:
    if body.state != "after_call":
        return None
    return now + timedelta(seconds=body.seconds or AFTER_CALL_MORE)


async def _views(source: Pool | Connection, states: Mapping[int, ManagerState]) -> list[StateView]:
    rows = await source.fetch("select id, name from users where id = any($1::bigint[])", list(states))
    names = {r["id"]: r["name"] for r in rows}
    told: dict[int, list[QueuePause]] = {}
    for pause in await queue_pauses(source):
        told.setdefault(pause.user_id, []).append(pause)
    return [_view(s, names.get(s.user_id, ""), told.get(s.user_id, ())) for s in states.values()]


def _view(state: ManagerState, name: str, told: Sequence[QueuePause]) -> StateView:
    return StateView(
        user=state.user_id,
        name=name,
        state=state.state,
        known=state.known,
        reason=state.reason,
        since=state.since,
        call=state.call_id,
        ends_at=state.ends_at,
        by=state.by,
        ringing=state.ringing,
        takes_calls=state.takes_calls,
        last_talk_at=state.last_talk_at,
        queues=tuple(
            MemberQueueView(**{name: getattr(pause, name) for name in MemberQueueView.model_fields}) for pause in told
        ),
    )


def _stretch_view(row: Stretch) -> StretchView:
    return StretchView(
        state=row.state,
        reason=row.reason,
        since=row.since,
        until=row.until,
        seconds=round(row.seconds, 6),
        call=row.call_id,
        by=row.by,
    )
