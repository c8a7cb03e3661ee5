"""Who is away and when: what happens to his leads and tasks meanwhile is done by a duty when the time comes."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from aiohttp import web
from pydantic import Field

from gateway.api.dispositions import Version
from gateway.api.distribution_views import IdPlace
from gateway.api.fields import CursorText, Incoming, Limit, Moment, Nothing, Outgoing, RowId
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
from gateway.api.visibility import own_user, reach
from gateway.domain.access import Right, holds
from gateway.domain.errors import NotAllowed
from gateway.store import handovers as store
from gateway.store.database import Connection
from gateway.store.distribution_rules import known_users
from gateway.store.facts import NewFact, save_facts
from gateway.store.handovers import Absence

AbsenceKind = Literal["holiday", "sick", "break", "other"]


class NewAbsence(Incoming):
    """When somebody is away."""

    user: RowId
    kind: AbsenceKind = "holiday"
    since: Moment | None = Field(default=None, description="left out: now")
    until: Moment | None = Field(default=None, description="left out: not known yet")
    deputy: RowId | None = Field(default=None, description="who stands in; left out: by the rules of distribution")
    hands_over: bool = Field(default=True, description="his open leads, and tasks due in that time, go to others")
    comes_back: bool = Field(default=True, description="they come back with him")


class AbsenceChange(Incoming):
    """What is to be changed of an absence; what is left out stays."""

    version: Version
    until: Moment | None = Field(default=None, description="its end; now or earlier ends it at once")
    deputy: RowId | None = None
    comes_back: bool = True
    cancelled: bool = Field(default=False, description="of one that has not begun")


class AbsencePath(Incoming):
    """Which absence."""

    absence_id: RowId


class AbsenceQuery(Incoming):
    """Whose absences."""

    user: RowId | None = None
    limit: Limit = 50
    cursor: CursorText | None = None


class AbsenceView(Outgoing):
    """When somebody is away."""

    id: int
    user: int
    kind: str
    since: datetime
    until: datetime | None
    deputy: int | None
    hands_over: bool
    comes_back: bool
    state: str = Field(description="planned, begun, ended, cancelled")
    handover: int | None = Field(description="what it gave to others")
    made_by: str
    made_at: datetime
    version: int


class AwayAlreadyError(ConflictError):
    """He is away already at some of that time; change that absence."""


class OverError(ConflictError):
    """This absence is over, or it has begun and cannot be cancelled; end it instead."""


class Absences:
    """The handlers of `/absences`."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts

    def routes(self) -> tuple[Route, ...]:
        """The rows of the table."""
        right, tag = Right.TASKS_WRITE_OWN, "distribution"
        return (
            Route(
                method="GET",
                path="/absences",
                handler=self.listing,
                summary="Who is, was or will be away",
                right=Right.TASKS_READ_OWN,
                tag=tag,
            ),
            Route(
                method="POST",
                path="/absences",
                handler=self.enter,
                summary="Enter when somebody is away; a manager his own break only",
                right=right,
                tag=tag,
                status=201,
                idempotent=True,
                errors=(AwayAlreadyError,),
            ),
            Route(
                method="PATCH",
                path="/absences/{absence_id}",
                handler=self.change,
                summary="Change, end or cancel an absence",
                right=right,
                tag=tag,
                errors=(StaleVersionError, OverError),
            ),
        )

    async def listing(self, asked: Asked[Nothing, AbsenceQuery, Nothing]) -> Page[AbsenceView]:
        """A page of absences, the newest first."""
        query = asked.query
        place = read_cursor("absences", query.cursor, IdPlace)
        own = reach(asked.principal, Right.TASKS_READ_OWN)
        user = query.user if own is None else own if query.user in (None, own) else 0
        found = await store.list_absences(
            self._parts.pool, user=user, before=place.id if place else None, limit=query.limit + 1
        )
        return page("absences", [(_absence_view(a), IdPlace(id=a.id)) for a in found], query.limit)

    async def enter(self, asked: Asked[Nothing, Nothing, NewAbsence]) -> AbsenceView | web.Response:
        """Enter an absence; what it does is done when it begins."""
        body, who, now = asked.body, asked.principal, datetime.now(UTC)
        own_break = body.kind == "break" and not body.hands_over and body.user == own_user(who)
        if not own_break and not holds(who, Right.DISTRIBUTION_MANAGE):
            raise NotAllowed("You may enter a break of your own that hands nothing over; ask your supervisor.")
        since = body.since or now
        if body.until is not None and body.until <= max(since, now):
            raise refused_value("until", "The end lies before the beginning, or has passed.")
        if body.deputy == body.user:
            raise refused_value("deputy", "Nobody stands in for himself.")

        async def work(connection: Connection) -> tuple[AbsenceView, Sequence[NewFact]]:
            for name, user in (("user", body.user), ("deputy", body.deputy)):
                if user is not None and not await known_users(connection, [user]):
                    raise refused_value(name, "Nobody who works here has this id.")
            values = _columns(body.model_dump()) | {"since": since}
            id_ = await store.add_absence(connection, values, by=who.id, now=now)
            if id_ is None:
                raise AwayAlreadyError
            absence = await store.read_absence(connection, id_)
            assert absence is not None
            return _absence_view(absence), [_absence_fact("absence.planned", absence)]

        return await do_once(self._parts, asked, work)

    async def change(self, asked: Asked[AbsencePath, Nothing, AbsenceChange]) -> AbsenceView:
        """Change an absence."""
        body, who, now = asked.body, asked.principal, datetime.now(UTC)
        async with self._parts.pool.acquire() as connection, connection.transaction():
            absence = await store.read_absence(connection, asked.path.absence_id, lock=True)
            own = absence is not None and absence.kind == "break" and absence.user_id == own_user(who)
            if absence is None or not (own or holds(who, Right.DISTRIBUTION_MANAGE)):
                raise NotFoundError
            if absence.version != body.version:
                raise StaleVersionError
            changes = _absence_changes(body, absence, now)
            if body.deputy is not None and not await known_users(connection, [body.deputy]):
                raise refused_value("deputy", "Nobody who works here has this id.")
            await store.change_absence(connection, absence.id, changes)
            absence = await store.read_absence(connection, absence.id)
            assert absence is not None
            facts = [_absence_fact("absence.changed", absence)]
            await save_facts(connection, facts)
        tell(self._parts, facts)
        return _absence_view(absence)


