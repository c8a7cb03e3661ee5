"""The rules of calling back: for all our numbers, and for single ones."""

from dataclasses import asdict
from typing import Annotated

from pydantic import Field

from gateway.api.fields import Incoming, Nothing, Outgoing, RowId
from gateway.api.missed_views import Did
from gateway.api.parts import ApiParts
from gateway.api.problems import NotFoundError, StaleVersionError, refused_value
from gateway.api.routing import Asked, Route
from gateway.domain.access import Right
from gateway.domain.missed import CallBackRule, GiveTo
from gateway.store import call_back
from gateway.store.access import write_audit
from gateway.store.tasks import active_users

Minutes = Annotated[int, Field(ge=0, le=10_080)]
Users = Annotated[tuple[RowId, ...], Field(max_length=200)]


class RuleFields(Incoming):
    """What is promised to those who are missed."""

    minutes: Annotated[int, Field(ge=1, le=10_080, description="of working time, within which to call back")] = 5
    give_to: Annotated[tuple[GiveTo, ...], Field(max_length=4)] = Field(
        default=(GiveTo.OWNER, GiveTo.LAST_RUNG, GiveTo.MEMBERS), description="who is asked, in this order"
    )
    members: Users = Field(default=(), description="the group of `members`")
    escalate_minutes: Minutes = Field(default=0, description="of working time after the deadline")
    escalate_to: Users = Field(default=(), description="who is told; nobody: the heads of the owner")
    give_up_hours: Annotated[int, Field(ge=1, le=8760, description="after so long it is `never`")] = 72
    priority: Annotated[int, Field(ge=0, le=5)] = 3


class NewCallBackRule(RuleFields):
    """A rule to be entered or changed."""

    did: Did | None = Field(default=None, description="left out: for every number that has no rule of its own")
    version: Annotated[int, Field(ge=0, le=2**31 - 1)] = Field(
        description="as it was read; 0: there is none yet. Another one is a conflict"
    )


class CallBackRuleView(Outgoing):
    """A rule of calling back."""

    did: str | None
    minutes: int
    give_to: tuple[GiveTo, ...]
    members: tuple[int, ...]
    escalate_minutes: int
    escalate_to: tuple[int, ...]
    give_up_hours: int
    priority: int
    version: int = Field(description="0: nobody has entered it, it holds from the start")


class RuleList(Outgoing):
    """All rules."""

    items: tuple[CallBackRuleView, ...]


class RuleQuery(Incoming):
    """Which rule."""

    did: Did | None = Field(default=None, description="left out: the one for all numbers")


class CallBackRules:
    """The handlers of `/missed/rules`."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts

    def routes(self) -> tuple[Route, ...]:
        """The rows of the table."""
        return (
            Route(
                method="GET",
                path="/missed/rules",
                handler=self.rules,
                summary="The rules of calling back",
                right=Right.TASKS_READ_OWN,
                tag="missed",
            ),
            Route(
                method="PUT",
                path="/missed/rules",
                handler=self.set_rule,
                summary="Enter or change a rule of calling back",
                right=Right.DISTRIBUTION_MANAGE,
                tag="missed",
                errors=(StaleVersionError,),
            ),
            Route(
                method="DELETE",
                path="/missed/rules",
                handler=self.drop_rule,
                summary="Take a rule of calling back away",
                right=Right.DISTRIBUTION_MANAGE,
                tag="missed",
                status=204,
                errors=(NotFoundError,),
            ),
        )

    async def rules(self, asked: Asked[Nothing, Nothing, Nothing]) -> RuleList:
        """All rules; the one for all numbers first."""
        found = await call_back.call_back_rules(self._parts.pool)
        if not found or found[0].did is not None:
            found = [CallBackRule(), *found]
        return RuleList(items=tuple(CallBackRuleView.model_validate(asdict(r)) for r in found))

    async def set_rule(self, asked: Asked[Nothing, Nothing, NewCallBackRule]) -> CallBackRuleView:
        """Enter or change a rule."""
        body = asked.body
        async with self._parts.pool.acquire() as connection, connection.transaction():
            known = set(await active_users(connection))
            for name, users in (("members", body.members), ("escalate_to", body.escalate_to)):
                if set(users) - known:
                    raise refused_value(name, "One of these ids is nobody's who is active.")
            if not body.give_to:
                raise refused_value("give_to", "Name at least one way.")
            rule = await call_back.save_rule(connection, CallBackRule(**body.model_dump()))
            if rule is None:
                raise StaleVersionError
            await write_audit(
                connection, actor=asked.principal.id, action="missed.rule", object=f"did:{rule.did or '*'}"
            )
        return CallBackRuleView.model_validate(asdict(rule))

    async def drop_rule(self, asked: Asked[Nothing, RuleQuery, Nothing]) -> None:
        """Take a rule away."""
        async with self._parts.pool.acquire() as connection, connection.transaction():
            if not await call_back.drop_rule(connection, asked.query.did):
                raise NotFoundError
