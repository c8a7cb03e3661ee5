"""Rules of the states (after-call time, long breaks, what begins a day) and the reasons of breaks, as data."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

from aiohttp import web
from pydantic import Field

from gateway.api.dispositions import Key, Label, Order, Version
from gateway.api.fields import Incoming, Nothing, Outgoing, RowId
from gateway.api.once import do_once
from gateway.api.parts import ApiParts
from gateway.api.problems import ConflictError, NotFoundError, StaleVersionError, refused_value
from gateway.api.routing import Asked, Route
from gateway.domain.access import Right
from gateway.domain.manager_states import AFTER_CALL_MAX
from gateway.store import state_rules as store
from gateway.store.access import write_audit
from gateway.store.database import Connection
from gateway.store.facts import NewFact
from gateway.store.people import read_user
from gateway.store.state_rules import Begins, BreakReason, StoredStateRule
from gateway.store.teams import read_team

Minutes = Annotated[int, Field(ge=1, le=1440)]


class RuleBody(Incoming):
    """What holds for the states of the company, a team or a person; null: as the one above says."""

    team: RowId | None = None
    user: RowId | None = Field(default=None, description="neither team nor user: the company's, without nulls")
    after_call_seconds: Annotated[int, Field(ge=0, le=int(AFTER_CALL_MAX.total_seconds()))] | None = None
    break_minutes: Annotated[int, Field(ge=0, le=1440)] | None = Field(
        default=None, description="the head is told of a break that lasts so long; 0: never"
    )
    begins: Begins | None = Field(default=None, description="what makes somebody available who is off")
    leads_on_break: bool | None = Field(default=None, description="whether leads are given to him on a break")
    pause_queues: bool | None = Field(default=None, description="whether the PBX's queues are paused in step")
    version: Annotated[int, Field(ge=0, le=2**31 - 1)] = Field(
        description="as it was read; 0: there is none yet. Another one is a conflict"
    )


class RuleView(Outgoing):
    """A rule."""

    id: int
    team: int | None
    user: int | None
    after_call_seconds: int | None
    break_minutes: int | None
    begins: Begins | None
    leads_on_break: bool | None
    pause_queues: bool | None
    version: int


class StateRuleList(Outgoing):
    """All rules, the company's first."""

    items: tuple[RuleView, ...]


class RulePath(Incoming):
    """Which rule."""

    row_id: RowId


class NewBreakReason(Incoming):
    """A reason of breaks."""

    key: Key
    name: Label
    minutes: Minutes | None = Field(default=None, description="the head is told after so long; null: by the rule")
    place: Order = 100


class BreakReasonChange(Incoming):
    """What is to be changed of a reason; what is left out stays."""

    version: Version
    name: Label | None = None
    minutes: Minutes | None = None
    place: Order | None = None
    archived: bool | None = Field(default=None, description="an archived one can be chosen no more")


class ReasonsQuery(Incoming):
    """Which reasons."""

    archived: bool = False


class ReasonPath(Incoming):
    """Which reason."""

    row_id: RowId


class BreakReasonView(Outgoing):
    """A reason of breaks."""

    id: int
    key: str
    name: str
    minutes: int | None
    place: int
    archived_at: datetime | None
    version: int


class ReasonList(Outgoing):
    """The reasons in their order."""

    items: tuple[BreakReasonView, ...]


class ReasonTakenError(ConflictError):
    """There is a reason with this key, or there are 100 already; archive one."""