def _absence_changes(body: AbsenceChange, absence: Absence, now: datetime) -> dict[str, object]:
    """What is changed; refuses what does not fit the absence."""
    if absence.state in ("ended", "cancelled") or (body.cancelled and absence.state != "planned"):
        raise OverError
    changes: dict[str, Any] = _columns(body.model_dump(exclude_unset=True, exclude={"version", "cancelled"}))
    if body.cancelled:
        changes["state"] = "cancelled"
    if body.until is not None:
        changes["until"] = max(body.until, now)
        if changes["until"] <= absence.since:
            raise refused_value("until", "It has not begun by then; cancel it instead.")
    if body.deputy is not None and body.deputy == absence.user_id:
        raise refused_value("deputy", "Nobody stands in for himself.")
    return changes


def _absence_view(absence: Absence) -> AbsenceView:
    return AbsenceView(**{name: getattr(absence, _column(name)) for name in AbsenceView.model_fields})


def _columns(values: Mapping[str, object]) -> dict[str, object]:
    """Values by the names of their columns."""
    return {_column(name): value for name, value in values.items()}


def _column(name: str) -> str:
    return f"{name}_id" if name in ("user", "deputy", "handover") else name


def _absence_fact(kind: str, absence: Absence) -> NewFact:
    body: dict[str, object] = {"id": absence.id, "user_id": absence.user_id, "kind": absence.kind}
    users = tuple(dict.fromkeys(u for u in (absence.user_id, absence.deputy_id) if u is not None))
    return NewFact(kind=kind, body=body, users=users)
