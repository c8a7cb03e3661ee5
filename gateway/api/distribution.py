"""Rules of distribution: entered, changed by versions, tried; and whose turn it is with which lead."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from aiohttp import web

from gateway.aftercare.giving import Giver
from gateway.api.distribution_views import (
    IdPlace,
    LeadRuleChange,
    LeadRuleFields,
    LeadRuleList,
    LeadRuleView,
    MemberFields,
    NewLeadRule,
    PolicyChange,
    PolicyView,
    RulePath,
    SeenView,
    Trial,
    TrialView,
    TriedRule,
    TurnQuery,
    TurnView,
    rule_view,
    turn_view,
)
from gateway.api.fields import Nothing
from gateway.api.once import do_once
from gateway.api.pages import Page, page, read_cursor
from gateway.api.parts import ApiParts
from gateway.api.problems import (
    ConflictError,
    NotFoundError,
    StaleVersionError,
    refused_value,
)
from gateway.api.routing import Asked, Route
from gateway.api.visibility import reach
from gateway.domain.access import Right
from gateway.domain.distribution import (
    Lead,
    Member,
    Verdict,
    Why,
    choose,
    country_of,
    language_of,
    mismatch,
)
from gateway.domain.working_time import HoursError
from gateway.store import distribution as store
from gateway.store import distribution_rules as rules_store
from gateway.store.access import write_audit
from gateway.store.database import Connection
from gateway.store.distribution_rules import StoredRule
from gateway.store.facts import NewFact


class TooManyRulesError(ConflictError):
    """There are as many rules as there may be; archive one."""


class LeadDistribution:
    """The handlers of `/distribution`."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts

    def routes(self) -> tuple[Route, ...]:
        """The rows of the table."""
        manage, tag = Right.DISTRIBUTION_MANAGE, "distribution"
        return (
            Route(
                method="GET",
                path="/distribution/rules",
                handler=self.rules,
                summary="The rules of distribution",
                right=manage,
                tag=tag,
            ),
            Route(
                method="POST",
                path="/distribution/rules",
                handler=self.add,
                summary="Add a rule: which leads go to whom, and in which way",
                right=manage,
                tag=tag,
                status=201,
                idempotent=True,
                body_max=1024 * 1024,
                errors=(TooManyRulesError,),
            ),
            Route(
                method="PATCH",
                path="/distribution/rules/{rule_id}",
                handler=self.change,
                summary="Change or archive a rule of distribution",
                right=manage,
                tag=tag,
                body_max=1024 * 1024,
                errors=(StaleVersionError,),
            ),
            Route(
                method="GET",
                path="/distribution/policy",
                handler=self.policy,
                summary="What holds for all of the distribution",
                right=manage,
                tag=tag,
            ),
            Route(
                method="PATCH",
                path="/distribution/policy",
                handler=self.change_policy,
                summary="Change what holds for all of the distribution",
                right=manage,
                tag=tag,
                errors=(StaleVersionError,),
            ),
            Route(
                method="POST",
                path="/distribution/try",
                handler=self.attempt,
                summary="Who would get a lead, and why nobody else; nothing is changed",
                right=manage,
                tag=tag,
                idempotent=True,
            ),
            Route(
                method="GET",
                path="/distribution/turns",
                handler=self.turns,
                summary="Whose turn it is, or was, with which lead",
                right=Right.TASKS_READ_OWN,
                tag=tag,
            ),
        )

    async def rules(self, asked: Asked[Nothing, Nothing, Nothing]) -> LeadRuleList:
        """The rules."""
        found = await rules_store.read_rules(self._parts.pool, archived=True)
        return LeadRuleList(items=tuple(rule_view(r) for r in found))

    async def add(self, asked: Asked[Nothing, Nothing, NewLeadRule]) -> LeadRuleView | web.Response:
        """Add a rule."""
        body, by = asked.body, asked.principal.id

        async def work(connection: Connection) -> tuple[LeadRuleView, Sequence[NewFact]]:
            await self._check(connection, body)
            values = _columns(body.model_dump(mode="json", exclude={"members"}))
            id_ = await rules_store.add_rule(connection, values, by=by, now=datetime.now(UTC))
            if id_ is None:
                raise TooManyRulesError
            await rules_store.set_members(connection, id_, _members(body.members))
            await write_audit(
                connection, actor=by, action="distribution_rule.added", object=f"distribution_rule:{id_}", detail=values
            )
            return rule_view((await rules_store.read_rules(connection, archived=True, id=id_))[0]), ()

        return await do_once(self._parts, asked, work)

    async def change(self, asked: Asked[RulePath, Nothing, LeadRuleChange]) -> LeadRuleView:
        """Change a rule."""
        id_, body, by = asked.path.rule_id, asked.body, asked.principal.id
        changes = _columns(body.model_dump(mode="json", exclude_unset=True, exclude={"version", "archived", "members"}))
        if changes.get("name", "") is None:
            del changes["name"]
        async with self._parts.pool.acquire() as connection, connection.transaction():
            await self._check(connection, body)
            done = await rules_store.change_rule(
                connection,
                id_,
                version=body.version,
                changes=changes,
                archived=body.archived,
                by=by,
                now=datetime.now(UTC),
            )
            if done is None:
                raise NotFoundError
            if not done:
                raise StaleVersionError
            if "members" in body.model_fields_set:
                await rules_store.set_members(connection, id_, _members(body.members))
            await write_audit(
                connection,
                actor=by,
                action="distribution_rule.changed",
                object=f"distribution_rule:{id_}",
                detail=body.model_dump(mode="json", exclude_unset=True),
            )
            return rule_view((await rules_store.read_rules(connection, archived=True, id=id_))[0])

    async def policy(self, asked: Asked[Nothing, Nothing, Nothing]) -> PolicyView:
        """The policy."""
        return _policy_view(await rules_store.read_policy(self._parts.pool))

    async def change_policy(self, asked: Asked[Nothing, Nothing, PolicyChange]) -> PolicyView:
        """Change the policy."""
        body, by = asked.body, asked.principal.id
        changes = _columns(body.model_dump(exclude_unset=True, exclude={"version"}))
        async with self._parts.pool.acquire() as connection, connection.transaction():
            await self._check_people(connection, {"head": body.head})
            if not await rules_store.change_policy(connection, body.version, changes):
                raise StaleVersionError
            await write_audit(
                connection, actor=by, action="distribution_policy.changed", object="distribution_policy", detail=changes
            )
            return _policy_view(await rules_store.read_policy(connection))

    async def attempt(self, asked: Asked[Nothing, Nothing, Trial]) -> TrialView:
        """Try a lead; the transaction is rolled back."""
        now = datetime.now(UTC)
        async with self._parts.pool.acquire() as connection:
            transaction = connection.transaction()
            await transaction.start()
            try:
                giver = await Giver(connection, now, self._parts.settings.company.timezone).begin()
                return await self._tried(connection, giver, await self._lead(connection, asked.body, now))
            finally:
                await transaction.rollback()

    async def turns(self, asked: Asked[Nothing, TurnQuery, Nothing]) -> Page[TurnView]:
        """A page of turns, the newest first."""
        query = asked.query
        place = read_cursor("turns", query.cursor, IdPlace)
        own = reach(asked.principal, Right.TASKS_READ_OWN)
        user = query.user if own is None else own if query.user in (None, own) else 0
        found = await store.list_turns(
            self._parts.pool,
            user=user,
            contact=query.contact,
            state=query.state,
            before=place.id if place else None,
            limit=query.limit + 1,
        )
        return page("turns", [(turn_view(t), IdPlace(id=t.id)) for t in found], query.limit)

    async def _tried(self, connection: Connection, giver: Giver, lead: Lead) -> TrialView:
        """What came of each rule; the first that takes the lead and has somebody who fits gives it."""
        tried = []
        taken: tuple[int | None, int | None, int | None] | None = None
        first: StoredRule | None = None
        for stored in giver.rules:
            why = mismatch(stored.rule.conditions, lead)
            verdict: Verdict | None = None
            if why is None:
                first = first or stored
                verdict = choose(stored.rule, await giver.members(stored), lead)
                if verdict.user_id is not None and taken is None:
                    taken = (verdict.user_id, stored.rule.id, stored.rule.head_id)
            tried.append(_tried_rule(stored, why, verdict))
        user, rule, head = taken or (None, first.rule.id if first else None, first.rule.head_id if first else None)
        return TrialView(
            user=user,
            rule=rule,
            head=await rules_store.head_of(connection, head, giver.policy.head_id),
            country=lead.country,
            language=lead.language,
            rules=tuple(tried),
        )

    async def _lead(self, connection: Connection, body: Trial, now: datetime) -> Lead:
        """The lead as it might come."""
        lead = Lead(at=body.at or now)
        if body.contact is not None:
            card = (await store.read_cards(connection, [body.contact], body.at or now)).get(body.contact)
            if card is None:
                raise refused_value("contact", "There is no card with this id.")
            lead = card.lead
        country = lead.country
        if body.number is not None:
            e164 = self._parts.plan.parse(body.number).e164
            if e164 is None:
                raise refused_value("number", "This is no full telephone number; write it with its code.")
            country = country_of(e164)
        return Lead(
            contact_id=lead.contact_id,
            did=body.did or lead.did,
            source_kind=body.source or lead.source_kind,
            source_name=body.source or lead.source_name,
            city=body.city or lead.city,
            country=country,
            language=language_of(country),
            heat=body.heat or lead.heat,
            at=lead.at,
        )

    async def _check(self, connection: Connection, body: LeadRuleFields) -> None:
        """Refuse hours that cannot be read, members named twice, and people who do not work here."""
        try:
            rules_store.conditions_of(body.conditions.model_dump(mode="json"))
        except HoursError as fault:
            raise refused_value("conditions/hours", str(fault)) from None
        users = [m.user for m in body.members]
        if len(users) != len(set(users)):
            raise refused_value("members", "Name each member once.")
        people: dict[str, int | None] = {f"members/{n}/user": user for n, user in enumerate(users)}
        await self._check_people(connection, people | {"head": body.head})

    async def _check_people(self, connection: Connection, people: dict[str, int | None]) -> None:
        known = await rules_store.known_users(connection, [user for user in people.values() if user is not None])
        for place, user in people.items():
            if user is not None and user not in known:
                raise refused_value(place, "Nobody who works here has this id.")


