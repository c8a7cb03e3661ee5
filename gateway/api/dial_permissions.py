"""What may be dialled: the rules of the site, exceptions for some, what a number would meet, and what was refused.

Rules are changed with the right `dialling.manage`, each change with the version it was made from, an audit row and the
event `dialling.changed`. Whoever is no administrator gives others nothing that he has not himself.
"""

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta

import phonenumbers
from aiohttp import web

from gateway.api.dial_views import (
    CountsQuery,
    DialAnswer,
    DialExceptionView,
    DialPermissionsChange,
    DialPermissionsView,
    DialQuestion,
    ExceptionPath,
    LimitsBody,
    NewException,
    RefusalCounts,
    RefusalPlace,
    RefusalsQuery,
    RefusalView,
    exception_view,
    limits_view,
    prefix_rules,
    prefix_views,
)
from gateway.api.fields import Nothing
from gateway.api.once import do_once, tell
from gateway.api.pages import Page, page, read_cursor
from gateway.api.parts import ApiParts, UnknownPbxError
from gateway.api.problems import NotFoundError, StaleVersionError, refused_value
from gateway.api.routing import Asked, Route
from gateway.api.visibility import own_user
from gateway.domain.access import Principal, Right, Role, allowed
from gateway.domain.dial_rules import DialException, DialLimits, DialPolicy, DialRules, Scope, Span, above, beyond
from gateway.domain.errors import NotAllowed
from gateway.domain.phone import NumberPlan
from gateway.store import dial_permissions as store
from gateway.store import dial_refusals
from gateway.store.access import write_audit
from gateway.store.database import Connection
from gateway.store.facts import NewFact, save_facts