class StateRules:
    """The handlers of `/state-rules` and `/break-reasons`."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts

    def routes(self) -> tuple[Route, ...]:
        """The rows of the table."""
        tag, read, manage = "manager states", Right.STATES_READ_OWN, Right.STATES_WRITE_ALL
        return (
            Route(
                method="GET",
                path="/state-rules",
                handler=self.rules,
                summary="What holds for the states of managers",
                right=read,
                tag=tag,
            ),
            Route(
                method="PUT",
                path="/state-rules",
                handler=self.put_rule,
                summary="Enter or change the rule of the company, a team or a person",
                right=manage,
                tag=tag,
                errors=(StaleVersionError,),
            ),
            Route(
                method="DELETE",
                path="/state-rules/{row_id}",
                handler=self.drop_rule,
                summary="Take away the rule of a team or a person; what lies above it holds again",
                right=manage,
                tag=tag,
                status=204,
            ),
            Route(
                method="GET",
                path="/break-reasons",
                handler=self.reasons,
                summary="The reasons of breaks",
                right=read,
                tag=tag,
            ),
            Route(
                method="POST",
                path="/break-reasons",
                handler=self.add_reason,
                summary="Make a reason of breaks",
                right=manage,
                tag=tag,
                status=201,
                idempotent=True,
                errors=(ReasonTakenError,),
            ),
            Route(
                method="PATCH",
                path="/break-reasons/{row_id}",
                handler=self.change_reason,
                summary="Change or archive a reason of breaks",
                right=manage,
                tag=tag,
                errors=(StaleVersionError,),
            ),
        )

    async def rules(self, asked: Asked[Nothing, Nothing, Nothing]) -> StateRuleList:
        """All rules."""
        return StateRuleList(items=tuple(_rule_view(r) for r in await store.stored_rules(self._parts.pool)))

    async def put_rule(self, asked: Asked[Nothing, Nothing, RuleBody]) -> RuleView:
        """Enter or change a rule."""
        body, who, now = asked.body, asked.principal, datetime.now(UTC)
        values = body.model_dump(include=set(store.VALUES))
        async with self._parts.pool.acquire() as connection, connection.transaction():
            await _check(connection, body)
            rule = await store.save_rule(
                connection,
                team_id=body.team,
                user_id=body.user,
                values=values,
                version=body.version or None,
                by=who.id,
                now=now,
            )
            if rule is None:
                raise StaleVersionError
            await write_audit(
                connection, actor=who.id, action="state_rule.changed", object=f"state_rule:{rule.id}", detail=values
            )
        return _rule_view(rule)

    async def drop_rule(self, asked: Asked[RulePath, Nothing, Nothing]) -> None:
        """Take a rule away."""
        async with self._parts.pool.acquire() as connection, connection.transaction():
            if not await store.drop_rule(connection, asked.path.row_id):
                raise NotFoundError("There is no rule of a team or a person with this id.")
            await write_audit(
                connection,
                actor=asked.principal.id,
                action="state_rule.dropped",
                object=f"state_rule:{asked.path.row_id}",
                detail={},
            )

    async def reasons(self, asked: Asked[Nothing, ReasonsQuery, Nothing]) -> ReasonList:
        """The reasons in their order."""
        found = await store.break_reasons(self._parts.pool, archived=asked.query.archived)
        return ReasonList(items=tuple(_reason_view(r) for r in found))

    async def add_reason(self, asked: Asked[Nothing, Nothing, NewBreakReason]) -> BreakReasonView | web.Response:
        """Make a reason."""
        body = asked.body

        async def work(connection: Connection) -> tuple[BreakReasonView, Sequence[NewFact]]:
            made = await store.add_reason(
                connection, key=body.key, name=body.name, minutes=body.minutes, place=body.place
            )
            if made is None:
                raise ReasonTakenError
            return _reason_view(made), ()

        return await do_once(self._parts, asked, work)

    async def change_reason(self, asked: Asked[ReasonPath, Nothing, BreakReasonChange]) -> BreakReasonView:
        """Change a reason."""
        body = asked.body
        changes = body.model_dump(exclude_unset=True, include={"name", "minutes", "place"})
        for name in ("name", "place"):
            if name in changes and changes[name] is None:
                raise refused_value(name, "This cannot be taken away; leave it out, or give another one.")
        async with self._parts.pool.acquire() as connection, connection.transaction():
            found = await store.change_reason(
                connection,
                asked.path.row_id,
                version=body.version,
                changes=changes,
                archived=body.archived,
                now=datetime.now(UTC),
            )
        if found is True:
            raise NotFoundError("There is no reason with this id.")
        if found is False:
            raise StaleVersionError
        return _reason_view(found)


async def _check(connection: Connection, body: RuleBody) -> None:
    """Refuse a rule of nobody, of two, and one of the company with something left open."""
    if body.team is not None and body.user is not None:
        raise refused_value("team", "A rule is of a team or of a person, not of both.")
    if body.team is not None and await read_team(connection, body.team) is None:
        raise refused_value("team", "There is no team with this id.")
    if body.user is not None and await read_user(connection, body.user) is None:
        raise refused_value("user", "Nobody has this id.")
    if body.team is None and body.user is None:
        for name in store.VALUES:
            if getattr(body, name) is None:
                raise refused_value(name, "Above the company's rule there is none; give a value.")


def _rule_view(rule: StoredStateRule) -> RuleView:
    return RuleView(
        id=rule.id,
        team=rule.team_id,
        user=rule.user_id,
        after_call_seconds=rule.after_call_seconds,
        break_minutes=rule.break_minutes,
        begins=Begins(rule.begins) if rule.begins else None,
        leads_on_break=rule.leads_on_break,
        pause_queues=rule.pause_queues,
        version=rule.version,
    )


def _reason_view(reason: BreakReason) -> BreakReasonView:
    return BreakReasonView(**{name: getattr(reason, name) for name in BreakReasonView.model_fields})