def _columns(values: Mapping[str, object]) -> dict[str, object]:
    """Values as their columns are named."""
    return {"head_id" if name == "head" else name: value for name, value in values.items()}


def _members(fields: Sequence[MemberFields]) -> list[Member]:
    return [
        Member(user_id=m.user, weight=m.weight, skills=frozenset(m.skills), open_max=m.open_max, day_max=m.day_max)
        for m in fields
    ]


def _policy_view(policy: rules_store.Policy) -> PolicyView:
    return PolicyView(
        head=policy.head_id,
        talker_keeps=policy.talker_keeps,
        on_dismissal=policy.on_dismissal,
        version=policy.version,
    )


def _tried_rule(stored: StoredRule, why: Why | None, verdict: Verdict | None) -> TriedRule:
    seen = tuple(
        SeenView(
            user=s.member.user_id,
            why=s.why,
            credit=round(s.member.credit, 6),
            open_leads=s.member.open_leads,
            open_tasks=s.member.open_tasks,
            given_today=s.member.given_today,
            rating=round(s.member.rating, 6),
        )
        for s in (verdict.seen if verdict else ())
    )
    none = Why.NO_MEMBER if verdict is not None and not seen else None
    return TriedRule(rule=stored.rule.id, name=stored.rule.name, why=why or none, members=seen)