class DialPermissions:
    """The handlers of `/dial-permissions`."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts

    def routes(self) -> tuple[Route, ...]:
        """The rows of the table."""
        return (
            _read("/dial-permissions", self.show, "What may be dialled, and by whom otherwise"),
            Route(
                method="PATCH",
                path="/dial-permissions",
                handler=self.change,
                summary="Change what may be dialled",
                right=Right.DIALLING_MANAGE,
                tag="dialling",
                errors=(StaleVersionError,),
            ),
            Route(
                method="PUT",
                path="/dial-permissions/exceptions",
                handler=self.put_exception,
                summary="Let something else hold for a role, a team, a person or a key",
                right=Right.DIALLING_MANAGE,
                tag="dialling",
                errors=(StaleVersionError,),
            ),
            Route(
                method="DELETE",
                path="/dial-permissions/exceptions/{exception_id}",
                handler=self.drop_exception,
                summary="Take an exception away",
                right=Right.DIALLING_MANAGE,
                tag="dialling",
                status=204,
            ),
            Route(
                method="POST",
                path="/dial-permissions/check",
                handler=self.check,
                summary="What would happen if this were dialled, and why; nothing is counted",
                right=Right.CALLS_ORIGINATE,
                tag="dialling",
                idempotent=True,
                errors=(UnknownPbxError,),
            ),
            _read("/dial-permissions/refusals", self.refusals, "What was not dialled, the newest first"),
            _read("/dial-permissions/refusals/counts", self.counts, "How often was refused for which reason"),
        )

    async def show(self, asked: Asked[Nothing, Nothing, Nothing]) -> DialPermissionsView:
        """What may be dialled."""
        async with self._parts.pool.acquire() as connection:
            return await self._view(connection)

    async def change(self, asked: Asked[Nothing, Nothing, DialPermissionsChange]) -> DialPermissionsView:
        """Change the rules of the site."""
        body, who, now = asked.body, asked.principal, datetime.now(UTC)
        async with self._parts.pool.acquire() as connection, connection.transaction():
            policy = await store.read_policy(connection, lock=True)
            if policy.version != body.version:
                raise StaleVersionError
            new = _changed(policy, body)
            for scope in (Scope.USER, Scope.KEY):
                _below_company(scope, _limits_of(new, scope), new.company)
            await self.check_giver(connection, who, _widened(policy, new), company=(policy, new), now=now)
            await store.save_policy(connection, new, by=who.id, now=now)
            facts = await _changed_fact(connection, who, "policy", sorted(body.model_fields_set - {"version"}))
            view = await self._view(connection)
        tell(self._parts, facts)
        return view

    async def put_exception(self, asked: Asked[Nothing, Nothing, NewException]) -> DialExceptionView:
        """Enter or change an exception."""
        body, who, now = asked.body, asked.principal, datetime.now(UTC)
        if sum(x is not None for x in (body.role, body.team, body.user, body.key)) != 1:
            raise refused_value("user", "Name exactly one of role, team, user and key.")
        _known_regions(body.countries)
        wanted = DialException(
            countries=frozenset(body.countries),
            kinds=frozenset(body.kinds),
            prefixes=prefix_rules(body.prefixes),
            limits=DialLimits(**body.limits.model_dump()),
        )
        async with self._parts.pool.acquire() as connection, connection.transaction():
            await _check_subject(connection, body)
            _below_company(None, wanted.limits, (await store.read_policy(connection)).company)
            await self.check_giver(connection, who, wanted, now=now)
            id_ = await store.save_exception(
                connection,
                wanted,
                role=body.role,
                team_id=body.team,
                user_id=body.user,
                key_id=body.key,
                note=body.note,
                version=body.version,
                by=who.id,
                now=now,
            )
            kept = await store.read_exception(connection, id_) if id_ is not None else None
            if kept is None:
                raise StaleVersionError
            facts = await _changed_fact(connection, who, f"exception:{kept.id}", sorted(body.model_fields_set))
        tell(self._parts, facts)
        return exception_view(kept)

    async def drop_exception(self, asked: Asked[ExceptionPath, Nothing, Nothing]) -> None:
        """Take an exception away; who is no administrator may do so only where it gives more than it takes."""
        id_, who = asked.path.exception_id, asked.principal
        async with self._parts.pool.acquire() as connection, connection.transaction():
            if not await store.drop_exception(connection, id_):
                raise NotFoundError
            if who.role is not Role.ADMIN:
                raise NotAllowed("Only an administrator takes exceptions away, for some of them forbid.")
            facts = await _changed_fact(connection, who, f"exception:{id_}", ["removed"])
        tell(self._parts, facts)

    async def check(self, asked: Asked[Nothing, Nothing, DialQuestion]) -> DialAnswer | web.Response:
        """What would happen if this were dialled."""
        body, who, now = asked.body, asked.principal, datetime.now(UTC)
        user = body.user or own_user(who)
        if user is not None and user != own_user(who) and not allowed(who, Right.DIALLING_READ):
            raise NotAllowed("You may ask for yourself only; asking for others needs the right dialling.read.")
        plan = self._parts.directory(body.pbx).plan if body.pbx else self._parts.plan
        key = who.id.removeprefix("key:") if who.id.startswith("key:") else None

        async def work(connection: Connection) -> tuple[DialAnswer, Sequence[NewFact]]:
            verdict = await store.would_dial(
                connection,
                user_id=user,
                key_id=key,
                number=body.number,
                purpose=body.purpose,
                now=now,
                plan=plan,
                pbx=body.pbx,
            )
            rules = await store.rules_of(connection, user_id=user, key_id=key, plan=plan, now=now)
            return DialAnswer(
                allowed=verdict.allowed,
                reason=verdict.reason,
                sentence=verdict.sentence,
                number=verdict.number,
                region=verdict.region,
                foreign=verdict.foreign,
                again_at=verdict.again_at,
                countries=tuple(sorted(rules.countries)),
                limits=limits_view(rules.user),
            ), ()

        return await do_once(self._parts, asked, work, status=200)

    async def refusals(self, asked: Asked[Nothing, RefusalsQuery, Nothing]) -> Page[RefusalView]:
        """A page of what was not dialled."""
        query = asked.query
        place = read_cursor("refusals", query.cursor, RefusalPlace)
        found = await dial_refusals.list_refusals(
            self._parts.pool,
            user=query.user,
            key=query.key,
            reason=query.reason,
            since=query.since,
            until=query.until,
            before=(place.at, place.id) if place else None,
            limit=query.limit + 1,
        )
        names = {"user_id": "user", "key_id": "key"}
        rows = [
            (
                RefusalView.model_validate({names.get(k, k): v for k, v in asdict(r).items()}),
                RefusalPlace(at=r.at, id=r.id),
            )
            for r in found
        ]
        return page("refusals", rows, query.limit)

    async def counts(self, asked: Asked[Nothing, CountsQuery, Nothing]) -> RefusalCounts:
        """How often was refused."""
        since = asked.query.since or datetime.now(UTC) - timedelta(days=1)
        reasons = await dial_refusals.count_refusals(self._parts.pool, since)
        return RefusalCounts(since=since, total=sum(reasons.values()), reasons=reasons)

    @property
    def _plan(self) -> NumberPlan:
        return self._parts.plan

    async def _view(self, connection: Connection) -> DialPermissionsView:
        policy, exceptions = await store.read_policy(connection), await store.list_exceptions(connection)
        home = self._plan.region
        return DialPermissionsView(
            home=home,
            countries=tuple(sorted(policy.countries)),
            allowed_countries=tuple(sorted(policy.countries or ({home} - {"ZZ"}))),
            kinds=tuple(sorted(policy.kinds)),
            prefixes=prefix_views(policy.prefixes),
            internal_targets=policy.internal_targets,
            user_limits=limits_view(policy.user),
            key_limits=limits_view(policy.key),
            company_limits=limits_view(policy.company),
            burst=policy.burst,
            burst_minutes=policy.burst_minutes,
            exceptions=tuple(exception_view(e) for e in exceptions),
            version=policy.version,
        )

    async def check_giver(
        self,
        connection: Connection,
        who: Principal,
        wanted: DialException,
        *,
        company: tuple[DialPolicy, DialPolicy] | None = None,
        now: datetime,
    ) -> None:
        """Let him go on who gives others no more than he has.

        Raises:
            NotAllowed: he would, and is no administrator.
        """
        if who.role is Role.ADMIN:
            return
        own: DialRules = await store.rules_of(
            connection, user_id=own_user(who), key_id=who.id.removeprefix("key:"), plan=self._plan, now=now
        )
        field = beyond(own, wanted)
        if field is None and company is not None:
            before, after = company
            raised = above(before.company, after.company) or above(before.key, after.key)
            field = raised or ("internal_targets" if after.internal_targets != before.internal_targets else None)
        if field is not None:
            raise NotAllowed(f"You would give more in `{field}` than you have yourself; ask an administrator.")


def _read(path: str, handler: object, summary: str) -> Route:
    return Route(
        method="GET",
        path=path,
        handler=handler,  # type: ignore[arg-type]
        summary=summary,
        right=Right.DIALLING_READ,
        tag="dialling",
    )


async def _check_subject(connection: Connection, body: NewException) -> None:
    found = await connection.fetchval(
        "select case when $1::bigint is not null then exists (select from team where id = $1)"
        " when $2::bigint is not null then exists (select from users where id = $2)"
        " when $3::text is not null then exists (select from api_key where key_id = $3) else true end",
        body.team,
        body.user,
        body.key,
    )
    if not found:
        name = "team" if body.team else "user" if body.user else "key"
        raise refused_value(name, "Nothing has this id.")


def _changed(policy: DialPolicy, body: DialPermissionsChange) -> DialPolicy:
    """The policy after a change."""
    changes: dict[str, object] = {
        name: getattr(body, name) for name in ("burst", "burst_minutes") if getattr(body, name) is not None
    }
    if body.countries is not None:
        _known_regions(body.countries)
        changes["countries"] = frozenset(body.countries)
    if body.kinds is not None:
        changes["kinds"] = frozenset(body.kinds)
    if body.prefixes is not None:
        changes["prefixes"] = prefix_rules(body.prefixes)
    if body.internal_targets is not None:
        changes["internal_targets"] = body.internal_targets
    for scope in Scope:
        limits: LimitsBody | None = getattr(body, f"{scope}_limits")
        if limits is not None:
            given = {name: getattr(limits, name) for name in limits.model_fields_set}
            changes[scope.value] = replace(_limits_of(policy, scope), **given)
    return replace(policy, **changes)  # type: ignore[arg-type]


def _limits_of(policy: DialPolicy, scope: Scope) -> DialLimits:
    found: DialLimits = getattr(policy, scope.value)
    return found


def _widened(before: DialPolicy, after: DialPolicy) -> DialException:
    """What a change of the policy gives that was not given before."""
    forbade = {p for p in before.prefixes if not p.allowed} - set(after.prefixes)
    opened = tuple(replace(p, allowed=True) for p in forbade)
    unlimited = any(
        after.user.of(span) is None and before.user.of(span) is not None for span in Span
    )  # no limit is more than any limit
    raised = DialLimits(minute=10**9, hour=10**9, day=10**9, foreign_day=10**9) if unlimited else after.user
    return DialException(
        countries=after.countries - before.countries,
        kinds=after.kinds - before.kinds,
        prefixes=(*(p for p in after.prefixes if p not in before.prefixes), *opened),
        limits=raised,
    )


def _below_company(scope: Scope | None, limits: DialLimits, company: DialLimits) -> None:
    """A limit of one above that of all would only deceive."""
    if (span := above(company, limits)) is not None:
        name = f"{scope}_limits/{span}" if scope else f"limits/{span}"
        raise refused_value(
            name, f"The limit of the whole company is {company.of(Span(span))}; raise `company_limits` first."
        )


def _known_regions(regions: Sequence[str]) -> None:
    for place, region in enumerate(regions):
        if region not in phonenumbers.SUPPORTED_REGIONS:
            raise refused_value(f"countries/{place}", "No country of this code is known; write one like PL.")


async def _changed_fact(connection: Connection, who: Principal, what: str, fields: Sequence[str]) -> list[NewFact]:
    """Audit a change and tell supervisors and administrators of it."""
    detail: dict[str, object] = {"fields": list(fields)}
    await write_audit(connection, actor=who.id, action="dialling.change", object=f"dialling:{what}", detail=detail)
    fact = NewFact(
        kind="dialling.changed",
        body={"by": who.id, "what": what, "fields": list(fields)},
        users=await dial_refusals.watchers_of(connection),
    )
    await save_facts(connection, [fact])
    return [fact]
